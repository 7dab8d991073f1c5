"""Which types can be asked for, and what comes back."""

from __future__ import annotations

import datetime
import json
import pickle
import subprocess
import sys
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, Union
from uuid import UUID

import pydantic
import pytest

from llm_async.errors import InvalidAnswerError
from llm_async.models import ResponseSchema, TypedSchema
from llm_async.structured.types import name_of, read_type

from . import kinds
from .kinds import City, Color, Fine, Line, Map, Movie, Page, Person, Point, River

Positive = NewType("Positive", int)

VALUES: list[tuple[Any, Any, Any]] = [
    (City, {"name": "Rome", "size": 3}, City(name="Rome", size=3)),
    (list[City], [{"name": "Rome", "size": 3}], [City(name="Rome", size=3)]),
    (Union[City, None], None, None),
    (Union[City, River], {"kind": "river", "length": 2}, River(kind="river", length=2.0)),
    (Map, {"places": [{"kind": "river", "length": 1.5}], "color": "blue"},
     Map(places=[River(kind="river", length=1.5)], color=Color.BLUE)),
    (Person, {"name": "a", "children": [{"name": "b"}]}, Person(name="a", children=[Person(name="b")])),
    (Page[Point], {"items": [{"x": 1}], "more": False}, Page[Point](items=[Point(1)], more=False)),
    (Point, {"x": 1}, Point(1, 7)),
    (Line, {"start": {"x": 1}, "end": None}, Line(Point(1))),
    (Movie, {"title": "Alien"}, {"title": "Alien"}),
    (dict[str, Point], {"a": {"x": 1, "y": 2}}, {"a": Point(1, 2)}),
    (Color, "blue", Color.BLUE),
    (Literal["a", 1], 1, 1),
    (Annotated[int, pydantic.Field(gt=0)], 5, 5),
    (Positive, 5, 5),
    (Union[int, str], "x", "x"),
    (set[int], [1, 2, 2], {1, 2}),
    (bool, True, True),
]  # fmt: skip


@pytest.mark.parametrize(("python_type", "sent", "expected"), VALUES, ids=lambda each: name_of(each)[:30])
def test_an_answer_becomes_a_value_of_the_type(python_type: Any, sent: Any, expected: Any) -> None:
    schema = TypedSchema.of(python_type)
    assert schema.parse(json.dumps(sent)) == expected
    # Also in the object that APIs which take nothing else had put around it.
    if not isinstance(sent, dict):
        assert schema.parse(json.dumps({"answer": sent})) == expected
    assert pickle.loads(pickle.dumps(schema)).parse(json.dumps(sent)) == expected


def test_what_json_has_no_word_for_comes_as_the_text_that_the_library_reads() -> None:
    text = (
        '{"price": "1.10", "id": "00000000-0000-4000-8000-000000000000", "at": "2026-01-02T03:04:05Z", "day": "2026-01-02",'
        ' "data": "abc", "pair": [1, "a"]}'
    )
    assert TypedSchema.of(Fine).parse(text) == Fine(
        price=Decimal("1.10"),
        id=UUID("00000000-0000-4000-8000-000000000000"),
        at=datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        day=datetime.date(2026, 1, 2),
        data=b"abc",
        pair=(1, "a"),
    )


def test_numbers_of_any_size_come_whole() -> None:
    assert TypedSchema.of(int).parse("123456789012345678901234567890") == 123456789012345678901234567890


def test_a_msgspec_struct_is_read_by_msgspec() -> None:
    pytest.importorskip("msgspec")
    schema = TypedSchema.of(list[kinds.Car])
    assert schema.name == "list_Car"
    text = '[{"brand": "Fiat", "trailer": {"brand": "Thule", "wheels": 3}}]'
    assert schema.parse(text) == [kinds.Car("Fiat", trailer=kinds.Car("Thule", 3))]
    with pytest.raises(InvalidAnswerError) as caught:
        schema.parse('[{"brand": "Fiat", "wheels": 2}]')
    assert (caught.value.path, caught.value.reason) == ("$[0].wheels", "Expected `int` >= 3")
    with pytest.raises(InvalidAnswerError) as caught:
        schema.parse("{}")
    assert caught.value.path == "$"


FAULTS = [
    (City, {"name": "", "size": 1}, ["$.name"]),
    (City, {"name": "a"}, ["$.size"]),
    (City, {"name": "a", "size": "many"}, ["$.size"]),
    (City, {"size": -1}, ["$.name", "$.size"]),
    (list[City], [{"name": "a", "size": 1}, {"name": "b", "size": []}], ["$[1].size"]),
    (Map, {"places": [{"kind": "river"}]}, ["$.places[0].length"]),
    (Map, {"places": [{"kind": "lake"}]}, ["$.places[0]"]),
    (dict[str, int], {"odd name": "x"}, ["$['odd name']"]),
    (Union[int, bool], "x", ["$", "$"]),
    (Line, {"start": {"x": 1, "y": "no"}}, ["$.start.y"]),
    (Movie, {"year": 1979}, ["$.title"]),
]


@pytest.mark.parametrize(("python_type", "sent", "paths"), FAULTS)
def test_an_error_names_the_places_of_the_faults(python_type: Any, sent: Any, paths: list[str]) -> None:
    text = json.dumps(sent)
    with pytest.raises(InvalidAnswerError) as caught:
        TypedSchema.of(python_type).parse(text)
    error = caught.value
    assert [path for path, _ in error.faults] == paths
    assert (error.path, error.text, error.payload) == (paths[0], text, text)
    assert f"at {paths[0]}: {error.reason}" in str(error)
    assert pickle.loads(pickle.dumps(error)).faults == error.faults


@pytest.mark.parametrize(
    ("python_type", "name"),
    [
        (City, "City"),
        (list[City], "list_City"),
        (Page[Point], "Page_Point"),
        (Literal["a b", "ö"], "Literal_a_b"),
        (Annotated[City, "described"], "City"),
        (Page[list[Union[City, River]]], "Page_list_Union_City_River"),
        (dict[str, Page[list[Map]]], "dict_str_Page_list_Map"),
    ],
)
def test_a_type_has_a_name_that_every_api_takes(python_type: Any, name: str) -> None:
    assert name_of(python_type) == name


def test_a_schema_can_be_given_a_name_and_less_strictness() -> None:
    schema = TypedSchema.of(City, "place", strict=False)
    form = schema.for_openai()["json_schema"]
    assert (form["name"], form["strict"], form["schema"]) == ("place", False, read_type(City).schema)


@pytest.mark.parametrize("wrong", ["City", 3, [City], (1,), {1}, City(name="a", size=1)])
def test_what_is_no_type_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="response_schema must be ResponseSchema or mapping"):
        ResponseSchema.coerce(wrong)


class Plain:
    """A class that nobody can read."""


@pytest.mark.parametrize("python_type", [Plain, list[Plain]])
def test_a_type_that_no_library_reads_is_refused_by_name(python_type: Any) -> None:
    with pytest.raises(TypeError, match=r"response_schema: .* is not supported"):
        ResponseSchema.coerce(python_type)


def test_a_type_with_unhashable_notes_is_read() -> None:
    assert TypedSchema.of(Annotated[int, pydantic.Field(json_schema_extra={"x": [1]}), []]).parse("3") == 3


_WITHOUT = """
import importlib.abc, sys

class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Without())
from dataclasses import dataclass
from llm_async.models import ResponseSchema

@dataclass
class Point:
    x: int
    y: int = 7

{program}
"""


def run_without(missing: list[str], program: str) -> None:
    text = _WITHOUT.format(missing=missing, program=program)
    subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", text], check=True)


def test_without_pydantic_msgspec_reads_dataclasses() -> None:
    pytest.importorskip("msgspec")
    run_without(["pydantic"], "assert ResponseSchema.coerce(list[Point]).parse('[{\"x\": 1}]') == [Point(1, 7)]")


def test_without_any_library_the_error_names_the_extras() -> None:
    run_without(
        ["pydantic", "msgspec"],
        "try:\n    ResponseSchema.coerce(Point)\n"
        "except ImportError as error:\n    assert 'llm-async[pydantic]' in str(error) and 'llm-async[msgspec]' in str(error)\n"
        "else:\n    raise SystemExit('no error')",
    )


def test_without_jsonschema_a_schema_cannot_be_checked_and_the_error_names_the_extra() -> None:
    run_without(
        ["jsonschema"],
        "try:\n    ResponseSchema({}).parse('1')\n"
        "except ImportError as error:\n    assert 'llm-async[jsonschema]' in str(error)\n"
        "else:\n    raise SystemExit('no error')",
    )
