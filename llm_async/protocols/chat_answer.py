"""A body of Chat Completions as an Answer: of a whole answer, and of what a stream has added up to.

What belongs here: what the fields of a body mean, which bodies are errors in disguise, and why the model stopped, in one
vocabulary. Both ways of asking end here, so that they cannot differ.

The bodies come from hundreds of servers that imitate the API. ``content`` is a text, null or a list of parts (Mistral);
``tool_calls`` may lack ids; ``arguments`` may be an object; ``finish_reason`` may be null, empty or another API's word; a
choice may have no message (Azure, when its filter struck).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from .._json import dumps_text, loads
from ..errors import APIStatusError, ProtocolError
from ..models import Message, ToolCall
from .base import Answer
from .failures import event_error
from .text import repair
from .usage import chat_usage, in_tier

__all__ = [
    "REASONING_FIELDS",
    "arguments_text",
    "as_index",
    "called_function",
    "choice_index",
    "error_in",
    "make_answer",
    "part_texts",
    "read_answer",
    "says_something",
    "unified_finish_reason",
]

# The fields that servers put the model's reasoning in. Where both are filled they hold the same text.
REASONING_FIELDS = ("reasoning_content", "reasoning")

_DIGITS = re.compile("[0-9]{1,9}")

_FINISH_REASONS = {
    "stop": "stop",
    "complete": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "function_call": "tool_calls",
    "tool_call": "tool_calls",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "length": "length",
    "max_output_tokens": "length",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "prohibited_content": "content_filter",
    "recitation": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "refusal": "refusal",
    "pause_turn": "pause",
    "abort": "error",
    "error": "error",
    "insufficient_system_resource": "error",
    "network_error": "error",
}


def read_answer(body: dict[str, Any]) -> Answer:
    """The Answer in a whole body.

    Raises:
        APIStatusError: the body is an error, although its status was 200.
        ProtocolError: the body has no choices.
    """
    error = error_in(body)
    if error is None and not body.get("choices") and isinstance(body.get("message"), str):
        error = event_error(body, body)
    if error is not None:
        raise error
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise ProtocolError(f"the answer has no choices: {_shown(body)}", payload=body)
    if not all(isinstance(choice, dict) for choice in choices):
        raise ProtocolError(f"the answer has a choice that is no object: {_shown(body)}", payload=body)
    return make_answer(body)


def make_answer(body: dict[str, Any], *, whole: bool = True) -> Answer:
    """The Answer in a body that is no error; with ``whole=False`` of as much as a broken stream brought."""
    choice = _first_choice(body)
    message = choice.get("message")
    if not isinstance(message, dict):
        message = choice.get("delta")
    if not isinstance(message, dict):
        message = {"role": "assistant", "content": ""}
    text, thinking, refusal = _texts(message)
    native = choice.get("finish_reason")
    stop_reason = native if isinstance(native, str) else None
    entries, calls, original = _call_entries(message), [], message
    if entries:
        calls = [_tool_call(entry) for entry in entries]
        if not all(entry.get("id") for entry in entries):
            # What is sent back has to name the calls as their results will.
            original = {
                **message,
                "tool_calls": [{**entry, "id": call.id} for entry, call in zip(entries, calls, strict=True)],
            }
    finish_reason = unified_finish_reason(
        stop_reason, called=bool(calls), refused=bool(refusal), said=bool(text), whole=whole
    )
    if finish_reason == "length" or not whole:
        for call in calls:
            call.incomplete = _is_incomplete(call)
    details = message.get("reasoning_details")
    usage = body.get("usage")
    return Answer(
        message=Message(
            role="assistant",
            content=text,
            tool_calls=calls or None,
            reasoning=_reasoning(message) or thinking or None,
            reasoning_details=details if isinstance(details, list) else None,
            stop_reason=stop_reason,
            original=original,
            refusal=refusal or None,
            finish_reason=finish_reason,
        ),
        original=body,
        usage=in_tier(chat_usage(usage), body) if isinstance(usage, dict) and usage else None,
        id=_name(body.get("id")),
        model=_name(body.get("model")),
    )


# ---- errors


def error_in(body: Mapping[str, Any]) -> APIStatusError | None:
    """The error that a body or an event is, or None.

    An ``error`` counts before everything else, also beside choices, also inside one (OpenRouter), also as ``x_groq.error``.
    Without choices, an error may stand at the top: ``{"object": "error", …}`` (Mistral, older vLLM), ``{"message", "code"}``,
    ``{"message", "type": "server_error"}``, ``{"detail"}`` (FastAPI). A ``finish_reason`` of ``error`` is one too, also
    without any of these (Mistral, OpenRouter): the provider gave up, and what it had said so far must not pass for an
    answer.
    """
    groq = body.get("x_groq")
    error = body.get("error") or (isinstance(groq, dict) and groq.get("error"))
    if error:
        return event_error(error, body)
    choices = body.get("choices")
    if isinstance(choices, list) and choices:
        for choice in choices:
            if not isinstance(choice, dict):
                continue
            if choice.get("error"):
                return event_error(choice["error"], body)
            if choice.get("finish_reason") == "error":
                return event_error({"message": "the provider gave up: finish_reason is 'error'"}, body)
        return None
    if (
        body.get("object") == "error"
        or body.get("type") == "error"
        or body.get("detail")
        or (isinstance(body.get("message"), str) and (body.get("code") or "error" in str(body.get("type"))))
    ):
        return event_error(body, body)
    return None


# ---- what a message says


def part_texts(part: Any) -> tuple[str, str, str]:
    """Text, reasoning and refusal of one part of a message's content; a part may also be a bare text."""
    if isinstance(part, str):
        return part, "", ""
    if not isinstance(part, dict):
        return "", "", ""
    kind = part.get("type", "text")
    if kind == "thinking":
        inner = part.get("thinking")
        if isinstance(inner, list):
            inner = "".join(part_texts(piece)[0] for piece in inner)
        return "", inner if isinstance(inner, str) else "", ""
    if kind == "refusal":
        return "", "", _string(part.get("refusal"))
    if kind in ("text", "output_text"):
        return _string(part.get("text")), "", ""
    return "", "", ""


def _texts(message: Mapping[str, Any]) -> tuple[str, str, str]:
    """Text, reasoning and refusal of a message, each ``""`` where there is none."""
    content = message.get("content")
    refusal = _string(message.get("refusal"))
    if isinstance(content, str):
        return repair(content), "", repair(refusal)
    if isinstance(content, dict):
        content = [content]
    texts = [part_texts(part) for part in content] if isinstance(content, list) else []
    text, thinking, refused = ("".join(column) for column in zip(*texts, strict=True)) if texts else ("", "", "")
    return repair(text), repair(thinking), repair(refusal or refused)


def _reasoning(message: Mapping[str, Any]) -> str:
    for field in REASONING_FIELDS:
        text = message.get(field)
        if isinstance(text, str) and text:
            return repair(text)
    return ""


def _call_entries(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tool calls of a message as received; its legacy ``function_call`` in that shape when there are none.

    Some servers fill the fields with empty strings instead of leaving them out (Snowflake): that is no call.
    """
    found, legacy = message.get("tool_calls"), message.get("function_call")
    if not found and not legacy:
        return []
    found = [found] if isinstance(found, dict) else found if isinstance(found, list) else []
    entries = [entry for entry in found if isinstance(entry, dict) and says_something(entry)]
    if not entries and isinstance(legacy, dict) and legacy.get("name"):
        entries = [{"type": "function", "function": legacy}]
    return entries


def _tool_call(entry: Mapping[str, Any]) -> ToolCall:
    kind, name, arguments = called_function(entry)
    id_ = entry.get("id")
    text = repair(arguments_text(arguments))
    return ToolCall(
        id=str(id_) if id_ else f"call_{uuid4().hex[:24]}",
        type=kind,
        name=name,
        function={"name": name, "arguments": text},
    )


def called_function(entry: Mapping[str, Any]) -> tuple[str, str, Any]:
    """Kind, name and arguments of a tool call or of a piece of one; ``""`` and None for what is not there.

    A call to a custom tool has its free text in ``custom.input``. Servers exist that send an empty ``custom`` with every
    call (Snowflake), and others that leave out ``function`` and have its fields in the call itself.
    """
    function, custom = entry.get("function"), entry.get("custom")
    if isinstance(custom, dict) and (entry.get("type") == "custom" or not isinstance(function, dict)):
        return "custom", _string(custom.get("name")), custom.get("input")
    if not isinstance(function, dict):
        function = entry
    return "function", _string(function.get("name")), function.get("arguments")


def arguments_text(arguments: Any) -> str:
    """Arguments as text: JSON where the server sent an object, ``""`` for none."""
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else dumps_text(arguments)


def says_something(entry: Mapping[str, Any]) -> bool:
    """Whether a tool call, or a piece of one, has anything in it."""
    _, name, arguments = called_function(entry)
    return bool(entry.get("id") or name or arguments)


def _is_incomplete(call: ToolCall) -> bool:
    text = call.arguments_text
    if call.type == "custom":
        return not text
    try:
        loads(text)
    except ValueError:
        return True
    return False


# ---- the end of a message


def unified_finish_reason(native: str | None, *, called: bool, refused: bool, said: bool, whole: bool = True) -> str:
    """Why the model stopped, in one vocabulary.

    Args:
        native: the choice's ``finish_reason``.
        called: the message has tool calls. Many servers say ``stop`` then.
        refused: the message has a refusal. OpenAI says ``stop`` then.
        said: the message has text.
        whole: the answer is complete. Some servers send no reason at all (Snowflake).
    """
    if refused:
        return "refusal"
    if native:
        reason = _FINISH_REASONS.get(native.strip().lower(), "unknown")
        return "tool_calls" if called and reason == "stop" else reason
    if not whole:
        return "unknown"
    return "tool_calls" if called else "stop" if said else "unknown"


# ---- the body around the message


def choice_index(choice: Mapping[str, Any]) -> int:
    """The ``index`` of a choice; 0 where a server leaves it out."""
    index = choice.get("index")
    return index if isinstance(index, int) else as_index(index) or 0


def as_index(value: Any) -> int | None:
    """An ``index`` as a number, also where a server sends its digits as a text; None where there is none."""
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else None


def _first_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The choice that the Message is made of: number 0, else the first one there is."""
    choices: list[dict[str, Any]] = body.get("choices") or []
    return next((choice for choice in choices if choice_index(choice) == 0), choices[0] if choices else {})


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(value: Any) -> str | None:
    """An id or a model's name; None where it is missing or empty."""
    return str(value) if value else None


def _shown(body: Mapping[str, Any], length: int = 200) -> str:
    text = dumps_text(body)
    return text if len(text) <= length else text[:length] + "…"
