"""The Messages API of Anthropic, and of the servers that imitate it.

What belongs here: a request from a Call, and which module does the rest. The conversation is put together in
``anthropic_messages.py`` and ``anthropic_parts.py``, tools in ``anthropic_tools.py``; answers are read in
``anthropic_answer.py``, and streamed ones in ``anthropic_reader.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ProtocolError
from ..models import Tool, ToolCall
from .anthropic_answer import message_answer
from .anthropic_messages import Conversation, result_block
from .anthropic_reader import MessageReader
from .anthropic_tools import format_tools, tool_choice_object
from .base import Answer, Call, Protocol, Reader, ResultContent, WireRequest
from .failures import event_error
from .options_anthropic import DEFAULT_MAX_TOKENS, DEFAULT_VERSION, messages_options

if TYPE_CHECKING:
    from .model_lists import ModelList
    from .token_counts import TokenCounting

__all__ = ["DEFAULT_MAX_TOKENS", "AnthropicMessages"]


class AnthropicMessages(Protocol):
    """``POST /messages``.

    Args:
        version: the ``anthropic-version`` that the requests go with.
    """

    def __init__(self, *, version: str = DEFAULT_VERSION) -> None:
        self._version = version

    def request(self, call: Call) -> WireRequest:
        """The request of a call; see :meth:`Protocol.request`.

        Beside the conversation's system messages a ``system`` option counts, and stands first; ``output_config`` may be
        given as an option and is completed by the response schema.
        """
        options = messages_options(call, version=self._version)
        conversation = Conversation(call.messages, options.pop("system", None))
        body: dict[str, Any] = {
            "model": call.model,
            "max_tokens": options.pop("max_tokens"),
            "messages": conversation.messages,
        }
        system = conversation.system
        if system is not None:
            body["system"] = system
        if call.tools:
            body["tools"] = call.tools
        if call.tool_choice is not None:
            body["tool_choice"] = tool_choice_object(call.tool_choice)
        if call.response_schema is not None:
            config = options.pop("output_config", None)
            if config is not None and not isinstance(config, Mapping):
                raise TypeError(f"output_config must be a mapping, not {type(config).__name__}")
            body["output_config"] = {**(config or {}), "format": call.response_schema.for_claude()}
        if call.stream:
            body["stream"] = True
        return WireRequest("/messages", {**body, **options, **call.extra_body})

    def read(self, body: dict[str, Any]) -> Answer:
        """A whole answer; see :meth:`Protocol.read`."""
        if body.get("type") == "error" or body.get("error"):
            raise event_error(body.get("error") or body, body)
        if "content" not in body and body.get("type") != "message":
            raise ProtocolError("the provider sent a body that is no message", payload=body)
        return message_answer(body)

    def reader(self) -> Reader:
        """A fresh reader for one streamed answer."""
        return MessageReader(self)

    def format_tools(self, tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Tools as the request carries them; see :func:`~llm_async.protocols.anthropic_tools.format_tools`."""
        return format_tools(tools)

    def tool_result(self, call: ToolCall, content: ResultContent, *, is_error: bool = False) -> dict[str, Any]:
        """The user message that hands a tool's result back."""
        return {"role": "user", "content": [result_block(call.call_id, content, is_error=is_error)]}

    def model_list(self) -> ModelList | None:
        from .model_lists import AnthropicModels

        return AnthropicModels()

    def token_counting(self) -> TokenCounting:
        from .token_counts import AnthropicCount

        return AnthropicCount()
