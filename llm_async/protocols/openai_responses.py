"""The Responses API of OpenAI, and of those who imitate it (Azure, Bedrock, xAI, OpenRouter, DeepSeek, vLLM).

What belongs here: the request, and the doors to the rest of the dialect: ``responses_input.py`` (messages to items),
``responses_tools.py``, ``responses_answer.py`` (a response object to an Answer), ``responses_reader.py`` (a stream to a
response object).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..models import Tool, ToolCall
from .base import Answer, Call, Protocol, ResultContent, WireRequest
from .options_responses import responses_options
from .responses_answer import answer_of, error_of
from .responses_input import input_of
from .responses_reader import ResponsesReader
from .responses_tools import responses_tool_choice, responses_tools

if TYPE_CHECKING:
    from .embeddings import EmbeddingForm
    from .model_lists import ModelList
    from .token_counts import TokenCounting

__all__ = ["OpenAIResponses"]


class OpenAIResponses(Protocol):
    """The Responses API.

    An answer with the status ``cancelled`` is returned with the finish reason ``error``, and one that is still ``queued``
    or ``in_progress`` (``background=True``) with ``pause``; ``failed`` is raised. A stream that was cancelled is raised
    too, as one that has no end.

    Args:
        first_party: the server is OpenAI's own, so that options that a model refuses there are an UnsupportedError.
    """

    def __init__(self, *, first_party: bool = False) -> None:
        self._first_party = first_party

    def request(self, call: Call) -> WireRequest:
        body: dict[str, Any] = {"stream": call.stream, **responses_options(call, first_party=self._first_party)}
        if not body.get("previous_response_id"):
            body.pop("previous_response_id", None)
        if call.model is not None:
            body["model"] = call.model
        if call.messages:
            body["input"] = input_of(call.messages)
        if call.response_schema is not None:
            text = body.get("text")
            other_settings = text if isinstance(text, Mapping) else {}
            body["text"] = {**other_settings, "format": call.response_schema.for_openai_responses()}
        if call.tools:
            body["tools"] = call.tools
        if call.tool_choice:
            body["tool_choice"] = responses_tool_choice(call.tool_choice, call.tools or ())
            if isinstance(call.tool_choice, Mapping) and call.tool_choice.get("disable_parallel_tool_use"):
                body.setdefault("parallel_tool_calls", False)
        return WireRequest("/responses", {**body, **call.extra_body})

    def read(self, body: dict[str, Any]) -> Answer:
        error = error_of(body)
        if error is not None:
            if isinstance(body.get("output"), list):
                error.partial = answer_of(body).message
            raise error
        if "output" not in body and isinstance(body.get("choices"), list):
            # Some servers answer in the form of Chat Completions.
            from .openai_chat import OpenAIChat

            return OpenAIChat().read(body)
        return answer_of(body)

    def reader(self) -> ResponsesReader:
        return ResponsesReader(self)

    def format_tools(self, tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
        return responses_tools(tools)

    def tool_result(self, call: ToolCall, content: ResultContent, *, is_error: bool = False) -> dict[str, Any]:
        # The API has no flag for a failed tool: the content has to say so.
        kind = "custom_tool_call_output" if call.type == "custom" else "function_call_output"
        return {"type": kind, "call_id": call.call_id, "output": content}

    def model_list(self) -> ModelList:
        from .model_lists import OpenAIModels

        return OpenAIModels()

    def embeddings(self) -> EmbeddingForm:
        from .embeddings import OpenAIEmbeddings

        return OpenAIEmbeddings()

    def token_counting(self) -> TokenCounting:
        from .token_counts import ResponsesCount

        return ResponsesCount()
