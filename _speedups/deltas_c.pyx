# cython: auto_pickle=False
"""Deltas, compiled: the twin of ``llm_async/_speedups/deltas_py.py``, which holds the rules."""

cimport cython

from llm_async._speedups.surrogates import repair


cdef class _Last:
    """Each value takes the place of the one before."""

    cdef object value

    cdef int take(self, value) except -1:
        self.value = value
        return 0

    cdef result(self):
        return repair(self.value) if isinstance(self.value, str) else self.value


@cython.final
cdef class _First(_Last):
    """The first value that is not empty stays."""

    cdef int take(self, value) except -1:
        if not self.value:
            self.value = value
        return 0


@cython.final
cdef class _Join(_Last):
    """Strings are joined; ``value`` is what there is instead of text, or ``""`` where every string was empty."""

    cdef list pieces

    def __cinit__(self):
        self.pieces = []

    cdef int take(self, value) except -1:
        if not isinstance(value, str):
            self.value = value
            self.pieces = []
        elif value != "":
            self.value = None
            self.pieces.append(value)
        elif self.value is None:
            self.value = ""
        return 0

    cdef result(self):
        if not self.pieces:
            return self.value
        # The pieces stay joined, but not repaired: the other half of a surrogate may still come.
        self.pieces = ["".join(self.pieces)]
        return repair(self.pieces[0])


@cython.final
cdef class _Extend(_Last):
    """The elements of lists follow one another."""

    cdef int take(self, value) except -1:
        if self.value is None:
            self.value = []
        if isinstance(value, list):
            (<list>self.value).extend(value)
        else:
            (<list>self.value).append(value)
        return 0

    cdef result(self):
        return None if self.value is None else list(<list>self.value)


cdef dict _RULES = {"join": _Join, "first": _First, "last": _Last, "extend": _Extend, "ignore": None}


cdef dict as_dict(delta):
    if not isinstance(delta, dict):
        raise TypeError(f"a delta is a dict, not {type(delta).__name__}")
    return <dict>delta


@cython.final
cdef class DeltaMerger:
    """Merges the deltas of one object; see ``llm_async._speedups.deltas_py.DeltaMerger``."""

    cdef dict _rules
    cdef dict _fields  # in order of first appearance

    def __cinit__(self, rules):
        self._rules = {}
        self._fields = {}
        for name, rule in rules.items():
            if rule not in _RULES:
                raise ValueError(f"the field {name!r} has the unknown rule {rule!r}")
            self._rules[name] = _RULES[rule]

    def __len__(self):
        """How many fields the result has."""
        return len(self._fields)

    @cython.critical_section
    def merge(self, delta):
        """Take one delta."""
        cdef _Last field
        for name, value in as_dict(delta).items():
            field = self._fields.get(name)
            if field is None:
                rule = self._rules.get(name, _Last)
                if rule is None:
                    continue
                field = rule()
                self._fields[name] = field
            if value is not None:
                field.take(value)

    @cython.critical_section
    def result(self):
        """What has been merged so far, the fields in order of first appearance; surrogate halves in text are repaired."""
        cdef _Last field
        cdef dict result = {}
        for name, field in self._fields.items():
            result[name] = field.result()
        return result
