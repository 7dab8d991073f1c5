"""Gemini's ``generateContent``, on the Gemini API and on Vertex AI.

What belongs here: the request around the conversation, and the Protocol that the other modules named ``gemini_…`` make up
together: contents and their parts, tools, a whole answer, a streamed one.

The path of a request follows the root that collections stand in: ``/models/gemini-2.5-flash:generateContent``,
``/tunedModels/mine:generateContent``. That root is ``…/v1beta`` on the Gemini API and ends in ``…/publishers/google`` on
Vertex AI. Names that begin with ``publishers/`` or ``projects/`` are Vertex AI's, and begin further up; they are sent as
they are, for a root that ends in the API's version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..models import Tool, ToolCall
from ..models.tool_call import ServerId
from . import gemini_tools
from .base import Answer, Call, Protocol, ResultContent, WireRequest, decode_object
from .gemini_answer import read_answer
from .gemini_contents import Conversation, function_response
from .gemini_reader import GeminiReader, decode_array
from .options_gemini import camel, gemini_options

if TYPE_CHECKING:
    from .embeddings import EmbeddingForm
    from .model_lists import ModelList
    from .token_counts import TokenCounting

__all__ = ["Gemini", "model_path"]

# The collections that a model's name may begin with; without one it stands in `models`.
_COLLECTIONS = ("models", "tunedModels", "publishers", "projects", "endpoints")

# GenerationConfig, in the references of both APIs.
_GENERATION_FIELDS = frozenset(
    {
        *("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed"),
        *("presencePenalty", "frequencyPenalty", "responseLogprobs", "logprobs"),
        *("responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities", "responseFormat"),
        *("thinkingConfig", "mediaResolution", "speechConfig", "imageConfig", "audioTranscriptionConfig"),
        *("routingConfig", "modelConfig", "modelSelectionConfig", "audioTimestamp"),
        *("enableAffectiveDialog", "enableEnhancedCivicAnswers"),
    }
)
# The other APIs' names for some of them.
_OTHER_NAMES = {
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "n": "candidateCount",
    "stop": "stopSequences",
}


class Gemini(Protocol):
    """``POST /models/NAME:generateContent`` and ``:streamGenerateContent``.

    Args:
        vertex: Vertex AI, which embeds, counts and lists in other words.
    """

    def __init__(self, *, vertex: bool = False) -> None:
        self._vertex = vertex

    def request(self, call: Call) -> WireRequest:
        """The request of a call.

        Options that belong into ``generationConfig`` are put there, whichever way they are spelled; what an explicit
        ``generationConfig`` says goes before them, and a schema before both.

        Raises:
            ValueError: for a message, tool or choice that lacks what Gemini needs, naming it.
            UnsupportedError: for what Gemini has no place for.
        """
        if not call.model:
            raise ValueError("model must be the name of a model")
        conversation = Conversation(call.model)
        for position, message in enumerate(call.messages):
            conversation.add(message, position)
        body: dict[str, Any] = {"contents": conversation.contents}
        _put_options(body, call)
        if conversation.instruction:
            _put_instruction(body, conversation.instruction)
        if call.tools:
            body["tools"] = call.tools
        if call.tool_choice:
            _put_tool_choice(body, call.tool_choice)
        for key, value in call.extra_body.items():
            body.pop(_spelling(body, key), None)
            body[key] = value
        method = "streamGenerateContent?alt=sse" if call.stream else "generateContent"
        return WireRequest(f"{model_path(call.model)}:{method}", body)

    def read(self, body: dict[str, Any]) -> Answer:
        """A whole answer from the decoded body of a 200; see :meth:`Protocol.read`."""
        return read_answer(body)

    def read_body(self, body: bytes) -> Answer:
        """A whole answer from the bytes of a 200; also from a stream without ``alt=sse``, which is a JSON array.

        Raises:
            APIStatusError: the body is an error, alone or in an array.
            ProtocolError: the body is not what the API sends.
            StreamError: an array that does not hold the whole answer.
        """
        if not body.lstrip().startswith(b"["):
            return self.read(decode_object(body))
        reader = self.reader()
        for event in decode_array(body):
            reader.event(event, body)
        reader.flush()
        return reader.close()

    def reader(self) -> GeminiReader:
        """A fresh reader for one streamed answer."""
        return GeminiReader(self)

    def format_tools(self, tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Tools as the request carries them; see :func:`.gemini_tools.format_tools`."""
        return gemini_tools.format_tools(tools)

    def tool_result(self, call: ToolCall, content: ResultContent, *, is_error: bool = False) -> dict[str, Any]:
        """The message that hands a tool's result back; it repeats the call's id if the API gave one."""
        id = call.id if isinstance(call.id, ServerId) else None
        part = function_response(call.name or "", content, is_error=is_error, id=id)
        return {"role": "user", "parts": [part]}

    def model_list(self) -> ModelList:
        from .model_lists import GeminiModels

        return GeminiModels(page_size=100) if self._vertex else GeminiModels()

    def embeddings(self) -> EmbeddingForm:
        from .gemini_embeddings import GeminiEmbeddings, VertexEmbeddings

        return VertexEmbeddings() if self._vertex else GeminiEmbeddings()

    def token_counting(self) -> TokenCounting:
        from .token_counts import GeminiCount

        return GeminiCount(self._vertex)


def model_path(model: str) -> str:
    """The path of a model, without the method."""
    segments = model.strip("/").split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        raise ValueError(f"model is no name of a model: {model!r}")
    if len(segments) == 1 or segments[0] not in _COLLECTIONS:
        segments.insert(0, "models")
    return "/" + quote("/".join(segments), safe="/-._~:@")


# ---- options


def _spelling(body: Mapping[str, Any], key: str) -> str:
    """The spelling in which a body has a field already, else the given one."""
    name = camel(key)
    return next((known for known in body if camel(known) == name), key)


def _put_options(body: dict[str, Any], call: Call) -> None:
    flat: dict[str, Any] = {}
    explicit: Any = None
    for key, value in gemini_options(call).items():
        name = _OTHER_NAMES.get(key) or camel(key)
        if name == "generationConfig":
            explicit = value
        elif name in _GENERATION_FIELDS:
            flat[name] = [value] if name == "stopSequences" and isinstance(value, str) else value
        else:
            body[key] = value
    if explicit is not None and not isinstance(explicit, Mapping):
        raise TypeError(f"generationConfig must be a mapping, not {type(explicit).__name__}")
    config = dict(explicit or {})
    for name, value in flat.items():
        config.setdefault(_spelling(config, name), value)
    if call.response_schema is not None:
        # The API takes one of the three.
        for name in ("responseSchema", "responseJsonSchema", "responseMimeType"):
            config.pop(_spelling(config, name), None)
        config.update(call.response_schema.for_google())
    if config:
        body["generationConfig"] = config


def _put_instruction(body: dict[str, Any], parts: list[dict[str, Any]]) -> None:
    """Put the system messages after what an option says; 0.5 called the field ``system_instruction``."""
    key = _spelling(body, "system_instruction")
    given = body.get(key)
    if isinstance(given, str):
        given = {"parts": [{"text": given}]}
    elif not isinstance(given, Mapping):
        given = {}
    body[key] = {**given, "parts": [*(given.get("parts") or ()), *parts]}


def _put_tool_choice(body: dict[str, Any], tool_choice: Any) -> None:
    """Put the choice into ``toolConfig``, beside what an option says of other things."""
    key = _spelling(body, "toolConfig")
    config = dict(body.get(key) or {})
    inner = _spelling(config, "functionCallingConfig")
    given = {name: value for name, value in (config.get(inner) or {}).items() if camel(name) != "allowedFunctionNames"}
    config[inner] = {**given, **gemini_tools.function_calling_config(tool_choice)}
    body[key] = config
