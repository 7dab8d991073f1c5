"""Answers that are no answers: what is raised, that the connection is closed, and that the next one is untouched."""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from typing import NamedTuple

import pytest

from llm_async.errors import APIConnectionError, LLMError, ProtocolError
from llm_async.models import Limits
from llm_async.transport import Transport

from ..raw_server import Peer, RawServer, ok
from .calls import fetch, play, send

LIMITS = Limits(header_bytes=4096, body_bytes=10_000, decompressed_bytes=100_000)

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = gzip.compress(b"x" * 1000)


def sized(body: bytes, *headers: bytes) -> bytes:
    return HEAD + b"".join(header + b"\r\n" for header in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Fault(NamedTuple):
    """An answer, how the server goes on, and what is raised.

    The server goes on to ``close`` or ``reset`` the connection, or to ``stay``. With ``serve`` only the content is
    faulty and not its framing: the connection is as good as before.
    """

    name: str
    answer: bytes
    then: str
    error: type[LLMError]
    message: str


LOST, NONSENSE = APIConnectionError, ProtocolError

FAULTS = [
    # The connection ends too early.
    Fault(
        "closed-without-a-byte", b"", "close", LOST, "connection lost to .* before the head of its answer was complete"
    ),
    Fault("reset-without-a-byte", b"", "reset", LOST, "connection lost to .* before the head"),
    Fault("closed-in-the-status-line", b"HTTP/1.1 20", "close", LOST, "before the head of its answer was complete"),
    Fault("closed-behind-the-status-line", HEAD, "close", LOST, "before the head of its answer was complete"),
    Fault("closed-in-a-header", HEAD + b"Content-Le", "close", LOST, "before the head of its answer was complete"),
    Fault("closed-before-the-blank-line", HEAD + b"Content-Length: 0\r\n", "close", LOST, "before the head"),
    Fault("reset-in-the-head", HEAD + b"Content-Length: 0\r\n", "reset", LOST, "before the head"),
    Fault("closed-behind-an-interim-answer", b"HTTP/1.1 100 Continue\r\n\r\n", "close", LOST, "before the head"),
    Fault("closed-before-the-body", HEAD + b"Content-Length: 5\r\n\r\n", "close", LOST, "after 0 of 5 bytes"),
    Fault("closed-in-the-body", HEAD + b"Content-Length: 5\r\n\r\nabc", "close", LOST, "after 3 of 5 bytes"),
    Fault("reset-in-the-body", HEAD + b"Content-Length: 5\r\n\r\nabc", "reset", LOST, "after 3 of 5 bytes"),
    Fault("closed-before-the-first-chunk", CHUNKED, "close", LOST, "before the last chunk"),
    Fault("closed-in-a-chunk-size", CHUNKED + b"5", "close", LOST, "before the last chunk"),
    Fault("closed-behind-a-chunk-size", CHUNKED + b"5\r\n", "close", LOST, "before the last chunk"),
    Fault("closed-in-a-chunk", CHUNKED + b"5\r\nabc", "close", LOST, "before the last chunk"),
    Fault("closed-behind-a-chunk", CHUNKED + b"3\r\nabc", "close", LOST, "before the last chunk"),
    Fault("closed-between-chunks", CHUNKED + b"3\r\nabc\r\n", "close", LOST, "before the last chunk"),
    Fault("reset-between-chunks", CHUNKED + b"3\r\nabc\r\n", "reset", LOST, "before the last chunk"),
    Fault("closed-in-the-last-chunk", CHUNKED + b"3\r\nabc\r\n0\r\n", "close", LOST, "before the last chunk"),
    Fault("closed-in-the-trailers", CHUNKED + b"0\r\nX-Sum: 1\r\n", "close", LOST, "before the last chunk"),
    Fault("reset-in-a-body-without-length", HEAD + b"\r\nabc", "reset", LOST, "inside a body without length"),
    Fault(
        "closed-in-a-compressed-body-without-length",
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + PACKED[:-9],
        "close",
        LOST,
        "inside a compressed body",
    ),
    # The head is none.
    Fault("another-protocol", b"SSH-2.0-OpenSSH_9.6\r\n", "stay", NONSENSE, "not HTTP/1.1"),
    Fault("another-protocol-without-line-end", b"\x15\x03\x03\x00\x02\x02\x28", "stay", NONSENSE, "not HTTP/1.1"),
    Fault("a-body-without-head", b'{"error": "no"}', "close", NONSENSE, "not HTTP/1.1"),
    Fault("a-blank-line-first", b"\r\n" + sized(b"abc"), "stay", NONSENSE, "not HTTP/1.1"),
    Fault("http-2", b"HTTP/2 200 OK\r\n\r\n", "stay", NONSENSE, "no status line"),
    Fault("http-0.9", b"HTTP/0.9 200 OK\r\n\r\n", "stay", NONSENSE, "no status line"),
    Fault("lower-case-http", b"http/1.1 200 OK\r\n\r\n", "stay", NONSENSE, "not HTTP/1.1"),
    Fault("no-status", b"HTTP/1.1\r\n\r\n", "stay", NONSENSE, "no status line"),
    Fault("status-of-two-digits", b"HTTP/1.1 20 OK\r\n\r\n", "stay", NONSENSE, "no status line"),
    Fault("status-of-four-digits", b"HTTP/1.1 2000 OK\r\n\r\n", "stay", NONSENSE, "no status line"),
    Fault("status-of-letters", b"HTTP/1.1 abc OK\r\n\r\n", "stay", NONSENSE, "no status line"),
    Fault("status-below-100", b"HTTP/1.1 099 OK\r\n\r\n", "stay", NONSENSE, "no status line"),
    Fault("two-spaces-before-the-status", b"HTTP/1.1  200 OK\r\n\r\n", "stay", NONSENSE, "no status line"),
    Fault(
        "a-switch-of-protocols", b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "stay", NONSENSE, "switches to a protocol"
    ),
    Fault("interim-answers-without-end", b"HTTP/1.1 100 Continue\r\n\r\n" * 20, "stay", NONSENSE, "interim answers"),
    Fault("no-colon", HEAD + b"Content-Length 0\r\n\r\n", "stay", NONSENSE, "a line without colon"),
    Fault("folded", HEAD + b"X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n", "stay", NONSENSE, "begins with white space"),
    Fault(
        "folded-with-a-tab",
        HEAD + b"X-A: 1\r\n\tContent-Length: 9\r\n\r\n",
        "stay",
        NONSENSE,
        "begins with white space",
    ),
    Fault("space-before-the-first-header", HEAD + b" X-A: 1\r\n\r\n", "stay", NONSENSE, "begins with white space"),
    Fault(
        "space-before-the-colon", HEAD + b"Content-Length : 0\r\n\r\n", "stay", NONSENSE, "a name that HTTP does not"
    ),
    Fault("no-name", HEAD + b": 0\r\n\r\n", "stay", NONSENSE, "a name that HTTP does not"),
    Fault("name-with-brackets", HEAD + b"(X): 0\r\n\r\n", "stay", NONSENSE, "a name that HTTP does not"),
    Fault("nul-in-a-value", HEAD + b"X-A: a\0b\r\n\r\n", "stay", NONSENSE, "a NUL or a bare CR"),
    Fault("bare-cr-in-a-value", HEAD + b"X-A: a\rContent-Length: 3\r\n\r\n", "stay", NONSENSE, "a NUL or a bare CR"),
    Fault("a-huge-header", HEAD + b"X-A: " + b"a" * 5000, "stay", NONSENSE, r"limits.header_bytes \(4096\)"),
    Fault("many-headers", HEAD + b"X-A: a\r\n" * 1000 + b"\r\n", "stay", NONSENSE, "limits.header_bytes"),
    Fault("a-huge-status-line", b"HTTP/1.1 200 " + b"O" * 5000, "stay", NONSENSE, "limits.header_bytes"),
    # The head contradicts itself.
    Fault(
        "two-lengths", HEAD + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc", "stay", NONSENSE, "several lengths"
    ),
    Fault("two-lengths-in-one-line", HEAD + b"Content-Length: 3, 5\r\n\r\nabc", "stay", NONSENSE, "several lengths"),
    Fault(
        "negative-length", HEAD + b"Content-Length: -1\r\n\r\n", "stay", NONSENSE, "a Content-Length that is no number"
    ),
    Fault(
        "signed-length", HEAD + b"Content-Length: +3\r\n\r\nabc", "stay", NONSENSE, "a Content-Length that is no number"
    ),
    Fault("hexadecimal-length", HEAD + b"Content-Length: 0x3\r\n\r\nabc", "stay", NONSENSE, "is no number"),
    Fault("length-with-a-fraction", HEAD + b"Content-Length: 3.0\r\n\r\nabc", "stay", NONSENSE, "is no number"),
    Fault("empty-length", HEAD + b"Content-Length:\r\n\r\n", "stay", NONSENSE, "is no number"),
    Fault(
        "length-beyond-all-bounds", HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", "stay", NONSENSE, "no number"
    ),
    Fault("chunked-twice", HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n", "stay", NONSENSE, "chunked twice"),
    Fault(
        "chunked-first",
        HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
        "stay",
        NONSENSE,
        "chunked twice or not last",
    ),
    Fault(
        "unknown-transfer-coding", HEAD + b"Transfer-Encoding: brotli\r\n\r\nabc", "close", NONSENSE, "coding 'brotli'"
    ),
    # The chunks are none.
    Fault("chunk-size-of-letters", CHUNKED + b"xyz\r\n", "stay", NONSENSE, "chunks of the answer's body are malformed"),
    Fault("negative-chunk-size", CHUNKED + b"-3\r\nabc\r\n", "stay", NONSENSE, "malformed"),
    Fault("chunk-size-with-0x", CHUNKED + b"0x3\r\nabc\r\n", "stay", NONSENSE, "malformed"),
    Fault("chunk-size-with-underscore", CHUNKED + b"1_0\r\n" + b"a" * 16, "stay", NONSENSE, "malformed"),
    Fault("empty-chunk-size", CHUNKED + b"\r\nabc\r\n", "stay", NONSENSE, "malformed"),
    Fault("chunk-size-beyond-all-bounds", CHUNKED + b"f" * 20 + b"\r\n", "stay", NONSENSE, "malformed"),
    Fault("chunk-longer-than-announced", CHUNKED + b"3\r\nabcd\r\n", "stay", NONSENSE, "malformed"),
    Fault("chunk-without-line-end", CHUNKED + b"3\r\nabc4\r\nabcd\r\n", "stay", NONSENSE, "malformed"),
    Fault("endless-chunk-extension", CHUNKED + b"3;" + b"x" * 70_000, "stay", NONSENSE, "malformed"),
    Fault("endless-trailers", CHUNKED + b"0\r\n" + b"X: y\r\n" * 20_000, "stay", NONSENSE, "malformed"),
    # The body is larger than allowed.
    Fault(
        "announced-too-large", HEAD + b"Content-Length: 10001\r\n\r\n", "stay", NONSENSE, r"limits.body_bytes \(10000\)"
    ),
    Fault("chunks-too-large", CHUNKED + b"4000\r\n" + b"a" * 0x4000 + b"\r\n", "stay", NONSENSE, "limits.body_bytes"),
    Fault("without-length-too-large", HEAD + b"\r\n" + b"a" * 10_001, "stay", NONSENSE, "limits.body_bytes"),
    Fault(
        "unfolds-too-large",
        sized(gzip.compress(bytes(100_001)), b"Content-Encoding: gzip"),
        "serve",
        NONSENSE,
        r"limits.decompressed_bytes \(100000\)",
    ),
    # The compression is none.
    Fault("brotli", sized(b"abc", b"Content-Encoding: br"), "serve", NONSENSE, "coding 'br'"),
    Fault("zstd-upon-gzip", sized(PACKED, b"Content-Encoding: gzip, zstd"), "serve", NONSENSE, "coding 'zstd'"),
    Fault(
        "no-gzip", sized(b"plain text", b"Content-Encoding: gzip"), "serve", NONSENSE, "not the gzip that its head says"
    ),
    Fault("no-deflate", sized(b"plain text", b"Content-Encoding: deflate"), "serve", NONSENSE, "not the deflate"),
    Fault("half-a-gzip", sized(PACKED[:-9], b"Content-Encoding: gzip"), "serve", NONSENSE, "breaks off before its end"),
    Fault(
        "half-a-deflate",
        sized(zlib.compress(b"x" * 1000)[:-5], b"Content-Encoding: deflate"),
        "serve",
        NONSENSE,
        "breaks off before its end",
    ),
    Fault("gzip-with-a-wrong-sum", sized(PACKED[:-8] + bytes(8), b"Content-Encoding: gzip"), "serve", NONSENSE, "gzip"),
    Fault("gzip-and-text", sized(PACKED + b"text", b"Content-Encoding: gzip"), "serve", NONSENSE, "follow the end"),
    Fault(
        "one-byte-of-gzip", sized(b"\x1f", b"Content-Encoding: gzip"), "serve", NONSENSE, "breaks off before its end"
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("kept", [False, True], ids=["on-a-new-connection", "on-a-kept-connection"])
def test_a_faulty_answer_is_an_error_and_ends_with_its_connection(fault: Fault, kept: bool) -> None:
    async def script(peer: Peer) -> None:
        served = 0
        while request := await peer.request():
            if b"/fault" not in request:
                served += 1
                await peer.send(ok(request.split()[1]))
                continue
            if served and not fault.answer:
                # A kept connection that ends without a byte is replaced; that is tested elsewhere.
                await peer.send(HEAD)
            await peer.send(fault.answer)
            if fault.then == "close":
                return
            if fault.then == "reset":
                # A reset may overtake bytes that were sent; the client has read them when it says so.
                await said.wait()
                peer.reset()
                return
            if fault.then == "stay":
                await peer.gone()
                return

    said = asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        if kept:
            assert await fetch(transport, server, path="/before") == b"/before"
        said.set()
        with pytest.raises(fault.error, match=fault.message) as caught:
            await fetch(transport, server, path="/fault?key=sk-secret", authorization="Bearer sk-secret")
        assert type(caught.value) is fault.error
        assert "secret" not in str(caught.value)
        assert caught.value.partial is None
        if fault.then != "serve":
            await server.until(lambda server: server.open == 0)
        for path in ("/after/1", "/after/2"):
            assert await fetch(transport, server, path=path) == path.encode()
        assert server.accepted == (1 if fault.then == "serve" else 2)

    play(script, test, limits=LIMITS)


@pytest.mark.parametrize(
    # Those that are too long for it are left out, and resets, which may overtake what was sent before them.
    "fault",
    [fault for fault in FAULTS if len(fault.answer) < 2000 and fault.then != "reset"],
    ids=lambda fault: fault.name,
)
def test_a_faulty_answer_that_comes_byte_by_byte_is_the_same_error(fault: Fault) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*[fault.answer[i : i + 1] for i in range(len(fault.answer))])
        if fault.then == "stay":
            await peer.gone()

    async def test(transport: Transport, server: RawServer) -> None:
        with pytest.raises(fault.error, match=fault.message) as caught:
            await fetch(transport, server)
        assert type(caught.value) is fault.error

    play(script, test, limits=LIMITS)


def test_what_came_before_a_broken_chunk_is_handed_over_first() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"3\r\nabc\r\nnonsense\r\n")
        await peer.gone()

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server)
        assert await reply.read_some() == b"abc"
        with pytest.raises(ProtocolError, match="malformed"):
            await reply.read_some()
        await server.until(lambda server: server.open == 0)

    play(script, test)


def test_what_came_before_the_loss_of_the_connection_is_handed_over_first() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"3\r\nabc\r\n")

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server)
        await server.until(lambda server: server.open == 0)
        assert await reply.read_some() == b"abc"
        with pytest.raises(APIConnectionError, match=re.escape("the server closed it")):
            await reply.read_some()

    play(script, test)
