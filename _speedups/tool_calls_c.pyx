# cython: auto_pickle=False
"""Fragments of tool calls, compiled: the twin of ``llm_async/_speedups/tool_calls_py.py``, which holds the rules."""

cimport cython

from llm_async._json import loads
from llm_async._speedups.surrogates import repair


cdef enum:
    MANY = 1024  # so many pieces become one: a str of a few characters takes fifty bytes more than they do


@cython.final
cdef class _Call:
    cdef object id
    cdef object name
    cdef list pieces  # of the arguments, none of them empty
    cdef Py_ssize_t loose  # how many pieces at the end have not been joined yet
    cdef Py_ssize_t size  # characters in all pieces

    def __cinit__(self):
        self.pieces = []

    cdef int add(self, str fragment) except -1:
        self.pieces.append(fragment)
        self.size += len(fragment)
        self.loose += 1
        if self.loose == MANY:
            self.pieces[-MANY:] = ["".join(self.pieces[-MANY:])]
            self.loose = 0
        return 0

    cdef str arguments(self):
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
            self.loose = 0
        return self.pieces[0] if self.pieces else ""

    cdef bint is_whole(self) except -1:
        """Whether the arguments are a whole JSON object, which nothing can continue."""
        if not self.pieces or not (<str>self.pieces[-1]).endswith("}"):
            return False
        try:
            return isinstance(loads(self.arguments()), dict)
        except ValueError:
            return False

    cdef inline bint has_again(self, str arguments) except -1:
        """Whether ``arguments`` are all that there is, once more. Only pieces of half the size and more cost a look."""
        if not arguments.startswith("{") or 2 * len(arguments) < self.size or not self.is_whole():
            return False
        if arguments == self.arguments():
            return True
        try:
            return loads(arguments) == loads(self.arguments())
        except ValueError:
            return False

    cdef bint is_over_before(self, str name, str arguments, bint indexed) except -1:
        """Whether a fragment that has a name and no id begins another call."""
        if not self.pieces or not self.name:
            return False
        if name != self.name:
            return True
        return arguments.startswith("{") and self.is_whole() and not (indexed and self.has_again(arguments))


@cython.final
cdef class ToolCallAccumulator:
    """Puts together the tool calls of one answer; see ``llm_async._speedups.tool_calls_py.ToolCallAccumulator``."""

    cdef readonly bint repeated
    cdef list _calls  # in order of first appearance
    cdef Py_ssize_t _last  # the place of the call that had the last fragment
    cdef dict _by_id  # the place of the last call with an id
    cdef dict _by_index  # the place of the call that an index stands for
    cdef dict _by_index_and_id

    def __cinit__(self):
        self._calls = []
        self._last = -1
        self._by_id = {}
        self._by_index = {}
        self._by_index_and_id = {}

    def __len__(self):
        """How many calls there are."""
        return len(self._calls)

    @cython.critical_section
    def feed(self, index, str id, str name, str arguments not None):
        """Take a fragment; the place of its call among the calls."""
        cdef Py_ssize_t position = self._find(index, id)
        cdef _Call call
        if position >= 0 and name and not id:
            call = self._calls[position]
            if call.is_over_before(name, arguments, index is not None):
                position = -1
        if position < 0:
            position = len(self._calls)
            self._calls.append(_Call())
        call = self._calls[position]
        if id and not call.id:
            call.id = id
            self._by_id[id] = self._by_index_and_id[index, id] = position
        if name and not call.name:
            call.name = name
        if index is not None:
            self._by_index[index] = position
        self._append(position, arguments)
        return position

    @cython.critical_section
    def extend(self, Py_ssize_t position, str fragment not None):
        """Take a piece of the arguments of the call at ``position``; the quick way where the call is known."""
        if not 0 <= position < len(self._calls):
            raise IndexError(f"there is no tool call {position}")
        self._append(position, fragment)

    @cython.critical_section
    def calls(self):
        """Id, name and joined arguments of each call; None where the server gave no id or no name."""
        cdef _Call call
        return [(call.id, call.name, repair(call.arguments())) for call in self._calls]

    cdef int _append(self, Py_ssize_t position, str fragment) except -1:
        cdef _Call call = self._calls[position]
        self._last = position
        self.repeated = call.has_again(fragment)
        if fragment and not self.repeated:
            call.add(fragment)
        return 0

    cdef Py_ssize_t _find(self, index, str id) except -2:
        """The place of the call that a fragment belongs to, or -1."""
        cdef Py_ssize_t position
        cdef _Call call
        if index is None:
            return self._by_id.get(id, -1) if id else self._last
        position = self._by_index.get(index, -1)
        if position >= 0 and id:
            call = self._calls[position]
            if call.id and call.id != id:
                return self._by_index_and_id.get((index, id), -1)
        return position
