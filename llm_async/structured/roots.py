"""The root of a schema: most APIs take an object there, and nothing else.

What belongs here: references to the root or at it, and the object that is put around what is no object. The value is taken
out of it again by ``restoring``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..protocols.schema import rewrite

__all__ = ["ANSWER", "is_object", "object_root", "resolved", "with_references"]

#: The property that holds the answer where an object had to be put around it.
ANSWER = "answer"

_DEFINITIONS = "#/$defs/"
_OLD_DEFINITIONS = "#/definitions/"  # of the drafts before 2019-09


def resolved(root: Any, reference: Any) -> Any:
    """What a reference within a schema points to (a JSON pointer, RFC 6901); None where there is nothing."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    place: Any = root
    for step in filter(None, reference[1:].split("/")):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and key.isdigit() and int(key) < len(place):
            place = place[int(key)]
        elif isinstance(place, Mapping) and key in place:
            place = place[key]
        else:
            return None
    return place


def is_object(schema: Any, root: Any = None) -> bool:
    """Whether a schema is that of an object, and of nothing beside it; references lead into ``root``, else the schema."""
    root = schema if root is None else root
    seen: list[Any] = []
    while isinstance(schema, Mapping) and "$ref" in schema and schema["$ref"] not in seen:
        seen.append(schema["$ref"])
        schema = resolved(root, schema["$ref"])
    if not isinstance(schema, Mapping) or "anyOf" in schema or "oneOf" in schema:
        return False
    kind = schema.get("type", "object" if "properties" in schema else None)
    return isinstance(kind, str) and kind == "object"


def with_references(schema: Any, change: Callable[[str], str]) -> Any:
    """A copy of the schema with every reference changed."""

    def changed(part: dict[str, Any]) -> dict[str, Any]:
        if isinstance(part.get("$ref"), str):
            part["$ref"] = change(part["$ref"])
        return part

    return rewrite(schema, changed)


def object_root(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with an object at its root, and with its named parts in ``$defs``.

    A reference at the root is replaced by what it points to. What is no object becomes the property :data:`ANSWER` of one.
    """
    root: dict[str, Any] = dict(schema)
    if isinstance(root.get("definitions"), Mapping):
        root = with_references(root, lambda reference: reference.replace(_OLD_DEFINITIONS, _DEFINITIONS, 1))
        root["$defs"] = {**root.pop("definitions"), **root.get("$defs", {})}
    parts = dict(root.pop("$defs", None) or {})
    for _ in parts:
        target = resolved({"$defs": parts}, root.get("$ref"))
        if not isinstance(target, Mapping):
            break
        root = {**target, **{key: value for key, value in root.items() if key != "$ref"}}
    if is_object(root):
        root.setdefault("type", "object")
    else:
        root, parts = _inside_an_object(root, parts)
    return {**root, "$defs": parts} if parts else root


def _inside_an_object(root: dict[str, Any], parts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    name = "Answer"
    while name in parts:
        name += "_"
    references: set[str] = set()

    def moved(reference: str) -> str:
        references.add(reference)
        return _DEFINITIONS + name if reference == "#" else reference

    inner = with_references(root, moved)
    parts = {key: with_references(part, moved) for key, part in parts.items()}
    if "#" in references:
        parts[name] = inner
        inner = {"$ref": _DEFINITIONS + name}
    around = {"type": "object", "properties": {ANSWER: inner}, "required": [ANSWER], "additionalProperties": False}
    return around, parts
