"""Tools and ``tool_choice`` in the words of Chat Completions, from whatever words they come in.

Understood besides a :class:`~llm_async.models.Tool`: the API's own form, the flat form of the Responses API, Claude's
``input_schema``, Gemini's ``functionDeclarations``. What is none of these is sent as given: servers have tools of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..models import Tool

__all__ = ["chat_tool_choice", "chat_tools"]

_WORDS = ("auto", "required", "none")
# Gemini's functionCallingConfig.mode
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}


def chat_tools(tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The ``tools`` of a request.

    Raises:
        ValueError: a function without a name.
        TypeError: something that is neither a Tool nor a mapping.
    """
    return [entry for position, tool in enumerate(tools) for entry in _entries(tool, f"tools[{position}]")]


def _entries(tool: Tool | Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    if isinstance(tool, Tool):
        yield _function(tool.name, tool.description, tool.schema, where)
    elif not isinstance(tool, Mapping):
        raise TypeError(f"{where} must be a Tool or a mapping, not {type(tool).__name__}")
    elif isinstance(tool.get("functionDeclarations"), list):
        for declaration in tool["functionDeclarations"]:
            if not isinstance(declaration, Mapping):
                raise TypeError(f"{where}: a function declaration must be a mapping, not {type(declaration).__name__}")
            yield _from_flat(declaration, where)
    elif isinstance(tool.get("function"), Mapping):
        _check_name(tool["function"].get("name"), where)
        yield dict(tool)
    elif tool.get("type") in (None, "function") or "input_schema" in tool:
        yield _from_flat(tool, where)
    elif tool.get("type") == "custom" and not isinstance(tool.get("custom"), Mapping):
        yield _custom(tool, where)
    else:
        yield dict(tool)


def _from_flat(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A function whose fields stand in the tool itself: Responses API, Claude, Gemini."""
    parameters = next(
        (tool[key] for key in ("parameters", "input_schema", "parametersJsonSchema") if tool.get(key) is not None),
        {"type": "object", "properties": {}},
    )
    entry = _function(tool.get("name"), tool.get("description", ""), parameters, where)
    if tool.get("strict") is not None:
        entry["function"]["strict"] = tool["strict"]
    if tool.get("cache_control"):
        # Claude's; OpenRouter takes it in the same place.
        entry["cache_control"] = tool["cache_control"]
    return entry


def _custom(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A tool that takes free text, in the flat form of the Responses API, which has its grammar one level higher too."""
    _check_name(tool.get("name"), where)
    custom = {key: value for key, value in tool.items() if key != "type"}
    given = tool.get("format")
    if isinstance(given, Mapping) and given.get("type") == "grammar" and "grammar" not in given:
        custom["format"] = {
            "type": "grammar",
            "grammar": {key: value for key, value in given.items() if key != "type"},
        }
    return {"type": "custom", "custom": custom}


def _function(name: Any, description: Any, parameters: Any, where: str) -> dict[str, Any]:
    _check_name(name, where)
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _check_name(name: Any, where: str) -> None:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{where} has no name")


def chat_tool_choice(choice: Any, tools: Iterable[Mapping[str, Any]] | None) -> Any:
    """The ``tool_choice`` of a request.

    A str that is none of the common words and no tool's name is sent as it is, since servers have words of their own
    (Mistral's ``any``); so is a mapping of no known form.

    Raises:
        TypeError: a choice that is neither a str nor a mapping.
    """
    if isinstance(choice, str):
        return choice if choice in _WORDS else next(_named(choice, tools or ()), choice)
    if not isinstance(choice, Mapping):
        raise TypeError(f"tool_choice must be a str or a mapping, not {type(choice).__name__}")
    gemini = choice.get("functionCallingConfig")
    if isinstance(gemini, Mapping) and str(gemini.get("mode")) in _MODES:
        allowed = gemini.get("allowedFunctionNames")
        if isinstance(allowed, list) and len(allowed) == 1:
            return _by_name(allowed[0])
        return _MODES[gemini["mode"]]
    kind, name = choice.get("type"), choice.get("name")
    if kind in ("function", "tool") and isinstance(name, str):
        return _by_name(name)
    if kind == "custom" and isinstance(name, str):
        return {"type": "custom", "custom": {"name": name}}
    if kind == "allowed_tools" and isinstance(choice.get("tools"), list):
        allowed = [chat_tool_choice(tool, None) for tool in choice["tools"]]
        return {"type": kind, kind: {"mode": choice.get("mode", "auto"), "tools": allowed}}
    if kind == "any":
        return "required"
    if kind in _WORDS:
        return kind
    return dict(choice)


def _named(name: str, tools: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The form that names a tool, if it is among ``tools``."""
    for tool in tools:
        for kind in ("function", "custom"):
            inner = tool.get(kind)
            if isinstance(inner, Mapping) and inner.get("name") == name:
                yield {"type": kind, kind: {"name": name}}


def _by_name(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}
