"""Walking JSON Schemas: what is a schema in one, and what only looks like it."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async.protocols.schema import rewrite, subschemas, without

LEAF = {"type": "string", "mark": True}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": LEAF}},
        {"patternProperties": {"^a": LEAF}},
        {"$defs": {"a": LEAF}},
        {"definitions": {"a": LEAF}},
        {"items": LEAF},
        {"items": [LEAF]},
        {"prefixItems": [LEAF]},
        {"anyOf": [{"type": "null"}, LEAF]},
        {"oneOf": [LEAF]},
        {"allOf": [LEAF]},
        {"not": LEAF},
        {"if": LEAF},
        {"additionalProperties": LEAF},
        {"properties": {"properties": {"properties": {"items": LEAF}}}},
    ],
)
def test_schemas_are_found_wherever_json_schema_has_them(schema: dict[str, Any]) -> None:
    assert LEAF in list(subschemas(schema))
    unmarked = without(schema, "mark")
    assert all("mark" not in part for part in subschemas(unmarked))
    assert LEAF in list(subschemas(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"mark": {"type": "string"}}},
        {"enum": [{"mark": True}]},
        {"const": {"mark": True}},
        {"default": {"mark": True}},
        {"examples": [{"mark": True}]},
    ],
)
def test_names_and_values_that_look_like_keywords_are_none(schema: dict[str, Any]) -> None:
    assert without(schema, "mark") == schema


def test_a_rewritten_schema_shares_no_schema_with_the_first() -> None:
    inner = {"type": "object"}
    schema = {"type": "object", "properties": {"a": inner, "b": True}, "additionalProperties": False}

    def close(part: dict[str, Any]) -> dict[str, Any]:
        return {**part, "closed": True}

    assert rewrite(schema, close) == {
        "type": "object",
        "properties": {"a": {"type": "object", "closed": True}, "b": True},
        "additionalProperties": False,
        "closed": True,
    }
    assert inner == {"type": "object"}
