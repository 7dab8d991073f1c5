"""Arguments that Vertex AI streams piece by piece, put together."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async.errors import ProtocolError
from llm_async.protocols.gemini_partial_args import PartialArgs, parse_path


def put_together(*pieces: tuple[str, str, Any]) -> dict[str, Any]:
    args = PartialArgs()
    for path, kind, value in pieces:
        args.add({"jsonPath": path, kind: value})
    return args.value()


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$.a", ("a",)),
        ("$.a[0].b", ("a", 0, "b")),
        ("$['x y']", ("x y",)),
        ('$["x y"][10]', ("x y", 10)),
        ("$['it\\'s']", ("it's",)),
        (r"$['\u00e9\n\\']", ("é\n\\",)),
        ("$['\\ud83d\\ude00']", ("😀",)),
        ("$.a['b.c[0]']", ("a", "b.c[0]")),
        ("$.naïve-name_1", ("naïve-name_1",)),
    ],
)
def test_a_path_is_its_steps(path: str, steps: tuple[str | int, ...]) -> None:
    assert parse_path(path) == steps


@pytest.mark.parametrize(
    "path",
    [
        "",
        "$",
        "a",
        "$a",
        "$.",
        "$..a",
        "$[0]",
        "$.a[",
        "$.a[-1]",
        "$.a[*]",
        "$.a[1:2]",
        "$['a",
        "$.a[01]",
        None,
        7,
        "$" + ".a" * 101,
    ],
)
def test_a_path_that_names_no_single_member_is_refused(path: Any) -> None:
    with pytest.raises(ProtocolError):
        parse_path(path)


def test_strings_grow_and_other_values_come_whole() -> None:
    pieces = [
        ("$.s", "stringValue", "a"),
        ("$.n", "numberValue", 1),
        ("$.s", "stringValue", "b"),
        ("$.b", "boolValue", False),
    ]
    assert put_together(*pieces, ("$.z", "nullValue", None)) == {"s": "ab", "n": 1, "b": False, "z": None}


def test_members_stand_in_the_order_of_their_first_piece() -> None:
    made = put_together(("$.b", "stringValue", "1"), ("$.a", "stringValue", "2"), ("$.b", "stringValue", "3"))
    assert list(made.items()) == [("b", "13"), ("a", "2")]


def test_lists_and_objects_come_into_being_on_the_way() -> None:
    assert put_together(
        ("$.a[0][0]", "numberValue", 1), ("$.a[0][1]", "numberValue", 2), ("$.a[1].x.y", "stringValue", "z")
    ) == {"a": [[1, 2], {"x": {"y": "z"}}]}


def test_a_gap_in_a_list_is_null() -> None:
    assert put_together(("$.a[2]", "numberValue", 1)) == {"a": [None, None, 1]}


def test_halves_of_a_character_are_joined() -> None:
    assert put_together(("$.s", "stringValue", "\ud83d"), ("$.s", "stringValue", "\ude00")) == {"s": "😀"}


def test_a_piece_without_a_value_says_nothing() -> None:
    args = PartialArgs()
    args.add({"jsonPath": "$.a", "willContinue": True})
    assert args.value() == {}


def test_the_value_may_be_asked_for_at_any_time() -> None:
    args = PartialArgs()
    args.add({"jsonPath": "$.a", "stringValue": "x"})
    assert args.value() == {"a": "x"}
    args.add({"jsonPath": "$.a", "stringValue": "y"})
    args.update({"b": 1})
    assert args.value() == {"a": "xy", "b": 1}
    args.update({"a": "whole"})
    assert args.value() == {"a": "whole", "b": 1}


@pytest.mark.parametrize(
    "pieces",
    [
        [("$.a", "stringValue", "x"), ("$.a.b", "stringValue", "y")],
        [("$.a.b", "stringValue", "y"), ("$.a", "stringValue", "x")],
        [("$.a.b", "stringValue", "y"), ("$.a[0]", "stringValue", "x")],
        [("$.a[0]", "numberValue", 1), ("$.a.b", "numberValue", 1)],
        [("$.a[0]", "numberValue", 1), ("$.a[999999]", "numberValue", 1)],
        [("$.a", "stringValue", 1)],
    ],
)
def test_pieces_that_contradict_each_other_are_a_protocol_error(pieces: list[tuple[str, str, Any]]) -> None:
    with pytest.raises(ProtocolError):
        put_together(*pieces)
