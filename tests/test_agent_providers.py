"""The agent over sockets: the real providers against the testing server."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass
from typing import Any

import pytest

from llm_async import (
    Agent,
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
    tool,
)
from llm_async.agent import AgentResult, ReasoningDelta, TextDelta, ToolFinished
from llm_async.testing import ProviderServer, Text, ToolCalls

PROVIDERS: list[type[BaseProvider]] = [
    OpenAIProvider,
    OpenAIResponsesProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenRouterProvider,
]
QUESTION = [{"role": "user", "content": "Go."}]
every_provider = pytest.mark.parametrize("provider_class", PROVIDERS, ids=[each.name() for each in PROVIDERS])


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Box:
    """A box, which may hold boxes."""

    size: Size
    inside: list[Box]


@tool
def add(a: int, b: int = 2) -> int:
    """Add."""
    return a + b


@tool
def fail() -> None:
    raise ValueError("no luck")


@tool
async def pack(box: Box, boxes: dict[str, Box], label: str | int | None = None) -> Any:
    return [box, boxes, label]


def results_of(body: dict[str, Any]) -> list[tuple[str, bool]]:
    """The tool results in a request of any API, each with whether it is marked as an error."""
    found = []
    for item in body.get("messages") or body.get("contents") or body["input"]:
        if item.get("role") == "tool":
            found.append((item["content"], False))
        elif item.get("type") == "function_call_output":
            found.append((item["output"], False))
        for part in item.get("parts") or item.get("content") or ():
            if isinstance(part, dict) and part.get("type") == "tool_result":
                found.append((part["content"], part.get("is_error", False)))
            if isinstance(part, dict) and "functionResponse" in part:
                response = part["functionResponse"]["response"]
                found.append((response.get("result", response.get("error")), "error" in response))
    return found


@every_provider
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_tools_run_and_their_results_go_back_in_the_providers_own_form(
    provider_class: type[BaseProvider], stream: bool
) -> None:
    released = asyncio.Event()

    async def slow() -> str:
        await released.wait()
        return "slow"

    async def main() -> None:
        async with ProviderServer() as server, provider_class("key", server.url(provider_class.name())) as provider:
            calls = ToolCalls(
                ("slow", {}), ("fail", {}), ("add", {"a": "1"}), text="Let me see.", reasoning="Three tools."
            )
            server.script(calls, Text("All done."))
            done: list[str] = []

            def after(finished: ToolFinished) -> None:
                done.append(finished.call.name or "")
                if len(done) == 2:
                    released.set()

            agent = Agent(provider, "some-model", [add, fail, slow], after_tool=after)
            result = await (_streamed(agent) if stream else agent.run(QUESTION))
            assert result.content == "All done."
            assert done[2] == "slow"
            assert result.usage.output_tokens is not None
            assert result.usage.output_tokens > 5
            body = server.requests[1].json
            marks = provider_class in (ClaudeProvider, GoogleProvider)
            assert results_of(body) == [("slow", False), ("ValueError: no luck", marks), ("3", False)]
            if provider_class is not OpenAIProvider:  # its own models have no signatures
                assert "signature" in str(body).lower() or "encrypted_content" in str(body)

    asyncio.run(main())


async def _streamed(agent: Agent) -> AgentResult:
    async with agent.stream(QUESTION) as run:
        events = [event async for event in run]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Let me see.All done."
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Three tools."
    return await run.result()


@every_provider
def test_every_provider_takes_the_schema_of_nested_types(provider_class: type[BaseProvider]) -> None:
    async def main() -> None:
        async with ProviderServer() as server, provider_class("key", server.url(provider_class.name())) as provider:
            # Without a script the model behind the server calls the tool with whatever its schema accepts.
            seen: list[ToolFinished] = []
            agent = Agent(provider, "some-model", [pack], after_tool=seen.append)
            result = await agent.run(QUESTION)
            assert [finished.error for finished in seen] == [None]
            assert result.content.startswith("The tool said: ")

    asyncio.run(main())


@every_provider
def test_leaving_a_run_frees_its_connection(provider_class: type[BaseProvider]) -> None:
    async def main() -> None:
        async with ProviderServer() as server, provider_class("key", server.url(provider_class.name())) as provider:
            server.script(Text("One two three four five six seven."))
            server.stall(after=6)
            async with Agent(provider, "some-model", []).stream(QUESTION) as run:
                async for event in run:
                    if isinstance(event, TextDelta):
                        break
            await server.wait_closed_connections()

    asyncio.run(main())
