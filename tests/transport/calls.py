"""A transport against a raw server, in an event loop of its own, with a deadline for the whole test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from llm_async.models import Limits, Timeouts
from llm_async.transport import Reply, Transport

from ..raw_server import RawServer, Script

__all__ = ["TIMEOUTS", "fetch", "play", "send"]

#: Generous, and shorter than the deadline of a test: what hangs fails with a deadline of the transport's.
TIMEOUTS = Timeouts(connect=10, response=10, idle=10)

Test = Callable[[Transport, RawServer], Awaitable[Any]]


def play(script: Script, test: Test, *, seconds: float = 30, tls: Any = None, **options: Any) -> Any:
    """Run ``test`` with a fresh transport and a server that plays ``script``."""

    async def main() -> Any:
        async with RawServer(script, tls=tls) as server:
            transport = Transport(**{"limits": Limits(), **options})
            try:
                return await asyncio.wait_for(test(transport, server), seconds)
            finally:
                await transport.aclose()

    return asyncio.run(main())


async def send(
    transport: Transport,
    server: RawServer,
    *,
    method: str = "POST",
    path: str = "/v1/chat",
    body: bytes | None = b"{}",
    timeouts: Timeouts = TIMEOUTS,
    total_at: float | None = None,
    **headers: str,
) -> Reply:
    """Send a request to the server."""
    return await transport.send(method, server.url + path, headers, body, timeouts=timeouts, total_at=total_at)


async def fetch(transport: Transport, server: RawServer, **arguments: Any) -> bytes:
    """The body of the answer to a request."""
    reply = await send(transport, server, **arguments)
    return await reply.read()
