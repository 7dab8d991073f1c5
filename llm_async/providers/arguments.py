"""What callers hand over: its types, and what becomes of it before anybody else looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import UnionType
from typing import Any, TypeVar, Union

from ..models import Message, ResponseSchema, Timeouts, Tool, TypedSchema
from ..models.tool import listed_tools
from .headers import HeaderLayer

__all__ = [
    "Deadlines",
    "Headers",
    "Messages",
    "OfferedTools",
    "Schema",
    "SchemaOf",
    "T",
    "Tools",
    "as_mapping",
    "as_text",
    "offered",
]

Messages = Sequence[Union[Message, Mapping[str, Any]]]
#: What :func:`offered` makes of them.
OfferedTools = Iterable[Union[Tool, Mapping[str, Any]]]
Tools = Iterable[Union[Tool, Mapping[str, Any], Callable[..., Any]]]
Schema = Union[ResponseSchema, Mapping[str, Any], type[Any], UnionType]
T = TypeVar("T")
#: A schema of which a type checker knows the type of its answers.
SchemaOf = Union[type[T], TypedSchema[T]]
Headers = HeaderLayer
#: A bare number is the total, in seconds.
Deadlines = Union[Timeouts, float]


def offered(tools: Tools | None) -> OfferedTools | None:
    """Functions, plain or under ``@tool``, as the Tools that they are; everything else as it came.

    Raises:
        TypeError: ``tools`` is no list, or there is a function in it that no tool can be made of.
    """
    if not tools:
        return None
    return [_offered(each) for each in listed_tools(tools)]


def _offered(tool: Any) -> Any:
    if not callable(tool) or isinstance(tool, (Tool, Mapping)):
        return tool
    from ..tools.decorator import as_tool

    return as_tool(tool).tool


def as_mapping(value: Any, name: str) -> dict[str, Any]:
    """``value`` as a dict, None as an empty one; TypeError, under the ``name`` of the argument, for anything else."""
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}")
    return dict(value or {})


def as_text(value: Any, name: str) -> str:
    """``value``, if it is a str, None as an empty one; TypeError, under the ``name`` of the argument, for anything else."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value or ""
