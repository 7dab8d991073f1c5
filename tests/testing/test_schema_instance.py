"""The smallest value for a schema: a table of schemas and values, and what cannot be satisfied."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async.testing.schema_instance import instance

OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "required": ["value", "next"],
        }
    },
}

CASES: dict[str, tuple[Any, Any]] = {
    "anything": ({}, "text"),
    "true": (True, "text"),
    "string": ({"type": "string"}, "text"),
    "a type of Google's dialect": ({"type": "STRING"}, "text"),
    "long string": ({"type": "string", "minLength": 6}, "textxx"),
    "short string": ({"type": "string", "maxLength": 2}, "xt"),
    "empty string": ({"type": "string", "maxLength": 0}, ""),
    "format": ({"type": "string", "format": "date"}, "2026-01-02"),
    "format without type": ({"format": "uuid"}, "00000000-0000-4000-8000-000000000000"),
    "unknown format": ({"type": "string", "format": "phone"}, "text"),
    "integer": ({"type": "integer"}, 0),
    "at least": ({"type": "integer", "minimum": 3}, 3),
    "more than": ({"type": "integer", "exclusiveMinimum": 3}, 4),
    "more than, as draft 4 wrote it": ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, 4),
    "at most": ({"type": "integer", "maximum": -3}, -3),
    "less than": ({"type": "integer", "exclusiveMaximum": -3}, -4),
    "negative bounds": ({"type": "integer", "minimum": -5, "maximum": 5}, -5),
    "multiple": ({"type": "integer", "minimum": 3, "multipleOf": 5}, 5),
    "number between whole ones": ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
    "boolean": ({"type": "boolean"}, True),
    "null": ({"type": "null"}, None),
    "enum": ({"enum": ["red", "green"]}, "red"),
    "const": ({"const": {"a": 1}}, {"a": 1}),
    "types": ({"type": ["null", "string"]}, None),
    "object without requirements": (OBJECT, {}),
    "required property": ({**OBJECT, "required": ["b"]}, {"b": "text"}),
    "required property that is not described": ({"type": "object", "required": ["x"]}, {"x": "text"}),
    "number of properties": ({**OBJECT, "minProperties": 1}, {"a": 0}),
    "more properties than are described": (
        {"minProperties": 2, "additionalProperties": {"type": "integer"}},
        {"property0": 0, "property1": 0},
    ),
    "nested": (
        {"type": "object", "properties": {"inner": {**OBJECT, "required": ["a"]}}, "required": ["inner"]},
        {"inner": {"a": 0}},
    ),
    "array": ({"type": "array", "items": {"type": "integer"}}, []),
    "array of two": ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
    "different items": ({"items": {"type": "integer", "minimum": 1}, "minItems": 3, "uniqueItems": True}, [1, 2, 3]),
    "different strings": ({"items": {"maxLength": 1}, "minItems": 2, "uniqueItems": True}, ["t", "1"]),
    "different choices": ({"items": {"enum": ["a", "b"]}, "minItems": 2, "uniqueItems": True}, ["a", "b"]),
    "tuple": ({"prefixItems": [{"const": 1}, {"const": "x"}], "minItems": 2, "items": False}, [1, "x"]),
    "anyOf": ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
    "anyOf with requirements beside it": (
        {**OBJECT, "required": ["a"], "anyOf": [{"required": ["b"]}, {"required": ["a"]}]},
        {"a": 0, "b": "text"},
    ),
    "oneOf whose first branch is impossible": ({"oneOf": [False, {"const": 2}]}, 2),
    "allOf": (
        {"allOf": [{**OBJECT, "required": ["a"]}, {"properties": {"c": {"const": 1}}, "required": ["c"]}]},
        {"a": 0, "c": 1},
    ),
    "reference": ({"$ref": "#/$defs/x", "$defs": {"x": {"const": 7}}}, 7),
    "reference with a description": ({"$ref": "#/$defs/x", "description": "d", "$defs": {"x": {"type": "integer"}}}, 0),
    "reference with an escaped name": ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 7}}}, 7),
    "allOf of references": ({"allOf": [{"$ref": "#/$defs/x"}], "$defs": {"x": {"const": 7}}}, 7),
    "a reference twice": (
        {"allOf": [{"$ref": "#/$defs/x"}, {"$ref": "#/$defs/x"}], "$defs": {"x": {"const": 7}}},
        7,
    ),
    "recursion that can end": (TREE, {"value": 0, "next": None}),
    "pattern, which is passed over": ({"type": "string", "pattern": "^a+$"}, "text"),
}


@pytest.mark.parametrize(("schema", "value"), CASES.values(), ids=CASES.keys())
def test_the_smallest_value_of_a_schema(schema: Any, value: Any) -> None:
    found = instance(schema)
    assert (found, type(found)) == (value, type(value))


IMPOSSIBLE: dict[str, Any] = {
    "false": False,
    "no schema": 3,
    "empty enum": {"enum": []},
    "empty anyOf": {"anyOf": []},
    "unknown type": {"type": "colour"},
    "bounds that cross": {"type": "integer", "minimum": 3, "maximum": 2},
    "no whole number between": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "lengths that cross": {"type": "string", "minLength": 3, "maxLength": 2},
    "too few properties": {"type": "object", "minProperties": 1, "additionalProperties": False},
    "too few different items": {"items": {"enum": ["a"]}, "minItems": 2, "uniqueItems": True},
    "recursion without end": {
        "$ref": "#/$defs/x",
        "$defs": {"x": {"properties": {"x": {"$ref": "#/$defs/x"}}, "required": ["x"]}},
    },
    "reference to itself": {"$ref": "#"},
    "allOf of itself": {"$ref": "#/$defs/x", "$defs": {"x": {"allOf": [{"$ref": "#/$defs/x"}]}}},
    "reference to nothing": {"$ref": "#/$defs/x"},
    "reference to another document": {"$ref": "https://example.com/schema"},
}


@pytest.mark.parametrize("schema", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_a_schema_that_nothing_satisfies_is_an_error(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        instance(schema)
