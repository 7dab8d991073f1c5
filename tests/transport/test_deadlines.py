"""Each deadline passes where it should, says which it was and how long, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from llm_async.errors import APIConnectionError, APITimeoutError
from llm_async.models import Limits, Timeouts
from llm_async.transport import Transport
from llm_async.transport.deadlines import finish_by

from ..raw_server import Peer, RawServer, background, ok
from .calls import fetch, play, send

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"


def timeouts(**changed: float | None) -> Timeouts:
    return Timeouts(**{"connect": 10, "response": 10, "idle": 10, **changed})


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


async def silent_in_the_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nX-A:")
    await peer.gone()


async def silent_behind_interim_answers(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n")
    await peer.gone()


async def silent_behind_the_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(HEAD)
    await peer.gone()


async def silent_in_the_body(peer: Peer) -> None:
    await peer.request()
    await peer.send(HEAD + b"abc")
    await peer.gone()


async def silent_in_a_chunk(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
    await peer.gone()


async def never_done(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await peer.send(b": ping\n\n")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("script", "changed", "deadline", "message"),
    [
        (silent, {"response": 0.05}, "response", "did not begin its answer within 0.05 s"),
        (silent_in_the_head, {"response": 0.05}, "response", "did not begin its answer within 0.05 s"),
        (silent_behind_interim_answers, {"response": 0.05}, "response", "did not begin its answer within 0.05 s"),
        (silent_behind_the_head, {"idle": 0.05}, "idle", "sent nothing for 0.05 s in the middle of its answer"),
        (silent_in_the_body, {"idle": 0.05}, "idle", "sent nothing for 0.05 s in the middle of its answer"),
        (silent_in_a_chunk, {"idle": 0.05}, "idle", "sent nothing for 0.05 s in the middle of its answer"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_silence_ends_with_the_deadline_of_its_phase(
    script: Callable[[Peer], Awaitable[None]], changed: dict[str, float], deadline: str, message: str
) -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        with pytest.raises(APITimeoutError, match=message) as caught:
            await fetch(transport, server, timeouts=timeouts(**changed))
        assert caught.value.deadline == deadline
        assert f"127.0.0.1:{server.port}" in str(caught.value)
        assert isinstance(caught.value, (asyncio.TimeoutError, ConnectionError))
        await server.until(lambda server: server.open == 0)

    play(script, test)


@pytest.mark.parametrize("script", [silent, silent_in_the_head, silent_in_the_body, never_done])
def test_the_total_holds_whatever_the_server_does(script: Callable[[Peer], Awaitable[None]]) -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        total_at = asyncio.get_running_loop().time() + 0.1
        with pytest.raises(APITimeoutError, match=r"not over within its 0.1 s in total") as caught:
            await fetch(transport, server, timeouts=timeouts(total=0.1), total_at=total_at)
        assert caught.value.deadline == "total"
        await server.until(lambda server: server.open == 0)

    play(script, test)


def test_a_total_that_has_passed_sends_nothing() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        with pytest.raises(APITimeoutError) as caught:
            await send(transport, server, total_at=asyncio.get_running_loop().time())
        assert caught.value.deadline == "total"
        assert server.accepted == 0

    play(silent, test)


def test_comments_of_the_server_are_life() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD)
        for _ in range(10):
            await asyncio.sleep(0.02)
            await peer.send(b": ping \n\n")
        await peer.send(b"x" * 10)

    async def test(transport: Transport, server: RawServer) -> None:
        assert len(await fetch(transport, server, timeouts=timeouts(idle=0.1))) == 100

    play(script, test)


def test_a_reader_that_takes_its_time_is_no_silence_of_the_server() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"x" * 50)
        await asked.wait()
        await peer.send(b"x" * 50)

    asked = asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server, timeouts=timeouts(idle=0.05))
        assert len(await reply.read_some()) == 50
        await asyncio.sleep(0.15)
        asked.set()
        assert len(await reply.read_some()) == 50

    play(script, test)


def test_no_deadline_at_all_waits() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await asyncio.sleep(0.05)
        await peer.send(ok(b"late"))

    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server, timeouts=Timeouts(None, None, None, None, None)) == b"late"

    play(script, test)


def test_connecting_has_its_deadline() -> None:
    # A queue of length 0 with a connection in it: the system answers nobody else.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)

        async def main() -> None:
            transport = Transport(limits=Limits())
            with pytest.raises(APITimeoutError, match=r"no connection to 127.0.0.1:\d+ within 0.1 s") as caught:
                await transport.send(
                    "GET", f"http://127.0.0.1:{full.getsockname()[1]}/", {}, None, timeouts=timeouts(connect=0.1)
                )
            assert caught.value.deadline == "connect"
            await transport.aclose()

        asyncio.run(main())
        for filler in fillers:
            filler.close()


def test_a_tls_handshake_that_hangs_counts_as_connecting() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        with pytest.raises(APITimeoutError) as caught:
            await transport.send("GET", f"https://127.0.0.1:{server.port}/", {}, None, timeouts=timeouts(connect=0.2))
        assert caught.value.deadline == "connect"
        await server.until(lambda server: server.open == 0)

    async def script(peer: Peer) -> None:
        await peer.gone()

    play(script, test)


def test_waiting_for_a_free_connection_has_its_deadline_and_its_order() -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            if b"/hold" in request:
                await release.wait()
            await peer.send(ok(request.split()[1]))

    release = asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        holder = asyncio.create_task(fetch(transport, server, path="/hold"))
        await server.until(lambda server: bool(server.requests))
        with pytest.raises(APITimeoutError, match=r"no connection became free within 0.05 s") as caught:
            await fetch(transport, server, timeouts=timeouts(pool=0.05))
        assert caught.value.deadline == "pool"
        with pytest.raises(APITimeoutError) as caught:
            await fetch(transport, server, total_at=asyncio.get_running_loop().time() + 0.05)
        assert caught.value.deadline == "total"
        waiting = [asyncio.create_task(fetch(transport, server, path=f"/{n}")) for n in range(5)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        release.set()
        assert await holder == b"/hold"
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [result for result in results if isinstance(result, bytes)] == [b"/0", b"/2", b"/3", b"/4"]
        assert [request.split()[1] for request in server.requests] == [b"/hold", b"/0", b"/2", b"/3", b"/4"]
        assert server.accepted == 1

    play(script, test, limits=Limits(connections=1))


def test_the_rest_of_a_body_can_be_limited_in_time_and_size() -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            if b"/ends" in request:
                await peer.send(HEAD + b"x" * 50, b"x" * 50)
            elif b"/floods" in request:
                await peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 50)
                await proceed.wait()
                await peer.send(b"x" * 1_000_000)
            elif b"/breaks" in request:
                await peer.send(HEAD + b"x" * 50)
                return
            elif b"/nonsense" in request:
                await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n" + b"x" * 50 + b"\r\n?")
                await peer.gone()
            else:
                await peer.send(HEAD + b"x" * 50)
                await peer.gone()

    proceed = asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server, path="/ends")
        rest = 100 - len(await reply.read_some())
        reply.limit_rest(seconds=5, size=1000)
        assert len(await reply.read()) == rest
        for path in ("/floods", "/breaks", "/nonsense", "/stalls"):
            reply = await send(transport, server, path=path)
            assert reply.reused is (path == "/floods")  # only the first one found a connection that had ended well
            assert len(await reply.read_some()) == 50
            reply.limit_rest(seconds=0.05 if path == "/stalls" else 5, size=1000)
            proceed.set()
            while await reply.read_some():
                pass
            assert await reply.read_some() == b""
            await server.until(lambda server: server.open == 0)

    play(script, test)


def test_the_total_holds_in_the_rest_too() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server, total_at=asyncio.get_running_loop().time() + 0.5)
        await reply.read_some()
        reply.limit_rest(seconds=60, size=1 << 30)
        while await reply.read_some():
            pass
        await server.until(lambda server: server.open == 0)

    play(never_done, test)


def test_the_total_holds_although_the_server_has_closed_the_connection() -> None:
    go_on = asyncio.Event()

    async def test(transport: Transport, server: RawServer) -> None:
        total_at = asyncio.get_running_loop().time() + 0.5
        reply = await send(transport, server, timeouts=timeouts(total=0.5), total_at=total_at)
        assert await reply.read_some() == b"one"
        go_on.set()
        await server.until(lambda server: server.open == 0)
        await asyncio.sleep(total_at + 0.1 - asyncio.get_running_loop().time())
        with pytest.raises(APITimeoutError, match="in total"):
            await reply.read_some()
        assert timers() == []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await go_on.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")

    play(script, test)


def timers() -> list[Any]:
    """Those of sockets that the event loop will still call."""
    loop: Any = asyncio.get_running_loop()
    return [timer for timer in loop._scheduled if not timer.cancelled() and "Wire" in repr(timer)]


def test_deadlines_leave_no_timer_behind() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        for _ in range(5):
            await fetch(transport, server)
        assert len(timers()) == 1  # one per socket, not per exchange
        gc.collect()
        await transport.aclose()
        assert timers() == []

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.send(ok())

    play(script, test)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour"])
def test_a_connection_that_is_lost_leaves_no_timer_behind(answer: bytes) -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        for _ in range(3):
            with pytest.raises(APIConnectionError):
                await fetch(transport, server)
        assert timers() == []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)

    play(script, test)


def test_what_is_late_or_cancelled_has_ended_when_its_caller_goes_on() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        states = []

        async def work() -> None:
            states.append("begun")
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                states.append("ended")

        begun = asyncio.Event()
        with pytest.raises(APIConnectionError):
            await finish_by(loop.time() + 0.01, work(), lambda: APIConnectionError("late"))
        assert states == ["begun", "ended"]

        for cancellations in (1, 2):
            states.clear()
            begun.clear()
            task = asyncio.create_task(finish_by(loop.time() + 60, work(), lambda: APIConnectionError("late")))
            await begun.wait()
            for _ in range(cancellations):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert states == ["begun", "ended"]

    asyncio.run(main())


def test_a_cancellation_in_the_moment_of_success_is_not_lost() -> None:
    async def call() -> None:
        await finish_by(asyncio.get_running_loop().time() + 60, asyncio.sleep(0), RuntimeError)

    async def main() -> None:
        for turns in range(8):
            task = asyncio.create_task(call())
            for _ in range(turns):
                await asyncio.sleep(0)
            if task.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await task

    asyncio.run(main())


def test_what_came_in_time_counts_although_the_event_loop_was_held_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"x" * 50)
        await asyncio.sleep(0.1)
        await peer.send(b"x" * 50)

    async def main(server: RawServer) -> None:
        transport = Transport(limits=Limits())
        short = timeouts(response=0.2, idle=0.2)
        call = asyncio.create_task(fetch(transport, server, timeouts=short))
        await asyncio.sleep(0.05)
        time.sleep(0.4)  # noqa: ASYNC251 (a program that computes where it should not)
        assert len(await call) == 100

        reply = await send(transport, server, timeouts=short)
        read = asyncio.create_task(reply.read())
        await asyncio.sleep(0.01)
        time.sleep(0.4)  # noqa: ASYNC251
        assert len(await read) == 100

    with background(script) as server:
        asyncio.run(main(server))
