# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportPrivateUsage=false
"""A program as users write it, for type checkers: nothing here is run. ``assert_type`` says what a checker has to see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pydantic
from typing_extensions import TypedDict, assert_type

from llm_async import (
    Agent,
    AnswerError,
    APIStatusError,
    APITimeoutError,
    BaseProvider,
    ClaudeProvider,
    Fallback,
    GoogleProvider,
    InvalidAnswerError,
    LLMError,
    Message,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
    ParsedResponse,
    ParsedStreamingResponse,
    RateLimitError,
    Response,
    ResponseSchema,
    RetryConfig,
    StreamChunk,
    StreamingResponse,
    Timeouts,
    Tool,
    ToolCall,
    TypedSchema,
    Usage,
    tool,
)
from llm_async.agent import AgentResult, AgentRun, TextDelta, ToolFinished
from llm_async.cache import Cache, DiskCache, MemoryCache, RedisCache
from llm_async.fallback import FailedCall
from llm_async.providers.request import ByteStream

MESSAGES = [{"role": "user", "content": "Good morning"}]


async def whole_answers(provider: OpenAIProvider) -> None:
    response = await provider.acomplete("m", MESSAGES)
    assert_type(response, Response)
    assert_type(response.main_response, Message)
    assert_type(response.main_response.text, str)
    assert_type(response.main_response.tool_calls, list[ToolCall] | None)
    assert_type(response.usage, Usage | None)
    assert_type(response.finish_reason, str)
    assert_type(response.headers, Mapping[str, str])
    assert_type(await response.final(), Message)
    assert_type(await provider.acomplete("m", MESSAGES, False), Response)


async def streams(provider: OpenAIProvider) -> None:
    stream = await provider.acomplete("m", MESSAGES, stream=True)
    assert_type(stream, StreamingResponse)
    assert_type(stream.main_response, Message | None)
    _ = stream.main_response.content  # type: ignore  # before the end of a stream there is none
    async for chunk in stream:
        assert_type(chunk, StreamChunk)
        assert_type(chunk.delta, str)
    async with await provider.acomplete("m", MESSAGES, True) as entered:
        assert_type(entered, StreamingResponse)
        assert_type(await entered.final(), Message)
    async for text in stream.stream_content():
        assert_type(text, str)


async def either(provider: BaseProvider, stream: bool) -> None:
    response = await provider.acomplete("m", MESSAGES, stream=stream)
    assert_type(response, Response | StreamingResponse)
    _ = response.main_response.content  # type: ignore  # None where it is a stream
    assert_type(await response.final(), Message)


async def each_provider() -> None:
    async with ClaudeProvider("key") as claude, GoogleProvider(vertex_config={"project_id": "p"}) as google:
        assert_type(claude, ClaudeProvider)
        assert_type(await claude.acomplete("m", MESSAGES), Response)
        assert_type(await google.acomplete("m", MESSAGES, stream=True), StreamingResponse)
    responses = OpenAIResponsesProvider(api_key="key", timeouts=30)
    assert_type(await responses.acomplete(prompt={"id": "p"}), Response)
    assert_type(await responses.acomplete("m", MESSAGES), Response)
    assert_type(await responses.acomplete("m", MESSAGES, True), StreamingResponse)
    assert_type(await responses.acomplete(messages=MESSAGES, stream=True), StreamingResponse)
    router = OpenRouterProvider(retry_config=RetryConfig(max_attempts=1), timeouts=Timeouts(idle=5))
    assert_type(await router.acomplete("m", MESSAGES, http_referer="https://me"), Response)
    assert_type(OpenAIProvider.name(), str)


async def keys_from_functions() -> None:
    async def fresh() -> str:
        return "key"

    OpenAIProvider(fresh)
    OpenAIProvider(lambda: "key")
    OpenAIProvider(3)  # type: ignore  # neither a key nor a function


async def arguments(provider: BaseProvider) -> None:
    messages: list[Message | dict[str, Any]] = [
        Message("user", "hi"),
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
    ]
    response = await provider.acomplete(
        "m",
        messages,
        tools=[Tool("f", "d", {}), {"type": "web_search"}, weather, lookup, len],
        tool_choice="auto",
        response_schema=ResponseSchema({"type": "object"}),
        headers={"X-A": "1"},
        timeouts=5,
        extra_body={"a": 1},
        temperature=0.5,
    )
    # The taught round trip.
    messages = [*messages, response.main_response.original or {}]
    await provider.acomplete("m", messages, headers=[("X-A", "1")], response_schema={"type": "object"})
    await provider.acomplete("m", "hi", stream=True)  # type: ignore  # a text is no list of messages
    await provider.acomplete("m", MESSAGES, timeouts="soon")  # type: ignore


class City(pydantic.BaseModel):
    name: str


@dataclass
class Town:
    name: str


class Village(msgspec.Struct):
    name: str


class Hamlet(TypedDict):
    name: str


async def structured_answers(provider: BaseProvider, responses: OpenAIResponsesProvider, stream: bool) -> None:
    city = await provider.acomplete("m", MESSAGES, response_schema=City)
    assert_type(city, ParsedResponse[City])
    assert_type(city.parsed, City)
    assert_type(city.parsed.name, str)
    assert_type(city.main_response, Message)
    assert_type((await provider.acomplete("m", MESSAGES, response_schema=Town, schema_retries=2)).parsed, Town)
    assert_type((await provider.acomplete("m", MESSAGES, response_schema=Village, timeouts=3)).parsed, Village)
    assert_type((await provider.acomplete("m", MESSAGES, response_schema=Hamlet)).parsed, Hamlet)
    assert_type((await provider.acomplete("m", MESSAGES, response_schema=list[City])).parsed, list[City])
    assert_type((await provider.acomplete("m", MESSAGES, response_schema=int, temperature=0)).parsed, int)
    streamed = await provider.acomplete("m", MESSAGES, stream=True, response_schema=City)
    assert_type(streamed, ParsedStreamingResponse[City])
    async for chunk in streamed:
        assert_type(chunk, StreamChunk)
    assert_type(streamed.parsed, City)
    assert_type(streamed.main_response, Message | None)
    # A checker does not know the type of ``City | Town`` by itself.
    either_of_them: TypedSchema[City | Town] = TypedSchema.of(City | Town)
    assert_type((await provider.acomplete("m", MESSAGES, response_schema=either_of_them)).parsed, City | Town)
    assert_type(TypedSchema.of(City), TypedSchema[City])
    assert_type(TypedSchema.of(City).parse("{}"), City)
    await provider.acomplete("m", MESSAGES, response_schema=City | Town)
    assert_type((await provider.acomplete("m", MESSAGES, response_schema={"type": "object"})).parsed, Any)
    assert_type((await provider.acomplete("m", MESSAGES, stream=stream, response_schema={})).parsed, Any)
    await provider.acomplete("m", MESSAGES, response_schema=3)  # type: ignore  # neither a schema nor a type
    assert_type((await responses.acomplete("m", MESSAGES, response_schema=City)).parsed, City)
    assert_type((await responses.acomplete(prompt={"id": "p"}, response_schema=City)).parsed, City)
    assert_type((await responses.acomplete("m", MESSAGES, True, response_schema=City)).parsed, City)
    assert_type(
        await responses.acomplete(messages=MESSAGES, stream=True, response_schema=City), ParsedStreamingResponse[City]
    )
    try:
        _ = city.parsed
    except InvalidAnswerError as error:
        assert_type(error.path, str)
        assert_type(error.faults, list[tuple[str, str]])
    except AnswerError as error:
        assert_type(error.text, str)


@tool
def weather(city: str, days: int = 1) -> str:
    """Tell the weather."""
    return f"{city} {days}"


@tool(name="look_up", run_sync_in_thread=False)
async def lookup(key: str) -> dict[str, int]:
    return {key: 1}


async def tools(provider: BaseProvider) -> None:
    assert_type(weather("Bergen", days=2), str)
    assert_type(await lookup("a"), dict[str, int])
    assert_type(weather.tool, Tool)
    assert_type(lookup.tool.name, str)
    weather(3)  # type: ignore  # a decorated function keeps its signature
    call = ToolCall("1", "function", function={"name": "weather", "arguments": "{}"})
    assert_type(await provider.execute_tool(call, {"weather": weather, "plain": len}), dict[str, Any])
    assert_type(call.arguments, dict[str, Any] | str)


async def agents(provider: BaseProvider, stream: bool) -> None:
    agent = Agent(provider, "m", tools=[weather, lookup], max_parallel_tools=2)
    assert_type(await agent.acomplete(MESSAGES), Response)
    assert_type(await agent.acomplete(MESSAGES, stream=True), AgentRun)
    assert_type(await agent.acomplete(MESSAGES, stream=stream), Response | AgentRun)
    result = await agent.run(MESSAGES)
    assert_type(result, AgentResult)
    assert_type(result.content, str)
    async with agent.stream(MESSAGES) as run:
        async for event in run:
            if isinstance(event, TextDelta):
                assert_type(event.text, str)
            elif isinstance(event, ToolFinished):
                assert_type(event.call, ToolCall)
    assert_type(await run.result(), AgentResult)


async def requests(provider: BaseProvider) -> None:
    assert_type(await provider.request("GET", "/models", params={"limit": 5}), Any)
    assert_type(await provider.request("GET", "/file", raw=True), bytes)
    async with await provider.request("GET", "/file", stream=True) as body:
        assert_type(body, ByteStream)
        async for block in body:
            assert_type(block, bytes)
    await provider.request("GET", "/models", custom_header="value")


async def failures(provider: BaseProvider) -> None:
    try:
        await provider.acomplete("m", MESSAGES)
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.status_code, int)
    except APIStatusError as error:
        assert_type(error.request_id, str | None)
    except APITimeoutError as error:
        assert_type(error.deadline, str)
    except LLMError as error:
        assert_type(error.partial, Message | None)


class ThirdParty(BaseProvider):
    """A provider with hooks of its own."""

    BASE_URL = "https://example.invalid/v1"

    def _default_headers(self) -> dict[str, str]:
        return {**super()._default_headers(), "X-Own": "1"}

    def _parse_response(self, original: dict[str, Any]) -> Message:
        return Message("assistant", str(original["answer"]))

    def _stream_response(
        self, url: str, payload: dict[str, Any], headers: Mapping[str, str], parse_provider: str = "openai"
    ) -> Response:
        return Response({}, self.name(), stream=True, stream_generator=_chunks())


async def _chunks() -> AsyncIterator[StreamChunk]:
    yield StreamChunk("a", {})


async def fallbacks(openai: OpenAIProvider, claude: ClaudeProvider) -> None:
    provider = Fallback([(openai, "m"), (claude, {"m": "n"}), Fallback([openai])], on=RateLimitError)
    assert_type(await provider.acomplete(messages=MESSAGES), Response)
    assert_type(await provider.acomplete("m", MESSAGES, stream=True), StreamingResponse)
    assert_type(await provider.acomplete("m", MESSAGES, True), StreamingResponse)
    response = await provider.acomplete("m", MESSAGES, response_schema=Town)
    assert_type(response.parsed, Town)
    assert_type(response.fallbacks, tuple[FailedCall, ...])
    streamed = await provider.acomplete(messages=MESSAGES, stream=True, response_schema=Village)
    assert_type(streamed.parsed, Village)
    Fallback([openai], on=lambda error: isinstance(error, RateLimitError))
    Agent(provider, tools=[])


async def caches() -> None:
    for cache in (MemoryCache(ttl=60), DiskCache("answers.db"), RedisCache(ttl=60)):
        kept: Cache = cache
        assert_type(await kept.get("key"), bytes | None)
        async with GoogleProvider(cache=cache) as provider:
            response = await provider.acomplete("m", MESSAGES, cache="refresh")
            assert_type(response.cached, bool)
    OpenAIProvider(cache={})  # type: ignore
