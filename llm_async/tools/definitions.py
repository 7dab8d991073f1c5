"""The named parts of a JSON Schema: collected while the schema is made, put in place at its end.

What belongs here: ``$defs`` and ``$ref``. A part that is used once ends up where it is used, which every provider and
every local server understands; one that is used more often, or that holds itself, goes to ``$defs``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

__all__ = ["Definitions"]

_PREFIX = "#/$defs/"

# Keywords whose value is data, not schemas; and those whose value maps free names to schemas.
_DATA = ("const", "default", "enum", "examples")
_NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")


class Definitions:
    """The named parts of one schema under construction."""

    def __init__(self) -> None:
        self._schemas: dict[str, dict[str, Any]] = {}
        self._names: dict[Hashable, str] = {}

    def reference(self, key: Hashable, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A reference to the part ``key``, which is made when it is first met; ``make`` may ask for it again."""
        if key not in self._names:
            self._names[key] = name = self._free(name)
            self._schemas[name] = {}
            self._schemas[name] = make()
        return {"$ref": _PREFIX + self._names[key]}

    def adopt(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema from elsewhere, its ``$defs`` taken over under names that are free here."""
        schema = dict(schema)
        parts = schema.pop("$defs", {})
        taken = [name for name, part in parts.items() if self._schemas.setdefault(name, part) != part]
        new_names = {name: name for name in parts}
        for name in taken:
            new_names[name] = self._free(name)
            self._schemas[new_names[name]] = {}

        def renamed(node: dict[str, Any]) -> dict[str, Any]:
            name = _name(node)
            return {**node, "$ref": _PREFIX + new_names[name]} if name in new_names else node

        for name, part in parts.items():
            self._schemas[new_names[name]] = _replace_references(part, renamed)
        renamed_schema: dict[str, Any] = _replace_references(schema, renamed)
        return renamed_schema

    def complete(self, schema: dict[str, Any]) -> dict[str, Any]:
        """``schema`` with every part in its place."""
        uses = self._uses(schema)

        def placed(node: dict[str, Any]) -> dict[str, Any]:
            name = _name(node)
            if uses[name] != 1:
                return node
            part = _replace_references(self._schemas[name], placed)
            return {**part, **{key: value for key, value in node.items() if key != "$ref"}}

        schema = _replace_references(schema, placed)
        shared = {name: _replace_references(self._schemas[name], placed) for name, count in uses.items() if count > 1}
        if shared:
            schema["$defs"] = shared
        return schema

    def _free(self, name: str) -> str:
        """``name``, or the first of ``name2``, ``name3`` … that is not taken."""
        number = 1
        free = name
        while free in self._schemas:
            number += 1
            free = f"{name}{number}"
        return free

    def _uses(self, schema: dict[str, Any]) -> Counter[str]:
        """How often each part is referred to, from ``schema`` and from the parts that it leads to."""
        uses: Counter[str] = Counter()
        unread = [schema]

        def counted(node: dict[str, Any]) -> dict[str, Any]:
            name = _name(node)
            if name in self._schemas:
                uses[name] += 1
                if uses[name] == 1:
                    unread.append(self._schemas[name])
            return node

        while unread:
            _replace_references(unread.pop(), counted)
        return uses


def _name(reference: dict[str, Any]) -> str:
    """The part that a ``$ref`` names; ``""`` when it points elsewhere."""
    target: str = reference["$ref"]
    return target[len(_PREFIX) :] if target.startswith(_PREFIX) else ""


def _replace_references(node: Any, replacement: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A copy of a schema in which ``replacement`` was called for every ``{"$ref": …}``."""
    if isinstance(node, list):
        return [_replace_references(item, replacement) for item in node]
    if not isinstance(node, dict):
        return node
    copy: dict[str, Any] = {}
    for key, value in node.items():
        if key in _DATA:
            copy[key] = value
        elif key in _NAMED and isinstance(value, dict):
            copy[key] = {name: _replace_references(part, replacement) for name, part in value.items()}
        else:
            copy[key] = _replace_references(value, replacement)
    return replacement(copy) if isinstance(node.get("$ref"), str) else copy
