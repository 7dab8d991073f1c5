"""OpenAI's Chat Completions, and every server that imitates them: give ``base_url``."""

from __future__ import annotations

from typing import ClassVar

from ..protocols.base import Protocol
from ..protocols.chat_dialect import ChatDialect
from ..protocols.openai_chat import OpenAIChat
from .addresses import is_openai
from .base import BaseProvider
from .legacy import old_name as __getattr__  # noqa: F401 - where tests of programs put their mocks

__all__ = ["OpenAIProvider"]


class OpenAIProvider(BaseProvider):
    """Chat Completions (``POST /chat/completions``)."""

    BASE_URL = "https://api.openai.com/v1"
    ENV_KEYS = ("OPENAI_API_KEY",)
    ENV_BASE_URL = ("OPENAI_BASE_URL",)
    #: What the server does otherwise than OpenAI.
    DIALECT: ClassVar[ChatDialect] = ChatDialect()

    def _make_protocol(self) -> Protocol:
        return OpenAIChat(self.DIALECT, first_party=is_openai(self.base_url))
