"""Objects with known fields: dataclasses, TypedDicts, and the parameters of a function.

What belongs here: what a field is, and how fields make an object. The types of the fields are ``shapes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .definitions import Definitions
from .shapes import Mismatch, Shape, fit_under

__all__ = ["Field", "Record", "object_schema"]


@dataclass
class Field:
    """A field of a record."""

    name: str
    shape: Shape
    required: bool = True
    extra: dict[str, Any] = field(default_factory=dict)

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """The schema of its type, with what is said of the field alone (``description``, ``default``)."""
        return {**self.shape.schema(definitions), **self.extra}


class Record(Shape):
    """An object with known fields: a dataclass, or a TypedDict, for which ``python_type`` is dict."""

    def __init__(self, python_type: type, build: Callable[..., Any]) -> None:
        self._type: Any = python_type
        self._build = build
        self.description: str | None = None
        self.fields: dict[str, Field] = {}

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        return object_schema(self.fields.values(), definitions, self.description)

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, self._type):
            return False
        if self._type is not dict:
            return True
        return value.keys() <= self.fields.keys() and all(
            field.shape.accepts(value[name]) if name in value else not field.required
            for name, field in self.fields.items()
        )

    def convert(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise self.mismatch(value)
        unexpected = value.keys() - self.fields.keys()
        if unexpected:
            raise Mismatch("unexpected " + ", ".join(repr(name) for name in value if name in unexpected))
        missing = [repr(name) for name, field in self.fields.items() if field.required and name not in value]
        if missing:
            raise Mismatch("missing " + ", ".join(missing))
        values = {name: fit_under(f".{name}", self.fields[name].shape, item) for name, item in value.items()}
        try:
            return self._build(**values)
        except (TypeError, ValueError) as error:
            # The class's own check of its values, in __post_init__.
            raise Mismatch(str(error)) from error

    def __str__(self) -> str:
        return "an object"


def object_schema(fields: Iterable[Field], definitions: Definitions, description: str | None = None) -> dict[str, Any]:
    """The schema of an object that has these fields and no others."""
    properties = {}
    required = []
    for each in fields:
        properties[each.name] = each.schema(definitions)
        if each.required:
            required.append(each.name)
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if description:
        schema["description"] = description
    if required:
        schema["required"] = required
    return schema
