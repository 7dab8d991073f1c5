"""Server-sent events: bytes of a body in, the data of each event out.

The rules are those of the WHATWG's "event stream interpretation", seen from a client that wants nothing but data:

- Lines end with LF, CR or CRLF and with nothing else: U+2028 and its like are text. One BOM at the very start is dropped.
- ``data`` lines of one event are joined with LF, after one space behind the colon has been dropped. A blank line ends the
  event. An event without data, or whose data is white space, is not given out. ``id``, ``retry``, comments and unknown
  fields are skipped; of ``event`` only the name ``error`` matters, which makes the data an ErrorPayload.
- What the body's end leaves unfinished is given out by ``close()``: some servers omit the last blank line. (The standard
  would drop it.)

And one rule that no standard has. Gemini reports an error in the middle of a stream as bare JSON over several lines, and
answers with a JSON array where ``alt=sse`` was forgotten. So a line that begins with ``{`` or ``[``, while no event has
data, begins a *bare text*, which ends where its brackets balance and is given out like an event's data. An array of
objects is taken apart: each object is given out as soon as it is whole.

Theory of operation: line ends are made LF first, by two replacements that cost nothing where no CR is. What stands whole
in a block is cut by ``bytes.split``, which needs no Python per line; ``_read_lines`` does the rest. Unfinished bytes wait
in bytearrays, which grow in linear time and take no more memory than they hold, however small the pieces are.
"""

from __future__ import annotations

import re

from ..errors import ProtocolError
from .values import ErrorPayload

__all__ = ["EventDecoder"]

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\n"
# The smallest byte that makes data more than white space: the fast ways compare with it, the slow way decides.
_VISIBLE = b"!"

# Where a bare text may change its state, outside and inside a string.
_BRACKET_OR_QUOTE = re.compile(rb'["{}\[\]]')
_QUOTE = re.compile(rb'["\\]')

# Where a bare text stands: in none; after a "[" whose next byte decides; in a text; between the objects of an array.
_NONE, _OPENED, _TEXT, _BETWEEN = range(4)


class EventDecoder:
    """Cuts one answer's body into events.

    Args:
        limit: how many bytes one event may have: the data so far and the line being read, or a bare text.

    Attributes:
        failure: the error that ended the decoding, or None. When whole events stood before the fault in one block, they
            are returned first, and every later call raises the error; a caller may look here instead of waiting for it.
    """

    __slots__ = (
        "_after_cr",
        "_array",
        "_bare",
        "_closed",
        "_data",
        "_depth",
        "_escaped",
        "_head",
        "_limit",
        "_line",
        "_name",
        "_string",
        "_text",
        "failure",
    )

    def __init__(self, limit: int = 64 * 2**20) -> None:
        self.failure: ProtocolError | None = None
        self._limit = limit
        self._closed = False
        self._head: bytes | None = b""  # the first bytes, while they may still turn out to be a BOM
        self._after_cr = False  # the last byte was a CR, so that an LF now is the same line end
        self._line = bytearray()  # the beginning of an unfinished line
        self._data: bytearray | None = None  # the data of the open event, None before its first data line
        self._name = b""  # the name of the open event
        self._bare = _NONE  # where a bare text stands
        self._array = False  # the bare text is an object of an array
        self._text = bytearray()  # the bare text so far
        self._depth = 0  # its open brackets
        self._string = self._escaped = False  # it stands inside a string; behind a backslash there

    @property
    def pending(self) -> bool:
        """Whether something unfinished is held: after the body's last byte, the sign of a stream that was cut."""
        return bool(self._line or self._data is not None or self._name or self._bare or self._head)

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the body; the data of the events that they complete.

        Raises:
            ProtocolError: an event has more bytes than the limit.
            ValueError: the decoder was closed.
        """
        self._check()
        if self._closed:
            raise ValueError("the event decoder is closed")
        if not isinstance(data, bytes):
            raise TypeError(f"an event decoder takes bytes, not {type(data).__name__}")
        text = self._normalise(data)
        events: list[bytes] = []
        try:
            self._read(text, events)
        except ProtocolError as error:
            self.failure = error
            self._clear()
            if not events:
                raise
        return events

    def close(self) -> list[bytes]:
        """Say that the body has ended; the data of an event that lacks its end. A second call returns nothing.

        Raises:
            ProtocolError: an event had more bytes than the limit.
        """
        self._check()
        events: list[bytes] = []
        if not self._closed:
            self._closed = True
            if self._bare in (_OPENED, _TEXT):
                self._give(bytes(self._text), events)
            elif self._line:
                self._take_line(bytes(self._line), events)
            self._end_event(events)
            self._clear()
        return events

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _clear(self) -> None:
        self._line = bytearray()
        self._text = bytearray()
        self._data = self._head = None
        self._name = b""
        self._bare = _NONE

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise ProtocolError(f"an event has more bytes than the limit event_bytes={self._limit} allows")

    def _normalise(self, data: bytes) -> bytes:
        """``data`` without a BOM at the start of the body, every line end being LF."""
        if self._head is not None:
            data = self._head + data
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._head = data
                return b""
            self._head = None
            data = data.removeprefix(_BOM)
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            text = data.replace(b"\r", b"")
            # To search one byte is much cheaper than to search two, and to check that it was right is cheap too.
            if text.replace(b"\n", b"\r\n") != data:
                text = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            return text
        return data

    def _read(self, text: bytes, events: list[bytes]) -> None:
        done = 0
        pending = self.pending
        if pending:
            # Usually a block begins in the middle of an event, whose rest is read first.
            blank = text.find(b"\n\n")
            done = len(text) if blank < 0 else blank + 2
            self._read_lines(text, 0, done, events)
            pending = self.pending
        if not pending:
            done = self._read_whole_events(text, done, events)
        self._read_lines(text, done, len(text), events)

    def _read_whole_events(self, text: bytes, start: int, events: list[bytes]) -> int:
        """Read from ``start``, where nothing is open, to the last blank line, or to a bare text; where that is."""
        end = text.rfind(b"\n\n", start) + 2
        if end < 2:
            return start
        if end - start <= self._limit and text.startswith(b"data: ", start):
            payloads = text[start + 6 : end - 2].split(b"\n\ndata: ")
            # Each separator and the end have two line ends. When these are all, each payload is one data line.
            if text.count(b"\n", start, end) == 2 * len(payloads) and min(payloads) >= _VISIBLE:
                events += payloads
                return end
        for event in text[start : end - 2].split(b"\n\n"):
            line, more, rest = event.partition(b"\n")
            if more and line.startswith(b"event: ") and line != b"event: error":
                line, more, rest = rest.partition(b"\n")
            past = start + len(event) + 2
            one_line = not more and len(event) <= self._limit
            if one_line and line.startswith(b"data: ") and line[6:7] >= _VISIBLE:
                events.append(line[6:])
            elif not (one_line and line.startswith(b":")):
                self._read_lines(text, start, past, events)
                if self._bare:
                    return past
            start = past
        return start

    def _read_lines(self, text: bytes, position: int, end: int, events: list[bytes]) -> None:
        """Read ``text[position:end]`` line by line, whatever state it begins or ends in."""
        while position < end:
            if self._bare:
                position = self._read_bare(text, position, end, events)
            elif self._data is None and not self._line and text[position] in b"{[":
                position = self._begin_bare(text, position)
            else:
                stop = text.find(b"\n", position, end)
                if stop < 0:
                    self._line += text[position:end]
                    self._check_size(len(self._data or b"") + len(self._line))
                    return
                line = text[position:stop]
                if self._line:
                    line = bytes(self._line) + line
                    self._line = bytearray()
                self._take_line(line, events)
                position = stop + 1

    def _take_line(self, line: bytes, events: list[bytes]) -> None:
        self._check_size(len(self._data or b"") + len(line))
        if not line:
            self._end_event(events)
            return
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            if self._data is None:
                self._data = bytearray(value)
            else:
                self._data += b"\n"
                self._data += value
        elif field == b"event":
            self._name = value

    def _end_event(self, events: list[bytes]) -> None:
        if self._data is not None:
            self._give(bytes(self._data), events)
        self._data = None
        self._name = b""

    def _give(self, payload: bytes, events: list[bytes]) -> None:
        if payload.strip(_BLANK):
            events.append(ErrorPayload(payload) if self._name == b"error" else payload)

    # Bare texts.

    def _begin_bare(self, text: bytes, position: int) -> int:
        self._depth = 0
        self._string = self._escaped = self._array = False
        if text[position] in b"{":
            self._bare = _TEXT
            return position
        self._bare = _OPENED
        self._text += b"["
        return position + 1

    def _read_bare(self, text: bytes, position: int, end: int, events: list[bytes]) -> int:
        """Go on with a bare text; the position behind what belongs to it."""
        if self._bare == _TEXT:
            return self._read_text(text, position, end, events)
        between = self._bare == _BETWEEN
        skipped = b", \t\n" if between else _BLANK
        while position < end and text[position] in skipped:
            position += 1
        if position == end:
            return end
        if text[position] in b"{":
            self._bare, self._array = _TEXT, True
            self._text = bytearray()
        elif text[position] in b"]":
            self._bare = _NONE
            self._text = bytearray()
            position += 1
        elif between:
            # No array of objects after all: what stands here is read as a line.
            self._bare = _NONE
        else:
            # Some other array, which stays whole.
            self._bare, self._depth = _TEXT, 1
        return position

    def _read_text(self, text: bytes, position: int, end: int, events: list[bytes]) -> int:
        start = position
        position += self._escaped
        self._escaped = False
        while found := (_QUOTE if self._string else _BRACKET_OR_QUOTE).search(text, position, end):
            position = found.end()
            mark = found[0]
            if mark == b'"':
                self._string = not self._string
            elif mark == b"\\":
                self._escaped = position == end
                position += 1
            else:
                self._depth += 1 if mark in b"{[" else -1
                if not self._depth:
                    self._keep(text[start:position])
                    self._give(bytes(self._text), events)
                    self._text = bytearray()
                    self._bare = _BETWEEN if self._array else _NONE
                    return position
        self._keep(text[start:end])
        return end

    def _keep(self, piece: bytes) -> None:
        self._text += piece
        self._check_size(len(self._text))
