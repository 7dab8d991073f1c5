"""One transport in several event loops, and what is left when a loop, or the interpreter, ends: nothing, and not a word."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from llm_async.models import Limits
from llm_async.transport import Transport

from ..raw_server import RawServer, answering, ok
from .calls import fetch, play, send

ROOT = Path(__file__).parents[2]


def test_one_transport_serves_one_event_loop_after_another() -> None:
    transport = Transport(limits=Limits())

    async def main() -> None:
        async with RawServer(answering(ok(b"fine"))) as server:
            assert await asyncio.gather(*[fetch(transport, server) for _ in range(3)]) == [b"fine"] * 3
            assert await fetch(transport, server) == b"fine"

    for _ in range(3):
        asyncio.run(main())
    assert len(transport._homes) == 1  # those of loops that are closed are forgotten when the next one comes


def test_loops_that_are_closed_by_hand_leave_no_socket_open() -> None:
    transport = Transport(limits=Limits())

    async def main() -> Any:
        async with RawServer(answering(ok(b"fine"))) as server:
            assert await fetch(transport, server) == b"fine"
            (connections,) = transport.client.connector.pools[":default"]._idle.values()
            return connections[0].wire

    loop = asyncio.new_event_loop()
    wire = loop.run_until_complete(main())
    loop.close()
    assert wire._socket_transport._sock.fileno() >= 0
    sock = wire._socket_transport._sock
    asyncio.run(main())
    assert sock.fileno() == -1
    gc.collect()


def test_a_transport_that_is_dropped_closes_its_idle_connections_and_lets_replies_go_on() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        another = Transport(limits=Limits())
        await fetch(another, server)
        reply = await send(another, server)
        del another
        gc.collect()
        assert await reply.read() == b"fine"
        await server.until(lambda server: server.open == 0)

    play(answering(ok(b"fine")), test)


def test_a_reply_may_be_closed_from_another_thread() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        reply = await send(transport, server)
        thread = threading.Thread(target=reply.close)
        thread.start()
        await server.until(lambda server: server.open == 0)
        thread.join()
        assert transport.client.connector.pools[":default"].is_all_free()

    play(answering(b"HTTP/1.1 200 OK\r\n\r\nabc"), test)


def test_a_reply_may_be_closed_after_its_event_loop() -> None:
    transport = Transport(limits=Limits())

    async def main() -> Any:
        server = await RawServer(answering(b"HTTP/1.1 200 OK\r\n\r\nabc")).__aenter__()
        reply = await send(transport, server)
        await server.__aexit__(None, None, None)
        return reply

    reply = asyncio.run(main())
    reply.close()
    loop = asyncio.new_event_loop()
    reply = loop.run_until_complete(main())
    loop.close()
    reply.close()
    gc.collect()


def test_making_a_transport_needs_no_event_loop_and_imports_nothing_heavy() -> None:
    program = """
        import sys
        from llm_async.transport import Transport
        from llm_async.models import Limits
        Transport(limits=Limits())
        assert "aiosonic" not in sys.modules
    """
    assert run(program) == ""


START = """
    import asyncio, gc, sys
    sys.path.insert(0, {root!r})
    from llm_async.models import Limits, Timeouts
    from llm_async.transport import Transport
    from tests.raw_server import RawServer, answering, ok
    from tests.transport.calls import fetch, send
    ENDLESS = b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\nabc\\r\\n"
    transport = Transport(limits=Limits())
    kept = []

    async def quietly(call):
        try:
            await call
        except ConnectionError:
            pass
"""

PROGRAMS = {
    "idle-connections-are-left": """
        async def main():
            async with RawServer(answering(ok())) as server:
                await asyncio.gather(*[fetch(transport, server) for _ in range(3)])
        RUN(main())
    """,
    "a-reply-is-left-unread": """
        async def main():
            async with RawServer(answering(ENDLESS)) as server:
                kept.append(await send(transport, server))
        RUN(main())
    """,
    "a-reply-is-left-unread-and-the-server-lives-on": """
        async def main():
            server = await RawServer(answering(ENDLESS)).__aenter__()
            kept.append(await send(transport, server))
            asyncio.get_running_loop().call_later(0, server._server.close)
            for peer in server.peers:
                peer.writer.transport.abort()
        RUN(main())
    """,
    "a-task-is-still-reading": """
        async def main():
            async with RawServer(answering(ENDLESS)) as server:
                task = asyncio.create_task(quietly(fetch(transport, server)))
                kept.append(task)
                await server.until(lambda server: bool(server.requests))
                for _ in range(5):
                    await asyncio.sleep(0)
        RUN(main())
    """,
    "a-task-is-still-connecting": """
        async def main():
            async with RawServer(answering(ok())) as server:
                kept.append(asyncio.create_task(quietly(fetch(transport, server))))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        RUN(main())
    """,
    "a-name-is-still-being-looked-up": """
        async def main():
            call = transport.send("GET", "http://localhost:1/", {{}}, None, timeouts=Timeouts())
            kept.append(asyncio.create_task(quietly(call)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        RUN(main())
    """,
    "the-interpreter-exits-in-an-exception": """
        async def main():
            async with RawServer(answering(ENDLESS)) as server:
                kept.append(await send(transport, server))
                raise SystemExit(0)
        RUN(main())
    """,
    "several-loops-after-another": """
        async def main():
            async with RawServer(answering(ok())) as server:
                await fetch(transport, server)
        for _ in range(3):
            RUN(main())
    """,
    "after-aclose": """
        async def main():
            async with RawServer(answering(ok())) as server:
                await fetch(transport, server)
                await transport.aclose()
                await fetch(transport, server)
                await transport.aclose()
        RUN(main())
    """,
    "a-loop-is-closed-by-hand": """
        async def main():
            async with RawServer(answering(ok(), ENDLESS)) as server:
                await fetch(transport, server)
                kept.append(await send(transport, server))
        loop = NEW_LOOP()
        loop.run_until_complete(main())
        loop.close()
    """,
    "the-transport-is-dropped-first": """
        async def main():
            global transport
            async with RawServer(answering(ok())) as server:
                await fetch(transport, server)
                del transport
                gc.collect()
        RUN(main())
    """,
}

LOOPS = {
    "asyncio": "RUN, NEW_LOOP = asyncio.run, asyncio.new_event_loop",
    "uvloop": "import uvloop; RUN, NEW_LOOP = uvloop.run, uvloop.new_event_loop",
}


def run(program: str) -> str:
    """What a program prints, warnings and complaints included."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    # In its development mode asyncio says when a callback took long, which says something about the machine alone.
    lines = [line for line in done.stderr.splitlines() if not (line.startswith("Executing <") and " took " in line)]
    assert done.returncode == 0, "\n".join(lines)
    return done.stdout + "\n".join(lines)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_in_silence(name: str, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    start = textwrap.dedent(START).format(root=str(ROOT)) + LOOPS[loop]
    assert run(start + textwrap.dedent(PROGRAMS[name]).replace("{{}}", "{}")) == ""
