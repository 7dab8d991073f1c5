"""What type checkers see of the public interface: ``program.py`` is checked by mypy and by pyright, both strict."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("program.py")
ROOT = PROGRAM.parents[2]

CHECKERS = {
    "mypy": ["mypy", "--strict", "--warn-unreachable", "--no-error-summary", "--follow-imports=silent"],
    "pyright": ["pyright", "--pythonpath", sys.executable],
}


# A checker that has nothing cached reads the whole package, and pyright may have to fetch itself first.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_program_has_the_types_that_it_counts_on(checker: str) -> None:
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    try:
        there = subprocess.run(
            [sys.executable, "-m", checker, "--version"], capture_output=True, cwd=ROOT, env=environment, timeout=120
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{checker} does not start here")
    if there.returncode:
        pytest.skip(f"{checker} does not start here: {there.stderr.decode(errors='replace')[-200:]}")
    command = [sys.executable, "-m", *CHECKERS[checker], str(PROGRAM)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
