"""Agent: ask a model, run the tools that it calls, ask again.

What belongs here: what an agent is made of, and the three ways to run it. The run itself is in ``agent_run``, what
happens in it in ``agent_events``.
"""

from __future__ import annotations

import asyncio  # noqa: F401 - tests of programs reach for llm_async.agent.asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, overload

from .agent_events import (
    AgentEvent,
    AgentResult,
    ReasoningDelta,
    RunFinished,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
)
from .agent_run import AgentRun
from .models import Message, Response, Tool, ToolCall
from .models.tool import listed_tools
from .tools.decorator import as_tool

__all__ = [
    "Agent",
    "AgentEvent",
    "AgentResult",
    "AgentRun",
    "ReasoningDelta",
    "RunFinished",
    "TextDelta",
    "ToolFinished",
    "ToolStarted",
    "TurnFinished",
]

_Answer = bool | str | None
BeforeTool = Callable[[ToolCall], _Answer | Awaitable[_Answer]]
AfterTool = Callable[[ToolFinished], str | Awaitable[str | None] | None]


class Agent:
    """A model with tools, which it may call until it has an answer.

    Args:
        provider: whom to ask.
        model: the model's name; None for a provider that has one itself, such as a :class:`~llm_async.Fallback`.
        tools: functions, plain or under ``@tool``. A mapping is a tool in the provider's own words, sent as it is: one
            that the provider runs itself, as a web search, or another way to offer the function of that name.
        parallel_tools: run the calls of one turn at the same time; False runs them one after the other.
        max_iter: how many turns the model has; calls of a last turn are still run.
        max_parallel_tools: how many calls run at the same time at most; None is all of them.
        on_tool_error: ``"report"`` gives the model the text of a tool's exception, of an unknown tool or of unusable
            arguments, so that it can do better; ``"raise"`` ends the run with it.
        raise_on_max_iter: False gives back the last response, still holding tool calls, as 0.5 did.
        before_tool: called with each :class:`~llm_async.models.ToolCall` before it is run. None or True lets it run; a
            str refuses it, and the model is told that text; False refuses it in our words. May be async. What it raises
            ends the run.
        after_tool: called with each :class:`~llm_async.agent.ToolFinished`, refused calls aside. A str is given to the
            model in place of its ``content``. May be async. What it raises ends the run.
        run_sync_in_thread: run tools that are no coroutine functions in threads; False runs them in the event loop's own,
            which blocks it and all other tools.

    Attributes:
        tools_map: the functions by the names that the model knows them by.
        offered: what the model is offered.

    Raises:
        TypeError, ValueError: for a tool that is none, or two of the same name.
    """

    def __init__(
        self,
        provider: Any,
        model: str | None = None,
        tools: Iterable[Callable[..., Any] | Mapping[str, Any]] | None = (),
        parallel_tools: bool = True,
        max_iter: int = 10,
        *,
        max_parallel_tools: int | None = None,
        on_tool_error: Literal["report", "raise"] = "report",
        raise_on_max_iter: bool = True,
        before_tool: BeforeTool | None = None,
        after_tool: AfterTool | None = None,
        run_sync_in_thread: bool = True,
    ) -> None:
        if on_tool_error not in ("report", "raise"):
            raise ValueError(f'on_tool_error must be "report" or "raise", not {on_tool_error!r}')
        if not isinstance(max_iter, int):
            raise TypeError(f"max_iter must be a whole number, not {max_iter!r}")
        if max_parallel_tools is not None and not isinstance(max_parallel_tools, int):
            raise TypeError(f"max_parallel_tools must be a whole number or None, not {max_parallel_tools!r}")
        if max_parallel_tools is not None and max_parallel_tools < 1:
            raise ValueError(f"max_parallel_tools must be at least 1, not {max_parallel_tools!r}")
        self.provider = provider
        self.model = model
        self.parallel_tools = parallel_tools
        self.max_iter = max_iter
        self.max_parallel_tools = max_parallel_tools
        self.on_tool_error = on_tool_error
        self.raise_on_max_iter = raise_on_max_iter
        self.before_tool = before_tool
        self.after_tool = after_tool
        self.run_sync_in_thread = run_sync_in_thread
        self.tools_map: dict[str, Callable[..., Any]] = {}
        self.offered: list[Tool | Mapping[str, Any]] = []
        self._add(listed_tools(tools))

    def _add(self, tools: list[Any]) -> None:
        in_own_words = {each.get("name") for each in tools if isinstance(each, Mapping)}
        for each in tools:
            if isinstance(each, Mapping):
                self.offered.append(each)
                continue
            if isinstance(each, Tool):
                raise TypeError(f"tools: the Tool {each.name!r} has no function to run; give the function itself")
            function = as_tool(each)
            offer: Tool = function.tool
            if offer.name in self.tools_map:
                raise ValueError(f"two tools have the name {offer.name!r}")
            self.tools_map[offer.name] = function
            if offer.name not in in_own_words:
                self.offered.append(offer)

    @property
    def most_at_once(self) -> float:
        """How many calls may run at the same time."""
        if not self.parallel_tools:
            return 1
        return float("inf") if self.max_parallel_tools is None else self.max_parallel_tools

    @overload
    async def acomplete(
        self, messages: Iterable[Message | Mapping[str, Any]], *, stream: Literal[False] = False, **kwargs: Any
    ) -> Response: ...

    @overload
    async def acomplete(
        self, messages: Iterable[Message | Mapping[str, Any]], *, stream: Literal[True], **kwargs: Any
    ) -> AgentRun: ...

    @overload
    async def acomplete(
        self, messages: Iterable[Message | Mapping[str, Any]], *, stream: bool, **kwargs: Any
    ) -> Response | AgentRun: ...

    async def acomplete(
        self, messages: Iterable[Message | Mapping[str, Any]], *, stream: bool = False, **kwargs: Any
    ) -> Response | AgentRun | None:
        """Run to the model's last answer, and give that.

        Args:
            messages: the conversation; it is not changed.
            stream: True gives what :meth:`stream` gives.
            **kwargs: handed to every call of the provider. (A ``tool_choice`` that forces a call forces one in every turn.)

        Raises:
            MaxIterationsError: the turns were used up.
            LLMError: the provider's errors.
            Exception: a tool's own, with ``on_tool_error="raise"``.
        """
        if stream:
            return self.stream(messages, **kwargs)
        return (await self.run(messages, **kwargs)).response

    async def run(self, messages: Iterable[Message | Mapping[str, Any]], **kwargs: Any) -> AgentResult:
        """As :meth:`acomplete`; the result has the whole conversation and the usage of all turns, too."""
        self._check(kwargs)
        return await AgentRun(self, messages, kwargs, stream=False).result()

    def stream(self, messages: Iterable[Message | Mapping[str, Any]], **kwargs: Any) -> AgentRun:
        """The run as a stream of events, one of :data:`AgentEvent` each::

        async with agent.stream(messages) as run:
            async for event in run:
                if isinstance(event, TextDelta):
                    print(event.text, end="")
        result = await run.result()
        """
        self._check(kwargs)
        return AgentRun(self, messages, {**kwargs, "stream": True}, stream=True)

    def _check(self, options: dict[str, Any]) -> None:
        for name in ("model", "tools", "stream"):
            if name in options:
                raise TypeError(f"{name!r} is no argument of a run: it is settled by the agent")
