"""A piece of a streamed answer.

What belongs here: the value that the caller's loop receives, thousands of times a second, so it is made to be cheap: what it
holds is in a compiled base class, and the provider's event is kept as bytes and decoded when somebody looks at ``original``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._speedups import Chunk
from .tool_call import ToolCallDelta
from .usage import Usage

__all__ = ["StreamChunk"]


@dataclass(init=False)
class StreamChunk(Chunk):
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

    __slots__ = ()

    # field() leaves no default behind in the class, where it would hide what the base class has under that name.
    content: str | None = field()
    original: dict[str, Any] = field()
    reasoning: str = field()
    tool_call_deltas: list[ToolCallDelta] = field()
    usage: Usage | None = field()
    stop_reason: str | None = field()
    finish_reason: str | None = field()

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
