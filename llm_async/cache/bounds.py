"""The bounds that a cache is given, checked."""

from __future__ import annotations

__all__ = ["checked_size", "checked_ttl"]


def checked_size(value: int, name: str) -> int:
    """``value``, if it is a whole number of at least 1; TypeError or ValueError, under its ``name``, if not."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value!r}")
    return value


def checked_ttl(value: float | None) -> float | None:
    """``value``, if it is a number of seconds greater than 0, or None; TypeError or ValueError if not."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"ttl must be a number of seconds or None, not {value!r}")
    if not value > 0:
        raise ValueError(f"ttl must be greater than 0, not {value!r}")
    return value
