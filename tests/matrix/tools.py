"""Rows: functions as tools, their calls, their results, and the loop around them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from llm_async import Agent, Message, parts, tool
from llm_async.agent import TextDelta, ToolFinished
from llm_async.testing import Text, ToolCalls

from .answers import raw_answer
from .cell import BEHIND, HELLO, Scene, Section, holds

__all__ = ["PNG", "TOOLS", "look", "told_to_look"]

TOOLS = Section("Tools", "testing.md#agents")

PNG = b"\x89PNG\r\n\x1a\n"
SIGHT = {"at": "the sky"}


@tool
def look(at: str) -> str:
    """Look at something."""
    return f"{at} is blue"


@tool
def wait(seconds: int) -> str:
    """Wait for a while."""
    return f"waited {seconds}"


def told_to_look(scene: Scene) -> None:
    """Have the model call ``look``."""
    scene.server.script(ToolCalls(("look", SIGHT), text="I look."))


@TOOLS.row("functions as tools, and their calls")
async def calls(scene: Scene) -> None:
    told_to_look(scene)
    response = await scene.ask(tools=[look])
    assert holds(scene.body, "Look at something.")
    assert response.finish_reason == "tool_calls"
    assert response.main_response.tool_calls
    [call] = response.main_response.tool_calls
    assert (call.name, call.arguments) == ("look", SIGHT)
    assert response.main_response.content == "I look."


@TOOLS.row("calls in streams, piece by piece")
async def streamed_calls(scene: Scene) -> None:
    told_to_look(scene)
    response = await scene.provider.acomplete(scene.model, [HELLO], tools=[look], stream=True)
    deltas = [delta async for chunk in response for delta in chunk.tool_call_deltas]
    [call] = (await response.final()).tool_calls or []
    assert (call.name, call.arguments) == ("look", SIGHT)
    assert "".join(delta.arguments for delta in deltas) == call.arguments_text
    assert {delta.index for delta in deltas} == {0}
    assert response.finish_reason == "tool_calls"


@TOOLS.row("several calls in one answer")
async def parallel(scene: Scene) -> None:
    scene.server.script(ToolCalls(("look", SIGHT), ("wait", {"seconds": 3}), ("look", {"at": "me"})), times=2)
    for streams in (False, True):
        response = await scene.ask(tools=[look, wait], stream=streams)
        found = [(call.name, call.arguments) for call in response.main_response.tool_calls or ()]
        assert found == [("look", SIGHT), ("wait", {"seconds": 3}), ("look", {"at": "me"})]


@TOOLS.row('`tool_choice`: `"required"`')
async def required(scene: Scene) -> None:
    scene.server.script(raw_answer(scene.door, {}))  # some servers have a word for it that OpenAI does not know
    await scene.ask(tools=[look, wait], tool_choice="required")
    assert holds(scene.body, "required") or holds(scene.body, "any")


@TOOLS.row('`tool_choice`: `"none"`')
async def none(scene: Scene) -> None:
    response = await scene.ask(tools=[look, wait], tool_choice="none")
    assert holds(scene.body, "none")
    assert response.main_response.content == "You said: Good morning"


@TOOLS.row("`tool_choice`: a tool's name")
async def named(scene: Scene) -> None:
    response = await scene.ask(tools=[look, wait], tool_choice="wait")
    assert [call.name for call in response.main_response.tool_calls or ()] == ["wait"]


async def _result(scene: Scene, seen: Any) -> Message:
    """The model's answer to a result of a tool."""
    told_to_look(scene)
    message = (await scene.ask(tools=[look])).main_response
    assert message.tool_calls
    result = await scene.provider.execute_tool(message.tool_calls[0], {"look": lambda at: seen})
    return (await scene.ask(HELLO, message, result, tools=[look])).main_response


@TOOLS.row("results of tools")
async def results(scene: Scene) -> None:
    answer = await _result(scene, {"color": "blue"})
    assert answer.text.startswith("The tool said: ")
    assert '"color"' in answer.text


@TOOLS.row("results with images")
async def images(scene: Scene) -> str | None:
    await _result(scene, [parts.text("a square"), parts.image(PNG)])
    image = b64encode(PNG).decode()
    turns = next(scene.body[name] for name in ("messages", "input", "contents") if name in scene.body)
    [result] = [turn for turn in turns if holds(turn, "a square")]
    if holds(result, image):
        return None
    assert holds(turns[turns.index(result) + 1], image)
    return BEHIND


@TOOLS.row("`Agent`")
async def agent(scene: Scene) -> None:
    told_to_look(scene)
    result = await Agent(scene.provider, scene.model, tools=[look]).run([HELLO])
    assert result.content == "The tool said: the sky is blue"
    assert result.iterations == len(scene.server.requests) == 2


@TOOLS.row("`Agent`, streamed")
async def streaming_agent(scene: Scene) -> None:
    told_to_look(scene)
    scene.server.script(Text("It is blue."))
    async with Agent(scene.provider, scene.model, tools=[look]).stream([HELLO]) as run:
        events = [event async for event in run]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "I look.It is blue."
    assert [event.content for event in events if isinstance(event, ToolFinished)] == ["the sky is blue"]
    assert (await run.result()).content == "It is blue."
