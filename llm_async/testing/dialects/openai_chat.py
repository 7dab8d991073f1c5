"""OpenAI's Chat Completions: ``data:`` lines alone, LF, padding named ``obfuscation``, ``data: [DONE]``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..._json import dumps, dumps_text
from ..answers import Answer, count_words
from ..http1 import Request
from ..vectors import DIMENSIONS, in_base64, vector_of
from .base import CREATED, MODEL, Dialect, OfferedTool, ProviderError, Question, bearer, text_of, whole

__all__ = ["OPENAI_STATUSES", "OpenAIChat", "invalid", "missing", "openai_unauthorized", "read_tool_choice"]

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}

_MOST_INPUTS = 2048  # of one request for embeddings

OPENAI_STATUSES: dict[int, tuple[str | None, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("service_unavailable_error", "server_is_overloaded"),
}


def missing(param: str) -> ProviderError:
    """OpenAI's word for a parameter that is not there."""
    return ProviderError(400, f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def invalid(param: str, value: Any, supported: str) -> ProviderError:
    """OpenAI's word for a value that a parameter cannot have."""
    return ProviderError(
        400, f"Invalid value: {value!r}. Supported values are: {supported}.", param=param, code="invalid_value"
    )


def openai_unauthorized(request: Request) -> ProviderError:
    """OpenAI's word for a missing or wrong key."""
    if bearer(request) is None:
        return ProviderError(401, "No API key was provided in an Authorization header.", type="invalid_request_error")
    return ProviderError(401, "Incorrect API key provided.", code="invalid_api_key")


class OpenAIChat(Dialect):
    """Requests to ``/chat/completions``."""

    name = "openai"
    base = "/openai/v1"
    statuses = OPENAI_STATUSES

    # Reading a request.

    def generates(self, request: Request) -> bool:
        return self.local_path(request) == "/chat/completions"

    def key(self, request: Request) -> str | None:
        return bearer(request)

    def unauthorized(self, request: Request) -> ProviderError:
        return openai_unauthorized(request)

    def question(self, request: Request) -> Question:
        body = self.read_object(request)
        model = self.read_model(body)
        stream = body.get("stream") is True
        if body.get("stream_options") is not None and not stream:
            raise ProviderError(
                400, "'stream_options' is only allowed when 'stream' is enabled.", param="stream_options"
            )
        messages = body.get("messages")
        if messages is None:
            raise missing("messages")
        if not isinstance(messages, list) or not messages:
            raise ProviderError(400, "'messages' has to be an array that is not empty.", param="messages")
        tools, choice = self.read_tools(body)
        return Question(
            model=model,
            stream=stream,
            turns=_turns(messages),
            number=request.number,
            tools=tools,
            tool_choice=choice,
            schema=_schema(body.get("response_format")),
            max_tokens=whole(body.get("max_completion_tokens")) or whole(body.get("max_tokens")),
            body=body,
        )

    def read_model(self, body: dict[str, Any]) -> str:
        """The model's name."""
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise ProviderError(400, "A model parameter has to be provided.")
        return model

    def read_tools(self, body: dict[str, Any]) -> tuple[list[OfferedTool], str]:
        """The functions on offer, and the choice among them."""
        offered = []
        for place, tool in enumerate(body.get("tools") or []):
            kind = tool.get("type") if isinstance(tool, dict) else None
            if kind is None:
                raise missing(f"tools[{place}].type")
            if kind != "function":
                continue
            function = tool.get("function")
            if not isinstance(function, dict) or not function.get("name"):
                raise missing(f"tools[{place}].function.name")
            offered.append(OfferedTool(function["name"], function.get("parameters") or {"type": "object"}))
        return read_tool_choice(body, offered, lambda choice: choice.get("function"))

    # Writing an answer.

    def body(self, question: Question, answer: Answer) -> bytes:
        return dumps(self.completion(question, answer))

    def completion(self, question: Question, answer: Answer) -> dict[str, Any]:
        """A whole answer as an object."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(answer.text) if answer.text or not (answer.calls or answer.refusal) else None,
            "refusal": "".join(answer.refusal) or None,
        }
        if answer.reasoning:
            message["reasoning_content"] = "".join(answer.reasoning)
        if answer.calls:
            message["tool_calls"] = [
                _call(question, place, call.name, call.arguments) for place, call in enumerate(answer.calls)
            ]
        return {
            "id": question.id("chatcmpl-"),
            "object": "chat.completion",
            "created": CREATED,
            "model": question.model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason(answer)}],
            "usage": usage(question, answer),
            "service_tier": "default",
            "system_fingerprint": None,
        }

    def events(self, question: Question, answer: Answer) -> list[bytes]:
        options = question.body.get("stream_options") or {}
        frame: dict[str, Any] = {
            "id": question.id("chatcmpl-"),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": question.model,
            "service_tier": "default",
            "system_fingerprint": None,
        }
        # Asked for usage, every chunk has the field, and one chunk without choices has the numbers.
        no_usage = {"usage": None} if options.get("include_usage") is True else {}

        def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
            return {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **no_usage}

        first: dict[str, Any] = {
            "role": "assistant",
            "content": None if answer.calls or answer.refusal else "",
            "refusal": "" if answer.refusal else None,
        }
        deltas = list(_deltas(question, answer))
        if len(answer.calls) == 1 and not (answer.text or answer.reasoning):
            first |= deltas.pop(0)  # a call that is alone begins within the first chunk
        chunks = [chunk(first), *map(chunk, deltas), chunk({}, finish_reason(answer))]
        if no_usage:
            chunks.append({**frame, "choices": [], "usage": usage(question, answer)})
        if options.get("include_obfuscation") is not False:
            for one in chunks:
                one["obfuscation"] = "x" * (16 - len(dumps(one)) % 16)
        return [*(self.event(dumps(one)) for one in chunks), self.event(b"[DONE]")]

    def models(self, request: Request) -> bytes:
        entry = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "llm-async"}
        name = self.local_path(request).removeprefix("/models").removeprefix("/")
        if not name:
            return dumps({"object": "list", "data": [entry]})
        if name != MODEL:
            raise ProviderError(404, f"The model '{name}' does not exist.", param="model", code="model_not_found")
        return dumps(entry)

    def beside(self, request: Request) -> bytes | None:
        return self.embeddings(request) if self.local_path(request) == "/embeddings" else None

    def embeddings(self, request: Request) -> bytes:
        """The answer to ``POST /embeddings``."""
        body = self.read_object(request)
        model = self.read_model(body)
        inputs = body.get("input")
        if inputs is None:
            raise missing("input")
        if isinstance(inputs, str) or (isinstance(inputs, list) and inputs and isinstance(inputs[0], int)):
            inputs = [inputs]
        if not isinstance(inputs, list) or not inputs or "" in inputs:
            raise ProviderError(400, "'$.input' is invalid.", param="input")
        if len(inputs) > _MOST_INPUTS:
            raise ProviderError(400, f"'$.input' has more than {_MOST_INPUTS} inputs.", param="input")
        encoding = body.get("encoding_format", "float")
        if encoding not in ("float", "base64"):
            raise invalid("encoding_format", encoding, "'float' and 'base64'")
        texts = [each if isinstance(each, str) else dumps_text(each) for each in inputs]
        vectors = [vector_of(text, whole(body.get("dimensions")) or DIMENSIONS) for text in texts]
        tokens = sum(map(count_words, texts))
        data = [
            {"object": "embedding", "index": place, "embedding": in_base64(each) if encoding == "base64" else each}
            for place, each in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return dumps({"object": "list", "data": data, "model": model, "usage": usage})

    def headers(self, request: Request) -> list[tuple[str, str]]:
        return [
            ("x-request-id", f"req_{request.number:08d}"),
            ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-reset-requests", "6ms"),
        ]

    # Writing an error.

    def error_object(self, error: ProviderError) -> dict[str, Any]:
        """What stands under ``error``."""
        type_, code = self.type_and_code(error)
        return {"message": error.message, "type": type_, "param": error.param, "code": code}

    def error_body(self, error: ProviderError, request: Request) -> bytes:
        return dumps({"error": self.error_object(error)})

    def error_events(self, error: ProviderError, request: Request, position: int) -> list[bytes]:
        # No [DONE] follows.
        return [self.event(dumps({"error": self.error_object(error)}))]


def read_tool_choice(
    body: dict[str, Any], tools: list[OfferedTool], named: Callable[[dict[str, Any]], Any]
) -> tuple[list[OfferedTool], str]:
    """The tools that may be called, and the choice among them; ``named`` finds the object that has the name."""
    choice = body.get("tool_choice")
    if choice is None or choice in ("none", "auto", "required"):
        if choice not in (None, "none") and not body.get("tools"):
            raise ProviderError(400, "'tool_choice' is only allowed when 'tools' are given.", param="tool_choice")
        return tools, choice or "auto"
    if not isinstance(choice, dict):
        raise invalid("tool_choice", choice, "'none', 'auto', and 'required'")
    if choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools") or choice
        names = [(named(tool) or {}).get("name") for tool in allowed.get("tools") or []]
        return [tool for tool in tools if tool.name in names], allowed.get("mode") or "auto"
    function = named(choice) if choice.get("type") == "function" else None
    name = function.get("name") if isinstance(function, dict) else None
    if name not in [tool.name for tool in tools]:
        raise ProviderError(400, f"Tool choice {name!r} is not among the 'tools'.", param="tool_choice")
    return tools, str(name)


def finish_reason(answer: Answer) -> str:
    """Why the model stopped, in the words of Chat Completions."""
    return "tool_calls" if answer.calls and answer.finish == "stop" else answer.finish


def usage(question: Question, answer: Answer) -> dict[str, Any]:
    """Tokens as Chat Completions counts them: reasoning is part of the completion."""
    completion = answer.visible_tokens + answer.reasoning_tokens
    return {
        "prompt_tokens": question.input_tokens,
        "completion_tokens": completion,
        "total_tokens": question.input_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _call(question: Question, place: int, name: str, arguments: str) -> dict[str, Any]:
    return {
        "id": question.id("call_", place),
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _deltas(question: Question, answer: Answer) -> Iterator[dict[str, Any]]:
    """What the chunks between the first and the last say."""
    for piece in answer.reasoning:
        yield {"reasoning_content": piece}
    for piece in answer.text:
        yield {"content": piece}
    for piece in answer.refusal:
        yield {"refusal": piece}
    yield from call_deltas(question, answer)


def call_deltas(question: Question, answer: Answer) -> Iterator[dict[str, Any]]:
    """Each call: its name with empty arguments, then the fragments of its arguments."""
    for place, call in enumerate(answer.calls):
        yield {"tool_calls": [{"index": place, **_call(question, place, call.name, "")}]}
        for fragment in call.fragments:
            yield {"tool_calls": [{"index": place, "function": {"arguments": fragment}}]}


def _turns(messages: list[Any]) -> list[tuple[str, str]]:
    turns = []
    unanswered: list[str] = []
    for place, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in _ROLES:
            raise invalid(f"messages[{place}].role", role, ", ".join(f"'{known}'" for known in _ROLES))
        if role == "tool":
            if message.get("tool_call_id") not in unanswered:
                raise ProviderError(
                    400,
                    "Messages with role 'tool' must answer a 'tool_calls' entry of a message before them.",
                    param=f"messages[{place}].role",
                )
            unanswered.remove(message["tool_call_id"])
        elif unanswered:
            break
        content, calls = message.get("content"), message.get("tool_calls") or []
        if not isinstance(content, (str, list)) and not (role == "assistant" and (calls or _says_otherwise(message))):
            raise ProviderError(
                400,
                f"'content' of a message with role '{role}' has to be a string or an array.",
                param=f"messages[{place}].content",
                code="invalid_type",
            )
        spoken = text_of(content)
        for number, call in enumerate(calls):
            where = f"messages[{place}].tool_calls[{number}]"
            if not isinstance(call, dict) or not call.get("id"):
                raise missing(f"{where}.id")
            unanswered.append(call["id"])
            if call.get("type") != "function":
                continue
            function = call.get("function")
            if not isinstance(function, dict) or not function.get("name"):
                raise missing(f"{where}.function.name")
            if not isinstance(function.get("arguments"), str):
                raise ProviderError(
                    400, "'arguments' has to be a string.", param=f"{where}.function.arguments", code="invalid_type"
                )
            spoken += f" {function['name']} {function['arguments']}"
        turns.append((_ROLES[role], spoken))
    if unanswered:
        raise ProviderError(
            400,
            "An assistant message with 'tool_calls' must be followed by one message with role 'tool' for each "
            f"'tool_call_id'; these have none: {', '.join(unanswered)}",
            param="messages",
        )
    return turns


def _says_otherwise(message: dict[str, Any]) -> bool:
    """Whether an assistant's message may lack content because something else stands in its place."""
    return any(message.get(key) for key in ("refusal", "audio", "function_call"))


def _schema(form: Any) -> Any:
    """The schema that ``response_format`` asks for."""
    if not isinstance(form, dict) or form.get("type") == "text":
        return None
    if form.get("type") == "json_object":
        return {"type": "object"}
    described = form.get("json_schema")
    if not isinstance(described, dict):
        raise missing("response_format.json_schema")
    for key in ("name", "schema"):
        if not described.get(key):
            raise missing(f"response_format.json_schema.{key}")
    return described["schema"]
