"""Beside chat: the models of a provider, the texts nearest to a question, and how many tokens a prompt has."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from operator import mul

from setting import MODELS, participants

from llm_async import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    UnsupportedError,
)

EMBEDDING_MODELS: dict[type[BaseProvider], str] = {
    OpenAIProvider: "text-embedding-3-small",
    OpenAIResponsesProvider: "text-embedding-3-small",
    GoogleProvider: "gemini-embedding-001",
    ClaudeProvider: "none",
}
TEXTS = ["Bergen has rain on most days", "Rome has an umbrella pine on each hill", "Whales sing"]
QUESTION = "Where is rain to be expected?"


async def nearest(provider: BaseProvider) -> str:
    """The text that is nearest to the question, and how near it is."""
    embedded = await provider.embed([QUESTION, *TEXTS], EMBEDDING_MODELS[type(provider)])
    question, *vectors = embedded
    near, text = max((sum(map(mul, question, vector)), text) for vector, text in zip(vectors, TEXTS, strict=True))
    return f"{text!r} ({near:.2f})"


async def run(argv: Sequence[str] | None) -> None:
    """One provider after the other; each says what it does not offer."""
    async with participants(argv, __doc__, tuple(EMBEDDING_MODELS)) as providers:
        for provider, _ in providers:
            print(provider.name())
            models = await provider.list_models()
            print(f"    {len(models)} models, the first one is {models[0].id}")
            try:
                print(f"    nearest: {await nearest(provider)}")
            except UnsupportedError as error:
                print(f"    {error}")
            try:
                count = await provider.count_tokens(MODELS[type(provider)], [{"role": "user", "content": QUESTION}])
                print(f"    the question has {count.input_tokens} tokens")
            except UnsupportedError as error:
                print(f"    {error}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
