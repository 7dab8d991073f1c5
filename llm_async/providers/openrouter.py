"""OpenRouter: Chat Completions in its own dialect."""

from __future__ import annotations

from typing import Any

from ..models import Response
from ..protocols.base import Protocol
from ..protocols.openrouter import OpenRouter
from .base import BaseProvider

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
        self, *args: Any, http_referer: str | None = None, x_title: str | None = None, **kwargs: Any
    ) -> Response:
        named = {"HTTP-Referer": http_referer, "X-Title": x_title}
        attribution = {name: value for name, value in named.items() if value is not None}
        if attribution:
            *rest, headers = args if len(args) == 7 else (*args, kwargs.pop("headers", None))
            args = (*rest, {**attribution, **dict(headers or {})})
        return await super()._single_complete(*args, **kwargs)
