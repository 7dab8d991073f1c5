"""pydantic, msgspec and docstring-parser: types and docstrings beyond what is built in.

What belongs here: every import of the three. Each is an extra, imported when something needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from .._json import dumps
from .shapes import Foreign, Shape

__all__ = [
    "UnsupportedAnnotation",
    "as_builtins",
    "belongs_to_library",
    "parameter_descriptions",
    "read_with_library",
]

_REFERENCE = "#/$defs/"


class UnsupportedAnnotation(TypeError):
    """An annotation that nobody here can read; the text says why, and not whose annotation it is."""


def belongs_to_library(part: Any) -> bool:
    """Whether a class, or a note inside ``Annotated``, is pydantic's or msgspec's own business."""
    kind = part if isinstance(part, type) else type(part)
    return _is_pydantic(kind) or _is_msgspec(kind)


def _is_pydantic(kind: type) -> bool:
    return _home(kind) in ("pydantic", "pydantic_core", "annotated_types") or "__pydantic_core_schema__" in vars(kind)


def _is_msgspec(kind: type) -> bool:
    return _home(kind) == "msgspec" or hasattr(kind, "__struct_fields__")


def _home(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def read_with_library(annotation: Any, notes: Iterable[Any] = ()) -> Shape:
    """The shape of a type that is not built in, made by the library that knows it.

    ``notes`` are what ``Annotated`` says about it; a note of one library decides for that library.

    Raises:
        UnsupportedAnnotation: no installed library reads it.
    """
    refusals = []
    for name, read in _in_order(annotation, notes):
        library = _imported(name)
        if library is None:
            refusals.append(f"pip install llm-async[{name}]")
            continue
        try:
            return read(library, annotation)
        except UnsupportedAnnotation as error:
            refusals.append(f"{name}: {error}")
    raise UnsupportedAnnotation(f"{_called(annotation)} is not supported ({'; '.join(refusals)})")


def _called(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)


def _in_order(annotation: Any, notes: Iterable[Any]) -> list[tuple[str, Callable[[Any, Any], Shape]]]:
    kinds = [kind if isinstance(kind, type) else type(kind) for kind in (annotation, *notes)]
    readers: list[tuple[str, Callable[[Any, Any], Shape]]] = [("pydantic", _with_pydantic), ("msgspec", _with_msgspec)]
    if any(map(_is_pydantic, kinds)):
        return readers[:1]
    if any(map(_is_msgspec, kinds)):
        return readers[1:]
    return readers


@cache
def _imported(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None


def _with_pydantic(pydantic: Any, annotation: Any) -> Shape:
    if not hasattr(pydantic, "TypeAdapter"):
        raise UnsupportedAnnotation(f"version 2 is needed, {pydantic.VERSION} is installed")
    try:
        adapter = pydantic.TypeAdapter(annotation)
        schema = adapter.json_schema(ref_template=_REFERENCE + "{model}")
    except (pydantic.PydanticUserError, pydantic.PydanticUndefinedAnnotation) as error:
        # What follows the first line are hints for users of pydantic itself.
        raise UnsupportedAnnotation(str(error).partition("\n")[0]) from error

    def validate(value: Any) -> Any:
        try:
            # As JSON: only there may a text stand for bytes, a list for a set, and so on, in pydantic's strict models.
            return adapter.validate_json(dumps(value))
        except pydantic.ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            raise ValueError("; ".join(_pydantic_fault(each) for each in found)) from error

    return Foreign(annotation, lambda: dict(schema), validate)


def _pydantic_fault(fault: dict[str, Any]) -> str:
    path = ".".join(map(str, fault["loc"]))
    return f"{path}: {fault['msg']}" if path else str(fault["msg"])


def _with_msgspec(msgspec: Any, annotation: Any) -> Shape:
    try:
        (schema,), parts = msgspec.json.schema_components([annotation], ref_template=_REFERENCE + "{name}")
    except (TypeError, NameError) as error:
        # Before the last line stand hints for users of msgspec itself.
        raise UnsupportedAnnotation(str(error).rpartition("\n")[2]) from error
    if parts:
        schema = {**schema, "$defs": parts}

    def validate(value: Any) -> Any:
        try:
            return msgspec.convert(value, annotation, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error

    return Foreign(annotation, lambda: dict(schema), validate)


def parameter_descriptions(docstring: str | None) -> dict[str, str]:
    """What a docstring says about each parameter or attribute; nothing without docstring-parser or without such entries."""
    parser = _imported("docstring_parser") if docstring else None
    if parser is None:
        return {}
    try:
        parsed = parser.parse(docstring)
    except (parser.ParseError, LookupError, ValueError):
        # The last two for texts that only look like a docstring of some style: the parser trips over some of them.
        return {}
    return {
        entry.arg_name: " ".join(entry.description.split())
        for entry in parsed.params
        if entry.description and entry.description.strip()
    }


def as_builtins(value: Any) -> Any:
    """A value of pydantic's or msgspec's classes as dicts and lists; NotImplemented for any other value."""
    kind = type(value)
    if _is_pydantic(kind) and hasattr(kind, "model_dump"):
        return value.model_dump(mode="json")
    if _is_msgspec(kind) and "msgspec" in sys.modules:
        return sys.modules["msgspec"].to_builtins(value)
    return NotImplemented
