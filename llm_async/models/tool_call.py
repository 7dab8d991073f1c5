"""A call that a model asks for, in the shape of the API that it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._json import dumps_text, loads

__all__ = ["SERVER_RUN", "ServerId", "ToolCall", "ToolCallDelta"]

#: The ``type`` of a call that the provider has run itself: its result is in the answer already, and nobody has to run it.
SERVER_RUN = "server_tool_use"


class ServerId(str):
    """The id of a call that the API itself gave, where it does not always give one. Any other str may have been made up here."""

    __slots__ = ()


@dataclass
class ToolCall:
    """One tool call of an answer.

    Attributes:
        id: what the tool's result refers to (for the Responses API the item's id; its ``call_id`` is in ``input``).
        type: ``function`` or ``tool_use``, or the API's own word for another kind.
        name: the tool's name.
        input: Claude: the arguments as an object. Responses API: ``{"call_id": …}``.
        function: the other APIs: ``{"name": …, "arguments": …}``, the arguments as the API gave them.
        incomplete: the answer was cut off by its token limit and this call's arguments are empty or not JSON, so that
            running it would be guessing.
    """

    id: str
    type: str
    name: str | None = None
    input: dict[str, Any] | None = None
    function: dict[str, Any] | None = None
    incomplete: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if self.name is None and self.function is not None:
            self.name = self.function.get("name")

    @property
    def arguments(self) -> dict[str, Any] | str:
        """The arguments: ``{}`` when there are none, a dict when they are a JSON object, else the text as received."""
        given = self._given_arguments()
        if given is None or given == "":
            return {}
        if isinstance(given, dict):
            return given
        if not isinstance(given, str):
            return str(given)
        try:
            value = loads(given)
        except ValueError:
            return given
        if value is None:
            return {}
        return value if isinstance(value, dict) else given

    @property
    def arguments_text(self) -> str:
        """The arguments as JSON text, or the text as received; ``""`` when there are none."""
        given = self._given_arguments()
        if given is None:
            return ""
        return given if isinstance(given, str) else dumps_text(given)

    def _given_arguments(self) -> Any:
        if self.function is not None:
            return self.function.get("arguments")
        return self.input

    @property
    def call_id(self) -> str:
        """The id that the result must name: ``input["call_id"]`` of the Responses API, else ``id``."""
        if self.function is not None and self.input is not None and isinstance(self.input.get("call_id"), str):
            return str(self.input["call_id"])
        return self.id

    def to_responses_api_message(self) -> dict[str, Any]:
        """The input item of the Responses API for a ``function_call_output``; ``{}`` for any other type."""
        if self.type != "function_call_output":
            return {}
        return {
            "type": "function_call_output",
            "call_id": self.id,
            "output": (self.function or {}).get("output"),
        }

    @staticmethod
    def from_responses_api_function_call(fc_id: str, call_id: str, name: str, arguments: str) -> ToolCall:
        """A ``function_call`` item of the Responses API."""
        return ToolCall(
            id=fc_id,
            type="function",
            name=name,
            input={"call_id": call_id},
            function={"name": name, "arguments": arguments},
        )

    @staticmethod
    def function_call_output(call_id: str, output: Any) -> ToolCall:
        """A tool's result as the Responses API takes it."""
        return ToolCall(id=call_id, type="function_call_output", function={"output": output})


@dataclass
class ToolCallDelta:
    """A piece of a tool call while it streams.

    Attributes:
        index: the call's place in the final ``tool_calls``.
        id: the call's id, as far as it is known.
        name: the tool's name, as far as it is known.
        arguments: a text fragment. The fragments of one index, joined, are the call's arguments as JSON text.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
