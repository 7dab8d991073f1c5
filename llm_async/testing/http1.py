"""HTTP/1.1 from the server's side: requests read, replies written, and every way in which a reply can break off.

What belongs here: one connection of a client. What is answered comes from the function that the connection is given; it
gets a :class:`Request` and returns a :class:`Reply`.

A connection is read by callbacks and served by one task. The moment the client is gone, whichever way, the task is
cancelled, so that no pause and no stall outlives its reader. A client that only shuts down its sending side counts as
gone, as it does with most servers.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from .._json import loads
from .answers import Framing

__all__ = ["Connection", "Ending", "Reply", "Request", "laid_over"]

_MEBIBYTE = 1024 * 1024
HEAD_BYTES = 64 * 1024
BODY_BYTES = 64 * _MEBIBYTE

_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")

Ending = Literal["whole", "stall", "eof", "reset"]


@dataclass
class Request:
    """A request as it arrived.

    Attributes:
        method: the method, in capitals.
        path: the path, percent escapes decoded.
        query: the parameters after the question mark; the last one of a name.
        headers: the header lines, names in lower case; lines of one name are joined by ``", "``.
        raw_headers: the header lines in order, names as the client wrote them.
        body: the body, chunked framing undone.
        provider: ``Provider.name()`` of the API that was addressed, or None where the path belongs to none.
        number: the place of the request among all that the server got, from 1.
        http_version: ``"1.1"`` or ``"1.0"``.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw_headers: list[tuple[str, str]]
    body: bytes = b""
    provider: str | None = None
    number: int = 0
    http_version: str = "1.1"

    @property
    def json(self) -> Any:
        """The decoded body; None when it is empty or no JSON."""
        try:
            return loads(self.body)
        except ValueError:
            return None

    @property
    def closes(self) -> bool:
        """Whether the client wants the connection closed after the reply (RFC 9112, section 9.3)."""
        options = {option.strip() for option in self.headers.get("connection", "").lower().split(",")}
        return "close" in options or (self.http_version == "1.0" and "keep-alive" not in options)


@dataclass
class Reply:
    """An answer in bytes, and how it is delivered.

    Attributes:
        status: the HTTP status.
        headers: the header lines, without those of the framing.
        pieces: the body, each piece written alone; with chunked framing a piece is a chunk.
        framing: how the client learns where the body ends; see :class:`~llm_async.testing.Raw`.
        length: the Content-Length that is announced; None is the length of the pieces.
        torn: bytes of a last piece that is announced whole but breaks off: (size announced, bytes that arrive).
        ending: what follows the pieces: the proper end of the body (``whole``), silence (``stall``), a closed
            connection (``eof``) or a connection reset (``reset``).
        headless: nothing at all is sent, the status line included, before ``ending``.
        delay: seconds before anything is sent.
        pause: seconds between two pieces.
        close: close the connection afterwards.
    """

    status: int
    headers: list[tuple[str, str]]
    pieces: list[bytes]
    framing: Framing = "length"
    length: int | None = None
    torn: tuple[int, bytes] | None = None
    ending: Ending = "whole"
    headless: bool = False
    delay: float = 0.0
    pause: float = 0.0
    close: bool = False

    @property
    def bodiless(self) -> bool:
        """Whether the status alone rules out a body, and with it all framing (RFC 9110, section 6.4.1)."""
        return self.framing != "wire" and self.status in (204, 304)


def laid_over(headers: list[tuple[str, str]], more: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers with ``more`` behind them, in the place of those of the same name."""
    given = {name.lower() for name in more}
    return [*((name, value) for name, value in headers if name.lower() not in given), *more.items()]


class BadHTTP(Exception):
    """What arrived is not HTTP as this server takes it; ``status`` is the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Connection(asyncio.Protocol):
    """One client, from its first byte to its last.

    ``answer`` makes the reply to each request; ``opened`` and ``closed`` are called with the connection.
    """

    def __init__(
        self,
        answer: Callable[[Request], Reply],
        opened: Callable[[Connection], None],
        closed: Callable[[Connection], None],
    ) -> None:
        self._answer = answer
        self._opened = opened
        self._closed = closed
        self._buffer = bytearray()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport
        self.task: asyncio.Task[None]

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Waiting for room means waiting until all is sent: only then may the connection be reset behind it.
        self._transport.set_write_buffer_limits(high=0)
        self.task = asyncio.get_running_loop().create_task(self._serve())
        self._opened(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._arrived.set()
        if len(self._buffer) > HEAD_BYTES + BODY_BYTES:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._closed(self)
        self.task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def abort(self) -> None:
        """Drop the connection, whatever it is doing."""
        self._transport.abort()

    # Receiving.

    async def _serve(self) -> None:
        try:
            while True:
                request = await self._next_request()
                if not await self._send(request, self._answer(request)):
                    return
        except BadHTTP as error:
            message = f"{error.status} {HTTPStatus(error.status).phrase}: {error}\n".encode()
            headers = [("content-type", "text/plain; charset=utf-8")]
            await self._send(None, Reply(error.status, headers, [message], close=True))
        finally:
            self._transport.close()

    async def _next_request(self) -> Request:
        head = await self._through(b"\r\n\r\n", HEAD_BYTES, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        request = parse_head(head)
        if request.headers.get("expect", "").lower() == "100-continue":
            await self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "transfer-encoding" in request.headers:
            request.body = await self._chunked_body(request.headers["transfer-encoding"])
        elif "content-length" in request.headers:
            request.body = await self._exactly(_body_length(request.headers["content-length"]))
        return request

    async def _chunked_body(self, coding: str) -> bytes:
        if coding.lower() != "chunked":
            raise BadHTTP(501, f"no transfer coding but chunked is known here, not {coding!r}")
        body = bytearray()
        while True:
            line = await self._through(b"\r\n", HEAD_BYTES, HTTPStatus.BAD_REQUEST)
            digits = line.partition(b";")[0].strip()
            if not _CHUNK_SIZE.fullmatch(digits):
                raise BadHTTP(400, "a chunk begins without its size")
            size = int(digits, 16)
            if size == 0:
                break
            if len(body) + size > BODY_BYTES:
                raise BadHTTP(413, f"bodies may have {BODY_BYTES} bytes")
            body += await self._exactly(size)
            if await self._exactly(2) != b"\r\n":
                raise BadHTTP(400, "a chunk is longer than it said")
        while await self._through(b"\r\n", HEAD_BYTES, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE):
            pass  # trailer lines
        return bytes(body)

    async def _through(self, mark: bytes, most: int, too_much: int) -> bytes:
        """The bytes before ``mark``, which is taken too; BadHTTP(too_much) when it does not come within ``most``."""
        seen = 0
        while True:
            place = self._buffer.find(mark, seen)
            if place > most or (place < 0 and len(self._buffer) > most + len(mark)):
                raise BadHTTP(too_much, f"at most {most} bytes fit here")
            if place >= 0:
                found = bytes(self._buffer[:place])
                del self._buffer[: place + len(mark)]
                return found
            seen = max(0, len(self._buffer) - len(mark) + 1)
            await self._more()

    async def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    async def _more(self) -> None:
        self._arrived.clear()
        await self._arrived.wait()

    # Sending.

    async def _send(self, request: Request | None, reply: Reply) -> bool:
        """Deliver a reply; whether the connection can take another request."""
        if request is not None and request.http_version == "1.0" and reply.framing == "chunked":
            reply.framing = "close"
        close = reply.close or reply.framing == "close" or (request is not None and request.closes)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if not reply.headless:
            if reply.framing != "wire":
                await self._write(_head(reply, close))
            if not (reply.bodiless or (request is not None and request.method == "HEAD")):
                await self._send_body(reply)
        if reply.ending == "stall":
            await asyncio.Event().wait()  # until the client leaves or the server stops
        if reply.ending == "reset":
            # Closing with a linger time of zero sends RST instead of FIN (SO_LINGER, socket(7)).
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.abort()
        return reply.ending == "whole" and not close

    async def _send_body(self, reply: Reply) -> None:
        chunked = reply.framing == "chunked"
        for position, piece in enumerate(reply.pieces):
            if position:
                await asyncio.sleep(reply.pause)
                # The loop looks for input between two of its turns; so a client in this very loop has read the last
                # piece before the next one is written, and sees them one by one.
                await asyncio.sleep(0)
            await self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if reply.torn is not None:
            size, beginning = reply.torn
            await self._write(b"%x\r\n%b" % (size, beginning) if chunked else beginning)
        elif chunked and reply.ending == "whole":
            await self._write(b"0\r\n\r\n")

    async def _write(self, data: bytes) -> None:
        self._transport.write(data)
        await self._writable.wait()


def parse_head(head: bytes) -> Request:
    """The request whose head (without the empty line) is given; BadHTTP when it cannot be read."""
    first, *lines = head.decode("latin-1").lstrip("\r\n").split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.rpartition(" ")
    if not method.isalpha() or not target or version not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadHTTP(400, "the request line cannot be read")
    raw_headers = []
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadHTTP(400, "a header line cannot be read")
        value = value.strip()
        raw_headers.append((name, value))
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    try:
        parts = urlsplit(target)
    except ValueError:
        raise BadHTTP(400, "the request target cannot be read") from None
    return Request(
        method=method.upper(),
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        raw_headers=raw_headers,
        http_version=version.removeprefix("HTTP/"),
    )


def _body_length(value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise BadHTTP(400, "Content-Length is not a number")
    if len(value) > 12 or int(value) > BODY_BYTES:
        raise BadHTTP(413, f"bodies may have {BODY_BYTES} bytes")
    return int(value)


def _head(reply: Reply, close: bool) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"  # 529 and its like are in no registry
    lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name}: {value}" for name, value in reply.headers)]
    if reply.bodiless:
        pass
    elif reply.framing == "chunked":
        lines.append("transfer-encoding: chunked")
    elif reply.framing == "length":
        length = sum(map(len, reply.pieces)) if reply.length is None else reply.length
        lines.append(f"content-length: {length}")
    lines.append("connection: close" if close else "connection: keep-alive")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
