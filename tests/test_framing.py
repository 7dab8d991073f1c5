"""The chunked transfer coding: which bytes give which body, in both twins and however the bytes are cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_async._speedups import FramingError

from .cuts import cut_at, every_cut
from .leaks import assert_no_growth

WELL_FORMED: dict[str, tuple[bytes, bytes]] = {
    "one chunk": (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
    "several chunks": (b"1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", b"abcdef"),
    "no chunk": (b"0\r\n\r\n", b""),
    "a size of many digits": (b"00000000000000000000000000000003\r\nabc\r\n000\r\n\r\n", b"abc"),
    "sizes in letters of both cases": (b"a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", b"01234567890123456789a"),
    "data that looks like framing": (b"9\r\n\r\n0\r\n\r\n5\r\r\n0\r\n\r\n", b"\r\n0\r\n\r\n5\r"),
    "an extension": (b"3;a=b\r\nabc\r\n0;c\r\n\r\n", b"abc"),
    "several extensions": (b"3;a;b=c; d = e\r\nabc\r\n0\r\n\r\n", b"abc"),
    "an extension in quotes": (b'3;a="b;\\"c: 5"\r\nabc\r\n0\r\n\r\n', b"abc"),
    "an empty extension": (b"3;\r\nabc\r\n0;;\r\n\r\n", b"abc"),
    "white space behind the size": (b"3 \r\nabc\r\n3\t \r\ndef\r\n0  \r\n\r\n", b"abcdef"),
    "white space around a semicolon": (b"3 \t; a\r\nabc\r\n0\r\n\r\n", b"abc"),
    "LF alone behind the sizes": (b"3\nabc\r\n3;a\ndef\r\n0\n\n", b"abcdef"),
    "trailers": (b"3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"abc"),
    "trailers that end with LF": (b"3\r\nabc\r\n0\r\nA: b\nC: d\n\n", b"abc"),
    "a CR within a trailer": (b"3\r\nabc\r\n0\r\nA: \rb\r\r\n\r\n", b"abc"),
}

MALFORMED: dict[str, tuple[bytes, bytes, str]] = {
    "no size": (b"\r\nabc\r\n0\r\n\r\n", b"", "begins with the byte 0x0d"),
    "no size but an LF": (b"\nabc", b"", "begins with the byte 0x0a"),
    "no size but an extension": (b";a\r\nabc\r\n", b"", "begins with the byte 0x3b"),
    "a prefix": (b"0x3\r\nabc\r\n", b"", "followed by the byte 0x78"),
    "a plus": (b"+3\r\nabc\r\n", b"", "begins with the byte 0x2b"),
    "a minus": (b"-1\r\nabc\r\n", b"", "begins with the byte 0x2d"),
    "an underscore": (b"1_0\r\n0123456789abcdef\r\n", b"", "followed by the byte 0x5f"),
    "a letter beyond F": (b"3g\r\nabc\r\n", b"", "followed by the byte 0x67"),
    "a space before the size": (b" 3\r\nabc\r\n", b"", "begins with the byte 0x20"),
    "a space inside the size": (b"1 0\r\n0123456789abcdef\r\n", b"", "followed by the byte 0x30"),
    "a digit of another script": ("٣\r\nabc\r\n".encode(), b"", "begins with the byte 0xd9"),
    "a NUL behind the size": (b"3\x00\r\nabc\r\n", b"", "followed by the byte 0x00"),
    "a body without chunks": (b'{"a": 1}', b"", "begins with the byte 0x7b"),
    "a size of 2**63": (b"8000000000000000\r\n", b"", "2\\*\\*63 or more"),
    "a size of 2**64": (b"10000000000000000\r\n", b"", "2\\*\\*63 or more"),
    "a size of 2**64 + 3": (b"10000000000000003\r\nabc\r\n", b"", "2\\*\\*63 or more"),
    "a size far beyond": (b"f" * 40 + b"\r\n", b"", "2\\*\\*63 or more"),
    "a CR alone behind the size": (b"3\rabc\r\n", b"", "CR without LF"),
    "two CRs behind the size": (b"3\r\r\nabc\r\n", b"", "CR without LF"),
    "a CR within an extension": (b"3;a\rb\r\nabc\r\n", b"", "CR without LF"),
    "an endless extension": (b"3;" + b"a" * 40, b"", "more than 32 bytes"),
    "endless zeros": (b"0" * 40, b"", "more than 32 bytes"),
    "data that is longer than its size": (b"3\r\nabcd\r\n0\r\n\r\n", b"abc", "not followed by CRLF"),
    "data that is shorter than its size": (b"3\r\nab\r\n0\r\n\r\n", b"ab\r", "not followed by CRLF"),
    "LF alone behind the data": (b"3\r\nabc\n0\r\n\r\n", b"abc", "not followed by CRLF"),
    "CR alone behind the data": (b"3\r\nabc\r0\r\n\r\n", b"abc", "not followed by CRLF"),
    "a fault in a later chunk": (b"1\r\na\r\n2\r\nbc\r\nx\r\n", b"abc", "begins with the byte 0x78"),
    "endless trailers": (b"1\r\na\r\n0\r\n" + b"A: b\r\n" * 12, b"a", "trailers have more than 48 bytes"),
    "an endless trailer": (b"1\r\na\r\n0\r\n" + b"a" * 50, b"a", "trailers have more than 48 bytes"),
    "CR alone at the end": (b"1\r\na\r\n0\r\n\rx", b"a", "CR without LF"),
}


def decoder(module: ModuleType) -> Any:
    return module.ChunkedDecoder(line_limit=32, trailer_limit=48)


@pytest.mark.parametrize(("data", "body"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_a_chunked_body_is_decoded_however_it_is_cut(framing: ModuleType, data: bytes, body: bytes) -> None:
    for pieces in every_cut(data):
        chunked = decoder(framing)
        decoded = []
        for piece in pieces:
            assert chunked.finished is False
            decoded.append(chunked.feed(piece))
        assert b"".join(decoded) == body
        assert chunked.finished is True
        assert chunked.rest == b""
        assert chunked.failure is None


@pytest.mark.parametrize(("data", "before", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_body_is_an_error_after_what_precedes_the_fault(
    framing: ModuleType, data: bytes, before: bytes, message: str
) -> None:
    for pieces in every_cut(data):
        chunked = decoder(framing)
        decoded = []
        with pytest.raises(FramingError, match=message):  # noqa: PT012 - any of the pieces may be the one
            for piece in [*pieces, b""]:
                decoded.append(chunked.feed(piece))
        assert b"".join(decoded) == before
        assert isinstance(chunked.failure, FramingError)
        assert chunked.finished is False
        with pytest.raises(FramingError, match=message):
            chunked.feed(b"0\r\n\r\n")


def test_a_framing_error_is_a_value_error() -> None:
    assert issubclass(FramingError, ValueError)


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"0\n\n", b"0\r\nA: b\r\n\r\n"])
@pytest.mark.parametrize("rest", [b"H", b"HTTP/1.1 200 OK\r\n", b"\r\n", b"0\r\n\r\n"])
def test_bytes_behind_the_end_are_the_rest(framing: ModuleType, end: bytes, rest: bytes) -> None:
    head = b"1\r\na\r\n" + end
    for position in range(len(head)):
        chunked = decoder(framing)
        assert chunked.feed(head[:position]) + chunked.feed(head[position:] + rest) == b"a"
        assert chunked.finished is True
        assert chunked.rest == rest


def test_a_finished_body_takes_nothing_more(framing: ModuleType) -> None:
    chunked = decoder(framing)
    chunked.feed(b"0\r\n\r\n")
    with pytest.raises(ValueError, match="has ended"):
        chunked.feed(b"")


@pytest.mark.parametrize("data", [None, "0\r\n\r\n", bytearray(b"0\r\n\r\n")])
def test_only_bytes_are_taken(framing: ModuleType, data: object) -> None:
    with pytest.raises(TypeError):
        decoder(framing).feed(data)


def test_data_is_handed_on_before_its_chunk_is_whole(framing: ModuleType) -> None:
    chunked = framing.ChunkedDecoder()
    assert chunked.feed(b"7fffffffffffffff\r\nab") == b"ab"
    block = bytes(65536)
    for _ in range(100):
        assert chunked.feed(block) == block
    assert chunked.finished is False


def test_limits_count_what_they_say(framing: ModuleType) -> None:
    chunked = decoder(framing)
    assert chunked.feed(b"1;" + b"a" * 30 + b"\r\nx\r\n" + b"0" * 31 + b"2 \r\nyz\r\n") == b"xyz"[:1]
    assert "32 bytes" in str(chunked.failure)
    chunked = decoder(framing)
    chunked.feed(b"0;" + b"a" * 30 + b"\r\n" + b"A: b\r\n" * 7 + b"A:b\n" + b"\r\n")
    assert chunked.finished is True


def test_without_arguments_the_limits_are_generous(framing: ModuleType) -> None:
    chunked = framing.ChunkedDecoder()
    assert chunked.feed(b"1;" + b"a" * 16382 + b"\r\nx\r\n") == b"x"
    chunked.feed(b"0\r\n" + b"a" * 65532 + b"\r\n\r\n")
    assert chunked.finished is True


def test_nothing_leaks(framing: ModuleType) -> None:
    inputs = [data for data, *_ in [*WELL_FORMED.values(), *MALFORMED.values()]]

    def exercise() -> None:
        for data in inputs:
            for pieces in ([data, b""], [data[:7], data[7:], b"", b""]):
                chunked = decoder(framing)
                for piece in pieces:
                    outcome(chunked, piece)

    assert_no_growth(exercise)


# Against what was encoded, and the twins against each other.

CHUNK = st.tuples(
    st.binary(min_size=1, max_size=40),
    st.sampled_from(["{:x}", "{:X}", "{:05x}", "{:x} ", "{:x};a=b", "{:x} ; a"]),
    st.sampled_from([b"\r\n", b"\n"]),
)
CUTS = st.lists(st.integers(0, 500), max_size=12)


@settings(deadline=None)
@given(chunks=st.lists(CHUNK, max_size=8), trailers=st.sampled_from([b"", b"A: b\r\n", b"A: b\nC: d\r\n"]), cuts=CUTS)
def test_what_was_encoded_is_decoded(
    framing: ModuleType, chunks: list[tuple[bytes, str, bytes]], trailers: bytes, cuts: list[int]
) -> None:
    data = b"".join(size.format(len(body)).encode() + end + body + b"\r\n" for body, size, end in chunks)
    chunked = framing.ChunkedDecoder()
    pieces = cut_at(data + b"0\r\n" + trailers + b"\r", cuts)
    assert b"".join(chunked.feed(piece) for piece in pieces) == b"".join(body for body, _, _ in chunks)
    assert chunked.finished is False
    assert chunked.feed(b"\nrest") == b""
    assert (chunked.finished, chunked.rest) == (True, b"rest")


WORDS = [b"0", b"1", b"3", b"a", b"f", b"x", b"\r", b"\n", b"\r\n", b" ", b"\t", b";", b'a="b"', b"A: b\r\n", b"1\r\na\r\n",
         b"3\r\nabc\r\n", b"\r\n2\r\nab", b"5\nabcde\r\n", b"0\r\n\r\n", b"7fffffffffffffff", b"8000000000000000", b"\xff"]  # fmt: skip


@settings(deadline=None)
@given(data=st.lists(st.sampled_from(WORDS), max_size=30).map(b"".join), cuts=CUTS)
def test_the_twins_agree_on_invented_bytes_piece_by_piece(
    twins: Callable[[str], tuple[ModuleType, ModuleType]], data: bytes, cuts: list[int]
) -> None:
    compiled, plain = map(decoder, twins("framing"))
    for piece in [*cut_at(data, cuts), b""]:
        assert outcome(compiled, piece) == outcome(plain, piece)
        assert (compiled.finished, compiled.rest) == (plain.finished, plain.rest)
        assert str(compiled.failure) == str(plain.failure)


@settings(deadline=None)
@given(data=st.lists(st.sampled_from(WORDS), max_size=30).map(b"".join), cuts=CUTS)
def test_invented_bytes_give_what_the_model_gives(framing: ModuleType, data: bytes, cuts: list[int]) -> None:
    chunked = decoder(framing)
    body = b""
    for piece in cut_at(data, cuts):
        decoded = outcome(chunked, piece)
        body += decoded if isinstance(decoded, bytes) else b""
    expected, ended, rest = model(data)
    assert body == expected
    assert chunked.finished is ended
    if ended:
        assert rest.startswith(chunked.rest)


def model(data: bytes) -> tuple[bytes, bool, bytes]:
    """The body in ``data`` as far as it is well-formed, whether it has ended, and what is behind the end."""
    body = b""
    while line := re.match(rb"([0-9A-Fa-f]+)[ \t]*(?:;[^\r\n]*)?\r?\n", data):
        size = int(line[1], 16)
        if size >= 2**63 or len(line[0].rstrip(b"\r\n")) > 32:
            break
        data = data[line.end() :]
        if not size:
            trailers = re.match(rb"(?:(?!\r)[^\n]+\n)*\r?\n", data)
            if trailers and len(trailers[0]) <= 48:
                return body, True, data[trailers.end() :]
            break
        body += data[:size]
        if data[size : size + 2] != b"\r\n":
            break
        data = data[size + 2 :]
    return body, False, b""


def outcome(chunked: Any, piece: bytes) -> bytes | str:
    try:
        return chunked.feed(piece)  # type: ignore[no-any-return]
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
