"""The APIs that the testing server speaks, one module each."""

from __future__ import annotations

from ..http1 import Request
from .anthropic import Anthropic
from .base import Dialect, OfferedTool, ProviderError, Question
from .clouds import CLOUDS
from .gemini import Gemini
from .openai_chat import OpenAIChat
from .openai_responses import OpenAIResponses
from .openrouter import OpenRouter

__all__ = ["DIALECTS", "Dialect", "OfferedTool", "ProviderError", "Question", "addressed", "dialect_named"]

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (OpenAIChat(), OpenAIResponses(), Anthropic(), Gemini(), OpenRouter())
}


def dialect_named(provider: str) -> Dialect:
    """The API of a provider; ValueError for a name that is none of ``Provider.name()``."""
    known = {cloud.name: cloud for cloud in reversed(CLOUDS)} | DIALECTS
    try:
        return known[provider]
    except KeyError:
        raise ValueError(f"unknown provider {provider!r}; known ones are {', '.join(known)}") from None


def addressed(request: Request) -> Dialect | None:
    """The API that a request is meant for, or None.

    Two APIs share OpenAI's base: ``/responses`` belongs to the one, everything else to the other.
    """
    candidates = [one for one in (*DIALECTS.values(), *CLOUDS) if request.path.startswith(f"{one.base}/")]
    return next((one for one in candidates if one.owns(request)), candidates[0] if candidates else None)
