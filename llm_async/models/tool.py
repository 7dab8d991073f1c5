"""What a model may call: a name, what it does, and the JSON Schema of its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Tool", "listed_tools"]


@dataclass
class Tool:
    """A tool as every provider takes it.

    Attributes:
        name: the name that the model calls it by.
        description: what it does, for the model to read.
        parameters: JSON Schema of its arguments.
        input_schema: the same schema under its other name. One of the two is enough for every provider.
    """

    name: str
    description: str
    parameters: dict[str, Any] | None = None
    input_schema: dict[str, Any] | None = None

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments, whichever field holds it; no schema means no arguments."""
        for schema in (self.parameters, self.input_schema):
            if schema is not None:
                return schema
        return {"type": "object", "properties": {}}


def listed_tools(tools: Any) -> list[Any]:
    """The entries of a list of tools, which are not looked at; TypeError for what is no such list, as one tool alone."""
    if tools is None:
        return []
    if isinstance(tools, (str, bytes, Mapping, Tool)) or not isinstance(tools, Iterable):
        raise TypeError(f"tools must be a list of tools, not {type(tools).__name__}")
    return list(tools)
