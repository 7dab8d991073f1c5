"""Tools and the choice among them, as the Messages API takes them.

What belongs here: everybody's way of declaring a function and of demanding one, in this API's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import UnsupportedError
from ..models import Tool

__all__ = ["format_tools", "tool_choice_object"]


def format_tools(tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``tools`` of a request: ``{"name", "description", "input_schema"}`` each.

    Tools of the Chat and Responses APIs are converted. Mappings in the API's own form, the provider's own tools among
    them, pass unchanged.

    Raises:
        ValueError: for a tool without a name, naming ``tools[i]``.
        TypeError: for an entry that is neither a Tool nor a mapping.
        UnsupportedError: for a tool whose input is free text.
    """
    return [_tool(tool, f"tools[{position}]") for position, tool in enumerate(tools)]


def _tool(tool: Any, where: str) -> dict[str, Any]:
    if isinstance(tool, Tool):
        return _declaration(tool.name, tool.description, tool.schema, where)
    if not isinstance(tool, Mapping):
        raise TypeError(f"{where} must be a Tool or a mapping, not {type(tool).__name__}")
    kind = tool.get("type")
    nested = tool.get("function")
    if isinstance(nested, Mapping):  # Chat
        function = nested
    elif kind == "function" or (kind is None and "input_schema" not in tool):  # Responses, or hardly anything
        function = tool
    elif kind == "custom" and "input_schema" not in tool:
        raise UnsupportedError(f"{where}: the Messages API has no tools with free text as their input")
    else:
        if kind in (None, "custom") and not tool.get("name"):
            raise ValueError(f"{where} has no name")
        return dict(tool)
    declaration = _declaration(function.get("name"), function.get("description"), function.get("parameters"), where)
    if function.get("strict") is True:
        declaration["strict"] = True
    if "cache_control" in tool:
        declaration["cache_control"] = tool["cache_control"]
    return declaration


def _declaration(name: Any, description: Any, schema: Any, where: str) -> dict[str, Any]:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{where} has no name")
    declaration: dict[str, Any] = {"name": name}
    if description is not None:
        declaration["description"] = description
    # The API demands a type, and it can be no other.
    declaration["input_schema"] = {"type": "object", **(schema or {"properties": {}})}
    return declaration


# ---- the choice among them

_CHOICES = {"auto": "auto", "required": "any", "any": "any", "none": "none"}
_GEMINI_MODES = {"AUTO": "auto", "VALIDATED": "auto", "ANY": "any", "NONE": "none"}


def tool_choice_object(choice: Any) -> dict[str, Any]:
    """``tool_choice`` of a request.

    Args:
        choice: ``"auto"``, ``"required"``, ``"none"``, a tool's name, or the form of any of the four APIs.

    Raises:
        TypeError: for a choice that is neither a str nor a mapping.
        ValueError: for a choice of one tool that does not name it.
        UnsupportedError: for a choice among some of the tools.
    """
    if isinstance(choice, str):
        return {"type": _CHOICES[choice]} if choice in _CHOICES else {"type": "tool", "name": choice}
    if not isinstance(choice, Mapping):
        raise TypeError(f"tool_choice must be a str or a mapping, not {type(choice).__name__}")
    kind = choice.get("type")
    if kind == "required":
        return {**choice, "type": "any"}
    if kind in ("function", "custom"):  # Chat nests the name, Responses does not
        inner = choice.get(kind)
        name = (inner if isinstance(inner, Mapping) else choice).get("name")
        if not name:
            raise ValueError("tool_choice demands a tool and does not name it")
        return {"type": "tool", "name": name}
    config = choice.get("functionCallingConfig", choice.get("function_calling_config"))
    if isinstance(config, Mapping):
        return _from_gemini(config)
    if kind == "allowed_tools":
        raise UnsupportedError("tool_choice: the Messages API knows one tool or all of them; give fewer tools instead")
    return dict(choice)


def _from_gemini(config: Mapping[str, Any]) -> dict[str, Any]:
    names = config.get("allowedFunctionNames") or config.get("allowed_function_names") or []
    mode = _GEMINI_MODES.get(str(config.get("mode", "AUTO")).upper(), "auto")
    if mode == "any" and len(names) == 1:
        return {"type": "tool", "name": names[0]}
    if names:
        raise UnsupportedError("tool_choice: the Messages API knows one tool or all of them; give fewer tools instead")
    return {"type": mode}
