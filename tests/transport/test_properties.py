"""Invented bytes: whatever a server sends and however it is cut, the same is read, or the same error raised."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_async.errors import ProtocolError
from llm_async.transport.body import framing
from llm_async.transport.codings import inflater
from llm_async.transport.http1 import HeadReader

LIMIT = 10_000

# Pieces of which heads and bodies are made, right and wrong ones, and any bytes between them.
PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK", b"HTTP/1.0 404", b"HTTP/1.1 ", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b":", b",", b"\0",
        b"Content-Length: 3\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n",
        b"Content-Encoding: gzip\r\n", b"Content-Encoding: deflate\r\n", b"Connection: close\r\n", b"X-A: \xff\r\n",
        b"X: \xc3\xa9\n",
        b"3\r\nabc\r\n", b"0\r\n\r\n", b"0\r\n", b"5;x=y\r\n", b"abc", gzip.compress(b"abc"), zlib.compress(b"abc"),
    ]
)  # fmt: skip
ANSWERS = st.lists(PIECES | st.binary(max_size=5), max_size=20).map(b"".join)
GOOD_HEADS = st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200\n"])


def read(answer: bytes, cuts: list[int]) -> tuple[object, bytes, str]:
    """The head, the body and how it ended, of an answer that comes in pieces and then ends."""
    bounds = [0, *sorted(cut % (len(answer) + 1) for cut in cuts), len(answer)]
    pieces = [answer[a:b] for a, b in pairwise(bounds) if a < b]
    reader, head, taken, body = HeadReader(LIMIT), None, b"", b""
    try:
        while pieces:
            found = reader.feed(pieces.pop(0))
            if found is not None:
                head, rest = found
                pieces.insert(0, rest)
                break
        if head is None:
            return None, b"", "lost"
        frame, codings = framing("POST", head, LIMIT)
        unpack = inflater([*head.headers.tokens("content-encoding"), *codings], LIMIT)
        for piece in filter(None, pieces):
            if frame.finished:
                break
            data = frame.feed(piece)
            if frame.failure is not None:
                raise frame.failure
            if unpack is None:
                taken += data
                continue
            unpack.feed(data)
            while block := unpack.take():
                taken += block
        body = taken
        if not frame.finished and not frame.at_eof:
            return head.headers.raw, b"", "lost"
        whole = unpack is None or unpack.whole
        return head.headers.raw, body, "whole" if whole else "broken off"
    except ProtocolError:
        # Which of two faults is met first may depend on where the bytes are cut; that there is one does not.
        return None, b"", "nonsense"


@given(head=GOOD_HEADS, answer=ANSWERS, cuts=st.lists(st.integers(0, 500), max_size=6))
@example(head=b"", answer=b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", cuts=list(range(60)))
@example(head=b"", answer=b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\r\nabc\r\n0\r\n\r\n", cuts=list(range(80)))
@settings(max_examples=300, deadline=None)
def test_an_answer_reads_the_same_wherever_it_is_cut(head: bytes, answer: bytes, cuts: list[int]) -> None:
    assert read(head + answer, cuts) == read(head + answer, [])


@given(answer=st.binary(max_size=60) | ANSWERS)
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_anything_but_an_answer_or_a_protocol_error(answer: bytes) -> None:
    read(answer, [])


@given(
    data=st.binary(max_size=3000),
    codings=st.lists(st.sampled_from(["gzip", "x-gzip", "deflate", "identity"]), max_size=3),
    cut=st.integers(1, 200),
)
@settings(max_examples=100, deadline=None)
def test_what_was_compressed_comes_back(data: bytes, codings: list[str], cut: int) -> None:
    packed = data
    for coding in codings:
        packed = {"deflate": zlib.compress, "identity": bytes}.get(coding, gzip.compress)(packed)
    unpack = inflater(codings, 100_000)
    if unpack is None:
        assert packed == data
        return
    back = b""
    for start in range(0, len(packed), cut):
        unpack.feed(packed[start : start + cut])
        while block := unpack.take():
            back += block
    assert back == data
    assert unpack.whole
