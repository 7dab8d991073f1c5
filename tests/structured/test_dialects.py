"""What each API is sent for a schema: within its subset, and such that the answers still follow the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union

import pydantic
import pytest

from llm_async.errors import UnsupportedError
from llm_async.models import ResponseSchema, TypedSchema
from llm_async.protocols.schema import subschemas
from llm_async.protocols.strict import allows_strict
from llm_async.structured.merging import merged
from llm_async.structured.roots import is_wrapped
from llm_async.testing.schema_instance import instance

from .kinds import City, Fine, Line, Map, Movie, Page, Person, Point, River


def closed(**properties: Any) -> dict[str, Any]:
    """An object with these properties, all required, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that OpenAI-like APIs are sent."""
    sent: dict[str, Any] = ResponseSchema(schema).for_openai_responses()["schema"]
    return sent


def claude(schema: Mapping[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = ResponseSchema(schema).for_claude()["schema"]
    return sent


def gemini(schema: Mapping[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = ResponseSchema(schema).for_google()["responseJsonSchema"]
    return sent


def parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    return (part for part in subschemas(schema) if isinstance(part, Mapping))


TEXT = {"type": "string"}
NODE = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
    "required": ["value"],
}
RECURSIVE = {"$defs": {"Node": NODE}, "$ref": "#/$defs/Node"}


# ---- a type goes to every API, and back


class Tagged(pydantic.BaseModel):
    kind: Literal["tagged"] = "tagged"


class Deep(pydantic.BaseModel):
    page: Page[Line]
    person: Person | None = None
    either: Union[City, River]
    literal: Literal["a", "b"] = "a"


EVERYWHERE = [City, Map, Person, Page[Point], Fine, Line, Point, Movie, Deep, list[City], Union[City, River], int, bool]


@pytest.mark.parametrize("python_type", EVERYWHERE, ids=str)
def test_an_answer_to_what_an_api_was_sent_is_a_value_of_the_type(python_type: Any) -> None:
    schema = TypedSchema.of(python_type)
    form = schema.for_openai()["json_schema"]
    assert form["strict"]
    assert allows_strict(form["schema"])
    for sent in (form["schema"], schema.for_claude()["schema"], schema.for_google()["responseJsonSchema"]):
        schema.parse(json.dumps(instance(sent)))


def test_the_tag_of_a_union_is_asked_for_although_it_has_a_default() -> None:
    schema = TypedSchema.of(list[Annotated[Union[City, Tagged], pydantic.Field(discriminator="kind")]])
    for sent in (schema.for_claude()["schema"], schema.for_google()["responseJsonSchema"]):
        assert [sent["$defs"][name]["required"][0] for name in ("City", "Tagged")] == ["kind", "kind"]
    assert TypedSchema.of(Tagged).schema.get("required") is None


@pytest.mark.parametrize("python_type", EVERYWHERE, ids=str)
def test_claude_is_sent_closed_objects_and_no_recursion(python_type: Any) -> None:
    sent = TypedSchema.of(python_type).for_claude()["schema"]
    assert sent["type"] == "object"
    for part in parts(sent):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
        assert not part.keys() & {"minimum", "minLength", "prefixItems", "oneOf", "discriminator"}
    assert not recursive(sent)


def recursive(schema: Mapping[str, Any]) -> bool:
    named = schema.get("$defs", {})

    def reached(part: Any, seen: frozenset[str]) -> bool:
        for each in parts(part):
            name = each.get("$ref", "").removeprefix("#/$defs/")
            if name and (name in seen or reached(named[name], seen | {name})):
                return True
        return False

    root = {key: value for key, value in schema.items() if key != "$defs"}
    return reached(root, frozenset()) or any(reached(part, frozenset({name})) for name, part in named.items())


# ---- what is right for an API is sent as it is


@pytest.mark.parametrize(
    "schema",
    [
        closed(a=TEXT),
        closed(a={"type": ["string", "null"], "description": "d"}, b={"type": "array", "items": TEXT}),
        {**closed(node={"$ref": "#/$defs/Node"}), "$defs": {"Node": closed(value={"type": "integer"})}},
    ],
)
def test_a_schema_that_every_api_takes_is_sent_as_it_is(schema: dict[str, Any]) -> None:
    assert strict(schema) == claude(schema) == gemini(schema) == schema
    assert strict(schema) is not schema


@pytest.mark.parametrize(
    "schema",
    [{"type": "object"}, {"type": "array", "items": TEXT}, {"type": "object", "properties": {"a": TEXT}}],
)
def test_a_schema_that_is_not_to_be_strict_is_sent_as_it_is(schema: dict[str, Any]) -> None:
    form = ResponseSchema(schema, strict=False).for_openai()["json_schema"]
    assert (form["schema"], form["strict"]) == (schema, False)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "properties": {"a": {"not": TEXT, "patternProperties": {}}}},
    ],
)
def test_what_strict_mode_cannot_say_is_sent_as_it_was_given(schema: dict[str, Any]) -> None:
    form = ResponseSchema(schema).for_openai()["json_schema"]
    assert (form["schema"], form["strict"]) == (schema, True)


@pytest.mark.parametrize("python_type", [dict[str, int], list[dict[str, int]], list[Any], dict])
def test_a_type_that_strict_mode_cannot_say_is_not_asked_to_be_strict(python_type: Any) -> None:
    form = TypedSchema.of(python_type).for_openai()["json_schema"]
    assert form["strict"] is False
    assert form["schema"]["type"] == "object"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3},
        {
            "type": "object",
            "properties": {"n": {"type": "integer", "minimum": 1}},
            "additionalProperties": {"type": "null"},
        },
        {"anyOf": [TEXT, {"type": "null"}]},
        RECURSIVE,
    ],
)
def test_gemini_takes_any_root_open_objects_and_recursion(schema: dict[str, Any]) -> None:
    assert gemini(schema) == schema


# ---- what is changed, and how


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        # All properties are required; an optional one may be null.
        ({"type": "object", "properties": {"a": TEXT}}, closed(a={"type": ["string", "null"]})),
        ({"properties": {"a": TEXT}, "required": ["a"]}, closed(a=TEXT)),
        ({"type": "object", "properties": {"a": {"type": ["string", "null"], "default": None}}},
         closed(a={"type": ["string", "null"]})),
        ({"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}}},
         closed(a={"anyOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}]})),
        ({"type": "object", "properties": {"a": {"anyOf": [TEXT, {"type": "integer"}]}}},
         closed(a={"anyOf": [TEXT, {"type": "integer"}, {"type": "null"}]})),
        ({"type": "object", "properties": {"a": closed()}}, closed(a={**closed(), "type": ["object", "null"]})),
        ({"type": "object", "additionalProperties": False}, closed()),
        ({"type": "object", "properties": {}}, closed()),
        # What holds at once is one object.
        ({"type": "object", "allOf": [{"$ref": "#/$defs/b"}, {"properties": {"c": TEXT}}], "properties": {"a": TEXT},
          "required": ["a", "c"], "$defs": {"b": closed(b=TEXT)}},
         {**closed(b=TEXT, c=TEXT, a=TEXT), "$defs": {"b": closed(b=TEXT)}}),
        ({**closed(x={"$ref": "#/$defs/b%20c", "properties": {"a": TEXT}, "required": ["a"]}), "$defs": {"b c": closed(b=TEXT)}},
         {**closed(x=closed(b=TEXT, a=TEXT)), "$defs": {"b c": closed(b=TEXT)}}),
        (closed(a={"allOf": [{"type": ["integer", "null"], "minimum": 1}, {"type": "integer", "minimum": 2}]}),
         closed(a={"type": "integer", "minimum": 2})),
        ({"type": "object", "properties": {"a": TEXT}, "required": ["a"], "additionalProperties": True}, closed(a=TEXT)),
        # Keywords that it does not know become words.
        (closed(a={"type": "string", "minLength": 1, "description": "A name."}),
         closed(a={"type": "string", "description": "A name. (It has to satisfy: minLength 1.)"})),
        (closed(a={"type": "string", "format": "uri"}),
         closed(a={"type": "string", "description": '(It has to satisfy: format "uri".)'})),
        (closed(a={"type": "string", "pattern": "^(?!x)"}),
         closed(a={"type": "string", "description": '(It has to satisfy: pattern "^(?!x)".)'})),
        (closed(a={"type": "string", "pattern": "^x"}), closed(a={"type": "string", "pattern": "^x"})),
        (closed(a={"type": "array", "items": TEXT, "uniqueItems": True}),
         closed(a={"type": "array", "items": TEXT, "description": "(It has to satisfy: uniqueItems true.)"})),
        (closed(a={"type": "string", "default": "x", "examples": ["y"], "$comment": "c"}), closed(a=TEXT)),
        # Forms that it has otherwise.
        (closed(a={"enum": ["x", 1]}), closed(a={"type": ["string", "integer"], "enum": ["x", 1]})),
        (closed(a={"const": True}), closed(a={"type": "boolean", "const": True})),
        (closed(a={"oneOf": [TEXT, {"type": "null"}]}), closed(a={"anyOf": [TEXT, {"type": "null"}]})),
        (closed(a={"allOf": [TEXT], "description": "d"}), closed(a={"type": "string", "description": "d"})),
        (closed(a={"type": "array", "prefixItems": [TEXT, TEXT], "items": False, "minItems": 2}),
         closed(a={"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2})),
        (closed(a={"type": "array", "prefixItems": [TEXT, {"type": "integer"}], "minItems": 2, "maxItems": 2, "title": "T"}),
         closed(a={"title": "T", **closed(item_0=TEXT, item_1={"type": "integer"})})),
        (closed(a={"type": "array", "prefixItems": [TEXT, {"type": "integer"}], "minItems": 2}),
         closed(a=closed(item_0=TEXT, item_1={"type": "integer"}))),
        (closed(a={"type": "array", "prefixItems": [TEXT, {"type": "integer"}], "items": {"type": "null"}}),
         closed(a={"type": "array", "items": {"anyOf": [TEXT, {"type": "integer"}, {"type": "null"}]},
                   "description": '(It has to satisfy: prefixItems [{"type": "string"}, {"type": "integer"}].)'})),
        ({**closed(a={"$ref": "#/$defs/b", "description": "d"}), "$defs": {"b": TEXT}},
         {**closed(a={"anyOf": [{"$ref": "#/$defs/b"}], "description": "d"}), "$defs": {"b": TEXT}}),
        ({**closed(a={"$ref": "#/definitions/b"}), "definitions": {"b": TEXT}},
         {**closed(a={"$ref": "#/$defs/b"}), "$defs": {"b": TEXT}}),
        # The root is an object.
        ({"type": "array", "items": TEXT}, closed(answer={"type": "array", "items": TEXT})),
        ({"anyOf": [closed(a=TEXT), closed(b=TEXT)]}, closed(answer={"anyOf": [closed(a=TEXT), closed(b=TEXT)]})),
        ({"$ref": "#/$defs/b", "$defs": {"b": closed(a=TEXT)}}, {**closed(a=TEXT), "$defs": {"b": closed(a=TEXT)}}),
        ({"type": "array", "items": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
         {**closed(answer={"$ref": "#/$defs/Answer"}),
          "$defs": {"Answer": {"type": "array",
                               "items": {"anyOf": [{"$ref": "#/$defs/Answer"}, {"type": "null"}]}}}}),
        # A property that is named like a keyword is none.
        (closed(default={"type": "string", "default": "x"}, minLength=TEXT), closed(default=TEXT, minLength=TEXT)),
    ],
)  # fmt: skip
def test_strict_mode_gets_what_it_takes(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert strict(given) == sent
    assert allows_strict(sent)


def test_recursion_is_kept_for_strict_mode() -> None:
    sent = strict(RECURSIVE)
    assert sent["$defs"]["Node"] == closed(value={"type": "integer"}, next=NODE["properties"]["next"])
    assert sent["properties"]["next"]["anyOf"][0] == {"$ref": "#/$defs/Node"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"const": "x"}, {"enum": ["x"]}),
        ({"type": "string", "minLength": 2, "pattern": "a"},
         {"type": "string", "description": '(It has to satisfy: minLength 2, pattern "a".)'}),
        ({"type": "string", "default": "a"}, TEXT),
        ({"oneOf": [TEXT, {"const": 1}]}, {"anyOf": [TEXT, {"enum": [1]}]}),
        ({"$ref": "#/$defs/a", "description": "d"}, {"$ref": "#/$defs/a"}),
    ],
)  # fmt: skip
def test_gemini_gets_what_it_takes(given: dict[str, Any], sent: dict[str, Any]) -> None:
    whole = {"type": "object", "properties": {"pattern": given}, "$defs": {"a": TEXT}}
    assert gemini(whole) == {**whole, "properties": {"pattern": sent}}


def test_claude_gets_recursion_as_levels() -> None:
    sent = claude(RECURSIVE)
    assert not recursive(sent)
    value: Any = None
    for depth in range(5):
        value = {"value": depth, "next": value}
        jsonschema = pytest.importorskip("jsonschema")
        jsonschema.validate(value, sent)
    assert claude({"type": "array", "items": TEXT}) == closed(answer={"type": "array", "items": TEXT})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}, "required": ["kids"]},
        {"type": "object", "properties": {"me": {"$ref": "#"}, "a": TEXT}, "required": ["a"]},
        {"$defs": {"A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}},
                   "B": {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#/$defs/A"}]}}}},
         "$ref": "#/$defs/A"},
    ],
)  # fmt: skip
def test_claudes_levels_end(schema: dict[str, Any]) -> None:
    sent = claude(schema)
    assert not recursive(sent)
    assert "below" not in json.dumps(sent)
    assert isinstance(instance(sent), dict)


def test_claudes_levels_take_no_name_that_is_taken_and_come_in_order() -> None:
    nodes = {name: {"type": "object", "properties": {"next": {"$ref": f"#/$defs/{name}"}}} for name in "dcba"}
    sent = claude({**closed(a={"$ref": "#/$defs/a"}, a_1={"$ref": "#/$defs/a_1"}), "$defs": {"a_1": TEXT, **nodes}})
    assert sent["$defs"]["a_1"] == TEXT
    assert sent["$defs"]["a"]["properties"] == {"next": {"$ref": "#/$defs/a_1_"}}
    # The same schema has the same text in every process, which caches know it by.
    assert list(sent["$defs"])[:9] == ["a_1", "d", "c", "b", "a", "d_1", "c_1", "b_1", "a_1_"]


BASE = {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}
MORE = {"type": "object", "properties": {"b": {"type": "integer"}, "c": {"type": "integer"}}, "required": ["b"]}
EXTENDED = [
    {"allOf": [BASE, MORE]},
    {**MORE, "allOf": [{"$ref": "#/$defs/Base"}], "$defs": {"Base": BASE}},
    {**MORE, "$ref": "#/$defs/Base", "$defs": {"Base": {"allOf": [True, BASE]}}},
]


@pytest.mark.parametrize("schema", EXTENDED)
def test_an_object_that_extends_another_has_the_properties_of_both_everywhere(schema: dict[str, Any]) -> None:
    for sent in (strict(schema), claude(schema), gemini(schema)):
        assert sent["properties"].keys() == {"a", "b", "c"}
        assert {"a", "b"} <= set(sent["required"])
    assert not is_wrapped(schema)
    pytest.importorskip("jsonschema")
    answer = {"a": "x", "b": 1}
    assert ResponseSchema(schema).parse('{"a": "x", "b": 1, "c": null}') == answer
    either = {"anyOf": [closed(z=TEXT), schema], "$defs": schema.get("$defs", {})}
    assert ResponseSchema(either).parse('{"answer": {"a": "x", "b": 1, "c": null}}') == answer


@pytest.mark.parametrize(
    "parts",
    [
        [{"type": "string"}, {"type": "integer"}],
        [{"pattern": "a"}, {"pattern": "b"}],
        [{"additionalProperties": TEXT}, {"additionalProperties": {"type": "null"}}],
        [{"properties": {"a": True}}, {"properties": {"a": False}}],
        [False, {"type": "string"}],
        [{"$ref": "#/$defs/none"}, {"type": "string"}],
        [{"$ref": "#/$defs/circle"}, {"type": "string"}],
        [{"$ref": "#"}, {"type": "string"}],
    ],
)
def test_what_cannot_be_said_as_one_schema_is_left_as_it_is(parts: list[Any]) -> None:
    named = {"circle": {"allOf": [{"$ref": "#/$defs/circle"}, {"minLength": 1}]}}
    schema = {**closed(a={"allOf": parts}), "$defs": named}
    assert merged(schema) == schema
    assert strict(schema) == schema


def test_an_object_of_which_nothing_is_said_is_closed_for_claude() -> None:
    assert ResponseSchema({"type": "object"}).for_claude()["schema"] == {
        "type": "object",
        "additionalProperties": False,
    }


@pytest.mark.parametrize("python_type", [dict[str, int], list[dict[str, Any]], dict])
def test_objects_with_free_names_are_refused_for_claude(python_type: Any) -> None:
    with pytest.raises(UnsupportedError, match="free names"):
        TypedSchema.of(python_type).for_claude()
