"""Gemini's answers, whole and streamed: odd bodies in, messages and chunks out."""

from __future__ import annotations

import json
import pickle
import re
from typing import Any

import pytest

from llm_async._speedups import EventDecoder
from llm_async.errors import OverloadedError, ProtocolError, RateLimitError, StreamError
from llm_async.models import StreamChunk, ToolCallDelta
from llm_async.protocols.base import Answer
from llm_async.protocols.gemini import Gemini
from tests.cuts import every_cut

MADE_UP = re.compile(r"call_[0-9a-f]{24}")
COUNTS = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}


def event(*parts: dict[str, Any], stop: Any = None, usage: Any = None, **more: Any) -> dict[str, Any]:
    """One response of a stream with one candidate."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if stop is not None:
        candidate["finishReason"] = stop
    return {"candidates": [candidate], **({} if usage is None else {"usageMetadata": usage}), **more}


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"text": value, **more}


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in events)


def read(body: bytes | list[bytes]) -> tuple[list[StreamChunk], Answer]:
    """The chunks of a stream, and the answer at its end."""
    decoder, reader = EventDecoder(), Gemini().reader()
    payloads = [payload for piece in ([body] if isinstance(body, bytes) else body) for payload in decoder.feed(piece)]
    chunks = [reader.feed(payload) for payload in [*payloads, *decoder.close()]]
    chunks.append(reader.flush())
    return [chunk for chunk in chunks if chunk is not None], reader.close()


def streamed(*events: Any) -> tuple[list[StreamChunk], Answer]:
    return read(sse(*events))


# ---- whole answers


def test_a_whole_answer_is_a_message() -> None:
    body = {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [text("hm", thought=True), text("Hel"), text("lo", thoughtSignature="s")],
                },
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {
            **COUNTS,
            "thoughtsTokenCount": 2,
            "cachedContentTokenCount": 4,
            "toolUsePromptTokenCount": 1,
        },
        "modelVersion": "gemini-3-flash",
        "responseId": "r1",
    }
    answer = Gemini().read_body(json.dumps(body).encode())
    assert answer.original == body
    assert (answer.id, answer.model) == ("r1", "gemini-3-flash")
    message = answer.message
    assert (message.role, message.content, message.reasoning, message.tool_calls) == ("assistant", "Hello", "hm", None)
    assert (message.stop_reason, message.finish_reason) == ("STOP", "stop")
    assert message.original == {"role": "assistant", "parts": body["candidates"][0]["content"]["parts"]}
    usage = answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (6, 5, 8)
    assert (usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens) == (4, None, 2)
    assert usage.raw == body["usageMetadata"]


def test_counts_that_were_not_given_are_none() -> None:
    answer = Gemini().read(event(text("a"), usage={"trafficType": "ON_DEMAND"}))
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (None, None, None)
    assert Gemini().read(event(text("a"))).usage is None


def test_calls_keep_the_apis_id_or_get_one_that_no_other_turn_has() -> None:
    body = event(
        {"functionCall": {"id": "x1", "name": "f", "args": {"a": 1}}}, {"functionCall": {"name": "g"}}, stop="STOP"
    )
    calls = [Gemini().read(body).message.tool_calls or [] for _ in range(2)]
    for first, second in calls:
        assert (first.id, first.type, first.name, first.input) == ("x1", "function", "f", None)
        assert first.function == {"name": "f", "arguments": {"a": 1}}
        assert MADE_UP.fullmatch(second.id)
        assert second.function == {"name": "g", "arguments": {}}
    assert calls[0][1].id != calls[1][1].id


@pytest.mark.parametrize(
    ("native", "unified"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("LANGUAGE", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("IMAGE_OTHER", "content_filter"),
        ("CONTINUATION", "pause"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("UNEXPECTED_TOOL_CALL", "error"),
        ("MISSING_THOUGHT_SIGNATURE", "error"),
        ("NO_IMAGE", "error"),
        ("OTHER", "error"),
        ("FINISH_REASON_UNSPECIFIED", "unknown"),
        ("WORD_FROM_THE_FUTURE", "unknown"),
        (1, "stop"),
        (2, "length"),
        (3, "content_filter"),
        (5, "error"),
        (99, "unknown"),
    ],
)
def test_every_finish_reason_has_a_meaning_whole_and_streamed(native: Any, unified: str) -> None:
    body = event(text("a"), stop=native)
    chunks, answer = streamed(body)
    for said in (Gemini().read(body).message, answer.message, chunks[-1]):
        assert (said.stop_reason, said.finish_reason) == (native, unified)


@pytest.mark.parametrize(("native", "unified"), [("STOP", "tool_calls"), ("MAX_TOKENS", "length"), ("OTHER", "error")])
def test_a_call_makes_a_stop_a_stop_for_tools_and_nothing_else(native: str, unified: str) -> None:
    body = event({"functionCall": {"name": "f", "args": {"a": 1}}}, stop=native)
    chunks, answer = streamed(body)
    assert (
        Gemini().read(body).message.finish_reason == answer.message.finish_reason == chunks[-1].finish_reason == unified
    )


def test_a_call_without_arguments_is_not_to_be_run_when_the_tokens_ran_out() -> None:
    for stop, incomplete in (("MAX_TOKENS", True), ("STOP", False)):
        calls = Gemini().read(event({"functionCall": {"name": "f"}}, stop=stop)).message.tool_calls
        assert calls is not None
        assert calls[0].incomplete is incomplete


@pytest.mark.parametrize("more", [{}, {"candidates": []}, {"usageMetadata": COUNTS}])
def test_a_blocked_prompt_is_an_answer_whole_and_streamed(more: dict[str, Any]) -> None:
    body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, **more}
    chunks, answer = streamed(body)
    assert answer.original == body
    assert [(chunk.content, chunk.finish_reason) for chunk in chunks] == [("", "content_filter")]
    for message in (Gemini().read(body).message, answer.message):
        assert (message.content, message.stop_reason, message.finish_reason) == ("", None, "content_filter")
        assert message.original == {"role": "assistant", "parts": []}


@pytest.mark.parametrize(
    "candidate",
    [
        {"finishReason": "SAFETY"},
        {"finishReason": "SAFETY", "content": None},
        {"finishReason": "SAFETY", "content": {"role": "model"}},
        {"finishReason": "SAFETY", "content": {"role": "model", "parts": None}},
    ],
)
def test_a_candidate_may_have_nothing_to_say(candidate: dict[str, Any]) -> None:
    body = {"candidates": [candidate]}
    for answer in (Gemini().read(body), streamed(body)[1]):
        assert (answer.message.content, answer.message.finish_reason) == ("", "content_filter")


def test_candidate_0_speaks_wherever_it_stands() -> None:
    candidates = [{"index": 1, "content": {"parts": [text("B")]}}, {"content": {"parts": [text("A")]}}]
    assert Gemini().read({"candidates": candidates}).message.content == "A"


BAD_BODIES = [
    {},
    {"this": "is no answer"},
    {"candidates": {}},
    {"candidates": ["a"]},
    {"candidates": [{"content": "a"}]},
    {"candidates": [{"content": {"parts": {"text": "a"}}}]},
    {"candidates": [{"content": {"parts": ["a"]}}]},
    {"candidates": [{"content": {"parts": [{"text": 1}]}}]},
    {"candidates": [{"content": {"parts": [{"functionCall": "f"}]}}]},
    {"candidates": [{"content": {"parts": [{"functionCall": {"args": {}}}]}}]},
    {"candidates": [{"content": {"parts": [{"functionCall": {"name": 1}}]}}]},
    {"candidates": [], "usageMetadata": 3},
    {"promptFeedback": "no"},
]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_body_that_is_none_of_the_apis_is_a_protocol_error(body: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        Gemini().read(body)


@pytest.mark.parametrize("body", BAD_BODIES[2:])
def test_an_event_that_is_none_of_the_apis_is_a_protocol_error_and_what_came_before_stays(body: dict[str, Any]) -> None:
    reader = Gemini().reader()
    reader.feed(json.dumps(event(text("so far"))).encode())
    with pytest.raises(ProtocolError):
        reader.feed(json.dumps(body).encode())
    assert reader.answer().message.content == "so far"


ERROR = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize("body", [ERROR, [ERROR], [event(text("a")), ERROR]])
def test_an_error_in_a_whole_body_is_raised(body: Any) -> None:
    with pytest.raises(OverloadedError, match="overloaded"):
        Gemini().read_body(json.dumps(body).encode())


# ---- a stream without SSE


def test_an_array_is_read_like_the_stream_that_it_is() -> None:
    events = [event(text("Hel"), responseId="r1"), event(text("lo"), stop="STOP", usage=COUNTS)]
    body = json.dumps(events, indent=1).encode()
    answer = Gemini().read_body(body)
    assert (answer.message.content, answer.id) == ("Hello", "r1")
    chunks, streamed_answer = read(body)
    assert [chunk.content for chunk in chunks] == ["Hel", "lo"]
    assert streamed_answer == answer
    chunk = Gemini().reader().body(body)
    assert (chunk.content, chunk.finish_reason) == ("Hello", "stop")


def test_an_array_in_one_event_is_several_events() -> None:
    chunks, answer = streamed([event(text("a")), event(text("b"), stop="STOP")])
    assert [(chunk.content, chunk.finish_reason) for chunk in chunks] == [("ab", "stop")]
    assert answer.message.content == "ab"


def test_an_array_without_the_answers_end_is_no_answer() -> None:
    with pytest.raises(StreamError):
        Gemini().read_body(json.dumps([event(text("a"))]).encode())


# ---- streams


ODD_STREAM = sse(
    event(text("**Plan**", thought=True), usage={"trafficType": "ON_DEMAND"}, responseId="r1"),
    event(text("Grüße ", thought=False), text("an 😀")),
    event(text(" alle"), usage={"promptTokenCount": 5}),
    event({"functionCall": {"name": "f", "args": {"q": "é"}}, "thoughtSignature": "s"}, text("")),
    event(text("", thoughtSignature="t"), stop="STOP", usage=COUNTS),
)


def test_a_stream_is_the_same_however_it_is_cut() -> None:
    _, expected = read(ODD_STREAM)
    assert expected.message.content == "Grüße an 😀 alle"
    assert expected.message.reasoning == "**Plan**"
    for pieces in every_cut(ODD_STREAM):
        chunks, answer = read(pieces)
        for call in (answer.message.tool_calls or []) + (expected.message.tool_calls or []):
            call.id = "same"
        assert answer == expected
        assert "".join(chunk.delta for chunk in chunks) == expected.message.content
        assert "".join(chunk.reasoning for chunk in chunks) == expected.message.reasoning


def test_the_whole_body_of_a_stream_is_what_no_stream_would_have_sent() -> None:
    _, answer = read(ODD_STREAM)
    parts = [
        text("**Plan**", thought=True),
        text("Grüße an 😀 alle", thought=False),
        {"functionCall": {"name": "f", "args": {"q": "é"}}, "thoughtSignature": "s"},
        text("", thoughtSignature="t"),
    ]
    assert answer.original == {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {"trafficType": "ON_DEMAND", **COUNTS},
        "responseId": "r1",
    }
    assert answer.message.original == {"role": "assistant", "parts": parts}
    assert pickle.loads(pickle.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("pieces", "parts"),
    [
        ([text("a"), text("b")], [text("ab")]),
        ([text("a"), text(""), text("b")], [text("ab")]),
        ([text("a", thought=True), text("b")], [text("a", thought=True), text("b")]),
        ([text("a"), text("", thought=True), text("b")], [text("ab")]),
        ([text("a"), text("b", thoughtSignature="s")], [text("a"), text("b", thoughtSignature="s")]),
        ([text("a", thoughtSignature="s"), text("b")], [text("a", thoughtSignature="s"), text("b")]),
        ([text("a"), text("", thoughtSignature="s")], [text("a"), text("", thoughtSignature="s")]),
        ([text("a"), text("b", thoughtSignature=None)], [text("ab")]),
        ([text("a"), {"inlineData": {"data": "x"}}, text("b")], [text("a"), {"inlineData": {"data": "x"}}, text("b")]),
    ],
)
def test_only_plain_text_of_one_kind_becomes_one_part(
    pieces: list[dict[str, Any]], parts: list[dict[str, Any]]
) -> None:
    _, apart = streamed(*[event(piece) for piece in pieces], event(stop="STOP"))
    _, together = streamed(event(*pieces, stop="STOP"))
    assert apart.original["candidates"][0]["content"]["parts"] == parts
    assert together.original["candidates"][0]["content"]["parts"] == parts


def test_an_event_that_says_nothing_is_not_handed_over() -> None:
    chunks, _ = streamed(
        event(text(""), usage={"trafficType": "ON_DEMAND"}),
        {"usageMetadata": COUNTS, "modelVersion": "m"},
        {"promptFeedback": {"safetyRatings": []}},
        event(text("a")),
        event(stop="STOP"),
        {"usageMetadata": COUNTS},
    )
    assert [(chunk.content, chunk.finish_reason) for chunk in chunks] == [("a", None), ("", "stop"), ("", "stop")]
    assert chunks[-1].usage is not None


def test_a_part_that_is_no_text_is_handed_over_as_the_event_it_is() -> None:
    image = event({"inlineData": {"mimeType": "image/png", "data": "AA"}})
    chunks, answer = streamed(image, event(stop="STOP"))
    assert chunks[0].original == image
    assert (answer.message.content, answer.message.finish_reason) == ("", "stop")


def test_a_call_is_one_fragment_of_json() -> None:
    chunks, answer = streamed(
        event(
            {"functionCall": {"id": "x1", "name": "f", "args": {"a": [1]}}},
            {"functionCall": {"name": "g", "args": None}},
        ),
        event({"functionCall": {"id": "x3", "name": "f", "args": {}}}, stop="STOP"),
    )
    assert answer.message.tool_calls is not None
    ids = [call.id for call in answer.message.tool_calls]
    assert MADE_UP.fullmatch(ids[1])
    deltas = [delta for chunk in chunks for delta in chunk.tool_call_deltas]
    assert [(delta.index, delta.id, delta.name, json.loads(delta.arguments)) for delta in deltas] == [
        (0, "x1", "f", {"a": [1]}),
        (1, ids[1], "g", {}),
        (2, "x3", "f", {}),
    ]


def test_a_late_event_takes_nothing_away() -> None:
    _, answer = streamed(
        event(text("a"), promptFeedback={"safetyRatings": [1]}),
        event(text("b"), stop="MAX_TOKENS", usage=COUNTS),
        {
            "candidates": [{"content": {"parts": []}, "finishReason": None, "groundingMetadata": {}}],
            "usageMetadata": {"promptTokenCount": None, "totalTokenCount": 9},
            "modelVersion": None,
            "promptFeedback": {"safetyRatings": [2]},
        },
        {"candidates": [{"finishReason": "FINISH_REASON_UNSPECIFIED"}]},
    )
    assert (answer.message.content, answer.message.stop_reason) == ("ab", "MAX_TOKENS")
    assert answer.original["usageMetadata"] == {**COUNTS, "totalTokenCount": 9}
    assert answer.original["promptFeedback"] == {"safetyRatings": [1]}


def test_a_reason_in_every_event_ends_nothing() -> None:
    chunks, answer = streamed(
        event(text("a"), stop="STOP"), event(text("b"), stop="STOP"), event(text("c"), stop="SAFETY")
    )
    assert answer.message.content == "".join(chunk.delta for chunk in chunks) == "abc"
    assert (answer.message.stop_reason, chunks[-1].stop_reason) == ("SAFETY", "SAFETY")


def test_citations_and_log_probabilities_come_in_pieces_and_grounding_does_not() -> None:
    def piece(number: int, stop: str | None = None) -> dict[str, Any]:
        made = event(text("a"), stop=stop)
        made["candidates"][0] |= {
            "citationMetadata": {"citations": [{"uri": "all"}, {"uri": str(number)}]},
            "logprobsResult": {"chosenCandidates": [{"token": "a"}]},
            "groundingMetadata": {"webSearchQueries": [number]} if number == 1 else {},
        }
        return made

    candidate = streamed(piece(0), piece(1), piece(2, "STOP"))[1].original["candidates"][0]
    assert candidate["citationMetadata"] == {"citations": [{"uri": uri} for uri in ("all", "0", "1", "2")]}
    assert candidate["logprobsResult"] == {"chosenCandidates": [{"token": "a"}] * 3}
    assert candidate["groundingMetadata"] == {"webSearchQueries": [1]}


def test_candidates_are_told_apart_by_their_index() -> None:
    def of(index: int, value: str, stop: str | None = None) -> dict[str, Any]:
        return {"candidates": [{**event(text(value), stop=stop)["candidates"][0], "index": index}]}

    events = [of(1, "x"), of(0, "a"), of(1, "y", "STOP"), of(0, "b", "STOP")]
    chunks, answer = streamed(*events)
    assert answer.message.content == "".join(chunk.delta for chunk in chunks) == "ab"
    assert [candidate["index"] for candidate in answer.original["candidates"]] == [0, 1]
    assert answer.original["candidates"][1]["content"]["parts"] == [text("xy")]
    with pytest.raises(StreamError):
        streamed(*events[:3])


def test_halves_of_a_character_are_joined_over_events_and_a_lone_one_is_replaced() -> None:
    chunks, answer = streamed(event(text("a\ud83d")), event(text("\ude00b")), event(text("\ud83d"), stop="STOP"))
    assert [chunk.content for chunk in chunks] == ["a", "😀b", "", "\ufffd"]
    assert answer.message.content == "a😀b\ufffd"
    assert answer.original["candidates"][0]["content"]["parts"] == [text("a😀b\ufffd")]
    assert chunks[-1].finish_reason == "stop"


# ---- the end of a stream


@pytest.mark.parametrize(
    "events",
    [
        [event(text("a"))],
        [event(text("a")), "[DONE]"],
        [event({"functionCall": {"name": "f", "args": {}}})],
        [{"usageMetadata": COUNTS}],
        [{"promptFeedback": {"safetyRatings": []}}],
        [{"this": "is no answer"}],
        [],
    ],
)
def test_a_stream_without_its_end_is_an_error(events: list[Any]) -> None:
    body = b"".join(b"data: [DONE]\n\n" if each == "[DONE]" else sse(each) for each in events)
    with pytest.raises(StreamError):
        read(body)


def test_done_is_tolerated() -> None:
    chunks, answer = read(sse(event(text("a"), stop="STOP")) + b"data: [DONE]\n\n")
    assert answer.message.content == "a"
    assert len(chunks) == 1


def test_an_answer_is_complete_at_its_finish_reason_and_never_ended() -> None:
    reader = Gemini().reader()
    reader.feed(json.dumps(event(text("a"))).encode())
    assert not reader.complete
    reader.feed(json.dumps(event(stop="STOP")).encode())
    assert reader.complete
    assert not reader.ended


@pytest.mark.parametrize(
    "error",
    [
        sse({"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}),
        b'{\n  "error": {\n    "code": 429,\n    "message": "slow } down",\n    "status": "RESOURCE_EXHAUSTED"\n  }\n}\n',
        b'event: error\ndata: {"error": {"code": 429, "message": "slow down"}}\n\n',
        b'data: [{"error": {"code": 429, "message": "slow down"}}]\n\n',
    ],
)
@pytest.mark.parametrize("stop", [None, "STOP"])
def test_an_error_in_a_stream_is_raised_also_after_the_finish_reason(error: bytes, stop: str | None) -> None:
    decoder, reader = EventDecoder(), Gemini().reader()
    *before, last = [*decoder.feed(sse(event(text("so far"), stop=stop)) + error), *decoder.close()]
    for payload in before:
        reader.feed(payload)
    with pytest.raises(RateLimitError, match=r"HTTP 429: slow"):
        reader.feed(last)
    assert reader.answer().message.content == "so far"


# ---- arguments in pieces (Vertex AI)


def piece(path: str, more: bool = True, **value: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"partialArgs": [{"jsonPath": path, **value}]}
    if more:
        call["willContinue"] = True
    return {"functionCall": call}


def test_a_call_whose_arguments_come_in_pieces_is_one_call() -> None:
    chunks, answer = streamed(
        event({"functionCall": {"name": "f", "willContinue": True}, "thoughtSignature": "s"}),
        event(piece("$.items[0].name", stringValue="ap", willContinue=True)),
        event(piece("$.items[0].name", stringValue="ple", willContinue=True)),
        event(piece("$.items[0].name", stringValue="")),
        event(piece("$.items[0].price", numberValue=0.5), piece("$['to go']", boolValue=True)),
        event({"functionCall": {}}),
        event({"functionCall": {"name": "g"}}),
        event({"functionCall": {"name": "h", "willContinue": True}}),
        event(piece("$.x", more=False, nullValue="NULL_VALUE")),
        event(text(""), stop="STOP"),
    )
    arguments = [{"items": [{"name": "apple", "price": 0.5}], "to go": True}, {}, {"x": None}]
    calls = answer.message.tool_calls
    assert calls is not None
    assert [(call.name, call.arguments, call.incomplete) for call in calls] == [
        (name, args, False) for name, args in zip("fgh", arguments, strict=True)
    ]
    assert answer.original["candidates"][0]["content"]["parts"] == [
        {"functionCall": {"name": "f", "args": arguments[0]}, "thoughtSignature": "s"},
        {"functionCall": {"name": "g"}},
        {"functionCall": {"name": "h", "args": arguments[2]}},
    ]
    deltas = [delta for chunk in chunks for delta in chunk.tool_call_deltas]
    assert deltas[0] == ToolCallDelta(0, calls[0].id, "f")
    for place, call in enumerate(calls):
        assert json.loads("".join(delta.arguments for delta in deltas if delta.index == place)) == call.arguments
        assert {delta.id for delta in deltas if delta.index == place} == {call.id}


def test_a_call_that_breaks_off_is_handed_over_and_marked() -> None:
    events = [event({"functionCall": {"name": "f", "willContinue": True}}), event(piece("$.city", stringValue="Bos"))]
    chunks, answer = streamed(*events, event(stop="MAX_TOKENS"))
    calls = answer.message.tool_calls
    assert calls is not None
    assert (calls[0].arguments, calls[0].incomplete) == ({"city": "Bos"}, True)
    assert chunks[-1].tool_call_deltas == [ToolCallDelta(0, calls[0].id, "f", '{"city": "Bos"}')]

    reader = Gemini().reader()
    for each in events:
        reader.feed(json.dumps(each).encode())
    partial = reader.answer().message.tool_calls
    assert partial is not None
    assert partial[0].incomplete


def test_a_call_that_a_stop_ends_is_whole_although_its_last_piece_promised_more() -> None:
    _, answer = streamed(
        event({"functionCall": {"name": "f", "willContinue": True}}),
        event(piece("$.city", stringValue="Bos", willContinue=True)),
        event(piece("$.city", stringValue="ton")),
        event(text(""), stop="STOP"),
    )
    calls = answer.message.tool_calls
    assert calls is not None
    assert (calls[0].arguments, calls[0].incomplete) == ({"city": "Boston"}, False)


def test_the_next_call_ends_the_one_before() -> None:
    _, answer = streamed(
        event({"functionCall": {"name": "f", "id": "x1", "willContinue": True}}),
        event(
            {
                "functionCall": {
                    "name": "f",
                    "id": "x1",
                    "partialArgs": [{"jsonPath": "$.a", "numberValue": 1}],
                    "willContinue": True,
                }
            }
        ),
        event({"functionCall": {"name": "f", "id": "x2", "args": {"a": 2}}}),
        event(stop="STOP"),
    )
    calls = answer.message.tool_calls
    assert calls is not None
    assert [(call.id, call.arguments) for call in calls] == [("x1", {"a": 1}), ("x2", {"a": 2})]
