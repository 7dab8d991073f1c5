"""Merging deltas: one table of rules, both twins."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .leaks import assert_no_growth

CASES: dict[str, tuple[str, list[Any], Any]] = {
    # How the values of one field are merged: rule, values in order, value in the result.
    "strings are joined": ("join", ["a", "b", "", "c"], "abc"),
    "empty strings are an empty text": ("join", ["", ""], ""),
    "a null is no text": ("join", [None, "a", None, "b", None], "ab"),
    "nothing but null stays null": ("join", [None, None], None),
    "null, then an empty text, is an empty text": ("join", [None, ""], ""),
    "another value takes the place of a text": ("join", ["a", [1], None, ""], [1]),
    "a number is not added to a number": ("join", [1, 2], 2),
    "a text takes the place of another value": ("join", ["a", 5, "b", "c"], "bc"),
    "halves of a surrogate pair are put together": ("join", ["a\ud83d", "\ude00b"], "a😀b"),
    "a lone half becomes U+FFFD": ("join", ["a\ud83d", "b", "\ude00"], "a\ufffdb\ufffd"),
    "the first string stays": ("first", ["a", "b", ""], "a"),
    "an empty string makes way": ("first", ["", "a", "b"], "a"),
    "zero makes way": ("first", [0, 1753242299, 1753242300], 1753242299),
    "what is always empty stays as it is": ("first", ["", None, ""], ""),
    "null is not first": ("first", [None, "a", None], "a"),
    "the last string stays": ("last", ["a", "b", None], "b"),
    "an empty string may be last": ("last", ["a", ""], ""),
    "the last number stays": ("last", [1, 2, 3], 3),
    "the last object stays whole": ("last", [{"a": 1, "b": 2}, {"a": 3}, None], {"a": 3}),
    "a lone half in a string becomes U+FFFD": ("last", ["\ud83d"], "\ufffd"),
    "lists are extended": ("extend", [[1], [], [2, 3], None], [1, 2, 3]),
    "an empty list is a list": ("extend", [[]], []),
    "one element without its list is an element": ("extend", [[1], {"a": 2}, "b"], [1, {"a": 2}, "b"]),
    "a list of nothing but null stays null": ("extend", [None], None),
}


@pytest.mark.parametrize(("rule", "values", "merged"), CASES.values(), ids=CASES)
def test_values_are_merged_by_the_rule_of_their_field(
    deltas: ModuleType, rule: str, values: list[Any], merged: Any
) -> None:
    merger = deltas.DeltaMerger({"field": rule, "other": "ignore"})
    given_values = copy.deepcopy(values)
    for value in values:
        merger.merge({"field": value, "other": value})
    assert merger.result() == {"field": merged}
    assert type(merger.result()["field"]) is type(merged)
    assert values == given_values


@pytest.mark.parametrize(("rule", "values", "merged"), CASES.values(), ids=CASES)
def test_asking_for_the_result_in_between_changes_nothing(
    deltas: ModuleType, rule: str, values: list[Any], merged: Any
) -> None:
    merger = deltas.DeltaMerger({"field": rule})
    for value in values:
        merger.result()
        merger.merge({"field": value})
        merger.result()
    assert merger.result() == {"field": merged}


def test_a_field_without_a_rule_keeps_its_last_value(deltas: ModuleType) -> None:
    merger = deltas.DeltaMerger({"content": "join"})
    merger.merge({"content": "a", "name": "x", "tokens": 5})
    merger.merge({"content": "b", "name": "x", "tokens": 7})
    assert merger.result() == {"content": "ab", "name": "x", "tokens": 7}


def test_an_ignored_field_is_left_out(deltas: ModuleType) -> None:
    merger = deltas.DeltaMerger({"tool_calls": "ignore"})
    merger.merge({"tool_calls": [1]})
    assert len(merger) == 0
    assert not merger
    assert merger.result() == {}


def test_fields_keep_the_order_of_their_first_appearance(deltas: ModuleType) -> None:
    merger = deltas.DeltaMerger({"content": "join", "parts": "extend", "id": "first", "x": "ignore"})
    for delta in (
        {"role": "a", "content": None, "x": 1},
        {"id": "", "parts": []},
        {"b": 1, "content": "t"},
        {"id": "1"},
    ):
        merger.merge(delta)
    assert list(merger.result()) == ["role", "content", "id", "parts", "b"]
    assert len(merger) == 5


def test_a_merger_is_true_once_it_has_a_field(deltas: ModuleType) -> None:
    merger = deltas.DeltaMerger({})
    assert not merger
    merger.merge({})
    assert not merger
    merger.merge({"content": ""})
    assert merger
    assert len(merger) == 1


def test_results_are_independent_of_each_other_and_of_the_deltas(deltas: ModuleType) -> None:
    merger = deltas.DeltaMerger({"parts": "extend", "text": "join"})
    delta = {"parts": [1], "text": "a"}
    merger.merge(delta)
    first = merger.result()
    first["parts"].append(9)
    delta["parts"].append(8)  # type: ignore[attr-defined]
    merger.merge({"parts": [2], "text": "b"})
    second = merger.result()
    assert first == {"parts": [1, 9], "text": "a"}
    assert second == {"parts": [1, 2], "text": "ab"}


def test_an_unknown_rule_is_an_error_that_names_the_field(deltas: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"'content'.*'add'"):
        deltas.DeltaMerger({"content": "add"})


@pytest.mark.parametrize("delta", [None, [], "content", 1])
def test_a_delta_that_is_no_object_is_an_error(deltas: ModuleType, delta: object) -> None:
    with pytest.raises(TypeError, match=type(delta).__name__):
        deltas.DeltaMerger({}).merge(delta)


def test_a_long_text_in_small_pieces_arrives_whole(deltas: ModuleType) -> None:
    merger = deltas.DeltaMerger({"content": "join"})
    for _ in range(300_000):
        merger.merge({"content": "abcdefgh"})
    assert merger.result()["content"] == "abcdefgh" * 300_000


def test_nothing_leaks(deltas: ModuleType) -> None:
    def exercise() -> None:
        for rule, values, _ in CASES.values():
            merger = deltas.DeltaMerger({"field": rule, "other": "ignore"})
            for value in values:
                merger.merge({"field": value, "other": value, "unknown": value})
            merger.result()
            merger.result()

    assert_no_growth(exercise)


# Against a model, and with it the twins against each other.

RULES = ("join", "first", "last", "extend", "ignore")
VALUES = st.one_of(
    st.none(),
    st.sampled_from(["", "a", "bc", "\ud83d", "\ude00", "é😀"]),
    st.integers(0, 2),
    st.booleans(),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.sampled_from("xy"), st.integers(0, 3), max_size=2),
)
DELTAS = st.lists(st.dictionaries(st.sampled_from([*RULES, "none"]), VALUES, max_size=6), max_size=12)


@settings(deadline=None)
@given(invented=DELTAS, asked=st.integers(0, 12))
def test_invented_deltas_give_what_the_model_gives(
    deltas: ModuleType, invented: list[dict[str, Any]], asked: int
) -> None:
    merger = deltas.DeltaMerger({rule: rule for rule in RULES})
    for position, delta in enumerate(invented):
        merger.merge(delta)
        if position == asked:
            merger.result()
    assert repr(merger.result()) == repr(model(invented))


@settings(deadline=None)
@given(invented=DELTAS)
def test_the_twins_agree_on_invented_deltas(
    twins: Callable[[str], tuple[ModuleType, ModuleType]], invented: list[dict[str, Any]]
) -> None:
    compiled, plain = (module.DeltaMerger({rule: rule for rule in RULES}) for module in twins("deltas"))
    for delta in invented:
        compiled.merge(delta)
        plain.merge(delta)
        assert repr(compiled.result()) == repr(plain.result())
        assert len(compiled) == len(plain)


def model(invented: list[dict[str, Any]]) -> dict[str, Any]:
    """Each field by itself, its values side by side."""
    names = dict.fromkeys(name for delta in invented for name in delta if name != "ignore")
    columns = {name: [delta[name] for delta in invented if delta.get(name) is not None] for name in names}
    return {name: merged(name, values) for name, values in columns.items()}


def merged(rule: str, values: list[Any]) -> Any:
    if not values:
        return None
    if rule == "first":
        value = next(filter(None, values), values[-1])
    elif rule == "extend":
        value = [element for value in values for element in (value if isinstance(value, list) else [value])]
    elif rule == "join":
        # What precedes the last value that is no text is gone; an empty text does not displace it.
        others = [position for position, value in enumerate(values) if not isinstance(value, str)]
        text = "".join(values[others[-1] + 1 :] if others else values)
        value = text if text or not others else values[others[-1]]
    else:
        value = values[-1]
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return value
