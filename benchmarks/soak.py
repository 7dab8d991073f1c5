"""A soak: thousands of streams at the same time, for minutes, while memory stays where it is.

The server, in a process of its own, says a word every now and then; each stream is read to its end, or left early, and
another one begins in its place. Every answer must be its question's own. ::

    python -m benchmarks.soak --streams 2000 --seconds 60

The exit code is 1 when memory grew, a descriptor was left open, or an answer was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from llm_async._speedups import COMPILED
from llm_async.models import Limits, Timeouts
from llm_async.providers import BaseProvider
from llm_async.retry import RetryConfig

from .storm import PROVIDERS, descriptors_at_rest, descriptors_left, run

__all__ = ["Outcome", "soak"]

#: Bytes by which the memory may be larger at the end than when every stream had been replaced once. Allocators keep pages
#: that are free, so that some growth is no leak; a leak of one answer per stream is several times this much.
ALLOWED_GROWTH = 8 * 1024 * 1024
_WORDS = 20


@dataclass
class Outcome:
    """What became of the streams.

    Attributes:
        counts: how they ended.
        memory: resident bytes of this process, once per second, the server's not included.
        settled: how many of those to leave out: the streams were still beginning.
        most: how many streams were open at the same time at most.
        wrong: what must not be.
    """

    counts: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    settled: int = 0
    most: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def growth(self) -> int:
        """By how many bytes the memory was larger at the end than when it had settled."""
        steady = self.memory[self.settled :]
        if len(steady) < 2:
            return 0
        quarter = max(1, len(steady) // 4)
        return sum(steady[-quarter:]) // quarter - sum(steady[:quarter]) // quarter


@contextmanager
def server(pause: float) -> Iterator[dict[str, str]]:
    """The testing server in another process: the base URL of each provider."""
    process = subprocess.Popen(
        [sys.executable, "-m", "llm_async.testing", "--port", "0", "--pause", str(pause)],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield dict(process.stdout.readline().split() for _ in PROVIDERS)  # type: ignore[misc]
    finally:
        process.terminate()
        process.communicate()


async def soak(streams: int, seconds: float, *, pause: float = 0.25, seed: int = 1) -> Outcome:
    """Keep so many streams open for so many seconds; one word of each comes every ``pause`` seconds."""
    outcome = Outcome()
    before = await descriptors_at_rest()
    whim = random.Random(seed)
    open_now = 0

    async def worker(number: int) -> None:
        nonlocal open_now
        provider = providers[number % len(providers)]
        await asyncio.sleep(whim.uniform(0, pause * _WORDS))  # or they would all end together
        while time.perf_counter() < end:
            open_now += 1
            outcome.most = max(outcome.most, open_now)
            try:
                await _one(provider, number, whim, outcome)
            finally:
                open_now -= 1

    async def watch() -> None:
        while True:
            await asyncio.sleep(1)
            outcome.memory.append(_resident())

    with server(pause) as urls:
        providers = [
            provider(
                api_key="sk-soak",
                base_url=urls[provider.name()],
                limits=Limits(connections=streams),
                retry_config=RetryConfig(max_attempts=1),
                timeouts=Timeouts(connect=60),  # all of them connect in the first seconds
            )
            for provider in PROVIDERS
        ]
        end = time.perf_counter() + seconds
        watcher = asyncio.ensure_future(watch())
        await asyncio.gather(*(worker(number) for number in range(streams)))
        watcher.cancel()
        outcome.settled = min(len(outcome.memory) - 1, round(2.2 * pause * _WORDS))
        # While the last streams end, memory is given back; only what the full load took is compared.
        outcome.memory = outcome.memory[: max(outcome.settled + 1, int(seconds))]
        for provider in providers:
            await provider.aclose()
    gc.collect()
    left = await descriptors_left(before)
    if left:
        outcome.wrong.append(f"{left} descriptors are left open")
    if outcome.growth > ALLOWED_GROWTH:
        outcome.wrong.append(f"memory grew by {outcome.growth / 1e6:.1f} MB")
    return outcome


async def _one(provider: BaseProvider, number: int, whim: random.Random, outcome: Outcome) -> None:
    """One stream, from its beginning to its end, or to where it is left."""
    question = f"stream {number} says {whim.random()}" + " and another word" * ((_WORDS - 6) // 3)
    patience = whim.randrange(_WORDS) if whim.random() < 0.1 else _WORDS * 10
    text = ""
    async with await provider.acomplete("m", [{"role": "user", "content": question}], stream=True) as response:
        async for chunk in response:
            text += chunk.delta
            patience -= 1
            if patience < 0:
                break
    expected = f"You said: {question}"
    outcome.counts["left" if patience < 0 else "answered"] += 1
    if not expected.startswith(text) or (patience >= 0 and text != expected):
        outcome.wrong.append(f"{expected!r} was answered with {text!r}")


def _resident() -> int:
    """Bytes of memory that this process has."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(statm.read_text().split()[1]) * resource.getpagesize()


def _raise_limit(descriptors_needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = descriptors_needed if hard == resource.RLIM_INFINITY else min(descriptors_needed, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> int:
    """Read the command line, run a soak, and print what became of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--streams", type=int, default=2000, help="open at the same time (default 2000)")
    parser.add_argument("--seconds", type=float, default=60, help="how long new ones begin (default 60)")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two words of a stream (default 0.5)")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio", help="event loop (default asyncio)")
    options = parser.parse_args()
    _raise_limit(options.streams * 2 + 200)
    began, cpu = time.perf_counter(), time.process_time()
    outcome = run(soak(options.streams, options.seconds, pause=options.pause), options.loop)
    version = ".".join(map(str, sys.version_info[:3]))
    print(
        f"Python {version}, {options.loop}, {'compiled' if COMPILED else 'plain'}: {sum(outcome.counts.values())} streams,"
        f" {outcome.most} at the same time, in {time.perf_counter() - began:.0f} s"
        f" ({time.process_time() - cpu:.0f} s of CPU)"
    )
    steady = outcome.memory[outcome.settled :] or [0]
    print(f"  memory {min(steady) / 1e6:.1f} to {max(steady) / 1e6:.1f} MB, growth {outcome.growth / 1e6:+.1f} MB")
    for end, count in outcome.counts.most_common():
        print(f"  {count:6} {end}")
    print(f"  {len(outcome.wrong):6} wrong")
    for line in outcome.wrong[:10]:
        print("  ", line)
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
