"""Claude's Messages API as Vertex AI has it.

What belongs here: the differences. The model stands in the path, ``/models/NAME:rawPredict`` or ``:streamRawPredict``, the
version of the API in the body, ``anthropic_version``; tokens are counted by a model of that name, and there are no list of
models and no uploaded files. Source: Anthropic's SDK for Vertex, "Claude on Vertex AI" and "Files API".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ..errors import UnsupportedError
from .anthropic import AnthropicMessages
from .base import Call, Protocol, WireRequest
from .token_counts import AnthropicCount, TokenCounting

__all__ = ["VERTEX_VERSION", "AnthropicVertex"]

#: The version that takes what ``2023-06-01`` takes at Anthropic itself; the other one is ``2026-10-21``.
VERTEX_VERSION = "vertex-2023-10-16"


class AnthropicVertex(AnthropicMessages):
    """``POST /models/NAME:rawPredict``, below ``…/publishers/anthropic``.

    Args:
        version: ``anthropic_version`` of every request that does not bring its own.
    """

    def __init__(self, version: str = VERTEX_VERSION) -> None:
        super().__init__(version=version)

    def request(self, call: Call) -> WireRequest:
        """The request of a call; see :meth:`AnthropicMessages.request`."""
        wire = super().request(call)
        if "messages" not in call.extra_body and _names_a_file(wire.body["messages"]):
            raise UnsupportedError("Claude on Vertex AI keeps no uploaded files: give the data itself, or its address")
        body = {"anthropic_version": self._version, **wire.body}
        model = body.pop("model", None) or call.model
        if not isinstance(model, str):
            raise ValueError(f"model must be the name of a model, not {model!r}")
        method = "streamRawPredict" if body.get("stream") else "rawPredict"
        return replace(wire, path=f"/models/{quote(model, safe='@-._~')}:{method}", body=body)

    def model_list(self) -> None:
        """There is none."""

    def token_counting(self) -> TokenCounting:
        """How the API counts the tokens of a request."""
        return _VertexCount()


def _names_a_file(blocks: list[Any]) -> bool:
    """Whether messages, or blocks, hold a file by its id."""
    for block in blocks:
        source, content = block.get("source"), block.get("content")
        if isinstance(source, dict) and source.get("type") == "file":
            return True
        if isinstance(content, list) and _names_a_file(content):
            return True
    return False


class _VertexCount(AnthropicCount):
    """``POST /models/count-tokens:rawPredict``, where the model to count for stands in the body again."""

    def request(self, protocol: Protocol, call: Call) -> WireRequest:
        wire = super().request(protocol, call)
        return replace(wire, path="/models/count-tokens:rawPredict", body={"model": call.model, **wire.body})
