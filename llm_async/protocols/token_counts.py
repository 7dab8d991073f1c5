"""Counts of tokens: what each API is asked, made of the request that a call would be, and what it answers.

What belongs here: which fields of a request are of interest for a count, and the field that the count stands in. Sources:
Anthropic's ``POST /v1/messages/count_tokens``, OpenAI's ``POST /responses/input_tokens``, ``:countTokens`` of Gemini and of
Vertex AI.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from ..errors import ProtocolError
from ..models.beside import TokenCount
from .base import Call, Protocol, WireRequest
from .usage import count

__all__ = ["AnthropicCount", "GeminiCount", "ResponsesCount", "TokenCounting"]

# What says how to answer and not what is asked; the count's endpoint refuses it.
_ANTHROPIC_ANSWERING = frozenset(
    {
        *("max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata"),
        *("service_tier", "container", "inference_geo"),
    }
)
# Everything that POST /responses/input_tokens takes.
_RESPONSES_FIELDS = frozenset(
    {
        *("conversation", "input", "instructions", "model", "parallel_tool_calls", "personality"),
        *("previous_response_id", "reasoning", "text", "tool_choice", "tools", "truncation"),
    }
)


class TokenCounting(ABC):
    """How an API counts the tokens of a request."""

    @abstractmethod
    def request(self, protocol: Protocol, call: Call) -> WireRequest:
        """The request for the count; ``call`` is what would be asked of the model, in ``protocol``.

        Raises:
            ValueError, TypeError, UnsupportedError: as :meth:`Protocol.request`.
        """

    def read(self, body: Any) -> TokenCount:
        """The count in the body of an answer.

        Raises:
            ProtocolError: there is none.
        """
        return _counted(body, "input_tokens")


class AnthropicCount(TokenCounting):
    """``POST /messages/count_tokens``."""

    def request(self, protocol: Protocol, call: Call) -> WireRequest:
        wire = protocol.request(call)
        body = {
            name: value
            for name, value in wire.body.items()
            if name not in _ANTHROPIC_ANSWERING or name in call.extra_body
        }
        return WireRequest("/messages/count_tokens", body)


class ResponsesCount(TokenCounting):
    """``POST /responses/input_tokens``."""

    def request(self, protocol: Protocol, call: Call) -> WireRequest:
        wire = protocol.request(call)
        body = {
            name: value for name, value in wire.body.items() if name in _RESPONSES_FIELDS or name in call.extra_body
        }
        return WireRequest("/responses/input_tokens", body)


class GeminiCount(TokenCounting):
    """``:countTokens``, which takes a whole request in an envelope, so that instructions and tools are counted too.

    Args:
        vertex: Vertex AI, where the fields stand in the body itself.
    """

    def __init__(self, vertex: bool = False) -> None:
        self._vertex = vertex

    def request(self, protocol: Protocol, call: Call) -> WireRequest:
        wire = protocol.request(call)
        path = wire.path.partition(":generateContent")[0]
        if self._vertex:
            fields = ("contents", "systemInstruction", "system_instruction", "tools", "generationConfig")
            body = {name: value for name, value in wire.body.items() if name in fields or name in call.extra_body}
        else:
            body = {"generateContentRequest": {"model": path.lstrip("/"), **wire.body}}
        return WireRequest(f"{path}:countTokens", body)

    def read(self, body: Any) -> TokenCount:
        counted = _counted(body, "totalTokens")
        counted.cached_tokens = count(counted.original.get("cachedContentTokenCount"))
        return counted


def _counted(body: Any, name: str) -> TokenCount:
    tokens = count(body.get(name)) if isinstance(body, dict) else None
    if tokens is None:
        raise ProtocolError(f"the provider sent no count of tokens: there is no {name}", payload=body)
    return TokenCount(tokens, original=body)
