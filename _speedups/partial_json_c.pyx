# cython: auto_pickle=False
"""JSON that is still being written, compiled: the twin of ``llm_async/_speedups/partial_json_py.py``, which holds the rules.

Theory of operation: one pass over the characters of each piece. A string that begins and ends in one piece is cut out of it,
an integer is counted up as it is read; only what a piece's end leaves unfinished, and what has escapes, goes through the
list of pieces. A str in a container is lengthened by ``PyUnicode_Append`` while nothing refers to it.
"""

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ, PyUnicode_READ_CHAR, PyUnicode_Substring

from llm_async._json import loads
from llm_async._speedups.json_grammar import CONTROL, ESCAPE, LITERALS, MOST_LEVELS, SHORT_ESCAPES, again, fault, no_text, unfinished

cdef extern from "Python.h":
    void PyUnicode_Append(PyObject** text, PyObject* added) except *

cdef enum:
    LONGEST = 18  # so many digits are an integer of 64 bits
    UNTIL = 0x20  # characters below this one are controls

# What may come next.
cdef enum Expected:
    VALUE, FIRST_ITEM, FIRST_KEY, KEY, COLON, NEXT, NOTHING

# What is being read.
cdef enum Reading:
    BETWEEN, STRING, NUMBER, LITERAL

cdef tuple WORDS = ("a value", "a value or ']'", "a key or '}'", "a key", "':'", None, "nothing more")
cdef dict SHORT = SHORT_ESCAPES
cdef dict WORD_OF = LITERALS
cdef Py_ssize_t MOST = MOST_LEVELS


# Not Py_UCS4, with which Cython reckons as with a str.
ctypedef unsigned int Char


cdef struct Text:
    int kind
    const void* data
    Py_ssize_t size


cdef inline Char at(Text* text, Py_ssize_t place) noexcept:
    return <Char>PyUnicode_READ(text.kind, <void*>text.data, place)


cdef inline bint is_blank(Char char) noexcept:
    return char == 32 or char == 10 or char == 13 or char == 9


cdef inline bint is_digit(Char char) noexcept:
    return 48 <= char <= 57


cdef inline bint is_hex(Char char) noexcept:
    return is_digit(char) or 97 <= (char | 32) <= 102


cdef inline bint is_of_number(Char char) noexcept:
    return is_digit(char) or char == 45 or char == 43 or char == 46 or (char | 32) == 101


@cython.final
cdef class PartialJSON:
    """Reads a JSON text that arrives in pieces; see ``llm_async._speedups.partial_json_py.PartialJSON``."""

    cdef readonly bint complete
    cdef readonly object failure
    cdef list _root  # the value, once it has begun
    cdef object _top  # the container that is open
    cdef list _stack  # those around it
    cdef str _key  # the key whose value comes next
    cdef dict _known  # the keys so far, each of which is kept once
    cdef Expected _expected
    cdef Reading _reading
    cdef Py_ssize_t _position  # characters before the piece that is being read
    cdef Py_ssize_t _start  # where the number began
    cdef str _word  # the literal that is being read
    cdef Py_ssize_t _matched  # how much of it has come
    cdef list _pieces  # of the string, as far as it is not in its container; of the number
    cdef str _escape  # an escape that is not whole
    cdef Char _high  # the first half of a pair, or 0
    cdef bint _in_key  # the string is a key
    cdef bint _shown  # the string is in its container
    cdef object _slot  # where it is there
    cdef bint _changed
    cdef list _records
    cdef tuple _path  # the place of the open container
    cdef list _paths  # the places of those around it

    def __cinit__(self, *, bint record=False):
        self.complete = False
        self.failure = None
        self._root = []
        self._top = self._root
        self._stack = []
        self._key = ""
        self._known = {}
        self._expected = VALUE
        self._reading = BETWEEN
        self._position = self._start = self._matched = 0
        self._word = self._escape = ""
        self._pieces = []
        self._high = 0
        self._in_key = self._shown = self._changed = False
        self._slot = 0
        self._records = [] if record else None
        self._path = ()
        self._paths = []

    @cython.critical_section
    def feed(self, text):
        """Take the next piece of the text; whether the value has changed."""
        if not isinstance(text, str):
            raise no_text(text)
        if self.failure is not None:
            raise again(self.failure)
        cdef Text piece
        cdef Py_ssize_t place
        piece.kind, piece.data, piece.size = PyUnicode_KIND(text), PyUnicode_DATA(text), len(<str>text)
        self._changed = False
        place = 1 if self._position == 0 and piece.size and at(&piece, 0) == 0xFEFF else 0
        try:
            while place < piece.size:
                if self._reading == STRING:
                    place = self._read_string(<str>text, &piece, place)
                elif self._reading == BETWEEN:
                    place = self._read_between(<str>text, &piece, place)
                elif self._reading == NUMBER:
                    place = self._read_number(<str>text, &piece, place)
                else:
                    place = self._read_literal(<str>text, &piece, place)
        finally:
            self._position += piece.size
            if self._reading == STRING and not self._in_key:
                self._show_open()
        return self._changed

    @cython.critical_section
    def value(self):
        """The value so far, None before it begins. It is the same object each time, and grows."""
        return self._value()

    @cython.critical_section
    def close(self):
        """Say that the text has ended; the whole value."""
        if self.failure is not None:
            raise again(self.failure)
        if self._reading == NUMBER:
            self._end_number("")
        if not self.complete:
            raise unfinished(self._wanted(), self._position)
        return self._value()

    @cython.critical_section
    def take(self):
        """The changes since this was asked for: where, what, and whether what stands there is whole now."""
        records = self._records
        if records is None:
            raise ValueError("no changes are kept: record=True was not said")
        self._records = []
        return records

    cdef object _value(self):
        if self._reading == STRING and not self._in_key and self._pieces:
            self._lengthen()
        return self._root[0] if self._root else None

    # --- between strings, numbers and literals

    cdef Py_ssize_t _read_between(self, str text, Text* piece, Py_ssize_t place) except -1:
        """Read as long as no string, number or literal begins that has no end here."""
        cdef Char char
        cdef bint opens
        while place < piece.size:
            char = at(piece, place)
            if is_blank(char):
                place += 1
                continue
            opens = self._expected == VALUE or self._expected == FIRST_ITEM
            if char == 34 and (opens or self._expected == KEY or self._expected == FIRST_KEY):  # "
                self._reading = STRING
                self._in_key = not opens
                self._shown = False
                place = self._read_string(text, piece, place + 1)
            elif char == 58 and self._expected == COLON:  # :
                self._expected = VALUE
                place += 1
            elif char == 44 and self._expected == NEXT:  # ,
                self._expected = KEY if type(self._top) is dict else VALUE
                place += 1
            elif opens and (char == 123 or char == 91):  # { [
                if len(self._stack) == MOST:
                    raise self._fault(text, place, f"no more than {MOST} levels")
                self._open_container({} if char == 123 else [])
                place += 1
            elif opens and (is_digit(char) or char == 45):
                self._reading = NUMBER
                self._start = self._position + place
                place = self._read_number(text, piece, place)
            elif opens and (char == 116 or char == 102 or char == 110):  # t f n
                self._reading = LITERAL
                self._word = text[place]
                self._matched = 1
                place = self._read_literal(text, piece, place + 1)
            elif self._closes(char):
                self._close_container()
                place += 1
            else:
                raise self._fault(text, place, self._wanted())
            if self._reading != BETWEEN:
                break
        return place

    cdef int _open_container(self, object container) except -1:
        self._place(container)
        path = self._record(container, False)
        self._stack.append(self._top)
        self._top = container
        self._paths.append(self._path)
        self._path = path
        self._expected = FIRST_KEY if type(container) is dict else FIRST_ITEM
        return 0

    cdef bint _closes(self, Char char) except -1:
        if not self._stack:
            return False
        if type(self._top) is dict:
            return char == 125 and (self._expected == FIRST_KEY or self._expected == NEXT)
        return char == 93 and (self._expected == FIRST_ITEM or self._expected == NEXT)

    cdef int _close_container(self) except -1:
        if self._records is not None:
            self._records.append((self._path, self._top, True))
        self._top = self._stack.pop()
        self._path = self._paths.pop()
        self._end_value()
        return 0

    cdef int _place(self, object value) except -1:
        """Put a value where it belongs, which is remembered."""
        if type(self._top) is dict:
            self._slot = self._key
            (<dict>self._top)[self._key] = value
        else:
            self._slot = len(<list>self._top)
            (<list>self._top).append(value)
        self._changed = True
        return 0

    cdef tuple _record(self, object value, bint whole):
        """Note a change of what was placed last; the path to it."""
        if self._records is None:
            return ()
        path = (*self._path, self._slot) if self._stack else ()
        self._records.append((path, value, whole))
        return path

    cdef void _end_value(self) noexcept:
        self._reading = BETWEEN
        self.complete = not self._stack
        self._expected = NOTHING if self.complete else NEXT

    cdef str _taken(self):
        """The pieces, which are none any more."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    # --- strings

    cdef Py_ssize_t _read_string(self, str text, Text* piece, Py_ssize_t place) except -1:
        cdef Py_ssize_t start
        cdef Char char
        while place < piece.size:
            if self._escape:
                place = self._read_escape(text, piece, place)
                continue
            start = place
            char = 0
            while place < piece.size:
                char = at(piece, place)
                if char == 34 or char == 92 or char < UNTIL:
                    break
                place += 1
            if place < piece.size and char == 34 and not self._pieces and not self._high and not self._shown:
                self._end_unbroken(PyUnicode_Substring(text, start, place))
                return place + 1
            if place > start:
                self._add(text if start == 0 and place == piece.size else PyUnicode_Substring(text, start, place))
            if place == piece.size:
                break
            if char == 34:
                self._end_string()
                return place + 1
            if char != 92:
                raise self._fault(text, place, CONTROL)
            self._escape = "\\"
            place += 1
        return place

    cdef Py_ssize_t _read_escape(self, str text, Text* piece, Py_ssize_t place) except -1:
        cdef Py_ssize_t end, found
        cdef str char
        if len(self._escape) == 1:
            char = text[place]
            if char == "u":
                self._escape = "\\u"
            elif char in SHORT:
                self._escape = ""
                self._add(SHORT[char])
            else:
                raise self._fault(text, place, ESCAPE)
            return place + 1
        end = min(piece.size, place + 6 - len(self._escape))
        found = place
        while found < end and is_hex(at(piece, found)):
            found += 1
        if found < end:
            raise self._fault(text, found, ESCAPE)
        self._escape += text[place:end]
        if len(self._escape) == 6:
            self._add_unit(int(self._escape[2:], 16))
            self._escape = ""
        return end

    cdef int _add(self, str piece) except -1:
        if self._high:
            self._pieces.append(chr(self._high))
            self._high = 0
        self._pieces.append(piece)
        return 0

    cdef int _add_unit(self, Char unit) except -1:
        """Add what ``\\u`` stands for."""
        if self._high and 0xDC00 <= unit <= 0xDFFF:
            self._pieces.append(chr(0x10000 + ((self._high & 0x3FF) << 10) + (unit & 0x3FF)))
            self._high = 0
        elif 0xD800 <= unit <= 0xDBFF:
            if self._high:
                self._pieces.append(chr(self._high))
            self._high = unit
        else:
            self._add(chr(unit))
        return 0

    cdef int _end_unbroken(self, str text) except -1:
        """End a string that stood in one piece, without escapes."""
        if self._in_key:
            self._end_key(text)
        else:
            self._place(text)
            self._record(text, True)
            self._end_value()
        return 0

    cdef int _end_key(self, str text) except -1:
        self._key = self._known.setdefault(text, text)
        self._reading = BETWEEN
        self._expected = COLON
        return 0

    cdef int _end_string(self) except -1:
        if self._high:
            self._pieces.append(chr(self._high))
            self._high = 0
        if self._in_key:
            self._end_key(self._taken())
            return 0
        if self._shown:
            if self._records is not None:
                self._record("".join(self._pieces), True)
            self._changed = self._changed or len(self._pieces) > 0
            self._lengthen()
        else:
            text = self._taken()
            self._place(text)
            self._record(text, True)
        self._end_value()
        return 0

    cdef int _show_open(self) except -1:
        """Have a string that stays open behind this piece in its container, and its new pieces among the changes."""
        cdef bint first = not self._shown
        if first:
            self._place("")
            self._shown = True
        if self._pieces:
            self._changed = True
        if self._records is not None and (first or self._pieces):
            self._record("".join(self._pieces), False)
            self._lengthen()
        return 0

    cdef int _lengthen(self) except -1:
        """Add the pieces to the str in the container, which meanwhile must not refer to it: then it grows in place."""
        cdef str added = self._taken()
        cdef PyObject* grown
        container, slot = self._top, self._slot
        text = container[slot]
        container[slot] = ""
        Py_INCREF(text)
        grown = <PyObject*>text
        text = None
        PyUnicode_Append(&grown, <PyObject*>added)
        text = <object>grown
        Py_DECREF(text)
        container[slot] = text
        return 0

    # --- numbers and literals

    cdef Py_ssize_t _read_number(self, str text, Text* piece, Py_ssize_t place) except -1:
        cdef Py_ssize_t start = place, first
        cdef unsigned long long number = 0  # takes one digit more than is used
        if not self._pieces:
            if at(piece, place) == 45:
                place += 1
            first = place
            while place < piece.size and place - first <= LONGEST and is_digit(at(piece, place)):
                number = number * 10 + <unsigned int>(at(piece, place) - 48)
                place += 1
            if (
                place < piece.size
                and 0 < place - first <= LONGEST
                and (place - first == 1 or at(piece, first) != 48)
                and not is_of_number(at(piece, place))
            ):
                self._place_number(<long long>number if first == start else -<long long>number)
                return place
        while place < piece.size and is_of_number(at(piece, place)):
            place += 1
        if place > start:
            self._pieces.append(text[start:place])
        if place < piece.size:
            self._end_number(text)
        return place

    cdef int _place_number(self, object number) except -1:
        self._place(number)
        self._record(number, True)
        self._end_value()
        return 0

    cdef int _end_number(self, str text) except -1:
        try:
            number = loads(self._taken())
        except ValueError:
            raise self._fault(text, self._start - self._position, "a number") from None
        return self._place_number(number)

    cdef Py_ssize_t _read_literal(self, str text, Text* piece, Py_ssize_t place) except -1:
        cdef str word
        word, value = WORD_OF[self._word]
        while place < piece.size and self._matched < len(word):
            if at(piece, place) != <Char>PyUnicode_READ_CHAR(word, self._matched):
                raise self._fault(text, place, word)
            self._matched += 1
            place += 1
        if self._matched == len(word):
            self._place(value)
            self._record(value, True)
            self._end_value()
        return place

    # --- faults

    cdef str _wanted(self):
        """What may come next, in words."""
        if self._reading == STRING:
            return "the end of a string"
        if self._reading == LITERAL:
            return WORD_OF[self._word][0]
        if self._expected == NEXT:
            return "',' or '}'" if type(self._top) is dict else "',' or ']'"
        return WORDS[<int>self._expected]

    cdef object _fault(self, str text, Py_ssize_t place, str expected):
        self.failure = fault(expected, text, place, self._position + place)
        return self.failure
