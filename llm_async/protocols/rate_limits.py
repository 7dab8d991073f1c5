"""Rate-limit headers of every provider, read into one shape.

What belongs here: the names and formats on the wire. Three grammars are in use, in lower case:

- ``x-ratelimit-{limit,remaining,reset}-WHAT``: OpenAI, Azure, Groq, xAI, Mistral (``-req-minute``), Fireworks
  (``-tokens-prompt``), Cerebras (``-requests-day``); without ``-WHAT`` it is requests (OpenRouter);
- ``anthropic-ratelimit-WHAT-{limit,remaining,reset}`` and ``anthropic-priority-WHAT-…``: Anthropic;
- ``ratelimit-{limit,remaining,reset}``: the IETF's draft, requests; ``ratelimitbysize-…``: Mistral, tokens.

A reset is a number of seconds, a duration (``6m0s``), a timestamp or a number since 1970; see ``retry_hints.py``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..models.rate_limits import RateLimit, RateLimits
from .retry_hints import seconds_from

__all__ = ["rate_limits_from"]

_KIND_FIRST = re.compile(r"(?:x-)?ratelimit(bysize)?-(limit|remaining|reset)(?:-(.+))?")
_KIND_LAST = re.compile(r"anthropic-(ratelimit|priority)-(.+)-(limit|remaining|reset)")
_NUMBER = re.compile(r"\d+", re.ASCII)
_MOST_DIGITS = 18

# A wait of thirty years is a point in time, in seconds since 1970.
_FIRST_EPOCH = 1e9
_PERIODS = ("second", "minute", "hour", "day", "month")
_OTHER_WORDS = {"req": "requests", "tokens-prompt": "input-tokens", "tokens-generated": "output-tokens"}
_FIELDS = {
    "requests": "requests",
    "tokens": "tokens",
    "input-tokens": "input_tokens",
    "output-tokens": "output_tokens",
}


def rate_limits_from(headers: Mapping[str, str], now: float | None = None) -> RateLimits | None:
    """The rate limits in the headers of an answer, names in lower case; None where there are none.

    Args:
        headers: the headers of the answer.
        now: seconds since 1970, for resets that are points in time. None takes the server's own clock, the ``date``
            header, where there is one, since the other clock may be wrong.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in headers:
        # Most headers are none of these, and most answers have none at all.
        if "ratelimit" not in name and "anthropic-priority" not in name:
            continue
        named = _what_and_kind(name)
        if named is None:
            continue
        value: float | None
        if named[1] != "reset":
            value = _whole(headers[name])
        else:
            value = seconds_from(headers[name], 0.0)
            if value is not None and value >= _FIRST_EPOCH:  # a point in time, the clock having stood at its beginning
                now = _time_of(headers) if now is None else now
                value = max(0.0, value - now)
        if value is not None:
            found.setdefault(named[0], {})[named[1]] = value
    if not found:
        return None
    limits = {what: RateLimit(**values) for what, values in found.items()}
    fields: dict[str, Any] = {}
    for what, attribute in _FIELDS.items():
        for name in (what, f"{what}-minute"):
            if name in limits:
                fields[attribute] = limits.pop(name)
                break
    return RateLimits(**fields, others=limits)


@lru_cache(maxsize=256)  # the same few names come with every answer
def _what_and_kind(name: str) -> tuple[str, str] | None:
    """What a header limits, in one vocabulary, and what it says of that."""
    matched = _KIND_FIRST.fullmatch(name)
    if matched is not None:
        return _in_our_words(matched[3] or "", "tokens" if matched[1] else "requests"), matched[2]
    matched = _KIND_LAST.fullmatch(name)
    if matched is None:
        return None
    return ("" if matched[1] == "ratelimit" else "priority-") + matched[2], matched[3]


def _in_our_words(what: str, unsaid: str) -> str:
    """What is limited; ``unsaid`` where a name gives no more than a period."""
    if not what or what in _PERIODS:
        return f"{unsaid}-{what}".rstrip("-")
    if what in _OTHER_WORDS:
        return _OTHER_WORDS[what]
    head, separator, period = what.partition("-")
    return _OTHER_WORDS.get(head, head) + separator + period


def _whole(text: str) -> int | None:
    """The number that a value begins with (``100, 100;w=60`` in the IETF's draft); None for ``-1`` and the like."""
    matched = _NUMBER.match(text.strip())
    # Python refuses to read a number of thousands of digits, which is none that a server means.
    return None if matched is None or len(matched[0]) > _MOST_DIGITS else int(matched[0])


def _time_of(headers: Mapping[str, str]) -> float:
    """When the server answered, in seconds since 1970."""
    here = time.time()
    ahead = seconds_from(headers.get("date"), 0.0)
    return here if ahead is None else ahead
