"""A conversation that goes on at another provider: one history, told in the words of each API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llm_async.models import Message, ToolCall
from llm_async.models.message import message_to_dict, normalize_messages
from llm_async.protocols.anthropic import AnthropicMessages
from llm_async.protocols.base import Call, Protocol
from llm_async.protocols.gemini import Gemini
from llm_async.protocols.openai_chat import OpenAIChat
from llm_async.protocols.openai_responses import OpenAIResponses

HI = {"role": "user", "content": "hi"}
Pairs = list[tuple[Any, Any]]


def request(protocol: Protocol, *messages: Message | dict[str, Any]) -> dict[str, Any]:
    """The body of a request, its messages brought on the way that the provider brings them."""
    if isinstance(protocol, OpenAIResponses):  # its items need not be messages
        dicts = [message_to_dict(each) if isinstance(each, Message) else each for each in messages]
    else:
        dicts = [message_to_dict(message) for message in normalize_messages(messages)]
    return protocol.request(Call("m", dicts)).body


def chat_pairs(body: dict[str, Any]) -> tuple[Pairs, Pairs]:
    messages = body["messages"]
    calls = [call for message in messages for call in message.get("tool_calls", ())]
    results = [message for message in messages if message["role"] == "tool"]
    return (
        [(call["id"], call["function"]["name"]) for call in calls],
        [(result["tool_call_id"], result["content"]) for result in results],
    )


def responses_pairs(body: dict[str, Any]) -> tuple[Pairs, Pairs]:
    items = body["input"]
    return (
        [(item["call_id"], item["name"]) for item in items if item.get("type") == "function_call"],
        [(item["call_id"], item["output"]) for item in items if item.get("type") == "function_call_output"],
    )


def claude_pairs(body: dict[str, Any]) -> tuple[Pairs, Pairs]:
    blocks = [
        block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]
    ]
    return (
        [(block["id"], block["name"]) for block in blocks if block["type"] == "tool_use"],
        [(block["tool_use_id"], block["content"]) for block in blocks if block["type"] == "tool_result"],
    )


ELSEWHERE = pytest.mark.parametrize(
    ("protocol", "pairs"),
    [(OpenAIChat(), chat_pairs), (OpenAIResponses(), responses_pairs), (AnthropicMessages(), claude_pairs)],
    ids=["chat", "responses", "messages"],
)
Reading = Callable[[dict[str, Any]], tuple[Pairs, Pairs]]


def geminis(*names: str) -> Message:
    """An answer of Gemini's with calls that have no ids of the API's."""
    parts = [{"functionCall": {"name": name, "args": {}}} for name in names]
    body = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    return Gemini().read(body).message


@ELSEWHERE
@pytest.mark.parametrize("form", ["message", "original"])
def test_results_find_the_calls_of_gemini_that_have_no_ids(protocol: Protocol, pairs: Reading, form: str) -> None:
    first, second = geminis("f", "g"), geminis("f")
    history: list[Any] = [HI]
    for message in (first, second):
        history.append(message if form == "message" else message.original)
        history += [protocol.tool_result(call, f"of {call.name}") for call in message.tool_calls or ()]
    calls, results = pairs(request(protocol, *history))
    assert [name for _, name in calls] == ["f", "g", "f"]
    assert [id for id, _ in results] == [id for id, _ in calls]
    assert [text for _, text in results] == ["of f", "of g", "of f"]


@ELSEWHERE
def test_results_that_name_their_call_are_not_taken_for_another_ones(protocol: Protocol, pairs: Reading) -> None:
    calls = geminis("f", "g").tool_calls or []
    history = [
        HI,
        Message("assistant", "", calls),
        *(protocol.tool_result(call, call.name or "") for call in calls[::-1]),
    ]
    made, results = pairs(request(protocol, *history))
    assert dict(made) == dict(results)


@pytest.mark.parametrize("protocol", [OpenAIChat(), AnthropicMessages(), Gemini()], ids=["chat", "messages", "gemini"])
def test_a_call_that_the_provider_has_run_itself_is_no_call_elsewhere(protocol: Protocol) -> None:
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "x_1", "name": "x_search", "input": "{}"}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "found"}]}
    body = {"status": "completed", "output": [item, said], "tools": [{"type": "x_search"}]}
    message = OpenAIResponses().read(body).message
    assert [call.type for call in message.tool_calls or ()] == ["server_tool_use"]
    assert request(protocol, HI, message, HI) == request(protocol, HI, {"role": "assistant", "content": "found"}, HI)
    assert request(OpenAIResponses(), HI, message, HI)["input"][1] == item


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        (AnthropicMessages(), {"role": "assistant", "content": [
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}}]}),
        (Gemini(), {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}),
        (OpenAIResponses(), {"type": "function_call", "call_id": "call_made_1", "name": "f", "arguments": '{"a":1}'}),
    ],
    ids=["messages", "gemini", "responses"],
)  # fmt: skip
def test_a_function_call_of_old_is_a_call(protocol: Protocol, expected: dict[str, Any]) -> None:
    message = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}}
    body = request(protocol, HI, message)
    assert (body.get("messages") or body.get("contents") or body.get("input"))[1] == expected


def test_a_function_call_of_old_beside_the_same_tool_call_is_one_call() -> None:
    function = {"name": "f", "arguments": "{}"}
    message = {
        "role": "assistant",
        "content": None,
        "function_call": function,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    assert responses_pairs(request(OpenAIResponses(), HI, message)) == ([("c1", "f")], [])
    assert claude_pairs(request(AnthropicMessages(), HI, message)) == ([("c1", "f")], [])


@pytest.mark.parametrize(
    "call",
    [
        {"id": "c1", "type": "custom", "custom": {"name": "sql", "input": "select 1"}},
        ToolCall("ctc_1", "custom", "sql", {"call_id": "c1"}, {"name": "sql", "arguments": "select 1"}),
    ],
)
def test_free_text_for_a_tool_is_an_object_for_claude(call: Any) -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    block = request(AnthropicMessages(), HI, message)["messages"][1]["content"][0]
    assert block == {"type": "tool_use", "id": "c1", "name": "sql", "input": {"input": "select 1"}}


def test_an_empty_custom_beside_a_function_says_nothing() -> None:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "custom": {"name": "", "input": ""},
    }
    message = {"role": "assistant", "content": "", "tool_calls": [call]}
    assert claude_pairs(request(AnthropicMessages(), HI, message)) == ([("c1", "f")], [])
