"""Generated answers of the five APIs, as bytes: streams of any length, of text or of a tool call's arguments.

What belongs here: what the providers send, in the shape and size of their events today, and what a client must make of it.
How the bytes are sent is ``server.py``'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["APIS", "KINDS", "Traffic", "events", "whole_answer"]

APIS = ("chat", "openrouter", "responses", "messages", "gemini")
KINDS = ("text", "tool")

_WORDS = ("Lorem ", "ipsum ", "dolor ", "sit ", "amet, ", "“naïve” ", "elit.\n", "sed ")
_ARGUMENTS = ("lorem i", "psum do", "lor sit", " amet, c")  # eight bytes each with the next one's first letter, or so
_ID = "chatcmpl-CkV9vW2uYbT0aQ3sX7dPqLmN4eRfZ"


class Traffic(NamedTuple):
    """One streamed answer: its events as SSE, and the text (or the arguments) that its fragments make."""

    frames: list[bytes]
    text: str


def _fragments(kind: str, count: int) -> Iterator[str]:
    if kind == "text":
        for number in range(count):
            yield _WORDS[number % len(_WORDS)]
        return
    yield '{"text": "'
    for number in range(count - 2):
        yield _ARGUMENTS[number % len(_ARGUMENTS)]
    yield '"}'


def events(api: str, kind: str = "text", count: int = 100) -> Traffic:
    """An answer of ``count`` fragments."""
    fragments = list(_fragments(kind, count))
    return Traffic(list(_APIS[api](kind, fragments)), "".join(fragments))


def _frame(event: dict[str, Any], name: str | None = None) -> bytes:
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


# --- Chat Completions


def _chat_event(delta: dict[str, Any], finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": _ID,
        "object": "chat.completion.chunk",
        "created": 1763942400,
        "model": "gpt-5.2-2026-01-15",
        "service_tier": "default",
        "system_fingerprint": "fp_4f2c1b7a9e",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        "usage": None,
        **fields,
    }


def _chat_deltas(kind: str, fragments: list[str]) -> Iterator[dict[str, Any]]:
    if kind == "text":
        yield from ({"content": fragment} for fragment in fragments)
        return
    yield {
        "tool_calls": [
            {"index": 0, "id": "call_J1kPq8", "type": "function", "function": {"name": "write", "arguments": ""}}
        ]
    }
    for fragment in fragments:
        yield {"tool_calls": [{"index": 0, "function": {"arguments": fragment}}]}


def _chat(kind: str, fragments: list[str]) -> Iterator[bytes]:
    yield _frame(_chat_event({"role": "assistant", "content": "" if kind == "text" else None, "refusal": None}))
    for number, delta in enumerate(_chat_deltas(kind, fragments)):
        yield _frame(_chat_event(delta, obfuscation="aZ3xQ9kLmN2pRs"[: 4 + number % 11]))
    yield _frame(_chat_event({}, "stop" if kind == "text" else "tool_calls"))
    yield _frame({**_chat_event({}), "choices": [], "usage": _chat_usage(len(fragments))})
    yield b"data: [DONE]\n\n"


def _chat_usage(count: int) -> dict[str, Any]:
    return {
        "prompt_tokens": 19,
        "completion_tokens": count,
        "total_tokens": 19 + count,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _openrouter_event(delta: dict[str, Any], finish: str | None = None, **fields: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "delta": {"role": "assistant", **delta},
        "finish_reason": finish,
        "native_finish_reason": finish,
        "logprobs": None,
    }
    return {
        "id": "gen-1763942400-kQ8sVbT2nXyZ",
        "provider": "DeepInfra",
        "model": "meta-llama/llama-4-maverick",
        "object": "chat.completion.chunk",
        "created": 1763942400,
        "choices": [choice],
        "system_fingerprint": None,
        **fields,
    }


def _openrouter(kind: str, fragments: list[str]) -> Iterator[bytes]:
    yield b": OPENROUTER PROCESSING\n\n"
    for delta in _chat_deltas(kind, fragments):
        yield _frame(_openrouter_event({"content": None, **delta} if kind == "tool" else delta))
    yield _frame(_openrouter_event({"content": ""}, "stop" if kind == "text" else "tool_calls"))
    yield _frame(_openrouter_event({"content": ""}, usage={**_chat_usage(len(fragments)), "cost": 0.00042}))
    yield b"data: [DONE]\n\n"


# --- Responses


def _response(status: str, output: list[Any], count: int | None = None) -> dict[str, Any]:
    usage = None
    if count is not None:
        usage = {
            "input_tokens": 19,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": count,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 19 + count,
        }
    return {
        "id": "resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "object": "response",
        "created_at": 1763942400,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "gpt-5.2-2026-01-15",
        "output": output,
        "parallel_tool_calls": True,
        "usage": usage,
    }


def _responses(kind: str, fragments: list[str]) -> Iterator[bytes]:
    numbers = iter(range(1_000_000_000))

    def frame(type_: str, **fields: Any) -> bytes:
        return _frame({"type": type_, "sequence_number": next(numbers), **fields}, type_)

    whole = "".join(fragments)
    item_id = ("msg_" if kind == "text" else "fc_") + "0a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef"
    place = {"item_id": item_id, "output_index": 0}
    if kind == "text":
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
        item = {"id": item_id, "type": "message", "status": "completed", "role": "assistant", "content": []}
        begin = {**item, "status": "in_progress"}
        item["content"] = [{**part, "text": whole}]
    else:
        begin = {
            "id": item_id,
            "type": "function_call",
            "status": "in_progress",
            "arguments": "",
            "call_id": "call_J1kPq8",
            "name": "write",
        }
        item = {**begin, "status": "completed", "arguments": whole}
    yield frame("response.created", response=_response("in_progress", []))
    yield frame("response.in_progress", response=_response("in_progress", []))
    yield frame("response.output_item.added", output_index=0, item=begin)
    if kind == "text":
        yield frame("response.content_part.added", **place, content_index=0, part=part)
        for number, fragment in enumerate(fragments):
            padding = "aZ3xQ9kLmN2pRs"[: 4 + number % 11]
            yield frame(
                "response.output_text.delta",
                **place,
                content_index=0,
                delta=fragment,
                logprobs=[],
                obfuscation=padding,
            )
        yield frame("response.output_text.done", **place, content_index=0, text=whole, logprobs=[])
        yield frame("response.content_part.done", **place, content_index=0, part={**part, "text": whole})
    else:
        for number, fragment in enumerate(fragments):
            padding = "aZ3xQ9kLmN2pRs"[: 4 + number % 11]
            yield frame("response.function_call_arguments.delta", **place, delta=fragment, obfuscation=padding)
        yield frame("response.function_call_arguments.done", **place, arguments=whole)
    yield frame("response.output_item.done", output_index=0, item=item)
    yield frame("response.completed", response=_response("completed", [item], len(fragments)))


# --- Messages


def _messages(kind: str, fragments: list[str]) -> Iterator[bytes]:
    def frame(type_: str, **fields: Any) -> bytes:
        return _frame({"type": type_, **fields}, type_)

    message = {
        "model": "claude-sonnet-4-6",
        "id": "msg_01Kq8sVbT2nXyZ",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 19, "cache_read_input_tokens": 0, "output_tokens": 1, "service_tier": "standard"},
    }
    yield frame("message_start", message=message)
    if kind == "text":
        block: dict[str, Any] = {"type": "text", "text": ""}
    else:
        block = {"type": "tool_use", "id": "toolu_01J1kPq8", "name": "write", "input": {}}
    yield frame("content_block_start", index=0, content_block=block)
    yield frame("ping")
    for number, fragment in enumerate(fragments):
        delta = (
            {"type": "text_delta", "text": fragment}
            if kind == "text"
            else {"type": "input_json_delta", "partial_json": fragment}
        )
        # The API pads its events with blanks, so that nobody reads texts from the lengths of packets.
        event = frame("content_block_delta", index=0, delta=delta)
        yield event.removesuffix(b"}\n\n") + b" " * (number * 7 % 17) + b"}\n\n"
    yield frame("content_block_stop", index=0)
    yield frame(
        "message_delta",
        delta={"stop_reason": "end_turn" if kind == "text" else "tool_use", "stop_sequence": None},
        usage={"output_tokens": len(fragments)},
    )
    yield frame("message_stop")


# --- Gemini


def _gemini_event(parts: list[Any], count: int, finish: str | None = None) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    event = {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 19,
            "candidatesTokenCount": count,
            "totalTokenCount": 19 + count,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 19}],
        },
        "modelVersion": "gemini-3-flash",
        "responseId": "kQ8sVbT2nXyZ1763942400",
    }
    return f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n".encode()


def _gemini(kind: str, fragments: list[str]) -> Iterator[bytes]:
    if kind == "text":
        for number, fragment in enumerate(fragments, 1):
            yield _gemini_event([{"text": fragment}], number)
        yield _gemini_event([{"text": ""}], len(fragments), "STOP")
        return
    # Vertex AI's streamed arguments: a call begins with its name, and strings grow in parts without one.
    yield _gemini_event([{"functionCall": {"name": "write", "id": "J1kPq8", "willContinue": True}}], 0)
    for number, fragment in enumerate(fragments, 1):
        piece = {"jsonPath": "$.text", "stringValue": fragment, "willContinue": True}
        yield _gemini_event([{"functionCall": {"partialArgs": [piece], "willContinue": True}}], number)
    yield _gemini_event(
        [{"functionCall": {"partialArgs": [{"jsonPath": "$.text", "stringValue": ""}]}}], len(fragments)
    )
    yield _gemini_event([{"text": ""}], len(fragments), "STOP")


_APIS = {
    "chat": _chat,
    "openrouter": _openrouter,
    "responses": _responses,
    "messages": _messages,
    "gemini": _gemini,
}


def whole_answer(api: str, text: str = "The quick brown fox jumps over the lazy dog.") -> bytes:
    """A small answer that is not streamed."""
    return json.dumps(_WHOLE[api](text), separators=(",", ":")).encode()


def _whole_chat(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return {
        "id": _ID,
        "object": "chat.completion",
        "created": 1763942400,
        "model": "gpt-5.2-2026-01-15",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _chat_usage(10),
        "service_tier": "default",
        "system_fingerprint": "fp_4f2c1b7a9e",
    }


def _whole_responses(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    item = {"id": "msg_0a1b", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    return _response("completed", [item], 10)


def _whole_message(text: str) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-6",
        "id": "msg_01Kq8sVbT2nXyZ",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 19, "cache_read_input_tokens": 0, "output_tokens": 10},
    }


def _whole_gemini(text: str) -> dict[str, Any]:
    content = {"parts": [{"text": text}], "role": "model"}
    return {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 19, "candidatesTokenCount": 10, "totalTokenCount": 29},
        "modelVersion": "gemini-3-flash",
        "responseId": "kQ8sVbT2nXyZ1763942400",
    }


_WHOLE = {
    "chat": _whole_chat,
    "openrouter": _whole_chat,
    "responses": _whole_responses,
    "messages": _whole_message,
    "gemini": _whole_gemini,
}
