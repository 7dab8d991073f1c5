"""A provider against the embedded server, for the tests of what programs written for 0.5 count on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer

PROVIDERS: list[type[BaseProvider]] = [
    OpenAIProvider,
    OpenAIResponsesProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenRouterProvider,
]
HELLO = [{"role": "user", "content": "hi"}]

every_provider = pytest.mark.parametrize("provider_class", PROVIDERS, ids=lambda provider: provider.name())

Body = Callable[[ProviderServer, Any], Coroutine[Any, Any, Any]]


def against_server(provider_class: type[BaseProvider], body: Body, **options: Any) -> Any:
    """Run ``body(server, provider)`` and give its result; the provider's key is ``secret``."""

    async def run() -> Any:
        options.setdefault("retry_config", RetryConfig(base_delay=0))
        options.setdefault("api_key", "secret")
        async with ProviderServer() as server:
            options.setdefault("base_url", server.url(provider_class.name()))
            async with provider_class(**options) as provider:
                return await body(server, provider)

    return asyncio.run(run())
