"""What a call sends, what it refuses to send, and what comes back: every provider against the embedded server."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from llm_async import tool
from llm_async.errors import APIStatusError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError
from llm_async.models import Message, ResponseSchema, Timeouts, Tool
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer, Refusal, Text, ToolCalls

PROVIDERS = [OpenAIProvider, OpenAIResponsesProvider, ClaudeProvider, GoogleProvider, OpenRouterProvider]
HELLO = [{"role": "user", "content": "Good morning"}]
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
    "required": ["name", "size"],
    "additionalProperties": False,
}
WEATHER = Tool(
    "weather", "Tell the weather.", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
)

every_provider = pytest.mark.parametrize("provider_class", PROVIDERS, ids=lambda provider: provider.name())


def against_server(
    provider_class: type[BaseProvider],
    body: Callable[[ProviderServer, BaseProvider], Coroutine[Any, Any, Any]],
    **options: Any,
) -> Any:
    """Run ``body(server, provider)``."""

    async def run() -> Any:
        async with ProviderServer() as server:
            options.setdefault("retry_config", RetryConfig(base_delay=0))
            async with provider_class(
                api_key="secret", base_url=server.url(provider_class.name()), **options
            ) as provider:
                return await body(server, provider)

    return asyncio.run(run())


@every_provider
class TestAnswers:
    def test_an_answer_and_its_stream_are_the_same(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text("Hello there.", reasoning="Let me think."), times=2)
            whole = await provider.acomplete("m", HELLO)
            streamed = await provider.acomplete("m", HELLO, stream=True)
            assert streamed.main_response is None
            assert streamed.original == {}
            chunks = [chunk async for chunk in streamed]
            assert "".join(chunk.delta for chunk in chunks) == "Hello there."
            assert "".join(chunk.reasoning for chunk in chunks) == "Let me think."
            for response in (whole, streamed):
                message = response.main_response
                assert message is not None
                assert (message.content, message.reasoning) == ("Hello there.", "Let me think.")
                assert response.finish_reason == message.finish_reason == "stop"
                assert response.stop_reason == message.stop_reason
                assert response.usage is not None
                assert response.usage.raw
                assert response.provider_name == provider_class.name()
                assert response.id
                assert response.headers["content-type"]
            assert whole.stop_reason == streamed.stop_reason
            assert chunks[-1].finish_reason == "stop"
            assert chunks[-1].stop_reason == whole.stop_reason
            assert whole.original.keys() == streamed.original.keys()

        against_server(provider_class, body)

    def test_parallel_tool_calls_arrive_whole_and_in_pieces(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(ToolCalls(("weather", {"city": "Oslo"}), ("weather", {"city": "Bergen"})), times=2)
            whole = await provider.acomplete("m", HELLO, tools=[WEATHER])
            streamed = await provider.acomplete("m", HELLO, tools=[WEATHER], stream=True)
            pieces: dict[int, str] = {}
            async for chunk in streamed:
                for delta in chunk.tool_call_deltas:
                    pieces[delta.index] = pieces.get(delta.index, "") + delta.arguments
            assert [json.loads(pieces[index]) for index in sorted(pieces)] == [{"city": "Oslo"}, {"city": "Bergen"}]
            for response in (whole, streamed):
                assert response.main_response is not None
                calls = response.main_response.tool_calls or []
                assert [(call.name, call.arguments) for call in calls] == [
                    ("weather", {"city": "Oslo"}),
                    ("weather", {"city": "Bergen"}),
                ]
                assert response.finish_reason == "tool_calls"

        against_server(provider_class, body)

    def test_a_tool_round_trip_ends_in_an_answer(self, provider_class: type[BaseProvider]) -> None:
        def weather(city: str) -> str:
            return f"rain in {city}"

        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(ToolCalls(("weather", {"city": "Oslo"}), ("weather", {"city": "Bergen"})))
            for back in ("original", "message"):
                first = await provider.acomplete("m", HELLO, tools=[WEATHER])
                message = first.main_response
                assert message is not None
                assert message.tool_calls
                results = [await provider.execute_tool(call, {"weather": weather}) for call in message.tool_calls]
                said: Any = message.original if back == "original" else message
                second = await provider.acomplete("m", [*HELLO, said, *results], tools=[WEATHER])
                assert second.main_response is not None
                assert "rain in" in str(second.main_response.content)

        against_server(provider_class, body)

    def test_a_refusal_is_no_content(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Refusal("I would rather not."), times=2)
            for stream in (False, True):
                response = await provider.acomplete("m", HELLO, stream=stream)
                message = await response.final()
                assert message is not None
                assert message.content == ""
                assert response.finish_reason in ("refusal", "content_filter")

        against_server(provider_class, body)

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_schema_is_followed(self, provider_class: type[BaseProvider], stream: bool) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            for schema in (SCHEMA, ResponseSchema(SCHEMA, name="thing")):
                response = await provider.acomplete("m", HELLO, response_schema=schema, stream=stream)
                message = await response.final()
                assert message is not None
                value = json.loads(str(message.content))
                assert isinstance(value["name"], str)
                assert isinstance(value["size"], int)

        against_server(provider_class, body)

    def test_twenty_streams_in_a_row_use_one_connection(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            for _ in range(20):
                response = await provider.acomplete("m", HELLO, stream=True)
                assert await response.final()
            assert server.total_connections == 1

        against_server(provider_class, body)

    def test_many_calls_at_once_get_their_own_answers(self, provider_class: type[BaseProvider]) -> None:
        async def one(provider: BaseProvider, number: int) -> None:
            response = await provider.acomplete(
                "m", [{"role": "user", "content": f"number {number}."}], stream=number % 2 == 0
            )
            message = await response.final()
            assert message is not None
            assert f"number {number}." in str(message.content)

        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            await asyncio.gather(*(one(provider, number) for number in range(100)))

        against_server(provider_class, body)


@every_provider
class TestWhatIsSent:
    def test_options_and_extra_body_reach_the_wire(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            await provider.acomplete("m", HELLO, top_p=0.5, extra_body={"labels": {"a": "1"}})
            sent = server.requests[-1].json
            assert sent["labels"] == {"a": "1"}
            assert "0.5" in json.dumps(sent)

        against_server(provider_class, body)

    def test_headers_are_laid_over_one_another(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            await provider.acomplete(
                "m", HELLO, headers={"X-Own": "call", "CONTENT-TYPE": "application/json; charset=utf-8"}
            )
            await provider.acomplete("m", HELLO, headers=[("x-pair", "pair")])
            first, second = server.requests[-2:]
            assert first.headers["x-own"] == "call"
            assert first.headers["content-type"] == "application/json; charset=utf-8"
            assert second.headers["x-own"] == "provider"
            assert second.headers["x-pair"] == "pair"

        against_server(provider_class, body, headers={"x-own": "provider"})

    def test_the_key_is_sent_and_shown_nowhere(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            response = await provider.acomplete("m", HELLO)
            sent = server.requests[-1].headers
            assert any("secret" in value for value in sent.values())
            for shown in (repr(provider), repr(response), str(vars(provider)), repr(provider._headers_for_request())):
                assert "secret" not in shown
            assert provider.api_key == "secret"

        against_server(provider_class, body)

    def test_an_empty_key_is_not_sent(
        self, provider_class: type[BaseProvider], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in provider_class.ENV_KEYS:
            monkeypatch.setenv(name, "from-the-environment")

        async def body() -> None:
            async with ProviderServer() as server, provider_class("", server.url(provider_class.name())) as provider:
                await provider.acomplete("m", HELLO)
                assert "from-the-environment" not in str(dict(server.requests[-1].headers))

        asyncio.run(body())

    def test_the_key_comes_from_the_environment(
        self, provider_class: type[BaseProvider], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number, name in enumerate(provider_class.ENV_KEYS):
            monkeypatch.setenv(name, f"key-{number}")
        assert provider_class().api_key == "key-0"
        assert provider_class("given").api_key == "given"

    def test_the_address_comes_from_the_environment_only_when_nothing_was_given(
        self, provider_class: type[BaseProvider], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(provider_class.ENV_BASE_URL[0], "http://environment/v1")
        assert provider_class().base_url == "http://environment/v1"
        assert provider_class("key").base_url != "http://environment/v1"
        assert provider_class(base_url="http://given/v1").base_url == "http://given/v1"

    def test_a_wrong_key_is_an_authentication_error(self, provider_class: type[BaseProvider]) -> None:
        async def body() -> None:
            async with (
                ProviderServer(api_key="right") as server,
                provider_class("wrong-key", server.url(provider_class.name())) as provider,
            ):
                # Google answers a wrong key with a 400.
                status: int
                error: type[APIStatusError]
                status, error = (
                    (400, BadRequestError) if provider_class is GoogleProvider else (401, AuthenticationError)
                )
                with pytest.raises(error, match=f"^HTTP {status}: ") as caught:
                    await provider.acomplete("m", HELLO)
                assert caught.value.status_code == status
                assert "wrong-key" not in str(caught.value)

        asyncio.run(body())


@every_provider
class TestBadInput:
    @pytest.mark.parametrize("stream", [False, True])
    @pytest.mark.parametrize(
        ("arguments", "kind", "named"),
        [
            ({"model": ""}, ValueError, "model"),
            ({"model": 3}, (ValueError, TypeError), "model"),
            ({"messages": []}, ValueError, "messages"),
            ({"messages": "hi"}, TypeError, "messages"),
            ({"messages": [3]}, TypeError, r"messages\[0\]"),
            ({"messages": 3}, TypeError, "messages must be a list"),
            ({"messages": [Message("user", 3)]}, TypeError, r"messages\[0\]: content"),  # type: ignore[arg-type]
            ({"messages": [{"role": "wizard", "content": "hi"}]}, ValueError, "Invalid role .* 'wizard'"),
            ({"messages": [Message("wizard", "hi")]}, ValueError, "Invalid role .* 'wizard'"),
            ({"tools": WEATHER}, TypeError, "tools must be a list"),
            ({"tools": ["weather"]}, TypeError, r"tools\[0\]"),
            ({"tools": [lambda city: city]}, TypeError, "name"),
            ({"tools": [WEATHER], "tool_choice": 3}, TypeError, "tool_choice"),
            ({"tools": [Tool("", "d")]}, ValueError, r"tools\[0\]"),
            ({"tools": [{"description": "d"}]}, ValueError, r"tools\[0\]"),
            ({"response_schema": 3}, TypeError, "response_schema"),
            ({"extra_body": {"x": object()}}, TypeError, "'x'"),
            ({"extra_body": {"x": float("nan")}}, (TypeError, ValueError), "'x'"),
            ({"extra_body": "x"}, TypeError, "extra_body must be a mapping"),
            ({"headers": {"x": 1}}, TypeError, "headers"),
            ({"headers": "x"}, TypeError, "headers must be a mapping"),
            ({"timeouts": "soon"}, TypeError, "timeouts"),
        ],
        ids=str,
    )
    def test_it_is_named_before_anything_is_sent(
        self, provider_class: type[BaseProvider], stream: bool, arguments: dict[str, Any], kind: Any, named: str
    ) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            with pytest.raises(kind, match=named):
                await provider.acomplete(**{"model": "m", "messages": HELLO, "stream": stream, **arguments})
            assert server.requests == []

        against_server(provider_class, body)

    def test_an_address_without_a_scheme_is_refused(self, provider_class: type[BaseProvider]) -> None:
        provider = provider_class("k", "localhost:8000/v1")
        with pytest.raises(ValueError, match="base_url"):
            asyncio.run(provider.acomplete("m", HELLO))


@every_provider
def test_functions_are_tools_plain_or_under_the_decorator(provider_class: type[BaseProvider]) -> None:
    def weather(city: str) -> str:
        """Tell the weather."""
        return f"rain in {city}"

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        bodies = []
        for form in (weather, tool(weather), tool(weather).tool):
            response = await provider.acomplete("m", HELLO, tools=[form])
            bodies.append(server.requests[-1].json)
        assert bodies[0] == bodies[1] == bodies[2]
        assert response.main_response.tool_calls is not None
        [call] = response.main_response.tool_calls
        assert "rain in" in str(await provider.execute_tool(call, {"weather": weather}))

    against_server(provider_class, body)


@every_provider
def test_a_copy_of_a_provider_has_its_settings_and_connections_of_its_own(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await provider.acomplete("m", HELLO)
        for again in (copy.copy(provider), copy.deepcopy(provider), pickle.loads(pickle.dumps(provider))):
            async with again:
                before = server.total_connections
                assert (await again.acomplete("m", HELLO)).finish_reason == "stop"
                assert server.total_connections == before + 1
                assert again.api_key == provider.api_key
                assert str(again.api_key) == "***"

    against_server(provider_class, body)


@every_provider
class TestRequest:
    @pytest.mark.parametrize("path", ["/models", "models", "//models"])
    def test_paths_join_whatever_slashes_they_have(self, provider_class: type[BaseProvider], path: str) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            value = await provider.request("GET", path)
            assert isinstance(value, dict)
            assert server.requests[-1].path.count("/models") == 1
            assert "//" not in server.requests[-1].path

        against_server(provider_class, body)

    def test_an_error_status_is_raised(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            with pytest.raises(NotFoundError, match=r"^HTTP 404: "):
                await provider.request("GET", "/nothing/here")

        against_server(provider_class, body)

    def test_only_repeatable_methods_are_repeated(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.fail(429, times=None)
            for method, tries in (("get", 3), ("POST", 1), ("DELETE", 3), ("PATCH", 1), ("PUT", 3)):
                before = len(server.requests)
                with pytest.raises(RateLimitError):
                    await provider.request(method, "/models")
                assert len(server.requests) - before == tries

        against_server(provider_class, body)

    def test_headers_queries_and_bodies_are_sent(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            await provider.request("GET", "/models", headers={"X-A": "1"}, params={"limit": 5}, custom_header="value")
            sent = server.requests[-1]
            assert sent.headers["x-a"] == "1"
            assert sent.headers["custom_header"] == "value"
            assert sent.query == {"limit": "5"}
            assert sent.body == b""
            server.fail(404)
            with pytest.raises(NotFoundError):
                await provider.request("DELETE", "/models", {"a": 1})
            assert server.requests[-1].json == {"a": 1}

        against_server(provider_class, body)

    def test_an_unknown_method_is_refused(self, provider_class: type[BaseProvider]) -> None:
        with pytest.raises(ValueError, match="Unsupported HTTP method"):
            asyncio.run(provider_class("k", "http://localhost").request("BREW", "/coffee"))


class TestSettings:
    def test_the_readmes_client_kwargs_are_understood(self) -> None:
        provider = OpenAIProvider("k", client_kwargs={"timeout": 30, "verify": True})
        assert provider.timeouts == Timeouts(response=30, idle=30)

    def test_a_proxy_of_aiosonic_keeps_its_credentials(self) -> None:
        from aiosonic.proxy import Proxy

        provider = OpenAIProvider("k", client_kwargs={"proxy": Proxy("http://proxy:8080", "me:p@ss")})
        assert provider._options.proxy == "http://me:p%40ss@proxy:8080"

    @pytest.mark.parametrize(
        "setting",
        [
            {"api_key": 5},
            {"api_key": b"key"},
            {"base_url": 5},
            {"proxy": 5},
            {"retry_config": {"max_attempts": 1}},
            {"client_kwargs": 5},
            {"timeouts": {"idle": 1}},
            {"limits": {"connections": 1}},
            {"headers": 5},
            {"headers": {"x": 5}},
        ],
        ids=str,
    )
    def test_a_setting_of_a_wrong_type_is_named(self, setting: dict[str, Any]) -> None:
        with pytest.raises(TypeError, match=next(iter(setting))):
            OpenAIProvider(**setting)

    def test_a_token_of_a_wrong_type_is_named(self) -> None:
        with pytest.raises(TypeError, match="goth_token"):
            GoogleProvider(vertex_config={"project_id": "p", "goth_token": b"t"})

    def test_an_unknown_setting_is_named(self) -> None:
        with pytest.raises(TypeError, match="'colour' is not known"):
            OpenAIProvider("k", client_kwargs={"colour": "red"})

    def test_a_setting_without_effect_warns(self) -> None:
        with pytest.warns(UserWarning, match="follow has no effect"):
            OpenAIProvider("k", client_kwargs={"follow": True})

    def test_http2_warns_and_works(self) -> None:
        async def body() -> None:
            async with ProviderServer() as server:
                with pytest.warns(UserWarning, match=r"HTTP/1\.1"):
                    provider = OpenAIProvider("k", server.url("openai"), http2=True)
                async with provider:
                    response = await provider.acomplete("m", HELLO)
                    assert isinstance(response.main_response, Message)

        asyncio.run(body())

    def test_openrouters_attribution_goes_into_headers(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            await provider.acomplete("m", HELLO, http_referer="https://me.example", x_title="Me")
            sent = server.requests[-1]
            assert sent.headers["http-referer"] == "https://me.example"
            assert sent.headers["x-title"] == "Me"
            assert not {"http_referer", "x_title"} & set(sent.json)

        against_server(OpenRouterProvider, body)


class TestGoogleAddresses:
    @pytest.mark.parametrize(
        ("base_url", "address"),
        [
            ("", "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent"),
            ("https://host/v1beta/models/", "https://host/v1beta/models/g:generateContent"),
            ("https://host/v1beta/models", "https://host/v1beta/models/g:generateContent"),
            ("https://host/v1beta", "https://host/v1beta/models/g:generateContent"),
            ("https://host/v1beta/", "https://host/v1beta/models/g:generateContent"),
            ("https://host", "https://host/models/g:generateContent"),
            ("https://host/proxy/gemini/", "https://host/proxy/gemini/g:generateContent"),
            ("https://host/v1/publishers/google", "https://host/v1/publishers/google/models/g:generateContent"),
        ],
    )
    def test_the_model_stands_where_the_api_has_it(self, base_url: str, address: str) -> None:
        assert GoogleProvider("k", base_url)._url("/models/g:generateContent") == address

    def test_vertex_addresses_are_whole(self) -> None:
        provider = GoogleProvider(vertex_config={"project_id": "p", "location_id": "europe-west1", "goth_token": "t"})
        assert provider._url("/models/g:generateContent") == (
            "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1"
            "/publishers/google/models/g:generateContent"
        )
        assert provider._headers_for_request()["Authorization"] == "Bearer t"

    def test_vertex_needs_a_project_and_a_token(self) -> None:
        with pytest.raises(ValueError, match="project_id"):
            GoogleProvider(vertex_config={"location_id": "global"})
        with pytest.raises(ValueError, match="goth_token"):
            GoogleProvider(vertex_config={"project_id": "p"})._headers_for_request()
