"""Parts of a message: text, images, documents, sound, video.

>>> from llm_async import parts
>>> question = {"role": "user", "content": [parts.text("What is this?"), parts.image(Path("photo.jpg"))]}

Each part is a plain dict that goes through ``json.dumps``, in the words of that API which has the kind: Chat Completions for
text, images, sound and files, the others where it has none. Every provider reads all of them and puts them into its own
words; what it cannot take is an :class:`~llm_async.errors.UnsupportedError` before anything is sent. A part that a caller
writes by hand, in the words of any API, does the same.

What a part is made of is said by the type of its source: a ``str`` is an address (``https:``, ``data:``, for Gemini also
``gs:``), ``bytes`` are the data, and a :class:`pathlib.Path` is a file, which is read when the part is made. A ``str`` is
never taken for a file's name, so that no text of a stranger's can make a program read one.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any, Literal, Union
from urllib.parse import unquote_to_bytes, urlsplit

from .media_types import ending_of, is_text, media_type_of_bytes, media_type_of_name

__all__ = ["Part", "Source", "audio", "document", "image", "is_part", "text", "uploaded", "video"]

#: A part of a message, as it stands in its ``content``.
Part = dict[str, Any]
#: An address, data, or a file.
Source = Union[str, bytes, bytearray, memoryview, "PathLike[str]"]

_PDF = "application/pdf"
_SCHEMES = ("http", "https", "data", "gs")
# input_audio.format, where it is not the second half of the media type.
_FORMATS = {
    "mpeg": "mp3",
    "mp4": "m4a",
    "x-wav": "wav",
    "wave": "wav",
    "x-flac": "flac",
    "x-m4a": "m4a",
    "x-aiff": "aiff",
}


def text(text: str) -> Part:
    """A text; alone it may as well stand as the message's content itself."""
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, not {type(text).__name__}")
    return {"type": "text", "text": text}


def image(
    source: Source,
    *,
    media_type: str | None = None,
    detail: Literal["auto", "low", "high", "original"] | None = None,
) -> Part:
    """An image.

    Args:
        source: an address, data, or a file.
        media_type: ``image/…``, where neither the data nor the name tells it. Gemini wants to know it of an address, too.
        detail: how closely OpenAI's models look at it; the others have no such choice.

    Raises:
        ValueError: it is no image, or nothing tells its type.
        OSError: the file cannot be read.
    """
    if isinstance(source, str):
        told = media_type is not None
        scheme, media_type = _address(source, media_type, "image")
        if scheme == "gs":
            return _at_google(source, media_type, "image")
        part = _image_url(source, detail)
        return {**part, "media_type": media_type} if told and scheme != "data" else part
    data, media_type, _ = _read(source, media_type, "image")
    return _image_url(f"data:{media_type};base64,{_base64(data)}", detail)


def _image_url(url: str, detail: str | None) -> Part:
    return {"type": "image_url", "image_url": {"url": url} if detail is None else {"url": url, "detail": detail}}


def document(source: Source, *, media_type: str | None = None, name: str | None = None) -> Part:
    """A document: a PDF, or anything that is text. Other files, such as those of office programs, are OpenAI's alone.

    Args:
        source: an address, data, or a file. An address is taken for that of a PDF where its ending says nothing else.
        media_type: what it is, where neither the data nor the name tells it.
        name: what the model is told of its name; a file's own by default.

    Raises:
        ValueError: nothing tells its type, or a text is not in UTF-8.
        OSError: the file cannot be read.
    """
    if isinstance(source, str):
        told = media_type is not None
        scheme, media_type = _address(source, media_type, None)
        if scheme == "gs":
            return _at_google(source, media_type or _PDF, None)
        if scheme == "data":
            media_type = media_type or "text/plain"
            return _said(_decoded(source), media_type, name) if is_text(media_type) else _file(source, media_type, name)
        part: Part = {"type": "input_file", "file_url": source}
        return part | ({"media_type": media_type} if told else {}) | ({"filename": name} if name else {})
    data, media_type, own_name = _read(source, media_type, None)
    name = name or own_name
    if is_text(media_type):
        return _said(data, media_type, name)
    return _file(f"data:{media_type};base64,{_base64(data)}", media_type, name)


def _said(data: bytes, media_type: str, name: str | None) -> Part:
    """A document that is text, in the words of the Messages API: it alone tells one from a text."""
    try:
        said = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"a document of type {media_type} must be UTF-8, and it is not: {error}") from None
    part: Part = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": said}}
    return {**part, "title": name} if name else part


def _file(data_url: str, media_type: str, name: str | None) -> Part:
    return {
        "type": "file",
        "file": {"filename": name or f"document.{ending_of(media_type)}", "file_data": data_url},
    }


def uploaded(file_id: str, kind: Literal["document", "image"] = "document") -> Part:
    """A file that was uploaded to the provider before, by its id there; for Gemini, by its address."""
    if not isinstance(file_id, str) or not file_id:
        raise ValueError(f"file_id must be the id of an uploaded file, not {file_id!r}")
    if kind == "image":
        return {"type": "input_image", "file_id": file_id}
    if kind != "document":
        raise ValueError(f"kind must be 'document' or 'image', not {kind!r}")
    return {"type": "file", "file": {"file_id": file_id}}


def audio(source: Source, *, media_type: str | None = None) -> Part:
    """Sound. OpenAI takes WAV and MP3 as data, Gemini more types and addresses too, Claude none.

    Args:
        source: an address, data, or a file.
        media_type: ``audio/…``, where neither the data nor the name tells it.

    Raises:
        ValueError: it is no sound, or nothing tells its type.
        OSError: the file cannot be read.
    """
    if isinstance(source, str):
        scheme, media_type = _address(source, media_type, "audio")
        return _at_google(source, media_type, "audio") if scheme != "data" else _inline(source)
    data, media_type, _ = _read(source, media_type, "audio")
    kind = media_type.partition("/")[2].partition(";")[0]
    return {"type": "input_audio", "input_audio": {"data": _base64(data), "format": _FORMATS.get(kind, kind)}}


def video(source: Source, *, media_type: str | None = None) -> Part:
    """A video. Gemini and OpenRouter take it, OpenAI and Claude do not.

    Args:
        source: an address, also of a video on YouTube; data, or a file.
        media_type: ``video/…``, where neither the data nor the name tells it; of an address, MP4 by default.

    Raises:
        ValueError: it is no video, or nothing tells its type.
        OSError: the file cannot be read.
    """
    if isinstance(source, str):
        scheme, media_type = _address(source, media_type, "video")
        return _at_google(source, media_type or "video/mp4", "video") if scheme != "data" else _inline(source)
    data, media_type, _ = _read(source, media_type, "video")
    return {"inlineData": {"mimeType": media_type, "data": _base64(data)}}


def is_part(value: Any) -> bool:
    """Whether a value is a part of a message, of any API's, and not just a JSON object."""
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type")
    if kind is None:
        return any(
            isinstance(value.get(key), Mapping) for key in ("inlineData", "fileData", "inline_data", "file_data")
        )
    field = _TOLD_BY.get(kind) if isinstance(kind, str) else None
    return field is not None and any(name in value for name in field)


# What the parts of each kind hold besides their kind.
_TOLD_BY = {
    "text": ("text",),
    "input_text": ("text",),
    "image_url": ("image_url",),
    "input_image": ("image_url", "file_id"),
    "image": ("source",),
    "document": ("source",),
    "file": ("file",),
    "input_file": ("file_url", "file_data", "file_id"),
    "document_url": ("document_url",),
    "input_audio": ("input_audio",),
    "audio_url": ("audio_url",),
    "video_url": ("video_url",),
    "search_result": ("source",),
}


# ---- sources


def _address(url: str, media_type: str | None, kind: str | None) -> tuple[str, str | None]:
    """The scheme of an address, and the media type of what is there, as far as it is known."""
    scheme = url.partition(":")[0].lower()
    if scheme not in _SCHEMES:
        raise ValueError(
            f"an address must begin with https:, http:, data: or gs:, not {url[:40]!r}; for a file, give a pathlib.Path"
        )
    if scheme == "data":
        told = url[len("data:") :].partition(",")[0].partition(";")[0].strip().lower() or "text/plain"
        return scheme, _checked(told, kind)
    if media_type is None:
        media_type = media_type_of_name(urlsplit(url).path)
        if kind is not None and media_type is not None and not media_type.startswith(f"{kind}/"):
            media_type = None  # an address such as /photo.php tells nothing
        return scheme, media_type
    return scheme, _checked(media_type, kind)


def _at_google(url: str, media_type: str | None, kind: str | None) -> Part:
    """What no API but Gemini fetches, in its words."""
    if media_type is None:
        raise ValueError(f"nothing tells the type of {url[:60]!r}: say media_type='{kind or 'application'}/…'")
    return {"fileData": {"mimeType": media_type, "fileUri": url}}


def _inline(data_url: str) -> Part:
    head, _, data = data_url[len("data:") :].partition(",")
    media_type, *options = (word.strip().lower() for word in head.split(";"))
    if "base64" not in options:
        raise ValueError("a data URL of sound or video must be in base64")
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _decoded(data_url: str) -> bytes:
    """What a data URL holds."""
    head, comma, data = data_url[len("data:") :].partition(",")
    if not comma:
        raise ValueError("a data URL without a comma")
    if "base64" not in (word.strip().lower() for word in head.split(";")):
        return unquote_to_bytes(data)
    try:
        return b64decode(data)
    except ValueError as error:
        raise ValueError(f"a data URL whose data is not base64: {error}") from None


def _read(source: Any, media_type: str | None, kind: str | None) -> tuple[bytes, str, str | None]:
    """The bytes of a source, their media type, and the file's name if it is one."""
    name = None
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif isinstance(source, PathLike):
        path = fspath(source)
        with open(path, "rb") as file:
            data = file.read()
        name = path.replace("\\", "/").rpartition("/")[2]
    else:
        raise TypeError(f"a source must be a str with an address, bytes, or a path, not {type(source).__name__}")
    told = media_type or media_type_of_bytes(data) or media_type_of_name(name or "")
    if told is None:
        raise ValueError(f"nothing tells the type of {name or 'these bytes'}: say media_type='{kind or 'text'}/…'")
    return data, _checked(told, kind), name


def _checked(media_type: str, kind: str | None) -> str:
    """A media type, which must be of a kind."""
    lowered = media_type.lower()
    if "/" not in lowered:
        raise ValueError(f"media_type must be a media type such as image/png, not {media_type!r}")
    if kind is not None and not lowered.startswith(f"{kind}/"):
        raise ValueError(f"this is data of type {lowered}, and no {kind}")
    return lowered


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
