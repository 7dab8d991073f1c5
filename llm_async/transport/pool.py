"""The open connections of one event loop.

What belongs here: which connections are in use, which are idle, and when they are closed. Whether one may serve again
is decided by ``connection.py``; how one is made, by ``dialer.py``.

An idle connection is closed when it has been idle for long, when room is needed, and, by the socket itself, as soon as
the server closes it or says anything on it. All are closed when the event loop ends: asyncio closes the asynchronous
generators of a loop before the loop, and the pool keeps one for that purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiosonic.pools import BasePool
from aiosonic.utils import connection_key

from .slots import Slots

if TYPE_CHECKING:
    from .connection import GuardedConnection
    from .dialer import Dialer

__all__ = ["Pool"]

# Servers close idle connections after 5 s (uvicorn, Node.js, llama.cpp) to some minutes; routers forget them in silence
# after some minutes. A connection closed by the server is noticed at once, so only the silent kind has to be outrun.
_IDLE_SECONDS = 60.0


class Pool(BasePool):  # type: ignore[misc]  # aiosonic has no types
    """The connections of one event loop; what aiosonic's connector is given as its pool.

    At most ``conf.size`` connections are open: those in use, each of which holds a slot, and idle ones as far as there
    is room.

    Attributes:
        slots: one per connection that may be in use. Taken before :meth:`pick`, given back by :meth:`release`.
        dialer: makes connections.
    """

    def __init__(self, conf: Any, connection_cls: Any, timeouts: Any, http2_config: Any, *, dialer: Dialer) -> None:
        self.dialer = dialer
        self._loop = asyncio.get_running_loop()
        super().__init__(conf, connection_cls, timeouts, http2_config)
        self._end_of_loop = self._close_with_loop()
        # Runs the generator to its yield, which is when the event loop takes note of it.
        with suppress(StopIteration):
            self._end_of_loop.asend(None).send(None)

    def _init_pool(self, connection_cls: Any) -> None:
        self.slots = Slots(self.conf.size)
        self._connection_cls = connection_cls
        self._idle: dict[str, list[GuardedConnection]] = {}  # by server; the latest used is last
        self._in_use: set[GuardedConnection] = set()
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._closing = False

    async def _close_with_loop(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self.close()
            for connection in self._in_use:
                connection.close()
            # asyncio closes the sockets in the next turn of the loop.
            await asyncio.sleep(0)

    def now(self) -> float:
        """The loop's time."""
        return self._loop.time()

    # --- connections out and in

    async def acquire(self, urlparsed: Any = None) -> GuardedConnection:
        """A connection for a server, as aiosonic's connector asks for it."""
        await self.slots.take(None)
        return self.pick(urlparsed)

    def pick(self, origin: Any) -> GuardedConnection:
        """The idle connection to a server that was used last, else a new, unconnected one. The caller has a slot."""
        idle = self._idle.get(connection_key(origin))
        connection = None
        while idle and connection is None:
            connection = idle.pop()
            if not connection.usable:
                connection.close()
                connection = None
        if connection is None:
            self._make_room()
            connection = self._new_connection(self._connection_cls)
        self._in_use.add(connection)
        return connection

    def release(self, connection: GuardedConnection) -> None:
        """Take a connection back, and its slot; a second time does nothing."""
        if connection not in self._in_use:
            return
        self._in_use.discard(connection)
        if connection.usable and not self._closing:
            self._idle.setdefault(connection.temp_key, []).append(connection)
            if self._sweep_timer is None:
                self._sweep_timer = self._loop.call_later(_IDLE_SECONDS, self._sweep)
        else:
            connection.close()
        self.slots.give()

    def _make_room(self) -> None:
        """Close the connection that has been idle for longest, when one more would be too many."""
        idle = sum(map(len, self._idle.values()))
        if idle and idle + len(self._in_use) >= self.conf.size:
            longest = min(
                (waiting for waiting in self._idle.values() if waiting), key=lambda waiting: waiting[0].idle_since
            )
            longest.pop(0).close()

    def _sweep(self) -> None:
        """Close what has been idle for long, or was closed meanwhile; look again while anything is left."""
        self._sweep_timer = None
        last_use = self._loop.time() - _IDLE_SECONDS
        left: dict[str, list[GuardedConnection]] = {}
        for key, idle in self._idle.items():
            for connection in idle:
                if connection.usable and connection.idle_since > last_use:
                    left.setdefault(key, []).append(connection)
                else:
                    connection.close()
        self._idle = left
        if left:
            first = min(idle[0].idle_since for idle in left.values())
            self._sweep_timer = self._loop.call_at(first + _IDLE_SECONDS, self._sweep)

    # --- the end

    def close(self) -> None:
        """Close the idle connections now, and each of those in use when it comes back."""
        self._closing = True
        self._close_idle()

    def _close_idle(self) -> None:
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def abandon(self) -> None:
        """Close everything although the event loop is closed."""
        idle, self._idle = self._idle, {}
        for connection in [*self._in_use, *(connection for connections in idle.values() for connection in connections)]:
            connection.abandon()

    # --- the rest of aiosonic's interface

    async def cleanup(self) -> None:
        """Close the idle connections; those in use go on."""
        self._close_idle()

    def free_conns(self) -> int:
        """How many more connections may be in use."""
        return int(self.conf.size) - len(self._in_use)

    def is_all_free(self) -> bool:
        """Whether no connection is in use."""
        return not self._in_use
