"""``count_tokens``: what is asked, what comes back, and who does not count."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_async import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
    ProtocolError,
    TokenCount,
    Tool,
    UnsupportedError,
)
from llm_async.protocols.base import Call
from llm_async.protocols.gemini import Gemini
from llm_async.protocols.token_counts import GeminiCount
from llm_async.testing import ProviderServer, Raw
from tests.contract.calls import against_server

HELLO = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Good morning to you"}]
WEATHER = Tool("weather", "Tell the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})

COUNTING = [OpenAIResponsesProvider, ClaudeProvider, GoogleProvider]


@pytest.mark.parametrize("provider_class", COUNTING, ids=lambda provider: provider.name())
class TestCounting:
    def test_the_whole_prompt_is_counted_and_tools_count_too(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            bare = await provider.count_tokens("gemini-3", HELLO)
            tooled = await provider.count_tokens("gemini-3", HELLO, tools=[WEATHER], tool_choice="auto")
            assert bare.input_tokens == int(bare) == 6
            assert tooled.input_tokens > bare.input_tokens
            assert bare.provider_name == provider_class.name()
            assert bare.original
            assert bare.timing is not None
            assert bare.timing.attempts == 1
            if provider_class is not GoogleProvider:  # which has neither
                assert bare.request_id

        against_server(provider_class, body)

    def test_what_says_how_to_answer_is_not_sent(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            await provider.count_tokens("m", HELLO, max_tokens=5, temperature=0.5, stream=True, headers={"X-A": "1"})
            [request] = server.requests
            assert request.headers["x-a"] == "1"
            assert "stream" not in request.json
            if provider_class is ClaudeProvider:
                assert request.json.keys() == {"model", "messages", "system"}
                assert request.path.endswith("/messages/count_tokens")
            elif provider_class is OpenAIResponsesProvider:
                assert request.json.keys() == {"model", "input"}
                assert request.path.endswith("/responses/input_tokens")
            else:
                assert request.json["generateContentRequest"]["model"] == "models/m"
                assert request.path.endswith("/models/m:countTokens")

        against_server(provider_class, body)

    def test_an_overload_is_tried_again(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.fail(503)
            counted = await provider.count_tokens("m", HELLO)
            assert counted.timing is not None
            assert counted.timing.attempts == 2

        against_server(provider_class, body)

    @pytest.mark.parametrize("said", [{}, [], {"input_tokens": "six", "totalTokens": None}, None])
    def test_an_answer_without_a_count_is_an_error(self, provider_class: type[BaseProvider], said: Any) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Raw(json.dumps(said).encode()))
            with pytest.raises(ProtocolError):
                await provider.count_tokens("m", HELLO)

        against_server(provider_class, body)

    def test_wrong_arguments_are_refused_before_anything_is_sent(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            with pytest.raises(ValueError, match="model"):
                await provider.count_tokens("", HELLO)
            with pytest.raises(ValueError, match="messages"):
                await provider.count_tokens("m", [])
            assert not server.requests

        against_server(provider_class, body)


@pytest.mark.parametrize("provider_class", [OpenAIProvider, OpenRouterProvider], ids=lambda provider: provider.name())
def test_an_api_that_does_not_count_is_refused_before_anything_is_sent(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(UnsupportedError, match="counts no tokens"):
            await provider.count_tokens("m", HELLO)
        assert not server.requests

    against_server(provider_class, body)


def test_extra_body_is_sent_even_where_it_makes_no_sense() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(Exception, match="max_tokens: Extra inputs"):
            await provider.count_tokens("m", HELLO, extra_body={"max_tokens": 1})

    against_server(ClaudeProvider, body)


def test_vertex_takes_the_fields_without_an_envelope() -> None:
    call = Call("gemini-3", [*HELLO], options={"temperature": 1.0})
    wire = GeminiCount(vertex=True).request(Gemini(vertex=True), call)
    assert wire.path == "/models/gemini-3:countTokens"
    assert {"contents", "system_instruction"} <= {*wire.body} <= {"contents", "system_instruction", "generationConfig"}


def test_what_a_cache_would_give_is_told() -> None:
    counted = GeminiCount().read({"totalTokens": 100, "cachedContentTokenCount": 40})
    assert counted == TokenCount(100, 40, original={"totalTokens": 100, "cachedContentTokenCount": 40})
