"""Answers as servers send them, odd ones above all: what is read, and whether the connection serves again."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import NamedTuple

import pytest

from llm_async.transport import Transport

from ..raw_server import Peer, RawServer, ok
from .calls import fetch, play, send

HEAD = b"HTTP/1.1 200 OK\r\n"
PLAIN = b"the quick brown fox " * 50


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def sized(body: bytes, *headers: bytes) -> bytes:
    return HEAD + b"".join(header + b"\r\n" for header in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes, *headers: bytes, size: int = 7) -> bytes:
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    lines = b"".join(header + b"\r\n" for header in headers)
    return (
        HEAD
        + b"Transfer-Encoding: chunked\r\n"
        + lines
        + b"\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        + b"0\r\n\r\n"
    )


class Answer(NamedTuple):
    """An answer, its body, and whether its connection serves again; ``closes``: the server ends it there."""

    name: str
    answer: bytes
    body: bytes
    serves_again: bool = True
    closes: bool = False
    method: str = "POST"
    status: int = 200


ANSWERS = [
    # Lengths.
    Answer("length", sized(b"abc"), b"abc"),
    Answer("length-zero", sized(b""), b""),
    Answer("length-with-leading-zeros", HEAD + b"Content-Length: 0003\r\n\r\nabc", b"abc"),
    Answer("length-with-spaces", HEAD + b"Content-Length: \t 3 \r\n\r\nabc", b"abc"),
    Answer("the-same-length-twice", HEAD + b"Content-Length: 3\r\ncontent-length: 3\r\n\r\nabc", b"abc"),
    Answer("the-same-length-twice-in-a-line", HEAD + b"Content-Length: 3, 3\r\n\r\nabc", b"abc"),
    Answer("more-than-the-length", sized(b"abc") + b"HTTP/1.1 200 OK\r\n\r\nstray", b"abc", False),
    Answer("one-byte-more-than-the-length", sized(b"abc") + b"\n", b"abc", False),
    # Chunks.
    Answer("chunks", chunked(PLAIN), PLAIN),
    Answer("chunk-of-a-byte", chunked(b"abc", size=1), b"abc"),
    Answer("no-chunk", chunked(b""), b""),
    Answer("chunk-sizes-in-capitals", HEAD + b"Transfer-Encoding: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    Answer("chunk-sizes-with-zeros", HEAD + b"transfer-encoding:chunked\r\n\r\n0003\r\nabc\r\n000\r\n\r\n", b"abc"),
    Answer("chunk-extensions", HEAD + b'Transfer-Encoding: chunked\r\n\r\n3;a=b;c="d"\r\nabc\r\n0;x\r\n\r\n', b"abc"),
    Answer("trailers", HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n", b"abc"),
    Answer("more-than-the-chunks", chunked(b"abc") + b"HTTP/1.1 500 No\r\n\r\n", b"abc", False),
    Answer(
        "chunks-and-a-length", HEAD + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc", False
    ),
    Answer("chunks-in-http-1.0", chunked(b"abc").replace(b"1.1", b"1.0", 1), b"abc", False),
    Answer("identity-then-chunked", HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", b"a"),
    # Neither.
    Answer("to-the-end", HEAD + b"\r\nabc", b"abc", False, True),
    Answer("to-the-end-with-close", HEAD + b"Connection: close\r\n\r\nabc", b"abc", False, True),
    Answer("to-the-end-and-empty", HEAD + b"\r\n", b"", False, True),
    Answer("to-the-end-in-http-1.0", b"HTTP/1.0 200 OK\r\n\r\nabc", b"abc", False, True),
    Answer("transfer-identity", HEAD + b"Transfer-Encoding: identity\r\n\r\nabc", b"abc", False, True),
    Answer("transfer-gzip-to-the-end", HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + gzip.compress(PLAIN), PLAIN, False, True),
    # No body.
    Answer("no-content", b"HTTP/1.1 204 No Content\r\n\r\n", b"", status=204),
    Answer("no-content-with-a-length", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", b"", status=204),
    Answer("not-modified-with-a-length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", b"", status=304),
    Answer("no-content-with-a-body", b"HTTP/1.1 204 No Content\r\n\r\nabc", b"", False, status=204),
    Answer("head", HEAD + b"Content-Length: 99\r\n\r\n", b"", method="HEAD"),
    Answer("head-with-chunks-announced", HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"", method="HEAD"),
    Answer("head-of-something-compressed", HEAD + b"Content-Encoding: br\r\n\r\n", b"", method="HEAD"),
    # Interim answers.
    Answer("continue", b"HTTP/1.1 100 Continue\r\n\r\n" + sized(b"abc"), b"abc"),
    Answer("early-hints", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 5\r\n\r\n" + chunked(b"abc"), b"abc"),
    Answer("several-interim-answers", b"HTTP/1.1 102 Processing\r\n\r\n" * 5 + sized(b"abc"), b"abc"),
    # Keeping the connection.
    Answer("close", sized(b"abc", b"Connection: close"), b"abc", False),
    Answer("close-among-others", sized(b"abc", b"Connection: foo, CLOSE"), b"abc", False),
    Answer("close-in-a-second-line", sized(b"abc", b"Connection: keep-alive", b"Connection: close"), b"abc", False),
    Answer("http-1.0", sized(b"abc").replace(b"1.1", b"1.0", 1), b"abc", False),
    Answer("http-1.0-keep-alive", sized(b"abc", b"Connection: Keep-Alive").replace(b"1.1", b"1.0", 1), b"abc"),
    # The head's looks.
    Answer("line-feeds-alone", b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", b"abc"),
    Answer("line-ends-mixed", b"HTTP/1.1 200 OK\nContent-Length: 3\r\n\nabc", b"abc"),
    Answer("line-ends-mixed-otherwise", b"HTTP/1.1 200 OK\r\nContent-Length: 3\n\r\nabc", b"abc"),
    Answer("no-reason", b"HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    Answer("no-reason-and-no-space", b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    Answer("reason-beyond-ascii", b"HTTP/1.1 200 D\xe9j\xe0\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    Answer("status-nobody-knows", sized(b"abc").replace(b"200", b"299", 1), b"abc", status=299),
    Answer("status-beyond-599", sized(b"abc").replace(b"200", b"999", 1), b"abc", status=999),
    Answer("a-thousand-headers", sized(b"abc", *[b"X-%d: %d" % (n, n) for n in range(1000)]), b"abc"),
    Answer("header-bytes-beyond-utf-8", sized(b"abc", b"X-A: \xff\xfe"), b"abc"),
    # Compression.
    Answer("gzip", sized(gzip.compress(PLAIN), b"Content-Encoding: gzip"), PLAIN),
    Answer("gzip-in-chunks", chunked(gzip.compress(PLAIN), b"Content-Encoding: gzip"), PLAIN),
    Answer("gzip-to-the-end", HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(PLAIN), PLAIN, False, True),
    Answer("gzip-in-capitals", sized(gzip.compress(PLAIN), b"Content-Encoding: GZIP"), PLAIN),
    Answer("x-gzip", sized(gzip.compress(PLAIN), b"Content-Encoding: x-gzip"), PLAIN),
    Answer("gzip-members", sized(gzip.compress(PLAIN) + gzip.compress(b"!"), b"Content-Encoding: gzip"), PLAIN + b"!"),
    Answer("gzip-padded", sized(gzip.compress(PLAIN) + bytes(20), b"Content-Encoding: gzip"), PLAIN),
    Answer("gzip-of-nothing", sized(gzip.compress(b""), b"Content-Encoding: gzip"), b""),
    Answer("gzip-and-no-byte", sized(b"", b"Content-Encoding: gzip"), b""),
    Answer("gzip-and-no-chunk", chunked(b"", b"Content-Encoding: gzip"), b""),
    Answer("deflate", sized(zlib.compress(PLAIN), b"Content-Encoding: deflate"), PLAIN),
    Answer("deflate-without-header", sized(raw_deflate(PLAIN), b"Content-Encoding: deflate"), PLAIN),
    Answer("identity", sized(PLAIN, b"Content-Encoding: identity"), PLAIN),
    Answer("gzip-twice", sized(gzip.compress(gzip.compress(PLAIN)), b"Content-Encoding: gzip, gzip"), PLAIN),
    Answer("deflate-then-gzip", sized(gzip.compress(zlib.compress(PLAIN)), b"Content-Encoding: deflate, gzip"), PLAIN),
    Answer(
        "codings-in-two-lines",
        sized(gzip.compress(zlib.compress(PLAIN)), b"Content-Encoding: deflate", b"Content-Encoding: gzip"),
        PLAIN,
    ),
    Answer(
        "gzip-as-transfer-coding",
        chunked(gzip.compress(PLAIN)).replace(b"Encoding: chunked", b"Encoding: gzip, chunked"),
        PLAIN,
    ),
    Answer("a-megabyte-of-zeros", sized(gzip.compress(bytes(1 << 20)), b"Content-Encoding: gzip"), bytes(1 << 20)),
]  # fmt: skip

DELIVERIES = {
    "at-once": lambda answer: [answer],
    "head-then-body": lambda answer: [
        answer[: (end := answer.index(b"\n\r\n" if b"\n\r\n" in answer else b"\n\n") + 3)],
        answer[end:],
    ],
    "in-fives": lambda answer: [answer[i : i + 5] for i in range(0, len(answer), 5)],
}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_an_answer_is_read_to_its_end_and_the_connection_serves_again_where_it_may(
    answer: Answer, delivery: str
) -> None:
    pieces = DELIVERIES[delivery](answer.answer)
    if len(pieces) > 2000:
        pieces = DELIVERIES["head-then-body"](answer.answer)

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            if b"/odd" in request:
                await peer.send(*filter(None, pieces))
                if answer.closes:
                    return
            else:
                await peer.send(ok(request.split()[1]))

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server, path="/odd", method=answer.method)
        assert (reply.status, reply.reused) == (answer.status, False)
        assert await reply.read() == answer.body
        assert await reply.read_some() == b""
        if not answer.serves_again:
            await server.until(lambda server: server.open == 0)
        reply = await send(transport, server, path="/next")
        assert await reply.read() == b"/next"
        assert reply.reused is answer.serves_again
        assert server.accepted == (1 if answer.serves_again else 2)

    play(script, test)


def test_headers_are_found_in_any_case_and_lists_are_joined() -> None:
    answer = sized(
        b"",
        b"X-Request-ID:  req_1 ",
        b"Retry-After: 1",
        b"retry-after: 2",
        b"Vary: a",
        b"VARY: b",
        b"X-Empty:",
        b"X-Latin: caf\xe9",
        "X-Utf: café".encode(),
    )

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)

    async def test(transport: Transport, server: RawServer) -> None:
        headers = (await send(transport, server)).headers
        assert headers["X-Request-Id"] == headers["x-request-id"] == "req_1"
        assert headers["retry-after"] == "2"
        assert headers["vary"] == "a, b"
        assert headers["x-empty"] == ""
        assert headers["x-latin"] == headers["x-utf"] == "café"
        assert "X-NOTHING" not in headers
        assert headers.get("x-nothing") is None
        assert list(headers) == [
            "x-request-id", "retry-after", "vary", "x-empty", "x-latin", "x-utf", "content-length",
        ]  # fmt: skip
        assert headers.raw[0] == ("X-Request-ID", "req_1")
        assert len(headers.raw) == 9
        assert "req_1" not in repr(headers)

    play(script, test)


def test_bytes_are_handed_over_as_soon_as_they_are_there() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n")
        packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
        for piece in (b"one", b"two"):
            data = packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
            await peer.send(b"%x\r\n%b\r\n" % (len(data), data))
            # The client asks for the next piece with a request of its own, on another connection.
            await peer.gone() if piece == b"two" else await proceed.wait()

    proceed = asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server)
        assert await reply.read_some() == b"one"
        proceed.set()
        assert await reply.read_some() == b"two"
        reply.close()
        await server.until(lambda server: server.open == 0)

    play(script, test)


def test_read_with_a_limit_gives_the_beginning_and_closes_what_is_longer() -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            await peer.send(sized(b"abcdef") if b"/short" in request else HEAD + b"\r\n" + b"x" * 100)

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server, path="/short")
        assert await reply.read(6) == b"abcdef"
        reply = await send(transport, server, path="/long")
        assert reply.reused
        assert await reply.read(6) == b"xxxxxx"
        await server.until(lambda server: server.open == 0)

    play(script, test)


def test_a_small_compressed_body_unfolds_in_blocks() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(sized(gzip.compress(bytes(4 << 20)), b"Content-Encoding: gzip"))

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server)
        sizes = []
        while block := await reply.read_some():
            sizes.append(len(block))
        assert sum(sizes) == 4 << 20
        assert max(sizes) <= 256 * 1024

    play(script, test)


def test_an_answer_of_many_megabytes_is_read_whole() -> None:
    body = bytes(range(256)) * (8 << 12)

    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server) == body
        assert await fetch(transport, server) == body
        assert server.accepted == 1

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(sized(body))
        await peer.request()
        await peer.send(chunked(body, size=60_000))
        await peer.gone()

    play(script, test)
