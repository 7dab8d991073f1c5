"""Whether code holds on to memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

__all__ = ["assert_no_growth"]

_BATCHES, _ROUNDS = 4, 20


def assert_no_growth(exercise: Callable[[], object]) -> None:
    """Repeat ``exercise``, which must not leave something behind each time.

    Caches and free lists fill and empty at times of their own; a leak grows in every batch of rounds.
    """
    growths = []
    tracemalloc.start()
    try:
        for _ in range(_BATCHES):
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(_ROUNDS):
                exercise()
            gc.collect()
            growths.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    # A leak in a single one of the cases that a round tries would be more than this.
    assert min(growths) < _ROUNDS * 100, f"batches of {_ROUNDS} rounds left {growths} bytes behind"
