"""What calls return: the message of each provider, streams, and the results of tools."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llm_async import tool
from llm_async.errors import AuthenticationError, BadRequestError
from llm_async.models import Message, Response, StreamChunk, ToolCall
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.testing import ProviderServer, Raw, Text, ToolCalls

from .calls import HELLO, against_server, every_provider


def answered(provider_class: type[BaseProvider], body: Any) -> Response:
    """The response to a call that the server answers with ``body``."""

    async def call(server: ProviderServer, provider: BaseProvider) -> Response:
        server.script(Raw(json.dumps(body).encode()))
        return await provider.acomplete("m", HELLO)

    response: Response = against_server(provider_class, call)
    assert response.original == body
    assert (response.provider_name, response.stream) == (provider_class.name(), False)
    return response


CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}


@pytest.mark.parametrize("provider_class", [OpenAIProvider, OpenRouterProvider])
def test_an_answer_of_chat(provider_class: type[BaseProvider]) -> None:
    said = {"role": "assistant", "content": "hello", "tool_calls": [CALL], "annotations": []}
    body = {"id": "1", "choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}]}
    message = answered(provider_class, body).main_response
    assert (message.role, message.content, message.stop_reason) == ("assistant", "hello", "tool_calls")
    assert message.tool_calls == [ToolCall("c1", "function", function=CALL["function"])]  # type: ignore[arg-type]
    assert message.original == said


def test_an_answer_of_claude() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "hel"},
        {"type": "text", "text": "lo"},
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}},
    ]
    body = {"id": "1", "type": "message", "role": "assistant", "content": blocks, "stop_reason": "tool_use"}
    message = answered(ClaudeProvider, body).main_response
    assert (message.content, message.stop_reason) == ("hello", "tool_use")
    assert message.tool_calls == [ToolCall("t1", "tool_use", "look", {"a": 1})]
    assert message.original == {"role": "assistant", "content": blocks}


def test_an_answer_of_gemini() -> None:
    parts = [
        {"text": "hel"},
        {"text": "lo", "thoughtSignature": "s"},
        {"functionCall": {"id": "f1", "name": "look", "args": {"a": 1}}},
    ]
    body = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    message = answered(GoogleProvider, body).main_response
    assert (message.role, message.content, message.stop_reason) == ("assistant", "hello", "STOP")
    assert message.tool_calls == [ToolCall("f1", "function", function={"name": "look", "arguments": {"a": 1}})]
    assert message.original == {"role": "assistant", "parts": parts}


def test_a_prompt_that_gemini_blocks_is_an_empty_answer() -> None:
    message = answered(GoogleProvider, {"promptFeedback": {"blockReason": "SAFETY"}}).main_response
    assert (message.content, message.tool_calls) == ("", None)
    assert message.original == {"role": "assistant", "parts": []}, "a role that can be sent back"
    assert message.finish_reason == "content_filter"


REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
OUTPUT = [
    REASONING,
    {"type": "message", "id": "m1", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": '{"a": 1}'},
]


def test_an_answer_of_the_responses_api() -> None:
    body = {"id": "resp_1", "object": "response", "status": "completed", "output": OUTPUT}
    message = answered(OpenAIResponsesProvider, body).main_response
    assert (message.content, message.stop_reason) == ("hello", "tool_calls")
    call = ToolCall.from_responses_api_function_call("fc_1", "call_1", "look", '{"a": 1}')
    assert message.tool_calls == [call]
    assert message.reasoning_details == [REASONING]
    assert message.original is not None
    assert message.original["role"] == "assistant"
    assert message.original["content"] == "hello"
    assert message.original["reasoning_details"] == [REASONING]
    assert message.original["tool_calls"] == [
        {"id": "fc_1", "type": "function", "function": call.function, "input": {"call_id": "call_1"}}
    ]


@pytest.mark.parametrize(
    ("changes", "stop_reason"),
    [
        ({"output": OUTPUT[:2]}, "stop"),
        ({"output": OUTPUT}, "tool_calls"),
        (
            {"output": OUTPUT[:2], "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "length",
        ),
        ({"output": [], "status": "in_progress"}, None),
    ],
)
def test_the_stop_reason_of_the_responses_api_is_derived(changes: dict[str, Any], stop_reason: str | None) -> None:
    body = {"id": "resp_1", "object": "response", "status": "completed", **changes}
    assert answered(OpenAIResponsesProvider, body).main_response.stop_reason == stop_reason


@pytest.mark.parametrize(
    "body",
    [
        {"id": "1", "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]},
        {"id": "1", "output_text": "hello"},
    ],
)
def test_other_shapes_are_read_where_the_responses_api_is_spoken(body: Any) -> None:
    assert answered(OpenAIResponsesProvider, body).main_response.content == "hello"


@every_provider
class TestStreams:
    def test_nothing_is_sent_before_the_first_step(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            response = await provider.acomplete("m", HELLO, stream=True)
            assert (response.original, response.main_response, response.stream) == ({}, None, True)
            assert isinstance(response, Response)
            assert server.requests == []
            server.script(Text(["a", "b"]))
            chunks = [chunk async for chunk in response.stream_generator]
            assert len(server.requests) == 1
            assert [chunk.content for chunk in chunks] == ["a", "b"]
            assert all(isinstance(chunk, StreamChunk) and isinstance(chunk.original, dict) for chunk in chunks)
            assert [chunk async for chunk in response.stream_generator] == []

        against_server(provider_class, body)

    def test_errors_come_at_the_first_step(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.fail(401)
            response = await provider.acomplete("m", HELLO, stream=True)
            with pytest.raises((AuthenticationError, BadRequestError), match=r"^HTTP 40[01]: "):
                await anext(response.stream_generator)

        against_server(provider_class, body)

    def test_stream_content_gives_the_text_alone(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(["a", "b"], reasoning="hm"))
            response = await provider.acomplete("m", HELLO, stream=True)
            assert [text async for text in response.stream_content()] == ["a", "b"]
            assert [text async for text in (await provider.acomplete("m", HELLO)).stream_content()] == []

        against_server(provider_class, body)

    def test_the_taught_round_trip_works_for_whole_answers_and_streams(
        self, provider_class: type[BaseProvider]
    ) -> None:
        @tool
        def look(place: str) -> str:
            """Look."""
            return f"seen in {place}"

        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            for stream in (False, True):
                server.script(ToolCalls(("look", {"place": "Oslo"}), reasoning="Where?"))
                response = await provider.acomplete("m", HELLO, tools=[look.tool], stream=stream)
                message = await response.final()
                assert message.tool_calls
                result = await provider.execute_tool(message.tool_calls[0], {"look": look})
                history = [*HELLO, response.main_response.original, result]
                second = await provider.acomplete("m", history, tools=[look.tool])
                assert "seen in Oslo" in str(second.main_response.content)

        against_server(provider_class, body)


def test_a_response_with_a_generator_of_its_own_is_read_like_one() -> None:
    async def chunks() -> AsyncIterator[StreamChunk]:
        yield StreamChunk("a", {})
        yield StreamChunk("", {})
        yield StreamChunk(None, {})

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        response = Response({}, "mine", stream=True, stream_generator=chunks())
        assert [text async for text in response.stream_content()] == ["a"]

    against_server(OpenAIProvider, body)


# --- tools

RESULTS: dict[type[BaseProvider], Any] = {
    OpenAIProvider: lambda text: {"role": "tool", "tool_call_id": "c1", "content": text},
    OpenRouterProvider: lambda text: {"role": "tool", "tool_call_id": "c1", "content": text},
    ClaudeProvider: lambda text: {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "c1", "content": text}],
    },
    GoogleProvider: lambda text: {
        "role": "user",
        "parts": [{"functionResponse": {"id": "c1", "name": "look", "response": {"result": text}}}],
    },
    OpenAIResponsesProvider: lambda text: {"type": "function_call_output", "call_id": "c1", "output": text},
}


@tool
def seen(a: int = 0) -> str:
    return f"seen {a}"


def function_call(arguments: Any) -> ToolCall:
    return ToolCall("c1", "function", function={"name": "look", "arguments": arguments})


@every_provider
class TestResultsOfTools:
    def executed(self, provider_class: type[BaseProvider], call: ToolCall, function: Any) -> Any:
        async def body(server: ProviderServer, provider: BaseProvider) -> Any:
            return await provider.execute_tool(call, {"look": function})

        return against_server(provider_class, body)

    @pytest.mark.parametrize(
        ("call", "function", "text"),
        [
            (function_call('{"a": 1}'), seen, "seen 1"),
            (function_call({"a": 1}), seen, "seen 1"),
            (ToolCall("c1", "tool_use", "look", {"a": 1}), seen, "seen 1"),
            (ToolCall("c1", "tool_use", "look", {"a": 1}), lambda a: f"plain {a}", "plain 1"),
            (function_call(None), seen, "seen 0"),
            (function_call("[1, 2]"), lambda given: str(given), "[1, 2]"),
            (function_call("7"), lambda given: str(given), "7"),
        ],
    )
    def test_they_have_the_apis_own_form(
        self, provider_class: type[BaseProvider], call: ToolCall, function: Any, text: str
    ) -> None:
        result = self.executed(provider_class, call, function)
        expected = RESULTS[provider_class](text)
        if provider_class is GoogleProvider:
            result["parts"][0]["functionResponse"].setdefault("id", "c1")
        assert result == expected

    def test_an_unknown_tool_is_a_value_error_with_the_old_text(self, provider_class: type[BaseProvider]) -> None:
        call = ToolCall("c1", "function", function={"name": "other", "arguments": "{}"})
        with pytest.raises(ValueError, match=r"^Tool other not found in tools_map"):
            self.executed(provider_class, call, seen)

    @pytest.mark.parametrize("call", [ToolCall("c1", "function"), ToolCall("c1", "something")])
    def test_a_call_of_nothing_says_so(self, provider_class: type[BaseProvider], call: ToolCall) -> None:
        with pytest.raises(Exception, match=r"^no tool defined$"):
            self.executed(provider_class, call, seen)

    def test_arguments_that_are_no_json_are_a_value_error(self, provider_class: type[BaseProvider]) -> None:
        with pytest.raises(ValueError, match="not JSON"):
            self.executed(provider_class, function_call("{"), seen)

    def test_what_the_tool_raises_passes_unchanged(self, provider_class: type[BaseProvider]) -> None:
        def fail() -> None:
            raise LookupError("of the tool")

        with pytest.raises(LookupError, match=r"^'?of the tool'?$") as caught:
            self.executed(provider_class, function_call("{}"), fail)
        assert type(caught.value) is LookupError


def test_the_result_of_a_responses_call_names_its_call_id() -> None:
    call = ToolCall.from_responses_api_function_call("fc_1", "call_1", "look", "{}")

    async def body(server: ProviderServer, provider: BaseProvider) -> Any:
        return await provider.execute_tool(call, {"look": seen})

    expected = {"type": "function_call_output", "call_id": "call_1", "output": "seen 0"}
    assert against_server(OpenAIResponsesProvider, body) == expected


def test_a_message_is_a_message() -> None:
    assert isinstance(answered(GoogleProvider, {"candidates": []}).main_response, Message)
