"""What many test modules need: the twins of each pair in ``_speedups``, and a header that says which of them serves."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import pytest

from llm_async import _speedups


def pytest_report_header() -> str:
    return f"llm_async: {'compiled' if _speedups.COMPILED else 'plain'} ({_speedups.REASON})"


def _each_twin(pair: str) -> Callable[..., ModuleType]:
    """A fixture that gives a test both modules of a pair, one after the other; the plain one where nothing is compiled."""

    @pytest.fixture(scope="session", name=pair, params=["compiled", "plain"] if _speedups.COMPILED else ["plain"])
    def twin(request: pytest.FixtureRequest) -> ModuleType:
        return import_module(f"llm_async._speedups.{pair}_{'c' if request.param == 'compiled' else 'py'}")

    return twin


sse = _each_twin("sse")
fragments = _each_twin("fragments")
framing = _each_twin("framing")
deltas = _each_twin("deltas")
partial_json = _each_twin("partial_json")
tool_calls = _each_twin("tool_calls")


@pytest.fixture(scope="session")
def twins() -> Callable[[str], tuple[ModuleType, ModuleType]]:
    """Gives both modules of a pair at once, compiled and plain."""
    if not _speedups.COMPILED:
        pytest.skip(_speedups.REASON)
    return lambda pair: (
        import_module(f"llm_async._speedups.{pair}_c"),
        import_module(f"llm_async._speedups.{pair}_py"),
    )
