"""Events that are read by the example of an earlier one say what they say when each is decoded: for every API, in any mixture."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_async.errors import LLMError
from llm_async.models import StreamChunk
from llm_async.protocols.anthropic import AnthropicMessages
from llm_async.protocols.base import Protocol, Reader
from llm_async.protocols.fragments import Fragment, template_of
from llm_async.protocols.gemini import Gemini
from llm_async.protocols.openai_chat import OpenAIChat
from llm_async.protocols.openai_responses import OpenAIResponses
from llm_async.protocols.openrouter import OpenRouter

# Texts with everything that JSON can do to them: escapes, characters of every length, halves of surrogate pairs, brackets.
texts = st.one_of(
    st.sampled_from(
        ["a", " b", "", "{", '{"x": 1}', "}", "\n", '"', "\\", "\\n", "/", "é", "“", "🙂", "\ud83d", "\ude42", "\x7f"]
    ),
    st.text(st.characters(exclude_categories=()), max_size=8),
)


def written(draw: Callable[[Any], Any], event: dict[str, Any], writer: tuple[bool, tuple[str, str], int]) -> bytes:
    """The event as some server writes it: escaped or not, with blanks or without, padded or not."""
    ascii_only, separators, padding = writer
    text = json.dumps(event, ensure_ascii=ascii_only, separators=separators)
    data = text.encode("utf-8", "surrogatepass") if not ascii_only else text.encode()
    if not ascii_only and any("\ud800" <= char <= "\udfff" for char in text):
        data = json.dumps(event, separators=separators).encode()
    return data[:-1] + b" " * draw(st.integers(0, padding)) + b"}" if padding else data


writers = st.tuples(st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]), st.sampled_from([0, 0, 5]))


def usually(draw: Callable[[Any], Any], value: Any, *others: Any) -> Any:
    """``value`` three times out of four."""
    return draw(st.sampled_from([value] * 3 * len(others) + list(others)))


def chat_event(draw: Callable[[Any], Any], odd: bool) -> dict[str, Any]:
    def pick(value: Any, *others: Any) -> Any:
        return usually(draw, value, *others) if odd else value

    kind = draw(st.sampled_from(["content", "content", "reasoning", "reasoning_content", "call", "call"]))
    if kind == "call":
        entry: dict[str, Any] = {"index": draw(st.integers(0, 1)), "function": {"arguments": draw(texts)}}
        if odd:
            entry |= pick({}, {"id": "call_1"}, {"id": None}, {"extra_content": {"x": 1}}, {"type": "function"})
            entry["function"] |= pick({}, {"name": "f"}, {"name": None}, {"arguments": {"x": 1}})
        delta: dict[str, Any] = {"tool_calls": [entry]}
    else:
        delta = {kind: draw(texts)}
    if odd:
        delta |= pick(
            {}, {"role": "assistant"}, {"refusal": "no"}, {"content": [{"type": "text", "text": "a"}]}, {"x": 1}
        )
        delta |= pick({}, {"content": None}, {"annotations": []}, {"audio": {}}, {"refusal": ""}, {"x": 0})
    choice = {"index": pick(0, 1, None), "delta": delta, "logprobs": pick(None, {"content": [{"token": "a"}]})}
    choice |= pick(
        {"finish_reason": None}, {"finish_reason": "stop"}, {"y": 1}, {"y": 2}, {"message": {"content": "z"}}
    )
    event = {"id": pick("1", "2", "", None), "created": pick(5, 0, 123456789012345678901), "choices": [choice]}
    event |= pick({}, {"z": 1}, {"z": None}, {"z": 2}, {"x_groq": {"usage": {"prompt_tokens": 1}}}, {"error": None})
    if draw(st.booleans()):
        event["usage"] = pick({"prompt_tokens": 3, "completion_tokens": draw(st.integers(0, 99))}, None, {})
    event["obfuscation"] = pick(draw(st.sampled_from(["", "a", "bcd"])), "ü", "\\")
    return event


def responses_event(draw: Callable[[Any], Any], odd: bool) -> dict[str, Any]:
    def pick(value: Any, *others: Any) -> Any:
        return usually(draw, value, *others) if odd else value

    kind = draw(
        st.sampled_from(
            [
                "output_text",
                "output_text",
                "refusal",
                "reasoning_summary_text",
                "reasoning_text",
                "function_call_arguments",
            ]
        )
    )
    index = ["output_text", "refusal", "reasoning_summary_text", "reasoning_text", "function_call_arguments"].index(
        kind
    )
    event = {
        "type": f"response.{kind}.delta",
        "sequence_number": draw(st.integers(0, 99)),
        "item_id": pick("a", "b", None),
        "output_index": pick(index // 2, 0, 1, 2, None),
        "delta": pick(draw(texts), 5, {"text": "t"}, None),
        "logprobs": pick([], [{"token": "a"}]),
        "obfuscation": draw(st.sampled_from(["", "a", "bcd"])),
    }
    if "summary" in kind:
        event["summary_index"] = pick(0, 1)
    else:
        event["content_index"] = pick(0, 1)
    if odd:
        item = {"id": "f", "type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
        done = {"id": "a", "type": "message", "content": [{"type": "output_text", "text": draw(texts)}]}
        event = pick(
            event,
            {"type": "response.output_item.added", "output_index": draw(st.integers(0, 2)), "item": item},
            {"type": "response.output_item.done", "output_index": 0, "item": done},
            {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": draw(texts)},
        )
    return event


def messages_event(draw: Callable[[Any], Any], odd: bool) -> dict[str, Any]:
    def pick(value: Any, *others: Any) -> Any:
        return usually(draw, value, *others) if odd else value

    kind, field, index = draw(
        st.sampled_from(
            [("text_delta", "text", 0), ("thinking_delta", "thinking", 1), ("input_json_delta", "partial_json", 2)]
        )
    )
    delta = {"type": kind, field: pick(draw(texts), None)}
    event = {"type": "content_block_delta", "index": pick(index, 0, 1, 2, None), "delta": delta}
    if odd:
        event |= pick({}, {"x": 1})
        event = pick(
            event,
            {"type": "content_block_stop", "index": index},
            {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": "b"}},
            {
                "type": "content_block_start",
                "index": 2,
                "content_block": {"type": "tool_use", "id": "u", "name": "g", "input": {}},
            },
            {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {"x": 1}}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        )
    return event


def gemini_event(draw: Callable[[Any], Any], odd: bool) -> dict[str, Any]:
    def pick(value: Any, *others: Any) -> Any:
        return usually(draw, value, *others) if odd else value

    part: dict[str, Any] = {"text": draw(texts)}
    if draw(st.integers(0, 3)) == 0:
        part["thought"] = True
    if odd:
        part |= pick({}, {"thoughtSignature": "s"}, {"thought": False})
        part = pick(part, {"functionCall": {"name": "f", "id": "1", "args": {"x": 1}}}, {"inlineData": {"data": ""}})
    if draw(st.integers(0, 2)) == 0:
        piece = {"jsonPath": pick("$.a", "$.b"), "stringValue": draw(texts), "willContinue": True}
        piece |= pick({}, {"numberValue": 1})
        function = {"partialArgs": pick([piece], [piece, piece]), "willContinue": pick(True, False)}
        part = {
            "functionCall": function | pick({}, {"args": {"a": 1}}, {"name": "g"}),
            **pick({}, {"thoughtSignature": "s"}),
        }
        if draw(st.integers(0, 3)) == 0:
            part = {"functionCall": {"name": "f", "id": draw(st.sampled_from("12")), "willContinue": True}}
    candidate = {"content": {"parts": pick([part], [part, part], []), "role": "model"}, "index": pick(0, 1, None)}
    candidate |= pick(
        {}, {"finishReason": None}, {"finishReason": "STOP"}, {"y": 1}, {"y": 2}, {"citationMetadata": {"a": [1]}}
    )
    event: dict[str, Any] = {"candidates": pick([candidate], [candidate, {**candidate, "index": 1}])}
    count = draw(st.integers(0, 99))
    usage = {"promptTokenCount": 3, "totalTokenCount": 3 + count, "candidatesTokensDetails": [{"tokenCount": count}]}
    if draw(st.booleans()):
        event["usageMetadata"] = pick(
            usage,
            {"candidatesTokenCount": count},
            {"trafficType": "x"},
            {},
            {"promptTokenCount": None, "totalTokenCount": 1},
        )
    event |= pick({"modelVersion": "m"}, {"modelVersion": "n"}, {}, {"promptFeedback": {"safetyRatings": []}})
    return event


BEGINNINGS: dict[str, list[dict[str, Any]]] = {
    "messages": [
        {"type": "message_start", "message": {"id": "m", "content": [], "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "thinking", "thinking": ""}},
        {
            "type": "content_block_start",
            "index": 2,
            "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        },
    ],
    "chat": [
        {
            "id": "1",
            "choices": [
                {
                    "index": 0,
                    "delta": {
                        "tool_calls": [
                            {"index": index, "id": f"call_{index}", "function": {"name": "f", "arguments": ""}}
                            for index in (0, 1)
                        ]
                    },
                }
            ],
        }
    ],
    "responses": [{"type": "response.created", "response": {"id": "r", "status": "in_progress"}}],
    "gemini": [
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "id": "0", "willContinue": True}}]}}]}
    ],
}

APIS: dict[str, tuple[str, Protocol, Callable[..., dict[str, Any]]]] = {
    "chat": ("chat", OpenAIChat(), chat_event),
    "openrouter": ("chat", OpenRouter(), chat_event),
    "responses": ("responses", OpenAIResponses(), responses_event),
    "messages": ("messages", AnthropicMessages(), messages_event),
    "gemini": ("gemini", Gemini(), gemini_event),
}


def outcome(reader: Reader, read: Callable[[], Any], chunks: Any) -> dict[str, Any]:
    """All that a caller can see of a stream."""
    error = None
    try:
        read()
        flushed = reader.flush()
        chunks.extend([flushed] if flushed is not None else [])
    except LLMError as raised:
        error = (type(raised), str(raised))
    answer = reader.answer()
    message = answer.message
    for call in message.tool_calls or []:
        if call.id.startswith(("call_", "toolu_")) and len(call.id) > 10:
            call.id = "made up"
    return {
        "error": error,
        "chunks": [without_made_up_ids(chunk) for chunk in chunks],
        "content": message.content,
        "reasoning": message.reasoning,
        "calls": [(call.name, call.arguments_text) for call in message.tool_calls or []],
        "original": json.dumps(answer.original, default=str)
        if not message.tool_calls
        else {
            name: value
            for name, value in answer.original.items()
            if name not in ("choices", "candidates", "output", "content")
        },
        "usage": answer.usage,
        "complete": (reader.complete, reader.ended),
    }


def without_made_up_ids(chunk: StreamChunk) -> Any:
    deltas = [(delta.index, delta.name, delta.arguments) for delta in chunk.tool_call_deltas]
    return (chunk.content, chunk.reasoning, deltas, chunk.usage, chunk.stop_reason, chunk.finish_reason, chunk.original)


def assert_both_ways_agree(protocol: Protocol, payloads: list[bytes], sizes: list[int]) -> None:
    slow: list[StreamChunk] = []
    reader = protocol.reader()

    def one_by_one() -> None:
        for payload in payloads:
            chunk = reader.feed(payload)
            if chunk is not None:
                slow.append(chunk)

    expected = outcome(reader, one_by_one, slow)
    fast: deque[StreamChunk] = deque()
    other = protocol.reader()

    def in_blocks() -> None:
        rest = payloads
        for size in [*sizes, len(payloads)]:
            other.feed_all(rest[:size], fast)
            rest = rest[size:]

    assert outcome(other, in_blocks, fast) == expected


@pytest.mark.parametrize("api", APIS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_mixture_of_events_is_read_as_if_each_were_decoded(api: str, data: st.DataObject) -> None:
    name, protocol, make = APIS[api]
    writer = data.draw(writers)
    payloads = [json.dumps(event).encode() for event in BEGINNINGS[name]]
    for _ in range(data.draw(st.integers(1, 5))):
        # A run of events that differ in little, as they come from a server; and now and then anything.
        odd = data.draw(st.integers(0, 3)) == 0
        event = make(data.draw, odd)
        payloads.append(written(data.draw, event, writer))
        for _ in range(data.draw(st.integers(0, 5))):
            payloads.append(written(data.draw, make(data.draw, odd), writer))
    sizes = data.draw(st.lists(st.integers(0, 5), max_size=6))
    assert_both_ways_agree(protocol, payloads, sizes)


def plain_events(api: str) -> list[bytes]:
    """Twenty events that only go on with a text."""
    events: dict[str, Callable[[int], dict[str, Any]]] = {
        "chat": lambda number: {
            "id": "1",
            "choices": [{"index": 0, "delta": {"content": f"{number} "}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": number},
        },
        "responses": lambda number: {
            "type": "response.output_text.delta",
            "sequence_number": number,
            "output_index": 0,
            "content_index": 0,
            "delta": f"{number} ",
        },
        "messages": lambda number: {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": f"{number} "},
        },
        "gemini": lambda number: {
            "candidates": [{"content": {"parts": [{"text": f"{number} "}], "role": "model"}}],
            "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3 + number},
        },
    }
    return [json.dumps(events[APIS[api][0]](number)).encode() for number in range(20)]


@pytest.mark.parametrize("api", APIS)
def test_events_that_only_go_on_with_a_text_are_not_decoded(api: str) -> None:
    name, protocol, _ = APIS[api]

    class Counting(type(protocol.reader())):  # type: ignore[misc]
        decoded = 0

        def event(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
            type(self).decoded += 1
            return super().event(event, payload)  # type: ignore[no-any-return]

    reader = Counting(protocol)
    chunks: deque[StreamChunk] = deque()
    beginning = [json.dumps(event).encode() for event in BEGINNINGS[name]]
    reader.feed_all(beginning, deque())
    before = Counting.decoded
    for payload in plain_events(api):
        reader.feed_all([payload], chunks)
    assert Counting.decoded - before <= 2
    assert "".join(chunk.delta for chunk in chunks) == "".join(f"{number} " for number in range(20))
    assert reader.answer().message.content == "".join(f"{number} " for number in range(20))


def test_arguments_that_vertex_streams_are_not_decoded_piece_by_piece() -> None:
    reader = Gemini().reader()
    piece = {"jsonPath": "$.text", "stringValue": "lorem ", "willContinue": True}
    parts: list[dict[str, Any]] = [
        {"functionCall": {"name": "write", "id": "1", "willContinue": True}},
        *[{"functionCall": {"partialArgs": [piece], "willContinue": True}}] * 20,
        {"functionCall": {"partialArgs": [{**piece, "willContinue": False}]}},
    ]
    chunks: deque[StreamChunk] = deque()
    for part in parts:
        reader.feed_all([json.dumps({"candidates": [{"content": {"parts": [part]}}]}).encode()], chunks)
    assert [delta.arguments for chunk in chunks for delta in chunk.tool_call_deltas] == [
        "",
        json.dumps({"text": "lorem " * 21}),
    ]


@pytest.mark.parametrize("api", APIS)
def test_the_event_of_a_chunk_is_its_own(api: str) -> None:
    name, protocol, _ = APIS[api]
    reader = protocol.reader()
    chunks: deque[StreamChunk] = deque()
    reader.feed_all([json.dumps(event).encode() for event in BEGINNINGS[name]], deque())
    reader.feed_all(plain_events(api), chunks)
    assert [chunk.original for chunk in chunks] == [json.loads(payload) for payload in plain_events(api)]


@pytest.mark.parametrize("api", ["chat", "gemini"])
def test_the_usage_of_a_chunk_is_its_own_and_that_of_the_answer_is_the_last_one(api: str) -> None:
    reader = APIS[api][1].reader()
    chunks: deque[StreamChunk] = deque()
    reader.feed_all(plain_events(api), chunks)
    usages = [chunk.usage for chunk in chunks]
    assert all(usages)
    total = [usage.output_tokens if api == "chat" else usage.total_tokens for usage in usages if usage]
    assert total == [number + (3 if api == "gemini" else 0) for number in range(20)]
    assert reader.answer().usage == usages[-1]


TEMPLATES = {
    "a text": (b'{"a":"x"}', [b'{"a":"', b'"'], "t", b"}"),
    "blanks at the end": (b'{"d":{"a":"x"} }  ', [b'{"d":{"a":"', b'"'], "t", b"}}"),
    "a number that varies": (b'{"n":12,"a":"x"}', [b'{"n":', b',"a":"', b'"'], "dt", b"}"),
    "a string that varies": (b'{"a":"x","s":"yz"}', [b'{"a":"', b'","s":"', b'"'], "ts", b"}"),
    "a name that stands twice": (b'{"b":{"a":"y"},"a":"x"}', [b'{"b":{"a":"y"},"a":"', b'"'], "t", b"}"),
    "a field twice": (b'{"a":"y","a":"x"}', [b'{"a":"y","a":"', b'"'], "t", b"}"),
    "a varying name that stands twice": (
        b'{"n":1,"b":{"n":2},"a":"x"}',
        [b'{"n":1,"b":{"n":2},"a":"', b'"'],
        "t",
        b"}",
    ),
    "a varying value that is no slot": (b'{"n":1.5,"s":"\\n","a":"x"}', [b'{"n":1.5,"s":"\\n","a":"', b'"'], "t", b"}"),
    "counts": (
        b'{"a":"x","u":{"x_tokens":1,"y":[{"tokenCount":2}]}}',
        [b'{"a":"', b'","u":{"x_tokens":', b',"y":[{"tokenCount":', b""],
        "tdd",
        b"}]}}",
    ),
    "counts in a place that means something": (
        b'{"a":"x","c":{"x_tokens":1},"u":{"y_tokens":2}}',
        [b'{"a":"', b'"'],
        "t",
        b',"c":{"x_tokens":1},"u":{"y_tokens":2}}',
    ),
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_a_template_has_slots_only_where_a_change_means_nothing(case: str) -> None:
    payload, literals, slots, tail = TEMPLATES[case]
    event = json.loads(payload)
    path = ("d", "a") if "d" in event else ("a",)
    fragment = Fragment(path, "content", lambda text: None, varying=("n", "s"), counts="u")
    template = template_of(payload, event, fragment)
    assert template is not None
    assert template.slots == slots
    assert b"".join(template.literals) + template.tail == b"".join(literals) + tail


def test_a_text_without_a_place_of_its_own_gives_no_template() -> None:
    payload = b'{"a":["x"]}'
    assert template_of(payload, json.loads(payload), Fragment(("a", 0), "content", lambda text: None)) is None
