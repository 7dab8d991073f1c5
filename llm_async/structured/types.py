"""A Python type as what is asked of a model: its JSON Schema, and the value of the type in the answer.

What belongs here: which library reads which type. A type is read by the library that it is from; what belongs to none, as a
dataclass, a TypedDict or a union, by pydantic where that is installed, else by msgspec.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from ..protocols.schema import resolved, rewrite, subschemas
from ..tools.libraries import UnsupportedAnnotation, belongs_to_library, library_type

__all__ = ["ReadType", "is_type", "name_of", "read_type"]

# Read types are kept: reading one costs about as much as a thousand answers. A program has a handful of them.
_KEPT = 256
_LONGEST_NAME = 64  # of a format's name, in OpenAI's API


@dataclass(frozen=True)
class ReadType:
    """A type that has been read.

    Attributes:
        schema: its JSON Schema.
        from_json: the value of the type in a JSON text; raises :class:`~llm_async.tools.libraries.LibraryFault`.
    """

    schema: dict[str, Any]
    from_json: Callable[[str | bytes], Any]


def is_type(value: Any) -> bool:
    """Whether something is a type, as annotations know them."""
    special = isinstance(value, (types.UnionType, typing.NewType)) or type(value).__name__ == "TypeAliasType"
    return isinstance(value, type) or special or get_origin(value) is not None


def name_of(python_type: Any) -> str:
    """A name for a type that every API takes."""
    if get_origin(python_type) is Annotated:
        return name_of(get_args(python_type)[0])
    name = python_type.__name__ if isinstance(python_type, type) and not get_args(python_type) else str(python_type)
    # Of "list[package.module.City]" the packages say nothing to anybody.
    name = re.sub(r"\b(?:\w+\.)+", "", name)
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:_LONGEST_NAME] or "response"


def read_type(python_type: Any) -> ReadType:
    """What a library makes of a type.

    Raises:
        ImportError: no library is installed that could read it.
        TypeError: none of the installed ones can.
    """
    try:
        return _kept(python_type)
    except TypeError:
        # Not hashable, as what Annotated holds may be; or the answer itself.
        return _read(python_type)


def _read(python_type: Any) -> ReadType:
    notes = get_args(python_type)[1:] if get_origin(python_type) is Annotated else ()
    inner = next(_parts_of_libraries(python_type), None)
    try:
        known = library_type(python_type, notes if inner is None else (*notes, inner))
    except UnsupportedAnnotation as error:
        if not error.tried:
            raise ImportError(f"response_schema: {error}") from error
        raise TypeError(f"response_schema: {error}") from error
    return ReadType(_with_tags(rewrite(known.schema, _with_free_names)), known.from_json)


_kept = lru_cache(_KEPT)(_read)


def _parts_of_libraries(python_type: Any) -> typing.Iterator[Any]:
    """The types within a type (``list[City]``, ``City | None``) that are a library's own."""
    for part in get_args(python_type):
        if isinstance(part, type) and get_origin(part) is None and belongs_to_library(part):
            yield part
        else:
            yield from _parts_of_libraries(part)


def _with_tags(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the property that tells the members of a union apart required: pydantic has no default for it there."""
    for part in subschemas(schema):
        if not isinstance(part, dict) or not isinstance(part.get("discriminator"), dict):
            continue
        tag = part["discriminator"]["propertyName"]
        for choice in part.get("oneOf", ()):
            member = resolved(schema, choice.get("$ref"))
            if isinstance(member, dict) and tag not in member.get("required", ()):
                member["required"] = [tag, *member.get("required", ())]
    return schema


def _with_free_names(part: dict[str, Any]) -> dict[str, Any]:
    """An object without a word about its properties is a dict: said aloud, since dialects close what says nothing."""
    if part.get("type") == "object" and not part.keys() & {"properties", "additionalProperties", "patternProperties"}:
        part["additionalProperties"] = True
    return part
