"""Deltas: the JSON objects that a streamed answer comes in, merged field by field.

Each field follows a rule that its protocol names. There is no rule that guesses from the value: adding every number and
joining every string, as generic accumulators do, corrupts token counts, times, ids and whatever else a server repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .surrogates import repair

__all__ = ["DeltaMerger"]


class _Last:
    """Each value takes the place of the one before."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = None

    def take(self, value: Any) -> None:
        self.value = value

    def result(self) -> Any:
        return repair(self.value) if isinstance(self.value, str) else self.value


class _First(_Last):
    """The first value that is not empty stays."""

    __slots__ = ()

    def take(self, value: Any) -> None:
        if not self.value:
            self.value = value


class _Join(_Last):
    """Strings are joined; ``value`` is what there is instead of text, or ``""`` where every string was empty."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def take(self, value: Any) -> None:
        if not isinstance(value, str):
            self.value = value
            self.pieces = []
        elif value:
            self.value = None
            self.pieces.append(value)
        elif self.value is None:
            self.value = ""

    def result(self) -> Any:
        if not self.pieces:
            return self.value
        # The pieces stay joined, but not repaired: the other half of a surrogate may still come.
        self.pieces = ["".join(self.pieces)]
        return repair(self.pieces[0])


class _Extend(_Last):
    """The elements of lists follow one another."""

    __slots__ = ()

    def take(self, value: Any) -> None:
        if self.value is None:
            self.value = []
        if isinstance(value, list):
            self.value.extend(value)
        else:
            self.value.append(value)

    def result(self) -> Any:
        return None if self.value is None else list(self.value)


_RULES: dict[str, type[_Last] | None] = {
    "join": _Join,
    "first": _First,
    "last": _Last,
    "extend": _Extend,
    "ignore": None,
}


class DeltaMerger:
    """Merges the deltas of one object.

    Args:
        rules: the rule of each field; ``last`` is the rule of every other.

            - ``join``: strings are joined. A value of another type takes the place of what was there, and a string that
              is not empty takes its place in turn.
            - ``first``: the first value that is not empty (``""``, 0, false, ``[]``, ``{}``) stays.
            - ``last``: each value takes the place of the one before.
            - ``extend``: the elements of lists follow one another; a value of another type counts as one element.
            - ``ignore``: the field is left out.

    A null takes the place of nothing; a field that only ever was null is null in the result. Numbers are never added.
    Neither the deltas nor what they hold is changed.

    Raises:
        ValueError: for a rule that is none of these.
    """

    __slots__ = ("_fields", "_rules")

    def __init__(self, rules: Mapping[str, str]) -> None:
        self._rules: dict[str, type[_Last] | None] = {}
        for name, rule in rules.items():
            if rule not in _RULES:
                raise ValueError(f"the field {name!r} has the unknown rule {rule!r}")
            self._rules[name] = _RULES[rule]
        self._fields: dict[str, _Last] = {}  # in order of first appearance

    def __len__(self) -> int:
        """How many fields the result has."""
        return len(self._fields)

    def merge(self, delta: dict[str, Any]) -> None:
        """Take one delta."""
        if not isinstance(delta, dict):
            raise TypeError(f"a delta is a dict, not {type(delta).__name__}")
        for name, value in delta.items():
            field = self._fields.get(name)
            if field is None:
                rule = self._rules.get(name, _Last)
                if rule is None:
                    continue
                field = self._fields[name] = rule()
            if value is not None:
                field.take(value)

    def result(self) -> dict[str, Any]:
        """What has been merged so far, the fields in order of first appearance; surrogate halves in text are repaired."""
        return {name: field.result() for name, field in self._fields.items()}
