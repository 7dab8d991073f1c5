"""Where the examples ask: the embedded server with ``--demo``, else the real services for which the environment has a key."""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from llm_async import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.testing import ProviderServer

__all__ = ["MODELS", "participants"]

# A model of each provider; the embedded server takes any name.
MODELS: dict[type[BaseProvider], str] = {
    OpenAIProvider: "gpt-5-mini",
    OpenAIResponsesProvider: "gpt-5-mini",
    ClaudeProvider: "claude-haiku-4-5",
    GoogleProvider: "gemini-3.5-flash-lite",
    OpenRouterProvider: "openai/gpt-5-mini",
}


@asynccontextmanager
async def participants(
    argv: Sequence[str] | None, description: str | None, classes: Sequence[type[BaseProvider]] = tuple(MODELS)
) -> AsyncIterator[list[tuple[BaseProvider, str]]]:
    """The providers to ask, each with the name of a model; closed afterwards."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--demo", action="store_true", help="ask the embedded server, which needs no key")
    if parser.parse_args(argv).demo:
        async with (
            ProviderServer(pause=0.005) as server,
            _opened([each("any key", server.url(each.name())) for each in classes]) as providers,
        ):
            yield providers
        return
    keyed = [each for each in classes if any(map(os.environ.get, each.ENV_KEYS))]
    if not keyed:
        keys = dict.fromkeys(key for each in classes for key in each.ENV_KEYS)
        parser.error(f"there is no key in the environment: set {' or '.join(keys)}, or say --demo")
    async with _opened([each() for each in keyed]) as providers:
        yield providers


@asynccontextmanager
async def _opened(providers: list[BaseProvider]) -> AsyncIterator[list[tuple[BaseProvider, str]]]:
    try:
        yield [(provider, MODELS[type(provider)]) for provider in providers]
    finally:
        for provider in providers:
            await provider.aclose()
