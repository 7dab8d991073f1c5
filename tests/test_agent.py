"""The agent's loop, against providers that are written here: what it asks, runs, reports and stops."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any
from unittest.mock import AsyncMock

import pytest

from llm_async import Agent, BaseProvider, tool
from llm_async.agent import (
    AgentResult,
    AgentRun,
    ReasoningDelta,
    RunFinished,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
)
from llm_async.agent_events import add_usage
from llm_async.errors import LLMError, MaxIterationsError, StreamError, ToolArgumentError, ToolError
from llm_async.models import Message, Response, StreamChunk, Tool, ToolCall, Usage

QUESTION = [{"role": "user", "content": "Go."}]


def call_of(name: str, arguments: Any = "{}", call_id: str = "") -> ToolCall:
    return ToolCall(call_id or f"id_{name}", "function", function={"name": name, "arguments": arguments})


def answer(
    *calls: ToolCall, text: str = "", reasoning: str | None = None, usage: Usage | None = None, finish: str = ""
) -> Response:
    original = {"role": "assistant", "content": text, "signature": "kept", "calls": [call.id for call in calls]}
    finish = finish or ("tool_calls" if calls else "stop")
    message = Message("assistant", text, list(calls) or None, reasoning, original=original, finish_reason=finish)
    return Response(original={}, provider_name="scripted", main_response=message, usage=usage)


class Scripted:
    """A provider that gives one answer after another and notes what it was asked."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.left = 0  # streams that were left before their end

    async def acomplete(self, model: str, messages: list[Any], tools: Any = None, **kwargs: Any) -> Response:
        self.asked.append({"model": model, "messages": list(messages), "tools": tools, **kwargs})
        await asyncio.sleep(0)
        following = self.answers.pop(0)
        if isinstance(following, Exception):
            raise following
        if not kwargs.get("stream"):
            return following
        response = Response({}, "scripted", stream=True)
        response.stream_generator = self._chunks(response, following)
        return response

    async def _chunks(self, response: Response, whole: Response) -> AsyncIterator[StreamChunk]:
        message = whole.main_response
        assert message is not None
        try:
            for piece in message.reasoning or "":
                yield StreamChunk("", {}, reasoning=piece)
            for piece in message.content:
                assert isinstance(piece, str)
                yield StreamChunk(piece, {})
        except GeneratorExit:
            self.left += 1
            raise
        response.main_response, response.usage = message, whole.usage

    def tool_result(self, call: ToolCall, content: str, *, is_error: bool = False) -> dict[str, Any]:
        return {"role": "tool", "tool_call_id": call.id, "content": content, **({"error": True} if is_error else {})}

    async def execute_tool(self, call: ToolCall, tools_map: Any) -> dict[str, Any]:
        raise AssertionError("the agent runs the tools of this provider")


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
def fail() -> None:
    raise ValueError("no luck")


def run(agent: Agent, **options: Any) -> AgentResult:
    return asyncio.run(agent.run(QUESTION, **options))


def results_of(provider: Scripted) -> list[dict[str, Any]]:
    """The tool results in the last question."""
    return [message for message in provider.asked[-1]["messages"] if message.get("role") == "tool"]


# --- asking and answering


def test_tools_are_run_until_the_model_has_an_answer() -> None:
    provider = Scripted(
        answer(call_of("add", '{"a": 1, "b": 2}')), answer(call_of("add", {"a": 3, "b": "4"})), answer(text="Seven.")
    )
    messages = list(QUESTION)
    response = asyncio.run(Agent(provider, "m", [add]).acomplete(messages, temperature=0))
    assert response.main_response is not None
    assert response.main_response.content == "Seven."
    assert messages == QUESTION
    assert [asked["temperature"] for asked in provider.asked] == [0, 0, 0]
    assert provider.asked[0] == {"model": "m", "messages": QUESTION, "tools": [add.tool], "temperature": 0}
    assert provider.asked[2]["messages"] == [
        *QUESTION,
        {"role": "assistant", "content": "", "signature": "kept", "calls": ["id_add"]},
        {"role": "tool", "tool_call_id": "id_add", "content": "3"},
        {"role": "assistant", "content": "", "signature": "kept", "calls": ["id_add"]},
        {"role": "tool", "tool_call_id": "id_add", "content": "7"},
    ]


def test_the_result_has_the_conversation_and_the_usage_of_all_turns() -> None:
    provider = Scripted(
        answer(
            call_of("add", '{"a": 1, "b": 2}'), usage=Usage(input_tokens=10, output_tokens=5, cost=0.5, raw={"x": 1})
        ),
        answer(text="Three.", usage=Usage(input_tokens=20, output_tokens=1, cache_read_tokens=10)),
    )
    result = run(Agent(provider, "m", [add]))
    assert result.content == "Three."
    assert result.iterations == 2
    assert result.usage == Usage(input_tokens=30, output_tokens=6, cache_read_tokens=10, cost=0.5)
    assert [message["role"] for message in result.messages] == ["user", "assistant", "tool", "assistant"]
    assert result.exhausted is False


def test_a_count_that_nobody_gave_stays_none() -> None:
    assert add_usage(Usage(), None) == Usage()
    assert add_usage(Usage(input_tokens=0), Usage(output_tokens=2)) == Usage(input_tokens=0, output_tokens=2)


def test_plain_functions_and_methods_are_tools_too() -> None:
    class Store:
        def look(self, key: str) -> str:
            """Look."""
            return f"<{key}>"

    def double(x: int) -> int:
        return 2 * x

    provider = Scripted(answer(call_of("double", '{"x": 2}'), call_of("look", '{"key": "k"}')), answer())
    run(Agent(provider, "m", [double, Store().look]))
    assert [message["content"] for message in results_of(provider)] == ["4", "<k>"]
    assert [offer.name for offer in provider.asked[0]["tools"]] == ["double", "look"]


def test_a_mapping_is_offered_as_it_is() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    in_own_words = {"type": "custom", "name": "add", "description": "Add, said otherwise."}
    agent = Agent(Scripted(), "m", [search, add, in_own_words])
    assert agent.offered == [search, in_own_words]
    assert agent.tools_map == {"add": add}


@pytest.mark.parametrize(
    ("tools", "error"),
    [
        ([add, add], ValueError),
        ([Tool("x", "")], TypeError),
        (["add"], TypeError),
        ([lambda x: x], TypeError),
        (add, TypeError),
        ({"add": add}, TypeError),
    ],
)
def test_what_is_no_tool_is_refused_at_once(tools: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Agent(Scripted(), "m", tools)


@pytest.mark.parametrize("messages", ["add", {"role": "user", "content": "add"}, None])
def test_what_is_no_list_of_messages_is_refused_at_once(messages: Any) -> None:
    with pytest.raises(TypeError, match="messages must be a list"):
        Agent(Scripted(), "m", [add]).stream(messages)


@pytest.mark.parametrize("options", [{"max_iter": "3"}, {"max_parallel_tools": "3"}])
def test_a_number_that_is_none_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(options))):
        Agent(Scripted(), "m", [add], **options)


@pytest.mark.parametrize("name", ["model", "tools"])
def test_what_the_agent_settles_is_no_argument_of_a_run(name: str) -> None:
    agent = Agent(Scripted(), "m", [add])
    with pytest.raises(TypeError, match=name):
        run(agent, **{name: "x"})
    with pytest.raises(TypeError, match=name):
        agent.stream(QUESTION, **{name: "x"})


def paused(stop_reason: str | None) -> Response:
    response = answer(text="…", finish="pause")
    response.main_response.stop_reason = stop_reason
    return response


@pytest.mark.parametrize("stop_reason", ["pause_turn", "compaction"])
def test_a_turn_that_claude_pauses_is_sent_back_and_goes_on(stop_reason: str) -> None:
    provider = Scripted(paused(stop_reason), answer(text="Done."))
    assert run(Agent(provider, "m")).content == "Done."
    assert provider.asked[1]["messages"][-1]["content"] == "…"


def test_an_answer_that_is_still_being_made_ends_the_run_and_is_not_asked_for_again() -> None:
    provider = Scripted(paused(None), answer(text="Done."))
    result = run(Agent(provider, "m"))
    assert result.response is not None
    assert result.response.main_response.finish_reason == "pause"
    assert len(provider.asked) == 1


def test_a_call_that_the_provider_has_run_is_not_run_again() -> None:
    searched = ToolCall("s1", "server_tool_use", "add", function={"name": "add", "arguments": "{}"})
    provider = Scripted(answer(searched, text="Found.", finish="stop"))
    result = run(Agent(provider, "m", [add]))
    assert (result.content, len(provider.asked)) == ("Found.", 1)


def test_of_mixed_calls_only_those_are_run_that_wait_for_a_result() -> None:
    searched = ToolCall("s1", "server_tool_use", "add", function={"name": "add", "arguments": "{}"})
    provider = Scripted(answer(searched, call_of("add", '{"a": 1, "b": 2}', "c1")), answer(text="3"))
    assert run(Agent(provider, "m", [add])).content == "3"
    assert [result["tool_call_id"] for result in results_of(provider)] == ["c1"]


# --- failures of tools


def test_failures_are_reported_to_the_model_in_the_order_of_the_calls() -> None:
    incomplete = ToolCall("cut", "function", function={"name": "add", "arguments": ""}, incomplete=True)
    calls = [
        call_of("fail"),
        call_of("add", '{"a": 1, "b": 2}'),
        call_of("missing"),
        call_of("add", '{"a": "x"}'),
        call_of("add", '{"a": '),
        incomplete,
    ]
    provider = Scripted(answer(*calls), answer(text="Sorry."))
    assert run(Agent(provider, "m", [fail, add])).content == "Sorry."
    assert [(message.get("error", False), message["content"]) for message in results_of(provider)] == [
        (True, "ValueError: no luck"),
        (False, "3"),
        (True, "Tool missing not found in tools_map (known tools: fail, add)"),
        (True, "tool 'add': argument 'a': expected an integer, got 'x'; missing argument 'b' (its parameters: a, b)"),
        (True, "tool 'add': the arguments are not JSON: '{\"a\": '"),
        (True, "tool 'add': the answer was cut off before the arguments were complete"),
    ]


def test_a_failure_can_end_the_run() -> None:
    agent = Agent(Scripted(answer(call_of("fail"))), "m", [fail], on_tool_error="raise")
    with pytest.raises(ValueError, match="no luck"):
        run(agent)
    agent = Agent(Scripted(answer(call_of("missing"))), "m", [fail], on_tool_error="raise")
    with pytest.raises(ToolArgumentError):
        run(agent)


def test_a_failure_that_ends_the_run_stops_the_other_tools() -> None:
    stopped = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("wait")

    async def main() -> None:
        agent = Agent(Scripted(answer(call_of("wait"), call_of("fail"))), "m", [wait, fail], on_tool_error="raise")
        with pytest.raises(ValueError, match="no luck"):
            await agent.run(QUESTION)
        assert stopped == ["wait"]

    asyncio.run(main())


def test_tools_one_after_the_other_stop_at_a_failure_that_ends_the_run() -> None:
    ran = []

    def note() -> None:
        ran.append("note")

    provider = Scripted(answer(call_of("fail"), call_of("note")))
    agent = Agent(provider, "m", [fail, note], parallel_tools=False, on_tool_error="raise")
    with pytest.raises(ValueError, match="no luck"):
        run(agent)
    assert ran == []


# --- side by side


def most_at_once(agent_options: dict[str, Any], calls: int) -> int:
    """How many tools an agent runs at the same time at most."""
    running, most = 0, 0

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(10):
            await asyncio.sleep(0)
        running -= 1

    turn = answer(*(call_of("work", call_id=str(number)) for number in range(calls)))
    provider = Scripted(turn, answer())
    run(Agent(provider, "m", [work], **agent_options))
    assert [message["tool_call_id"] for message in results_of(provider)] == [str(number) for number in range(calls)]
    return most


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, 5), ({"max_parallel_tools": 2}, 2), ({"parallel_tools": False}, 1), ({"max_parallel_tools": 9}, 5)],
)
def test_as_many_tools_run_at_once_as_are_allowed(options: dict[str, Any], expected: int) -> None:
    assert most_at_once(options, 5) == expected


def test_sync_tools_run_side_by_side_too() -> None:
    everyone = threading.Barrier(12, timeout=20)

    def meet() -> None:
        everyone.wait()

    provider = Scripted(answer(*(call_of("meet", call_id=str(number)) for number in range(12))), answer(text="Met."))
    assert run(Agent(provider, "m", [meet])).content == "Met."
    assert not any("error" in message for message in results_of(provider))


def test_sync_tools_can_be_kept_in_the_loops_thread() -> None:
    def where() -> str:
        return threading.current_thread().name

    provider = Scripted(answer(call_of("where")), answer())
    run(Agent(provider, "m", [where], run_sync_in_thread=False))
    assert results_of(provider)[0]["content"] == threading.current_thread().name


# --- the last turn


def test_used_up_turns_are_an_error_that_holds_the_run() -> None:
    provider = Scripted(*(answer(call_of("add", '{"a": 1, "b": 2}'), usage=Usage(input_tokens=1)) for _ in range(2)))
    with pytest.raises(MaxIterationsError, match="2 turns") as caught:
        asyncio.run(Agent(provider, "m", [add], max_iter=2).acomplete(QUESTION))
    error = caught.value
    assert isinstance(error, LLMError)
    assert error.response is not None
    assert error.response.main_response is not None
    assert error.response.main_response.tool_calls
    assert error.iterations == 2
    assert error.usage.input_tokens == 2
    assert error.messages[-1] == {"role": "tool", "tool_call_id": "id_add", "content": "3"}
    provider.answers.append(answer(text="Three."))
    assert asyncio.run(Agent(provider, "m", [add]).run(error.messages)).content == "Three."


def test_used_up_turns_can_give_the_last_response() -> None:
    agent = Agent(Scripted(answer(call_of("fail"))), "m", [fail], max_iter=1, raise_on_max_iter=False)
    result = run(agent)
    assert result.exhausted is True
    assert result.message is not None
    assert result.message.tool_calls is not None


def test_no_turns_at_all_are_used_up_at_once() -> None:
    with pytest.raises(MaxIterationsError) as caught:
        run(Agent(Scripted(), "m", [], max_iter=0))
    assert caught.value.response is None
    agent = Agent(Scripted(), "m", [], max_iter=0, raise_on_max_iter=False)
    assert asyncio.run(agent.acomplete(QUESTION)) is None


# --- hooks


def as_async(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    async def asynchronous(value: Any) -> Any:
        await asyncio.sleep(0)
        return hook(value)

    return asynchronous


@pytest.mark.parametrize("form", [lambda hook: hook, as_async], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("verdict", "content", "refused"),
    [
        (None, "3", False),
        (True, "3", False),
        (False, "the call of add was refused", True),
        ("ask first", "ask first", True),
    ],
)
def test_a_hook_before_a_tool_can_refuse_it(form: Any, verdict: Any, content: str, refused: bool) -> None:
    provider = Scripted(answer(call_of("add", '{"a": 1, "b": 2}')), answer())
    seen = []

    def before(call: ToolCall) -> Any:
        seen.append(call.name)
        return verdict

    run(Agent(provider, "m", [add], before_tool=form(before)))
    assert seen == ["add"]
    assert results_of(provider)[0]["content"] == content
    assert results_of(provider)[0].get("error", False) is refused


@pytest.mark.parametrize("form", [lambda hook: hook, as_async], ids=["sync", "async"])
def test_a_hook_after_a_tool_sees_and_can_replace_what_the_model_is_told(form: Any) -> None:
    provider = Scripted(answer(call_of("add", '{"a": 1, "b": 2}'), call_of("fail")), answer())
    seen = []

    def after(finished: ToolFinished) -> str | None:
        seen.append((finished.call.name, finished.content, finished.is_error))
        return "hidden" if finished.is_error else None

    run(Agent(provider, "m", [add, fail], parallel_tools=False, after_tool=form(after)))
    assert seen == [("add", "3", False), ("fail", "ValueError: no luck", True)]
    assert [message["content"] for message in results_of(provider)] == ["3", "hidden"]


def test_what_a_hook_raises_ends_the_run() -> None:
    def stop(_: Any) -> None:
        raise PermissionError("stop")

    for hook in ({"before_tool": stop}, {"after_tool": stop}):
        agent = Agent(Scripted(answer(call_of("add", '{"a": 1, "b": 2}'))), "m", [add], **hook)
        with pytest.raises(PermissionError):
            run(agent)


def test_a_hook_that_says_something_else_is_an_error() -> None:
    agent = Agent(Scripted(answer(call_of("fail"))), "m", [fail], before_tool=lambda call: 3)  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="before_tool"):
        run(agent)


# --- streaming


def test_a_run_streams_its_events() -> None:
    usage = Usage(output_tokens=2)
    first = answer(call_of("add", '{"a": 1, "b": 2}'), call_of("fail"), text="Hm", reasoning="r", usage=usage)
    provider = Scripted(first, answer(text="3.", usage=usage))

    async def main() -> tuple[list[Any], AgentResult]:
        async with Agent(provider, "m", [add, fail], parallel_tools=False).stream(QUESTION, seed=1) as run:
            events = [event async for event in run]
        return events, await run.result()

    events, result = asyncio.run(main())
    assert [asked["stream"] for asked in provider.asked] == [True, True]
    assert [asked["seed"] for asked in provider.asked] == [1, 1]
    assert events[:3] == [ReasoningDelta("r"), TextDelta("H"), TextDelta("m")]
    turn, start, finish, start_failing, failed = events[3:8]
    assert isinstance(turn, TurnFinished)
    assert (turn.iteration, turn.response.main_response) == (1, first.main_response)
    assert isinstance(start, ToolStarted)
    assert (start.call.name, finish.content, finish.error) == ("add", "3", None)
    assert isinstance(start_failing, ToolStarted)
    assert (failed.content, type(failed.error), failed.is_error) == ("ValueError: no luck", ValueError, True)
    assert events[8:10] == [TextDelta("3"), TextDelta(".")]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].result is result
    assert (result.content, result.usage, result.iterations) == ("3.", Usage(output_tokens=4), 2)


def test_acomplete_with_stream_gives_the_run() -> None:
    provider = Scripted(answer(text="Hi"))

    async def main() -> list[Any]:
        run = await Agent(provider, "m").acomplete(QUESTION, stream=True)
        assert isinstance(run, AgentRun)
        return [event.text async for event in run if isinstance(event, TextDelta)]

    assert asyncio.run(main()) == ["H", "i"]


def test_a_provider_that_answers_whole_is_streamed_in_one_piece() -> None:
    class Whole(Scripted):
        async def acomplete(self, model: str, messages: list[Any], tools: Any = None, **kwargs: Any) -> Response:
            return await super().acomplete(model, messages, tools)

    async def main() -> list[Any]:
        return [event async for event in Agent(Whole(answer(text="Hi", reasoning="r")), "m").stream(QUESTION)]

    assert asyncio.run(main())[:2] == [ReasoningDelta("r"), TextDelta("Hi")]


def test_a_stream_without_a_message_is_an_error() -> None:
    class Old(Scripted):
        async def acomplete(self, model: str, messages: list[Any], tools: Any = None, **kwargs: Any) -> Response:
            async def chunks() -> AsyncIterator[StreamChunk]:
                yield StreamChunk("Hi", {})

            return Response({}, "old", stream=True, stream_generator=chunks())

    with pytest.raises(StreamError, match="without a message"):
        asyncio.run(Agent(Old(), "m").stream(QUESTION).result())


def test_tools_that_run_together_are_told_of_as_they_finish() -> None:
    release = asyncio.Event()

    async def slow() -> str:
        await release.wait()
        return "slow"

    async def quick() -> str:
        return "quick"

    async def main() -> list[str]:
        provider = Scripted(answer(call_of("slow"), call_of("quick")), answer())
        names = []
        async for event in Agent(provider, "m", [slow, quick]).stream(QUESTION):
            if isinstance(event, ToolFinished):
                names.append(event.content)
                release.set()
        assert [message["content"] for message in results_of(provider)] == ["slow", "quick"]
        return names

    assert asyncio.run(main()) == ["quick", "slow"]


def test_a_finished_run_yields_nothing_more_and_an_abandoned_one_says_so() -> None:
    async def main() -> None:
        run = Agent(Scripted(answer(text="Hi")), "m").stream(QUESTION)
        assert (await run.result()).content == "Hi"
        assert [event async for event in run] == []
        async with Agent(Scripted(answer(text="Hi")), "m").stream(QUESTION) as run:
            async for _ in run:
                break
        with pytest.raises(StreamError, match="left before its end"):
            await run.result()

    asyncio.run(main())


def test_after_an_error_the_run_still_has_the_conversation() -> None:
    async def main() -> None:
        provider = Scripted(answer(call_of("add", '{"a": 1, "b": 2}'), usage=Usage(input_tokens=3)), ConnectionError())
        run = Agent(provider, "m", [add]).stream(QUESTION)
        with pytest.raises(ConnectionError):
            await run.result()
        assert [message["role"] for message in run.messages] == ["user", "assistant", "tool"]
        assert (run.usage.input_tokens, run.iterations) == (3, 2)

    asyncio.run(main())


# --- leaving


class Waiting:
    """A tool that never ends by itself."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.stopped = asyncio.Event()

    async def wait(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()


def test_cancelling_a_run_stops_its_tools() -> None:
    async def main() -> None:
        waiting = Waiting()
        agent = Agent(Scripted(answer(call_of("wait"), call_of("wait"))), "m", [waiting.wait])
        task = asyncio.create_task(agent.run(QUESTION))
        await waiting.started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert waiting.stopped.is_set()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


@pytest.mark.parametrize("how", ["break", "context"])
def test_leaving_the_events_stops_the_tools(how: str) -> None:
    async def main() -> None:
        waiting = Waiting()
        run = Agent(Scripted(answer(call_of("wait"))), "m", [waiting.wait]).stream(QUESTION)
        if how == "break":
            async for event in run:
                if isinstance(event, ToolStarted):
                    await waiting.started.wait()
                    break
            await waiting.stopped.wait()  # although the run is still referred to
        else:
            async with run:
                async for event in run:
                    if isinstance(event, ToolStarted):
                        await waiting.started.wait()
                        break
            assert waiting.stopped.is_set()

    asyncio.run(asyncio.wait_for(main(), 20))
    gc.collect()


@pytest.mark.parametrize("how", ["break", "context"])
def test_leaving_the_events_closes_the_answer_that_is_being_streamed(how: str) -> None:
    async def main() -> None:
        provider = Scripted(answer(text="Hello"))
        run = Agent(provider, "m").stream(QUESTION)
        async for _ in run:
            break
        await (run.aclose() if how == "context" else asyncio.sleep(0))
        for _ in range(5):
            await asyncio.sleep(0)
        assert provider.left == 1

    asyncio.run(main())


# --- providers that were written before


def test_a_provider_without_tool_result_runs_and_formats_its_tools_itself() -> None:
    class Old:
        def __init__(self) -> None:
            self.asked: list[list[Any]] = []
            self.answers = [answer(call_of("add", '{"a": 1, "b": 2}'), call_of("missing", "{")), answer(text="Done.")]

        async def acomplete(self, model: str, messages: list[Any], tools: Any = None) -> Response:
            self.asked.append(list(messages))
            return self.answers.pop(0)

        async def execute_tool(self, call: ToolCall, tools_map: dict[str, Any]) -> dict[str, Any]:
            import json

            if call.name not in tools_map:
                raise ValueError(f"Tool {call.name} not found in tools_map")
            assert call.function is not None
            return {"mine": call.id, "output": str(tools_map[call.name](**json.loads(call.function["arguments"])))}

    provider = Old()
    seen = []
    agent = Agent(provider, "m", [add], after_tool=lambda finished: seen.append(finished.content))
    assert run(agent).content == "Done."
    assert provider.asked[1][-2:] == [
        {"mine": "id_add", "output": "3"},
        {"mine": "id_missing", "output": "ValueError: Tool missing not found in tools_map"},
    ]
    assert sorted(seen) == ["3", "ValueError: Tool missing not found in tools_map"]


def test_an_execute_tool_of_its_own_is_used_also_where_the_class_has_tool_result() -> None:
    class Sandboxed(Scripted):
        async def execute_tool(self, call: ToolCall, tools_map: Any) -> dict[str, Any]:
            return {"role": "tool", "content": "from the sandbox"}

    provider: Scripted = Sandboxed(answer(call_of("add")), answer())
    run(Agent(provider, "m", [add]))
    assert results_of(provider) == [{"role": "tool", "content": "from the sandbox"}]

    provider = Scripted(answer(call_of("add")), answer())
    provider.execute_tool = AsyncMock(return_value={"role": "tool", "content": "patched"})  # type: ignore[method-assign]
    run(Agent(provider, "m", [add]))
    assert results_of(provider) == [{"role": "tool", "content": "patched"}]


def test_a_provider_that_knows_nothing_of_tools_gets_results_in_the_form_of_chat() -> None:
    class Bare(BaseProvider):
        asked: list[Any] = []

        async def acomplete(self, model: str, messages: Any, **kwargs: Any) -> Response:  # type: ignore[override]
            self.asked.append(list(messages))
            return answer(call_of("add", '{"a": 1, "b": 2}')) if len(self.asked) == 1 else answer(text="Done.")

    class Stranger:
        acomplete = Bare.acomplete
        asked: list[Any] = []

    for provider in (Bare("key"), Stranger()):
        assert run(Agent(provider, "m", [add])).content == "Done."
        assert provider.asked[1][-1] == {"role": "tool", "tool_call_id": "id_add", "content": "3"}


def test_a_provider_of_05_without_a_protocol_formats_failures_itself() -> None:
    class Old(BaseProvider):
        def __init__(self) -> None:
            super().__init__("key")
            self.asked: list[list[Any]] = []

        async def acomplete(self, model: str, messages: Any, **kwargs: Any) -> Response:  # type: ignore[override]
            self.asked.append(list(messages))
            return answer(call_of("fail")) if len(self.asked) == 1 else answer(text="Done.")

        async def execute_tool(self, call: ToolCall, tools_map: Any) -> dict[str, Any]:  # type: ignore[override]
            return {"mine": str(tools_map[call.name]())}

    provider = Old()
    assert run(Agent(provider, "m", [fail])).content == "Done."
    assert provider.asked[1][-1] == {"mine": "ValueError: no luck"}


def test_a_mock_can_be_the_provider() -> None:
    provider = AsyncMock()
    provider.acomplete.side_effect = [answer(call_of("add", '{"a": 1, "b": 2}')), answer(text="3")]
    provider.execute_tool.return_value = {"role": "tool", "tool_call_id": "id_add", "content": "3"}
    assert run(Agent(provider, "m", [add])).content == "3"
    provider.execute_tool.assert_awaited_once()
    assert provider.acomplete.call_args.kwargs["messages"][-1]["content"] == "3"


def test_a_tool_error_of_a_result_without_a_json_form_is_reported() -> None:
    def strange() -> object:
        return object()

    provider = Scripted(answer(call_of("strange")), answer())
    errors = []
    run(Agent(provider, "m", [strange], after_tool=lambda finished: errors.append(finished.error)))
    assert isinstance(errors[0], ToolError)
    assert "tool 'strange'" in results_of(provider)[0]["content"]
