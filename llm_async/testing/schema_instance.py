"""The smallest value that a JSON Schema accepts.

What belongs here: schemas in, values out. It knows what the structured outputs of the providers know (types, ``enum``,
``const``, objects with required properties, arrays, ``anyOf`` and its like, ``$ref``, bounds, common formats; the type
names of Google's dialect in capitals too) and not ``pattern``, ``not`` or ``if``, which are passed over.

Optional properties are left out, and among alternatives the first one that has a value is taken. A reference inside
itself is never followed: the smallest value cannot need it, for the inner one would be smaller still. So recursive
schemas end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["instance"]

_FORMATS = {
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "03:04:05Z",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def instance(schema: Mapping[str, Any] | bool) -> Any:
    """A value that ``schema`` accepts.

    Raises:
        ValueError: nothing satisfies the schema, or nothing that this module can find.
    """
    return _Search(schema).value(schema, 0, frozenset())


class _Search:
    """One search; ``root`` is what references point into.

    Its methods take a ``variant`` (another number asks for another value, where the schema leaves a choice) and the
    references that are being followed.
    """

    def __init__(self, root: Mapping[str, Any] | bool) -> None:
        self.root = root

    def value(self, schema: Any, variant: int, followed: frozenset[str]) -> Any:
        """A value for ``schema``."""
        if schema is True:
            return "text"
        if not isinstance(schema, Mapping):
            raise ValueError("nothing satisfies the schema false" if schema is False else f"not a schema: {schema!r}")
        if "$ref" in schema or "allOf" in schema:
            schema, followed = self.flat(schema, followed)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            choices = list(schema["enum"])
            if not choices:
                raise ValueError("nothing satisfies an empty enum")
            return choices[variant % len(choices)]
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                rest = {key: value for key, value in schema.items() if key != keyword}
                return self.first([{"allOf": [rest, choice]} for choice in schema[keyword]], variant, followed)
        if isinstance(schema.get("type"), list):
            return self.first([{**schema, "type": kind} for kind in schema["type"]], variant, followed)
        return self.of_kind(_kind(schema), schema, variant, followed)

    def of_kind(self, kind: str, schema: Mapping[str, Any], variant: int, followed: frozenset[str]) -> Any:
        """A value of one type."""
        if kind == "object":
            return self.object(schema, variant, followed)
        if kind == "array":
            return self.array(schema, variant, followed)
        if kind == "string":
            return _string(schema, variant)
        if kind == "integer":
            return int(_number(schema, variant, whole=True))
        if kind == "number":
            return _number(schema, variant, whole=False)
        if kind == "boolean":
            return variant % 2 == 0
        if kind == "null":
            return None
        raise ValueError(f"not a type of JSON Schema: {kind!r}")

    def first(self, choices: list[Any], variant: int, followed: frozenset[str]) -> Any:
        """The value of the first alternative that has one."""
        reason = ValueError("nothing satisfies an empty list of alternatives")
        for choice in choices:
            try:
                return self.value(choice, variant, followed)
            except ValueError as error:
                reason = error
        raise reason

    def flat(self, schema: Any, followed: frozenset[str]) -> tuple[dict[str, Any], frozenset[str]]:
        """A schema with its ``$ref`` and ``allOf`` folded in: all properties and requirements, else the last word."""
        if schema is True:
            return {}, followed
        if not isinstance(schema, Mapping):
            raise ValueError(f"nothing satisfies the schema {schema!r}")
        parts = [{key: value for key, value in schema.items() if key not in ("$ref", "allOf")}]
        inner = list(schema.get("allOf", ()))
        if "$ref" in schema:
            if schema["$ref"] in followed:
                raise ValueError(f"{schema['$ref']!r} has no instance that ends")
            followed |= {schema["$ref"]}
            inner.insert(0, self.target(schema["$ref"]))
        beneath = followed
        for part in inner:
            flat, also = self.flat(part, followed)
            parts.append(flat)
            beneath |= also
        whole: dict[str, Any] = {}
        for part in parts:
            properties = {**whole.get("properties", {}), **part.get("properties", {})}
            required = list(dict.fromkeys([*whole.get("required", ()), *part.get("required", ())]))
            whole |= part
            if properties:
                whole["properties"] = properties
            if required:
                whole["required"] = required
        return whole, beneath

    def target(self, reference: Any) -> Any:
        """What a reference within the document points to (a JSON pointer, RFC 6901)."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise ValueError(f"only references within the schema are followed, not {reference!r}")
        place: Any = self.root
        for step in filter(None, reference[1:].split("/")):
            key = step.replace("~1", "/").replace("~0", "~")
            try:
                place = place[int(key)] if isinstance(place, list) else place[key]
            except (KeyError, IndexError, TypeError, ValueError):
                raise ValueError(f"the schema has nothing at {reference!r}") from None
        return place

    def object(self, schema: Mapping[str, Any], variant: int, followed: frozenset[str]) -> dict[str, Any]:
        """The required properties, and more where their number is asked for."""
        properties = schema.get("properties") or {}
        additional = schema.get("additionalProperties", True)
        names = list(schema.get("required") or ())
        wanted = schema.get("minProperties", 0)
        names += [name for name in properties if name not in names][: max(0, wanted - len(names))]
        if len(names) < wanted:
            if additional is False:
                raise ValueError(f"nothing satisfies an object of {wanted} properties that has {len(names)}")
            names += [f"property{number}" for number in range(len(names), wanted)]
        return {name: self.value(properties.get(name, additional), variant, followed) for name in names}

    def array(self, schema: Mapping[str, Any], variant: int, followed: frozenset[str]) -> list[Any]:
        """As few items as are asked for."""
        first = schema.get("prefixItems") or []
        rest = schema.get("items", True)
        length = schema.get("minItems", 0)
        distinct = bool(schema.get("uniqueItems"))
        items: list[Any] = []
        for position in range(length):
            item = first[position] if position < len(first) else rest
            items.append(self.value(item, variant + position if distinct else variant, followed))
        if distinct and any(items[place] in items[:place] for place in range(len(items))):
            raise ValueError(f"no {length} different items found for {rest!r}")
        return items


def _kind(schema: Mapping[str, Any]) -> str:
    """The type that the schema names, or that its other keywords belong to."""
    kind = schema.get("type")
    if kind is not None:
        return str(kind).lower()
    if any(word in schema for word in ("properties", "required", "additionalProperties", "minProperties")):
        return "object"
    if any(word in schema for word in ("items", "prefixItems", "minItems")):
        return "array"
    if any(word in schema for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")):
        return "number"
    return "string"


def _string(schema: Mapping[str, Any], variant: int) -> str:
    form = schema.get("format")
    if form in _FORMATS and not variant:
        return _FORMATS[form]
    text = "text" if not variant else f"text{variant}"
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    if shortest > longest:
        raise ValueError(f"nothing satisfies minLength {shortest} and maxLength {longest}")
    text = text.ljust(shortest, "x")
    # From the end, so that variants stay different.
    return text if len(text) <= longest else text[len(text) - int(longest) :]


def _number(schema: Mapping[str, Any], variant: int, *, whole: bool) -> float:
    """A multiple of ``multipleOf`` (or of 1) within the bounds: the first from the lower bound, else from the upper."""
    step: float = schema.get("multipleOf", 1)
    low, low_open = _bound(schema, "minimum", "exclusiveMinimum", -math.inf)
    high, high_open = _bound(schema, "maximum", "exclusiveMaximum", math.inf)

    def fits(value: float) -> bool:
        return (value > low or (value == low and not low_open)) and (value < high or (value == high and not high_open))

    upward = low > -math.inf or high == math.inf
    edge = low if low > -math.inf else high if high < math.inf else 0
    value = (math.ceil(edge / step) if upward else math.floor(edge / step)) * step
    stride = step if upward else -step
    if not fits(value):
        value += stride
    value += variant * stride
    if fits(value):
        return value
    between = low + (high - low) * (variant + 1) / (variant + 2)
    if not whole and "multipleOf" not in schema and fits(between):
        return between
    raise ValueError(f"no number found between {low} and {high}")


def _bound(schema: Mapping[str, Any], word: str, exclusive: str, default: float) -> tuple[float, bool]:
    """A bound and whether it is outside; draft 4 wrote the exclusion as a boolean beside it."""
    bound, limit = schema.get(word, default), schema.get(exclusive)
    if limit is True:
        return bound, True
    if isinstance(limit, (int, float)) and not isinstance(limit, bool):
        outside = limit >= bound if word == "minimum" else limit <= bound
        return (limit, True) if outside or word not in schema else (bound, False)
    return bound, False
