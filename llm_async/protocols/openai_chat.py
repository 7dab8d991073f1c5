"""Chat Completions (``POST /chat/completions``): OpenAI's, and every server's that imitates it.

What belongs here: the request around the messages, and which module does what. Messages of any origin are translated in
``chat_messages.py``, tools in ``chat_tools.py``; answers are read in ``chat_answer.py``, streams in ``chat_reader.py``.

Nothing optional is sent unasked, since strict servers refuse what they do not know, with one exception: ``stream_options``,
without which OpenAI and most of its imitators say nothing about usage in a stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..models import ResponseSchema, Tool, ToolCall
from .base import Answer, Call, Protocol, Reader, ResultContent, WireRequest
from .chat_answer import read_answer
from .chat_dialect import ChatDialect
from .chat_messages import chat_messages
from .chat_reader import ChatReader
from .chat_tools import chat_tool_choice, chat_tools
from .options_chat import chat_options

if TYPE_CHECKING:
    from .embeddings import EmbeddingForm
    from .model_lists import ModelList

__all__ = ["OpenAIChat"]


class OpenAIChat(Protocol):
    """The wire format of Chat Completions.

    Args:
        dialect: what the server does otherwise than OpenAI.
        first_party: the server is OpenAI's own, so that options that a model refuses there are an UnsupportedError.
    """

    def __init__(self, dialect: ChatDialect = ChatDialect(), *, first_party: bool = False) -> None:  # noqa: B008 - it is immutable
        self._dialect = dialect
        self._first_party = first_party

    def request(self, call: Call) -> WireRequest:
        """The request of a call; see :meth:`Protocol.request`."""
        body: dict[str, Any] = {} if call.model is None else {"model": call.model}
        body["messages"] = chat_messages(call.messages, replayed=self._dialect.replayed, takes=self._dialect.takes)
        if self._first_party:
            body["messages"] = [_without_cache_marks(message) for message in body["messages"]]
        body["stream"] = call.stream
        if call.stream and self._dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
        body |= self._options(call)
        if call.response_schema is not None:
            body["response_format"] = self._response_format(call.response_schema)
        if call.tools:
            body["tools"] = _unmarked(call.tools) if self._first_party else call.tools
        if call.tool_choice is not None:
            body["tool_choice"] = chat_tool_choice(call.tool_choice, call.tools)
            if isinstance(call.tool_choice, Mapping) and call.tool_choice.get("disable_parallel_tool_use"):
                # Claude says it inside its tool_choice.
                body.setdefault("parallel_tool_calls", False)
        self._dialect.adapt(body, call)
        body |= call.extra_body
        if body.get("stream_options", ...) is None:
            del body["stream_options"]
        return WireRequest("/chat/completions", body)

    def _options(self, call: Call) -> dict[str, Any]:
        return chat_options(call, first_party=self._first_party)

    def _response_format(self, schema: ResponseSchema) -> dict[str, Any]:
        return schema.for_openai()

    def format_tools(self, tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The ``tools`` of a request; see :mod:`.chat_tools` for the forms that are understood.

        Raises:
            ValueError: a function without a name.
        """
        return chat_tools(tools)

    def tool_result(self, call: ToolCall, content: ResultContent, *, is_error: bool = False) -> dict[str, Any]:
        """The message with a tool's result. The API has no place for ``is_error``; the text has to say it."""
        return {"role": "tool", "tool_call_id": call.call_id, "content": content}

    def read(self, body: dict[str, Any]) -> Answer:
        """A whole answer; see :meth:`Protocol.read`."""
        return read_answer(body)

    def reader(self) -> Reader:
        """A fresh reader for one streamed answer."""
        return ChatReader(self)

    def model_list(self) -> ModelList:
        from .model_lists import OpenAIModels

        return OpenAIModels()

    def embeddings(self) -> EmbeddingForm:
        from .embeddings import OpenAIEmbeddings

        return OpenAIEmbeddings()


def _without_cache_marks(message: dict[str, Any]) -> dict[str, Any]:
    """A message without Claude's ``cache_control``: OpenAI caches by itself, and refuses the field."""
    content = message.get("content")
    return {**message, "content": _unmarked(content)} if isinstance(content, list) else message


def _unmarked(entries: list[Any]) -> list[Any]:
    return [
        {key: value for key, value in entry.items() if key != "cache_control"} if isinstance(entry, Mapping) else entry
        for entry in entries
    ]
