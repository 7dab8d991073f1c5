"""Text that arrives in pieces, each of which must be valid Unicode when it is handed over.

JSON may cut a character beyond the BMP into two ``\\u`` escapes that stand in two different events. The first half is held
back until the second is there; a half that stays alone becomes U+FFFD.
"""

from __future__ import annotations

from .._speedups.surrogates import repair

__all__ = ["TextBuffer", "repair"]


# So many pieces become one: a str of a few characters takes fifty bytes more than they do.
_MANY = 1024


class TextBuffer:
    """Collects the pieces of one text; they are joined when :meth:`value` asks, and by the thousand before that."""

    __slots__ = ("_held", "_loose", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._loose = 0  # how many pieces at the end have not been joined yet
        self._held = ""

    def add(self, piece: str) -> str:
        """Take a piece; return what can be handed over now."""
        if self._held:
            piece = self._held + piece
            self._held = ""
        if not piece.isascii():
            if "\ud800" <= piece[-1] <= "\udbff":
                self._held = piece[-1]
                piece = piece[:-1]
            piece = repair(piece)
        if piece:
            self.append(piece)
        return piece

    def append(self, text: str) -> None:
        """Take a piece that is valid by itself, while nothing is held back (see :attr:`whole`)."""
        self._pieces.append(text)
        self._loose += 1
        if self._loose == _MANY:
            self._pieces[-_MANY:] = ["".join(self._pieces[-_MANY:])]
            self._loose = 0

    @property
    def whole(self) -> bool:
        """Whether nothing is held back."""
        return not self._held

    def flush(self) -> str:
        """What was held back, once nothing more can come: U+FFFD or nothing."""
        if not self._held:
            return ""
        self._held = ""
        self._pieces.append("\ufffd")
        return "\ufffd"

    def value(self) -> str:
        """The whole text, U+FFFD standing for a half that is still alone."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
            self._loose = 0
        text = self._pieces[0] if self._pieces else ""
        return text + "\ufffd" if self._held else text

    def __bool__(self) -> bool:
        return bool(self._pieces or self._held)
