"""JSON in and out means the same with orjson and without it."""

from __future__ import annotations

import enum
import json
import math
import uuid
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, strategies

from llm_async import _json

orjson = pytest.importorskip("orjson", reason="without orjson there is nothing to compare")


def both(text: str | bytes) -> list[Any]:
    """The value, or the class of the error, by either reader."""
    found = []
    for read in (_json.loads, _json._loads_standard):
        try:
            found.append(read(text))
        except ValueError:
            found.append(ValueError)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b'"caf\xc3\xa9"', "café"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud83d"', "\ud83d"),
        ("9223372036854775808", 9223372036854775808),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616.0),
        ("-9223372036854775808", -9223372036854775808),
        ("-9223372036854775809", -9223372036854775809.0),
        ("NaN", ValueError),
        ("Infinity", ValueError),
        ("[-Infinity]", ValueError),
        ("1e400", ValueError),
        ("9" * 400, ValueError),
        ("{", ValueError),
        ("", ValueError),
        ("{} {}", ValueError),
        (b'"\xff"', ValueError),
        ("[" * 100_000 + "]" * 100_000, ValueError),
    ],
)
def test_both_readers_agree(text: str | bytes, value: Any) -> None:
    assert both(text) == [value, value]


def test_a_big_integer_is_a_float_with_either_reader() -> None:
    assert [type(found) for found in both("18446744073709551616")] == [float, float]


VALUES = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers(min_value=-(2**63), max_value=2**64 - 1)
    | strategies.floats(allow_nan=False, allow_infinity=False)
    | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_the_same_with_either(value: Any) -> None:
    for written in (
        _json.dumps(value),
        _json._dumps_standard(value),
        _json.dumps_text(value).encode("utf-8", "replace"),
    ):
        if b"?" not in written:
            assert both(written) == [value, value]


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (MappingProxyType({"a": 1}), {"a": 1}),
        (Colour.RED, "red"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ((1, 2), [1, 2]),
        (2**70, 2**70),
    ],
)
def test_common_values_beyond_json_are_written(value: Any, text: Any) -> None:
    assert json.loads(_json.dumps({"v": value})) == {"v": text}
    assert json.loads(_json._dumps_standard({"v": value})) == {"v": text}


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {"a": object()}])
def test_a_value_without_json_form_is_refused_by_either(value: Any) -> None:
    for write in (_json.dumps, _json._dumps_standard):
        with pytest.raises(TypeError):
            write(value)


def test_nan_is_refused_by_either_writer() -> None:
    for write in (_json.dumps, _json._dumps_standard):
        with pytest.raises(ValueError):  # noqa: PT011
            write({"x": math.nan})
