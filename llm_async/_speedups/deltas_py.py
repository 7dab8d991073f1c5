"""Deltas: the JSON objects that a streamed answer comes in, merged field by field.

Each field follows a rule that its protocol names. There is no rule that guesses from the value: adding every number and
joining every string, as generic accumulators do, corrupts token counts, times, ids and whatever else a server repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .surrogates import repair

__all__ = ["DeltaMerger"]

_RULES = frozenset({"join", "first", "last", "extend", "ignore"})


class DeltaMerger:
    """Merges the deltas of one object.

    Args:
        rules: the rule of each field; ``last`` is the rule of every other.

            - ``join``: strings are joined. A value of another type takes the place of what was there, and a string that
              is not empty takes its place in turn.
            - ``first``: the first value that is not empty (null, ``""``, 0, false, ``[]``, ``{}``) stays.
            - ``last``: each value takes the place of the one before.
            - ``extend``: the elements of lists, one after the other; a value of another type counts as one element.
            - ``ignore``: the field is left out.

    A null never takes the place of anything; a field that only ever was null is null in the result. Numbers are never
    added. Neither the deltas nor their lists are changed.

    Raises:
        ValueError: for a rule that is none of these.
    """

    __slots__ = ("_lists", "_rules", "_texts", "_values")

    def __init__(self, rules: Mapping[str, str]) -> None:
        for field, rule in rules.items():
            if rule not in _RULES:
                raise ValueError(f"the field {field!r} has the unknown rule {rule!r}")
        self._rules = dict(rules)
        self._values: dict[str, Any] = {}  # in order of first appearance; null where one of the next two has the value
        self._texts: dict[str, list[str]] = {}  # the pieces of joined strings
        self._lists: dict[str, list[Any]] = {}  # the elements of extended lists

    def __len__(self) -> int:
        """How many fields the result has."""
        return len(self._values)

    def merge(self, delta: dict[str, Any]) -> None:
        """Take one delta."""
        if not isinstance(delta, dict):
            raise TypeError(f"a delta is a dict, not {type(delta).__name__}")
        values = self._values
        for field, value in delta.items():
            rule = self._rules.get(field, "last")
            if rule == "ignore":
                continue
            if value is None:
                values.setdefault(field)
            elif rule == "join":
                self._join(field, value)
            elif rule == "extend":
                values.setdefault(field)
                elements = self._lists.setdefault(field, [])
                if isinstance(value, list):
                    elements.extend(value)
                else:
                    elements.append(value)
            elif rule == "last" or not values.get(field):
                values[field] = value

    def _join(self, field: str, value: Any) -> None:
        pieces = self._texts.get(field)
        if not isinstance(value, str):
            if pieces is not None:
                del self._texts[field]
            self._values[field] = value
        elif pieces is not None:
            pieces.append(value)
        elif value or self._values.get(field) is None:
            self._values[field] = None
            self._texts[field] = [value]

    def result(self) -> dict[str, Any]:
        """What has been merged so far, the fields in order of first appearance; surrogate halves in text are repaired."""
        result: dict[str, Any] = {}
        for field, value in self._values.items():
            if field in self._texts:
                pieces = self._texts[field]
                # The pieces are joined in place, not repaired in place: the other half of a surrogate may still come.
                pieces[:] = ["".join(pieces)]
                result[field] = repair(pieces[0])
            elif field in self._lists:
                result[field] = list(self._lists[field])
            else:
                result[field] = repair(value) if isinstance(value, str) else value
        return result
