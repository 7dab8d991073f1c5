"""Ways to cut bytes into the pieces that a network may deliver."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

__all__ = ["cut_at", "every_cut"]


def every_cut(data: bytes) -> Iterator[list[bytes]]:
    """``data`` whole, cut once at every position, and byte by byte."""
    yield [data]
    for position in range(1, len(data)):
        yield [data[:position], data[position:]]
    yield [data[position : position + 1] for position in range(len(data))]


def cut_at(data: bytes, positions: list[int]) -> list[bytes]:
    """``data`` cut at ``positions``, which may be any numbers; equal ones give empty pieces."""
    borders = [0, *sorted(position % (len(data) + 1) for position in positions), len(data)]
    return [data[start:end] for start, end in pairwise(borders)]
