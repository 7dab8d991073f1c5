"""What this library wants to cost, and what it does cost: each figure beside its bound, most of them ratios.

What belongs here: the aims, and the measurements that only concern this library. Other clients are ``peers.py``'s. Every number is
taken in a process of its own, against one server in another process; where two are compared they take turns and the
medians count::

    python -m benchmarks.targets [--rounds 5] [--write docs]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.clients import CLIENTS, MESSAGES, Aiosonic, Asyncio, measure_request
from benchmarks.peers import machine, put
from benchmarks.server import base_url, running
from benchmarks.traffic import APIS, events

__all__ = ["main"]

ROOT = Path(__file__).parent.parent
EVENTS = 20_000
# Streams whose length or number differs; a stream of the length 1 is what each of the others costs before its second event.
LENGTHS = (10, 100, 1_000, 100_000, 1_000_000)
PARALLEL = (1, 100, 1_000, 5_000)
EVENTS_IN_PARALLEL = 500
FRAGMENTS = (125_000, 1_250_000)  # of eight bytes: arguments of one and of ten megabytes
REQUESTS = (1_000, 5_000)  # aiosonic leaves a timer behind for each, so that the later ones cost it more
LONG = 305_000  # events of some 327 bytes: a stream of a hundred megabytes


class Row(NamedTuple):
    """One aim: what was measured, how it is written, and whether it is reached."""

    what: str
    found: str
    aim: str
    reached: bool


# --- in the process that is measured


def provider(api: str, address: str, **options: Any) -> Any:
    """The provider that speaks an API."""
    import llm_async

    names = {
        "chat": "OpenAIProvider",
        "openrouter": "OpenRouterProvider",
        "responses": "OpenAIResponsesProvider",
        "messages": "ClaudeProvider",
        "gemini": "GoogleProvider",
    }
    return getattr(llm_async, names[api])(api_key="k", base_url=address, **options)


async def read(source: Any, kind: str = "text") -> Any:
    """A stream to its end, each piece of it looked at."""
    response = await source.acomplete("m", MESSAGES, stream=True)
    if kind == "text":
        async for chunk in response:
            chunk.delta  # noqa: B018
    else:
        async for chunk in response:
            for delta in chunk.tool_call_deltas:
                delta.arguments  # noqa: B018
    return response


async def bare(client: Any) -> None:
    """The same bytes, read by aiosonic and thrown away."""
    response = await client.client.post(client.url, json={"model": "m", "messages": MESSAGES, "stream": True})
    async for _ in response.read_chunks():
        pass


async def cpu_of(step: Callable[[], Any], times: int = 1) -> float:
    """Seconds of CPU for so many steps, after one that does not count."""
    await step()
    before = time.process_time()
    for _ in range(times):
        await step()
    return (time.process_time() - before) / times


async def stream(api: str, kind: str, address: str, who: str) -> float:
    """Microseconds of CPU per event."""
    if who == "bare":
        client = Aiosonic(address)
        return await cpu_of(lambda: bare(client)) / EVENTS * 1e6
    source = provider(api, address)
    return await cpu_of(lambda: read(source, kind)) / EVENTS * 1e6


async def request(who: str, address: str, count: int) -> float:
    """Microseconds of CPU per small answer."""
    return (await measure_request(CLIENTS[who](address), count))["us_per_request"]


async def first_token(who: str, address: str) -> float:
    """Milliseconds from the call to the first piece of a stream, on a kept connection; the median of many."""
    once = _first_of(provider("chat", address)) if who == "ours" else await _first_of_asyncio(address)
    return statistics.median([await once() for _ in range(400)]) * 1000


def _first_of(source: Any) -> Callable[[], Any]:
    async def once() -> float:
        begun, found = time.perf_counter(), 0.0
        async for _ in await source.acomplete("m", MESSAGES, stream=True):
            found = found or time.perf_counter() - begun
        return found

    return once


async def _first_of_asyncio(address: str) -> Callable[[], Any]:
    client = Asyncio(address)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    # What the library sends, so that the server has as much to read.
    fields = {"model": "m", "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
    body = json.dumps(fields, separators=(",", ":")).encode()
    lines = (
        f"POST /{client.path} HTTP/1.1", f"Host: {client.host}:{client.port}", "User-Agent: llm-async", "Accept: */*",
        "Accept-Encoding: identity", "Connection: keep-alive", "Content-Type: application/json",
        "Authorization: Bearer test", f"Content-Length: {len(body)}", "", "",
    )  # fmt: skip
    request = "\r\n".join(lines).encode() + body

    async def once() -> float:
        begun = time.perf_counter()
        writer.write(request)
        block = b""
        while b"data: " not in block:
            block += await reader.read(65536)
        found = time.perf_counter() - begun
        while not block.endswith(b"\r\n0\r\n\r\n"):
            block = block[-16:] + await reader.read(65536)
        return found

    return once


async def length(count: int, address: str) -> float:
    """Microseconds of CPU for a stream."""
    source = provider("chat", address)
    return await cpu_of(lambda: read(source), max(1, 20_000 // max(count, 20))) * 1e6


async def parallel(streams: int, address: str) -> float:
    """Microseconds of CPU per event of streams that come at once, on connections that are kept."""
    from llm_async import Limits

    source = provider("chat", address, limits=Limits(connections=streams))

    async def all_of_them() -> None:
        await asyncio.gather(*(read(source) for _ in range(streams)))

    return await cpu_of(all_of_them, max(1, 100 // streams)) / streams / EVENTS_IN_PARALLEL * 1e6


async def arguments(count: int, address: str) -> float:
    """Microseconds of CPU per fragment of a tool call's arguments."""
    source = provider("chat", address)
    before = time.process_time()
    response = await read(source, "tool")
    assert len(response.main_response.tool_calls) == 1
    return (time.process_time() - before) / count * 1e6


async def peak(address: str, small: str) -> float:
    """Megabytes by which the memory of a reader grows at most, beyond the message."""
    await read(provider("chat", small))
    before = _high_water()
    response = await read(provider("chat", address))
    return _high_water() - before - sys.getsizeof(response.main_response.content) / 1e6


def _high_water() -> float:
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


async def construction() -> float:
    """Milliseconds of CPU for a provider, the first one's imports not counted."""
    provider("chat", "http://127.0.0.1:1")

    async def make() -> None:
        provider("chat", "http://127.0.0.1:1")

    return await cpu_of(make, 200) * 1000


# --- in the process that compares


def measured(function: Callable[..., Any], *arguments: Any, plain: bool = False) -> float:
    """What a function of this module says in a fresh process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LLM_ASYNC_NO_EXTENSIONS": "1" if plain else "0"}
    command = [sys.executable, "-m", "benchmarks.targets", "--measure", function.__name__, json.dumps(arguments)]
    finished = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"{function.__name__}{arguments} failed:\n{finished.stderr[-3000:]}")
    return float(finished.stdout.strip().splitlines()[-1])


def ratio(rounds: int, ours: Callable[[], float], theirs: Callable[[], float]) -> float:
    """The median of our cost over theirs; they take turns."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)


def median(rounds: int, one: Callable[[], float]) -> float:
    return statistics.median(one() for _ in range(rounds))


def imported(module: str) -> tuple[float, float]:
    """Milliseconds of CPU and megabytes of a fresh interpreter that has imported a module."""
    code = (
        f"import {module}, time; status = open('/proc/self/status').read(); "
        "print(time.process_time() * 1000, int(status.partition('VmHWM:')[2].split()[0]) / 1024)"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    cpu, rss = shown.stdout.split()
    return float(cpu), float(rss)


def rows(port: int, rounds: int) -> Iterator[Row]:
    """Every aim, measured."""

    def row(what: str, number: float, bound: float, form: str) -> Row:
        return Row(what, form.format(number), "at most " + form.format(bound), number <= bound)

    times = "{:.2f} times"
    for kind, title in (("text", "text event"), ("tool", "event of a tool call's arguments")):
        for api in APIS:
            address = base_url(port, api, kind, EVENTS)
            found = ratio(rounds, *(partial(measured, stream, api, kind, address, who) for who in ("ours", "bare")))
            bound = 1.0 if (api, kind) == ("chat", "text") else 1.3
            yield row(f"{title}, {api}, against a bare aiosonic loop over the same bytes", found, bound, times)
    small = base_url(port, "chat")
    for count in REQUESTS:
        clients = ("llm-async", "aiosonic, bytes only")
        found = ratio(rounds, *(partial(measured, request, who, small, count) for who in clients))
        yield row(f"small answer, against aiosonic's post and json, {count:,} in a row", found, 0.8, times)
    single = base_url(port, "chat", "text", 1)
    added = median(rounds, lambda: measured(first_token, "ours", single) - measured(first_token, "bare", single))
    yield row("first token, later than on a bare asyncio stream", added, 0.2, "{:.2f} ms")
    pairs = [(imported("llm_async"), imported("asyncio")) for _ in range(rounds)]
    cpu, rss = (statistics.median(one[place] for one, _ in pairs) for place in (0, 1))
    base = statistics.median(one[0] for _, one in pairs)
    # The bound is 60 ms where an interpreter with asyncio takes 37 ms.
    yield row("import, CPU, against import asyncio", cpu / base, 60 / 37, times)
    yield row("import, memory", rss, 22, "{:.1f} MB")
    yield row("creating a provider", median(rounds, partial(measured, construction)), 1, "{:.2f} ms")

    address = base_url(port, "chat", "text", 1)
    empty = median(rounds, partial(measured, length, 1, address))
    costs = {}
    for count in LENGTHS:
        address = base_url(port, "chat", "text", count)
        one = median(rounds if count <= 1000 else 1, partial(measured, length, count, address))
        costs[count] = (one - empty) / (count - 1)
    yield _flat("events of one stream", costs)
    address = base_url(port, "chat", "text", EVENTS_IN_PARALLEL)
    costs = {
        streams: median(rounds if streams < 1000 else 1, partial(measured, parallel, streams, address))
        for streams in PARALLEL
    }
    yield _flat("streams at once", costs)
    costs = {count: measured(arguments, count, base_url(port, "chat", "tool", count)) for count in FRAGMENTS}
    yield _flat("fragments of eight bytes of a tool call's arguments", costs)
    found = measured(peak, base_url(port, "chat", "text", LONG), base_url(port, "chat", "text", 2_000))
    size = sum(map(len, events("chat", "text", 1000).frames)) / 1000 * LONG / 1e6
    yield row(f"memory beyond the message, in a stream of {size:.0f} MB", found, 4, "{:.1f} MB")


def _flat(what: str, costs: dict[int, float]) -> Row:
    """Whether the cost per event stays where it is; it may fall, because what a stream costs in any case is spread."""
    shown = ", ".join(f"{count:,}: {cost:.2f}" for count, cost in costs.items())
    first, *rest = costs.values()
    return Row(f"µs per event, by the number of {what}", shown, "flat, within a half", max(rest) <= 1.5 * first)


def main() -> int:
    """Measure, print, and write into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="folder of performance.md")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        name, values = arguments.measure
        print(asyncio.run(globals()[name](*json.loads(values))))
        return 0
    lines = ["| what | measured | aim | reached |", "|---|---:|---:|:---:|"]
    missed = 0
    with running() as port:
        for one in rows(port, arguments.rounds):
            missed += not one.reached
            lines.append(f"| {one.what} | {one.found} | {one.aim} | {'yes' if one.reached else '**no**'} |")
            print(lines[-1], flush=True)
    if arguments.write:
        put(arguments.write / "performance.md", "targets.py", "\n".join(lines) + f"\n\n{machine()}.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
