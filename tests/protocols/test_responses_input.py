"""A conversation as the input of the Responses API: every form of message, and what has no place."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async.errors import UnsupportedError
from llm_async.models import Message, ToolCall
from llm_async.models.message import message_to_dict
from llm_async.protocols.openai_responses import OpenAIResponses
from llm_async.protocols.responses_input import input_of

PNG = "iVBORw0KGgo="


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def call(call_id: str, name: str = "get_weather", arguments: str = '{"city":"Paris"}', **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **more}


def output(call_id: str, text: Any = "18") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def test_one_users_text_is_the_input_itself() -> None:
    assert input_of([{"role": "user", "content": "hi"}]) == "hi"


def test_one_users_parts_are_a_list_of_items() -> None:
    assert input_of([user({"type": "text", "text": "hi"})]) == [user({"type": "input_text", "text": "hi"})]


def test_system_and_developer_messages_stay_wherever_they_stand() -> None:
    messages = [
        {"role": "system", "content": "be terse"},
        {"role": "user", "content": "hi"},
        {"role": "developer", "content": "in French"},
        {"role": "user", "content": "now"},
    ]
    assert input_of(messages) == messages


def test_fields_that_only_other_apis_know_are_not_sent_and_unknown_ones_are() -> None:
    message = {"role": "user", "content": "hi", "name": "Ann", "cache_control": {}, "phase": "x", "new_field": 1}
    assert input_of([message, {"role": "user", "content": "?"}]) == [
        {"role": "user", "content": "hi", "phase": "x", "new_field": 1},
        {"role": "user", "content": "?"},
    ]


NATIVE_ITEMS = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
    {"type": "message", "role": "user", "content": [{"type": "input_hologram", "data": "…"}]},
    {"type": "message", "role": "assistant", "phase": "commentary", "content": [{"type": "output_text", "text": "a"}]},
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}", "status": "completed"},
    {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_image", "file_id": "file_1"}]},
    {"type": "custom_tool_call_output", "call_id": "call_2", "output": "ok"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
    {"type": "item_from_the_future", "payload": {"x": [1]}},
    {"type": "item_reference", "id": "msg_1"},
    {"id": "msg_2"},
]


def test_items_of_the_api_itself_go_out_unchanged_also_unknown_ones() -> None:
    assert input_of(NATIVE_ITEMS) == NATIVE_ITEMS


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "a"}, {"type": "input_text", "text": "a"}),
        (
            {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}, "cache_control": {}},
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
        ),
        ({"type": "output_text", "text": "a"}, {"type": "input_text", "text": "a"}),
        ({"type": "input_text", "text": "a"}, {"type": "input_text", "text": "a"}),
        (
            {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
        ),
        (
            {"type": "image_url", "image_url": "https://x/y.png"},
            {"type": "input_image", "image_url": "https://x/y.png"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
        ),
        ({"type": "file", "file": {"file_id": "file_1"}}, {"type": "input_file", "file_id": "file_1"}),
        (
            {"type": "document_url", "document_url": "https://x/a.pdf"},
            {"type": "input_file", "file_url": "https://x/a.pdf"},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
            {"type": "input_image", "image_url": "https://x/y.png"},
        ),
        (
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "input_image", "file_id": "file_1"},
        ),
        (
            {
                "type": "document",
                "title": "Report",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AA"},
            },
            {"type": "input_file", "filename": "Report", "file_data": "data:application/pdf;base64,AA"},
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}},
            {"type": "input_file", "file_url": "https://x/a.pdf"},
        ),
        (
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "input_file", "file_id": "file_1"},
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}},
            {"type": "input_text", "text": "a"},
        ),
        ({"text": "a"}, {"type": "input_text", "text": "a"}),
        (
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
        ),
        (
            {"inline_data": {"mime_type": "audio/mpeg", "data": "AA"}},
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
        ),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "AA"}},
            {"type": "input_file", "filename": "file.pdf", "file_data": "data:application/pdf;base64,AA"},
        ),
        (
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x/y.png"}},
            {"type": "input_image", "image_url": "https://x/y.png"},
        ),
        (
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x/a.pdf"}},
            {"type": "input_file", "file_url": "https://x/a.pdf"},
        ),
    ],
)
def test_a_part_of_any_api_becomes_an_input_part(part: dict[str, Any], expected: dict[str, Any]) -> None:
    assert input_of([user(part)]) == [user(expected)]


def test_a_breakpoint_of_the_prompt_cache_stays_on_its_part() -> None:
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    part = {"type": "image_url", "image_url": {"url": "https://x/y.png"}, **mark}
    assert input_of([user(part)]) == [user({"type": "input_image", "image_url": "https://x/y.png", **mark})]


@pytest.mark.parametrize(
    "message",
    [
        user({"type": "video_url", "video_url": {"url": "https://x/y.mp4"}}),
        user({"type": "hologram"}),
        user({"executableCode": {"code": "1"}}),
        user({"executableCode": {"code": "1"}, "thoughtSignature": "sig"}),
        user({}),
        user({"type": "image", "source": {"type": "telepathy"}}),
        user({"type": "document", "source": {"type": "telepathy"}}),
        {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "video_url", "video_url": {"url": "x"}}]},
    ],
)
def test_content_that_has_no_place_is_refused_by_the_name_of_its_message(message: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match=r"^messages\[1\]: the Responses API has no place for "):
        input_of([{"role": "user", "content": "hi"}, message])


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (user({"type": "image_url", "image_url": {}}), ValueError),
        (user({"type": "text"}), ValueError),
        (user({"type": "file"}), ValueError),
        ({"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {}}]}, ValueError),
        ({"role": "tool", "content": "42"}, ValueError),
        ({"role": "user", "content": 42}, TypeError),
        ({"role": "user", "content": [42]}, TypeError),
        ({"role": "assistant", "tool_calls": ["call"]}, TypeError),
    ],
)
def test_what_is_malformed_is_refused_by_the_name_of_its_message(
    message: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"^messages\[1\]: "):
        input_of([{"role": "user", "content": "hi"}, message])


# ---- calls and results


CHAT_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
CLAUDE_CALL = {"id": "call_1", "type": "tool_use", "name": "get_weather", "input": {"city": "Paris"}}
OWN_CALL = {**CHAT_CALL, "id": "fc_1", "name": "get_weather", "input": {"call_id": "call_1"}}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (CHAT_CALL, call("call_1")),
        (OWN_CALL, call("call_1", id="fc_1")),
        (CLAUDE_CALL, call("call_1", arguments='{"city": "Paris"}')),
        (ToolCall("call_1", "function", function=CHAT_CALL["function"]), call("call_1")),
        (ToolCall.from_responses_api_function_call("fc_1", "call_1", "f", "{}"), call("call_1", "f", "{}", id="fc_1")),
        ({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}, call("call_1", "f", "{}")),
        ({"id": "call_1", "function": {"name": "f", "arguments": {"a": 1}}}, call("call_1", "f", '{"a": 1}')),
        (
            {"id": "call_1", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}},
            {"type": "custom_tool_call", "call_id": "call_1", "name": "sql", "input": "SELECT 1"},
        ),
    ],
)
def test_a_call_in_any_form_becomes_a_call_item(entry: Any, expected: dict[str, Any]) -> None:
    assert input_of([{"role": "assistant", "content": None, "tool_calls": [entry]}]) == [expected]


def test_an_assistants_text_goes_before_its_calls() -> None:
    message = {"role": "assistant", "content": "let me look", "tool_calls": [CHAT_CALL]}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "18"}
    assert input_of([message, result]) == [
        {"role": "assistant", "content": "let me look"},
        call("call_1"),
        output("call_1"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("18", "18"),
        (None, ""),
        ({"celsius": 18}, '{"celsius": 18}'),
        ([{"type": "text", "text": "18"}], "18"),
        (
            [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}],
            [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "https://x/y.png"}],
        ),
    ],
)
def test_a_tools_result_is_a_text_or_parts(content: Any, expected: Any) -> None:
    messages = [
        {"role": "assistant", "tool_calls": [CHAT_CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": content},
    ]
    assert input_of(messages) == [call("call_1"), output("call_1", expected)]


def test_a_result_may_name_the_item_instead_of_the_call() -> None:
    messages = [
        {"role": "assistant", "content": "", "tool_calls": [OWN_CALL]},
        {"role": "tool", "tool_call_id": "fc_1", "content": "18"},
    ]
    assert input_of(messages) == [call("call_1", id="fc_1"), output("call_1")]


def test_the_result_of_a_custom_tool_has_its_own_type() -> None:
    custom = {"type": "custom_tool_call", "call_id": "call_1", "name": "sql", "input": "SELECT 1"}
    assert input_of([custom, {"role": "tool", "tool_call_id": "call_1", "content": "1"}]) == [
        custom,
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "1"},
    ]


def test_claude_blocks_become_items_in_their_order() -> None:
    messages = [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "looking"},
                CLAUDE_CALL,
                {"type": "tool_use", "id": "call_2", "name": "f", "input": {}},
            ],
            "tool_calls": [CLAUDE_CALL, {"id": "call_2", "type": "tool_use", "name": "f", "input": {}}],
        },
        user(
            {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "18"}]},
            {"type": "tool_result", "tool_use_id": "call_2", "content": "no such file", "is_error": True},
            {"type": "text", "text": "go on"},
        ),
    ]
    assert input_of(messages) == [
        {"role": "assistant", "content": [{"type": "output_text", "text": "looking"}]},
        call("call_1", arguments='{"city": "Paris"}'),
        call("call_2", "f", "{}"),
        output("call_1"),
        output("call_2", "Error: no such file"),
        user({"type": "input_text", "text": "go on"}),
    ]


def test_a_raw_claude_answer_is_no_item_of_this_api() -> None:
    answer = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "hello"}, CLAUDE_CALL],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1},
    }
    assert input_of([answer]) == [
        {"role": "assistant", "content": [{"type": "output_text", "text": "hello"}]},
        call("call_1", arguments='{"city": "Paris"}'),
    ]


def test_gemini_parts_become_items_and_results_find_their_calls_by_name() -> None:
    def function_call(city: str) -> dict[str, Any]:
        return {"functionCall": {"name": "get_weather", "args": {"city": city}}, "thoughtSignature": "sig"}

    def function_response(value: Any, name: str = "get_weather") -> dict[str, Any]:
        return {"functionResponse": {"name": name, "response": value}}

    messages = [
        {
            "role": "model",
            "parts": [
                {"text": "hm", "thought": True},
                {"text": ""},
                {"thoughtSignature": "sig"},
                {"text": "looking"},
                function_call("Paris"),
                function_call("Rome"),
                {"functionCall": {"id": "own", "name": "f"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                function_response({"result": "18"}),
                function_response({"celsius": 21}),
                {"functionResponse": {"id": "own", "name": "f", "response": {"output": [{"a": 1}]}}},
            ],
        },
    ]
    items = input_of(messages)
    assert isinstance(items, list)
    said, paris, rome, own, first, second, third = items
    assert said == {"role": "assistant", "content": [{"type": "output_text", "text": "looking"}]}
    assert paris["call_id"] != rome["call_id"]
    assert paris == call(paris["call_id"], arguments='{"city": "Paris"}')
    assert rome == call(rome["call_id"], arguments='{"city": "Rome"}')
    assert own == call("own", "f", "{}")
    assert first == output(paris["call_id"])
    assert second == output(rome["call_id"], '{"celsius": 21}')
    assert third == output("own", '[{"a": 1}]')


def test_calls_without_ids_take_those_of_the_messages_tool_calls() -> None:
    message = {
        "role": "assistant",
        "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}],
        "tool_calls": [{**CHAT_CALL, "id": "call_7"}],
    }
    result = {"role": "tool", "tool_call_id": "call_7", "content": "18"}
    assert input_of([message, result]) == [call("call_7", arguments='{"city": "Paris"}'), output("call_7")]


def test_the_result_that_a_function_message_has_in_parts_is_kept() -> None:
    called = {"role": "model", "parts": [{"functionCall": {"id": "call_1", "name": "get_weather", "args": {}}}]}
    part = {"functionResponse": {"id": "call_1", "name": "get_weather", "response": {"output": "18"}}}
    assert input_of([called, {"role": "function", "parts": [part]}])[-1] == output("call_1")


@pytest.mark.parametrize("content", [None, "", []])
def test_a_message_without_content_keeps_its_turn(content: Any) -> None:
    assert input_of([{"role": "user", "content": content}, {"role": "system", "content": "a"}]) == [
        {"role": "user", "content": ""},
        {"role": "system", "content": "a"},
    ]


def test_the_oldest_form_of_calls_is_understood() -> None:
    messages = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "42"},
    ]
    items = input_of(messages)
    assert isinstance(items, list)
    assert items == [call(items[0]["call_id"], "f", "{}"), output(items[0]["call_id"], "42")]


# ---- answers on their way back


REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}


def test_an_answer_of_an_earlier_release_goes_back_as_reasoning_text_and_calls() -> None:
    original = {
        "role": "assistant",
        "content": "let me look",
        "tool_calls": [OWN_CALL],
        "reasoning_details": [REASONING, {"type": "reasoning.text", "text": "foreign"}, "foreign"],
    }
    assert input_of([original]) == [
        REASONING,
        {"role": "assistant", "content": "let me look"},
        call("call_1", id="fc_1"),
    ]


def test_an_answer_goes_back_with_all_its_items_verbatim_and_in_order() -> None:
    items = [
        {"type": "message", "id": "msg_0", "role": "assistant", "phase": "commentary", "content": [
            {"type": "output_text", "text": "looking", "annotations": [], "logprobs": []}]},
        REASONING,
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "item_from_the_future", "id": "x"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}",
         "status": "completed"},
    ]  # fmt: skip
    message = OpenAIResponses().read({"id": "resp_1", "status": "completed", "output": items}).message
    question = {"role": "user", "content": "hi"}
    result = OpenAIResponses().tool_result((message.tool_calls or [])[0], "42")
    assert input_of([question, message.original or {}, result]) == [question, *items, output("call_1", "42")]
    assert input_of([question, message_to_dict(message), result]) == [question, *items, output("call_1", "42")]


def test_a_message_object_without_an_original_keeps_its_text_and_its_call_ids() -> None:
    message = Message(
        "assistant", "looking", tool_calls=[ToolCall.from_responses_api_function_call("fc_1", "call_1", "f", "{}")]
    )
    assert input_of([message_to_dict(message)]) == [
        {"role": "assistant", "content": "looking"},
        call("call_1", "f", "{}", id="fc_1"),
    ]


def test_a_refusal_goes_back_as_what_the_assistant_said() -> None:
    refusal = {"role": "assistant", "content": None, "refusal": "no"}
    assert input_of([refusal]) == [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}]
    parts = {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}
    assert input_of([parts]) == [parts]


def test_an_answer_without_anything_in_it_keeps_its_turn() -> None:
    assert input_of([{"role": "assistant", "content": ""}]) == [{"role": "assistant", "content": ""}]
