"""What a dialect has put into an answer, taken out again.

What belongs here: the object around what is no object, the null that stands for an optional property, and the object that
stands for a tuple. The provider is not asked which of them there are: a value is looked at for what it is, so that answers of
servers that do not keep to the dialect serve as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..protocols.schema import resolved
from .limits import position_name
from .merging import merged
from .roots import ANSWER, is_wrapped

__all__ = ["readings"]

_KINDS: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "string": (str,),
}


def readings(schema: Mapping[str, Any], value: Any, text: str) -> Iterator[Any]:
    """What an answer may mean, the likelier first; the last one is the answer as a whole.

    Args:
        schema: the schema as the caller gave it.
        value: the decoded answer.
        text: the JSON text of it, in which can be seen whether there is anything to restore.
    """
    restoring = _Restoring(merged(schema)) if "null" in text or position_name(0) in text else None
    if isinstance(value, dict) and value.keys() == {ANSWER} and is_wrapped(schema):
        yield restoring.value_of(value[ANSWER]) if restoring else value[ANSWER]
    yield restoring.value_of(value) if restoring else value


class _Restoring:
    """One value, and the schema that references in it lead into."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        # Whether a value fits a part of the schema, by the identities of both: it is asked again at every level. The value
        # is held, so that no other one can get its identity.
        self._known: dict[tuple[int, int], tuple[Any, bool]] = {}

    def value_of(self, value: Any) -> Any:
        """The value of the whole schema; see :meth:`restored`."""
        return self.restored(self._root, value)

    def restored(self, schema: Any, value: Any) -> Any:
        """A copy of the value without nulls that only stand for a property that may be missing, and with its tuples."""
        if not isinstance(schema, Mapping) or not isinstance(value, (dict, list)):
            return value
        value = _positions(schema, value)
        if "$ref" in schema:
            value = self.restored(resolved(self._root, schema["$ref"]), value)
        for part in schema.get("allOf") or ():
            value = self.restored(part, value)
        for keyword in ("anyOf", "oneOf"):
            for choice in schema.get(keyword) or ():
                if self._fits(choice, value):
                    value = self.restored(choice, value)
                    break
        return self._object(schema, value) if isinstance(value, dict) else self._list(schema, value)

    def _object(self, schema: Mapping[str, Any], value: dict[str, Any]) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        return {
            name: self.restored(properties.get(name), item)
            for name, item in value.items()
            if item is not None or not self._stands_for_nothing(schema, name)
        }

    def _list(self, schema: Mapping[str, Any], value: list[Any]) -> list[Any]:
        first, rest = schema.get("prefixItems") or (), schema.get("items")
        return [
            self.restored(first[position] if position < len(first) else rest, item)
            for position, item in enumerate(value)
        ]

    def _stands_for_nothing(self, schema: Mapping[str, Any], name: str) -> bool:
        """Whether null can only mean that the property is missing."""
        properties = schema.get("properties") or {}
        optional = name in properties and name not in (schema.get("required") or ())
        return optional and not self._fits(properties[name], None)

    def _fits(self, schema: Any, value: Any) -> bool:
        """Whether a value is what a part of the schema asks for, as far as kinds and names say."""
        if not isinstance(schema, Mapping):
            return schema is not False
        key = (id(schema), id(value))
        if key not in self._known:
            self._known[key] = (value, True)  # for what is asked again on the way: a reference that leads to itself
            self._known[key] = (value, self._fits_all(schema, value))
        return self._known[key][1]

    def _fits_all(self, schema: Mapping[str, Any], value: Any) -> bool:
        value = _positions(schema, value)
        if "$ref" in schema and not self._fits(resolved(self._root, schema["$ref"]), value):
            return False
        if "const" in schema and schema["const"] != value:
            return False
        if "enum" in schema and value not in schema["enum"]:
            return False
        kinds = schema.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if kinds and not any(_is_of_kind(kind, value) for kind in kinds):
            return False
        if not all(self._fits(part, value) for part in schema.get("allOf") or ()):
            return False
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword) and not any(self._fits(choice, value) for choice in schema[keyword]):
                return False
        if isinstance(value, dict):
            return self._members_fit(schema, value)
        if isinstance(value, list):
            first, rest = schema.get("prefixItems") or (), schema.get("items")
            return all(
                self._fits(first[position] if position < len(first) else rest, item)
                for position, item in enumerate(value)
            )
        return True

    def _members_fit(self, schema: Mapping[str, Any], value: dict[str, Any]) -> bool:
        properties, required = schema.get("properties") or {}, schema.get("required") or ()
        if any(name not in value for name in required):
            return False
        if properties and not schema.get("additionalProperties") and not value.keys() <= properties.keys():
            return False
        return all(
            (item is None and name not in required) or self._fits(properties.get(name), item)
            for name, item in value.items()
        )


def _positions(schema: Mapping[str, Any], value: Any) -> Any:
    """The list that an object of positions stands for, where the schema has them."""
    first = schema.get("prefixItems")
    if not isinstance(value, dict) or not isinstance(first, list):
        return value
    names = [position_name(position) for position in range(len(first))]
    return [value[name] for name in names] if value.keys() == set(names) else value


def _is_of_kind(kind: Any, value: Any) -> bool:
    if kind in ("integer", "number"):
        whole = kind == "number" or isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return isinstance(value, (int, float)) and not isinstance(value, bool) and whole
    return isinstance(value, _KINDS.get(kind, (object,)))
