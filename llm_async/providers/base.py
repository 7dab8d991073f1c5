"""What every provider has in common: a key, an address, a protocol, and the way of a call through them.

What belongs here: the public methods and their hooks. The words of an API are its protocol's, attempts are ``exchange``'s,
streams are ``stream``'s; a provider itself is a few constants.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from .._json import dumps, loads
from ..errors import ProtocolError
from ..models import Limits, Message, Response, ResponseSchema, StreamChunk, Timeouts, Tool, ToolCall
from ..models.message import message_to_dict, normalize_messages
from ..models.secret import MASK, Secret, reveal
from ..protocols.base import Answer, Call, Protocol, WireRequest, excerpt
from ..protocols.failures import request_id_from
from ..retry import RetryConfig
from . import client_options, legacy
from .exchange import Exchange, Outgoing
from .stream import Stream, read_events

if TYPE_CHECKING:
    from ..transport import Reply, Transport

__all__ = ["BaseProvider"]


def __getattr__(name: str) -> Any:
    # ``llm_async.providers.base.aiosonic.HTTPClient`` is where tests of programs put their mocks.
    if name == "aiosonic":
        import aiosonic

        return aiosonic
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class BaseProvider:
    """An API, an address and a key.

    One object serves any number of concurrent calls, several event loops after one another and several ``asyncio.run``;
    it is not for several threads at once.

    Args:
        api_key: the key. None takes the first of the provider's environment variables that is set (``ENV_KEYS``); ``""``
            sends none.
        base_url: the address of the API, with its version; ``""`` takes ``BASE_URL``. When neither key nor address is
            given, the provider's environment variable for the address counts (``ENV_BASE_URL``).
        retry_config: when to try again; None is ``RetryConfig()``, which tries three times.
        client_kwargs: the settings of the HTTP client in 0.5's words: ``{"timeout": 30, "verify": True}``.
        http2: accepted, warns, and uses HTTP/1.1.
        timeouts: deadlines of every call; a bare number is the total, in seconds.
        limits: sizes that no answer may pass, and the number of connections.
        headers: sent with every request.
        proxy: URL of an HTTP proxy.
        trust_env: take the proxy from the environment.
    """

    BASE_URL: ClassVar[str | None] = None
    ENV_KEYS: ClassVar[tuple[str, ...]] = ()
    ENV_BASE_URL: ClassVar[tuple[str, ...]] = ()
    #: The names that ``acomplete`` keeps for itself; every other keyword argument is sent as given.
    RESERVED: ClassVar[tuple[str, ...]] = (
        "model", "messages", "stream", "tools", "tool_choice", "response_schema", "headers", "timeouts", "extra_body",
    )  # fmt: skip

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = "",
        retry_config: RetryConfig | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        http2: bool = False,
        *,
        timeouts: Timeouts | float | None = None,
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
    ) -> None:
        if http2:
            warnings.warn(
                "http2=True is accepted and HTTP/1.1 is used: the HTTP/2 of the underlying library loses streams",
                UserWarning,
                stacklevel=2,
            )
        if api_key is None and not base_url:
            base_url = _first_set(self.ENV_BASE_URL)
        self.api_key: str = Secret(_first_set(self.ENV_KEYS) if api_key is None else api_key)
        self.base_url: str = base_url or self.BASE_URL or ""
        self.http2 = http2
        self.retry_config = RetryConfig.coerce(retry_config)
        self.headers: dict[str, str] = dict(headers or {})
        self._options = client_options.translate(client_kwargs, timeouts, limits)
        if proxy is not None:
            self._options.proxy = proxy
        if trust_env:
            self._options.trust_env = True
        self._transport_: Transport | None = None
        self._replaced_client: Any = None
        replacement = legacy.replaced_client_class(globals().get("aiosonic"))
        if replacement is not None:
            self._replaced_client = replacement(**{**(client_kwargs or {}), "http2": http2})
        self._protocol = self._make_protocol()

    @classmethod
    def name(cls) -> str:
        """The provider's name: the class name without "Provider", in lower case."""
        return cls.__name__.replace("Provider", "").lower()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.base_url.partition('?')[0]}>"

    def _make_protocol(self) -> Protocol | None:
        """The wire format that this provider speaks; None where a subclass does everything in ``_single_complete``."""
        return None

    # --- lifetime

    @property
    def timeouts(self) -> Timeouts:
        """The deadlines of every call that does not bring its own."""
        return self._options.timeouts

    @property
    def limits(self) -> Limits:
        """The sizes that no answer may pass."""
        return self._options.limits

    @property
    def _transport(self) -> Transport:
        if self._transport_ is None:
            from ..transport import Transport

            options = self._options
            self._transport_ = Transport(
                limits=options.limits, verify=options.verify, proxy=options.proxy, trust_env=options.trust_env
            )
        return self._transport_

    @property
    def client(self) -> Any:
        """The ``aiosonic.HTTPClient`` that holds the connections of the running event loop.

        Set to something else, such as a mock in a test, it is called as ``client.post(url, json=…, headers=…)``.
        """
        return self._transport.client if self._replaced_client is None else self._replaced_client

    @client.setter
    def client(self, value: Any) -> None:
        self._replaced_client = value if legacy.is_foreign(value) else None

    async def __aenter__(self) -> BaseProvider:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. The provider can be used again afterwards."""
        if self._transport_ is not None:
            await self._transport_.aclose()

    # --- asking

    async def acomplete(
        self,
        model: str,
        messages: Sequence[Message | Mapping[str, Any]],
        stream: bool = False,
        tools: Iterable[Tool | Mapping[str, Any]] | None = None,
        tool_choice: Any = None,
        response_schema: ResponseSchema | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        *,
        timeouts: Timeouts | float | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Response:
        """Ask a model.

        Args:
            model: the model's name.
            messages: the conversation, as dicts or :class:`Message` objects.
            stream: True returns a Response to iterate over; its request goes out at the first step.
            tools: what the model may call.
            tool_choice: ``"auto"``, ``"required"``, ``"none"``, a tool's name, or the API's own form.
            response_schema: a JSON Schema that the answer has to follow.
            headers: sent with this request, over the provider's own.
            timeouts: deadlines of this call; a bare number is the total, in seconds.
            extra_body: fields of the request that win over all others.
            **kwargs: further fields of the request, sent as given.

        Raises:
            ValueError, TypeError: a wrong argument; nothing was sent.
            UnsupportedError: the API has no place for what was asked; nothing was sent.
            LLMError: see :mod:`llm_async.errors`. For a stream, at its first step or later.
        """
        # A subclass written against 0.5 knows no more parameters than it had: it is handed only what was given.
        if timeouts is not None:
            kwargs["timeouts"] = timeouts
        if extra_body is not None:
            kwargs["extra_body"] = extra_body
        return await self._single_complete(
            model, messages, stream, tools, tool_choice, response_schema, headers, **kwargs
        )

    async def _single_complete(
        self,
        model: str | None,
        messages: Sequence[Message | Mapping[str, Any]],
        stream: bool,
        tools: Iterable[Tool | Mapping[str, Any]] | None,
        tool_choice: Any,
        response_schema: ResponseSchema | Mapping[str, Any] | None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        *,
        timeouts: Timeouts | float | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Response:
        """One call, as :meth:`acomplete` was given it. Subclasses may override it."""
        protocol = self._protocol
        if protocol is None:
            raise NotImplementedError(f"{type(self).__name__} must implement _single_complete or _make_protocol")
        self._check_model(model)
        call = Call(
            model=model,
            messages=self._serialize_messages(_not_empty(messages)),
            stream=bool(stream),
            tools=self._format_tools(tools) if tools else None,
            tool_choice=tool_choice or None,
            response_schema=ResponseSchema.coerce(response_schema),
            options=kwargs,
            extra_body=dict(extra_body or {}),
        )
        wire = protocol.request(call)
        if self._replaced_client is not None or legacy.overridden(type(self)):
            return await legacy.complete(self, wire, self._headers_for_request(headers), call.stream)
        exchange = self._exchange(wire, headers, timeouts)
        if stream:
            response = Response.streaming(self.name())
            Stream(exchange, protocol, response)
            return response
        reply, answer = await exchange.fetch(self._read)
        return self._response(reply, answer)

    def _check_model(self, model: str | None) -> None:
        if not isinstance(model, str) or not model.strip():
            raise ValueError(f"model must be the name of a model, not {model!r}")

    def _response(self, reply: Reply, answer: Answer) -> Response:
        message = answer.message
        return Response(
            original=answer.original,
            provider_name=self.name(),
            main_response=message,
            id=answer.id,
            model=answer.model,
            usage=answer.usage,
            stop_reason=message.stop_reason,
            finish_reason=message.finish_reason,
            request_id=request_id_from(reply.headers),
            headers=reply.headers,
        )

    def _read(self, reply: Reply, body: bytes) -> Answer:
        """The answer in a whole body; also where a server streams although nobody asked for it."""
        protocol = self._protocol
        assert protocol is not None
        content_type = reply.headers.get("content-type", "")
        if "event-stream" in content_type:
            return read_events(protocol, body, self.limits.event_bytes)
        if body.lstrip()[:1] not in (b"{", b"["):
            raise ProtocolError(
                f"the answer is no JSON: its content type is {content_type or 'none'!r} and it begins with {excerpt(body)}",
                payload=body,
            )
        return protocol.read_body(body)

    # --- the parts of a request, each open to subclasses

    def _serialize_messages(self, messages: Iterable[Message | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The conversation as dicts, checked."""
        return [message_to_dict(message) for message in normalize_messages(messages)]

    def _format_tools(self, tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Tools as the request carries them."""
        return self._spoken().format_tools(tools)

    def _spoken(self) -> Protocol:
        if self._protocol is None:
            raise NotImplementedError(f"{type(self).__name__} has no protocol")
        return self._protocol

    def _parse_response(self, original: dict[str, Any]) -> Message:
        """The message in the decoded body of an answer."""
        return self._spoken().read(original).message

    async def _http_post(self, endpoint: str, data: Any, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """POST JSON, get JSON; ``endpoint`` is a whole address or a path below the API's root."""
        url = endpoint if "://" in endpoint else self._url(endpoint)
        if self._replaced_client is not None:
            return await legacy.post(self._replaced_client, url, data, headers or {}, self.retry_config)  # type: ignore[no-any-return]
        _, value = await self._attempts("POST", url, dict(headers or {}), _encode(data)).fetch(_json_or_nothing)
        return value  # type: ignore[no-any-return]

    async def _stream_response(
        self, url: str, payload: dict[str, Any], headers: Mapping[str, str], parse_provider: str = "openai"
    ) -> AsyncIterator[StreamChunk]:
        """POST JSON, get the chunks of the answering stream, read by this provider's protocol."""
        response = Response.streaming(self.name())
        if self._replaced_client is not None:
            chunks: Any = legacy.chunks(self, url, payload, headers, self._spoken(), response)
        else:
            Stream(self._attempts("POST", url, dict(headers), _encode(payload)), self._spoken(), response)
            chunks = response
        async for chunk in chunks:
            yield chunk

    def _default_headers(self) -> dict[str, str]:
        """The headers of every request: the key, and the content type."""
        headers = {"Content-Type": "application/json"}
        if self.api_key:
            headers["Authorization"] = Secret("Bearer " + reveal(self.api_key))
        return headers

    def _headers_for_request(
        self, headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None
    ) -> dict[str, str]:
        """The default headers, the provider's own over them, and those of this request over both, in any case."""
        merged: dict[str, tuple[str, str]] = {}
        for layer in (self._default_headers(), self.headers, headers or {}):
            for name, value in layer.items() if isinstance(layer, Mapping) else layer:
                if not isinstance(name, str) or not isinstance(value, str):
                    raise TypeError(f"headers: names and values must be str, and {name!r} is not")
                merged[name.lower()] = (name, self._unmasked(value))
        return dict(merged.values())

    def _unmasked(self, value: str) -> str:
        """A header value as it has to be sent.

        A key put into an f-string shows as its mask, and a subclass may well build its headers so: the mask is replaced
        by the key again, and a plain text that holds the key is masked from here on.
        """
        key = reveal(self.api_key)
        if isinstance(value, Secret) or not key:
            return value
        if MASK in value:
            value = value.replace(MASK, key)
        return Secret(value) if key in value else value

    def _url(self, path: str) -> str:
        """The address of a path below the API's root."""
        return join_url(self.base_url, path)

    def _exchange(
        self,
        wire: WireRequest,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None,
        timeouts: Timeouts | float | None,
    ) -> Exchange:
        """The attempts of a request that is ready to be sent."""
        all_headers = self._headers_for_request(headers)
        return self._attempts(wire.method, self._url(wire.path), all_headers, _encode(wire.body), timeouts)

    def _attempts(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: Timeouts | float | None = None,
        retry: RetryConfig | None = None,
    ) -> Exchange:
        return Exchange(
            self._transport,
            Outgoing(method, url, headers, body),
            timeouts=Timeouts.coerce(timeouts, self.timeouts),
            limits=self.limits,
            retry=self.retry_config if retry is None else retry,
            secret=self.api_key,
        )

    # --- tools

    async def execute_tool(
        self, tool_call: ToolCall, tools_map: Mapping[str, Callable[..., Any]], *, run_sync_in_thread: bool = True
    ) -> dict[str, Any]:
        """Run the tool that a model called; the message that hands its result back.

        Args:
            tool_call: the call, from any provider.
            tools_map: the tools by name: functions, plain or under ``@tool``, also async ones.
            run_sync_in_thread: run a tool that is no coroutine function in a thread, so that it blocks nobody.

        Raises:
            ToolError: also a ValueError: the tool is unknown, or the arguments cannot be used.
            Exception: the tool's own, unchanged.
        """
        from ..tools import run_tool

        text = await run_tool(tool_call, tools_map, run_sync_in_thread=run_sync_in_thread)
        return self.tool_result(tool_call, text)

    def tool_result(self, tool_call: ToolCall, content: str, *, is_error: bool = False) -> dict[str, Any]:
        """The message that hands ``content`` back to the model as the result of a call."""
        return self._spoken().tool_result(tool_call, content, is_error=is_error)

    # --- anything else

    async def request(
        self,
        method: str,
        path: str,
        json_data: Any = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        timeouts: Timeouts | float | None = None,
        **kwargs: str,
    ) -> Any:
        """Send anything that the API knows and this library does not wrap.

        Args:
            method: the HTTP method, in any case.
            path: the path below the API's root, with or without a slash in front.
            json_data: sent as JSON. POST, PUT and PATCH without it send ``{}``.
            headers: sent over the provider's own.
            params: the query.
            timeouts: deadlines of this call; a bare number is the total, in seconds.
            **kwargs: further headers, each named exactly as written.

        Returns:
            The decoded JSON of the answer; None for an empty body.

        Raises:
            LLMError: see :mod:`llm_async.errors`. GET, HEAD, OPTIONS, PUT and DELETE are retried like a call.
        """
        verb = method.upper() if isinstance(method, str) else ""
        if verb not in _VERBS:
            raise ValueError(f"Unsupported HTTP method: {method}")
        if json_data is None and verb in ("POST", "PUT", "PATCH"):
            json_data = {}
        all_headers = self._headers_for_request(headers)
        all_headers.update({name: str(value) for name, value in kwargs.items()})
        url = self._url(path)
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params, doseq=True)
        body = None if json_data is None else _encode(json_data)
        if body is None:
            all_headers = {name: value for name, value in all_headers.items() if name.lower() != "content-type"}
        retry = self.retry_config if verb in _IDEMPOTENT else replace(self.retry_config, max_attempts=1)
        _, value = await self._attempts(verb, url, all_headers, body, timeouts, retry).fetch(_json_or_nothing)
        return value


_VERBS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH")
_IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")


def _first_set(names: Iterable[str]) -> str:
    """The value of the first environment variable that is set and not empty, or ``""``."""
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _not_empty(messages: Sequence[Message | Mapping[str, Any]]) -> Sequence[Message | Mapping[str, Any]]:
    if not messages:
        raise ValueError("messages must hold at least one message")
    return messages


def _encode(body: Any) -> bytes:
    try:
        return dumps(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"the request cannot be written as JSON: {error}{_where(body)}") from error


def _where(body: Any) -> str:
    """Which argument of the request has no JSON form."""
    for name, value in body.items() if isinstance(body, Mapping) else ():
        try:
            dumps(value)
        except (TypeError, ValueError, RecursionError):
            return f" (in {name!r})"
    return ""


def _json_or_nothing(reply: Reply, body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return loads(body)
    except ValueError as error:
        raise ProtocolError(f"the answer is no JSON: {excerpt(body)}", payload=body) from error


def join_url(base: str, path: str) -> str:
    """``path`` below ``base``, with one slash between them; a query of the base stays at the end.

    Raises:
        ValueError: ``base`` is no http or https address.
    """
    root, _, query = base.partition("?")
    scheme, separator, rest = root.partition("://")
    if not separator or scheme.lower() not in ("http", "https") or not rest.strip("/"):
        raise ValueError(f"base_url must be an address such as https://host/v1, and is {root.rpartition('@')[2]!r}")
    path, _, path_query = path.partition("?")
    url = f"{root.rstrip('/')}/{path.lstrip('/')}"
    queries = "&".join(part for part in (path_query, query) if part)
    return f"{url}?{queries}" if queries else url
