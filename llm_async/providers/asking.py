"""Asking a model, as programs do it.

What belongs here: ``acomplete`` and its types. One call is :meth:`BaseProvider._single_complete`'s; answers that are checked, and asked
for again, are ``structured.asking``'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from ..models import ParsedResponse, ParsedStreamingResponse, Response, StreamingResponse, Timeouts
from .arguments import Deadlines, Headers, Messages, Schema, SchemaOf, T, Tools, offered

if TYPE_CHECKING:
    from .base import BaseProvider

__all__ = ["Asking"]

_NO_DEADLINE = Timeouts(None, None, None)


class Asking:
    """The part of a provider that programs ask; :class:`BaseProvider` is the other one."""

    @overload
    async def acomplete(
        self, model: str, messages: Messages, stream: Literal[False] = False, tools: Tools | None = None,
        tool_choice: Any = None, *, response_schema: SchemaOf[T], headers: Headers | None = None, **kwargs: Any,
    ) -> ParsedResponse[T]: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str, messages: Messages, stream: Literal[True], tools: Tools | None = None,
        tool_choice: Any = None, *, response_schema: SchemaOf[T], headers: Headers | None = None, **kwargs: Any,
    ) -> ParsedStreamingResponse[T]: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str, messages: Messages, stream: Literal[False] = False, tools: Tools | None = None,
        tool_choice: Any = None, response_schema: Schema | None = None, headers: Headers | None = None, *,
        timeouts: Deadlines | None = None, extra_body: Mapping[str, Any] | None = None, **kwargs: Any,
    ) -> Response: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str, messages: Messages, stream: Literal[True], tools: Tools | None = None,
        tool_choice: Any = None, response_schema: Schema | None = None, headers: Headers | None = None, *,
        timeouts: Deadlines | None = None, extra_body: Mapping[str, Any] | None = None, **kwargs: Any,
    ) -> StreamingResponse: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str, messages: Messages, stream: bool, tools: Tools | None = None,
        tool_choice: Any = None, response_schema: Schema | None = None, headers: Headers | None = None, *,
        timeouts: Deadlines | None = None, extra_body: Mapping[str, Any] | None = None, **kwargs: Any,
    ) -> Response | StreamingResponse: ...  # fmt: skip

    async def acomplete(
        self,
        model: str,
        messages: Messages,
        stream: bool = False,
        tools: Tools | None = None,
        tool_choice: Any = None,
        response_schema: Schema | None = None,
        headers: Headers | None = None,
        *,
        timeouts: Deadlines | None = None,
        extra_body: Mapping[str, Any] | None = None,
        schema_retries: int = 0,
        **kwargs: Any,
    ) -> Response:
        """Ask a model.

        Args:
            model: the model's name.
            messages: the conversation, as dicts or :class:`Message` objects.
            stream: True returns a :class:`StreamingResponse` to iterate over; its request goes out at the first step.
            tools: what the model may call: functions, :class:`Tool` objects, or the API's own form.
            tool_choice: ``"auto"``, ``"required"``, ``"none"``, a tool's name, or the API's own form.
            response_schema: what the answer has to be: a JSON Schema, or a type (a pydantic model, a dataclass, a TypedDict, a
                msgspec Struct, and what is made of them). ``response.parsed`` is the checked value.
            headers: sent with this request, over the provider's own.
            timeouts: deadlines of this call; a bare number is the total, in seconds.
            extra_body: fields of the request that win over all others.
            schema_retries: how often the model is told what is wrong with an answer that does not follow the schema, and
                asked again. Not for streams.
            cache: for a provider with a cache: False leaves it alone, ``"refresh"`` asks anew and keeps the answer.
            **kwargs: options in the words of :mod:`llm_async.protocols.options` (``max_tokens``, ``temperature``, ``stop``,
                ``reasoning``, …), which every API is told in its own; and further fields of the request, sent as given.

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
        choosable, provider = offered(tools), cast("BaseProvider", self)
        whole = Timeouts.coerce(timeouts, provider.timeouts) if schema_retries else _NO_DEADLINE
        ends_at: float | None = None

        async def ask(messages: Messages, schema: Schema | None) -> Response:
            nonlocal ends_at
            if whole.total is not None:
                # The total is that of all attempts together.
                now = asyncio.get_running_loop().time()
                if ends_at is not None:
                    kwargs["timeouts"] = replace(whole, total=max(ends_at - now, 0.001))
                ends_at = ends_at or now + whole.total
            return await provider._single_complete(
                model, provider._prepared(messages), stream, choosable, tool_choice,
                response_schema=schema, headers=headers, **kwargs,
            )  # fmt: skip

        if response_schema is None and not schema_retries:
            return await ask(messages, None)
        from ..structured.asking import ask_for_value

        answer: Response = await ask_for_value(ask, messages, response_schema, schema_retries, stream=bool(stream))
        return answer
