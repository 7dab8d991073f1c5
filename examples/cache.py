"""The same question twice, and one request: answers are kept in a file, and given again."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from setting import participants

from llm_async.cache import DiskCache


async def run(argv: Sequence[str] | None) -> None:
    """Ask every provider twice, the second time in a stream as well as in one piece."""
    question = [{"role": "user", "content": "Name a town in Norway."}]
    with tempfile.TemporaryDirectory() as folder:
        async with participants(argv, __doc__) as providers, DiskCache(Path(folder) / "answers.db", ttl=3600) as cache:
            for provider, model in providers:
                provider.cache = cache
                for stream in (False, True):
                    for _ in range(2):
                        started = time.perf_counter()
                        response = await provider.acomplete(model, question, stream=stream)
                        message = await response.final()
                        milliseconds = (time.perf_counter() - started) * 1000
                        where = "cache" if response.cached else "server"
                        print(f"{provider.name()}, from the {where}, in {milliseconds:.1f} ms: {message.content}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
