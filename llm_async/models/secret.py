"""A string that nobody sees by accident: API keys and the header values made of them."""

from __future__ import annotations

__all__ = ["MASK", "Secret", "reveal"]

MASK = "***"


class Secret(str):
    """Equals and hashes like the plain string, and shows as ``***`` in ``repr``, ``str``, f-strings and logs.

    The plain text comes out of :meth:`reveal` alone, which the transport calls just before it writes.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return format(MASK, format_spec)

    def reveal(self) -> str:
        """The plain string."""
        return str.__str__(self)


def reveal(value: str) -> str:
    """The plain text of a string that may be a :class:`Secret`."""
    return value.reveal() if isinstance(value, Secret) else value
