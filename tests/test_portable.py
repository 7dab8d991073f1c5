"""A conversation over real sockets: on with the same provider, on with another one, from memory and from JSON."""

from __future__ import annotations

import asyncio
import json
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
    parts,
    provider_class,
)
from llm_async.testing import ProviderServer, Text, ToolCalls

CLASSES: list[type[BaseProvider]] = [
    OpenAIProvider,
    OpenAIResponsesProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenRouterProvider,
]
MODEL = "gemini-3-flash"  # the one name that means something: its signatures are demanded back
HI: dict[str, Any] = {"role": "user", "content": "hi"}


async def answered(provider: BaseProvider, history: list[Any], *, stream: bool) -> Any:
    response = await provider.acomplete(MODEL, history, stream=stream)
    return await response.final()


def opaque(body: Any) -> set[str]:
    """The signatures and encrypted contents in a request."""
    if isinstance(body, dict):
        fields = ("signature", "thoughtSignature", "encrypted_content", "reasoning_content")
        own = {str(value) for key, value in body.items() if key in fields and value}
        return own.union(*map(opaque, body.values()))
    return set().union(*map(opaque, body)) if isinstance(body, list) else set()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("first", CLASSES)
def test_a_conversation_goes_on_everywhere_and_its_signatures_at_home(first: type[BaseProvider], stream: bool) -> None:
    async def run() -> None:
        async with ProviderServer() as server, first("key", server.url(first.name())) as home:
            server.script(ToolCalls(("look", {"at": "sky"}), reasoning="hm", text="I look."))
            message = await answered(home, [HI], stream=stream)
            assert message.provider_name == home.name()
            result = home.tool_result(message.tool_calls[0], "rain")
            saved = json.loads(json.dumps([HI, message.to_dict(), result]))
            signed = opaque(message.original)
            for target in CLASSES:
                async with target("key", server.url(target.name())) as provider:
                    for history in ([HI, message, result], saved):
                        await answered(provider, history, stream=stream)
                        body = server.requests[-1].json
                        text = json.dumps(body)
                        assert "I look." in text
                        assert "look" in text
                        assert "rain" in text
                        if target is first:
                            assert opaque(body) == signed
                        else:
                            assert not opaque(body) & signed

    asyncio.run(run())


def test_two_servers_of_one_api_do_not_see_each_others_signatures() -> None:
    async def run() -> None:
        xai_class = provider_class("xairesponses")
        async with (
            ProviderServer() as server,
            OpenAIResponsesProvider("key", server.url("openairesponses")) as openai,
            xai_class("key", server.url("openairesponses")) as xai,
        ):
            server.script(Text("found it", reasoning="hm"))
            message = await answered(openai, [HI], stream=True)
            for provider in (openai, xai):
                await answered(provider, [HI, message, HI], stream=False)
            at_home, elsewhere = (request.json["input"] for request in server.requests[1:])
            assert at_home[1:-1] == message.original["output"]
            assert elsewhere == [HI, {"role": "assistant", "content": "found it"}, HI]

    asyncio.run(run())


def test_an_agents_tool_may_show_an_image() -> None:
    seen = [parts.text("here"), parts.image(b"\x89PNG\r\n\x1a\n")]

    def look() -> list[parts.Part]:
        """Look."""
        return seen

    async def run() -> None:
        async with ProviderServer() as server, ClaudeProvider("key", server.url("claude")) as provider:
            server.script(ToolCalls(("look", {})), Text("a square"))
            result = await Agent(provider, MODEL, tools=[look]).run([HI])
            assert result.content == "a square"
            blocks = server.requests[1].json["messages"][2]["content"][0]["content"]
            assert [block["type"] for block in blocks] == ["text", "image"]

    asyncio.run(run())
