"""OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast, overload

from ..models import Message, ParsedResponse, ParsedStreamingResponse, Response, StreamingResponse
from ..models.message import listed, message_to_dict
from ..protocols.base import Protocol
from ..protocols.foreign import readable_by
from ..protocols.openai_responses import OpenAIResponses
from ..protocols.responses_input import input_of
from .addresses import is_openai
from .arguments import Deadlines, Headers, Messages, OfferedTools, Schema, SchemaOf, T, Tools, as_mapping
from .base import BaseProvider
from .legacy import is_overridden
from .legacy import old_name as __getattr__  # noqa: F401 - where tests of programs put their mocks

__all__ = ["OpenAIResponsesProvider"]

# The API's own, and those of the conversations of other APIs that may be gone on with here.
_ROLES = ("system", "developer", "user", "assistant", "tool", "function", "model")


class OpenAIResponsesProvider(BaseProvider):
    """The Responses API (``POST /responses``)."""

    BASE_URL = "https://api.openai.com/v1"
    ENV_KEYS = ("OPENAI_API_KEY",)
    ENV_BASE_URL = ("OPENAI_BASE_URL",)

    def _make_protocol(self) -> Protocol:
        return OpenAIResponses(first_party=is_openai(self.base_url))

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages | None = None, stream: Literal[False] = False,
        tools: Tools | None = None, tool_choice: Any = None, *, response_schema: SchemaOf[T],
        headers: Headers | None = None, **kwargs: Any,
    ) -> ParsedResponse[T]: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None, messages: Messages | None, stream: Literal[True],
        tools: Tools | None = None, tool_choice: Any = None, *, response_schema: SchemaOf[T],
        headers: Headers | None = None, **kwargs: Any,
    ) -> ParsedStreamingResponse[T]: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages | None = None, *, stream: Literal[True],
        response_schema: SchemaOf[T], tools: Tools | None = None, tool_choice: Any = None,
        headers: Headers | None = None, **kwargs: Any,
    ) -> ParsedStreamingResponse[T]: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages | None = None, stream: Literal[False] = False,
        tools: Tools | None = None, tool_choice: Any = None, response_schema: Schema | None = None,
        headers: Headers | None = None, *,
        timeouts: Deadlines | None = None, extra_body: Mapping[str, Any] | None = None, **kwargs: Any,
    ) -> Response: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None, messages: Messages | None, stream: Literal[True],
        tools: Tools | None = None, tool_choice: Any = None, response_schema: Schema | None = None,
        headers: Headers | None = None, *,
        timeouts: Deadlines | None = None, extra_body: Mapping[str, Any] | None = None, **kwargs: Any,
    ) -> StreamingResponse: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages | None = None, *, stream: Literal[True],
        tools: Tools | None = None, tool_choice: Any = None, response_schema: Schema | None = None,
        headers: Headers | None = None,
        timeouts: Deadlines | None = None, extra_body: Mapping[str, Any] | None = None, **kwargs: Any,
    ) -> StreamingResponse: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages | None = None, stream: bool = False,
        tools: Tools | None = None, tool_choice: Any = None, response_schema: Schema | None = None,
        headers: Headers | None = None, *,
        timeouts: Deadlines | None = None, extra_body: Mapping[str, Any] | None = None, **kwargs: Any,
    ) -> Response | StreamingResponse: ...  # fmt: skip

    async def acomplete(
        self,
        model: str | None = None,
        messages: Messages | None = None,
        stream: bool = False,
        tools: Tools | None = None,
        tool_choice: Any = None,
        response_schema: Schema | None = None,
        headers: Headers | None = None,
        *,
        timeouts: Deadlines | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Response:
        """Ask a model; see :meth:`BaseProvider.acomplete`.

        ``model`` and ``messages`` may be left out where the server knows them (a ``prompt`` template, a ``conversation``).
        Messages may also be the API's own input items.
        """
        # Wider than the base class, whose own checks are open to this.
        return await super().acomplete(
            cast("str", model), cast("Messages", messages), stream, tools, tool_choice, response_schema, headers,
            timeouts=timeouts, extra_body=extra_body, **kwargs,
        )  # fmt: skip

    def _check_model(self, model: str | None) -> None:
        if model is not None:
            super()._check_model(model)

    def _prepared(self, messages: Messages | None) -> list[dict[str, Any]]:
        if messages is None:
            return []
        if not messages:
            return super()._prepared(messages)
        # Items need not be messages; answers that were kept as JSON are.
        kept = [
            Message.from_dict(entry) if isinstance(entry, Mapping) and "original" in entry else entry
            for entry in listed(messages)
        ]
        return self._serialize_messages(readable_by((self.name(), *self.READS), kept))

    def _serialize_messages(self, messages: Iterable[Message | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The conversation as dicts. Items of any type pass: the API has many of them, and new ones every month."""
        serialized = []
        for position, message in enumerate(messages):
            if not isinstance(message, (Message, Mapping)):
                raise TypeError(f"messages[{position}] must be a Message or a mapping, not {type(message).__name__}")
            item = message_to_dict(message) if isinstance(message, Message) else dict(message)
            if "type" not in item and item.get("role", "user") not in _ROLES:
                raise ValueError(
                    f"Invalid role provided in message: messages[{position}] has the role {item['role']!r}; "
                    f"known roles are {', '.join(_ROLES)}"
                )
            serialized.append(item)
        return serialized

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
        extra_body: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Response:
        if is_overridden(self, OpenAIResponsesProvider, "_messages_to_input"):
            extra_body = {"input": self._messages_to_input(messages), **as_mapping(extra_body, "extra_body")}
        return await super()._single_complete(
            model, messages, stream, tools, tool_choice, response_schema, headers, extra_body=extra_body, **kwargs
        )

    def _messages_to_input(self, messages: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
        """The ``input`` that says what ``messages`` say."""
        return input_of(messages)
