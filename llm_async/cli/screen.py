"""How the demonstration looks: text that flows while it arrives, a table at the end.

What belongs here: a terminal of any width, with colours where it has them; and a pipe or a file, which gets plain lines, one
for each step, without control codes.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO
from unicodedata import combining, east_asian_width

__all__ = ["Cell", "Screen", "width_of"]

Cell = tuple[str, str]
"""A text and its style."""

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32"}
_NARROWEST = 40
_INDENT = 11
_WORDS = re.compile(r" *[^ ]+| +")
_GAP = "  "


class Screen:
    """A terminal, or what takes its place.

    Args:
        out: where to write.
        width: columns; None does not break lines.
        live: what was written can be taken back, within a line.
        colour: use colours.
    """

    def __init__(self, out: TextIO, *, width: int | None = None, live: bool = False, colour: bool = False) -> None:
        self.out = out
        self.width = None if width is None else max(width, _NARROWEST)
        self.live = live
        self.colour = colour
        self._column = 0
        self._word = ""  # of the word that is being written, what stands on the line
        self._waiting = ""

    @classmethod
    def on(cls, out: TextIO) -> Screen:
        """The screen behind a stream: a terminal that can move its cursor, or not."""
        if not out.isatty():
            return cls(out)
        width = shutil.get_terminal_size().columns
        if os.environ.get("TERM") == "dumb":
            return cls(out, width=width)
        # The old console of Windows shows colour codes as they are; Windows Terminal has WT_SESSION.
        coloured = not os.environ.get("NO_COLOR") and (sys.platform != "win32" or "WT_SESSION" in os.environ)
        return cls(out, width=width, live=True, colour=coloured)

    def line(self, *cells: Cell) -> None:
        """A line of its own."""
        self.settle()
        self._write("".join(self._styled(*cell) for cell in cells) + "\n")

    def wait(self, mark: str = "…") -> None:
        """Show that something is awaited, until anything else is shown; only where that can be taken back."""
        if self.live:
            self._waiting = mark
            self._write(mark)

    def settle(self) -> None:
        """Take the mark of :meth:`wait` back."""
        if self._waiting:
            self._write("\b \b" * len(self._waiting))
            self._waiting = ""

    # A step: its name, then text as it arrives.

    def begin(self, name: str) -> None:
        """The beginning of a step's line."""
        self._write(f"  {self._styled(name.ljust(_INDENT - 2), 'dim')}")
        self._column, self._word = _INDENT, ""
        self.wait()

    def say(self, text: str, style: str = "") -> None:
        """More of the step's text. White space becomes a blank, and what is no character to look at is left out."""
        text = re.sub(r"\s+", " ", text)
        for word in _WORDS.findall("".join(each for each in text if each.isprintable())):
            self.settle()
            self._say_word(word, style)

    def end(self, note: str = "", style: str = "dim") -> None:
        """The end of a step's line, with a note behind the text."""
        if note:
            self.say(f" {note}", style)
        self.settle()
        self._write("\n")

    def _say_word(self, word: str, style: str) -> None:
        if word.startswith(" "):
            self._word = ""
            word = word if self._column > _INDENT else word.lstrip()
        if self.width is not None and self._column + width_of(word) > self.width:
            self._next_line()
            word = self._word + word.lstrip()
            self._word = ""
        self._write(self._styled(word, style))
        self._word += word.lstrip()
        self._column += width_of(word)

    def _next_line(self) -> None:
        """Go on in the next line, and take the beginning of the current word there, as far as a terminal can."""
        length = width_of(self._word)
        if not self.live or length >= self._column - _INDENT:
            self._word, length = "", 0
        self._write("\b" * length + " " * length + "\n" + " " * _INDENT)
        self._column = _INDENT

    # The end.

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], *, elastic: int) -> None:
        """Columns with a header; where the terminal is too narrow, the column ``elastic`` is cut."""
        widths = [
            max(map(width_of, column))
            for column in zip(header, *([text for text, _ in row] for row in rows), strict=True)
        ]
        if self.width is not None:
            excess = sum(widths) + len(_GAP) * (len(widths) - 1) - self.width
            widths[elastic] = max(widths[elastic] - max(excess, 0), width_of(header[elastic]))
        self._row([(text, "bold") for text in header], widths)
        self.line(("-" * (sum(widths) + len(_GAP) * (len(widths) - 1)), "dim"))
        for row in rows:
            self._row(row, widths)

    def _row(self, cells: Sequence[Cell], widths: Sequence[int]) -> None:
        texts = [_fitted(text, width) for (text, _), width in zip(cells, widths, strict=True)]
        texts[-1] = texts[-1].rstrip()
        styled = [self._styled(text, style) for text, (_, style) in zip(texts, cells, strict=True)]
        self.line((_GAP.join(styled), ""))

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and style and text else text

    def _write(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()


def width_of(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _fitted(text: str, width: int) -> str:
    """The text in exactly so many columns."""
    if width_of(text) > width:
        while width_of(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - width_of(text))
