"""How long a call took."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass
class Timing:
    """The clock of one call. All but ``started`` are seconds of a monotonic clock, counted from the call's beginning.

    A call begins with its first attempt; failed attempts and the waits between them are in all numbers. While an answer
    streams, what has not happened yet is None.

    Attributes:
        started: when the call began, in seconds since 1970.
        attempts: how often the request was sent.
        first_byte: until the head of the answer was there.
        first_chunk: until the first chunk of a stream was there; None for an answer that did not stream.
        total: until the answer was whole, or the call had failed.
    """

    started: float
    attempts: int = 0
    first_byte: float | None = None
    first_chunk: float | None = None
    total: float | None = None
