"""The speed gate: how many instructions the compiled twins need against the plain ones, in the same interpreter.

Instructions, counted by valgrind's callgrind, do not depend on what else the machine does, so that no baseline of another day is
needed: each case has a floor, about a third below what it was measured to be, and falls below it only when something has become
slower. The work of starting up is subtracted. Ratios depend on the interpreter: the floors are those of the one named
below, and others are compared with a warning::

    python -m benchmarks.gate [CASE ...]
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cases import CASES, one_pass

__all__ = ["main"]

FLOORS = {"framing": 14.0, "sse": 4.2, "fragments": 9.5, "deltas": 2.3, "tool_calls": 2.8, "partial_json": 6.0}
INTERPRETER = (3, 11)
ROOT = Path(__file__).parent.parent
_ROUNDS = 3
_COLLECTED = re.compile(r"Collected : (\d+)")


def _command(case: str, twin: str, rounds: int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.gate", "--run", case, twin, str(rounds)]


def _environment(cache: str) -> dict[str, str]:
    """The environment of what is measured: modules are compiled to byte code once, and not in every process."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONPYCACHEPREFIX": cache, "LLM_ASYNC_REQUIRE_EXTENSIONS": "1"}


def instructions(case: str, twin: str, rounds: int, cache: str) -> int:
    """How many instructions a fresh interpreter needs for so many rounds of a case."""
    finished = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *_command(case, twin, rounds)],
        cwd=ROOT,
        env=_environment(cache),
        capture_output=True,
        text=True,
        check=False,
    )
    collected = _COLLECTED.search(finished.stderr)
    if finished.returncode or collected is None:
        raise SystemExit(f"{case} with the {twin} twin failed under valgrind:\n{finished.stderr[-2000:]}")
    return int(collected[1])


def ratio(case: str, cache: str) -> float:
    """How many times as many instructions the plain twin needs."""
    for twin in ("compiled", "plain"):
        subprocess.run(_command(case, twin, 1), cwd=ROOT, env=_environment(cache), check=True)
    counts = {
        twin: instructions(case, twin, _ROUNDS, cache) - instructions(case, twin, 0, cache)
        for twin in ("compiled", "plain")
    }
    return counts["plain"] / counts["compiled"]


def run(case: str, twin: str, rounds: int) -> None:
    """What is counted."""
    work = one_pass(case, twin)
    for _ in range(rounds):
        work()


def main(arguments: list[str]) -> int:
    """Measure the named cases, or all; 1 where one is below its floor."""
    if arguments[:1] == ["--run"]:
        run(arguments[1], arguments[2], int(arguments[3]))
        return 0
    if shutil.which("valgrind") is None:
        print("the speed gate was skipped: valgrind is missing (on Debian: apt-get install valgrind)")
        return 0
    if sys.version_info[:2] != INTERPRETER:
        print(f"note: the floors were measured with Python {'.'.join(map(str, INTERPRETER))}, not with this one")
    slow = []
    cases = arguments or list(CASES)
    # Counts do not depend on what runs beside them.
    with TemporaryDirectory() as cache, ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, found in zip(cases, pool.map(ratio, cases, repeat(cache)), strict=True):
            print(
                f"{case:12} {found:6.2f} times fewer instructions than plain; the floor is {FLOORS[case]}", flush=True
            )
            if found < FLOORS[case]:
                slow.append(case)
    if slow:
        print(f"too slow: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
