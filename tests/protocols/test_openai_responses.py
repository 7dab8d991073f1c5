"""The Responses API: requests, whole answers, and what both say of tools. Streams: test_responses_reader.py."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async._json import dumps
from llm_async.errors import (
    APIStatusError,
    BadRequestError,
    InternalServerError,
    ProtocolError,
    RateLimitError,
)
from llm_async.models import ResponseSchema, Tool, ToolCall
from llm_async.protocols.base import Answer, Call
from llm_async.protocols.openai_responses import OpenAIResponses

OPEN_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
STRICT_SCHEMA = {**OPEN_SCHEMA, "required": ["city"], "additionalProperties": False}
HI = [{"role": "user", "content": "hi"}]


def body_of(**fields: Any) -> dict[str, Any]:
    """The body of a request; what is not given is the simplest."""
    return OpenAIResponses().request(Call(**{"model": "gpt", "messages": HI, **fields})).body


def message(*texts: str, **more: Any) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": parts, **more}


def function_call(arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": "get_weather",
        "arguments": arguments,
        **more,
    }


def read(*items: Any, **fields: Any) -> Answer:
    """The answer in a completed response with these items."""
    return OpenAIResponses().read({"id": "resp_1", "model": "gpt", "status": "completed", "output": [*items], **fields})


# ---- requests


def test_a_request_has_the_fields_of_the_api() -> None:
    wire = OpenAIResponses().request(Call("gpt", HI, options={"temperature": 0, "metadata": None}))
    assert (wire.method, wire.path) == ("POST", "/responses")
    assert wire.body == {"stream": False, "temperature": 0, "metadata": None, "model": "gpt", "input": "hi"}
    assert body_of(stream=True)["stream"] is True


def test_a_model_is_sent_only_where_one_is_named() -> None:
    assert "model" not in body_of(model=None)


def test_a_previous_response_is_sent_only_where_there_is_one() -> None:
    assert body_of(options={"previous_response_id": "resp_0"})["previous_response_id"] == "resp_0"
    assert "previous_response_id" not in body_of(options={"previous_response_id": None})


def test_without_messages_only_an_input_option_is_input() -> None:
    assert "input" not in body_of(messages=[], options={"prompt": {"id": "pmpt_1"}})
    assert body_of(messages=[], options={"input": "raw"})["input"] == "raw"


def test_a_response_schema_becomes_the_text_format_and_leaves_the_other_text_settings() -> None:
    body = body_of(response_schema=ResponseSchema(STRICT_SCHEMA, name="city"), options={"text": {"verbosity": "low"}})
    assert body["text"] == {
        "verbosity": "low",
        "format": {"type": "json_schema", "name": "city", "schema": STRICT_SCHEMA, "strict": True},
    }


def test_extra_body_wins_over_everything() -> None:
    body = body_of(options={"temperature": 0}, extra_body={"temperature": 1, "input": [], "model": "other"})
    assert (body["temperature"], body["input"], body["model"]) == (1, [], "other")


def test_a_request_leaves_the_call_as_it_was() -> None:
    call = Call("gpt", [{"role": "user", "content": "hi"}], options={"text": {"verbosity": "low"}})
    call.response_schema = ResponseSchema(STRICT_SCHEMA)
    OpenAIResponses().request(call)
    assert call.options == {"text": {"verbosity": "low"}}
    assert call.messages == HI


# ---- tools


FLAT = {"type": "function", "name": "f", "description": "d", "parameters": OPEN_SCHEMA, "strict": False}


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (Tool("f", "d", parameters=OPEN_SCHEMA), FLAT),
        (Tool("f", "d", input_schema=OPEN_SCHEMA), FLAT),
        (Tool("f", "d", parameters=STRICT_SCHEMA), {**FLAT, "parameters": STRICT_SCHEMA, "strict": True}),
        (Tool("f", "d"), {**FLAT, "parameters": {"type": "object", "properties": {}}}),
        (
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": OPEN_SCHEMA}},
            FLAT,
        ),
        (
            {"type": "function", "function": {"name": "f", "parameters": STRICT_SCHEMA, "strict": False}},
            {**FLAT, "description": "", "parameters": STRICT_SCHEMA},
        ),
        ({"name": "f", "description": "d", "input_schema": OPEN_SCHEMA}, FLAT),
        ({"type": "custom", "name": "f", "description": "d", "input_schema": OPEN_SCHEMA}, FLAT),
        ({"name": "f", "description": "d", "parameters": OPEN_SCHEMA}, FLAT),
        (
            {"type": "custom", "custom": {"name": "sql", "format": {"type": "grammar", "grammar": {"syntax": "lark"}}}},
            {"type": "custom", "name": "sql", "format": {"type": "grammar", "syntax": "lark"}},
        ),
        (
            {"type": "custom", "custom": {"name": "sql", "format": {"type": "text"}}},
            {"type": "custom", "name": "sql", "format": {"type": "text"}},
        ),
        ({"type": "function", "name": "f", "parameters": OPEN_SCHEMA}, None),
        ({"type": "custom", "name": "sql"}, None),
        ({"type": "web_search"}, None),
        ({"type": "mcp", "server_label": "s", "server_url": "https://x"}, None),
    ],
)
def test_a_tool_in_any_form_is_sent_flat(tool: Any, expected: Any) -> None:
    assert OpenAIResponses().format_tools([tool]) == [tool if expected is None else expected]


@pytest.mark.parametrize(
    "tool",
    [
        Tool("", "d"),
        {"type": "function"},
        {"type": "function", "name": ""},
        {"type": "function", "function": {"description": "d"}},
        {"type": "custom", "custom": {}},
        {"input_schema": OPEN_SCHEMA},
        {"functionDeclarations": [{"description": "d"}]},
        {},
    ],
)
def test_a_tool_without_a_name_is_refused_by_its_place(tool: Any) -> None:
    with pytest.raises(ValueError, match=r"^tools\[1\] has no name$"):
        OpenAIResponses().format_tools([FLAT, tool])


def test_geminis_declarations_are_so_many_tools() -> None:
    declarations = [{"name": name, "description": "d", "parametersJsonSchema": OPEN_SCHEMA} for name in "fg"]
    tools = OpenAIResponses().format_tools([{"functionDeclarations": declarations}, {"type": "web_search"}])
    assert tools == [FLAT, {**FLAT, "name": "g"}, {"type": "web_search"}]


def test_what_is_no_tool_is_refused_by_its_place() -> None:
    with pytest.raises(TypeError, match=r"^tools\[0\] must be a Tool or a mapping, not function$"):
        OpenAIResponses().format_tools([body_of])  # type: ignore[list-item]


CUSTOM = {"type": "custom", "name": "sql"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("required", "required"),
        ("none", "none"),
        ("any", "required"),
        ("f", {"type": "function", "name": "f"}),
        ("sql", {"type": "custom", "name": "sql"}),
        ("word of a server", "word of a server"),
        ({"type": "function", "name": "f"}, {"type": "function", "name": "f"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "function", "name": "f"}),
        ({"type": "custom", "custom": {"name": "sql"}}, {"type": "custom", "name": "sql"}),
        ({"type": "tool", "name": "f"}, {"type": "function", "name": "f"}),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "required"}, "required"),
        ({"functionCallingConfig": {"mode": "ANY"}}, "required"),
        ({"functionCallingConfig": {"mode": "NONE", "allowedFunctionNames": ["f"]}}, "none"),
        (
            {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
            {"type": "function", "name": "f"},
        ),
        (
            {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        ),
        ({"type": "web_search"}, {"type": "web_search"}),
        ({"type": "mcp", "server_label": "s"}, {"type": "mcp", "server_label": "s"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        ),
    ],
)
def test_a_tool_choice_in_any_form_is_sent_in_the_apis_words(choice: Any, expected: Any) -> None:
    assert body_of(tools=[FLAT, CUSTOM], tool_choice=choice)["tool_choice"] == expected


def test_claudes_switch_for_parallel_tools_is_kept() -> None:
    body = body_of(tools=[FLAT], tool_choice={"type": "any", "disable_parallel_tool_use": True})
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)


def test_a_tools_result_names_the_call_and_has_the_type_that_the_call_asks_for() -> None:
    protocol = OpenAIResponses()
    called = ToolCall.from_responses_api_function_call("fc_1", "call_1", "f", "{}")
    assert protocol.tool_result(called, "42") == {"type": "function_call_output", "call_id": "call_1", "output": "42"}
    claude = ToolCall("toolu_1", "tool_use", "f", input={"a": 1})
    assert protocol.tool_result(claude, "42", is_error=True)["call_id"] == "toolu_1"
    custom = ToolCall("ctc_1", "custom", "f", {"call_id": "call_2"}, {"name": "f", "arguments": "x"})
    assert protocol.tool_result(custom, "42") == {
        "type": "custom_tool_call_output",
        "call_id": "call_2",
        "output": "42",
    }


# ---- whole answers


def test_the_text_of_all_message_items_is_the_content() -> None:
    answer = read(message("a", "b"), {"type": "web_search_call", "id": "ws_1"}, message("c", phase="final_answer"))
    assert answer.message.content == "abc"
    assert (answer.id, answer.model) == ("resp_1", "gpt")
    assert answer.original["id"] == "resp_1"
    assert (answer.message.stop_reason, answer.message.finish_reason) == ("stop", "stop")


def test_only_messages_are_text() -> None:
    answer = read(
        {"type": "code_interpreter_call", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]},
        {"type": "shell_call_output", "output": [{"stdout": "x"}]},
        {"type": "unknown", "content": [{"type": "output_text", "text": "x"}]},
        message("answer"),
    )
    assert answer.message.content == "answer"


def test_a_function_call_is_a_tool_call_with_both_its_ids() -> None:
    answer = read(function_call('{"city":"Paris"}'))
    assert answer.message.tool_calls == [
        ToolCall(
            "fc_1",
            "function",
            "get_weather",
            {"call_id": "call_1"},
            {"name": "get_weather", "arguments": '{"city":"Paris"}'},
        )
    ]
    call = answer.message.tool_calls[0]
    assert (call.call_id, call.arguments) == ("call_1", {"city": "Paris"})
    assert (answer.message.stop_reason, answer.message.finish_reason) == ("tool_calls", "tool_calls")
    assert answer.message.original == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "fc_1", "type": "function", "function": call.function, "input": {"call_id": "call_1"}},
        ],
        "output": [function_call('{"city":"Paris"}')],
    }


def test_a_call_without_an_item_id_is_known_by_its_call_id() -> None:
    item = function_call()
    del item["id"]
    (call,) = read(item).message.tool_calls or []
    assert (call.id, call.call_id) == ("call_1", "call_1")


@pytest.mark.parametrize(
    ("ids", "call_id"),
    [({"id": "fc_1"}, "fc_1"), ({"id": 5, "call_id": 7}, "7"), ({"id": "", "call_id": None}, None), ({}, None)],
)
def test_a_call_without_a_call_id_gets_one_that_its_item_has_too(ids: dict[str, Any], call_id: str | None) -> None:
    item = {"type": "function_call", "name": "f", "arguments": "{}", **ids}
    message = read(item, item).message
    first, second = message.tool_calls or []
    assert first.call_id == call_id if call_id else first.call_id.startswith("call_")
    assert call_id or first.call_id != second.call_id
    conversation = [message.original, *(OpenAIResponses().tool_result(call, "1") for call in (first, second))]
    items = body_of(messages=conversation)["input"]
    assert [str(entry["call_id"]) for entry in items] == 2 * [first.call_id, second.call_id]


def test_arguments_that_came_as_an_object_are_text() -> None:
    (call,) = read(function_call({"city": "Paris"})).message.tool_calls or []
    assert call.function == {"name": "get_weather", "arguments": '{"city": "Paris"}'}


def custom_call(name: str) -> dict[str, Any]:
    return {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": name, "input": "SELECT 1"}


@pytest.mark.parametrize(
    ("tools", "type_"),
    [
        (None, "custom"),
        ([], "custom"),
        ([{"type": "custom", "name": "sql"}], "custom"),
        ([{"type": "namespace", "name": "db", "tools": [{"type": "custom", "name": "sql"}]}], "custom"),
        ([{"type": "tool_search"}], "custom"),
        ([{"type": "x_search"}], "server_tool_use"),
        ([{"type": "custom", "name": "other"}], "server_tool_use"),
    ],
)
def test_a_custom_call_of_a_tool_that_nobody_declared_was_run_by_the_provider(tools: Any, type_: str) -> None:
    answer = read(custom_call("sql"), message("done"), tools=tools)
    (call,) = answer.message.tool_calls or []
    assert (call.type, call.name, call.call_id, call.arguments) == (type_, "sql", "call_1", "SELECT 1")
    assert answer.message.finish_reason == ("tool_calls" if type_ == "custom" else "stop")
    assert answer.message.stop_reason == ("tool_calls" if type_ == "custom" else "stop")


def test_reasoning_is_the_summary_else_the_content_and_its_items_are_kept() -> None:
    summarised = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
        "content": [{"type": "reasoning_text", "text": "raw"}],
        "encrypted_content": "gAAA",
    }
    open_ = {"type": "reasoning", "id": "rs_2", "summary": [], "content": [{"type": "reasoning_text", "text": "c"}]}
    result = read(summarised, open_, message("answer")).message
    assert (result.reasoning, result.content) == ("abc", "answer")
    assert result.reasoning_details == [summarised, open_]
    assert result.original is not None
    assert result.original["reasoning_details"] == [summarised, open_]


def test_a_refusal_is_not_content() -> None:
    refused = {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}
    result = read(refused).message
    assert (result.content, result.refusal, result.finish_reason) == ("", "no", "refusal")
    assert result.stop_reason == "stop"


@pytest.mark.parametrize(
    ("fields", "stop_reason", "finish_reason"),
    [
        ({"status": "completed"}, "stop", "stop"),
        ({"status": None}, "stop", "stop"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length", "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "length", "content_filter"),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "length", "pause"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_messages"}}, "length", "pause"),
        ({"status": "incomplete", "incomplete_details": {"reason": "new word"}}, "length", "unknown"),
        ({"status": "incomplete"}, "length", "length"),
        ({"status": "queued"}, None, "pause"),
        ({"status": "in_progress"}, None, "pause"),
        ({"status": "cancelled"}, None, "error"),
        ({"status": "new word"}, None, "unknown"),
    ],
)
def test_why_it_ended_is_in_the_status(fields: Any, stop_reason: str | None, finish_reason: str) -> None:
    result = read(message("a"), **fields).message
    assert (result.stop_reason, result.finish_reason) == (stop_reason, finish_reason)


@pytest.mark.parametrize(("arguments", "incomplete"), [('{"city":"Pa', True), ("", True), ('{"city":"Paris"}', False)])
def test_a_call_that_was_cut_off_by_the_token_limit_says_so(arguments: str, incomplete: bool) -> None:
    answer = read(function_call(arguments), status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    (call,) = answer.message.tool_calls or []
    assert call.incomplete is incomplete
    assert answer.message.finish_reason == "length"
    (whole,) = read(function_call("")).message.tool_calls or []
    assert not whole.incomplete


def test_usage_is_mapped_and_kept() -> None:
    raw = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 20},
        "total_tokens": 39,
        "cost": 0.25,
    }
    usage = read(message("a"), usage=raw).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (9, 30, 39)
    assert (usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens) == (4, 2, 20)
    assert (usage.cost, usage.raw) == (0.25, raw)
    ticks = read(message("a"), usage={"input_tokens": 1, "cost_in_usd_ticks": 4752500}).usage
    assert ticks is not None
    assert (ticks.cost, ticks.output_tokens, ticks.cache_read_tokens) == (0.00047525, None, None)
    assert read(message("a"), usage=None).usage is None


def test_a_half_character_becomes_the_replacement_character() -> None:
    assert read(message("a\ud83d")).message.content == "a\ufffd"


def test_a_body_with_output_text_alone_is_an_answer() -> None:
    answer = OpenAIResponses().read({"id": "resp_1", "output_text": "hello"})
    assert (answer.message.content, answer.message.finish_reason) == ("hello", "stop")
    assert answer.message.original == {"role": "assistant", "content": "hello"}
    assert OpenAIResponses().read({"output": [], "output_text": "hello"}).message.content == "hello"


def test_a_body_in_the_form_of_chat_completions_is_an_answer() -> None:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    }
    answer = OpenAIResponses().read(body)
    assert (answer.message.content, answer.id, answer.message.finish_reason) == ("hello", "chatcmpl-1", "stop")


def test_odd_items_and_parts_do_no_harm() -> None:
    answer = read(
        None,
        "text",
        {},
        {"type": "message", "content": None},
        {"type": "message", "content": "plain"},
        {"type": "message", "content": [None, {"type": "output_text"}, {"type": "output_text", "text": 5}]},
        {"type": "reasoning", "summary": None, "content": "thought"},
        {"type": "function_call"},
        {"type": ["list"], "name": {}},
        tools=["x"],
        usage=[],
    )
    assert (answer.message.content, answer.message.reasoning) == ("plain", "thought")
    (call,) = answer.message.tool_calls or []
    assert (call.name, call.arguments) == ("", {})


# ---- errors in a 200


@pytest.mark.parametrize(
    ("body", "class_", "status"),
    [
        (
            {"status": "failed", "output": [], "error": {"code": "server_error", "message": "boom"}},
            InternalServerError,
            500,
        ),
        (
            {"status": "failed", "output": [], "error": {"code": "rate_limit_exceeded", "message": "slow"}},
            RateLimitError,
            429,
        ),
        (
            {"status": "failed", "output": [], "error": {"code": "invalid_prompt", "message": "bad"}},
            BadRequestError,
            400,
        ),
        ({"status": "failed", "error": None}, InternalServerError, 500),
        ({"error": {"code": 502, "message": "upstream"}}, InternalServerError, 502),
        ({"code": "invalid-argument", "error": "text"}, BadRequestError, 400),
        ({"object": "error", "message": "text", "code": 400}, BadRequestError, 400),
        ({"detail": "text"}, APIStatusError, 500),
    ],
)
def test_an_error_in_a_200_is_raised_with_its_meaning(body: Any, class_: type[APIStatusError], status: int) -> None:
    with pytest.raises(class_) as caught:
        OpenAIResponses().read(body)
    assert caught.value.status_code == status
    assert caught.value.body == body


def test_a_used_up_quota_is_not_worth_another_try() -> None:
    error = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "pay"}
    with pytest.raises(RateLimitError) as caught:
        OpenAIResponses().read({"status": "failed", "output": [message("half")], "error": error})
    assert caught.value.retryable is False
    assert caught.value.partial is not None
    assert caught.value.partial.content == "half"


@pytest.mark.parametrize("body", [{}, {"id": "x"}, {"output": None}, {"hello": "world"}])
def test_a_body_that_is_no_response_is_a_protocol_error(body: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        OpenAIResponses().read(body)


def test_a_body_that_is_no_json_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        OpenAIResponses().read_body(b"<html>")
    assert OpenAIResponses().read_body(dumps({"output": [message("a")]})).message.content == "a"
