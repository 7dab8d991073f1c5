"""Fragments of tool calls: which belong together, in both twins."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .leaks import assert_no_growth


class F(NamedTuple):
    """A fragment."""

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str = ""


Calls = list[tuple[str | None, str | None, str]]

CASES: dict[str, tuple[list[F], list[int], Calls]] = {
    # The fragments, the place that each is given, the calls in the end.
    "a call in fragments is one call": (
        [F(0, "a", "f"), F(0, None, None, '{"x"'), F(0, None, None, ": 1}")],
        [0, 0, 0],
        [("a", "f", '{"x": 1}')],
    ),
    "a call in one fragment is a call": ([F(0, "a", "f", "{}")], [0], [("a", "f", "{}")]),
    "calls side by side are told apart by index": (
        [F(0, "a", "f"), F(1, "b", "g"), F(0, None, None, "1"), F(1, None, None, "2"), F(0, None, None, "3")],
        [0, 1, 0, 1, 0],
        [("a", "f", "13"), ("b", "g", "2")],
    ),
    "calls stand in the order of their appearance": (
        [F(3, "a", "f"), F(1, "b", "g"), F(3, None, None, "1")],
        [0, 1, 0],
        [("a", "f", "1"), ("b", "g", "")],
    ),
    "an id that is repeated is one id": (
        [F(0, "a", "f", "1"), F(0, "a", "f", "2"), F(0, "a", "f", "")],
        [0, 0, 0],
        [("a", "f", "12")],
    ),
    "an id may come late": ([F(0, "", "f", "1"), F(0, "a", None, "2")], [0, 0], [("a", "f", "12")]),
    "a name may come late": ([F(0, "a", "", "1"), F(0, None, "f", "2")], [0, 0], [("a", "f", "12")]),
    "empty ids and names mean nothing": (
        [F(0, "a", "f", "1"), F(0, "", "", "2"), F(0, None, None, "3")],
        [0, 0, 0],
        [("a", "f", "123")],
    ),
    "no id and no name remain none": ([F(0, "", "", "1")], [0], [(None, None, "1")]),
    "another id at the same index is another call": (
        [F(0, "a", "f", "1"), F(0, "b", "g", "2"), F(0, None, None, "3")],
        [0, 1, 1],
        [("a", "f", "1"), ("b", "g", "23")],
    ),
    "an index that was used again still knows its first call": (
        [F(0, "a", "f", "1"), F(0, "b", "g", "2"), F(0, "a", None, "3"), F(0, "b", None, "4")],
        [0, 1, 0, 1],
        [("a", "f", "13"), ("b", "g", "24")],
    ),
    "the same id at another index is another call": (
        [F(0, "a", "f", "1"), F(1, "a", "f", "2"), F(0, "a", None, "3")],
        [0, 1, 0],
        [("a", "f", "13"), ("a", "f", "2")],
    ),
    "without an index a new id is a new call": (
        [F(None, "a", "f", "1"), F(None, "b", "g", "2")],
        [0, 1],
        [("a", "f", "1"), ("b", "g", "2")],
    ),
    "without an index a known id is its call": (
        [F(None, "a", "f", "1"), F(None, "b", "g", "2"), F(None, "a", None, "3")],
        [0, 1, 0],
        [("a", "f", "13"), ("b", "g", "2")],
    ),
    "without index and id the last call goes on": (
        [
            F(0, "a", "f", "1"),
            F(1, "b", "g", "2"),
            F(None, None, None, "3"),
            F(0, None, None, "4"),
            F(None, None, None, "5"),
        ],
        [0, 1, 1, 0, 0],
        [("a", "f", "145"), ("b", "g", "23")],
    ),
    "without index and id the first fragment is a call": (
        [F(None, None, None, "1"), F(None, None, "f", "2")],
        [0, 0],
        [(None, "f", "12")],
    ),
    "whole calls without ids at one index are told apart by name": (
        [F(0, "", "f", '{"x":1}'), F(0, "", "g", '{"y":2}')],
        [0, 1],
        [(None, "f", '{"x":1}'), (None, "g", '{"y":2}')],
    ),
    "whole calls without ids at one index are told apart by their arguments": (
        [F(0, "", "f", '{"x":1}'), F(0, "", "f", '{"x":2}'), F(0, None, None, " ")],
        [0, 1, 1],
        [(None, "f", '{"x":1}'), (None, "f", '{"x":2} ')],
    ),
    "whole calls without ids and indexes are told apart": (
        [F(None, None, "f", '{"x":1}'), F(None, None, "f", "{}"), F(None, None, "g", "{}")],
        [0, 1, 2],
        [(None, "f", '{"x":1}'), (None, "f", "{}"), (None, "g", "{}")],
    ),
    "whole calls without ids and indexes are told apart also where they are the same": (
        [F(None, None, "f", "{}"), F(None, None, "f", "{}")],
        [0, 1],
        [(None, "f", "{}"), (None, "f", "{}")],
    ),
    "a name that is repeated begins no call while the arguments go on": (
        [F(0, None, "f", '{"x":'), F(0, None, "f", '{"y":1}'), F(0, None, "f", "}")],
        [0, 0, 0],
        [(None, "f", '{"x":{"y":1}}')],
    ),
    "a name that is repeated begins no call within a string": (
        [F(0, None, "f", '{"x":"\\\\frac{a}'), F(0, None, "f", "{b}"), F(0, None, "f", '"}')],
        [0, 0, 0],
        [(None, "f", '{"x":"\\\\frac{a}{b}"}')],
    ),
    "another name before the arguments is not joined": (
        [F(0, None, "f"), F(0, None, "g", "{}")],
        [0, 0],
        [(None, "f", "{}")],
    ),
    "another name with the same id is not joined": (
        [F(0, "a", "f", "1"), F(0, "a", "g", "2")],
        [0, 0],
        [("a", "f", "12")],
    ),
    "the whole arguments once more are left out": (
        [F(0, "a", "f", '{"x":'), F(0, None, None, "1}"), F(0, None, None, '{"x":1}')],
        [0, 0, 0],
        [("a", "f", '{"x":1}')],
    ),
    "the whole arguments once more are left out whatever repeats": (
        [F(0, None, "f", '{"x":1}'), F(0, None, "f", '{"x":1}')],
        [0, 0],
        [(None, "f", '{"x":1}')],
    ),
    "the whole arguments once more are left out however they are written": (
        [F(0, "a", "f", '{"x":'), F(0, None, None, "1}"), F(0, None, None, '{ "x": 1 }')],
        [0, 0, 0],
        [("a", "f", '{"x":1}')],
    ),
    "other arguments behind whole ones stay": (
        [F(0, "a", "f", '{"x":1}'), F(0, None, None, '{"x":2}'), F(0, None, None, "{x}")],
        [0, 0, 0],
        [("a", "f", '{"x":1}{"x":2}{x}')],
    ),
    "empty arguments once more are left out": (
        [F(0, "a", "f", "{}"), F(0, "a", "f", "{}")],
        [0, 0],
        [("a", "f", "{}")],
    ),
    "a beginning that repeats is no copy": (
        [F(0, "a", "f", '{"x":'), F(0, None, None, '{"x":'), F(0, None, None, "1}}")],
        [0, 0, 0],
        [("a", "f", '{"x":{"x":1}}')],
    ),
    "text that repeats is no copy": (
        [F(0, "a", "f", '{"x":"'), F(0, None, None, "ha"), F(0, None, None, "ha"), F(0, None, None, '"}')],
        [0, 0, 0, 0],
        [("a", "f", '{"x":"haha"}')],
    ),
    "a string of braces is no copy": (
        [F(0, "a", "f", '"{}'), F(0, None, None, "{}"), F(0, None, None, '"')],
        [0, 0, 0],
        [("a", "f", '"{}{}"')],
    ),
    "arguments that are no JSON stay as they are": (
        [F(0, "a", "f", "{x}"), F(0, None, None, "{x}")],
        [0, 0],
        [("a", "f", "{x}{x}")],
    ),
    "halves of a surrogate pair are put together": (
        [F(0, "a", "f", '{"x":"\ud83d'), F(0, None, None, '\ude00"}')],
        [0, 0],
        [("a", "f", '{"x":"😀"}')],
    ),
}


@pytest.mark.parametrize(("fragments", "places", "calls"), CASES.values(), ids=CASES)
def test_fragments_are_put_together(
    tool_calls: ModuleType, fragments: list[F], places: list[int], calls: Calls
) -> None:
    accumulator = tool_calls.ToolCallAccumulator()
    assert [accumulator.feed(*fragment) for fragment in fragments] == places
    assert accumulator.calls() == calls
    assert len(accumulator) == len(calls)


@pytest.mark.parametrize(("fragments", "places", "calls"), CASES.values(), ids=CASES)
def test_asking_for_the_calls_in_between_changes_nothing(
    tool_calls: ModuleType, fragments: list[F], places: list[int], calls: Calls
) -> None:
    accumulator = tool_calls.ToolCallAccumulator()
    for fragment, place in zip(fragments, places, strict=True):
        assert accumulator.feed(*fragment) == place
        accumulator.calls()
    assert accumulator.calls() == calls


@pytest.mark.parametrize(("fragments", "places", "calls"), CASES.values(), ids=CASES)
def test_the_fragments_that_were_not_left_out_are_the_arguments(
    tool_calls: ModuleType, fragments: list[F], places: list[int], calls: Calls
) -> None:
    accumulator = tool_calls.ToolCallAccumulator()
    handed_on = ["" for _ in calls]
    for fragment in fragments:
        place = accumulator.feed(*fragment)
        if not accumulator.repeated:
            handed_on[place] += fragment.arguments
    joined = [text.encode("utf-16", "surrogatepass").decode("utf-16") for text in handed_on]
    assert joined == [arguments for _, _, arguments in calls]


def test_a_call_whose_place_is_known_is_extended_directly(tool_calls: ModuleType) -> None:
    accumulator = tool_calls.ToolCallAccumulator()
    assert not accumulator
    accumulator.feed(0, "a", "f", "{")
    accumulator.feed(1, "b", "g", "")
    accumulator.extend(0, '"x":1')
    accumulator.extend(0, "}")
    assert accumulator.repeated is False
    accumulator.extend(0, '{"x":1}')
    assert accumulator.repeated is True
    accumulator.extend(0, "")
    assert accumulator.repeated is False
    assert accumulator.feed(None, None, None, "\n") == 0
    assert accumulator.calls() == [("a", "f", '{"x":1}\n'), ("b", "g", "")]


@pytest.mark.parametrize("position", [-1, 1, 2**40])
def test_a_place_without_a_call_cannot_be_extended(tool_calls: ModuleType, position: int) -> None:
    accumulator = tool_calls.ToolCallAccumulator()
    accumulator.feed(0, "a", "f", "1")
    with pytest.raises(IndexError, match=str(position)):
        accumulator.extend(position, "2")
    assert accumulator.calls() == [("a", "f", "1")]


def test_many_small_fragments_arrive_whole(tool_calls: ModuleType) -> None:
    accumulator = tool_calls.ToolCallAccumulator()
    accumulator.feed(0, "a", "f", '{"x":"')
    for _ in range(150_000):
        accumulator.feed(0, None, None, "{abcdef}")
        accumulator.extend(0, "{abcdef}")
    accumulator.feed(0, None, None, '"}')
    assert accumulator.calls() == [("a", "f", '{"x":"' + "{abcdef}" * 300_000 + '"}')]


def test_nothing_leaks(tool_calls: ModuleType) -> None:
    def exercise() -> None:
        for fragments, _, _ in CASES.values():
            accumulator = tool_calls.ToolCallAccumulator()
            for fragment in fragments:
                accumulator.feed(*fragment)
            accumulator.calls()
            accumulator.calls()

    assert_no_growth(exercise)


# The twins against each other, and both against what was cut.

FRAGMENT = st.builds(
    F,
    index=st.sampled_from([None, 0, 0, 1, 2]),
    id=st.sampled_from([None, None, "", "a", "b"]),
    name=st.sampled_from([None, None, "", "f", "g"]),
    arguments=st.sampled_from(["", "{", "}", "{}", '{"x":', "1", '"', '{"x":1}', " ", "\ud83d", "\ude00"]),
)


@settings(deadline=None)
@given(fragments=st.lists(FRAGMENT, max_size=20))
def test_the_twins_agree_on_invented_fragments(
    twins: Callable[[str], tuple[ModuleType, ModuleType]], fragments: list[F]
) -> None:
    compiled, plain = (module.ToolCallAccumulator() for module in twins("tool_calls"))
    for fragment in fragments:
        assert compiled.feed(*fragment) == plain.feed(*fragment)
        assert compiled.repeated is plain.repeated
    assert compiled.calls() == plain.calls()
    assert len(compiled) == len(plain)


@settings(deadline=None)
@given(data=st.data(), texts=st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_calls_that_were_cut_and_mixed_are_put_together(
    tool_calls: ModuleType, data: st.DataObject, texts: list[str]
) -> None:
    accumulator = tool_calls.ToolCallAccumulator()
    expected: Calls = []
    remaining: dict[int, list[str]] = {}
    for index, text in enumerate(texts):
        accumulator.feed(index, f"id{index}", f"name{index}", "[")
        expected.append((f"id{index}", f"name{index}", "[" + text))
        remaining[index] = list(text)
    while remaining:
        index = data.draw(st.sampled_from(sorted(remaining)))
        assert accumulator.feed(index, None, None, remaining[index].pop(0)) == index
        if not remaining[index]:
            del remaining[index]
    assert accumulator.calls() == expected


def arguments_of(module: Any, *pieces: str) -> str:
    accumulator = module.ToolCallAccumulator()
    for piece in pieces:
        accumulator.feed(0, "a", "f", piece)
    return str(accumulator.calls()[0][2])


def test_a_copy_of_a_large_object_is_left_out(tool_calls: ModuleType) -> None:
    text = '{"x": "' + "a" * 1_000_000 + '"}'
    pieces = [text[start : start + 1000] for start in range(0, len(text), 1000)]
    assert arguments_of(tool_calls, *pieces, text) == text
