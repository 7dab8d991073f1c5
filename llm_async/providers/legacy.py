"""Programs and tests written against 0.5: replaced HTTP clients, and subclasses that override its inner methods.

What belongs here: all of the old way, so that the new one need not know it. A client that is not ``aiosonic.HTTPClient``
(a mock, as tests use it) is called as 0.5 called it, ``post(url, json=…, headers=…)``, and its answers are read with 0.5's
leniency: an unfinished stream ends quietly, a malformed event is skipped. An overridden ``_http_post``,
``_stream_response`` or ``_parse_response`` is called in the place where 0.5 called it, and so is what a test has put in
the place of the ``post_json`` or ``stream_json`` of a provider's module.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .._json import dumps, loads
from .._speedups import EventDecoder
from ..errors import ProtocolError, StreamError
from ..models import Response, StreamChunk
from ..models.secret import reveal
from ..protocols.base import Answer, Reader, WireRequest
from ..protocols.failures import status_error
from ..retry import RetryConfig
from .headers import merged

if TYPE_CHECKING:
    from ..transport import Reply
    from .arguments import Headers
    from .base import BaseProvider

__all__ = [
    "HOOKS",
    "blocks",
    "chunks",
    "complete",
    "decoded_events",
    "is_foreign",
    "is_overridden",
    "is_served",
    "old_name",
    "plain",
    "post",
    "replaced_client_class",
    "replaced_function",
    "request",
    "stream_events",
]

#: The old hooks as the base class has them, which puts them here.
HOOKS: dict[str, Any] = dict.fromkeys(("_http_post", "_stream_response", "_parse_response"))
_OLD_FUNCTIONS = ("post_json", "stream_json")
_OLD_NAMES = ("aiosonic", "parse_stream_chunk", *_OLD_FUNCTIONS)
_OLD_HOME = "llm_async.utils.http"
_OLD_PLACES = "llm_async.providers."
_NAMESPACES: WeakKeyDictionary[type, list[dict[str, Any]]] = WeakKeyDictionary()
_PARSED = ("openai", "claude", "google")  # whom parse_stream_chunk knows


def old_name(name: str) -> Any:
    """The ``__getattr__`` of the modules of providers: what stood in them once, for those who put something in its place."""
    if name in _OLD_NAMES:
        return getattr(import_module(_OLD_HOME), name)
    raise AttributeError(f"this module has no attribute {name!r}")


def is_served(provider: BaseProvider) -> bool:
    """Whether a provider has anything for which its calls have to go the old way."""
    return bool(_overridden(provider)) or any(replaced_function(provider, name) for name in _OLD_FUNCTIONS)


def replaced_function(provider: BaseProvider, name: str) -> Any:
    """What a test has put in the place of ``post_json`` or ``stream_json`` in the module of a provider's class, or None."""
    for namespace in _namespaces(type(provider)):
        if _is_replaced(namespace.get(name)):
            return namespace[name]
    return None


def _is_replaced(found: Any) -> bool:
    # What pytest's monkeypatch has put back is the function itself.
    return found is not None and getattr(found, "__module__", None) != _OLD_HOME


def _namespaces(cls: type) -> list[dict[str, Any]]:
    """What stands in this library's modules of a class and of its bases; looked up once per class."""
    known = _NAMESPACES.get(cls)
    if known is None:
        modules = dict.fromkeys(each.__module__ for each in cls.__mro__ if each.__module__.startswith(_OLD_PLACES))
        known = _NAMESPACES[cls] = [vars(sys.modules[name]) for name in modules]
    return known


def is_overridden(provider: BaseProvider, cls: type[BaseProvider], *names: str) -> bool:
    """Whether a provider has other methods of these names than ``cls``."""
    own = provider.__dict__
    return any(name in own or getattr(type(provider), name) is not getattr(cls, name) for name in names)


def _overridden(provider: BaseProvider) -> list[str]:
    """Which of the old hooks a provider overrides: its class does, or a test has put something in their place."""
    cls, own = type(provider), provider.__dict__
    return [name for name, genuine in HOOKS.items() if name in own or getattr(cls, name) is not genuine]


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
    hooks = _overridden(provider)
    if stream:
        streaming = Response.streaming(provider.name())
        if "_stream_response" in hooks:
            answer_or_chunks = provider._stream_response(url, wire.body, dict(headers), provider.name())
            if isinstance(answer_or_chunks, Response):
                return answer_or_chunks
            streaming.stream_generator = answer_or_chunks
        elif provider._replaced_client is not None or replaced_function(provider, "stream_json") is not None:
            streaming.stream_generator = chunks(provider, url, wire.body, headers, streaming, provider.name())
        else:
            return provider._stream_response(url, wire.body, headers)  # type: ignore[no-any-return]
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
    headers: Headers,
    response: Response,
    parse_provider: str,
) -> AsyncIterator[StreamChunk]:
    """The chunks with text of a stream that a replaced client hands out, or of an API that the library does not know."""
    from ..utils.http import parse_stream_chunk

    reader = None if provider._protocol is None else provider._protocol.reader()
    async for event in _events(provider, url, body, merged([headers], provider.api_key)):
        chunk = None if reader is None else _read(reader, event)
        if chunk is None and (reader is None or "type" not in event) and parse_provider in _PARSED:
            chunk = parse_stream_chunk(event, parse_provider)
        if chunk is not None and chunk.content:
            yield chunk
    if reader is None:
        return
    try:
        _fill(response, reader.close())
    except StreamError:
        _fill(response, reader.answer())


async def _events(
    provider: BaseProvider, url: str, body: Any, headers: Mapping[str, str]
) -> AsyncIterator[dict[str, Any]]:
    stream_json = replaced_function(provider, "stream_json")
    if stream_json is not None:
        retry = provider.retry_config
        async for event in stream_json(provider.client, url, body, plain(headers), retry_config=retry):
            yield event
        return
    if provider._replaced_client is not None:
        async for event in stream_events(provider._replaced_client, url, body, headers, provider.retry_config):
            yield event
        return
    reply = await provider._attempts("POST", url, headers, dumps(body)).open()
    try:
        async for event in decoded_events(blocks(reply)):
            yield event
    finally:
        reply.close()


def _read(reader: Reader, event: dict[str, Any]) -> StreamChunk | None:
    try:
        return reader.event(event, dumps(event))
    except ProtocolError:
        return None


async def post(
    client: Any, url: str, body: Any, headers: Mapping[str, str], retry: RetryConfig, *, as_json: bool = True
) -> Any:
    """``client.post`` with retries: the decoded JSON of the answer, or the response itself."""
    from ..utils.retry import retry_http

    sent = plain(headers)

    async def attempt() -> Any:
        response = await client.post(url, json=body, headers=sent)
        if response.status_code >= 400:
            text = await response.text()
            raise status_error(response.status_code, {}, text.encode() if isinstance(text, str) else text)
        return await response.json() if as_json else response

    return await retry_http(retry)(attempt)()


def plain(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers as they are sent, keys unmasked."""
    return {name: reveal(value) for name, value in headers.items()} if headers else headers


async def request(client: Any, verb: str, url: str, headers: Mapping[str, str], json_data: Any) -> Any:
    """``provider.request`` through a replaced client: ``client.get(url, headers=…)``, ``client.post(…, json=…)``."""
    body = {} if json_data is None else {"json": json_data}
    response = await getattr(client, verb.lower())(url, headers=plain(headers), **body)
    if isinstance(response, dict):
        return response
    text = await response.text()
    return loads(text) if text.strip() else None


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
