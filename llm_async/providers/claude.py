"""Anthropic's Claude."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..protocols.anthropic import DEFAULT_MAX_TOKENS, AnthropicMessages
from ..protocols.base import Protocol
from ..protocols.options_anthropic import DEFAULT_VERSION
from ..retry import RetryConfig
from .base import BaseProvider
from .keys import Key
from .legacy import old_name as __getattr__  # noqa: F401 - where tests of programs put their mocks

__all__ = ["DEFAULT_MAX_TOKENS", "ClaudeProvider"]


class ClaudeProvider(BaseProvider):
    """The Messages API (``POST /messages``).

    Args:
        api_version: the ``anthropic-version`` to ask for. The default is 0.5's; from ``"2026-10-21"`` on the API knows no
            sampling options.
        betas: features to ask for in the ``anthropic-beta`` header, such as ``"context-1m-2025-08-07"``.
        **settings: those of every provider, see :class:`BaseProvider`.
    """

    BASE_URL = "https://api.anthropic.com/v1"
    ENV_KEYS = ("ANTHROPIC_API_KEY", "CLAUDE_API_KEY")
    ENV_BASE_URL = ("ANTHROPIC_BASE_URL",)
    # "Extended thinking": signatures are valid on all platforms.
    READS = ("vertexclaude",)
    #: The value of the ``anthropic-version`` header.
    API_VERSION = DEFAULT_VERSION
    # Those of a subclass whose constructor does not call this one.
    api_version = DEFAULT_VERSION
    betas: tuple[str, ...] = ()

    def __init__(
        self,
        api_key: Key | None = None,
        base_url: str = "",
        retry_config: RetryConfig | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        http2: bool = False,
        *,
        api_version: str | None = None,
        betas: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        self.api_version = api_version or self.API_VERSION
        self.betas = (betas,) if isinstance(betas, str) else tuple(betas)
        super().__init__(api_key, base_url, retry_config, client_kwargs, http2, **settings)

    def _make_protocol(self) -> Protocol:
        return AnthropicMessages(version=self.api_version)

    def _default_headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "anthropic-version": self.api_version}
        if self.betas:
            headers["anthropic-beta"] = ",".join(self.betas)
        if self.api_key:
            headers["x-api-key"] = self.api_key
        return headers
