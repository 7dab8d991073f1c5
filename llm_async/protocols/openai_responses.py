"""The Responses API of OpenAI, and of those who imitate it (Azure, Bedrock, xAI, OpenRouter, DeepSeek, vLLM).

What belongs here: the request, and the doors to the rest of the dialect: ``responses_input.py`` (messages to items),
``responses_answer.py`` (a response object to an Answer), ``responses_reader.py`` (a stream to a response object).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..models import Tool, ToolCall
from .base import Answer, Call, Protocol, WireRequest
from .responses_answer import answer_of, error_of
from .responses_input import input_of
from .responses_reader import ResponsesReader
from .strict import allows_strict

__all__ = ["OpenAIResponses"]


class OpenAIResponses(Protocol):
    """The Responses API.

    An answer with the status ``cancelled`` is returned with the finish reason ``error``, and one that is still ``queued``
    or ``in_progress`` (``background=True``) with ``pause``; ``failed`` is raised. A stream that was cancelled is raised
    too, as one that has no end.
    """

    def request(self, call: Call) -> WireRequest:
        body: dict[str, Any] = {"stream": call.stream, **call.options}
        if not body.get("previous_response_id"):
            body.pop("previous_response_id", None)
        if call.model is not None:
            body["model"] = call.model
        if call.messages or "input" not in body:
            body["input"] = input_of(call.messages)
        if call.response_schema is not None:
            text = body.get("text")
            other_settings = text if isinstance(text, Mapping) else {}
            body["text"] = {**other_settings, "format": call.response_schema.for_openai_responses()}
        if call.tools:
            body["tools"] = call.tools
        if call.tool_choice:
            body["tool_choice"] = _tool_choice(call.tool_choice, call.tools or ())
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
        return [_tool(tool, f"tools[{position}]") for position, tool in enumerate(tools)]

    def tool_result(self, call: ToolCall, content: str, *, is_error: bool = False) -> dict[str, Any]:
        # The API has no flag for a failed tool: the content has to say so.
        kind = "custom_tool_call_output" if call.type == "custom" else "function_call_output"
        return {"type": kind, "call_id": call.call_id, "output": content}


def _tool(tool: Tool | Mapping[str, Any], where: str) -> dict[str, Any]:
    """A tool in the flat form of this API."""
    if isinstance(tool, Tool):
        return _function(tool.name, tool.description, tool.schema, None, where)
    kind = tool.get("type")
    inner = tool.get(kind) if kind in ("function", "custom") else None
    if isinstance(inner, Mapping) and kind == "function":
        # Chat Completions.
        return _function(
            inner.get("name"), inner.get("description"), inner.get("parameters"), inner.get("strict"), where
        )
    if isinstance(inner, Mapping):
        return {"type": "custom", **inner, "name": _named(inner.get("name"), where), **_custom_format(inner)}
    if "input_schema" in tool:
        # Claude.
        return _function(tool.get("name"), tool.get("description"), tool["input_schema"], tool.get("strict"), where)
    if kind is None:
        return _function(tool.get("name"), tool.get("description"), tool.get("parameters"), tool.get("strict"), where)
    if kind in ("function", "custom"):
        _named(tool.get("name"), where)
    return dict(tool)


def _function(name: Any, description: Any, schema: Any, strict: Any, where: str) -> dict[str, Any]:
    if schema is None:
        schema = {"type": "object", "properties": {}}
    return {
        "type": "function",
        "name": _named(name, where),
        "description": description,
        "parameters": schema,
        # The API refuses strict mode for schemas that it does not cover, so it is asked for only where it works.
        "strict": allows_strict(schema) if strict is None else strict,
    }


def _custom_format(tool: Mapping[str, Any]) -> dict[str, Any]:
    """The format of a custom tool, which Chat Completions nests one level deeper when it is a grammar."""
    format_ = tool.get("format")
    grammar = format_.get("grammar") if isinstance(format_, Mapping) else None
    return {"format": {"type": "grammar", **grammar}} if isinstance(grammar, Mapping) else {}


def _named(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{where} has no name")
    return name


def _tool_choice(choice: Any, tools: Iterable[Mapping[str, Any]]) -> Any:
    """A tool choice in this API's words: the common ones, a tool's name, or the form of Chat Completions or Claude."""
    if isinstance(choice, str):
        tool = next((tool for tool in tools if tool.get("name") == choice), None)
        if tool is not None and tool.get("type") in ("function", "custom"):
            return {"type": tool["type"], "name": choice}
        return "required" if choice == "any" else choice
    if not isinstance(choice, Mapping):
        return choice
    kind = choice.get("type")
    if kind in ("auto", "none"):
        return kind
    if kind == "any":
        return "required"
    if kind == "tool":
        return {"type": "function", "name": choice.get("name")}
    inner = choice.get(kind) if isinstance(kind, str) else None
    if isinstance(inner, Mapping) and kind in ("function", "custom"):
        return {"type": kind, "name": inner.get("name")}
    if isinstance(inner, Mapping) and kind == "allowed_tools":
        allowed = [_tool_choice(tool, ()) for tool in inner.get("tools") or ()]
        return {"type": kind, "mode": inner.get("mode", "auto"), "tools": allowed}
    return dict(choice)
