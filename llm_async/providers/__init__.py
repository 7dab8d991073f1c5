"""One short class per provider: an address, a key, a protocol."""

from .base import BaseProvider
from .claude import ClaudeProvider
from .google import GoogleProvider
from .openai import OpenAIProvider
from .openai_responses import OpenAIResponsesProvider
from .openrouter import OpenRouterProvider

__all__ = [
    "BaseProvider",
    "ClaudeProvider",
    "GoogleProvider",
    "OpenAIProvider",
    "OpenAIResponsesProvider",
    "OpenRouterProvider",
]
