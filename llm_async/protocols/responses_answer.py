"""What a response object of the Responses API means.

What belongs here: the body of a whole response as an Answer, and the readings of single output items that the stream
needs as well. Both ways of asking end here, so that they cannot differ. How a stream becomes a body is
``responses_reader.py``'s knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from .._json import dumps_text
from ..errors import APIStatusError, ProtocolError
from ..models import Message, ToolCall
from ..models.tool_call import SERVER_RUN
from .base import Answer
from .failures import event_error
from .text import repair
from .usage import in_tier, responses_usage

__all__ = [
    "answer_of",
    "as_text",
    "call_text",
    "error_of",
    "item_reasoning",
    "item_refusal",
    "item_said",
    "item_text",
    "item_tool_call",
]

# incomplete_details.reason
_INCOMPLETE = {
    "max_output_tokens": "length",
    "max_tokens": "length",  # not OpenAI's
    "content_filter": "content_filter",
    "max_messages": "pause",
    "steered": "pause",
}
_HEALTHY = ("completed", "incomplete", "in_progress", "queued", "cancelled")


def error_of(body: Mapping[str, Any]) -> APIStatusError | None:
    """The error that a body of a 200 is, or None.

    A response with the status ``failed`` is one, and so is any body with an ``error`` that is no response. ``cancelled``
    is none: the caller has cancelled it.
    """
    error = body.get("error")
    if body.get("status") == "failed":
        return event_error(error or {}, dict(body))
    if error and body.get("status") not in _HEALTHY:
        return event_error(error, dict(body))
    if "output" in body or "choices" in body or "output_text" in body or "status" in body:
        return None
    if body.get("object") == "error" or body.get("type") == "error" or "detail" in body or "message" in body:
        return event_error(dict(body), dict(body))
    return None


def answer_of(body: dict[str, Any]) -> Answer:
    """The answer that a response object is, whatever its status.

    Raises:
        ProtocolError: the body is no response object.
    """
    output = body.get("output")
    items = [_with_call_id(item) for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    if not items and not isinstance(body.get("output_text"), str) and body.get("status") is None and output is None:
        raise ProtocolError("the provider sent a body that is no response", payload=body)
    usage = body.get("usage")
    return Answer(
        message=_message(body, items),
        original=body,
        usage=in_tier(responses_usage(usage), body) if isinstance(usage, dict) else None,
        id=_name(body.get("id")),
        model=_name(body.get("model")),
    )


def _message(body: Mapping[str, Any], items: list[dict[str, Any]]) -> Message:
    text = "".join(map(item_text, items))
    if not items and isinstance(body.get("output_text"), str):
        text = repair(body["output_text"])
    refusal = "".join(map(item_refusal, items)) or None
    own = _declared(body.get("tools"))
    calls = [call for item in items if (call := item_tool_call(item, own)) is not None]
    finish_reason = _finish_reason(body, refusal, calls)
    for call in calls:
        call.incomplete = finish_reason not in ("tool_calls", "stop") and _is_cut_off(call)
    reasoning = [item for item in items if item.get("type") == "reasoning"]
    return Message(
        role="assistant",
        content=text,
        tool_calls=calls or None,
        reasoning="".join(map(item_reasoning, items)) or None,
        reasoning_details=[dict(item) for item in reasoning] or None,
        stop_reason=_stop_reason(body, finish_reason, calls),
        original=_original(text, refusal, calls, reasoning, items),
        refusal=refusal,
        finish_reason=finish_reason,
    )


def _original(
    text: str,
    refusal: str | None,
    calls: list[ToolCall],
    reasoning: list[dict[str, Any]],
    items: list[dict[str, Any]],
) -> dict[str, Any]:
    """The answer as a message to send back: Chat's shape, and in ``output`` the items themselves, which this API wants."""
    original: dict[str, Any] = {"role": "assistant", "content": text}
    client_calls = [call for call in calls if call.type != SERVER_RUN]
    if client_calls:
        original["tool_calls"] = [
            {"id": call.id, "type": call.type, "function": call.function, "input": call.input} for call in client_calls
        ]
    if refusal:
        original["refusal"] = refusal
    if reasoning:
        original["reasoning_details"] = [dict(item) for item in reasoning]
    if items:
        original["output"] = items
    return original


# ---- why it ended


def _finish_reason(body: Mapping[str, Any], refusal: str | None, calls: Iterable[ToolCall]) -> str:
    status = body.get("status")
    if status in ("failed", "cancelled"):
        return "error"
    if status in ("queued", "in_progress"):
        return "pause"
    details = body.get("incomplete_details")
    if status == "incomplete" or details:
        reason = details.get("reason") if isinstance(details, Mapping) else None
        return "length" if reason is None else _INCOMPLETE.get(str(reason), "unknown")
    if any(call.type != SERVER_RUN for call in calls):
        return "tool_calls"
    if refusal:
        return "refusal"
    return "stop" if status in ("completed", None) else "unknown"


def _stop_reason(body: Mapping[str, Any], finish_reason: str, calls: Iterable[ToolCall]) -> str | None:
    """A word that is derived, because the API has none: ``status`` and ``incomplete_details`` are in the body."""
    if any(call.type != SERVER_RUN for call in calls):
        return "tool_calls"
    if body.get("status") == "incomplete" or body.get("incomplete_details"):
        return "length"
    return "stop" if finish_reason in ("stop", "refusal") else None


# ---- single items


def item_text(item: Mapping[str, Any]) -> str:
    """What an item adds to the answer's text: the ``output_text`` of a message."""
    if item.get("type") not in ("message", None):
        return ""
    content = item.get("content")
    return repair(content) if isinstance(content, str) else _texts(content, ("output_text", "text"))


def item_refusal(item: Mapping[str, Any]) -> str:
    """What an item adds to the answer's refusal."""
    return _texts(item.get("content"), ("refusal",), "refusal") if item.get("type") == "message" else ""


def item_reasoning(item: Mapping[str, Any]) -> str:
    """What an item adds to the visible reasoning: its summary, else its content."""
    if item.get("type") != "reasoning":
        return ""
    content = item.get("content")
    if isinstance(content, str):
        content = [{"type": "reasoning_text", "text": content}]
    return _texts(item.get("summary"), ("summary_text",)) or _texts(content, ("reasoning_text", "text"))


def call_text(item: Mapping[str, Any]) -> str:
    """The arguments of a ``function_call`` or the input of a ``custom_tool_call``, as text."""
    return repair(as_text(item.get("input" if item.get("type") == "custom_tool_call" else "arguments")))


def _with_call_id(item: dict[str, Any]) -> dict[str, Any]:
    """The item; a call whose server gave it no call id gets one, since its result has to name it."""
    if item.get("type") not in ("function_call", "custom_tool_call") or item.get("call_id"):
        return item
    return {**item, "call_id": _name(item.get("id")) or f"call_{uuid4().hex[:24]}"}


def item_said(item: Mapping[str, Any]) -> str:
    """Everything that a stream hands over of an item in pieces."""
    if item.get("type") in ("function_call", "custom_tool_call"):
        return call_text(item)
    return item_text(item) + item_refusal(item) + item_reasoning(item)


def item_tool_call(item: Mapping[str, Any], declared: frozenset[str] | None = None) -> ToolCall | None:
    """The call that an item is, or None.

    A custom call of a tool that the response does not list among its ``tools`` was run by the provider (xAI's X search):
    its type is ``server_tool_use``, and nobody has to run it. ``declared`` None: it is not known which tools there are.
    """
    kind, name, text = item.get("type"), _name(item.get("name")) or "", call_text(item)
    call_id = _name(item.get("call_id")) or _name(item.get("id")) or ""
    item_id = _name(item.get("id")) or call_id
    if kind == "function_call":
        return ToolCall.from_responses_api_function_call(item_id, call_id, name, text)
    if kind == "custom_tool_call":
        return ToolCall(
            id=item_id,
            type="custom" if declared is None or name in declared else SERVER_RUN,
            name=name,
            input={"call_id": call_id},
            function={"name": name, "arguments": text},
        )
    return None


def _declared(tools: Any) -> frozenset[str] | None:
    """The names of the tools that a response lists, those in namespaces too; None where the list need not be all.

    Not all: no list, an empty one (servers that do not repeat the request), and where a search brings in more tools.
    """
    if not isinstance(tools, list) or not tools:
        return None
    names: set[str] = set()
    for tool in tools:
        if not isinstance(tool, Mapping) or tool.get("type") == "tool_search":
            return None
        names.add(str(tool.get("name")))
        names |= _declared(tool.get("tools")) or set()
    return frozenset(names)


def _is_cut_off(call: ToolCall) -> bool:
    """Whether the arguments are those of a call that the model did not get to the end of."""
    return not call.arguments_text or (call.type == "function" and not isinstance(call.arguments, dict))


def _texts(parts: Any, kinds: tuple[str, ...], key: str = "text") -> str:
    if not isinstance(parts, list):
        return ""
    found = [part.get(key) for part in parts if isinstance(part, Mapping) and part.get("type") in kinds]
    return repair("".join(text for text in found if isinstance(text, str)))


def as_text(value: Any) -> str:
    """A text, or what stands where a text belongs: nothing, or the JSON that should have been written as text."""
    if isinstance(value, str):
        return value
    return "" if value is None else dumps_text(value)


def _name(value: Any) -> str | None:
    """An id or a name; None where it is missing or empty."""
    return str(value) if value else None
