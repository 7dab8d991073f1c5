"""One JSON Schema, and an answer from every provider that follows it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence

from setting import participants

from llm_async import BaseProvider, ResponseSchema

RECIPE = ResponseSchema(
    {
        "type": "object",
        "properties": {
            "dish": {"type": "string"},
            "minutes": {"type": "integer"},
            "ingredients": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "grams": {"type": "integer"}},
                    "required": ["name", "grams"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["dish", "minutes", "ingredients"],
        "additionalProperties": False,
    },
    name="recipe",
)


async def ask(provider: BaseProvider, model: str) -> None:
    """One answer, decoded."""
    question = [{"role": "user", "content": "A simple recipe for pancakes, please."}]
    response = await provider.acomplete(model, question, response_schema=RECIPE)
    if response.finish_reason != "stop":
        # Cut off by its limit, or refused: then it is no JSON, and is not read as such.
        print(f"{provider.name()} did not finish: {response.finish_reason}")
        return
    recipe = json.loads(response.main_response.text)
    print(
        f"{provider.name()}: {recipe['dish']} in {recipe['minutes']} minutes, {len(recipe['ingredients'])} ingredients"
    )


async def run(argv: Sequence[str] | None) -> None:
    """One provider after the other."""
    async with participants(argv, __doc__) as providers:
        for provider, model in providers:
            await ask(provider, model)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
