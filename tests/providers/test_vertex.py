"""Vertex AI, Gemini and Claude: where a call goes, whose token it carries, and that everything works there."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm_async import Agent, GoogleProvider, ToolCall, VertexClaudeProvider, VertexProvider, get_provider, parts, tool
from llm_async.errors import AuthenticationError, BadRequestError, LLMError, UnsupportedError
from llm_async.models import ResponseSchema
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer, Raw, Text, ToolCalls

from ..raw_server import RawServer, answering, ok

HELLO = [{"role": "user", "content": "Good morning"}]
ONCE = RetryConfig(max_attempts=1)
VARIABLES = ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY")

both = pytest.mark.parametrize("cls", [VertexProvider, VertexClaudeProvider])


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (None, "aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("europe-west1", "europe-west1-aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
    ],
)
def test_the_address_is_that_of_the_project(location: str | None, host: str) -> None:
    root = f"https://{host}/v1/projects/p1/locations/{location or 'global'}/publishers"
    gemini = VertexProvider(project="p1", location=location, token="t")
    assert gemini._url("/models/g:generateContent") == f"{root}/google/models/g:generateContent"
    assert VertexClaudeProvider(project="p1", location=location, token="t").base_url == f"{root}/anthropic"
    config = {"project_id": "p1", "location_id": location, "goth_token": "t"}
    assert (
        GoogleProvider(vertex_config=config)._url("/models/g:generateContent")
        == f"{root}/google/models/g:generateContent"
    )


@pytest.mark.parametrize("location", ["evil.example/#", "a.b", "", "europe west", "x/../y", "@host"])
@pytest.mark.parametrize("cls", [VertexProvider, VertexClaudeProvider])
def test_a_location_never_leads_to_another_host(cls: Any, location: str) -> None:
    if not location:
        assert cls(project="p", location=location, token="t").base_url.startswith("https://aiplatform.googleapis.com/")
        return
    with pytest.raises(ValueError, match="location must be a region"):
        cls(project="p", location=location, token="t")


def test_a_project_is_one_segment_of_the_address() -> None:
    assert "/projects/..%2F..%2Fa%3Fb/locations/" in VertexProvider(project="../../a?b", token="t").base_url
    assert "/projects/example.com:p/locations/" in VertexProvider(project="example.com:p", token="t").base_url
    assert "/projects/123/" in GoogleProvider(vertex_config={"project_id": 123, "goth_token": "t"}).base_url
    with pytest.raises(ValueError, match="project must be"):
        VertexProvider(project="..", token="t")


@both
def test_a_project_is_found_in_the_environment(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="GOOGLE_CLOUD_PROJECT"):
        cls(token="t")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p2")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")
    assert "europe-west4-aiplatform.googleapis.com/v1/projects/p2/locations/europe-west4/" in cls(token="t").base_url
    assert "/projects/p3/locations/global/" in cls(project="p3", location="global", token="t").base_url


def test_a_key_alone_is_express_mode() -> None:
    provider = VertexProvider("a-key")
    assert provider._url("/models/g:x") == "https://aiplatform.googleapis.com/v1/publishers/google/models/g:x"
    assert provider._default_headers()["X-GOOG-API-KEY"] == "a-key"
    with pytest.raises(ValueError, match="either api_key or token"):
        VertexProvider("a-key", token="t")


def test_claudes_model_and_version_are_where_vertex_wants_them() -> None:
    async def run() -> None:
        async with ProviderServer(api_key="a-token") as server:
            url = server.url("vertexclaude")
            async with VertexClaudeProvider(base_url=url, token="a-token", retry_config=ONCE) as provider:
                whole = await provider.acomplete("claude-sonnet-4-5@20250929", HELLO, temperature=0.5)
                assert whole.main_response is not None
                assert whole.main_response.content == "You said: Good morning"
                assert whole.provider_name == "vertexclaude"
                streamed = await provider.acomplete("claude-sonnet-4-5@20250929", HELLO, stream=True)
                assert "".join([chunk.delta async for chunk in streamed]) == "You said: Good morning"
            first, second = server.requests
            place = "/vertex/v1/projects/demo/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929"
            assert (first.path, second.path) == (f"{place}:rawPredict", f"{place}:streamRawPredict")
            assert first.json["anthropic_version"] == "vertex-2023-10-16"
            assert "model" not in first.json
            assert second.json["stream"] is True
            assert first.headers["authorization"] == "Bearer a-token"
            assert not {"x-api-key", "anthropic-version"} & first.headers.keys()

    asyncio.run(run())


def test_claudes_version_can_be_another_one() -> None:
    async def run() -> None:
        async with ProviderServer() as server:
            url = server.url("vertexclaude")
            async with VertexClaudeProvider("t", url, api_version="2026-10-21", betas=["a", "b"]) as provider:
                await provider.acomplete("c", HELLO)
                assert server.requests[-1].headers["anthropic-beta"] == "a,b"
                assert server.requests[-1].json["anthropic_version"] == "2026-10-21"
                with pytest.raises(UnsupportedError, match="temperature"):
                    await provider.acomplete("c", HELLO, temperature=1)
                await provider.acomplete("c", HELLO, extra_body={"anthropic_version": "mine"})
                assert server.requests[-1].json["anthropic_version"] == "mine"
            assert len(server.requests) == 2

    asyncio.run(run())


def test_claude_keeps_no_uploaded_files_there() -> None:
    async def run() -> None:
        async with ProviderServer() as server, VertexClaudeProvider("t", server.url("vertexclaude")) as provider:
            shown = {"role": "user", "content": [parts.text("What is this?"), parts.uploaded("file-1", "image")]}
            called = {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]}
            returned = provider.tool_result(ToolCall("1", "tool_use", name="f", input={}), [parts.uploaded("file-1")])
            for conversation in ([shown], [*HELLO, called, returned]):
                with pytest.raises(UnsupportedError, match="uploaded files"):
                    await provider.acomplete("claude-opus-5", conversation)
                with pytest.raises(UnsupportedError, match="uploaded files"):
                    await provider.count_tokens("claude-opus-5", conversation)
            assert not server.requests

    asyncio.run(run())


def test_claude_counts_tokens_and_lists_no_models() -> None:
    async def run() -> None:
        async with ProviderServer() as server, VertexClaudeProvider("t", server.url("vertexclaude")) as provider:
            server.script(Raw(b'{"input_tokens": 7}'))
            assert (await provider.count_tokens("claude-opus-5", HELLO)).input_tokens == 7
            with pytest.raises(UnsupportedError, match="lists no models"):
                await provider.list_models()
            [request] = server.requests
            assert request.path.endswith("/publishers/anthropic/models/count-tokens:rawPredict")
            fields = {"model": "claude-opus-5", "anthropic_version": "vertex-2023-10-16"}
            assert request.json.items() >= fields.items()
            assert "max_tokens" not in request.json

    asyncio.run(run())


@pytest.mark.parametrize("name", ["vertex", "vertex-claude"])
def test_streams_tools_and_schemas_work(name: str) -> None:
    @tool
    def weather(city: str) -> str:
        """Tell the weather in a city."""
        return f"rain in {city}"

    async def run() -> None:
        async with ProviderServer(api_key="tok") as server:
            url = server.url(name.replace("-", ""))
            async with get_provider(name, base_url=url, token="tok", retry_config=ONCE) as provider:
                server.script(ToolCalls(("weather", {"city": "Oslo"})), Text("It rains."))
                result = await Agent(provider, "m", tools=[weather]).run(HELLO)
                assert result.content == "It rains."
                streamed = await provider.acomplete("m", HELLO, stream=True)
                assert "".join([chunk.delta async for chunk in streamed]) == "You said: Good morning"
                server.script(Text('{"a": 1}'))
                schema = ResponseSchema({"type": "object", "properties": {"a": {"type": "integer"}}})
                answer = await provider.acomplete("m", HELLO, response_schema=schema)
                assert answer.main_response is not None
                assert json.loads(answer.main_response.text) == {"a": 1}
                assert {request.provider for request in server.requests} == {provider.name()}

    asyncio.run(run())


@pytest.mark.parametrize("name", ["vertex", "vertexclaude"])
def test_a_token_is_asked_for_before_every_attempt(name: str) -> None:
    tokens = iter(["first", "second", "third"])

    async def run() -> None:
        async with ProviderServer() as server:
            settings: dict[str, Any] = {"retry_config": RetryConfig(base_delay=0), "token": lambda: next(tokens)}
            async with get_provider(name, base_url=server.url(name), **settings) as provider:
                server.fail(503)
                await provider.acomplete("m", HELLO)
            assert [request.headers["authorization"] for request in server.requests] == [
                "Bearer first",
                "Bearer second",
            ]

    asyncio.run(run())


@both
def test_no_credentials_can_be_wanted(cls: Any) -> None:
    async def run() -> None:
        async with ProviderServer() as server, cls("", server.url(cls.name())) as provider:
            await provider.acomplete("m", HELLO)
            assert "authorization" not in server.requests[0].headers

    asyncio.run(run())


def test_errors_of_either_kind_are_read() -> None:
    async def run() -> None:
        async with ProviderServer(api_key="right") as server:
            for name in ("vertex", "vertexclaude"):
                async with get_provider(name, base_url=server.url(name), token="wrong", retry_config=ONCE) as provider:
                    with pytest.raises(AuthenticationError):
                        await provider.acomplete("m", HELLO)
            url = server.url("vertexclaude")
            async with get_provider("vertexclaude", base_url=url, token="right", retry_config=ONCE) as provider:
                with pytest.raises(BadRequestError, match="model: Extra inputs"):
                    await provider.request("POST", "/models/m:rawPredict", {"model": "m", "anthropic_version": "v"})

    asyncio.run(run())


@pytest.fixture(scope="module")
def private_key() -> str:
    """A key as accounts have it; made once, because that takes a while."""
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    forms = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return str(key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()).decode())


class TestDefaultCredentials:
    """google-auth finds a service account's file; the server that gives its tokens is on loopback."""

    @pytest.fixture
    def account(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, private_key: str) -> Callable[[str], None]:
        """Puts the credentials of an account in place whose tokens come from an address."""
        pytest.importorskip("google.auth.transport.requests")
        file = tmp_path / "account.json"
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

        def place(token_uri: str) -> None:
            account = {"type": "service_account", "client_email": "a@p.example", "private_key": private_key}
            file.write_text(json.dumps({**account, "token_uri": token_uri, "project_id": "p"}))

        return place

    @both
    def test_the_project_of_its_quota_is_named(
        self, cls: Any, account: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = json.dumps({"access_token": "of the account", "expires_in": 3600, "token_type": "Bearer"}).encode()
        monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "who-pays")

        async def run() -> None:
            async with ProviderServer() as server, RawServer(answering(ok(token))) as tokens:
                account(tokens.url + "/token")
                async with cls(base_url=server.url(cls.name()), retry_config=ONCE) as provider:
                    await provider.acomplete("m", HELLO)
                    await provider.acomplete("m", HELLO, headers={"X-Goog-User-Project": "another"})
                async with cls(base_url=server.url(cls.name()), token="t", retry_config=ONCE) as provider:
                    await provider.acomplete("m", HELLO)
                named = [each.headers.get("x-goog-user-project") for each in server.requests]
                assert named == ["who-pays", "another", None]

        asyncio.run(run())

    @both
    def test_its_token_is_sent_and_kept(self, cls: Any, account: Callable[[str], None]) -> None:
        token = json.dumps({"access_token": "of the account", "expires_in": 3600, "token_type": "Bearer"}).encode()

        async def run() -> None:
            async with ProviderServer() as server, RawServer(answering(ok(token))) as tokens:
                account(tokens.url + "/token")
                async with cls(base_url=server.url(cls.name()), retry_config=ONCE) as provider:
                    for _ in range(2):
                        await provider.acomplete("m", HELLO)
                    copy = pickle.loads(pickle.dumps(provider))
                assert len(tokens.requests) == 1
                assert [each.headers["authorization"] for each in server.requests] == ["Bearer of the account"] * 2
                async with copy:
                    await copy.acomplete("m", HELLO)
                assert len(tokens.requests) == 2

        asyncio.run(run())

    def test_no_token_is_an_error_of_this_library(self, account: Callable[[str], None]) -> None:
        refusal = b'HTTP/1.1 400 No\r\nContent-Length: 25\r\n\r\n{"error":"invalid_grant"}\n'[:-1]

        async def run() -> None:
            async with ProviderServer() as server, RawServer(answering(refusal)) as tokens:
                account(tokens.url + "/token")
                async with VertexProvider(base_url=server.url("vertex"), retry_config=ONCE) as provider:
                    with pytest.raises(LLMError, match=r"no token to be had.*invalid_grant"):
                        await provider.acomplete("m", HELLO)
                assert not server.requests

        asyncio.run(run())


def test_without_google_auth_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with ProviderServer() as server, VertexProvider(base_url=server.url("vertex")) as provider:
            with pytest.raises(ImportError, match=r"pip install llm-async\[vertex\]"):
                await provider.acomplete("m", HELLO)
            assert not server.requests

    monkeypatch.setitem(sys.modules, "google.auth", None)
    asyncio.run(run())
