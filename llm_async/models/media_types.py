"""What kind of data something is: by its first bytes, and by the end of its name.

What belongs here: the types that the APIs take, under their registered names. The system's own table of types differs from
machine to machine, and so is not asked.
"""

from __future__ import annotations

__all__ = ["ending_of", "is_text", "media_type_of_bytes", "media_type_of_name"]

# The beginnings of files that say what they are; `?` stands for any byte.
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF????WEBP", "image/webp"),
    (b"RIFF????WAVE", "audio/wav"),
    (b"RIFF????AVI ", "video/x-msvideo"),
    (b"BM????\0\0\0\0", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"FORM????AIF", "audio/aiff"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"\0\0\x01\xba", "video/mpeg"),
    (b"\0\0\x01\xb3", "video/mpeg"),
    (b"FLV\x01", "video/x-flv"),
)
# ISO media files, whose fifth to eighth bytes are "ftyp", by the brand that follows; all others are MP4.
_BRANDS = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
# What reads as text although its type does not begin with "text/".
_TEXTS = (
    *("application/json", "application/xml", "application/yaml", "application/x-yaml"),
    *("application/toml", "application/javascript"),
)
_ENDINGS = {
    "aac": "audio/aac",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "avi": "video/x-msvideo",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "css": "text/css",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "flac": "audio/flac",
    "flv": "video/x-flv",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "htm": "text/html",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "m4a": "audio/mp4",
    "md": "text/markdown",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "py": "text/x-python",
    "rtf": "application/rtf",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "toml": "application/toml",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "wmv": "video/x-ms-wmv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}


def media_type_of_bytes(data: bytes) -> str | None:
    """The media type that the first bytes of a file tell, or None: texts have no such mark."""
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "video/mp4")
    for beginning, media_type in _BEGINNINGS:
        head = data[: len(beginning)]
        if len(head) == len(beginning) and all(map(_fits, beginning, head)):
            return media_type
    # An MPEG audio frame without a tag in front: eleven bits set; then AAC where the layer is 0, else MP3. Nobody uses layer I,
    # with which the mark would be that of a text in UTF-16.
    if len(data) >= 2 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] & 0x06 != 0x06:
        return "audio/mpeg" if data[1] & 0x06 else "audio/aac"
    return None


def _fits(wanted: int, got: int) -> bool:
    return wanted in (got, ord("?"))


def media_type_of_name(name: str) -> str | None:
    """The media type that the end of a file's name, or of a URL's path, tells; None where it tells nothing."""
    _, dot, ending = name.rpartition("/")[2].rpartition(".")
    return _ENDINGS.get(ending.lower()) if dot else None


def ending_of(media_type: str) -> str:
    """The end of a file's name for a media type: the usual one, else what the type itself says."""
    told = [ending for ending, known in _ENDINGS.items() if known == media_type]
    kind = media_type.partition("/")[2].partition(";")[0]
    return kind if not told or kind in told else told[0]


def is_text(media_type: str) -> bool:
    """Whether data of a media type reads as text."""
    return media_type.startswith("text/") or media_type.partition(";")[0] in _TEXTS
