"""OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..models import Message, Response, ResponseSchema, Timeouts, Tool
from ..models.message import message_to_dict
from ..protocols.base import Protocol
from ..protocols.openai_responses import OpenAIResponses
from .base import BaseProvider

__all__ = ["OpenAIResponsesProvider"]


class OpenAIResponsesProvider(BaseProvider):
    """The Responses API (``POST /responses``)."""

    BASE_URL = "https://api.openai.com/v1"
    ENV_KEYS = ("OPENAI_API_KEY",)
    ENV_BASE_URL = ("OPENAI_BASE_URL",)

    def _make_protocol(self) -> Protocol:
        return OpenAIResponses()

    async def acomplete(
        self,
        model: str | None = None,
        messages: Sequence[Message | Mapping[str, Any]] | None = None,
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
        """Ask a model; see :meth:`BaseProvider.acomplete`.

        ``model`` may be left out where the server knows it (a ``prompt`` template, a ``conversation``). Messages may also be
        the API's own input items.
        """
        return await super().acomplete(
            model, messages, stream, tools, tool_choice, response_schema, headers,  # type: ignore[arg-type]
            timeouts=timeouts, extra_body=extra_body, **kwargs,
        )  # fmt: skip

    def _check_model(self, model: str | None) -> None:
        if model is not None:
            super()._check_model(model)

    def _serialize_messages(self, messages: Iterable[Message | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The conversation as dicts. Any dict passes here: the API has many kinds of items, and new ones every month."""
        serialized = []
        for position, message in enumerate(messages):
            if isinstance(message, Message):
                serialized.append(message_to_dict(message))
            elif isinstance(message, Mapping):
                serialized.append(dict(message))
            else:
                raise TypeError(f"messages[{position}] must be a Message or a mapping, not {type(message).__name__}")
        return serialized
