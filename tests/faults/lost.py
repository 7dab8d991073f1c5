"""Faults of the network and of HTTP: no connection, no head, no end, nothing that unfolds, and too much of everything."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

from llm_async.errors import APIConnectionError, APITimeoutError, ProtocolError, StreamError
from llm_async.models import Timeouts

from .fault import FIRST, TEXT, Expect, Fault, chunked, half, head, kind, right, sized
from .spoken import Spoken

__all__ = ["FAULTS"]

SHORT = Timeouts(connect=20, response=0.5, idle=0.5)

LOST = Expect(APIConnectionError, again=True)
LOST_IN_TEXT = Expect(APIConnectionError, text=FIRST)
NONSENSE = Expect(ProtocolError)
NONSENSE_IN_TEXT = Expect(ProtocolError, text=FIRST)
RIGHT = Expect(None)

Answer = Callable[[Spoken, bool], bytes]


def silence(deadline: str, text: str | None = None, *, again: bool = False) -> Expect:
    return Expect(APITimeoutError, text=text, again=again, attributes={"deadline": deadline})


def too_large(limit: str, text: str | None = None) -> Expect:
    return Expect(ProtocolError, message=limit, text=text)


def bytes_(data: bytes) -> Answer:
    """The same bytes for everybody."""
    return lambda spoken, stream: data


def begun_chunked(then: bytes = b"") -> Answer:
    """The beginning of the right answer in a chunk, then something else."""

    def answer(spoken: Spoken, stream: bool) -> bytes:
        opening = head(f"Content-Type: {kind(stream)}", "Transfer-Encoding: chunked")
        return opening + chunked(half(spoken, stream), end=False) + then

    return answer


def with_head(*lines: str, body: Answer = half, version: str = "1.1", status: int = 200) -> Answer:
    """A 200 with these headers."""

    def answer(spoken: Spoken, stream: bool) -> bytes:
        return head(f"Content-Type: {kind(stream)}", *lines, version=version, status=status) + body(spoken, stream)

    return answer


def packed(body: Answer, pack: Callable[[bytes], bytes], coding: str) -> Answer:
    """A 200 with a length whose body is compressed."""

    def answer(spoken: Spoken, stream: bool) -> bytes:
        return sized(pack(body(spoken, stream)), f"Content-Type: {kind(stream)}", f"Content-Encoding: {coding}")

    return answer


def flushed_gzip(data: bytes) -> bytes:
    """The beginning of a gzip that says so much and has no end."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)


def nothing(spoken: Spoken, stream: bool) -> bytes:
    return b""


NO_CONNECTION = [
    Fault("nobody listens", nothing, LOST, LOST, place="closed port"),
    Fault(
        "the host has no address",
        nothing,
        Expect(APIConnectionError, message="could not be resolved", again=True),
        Expect(APIConnectionError, message="could not be resolved", again=True),
        place="no name",
    ),
    Fault(
        "a certificate that nobody trusts",
        nothing,
        Expect(APIConnectionError, message="certificate was not accepted"),
        Expect(APIConnectionError, message="certificate was not accepted"),
        place="untrusted",
    ),
    Fault(
        "TLS to a server that has none",
        nothing,
        Expect(APIConnectionError, message="TLS failed", again=True),
        Expect(APIConnectionError, message="TLS failed", again=True),
        place="no tls",
    ),
    Fault(
        "TLS to a server that has none and speaks first",
        nothing,
        Expect(APIConnectionError, message="TLS failed", again=True),
        Expect(APIConnectionError, message="TLS failed", again=True),
        place="no tls, and talkative",
    ),
    Fault(
        "silence in the TLS handshake",
        nothing,
        silence("connect", again=True),
        silence("connect", again=True),
        place="mute",
        timeouts=Timeouts(connect=0.5, response=20, idle=20),
    ),
    Fault("a reset in the TLS handshake", nothing, LOST, LOST, place="deaf"),
]

NO_HEAD = [
    Fault("closed before the head", nothing, LOST, LOST, then="close"),
    Fault("reset before the head", nothing, LOST, LOST, then="reset"),
    Fault("closed in the status line", bytes_(b"HTTP/1.1 20"), LOST, LOST, then="close"),
    Fault("closed in the headers", bytes_(b"HTTP/1.1 200 OK\r\nContent-Ty"), LOST, LOST, then="close"),
    Fault("reset in the headers", bytes_(b"HTTP/1.1 200 OK\r\nContent-Ty"), LOST, LOST, then="reset"),
    Fault("closed after an interim answer", bytes_(head(status=100)), LOST, LOST, then="close"),
    Fault("silence before the head", nothing, silence("response"), silence("response"), then="wait", timeouts=SHORT),
    Fault(
        "silence in the status line",
        bytes_(b"HTTP/1"),
        silence("response"),
        silence("response"),
        then="wait",
        timeouts=SHORT,
    ),
    Fault(
        "silence in the headers",
        bytes_(b"HTTP/1.1 200 OK\r\nX: y\r\n"),
        silence("response"),
        silence("response"),
        then="wait",
        timeouts=SHORT,
    ),
    Fault(
        "silence after an interim answer",
        bytes_(head(status=103)),
        silence("response"),
        silence("response"),
        then="wait",
        timeouts=SHORT,
    ),
    Fault(
        "the whole call too slow",
        nothing,
        silence("total"),
        silence("total"),
        then="wait",
        timeouts=Timeouts(connect=20, response=20, idle=20, total=1.5),
    ),
]

NO_HTTP = [
    Fault(name, bytes_(data), NONSENSE, NONSENSE, then="wait")
    for name, data in {
        "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/2 frames": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03",
        "a status line of HTTP/2": b"HTTP/2 200\r\n\r\n",
        "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
        "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
        "a status that is none": b"HTTP/1.1 0ff OK\r\n\r\n",
        "a header without colon": head("Content-Type text"),
        "white space before a colon": head("Content-Length : 3"),
        "a folded header": head("Content-Type: text", " /html"),
        "a bare CR in a header": head("X-A: b\rSet-Cookie: c"),
        "a NUL in a header": head("X-A: b\0c"),
        "an empty header name": head(": value"),
        "a switch of protocols": head("Upgrade: websocket", status=101),
        "twenty interim answers": head(status=102) * 20,
        "a length that is no number": head("Content-Length: ten"),
        "a negative length": head("Content-Length: -1"),
        "a length with a sign": head("Content-Length: +5"),
        "two lengths": head("Content-Length: 5", "Content-Length: 6"),
        "chunks upon chunks": head("Transfer-Encoding: chunked, chunked"),
        "chunks that are not last": head("Transfer-Encoding: chunked, gzip"),
    }.items()
] + [
    Fault(
        "an endless header block",
        bytes_(b"HTTP/1.1 200 OK\r\n"),
        too_large("limits.header_bytes"),
        too_large("limits.header_bytes"),
        then="endless",
        endless=b"X-More: and more\r\n" * 50,
    ),
    Fault(
        "an endless header",
        bytes_(b"HTTP/1.1 200 OK\r\nX-More: "),
        too_large("limits.header_bytes"),
        too_large("limits.header_bytes"),
        then="endless",
        endless=b"and more " * 100,
    ),
    Fault(
        "an endless status line",
        bytes_(b"HTTP/1.1 200 "),
        too_large("limits.header_bytes"),
        too_large("limits.header_bytes"),
        then="endless",
        endless=b"OK " * 300,
    ),
]

NO_END = [
    Fault("closed in a body with a length", with_head("Content-Length: 5000"), LOST, LOST_IN_TEXT, then="close"),
    Fault("reset in a body with a length", with_head("Content-Length: 5000"), LOST, LOST_IN_TEXT, then="reset"),
    Fault(
        "closed before a body with a length", with_head("Content-Length: 5000", body=nothing), LOST, LOST, then="close"
    ),
    Fault("closed in a chunk", begun_chunked(b"50\r\ndata: "), LOST, LOST_IN_TEXT, then="close"),
    Fault("closed in the size of a chunk", begun_chunked(b"5"), LOST, LOST_IN_TEXT, then="close"),
    Fault("closed between chunks", begun_chunked(), LOST, LOST_IN_TEXT, then="close"),
    Fault("closed in the last chunk", begun_chunked(b"0\r\n"), LOST, LOST_IN_TEXT, then="close"),
    Fault("reset in a chunk", begun_chunked(b"50\r\ndata: "), LOST, LOST_IN_TEXT, then="reset"),
    Fault("reset between chunks", begun_chunked(), LOST, LOST_IN_TEXT, then="reset"),
    Fault(
        "closed before the first chunk",
        with_head("Transfer-Encoding: chunked", body=nothing),
        LOST,
        LOST,
        then="close",
    ),
    Fault(
        "silence in the body",
        begun_chunked(),
        silence("idle"),
        silence("idle", FIRST),
        then="wait",
        timeouts=SHORT,
    ),
    Fault(
        "silence before the body",
        with_head("Transfer-Encoding: chunked", body=nothing),
        silence("idle"),
        silence("idle"),
        then="wait",
        timeouts=SHORT,
    ),
    Fault(
        "silence in a body without length",
        with_head(),
        silence("idle"),
        silence("idle", FIRST),
        then="wait",
        timeouts=SHORT,
    ),
    Fault(
        "the body too slow for the whole call",
        begun_chunked(),
        silence("total"),
        silence("total", FIRST),
        then="wait",
        timeouts=Timeouts(connect=20, response=20, idle=20, total=1.5),
    ),
    Fault(
        "the protocol's end missing in a body with a length",
        lambda spoken, stream: sized(half(spoken, stream), f"Content-Type: {kind(stream)}"),
        NONSENSE,
        Expect(StreamError, text=FIRST),
    ),
    Fault(
        "the protocol's end missing in chunks", begun_chunked(b"0\r\n\r\n"), NONSENSE, Expect(StreamError, text=FIRST)
    ),
    Fault(
        "the protocol's end missing in a body without length",
        with_head(),
        NONSENSE,
        Expect(StreamError, text=FIRST),
        then="close",
    ),
    Fault(
        "an end in the middle of an event",
        lambda spoken, stream: sized(
            half(spoken, stream) + (b'data: {"cut' if stream else b""), f"Content-Type: {kind(stream)}"
        ),
        NONSENSE,
        Expect(StreamError, text=FIRST),
    ),
    Fault(
        "an end before the first event",
        with_head("Content-Length: 0", body=nothing),
        NONSENSE,
        Expect(StreamError, again=True),
    ),
]

BAD_FRAMING = [
    Fault(name, begun_chunked(data), NONSENSE, NONSENSE_IN_TEXT, then="wait")
    for name, data in {
        "a chunk size of letters": b"xyz\r\nabc\r\n",
        "a chunk size with a sign": b"+3\r\nabc\r\n",
        "a chunk size beyond all bounds": b"f" * 20 + b"\r\n",
        "a chunk longer than announced": b"3\r\nabcd\r\n",
        "no size before a chunk": b"\r\nabc\r\n",
        "an endless chunk extension": b"3;" + b"x" * 70_000,
        "endless trailers": b"0\r\n" + b"X: y\r\n" * 20_000,
    }.items()
]

BAD_CODING = [
    Fault("gzip that is none", packed(half, lambda data: data, "gzip"), NONSENSE, NONSENSE),
    Fault("deflate that is none", packed(half, lambda data: data, "deflate"), NONSENSE, NONSENSE),
    Fault("gzip cut short", packed(half, flushed_gzip, "gzip"), NONSENSE, NONSENSE_IN_TEXT),
    Fault(
        "gzip cut short by the connection's end",
        lambda spoken, stream: (
            head(f"Content-Type: {kind(stream)}", "Content-Encoding: gzip") + flushed_gzip(half(spoken, stream))
        ),
        LOST,
        LOST_IN_TEXT,
        then="close",
    ),
    Fault(
        "text behind gzip",
        packed(half, lambda data: gzip.compress(data) + b"text", "gzip"),
        NONSENSE,
        NONSENSE_IN_TEXT,
    ),
    Fault("brotli", packed(half, lambda data: data, "br"), NONSENSE, NONSENSE),
    Fault("zstd upon gzip", packed(half, gzip.compress, "gzip, zstd"), NONSENSE, NONSENSE),
    Fault(
        "a decompression bomb",
        packed(
            lambda spoken, stream: half(spoken, stream) + (b": keep alive\n" if stream else b" " * 14) * 100_000,
            gzip.compress,
            "gzip",
        ),
        too_large("limits.decompressed_bytes"),
        too_large("limits.decompressed_bytes", FIRST),
    ),
]

TOO_MUCH = [
    Fault(
        "an endless body",
        begun_chunked(),
        too_large("limits.body_bytes"),
        too_large("limits.body_bytes", FIRST),
        then="endless",
        endless=chunked(b": keep alive\n" * 100, end=False),
    ),
    Fault(
        "an endless body without length",
        with_head(),
        too_large("limits.body_bytes"),
        too_large("limits.body_bytes", FIRST),
        then="endless",
        endless=b": keep alive\n" * 100,
    ),
    Fault(
        "an endless event",
        begun_chunked(chunked(b"data: ", end=False)),
        too_large("limits.body_bytes"),
        Expect(ProtocolError, text=FIRST),
        then="endless",
        endless=chunked(b"and more " * 100, end=False),
    ),
    Fault(
        "an endless event of many lines",
        begun_chunked(),
        too_large("limits.body_bytes"),
        Expect(ProtocolError, text=FIRST),
        then="endless",
        endless=chunked(b"data: and more\n" * 100, end=False),
    ),
    Fault(
        "a body announced too large",
        with_head("Content-Length: 200001"),
        too_large("limits.body_bytes"),
        too_large("limits.body_bytes"),
        then="wait",
    ),
]

#: What looks like a fault and is none: the answer has to be right.
ODD_AND_RIGHT = [
    Fault("a body without length", with_head(body=right), RIGHT, RIGHT, then="close"),
    Fault("HTTP/1.0", with_head(body=right, version="1.0"), RIGHT, RIGHT, then="close"),
    Fault(
        "interim answers before the answer",
        lambda spoken, stream: (
            head(status=100)
            + head("Link: x", status=103)
            + sized(right(spoken, stream), f"Content-Type: {kind(stream)}")
        ),
        RIGHT,
        RIGHT,
    ),
    Fault("gzip", packed(right, gzip.compress, "gzip"), RIGHT, RIGHT),
    Fault("deflate", packed(right, zlib.compress, "deflate"), RIGHT, RIGHT),
    Fault(
        "chunks of one byte, extensions, trailers",
        lambda spoken, stream: (
            head(f"Content-Type: {kind(stream)}", "Transfer-Encoding: chunked")
            + b"".join(b"1;name=value\r\n%c\r\n" % byte for byte in right(spoken, stream))
            + b"0;end\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"
        ),
        RIGHT,
        RIGHT,
    ),
    Fault(
        "a connection lost after the protocol's end",
        lambda spoken, stream: (
            head(f"Content-Type: {kind(stream)}", "Transfer-Encoding: chunked")
            + chunked(right(spoken, stream), end=False)
        ),
        LOST,
        RIGHT,
        then="close",
    ),
    Fault(
        "a header that is not UTF-8",
        lambda spoken, stream: sized(right(spoken, stream), f"Content-Type: {kind(stream)}", "X-Who: Andr\xe9"),
        RIGHT,
        RIGHT,
    ),
    Fault(
        "an answer that ends the connection",
        lambda spoken, stream: sized(right(spoken, stream), f"Content-Type: {kind(stream)}", "Connection: close"),
        RIGHT,
        RIGHT,
        then="close",
    ),
    Fault(
        "bytes behind the answer",
        lambda spoken, stream: (
            sized(right(spoken, stream), f"Content-Type: {kind(stream)}") + sized(spoken.body("of nobody"))
        ),
        RIGHT,
        RIGHT,
        then="wait",
    ),
]

assert TEXT.startswith(FIRST)

FAULTS = [
    *NO_CONNECTION, *NO_HEAD, *NO_HTTP, *NO_END, *BAD_FRAMING, *BAD_CODING, *TOO_MUCH, *ODD_AND_RIGHT,
]  # fmt: skip
