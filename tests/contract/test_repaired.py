"""What went wrong in 0.5, each as the behaviour that is right. Listed in docs/upgrading.md where a program can notice it."""

from __future__ import annotations

import asyncio
import enum
import gc
import json
from collections.abc import Callable
from typing import Any, Literal

import pytest

from llm_async import Agent, tool
from llm_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
    LLMError,
    NotFoundError,
    OverloadedError,
    RateLimitError,
    StreamError,
)
from llm_async.models import Message, Timeouts, Tool, ToolCall
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer, Raw, Text, ToolCalls

from ..raw_server import Peer, RawServer, answering, ok
from .calls import HELLO, against_server, every_provider

SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

# The text "%s" in a stream of each API, and in an answer that is not streamed. Names are those of the classes.
STREAMS: dict[type[BaseProvider], list[str]] = {
    OpenAIProvider: [
        '{"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}',
        '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
    ],
    ClaudeProvider: [
        '{"type":"message_start","message":{"id":"1","type":"message","role":"assistant","content":[]}}',
        '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}',
        '{"type":"content_block_stop","index":0}',
        '{"type":"message_delta","delta":{"stop_reason":"end_turn"}}',
        '{"type":"message_stop"}',
    ],
    GoogleProvider: [
        '{"candidates":[{"content":{"role":"model","parts":[{"text":"%s"}]}}]}',
        '{"candidates":[{"content":{"role":"model","parts":[{"text":""}]},"finishReason":"STOP"}]}',
    ],
    OpenAIResponsesProvider: [
        '{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m","role":"assistant","content":[]}}',
        '{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"%s"}',
        '{"type":"response.completed","response":{"id":"r","status":"completed","output":[{"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":"%s"}]}]}}',
    ],
}
STREAMS[OpenRouterProvider] = STREAMS[OpenAIProvider]


def events(
    provider_class: type[BaseProvider], text: str = "hello", *, end: str = "\n\n", split_lines: bool = False
) -> bytes:
    """A whole stream of the provider's with one piece of text."""
    data = [event.replace("%s", text) for event in STREAMS[provider_class]]
    if split_lines:
        # Legal in an event stream, whose lines of data are joined by a line break, and in JSON between two values.
        newline = end[: len(end) // 2]
        data = [event.replace(",", f",{newline}data: ", 1) for event in data]
    return "".join(f"data: {event}{end}" for event in data).encode()


def read_stream(provider_class: type[BaseProvider], answer: Raw, **options: Any) -> Any:
    """What the provider makes of a streamed answer: the chunks, and the response."""

    async def body(server: ProviderServer, provider: BaseProvider) -> Any:
        server.script(answer, times=None)
        response = await provider.acomplete("m", HELLO, stream=True)
        return [chunk async for chunk in response], response

    return against_server(provider_class, body, **options)


def text_of(chunks: Any) -> str:
    return "".join(chunk.delta for chunk in chunks)


# --- streams


@every_provider
def test_a_character_cut_by_packets_arrives_whole(provider_class: type[BaseProvider]) -> None:
    body = events(provider_class, "café ☕ 𝄞")
    chunks, response = read_stream(provider_class, Raw(body, cuts=range(1, len(body))))
    assert text_of(chunks) == response.main_response.content == "café ☕ 𝄞"


@every_provider
@pytest.mark.parametrize("end", ["\r\n\r\n", "\r\r", "\n\n"])
def test_any_line_ending_ends_an_event(provider_class: type[BaseProvider], end: str) -> None:
    chunks, _ = read_stream(provider_class, Raw(events(provider_class, end=end)))
    assert text_of(chunks) == "hello"


@pytest.mark.parametrize(
    "base", ["https://host/v1/publishers/google/models", "https://host/v1/publishers/google/models/"]
)
def test_a_model_name_is_never_glued_to_the_address(base: str) -> None:
    url = GoogleProvider("k", base)._url("/models/g:generateContent")
    assert url == "https://host/v1/publishers/google/models/g:generateContent"


@every_provider
@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85"])
def test_separators_that_json_allows_do_not_cut_an_event(provider_class: type[BaseProvider], character: str) -> None:
    chunks, _ = read_stream(provider_class, Raw(events(provider_class, f"a{character}b")))
    assert text_of(chunks) == f"a{character}b"


@every_provider
def test_an_event_may_have_several_lines_of_data(provider_class: type[BaseProvider]) -> None:
    chunks, _ = read_stream(provider_class, Raw(events(provider_class, split_lines=True)))
    assert text_of(chunks) == "hello"


@every_provider
def test_an_event_that_cannot_be_read_is_an_error_and_not_left_out(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.malformed_event(1)
        with pytest.raises(LLMError):
            await (await provider.acomplete("m", HELLO, stream=True)).final()

    against_server(provider_class, body)


@every_provider
def test_a_stream_ends_in_a_message_with_its_calls_usage_and_reason(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(ToolCalls(("look", {"a": 1}), ("look", {"a": 2}), text="Wait."))
        tools = [Tool("look", "Look.", {"type": "object"})]
        response = await provider.acomplete("m", HELLO, stream=True, tools=tools)
        message = await response.final()
        assert message.content == "Wait."
        assert [call.arguments for call in message.tool_calls or ()] == [{"a": 1}, {"a": 2}]
        assert (message.finish_reason, response.finish_reason) == ("tool_calls", "tool_calls")
        assert response.usage is not None
        assert response.usage.output_tokens

    against_server(provider_class, body)


@every_provider
def test_an_agent_can_stream(provider_class: type[BaseProvider]) -> None:
    @tool
    def look(a: int) -> str:
        """Look."""
        return f"seen {a}"

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(ToolCalls(("look", {"a": 1})), Text("done"))
        run = await Agent(provider, "m", tools=[look]).acomplete(HELLO, stream=True)
        assert (await run.result()).content == "done"

    against_server(provider_class, body)


@every_provider
@pytest.mark.parametrize("after", [0, 4])
def test_an_error_inside_a_stream_is_raised_as_what_it_means(provider_class: type[BaseProvider], after: int) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(list("abcdefgh")), times=None)
        server.error_event(after, times=None)
        with pytest.raises(InternalServerError) as caught:
            await (await provider.acomplete("m", HELLO, stream=True)).final()
        assert caught.value.status_code in (500, 503, 529)
        if after:
            assert caught.value.partial is not None

    against_server(provider_class, body, retry_config=RetryConfig(max_attempts=1))


@every_provider
def test_a_stream_that_breaks_off_cleanly_is_not_taken_for_a_whole_one(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(list("abcdefgh")))
        server.cut(6, how="clean")
        with pytest.raises(StreamError) as caught:
            await (await provider.acomplete("m", HELLO, stream=True)).final()
        assert caught.value.partial is not None
        assert caught.value.partial.text
        assert "abcdefgh".startswith(caught.value.partial.text)

    against_server(provider_class, body)


def test_only_the_answers_text_is_text_in_a_stream_of_the_responses_api() -> None:
    others = [
        '{"type":"response.reasoning_summary_text.delta","item_id":"rs","output_index":9,"summary_index":0,"delta":"THOUGHT"}',
        '{"type":"response.code_interpreter_call_code.delta","item_id":"ci","output_index":8,"delta":"CODE"}',
        '{"type":"response.custom_tool_call_input.delta","item_id":"ct","output_index":7,"delta":"CUSTOM"}',
        '{"type":"response.mcp_call_arguments.delta","item_id":"mc","output_index":6,"delta":"MCP"}',
    ]
    noise = "".join(f"data: {event}\n\n" for event in others).encode()
    chunks, response = read_stream(OpenAIResponsesProvider, Raw(noise + events(OpenAIResponsesProvider)))
    assert text_of(chunks) == "hello"
    assert response.main_response.content == "hello"


@every_provider
def test_leaving_a_stream_frees_its_connection_though_the_response_lives(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(list("abcdefgh")), times=None)
        server.stall(6, times=None)
        held = []
        for _ in range(40):
            response = await provider.acomplete("m", HELLO, stream=True)
            held.append(response)
            async for chunk in response:
                if chunk.delta:
                    break
        await server.wait_closed_connections()
        assert len(held) == 40

    against_server(provider_class, body)


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_silence_ends_by_a_deadline_that_is_named(provider_class: type[BaseProvider], stream: bool) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.stall(after_bytes=10)
        with pytest.raises(APITimeoutError) as caught:
            await (await provider.acomplete("m", HELLO, stream=stream)).final()
        assert caught.value.deadline == "idle"
        assert len(server.requests) == 1

    against_server(provider_class, body, timeouts=Timeouts(idle=0.3))


@pytest.mark.parametrize("stream", [False, True])
def test_geminis_thoughts_are_no_text_and_every_part_is_read(stream: bool) -> None:
    parts = '{"text":"Hm.","thought":true},{"text":"A"},{"text":"B"},{"functionCall":{"name":"look","args":{}}}'
    answer = '{"candidates":[{"content":{"role":"model","parts":[' + parts + ']},"finishReason":"STOP"}]}'

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(f"data: {answer}\r\n\r\n".encode() if stream else answer.encode()))
        response = await provider.acomplete("m", HELLO, stream=stream)
        if stream:
            assert [chunk.delta async for chunk in response.stream_generator] == ["AB"]
        message = response.main_response
        assert (message.content, message.reasoning) == ("AB", "Hm.")
        assert len(message.tool_calls or ()) == 1

    against_server(GoogleProvider, body)


# --- requests


def sent(provider_class: type[BaseProvider], messages: Any = HELLO, **kwargs: Any) -> Any:
    async def body(server: ProviderServer, provider: BaseProvider) -> Any:
        await provider.acomplete("m", messages, **kwargs)
        return server.requests[-1].json

    return against_server(provider_class, body)


def test_claude_gets_every_option() -> None:
    options = {"temperature": 0.5, "top_p": 0.9, "stop_sequences": ["x"], "metadata": {"user_id": "u"}, "top_k": 3}
    body = sent(ClaudeProvider, **options)
    assert {name: body[name] for name in options} == options


def test_geminis_settings_go_into_one_generation_config() -> None:
    body = sent(GoogleProvider, temperature=0.5, generationConfig={"topK": 3}, response_schema={"type": "object"})
    config = body["generationConfig"]
    assert (config["temperature"], config["topK"], config["responseMimeType"]) == (0.5, 3, "application/json")
    assert "temperature" not in body


def test_gemini_gets_images_tool_results_and_arguments_as_objects() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "See:"}, picture]},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]
    user, model, result = sent(GoogleProvider, messages)["contents"]
    assert user["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert model["parts"][0]["functionCall"]["args"] == {"a": 1}
    assert result["role"] == "user"
    assert result["parts"][0]["functionResponse"]["name"] == "look"


def test_the_responses_api_gets_every_message() -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "developer", "content": "Be brief."},
        *HELLO,
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]
    found = sent(OpenAIResponsesProvider, messages)["input"]
    assert [item.get("role") or item["type"] for item in found] == [
        "system", "developer", "user", "function_call", "function_call_output",
    ]  # fmt: skip


def test_a_message_object_given_back_to_the_responses_api_keeps_its_text_its_items_and_its_call_id() -> None:
    output = [
        {"type": "web_search_call", "id": "ws", "status": "completed"},
        {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]},
        {"type": "function_call", "id": "fc", "call_id": "call", "name": "look", "arguments": "{}"},
    ]

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(json.dumps({"id": "r", "status": "completed", "output": output}).encode()))
        message = (await provider.acomplete("m", HELLO)).main_response
        result = await provider.execute_tool((message.tool_calls or [])[0], {"look": lambda: "r"})
        await provider.acomplete("m", [*HELLO, message, result])
        assert server.requests[-1].json["input"] == [*HELLO, *output, result]

    against_server(OpenAIResponsesProvider, body)


@pytest.mark.parametrize("provider_class", [ClaudeProvider, GoogleProvider])
def test_a_later_system_message_is_not_lost(provider_class: type[BaseProvider]) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        *HELLO,
        {"role": "assistant", "content": "yo"},
        {"role": "system", "content": "Be brief."},
        *HELLO,
    ]
    text = json.dumps(sent(provider_class, messages))
    assert "Be kind." in text
    assert "Be brief." in text
    assert '"role":"system"' not in text.replace(" ", "")


REASONED = Message("assistant", "yo", reasoning="Hm.", reasoning_details=[{"type": "reasoning.text", "text": "Hm."}])


@pytest.mark.parametrize("provider_class", [ClaudeProvider, GoogleProvider, OpenAIResponsesProvider])
def test_reasoning_is_not_sent_to_those_who_do_not_know_the_key(provider_class: type[BaseProvider]) -> None:
    body = json.dumps(sent(provider_class, [*HELLO, REASONED, *HELLO]))
    assert '"reasoning' not in body


@every_provider
@pytest.mark.parametrize(
    "source", [OpenAIProvider, ClaudeProvider, GoogleProvider, OpenAIResponsesProvider, OpenRouterProvider]
)
def test_a_history_travels_from_any_provider_to_any_other(
    provider_class: type[BaseProvider], source: type[BaseProvider]
) -> None:
    async def run() -> None:
        async with ProviderServer() as server:
            first = source("k", server.url(source.name()))
            second = provider_class("k", server.url(provider_class.name()))
            tools = [Tool("look", "Look.", {"type": "object", "properties": {"a": {"type": "integer"}}})]
            async with first, second:
                server.script(ToolCalls(("look", {"a": 1}), text="Wait.", reasoning="Hm."))
                message = (await first.acomplete("m", HELLO, tools=tools)).main_response
                result = await first.execute_tool((message.tool_calls or [])[0], {"look": lambda a: f"seen {a}"})
                for back in (message, message.original):
                    answer = await second.acomplete("m", [*HELLO, back, result], tools=tools)
                    assert "seen 1" in answer.main_response.text

    asyncio.run(run())


@pytest.mark.parametrize("provider_class", [OpenAIProvider, OpenRouterProvider])
@pytest.mark.parametrize(
    ("said", "content", "reasoning"),
    [
        ({"content": [{"type": "text", "text": "he"}, {"type": "text", "text": "llo"}]}, "hello", None),
        ({"content": "", "reasoning": "Hm."}, "", "Hm."),
        ({"content": "hello", "reasoning": "Hm."}, "hello", "Hm."),
        ({"content": None, "reasoning_content": "Hm."}, "", "Hm."),
    ],
)
def test_content_is_the_answers_text_and_reasoning_its_own_field(
    provider_class: type[BaseProvider], said: Any, content: str, reasoning: str | None
) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        answer = {"choices": [{"index": 0, "message": {"role": "assistant", **said}, "finish_reason": "stop"}]}
        server.script(Raw(json.dumps(answer).encode()))
        message = (await provider.acomplete("m", HELLO)).main_response
        assert (message.content, message.reasoning) == (content, reasoning)

    against_server(provider_class, body)


# --- tools


def executed(function: Callable[..., Any], arguments: str = "{}") -> str:
    async def body(server: ProviderServer, provider: BaseProvider) -> Any:
        call = ToolCall("c", "function", function={"name": "look", "arguments": arguments})
        return (await provider.execute_tool(call, {"look": function}))["content"]

    return str(against_server(OpenAIProvider, body))


def test_async_tools_are_awaited() -> None:
    @tool
    async def look() -> str:
        """Look."""
        await asyncio.sleep(0)
        return "seen"

    assert asyncio.iscoroutinefunction(look)
    assert executed(look) == "seen"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"v": 1, "ok": True, "none": None}, '{"v":1,"ok":true,"none":null}'),
        ([1, "é"], '[1,"é"]'),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        ("as it is", "as it is"),
    ],
)
def test_results_are_json_unless_they_are_text(result: Any, text: str) -> None:
    assert executed(lambda: result).replace(": ", ":").replace(", ", ",") == text


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        (("fail", {}), "no luck"),
        (("unknown", {}), "unknown"),
        (("fail", '{"cut'), "not JSON"),
        (("fail", {"extra": 1}), "extra"),
    ],
)
def test_a_failing_call_is_told_to_the_model_and_the_agent_goes_on(calls: Any, told: str) -> None:
    @tool
    def fail() -> None:
        """Fail."""
        raise ValueError("no luck")

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(ToolCalls(calls), Text("done"))
        response = await Agent(provider, "m", tools=[fail]).acomplete(HELLO)
        assert response.main_response.content == "done"
        assert told in server.requests[-1].json["messages"][-1]["content"]

    against_server(OpenAIProvider, body)


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


def test_every_parameter_is_in_the_schema() -> None:
    @tool
    def look(
        mode: Literal["fast", "slow"], size: Size, pair: tuple[int, str], either: int | str, anything: Any, n: int = 3
    ) -> str:
        """Look."""
        return f"{mode} {size} {pair} {either} {anything} {n}"

    schema = look.tool.parameters
    assert schema is not None
    properties = schema["properties"]
    assert schema["required"] == ["mode", "size", "pair", "either", "anything"]
    assert list(properties) == ["mode", "size", "pair", "either", "anything", "n"]
    assert properties["mode"]["enum"] == ["fast", "slow"]
    assert properties["size"]["enum"] == ["small", "large"]
    assert properties["n"] == {"type": "integer", "default": 3}


def test_variable_arguments_are_no_properties_and_an_unknown_annotation_is_named() -> None:
    @tool
    def look(a: int, *args: int, **kw: str) -> str:
        """Look."""
        return str(a)

    assert look.tool.parameters is not None
    assert list(look.tool.parameters["properties"]) == ["a"]

    with pytest.raises(TypeError, match="'a'"):

        @tool
        def wrong(a: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
            pass


def test_geminis_call_ids_are_the_servers_own_and_else_never_the_same_twice() -> None:
    def answer(*parts: Any) -> Raw:
        return Raw(json.dumps({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}).encode())

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        call = {"name": "look", "args": {}}
        server.script(answer({"functionCall": {"id": "own", **call}}))
        server.script(answer({"functionCall": call}, {"functionCall": call}), times=2)
        ids = []
        for _ in range(3):
            message = (await provider.acomplete("m", HELLO)).main_response
            ids += [call.id for call in message.tool_calls or ()]
        assert ids[0] == "own"
        assert len(set(ids)) == 5

    against_server(GoogleProvider, body)


# --- errors, transport


@every_provider
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529])
def test_errors_have_a_type_and_keep_their_old_beginning(provider_class: type[BaseProvider], status: int) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(status)
        with pytest.raises(APIStatusError, match=rf"^HTTP {status}: ") as caught:
            await provider.acomplete("m", HELLO)
        assert caught.value.status_code == status

    against_server(provider_class, body, retry_config=RetryConfig(max_attempts=1))


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_in_the_body_of_a_200_is_that_error(stream: bool) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(b'{"error":{"code":429,"message":"slow down"}}'))
        with pytest.raises(RateLimitError, match=r"^HTTP 429: slow down"):
            await (await provider.acomplete("m", HELLO, stream=stream)).final()

    against_server(OpenRouterProvider, body, retry_config=RetryConfig(max_attempts=1))


@every_provider
@pytest.mark.parametrize("how", ["eof", "reset"])
@pytest.mark.parametrize("after_bytes", [1, 250])
def test_a_connection_lost_in_a_stream_is_a_connection_error(
    provider_class: type[BaseProvider], how: Any, after_bytes: int
) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(list("abcdefgh")))
        server.cut(how=how, after_bytes=after_bytes)
        with pytest.raises(APIConnectionError) as caught:
            await (await provider.acomplete("m", HELLO, stream=True)).final()
        assert isinstance(caught.value, ConnectionError)

    against_server(provider_class, body, retry_config=RetryConfig(max_attempts=1))


CHAT = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}'
FRAMINGS = {
    "the end of the connection ends the body": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + CHAT,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + CHAT,
    "chunks with extensions and two trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x;a=b\r\n%s\r\n0\r\nA: 1\r\nB: 2\r\n\r\n"
        % (len(CHAT), CHAT)
    ),
    "interim answers": b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + ok(CHAT),
    "a header line of 100 KiB": ok(CHAT, "X-Long: " + "a" * 100 * 1024),
}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_framing_of_http_is_read(framing: str) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.send(FRAMINGS[framing])
            if framing.startswith(("the end", "HTTP/1.0")):
                peer.close()
                return

    async def run() -> None:
        async with RawServer(script) as server, OpenAIProvider("k", server.url) as provider:
            for _ in range(2):
                assert (await provider.acomplete("m", HELLO)).main_response.content == "hello"

    asyncio.run(run())


@every_provider
@pytest.mark.parametrize("framing", ["length", "close", "chunked"])
def test_a_stream_is_read_in_every_framing(provider_class: type[BaseProvider], framing: Any) -> None:
    chunks, _ = read_stream(provider_class, Raw(events(provider_class), framing=framing))
    assert text_of(chunks) == "hello"


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_is_not_paid_for_twice_because_an_answer_is_slow(
    provider_class: type[BaseProvider], stream: bool
) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.stall(before_head=True, times=None)
        with pytest.raises(APITimeoutError) as caught:
            await (await provider.acomplete("m", HELLO, stream=stream)).final()
        assert caught.value.deadline == "response"
        assert len(server.requests) == 1

    against_server(provider_class, body, timeouts=Timeouts(response=0.3))


def test_the_servers_own_delay_is_kept_and_a_long_one_told_at_once() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(429, retry_after=3600)
        with pytest.raises(RateLimitError) as caught:
            await provider.acomplete("m", HELLO)
        assert caught.value.retry_after == 3600
        assert len(server.requests) == 1

    against_server(OpenAIProvider, body)


@every_provider
def test_request_raises_errors_and_does_not_return_them(provider_class: type[BaseProvider]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(NotFoundError, match=r"^HTTP 404: "):
            await provider.request("GET", "/nothing/here")
        server.fail(503, times=None)
        with pytest.raises(OverloadedError):
            await provider.request("GET", "/models")

    against_server(provider_class, body)


@every_provider
def test_a_provider_serves_one_event_loop_after_another(provider_class: type[BaseProvider]) -> None:
    with ProviderServer() as server:
        provider = provider_class("k", server.url(provider_class.name()))

        async def ask() -> str:
            return (await provider.acomplete("m", HELLO)).main_response.text

        assert {asyncio.run(ask()) for _ in range(3)} == {"You said: hi"}

        async def last() -> None:
            await provider.aclose()
            assert await ask()
            await provider.aclose()

        asyncio.run(last())
    gc.collect()


def test_the_answers_of_a_plain_server_are_read_twice_on_one_connection() -> None:
    async def run() -> None:
        async with RawServer(answering(ok(CHAT), ok(CHAT))) as server, OpenAIProvider("k", server.url) as provider:
            for _ in range(2):
                assert (await provider.acomplete("m", HELLO)).main_response.content == "hello"

    asyncio.run(run())
