"""Streams leave nothing behind: not when they are read to their end, and not when they are left."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path

import pytest

from llm_async.providers import OpenAIProvider

_EVENT = {"id": "1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "word "}}]}
_BODY = b"".join(
    [
        *[b"data: %b\n\n" % json.dumps(_EVENT).encode()] * 5,
        b'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
        b"data: [DONE]\n\n",
    ]
)
_ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(_BODY), _BODY)
)
_STREAMS, _AT_ONCE = 3000, 50


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
            await reader.readexactly(int(length))
            writer.write(_ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _resident() -> int:
    """Resident memory of this process in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def _streams(provider: OpenAIProvider, count: int) -> None:
    async def some() -> None:
        for _ in range(count // _AT_ONCE):
            response = await provider.acomplete("m", [{"role": "user", "content": "hi"}], stream=True)
            async for chunk in response:
                assert chunk.delta in ("word ", "")
            assert response.main_response is not None
            assert response.main_response.content == "word " * 5

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))


async def _growth() -> int:
    connections = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(_serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with OpenAIProvider(api_key="k", base_url=f"http://127.0.0.1:{port}") as provider:
        await _streams(provider, _STREAMS)  # until the allocator has what it needs
        gc.collect()
        before = _resident()
        await _streams(provider, _STREAMS)
        gc.collect()
        after = _resident()
    await asyncio.gather(*connections)
    server.close()
    return after - before


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell how much memory is in use")
@pytest.mark.timeout(300)
def test_thousands_of_streams_leave_the_memory_as_it_was() -> None:
    # The noise of the allocator. One Response that stays takes more than that for each stream.
    assert asyncio.run(_growth()) < 4096
