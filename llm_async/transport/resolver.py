"""Names to addresses: both families, one lookup for all who ask at the same time, remembered for a short while."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

__all__ = ["Address", "Resolver"]

#: Family and socket address, as ``socket.socket`` and ``connect`` take them.
Address = tuple[int, Any]

# Long enough that a burst of connections costs one lookup, short enough to follow a service that moves.
_REMEMBERED_SECONDS = 20.0


class Resolver:
    """The resolver of one event loop. It has the interface of aiosonic's resolvers too."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[float, list[Address]]] = {}
        self._running: dict[tuple[str, int], asyncio.Task[list[Address]]] = {}

    async def addresses(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, in the system's order of preference, at least one. OSError when there is none."""
        numeric = _numeric(host, port)
        if numeric is not None:
            return numeric
        key = (host, port)
        expires, addresses = self._known.get(key, (0.0, []))
        if asyncio.get_running_loop().time() < expires:
            return addresses
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.ensure_future(self._look_up(key))
            task.add_done_callback(_retrieve)
        # Waiting for the task, rather than awaiting it, leaves it running for the others when this caller is cancelled.
        await asyncio.wait({task})
        return task.result()

    def forget(self, host: str, port: int) -> None:
        """Look a host up anew next time: none of its addresses answered."""
        self._known.pop((host, port), None)

    async def _look_up(self, key: tuple[str, int]) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(*key, type=socket.SOCK_STREAM)
            if not found:
                raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        finally:
            del self._running[key]
        addresses: list[Address] = [(family, address) for family, _, _, _, address in found]
        now = loop.time()
        self._known = {known: value for known, value in self._known.items() if value[0] > now}
        self._known[key] = (now + _REMEMBERED_SECONDS, addresses)
        return addresses

    # --- for aiosonic's TCPConnector, when a request is made on its client directly

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        """What aiosonic hands to ``Connection.connect``, which here looks up for itself."""
        return [{"hostname": host, "port": port}]

    async def close(self) -> None:
        """Nothing is held that would have to be closed."""


def _retrieve(task: asyncio.Task[list[Address]]) -> None:
    """Look at the failure of a lookup that everybody has stopped waiting for, so that asyncio does not report it."""
    if not task.cancelled():
        task.exception()


def _numeric(host: str, port: int) -> list[Address] | None:
    """The one address that ``host`` is already; None for a name."""
    if ":" not in host and not host[-1:].isdigit():
        return None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return None
    return [(family, address) for family, _, _, _, address in found]
