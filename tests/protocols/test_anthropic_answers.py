"""Answers of the Messages API, whole and streamed: one test per odd behaviour, hand-written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_async._speedups import ErrorPayload
from llm_async.errors import APIStatusError, OverloadedError, ProtocolError, StreamError
from llm_async.models import StreamChunk, ToolCallDelta
from llm_async.protocols.anthropic import AnthropicMessages
from llm_async.protocols.base import Answer, Reader

PROTOCOL = AnthropicMessages()

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "cache_read_input_tokens": 100, "output_tokens": 1},
    },
}
STOP = {"type": "message_stop"}


def block(start: dict[str, Any], *deltas: dict[str, Any], index: int = 0) -> list[dict[str, Any]]:
    """The events of a content block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(*pieces: str, index: int = 0) -> list[dict[str, Any]]:
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block({"type": "text", "text": ""}, *deltas, index=index)


def tool(*pieces: str, index: int = 0, kind: str = "tool_use", **fields: Any) -> list[dict[str, Any]]:
    start = {"type": kind, "id": f"toolu_{index}", "name": "f", "input": {}, **fields}
    return block(start, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces), index=index)


def ending(stop_reason: str | None = "end_turn", usage: Any = None, **fields: Any) -> dict[str, Any]:
    delta = {"stop_reason": stop_reason, "stop_sequence": None, **fields}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7} if usage is None else usage}


def compact(event: Any) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event, separators=(",", ":")).encode()


def fed(*events: Any) -> tuple[Reader, list[StreamChunk]]:
    reader = PROTOCOL.reader()
    chunks = [reader.feed(compact(event)) for event in events]
    return reader, [chunk for chunk in chunks if chunk is not None]


def read(*events: Any) -> tuple[Answer, list[StreamChunk]]:
    """The answer of a whole stream, and its chunks."""
    reader, chunks = fed(*events)
    last = reader.flush()
    return reader.close(), chunks + ([last] if last is not None else [])


def fragments(chunks: list[StreamChunk]) -> dict[int, str]:
    joined: dict[int, str] = {}
    for delta in (delta for chunk in chunks for delta in chunk.tool_call_deltas):
        joined[delta.index] = joined.get(delta.index, "") + delta.arguments
    return joined


# ---- whole answers

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "so "},
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}},
        {"type": "text", "text": "it is"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"q": 1}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 9,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1,
        "output_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 20},
    },
}


def test_a_whole_answer_is_read() -> None:
    answer = PROTOCOL.read_body(json.dumps(MESSAGE).encode())
    message, usage = answer.message, answer.usage
    assert (message.content, message.reasoning, message.stop_reason) == ("so it is", "hm", "tool_use")
    assert message.finish_reason == "tool_calls"
    assert message.reasoning_details == MESSAGE["content"][:2]
    assert message.original == {"role": "assistant", "content": MESSAGE["content"]}
    assert [(call.id, call.type, call.name, call.input, call.arguments) for call in message.tool_calls or ()] == [
        ("toolu_1", "tool_use", "f", {"q": 1}, {"q": 1})
    ]
    assert (answer.original, answer.id, answer.model) == (MESSAGE, "msg_1", "claude")
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (110, 30, 20)
    assert (usage.cache_read_tokens, usage.cache_write_tokens, usage.total_tokens) == (100, 1, None)
    assert usage.raw == MESSAGE["usage"]


def test_a_whole_answer_may_lack_nearly_everything() -> None:
    answer = PROTOCOL.read({"type": "message", "content": None})
    assert (answer.message.content, answer.message.tool_calls, answer.message.reasoning) == ("", None, None)
    assert (answer.usage, answer.id, answer.message.finish_reason) == (None, None, "unknown")
    assert PROTOCOL.read({"content": "plain"}).message.content == "plain"


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"content": 5}, {"content": ["x"]}])
def test_a_body_that_is_no_message_is_a_protocol_error(body: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        PROTOCOL.read(body)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, 529),
        ({"error": {"message": "m", "code": 502}}, 502),
        ({"type": "error", "message": "m"}, 500),
    ],
)
def test_an_error_in_a_200_is_raised_with_the_status_that_it_stands_for(body: dict[str, Any], status: int) -> None:
    with pytest.raises(APIStatusError) as raised:
        PROTOCOL.read(body)
    assert (raised.value.status_code, raised.value.body) == (status, body)


@pytest.mark.parametrize(
    ("stop_reason", "finish_reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("pause_turn", "pause"),
        ("compaction", "pause"),
        ("of the future", "unknown"),
        (None, "unknown"),
        ("", "unknown"),
    ],
)
def test_each_stop_reason_has_its_unified_word_whole_and_streamed(stop_reason: Any, finish_reason: str) -> None:
    message = PROTOCOL.read({"type": "message", "content": [], "stop_reason": stop_reason}).message
    assert (message.stop_reason, message.finish_reason) == (stop_reason or None, finish_reason)
    answer, chunks = read(START, *text("a"), ending(stop_reason), STOP)
    assert (answer.message.stop_reason, answer.message.finish_reason) == (stop_reason or None, finish_reason)
    assert chunks[-1].stop_reason == (stop_reason or None)
    assert chunks[-1].finish_reason == (finish_reason if stop_reason else None)


def test_a_turn_that_ends_with_calls_waits_for_their_results_whatever_it_says() -> None:
    answer, chunks = read(START, *tool("{}"), ending("end_turn"), STOP)
    assert answer.message.finish_reason == chunks[-1].finish_reason == "tool_calls"


def test_the_explanation_of_a_refusal_is_its_text_and_no_content() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "not this"}
    answer, _ = read(START, ending("refusal", stop_details=details), STOP)
    assert (answer.message.content, answer.message.refusal, answer.message.finish_reason) == ("", "not this", "refusal")
    assert answer.original["stop_details"] == details
    assert read(START, ending("refusal"), STOP)[0].message.refusal is None


@pytest.mark.parametrize("given", ['{"q":', "[1]", '"x"', "5"])
def test_input_that_is_no_object_is_kept_as_it_came(given: str) -> None:
    answer, chunks = read(START, *tool(given), ending("tool_use"), STOP)
    (call,) = answer.message.tool_calls or ()
    assert (call.type, call.name, call.arguments, call.incomplete) == ("tool_use", "f", given, False)
    assert fragments(chunks) == {0: given}
    assert answer.original["content"][0]["input"] == given


@pytest.mark.parametrize(("pieces", "incomplete"), [(['{"q"'], True), ([""], True), ([], True), (['{"q":1}'], False)])
def test_a_call_in_an_answer_that_broke_off_is_marked_when_its_arguments_are_not_there(
    pieces: list[str], incomplete: bool
) -> None:
    answer, _ = read(START, *tool(*pieces), ending("max_tokens"), STOP)
    assert [call.incomplete for call in answer.message.tool_calls or ()] == [incomplete]


# ---- streams


def test_a_streamed_message_is_what_an_unstreamed_one_would_have_been() -> None:
    answer, chunks = read(
        START,
        {"type": "ping"},
        *block(
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "h"},
            {"type": "thinking_delta", "thinking": "m"},
            {"type": "signature_delta", "signature": "s"},
        ),
        *block({"type": "redacted_thinking", "data": "d"}, index=1),
        *text("so ", "", index=2),
        *tool("", index=3, kind="server_tool_use", id="srv_1", name="web_search"),
        *text("it", " is", index=4),
        *tool("", '{"q"', ": 1}", index=5, id="toolu_1"),
        ending("tool_use", usage={key: value for key, value in MESSAGE["usage"].items() if key != "input_tokens"}),
        STOP,
    )
    assert answer == PROTOCOL.read(MESSAGE)
    assert "".join(chunk.delta for chunk in chunks) == "so it is"
    assert "".join(chunk.reasoning for chunk in chunks) == "hm"
    assert fragments(chunks) == {0: '{"q": 1}'}


def test_what_says_nothing_is_not_handed_over() -> None:
    silent = (START, {"type": "ping"}, *text("", ""), {"type": "of the future"}, ending(None, usage={}), STOP)
    assert fed(*silent)[1] == []


def test_a_chunk_keeps_the_event_that_it_came_from() -> None:
    events = text("a", "é\n")
    _, chunks = fed(START, *events)
    assert [chunk.original for chunk in chunks] == events[1:3]


def test_the_parts_of_a_call_come_with_its_place_id_and_name() -> None:
    _, chunks = fed(START, *text("t"), *tool("", "{", "}", index=1), *tool(index=2))
    assert [delta for chunk in chunks for delta in chunk.tool_call_deltas] == [
        ToolCallDelta(0, "toolu_1", "f", ""),
        ToolCallDelta(0, "toolu_1", "f", "{"),
        ToolCallDelta(0, "toolu_1", "f", "}"),
        ToolCallDelta(1, "toolu_2", "f", ""),
    ]


@pytest.mark.parametrize("pieces", [[], [""], ["", ""], [" "], ["null"]])
def test_no_input_at_all_means_no_arguments(pieces: list[str]) -> None:
    answer, _ = read(START, *tool(*pieces), ending("tool_use"), STOP)
    (call,) = answer.message.tool_calls or ()
    assert (call.input, call.arguments, call.incomplete) == ({}, {}, False)


def test_input_that_is_whole_in_the_beginning_of_its_block_is_taken_and_handed_over() -> None:
    answer, chunks = read(START, *tool(input={"q": 1}), ending("tool_use"), STOP)
    assert answer.message.tool_calls[0].arguments == {"q": 1}  # type: ignore[index]
    assert json.loads(fragments(chunks)[0]) == {"q": 1}


def test_pieces_of_input_replace_what_the_block_began_with() -> None:
    answer, chunks = read(START, *tool('{"q":2}', input={"q": 1}), ending("tool_use"), STOP)
    assert answer.message.tool_calls[0].arguments == {"q": 2}  # type: ignore[index]
    assert fragments(chunks) == {0: '{"q":2}'}


def test_a_call_without_an_id_is_given_one_that_its_pieces_have_too() -> None:
    answer, chunks = read(START, *tool("{}", id=""), *tool("{}", index=1, id=None), ending("tool_use"), STOP)
    calls = answer.message.tool_calls or []
    ids = [call.id for call in calls]
    assert all(ids)
    assert len(set(ids)) == 2
    assert {delta.id for chunk in chunks for delta in chunk.tool_call_deltas} == set(ids)
    assert [part["id"] for part in answer.message.original["content"]] == ids  # type: ignore[index]
    whole = PROTOCOL.read({"content": [{"type": "tool_use", "name": "f", "input": {}}]}).message
    assert whole.tool_calls[0].id == whole.original["content"][0]["id"] != ""  # type: ignore[index]


def test_text_that_the_block_began_with_is_text() -> None:
    answer, chunks = read(
        START, *block({"type": "text", "text": "a"}, {"type": "text_delta", "text": "b"}), ending(), STOP
    )
    assert answer.message.content == "".join(chunk.delta for chunk in chunks) == "ab"


def test_a_message_start_that_holds_the_whole_answer_is_enough() -> None:
    start = {"type": "message_start", "message": MESSAGE}
    answer, chunks = read(start, STOP)
    assert answer == PROTOCOL.read(MESSAGE)
    (chunk,) = chunks
    assert (chunk.delta, chunk.reasoning, chunk.stop_reason) == ("so it is", "hm", "tool_use")
    assert chunk.finish_reason == "tool_calls"
    assert chunk.usage == answer.usage
    assert json.loads(fragments(chunks)[0]) == {"q": 1}


def test_a_repeated_message_start_is_passed_over() -> None:
    answer, _ = read(START, START, *text("a"), ending(), STOP)
    assert (answer.message.content, answer.id) == ("a", "msg_1")


def test_two_answers_in_one_stream_are_an_error_with_what_came_first() -> None:
    reader, _ = fed(START, *text("first"))
    with pytest.raises(ProtocolError, match="spliced"):
        reader.feed(compact({"type": "message_start", "message": {**START["message"], "id": "msg_2"}}))
    assert reader.answer().message.content == "first"


def test_a_block_that_is_begun_twice_is_one_block() -> None:
    events = tool("{}")
    answer, _ = read(START, events[0], *events, ending("tool_use"), STOP)
    assert len(answer.message.tool_calls or ()) == 1


def test_blocks_are_told_apart_by_order_where_a_server_numbers_them_all_alike() -> None:
    answer, chunks = read(START, *text("a"), *tool('{"q":1}'), *text("b"), ending("tool_use"), STOP)
    assert [part["type"] for part in answer.original["content"]] == ["text", "tool_use", "text"]
    assert (answer.message.content, answer.message.tool_calls[0].input) == ("ab", {"q": 1})  # type: ignore[index]
    assert fragments(chunks) == {0: '{"q":1}'}


def test_gaps_in_the_numbers_of_blocks_are_no_trouble() -> None:
    answer, _ = read(START, *text("a", index=3), *text("b", index=7), ending(), STOP)
    assert answer.message.content == "ab"


def test_events_without_an_index_are_about_the_latest_block() -> None:
    events = [{key: value for key, value in event.items() if key != "index"} for event in [*text("a"), *tool("{}")]]
    answer, _ = read(START, *events, ending("tool_use"), STOP)
    assert (answer.message.content, len(answer.message.tool_calls or ())) == ("a", 1)


def test_a_delta_for_text_that_was_never_begun_begins_it() -> None:
    deltas = [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}] * 2
    thought = {"type": "content_block_delta", "index": 1, "delta": {"type": "thinking_delta", "thinking": "h"}}
    answer, chunks = read(START, *deltas, thought, ending(), STOP)
    assert (answer.message.content, answer.message.reasoning) == ("aa", "h")
    assert len(answer.original["content"]) == 2
    assert "".join(chunk.delta for chunk in chunks) == "aa"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_delta", "index": 5, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": "x"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 5}},
        {"type": "content_block_start", "index": 1, "content_block": None},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": {}}},
        {"type": "message_delta", "delta": "x"},
        b"{",
        b"[]",
        b"nonsense",
    ],
)
def test_an_event_that_the_api_does_not_send_is_a_protocol_error(event: Any) -> None:
    reader, _ = fed(START, *text("a"))
    with pytest.raises(ProtocolError) as raised:
        reader.feed(compact(event))
    assert raised.value.payload
    assert reader.answer().message.content == "a"


def test_null_texts_are_empty_texts() -> None:
    deltas = [{"type": "text_delta", "text": None}, {"type": "text_delta", "text": "a"}]
    answer, chunks = read(START, *block({"type": "text", "text": None}, *deltas), ending(), STOP)
    assert answer.message.content == "a"
    assert len([chunk for chunk in chunks if chunk.delta]) == 1


def test_citations_are_added_up_and_the_signature_is_replaced() -> None:
    citations = [{"type": "citations_delta", "citation": {"cited_text": str(n)}} for n in range(2)]
    signatures = [{"type": "signature_delta", "signature": value} for value in ("old", "new")]
    answer, chunks = read(
        START,
        *block({"type": "text", "text": "", "citations": None}, *citations),
        *block({"type": "thinking", "thinking": ""}, *signatures, index=1),
        ending(),
        STOP,
    )
    content = answer.original["content"]
    assert content[0]["citations"] == [{"cited_text": "0"}, {"cited_text": "1"}]
    assert content[1] == {"type": "thinking", "thinking": "", "signature": "new"}
    assert answer.message.reasoning is None
    assert len(chunks) == 5  # each of them, for those who look at the original, and the ending


def test_a_compaction_replaces_the_content_of_its_block() -> None:
    delta = {"type": "compaction_delta", "content": "summary"}
    answer, _ = read(START, *block({"type": "compaction", "content": None}, delta), ending("compaction"), STOP)
    assert answer.original["content"] == [{"type": "compaction", "content": "summary"}]


def test_a_fallback_names_the_model_that_answers() -> None:
    start = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
    answer, _ = read(START, *block(start), *text("t", index=1), ending(), STOP)
    assert (answer.model, answer.original["content"][0]) == ("b", start)


def test_a_delta_of_an_unknown_kind_does_no_harm_and_can_be_seen() -> None:
    answer, chunks = read(START, *block({"type": "text", "text": "a"}, {"type": "new_delta", "x": 1}), ending(), STOP)
    assert answer.message.content == "a"
    assert any(chunk.original.get("delta") == {"type": "new_delta", "x": 1} for chunk in chunks)


def test_usage_of_the_start_is_overlaid_by_every_delta_and_null_says_nothing() -> None:
    first = ending(None, usage={"output_tokens": 5, "cache_read_input_tokens": None})
    answer, chunks = read(START, *text("a"), first, ending(usage={"input_tokens": 10, "output_tokens": 7}), STOP)
    assert answer.usage is not None
    assert answer.usage.raw == {"input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 7}
    assert answer.original["usage"] == answer.usage.raw
    assert chunks[-1].usage == answer.usage
    assert (answer.usage.input_tokens, answer.usage.cache_write_tokens) == (110, None)


@pytest.mark.parametrize("nothing", [{}, {"delta": None}])
def test_a_message_delta_without_delta_is_about_usage_alone(nothing: dict[str, Any]) -> None:
    counts = {"type": "message_delta", "usage": {"output_tokens": 7}, **nothing}
    answer, _ = read(START, *text("a"), counts, STOP)
    assert (answer.message.content, answer.message.stop_reason) == ("a", None)
    assert answer.usage is not None
    assert answer.usage.output_tokens == 7


def test_what_stands_beside_the_last_delta_is_part_of_the_message() -> None:
    event = {**ending(container={"id": "c"}), "context_management": {"applied_edits": []}}
    answer, _ = read(START, *text("a"), event, STOP)
    assert answer.original["container"] == {"id": "c"}
    assert answer.original["context_management"] == {"applied_edits": []}


@pytest.mark.parametrize("first", [{"type": "text", "text": ""}, {"type": "thinking", "thinking": ""}])
def test_a_character_cut_in_two_is_handed_over_whole(first: dict[str, Any]) -> None:
    kind = first["type"]
    deltas = [{"type": f"{kind}_delta", kind: piece} for piece in ("a\ud83d", "\ude00b", "\ud83d")]
    answer, chunks = read(START, *block(first, *deltas), ending(), STOP)
    pieces = [chunk.delta or chunk.reasoning for chunk in chunks if chunk.delta or chunk.reasoning]
    assert pieces == ["a", "😀b", "\ufffd"]
    assert (answer.message.content or answer.message.reasoning) == "a😀b\ufffd"


def test_a_character_cut_in_two_within_a_tools_input_is_put_together() -> None:
    answer, chunks = read(START, *tool('{"q":"\ud83d', '\ude00"}'), ending("tool_use"), STOP)
    assert answer.message.tool_calls[0].input == {"q": "😀"}  # type: ignore[index]
    assert fragments(chunks) == {0: '{"q":"😀"}'}


def test_usage_in_the_middle_of_a_text_cuts_no_character() -> None:
    half, other, stop = text("\ud83d", "\ude00")[1:]
    answer, chunks = read(START, text()[0], half, ending(None), other, stop, ending(), STOP)
    assert answer.message.content == "".join(chunk.delta for chunk in chunks) == "😀"


def test_a_half_that_is_held_back_comes_with_the_end_whichever_event_brings_it() -> None:
    for last in ([ending(), STOP], [STOP], [b"[DONE]"], []):
        reader, chunks = fed(START, *text("\ud83d")[:2], *last)
        rest = reader.flush()
        pieces = [chunk.delta for chunk in [*chunks, *([rest] if rest else [])]]
        assert "".join(pieces) == "\ufffd"
        assert reader.answer().message.content == "\ufffd"


PLAIN = st.text(st.characters(codec="utf-8"), max_size=20)


@settings(deadline=None, max_examples=100)
@given(st.lists(PLAIN, max_size=5), st.booleans(), st.booleans(), st.sampled_from(["text", "thinking"]))
def test_the_quick_way_for_plain_deltas_gives_what_the_long_way_gives(
    pieces: list[str], ascii_only: bool, padded: bool, kind: str
) -> None:
    deltas = [{"type": f"{kind}_delta", kind: piece} for piece in pieces]
    events = [START, *block({"type": kind, kind: ""}, *deltas), ending(), STOP]
    quick = [json.dumps(e, separators=(",", ":"), ensure_ascii=ascii_only).encode() + b" " * padded for e in events]
    (answer, chunks), (same, long_way) = read(*quick), read(*(json.dumps(event).encode() for event in events))
    assert answer == same
    assert chunks == long_way
    assert (answer.message.content or answer.message.reasoning or "") == "".join(pieces)


@pytest.mark.parametrize("value", [b"\xff", b"a\nb", b"a\\u00zz", b'"'])
def test_the_quick_way_takes_nothing_that_is_no_json(value: bytes) -> None:
    reader, _ = fed(START, *text("a")[:1])
    with pytest.raises(ProtocolError):
        reader.feed(b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"' + value + b'"}}')


# ---- how streams end


def test_a_stream_is_complete_with_message_stop() -> None:
    reader, _ = fed(START, *text("a"), ending())
    assert (reader.complete, reader.ended) == (True, False)
    reader.feed(compact(STOP))
    assert (reader.complete, reader.ended) == (True, True)


@pytest.mark.parametrize("last", [[], [b"[DONE]"], [b"[DONE] "]])
def test_a_stop_reason_makes_it_complete_also_without_message_stop(last: list[bytes]) -> None:
    answer, _ = read(START, *text("a"), ending(), *last)
    assert answer.message.content == "a"


@pytest.mark.parametrize("last", [[], [b"[DONE]"], [ending(None)]])
def test_a_stream_without_stop_reason_or_message_stop_is_cut(last: list[Any]) -> None:
    reader, _ = fed(START, *text("a"), *last)
    with pytest.raises(StreamError):
        reader.close()
    assert reader.answer().message.content == "a"


def test_a_stream_that_never_began_is_cut() -> None:
    reader, _ = fed()
    with pytest.raises(StreamError):
        reader.close()
    assert reader.answer().message.content == ""


def test_done_alone_ends_a_stream() -> None:
    reader, _ = fed(START, b"[DONE]")
    assert (reader.complete, reader.ended) == (False, True)


ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}


@pytest.mark.parametrize(
    "payload", [compact(ERROR), ErrorPayload(compact(ERROR)), ErrorPayload(compact(ERROR["error"]))]
)
def test_an_error_event_is_raised_and_what_had_arrived_is_there(payload: bytes) -> None:
    reader, _ = fed(START, *text("a")[:2])
    with pytest.raises(OverloadedError, match="HTTP 529: Overloaded"):
        reader.feed(payload)
    partial = reader.answer().message
    assert (partial.content, partial.stop_reason, partial.finish_reason) == ("a", None, "unknown")


@pytest.mark.parametrize(
    ("payload", "status"),
    [(b'{"error":{"message":"m","code":502}}', 502), (ErrorPayload(b"oops"), 500), (b'{"type":"error"}', 500)],
)
def test_errors_of_other_shapes_are_raised_too(payload: bytes, status: int) -> None:
    with pytest.raises(APIStatusError) as raised:
        fed(START, payload)
    assert raised.value.status_code == status


def test_what_had_arrived_of_a_call_is_part_of_a_broken_answer() -> None:
    reader, _ = fed(START, *tool('{"q": ')[:2])
    (call,) = reader.answer().message.tool_calls or ()
    assert call.arguments == '{"q": '


def test_the_events_that_chunks_show_do_not_change_later() -> None:
    start = block({"type": "text", "text": "a", "citations": []}, {"type": "citations_delta", "citation": 1})
    message = {**START, "message": {**START["message"], "content": [{"type": "text", "text": "b"}]}}
    _, chunks = read(message, *start, ending(container={"id": "c"}), STOP)
    assert [chunk.original for chunk in chunks] == [message, start[0], start[1], ending(container={"id": "c"})]


def test_the_answer_so_far_does_not_change_later() -> None:
    reader, _ = fed(START, *block({"type": "text", "text": "a"}, {"type": "citations_delta", "citation": 1})[:2])
    before = reader.answer()
    copy = json.dumps(before.original)
    for event in [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": 2}},
        ending(),
    ]:
        reader.feed(compact(event))
    assert json.dumps(before.original) == copy


def test_a_whole_message_in_one_event_is_the_answer() -> None:
    answer, chunks = read(MESSAGE)
    assert answer == PROTOCOL.read(MESSAGE)
    assert "".join(chunk.delta for chunk in chunks) == "so it is"
    assert chunks[-1].finish_reason == "tool_calls"


def test_a_whole_body_where_a_stream_was_asked_for_is_the_answer() -> None:
    reader = PROTOCOL.reader()
    chunk = reader.body(json.dumps(MESSAGE).encode())
    assert (chunk.delta, chunk.stop_reason) == ("so it is", "tool_use")
    assert reader.close() == PROTOCOL.read(MESSAGE)
    with pytest.raises(OverloadedError):
        PROTOCOL.reader().body(compact(ERROR))
