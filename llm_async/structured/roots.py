"""The root of a schema: most APIs take an object there, and nothing else.

What belongs here: references to the root or at it, and the object that is put around what is no object. The value is taken
out of it again by ``restoring``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..protocols.schema import resolved, rewrite
from .merging import merged

__all__ = ["ANSWER", "free_name", "is_wrapped", "object_root", "with_references"]

#: The property that holds the answer where an object had to be put around it.
ANSWER = "answer"

_DEFINITIONS = "#/$defs/"
_OLD_DEFINITIONS = "#/definitions/"  # of the drafts before 2019-09


def _is_object(schema: Any) -> bool:
    """Whether a schema is that of an object, and of nothing beside it."""
    root = schema
    seen: list[Any] = []
    while isinstance(schema, Mapping) and "$ref" in schema and schema["$ref"] not in seen:
        seen.append(schema["$ref"])
        schema = resolved(root, schema["$ref"])
    if not isinstance(schema, Mapping) or "anyOf" in schema or "oneOf" in schema:
        return False
    kind = schema.get("type", "object" if "properties" in schema else None)
    return isinstance(kind, str) and kind == "object"


def is_wrapped(schema: Mapping[str, Any]) -> bool:
    """Whether an object is put around a value, for APIs that take no other (see :func:`object_root`)."""
    return not _is_object(merged(schema))


def free_name(name: str, taken: Collection[str]) -> str:
    """``name``, made longer until it is not taken."""
    while name in taken:
        name += "_"
    return name


def with_references(schema: Any, change: Callable[[str], str]) -> Any:
    """A copy of the schema with every reference changed."""

    def changed(part: dict[str, Any]) -> dict[str, Any]:
        if isinstance(part.get("$ref"), str):
            part["$ref"] = change(part["$ref"])
        return part

    return rewrite(schema, changed)


def object_root(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with an object at its root, with its named parts in ``$defs``, and :func:`~.merging.merged`.

    A reference at the root is replaced by what it points to. What is no object becomes the property :data:`ANSWER` of one.
    """
    root: dict[str, Any] = dict(merged(schema))
    if isinstance(root.get("definitions"), Mapping):
        root = with_references(root, lambda reference: reference.replace(_OLD_DEFINITIONS, _DEFINITIONS, 1))
        root["$defs"] = {**root.pop("definitions"), **root.get("$defs", {})}
    parts = dict(root.pop("$defs", None) or {})
    for _ in parts:
        target = resolved({"$defs": parts}, root.get("$ref"))
        if not isinstance(target, Mapping):
            break
        root = {**target, **{key: value for key, value in root.items() if key != "$ref"}}
    if _is_object(root):
        root.setdefault("type", "object")
    else:
        root, parts = _inside_an_object(root, parts)
    return {**root, "$defs": parts} if parts else root


def _inside_an_object(root: dict[str, Any], parts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    name = free_name("Answer", parts)
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
