"""The parts of a message's content, from any API, in the words of Chat Completions.

What belongs here: one part at a time. Which messages come of them is ``chat_messages.py``'s business.

OpenAI takes images by their address or data, sound and PDFs as data, and PDFs by a file's id. What an imitator takes beyond
that is named when the parts are read: see :data:`VIDEO` and its neighbours.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._json import dumps_text
from ..errors import UnsupportedError
from ..models.media_types import is_text, media_type_of_name
from .foreign import marked_as_error, unfolded

__all__ = ["FILE_URLS", "MEDIA_IN_RESULTS", "NOTHING_MORE", "VIDEO", "Pieces", "Result", "read_parts", "read_result"]

#: What a server may take beyond OpenAI: ``video_url`` parts, as OpenRouter and vLLM have them.
VIDEO = "video"
#: The address of a file in ``file.file_data``, as OpenRouter has it.
FILE_URLS = "file_urls"
#: Images and files in ``role: "tool"`` messages.
MEDIA_IN_RESULTS = "media_in_results"
NOTHING_MORE: frozenset[str] = frozenset()

# What an assistant's message may hold: OpenAI's two kinds, and Mistral's.
_ANSWER_KINDS = frozenset({"text", "refusal", "thinking"})
_MEDIA_KINDS = frozenset({"image_url", "input_audio", "file", "video_url"})


class _Place(NamedTuple):
    """Where a part stands, for error messages, and what the server takes beyond OpenAI."""

    name: str
    takes: frozenset[str]


@dataclass
class Result:
    """The result of a tool call.

    Attributes:
        call_id: the call's id, or ``""`` where only the name says which call is meant.
        name: the function's name, where the id is missing.
        text: what the result says.
        attachments: images and the like in it, for which results have no place here.
    """

    call_id: str
    name: str = ""
    text: str = ""
    attachments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Pieces:
    """What the parts of one message are.

    Attributes:
        content: the parts that are content, in the API's own form.
        calls: tool calls, as they came.
        results: results of tool calls.
        changed: something was converted or dropped, so that the message cannot be sent with the content that it came with.
    """

    content: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    changed: bool = False

    def as_content(self) -> str | list[dict[str, Any]]:
        """The content of a user's or system's message: one text alone as a str, which every server takes."""
        if not self.content:
            return ""
        if len(self.content) == 1 and self.content[0].keys() == {"type", "text"}:
            return str(self.content[0]["text"])
        return self.content

    def as_answer(self, where: str) -> str | list[dict[str, Any]]:
        """The content of an assistant's message, which has a place for few kinds of parts; texts alone are one str."""
        said = [part for part in self.content if part.get("type") not in _MEDIA_KINDS]
        kinds = {part.get("type") for part in said}
        if kinds <= {"text"}:
            return "".join(part["text"] for part in said)
        if kinds <= _ANSWER_KINDS:
            return said
        raise UnsupportedError(
            f"{where}: Chat Completions has no place for {', '.join(sorted(map(repr, kinds - _ANSWER_KINDS)))} "
            "in an assistant's message"
        )

    def media(self) -> list[dict[str, Any]]:
        """Those of the parts that are neither text nor unknown here."""
        return [part for part in self.content if part.get("type") in _MEDIA_KINDS]


def read_parts(parts: Iterable[Any], where: str, takes: frozenset[str] = NOTHING_MORE) -> Pieces:
    """Sort the parts of a message.

    Args:
        parts: the parts, in the form of any API.
        where: the message that they stand in, for error messages: ``messages[i]``.
        takes: what the server takes beyond OpenAI.

    Raises:
        UnsupportedError: a part that the API has no place for.
    """
    pieces = Pieces()
    _read_into(pieces, parts, _Place(where, takes))
    return pieces


def _read_into(pieces: Pieces, parts: Iterable[Any], at: _Place) -> None:
    for part in parts:
        if isinstance(part, str):
            part = {"text": part}
        if not isinstance(part, Mapping):
            raise TypeError(f"{at.name}: a content part must be a mapping, not {type(part).__name__}")
        kind = part.get("type")
        if not isinstance(kind, str):
            pieces.changed = True
            _read_gemini(part, pieces, at)
        elif kind in ("tool_use", "thinking", "redacted_thinking", "tool_result"):
            _read_claude(kind, part, pieces, at)
        elif (simpler := unfolded(part, at.name)) is not None:
            pieces.changed = True
            _read_into(pieces, simpler, at)
        elif kind in _CONVERTERS:
            converted = _CONVERTERS[kind](part, at)
            pieces.changed = pieces.changed or converted is not part
            pieces.content.append(dict(converted))
        elif kind.endswith(("_tool_use", "_tool_result")) or kind in _CLAUDE_ONLY:
            raise _unsupported(f"content of type {kind!r}", at)
        else:
            pieces.content.append(dict(part))


def read_result(call_id: str, output: Any, where: str, takes: frozenset[str] = NOTHING_MORE) -> Result:
    """The result of a call, from a text, a list of parts, or a value."""
    if not (isinstance(output, list) and all(isinstance(part, (str, Mapping)) for part in output)):
        return Result(call_id, text=_result_text(output))
    content = read_parts(output, where, takes).content
    return Result(
        call_id,
        text="\n".join(part["text"] for part in content if part.get("type") == "text"),
        attachments=[part for part in content if part.get("type") != "text"],
    )


def _result_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps_text(value)


def _unsupported(what: str, at: _Place) -> UnsupportedError:
    return UnsupportedError(f"{at.name}: Chat Completions has no place for {what}")


def _image(url: str, detail: Any = None) -> dict[str, Any]:
    image = {"url": url}
    if detail is not None:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def _media(media_type: str, data: str, at: _Place, name: str | None = None) -> dict[str, Any]:
    """Base64 data as the kind of part that its media type asks for."""
    if media_type.startswith("image/"):
        return _image(f"data:{media_type};base64,{data}")
    if media_type.startswith("audio/"):
        # input_audio.format: "wav", "mp3"; other servers take more.
        audio_format = media_type.removeprefix("audio/").removeprefix("x-")
        return {
            "type": "input_audio",
            "input_audio": {"data": data, "format": {"mpeg": "mp3", "wave": "wav"}.get(audio_format, audio_format)},
        }
    if is_text(media_type):
        try:
            return {"type": "text", "text": b64decode(data).decode("utf-8-sig")}
        except ValueError as error:
            raise ValueError(f"{at.name}: a file of type {media_type} is not UTF-8 text in base64") from error
    if media_type == "application/pdf":
        return {
            "type": "file",
            "file": {"filename": name or "document.pdf", "file_data": f"data:{media_type};base64,{data}"},
        }
    if media_type.startswith("video/") and VIDEO in at.takes:
        return {"type": "video_url", "video_url": {"url": f"data:{media_type};base64,{data}"}}
    raise _unsupported(f"data of type {media_type!r}", at)


def _file_at(url: str, media_type: str, at: _Place, name: Any = None) -> dict[str, Any]:
    """A file, given by its address, that is no image."""
    if url.partition(":")[0].lower() in ("http", "https"):
        if media_type.startswith("video/") and VIDEO in at.takes:
            return {"type": "video_url", "video_url": {"url": url}}
        if not media_type.startswith(("video/", "audio/")) and FILE_URLS in at.takes:
            named = {"filename": name} if isinstance(name, str) else {}
            return {"type": "file", "file": {**named, "file_data": url}}
    raise _unsupported(f"a file of type {media_type!r} that is given by its address", at)


# ---- Claude's blocks


_CLAUDE_ONLY = frozenset({"compaction", "container_upload", "fallback"})


def _read_claude(kind: str, block: Mapping[str, Any], pieces: Pieces, at: _Place) -> None:
    if kind == "thinking" and isinstance(block.get("thinking"), list):
        # Mistral's: a part of this API's own content, which goes back as it came.
        pieces.content.append(dict(block))
        return
    pieces.changed = True
    if kind == "tool_use":
        pieces.calls.append(block)
    elif kind == "tool_result":
        result = read_result(str(block.get("tool_use_id")), block.get("content"), at.name, at.takes)
        if block.get("is_error"):
            result.text = marked_as_error(result.text)
        pieces.results.append(result)


def _claude_image(block: Mapping[str, Any], at: _Place) -> Mapping[str, Any]:
    source = block.get("source")
    source = source if isinstance(source, Mapping) else {}
    if source.get("type") == "base64":
        return _media(str(source.get("media_type")), str(source.get("data")), at)
    if source.get("type") == "url":
        return _image(str(source.get("url")))
    raise _unsupported(f"an image with a source of type {source.get('type')!r}", at)


def _claude_document(block: Mapping[str, Any], at: _Place) -> Mapping[str, Any]:
    source = block.get("source")
    source = source if isinstance(source, Mapping) else {}
    if source.get("type") == "base64":
        return _media(str(source.get("media_type")), str(source.get("data")), at, block.get("title"))
    if source.get("type") == "url":
        return _file_at(str(source.get("url")), "application/pdf", at, block.get("title"))
    raise _unsupported(f"a document with a source of type {source.get('type')!r}", at)


def _text(block: Mapping[str, Any], at: _Place) -> Mapping[str, Any]:
    """A text part; the citations that Claude's have are no part of the text."""
    if not isinstance(block.get("text"), str):
        raise TypeError(f"{at.name}: a text part has no text")
    if "citations" not in block:
        return block
    return {key: value for key, value in block.items() if key != "citations"}


# ---- Gemini's parts


# Google's own libraries write them like that.
_GEMINI_WORDS = {
    "file_data": "fileData",
    "file_uri": "fileUri",
    "function_call": "functionCall",
    "function_response": "functionResponse",
    "inline_data": "inlineData",
    "mime_type": "mimeType",
    "thought_signature": "thoughtSignature",
}


def _in_gemini_words(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {_GEMINI_WORDS.get(key, key): value for key, value in holder.items()}


def _read_gemini(part: Mapping[str, Any], pieces: Pieces, at: _Place) -> None:
    part = _in_gemini_words(part)
    if part.get("thought"):
        return
    if isinstance(part.get("text"), str):
        if part["text"]:
            pieces.content.append({"type": "text", "text": part["text"]})
    elif isinstance(part.get("functionCall"), Mapping):
        call = part["functionCall"]
        pieces.calls.append({"id": call.get("id"), "name": call.get("name"), "input": call.get("args")})
    elif isinstance(part.get("functionResponse"), Mapping):
        response = part["functionResponse"]
        said = response.get("response")
        text = _response_text(said)
        if isinstance(said, Mapping) and said.keys() == {"error"}:
            text = marked_as_error(text)
        result = Result(str(response.get("id") or ""), str(response.get("name")), text)
        # From version 3 on, the images and files of a result stand beside its text.
        inner = Pieces()
        _read_into(inner, response.get("parts") or (), at)
        result.attachments = inner.content
        pieces.results.append(result)
    elif isinstance(part.get("inlineData"), Mapping):
        data = _in_gemini_words(part["inlineData"])
        pieces.content.append(_media(str(data.get("mimeType")), str(data.get("data")), at))
    elif isinstance(part.get("fileData"), Mapping):
        data = _in_gemini_words(part["fileData"])
        uri, media_type = str(data.get("fileUri")), str(data.get("mimeType"))
        if media_type.startswith("image/") and uri.startswith(("https://", "http://")):
            pieces.content.append(_image(uri))
        else:
            pieces.content.append(_file_at(uri, media_type, at))
    elif part.keys() - {"thoughtSignature", "thought", "text"}:
        raise _unsupported(f"a part with {', '.join(sorted(map(repr, part)))}", at)


def _response_text(response: Any) -> str:
    """The text in a ``functionResponse.response``, which is an object with one of these fields by convention."""
    if isinstance(response, Mapping) and len(response) == 1:
        for key in ("result", "output", "error"):
            if key in response:
                response = response[key]
                break
    return _result_text(response)


# ---- the parts of the Responses API


def _responses_text(part: Mapping[str, Any], at: _Place) -> Mapping[str, Any]:
    return {"type": "text", "text": str(part.get("text", ""))}


def _responses_image(part: Mapping[str, Any], at: _Place) -> Mapping[str, Any]:
    url = part.get("image_url")
    if not isinstance(url, str):
        raise _unsupported("an image that is given by a file's id", at)
    return _image(url, part.get("detail"))


def _responses_file(part: Mapping[str, Any], at: _Place) -> Mapping[str, Any]:
    file = {key: part[key] for key in ("file_id", "file_data", "filename") if part.get(key) is not None}
    if "file_id" not in file and "file_data" not in file:
        url = str(part.get("file_url"))
        media_type = part.get("media_type") or media_type_of_name(url.partition("?")[0]) or "application/pdf"
        return _file_at(url, str(media_type), at, part.get("filename"))
    return {"type": "file", "file": file}


# ---- parts of this API, as this library's helpers write them


def _without_media_type(part: Mapping[str, Any], at: _Place) -> Mapping[str, Any]:
    """The media type that a helper was told of an address is for APIs that want to know it."""
    return {key: value for key, value in part.items() if key != "media_type"} if "media_type" in part else part


_CONVERTERS: dict[str, Callable[[Mapping[str, Any], _Place], Mapping[str, Any]]] = {
    "document": _claude_document,
    "file": _without_media_type,
    "image": _claude_image,
    "image_url": _without_media_type,
    "input_file": _responses_file,
    "input_image": _responses_image,
    "input_text": _responses_text,
    "output_text": _responses_text,
    "text": _text,
}
