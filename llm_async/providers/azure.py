"""Azure OpenAI: Chat Completions and Responses of a resource, with its key or with a token of Microsoft Entra ID.

What belongs here: the addresses and headers of a resource. There are two families of addresses, ``/openai/v1`` without a
version, and ``/openai/deployments/NAME?api-version=DATE``. Whichever it is, the model of a call is the deployment's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..models.secret import Secret, reveal
from ..protocols.azure import AzureDatedResponses, AzureDeployments
from ..protocols.base import Protocol
from ..retry import RetryConfig
from .base import BaseProvider
from .keys import Key, checked_key, first_set
from .openai import OpenAIProvider
from .openai_responses import OpenAIResponsesProvider

__all__ = ["AzureProvider", "AzureResponsesProvider"]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATED = re.compile(r"(^|&)api-version=\d{4}-\d{2}-\d{2}")
# What may stand behind the address of a resource where the address of one of its APIs was given instead, such as the
# portal's "target URI": .../openai/deployments/NAME/chat/completions?api-version=DATE.
_API_PATH = re.compile(r"(/openai(/deployments/[^?]*|(/v1)?(/chat/completions|/responses|/embeddings)?)?)?/*(\?.*)?$")
_ENV_ENDPOINT = ("AZURE_OPENAI_ENDPOINT",)
_ENV_VERSION = ("AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION")


class _Resource(BaseProvider):
    """Where a resource is, and who asks it."""

    BASE_URL = ""
    ENV_KEYS = ("AZURE_OPENAI_API_KEY",)
    ENV_BASE_URL = _ENV_ENDPOINT

    def __init__(
        self,
        api_key: Key | None = None,
        base_url: str = "",
        retry_config: RetryConfig | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        http2: bool = False,
        *,
        endpoint: str = "",
        api_version: str | None = None,
        token: Key | None = None,
        **settings: Any,
    ) -> None:
        if token is not None:
            if api_key:
                raise ValueError("either api_key or token, not both")
            api_key = checked_key(token, "token")
        self._has_token = token is not None
        if not base_url:
            api_version = api_version or first_set(_ENV_VERSION) or None
            base_url = _base_url(endpoint or first_set(_ENV_ENDPOINT), api_version)
        if api_version and "api-version=" not in base_url:
            base_url += f"{'&' if '?' in base_url else '?'}api-version={api_version}"
        super().__init__(api_key, base_url, retry_config, client_kwargs, http2, **settings)

    @property
    def _is_dated(self) -> bool:
        """Whether the address is one below which the deployments are."""
        root, _, query = self.base_url.partition("?")
        root = root.rstrip("/")
        return _DATED.search(query) is not None and "/deployments/" not in root and not root.endswith("/v1")

    def _default_headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self.api_key and self._has_token:
            headers["Authorization"] = Secret("Bearer " + reveal(self.api_key))
        elif self.api_key:
            headers["api-key"] = self.api_key
        return headers


class AzureProvider(_Resource, OpenAIProvider):
    """Chat Completions on Azure.

    Args:
        api_key: the resource's key, sent as ``api-key``; by default AZURE_OPENAI_API_KEY.
        base_url: a whole base URL such as ``https://RESOURCE.openai.azure.com/openai/v1``, instead of ``endpoint``.
        endpoint: the resource's address, ``https://RESOURCE.openai.azure.com``; by default AZURE_OPENAI_ENDPOINT.
        api_version: None for the v1 API. A date, ``"2024-10-21"``, for the addresses by deployment. Any other word, such as
            ``"preview"``, is the ``api-version`` of the v1 API. By default AZURE_OPENAI_API_VERSION, else
            OPENAI_API_VERSION, unless ``base_url`` is given.
        token: a token of Entra ID for the scope ``https://cognitiveservices.azure.com/.default``, or a function that gives
            one, also an async one, asked before every attempt. It is sent as ``Authorization: Bearer``, and no key then.
        **settings: those of every provider, see :class:`BaseProvider`.

    Raises:
        ValueError: no address is known, or there are both a key and a token.
    """

    def _make_protocol(self) -> Protocol:
        return AzureDeployments(self.DIALECT) if self._is_dated else OpenAIProvider._make_protocol(self)


class AzureResponsesProvider(_Resource, OpenAIResponsesProvider):
    """The Responses API on Azure; arguments as for :class:`AzureProvider`."""

    def _make_protocol(self) -> Protocol:
        return AzureDatedResponses() if self._is_dated else OpenAIResponsesProvider._make_protocol(self)


def _base_url(endpoint: str, api_version: str | None) -> str:
    """The base URL of a resource."""
    if not endpoint:
        raise ValueError("Azure needs the address of the resource: endpoint=…, or AZURE_OPENAI_ENDPOINT")
    root = _API_PATH.sub("", endpoint)
    return f"{root}/openai" if api_version and _DATE.match(api_version) else f"{root}/openai/v1"
