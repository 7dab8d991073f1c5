"""OpenAI's Chat Completions, and every server that imitates them: give ``base_url``."""

from __future__ import annotations

from ..protocols.base import Protocol
from ..protocols.openai_chat import OpenAIChat
from .base import BaseProvider
from .legacy import old_name as __getattr__  # noqa: F401 - where tests of programs put their mocks

__all__ = ["OpenAIProvider"]


class OpenAIProvider(BaseProvider):
    """Chat Completions (``POST /chat/completions``)."""

    BASE_URL = "https://api.openai.com/v1"
    ENV_KEYS = ("OPENAI_API_KEY",)
    ENV_BASE_URL = ("OPENAI_BASE_URL",)

    def _make_protocol(self) -> Protocol:
        return OpenAIChat()
