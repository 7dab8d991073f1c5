"""The five APIs as a fault server needs them: one small answer, whole and as a stream, and the errors, in each API's words.

Written by hand and not taken from ``llm_async.testing``, so that a misreading of an API cannot hide in both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)

__all__ = ["SPOKEN", "Spoken", "sse"]


def sse(value: Any, name: str = "", end: str = "\n") -> bytes:
    """One event of a stream."""
    head = f"event: {name}{end}" if name else ""
    return f"{head}data: {json.dumps(value)}{end}{end}".encode()


@dataclass(frozen=True)
class Spoken:
    """One API.

    Attributes:
        provider: who speaks it.
        whole: the body of an answer with a given text, not streamed.
        stream: the same as the events of a stream; a text ``"a b"`` comes in the two pieces ``"a "`` and ``"b"``.
        middle: after so many of those events the first piece of the text has come, and no more.
        error: the body of an error with a given status and message.
        error_events: the same inside a stream, which stands for the same status.
        request_id: the header in which the API names a request, or None.
    """

    provider: type[BaseProvider]
    whole: Callable[[str], Any]
    stream: Callable[[str], list[bytes]]
    middle: int
    error: Callable[[int, str], Any]
    error_event: Callable[[int, str], bytes]
    request_id: str | None

    @property
    def name(self) -> str:
        return self.provider.name()

    def body(self, text: str) -> bytes:
        """An answer that is not streamed."""
        return json.dumps(self.whole(text)).encode()

    def begun(self, text: str) -> bytes:
        """The first half of a stream, with the text's first piece."""
        return b"".join(self.stream(text)[: self.middle])

    def rest(self, text: str) -> bytes:
        """The second half of a stream."""
        return b"".join(self.stream(text)[self.middle :])


def _pieces(text: str) -> tuple[str, str]:
    first, space, second = text.partition(" ")
    return first + space, second


# --- Chat Completions


def _chat_whole(text: str) -> Any:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


def _chat_chunk(delta: Any, finish_reason: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return sse({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **fields})


def _chat_stream(text: str) -> list[bytes]:
    first, second = _pieces(text)
    return [
        _chat_chunk({"role": "assistant", "content": ""}),
        _chat_chunk({"content": first}),
        _chat_chunk({"content": second}),
        _chat_chunk({}, "stop"),
        _chat_chunk({}, usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}, choices=[]),
        b"data: [DONE]\n\n",
    ]


def _openai_error(status: int, message: str) -> Any:
    return {"error": {"message": message, "type": _OPENAI_WORD[status], "param": None, "code": None}}


# --- OpenRouter


def _router_stream(text: str) -> list[bytes]:
    return [b": OPENROUTER PROCESSING\n\n", *_chat_stream(text)]


def _router_error(status: int, message: str) -> Any:
    return {"error": {"code": status, "message": message}, "user_id": "user_1"}


def _router_error_event(status: int, message: str) -> bytes:
    return _chat_chunk({"content": ""}, "error", error={"code": status, "message": message})


# --- Responses


def _response(status: str, text: str | None) -> Any:
    output = [] if text is None else [_item(status, text)]
    usage = None if text is None else {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    return {"id": "resp_1", "object": "response", "status": status, "model": "m", "output": output, "usage": usage}


def _item(status: str, text: str) -> Any:
    parts = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": parts}


def _responses_stream(text: str) -> list[bytes]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    first, second = _pieces(text)
    events = [
        {"type": "response.created", "response": _response("in_progress", None)},
        {"type": "response.output_item.added", "output_index": 0, "item": _item("in_progress", "")},
        {"type": "response.output_text.delta", **place, "delta": first},
        {"type": "response.output_text.delta", **place, "delta": second},
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.output_item.done", "output_index": 0, "item": _item("completed", text)},
        {"type": "response.completed", "response": _response("completed", text)},
    ]
    return [sse(event, str(event["type"])) for event in events]


def _responses_error_event(status: int, message: str) -> bytes:
    return sse({"type": "error", **_openai_error(status, message)}, "error")


# --- Messages


def _claude_whole(text: str) -> Any:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }


def _claude_stream(text: str) -> list[bytes]:
    start = {**_claude_whole(""), "content": [], "stop_reason": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
            for piece in _pieces(text)
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    return [sse(event, event["type"]) for event in events]


def _claude_error(status: int, message: str) -> Any:
    return {"type": "error", "error": {"type": _CLAUDE_WORD[status], "message": message}}


# --- Gemini


def _gemini_body(text: str, **candidate: Any) -> Any:
    content = {"role": "model", "parts": [{"text": text}]}
    return {
        "candidates": [{"index": 0, "content": content, **candidate}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
        "modelVersion": "m",
        "responseId": "resp",
    }


def _gemini_stream(text: str) -> list[bytes]:
    first, second = _pieces(text)
    return [sse(_gemini_body(first), end="\r\n"), sse(_gemini_body(second, finishReason="STOP"), end="\r\n")]


def _gemini_error(status: int, message: str) -> Any:
    return {"error": {"code": status, "message": message, "status": _GOOGLE_WORD.get(status, "UNKNOWN")}}


# --- the words of the APIs for what went wrong

_OPENAI_WORD = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 408: "timeout", 409: "conflict_error", 413: "request_too_large",
    422: "unprocessable_entity", 425: "too_early", 429: "rate_limit_exceeded", 499: "cancelled", 500: "server_error",
    502: "bad_gateway", 503: "service_unavailable_error", 504: "timeout_error", 524: "timeout_error",
    529: "overloaded_error",
}  # fmt: skip
_CLAUDE_WORD = _OPENAI_WORD | {429: "rate_limit_error", 500: "api_error"}
_GOOGLE_WORD = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
    429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip

SPOKEN = [
    Spoken(
        OpenAIProvider,
        _chat_whole,
        _chat_stream,
        2,
        _openai_error,
        lambda status, message: sse(_openai_error(status, message)),
        "x-request-id",
    ),
    Spoken(
        OpenAIResponsesProvider,
        lambda text: _response("completed", text),
        _responses_stream,
        3,
        _openai_error,
        _responses_error_event,
        "x-request-id",
    ),
    Spoken(
        ClaudeProvider,
        _claude_whole,
        _claude_stream,
        4,
        _claude_error,
        lambda status, message: sse(_claude_error(status, message), "error"),
        "request-id",
    ),
    Spoken(
        GoogleProvider,
        lambda text: _gemini_body(text, finishReason="STOP"),
        _gemini_stream,
        1,
        _gemini_error,
        lambda status, message: sse(_gemini_error(status, message), end="\r\n"),
        None,
    ),
    Spoken(OpenRouterProvider, _chat_whole, _router_stream, 3, _router_error, _router_error_event, "x-generation-id"),
]
