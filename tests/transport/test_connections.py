"""When a connection serves again, when it does not, and when it is closed."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from typing import Any

import pytest

from llm_async.errors import APIConnectionError, StreamError
from llm_async.models import Limits
from llm_async.transport import Transport, pool

from ..raw_server import Peer, RawServer, answering, background, ok
from .calls import TIMEOUTS, fetch, play, send

ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"


def test_one_connection_serves_one_call_after_another() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        replies = []
        for _ in range(5):
            reply = await send(transport, server)
            await reply.read()
            replies.append(reply.reused)
        assert replies == [False, True, True, True, True]
        assert server.accepted == 1

    play(answering(ok()), test)


def test_calls_at_the_same_time_have_connections_of_their_own() -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            await all_there.wait()
            await peer.send(ok(request.split()[1]))

    all_there = asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        calls = [asyncio.create_task(fetch(transport, server, path=f"/{n}")) for n in range(20)]
        await server.until(lambda server: server.accepted == 20)
        all_there.set()
        assert await asyncio.gather(*calls) == [b"/%d" % n for n in range(20)]

    play(script, test)


def test_a_body_that_has_arrived_frees_its_connection_before_it_is_read() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        first = await send(transport, server)
        second = await send(transport, server)
        assert second.reused
        assert [await first.read(), await second.read()] == [b"1", b"2"]

    play(answering(ok(b"1"), ok(b"2")), test)


@pytest.mark.parametrize("leave", ["close", "drop", "cancel"])
def test_leaving_a_body_early_closes_its_connection_at_once(leave: str) -> None:
    async def script(peer: Peer) -> None:
        request = await peer.request()
        if b"/endless" in request:
            await peer.send(ENDLESS)
            await peer.gone()
        else:
            await peer.send(ok(b"fine"))
            await peer.gone()

    async def test(transport: Transport, server: RawServer) -> None:
        reply: Any = await send(transport, server, path="/endless")
        assert await reply.read_some() == b"abc"
        if leave == "close":
            reply.close()
            reply.close()
            with pytest.raises(StreamError, match="it was closed before its end"):
                await reply.read_some()
        elif leave == "drop":
            gc.disable()
            del reply
        else:
            reader = asyncio.create_task(reply.read_some())
            await asyncio.sleep(0)
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader
            with pytest.raises(StreamError):
                await reply.read_some()
        await server.until(lambda server: server.open == 0)
        gc.enable()
        assert await fetch(transport, server) == b"fine"

    play(script, test)


@pytest.mark.parametrize("word", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray", b"\r\n", b"\0"])
def test_bytes_on_an_idle_connection_close_it_and_reach_nobody(word: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ok(b"%d" % peer.number))
        if peer.number == 0:
            await idle.wait()
            await peer.send(word)
        await peer.gone()

    idle = asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server) == b"0"
        idle.set()
        await server.until(lambda server: server.open == 0)
        assert await fetch(transport, server) == b"1"

    play(script, test)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_an_idle_connection_that_the_server_ends_is_closed_without_being_asked(end: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ok(b"%d" % peer.number))
        if peer.number == 0:
            await idle.wait()
            if end == "close":
                peer.writer.write_eof()
                await peer.gone()
                closed.set()
            else:
                peer.reset()
                closed.set()
        await peer.gone()

    idle, closed = asyncio.Event(), asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server) == b"0"
        idle.set()
        await closed.wait()
        await server.until(lambda server: server.open == 0)
        reply = await send(transport, server)
        assert (await reply.read(), reply.reused) == (b"1", False)

    play(script, test)


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_kept_connection_that_ends_before_a_byte_is_replaced_once(method: str, end: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ok(b"first"))
        if peer.number == 0 or await peer.request() is None:
            await peer.request()
            peer.reset() if end == "reset" else peer.close()

    async def test(transport: Transport, server: RawServer) -> None:
        await fetch(transport, server, method=method, path="/1")
        reply = await send(transport, server, method=method, path="/2")
        assert (await reply.read(), reply.reused) == (b"first", False)
        assert [request.split()[1] for request in server.requests] == [b"/1", b"/2", b"/2"]

    play(script, test)


def test_a_connection_that_ends_is_not_replaced_twice_nor_when_it_was_new() -> None:
    async def script(peer: Peer) -> None:
        if peer.number == 0:
            await peer.request()
            await peer.send(ok())
        await peer.request()

    async def test(transport: Transport, server: RawServer) -> None:
        await fetch(transport, server)
        with pytest.raises(APIConnectionError, match=r"connection lost to .* before the head"):
            await fetch(transport, server)
        assert (server.accepted, len(server.requests)) == (2, 3)
        with pytest.raises(APIConnectionError):
            await fetch(transport, server)
        assert (server.accepted, len(server.requests)) == (3, 4)

    play(script, test)


def test_a_kept_connection_that_ends_after_a_byte_is_not_replaced() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ok())
        await peer.request()
        await peer.send(b"H")

    async def test(transport: Transport, server: RawServer) -> None:
        await fetch(transport, server)
        with pytest.raises(APIConnectionError):
            await fetch(transport, server)
        assert len(server.requests) == 2

    play(script, test)


def test_a_request_that_says_close_has_its_connection_closed() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        await fetch(transport, server, connection="close")
        await server.until(lambda server: server.open == 0)
        assert server.requests[0].lower().count(b"\r\nconnection:") == 1

    play(answering(ok()), test)


@pytest.mark.parametrize("goes_on", ["close", "reset", "stay", "read"])
def test_an_answer_before_the_request_is_sent_is_not_lost(goes_on: str) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large"

    async def script(peer: Peer) -> None:
        if peer.number:
            await peer.request()
            await peer.send(ok(b"fine"))
            await peer.gone()
            return
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(refusal)
        if goes_on == "stay":
            await done.wait()  # and reads nothing more
        elif goes_on == "read":
            await peer.gone()
        elif goes_on == "reset":
            await answered.wait()
            peer.reset()

    answered, done = asyncio.Event(), asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server, body=bytes(30 << 20))
        answered.set()
        assert (reply.status, await reply.read()) == (413, b"too large")
        if goes_on != "stay":
            await server.until(lambda server: server.open == 0)
        assert await fetch(transport, server) == b"fine"
        done.set()

    play(script, test)


def test_a_large_request_arrives_whole() -> None:
    body = bytes(range(256)) * (8 << 12)

    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server, body=body) == b"ok"
        assert server.requests[0].endswith(b"\r\n\r\n" + body)
        assert await fetch(transport, server) == b"ok"
        assert server.accepted == 1

    play(answering(ok()), test)


def test_no_more_connections_are_open_than_the_limit_allows() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        async with RawServer(answering(ok())) as other:
            await asyncio.gather(*[fetch(transport, server) for _ in range(3)])
            await asyncio.gather(*[fetch(transport, other) for _ in range(3)])
            await server.until(lambda server: server.open + other.open <= 3)
            await asyncio.gather(*[fetch(transport, server) for _ in range(30)])
            await server.until(lambda server: server.open + other.open <= 3)

    play(answering(ok()), test, limits=Limits(connections=3))


def test_a_connection_that_has_been_idle_for_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_IDLE_SECONDS", 0.1)

    async def test(transport: Transport, server: RawServer) -> None:
        await asyncio.gather(*[fetch(transport, server) for _ in range(3)])
        await server.until(lambda server: server.open == 0)
        await fetch(transport, server)

    play(answering(ok()), test)


def test_connections_have_nagle_off_and_probes_on() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server)
        wire: Any = reply._wire
        connection = wire.transport.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        reply.close()

    play(answering(b"HTTP/1.1 200 OK\r\n\r\n"), test)


def test_aclose_closes_what_is_idle_and_leaves_what_is_being_read() -> None:
    async def script(peer: Peer) -> None:
        request = await peer.request()
        if b"/stream" in request:
            await peer.send(ENDLESS)
            await proceed.wait()
            await peer.send(b"0\r\n\r\n")
            await peer.gone()
        else:
            await peer.send(ok())
            await peer.gone()

    proceed = asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server, path="/stream")
        await fetch(transport, server)
        await transport.aclose()
        await server.until(lambda server: server.open == 1)
        proceed.set()
        assert await reply.read() == b"abc"
        await server.until(lambda server: server.open == 0)
        assert await fetch(transport, server) == b"ok"

    play(script, test)


def test_a_server_that_refuses_is_named() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        with pytest.raises(APIConnectionError, match=f"no connection to 127.0.0.1:{port}: .*refused") as caught:
            await transport.send("GET", f"http://127.0.0.1:{port}/secret?key=secret", {}, None, timeouts=TIMEOUTS)
        assert type(caught.value) is APIConnectionError
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)
        assert "secret" not in str(caught.value)

    play(answering(ok()), test)


def test_a_task_that_is_cancelled_while_it_waits_for_a_slot_leaves_the_slot_to_the_next() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        for _ in range(20):
            calls = [asyncio.create_task(fetch(transport, server)) for _ in range(6)]
            for turns in range(4):
                await asyncio.sleep(0)
                calls[turns + 1].cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        assert await fetch(transport, server) == b"ok"
        assert transport.client.connector.pools[":default"].is_all_free()

    play(answering(ok()), test, limits=Limits(connections=1))


@pytest.mark.parametrize("word", [b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", b""])
def test_what_the_event_loop_has_not_read_yet_reaches_nobody_either(word: bytes) -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            await peer.send(ok(request.split()[1]))
            if request.split()[1] == b"/first":
                said.wait()
                await peer.send(word)
                done.set()
                return

    said, done = threading.Event(), threading.Event()

    async def main(server: RawServer) -> None:
        transport = Transport(limits=Limits())
        assert await fetch(transport, server, path="/first") == b"/first"
        # The server speaks, or closes, while this event loop is busy; the next call is made before it can look.
        said.set()
        done.wait()
        time.sleep(0.05)  # noqa: ASYNC251
        reply = await send(transport, server, path="/second")
        assert (await reply.read(), reply.reused) == (b"/second", False)
        assert len(server.requests) == 2

    with background(script) as server:
        asyncio.run(main(server))
