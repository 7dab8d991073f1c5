# cython: boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False, auto_pickle=False
"""Events that only go on with a text, compiled: the twin of ``llm_async/_speedups/fragments_py.py``, which holds the rules.

Theory of operation: literals are compared by ``memcmp``, slots are walked byte by byte, and the text is made from where it
stands in the payload. Only a text with escapes is unescaped first, into a buffer that all templates of an answer share. A chunk is
made without calling its ``__init__``.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcmp, memcpy

from llm_async._json import loads

cdef extern from *:
    """
    static PyObject* llm_async_new(PyObject* type, PyObject* args) {
        return ((PyTypeObject*)type)->tp_new((PyTypeObject*)type, args, NULL);
    }
    """
    object new_instance "llm_async_new"(object type, object args)

cdef enum:
    MOST = 4  # templates at a time: as many texts may grow in turns


cdef class Chunk:
    """What a StreamChunk holds; see ``llm_async._speedups.fragments_py.Chunk``."""

    cdef public object content
    cdef public object reasoning
    cdef public object stop_reason
    cdef public object finish_reason
    cdef object _original
    cdef object _tool_call_deltas
    cdef object _usage
    cdef object _usage_of

    def __init__(
        self,
        content,
        original,
        reasoning="",
        tool_call_deltas=None,
        usage=None,
        stop_reason=None,
        finish_reason=None,
    ):
        self.content = content
        self._original = original
        self.reasoning = reasoning
        self._tool_call_deltas = tool_call_deltas
        self._usage = usage
        self._usage_of = None
        self.stop_reason = stop_reason
        self.finish_reason = finish_reason

    @property
    def delta(self):
        """The text, never None."""
        return self.content or ""

    @property
    def original(self):
        """The provider's event, decoded."""
        if isinstance(self._original, bytes):
            self._original = loads(self._original)
        return self._original

    @original.setter
    def original(self, value):
        self._original = value

    @property
    def tool_call_deltas(self):
        """Pieces of tool calls."""
        if self._tool_call_deltas is None:
            self._tool_call_deltas = []
        return self._tool_call_deltas

    @tool_call_deltas.setter
    def tool_call_deltas(self, value):
        self._tool_call_deltas = value

    @property
    def usage(self):
        """Token counts."""
        if self._usage_of is not None:
            usage_of, self._usage_of = self._usage_of, None
            self._usage = usage_of(self.original)
        return self._usage

    @usage.setter
    def usage(self, value):
        self._usage_of = None
        self._usage = value


cdef inline int hex_value(const char* position) noexcept:
    """The value of four hexadecimal digits, or -1."""
    cdef int value = 0
    cdef int place
    cdef unsigned char byte
    for place in range(4):
        byte = position[place]
        if b"0" <= byte <= b"9":
            value = value << 4 | (byte - 48)
        else:
            byte |= 32
            if not b"a" <= byte <= b"f":
                return -1
            value = value << 4 | (byte - 87)
    return value


cdef inline Py_ssize_t put_utf8(char* target, int point) noexcept:
    """Write a character; how many bytes it has."""
    if point < 0x80:
        target[0] = point
        return 1
    if point < 0x800:
        target[0] = 0xC0 | point >> 6
        target[1] = 0x80 | point & 0x3F
        return 2
    if point < 0x10000:
        target[0] = 0xE0 | point >> 12
        target[1] = 0x80 | point >> 6 & 0x3F
        target[2] = 0x80 | point & 0x3F
        return 3
    target[0] = 0xF0 | point >> 18
    target[1] = 0x80 | point >> 12 & 0x3F
    target[2] = 0x80 | point >> 6 & 0x3F
    target[3] = 0x80 | point & 0x3F
    return 4


cdef Py_ssize_t unescape(const char* position, const char* end, char* target) noexcept:
    """Write the inside of a JSON string without its escapes, which makes it shorter; -1 where it is none."""
    cdef char* start = target
    cdef char byte
    cdef int point, low
    while position < end:
        byte = position[0]
        position += 1
        if byte != b"\\":
            target[0] = byte
            target += 1
            continue
        # The string's end was found behind this, so there is a next byte.
        byte = position[0]
        position += 1
        if byte == b"u":
            point = hex_value(position) if end - position >= 4 else -1
            position += 4
            if 0xD800 <= point < 0xDC00 and end - position >= 6 and position[0] == b"\\" and position[1] == b"u":
                low = hex_value(position + 2)
                if not 0xDC00 <= low < 0xE000:
                    return -1
                point = 0x10000 + ((point - 0xD800) << 10 | (low - 0xDC00))
                position += 6
            if point < 0 or 0xD800 <= point < 0xE000:
                return -1
            target += put_utf8(target, point)
            continue
        if byte == b"n":
            byte = b"\n"
        elif byte == b"t":
            byte = b"\t"
        elif byte == b"r":
            byte = b"\r"
        elif byte == b"b":
            byte = b"\b"
        elif byte == b"f":
            byte = b"\f"
        elif byte != b'"' and byte != b"\\" and byte != b"/":
            return -1
        target[0] = byte
        target += 1
    return target - start


cdef inline bint is_blank(char byte) noexcept nogil:
    return byte == b" " or byte == b"\t" or byte == b"\n" or byte == b"\r"


cdef struct Text:
    const char* start
    const char* end
    bint escaped


@cython.final
cdef class _Template:
    """One kind of event; the arguments are those of :meth:`Fragments.add`."""

    cdef list literals
    cdef bytes slots
    cdef bytes tail
    cdef char field  # the first letter of where the text goes, 0 where it goes nowhere
    cdef object take
    cdef object make_delta
    cdef object usage_of
    cdef list pieces  # texts that were read and not yet taken

    cdef bint matches(self, bytes payload, Text* text) noexcept:
        cdef const char* position = PyBytes_AS_STRING(payload)
        cdef const char* end = position + PyBytes_GET_SIZE(payload)
        cdef const char* start
        cdef bytes literal
        cdef Py_ssize_t place
        cdef Py_ssize_t count = PyBytes_GET_SIZE(self.slots)
        cdef Py_ssize_t size
        cdef char slot
        for place in range(count + 1):
            literal = <bytes>self.literals[place]
            size = PyBytes_GET_SIZE(literal)
            if end - position < size or memcmp(position, PyBytes_AS_STRING(literal), size) != 0:
                return False
            position += size
            if place == count:
                break
            slot = PyBytes_AS_STRING(self.slots)[place]
            start = position
            if slot == b"t":
                text.escaped = False
                while position < end and position[0] != b'"':
                    if <unsigned char>position[0] < 0x20:
                        return False
                    if position[0] == b"\\":
                        text.escaped = True
                        position += 1
                    position += 1
                if position >= end:
                    return False
                text.start, text.end = start, position
            elif slot == b"s":
                while position < end and b" " <= position[0] <= b"~" and position[0] != b'"' and position[0] != b"\\":
                    position += 1
            else:
                while position < end and b"0" <= position[0] <= b"9":
                    position += 1
                size = position - start
                if size == 0 or size > 18 or (size > 1 and start[0] == b"0"):
                    return False
        for place in range(PyBytes_GET_SIZE(self.tail)):
            while position < end and is_blank(position[0]):
                position += 1
            if position == end or position[0] != PyBytes_AS_STRING(self.tail)[place]:
                return False
            position += 1
        while position < end and is_blank(position[0]):
            position += 1
        return position == end

    cdef int hand_over(self) except -1:
        """Give what was read to whom it belongs."""
        cdef list pieces = self.pieces
        if pieces:
            self.pieces = []
            self.take(pieces[0] if len(pieces) == 1 else "".join(pieces))
        return 0


@cython.final
cdef class Fragments:
    """Reads the events that templates were made of; see ``llm_async._speedups.fragments_py.Fragments``."""

    cdef readonly bint known
    cdef bytes _last
    cdef object _chunk_type
    cdef list _templates  # the one that was used last comes first
    cdef char* _buffer  # for texts with escapes
    cdef Py_ssize_t _capacity

    def __cinit__(self, chunk_type):
        if not (isinstance(chunk_type, type) and issubclass(chunk_type, Chunk)):
            raise TypeError("a chunk type is derived from Chunk")
        self._chunk_type = chunk_type
        self._templates = []

    def __dealloc__(self):
        PyMem_Free(self._buffer)

    def __len__(self):
        return len(self._templates)

    @cython.critical_section
    def clear(self):
        """Forget the templates: an event has said something else, and what they say may have changed its meaning."""
        self._templates = []

    @cython.critical_section
    def take_last(self):
        """The last event that was read for a template with ``usage_of`` since this was asked for, or None."""
        last, self._last = self._last, None
        return last

    @cython.critical_section
    def add(self, list literals not None, str slots not None, bytes tail not None, str field not None, take,
            make_delta=None, usage_of=None):
        """Make a template."""
        cdef _Template template
        if len(literals) != len(slots) + 1 or slots.count("t") != 1 or set(slots) - {"t", "s", "d"}:
            raise ValueError("a template has one text, and literals around its slots")
        template = _Template.__new__(_Template)
        template.literals = [bytes(literal) for literal in literals]
        template.slots = slots.encode("ascii")
        template.tail = tail
        template.field = ord(field[0]) if field else 0
        template.take = take
        template.make_delta = make_delta
        template.usage_of = usage_of
        template.pieces = []
        self._templates.insert(0, template)
        del self._templates[MOST:]

    @cython.critical_section
    def read(self, list payloads not None, Py_ssize_t start, chunks):
        """Read events from ``start`` on, as far as templates go; the place of the first that is none of theirs."""
        cdef list made = []
        cdef _Template used = None
        cdef _Template template
        cdef str text
        cdef object payload
        cdef Py_ssize_t count = len(payloads)
        cdef Text place
        self.known = False
        if not self._templates or start < 0:
            return start
        while start < count:
            payload = payloads[start]
            template = self._find(payload, &place) if PyBytes_CheckExact(payload) else None
            if template is None:
                break
            text = self._decode(&place)
            if text is None:
                break
            if text == "" or (template.field == b"a" and text[0] == "{"):
                self.known = True
                break
            if template is not used:
                if used is not None:
                    used.hand_over()
                used = template
            template.pieces.append(text)
            if template.usage_of is not None:
                self._last = payload
            if template.field != 0:
                made.append(self._chunk(template, payload, text))
            start += 1
        if used is not None:
            used.hand_over()
        if made:
            chunks.extend(made)
        return start

    cdef _Template _find(self, bytes payload, Text* text):
        cdef _Template template
        cdef Py_ssize_t place
        for place in range(len(self._templates)):
            template = <_Template>self._templates[place]
            if template.matches(payload, text):
                if place:
                    del self._templates[place]
                    self._templates.insert(0, template)
                return template
        return None

    cdef str _decode(self, Text* text):
        """The text, or None where it is no valid one."""
        cdef Py_ssize_t size = text.end - text.start
        cdef char* grown
        if text.escaped:
            if size > self._capacity:
                grown = <char*>PyMem_Realloc(self._buffer, size + 256)
                if grown == NULL:
                    raise MemoryError()
                self._buffer, self._capacity = grown, size + 256
            size = unescape(text.start, text.end, self._buffer)
            if size < 0:
                return None
            text.start = self._buffer
        try:
            return PyUnicode_DecodeUTF8(text.start, size, NULL)
        except UnicodeDecodeError:
            return None

    cdef _chunk(self, _Template template, bytes payload, str text):
        cdef Chunk chunk = <Chunk>new_instance(self._chunk_type, ())
        chunk._original = payload
        chunk._usage_of = template.usage_of
        if template.field == b"c":
            chunk.content = text
            chunk.reasoning = ""
        elif template.field == b"r":
            chunk.content = ""
            chunk.reasoning = text
        else:
            chunk.content = chunk.reasoning = ""
            chunk._tool_call_deltas = [template.make_delta(text)]
        return chunk
