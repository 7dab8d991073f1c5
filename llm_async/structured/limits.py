"""What a dialect has no word for: said to the model in a description, and checked when the answer is there.

What belongs here: the parts of a schema that every dialect leaves out in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._json import dumps_text

__all__ = ["REMARKS", "described", "merged_alternatives", "position_name", "without_positions"]

#: What says nothing about values, or repeats what the rest of the schema says.
REMARKS = frozenset(
    {
        *("$schema", "$id", "$anchor", "$comment", "examples", "example"),
        *("deprecated", "readOnly", "writeOnly", "discriminator"),
    }
)


def described(part: dict[str, Any], limits: Mapping[str, Any]) -> dict[str, Any]:
    """``part`` with ``limits``, keywords and their values, told in its description."""
    if not limits:
        return part
    said = f"{part['description']} " if part.get("description") else ""
    rules = ", ".join(f"{keyword} {dumps_text(value)}" for keyword, value in limits.items())
    return {**part, "description": f"{said}(It has to satisfy: {rules}.)"}


def merged_alternatives(part: dict[str, Any]) -> dict[str, Any]:
    """``part`` with ``oneOf`` as ``anyOf``.

    Which of several alternatives holds is for the check of the answer; a model cannot be kept from satisfying two.
    """
    alternatives = part.pop("oneOf", None)
    if isinstance(alternatives, list):
        part["anyOf"] = [*part.get("anyOf", ()), *alternatives]
    return part


def without_positions(part: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A tuple, which these dialects do not have, as something that they have.

    That is a list where all its items are of one kind. Otherwise it is an object with a property for each position, which
    ``restoring`` makes a list again; or, when its length is not certain, a list of items of any of the kinds.

    Returns:
        That, and what it does not say any more, as limits for :func:`described`.
    """
    first = part.get("prefixItems")
    if not isinstance(first, list) or not first:
        return part, {}
    rest = part.get("items", False)  # what may follow is left out, as are other properties of objects
    longest = part.get("maxItems", len(first) if rest is False else None)
    fixed = longest == len(first)
    kinds: list[Any] = []
    for kind in first if fixed or rest is False else [*first, rest]:
        if kind not in kinds:
            kinds.append(kind)
    about = {key: value for key, value in part.items() if key not in ("prefixItems", "items", "minItems", "maxItems")}
    if len(kinds) > 1 and fixed and part.get("minItems") == longest:
        properties = {position_name(position): kind for position, kind in enumerate(first)}
        closed = {"properties": properties, "required": list(properties), "additionalProperties": False}
        return {**about, "type": "object", **closed}, {}
    made = {key: value for key, value in part.items() if key != "prefixItems"}
    made["items"] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if longest is not None:
        made["maxItems"] = longest
    return made, {"prefixItems": first} if len(kinds) > 1 else {}


def position_name(position: int) -> str:
    """The property that holds the item of a tuple, counted from 0."""
    return f"item_{position}"
