"""pydantic, msgspec and docstring-parser: types and docstrings beyond what is built in.

What belongs here: every import of the three. Each is an extra, imported when something needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from .._json import dumps, loads
from .shapes import Foreign, Shape

__all__ = [
    "LibraryFault",
    "LibraryType",
    "UnsupportedAnnotation",
    "as_builtins",
    "belongs_to_library",
    "json_path",
    "library_type",
    "parameter_descriptions",
    "read_with_library",
]

_REFERENCE = "#/$defs/"


class UnsupportedAnnotation(TypeError):
    """An annotation that nobody here can read; the text says why, and not whose annotation it is.

    ``tried`` is False where no library was there to be asked.
    """

    def __init__(self, text: str, *, tried: bool = True) -> None:
        super().__init__(text)
        self.tried = tried


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


@dataclass(frozen=True)
class LibraryType:
    """A type as the library that knows it understands it.

    Attributes:
        schema: the JSON Schema, with its ``$defs``.
        from_value: a decoded JSON value as a value of the type; raises :class:`LibraryFault`.
        from_json: the same of JSON text, from which numbers of any size and precision come whole.
    """

    schema: dict[str, Any]
    from_value: Callable[[Any], Any]
    from_json: Callable[[str | bytes], Any]


class LibraryFault(ValueError):
    """A value is none of a type; ``faults`` are pairs of the place, as a JSON path, and the reason."""

    def __init__(self, text: str, faults: list[tuple[str, str]]) -> None:
        super().__init__(text)
        self.faults = faults


def read_with_library(annotation: Any, notes: Iterable[Any] = ()) -> Shape:
    """The shape of a type that is not built in, made by the library that knows it; see :func:`library_type`."""
    known = library_type(annotation, notes)
    return Foreign(annotation, lambda: dict(known.schema), known.from_value)


def library_type(annotation: Any, notes: Iterable[Any] = ()) -> LibraryType:
    """What a library makes of a type.

    ``notes`` are what ``Annotated`` says about it; a note of one library decides for that library.

    Raises:
        UnsupportedAnnotation: no installed library reads it.
    """
    refusals = []
    tried = False
    for name, read in _in_order(annotation, notes):
        library = _imported(name)
        if library is None:
            refusals.append(f"pip install llm-async[{name}]")
            continue
        tried = True
        try:
            return read(library, annotation)
        except UnsupportedAnnotation as error:
            refusals.append(f"{name}: {error}")
    raise UnsupportedAnnotation(f"{_called(annotation)} is not supported ({'; '.join(refusals)})", tried=tried)


def _called(annotation: Any) -> str:
    """What to call a type in a message."""
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)


_Reader = Callable[[Any, Any], LibraryType]


def _in_order(annotation: Any, notes: Iterable[Any]) -> list[tuple[str, _Reader]]:
    kinds = [kind if isinstance(kind, type) else type(kind) for kind in (annotation, *notes)]
    readers: list[tuple[str, _Reader]] = [("pydantic", _with_pydantic), ("msgspec", _with_msgspec)]
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


def _with_pydantic(pydantic: Any, annotation: Any) -> LibraryType:
    if not hasattr(pydantic, "TypeAdapter"):
        raise UnsupportedAnnotation(f"version 2 is needed, {pydantic.VERSION} is installed")
    try:
        adapter = pydantic.TypeAdapter(annotation)
        schema = adapter.json_schema(ref_template=_REFERENCE + "{model}")
    except (pydantic.PydanticUserError, pydantic.PydanticUndefinedAnnotation) as error:
        # What follows the first line are hints for users of pydantic itself.
        raise UnsupportedAnnotation(str(error).partition("\n")[0]) from error

    def from_json(text: str | bytes) -> Any:
        try:
            return adapter.validate_json(text)
        except pydantic.ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            places = _pydantic_places(found, text)
            raise LibraryFault(
                "; ".join(_pydantic_fault(each) for each in found),
                [(place, str(each["msg"])) for place, each in zip(places, found, strict=True)],
            ) from error

    # As JSON: only there may a text stand for bytes, a list for a set, and so on, in pydantic's strict models.
    return LibraryType(schema, lambda value: from_json(dumps(value)), from_json)


def _pydantic_fault(fault: dict[str, Any]) -> str:
    path = ".".join(map(str, fault["loc"]))
    return f"{path}: {fault['msg']}" if path else str(fault["msg"])


def _pydantic_places(faults: list[dict[str, Any]], text: str | bytes) -> list[str]:
    """Where the faults are. The library also names the members of unions on the way, which are no places of the value."""
    try:
        whole = loads(text)
    except ValueError:
        return ["$"] * len(faults)
    places = []
    for fault in faults:
        steps: list[Any] = []
        value = whole
        for step in fault["loc"]:
            last = step is fault["loc"][-1] and fault["type"] == "missing"
            if isinstance(value, dict) and (step in value or last):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                continue
            steps.append(step)
        places.append(json_path(steps))
    return places


def json_path(steps: Iterable[Any]) -> str:
    """A place in a JSON value: ``$.items[0].name``."""
    text = "$"
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if str(step).isidentifier() else f"[{str(step)!r}]"
    return text


def _with_msgspec(msgspec: Any, annotation: Any) -> LibraryType:
    try:
        (schema,), parts = msgspec.json.schema_components([annotation], ref_template=_REFERENCE + "{name}")
    except (TypeError, NameError) as error:
        # Before the last line stand hints for users of msgspec itself.
        raise UnsupportedAnnotation(str(error).rpartition("\n")[2]) from error
    if parts:
        schema = {**schema, "$defs": parts}

    def checked(make: Callable[[], Any]) -> Any:
        try:
            return make()
        except msgspec.ValidationError as error:
            reason, _, place = str(error).partition(" - at `")
            raise LibraryFault(str(error), [(place.removesuffix("`") or "$", reason)]) from error

    return LibraryType(
        schema,
        lambda value: checked(lambda: msgspec.convert(value, annotation, strict=False)),
        lambda text: checked(lambda: msgspec.json.decode(text, type=annotation, strict=False)),
    )


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
