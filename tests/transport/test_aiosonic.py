"""What this library relies on in aiosonic: when a newer version changes it, these tests say so first.

The guard replaces how aiosonic connects, reads and keeps connections; it can do so only as long as aiosonic asks it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import subprocess
import sys
from typing import Any

import aiosonic
import pytest
from aiosonic.connection import Connection
from aiosonic.connectors import TCPConnector
from aiosonic.pools import BasePool, PoolConfig
from aiosonic.utils import connection_key

from llm_async.transport import Transport
from llm_async.transport.address import Origin
from llm_async.transport.connection import GuardedConnection
from llm_async.transport.pool import Pool

from ..raw_server import Peer, RawServer, answering, ok
from .calls import fetch, play


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_methods_that_the_guard_replaces_are_called_as_before() -> None:
    for name in (
        "reuse",
        "connect",
        "release",
        "close",
        "write",
        "read",
        "readexactly",
        "readuntil",
        "readline",
        "__aexit__",
    ):
        ours, theirs = getattr(GuardedConnection, name), getattr(Connection, name)
        assert len(parameters(ours)) == len(parameters(theirs)), name
        assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(theirs), name
    for name in ("acquire", "release", "cleanup", "free_conns", "is_all_free", "_init_pool"):
        assert len(parameters(getattr(Pool, name))) == len(parameters(getattr(BasePool, name))), name


def test_the_pool_has_all_that_aiosonic_asks_of_a_pool() -> None:
    assert set(BasePool.__abstractmethods__) <= set(vars(Pool))


def test_the_connector_takes_our_classes_and_makes_the_pool_with_four_arguments() -> None:
    made = []

    def pool_cls(*arguments: Any) -> Any:
        made.append(arguments)
        return object()

    connector = TCPConnector(
        pool_configs={":default": PoolConfig(size=3, max_conn_requests=None)},
        connection_cls=GuardedConnection,
        pool_cls=pool_cls,
        use_dns_cache=False,
    )
    ((conf, connection_cls, timeouts, _),) = made
    assert (conf.size, connection_cls, timeouts) == (3, GuardedConnection, connector.timeouts)
    assert set(connector.pools) == {":default"}


def test_a_connection_belongs_to_scheme_host_and_port() -> None:
    assert connection_key(Origin("https", "a", 443)) == "https://a:443"
    assert (
        len(
            {
                connection_key(Origin(*o))
                for o in [("http", "a", 1), ("https", "a", 1), ("http", "b", 1), ("http", "a", 2)]
            }
        )
        == 4
    )


def test_the_client_of_a_transport_is_an_aiosonic_client_on_guarded_connections() -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            path = request.split()[1]
            if path == b"/chunks":
                await peer.send(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                )
            elif path == b"/slow":
                await asyncio.sleep(0.05)
                await peer.send(ok(b"slow"))
            else:
                await peer.send(ok(path))

    async def test(transport: Transport, server: RawServer) -> None:
        client = transport.client
        assert isinstance(client, aiosonic.HTTPClient)
        assert transport.client is client
        assert await fetch(transport, server, path="/ours") == b"/ours"
        response = await client.get(server.url + "/theirs")
        assert await response.content() == b"/theirs"
        async with client.stream("POST", server.url + "/chunks", data=b"x") as response:
            assert [chunk async for chunk in response.read_chunks()] == [b"abc", b"de"]
        assert server.accepted == 1
        # A call that is given up spoils nothing, which is what the guard is for.
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.get(server.url + "/slow"), 0.01)
        for _ in range(3):
            response = await client.get(server.url + "/next")
            assert await response.content() == b"/next"
        assert await fetch(transport, server, path="/ours") == b"/ours"
        await client.aclose()
        await server.until(lambda server: server.open == 0)

    play(script, test)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_aiosonics_own_errors_come_from_its_own_client(answer: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)

    async def test(transport: Transport, server: RawServer) -> None:
        with pytest.raises((aiosonic.exceptions.ConnectionDisconnected, asyncio.IncompleteReadError)):
            await transport.client.get(server.url)
        assert transport.client.connector.pools[":default"].is_all_free()

    play(script, test)


def test_options_of_the_client_reach_it() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        assert transport.client.max_redirects == 7
        await fetch(transport, server)

    play(answering(ok()), test, client_options={"max_redirects": 7})


def test_importing_aiosonic_adds_no_output_and_headers_stay_out_of_the_log() -> None:
    program = """
import asyncio, logging, sys
sys.path.insert(0, ".")
from tests.transport.calls import fetch, play
from tests.raw_server import answering, ok
logging.getLogger().setLevel(logging.DEBUG)
async def test(transport, server):
    await fetch(transport, server, authorization="Bearer sk-secret")
    logging.getLogger("aiosonic").warning("sk-secret")
play(answering(ok()), test)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "sk-secret" not in done.stderr.replace("WARNING:aiosonic:sk-secret", "")
    import llm_async.transport.home  # noqa: F401

    assert [type(handler) for handler in logging.getLogger("aiosonic").handlers] == [logging.NullHandler]
