"""Whether code holds on to memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

__all__ = ["assert_no_growth"]

_BATCHES, _ROUNDS = 15, 20
_ALLOWED = 100 * _ROUNDS  # bytes; less than what one leak in one of the cases of each round takes


def assert_no_growth(exercise: Callable[[], object]) -> None:
    """Repeat ``exercise``, which must not leave something behind each time.

    Caches fill at times of their own, so that growth proves little; but a leak lets no batch of rounds pass without it.
    """
    growths: list[int] = []
    tracemalloc.start()
    try:
        while not growths or growths[-1] > _ALLOWED:
            assert len(growths) < _BATCHES, f"batches of {_ROUNDS} rounds left {growths} bytes behind"
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(_ROUNDS):
                exercise()
            gc.collect()
            growths.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
