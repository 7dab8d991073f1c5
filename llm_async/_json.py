"""JSON in and out: orjson where it exists, the standard library where it does not, with one meaning.

What the two would read differently is settled here:

- what orjson refuses and JSON allows (a lone surrogate escape) is decided by the standard library;
- NaN, Infinity and numbers too large for a double are errors: JSON has none of them;
- integers beyond 64 bits (below -2**63, or 2**64 and above) become floats.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from typing import Any
from uuid import UUID

try:
    # Not by an import statement, after which type checkers take it for certain that it is there.
    orjson: Any = import_module("orjson")
except ImportError:
    orjson = None

__all__ = ["dumps", "dumps_text", "loads"]

_SMALLEST = -(2**63)
_LARGEST = 2**64 - 1
_LONGEST_64_BIT_INTEGER = 20  # digits, sign included


def loads(data: bytes | str) -> Any:
    """The value of a JSON text; ValueError when it is not JSON."""
    if orjson is not None:
        try:
            return orjson.loads(data)
        except ValueError as error:
            if "depth limit" in str(error):
                # The standard library would go down as far as Python recurses, where every destructor fails that happens
                # to run.
                raise ValueError("JSON nested too deeply") from None
            # Either no JSON at all, or one of the few things that only the standard library reads.
            return _loads_standard(data)
    return _loads_standard(data)


def _loads_standard(data: bytes | str) -> Any:
    text = data.decode("utf-8-sig") if isinstance(data, (bytes, bytearray, memoryview)) else data.removeprefix("\ufeff")
    try:
        return json.loads(text, parse_constant=_no_constant, parse_int=_integer, parse_float=_number)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    if len(digits) <= _LONGEST_64_BIT_INTEGER:
        value = int(digits)
        if _SMALLEST <= value <= _LARGEST:
            return value
    return _number(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("number too large for a double")
    return value


def _other(value: Any) -> Any:
    """What neither writer knows, as something that both know."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (set, frozenset)):
        raise TypeError("a set has no order; give a list")
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as JSON")


def dumps(value: Any) -> bytes:
    """``value`` as UTF-8 JSON; TypeError or ValueError when it has no JSON form."""
    if orjson is None:
        return _dumps_standard(value)
    try:
        data: bytes = orjson.dumps(
            value, default=_other, option=orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
        )
    except TypeError:
        # Integers beyond 64 bits, keys that are not strings, lone surrogates: the standard library writes them.
        return _dumps_standard(value)
    # orjson writes NaN as null without a word; where there is no null, there was no NaN.
    return _dumps_standard(value) if b"null" in data and _holds_nan(value) else data


def _holds_nan(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, Mapping):
        return any(_holds_nan(item) for item in value.values())
    return isinstance(value, (list, tuple)) and any(_holds_nan(item) for item in value)


def _dumps_standard(value: Any) -> bytes:
    return json.dumps(value, default=_other, allow_nan=False, separators=(",", ":")).encode("ascii")


def dumps_text(value: Any) -> str:
    """``value`` as JSON text, for places that hold JSON inside a string (tool arguments, tool results)."""
    return json.dumps(value, default=_other, allow_nan=False, ensure_ascii=False)
