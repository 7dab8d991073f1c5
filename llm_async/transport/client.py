"""The transport of a provider: requests go out and replies come back, on connections that aiosonic's connector holds.

What belongs here: the steps of one exchange in their order, and what each event loop has of its own.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LLMError, ProtocolError
from ..models import Limits, Timeouts
from .address import Origin, parse_url
from .deadlines import Clock, finish_by
from .errors import connection_lost, unreachable
from .http1 import HeadReader, RequestHead, ResponseHead
from .reply import Reply, running_loop

if TYPE_CHECKING:
    import ssl

    from .connection import GuardedConnection
    from .home import Home
    from .proxy import Proxy
    from .tls import TLS
    from .wire import Wire

__all__ = ["Transport"]

# Interim answers (100, 103) that may come before the answer. Servers send one or two.
_INTERIM_ANSWERS = 16


class Transport:
    """Sends requests over HTTP/1.1. Needs no event loop to be made, and serves several, one after another.

    Args:
        limits: sizes that no answer may pass, and how many connections may be open per event loop.
        verify: True trusts the certificates that the system trusts, False anybody's, a path is a file or a folder of
            certificates to trust instead, an ``ssl.SSLContext`` is used as it is.
        ssl_context: the same as an SSLContext for ``verify``.
        proxy: URL of an http or https proxy, credentials before its host.
        trust_env: without ``proxy``, take the proxy from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
        client_options: further arguments of ``aiosonic.HTTPClient``; they count for requests that are made on
            :attr:`client` directly.

    Raises:
        ValueError: ``verify`` is a path that does not exist, or ``proxy`` is no URL of a proxy.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        verify: bool | str | os.PathLike[str] | ssl.SSLContext = True,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        client_options: Mapping[str, Any] = {},
    ) -> None:
        self._limits = limits
        self._verify = verify if ssl_context is None else ssl_context
        if isinstance(self._verify, (str, os.PathLike)) and not Path(self._verify).exists():
            raise ValueError(f"verify: there is no file or folder {os.fspath(self._verify)!r}")
        # Not a method: what event loops hold must not hold the transport, which closes their connections when it goes.
        self._proxy_for = _proxy_choice(proxy, trust_env)
        self._client_options = dict(client_options)
        self._tls: TLS | None = None
        self._homes: dict[asyncio.AbstractEventLoop, Home] = {}
        weakref.finalize(self, _close_homes, self._homes)

    def __repr__(self) -> str:
        return f"<Transport with connections in {len(self._homes)} event loops>"

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        timeouts: Timeouts,
        total_at: float | None = None,
    ) -> Reply:
        """Send a request; the reply, once its head is there.

        A connection that was kept from an earlier exchange and turns out to be dead before a byte of the answer has
        come is replaced by a new one, once.

        Args:
            method: any HTTP method.
            url: an http or https URL without credentials.
            headers: stand over the defaults (Host, User-Agent, Accept, Accept-Encoding, Connection). Values may be
                Secrets.
            body: sent with its length; None sends none.
            timeouts: the deadlines; ``total`` is only named in the message, see ``total_at``.
            total_at: loop time at which the whole call has to be over.

        Raises:
            ValueError, TypeError: for a method, URL or header that may not be sent.
            APIConnectionError: the server could not be reached, or the connection was lost before the answer's head.
            APITimeoutError: the ``pool``, ``connect``, ``response`` or ``total`` deadline passed.
            ProtocolError: the answer is not HTTP/1.1.
        """
        target = parse_url(url)
        head = RequestHead(method, target, headers, None if body is None else len(body))
        loop = asyncio.get_running_loop()
        clock = Clock(loop, timeouts, total_at, target.origin)
        if total_at is not None and loop.time() >= total_at:
            raise clock.expired("total")
        pool = self._home(loop).pool
        if not pool.slots.try_take():
            when, deadline = clock.limit("pool")
            if not await pool.slots.take(when):
                raise clock.expired(deadline)
        connection = pool.pick(target.origin)
        try:
            return await self._exchange(connection, head, body, clock)
        except BaseException:
            clock.stop()
            connection.close()
            connection.release()
            raise

    async def _exchange(
        self, connection: GuardedConnection, head: RequestHead, body: bytes | None, clock: Clock
    ) -> Reply:
        origin = head.target.origin
        connection.reused = connection.reuse(origin, verify=True)
        wire = connection.wire if connection.reused else None
        if wire is None:
            wire = await self._connect(connection, origin, clock)
        _write(wire, head, body, connection.proxy)
        clock.await_answer(wire)
        data, cause = await _read(wire)
        if not data and connection.reused:
            # The server closed the connection just when it was used again. It has not answered: asking anew is right.
            connection.reused = False
            wire = await self._connect(connection, origin, clock)
            _write(wire, head, body, connection.proxy)
            clock.await_answer(wire)
            data, cause = await _read(wire)
        answer, rest = await self._read_head(wire, data, cause, origin)
        return Reply(
            connection,
            answer,
            rest,
            method=head.method,
            may_serve_again=head.keep_alive,
            clock=clock,
            limits=self._limits,
            place=origin,
        )

    async def _connect(self, connection: GuardedConnection, origin: Origin, clock: Clock) -> Wire:
        clock.stop()
        when, deadline = clock.limit("connect")
        try:
            await finish_by(when, connection.connect(origin, None, True, None), lambda: clock.expired(deadline))
            assert connection.wire is not None
            return connection.wire
        except LLMError:
            raise
        except OSError as error:
            raise unreachable(origin, error) from error

    async def _read_head(
        self, wire: Wire, data: bytes, cause: OSError | None, origin: Origin
    ) -> tuple[ResponseHead, bytes]:
        """The head of the answer, interim answers skipped, and what came behind it; ``data`` are the first bytes."""
        reader = HeadReader(self._limits.header_bytes)
        interim = 0
        while True:
            if not data:
                raise connection_lost(origin, "before the head of its answer was complete", cause) from cause
            answer = reader.feed(data)
            if answer is not None:
                head, data = answer
                if head.status >= 200:
                    return answer
                interim += 1
                if head.status == 101:
                    raise ProtocolError("the server switches to a protocol that it was not asked for")
                if interim > _INTERIM_ANSWERS:
                    raise ProtocolError(f"more than {_INTERIM_ANSWERS} interim answers came, and no answer")
                reader = HeadReader(self._limits.header_bytes)
            if answer is None or not data:
                data, cause = await _read(wire)

    # --- event loops

    @property
    def client(self) -> Any:
        """The ``aiosonic.HTTPClient`` that holds the connections of the running event loop; made when needed.

        A request made on it directly goes aiosonic's own way, without this library's deadlines, limits and proxy, on
        the same guarded connections.
        """
        return self._home(asyncio.get_running_loop()).client

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and what is left of loops that are closed.

        Connections in use are closed when they come back. The transport can be used again afterwards.
        """
        home = self._homes.pop(asyncio.get_running_loop(), None)
        if home is not None:
            home.pool.close()
        self._forget_closed_loops()
        # asyncio closes the sockets in the next turn of the loop.
        await asyncio.sleep(0)

    def _home(self, loop: asyncio.AbstractEventLoop) -> Home:
        home = self._homes.get(loop)
        if home is None:
            self._forget_closed_loops()
            home = self._homes[loop] = self._new_home()
        return home

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._homes if loop.is_closed()]:
            self._homes.pop(loop).pool.abandon()

    def _new_home(self) -> Home:
        # aiosonic takes a quarter of a second to import, so nobody pays for it who sends nothing.
        from .home import Home
        from .tls import TLS

        if self._tls is None:
            self._tls = TLS(self._verify)
        return Home(self._limits, self._tls, self._proxy_for, self._client_options)


def _proxy_choice(url: str | None, trust_env: bool) -> Callable[[Origin], Proxy | None]:
    """What says which proxy a request to a server goes through."""
    if url is None and not trust_env:
        return lambda origin: None
    from . import proxy

    if url is None:
        return proxy.from_environment
    chosen = proxy.parse_proxy(url)
    return lambda origin: chosen


def _write(wire: Wire, head: RequestHead, body: bytes | None, proxy: Proxy | None) -> None:
    # The bytes of the head, keys among them, have no name here that a traceback could show.
    if proxy is None or head.target.origin.tls:
        wire.write(head.encode(), body)
    else:
        wire.write(head.encode(through_proxy=True, extra=proxy.headers), body)


async def _read(wire: Wire) -> tuple[bytes, OSError | None]:
    """What has arrived; ``b""`` at the end of the connection, with what ended it unless that was orderly."""
    try:
        return await wire.read(), None
    except LLMError:
        raise
    except OSError as error:
        return b"", error


def _close_homes(homes: dict[asyncio.AbstractEventLoop, Home]) -> None:
    """Close what a transport leaves behind when it, or the interpreter, ends. Replies that are being read go on."""
    for loop, home in homes.items():
        if loop.is_closed():
            home.pool.abandon()
        elif running_loop() is loop:
            home.pool.close()
        else:
            loop.call_soon_threadsafe(home.pool.close)
