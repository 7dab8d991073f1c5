"""Tokens of Google Cloud, from wherever this machine has its credentials.

What belongs here: the application default credentials as a function that gives a token, which is what a provider takes for
a key. Finding and renewing them is google-auth's work.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from ..errors import LLMError
from .keys import KeySource

__all__ = ["default_token", "quota_headers"]

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def default_token() -> KeySource:
    """A function that gives the token of the application default credentials, renewed when it has run out.

    The credentials are looked for when the token is first needed. The function raises ImportError if google-auth is not
    installed, and LLMError if there are no credentials, or they give no token.
    """
    return _DefaultToken()


def quota_headers(source: KeySource | None) -> dict[str, str]:
    """The header that says whose quota counts, where the credentials behind ``source`` name a project for it."""
    project = source.quota_project if isinstance(source, _DefaultToken) else None
    return {"x-goog-user-project": project} if project else {}


class _DefaultToken:
    """Credentials that are found once. The network may be needed for either step, so both are taken in a thread."""

    def __init__(self) -> None:
        self._credentials: Any = None

    @property
    def quota_project(self) -> str | None:
        """The project whose quota counts; None where the credentials name none, or have not been found yet."""
        return getattr(self._credentials, "quota_project_id", None)

    async def __call__(self) -> str:
        credentials = self._credentials
        if credentials is None or not credentials.valid:
            await asyncio.to_thread(self._renew)
        return str(self._credentials.token)

    def _renew(self) -> None:
        try:
            auth = import_module("google.auth")
            requests = import_module("google.auth.transport.requests")
        except ImportError as error:
            raise ImportError("Vertex AI without a token needs google-auth: pip install llm-async[vertex]") from error
        try:
            if self._credentials is None:
                self._credentials, _ = auth.default(scopes=[_SCOPE])
            if not self._credentials.valid:
                self._credentials.refresh(requests.Request())
        except auth.exceptions.GoogleAuthError as error:
            raise LLMError(f"Vertex AI: there is no token to be had: {error}") from error

    def __getstate__(self) -> dict[str, Any]:
        return {"_credentials": None}  # another process finds its own
