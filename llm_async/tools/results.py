"""What a tool returns, as the text that the model reads, or as the images and files that it sees.

What belongs here: which Python values have a JSON form, and which one.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from .._json import dumps_text
from ..models.parts import Part, is_part
from .libraries import as_builtins

__all__ = ["as_json", "result_content", "result_text"]


def result_content(value: Any) -> str | list[Part]:
    """A content part, or a list of nothing else, as a list of parts (see :mod:`llm_async.parts`); anything else as text.

    Raises:
        TypeError, ValueError: it has no JSON form.
    """
    if is_part(value):
        return [value]
    if isinstance(value, (list, tuple)) and value and all(map(is_part, value)):
        return list(value)
    return result_text(value)


def result_text(value: Any) -> str:
    """A str as it is, anything else as JSON text; what has no JSON form, but a text of its class's own, as that text.

    Raises:
        TypeError, ValueError: it has neither.
    """
    if isinstance(value, str):
        return str(value.value if isinstance(value, Enum) else value)
    try:
        return dumps_text(as_json(value))
    except TypeError:
        if not _has_text(type(value)):
            raise
        return str(value)


def _has_text(kind: type) -> bool:
    """Whether somebody has written a text for the values of a class: a table or an exception has one, a generator none."""
    written = (vars(each).keys() & {"__str__", "__repr__"} for each in kind.__mro__ if each.__module__ != "builtins")
    return any(written) or issubclass(kind, BaseException)


def as_json(value: Any) -> Any:
    """``value`` as new dicts, lists, strings, numbers, booleans and None.

    A dataclass, a pydantic model, a msgspec struct, an attrs object and a named tuple become objects; dates and times
    their ISO form; durations, Decimal, UUID and paths strings; bytes the text that they are in UTF-8; a set a list; an
    Enum's member its value; what has a ``tolist`` (numpy's scalars and arrays) what that gives.

    Raises:
        TypeError, ValueError: there is no such form, or the value contains itself.
    """
    try:
        return _as_json(value)
    except RecursionError:
        raise ValueError("a value that contains itself has no JSON form") from None


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _as_json(value.value)
    for plain in (str, int, float):
        if isinstance(value, plain):
            return _finite(plain(value))
    builtins = as_builtins(value)
    if builtins is not NotImplemented:
        return builtins
    fields = _field_names(value)
    if fields is not None:
        return {name: _as_json(getattr(value, name)) for name in fields}
    if isinstance(value, Mapping):
        return {_key(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [_as_json(item) for item in _ordered(value)]
    return _as_json_leaf(value)


def _as_json_leaf(value: Any) -> Any:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (datetime.timedelta, Decimal, UUID, PurePath)):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.decode()
    if hasattr(value, "tolist"):
        return _as_json(value.tolist())
    raise TypeError(f"a value of type {type(value).__qualname__} has no JSON form")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    return value


def _field_names(value: Any) -> list[str] | None:
    """The fields of a dataclass, an attrs object or a named tuple, else None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [field.name for field in dataclasses.fields(value)]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(value._fields)
    attributes = getattr(type(value), "__attrs_attrs__", None)
    return None if attributes is None else [attribute.name for attribute in attributes]


def _key(key: Any) -> str:
    """An object's key: the text of whatever JSON form it has."""
    form = _as_json(key)
    return form if isinstance(form, str) else dumps_text(form)


def _ordered(items: Any) -> list[Any]:
    """A set's elements, in an order that is the same in every run where they have one."""
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=repr)
