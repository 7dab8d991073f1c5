"""Keeps the benchmarks out of a plain test run: they are for people, and run with ``pytest --benchmark-only``."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    named = any(_HERE.name in str(argument) for argument in config.invocation_params.args)
    if named or config.getoption("benchmark_only", False):
        return
    timed = [item for item in items if _HERE in item.path.parents]
    if timed:
        config.hook.pytest_deselected(items=timed)
        items[:] = [item for item in items if item not in set(timed)]
