"""Claude's structured outputs: a schema as they take it.

What belongs here: the subset of JSON Schema of ``output_config.format``, which the API refuses to go beyond with a 400, and what
becomes of the rest: limits are told in descriptions, recursion is unrolled, and objects with free names are refused before
anything is sent, since a closed object could only be empty there.

Source: Anthropic, "Structured outputs", section "JSON Schema limitations".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import UnsupportedError
from ..protocols.schema import rewrite, subschemas
from .limits import REMARKS, described, merged_alternatives, without_positions
from .roots import free_name, object_root, with_references

__all__ = ["claude_form"]

_KEYWORDS = frozenset(
    {
        *("type", "title", "description", "enum", "const", "default"),
        *("$defs", "definitions", "allOf", "anyOf"),
        *("properties", "required", "items"),
    }
)
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
_DEFINITIONS = "#/$defs/"
# How deep a type may hold itself; each level is another copy of it in the schema, which the API limits in size.
_LEVELS = 5
# Stands, while a schema is unrolled, for what would go on below the last level.
_BELOW: dict[str, Any] = {"$ref": "below the last level"}


def claude_form(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as the API takes it.

    Raises:
        UnsupportedError: an object in it has free names (``dict[str, int]``).
    """
    root = object_root(schema)
    made: dict[str, Any] = rewrite(_unrolled(root), _within_the_subset)
    return made


def _within_the_subset(part: dict[str, Any]) -> dict[str, Any]:
    """One schema object, the schemas inside of it being done."""
    part = merged_alternatives(part)
    if "$ref" in part:
        return {key: part[key] for key in ("$ref", "$defs", "definitions") if key in part}
    part, untold = without_positions(part)
    kept: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    for keyword, value in part.items():
        if (
            keyword in _KEYWORDS
            or (keyword == "format" and value in _FORMATS)
            or (keyword == "minItems" and value in (0, 1))
        ):
            kept[keyword] = value
        elif keyword not in REMARKS and not (keyword == "additionalProperties" and not isinstance(value, Mapping)):
            limits[keyword] = value
    if "properties" in part:
        kept.setdefault("type", "object")
    if "object" in (kept.get("type"), *(kept["type"] if isinstance(kept.get("type"), list) else ())):
        _refuse_free_names(part)
        kept["additionalProperties"] = False
    return described(kept, {**limits, **untold})


def _refuse_free_names(part: Mapping[str, Any]) -> None:
    extra = part.get("additionalProperties")  # of what is not said, the API makes a closed object
    if not part.get("properties") and (extra or part.get("patternProperties")):
        raise UnsupportedError(
            "response_schema: Claude's structured outputs know no objects with free names, such as dict[str, int]: "
            "all properties have to be named; a list of objects with a name and a value can take their place"
        )


# ---- recursion, which the API does not take


def _unrolled(root: dict[str, Any]) -> dict[str, Any]:
    """The schema with the parts that hold themselves repeated, level by level, as often as an answer may be deep."""
    # The root may be what is held: then it has to have a name.
    parts: dict[str, Any] = dict(root.get("$defs") or {})
    if any(isinstance(part, Mapping) and part.get("$ref") == "#" for part in subschemas(root)):
        name = free_name("Root", parts)
        root = with_references(root, lambda reference: _DEFINITIONS + name if reference == "#" else reference)
        parts = {**root.get("$defs", {}), name: {key: value for key, value in root.items() if key != "$defs"}}
    below = {name: _reached(part) & parts.keys() for name, part in parts.items()}
    recursive = [name for name in parts if name in _closure(name, below) and not _leads_nowhere(name, parts)]
    if not recursive:
        return root
    levels = {name: part for name, part in parts.items() if name not in recursive}
    # The name of each recursive part on each level; an author may have used one of them already.
    names: list[dict[str, str]] = [{name: name for name in recursive}]
    taken = set(parts)
    for level in range(1, _LEVELS):
        names.append({name: free_name(f"{name}_{level}", taken) for name in recursive})
        taken.update(names[-1].values())
    names.append(dict.fromkeys(recursive, ""))
    for level in range(_LEVELS):
        for name in recursive:
            levels[names[level][name]] = _leveled(parts[name], names[level + 1])
    return {**_leveled({key: value for key, value in root.items() if key != "$defs"}, names[0]), "$defs": levels}


def _reached(schema: Any) -> set[str]:
    """The named parts that a schema refers to."""
    references = (part.get("$ref") for part in subschemas(schema) if isinstance(part, Mapping))
    return {each.removeprefix(_DEFINITIONS) for each in references if isinstance(each, str)}


def _closure(name: str, below: Mapping[str, set[str]]) -> set[str]:
    """All parts that are reached from a part, over others too."""
    found: set[str] = set()
    waiting = [*below[name]]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(below[each])
    return found


def _leads_nowhere(name: str, parts: Mapping[str, Any]) -> bool:
    """Whether a part is nothing but references in a circle."""
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        part = parts.get(name)
        if not isinstance(part, Mapping) or "$ref" not in part:
            return False
        name = str(part["$ref"]).removeprefix(_DEFINITIONS)
    return True


def _leveled(schema: Any, names: Mapping[str, str]) -> Any:
    """The schema with the references to recursive parts leading to those of a level, whose names are empty below the last."""

    def changed(part: dict[str, Any]) -> dict[str, Any]:
        name = str(part.get("$ref")).removeprefix(_DEFINITIONS)
        if name in names:
            return {**part, "$ref": _DEFINITIONS + names[name]} if names[name] else dict(_BELOW)
        return _ended(part)

    return rewrite(schema, changed)


def _ended(part: dict[str, Any]) -> dict[str, Any]:
    """A schema without what would lie below the last level."""
    for keyword in ("anyOf", "oneOf"):
        if isinstance(part.get(keyword), list) and _BELOW in part[keyword]:
            part[keyword] = [each for each in part[keyword] if each != _BELOW]
            if not part[keyword]:
                return dict(_BELOW)
    if part.get("items") == _BELOW:
        part = described({**part, "items": {"type": "null"}}, {"maxItems": 0})
    properties = part.get("properties")
    if isinstance(properties, Mapping) and _BELOW in properties.values():
        part["properties"] = {name: each for name, each in properties.items() if each != _BELOW}
        part["required"] = [name for name in part.get("required", ()) if name in part["properties"]]
    return part
