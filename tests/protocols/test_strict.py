"""Which schemas strict mode is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async.protocols.strict import allows_strict

CITY = {"type": "string"}


def closed(**properties: Any) -> dict[str, Any]:
    """An object with these properties, all required, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> dict[str, Any]:
    schema = closed(city=CITY)
    for _ in range(levels):
        schema = closed(inner=schema)
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(city=CITY),
        closed(city={"type": ["string", "null"], "description": "a city", "title": "City"}),
        closed(unit={"type": "string", "enum": ["c", "f"]}),
        closed(at={"type": "string", "format": "date-time"}, zip={"type": "string", "pattern": "^[0-9]+$"}),
        closed(n={"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2}),
        closed(tags={"type": "array", "items": CITY, "minItems": 1, "maxItems": 3}),
        closed(either={"anyOf": [CITY, closed(x=CITY), {"type": "null"}]}),
        {**closed(node={"$ref": "#/$defs/node"}), "$defs": {"node": closed(next={"$ref": "#/$defs/node"})}},
        closed(itself={"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
        nested(9),
    ],
)
def test_strict_mode_is_asked_for_where_every_keyword_is_in_its_subset(schema: dict[str, Any]) -> None:
    assert allows_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        "object",
        {},
        CITY,
        {"type": "object"},
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {}, "additionalProperties": False},
        {**closed(city=CITY), "required": []},
        {**closed(city=CITY), "required": ["city", "country"]},
        {**closed(city=CITY), "additionalProperties": True},
        {**closed(city=CITY), "anyOf": [closed(city=CITY)]},
        {**closed(city=CITY), "patternProperties": {}},
        closed(city={"type": "string", "default": "Paris"}),
        closed(city={"type": "string", "minLength": 1}),
        closed(city={"type": "string", "format": "uri"}),
        closed(city={}),
        closed(city={"enum": ["Paris"]}),
        closed(city={"type": "text"}),
        closed(city={"type": [["string"]]}),
        closed(city={"type": "string", "enum": "Paris"}),
        closed(tags={"type": "array"}),
        closed(tags={"type": "array", "items": {"type": "object"}}),
        closed(tags={"type": "array", "items": CITY, "uniqueItems": True}),
        closed(both={"allOf": [CITY]}),
        closed(either={"anyOf": []}),
        closed(either={"anyOf": [{"oneOf": [CITY]}]}),
        closed(inner={"type": "object", "properties": {"city": CITY}}),
        closed(node={"$ref": "#/$defs/node"}),
        closed(node={"$ref": "https://example.com/schema.json"}),
        {**closed(node={"$ref": "#/$defs/node", "description": "d"}), "$defs": {"node": closed()}},
        {**closed(node={"$ref": "#/$defs/node"}), "$defs": {"node": {"type": "object"}}},
        closed(unit={"type": "string", "enum": [str(n) for n in range(1001)]}),
        closed(**{f"p{n}": CITY for n in range(5001)}),
        nested(11),
    ],
)
def test_strict_mode_is_not_asked_for_otherwise(schema: Any) -> None:
    assert not allows_strict(schema)
