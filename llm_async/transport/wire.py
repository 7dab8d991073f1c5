"""One connected socket: blocks of bytes in, bytes out.

What belongs here: what the event loop says about a socket, and what that means for whoever reads. Which bytes they are
is ``http1.py``'s and ``body.py``'s; when a socket may serve again is ``connection.py``'s.

Theory of operation. The event loop reads into one buffer that all sockets of a loop share, because what is in it is
copied out before anything else happens; without one it would make and give back a quarter of a megabyte for every read,
which takes longer than the rest of a small event. Blocks are kept as they arrive and handed over as they are, unless
several have come before anybody read. What has arrived is handed over before the end or the loss of the connection is
reported, because a server may answer, close and reset in one breath. A socket that nobody uses (``idle``) has nothing to
say: any byte and any end on it closes it at once, so that no unasked-for byte ever meets a request and no half-closed
socket is kept.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

__all__ = ["Wire"]

# Reading pauses when so many bytes wait for the reader; the kernel's buffers then slow the server down.
_HIGH_WATER = 64 * 1024

# Up to this size a head and a body are joined, which is cheaper than a second write and a second packet.
_ONE_WRITE = 64 * 1024


class Wire(asyncio.BufferedProtocol):
    """A socket and what has arrived on it. One task reads at a time.

    Args:
        loop: the running event loop.
        connected: the socket, which the event loop's transport will own.
        buffer: what the event loop reads into; shared by all sockets of the loop, and by no other loop's.

    Attributes:
        transport: asyncio's transport; with TLS, the encrypted one.
        idle: nobody uses the socket; set by the pool.
        waiting_since: loop time at which the reader began to wait for the bytes that are missing, or None.
        closed: the socket cannot be used any more.
        watch: what is called when the time has come that :meth:`wake_at` was given; None while there is no exchange.
    """

    __slots__ = (
        "_alarm", "_alarm_at", "_buffer", "_cause", "_ended", "_held", "_loop", "_paused", "_pieces", "_socket",
        "_socket_transport", "_waiter", "closed", "idle", "transport", "waiting_since", "watch",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, connected: socket.socket, buffer: memoryview) -> None:
        self.transport: Any = None
        self.idle = False
        self.waiting_since: float | None = None
        self.closed = False
        self.watch: Callable[[], None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._loop = loop
        self._socket = connected
        self._buffer = buffer
        self._socket_transport: Any = None  # the plain transport below TLS
        self._pieces: list[bytes] = []
        self._held = 0  # bytes in _pieces
        self._paused = False
        self._ended = False  # nothing more will arrive
        self._cause: BaseException | None = None  # why, if it was no orderly end
        self._waiter: asyncio.Future[None] | None = None

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = self._socket_transport = transport

    def encrypted(self, transport: Any) -> None:
        """TLS has been laid over the socket: what is said goes through ``transport`` from now on."""
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self.idle:
            self.abort()
            return
        self._pieces.append(self._buffer[:nbytes].tobytes())
        self._held += nbytes
        if self._held > _HIGH_WATER and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
            self.waiting_since = None

    def eof_received(self) -> None:
        # Returning None closes the socket once what was written is sent. An answer that came before is read anyway.
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed:
            self.closed = True
            # On Python 3.10 a transport for TLS does not know that it is closed until it is told.
            self.transport.abort()
        if self.watch is None:
            self._stop_alarm()
        self._end(exc)

    def _end(self, cause: BaseException | None) -> None:
        if self.idle:
            self.abort()
        if not self._ended:
            self._ended = True
            self._cause = cause
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # --- called by the user of the socket

    async def read(self) -> bytes:
        """All that has arrived, at least one byte; ``b""`` after an orderly end.

        Raises:
            OSError: the connection was lost.
            LLMError: what :meth:`fail` was given.
        """
        pieces = self._pieces
        if not pieces:
            if not self._ended:
                if self._waiter is not None:
                    raise RuntimeError("two tasks read from one connection")
                self.waiting_since = self._loop.time()
                self._waiter = self._loop.create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = self.waiting_since = None
            if not pieces:
                if self._cause is not None:
                    raise self._cause
                return b""
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._held = 0
        if self._paused:
            self._paused = False
            if not self._ended:
                self.transport.resume_reading()
        return data

    def write(self, head: bytes, body: bytes | None = None) -> None:
        """Send; what the socket does not take at once is buffered, so that an early answer can be read meanwhile."""
        if self.closed:
            return
        if body is None or len(body) <= _ONE_WRITE:
            self.transport.write(head + body if body else head)
        else:
            self.transport.write(head)
            self.transport.write(body)

    @property
    def quiet(self) -> bool:
        """Whether the socket is open and nothing has arrived that was not read."""
        return not (self.closed or self._ended or self._pieces or self.transport.is_closing())

    def silent(self) -> bool:
        """Whether the socket is open and, as far as the system knows, the server has neither spoken nor closed it.

        The event loop tells late: what it has not read yet was sent to nobody, and must not pass for the next answer.
        """
        if not self.quiet:
            return False
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        return False

    def is_closing(self) -> bool:
        """Whether the socket cannot be used any more; aiosonic asks it of a connection's writer."""
        return self.closed

    @property
    def waking(self) -> bool:
        """Whether something has happened that the reader will see as soon as it runs."""
        return self._waiter is not None and self._waiter.done()

    @property
    def unsent(self) -> bool:
        """Whether something written has not been sent."""
        return bool(self.transport.get_write_buffer_size())

    def wake_at(self, when: float) -> None:
        """Call :attr:`watch` at the loop time ``when``, or earlier.

        The timer stays with the socket when an exchange is over. The next one mostly finds it set early enough, and most exchanges
        cost no timer at all.
        """
        if self._alarm is None or when < self._alarm_at:
            self._stop_alarm()
            self._alarm_at = when
            self._alarm = self._loop.call_at(when, self._ring)

    def unwatch(self) -> None:
        """The exchange is over: nobody looks at the time until the next one."""
        self.watch = None
        if self.closed:
            self._stop_alarm()

    def _ring(self) -> None:
        self._alarm = None
        if self.watch is not None:
            self.watch()

    def _stop_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def fail(self, error: BaseException) -> None:
        """Close the socket; the reader gets ``error``, and nothing that had arrived and was not read."""
        self._pieces.clear()
        self._ended = True
        self._cause = error
        self._end(error)
        self.abort()

    def abort(self) -> None:
        """Close the socket at once."""
        if not self.closed:
            self.closed = True
            self._stop_alarm()
            if self.transport is not None:
                self.transport.abort()
            # Whoever still reads must not take this for the server's end of a body.
            self._end(ConnectionAbortedError("it was closed on this side"))

    def abandon(self) -> None:
        """Close the socket although its event loop, which would have to do it, is closed."""
        self.closed = True
        self.watch = self._alarm = None  # the timer is gone with its loop
        transport = self._socket_transport
        if transport is not None:
            try:
                transport.abort()
            except RuntimeError:
                # asyncio has marked the transport as closing and asked the loop for the rest. uvloop closes the sockets
                # of a loop together with it and does not come here.
                transport._call_connection_lost(None)
