"""Which JSON Schemas OpenAI's strict mode takes.

What belongs here: one question about a schema. Strict mode makes the model's arguments follow the schema for certain, and
is refused with a 400 for schemas outside of a subset of JSON Schema; so it is asked for only where every keyword of the
schema is in that subset. Source: OpenAI, "Structured model outputs", section "Supported schemas". In doubt the answer is
no, which costs a guarantee and never the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .schema import resolved

__all__ = ["FORMATS", "KEYWORDS", "allows_strict", "looks_around"]

# The limits of that section: nesting, properties of all objects together, values of all enums together.
_DEEPEST = 10
_MOST_PROPERTIES = 5000
_MOST_ENUM_VALUES = 1000

_TYPES = {"string", "number", "integer", "boolean", "null", "object", "array"}
#: The keywords that the mode knows.
KEYWORDS = {
    # for every type; "default" is missing because the API refuses it
    *("type", "title", "description", "enum", "const", "anyOf", "$ref", "$defs"),
    *("properties", "required", "additionalProperties"),
    *("items", "minItems", "maxItems"),
    *("pattern", "format"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
#: The formats of strings that it knows.
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}


def allows_strict(schema: Any) -> bool:
    """Whether strict mode takes ``schema`` as a tool's parameters or as an answer's format."""
    if not isinstance(schema, Mapping) or schema.get("type") != "object" or "anyOf" in schema or "$ref" in schema:
        return False
    return _Check(schema).allows(schema, _DEEPEST)


def looks_around(pattern: Any) -> bool:
    """Whether a regular expression looks ahead or behind, which the mode refuses."""
    return isinstance(pattern, str) and any(mark in pattern for mark in ("(?=", "(?!", "(?<=", "(?<!"))


class _Check:
    """One walk over one schema, counting what is limited for the whole of it."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._properties = 0
        self._enum_values = 0

    def allows(self, schema: Any, depth: int) -> bool:
        if not isinstance(schema, Mapping) or not schema.keys() <= KEYWORDS or depth < 0:
            return False
        named = schema.get("$defs", {})
        # A definition may be used at any depth; it is judged as if it stood at the top.
        if not isinstance(named, Mapping) or not all(self.allows(each, _DEEPEST) for each in named.values()):
            return False
        if "$ref" in schema:
            return schema.keys() == {"$ref"} and self._resolves(schema["$ref"])
        if "anyOf" in schema:
            choices = schema["anyOf"]
            return isinstance(choices, list) and bool(choices) and all(self.allows(each, depth) for each in choices)
        types = schema.get("type")
        types = types if isinstance(types, list) else [types]
        if not types or not all(isinstance(each, str) and each in _TYPES for each in types):
            return False
        values = schema.get("enum", [])
        if not isinstance(values, list):
            return False
        self._enum_values += len(values)
        return (
            self._enum_values <= _MOST_ENUM_VALUES
            and schema.get("format", "date") in FORMATS
            and not looks_around(schema.get("pattern"))
            and ("object" not in types or self._object(schema, depth))
            and ("array" not in types or self.allows(schema.get("items"), depth - 1))
        )

    def _object(self, schema: Mapping[str, Any], depth: int) -> bool:
        properties, required = schema.get("properties"), schema.get("required")
        if not isinstance(properties, Mapping) or not isinstance(required, (list, tuple)):
            return False
        self._properties += len(properties)
        return (
            schema.get("additionalProperties") is False
            and all(isinstance(name, str) for name in required)
            and set(required) == set(properties)
            and self._properties <= _MOST_PROPERTIES
            and all(self.allows(each, depth - 1) for each in properties.values())
        )

    def _resolves(self, reference: Any) -> bool:
        """Whether a reference points at something in this schema; definitions are judged where they stand."""
        named = isinstance(reference, str) and (reference == "#" or reference.startswith("#/$defs/"))
        return named and isinstance(resolved(self._root, reference), Mapping)
