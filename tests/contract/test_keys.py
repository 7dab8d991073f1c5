"""Keys and addresses: given, from the environment, from a function, and Vertex AI's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from llm_async.errors import APITimeoutError, AuthenticationError
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.testing import ProviderServer

from .calls import HELLO, against_server, every_provider

VARIABLES: list[tuple[type[BaseProvider], list[str]]] = [
    (OpenAIProvider, ["OPENAI_API_KEY"]),
    (OpenAIResponsesProvider, ["OPENAI_API_KEY"]),
    (OpenRouterProvider, ["OPENROUTER_API_KEY"]),
    (ClaudeProvider, ["ANTHROPIC_API_KEY", "CLAUDE_API_KEY"]),
    (GoogleProvider, ["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider_class, names in VARIABLES:
        for name in (*names, *provider_class.ENV_BASE_URL):
            monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("provider_class", "names"), VARIABLES)
def test_a_key_comes_from_the_first_variable_that_is_set(
    provider_class: type[BaseProvider], names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert provider_class().api_key == ""
    for name in reversed(names):
        monkeypatch.setenv(name, f"from {name}")
        assert provider_class().api_key == f"from {name}"
    monkeypatch.setenv(names[0], "")
    assert provider_class().api_key == (f"from {names[1]}" if len(names) > 1 else "")
    assert provider_class("").api_key == ""


def numbered() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"key-number-{number}"


@every_provider
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_gives_the_key_of_each_attempt(
    provider_class: type[BaseProvider], stream: bool, is_async: bool
) -> None:
    keys = numbered()

    async def later() -> str:
        await asyncio.sleep(0)
        return next(keys)

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(503)
        response = await provider.acomplete("m", HELLO, stream=stream, headers=iter([("x-own", "1")]))
        await response.final()
        assert [_key(request.headers) for request in server.requests] == ["key-number-1", "key-number-2"]
        assert [request.headers["x-own"] for request in server.requests] == ["1", "1"]
        await provider.request("GET", "/models")
        assert _key(server.requests[-1].headers) == "key-number-3"
        assert provider.api_key == "key-number-3"
        assert "key-number-3" not in repr(vars(provider))

    against_server(provider_class, body, api_key=later if is_async else lambda: next(keys))


def _key(headers: dict[str, str]) -> str:
    found = headers.get("authorization") or headers.get("x-api-key") or headers["x-goog-api-key"]
    return found.removeprefix("Bearer ")


@pytest.mark.parametrize(("given", "kind"), [(3, TypeError), (None, TypeError), ("", ValueError)])
def test_a_function_that_gives_no_key_says_so_and_nothing_is_sent(given: Any, kind: type[Exception]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(kind, match="the function that gives the key"):
            await provider.acomplete("m", HELLO)
        assert server.requests == []

    against_server(OpenAIProvider, body, api_key=lambda: given)


def test_what_the_function_raises_passes_unchanged() -> None:
    def fail() -> str:
        raise LookupError("no credentials")

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(LookupError, match="no credentials"):
            await provider.acomplete("m", HELLO)

    against_server(OpenAIProvider, body, api_key=fail)


def test_getting_the_key_is_part_of_the_calls_total() -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(APITimeoutError) as caught:
            await provider.acomplete("m", HELLO, timeouts=0.05)
        assert caught.value.deadline == "total"

    against_server(OpenAIProvider, body, api_key=never)


def test_a_key_from_a_function_is_masked_where_a_server_quotes_it() -> None:
    async def run() -> None:
        async with ProviderServer(api_key="right") as server:
            provider = OpenAIProvider(lambda: "wrong-key-of-mine", server.url("openai"))
            async with provider:
                server.fail(401, "Incorrect API key provided: wrong-key-of-mine")
                with pytest.raises(AuthenticationError) as caught:
                    await provider.acomplete("m", HELLO)
                assert "wrong-key-of-mine" not in str(caught.value) + repr(caught.value.body)

    asyncio.run(run())


def vertex(**config: Any) -> GoogleProvider:
    return GoogleProvider(vertex_config={"project_id": "p", "goth_token": "token", **config})


class TestVertex:
    @pytest.mark.parametrize(
        ("config", "url"),
        [
            ({}, "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models"),
            (
                {"location_id": "europe-west1"},
                "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1/publishers/google/models",
            ),
            ({"api_endpoint": "https://own.example/models"}, "https://own.example/models"),
        ],
    )
    def test_its_address_is_made_of_project_and_location(self, config: dict[str, Any], url: str) -> None:
        provider = vertex(**config)
        assert provider.base_url == url
        assert provider._url("/models/g:generateContent") == f"{url}/g:generateContent"

    def test_a_given_base_url_wins(self) -> None:
        assert GoogleProvider("", "https://given/", {"project_id": "p"}).base_url == "https://given/"

    def test_it_is_the_third_argument_and_empty_means_none(self) -> None:
        provider = GoogleProvider("k", "", {})
        assert provider.base_url == "https://generativelanguage.googleapis.com/v1beta/models/"
        assert provider._headers_for_request()["X-GOOG-API-KEY"] == "k"

    def test_project_and_token_are_needed_with_the_old_texts(self) -> None:
        with pytest.raises(ValueError, match=r"^project_id is required for Vertex AI configuration"):
            GoogleProvider(vertex_config={"goth_token": "t"})
        with pytest.raises(ValueError, match=r"^Bearer token required for Vertex AI authentication"):
            GoogleProvider(vertex_config={"project_id": "p"})._headers_for_request()

    @pytest.mark.parametrize("is_async", [False, True])
    def test_its_token_is_sent_and_may_be_a_functions(self, is_async: bool) -> None:
        keys = numbered()

        async def later() -> str:
            return next(keys)

        async def run() -> None:
            async with ProviderServer() as server:
                token = later if is_async else lambda: next(keys)
                config = {"project_id": "p", "api_endpoint": server.url("google"), "goth_token": token}
                async with GoogleProvider(vertex_config=config) as provider:
                    for number in (1, 2):
                        await provider.acomplete("g", HELLO)
                        received = server.requests[-1].headers
                        assert received["authorization"] == f"Bearer key-number-{number}"
                        assert "x-goog-api-key" not in received
                    assert provider.bearer_token == "key-number-2"
                    server.fail(401, "the token key-number-3 has expired")
                    with pytest.raises(AuthenticationError) as caught:
                        await provider.acomplete("g", HELLO)
                    assert "key-number-3" not in str(caught.value)

        asyncio.run(run())

    def test_no_key_of_the_environment_is_sent_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GEMINI_API_KEY", "from-the-environment")
        assert "from-the-environment" not in [str.__str__(value) for value in vertex()._headers_for_request().values()]
