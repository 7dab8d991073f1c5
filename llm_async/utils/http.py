"""Old helpers for a JSON request and a stream of JSON events. New programs use a provider's ``request``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .._json import dumps, loads
from ..models import Limits, StreamChunk, Timeouts
from ..providers import legacy
from ..providers.exchange import Exchange, Outgoing
from ..retry import RetryConfig

__all__ = ["parse_stream_chunk", "post_json", "stream_json"]


def __getattr__(name: str) -> Any:
    if name == "aiosonic":
        import aiosonic

        return aiosonic
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


async def post_json(
    client: Any, url: str, json_data: Any, headers: Mapping[str, str] | None, retry_config: RetryConfig | None = None
) -> dict[str, Any]:
    """POST JSON, get JSON.

    Args:
        client: an ``aiosonic.HTTPClient``, or anything with its ``post``.
        url: where to.
        json_data: what to send.
        headers: the request's headers.
        retry_config: when to try again; None tries three times.

    Raises:
        APIStatusError: the answer's status was 400 or above.
    """
    retry = RetryConfig.coerce(retry_config)
    if legacy.is_foreign(client):
        return await legacy.post(client, url, json_data, headers or {}, retry)  # type: ignore[no-any-return]
    from ..transport import Transport

    transport = Transport(limits=Limits(), verify=client.verify_ssl)
    try:
        _, value = await _exchange(transport, url, json_data, headers, retry).fetch(lambda reply, body: loads(body))
    finally:
        await transport.aclose()
    return value  # type: ignore[no-any-return]


def _exchange(
    transport: Any, url: str, json_data: Any, headers: Mapping[str, str] | None, retry: RetryConfig
) -> Exchange:
    return Exchange(
        transport,
        Outgoing("POST", url, {"Content-Type": "application/json", **(headers or {})}, dumps(json_data)),
        timeouts=Timeouts(),
        limits=Limits(),
        retry=retry,
    )


async def stream_json(
    client: Any,
    url: str,
    json_data: Any,
    headers: Mapping[str, str] | None,
    retry_config: RetryConfig | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """POST JSON, get the events of the answering stream, decoded. Events that are no JSON objects are skipped.

    Without a client (None) it yields one empty dict.

    Raises:
        APIStatusError: the answer's status was 400 or above.
    """
    if client is None:
        yield {}
        return
    retry = RetryConfig.coerce(retry_config)
    if legacy.is_foreign(client):
        async for event in legacy.stream_events(client, url, json_data, headers or {}, retry):
            yield event
        return
    from ..transport import Transport

    transport = Transport(limits=Limits(), verify=client.verify_ssl)
    try:
        reply = await _exchange(transport, url, json_data, headers, retry).send()
        try:
            async for event in legacy.decoded_events(legacy.blocks(reply)):
                yield event
        finally:
            reply.close()
    finally:
        await transport.aclose()


def parse_stream_chunk(chunk: Any, provider: str) -> StreamChunk | None:
    """The text of one decoded event; None when there is nothing to say.

    Args:
        chunk: the event.
        provider: ``"openai"``, ``"claude"`` or ``"google"``.

    Raises:
        ValueError: for any other provider.
    """
    find = _TEXT_OF.get(provider)
    if find is None:
        raise ValueError(f"Unsupported provider: {provider}")
    if not isinstance(chunk, dict):
        return None
    try:
        return StreamChunk(find(chunk), chunk)
    except (KeyError, IndexError, TypeError):
        return None


def _openai_text(chunk: dict[str, Any]) -> str | None:
    content = chunk["choices"][0]["delta"].get("content")
    return content if content is None else str(content)


def _claude_text(chunk: dict[str, Any]) -> str:
    return str(chunk["delta"]["text"])


def _google_text(chunk: dict[str, Any]) -> str:
    return str(chunk["candidates"][0]["content"]["parts"][0].get("text", ""))


_TEXT_OF = {"openai": _openai_text, "claude": _claude_text, "google": _google_text}
