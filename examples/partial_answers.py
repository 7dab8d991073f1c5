"""A structured answer that is shown while it is being written, from every provider."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from setting import participants

from llm_async import BaseProvider, ResponseSchema

TRIP = ResponseSchema(
    {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "days": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {"place": {"type": "string"}, "plan": {"type": "string"}},
                    "required": ["place", "plan"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["title", "days"],
        "additionalProperties": False,
    },
    name="trip",
)
QUESTION = [{"role": "user", "content": "Plan two days in Norway."}]


async def show_value(provider: BaseProvider, model: str) -> None:
    """The whole value, as often as it changes."""
    response = await provider.acomplete(model, QUESTION, stream=True, response_schema=TRIP)
    states = 0
    async with response:
        async for trip in response.partials():
            states += 1
            print(f"\r{provider.name()}: {trip.get('title', '')}", end="", flush=True)
    print(f"\n{provider.name()} wrote {len(trip['days'])} days in {states} steps")


async def show_pieces(provider: BaseProvider, model: str) -> None:
    """Each text piece by piece, and each day when it is whole."""
    response = await provider.acomplete(model, QUESTION, stream=True, response_schema=TRIP)
    async with response:
        async for path, value, whole in response.changes():
            match path:
                case ("title",):
                    print(value, end="\n" if whole else "", flush=True)
                case ("days", int(day)) if whole:
                    print(f"day {day + 1}: {value['plan']} in {value['place']}")
                case () if whole:
                    print(f"{provider.name()} is done")


async def run(argv: Sequence[str] | None) -> None:
    """One provider after the other."""
    async with participants(argv, __doc__) as providers:
        for provider, model in providers:
            await show_value(provider, model)
            await show_pieces(provider, model)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
