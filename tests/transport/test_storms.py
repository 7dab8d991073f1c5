"""Hundreds of calls on a few connections; half of them are cancelled, some are answered with nonsense or a reset."""

from __future__ import annotations

import asyncio
import random
import ssl

import pytest

from llm_async.errors import APIConnectionError, ProtocolError
from llm_async.models import Limits
from llm_async.transport import Transport

from ..raw_server import Peer, RawServer, ok
from .calls import fetch, play

trustme = pytest.importorskip("trustme")


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("seed", [1, 2])
def test_cancelled_and_failing_calls_never_get_or_spoil_the_answers_of_others(seed: int, encrypted: bool) -> None:
    chance = random.Random(seed)
    tls = None
    if encrypted:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(tls)

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            tag = request.split()[1]
            kind = chance.random()
            await asyncio.sleep(chance.random() * 0.004)
            if kind < 0.1:
                peer.reset()
                return
            if kind < 0.2:
                await peer.send(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n")
                return
            if kind < 0.6:
                await peer.send(ok(tag * 10))
            else:
                await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(10):
                    await peer.send(b"%x\r\n%b\r\n" % (len(tag), tag))
                    await asyncio.sleep(0)
                await peer.send(b"0\r\n\r\n")

    async def test(transport: Transport, server: RawServer) -> None:
        async def call(number: int) -> str:
            tag = f"/{number}/"
            try:
                body = await fetch(transport, server, path=tag)
            except (APIConnectionError, ProtocolError):
                return "failed"
            assert body == tag.encode() * 10
            return "right"

        async def canceller(task: asyncio.Task[str]) -> None:
            await asyncio.sleep(chance.random() * 0.006)
            task.cancel()

        outcomes: dict[str, int] = {"right": 0, "failed": 0, "cancelled": 0}
        for _ in range(12):
            calls = [asyncio.create_task(call(chance.randrange(10**9))) for _ in range(50)]
            cancelling = [asyncio.create_task(canceller(task)) for task in calls[::2]]
            for result in await asyncio.gather(*calls, return_exceptions=True):
                if isinstance(result, asyncio.CancelledError):
                    outcomes["cancelled"] += 1
                elif isinstance(result, BaseException):
                    raise result
                else:
                    outcomes[result] += 1
            await asyncio.gather(*cancelling)
        assert min(outcomes.values()) > 20, outcomes
        # Every slot came back: as many calls as there are connections can run at once.
        assert transport.client.connector.pools[":default"].free_conns() == 8

    play(script, test, tls=tls, verify=False, limits=Limits(connections=8))
