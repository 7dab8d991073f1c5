"""aiosonic's connection, guarded: it serves again only where nothing of an earlier exchange can be left on it.

What belongs here: the decision whether a connection may serve again. aiosonic decides it by a flag that outlives the
exchange that earned it; after a cancelled or failed request the next one then reads its predecessor's answer. Here the
flag is earned by each exchange anew, and the socket itself is asked: it must be open, silent, and of the wanted TLS
policy.
"""

from __future__ import annotations

from asyncio import IncompleteReadError
from collections.abc import Callable
from typing import Any

from aiosonic.connection import Connection
from aiosonic.exceptions import ConnectionDisconnected, MissingReaderException, MissingWriterException
from aiosonic.utils import connection_key

from .address import Origin
from .proxy import Proxy
from .wire import Wire

__all__ = ["GuardedConnection"]


class GuardedConnection(Connection):  # type: ignore[misc]  # aiosonic has no types
    """A connection of a :class:`~llm_async.transport.pool.Pool`.

    Attributes:
        wire: the socket, or None.
        proxy: the proxy that the socket goes through, or None.
        idle_since: loop time at which the last exchange ended.
    """

    def __init__(self, pool: Any) -> None:
        super().__init__(pool)
        self.wire: Wire | None = None
        self.proxy: Proxy | None = None
        self.idle_since = 0.0
        self._own_policy = False  # made with an SSLContext of one request's own: for nobody else
        self._left = b""  # bytes that were read from the socket and not asked for yet (see the last section)

    @property
    def usable(self) -> bool:
        """Whether the socket is open and everything that arrived on it has been read."""
        return self.wire is not None and self.wire.quiet and not self._left

    def reuse(self, urlparsed: Any, verify: bool) -> bool:
        """Whether the open socket serves a request to ``urlparsed``; if not, it is closed."""
        serves = (
            self.usable
            and self.wire is not None
            and self.wire.silent()
            and not self._own_policy
            and verify == self._verify
            and self.proxy == self._wanted_proxy(urlparsed)
            and super().reuse(urlparsed, verify)
        )
        self.keep = False
        if serves and self.wire is not None:
            self.wire.idle = False
        else:
            self.close()
        return serves

    async def connect(self, urlparsed: Any, dns_info: Any, verify: bool, ssl_context: Any, http2: bool = False) -> None:
        """Connect to the server; the dialer looks its name up, lays TLS over the socket, and goes through proxies.

        Raises:
            OSError: no connection could be made.
            LLMError: a proxy refused, or gave an answer that is none.
        """
        self.close()
        self._verify = verify
        self._own_policy = ssl_context is not None or not verify
        origin = urlparsed
        if not isinstance(origin, Origin):
            tls = urlparsed.scheme == "https"
            origin = Origin(urlparsed.scheme, urlparsed.hostname, urlparsed.port or (443 if tls else 80))
        self.proxy = self._wanted_proxy(urlparsed)
        self.wire = await self.pool.dialer.dial(origin, self.proxy, ssl_context, verify=verify)
        self.reader = self.writer = self.wire
        self.requests_count = 0
        self.temp_key = connection_key(urlparsed)

    def _wanted_proxy(self, urlparsed: Any) -> Proxy | None:
        # aiosonic's own requests have URLs of another type, and know nothing of this library's proxies.
        return self.pool.dialer.proxy_for(urlparsed) if isinstance(urlparsed, Origin) else None

    def release(self) -> None:
        """Give the connection back: as it is if the exchange earned it (``keep``), else closed."""
        if self.wire is not None:
            self.idle_since = self.pool.now()
            self.wire.idle = True
        super().release()

    def close(self) -> None:
        """Close the socket at once."""
        wire, self.wire = self.wire, None
        self.reader = self.writer = None
        self.keep = False
        self._left = b""
        if wire is not None:
            wire.abort()

    def abandon(self) -> None:
        """Close the socket although its event loop is closed."""
        wire, self.wire = self.wire, None
        self.reader = self.writer = None
        if wire is not None:
            wire.abandon()

    # --- aiosonic's own way, for requests that are made on its client directly: its calls on top of the wire

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if error is not None:
            self.keep = False
        await super().__aexit__(kind, error, traceback)

    def write(self, data: bytes) -> None:
        if self.wire is None:
            raise MissingWriterException("writer not set.")
        self.wire.write(data)

    async def read(self, size: int = -1) -> bytes:
        if size < 0:
            return await self._collect(lambda data: None)
        if not self._left:
            self._left = await self._block()
        data, self._left = self._left[:size], self._left[size:]
        return data

    async def readexactly(self, size: int) -> bytes:
        data = await self._collect(lambda data: size if len(data) >= size else None)
        if len(data) < size:
            raise IncompleteReadError(data, size)
        return data

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        data = await self._collect(lambda data: data.find(separator) + len(separator) if separator in data else None)
        if not data.endswith(separator):
            raise IncompleteReadError(data, None)
        return data

    async def readline(self) -> bytes:
        return await self._collect(lambda data: data.find(b"\n") + 1 or None)

    async def _collect(self, end: Callable[[bytearray], int | None]) -> bytes:
        """Read until ``end`` says how many of the bytes are wanted, or until the connection ends."""
        data = bytearray(self._left)
        while (size := end(data)) is None and (block := await self._block()):
            data += block
        size = len(data) if size is None else size
        self._left = bytes(data[size:])
        return bytes(data[:size])

    async def _block(self) -> bytes:
        if self.wire is None:
            raise MissingReaderException("reader not set.")
        try:
            return await self.wire.read()
        except OSError as error:
            self.close()
            raise ConnectionDisconnected from error
