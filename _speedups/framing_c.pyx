# cython: boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False, auto_pickle=False
"""HTTP/1.1's chunked transfer coding, compiled: the twin of ``llm_async/_speedups/framing_py.py``, which holds the rules.

Theory of operation: one pass, a state per byte of framing, chunk data in one step. The first piece of data is only
pointed to: when it stays the only one, the answer is one slice (or the block itself). At the second piece a bytes object is made
that is large enough for whatever the block can still hold; pieces are copied there, and it is shortened at the end.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.string cimport memcpy

from llm_async._speedups.values import FramingError

cdef extern from "Python.h":
    # As pointers, since a bytes object may only be written to and shortened while nothing else knows it.
    PyObject* PyBytes_FromStringAndSize(const char*, Py_ssize_t) except NULL
    int _PyBytes_Resize(PyObject**, Py_ssize_t) except -1
    char* raw_bytes "PyBytes_AS_STRING"(PyObject*)
    void Py_DECREF(PyObject*)


# What the next byte is.
cdef enum State:
    FIRST_DIGIT, DIGIT, PADDING, EXTENSION, SIZE_LF  # of the line with a chunk's size
    DATA, DATA_CR, DATA_LF  # of a chunk's data, and of the line end behind it
    TRAILER, IN_TRAILER, LAST_LF, END  # of a trailer's beginning, of its rest, of the end


cdef struct Pieces:
    const char* first  # where the first piece stands in the block
    Py_ssize_t first_size
    PyObject* joined  # all pieces, once there is a second one
    Py_ssize_t size


cdef inline int put(Pieces* pieces, const char* piece, Py_ssize_t size, Py_ssize_t most) except -1:
    """Add a piece; ``most`` is how many bytes this and all later pieces can have."""
    if pieces.first == NULL:
        pieces.first, pieces.first_size = piece, size
        return 0
    if pieces.joined == NULL:
        pieces.joined = PyBytes_FromStringAndSize(NULL, pieces.first_size + most)
        memcpy(raw_bytes(pieces.joined), pieces.first, pieces.first_size)
        pieces.size = pieces.first_size
    memcpy(raw_bytes(pieces.joined) + pieces.size, piece, size)
    pieces.size += size
    return 0


cdef bytes take(Pieces* pieces):
    cdef PyObject* whole = pieces.joined
    if whole == NULL:
        return pieces.first[:pieces.first_size]
    _PyBytes_Resize(&whole, pieces.size)
    result = <bytes>whole
    Py_DECREF(whole)
    return result


cdef inline int digit(unsigned char byte) noexcept nogil:
    """The value of a hexadecimal digit, or -1."""
    if b"0" <= byte <= b"9":
        return byte - 48
    byte |= 32
    return byte - 87 if b"a" <= byte <= b"f" else -1


@cython.final
cdef class ChunkedDecoder:
    """Decodes one chunked body; see ``llm_async._speedups.framing_py.ChunkedDecoder``."""

    cdef readonly bint finished
    cdef readonly bytes rest
    cdef readonly object failure
    cdef Py_ssize_t _line_limit
    cdef Py_ssize_t _trailer_limit
    cdef State _state
    cdef Py_ssize_t _length  # bytes so far of the size line, or of the trailers
    cdef unsigned long long _left  # the size as far as it was read; then how much of the chunk's data is still to come

    def __cinit__(self, *, Py_ssize_t line_limit=16384, Py_ssize_t trailer_limit=65536):
        self.rest = b""
        self._line_limit = line_limit
        self._trailer_limit = trailer_limit
        self._state = FIRST_DIGIT

    @cython.critical_section
    def feed(self, bytes data not None):
        """Take the next bytes of the connection; the bytes of the body that they hold."""
        cdef const char* start = PyBytes_AS_STRING(data)
        cdef Pieces pieces = Pieces(NULL, 0, NULL, 0)
        if self.failure is not None:
            raise self.failure
        if self.finished:
            raise ValueError("the chunked body has ended")
        try:
            self._read(start, start + PyBytes_GET_SIZE(data), &pieces)
        except FramingError as error:
            self.failure = error
            if pieces.first == NULL:
                raise
        if pieces.first_size == PyBytes_GET_SIZE(data):
            return data
        return take(&pieces)

    cdef int _read(self, const char* position, const char* end, Pieces* pieces) except -1:
        cdef Py_ssize_t size
        while position < end:
            if self._state == DATA:
                size = end - position
                if <unsigned long long>size > self._left:
                    size = <Py_ssize_t>self._left
                put(pieces, position, size, end - position)
                position += size
                self._left -= size
                if self._left == 0:
                    self._state = DATA_CR
            elif self._state == END:
                self.rest = position[:end - position]
                break
            else:
                self._take_byte(position[0])
                position += 1
        return 0

    cdef inline int _take_byte(self, unsigned char byte) except -1:
        if self._state >= TRAILER:
            self._take_trailer_byte(byte)
        elif self._state == DATA_CR:
            if byte != b"\r":
                raise FramingError("the data of a chunk is not followed by CRLF")
            self._state = DATA_LF
        elif self._state == DATA_LF:
            if byte != b"\n":
                raise FramingError("the data of a chunk is not followed by CRLF")
            self._state = FIRST_DIGIT
            self._length = 0
        elif self._state == FIRST_DIGIT and digit(byte) < 0:
            raise FramingError(f"a chunk size begins with the byte {byte:#04x}, which is no hexadecimal digit")
        elif byte == b"\n":
            if self._left:
                self._state = DATA
            else:
                self._state = TRAILER
                self._length = 0
        elif self._state == SIZE_LF:
            raise FramingError("the line with a chunk size has a CR without LF")
        elif byte == b"\r":
            self._state = SIZE_LF
        else:
            self._length += 1
            if self._length > self._line_limit:
                raise FramingError(f"the line with a chunk size has more than {self._line_limit} bytes")
            self._take_size_byte(byte)
        return 0

    cdef inline int _take_size_byte(self, unsigned char byte) except -1:
        if self._state == EXTENSION:
            return 0
        if self._state <= DIGIT and digit(byte) >= 0:
            if self._left >> 59:
                raise FramingError("a chunk size is 2**63 or more")
            self._left = self._left << 4 | <unsigned long long>digit(byte)
            self._state = DIGIT
        elif byte == b" " or byte == b"\t":
            self._state = PADDING
        elif byte == b";":
            self._state = EXTENSION
        else:
            raise FramingError(f"a chunk size is followed by the byte {byte:#04x}")
        return 0

    cdef int _take_trailer_byte(self, unsigned char byte) except -1:
        self._length += 1
        if self._length > self._trailer_limit:
            raise FramingError(f"the trailers have more than {self._trailer_limit} bytes")
        if self._state == IN_TRAILER:
            if byte == b"\n":
                self._state = TRAILER
        elif byte == b"\n":
            self._state = END
            self.finished = True
        elif self._state == LAST_LF:
            raise FramingError("a line of the trailers begins with a CR without LF")
        else:
            self._state = LAST_LF if byte == b"\r" else IN_TRAILER
        return 0
