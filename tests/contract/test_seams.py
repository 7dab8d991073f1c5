"""The inside of 0.5 as programs and their tests reach into it: hooks of subclasses, mocks, and inner methods.

Mocks are patched in here, because that is what such tests do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock, patch

import aiosonic
import pytest

from llm_async import Agent, tool
from llm_async.errors import InternalServerError
from llm_async.models import Message, Response, StreamChunk, Tool
from llm_async.models.response import ToolCall
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.testing import ProviderServer
from llm_async.utils import post_json, stream_json

from .calls import HELLO, against_server

CHAT = {"id": "1", "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}


def client_answering(body: Any, status: int = 200) -> AsyncMock:
    response = AsyncMock(status_code=status)
    response.json.return_value = body
    response.text.return_value = body if isinstance(body, str) else json.dumps(body)
    client = AsyncMock()
    for method in ("get", "post", "put", "patch", "delete"):
        getattr(client, method).return_value = response
    return client


def client_streaming(*events: Any) -> AsyncMock:
    async def read_chunks() -> AsyncIterator[bytes]:
        for event in events:
            yield b"data: " + (event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n\n"

    client = AsyncMock()
    client.post.return_value = AsyncMock(status_code=200, read_chunks=read_chunks)
    return client


# --- mocks in the place of the client


@pytest.mark.parametrize(
    ("provider_class", "events"),
    [
        (OpenAIProvider, [{"choices": [{"delta": {"content": text}}]} for text in "ab"]),
        (OpenRouterProvider, [{"choices": [{"delta": {"content": text}}]} for text in "ab"]),
        (ClaudeProvider, [{"delta": {"text": text}} for text in "ab"]),
        (GoogleProvider, [{"candidates": [{"content": {"parts": [{"text": text}]}}]} for text in "ab"]),
        (OpenAIResponsesProvider, [{"type": "response.output_text.delta", "delta": text} for text in "ab"]),
    ],
)
def test_the_barest_events_of_a_mock_are_text(provider_class: type[BaseProvider], events: list[Any]) -> None:
    async def run() -> None:
        client = client_streaming(b"", events[0], {"unknown": "shape"}, events[1], b"[DONE]")
        with patch("llm_async.providers.base.aiosonic.HTTPClient", return_value=client):
            provider = provider_class(api_key="k")
        response = await provider.acomplete("m", HELLO, stream=True)
        assert [chunk.content async for chunk in response.stream_generator] == ["a", "b"]
        client.post.assert_awaited_once()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("provider_class", "body"),
    [
        (OpenAIProvider, {"choices": [{"message": {"content": "hello"}}]}),
        (OpenRouterProvider, {"choices": [{"message": {"content": "hello"}}]}),
        (ClaudeProvider, {"content": [{"text": "hello"}]}),
        (GoogleProvider, {"candidates": [{"content": {"parts": [{"text": "hello"}]}}]}),
        (OpenAIResponsesProvider, {"output_text": "hello"}),
    ],
)
def test_the_barest_answer_of_a_mock_is_read(provider_class: type[BaseProvider], body: Any) -> None:
    provider = provider_class(api_key="k")
    provider.client = client_answering(body)
    assert asyncio.run(provider.acomplete("m", HELLO)).main_response.content == "hello"


def test_a_mocked_stream_of_the_responses_api_ends_in_its_items() -> None:
    reasoning = {"id": "rs_1", "type": "reasoning", "encrypted_content": "opaque"}
    call = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'}
    events = [
        {"type": "response.output_item.done", "item": reasoning, "output_index": 0},
        {"type": "response.output_item.added", "item": {**call, "arguments": ""}, "output_index": 0},
        {"type": "response.function_call_arguments.delta", "delta": '{"a":1}', "item_id": "fc_1"},
        {"type": "response.output_item.done", "item": call, "output_index": 0},
    ]

    async def run() -> None:
        provider = OpenAIResponsesProvider("k")
        provider.client = client_streaming(*events, b"[DONE]")
        response = await provider.acomplete("m", HELLO, stream=True)
        assert [text async for text in response.stream_content()] == []
        message = response.main_response
        assert message is not None
        assert message.reasoning_details == [reasoning]
        assert message.tool_calls == [ToolCall.from_responses_api_function_call("fc_1", "call_1", "add", '{"a":1}')]

    asyncio.run(run())


def test_an_error_status_of_a_mocked_stream_comes_at_its_first_step() -> None:
    async def run() -> None:
        provider = OpenAIProvider("k", retry_config=Mock(max_attempts=1))
        provider.client = client_answering("Internal Server Error", 500)
        response = await provider.acomplete("m", HELLO, stream=True)
        with pytest.raises(InternalServerError, match=r"^HTTP 500: "):
            async for _ in response.stream_generator:
                pass

    asyncio.run(run())


@pytest.mark.parametrize("module", ["openai", "openai_responses", "claude", "google", "openrouter"])
def test_post_json_can_be_replaced_in_the_module_of_a_provider(module: str) -> None:
    provider = {
        "openai": OpenAIProvider,
        "openai_responses": OpenAIResponsesProvider,
        "claude": ClaudeProvider,
        "google": GoogleProvider,
        "openrouter": OpenRouterProvider,
    }[module](api_key="k")
    bodies = {
        "claude": {"content": [{"type": "text", "text": "hello"}]},
        "google": {"candidates": [{"content": {"parts": [{"text": "hello"}]}}]},
    }

    async def run() -> None:
        with patch(f"llm_async.providers.{module}.post_json", new_callable=AsyncMock) as replaced:
            replaced.return_value = bodies.get(module, CHAT)
            response = await provider.acomplete("m", HELLO)
        assert response.main_response.content == "hello"
        assert replaced.await_args is not None
        _, url, body, headers = replaced.await_args.args
        assert url.startswith("https://")
        assert "hi" in json.dumps(body)
        assert "k" in "".join(headers.values())

    asyncio.run(run())


@pytest.mark.parametrize(
    ("module", "provider_class", "event"),
    [
        ("base", OpenAIProvider, {"choices": [{"delta": {"content": "a"}}]}),
        ("base", ClaudeProvider, {"delta": {"text": "a"}}),
        ("openai_responses", OpenAIResponsesProvider, {"type": "response.output_text.delta", "delta": "a"}),
    ],
)
def test_stream_json_can_be_replaced_in_the_module_of_a_provider(
    module: str, provider_class: type[BaseProvider], event: dict[str, Any]
) -> None:
    async def events(client: Any, url: str, body: Any, headers: Any, retry_config: Any = None) -> AsyncIterator[Any]:
        assert url.startswith("https://")
        assert "k" in "".join(headers.values())
        yield event

    async def run() -> None:
        provider = provider_class(api_key="k")
        with patch(f"llm_async.providers.{module}.stream_json", events):
            response = await provider.acomplete("m", HELLO, stream=True)
            assert [text async for text in response.stream_content()] == ["a"]

    asyncio.run(run())


def test_a_third_party_provider_goes_through_what_replaces_the_functions_of_the_base_module() -> None:
    async def events(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        yield {"choices": [{"delta": {"content": "a"}}]}

    async def run() -> None:
        provider = ThirdParty("k", "https://example.invalid/v1")
        with patch("llm_async.providers.base.post_json", AsyncMock(return_value=CHAT)) as replaced:
            assert (await provider.acomplete("m", HELLO)).main_response.content == "hello"
        assert replaced.await_args.args[1] == "https://example.invalid/v1/chat/completions"
        with patch("llm_async.providers.base.stream_json", events):
            response = await provider.acomplete("m", HELLO, stream=True)
            assert [text async for text in response.stream_content()] == ["a"]

    asyncio.run(run())


def test_an_inner_method_can_be_replaced_on_the_base_class() -> None:
    async def chunks() -> AsyncIterator[StreamChunk]:
        yield StreamChunk("canned", {})

    async def run() -> None:
        canned = Response({}, "mine", stream=True, stream_generator=chunks())
        with patch.object(BaseProvider, "_stream_response", Mock(return_value=canned)):
            response = await ClaudeProvider("k").acomplete("m", HELLO, stream=True)
        assert [text async for text in response.stream_content()] == ["canned"]

    asyncio.run(run())


@pytest.mark.parametrize(("method", "sends"), [("GET", False), ("POST", True), ("PUT", True), ("DELETE", False)])
def test_request_goes_through_a_mocked_client(method: str, sends: bool) -> None:
    async def run() -> None:
        provider = OpenAIProvider("k")
        provider.client = client = client_answering({"ok": True})
        assert await provider.request(method, "/x", {"a": 1} if sends else None, own="1") == {"ok": True}
        called = getattr(client, method.lower())
        called.assert_awaited_once()
        assert called.await_args.args == ("https://api.openai.com/v1/x",)
        assert called.await_args.kwargs["headers"]["own"] == "1"
        assert called.await_args.kwargs["headers"]["Authorization"] == "Bearer k"
        assert called.await_args.kwargs.get("json") == ({"a": 1} if sends else None)
        client.get.return_value = {"as": "it is"}
        assert await provider.request("GET", "/x") == {"as": "it is"}

    asyncio.run(run())


def test_an_inner_method_can_be_replaced_on_one_provider() -> None:
    async def run() -> None:
        provider = OpenAIProvider("k")
        with patch.object(provider, "_http_post", AsyncMock(return_value=CHAT)):
            assert (await provider.acomplete("m", HELLO)).main_response.content == "hello"

    asyncio.run(run())


def test_headers_with_the_key_reach_the_wire_through_the_providers_own_client() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        headers = provider._headers_for_request()
        payload = {"model": "m", "messages": HELLO}
        url = server.url("openai") + "/chat/completions"
        response = await provider.client.post(url, json=payload, headers=headers)
        assert response.status_code == 200
        assert server.requests[-1].headers["authorization"] == "Bearer secret"
        answer = await post_json(provider.client, url, payload, headers)
        assert answer["choices"]
        assert server.requests[-1].headers["authorization"] == "Bearer secret"
        streamed = [event async for event in stream_json(provider.client, url, {**payload, "stream": True}, headers)]
        assert streamed[0]["choices"]

    against_server(OpenAIProvider, body)


# --- providers that others wrote


class ThirdParty(BaseProvider):
    """Written against 0.5: dicts come in, and the base class does the rest."""

    async def _single_complete(
        self, model: str, messages: list[dict[str, Any]], stream: bool = False, tools: Any = None,
        tool_choice: Any = None, **kwargs: Any,
    ) -> Response:  # type: ignore[override]  # fmt: skip
        assert kwargs.pop("response_schema") is None
        headers = kwargs.pop("headers")
        payload = {"model": model, "messages": messages, "stream": stream, **kwargs}
        if stream:
            url = f"{self.base_url}/chat/completions"
            answer: Response = self._stream_response(url, payload, self._headers_for_request(headers), "openai")
            return answer
        original = await self._http_post("/chat/completions", payload, headers)
        return Response(original, self.name(), self._parse_response(original))

    def _parse_response(self, original: dict[str, Any]) -> Message:
        return Message("assistant", original["choices"][0]["message"]["content"], original=original)


def test_a_third_party_provider_sends_dicts_and_default_headers() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        response = await provider.acomplete("m", [Message("user", "hi")], headers={"X-Own": "1"}, temperature=0)
        assert response.main_response.content == "You said: hi"
        sent = server.requests[-1]
        assert sent.json == {"model": "m", "messages": HELLO, "stream": False, "temperature": 0}
        assert (sent.headers["authorization"], sent.headers["x-own"]) == ("Bearer secret", "1")

    _third_party(body)


def _third_party(body: Any) -> None:
    async def run() -> None:
        async with ProviderServer() as server, ThirdParty("secret", server.url("openai")) as provider:
            await body(server, provider)

    asyncio.run(run())


def test_a_third_party_provider_streams() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        response = await provider.acomplete("m", HELLO, stream=True)
        assert isinstance(response, Response)
        assert response.stream
        texts = [chunk.content async for chunk in response.stream_generator]
        assert "".join(str(text) for text in texts) == "You said: hi"
        assert server.requests[-1].headers["authorization"] == "Bearer secret"
        response = await provider.acomplete("m", HELLO, stream=True)
        assert "".join([chunk.delta async for chunk in response]) == "You said: hi"

    _third_party(body)


def test_a_provider_whose_constructor_does_not_call_ours_works() -> None:
    class Bare(BaseProvider):
        def __init__(self) -> None:
            pass

        async def _single_complete(self, model: Any, messages: Any, *args: Any, **kwargs: Any) -> Response:
            return Response({"messages": messages}, self.name(), Message("assistant", "hello"))

    class OnAMock(OpenAIProvider):
        def __init__(self, client: Any) -> None:
            self.client = client
            self.api_key, self.base_url = "k", "https://example.invalid/v1"

    async def run() -> None:
        for messages in (HELLO, []):
            assert (await Bare().acomplete("m", messages)).original == {"messages": messages}
        assert "Bare" in repr(Bare())
        client = client_answering(CHAT)
        assert (await OnAMock(client).acomplete("m", HELLO)).main_response.content == "hello"
        assert client.post.await_args.kwargs["headers"]["Authorization"] == "Bearer k"
        assert await OnAMock(client).request("GET", "/x") == CHAT
        client = client_streaming({"choices": [{"delta": {"content": "a"}}]})
        response = await OnAMock(client).acomplete("m", HELLO, stream=True)
        assert [text async for text in response.stream_content()] == ["a"]
        call = ToolCall("c", "function", function={"name": "f", "arguments": "{}"})
        assert (await OnAMock(client).execute_tool(call, {"f": lambda: "x"}))["content"] == "x"
        async with ProviderServer() as server:
            provider = OnAMock(None)
            provider.client, provider.base_url = aiosonic.HTTPClient(), server.url("openai")
            assert (await provider.acomplete("m", HELLO)).main_response.content == "You said: hi"
            await provider.aclose()

    asyncio.run(run())


def test_a_post_json_of_a_subclasss_own_module_is_its_own_business() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with patch.dict(globals(), {"post_json": AsyncMock()}):
            assert (await Own("k", server.url("openai")).acomplete("m", HELLO)).main_response.content == "You said: hi"

    class Own(OpenAIProvider):
        pass

    against_server(OpenAIProvider, body)


def test_a_subclass_that_serializes_messages_is_handed_message_objects() -> None:
    class Shouting(OpenAIProvider):
        def _serialize_messages(self, messages: Sequence[Message]) -> list[dict[str, Any]]:  # type: ignore[override]
            return [{"role": message.role, "content": str(message.content).upper()} for message in messages]

    async def run() -> None:
        async with ProviderServer() as server, Shouting("k", server.url("openai")) as provider:
            await provider.acomplete("m", HELLO)
            assert server.requests[-1].json["messages"] == [{"role": "user", "content": "HI"}]

    asyncio.run(run())


def test_a_subclass_may_put_messages_into_the_list_that_it_is_handed_and_they_are_checked() -> None:
    class Terse(OpenAIProvider):
        role = "system"

        def _serialize_messages(self, messages: Any) -> list[dict[str, Any]]:
            messages.insert(0, {"role": self.role, "content": "Be brief."})
            return super()._serialize_messages(messages)

    async def run() -> None:
        async with ProviderServer() as server, Terse("k", server.url("openai")) as provider:
            await provider.acomplete("m", HELLO)
            assert server.requests[-1].json["messages"] == [{"role": "system", "content": "Be brief."}, *HELLO]
            provider.role = "nobody"
            with pytest.raises(ValueError, match="nobody"):
                await provider.acomplete("m", HELLO)

    asyncio.run(run())


def test_a_subclass_that_changes_headers_tools_or_messages_is_obeyed_in_streams_too() -> None:
    class Changed(OpenAIProvider):
        def _default_headers(self) -> dict[str, str]:
            return {"Authorization": f"Token {self.api_key}", "Content-Type": "application/json"}

        def _format_tools(self, tools: Any) -> list[dict[str, Any]]:
            return [{"type": "function", "function": {"name": "renamed"}}]

    async def run() -> None:
        async with ProviderServer() as server, Changed("secret", server.url("openai")) as provider:
            for stream in (False, True):
                response = await provider.acomplete("m", HELLO, stream=stream, tools=[Tool("look", "Look.")])
                await response.final()
                assert server.requests[-1].headers["authorization"] == "Token secret"
                assert server.requests[-1].json["tools"][0]["function"]["name"] == "renamed"

    asyncio.run(run())


def test_a_subclass_that_makes_the_streamed_response_itself_is_asked_to() -> None:
    class Canned(OpenAIProvider):
        def _stream_response(self, url: str, payload: Any, headers: Any, parse_provider: str = "openai") -> Response:
            async def chunks() -> AsyncIterator[StreamChunk]:
                yield StreamChunk("canned", {})

            return Response({}, "mine", stream=True, stream_generator=chunks())

    async def run() -> None:
        response = await Canned("k").acomplete("m", HELLO, stream=True)
        assert response.provider_name == "mine"
        assert [chunk.delta async for chunk in response] == ["canned"]

    asyncio.run(run())


def test_a_subclass_that_only_posts_itself_still_streams_over_the_network() -> None:
    class Posting(OpenAIProvider):
        async def _http_post(self, endpoint: str, data: Any, headers: Any = None) -> dict[str, Any]:
            return CHAT

    async def run() -> None:
        async with ProviderServer() as server, Posting("secret", server.url("openai")) as provider:
            assert (await provider.acomplete("m", HELLO)).main_response.content == "hello"
            assert server.requests == []
            response = await provider.acomplete("m", HELLO, stream=True)
            assert (await response.final()).content == "You said: hi"
            assert server.requests[-1].headers["authorization"] == "Bearer secret"

    asyncio.run(run())


# --- inner methods that programs call


class TestGooglesInnerMethods:
    def test_contents_are_formatted(self) -> None:
        messages = [
            {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]},
            {"role": "assistant", "content": [{"type": "tool_result", "name": "f", "content": "OK"}]},
        ]  # fmt: skip
        parts = [part for content in GoogleProvider("k")._format_messages(messages) for part in content["parts"]]
        assert parts[0]["functionCall"] == {"name": "f", "args": {"a": 1}}
        answer = next(part["functionResponse"] for part in parts if "functionResponse" in part)
        assert (answer["name"], answer["response"]) == ("f", {"result": "OK"})

    def test_payloads_are_built(self) -> None:
        provider = GoogleProvider("k")
        tools = [Tool("sum", "Adds.", {"type": "object"})]
        payload = provider._build_request_payload(messages=HELLO, tools=tools)
        assert payload["tools"] == provider._format_tools(tools)
        assert payload["tools"][0]["functionDeclarations"][0]["name"] == "sum"

    def test_headers_and_addresses_are_built(self) -> None:
        assert GoogleProvider("k")._build_headers()["X-GOOG-API-KEY"] == "k"
        provider = GoogleProvider(vertex_config={"project_id": "p", "goth_token": "t"})
        assert provider._build_headers()["Authorization"] == "Bearer t"
        url = provider._build_vertex_url({"project_id": "p", "location_id": "europe-west1"})
        assert url.startswith("https://europe-west1-aiplatform.googleapis.com/")
        with pytest.raises(ValueError, match="project_id"):
            provider._build_vertex_url({})

    def test_schemas_are_cleaned(self) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": False}}}
        assert GoogleProvider._clean_schema({**schema, "additionalProperties": False}) == {
            "type": "object",
            "properties": {"a": {"type": "object"}},
        }

    @pytest.mark.parametrize("stream", [False, True])
    def test_overriding_them_changes_the_request(self, stream: bool) -> None:
        class Changed(GoogleProvider):
            def _build_request_payload(
                self, messages: Any, tools: Any, response_schema: Any = None, **kwargs: Any
            ) -> Any:
                assert kwargs == {"temperature": 0}
                payload = super()._build_request_payload(messages, tools, response_schema, **kwargs)
                return {**payload, "safetySettings": []}

            def _format_messages(self, messages: Any) -> Any:
                return [*super()._format_messages(messages), {"role": "user", "parts": [{"text": "and"}]}]

            @staticmethod
            def _clean_schema(schema: Any) -> Any:
                return {**schema, "title": "cleaned"}

        async def run() -> None:
            schema = {"type": "object", "properties": {"x": {"type": "string"}}}
            async with ProviderServer() as server, Changed("k", server.url("google")) as provider:
                response = await provider.acomplete(
                    "m", HELLO, stream=stream, tools=[Tool("look", "Look.", schema)], tool_choice="none",
                    temperature=0, timeouts=30, extra_body={"cachedContent": "c"},
                )  # fmt: skip
                await response.final()
                sent = server.requests[-1].json
            assert [content["parts"][0]["text"] for content in sent["contents"]] == ["hi", "and"]
            assert sent["tools"][0]["functionDeclarations"][0]["parameters"] == {**schema, "title": "cleaned"}
            assert (sent["safetySettings"], sent["cachedContent"]) == ([], "c")
            assert sent["generationConfig"] == {"temperature": 0}
            assert sent["toolConfig"]["functionCallingConfig"]["mode"] == "NONE"

        asyncio.run(run())


def test_a_subclass_that_makes_the_input_of_the_responses_api_itself_is_asked_to() -> None:
    class Changed(OpenAIResponsesProvider):
        def _messages_to_input(self, messages: Any) -> Any:
            return f"{super()._messages_to_input(messages)}!"

    async def run() -> None:
        async with ProviderServer() as server, Changed("k", server.url("openairesponses")) as provider:
            for stream in (False, True):
                await (await provider.acomplete("m", HELLO, stream=stream, extra_body={"truncation": "auto"})).final()
                assert server.requests[-1].json["input"] == "hi!"
                assert server.requests[-1].json["truncation"] == "auto"

    asyncio.run(run())


def test_input_of_the_responses_api_is_made_of_messages() -> None:
    provider = OpenAIResponsesProvider("k")
    call = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"}
    message = provider._parse_response({"output": [{"id": "rs_1", "type": "reasoning"}, call]})
    assert message.original is not None
    items = provider._messages_to_input([*HELLO, message.original])
    assert [item.get("type") or item["role"] for item in items if isinstance(item, dict)] == [
        "user", "reasoning", "function_call",
    ]  # fmt: skip
    assert provider._messages_to_input(HELLO) == "hi"


# --- tools and agents


@pytest.mark.parametrize("kind", ["unknown_type", "server_tool_use", "function_call_output"])
def test_a_call_of_another_kind_is_not_run(kind: str) -> None:
    call = ToolCall("c", kind, function={"name": "look", "arguments": "{}"})
    look = Mock(return_value="seen")
    with pytest.raises(Exception, match=r"^no tool defined$"):
        asyncio.run(OpenAIProvider("k").execute_tool(call, {"look": look}))
    look.assert_not_called()


def test_mocks_serve_as_tools() -> None:
    look = Mock(return_value="seen")
    call = ToolCall("c", "function", function={"name": "look", "arguments": '{"a": 1, "b": [2]}'})
    result = asyncio.run(OpenAIProvider("k").execute_tool(call, {"look": look}))
    assert result == {"role": "tool", "tool_call_id": "c", "content": "seen"}
    look.assert_called_once_with(a=1, b=[2])


@tool
def look(x: str = "") -> str:
    """Look."""
    return f"seen {x}"


def said(*calls: str) -> Any:
    message = Message("assistant", "", original={"role": "assistant", "content": "", "calls": list(calls)})
    message.tool_calls = [ToolCall(each, "function", function={"name": "look", "arguments": "{}"}) for each in calls]
    return MagicMock(spec=Response, main_response=message)


def provider_saying(*answers: Any) -> AsyncMock:
    provider = AsyncMock()
    provider.execute_tool = AsyncMock(side_effect=lambda call, tools: {"role": "tool", "content": call.id})
    provider.acomplete.side_effect = answers
    return provider


class TestAgentsWithMockedProviders:
    @pytest.mark.parametrize("parallel", [True, False])
    def test_results_follow_the_answer_in_the_order_of_the_calls(self, parallel: bool) -> None:
        provider = provider_saying(said("c1", "c2"), said())
        agent = Agent(provider=provider, model="m", tools=[look], parallel_tools=parallel)
        question = list(HELLO)
        with patch("llm_async.agent.asyncio.gather", wraps=asyncio.gather) as gather:
            asyncio.run(_finish(agent, question))
        assert gather.call_count == parallel
        assert provider.execute_tool.await_count == 2
        messages = provider.acomplete.await_args_list[1].kwargs["messages"]
        assert messages[1]["calls"] == ["c1", "c2"]
        assert [each["content"] for each in messages[2:]] == ["c1", "c2"]
        assert question == HELLO

    def test_everything_is_given_to_the_provider_by_keyword(self) -> None:
        provider = provider_saying(said())
        asyncio.run(_finish(Agent(provider, "m", [look]), HELLO, tool_choice="required", temperature=0.5))
        assert provider.acomplete.await_args.kwargs == {
            "model": "m",
            "messages": HELLO,
            "tools": [look.tool],
            "tool_choice": "required",
            "temperature": 0.5,
        }

    def test_its_settings_are_attributes(self) -> None:
        provider = provider_saying()
        agent = Agent(provider, "m", [look], False, 3)
        assert (agent.provider, agent.model, agent.parallel_tools, agent.max_iter) == (provider, "m", False, 3)

    def test_the_old_silence_at_the_end_of_its_turns_can_be_had(self) -> None:
        provider = provider_saying(*[said("c")] * 3)
        agent = Agent(provider, "m", [look], max_iter=3, raise_on_max_iter=False)
        response = asyncio.run(_finish(agent, HELLO))
        assert response.main_response.tool_calls
        assert provider.acomplete.await_count == 3
        assert asyncio.run(_finish(Agent(provider, "m", [look], max_iter=0, raise_on_max_iter=False), HELLO)) is None


async def _finish(agent: Agent, messages: Any, **kwargs: Any) -> Any:
    return await agent.acomplete(messages, **kwargs)


def test_a_tool_can_be_made_with_and_without_parentheses() -> None:
    @tool()
    def look_again(x: str) -> str:
        """Look again."""
        return x

    assert look("b") == "seen b"
    assert look_again("b") == "b"
    assert look_again.tool == Tool("look_again", "Look again.", look_again.tool.parameters, look_again.tool.parameters)
