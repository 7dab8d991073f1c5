"""A client that hides nothing: one socket, requests written by hand, replies taken apart chunk by chunk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from llm_async.testing import ProviderServer

# A request of each provider that every API accepts, by Provider.name(): path behind the base URL, headers, body.
ASKED = "Hello there"
PATHS = {
    "openai": "/chat/completions",
    "openairesponses": "/responses",
    "claude": "/messages",
    "google": "/models/test:generateContent",
    "openrouter": "/chat/completions",
}
PROVIDERS = tuple(PATHS)


def asks(provider: str, *, stream: bool = False, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Path and body of a request that says :data:`ASKED`."""
    path = PATHS[provider]
    if provider == "google":
        if stream:
            path = "/models/test:streamGenerateContent?alt=sse"
        return path, {"contents": [{"role": "user", "parts": [{"text": ASKED}]}], **fields}
    said = [{"role": "user", "content": ASKED}]
    body: dict[str, Any] = {"model": "test", "input" if provider == "openairesponses" else "messages": said}
    if provider == "claude":
        body["max_tokens"] = 100
    if stream:
        body["stream"] = True
    return path, {**body, **fields}


@dataclass
class Head:
    """Status and headers of a reply."""

    status: int
    headers: dict[str, str]


class Client:
    """One connection; use it with ``async with``."""

    def __init__(self, server: ProviderServer) -> None:
        self.server = server
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> Client:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.server.port, limit=2**24)
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.writer.close()
        with suppress(ConnectionError):  # the server was first
            await self.writer.wait_closed()

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def send(
        self, provider: str, path: str, body: Any = None, *, method: str = "POST", headers: Mapping[str, str] = {}
    ) -> None:
        """A whole request; ``path`` follows the provider's base URL."""
        base = self.server.url(provider).removeprefix(f"http://127.0.0.1:{self.server.port}")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {base}{path} HTTP/1.1", "Host: test", f"Content-Length: {len(data)}"]
        if provider == "claude":
            lines.append("Anthropic-Version: 2023-06-01")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.write("\r\n".join([*lines, "", ""]).encode() + data)

    def ask(self, provider: str, *, stream: bool = False, **fields: Any) -> None:
        """The request of :func:`asks`."""
        self.send(provider, *asks(provider, stream=stream, **fields))

    async def head(self) -> Head:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = dict(line.split(": ", 1) for line in lines[1:])
        assert lines[0].startswith("HTTP/1.1 ")
        return Head(int(lines[0].split()[1]), headers)

    async def chunk(self) -> bytes:
        """The next chunk; empty is the end of the body."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        data = await self.reader.readexactly(size)
        assert await self.reader.readexactly(2) == b"\r\n"
        return data

    async def chunks(self) -> list[bytes]:
        """All chunks of a body, which ends properly."""
        chunks = []
        while chunk := await self.chunk():
            chunks.append(chunk)
        return chunks

    async def reply(self) -> tuple[Head, bytes]:
        """A whole reply with Content-Length or chunks."""
        head = await self.head()
        if head.headers.get("transfer-encoding") == "chunked":
            return head, b"".join(await self.chunks())
        return head, await self.reader.readexactly(int(head.headers.get("content-length", "0")))


async def exchange(
    server: ProviderServer, provider: str, path: str, body: Any = None, **options: Any
) -> tuple[Head, bytes]:
    """One request on a connection of its own."""
    async with Client(server) as client:
        client.send(provider, path, body, **options)
        return await client.reply()


async def asked(server: ProviderServer, provider: str, *, stream: bool = False, **fields: Any) -> tuple[Head, bytes]:
    """The request of :func:`asks` on a connection of its own."""
    return await exchange(server, provider, *asks(provider, stream=stream, **fields))
