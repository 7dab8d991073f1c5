"""A storm: thousands of requests over few connections, cancelled, timed out, left early, and answered badly at random.

Every answer repeats its question, so that an answer, or a piece of one, that belongs to another request is seen at once. The
client's whims and the server's faults come from one seed; the order of events is the event loop's. ::

    python -m benchmarks.storm --requests 20000 --seed 1 --loop uvloop

The exit code is 1 when an answer was wrong, an exception foreign, or a connection or descriptor left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from llm_async._speedups import COMPILED
from llm_async.errors import LLMError
from llm_async.models import Limits, Response, Timeouts
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer
from llm_async.testing.http1 import Reply, Request

__all__ = ["PROVIDERS", "Outcome", "descriptors_at_rest", "descriptors_left", "run", "storm"]

PROVIDERS: list[type[BaseProvider]] = [
    OpenAIProvider,
    OpenAIResponsesProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenRouterProvider,
]

# A whole answer with nothing wrong in it but that nobody asked for it.
_NOBODYS = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 21\r\n\r\n{"error": "nobody\'s"}'


class BadServer(ProviderServer):
    """The testing server, on a bad day."""

    def __init__(self, whim: random.Random) -> None:
        super().__init__()
        self._whim = whim

    def _answer(self, request: Request) -> Reply:
        self.requests.clear()
        reply = super()._answer(request)
        whim = self._whim
        reply.delay = whim.choice((0, 0, 0, whim.uniform(0, 0.01)))
        reply.pause = whim.choice((0, 0, whim.uniform(0, 0.002)))
        fault = whim.choices(FAULTS, WEIGHTS)[0]
        if fault is not None:
            fault(reply, whim)
        return reply


# --- what goes wrong on the server


def _break(ending: Any) -> Callable[[Reply, random.Random], None]:
    """The answer ends somewhere in the middle: with silence, or the connection's end."""

    def fault(reply: Reply, whim: random.Random) -> None:
        reply.length = sum(map(len, reply.pieces))
        reply.pieces = reply.pieces[: whim.randrange(len(reply.pieces) + 1)]
        reply.headless = not reply.pieces and whim.random() < 0.5
        reply.ending = ending

    return fault


def _truncate(reply: Reply, whim: random.Random) -> None:
    """The answer has an end, and not the protocol's."""
    reply.pieces = reply.pieces[: whim.randrange(len(reply.pieces) + 1)]


def _close(reply: Reply, whim: random.Random) -> None:
    """The connection ends with the answer, which does not say so beforehand."""
    reply.length = sum(map(len, reply.pieces))
    reply.framing = "length"
    reply.ending = "eof"


def _refuse(reply: Reply, whim: random.Random) -> None:
    """A status instead of an answer."""
    reply.status = whim.choice((400, 429, 500, 503))
    reply.pieces = [b'{"error": {"message": "not now"}}']
    reply.framing = "length"


def _say_more(reply: Reply, whim: random.Random) -> None:
    """Behind the answer, in the same packet, comes another one that belongs to no request.

    (One that comes when the next request has been sent already cannot be told from that one's answer, by anybody.)
    """
    reply.length = sum(map(len, reply.pieces))
    reply.framing = "length"
    reply.pieces = [b"".join(reply.pieces) + _NOBODYS]


FAULTS: list[Callable[[Reply, random.Random], None] | None] = [
    None, _break("stall"), _break("eof"), _break("reset"), _truncate, _close, _refuse, _say_more,
]  # fmt: skip
WEIGHTS = [70, 2, 5, 5, 4, 6, 4, 4]


# --- what the client does


@dataclass
class Outcome:
    """What became of the requests.

    Attributes:
        counts: how they ended: ``answered``, ``left``, ``cancelled``, or the class of the error.
        wrong: what must not be.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    connections: int = 0


async def _whole(ask: Asking) -> str:
    return ask.whole(await ask.send(stream=False))


async def _stream(ask: Asking) -> str:
    response = await ask.send(stream=True)
    async for chunk in response:
        ask.heard(chunk.delta)
    return ask.whole(response)


async def _final(ask: Asking) -> str:
    response = await ask.send(stream=True)
    await response.final()
    return ask.whole(response)


async def _leave(ask: Asking) -> str:
    patience = ask.whim.randrange(4)
    async with await ask.send(stream=True) as response:
        async for chunk in response:
            ask.heard(chunk.delta)
            if patience == 0:
                break
            patience -= 1
    return "left"


WAYS = [_whole, _whole, _stream, _stream, _final, _leave]


class Asking:
    """One request, and what must come of it."""

    def __init__(self, provider: BaseProvider, number: int, whim: random.Random, outcome: Outcome) -> None:
        self.whim = whim
        self._provider = provider
        self._question = f"number {number} of the storm, {'word ' * whim.randrange(8)}and again number {number}"
        self._expected = f"You said: {self._question}"
        self._text = ""
        self._outcome = outcome

    def send(self, *, stream: bool) -> Coroutine[Any, Any, Response]:
        """Ask; every tenth question has little time."""
        total = self.whim.uniform(0.001, 0.02) if self.whim.random() < 0.1 else None
        return self._provider.acomplete(
            "m",
            [{"role": "user", "content": self._question}],
            stream=stream,
            timeouts=Timeouts(response=0.5, idle=0.5, total=total),
        )

    def heard(self, text: str) -> None:
        """Take a piece of the answer."""
        self._text += text
        self.check(self._text, whole=False)

    def whole(self, response: Response) -> str:
        """Take the whole answer."""
        message = response.main_response
        self.check(None if message is None else message.content, whole=True)
        return "answered"

    def check(self, text: Any, *, whole: bool) -> None:
        """Note an answer that is not this question's."""
        if text != self._expected if whole else not self._expected.startswith(text):
            self._outcome.wrong.append(f"{self._expected!r} was answered with {text!r}")

    async def run(self) -> None:
        """Ask, in one way or another, and see how it ends."""
        task = asyncio.ensure_future(self.whim.choice(WAYS)(self))
        if self.whim.random() < 0.15:
            asyncio.get_running_loop().call_later(self.whim.uniform(0, 0.015), task.cancel)
        try:
            end = await task
        except asyncio.CancelledError:
            end = "cancelled"
        except LLMError as error:
            end = type(error).__name__
            if error.partial is not None:
                self.check(error.partial.content, whole=False)
        except Exception as error:  # noqa: BLE001 - no other may come, whatever it is
            end = type(error).__name__
            self._outcome.wrong.append(f"a foreign exception: {error!r}")
        self._outcome.counts[end] += 1


async def storm(requests: int, seed: int, *, concurrency: int = 64, connections: int = 24) -> Outcome:
    """Send so many requests, ``concurrency`` at a time, from all providers over ``connections`` each."""
    whim = random.Random(seed)
    outcome = Outcome()
    numbers = iter(range(requests))
    began = time.perf_counter()
    before = await descriptors_at_rest()
    async with BadServer(random.Random(seed + 1)) as server:
        providers = [
            provider(
                api_key="sk-storm",
                base_url=server.url(provider.name()),
                limits=Limits(connections=connections),
                retry_config=RetryConfig(max_attempts=2, base_delay=0),
            )
            for provider in PROVIDERS
        ]

        async def worker() -> None:
            for number in numbers:
                await Asking(whim.choice(providers), number, random.Random(seed * requests + number), outcome).run()

        await asyncio.gather(*(worker() for _ in range(concurrency)))
        for provider in providers:
            await provider.aclose()
        outcome.connections = server.total_connections
        try:
            await server.wait_closed_connections(timeout=30)
        except TimeoutError:
            outcome.wrong.append(f"{server.connections} connections are left open")
    left = await descriptors_left(before)
    if left:
        outcome.wrong.append(f"{left} descriptors are left open")
    outcome.seconds = time.perf_counter() - began
    return outcome


def descriptors() -> int:
    """Open descriptors of this process; 0 where the system does not tell."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


async def descriptors_at_rest() -> int:
    """Open descriptors, those included that an event loop opens for itself when it is first used."""
    async with ProviderServer() as server:
        async with PROVIDERS[0](api_key="", base_url=server.url("openai")) as provider:
            await provider.request("GET", "models")
        await server.wait_closed_connections()
    await asyncio.sleep(0.1)
    return descriptors()


async def descriptors_left(before: int, *, seconds: float = 5) -> int:
    """How many more descriptors are open than ``before``, once the loop has had its turns to close the last ones."""
    for _ in range(int(seconds * 100)):
        if descriptors() <= before:
            return 0
        await asyncio.sleep(0.01)
    return descriptors() - before


def run(main: Coroutine[Any, Any, Any], loop: str = "asyncio") -> Any:
    """``asyncio.run`` on the event loop of that name."""
    if loop == "asyncio":
        return asyncio.run(main)
    import uvloop

    previous = asyncio.get_event_loop_policy() if sys.version_info < (3, 11) else None
    if previous is None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        return asyncio.run(main)
    finally:
        asyncio.set_event_loop_policy(previous)


def main() -> int:
    """Read the command line, run a storm, and print what became of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=20_000, help="how many (default 20000)")
    parser.add_argument("--seed", type=int, default=1, help="of the client's whims and the server's faults (default 1)")
    parser.add_argument("--concurrency", type=int, default=64, help="requests at a time (default 64)")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio", help="event loop (default asyncio)")
    options = parser.parse_args()
    outcome = run(storm(options.requests, options.seed, concurrency=options.concurrency), options.loop)
    version = ".".join(map(str, sys.version_info[:3]))
    print(
        f"Python {version}, {options.loop}, {'compiled' if COMPILED else 'plain'}, seed {options.seed}: "
        f"{sum(outcome.counts.values())} requests over {outcome.connections} connections in {outcome.seconds:.1f} s"
    )
    for end, count in outcome.counts.most_common():
        print(f"  {count:6} {end}")
    print(f"  {len(outcome.wrong):6} wrong")
    for line in outcome.wrong[:10]:
        print("  ", line)
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
