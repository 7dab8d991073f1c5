"""OpenRouter's dialect of Chat Completions: what it does otherwise, and nothing else.

- It sends usage with every stream, unasked; ``stream_options`` has no effect there.
- It wants ``reasoning`` and ``reasoning_details`` of earlier turns back unmodified and in order, also an empty list:
  Claude's, Gemini's and OpenAI's models refuse the next turn of a tool call without them.
- It takes the images that a model has made back, video, files by their address, and images and files in tool results.
"""

from __future__ import annotations

from typing import Any

from ..models import ResponseSchema
from .base import Call
from .chat_dialect import ChatDialect
from .chat_parts import FILE_URLS, MEDIA_IN_RESULTS, VIDEO
from .openai_chat import OpenAIChat
from .options_chat import openrouter_options

__all__ = ["OpenRouter"]


class OpenRouter(OpenAIChat):
    """The wire format of OpenRouter's Chat Completions."""

    def __init__(self) -> None:
        super().__init__(
            ChatDialect(
                stream_usage=False,
                replayed=("reasoning", "reasoning_details", "images"),
                takes=(VIDEO, FILE_URLS, MEDIA_IN_RESULTS),
            )
        )

    def _options(self, call: Call) -> dict[str, Any]:
        return openrouter_options(call)

    def _response_format(self, schema: ResponseSchema) -> dict[str, Any]:
        return schema.for_openrouter()
