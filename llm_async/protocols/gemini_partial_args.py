"""Arguments of a function call that Vertex AI streams piece by piece (``functionCall.partialArgs``).

Asked with ``toolConfig.functionCallingConfig.streamFunctionCallArguments``, Vertex AI does not send ``args`` whole but a
list of ``{"jsonPath": "$.items[0].name", "stringValue": "ap", "willContinue": true}``: a place in the arguments and a value
for it. Strings may come in several pieces for one place, which are joined; numbers, booleans and nulls come whole. Objects
and lists on the way to a place come into being when a place inside them is named.

The places are written in the part of RFC 9535 that names exactly one value: ``$``, ``.name``, ``['name']``, ``["name"]``
and ``[0]``.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Union

from ..errors import ProtocolError
from .text import repair

__all__ = ["PartialArgs", "parse_path"]

Step = Union[str, int]

_STEP = re.compile(
    r"""
    \.(?P<name>[^.\[\]'"\s]+)
    | \[(?P<index>0|[1-9][0-9]{0,8})\]
    | \['(?P<single>(?:[^'\\]|\\.)*)'\]
    | \["(?P<double>(?:[^"\\]|\\.)*)"\]
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
# Lists are filled in order. A place this far behind the end of its list is an attempt on our memory.
_WIDEST_GAP = 1000
# Deeper arguments could not be written as JSON again.
_DEEPEST = 100


def parse_path(path: Any) -> tuple[Step, ...]:
    """The steps of a ``jsonPath``: a str for a member, an int for an element; ProtocolError for any other text."""
    if not isinstance(path, str) or not path.startswith("$"):
        raise ProtocolError(f"a partial argument has no readable jsonPath: {path!r}", payload=path)
    steps: list[Step] = []
    position = 1
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise ProtocolError(f"a partial argument has no readable jsonPath: {path!r}", payload=path)
        name, index, single, double = match.group("name", "index", "single", "double")
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(name if name is not None else _unescaped(single if single is not None else double))
        position = match.end()
    if not steps or not isinstance(steps[0], str) or len(steps) > _DEEPEST:
        raise ProtocolError(f"a partial argument names no member of the arguments: {path!r}", payload=path)
    return tuple(steps)


def _unescaped(text: str) -> str:
    return repair(_ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPED.get(m[2], m[2]), text))


class PartialArgs:
    """Puts the arguments of one call together."""

    def __init__(self) -> None:
        # The arguments; a string that still grows stands in here as "", to keep its place among the members.
        self._value: dict[str, Any] = {}
        # The pieces of each string, joined when somebody asks.
        self._strings: dict[tuple[Step, ...], list[str]] = {}

    def add(self, piece: Any) -> None:
        """Take one entry of ``partialArgs``; ProtocolError when it is not one."""
        if not isinstance(piece, dict):
            raise ProtocolError("a partial argument is not an object", payload=piece)
        steps = parse_path(piece.get("jsonPath"))
        if "stringValue" in piece:
            text = piece["stringValue"]
            if not isinstance(text, str):
                raise ProtocolError("the stringValue of a partial argument is not a string", payload=piece)
            if steps not in self._strings:
                self._put(steps, "")
            self._strings.setdefault(steps, []).append(text)
            return
        for kind in ("numberValue", "boolValue", "nullValue"):
            if kind in piece:
                # google.protobuf.NullValue: its JSON is null or "NULL_VALUE"
                self._put(steps, None if kind == "nullValue" else piece[kind])
                self._strings.pop(steps, None)
                return

    def append(self, path: str, text: str) -> None:
        """Take a piece of a string that has begun."""
        self._strings[parse_path(path)].append(text)

    def update(self, args: dict[str, Any]) -> None:
        """Take members that came whole."""
        self._value.update(args)
        self._strings = {steps: pieces for steps, pieces in self._strings.items() if steps[0] not in args}

    def value(self) -> dict[str, Any]:
        """The arguments as far as they have come."""
        for steps, pieces in self._strings.items():
            if len(pieces) > 1:
                pieces[:] = ["".join(pieces)]
            self._put(steps, repair(pieces[0]))
        return self._value

    def _put(self, steps: tuple[Step, ...], value: Any) -> None:
        """Set the value at a place, making what has to be there before it."""
        holder: Any = self._value
        for step, following in pairwise(steps):
            inner = _at(holder, step)
            if inner is None:
                inner = [] if isinstance(following, int) else {}
                _set(holder, step, inner)
            holder = inner
        _set(holder, steps[-1], value)


def _at(holder: Any, step: Step) -> Any:
    if isinstance(step, str):
        return _object(holder, step).get(step)
    elements = _list(holder, step)
    return elements[step] if step < len(elements) else None


def _set(holder: Any, step: Step, value: Any) -> None:
    if isinstance(_at(holder, step), (dict, list)):
        raise ProtocolError(f"a partial argument stands where there are others already: {step!r}", payload=step)
    if isinstance(step, int):
        if step - len(holder) > _WIDEST_GAP:
            raise ProtocolError(f"a partial argument is element {step} of a list of {len(holder)}", payload=step)
        holder.extend([None] * (step + 1 - len(holder)))
    holder[step] = value


def _object(holder: Any, step: Step) -> dict[str, Any]:
    if not isinstance(holder, dict):
        raise ProtocolError(f"a partial argument is member {step!r} of something that is no object", payload=step)
    return holder


def _list(holder: Any, step: Step) -> list[Any]:
    if not isinstance(holder, list):
        raise ProtocolError(f"a partial argument is element {step} of something that is no list", payload=step)
    return holder
