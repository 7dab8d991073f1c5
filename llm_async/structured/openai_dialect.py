"""OpenAI's strict mode: a schema as it takes it.

What belongs here: the changes that make a schema one of strict mode's (which ones it takes says ``protocols.strict``), all of
them such that the answers still follow the original schema, or do so once ``restoring`` has been over them:

- objects are closed and all their properties required; an optional one may be null instead, which is taken out again;
- keywords that the mode does not know are told to the model in the description;
- the root is an object.

Source: OpenAI, "Structured model outputs", section "Supported schemas".
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ..protocols.schema import rewrite
from ..protocols.strict import FORMATS, KEYWORDS, allows_strict, looks_around
from .limits import REMARKS, described, merged_alternatives, without_positions
from .roots import object_root

__all__ = ["strict_form"]

# What decides which members a value has: leaving one of them out would change that, not only loosen it.
_SHAPING = frozenset({"additionalItems", "patternProperties", "prefixItems", "allOf"})
# Left out: the answer names every property, so that nobody has to know what a missing one stands for.
_DROPPED = REMARKS | {"default"}
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def strict_form(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema as strict mode takes it, unchanged where it does already; None where there is no way to say it.

    There is none for objects whose property names are free (``dict[str, int]``), for values of any type, and beyond the
    mode's limits of size.
    """
    if allows_strict(schema):
        return deepcopy(dict(schema))
    made = rewrite(object_root(schema), _strict)
    return made if allows_strict(made) else None


def _strict(part: dict[str, Any]) -> dict[str, Any]:
    """One schema object, the schemas inside of it being done."""
    part = merged_alternatives({key: value for key, value in part.items() if key not in _DROPPED})
    part, limits = without_positions(part)
    if "$ref" in part:
        # It may not have anything beside it.
        reference = {"$ref": part["$ref"]}
        description = part.get("description")
        return {"anyOf": [reference], "description": description} if description else reference
    for keyword, value in list(part.items()):
        unknown = keyword not in KEYWORDS and keyword not in _SHAPING
        if unknown or (keyword == "format" and value not in FORMATS) or (keyword == "pattern" and looks_around(value)):
            limits[keyword] = part.pop(keyword)
    if "type" not in part and "anyOf" not in part:
        part = _typed(part)
    if part.get("type") == "object" or "properties" in part:
        part = _closed(part)
    return described(part, limits)


def _typed(part: dict[str, Any]) -> dict[str, Any]:
    """A type for what has none, where it is known."""
    if "properties" in part:
        return {"type": "object", **part}
    values = [part["const"]] if "const" in part else part.get("enum")
    if not isinstance(values, list) or not values or not all(type(value) in _TYPES for value in values):
        return part
    kinds = list(dict.fromkeys(_TYPES[type(value)] for value in values))
    return {"type": kinds[0] if len(kinds) == 1 else kinds, **part}


def _closed(part: dict[str, Any]) -> dict[str, Any]:
    properties, extra = part.get("properties"), part.get("additionalProperties", True)
    if extra is False and not properties:
        return {**part, "properties": {}, "required": []}
    if (
        not isinstance(properties, Mapping)
        or isinstance(extra, Mapping)
        or (not properties and "additionalProperties" in part)
    ):
        return part  # free names: not for this mode
    required = part.get("required") or ()
    return {
        **part,
        "properties": {name: each if name in required else _or_null(each) for name, each in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(schema: Any) -> Any:
    if not isinstance(schema, Mapping) or _takes_null(schema):
        return schema
    kind = schema.get("type")
    if kind is not None and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [*(kind if isinstance(kind, list) else [kind]), "null"]}
    if "anyOf" in schema and "type" not in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def _takes_null(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    kind = schema.get("type")
    if "anyOf" in schema:
        return any(map(_takes_null, schema["anyOf"]))
    if "enum" in schema:
        return None in schema["enum"]
    return kind == "null" or (isinstance(kind, list) and "null" in kind)
