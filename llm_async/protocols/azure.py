"""Azure OpenAI's addresses by deployment, as the dated versions of its API have them.

What belongs here: paths. Chat Completions and embeddings are below ``/deployments/NAME``, where the name is the call's model;
Responses and everything else are not. The v1 API of Azure has OpenAI's own paths throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from .base import Call, WireRequest
from .embeddings import EmbedCall, EmbeddingForm, Input, OpenAIEmbeddings
from .openai_chat import OpenAIChat
from .openai_responses import OpenAIResponses

__all__ = ["AzureDatedResponses", "AzureDeployments"]


class AzureDeployments(OpenAIChat):
    """Chat Completions of a deployment."""

    def request(self, call: Call) -> WireRequest:
        """The request of a call; see :meth:`OpenAIChat.request`."""
        return _of_deployment(super().request(call), call.model)

    def embeddings(self) -> EmbeddingForm:
        """How the API embeds."""
        return _Embeddings()


class AzureDatedResponses(OpenAIResponses):
    """The Responses API, beside which embeddings are a deployment's."""

    def embeddings(self) -> EmbeddingForm:
        """How the API embeds."""
        return _Embeddings()


class _Embeddings(OpenAIEmbeddings):
    def request(self, call: EmbedCall, inputs: Sequence[Input]) -> WireRequest:
        return _of_deployment(super().request(call, inputs), call.model)


def _of_deployment(wire: WireRequest, name: str | None) -> WireRequest:
    return replace(wire, path=f"/deployments/{quote(name or '', safe='')}{wire.path}")
