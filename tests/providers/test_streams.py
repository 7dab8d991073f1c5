"""A stream's life: how it begins, ends, fails, and is left; every provider against the embedded server."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
from contextlib import suppress
from typing import Any

import pytest

from llm_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    LLMError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    StreamError,
)
from llm_async.models import Timeouts
from llm_async.providers import BaseProvider, GoogleProvider, OpenAIProvider
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer, Raw, Text

from .test_calls import HELLO, against_server, every_provider

WORDS = Text("one two three four five")


def middle(provider: BaseProvider) -> int:
    """Blocks of a stream after which this API has said the first word and not yet the last one."""
    return {"openai": 3, "openrouter": 6, "claude": 5, "google": 2, "openairesponses": 6}[provider.name()]


async def failing(provider: BaseProvider) -> tuple[LLMError, str]:
    """The error that a stream ends in, and the text that came before it."""
    text = ""
    response = await provider.acomplete("m", HELLO, stream=True)
    try:
        async for chunk in response:
            text += chunk.delta
    except LLMError as error:
        with pytest.raises(StreamError):
            await response.final()
        return error, text
    pytest.fail(f"the stream ended well, with {text!r}")


async def works(server: ProviderServer, provider: BaseProvider, *, attempts: int = 1) -> None:
    """The next stream is whole, after as many attempts."""
    server.script(WORDS, times=attempts)
    response = await provider.acomplete("m", HELLO, stream=True)
    message = await response.final()
    assert message is not None
    assert message.content == "one two three four five"


@every_provider
class TestFailures:
    @pytest.mark.parametrize(
        ("how", "kind"), [("clean", StreamError), ("eof", APIConnectionError), ("reset", APIConnectionError)]
    )
    def test_a_stream_that_is_cut_says_so_and_keeps_what_came(
        self, provider_class: type[BaseProvider], how: Any, kind: type[LLMError]
    ) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS)
            server.cut(after=middle(provider), how=how)
            error, text = await failing(provider)
            assert type(error) is kind
            assert text
            assert "one two three four five".startswith(text)
            assert error.partial is not None
            assert error.partial.content == text
            await works(server, provider)

        against_server(provider_class, body)

    def test_an_error_event_is_the_error_of_its_meaning(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS)
            server.error_event(after=middle(provider))
            error, text = await failing(provider)
            assert isinstance(error, OverloadedError)
            assert error.status_code in (503, 529)
            assert str(error).startswith(f"HTTP {error.status_code}: ")
            assert error.partial is not None
            assert error.partial.content == text
            assert text
            await works(server, provider)

        against_server(provider_class, body)

    def test_a_malformed_event_is_nonsense(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS)
            server.malformed_event(after=middle(provider))
            error, text = await failing(provider)
            assert type(error) is ProtocolError
            assert error.payload
            assert error.partial is not None
            assert error.partial.content == text
            await works(server, provider)

        against_server(provider_class, body)

    def test_silence_passes_the_idle_deadline(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS)
            server.stall(after=middle(provider))
            error, text = await failing(provider)
            assert isinstance(error, APITimeoutError)
            assert error.deadline == "idle"
            assert error.partial is not None
            assert error.partial.content == text
            await server.wait_closed_connections()

        against_server(provider_class, body, timeouts=Timeouts(idle=0.5))

    def test_silence_before_the_answer_passes_the_response_deadline_once(
        self, provider_class: type[BaseProvider]
    ) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.stall(before_head=True)
            error, _ = await failing(provider)
            assert isinstance(error, APITimeoutError)
            assert error.deadline == "response"
            assert error.partial is None
            assert len(server.requests) == 1
            await works(server, provider)

        against_server(provider_class, body, timeouts=Timeouts(response=0.5))

    def test_the_total_deadline_of_one_call_ends_it(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS)
            server.stall(after=middle(provider))
            response = await provider.acomplete("m", HELLO, stream=True, timeouts=0.15)
            with pytest.raises(APITimeoutError) as caught:
                await response.final()
            assert caught.value.deadline == "total"
            await works(server, provider)

        against_server(provider_class, body)

    def test_an_error_status_appears_at_the_first_step(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.fail(400, times=2)
            response = await provider.acomplete("m", HELLO, stream=True)
            assert server.requests == []
            with pytest.raises(APIStatusError) as caught:
                await response.final()
            assert caught.value.status_code == 400
            assert caught.value.partial is None
            with pytest.raises(APIStatusError):
                async with await provider.acomplete("m", HELLO, stream=True):
                    pass
            await works(server, provider)

        against_server(provider_class, body)


@every_provider
class TestRetries:
    def test_an_error_event_before_the_first_chunk_is_tried_again(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.error_event(after=0, times=2)
            await works(server, provider, attempts=3)
            assert len(server.requests) == 3

        against_server(provider_class, body)

    def test_a_cut_before_the_first_chunk_is_tried_again(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            for how in ("clean", "eof"):
                server.cut(after=0, how=how)
            await works(server, provider, attempts=3)
            assert len(server.requests) == 3

        against_server(provider_class, body)

    def test_after_the_first_chunk_nothing_is_sent_again(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.cut(after=middle(provider))
            await failing(provider)
            assert len(server.requests) == 1

        against_server(provider_class, body)

    def test_passing_statuses_are_tried_again_and_counted(self, provider_class: type[BaseProvider]) -> None:
        attempts: list[int] = []

        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.fail(503, times=2)
            await works(server, provider)
            assert attempts == [1, 2]
            server.fail(503, times=2)
            await provider.acomplete("m", HELLO)
            assert attempts == [1, 2, 1, 2]

        config = RetryConfig(base_delay=0, on_retry=lambda attempt, error: attempts.append(attempt))
        against_server(provider_class, body, retry_config=config)

    def test_the_servers_delay_is_in_the_error(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.fail(429, retry_after=600)
            with pytest.raises(RateLimitError) as caught:
                await provider.acomplete("m", HELLO)
            assert caught.value.retry_after == 600
            assert len(server.requests) == 1

        against_server(provider_class, body)

    def test_an_error_in_a_200_is_tried_again_without_streaming_too(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.error_event()
            response = await provider.acomplete("m", HELLO)
            assert response.main_response is not None
            assert len(server.requests) == 2

        against_server(provider_class, body)


@every_provider
class TestLeaving:
    def test_break_frees_the_connection_although_the_response_is_kept(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS)
            server.stall(after=middle(provider))
            response = await provider.acomplete("m", HELLO, stream=True)
            async for _ in response:
                break
            await server.wait_closed_connections()
            with pytest.raises(StreamError):
                await response.final()
            assert response.main_response is None
            await works(server, provider)

        against_server(provider_class, body)

    def test_break_out_of_the_old_generator_frees_it_too(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS)
            server.stall(after=middle(provider))
            response = await provider.acomplete("m", HELLO, stream=True)
            async for _ in response.stream_generator:
                break
            await server.wait_closed_connections()

        against_server(provider_class, body)

    @pytest.mark.parametrize("leave", ["aclose", "with", "exception", "cancel"])
    def test_every_other_way_out_frees_it(self, provider_class: type[BaseProvider], leave: str) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS)
            server.stall(after=middle(provider))
            response = await provider.acomplete("m", HELLO, stream=True)
            if leave == "aclose":
                iterator = aiter(response)
                await anext(iterator)
                await response.aclose()
                await response.aclose()
            elif leave == "with":
                async with response:
                    await anext(aiter(response))
            elif leave == "exception":
                with suppress(ZeroDivisionError):
                    async for _ in response:
                        raise ZeroDivisionError
            else:
                task = asyncio.ensure_future(response.final())
                await server.wait_for_requests()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            await server.wait_closed_connections()
            await works(server, provider)

        against_server(provider_class, body)

    def test_a_stream_that_was_never_started_costs_nothing(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            response = await provider.acomplete("m", HELLO, stream=True)
            await response.aclose()
            del response
            gc.collect()
            assert server.requests == []

        against_server(provider_class, body)


@every_provider
class TestReading:
    def test_iterating_again_after_the_end_yields_nothing(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            response = await provider.acomplete("m", HELLO, stream=True)
            message = await response.final()
            assert [chunk async for chunk in response] == []
            assert [chunk async for chunk in response.stream_generator] == []
            await response.aclose()
            assert await response.final() is message
            assert len(server.requests) == 1

        against_server(provider_class, body)

    def test_the_old_ways_of_reading_give_the_text(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS, times=2)
            response = await provider.acomplete("m", HELLO, stream=True)
            texts = [chunk.content async for chunk in response.stream_generator]
            assert all(texts)
            assert "".join(map(str, texts)) == "one two three four five"
            response = await provider.acomplete("m", HELLO, stream=True)
            assert "".join([text async for text in response.stream_content()]) == "one two three four five"
            assert response.main_response is not None

        against_server(provider_class, body)

    def test_headers_are_there_as_soon_as_the_stream_is_open(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            async with await provider.acomplete("m", HELLO, stream=True) as response:
                assert "event-stream" in response.headers["content-type"]

        against_server(provider_class, body)

    def test_two_readers_at_once_are_told_apart(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.delay(0.05)
            response = await provider.acomplete("m", HELLO, stream=True)
            results = await asyncio.gather(response.final(), response.final(), return_exceptions=True)
            assert sum(isinstance(result, StreamError) for result in results) >= 1

        against_server(provider_class, body)


@every_provider
class TestOddServers:
    def test_a_page_instead_of_a_stream_is_nonsense(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            page = Raw(b"<html><body>Sign in</body></html>", headers={"content-type": "text/html"})
            server.script(page, times=2)
            for stream in (True, False):
                with pytest.raises(ProtocolError, match="text/html"):
                    await (await provider.acomplete("m", HELLO, stream=stream)).final()
            await works(server, provider)

        against_server(provider_class, body)

    @pytest.mark.parametrize("stream", [True, False])
    def test_a_whole_body_or_a_stream_is_read_whatever_was_asked_for(
        self, provider_class: type[BaseProvider], stream: bool
    ) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(WORDS)
            expected = await (await provider.acomplete("m", HELLO)).final()
            # The answer to the other kind of question, recorded from the server itself.
            recorded = await recording(server, provider, stream=not stream)
            server.script(recorded)
            response = await provider.acomplete("m", HELLO, stream=stream)
            message = await response.final()
            assert message is not None
            assert expected is not None
            assert message.content == expected.content
            assert response.finish_reason == "stop"

        against_server(provider_class, body)

    def test_an_empty_body_is_an_error(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Raw(b"", headers={"content-type": "application/json"}), times=None)
            with pytest.raises(ProtocolError):
                await provider.acomplete("m", HELLO)
            with pytest.raises(LLMError):
                await (await provider.acomplete("m", HELLO, stream=True)).final()

        against_server(provider_class, body)


def gemini_event(text: str, **fields: Any) -> bytes:
    candidate = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}, **fields}
    return b"data: " + json.dumps({"candidates": [candidate]}).encode() + b"\r\n\r\n"


class TestAServerThatDeclaresEveryEventTheLast:
    LONG = [gemini_event("x" * 1000, finishReason="STOP") for _ in range(400)]

    def test_its_answer_is_read_to_the_end_of_the_body(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Raw(self.LONG))
            message = await (await provider.acomplete("m", HELLO, stream=True)).final()
            assert message is not None
            assert len(message.content) == 400_000

        against_server(GoogleProvider, body)

    def test_its_answer_is_not_taken_for_whole_when_the_connection_is_lost(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Raw(self.LONG, cut_at=200_000))
            with pytest.raises(APIConnectionError) as caught:
                await (await provider.acomplete("m", HELLO, stream=True)).final()
            assert caught.value.partial is not None
            assert len(caught.value.partial.content) > 100_000

        against_server(GoogleProvider, body)


def test_what_follows_the_end_of_the_answer_is_not_waited_for_without_bound() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(WORDS)
        server.stall()
        message = await (await provider.acomplete("m", HELLO, stream=True)).final()
        assert message is not None
        assert message.content == "one two three four five"
        await server.wait_closed_connections()

    against_server(OpenAIProvider, body)


async def recording(server: ProviderServer, provider: BaseProvider, *, stream: bool) -> Raw:
    """What the server answers to a question, as bytes that can be played again."""
    server.script(WORDS)
    wire = provider._protocol
    assert wire is not None
    from llm_async.protocols.base import Call

    request = wire.request(Call("m", [dict(message) for message in HELLO], stream=stream))
    exchange = provider._exchange(request, None, None)
    reply = await exchange.send()
    body = await reply.read()
    return Raw(body, headers={"content-type": reply.headers["content-type"]})


def test_one_provider_serves_several_event_loops() -> None:
    with ProviderServer() as server:
        provider = OpenAIProvider("k", server.url("openai"))

        async def ask() -> None:
            assert await (await provider.acomplete("m", HELLO, stream=True)).final()
            assert (await provider.acomplete("m", HELLO)).main_response

        for _ in range(3):
            asyncio.run(ask())

        async def close() -> None:
            await ask()
            await provider.aclose()
            await ask()
            await provider.aclose()

        asyncio.run(close())


@every_provider
def test_a_stream_that_was_read_is_a_value_that_can_be_copied_and_pickled(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        response = await provider.acomplete("m", HELLO, stream=True)
        for copied in (copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="has not been read to its end"):
                copied(response)
        message = await response.final()
        for again in (copy.copy(response), copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
            assert type(again) is type(response)
            assert (again.original, again.usage, again.headers) == (response.original, response.usage, response.headers)
            assert await again.final() == message
            assert [chunk async for chunk in again] == []

    against_server(provider_class, body)
