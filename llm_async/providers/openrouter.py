"""OpenRouter: Chat Completions in its own dialect."""

from __future__ import annotations

from typing import Any

from ..models import Response
from ..protocols.base import Protocol
from ..protocols.openrouter import OpenRouter
from .arguments import Headers, OfferedTools, Schema
from .base import BaseProvider
from .headers import merged
from .legacy import old_name as __getattr__  # noqa: F401 - where tests of programs put their mocks

__all__ = ["OpenRouterProvider"]


class OpenRouterProvider(BaseProvider):
    """OpenRouter (``POST /chat/completions``).

    ``acomplete`` takes two more keyword arguments, which name the calling program: ``http_referer`` and ``x_title`` become
    the headers ``HTTP-Referer`` and ``X-Title``.
    """

    BASE_URL = "https://openrouter.ai/api/v1"
    ENV_KEYS = ("OPENROUTER_API_KEY",)
    ENV_BASE_URL = ("OPENROUTER_BASE_URL",)
    RESERVED = (*BaseProvider.RESERVED, "http_referer", "x_title")

    def _make_protocol(self) -> Protocol:
        return OpenRouter()

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
        http_referer: str | None = None,
        x_title: str | None = None,
        **kwargs: Any,
    ) -> Response:
        named = {"HTTP-Referer": http_referer, "X-Title": x_title}
        attribution = {name: value for name, value in named.items() if value is not None}
        if attribution:
            headers = merged([attribution, headers or {}])
        return await super()._single_complete(
            model, messages, stream, tools, tool_choice, response_schema, headers, **kwargs
        )
