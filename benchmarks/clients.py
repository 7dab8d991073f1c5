"""One client, measured in a process of its own, in the environment that it is installed in.

What belongs here: how each client is asked for the same thing, and what is measured meanwhile. It is run by ``peers.py`` and needs
nothing but the client itself, so that it works where this project is not installed::

    python benchmarks/clients.py CLIENT MEASURE BASE_URL EVENTS STREAMS

It prints one line of JSON. ``MEASURE`` is ``stream``, ``request`` or ``paced``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

MESSAGES = [{"role": "user", "content": "hi"}]
REQUESTS = 1000
PACE = 0.02


class LLMAsync:
    """This library; 0.5.3 of the same name too, whose streams are read by another method."""

    module = "llm_async"
    api = "chat"

    def __init__(self, base_url: str) -> None:
        from llm_async import OpenAIProvider

        self.provider = OpenAIProvider(api_key="k", base_url=base_url)

    async def stream(self) -> AsyncIterator[str]:
        response = await self.provider.acomplete("m", MESSAGES, stream=True)
        async for chunk in response:
            yield chunk.delta

    async def read(self, pieces: list[str]) -> None:
        response = await self.provider.acomplete("m", MESSAGES, stream=True)
        async for chunk in response:
            pieces.append(chunk.delta)

    async def ask(self) -> str:
        response = await self.provider.acomplete("m", MESSAGES)
        return str(response.main_response.content)


class Upstream(LLMAsync):
    async def stream(self) -> AsyncIterator[str]:
        response = await self.provider.acomplete("m", MESSAGES, stream=True)
        async for chunk in response.stream_generator:
            yield chunk.content or ""

    async def read(self, pieces: list[str]) -> None:
        response = await self.provider.acomplete("m", MESSAGES, stream=True)
        async for chunk in response.stream_generator:
            pieces.append(chunk.content or "")


class Peer:
    """What the others have in common: a stream is read through a generator of its texts, whose cost they hardly notice."""

    async def read(self, pieces: list[str]) -> None:
        async for text in self.stream():  # type: ignore[attr-defined]
            pieces.append(text)


class OpenAI(Peer):
    module = "openai"
    api = "chat"

    def __init__(self, base_url: str) -> None:
        from openai import AsyncOpenAI

        self.client = AsyncOpenAI(api_key="k", base_url=base_url, max_retries=0)

    async def stream(self) -> AsyncIterator[str]:
        async for chunk in await self.client.chat.completions.create(model="m", messages=MESSAGES, stream=True):
            if chunk.choices:
                yield chunk.choices[0].delta.content or ""

    async def ask(self) -> str:
        answer = await self.client.chat.completions.create(model="m", messages=MESSAGES)
        return answer.choices[0].message.content


class Anthropic(Peer):
    module = "anthropic"
    api = "messages"

    def __init__(self, base_url: str) -> None:
        from anthropic import AsyncAnthropic

        self.client = AsyncAnthropic(api_key="k", base_url=base_url, max_retries=0)

    async def stream(self) -> AsyncIterator[str]:
        async for event in await self.client.messages.create(model="m", messages=MESSAGES, max_tokens=100, stream=True):
            if event.type == "content_block_delta":
                yield event.delta.text

    async def ask(self) -> str:
        return (await self.client.messages.create(model="m", messages=MESSAGES, max_tokens=100)).content[0].text


class GoogleGenAI(Peer):
    module = "google.genai"
    api = "gemini"

    def __init__(self, base_url: str) -> None:
        from google import genai

        self.client = genai.Client(api_key="k", http_options={"base_url": base_url})

    async def stream(self) -> AsyncIterator[str]:
        async for chunk in await self.client.aio.models.generate_content_stream(model="m", contents="hi"):
            yield chunk.text or ""

    async def ask(self) -> str:
        return (await self.client.aio.models.generate_content(model="m", contents="hi")).text


class LiteLLM(Peer):
    module = "litellm"
    api = "chat"

    def __init__(self, base_url: str) -> None:
        import litellm

        self.arguments = {"model": "openai/m", "messages": MESSAGES, "api_base": base_url, "api_key": "k"}
        self.complete = litellm.acompletion

    async def stream(self) -> AsyncIterator[str]:
        async for chunk in await self.complete(**self.arguments, stream=True):
            yield chunk.choices[0].delta.content or ""

    async def ask(self) -> str:
        return (await self.complete(**self.arguments)).choices[0].message.content


class Raw(Peer):
    """Reads the bytes of an answer and looks at none of them."""

    api = "chat"
    verified = False

    async def ask(self) -> str:
        raise NotImplementedError


class Aiosonic(Raw):
    module = "aiosonic"

    def __init__(self, base_url: str) -> None:
        import aiosonic
        from aiosonic.pools import PoolConfig

        connector = aiosonic.TCPConnector(pool_configs={":default": PoolConfig(size=2000)})
        self.client = aiosonic.HTTPClient(connector=connector)
        self.url = base_url + "/chat/completions"

    async def read(self, pieces: list[str]) -> None:
        response = await self.client.post(self.url, json={"model": "m", "messages": MESSAGES, "stream": True})
        async for _ in response.read_chunks():
            pieces.append("")

    async def ask(self) -> str:
        response = await self.client.post(self.url, json={"model": "m", "messages": MESSAGES})
        return (await response.json())["choices"][0]["message"]["content"]


class Asyncio(Raw):
    module = "asyncio"

    def __init__(self, base_url: str) -> None:
        address, _, self.path = base_url.removeprefix("http://").partition("/")
        self.host, _, port = address.partition(":")
        self.port = int(port)

    async def read(self, pieces: list[str]) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        body = b'{"stream":true}'
        writer.write(
            b"POST /%b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (self.path.encode(), len(body), body)
        )
        end = b""
        while not end.endswith(b"\r\n0\r\n\r\n"):
            block = await reader.read(65536)
            pieces.extend([""] * block.count(b"data: "))
            end = (end + block)[-16:]
        writer.close()


CLIENTS: dict[str, Any] = {
    "llm-async": LLMAsync,
    "llm-async with uvloop": LLMAsync,
    "llm-async, plain twins": LLMAsync,
    "llm-async 0.5.3": Upstream,
    "openai": OpenAI,
    "anthropic": Anthropic,
    "google-genai": GoogleGenAI,
    "litellm": LiteLLM,
    "aiosonic, bytes only": Aiosonic,
    "asyncio, bytes only": Asyncio,
}


def memory() -> float:
    """Resident memory in KiB."""
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * resource.getpagesize() / 1024


async def measure_stream(client: Any, count: int) -> dict[str, Any]:
    """CPU per event of a stream that comes as fast as it can be read; the second one counts."""
    await client.read([])
    pieces: list[str] = []
    before = time.process_time()
    await client.read(pieces)
    spent = time.process_time() - before
    return {"us_per_event": spent / count * 1e6, "digest": hashlib.sha256("".join(pieces).encode()).hexdigest()}


async def measure_request(client: Any, count: int = REQUESTS) -> dict[str, float]:
    """CPU per request of small answers on a connection that is kept."""
    for _ in range(20):
        await client.ask()
    before = time.process_time()
    for _ in range(count):
        await client.ask()
    return {"us_per_request": (time.process_time() - before) / count * 1e6}


class _Arrivals(list[str]):
    """Texts, and when each came."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def append(self, text: str) -> None:
        super().append(text)
        self.times.append(time.perf_counter())

    def extend(self, texts: Any) -> None:
        for text in texts:
            self.append(text)

    def lateness(self) -> list[float]:
        """How much later than the earliest one each event came, against a clock that ticks once per event."""
        offsets = [arrived - number * PACE for number, arrived in enumerate(self.times)]
        return [offset - min(offsets) for offset in offsets]


async def measure_paced(client: Any, count: int, streams: int) -> dict[str, float]:
    """Many streams at once, an event every 20 ms each: CPU per event, median lateness, memory per stream."""
    await client.read([])
    arrivals = [_Arrivals() for _ in range(streams)]
    memory_before, before = memory(), time.process_time()
    tasks = [asyncio.ensure_future(client.read(pieces)) for pieces in arrivals]
    await asyncio.sleep(count * PACE / 2)
    memory_amid = memory()
    await asyncio.gather(*tasks)
    spent = time.process_time() - before
    late = [lateness for pieces in arrivals for lateness in pieces.lateness()]
    return {
        "us_per_event": spent / count / streams * 1e6,
        "late_ms": statistics.median(late) * 1000,
        "kib_per_stream": (memory_amid - memory_before) / streams,
    }


def main(name: str, measure: str, base_url: str, count: int, streams: int) -> None:
    client_type = CLIENTS[name]
    if name.endswith("uvloop"):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

    async def run() -> dict[str, Any]:
        client = client_type(base_url)
        if measure == "stream":
            return await measure_stream(client, count)
        if measure == "request":
            return await measure_request(client)
        return await measure_paced(client, count, streams)

    print(json.dumps(asyncio.run(run())))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
