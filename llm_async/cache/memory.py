"""Answers in the memory of the process: the cache that needs nothing."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from .bounds import checked_size, checked_ttl

__all__ = ["MemoryCache"]


@dataclass(frozen=True)
class _Entry:
    value: bytes
    expires: float | None


class MemoryCache:
    """Keeps the answers that were asked for last.

    One object may serve many providers; like them it is not for several threads at once.

    Args:
        max_entries: how many answers are kept at most.
        max_bytes: how many bytes they have at most; a larger one is not kept at all.
        ttl: seconds after which an answer is forgotten; None keeps it until its place is needed.
        clock: gives the time in seconds.

    Raises:
        ValueError, TypeError: for a bound that is no positive number.
    """

    def __init__(
        self,
        *,
        max_entries: int = 10_000,
        max_bytes: int = 256 * 1024 * 1024,
        ttl: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_entries = checked_size(max_entries, "max_entries")
        self.max_bytes = checked_size(max_bytes, "max_bytes")
        self.ttl = checked_ttl(ttl)
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # the one that was used last stands last
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<MemoryCache of {len(self._entries)} answers, {self._bytes} bytes>"

    async def get(self, key: str) -> bytes | None:
        """The value under ``key``, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires is not None and self._clock() >= entry.expires:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.value

    async def set(self, key: str, value: bytes) -> None:
        """Keep ``value``; what was used longest ago makes room for it."""
        self._drop(key)
        if len(value) > self.max_bytes:
            return
        self._entries[key] = _Entry(value, None if self.ttl is None else self._clock() + self.ttl)
        self._bytes += len(value)
        while len(self._entries) > self.max_entries or self._bytes > self.max_bytes:
            self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry.value)
