"""Answers from a cache: when one is kept, when it is given again, and to whom; every provider over sockets."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import sqlite3
import stat
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from llm_async import (
    APITimeoutError,
    BaseProvider,
    ClaudeProvider,
    Fallback,
    GoogleProvider,
    LLMError,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
    RetryConfig,
)
from llm_async.cache import Cache, DiskCache, MemoryCache, RedisCache
from llm_async.models import Response, StreamChunk
from llm_async.testing import ProviderServer, Raw, Refusal, Text, ToolCalls

from .cuts import cut_at

PROVIDERS: list[type[BaseProvider]] = [
    OpenAIProvider,
    OpenAIResponsesProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenRouterProvider,
]
HELLO = [{"role": "user", "content": "Good morning"}]
every_provider = pytest.mark.parametrize("kind", PROVIDERS, ids=lambda each: each.name())
streamed_or_not = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def against_server(
    kind: type[BaseProvider],
    body: Callable[[ProviderServer, BaseProvider, MemoryCache], Coroutine[Any, Any, Any]],
    **options: Any,
) -> None:
    """Run ``body(server, provider, cache)``."""

    async def run() -> None:
        cache = MemoryCache()
        async with ProviderServer() as server:
            options.setdefault("retry_config", RetryConfig(max_attempts=1))
            async with kind("secret", server.url(kind.name()), cache=cache, **options) as provider:
                await body(server, provider, cache)

    asyncio.run(run())


def weather(city: str) -> str:
    """Tell the weather."""
    return f"rain in {city}"


async def asked(provider: Any, stream: bool = False, **options: Any) -> tuple[Response, list[StreamChunk]]:
    """The answer, read to its end, and its chunks."""
    options.setdefault("messages", HELLO)
    response = await provider.acomplete("m", stream=stream, **options)
    return response, [chunk async for chunk in response] if stream else []


def said(response: Response) -> tuple[Any, ...]:
    """What two answers have to have in common."""
    return (
        response.main_response, response.original, response.usage, response.id, response.model, response.stop_reason,
        response.finish_reason, response.request_id, response.provider_name, response.stream,
    )  # fmt: skip


@every_provider
@streamed_or_not
class TestTheSameRequest:
    @pytest.mark.parametrize(
        "answer",
        [
            Text("One two three.", reasoning="Let me count."),
            ToolCalls(("weather", {"city": "Bodø"}), ("weather", {"city": "Oslo"}), text="I look."),
            Refusal("No."),
            Text("cut off", finish="length"),
            Text(""),
        ],
        ids=["text", "calls", "refusal", "length", "nothing"],
    )
    def test_gets_the_same_answer_and_nothing_is_sent(
        self, kind: type[BaseProvider], stream: bool, answer: Any
    ) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            server.script(answer)
            fresh, chunks = await asked(provider, stream)
            kept, chunks_again = await asked(provider, stream)
            assert len(server.requests) == 1
            assert (fresh.cached, kept.cached) == (False, True)
            assert said(kept) == said(fresh)
            assert chunks_again == chunks
            assert kept.headers["content-type"] == fresh.headers["content-type"]
            assert pickle.loads(pickle.dumps(kept)).cached

        against_server(kind, body)

    def test_is_not_the_same_when_anything_in_it_differs(self, kind: type[BaseProvider], stream: bool) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            different: list[dict[str, Any]] = [
                {},
                {"messages": [{"role": "user", "content": "Good evening"}]},
                {"tools": [weather]},
                {"headers": {"x-tenant": "a"}},
                {"headers": {"x-tenant": "b"}},
            ]
            for options in different:
                assert not (await asked(provider, stream, **options))[0].cached
            assert not (await asked(provider, not stream))[0].cached
            for options in different:
                assert (await asked(provider, stream, **options))[0].cached
            assert len(server.requests) == len(cache) == len(different) + 1

        against_server(kind, body)

    def test_is_the_same_whatever_its_trace_is(self, kind: type[BaseProvider], stream: bool) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            for number in range(3):
                headers = {"traceparent": f"00-{number}", "Idempotency-Key": str(number)}
                assert (await asked(provider, stream, headers=headers))[0].cached is bool(number)

        against_server(kind, body)

    def test_of_another_key_is_another(self, kind: type[BaseProvider], stream: bool) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            await asked(provider, stream)
            async with kind("another", server.url(kind.name()), cache=cache) as other:
                assert not (await asked(other, stream))[0].cached
                assert (await asked(other, stream))[0].cached

        against_server(kind, body)

    def test_is_sent_when_the_call_says_so(self, kind: type[BaseProvider], stream: bool) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            server.script(Text("first"), Text("second"), Text("third"))
            texts = []
            for use in (None, True, False, True, "refresh", True):
                response, _ = await asked(provider, stream, cache=use)
                texts.append((response.main_response.content, response.cached))
            assert texts == [
                ("first", False), ("first", True), ("second", False), ("first", True), ("third", False), ("third", True),
            ]  # fmt: skip
            assert all("cache" not in request.json for request in server.requests)

        against_server(kind, body)

    def test_twenty_times_at_once_gives_twenty_right_answers(self, kind: type[BaseProvider], stream: bool) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            for already in (False, True):
                answers = await asyncio.gather(
                    *(
                        asked(provider, stream, messages=[{"role": "user", "content": f"number {number % 5}"}])
                        for number in range(20)
                    )
                )
                for number, (response, chunks) in enumerate(answers):
                    assert response.main_response.content == f"You said: number {number % 5}"
                    assert "".join(chunk.delta for chunk in chunks) == (
                        response.main_response.content if stream else ""
                    )
                    assert response.cached or not already

        against_server(kind, body)


def test_headers_about_the_moment_and_cookies_are_not_kept() -> None:
    async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
        passing = {
            "set-cookie": "session=1",
            "retry-after-ms": "5",
            "x-ratelimit-limit-requests": "5",
            "anthropic-ratelimit-tokens-limit": "5",
            "anthropic-priority-input-tokens-limit": "5",
        }
        answer = b'{"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}'
        server.script(Raw(answer, headers={"x-request-id": "req_1", **passing}))
        fresh, kept = (await asked(provider))[0], (await asked(provider))[0]
        assert kept.cached
        assert not kept.headers.keys() & passing.keys()
        assert (fresh.request_id, kept.request_id, kept.rate_limits) == ("req_1", "req_1", None)

    against_server(OpenAIProvider, body)


@every_provider
class TestWhatIsNotKept:
    @streamed_or_not
    @pytest.mark.parametrize(
        "fault",
        [
            lambda server: server.fail(500),
            lambda server: server.fail(400),
            lambda server: server.error_event(),
            lambda server: server.error_event(after=4),
            lambda server: server.malformed_event(),
            lambda server: server.malformed_event(after=3),
            lambda server: server.cut(after=0, how="clean"),
            lambda server: server.cut(after_bytes=40, how="reset"),
        ],
        ids=["500", "400", "error event", "later error", "nonsense", "later nonsense", "nothing", "reset"],
    )
    def test_what_went_wrong(self, kind: type[BaseProvider], stream: bool, fault: Any) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            server.script(Text("one two three four five"))
            fault(server)
            with pytest.raises(LLMError):
                await asked(provider, stream)
            assert len(cache) == 0
            response, _ = await asked(provider, stream)
            assert not response.cached
            assert len(cache) == 1

        against_server(kind, body)

    @pytest.mark.parametrize("how", ["clean", "eof", "reset"])
    def test_a_stream_that_is_cut_anywhere(self, kind: type[BaseProvider], how: Any) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            server.script(Text("one two three"), times=None)
            for after in range(100):
                server.cut(after=after, how=how)
                try:
                    response, chunks = await asked(provider, stream=True)
                except LLMError:
                    assert len(cache) == 0
                    continue
                # What came was the whole of it: then it is kept, and right.
                assert len(cache) == 1
                kept, chunks_again = await asked(provider, stream=True)
                assert kept.cached
                assert said(kept) == said(response)
                assert chunks_again == chunks
                assert kept.main_response.content == "one two three"
                assert after > 1
                break
            else:
                pytest.fail("no stream ended well")

        against_server(kind, body)

    @pytest.mark.parametrize("how", ["break", "cancel", "aclose"])
    def test_a_stream_that_was_left(self, kind: type[BaseProvider], how: str) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            server.script(Text("one two three four five"))
            server.stall(after=6)
            response = await provider.acomplete("m", HELLO, stream=True)
            begun = asyncio.Event()

            async def read() -> None:
                async for _ in response:
                    begun.set()
                    if how == "break":
                        break

            task = asyncio.create_task(read())
            await begun.wait()
            if how == "aclose":
                await response.aclose()
            if how == "cancel":
                task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() or how == "break" or isinstance(task.exception(), LLMError)
            await server.wait_closed_connections()
            assert len(cache) == 0

        against_server(kind, body)

    def test_an_answer_is_kept_after_the_attempt_that_gave_it(self, kind: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            for stream in (False, True):
                server.fail(503)
                server.error_event()
                assert not (await asked(provider, stream))[0].cached
                assert (await asked(provider, stream))[0].cached

        against_server(kind, body, retry_config=RetryConfig(base_delay=0))

    def test_an_answer_that_is_to_be_gone_on_with(self, kind: type[BaseProvider]) -> None:
        pauses = {
            "claude": b'{"type":"message","role":"assistant","content":[],"stop_reason":"pause_turn","model":"m"}',
            "openairesponses": b'{"id":"r","object":"response","status":"queued","output":[],"model":"m"}',
        }

        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            if kind.name() not in pauses:
                return  # the API has no pauses
            server.script(Raw(pauses[kind.name()]))
            assert (await asked(provider))[0].finish_reason == "pause"
            assert len(cache) == 0

        against_server(kind, body)

    def test_other_requests(self, kind: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            await provider.request("GET", "/models")
            assert len(cache) == 0

        against_server(kind, body)


class TestStreamsInPieces:
    @every_provider
    def test_of_any_size_are_kept_as_they_are(self, kind: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            # Taken from an answer of the same API, and cut somewhere else for each request.
            server.script(Text("Grüße, 世界 👋 and more"))
            first, chunks = await asked(provider, stream=True)
            [entry] = [await cache.get(key) for key in list(cache._entries)]
            assert entry is not None
            whole = entry.partition(b"\n")[2]
            # (Without orjson the server's JSON has escapes; then it is the first byte.)
            inside_a_character = max(whole.find("世".encode()), 0) + 1
            ways = [[1], [inside_a_character], [len(whole) - 1], list(range(1, len(whole), 7))]
            for number, places in enumerate(ways):
                server.script(Raw(cut_at(whole, places)))
                options = {"messages": [{"role": "user", "content": f"number {number}"}]}
                fresh, fresh_chunks = await asked(provider, stream=True, **options)
                kept, kept_chunks = await asked(provider, stream=True, **options)
                assert kept.cached
                assert kept_chunks == fresh_chunks
                assert [chunk.delta for chunk in kept_chunks] == [chunk.delta for chunk in chunks]
                assert kept.main_response == fresh.main_response == first.main_response

        against_server(kind, body)

    def test_that_came_although_a_whole_answer_was_asked_for_and_the_reverse(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            whole = b'{"choices":[{"message":{"role":"assistant","content":"whole"},"finish_reason":"stop"}]}'
            events = b'data: {"choices":[{"index":0,"delta":{"content":"events"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
            server.script(Raw(whole), Raw(events))
            for stream, text in ((True, "whole"), (False, "events")):
                fresh, chunks = await asked(provider, stream)
                kept, chunks_again = await asked(provider, stream)
                assert kept.cached
                assert kept.main_response.content == text
                assert (kept.main_response, chunks_again) == (fresh.main_response, chunks)

        against_server(OpenAIProvider, body)


class Broken:
    """A cache that cannot be reached."""

    async def get(self, key: str) -> bytes | None:
        raise OSError("gone")

    async def set(self, key: str, value: bytes) -> None:
        raise OSError("gone")


class Spoiled(MemoryCache):
    """A cache that gives something else than what it was given."""

    async def get(self, key: str) -> bytes | None:
        return b"\x00 nothing that was kept"


class Cut(MemoryCache):
    """A cache that loses the end of what it was given."""

    async def get(self, key: str) -> bytes | None:
        value = await super().get(key)
        return value and value[:-30]


class Slow(MemoryCache):
    """A cache that does not answer."""

    async def get(self, key: str) -> bytes | None:
        await asyncio.Event().wait()
        return None


class TestCachesThatFail:
    @streamed_or_not
    @pytest.mark.parametrize("cache", [Broken(), Spoiled()], ids=["broken", "spoiled"])
    def test_are_complained_of_and_the_server_is_asked(
        self, cache: Cache, stream: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def main() -> None:
            async with (
                ProviderServer() as server,
                ClaudeProvider("secret", server.url("claude"), cache=cache) as provider,
            ):
                response, _ = await asked(provider, stream)
                assert response.main_response.content == "You said: Good morning"
                assert not response.cached
                assert len(server.requests) == 1

        with caplog.at_level(logging.WARNING, "llm_async"):
            asyncio.run(main())
        assert {record.name for record in caplog.records} == {"llm_async"}
        assert "the cache could not be asked" in caplog.text
        assert "secret" not in caplog.text

    @streamed_or_not
    def test_to_answer_in_time_do_not_hold_a_call_beyond_its_total(self, stream: bool) -> None:
        async def main() -> None:
            async with ProviderServer() as server, ClaudeProvider("k", server.url("claude"), cache=Slow()) as provider:
                with pytest.raises(APITimeoutError) as caught:
                    await asked(provider, stream, timeouts=0.1)
                assert caught.value.deadline == "total"
                assert not server.requests

        asyncio.run(main())

    @streamed_or_not
    @every_provider
    def test_and_give_half_an_answer_are_as_if_they_had_none(self, kind: type[BaseProvider], stream: bool) -> None:
        async def main() -> None:
            async with ProviderServer() as server, kind("k", server.url(kind.name()), cache=Cut()) as provider:
                for _ in range(2):
                    response, _ = await asked(provider, stream)
                    assert response.main_response.content == "You said: Good morning"
                    assert not response.cached
                assert len(server.requests) == 2

        asyncio.run(main())

    def test_and_give_another_kind_of_bytes_serve(self) -> None:
        class Views(MemoryCache):
            async def get(self, key: str) -> Any:
                value = await super().get(key)
                return value and memoryview(value)

        async def main() -> None:
            async with ProviderServer() as server, ClaudeProvider("k", server.url("claude"), cache=Views()) as provider:
                assert [(await asked(provider))[0].cached for _ in range(2)] == [False, True]

        asyncio.run(main())


class TestWhatIsRefused:
    @pytest.mark.parametrize("cache", [{}, object(), "redis://localhost", 3])
    @pytest.mark.parametrize("kind", [OpenAIProvider, GoogleProvider])
    def test_a_cache_that_is_none(self, kind: Any, cache: Any) -> None:
        with pytest.raises(TypeError, match="cache must have the async methods get and set"):
            kind("k", cache=cache)

    def test_a_cache_that_is_a_class(self) -> None:
        with pytest.raises(TypeError, match="cache must be a MemoryCache, not the class"):
            OpenAIProvider("k", cache=MemoryCache)  # type: ignore[arg-type]

    @pytest.mark.parametrize("use", ["yes", 3, {"no-cache": True}])
    def test_a_use_of_it_that_is_none(self, use: Any) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            with pytest.raises(TypeError, match="cache must be True, False or"):
                await provider.acomplete("m", HELLO, cache=use)
            assert not server.requests

        against_server(OpenAIProvider, body)


class TestWithOthers:
    def test_a_fallback_gives_what_the_cache_of_its_member_has(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            async with Fallback([(provider, "m")]) as fallback:
                for stream in (False, True):
                    for cached in (False, True):
                        response, _ = await asked(fallback, stream)
                        assert response.cached is cached

        against_server(ClaudeProvider, body)

    def test_a_copy_of_a_provider_has_the_cache(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            await asked(provider)
            async with copy.copy(provider) as shallow, pickle.loads(pickle.dumps(provider)) as deep:
                assert (await asked(shallow))[0].cached
                assert (await asked(deep))[0].cached

        against_server(OpenAIProvider, body)

    def test_a_provider_whose_client_was_replaced_does_without(self) -> None:
        class Answer:
            status_code = 200

            async def json(self) -> Any:
                return {"choices": [{"message": {"role": "assistant", "content": "old"}, "finish_reason": "stop"}]}

        class Client:
            async def post(self, url: str, json: Any, headers: Any) -> Answer:
                return Answer()

        async def body(server: ProviderServer, provider: BaseProvider, cache: MemoryCache) -> None:
            provider.client = Client()
            for _ in range(2):
                response, _ = await asked(provider)
                assert response.main_response.content == "old"
                assert not response.cached
            assert len(cache) == 0

        against_server(OpenAIProvider, body)

    def test_a_key_that_a_function_gives_counts_and_is_asked_for_once_an_attempt(self) -> None:
        keys: list[str] = []

        async def key() -> str:
            keys.append(f"key {len(keys) // 2}")
            return keys[-1]

        async def main() -> None:
            async with (
                ProviderServer() as server,
                OpenAIProvider(key, server.url("openai"), cache=MemoryCache()) as provider,
            ):
                assert [(await asked(provider))[0].cached for _ in range(4)] == [False, True, False, True]
            assert len(keys) == 4

        asyncio.run(main())


# --- the caches themselves


class Clock:
    """A time that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The address of a server that speaks Redis' protocol, on a real socket."""
    fakeredis = pytest.importorskip("fakeredis")
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["memory", "disk", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Opens a cache of each kind."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""

    @asynccontextmanager
    async def cache(**options: Any) -> AsyncIterator[Any]:
        if request.param == "memory":
            yield MemoryCache(**options)
        elif request.param == "disk":
            async with DiskCache(tmp_path / "answers.db", **options) as disk:
                yield disk
        else:
            async with RedisCache(url, **options) as redis:
                yield redis

    return cache


class TestEveryCache:
    def test_gives_what_it_was_given(self, opened: Any) -> None:
        async def main() -> None:
            async with opened() as cache:
                assert await cache.get("a") is None
                for value in (b"", b"one", bytes(range(256)) * 1000, "ö\n".encode()):
                    await cache.set("a", value)
                    got = await cache.get("a")
                    assert got == value
                    assert type(got) is bytes
                await cache.set("b", b"two")
                assert await cache.get("a") == "ö\n".encode()
                assert await cache.get("b") == b"two"

        asyncio.run(main())

    @every_provider
    def test_serves_every_provider(self, opened: Any, kind: type[BaseProvider]) -> None:
        async def main() -> None:
            async with opened() as cache, ProviderServer() as server:
                async with kind("secret", server.url(kind.name()), cache=cache) as provider:
                    for stream in (False, True):
                        fresh, chunks = await asked(provider, stream)
                        kept, chunks_again = await asked(provider, stream)
                        assert (fresh.cached, kept.cached) == (False, True)
                        assert (said(kept), chunks_again) == (said(fresh), chunks)
                assert len(server.requests) == 2

        asyncio.run(main())

    def test_serves_several_event_loops_one_after_another(self, opened: Any) -> None:
        async def use(cache: Any, expected: bytes | None) -> None:
            assert await cache.get("a") == expected
            await cache.set("a", b"kept")
            if hasattr(cache, "aclose"):
                await cache.aclose()

        async def make() -> Any:
            async with opened() as cache:
                return cache

        cache = asyncio.run(make())
        asyncio.run(use(cache, None))
        asyncio.run(use(cache, b"kept"))
        asyncio.run(use(pickle.loads(pickle.dumps(cache)), b"kept"))

    @pytest.mark.parametrize("ttl", [0, -1, True, "soon"])
    def test_refuses_a_time_that_is_none(self, opened: Any, ttl: Any) -> None:
        async def main() -> None:
            async with opened(ttl=ttl):
                pass

        with pytest.raises((TypeError, ValueError), match="ttl"):
            asyncio.run(main())


@pytest.fixture(params=["memory", "disk"])
def bounded(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    """Opens a cache whose bounds are its own business."""

    def cache(**options: Any) -> Any:
        if request.param == "memory":
            return MemoryCache(**options)
        return DiskCache(tmp_path / "answers.db", **options)

    return cache


class TestBounds:
    def test_what_was_used_longest_ago_makes_room(self, bounded: Any) -> None:
        async def main() -> None:
            cache = bounded(max_bytes=40, clock=Clock())
            for key in "abc":
                await cache.set(key, b"x" * 12)
            assert await cache.get("a") is not None
            await cache.set("d", b"x" * 12)
            assert [key for key in "abcd" if await cache.get(key) is not None] == ["a", "c", "d"]
            await cache.set("e", b"x" * 40)
            assert [key for key in "abcde" if await cache.get(key) is not None] == ["e"]
            await _closed(cache)

        asyncio.run(main())

    def test_what_is_larger_than_all_room_is_not_kept(self, bounded: Any) -> None:
        async def main() -> None:
            cache = bounded(max_bytes=10)
            await cache.set("a", b"small")
            await cache.set("b", b"larger than that")
            await cache.set("a", b"larger than that")
            assert await cache.get("a") is None
            assert await cache.get("b") is None
            await _closed(cache)

        asyncio.run(main())

    def test_what_is_too_old_is_forgotten(self, bounded: Any) -> None:
        async def main() -> None:
            clock = Clock()
            cache = bounded(ttl=60, clock=clock)
            await cache.set("a", b"one")
            clock.now += 59
            assert await cache.get("a") == b"one"
            clock.now += 1
            assert await cache.get("a") is None
            await _closed(cache)

        asyncio.run(main())

    def test_everything_can_be_forgotten_at_once(self, bounded: Any) -> None:
        async def main() -> None:
            cache = bounded()
            await cache.set("a", b"one")
            if isinstance(cache, MemoryCache):
                cache.clear()
            else:
                await cache.clear()
            assert await cache.get("a") is None
            await _closed(cache)

        asyncio.run(main())

    def test_a_number_of_entries_can_be_one_too(self) -> None:
        async def main() -> None:
            cache = MemoryCache(max_entries=2)
            for key in "abc":
                await cache.set(key, b"")
            assert len(cache) == 2
            assert repr(cache) == "<MemoryCache of 2 answers, 0 bytes>"

        asyncio.run(main())

    @pytest.mark.parametrize("bound", [0, -1, 1.5, True, None])
    def test_that_are_no_numbers_are_refused(self, bounded: Any, bound: Any) -> None:
        with pytest.raises((TypeError, ValueError), match="max_bytes"):
            bounded(max_bytes=bound)


async def _closed(cache: Any) -> None:
    if hasattr(cache, "aclose"):
        await cache.aclose()


class TestTheFile:
    def test_may_be_used_by_several_caches_and_many_tasks(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with (
                DiskCache(tmp_path / "a.db") as one,
                DiskCache(str(tmp_path / "a.db"), max_bytes=10_000) as other,
            ):

                async def use(number: int) -> None:
                    cache = (one, other)[number % 2]
                    await cache.set(str(number), b"%d" % number * 10)
                    assert await cache.get(str(number)) == b"%d" % number * 10

                await asyncio.gather(*map(use, range(40)))
                assert all([await one.get(str(number)) for number in range(40)])

        asyncio.run(main())

    @pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes there")
    def test_is_read_by_nobody_else(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with DiskCache(tmp_path / "a.db") as cache:
                await cache.set("a", b"one")
                modes = await asyncio.to_thread(lambda: [file.stat().st_mode for file in tmp_path.iterdir()])
            assert modes
            assert all(stat.S_IMODE(mode) & 0o077 == 0 for mode in modes)

        asyncio.run(main())

    def test_that_cannot_be_used_is_an_error_of_its_own_and_none_of_the_call(self, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("no database, but long enough to be looked at " * 100)

        async def main() -> None:
            for place, error in ((tmp_path / "text", sqlite3.Error), (tmp_path / "no" / "folder", OSError)):
                cache = DiskCache(place)
                with pytest.raises(error):
                    await cache.get("a")
                async with (
                    ProviderServer() as server,
                    OpenAIProvider("k", server.url("openai"), cache=cache) as provider,
                ):
                    assert not (await asked(provider))[0].cached

        asyncio.run(main())


class TestRedis:
    def test_keys_have_a_prefix_and_an_end(self, redis_url: str) -> None:
        redis = pytest.importorskip("redis.asyncio")

        async def main() -> None:
            async with (
                RedisCache(redis_url, ttl=60, prefix="mine:") as cache,
                redis.Redis.from_url(redis_url) as client,
            ):
                await cache.set("a", b"one")
                assert await client.keys() == [b"mine:a"]
                assert 0 < await client.ttl("mine:a") <= 60
                assert "6379" not in repr(cache)

        asyncio.run(main())

    def test_a_server_that_is_gone_is_an_error_of_its_own_and_none_of_the_call(self) -> None:
        redis = pytest.importorskip("redis")

        async def main() -> None:
            async with RedisCache("redis://127.0.0.1:1/0") as cache, ProviderServer() as server:
                with pytest.raises(redis.exceptions.ConnectionError):
                    await cache.get("a")
                async with ClaudeProvider("k", server.url("claude"), cache=cache) as provider:
                    for stream in (False, True):
                        assert not (await asked(provider, stream))[0].cached

        asyncio.run(main())

    def test_a_wrong_address_is_refused_at_construction(self) -> None:
        pytest.importorskip("redis")
        with pytest.raises(ValueError, match="scheme"):
            RedisCache("http://localhost")


def test_a_cache_is_anything_with_two_methods() -> None:
    kept: dict[str, bytes] = {}

    class Dictionary:
        async def get(self, key: str) -> bytes | None:
            return kept.get(key)

        async def set(self, key: str, value: bytes) -> None:
            kept[key] = value

    async def main() -> None:
        cache: Cache = Dictionary()
        async with (
            ProviderServer() as server,
            OpenAIProvider("very secret", server.url("openai"), cache=cache) as provider,
        ):
            await asked(provider)
            assert (await asked(provider))[0].cached

    asyncio.run(main())
    [(key, value)] = kept.items()
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")
    assert b"very secret" not in value
