"""What every provider has in common: a key, an address, a protocol, and the way of a call through them.

What belongs here: the public methods and their hooks. The words of an API are its protocol's, attempts are ``exchange``'s,
streams are ``stream``'s, connections are ``client``'s; a provider itself is a few constants.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from ..errors import ProtocolError
from ..models import Limits, Message, Response, ResponseSchema, Timeouts, ToolCall
from ..models.hooks import Hooks
from ..models.message import message_to_dict, normalize_messages
from ..models.secret import Secret, reveal
from ..models.timing import Timing
from ..protocols.base import Answer, Call, Protocol, WireRequest, excerpt
from ..protocols.failures import request_id_from
from ..protocols.foreign import readable_by
from ..protocols.rate_limits import rate_limits_from
from ..retry import RetryConfig
from . import client_options, legacy
from .addresses import join_url, with_query, without_query
from .arguments import Deadlines, Headers, Messages, OfferedTools, Schema, as_mapping, as_text
from .asking import Asking
from .beside import Beside
from .caching import CacheUse, checked_cache, in_front_of
from .client import NetworkClient
from .events import GivenHooks, hooks_of, watch_for
from .exchange import Exchange, HeadersNow, Outgoing
from .headers import merged, without
from .keys import Key, KeySource, checked_key, first_set, key_from
from .legacy import old_name as __getattr__  # noqa: F401 - where tests of programs put their mocks
from .request import IDEMPOTENT, ByteStream, checked_method, encode, json_or_none
from .stream import BOM, Stream, is_json, is_stream, read_events

if TYPE_CHECKING:
    from ..cache import Cache
    from ..transport import Reply

__all__ = ["BaseProvider"]


class BaseProvider(Asking, Beside, NetworkClient):
    """An API, an address and a key.

    One object serves any number of concurrent calls, several event loops after one another and several ``asyncio.run``;
    it is not for several threads at once.

    Args:
        api_key: the key. None takes the first of the provider's environment variables that is set (``ENV_KEYS``); ``""``
            sends none. A function that gives the key, also an async one, is asked before every attempt.
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
        hooks: functions to be called before each attempt, after each answer, on retries and on errors.
        cache: where answers are kept, to be given again to the same request; see :mod:`llm_async.cache`.
    """

    BASE_URL: ClassVar[str | None] = None
    ENV_KEYS: ClassVar[tuple[str, ...]] = ()
    ENV_BASE_URL: ClassVar[tuple[str, ...]] = ()
    #: The names of the other providers whose signed and encrypted parts this one can read.
    READS: ClassVar[tuple[str, ...]] = ()
    #: The names that ``acomplete`` keeps for itself; every other keyword argument is sent as given.
    RESERVED: ClassVar[tuple[str, ...]] = (
        "model", "messages", "stream", "tools", "tool_choice", "response_schema", "headers", "timeouts", "extra_body",
        "schema_retries", "cache",
    )  # fmt: skip

    # For subclasses whose constructor does not call this one: a program's own stand-ins for a provider may not.
    base_url: str = ""
    headers: dict[str, str] = {}
    hooks: tuple[Hooks, ...] = ()
    cache: Cache | None = None
    retry_config = RetryConfig()
    _key_source: KeySource | None = None

    def __init__(
        self,
        api_key: Key | None = None,
        base_url: str = "",
        retry_config: RetryConfig | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        http2: bool = False,
        *,
        timeouts: Deadlines | None = None,
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        hooks: GivenHooks | None = None,
        cache: Cache | None = None,
    ) -> None:
        if http2:
            warnings.warn(
                "http2=True is accepted and HTTP/1.1 is used: the HTTP/2 of the underlying library loses streams",
                UserWarning,
                stacklevel=2,
            )
        options = client_options.translate(client_kwargs, timeouts, limits)
        options.proxy = as_text(proxy, "proxy") if proxy is not None else options.proxy
        options.trust_env = trust_env or options.trust_env
        super().__init__(options)
        if api_key is None and not base_url:
            base_url = first_set(self.ENV_BASE_URL)
        if api_key is None:
            api_key = first_set(self.ENV_KEYS)
        api_key = checked_key(api_key, "api_key")
        self._key_source = api_key if callable(api_key) else None
        self.api_key: str = Secret("" if callable(api_key) else api_key)
        self.base_url = as_text(base_url, "base_url") or self.BASE_URL or ""
        self.http2 = http2
        self.retry_config = RetryConfig.coerce(retry_config)
        self.headers = merged([headers or {}])
        self.hooks = hooks_of(hooks)
        self.cache = checked_cache(cache)
        replacement = legacy.replaced_client_class(globals().get("aiosonic"))
        if replacement is not None:
            self._replaced_client = replacement(**{**(client_kwargs or {}), "http2": http2})

    @classmethod
    def name(cls) -> str:
        """The provider's name: the class name without "Provider", in lower case."""
        return _name_of(cls.__name__)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {without_query(self.base_url)}>"

    def _make_protocol(self) -> Protocol | None:
        """The wire format that this provider speaks; None where a subclass does everything in ``_single_complete``."""
        return None

    @cached_property
    def _protocol(self) -> Protocol | None:
        return self._make_protocol()

    # --- a call, after `asking`

    def _prepared(self, messages: Messages) -> list[dict[str, Any]]:
        """The conversation, checked, as ``_single_complete`` takes it."""
        if not messages and self._protocol is not None:
            raise ValueError("messages must hold at least one message")
        checked = readable_by((self.name(), *self.READS), normalize_messages(messages))
        if legacy.is_overridden(self, BaseProvider, "_serialize_messages"):
            return self._serialize_messages(checked)
        return [message_to_dict(message) for message in checked]  # what it would do, without checking them again

    async def _single_complete(
        self,
        model: str | None,
        messages: list[dict[str, Any]],
        stream: bool = False,
        tools: OfferedTools | None = None,
        tool_choice: Any = None,
        response_schema: Schema | None = None,
        headers: Headers | None = None,
        *,
        timeouts: Deadlines | None = None,
        extra_body: Mapping[str, Any] | None = None,
        cache: CacheUse | None = None,
        **kwargs: Any,
    ) -> Response:
        """One call, as :meth:`acomplete` was given it, its messages as dicts. Subclasses may override it."""
        protocol = self._protocol
        if protocol is None:
            raise NotImplementedError(f"{type(self).__name__} must implement _single_complete or _make_protocol")
        self._check_model(model)
        call = Call(
            model=model,
            messages=messages,
            stream=bool(stream),
            tools=self._format_tools(tools) if tools else None,
            tool_choice=tool_choice or None,
            response_schema=ResponseSchema.coerce(response_schema),
            options=kwargs,
            extra_body=as_mapping(extra_body, "extra_body"),
        )
        wire = protocol.request(call)
        if self._replaced_client is not None or legacy.is_served(self):
            await self._renew_key()
            return await legacy.complete(self, wire, self._headers_for_request(headers), call.stream)
        exchange = self._exchange(wire, headers, timeouts)
        caching = in_front_of(exchange, self.cache, cache, self.name())
        if stream:
            response = Response.streaming(self.name())
            response.base_url = without_query(self.base_url)
            Stream(exchange, protocol, response, caching)
            return response
        reply, answer = await exchange.fetch(self._read)
        if caching is not None:
            await caching.keep(answer)
        return self._response(reply, answer, exchange.timing)

    def _check_model(self, model: str | None) -> None:
        if not isinstance(model, str) or not model.strip():
            raise ValueError(f"model must be the name of a model, not {model!r}")

    def _response(self, reply: Reply, answer: Answer, timing: Timing) -> Response:
        message, headers = answer.message, reply.headers.by_name
        message.provider_name = name = self.name()
        return Response(
            original=answer.original,
            provider_name=name,
            main_response=message,
            id=answer.id,
            model=answer.model,
            usage=answer.usage,
            stop_reason=message.stop_reason,
            finish_reason=message.finish_reason,
            request_id=request_id_from(headers),
            headers=reply.headers,
            cached=reply.cached,
            rate_limits=None if reply.cached else rate_limits_from(headers),
            timing=timing,
            base_url=without_query(self.base_url),
        )

    def _read(self, reply: Reply, body: bytes) -> Answer:
        """The answer in a whole body; also where a server streams although nobody asked for it."""
        protocol = self._protocol
        assert protocol is not None
        content_type = reply.headers.get("content-type", "")
        if is_stream(content_type, body):
            return read_events(protocol, body, self.limits.event_bytes)
        if not is_json(body):
            raise ProtocolError(
                f"the answer is no JSON: its content type is {content_type or 'none'!r} and it begins with {excerpt(body)}",
                payload=body,
            )
        return protocol.read_body(body.removeprefix(BOM))

    # --- the parts of a request, each open to subclasses

    def _serialize_messages(self, messages: Iterable[Message | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The conversation as dicts, checked."""
        return [message_to_dict(message) for message in normalize_messages(messages)]

    def _format_tools(self, tools: OfferedTools) -> list[dict[str, Any]]:
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
        post_json = legacy.replaced_function(self, "post_json")
        if post_json is not None:
            sent = legacy.plain(self._headers_for_request(headers))
            return await post_json(self.client, url, data, sent, retry_config=self.retry_config)  # type: ignore[no-any-return]
        if self._replaced_client is not None:
            all_headers = self._headers_for_request(headers)
            return await legacy.post(self._replaced_client, url, data, all_headers, self.retry_config)  # type: ignore[no-any-return]
        exchange = self._attempts("POST", url, self._ready_headers(headers), encode(data))
        _, value = await exchange.fetch(json_or_none)
        return value  # type: ignore[no-any-return]

    def _stream_response(
        self, url: str, payload: dict[str, Any], headers: Mapping[str, str], parse_provider: str = "openai"
    ) -> Any:
        """A streaming answer to a JSON POST, read by this provider's protocol, else as ``parse_stream_chunk`` reads."""
        response = Response.streaming(self.name())
        if (
            self._replaced_client is not None
            or self._protocol is None
            or legacy.replaced_function(self, "stream_json") is not None
        ):
            response.stream_generator = legacy.chunks(self, url, payload, headers, response, parse_provider)
        else:
            exchange = self._attempts("POST", url, merged([headers], self.api_key), encode(payload))
            Stream(exchange, self._protocol, response)
        return response

    def _default_headers(self) -> dict[str, str]:
        """The headers of every request: the key, and the content type."""
        headers = {"Content-Type": "application/json"}
        if self.api_key:
            headers["Authorization"] = Secret("Bearer " + reveal(self.api_key))
        return headers

    def _headers_for_request(self, headers: Headers | None = None) -> dict[str, str]:
        """The default headers, the provider's own over them, and those of this request over both, in any case."""
        return merged((self._default_headers(), self.headers, headers or {}), self.api_key)

    async def _renew_key(self) -> None:
        """Ask for the key where it is a function's to give."""
        if self._key_source is not None:
            self._accept_key(await key_from(self._key_source))

    def _accept_key(self, key: Secret) -> None:
        self.api_key = key

    def _url(self, path: str) -> str:
        """The address of a path below the API's root."""
        return join_url(self.base_url, path)

    def _list_url(self, path: str) -> str:
        """The address of the list of models."""
        return self._url(path)

    def _exchange(self, wire: WireRequest, headers: Headers | None, timeouts: Deadlines | None) -> Exchange:
        """The attempts of a request that is ready to be sent."""
        return self._attempts(
            wire.method, self._url(wire.path), self._ready_headers(headers), encode(wire.body), timeouts
        )

    def _ready_headers(self, headers: Headers | None, *, content: bool = True) -> HeadersNow:
        """The headers of a request: as they are, or, where a function gives the key, how to have them for each attempt."""
        own = merged([headers]) if headers else {}

        async def with_fresh_key() -> dict[str, str]:
            await self._renew_key()
            return self._headers_now(own, content)

        return self._headers_now(own, content) if self._key_source is None else with_fresh_key

    def _headers_now(self, own: Headers, content: bool) -> dict[str, str]:
        ready = self._headers_for_request(own)
        return ready if content else without(ready, "content-type")

    def _attempts(
        self,
        method: str,
        url: str,
        headers: HeadersNow,
        body: bytes | None,
        timeouts: Deadlines | None = None,
        retry: RetryConfig | None = None,
    ) -> Exchange:
        outgoing = Outgoing(method, url, headers, body)
        return Exchange(
            self._transport,
            outgoing,
            timeouts=Timeouts.coerce(timeouts, self.timeouts),
            limits=self.limits,
            retry=RetryConfig.coerce(self.retry_config if retry is None else retry),
            watch=watch_for(self.hooks, self.name(), outgoing),
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
        from ..tools import tool_content

        content = await tool_content(tool_call, tools_map, run_sync_in_thread=run_sync_in_thread)
        return self.tool_result(tool_call, content)

    def tool_result(self, tool_call: ToolCall, content: Any, *, is_error: bool = False) -> dict[str, Any]:
        """The message that hands ``content`` back to the model as the result of a call.

        ``content`` is a text, a content part or a list of them (see :mod:`llm_async.parts`), or what becomes JSON text.
        """
        if not isinstance(content, str):
            from ..tools.results import result_content

            content = result_content(content)
        return self._spoken().tool_result(tool_call, content, is_error=is_error)

    # --- anything else

    @overload
    async def request(
        self, method: str, path: str, json_data: Any = None, headers: Headers | None = None, *, raw: Literal[True],
        stream: Literal[False] = False, params: Mapping[str, Any] | None = None, timeouts: Deadlines | None = None,
        **kwargs: str,
    ) -> bytes: ...  # fmt: skip

    @overload
    async def request(
        self, method: str, path: str, json_data: Any = None, headers: Headers | None = None, *, stream: Literal[True],
        raw: bool = False, params: Mapping[str, Any] | None = None, timeouts: Deadlines | None = None, **kwargs: str,
    ) -> ByteStream: ...  # fmt: skip

    @overload
    async def request(
        self, method: str, path: str, json_data: Any = None, headers: Headers | None = None, *,
        raw: Literal[False] = False, stream: Literal[False] = False, params: Mapping[str, Any] | None = None,
        timeouts: Deadlines | None = None, **kwargs: str,
    ) -> Any: ...  # fmt: skip

    async def request(
        self,
        method: str,
        path: str,
        json_data: Any = None,
        headers: Headers | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        timeouts: Deadlines | None = None,
        raw: bool = False,
        stream: bool = False,
        **kwargs: str,
    ) -> Any:
        """Send anything that the API knows and this library does not wrap.

        Args:
            method: the HTTP method, in any case.
            path: the path below the API's root, with or without a slash in front.
            json_data: sent as JSON. POST, PUT and PATCH without it send ``{}``; GET and HEAD have no body.
            headers: sent over the provider's own.
            params: the query.
            timeouts: deadlines of this call; a bare number is the total, in seconds.
            raw: True gives the body as bytes, whatever it holds.
            stream: True gives the body as it comes, as a :class:`~llm_async.providers.request.ByteStream`.
            **kwargs: further headers, each named exactly as written.

        Returns:
            The decoded JSON of the answer; None for an empty body.

        Raises:
            LLMError: see :mod:`llm_async.errors`. GET, HEAD, OPTIONS, PUT and DELETE are retried like a call.
        """
        verb = checked_method(method)
        if verb in ("GET", "HEAD"):
            json_data = None
        elif json_data is None and verb in ("POST", "PUT", "PATCH"):
            json_data = {}
        own = {**merged([headers or {}]), **{name: str(value) for name, value in kwargs.items()}}
        body = None if json_data is None else encode(json_data)
        retry = (
            self.retry_config if verb in IDEMPOTENT else replace(RetryConfig.coerce(self.retry_config), max_attempts=1)
        )
        url = with_query(self._url(path), params)
        if self._replaced_client is not None:
            await self._renew_key()
            return await legacy.request(self._replaced_client, verb, url, self._headers_for_request(own), json_data)
        exchange = self._attempts(verb, url, self._ready_headers(own, content=body is not None), body, timeouts, retry)
        if stream:
            return ByteStream(await exchange.open())
        _, value = await exchange.fetch((lambda reply, body: body) if raw else json_or_none)
        return value


@lru_cache(maxsize=256)
def _name_of(class_name: str) -> str:
    return class_name.replace("Provider", "").lower()


legacy.HOOKS.update({name: vars(BaseProvider)[name] for name in legacy.HOOKS})
