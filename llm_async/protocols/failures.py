"""What a provider's "no" means: error bodies and error events, of whatever shape, as typed errors.

What belongs here: which HTTP status an error inside a 200 stands for, which errors no waiting cures, and what has to be
hidden. The shapes of error bodies are read in ``error_bodies.py``, delays in ``retry_hints.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from ..errors import APIStatusError, LLMError, ProtocolError, status_error_class
from ..models.secret import MASK, reveal
from .error_bodies import LONGEST_EXCERPT, ErrorBody, decode_body, excerpt_of, shortened
from .rate_limits import rate_limits_from
from .retry_hints import details_of, has_retry_info, retry_hint

__all__ = ["add_response", "error_payload", "event_error", "hide_secrets", "masked", "request_id_from", "status_error"]

_LONGEST_MESSAGE = 2000
# A shorter string is no key, and masking it would spoil the texts it happens to occur in.
_SHORTEST_SECRET = 6

_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id", "x-generation-id", "mistral-correlation-id")

# What the words of error types, codes and statuses stand for, in lower case with underscores. Sources: OpenAI's and
# OpenRouter's error guides, Anthropic's "Errors" page, google.rpc.Code.
_STATUS_OF_WORD = {
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
    "insufficient_balance": 402,
    "insufficient_credits": 402,
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
    "throttling": 429,
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
# The same for words that are not known: what they have in common with those that are.
_STATUS_OF_PART = (
    ("rate_limit", 429),
    ("quota", 429),
    ("spend_limit", 429),
    ("overloaded", 529),
    ("capacity", 529),
    ("unavailable", 503),
    ("not_found", 404),
    ("permission", 403),
    ("authenti", 401),
    ("invalid", 400),
    ("unsupported", 400),
    ("policy", 400),
)
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
    lowered = masked({name.lower(): value for name, value in headers.items()}, secrets)
    said = ErrorBody.of(masked(decode_body(body), secrets))
    if 300 <= status < 400:
        message = _redirection(lowered.get("location"))
    else:
        message = said.message or excerpt_of(said.whole) or f"{_phrase(status)} (the answer says no more)"
    return _error(status, lowered, said, masked(message, secrets), now)


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
    where = shortened(where, LONGEST_EXCERPT)
    return f"the server redirects to {where}; redirects are not followed, check the base URL"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an error"


# ---- errors inside a 200


def event_error(error: Any, payload: Any = None) -> APIStatusError:
    """The error for an error event, or an error object, inside a 200; it is returned, not raised.

    Args:
        error: the native error: an object, or a text.
        payload: the whole decoded event or body that held it; it becomes the error's ``body``. None: there is no more.
    """
    said = ErrorBody.of(error if payload is None else payload, error)
    message = said.message or excerpt_of(error) or "the provider reported an error and did not say which"
    return _error(_status_of(said), {}, said, message, None)


def error_payload(payload: bytes) -> APIStatusError:
    """The error for the data of an event that is named ``error``, whatever that data is; it is returned, not raised."""
    value = decode_body(payload)
    inner = value.get("error") if isinstance(value, dict) else None
    return event_error(inner or value, value)


def add_response(error: LLMError, headers: Mapping[str, str], *, secrets: Collection[str] = ()) -> None:
    """Tell an error that is no HTTP status what the response around it knows: request id, rate limits; to an error from
    inside a 200 also the headers and the delay.

    Also masks ``secrets`` in it, as :func:`status_error` does.
    """
    if isinstance(error, APIStatusError):
        error.headers = masked({name.lower(): value for name, value in headers.items()}, secrets)
        error.request_id = request_id_from(error.headers, error.body)
        if error.retry_after is None:
            error.retry_after = retry_hint(error.status_code, error.headers, None)
    else:
        error.request_id = masked(request_id_from(headers), secrets)
    error.rate_limits = rate_limits_from(headers)
    hide_secrets(error, secrets)


def hide_secrets(error: LLMError, secrets: Collection[str]) -> None:
    """Mask ``secrets`` wherever an error shows what a server has said: it may have quoted them back."""
    error.args = tuple(masked(argument, secrets) for argument in error.args)
    if isinstance(error, APIStatusError):
        error.body = masked(error.body, secrets)
    elif isinstance(error, ProtocolError):
        error.payload = masked(error.payload, secrets)


def request_id_from(headers: Mapping[str, str], body: Any = None) -> str | None:
    """The id to quote to the provider's support, from the headers (names in lower case), else the decoded body."""
    for name in _REQUEST_ID_HEADERS:
        if value := headers.get(name):
            return value
    if isinstance(body, Mapping):
        groq = body.get("x_groq")
        for found in (body.get("request_id"), groq.get("id") if isinstance(groq, Mapping) else None):
            if isinstance(found, str) and found:
                return found
    return headers.get("cf-ray") or None


def _status_of(said: ErrorBody) -> int:
    """The HTTP status that an error inside a 200 stands for."""
    given = said.status()
    if given is not None:
        return given
    known = [status for word in said.words() if (status := _status_of_word(word)) is not None]
    return next((status for status in known if status not in _GENERAL), known[0] if known else 500)


def _status_of_word(word: str) -> int | None:
    for known in (word, word.removesuffix("_error"), word.removesuffix("_exception")):
        if known in _STATUS_OF_WORD:
            return _STATUS_OF_WORD[known]
    return next((status for part, status in _STATUS_OF_PART if part in word), None)


def _error(status: int, headers: Mapping[str, str], said: ErrorBody, message: str, now: float | None) -> APIStatusError:
    wait = retry_hint(status, headers, said.native, now)
    error = status_error_class(status)(
        shortened(message, _LONGEST_MESSAGE) + said.words_beyond(message, status),
        status_code=status,
        code=said.code,
        type=said.type,
        body=said.whole,
        request_id=request_id_from(headers, said.whole),
        retry_after=wait,
        headers=headers,
        retryable=_retryable(status, headers, said, wait),
    )
    error.rate_limits = rate_limits_from(headers, now)
    return error


def _retryable(status: int, headers: Mapping[str, str], said: ErrorBody, wait: float | None) -> bool | None:
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


def masked(value: Any, secrets: Collection[str]) -> Any:
    """``value`` with each secret's plain text replaced in all its strings; containers are changed in place."""
    plain = sorted((reveal(secret) for secret in secrets if len(secret) >= _SHORTEST_SECRET), key=len, reverse=True)
    if not plain:
        return value

    def hidden(text: str) -> str:
        for secret in plain:
            text = text.replace(secret, MASK)
        return text

    if isinstance(value, str):
        return hidden(value)
    if isinstance(value, bytes):
        for secret in plain:
            value = value.replace(secret.encode(), MASK.encode())
        return value
    # A stack, not recursion: a body may be nested more deeply than Python recurses.
    pending = [value]
    while pending:
        holder = pending.pop()
        if not isinstance(holder, (dict, list)):
            continue
        for key, item in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            if isinstance(item, str):
                holder[key] = hidden(item)
            else:
                pending.append(item)
    return value
