"""HTTP/1.1's chunked transfer coding (RFC 9112, section 7.1): bytes of a connection in, bytes of the body out.

What is read exactly, since a wrong guess would hand over bytes that are no body: a chunk size is hexadecimal digits and
nothing else, below 2**63; a chunk's data is followed by CRLF. What is read generously, since it cannot be mistaken: the
line with the size may have white space and an extension behind the digits, and that line and the trailers may end with LF
alone. Extensions and trailers are skipped.

A chunk's data is handed on as it comes, whatever size was announced; of a chunk nothing is ever held back.

Theory of operation: a state says what the next byte is, and ``_take_byte`` goes from one to the next; chunk data, and the
line between two chunks where it stands whole in the block, are taken in one step.
"""

from __future__ import annotations

import re

from .values import FramingError

__all__ = ["ChunkedDecoder"]

_LARGEST = 2**63 - 1
_CR, _LF = b"\r\n"
_DIGITS = b"0123456789abcdefABCDEF"
_WHITE = b" \t"
_SEMICOLON = b";"

# Fifteen digits are surely below 2**63; longer sizes are read byte by byte.
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})\r?\n")
_NEXT_SIZE_LINE = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})\r?\n")

# What the next byte is.
_FIRST_DIGIT, _DIGIT, _PADDING, _EXTENSION, _SIZE_LF = range(5)  # of the line with a chunk's size
_DATA, _DATA_CR, _DATA_LF = range(5, 8)  # of a chunk's data, and of the line end behind it
_TRAILER, _IN_TRAILER, _LAST_LF, _END = range(8, 12)  # of a trailer's beginning, of its rest, of the end


class ChunkedDecoder:
    """Decodes one chunked body.

    Args:
        line_limit: how many bytes the line with a chunk's size may have, its extension included, its end not.
        trailer_limit: how many bytes the trailers may have together.

    Attributes:
        finished: the end of the body, trailers included, has been read.
        rest: the bytes that came behind that end. They belong to no body: the connection must not be used again.
        failure: the error that ended the decoding, or None. Bytes of the body that stood before the fault in the same
            block are returned first, and every later call raises the error; who cannot wait for that call looks here.
    """

    __slots__ = ("_left", "_length", "_line_limit", "_state", "_trailer_limit", "failure", "finished", "rest")

    def __init__(self, *, line_limit: int = 16384, trailer_limit: int = 65536) -> None:
        self.finished = False
        self.rest = b""
        self.failure: FramingError | None = None
        self._line_limit = line_limit
        self._trailer_limit = trailer_limit
        self._state = _FIRST_DIGIT
        self._length = 0  # bytes so far of the size line, or of the trailers
        self._left = 0  # the size as far as it was read; then how much of the chunk's data is still to come

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the connection; the bytes of the body that they hold.

        Raises:
            FramingError: the bytes are not a chunked body.
            ValueError: the body had ended before.
        """
        if self.failure is not None:
            raise self.failure
        if self.finished:
            raise ValueError("the chunked body has ended")
        if not isinstance(data, bytes):
            raise TypeError(f"a chunked decoder takes bytes, not {type(data).__name__}")
        pieces: list[bytes] = []
        try:
            self._read(data, pieces)
        except FramingError as error:
            self.failure = error
            if not pieces:
                raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read(self, data: bytes, pieces: list[bytes]) -> None:
        position, end = 0, len(data)
        while position < end:
            state = self._state
            if state == _DATA:
                piece = data[position : position + self._left]
                pieces.append(piece)
                position += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = _DATA_CR
            elif (state == _DATA_CR and (line := _NEXT_SIZE_LINE.match(data, position))) or (
                state == _FIRST_DIGIT and (line := _SIZE_LINE.match(data, position))
            ):
                self._take_size(line)
                position = line.end()
            elif state == _END:
                self.rest = data[position:]
                return
            else:
                self._take_byte(data[position])
                position += 1

    def _take_size(self, line: re.Match[bytes]) -> None:
        self._length = len(line[1])
        self._check_line()
        self._left = int(line[1], 16)
        self._end_size()

    def _take_byte(self, byte: int) -> None:
        state = self._state
        if state >= _TRAILER:
            self._take_trailer_byte(byte)
        elif state == _DATA_CR:
            if byte != _CR:
                raise FramingError("the data of a chunk is not followed by CRLF")
            self._state = _DATA_LF
        elif state == _DATA_LF:
            if byte != _LF:
                raise FramingError("the data of a chunk is not followed by CRLF")
            self._state = _FIRST_DIGIT
            self._length = 0
        elif state == _FIRST_DIGIT and byte not in _DIGITS:
            raise FramingError(f"a chunk size begins with the byte {byte:#04x}, which is no hexadecimal digit")
        elif byte == _LF:
            self._end_size()
        elif state == _SIZE_LF:
            raise FramingError("the line with a chunk size has a CR without LF")
        elif byte == _CR:
            self._state = _SIZE_LF
        else:
            self._length += 1
            self._check_line()
            self._take_size_byte(byte)

    def _take_size_byte(self, byte: int) -> None:
        state = self._state
        if state == _EXTENSION:
            return
        if state <= _DIGIT and byte in _DIGITS:
            self._left = self._left * 16 + int(chr(byte), 16)
            if self._left > _LARGEST:
                raise FramingError("a chunk size is 2**63 or more")
            self._state = _DIGIT
        elif byte in _WHITE:
            self._state = _PADDING
        elif byte in _SEMICOLON:
            self._state = _EXTENSION
        else:
            raise FramingError(f"a chunk size is followed by the byte {byte:#04x}")

    def _take_trailer_byte(self, byte: int) -> None:
        self._length += 1
        if self._length > self._trailer_limit:
            raise FramingError(f"the trailers have more than {self._trailer_limit} bytes")
        if self._state == _IN_TRAILER:
            if byte == _LF:
                self._state = _TRAILER
        elif byte == _LF:
            self._state = _END
            self.finished = True
        elif self._state == _LAST_LF:
            raise FramingError("a line of the trailers begins with a CR without LF")
        else:
            self._state = _LAST_LF if byte == _CR else _IN_TRAILER

    def _check_line(self) -> None:
        if self._length > self._line_limit:
            raise FramingError(f"the line with a chunk size has more than {self._line_limit} bytes")

    def _end_size(self) -> None:
        if self._left:
            self._state = _DATA
        else:
            self._state = _TRAILER
            self._length = 0
