"""Chat Completions read: bytes in, values out. What odd servers send, one case per oddity."""

from __future__ import annotations

import base64
import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_async._json import dumps, loads
from llm_async._speedups import ErrorPayload
from llm_async.errors import (
    APIStatusError,
    BadRequestError,
    InternalServerError,
    LLMError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    StreamError,
)
from llm_async.models import Message, StreamChunk, ToolCallDelta
from llm_async.protocols.base import Answer, Reader
from llm_async.protocols.openai_chat import OpenAIChat


def body(message: Any = None, *, finish_reason: Any = "stop", **fields: Any) -> dict[str, Any]:
    """A whole answer around a message."""
    choice = {"index": 0, "message": message or {"role": "assistant", "content": "hi"}, "finish_reason": finish_reason}
    return {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **fields}


def event(
    delta: Any = None, *, finish_reason: Any = None, index: Any = 0, choice: Any = None, **fields: Any
) -> dict[str, Any]:
    """An event around a delta."""
    entry = {"index": index, "delta": delta or {}, "finish_reason": finish_reason, **(choice or {})}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [entry], **fields}


def read(message: Any, **more: Any) -> Message:
    return OpenAIChat().read(body(message, **more)).message


def feed(*events: Any, done: bool = False) -> tuple[Reader, list[StreamChunk]]:
    """Events read to where they end."""
    reader, chunks = OpenAIChat().reader(), []
    payloads = [each if isinstance(each, bytes) else dumps(each) for each in events]
    for payload in [*payloads, b"[DONE]"] if done else payloads:
        chunk = reader.feed(payload)
        if chunk is not None:
            chunks.append(chunk)
    return reader, chunks


def stream(*events: Any, done: bool = True) -> tuple[Answer, list[StreamChunk]]:
    reader, chunks = feed(*events, done=done)
    return reader.close(), chunks


def message_of(*events: Any, done: bool = True) -> Message:
    return stream(*events, done=done)[0].message


def fragments(chunks: list[StreamChunk]) -> dict[int, str]:
    """The arguments of each call, as the chunks say them."""
    joined: dict[int, str] = {}
    for chunk in chunks:
        for delta in chunk.tool_call_deltas:
            joined[delta.index] = joined.get(delta.index, "") + delta.arguments
    return joined


def call(index: Any, id: Any = None, name: Any = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """A piece of a tool call, without the fields that are None."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    fields = {"index": index, "id": id, "function": function or None, **more}
    return {key: value for key, value in fields.items() if value is not None}


FINISH = event(finish_reason="stop")
FINISH_CALLS = event(finish_reason="tool_calls")


# ---- whole answers


def test_a_text_answer_has_everything_that_the_body_says() -> None:
    whole = body(usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
    answer = OpenAIChat().read(whole)
    assert answer.message == Message(
        "assistant",
        "hi",
        stop_reason="stop",
        finish_reason="stop",
        original={"role": "assistant", "content": "hi"},
    )
    assert (answer.id, answer.model, answer.original) == ("c-1", "m", whole)
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (3, 4, 7)


CONTENTS = [
    ("null", None, "", None),
    ("empty", "", "", None),
    ("blank", "  \n", "  \n", None),
    ("text parts", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab", None),
    ("bare texts", ["a", "b"], "ab", None),
    ("one part alone", {"type": "text", "text": "a"}, "a", None),
    (
        "thinking parts (Mistral)",
        [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}],
        "a",
        "hm",
    ),
    ("parts of unknown kinds", [{"type": "reference", "reference_ids": [1]}, {"type": "text", "text": "a"}], "a", None),
]


@pytest.mark.parametrize(
    ("content", "text", "reasoning"), [case[1:] for case in CONTENTS], ids=[c[0] for c in CONTENTS]
)
def test_content_of_any_shape_is_a_text(content: Any, text: str, reasoning: str | None) -> None:
    message = read({"role": "assistant", "content": content})
    assert (message.content, message.reasoning) == (text, reasoning)


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        ({"reasoning_content": "x"}, "x"),
        ({"reasoning": "x"}, "x"),
        ({"reasoning_content": "x", "reasoning": "x"}, "x"),
        ({"reasoning_content": "", "reasoning": "x"}, "x"),
        ({"reasoning_content": None, "reasoning": ""}, None),
        ({"reasoning": {"effort": "low"}}, None),
    ],
)
def test_reasoning_is_never_content(fields: dict[str, Any], reasoning: str | None) -> None:
    message = read({"role": "assistant", "content": None, **fields})
    assert (message.content, message.reasoning) == ("", reasoning)


def test_a_refusal_is_not_content() -> None:
    message = read({"role": "assistant", "content": None, "refusal": "no"})
    assert (message.content, message.refusal, message.finish_reason, message.stop_reason) == (
        "",
        "no",
        "refusal",
        "stop",
    )


def test_a_refusal_may_be_a_part_of_the_content() -> None:
    message = read({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]})
    assert (message.content, message.refusal, message.finish_reason) == ("", "no", "refusal")


def test_a_choice_without_a_message_is_an_empty_one() -> None:
    whole = body(finish_reason="content_filter")
    del whole["choices"][0]["message"]
    message = OpenAIChat().read(whole).message
    assert (message.content, message.finish_reason) == ("", "content_filter")


def test_of_several_choices_number_0_is_the_message() -> None:
    whole = body()
    whole["choices"] = [
        {"index": 1, "message": {"content": "one"}, "finish_reason": "length"},
        {"index": 0, "message": {"content": "zero"}, "finish_reason": "stop"},
    ]
    answer = OpenAIChat().read(whole)
    assert (answer.message.content, answer.message.stop_reason) == ("zero", "stop")
    assert answer.original["choices"][0]["message"]["content"] == "one"


def test_surrogate_halves_are_joined_and_lone_ones_replaced() -> None:
    answer = OpenAIChat().read_body(
        b'{"choices":[{"message":{"content":"a\\ud83d\\ude00b\\ud83d","reasoning":"\\ude00"},"finish_reason":"stop"}]}'
    )
    assert (answer.message.content, answer.message.reasoning) == ("a\U0001f600b\ufffd", "\ufffd")


# ---- tool calls of whole answers


def test_a_tool_call_is_the_function_that_it_names() -> None:
    entry = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    message = read({"role": "assistant", "content": None, "tool_calls": [entry]}, finish_reason="tool_calls")
    assert message.tool_calls is not None
    (found,) = message.tool_calls
    assert (found.id, found.type, found.name, found.input) == ("call_1", "function", "f", None)
    assert found.function == {"name": "f", "arguments": '{"a": 1}'}
    assert found.arguments == {"a": 1}
    assert message.original == {"role": "assistant", "content": None, "tool_calls": [entry]}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"id": "1", "function": {"name": "f", "arguments": {"a": "é"}}}, ("1", "function", "f", '{"a": "é"}')),
        ({"id": "1", "function": {"name": "f", "arguments": None}}, ("1", "function", "f", "")),
        ({"id": "1", "function": {"name": "f"}}, ("1", "function", "f", "")),
        ({"id": 7, "type": "function", "function": {"name": "f", "arguments": "{}"}}, ("7", "function", "f", "{}")),
        ({"id": "1", "name": "f", "arguments": "{}"}, ("1", "function", "f", "{}")),
        ({"id": "1", "type": "custom", "custom": {"name": "f", "input": "text"}}, ("1", "custom", "f", "text")),
        (
            {
                "id": "1",
                "type": "function",
                "function": {"name": "f", "arguments": "x"},
                "custom": {"name": "", "input": ""},
            },
            ("1", "function", "f", "x"),
        ),
    ],
    ids=["object", "null", "missing", "number as id", "flat", "custom", "empty custom beside"],
)
def test_tool_calls_of_any_shape(entry: dict[str, Any], expected: tuple[str, str, str, str]) -> None:
    (found,) = read({"content": None, "tool_calls": [entry]}, finish_reason="tool_calls").tool_calls or ()
    assert found.function is not None
    assert (found.id, found.type, found.name, found.function["arguments"]) == expected


@pytest.mark.parametrize("id", [None, ""])
def test_a_call_without_an_id_gets_one_that_its_message_has_too(id: Any) -> None:
    entry = {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = read({"content": None, "tool_calls": [entry, dict(entry)]}, finish_reason="tool_calls")
    assert message.tool_calls is not None
    first, second = message.tool_calls
    assert first.id.startswith("call_")
    assert len(first.id) == len("call_") + 24
    assert first.id != second.id
    assert message.original is not None
    assert [entry["id"] for entry in message.original["tool_calls"]] == [first.id, second.id]


def test_the_legacy_function_call_is_a_tool_call() -> None:
    message = read({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, finish_reason="function_call")
    assert message.tool_calls is not None
    (found,) = message.tool_calls
    assert (found.name, found.arguments, message.finish_reason) == ("f", {}, "tool_calls")
    assert message.original is not None
    assert message.original["tool_calls"][0]["id"] == found.id


@pytest.mark.parametrize("empty", [{}, {"name": "", "arguments": ""}, None])
def test_an_empty_function_call_is_no_call(empty: Any) -> None:
    assert read({"content": "hi", "function_call": empty, "tool_calls": []}).tool_calls is None


def test_an_empty_tool_call_is_no_call() -> None:
    entry = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    assert read({"content": "hi", "tool_calls": [entry]}).tool_calls is None


# ---- why the model stopped


@pytest.mark.parametrize(
    ("native", "unified"),
    [
        ("stop", "stop"),
        ("STOP", "stop"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("", "stop"),
        (None, "stop"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("tool_use", "tool_calls"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("insufficient_system_resource", "error"),
        ("something new", "unknown"),
    ],
)
def test_finish_reasons_in_one_vocabulary(native: Any, unified: str) -> None:
    message = read({"content": "hi"}, finish_reason=native)
    assert (message.stop_reason, message.finish_reason) == (native, unified)


@pytest.mark.parametrize(
    ("native", "unified"),
    [
        ("stop", "tool_calls"),
        ("end_turn", "tool_calls"),
        ("", "tool_calls"),
        (None, "tool_calls"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("something new", "unknown"),
    ],
)
def test_calls_decide_where_the_reason_says_no_more_than_stop(native: Any, unified: str) -> None:
    entry = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert read({"content": None, "tool_calls": [entry]}, finish_reason=native).finish_reason == unified


@pytest.mark.parametrize(
    ("finish_reason", "arguments", "incomplete"),
    [
        ("length", '{"a": 1}', False),
        ("length", '{"a": ', True),
        ("length", "", True),
        ("tool_calls", '{"a": ', False),
        ("tool_calls", "", False),
    ],
)
def test_a_call_that_the_token_limit_cut_is_marked(finish_reason: str, arguments: str, incomplete: bool) -> None:
    entry = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    (found,) = read({"content": None, "tool_calls": [entry]}, finish_reason=finish_reason).tool_calls or ()
    assert found.incomplete is incomplete


# ---- errors in a 200

ERRORS = [
    ("an error object", {"error": {"message": "m", "code": 429}}, RateLimitError),
    ("beside choices", {**body(), "error": {"message": "m", "code": 502}}, InternalServerError),
    ("a text", {"error": "overloaded"}, InternalServerError),
    ("xAI", {"code": "invalid-argument", "error": "m"}, BadRequestError),
    ("Mistral, older vLLM", {"object": "error", "message": "m", "code": 400}, BadRequestError),
    ("flat", {"message": "m", "code": 400}, BadRequestError),
    ("flat, with a type", {"message": "m", "type": "rate_limit_error", "code": None}, RateLimitError),
    ("FastAPI", {"detail": "m"}, InternalServerError),
    ("Groq stopped early", {**body(), "x_groq": {"id": "r", "error": "over_capacity"}}, InternalServerError),
    ("in a choice", {"choices": [{"index": 0, "error": {"message": "m", "code": 529}}]}, OverloadedError),
    ("only a reason", {"choices": [{"index": 0, "finish_reason": "error"}]}, InternalServerError),
]


@pytest.mark.parametrize(("wrong", "kind"), [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_an_error_with_status_200_is_raised_as_what_it_means(wrong: dict[str, Any], kind: type[APIStatusError]) -> None:
    with pytest.raises(kind) as caught:
        OpenAIChat().read(wrong)
    assert caught.value.body == wrong
    with pytest.raises(kind) as caught:
        feed(event({"content": "a"}), wrong)
    assert caught.value.body == wrong


def test_an_error_alone_in_a_list_is_read_like_one_without() -> None:
    payload = b'[{"error":{"message":"m","code":429}}]'
    with pytest.raises(RateLimitError):
        OpenAIChat().read_body(payload)
    reader, _ = feed(event({"content": "a"}))
    with pytest.raises(RateLimitError):
        reader.feed(payload)


@pytest.mark.parametrize("empty", [None, {}, "", False])
def test_an_empty_error_is_none(empty: Any) -> None:
    assert OpenAIChat().read({**body(), "error": empty}).message.content == "hi"
    assert message_of({**event({"content": "hi"}), "error": empty}, FINISH).content == "hi"


@pytest.mark.parametrize(
    "payload", [b'{"error":{"message":"m","code":"model_overloaded"}}', b'{"reason":"m"}', b"plain text"]
)
def test_an_event_named_error_is_one_whatever_its_data(payload: bytes) -> None:
    reader, _ = feed(event({"content": "a"}))
    with pytest.raises(APIStatusError):
        reader.feed(ErrorPayload(payload))


def test_what_came_with_an_error_is_kept() -> None:
    failed = {**event({"content": "b"}, usage={"prompt_tokens": 1}), "error": {"code": 400, "message": "limit"}}
    reader = OpenAIChat().reader()
    reader.feed(dumps(event({"content": "a"})))
    with pytest.raises(BadRequestError):
        reader.feed(dumps(failed))
    answer = reader.answer()
    assert (answer.message.content, answer.message.finish_reason) == ("ab", "unknown")
    assert answer.usage is not None


@pytest.mark.parametrize(
    "wrong", [{}, {"choices": []}, {"choices": None}, {"choices": {}}, {"choices": ["x"]}, {"id": "x"}]
)
def test_a_body_without_choices_is_nonsense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        OpenAIChat().read(wrong)


@pytest.mark.parametrize("payload", [b"", b"<html>", b"[]", b"1", b'{"choices":"x"}', b'{"choices":["x"]}'])
def test_an_event_that_cannot_be_read_is_nonsense(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        feed(payload)


# ---- streams


def test_a_streamed_text_is_handed_over_as_it_comes() -> None:
    answer, chunks = stream(
        event({"role": "assistant", "content": "", "refusal": None}),
        event({"content": "Hel"}),
        event({"content": "lo"}),
        FINISH,
        {**event(), "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    )
    assert [(chunk.delta, chunk.stop_reason, chunk.finish_reason) for chunk in chunks] == [
        ("Hel", None, None),
        ("lo", None, None),
        ("", "stop", "stop"),
        ("", "stop", "stop"),
    ]
    assert chunks[0].original == event({"content": "Hel"})
    assert chunks[3].usage is not None
    assert answer.message.content == "Hello"
    assert answer.original == {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }


@pytest.mark.parametrize(
    "silent",
    [
        event({"role": "assistant"}),
        event({"role": "assistant", "content": ""}),
        event({"content": None}),
        event({"reasoning": None, "reasoning_details": []}),
        event({"tool_calls": None}),
        {"choices": []},
        {"choices": [], "usage": None, "prompt_filter_results": []},
        {"type": "ping"},
        {"status": "processing", "message": "wait"},
    ],
)
def test_an_event_that_says_nothing_is_not_handed_over(silent: dict[str, Any]) -> None:
    reader, chunks = feed(silent)
    assert chunks == []
    assert not reader.complete


def test_fields_around_the_choices_are_the_first_that_are_not_empty() -> None:
    azure = {
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "choices": [],
        "prompt_filter_results": [{"prompt_index": 0}],
    }
    answer, _ = stream(
        azure, event({"content": "a"}, system_fingerprint="fp"), event(system_fingerprint="other"), FINISH
    )
    assert (answer.id, answer.model, answer.original["created"]) == ("c-1", "m", 1)
    assert answer.original["system_fingerprint"] == "fp"
    assert answer.original["prompt_filter_results"] == [{"prompt_index": 0}]


def test_fields_that_nobody_knows_are_kept_and_padding_is_not() -> None:
    answer, _ = stream(event({"content": "a"}, provider="p", obfuscation="xx"), event(provider="q", p="xyz"), FINISH)
    assert answer.original["provider"] == "q"
    assert not answer.original.keys() & {"obfuscation", "p"}


def test_a_later_null_or_empty_finish_reason_takes_nothing_back() -> None:
    message = message_of(
        event({"content": "a"}), FINISH, event({"content": ""}, finish_reason=None), event(finish_reason="")
    )
    assert (message.stop_reason, message.finish_reason) == ("stop", "stop")


def test_usage_is_replaced_and_never_added() -> None:
    answer, chunks = stream(
        event({"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": 1}),
        event({"content": "b"}, usage={"prompt_tokens": 5, "completion_tokens": 2}),
        event(finish_reason="stop", usage=None),
        {"choices": [], "usage": {}},
    )
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (5, 2)
    assert [chunk.usage.output_tokens if chunk.usage else None for chunk in chunks] == [1, 2, None]


def test_usage_may_come_without_a_list_of_choices() -> None:
    answer, _ = stream(event({"content": "a"}), FINISH, {"usage": {"prompt_tokens": 5}})
    assert answer.usage is not None
    assert answer.usage.input_tokens == 5


def test_text_and_end_in_one_event() -> None:
    answer, chunks = stream(event({"role": "assistant", "content": "hi"}, finish_reason="length"), done=False)
    assert (answer.message.content, answer.message.finish_reason) == ("hi", "length")
    assert [(chunk.delta, chunk.finish_reason) for chunk in chunks] == [("hi", "length")]


def test_a_whole_message_in_place_of_a_delta_is_taken_as_one() -> None:
    entry = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    whole = body(
        {"role": "assistant", "content": "hi", "tool_calls": [entry, {**entry, "id": "2"}]}, finish_reason="stop"
    )
    answer, chunks = stream(whole)
    assert answer.message == OpenAIChat().read(whole).message
    assert chunks[0].delta == "hi"
    assert fragments(chunks) == {0: "{}", 1: "{}"}


def test_a_message_beside_a_delta_does_not_count() -> None:
    so_far = {"message": {"role": "assistant", "content": "a"}}
    message = message_of(event({"content": "a"}, choice=so_far), event({}, choice=so_far), FINISH)
    assert message.content == "a"


@pytest.mark.parametrize("delta", [None, "missing", "x", []])
def test_a_choice_without_a_delta_says_nothing(delta: Any) -> None:
    odd = event()
    if delta == "missing":
        del odd["choices"][0]["delta"]
    else:
        odd["choices"][0]["delta"] = delta
    assert message_of(odd, event({"content": "a"}), odd, FINISH, odd).content == "a"


def test_a_choice_without_an_index_is_number_0() -> None:
    bare = [{"choices": [{"delta": {"content": text}}]} for text in "ab"]
    answer, chunks = stream(*bare, {"choices": [{"finish_reason": "stop"}]})
    assert answer.message.content == "ab"
    assert [chunk.delta for chunk in chunks] == ["a", "b", ""]


def test_a_role_on_every_delta_is_one_role() -> None:
    answer, _ = stream(*(event({"role": "assistant", "content": text}) for text in "ab"), FINISH)
    assert answer.original["choices"][0]["message"] == {"role": "assistant", "content": "ab"}


def test_choices_are_told_apart_by_index_and_the_caller_hears_of_number_0() -> None:
    answer, chunks = stream(
        event({"content": "b"}, index=1),
        event({"content": "a"}),
        event({"content": "B"}, index=1, finish_reason="length"),
        event({"content": "A"}, finish_reason="stop"),
        done=False,
    )
    assert (answer.message.content, answer.message.stop_reason) == ("aA", "stop")
    assert [choice["message"]["content"] for choice in answer.original["choices"]] == ["aA", "bB"]
    assert [choice["finish_reason"] for choice in answer.original["choices"]] == ["stop", "length"]
    assert "".join(chunk.delta for chunk in chunks) == "aA"


def test_where_the_only_choice_has_another_number_its_message_is_handed_over_at_the_end() -> None:
    answer, chunks = stream(event({"content": "a"}, index=1), event({"content": "b"}, index=1, finish_reason="stop"))
    assert answer.message.content == "ab"
    assert [(chunk.delta, chunk.finish_reason) for chunk in chunks] == [("ab", "stop")]


# ---- the end of a stream


def test_an_answer_is_complete_when_every_choice_has_ended() -> None:
    reader, _ = feed(event({"content": "a"}), event({"content": "b"}, index=1), FINISH)
    assert not reader.complete
    reader.feed(dumps(event(index=1, finish_reason="stop")))
    assert reader.complete
    assert not reader.ended
    reader.feed(dumps(event({"content": "c"}, index=2)))
    assert not reader.complete


def test_a_stream_that_ends_before_its_end_is_an_error_that_keeps_what_came() -> None:
    reader, _ = feed(event({"content": "half"}))
    with pytest.raises(StreamError):
        reader.close()
    message = reader.answer().message
    assert (message.content, message.stop_reason, message.finish_reason) == ("half", None, "unknown")


def test_calls_of_a_broken_stream_are_marked() -> None:
    reader, _ = feed(event({"tool_calls": [call(0, "1", "f", '{"a"')]}))
    (found,) = reader.answer().message.tool_calls or ()
    assert found.incomplete


def test_done_ends_an_answer_that_has_no_finish_reason() -> None:
    answer, chunks = stream(event({"content": "a"}))
    assert (answer.message.stop_reason, answer.message.finish_reason) == (None, "stop")
    assert [(chunk.delta, chunk.finish_reason) for chunk in chunks] == [("a", None), ("", "stop")]


def test_a_finish_reason_ends_an_answer_without_done() -> None:
    answer, _ = stream(event({"content": "a"}), FINISH, done=False)
    assert answer.message.finish_reason == "stop"


def test_a_stream_without_a_choice_is_nonsense() -> None:
    with pytest.raises(ProtocolError):
        stream({"choices": [], "usage": {"prompt_tokens": 1}})


def test_what_follows_the_end_still_counts() -> None:
    answer, _ = stream(
        event({"content": "a"}), FINISH, {"choices": [], "usage": {"total_tokens": 1}}, {"choices": [], "x": 1}
    )
    assert answer.usage is not None
    assert answer.original["x"] == 1


def test_a_whole_body_in_place_of_a_stream_is_one_chunk() -> None:
    reader = OpenAIChat().reader()
    chunk = reader.body(dumps(body({"role": "assistant", "content": "hi", "reasoning": "hm"})))
    assert (chunk.delta, chunk.reasoning, chunk.finish_reason) == ("hi", "hm", "stop")
    assert reader.complete
    assert reader.close().message.content == "hi"


# ---- text that is cut


def test_a_surrogate_pair_cut_over_two_events_is_handed_over_whole() -> None:
    answer, chunks = stream(
        b'{"choices":[{"index":0,"delta":{"content":"a\\ud83d","reasoning":"\\ud83d"}}]}',
        b'{"choices":[{"index":0,"delta":{"content":"\\ude00b","reasoning":"\\ude00"}}]}',
        FINISH,
    )
    assert [(chunk.delta, chunk.reasoning) for chunk in chunks] == [("a", ""), ("\U0001f600b", "\U0001f600"), ("", "")]
    assert (answer.message.content, answer.message.reasoning) == ("a\U0001f600b", "\U0001f600")


@pytest.mark.parametrize("end", [[FINISH], []])
def test_half_a_surrogate_pair_at_the_end_is_replaced(end: list[Any]) -> None:
    answer, chunks = stream(b'{"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}', *end)
    assert answer.message.content == "a\ufffd"
    assert "".join(chunk.delta for chunk in chunks) == "a\ufffd"


def test_fragments_of_arguments_are_valid_text_too() -> None:
    answer, chunks = stream(
        b'{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{\\"a\\":\\"\\ud83d"}}]}}]}',
        b'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\ude00\\"}"}}]}}]}',
        FINISH_CALLS,
    )
    (found,) = answer.message.tool_calls or ()
    assert found.arguments == {"a": "\U0001f600"}
    assert fragments(chunks) == {0: '{"a":"\U0001f600"}'}
    for chunk in chunks:
        dumps([delta.arguments for delta in chunk.tool_call_deltas])


# ---- reasoning


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_streamed_reasoning_is_kept_in_the_field_that_it_came_in(field: str) -> None:
    answer, chunks = stream(
        event({"content": None, field: "think"}), event({field: "ing"}), event({"content": "a"}), FINISH
    )
    assert (answer.message.reasoning, answer.message.content) == ("thinking", "a")
    assert [chunk.reasoning for chunk in chunks] == ["think", "ing", "", ""]
    assert answer.original["choices"][0]["message"] == {"role": "assistant", "content": "a", field: "thinking"}


def test_reasoning_that_comes_twice_in_each_delta_counts_once() -> None:
    answer, chunks = stream(*(event({"reasoning": text, "reasoning_content": text}) for text in "ab"), FINISH)
    assert answer.message.reasoning == "ab"
    assert [chunk.reasoning for chunk in chunks] == ["a", "b", ""]


def test_content_in_parts_is_put_together_by_kind() -> None:
    def thought(text: str, **more: Any) -> dict[str, Any]:
        return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **more}

    answer, chunks = stream(
        event({"role": "assistant", "content": ""}),
        event({"content": [thought("I ")]}),
        event({"content": [thought("think", closed=True), {"type": "text", "text": "4"}]}),
        event({"content": "2"}),
        FINISH,
    )
    assert (answer.message.content, answer.message.reasoning) == ("42", "I think")
    assert "".join(chunk.delta for chunk in chunks) == "42"
    assert "".join(chunk.reasoning for chunk in chunks) == "I think"
    assert answer.original["choices"][0]["message"]["content"] == [
        thought("I think", closed=True),
        {"type": "text", "text": "42"},
    ]


# ---- tool calls of streams

# Each: the pieces of tool calls, a list per event; the calls that they are.
CALLS: list[tuple[str, list[list[dict[str, Any]]], list[tuple[str | None, str, str]]]] = [
    (
        "one call in pieces",
        [[call(0, "1", "f", "", type="function")], [call(0, arguments='{"a"')], [call(0, arguments=":1}")]],
        [("1", "f", '{"a":1}')],
    ),
    ("a call that comes whole", [[call(0, "1", "f", '{"a":1}')]], [("1", "f", '{"a":1}')]),
    (
        "two calls, mixed",
        [
            [call(0, "1", "f", "")],
            [call(1, "2", "g", "")],
            [call(0, arguments="{")],
            [call(1, arguments="{")],
            [call(0, arguments="}"), call(1, arguments="}")],
        ],
        [("1", "f", "{}"), ("2", "g", "{}")],
    ),
    ("indices that begin at 1", [[call(1, "1", "f", "")], [call(1, arguments="{}")]], [("1", "f", "{}")]),
    (
        "indices with gaps",
        [[call(5, "1", "f", "{}")], [call(2, "2", "g", "{}")]],
        [("1", "f", "{}"), ("2", "g", "{}")],
    ),
    (
        "one index for different ids",
        [[call(0, "1", "f", "{}")], [call(0, "2", "f", "")], [call(0, arguments='{"a":1}')]],
        [("1", "f", "{}"), ("2", "f", '{"a":1}')],
    ),
    (
        "one index for different ids, mixed",
        [
            [call(0, "1", "f", '{"a"'), call(0, "2", "g", '{"b"')],
            [call(0, "1", arguments=":1}")],
            [call(0, "2", arguments=":2}")],
        ],
        [("1", "f", '{"a":1}'), ("2", "g", '{"b":2}')],
    ),
    (
        "indices as texts",
        [[call("0", "1", "f", "{"), call("1", "2", "g", "{")], [call("1", arguments="}")], [call("0", arguments="}")]],
        [("1", "f", "{}"), ("2", "g", "{}")],
    ),
    ("no index", [[call(None, "1", "f", "{")], [call(None, arguments="}")]], [("1", "f", "{}")]),
    (
        "no index, two calls",
        [[call(None, "1", "f", "{}")], [call(None, "2", "g", "{}")]],
        [("1", "f", "{}"), ("2", "g", "{}")],
    ),
    (
        "no index, several at once",
        [
            [call(None, "1", "f", "{"), call(None, "2", "g", "{")],
            [call(None, arguments="}"), call(None, arguments="}")],
        ],
        [("1", "f", "{}"), ("2", "g", "{}")],
    ),
    (
        "neither index nor id",
        [[call(None, None, "f", '{"a":1}')], [call(None, None, "f", '{"a":2}')], [call(None, None, "g", "{}")]],
        [(None, "f", '{"a":1}'), (None, "f", '{"a":2}'), (None, "g", "{}")],
    ),
    (
        "neither index nor id, the same call twice",
        [[call(None, "", "f", "{}")], [call(None, "", "f", "{}")]],
        [(None, "f", "{}"), (None, "f", "{}")],
    ),
    (
        "id and name on every piece",
        [[call(0, "1", "f", "")], [call(0, "1", "f", "{")], [call(0, "1", "f", "}")]],
        [("1", "f", "{}")],
    ),
    (
        "another id on every piece",
        [[call(0, "1", "f", "")], [call(0, "2", arguments='{"a":')], [call(0, "3", arguments="1}")]],
        [("1", "f", '{"a":1}')],
    ),
    ("an empty name later", [[call(0, "1", "f", "{")], [call(0, "", "", "}")]], [("1", "f", "{}")]),
    ("an id that comes late", [[call(0, None, "f", "{")], [call(0, "1", None, "}")]], [("1", "f", "{}")]),
    ("arguments as an object", [[call(0, "1", "f", {"a": 1})]], [("1", "f", '{"a": 1}')]),
    ("no arguments at all", [[call(0, "1", "f")]], [("1", "f", "")]),
    (
        "all arguments once more at the end",
        [
            [call(0, "1", "f", "")],
            [call(0, arguments='{"a":')],
            [call(0, arguments="1}")],
            [call(0, "1", "f", '{"a":1}')],
        ],
        [("1", "f", '{"a":1}')],
    ),
    ("pieces with nothing in them", [[{}], [call(0, "1", "f", "{}")], [call(0)], [{}]], [("1", "f", "{}")]),
]


@pytest.mark.parametrize(("pieces", "expected"), [case[1:] for case in CALLS], ids=[case[0] for case in CALLS])
def test_pieces_of_tool_calls_are_put_together(
    pieces: list[list[dict[str, Any]]], expected: list[tuple[str | None, str, str]]
) -> None:
    answer, chunks = stream(*(event({"tool_calls": entries}) for entries in pieces), FINISH_CALLS)
    calls = answer.message.tool_calls or []
    assert [(found.name, found.arguments_text) for found in calls] == [(name, text) for _, name, text in expected]
    for found, (id_, _, _) in zip(calls, expected, strict=True):
        assert found.id == id_ if id_ else found.id.startswith("call_")
        assert found.type == "function"
    assert {position: text for position, text in fragments(chunks).items() if text} == {
        position: text for position, (_, _, text) in enumerate(expected) if text
    }
    assert answer.message.finish_reason == "tool_calls"
    assert [entry["id"] for entry in answer.original["choices"][0]["message"]["tool_calls"]] == [
        found.id for found in calls
    ]


def test_deltas_of_calls_say_what_is_known_by_then() -> None:
    _, chunks = stream(
        event({"tool_calls": [call(1, "1", "f", "")]}), event({"tool_calls": [call(1, arguments="{}")]}), FINISH_CALLS
    )
    deltas = [delta for chunk in chunks for delta in chunk.tool_call_deltas]
    assert deltas == [ToolCallDelta(0, "1", "f", ""), ToolCallDelta(0, "1", "f", "{}")]


def test_made_up_ids_stay_the_same() -> None:
    reader, _ = feed(event({"tool_calls": [call(0, None, "f", "{}")]}), FINISH_CALLS)
    ids = [(reader.answer().message.tool_calls or [])[0].id for _ in range(2)]
    assert ids[0] == ids[1]


def test_a_custom_call_streams_its_free_text() -> None:
    answer, chunks = stream(
        event({"tool_calls": [{"index": 0, "id": "1", "type": "custom", "custom": {"name": "run", "input": "pri"}}]}),
        event({"tool_calls": [{"index": 0, "custom": {"input": "nt"}}]}),
        FINISH_CALLS,
    )
    (found,) = answer.message.tool_calls or ()
    assert (found.type, found.name, found.arguments) == ("custom", "run", "print")
    assert fragments(chunks) == {0: "print"}
    native = {"id": "1", "type": "custom", "custom": {"name": "run", "input": "print"}}
    assert answer.original["choices"][0]["message"]["tool_calls"] == [native]


def test_the_legacy_function_call_streams_too() -> None:
    answer, chunks = stream(
        event({"function_call": {"name": "f", "arguments": ""}}),
        event({"function_call": {"arguments": '{"a":1}'}}),
        event(finish_reason="function_call"),
    )
    (found,) = answer.message.tool_calls or ()
    assert (found.name, found.arguments) == ("f", {"a": 1})
    assert fragments(chunks) == {0: '{"a":1}'}
    assert chunks[-1].finish_reason == answer.message.finish_reason == "tool_calls"


def test_other_fields_of_a_call_are_kept() -> None:
    signed = call(0, "1", "f", "{}", extra_content={"google": {"thought_signature": "s"}})
    answer, _ = stream(event({"tool_calls": [signed]}), FINISH_CALLS)
    native = answer.original["choices"][0]["message"]["tool_calls"][0]
    assert native["extra_content"] == {"google": {"thought_signature": "s"}}


# ---- other fields of a message


def test_a_streamed_refusal_is_no_text() -> None:
    answer, chunks = stream(event({"refusal": "I "}), event({"refusal": "can't"}), FINISH)
    assert (answer.message.refusal, answer.message.content, answer.message.finish_reason) == ("I can't", "", "refusal")
    assert [(chunk.delta, chunk.finish_reason) for chunk in chunks] == [("", "refusal")]


def test_annotations_images_and_logprobs_are_appended() -> None:
    answer, _ = stream(
        event(
            {"content": "a", "annotations": [1], "images": [1]},
            choice={"logprobs": {"content": ["a"], "refusal": None}},
        ),
        event(
            {"content": "b", "annotations": [2], "images": [2]},
            choice={"logprobs": {"content": ["b"], "refusal": None}},
        ),
        event(finish_reason="stop", choice={"logprobs": None}),
    )
    choice = answer.original["choices"][0]
    assert (choice["message"]["annotations"], choice["message"]["images"]) == ([1, 2], [1, 2])
    assert choice["logprobs"] == {"content": ["a", "b"], "refusal": None}


def test_audio_is_decoded_piece_by_piece() -> None:
    pieces = [b"RI", b"FF..", b"!"]
    answer, _ = stream(
        event({"audio": {"id": "audio_1", "transcript": "He"}}),
        *(event({"audio": {"data": base64.b64encode(piece).decode()}}) for piece in pieces),
        event({"audio": {"transcript": "llo", "expires_at": 5}}),
        FINISH,
    )
    assert answer.original["choices"][0]["message"]["audio"] == {
        "id": "audio_1",
        "transcript": "Hello",
        "expires_at": 5,
        "data": base64.b64encode(b"".join(pieces)).decode(),
    }


def test_audio_that_is_one_encoding_cut_anywhere_is_joined() -> None:
    text = base64.b64encode(bytes(range(20))).decode()
    answer, _ = stream(*(event({"audio": {"data": piece}}) for piece in (text[:5], text[5:])), FINISH)
    assert answer.original["choices"][0]["message"]["audio"]["data"] == text


# ---- both ways


MESSAGES = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.text(min_size=1)},
    optional={
        "reasoning_content": st.text(min_size=1),
        "refusal": st.text(min_size=1),
        "tool_calls": st.lists(
            st.builds(
                lambda id, name, arguments: {
                    "id": id,
                    "type": "function",
                    "function": {"name": name, "arguments": dumps(arguments).decode()},
                },
                st.uuids().map(str),
                st.text("abc_", min_size=1),
                st.dictionaries(st.text("abc"), st.text() | st.integers(0, 9) | st.none()),
            ),
            min_size=1,
            max_size=3,
        ),
    },
)


def pieces_of(text: str, rng: random.Random) -> list[str]:
    cuts = sorted(rng.choices(range(len(text) + 1), k=rng.randint(0, 3)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def deltas_of(message: dict[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    """A message in deltas, as a server might cut it."""
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    for field in ("reasoning_content", "content", "refusal"):
        if field in message:
            deltas += [{field: piece} for piece in pieces_of(message[field], rng)]
    for index, entry in enumerate(message.get("tool_calls", ())):
        first = {**entry, "index": index, "function": {"name": entry["function"]["name"], "arguments": ""}}
        deltas.append({"tool_calls": [first]})
        for piece in pieces_of(entry["function"]["arguments"], rng):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    return deltas


@settings(deadline=None)
@given(MESSAGES, st.sampled_from(["stop", "length", "tool_calls"]), st.integers())
def test_a_stream_is_the_answer_that_no_stream_would_have_given(
    message: dict[str, Any], finish_reason: str, seed: int
) -> None:
    whole = body(message, finish_reason=finish_reason, usage={"prompt_tokens": 1})
    rng = random.Random(seed)
    events = [event(delta) for delta in deltas_of(message, rng)]
    answer, chunks = stream(*events, event(finish_reason=finish_reason), {"choices": [], "usage": {"prompt_tokens": 1}})
    expected = OpenAIChat().read(loads(dumps(whole)))
    assert answer == expected
    assert "".join(chunk.delta for chunk in chunks) == expected.message.content
    assert "".join(chunk.reasoning for chunk in chunks) == (expected.message.reasoning or "")
    assert fragments(chunks) == {
        position: found.arguments_text for position, found in enumerate(expected.message.tool_calls or ())
    }
    assert chunks[-1].finish_reason == expected.message.finish_reason


# ---- nonsense

WORDS = [
    *("choices", "index", "delta", "message", "finish_reason", "logprobs", "usage", "x_groq", "object", "id", "model"),
    *("error", "code", "detail", "type", "content", "refusal", "reasoning", "reasoning_content", "reasoning_details"),
    *("thinking", "text", "signature", "audio", "transcript", "data"),
    *("tool_calls", "function_call", "function", "custom", "name", "arguments", "input"),
]
LEAVES = (
    st.none() | st.booleans() | st.integers(-1, 2) | st.floats(-1, 1) | st.sampled_from(["", "0", "a", "stop", *WORDS])
)
NONSENSE = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
)


def around(level: int, inner: Any) -> Any:
    """Nonsense where it can do harm: as an event, a choice, a delta or a tool call."""
    wrap = [
        lambda value: {"tool_calls": [value, value]},
        lambda value: {"delta": value, "message": value},
        lambda value: {"choices": [value]},
    ]
    for shape in wrap[level:]:
        inner = shape(inner)
    return inner


@settings(deadline=None)
@given(st.lists(st.builds(around, st.integers(0, 3), NONSENSE), max_size=4))
def test_whatever_a_server_sends_nothing_but_our_errors_come_out(events: list[Any]) -> None:
    reader = OpenAIChat().reader()
    for each in events:
        with suppress(LLMError):
            reader.feed(dumps(each))
        with suppress(LLMError):
            OpenAIChat().read_body(dumps(each))
        answer = reader.answer()
        assert isinstance(answer.message.content, str)
        dumps(answer.original)
        dumps(answer.message.original)
