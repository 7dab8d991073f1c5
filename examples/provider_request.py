"""What the library does not wrap: ``request()``, with the same key, errors and retries as everything else."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from setting import participants

from llm_async import APIStatusError, BaseProvider


async def list_models(provider: BaseProvider) -> None:
    """The models that a provider has, and what it says about one that it has not."""
    answer = await provider.request("GET", "/models", headers={"X-Program": "example"})
    entries = answer.get("data") or answer.get("models") or []
    names = [entry.get("id") or entry.get("name") for entry in entries]
    print(f"{provider.name()} has {len(names)} models, such as {', '.join(names[:3])}")
    try:
        await provider.request("GET", "/no-such-thing")
    except APIStatusError as error:
        print(f"    {type(error).__name__}, status {error.status_code}, request id {error.request_id}")


async def run(argv: Sequence[str] | None) -> None:
    """One provider after the other."""
    async with participants(argv, __doc__) as providers:
        for provider, _ in providers:
            await list_models(provider)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
