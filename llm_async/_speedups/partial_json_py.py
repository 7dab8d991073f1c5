"""JSON that is still being written: a text in pieces, and its value as far as it has come.

The rules:

- The text may be cut anywhere, also inside of escapes, numbers and literals. No character is looked at twice.
- The value grows in place. A container is there from its bracket on, a key together with its value, a string from its quote
  on with what has come of it, a number, ``true``, ``false`` or ``null`` when it is whole. A number is whole when
  something else follows on it, or the text ends.
- The first half of an escaped surrogate pair waits for the other half. One that stays alone is kept, as ``loads`` keeps it.
- Of equal keys the last one wins.
- What JSON does not allow is a ProtocolError that names the place, and so is nesting beyond ``MOST_LEVELS``; what came before
  it stays. At the end the value equals what ``_json.loads`` makes of the whole text, numbers beyond 64 bits included.

Theory of operation: a string that is open is a list of pieces, and a str in its container. The pieces are added to the str
when somebody asks for the value. CPython lengthens a str in place as long as nobody else refers to it, so that all of this
takes time in proportion to the text. Who keeps the str of an open string from one question to the next has it copied
once per question, since it must not change under their hands; those who want every piece of a long string take the changes
(:meth:`PartialJSON.take`), which hold each piece alone.

This is the plain twin of ``_speedups/partial_json_c.pyx``.
"""

from __future__ import annotations

import re
from typing import Any

from .._json import loads
from ..errors import ProtocolError
from .json_grammar import CONTROL, ESCAPE, LITERALS, MOST_LEVELS, SHORT_ESCAPES, again, fault, no_text, unfinished

__all__ = ["PartialJSON"]

_BLANKS = re.compile(r"[ \t\n\r]*")
_RUN = re.compile(r'[^"\\\x00-\x1f]+')  # what stands for itself inside of a string
_NUMBER = re.compile(r"[-+.0-9eE]+")
_HEX = re.compile(r"[0-9A-Fa-f]*")

# What may come next.
_VALUE, _FIRST_ITEM, _FIRST_KEY, _KEY, _COLON, _NEXT, _NOTHING = range(7)
_EXPECTED = {
    _VALUE: "a value",
    _FIRST_ITEM: "a value or ']'",
    _FIRST_KEY: "a key or '}'",
    _KEY: "a key",
    _COLON: "':'",
    _NOTHING: "nothing more",
}

# What is being read.
_BETWEEN, _STRING, _IN_NUMBER, _LITERAL = range(4)


class PartialJSON:
    """Reads a JSON text that arrives in pieces.

    Args:
        record: keep the changes for :meth:`take`.

    Attributes:
        complete: the value is whole: only blanks may follow.
        failure: the error that ended the reading, or None; every later call of :meth:`feed` raises it.
    """

    __slots__ = (
        "_changed",
        "_escape",
        "_expected",
        "_high",
        "_in_key",
        "_key",
        "_known",
        "_path",
        "_paths",
        "_pieces",
        "_position",
        "_reading",
        "_records",
        "_root",
        "_shown",
        "_slot",
        "_stack",
        "_start",
        "_token",
        "_top",
        "complete",
        "failure",
    )

    def __init__(self, *, record: bool = False) -> None:
        self.complete = False
        self.failure: ProtocolError | None = None
        self._root: list[Any] = []  # the value, once it has begun
        self._top: Any = self._root  # the container that is open
        self._stack: list[Any] = []  # those around it
        self._key = ""  # the key whose value comes next
        self._known: dict[str, str] = {}  # the keys so far, each of which is kept once
        self._expected = _VALUE
        self._reading = _BETWEEN
        self._position = 0  # characters before the piece that is being read
        self._start = 0  # where the number began
        self._token = ""  # the literal that is being read; `_slot` counts how much of it has come
        self._pieces: list[str] = []  # of the string, as far as it is not in its container; of the number
        self._escape = ""  # an escape that is not whole
        self._high = ""  # the first half of a pair
        self._in_key = False  # the string is a key
        self._shown = False  # the string is in its container
        self._slot: Any = 0  # where it is there
        self._changed = False
        self._records: list[tuple[tuple[str | int, ...], Any, bool]] | None = [] if record else None
        self._path: tuple[str | int, ...] = ()  # the place of the open container
        self._paths: list[tuple[str | int, ...]] = []  # the places of those around it

    def feed(self, text: str) -> bool:
        """Take the next piece of the text; whether the value has changed.

        Raises:
            ProtocolError: the text is no JSON. What came before the fault is in the value.
        """
        if not isinstance(text, str):
            raise no_text(text)
        if self.failure is not None:
            raise again(self.failure)
        self._changed = False
        place = 1 if self._position == 0 and text.startswith("\ufeff") else 0
        try:
            while place < len(text):
                place = _READERS[self._reading](self, text, place)
        finally:
            self._position += len(text)
            if self._reading == _STRING and not self._in_key:
                self._show_open()
        return self._changed

    def value(self) -> Any:
        """The value so far, None before it begins. It is the same object each time, and grows."""
        if self._reading == _STRING and not self._in_key and self._pieces:
            self._lengthen()
        return self._root[0] if self._root else None

    def close(self) -> Any:
        """Say that the text has ended; the whole value.

        Raises:
            ProtocolError: the text ends before the value does, or was no JSON.
        """
        if self.failure is not None:
            raise again(self.failure)
        if self._reading == _IN_NUMBER:
            self._end_number("", 0)
        if not self.complete:
            raise unfinished(self._wanted(), self._position)
        return self.value()

    def take(self) -> list[tuple[tuple[str | int, ...], Any, bool]]:
        """The changes since this was asked for: where, what, and whether what stands there is whole now.

        ``what`` is a further piece of a string, the container that was opened or closed, or another value.
        """
        records = self._records
        if records is None:
            raise ValueError("no changes are kept: record=True was not said")
        self._records = []
        return records

    # --- between strings, numbers and literals

    def _read_between(self, text: str, place: int) -> int:
        place = _BLANKS.match(text, place).end()  # type: ignore[union-attr]
        if place == len(text):
            return place
        char = text[place]
        expected = self._expected
        if expected in (_VALUE, _FIRST_ITEM) and self._begin_value(char, place):
            return place if self._reading == _IN_NUMBER else place + 1
        if char == '"' and expected in (_KEY, _FIRST_KEY):
            self._begin_string(key=True)
        elif char == ":" and expected == _COLON:
            self._expected = _VALUE
        elif char == "," and expected == _NEXT:
            self._expected = _KEY if type(self._top) is dict else _VALUE
        elif self._closes(char):
            self._close_container()
        elif char in "[{" and expected in (_VALUE, _FIRST_ITEM):
            raise self._fault(text, place, f"no more than {MOST_LEVELS} levels")
        else:
            raise self._fault(text, place, self._wanted())
        return place + 1

    def _begin_value(self, char: str, place: int) -> bool:
        """Begin a value with ``char``, if one begins so."""
        if char == '"':
            self._begin_string(key=False)
        elif char in "[{":
            if len(self._stack) == MOST_LEVELS:
                return False
            self._open_container({} if char == "{" else [])
        elif char in LITERALS:
            self._reading = _LITERAL
            self._token = char
            self._slot = 1
        elif char in "-0123456789":
            self._reading = _IN_NUMBER
            self._start = self._position + place
        else:
            return False
        return True

    def _open_container(self, container: Any) -> None:
        self._place(container)
        path = self._record(container, whole=False)
        self._stack.append(self._top)
        self._top = container
        self._paths.append(self._path)
        self._path = path
        self._expected = _FIRST_KEY if type(container) is dict else _FIRST_ITEM

    def _closes(self, char: str) -> bool:
        if not self._stack:
            return False
        if type(self._top) is dict:
            return char == "}" and self._expected in (_FIRST_KEY, _NEXT)
        return char == "]" and self._expected in (_FIRST_ITEM, _NEXT)

    def _close_container(self) -> None:
        if self._records is not None:
            self._records.append((self._path, self._top, True))
        self._top = self._stack.pop()
        self._path = self._paths.pop()
        self._end_value()

    def _place(self, value: Any) -> None:
        """Put a value where it belongs, which is remembered."""
        if type(self._top) is dict:
            self._slot = self._key
            self._top[self._key] = value
        else:
            self._slot = len(self._top)
            self._top.append(value)
        self._changed = True

    def _record(self, value: Any, *, whole: bool) -> tuple[str | int, ...]:
        """Note a change of what was placed last; the path to it."""
        if self._records is None:
            return ()
        path = (*self._path, self._slot) if self._stack else ()
        self._records.append((path, value, whole))
        return path

    def _end_value(self) -> None:
        self._reading = _BETWEEN
        self._expected = _NEXT if self._stack else _NOTHING
        self.complete = not self._stack

    def _taken(self) -> str:
        """The pieces, which are none any more."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    # --- strings

    def _begin_string(self, *, key: bool) -> None:
        self._reading = _STRING
        self._in_key = key
        self._shown = False

    def _read_string(self, text: str, place: int) -> int:
        while place < len(text):
            if self._escape:
                place = self._read_escape(text, place)
                continue
            run = _RUN.match(text, place)
            if run is not None:
                self._add(run.group())
                place = run.end()
                continue
            char = text[place]
            if char == '"':
                self._end_string()
                return place + 1
            if char != "\\":
                raise self._fault(text, place, CONTROL)
            self._escape = char
            place += 1
        return place

    def _read_escape(self, text: str, place: int) -> int:
        if self._escape == "\\":
            char = text[place]
            if char == "u":
                self._escape = "\\u"
            elif char in SHORT_ESCAPES:
                self._escape = ""
                self._add(SHORT_ESCAPES[char])
            else:
                raise self._fault(text, place, ESCAPE)
            return place + 1
        end = min(len(text), place + 6 - len(self._escape))
        found = _HEX.match(text, place, end).end()  # type: ignore[union-attr]
        if found < end:
            raise self._fault(text, found, ESCAPE)
        self._escape += text[place:end]
        if len(self._escape) == 6:
            unit = chr(int(self._escape[2:], 16))
            self._escape = ""
            self._add_unit(unit)
        return end

    def _add(self, piece: str) -> None:
        if self._high:
            self._pieces.append(self._high)
            self._high = ""
        self._pieces.append(piece)

    def _add_unit(self, unit: str) -> None:
        """Add what ``\\u`` stands for."""
        if self._high and "\udc00" <= unit <= "\udfff":
            pair = 0x10000 + ((ord(self._high) & 0x3FF) << 10) + (ord(unit) & 0x3FF)
            self._high = ""
            self._pieces.append(chr(pair))
        elif "\ud800" <= unit <= "\udbff":
            if self._high:
                self._pieces.append(self._high)
            self._high = unit
        else:
            self._add(unit)

    def _end_string(self) -> None:
        if self._high:
            self._pieces.append(self._high)
            self._high = ""
        if self._in_key:
            text = self._taken()
            self._key = self._known.setdefault(text, text)
            self._reading = _BETWEEN
            self._expected = _COLON
            return
        if self._shown:
            if self._records is not None:
                self._record("".join(self._pieces), whole=True)
            self._changed = self._changed or bool(self._pieces)
            self._lengthen()
        else:
            text = self._taken()
            self._place(text)
            self._record(text, whole=True)
        self._end_value()

    def _show_open(self) -> None:
        """Have a string that stays open behind this piece in its container, and its new pieces among the changes."""
        first = not self._shown
        if first:
            self._place("")
            self._shown = True
        if self._pieces:
            self._changed = True
        if self._records is not None and (first or self._pieces):
            self._record("".join(self._pieces), whole=False)
            self._lengthen()

    def _lengthen(self) -> None:
        """Add the pieces to the str in the container, which meanwhile must not refer to it: then it grows in place."""
        added = self._taken()
        container = self._top
        text = container[self._slot]
        container[self._slot] = ""
        text += added
        container[self._slot] = text

    # --- numbers and literals

    def _read_number(self, text: str, place: int) -> int:
        run = _NUMBER.match(text, place)
        if run is not None:
            self._pieces.append(run.group())
            place = run.end()
        if place < len(text):
            self._end_number(text, place)
        return place

    def _end_number(self, text: str, place: int) -> None:
        try:
            number = loads(self._taken())
        except ValueError:
            raise self._fault(text, self._start - self._position, "a number") from None
        self._place(number)
        self._record(number, whole=True)
        self._end_value()

    def _read_literal(self, text: str, place: int) -> int:
        word, value = LITERALS[self._token]
        while place < len(text) and self._slot < len(word):
            if text[place] != word[self._slot]:
                raise self._fault(text, place, word)
            self._slot += 1
            place += 1
        if self._slot == len(word):
            self._place(value)
            self._record(value, whole=True)
            self._end_value()
        return place

    # --- faults

    def _wanted(self) -> str:
        """What may come next, in words."""
        if self._reading == _STRING:
            return "the end of a string"
        if self._reading == _LITERAL:
            return LITERALS[self._token][0]
        if self._expected == _NEXT:
            return "',' or '}'" if type(self._top) is dict else "',' or ']'"
        return _EXPECTED[self._expected]

    def _fault(self, text: str, place: int, expected: str) -> ProtocolError:
        self.failure = fault(expected, text, place, self._position + place)
        return self.failure


_READERS = {
    _BETWEEN: PartialJSON._read_between,
    _STRING: PartialJSON._read_string,
    _IN_NUMBER: PartialJSON._read_number,
    _LITERAL: PartialJSON._read_literal,
}
