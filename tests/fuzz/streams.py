"""Streams to begin with, ways to spoil them, and what must be true of every reader whatever it is fed.

A reader may find an answer, or raise an LLMError; no other exception may come out of it, and what has arrived can be had at
any time. Reading events by what earlier ones have taught must give what reading each of them in full gives. What the caller
was handed is what the message holds.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from llm_async._speedups import EventDecoder
from llm_async.errors import LLMError
from llm_async.models import StreamChunk
from llm_async.protocols.anthropic import AnthropicMessages
from llm_async.protocols.base import Answer, Protocol, Reader
from llm_async.protocols.gemini import Gemini
from llm_async.protocols.openai_chat import OpenAIChat
from llm_async.protocols.openai_responses import OpenAIResponses
from llm_async.protocols.openrouter import OpenRouter

from ..faults.spoken import SPOKEN, sse

__all__ = ["PROTOCOLS", "SEEDS", "check", "check_body", "spoiled"]

PROTOCOLS: list[Protocol] = [OpenAIChat(), OpenAIResponses(), AnthropicMessages(), Gemini(), OpenRouter()]

EVENT_BYTES = 1 << 20
_INVENTED = re.compile(r"(?:call|toolu)_[0-9a-f]{20,32}")


# --- streams to begin with


def _chat(*deltas: Any, end: str = "stop") -> list[bytes]:
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": end})
    return [sse({"id": "c", "model": "m", "choices": [choice]}) for choice in choices] + [b"data: [DONE]\n\n"]


def _call(index: int, arguments: str, **fields: Any) -> Any:
    return {
        "tool_calls": [{"index": index, **fields, "function": {"arguments": arguments, **fields.pop("function", {})}}]
    }


def _claude(*events: Any) -> list[bytes]:
    start = {"type": "message_start", "message": {"id": "m", "role": "assistant", "usage": {"input_tokens": 1}}}
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}}
    return [sse(event, event["type"]) for event in (start, *events, end, {"type": "message_stop"})]


def _block(index: int, block: Any, *deltas: Any) -> list[Any]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _gemini(*parts: Any) -> list[bytes]:
    candidates = [{"index": 0, "content": {"role": "model", "parts": [part]}} for part in parts]
    candidates[-1]["finishReason"] = "STOP"
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "totalTokenCount": 6}
    return [sse({"candidates": [candidate], "usageMetadata": usage}, end="\r\n") for candidate in candidates]


def _responses(*events: Any) -> list[bytes]:
    end = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [], "usage": {}}}
    return [sse(event, event["type"]) for event in (*events, end)]


def _item(index: int, item: Any, kind: str, *deltas: str) -> list[Any]:
    place = {"output_index": index, "item_id": item["id"], "content_index": 0, "summary_index": 0}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": item},
        *({"type": f"response.{kind}.delta", **place, "delta": delta} for delta in deltas),
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


_WORDS = ["Hel", "lo", " \ud83d", "\ude00", " w\u00f6r", 'ld "quoted" \\ and\n', "\u2028", "", " end"]
_FRAGMENTS = ['{"ci', 'ty": "Os', 'lo \\"', '"}']

SEEDS: list[tuple[int, list[bytes]]] = [
    *((place, SPOKEN[spoken].stream("one two")) for place, spoken in enumerate((0, 1, 2, 3, 4))),
    (0, _chat({"role": "assistant", "content": ""}, *({"content": word} for word in _WORDS))),
    (0, _chat(*({"reasoning_content": word} for word in _WORDS), *({"content": word} for word in _WORDS))),
    (4, _chat(*({"content": "", "reasoning": word} for word in _WORDS), {"refusal": "No."})),
    (
        0,
        _chat(
            _call(0, "", id="a", type="function", function={"name": "f"}),
            *(_call(0, fragment) for fragment in _FRAGMENTS),
            _call(1, "", id="b", type="function", function={"name": "g"}),
            *(_call(1, fragment) for fragment in _FRAGMENTS),
            end="tool_calls",
        ),
    ),
    (
        2,
        _claude(
            *_block(
                0, {"type": "thinking", "thinking": ""}, *({"type": "thinking_delta", "thinking": w} for w in _WORDS)
            ),
            *_block(1, {"type": "text", "text": ""}, *({"type": "text_delta", "text": word} for word in _WORDS)),
            *_block(
                2,
                {"type": "tool_use", "id": "t", "name": "f", "input": {}},
                *({"type": "input_json_delta", "partial_json": fragment} for fragment in _FRAGMENTS),
            ),
        ),
    ),
    (
        3,
        _gemini(
            *({"text": word, "thought": True} for word in _WORDS),
            *({"text": word} for word in _WORDS),
            {"functionCall": {"name": "f", "args": {"city": "Oslo"}}, "thoughtSignature": "c2ln"},
            {"text": "", "thoughtSignature": "c2ln"},
        ),
    ),
    (
        1,
        _responses(
            *_item(0, {"id": "rs", "type": "reasoning", "summary": []}, "reasoning_summary_text", *_WORDS),
            *_item(1, {"id": "ms", "type": "message", "content": []}, "output_text", *_WORDS),
            *_item(
                2,
                {"id": "fc", "type": "function_call", "call_id": "c", "name": "f", "arguments": ""},
                "function_call_arguments",
                *_FRAGMENTS,
            ),
        ),
    ),
]


# --- ways to spoil them

_VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", "x", "\ud800", "0", [], {}, [None], [1, 2], {"a": None}, [[]], [{}],
    {"type": "text", "text": "x"}, {"error": "x"}, "stop", "STOP", "tool_calls",
]  # fmt: skip


def spoiled(blocks: list[bytes], whim: random.Random) -> bytes:
    """A stream with a few things wrong in it."""
    blocks = list(blocks)
    for _ in range(whim.choice((0, 1, 1, 2, 3, 5))):
        if not blocks:
            break
        place = whim.randrange(len(blocks))
        way = whim.randrange(7)
        if way == 0:
            del blocks[place]
        elif way == 1:
            blocks.insert(whim.randrange(len(blocks) + 1), blocks[place])
        elif way == 2:
            other = whim.randrange(len(blocks))
            blocks[place], blocks[other] = blocks[other], blocks[place]
        elif way == 3:
            cut = whim.randrange(len(blocks[place]) + 1)
            blocks[place] = blocks[place][:cut] + bytes([whim.randrange(256)]) + blocks[place][cut + 1 :]
        elif way == 4:
            blocks[place:] = [blocks[place][: whim.randrange(len(blocks[place]) + 1)]]
        else:
            blocks[place] = _respoken(blocks[place], whim)
    return b"".join(blocks)


def _respoken(block: bytes, whim: random.Random) -> bytes:
    """An event with another value somewhere in its JSON."""
    before, data, rest = block.partition(b"data: ")
    line, end, behind = rest.partition(b"\n")
    try:
        event = json.loads(line)
    except ValueError:
        return block
    places = list(_places(event))
    if not places:
        return block
    holder, key = whim.choice(places)
    way = whim.randrange(4)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, dict):
        holder[whim.choice(("type", "index", "error", "id", "text", "extra"))] = whim.choice(_VALUES)
    else:
        holder[key] = whim.choice(_VALUES)
    return before + data + json.dumps(event).encode() + end + behind


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found.append((value, key))
        found += _places(inner)
    return found


# --- what must be true


@dataclass
class Told:
    """What a reader made of a stream."""

    chunks: list[tuple[Any, ...]]
    error: tuple[str, str] | None = None
    answer: Answer | None = None


def check(protocol: Protocol, body: bytes, size: int = 0) -> None:
    """Feed a stream, in pieces of ``size`` bytes or whole, and see that what must be true is true."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)] if size else [body]
    slowly = _fold(protocol, pieces, one_by_one=True)
    quickly = _fold(protocol, pieces, one_by_one=False)
    if _but_for_ids(slowly) != _but_for_ids(quickly):
        raise AssertionError(f"read in full:\n{slowly}\nread by example:\n{quickly}")
    # A response repeats at its end what was streamed, and may then say something else; and whoever speaks behind the end mark
    # cannot expect to be heard.
    ended_once = b"[DONE]" not in body.rstrip()[:-6]
    if slowly.answer is not None and ended_once and not isinstance(protocol, OpenAIResponses):
        handed_over = "".join(chunk[0] for chunk in slowly.chunks)
        content = slowly.answer.message.content
        # Blocks may come interleaved, and stand one behind the other in the message. Half a character is given up for lost when
        # the answer ends, and what is handed over cannot be taken back when the other half comes behind the end.
        if "\ufffd" not in handed_over and sorted(handed_over) != sorted(str(content)):
            raise AssertionError(f"{handed_over!r} was handed over, the message is {content!r}")


def _but_for_ids(told: Told) -> str:
    """What was told; ids that were invented here are all the same."""
    return _INVENTED.sub("an id", repr(told))


def check_body(protocol: Protocol, body: bytes) -> None:
    """The same for an answer that was not streamed."""
    with contextlib.suppress(LLMError):
        protocol.read_body(body)


def _fold(protocol: Protocol, pieces: list[bytes], *, one_by_one: bool) -> Told:
    decoder, reader = EventDecoder(EVENT_BYTES), protocol.reader()
    told = Told([])
    try:
        for piece in [*pieces, None]:
            payloads = decoder.close() if piece is None else decoder.feed(piece)
            _take(reader, payloads, told, one_by_one=one_by_one)
            if decoder.failure is not None:
                raise decoder.failure
        told.chunks += map(_seen, filter(None, [reader.flush()]))
        told.answer = reader.close()
    except LLMError as error:
        told.error = (type(error).__name__, str(error))
    # What had arrived can be had whatever happened.
    partial = reader.answer()
    assert isinstance(partial.message.content, str)
    json.dumps(partial.original)
    if told.answer is None:
        told.chunks.append(("partial", partial.message.content, partial.message.reasoning))
    return told


def _take(reader: Reader, payloads: list[bytes], told: Told, *, one_by_one: bool) -> None:
    chunks: deque[StreamChunk] = deque()
    try:
        if one_by_one:
            for payload in payloads:
                chunk = reader.feed(payload)
                if chunk is not None:
                    chunks.append(chunk)
        else:
            reader.feed_all(payloads, chunks)
    finally:
        told.chunks += map(_seen, chunks)


def _seen(chunk: StreamChunk) -> tuple[Any, ...]:
    """A chunk as the caller sees it."""
    return (
        chunk.delta,
        chunk.reasoning,
        list(chunk.tool_call_deltas or ()),
        chunk.usage,
        chunk.stop_reason,
        chunk.finish_reason,
        chunk.original,
    )
