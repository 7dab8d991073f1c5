"""Vertex AI: Gemini and Claude in a project of Google Cloud.

What belongs here: where a project's models are, and whose token is sent. Gemini's own settings are in ``google.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..protocols.anthropic_vertex import VERTEX_VERSION, AnthropicVertex
from ..protocols.base import Protocol
from ..retry import RetryConfig
from .addresses import vertex_root
from .base import BaseProvider
from .google import GoogleProvider
from .google_credentials import default_token, quota_headers
from .keys import Key, first_set

__all__ = ["VertexClaudeProvider", "VertexProvider"]

_ENV_PROJECT = ("GOOGLE_CLOUD_PROJECT",)
_ENV_LOCATION = ("GOOGLE_CLOUD_LOCATION",)


class VertexProvider(GoogleProvider):
    """Gemini on Vertex AI.

    Args:
        api_key: a key of Vertex AI's express mode, which needs no project; ``""`` sends neither key nor token.
        base_url: an address that replaces the whole base URL.
        project: the id of the project; by default GOOGLE_CLOUD_PROJECT.
        location: a region such as ``"europe-west1"``, ``"eu"``, ``"us"`` or ``"global"``; by default
            GOOGLE_CLOUD_LOCATION, else ``"global"``.
        token: an OAuth token, which lasts an hour, or a function that gives one, also an async one, asked before every
            attempt. None takes the application default credentials, through google-auth
            (``pip install llm-async[vertex]``).
        **settings: those of every provider, see :class:`BaseProvider`.

    Raises:
        ValueError: neither a project, nor an address, nor a key is known; or there are both a key and a token.
    """

    ENV_KEYS = ()
    ENV_BASE_URL = ()

    def __init__(
        self,
        api_key: Key | None = None,
        base_url: str = "",
        retry_config: RetryConfig | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        http2: bool = False,
        *,
        project: str | None = None,
        location: str | None = None,
        token: Key | None = None,
        **settings: Any,
    ) -> None:
        if api_key and token is not None:
            raise ValueError("either api_key or token, not both")
        config = None
        if api_key:
            base_url = base_url or "https://aiplatform.googleapis.com/v1/publishers/google/models"
        else:
            base_url = base_url or vertex_root(*_place(project, location), publisher="google") + "/models"
            if api_key is None:
                config = {"goth_token": default_token() if token is None else token}
        super().__init__(api_key, base_url, config, retry_config, client_kwargs, http2, **settings)

    def _default_headers(self) -> dict[str, str]:
        return {**super()._default_headers(), **quota_headers(self._key_source)}


class VertexClaudeProvider(BaseProvider):
    """Claude on Vertex AI.

    Args:
        api_key: the same as ``token``.
        base_url: an address that replaces the whole base URL, up to ``…/publishers/anthropic``.
        project: the id of the project; by default GOOGLE_CLOUD_PROJECT.
        location: a region such as ``"europe-west1"``, ``"eu"``, ``"us"`` or ``"global"``; by default
            GOOGLE_CLOUD_LOCATION, else ``"global"``.
        token: an OAuth token, which lasts an hour, or a function that gives one, also an async one, asked before every
            attempt. None takes the application default credentials, through google-auth
            (``pip install llm-async[vertex]``).
        api_version: ``anthropic_version`` of the requests.
        betas: features to ask for in the ``anthropic-beta`` header, such as ``"context-1m-2025-08-07"``.
        **settings: those of every provider, see :class:`BaseProvider`.

    Raises:
        ValueError: neither a project nor an address is known.
    """

    # "Extended thinking": signatures are valid on all platforms.
    READS = ("claude",)

    def __init__(
        self,
        api_key: Key | None = None,
        base_url: str = "",
        retry_config: RetryConfig | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        http2: bool = False,
        *,
        project: str | None = None,
        location: str | None = None,
        token: Key | None = None,
        api_version: str | None = None,
        betas: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        self.api_version = api_version or VERTEX_VERSION
        self.betas = (betas,) if isinstance(betas, str) else tuple(betas)
        base_url = base_url or vertex_root(*_place(project, location), publisher="anthropic")
        key = api_key if token is None else token
        super().__init__(
            default_token() if key is None else key, base_url, retry_config, client_kwargs, http2, **settings
        )

    def _make_protocol(self) -> Protocol:
        return AnthropicVertex(self.api_version)

    def _default_headers(self) -> dict[str, str]:
        beta = {"anthropic-beta": ",".join(self.betas)} if self.betas else {}
        return {**super()._default_headers(), **quota_headers(self._key_source), **beta}


def _place(project: str | None, location: str | None) -> tuple[str, str]:
    """The project and the location, from the environment where they are not given."""
    project = project or first_set(_ENV_PROJECT)
    if not project:
        raise ValueError("Vertex AI needs the id of a project: project=…, or GOOGLE_CLOUD_PROJECT")
    return project, location or first_set(_ENV_LOCATION) or "global"
