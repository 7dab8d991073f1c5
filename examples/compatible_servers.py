"""Compatible servers by name: the same question to each, and a server of one's own in three lines."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from llm_async import BaseProvider, ChatDialect, Preset, get_provider, provider_class, register_provider
from llm_async.testing import ProviderServer

# A model of each; the embedded server takes any name.
MODELS = {
    "openai": "gpt-5-mini",
    "deepseek": "deepseek-chat",
    "groq": "openai/gpt-oss-20b",
    "mistral": "mistral-small-latest",
    "xai": "grok-4.3",
    "example": "example-1",
}

# What is not known by name yet: the address, the key is in EXAMPLE_API_KEY, and what is different there.
register_provider(Preset("example", "https://llm.example.com/v1", dialect=ChatDialect(renamed={"seed": "random_seed"})))


@asynccontextmanager
async def providers(argv: Sequence[str] | None) -> AsyncIterator[list[BaseProvider]]:
    """Those that can be asked: every one of them with ``--demo``, else those for which the environment has a key."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", action="store_true", help="ask the embedded server, which needs no key")
    if parser.parse_args(argv).demo:
        async with ProviderServer() as server:
            yield [get_provider(name, "any key", server.url("openai")) for name in MODELS]
        return
    keys = {name: provider_class(name).ENV_KEYS for name in MODELS}
    keyed = [name for name in MODELS if any(map(os.environ.get, keys[name]))]
    if not keyed:
        wanted = " or ".join(key for names in keys.values() for key in names)
        parser.error(f"there is no key in the environment: set {wanted}, or say --demo")
    yield [get_provider(name) for name in keyed]


async def run(argv: Sequence[str] | None) -> None:
    """Ask everybody at once."""
    async with providers(argv) as everybody:
        question = [{"role": "user", "content": "Say good morning."}]
        answers = await asyncio.gather(
            *(provider.acomplete(MODELS[provider.name()], question, seed=7) for provider in everybody)
        )
        for answer in answers:
            assert answer.main_response is not None
            print(f"{answer.provider_name}: {answer.main_response.text}")
        for provider in everybody:
            await provider.aclose()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
