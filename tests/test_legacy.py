"""Programs and tests written against 0.5: mocks in the place of the HTTP client, and overridden inner methods.

This is the one place where anything is patched, because patching is what such tests do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import AsyncMock, MagicMock, patch

import pytest

from llm_async.errors import RateLimitError
from llm_async.models import Message, Response, StreamChunk, Tool, ToolCall
from llm_async.providers import BaseProvider, ClaudeProvider, GoogleProvider, OpenAIProvider, OpenAIResponsesProvider
from llm_async.retry import RetryConfig
from llm_async.utils import parse_stream_chunk, post_json, stream_json

HELLO = [{"role": "user", "content": "hi"}]
CHAT = {"id": "1", "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}
CLAUDE = {"id": "1", "role": "assistant", "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn"}
GEMINI = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP"}]}


def answering(body: Any, status: int = 200) -> MagicMock:
    """A client as the tests of 0.5 made it, whose ``post`` answers with ``body``."""
    response = MagicMock(status_code=status)
    response.json = AsyncMock(return_value=body)
    response.text = AsyncMock(return_value=json.dumps(body))
    return MagicMock(post=AsyncMock(return_value=response))


def streaming(*pieces: bytes, failing: Exception | None = None) -> MagicMock:
    """A client whose ``post`` answers with a stream of ``pieces``."""

    async def read_chunks() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        if failing is not None:
            raise failing

    response = MagicMock(status_code=200, read_chunks=read_chunks)
    return MagicMock(post=AsyncMock(return_value=response))


def event(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


def test_a_patched_client_class_is_called_with_http2_alone() -> None:
    with patch("llm_async.providers.base.aiosonic.HTTPClient") as client_class:
        provider = OpenAIProvider(api_key="k")
    client_class.assert_called_once_with(http2=False)
    assert provider.client is client_class.return_value


def test_a_patched_client_class_gets_the_client_kwargs_as_they_are() -> None:
    with (
        patch("llm_async.providers.base.aiosonic.HTTPClient") as client_class,
        pytest.warns(UserWarning, match="HTTP/1.1"),
    ):
        OpenAIProvider(api_key="k", client_kwargs={"verify": False, "timeout": 10}, http2=True)
    client_class.assert_called_once_with(verify=False, timeout=10, http2=True)


@pytest.mark.parametrize(
    ("provider_class", "body"),
    [(OpenAIProvider, CHAT), (ClaudeProvider, CLAUDE), (GoogleProvider, GEMINI), (OpenAIResponsesProvider, CHAT)],
)
def test_a_mocked_client_is_posted_to_by_keyword(provider_class: type[BaseProvider], body: Any) -> None:
    client = answering(body)
    with patch("llm_async.providers.base.aiosonic.HTTPClient", return_value=client):
        provider = provider_class(api_key="secret")
    response = asyncio.run(provider.acomplete("m", HELLO))
    assert response.main_response is not None
    assert response.main_response.content == "hello"
    args, kwargs = client.post.call_args
    assert len(args) == 1
    assert set(kwargs) == {"json", "headers"}
    assert "secret" in "".join(kwargs["headers"].values())


def test_the_client_can_be_replaced_after_construction() -> None:
    provider = OpenAIProvider(api_key="k")
    provider.client = client = answering(CHAT)
    response = asyncio.run(provider.acomplete("m", HELLO, temperature=0))
    assert response.original == CHAT
    assert client.post.call_args[0][0] == "https://api.openai.com/v1/chat/completions"
    assert client.post.call_args[1]["json"]["temperature"] == 0
    assert client.post.call_args[1]["headers"]["Authorization"] == "Bearer k"


def test_an_error_status_of_a_mock_is_the_typed_error() -> None:
    provider = OpenAIProvider(api_key="k", retry_config=RetryConfig(max_attempts=1))
    provider.client = answering({"error": {"message": "slow down"}}, status=429)
    with pytest.raises(RateLimitError, match=r"^HTTP 429: "):
        asyncio.run(provider.acomplete("m", HELLO))


def test_a_mock_that_fails_first_is_tried_again() -> None:
    provider = OpenAIProvider(api_key="k", retry_config=RetryConfig(base_delay=0))
    good = answering(CHAT).post.return_value
    bad = answering({"error": {"message": "busy"}}, status=503).post.return_value
    provider.client = MagicMock(post=AsyncMock(side_effect=[bad, ConnectionError("gone"), good]))
    assert asyncio.run(provider.acomplete("m", HELLO)).original == CHAT
    assert provider.client.post.await_count == 3


async def collect(response: Response) -> list[str | None]:
    return [chunk.content async for chunk in response.stream_generator]


@pytest.mark.parametrize(
    ("pieces", "texts"),
    [
        ([event("a"), event("b"), b"data: [DONE]\n\n"], ["a", "b"]),
        ([event("a"), b"data: {malformed\n\n", event("b")], ["a", "b"]),
        ([event("a"), b'data: {"unknown": "shape"}\n\n', event("b")], ["a", "b"]),
        ([event("a"), event("b").rstrip(b"\n")], ["a", "b"]),
        ([event("caf\u00e9")[:48], event("caf\u00e9")[48:]], ["caf\u00e9"]),
    ],
)
def test_the_streams_of_mocks_are_read_with_the_old_leniency(pieces: list[bytes], texts: list[str]) -> None:
    provider = OpenAIProvider(api_key="k")
    provider.client = streaming(*pieces)

    async def run() -> list[str | None]:
        return await collect(await provider.acomplete("m", HELLO, stream=True))

    assert asyncio.run(run()) == texts


def test_what_a_mock_raises_in_its_stream_passes_unchanged() -> None:
    provider = OpenAIProvider(api_key="k")
    provider.client = streaming(event("a"), failing=ZeroDivisionError("of the test"))

    async def run() -> None:
        async for _ in await provider.acomplete("m", HELLO, stream=True):
            pass

    with pytest.raises(ZeroDivisionError, match="of the test"):
        asyncio.run(run())


class ThirdParty(BaseProvider):
    """A provider as 0.5's README says to write one."""

    BASE_URL = "https://example.invalid/v1"

    def _default_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}

    def _format_tools(self, tools: Any) -> list[dict[str, Any]]:
        return [{"called": tool.name} for tool in tools]

    def _parse_response(self, original: dict[str, Any]) -> Message:
        return Message("assistant", original["answer"], original=original)

    async def _single_complete(
        self, model: Any, messages: Any, stream: Any, tools: Any, tool_choice: Any, response_schema: Any,
        headers: Any = None, **kwargs: Any,
    ) -> Response:  # fmt: skip
        payload = {"model": model, "messages": self._serialize_messages(messages), **kwargs}
        if tools:
            payload["tools"] = self._format_tools(tools)
        url = f"{self.base_url}/ask"
        if stream:
            generator = self._stream_response(url, payload, self._headers_for_request(headers), "openai")
            return Response({}, self.name(), stream=True, stream_generator=generator)
        original = await self._http_post(url, payload, self._headers_for_request(headers))
        return Response(original, self.name(), self._parse_response(original))


def test_a_provider_written_against_the_old_base_class_works() -> None:
    provider = ThirdParty(api_key="secret")
    provider.client = client = answering({"answer": "42"})
    response = asyncio.run(provider.acomplete("m", HELLO, tools=[Tool("f", "d")], seed=1))
    assert response.main_response == Message("assistant", "42", original={"answer": "42"})
    sent = client.post.call_args[1]
    assert sent["json"] == {"model": "m", "messages": HELLO, "seed": 1, "tools": [{"called": "f"}]}
    assert sent["headers"]["Authorization"] == "Bearer secret"


def test_a_subclass_that_parses_answers_itself_is_asked_to() -> None:
    class Shouting(OpenAIProvider):
        def _parse_response(self, original: dict[str, Any]) -> Message:
            return Message("assistant", original["choices"][0]["message"]["content"].upper())

    provider = Shouting(api_key="k")
    provider.client = answering(CHAT)
    response = asyncio.run(provider.acomplete("m", HELLO))
    assert response.main_response == Message("assistant", "HELLO")


def test_a_subclass_that_sends_requests_itself_is_asked_to() -> None:
    class Canned(OpenAIProvider):
        async def _http_post(self, endpoint: str, data: Any, headers: Any = None) -> dict[str, Any]:
            assert endpoint.endswith("/chat/completions")
            assert data["model"] == "m"
            return CHAT

    response = asyncio.run(Canned(api_key="k").acomplete("m", HELLO))
    assert response.main_response is not None
    assert response.main_response.content == "hello"


def test_a_subclass_that_streams_itself_is_asked_to() -> None:
    class Canned(OpenAIProvider):
        async def _stream_response(
            self, url: str, payload: Any, headers: Any, parse_provider: str = "openai"
        ) -> AsyncIterator[StreamChunk]:
            yield StreamChunk("canned", {})

    async def run() -> list[str | None]:
        return await collect(await Canned(api_key="k").acomplete("m", HELLO, stream=True))

    assert asyncio.run(run()) == ["canned"]


def test_the_bare_base_class_cannot_be_asked() -> None:
    with pytest.raises(NotImplementedError):
        asyncio.run(BaseProvider("k").acomplete("m", HELLO))
    with pytest.raises(NotImplementedError):
        asyncio.run(BaseProvider("k").execute_tool(ToolCall("1", "function", "f"), {"f": lambda: "x"}))


class TestOldHelpers:
    def test_post_json_posts_by_keyword_and_returns_the_decoded_answer(self) -> None:
        client = answering({"ok": True})
        assert asyncio.run(post_json(client, "https://x/y", {"a": 1}, {"h": "v"})) == {"ok": True}
        client.post.assert_awaited_once_with("https://x/y", json={"a": 1}, headers={"h": "v"})

    def test_stream_json_yields_the_events(self) -> None:
        async def run() -> list[Any]:
            client = streaming(b'data: {"a": 1}\n\n', b"data: [DONE]\n\n", b'data: {"b": 2}')
            return [found async for found in stream_json(client, "https://x/y", {}, {})]

        assert asyncio.run(run()) == [{"a": 1}, {"b": 2}]

    def test_stream_json_without_a_client_yields_one_empty_dict(self) -> None:
        async def run() -> list[Any]:
            return [found async for found in stream_json(None, "", {}, {})]

        assert asyncio.run(run()) == [{}]

    @pytest.mark.parametrize(
        ("chunk", "provider", "expected"),
        [
            ({"choices": [{"delta": {"content": "a"}}]}, "openai", "a"),
            ({"choices": [{"delta": {}}]}, "openai", None),
            ({"delta": {"text": "a"}}, "claude", "a"),
            ({"candidates": [{"content": {"parts": [{"text": "a"}, {"text": "b"}]}}]}, "google", "a"),
        ],
    )
    def test_parse_stream_chunk_finds_the_text(self, chunk: Any, provider: str, expected: str | None) -> None:
        assert parse_stream_chunk(chunk, provider) == StreamChunk(expected, chunk)

    @pytest.mark.parametrize("chunk", [None, "text", {}, {"choices": []}, {"delta": {}}])
    def test_parse_stream_chunk_says_none_to_what_it_cannot_use(self, chunk: Any) -> None:
        for provider in ("openai", "claude", "google"):
            assert parse_stream_chunk(chunk, provider) is None

    def test_parse_stream_chunk_knows_three_providers(self) -> None:
        with pytest.raises(ValueError, match="other"):
            parse_stream_chunk({}, "other")
