"""Content parts of every API, as content blocks of the Messages API.

What belongs here: text, images, documents. Calls and their results, which refer to each other over several messages, are
put together in ``anthropic_messages.py``.

Understood are the parts of Chat Completions (``text``, ``refusal``, ``image_url``, ``file``, Mistral's ``document_url``), of
the Responses API (``input_text``, ``output_text``, ``input_image``, ``input_file``) and of Gemini (``text``, ``inlineData``,
``fileData``, executed code). Sound and video have no place. Blocks of the API's own, also of types that are not known here,
pass as they are. Reasoning of other providers is left out: it is signed for, or readable by, the one that made it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from ..errors import UnsupportedError
from ..models.media_types import is_text, media_type_of_name

__all__ = ["Block", "block_of", "text_block"]

Block = dict[str, Any]
Part = Mapping[str, Any]

# "Vision" and "PDF support" in the API's documentation: what it reads beside text.
_IMAGES = {
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
}
_PDF = "application/pdf"


def block_of(part: Any, where: str) -> Block | None:
    """The block that says what one content part says; None for what says nothing here.

    Args:
        part: a content part of any of the four APIs, which is neither a call nor a result.
        where: the message it stands in, for error messages: ``messages[i]``.

    Raises:
        UnsupportedError: the API has no such block.
        ValueError: the part is not what its own API says.
    """
    if isinstance(part, str):
        return text_block(part)
    if not isinstance(part, Mapping):
        raise TypeError(f"{where}: a content part must be a mapping, not {type(part).__name__}")
    kind = part.get("type")
    if kind is None:
        return _from_gemini(part, where)
    convert = _CONVERTERS.get(kind) if isinstance(kind, str) else None
    if convert is None:
        return dict(part)
    block = convert(part, where)
    if block is not None and "cache_control" in part:
        block["cache_control"] = part["cache_control"]
    return block


def text_block(text: str) -> Block | None:
    """A block of text; None for text without anything to see, which the API refuses."""
    return {"type": "text", "text": text} if text.strip() else None


def _text(part: Part, where: str) -> Block | None:
    text = _str(part, "text", where)
    if part["type"] == "text" and text.strip():
        # Citations and all, but for what OpenAI's APIs say of their caches.
        return {key: value for key, value in part.items() if key != "prompt_cache_breakpoint"}
    return text_block(text)


def _refusal(part: Part, where: str) -> Block | None:
    return text_block(_str(part, "refusal", where))


def _thinking(part: Part, where: str) -> Block | None:
    """The API's own thinking is a text with a signature; Mistral's, a list of parts, means nothing here."""
    return dict(part) if isinstance(part.get("thinking"), str) else None


def _nothing(part: Part, where: str) -> Block | None:
    return None


def _refused(part: Part, where: str) -> Block | None:
    raise UnsupportedError(f"{where}: the Messages API has no place for a part of type {part['type']!r}")


# ---- images and documents


def _image(part: Part, where: str) -> Block:
    """Chat: ``{"image_url": {"url"}}``. Responses: ``{"image_url": "…"}``, ``{"file_id"}``."""
    url = part.get("image_url")
    if isinstance(url, Mapping):
        url = url.get("url")
    if isinstance(url, str) and url:
        return _from_url(url, "image/*", None, where)
    if isinstance(part.get("file_id"), str):
        return {"type": "image", "source": {"type": "file", "file_id": part["file_id"]}}
    raise ValueError(f"{where}: a part of type {part['type']!r} has no URL")


def _file(part: Part, where: str) -> Block:
    """Chat: ``{"file": {"file_data", "filename", "file_id"}}``. Responses: the same without a nest, and ``file_url``."""
    inner = part.get("file")
    file = inner if isinstance(inner, Mapping) else part
    name = file.get("filename") if isinstance(file.get("filename"), str) else None
    media_type = part.get("media_type") or _type_of_file(name, str(file.get("file_url") or ""))
    data, url = file.get("file_data"), file.get("file_url")
    if isinstance(data, str) and data:
        if ":" in data:  # base64 has no colon; OpenRouter takes an address here, too
            return _from_url(data, media_type, name, where)
        return _inline(media_type, data, name, where)
    if isinstance(url, str) and url:
        return _from_url(url, media_type, name, where)
    if isinstance(file.get("file_id"), str):
        return _titled({"type": "document", "source": {"type": "file", "file_id": file["file_id"]}}, name)
    raise ValueError(f"{where}: a part of type {part['type']!r} has neither data, nor a URL, nor a file's id")


def _document_url(part: Part, where: str) -> Block:
    return _from_url(_str(part, "document_url", where), _PDF, None, where)


def _type_of_file(name: str | None, url: str) -> str:
    """The media type of a file by the end of its name; a PDF where that tells nothing: other APIs take files for PDFs."""
    return media_type_of_name(name or urlsplit(url).path) or _PDF


def _from_url(url: str, media_type: str, name: str | None, where: str) -> Block:
    """What a URL points at: the data within it, or an image or document that the provider has to fetch."""
    scheme = url.partition(":")[0].lower()
    if scheme == "data":
        head, comma, data = url[len("data:") :].partition(",")
        if not comma:
            raise ValueError(f"{where}: a data URL without a comma")
        kind, *options = head.split(";")
        if "base64" not in (option.strip().lower() for option in options):
            data = b64encode(unquote_to_bytes(data)).decode()
        return _inline(kind.strip().lower() or "text/plain", data, name, where)
    if scheme not in ("http", "https"):
        raise UnsupportedError(f"{where}: the Messages API takes files from http, https and data URLs alone")
    if media_type.startswith("image/"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    if media_type not in (_PDF, ""):  # "PDF support": the one type of document that the API fetches
        raise UnsupportedError(f"{where}: the Messages API fetches images and PDFs, and no data of type {media_type!r}")
    return _titled({"type": "document", "source": {"type": "url", "url": url}}, name)


def _inline(media_type: str, data: str, name: str | None, where: str) -> Block:
    """Base64 data of a known media type."""
    if media_type in _IMAGES:
        return {"type": "image", "source": {"type": "base64", "media_type": _IMAGES[media_type], "data": data}}
    if media_type == _PDF:
        return _titled({"type": "document", "source": {"type": "base64", "media_type": _PDF, "data": data}}, name)
    if is_text(media_type):
        try:
            text = b64decode(data).decode()
        except (Base64Error, ValueError) as error:
            raise ValueError(f"{where}: a file of type {media_type} is not UTF-8 text in base64") from error
        # The API knows one type of text.
        return _titled({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}}, name)
    raise UnsupportedError(f"{where}: the Messages API has no place for data of type {media_type!r}")


def _titled(block: Block, name: str | None) -> Block:
    return {**block, "title": name} if name else block


# ---- the parts of Gemini


def _from_gemini(part: Part, where: str) -> Block | None:
    if part.get("thought"):
        return None
    if isinstance(part.get("text"), str):
        return text_block(part["text"])
    for camel, snake in (("inlineData", "inline_data"), ("fileData", "file_data")):
        file = part.get(camel) or part.get(snake)
        if isinstance(file, Mapping):
            media_type = str(file.get("mimeType") or file.get("mime_type") or "").lower()
            data, uri = file.get("data"), file.get("fileUri") or file.get("file_uri")
            if isinstance(data, str):
                return _inline(media_type, data, None, where)
            if isinstance(uri, str):
                return _from_url(uri, media_type, None, where)
    code = part.get("executableCode")
    if isinstance(code, Mapping):
        return text_block(f"```{str(code.get('language', '')).lower()}\n{code.get('code', '')}\n```")
    result = part.get("codeExecutionResult")
    if isinstance(result, Mapping):
        return text_block(str(result.get("output") or ""))
    if part.keys() <= {"thoughtSignature", "thought_signature"}:
        return None
    raise UnsupportedError(f"{where}: the Messages API has no place for a part with the fields {sorted(part)}")


def _str(part: Part, key: str, where: str) -> str:
    value = part.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{where}: {key} of a content part must be a str, not {type(value).__name__}")
    return value


_CONVERTERS: dict[str, Callable[[Part, str], Block | None]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_image": _image,
    "file": _file,
    "input_file": _file,
    "document_url": _document_url,
    "thinking": _thinking,
    "reasoning": _nothing,
    "audio": _refused,
    "input_audio": _refused,
    "audio_url": _refused,
    "output_audio": _refused,
    "video": _refused,
    "video_url": _refused,
    "input_video": _refused,
    "summary_text": _nothing,
    "reasoning_text": _nothing,
}
