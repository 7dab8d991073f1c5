"""Wall clock of the hot paths, compiled beside plain, and of whole answers over a socket; ``pytest --benchmark-only`` runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks.cases import CASES, answer_of, one_pass, partial_text
from benchmarks.server import base_url, running
from benchmarks.traffic import APIS, KINDS, events
from llm_async import _speedups
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)

PROVIDERS: dict[str, type[BaseProvider]] = {
    "chat": OpenAIProvider,
    "openrouter": OpenRouterProvider,
    "responses": OpenAIResponsesProvider,
    "messages": ClaudeProvider,
    "gemini": GoogleProvider,
}
TWINS = ["compiled", "plain"] if _speedups.COMPILED else ["plain"]
SERVING = TWINS[0]
COUNT = 2000


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("case", CASES)
def test_hot_path(benchmark: Any, case: str, twin: str) -> None:
    benchmark.group = case
    benchmark(one_pass(case, twin))


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("count", [12_500, 125_000])
def test_a_string_that_grows(benchmark: Any, count: int, twin: str) -> None:
    """To 100 kB and to 1 MB: the second takes ten times as long, and not a hundred times."""
    benchmark.group = f"a string of {count} pieces, asked for after each, {twin}"
    benchmark(partial_text(twin, count))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", APIS)
def test_answer_from_bytes(benchmark: Any, api: str, kind: str) -> None:
    benchmark.group = f"200 events from bytes to message, {SERVING}"
    assert benchmark(answer_of(api, kind)).message is not None


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running() as port:
        yield port


def repeatedly(benchmark: Any, provider_of: Callable[[], BaseProvider], ask: Callable[[BaseProvider], Any]) -> None:
    """Time one call on a connection that is kept."""
    loop = asyncio.new_event_loop()
    provider = provider_of()
    try:
        benchmark(lambda: loop.run_until_complete(ask(provider)))
    finally:
        loop.run_until_complete(provider.aclose())
        loop.close()


@pytest.mark.parametrize("api", APIS)
def test_stream_over_a_socket(benchmark: Any, port: int, api: str) -> None:
    benchmark.group = f"a stream of {COUNT} events over a socket, {SERVING}"
    text = events(api, "text", COUNT).text

    async def ask(provider: BaseProvider) -> None:
        response = await provider.acomplete("m", [{"role": "user", "content": "hi"}], stream=True)
        async for chunk in response:
            assert chunk.delta is not None
        assert response.main_response is not None
        assert response.main_response.content == text

    repeatedly(benchmark, lambda: PROVIDERS[api](api_key="k", base_url=base_url(port, api, "text", COUNT)), ask)


@pytest.mark.parametrize("api", APIS)
def test_request_over_a_socket(benchmark: Any, port: int, api: str) -> None:
    benchmark.group = f"a small answer over a socket, {SERVING}"

    async def ask(provider: BaseProvider) -> None:
        response = await provider.acomplete("m", [{"role": "user", "content": "hi"}])
        assert response.main_response is not None

    repeatedly(benchmark, lambda: PROVIDERS[api](api_key="k", base_url=base_url(port, api)), ask)
