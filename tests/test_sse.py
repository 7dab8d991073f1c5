"""Server-sent events: which bytes give which payloads, in both twins and however the bytes are cut."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterable
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_async._speedups import ErrorPayload
from llm_async.errors import ProtocolError

from .cuts import cut_at, every_cut
from .leaks import assert_no_growth

BOM = b"\xef\xbb\xbf"

CASES: dict[str, tuple[bytes, list[bytes]]] = {
    # Lines and fields.
    "an event ends with a blank line": (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    "lines end with CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    "lines end with CR": (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    "line ends of every kind stand side by side": (b"data: a\r\n\ndata: b\r\r\ndata: c\n\r", [b"a", b"b", b"c"]),
    "CR LF LF is two line ends": (b"data: a\r\n\n", [b"a"]),
    "LF CR is two line ends": (b"data: a\n\rdata: b", [b"a", b"b"]),
    "nothing else ends a line": (
        "data: a\u2028b\u2029c\u0085d\x0b\x0c\x1c\x1d\x1e\n\n".encode(),
        ["a\u2028b\u2029c\u0085d\x0b\x0c\x1c\x1d\x1e".encode()],
    ),
    "one space behind the colon is dropped": (b"data:a\n\ndata:  b\n\ndata:\tc\n\n", [b"a", b" b", b"\tc"]),
    "space at the end of a line stays": (b"data: [DONE] \n\n", [b"[DONE] "]),
    "a colon in the data is data": (b"data: a: b\n\ndata::c\n\n", [b"a: b", b":c"]),
    "data lines are joined with LF": (b"data: a\ndata: b\r\ndata:c\n\n", [b"a\nb\nc"]),
    "data without a colon is an empty line": (b"data: a\ndata\ndata: b\n\n", [b"a\n\nb"]),
    "more blank lines mean nothing": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [b"a", b"b"]),
    "a BOM at the start is dropped": (BOM + b"data: a\n\n", [b"a"]),
    "a BOM before bare JSON is dropped": (BOM + b'{"a":1}\n', [b'{"a":1}']),
    "a second BOM is the name of some field": (BOM + BOM + b"data: a\n\ndata: b\n\n", [b"b"]),
    "a BOM anywhere else is the name of some field": (b"data: a\n\n" + BOM + b"data: b\n\ndata: c\n\n", [b"a", b"c"]),
    "half a BOM is the name of some field": (b"\xef\xbbdata: a\n\ndata: b\n\n", [b"b"]),
    "half a BOM alone is nothing": (b"\xef\xbb", []),
    "bytes that are not UTF-8 are passed on": (b"data: \xff\xfe\x00\n\n", [b"\xff\xfe\x00"]),
    # What is skipped.
    "comments are skipped": (b": OPENROUTER PROCESSING\n\n:\n\ndata: a\n: within\ndata: b\n\n:end", [b"a\nb"]),
    "id, retry and unknown fields are skipped": (b"id: 1\nretry: 9\nfoo: x\nfoo\ndata: a\nid\n\n", [b"a"]),
    "a field's name is read exactly": (b"datas: x\nDATA: x\ndat: x\n data: x\ndata : x\n\n", []),
    "a line that begins with a space is skipped": (b' data: {"a":1}\n {"b":2}\n\ndata: c\n\n', [b"c"]),
    "an event without data is not given out": (b"event: ping\nid: 1\n\ndata: a\n\n", [b"a"]),
    "an event with empty data is not given out": (b"data\n\ndata:\n\ndata: \n\ndata: a\n\n", [b"a"]),
    "an event with blank data is not given out": (b"data:  \t\n\ndata:\ndata:\n\ndata: a\n\n", [b"a"]),
    "nothing gives nothing": (b"", []),
    # Names.
    "an event's name may precede the data": (b"event: error\ndata: a\n\n", [ErrorPayload(b"a")]),
    "an event's name may follow the data": (b"data: a\nevent: error\n\n", [ErrorPayload(b"a")]),
    "an event's name may stand without a space": (b"event:error\ndata:a\n\n", [ErrorPayload(b"a")]),
    "a name holds for one event": (b"event: error\ndata: a\n\ndata: b\n\n", [ErrorPayload(b"a"), b"b"]),
    "a name without data holds for nothing": (b"event: error\n\ndata: a\n\n", [b"a"]),
    "the last name counts": (b"event: error\nevent: x\ndata: a\n\nevent: x\nevent: error\ndata: b\n\n", [b"a", ErrorPayload(b"b")]),
    "no other name makes an error": (b"event: errors\ndata: a\n\nevent: erro\ndata: b\n\nevent\ndata: c\n\n", [b"a", b"b", b"c"]),
    "named events stand among others": (
        b"event: a\ndata: 1\n\nevent: ping\ndata: 2\n\ndata: 3\n\nevent: error\ndata: 4\n\n: c\n\nevent: b\ndata: 5\n\n",
        [b"1", b"2", b"3", ErrorPayload(b"4"), b"5"],
    ),
    # The end of the body.
    "the end completes an event": (b"data: a\n\ndata: b\n", [b"a", b"b"]),
    "the end completes a line": (b"data: a\n\ndata: b", [b"a", b"b"]),
    "the end completes an event that has a name": (b"data: a\nevent: error", [ErrorPayload(b"a")]),
    "the end completes a line behind CR": (b"data: a\rdata: b\r", [b"a\nb"]),
    # Bare JSON.
    "bare JSON is an event": (b'data: a\n\n{"error": {"code": 503}}\n', [b"a", b'{"error": {"code": 503}}']),
    "bare JSON may have many lines": (b'{\r\n  "error": {\r  }\n\n}\r\n\r\ndata: a\n\n', [b'{\n  "error": {\n  }\n\n}', b"a"]),
    "bare JSON needs no line end": (b'{"a":1}', [b'{"a":1}']),
    "bare JSON may hold SSE fields": (b'{\ndata: 1\n\n"x": 2}\n', [b'{\ndata: 1\n\n"x": 2}']),
    "brackets in strings do not count": (b'{"a": "}]{", "b\\"}": "\\\\"}\ndata: x\n\n', [b'{"a": "}]{", "b\\"}": "\\\\"}', b"x"]),
    "bare JSON follows bare JSON": (b'{"a":1}{"b":2}\n{"c":3}\n\n{"d":4}', [b'{"a":1}', b'{"b":2}', b'{"c":3}', b'{"d":4}']),
    "what follows bare JSON on its line is a line": (b'{"a":1} {"b":2}\ndata: c\n\n', [b'{"a":1}', b"c"]),
    "bare JSON has the name of its event": (b'event: error\n{"a":1}\n\n{"b":2}', [ErrorPayload(b'{"a":1}'), b'{"b":2}']),
    "within an event's data there is no bare JSON": (b'data: a\n{"b":1}\n[2]\n\n', [b"a"]),
    "bare JSON that the end cuts is given out": (b'data: a\n\n{"error": {\n', [b"a", b'{"error": {\n']),
    "an escape at the end of a line changes nothing": (b'{"a\\\r\n"}\ndata: x\n\n', [b'{"a\\\n"}', b"x"]),
    "an array of objects is taken apart": (b'[{"a": [1]}\r\n,\r\n{"b": "]"},\n\n {"c": {}}\n]\r\n', [b'{"a": [1]}', b'{"b": "]"}', b'{"c": {}}']),
    "an array may begin with a line of its own": (b'[\n  {"a":1}\n]\ndata: b\n\n', [b'{"a":1}', b"b"]),
    "an array may lack its end": (b'[{"a":1},\n', [b'{"a":1}']),
    "an object of an array may lack its end": (b'[{"a":1},{"b":', [b'{"a":1}', b'{"b":']),
    "an empty array is nothing": (b"[]\n[ \n ]\ndata: a\n\n", [b"a"]),
    "an array of something else stays whole": (b"[DONE]\n[1, [2]]\n[ 3\n]", [b"[DONE]", b"[1, [2]]", b"[3\n]"]),
    "a lonely bracket is given out": (b"[ \n", [b"["]),
    "what does not belong to an array ends it": (b'[{"a":1}\ndata: b\n\n{"c":2}\n]\n', [b'{"a":1}', b"b", b'{"c":2}']),
}  # fmt: skip


def read(module: ModuleType, pieces: Iterable[bytes]) -> list[bytes]:
    decoder = module.EventDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]


def typed(events: list[bytes]) -> list[tuple[type, bytes]]:
    return [(type(event), bytes(event)) for event in events]


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES)
def test_a_body_gives_its_events_however_it_is_cut(sse: ModuleType, body: bytes, expected: list[bytes]) -> None:
    for pieces in every_cut(body):
        assert typed(read(sse, pieces)) == typed(expected), pieces


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES)
def test_the_cases_hold_in_the_model(body: bytes, expected: list[bytes]) -> None:
    assert typed(model(body)) == typed(expected)


def test_events_are_given_out_as_soon_as_they_are_complete(sse: ModuleType) -> None:
    decoder = sse.EventDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [b"a"]
    assert decoder.feed(b"data: b\r\n\r") == [b"b"]
    assert decoder.feed(b'\n{"c":1') == []
    assert decoder.feed(b"}") == [b'{"c":1}']
    assert decoder.feed(b'\n[{"d":1}') == [b'{"d":1}']


@pytest.mark.parametrize(
    ("body", "pending"),
    [
        (b"", False),
        (b"data: a\n\n", False),
        (b"data: a\r\n\r", False),
        (b": comment\n", False),
        (b'{"a":1}', False),
        (b'[{"a":1}]', False),
        (b"\n", False),
        (b"\xef", True),
        (b"\xef\xbb\xbf", False),
        (b": comment", True),
        (b"d", True),
        (b"data\n", True),
        (b"data: a\n", True),
        (b"event: x\n", True),
        (b"event: x\n\n", False),
        (b"[", True),
        (b'{"a":', True),
        (b'[{"a":1}', True),
    ],
)
def test_an_unfinished_event_is_pending_until_the_close(sse: ModuleType, body: bytes, pending: bool) -> None:
    for pieces in every_cut(body):
        decoder = sse.EventDecoder()
        for piece in pieces:
            decoder.feed(piece)
        assert decoder.pending is pending
        decoder.close()
        assert decoder.pending is False


def test_a_closed_decoder_takes_nothing_more(sse: ModuleType) -> None:
    decoder = sse.EventDecoder()
    decoder.feed(b"data: a")
    assert decoder.close() == [b"a"]
    assert decoder.close() == []
    with pytest.raises(ValueError, match="closed"):
        decoder.feed(b"data: b\n\n")


@pytest.mark.parametrize("data", [None, "data: a\n\n", bytearray(b"data: a\n\n"), memoryview(b"data: a\n\n")])
def test_only_bytes_are_taken(sse: ModuleType, data: object) -> None:
    with pytest.raises(TypeError):
        sse.EventDecoder().feed(data)


# The limit.

WITHIN_TWENTY: dict[str, bytes] = {
    "one line": b"data: 45678901234567\n\n",
    "several lines": b"data: 12345\ndata: 89\n\n",
    "an object": b'{"a":"789012345678"}\n',
    "objects of an array": b'[{"a":"789012345678"},\n{"a":"789012345678"}]',
    "the end without a line end": b"data: 45678901234567",
    "events beside each other": b"data: 1234567890\n\n" * 10,
    "a comment of the same size": b": 345678901234567890\n\ndata: a\n\n",
}

BEYOND_TWENTY: dict[str, tuple[bytes, list[bytes]]] = {
    "one line": (b"data: a\n\ndata: 456789012345678\n\ndata: b\n\n", [b"a"]),
    "a line of unknown kind": (b"data: a\n\n: 3456789012345678901\n\ndata: b\n\n", [b"a"]),
    "several lines": (b"data: 1234\ndata: 1234\ndata: 123456\n\n", []),
    "a line without end": (b"data: 4567890123456789", []),
    "data and an unfinished line": (b"data: 1234567\n: 345678901234", []),
    "an object": (b'data: a\n\n{"a":"789012345678901"}', [b"a"]),
    "an object with many line ends": (b"{" + b"\r\n" * 20 + b"}", []),
    "an object of an array": (b'[{"a":1},{"a":"789012345678901"}]', [b'{"a":1}']),
}


@pytest.mark.parametrize("body", WITHIN_TWENTY.values(), ids=WITHIN_TWENTY)
def test_an_event_may_have_as_many_bytes_as_the_limit(sse: ModuleType, body: bytes) -> None:
    for pieces in every_cut(body):
        decoder = sse.EventDecoder(20)
        events = [event for piece in pieces for event in decoder.feed(piece)]
        assert [*events, *decoder.close()] == model(body)
        assert decoder.failure is None


@pytest.mark.parametrize(("body", "before"), BEYOND_TWENTY.values(), ids=BEYOND_TWENTY)
def test_an_event_with_more_bytes_is_an_error_after_those_before_it(
    sse: ModuleType, body: bytes, before: list[bytes]
) -> None:
    for pieces in every_cut(body):
        decoder = sse.EventDecoder(limit=20)
        events = []
        with pytest.raises(ProtocolError, match="event_bytes=20"):  # noqa: PT012 - any of the pieces may be the one
            for piece in pieces:
                events += decoder.feed(piece)
            decoder.close()
        assert events == before
        assert isinstance(decoder.failure, ProtocolError)
        assert decoder.pending is False
        with pytest.raises(ProtocolError, match="event_bytes=20"):
            decoder.feed(b"data: b\n\n")
        with pytest.raises(ProtocolError, match="event_bytes=20"):
            decoder.close()


# Large events, and memory.


def test_events_of_many_megabytes_arrive_whole(sse: ModuleType) -> None:
    text = b"0123456789abcdef" * 2**18
    body = b"data: " + text + b"\n\ndata: a\n\n" + b'{"' + text + b'": 1}\n' + b"data: " + text + b"\ndata: b"
    expected = [text, b"a", b'{"' + text + b'": 1}', text + b"\nb"]
    assert read(sse, [body[start : start + 65536] for start in range(0, len(body), 65536)]) == expected
    assert read(sse, [body[start : start + 1000] for start in range(0, len(body), 1000)]) == expected


@pytest.mark.parametrize("start", [b"data: ", b'{"', b'[{"'])
def test_an_event_that_comes_byte_by_byte_takes_no_more_memory_than_it_has(sse: ModuleType, start: bytes) -> None:
    decoder = sse.EventDecoder()
    tracemalloc.start()
    try:
        decoder.feed(start)
        for _ in range(40_000):
            decoder.feed(b"x")
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_nothing_leaks(sse: ModuleType) -> None:
    bodies = [body for body, _ in CASES.values()]

    def exercise() -> None:
        for body in bodies:
            read(sse, [body[:9], body[9:]])
            sse.EventDecoder().feed(body)
            decoder = sse.EventDecoder(3)
            for piece in (body, body, None, None):
                outcome(decoder, piece)

    assert_no_growth(exercise)


# Against a model that is as slow as it is plain, and the twins against each other.


def model(body: bytes) -> list[bytes]:
    """The events of a whole body, by the letter of the rules."""
    text = re.sub(rb"\r\n?", b"\n", body.removeprefix(BOM))
    events: list[bytes] = []
    data: list[bytes] = []
    name = b""

    def give(payload: bytes) -> None:
        if payload.strip():
            events.append(ErrorPayload(payload) if name == b"error" else payload)

    while text:
        first = text[:1]
        if first == b"{" and not data:
            end = end_of_json(text)
            give(text[:end])
            text = text[end:]
        elif first == b"[" and not data:
            text = text[1:].lstrip(b" \t\n")
            if text.startswith(b"]"):
                text = text[1:]
            elif text.startswith(b"{"):
                while text.startswith(b"{"):
                    end = end_of_json(text)
                    give(text[:end])
                    text = text[end:].lstrip(b" \t\n,")
                text = text.removeprefix(b"]")
            else:
                text = b"[" + text
                end = end_of_json(text)
                give(text[:end])
                text = text[end:]
        else:
            line, _, text = text.partition(b"\n")
            field, _, value = line.partition(b":")
            if not line:
                give(b"\n".join(data))
                data, name = [], b""
            elif field == b"data":
                data.append(value.removeprefix(b" "))
            elif field == b"event":
                name = value.removeprefix(b" ")
    give(b"\n".join(data))
    return events


def end_of_json(text: bytes) -> int:
    depth, inside, escaped = 0, False, False
    for position, byte in enumerate(text.decode("latin-1"), 1):
        if escaped:
            escaped = False
        elif inside:
            escaped, inside = byte == "\\", byte != '"'
        elif byte == '"':
            inside = True
        elif byte in "{[":
            depth += 1
        elif byte in "}]":
            depth -= 1
            if not depth:
                return position
    return len(text)


WORDS = [b"data", b"data: ", b"data:", b"event", b"event: error", b"event: ", b":", b" ", b"a", b"b\xc3\xa9", BOM, BOM[:2],
         b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"{", b"}", b"[", b"]", b'"', b"\\", b",", b": c\n\n",
         b'data: {"a":1}\n\n', b'event: x\ndata: {"a":1}\n\n', b'{"a":1}', b'[{"a":1},\r\n', b"\xe2\x80\xa8"]  # fmt: skip
BODIES = st.lists(st.sampled_from(WORDS), max_size=40).map(b"".join)
CUTS = st.lists(st.integers(0, 200), max_size=12)


@settings(deadline=None)
@given(body=BODIES, cuts=CUTS)
def test_invented_bodies_give_the_events_of_the_model(sse: ModuleType, body: bytes, cuts: list[int]) -> None:
    assert typed(read(sse, cut_at(body, cuts))) == typed(model(body))


@settings(deadline=None)
@given(body=BODIES, cuts=CUTS, limit=st.integers(0, 40))
def test_the_twins_agree_on_invented_bodies_piece_by_piece(
    twins: Callable[[str], tuple[ModuleType, ModuleType]], body: bytes, cuts: list[int], limit: int
) -> None:
    compiled, plain = (module.EventDecoder(limit) for module in twins("sse"))
    for piece in [*cut_at(body, cuts), None]:
        assert outcome(compiled, piece) == outcome(plain, piece)
        assert compiled.pending is plain.pending
        assert (compiled.failure is None) is (plain.failure is None)


def outcome(decoder: object, piece: bytes | None) -> object:
    try:
        return typed(decoder.close() if piece is None else decoder.feed(piece))  # type: ignore[attr-defined]
    except ProtocolError as error:
        return str(error)
