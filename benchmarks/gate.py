"""The speed gate: how many instructions the compiled twins need against the plain ones, in the same interpreter.

Instructions, counted by valgrind's callgrind, do not depend on what else the machine does, so that no baseline of another day is
needed: each case has a floor, about a third below what it was measured to be, and falls below it only when something has become
slower. Ratios depend on the interpreter: the floors are those of the one named below, and others are compared with a warning::

    python -m benchmarks.gate [CASE ...]

One interpreter starts under valgrind, which takes most of the time, and forks for each count: callgrind counts for each child
what its parent had needed by then and what itself needs, so that a child which does nothing is what to subtract.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.cases import CASES, one_pass

__all__ = ["main"]

FLOORS = {"framing": 14.0, "sse": 4.2, "fragments": 9.5, "deltas": 2.3, "tool_calls": 2.8, "partial_json": 6.0}
INTERPRETER = (3, 11)
ROOT = Path(__file__).parent.parent
_ROUNDS = 3
_COLLECTED = re.compile(r"^==(\d+)== Collected : (\d+)", re.MULTILINE)


def counts(cases: list[str]) -> dict[tuple[str, str], int]:
    """How many instructions so many rounds of each case take with each twin."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "LLM_ASYNC_REQUIRE_EXTENSIONS": "1"}
    finished = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         sys.executable, "-m", "benchmarks.gate", "--run", *cases],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    collected = {int(pid): int(count) for pid, count in _COLLECTED.findall(finished.stderr)}
    if finished.returncode or not collected:
        raise SystemExit(f"the cases failed under valgrind:\n{finished.stderr[-2000:]}")
    found = {}
    for line in finished.stdout.splitlines():
        case, twin, idle, busy = line.split()
        found[case, twin] = collected[int(busy)] - collected[int(idle)]
    return found


def run(cases: list[str]) -> None:
    """What is counted: for each case and twin a child that does nothing, and one that does the work."""
    for case in cases:
        for twin in ("compiled", "plain"):
            work = one_pass(case, twin)
            work()  # what is done only once is no matter of speed
            children = [_child(work, rounds) for rounds in (0, _ROUNDS)]
            print(case, twin, *children, flush=True)


def _child(work: Callable[[], object], rounds: int) -> int:
    """The process id of a child that has done so many rounds."""
    pid = os.fork()
    if pid == 0:
        for _ in range(rounds):
            work()
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        raise SystemExit("a child has failed")
    return pid


def main(arguments: list[str]) -> int:
    """Measure the named cases, or all; 1 where one is below its floor."""
    if arguments[:1] == ["--run"]:
        run(arguments[1:])
        return 0
    if shutil.which("valgrind") is None:
        print("the speed gate was skipped: valgrind is missing (on Debian: apt-get install valgrind)")
        return 0
    if sys.version_info[:2] != INTERPRETER:
        print(f"note: the floors were measured with Python {'.'.join(map(str, INTERPRETER))}, not with this one")
    slow = []
    cases = arguments or list(CASES)
    found = counts(cases)
    for case in cases:
        ratio = found[case, "plain"] / found[case, "compiled"]
        print(f"{case:12} {ratio:6.2f} times fewer instructions than plain; the floor is {FLOORS[case]}")
        if ratio < FLOORS[case]:
            slow.append(case)
    if slow:
        print(f"too slow: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
