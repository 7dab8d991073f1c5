"""Schemas that hold all at once, as one schema.

What belongs here: ``allOf``, and what stands beside a ``$ref``. Two of the dialects have no word for it, and in the third both would
be closed, so that no object could satisfy them. What contradicts itself, or holds itself, is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..protocols.schema import resolved, rewrite, subschemas
from .limits import REMARKS

__all__ = ["merged"]

# What stands beside a schema without limiting its values.
_ABOUT = REMARKS | {"$defs", "default", "definitions", "description", "title"}


class _NotMergeable(Exception):
    """There is no one schema that says the same."""


def merged(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with one in place of several that hold at once; itself where there are none."""
    return _merged(schema, schema, frozenset({"#"})) if any(map(_is_several, subschemas(schema))) else schema


def _is_several(part: Any) -> bool:
    return isinstance(part, Mapping) and ("allOf" in part or ("$ref" in part and not part.keys() <= _ABOUT | {"$ref"}))


def _merged(schema: Any, root: Mapping[str, Any], inside: frozenset[str]) -> Any:
    """A copy of the schema, merged; ``inside`` are the references that have been followed to it."""

    def change(part: dict[str, Any]) -> dict[str, Any]:
        if not _is_several(part):
            return part
        try:
            return _one_of(part, root, inside)
        except _NotMergeable:
            return part

    return rewrite(schema, change)


def _one_of(part: dict[str, Any], root: Mapping[str, Any], inside: frozenset[str]) -> dict[str, Any]:
    several = part.get("allOf") or []
    own = {keyword: value for keyword, value in part.items() if keyword != "allOf"}
    if len(several) == 1 and isinstance(several[0], Mapping) and own.keys() <= _ABOUT:
        return {**several[0], **own}  # where a reference may stay one
    return _together([piece for each in (*several, own) for piece in _pieces(each, root, inside)])


def _pieces(part: Any, root: Mapping[str, Any], inside: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    """A schema, and before it what it refers to."""
    if part is True:
        return
    if not isinstance(part, Mapping):
        raise _NotMergeable
    reference = part.get("$ref")
    if reference is not None:
        target = None if reference in inside else resolved(root, reference)
        yield from _pieces(_merged(target, root, inside | {reference}), root, inside | {reference})
    yield {keyword: value for keyword, value in part.items() if keyword != "$ref"}


def _together(pieces: list[Mapping[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for piece in pieces:
        for keyword, value in piece.items():
            if keyword == "allOf":
                raise _NotMergeable  # what is in there was not
            if keyword not in made or keyword in _ABOUT or made[keyword] == value:
                made[keyword] = value
            elif keyword in _BOTH:
                made[keyword] = _BOTH[keyword](made[keyword], value)
            else:
                raise _NotMergeable
    return made


def _all_properties(first: Any, second: Any) -> dict[str, Any]:
    made = dict(first)
    for name, each in second.items():
        same = made.get(name, each)
        if same != each and not (isinstance(same, Mapping) and isinstance(each, Mapping)):
            raise _NotMergeable
        made[name] = each if same == each else _together([same, each])
    return made


def _in_both(first: Any, second: Any) -> Any:
    """The types or values that are in two lists of them, of which a single type may be none."""
    firsts, seconds = ([each] if isinstance(each, str) else each for each in (first, second))
    both = [each for each in firsts if each in seconds]
    if not both:
        raise _NotMergeable
    return both[0] if isinstance(first, str) or isinstance(second, str) else both


def _extra(first: Any, second: Any) -> Any:
    """What is allowed beside the named properties."""
    if first is True or second is False:
        return second
    if second is True or first is False:
        return first
    raise _NotMergeable


_BOTH: dict[str, Callable[[Any, Any], Any]] = {
    "properties": _all_properties,
    "required": lambda first, second: [*first, *(name for name in second if name not in first)],
    "additionalProperties": _extra,
    "type": _in_both,
    "enum": _in_both,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}
