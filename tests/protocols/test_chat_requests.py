"""Chat Completions asked: calls in, bodies out. Messages of every provider, tools and tool_choice in every form."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async.errors import UnsupportedError
from llm_async.models import Message, ResponseSchema, Tool, ToolCall
from llm_async.models.message import message_to_dict, normalize_messages
from llm_async.protocols.base import Call
from llm_async.protocols.chat_dialect import ChatDialect
from llm_async.protocols.openai_chat import OpenAIChat

HELLO = [{"role": "user", "content": "hello"}]
IMAGE = "iVBORw0KGgo="


def request(messages: Any = HELLO, protocol: OpenAIChat | None = None, **call: Any) -> dict[str, Any]:
    wire = (protocol or OpenAIChat()).request(Call("m", messages, **call))
    assert (wire.method, wire.path) == ("POST", "/chat/completions")
    return wire.body


def sent(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return request(list(messages))["messages"]  # type: ignore[no-any-return]


def native_call(id: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(id: str, content: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}


# ---- the body


def test_the_fields_of_a_plain_request_and_their_order() -> None:
    assert list(request(options={"temperature": 0}).items()) == [
        ("model", "m"),
        ("messages", HELLO),
        ("stream", False),
        ("temperature", 0),
    ]


def test_options_are_sent_as_given_also_null_ones() -> None:
    body = request(options={"seed": None, "anything": {"a": [1]}})
    assert (body["seed"], body["anything"]) == (None, {"a": [1]})


@pytest.mark.parametrize(
    ("protocol", "call", "expected"),
    [
        (OpenAIChat(), {"stream": True}, {"include_usage": True}),
        (OpenAIChat(), {"stream": False}, "absent"),
        (OpenAIChat(ChatDialect(stream_usage=False)), {"stream": True}, "absent"),
        (OpenAIChat(), {"stream": True, "options": {"stream_options": {"x": 1}}}, {"x": 1}),
        (OpenAIChat(), {"stream": True, "options": {"stream_options": None}}, "absent"),
        (OpenAIChat(), {"stream": True, "extra_body": {"stream_options": {"x": 1}}}, {"x": 1}),
        (OpenAIChat(), {"stream": True, "extra_body": {"stream_options": None}}, "absent"),
        (
            OpenAIChat(ChatDialect(stream_usage=False)),
            {"stream": True, "options": {"stream_options": {"x": 1}}},
            {"x": 1},
        ),
    ],
)
def test_usage_is_asked_for_in_streams_unless_somebody_says_otherwise(
    protocol: OpenAIChat, call: dict[str, Any], expected: Any
) -> None:
    assert request(protocol=protocol, **call).get("stream_options", "absent") == expected


def test_extra_body_wins_over_everything() -> None:
    body = request(options={"temperature": 0}, extra_body={"temperature": 1, "model": "other", "new": None})
    assert (body["temperature"], body["model"], body["new"]) == (1, "other", None)


def test_a_schema_is_a_response_format() -> None:
    schema = ResponseSchema({"type": "object"}, name="n")
    body = request(response_schema=schema, options={"response_format": {"type": "text"}})
    assert body["response_format"] == schema.for_openai()


def test_without_a_model_none_is_sent() -> None:
    assert "model" not in OpenAIChat().request(Call(None, HELLO)).body


# ---- messages in the API's own form


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "hi", "name": "Ann", "unknown": {"a": None}},
        {"role": "system", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]},
        {"role": "developer", "content": "terse"},
        {"role": "function", "name": "f", "content": "1"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [native_call("1", arguments='{"a":1}')]},
        {"role": "assistant", "content": "", "refusal": "no"},
        {"role": "assistant", "content": "a", "prefix": True, "reasoning_content": "hm"},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "a"},
            ],
        },
        {"role": "assistant", "content": "a", "annotations": [{"type": "url_citation"}]},
        {"role": "tool", "tool_call_id": "1", "name": "f", "content": [{"type": "text", "text": "r"}]},
    ],
)
def test_a_message_in_the_apis_own_form_is_sent_as_it_is(message: dict[str, Any]) -> None:
    before = repr(message)
    assert sent(message) == [message]
    assert repr(message) == before


@pytest.mark.parametrize("role", ["system", "developer", "user", "tool"])
def test_null_is_no_content_but_the_assistants(role: str) -> None:
    assert sent({"role": role, "content": None}) == [{"role": role, "content": ""}]


def test_an_answer_without_anything_in_it_is_an_empty_text() -> None:
    answer = {"role": "assistant", "content": None, "tool_calls": None, "refusal": None}
    assert sent(answer) == [{"role": "assistant", "content": ""}]
    refused = {"role": "assistant", "content": None, "refusal": "no"}
    assert sent(refused) == [refused]


def test_fields_that_no_request_has_are_not_sent() -> None:
    message = Message("assistant", "a", reasoning="hm", reasoning_details=[{"type": "x"}], stop_reason="stop")
    assert sent(message_to_dict(message)) == [{"role": "assistant", "content": "a"}]
    noise = {"original": {}, "stop_reason": "stop", "finish_reason": "stop", "reasoning": "hm", "output": []}
    assert sent({"role": "assistant", "content": "a", **noise}) == [{"role": "assistant", "content": "a"}]


def test_fields_that_answers_leave_empty_are_not_sent() -> None:
    answered = {
        "role": "assistant",
        "content": "a",
        "refusal": None,
        "annotations": [],
        "audio": {"id": "", "data": "", "transcript": ""},
        "function_call": {"name": "", "arguments": ""},
        "tool_calls": None,
        "reasoning_content": None,
    }
    assert sent(answered) == [{"role": "assistant", "content": "a"}]


def test_an_earlier_audio_answer_is_referred_to_by_its_id() -> None:
    answered = {"role": "assistant", "content": None, "audio": {"id": "audio_1", "data": "AAAA", "transcript": "hi"}}
    assert sent(answered) == [{"role": "assistant", "content": None, "audio": {"id": "audio_1"}}]


def test_which_reasoning_goes_back_is_a_matter_of_the_server() -> None:
    message = {"role": "assistant", "content": "a", "reasoning": "r", "reasoning_content": "rc"}
    protocol = OpenAIChat(ChatDialect(replayed=("reasoning",)))
    assert request([message], protocol)["messages"] == [{"role": "assistant", "content": "a", "reasoning": "r"}]
    assert request([message], OpenAIChat(ChatDialect(replayed=())))["messages"] == [
        {"role": "assistant", "content": "a"}
    ]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            {
                "id": "1",
                "type": "function",
                "index": 0,
                "function": {"name": "f", "arguments": ""},
                "extra_content": {"s": 1},
            },
            {**native_call("1"), "extra_content": {"s": 1}},
        ),
        ({"id": "1", "function": {"name": "f", "arguments": {"a": "é"}}}, native_call("1", arguments='{"a": "é"}')),
        ({"id": "1", "type": "function", "function": {"name": "f"}, "custom": {"name": ""}}, native_call("1")),
        (
            {"id": "toolu_1", "type": "tool_use", "name": "f", "input": {"a": 1}},
            native_call("toolu_1", arguments='{"a": 1}'),
        ),
        (
            {
                "id": "fc_1",
                "type": "function",
                "name": "f",
                "input": {"call_id": "call_1"},
                "function": {"name": "f", "arguments": "{}"},
            },
            native_call("call_1"),
        ),
        (
            {"id": "1", "type": "custom", "name": "run", "function": {"name": "run", "arguments": "print"}},
            {"id": "1", "type": "custom", "custom": {"name": "run", "input": "print"}},
        ),
        (
            {"id": "1", "type": "custom", "custom": {"name": "run", "input": "print"}},
            {"id": "1", "type": "custom", "custom": {"name": "run", "input": "print"}},
        ),
    ],
    ids=[
        "with extras",
        "object",
        "empty custom",
        "Claude's ToolCall",
        "Responses' ToolCall",
        "custom ToolCall",
        "custom",
    ],
)
def test_tool_calls_in_any_shape_are_sent_in_the_apis_own(entry: dict[str, Any], expected: dict[str, Any]) -> None:
    (message,) = sent({"role": "assistant", "content": None, "tool_calls": [entry]})
    assert message == {"role": "assistant", "content": None, "tool_calls": [expected]}


def test_a_tool_call_without_a_name_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match=r"messages\[0\]: a tool call has no name"):
        sent({"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "function", "function": {}}]})


def test_the_answer_and_the_result_go_back_together() -> None:
    protocol = OpenAIChat()
    answered = {
        "choices": [
            {
                "message": {"role": "assistant", "content": None, "tool_calls": [native_call(""), native_call("")]},
                "finish_reason": "tool_calls",
            }
        ]
    }
    message = protocol.read(answered).message
    assert message.tool_calls is not None
    for turn in (message, message.original):
        messages = [
            message_to_dict(each)
            for each in normalize_messages([turn, *(protocol.tool_result(call, "18") for call in message.tool_calls)])  # type: ignore[list-item]
        ]
        assistant, first, second = request(messages)["messages"]
        assert [entry["id"] for entry in assistant["tool_calls"]] == [first["tool_call_id"], second["tool_call_id"]]


def test_a_legacy_call_goes_back_as_a_tool_call() -> None:
    protocol = OpenAIChat()
    function = {"name": "f", "arguments": "{}"}
    message = protocol.read({"choices": [{"message": {"content": None, "function_call": function}}]}).message
    assert message.tool_calls is not None
    (assistant,) = request([message_to_dict(message)])["messages"]
    assert assistant == {"role": "assistant", "content": None, "tool_calls": [native_call(message.tool_calls[0].id)]}


# ---- messages of other providers


def test_claudes_blocks_become_messages() -> None:
    assert sent(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "notes"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "I ", "citations": []},
                {"type": "text", "text": "call"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
                {
                    "type": "tool_result",
                    "tool_use_id": "t2",
                    "is_error": True,
                    "content": [
                        {"type": "text", "text": "two"},
                        {"type": "image", "source": {"type": "url", "url": "https://example.com/b.png"}},
                    ],
                },
                {"type": "text", "text": "go on"},
            ],
        },
    ) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {
                    "type": "file",
                    "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"},
                },
                {"type": "text", "text": "notes"},
            ],
        },
        {
            "role": "assistant",
            "content": "I call",
            "tool_calls": [native_call("t1", arguments='{"a": 1}'), native_call("t2")],
        },
        result("t1", "one"),
        result("t2", "Error: two"),
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/b.png"}}]},
        {"role": "user", "content": "go on"},
    ]


def test_images_in_results_follow_the_last_result_of_the_turn() -> None:
    def image(name: str) -> dict[str, Any]:
        return {"type": "input_image", "image_url": f"https://example.com/{name}.png"}

    def sent_image(name: str) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": f"https://example.com/{name}.png"}}

    assert sent(
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "2", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": [image("a")]},
        {"type": "function_call_output", "call_id": "2", "output": [image("b")]},
    ) == [
        {"role": "assistant", "content": None, "tool_calls": [native_call("1"), native_call("2")]},
        result("1", ""),
        result("2", ""),
        {"role": "user", "content": [sent_image("a"), sent_image("b")]},
    ]


def test_a_message_of_claudes_has_its_calls_once() -> None:
    message = Message(
        "assistant",
        "",
        tool_calls=[ToolCall("t1", "tool_use", "f", {"a": 1})],
        original={"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
    )
    assert sent(message_to_dict(message)) == [
        {"role": "assistant", "content": None, "tool_calls": [native_call("t1", arguments='{"a": 1}')]}
    ]


def test_geminis_parts_become_messages_and_results_find_their_calls_by_name() -> None:
    assert sent(
        {"role": "user", "parts": [{"text": "look"}, {"inlineData": {"mimeType": "image/png", "data": IMAGE}}]},
        {
            "role": "model",
            "parts": [
                {"text": "hm", "thought": True},
                {"text": "I call"},
                {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "s"},
                {"functionCall": {"name": "g", "args": {}}},
                {"functionCall": {"name": "f", "args": {"a": 2}}},
                {"text": "", "thoughtSignature": "s"},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "g", "response": {"error": "broken"}}},
                {"functionResponse": {"name": "f", "response": {"result": "one"}}},
                {"functionResponse": {"name": "f", "response": {"n": 2, "m": 3}}},
            ],
        },
    ) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
            ],
        },
        {
            "role": "assistant",
            "content": "I call",
            "tool_calls": [
                native_call("call_1", arguments='{"a": 1}'),
                native_call("call_2", "g"),
                native_call("call_3", arguments='{"a": 2}'),
            ],
        },
        result("call_2", "Error: broken"),
        result("call_1", "one"),
        result("call_3", '{"n": 2, "m": 3}'),
    ]


def test_geminis_parts_are_understood_in_the_spelling_of_its_libraries_too() -> None:
    image = {"mime_type": "image/png", "data": IMAGE}
    assert sent(
        {"role": "user", "parts": [{"text": "look"}, {"inline_data": image}]},
        {
            "role": "model",
            "parts": [{"function_call": {"id": "c1", "name": "f", "args": {}}, "thought_signature": "s"}],
        },
        {"role": "user", "parts": [{"function_response": {"id": "c1", "name": "f", "response": {"result": "1"}}}]},
    ) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [native_call("c1")]},
        result("c1", "1"),
    ]


def test_a_message_of_geminis_keeps_the_ids_of_its_tool_calls() -> None:
    message = Message(
        "assistant",
        "",
        tool_calls=[ToolCall("call_x", "function", function={"name": "f", "arguments": {"a": 1}})],
        original={"role": "assistant", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]},
    )
    response = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "18"}}}]}
    assert sent(message_to_dict(message), response) == [
        {"role": "assistant", "content": None, "tool_calls": [native_call("call_x", arguments='{"a": 1}')]},
        result("call_x", "18"),
    ]


def test_a_result_that_answers_no_call_names_its_message() -> None:
    with pytest.raises(ValueError, match=r"messages\[1\]: the result of 'g'"):
        sent(*HELLO, {"role": "user", "parts": [{"functionResponse": {"name": "g", "response": {}}}]})


def test_items_of_the_responses_api_become_messages() -> None:
    assert sent(
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "I call", "annotations": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "custom_tool_call", "id": "ct_1", "call_id": "c2", "name": "run", "input": "print"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
        {"type": "function_call", "id": "fc_2", "call_id": "c3", "name": "f", "arguments": ""},
    ) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            ],
        },
        {
            "role": "assistant",
            "content": "I call",
            "tool_calls": [
                native_call("c1"),
                {"id": "c2", "type": "custom", "custom": {"name": "run", "input": "print"}},
            ],
        },
        result("c1", "one"),
        result("c2", "two"),
        {"role": "assistant", "content": None, "tool_calls": [native_call("c3")]},
    ]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]},
        {"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "https://example.com"}}]},
        {"role": "user", "parts": [{"executableCode": {"code": "1"}}]},
        {"role": "user", "parts": [{"fileData": {"mimeType": "video/mp4", "fileUri": "https://example.com"}}]},
        {"role": "user", "parts": [{"inlineData": {"mimeType": "video/mp4", "data": "AA=="}}]},
        {"role": "user", "content": [{"type": "input_image", "file_id": "f"}]},
        {"role": "user", "content": [{"type": "input_file", "file_url": "https://example.com"}]},
        {"type": "item_reference", "id": "x"},
        {"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]},
        {"role": "assistant", "content": [{"type": "hologram"}, {"type": "server_tool_use", "id": "s"}]},
    ],
)
def test_what_has_no_place_is_an_error_that_names_the_message(message: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match=r"^messages\[1\]: Chat Completions has no place for "):
        sent(*HELLO, message)


# ---- tools

NATIVE_TOOL = {
    "type": "function",
    "function": {"name": "f", "description": "does f", "parameters": {"type": "object", "properties": {}}},
}
SCHEMA = NATIVE_TOOL["function"]["parameters"]  # type: ignore[index]


@pytest.mark.parametrize(
    "tool",
    [
        Tool("f", "does f", parameters=SCHEMA),
        Tool("f", "does f", input_schema=SCHEMA),
        Tool("f", "does f"),
        NATIVE_TOOL,
        {"type": "function", "name": "f", "description": "does f", "parameters": SCHEMA},
        {"name": "f", "description": "does f", "input_schema": SCHEMA},
        {"type": "custom", "name": "f", "description": "does f", "input_schema": SCHEMA},
        {"name": "f", "description": "does f", "parameters": SCHEMA},
        {"functionDeclarations": [{"name": "f", "description": "does f", "parameters": SCHEMA}]},
        {"functionDeclarations": [{"name": "f", "description": "does f", "parametersJsonSchema": SCHEMA}]},
    ],
)
def test_a_function_in_any_form(tool: Any) -> None:
    assert OpenAIChat().format_tools([tool]) == [NATIVE_TOOL]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f", "strict": True}, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", "custom": {"name": "run", "format": {"type": "text"}}},
        {"type": "openrouter:web_search", "parameters": {"max_results": 3}},
    ],
)
def test_a_tool_in_the_apis_own_form_or_a_servers_passes_as_it_is(tool: dict[str, Any]) -> None:
    assert OpenAIChat().format_tools([tool]) == [tool]


def test_what_else_a_flat_function_has_keeps_its_place() -> None:
    tool = {"type": "function", "name": "f", "description": "", "parameters": SCHEMA, "strict": True}
    (entry,) = OpenAIChat().format_tools([tool])
    assert entry["function"]["strict"] is True


@pytest.mark.parametrize(
    ("flat", "nested"),
    [
        ({"type": "text"}, {"type": "text"}),
        (
            {"type": "grammar", "syntax": "lark", "definition": "start: A"},
            {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}},
        ),
    ],
)
def test_a_custom_tool_of_the_responses_api_is_nested(flat: dict[str, Any], nested: dict[str, Any]) -> None:
    (entry,) = OpenAIChat().format_tools([{"type": "custom", "name": "run", "description": "d", "format": flat}])
    assert entry == {"type": "custom", "custom": {"name": "run", "description": "d", "format": nested}}
    assert request(tools=[entry], tool_choice="run")["tool_choice"] == CUSTOM


@pytest.mark.parametrize(
    "tool",
    [
        Tool("", "x"),
        {"type": "custom", "format": {"type": "text"}},
        {"type": "function", "function": {}},
        {"type": "function", "function": {"name": ""}},
        {"type": "function", "parameters": {}},
        {"input_schema": {}},
        {},
    ],
)
def test_a_tool_without_a_name_is_refused(tool: Any) -> None:
    with pytest.raises(ValueError, match=r"^tools\[1\] "):
        OpenAIChat().format_tools([NATIVE_TOOL, tool])


def test_something_else_is_no_tool() -> None:
    with pytest.raises(TypeError, match=r"^tools\[0\] must be"):
        OpenAIChat().format_tools([len])  # type: ignore[list-item]


NAMED = {"type": "function", "function": {"name": "f"}}
CUSTOM = {"type": "custom", "custom": {"name": "run"}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("required", "required"),
        ("none", "none"),
        ("f", NAMED),
        ("run", CUSTOM),
        ("any", "any"),
        (NAMED, NAMED),
        (CUSTOM, CUSTOM),
        ({"type": "function", "name": "f"}, NAMED),
        ({"type": "custom", "name": "run"}, CUSTOM),
        ({"type": "tool", "name": "f"}, NAMED),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"functionCallingConfig": {"mode": "ANY"}}, "required"),
        ({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}, NAMED),
        ({"type": "allowed_tools", "allowed_tools": {}}, {"type": "allowed_tools", "allowed_tools": {}}),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
        ),
    ],
)
def test_tool_choice_in_any_form(choice: Any, expected: Any) -> None:
    tools = [NATIVE_TOOL, {"type": "custom", "custom": {"name": "run"}}]
    body = request(tools=tools, tool_choice=choice)
    assert (body["tools"], body["tool_choice"]) == (tools, expected)


def test_claudes_way_to_forbid_parallel_calls_is_understood() -> None:
    body = request(tools=[NATIVE_TOOL], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("auto", False)


def test_the_result_of_a_tool() -> None:
    call = ToolCall("call_1", "function", function={"name": "f", "arguments": "{}"})
    assert OpenAIChat().tool_result(call, "18") == result("call_1", "18")
    assert OpenAIChat().tool_result(call, "broken", is_error=True) == result("call_1", "broken")
