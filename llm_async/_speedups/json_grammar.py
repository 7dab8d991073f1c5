"""What the two readers of unfinished JSON share: what may come next, and how it is said that something else came."""

from __future__ import annotations

from typing import Any

from ..errors import ProtocolError

__all__ = ["CONTROL", "ESCAPE", "LITERALS", "MOST_LEVELS", "SHORT_ESCAPES", "again", "fault", "no_text", "unfinished"]

# As deep as orjson reads.
MOST_LEVELS = 1024

LITERALS = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}
SHORT_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

CONTROL = "a character of a string, not a control character"
ESCAPE = "an escape"

_EXCERPT = 40  # characters of the text that an error carries


def fault(expected: str, text: str, place: int, position: int) -> ProtocolError:
    """The error for a text that is no JSON.

    Args:
        expected: what JSON would have there.
        text: the piece that was being read.
        place: where in the piece something else stands; beyond its end for what began in an earlier piece.
        position: the same place, counted from the beginning of the whole text.
    """
    found = repr(text[place]) if 0 <= place < len(text) else "something else"
    excerpt = text[max(0, place) : max(0, place) + _EXCERPT]
    return ProtocolError(f"no JSON: expected {expected} at character {position}, found {found}", payload=excerpt)


def again(failure: ProtocolError) -> ProtocolError:
    """A fault to be raised once more, without the places where it was raised before, which would add up."""
    return failure.with_traceback(None)


def unfinished(expected: str, position: int) -> ProtocolError:
    """The error for a text that ends where JSON goes on."""
    return ProtocolError(f"no JSON: the text ends at character {position}, expected {expected}", payload="")


def no_text(value: Any) -> TypeError:
    """The error for a piece that is no str."""
    return TypeError(f"text must be a str, not {type(value).__name__}")
