"""A server on loopback that speaks every provider's API: for tests, demonstrations, and trying things without a key.

What belongs here: the server's life, and what it tells about its clients. What a test can make it say and do is in
``script.py``, the words of the APIs are in ``dialects/``, HTTP is in ``http1.py``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType

from .answering import reply_to, unaddressed
from .dialects import addressed, dialect_named
from .http1 import Connection, Reply, Request
from .script import Scripted

__all__ = ["ProviderServer"]

_HOST = "127.0.0.1"
_BACKLOG = 4096  # connections that may wait to be accepted; the system may have a lower limit


class ProviderServer(Scripted):
    """OpenAI (Chat Completions and Responses), Claude, Gemini and OpenRouter in one process, streaming and not.

    >>> async with ProviderServer() as server:
    ...     provider = OpenAIProvider("any key", server.url("openai"))
    ...     response = await provider.acomplete("any-model", [{"role": "user", "content": "Hello"}])
    ...     response.main_response.content
    'You said: Hello'

    Without a script a small model answers (see :func:`llm_async.testing.model.reply`). Requests that the real API would
    refuse for their form are refused in its own words. Ids and times are the same in every run, and tokens are words.

    ``async with`` runs the server in the loop of the program; a plain ``with`` runs it in a thread of its own, for
    programs without a loop. One server can be started again after it was stopped, at another port if it chose that
    itself; script, requests and counts stay.

    Args:
        api_key: the only key that is accepted; None accepts any key, and none.
        pause: seconds between two events of a stream.
        port: the port to listen on, on 127.0.0.1; 0 takes a free one.

    Attributes:
        requests: every request that arrived whole, in order.
        total_connections: connections accepted so far.
    """

    def __init__(self, *, api_key: str | None = None, pause: float = 0.0, port: int = 0) -> None:
        super().__init__()
        self.api_key = api_key
        self.pause = pause
        self.requests: list[Request] = []
        self.total_connections = 0
        self._wanted_port = port
        self._open: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # Those who wait for a change, each with the future that tells of it.
        self._waiters: list[asyncio.Future[None]] = []
        self._running = False
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    # Its life.

    async def start(self) -> None:
        """Listen; RuntimeError when the server runs already."""
        if self._running:
            raise RuntimeError("the server runs already")
        self._running = True
        self._loop = asyncio.get_running_loop()
        try:
            self._server = await self._loop.create_server(
                partial(Connection, self._answer, self._opened, self._closed),
                _HOST,
                self._wanted_port,
                backlog=_BACKLOG,
            )
        except BaseException:
            self._running = False
            raise

    async def stop(self) -> None:
        """Stop listening and drop every connection, whatever it is doing; does nothing when the server is stopped."""
        server, self._server, self._running = self._server, None, False
        if server is None:
            return
        server.close()
        for connection in list(self._open):
            connection.abort()
        await self._until(lambda: not self._open)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await server.wait_closed()

    async def __aenter__(self) -> ProviderServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def __enter__(self) -> ProviderServer:
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="ProviderServer", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result()
        except BaseException:
            self._end_thread(loop)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self.stop(), self._loop).result()
        self._end_thread(self._loop)

    def _end_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self._thread is not None
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        self._thread = None
        loop.close()

    @property
    def port(self) -> int:
        """The port that the server listens on; RuntimeError when it does not run."""
        if self._server is None:
            raise RuntimeError("the server does not run: use it with `async with` or call start()")
        return int(self._server.sockets[0].getsockname()[1])

    def url(self, provider: str) -> str:
        """The base URL for a provider: ``openai``, ``openairesponses``, ``claude``, ``google`` or ``openrouter``; or in a
        cloud, ``azure``, ``azureresponses``, ``vertex`` or ``vertexclaude``.

        Raises:
            ValueError: for another name.
            RuntimeError: the server does not run.
        """
        return f"http://{_HOST}:{self.port}{dialect_named(provider).base}"

    def reset(self) -> None:
        """Forget what is queued, and the recorded requests."""
        super().reset()
        self.requests.clear()

    # What is seen of the clients.

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._open)

    async def wait_for_connections(self, count: int = 1, *, timeout: float | None = 10.0) -> None:
        """Wait until at least ``count`` connections are open; TimeoutError after ``timeout`` seconds."""
        await self._within(timeout, lambda: len(self._open) >= count, f"{count} open connections")

    async def wait_closed_connections(self, *, timeout: float | None = 10.0) -> None:
        """Wait until no connection is open; TimeoutError after ``timeout`` seconds."""
        await self._within(timeout, lambda: not self._open, "no open connection")

    async def wait_for_requests(self, count: int = 1, *, timeout: float | None = 10.0) -> None:
        """Wait until at least ``count`` requests are recorded; TimeoutError after ``timeout`` seconds."""
        await self._within(timeout, lambda: len(self.requests) >= count, f"{count} requests")

    async def _within(self, timeout: float | None, reached: Callable[[], bool], wanted: str) -> None:
        if self._thread is not None and self._loop is not None and self._loop is not asyncio.get_running_loop():
            # The server lives in another thread, and only there its state is seen without races.
            there = asyncio.run_coroutine_threadsafe(self._within(timeout, reached, wanted), self._loop)
            await asyncio.wrap_future(there)
            return
        try:
            await asyncio.wait_for(self._until(reached), timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(
                f"waited {timeout} s for {wanted}; there are {len(self._open)} open connections "
                f"and {len(self.requests)} requests"
            ) from None

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                self._waiters.remove(waiter)

    def _changed(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    # Called by the connections.

    def _opened(self, connection: Connection) -> None:
        self.total_connections += 1
        self._open.add(connection)
        self._tasks.add(connection.task)
        connection.task.add_done_callback(self._tasks.discard)
        if not self._running:
            connection.abort()  # accepted just before the end
        self._changed()

    def _closed(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._changed()

    def _answer(self, request: Request) -> Reply:
        dialect = addressed(request)
        request.number = len(self.requests) + 1
        request.provider = None if dialect is None else dialect.name
        self.requests.append(request)
        self._changed()
        if dialect is None:
            return unaddressed(request)
        reply = partial(reply_to, request, dialect, self._answers, api_key=self.api_key, pause=self.pause)
        fault = self._faults.take(dialect.name)
        return reply() if fault is None else fault.disturb(request, dialect, reply)
