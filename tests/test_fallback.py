"""Several providers as one: who answers, who is asked next, and what is told of those who failed; over sockets."""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from llm_async import (
    Agent,
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    BaseProvider,
    ClaudeProvider,
    Fallback,
    GoogleProvider,
    InternalServerError,
    LLMError,
    Message,
    NotFoundError,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    RetryConfig,
    StreamError,
    Timeouts,
    ToolError,
    UnsupportedError,
    tool,
)
from llm_async.agent import TextDelta
from llm_async.errors import status_error_class
from llm_async.fallback import FailedCall, Member, another_may_help
from llm_async.models import Response, StreamChunk, ToolCall
from llm_async.testing import ProviderServer, Raw, Text, ToolCalls

PROVIDERS: list[type[BaseProvider]] = [
    OpenAIProvider,
    OpenAIResponsesProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenRouterProvider,
]
HELLO = [{"role": "user", "content": "Good morning"}]
ONCE = RetryConfig(max_attempts=1)
# A pair of any two different APIs, each of them once as the one that fails and once as the one that answers.
PAIRS = list(zip(PROVIDERS, [*PROVIDERS[1:], PROVIDERS[0]], strict=True))

every_pair = pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda each: each.name())
streamed_or_not = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def with_server(body: Callable[[ProviderServer], Coroutine[Any, Any, Any]]) -> None:
    async def run() -> None:
        async with ProviderServer() as server:
            await body(server)

    asyncio.run(run())


def provider(server: ProviderServer, kind: type[BaseProvider], **options: Any) -> BaseProvider:
    options.setdefault("retry_config", ONCE)
    return kind(api_key="secret", base_url=server.url(kind.name()), **options)


def fallback(server: ProviderServer, *kinds: type[BaseProvider], on: Any = None, **options: Any) -> Fallback:
    return Fallback([(provider(server, kind, **options), f"model of {kind.name()}") for kind in kinds], on=on)


async def answered(asked: Fallback, stream: bool, messages: Any = HELLO, **options: Any) -> Response:
    """The answer, read to its end."""
    response = await asked.acomplete(messages=messages, stream=stream, **options)
    if stream:
        await response.final()
    return response


def middle(kind: type[BaseProvider]) -> int:
    """Blocks of a stream after which this API has said the first word and not yet the last one."""
    return {"openai": 3, "openrouter": 6, "claude": 5, "google": 2, "openairesponses": 6}[kind.name()]


class TestTheNextOneIsAsked:
    @every_pair
    @streamed_or_not
    @pytest.mark.parametrize("status", [401, 403, 404, 408, 413, 429, 500, 503, 529])
    def test_when_the_first_says_no(
        self, first: type[BaseProvider], second: type[BaseProvider], stream: bool, status: int
    ) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(status, provider=first.name())
            async with fallback(server, first, second) as asked:
                response = await answered(asked, stream)
                assert response.main_response.content == "You said: Good morning"
                assert response.provider_name == second.name()
                assert response.request_id or second is GoogleProvider
                assert response.usage is not None
                assert [request.provider for request in server.requests] == [first.name(), second.name()]
                [failed] = response.fallbacks
                assert (failed.provider_name, failed.model) == (first.name(), f"model of {first.name()}")
                assert isinstance(failed.error, status_error_class(status))

        with_server(body)

    @every_pair
    @streamed_or_not
    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (lambda server, name: server.cut(before_head=True, provider=name), APIConnectionError),
            (lambda server, name: server.cut(after=0, how="clean", provider=name), LLMError),
            (lambda server, name: server.cut(after=0, how="reset", provider=name), APIConnectionError),
            (lambda server, name: server.error_event(provider=name), OverloadedError),
            (lambda server, name: server.malformed_event(provider=name), ProtocolError),
        ],
        ids=["no head", "empty", "reset", "error event", "nonsense"],
    )
    def test_when_the_first_breaks_before_it_has_said_anything(
        self, first: type[BaseProvider], second: type[BaseProvider], stream: bool, fault: Any, kind: type[LLMError]
    ) -> None:
        async def body(server: ProviderServer) -> None:
            fault(server, first.name())
            async with fallback(server, first, second) as asked:
                response = await answered(asked, stream)
                assert response.provider_name == second.name()
                assert response.main_response.content == "You said: Good morning"
                assert isinstance(response.fallbacks[0].error, kind)

        with_server(body)

    @streamed_or_not
    @pytest.mark.parametrize("deadline", ["response", "idle"])
    def test_when_the_first_is_silent(self, stream: bool, deadline: str) -> None:
        async def body(server: ProviderServer) -> None:
            if deadline == "response":
                server.stall(before_head=True, provider="claude")
            else:
                server.stall(after=0, provider="claude")
            slow = provider(server, ClaudeProvider, timeouts=Timeouts(response=0.1, idle=0.1))
            async with Fallback([(slow, "m"), (provider(server, OpenAIProvider), "m")]) as asked:
                response = await answered(asked, stream)
                assert response.provider_name == "openai"
                error = response.fallbacks[0].error
                assert isinstance(error, APITimeoutError)
                assert error.deadline == deadline

        with_server(body)

    @streamed_or_not
    def test_when_the_first_cannot_be_reached(self, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            gone = OpenAIProvider("secret", "http://127.0.0.1:1/v1", ONCE)
            async with Fallback([(gone, "m"), (provider(server, GoogleProvider), "m")]) as asked:
                response = await answered(asked, stream)
                assert response.provider_name == "google"
                assert isinstance(response.fallbacks[0].error, APIConnectionError)

        with_server(body)

    @streamed_or_not
    def test_after_the_attempts_of_the_first_are_used_up(self, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(503, times=3, provider="openai")
            options = {"retry_config": RetryConfig(base_delay=0)}
            async with fallback(server, OpenAIProvider, ClaudeProvider, **options) as asked:
                response = await answered(asked, stream)
                assert response.provider_name == "claude"
                assert [request.provider for request in server.requests] == ["openai"] * 3 + ["claude"]

        with_server(body)

    @streamed_or_not
    def test_when_the_first_has_no_place_for_what_is_asked_and_nothing_is_sent_to_it(self, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
            messages = [{"role": "user", "content": [{"type": "text", "text": "What is said?"}, audio]}]
            async with fallback(server, ClaudeProvider, OpenAIProvider) as asked:
                response = await answered(asked, stream, messages)
                assert response.provider_name == "openai"
                assert isinstance(response.fallbacks[0].error, UnsupportedError)
                assert [request.provider for request in server.requests] == ["openai"]

        with_server(body)

    @streamed_or_not
    def test_down_the_whole_list(self, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            for kind in PROVIDERS[:-1]:
                server.fail(500, provider=kind.name())
            async with fallback(server, *PROVIDERS) as asked:
                response = await answered(asked, stream)
                assert response.provider_name == PROVIDERS[-1].name()
                assert [call.provider_name for call in response.fallbacks] == [kind.name() for kind in PROVIDERS[:-1]]

        with_server(body)

    def test_for_every_call_anew(self) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, provider="openai")
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                names = [(await answered(asked, False)).provider_name for _ in range(2)]
                assert names == ["claude", "openai"]

        with_server(body)

    def test_in_many_calls_side_by_side_without_mixing_them_up(self) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, provider="openai", times=20)
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                asking = [
                    answered(asked, stream, [{"role": "user", "content": f"number {number}"}])
                    for number in range(20)
                    for stream in (False, True)
                ]
                responses = await asyncio.gather(*asking)
                for number, response in enumerate(responses):
                    assert response.main_response.content == f"You said: number {number // 2}"
                    assert len(response.fallbacks) == (response.provider_name == "claude")

        with_server(body)


class TestNobodyElseIsAsked:
    @streamed_or_not
    @pytest.mark.parametrize("status", [400, 422])
    def test_when_the_request_is_wrong(self, stream: bool, status: int) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(status, "messages: this is wrong", provider="openai")
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                with pytest.raises(status_error_class(status)) as caught:
                    await answered(asked, stream)
                assert caught.value.fallbacks == ()
                assert len(server.requests) == 1

        with_server(body)

    @pytest.mark.parametrize("argument", [{"timeouts": "soon"}, {"extra_body": 3}, {"headers": 3}])
    def test_when_an_argument_is_wrong(self, argument: dict[str, Any]) -> None:
        async def body(server: ProviderServer) -> None:
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                with pytest.raises(TypeError):
                    await answered(asked, False, **argument)
                assert not server.requests

        with_server(body)

    def test_once_a_chunk_was_handed_over(self) -> None:
        async def body(server: ProviderServer, kind: type[BaseProvider]) -> None:
            server.script(Text("one two three four five"))
            server.cut(after=middle(kind), provider=kind.name())
            async with fallback(server, kind, *(each for each in PROVIDERS if each is not kind)) as asked:
                response = await asked.acomplete(messages=HELLO, stream=True)
                text: list[str] = []

                async def read() -> None:
                    async for chunk in response:
                        text.append(chunk.delta)

                with pytest.raises(APIConnectionError) as caught:
                    await read()
                assert any(text)
                assert caught.value.partial is not None
                assert caught.value.partial.content == "".join(text)
                assert response.provider_name == kind.name()
                assert len(server.requests) == 1
                with pytest.raises(StreamError, match="failed with APIConnectionError"):
                    await response.final()

        for kind in PROVIDERS:
            with_server(lambda server, kind=kind: body(server, kind))  # type: ignore[misc]

    def test_when_the_caller_is_cancelled(self) -> None:
        async def body(server: ProviderServer) -> None:
            server.stall(before_head=True, provider="openai")
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                task = asyncio.create_task(answered(asked, True))
                await server.wait_for_requests(1)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await server.wait_closed_connections()
                assert len(server.requests) == 1

        with_server(body)


class TestWhatOthersMayMend:
    @pytest.mark.parametrize(
        ("status", "body", "expected"),
        [
            (400, {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}, True),
            (400, {"code": "x", "error": "Incorrect API key provided: xa***"}, True),
            (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}}, True),
            (400, {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}, True),
            (400, {"error": {"code": "context_length_exceeded", "message": "too much"}}, True),
            (400, {"error": {"code": "model_not_found", "message": "no such model"}}, True),
            (400, {"error": {"message": "The input token count (9) exceeds the maximum", "code": 400}}, True),
            (400, {"error": {"message": "Unknown parameter: 'colour'", "code": "unknown_parameter"}}, False),
            (400, {"error": {"message": "messages: roles must alternate", "type": "invalid_request_error"}}, False),
            (422, {"detail": [{"loc": ["body", "top_p"], "msg": "must be a number"}]}, False),
            (402, {"error": {"message": "Insufficient credits", "code": 402}}, True),
            (413, {"error": {"message": "too large"}}, True),
            (301, "", True),
        ],
    )  # fmt: skip
    def test_a_refusal_is_judged_by_what_it_is_about(self, status: int, body: Any, expected: bool) -> None:
        async def ask(server: ProviderServer) -> None:
            head = f"HTTP/1.1 {status} No\r\ncontent-type: application/json\r\n".encode()
            data = json.dumps(body).encode()
            server.script(
                Raw(head + b"content-length: %d\r\n\r\n" % len(data) + data, framing="wire"), provider="openai"
            )
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                if expected:
                    assert (await answered(asked, False)).provider_name == "claude"
                else:
                    with pytest.raises(LLMError):
                        await answered(asked, False)

        with_server(ask)

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (APIConnectionError("lost"), True),
            (APITimeoutError("late", deadline="idle"), True),
            (StreamError("cut"), True),
            (ProtocolError("nonsense"), True),
            (UnsupportedError("no place"), True),
            (LLMError("Vertex AI: there is no token to be had"), True),
            (ToolError("wrong arguments"), False),
            (ValueError("wrong"), False),
            (KeyError("bug"), False),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_every_other_error_by_its_class(self, error: Exception, expected: bool) -> None:
        assert another_may_help(error) is expected


class TestOn:
    @streamed_or_not
    @pytest.mark.parametrize(
        "on",
        [
            BadRequestError,
            (RateLimitError, BadRequestError),
            [BadRequestError],
            lambda error: getattr(error, "status_code", None) == 400,
        ],
        ids=["class", "tuple", "list", "function"],
    )
    def test_says_which_errors_are_a_reason(self, on: Any, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(400, provider="openai")
            async with fallback(server, OpenAIProvider, ClaudeProvider, on=on) as asked:
                assert (await answered(asked, stream)).provider_name == "claude"
                server.fail(500, provider="openai")
                with pytest.raises(InternalServerError):
                    await answered(asked, stream)

        with_server(body)

    @pytest.mark.parametrize("on", [3, [3], "RateLimitError", [int]])
    def test_is_made_of_exceptions(self, on: Any) -> None:
        with pytest.raises(TypeError, match=r"^on must be|not iterable"):
            Fallback([OpenAIProvider("k")], on=on)

    def test_is_no_async_function_whose_every_answer_would_be_a_yes(self) -> None:
        async def never(error: Exception) -> bool:
            return False

        with pytest.raises(TypeError, match="on must be an ordinary function"):
            Fallback([OpenAIProvider("k")], on=never)


class TestWhenAllFail:
    @streamed_or_not
    def test_the_last_error_is_raised_and_has_the_earlier_ones(self, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(401, provider="openai")
            server.fail(429, "slower, please", provider="claude")
            server.fail(404, provider="google")
            async with fallback(server, OpenAIProvider, ClaudeProvider, GoogleProvider) as asked:
                with pytest.raises(NotFoundError) as caught:
                    await answered(asked, stream)
                error = caught.value
                assert [(call.provider_name, type(call.error)) for call in error.fallbacks] == [
                    ("openai", AuthenticationError),
                    ("claude", RateLimitError),
                ]
                assert all(call.error.__traceback__ is None for call in error.fallbacks)
                notes = getattr(error, "__notes__", ["claude", "slower, please"])
                assert "slower, please" in notes[-1]
                copy = pickle.loads(pickle.dumps(error))
                assert str(copy.fallbacks[1].error) == str(error.fallbacks[1].error)

        with_server(body)

    def test_a_stream_cannot_be_read_again(self) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, times=2)
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                response = await asked.acomplete(messages=HELLO, stream=True)
                for kind in (InternalServerError, StreamError):
                    with pytest.raises(kind):
                        await response.final()
                assert len(server.requests) == 2

        with_server(body)


class TestTheTimeInTotal:
    @streamed_or_not
    @pytest.mark.parametrize("timeouts", [0.3, Timeouts(total=0.3)], ids=["number", "Timeouts"])
    def test_is_that_of_all_providers_together(self, stream: bool, timeouts: Any) -> None:
        async def body(server: ProviderServer) -> None:
            server.stall(before_head=True, times=None)
            async with fallback(server, OpenAIProvider, ClaudeProvider, GoogleProvider) as asked:
                with pytest.raises(APITimeoutError) as caught:
                    await answered(asked, stream, timeouts=timeouts)
                assert caught.value.deadline == "total"
                assert len(server.requests) == 1

        with_server(body)

    @streamed_or_not
    def test_leaves_the_rest_of_it_to_the_next(self, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            server.stall(before_head=True, times=None)
            slow = provider(server, OpenAIProvider, timeouts=Timeouts(response=0.1))
            async with Fallback([(slow, "m"), (provider(server, ClaudeProvider), "m")]) as asked:
                with pytest.raises(APITimeoutError) as caught:
                    # A bare number leaves the provider's other deadlines as they are.
                    await answered(asked, stream, timeouts=0.4)
                assert caught.value.deadline == "total"
                [failed] = caught.value.fallbacks
                assert isinstance(failed.error, APITimeoutError)
                assert failed.error.deadline == "response"
                assert [request.provider for request in server.requests] == ["openai", "claude"]

        with_server(body)

    def test_of_a_provider_is_its_own(self) -> None:
        async def body(server: ProviderServer) -> None:
            server.stall(before_head=True, provider="openai")
            slow = provider(server, OpenAIProvider, timeouts=0.1)
            async with Fallback([(slow, "m"), (provider(server, ClaudeProvider), "m")]) as asked:
                assert (await answered(asked, True)).provider_name == "claude"

        with_server(body)


class TestStreams:
    @every_pair
    def test_give_the_chunks_of_the_one_that_answers(
        self, first: type[BaseProvider], second: type[BaseProvider]
    ) -> None:
        async def body(server: ProviderServer) -> None:
            server.script(Text("one two three", reasoning="let me count"), provider=second.name(), times=3)
            server.fail(503, provider=first.name(), times=2)
            direct = provider(server, second)
            expected = [chunk async for chunk in await direct.acomplete("m", HELLO, stream=True)]
            async with direct, fallback(server, first, second) as asked:
                response = await asked.acomplete(messages=HELLO, stream=True)
                assert response.stream
                chunks = [chunk async for chunk in response]
                assert [(chunk.delta, chunk.reasoning, chunk.finish_reason) for chunk in chunks] == [
                    (chunk.delta, chunk.reasoning, chunk.finish_reason) for chunk in expected
                ]
                assert [chunk async for chunk in response] == []
                assert response.main_response is not None
                assert response.main_response.reasoning == "let me count"
                assert response.original
                assert pickle.loads(pickle.dumps(response)).fallbacks[0].provider_name == first.name()
                again = await asked.acomplete(messages=HELLO, stream=True)
                assert [piece async for piece in again.stream_content()] == ["one", " two", " three"]

        with_server(body)

    def test_are_sent_at_their_first_step(self) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, provider="openai")
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                response = await asked.acomplete(messages=HELLO, stream=True)
                assert not server.requests
                assert response.main_response is None
                assert response.original == {}
                with pytest.raises(TypeError):
                    pickle.dumps(response)
                async with response:
                    assert response.provider_name == "claude"
                    assert response.headers["content-type"]
                    assert len(server.requests) == 2
                    assert (await response.final()).content == "You said: Good morning"

        with_server(body)

    @pytest.mark.parametrize("how", ["break", "aclose", "cancel"])
    def test_that_are_left_free_the_connection_at_once(self, how: str) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, provider="openai")
            server.script(Text("one two three four"))
            server.stall(after=6, provider="claude")
            asked = fallback(server, OpenAIProvider, ClaudeProvider)
            response = await asked.acomplete(messages=HELLO, stream=True)
            begun = asyncio.Event()

            async def read() -> None:
                async for chunk in response:
                    if chunk.delta:
                        begun.set()
                        if how == "break":
                            break

            task = asyncio.create_task(read())
            await begun.wait()
            if how == "aclose":
                await response.aclose()
                with pytest.raises(LLMError):
                    await task
            elif how == "cancel":
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            else:
                await task
            await asked.members[0].provider.aclose()  # its connection is kept for the next request
            await server.wait_closed_connections()
            with pytest.raises(StreamError):
                await response.final()
            await asked.aclose()

        with_server(body)

    def test_are_read_by_one_task_at_a_time(self) -> None:
        async def body(server: ProviderServer) -> None:
            server.stall(before_head=True, provider="openai")
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                response = await asked.acomplete(messages=HELLO, stream=True)
                task = asyncio.create_task(response.final())
                await server.wait_for_requests(1)
                with pytest.raises(StreamError, match="another task"):
                    await response.final()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert len(server.requests) == 1

        with_server(body)

    def test_go_without_waiting_for_the_garbage_collector(self) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, provider="openai")
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                response = await asked.acomplete(messages=HELLO, stream=True)
                await response.final()
                gone = weakref.ref(response)
                del response
                assert gone() is None

        gc.collect()
        gc.disable()
        try:
            with_server(body)
        finally:
            gc.enable()


class TestModels:
    def test_of_a_member_wins_over_that_of_the_call(self) -> None:
        async def body(server: ProviderServer) -> None:
            plain = provider(server, OpenAIProvider)
            mapped = (provider(server, ClaudeProvider), {"big": "claude-big", "small": "claude-small"})
            fixed = Member(provider(server, OpenRouterProvider), "always/this", {"extra_body": {"colour": "red"}})
            server.fail(500, times=2)
            async with Fallback([plain, mapped, fixed]) as asked:
                await asked.acomplete("small", HELLO, extra_body={"colour": "blue"}, user="somebody")
                bodies = [request.json for request in server.requests]
                assert [each["model"] for each in bodies] == ["small", "claude-small", "always/this"]
                assert [each["colour"] for each in bodies] == ["blue", "blue", "red"]
                assert all("somebody" in json.dumps(each) for each in bodies)

        with_server(body)

    @pytest.mark.parametrize("model", [None, "other", "", 3])
    def test_that_are_missing_are_named_before_anything_is_sent(self, model: Any) -> None:
        async def body(server: ProviderServer) -> None:
            plain, mapped = provider(server, OpenAIProvider), (provider(server, ClaudeProvider), {"m": "n"})
            async with Fallback([plain, Fallback([mapped])]) as asked:
                with pytest.raises(ValueError, match="model"):
                    await asked.acomplete(model, HELLO)
                assert not server.requests

        with_server(body)

    @pytest.mark.parametrize(
        "members",
        [
            [3],
            [("a", "b")],
            [()],
            [OpenAIProvider],
            [(OpenAIProvider("k"), 3)],
            [(OpenAIProvider("k"), "m", 3)],
            [(OpenAIProvider("k"), "m", {"model": "n"})],
            [(OpenAIProvider("k"), "m", {"stream": True})],
            [(OpenAIProvider("k"), "m", {3: 4})],
        ],
    )
    def test_and_members_are_checked_at_construction(self, members: Any) -> None:
        with pytest.raises(TypeError, match=r"members\[0\]"):
            Fallback(members)

    def test_and_there_has_to_be_a_member(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            Fallback([])


class TestConversations:
    @every_pair
    @streamed_or_not
    def test_with_calls_and_reasoning_go_on_with_the_next_provider(
        self, first: type[BaseProvider], second: type[BaseProvider], stream: bool
    ) -> None:
        async def body(server: ProviderServer) -> None:
            call = ToolCalls(("weather", {"city": "Oslo"}), text="Let me look.", reasoning="Weather is needed.")
            async with fallback(server, first, second) as asked:
                server.script(call)
                response = await answered(asked, stream, tools=[weather])
                message = response.main_response
                [wanted] = message.tool_calls or []
                result = await asked.execute_tool(wanted, {"weather": weather})
                for answer in (message, message.original, Message("assistant", "Let me look.", message.tool_calls)):
                    for history in (
                        [*HELLO, answer, result],
                        [*HELLO, answer, asked.tool_result(wanted, "no", is_error=True)],
                    ):
                        server.fail(500, provider=first.name())
                        gone_on = await answered(asked, stream, history, tools=[weather])
                        assert gone_on.provider_name == second.name()
                        sent = json.dumps(server.requests[-1].json)
                        assert "Let me look." in sent
                        assert "Oslo" in sent
                        assert ("rain in Oslo" in sent) is (history[-1] is result)
                        assert gone_on.main_response.content.startswith("The tool said: ")

        with_server(body)

    @pytest.mark.parametrize("kind", PROVIDERS, ids=lambda each: each.name())
    def test_know_of_a_result_that_it_is_an_error_where_the_api_has_a_place_for_it(
        self, kind: type[BaseProvider]
    ) -> None:
        async def body(server: ProviderServer) -> None:
            server.script(ToolCalls(("weather", {"city": "Oslo"})))
            async with fallback(server, kind) as asked, provider(server, kind) as alone:
                response = await answered(asked, False, tools=[weather])
                [wanted] = response.main_response.tool_calls or []
                bodies = []
                for maker in (asked, alone):
                    history = [*HELLO, response.main_response, maker.tool_result(wanted, "no luck", is_error=True)]
                    await answered(asked, False, history, tools=[weather])
                    bodies.append(server.requests[-1].json)
                if kind in (ClaudeProvider, GoogleProvider):
                    assert bodies[0] == bodies[1]
                else:
                    assert "no luck" in json.dumps(bodies[0])

        with_server(body)


def weather(city: str) -> str:
    """Tell the weather."""
    return f"rain in {city}"


class TestAgents:
    @streamed_or_not
    def test_run_although_the_provider_changes_between_turns(self, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            kinds = [OpenAIProvider, ClaudeProvider, GoogleProvider, OpenAIResponsesProvider]
            server.script(
                *(ToolCalls(("weather", {"city": city})) for city in ("Oslo", "Rome", "Lima")), Text("All wet.")
            )
            # Turn by turn one provider more is out.
            for turn in range(1, 4):
                for kind in kinds[:turn]:
                    server.fail(500, provider=kind.name(), times=1)
            asked = fallback(server, *kinds)
            async with asked:
                agent = Agent(asked, tools=[weather])
                turns: list[str] = []

                async def no_one_fails_first(call: ToolCall) -> None:
                    turns.append(str(call.arguments))

                agent.before_tool = no_one_fails_first
                if stream:
                    async with agent.stream(HELLO) as run:
                        text = "".join([event.text async for event in run if isinstance(event, TextDelta)])
                    assert text == "All wet."
                    result = await run.result()
                else:
                    result = await agent.run(HELLO)
                assert result.content == "All wet."
                assert len(turns) == 3
                assert result.response is not None
                sent = json.dumps(server.requests[-1].json)
                assert all(f"rain in {city}" in sent for city in ("Oslo", "Rome", "Lima"))
                assert len({request.provider for request in server.requests}) > 1

        with_server(body)

    def test_tell_the_model_of_a_tool_that_fails(self) -> None:
        @tool
        def broken() -> None:
            raise ValueError("no luck")

        async def body(server: ProviderServer) -> None:
            server.script(ToolCalls(("broken", {})), Text("Sorry."))
            async with fallback(server, ClaudeProvider) as asked:
                result = await Agent(asked, "ignored", [broken]).run(HELLO)
                assert result.content == "Sorry."
                assert '"is_error": true' in json.dumps(server.requests[-1].json)

        with_server(body)


@dataclass
class Town:
    name: str
    people: int


class TestStructuredAnswers:
    @every_pair
    @streamed_or_not
    def test_are_values_of_the_type_whoever_answers(
        self, first: type[BaseProvider], second: type[BaseProvider], stream: bool
    ) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, provider=first.name())
            server.script(Text('{"name": "Bergen", "people": 290000}'))
            async with fallback(server, first, second) as asked:
                response = await answered(asked, stream, response_schema=Town)
                assert response.parsed == Town("Bergen", 290_000)
                assert response.provider_name == second.name()

        with_server(body)

    def test_are_asked_for_again_at_the_same_provider(self) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, provider="openai", times=None)
            server.script(Text("no idea"), Text('{"name": "Bergen", "people": 1}'))
            async with fallback(server, OpenAIProvider, ClaudeProvider) as asked:
                response = await answered(asked, False, response_schema=Town, schema_retries=1)
                assert response.parsed == Town("Bergen", 1)
                assert len(response.rejected) == 1
                assert [request.provider for request in server.requests] == ["openai", "claude", "claude"]

        with_server(body)

    @every_pair
    def test_grow_while_they_stream(self, first: type[BaseProvider], second: type[BaseProvider]) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, provider=first.name())
            server.script(Text(['{"name": "Ber', 'gen", ', '"people": 29', "0000}"]))
            async with fallback(server, first, second) as asked:
                response = await asked.acomplete(messages=HELLO, stream=True, response_schema=Town)
                assert response.partial() is None
                values = [dict(value) async for value in response.partials()]
                assert {"name": "Ber"} in values
                assert values[-1] == {"name": "Bergen", "people": 290_000}

        with_server(body)


class TestNesting:
    @streamed_or_not
    def test_a_fallback_may_be_a_member(self, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            for name in ("openai", "claude", "google"):
                server.fail(500, provider=name)
            inner = fallback(server, OpenAIProvider, ClaudeProvider)
            outer = Fallback(
                [
                    inner,
                    Fallback([(provider(server, GoogleProvider), "g"), (provider(server, OpenRouterProvider), "o")]),
                ]
            )
            async with outer:
                response = await answered(outer, stream)
                assert response.provider_name == "openrouter"
                assert [call.provider_name for call in response.fallbacks] == ["openai", "fallback", "google"]
                assert repr(outer) == "<Fallback of fallback, fallback>"

        with_server(body)

    def test_a_stream_that_breaks_in_an_inner_one_names_the_failures_of_both(self) -> None:
        async def body(server: ProviderServer) -> None:
            for name in ("openai", "openrouter"):
                server.fail(503, provider=name)
            server.cut(after_bytes=600, provider="claude")
            inner = fallback(server, OpenRouterProvider, ClaudeProvider)
            async with Fallback([(provider(server, OpenAIProvider), "m"), inner]) as outer:
                response = await outer.acomplete("m", HELLO, stream=True)
                with pytest.raises(APIConnectionError) as caught:
                    await response.final()
                assert caught.value.partial is not None
                assert [call.provider_name for call in caught.value.fallbacks] == ["openai", "openrouter"]

        with_server(body)


def test_a_fallback_can_be_pickled_whatever_its_reasons() -> None:
    for on in (None, RateLimitError, (RateLimitError, ProtocolError)):
        again = pickle.loads(pickle.dumps(Fallback([(OpenAIProvider("k"), "m")], on=on)))
        assert [(member.name, member.model) for member in again.members] == [("openai", "m")]
        assert again._may_help(RateLimitError("HTTP 429", status_code=429))


def test_an_error_that_was_raised_from_itself_is_a_reason_like_any_other() -> None:
    class Circular(OpenAIProvider):
        async def _single_complete(self, *args: Any, **kwargs: Any) -> Response:
            error = APIConnectionError("gone")
            raise error from error

    async def body(server: ProviderServer) -> None:
        async with Fallback([(Circular("k"), "m"), (provider(server, ClaudeProvider), "m")]) as asked:
            assert (await asked.acomplete(messages=HELLO)).provider_name == "claude"

    with_server(body)


class OldProvider(BaseProvider):
    """A provider written for 0.5, which does everything itself."""

    async def _single_complete(  # type: ignore[override]
        self, model: str, messages: Any, stream: bool = False, *args: Any, **kwargs: Any
    ) -> Response:
        response = Response({}, self.name(), stream=stream)
        if model == "broken":
            raise APIConnectionError("gone")

        async def chunks() -> Any:
            if model == "broken in the stream":
                raise APIConnectionError("gone")
            for text in ("old", " words"):
                yield StreamChunk(text, {})
            response.main_response = Message("assistant", "old words")

        if stream:
            response.stream_generator = chunks()
        else:
            response.main_response = Message("assistant", "old words")
        return response


class TestProvidersWrittenForOlderVersions:
    @streamed_or_not
    def test_answer_as_members(self, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            server.fail(500, provider="openai")
            async with Fallback([(provider(server, OpenAIProvider), "m"), (OldProvider("k"), "m")]) as asked:
                response = await asked.acomplete(messages=HELLO, stream=stream)
                assert (await response.final()).content == "old words"
                assert response.provider_name == "old"
                assert len(response.fallbacks) == 1

        with_server(body)

    @pytest.mark.parametrize(("model", "stream"), [("broken", False), ("broken", True), ("broken in the stream", True)])
    def test_fail_as_members(self, model: str, stream: bool) -> None:
        async def body(server: ProviderServer) -> None:
            async with Fallback([(OldProvider("k"), model), (provider(server, ClaudeProvider), "m")]) as asked:
                assert (await answered(asked, stream)).provider_name == "claude"

        with_server(body)

    def test_that_are_left_cannot_be_read_on(self) -> None:
        async def main() -> None:
            async with Fallback([(OldProvider("k"), "m")]) as asked:
                response = await asked.acomplete(messages=HELLO, stream=True)
                async for chunk in response:
                    assert chunk.delta == "old"
                    break
                with pytest.raises(StreamError):
                    await response.final()

        asyncio.run(main())


@pytest.mark.parametrize("method", ["request", "list_models", "embed", "count_tokens"])
def test_what_is_no_conversation_is_refused(method: str) -> None:
    asked = Fallback([(OpenAIProvider("k"), "m")])
    with pytest.raises(UnsupportedError, match=method):
        asyncio.run(getattr(asked, method)("GET", "/models"))


def test_a_failed_call_says_who_and_what() -> None:
    call = FailedCall("openai", "m", RateLimitError("slow down", status_code=429))
    assert repr(call) == "FailedCall(provider_name='openai', model='m', error=RateLimitError('HTTP 429: slow down'))"
