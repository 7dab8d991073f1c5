"""Whether code holds on to memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

__all__ = ["assert_no_growth"]

_WARM_UP, _ROUNDS = 5, 40


def assert_no_growth(exercise: Callable[[], object]) -> None:
    """Repeat ``exercise``; after the first few times it must leave no memory behind."""
    tracemalloc.start()
    try:
        for _ in range(_WARM_UP):
            exercise()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(_ROUNDS):
            exercise()
        gc.collect()
        growth = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # One object of the smallest size, left behind each time, is more than this.
    assert growth < _ROUNDS * 16, f"{growth} bytes stayed after {_ROUNDS} times"
