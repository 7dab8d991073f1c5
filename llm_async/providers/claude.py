"""Anthropic's Claude."""

from __future__ import annotations

from ..protocols.anthropic import DEFAULT_MAX_TOKENS, AnthropicMessages
from ..protocols.base import Protocol
from .base import BaseProvider
from .legacy import old_name as __getattr__  # noqa: F401 - where tests of programs put their mocks

__all__ = ["DEFAULT_MAX_TOKENS", "ClaudeProvider"]


class ClaudeProvider(BaseProvider):
    """The Messages API (``POST /messages``)."""

    BASE_URL = "https://api.anthropic.com/v1"
    ENV_KEYS = ("ANTHROPIC_API_KEY", "CLAUDE_API_KEY")
    ENV_BASE_URL = ("ANTHROPIC_BASE_URL",)
    #: The value of the ``anthropic-version`` header.
    API_VERSION = "2023-06-01"

    def _make_protocol(self) -> Protocol:
        return AnthropicMessages()

    def _default_headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "anthropic-version": self.API_VERSION}
        if self.api_key:
            headers["x-api-key"] = self.api_key
        return headers
