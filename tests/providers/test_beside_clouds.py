"""Models, embeddings and counts of tokens in the clouds, whose paths are others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from llm_async import (
    AzureProvider,
    AzureResponsesProvider,
    BaseProvider,
    UnsupportedError,
    VertexClaudeProvider,
    VertexProvider,
)
from llm_async.testing import ProviderServer

HELLO = [{"role": "user", "content": "Good morning"}]


def resource(server: ProviderServer) -> str:
    return server.url("azure").removesuffix("/openai/v1")


# How each is made, and what it offers.
CLOUDS: dict[str, tuple[Callable[[ProviderServer], BaseProvider], set[str]]] = {
    "azure": (lambda server: AzureProvider("key", server.url("azure")), {"list_models", "embed"}),
    "azure, dated": (
        lambda server: AzureProvider("key", endpoint=resource(server), api_version="2024-10-21"),
        {"list_models", "embed"},
    ),
    "azure responses": (
        lambda server: AzureResponsesProvider("key", server.url("azureresponses")),
        {"list_models", "embed", "count_tokens"},
    ),
    "azure responses, dated": (
        lambda server: AzureResponsesProvider("key", endpoint=resource(server), api_version="2025-03-01"),
        {"list_models", "embed", "count_tokens"},
    ),
    "vertex": (
        lambda server: VertexProvider(base_url=server.url("vertex"), token="token"),
        {"list_models", "embed", "count_tokens"},
    ),
    "vertex claude": (lambda server: VertexClaudeProvider("token", server.url("vertexclaude")), {"count_tokens"}),
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cloud_offers_what_it_has_and_refuses_the_rest_unsent(cloud: str) -> None:
    make, offers = CLOUDS[cloud]

    async def run() -> None:
        async with ProviderServer() as server, make(server) as provider:
            calls = {
                "list_models": lambda: provider.list_models(),
                "embed": lambda: provider.embed(["a", "b"], "m"),
                "count_tokens": lambda: provider.count_tokens("m", HELLO),
            }
            for name, call in calls.items():
                sent = len(server.requests)
                if name in offers:
                    assert await call()
                    assert len(server.requests) > sent
                else:
                    with pytest.raises(UnsupportedError):
                        await call()
                    assert len(server.requests) == sent

    asyncio.run(run())
