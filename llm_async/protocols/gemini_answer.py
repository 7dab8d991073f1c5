"""A ``GenerateContentResponse`` as an Answer: of a whole body, and of what a stream has added up to.

What belongs here: what the fields of a body mean and why the model stopped, in one vocabulary. Both ways of asking end
here, so that they cannot differ.

From the reference and from recorded answers: the Message is made of candidate 0. Text parts with ``thought`` are reasoning.
``finishReason`` is ``STOP`` also when the model calls functions. A blocked prompt has no candidates but a
``promptFeedback.blockReason``; a candidate may have no ``content``, and a ``content`` no ``parts``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import uuid4

from .._json import dumps_text
from ..errors import ProtocolError
from ..models import Message, ToolCall
from ..models.tool_call import ServerId
from .base import Answer
from .failures import event_error
from .text import repair
from .usage import gemini_usage

__all__ = [
    "call_id",
    "checked_list",
    "checked_object",
    "indexed_candidates",
    "make_answer",
    "read_answer",
    "unified_finish_reason",
]

# FinishReason, in the references of both APIs.
_FINISH_REASONS: dict[Any, str] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "IMAGE_OTHER": "content_filter",
    "CONTINUATION": "pause",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "NO_IMAGE": "error",
    "OTHER": "error",
    # Their numbers, which come when `$alt=json;enum-encoding=int` is asked for. Those of the two APIs agree up to 5; 6 to 8
    # are LANGUAGE, BLOCKLIST, PROHIBITED_CONTENT in one and BLOCKLIST, PROHIBITED_CONTENT, SPII in the other.
    1: "stop",
    2: "length",
    3: "content_filter",
    4: "content_filter",
    5: "error",
    6: "content_filter",
    7: "content_filter",
    8: "content_filter",
}

# A body without any of these is no GenerateContentResponse.
_FIELDS = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"})


def read_answer(body: dict[str, Any]) -> Answer:
    """The Answer in a whole body.

    Raises:
        APIStatusError: the body is an error, although its status was 200.
        ProtocolError: the body is not what the API sends.
    """
    if body.get("error"):
        raise event_error(body["error"], body)
    if not body.keys() & _FIELDS:
        raise ProtocolError(f"the answer is no GenerateContentResponse: {_shown(body)}", payload=body)
    return make_answer(body)


def make_answer(body: dict[str, Any], *, ids: Sequence[str] = (), unfinished: Collection[int] = ()) -> Answer:
    """The Answer in a body that is no error.

    Args:
        body: a GenerateContentResponse.
        ids: the ids of the first candidate's calls, where they have been handed over already.
        unfinished: the places of the calls that were broken off while their arguments came.

    Raises:
        ProtocolError: the body is not what the API sends.
    """
    candidate = _first_candidate(body)
    content = checked_object(candidate.get("content"), "the content of a candidate")
    parts = [checked_object(part, "a part") for part in checked_list(content.get("parts"), "the parts of a candidate")]
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[ToolCall] = []
    for part in parts:
        text = part.get("text")
        if isinstance(text, str):
            (thoughts if part.get("thought") else texts).append(text)
        elif text is not None:
            raise ProtocolError(f"the text of a part is no string: {_shown(part)}", payload=part)
        elif part.get("functionCall"):
            known = ids[len(calls)] if len(calls) < len(ids) else None
            calls.append(_tool_call(part["functionCall"], known))
    stop_reason = candidate.get("finishReason") or None
    feedback = checked_object(body.get("promptFeedback"), "promptFeedback")
    finish_reason = unified_finish_reason(stop_reason, called=bool(calls), blocked=bool(feedback.get("blockReason")))
    for place, call in enumerate(calls):
        is_guess = isinstance(call.arguments, str) or not call.arguments
        call.incomplete = place in unfinished or (finish_reason == "length" and is_guess)
    usage = checked_object(body.get("usageMetadata"), "usageMetadata")
    return Answer(
        message=Message(
            role="assistant",
            content=repair("".join(texts)),
            tool_calls=calls or None,
            reasoning=repair("".join(thoughts)) or None,
            stop_reason=stop_reason,
            original={"role": "assistant", "parts": parts},
            finish_reason=finish_reason,
        ),
        original=body,
        usage=gemini_usage(usage) if usage else None,
        id=body.get("responseId") or None,
        model=body.get("modelVersion") or None,
    )


def unified_finish_reason(native: Any, *, called: bool, blocked: bool) -> str:
    """Why the model stopped, in one vocabulary.

    Args:
        native: the candidate's ``finishReason``, or None.
        called: the candidate has function calls.
        blocked: ``promptFeedback`` has a ``blockReason``.
    """
    if native is None:
        return "content_filter" if blocked else "unknown"
    reason = _FINISH_REASONS.get(native, "unknown") if isinstance(native, (str, int)) else "unknown"
    return "tool_calls" if called and reason == "stop" else reason


def call_id(function: Mapping[str, Any]) -> str:
    """The id of a call: the API's own, or one that is made up where it gave none (Gemini 2, Vertex AI)."""
    id = function.get("id")
    return ServerId(id) if id else f"call_{uuid4().hex[:24]}"


def indexed_candidates(value: Any) -> list[tuple[int, dict[str, Any]]]:
    """The candidates in a body or an event, each with its ``index``. It is left out where it is 0, or altogether."""
    candidates = [checked_object(candidate, "a candidate") for candidate in checked_list(value, "the candidates")]
    if len(candidates) > 1 and not any("index" in candidate for candidate in candidates):
        return list(enumerate(candidates))
    return [(_index(candidate), candidate) for candidate in candidates]


def _index(candidate: Mapping[str, Any]) -> int:
    index = candidate.get("index") or 0
    if not isinstance(index, int):
        raise ProtocolError(f"the index of a candidate is no number: {_shown(index)}", payload=index)
    return index


def checked_object(value: Any, what: str) -> dict[str, Any]:
    """A JSON object, empty for null; ProtocolError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProtocolError(f"{what} is no object: {_shown(value)}", payload=value)
    return value


def checked_list(value: Any, what: str) -> list[Any]:
    """A JSON array, empty for null; ProtocolError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ProtocolError(f"{what} are no list: {_shown(value)}", payload=value)
    return value


def _first_candidate(body: Mapping[str, Any]) -> dict[str, Any]:
    candidates = indexed_candidates(body.get("candidates"))
    return min(candidates, key=lambda pair: pair[0])[1] if candidates else {}


def _tool_call(function: Any, known_id: str | None) -> ToolCall:
    function = checked_object(function, "a function call")
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise ProtocolError(f"a function call has no name: {_shown(function)}", payload=function)
    arguments = function.get("args")
    return ToolCall(
        id=known_id if known_id is not None else call_id(function),
        type="function",
        function={"name": name, "arguments": {} if arguments is None else arguments},
    )


def _shown(value: Any, length: int = 200) -> str:
    text = dumps_text(value)
    return text if len(text) <= length else text[:length] + "…"
