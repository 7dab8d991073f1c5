"""Walking a JSON Schema: which of its values are schemas themselves, and copies of it with something changed.

What belongs here: the places where JSON Schema (2020-12, and the words of the drafts before it that are still in use) holds
schemas, and where its references lead. A property that happens to be named like a keyword is no keyword, and only a walk that
knows these places can tell the two apart. What a provider takes of JSON Schema is its protocol's knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

__all__ = ["resolved", "rewrite", "subschemas", "without"]

# Keywords whose value is a schema (`items` was a list of them before 2020-12).
_ONE = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
# Keywords whose value is a list of schemas.
_SEVERAL = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
# Keywords whose value is an object that holds schemas under names of the author's choice.
_NAMED = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})


def resolved(root: Any, reference: Any) -> Any:
    """What a reference within a schema points to (a JSON pointer in a URI, RFC 6901); None where there is nothing."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    place: Any = root
    for step in filter(None, unquote(reference[1:]).split("/")):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and key.isdigit() and int(key) < len(place):
            place = place[int(key)]
        elif isinstance(place, Mapping) and key in place:
            place = place[key]
        else:
            return None
    return place


def subschemas(schema: Any) -> Iterator[Any]:
    """The schema and every schema in it, outer ones first; each is an object, or True or False."""
    yield schema
    if isinstance(schema, Mapping):
        for keyword, value in schema.items():
            if keyword in _NAMED and isinstance(value, Mapping):
                children = list(value.values())
            elif keyword in _SEVERAL and isinstance(value, (list, tuple)):
                children = list(value)
            elif keyword in _ONE and isinstance(value, (Mapping, bool)):
                children = [value]
            else:
                continue
            for child in children:
                yield from subschemas(child)


def rewrite(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A copy of the schema with ``change`` applied to every schema object in it, inner ones first.

    ``change`` gets an object of its own, which it may change and return.
    """
    if not isinstance(schema, Mapping):
        return schema
    copy: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _NAMED and isinstance(value, Mapping):
            copy[keyword] = {name: rewrite(child, change) for name, child in value.items()}
        elif keyword in _SEVERAL and isinstance(value, (list, tuple)):
            copy[keyword] = [rewrite(child, change) for child in value]
        elif keyword in _ONE:
            copy[keyword] = rewrite(value, change)
        else:
            copy[keyword] = value
    return change(copy)


def without(schema: Any, keyword: str) -> Any:
    """A copy of the schema that does not use ``keyword``; properties of that name stay."""

    def drop(part: dict[str, Any]) -> dict[str, Any]:
        part.pop(keyword, None)
        return part

    return rewrite(schema, drop)
