"""A JSON Schema that the answer has to follow."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

__all__ = ["ResponseSchema"]


@dataclass
class ResponseSchema:
    """A schema for structured answers.

    Attributes:
        schema: the JSON Schema; copied, so that later changes outside do not show here.
        name: a name for it, which OpenAI-like APIs demand.
        strict: ask the provider to enforce it.
        mime_type: the media type that Google is asked for.
    """

    schema: Mapping[str, Any]
    name: str = "response"
    strict: bool = True
    mime_type: str = "application/json"

    def __post_init__(self) -> None:
        self.schema = deepcopy(dict(self.schema))

    @classmethod
    def coerce(cls, value: ResponseSchema | Mapping[str, Any] | None) -> ResponseSchema | None:
        """``value`` as a ResponseSchema; TypeError for anything but one, a mapping or None."""
        if value is None or isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls(value)
        raise TypeError("response_schema must be ResponseSchema or mapping")

    def _copy(self) -> dict[str, Any]:
        return deepcopy(dict(self.schema))

    def for_openai(self) -> dict[str, Any]:
        """The ``response_format`` of Chat Completions."""
        return {
            "type": "json_schema",
            "json_schema": {"name": self.name, "schema": self._copy(), "strict": self.strict},
        }

    def for_openrouter(self) -> dict[str, Any]:
        """The ``response_format`` of OpenRouter."""
        return self.for_openai()

    def for_openai_responses(self) -> dict[str, Any]:
        """The ``text.format`` of the Responses API, which is flat."""
        return {"type": "json_schema", "name": self.name, "schema": self._copy(), "strict": self.strict}

    def for_google(self) -> dict[str, Any]:
        """The part of Gemini's ``generationConfig`` that asks for JSON."""
        return {"responseMimeType": self.mime_type, "responseJsonSchema": self._copy()}

    def for_claude(self) -> dict[str, Any]:
        """The ``output_config.format`` of the Messages API."""
        return {"type": "json_schema", "schema": self._copy()}
