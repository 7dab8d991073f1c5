"""The value in an answer; and why there is none, each reason with a class of its own."""

from __future__ import annotations

import dataclasses
import pickle
from decimal import Decimal
from typing import Any, Union

import pydantic
import pytest

from llm_async.errors import (
    AnswerError,
    InvalidAnswerError,
    ProtocolError,
    RefusedAnswerError,
    StreamError,
    TruncatedAnswerError,
)
from llm_async.models import Message, Response, ResponseSchema, ToolCall, TypedSchema
from llm_async.structured.restoring import readings

from .kinds import City, Line, Movie, Person, Point


def said(text: str, finish_reason: str = "stop", **more: Any) -> Message:
    return Message("assistant", text, finish_reason=finish_reason, **more)


CALL = ToolCall("1", "function", function={"name": "look", "arguments": "{}"})


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        (said("", "stop", refusal="I would rather not"), RefusedAnswerError, "refused to answer: I would rather not"),
        (said('{"x": 1}', "refusal"), RefusedAnswerError, 'refused to answer: {"x": 1}'),
        (said("", "content_filter"), RefusedAnswerError, "the answer was filtered$"),
        (said('{"x": ', "length"), TruncatedAnswerError, "cut off by its limit of tokens"),
        (said("", "length"), TruncatedAnswerError, "cut off by its limit of tokens"),
        (said("1", "length"), TruncatedAnswerError, "cut off by its limit of tokens"),
        (said('{"x": "no"}', "length"), TruncatedAnswerError, "cut off by its limit of tokens"),
        (said("", "pause"), TruncatedAnswerError, "was not finished"),
        (said("", "error"), TruncatedAnswerError, "was not finished"),
        (said("", "tool_calls", tool_calls=[CALL]), AnswerError, "called tools instead of answering: look"),
        (said("Sure! Here you are."), InvalidAnswerError, "is not JSON: Sure"),
        (said(""), InvalidAnswerError, "is not JSON"),
        (said("[" * 2000 + "]" * 2000), InvalidAnswerError, "not JSON|nested too deeply"),
        (said('{"x": "no"}'), InvalidAnswerError, r"at \$\.x: "),
        (said('{"x": NaN}'), InvalidAnswerError, "is not JSON"),
    ],
)
def test_each_reason_for_having_no_value_has_its_class(message: Message, kind: type[AnswerError], text: str) -> None:
    with pytest.raises(AnswerError, match=text) as caught:
        TypedSchema.of(Point).parse(message)
    error = caught.value
    assert type(error) is kind
    assert isinstance(error, ProtocolError)
    assert (error.text, error.partial, error.finish_reason) == (message.text, message, message.finish_reason)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.text) == (kind, str(error), error.text)


@pytest.mark.parametrize(
    "text",
    ['{"x": 1}', ' \n{"x":1}\n', '\ufeff{"x": 1}', '```json\n{"x": 1}\n```', '```\n{"x": 1}```', '{"x": 1, "y": null}'],
)
def test_a_value_is_found_in_what_servers_put_around_it(text: str) -> None:
    assert TypedSchema.of(Point).parse(text) == Point(1)
    assert TypedSchema.of(Point).parse(said(text)) == Point(1)


@pytest.mark.parametrize("wrong", [None, b"{}", {"role": "assistant", "content": "{}"}])
def test_what_is_no_answer_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="an answer is a Message, or its text, and not "):
        TypedSchema.of(Point).parse(wrong)


def test_an_answer_that_was_cut_off_behind_its_value_has_one() -> None:
    assert TypedSchema.of(Point).parse(said('{"x": 1}\n', "length")) == Point(1)


@pytest.mark.parametrize("text", ["I'll look that up.", '{"x": "no"}'])
def test_what_is_said_beside_tool_calls_is_no_invalid_answer(text: str) -> None:
    with pytest.raises(AnswerError, match="called tools instead of answering: look") as caught:
        TypedSchema.of(Point).parse(said(text, "tool_calls", tool_calls=[CALL]))
    assert type(caught.value) is AnswerError


def test_tool_calls_beside_an_answer_do_not_hide_it() -> None:
    assert TypedSchema.of(Point).parse(said('{"x": 1}', "tool_calls", tool_calls=[CALL])) == Point(1)


# ---- what a dialect has put into an answer is taken out


class Inner(pydantic.BaseModel):
    a: int = 1


class Other(pydantic.BaseModel):
    b: int | None
    c: int = 2


class Answered(pydantic.BaseModel):
    answer: int


class Nested(pydantic.BaseModel):
    inner: Inner = Inner(a=5)
    either: Union[Inner, Other] = Inner()
    several: list[Union[Other, Inner]] = []
    kept: int | None = 3
    by_name: dict[str, Inner | None] = {}


@pytest.mark.parametrize(
    ("python_type", "text", "expected"),
    [
        # A null that can only mean a missing property gives the default; one that is a value stays.
        (Nested, '{"inner": null, "either": null, "several": null, "kept": null}', Nested(kept=None)),
        (Nested, '{"inner": {"a": null}}', Nested(inner=Inner(a=1))),
        (Nested, '{"either": {"b": null, "c": null}}', Nested(either=Other(b=None, c=2))),
        (Nested, '{"several": [{"a": null}, {"b": null, "c": 4}]}', Nested(several=[Inner(), Other(b=None, c=4)])),
        (Nested, '{"by_name": {"x": null}}', Nested(by_name={"x": None})),
        (Line, '{"start": {"x": 1, "y": null}, "end": null, "labels": null}', Line(Point(1))),
        (Movie, '{"title": "Alien", "year": null}', {"title": "Alien"}),
        (Person, '{"name": "a", "children": [{"name": "b", "children": null}]}',
         Person(name="a", children=[Person(name="b")])),
        (list[Point], '{"answer": [{"x": 1, "y": null}]}', [Point(1)]),
        # An object with a property for each position is a tuple.
        (tuple[int, str], '{"answer": {"item_0": 1, "item_1": "a"}}', (1, "a")),
        (tuple[int, str], '[1, "a"]', (1, "a")),
        (Union[Answered, tuple[Point, str]], '{"item_0": {"x": 1, "y": null}, "item_1": "a"}', (Point(1), "a")),
        # The object around an answer is told from an object with the same property.
        (Answered, '{"answer": 3}', Answered(answer=3)),
        (Union[Answered, int], '{"answer": 3}', 3),
        (Union[Answered, str], '{"answer": 3}', Answered(answer=3)),
        (Union[Answered, int], '{"answer": {"answer": 3}}', Answered(answer=3)),
        (Union[int, None], '{"answer": null}', None),
        (dict[str, int], '{"answer": 3}', {"answer": 3}),
    ],
)  # fmt: skip
def test_what_a_dialect_put_into_an_answer_is_taken_out(python_type: Any, text: str, expected: Any) -> None:
    assert TypedSchema.of(python_type).parse(text) == expected


def test_a_deep_value_of_a_schema_with_many_alternatives_is_restored_in_time() -> None:
    value: Any = {"l": None, "r": ["neither"]}
    for _ in range(60):
        value = {"l": None, "r": [value]}
    choice = {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}
    part = {"type": "object", "properties": {"l": choice, "r": {"type": "array", "items": choice}}, "required": ["r"]}
    schema = {"$defs": {"A": part, "B": {**part, "required": ["l", "r"]}}, "$ref": "#/$defs/A"}
    (restored,) = readings(schema, value, '{"l": null')
    # Below the root no alternative fits to the end, so that there nothing is changed.
    assert restored == {"r": value["r"]}


@pytest.mark.parametrize("optional", ["null", '"b"'])
def test_what_is_taken_out_of_an_answer_takes_no_digit_with_it(optional: str) -> None:
    digits = "1234567890123456789012345678901234567890"
    kind = TypedSchema.of(dataclasses.make_dataclass("Made", [("big", int), ("note", str, "a")]))
    made = kind.parse(f'{{"big": {digits}, "note": {optional}}}')
    assert made == kind.python_type(int(digits), "a" if optional == "null" else "b")
    assert TypedSchema.of(list[int]).parse(f'{{"answer": [{digits}, -1]}}') == [int(digits), -1]
    assert TypedSchema.of(list[dict[str, float]]).parse(f'{{"answer": [{{"é": 0.{digits}}}]}}') == [
        {"é": float(f"0.{digits}")}
    ]
    msgspec = pytest.importorskip("msgspec")
    struct = msgspec.defstruct("Struct", [("price", Decimal), ("note", str, "a")])
    assert TypedSchema.of(struct).parse(f'{{"price": 1.{digits}e1, "note": null}}') == struct(Decimal(f"1.{digits}e1"))


# ---- schemas without a type


SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer", "minimum": 1}},
    "required": ["name"],
}


def test_a_schema_is_checked_by_jsonschema() -> None:
    pytest.importorskip("jsonschema")
    schema = ResponseSchema(SCHEMA)
    assert schema.parse('{"name": "a", "size": null}') == {"name": "a"}
    assert schema.parse('{"name": "a", "more": 1}') == {"name": "a", "more": 1}
    with pytest.raises(InvalidAnswerError, match=r"at \$\.size: 0 is less than the minimum of 1") as caught:
        schema.parse('{"name": "a", "size": 0}')
    assert caught.value.path == "$.size"
    with pytest.raises(InvalidAnswerError, match="is not a 'date'"):
        ResponseSchema({"type": "string", "format": "date"}).parse('"tomorrow"')
    assert ResponseSchema({"type": "array"}).parse('{"answer": [1]}') == [1]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "strng"}, r"at \$\.type, 'strng' is not"),
        ({"properties": {"a": 5}}, r"at \$\.properties\.a, 5 is not"),
        ({"properties": {"a": {"pattern": "("}}}, "unterminated subpattern"),
        ({"$ref": "#/$defs/nowhere"}, "nowhere"),
        ({"properties": {"a": {"$ref": "http://127.0.0.1:9/schema"}}}, "127.0.0.1"),
    ],
)
def test_a_schema_that_is_none_is_no_fault_of_the_answer(schema: dict[str, Any], text: str) -> None:
    pytest.importorskip("jsonschema")
    with pytest.raises(ValueError, match=f"the response_schema is no JSON Schema: .*{text}") as caught:
        ResponseSchema(schema).parse('{"a": "x"}')
    assert not isinstance(caught.value, AnswerError)


# ---- on a response


def response(text: str, schema: ResponseSchema | None, stream: bool = False) -> Response:
    made = Response({}, "p", main_response=said(text), stream=stream)
    if schema is not None:
        made.attach_schema(schema)
    return made


def test_parsed_is_made_once_and_survives_pickling() -> None:
    made = response('{"name": "a", "size": 1}', TypedSchema.of(City))
    assert made.parsed == City(name="a", size=1)
    assert made.parsed is made.parsed
    copy = pickle.loads(pickle.dumps(made))
    assert (copy.parsed, copy) == (made.parsed, made)
    assert pickle.loads(pickle.dumps(response('{"name": "a", "size": 1}', TypedSchema.of(City)))).parsed == made.parsed


def test_an_invalid_answer_is_an_error_each_time() -> None:
    made = response("nope", TypedSchema.of(City))
    for _ in range(2):
        with pytest.raises(InvalidAnswerError):
            _ = made.parsed


def test_parsed_needs_a_schema_and_an_answer() -> None:
    with pytest.raises(TypeError, match="without a response_schema"):
        _ = response("1", None).parsed
    unread = Response.streaming("p")
    unread.attach_schema(TypedSchema.of(int))
    with pytest.raises(StreamError, match="not been read to its end"):
        _ = unread.parsed
