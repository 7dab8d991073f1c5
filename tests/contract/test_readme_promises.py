"""What the README of 0.5 promised: each promise is kept, in the words of a program that takes it at its word."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from llm_async import Agent, ClaudeProvider, GoogleProvider, OpenAIProvider, OpenRouterProvider, tool
from llm_async.errors import ProtocolError
from llm_async.models import Message, Response, ResponseSchema, StreamChunk, Timeouts, Tool
from llm_async.providers import BaseProvider, OpenAIResponsesProvider
from llm_async.testing import ProviderServer, Raw, Text, ToolCalls

from ..raw_server import RawServer, answering
from .calls import HELLO, PROVIDERS, against_server, every_provider

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
    "required": ["name", "size"],
    "additionalProperties": False,
}


@every_provider
def test_what_acomplete_streams_is_iterated_over_directly(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(["a", "b"]), times=3)
        texts = []
        async for chunk in await provider.acomplete("m", HELLO, stream=True):
            assert isinstance(chunk, StreamChunk)
            texts.append(chunk.delta)
        assert "".join(texts) == "ab"
        response = await provider.acomplete("m", HELLO, stream=True)
        assert [chunk.content async for chunk in response.stream_generator] == ["a", "b"]
        response = await provider.acomplete("m", HELLO, stream=True)
        assert [text async for text in response.stream_content()] == ["a", "b"]

    against_server(provider_class, body)


@every_provider
def test_a_chunks_delta_is_always_a_text(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(ToolCalls(("look", {"a": 1}), text="Wait."))
        tools = [Tool("look", "Look.", {"type": "object"})]
        async for chunk in await provider.acomplete("m", HELLO, stream=True, tools=tools):
            assert isinstance(chunk.delta, str)
            assert chunk.delta == chunk.content
            assert isinstance(chunk.original, dict)

    against_server(provider_class, body)


@every_provider
def test_client_kwargs_take_a_timeout_and_verify(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        assert provider.timeouts == Timeouts(response=30, idle=30)
        assert (await provider.acomplete("m", HELLO)).main_response.content

    against_server(provider_class, body, client_kwargs={"timeout": 30, "verify": True})


@every_provider
def test_acomplete_gives_an_answer_or_an_async_iterator(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        whole = await provider.acomplete("m", HELLO)
        assert isinstance(whole, Response)
        assert isinstance(whole.main_response, Message)
        streamed = await provider.acomplete("m", HELLO, stream=True)
        assert isinstance(streamed, Response)
        assert hasattr(streamed, "__aiter__")

    against_server(provider_class, body)


@every_provider
def test_an_answer_can_be_checked_against_its_schema(provider_class: type[BaseProvider]) -> None:
    pytest.importorskip("jsonschema")

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        schema = ResponseSchema(SCHEMA)
        good = await provider.acomplete("m", HELLO, response_schema=schema)
        value = schema.parse(good.main_response)
        assert isinstance(value["size"], int)
        server.script(Text('{"name": "a", "size": "large"}'), Text("large"))
        wrong = await provider.acomplete("m", HELLO, response_schema=schema)
        with pytest.raises(ProtocolError, match=r"at \$\.size: 'large' is not of type 'integer'") as caught:
            schema.parse(wrong.main_response)
        assert caught.value.partial == wrong.main_response
        text = await provider.acomplete("m", HELLO, response_schema=schema)
        with pytest.raises(ProtocolError, match="not JSON"):
            schema.parse(text.main_response.text)

    against_server(provider_class, body)


def test_a_refusal_is_told_apart_from_a_wrong_answer() -> None:
    pytest.importorskip("jsonschema")
    with pytest.raises(ProtocolError, match=r"refused to answer: I would rather not"):
        ResponseSchema(SCHEMA).parse(Message("assistant", "", refusal="I would rather not"))


@pytest.mark.parametrize("stream", [False, True])
def test_structured_answers_come_from_claude_too(stream: bool) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        response = await provider.acomplete("m", HELLO, response_schema=SCHEMA, stream=stream)
        assert '"size"' in (await response.final()).text

    against_server(ClaudeProvider, body)


@every_provider
def test_headers_of_a_request_are_keywords_or_a_mapping(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await provider.request("GET", "/models", custom_header="value", headers={"Custom-Header": "dashed"})
        names = dict(server.requests[-1].raw_headers)
        assert (names["custom_header"], names["Custom-Header"]) == ("value", "dashed")

    against_server(provider_class, body)


@every_provider
def test_request_lists_the_models_of_every_provider(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        found = await provider.request("GET", "/models")
        assert found.get("data") or found.get("models")
        assert server.requests[-1].path.endswith("/models")
        assert "/models/models" not in server.requests[-1].path.replace("//", "/")

    against_server(provider_class, body)


@pytest.mark.parametrize("provider_class", PROVIDERS)
def test_request_survives_an_answer_without_a_body(provider_class: type[BaseProvider]) -> None:
    async def run() -> None:
        answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        async with RawServer(answering(answer)) as server, provider_class("k", server.url) as provider:
            assert await provider.request("DELETE", "/files/1", {"why": "old"}) is None
            assert server.requests[0].endswith(b'{"why":"old"}')

    asyncio.run(run())


def test_a_decorated_functions_schema_is_printed_as_0_5_made_it() -> None:
    @tool
    def word_count(text: str, limit: int | None = None) -> int:
        """Count the words of a text."""
        return len(text.split()[:limit])

    assert word_count("a b c") == 3
    assert (word_count.tool.name, word_count.tool.description) == ("word_count", "Count the words of a text.")
    schema = word_count.tool.parameters
    assert schema is word_count.tool.input_schema
    assert schema is not None
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["text"]
    assert schema["properties"]["text"] == {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, False),
        ({**SCHEMA, "required": ["name"]}, False),
        (SCHEMA, True),
    ],
)
def test_strict_is_asked_for_where_the_schema_allows_it(schema: dict[str, Any], strict: bool) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await provider.acomplete("m", HELLO, tools=[Tool("look", "Look.", parameters=schema)])
        assert server.requests[-1].json["tools"][0]["strict"] is strict

    against_server(OpenAIResponsesProvider, body)


@every_provider
@pytest.mark.parametrize("field", ["parameters", "input_schema"])
def test_one_tool_serves_every_provider_whichever_schema_it_has(provider_class: type[BaseProvider], field: str) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(ToolCalls(("look", {"name": "a", "size": 1})))
        response = await provider.acomplete("m", HELLO, tools=[Tool("look", "Look.", **{field: SCHEMA})])
        assert "integer" in str(server.requests[-1].json["tools"])
        assert response.main_response.tool_calls
        assert response.main_response.tool_calls[0].arguments == {"name": "a", "size": 1}

    against_server(provider_class, body)


@every_provider
def test_tools_run_side_by_side_async_ones_and_sync_ones(provider_class: type[BaseProvider]) -> None:
    # Each waits for the other: one after the other they would wait for ever.
    meeting = threading.Barrier(2, timeout=30)

    @tool
    def blocking(a: int) -> str:
        """Block."""
        meeting.wait()
        return f"blocked {a}"

    @tool
    async def waiting(a: int) -> str:
        """Wait."""
        await asyncio.get_running_loop().run_in_executor(None, meeting.wait)
        return f"waited {a}"

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(ToolCalls(("blocking", {"a": 1}), ("waiting", {"a": 2})), Text("done"))
        response = await Agent(provider, "m", tools=[blocking, waiting]).acomplete(HELLO)
        assert response.main_response.content == "done"
        said = str(server.requests[-1].json)
        assert "blocked 1" in said
        assert "waited 2" in said

    against_server(provider_class, body)


@pytest.mark.parametrize("ending", ["\n\n", "\r\n\r\n", "\r\r"])
def test_each_event_is_handed_over_when_it_arrives(ending: str) -> None:
    event = '{"choices":[{"index":0,"delta":{"content":"%s"}}]}'
    read = asyncio.Event()

    async def script(peer: Any) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        await peer.send(f"data: {event % 'a'}{ending}".encode())
        # The rest is sent only when the first chunk has been read.
        await read.wait()
        await peer.send(f"data: {event % 'b'}{ending}data: [DONE]{ending}".encode())

    async def run() -> None:
        async with RawServer(script) as server, OpenAIProvider("k", server.url) as provider:
            texts = []
            async for chunk in await provider.acomplete("m", HELLO, stream=True):
                texts.append(chunk.delta)
                read.set()
            assert texts[:2] == ["a", "b"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("provider_class", "variable"),
    [
        (OpenAIProvider, "OPENAI_API_KEY"),
        (OpenAIResponsesProvider, "OPENAI_API_KEY"),
        (OpenRouterProvider, "OPENROUTER_API_KEY"),
        (ClaudeProvider, "CLAUDE_API_KEY"),
        (ClaudeProvider, "ANTHROPIC_API_KEY"),
        (GoogleProvider, "GEMINI_API_KEY"),
        (GoogleProvider, "GOOGLE_API_KEY"),
    ],
)
def test_keys_are_found_in_the_environment(
    provider_class: type[BaseProvider], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in provider_class.ENV_KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "from-the-environment")

    async def run() -> None:
        async with ProviderServer(api_key="from-the-environment") as server:
            provider = provider_class(base_url=server.url(provider_class.name()))
            async with provider:
                assert (await provider.acomplete("m", HELLO)).main_response.content

    asyncio.run(run())


CHOICES: dict[type[BaseProvider], Any] = {
    OpenAIProvider: ("auto", "required", "none", {"type": "function", "function": {"name": "look"}}),
    OpenRouterProvider: ("auto", "required", "none", {"type": "function", "function": {"name": "look"}}),
    OpenAIResponsesProvider: ("auto", "required", "none", {"type": "function", "name": "look"}),
    ClaudeProvider: ({"type": "auto"}, {"type": "any"}, {"type": "none"}, {"type": "tool", "name": "look"}),
    GoogleProvider: (
        {"mode": "AUTO"},
        {"mode": "ANY"},
        {"mode": "NONE"},
        {"mode": "ANY", "allowedFunctionNames": ["look"]},
    ),
}


@every_provider
def test_one_vocabulary_of_choices_reaches_every_provider(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        for choice, expected in zip(("auto", "required", "none", "look"), CHOICES[provider_class], strict=True):
            await provider.acomplete(
                "m", HELLO, tools=[Tool("look", "Look.", {"type": "object", "properties": {}})], tool_choice=choice
            )
            sent = server.requests[-1].json
            found = sent["toolConfig"]["functionCallingConfig"] if "toolConfig" in sent else sent["tool_choice"]
            assert found == expected

    against_server(provider_class, body)


@pytest.mark.parametrize("stream", [False, True])
def test_the_id_to_go_on_from_is_in_the_original(stream: bool) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        response = await provider.acomplete("m", HELLO, stream=stream)
        await response.final()
        await provider.acomplete("m", HELLO, previous_response_id=response.original["id"])
        assert server.requests[-1].json["previous_response_id"] == response.id

    against_server(OpenAIResponsesProvider, body)


@every_provider
def test_the_same_program_talks_to_every_provider(provider_class: type[BaseProvider]) -> None:
    @tool
    def look(name: str) -> str:
        """Look."""
        return f"{name} is there"

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(ToolCalls(("look", {"name": "Bergen"})))
        first = await provider.acomplete(model="m", messages=HELLO, tools=[look.tool], tool_choice="auto")
        call = first.main_response.tool_calls[0]  # type: ignore[index]
        result = await provider.execute_tool(call, {"look": look})
        history = [*HELLO, first.main_response.original, result]
        second = await provider.acomplete(model="m", messages=history, tools=[look.tool])
        assert "Bergen is there" in second.main_response.text

    against_server(provider_class, body)


def test_a_raw_answer_of_a_provider_is_kept_beside_what_was_read() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(b'{"id":"1","strange":true,"choices":[{"message":{"role":"assistant","content":"a"}}]}'))
        response = await provider.acomplete("m", HELLO)
        assert response.original["strange"] is True

    against_server(OpenAIProvider, body)
