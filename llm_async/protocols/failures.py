"""What a provider's "no" means: error bodies and error events, of whatever shape, as typed errors.

What belongs here: the shapes in which the known servers report errors, which HTTP status an error inside a 200 stands
for, and which errors no waiting cures. How long to wait is read in ``retry_hints.py``.

Shapes: ``{"error": {…}}`` (OpenAI and its imitators, Gemini, OpenRouter), ``{"type": "error", "error": {…}}``
(Anthropic), ``{"error": "text"}`` (Ollama, Venice), ``{"code": "slug", "error": "text"}`` (xAI), ``{"object": "error",
"message": …}`` (Mistral, older vLLM), ``{"detail": "text" | [{"loc", "msg"}]}`` (FastAPI and what is built on it), any
of these in a list (Gemini), an SSE event with any of these, HTML, plain text, and nothing. What counts is what the body
is, never what its content type says it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from .._json import dumps_text, loads
from ..errors import APIStatusError, status_error_class
from ..models.secret import reveal
from .retry_hints import details_of, has_retry_info, retry_hint

__all__ = ["add_response", "error_payload", "event_error", "request_id_from", "status_error"]

_LONGEST_MESSAGE = 2000
_LONGEST_EXCERPT = 500
_MASK = "***"
# A shorter string is no key, and masking it would spoil the texts it happens to occur in.
_SHORTEST_SECRET = 6

_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id", "x-generation-id", "mistral-correlation-id")

# What the words of error types, codes and statuses stand for, in lower case with underscores. Sources: OpenAI's and
# OpenRouter's error guides, Anthropic's "Errors" page, google.rpc.Code.
_STATUS_OF = {
    "invalid_request_error": 400,
    "invalid_request": 400,
    "invalid_argument": 400,
    "invalid_prompt": 400,
    "invalid_value": 400,
    "failed_precondition": 400,
    "precondition_failed": 400,
    "out_of_range": 400,
    "bad_request": 400,
    "context_length_exceeded": 400,
    "max_tokens_exceeded": 400,
    "token_limit_exceeded": 400,
    "string_too_long": 400,
    "tool_use_failed": 400,
    "unsupported_parameter": 400,
    "unsupported_value": 400,
    "content_filter": 400,
    "content_policy_violation": 400,
    "bio_policy": 400,
    "cyber_policy": 400,
    "misalignment_policy_violation": 400,
    "data_residency_mismatch": 400,
    "refusal": 400,
    "image_too_large": 400,
    "image_too_small": 400,
    "image_not_found": 400,
    "image_download_failed": 400,
    "image_parse_error": 400,
    "image_content_policy_violation": 400,
    "image_file_too_large": 400,
    "image_file_not_found": 400,
    "empty_image_file": 400,
    "failed_to_download_image": 400,
    "unsupported_image_format": 400,
    "unsupported_image_media_type": 400,
    "authentication_error": 401,
    "authentication": 401,
    "unauthenticated": 401,
    "unauthorized": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "payment_required": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "forbidden": 403,
    "not_found_error": 404,
    "not_found": 404,
    "model_not_found": 404,
    "timeout": 408,
    "request_timeout": 408,
    "conflict_error": 409,
    "conflict": 409,
    "already_exists": 409,
    "aborted": 409,
    "request_too_large": 413,
    "payload_too_large": 413,
    "unprocessable": 422,
    "unprocessable_entity": 422,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "resource_exhausted": 429,
    "insufficient_quota": 429,
    "credit_balance_exhausted": 429,
    "billing_hard_limit_reached": 429,
    "slow_down": 429,
    "tokens": 429,
    "requests": 429,
    "cancelled": 499,
    "api_error": 500,
    "server_error": 500,
    "server": 500,
    "internal": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "unknown": 500,
    "data_loss": 500,
    "unimplemented": 501,
    "bad_gateway": 502,
    "provider_unavailable": 502,
    "unavailable": 503,
    "service_unavailable": 503,
    "service_unavailable_error": 503,
    "unavailable_error": 503,
    "server_is_overloaded": 503,
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "vector_store_timeout": 504,
    "overloaded_error": 529,
    "overloaded": 529,
    "provider_overloaded": 529,
}
# Words that say whose fault it is and no more; a second word beside them says what happened.
_GENERAL = (400, 500)

_PERMANENT = {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"}


# ---- HTTP errors


def status_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Collection[str] = (),
    now: float | None = None,
) -> APIStatusError:
    """The error that an HTTP answer stands for; it is returned, not raised.

    Args:
        status: the HTTP status, 300 or above.
        headers: the response headers.
        body: the body, decompressed.
        secrets: what a server may quote back and nobody should see, such as the key; ``***`` takes its place.
        now: seconds since 1970, for hints that are dates; None takes the clock.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    said = _Said.by(_masked(_decoded(body), secrets))
    if 300 <= status < 400:
        message = _redirection(lowered.get("location"))
    else:
        message = said.message or _excerpt(said.whole) or f"{_phrase(status)} (the answer says no more)"
    return _error(status, lowered, said, _masked(message, secrets), now)


def _redirection(location: str | None) -> str:
    """Where a redirect points, without what may be secret in it: user, password, query."""
    if not location:
        return "the server redirects, and does not say where to"
    try:
        url = urlsplit(location)
        host, port = url.hostname, url.port
    except ValueError:
        return "the server redirects to something that is no URL"
    origin = f"{url.scheme}://" if url.scheme else "//"
    where = (f"{origin}{host}{f':{port}' if port else ''}" if host else "") + url.path
    where = _shortened(where, _LONGEST_EXCERPT)
    return f"the server redirects to {where}; redirects are not followed, check the base URL"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an error"


def _decoded(body: bytes) -> Any:
    """A body as JSON where it is JSON, also as an SSE event, else as text, else None."""
    if not body.strip():
        return None
    try:
        return loads(body)
    except ValueError:
        pass
    data = b"".join(line[len(b"data:") :] for line in body.splitlines() if line.startswith(b"data:"))
    try:
        return loads(data)
    except ValueError:
        return body.decode("utf-8-sig", "replace")


# ---- errors inside a 200


def event_error(error: Any, payload: Any = None) -> APIStatusError:
    """The error for an error event, or an error object, inside a 200; it is returned, not raised.

    Args:
        error: the native error: an object, or a text.
        payload: the whole decoded event or body that held it; it becomes the error's ``body``. None: there is no more.
    """
    said = _Said.by(error if payload is None else payload, error)
    message = said.message or _excerpt(error) or "the provider reported an error and did not say which"
    return _error(said.status(), {}, said, message, None)


def error_payload(payload: bytes) -> APIStatusError:
    """The error for the data of an event that is named ``error``, whatever that data is; it is returned, not raised."""
    value = _decoded(payload)
    inner = value.get("error") if isinstance(value, dict) else None
    return event_error(inner or value, value)


def add_response(error: APIStatusError, headers: Mapping[str, str], *, secrets: Collection[str] = ()) -> None:
    """Tell an error from inside a 200 what is known of the response around it: its headers and request id.

    Also masks ``secrets`` in it, as :func:`status_error` does.
    """
    error.headers = {name.lower(): value for name, value in headers.items()}
    error.request_id = request_id_from(error.headers, error.body)
    error.body = _masked(error.body, secrets)
    error.args = tuple(_masked(argument, secrets) for argument in error.args)


def request_id_from(headers: Mapping[str, str], body: Any = None) -> str | None:
    """The id to quote to the provider's support, from the headers (names in lower case), else the decoded body."""
    candidates: list[Any] = [headers.get(name) for name in _REQUEST_ID_HEADERS]
    if isinstance(body, Mapping):
        groq = body.get("x_groq")
        candidates += [body.get("request_id"), groq.get("id") if isinstance(groq, Mapping) else None]
    candidates.append(headers.get("cf-ray"))
    return next((value for value in candidates if isinstance(value, str) and value), None)


def _error(status: int, headers: Mapping[str, str], said: _Said, message: str, now: float | None) -> APIStatusError:
    wait = retry_hint(status, headers, said.native, now)
    return status_error_class(status)(
        _shortened(message, _LONGEST_MESSAGE) + said.words_not_in(message, status),
        status_code=status,
        code=said.code,
        type=said.type,
        body=said.whole,
        request_id=request_id_from(headers, said.whole),
        retry_after=wait,
        headers=headers,
        retryable=_retryable(status, headers, said, wait),
    )


def _retryable(status: int, headers: Mapping[str, str], said: _Said, wait: float | None) -> bool | None:
    """The server's own word on another try; False also where waiting cures nothing; None: the status decides."""
    word = headers.get("x-should-retry", "").strip().lower()
    if word in ("true", "false"):
        return word == "true"
    if status == 402:
        # OpenRouter: credits are used up, unless too many requests are in flight, and then it says how long to wait.
        return wait is not None and said.metadata.get("limit_source") == "openrouter_in_flight_budget"
    words = set(said.words())
    if status == 429 and (
        words & _PERMANENT
        or any(word.endswith("_spend_limit_reached") for word in words)  # Anthropic, error.details.error_code
        or (_daily_quota_is_used_up(said.native) and not has_retry_info(said.native))
    ):
        return False
    return None


def _daily_quota_is_used_up(error: Any) -> bool:
    """Gemini: a ``google.rpc.QuotaFailure`` whose ``quotaId`` counts by the day."""
    return any(
        "PerDay" in str(violation.get("quotaId", ""))
        for detail in details_of(error)
        if str(detail.get("@type", "")).endswith("QuotaFailure")
        for violation in detail.get("violations") or ()
        if isinstance(violation, Mapping)
    )


# ---- reading the shapes


@dataclass(frozen=True)
class _Said:
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
    def by(cls, whole: Any, native: Any = None) -> _Said:
        outer = whole
        if isinstance(whole, list):  # Gemini wraps an error in a list when a stream was asked for without alt=sse
            outer = next((item for item in whole if isinstance(item, dict)), whole)
        around = outer if isinstance(outer, dict) else {}
        if native is None:
            native = around.get("error") or outer
        inner = native if isinstance(native, dict) else around
        metadata = inner.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        return cls(
            whole=whole,
            native=native,
            message=_with_upstream(_text(native) or _text(outer), metadata),
            code=_code(inner, around),
            type=_type(inner, metadata),
            metadata=metadata,
        )

    def words(self) -> Iterator[str]:
        """Everything that may say what kind of error it is, spelled as the tables here spell it."""
        inner = self.native if isinstance(self.native, dict) else {}
        details = inner.get("details")
        error_code = details.get("error_code") if isinstance(details, dict) else None
        for word in (self.metadata.get("error_type"), self.code, self.type, inner.get("status"), error_code):
            if isinstance(word, str):
                yield re.sub(r"[\s-]+", "_", word.strip().lower())

    def status(self) -> int:
        """The HTTP status that an error inside a 200 stands for."""
        for holder in (self.native, self.whole):
            if isinstance(holder, dict):
                for key in ("status_code", "code", "status", "raw_status_code"):
                    number = _status_number(holder.get(key))
                    if number is not None:
                        return number
        known = [_STATUS_OF[word] for word in self.words() if word in _STATUS_OF]
        known += [400 for word in self.words() if word.startswith(("invalid_", "unsupported_"))]
        return next((status for status in known if status not in _GENERAL), known[0] if known else 500)

    def words_not_in(self, message: str, status: int) -> str:
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

    From an object: ``error``, else ``message``, else ``detail`` (else ``msg``, with ``loc`` before it); the texts of a
    list are joined.
    """
    if isinstance(value, str):
        return _page_text(value)
    if depth and isinstance(value, list):
        return "; ".join(filter(None, (_text(item, depth - 1) for item in value[:20])))
    if depth and isinstance(value, dict):
        for key in ("error", "message", "detail"):
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
    text = text.strip()
    head = text[:20000]
    lower = head.lower()
    if not lower.startswith(("<!doctype", "<html", "<head", "<?xml")):
        return text
    start = lower.find("<title")
    if start >= 0:
        start = lower.find(">", start) + 1
        end = lower.find("</title", start)
        title = " ".join(unescape(head[start:end]).split()) if start and end >= 0 else ""
        if title:
            return _shortened(title, _LONGEST_EXCERPT)
    return _shortened(" ".join(unescape(re.sub(r"<[^<>]*>", " ", head)).split()), _LONGEST_EXCERPT)


def _with_upstream(message: str, metadata: Mapping[str, Any]) -> str:
    """OpenRouter's "Provider returned error", with the name of that provider and what it said."""
    raw = metadata.get("raw")
    if not isinstance(raw, str) or not raw.strip() or raw.strip() in message:
        return message
    provider = metadata.get("provider_name")
    return f"{message} ({f'{provider}: ' if provider else ''}{_shortened(raw.strip(), _LONGEST_EXCERPT)})"


def _excerpt(value: Any) -> str:
    """The beginning of a body that has no text for people."""
    if value is None or value == {} or value == []:
        return ""
    try:
        return _shortened(dumps_text(value), _LONGEST_EXCERPT)
    except RecursionError:
        return ""


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"


def _masked(value: Any, secrets: Collection[str]) -> Any:
    """``value`` with each secret's plain text replaced in all its strings; containers are changed in place."""
    plain = sorted((reveal(secret) for secret in secrets if len(secret) >= _SHORTEST_SECRET), key=len, reverse=True)
    if not plain:
        return value

    def masked(text: str) -> str:
        for secret in plain:
            text = text.replace(secret, _MASK)
        return text

    if isinstance(value, str):
        return masked(value)
    # A stack, not recursion: a body may be nested more deeply than Python recurses.
    pending = [value]
    while pending:
        holder = pending.pop()
        if not isinstance(holder, (dict, list)):
            continue
        for key, item in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            if isinstance(item, str):
                holder[key] = masked(item)
            else:
                pending.append(item)
    return value
