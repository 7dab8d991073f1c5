"""Programs and tests written against 0.5: replaced HTTP clients, and subclasses that override its inner methods.

What belongs here: all of the old way, so that the new one need not know it. A client that is not ``aiosonic.HTTPClient``
(a mock, as tests use it) is called as 0.5 called it, ``post(url, json=…, headers=…)``, and its answers are read with 0.5's
leniency: an unfinished stream ends quietly, a malformed event is skipped. An overridden ``_http_post``,
``_stream_response`` or ``_parse_response`` is called in the place where 0.5 called it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from .._json import dumps, loads
from .._speedups import EventDecoder
from ..errors import ProtocolError, StreamError
from ..models import Response, StreamChunk
from ..models.secret import reveal
from ..protocols.base import Answer, Protocol, WireRequest
from ..protocols.failures import status_error
from ..retry import RetryConfig

if TYPE_CHECKING:
    from ..transport import Reply
    from .base import BaseProvider

__all__ = [
    "blocks",
    "chunks",
    "complete",
    "decoded_events",
    "is_foreign",
    "overridden",
    "post",
    "replaced_client_class",
    "stream_events",
]

_HOOKS = ("_http_post", "_stream_response", "_parse_response")


def overridden(provider: BaseProvider) -> list[str]:
    """Which of the old hooks a provider overrides: its class does, or a test has put something in their place."""
    from .base import BaseProvider

    return [
        name for name in _HOOKS
        if getattr(getattr(provider, name), "__func__", None) is not getattr(BaseProvider, name)
    ]  # fmt: skip


def replaced_client_class(patched: Any = None) -> Any:
    """What a test has put in the place of ``aiosonic.HTTPClient``, or None.

    ``patched`` is the module object that stands under the name ``aiosonic`` where the provider is defined, if any.
    """
    module = patched if patched is not None else sys.modules.get("aiosonic")
    if module is None:
        return None  # nobody can have replaced what nobody has imported
    current = getattr(module, "HTTPClient", None)
    genuine = getattr(sys.modules.get("aiosonic.client"), "HTTPClient", None)
    return None if current is genuine else current


def is_foreign(client: Any) -> bool:
    """Whether a client is something else than an ``aiosonic.HTTPClient``."""
    genuine = getattr(sys.modules.get("aiosonic.client"), "HTTPClient", None)
    return genuine is None or not isinstance(client, genuine)


async def complete(provider: BaseProvider, wire: WireRequest, headers: Mapping[str, str], stream: bool) -> Response:
    """One call in the old way."""
    url = provider._url(wire.path)
    protocol = provider._protocol
    assert protocol is not None
    hooks = overridden(provider)
    if stream:
        streaming = Response.streaming(provider.name())
        if "_stream_response" in hooks:
            streaming.stream_generator = provider._stream_response(url, wire.body, dict(headers), provider.name())
        else:
            streaming.stream_generator = chunks(provider, url, wire.body, headers, protocol, streaming)
        return streaming
    body = await provider._http_post(url, wire.body, dict(headers))
    answer = protocol.read(body) if "_parse_response" not in hooks else None
    message = answer.message if answer is not None else provider._parse_response(body)
    response = Response(original=body, provider_name=provider.name(), main_response=message)
    if answer is not None:
        _fill(response, answer)
    response.stop_reason, response.finish_reason = message.stop_reason, message.finish_reason
    return response


def _fill(response: Response, answer: Answer) -> None:
    response.original = answer.original
    response.main_response = answer.message
    response.usage, response.id, response.model = answer.usage, answer.id, answer.model
    response.stop_reason, response.finish_reason = answer.message.stop_reason, answer.message.finish_reason


async def chunks(
    provider: BaseProvider,
    url: str,
    body: dict[str, Any],
    headers: Mapping[str, str],
    protocol: Protocol,
    response: Response,
) -> AsyncIterator[StreamChunk]:
    reader = protocol.reader()
    async for event in stream_events(provider.client, url, body, headers, provider.retry_config):
        try:
            chunk = reader.event(event, dumps(event))
        except ProtocolError:
            continue
        if chunk is not None:
            yield chunk
    try:
        _fill(response, reader.close())
    except StreamError:
        _fill(response, reader.answer())


async def post(
    client: Any, url: str, body: Any, headers: Mapping[str, str], retry: RetryConfig, *, as_json: bool = True
) -> Any:
    """``client.post`` with retries: the decoded JSON of the answer, or the response itself."""
    from ..utils.retry import retry_http

    plain = {name: reveal(value) for name, value in headers.items()} if headers else headers

    async def attempt() -> Any:
        response = await client.post(url, json=body, headers=plain)
        if response.status_code >= 400:
            text = await response.text()
            raise status_error(response.status_code, {}, text.encode() if isinstance(text, str) else text)
        return await response.json() if as_json else response

    return await retry_http(retry)(attempt)()


async def stream_events(
    client: Any, url: str, body: Any, headers: Mapping[str, str], retry: RetryConfig
) -> AsyncIterator[dict[str, Any]]:
    """The decoded events of a stream that a replaced client hands out; what is no JSON object is skipped."""
    response = await post(client, url, body, headers, retry, as_json=False)
    async for event in decoded_events(response.read_chunks()):
        yield event


async def blocks(reply: Reply) -> AsyncIterator[bytes]:
    """The body of a reply, block by block."""
    while data := await reply.read_some():
        yield data


async def decoded_events(pieces: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """The decoded events in the bytes of a stream; what is no JSON object is skipped."""
    decoder = EventDecoder()
    async for piece in pieces:
        for payload in decoder.feed(piece):
            if (event := _decoded(payload)) is not None:
                yield event
    for payload in decoder.close():
        if (event := _decoded(payload)) is not None:
            yield event


def _decoded(payload: bytes) -> dict[str, Any] | None:
    try:
        value = loads(payload)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
