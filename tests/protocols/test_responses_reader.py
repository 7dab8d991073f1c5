"""Streams of the Responses API: events in, chunks and one answer out, also from servers that do it their own way."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_async._json import dumps
from llm_async._speedups import ErrorPayload, EventDecoder
from llm_async.errors import (
    APIStatusError,
    InternalServerError,
    LLMError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    StreamError,
)
from llm_async.models import StreamChunk
from llm_async.protocols.base import Answer, Reader
from llm_async.protocols.openai_responses import OpenAIResponses
from tests.cuts import every_cut

USAGE = {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}


class Streamed:
    """What came of a stream: its reader, its chunks, and the texts in them."""

    def __init__(self, *events: dict[str, Any] | bytes) -> None:
        self.reader: Reader = OpenAIResponses().reader()
        self.chunks: list[StreamChunk] = []
        for event in events:
            self.feed(event)

    def feed(self, event: dict[str, Any] | bytes) -> StreamChunk | None:
        chunk = self.reader.feed(event if isinstance(event, bytes) else dumps(event))
        if chunk is not None:
            self.chunks.append(chunk)
        return chunk

    def close(self) -> Answer:
        chunk = self.reader.flush()
        if chunk is not None:
            self.chunks.append(chunk)
        return self.reader.close()

    @property
    def text(self) -> str:
        return "".join(chunk.delta for chunk in self.chunks)

    @property
    def pieces(self) -> list[str]:
        return [chunk.delta for chunk in self.chunks if chunk.delta]

    @property
    def reasoning(self) -> str:
        return "".join(chunk.reasoning for chunk in self.chunks)

    @property
    def calls(self) -> dict[int, tuple[str | None, str | None, str]]:
        """Id, name and joined fragments of each call."""
        calls: dict[int, tuple[str | None, str | None, str]] = {}
        for chunk in self.chunks:
            for delta in chunk.tool_call_deltas:
                id_, name, arguments = calls.get(delta.index, (None, None, ""))
                calls[delta.index] = (delta.id or id_, delta.name or name, arguments + delta.arguments)
        return calls

    def assert_chunks_say_what_the_message_says(self) -> None:
        message = self.close().message
        assert self.text == message.content
        assert self.reasoning == (message.reasoning or "")
        calls = {
            place: (call.id, call.name, call.arguments_text) for place, call in enumerate(message.tool_calls or ())
        }
        assert self.calls == calls


def created(**more: Any) -> dict[str, Any]:
    response = {"id": "resp_1", "object": "response", "model": "gpt", "status": "in_progress", "output": [], **more}
    return {"type": "response.created", "response": {**response, "usage": None}}


def added(index: Any, type_: str, **item: Any) -> dict[str, Any]:
    return event("output_item.added", index, item={"type": type_, **item})


def done(index: Any, item: dict[str, Any]) -> dict[str, Any]:
    return event("output_item.done", index, item=item)


def event(kind: str, index: Any = None, **more: Any) -> dict[str, Any]:
    place = {} if index is None else {"output_index": index}
    return {"type": f"response.{kind}", **place, **more}


def text(delta: str, index: Any = 0, part: int = 0, **more: Any) -> dict[str, Any]:
    return event("output_text.delta", index, content_index=part, delta=delta, **more)


def arguments(delta: str, index: Any = 0, **more: Any) -> dict[str, Any]:
    return event("function_call_arguments.delta", index, delta=delta, **more)


def summary(delta: str, index: Any = 0, part: int = 0) -> dict[str, Any]:
    return event("reasoning_summary_text.delta", index, summary_index=part, delta=delta)


def thought(delta: str, index: Any = 0, part: int = 0) -> dict[str, Any]:
    return event("reasoning_text.delta", index, content_index=part, delta=delta)


def message(*texts: str, **more: Any) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": parts, **more}


def function_call(arguments: str = "{}", number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": f"call_{number}",
        "name": "get_weather",
        "arguments": arguments,
        **more,
    }


def reasoning(*summaries: str, content: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": text} for text in summaries],
    }
    if content:
        item["content"] = [{"type": "reasoning_text", "text": text} for text in content]
    return {**item, **more}


def completed(*output: dict[str, Any], kind: str = "completed", **more: Any) -> dict[str, Any]:
    response = {"id": "resp_1", "model": "gpt", "status": kind, "output": [*output], "usage": USAGE, **more}
    return event(kind, response=response)


# ---- the ordinary stream


def ordinary() -> list[dict[str, Any]]:
    """Reasoning, text and a call, as the API itself sends them."""
    thinking = reasoning("so ", "then", encrypted_content="gAAA")
    said = message("héllo 😀", phase="commentary")
    called = function_call('{"city":"Paris"}')
    return [
        created(),
        event("in_progress", response=created()["response"]),
        added(0, "reasoning", id="rs_1", summary=[]),
        event("reasoning_summary_part.added", 0, summary_index=0, part={"type": "summary_text", "text": ""}),
        summary("so "),
        event("reasoning_summary_text.done", 0, summary_index=0, text="so "),
        event("reasoning_summary_part.done", 0, summary_index=0, part={"type": "summary_text", "text": "so "}),
        event("reasoning_summary_part.added", 0, summary_index=1, part={"type": "summary_text", "text": ""}),
        summary("then", part=1),
        event("reasoning_summary_text.done", 0, summary_index=1, text="then"),
        done(0, thinking),
        added(1, "message", id="msg_1", role="assistant", content=[]),
        event("content_part.added", 1, content_index=0, part={"type": "output_text", "text": "", "annotations": []}),
        text("hé", 1, obfuscation="abc", logprobs=[]),
        text("llo ", 1),
        text("😀", 1),
        event("output_text.done", 1, content_index=0, text="héllo 😀"),
        event("content_part.done", 1, content_index=0, part=said["content"][0]),
        done(1, said),
        added(2, "function_call", id="fc_1", call_id="call_1", name="get_weather", arguments=""),
        arguments('{"city"', 2),
        arguments(':"Paris"}', 2),
        event("function_call_arguments.done", 2, arguments='{"city":"Paris"}'),
        done(2, called),
        completed(thinking, said, called),
    ]


def test_an_ordinary_stream_is_the_answer_that_its_last_event_holds() -> None:
    events = ordinary()
    streamed = Streamed(*events)
    answer = streamed.close()
    assert answer.original == events[-1]["response"]
    assert answer == OpenAIResponses().read(events[-1]["response"])
    assert streamed.pieces == ["hé", "llo ", "😀"]
    streamed.assert_chunks_say_what_the_message_says()
    last = streamed.chunks[-1]
    assert (last.stop_reason, last.finish_reason, last.usage) == ("tool_calls", "tool_calls", answer.usage)
    assert last.original == events[-1]
    assert all(chunk.finish_reason is None for chunk in streamed.chunks[:-1])


def test_events_that_say_nothing_to_the_caller_are_no_chunks() -> None:
    streamed = Streamed()
    for quiet in (
        created(),
        event("queued", response=created()["response"]),
        added(0, "message", id="msg_1", content=[]),
        event("content_part.added", 0, content_index=0, part={"type": "output_text", "text": ""}),
        text(""),
        event("web_search_call.searching", 1, item_id="ws_1"),
        event("code_interpreter_call_code.delta", 1, delta="print()"),
        event("mcp_call_arguments.delta", 1, delta="{}"),
        event("apply_patch_call_operation_diff.delta", 1, delta="+"),
        event("shell_call_command.delta", 1, delta="ls"),
        event("audio.transcript.delta", 1, delta="spoken"),
        event("event_from_the_future", 1, delta="x"),
        {"type": "keepalive"},
        {"ping": 1},
    ):
        assert streamed.feed(quiet) is None
    assert streamed.reader.answer().message.content == ""


def test_a_chunk_keeps_its_event_undecoded_until_somebody_looks() -> None:
    payload = dumps(text("hi"))
    chunk = Streamed().feed(payload)
    assert chunk is not None
    assert chunk.original == text("hi")


def test_every_cut_of_the_bytes_gives_the_same_answer_and_the_same_texts() -> None:
    events = ordinary()
    wire = b"".join(b"event: %s\ndata: %s\n\n" % (one["type"].encode(), dumps(one)) for one in events[9:])
    expected = Streamed(*events[9:]).close()
    for pieces in every_cut(wire):
        decoder, streamed = EventDecoder(), Streamed()
        for piece in pieces:
            for payload in decoder.feed(piece):
                streamed.feed(payload)
        assert streamed.close() == expected


# ---- what the final response leaves out


@pytest.mark.parametrize("output", [[], None])
def test_an_empty_final_output_is_made_of_the_done_items(output: Any) -> None:
    events = ordinary()
    items = [one["item"] for one in events if one["type"] == "response.output_item.done"]
    events[-1]["response"]["output"] = output
    streamed = Streamed(*events)
    answer = streamed.close()
    assert answer.original == {**events[0]["response"], **events[-1]["response"], "output": items}
    streamed.assert_chunks_say_what_the_message_says()


def test_items_that_were_never_done_are_made_of_their_deltas() -> None:
    streamed = Streamed(
        created(),
        added(0, "reasoning", id="rs_1", summary=[]),
        summary("one"),
        summary("two", part=1),
        added(1, "message", id="msg_1", role="assistant", content=[], phase="final_answer"),
        text("a", 1, 0),
        text("c", 1, 1),
        text("b", 1, 0),
        event("output_text.annotation.added", 1, content_index=0, annotation_index=0, annotation={"type": "url"}),
        event("refusal.delta", 1, content_index=2, delta="no"),
        added(2, "function_call", id="fc_1", call_id="call_1", name="get_weather", arguments=""),
        arguments('{"a":', 2),
        arguments("1}", 2),
        added(3, "custom_tool_call", id="ctc_1", call_id="call_2", name="sql", input=""),
        event("custom_tool_call_input.delta", 3, delta="SELECT "),
        event("custom_tool_call_input.delta", 3, delta="1"),
        added(4, "mcp_list_tools", id="mcp_1", server_label="s"),
        event("completed", response={"id": "resp_1", "status": "completed", "output": []}),
    )
    answer = streamed.close()
    assert answer.original["output"] == [
        reasoning("one", "two"),
        {
            **message("ab", "c"),
            "phase": "final_answer",
            "content": [
                {"type": "output_text", "text": "ab", "annotations": [{"type": "url"}]},
                {"type": "output_text", "text": "c", "annotations": []},
                {"type": "refusal", "refusal": "no"},
            ],
        },
        function_call('{"a":1}'),
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "sql", "input": "SELECT 1"},
        {"type": "mcp_list_tools", "id": "mcp_1", "server_label": "s"},
    ]
    assert (answer.message.content, answer.message.refusal, answer.message.reasoning) == ("abc", "no", "onetwo")
    assert streamed.calls == {0: ("fc_1", "get_weather", '{"a":1}'), 1: ("ctc_1", "sql", "SELECT 1")}
    assert answer.model == "gpt"


def test_what_a_final_response_without_text_has_lost_is_taken_from_the_stream() -> None:
    streamed = Streamed(
        created(), done(0, message("hello")), done(1, function_call()), completed(message(), function_call())
    )
    assert streamed.close().message.content == "hello"
    streamed = Streamed(created(), done(0, message("hello")), done(1, function_call()), completed(message("hello")))
    assert len(streamed.close().message.tool_calls or []) == 1
    streamed = Streamed(created(), done(0, function_call('{"a":1}')), completed(function_call("")))
    assert [call.arguments for call in streamed.close().message.tool_calls or []] == [{"a": 1}]


def test_a_filter_may_take_back_what_was_streamed() -> None:
    streamed = Streamed(
        created(),
        text("secret"),
        completed(message(), kind="incomplete", incomplete_details={"reason": "content_filter"}),
    )
    result = streamed.close().message
    assert (result.content, result.finish_reason, streamed.text) == ("", "content_filter", "secret")


def test_the_final_words_are_those_of_the_last_event() -> None:
    streamed = Streamed(created(), text("shortened"), completed(message("the whole text")))
    assert streamed.close().message.content == "the whole text"
    assert streamed.text == "shortened"


def test_id_model_and_usage_of_earlier_events_survive_a_final_response_that_lacks_them() -> None:
    final = event("done", response={"status": "completed", "output": [message("a")], "usage": None})
    answer = Streamed(created(), event("in_progress", response={"usage": USAGE}), text("a"), final).close()
    assert (answer.id, answer.model) == ("resp_1", "gpt")
    assert answer.usage is not None
    assert answer.usage.raw == USAGE


# ---- texts without deltas


def part_done(part_text: str, part: int = 0) -> dict[str, Any]:
    return event("content_part.done", 0, content_index=part, part={"type": "output_text", "text": part_text})


@pytest.mark.parametrize(
    "events",
    [
        [event("output_text.done", 0, content_index=0, text="hello")],
        [part_done("hello")],
        [event("output_text.done", 0, content_index=0, text="hello"), part_done("hello"), done(0, message("hello"))],
        [done(0, message("hello"))],
        [done(0, message("hel", "lo"))],
        [part_done("hel", 0), part_done("lo", 1), done(0, message("hel", "lo"))],
        [],
        [text("hel")],
        [text("hel"), event("output_text.done", 0, content_index=0, text="hello")],
        [text("hel"), done(0, message("hello"))],
        [text("hel", part=0), text("lo", part=1), done(0, message("hello"))],
        # vLLM: a content_index for every delta, and the whole text under the last of them, or the next.
        [text("hel", part=0), text("lo", part=1), event("output_text.done", 0, content_index=1, text="hello")],
        [text("hel", part=0), text("lo", part=1), event("output_text.done", 0, content_index=2, text="hello")],
        # What repeats a done item comes after it.
        [text("hello"), done(0, message("hello")), event("output_text.done", 0, content_index=0, text="hello")],
        [done(0, message("hello")), part_done("hello"), done(0, message("hello"))],
    ],
)
def test_text_is_handed_over_once_wherever_it_stands(events: list[dict[str, Any]]) -> None:
    for final in (completed(message("hello")), completed()):
        if not events and not final["response"]["output"]:
            continue
        streamed = Streamed(created(), *events, final)
        assert streamed.text == "hello" or not final["response"]["output"]
        streamed.assert_chunks_say_what_the_message_says()


@pytest.mark.parametrize(
    "events",
    [
        [summary("so"), done(0, reasoning("so"))],
        [summary("s"), summary("o", part=1), done(0, reasoning("s", "o"))],
        [event("reasoning_summary_text.done", 0, summary_index=0, text="so")],
        [event("reasoning_summary_part.done", 0, summary_index=0, part={"type": "summary_text", "text": "so"})],
        [done(0, reasoning("so"))],
        [thought("so"), done(0, reasoning(content=("so",)))],
        [event("reasoning_text.done", 0, content_index=0, text="so"), done(0, reasoning(content=("so",)))],
        [event("content_part.done", 0, content_index=0, part={"type": "reasoning_text", "text": "so"})],
        [event("reasoning_part.done", 0, content_index=0, part={"type": "reasoning_text", "text": "so"})],
        [event("reasoning.delta", 0, delta="so")],
        [event("reasoning.delta", 0, delta={"text": "so"})],
        [event("reasoning_summary.delta", 0, delta={"text": "so"})],
        # A summary and what it sums up: one of them, and the summary where it comes first.
        [summary("so"), thought("long"), done(0, reasoning("so", content=("long",)))],
        [summary("so"), thought("long")],
        [],
    ],
)
def test_reasoning_is_handed_over_once_wherever_it_stands(events: list[dict[str, Any]]) -> None:
    kept = [one["item"] for one in events if one["type"] == "response.output_item.done"]
    final = completed(*(kept or [reasoning("so")]), message("x"))
    streamed = Streamed(created(), *events, final)
    assert (streamed.reasoning, streamed.text) == ("so", "x")
    streamed.assert_chunks_say_what_the_message_says()


CALL = {"id": "fc_1", "call_id": "call_1", "name": "get_weather"}


@pytest.mark.parametrize(
    "events",
    [
        [added(0, "function_call", **CALL, arguments=""), arguments('{"a"'), arguments(":1}")],
        [added(0, "function_call", **CALL), event("function_call_arguments.done", 0, arguments='{"a":1}')],
        [added(0, "function_call", **CALL), done(0, function_call('{"a":1}'))],
        [added(0, "function_call", **CALL, arguments='{"a":1}'), done(0, function_call('{"a":1}'))],
        [added(0, "function_call", **CALL, arguments='{"a":1}'), arguments('{"a":1}')],
        [done(0, function_call('{"a":1}'))],
        [arguments('{"a":1}'), done(0, function_call('{"a":1}'))],
        [arguments('{"a":1}'), event("function_call_arguments.done", 0, name="get_weather", arguments='{"a":1}')],
        [added(0, "function_call", **CALL), arguments('{"a"'), done(0, function_call('{"a":1}'))],
        [added(0, "function_call", **CALL), arguments('{"a":1}'), done(0, function_call(""))],
        [],
    ],
)
def test_arguments_are_handed_over_once_wherever_they_stand(events: list[dict[str, Any]]) -> None:
    streamed = Streamed(created(), *events, completed(function_call('{"a":1}')))
    streamed.assert_chunks_say_what_the_message_says()


def test_the_name_of_a_call_comes_before_its_arguments() -> None:
    streamed = Streamed()
    chunk = streamed.feed(added(0, "function_call", **CALL, arguments=""))
    assert chunk is not None
    (delta,) = chunk.tool_call_deltas
    assert (delta.index, delta.id, delta.name, delta.arguments) == (0, "fc_1", "get_weather", "")


# ---- which item an event is about


def test_items_that_are_open_at_the_same_time_do_not_mix() -> None:
    streamed = Streamed(
        created(),
        added(0, "function_call", **CALL),
        added(1, "function_call", id="fc_2", call_id="call_2", name="get_time"),
        arguments('{"a"', 0),
        arguments('{"b"', 1),
        arguments(":1}", 0),
        arguments(":2}", 1),
        done(1, function_call('{"b":2}', 2, name="get_time")),
        done(0, function_call('{"a":1}', 1)),
        completed(),
    )
    assert streamed.calls == {0: ("fc_1", "get_weather", '{"a":1}'), 1: ("fc_2", "get_time", '{"b":2}')}
    streamed.assert_chunks_say_what_the_message_says()


def test_ids_that_change_with_every_event_do_not_matter() -> None:
    streamed = Streamed(
        created(),
        added(0, "message", id="a", content=[]),
        text("he", item_id="b"),
        text("llo", item_id="c"),
        done(0, message("hello", id="d")),
        completed(message("hello", id="e")),
    )
    assert streamed.pieces == ["he", "llo"]
    streamed.assert_chunks_say_what_the_message_says()


def test_gaps_between_indices_do_not_matter() -> None:
    streamed = Streamed(created(), text("a", 3), text("b", 7), completed())
    assert streamed.close().message.content == "ab"


def test_items_that_all_have_the_same_index_are_told_apart() -> None:
    streamed = Streamed(
        created(),
        added(0, "message", id="msg_1", content=[]),
        summary("so"),
        text("hello"),
        added(0, "function_call", **CALL),
        arguments('{"a":1}'),
        done(0, function_call('{"a":1}')),
        added(0, "function_call", id="fc_2", call_id="call_2", name="get_time"),
        arguments('{"b":2}'),
        done(0, function_call('{"b":2}', 2, name="get_time")),
        done(0, message("hello")),
        done(0, function_call('{"c":3}', 3)),
        completed(),
    )
    assert [call.arguments for call in streamed.close().message.tool_calls or []] == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert (streamed.text, streamed.reasoning) == ("hello", "so")
    streamed.assert_chunks_say_what_the_message_says()


def test_calls_that_are_open_at_one_index_are_told_apart_by_their_ids() -> None:
    streamed = Streamed(
        created(),
        added(0, "function_call", **CALL),
        added(0, "function_call", id="fc_2", call_id="call_2", name="get_time"),
        arguments('{"a"', item_id="fc_1"),
        arguments('{"b"', item_id="fc_2"),
        arguments(":1}", item_id="fc_1"),
        arguments(":2}", item_id="fc_2"),
        done(0, function_call('{"a":1}')),
        completed(),
    )
    assert [call.arguments for call in streamed.close().message.tool_calls or []] == [{"a": 1}, {"b": 2}]
    streamed.assert_chunks_say_what_the_message_says()


def test_an_item_that_is_announced_twice_is_one_item() -> None:
    call = {"call_id": "call_1", "name": "get_weather"}
    streamed = Streamed(
        created(),
        added(0, "function_call", **call),
        added(0, "function_call", **call),
        arguments('{"a":1}'),
        done(0, {"type": "function_call", **call, "arguments": '{"a":1}'}),
        completed(),
    )
    assert streamed.calls == {0: ("call_1", "get_weather", '{"a":1}')}
    streamed.assert_chunks_say_what_the_message_says()


def test_an_empty_delta_begins_no_item() -> None:
    streamed = Streamed(created(), done(0, function_call('{"a":1}')), arguments(""), text(""), completed())
    assert [item["type"] for item in streamed.close().original["output"]] == ["function_call"]
    streamed.assert_chunks_say_what_the_message_says()


def test_events_without_an_index_belong_to_the_item_that_is_open() -> None:
    streamed = Streamed(
        created(),
        added(None, "message", id="msg_1", content=[]),
        text("hello", None),
        done(None, message("hello")),
        added(None, "function_call", **CALL),
        arguments('{"a":1}', None),
        event("function_call_arguments.done", None, arguments='{"a":1}'),
        done(None, function_call('{"a":1}')),
        completed(),
    )
    assert streamed.pieces == ["hello"]
    streamed.assert_chunks_say_what_the_message_says()


def test_the_index_of_a_delta_is_the_place_in_the_final_calls() -> None:
    streamed = Streamed(
        created(),
        added(1, "function_call", id="fc_2", call_id="call_2", name="get_weather"),
        added(0, "function_call", **CALL),
        done(1, function_call('{"b":2}', 2)),
        done(0, function_call('{"a":1}', 1)),
        completed(function_call('{"a":1}', 1), function_call('{"b":2}', 2)),
    )
    assert [call.id for call in streamed.close().message.tool_calls or []] == ["fc_2", "fc_1"]
    streamed.assert_chunks_say_what_the_message_says()


def test_a_custom_call_that_the_provider_runs_is_marked() -> None:
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "xs_1", "name": "x_search", "input": "{}"}
    tools = [{"type": "x_search"}]
    streamed = Streamed(
        created(tools=tools), done(0, item), text("found", 1), completed(item, message("found"), tools=tools)
    )
    result = streamed.close().message
    assert [call.type for call in result.tool_calls or []] == ["server_tool_use"]
    assert result.finish_reason == "stop"
    streamed.assert_chunks_say_what_the_message_says()


# ---- other servers' words


def test_a_content_part_delta_is_text_or_what_its_part_began_as() -> None:
    def part(kind: str, index: int) -> dict[str, Any]:
        return event("content_part.added", index, content_index=0, part={"type": kind})

    def delta(piece: str, index: int) -> dict[str, Any]:
        return event("content_part.delta", index, content_index=0, delta=piece)

    streamed = Streamed(
        created(),
        part("reasoning_text", 0),
        delta("so", 0),
        part("output_text", 1),
        delta("hel", 1),
        delta("lo", 1),
        part("refusal", 2),
        delta("no", 2),
        event("done", response={"id": "resp_1", "status": "completed", "usage": USAGE}),
        b"[DONE]",
    )
    result = streamed.close().message
    assert (result.content, result.reasoning, result.refusal) == ("hello", "so", "no")
    assert (streamed.text, streamed.reasoning) == ("hello", "so")


def test_a_text_delta_may_be_wrapped() -> None:
    streamed = Streamed(created(), {**text(""), "delta": {"text": "hello"}}, completed())
    assert streamed.text == "hello"
    streamed.assert_chunks_say_what_the_message_says()


def test_a_final_response_with_output_text_alone_is_an_answer() -> None:
    streamed = Streamed(event("completed", response={"id": "resp_1", "status": "completed", "output_text": "hello"}))
    assert streamed.text == "hello"
    streamed.assert_chunks_say_what_the_message_says()


def test_a_whole_response_as_the_only_event_is_an_answer() -> None:
    streamed = Streamed({"id": "resp_1", "object": "response", "status": "completed", "output": [message("hello")]})
    assert streamed.text == "hello"
    streamed.assert_chunks_say_what_the_message_says()


def test_a_body_instead_of_a_stream_is_one_chunk() -> None:
    reader = OpenAIResponses().reader()
    chunk = reader.body(dumps({"id": "resp_1", "status": "completed", "output": [message("a"), function_call()]}))
    assert (chunk.delta, chunk.tool_call_deltas[0].id, chunk.finish_reason) == ("a", "fc_1", "tool_calls")
    assert reader.close().message.content == "a"


# ---- half characters


def test_a_character_cut_in_two_is_handed_over_whole() -> None:
    streamed = Streamed(
        rb'{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a\ud83d"}',
        rb'{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"\ude00b"}',
    )
    assert streamed.pieces == ["a", "😀b"]


@pytest.mark.parametrize("final", [completed(), completed(message("a\ufffd")), completed(message("a😀"))])
def test_half_a_character_at_the_end_of_a_text_is_settled_by_the_end(final: dict[str, Any]) -> None:
    half = rb'{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a\ud83d"}'
    streamed = Streamed(created(), half, final)
    streamed.assert_chunks_say_what_the_message_says()
    assert len(streamed.text) == 2


def test_half_a_character_at_the_end_of_a_broken_stream_is_the_replacement_character() -> None:
    half = rb'{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a\ud83d"}'
    streamed = Streamed(created(), half)
    with pytest.raises(StreamError):
        streamed.close()
    assert streamed.text == "a\ufffd"
    assert streamed.reader.answer().message.content == "a\ufffd"


# ---- the end


def test_a_stream_without_its_end_is_an_error_that_keeps_what_had_arrived() -> None:
    streamed = Streamed(created(), text("hel"), added(1, "function_call", **CALL), arguments('{"a', 1))
    assert not streamed.reader.complete
    with pytest.raises(StreamError):
        streamed.close()
    partial = streamed.reader.answer()
    assert (partial.message.content, partial.message.finish_reason, partial.message.stop_reason) == (
        "hel",
        "unknown",
        None,
    )
    (call,) = partial.message.tool_calls or []
    assert (call.arguments, call.incomplete) == ('{"a', True)
    assert partial.id == "resp_1"


def test_nothing_at_all_is_an_error_and_an_empty_message() -> None:
    streamed = Streamed()
    with pytest.raises(StreamError):
        streamed.close()
    assert streamed.reader.answer().message.content == ""


def test_an_incomplete_response_is_a_normal_end() -> None:
    streamed = Streamed(
        created(),
        text("hel"),
        completed(message("hel"), kind="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    )
    result = streamed.close().message
    assert (result.content, result.stop_reason, result.finish_reason) == ("hel", "length", "length")
    assert streamed.reader.ended


def test_a_final_event_without_a_status_says_it_itself() -> None:
    answer = Streamed(created(), text("a"), event("incomplete", response={"output": [message("a")]})).close()
    assert answer.original["status"] == "incomplete"
    answer = Streamed(created(), text("a"), event("completed")).close()
    assert (answer.original["status"], answer.message.finish_reason) == ("completed", "stop")


@pytest.mark.parametrize("end", [event("cancelled"), completed(message("hel"), kind="cancelled"), event("done", response={"status": "cancelled"})])  # fmt: skip
def test_a_cancelled_stream_is_not_complete(end: dict[str, Any]) -> None:
    streamed = Streamed(created(), text("hel"), end)
    assert streamed.reader.ended
    with pytest.raises(StreamError):
        streamed.close()
    assert streamed.reader.answer().message.content == "hel"
    assert streamed.reader.answer().message.finish_reason == "error"


def test_done_after_the_end_changes_nothing() -> None:
    streamed = Streamed(*ordinary())
    before = len(streamed.chunks)
    assert streamed.feed(b"[DONE] ") is None
    assert streamed.feed(event("done", response={"status": "completed"})) is None
    assert len(streamed.chunks) == before
    streamed.assert_chunks_say_what_the_message_says()


def test_done_alone_completes_a_stream_whose_items_are_done() -> None:
    streamed = Streamed(created(), text("hello"), done(0, message("hello", status="completed")), b"[DONE]")
    answer = streamed.close()
    assert (answer.original["status"], answer.message.finish_reason) == ("completed", "stop")
    assert streamed.chunks[-1].finish_reason == "stop"
    assert streamed.chunks[-1].original == {}
    streamed = Streamed(created(), done(0, message("hel", status="incomplete")), b"[DONE]")
    assert streamed.close().message.finish_reason == "length"


@pytest.mark.parametrize("events", [[], [created()], [created(), text("hel")], [done(0, message("a")), text("b", 1)]])
def test_done_alone_does_not_complete_a_stream_with_open_items(events: list[dict[str, Any]]) -> None:
    streamed = Streamed(*events, b"[DONE]")
    assert streamed.reader.ended
    with pytest.raises(StreamError):
        streamed.close()


# ---- errors


@pytest.mark.parametrize(
    ("failure", "class_", "status"),
    [
        ({"type": "error", "code": "server_error", "message": "boom", "param": None}, InternalServerError, 500),
        ({"type": "error", "error": {"type": "x", "code": "rate_limit_exceeded", "message": "m"}}, RateLimitError, 429),
        ({"type": "response.error", "error": {"code": "overloaded_error", "message": "m"}}, OverloadedError, 529),
        (event("failed", response={"status": "failed", "error": {"code": "server_error"}}), InternalServerError, 500),
        (event("failed", response=None), InternalServerError, 500),
        (event("completed", response={"status": "failed", "error": {"code": "server_error"}}), InternalServerError, 500),
        ({"error": {"code": 502, "message": "upstream"}}, InternalServerError, 502),
        ({"type": "upstream_error", "error": {"code": 502, "message": "upstream"}}, InternalServerError, 502),
        ({"id": "resp_1", "status": "failed", "output": [], "error": {"code": "server_error"}}, InternalServerError, 500),
    ],
)  # fmt: skip
def test_an_error_in_the_stream_is_raised_with_its_meaning(
    failure: dict[str, Any], class_: type[APIStatusError], status: int
) -> None:
    streamed = Streamed(created(), text("hel"))
    with pytest.raises(class_) as caught:
        streamed.feed(failure)
    assert (caught.value.status_code, caught.value.body) == (status, failure)
    assert streamed.reader.answer().message.content == "hel"
    assert not streamed.reader.complete


def test_an_event_named_error_is_one_whatever_it_holds() -> None:
    for payload in (b"not JSON", b'{"message":"boom"}', b'{"error":{"message":"boom"}}'):
        with pytest.raises(APIStatusError):
            Streamed().feed(ErrorPayload(payload))


def test_an_error_after_the_end_is_raised() -> None:
    streamed = Streamed(*ordinary())
    with pytest.raises(InternalServerError):
        streamed.feed({"type": "error", "code": "server_error", "message": "late"})


def test_a_failed_tool_of_the_provider_is_not_an_error_of_the_stream() -> None:
    assert Streamed().feed(event("mcp_call.failed", 0, error={"message": "tool broke"})) is None


@pytest.mark.parametrize("payload", [b"nonsense", b"[1]", b'"text"', b'{"type":'])
def test_an_event_that_is_no_json_object_is_a_protocol_error(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        Streamed().feed(payload)


# ---- anything at all


KINDS = sorted({one["type"] for one in ordinary()} | {"response.done", "response.content_part.delta", "error"})
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from(["", "a", "message", "function_call"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["type", "text", "id", "output", "status", "annotations", "content", "name"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["delta", "output_index", "content_index", "item_id", "item", "part", "response", "text", "error", "annotation"]
)
ODD = st.builds(
    lambda kind, fields: {**fields, "type": kind},
    st.one_of(st.sampled_from(KINDS), VALUES),
    st.dictionaries(FIELDS, VALUES, max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(ODD, st.sampled_from(ordinary()))))
def test_no_event_however_odd_raises_anything_but_our_errors(events: list[dict[str, Any]]) -> None:
    streamed = Streamed()
    for one in events:
        try:
            streamed.feed(one)
        except LLMError:
            break
    assert isinstance(streamed.reader.answer().message.content, str)
    streamed.reader.flush()


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1), st.data())
def test_a_text_cut_anywhere_is_the_same_text(whole: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [whole[start:end] for start, end in pairwise([0, *cuts, len(whole)])]
    streamed = Streamed(created(), *(text(piece) for piece in pieces), completed(message(whole)))
    streamed.assert_chunks_say_what_the_message_says()
    assert streamed.text == whole
