"""Gemini's ``responseJsonSchema``: a schema as the API takes it.

What belongs here: the subset of JSON Schema that the field knows. Unlike the others it takes any type at the root, and open
objects; a schema within the subset is sent as it is.

Source: Gemini API reference, ``GenerationConfig.responseJsonSchema``.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ..protocols.schema import rewrite, subschemas
from .limits import REMARKS, described, merged_alternatives
from .merging import merged

__all__ = ["gemini_form"]

_KEYWORDS = frozenset(
    {
        *("$id", "$defs", "$ref", "$anchor", "definitions"),
        *("type", "format", "title", "description", "enum", "anyOf", "oneOf"),
        *("items", "prefixItems", "minItems", "maxItems", "minimum", "maximum"),
        *("properties", "additionalProperties", "required", "propertyOrdering"),
    }
)
_DROPPED = REMARKS | {"default"}


def gemini_form(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as the API takes it: a copy, unchanged where it does already."""
    if all(_fits(part) for part in subschemas(schema)):
        return deepcopy(dict(schema))
    made: dict[str, Any] = rewrite(merged(schema), _within_the_subset)
    return made


def _fits(part: Any) -> bool:
    if not isinstance(part, Mapping):
        return True
    return part.keys() <= _KEYWORDS and ("$ref" not in part or all(key.startswith("$") for key in part))


def _within_the_subset(part: dict[str, Any]) -> dict[str, Any]:
    """One schema object, the schemas inside of it being done."""
    part = merged_alternatives(part)
    if "$ref" in part:
        # It takes nothing beside it.
        return {key: value for key, value in part.items() if key in ("$ref", "$defs", "definitions")}
    if "const" in part:
        part.setdefault("enum", [part.pop("const")])
    limits = {key: value for key, value in part.items() if key not in _KEYWORDS and key not in _DROPPED}
    return described({key: value for key, value in part.items() if key in _KEYWORDS}, limits)
