"""OpenAI's Responses API: ``event:`` and ``data:`` lines, LF, numbered events, and no ``[DONE]``."""

from __future__ import annotations

from typing import Any

from ..._json import dumps
from ..answers import Answer
from ..http1 import Request
from .base import CREATED, Dialect, OfferedTool, ProviderError, Question, bearer, text_of, whole
from .openai_chat import OPENAI_STATUSES, OpenAIChat, invalid, missing, openai_unauthorized, read_tool_choice

__all__ = ["OpenAIResponses"]

_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_ASSISTANT_PARTS = ("output_text", "refusal")
# Everything that may be asked of /responses/input_tokens.
_COUNTED = {
    "conversation", "input", "instructions", "model", "parallel_tool_calls", "personality", "previous_response_id",
    "reasoning", "text", "tool_choice", "tools", "truncation",
}  # fmt: skip
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class OpenAIResponses(Dialect):
    """Requests to ``/responses``."""

    name = "openairesponses"
    base = OpenAIChat.base
    statuses = OPENAI_STATUSES

    # Reading a request.

    def generates(self, request: Request) -> bool:
        return self.local_path(request) == "/responses"

    def owns(self, request: Request) -> bool:
        return self.local_path(request).startswith("/responses")

    def key(self, request: Request) -> str | None:
        return bearer(request)

    def unauthorized(self, request: Request) -> ProviderError:
        return openai_unauthorized(request)

    def question(self, request: Request) -> Question:
        body = self.read_object(request)
        model = body.get("model")
        if not (isinstance(model, str) and model) and not body.get("prompt"):
            raise missing("model")
        continued = bool(body.get("previous_response_id") or body.get("conversation"))
        tools, choice = _tools(body)
        return Question(
            model=model if isinstance(model, str) else "",
            stream=body.get("stream") is True,
            turns=_instructions(body) + _turns(body, continued),
            number=request.number,
            tools=tools,
            tool_choice=choice,
            schema=_schema(body.get("text")),
            max_tokens=whole(body.get("max_output_tokens")),
            body=body,
        )

    # Writing an answer.

    def body(self, question: Question, answer: Answer) -> bytes:
        return dumps(_response(question, answer, _items(question, answer)))

    def events(self, question: Question, answer: Answer) -> list[bytes]:
        stream = _Stream(self, question)
        stream.add("response.created", response=_response(question, answer))
        stream.add("response.in_progress", response=_response(question, answer))
        items = _items(question, answer)
        calls = iter(answer.calls)
        for place, item in enumerate(items):
            if item["type"] == "reasoning":
                stream.add_reasoning(place, item, answer.reasoning)
            elif item["type"] == "message":
                stream.add_message(place, item, answer.text or answer.refusal)
            else:
                stream.add_call(place, item, next(calls).fragments)
        final = _response(question, answer, items)
        stream.add(f"response.{final['status']}", response=final)
        return stream.events

    def models(self, request: Request) -> bytes:
        raise ProviderError(404, f"Invalid URL ({request.method} {request.path})")

    def beside(self, request: Request) -> bytes | None:
        if self.local_path(request) != "/responses/input_tokens":
            return None
        for name in self.read_object(request):
            if name not in _COUNTED:
                raise ProviderError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        return dumps({"object": "response.input_tokens", "input_tokens": self.question(request).counted_tokens})

    def headers(self, request: Request) -> list[tuple[str, str]]:
        return [("x-request-id", f"req_{request.number:08d}"), ("openai-version", "2020-10-01")]

    # Writing an error.

    def error_object(self, error: ProviderError) -> dict[str, Any]:
        """What stands under ``error``."""
        type_, code = self.type_and_code(error)
        return {"type": type_, "code": code, "message": error.message, "param": error.param}

    def error_body(self, error: ProviderError, request: Request) -> bytes:
        return dumps({"error": self.error_object(error)})

    def error_events(self, error: ProviderError, request: Request, position: int) -> list[bytes]:
        event = {"type": "error", "sequence_number": position, "error": self.error_object(error)}
        return [b"event: error\n" + self.event(dumps(event))]


class _Stream:
    """The events of one answer, numbered as they are added."""

    def __init__(self, dialect: Dialect, question: Question) -> None:
        self.events: list[bytes] = []
        self._dialect = dialect
        self._padded = (question.body.get("stream_options") or {}).get("include_obfuscation") is not False

    def add(self, type: str, **fields: Any) -> None:
        """One event."""
        event = {"type": type, **fields, "sequence_number": len(self.events)}
        self.events.append(b"event: %b\n" % type.encode() + self._dialect.event(dumps(event)))

    def add_delta(self, type: str, delta: str, **fields: Any) -> None:
        """One event with a piece of text, padded so that its size does not betray the text's."""
        padding = {"obfuscation": "x" * (16 - len(delta) % 16)} if self._padded else {}
        self.add(type, delta=delta, **fields, **padding)

    def add_reasoning(self, place: int, item: dict[str, Any], pieces: tuple[str, ...]) -> None:
        """A reasoning item with one part of summary."""
        at = {"item_id": item["id"], "output_index": place, "summary_index": 0}
        part = item["summary"][0]
        self.add(
            "response.output_item.added", output_index=place, item={**item, "summary": [], "encrypted_content": None}
        )
        self.add("response.reasoning_summary_part.added", **at, part={**part, "text": ""})
        for piece in pieces:
            self.add_delta("response.reasoning_summary_text.delta", piece, **at)
        self.add("response.reasoning_summary_text.done", **at, text=part["text"])
        self.add("response.reasoning_summary_part.done", **at, part=part)
        self.add("response.output_item.done", output_index=place, item=item)

    def add_message(self, place: int, item: dict[str, Any], pieces: tuple[str, ...]) -> None:
        """A message with one part, a text or a refusal."""
        at = {"item_id": item["id"], "output_index": place, "content_index": 0}
        part = item["content"][0]
        kind, key = ("refusal", "refusal") if part["type"] == "refusal" else ("output_text", "text")
        extra: dict[str, Any] = {} if kind == "refusal" else {"logprobs": []}
        opened = {**item, "status": "in_progress", "content": []}
        self.add("response.output_item.added", output_index=place, item=opened)
        self.add("response.content_part.added", **at, part={**part, key: ""})
        for piece in pieces:
            self.add_delta(f"response.{kind}.delta", piece, **at, **extra)
        self.add(f"response.{kind}.done", **at, **{key: part[key]}, **extra)
        self.add("response.content_part.done", **at, part=part)
        self.add("response.output_item.done", output_index=place, item=item)

    def add_call(self, place: int, item: dict[str, Any], pieces: tuple[str, ...]) -> None:
        """A function call."""
        at = {"item_id": item["id"], "output_index": place}
        opened = {**item, "status": "in_progress", "arguments": ""}
        self.add("response.output_item.added", output_index=place, item=opened)
        for piece in pieces:
            self.add_delta("response.function_call_arguments.delta", piece, **at)
        self.add("response.function_call_arguments.done", **at, arguments=item["arguments"])
        self.add("response.output_item.done", output_index=place, item=item)


def _items(question: Question, answer: Answer) -> list[dict[str, Any]]:
    """The output items of an answer."""
    items: list[dict[str, Any]] = []
    status = "completed" if answer.finish == "stop" else "incomplete"
    if answer.reasoning:
        summary = [{"type": "summary_text", "text": "".join(answer.reasoning)}]
        encrypted = question.id("encrypted-")
        items.append(
            {"id": question.id("rs_"), "type": "reasoning", "summary": summary, "encrypted_content": encrypted}
        )
    if answer.text or answer.refusal or not answer.calls:
        part: dict[str, Any] = {"type": "output_text", "annotations": [], "logprobs": [], "text": "".join(answer.text)}
        if answer.refusal:
            part = {"type": "refusal", "refusal": "".join(answer.refusal)}
        items.append(
            {"id": question.id("msg_"), "type": "message", "status": status, "content": [part], "role": "assistant"}
        )
    for place, call in enumerate(answer.calls):
        items.append(
            {
                "id": question.id("fc_", place),
                "type": "function_call",
                "status": status,
                "arguments": call.arguments,
                "call_id": question.id("call_", place),
                "name": call.name,
            }
        )
    return items


def _response(question: Question, answer: Answer, items: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The response object: finished with ``items``, else as it stands when the stream begins."""
    asked = question.body
    reason = _INCOMPLETE.get(answer.finish)
    status, details, usage = "in_progress", None, None
    if items is not None:
        status = "completed" if reason is None else "incomplete"
        details = None if reason is None else {"reason": reason}
        usage = _usage(question, answer)
    return {
        "id": question.id("resp_"),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": details,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "model": question.model,
        "output": items or [],
        "parallel_tool_calls": asked.get("parallel_tool_calls", True),
        "previous_response_id": asked.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None, **(asked.get("reasoning") or {})},
        "service_tier": "auto" if items is None else "default",
        "store": asked.get("store", True),
        "temperature": asked.get("temperature", 1.0),
        "text": asked.get("text") or {"format": {"type": "text"}},
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": asked.get("tools") or [],
        "top_p": asked.get("top_p", 1.0),
        "truncation": asked.get("truncation") or "disabled",
        "usage": usage,
        "user": None,
        "metadata": asked.get("metadata") or {},
    }


def _usage(question: Question, answer: Answer) -> dict[str, Any]:
    output = answer.visible_tokens + answer.reasoning_tokens
    return {
        "input_tokens": question.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": question.input_tokens + output,
    }


def _instructions(body: dict[str, Any]) -> list[tuple[str, str]]:
    instructions = body.get("instructions")
    return [("system", instructions)] if isinstance(instructions, str) else []


def _turns(body: dict[str, Any], continued: bool) -> list[tuple[str, str]]:
    """The input; one that continues a stored response may hold the results of calls that stand there."""
    asked = body.get("input")
    if asked is None:
        if continued or body.get("prompt"):
            return []
        raise missing("input")
    if isinstance(asked, str):
        return [("user", asked)]
    if not isinstance(asked, list):
        raise ProviderError(400, "'input' has to be a string or an array.", param="input", code="invalid_type")
    turns = []
    calls: list[str] = []
    kinds = [_kind(item) for item in asked]
    for place, (item, kind) in enumerate(zip(asked, kinds, strict=True)):
        if kind is None:
            raise missing(f"input[{place}].type")
        if kind == "reasoning" and kinds[place + 1 : place + 2] in ([], ["function_call_output"]):
            raise ProviderError(
                400, f"Item {item.get('id')!r} of type 'reasoning' was given without the item that followed it."
            )
        if kind == "message":
            turns.append(_message(item, f"input[{place}]"))
        elif kind == "function_call":
            for key in ("call_id", "name", "arguments"):
                if not isinstance(item.get(key), str):
                    raise missing(f"input[{place}].{key}")
            calls.append(item["call_id"])
            turns.append(("assistant", f"{item['name']} {item['arguments']}"))
        elif kind == "function_call_output":
            call = item.get("call_id")
            if call in calls:
                calls.remove(call)
            elif not continued:
                raise ProviderError(400, f"No tool call found for the output with call_id {call}.", param="input")
            turns.append(("tool", text_of(item.get("output"))))
    if calls:
        raise ProviderError(400, f"No tool output found for the function call {calls[0]}.", param="input")
    return turns


def _kind(item: Any) -> Any:
    """The type of an input item; a message may do without."""
    return item.get("type", "message" if "role" in item else None) if isinstance(item, dict) else None


def _message(item: dict[str, Any], where: str) -> tuple[str, str]:
    role, content = item.get("role"), item.get("content")
    if not isinstance(role, str) or role not in _ROLES:
        raise invalid(f"{where}.role", role, ", ".join(f"'{known}'" for known in _ROLES))
    if not isinstance(content, (str, list)):
        raise missing(f"{where}.content")
    for number, part in enumerate(content if isinstance(content, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else None
        spoken = kind in _ASSISTANT_PARTS if role == "assistant" else str(kind).startswith("input_")
        if not spoken:
            supported = (
                "'output_text' and 'refusal'" if role == "assistant" else "'input_text', 'input_image' and so on"
            )
            raise invalid(f"{where}.content[{number}].type", kind, supported)
    return _ROLES[role], text_of(content)


def _tools(body: dict[str, Any]) -> tuple[list[OfferedTool], str]:
    offered = []
    for place, tool in enumerate(body.get("tools") or []):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind is None:
            raise missing(f"tools[{place}].type")
        if kind == "function":
            if not tool.get("name"):
                raise missing(f"tools[{place}].name")  # among others for a tool nested as in Chat Completions
            offered.append(OfferedTool(tool["name"], tool.get("parameters") or {"type": "object"}))
    return read_tool_choice(body, offered, lambda choice: choice)


def _schema(text: Any) -> Any:
    """The schema that ``text.format`` asks for."""
    form = text.get("format") if isinstance(text, dict) else None
    if not isinstance(form, dict) or form.get("type") == "text":
        return None
    if form.get("type") == "json_object":
        return {"type": "object"}
    for key in ("name", "schema"):
        if not form.get(key):
            raise missing(f"text.format.{key}")
    return form["schema"]
