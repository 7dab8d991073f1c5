"""A piece of a streamed answer.

What belongs here: the value that the caller's loop receives, thousands of times a second, so it is made to be cheap: the
provider's event is kept as bytes and decoded when somebody looks at ``original``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._json import loads
from .tool_call import ToolCallDelta
from .usage import Usage

__all__ = ["StreamChunk"]


@dataclass(init=False)
class StreamChunk:
    """What one event of a stream said.

    Attributes:
        content: the text, ``""`` without any (None only from ``parse_stream_chunk``).
        original: the provider's event, decoded.
        reasoning: the reasoning text, ``""`` without any.
        tool_call_deltas: pieces of tool calls.
        usage: token counts, where this event carries them.
        stop_reason: why the model stopped, in the provider's own word; from the event that says so to the last one.
        finish_reason: the same in one vocabulary (see :class:`~llm_async.models.Message`).
    """

    __slots__ = ("_original", "content", "finish_reason", "reasoning", "stop_reason", "tool_call_deltas", "usage")

    content: str | None
    original: dict[str, Any]
    reasoning: str
    tool_call_deltas: list[ToolCallDelta]
    usage: Usage | None
    stop_reason: str | None
    finish_reason: str | None

    def __init__(
        self,
        content: str | None,
        original: dict[str, Any] | bytes,
        reasoning: str = "",
        tool_call_deltas: list[ToolCallDelta] | None = None,
        usage: Usage | None = None,
        stop_reason: str | None = None,
        finish_reason: str | None = None,
    ) -> None:
        self.content = content
        self._original = original
        self.reasoning = reasoning
        self.tool_call_deltas = [] if tool_call_deltas is None else tool_call_deltas
        self.usage = usage
        self.stop_reason = stop_reason
        self.finish_reason = finish_reason

    @property
    def delta(self) -> str:
        """The text, never None."""
        return self.content or ""

    def __getstate__(self) -> tuple[Any, ...]:
        return (
            self.content,
            self.original,
            self.reasoning,
            self.tool_call_deltas,
            self.usage,
            self.stop_reason,
            self.finish_reason,
        )

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.__init__(*state)  # type: ignore[misc]


def _get_original(chunk: StreamChunk) -> dict[str, Any]:
    original = chunk._original
    if isinstance(original, bytes):
        original = chunk._original = loads(original)
    return original  # type: ignore[no-any-return]


def _set_original(chunk: StreamChunk, value: dict[str, Any] | bytes) -> None:
    chunk._original = value


# Set after the decorator ran: in the class body the property would be taken for the field's default.
StreamChunk.original = property(_get_original, _set_original, doc="The provider's event, decoded.")  # type: ignore[assignment]
