"""A conversation over real sockets: on with the same provider, on with another one, from memory and from JSON."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from llm_async import (
    Agent,
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    Message,
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


@pytest.mark.parametrize("saved", [False, True], ids=["kept", "saved"])
@pytest.mark.parametrize("provider_class", CLASSES)
def test_results_find_their_calls_in_any_order_also_after_json(provider_class: type[BaseProvider], saved: bool) -> None:
    async def run() -> None:
        async with ProviderServer() as server, provider_class("key", server.url(provider_class.name())) as provider:
            server.script(ToolCalls(("look", {"at": "sky"}), ("look", {"at": "sea"})))
            message = await answered(provider, [HI], stream=False)
            if saved:
                message = Message.from_dict(json.loads(json.dumps(message.to_dict())))
            results = [provider.tool_result(call, call.arguments["at"]) for call in reversed(message.tool_calls)]
            await provider.acomplete(MODEL, [HI, message, *results])
            asked, told = {}, {}
            for holder in holders(server.requests[-1].json):
                if "args" in holder or "input" in holder or "arguments" in holder:
                    asked[str(holder.get("call_id") or holder.get("id"))] = str(holder)
                elif "response" in holder:
                    told[holder["id"]] = holder["response"]["result"]
                for key in ("tool_call_id", "tool_use_id", "call_id"):
                    if key in holder and ("content" in holder or "output" in holder):
                        told[holder[key]] = holder.get("content", holder.get("output"))
            assert len(told) == 2
            assert all(told[id] in asked[id] for id in told), (asked, told)

    asyncio.run(run())


@pytest.mark.parametrize("plain", [False, True])
def test_a_turn_of_geminis_without_its_original_names_its_calls_as_the_results_do(plain: bool) -> None:
    async def run() -> None:
        async with ProviderServer() as server, GoogleProvider("key", server.url("google")) as google:
            server.script(ToolCalls(("look", {"at": "sky"})))
            message = await answered(google, [HI], stream=False)
            (call,) = message.tool_calls
            result = google.tool_result(call, "rain")
            calls = [replace(call, id=str(call.id))] if plain else [call]  # as a program of one's own may keep them
            await google.acomplete(MODEL, [HI, Message("assistant", "I look.", tool_calls=calls), result])
            _, said, told = server.requests[-1].json["contents"]
            asked = said["parts"][1]["functionCall"]
            assert asked.get("id") == told["parts"][0]["functionResponse"].get("id") == (None if plain else call.id)

    asyncio.run(run())


def holders(value: Any) -> list[dict[str, Any]]:
    """All objects in a request; the name and arguments of a call of Chat Completions beside its id."""
    if isinstance(value, dict):
        own = {**value, **value["function"]} if isinstance(value.get("function"), dict) else value
        inner = [] if own is not value else [found for each in value.values() for found in holders(each)]
        return [own, *inner]
    return [found for each in value for found in holders(each)] if isinstance(value, list) else []


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
