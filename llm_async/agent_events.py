"""What happens during an agent's run, as values.

What belongs here: the events of :meth:`Agent.stream` and the result at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import StreamError
from .models import Message, Response, ToolCall, Usage

__all__ = [
    "AgentEvent",
    "AgentResult",
    "ReasoningDelta",
    "RunFinished",
    "TextDelta",
    "ToolFinished",
    "ToolStarted",
    "TurnFinished",
    "add_usage",
]


@dataclass
class AgentResult:
    """A run that has ended.

    Attributes:
        response: the last answer; None only when no turn was allowed at all.
        messages: the whole conversation: what was asked, every answer and every tool result. The next question goes
            behind it.
        usage: token counts of all turns together.
        iterations: how many turns there were.
        exhausted: the turns were used up while the model still called tools (see ``raise_on_max_iter``).
    """

    response: Response | None
    messages: list[Any]
    usage: Usage
    iterations: int
    exhausted: bool = False

    @property
    def message(self) -> Message | None:
        """The last answer's message."""
        return None if self.response is None else self.response.main_response

    @property
    def content(self) -> str:
        """The last answer's text."""
        content = "" if self.message is None else self.message.content
        return content if isinstance(content, str) else ""

    @property
    def parsed(self) -> Any:
        """The value in the last answer, for a run with a ``response_schema``; see :attr:`Response.parsed`."""
        if self.response is None:
            raise StreamError("no turn was allowed, so that there is no answer")
        return self.response.parsed


@dataclass
class TextDelta:
    """A piece of text of the model's answer."""

    text: str


@dataclass
class ReasoningDelta:
    """A piece of the model's visible reasoning."""

    text: str


@dataclass
class TurnFinished:
    """The model has answered.

    Attributes:
        response: the whole answer.
        iteration: the turn's number; the first is 1.
    """

    response: Response
    iteration: int


@dataclass
class ToolStarted:
    """A tool call is being run, or waits for ``before_tool``."""

    call: ToolCall


@dataclass
class ToolFinished:
    """A tool call has been answered.

    Attributes:
        call: the call.
        content: the text that the model is given, or the content parts that it is shown.
        error: what went wrong, a ToolError for a call that was refused; None when the tool gave a result.
    """

    call: ToolCall
    content: str | list[dict[str, Any]]
    error: Exception | None = None

    @property
    def is_error(self) -> bool:
        """Whether the model is told of a failure."""
        return self.error is not None


@dataclass
class RunFinished:
    """The run has ended; nothing follows."""

    result: AgentResult


AgentEvent = TextDelta | ReasoningDelta | TurnFinished | ToolStarted | ToolFinished | RunFinished


def add_usage(total: Usage, more: Usage | None) -> Usage:
    """Both together. A count that neither of them has stays None; ``raw``, a provider's own object, stays empty."""
    if not isinstance(more, Usage):  # None, or what a mock gives
        return total
    return total + more
