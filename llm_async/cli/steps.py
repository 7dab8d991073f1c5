"""The three steps of the demonstration: a streamed answer, a tool-call round trip, a structured answer.

What belongs here: what a participant is asked, and when that has succeeded. A step is given ``say``, which shows a piece of
text at once.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal

from ..agent_events import add_usage
from ..errors import StreamError, ToolError
from ..models import Message, Response, StreamChunk, Usage
from ..providers import BaseProvider
from ..tool import tool
from ..tools import run_tool

__all__ = ["SCHEMA", "STEPS", "Conversation", "Outcome", "Participant", "Say", "Step", "attempt", "user", "weather"]

Say = Callable[[str], None]
Conversation = Sequence[Message | Mapping[str, Any]]


def user(text: str) -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": text}


STREAM_QUESTION = [user("Why do clouds float? Two short sentences, please.")]
TOOL_QUESTION = [user("What is the weather in Bergen? Use the tool.")]
SCHEMA_QUESTION = [user("It rains in Bergen. As JSON: which city is that, and does one need an umbrella there?")]

WEATHER = {"Bergen": "rain, 9 °C", "Oslo": "snow, -4 °C", "Rome": "sun, 21 °C"}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": list(WEATHER)}, "umbrella": {"type": "boolean"}},
    "required": ["city", "umbrella"],
    "additionalProperties": False,
}


@tool
def weather(city: Literal["Bergen", "Oslo", "Rome"]) -> str:
    """Tell the weather in a city."""
    return WEATHER[city]


@dataclass
class Participant:
    """Somebody to ask.

    Attributes:
        provider: whom.
        model: the model's name.
        options: further arguments of every call.
        schema_options: further arguments of the call for a structured answer.
        constrained: whether the server makes its answers follow a schema.
        tool_question: the conversation that ends with a question for the tool.
        dependable: whether it is a failure when the model calls no tool or follows no schema. A very small model may not
            manage, which is no fault of the client.
        usage: tokens of all calls so far.
    """

    provider: BaseProvider
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    schema_options: Mapping[str, Any] = field(default_factory=dict)
    constrained: bool = True
    tool_question: Conversation = field(default_factory=lambda: TOOL_QUESTION)
    dependable: bool = True
    usage: Usage = field(default_factory=Usage)

    async def ask(self, messages: Conversation, **options: Any) -> Response:
        """Call the model; a streaming answer has to be read with :meth:`read`."""
        response: Response = await self.provider.acomplete(self.model, messages, **{**self.options, **options})
        self.usage = add_usage(self.usage, response.usage)
        return response

    async def read(self, response: Response, show: Callable[[StreamChunk], None]) -> Message:
        """Read a streaming answer to its end; its message."""
        async with response:
            async for chunk in response:
                show(chunk)
        self.usage = add_usage(self.usage, response.usage)
        assert response.main_response is not None
        return response.main_response


@dataclass
class Outcome:
    """What came of a step.

    Attributes:
        cell: the table's word for it.
        note: what is said behind the text that was shown.
        failed: whether it counts as a failure.
    """

    cell: str
    note: str = ""
    failed: bool = False


class ShortcomingError(Exception):
    """The model did not do what it was asked for; ``cell`` is the table's word for it."""

    def __init__(self, cell: str, message: str) -> None:
        super().__init__(message)
        self.cell = cell


Step = Callable[[Participant, Say], Awaitable[Outcome]]


async def attempt(step: Step, participant: Participant, say: Say) -> Outcome:
    """Run a step. What goes wrong in it becomes its outcome, so that the next one can follow."""
    try:
        return await step(participant, say)
    except ShortcomingError as error:
        return Outcome(error.cell, str(error), failed=participant.dependable)
    except BrokenPipeError:
        raise  # nobody watches any more
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the demonstration has to report
        return Outcome("failed", f"{type(error).__name__}: {error}", failed=True)


async def streamed_answer(participant: Participant, say: Say) -> Outcome:
    """An answer in pieces, which together are the final message."""
    pieces: list[str] = []
    first_at: list[float] = []

    def show(chunk: StreamChunk) -> None:
        if not first_at:
            first_at.append(perf_counter())
        if chunk.delta:
            pieces.append(chunk.delta)
            say(chunk.delta)

    started = perf_counter()
    message = await participant.read(await participant.ask(STREAM_QUESTION, stream=True), show)
    if not pieces:
        raise ShortcomingError("no text", f"the answer has no text, and ended with {message.finish_reason!r}")
    if message.content != "".join(pieces):
        raise StreamError("the final message is not what was streamed", partial=message)
    return Outcome(f"{(first_at[0] - started) * 1000:,.0f} ms", f"{len(pieces)} piece{'s' * (len(pieces) > 1)}")


async def tool_round_trip(participant: Participant, say: Say) -> Outcome:
    """A call, its result handed back, and the answer that makes use of it; both answers streamed."""
    announced: set[int] = set()

    def show(chunk: StreamChunk) -> None:
        for delta in chunk.tool_call_deltas:
            if delta.name and delta.index not in announced:
                announced.add(delta.index)
                say(f"{delta.name} ")
            say(delta.arguments)

    tools = [weather.tool]
    response = await participant.ask(participant.tool_question, tools=tools, tool_choice="required", stream=True)
    message = await participant.read(response, show)
    if not message.tool_calls:
        raise ShortcomingError("no call", "the model called no tool")
    try:
        results = [await run_tool(call, {"weather": weather}) for call in message.tool_calls]
    except ToolError as error:
        raise ShortcomingError("bad call", str(error)) from error
    shown = "; ".join(results)
    say(f" -> {shown} -> ")
    answers = [participant.provider.tool_result(*pair) for pair in zip(message.tool_calls, results, strict=True)]
    response = await participant.ask([*participant.tool_question, message, *answers], tools=tools, stream=True)
    message = await participant.read(response, lambda chunk: say(chunk.delta))
    if not message.content:
        raise ShortcomingError(shown, "the model had nothing to say to that")
    return Outcome(shown)


async def structured_answer(participant: Participant, say: Say) -> Outcome:
    """JSON that follows a schema, in one piece."""
    response = await participant.ask(SCHEMA_QUESTION, response_schema=SCHEMA, **participant.schema_options)
    text = response.main_response.content if response.main_response else ""
    say(str(text))
    complaint = departure(str(text))
    if complaint and not participant.constrained:
        raise ShortcomingError("not offered", f"{complaint}: this API of the server enforces no schema")
    if complaint:
        raise ShortcomingError("no", complaint)
    return Outcome("yes", "follows the schema")


def departure(text: str) -> str:
    """How a text departs from :data:`SCHEMA`, or ``""``. It knows the words of that schema, and no others."""
    try:
        value = json.loads(text)
    except ValueError:
        return "that is no JSON"
    if not isinstance(value, dict):
        return "that is no object"
    if set(value) != set(SCHEMA["required"]):
        return f"its properties should be {' and '.join(SCHEMA['required'])}"
    if value["city"] not in SCHEMA["properties"]["city"]["enum"]:
        return f"the city should be one of {', '.join(WEATHER)}"
    return "" if isinstance(value["umbrella"], bool) else "umbrella should be true or false"


STEPS: dict[str, Step] = {"stream": streamed_answer, "tool": tool_round_trip, "schema": structured_answer}
