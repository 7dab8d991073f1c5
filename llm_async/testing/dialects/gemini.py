"""Google's generateContent: ``data:`` lines alone, CRLF, no terminator; without ``alt=sse`` one JSON array."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from ..._json import dumps, loads
from ..answers import Answer, SpokenCall, count_words
from ..http1 import Request
from ..vectors import DIMENSIONS, vector_of
from .base import MODEL, Dialect, OfferedTool, ProviderError, Question, bearer, whole

__all__ = ["Gemini"]

_METHOD = re.compile(r"/models/([^/:]+):(generateContent|streamGenerateContent)")
_BESIDE = re.compile(r"/models/([^/:]+):(countTokens|embedContent|batchEmbedContents|predict)")
_MOST_INPUTS = 100  # of one :batchEmbedContents
_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_MODES = {"AUTO": "auto", "VALIDATED": "auto", "ANY": "required", "NONE": "none", "MODE_UNSPECIFIED": "auto"}

# Every field of GenerateContentRequest; another one is refused, as the real API does.
_FIELDS = {
    "cachedContent", "contents", "continuationToken", "generationConfig", "labels", "model", "modelArmorConfig",
    "outputConfig", "safetySettings", "serviceTier", "store", "systemInstruction", "toolConfig", "tools",
}  # fmt: skip


class Gemini(Dialect):
    """Requests to ``/models/NAME:generateContent`` and ``:streamGenerateContent``."""

    name = "google"
    base = "/gemini/v1beta"
    # There is no error type; the code is error.status.
    statuses = {
        400: (None, "INVALID_ARGUMENT"),
        401: (None, "UNAUTHENTICATED"),
        403: (None, "PERMISSION_DENIED"),
        404: (None, "NOT_FOUND"),
        409: (None, "ABORTED"),
        429: (None, "RESOURCE_EXHAUSTED"),
        499: (None, "CANCELLED"),
        500: (None, "INTERNAL"),
        503: (None, "UNAVAILABLE"),
        504: (None, "DEADLINE_EXCEEDED"),
    }

    # Reading a request.

    def generates(self, request: Request) -> bool:
        return _METHOD.fullmatch(self.local_path(request)) is not None

    def wants_stream(self, request: Request) -> bool:
        return request.path.endswith(":streamGenerateContent")

    def key(self, request: Request) -> str | None:
        return request.headers.get("x-goog-api-key") or request.query.get("key") or bearer(request)

    def unauthorized(self, request: Request) -> ProviderError:
        if self.key(request) is None:
            return ProviderError(403, "Callers without established identity are not allowed; an API key is needed.")
        if bearer(request) is not None:
            return ProviderError(401, "The request has invalid authentication credentials.")
        # A bad key is a bad argument here.
        return ProviderError(400, "API key not valid. Please pass a valid API key.", type="API_KEY_INVALID")

    def question(self, request: Request) -> Question:
        matched = _METHOD.fullmatch(self.local_path(request))
        assert matched is not None
        return self._question(request, matched[1], matched[2] == "streamGenerateContent", self.read_object(request))

    def _question(self, request: Request, model: str, stream: bool, asked: dict[str, Any]) -> Question:
        body = {_camel(key): value for key, value in asked.items()}
        for key in body:
            if key not in _FIELDS:
                raise ProviderError(400, f'Invalid JSON payload received. Unknown name "{key}": Cannot find field.')
        contents = body.get("contents")
        if not isinstance(contents, list) or not contents:
            raise ProviderError(400, "* GenerateContentRequest.contents: contents is not specified")
        tools, choice = _tools(body)
        config = _camel_keys(body.get("generationConfig"))
        return Question(
            model=model,
            stream=stream,
            turns=[("system", _texts(_parts(body.get("systemInstruction")))), *_turns(contents, model)],
            number=request.number,
            tools=tools,
            tool_choice=choice,
            schema=_schema(config),
            max_tokens=whole(config.get("maxOutputTokens")),
            # Without alt=sse the stream is one JSON array.
            body={**body, "alt": request.query.get("alt")},
        )

    # Writing an answer.

    def body(self, question: Question, answer: Answer) -> bytes:
        if answer.refusal:
            return _spaced(_blocked(question, answer))
        # One part for all of the text, and one for all of the reasoning.
        joined = Answer(
            text=("".join(answer.text),) if answer.text else (),
            reasoning=("".join(answer.reasoning),) if answer.reasoning else (),
            calls=answer.calls,
        )
        parts = [part for group in _groups(question, joined) for part in group]
        counts = (answer.visible_tokens, answer.reasoning_tokens)
        return _spaced(_chunk(question, parts, *counts, answer=answer))

    def events(self, question: Question, answer: Answer) -> list[bytes]:
        chunks = [_blocked(question, answer)] if answer.refusal else _chunks(question, answer)
        if question.body["alt"] == "sse":
            return [self.event(_spaced(chunk)) for chunk in chunks]
        return [
            *((b"," if place else b"[") + _spaced(chunk) + b"\r\n" for place, chunk in enumerate(chunks)),
            b"]\r\n",
        ]

    def event(self, data: bytes) -> bytes:
        return b"data: %b\r\n\r\n" % data

    def models(self, request: Request) -> bytes:
        entry = {
            "name": f"models/{MODEL}",
            "version": "1",
            "displayName": "Echo",
            "inputTokenLimit": 100_000,
            "outputTokenLimit": 100_000,
            "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent"],
        }
        name = self.local_path(request).removeprefix("/models").removeprefix("/")
        if not name:
            return _spaced({"models": [entry]})
        if name != MODEL:
            raise ProviderError(404, f"models/{name} is not found for API version v1beta.")
        return _spaced(entry)

    def beside(self, request: Request) -> bytes | None:
        matched = _BESIDE.fullmatch(self.local_path(request))
        if matched is None:
            return None
        body = self.read_object(request)
        if matched[2] == "countTokens":
            inner = body.get("generateContentRequest", body)
            tokens = self._question(request, matched[1], False, inner).counted_tokens
            return _spaced({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]})
        if matched[2] == "embedContent":
            return _spaced({"embedding": _embedding(body)})
        if matched[2] == "predict":
            return _spaced({"predictions": [_prediction(each, body) for each in body.get("instances") or []]})
        requests = body.get("requests") or []
        if len(requests) > _MOST_INPUTS:
            raise ProviderError(
                400, f"* BatchEmbedContentsRequest.requests: at most {_MOST_INPUTS} requests can be in one batch"
            )
        for each in requests:
            if each.get("model") != f"models/{matched[1]}":
                raise ProviderError(400, "* BatchEmbedContentsRequest.requests: the model has to be that of the path.")
        return _spaced({"embeddings": [_embedding(each) for each in requests]})

    def stream_type(self, request: Request) -> str:
        return "text/event-stream" if request.query.get("alt") == "sse" else "application/json; charset=UTF-8"

    # Writing an error.

    def error_object(self, error: ProviderError) -> dict[str, Any]:
        """An error with its envelope."""
        inner: dict[str, Any] = {"code": error.status, "message": error.message}
        inner["status"] = error.code or (self.statuses.get(error.status) or self.statuses[500])[1]
        details: list[dict[str, Any]] = []
        if error.type is not None:
            info = {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": error.type,
                "domain": "googleapis.com",
            }
            details.append(info)
        if error.retry_after is not None:
            delay = f"{error.retry_after:g}s"
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
        return {"error": {**inner, "details": details} if details else inner}

    def error_headers(self, error: ProviderError) -> list[tuple[str, str]]:
        return []  # how long to wait stands in the body

    def error_body(self, error: ProviderError, request: Request) -> bytes:
        body = _spaced(self.error_object(error))
        return b"[%b]" % body if self.wants_stream(request) and request.query.get("alt") != "sse" else body

    def error_events(self, error: ProviderError, request: Request, position: int) -> list[bytes]:
        data = _spaced(self.error_object(error))
        return [self.event(data)] if request.query.get("alt") == "sse" else [b"," + data + b"\r\n", b"]\r\n"]


def _embedding(request: dict[str, Any]) -> dict[str, Any]:
    """The embedding of one ``EmbedContentRequest``."""
    text = _texts(_parts(request.get("content")))
    if not text:
        raise ProviderError(400, "* EmbedContentRequest.content: content is empty")
    return {"values": vector_of(text, whole(request.get("outputDimensionality")) or DIMENSIONS)}


def _prediction(instance: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """The embedding of one instance of Vertex AI's ``:predict``."""
    text = instance.get("content")
    if not isinstance(text, str) or not text:
        raise ProviderError(400, "The text content is empty.")
    wanted = whole((body.get("parameters") or {}).get("outputDimensionality"))
    statistics = {"token_count": count_words(text), "truncated": False}
    return {"embeddings": {"values": vector_of(text, wanted or DIMENSIONS), "statistics": statistics}}


def _spaced(value: Any) -> bytes:
    """JSON with a space behind the colon, as Google writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ": "))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be said as an escape
        return json.dumps(value, separators=(",", ": ")).encode()


def _groups(question: Question, answer: Answer) -> list[list[dict[str, Any]]]:
    """The parts of an answer, those of one chunk together; calls come whole, and only the first is signed."""
    groups: list[list[dict[str, Any]]] = [[{"text": piece, "thought": True}] for piece in answer.reasoning]
    groups += [[{"text": piece}] for piece in answer.text]
    signature = base64.b64encode(question.id("signature-").encode()).decode()
    if answer.calls:
        calls: list[dict[str, Any]] = [
            {"functionCall": {"name": call.name, "args": _args(call), "id": question.id("call_", place)}}
            for place, call in enumerate(answer.calls)
        ]
        calls[0]["thoughtSignature"] = signature
        groups.append(calls)
    elif answer.reasoning:
        groups.append([{"text": "", "thoughtSignature": signature}])
    return groups


def _args(call: SpokenCall) -> dict[str, Any]:
    try:
        arguments = loads(call.arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise ValueError(f"Gemini says arguments as an object, not as {call.arguments!r}")
    return arguments


def _chunks(question: Question, answer: Answer) -> list[dict[str, Any]]:
    chunks = []
    groups = _groups(question, answer)
    visible = thoughts = 0
    for group in groups[:-1]:
        for part in group:
            counted = count_words(part.get("text", ""))
            visible, thoughts = (visible, thoughts + counted) if part.get("thought") else (visible + counted, thoughts)
        chunks.append(_chunk(question, group, visible, thoughts))
    counts = (answer.visible_tokens, answer.reasoning_tokens)
    chunks.append(_chunk(question, groups[-1] if groups else [], *counts, answer=answer))
    return chunks


def _chunk(
    question: Question, parts: list[dict[str, Any]], visible: int, thoughts: int, *, answer: Answer | None = None
) -> dict[str, Any]:
    """One GenerateContentResponse, with the usage up to here; the last one says why ``answer`` ended."""
    content = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    candidate: dict[str, Any] = {"content": content}
    if answer is not None:
        candidate["finishReason"] = _REASONS[answer.finish]
        if answer.calls:
            candidate["finishMessage"] = "Model generated function call(s)."
    candidate["index"] = 0
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(question, visible, thoughts),
        "modelVersion": question.model,
        "responseId": question.id("response-"),
    }


def _usage(question: Question, visible: int, thoughts: int) -> dict[str, Any]:
    """The counts so far: candidates without thoughts; fields without a count are left out."""
    usage: dict[str, Any] = {"promptTokenCount": question.input_tokens}
    if visible:
        usage["candidatesTokenCount"] = visible
    usage["totalTokenCount"] = question.input_tokens + visible + thoughts
    usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": question.input_tokens}]
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    return usage


def _blocked(question: Question, answer: Answer) -> dict[str, Any]:
    """A prompt that is refused: no candidates at all."""
    return {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "".join(answer.refusal)},
        "usageMetadata": _usage(question, 0, 0),
        "modelVersion": question.model,
        "responseId": question.id("response-"),
    }


def _camel(key: str) -> str:
    """A field's name in camel case; the API takes both spellings."""
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _camel_keys(value: Any) -> dict[str, Any]:
    return {_camel(key): inner for key, inner in value.items()} if isinstance(value, dict) else {}


def _parts(content: Any) -> list[dict[str, Any]]:
    parts = content.get("parts") if isinstance(content, dict) else None
    return [_camel_keys(part) for part in parts] if isinstance(parts, list) else []


def _texts(parts: list[dict[str, Any]]) -> str:
    return " ".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _turns(contents: list[Any], model: str) -> list[tuple[str, str]]:
    turns: list[tuple[str, str]] = []
    called = 0
    for place, content in enumerate(contents):
        role = content.get("role", "user") if isinstance(content, dict) else None
        if role not in ("user", "model"):
            raise ProviderError(400, "Please use a valid role: user, model.")
        parts = _parts(content)
        if not parts:
            raise ProviderError(
                400, f"* GenerateContentRequest.contents[{place}].parts: contents.parts must not be empty."
            )
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        for result in results:
            if not isinstance(result, dict) or not result.get("name"):
                raise ProviderError(400, f"contents[{place}]: function_response.name: Name cannot be empty.")
            if not isinstance(result.get("response"), dict):
                raise ProviderError(400, f"contents[{place}]: function_response.response has to be an object.")
        if len(results) != called:
            raise ProviderError(
                400, "The number of function response parts has to equal the number of function call parts before them."
            )
        calls = [part for part in parts if "functionCall" in part]
        if calls and model.startswith("gemini-3") and not calls[0].get("thoughtSignature"):
            raise ProviderError(400, "Function call is missing a thought_signature in functionCall parts.")
        called = len(calls)
        spoken = _texts(parts)
        for call in (part["functionCall"] for part in calls):
            spoken += f" {call.get('name')} {dumps(call.get('args') or {}).decode()}"
        if spoken or not results:
            turns.append(("assistant" if role == "model" else "user", spoken.strip()))
        turns += [("tool", _result_text(result["response"])) for result in results]
    if called:
        raise ProviderError(400, "A function call has to be followed by its function response.")
    return turns


def _result_text(response: dict[str, Any]) -> str:
    """What a tool returned: the one value of its response, else the whole object."""
    values = list(response.values())
    return values[0] if len(values) == 1 and isinstance(values[0], str) else dumps(response).decode()


def _tools(body: dict[str, Any]) -> tuple[list[OfferedTool], str]:
    offered = []
    for place, tool in enumerate(body.get("tools") or []):
        for number, declared in enumerate(_camel_keys(tool).get("functionDeclarations") or []):
            function = _camel_keys(declared)
            if not function.get("name"):
                where = f"tools[{place}].function_declarations[{number}].name"
                raise ProviderError(400, f"* GenerateContentRequest.{where}: Invalid function name.")
            schema = function.get("parametersJsonSchema") or function.get("parameters") or {"type": "object"}
            offered.append(OfferedTool(function["name"], schema))
    config = _camel_keys(_camel_keys(body.get("toolConfig")).get("functionCallingConfig"))
    mode = config.get("mode", "AUTO")
    if mode not in _MODES:
        raise ProviderError(400, f"Invalid value at 'tool_config.function_calling_config.mode': {mode!r}")
    allowed = config.get("allowedFunctionNames")
    if allowed:
        if mode not in ("ANY", "VALIDATED"):
            raise ProviderError(400, "allowed_function_names should only be set when the mode is ANY or VALIDATED.")
        if unknown := [name for name in allowed if name not in [tool.name for tool in offered]]:
            raise ProviderError(400, f"allowed_function_names holds names that are not declared: {unknown}")
        offered = [tool for tool in offered if tool.name in allowed]
    return offered, _MODES[mode]


def _schema(config: dict[str, Any]) -> Any:
    """The schema that ``generationConfig`` asks for."""
    schemas = [config[key] for key in ("responseJsonSchema", "responseSchema") if config.get(key)]
    as_json = config.get("responseMimeType") == "application/json"
    if len(schemas) > 1:
        raise ProviderError(400, "response_schema and response_json_schema exclude one another.")
    if schemas and not as_json:
        raise ProviderError(400, "A response schema needs the response mime type application/json.")
    return schemas[0] if schemas else {"type": "object"} if as_json else None
