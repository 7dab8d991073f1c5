"""The classes that a compiled module and its plain twin share, so that callers see one of each."""

from __future__ import annotations

__all__ = ["ErrorPayload", "FramingError"]


class ErrorPayload(bytes):
    """The data of a server-sent event whose name is ``error``."""

    __slots__ = ()


class FramingError(ValueError):
    """Bytes that are not what HTTP/1.1's chunked transfer coding (RFC 9112, section 7.1) allows."""
