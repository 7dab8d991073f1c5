"""Content parts for the Responses API, from whatever form they were written in.

What belongs here: one part in, one part out. Chat Completions, Claude and Gemini each have their own words for the same
text, picture, sound or file; the Responses API says ``input_*`` for what is shown to the model and ``output_text`` or
``refusal`` for what the model said. Which message or item a part belongs to is decided in ``responses_input.py``.

A kind that has no place in this API, as video has none, is an UnsupportedError that names the message; nothing is left out
in silence, but other models' reasoning, which nobody except its maker can read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._json import dumps_text
from ..errors import UnsupportedError
from ..models.media_types import ending_of
from .foreign import unfolded

__all__ = [
    "ASSISTANT",
    "REASONING",
    "Part",
    "assistant_part",
    "fits_a_result",
    "is_foreign",
    "named_part",
    "result_part",
    "shown_part",
    "simple_parts",
]

Part = Mapping[str, Any]

ASSISTANT = ("assistant", "model")

# Claude's, Mistral's and Gemini's reasoning (the last named so by named_part).
REASONING = {"thinking", "redacted_thinking"}
# Calls and results inside of a message's content, which are items of their own here.
_ITEMS = {"tool_use", "tool_result"}


def named_part(part: Part, where: str) -> Part:
    """``part`` with a ``type``: Gemini's parts have none and become what Claude calls the same thing."""
    if isinstance(part.get("type"), str):
        return part
    if "text" in part:
        return {"type": "thinking" if part.get("thought") else "text", "text": part["text"]}
    for key, convert in _GEMINI.items():
        if isinstance(part.get(key), Mapping):
            return convert(part[key])
    if part and part.keys() <= {"thought", "thoughtSignature", "thought_signature"}:
        return {"type": "thinking"}
    keys = ", ".join(map(repr, part)) or "nothing in it"
    raise UnsupportedError(f"{where}: the Responses API has no place for a content part with {keys}")


def simple_parts(part: Part, where: str) -> list[Part]:
    """A part as :func:`shown_part` takes parts: those of Gemini named, those that only Claude has unfolded."""
    named = named_part(part, where)
    return unfolded(named, where) or [named]


def is_foreign(part: Any) -> bool:
    """Whether a part is in another API's words."""
    if not isinstance(part, Mapping):
        return False
    kind = part.get("type")
    if not isinstance(kind, str):
        return any(key in part for key in _GEMINI)
    return kind in _SHOWN or kind in REASONING or kind in _ITEMS or kind == "search_result" or "media_type" in part


def fits_a_result(part: Any) -> bool:
    """Whether a part may stand in a tool's result as it is."""
    return not is_foreign(part) and not (isinstance(part, Mapping) and part.get("type") == "input_audio")


def shown_part(part: Part, where: str) -> dict[str, Any]:
    """A part of what is shown to the model: of a user's, a system or a developer message, or of a tool's result.

    Raises:
        UnsupportedError: the part has no place there.
        ValueError: the part lacks what its kind is about.
    """
    kind = part["type"]
    if kind in _SHOWN:
        shown = _SHOWN[kind](part, where)
        if "prompt_cache_breakpoint" in part:
            shown["prompt_cache_breakpoint"] = part["prompt_cache_breakpoint"]
        return shown
    if kind in ("output_text", "summary_text", "reasoning_text"):
        return _text(part, where)
    if kind in ("input_text", "input_image", "input_file", "input_audio"):
        # A helper's media_type says to other APIs what is at an address.
        return {key: value for key, value in part.items() if key != "media_type"}
    raise UnsupportedError(f"{where}: the Responses API has no place for content of type {kind!r}")


def result_part(part: Part, where: str) -> dict[str, Any]:
    """A part of a tool's result, which may be a text, an image or a file.

    Raises:
        UnsupportedError: the part has no place there.
        ValueError: the part lacks what its kind is about.
    """
    shown = shown_part(part, where)
    if shown["type"] == "input_audio":
        raise UnsupportedError(f"{where}: the Responses API has no place for sound in a tool's result")
    return shown


def assistant_part(part: Part, where: str) -> dict[str, Any]:
    """A part of what the model said before.

    Raises:
        UnsupportedError: the part has no place there.
        ValueError: the part lacks what its kind is about.
    """
    kind = part["type"]
    if kind in ("text", "input_text"):
        return {"type": "output_text", "text": _needed(part, "text", where)}
    if kind in ("output_text", "refusal"):
        return dict(part)
    raise UnsupportedError(f"{where}: the Responses API has no place for {kind!r} in what the assistant said")


# ---- Chat Completions, Claude, Mistral


def _text(part: Part, where: str) -> dict[str, Any]:
    return {"type": "input_text", "text": _needed(part, "text", where)}


def _image_url(part: Part, where: str) -> dict[str, Any]:
    """Chat: ``{"image_url": {"url", "detail"}}``; Mistral: ``{"image_url": "…"}``."""
    image = part.get("image_url")
    if not isinstance(image, Mapping):
        return {"type": "input_image", "image_url": _needed(part, "image_url", where)}
    shown = {"type": "input_image", "image_url": _needed(image, "url", where)}
    if image.get("detail") is not None:
        shown["detail"] = image["detail"]
    return shown


def _file(part: Part, where: str) -> dict[str, Any]:
    """Chat: ``{"file": {"file_data", "filename"} | {"file_id"}}``; OpenRouter: an address as ``file_data``."""
    file = dict(_needed(part, "file", where))
    if str(file.get("file_data")).lower().startswith(("http://", "https://")):
        return {"type": "input_file", "file_url": file["file_data"]}
    return {"type": "input_file", **file}


def _document_url(part: Part, where: str) -> dict[str, Any]:
    return {"type": "input_file", "file_url": _needed(part, "document_url", where)}


def _image(part: Part, where: str) -> dict[str, Any]:
    """Claude: ``source`` of type base64, url or file."""
    source = _needed(part, "source", where)
    kind = source.get("type")
    if kind == "base64":
        return _data(_needed(source, "media_type", where), _needed(source, "data", where), where)
    if kind == "url":
        return {"type": "input_image", "image_url": _needed(source, "url", where)}
    if kind == "file":
        return {"type": "input_image", "file_id": _needed(source, "file_id", where)}
    raise UnsupportedError(f"{where}: the Responses API has no place for an image from {kind!r}")


def _document(part: Part, where: str) -> dict[str, Any]:
    """Claude: ``source`` of type base64, url or file; those of text and of parts have been unfolded."""
    source = _needed(part, "source", where)
    kind = source.get("type")
    if kind == "base64":
        return _data(_needed(source, "media_type", where), _needed(source, "data", where), where, part.get("title"))
    if kind == "url":
        return {"type": "input_file", "file_url": _needed(source, "url", where)}
    if kind == "file":
        return {"type": "input_file", "file_id": _needed(source, "file_id", where)}
    raise UnsupportedError(f"{where}: the Responses API has no place for a document from {kind!r}")


def _gemini_data(part: Part, where: str) -> dict[str, Any]:
    source = _needed(part, "source", where)
    mime = source.get("mimeType") or source.get("mime_type") or "application/octet-stream"
    uri = source.get("fileUri") or source.get("file_uri")
    if uri is None:
        return _data(mime, _needed(source, "data", where), where, source.get("displayName"))
    if mime.startswith(("audio/", "video/")) or not uri.lower().startswith(("http://", "https://")):
        raise UnsupportedError(f"{where}: the Responses API has no place for a file of type {mime!r} at {uri[:60]!r}")
    if mime.startswith("image/"):
        return {"type": "input_image", "image_url": uri}
    return {"type": "input_file", "file_url": uri}


_SHOWN: dict[str, Callable[[Part, str], dict[str, Any]]] = {
    "text": _text,
    "image_url": _image_url,
    "file": _file,
    "document_url": _document_url,
    "image": _image,
    "document": _document,
    "gemini_data": _gemini_data,
}


def _data(mime: str, data: str, where: str, name: str | None = None) -> dict[str, Any]:
    """Base64 data as what its media type says it is."""
    if mime.startswith("image/"):
        return {"type": "input_image", "image_url": f"data:{mime};base64,{data}"}
    kind = mime.partition("/")[2].partition(";")[0]
    if mime.startswith("audio/"):
        sound = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}.get(kind, kind)
        return {"type": "input_audio", "input_audio": {"data": data, "format": sound}}
    if mime.startswith("video/"):
        raise UnsupportedError(f"{where}: the Responses API has no place for data of type {mime!r}")
    name = name or f"file.{ending_of(mime)}"
    return {"type": "input_file", "filename": name, "file_data": f"data:{mime};base64,{data}"}


# ---- Gemini


def _gemini_call(call: Part) -> Part:
    return {"type": "tool_use", "id": call.get("id"), "name": call.get("name"), "input": call.get("args") or {}}


def _gemini_result(result: Part) -> Part:
    content, more = result.get("response"), result.get("parts")
    if isinstance(content, Mapping) and len(content) == 1:
        # {"result": …} and {"output": …} are wrappings that the API demands around a result that is no object.
        content = content.get("result", content.get("output", content))
    if not isinstance(content, str):
        content = dumps_text(content)
    if more:  # images and files, from version 3 on
        content = [{"type": "text", "text": content}, *more]
    return {"type": "tool_result", "tool_use_id": result.get("id"), "name": result.get("name"), "content": content}


def _gemini_source(source: Part) -> Part:
    return {"type": "gemini_data", "source": source}


_GEMINI: dict[str, Callable[[Part], Part]] = {
    "functionCall": _gemini_call,
    "function_call": _gemini_call,
    "functionResponse": _gemini_result,
    "function_response": _gemini_result,
    "inlineData": _gemini_source,
    "inline_data": _gemini_source,
    "fileData": _gemini_source,
    "file_data": _gemini_source,
}


def _needed(holder: Any, key: str, where: str) -> Any:
    value = holder.get(key) if isinstance(holder, Mapping) else None
    if value is None:
        raise ValueError(f"{where}: a content part lacks {key!r}")
    return value
