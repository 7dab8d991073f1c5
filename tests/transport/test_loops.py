"""One transport in several event loops, and what is left when a loop or the interpreter ends: nothing, not a word."""

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

from ..raw_server import RawServer, answering, background, ok
from .calls import fetch, play, send

ROOT = Path(__file__).parents[2]


def test_one_transport_serves_one_event_loop_after_another() -> None:
    transport = Transport(limits=Limits())

    async def main(server: RawServer) -> None:
        assert await asyncio.gather(*[fetch(transport, server) for _ in range(3)]) == [b"fine"] * 3
        assert await fetch(transport, server) == b"fine"

    with background(answering(ok(b"fine"))) as server:
        for _ in range(3):
            asyncio.run(main(server))
        assert server.accepted == 9
    assert len(transport._homes) == 1  # those of loops that are closed are forgotten when the next one comes


def test_what_a_loop_leaves_that_was_closed_by_hand_is_closed_by_the_next_one() -> None:
    transport = Transport(limits=Limits())

    async def main(server: RawServer) -> Any:
        assert await fetch(transport, server) == b"fine"
        ((connection,),) = transport.client.connector.pools[":default"]._idle.values()
        return connection.wire.transport.get_extra_info("socket")

    with background(answering(ok(b"fine"))) as server:
        loop = asyncio.new_event_loop()
        left = loop.run_until_complete(main(server))
        loop.close()
        assert left.fileno() >= 0
        asyncio.run(main(server))
        assert left.fileno() == -1
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
    with background(answering(b"HTTP/1.1 200 OK\r\n\r\nabc")) as server:
        asyncio.run(send(transport, server)).close()
        loop = asyncio.new_event_loop()
        reply = loop.run_until_complete(send(transport, server))
        loop.close()
        reply.close()
        del reply
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
    from tests.raw_server import answering, background, ok
    from tests.transport.calls import fetch, send
    ENDLESS = b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\nabc\\r\\n"
    transport = Transport(limits=Limits())
    kept = []
"""

# Each defines ``main`` and runs it, while a server lives on in the background.
PROGRAMS = {
    "connections-are-left-idle": """
        async def main(server):
            await asyncio.gather(*[fetch(transport, server) for _ in range(3)])
        with background(answering(ok())) as server:
            RUN(main(server))
    """,
    "a-reply-is-left-unread": """
        async def main(server):
            kept.append(await send(transport, server))
        with background(answering(ENDLESS)) as server:
            RUN(main(server))
    """,
    "a-task-is-still-reading": """
        async def main(server):
            kept.append(asyncio.create_task(fetch(transport, server)))
            while not server.requests:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
        with background(answering(ENDLESS)) as server:
            RUN(main(server))
    """,
    # To a socket that nobody accepts from: a server that ends just when a connection comes complains itself.
    "a-task-is-still-connecting": """
        import socket
        async def main(url):
            call = transport.send("GET", url, dict(), None, timeouts=Timeouts())
            kept.append(asyncio.create_task(call))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            RUN(main(f"http://127.0.0.1:{listening.getsockname()[1]}/"))
    """,
    "a-name-is-still-being-looked-up": """
        async def main():
            call = transport.send("GET", "http://localhost:1/", dict(), None, timeouts=Timeouts())
            kept.append(asyncio.create_task(call))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        RUN(main())
    """,
    "the-program-exits-in-the-middle": """
        async def main(server):
            kept.append(await send(transport, server))
            raise SystemExit(0)
        with background(answering(ENDLESS)) as server:
            RUN(main(server))
    """,
    "several-loops-after-another": """
        async def main(server):
            await fetch(transport, server)
        with background(answering(ok())) as server:
            for _ in range(3):
                RUN(main(server))
    """,
    "the-transport-is-closed-and-used-again": """
        async def main(server):
            await fetch(transport, server)
            await transport.aclose()
            await fetch(transport, server)
        with background(answering(ok())) as server:
            RUN(main(server))
    """,
    "a-loop-is-closed-by-hand": """
        async def main(server):
            await fetch(transport, server)
            kept.append(await send(transport, server))
        with background(answering(ok(), ENDLESS)) as server:
            loop = NEW_LOOP()
            loop.run_until_complete(main(server))
            loop.close()
    """,
    "a-loop-is-closed-by-hand-and-the-transport-is-dropped": """
        async def main(server):
            await fetch(transport, server)
        with background(answering(ok())) as server:
            loop = NEW_LOOP()
            loop.run_until_complete(main(server))
            loop.close()
            del transport
            gc.collect()
    """,
    "the-transport-is-dropped-before-its-loop-ends": """
        async def main(server):
            global transport
            await fetch(transport, server)
            kept.append(await send(transport, server))
            del transport
            gc.collect()
        with background(answering(ok(), ENDLESS)) as server:
            RUN(main(server))
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
        if "by-hand" in name:
            pytest.skip("closing it, uvloop complains of every open socket itself, before anybody can close them")
    start = textwrap.dedent(START).format(root=str(ROOT)) + LOOPS[loop]
    assert run(start + textwrap.dedent(PROGRAMS[name])) == ""
