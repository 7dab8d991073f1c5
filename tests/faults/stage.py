"""Where a fault is played: a server that plays it once and answers rightly ever after, and a provider that meets it."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from llm_async.errors import LLMError
from llm_async.models import Limits, Response
from llm_async.providers import BaseProvider
from llm_async.retry import RetryConfig

from ..raw_server import Peer, RawServer
from .fault import DEFAULT, TEXT, Fault, kind, sized
from .spoken import Spoken

__all__ = ["KEY", "LIMITS", "Attempt", "Stage", "stage"]

KEY = "sk-secret-key"
#: Small, so that what has no end has one soon.
LIMITS = Limits(body_bytes=200_000, event_bytes=100_000, header_bytes=20_000, decompressed_bytes=400_000)

_QUESTION = re.compile(rb"good (\d+)")
_STREAM = re.compile(rb'"stream":true|alt=sse')


@dataclass
class Attempt:
    """What became of a call.

    Attributes:
        text: the text that the caller was handed, chunk by chunk.
        error: what it ended with, or None.
        response: what was returned, or None.
    """

    text: str = ""
    error: LLMError | None = None
    response: Response | None = None


@dataclass
class Stage:
    """A provider, and the server that it talks to.

    Attributes:
        heard: the caller has had a chunk, or cannot get one: a reset would not overtake what was sent before it.
        attempts: numbers of the attempts that failed and were followed by another.
    """

    spoken: Spoken
    fault: Fault
    stream: bool
    server: RawServer
    provider: BaseProvider
    elsewhere: RawServer | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    retried: list[int] = field(default_factory=list)
    played: bool = False

    async def meet(self) -> Attempt:
        """The call that meets the fault."""
        if not self.stream or self.fault.expected(self.spoken, True).text is None:
            self.heard.set()
        attempt = Attempt()
        try:
            response = attempt.response = await self.provider.acomplete(
                "m", [{"role": "user", "content": "fault"}], stream=self.stream, timeouts=self.fault.timeouts
            )
            if self.stream:
                async for chunk in response:
                    attempt.text += chunk.delta
                    if attempt.text:
                        self.heard.set()
            message = await response.final()
            assert message is not None
            if not self.stream:
                attempt.text = str(message.content)
        except LLMError as error:
            attempt.error = error
        return attempt

    async def ask(self, number: int, *, stream: bool) -> str:
        """The text of the answer to a question that goes well."""
        response = await self.provider.acomplete(
            "m", [{"role": "user", "content": f"good {number}"}], stream=stream, timeouts=DEFAULT
        )
        message = await response.final()
        assert message is not None
        return str(message.content)

    def answer(self, request: bytes) -> bytes:
        """The right answer to a question."""
        question = _QUESTION.search(request)
        return _right_answer(
            self.spoken, question[0].decode() if question else TEXT, _STREAM.search(request) is not None
        )

    async def script(self, peer: Peer) -> None:
        """What the server does on a connection."""
        while request := await peer.request():
            if self.played or b"good " in request:
                await peer.send(self.answer(request))
                continue
            self.played = True
            fault = self.fault
            await peer.send(fault.answer(self.spoken, self.stream))
            if fault.then == "reset":
                await self.heard.wait()
                peer.reset()
            if fault.then == "wait":
                await peer.gone()
            while fault.then == "endless":
                await peer.send(fault.endless)
            if fault.breaks:
                return


@lru_cache(maxsize=1000)
def _right_answer(spoken: Spoken, text: str, stream: bool) -> bytes:
    body = b"".join(spoken.stream(text)) if stream else spoken.body(text)
    return sized(body, f"Content-Type: {kind(stream)}")


@asynccontextmanager
async def stage(
    spoken: Spoken,
    fault: Fault,
    *,
    stream: bool,
    attempts: int = 1,
    untrusted: ssl.SSLContext | None = None,
) -> AsyncIterator[Stage]:
    """The stage for one fault; a call is tried ``attempts`` times where that is right."""
    retried: list[int] = []
    retry = RetryConfig(
        max_attempts=attempts,
        base_delay=0,
        max_retry_after=0.2,
        on_retry=lambda attempt, error: retried.append(attempt),
    )

    async def script(peer: Peer) -> None:
        await scene.script(peer)

    async with RawServer(script) as server:
        provider = spoken.provider(
            api_key=KEY, base_url=server.url + "/v1", retry_config=retry, timeouts=DEFAULT, limits=LIMITS
        )
        scene = Stage(spoken, fault, stream, server, provider, retried=retried)
        async with provider:
            if fault.place == "here":
                yield scene
                return
            async with _other_place(scene, untrusted) as url:
                provider.base_url = url + "/v1"
                yield scene


@asynccontextmanager
async def _other_place(scene: Stage, untrusted: ssl.SSLContext | None) -> AsyncIterator[str]:
    """The root of a server, or of none, with which no connection can be made."""
    if scene.fault.place == "closed port":
        with socket.socket() as taken:
            # Bound and not listening: nobody else gets the port meanwhile.
            taken.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    elif scene.fault.place == "no name":
        yield "http://nowhere.invalid"
    else:

        async def script(peer: Peer) -> None:
            if scene.fault.place == "no tls":
                await peer.reader.read(1)
                await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            elif scene.fault.place == "no tls, and talkative":
                await peer.send(b"220 mail.example ready\r\n")
            elif scene.fault.place == "deaf":
                peer.reset()
                return
            await peer.gone()

        async with RawServer(script, tls=untrusted if scene.fault.place == "untrusted" else None) as server:
            scene.elsewhere = server
            yield f"https://localhost:{server.port}"
