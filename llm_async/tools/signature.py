"""A function's parameters: the schema that a model fills in, and the arguments that the function then gets.

What belongs here: one function's signature, read once. What a single type means is the business of ``shapes``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

from .._json import loads
from ..errors import ToolArgumentError
from .annotations import AnnotationReader, names_around, shown_default
from .definitions import Definitions
from .libraries import UnsupportedAnnotation, parameter_descriptions
from .records import Field, object_schema
from .shapes import Anything, Described, Mismatch, Shape

__all__ = ["Signature"]

_EMPTY = inspect.Parameter.empty


@dataclass
class _Parameter:
    """A parameter that a model can fill; one that is not required may be left out, or be null."""

    name: str
    kind: inspect._ParameterKind
    shape: Shape
    default: Any
    required: bool
    shown: bool  # to the model: whether it has an annotation

    def field(self, description: str | None) -> Field:
        """Its entry in the schema. That it may be null is said by its not being required."""
        shape = self.shape if self.required else self.shape.without_none() or self.shape
        extra = {} if self.default is _EMPTY else shown_default(self.default)
        if description and not isinstance(shape, Described):
            extra = {"description": description, **extra}
        return Field(self.name, shape, self.required, extra)

    def value(self, given: Mapping[str, Any]) -> Any:
        """The argument for the function; ``_EMPTY`` leaves it to the function's own default.

        Raises:
            Mismatch: it is missing, or does not fit.
        """
        value = given.get(self.name)
        if self.name not in given and self.required:
            raise Mismatch(f"missing argument {self.name!r}")
        if value is None and not self.required and (self.name not in given or not self.shape.accepts(None)):
            return None if self.default is _EMPTY else _EMPTY
        try:
            return self.shape.fit(value)
        except Mismatch as error:
            raise Mismatch(error.reason, f"argument {self.name!r}{error.path}") from None


class Signature:
    """The parameters of one function, as far as a model can fill them."""

    def __init__(self, function: Callable[..., Any], *, lenient: bool = False, frame: FrameType | None = None) -> None:
        """Read the signature of ``function``.

        Args:
            lenient: take an annotation that cannot be read for Any.
            frame: where the annotations were written, so that local types are found.

        Raises:
            UnsupportedAnnotation: a TypeError that names the parameter.
            TypeError, ValueError: the function has no signature, as some builtins.
        """
        self._parameters: dict[str, _Parameter] = {}
        self._takes_any_name = False
        self._takes_any_number = False
        inner = _innermost(function)
        reader = AnnotationReader(getattr(inner, "__globals__", None), {**names_around(frame), **_closure(inner)})
        bound = inspect.ismethod(function)
        for position, each in enumerate(inspect.signature(function).parameters.values()):
            if each.kind is each.VAR_POSITIONAL:
                self._takes_any_number = True
            elif each.kind is each.VAR_KEYWORD:
                self._takes_any_name = True
            elif bound or position or each.name not in ("self", "cls"):
                self._parameters[each.name] = _read_parameter(each, reader, lenient=lenient)

    def schema(self, docstring: str | None) -> dict[str, Any]:
        """The JSON Schema of the arguments, described by the function's docstring where that can be read."""
        described = parameter_descriptions(docstring)
        definitions = Definitions()
        fields = [each.field(described.get(each.name)) for each in self._parameters.values() if each.shown]
        return definitions.complete(object_schema(fields, definitions))

    # --- calling

    def bind(self, arguments: Any, tool: str, *, as_given: bool = False) -> tuple[list[Any], dict[str, Any]]:
        """The positional and the keyword arguments to call the function with.

        Args:
            arguments: what the model gave: an object, or a single value for the first parameter.
            tool: the tool's name, for error messages.
            as_given: take a text for what it is; otherwise one that holds an object of arguments is opened.

        Raises:
            ToolArgumentError: with everything that is wrong with them, so that one more turn can put it right.
        """
        if not self._parameters and self._takes_any_number and not isinstance(arguments, dict):
            return [arguments], {}
        given = self._by_name(arguments, as_given)
        positional: list[Any] = []
        others = {name: value for name, value in given.items() if name not in self._parameters}
        by_name = dict(others) if self._takes_any_name else {}
        faults = [] if self._takes_any_name else [f"unexpected argument {name!r}" for name in others]
        for parameter in self._parameters.values():
            try:
                value = parameter.value(given)
            except Mismatch as error:
                faults.append(str(error))
                continue
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                positional.append(parameter.default if value is _EMPTY else value)
            elif value is not _EMPTY:
                by_name[parameter.name] = value
        if faults:
            known = ", ".join(self._parameters) or "none"
            raise ToolArgumentError(
                f"tool {tool!r}: {'; '.join(faults)} (its parameters: {known})", tool=tool, arguments=arguments
            )
        return positional, by_name

    def _by_name(self, arguments: Any, as_given: bool) -> dict[str, Any]:
        if isinstance(arguments, dict):
            return arguments
        if isinstance(arguments, str) and not as_given:
            # JSON text inside of JSON text: some servers encode the arguments twice.
            try:
                inner = loads(arguments)
            except ValueError:
                inner = None
            if isinstance(inner, dict) and inner.keys() <= self._parameters.keys():
                return inner
        return {next(iter(self._parameters), "value"): arguments}


def _read_parameter(parameter: inspect.Parameter, reader: AnnotationReader, *, lenient: bool) -> _Parameter:
    shape: Shape = Anything()
    if parameter.annotation is not _EMPTY:
        try:
            shape = reader.read(parameter.annotation)
        except UnsupportedAnnotation as error:
            if not lenient:
                raise UnsupportedAnnotation(f"parameter {parameter.name!r}: {error}") from error
    required = parameter.default is _EMPTY and shape.without_none() is None
    shown = parameter.annotation is not _EMPTY
    return _Parameter(parameter.name, parameter.kind, shape, parameter.default, required, shown)


def _innermost(function: Any) -> Any:
    """The function under methods, partials and decorators: the one in whose module the annotations were written."""
    while not inspect.isfunction(function) or hasattr(function, "__wrapped__"):
        if isinstance(function, partial):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            return type(function).__call__
    return function


def _closure(function: Any) -> dict[str, Any]:
    """The names that a function takes from the function around it."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    closure = {}
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=False):
        try:
            closure[name] = cell.cell_contents
        except ValueError:
            # Not assigned yet.
            continue
    return closure
