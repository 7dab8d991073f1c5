"""What an annotation stands for: the JSON Schema that says it, and the values that fit it.

What belongs here: one class per kind of type, so that what the model is told and what is taken from it stand side by
side. How annotations are read is the business of ``annotations``.

A value *is acceptable* when a type checker would take it for the annotation (an int for a float, too), except that a
bool is no number. Otherwise it is *converted*, if nothing is lost by it: 5.0 is the int 5, 5.5 is none. A text in place
of something that is no text is read as JSON, since models often wrap a value in one pair of quotes too many. Whatever
does not fit is a Mismatch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from .._json import loads
from .definitions import Definitions

__all__ = [
    "Anything",
    "Array",
    "Choice",
    "Described",
    "Foreign",
    "Mapped",
    "Mismatch",
    "Named",
    "OneOf",
    "Scalar",
    "Shape",
    "TupleOf",
    "fit_under",
]

# Beyond it a float stands for more than one integer, so that its digits may not be the ones that were sent.
_LARGEST_EXACT = 2**53


class Mismatch(ValueError):
    """A value does not fit: why, and where in the argument.

    ``wrong_kind`` says that it is another kind of value altogether, as a text in the place of a number.
    """

    def __init__(self, reason: str, path: str = "", *, wrong_kind: bool = False) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path
        self.wrong_kind = wrong_kind


class Shape(ABC):
    """A type, as far as tools are concerned."""

    @abstractmethod
    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """Its JSON Schema; a new dict."""

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether ``value`` can be passed on as it stands."""

    def convert(self, value: Any) -> Any:
        """``value``, which is not acceptable, as one that is; Mismatch if something would be lost."""
        raise self.mismatch(value)

    def fit(self, value: Any) -> Any:
        """``value`` itself where it is acceptable, else converted; Mismatch when neither goes."""
        if self.accepts(value):
            return value
        try:
            return self.convert(value)
        except Mismatch:
            if not isinstance(value, str):
                raise
            try:
                inner = loads(value)
            except ValueError:
                inner = value
            if isinstance(inner, str):
                raise
            return self.fit(inner)

    def mismatch(self, value: Any) -> Mismatch:
        """What to raise for ``value``."""
        return Mismatch(f"expected {self}, got {_shown(value)}", wrong_kind=True)

    def without_none(self) -> Shape | None:
        """The rest of the type when None is one of its choices, else None."""
        return None

    @abstractmethod
    def __str__(self) -> str:
        """What it is called in an error message."""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def fit_under(step: str, shape: Shape, value: Any) -> Any:
    """``shape.fit(value)``, a Mismatch of which says where it is."""
    try:
        return shape.fit(value)
    except Mismatch as error:
        raise Mismatch(error.reason, step + error.path) from None


class Anything(Shape):
    """Any JSON value."""

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        return {}

    def accepts(self, value: Any) -> bool:
        return True

    def __str__(self) -> str:
        return "anything"


class Scalar(Shape):
    """str, int, float, bool or None."""

    _JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}

    def __init__(self, python_type: type) -> None:
        self._type = python_type

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        return {"type": self._JSON_TYPES[self._type]}

    def accepts(self, value: Any) -> bool:
        if self._type is float:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        if self._type is int:
            return isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, self._type)

    def convert(self, value: Any) -> Any:
        if self._type is str and isinstance(value, int) and not isinstance(value, bool):
            # A float is not written out: 1.10 has already lost its zero, and a long number its last digits.
            return str(value)
        if self._type is int:
            if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_EXACT:
                return int(value)
            if isinstance(value, str) and _is_integer_text(value):
                return int(value)
        if self._type is float and isinstance(value, str):
            try:
                return float(_finite(value))
            except ValueError:
                raise self.mismatch(value) from None
        if self._type is bool:
            if isinstance(value, str) and value.strip().lower() in ("true", "false"):
                return value.strip().lower() == "true"
            if value in (0, 1) and isinstance(value, (int, float)):
                return bool(value)
        raise self.mismatch(value)

    def __str__(self) -> str:
        return {"string": "a string", "integer": "an integer", "number": "a number", "boolean": "true or false"}.get(
            self._JSON_TYPES[self._type], "null"
        )


def _is_integer_text(text: str) -> bool:
    """Whether ``text`` is an integer as JSON writes it; "007" is not, it has something to lose."""
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 4000 and (digits == "0" or digits[0] != "0")


def _finite(text: str) -> float:
    value = loads(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError
    return value


class Choice(Shape):
    """Literal or Enum: a few values, each with the JSON value that stands for it."""

    def __init__(self, choices: Iterable[tuple[Any, Any]]) -> None:
        """``choices`` are pairs of the JSON value and the Python value."""
        self._choices = list(choices)

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        values = [json_value for json_value, _ in self._choices]
        types = {type(value) for value in values}
        schema = Scalar(types.pop()).schema(definitions) if len(types) == 1 else {}
        return {**schema, "enum": values}

    def accepts(self, value: Any) -> bool:
        return any(type(value) is type(python_value) and value == python_value for _, python_value in self._choices)

    def convert(self, value: Any) -> Any:
        for json_value, python_value in self._choices:
            if type(value) is type(json_value) and value == json_value:
                return python_value
        for json_value, python_value in self._choices:
            try:
                if Scalar(type(json_value)).fit(value) == json_value:
                    return python_value
            except Mismatch:
                continue
        raise self.mismatch(value)

    def __str__(self) -> str:
        return "one of " + ", ".join(repr(json_value) for json_value, _ in self._choices)


class Array(Shape):
    """list, set or frozenset, or a tuple of any length."""

    def __init__(self, python_type: type, items: Shape | None, *, read_only: bool = False) -> None:
        """``items`` is None for a bare list; ``read_only`` where any sequence will do, a tuple included."""
        self._type = python_type
        self._items = items
        self._accepted: Any = (list, tuple) if read_only else (python_type,)
        if python_type in (set, frozenset):
            self._accepted = (set, frozenset) if read_only else (python_type,)

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "array"}
        if self._items is not None:
            schema["items"] = self._items.schema(definitions)
        if self._type in (set, frozenset):
            schema["uniqueItems"] = True
        return schema

    def accepts(self, value: Any) -> bool:
        return isinstance(value, self._accepted) and (
            self._items is None or all(self._items.accepts(item) for item in value)
        )

    def convert(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise self.mismatch(value)
        items: Iterable[Any] = value
        if self._items is not None:
            items = [fit_under(f"[{position}]", self._items, item) for position, item in enumerate(value)]
        try:
            return self._type(items)
        except TypeError:
            raise Mismatch("an element of a set can be neither a list nor an object") from None

    def __str__(self) -> str:
        return "a list"


class TupleOf(Shape):
    """A tuple whose elements each have a type."""

    def __init__(self, items: Iterable[Shape]) -> None:
        self._items = tuple(items)

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        length = len(self._items)
        prefix = [item.schema(definitions) for item in self._items]
        return {"type": "array", "minItems": length, "maxItems": length, **({"prefixItems": prefix} if prefix else {})}

    def accepts(self, value: Any) -> bool:
        return (
            isinstance(value, tuple)
            and len(value) == len(self._items)
            and all(shape.accepts(item) for shape, item in zip(self._items, value, strict=True))
        )

    def convert(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) != len(self._items):
            raise self.mismatch(value)
        pairs = zip(self._items, value, strict=True)
        return tuple(fit_under(f"[{position}]", shape, item) for position, (shape, item) in enumerate(pairs))

    def __str__(self) -> str:
        return f"a list of {len(self._items)}"


class Mapped(Shape):
    """dict, and the abstract mappings. A bare type of the values is not told: ``dict[str, int]`` is a plain object."""

    def __init__(self, keys: Shape, values: Shape) -> None:
        self._keys = keys
        self._values = values

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        values = self._values.schema(definitions)
        return {"type": "object"} if values.keys() <= {"type"} else {"type": "object", "additionalProperties": values}

    def accepts(self, value: Any) -> bool:
        return isinstance(value, dict) and all(
            self._keys.accepts(key) and self._values.accepts(item) for key, item in value.items()
        )

    def convert(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise self.mismatch(value)
        return {
            fit_under(f"[{key!r}]", self._keys, key): fit_under(f"[{key!r}]", self._values, item)
            for key, item in value.items()
        }

    def __str__(self) -> str:
        return "an object"


class OneOf(Shape):
    """One of several. A choice that takes the value as it stands comes before one that has to convert it."""

    def __init__(self, choices: Iterable[Shape]) -> None:
        self._choices = tuple(choices)

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        schemas: list[dict[str, Any]] = []
        for choice in self._choices:
            schema = choice.schema(definitions)
            if schema not in schemas:
                schemas.append(schema)
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def accepts(self, value: Any) -> bool:
        return any(choice.accepts(value) for choice in self._choices)

    def convert(self, value: Any) -> Any:
        almost = []
        for choice in self._choices:
            try:
                return choice.fit(value)
            except Mismatch as error:
                if not error.wrong_kind:
                    almost.append(error)
        # A choice of the right kind knows better what is wrong than that there are others.
        if len(almost) == 1:
            raise almost[0]
        raise Mismatch("; or ".join(map(str, almost))) if almost else self.mismatch(value)

    def without_none(self) -> Shape | None:
        rest = [choice for choice in self._choices if not _is_none(choice)]
        if not rest or len(rest) == len(self._choices):
            return None
        return rest[0] if len(rest) == 1 else OneOf(rest)

    def __str__(self) -> str:
        return " or ".join(map(str, self._choices))


def _is_none(shape: Shape) -> bool:
    return isinstance(shape, Scalar) and shape.accepts(None)


class Described(Shape):
    """A type with a description."""

    def __init__(self, inner: Shape, description: str) -> None:
        self._inner = inner
        self.description = description

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        return {**self._inner.schema(definitions), "description": self.description}

    def accepts(self, value: Any) -> bool:
        return self._inner.accepts(value)

    def fit(self, value: Any) -> Any:
        return self._inner.fit(value)

    def without_none(self) -> Shape | None:
        rest = self._inner.without_none()
        return None if rest is None else Described(rest, self.description)

    def __str__(self) -> str:
        return str(self._inner)


class Named(Shape):
    """A type that may hold itself, and whose inside is known later: ``type Tree = list[Tree]``."""

    def __init__(self, key: Hashable, name: str) -> None:
        self._key = key
        self._name = name
        self.inner: Shape = Anything()

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        return definitions.reference(self._key, self._name, lambda: self.inner.schema(definitions))

    def accepts(self, value: Any) -> bool:
        return self.inner.accepts(value)

    def fit(self, value: Any) -> Any:
        return self.inner.fit(value)

    def without_none(self) -> Shape | None:
        return self.inner.without_none()

    def __str__(self) -> str:
        return self._name


class Foreign(Shape):
    """A type that a library knows."""

    def __init__(
        self,
        annotation: Any,
        make_schema: Callable[[], dict[str, Any]],
        validate: Callable[[Any], Any],
    ) -> None:
        """``make_schema`` gives the JSON Schema with its ``$defs``; ``validate`` raises ValueError."""
        self._annotation = annotation
        self._make_schema = make_schema
        self._validate = validate

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        return definitions.adopt(self._make_schema())

    def accepts(self, value: Any) -> bool:
        return isinstance(self._annotation, type) and isinstance(value, self._annotation)

    def convert(self, value: Any) -> Any:
        try:
            return self._validate(value)
        except ValueError as error:
            raise Mismatch(str(error)) from error

    def __str__(self) -> str:
        return getattr(self._annotation, "__name__", str(self._annotation))
