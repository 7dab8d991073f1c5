"""Rows: structured answers, from every kind of schema, and what there is when there is no value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Union

import pydantic
import pytest
from typing_extensions import TypedDict

from llm_async import InvalidAnswerError, RefusedAnswerError, TruncatedAnswerError
from llm_async.testing import Refusal, Text

from .cell import HELLO, Scene, Section, holds

__all__ = ["STRUCTURED"]

STRUCTURED = Section("Structured answers", "structured.md")


class City(pydantic.BaseModel):
    name: str
    inhabitants: int


class River(pydantic.BaseModel):
    length: float


@dataclass
class CityData:
    name: str
    inhabitants: int


class CityDict(TypedDict):
    name: str
    inhabitants: int


try:
    import msgspec
except ImportError:  # no build for this interpreter
    pass
else:

    class CityStruct(msgspec.Struct):
        name: str
        inhabitants: int


SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "inhabitants": {"type": "integer", "minimum": 1}},
    "required": ["name", "inhabitants"],
}
BERGEN: dict[str, Any] = {"name": "Bergen", "inhabitants": 290_000}


async def _check(scene: Scene, schema: Any, said: Any, value: Any) -> None:
    """Have the model say ``said``, which has to come out as ``value``, whole and streamed."""
    wire = await scene.would_send(HELLO, response_schema=schema)
    assert holds(wire, "inhabitants")
    # A list or a union goes into an object, where an API takes nothing else; the schema may stand in a text.
    if '"answer"' in json.dumps(wire).replace("\\", ""):
        said = {"answer": said}
    scene.server.script(Text(json.dumps(said)), times=2)
    for streams in (False, True):
        response = await scene.ask(HELLO, response_schema=schema, stream=streams)
        assert response.parsed == value
        assert type(response.parsed) is type(value)


@STRUCTURED.row("from a dict, a JSON Schema", needs=("jsonschema",))
async def from_dict(scene: Scene) -> None:
    await _check(scene, SCHEMA, BERGEN, BERGEN)


@STRUCTURED.row("from a pydantic model", needs=("pydantic",))
async def from_pydantic(scene: Scene) -> None:
    await _check(scene, City, BERGEN, City(**BERGEN))


@STRUCTURED.row("from a dataclass")
async def from_dataclass(scene: Scene) -> None:
    await _check(scene, CityData, BERGEN, CityData(**BERGEN))


@STRUCTURED.row("from a TypedDict")
async def from_typed_dict(scene: Scene) -> None:
    await _check(scene, CityDict, BERGEN, BERGEN)


@STRUCTURED.row("from a msgspec Struct", needs=("msgspec",))
async def from_msgspec(scene: Scene) -> None:
    await _check(scene, CityStruct, BERGEN, CityStruct(**BERGEN))


@STRUCTURED.row("from a list of models")
async def from_list(scene: Scene) -> None:
    await _check(scene, list[City], [BERGEN, BERGEN], [City(**BERGEN)] * 2)


@STRUCTURED.row("from a union")
async def from_union(scene: Scene) -> None:
    await _check(scene, Union[City, River], {"length": 2.5}, River(length=2.5))
    await _check(scene, Union[City, River], BERGEN, City(**BERGEN))


@STRUCTURED.row("`parsed` says where an answer is wrong, and whether it was refused or cut off")
async def no_value(scene: Scene) -> None:
    wrong, cut = Text('{"name": "Bergen", "inhabitants": "many"}'), Text('{"name": "Ber', finish="length")
    for said, error in ((wrong, InvalidAnswerError), (Refusal("No."), RefusedAnswerError), (cut, TruncatedAnswerError)):
        scene.server.script(said)
        response = await scene.ask(HELLO, response_schema=City)
        with pytest.raises(error) as caught:
            _ = response.parsed
        if isinstance(caught.value, InvalidAnswerError):
            assert caught.value.path == "$.inhabitants"


@STRUCTURED.row("`schema_retries`")
async def retries(scene: Scene) -> None:
    scene.server.script(Text('{"name": "Bergen", "inhabitants": "many"}'), Text(json.dumps(BERGEN)))
    response = await scene.ask(HELLO, response_schema=City, schema_retries=1)
    assert response.parsed == City(**BERGEN)
    assert len(response.rejected) == 1
    assert holds(scene.body, "$.inhabitants")


@STRUCTURED.row("`partials()` while it streams")
async def partials(scene: Scene) -> None:
    scene.server.script(Text(['{"name": "Ber', 'gen", "inhabitants": 29', "0000}"]))
    response = await scene.provider.acomplete(scene.model, [HELLO], response_schema=City, stream=True)
    grown = [dict(value) async for value in response.partials()]
    assert grown == [{"name": "Ber"}, {"name": "Bergen"}, BERGEN]
    assert response.parsed == City(**BERGEN)
