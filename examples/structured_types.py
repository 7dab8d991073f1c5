"""A dataclass, and an instance of it from every provider."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from setting import participants

from llm_async import AnswerError, BaseProvider


@dataclass
class Ingredient:
    """What goes in."""

    name: str
    grams: int


@dataclass
class Recipe:
    """How something is cooked."""

    dish: str
    minutes: int
    ingredients: list[Ingredient] = field(default_factory=list)
    remark: str | None = None


async def ask(provider: BaseProvider, model: str) -> None:
    """One recipe, asked for again where it is none."""
    question = [{"role": "user", "content": "A simple recipe for pancakes, please."}]
    response = await provider.acomplete(model, question, response_schema=Recipe, schema_retries=1)
    try:
        recipe = response.parsed
    except AnswerError as error:
        print(f"{provider.name()} gave no recipe: {error}")
        return
    print(f"{provider.name()}: {recipe.dish} in {recipe.minutes} minutes, remark: {recipe.remark}")


async def ask_for_several(provider: BaseProvider, model: str) -> None:
    """A list, streamed."""
    question = [{"role": "user", "content": "What goes into pancakes?"}]
    async with await provider.acomplete(model, question, response_schema=list[Ingredient], stream=True) as response:
        await response.final()
    print(f"{provider.name()}: {len(response.parsed)} ingredients")


async def run(argv: Sequence[str] | None) -> None:
    """One provider after the other."""
    async with participants(argv, __doc__) as providers:
        for provider, model in providers:
            await ask(provider, model)
            await ask_for_several(provider, model)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
