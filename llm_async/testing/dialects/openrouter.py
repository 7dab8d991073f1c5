"""OpenRouter: Chat Completions with comments between the events, a role in every delta, reasoning, and the cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._json import dumps
from ..answers import Answer
from ..http1 import Request
from .base import CREATED, MODEL, ProviderError, Question, bearer
from .openai_chat import OpenAIChat, call_deltas, finish_reason, usage

__all__ = ["OpenRouter"]

_COMMENT = b": OPENROUTER PROCESSING\n\n"
_UPSTREAM = "Echo"
_DOLLARS_PER_TOKEN = 0.000001
_NATIVE_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


class OpenRouter(OpenAIChat):
    """Requests to ``/chat/completions`` of OpenRouter."""

    name = "openrouter"
    base = "/openrouter/api/v1"
    overloaded = 529
    # The error type is metadata.error_type; the code is the status itself.
    statuses = {
        400: ("invalid_request", None),
        401: ("authentication", None),
        402: ("payment_required", None),
        403: ("permission_denied", None),
        404: ("not_found", None),
        408: ("timeout", None),
        413: ("payload_too_large", None),
        422: ("unprocessable", None),
        429: ("rate_limit_exceeded", None),
        500: ("server", None),
        502: ("provider_unavailable", None),
        503: ("provider_unavailable", None),
        504: ("timeout", None),
        524: ("timeout", None),
        529: ("provider_overloaded", None),
    }

    def unauthorized(self, request: Request) -> ProviderError:
        return ProviderError(401, "No auth credentials found" if bearer(request) is None else "User not found.")

    def read_model(self, body: dict[str, Any]) -> str:
        models = body.get("models")
        model = body.get("model") or (models[0] if isinstance(models, list) and models else None)
        if not isinstance(model, str):
            raise ProviderError(400, "No models provided")
        return model

    def body(self, question: Question, answer: Answer) -> bytes:
        reply = self.completion(question, answer)
        choice = reply["choices"][0]
        choice["native_finish_reason"] = _NATIVE_REASONS[choice["finish_reason"]]
        message = choice["message"]
        if not answer.refusal:
            del message["refusal"]
        message["content"] = message["content"] or ""
        message["reasoning_details"] = []
        if answer.reasoning:
            message["reasoning"] = message.pop("reasoning_content")
            message["reasoning_details"].append(_detail(message["reasoning"], _signature(question)))
        for field in ("service_tier", "system_fingerprint"):
            del reply[field]
        reply.update(id=question.id("gen-"), provider=_UPSTREAM, usage=_usage(question, answer))
        # White space comes first, sent to keep the connection alive while the model thinks.
        return b"\n         \n" + dumps(reply)

    def events(self, question: Question, answer: Answer) -> list[bytes]:
        frame = {
            "id": question.id("gen-"),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": question.model,
            "provider": _UPSTREAM,
        }

        def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
            native = None if reason is None else _NATIVE_REASONS[reason]
            delta = {"role": "assistant", "content": "", **delta}
            choice = {"index": 0, "delta": delta, "finish_reason": reason, "native_finish_reason": native}
            return self.event(dumps({**frame, "choices": [choice], **more}))

        return [
            _COMMENT,
            _COMMENT,
            chunk({"reasoning": None, "reasoning_details": []}),
            _COMMENT,
            *map(chunk, _deltas(question, answer)),
            chunk({}, finish_reason(answer)),
            # The chunk with the usage repeats the role, with no reason to finish.
            chunk({}, usage=_usage(question, answer)),
            self.event(b"[DONE]"),
        ]

    def models(self, request: Request) -> bytes:
        if self.local_path(request).removeprefix("/models"):
            raise ProviderError(404, "Not Found")
        entry = {
            "id": f"llm-async/{MODEL}",
            "name": "Echo",
            "created": CREATED,
            "description": "Says what it was told.",
            "context_length": 100_000,
            "pricing": {"prompt": f"{_DOLLARS_PER_TOKEN:.6f}", "completion": f"{_DOLLARS_PER_TOKEN:.6f}"},
        }
        return dumps({"data": [entry]})

    def headers(self, request: Request) -> list[tuple[str, str]]:
        return [("x-generation-id", f"gen-{request.number:08d}")]

    def stream_type(self, request: Request) -> str:
        return "text/event-stream"

    def error_object(self, error: ProviderError) -> dict[str, Any]:
        metadata = {"error_type": self.type_and_code(error)[0]}
        if error.code is not None:
            metadata["provider_code"] = error.code
        return {"code": error.status, "message": error.message, "metadata": metadata}

    def error_body(self, error: ProviderError, request: Request) -> bytes:
        return dumps({"error": self.error_object(error), "user_id": "user_echo"})

    def error_events(self, error: ProviderError, request: Request, position: int) -> list[bytes]:
        event = {
            "id": f"gen-{request.number:08d}",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": MODEL,
            "provider": _UPSTREAM,
            "error": self.error_object(error),
            "choices": [
                {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "error"},
            ],
        }
        return [self.event(dumps(event)), self.event(b"[DONE]")]


def _deltas(question: Question, answer: Answer) -> Iterator[dict[str, Any]]:
    for piece in answer.reasoning:
        yield {"reasoning": piece, "reasoning_details": [_detail(piece)]}
    if answer.reasoning:
        yield {"reasoning": None, "reasoning_details": [_detail("", _signature(question))]}
    for piece in answer.text:
        yield {"content": piece}
    for piece in answer.refusal:
        yield {"refusal": piece}
    for delta in call_deltas(question, answer):
        yield {"content": None, **delta}


def _detail(text: str, signature: str | None = None) -> dict[str, Any]:
    detail: dict[str, Any] = {"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0}
    return detail if signature is None else {**detail, "signature": signature}


def _signature(question: Question) -> str:
    return question.id("signature-")


def _usage(question: Question, answer: Answer) -> dict[str, Any]:
    counted = usage(question, answer)
    return {
        **counted,
        "cost": round(counted["total_tokens"] * _DOLLARS_PER_TOKEN, 9),
        "is_byok": False,
        "cost_details": {"upstream_inference_cost": None},
    }
