"""A conversation that goes on at another provider: one history, told in the words of each API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llm_async.errors import UnsupportedError
from llm_async.models import Message, ToolCall
from llm_async.models.message import message_to_dict, normalize_messages
from llm_async.protocols.anthropic import AnthropicMessages
from llm_async.protocols.base import Call, Protocol
from llm_async.protocols.foreign import readable_by
from llm_async.protocols.gemini import Gemini
from llm_async.protocols.openai_chat import OpenAIChat
from llm_async.protocols.openai_responses import OpenAIResponses
from llm_async.protocols.openrouter import OpenRouter

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


# ---- what one API says and another has no words for

ALL = pytest.mark.parametrize(
    "protocol",
    [OpenAIChat(), OpenRouter(), OpenAIResponses(), AnthropicMessages(), Gemini()],
    ids=["chat", "openrouter", "responses", "messages", "gemini"],
)
SEARCHED = {
    "role": "assistant",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "Er=="},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"encrypted_content": "E"}]},
        {"type": "text", "text": "found it", "citations": [{"type": "web_search_result_location", "cited_text": "c"}]},
        {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "m", "server_name": "s", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": []},
        {"type": "container_upload", "file_id": "file_1"},
    ],
}
RAN = {
    "role": "assistant",
    "parts": [
        {"text": "thinking", "thought": True},
        {"executableCode": {"language": "PYTHON", "code": "1+1"}, "thoughtSignature": "sig"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {}}},
        {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB"}},
        {"text": "found it", "thoughtSignature": "sig2"},
    ],
}
PLAIN = {"role": "assistant", "content": "found it"}


def turns(protocol: Protocol, *messages: Any) -> list[dict[str, Any]]:
    """The messages, contents or items of a request; a text stands there alone as it does in a list of parts."""
    body = request(protocol, *messages)
    entries = body.get("messages") or body.get("contents") or body["input"]
    for entry in entries:
        content = entry.get("content")
        if isinstance(content, list) and len(content) == 1:
            entry["content"] = content[0].get("text", content)
    return entries  # type: ignore[no-any-return]


@ALL
@pytest.mark.parametrize(("answer", "maker"), [(SEARCHED, AnthropicMessages), (RAN, Gemini)], ids=["claude", "gemini"])
def test_what_hosted_tools_did_is_told_to_their_maker_alone(protocol: Protocol, answer: Any, maker: Any) -> None:
    sent = request(protocol, HI, answer, HI)
    if isinstance(protocol, maker):
        turn = (sent.get("messages") or sent["contents"])[1]
        assert turn.get("content", turn.get("parts")) == answer.get("content", answer.get("parts"))
    else:
        assert turns(protocol, HI, answer, HI) == turns(protocol, HI, PLAIN, HI)


@ALL
@pytest.mark.parametrize(
    "kind", ["web_search_call", "computer_call", "computer_call_output", "reasoning", "compaction"]
)
def test_items_of_hosted_tools_are_told_to_the_responses_api_alone(protocol: Protocol, kind: str) -> None:
    item = {"type": kind, "id": "x_1"}
    call = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": "1"}
    history = [HI, item, call, result]
    if isinstance(protocol, OpenAIResponses):
        assert request(protocol, *history)["input"] == history
    else:
        assert request(protocol, *history) == request(protocol, HI, call, result)


def test_the_summary_of_what_was_compacted_is_kept_as_text() -> None:
    answer = {
        "role": "assistant",
        "content": [{"type": "compaction", "content": "so far"}, {"type": "text", "text": "!"}],
    }
    assert request(OpenAIChat(), HI, answer)["messages"][1] == {"role": "assistant", "content": "so far!"}
    assert request(AnthropicMessages(), HI, answer)["messages"][1] == answer


@ALL
def test_a_turn_written_by_hand_in_geminis_words_is_understood(protocol: Protocol) -> None:
    turn = {"role": "model", "parts": [{"text": "found it"}]}
    assert turns(protocol, HI, turn, HI) == turns(protocol, HI, PLAIN, HI)


SEARCH_RESULT = {
    "type": "search_result",
    "title": "T",
    "source": "https://x.org",
    "content": [{"type": "text", "text": "body"}],
}


@pytest.mark.parametrize(
    "document",
    [
        {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "body"}},
        {
            "type": "document",
            "title": "T",
            "source": {"type": "content", "content": [{"type": "text", "text": "body"}]},
        },
        {"type": "document", "title": "T", "source": {"type": "content", "content": "body"}},
        SEARCH_RESULT,
    ],
    ids=["text", "parts", "content", "search"],
)
@ALL
def test_a_document_of_claude_that_is_text_is_a_text_elsewhere_with_its_title(
    protocol: Protocol, document: Any
) -> None:
    sent = request(protocol, {"role": "user", "content": [document, {"type": "text", "text": "?"}]})
    (message,) = sent.get("messages") or sent.get("contents") or sent["input"]
    content = message.get("content", message.get("parts"))
    if isinstance(protocol, AnthropicMessages):
        assert content[0] == document
    else:
        title = "T\nhttps://x.org" if document is SEARCH_RESULT else "T"
        assert [part["text"] for part in content] == [f"{title}\n\n", "body", "?"]


@pytest.mark.parametrize("protocol", [AnthropicMessages(), OpenAIResponses(), Gemini(), OpenRouter()])
def test_the_address_of_a_file_in_openrouters_words_is_an_address_everywhere(protocol: Protocol) -> None:
    url = "https://x.org/a.pdf"
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": url}}
    sent = request(protocol, {"role": "user", "content": [file]})
    (message,) = sent.get("messages") or sent.get("contents") or sent["input"]
    assert message.get("content", message.get("parts")) in (
        [{"type": "document", "source": {"type": "url", "url": url}, "title": "a.pdf"}],
        [{"type": "input_file", "file_url": url}],
        [{"fileData": {"mimeType": "application/pdf", "fileUri": url}}],
        [file],
    )


@pytest.mark.parametrize("protocol", [OpenAIChat(), OpenRouter()])
def test_a_text_file_of_gemini_or_claude_is_a_text_in_chat(protocol: Protocol) -> None:
    for part in (
        {"inlineData": {"mimeType": "text/csv", "data": "w6Qs"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/json", "data": "w6Qs"}},
    ):
        assert request(protocol, {"role": "user", "content": [part]})["messages"][0]["content"] == "ä,"
    with pytest.raises(ValueError, match=r"^messages\[0\]: a file of type text/csv is not UTF-8"):
        request(protocol, {"role": "user", "parts": [{"inlineData": {"mimeType": "text/csv", "data": "/w=="}}]})


@pytest.mark.parametrize(
    ("protocol", "read"), [(OpenAIChat(), chat_pairs), (OpenAIResponses(), responses_pairs)], ids=["chat", "responses"]
)
def test_a_failed_result_says_so_where_the_api_has_no_flag_for_it(protocol: Protocol, read: Reading) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    failed = {"role": "tool", "tool_call_id": "1", "content": "no file", "is_error": True}
    body = request(protocol, HI, asked, failed)
    assert read(body)[1] == [("1", "Error: no file")]
    assert "is_error" not in repr(body)
    assert read(request(protocol, HI, asked, {**failed, "content": None}))[1] == [("1", "Error: the tool failed")]


def test_results_stand_before_what_else_the_user_says() -> None:
    asked = {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]}
    told = [{"type": "text", "text": "note"}, {"type": "tool_result", "tool_use_id": "1", "content": "r"}]
    history = [HI, asked, {"role": "user", "content": told}]
    assert [m["role"] for m in request(OpenAIChat(), *history)["messages"]] == ["user", "assistant", "tool", "user"]
    kinds = [item.get("type", item.get("role")) for item in request(OpenAIResponses(), *history)["input"]]
    assert kinds == ["user", "function_call", "function_call_output", "user"]
    assert [block["type"] for block in request(AnthropicMessages(), *history)["messages"][2]["content"]] == [
        "tool_result", "text",
    ]  # fmt: skip
    parts = request(Gemini(), *history)["contents"][2]["parts"]
    assert [next(iter(part)) for part in parts] == ["functionResponse", "text"]


def test_a_whole_answer_of_claude_with_nothing_in_it_is_no_item_and_no_empty_list() -> None:
    answer = {"type": "message", "id": "m", "role": "assistant", "content": [], "stop_reason": "end_turn", "usage": {}}
    assert request(OpenAIResponses(), HI, answer, HI)["input"] == [HI, HI]
    assert request(OpenAIChat(), HI, answer, HI)["messages"] == [HI, {"role": "assistant", "content": ""}, HI]


def test_the_type_of_a_file_that_is_refused_is_that_of_its_address() -> None:
    film = {"type": "input_file", "file_url": "https://x.org/a.mp4?x=.pdf"}
    with pytest.raises(UnsupportedError, match="a file of type 'video/mp4'"):
        request(OpenAIChat(), {"role": "user", "content": [film]})


@pytest.mark.parametrize("times", [1, 2])
def test_results_of_calls_with_one_id_go_to_the_calls_in_their_order(times: int) -> None:
    """Some servers give every call of a turn, or the calls of every turn, the same id."""
    calls = [{"id": "x", "type": "function", "function": {"name": name, "arguments": "{}"}} for name in "fg"]
    results = [{"role": "tool", "tool_call_id": "x", "content": name} for name in "fg"]
    history = [HI, *[{"role": "assistant", "content": None, "tool_calls": calls}, *results] * times]
    blocks = [block for turn in request(AnthropicMessages(), *history)["messages"][1:] for block in turn["content"]]
    names = {block["id"]: block["name"] for block in blocks if block["type"] == "tool_use"}
    answered = [(names[b["tool_use_id"]], b["content"]) for b in blocks if b["type"] == "tool_result"]
    assert answered == [("f", "f"), ("g", "g")] * times
    parts = [part for turn in request(Gemini(), *history)["contents"] for part in turn["parts"]]
    responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
    assert [(part["name"], part["response"]["result"]) for part in responses] == [("f", "f"), ("g", "g")] * times


def test_a_users_turn_without_content_is_not_left_out() -> None:
    said = {"role": "assistant", "content": "ok"}
    contents = request(Gemini(), HI, said, {"role": "user", "content": None})["contents"]
    assert contents[-1] == {"role": "user", "parts": [{"text": ""}]}


def test_claudes_cache_marks_are_not_sent_to_openai_itself() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    part = {"type": "text", "text": "long"}
    history = [{"role": "system", "content": [{**part, **mark}]}, HI]
    tools = [{"name": "f", "input_schema": {"type": "object"}, **mark}]

    def sent(protocol: Protocol) -> dict[str, Any]:
        return protocol.request(Call("m", history, tools=protocol.format_tools(tools))).body

    body = sent(OpenAIChat(first_party=True))
    assert body["messages"] == [{"role": "system", "content": [part]}, HI]
    assert "cache_control" not in repr(body)
    assert repr(sent(OpenRouter())).count("cache_control") == 2  # who may ask a model of Claude's
    assert history[0]["content"] == [{**part, **mark}]


# ---- what a model made or said in other ways than words

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
DREW = {"role": "assistant", "content": "here", "images": [IMAGE]}
GEMINI_DREW = {"role": "model", "parts": [{"text": "here"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}


@pytest.mark.parametrize("answer", [DREW, GEMINI_DREW], ids=["openrouter", "gemini"])
def test_an_image_that_a_model_made_is_shown_to_the_next_one(answer: Any) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    assert request(OpenAIChat(), HI, answer, HI)["messages"][1:] == [
        {"role": "assistant", "content": "here"}, {"role": "user", "content": [IMAGE]}, HI,
    ]  # fmt: skip
    responses = request(OpenAIResponses(), HI, answer, HI)["input"]
    assert [item["role"] for item in responses] == ["user", "assistant", "user", "user"]
    assert responses[2]["content"] == [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]
    claude = request(AnthropicMessages(), HI, answer, HI)["messages"]
    assert [turn["role"] for turn in claude] == ["user", "assistant", "user", "user"]
    assert claude[2]["content"] == [{"type": "image", "source": source}]
    assert request(Gemini(), HI, answer, HI)["contents"][1] == GEMINI_DREW


def test_an_image_that_was_made_beside_a_call_does_not_part_the_call_from_its_result() -> None:
    parts = [*GEMINI_DREW["parts"], {"functionCall": {"id": "c1", "name": "f", "args": {}}}]
    result = {"role": "tool", "tool_call_id": "c1", "content": "1"}
    history = [HI, {"role": "model", "parts": parts}, result, HI]
    assert [m["role"] for m in request(OpenAIChat(), *history)["messages"]] == [
        "user", "assistant", "tool", "user", "user",
    ]  # fmt: skip
    kinds = [item.get("type", item.get("role")) for item in request(OpenAIResponses(), *history)["input"]]
    assert kinds == ["user", "assistant", "user", "function_call", "function_call_output", "user"]
    turn = request(AnthropicMessages(), *history)["messages"][2]["content"]
    assert [block["type"] for block in turn] == ["tool_result", "image", "text"]


@pytest.mark.parametrize("protocol", [OpenAIResponses(), AnthropicMessages(), Gemini()])
def test_what_a_voice_said_is_told_in_words_and_refused_where_nobody_wrote_it_down(protocol: Protocol) -> None:
    spoken = {"role": "assistant", "content": None, "audio": {"id": "audio_1", "transcript": "found it"}}
    assert turns(protocol, HI, spoken, HI) == turns(protocol, HI, PLAIN, HI)
    with pytest.raises(UnsupportedError, match=r"^messages\[1\]: .* has no place for audio"):
        request(protocol, HI, {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}, HI)


# ---- whose signatures they are


def said_by(maker: str, original: dict[str, Any], **fields: Any) -> Message:
    return Message("assistant", "found it", original=original, provider_name=maker, **fields)


def test_an_answer_goes_back_to_its_maker_as_it_came_and_to_others_without_what_only_it_can_read() -> None:
    items = [
        {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA", "summary": []},
        {"type": "web_search_call", "id": "ws_1"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "found it"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
    ]
    message = OpenAIResponses().read({"status": "completed", "output": items}).message
    message.provider_name = "openairesponses"
    result = {"role": "tool", "tool_call_id": "c1", "content": "1"}
    same = request(OpenAIResponses(), *readable_by(("openairesponses",), [HI, message, result]))
    assert same["input"][1:5] == items
    other = request(OpenAIResponses(), *readable_by(("xai",), [HI, message, result]))
    assert other["input"][1:] == [
        {"role": "assistant", "content": "found it"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
    ]
    assert message.original is not None
    assert message.original["output"] == items


def test_signed_thinking_of_another_maker_is_left_out() -> None:
    message = said_by("deepseek", SEARCHED, reasoning="hm", reasoning_details=SEARCHED["content"][:1])  # type: ignore[index]
    (turn,) = request(AnthropicMessages(), *readable_by(("claude",), [message]))["messages"]
    assert turn == {"role": "assistant", "content": [{"type": "text", "text": "found it"}]}
    (kept,) = request(AnthropicMessages(), *readable_by(("deepseek",), [message]))["messages"]
    assert kept == SEARCHED


def test_signatures_of_another_google_service_are_left_out() -> None:
    call = {"functionCall": {"id": "c1", "name": "f", "args": {}}, "thoughtSignature": "sig"}
    message = said_by("vertex", {"role": "assistant", "parts": [*RAN["parts"], call]})
    messages = readable_by(("google",), [Message("user", "hi"), message])
    body = Gemini().request(Call("gemini-3-flash", [message_to_dict(each) for each in messages])).body
    assert body["contents"][1]["parts"] == [
        {"text": "found it"},
        {"functionCall": {"id": "c1", "name": "f", "args": {}}, "thoughtSignature": "skip_thought_signature_validator"},
    ]


def test_reasoning_and_further_fields_of_another_server_of_the_same_api_are_left_out() -> None:
    function = {"name": "f", "arguments": "{}"}
    original = {
        "role": "assistant", "content": None, "reasoning_content": "hm", "provider_metadata": {"x": 1},
        "tool_calls": [{"id": "c1", "type": "function", "function": function, "extra_content": {"google": {}}}],
    }  # fmt: skip
    message = said_by("deepseek", original, reasoning="hm", tool_calls=[ToolCall("c1", "function", function=function)])
    assert request(OpenAIChat(), *readable_by(("openai",), [message]))["messages"] == [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
    ]
    (kept,) = request(OpenAIChat(), message)["messages"]
    assert kept["reasoning_content"] == "hm"


def test_a_system_message_in_the_middle_stays_where_the_api_has_a_place_for_it() -> None:
    late = {"role": "system", "content": "be brief"}
    history = [{"role": "system", "content": "be kind"}, HI, PLAIN, late, HI]
    for protocol in (OpenAIChat(), OpenAIResponses()):
        body = request(protocol, *history)
        assert [entry["role"] for entry in body.get("messages") or body["input"]] == [m["role"] for m in history]
    claude = request(AnthropicMessages(), *history)
    assert [block["text"] for block in claude["system"]] == ["be kind", "be brief"]
    assert [turn["role"] for turn in claude["messages"]] == ["user", "assistant", "user"]
    gemini = request(Gemini(), *history)
    assert gemini["system_instruction"]["parts"] == [{"text": "be kind"}, {"text": "be brief"}]
    assert [turn["role"] for turn in gemini["contents"]] == ["user", "model", "user"]
