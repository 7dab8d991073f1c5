"""How long a failed answer asks to wait, from whichever of its headers and fields says so.

What belongs here: reading the hint. Whether to try again at all is said in ``failures.py``, and when in the end is
decided in ``retry.py``.

In order of precedence: ``retry-after-ms`` (OpenAI, Azure), ``retry-after`` as seconds or as an HTTP-date (RFC 9110,
10.2.3), ``RetryInfo.retryDelay`` in the body (Gemini), and on a 429 the time at which an exhausted rate limit resets.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

__all__ = ["has_retry_info", "retry_hint", "seconds_from"]

_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)", re.ASCII)
_UNIT = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_RFC_3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?(?:[Zz]|([+-])(\d\d):?(\d\d))", re.ASCII)
# A wait of thirty years is a date: seconds since 1970 from here on, milliseconds from a thousand times that.
_FIRST_EPOCH = 1e9

# x-ratelimit-reset-requests (OpenAI, Groq), x-ratelimit-reset (OpenRouter), anthropic-ratelimit-tokens-reset,
# ratelimitbysize-reset (Mistral), ratelimit-reset (the IETF draft).
_RESET = re.compile(r"(?:x-|anthropic-)?(?:ratelimit|ratelimitbysize)-(?:reset(?:-.+)?|.+-reset)")


def retry_hint(status: int, headers: Mapping[str, str], error: Any, now: float | None = None) -> float | None:
    """Seconds that the server asks to wait, never negative; None when it does not ask.

    ``headers`` have names in lower case; ``error`` is the native error object; ``now`` is seconds since 1970.
    """
    if now is None:
        now = time.time()
    milliseconds = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(milliseconds) and math.isfinite(float(milliseconds)):
        return float(milliseconds) / 1000
    for text in (headers.get("retry-after"), *_retry_delays(error)):
        seconds = seconds_from(text, now)
        if seconds is not None:
            return seconds
    if status == 429:
        resets = [*_resets(headers, now), *_resets(_headers_within(error), now)]
        if resets:
            return max(resets)
    return None


def has_retry_info(error: Any) -> bool:
    """Whether a Gemini error says when to come back (``google.rpc.RetryInfo``)."""
    return any(True for _ in _retry_delays(error))


def seconds_from(text: str | None, now: float) -> float | None:
    """Seconds from ``now`` that a text means, or None when it means nothing.

    Understood: seconds (``"7"``, ``"0.5"``), durations (``"6m0s"``, ``"120ms"``, ``"34.4s"``), RFC 3339 timestamps,
    HTTP-dates, and seconds or milliseconds since 1970. What lies in the past is 0.
    """
    if not text:
        return None
    text = text.strip()
    if _NUMBER.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            return None
        if number < _FIRST_EPOCH:
            return number
        return max(0.0, (number / 1000 if number >= _FIRST_EPOCH * 1000 else number) - now)
    duration = _duration(text)
    if duration is not None:
        return duration
    moment = _timestamp(text) or _http_date(text)
    return None if moment is None else max(0.0, moment.timestamp() - now)


def _duration(text: str) -> float | None:
    """The seconds of ``1h2m3.5s``."""
    total, end = 0.0, 0
    for part in _DURATION_PART.finditer(text):
        if part.start() != end:
            return None
        total += float(part[1]) * _UNIT[part[2]]
        end = part.end()
    return total if end and end == len(text) and math.isfinite(total) else None


def _timestamp(text: str) -> datetime | None:
    # Not datetime.fromisoformat: Python 3.10 knows neither "Z" nor a fraction of one digit there.
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return None
    offset = timedelta()
    if match[8]:
        offset = timedelta(hours=int(match[9]), minutes=int(match[10]))
        if match[8] == "-":
            offset = -offset
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
        return moment + timedelta(seconds=float(match[7] or 0))
    except (ValueError, OverflowError):
        return None


def _http_date(text: str) -> datetime | None:
    # It imports half of the email package, for a header that few servers send.
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _retry_delays(error: Any) -> Iterator[str]:
    """The delays of a Gemini error: ``details[]`` of type ``google.rpc.RetryInfo``."""
    for detail in details_of(error):
        if str(detail.get("@type", "")).endswith("RetryInfo"):
            delay = detail.get("retryDelay")
            if isinstance(delay, str):
                yield delay
            elif isinstance(delay, Mapping):  # protobuf's Duration, written as a message
                yield f"{delay.get('seconds') or 0}s{delay.get('nanos') or 0}ns"


def details_of(error: Any) -> Iterable[Mapping[str, Any]]:
    """The mappings in ``error.details``, where Google puts machine-readable facts."""
    details = error.get("details") if isinstance(error, Mapping) else None
    return [detail for detail in details if isinstance(detail, Mapping)] if isinstance(details, list) else []


def _headers_within(error: Any) -> dict[str, str]:
    """The rate-limit headers that OpenRouter repeats in ``error.metadata.headers``."""
    metadata = error.get("metadata") if isinstance(error, Mapping) else None
    headers = metadata.get("headers") if isinstance(metadata, Mapping) else None
    return {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}


def _resets(headers: Mapping[str, str], now: float) -> Iterator[float]:
    """When each rate limit resets that may have been the one in the way: all but those with something left."""
    for name, value in headers.items():
        if not _RESET.fullmatch(name):
            continue
        left = headers.get(name.replace("reset", "remaining"), "").strip()
        if _NUMBER.fullmatch(left) and float(left) > 0:
            continue
        seconds = seconds_from(value, now)
        if seconds is not None:
            yield seconds
