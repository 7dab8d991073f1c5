"""Surrogate halves in text that came in pieces.

JSON writes a character beyond the BMP as two ``\\u`` escapes, and a server may cut between them, so that each half arrives
in an event of its own. Both the compiled modules and their plain twins repair the joined text with this.
"""

from __future__ import annotations

__all__ = ["repair"]

# A long text is looked at in pieces of so many characters, so that no second one of its size is made for that.
_PIECE = 64 * 1024


def repair(text: str) -> str:
    """``text`` with surrogate halves joined to characters, and U+FFFD for each one that is alone."""
    if text.isascii():
        return text
    try:
        for start in range(0, len(text), _PIECE):
            text[start : start + _PIECE].encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
