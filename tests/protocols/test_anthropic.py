"""Requests of the Messages API: a Call goes in, the body comes out."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from llm_async.errors import UnsupportedError
from llm_async.models import Message, ResponseSchema, Tool, ToolCall
from llm_async.models.message import message_to_dict, normalize_messages
from llm_async.protocols.anthropic import DEFAULT_MAX_TOKENS, AnthropicMessages
from llm_async.protocols.base import Call

PROTOCOL = AnthropicMessages()
HI = {"role": "user", "content": "hi"}


def body(*messages: dict[str, Any] | Message, **fields: Any) -> dict[str, Any]:
    """The body of a request, its messages brought on the way that every provider brings them."""
    dicts = [message_to_dict(message) for message in normalize_messages(messages or [HI])]
    wire = PROTOCOL.request(Call(model="m", messages=dicts, **fields))
    assert (wire.path, wire.method) == ("/messages", "POST")
    return wire.body


def items(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a request that are not brought on that way, as the Responses provider takes them."""
    return PROTOCOL.request(Call(model="m", messages=list(messages))).body["messages"]


def content(*parts: Any) -> Any:
    """What the parts of a user message become."""
    return body({"role": "user", "content": list(parts)})["messages"][0]["content"]


# ---- fields


def test_the_smallest_request_has_the_three_fields_that_the_api_demands() -> None:
    assert body() == {"model": "m", "max_tokens": DEFAULT_MAX_TOKENS, "messages": [HI]}


def test_stream_is_sent_only_for_a_stream() -> None:
    assert body(stream=True)["stream"] is True
    assert "stream" not in body()


def test_every_option_is_sent_as_given_and_extra_body_wins() -> None:
    options = {"temperature": 0.5, "thinking": {"type": "adaptive"}, "stop_sequences": ["x"], "metadata": None}
    sent = body(options={**options, "max_tokens": 5}, extra_body={"max_tokens": 9, "model": "other"})
    assert {key: sent[key] for key in options} == options
    assert (sent["max_tokens"], sent["model"]) == (9, "other")


def test_max_tokens_of_none_is_the_default() -> None:
    assert body(options={"max_tokens": None})["max_tokens"] == DEFAULT_MAX_TOKENS


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("any", {"type": "any"}),
        ("none", {"type": "none"}),
        ("get_x", {"type": "tool", "name": "get_x"}),
        ({"type": "tool", "name": "x"}, {"type": "tool", "name": "x"}),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            {"type": "auto", "disable_parallel_tool_use": True},
        ),
        ({"type": "required"}, {"type": "any"}),
        ({"type": "function", "function": {"name": "x"}}, {"type": "tool", "name": "x"}),
        ({"type": "function", "name": "x"}, {"type": "tool", "name": "x"}),
        ({"type": "custom", "custom": {"name": "x"}}, {"type": "tool", "name": "x"}),
        ({"functionCallingConfig": {"mode": "ANY"}}, {"type": "any"}),
        ({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}}, {"type": "tool", "name": "x"}),
        ({"functionCallingConfig": {"mode": "NONE"}}, {"type": "none"}),
    ],
)
def test_a_tool_choice_of_any_api_becomes_an_object_of_this_one(choice: Any, sent: dict[str, Any]) -> None:
    assert body(tool_choice=choice)["tool_choice"] == sent


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        (5, TypeError),
        ({"type": "function"}, ValueError),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, UnsupportedError),
        ({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x", "y"]}}, UnsupportedError),
    ],
)
def test_a_tool_choice_that_cannot_be_said_is_an_error(choice: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="tool_choice"):
        body(tool_choice=choice)


# ---- system


def test_one_system_text_is_sent_as_a_str() -> None:
    sent = body({"role": "system", "content": "be terse"}, HI)
    assert (sent["system"], sent["messages"]) == ("be terse", [HI])


def test_all_system_messages_are_lifted_out_in_order() -> None:
    block = {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}
    sent = body(
        {"role": "system", "content": "a"},
        HI,
        {"role": "system", "content": [block]},
        {"role": "system", "content": ""},
        options={"system": "first"},
    )
    assert sent["system"] == [{"type": "text", "text": "first"}, {"type": "text", "text": "a"}, block]
    assert sent["messages"] == [HI]


def test_a_system_option_alone_is_sent_as_given() -> None:
    assert body(options={"system": "s"})["system"] == "s"
    assert "system" not in body({"role": "system", "content": ""}, HI)


def test_a_system_message_with_an_image_is_refused() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}
    with pytest.raises(UnsupportedError, match=r"messages\[0\]"):
        body({"role": "system", "content": [image]}, HI)


# ---- content of users

PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}}
TEXT = b64encode("né".encode()).decode()
TEXT_FILE = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "né"}}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "text", "text": "t"}, {"type": "text", "text": "t"}),
        ({"type": "input_text", "text": "t"}, {"type": "text", "text": "t"}),
        ({"text": "t"}, {"type": "text", "text": "t"}),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}, PNG),
        ({"type": "image_url", "image_url": "data:image/png;base64,AA=="}, PNG),
        ({"type": "input_image", "image_url": "DATA:image/PNG;base64,AA==", "detail": "auto"}, PNG),
        ({"inlineData": {"mimeType": "image/png", "data": "AA=="}}, PNG),
        (
            {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AA=="}, "cache_control": {"type": "e"}},
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/jpeg", "data": "AA=="},
                "cache_control": {"type": "e"},
            },
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x/y"}},
            {"type": "image", "source": {"type": "url", "url": "https://x/y"}},
        ),
        (
            {"type": "input_image", "file_id": "file_1"},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        ),
        ({"type": "image_url", "image_url": {"url": "data:application/pdf;base64,AA=="}}, PDF),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"}},
            {**PDF, "title": "a.pdf"},
        ),
        ({"type": "file", "file": {"file_data": "AA=="}}, PDF),
        ({"type": "file", "file": {"file_data": "AA==", "filename": "a.png"}}, PNG),
        ({"type": "input_file", "file_data": "data:application/pdf;base64,AA=="}, PDF),
        (
            {"type": "input_file", "file_url": "https://x/y.pdf"},
            {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
        ),
        (
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        ),
        ({"type": "file", "file": {"file_data": f"data:text/plain;charset=utf-8;base64,{TEXT}"}}, TEXT_FILE),
        ({"type": "file", "file": {"file_data": "data:text/csv,n%C3%A9"}}, TEXT_FILE),
        (
            {"fileData": {"fileUri": "https://x/y", "mimeType": "application/pdf"}},
            {"type": "document", "source": {"type": "url", "url": "https://x/y"}},
        ),
        (
            {"type": "text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "text", "text": "t"},
        ),
        (
            {"type": "document_url", "document_url": "https://x/y"},
            {"type": "document", "source": {"type": "url", "url": "https://x/y"}},
        ),
        ({"executableCode": {"language": "PYTHON", "code": "1+1"}}, {"type": "text", "text": "```python\n1+1\n```"}),
        ({"codeExecutionResult": {"outcome": "OK", "output": "2"}}, {"type": "text", "text": "2"}),
        (PNG, PNG),
        (
            {"type": "search_result", "source": "s", "content": []},
            {"type": "search_result", "source": "s", "content": []},
        ),
        ({"type": "of the future", "x": 1}, {"type": "of the future", "x": 1}),
    ],
)
def test_a_content_part_of_any_api_becomes_a_block_of_this_one(part: dict[str, Any], block: dict[str, Any]) -> None:
    assert content(part) == [block]


@pytest.mark.parametrize(
    ("part", "error"),
    [
        ({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}, UnsupportedError),
        ({"type": "video_url", "video_url": {"url": "https://x/y"}}, UnsupportedError),
        ({"inlineData": {"mimeType": "audio/wav", "data": "AA=="}}, UnsupportedError),
        ({"fileData": {"fileUri": "gs://x/y", "mimeType": "image/png"}}, UnsupportedError),
        ({"videoMetadata": {}}, UnsupportedError),
        ({"type": "image_url", "image_url": {}}, ValueError),
        ({"type": "image_url", "image_url": "data:image/png;base64"}, ValueError),
        ({"type": "file", "file": {"filename": "a.pdf"}}, ValueError),
        ({"type": "file", "file": {"file_data": "data:text/plain;base64,/w=="}}, ValueError),
        ({"type": "text", "text": 5}, ValueError),
    ],
)
def test_a_part_without_a_place_is_an_error_that_names_the_message(part: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"messages\[1\]"):
        body(HI, {"role": "user", "content": [part]})


def test_empty_texts_are_left_out_where_something_else_is_there() -> None:
    assert content({"type": "text", "text": ""}, {"type": "text", "text": "\n"}, PNG) == [PNG]


def test_an_empty_user_message_is_left_for_the_api_to_refuse() -> None:
    assert body({"role": "user", "content": ""})["messages"] == [{"role": "user", "content": ""}]
    assert body({"role": "user", "content": [{"type": "text", "text": ""}]})["messages"][0]["content"]


def test_only_role_and_content_of_a_message_are_sent() -> None:
    sent = body({"role": "user", "content": "hi", "name": "u"}, {"role": "assistant", "content": "yes", "reasoning": "r",
                "reasoning_details": [{"type": "reasoning.text"}], "stop_reason": "stop", "refusal": None})  # fmt: skip
    assert sent["messages"] == [HI, {"role": "assistant", "content": "yes"}]


# ---- assistants and their calls

USE = {"type": "tool_use", "id": "call_1", "name": "get_x", "input": {"q": 1}}
THINKING = {"type": "thinking", "thinking": "hm", "signature": "Er=="}


@pytest.mark.parametrize(
    "call",
    [
        {"id": "call_1", "type": "function", "function": {"name": "get_x", "arguments": '{"q": 1}'}},
        {"id": "call_1", "type": "function", "function": {"name": "get_x", "arguments": {"q": 1}}},
        ToolCall("call_1", "tool_use", "get_x", {"q": 1}),
        ToolCall("fc_1", "function", "get_x", {"call_id": "call_1"}, {"name": "get_x", "arguments": '{"q": 1}'}),
    ],
)
def test_a_call_of_any_api_becomes_a_tool_use_block(call: Any) -> None:
    sent = body(HI, {"role": "assistant", "content": None, "tool_calls": [call]})
    assert sent["messages"][1] == {"role": "assistant", "content": [USE]}


@pytest.mark.parametrize("arguments", ["", None, "{}", "null"])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_x", "arguments": arguments}}
    sent = body(HI, {"role": "assistant", "content": "", "tool_calls": [call]})
    assert sent["messages"][1]["content"] == [{**USE, "input": {}}]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "tool_calls": [{"id": "call_1", "function": {"name": "get_x", "arguments": '{"q": '}}]},
        {"role": "assistant", "content": [{**USE, "input": '{"q": '}]},
        Message("assistant", "", [ToolCall("call_1", "tool_use", "get_x", function={"name": "get_x", "arguments": '{"q": '})]),
    ],
)  # fmt: skip
def test_arguments_that_are_no_object_are_shown_to_the_model_as_it_wrote_them(message: Any) -> None:
    assert body(HI, message)["messages"][1]["content"] == [{**USE, "input": {"unreadable_arguments": '{"q": '}}]


def test_a_call_without_a_name_is_an_error_that_names_the_message() -> None:
    with pytest.raises(ValueError, match=r"messages\[1\].*name"):
        body(HI, {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "function": {"arguments": "{}"}}]})


def test_native_blocks_go_back_as_they_came() -> None:
    blocks = [
        THINKING,
        {"type": "redacted_thinking", "data": "x"},
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"encrypted_content": "x"}]},
        {"type": "text", "text": "t", "citations": [{"cited_text": "c"}]},
        {**USE, "caller": {"type": "direct"}},
    ]
    assert body(HI, {"role": "assistant", "content": blocks})["messages"][1]["content"] == blocks


def test_calls_that_a_message_has_twice_are_sent_once() -> None:
    message = Message(
        "assistant",
        "",
        [ToolCall("call_1", "tool_use", "get_x", {"q": 1})],
        original={"role": "assistant", "content": [USE]},
    )
    assert body(HI, message)["messages"][1]["content"] == [USE]


def test_thinking_kept_in_reasoning_details_stands_before_the_calls() -> None:
    calls = [ToolCall("call_1", "tool_use", "get_x", {"q": 1})]
    message = Message("assistant", "t", calls, reasoning="hm", reasoning_details=[THINKING, {"type": "reasoning.text"}])
    assert body(HI, message)["messages"][1]["content"] == [THINKING, {"type": "text", "text": "t"}, USE]


def test_an_assistant_who_said_nothing_is_left_out() -> None:
    assert body(HI, {"role": "assistant", "content": ""}, {"role": "user", "content": "?"})["messages"] == [
        HI, {"role": "user", "content": "?"}]  # fmt: skip


def test_a_refusal_of_another_api_is_text() -> None:
    message = {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}
    assert body(HI, message)["messages"][1]["content"] == [{"type": "text", "text": "no"}]


@pytest.mark.parametrize("content", [None, ""])
@pytest.mark.parametrize("field", [{"refusal": "no"}, {"audio": {"id": "a", "transcript": "no"}}])
def test_what_chat_says_outside_of_the_content_is_text(field: dict[str, Any], content: str | None) -> None:
    sent = body(HI, {"role": "assistant", "content": content, **field})
    assert sent["messages"][1]["content"] == [{"type": "text", "text": "no"}]


def test_mistrals_thinking_is_left_out() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "t"}]
    assert body(HI, {"role": "assistant", "content": parts})["messages"][1]["content"] == [
        {"type": "text", "text": "t"}
    ]


@pytest.mark.parametrize("id_", ["functions.get_x:0", "a b", "é"])
def test_ids_that_the_api_would_refuse_are_changed_in_call_and_result_alike(id_: str) -> None:
    call = {"id": id_, "type": "function", "function": {"name": "get_x", "arguments": "{}"}}
    sent = body(HI, {"role": "assistant", "content": "", "tool_calls": [call]}, {"role": "tool", "tool_call_id": id_,
                "content": "42"})["messages"]  # fmt: skip
    assert sent[1]["content"][0]["id"] == sent[2]["content"][0]["tool_use_id"]
    assert sent[1]["content"][0]["id"].replace("_", "").isalnum() or set(sent[1]["content"][0]["id"]) == {"_"}
    assert sent[1]["content"][0]["id"].isascii()


def test_ids_that_come_again_in_a_later_turn_are_told_apart() -> None:
    turn = [
        {"role": "assistant", "content": "", "tool_calls": [{"id": "call_0", "function": {"name": "f"}}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "r"},
    ]
    sent = body(HI, *turn, *turn)["messages"]
    ids = [block.get("id") or block["tool_use_id"] for turn in sent[1:] for block in turn["content"]]
    assert ids[0] == ids[1] != ids[2] == ids[3]


# ---- results


def test_the_result_of_a_tool_is_a_user_message() -> None:
    call = ToolCall("toolu_1", "tool_use", "get_x", {})
    assert PROTOCOL.tool_result(call, "42") == {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "42"}],
    }
    assert PROTOCOL.tool_result(call, "no", is_error=True)["content"][0]["is_error"] is True


def test_all_results_of_a_turn_stand_in_one_message_and_first() -> None:
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(3)]
    sent = body(
        HI,
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "user", "content": "by the way"},
        {"role": "tool", "tool_call_id": "c0", "content": "0"},
        PROTOCOL.tool_result(ToolCall("c1", "function"), "1", is_error=True),
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "2"}, PNG]},
        {"role": "user", "content": "and now?"},
        {"role": "assistant", "content": "done"},
    )["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user", "assistant"]
    assert sent[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "c0", "content": "0"},
        {"type": "tool_result", "tool_use_id": "c1", "content": "1", "is_error": True},
        {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "2"}, PNG]},
        {"type": "text", "text": "by the way"},
        {"type": "text", "text": "and now?"},
    ]


def test_user_messages_without_results_stay_apart() -> None:
    assert body(HI, HI)["messages"] == [HI, HI]


def test_a_result_that_names_no_call_answers_the_first_open_one_of_its_name() -> None:
    calls = [{"id": f"c_{name}", "function": {"name": name, "arguments": "{}"}} for name in ("f", "g")]
    sent = body(
        HI, {"role": "assistant", "content": "", "tool_calls": calls}, {"role": "tool", "name": "g", "content": "1"}
    )
    assert sent["messages"][2]["content"][0]["tool_use_id"] == "c_g"
    with pytest.raises(ValueError, match=r"messages\[1\]"):
        body(HI, {"role": "tool", "content": "1"})


def test_an_empty_result_is_still_a_result() -> None:
    sent = body(HI, {"role": "assistant", "content": [USE]}, {"role": "tool", "tool_call_id": "call_1", "content": ""})
    assert sent["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "call_1", "content": ""}]


# ---- histories of other APIs


def test_a_history_of_gemini_is_understood() -> None:
    parts = [
        {"text": "hm", "thought": True},
        {"text": "so", "thoughtSignature": "x"},
        {"functionCall": {"name": "f", "args": {"q": 1}}, "thoughtSignature": "y"},
        {"functionCall": {"name": "f"}},
        {"thoughtSignature": "z"},
    ]
    calls = [ToolCall("c1", "function", function={"name": "f", "arguments": {"q": 1}}),
             ToolCall("c2", "function", function={"name": "f", "arguments": {}})]  # fmt: skip
    sent = body(
        HI,
        Message("assistant", "so", calls, original={"role": "assistant", "parts": parts}),
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "1"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"error": "no"}}}]},
    )["messages"]
    assert sent[1]["content"] == [
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"q": 1}},
        {"type": "tool_use", "id": "c2", "name": "f", "input": {}},
    ]
    assert sent[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "content": "1"},
        {"type": "tool_result", "tool_use_id": "c2", "content": "no", "is_error": True},
    ]


def test_a_call_of_gemini_that_has_an_id_of_its_own_is_found_by_both() -> None:
    part = {"functionCall": {"id": "own", "name": "f", "args": {}}}
    call = ToolCall("ours", "function", function={"name": "f", "arguments": {}})
    for named in ("own", "ours"):
        sent = body(
            HI,
            Message("assistant", "", [call], original={"role": "assistant", "parts": [part]}),
            {"role": "user", "parts": [{"functionResponse": {"id": named, "name": "f", "response": {"a": 1, "b": 2}}}]},
        )["messages"]
        assert len(sent[1]["content"]) == 1
        assert sent[2]["content"][0]["tool_use_id"] == sent[1]["content"][0]["id"]
        assert sent[2]["content"][0]["content"] == '{"a": 1, "b": 2}'


def test_items_of_the_responses_api_are_understood() -> None:
    assert items(
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"q": 1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "free text"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "2"}]},
    ) == [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"q": 1}},
                {"type": "tool_use", "id": "c2", "name": "g", "input": {"input": "free text"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "1"},
                {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "2"}]},
            ],
        },
    ]
    with pytest.raises(UnsupportedError, match=r"messages\[0\]"):
        items({"type": "item_reference", "id": "x"})


def test_the_callers_messages_are_not_changed() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "t"}, PROTOCOL.tool_result(ToolCall("c", "f"), "r")["content"][0]]}  # fmt: skip
    before = repr(message)
    items(message)
    assert repr(message) == before


# ---- tools

SCHEMA = {"type": "object", "properties": {"q": {"type": "integer"}}}
DECLARED = {"name": "f", "description": "d", "input_schema": SCHEMA}


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        (Tool("f", "d", parameters=SCHEMA), DECLARED),
        (Tool("f", "d", input_schema=SCHEMA), DECLARED),
        (Tool("f", "d"), {**DECLARED, "input_schema": {"type": "object", "properties": {}}}),
        (Tool("f", "d", {"$ref": "#/$defs/a"}), {**DECLARED, "input_schema": {"type": "object", "$ref": "#/$defs/a"}}),
        (DECLARED, DECLARED),
        ({**DECLARED, "type": "custom", "strict": True}, {**DECLARED, "type": "custom", "strict": True}),
        ({"type": "web_search_20260209", "name": "web_search"}, {"type": "web_search_20260209", "name": "web_search"}),
        ({"type": "mcp_toolset", "mcp_server_name": "x"}, {"type": "mcp_toolset", "mcp_server_name": "x"}),
        ({"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}, DECLARED),
        (
            {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": True},
            {**DECLARED, "strict": True},
        ),
        (
            {"type": "function", "name": "f", "parameters": None, "strict": False},
            {"name": "f", "input_schema": {"type": "object", "properties": {}}},
        ),
        ({"name": "f", "description": "d", "parameters": SCHEMA}, DECLARED),
    ],
)
def test_a_tool_of_any_api_is_declared_as_this_one_wants_it(tool: Any, sent: dict[str, Any]) -> None:
    assert PROTOCOL.format_tools([tool]) == [sent]


@pytest.mark.parametrize(
    ("tool", "error"),
    [
        (Tool("", "d"), ValueError),
        ({"input_schema": SCHEMA}, ValueError),
        ({"type": "function", "function": {"parameters": SCHEMA}}, ValueError),
        ("f", TypeError),
        ({"type": "custom", "name": "f", "format": {"type": "text"}}, UnsupportedError),
    ],
)
def test_a_tool_that_cannot_be_declared_is_an_error_that_names_it(tool: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"tools\[1\]"):
        PROTOCOL.format_tools([Tool("f", "d"), tool])


# ---- structured answers


def answer_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that is sent for a response schema."""
    return body(response_schema=ResponseSchema(schema))["output_config"]["format"]["schema"]


def test_a_response_schema_completes_the_output_config() -> None:
    sent = body(response_schema=ResponseSchema({"type": "object"}), options={"output_config": {"effort": "low"}})
    assert sent["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}},
    }
    assert body(options={"output_config": {"effort": "low"}})["output_config"] == {"effort": "low"}
    with pytest.raises(TypeError, match="output_config"):
        body(response_schema=ResponseSchema({"type": "object"}), options={"output_config": 5})


def test_objects_are_closed_at_every_depth() -> None:
    inner = {"properties": {"b": {"type": ["object", "null"]}}}
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": inner}}, "additionalProperties": True}
    assert answer_schema(schema) == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "a": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"b": {"type": ["object", "null"], "additionalProperties": False}},
                },
            }
        },
    }


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (
            {"type": "integer", "minimum": 1, "maximum": 5, "description": "A rating."},
            {"type": "integer", "description": "A rating. (It has to satisfy: minimum 1, maximum 5.)"},
        ),
        ({"type": "string", "pattern": "^a"}, {"type": "string", "description": '(It has to satisfy: pattern "^a".)'}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "color"}, {"type": "string", "description": '(It has to satisfy: format "color".)'}),
        ({"type": "array", "minItems": 1}, {"type": "array", "minItems": 1}),
        ({"type": "array", "minItems": 2}, {"type": "array", "description": "(It has to satisfy: minItems 2.)"}),
        ({"oneOf": [{"type": "null"}, {"maxLength": 2}], "$comment": "x"},
         {"anyOf": [{"type": "null"}, {"description": "(It has to satisfy: maxLength 2.)"}]}),
        ({"$ref": "#/$defs/a", "description": "d"}, {"$ref": "#/$defs/a"}),
        ({"enum": ["a", 1], "default": "a", "title": "T"}, {"enum": ["a", 1], "default": "a", "title": "T"}),
    ],
)  # fmt: skip
def test_what_the_subset_cannot_say_is_told_in_the_description(part: dict[str, Any], sent: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"pattern": part}, "$defs": {"a": part}}
    assert answer_schema(schema) == {
        "type": "object",
        "additionalProperties": False,
        "properties": {"pattern": sent},
        "$defs": {"a": sent},
    }
