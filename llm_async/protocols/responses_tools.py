"""Tools and ``tool_choice`` in the words of the Responses API, from whatever words they come in.

Understood besides a :class:`~llm_async.models.Tool`: the API's own flat form, the nested form of Chat Completions, Claude's
``input_schema``, Gemini's ``functionDeclarations``. What is none of these is sent as given: hosted tools, and new ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..models import Tool
from .strict import allows_strict

__all__ = ["responses_tool_choice", "responses_tools"]

_WORDS = ("auto", "required", "none")
_BY_NAME = ("function", "custom")
# Claude's words for a choice, and Gemini's functionCallingConfig.mode, where they differ from this API's.
_CHOICES = {"any": "required", "AUTO": "auto", "ANY": "required", "NONE": "none"}


def responses_tools(tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The ``tools`` of a request.

    Raises:
        ValueError: a function or a custom tool without a name.
        TypeError: something that is neither a Tool nor a mapping.
    """
    return [entry for position, tool in enumerate(tools) for entry in _entries(tool, f"tools[{position}]")]


def _entries(tool: Tool | Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    if isinstance(tool, Tool):
        yield _function({"name": tool.name, "description": tool.description, "parameters": tool.schema}, where)
        return
    if not isinstance(tool, Mapping):
        raise TypeError(f"{where} must be a Tool or a mapping, not {type(tool).__name__}")
    kind = tool.get("type")
    inner = tool.get(kind) if kind in _BY_NAME else None
    if isinstance(tool.get("functionDeclarations"), list):
        for declaration in tool["functionDeclarations"]:
            yield _function(declaration, where)
    elif kind == "function" and isinstance(inner, Mapping):
        yield _function(inner, where)
    elif kind == "custom" and isinstance(inner, Mapping):
        yield {"type": kind, **inner, "name": _named(inner, where), **_custom_format(inner)}
    elif kind is None or "input_schema" in tool:
        yield _function(tool, where)
    else:
        if kind in _BY_NAME:
            _named(tool, where)
        yield dict(tool)


def _function(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    schema = next(
        (tool[key] for key in ("parameters", "input_schema", "parametersJsonSchema") if tool.get(key) is not None),
        {"type": "object", "properties": {}},
    )
    strict = tool.get("strict")
    return {
        "type": "function",
        "name": _named(tool, where),
        "description": tool.get("description") or "",
        "parameters": schema,
        # Said in both cases: left out, it is tried, and what comes of it depends on the server.
        "strict": allows_strict(schema) if strict is None else strict,
    }


def _custom_format(tool: Mapping[str, Any]) -> dict[str, Any]:
    """The format of a custom tool, which Chat Completions nests one level deeper when it is a grammar."""
    format_ = tool.get("format")
    grammar = format_.get("grammar") if isinstance(format_, Mapping) else None
    return {"format": {"type": "grammar", **grammar}} if isinstance(grammar, Mapping) else {}


def _named(tool: Mapping[str, Any], where: str) -> str:
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"{where} has no name")
    return name


def responses_tool_choice(choice: Any, tools: Iterable[Mapping[str, Any]]) -> Any:
    """The ``tool_choice`` of a request.

    Understood: the common words, a tool's name, and the forms of Chat Completions, Claude and Gemini. A str that is none
    of these is sent as it is, and so is a mapping of no known form.

    Raises:
        TypeError: a choice that is neither a str nor a mapping.
    """
    if isinstance(choice, str):
        named = (tool for tool in tools if tool.get("name") == choice and tool.get("type") in _BY_NAME)
        tool = None if choice in _WORDS else next(named, None)
        return _CHOICES.get(choice, choice) if tool is None else {"type": tool["type"], "name": choice}
    if not isinstance(choice, Mapping):
        raise TypeError(f"tool_choice must be a str or a mapping, not {type(choice).__name__}")
    kind = choice.get("type")
    inner = choice.get(kind) if isinstance(kind, str) else None
    if kind in ("any", *_WORDS):
        return _CHOICES.get(kind, kind)
    if kind == "tool":
        return {"type": "function", "name": choice.get("name")}
    if kind in _BY_NAME and isinstance(inner, Mapping):
        return {"type": kind, "name": inner.get("name")}
    if kind == "allowed_tools" and isinstance(inner, Mapping):
        return _allowed(
            inner.get("mode", "auto"), [responses_tool_choice(tool, ()) for tool in inner.get("tools") or ()]
        )
    if isinstance(choice.get("functionCallingConfig"), Mapping):
        return _gemini_choice(choice["functionCallingConfig"])
    return dict(choice)


def _gemini_choice(config: Mapping[str, Any]) -> Any:
    mode = _CHOICES.get(str(config.get("mode")), "auto")
    allowed = [{"type": "function", "name": name} for name in config.get("allowedFunctionNames") or ()]
    if not allowed or mode == "none":
        return mode
    return allowed[0] if len(allowed) == 1 and mode == "required" else _allowed(mode, allowed)


def _allowed(mode: str, tools: list[Any]) -> dict[str, Any]:
    return {"type": "allowed_tools", "mode": mode, "tools": tools}
