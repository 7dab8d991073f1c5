"""What each API says on the wire, byte for byte, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from llm_async.testing import ProviderServer, Refusal, Text, ToolCalls

from .client import PROVIDERS, Client, asked, asks, exchange

OPENAI_FRAME = (
    '"id":"chatcmpl-00000001","object":"chat.completion.chunk","created":1790000000,"model":"test",'
    '"service_tier":"default","system_fingerprint":null'
)
OPENAI_USAGE = (
    '{"prompt_tokens":2,"completion_tokens":2,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":0,'
    '"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,'
    '"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'
)


def stream(*answers: Any, provider: str, **fields: Any) -> str:
    """The body of one stream, with the scripted answers or the model's own."""

    async def scenario() -> str:
        async with ProviderServer() as server:
            server.script(*answers)
            head, body = await asked(server, provider, stream=True, **fields)
            assert head.status == 200
            return body.decode()

    return asyncio.run(scenario())


def events(text: str) -> list[dict[str, Any]]:
    """The JSON of every event."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def answer(*answers: Any, provider: str, **fields: Any) -> dict[str, Any]:
    """One whole answer."""

    async def scenario() -> dict[str, Any]:
        async with ProviderServer() as server:
            server.script(*answers)
            head, body = await asked(server, provider, **fields)
            assert (head.status, head.headers["content-type"]) == (200, "application/json"), body
            return dict(json.loads(body))

    return asyncio.run(scenario())


# Framing, byte for byte.


def test_chat_completions_streams_data_lines_and_done() -> None:
    text = stream(Text("Hi you"), provider="openai", stream_options={"include_obfuscation": False})
    assert text == "".join(
        [
            f'data: {{{OPENAI_FRAME},"choices":[{{"index":0,"delta":{delta},"finish_reason":{reason}}}]}}\n\n'
            for delta, reason in [
                ('{"role":"assistant","content":"","refusal":null}', "null"),
                ('{"content":"Hi"}', "null"),
                ('{"content":" you"}', "null"),
                ("{}", '"stop"'),
            ]
        ]
        + ["data: [DONE]\n\n"]
    )


def test_chat_completions_adds_a_usage_chunk_when_asked() -> None:
    options = {"include_usage": True, "include_obfuscation": False}
    text = stream(Text("Hi you"), provider="openai", stream_options=options)
    assert all(event["usage"] is None for event in events(text)[:-1])
    assert text.endswith(f'\n\ndata: {{{OPENAI_FRAME},"choices":[],"usage":{OPENAI_USAGE}}}\n\ndata: [DONE]\n\n')


def test_chat_completions_pads_its_chunks() -> None:
    lines = stream(Text("one three"), provider="openai").split("\n\n")[:-2]
    assert all("obfuscation" in json.loads(line.removeprefix("data: ")) for line in lines)
    assert len(lines[1]) == len(lines[2])  # the size does not betray the word


def test_responses_streams_named_and_numbered_events_without_done() -> None:
    text = stream(Text("Hi you"), provider="openairesponses")
    blocks = text.split("\n\n")
    assert blocks.pop() == ""
    names = []
    for number, block in enumerate(blocks):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        assert event["sequence_number"] == number
        names.append(event["type"])
    assert names == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert (
        'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":" you",'
        '"item_id":"msg_00000001","output_index":0,"content_index":0,"logprobs":[],"obfuscation":"xxxxxxxxxxxx",'
        '"sequence_number":5}\n\n'
    ) in text
    assert events(text)[-1]["response"]["usage"] == {
        "input_tokens": 2,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 4,
    }


def test_claude_streams_named_events_with_a_ping_and_padding() -> None:
    usage = (
        '{"input_tokens":2,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":'
        '{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard"}'
    )
    blocks = [
        (
            "message_start",
            '{"type":"message_start","message":{"model":"test","id":"msg_00000001","type":"message","role":"assistant",'
            f'"content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"usage":{usage}}}',
        ),
        ("content_block_start", '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}'),
        ("ping", '{"type": "ping"'),
        ("content_block_delta", '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}'),
        ("content_block_delta", '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" you"}'),
        ("content_block_stop", '{"type":"content_block_stop","index":0'),
        (
            "message_delta",
            '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null},'
            '"usage":{"input_tokens":2,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}',
        ),
        ("message_stop", '{"type":"message_stop"'),
    ]
    expected = "".join(
        f"event: {name}\ndata: {data}{'' if name == 'ping' else ' ' * (-len(data + '}') % 16)}}}\n\n"
        for name, data in blocks
    )
    assert stream(Text("Hi you"), provider="claude") == expected


def test_gemini_streams_crlf_events_and_just_ends() -> None:
    def event(word: str, count: int, more: str = "") -> str:
        return (
            f'data: {{"candidates": [{{"content": {{"parts": [{{"text": "{word}"}}],"role": "model"}}{more},"index": 0}}],'
            f'"usageMetadata": {{"promptTokenCount": 2,"candidatesTokenCount": {count},"totalTokenCount": {2 + count},'
            '"promptTokensDetails": [{"modality": "TEXT","tokenCount": 2}]},"modelVersion": "test",'
            '"responseId": "response-00000001"}\r\n\r\n'
        )

    text = stream(Text("Hi you"), provider="google")
    assert text == event("Hi", 1) + event(" you", 2, ',"finishReason": "STOP"')


def test_gemini_streams_a_json_array_without_alt_sse() -> None:
    async def scenario() -> None:
        async with ProviderServer() as server, Client(server) as client:
            server.script(Text("Hi you"))
            client.send("google", "/models/test:streamGenerateContent", asks("google")[1])
            head = await client.head()
            chunks = await client.chunks()
            assert head.headers["content-type"] == "application/json; charset=UTF-8"
            assert [chunk[:2] for chunk in chunks] == [b"[{", b",{", b"]\r"]
            assert [part["candidates"][0]["content"]["parts"] for part in json.loads(b"".join(chunks))] == [
                [{"text": "Hi"}],
                [{"text": " you"}],
            ]

    asyncio.run(scenario())


def test_openrouter_streams_comments_repeated_roles_and_the_cost() -> None:
    # One exponent, written by orjson and by the standard library.
    text = stream(Text("Hi"), provider="openrouter").replace("3e-06", "3e-6")
    frame = '"id":"gen-00000001","object":"chat.completion.chunk","created":1790000000,"model":"test","provider":"Echo"'
    comment = ": OPENROUTER PROCESSING\n\n"

    def chunk(delta: str, reason: str = "null", native: str = "null", more: str = "") -> str:
        delta = f'{{"role":"assistant","content":{delta}}}'
        choice = f'{{"index":0,"delta":{delta},"finish_reason":{reason},"native_finish_reason":{native}}}'
        return f'data: {{{frame},"choices":[{choice}]{more}}}\n\n'

    usage = OPENAI_USAGE.replace('"completion_tokens":2,"total_tokens":4', '"completion_tokens":1,"total_tokens":3')[
        :-1
    ]
    usage += ',"cost":3e-6,"is_byok":false,"cost_details":{"upstream_inference_cost":null}}'
    assert text == (
        comment
        + comment
        + chunk('"","reasoning":null,"reasoning_details":[]')
        + comment
        + chunk('"Hi"')
        + chunk('""', '"stop"', '"end_turn"')
        + chunk('""', more=f',"usage":{usage}')
        + "data: [DONE]\n\n"
    )


def test_openrouter_sends_white_space_before_a_whole_answer() -> None:
    async def scenario() -> None:
        async with ProviderServer() as server:
            _, body = await asked(server, "openrouter")
            assert body.startswith(b"\n         \n{")

    asyncio.run(scenario())


# One answer in five sets of words: text, reasoning, calls, refusal and the reason to finish, as a client folds them.

CALLS = ToolCalls(("add", {"a": 1, "b": [2, 3]}), ("now", {}), text="Let me see.", reasoning="Sums first.")


def folded_chat(event: dict[str, Any]) -> Any:
    return event["choices"][0]["delta"] if event["choices"] else {}


def joined(pieces: Any) -> str:
    return "".join(piece for piece in pieces if piece)


def test_calls_in_the_words_of_chat_completions() -> None:
    chunks = events(stream(CALLS, provider="openai"))
    deltas = [folded_chat(chunk) for chunk in chunks]
    message = answer(CALLS, provider="openai")["choices"][0]["message"]
    assert joined(delta.get("content") for delta in deltas) == message["content"] == "Let me see."
    assert joined(delta.get("reasoning_content") for delta in deltas) == message["reasoning_content"] == "Sums first."
    fragments = [call for delta in deltas for call in delta.get("tool_calls", ())]
    firsts = [call for call in fragments if "id" in call]
    assert [(call["index"], call["id"], call["function"]) for call in firsts] == [
        (0, "call_00000001_0", {"name": "add", "arguments": ""}),
        (1, "call_00000001_1", {"name": "now", "arguments": ""}),
    ]
    assert len(fragments) > len(firsts) + 2  # arguments come in pieces
    for call in message["tool_calls"]:
        place = int(call["id"][-1])
        assert call["function"]["arguments"] == joined(
            fragment["function"]["arguments"] for fragment in fragments if fragment["index"] == place
        )
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"a": 1, "b": [2, 3]}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_call_that_is_alone_begins_in_the_first_chunk_of_chat_completions() -> None:
    first = folded_chat(events(stream(ToolCalls(("now", {})), provider="openai"))[0])
    assert first["role"] == "assistant"
    assert first["content"] is None
    assert first["tool_calls"][0]["function"] == {"name": "now", "arguments": ""}


def test_calls_in_the_words_of_responses() -> None:
    told = events(stream(CALLS, provider="openairesponses"))
    whole = answer(CALLS, provider="openairesponses")
    assert told[-1]["response"] == whole
    assert [item["type"] for item in whole["output"]] == ["reasoning", "message", "function_call", "function_call"]
    assert [event["item"] for event in told if event["type"] == "response.output_item.done"] == whole["output"]
    assert whole["output"][2] == {
        "id": "fc_00000001_0",
        "type": "function_call",
        "status": "completed",
        "arguments": '{"a": 1, "b": [2, 3]}',
        "call_id": "call_00000001_0",
        "name": "add",
    }
    deltas = [event for event in told if event["type"] == "response.function_call_arguments.delta"]
    assert joined(event["delta"] for event in deltas if event["output_index"] == 2) == '{"a": 1, "b": [2, 3]}'
    summary = [event["delta"] for event in told if event["type"] == "response.reasoning_summary_text.delta"]
    assert joined(summary) == whole["output"][0]["summary"][0]["text"] == "Sums first."


def test_calls_in_the_words_of_claude() -> None:
    told = events(stream(CALLS, provider="claude"))
    whole = answer(CALLS, provider="claude")
    assert whole["content"] == [
        {"type": "thinking", "thinking": "Sums first.", "signature": "signature-00000001_0"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "toolu_00000001_0", "name": "add", "input": {"a": 1, "b": [2, 3]}},
        {"type": "tool_use", "id": "toolu_00000001_1", "name": "now", "input": {}},
    ]
    starts = [event["content_block"] for event in told if event["type"] == "content_block_start"]
    assert [block["type"] for block in starts] == ["thinking", "text", "tool_use", "tool_use"]
    deltas = [event for event in told if event["type"] == "content_block_delta"]
    assert [event["delta"] for event in deltas if event["index"] == 3] == [
        {"type": "input_json_delta", "partial_json": ""}
    ]
    pieces = [event["delta"]["partial_json"] for event in deltas if event["index"] == 2]
    assert pieces[0] == ""
    assert json.loads(joined(pieces)) == {"a": 1, "b": [2, 3]}
    assert {"type": "signature_delta", "signature": "signature-00000001_0"} in [event["delta"] for event in deltas]
    assert told[-2]["delta"]["stop_reason"] == whole["stop_reason"] == "tool_use"
    assert told[-2]["usage"]["output_tokens"] == whole["usage"]["output_tokens"]


def test_calls_in_the_words_of_gemini() -> None:
    told = events(stream(CALLS, provider="google"))
    whole = answer(CALLS, provider="google")
    parts = whole["candidates"][0]["content"]["parts"]
    signature = "c2lnbmF0dXJlLTAwMDAwMDAx"
    assert parts == [
        {"text": "Sums first.", "thought": True},
        {"text": "Let me see."},
        {
            "functionCall": {"name": "add", "args": {"a": 1, "b": [2, 3]}, "id": "call_00000001_0"},
            "thoughtSignature": signature,
        },
        {"functionCall": {"name": "now", "args": {}, "id": "call_00000001_1"}},
    ]
    assert told[-1]["candidates"][0]["content"]["parts"] == parts[2:]  # calls come whole
    assert told[-1]["candidates"][0]["finishReason"] == "STOP"
    assert all("finishReason" not in event["candidates"][0] for event in told[:-1])
    assert told[-1]["usageMetadata"] == whole["usageMetadata"]
    assert whole["usageMetadata"]["thoughtsTokenCount"] == 2


def test_calls_in_the_words_of_openrouter() -> None:
    chunks = events(stream(CALLS, provider="openrouter"))
    deltas = [folded_chat(chunk) for chunk in chunks]
    whole = answer(CALLS, provider="openrouter")
    message = whole["choices"][0]["message"]
    assert {delta["role"] for delta in deltas} == {"assistant"}
    assert joined(delta.get("content") for delta in deltas) == message["content"] == "Let me see."
    assert joined(delta.get("reasoning") for delta in deltas) == message["reasoning"] == "Sums first."
    details = [detail for delta in deltas for detail in delta.get("reasoning_details") or ()]
    assert joined(detail["text"] for detail in details) == "Sums first."
    assert details[-1]["signature"] == message["reasoning_details"][0]["signature"] == "signature-00000001"
    assert whole["usage"]["cost"] == pytest.approx(whole["usage"]["total_tokens"] * 1e-6)
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["usage"] == whole["usage"]


def test_a_refusal_in_each_apis_words() -> None:
    said = Refusal("Not this")
    chat = [folded_chat(chunk) for chunk in events(stream(said, provider="openai"))]
    assert chat[0] == {"role": "assistant", "content": None, "refusal": ""}
    assert joined(delta.get("refusal") for delta in chat) == "Not this"
    message = answer(said, provider="openai")["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "Not this")

    responses = events(stream(said, provider="openairesponses"))
    assert joined(event["delta"] for event in responses if event["type"] == "response.refusal.delta") == "Not this"
    assert responses[-1]["response"]["output"][0]["content"] == [{"type": "refusal", "refusal": "Not this"}]

    claude = events(stream(said, provider="claude"))
    assert [event["type"] for event in claude] == ["message_start", "ping", "message_delta", "message_stop"]
    assert claude[2]["delta"]["stop_reason"] == "refusal"
    assert claude[2]["delta"]["stop_details"]["explanation"] == "Not this"

    (gemini,) = events(stream(said, provider="google"))
    assert "candidates" not in gemini
    assert gemini["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "Not this"}


@pytest.mark.parametrize(
    ("provider", "read", "length", "filtered"),
    [
        ("openai", lambda body: body["choices"][0]["finish_reason"], "length", "content_filter"),
        ("openairesponses", lambda body: body["incomplete_details"]["reason"], "max_output_tokens", "content_filter"),
        ("claude", lambda body: body["stop_reason"], "max_tokens", "refusal"),
        ("google", lambda body: body["candidates"][0]["finishReason"], "MAX_TOKENS", "SAFETY"),
        ("openrouter", lambda body: body["choices"][0]["finish_reason"], "length", "content_filter"),
    ],
)
def test_an_answer_says_why_it_ended(provider: str, read: Callable[[Any], str], length: str, filtered: str) -> None:
    assert read(answer(Text("Hi", finish="length"), provider=provider)) == length
    assert read(answer(Text("Hi", finish="content_filter"), provider=provider)) == filtered


def test_an_unfinished_response_ends_its_stream_with_its_own_event() -> None:
    told = events(stream(Text("Hi", finish="length"), provider="openairesponses"))
    assert told[-1]["type"] == "response.incomplete"


def test_text_is_cut_where_the_script_cuts_it() -> None:
    deltas = [folded_chat(chunk) for chunk in events(stream(Text(["H", "i y", "ou"]), provider="openai"))]
    assert [delta["content"] for delta in deltas if delta.get("content")] == ["H", "i y", "ou"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_half_a_surrogate_pair_travels_as_an_escape(provider: str) -> None:
    text = stream(Text(["\ud83d", "\ude00"]), provider=provider)
    first, second = text.index('"\\ud83d"'), text.index('"\\ude00"')
    assert first < second


def test_arguments_that_are_no_json_are_sent_as_they_are_where_the_api_has_text() -> None:
    said = ToolCalls(("add", '{"a": '))
    message = answer(said, provider="openai")["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["arguments"] == '{"a": '


@pytest.mark.parametrize("provider", ["claude", "google"])
def test_arguments_that_are_no_json_are_refused_where_the_api_has_objects(provider: str) -> None:
    async def scenario() -> None:
        async with ProviderServer() as server:
            server.script(ToolCalls(("add", '{"a": ')))
            head, body = await asked(server, provider)
            assert head.status == 400
            assert b"object" in body

    asyncio.run(scenario())


# The model.

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
NOTHING = {"type": "object", "properties": {}}


def offer(provider: str, *tools: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Tools as each API takes them."""
    if provider == "google":
        return [{"functionDeclarations": [{"name": name, "parametersJsonSchema": schema} for name, schema in tools]}]
    if provider == "claude":
        return [{"name": name, "input_schema": schema} for name, schema in tools]
    if provider == "openairesponses":
        return [{"type": "function", "name": name, "parameters": schema} for name, schema in tools]
    return [{"type": "function", "function": {"name": name, "parameters": schema}} for name, schema in tools]


def calls(provider: str, body: dict[str, Any]) -> list[tuple[str, Any]]:
    """Names and arguments of the calls in a whole answer."""
    if provider == "google":
        parts = [part["functionCall"] for part in body["candidates"][0]["content"]["parts"] if "functionCall" in part]
        return [(part["name"], part["args"]) for part in parts]
    if provider == "claude":
        return [(block["name"], block["input"]) for block in body["content"] if block["type"] == "tool_use"]
    if provider == "openairesponses":
        items = [item for item in body["output"] if item["type"] == "function_call"]
        return [(item["name"], json.loads(item["arguments"])) for item in items]
    functions = [call["function"] for call in body["choices"][0]["message"].get("tool_calls", ())]
    return [(function["name"], json.loads(function["arguments"])) for function in functions]


def said(provider: str, body: dict[str, Any]) -> str:
    """The text of a whole answer."""
    if provider == "google":
        return "".join(part.get("text", "") for part in body["candidates"][0]["content"]["parts"])
    if provider == "claude":
        return "".join(block.get("text", "") for block in body["content"])
    if provider == "openairesponses":
        items = [item for item in body["output"] if item["type"] == "message"]
        return "".join(part["text"] for item in items for part in item["content"])
    return str(body["choices"][0]["message"]["content"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_model_repeats_what_the_user_said(provider: str) -> None:
    assert said(provider, answer(provider=provider)) == "You said: Hello there"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_model_calls_the_first_tool_with_valid_arguments(provider: str) -> None:
    tools = offer(provider, ("weather", WEATHER), ("now", NOTHING))
    assert calls(provider, answer(provider=provider, tools=tools)) == [("weather", {"city": "text"})]


CHOOSE_NOW: dict[str, dict[str, Any]] = {
    "openai": {"tool_choice": {"type": "function", "function": {"name": "now"}}},
    "openrouter": {"tool_choice": {"type": "function", "function": {"name": "now"}}},
    "openairesponses": {"tool_choice": {"type": "function", "name": "now"}},
    "claude": {"tool_choice": {"type": "tool", "name": "now"}},
    "google": {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["now"]}}},
}
CHOOSE_NONE: dict[str, dict[str, Any]] = {
    "openai": {"tool_choice": "none"},
    "openrouter": {"tool_choice": "none"},
    "openairesponses": {"tool_choice": "none"},
    "claude": {"tool_choice": {"type": "none"}},
    "google": {"tool_config": {"function_calling_config": {"mode": "NONE"}}},
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_model_calls_the_tool_that_the_request_forces(provider: str) -> None:
    tools = offer(provider, ("weather", WEATHER), ("now", NOTHING))
    assert calls(provider, answer(provider=provider, tools=tools, **CHOOSE_NOW[provider])) == [("now", {})]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_model_calls_no_tool_when_none_is_to_be_called(provider: str) -> None:
    body = answer(provider=provider, tools=offer(provider, ("now", NOTHING)), **CHOOSE_NONE[provider])
    assert (calls(provider, body), said(provider, body)) == ([], "You said: Hello there")


CONVERSATIONS: dict[str, dict[str, Any]] = {
    "openai": {
        "messages": [
            {"role": "user", "content": "Hello"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "now", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "noon"},
        ]
    },
    "openairesponses": {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            {"type": "reasoning", "id": "rs", "summary": []},
            {"type": "function_call", "call_id": "c", "name": "now", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "noon"},
        ]
    },
    "claude": {
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "now", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "noon"}]},
        ]
    },
    "google": {
        "contents": [
            {"role": "user", "parts": [{"text": "Hello"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "now"}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "now", "response": {"result": "noon"}}}]},
        ]
    },
}
CONVERSATIONS["openrouter"] = CONVERSATIONS["openai"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_model_quotes_what_a_tool_returned(provider: str) -> None:
    body = answer(provider=provider, tools=offer(provider, ("now", NOTHING)), **CONVERSATIONS[provider])
    assert (calls(provider, body), said(provider, body)) == ([], "The tool said: noon")


STRUCTURED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "openai": lambda schema: {
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    },
    "openairesponses": lambda schema: {"text": {"format": {"type": "json_schema", "name": "x", "schema": schema}}},
    "claude": lambda schema: {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
    "google": lambda schema: {
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema}
    },
}
STRUCTURED["openrouter"] = STRUCTURED["openai"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_model_obeys_a_schema(provider: str) -> None:
    assert json.loads(said(provider, answer(provider=provider, **STRUCTURED[provider](WEATHER)))) == {"city": "text"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_schema_that_nothing_satisfies_is_a_bad_request(provider: str) -> None:
    async def scenario() -> int:
        async with ProviderServer() as server:
            head, _ = await asked(server, provider, **STRUCTURED[provider]({"enum": []}) | {})
            return head.status

    assert asyncio.run(scenario()) == 400


LIMITS: dict[str, dict[str, Any]] = {
    "openai": {"max_completion_tokens": 3},
    "openairesponses": {"max_output_tokens": 3},
    "claude": {"max_tokens": 3},
    "google": {"generationConfig": {"maxOutputTokens": 3}},
    "openrouter": {"max_tokens": 3},
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_model_stops_at_the_limit(provider: str) -> None:
    assert said(provider, answer(provider=provider, **LIMITS[provider])) == "You said: Hello"


# Refusals, each in the API's own shape.


def refused(provider: str, path: str, body: Any, **options: Any) -> tuple[int, Any]:
    async def scenario() -> tuple[int, Any]:
        async with ProviderServer(api_key=options.pop("api_key", None)) as server:
            head, data = await exchange(server, provider, path, body, **options)
            return head.status, json.loads(data)

    return asyncio.run(scenario())


def without(provider: str, field: str) -> dict[str, Any]:
    body = asks(provider)[1]
    del body[field]
    return body


def openai_error(param: str | None, code: str | None) -> Callable[[Any], bool]:
    def matches(body: Any) -> bool:
        error = body["error"]
        return (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)

    return matches


def claude_error(beginning: str, type: str = "invalid_request_error") -> Callable[[Any], bool]:
    def matches(body: Any) -> bool:
        error = body["error"]
        return (body["type"], error["type"]) == ("error", type) and str(error["message"]).startswith(beginning)

    return matches


def google_error(status: str, inside: str = "") -> Callable[[Any], bool]:
    def matches(body: Any) -> bool:
        error = body["error"]
        return isinstance(error["code"], int) and error["status"] == status and inside in error["message"]

    return matches


def openrouter_error(type: str) -> Callable[[Any], bool]:
    def matches(body: Any) -> bool:
        return isinstance(body["error"]["code"], int) and body["error"]["metadata"]["error_type"] == type

    return matches


def turns(provider: str, *messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A request with other messages."""
    field = {"openairesponses": "input", "google": "contents"}.get(provider, "messages")
    return {**asks(provider)[1], field: list(messages), **fields}


CHAT_CALL = {
    "role": "assistant",
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
CLAUDE_CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]}
GEMINI_CALL = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
HI = {"role": "user", "content": "Hi"}
GEMINI_HI = {"role": "user", "parts": [{"text": "Hi"}]}

REFUSALS: list[tuple[str, Any, Callable[[Any], bool]]] = [
    ("openai", b"{", openai_error(None, None)),
    ("openai", [], openai_error(None, None)),
    ("openai", without("openai", "model"), openai_error(None, None)),
    ("openai", without("openai", "messages"), openai_error("messages", "missing_required_parameter")),
    ("openai", turns("openai"), openai_error("messages", None)),
    ("openai", turns("openai", {"role": "model", "content": "x"}), openai_error("messages[0].role", "invalid_value")),
    ("openai", turns("openai", {"role": "user"}), openai_error("messages[0].content", "invalid_type")),
    ("openai", turns("openai", CHAT_CALL, HI), openai_error("messages", None)),
    (
        "openai",
        turns("openai", {"role": "tool", "tool_call_id": "c", "content": "x"}),
        openai_error("messages[0].role", None),
    ),
    ("openai", turns("openai", HI, stream_options={}), openai_error("stream_options", None)),
    ("openai", turns("openai", HI, tool_choice="auto"), openai_error("tool_choice", None)),
    (
        "openai",
        turns("openai", HI, tools=offer("openairesponses", ("f", NOTHING))),
        openai_error("tools[0].function.name", "missing_required_parameter"),
    ),
    (
        "openai",
        turns("openai", HI, tools=offer("openai", ("f", NOTHING)), tool_choice="f"),
        openai_error("tool_choice", "invalid_value"),
    ),
    (
        "openai",
        turns("openai", HI, response_format={"type": "json_schema", "json_schema": {"schema": NOTHING}}),
        openai_error("response_format.json_schema.name", "missing_required_parameter"),
    ),
    ("openairesponses", b"{", openai_error(None, None)),
    ("openairesponses", without("openairesponses", "model"), openai_error("model", "missing_required_parameter")),
    ("openairesponses", without("openairesponses", "input"), openai_error("input", "missing_required_parameter")),
    (
        "openairesponses",
        turns("openairesponses", {"role": "tool", "content": "x"}),
        openai_error("input[0].role", "invalid_value"),
    ),
    (
        "openairesponses",
        turns("openairesponses", {"role": "user", "content": [{"type": "text", "text": "x"}]}),
        openai_error("input[0].content[0].type", "invalid_value"),
    ),
    (
        "openairesponses",
        turns("openairesponses", {"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}),
        openai_error("input[0].content[0].type", "invalid_value"),
    ),
    (
        "openairesponses",
        turns("openairesponses", {"type": "function_call_output", "call_id": "c", "output": "x"}),
        openai_error("input", None),
    ),
    (
        "openairesponses",
        turns("openairesponses", {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}),
        openai_error("input", None),
    ),
    (
        "openairesponses",
        turns("openairesponses", HI, {"type": "reasoning", "id": "rs", "summary": []}),
        openai_error(None, None),
    ),
    (
        "openairesponses",
        turns("openairesponses", HI, tools=offer("openai", ("f", NOTHING))),
        openai_error("tools[0].name", "missing_required_parameter"),
    ),
    ("claude", b"{", claude_error("")),
    ("claude", without("claude", "model"), claude_error("model: Field required")),
    ("claude", without("claude", "max_tokens"), claude_error("max_tokens: Field required")),
    ("claude", without("claude", "messages"), claude_error("messages: Field required")),
    ("claude", turns("claude"), claude_error("messages: ")),
    ("claude", turns("claude", {"role": "tool", "content": "x"}), claude_error("messages.0.role: ")),
    ("claude", turns("claude", {"role": "user"}), claude_error("messages.0.content: ")),
    ("claude", turns("claude", HI, CLAUDE_CALL, HI), claude_error("messages.2: `tool_use` ids")),
    ("claude", turns("claude", HI, CLAUDE_CALL), claude_error("messages.1: `tool_use` ids")),
    (
        "claude",
        turns("claude", {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "x"}]}),
        claude_error("messages.0: unexpected `tool_use_id`"),
    ),
    ("claude", turns("claude", HI, tools=[{"name": "f"}]), claude_error("tools.0.custom.input_schema: ")),
    ("claude", turns("claude", HI, tool_choice="auto"), claude_error("tool_choice: ")),
    ("google", b"{", google_error("INVALID_ARGUMENT")),
    ("google", without("google", "contents"), google_error("INVALID_ARGUMENT", "contents is not specified")),
    ("google", turns("google", GEMINI_HI, temperature=1), google_error("INVALID_ARGUMENT", '"temperature"')),
    ("google", turns("google", {**GEMINI_HI, "role": "tool"}), google_error("INVALID_ARGUMENT", "valid role")),
    ("google", turns("google", {"role": "user", "parts": []}), google_error("INVALID_ARGUMENT", "must not be empty")),
    (
        "google",
        turns("google", GEMINI_HI, GEMINI_CALL, GEMINI_HI),
        google_error("INVALID_ARGUMENT", "number of function"),
    ),
    (
        "google",
        turns("google", GEMINI_HI, generationConfig={"responseJsonSchema": NOTHING}),
        google_error("INVALID_ARGUMENT", "mime type"),
    ),
    ("openrouter", b"{", openrouter_error("invalid_request")),
    ("openrouter", without("openrouter", "model"), openrouter_error("invalid_request")),
    ("openrouter", without("openrouter", "messages"), openrouter_error("invalid_request")),
]


@pytest.mark.parametrize(("provider", "body", "matches"), REFUSALS)
def test_a_wrong_request_is_refused_as_the_api_refuses_it(
    provider: str, body: Any, matches: Callable[[Any], bool]
) -> None:
    status, error = refused(provider, asks(provider)[0], body)
    assert status == 400
    assert matches(error), error


def test_claude_wants_its_version_header() -> None:
    async def scenario() -> None:
        async with ProviderServer() as server, Client(server) as client:
            path, body = asks("claude")
            data = json.dumps(body).encode()
            lines = [f"POST /anthropic/v1{path} HTTP/1.1", f"content-length: {len(data)}", "", ""]
            client.write("\r\n".join(lines).encode() + data)
            head, reply = await client.reply()
            assert (head.status, json.loads(reply)["error"]["message"]) == (
                400,
                "anthropic-version: header is required",
            )

    asyncio.run(scenario())


def test_gemini_3_wants_its_signatures_back() -> None:
    asked_back = {"contents": [GEMINI_HI, GEMINI_CALL, CONVERSATIONS["google"]["contents"][2]]}
    status, error = refused("google", "/models/gemini-3-pro:generateContent", asked_back)
    assert (status, google_error("INVALID_ARGUMENT", "thought_signature")(error)) == (400, True)


def test_a_continued_response_may_answer_calls_that_are_stored() -> None:
    item = {"type": "function_call_output", "call_id": "c", "output": "noon"}
    body = answer(provider="openairesponses", input=[item], previous_response_id="resp_1")
    assert said("openairesponses", body) == "The tool said: noon"


KEYS = {
    "openai": "Authorization: Bearer {}",
    "openairesponses": "Authorization: Bearer {}",
    "claude": "x-api-key: {}",
    "google": "x-goog-api-key: {}",
    "openrouter": "Authorization: Bearer {}",
}
UNAUTHORIZED: list[tuple[str, str | None, int, Callable[[Any], bool]]] = [
    ("openai", None, 401, openai_error(None, None)),
    ("openai", "wrong", 401, openai_error(None, "invalid_api_key")),
    ("openairesponses", "wrong", 401, openai_error(None, "invalid_api_key")),
    ("claude", None, 401, claude_error("x-api-key", "authentication_error")),
    ("claude", "wrong", 401, claude_error("invalid x-api-key", "authentication_error")),
    ("google", None, 403, google_error("PERMISSION_DENIED")),
    ("google", "wrong", 400, google_error("INVALID_ARGUMENT", "API key not valid")),
    ("openrouter", None, 401, openrouter_error("authentication")),
    ("openrouter", "wrong", 401, openrouter_error("authentication")),
]


@pytest.mark.parametrize(("provider", "key", "status", "matches"), UNAUTHORIZED)
def test_a_wrong_key_is_refused_as_the_api_refuses_it(
    provider: str, key: str | None, status: int, matches: Callable[[Any], bool]
) -> None:
    headers = dict([KEYS[provider].format(key).split(": ")]) if key else {}
    path, body = asks(provider)
    found, error = refused(provider, path, body, headers=headers, api_key="right")
    assert found == status
    assert matches(error), error


def test_a_bad_token_is_something_else_than_a_bad_key_to_google() -> None:
    path, body = asks("google")
    status, error = refused("google", path, body, headers={"Authorization": "Bearer wrong"}, api_key="right")
    assert (status, error["error"]["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_right_key_is_accepted(provider: str) -> None:
    async def scenario() -> int:
        async with ProviderServer(api_key="right") as server:
            path, body = asks(provider)
            name, value = KEYS[provider].format("right").split(": ")
            head, _ = await exchange(server, provider, path, body, headers={name: value})
            return head.status

    assert asyncio.run(scenario()) == 200


@pytest.mark.parametrize(
    ("provider", "matches"),
    [
        ("openai", openai_error(None, None)),
        ("claude", claude_error("", "not_found_error")),
        ("google", google_error("NOT_FOUND")),
        ("openrouter", openrouter_error("not_found")),
    ],
)
def test_an_unknown_path_is_not_found_in_the_apis_own_shape(provider: str, matches: Callable[[Any], bool]) -> None:
    status, error = refused(provider, "/nowhere", {})
    assert status == 404
    assert matches(error), error


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_wrong_method_is_refused(provider: str) -> None:
    status, error = refused(provider, asks(provider)[0], None, method="GET")
    assert status == 405
    assert "error" in error


@pytest.mark.parametrize(
    ("provider", "read"),
    [
        ("openai", lambda body: body["data"][0]["id"]),
        ("openairesponses", lambda body: body["data"][0]["id"]),
        ("claude", lambda body: body["data"][0]["id"]),
        ("google", lambda body: body["models"][0]["name"].removeprefix("models/")),
        ("openrouter", lambda body: body["data"][0]["id"].removeprefix("llm-async/")),
    ],
)
def test_each_api_lists_its_models(provider: str, read: Callable[[Any], str]) -> None:
    async def scenario() -> tuple[int, Any]:
        async with ProviderServer() as server:
            head, body = await exchange(server, provider, "/models", None, method="GET")
            return head.status, json.loads(body)

    status, body = asyncio.run(scenario())
    assert (status, read(body)) == (200, "echo-1")


@pytest.mark.parametrize("provider", ["openai", "claude", "google"])
def test_one_model_can_be_asked_for_by_name(provider: str) -> None:
    async def scenario() -> tuple[int, int]:
        async with ProviderServer() as server:
            known, _ = await exchange(server, provider, "/models/echo-1", None, method="GET")
            unknown, _ = await exchange(server, provider, "/models/other", None, method="GET")
            return known.status, unknown.status

    assert asyncio.run(scenario()) == (200, 404)
