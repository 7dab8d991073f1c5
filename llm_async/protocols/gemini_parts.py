"""Content parts of every API, as Gemini's ``Part``.

What belongs here: text, images, sound, video and files. Calls and results, which refer to each other over several messages,
are put together in ``gemini_contents.py``.

Understood are the parts of Chat Completions (``text``, ``image_url``, ``input_audio``, ``file``, OpenRouter's
``video_url``, vLLM's ``audio_url``, Mistral's ``document_url``), of the Responses API (``input_text``, ``input_image``,
``input_file``, …) and of the Messages API (``text``, ``image``, ``document``). Gemini's own parts have no ``type`` and pass
as they are, with their ``thoughtSignature``. Reasoning of other providers is left out: it is signed for, or readable by, the
one that made it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from ..errors import UnsupportedError
from ..models.media_types import media_type_of_name
from .foreign import unfolded

__all__ = ["Part", "parts_of"]

Part = dict[str, Any]

_NATIVE = frozenset(
    {
        *("text", "thought", "thoughtSignature", "thought_signature"),
        *("inlineData", "inline_data", "fileData", "file_data"),
        *("functionCall", "function_call", "functionResponse", "function_response"),
        *("executableCode", "executable_code", "codeExecutionResult", "code_execution_result"),
        *("toolCall", "tool_call", "toolResponse", "tool_response"),
    }
)
_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?P<options>[^,]*),", re.IGNORECASE)
# What Gemini calls a media type, where that is not the registered name.
_OWN_SPELLINGS = {
    "application/rtf": "text/rtf",
    "application/xml": "text/xml",
    "audio/mp4": "audio/m4a",
    "audio/mpeg": "audio/mp3",
    "text/markdown": "text/md",
    "video/quicktime": "video/mov",
    "video/x-ms-wmv": "video/wmv",
    "video/x-msvideo": "video/avi",
}
# The files of office programs, archives and the like: "Document understanding" in the guides knows PDFs and texts.
_OFFICE = ("application/vnd.", "application/msword", "application/zip", "application/octet-stream")


def parts_of(part: Any, where: str) -> list[Part]:
    """The Gemini parts that say what one content part says; none for another provider's reasoning.

    Args:
        part: a content part of any of the four APIs.
        where: the message it stands in, for error messages: ``messages[i]``.

    Raises:
        UnsupportedError: Gemini has no such part, or the part refers to something that only its own provider can read.
        ValueError: the part is not what its API says.
    """
    if not isinstance(part, Mapping):
        raise ValueError(f"{where}: a content part must be a mapping, not {type(part).__name__}")
    kind = part.get("type")
    if kind is None:
        if part.keys() & _NATIVE:
            return [dict(part)]
        raise UnsupportedError(f"{where}: Gemini has no content part with the fields {sorted(part)}")
    simpler = unfolded(part, where)
    if simpler is not None:
        return [made for inner in simpler for made in parts_of(inner, where)]
    convert = _CONVERTERS.get(kind)
    if convert is None:
        raise UnsupportedError(f"{where}: Gemini has no content part of type {kind!r}")
    return convert(part, where)


def _text(part: Mapping[str, Any], where: str) -> list[Part]:
    return [{"text": _str(part, "text", where)}]


def _refusal(part: Mapping[str, Any], where: str) -> list[Part]:
    return [{"text": _str(part, "refusal", where)}]


def _reasoning(part: Mapping[str, Any], where: str) -> list[Part]:
    return []


def _url(part: Mapping[str, Any], where: str) -> list[Part]:
    """Chat: ``{"image_url": {"url"}}``, ``{"video_url": {"url"}}``. Responses, Mistral: ``{"image_url": "…"}``."""
    key = part["type"] if part["type"] in ("video_url", "audio_url", "document_url") else "image_url"
    value = part.get(key)
    if value is None and isinstance(part.get("file_id"), str):
        return [_by_id(part["file_id"], where)]
    if isinstance(value, Mapping):
        value = value.get("url")
    if not isinstance(value, str):
        raise ValueError(f"{where}: a part of type {part['type']!r} has no URL")
    return [_by_url(value, where, part.get("media_type"))]


def _audio(part: Mapping[str, Any], where: str) -> list[Part]:
    """Chat: ``{"input_audio": {"data", "format"}}``."""
    audio = part.get("input_audio")
    audio = audio if isinstance(audio, Mapping) else part
    return [_inline(f"audio/{audio.get('format') or 'wav'}", _str(audio, "data", where), where)]


def _file(part: Mapping[str, Any], where: str) -> list[Part]:
    """Chat: ``{"file": {"file_data", "filename", "file_id"}}``. Responses: the same without a nest, and ``file_url``."""
    inner = part.get("file")
    file = inner if isinstance(inner, Mapping) else part
    for key in ("file_data", "file_url"):
        value = file.get(key)
        if isinstance(value, str) and value:
            if key == "file_url" or ":" in value:  # base64 has no colon
                return [_by_url(value, where, part.get("media_type") or _media_type(str(file.get("filename", ""))))]
            return [_inline(_media_type(str(file.get("filename", ""))) or "application/pdf", value, where)]
    if isinstance(file.get("file_id"), str):
        return [_by_id(file["file_id"], where)]
    raise ValueError(f"{where}: a part of type {part['type']!r} holds no file")


def _source(part: Mapping[str, Any], where: str) -> list[Part]:
    """Messages API: ``{"source": {"type": "base64" | "url" | "file", …}}``; texts and parts have been unfolded."""
    source = part.get("source")
    source = source if isinstance(source, Mapping) else {}
    kind = source.get("type")
    if kind == "base64":
        return [_inline(_str(source, "media_type", where), _str(source, "data", where), where)]
    if kind == "url":
        return [_by_url(_str(source, "url", where), where)]
    if kind == "file":
        return [_by_id(_str(source, "file_id", where), where)]
    raise UnsupportedError(f"{where}: Gemini has no {part['type']} with a source of type {kind!r}")


_CONVERTERS: dict[Any, Callable[[Mapping[str, Any], str], list[Part]]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "image_url": _url,
    "input_image": _url,
    "video_url": _url,
    "audio_url": _url,
    "document_url": _url,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
    "image": _source,
    "document": _source,
    "thinking": _reasoning,
    "redacted_thinking": _reasoning,
    "reasoning": _reasoning,
}


def _inline(media_type: str, data: str, where: str) -> Part:
    if media_type.startswith(_OFFICE):
        raise UnsupportedError(f"{where}: Gemini does not read files of type {media_type!r}")
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _by_url(url: str, where: str, media_type: str | None = None) -> Part:
    """A data URL as inline data, any other address as ``fileData``, which Google's servers fetch.

    ``media_type`` is what the caller knows of an address; else its ending says it.
    """
    match = _DATA_URL.match(url)
    if match is not None:
        inline_type = match["type"].strip().lower() or "text/plain"
        data = url[match.end() :]
        if match["options"].rpartition(";")[2].strip().lower() != "base64":
            data = b64encode(unquote_to_bytes(data)).decode("ascii")
        return _inline(inline_type, data, where)
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"{where}: a part's URL cannot be read") from error
    if address.scheme.lower() not in ("http", "https", "gs"):
        raise ValueError(f"{where}: a part's URL must begin with data:, http:, https: or gs:")
    if media_type is None:
        media_type = _media_type(address.path)
        if media_type is not None and media_type.startswith(_OFFICE):
            media_type = None  # a name is no proof; what it is shows when it is fetched
    return {"fileData": {**({"mimeType": media_type} if media_type else {}), "fileUri": url}}


def _by_id(file_id: str, where: str) -> Part:
    """A file that was uploaded before. Google's ids of files are addresses."""
    if file_id.startswith(("https://", "gs://")):
        return _by_url(file_id, where)
    raise UnsupportedError(f"{where}: Gemini cannot read files that were uploaded to another provider (by a file id)")


def _media_type(name: str) -> str | None:
    media_type = media_type_of_name(name)
    return media_type and _OWN_SPELLINGS.get(media_type, media_type)


def _str(holder: Mapping[str, Any], key: str, where: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{where}: {key} of a content part must be a str, not {type(value).__name__}")
    return value
