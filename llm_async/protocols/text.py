"""Text that arrives in pieces, each of which must be valid Unicode when it is handed over.

JSON may cut a character beyond the BMP into two ``\\u`` escapes that stand in two different events. The first half is held
back until the second is there; a half that stays alone becomes U+FFFD.
"""

from __future__ import annotations

from .._speedups.surrogates import repair

__all__ = ["TextBuffer", "repair"]


# So many pieces, or so many characters in them, are joined: a str of a few characters takes fifty bytes more than they do.
_MANY_PIECES = 1024
_MANY_CHARACTERS = 64 * 1024
# The text grows when what waits for it is this part of it, so that even where it has to be copied each time, every
# character is copied a few times only.
_SHARE = 8


class TextBuffer:
    """Collects the pieces of one text.

    They wait in a list, are joined, and then added to a text that grows in place: at its end a long text
    takes its own size and an eighth more, and not twice its size as it would in one last join.
    """

    __slots__ = ("_blocks", "_held", "_loose", "_pieces", "_text", "_waiting")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._loose = 0  # characters in them
        self._blocks: list[str] = []  # pieces that have been joined
        self._waiting = 0  # characters in them
        self._text = ""
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
        self._loose += len(text)
        if self._loose > _MANY_CHARACTERS or len(self._pieces) == _MANY_PIECES:
            self._join()
            if self._waiting * _SHARE >= len(self._text):
                self._grow()

    def _join(self) -> None:
        block = "".join(self._pieces)
        self._pieces.clear()
        self._loose = 0
        self._blocks.append(block)
        self._waiting += len(block)

    def _grow(self) -> None:
        # CPython lengthens a str in place when a local variable is all that holds it.
        text, self._text = self._text, ""
        text += "".join(self._blocks)
        self._text = text
        self._blocks.clear()
        self._waiting = 0

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
        if self._pieces:
            self._join()
        if self._blocks:
            self._grow()
        return self._text + "\ufffd" if self._held else self._text

    def __bool__(self) -> bool:
        return bool(self._text or self._blocks or self._pieces or self._held)
