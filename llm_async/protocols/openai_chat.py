"""Chat Completions (``POST /chat/completions``): OpenAI's, and every server's that imitates it.

What belongs here: the request around the messages, and which module does what. Messages of any origin are translated in
``chat_messages.py``, tools in ``chat_tools.py``; answers are read in ``chat_answer.py``, streams in ``chat_reader.py``.

Nothing optional is sent unasked, since strict servers refuse what they do not know, with one exception: ``stream_options``,
without which OpenAI and most of its imitators say nothing about usage in a stream.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..models import ResponseSchema, Tool, ToolCall
from .base import Answer, Call, Protocol, Reader, WireRequest
from .chat_answer import read_answer
from .chat_messages import chat_messages
from .chat_reader import ChatReader
from .chat_tools import chat_tool_choice, chat_tools

__all__ = ["OpenAIChat"]


class OpenAIChat(Protocol):
    """The wire format of Chat Completions.

    Args:
        stream_usage: ask for usage in streams, with ``stream_options``. False for servers that refuse the field; a call's
            own ``stream_options`` takes its place, and None there leaves it out.
        replayed: the fields of assistant messages that go back as they came although they are no input of OpenAI's:
            DeepSeek, Moonshot and Z.AI demand their ``reasoning_content`` in the loop of a tool call.
    """

    def __init__(self, *, stream_usage: bool = True, replayed: Collection[str] = ("reasoning_content",)) -> None:
        self._stream_usage = stream_usage
        self._replayed = frozenset(replayed)

    def request(self, call: Call) -> WireRequest:
        """The request of a call; see :meth:`Protocol.request`."""
        body: dict[str, Any] = {} if call.model is None else {"model": call.model}
        body["messages"] = chat_messages(call.messages, replayed=self._replayed)
        body["stream"] = call.stream
        if call.stream and self._stream_usage:
            body["stream_options"] = {"include_usage": True}
        body |= call.options
        if call.response_schema is not None:
            body["response_format"] = self._response_format(call.response_schema)
        if call.tools:
            body["tools"] = call.tools
        if call.tool_choice is not None:
            body["tool_choice"] = chat_tool_choice(call.tool_choice, call.tools)
            if isinstance(call.tool_choice, Mapping) and call.tool_choice.get("disable_parallel_tool_use"):
                # Claude says it inside its tool_choice.
                body.setdefault("parallel_tool_calls", False)
        body |= call.extra_body
        if body.get("stream_options", ...) is None:
            del body["stream_options"]
        return WireRequest("/chat/completions", body)

    def _response_format(self, schema: ResponseSchema) -> dict[str, Any]:
        return schema.for_openai()

    def format_tools(self, tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The ``tools`` of a request; see :mod:`.chat_tools` for the forms that are understood.

        Raises:
            ValueError: a function without a name.
        """
        return chat_tools(tools)

    def tool_result(self, call: ToolCall, content: str, *, is_error: bool = False) -> dict[str, Any]:
        """The message with a tool's result. The API has no place for ``is_error``; the text has to say it."""
        return {"role": "tool", "tool_call_id": call.call_id, "content": content}

    def read(self, body: dict[str, Any]) -> Answer:
        """A whole answer; see :meth:`Protocol.read`."""
        return read_answer(body)

    def reader(self) -> Reader:
        """A fresh reader for one streamed answer."""
        return ChatReader(self)
