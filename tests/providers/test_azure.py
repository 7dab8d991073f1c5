"""Azure OpenAI: where a call goes, with which credentials, and that everything works there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from llm_async import Agent, AzureProvider, AzureResponsesProvider, get_provider, tool
from llm_async.errors import AuthenticationError, BadRequestError, NotFoundError
from llm_async.models import ResponseSchema
from llm_async.providers import BaseProvider
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer, Raw, Text, ToolCalls

HELLO = [{"role": "user", "content": "Good morning"}]
ONCE = RetryConfig(max_attempts=1)
DATED = "2024-10-21"
VARIABLES = ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION")

both = pytest.mark.parametrize("cls", [AzureProvider, AzureResponsesProvider])


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def opened(cls: Any, *args: Any, api_key: str | None = None, **kwargs: Any) -> AsyncIterator[Any]:
    async with ProviderServer(api_key=api_key) as server:
        kwargs.setdefault("endpoint", server.url("azure"))
        async with cls(*args, retry_config=ONCE, **kwargs) as provider:
            yield server, provider


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"endpoint": "https://r.openai.azure.com"}, "https://r.openai.azure.com/openai/v1"),
        ({"endpoint": "https://r.openai.azure.com/"}, "https://r.openai.azure.com/openai/v1"),
        ({"endpoint": "https://r.services.ai.azure.com/openai/v1/"}, "https://r.services.ai.azure.com/openai/v1"),
        ({"endpoint": "https://proxy/azure/v1"}, "https://proxy/azure/v1/openai/v1"),
        (
            {"endpoint": "https://r.openai.azure.com", "api_version": DATED},
            f"https://r.openai.azure.com/openai?api-version={DATED}",
        ),
        (
            {"endpoint": "https://r.openai.azure.com/openai/v1/", "api_version": "2025-04-01-preview"},
            "https://r.openai.azure.com/openai?api-version=2025-04-01-preview",
        ),
        (
            {"endpoint": "https://r.openai.azure.com", "api_version": "preview"},
            "https://r.openai.azure.com/openai/v1?api-version=preview",
        ),
        (
            {"endpoint": f"https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version={DATED}"},
            "https://r.openai.azure.com/openai/v1",
        ),
        ({"endpoint": "https://r.openai.azure.com/openai/v1/responses"}, "https://r.openai.azure.com/openai/v1"),
        ({"endpoint": "https://proxy/openai/team"}, "https://proxy/openai/team/openai/v1"),
        ({"base_url": "https://gateway/any"}, "https://gateway/any"),
        ({"base_url": "https://gateway/any?a=1", "api_version": DATED}, f"https://gateway/any?a=1&api-version={DATED}"),
    ],
)
@both
def test_the_address_is_that_of_the_resource(cls: type[BaseProvider], settings: dict[str, Any], address: str) -> None:
    assert cls("key", **settings).base_url == address


@both
def test_a_resource_is_found_in_the_environment(cls: type[BaseProvider], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="AZURE_OPENAI_ENDPOINT"):
        cls("key")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com/")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "from the environment")
    provider = cls()
    assert (provider.api_key, provider.base_url) == ("from the environment", "https://r.openai.azure.com/openai/v1")
    monkeypatch.setenv("OPENAI_API_VERSION", DATED)
    assert cls().base_url == f"https://r.openai.azure.com/openai?api-version={DATED}"
    assert cls(base_url="https://gateway/any").base_url == "https://gateway/any"


@pytest.mark.parametrize(
    ("cls", "api_version", "path", "query"),
    [
        (AzureProvider, None, "/azure/openai/v1/chat/completions", {}),
        (AzureProvider, "preview", "/azure/openai/v1/chat/completions", {"api-version": "preview"}),
        (AzureProvider, DATED, "/azure/openai/deployments/my gpt/chat/completions", {"api-version": DATED}),
        (AzureResponsesProvider, None, "/azure/openai/v1/responses", {}),
        (
            AzureResponsesProvider,
            "2025-03-01-preview",
            "/azure/openai/responses",
            {"api-version": "2025-03-01-preview"},
        ),
    ],
)
def test_a_call_goes_to_the_deployment(cls: Any, api_version: str | None, path: str, query: dict[str, str]) -> None:
    async def run() -> None:
        async with opened(cls, "a-key", api_key="a-key", api_version=api_version) as (server, provider):
            response = await provider.acomplete("my gpt", HELLO)
            assert response.main_response.content == "You said: Good morning"
            assert response.provider_name == provider.name()
            [request] = server.requests
            assert (request.path, request.query) == (path, query)
            assert request.json["model"] == "my gpt"
            assert request.headers["api-key"] == "a-key"
            assert "authorization" not in request.headers

    asyncio.run(run())


def test_an_address_with_the_deployment_in_it_is_used_as_it_is() -> None:
    async def run() -> None:
        async with ProviderServer() as server:
            root = server.url("azure").removesuffix("/v1")
            settings = {"base_url": f"{root}/deployments/mine", "api_version": DATED, "retry_config": ONCE}
            async with AzureProvider("k", **settings) as provider:
                await provider.acomplete("mine", HELLO)
            assert server.requests[0].path == "/azure/openai/deployments/mine/chat/completions"

    asyncio.run(run())


@both
@pytest.mark.parametrize("kind", ["text", "function", "async function"])
def test_a_token_is_sent_instead_of_a_key_and_asked_for_anew(
    cls: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "not this one")
    asked: list[int] = []

    def give() -> str:
        asked.append(1)
        return f"token-{len(asked)}"

    async def give_later() -> str:
        return give()

    token: Any = {"text": "token-1", "function": give, "async function": give_later}[kind]

    async def run() -> None:
        async with opened(cls, token=token) as (server, provider):
            for _ in range(2):
                await provider.acomplete("m", HELLO)
            sent = [request.headers["authorization"] for request in server.requests]
            assert sent == ["Bearer token-1", "Bearer token-1" if kind == "text" else "Bearer token-2"]
            assert all("api-key" not in request.headers for request in server.requests)
            assert "token-" not in repr(provider.api_key)

    asyncio.run(run())


def test_a_key_and_a_token_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="either api_key or token"):
        AzureProvider("key", endpoint="https://r.openai.azure.com", token="token")
    with pytest.raises(TypeError, match="token must be a str, or a function"):
        AzureProvider(endpoint="https://r.openai.azure.com", token=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["azure", "azure-responses"])
@pytest.mark.parametrize("api_version", [None, DATED])
def test_streams_tools_and_schemas_work(name: str, api_version: str | None) -> None:
    @tool
    def weather(city: str) -> str:
        """Tell the weather in a city."""
        return f"rain in {city}"

    async def run() -> None:
        async with ProviderServer() as server:
            settings = {"endpoint": server.url("azure"), "api_version": api_version}
            async with get_provider(name, "key", **settings) as provider:
                server.script(ToolCalls(("weather", {"city": "Oslo"})), Text("It rains."))
                result = await Agent(provider, "m", tools=[weather]).run(HELLO)
                assert result.content == "It rains."
                streamed = await provider.acomplete("m", HELLO, stream=True)
                assert "".join([chunk.delta async for chunk in streamed]) == "You said: Good morning"
                server.script(Text('{"a": 1}'))
                schema = ResponseSchema({"type": "object", "properties": {"a": {"type": "integer"}}})
                answer = await provider.acomplete("m", HELLO, response_schema=schema)
                assert json.loads(answer.main_response.text) == {"a": 1}
                assert {request.provider for request in server.requests} == {provider.name()}

    asyncio.run(run())


def test_what_the_library_does_not_wrap_has_the_version_too() -> None:
    async def run() -> None:
        async with opened(AzureProvider, "key", api_version=DATED) as (server, provider):
            with pytest.raises(NotFoundError):
                await provider.request("GET", "/files", params={"limit": 2})
            [request] = server.requests
            assert (request.path, request.query) == ("/azure/openai/files", {"limit": "2", "api-version": DATED})

    asyncio.run(run())


@both
@pytest.mark.parametrize(
    ("api_version", "paths"),
    [
        (None, ["/azure/openai/v1/embeddings", "/azure/openai/v1/models"]),
        (DATED, ["/azure/openai/deployments/embed 1/embeddings", "/azure/openai/models"]),
    ],
)
def test_embeddings_are_a_deployments_and_models_are_not(cls: Any, api_version: str | None, paths: list[str]) -> None:
    async def run() -> None:
        async with opened(cls, "key", api_version=api_version) as (server, provider):
            server.script(Raw(b'{"data": [{"index": 0, "embedding": [0.5]}]}'), Raw(b'{"data": [{"id": "m"}]}'))
            embedded = await provider.embed(["hello"], model="embed 1")
            assert embedded.vectors == [[0.5]]
            assert [model.id for model in await provider.list_models()] == ["m"]
            assert [request.path for request in server.requests] == paths
            assert [request.query.get("api-version") for request in server.requests] == [api_version] * 2

    asyncio.run(run())


def test_its_errors_are_read() -> None:
    filtered = {
        "error": {
            "message": "The response was filtered",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        }
    }

    async def run() -> None:
        async with opened(AzureProvider, "wrong", api_key="right") as (server, provider):
            with pytest.raises(AuthenticationError, match="Access denied"):
                await provider.acomplete("m", HELLO)
            server.script(Raw(json.dumps(filtered).encode(), status=400, headers={"apim-request-id": "req-7"}))
            with pytest.raises(BadRequestError, match="was filtered") as caught:
                await provider.acomplete("m", HELLO)
            assert (caught.value.code, caught.value.request_id) == ("content_filter", "req-7")

    asyncio.run(run())
