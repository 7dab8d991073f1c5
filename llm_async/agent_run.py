"""One run of an agent: the conversation as it grows, turn by turn.

What belongs here: the loop, and the tools that run side by side in it. What an agent *is* stands in ``agent``.

A run is one async generator of events. Whoever reads it drives it; whoever leaves it, by ``break``, an exception or
cancellation, ends everything that it has running: the answer that is being streamed, and the tools. (A tool that runs in
a thread is left alone there: a thread cannot be stopped.)
"""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from .agent_events import (
    AgentEvent,
    AgentResult,
    ReasoningDelta,
    RunFinished,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    add_usage,
)
from .agent_results import executes_tools_itself, result_message, text_of
from .errors import MaxIterationsError, StreamError, ToolError
from .models import Message, Response, ToolCall, Usage
from .models.message import listed, message_to_dict
from .models.tool_call import SERVER_RUN
from .tools import tool_content

if TYPE_CHECKING:
    from .agent import Agent

__all__ = ["AgentRun"]

# Pauses of Claude's, in its own words: the answer is sent back as it is, and goes on. Other pauses are not for an agent to
# end: a background response that is queued is to be looked for again (Responses API), not asked for again.
_SENT_BACK = ("pause_turn", "compaction")


class AgentRun:
    """A run as a stream of events: ``async for event in run``, once; better inside ``async with run``.

    Nothing is sent before the first event is asked for. :meth:`result` reads what is left of the run.

    Attributes:
        messages: the conversation so far. It is kept up to date, so that after an error nothing is lost.
        usage: token counts so far.
        iterations: turns so far.
        response: the last answer so far.
    """

    def __init__(
        self, agent: Agent, messages: Iterable[Message | Mapping[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> None:
        self.messages: list[Any] = list(listed(messages))
        self.usage = Usage()
        self.iterations = 0
        self.response: Response | None = None
        self._agent = agent
        self._options = options
        self._stream = stream
        self._result: AgentResult | None = None
        self._started = False
        self._entered = False
        # Held by a loop alone, which drops it when it is left, so that the run ends then; within ``async with`` also here,
        # so that its end can be waited for.
        self._weakly: Callable[[], AsyncGenerator[AgentEvent, None] | None] = _no_events
        self._held: AsyncGenerator[AgentEvent, None] | None = None

    def __aiter__(self) -> AsyncIterator[AgentEvent]:
        if self._result is not None:
            return _nothing()
        if self._started:
            raise StreamError("the run was left before its end; start a new one from its messages")
        self._started = True
        generator = self._events()
        self._weakly = weakref.ref(generator)
        if self._entered:
            self._held = generator
        return generator

    async def __aenter__(self) -> AgentRun:
        self._entered = True
        self._held = self._weakly()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Leave the run: stop what it has running. Harmless after its end; a run that was left cannot be gone on with."""
        self._started = True
        generator, self._held = self._weakly(), None
        if generator is not None:
            await generator.aclose()

    async def result(self) -> AgentResult:
        """The result: reads the whole run, unless that has been done.

        Raises:
            MaxIterationsError: the turns were used up (see ``raise_on_max_iter``).
            StreamError: the run was left before its end.
            Exception: whatever ended the run.
        """
        if self._result is None:
            async for _ in self:
                pass
        assert self._result is not None
        return self._result

    # --- the loop

    async def _events(self) -> AsyncGenerator[AgentEvent, None]:
        agent = self._agent
        going_on = True
        while going_on and self.iterations < agent.max_iter:
            self.iterations += 1
            response = await agent.provider.acomplete(
                model=agent.model, messages=list(self.messages), tools=agent.offered or None, **self._options
            )
            if self._stream:
                async with aclosing(_deltas(response)) as deltas:
                    async for delta in deltas:
                        yield delta
            message = self._take(response)
            yield TurnFinished(response, self.iterations)
            asked_for = (message.tool_calls if message is not None else None) or ()
            calls = [call for call in asked_for if call.type != SERVER_RUN]
            if calls:
                async with aclosing(self._run_tools(calls)) as events:
                    async for event in events:
                        yield event
            going_on = bool(calls) or (message is not None and message.stop_reason in _SENT_BACK)
        self._result = self._end(exhausted=going_on)
        yield RunFinished(self._result)

    def _take(self, response: Response) -> Message | None:
        """Note an answer."""
        self.response = response
        self.usage = add_usage(self.usage, response.usage)
        message = response.main_response
        if message is not None:
            self.messages.append(message_to_dict(message) if message.original is None else message.original)
        return message

    def _end(self, *, exhausted: bool) -> AgentResult:
        if exhausted and self._agent.raise_on_max_iter:
            raise MaxIterationsError(
                f"the model was not done after {self.iterations} turns (max_iter={self._agent.max_iter})",
                response=self.response,
                messages=self.messages,
                usage=self.usage,
                iterations=self.iterations,
            )
        return AgentResult(self.response, self.messages, self.usage, self.iterations, exhausted)

    # --- tools

    async def _run_tools(self, calls: list[ToolCall]) -> AsyncGenerator[AgentEvent, None]:
        """Run the calls of one turn, as many at once as are allowed, and append their results in the order of the calls."""
        waiting = deque(enumerate(calls))
        running: dict[asyncio.Task[tuple[ToolFinished, dict[str, Any]]], int] = {}
        results: dict[int, dict[str, Any]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._agent.most_at_once:
                    position, call = waiting.popleft()
                    running[asyncio.create_task(self._answer(call))] = position
                    yield ToolStarted(call)
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=running.__getitem__):
                    finished, results[running.pop(task)] = task.result()
                    yield finished
        finally:
            for task in running:
                task.cancel()
            if self._agent.parallel_tools:
                await asyncio.gather(*running, return_exceptions=True)
            elif running:
                await asyncio.wait(running)
            self.messages.extend(results[position] for position in sorted(results))

    async def _answer(self, call: ToolCall) -> tuple[ToolFinished, dict[str, Any]]:
        """Run one call; what happened, and the message for the model."""
        agent = self._agent
        refusal = await self._refusal(call)
        if refusal is not None:
            finished = ToolFinished(call, refusal, ToolError(refusal, tool=call.name, arguments=call.arguments))
            return finished, await result_message(agent.provider, call, refusal, is_error=True)
        message: dict[str, Any] | None = None
        try:
            if executes_tools_itself(agent.provider):
                message = await agent.provider.execute_tool(call, agent.tools_map)
                finished = ToolFinished(call, text_of(message))
            else:
                content = await tool_content(call, agent.tools_map, run_sync_in_thread=agent.run_sync_in_thread)
                finished = ToolFinished(call, content)
        except Exception as error:
            if agent.on_tool_error == "raise":
                raise
            finished = ToolFinished(call, _report(error), error)
        content = finished.content
        if agent.after_tool is not None:
            replacement = await _awaited(agent.after_tool(finished))
            if replacement is not None:
                finished.content = replacement
        if message is None or finished.content != content:
            message = await result_message(agent.provider, call, finished.content, is_error=finished.is_error)
        return finished, message

    async def _refusal(self, call: ToolCall) -> str | None:
        """Why ``before_tool`` refuses the call, or None."""
        hook = self._agent.before_tool
        answer = None if hook is None else await _awaited(hook(call))
        if answer is None or answer is True:
            return None
        if answer is False:
            return f"the call of {call.name} was refused"
        if isinstance(answer, str):
            return answer
        raise TypeError(f"before_tool must give None, a bool or a str (the reason of a refusal), not {answer!r}")


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _no_events() -> None:
    return None


async def _nothing() -> AsyncIterator[AgentEvent]:
    events: tuple[AgentEvent, ...] = ()
    for event in events:
        yield event


async def _deltas(response: Response) -> AsyncGenerator[AgentEvent, None]:
    """The pieces of a streamed answer; of one that came whole, its text in one piece."""
    if response.stream or response.stream_generator is not None:
        async with response:
            async for chunk in response:
                if chunk.reasoning:
                    yield ReasoningDelta(chunk.reasoning)
                if chunk.content:
                    yield TextDelta(chunk.content)
        if response.main_response is None:
            raise StreamError("the provider's stream ended without a message, so that its tool calls are unknown")
        return
    message = response.main_response
    if message is not None and message.reasoning:
        yield ReasoningDelta(message.reasoning)
    if message is not None and message.content and isinstance(message.content, str):
        yield TextDelta(message.content)


def _report(error: Exception) -> str:
    """What the model is told about a failure."""
    if isinstance(error, ToolError):
        return str(error)
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
