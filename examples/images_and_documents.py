"""One picture and one document, shown to every provider; then a conversation that goes from one to the next.

The conversation is kept as JSON between the turns, as a program keeps it that goes on tomorrow.
"""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from setting import participants

from llm_async import BaseProvider, UnsupportedError, parts

# A red square of one point, and a note. Real ones come from files: parts.image(Path("photo.jpg")).
PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")
NOTE = b"The square is red."

QUESTION: dict[str, Any] = {
    "role": "user",
    "content": [
        parts.text("Does the note tell the truth about the picture?"),
        parts.image(PICTURE),
        parts.document(NOTE, media_type="text/plain", name="note.txt"),
    ],
}


async def show(provider: BaseProvider, model: str) -> None:
    """The question, put to one provider in its own words."""
    response = await provider.acomplete(model, [QUESTION])
    print(f"{provider.name()}: {response.main_response.text[:60]}")
    try:
        await provider.acomplete(model, [{"role": "user", "content": [parts.video("https://youtu.be/9hE5-98ZeCg")]}])
        print(f"{provider.name()} watches videos")
    except UnsupportedError as error:
        print(f"{provider.name()} was not asked about a video: {error}")


async def pass_on(providers: Sequence[tuple[BaseProvider, str]]) -> None:
    """One conversation, each turn at another provider."""
    kept = json.dumps([{"role": "system", "content": "Be brief."}, QUESTION])
    for provider, model in providers:
        history = json.loads(kept)
        response = await provider.acomplete(model, history)
        follow_up = {"role": "user", "content": "Are you sure?"}
        kept = json.dumps([*history, response.main_response.to_dict(), follow_up])
    names = " → ".join(message["provider_name"] for message in json.loads(kept) if message["role"] == "assistant")
    print(f"one conversation: {names}")


async def run(argv: Sequence[str] | None) -> None:
    """One provider after the other."""
    async with participants(argv, __doc__) as providers:
        for provider, model in providers:
            await show(provider, model)
        await pass_on(providers)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
