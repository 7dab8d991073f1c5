# cython: boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False, auto_pickle=False
"""Server-sent events, compiled: the twin of ``llm_async/_speedups/sse_py.py``, which holds the rules.

Theory of operation: one pass over the block. ``memchr`` finds the line ends; where the next LF and the next CR stand is
remembered, so that no byte is searched twice, whichever of them a server uses. The data of an event that stands whole in
the block is never copied but into the payload: until the event's end it is a pair of pointers. Only what the block's end
leaves unfinished is copied, into buffers that grow in linear time.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memchr, memcmp, memcpy

from llm_async._speedups.values import ErrorPayload
from llm_async.errors import ProtocolError


cdef struct Buffer:
    char* bytes
    Py_ssize_t size
    Py_ssize_t capacity


cdef int extend(Buffer* buffer, const char* piece, Py_ssize_t size) except -1:
    cdef Py_ssize_t capacity
    cdef char* grown
    if buffer.size + size > buffer.capacity:
        capacity = buffer.size + size
        capacity += capacity >> 3 if capacity > 65536 else capacity
        grown = <char*>PyMem_Realloc(buffer.bytes, capacity)
        if grown == NULL:
            raise MemoryError()
        buffer.bytes, buffer.capacity = grown, capacity
    if size:
        memcpy(buffer.bytes + buffer.size, piece, size)
        buffer.size += size
    return 0


cdef void release(Buffer* buffer) noexcept:
    PyMem_Free(buffer.bytes)
    buffer.bytes = NULL
    buffer.size = buffer.capacity = 0


cdef inline void reset(Buffer* buffer) noexcept:
    """Empty the buffer; what one large event took is not kept for the rest of the answer."""
    buffer.size = 0
    if buffer.capacity > 65536:
        release(buffer)


cdef inline const char* find(const char* start, const char* end, char byte) noexcept nogil:
    """Where ``byte`` stands first, or ``end``."""
    cdef const char* found = <const char*>memchr(start, byte, end - start)
    return end if found == NULL else found


cdef inline bint is_blank(char byte) noexcept nogil:
    return byte == b" " or byte == b"\t" or byte == b"\n" or byte == b"\r"


cdef const char* BOM = b"\xef\xbb\xbf"

# Where a bare text stands: in none; after a "[" whose next byte decides; in a text; between the objects of an array.
cdef enum Bare:
    NONE, OPENED, TEXT, BETWEEN


@cython.final
cdef class EventDecoder:
    """Cuts one answer's body into events; see ``llm_async._speedups.sse_py.EventDecoder``."""

    cdef readonly object failure
    cdef Py_ssize_t _limit
    cdef bint _closed
    cdef int _bom  # bytes of the BOM seen at the start; -1 once the start is over
    cdef bint _after_cr  # the last byte was a CR, so that an LF now is the same line end
    cdef Buffer _line  # the beginning of an unfinished line
    cdef bint _open  # the open event has data
    cdef Buffer _data  # that data, unless it is one line of this block:
    cdef const char* _value
    cdef Py_ssize_t _value_size
    cdef bint _named, _error  # the open event has a name; it is "error"
    cdef Bare _bare
    cdef bint _array  # the bare text is an object of an array
    cdef Buffer _text  # the bare text so far
    cdef Py_ssize_t _depth  # its open brackets
    cdef bint _string, _escaped  # it stands inside a string; behind a backslash there

    def __cinit__(self, Py_ssize_t limit=64 * 2**20):
        self._limit = limit

    def __dealloc__(self):
        release(&self._line)
        release(&self._data)
        release(&self._text)

    @property
    def pending(self):
        """Whether something unfinished is held: after the body's last byte, the sign of a stream that was cut."""
        return self._line.size > 0 or self._open or self._named or self._bare != NONE or self._bom > 0

    @cython.critical_section
    def feed(self, bytes data not None):
        """Take the next bytes of the body; the data of the events that they complete."""
        cdef list events = []
        cdef const char* start = PyBytes_AS_STRING(data)
        if self.failure is not None:
            raise self.failure
        if self._closed:
            raise ValueError("the event decoder is closed")
        try:
            self._read(start, start + PyBytes_GET_SIZE(data), events)
        except ProtocolError as error:
            self.failure = error
            self._clear()
            if not events:
                raise
        return events

    @cython.critical_section
    def close(self):
        """Say that the body has ended; the data of an event that lacks its end. A second call returns nothing."""
        cdef list events = []
        if self.failure is not None:
            raise self.failure
        if not self._closed:
            self._closed = True
            if self._bare == OPENED or self._bare == TEXT:
                self._give(self._text.bytes, self._text.size, events)
            elif self._line.size:
                self._take_line(self._line.bytes, self._line.size)
            self._end_event(events)
            self._clear()
        return events

    cdef void _clear(self) noexcept:
        release(&self._line)
        release(&self._data)
        release(&self._text)
        self._open = self._named = self._error = False
        self._value = NULL
        self._bare = NONE
        self._bom = -1

    cdef int _check_size(self, Py_ssize_t size) except -1:
        if size > self._limit:
            raise ProtocolError(f"an event has more bytes than the limit event_bytes={self._limit} allows")
        return 0

    cdef int _read(self, const char* position, const char* end, list events) except -1:
        cdef const char* lf = NULL
        cdef const char* cr = NULL
        cdef const char* stop
        if self._bom >= 0:
            position = self._skip_bom(position, end)
        if self._after_cr and position < end:
            self._after_cr = False
            if position[0] == b"\n":
                position += 1
        while position < end:
            if self._bare != NONE:
                position = self._read_bare(position, end, events)
                continue
            if not self._open and not self._line.size and (position[0] == b"{" or position[0] == b"["):
                position = self._begin_bare(position)
                continue
            if lf < position:
                lf = find(position, end, b"\n")
            if cr < position:
                cr = find(position, end, b"\r")
            stop = lf if lf < cr else cr
            if stop == end:
                extend(&self._line, position, end - position)
                self._check_size(self._data_size() + self._line.size)
                break
            if self._line.size:
                extend(&self._line, position, stop - position)
                self._take_line(self._line.bytes, self._line.size)
                self._keep_value()
                reset(&self._line)
            elif stop == position:
                self._end_event(events)
            else:
                self._take_line(position, stop - position)
            position = self._skip_line_end(stop, end)
        self._keep_value()
        return 0

    cdef const char* _skip_bom(self, const char* position, const char* end) except NULL:
        while position < end and self._bom >= 0:
            if position[0] == BOM[self._bom]:
                position += 1
                self._bom = self._bom + 1 if self._bom < 2 else -1
            else:
                # What looked like a BOM is the beginning of the first line.
                extend(&self._line, BOM, self._bom)
                self._bom = -1
        return position

    cdef inline const char* _skip_line_end(self, const char* stop, const char* end) noexcept:
        if stop[0] == b"\r":
            if stop + 1 == end:
                self._after_cr = True
            elif stop[1] == b"\n":
                return stop + 2
        return stop + 1

    cdef inline Py_ssize_t _data_size(self) noexcept:
        return self._data.size if self._value == NULL else self._value_size

    cdef int _keep_value(self) except -1:
        """Copy the open event's data where the bytes that it stands in are going away."""
        if self._value != NULL:
            extend(&self._data, self._value, self._value_size)
            self._value = NULL
        return 0

    cdef inline int _take_line(self, const char* line, Py_ssize_t size) except -1:
        cdef Py_ssize_t name = 0
        self._check_size(self._data_size() + size)
        if size >= 4 and memcmp(line, b"data", 4) == 0:
            name = 4
        elif size >= 5 and memcmp(line, b"event", 5) == 0:
            name = 5
        if name == 0 or (size > name and line[name] != b":"):
            return 0
        line += name
        size -= name
        if size:
            line += 1
            size -= 1
        if size and line[0] == b" ":
            line += 1
            size -= 1
        if name == 5:
            self._named = size > 0
            self._error = size == 5 and memcmp(line, b"error", 5) == 0
        elif not self._open:
            self._open = True
            self._value = line
            self._value_size = size
        else:
            self._keep_value()
            extend(&self._data, b"\n", 1)
            extend(&self._data, line, size)
        return 0

    cdef inline int _end_event(self, list events) except -1:
        if self._value != NULL:
            self._give(self._value, self._value_size, events)
            self._value = NULL
        elif self._open:
            self._give(self._data.bytes, self._data.size, events)
            reset(&self._data)
        self._open = self._named = self._error = False
        return 0

    cdef inline int _give(self, const char* payload, Py_ssize_t size, list events) except -1:
        cdef Py_ssize_t blanks = 0
        cdef bytes event
        while blanks < size and is_blank(payload[blanks]):
            blanks += 1
        if blanks < size:
            event = PyBytes_FromStringAndSize(payload, size)
            events.append(ErrorPayload(event) if self._error else event)
        return 0

    # Bare texts.

    cdef const char* _begin_bare(self, const char* position) except NULL:
        self._depth = 0
        self._string = self._escaped = self._array = False
        if position[0] == b"{":
            self._bare = TEXT
            return position
        self._bare = OPENED
        extend(&self._text, b"[", 1)
        return position + 1

    cdef const char* _read_bare(self, const char* position, const char* end, list events) except NULL:
        """Go on with a bare text; the position behind what belongs to it."""
        cdef bint between = self._bare == BETWEEN
        if self._bare == TEXT:
            return self._read_text(position, end, events)
        while position < end and (is_blank(position[0]) or (between and position[0] == b",")):
            position += 1
        if position == end:
            return end
        if position[0] == b"{":
            self._bare = TEXT
            self._array = True
            self._text.size = 0
        elif position[0] == b"]":
            self._bare = NONE
            self._text.size = 0
            position += 1
        elif between:
            # No array of objects after all: what stands here is read as a line.
            self._bare = NONE
        else:
            # Some other array, which stays whole.
            self._bare = TEXT
            self._depth = 1
        return position

    cdef const char* _read_text(self, const char* position, const char* end, list events) except NULL:
        cdef const char* start = position
        cdef char byte
        while position < end:
            byte = position[0]
            if byte == b"\r":
                self._keep_text(start, position)
                extend(&self._text, b"\n", 1)
                position = start = self._skip_line_end(position, end)
                self._escaped = False
                continue
            position += 1
            if self._escaped:
                self._escaped = False
            elif byte == b'"':
                self._string = not self._string
            elif self._string:
                self._escaped = byte == b"\\"
            elif byte == b"{" or byte == b"[":
                self._depth += 1
            elif byte == b"}" or byte == b"]":
                self._depth -= 1
                if self._depth == 0:
                    self._keep_text(start, position)
                    self._give(self._text.bytes, self._text.size, events)
                    reset(&self._text)
                    self._bare = BETWEEN if self._array else NONE
                    return position
        self._keep_text(start, end)
        return end

    cdef int _keep_text(self, const char* start, const char* end) except -1:
        extend(&self._text, start, end - start)
        return self._check_size(self._text.size)
