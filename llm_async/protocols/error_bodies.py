"""What an error body says, whatever its shape.

What belongs here: the shapes in which the known servers report errors, as one :class:`ErrorBody`. What that means for the
caller is decided in ``failures.py``.

Shapes: ``{"error": {…}}`` (OpenAI and its imitators, Gemini, OpenRouter), ``{"type": "error", "error": {…}}``
(Anthropic), ``{"error": "text"}`` (Ollama, Venice), ``{"code": "slug", "error": "text"}`` (xAI), ``{"object": "error",
"message": …}`` (Mistral, older vLLM), ``{"detail": "text" | [{"loc", "msg"}]}`` (FastAPI and what is built on it), any
of these in a list (Gemini), an SSE event with any of these, HTML, plain text, and nothing. What counts is what the body
is, never what its content type says it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._json import dumps_text, loads
from .text import repair

__all__ = ["LONGEST_EXCERPT", "ErrorBody", "decode_body", "excerpt_of", "shortened"]

#: Characters of a body that is no error object which are shown in a message.
LONGEST_EXCERPT = 500
# Characters of an HTML page in which its title is looked for.
_LONGEST_HEAD = 8000


def decode_body(body: bytes) -> Any:
    """A body as JSON where it is JSON, also as an SSE event, else as text, else None."""
    if not body.strip():
        return None
    try:
        return loads(body)
    except ValueError:
        pass
    lines = [line[len(b"data:") :] for line in body.splitlines() if line.startswith(b"data:")]
    for data in (*lines, b"".join(lines)):
        try:
            return loads(data)
        except ValueError:
            continue
    return body.decode("utf-8-sig", "replace")


@dataclass(frozen=True)
class ErrorBody:
    """What an error body says, whatever its shape.

    Attributes:
        whole: the decoded body.
        native: the object or text in it that is the error.
        message: its text for people, or "".
        code: its machine-readable code, or None.
        type: its type, or None.
        metadata: OpenRouter's ``error.metadata``.
    """

    whole: Any
    native: Any
    message: str
    code: str | None
    type: str | None
    metadata: Mapping[str, Any]

    @classmethod
    def of(cls, whole: Any, native: Any = None) -> ErrorBody:
        """Read a decoded body, or an event; ``native`` is the error in it where that is known."""
        outer = whole
        if isinstance(whole, list):  # Gemini wraps an error in a list when a stream was asked for without alt=sse
            outer = next((item for item in whole if isinstance(item, dict)), whole)
        around = outer if isinstance(outer, dict) else {}
        if native is None:
            native = around.get("error") or outer
        inner = native if isinstance(native, dict) else around
        metadata = inner.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        message = _text(native) or _text(outer)
        if isinstance(whole, str):
            message = shortened(message, LONGEST_EXCERPT)
        return cls(
            whole=whole,
            native=native,
            message=_with_upstream(message, metadata),
            code=_code(inner, around),
            type=_type(inner, metadata),
            metadata=metadata,
        )

    def words(self) -> Iterator[str]:
        """Everything that may say what kind of error it is, in lower case with underscores."""
        inner = self.native if isinstance(self.native, dict) else {}
        details = inner.get("details")
        error_code = details.get("error_code") if isinstance(details, dict) else None
        for word in (self.metadata.get("error_type"), self.code, self.type, inner.get("status"), error_code):
            if isinstance(word, str):
                # Some name a class: vLLM's BadRequestError, Bedrock's ThrottlingException.
                yield re.sub(r"[\s-]+|(?<=[a-z])(?=[A-Z])", "_", word.strip()).lower()

    def status(self) -> int | None:
        """The HTTP status that the error itself gives as a number, between 400 and 599."""
        for holder in (self.native, self.whole):
            if isinstance(holder, dict):
                for key in ("status_code", "code", "status", "raw_status_code"):
                    number = _status_number(holder.get(key))
                    if number is not None:
                        return number
        return None

    def words_beyond(self, message: str, status: int) -> str:
        """Type and code in brackets, for a message that does not say them."""
        words = [word for word in (self.type, self.code) if word and word not in message and word != str(status)]
        return f" ({', '.join(dict.fromkeys(words))})" if words else ""


def _status_number(value: Any) -> int | None:
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and 400 <= value <= 599 else None


def _code(inner: dict[str, Any], around: dict[str, Any]) -> str | None:
    """``code`` where it is a word, Google's ``status``, Anthropic's ``details.error_code``, ``code`` as a number."""
    details = inner.get("details")
    error_code = details.get("error_code") if isinstance(details, dict) else None
    for value in (inner.get("code"), inner.get("status"), error_code, around.get("code")):
        if isinstance(value, str) and value:
            return value
    for value in (inner.get("code"), around.get("code")):
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def _type(holder: dict[str, Any], metadata: dict[str, Any]) -> str | None:
    """``type``, or OpenRouter's ``metadata.error_type``; the type of an event is not the type of an error."""
    for value in (holder.get("type"), metadata.get("error_type")):
        if isinstance(value, str) and value and value != "error" and not value.startswith("response."):
            return value
    return None


def _text(value: Any, depth: int = 5) -> str:
    """The text for people in a part of an error body.

    From an object: ``error``, else ``message``, else ``detail``, else ``errors`` (else ``msg``, with ``loc`` before it);
    the texts of a list are joined.
    """
    if isinstance(value, str):
        return _page_text(value)
    if depth and isinstance(value, list):
        return "; ".join(filter(None, (_text(item, depth - 1) for item in value[:20])))
    if depth and isinstance(value, dict):
        for key in ("error", "message", "detail", "errors"):
            text = _text(value.get(key), depth - 1)
            if text:
                return text
        text = _text(value.get("msg"), depth - 1)
        place = value.get("loc")
        if text and isinstance(place, list):
            return f"{'.'.join(str(step) for step in place[:20])}: {text}"
        return text
    return ""


def _page_text(text: str) -> str:
    """A text, or the title of an HTML page, or what is left of a page without title when its tags are taken away."""
    text = repair(text.strip())
    page = text[:_LONGEST_HEAD]
    lower = page.lower()
    if not lower.startswith("<") or "</" not in lower:
        return text
    # Its table of entities takes longer to import than all that most programs use of this module.
    from html import unescape

    start = lower.find("<title")
    if start >= 0:
        start = lower.find(">", start) + 1
        end = lower.find("</title", start)
        title = " ".join(unescape(page[start:end]).split()) if start and end >= 0 else ""
        if title:
            return shortened(title, LONGEST_EXCERPT)
    page = re.sub(r"<(script|style)\b.*?</\1\s*>", " ", page, flags=re.DOTALL | re.IGNORECASE)
    return shortened(" ".join(unescape(re.sub(r"<[^<>]*>", " ", page)).split()), LONGEST_EXCERPT)


def _with_upstream(message: str, metadata: Mapping[str, Any]) -> str:
    """OpenRouter's "Provider returned error", with the name of that provider and what it said."""
    raw = metadata.get("raw")
    if not isinstance(raw, str) or not raw.strip() or raw.strip() in message:
        return message
    provider = metadata.get("provider_name")
    return f"{message} ({f'{provider}: ' if provider else ''}{shortened(raw.strip(), LONGEST_EXCERPT)})"


def excerpt_of(value: Any) -> str:
    """The beginning of a body that has no text for people."""
    if value is None or value == {} or value == []:
        return ""
    try:
        return shortened(dumps_text(value), LONGEST_EXCERPT)
    except RecursionError:
        return ""


def shortened(text: str, length: int) -> str:
    """The first ``length`` characters of a text, and a sign that there were more."""
    return text if len(text) <= length else text[:length] + "…"
