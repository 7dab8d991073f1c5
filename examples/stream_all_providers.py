"""The same question to every provider at the same time, each answer streamed."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from setting import participants

from llm_async import BaseProvider, LLMError

QUESTION = [{"role": "user", "content": "In one sentence: what is a stream of tokens?"}]


async def stream(provider: BaseProvider, model: str) -> None:
    """Read one stream to its end, then tell of it."""
    started = time.perf_counter()
    arrivals = []
    try:
        async with await provider.acomplete(model, QUESTION, stream=True) as response:
            async for chunk in response:
                if chunk.delta:
                    arrivals.append((time.perf_counter() - started, chunk.delta))
    except LLMError as error:
        # What had arrived before it went wrong is not lost.
        print(f"{provider.name()}: {error} (so far: {error.partial.content if error.partial else ''!r})")
        return
    print(f"{provider.name()}: {''.join(delta for _, delta in arrivals)}")
    first = f"{arrivals[0][0] * 1000:.0f} ms" if arrivals else "never"
    tokens = response.usage.output_tokens if response.usage else "unknown"
    print(f"    {len(arrivals)} pieces, the first after {first}; tokens: {tokens}; ended with {response.finish_reason}")


async def run(argv: Sequence[str] | None) -> None:
    """All of them at once: the slowest decides how long it takes."""
    async with participants(argv, __doc__) as providers:
        await asyncio.gather(*(stream(provider, model) for provider, model in providers))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
