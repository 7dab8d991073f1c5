"""OpenRouter's dialect of Chat Completions: what it does otherwise, and nothing else.

- It sends usage with every stream, unasked; ``stream_options`` has no effect there.
- It wants ``reasoning`` and ``reasoning_details`` of earlier turns back unmodified and in order, also an empty list:
  Claude's, Gemini's and OpenAI's models refuse the next turn of a tool call without them.
"""

from __future__ import annotations

from typing import Any

from ..models import ResponseSchema
from .openai_chat import OpenAIChat

__all__ = ["OpenRouter"]


class OpenRouter(OpenAIChat):
    """The wire format of OpenRouter's Chat Completions."""

    def __init__(self) -> None:
        super().__init__(stream_usage=False, replayed=("reasoning", "reasoning_details"))

    def _response_format(self, schema: ResponseSchema) -> dict[str, Any]:
        return schema.for_openrouter()
