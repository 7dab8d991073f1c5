"""Anthropic's Messages API: ``event:`` and ``data:`` lines, LF, JSON padded with spaces, a ping, ``message_stop``."""

from __future__ import annotations

from typing import Any

from ..._json import dumps, loads
from ..answers import Answer
from ..http1 import Request
from .base import MODEL, Dialect, OfferedTool, ProviderError, Question, bearer, text_of, whole

__all__ = ["Anthropic"]

_ROLES = ("user", "assistant", "system")
# What a count of tokens may not say: it is about the answer.
_ANSWERING = {"max_tokens", "metadata", "service_tier", "stop_sequences", "stream", "temperature", "top_k", "top_p"}
_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


class Anthropic(Dialect):
    """Requests to ``/messages``."""

    name = "claude"
    base = "/anthropic/v1"
    overloaded = 529
    statuses = {
        400: ("invalid_request_error", None),
        401: ("authentication_error", None),
        402: ("billing_error", None),
        403: ("permission_error", None),
        404: ("not_found_error", None),
        408: ("timeout_error", None),
        409: ("conflict_error", None),
        413: ("request_too_large", None),
        429: ("rate_limit_error", None),
        500: ("api_error", None),
        504: ("timeout_error", None),
        529: ("overloaded_error", None),
    }

    # Reading a request.

    def generates(self, request: Request) -> bool:
        return self.local_path(request) == "/messages"

    def key(self, request: Request) -> str | None:
        return request.headers.get("x-api-key") or bearer(request)

    def unauthorized(self, request: Request) -> ProviderError:
        return ProviderError(401, "x-api-key header is required" if self.key(request) is None else "invalid x-api-key")

    def question(self, request: Request) -> Question:
        return self._question(request, ("model", "max_tokens", "messages"))

    def _question(self, request: Request, required: tuple[str, ...]) -> Question:
        if not request.headers.get("anthropic-version"):
            raise ProviderError(400, "anthropic-version: header is required")
        body = self.read_object(request)
        for name in required:
            if body.get(name) is None:
                raise ProviderError(400, f"{name}: Field required")
        if not isinstance(body["model"], str) or not body["model"]:
            raise ProviderError(400, "model: Input should be a valid string")
        limit = whole(body.get("max_tokens"))
        if "max_tokens" in required and (limit is None or limit < 0):
            raise ProviderError(400, "max_tokens: Input should be a valid integer")
        messages = body["messages"]
        if not isinstance(messages, list) or not messages:
            raise ProviderError(400, "messages: at least one message is required")
        tools, choice = _tools(body)
        return Question(
            model=body["model"],
            stream=body.get("stream") is True,
            turns=[("system", text_of(body.get("system"))), *_turns(messages)],
            number=request.number,
            tools=tools,
            tool_choice=choice,
            schema=_schema(body),
            max_tokens=limit,
            body=body,
        )

    # Writing an answer.

    def body(self, question: Question, answer: Answer) -> bytes:
        message = _message(question)
        for place, (block, key, pieces) in enumerate(_blocks(question, answer)):
            block = {**block, key: _tool_input(pieces) if key == "input" else "".join(pieces)}
            if block["type"] == "thinking":
                block["signature"] = question.id("signature-", place)
            message["content"].append(block)
        message.update(_ending(answer), usage={**message["usage"], **_output_usage(answer)})
        return dumps(message)

    def events(self, question: Question, answer: Answer) -> list[bytes]:
        events = [_event("message_start", message=_message(question))]
        for place, (block, key, pieces) in enumerate(_blocks(question, answer)):
            start = {**block, "signature": ""} if block["type"] == "thinking" else block
            events.append(_event("content_block_start", index=place, content_block=start))
            if place == 0:
                events.append(_PING)
            for delta in _deltas(key, pieces):
                events.append(_event("content_block_delta", index=place, delta=delta))
            if block["type"] == "thinking":
                signed = {"type": "signature_delta", "signature": question.id("signature-", place)}
                events.append(_event("content_block_delta", index=place, delta=signed))
            events.append(_event("content_block_stop", index=place))
        if len(events) == 1:
            events.append(_PING)
        used = {
            "input_tokens": question.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            **_output_usage(answer),
        }
        events.append(_event("message_delta", delta=_ending(answer), usage=used))
        events.append(_event("message_stop"))
        return events

    def models(self, request: Request) -> bytes:
        entry = {"type": "model", "id": MODEL, "display_name": "Echo", "created_at": "2026-09-21T14:13:20Z"}
        name = self.local_path(request).removeprefix("/models").removeprefix("/")
        if not name:
            return dumps({"data": [entry], "has_more": False, "first_id": MODEL, "last_id": MODEL})
        if name != MODEL:
            raise ProviderError(404, f"model: {name}")
        return dumps(entry)

    def beside(self, request: Request) -> bytes | None:
        if self.local_path(request) != "/messages/count_tokens":
            return None
        for name in self.read_object(request):
            if name in _ANSWERING:
                raise ProviderError(400, f"{name}: Extra inputs are not permitted")
        return dumps({"input_tokens": self._question(request, ("model", "messages")).counted_tokens})

    def headers(self, request: Request) -> list[tuple[str, str]]:
        return [
            ("request-id", f"req_{request.number:08d}"),
            ("anthropic-ratelimit-requests-limit", "4000"),
            ("anthropic-ratelimit-requests-remaining", "3999"),
            ("anthropic-ratelimit-requests-reset", "2026-09-21T14:13:20Z"),
        ]

    # Writing an error.

    def error_object(self, error: ProviderError, request: Request) -> dict[str, Any]:
        """An error with its envelope, which is the same in a body and in a stream."""
        # Anthropic's codes stand in the details.
        details = None if error.code is None else {"error_code": error.code}
        inner = {"details": details, "type": self.type_and_code(error)[0], "message": error.message}
        return {"type": "error", "error": inner, "request_id": f"req_{request.number:08d}"}

    def error_body(self, error: ProviderError, request: Request) -> bytes:
        return dumps(self.error_object(error, request))

    def error_events(self, error: ProviderError, request: Request, position: int) -> list[bytes]:
        return [b"event: error\n" + self.event(dumps(self.error_object(error, request)))]


def _event(type: str, **fields: Any) -> bytes:
    data = dumps({"type": type, **fields})
    padding = b" " * (-len(data) % 16)
    return b"event: %b\ndata: %b%b}\n\n" % (type.encode(), data[:-1], padding)


_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def _message(question: Question) -> dict[str, Any]:
    """The message as it stands when it begins."""
    return {
        "model": question.model,
        "id": question.id("msg_"),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": question.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 1,
            "service_tier": "standard",
        },
    }


def _output_usage(answer: Answer) -> dict[str, Any]:
    """The tokens of the whole answer, thinking included."""
    usage: dict[str, Any] = {"output_tokens": answer.visible_tokens + answer.reasoning_tokens}
    if answer.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": answer.reasoning_tokens}
    return usage


def _ending(answer: Answer) -> dict[str, Any]:
    """Why the message ends."""
    reason = "tool_use" if answer.calls and answer.finish == "stop" else _STOP_REASONS[answer.finish]
    details = None
    if answer.refusal:
        reason = "refusal"
        details = {"type": "refusal", "category": None, "explanation": "".join(answer.refusal)}
    return {"stop_reason": reason, "stop_sequence": None, "stop_details": details}


def _blocks(question: Question, answer: Answer) -> list[tuple[dict[str, Any], str, tuple[str, ...]]]:
    """The content blocks: each as it starts, the key that is filled, and the pieces that fill it."""
    blocks: list[tuple[dict[str, Any], str, tuple[str, ...]]] = []
    if answer.reasoning:
        blocks.append(({"type": "thinking", "thinking": ""}, "thinking", answer.reasoning))
    if answer.text or not (answer.calls or answer.refusal):
        blocks.append(({"type": "text", "text": ""}, "text", answer.text))
    for place, call in enumerate(answer.calls):
        block = {"type": "tool_use", "id": question.id("toolu_", place), "name": call.name, "input": {}}
        blocks.append((block, "input", call.fragments))
    return blocks


def _deltas(key: str, pieces: tuple[str, ...]) -> list[dict[str, Any]]:
    if key == "input":
        # The first fragment is empty; a tool without arguments has no other.
        shown = () if "".join(pieces) == "{}" else pieces
        return [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *shown)]
    return [{"type": f"{key}_delta", key: piece} for piece in pieces]


def _tool_input(pieces: tuple[str, ...]) -> dict[str, Any]:
    """The arguments as an object, which is all that a whole message can hold."""
    try:
        arguments = loads("".join(pieces) or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise ValueError(f"a whole message of Claude holds arguments as an object, not as {''.join(pieces)!r}")
    return arguments


def _turns(messages: list[Any]) -> list[tuple[str, str]]:
    turns: list[tuple[str, str]] = []
    called: list[str] = []
    for place, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            raise ProviderError(400, f"messages.{place}.role: Input should be 'user' or 'assistant'")
        content = message.get("content")
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        if not isinstance(content, list):
            raise ProviderError(400, f"messages.{place}.content: Field required")
        for number, block in enumerate(content):
            if not isinstance(block, dict) or not block.get("type"):
                raise ProviderError(400, f"messages.{place}.content.{number}.type: Field required")
        results = [block for block in content if block["type"] == "tool_result"]
        answered = [block.get("tool_use_id") for block in results]
        if open_calls := [call for call in called if call not in answered]:
            raise ProviderError(
                400,
                f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(open_calls)}",
            )
        if strangers := [str(call) for call in answered if call not in called]:
            raise ProviderError(
                400, f"messages.{place}: unexpected `tool_use_id` in `tool_result` blocks: {', '.join(strangers)}"
            )
        uses = [block for block in content if block["type"] == "tool_use"]
        for use in uses:
            if not isinstance(use.get("input"), dict):
                raise ProviderError(400, f"messages.{place}.content: tool_use.input: Input should be an object")
        called = [str(use.get("id")) for use in uses]
        spoken = text_of([block for block in content if block["type"] == "text"])
        spoken += "".join(f" {use.get('name')} {dumps(use['input']).decode()}" for use in uses)
        if spoken or not results:
            turns.append((role, spoken.strip()))
        turns += [("tool", text_of(block.get("content"))) for block in results]
    if called:
        raise ProviderError(
            400,
            f"messages.{len(messages) - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(called)}",
        )
    return turns


def _tools(body: dict[str, Any]) -> tuple[list[OfferedTool], str]:
    offered = []
    for place, tool in enumerate(body.get("tools") or []):
        if not isinstance(tool, dict) or not tool.get("name"):
            raise ProviderError(400, f"tools.{place}.name: Field required")
        if tool.get("type") not in (None, "custom"):
            continue  # a tool that Anthropic runs itself
        schema = tool.get("input_schema")
        if not isinstance(schema, dict):
            raise ProviderError(400, f"tools.{place}.custom.input_schema: Field required")
        if schema.get("type") != "object":
            raise ProviderError(400, f"tools.{place}.custom.input_schema.type: Input should be 'object'")
        offered.append(OfferedTool(tool["name"], schema))
    choice = body.get("tool_choice")
    if choice is None:
        return offered, "auto"
    kind = str(choice.get("type")) if isinstance(choice, dict) else None
    if kind not in ("auto", "any", "tool", "none"):
        raise ProviderError(400, "tool_choice: Input should be an object of the type 'auto', 'any', 'tool' or 'none'")
    if kind != "none" and not body.get("tools"):
        raise ProviderError(400, "tool_choice may only be specified while providing tools.")
    if kind == "tool" and choice.get("name") not in [tool.name for tool in offered]:
        raise ProviderError(400, f"tool_choice: Tool {choice.get('name')!r} not found in provided tools")
    return offered, {"any": "required", "tool": choice.get("name")}.get(kind, kind)


def _schema(body: dict[str, Any]) -> Any:
    """The schema that ``output_config.format`` asks for."""
    config = body.get("output_config")
    form = config.get("format") if isinstance(config, dict) else None
    if form is None:
        return None
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        raise ProviderError(400, "output_config.format.type: Input should be 'json_schema'")
    if not isinstance(form.get("schema"), dict):
        raise ProviderError(400, "output_config.format.schema: Field required")
    return form["schema"]
