"""Rows: what surrounds a call: other providers, a cache, hooks, keys, headers, and what is told of it."""

from __future__ import annotations

from typing import Any

from llm_async import Agent, Fallback, Hooks, RetryConfig
from llm_async.cache import MemoryCache
from llm_async.testing import Text

from .answers import raw_answer
from .cell import HELLO, NOT_SAID, Scene, Section
from .columns import DOORS, KEY, Door
from .tools import look, told_to_look

__all__ = ["AROUND", "OBSERVING"]

AROUND = Section("Fallback and cache", "fallback-and-cache.md")
OBSERVING = Section("Keys, headers, observing", "observing.md")


def _partner(door: Door) -> Door:
    """Somebody who speaks another API."""
    return DOORS["openai" if door.api == "messages" else "claude"]


async def _check(scene: Scene, failing: Door, answering: Door) -> None:
    """Ask two providers, of which the first fails: the second one answers, whole and streamed."""
    members = [(await scene.another(door), door.model) for door in (failing, answering)]
    fallback = Fallback(members)
    for streams in (False, True):
        scene.server.fail(503, provider=failing.server)
        response = await fallback.acomplete(messages=[HELLO], stream=streams)
        assert (await response.final()).content == "You said: Good morning"
        assert response.provider_name == answering.name
        assert [failed.provider_name for failed in response.fallbacks] == [failing.name]


@AROUND.row("`Fallback`: another takes over")
async def away(scene: Scene) -> None:
    await _check(scene, scene.door, _partner(scene.door))


@AROUND.row("`Fallback`: takes over from another")
async def onto(scene: Scene) -> None:
    await _check(scene, _partner(scene.door), scene.door)


@AROUND.row("`Fallback`: another goes on between a tool's call and its result")
async def in_an_agent(scene: Scene) -> None:
    other = _partner(scene.door)
    fallback = Fallback([(scene.provider, scene.model), (await scene.another(other), other.model)])

    def fail(call: Any) -> None:
        scene.server.fail(503, provider=scene.door.server)

    told_to_look(scene)
    result = await Agent(fallback, tools=[look], before_tool=fail).run([HELLO])
    assert result.content == "The tool said: the sky is blue"
    assert result.response is not None
    assert result.response.provider_name == other.name


@AROUND.row("a cache of whole answers")
async def cached(scene: Scene) -> None:
    provider = await scene.another(cache=MemoryCache())
    scene.server.script(Text("Good day.", reasoning="Hm."))
    fresh, kept = [await provider.acomplete(scene.model, [HELLO]) for _ in range(2)]
    assert (fresh.cached, kept.cached) == (False, True)
    assert len(scene.server.requests) == 1
    assert (kept.main_response, kept.usage, kept.original) == (fresh.main_response, fresh.usage, fresh.original)


@AROUND.row("a cache of streams")
async def cached_stream(scene: Scene) -> None:
    provider = await scene.another(cache=MemoryCache())
    told_to_look(scene)
    responses, chunks = [], []
    for _ in range(2):
        responses.append(await provider.acomplete(scene.model, [HELLO], tools=[look], stream=True))
        chunks.append([chunk async for chunk in responses[-1]])
    assert [response.cached for response in responses] == [False, True]
    assert len(scene.server.requests) == 1
    assert chunks[0] == chunks[1]
    assert responses[0].main_response == responses[1].main_response


# --- keys, headers, observing


@OBSERVING.row("a key, or a token, that a function gives")
async def key_function(scene: Scene) -> None:
    keys = iter(["first-key", "second-key"])

    async def next_key() -> str:
        return next(keys)

    provider = await scene.another(key=next_key)
    for _ in range(2):
        await provider.acomplete(scene.model, [HELLO])
    sent = [str(request.headers) for request in scene.server.requests]
    assert ["first-key" in sent[0], "second-key" in sent[1], "first-key" in sent[1]] == [True, True, False]


@OBSERVING.row("headers of a provider, and of a call")
async def headers(scene: Scene) -> None:
    provider = await scene.another(headers={"x-team": "whales", "x-run": "0"})
    await provider.acomplete(scene.model, [HELLO], headers={"X-Run": "1"})
    [request] = scene.server.requests
    assert (request.headers["x-team"], request.headers["x-run"]) == ("whales", "1")


@OBSERVING.row("`request_id`")
async def request_id(scene: Scene) -> str | None:
    for streams in (False, True):
        response = await scene.ask(stream=streams)
        if response.request_id is None:
            return NOT_SAID
        assert response.request_id.endswith(f"{len(scene.server.requests):08d}")
    return None


@OBSERVING.row("`rate_limits`")
async def rate_limits(scene: Scene) -> str | None:
    scene.server.script(raw_answer(scene.door, {}, **scene.door.limits))
    limits = (await scene.ask()).rate_limits
    if not scene.door.limits:
        assert limits is None
        return NOT_SAID
    assert limits is not None
    assert limits.requests is not None
    assert (limits.requests.limit, limits.requests.remaining) == (10, 7)
    return None


@OBSERVING.row("`timing`, and other attempts when one fails")
async def timing(scene: Scene) -> None:
    provider = await scene.another(retry_config=RetryConfig(base_delay=0))
    for streams in (False, True):
        scene.server.fail(503)
        response = await scene.read(await provider.acomplete(scene.model, [HELLO], stream=streams))
        clock = response.timing
        assert clock is not None
        assert clock.attempts == 2
        assert clock.total is not None
        assert clock.first_byte is not None
        assert 0 < clock.first_byte <= clock.total
        assert (clock.first_chunk is not None) is streams


@OBSERVING.row("hooks, which see no keys")
async def hooks(scene: Scene) -> None:
    events: list[Any] = []
    told = Hooks(events.append, events.append, events.append, events.append)
    provider = await scene.another(hooks=told, retry_config=RetryConfig(base_delay=0))
    for streams in (False, True):
        scene.server.fail(503)
        await scene.read(await provider.acomplete(scene.model, [HELLO], stream=streams))
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["RequestEvent", "RetryEvent", "RequestEvent", "ResponseEvent"] * 2
    request, response = events[0], events[-1]
    assert (request.provider_name, request.model) == (scene.door.name, scene.model)
    assert response.message.content == "You said: Good morning"
    shown = [request.url, request.content, *request.headers.values(), *response.headers.values()]
    assert not any(KEY in str(each) for each in shown)
    assert KEY in str(scene.server.requests[0].headers)
