"""A server on loopback that says, byte for byte, what a test tells it to.

``RawServer(script)`` runs ``script`` once per connection with a :class:`Peer`: the client as the server sees it. It
counts the connections that are open, which is how tests see that a client let one go. ``answering(...)`` is the script
for the usual case.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

__all__ = ["Peer", "RawServer", "answering", "background", "ok"]

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def ok(body: bytes = b"ok", *headers: str) -> bytes:
    """A 200 with a body of known length."""
    lines = [f"Content-Length: {len(body)}", *headers]
    return b"HTTP/1.1 200 OK\r\n" + "".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


class Peer:
    """One connection, seen from the server.

    Attributes:
        number: how many connections came before this one.
        requests: the requests that were read from it, head and body.
    """

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notify: Callable[[], None]
    ) -> None:
        self.number = number
        self._notify = notify
        self.requests: list[bytes] = []
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request; ``b""`` when the client has closed the connection."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = _CONTENT_LENGTH.search(head)
            body = await self.reader.readexactly(int(length[1])) if length else b""
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        self.requests.append(head + body)
        self._notify()
        return head + body

    async def send(self, *pieces: bytes) -> None:
        """Send each piece, as a packet of its own as far as the system allows."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0)

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    def close(self) -> None:
        """Close the connection, after what was sent."""
        self.writer.close()

    def reset(self) -> None:
        """Close the connection with RST."""
        connection = self.writer.get_extra_info("socket")
        if connection is None:  # the client was faster
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


def answering(*answers: bytes, then_close: bool = False) -> Script:
    """The script that answers each request of a connection with the next of ``answers``, the last one again and
    again."""

    async def script(peer: Peer) -> None:
        served = 0
        while await peer.request():
            await peer.send(answers[min(served, len(answers) - 1)])
            served += 1
            if then_close:
                return

    return script


class RawServer:
    """Serves ``script`` on a free port of 127.0.0.1, in the running event loop.

    Attributes:
        accepted: connections so far.
        open: connections that are open now.
        peers: all of them.
    """

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.script = script
        self.accepted = 0
        self.open = 0
        self.peers: list[Peer] = []
        self.port = 0
        self._host = host
        self._tls = tls
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The server's root, without a slash at its end."""
        return f"{'https' if self._tls else 'http'}://{'localhost' if self._tls else self._host}:{self.port}"

    @property
    def requests(self) -> list[bytes]:
        """The requests of all connections."""
        return [request for peer in self.peers for request in peer.requests]

    async def __aenter__(self) -> RawServer:
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self.peers:
            peer.writer.transport.abort()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def until(self, condition: Callable[[RawServer], bool]) -> None:
        """Wait until something is so; the deadline is the test's."""
        while not condition(self):
            self._changed.clear()
            await self._changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(self.accepted, reader, writer, self._changed.set)
        self.peers.append(peer)
        self.accepted += 1
        self.open += 1
        self._changed.set()
        try:
            await self.script(peer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the server ends
        finally:
            self._tasks.discard(task)
            self.open -= 1
            self._changed.set()
            writer.close()


@contextmanager
def background(script: Script) -> Iterator[RawServer]:
    """A server in a thread and an event loop of its own, for tests in which the client's event loop ends before it."""
    loop = asyncio.new_event_loop()
    server = RawServer(script)
    loop.run_until_complete(server.__aenter__())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
