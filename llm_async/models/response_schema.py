"""A JSON Schema that the answer has to follow."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .._json import loads
from ..errors import ProtocolError
from .message import Message

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
        if not isinstance(self.schema, Mapping):
            raise TypeError(f"schema must be a mapping, a JSON Schema, not {type(self.schema).__name__}")
        self.schema = deepcopy(dict(self.schema))

    @classmethod
    def coerce(cls, value: ResponseSchema | Mapping[str, Any] | None) -> ResponseSchema | None:
        """``value`` as a ResponseSchema; TypeError for anything but one, a mapping or None."""
        if value is None or isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls(value)
        raise TypeError("response_schema must be ResponseSchema or mapping")

    def parse(self, answer: Message | str) -> Any:
        """The value in an answer, decoded and checked against the schema.

        The check is the ``jsonschema`` package's (``pip install llm-async[jsonschema]``).

        Args:
            answer: a message, or its text.

        Raises:
            ProtocolError: the text is not JSON, or not what the schema allows (the text of the error names the place), or
                the model refused; ``payload`` is the text.
            ImportError: the package is not installed.
        """
        try:
            jsonschema = import_module("jsonschema")
        except ImportError as error:
            raise ImportError("checking an answer needs jsonschema: pip install llm-async[jsonschema]") from error
        text = answer.text if isinstance(answer, Message) else answer
        if isinstance(answer, Message) and answer.refusal:
            raise ProtocolError(f"the model refused to answer: {answer.refusal}", payload=text, partial=answer)
        partial = answer if isinstance(answer, Message) else None
        try:
            value = loads(text)
        except ValueError as error:
            raise ProtocolError(f"the answer is not JSON: {_excerpt(text)}", payload=text, partial=partial) from error
        schema = self._copy()
        validator = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)(schema)
        fault = jsonschema.exceptions.best_match(validator.iter_errors(value))
        if fault is not None:
            raise ProtocolError(
                f"the answer does not follow the schema at {fault.json_path}: {_excerpt(fault.message)}",
                payload=text,
                partial=partial,
            )
        return value

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


def _excerpt(text: str, length: int = 200) -> str:
    return text if len(text) <= length else text[:length] + "…"
