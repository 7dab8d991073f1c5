"""JSON that arrives in pieces: the value so far, the changes, and what is no JSON, in both twins."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_async._json import loads
from llm_async.errors import ProtocolError

from .leaks import assert_no_growth

Twins = Callable[[str], tuple[ModuleType, ModuleType]]


def cuts(text: str) -> Iterator[list[str]]:
    """``text`` whole, cut once at every position, and character by character."""
    yield [text]
    for position in range(1, len(text)):
        yield [text[:position], text[position:]]
    yield list(text)


def whole(module: Any, pieces: list[str], *, ask: bool = False, record: bool = False) -> Any:
    """The value of a text in pieces, to be asked for after each of them."""
    reader = module.PartialJSON(record=record)
    for piece in pieces:
        reader.feed(piece)
        if ask:
            reader.value()
    return reader.close()


VALID = [
    "{}",
    " [ ] ",
    "\t{\r\n}\n",
    "true",
    "false",
    "null",
    "0",
    "-0",
    "-12.5e-3",
    '"text"',
    '""',
    '{"a": 1, "b": [true, false, null, {"c": {}}], "d": "e"}',
    "[[[[]]], {}, [{}]]",
    "[1,-1,0.5,1e5,1E+2,123456789012345678,1234567890123456789,-9223372036854775808]",
    "[18446744073709551615,18446744073709551616,-9223372036854775809,123456789012345678901234567890]",
    r'["\"\\\/\b\f\n\r\t", "\u0041\u00e9\u20ac\uFFFF\u0000"]',
    r'["\ud83d\ude00", "x\ud83d\ude00y"]',
    r'["\ud83d", "\ude00", "\ud83dx", "\ud83d\n", "\ud83d\ud83d\ude00", "\ude00\ud83d"]',
    '["é", "€", "😀", "\u2028", "\x7f"]',
    '["\ud83d", "\ude00", "\ud83d\ude00"]',
    '{"é": "a", "\\u00e9": "b", "": "c"}',
    '{"a": 1, "a": [2], "a": "3"}',
    '{"a": {"b": 1}, "a": {"c": 2}}',
    '\ufeff{"a": 1}',
]


@pytest.mark.parametrize("text", VALID, ids=lambda text: ascii(text[:30]))
def test_the_value_is_that_of_the_whole_text_however_it_is_cut(partial_json: ModuleType, text: str) -> None:
    expected = loads(text)
    for pieces in cuts(text):
        for ask, record in ((False, False), (True, False), (False, True)):
            value = whole(partial_json, pieces, ask=ask, record=record)
            assert value == expected
            assert repr(value) == repr(expected)


def test_a_value_may_be_as_deep_as_json_is_read(partial_json: ModuleType) -> None:
    text = "[" * 1024 + "1" + "]" * 1024
    for pieces in ([text], list(text)):
        value = whole(partial_json, pieces)
        for _ in range(1024):
            (value,) = value
        assert value == 1


INVALID = {
    # What is wrong, the place of the fault, what the message says about it.
    "": (0, "the text ends at character 0, expected a value"),
    "  ": (2, "the text ends at character 2, expected a value"),
    "[1": (2, "expected ',' or ']'"),
    '{"a": 1': (7, "expected ',' or '}'"),
    '{"a"': (4, "the text ends at character 4, expected ':'"),
    '{"a': (3, "expected the end of a string"),
    '"a\\': (3, "expected the end of a string"),
    "nul": (3, "expected null"),
    "-": (0, "expected a number"),
    "[1,]": (3, "expected a value"),
    "[,1]": (1, "expected a value or ']'"),
    "[1 2]": (3, "expected ',' or ']' at character 3, found '2'"),
    '{"a" 1}': (5, "expected ':'"),
    '{"a": }': (6, "expected a value"),
    '{"a": 1,}': (8, "expected a key"),
    "{1: 2}": (1, "expected a key or '}'"),
    "{'a': 2}": (1, "expected a key or '}'"),
    "{]": (1, "expected a key or '}'"),
    "[}": (1, "expected a value or ']'"),
    "]": (0, "expected a value"),
    "[] []": (3, "expected nothing more"),
    "{}}": (2, "expected nothing more"),
    "1,": (1, "expected nothing more"),
    "```json": (0, "expected a value"),
    "Here": (0, "expected a value"),
    "nulL": (3, "expected null"),
    "tru ": (3, "expected true"),
    "truely": (4, "expected nothing more"),
    "[NaN]": (1, "expected a value"),
    "[nan]": (2, "expected null"),
    "[Infinity]": (1, "expected a value"),
    "[-Infinity]": (1, "expected a number"),
    "[01]": (1, "expected a number"),
    "[+1]": (1, "expected a value"),
    "[1.]": (1, "expected a number"),
    "[.5]": (1, "expected a value"),
    "[1e]": (1, "expected a number"),
    "[1e400]": (1, "expected a number"),
    "[1-2]": (1, "expected a number"),
    "[0x1]": (2, "expected ',' or ']'"),
    '"\x1f"': (1, "not a control character"),
    '"a\n"': (2, "not a control character"),
    r'"\x"': (2, "expected an escape"),
    r'"\u12g4"': (5, "expected an escape"),
    r'"\u-123"': (3, "expected an escape"),
    r'"\U0041"': (2, "expected an escape"),
    "[1]\x00": (3, "expected nothing more"),
    "[\u00a01]": (1, "expected a value or ']'"),
    " \ufeff[]": (1, "expected a value"),
    "[//\n1]": (1, "expected a value or ']'"),
    "[" * 1025: (1024, "expected no more than 1024 levels"),
    '{"a":' * 1025: (5 * 1024, "expected no more than 1024 levels"),
}


@pytest.mark.parametrize("text", INVALID, ids=lambda text: ascii(text[:20]))
def test_what_is_no_json_is_an_error_with_its_place(partial_json: ModuleType, text: str) -> None:
    place, said = INVALID[text]
    with pytest.raises(ValueError):  # noqa: PT011 - that loads refuses it is all that is asked
        loads(text)
    for pieces in cuts(text) if len(text) < 1000 else [[text], list(text)]:
        with pytest.raises(ProtocolError) as caught:
            whole(partial_json, pieces)
        assert str(caught.value).startswith("no JSON: ")
        assert said in str(caught.value)
        assert f" at character {place}," in str(caught.value)


GROWING: dict[str, tuple[list[str], list[Any]]] = {
    "a key is there with its value": (['{"a', '":', " 1", ",", '"b', '":[', "]}"], [{}, {}, {}, {"a": 1}] + [{"a": 1}] + [{"a": 1, "b": []}] * 2),
    "a string is there from its quote on": (['["', "a", "b", '"', "]"], [[""], ["a"], ["ab"], ["ab"], ["ab"]]),
    "a number is there when it is whole": (["[1", "2", ".", "5", " ", "]"], [[], [], [], [], [12.5], [12.5]]),
    "a literal is there when it is whole": (["[t", "ru", "e", "]"], [[], [], [True], [True]]),
    "half a pair is not there": (['["a\\ud83d', "\\ude0", '0"]'], [["a"], ["a"], ["a😀"]]),
    "half an escape is not there": (['["a\\', "n", "\\u00", 'e9"]'], [["a"], ["a\n"], ["a\n"], ["a\né"]]),
    "the last of equal keys counts when it begins": (
        ['{"a": 1', ', "a"', ": ", '"', 'x"', ', "a": 2', "}"],
        [{}, {"a": 1}, {"a": 1}, {"a": ""}, {"a": "x"}, {"a": "x"}, {"a": 2}],
    ),
    "a string may be the root": (['"a', "b", '"'], ["a", "ab", "ab"]),
    "nothing is there before the root": (["", " ", "\n[", "]"], [None, None, [], []]),
}  # fmt: skip


@pytest.mark.parametrize(("pieces", "values"), GROWING.values(), ids=GROWING)
def test_the_value_grows(partial_json: ModuleType, pieces: list[str], values: list[Any]) -> None:
    reader = partial_json.PartialJSON()
    before: Any = None
    for piece, value in zip(pieces, values, strict=True):
        changed = reader.feed(piece)
        assert reader.value() == value
        assert changed == (repr(value) != repr(before))
        before = copy.deepcopy(value)
    assert reader.close() == values[-1]


def test_containers_grow_in_place(partial_json: ModuleType) -> None:
    reader = partial_json.PartialJSON()
    reader.feed('{"a": [{"b": "c')
    root = reader.value()
    inner = root["a"][0]
    reader.feed('d", "e": 1}, 2')
    assert inner == {"b": "cd", "e": 1}
    reader.feed("]}")
    assert reader.close() is root
    assert root["a"] == [inner, 2]


def test_a_string_that_somebody_keeps_does_not_change(partial_json: ModuleType) -> None:
    reader = partial_json.PartialJSON()
    reader.feed('["')
    kept = []
    for _ in range(100):
        reader.feed("abc")
        kept.append(reader.value()[0])
    reader.feed('"]')
    assert kept == ["abc" * count for count in range(1, 101)]
    assert reader.close() == ["abc" * 100]


def test_a_number_at_the_root_is_whole_at_the_end_of_the_text(partial_json: ModuleType) -> None:
    reader = partial_json.PartialJSON()
    reader.feed("12")
    assert (reader.value(), reader.complete) == (None, False)
    assert reader.close() == 12
    assert (reader.value(), reader.complete) == (12, True)


def test_whether_the_value_is_complete_is_known_at_its_last_bracket(partial_json: ModuleType) -> None:
    reader = partial_json.PartialJSON()
    seen = []
    for piece in ["[", "[]", ",{}", "]", " "]:
        reader.feed(piece)
        seen.append(reader.complete)
    assert seen == [False, False, False, True, True]


def test_what_came_before_a_fault_stays(partial_json: ModuleType) -> None:
    reader = partial_json.PartialJSON()
    reader.feed('{"a": "b')
    with pytest.raises(ProtocolError, match="at character 10") as caught:
        reader.feed("cd\x00")
    assert reader.failure is caught.value
    assert caught.value.payload == "\x00"
    for again in (lambda: reader.feed("more"), reader.close):
        with pytest.raises(ProtocolError) as repeated:
            again()
        assert repeated.value is caught.value
    assert reader.value() == {"a": "bcd"}


def test_a_text_that_ends_too_early_may_still_go_on(partial_json: ModuleType) -> None:
    reader = partial_json.PartialJSON()
    reader.feed('["a')
    with pytest.raises(ProtocolError, match="ends at character 3, expected the end of a string"):
        reader.close()
    assert reader.failure is None
    reader.feed('b"]')
    assert reader.close() == ["ab"]


@pytest.mark.parametrize("piece", [b"{}", None, 1])
def test_a_piece_must_be_a_str(partial_json: ModuleType, piece: Any) -> None:
    with pytest.raises(TypeError, match=f"text must be a str, not {type(piece).__name__}"):
        partial_json.PartialJSON().feed(piece)


def test_changes_have_their_paths(partial_json: ModuleType) -> None:
    reader = partial_json.PartialJSON(record=True)
    people: list[Any] = [{"name": "Ann"}, {"name": "Bo"}]
    root = {"people": people, "n": 12}
    taken = []
    for piece in ['{"pe', 'ople": [{"na', 'me": "A', "n", 'n"}, {"name": "Bo"', '}], "n": 1', "2}"]:
        reader.feed(piece)
        taken.append(copy.deepcopy(reader.take()))
    assert taken == [
        [((), {}, False)],
        [(("people",), [{}], False), (("people", 0), {}, False)],
        [(("people", 0, "name"), "A", False)],
        [(("people", 0, "name"), "n", False)],
        [
            (("people", 0, "name"), "n", True),
            (("people", 0), people[0], True),
            (("people", 1), people[1], False),
            (("people", 1, "name"), "Bo", True),
        ],
        [(("people", 1), people[1], True), (("people",), people, True)],
        [(("n",), 12, True), ((), root, True)],
    ]
    assert reader.take() == []
    assert reader.close() == root


def test_changes_of_a_root_that_is_no_container_have_an_empty_path(partial_json: ModuleType) -> None:
    for text, changes in {
        '"ab"': [((), "a", False), ((), "b", False), ((), "", True)],
        "12": [((), 12, True)],
        "null": [((), None, True)],
    }.items():
        reader = partial_json.PartialJSON(record=True)
        for piece in text if text.startswith('"') else [text]:
            reader.feed(piece)
        reader.close()
        assert [change for change in reader.take() if change != ((), "", False)] == changes


def test_changes_are_kept_only_where_that_was_said(partial_json: ModuleType) -> None:
    with pytest.raises(ValueError, match="record=True"):
        partial_json.PartialJSON().take()
    with pytest.raises(TypeError):
        partial_json.PartialJSON(True)


def test_a_long_string_that_is_asked_for_after_every_piece_arrives_whole(partial_json: ModuleType) -> None:
    reader = partial_json.PartialJSON()
    reader.feed('{"a": {"b": "')
    for count in range(1, 20_001):
        reader.feed("0123456789")
        assert len(reader.value()["a"]["b"]) == 10 * count
    reader.feed('"}}')
    assert reader.close() == {"a": {"b": "0123456789" * 20_000}}


def test_a_long_number_arrives_whole(partial_json: ModuleType) -> None:
    digits = "0." + "12" * 10_000
    assert whole(partial_json, list(digits), ask=True) == float(digits)


def test_nothing_leaks(partial_json: ModuleType) -> None:
    def exercise() -> None:
        for text in VALID[-6:]:
            whole(partial_json, [text[:7], text[7:]], ask=True, record=True)
        for text in ("[1,]", '{"a', "nulL", '"\\u12g4"', "[01]", "Here"):
            reader = partial_json.PartialJSON()
            try:
                reader.feed(text)
                reader.close()
            except ProtocolError:
                reader.value()

    assert_no_growth(exercise)


# The twins against each other, and both against json.loads.

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
TEXTS = st.builds(
    json.dumps, VALUES, ensure_ascii=st.booleans(), indent=st.sampled_from([None, 1]), separators=st.just((",", ": "))
)
# Nearly JSON: tokens in any order.
TOKENS = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", ",", ":", '"', '"a"', '"a":', "1", "-", "0", ".5", "e1", "true", "nul", "l", " ", "\\", "\\u",
         "d83d", "\\ude00", "\ud83d", "\n", "é", "\ufeff", "/", "99999999999999999999"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


def cut_at(text: str, positions: list[int]) -> list[str]:
    borders = [0, *sorted(position % (len(text) + 1) for position in positions), len(text)]
    return [text[start:end] for start, end in pairwise(borders)]


@settings(deadline=None, max_examples=40)
@given(text=TEXTS, positions=st.lists(st.integers(0, 10_000), max_size=6), ask=st.booleans(), record=st.booleans())
def test_the_end_of_invented_json_is_what_loads_makes_of_it(
    partial_json: ModuleType, text: str, positions: list[int], ask: bool, record: bool
) -> None:
    value = whole(partial_json, cut_at(text, positions), ask=ask, record=record)
    assert repr(value) == repr(loads(text))


def told(reader: Any, piece: str) -> str:
    """What feeding a piece says: the fault, if there is one. What was found there is told of the piece at hand."""
    try:
        reader.feed(piece)
    except ProtocolError as error:
        return str(error).split(", found")[0]
    return ""


@settings(deadline=None, max_examples=50)
@given(text=TEXTS | TOKENS)
def test_the_value_so_far_does_not_depend_on_the_cuts(partial_json: ModuleType, text: str) -> None:
    reader = partial_json.PartialJSON()
    for end in range(1, min(len(text), 60) + 1):
        other = partial_json.PartialJSON()
        fault = told(other, text[:end])
        assert told(reader, text[end - 1]) == fault
        assert repr(reader.value()) == repr(other.value())
        assert reader.complete is other.complete
        if fault:
            return


@settings(deadline=None, max_examples=40)
@given(text=TOKENS)
def test_what_loads_refuses_is_refused_and_nothing_else(partial_json: ModuleType, text: str) -> None:
    try:
        expected = repr(loads(text))
    except ValueError:
        with pytest.raises(ProtocolError):
            whole(partial_json, [text])
    else:
        assert repr(whole(partial_json, [text])) == expected


@settings(deadline=None, max_examples=40)
@given(text=TEXTS | TOKENS, positions=st.lists(st.integers(0, 10_000), max_size=6))
def test_the_twins_agree_on_invented_text(twins: Twins, text: str, positions: list[int]) -> None:
    compiled, plain = (module.PartialJSON(record=True) for module in twins("partial_json"))
    for piece in cut_at(text, positions):
        said = []
        for reader in (compiled, plain):
            try:
                said.append(repr(reader.feed(piece)))
            except ProtocolError as error:
                said.append(f"{error} {error.payload!r}")
            said[-1] += repr((reader.value(), reader.take(), reader.complete))
        assert said[0] == said[1]
        if compiled.failure is not None:
            return


@settings(deadline=None, max_examples=40)
@given(text=TEXTS, positions=st.lists(st.integers(0, 10_000), max_size=6))
def test_the_changes_make_up_the_value(partial_json: ModuleType, text: str, positions: list[int]) -> None:
    reader = partial_json.PartialJSON(record=True)
    values: dict[tuple[str | int, ...], Any] = {}
    for piece in cut_at(text, positions):
        reader.feed(piece)
    value = reader.close()
    for path, what, done in reader.take():
        if isinstance(what, str) and isinstance(values.get(path), str):
            values[path] += what
        else:
            values[path] = what
        if done:
            found = value
            for step in path:
                found = found[step]
            assert repr(found) == repr(values[path])
