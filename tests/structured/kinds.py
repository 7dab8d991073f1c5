"""The types that the tests ask for: one of each library, and what the standard library has."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Generic, Literal, TypeVar, Union
from uuid import UUID

import pydantic
from typing_extensions import NotRequired, TypedDict

try:
    import msgspec
except ImportError:  # no build for this interpreter
    msgspec = None  # type: ignore[assignment]

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class City(pydantic.BaseModel):
    """A place where people live."""

    name: str = pydantic.Field(min_length=1, description="what it is called")
    size: int = pydantic.Field(ge=0)
    twin: str | None = None
    tags: list[str] = []
    kind: Literal["city"] = "city"


class River(pydantic.BaseModel):
    kind: Literal["river"]
    length: float


class Map(pydantic.BaseModel):
    places: list[Annotated[Union[City, River], pydantic.Field(discriminator="kind")]]
    color: Color = Color.RED


class Person(pydantic.BaseModel):
    name: str
    children: list[Person] = []


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]
    more: bool


class Fine(pydantic.BaseModel):
    """What JSON has no word for."""

    price: Decimal
    id: UUID
    at: datetime.datetime
    day: datetime.date
    data: bytes
    pair: tuple[int, str]


@dataclass
class Point:
    x: int
    y: int = 7


@dataclass
class Line:
    start: Point
    end: Point | None = None
    labels: list[str] = field(default_factory=list)


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


if msgspec is not None:

    class Car(msgspec.Struct):
        brand: str
        wheels: Annotated[int, msgspec.Meta(ge=3)] = 4
        color: Literal["red", "blue"] = "red"
        trailer: Car | None = None
