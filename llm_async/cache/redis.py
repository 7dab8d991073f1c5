"""Answers in Redis, or in a server that speaks like it (Valkey, KeyDB): shared by many machines."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from .bounds import checked_ttl

__all__ = ["RedisCache"]


class RedisCache:
    """Keeps answers in a Redis server, by the ``redis`` library (``pip install llm-async[redis]``).

    How much is kept and what makes room is the server's business (``maxmemory`` and ``maxmemory-policy``). Connections are
    made when they are first needed, in each event loop its own.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, with the credentials and the number of the database.
        ttl: seconds after which an answer is forgotten; None leaves that to the server.
        prefix: stands before every key.
        timeout: seconds that the server may take to be reached, and to answer. A cache that is slower is of no use.
        **options: further arguments of ``redis.asyncio.Redis.from_url``.

    Raises:
        ImportError: the library is not installed.
        ValueError: ``url`` is none of the three, or ``ttl`` is no positive number.
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        ttl: float | None = None,
        prefix: str = "llm-async:",
        timeout: float = 2.0,
        **options: Any,
    ) -> None:
        try:
            self._library()
        except ImportError as error:
            raise ImportError("a cache in Redis needs its library: pip install llm-async[redis]") from error
        self.ttl = checked_ttl(ttl)
        self.prefix = prefix
        self._url = url
        self._options = {"socket_timeout": timeout, "socket_connect_timeout": timeout, **options}
        self._clients: dict[asyncio.AbstractEventLoop, Any] = {}
        self._client_of(url)

    @staticmethod
    def _library() -> Any:
        return import_module("redis.asyncio")

    def __repr__(self) -> str:
        return f"<RedisCache with the prefix {self.prefix!r}>"

    def __getstate__(self) -> dict[str, Any]:
        # A copy, in this process or another one, makes connections of its own.
        return {**self.__dict__, "_clients": {}}

    async def get(self, key: str) -> bytes | None:
        """The value under ``key``, or None.

        Raises:
            redis.exceptions.RedisError: the server cannot be reached, or says no.
        """
        value: bytes | None = await self._client().get(self.prefix + key)
        return value

    async def set(self, key: str, value: bytes) -> None:
        """Keep ``value``.

        Raises:
            redis.exceptions.RedisError: the server cannot be reached, or says no.
        """
        milliseconds = None if self.ttl is None else max(1, round(self.ttl * 1000))
        await self._client().set(self.prefix + key, value, px=milliseconds)

    async def aclose(self) -> None:
        """Close the connections of the running event loop. The cache can be used again afterwards."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def __aenter__(self) -> RedisCache:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def _client(self) -> Any:
        """The client of the running event loop."""
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            for each in [each for each in self._clients if each.is_closed()]:
                del self._clients[each]
            client = self._clients[loop] = self._client_of(self._url)
        return client

    def _client_of(self, url: str) -> Any:
        retry = import_module("redis.asyncio.retry").Retry(import_module("redis.backoff").NoBackoff(), 1)
        options = {"retry": retry, **self._options}
        return self._library().Redis.from_url(url, **options)
