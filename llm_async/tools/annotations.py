"""Annotations, read into shapes.

What belongs here: which Python types are built in, and how the names in them are resolved. What is not built in goes to
``libraries``.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from .libraries import UnsupportedAnnotation, belongs_to_library, parameter_descriptions, read_with_library
from .records import Field, Record
from .results import as_json
from .shapes import (
    Anything,
    Array,
    Choice,
    Described,
    Mapped,
    Named,
    OneOf,
    Scalar,
    Shape,
    TupleOf,
)

__all__ = ["AnnotationReader", "names_around", "shown_default"]

# Under a name that type checkers do not read as a type: it is given its arguments at run time.
_Annotated: Any = Annotated

_SCALARS = (str, int, float, bool, type(None))

# Which builtin stands for a container, and whether any sequence (or set) may be given for it.
_ARRAYS: dict[Any, tuple[type, bool]] = {
    list: (list, False),
    set: (set, False),
    frozenset: (frozenset, False),
    collections.abc.MutableSequence: (list, False),
    collections.abc.Sequence: (list, True),
    collections.abc.Collection: (list, True),
    collections.abc.Iterable: (list, True),
    collections.abc.MutableSet: (set, False),
    collections.abc.Set: (set, True),
}
_WRAPPERS = ("Required", "NotRequired", "ReadOnly", "Final")
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def names_around(frame: types.FrameType | None) -> dict[str, Any]:
    """The local names that an annotation written in ``frame`` may use: the class bodies around it, and the function."""
    scopes = []
    while frame is not None and frame.f_locals is not frame.f_globals:
        scopes.append(frame.f_locals)
        # A function's frame is the last one that was there when the code was written; above it stands its caller.
        frame = None if frame.f_code.co_flags & inspect.CO_OPTIMIZED else frame.f_back
    names: dict[str, Any] = {}
    for scope in reversed(scopes):
        names.update(scope)
    return names


def shown_default(value: Any) -> dict[str, Any]:
    """``{"default": …}`` for a default that has a JSON form and is not None, else ``{}``."""
    try:
        form = as_json(value)
    except (TypeError, ValueError):
        return {}
    return {} if form is None else {"default": form}


class AnnotationReader:
    """Reads annotations that stand in one place of a program.

    Raises, in every method:
        UnsupportedAnnotation: for what cannot be read or resolved.
    """

    def __init__(
        self, global_names: Mapping[str, Any] | None = None, local_names: Mapping[str, Any] | None = None
    ) -> None:
        self._globals = dict(global_names or {})
        self._locals = dict(local_names or {})
        # Types that may hold themselves, by identity, so that one met again is the one that is being read.
        self._records: dict[Any, Shape] = {}

    def read(self, annotation: Any) -> Shape:
        """The shape of an annotation, which may be a string or hold one."""

        def holder() -> None: ...

        holder.__annotations__ = {"it": annotation}
        try:
            resolved = get_type_hints(holder, self._globals, self._locals, include_extras=True)["it"]
        except Exception as error:
            # Evaluating a string may raise anything at all.
            raise UnsupportedAnnotation(f"its annotation {annotation!r} cannot be resolved: {error}") from error
        return self._shape(resolved)

    def _shape(self, annotation: Any) -> Shape:
        origin = get_origin(annotation)
        if annotation is None or annotation in _SCALARS:
            return Scalar(type(None) if annotation is None else annotation)
        if isinstance(annotation, (str, typing.ForwardRef)):
            # One inside of another type: Python 3.10 leaves that of list["Point"] alone.
            return self.read(annotation)
        if annotation is Any or annotation is object:
            return Anything()
        if origin is Annotated:
            return self._annotated(annotation.__origin__, annotation.__metadata__)
        if origin in (typing.Union, types.UnionType):
            return OneOf(map(self._shape, get_args(annotation)))
        if origin is Literal:
            return Choice((_choice_value(value), value) for value in get_args(annotation))
        if _wrapper_name(annotation):
            return self._shape(get_args(annotation)[0])
        if type(annotation).__hash__ is None:
            raise UnsupportedAnnotation(f"{annotation!r} is no type")
        container = self._container(origin or annotation, get_args(annotation))
        if container is not None:
            return container
        if isinstance(annotation, typing.NewType):
            return self._shape(annotation.__supertype__)
        if type(annotation).__name__ == "TypeAliasType":
            return self._alias(annotation)
        if isinstance(annotation, type) and origin is None and not belongs_to_library(annotation):
            if issubclass(annotation, Enum):
                return Choice((_choice_value(member), member) for member in annotation)
            if dataclasses.is_dataclass(annotation):
                return self._record(annotation, annotation, self._dataclass_fields)
            if _is_typed_dict(annotation):
                return self._record(annotation, dict, self._typed_dict_fields)
        return read_with_library(annotation)

    def _annotated(self, annotation: Any, notes: Iterable[Any]) -> Shape:
        if any(map(belongs_to_library, notes)):
            shape = self._constrained(annotation, tuple(notes))
        else:
            shape = self._shape(annotation)
        description = next(filter(None, map(_description, notes)), None)
        return shape if description is None else Described(shape, description)

    def _constrained(self, annotation: Any, notes: tuple[Any, ...]) -> Shape:
        """A type with notes that only a library understands. Of ``Optional[int]`` they say something about the int."""
        choices = get_args(annotation) if get_origin(annotation) in (typing.Union, types.UnionType) else ()
        rest = tuple(choice for choice in choices if choice is not type(None))
        if len(rest) < len(choices):
            return OneOf([self._constrained(typing.Union[rest], notes), Scalar(type(None))])
        parts = (annotation, *notes)
        return read_with_library(_Annotated[parts], notes)

    def _container(self, origin: Any, arguments: tuple[Any, ...]) -> Shape | None:
        if origin is tuple:
            return self._tuple(arguments)
        if origin in _MAPPINGS:
            keys, values = map(self._shape, arguments or (Any, Any))
            return Mapped(keys, values)
        if origin in _ARRAYS:
            python_type, read_only = _ARRAYS[origin]
            items = self._shape(arguments[0]) if arguments else None
            return Array(python_type, items, read_only=read_only)
        return None

    def _tuple(self, arguments: tuple[Any, ...]) -> Shape:
        if not arguments:
            # ``tuple`` is any tuple. (``tuple[()]``, the empty one, looks the same from Python 3.11 on.)
            return Array(tuple, None)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return Array(tuple, self._shape(arguments[0]))
        return TupleOf(self._shape(argument) for argument in arguments if argument != ())

    def _alias(self, alias: Any) -> Shape:
        """``type Name = …``"""
        if alias not in self._records:
            named = self._records[alias] = Named(alias, alias.__name__)
            named.inner = self._shape(alias.__value__)
        return self._records[alias]

    # --- classes with fields

    def _record(self, annotation: type, built: type, fields: Callable[..., Iterable[Field]]) -> Shape:
        if annotation not in self._records:
            record = Record(built, annotation)
            record.description = _own_docstring(annotation)
            named = self._records[annotation] = Named(annotation, annotation.__name__)
            named.inner = record
            described = parameter_descriptions(record.description)
            try:
                for field in fields(annotation, self._hints(annotation)):
                    if field.name in described and not isinstance(field.shape, Described):
                        field.extra = {"description": described[field.name], **field.extra}
                    record.fields[field.name] = field
            except UnsupportedAnnotation:
                del self._records[annotation]
                raise
        return self._records[annotation]

    def _hints(self, annotation: type) -> dict[str, Any]:
        # A class that is no local one has nothing to do with the names around the tool.
        names = self._locals if "<locals>" in annotation.__qualname__ else None
        try:
            return get_type_hints(annotation, None, names, include_extras=True)
        except Exception as error:
            # As above: a string that is evaluated may raise anything.
            raise UnsupportedAnnotation(
                f"the fields of {annotation.__qualname__} cannot be resolved: {error}"
            ) from error

    def _dataclass_fields(self, annotation: Any, hints: dict[str, Any]) -> Iterable[Field]:
        # Not dataclasses.fields: that leaves out an InitVar, which is an argument all the same.
        for each in annotation.__dataclass_fields__.values():
            hint = hints[each.name]
            if not each.init or hint is ClassVar or get_origin(hint) is ClassVar:
                continue
            if isinstance(hint, dataclasses.InitVar):
                hint = hint.type
            required = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
            extra = {} if each.default is dataclasses.MISSING else shown_default(each.default)
            yield Field(each.name, self._field_shape(annotation, each.name, hint), required, extra)

    def _typed_dict_fields(self, annotation: Any, hints: dict[str, Any]) -> Iterable[Field]:
        for name, hint in hints.items():
            # In a module with postponed annotations __required_keys__ does not know what NotRequired says.
            required = {"Required": True, "NotRequired": False}.get(
                _wrapper_name(hint), name in annotation.__required_keys__
            )
            yield Field(name, self._field_shape(annotation, name, hint), required)

    def _field_shape(self, owner: type, name: str, hint: Any) -> Shape:
        try:
            return self._shape(hint)
        except UnsupportedAnnotation as error:
            raise UnsupportedAnnotation(f"field {name!r} of {owner.__qualname__}: {error}") from error


def _choice_value(value: Any) -> Any:
    """The JSON value that stands for a member of an Enum or a value of a Literal."""
    json_value = value.value if isinstance(value, Enum) else value
    if type(json_value) not in _SCALARS:
        raise UnsupportedAnnotation(
            f"{value!r} is no choice that JSON can name: it takes str, int, float, bool or None"
        )
    return json_value


def _description(note: Any) -> str | None:
    """What a note of ``Annotated`` says for people: a str, pydantic's or msgspec's ``description``, ``Doc``."""
    if isinstance(note, str):
        return note
    for name in ("description", "documentation"):
        text = getattr(note, name, None)
        if isinstance(text, str):
            return text
    return None


def _wrapper_name(annotation: Any) -> str:
    """``Required``, ``NotRequired`` …, also where they come from typing_extensions; ``""`` for any other type."""
    name = getattr(get_origin(annotation), "_name", None)
    return name if name in _WRAPPERS else ""


def _is_typed_dict(annotation: type) -> bool:
    return issubclass(annotation, dict) and hasattr(annotation, "__required_keys__")


def _own_docstring(annotation: type) -> str | None:
    """A class's docstring, unless it is inherited or the signature that ``@dataclass`` puts there."""
    text = vars(annotation).get("__doc__")
    if not isinstance(text, str) or text.startswith(f"{annotation.__name__}("):
        return None
    return inspect.cleandoc(text)
