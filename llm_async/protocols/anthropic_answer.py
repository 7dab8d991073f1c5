"""What the Messages API answers, as an Answer.

What belongs here: reading a message object, be it a body or what ``anthropic_reader.py`` has put together of a stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from .._json import dumps_text, loads
from ..errors import ProtocolError
from ..models import Message, ToolCall
from .base import Answer
from .text import repair
from .usage import anthropic_usage

__all__ = ["content_blocks", "finish_reason", "message_answer", "tool_input", "with_id", "word"]

# "Handling stop reasons" in the API's documentation.
_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
}


def finish_reason(stop_reason: str | None, calls: int) -> str:
    """The unified word. Some imitators say that the turn has ended although they call tools."""
    reason = _FINISH_REASONS.get(stop_reason or "", "unknown")
    return "tool_calls" if reason == "stop" and calls else reason


def message_answer(message: dict[str, Any]) -> Answer:
    """The answer in a message object.

    Raises:
        ProtocolError: the content is no list of blocks.
    """
    blocks = [with_id(block) for block in content_blocks(message)]
    stop_reason = word(message.get("stop_reason"))
    finish = finish_reason(stop_reason, sum(block.get("type") == "tool_use" for block in blocks))
    thinking = [block for block in blocks if block.get("type") in ("thinking", "redacted_thinking")]
    details = message.get("stop_details")
    usage = message.get("usage")
    return Answer(
        message=Message(
            role="assistant",
            content=_joined(blocks, "text"),
            tool_calls=[
                _tool_call(block, cut=finish in ("length", "refusal"))
                for block in blocks
                if block.get("type") == "tool_use"
            ]
            or None,
            reasoning=_joined(thinking, "thinking") or None,
            reasoning_details=thinking or None,
            stop_reason=stop_reason,
            original={"role": "assistant", "content": blocks},
            refusal=word(details.get("explanation")) if finish == "refusal" and isinstance(details, dict) else None,
            finish_reason=finish,
        ),
        original=message,
        usage=anthropic_usage(usage) if isinstance(usage, dict) and usage else None,
        id=word(message.get("id")),
        model=word(message.get("model")),
    )


def content_blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a message; null is none, and a plain text, as imitators send it, is one."""
    content = message.get("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise ProtocolError("the provider sent a message whose content is no list of blocks", payload=message)
    return content


def _joined(blocks: Iterable[dict[str, Any]], kind: str) -> str:
    """The texts of the blocks of a kind; the field has the kind's name. A block without a type is a text."""
    texts = [block[kind] for block in blocks if block.get("type", "text") == kind and isinstance(block.get(kind), str)]
    return repair("".join(texts))


def word(value: Any) -> str | None:
    """``value`` if it is a text with something in it."""
    return value if isinstance(value, str) and value else None


def with_id(block: dict[str, Any]) -> dict[str, Any]:
    """A tool call without an id, as some imitators send it, gets one: the result has to name it."""
    if block.get("type") == "tool_use" and not block.get("id"):
        return {**block, "id": f"toolu_{uuid4().hex}"}
    return block


def _tool_call(block: dict[str, Any], *, cut: bool) -> ToolCall:
    """The call of a ``tool_use`` block; ``cut`` says that the answer broke off."""
    arguments = tool_input(block.get("input"))
    call = ToolCall(id=str(block.get("id")), type="tool_use", name=str(block.get("name") or ""))
    if isinstance(arguments, dict):
        call.input = arguments
        call.incomplete = cut and not arguments
    else:
        call.function = {"name": call.name, "arguments": arguments}
        call.incomplete = cut
    return call


def tool_input(value: Any) -> dict[str, Any] | str:
    """A tool's input as an object; the text as received where it is none."""
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    if not isinstance(value, str):
        return dumps_text(value)
    if not value.strip():
        return {}
    try:
        parsed = loads(value)
    except ValueError:
        return value
    if parsed is None:
        return {}
    return parsed if isinstance(parsed, dict) else value
