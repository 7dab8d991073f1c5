"""Structured answers of every provider: by type and by schema, whole and streamed, asked for again, in an agent."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Coroutine
from typing import Any, Union

import pytest

from llm_async import Agent
from llm_async.errors import (
    APITimeoutError,
    InvalidAnswerError,
    RefusedAnswerError,
    TruncatedAnswerError,
    UnsupportedError,
)
from llm_async.models import ParsedResponse, ParsedStreamingResponse, Response, StreamingResponse, TypedSchema
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

from . import kinds
from .kinds import City, Color, Fine, Line, Map, Movie, Page, Person, Point, River

PROVIDERS = [OpenAIProvider, OpenAIResponsesProvider, ClaudeProvider, GoogleProvider, OpenRouterProvider]
HELLO = [{"role": "user", "content": "hi"}]
TYPES = [
    City,
    Map,
    Person,
    Page[Point],
    Fine,
    Line,
    Movie,
    list[City],
    Union[City, River],
    Union[Point, None],
    Color,
    int,
]
ROME = '{"name": "Rome", "size": 3}'

every_provider = pytest.mark.parametrize("provider_class", PROVIDERS, ids=lambda provider: provider.name())


def against_server(
    provider_class: type[BaseProvider], body: Callable[[ProviderServer, BaseProvider], Coroutine[Any, Any, None]]
) -> None:
    async def run() -> None:
        async with ProviderServer() as server:
            url = server.url(provider_class.name())
            async with provider_class("key", url, retry_config=RetryConfig(base_delay=0)) as provider:
                await body(server, provider)

    asyncio.run(run())


@every_provider
def test_every_type_is_answered_whole_and_streamed(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        for python_type in [*TYPES, *([kinds.Car, list[kinds.Car]] if kinds.msgspec else [])]:
            schema = TypedSchema.of(python_type)
            whole = await provider.acomplete("m", HELLO, response_schema=python_type)
            assert type(whole) is ParsedResponse
            streamed = await provider.acomplete("m", HELLO, response_schema=schema, stream=True)
            assert type(streamed) is ParsedStreamingResponse
            await streamed.final()
            assert schema.parse(whole.main_response) == whole.parsed == streamed.parsed
            assert pickle.loads(pickle.dumps(streamed)).parsed == streamed.parsed

    against_server(provider_class, body)


@every_provider
def test_a_schema_gives_a_checked_value(provider_class: type[BaseProvider]) -> None:
    pytest.importorskip("jsonschema")
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 3}, "b": {"type": "string"}},
        "required": ["a"],
    }

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text('{"a": 5, "b": null}'), Text('{"a": 1}'))
        good = await provider.acomplete("m", HELLO, response_schema=schema)
        assert (type(good), good.parsed) == (Response, {"a": 5})
        wrong = await provider.acomplete("m", HELLO, response_schema=schema, stream=True)
        assert type(wrong) is StreamingResponse
        await wrong.final()
        with pytest.raises(InvalidAnswerError) as caught:
            _ = wrong.parsed
        assert caught.value.path == "$.a"

    against_server(provider_class, body)


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_and_a_cut_are_told_from_an_invalid_answer(provider_class: type[BaseProvider], stream: bool) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Refusal("No."), Text('{"name": "Ro', finish="length"), Text("Rome"))
        for kind in (RefusedAnswerError, TruncatedAnswerError, InvalidAnswerError):
            response = await provider.acomplete("m", HELLO, response_schema=City, stream=stream)
            await response.final()
            with pytest.raises(kind):
                _ = response.parsed

    against_server(provider_class, body)


# ---- asked again


class Plain:
    """A class that no library reads."""


@every_provider
def test_an_invalid_answer_is_asked_for_again_with_what_is_wrong(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text("Rome, of course."), Text('{"name": "Rome"}'), Text(ROME), Text(ROME))
        messages = list(HELLO)
        response = await provider.acomplete("m", messages, response_schema=City, schema_retries=3)
        assert response.parsed == City(name="Rome", size=3)
        assert messages == HELLO
        assert len(server.requests) == 3
        sent = str(server.requests[-1].json)
        for text in ("Rome, of course.", "is not JSON", "$.size: Field required"):
            assert text in sent
        assert [type(each) for each in response.rejected] == [ParsedResponse, ParsedResponse]
        counts = [each.usage.input_tokens for each in response.rejected if each.usage]
        assert response.usage is not None
        assert (response.usage.input_tokens or 0) > sum(count or 0 for count in counts)
        assert response.usage.raw
        first = await provider.acomplete("m", HELLO, response_schema=City, schema_retries=3)
        assert first.rejected == ()

    against_server(provider_class, body)


def test_the_last_answer_is_given_when_no_one_was_valid() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text("one"), Text(""), Text("three"))
        response = await provider.acomplete("m", HELLO, response_schema=City, schema_retries=2)
        assert response.main_response.text == "three"
        with pytest.raises(InvalidAnswerError):
            _ = response.parsed
        # An empty answer is not sent back, since no API takes one.
        roles = [message["role"] for message in server.requests[-1].json["messages"]]
        assert roles == ["user", "assistant", "user", "user"]

    against_server(OpenAIProvider, body)


def test_all_attempts_together_have_the_calls_time() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text("one"), Text("two"), Text(ROME))
        for _ in range(3):
            server.delay(0.25)
        with pytest.raises(APITimeoutError) as caught:
            await provider.acomplete("m", HELLO, response_schema=City, schema_retries=5, timeouts=0.4)
        assert caught.value.deadline == "total"
        assert len(server.requests) == 2

    against_server(OpenAIProvider, body)


@pytest.mark.parametrize("answer", [Refusal("No."), Text('{"name', finish="length"), ToolCalls(("look", {"a": 1}))])
def test_what_asking_again_would_not_change_is_given_as_it_is(answer: Any) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(answer)
        response = await provider.acomplete("m", HELLO, response_schema=City, schema_retries=2)
        assert (len(server.requests), response.rejected) == (1, ())

    against_server(OpenAIProvider, body)


def test_a_conversation_that_the_server_knows_is_gone_on_with() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text("nope"), Text(ROME))
        response = await provider.acomplete(  # type: ignore[call-overload]
            prompt={"id": "p"}, response_schema=City, schema_retries=1
        )
        assert response.parsed == City(name="Rome", size=3)

    against_server(OpenAIResponsesProvider, body)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"schema_retries": 1}, ValueError, "needs a response_schema"),
        ({"schema_retries": 1, "response_schema": City, "stream": True}, ValueError, "does not go with stream=True"),
        ({"schema_retries": -1, "response_schema": City}, ValueError, "must not be negative"),
        ({"schema_retries": "2", "response_schema": City}, TypeError, "whole number"),
        ({"schema_retries": True, "response_schema": City}, TypeError, "whole number"),
        ({"response_schema": "City"}, TypeError, "response_schema"),
        ({"response_schema": Plain}, TypeError, "response_schema"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_sent(
    arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(error, match=text):
            await provider.acomplete("m", HELLO, **arguments)
        assert server.requests == []

    against_server(OpenAIProvider, body)


def test_what_claude_cannot_say_is_refused_before_anything_is_sent() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(UnsupportedError, match="free names"):
            await provider.acomplete("m", HELLO, response_schema=dict[str, int])
        assert server.requests == []

    against_server(ClaudeProvider, body)


# ---- agents


async def population(city: str) -> int:
    """Tell how many people live in a city."""
    return 3


@pytest.mark.parametrize("stream", [False, True])
def test_an_agents_last_answer_is_parsed(stream: bool) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(ToolCalls(("population", {"city": "Rome"}), text="Let me look."), Text(ROME))
        agent = Agent(provider, "m", [population])
        if stream:
            result = await agent.stream(HELLO, response_schema=City).result()
        else:
            result = await agent.run(HELLO, response_schema=City, schema_retries=1)
        assert result.parsed == City(name="Rome", size=3)
        assert result.iterations == 2

    against_server(OpenAIProvider, body)
