"""Answers from a cache instead of from a server: what is kept, under which key, and how it is read again.

What belongs here: the step between an exchange and the transport. Kept is what the server has sent, not what was made of
it: a kept answer goes the way of a fresh one, through the same reader, so that it gives the same chunks and the same
message. It is kept once it has been read to its protocol's own end, and never when anything was wrong with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Union, cast
from zlib import crc32

from .._json import dumps, loads
from ..models.secret import reveal
from ..protocols.base import Answer

if TYPE_CHECKING:
    from ..cache import Cache
    from ..models import Timeouts
    from ..transport import Reply
    from .exchange import Exchange

__all__ = ["CacheUse", "Caching", "checked_cache", "in_front_of"]

_log = logging.getLogger("llm_async")

#: What one call does with the provider's cache: use it (True), leave it alone (False), or ask anew and keep the answer.
CacheUse = Union[bool, Literal["refresh"]]

# Part of every key: raised when what is kept changes its form, so that older entries are never met.
_FORMAT = b"llm-async 1"

# Headers of a request that say nothing about the answer and differ from call to call.
_PASSING = frozenset(
    {"baggage", "idempotency-key", "traceparent", "tracestate", "user-agent", "x-client-request-id", "x-request-id"}
)
# Headers of an answer that are about its way here, or about the moment, or are nobody else's business.
_MOMENTARY = frozenset(
    {
        *("connection", "content-encoding", "content-length", "keep-alive", "retry-after", "retry-after-ms"),
        *("set-cookie", "transfer-encoding", "x-should-retry"),
    }
)


def checked_cache(cache: Cache | None) -> Cache | None:
    """``cache``, if it has the methods of one, or None; TypeError if not."""
    if isinstance(cache, type):
        raise TypeError(f"cache must be a {cache.__name__}, not the class")
    if cache is not None and not (callable(getattr(cache, "get", None)) and callable(getattr(cache, "set", None))):
        raise TypeError(f"cache must have the async methods get and set, and {type(cache).__name__} has not")
    return cache


def in_front_of(exchange: Exchange, cache: Cache | None, use: CacheUse | None, provider_name: str) -> Caching | None:
    """Put a provider's cache before a call; None where there is none, or the call does without.

    Raises:
        TypeError: ``use`` says nothing about a cache.
    """
    if use is not None and not isinstance(use, bool) and use != "refresh":
        raise TypeError(
            f'cache must be True, False or "refresh" in a call, not {use!r}; extra_body sends it as a field'
        )
    if cache is None or use is False:
        return None
    return Caching(exchange, cache, provider_name, refresh=use == "refresh")


class Caching:
    """A cache in front of the transport, for one call.

    It stands in the place of the transport in the call's exchange. Only the first attempt looks into the cache.

    Args:
        exchange: the attempts of the call; its requests go through this object from now on.
        cache: where answers are kept.
        provider_name: the provider's ``name()``.
        refresh: do not look for an answer; keep the fresh one.
    """

    def __init__(self, exchange: Exchange, cache: Cache, provider_name: str, *, refresh: bool) -> None:
        self._transport = exchange.transport
        self._cache = cache
        self._provider_name = provider_name
        self._looks = not refresh
        self._total_at: float | None = None
        self._key = ""
        self._recording: _RecordedReply | None = None
        exchange.transport = cast("Any", self)

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        timeouts: Timeouts,
        total_at: float | None = None,
    ) -> Reply:
        """The kept answer to a request, else the transport's; see :meth:`Transport.send`."""
        self._key = _key((self._provider_name, method, url), headers, body)
        self._total_at = total_at
        self._recording = None
        if self._looks:
            self._looks = False
            kept = await self._find()
            if kept is not None:
                return cast("Reply", kept)
        reply = await self._transport.send(method, url, headers, body, timeouts=timeouts, total_at=total_at)
        if reply.status != 200:
            return reply
        self._recording = _RecordedReply(reply)
        return cast("Reply", self._recording)

    async def keep(self, answer: Answer) -> None:
        """Keep what the last reply has sent, which was read as ``answer`` and is complete."""
        recording, self._recording = self._recording, None
        # A pause is gone on with at the server, which knows its state and changes it.
        if recording is None or answer.message.finish_reason in ("error", "pause"):
            return
        try:
            await self._in_time(self._cache.set(self._key, _packed(recording.headers, recording.body)))
        except Exception as error:  # noqa: BLE001 - whatever a cache raises, the answer is there
            _log.warning("an answer could not be kept: %s: %s", type(error).__name__, error)

    async def _find(self) -> _KeptReply | None:
        try:
            value = await self._in_time(self._cache.get(self._key))
            return None if value is None else _KeptReply(*_unpacked(value))
        except Exception as error:  # noqa: BLE001 - whatever a cache raises, the server can still be asked
            _log.warning("the cache could not be asked: %s: %s", type(error).__name__, error)
            return None

    async def _in_time(self, work: Any) -> Any:
        """The result of ``work``, which has no longer than the call has in total."""
        from ..transport.deadlines import finish_by

        return await finish_by(self._total_at, work, lambda: asyncio.TimeoutError("the call's time is over"))


def _key(place: Iterable[str], headers: Mapping[str, str], body: bytes | None) -> str:
    """A digest of everything that is sent, the key of the API included: what is another's is never found."""
    from hashlib import sha256  # brings OpenSSL with it, for which not every program has a use

    sent = sorted(f"{name.lower()}:{reveal(value)}" for name, value in headers.items() if name.lower() not in _PASSING)
    digest = sha256(_FORMAT)
    for text in (*place, str(len(sent)), *sent):
        _add(digest, text.encode("utf-8", "surrogatepass"))
    _add(digest, body or b"")
    return digest.hexdigest()


def _add(digest: Any, part: bytes) -> None:
    digest.update(b"%d:" % len(part))
    digest.update(part)


def _packed(headers: Mapping[str, str], body: bytes) -> bytes:
    """An answer as it is kept: its headers and a checksum as one line of JSON, then its body, decompressed."""
    kept = {name.lower(): value for name, value in headers.items() if _lasts(name.lower())}
    return dumps({"crc32": crc32(body), "headers": kept}) + b"\n" + body


def _unpacked(value: bytes) -> tuple[Mapping[str, str], bytes]:
    head, _, body = bytes(value).partition(b"\n")
    kept = loads(head)
    if kept["crc32"] != crc32(body):
        raise ValueError("what was kept is not whole")
    return kept["headers"], body


def _lasts(name: str) -> bool:
    limits = "ratelimit" in name.replace("-", "") or name.startswith("anthropic-priority-")
    return not limits and name not in _MOMENTARY


class _RecordedReply:
    """A reply that remembers what was read of it. Everything else is the reply's own."""

    cached = False

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._pieces: list[bytes] = []
        self.status = reply.status
        self.reason = reply.reason
        self.headers = reply.headers
        self.reused = reply.reused

    @property
    def body(self) -> bytes:
        """What has been read."""
        return b"".join(self._pieces)

    async def read_some(self) -> bytes:
        data = await self._reply.read_some()
        self._pieces.append(data)
        return data

    async def read(self, limit: int | None = None) -> bytes:
        data = await self._reply.read(limit)
        self._pieces.append(data)
        return data

    def limit_rest(self, *, seconds: float, size: int) -> None:
        self._reply.limit_rest(seconds=seconds, size=size)

    def expect_more(self) -> None:
        self._reply.expect_more()

    def close(self) -> None:
        self._reply.close()


class _KeptReply:
    """A reply that was kept: it arrives in one piece."""

    cached = True
    status = 200
    reason = ""
    reused = False

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        from ..transport.http1 import Headers

        self.headers = Headers(list(headers.items()))
        self._body = body

    async def read_some(self) -> bytes:
        data, self._body = self._body, b""
        return data

    async def read(self, limit: int | None = None) -> bytes:
        data = await self.read_some()
        return data if limit is None else data[:limit]

    def limit_rest(self, *, seconds: float, size: int) -> None:
        """Nothing is still to come."""

    def expect_more(self) -> None:
        """Nothing is still to come."""

    def close(self) -> None:
        self._body = b""
