"""Side by side, in one run: this library and what its users would otherwise take.

What belongs here: who is measured, in which order, and what is made of the numbers. Each client runs in a process and an
environment of its own against one server in another process; several rounds, in which the clients take turns, give medians; every
client has to deliver every character. ``make bench`` makes the environments and runs this::

    python -m benchmarks.peers [--rounds 5] [--events 20000] [--streams 1000] [--only NAME,NAME] [--write docs]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.clients import CLIENTS
from benchmarks.server import base_url, running
from benchmarks.traffic import events

__all__ = ["main"]

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ROOT / ".venv-peers"

# The environment of each client below .venv-peers; None is the one that this runs in.
HOMES: dict[str, str | None] = {
    "llm-async": None,
    "llm-async with uvloop": None,
    "llm-async, plain twins": None,
    "llm-async 0.5.3": "upstream",
    "openai": "openai",
    "anthropic": "anthropic",
    "google-genai": "google-genai",
    "litellm": "litellm",
    "aiosonic, bytes only": None,
    "asyncio, bytes only": None,
}
PACKAGES = {"upstream": "llm-async", "openai": "openai", "anthropic": "anthropic", "google-genai": "google-genai",
            "litellm": "litellm"}  # fmt: skip
# 0.5.3 has 25 connections at most and serves the streams one after another; the others need more than a core for 1,000 of
# them, and run into their own timeouts.
PACED = [
    "llm-async",
    "llm-async with uvloop",
    "aiosonic, bytes only",
    "asyncio, bytes only",
]
PACED_EVENTS = 150
PACE = 20  # milliseconds


def interpreter(name: str) -> str:
    """The interpreter that has a client."""
    home = HOMES[name]
    return sys.executable if home is None else str(ENVIRONMENTS / home / "bin" / "python")


def available(name: str) -> bool:
    return Path(interpreter(name)).exists()


def measure(name: str, measured: str, address: str, count: int, streams: int = 1) -> dict[str, Any]:
    """What one client says in a fresh process."""
    environment = {**os.environ, "no_proxy": "*"}
    environment.pop("PYTHONPATH", None)
    if HOMES[name] is None:
        environment["PYTHONPATH"] = str(ROOT)
    if "plain" in name:
        environment["LLM_ASYNC_NO_EXTENSIONS"] = "1"
    finished = subprocess.run(
        [interpreter(name), str(ROOT / "benchmarks" / "clients.py"), name, measured, address, str(count), str(streams)],
        env=environment,
        cwd=ENVIRONMENTS if ENVIRONMENTS.exists() else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise SystemExit(f"{name} failed at {measured}, exit code {finished.returncode}:\n{finished.stderr[-3000:]}")
    return dict(json.loads(finished.stdout.strip().splitlines()[-1]))


def measure_import(name: str) -> dict[str, float]:
    """What a fresh interpreter has used when it has imported a client."""
    code = (
        f"import {CLIENTS[name].module}; import time; status = open('/proc/self/status').read(); "
        "print(time.process_time() * 1000, int(status.partition('VmHWM:')[2].split()[0]) / 1024)"
    )
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    }
    shown = subprocess.run(
        [interpreter(name), "-c", code],
        env=environment,
        cwd=ROOT if HOMES[name] is None else ENVIRONMENTS,
        capture_output=True,
        text=True,
        check=True,
    )
    cpu, rss = shown.stdout.split()
    return {"import, CPU ms": float(cpu), "import, RSS MB": float(rss)}


def one_round(port: int, names: list[str], count: int, streams: int) -> dict[str, dict[str, float]]:
    """All measures of all clients, once."""
    found: dict[str, dict[str, float]] = {}
    expected = hashlib.sha256(events("chat", "text", count).text.encode()).hexdigest()
    for name in names:
        client = CLIENTS[name]
        numbers: dict[str, float] = {}
        stream = measure(name, "stream", base_url(port, client.api, "text", count), count)
        if getattr(client, "verified", True) and stream["digest"] != expected:
            raise SystemExit(f"{name} did not deliver the text as it was sent")
        numbers["us per event"] = stream["us_per_event"]
        if not name.startswith("asyncio"):
            numbers["us per request"] = measure(name, "request", base_url(port, client.api), 1)["us_per_request"]
        numbers |= measure_import(name)
        if name in PACED:
            address = base_url(port, client.api, "text", PACED_EVENTS, PACE)
            paced = measure(name, "paced", address, PACED_EVENTS, streams)
            numbers["paced, us per event"] = paced["us_per_event"]
            numbers["paced, ms late"] = paced["late_ms"]
            numbers["paced, KiB per stream"] = paced["kib_per_stream"]
        found[name] = numbers
        print(f"  {name}: " + ", ".join(f"{title} {number:.1f}" for title, number in numbers.items()), flush=True)
    return found


def medians(rounds: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """The median of every number over the rounds."""
    return {
        name: {title: statistics.median(one[name][title] for one in rounds) for title in rounds[0][name]}
        for name in rounds[0]
    }


COLUMNS = (
    "us per event", "us per request", "import, CPU ms", "import, RSS MB",
    "paced, us per event", "paced, ms late", "paced, KiB per stream",
)  # fmt: skip


def table(results: dict[str, dict[str, float]]) -> str:
    """The results as Markdown."""
    lines = ["| client | " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * len(COLUMNS)]
    for name, numbers in results.items():
        cells = [f"{numbers[title]:,.1f}" if title in numbers else "" for title in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def surroundings(names: list[str], streams: int) -> str:
    """Machine and versions."""
    versions = []
    for name in names:
        home = HOMES[name]
        if home is not None:
            code = f"import importlib.metadata as m; print(m.version({PACKAGES[home]!r}))"
            shown = subprocess.run([interpreter(name), "-c", code], capture_output=True, text=True, check=True)
            versions.append(f"{PACKAGES[home]} {shown.stdout.strip()}")
    return f"{machine()}; {', '.join(versions)}; paced: {streams} streams, an event every {PACE} ms each."


def machine() -> str:
    """Processor, system and interpreter."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return (
        f"{processor}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def chart(results: dict[str, dict[str, float]], target: Path) -> None:
    """CPU per streamed event as bars, drawn as SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "llm-async"
    from matplotlib import pyplot

    names = list(reversed(results))
    values = [results[name]["us per event"] for name in names]
    figure, axes = pyplot.subplots(figsize=(8, 0.42 * len(names) + 1.0))
    colours = ["#c0392b" if name.startswith("llm-async") and "0.5.3" not in name else "#8395a7" for name in names]
    bars = axes.barh(names, values, color=colours)
    axes.bar_label(bars, labels=[f"{value:,.1f}" for value in values], padding=4)
    axes.set_xscale("log")
    axes.set_xlim(right=max(values) * 3)
    axes.set_xlabel("client CPU per streamed event, µs (logarithmic; less is better)")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})
    pyplot.close(figure)


def write(results: dict[str, dict[str, float]], where: str, folder: Path) -> None:
    """Put the table into ``performance.md`` between its marks, and draw the chart beside it."""
    put(folder / "performance.md", "peers.py", f"{table(results)}\n\n{where}")
    chart(results, folder / "performance.svg")


def put(page: Path, writer: str, found: str) -> None:
    """Put what a program has found between its marks in a page."""
    begin, end = f"<!-- benchmarks/{writer} writes from here -->", "<!-- to here -->"
    text = page.read_text("utf-8")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{found}\n\n{end}{after}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--only", help="names of clients, with commas between them", default="")
    parser.add_argument("--write", type=Path, help="folder of performance.md and its chart")
    options = parser.parse_args()
    # A name may hold a comma itself, so that its beginning is enough.
    wanted = [part.strip() for part in options.only.split(",") if part.strip()]
    chosen = [name for name in HOMES if not wanted or any(name.startswith(part) for part in wanted)]
    names = [name for name in chosen if available(name)]
    for name in chosen:
        if name not in names:
            print(f"{name} is left out: .venv-peers/{HOMES[name]} is missing; `make bench` makes it")
    rounds = []
    with running() as port:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            # Turns change, so that nobody always follows the same neighbour.
            order = names if number % 2 == 0 else list(reversed(names))
            rounds.append(one_round(port, order, options.events, options.streams))
    results = {name: medians(rounds)[name] for name in names}
    where = surroundings(names, options.streams)
    print(f"\n{table(results)}\n\n{where}")
    if options.write is not None:
        write(results, where, options.write)


if __name__ == "__main__":
    main()
