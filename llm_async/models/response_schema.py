"""What the answer has to be: a JSON Schema, or a Python type.

What belongs here: the values that callers hold. How a schema is put into an API's dialect, and how an answer is read, is the
business of ``llm_async.structured``, which is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar, overload

from .message import Message

__all__ = ["ResponseSchema", "TypedSchema"]

_T = TypeVar("_T")
_V = TypeVar("_V")


@dataclass
class ResponseSchema:
    """A schema for structured answers.

    Each API takes a dialect of its own; a schema that an API takes as it is, is sent as it is. For others see
    ``docs/structured.md``.

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
    def coerce(cls, value: ResponseSchema | Mapping[str, Any] | Any) -> ResponseSchema | None:
        """``value`` as a ResponseSchema: one, a mapping, a type or None; TypeError for anything else.

        Raises:
            TypeError: also for a type that no installed library reads.
            ImportError: the type needs a library that is not installed.
        """
        if value is None or isinstance(value, ResponseSchema):
            return value
        if isinstance(value, Mapping):
            return cls(value)
        from ..structured.types import is_type

        if is_type(value):
            return TypedSchema.of(value)
        raise TypeError("response_schema must be ResponseSchema or mapping")

    def parse(self, answer: Message | str) -> Any:
        """The value in an answer, decoded and checked against the schema.

        The check is the ``jsonschema`` package's (``pip install llm-async[jsonschema]``). Where a dialect has changed what was
        asked for, the value is what the schema itself describes: an optional property that came as null is missing.

        Args:
            answer: a message, or its text.

        Raises:
            InvalidAnswerError: the text is not JSON, or not what the schema allows.
            RefusedAnswerError: the model refused.
            TruncatedAnswerError: the answer is not whole.
            AnswerError: the model called tools instead of answering.
            ValueError: the schema is none, or refers to something outside of it.
            ImportError: the package is not installed.
        """
        from ..structured.answers import value_in

        return value_in(answer, self.schema, self.converter())

    def converter(self) -> Callable[[Any, str], Any]:
        """What checks a decoded value, given with its JSON text, and makes the result of it.

        Raises:
            ImportError: the library that it needs is not installed.
        """
        try:
            jsonschema = import_module("jsonschema")
        except ImportError as error:
            raise ImportError("checking an answer needs jsonschema: pip install llm-async[jsonschema]") from error
        from ..tools.libraries import LibraryFault

        schema = self._copy()
        dialect = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        # Without its own registry it would fetch what references name from the network.
        registry = import_module("jsonschema_specifications").REGISTRY
        validator = dialect(schema, registry=registry, format_checker=dialect.FORMAT_CHECKER)

        def check(value: Any, text: str) -> Any:
            try:
                fault = jsonschema.exceptions.best_match(validator.iter_errors(value))
            except RecursionError:
                raise
            except Exception as error:
                # Of a schema that is none it raises whatever comes of it; to look for that first takes longer than the check.
                wrong = jsonschema.exceptions.best_match(dialect(dialect.META_SCHEMA).iter_errors(schema))
                told = f"at {wrong.json_path}, {wrong.message}" if wrong is not None else str(error)
                raise ValueError(f"the response_schema is no JSON Schema: {told}") from error
            if fault is not None:
                raise LibraryFault(fault.message, [(fault.json_path, fault.message)])
            return value

        return check

    def _copy(self) -> dict[str, Any]:
        return deepcopy(dict(self.schema))

    def _for_strict_mode(self) -> tuple[dict[str, Any], bool]:
        """The schema that OpenAI-like APIs are sent, and whether they are asked to enforce it.

        What strict mode has no way to say, and what is not to be strict, is sent as it was given.
        """
        if not self.strict:
            return self._copy(), False
        from ..structured.openai_dialect import strict_form

        return strict_form(self.schema) or self._copy(), True

    def for_openai(self) -> dict[str, Any]:
        """The ``response_format`` of Chat Completions."""
        schema, strict = self._for_strict_mode()
        return {"type": "json_schema", "json_schema": {"name": self.name, "schema": schema, "strict": strict}}

    def for_openrouter(self) -> dict[str, Any]:
        """The ``response_format`` of OpenRouter."""
        return self.for_openai()

    def for_openai_responses(self) -> dict[str, Any]:
        """The ``text.format`` of the Responses API, which is flat."""
        schema, strict = self._for_strict_mode()
        return {"type": "json_schema", "name": self.name, "schema": schema, "strict": strict}

    def for_google(self) -> dict[str, Any]:
        """The part of Gemini's ``generationConfig`` that asks for JSON."""
        from ..structured.gemini_dialect import gemini_form

        return {"responseMimeType": self.mime_type, "responseJsonSchema": gemini_form(self.schema)}

    def for_claude(self) -> dict[str, Any]:
        """The ``output_config.format`` of the Messages API.

        Raises:
            UnsupportedError: the schema has objects with free names.
        """
        from ..structured.claude_dialect import claude_form

        return {"type": "json_schema", "schema": claude_form(self.schema)}


@dataclass
class TypedSchema(ResponseSchema, Generic[_T]):
    """A schema whose answers are values of a Python type; ``TypedSchema.of(City)`` makes one.

    ``response_schema=City`` does that by itself. Write it out to give it a name, to have it not strict, or to tell a type
    checker of a type that it cannot infer: ``schema: TypedSchema[City | Town] = TypedSchema.of(City | Town)``.

    Attributes:
        python_type: the type, as pydantic or msgspec understand it.
    """

    python_type: Any = None

    @overload
    @classmethod
    def of(cls, python_type: type[_V], name: str | None = None, *, strict: bool = True) -> TypedSchema[_V]: ...

    @overload
    @classmethod
    def of(cls, python_type: Any, name: str | None = None, *, strict: bool = True) -> TypedSchema[Any]: ...

    @classmethod
    def of(cls, python_type: Any, name: str | None = None, *, strict: bool = True) -> TypedSchema[Any]:
        """The schema of a type.

        Args:
            python_type: a pydantic model, a dataclass, a TypedDict, a msgspec Struct, or what is made of them and of
                builtin types: ``list[City]``, ``City | None``, ``Annotated``, ``Literal``, an Enum.
            name: the name that the API is told; None makes one of the type's.
            strict: ask the provider to enforce the schema, where it can.

        Raises:
            ImportError: the library that reads the type is not installed.
            TypeError: no installed library reads it.
        """
        from ..structured.types import name_of, read_type

        return cls(
            read_type(python_type).schema,
            name_of(python_type) if name is None else name,
            strict,
            python_type=python_type,
        )

    def parse(self, answer: Message | str) -> _T:
        """The value in an answer, as one of the type; see :meth:`ResponseSchema.parse`."""
        value: _T = super().parse(answer)
        return value

    def converter(self) -> Callable[[Any, str], Any]:
        """What makes a value of the type out of a JSON text."""
        from ..structured.types import read_type

        read = read_type(self.python_type)
        return lambda value, text: read.from_json(text)

    def _for_strict_mode(self) -> tuple[dict[str, Any], bool]:
        """As for a schema that was given, but what strict mode has no way to say is not asked to be strict."""
        from ..structured.openai_dialect import strict_form
        from ..structured.roots import object_root

        form = strict_form(self.schema) if self.strict else None
        return (object_root(self.schema), False) if form is None else (form, True)
