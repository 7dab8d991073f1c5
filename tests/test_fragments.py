"""Templates of events: which events they read, and what they make of them, in both twins."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_async._speedups import Fragments
from llm_async.models import StreamChunk, Usage

from .leaks import assert_no_growth

LITERALS = [b'{"n":', b',"s":"', b'","a":"', b'"']


def reader(fragments: ModuleType, field: str = "content", **more: Any) -> tuple[Any, list[str], type]:
    """Fragments with one template, the texts that it has taken, and the class of its chunks."""
    chunk_type = type("Chunk", (fragments.Chunk,), {"__slots__": ()})
    texts: list[str] = []
    made = fragments.Fragments(chunk_type)
    made.add(LITERALS, "dst", b"}", field, texts.append, **more)
    return made, texts, chunk_type


def event(text: bytes, number: bytes = b"1", string: bytes = b"x", tail: bytes = b"}") -> bytes:
    return b'{"n":' + number + b',"s":"' + string + b'","a":"' + text + b'"' + tail


READ: dict[str, tuple[bytes, str]] = {
    "a text": (event(b"hello"), "hello"),
    "a text beyond ASCII": (event("é“🙂\u2028".encode()), "é“🙂\u2028"),
    "short escapes": (event(rb"\"\\\/\b\f\n\r\t"), '"\\/\b\f\n\r\t'),
    "an escape at the end": (event(rb"a\\"), "a\\"),
    "escaped characters": (event(rb"\u0041\u00e9\u20ac\uFFFF\u0000"), "Aé€\uffff\0"),
    "an escaped pair": (event(rb"\ud83d\ude42!"), "🙂!"),
    "a DEL is no control": (event(b"\x7f"), "\x7f"),
    "other numbers": (event(b"a", b"0"), "a"),
    "a long number": (event(b"a", b"123456789012345678"), "a"),
    "an empty string in a slot": (event(b"a", b"1", b""), "a"),
    "another string in a slot": (event(b"a", b"1", b"{]} ~"), "a"),
    "blanks between the brackets": (event(b"a", tail=b" \t\r\n} "), "a"),
    "what looks like the end in the text": (event(rb"a\"}"), 'a"}'),
    "a brace": (event(b"{"), "{"),
}
NOT_READ = {
    "another literal": event(b"a").replace(b'"n"', b'"m"'),
    "another literal at the end": event(b"a").replace(b'"}', b'",}'),
    "more at the end": event(b"a") + b"x",
    "a bracket too many": event(b"a", tail=b"}}"),
    "a bracket that is missing": event(b"a", tail=b""),
    "another bracket": event(b"a", tail=b"]"),
    "a text without end": event(b"a")[:-2],
    "a text that ends in a backslash": b'{"n":1,"s":"x","a":"a\\',
    "nothing": b"",
    "a control in the text": event(b"a\nb"),
    "a NUL in the text": event(b"a\0b"),
    "a control behind a backslash": event(b"a\\\nb"),
    "an unknown escape": event(rb"\x41"),
    "an escape cut short": event(rb"\u00e"),
    "an escape that is no hexadecimal number": event(rb"\u00eg"),
    "a signed escape": event(rb"\u-001"),
    "the first half of a pair": event(rb"\ud83d"),
    "the first half before a text": event(rb"\ud83dabcdef"),
    "the second half of a pair": event(rb"\ude42"),
    "two first halves": event(rb"\ud83d\ud83d"),
    "an overlong character": event(b"\xc0\x80"),
    "an encoded half": event(b"\xed\xa0\xbd"),
    "half a character": event(b"\xc3"),
    "no number": event(b"a", b""),
    "a number with a zero before it": event(b"a", b"01"),
    "a negative number": event(b"a", b"-1"),
    "a broken number": event(b"a", b"1.5"),
    "a number with an exponent": event(b"a", b"1e5"),
    "a number that is too long": event(b"a", b"1234567890123456789"),
    "an escape in a slot": event(b"a", b"1", b"\\n"),
    "a character beyond ASCII in a slot": event(b"a", b"1", "é".encode()),
    "a control in a slot": event(b"a", b"1", b"\t"),
    "a DEL in a slot": event(b"a", b"1", b"\x7f"),
}


@pytest.mark.parametrize("case", READ)
def test_an_event_of_the_template_is_read(fragments: ModuleType, case: str) -> None:
    payload, text = READ[case]
    made, texts, _ = reader(fragments)
    chunks: deque[Any] = deque()
    assert made.read([payload], 0, chunks) == 1
    assert texts == [text]
    assert [(chunk.content, chunk.reasoning, chunk.tool_call_deltas) for chunk in chunks] == [(text, "", [])]


@pytest.mark.parametrize("case", NOT_READ)
def test_any_other_event_is_left_alone(fragments: ModuleType, case: str) -> None:
    made, texts, _ = reader(fragments)
    chunks: deque[Any] = deque()
    assert made.read([event(b"a"), NOT_READ[case], event(b"b")], 0, chunks) == 1
    assert not made.known
    assert texts == ["a"]
    assert len(chunks) == 1


class Named(bytes):
    """As an error event comes."""


def test_an_event_with_a_name_is_left_alone(fragments: ModuleType) -> None:
    made, _, _ = reader(fragments)
    assert made.read([Named(event(b"a"))], 0, deque()) == 0


@given(st.binary(max_size=12))
def test_both_twins_read_the_same_texts(twins: Callable[[str], tuple[ModuleType, ModuleType]], body: bytes) -> None:
    outcomes = []
    for module in twins("fragments"):
        made, texts, _ = reader(module)
        outcomes.append((made.read([event(body)], 0, deque()), made.known, texts))
    assert outcomes[0] == outcomes[1]


def test_an_empty_text_is_known_and_not_read(fragments: ModuleType) -> None:
    made, texts, _ = reader(fragments)
    assert made.read([event(b"a"), event(b"")], 0, deque()) == 1
    assert made.known
    assert texts == ["a"]


def test_arguments_that_begin_with_a_brace_are_known_and_not_read(fragments: ModuleType) -> None:
    made, _, _ = reader(fragments, "arguments", make_delta=lambda text: ("delta", text))
    chunks: deque[Any] = deque()
    assert made.read([event(b"a{"), event(b"{"), event(b"b")], 0, chunks) == 1
    assert made.known
    assert [chunk.tool_call_deltas for chunk in chunks] == [[("delta", "a{")]]


def test_several_texts_are_taken_as_one_and_in_order(fragments: ModuleType) -> None:
    made, texts, _ = reader(fragments)
    made.add([b'{"r":"', b'"'], "t", b"}", "reasoning", texts.append)
    payloads = [event(b"a"), event(b"b"), b'{"r":"c"}', event(b"d"), event(b"e")]
    chunks: deque[Any] = deque()
    assert made.read(payloads, 0, chunks) == 5
    assert texts == ["ab", "c", "de"]
    assert [(chunk.content, chunk.reasoning) for chunk in chunks] == [
        ("a", ""), ("b", ""), ("", "c"), ("d", ""), ("e", ""),
    ]  # fmt: skip


def test_reading_begins_where_it_is_told_to(fragments: ModuleType) -> None:
    made, texts, _ = reader(fragments)
    assert made.read([b"x", event(b"a")], 1, deque()) == 2
    assert made.read([event(b"a")], 1, deque()) == 1
    assert texts == ["a"]


def test_a_template_without_a_field_makes_no_chunks(fragments: ModuleType) -> None:
    made, texts, _ = reader(fragments, "")
    chunks: deque[Any] = deque()
    assert made.read([event(b"a"), event(b"b")], 0, chunks) == 2
    assert (texts, list(chunks)) == (["ab"], [])


def test_the_last_event_with_usage_is_kept_until_it_is_asked_for(fragments: ModuleType) -> None:
    made, _, _ = reader(fragments, usage_of=lambda event: event["n"])
    chunks: deque[Any] = deque()
    made.read([event(b"a", b"1"), event(b"b", b"2")], 0, chunks)
    assert [chunk.usage for chunk in chunks] == [1, 2]
    assert made.take_last() == event(b"b", b"2")
    assert made.take_last() is None


def test_four_templates_are_kept(fragments: ModuleType) -> None:
    made, texts, _ = reader(fragments)
    for number in range(4):
        made.add([b'{"%d":"' % number, b'"'], "t", b"}", "content", texts.append)
    assert len(made) == 4
    assert made.read([event(b"a")], 0, deque()) == 0
    made.clear()
    assert len(made) == 0
    assert made.read([b'{"1":"a"}'], 0, deque()) == 0


@pytest.mark.parametrize(
    ("literals", "slots"), [([b"a"], "t"), ([b"a", b"b"], "d"), ([b"a"] * 3, "tt"), ([b"a"] * 3, "tx")]
)
def test_a_template_has_one_text_and_literals_around_its_slots(
    fragments: ModuleType, literals: list[bytes], slots: str
) -> None:
    with pytest.raises(ValueError, match="template"):
        fragments.Fragments(fragments.Chunk).add(literals, slots, b"}", "content", len)


def test_a_chunk_is_of_the_class_that_was_given(fragments: ModuleType) -> None:
    made, _, chunk_type = reader(fragments)
    chunks: deque[Any] = deque()
    made.read([event(b"a")], 0, chunks)
    assert type(chunks[0]) is chunk_type
    assert chunks[0].original == {"n": 1, "s": "x", "a": "a"}
    assert chunks[0].delta == "a"


def test_what_a_chunk_holds_can_be_set(fragments: ModuleType) -> None:
    chunk = fragments.Chunk("a", b'{"x":1}', usage=5)
    chunk.original, chunk.tool_call_deltas, chunk.usage = {"y": 2}, [1], 6
    assert (chunk.original, chunk.tool_call_deltas, chunk.usage) == ({"y": 2}, [1], 6)


def test_a_chunk_of_a_template_is_pickled_with_its_usage() -> None:
    made = Fragments(StreamChunk)
    made.add(LITERALS, "dst", b"}", "content", len, usage_of=lambda event: Usage(input_tokens=event["n"]))
    chunks: deque[StreamChunk] = deque()
    made.read([event(b"a")], 0, chunks)
    (chunk,) = chunks
    copy = pickle.loads(pickle.dumps(chunk))
    assert copy == chunk
    assert copy.usage == Usage(input_tokens=1)


def test_reading_leaks_nothing(fragments: ModuleType) -> None:
    payloads = [event(b"a"), event(rb"b\n\u00e9", b"2"), event(b""), event(b"\xff")]

    def read() -> None:
        made, _, _ = reader(fragments, usage_of=lambda event: event["n"])
        for start in range(len(payloads)):
            chunks: deque[Any] = deque()
            made.read(payloads, start, chunks)
            for chunk in chunks:
                assert chunk.usage
        made.take_last()

    assert_no_growth(read)
