"""The server that the measured clients talk to: in a process of its own, and cheap enough to stay out of the way.

What belongs here: sending. A client's base URL says what it gets: ``/API/KIND/COUNT/PACE``, where PACE is 0 for all at once or
the milliseconds between two events; whatever the client puts behind it is ignored. A request whose body does not ask for a
stream gets a small whole answer. Run as a program it prints its port::

    python -m benchmarks.server
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.traffic import events, whole_answer

__all__ = ["base_url", "running"]

_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_WHOLE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_BLOCK = 256 * 1024


def base_url(port: int, api: str, kind: str = "text", count: int = 100, pace: int = 0) -> str:
    """The address at which a client finds this traffic; ``pace`` in milliseconds per event."""
    return f"http://127.0.0.1:{port}/{api}/{kind}/{count}/{pace}"


@contextlib.contextmanager
def running() -> Iterator[int]:
    """A server in another process; its port."""
    root = Path(__file__).parent.parent
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server"], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
        if process.stdin is not None:
            process.stdin.close()


@functools.lru_cache(maxsize=8)
def _chunks(api: str, kind: str, count: int) -> list[bytes]:
    """The events of an answer, each in an HTTP chunk of its own."""
    return [b"%x\r\n%b\r\n" % (len(frame), frame) for frame in events(api, kind, count).frames]


@functools.lru_cache(maxsize=8)
def _blocks(api: str, kind: str, count: int) -> list[bytes]:
    body = b"".join(_chunks(api, kind, count))
    return [body[start : start + _BLOCK] for start in range(0, len(body), _BLOCK)]


@functools.lru_cache
def _whole(api: str) -> bytes:
    body = whole_answer(api)
    return _WHOLE_HEAD % len(body) + body


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            body = await reader.readexactly(length)
            api, kind, count, pace = path.split("/")[1:5]
            if b'"stream":true' not in body.replace(b" ", b"") and "stream" not in path:
                writer.write(_whole(api))
            elif pace == "0":
                writer.write(_STREAM_HEAD)
                for block in _blocks(api, kind, int(count)):
                    writer.write(block)
                    await writer.drain()
                writer.write(b"0\r\n\r\n")
            else:
                await _send_paced(writer, _chunks(api, kind, int(count)), int(pace) / 1000)
            await writer.drain()
    writer.close()


async def _send_paced(writer: asyncio.StreamWriter, chunks: list[bytes], seconds: float) -> None:
    writer.write(_STREAM_HEAD)
    loop = asyncio.get_running_loop()
    due = loop.time()
    for chunk in chunks:
        writer.write(chunk)
        due += seconds
        await asyncio.sleep(due - loop.time())
    writer.write(b"0\r\n\r\n")


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, limit=2**20, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
