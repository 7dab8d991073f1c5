"""``list_models``: every provider against the embedded server, all pages, and the entries of odd servers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from llm_async import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    Model,
    NotFoundError,
    OpenAIProvider,
    ProtocolError,
    RetryConfig,
    UnsupportedError,
)
from llm_async.protocols.base import Protocol
from llm_async.protocols.model_lists import GeminiModels, OpenAIModels
from llm_async.providers.registry import provider_class
from llm_async.testing import ProviderServer, Raw
from tests.contract.calls import against_server, every_provider


def page(**body: Any) -> Raw:
    return Raw(json.dumps(body).encode())


@every_provider
def test_every_provider_lists_its_models(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        [model] = await provider.list_models(headers={"X-Program": "test"})
        assert model.id.endswith("echo-1")
        assert model.original
        [request] = server.requests
        assert (request.method, request.body) == ("GET", b"")
        assert request.headers["x-program"] == "test"
        assert "content-type" not in request.headers

    against_server(provider_class, body)


def test_the_pages_of_claude_are_followed_to_the_last() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        first = {"id": "claude-a", "display_name": "A", "created_at": "2026-09-21T14:13:20Z", "max_tokens": 64000}
        server.script(
            page(data=[{**first, "max_input_tokens": 1_000_000}], has_more=True, last_id="claude-a"),
            page(data=[{"id": "claude-b", "created_at": "1970-01-01T00:00:00Z"}], has_more=False, last_id="claude-b"),
        )
        known, unknown = await provider.list_models()
        assert known == Model(
            "claude-a", 1_790_000_000.0, None, 1_000_000, 64000, "A", {**first, "max_input_tokens": 1_000_000}
        )
        assert (unknown.id, unknown.created) == ("claude-b", None)
        assert [request.query for request in server.requests] == [
            {"limit": "1000"},
            {"limit": "1000", "after_id": "claude-a"},
        ]

    against_server(ClaudeProvider, body)


def test_the_pages_of_gemini_are_followed_to_the_last() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(
            page(models=[{"name": "models/gemini-a", "inputTokenLimit": 5}], nextPageToken="a token/&"),
            page(models=[{"name": "tunedModels/mine"}], nextPageToken=""),
        )
        models = await provider.list_models()
        assert [(model.id, model.context_window) for model in models] == [("gemini-a", 5), ("tunedModels/mine", None)]
        assert server.requests[1].query["pageToken"] == "a token/&"

    against_server(GoogleProvider, body)


def test_an_error_is_retried_and_then_typed() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(503)
        assert len(await provider.list_models()) == 1
        server.fail(404)
        with pytest.raises(NotFoundError) as caught:
            await provider.list_models()
        assert caught.value.timing is not None
        assert caught.value.request_id

    against_server(OpenAIProvider, body)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"id": "a", "created": 0, "owned_by": "me"}, Model("a", None, "me")),
        ({"id": "a", "context_window": 8192, "max_completion_tokens": 1024}, Model("a", None, None, 8192, 1024)),
        ({"id": "a", "context_length": 8192, "name": "A"}, Model("a", None, None, 8192, None, "A")),
        ({"id": "a", "context_length": 9, "top_provider": {"max_completion_tokens": 4}}, Model("a", None, None, 9, 4)),
        ({"id": "a", "max_model_len": 4096}, Model("a", None, None, 4096)),
        ({"id": "a", "max_context_length": 32768}, Model("a", None, None, 32768)),
        ({"id": "a", "meta": {"n_ctx_train": 2048}}, Model("a", None, None, 2048)),
        ({"id": "a", "organization": "Meta", "display_name": "A"}, Model("a", None, "Meta", None, None, "A")),
    ],
    ids=lambda value: "" if isinstance(value, Model) else ",".join(value),
)
def test_what_imitators_say_more_is_understood(entry: dict[str, Any], expected: Model) -> None:
    [model] = OpenAIModels().read({"data": [entry]}).models
    assert model.original == entry
    assert [model.created, model.owner, model.context_window, model.max_output_tokens, model.display_name] == [
        expected.created, expected.owner, expected.context_window, expected.max_output_tokens, expected.display_name,
    ]  # fmt: skip


def test_a_bare_list_is_a_list_of_models() -> None:
    assert [model.id for model in OpenAIModels().read([{"id": "a"}, {"id": "b"}]).models] == ["a", "b"]


def test_vertex_names_a_publisher_and_an_empty_page_has_no_list() -> None:
    page = GeminiModels().read({"publisherModels": [{"name": "publishers/google/models/gemini-a"}]})
    assert [(model.id, model.owner) for model in page.models] == [("gemini-a", "google")]
    assert GeminiModels().read({}).models == []


@pytest.mark.parametrize("body", [None, [1], {"data": {}}, {"data": [{"name": "x"}]}, {"data": [{"id": ""}]}, {}])
def test_what_is_no_list_of_models_is_an_error(body: Any) -> None:
    with pytest.raises(ProtocolError):
        OpenAIModels().read(body)


def test_a_server_without_any_model_says_so_in_its_own_way() -> None:
    assert OpenAIModels().read({"object": "list", "data": None}).models == []


def test_a_list_that_repeats_a_page_is_an_error_and_not_endless() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(page(data=[{"id": "a"}], has_more=True, last_id="a"), times=None)
        with pytest.raises(ProtocolError, match="repeats a page"):
            await provider.list_models()

    against_server(ClaudeProvider, body)


def test_an_api_without_a_list_is_refused_before_anything_is_sent() -> None:
    class Silent(OpenAIProvider):
        LACKS = ("list_models", "embed")

    async def run() -> None:
        async with Silent("key", "http://127.0.0.1:1", RetryConfig(max_attempts=1)) as provider:
            with pytest.raises(UnsupportedError, match="lists no models"):
                await provider.list_models()
            with pytest.raises(UnsupportedError, match="does not embed"):
                await provider.embed("text", "m")

    asyncio.run(run())
    assert Protocol.model_list(None) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "lacking"), [("groq", "embed"), ("deepseek", "embed"), ("xai", "embed"), ("xairesponses", "count_tokens")]
)
def test_what_a_known_server_lacks_is_in_its_row(name: str, lacking: str) -> None:
    assert lacking in provider_class(name).LACKS


def test_the_models_of_vertex_are_those_of_the_publisher() -> None:
    project = (
        "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google/models"
    )
    provider = GoogleProvider("", project, {"project_id": "p", "goth_token": "token"})
    assert provider._list_url("/models") == (
        "https://us-central1-aiplatform.googleapis.com/v1beta1/publishers/google/models"
    )
