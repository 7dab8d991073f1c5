"""From a server's name to a connected, and if need be encrypted, socket.

What belongs here: the steps of connecting, in their order: name, addresses, socket, proxy, TLS. How long they may take
together is the caller's business.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from itertools import zip_longest

from ..errors import UnsupportedError
from .address import Origin
from .proxy import Proxy, open_tunnel
from .resolver import Address, Resolver
from .tls import TLS
from .wire import Wire

__all__ = ["Dialer"]

# RFC 8305, section 5: how long one address may keep the next one waiting.
_STAGGER_SECONDS = 0.25

# A model may think for minutes without a byte. Probes keep routers from forgetting the connection meanwhile, and find
# out after some two minutes that the other side is gone.
_KEEP_ALIVE_PROBES = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 5}

# How much the event loop reads at once.
_BLOCK = 64 * 1024


class Dialer:
    """Makes the connections of one event loop.

    Args:
        resolver: looks names up.
        tls: how servers are verified.
        proxy_for: says which proxy requests to a server go through at the moment.
    """

    def __init__(self, resolver: Resolver, tls: TLS, proxy_for: Callable[[Origin], Proxy | None]) -> None:
        self.proxy_for = proxy_for
        self._resolver = resolver
        self._tls = tls
        self._buffer = memoryview(bytearray(_BLOCK))  # see Wire

    async def dial(
        self, origin: Origin, proxy: Proxy | None = None, context: ssl.SSLContext | None = None, *, verify: bool = True
    ) -> Wire:
        """A socket on which ``origin``, or the proxy before it, is ready to be spoken to.

        Args:
            origin: the server.
            proxy: the proxy to go through.
            context: replaces the TLS policy for this connection.
            verify: False trusts anybody, for this connection.

        Raises:
            OSError: the server could not be reached, or was not trusted.
            LLMError: the proxy refused.
        """
        if not verify:
            context = await TLS(False).context()
        # The contexts come first: building one takes a while, in which the server might lose patience.
        through_tls = None if proxy is None or not proxy.origin.tls else await self._tls.context()
        if origin.tls and context is None:
            context = await self._tls.context()
        wire = await self._connect(origin if proxy is None else proxy.origin)
        try:
            if proxy is not None:
                if through_tls is not None:
                    await self._encrypt(wire, proxy.origin, through_tls)
                if origin.tls:
                    await open_tunnel(wire, proxy, origin)
            if origin.tls:
                assert context is not None
                await self._encrypt(wire, origin, context)
        except BaseException:
            wire.abort()
            raise
        return wire

    async def _connect(self, origin: Origin) -> Wire:
        addresses = await self._resolver.addresses(origin.hostname, origin.port)
        try:
            connected = await _first_that_answers(addresses)
        except OSError:
            self._resolver.forget(origin.hostname, origin.port)
            raise
        loop = asyncio.get_running_loop()
        try:
            _, wire = await loop.create_connection(lambda: Wire(loop, connected, self._buffer), sock=connected)
        except BaseException:
            connected.close()
            raise
        return wire

    async def _encrypt(self, wire: Wire, origin: Origin, context: ssl.SSLContext) -> None:
        """Speak TLS with ``origin`` on a socket that is connected to it."""
        if not wire.quiet:
            # Bytes that have been read would be missing in the handshake, and an end would not be told to it: either
            # way it would wait until the deadline.
            spoken = await wire.read()
            what = "spoke" if spoken else "closed the connection"
            raise ConnectionAbortedError(f"TLS failed: the server {what} before the handshake")
        loop = asyncio.get_running_loop()
        name = origin.hostname.partition("%")[0].rstrip(".")
        try:
            transport = await loop.start_tls(wire.transport, wire, context, server_hostname=name)
        except TypeError as error:
            # Python 3.10 cannot lay TLS over TLS, which an https proxy before an https server needs.
            raise UnsupportedError("an https proxy before an https server needs Python 3.11 or later") from error
        except BaseException:
            _close_half_made(wire.transport)
            raise
        if transport is None:
            raise ConnectionAbortedError("the server closed the connection during the TLS handshake")
        wire.encrypted(transport)
        session = transport.get_extra_info("ssl_object")
        if session is not None and session.selected_alpn_protocol() not in (None, "http/1.1"):
            raise ConnectionAbortedError("the SSLContext offers HTTP/2, which is not spoken here; offer http/1.1 alone")


def _close_half_made(transport: asyncio.Transport) -> None:
    """Close the transport for TLS that ``start_tls`` made over ``transport`` and did not hand over.

    Python 3.10 forgets it when a cancellation comes together with the end of the handshake, and then complains of it.
    """
    half_made = getattr(transport.get_protocol(), "_app_transport", None)
    if half_made is not None:
        half_made.abort()


async def _first_that_answers(addresses: list[Address]) -> socket.socket:
    """A socket connected to one of the addresses: the first, and each next one when those before failed or are slow."""
    if len(addresses) == 1:
        return await _connected(addresses[0])
    waiting = _alternating(addresses)
    attempts: list[asyncio.Task[socket.socket]] = []
    running: set[asyncio.Task[socket.socket]] = set()
    failures: list[OSError] = []
    winner = None
    try:
        while waiting or running:
            if waiting:
                attempts.append(asyncio.ensure_future(_connected(waiting.pop(0))))
                running.add(attempts[-1])
            done, running = await asyncio.wait(
                running, timeout=_STAGGER_SECONDS if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for attempt in done:
                try:
                    connected = attempt.result()
                except OSError as error:
                    failures.append(error)
                else:
                    winner = attempt
                    return connected
        raise failures[0]
    finally:
        for attempt in attempts:
            if attempt is not winner:
                attempt.cancel()
                attempt.add_done_callback(_close_late)


def _alternating(addresses: list[Address]) -> list[Address]:
    """The addresses with the families taking turns, the preferred one first (RFC 8305, section 4)."""
    preferred = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for pair in zip_longest(preferred, others) for address in pair if address is not None]


async def _connected(address: Address) -> socket.socket:
    family, where = address
    connected = socket.socket(family, socket.SOCK_STREAM)
    try:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE_PROBES.items():
            option = getattr(socket, name, None)
            if option is not None:
                connected.setsockopt(socket.IPPROTO_TCP, option, value)
        await asyncio.get_running_loop().sock_connect(connected, where)
    except BaseException:
        connected.close()
        raise
    return connected


def _close_late(attempt: asyncio.Task[socket.socket]) -> None:
    """Close the socket of an attempt that succeeded after another one had."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()
