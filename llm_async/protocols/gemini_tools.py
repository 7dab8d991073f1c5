"""Tools and the choice among them, as Gemini's ``tools`` and ``toolConfig`` carry them.

What belongs here: everybody's way of declaring a function, as a ``FunctionDeclaration``, and everybody's way of saying
which function has to be called, as a ``FunctionCallingConfig``.

A declaration holds its schema in one of two fields. ``parameters`` is a subset of OpenAPI's Schema Object, understood by
every model and version of the API, which refuses unknown keywords with a 400. ``parametersJsonSchema`` is JSON Schema. The
first is used for every schema that it can express, the second, with the whole schema, for the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import UnsupportedError
from ..models import Tool
from .schema import subschemas, without

__all__ = ["format_tools", "function_calling_config"]

_DECLARATIONS = "functionDeclarations"

# Schema, in the reference of the Gemini API; `additionalProperties` is taken out before.
_KEYWORDS = frozenset(
    {
        *("type", "format", "title", "description", "nullable", "enum", "default", "example", "anyOf"),
        *("properties", "required", "minProperties", "maxProperties", "propertyOrdering"),
        *("items", "minItems", "maxItems"),
        *("minLength", "maxLength", "pattern"),
        *("minimum", "maximum"),
    }
)
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_FORMATS = {
    "string": {None, "enum", "date-time"},
    "number": {None, "float", "double"},
    "integer": {None, "int32", "int64"},
}
# Fields of a FunctionDeclaration beside its name, description and parameters.
_OTHER_FIELDS = ("behavior", "response", "responseJsonSchema", "response_json_schema")
# Fields that a function has somewhere, and a hosted tool of Gemini nowhere.
_FUNCTION_FIELDS = frozenset(
    {"type", "function", "description", "parameters", "input_schema", "parametersJsonSchema", "parameters_json_schema"}
)


def format_tools(tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``tools``: all functions in one list of declarations, hosted tools such as ``{"googleSearch": {}}`` unchanged.

    Functions may be Tool objects or the mappings of the Chat, Responses and Messages APIs, and of Gemini itself.

    Raises:
        ValueError: for a function without a name, naming ``tools[i]``.
        TypeError: for an entry that is neither a Tool nor a mapping.
        UnsupportedError: for a hosted tool of another provider.
    """
    declarations: list[Any] = []
    hosted: list[dict[str, Any]] = []
    for position, tool in enumerate(tools):
        where = f"tools[{position}]"
        if isinstance(tool, Tool):
            declarations.append(_declaration(tool.name, tool.description, tool.schema, where))
        elif not isinstance(tool, Mapping):
            raise TypeError(f"{where} must be a Tool or a mapping, not {type(tool).__name__}")
        elif _holds_declarations(tool):
            # Vertex AI takes one entry with functions, no more.
            declarations.extend(next(iter(tool.values())))
        elif "name" in tool or tool.keys() & _FUNCTION_FIELDS:
            declarations.append(_from_mapping(tool, where))
        elif tool:
            hosted.append(dict(tool))
        else:
            raise ValueError(f"{where} is empty")
    return [{_DECLARATIONS: declarations}, *hosted] if declarations else hosted


def _holds_declarations(tool: Mapping[str, Any]) -> bool:
    """Whether this is Gemini's own list of functions, and nothing else."""
    return tool.keys() in ({_DECLARATIONS}, {"function_declarations"}) and isinstance(next(iter(tool.values())), list)


def _from_mapping(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The declaration of a function that some API's mapping describes."""
    kind = tool.get("type")
    function = tool
    if isinstance(tool.get("function"), Mapping):  # Chat Completions
        function = tool["function"]
    elif kind == "custom" and "input_schema" not in tool:
        raise UnsupportedError(f"{where}: Gemini has no tools with free-form input")
    elif kind not in (None, "function", "custom"):  # "custom": the Messages API's word for a function
        raise UnsupportedError(f"{where}: Gemini has no tool of type {kind!r}")
    whole = function.get("parametersJsonSchema", function.get("parameters_json_schema"))
    schema = next((function[key] for key in ("parameters", "input_schema") if function.get(key) is not None), None)
    declaration = _declaration(function.get("name"), function.get("description"), schema, where)
    if whole is not None:
        declaration.pop("parameters", None)
        declaration["parametersJsonSchema"] = whole
    declaration.update({key: function[key] for key in _OTHER_FIELDS if key in function})
    return declaration


def _declaration(name: Any, description: Any, schema: Any, where: str) -> dict[str, Any]:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{where} has no name")
    declaration: dict[str, Any] = {"name": name}
    if description is not None:
        declaration["description"] = description
    if not _says_nothing(schema):
        subset = without(schema, "additionalProperties")
        if _is_expressed_by(subset, schema):
            declaration["parameters"] = subset
        else:
            declaration["parametersJsonSchema"] = schema
    return declaration


def _says_nothing(schema: Any) -> bool:
    """Whether a schema describes no arguments: ``parameters`` must then be missing, the API wants no empty object."""
    if schema is None or schema == {}:
        return True
    return (
        isinstance(schema, Mapping)
        and not schema.get("properties")
        and not schema.get("additionalProperties")
        and schema.keys()
        <= {"type", "properties", "required", "additionalProperties", "title", "description", "$schema"}
    )


def _is_expressed_by(subset: Any, schema: Any) -> bool:
    """Whether ``parameters`` can hold ``subset``, and ``subset`` says what ``schema`` says."""
    if any(isinstance(part, Mapping) and _types_its_members(part) for part in subschemas(schema)):
        return False
    return all(_fits(part) for part in subschemas(subset))


def _types_its_members(part: Mapping[str, Any]) -> bool:
    """Whether ``additionalProperties`` says more than yes or no: what the members of a dictionary are."""
    return isinstance(part.get("additionalProperties"), Mapping) and bool(part["additionalProperties"])


def _fits(part: Any) -> bool:
    """Whether ``parameters`` can express this part; the schemas inside it are asked themselves."""
    if not isinstance(part, Mapping) or not part.keys() <= _KEYWORDS:
        return False
    kind = part.get("type")
    if not isinstance(kind, str):
        return kind is None and "anyOf" in part
    kind = kind.lower()
    values = part.get("enum", [])
    return (
        kind in _TYPES
        and part.get("format") in _FORMATS.get(kind, {None})
        and all(isinstance(value, str) for value in values)
        and (kind != "object" or bool(part.get("properties")))
        and (kind != "array" or isinstance(part.get("items"), Mapping))
    )


# ---- the choice among them

_MODES = {
    "auto": "AUTO",
    "required": "ANY",
    "none": "NONE",
    # Gemini's own words
    "AUTO": "AUTO",
    "ANY": "ANY",
    "NONE": "NONE",
    "VALIDATED": "VALIDATED",
}


def function_calling_config(tool_choice: Any) -> dict[str, Any]:
    """``toolConfig.functionCallingConfig`` for a choice.

    Args:
        tool_choice: ``"auto"``, ``"required"``, ``"none"``, a tool's name, or the form of any of the four APIs.

    Raises:
        ValueError, TypeError: for a choice that is none of these.
    """
    if isinstance(tool_choice, str):
        mode = _MODES.get(tool_choice)
        return {"mode": mode} if mode is not None else _only([tool_choice])
    if not isinstance(tool_choice, Mapping):
        raise TypeError(f"tool_choice must be a str or a mapping, not {type(tool_choice).__name__}")
    for key in ("functionCallingConfig", "function_calling_config"):
        if key in tool_choice:
            return dict(tool_choice[key])
    if "mode" in tool_choice and "type" not in tool_choice:
        return dict(tool_choice)
    kind = tool_choice.get("type")
    if kind in ("auto", "none"):
        return {"mode": _MODES[kind]}
    if kind in ("any", "required"):
        return {"mode": "ANY"}
    if kind == "allowed_tools":
        return _allowed(tool_choice)
    if kind in ("function", "tool"):
        name = _name(tool_choice)
        if name is not None:
            return _only([name])
    raise ValueError(f"tool_choice is of no known form: {dict(tool_choice)!r}")


def _only(names: list[str], mode: str = "ANY") -> dict[str, Any]:
    return {"mode": mode, "allowedFunctionNames": names}


def _allowed(tool_choice: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's ``allowed_tools``. Names go with ANY and VALIDATED alone; VALIDATED leaves the model free to answer."""
    inner = tool_choice.get("allowed_tools", tool_choice)  # Chat nests it, Responses does not
    names = [_name(tool) for tool in inner.get("tools") or ()]
    known = [name for name in names if name is not None]
    if len(known) != len(names) or not known:
        raise ValueError("tool_choice: allowed_tools must name functions")
    return _only(known, "ANY" if inner.get("mode") == "required" else "VALIDATED")


def _name(choice: Any) -> str | None:
    if not isinstance(choice, Mapping):
        return None
    inner = choice.get("function")
    name = inner.get("name") if isinstance(inner, Mapping) else choice.get("name")
    return name if isinstance(name, str) and name else None
