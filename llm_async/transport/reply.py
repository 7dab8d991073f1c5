"""An answer whose head has been read: its body, as it comes.

What belongs here: reading to the end, and leaving before it. Either way the connection is given back or closed here,
once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..errors import LLMError, ProtocolError, StreamError
from ..models import Limits
from .body import framing
from .codings import inflater
from .deadlines import Clock
from .errors import connection_lost
from .http1 import ResponseHead

if TYPE_CHECKING:
    from .connection import GuardedConnection
    from .wire import Wire

__all__ = ["Reply", "running_loop"]


class Reply:
    """The answer to one request.

    Read it to its end, or :meth:`close` it. At the end of the body the connection is given back for the next request,
    if both sides allow that and not a byte came beyond the end; in every other case it is closed at once. One task
    reads at a time.

    Args:
        connection: where the answer comes from; owned by the reply from now on.
        head: the head of the answer.
        rest: what has arrived behind the head.
        method: of the request.
        may_serve_again: whether the request leaves the connection usable.
        clock: the deadlines; watches the connection.
        limits: the sizes that are allowed.
        place: the server, for error messages.

    Attributes:
        status: the HTTP status.
        reason: the words behind it, ``""`` if there are none.
        headers: the headers.
        reused: whether the connection had served a request before.
    """

    __slots__ = (
        "_body", "_clock", "_closed", "_connection", "_draining", "_inflater", "_limits", "_loop",
        "_may_serve_again", "_place", "_ready", "_received", "_rest", "_wire", "headers", "reason", "reused", "status",
    )  # fmt: skip

    #: Whether it was kept from an earlier request instead of coming from the server.
    cached = False

    def __init__(
        self,
        connection: GuardedConnection,
        head: ResponseHead,
        rest: bytes,
        *,
        method: str,
        may_serve_again: bool,
        clock: Clock,
        limits: Limits,
        place: object,
    ) -> None:
        self._connection: GuardedConnection | None = None  # set last: only a whole Reply may close it
        self.status = head.status
        self.reason = head.reason
        self.headers = head.headers
        self.reused = bool(connection.reused)
        self._body, transfer_codings = framing(method, head, limits.body_bytes)
        self._inflater = None
        if not self._body.finished:
            codings = [*head.headers.tokens("content-encoding"), *transfer_codings]
            self._inflater = inflater(codings, limits.decompressed_bytes)
        self._may_serve_again = may_serve_again and head.persistent
        self._clock = clock
        self._limits = limits
        self._place = place
        self._loop = asyncio.get_running_loop()
        self._wire: Wire | None = connection.wire
        self._ready = b""  # bytes of the body that have not been handed over
        self._received = 0  # bytes of the body so far
        self._closed: str | None = None  # why nothing more can be read
        self._draining = False
        self._rest = 0  # bytes that may still come while draining
        if rest:
            self._accept(rest, connection)
        elif self._body.finished:
            self._finish(connection)
        if self._wire is not None:
            self._connection = connection
            clock.await_body()

    # --- reading

    async def read_some(self) -> bytes:
        """The next bytes of the body, decompressed, as soon as there are any; ``b""`` at its end.

        Raises:
            APIConnectionError: the connection was lost before the end of the body.
            APITimeoutError: the server was silent for too long, or the call took too long in total.
            ProtocolError: the body is not what its head says, or larger than the limits allow.
            StreamError: the reply was closed before its end.
        """
        try:
            while True:
                if self._inflater is None:
                    data, self._ready = self._ready, b""
                else:
                    data = self._inflate()
                if data:
                    return data
                if self._wire is None:
                    self._check_end()
                    return b""
                if self._body.failure is not None:
                    raise self._body.failure
                data = await self._wire.read()
                assert self._connection is not None
                self._accept(data, self._connection)
        except LLMError as error:
            if self._leave(error):
                raise
        except OSError as error:
            lost = connection_lost(self._place, self._body.progress(), error)
            if self._leave(lost):
                raise lost from error
        except BaseException:
            self.close()
            raise
        return b""

    async def read(self, limit: int | None = None) -> bytes:
        """The rest of the body, decompressed.

        Args:
            limit: read no more than so many bytes; of a longer body the beginning is returned, and the connection
                closed.

        Raises:
            LLMError: as :meth:`read_some`.
        """
        pieces = []
        size = 0
        while data := await self.read_some():
            pieces.append(data)
            size += len(data)
            if limit is not None and size > limit:
                self.close()
                return b"".join(pieces)[:limit]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def limit_rest(self, *, seconds: float, size: int) -> None:
        """From now on read only so that the connection can serve again: what is still to come is of no interest.

        The body may take ``seconds`` and ``size`` bytes more. When it takes longer or more, or breaks off,
        or is malformed, the connection is closed and :meth:`read_some` returns ``b""`` as at an end: it raises no
        LLMError any more.
        """
        self._draining = True
        self._rest = size
        if self._wire is not None:
            self._clock.await_rest(seconds)

    def expect_more(self) -> None:
        """Take :meth:`limit_rest` back: what is still to come belongs to the answer."""
        self._draining = False
        if self._wire is not None:
            self._clock.await_body()

    def _inflate(self) -> bytes:
        assert self._inflater is not None
        if self._ready:
            self._inflater.feed(self._ready)
            self._ready = b""
        return self._inflater.take()

    def _accept(self, data: bytes, connection: GuardedConnection) -> None:
        """Take bytes from the connection; ``b""`` is its end."""
        body = self._body
        if data:
            piece = self._ready = body.feed(data)
            self._received += len(piece)
            if self._received > self._limits.body_bytes:
                raise ProtocolError(f"the answer's body is larger than limits.body_bytes ({self._limits.body_bytes})")
            if self._draining:
                self._rest -= len(data)
                if self._rest < 0:
                    raise ProtocolError("more bytes than expected follow the answer")
        elif body.at_eof:
            body.finished = True
        else:
            raise connection_lost(self._place, body.progress())
        if body.finished:
            self._finish(connection)

    def _check_end(self) -> None:
        """Raise what makes this no end."""
        if self._draining:
            return
        if self._closed is not None:
            raise StreamError(f"the answer cannot be read any more: {self._closed}")
        if self._inflater is None or self._inflater.whole:
            return
        if self._body.at_eof:
            raise connection_lost(self._place, "inside a compressed body")
        # The framing was complete, so nothing was lost on the way: the server compressed half a body.
        raise ProtocolError("the answer's compressed body breaks off before its end")

    def _leave(self, error: LLMError) -> bool:
        """Close for an error; whether it is to be raised, which it is not once the body is of no interest any more."""
        self.close()
        # Not the error itself: its traceback holds this reply, and the two would wait for the garbage collector.
        self._closed = f"{type(error).__name__}: {error}"
        return not self._draining

    # --- leaving

    def _finish(self, connection: GuardedConnection) -> None:
        """The body is whole: the connection can serve again, if nothing speaks against it."""
        wire = self._wire
        assert wire is not None
        self._wire = self._connection = None
        self._clock.stop()
        # A request that is still being sent was answered early; the server may never read the rest of it.
        connection.keep = self._may_serve_again and self._body.clean and wire.quiet and not wire.unsent
        connection.release()

    def close(self) -> None:
        """Close the connection at once, unless the body has been read to its end.

        May be called any number of times, outside of a coroutine, from another thread, after the event loop's end.
        """
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._wire = None
        self._ready = b""
        self._inflater = None
        if self._closed is None:
            self._closed = "it was closed before its end"
        if self._loop.is_closed():
            connection.abandon()
        elif running_loop() is self._loop:
            _drop(connection, self._clock)
        else:
            self._loop.call_soon_threadsafe(_drop, connection, self._clock)

    def __del__(self) -> None:
        if getattr(self, "_connection", None) is not None:
            self.close()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _drop(connection: GuardedConnection, clock: Clock) -> None:
    clock.stop()
    connection.close()
    connection.release()
