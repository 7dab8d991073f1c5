"""How long to wait, and how much to take: the values that bound every request."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["Limits", "Timeouts"]

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Timeouts:
    """Deadlines in seconds; None switches one off.

    Attributes:
        connect: name lookup, TCP and TLS together.
        response: from the request's first byte to the end of the answer's headers.
        idle: the longest silence inside a body; comments and pings of the server count as life.
        total: the whole call, retries and waiting included.
        pool: waiting for a free connection; None waits as long as ``total`` allows.
    """

    connect: float | None = 10.0
    response: float | None = 600.0
    idle: float | None = 120.0
    total: float | None = None
    pool: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"timeouts: {field.name} must be a number of seconds or None, not {value!r}")
            if not value > 0:
                raise ValueError(f"timeouts: {field.name} must be greater than 0, not {value!r}")

    @classmethod
    def coerce(cls, value: Timeouts | float | None, default: Timeouts) -> Timeouts:
        """``value`` as Timeouts: None is ``default``, a bare number is ``default`` with that ``total``."""
        if value is None:
            return default
        if isinstance(value, cls):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return cls(default.connect, default.response, default.idle, value, default.pool)
        raise TypeError(f"timeouts must be Timeouts, a number of seconds or None, not {type(value).__name__}")


@dataclass(frozen=True)
class Limits:
    """Sizes that no answer may pass; each one passed is a typed error that names it.

    Attributes:
        connections: open connections per event loop; further calls wait for a free one.
        body_bytes: bytes of one body, as received.
        event_bytes: bytes of one event of a stream.
        header_bytes: bytes of the status line and all header lines of one answer.
        decompressed_bytes: bytes of one body after decompression.
    """

    connections: int = 1000
    body_bytes: int = 1024 * _MEBIBYTE
    event_bytes: int = 64 * _MEBIBYTE
    header_bytes: int = 256 * 1024
    decompressed_bytes: int = 1024 * _MEBIBYTE

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"limits: {field.name} must be a whole number, not {value!r}")
            if value < 1:
                raise ValueError(f"limits: {field.name} must be at least 1, not {value!r}")
