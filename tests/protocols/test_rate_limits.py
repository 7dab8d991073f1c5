"""Rate-limit headers of all providers, in one shape."""

from __future__ import annotations

import pytest

from llm_async.models.rate_limits import RateLimit, RateLimits
from llm_async.protocols.rate_limits import rate_limits_from

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z

CASES = {
    "OpenAI: durations": (
        {
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-reset-requests": "6ms",
            "x-ratelimit-limit-tokens": "2000000",
            "x-ratelimit-remaining-tokens": "1999000",
            "x-ratelimit-reset-tokens": "6m0s",
            "x-ratelimit-remaining-project-tokens": "12",
        },
        RateLimits(
            requests=RateLimit(10000, 9999, 0.006),
            tokens=RateLimit(2000000, 1999000, 360.0),
            others={"project-tokens": RateLimit(None, 12, None)},
        ),
    ),
    "Azure: seconds, and no limit": (
        {"x-ratelimit-remaining-tokens": "99", "x-ratelimit-reset-tokens": "17"},
        RateLimits(tokens=RateLimit(None, 99, 17.0)),
    ),
    "Groq: minutes and fractions": (
        {"x-ratelimit-limit-requests": "14400", "x-ratelimit-reset-requests": "2m59.56s"},
        RateLimits(requests=RateLimit(14400, None, 179.56)),
    ),
    "Anthropic: timestamps": (
        {
            "anthropic-ratelimit-requests-limit": "4000",
            "anthropic-ratelimit-requests-remaining": "3999",
            "anthropic-ratelimit-requests-reset": "2026-09-21T14:14:20Z",
            "anthropic-ratelimit-input-tokens-limit": "2000000",
            "anthropic-ratelimit-input-tokens-remaining": "1999000",
            "anthropic-ratelimit-output-tokens-reset": "2026-09-21T14:13:20Z",
            "anthropic-priority-input-tokens-limit": "7",
        },
        RateLimits(
            requests=RateLimit(4000, 3999, 60.0),
            input_tokens=RateLimit(2000000, 1999000, None),
            output_tokens=RateLimit(None, None, 0.0),
            others={"priority-input-tokens": RateLimit(7, None, None)},
        ),
    ),
    "OpenRouter: milliseconds since 1970, and no word for what": (
        {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000030000"},
        RateLimits(requests=RateLimit(20, 0, 30.0)),
    ),
    "Mistral: the minute's own names": (
        {
            "x-ratelimit-limit-req-minute": "60",
            "x-ratelimit-remaining-tokens-minute": "5",
            "ratelimitbysize-limit": "9",
        },
        # Both say tokens: what names no period is the limit as such.
        RateLimits(
            requests=RateLimit(60, None, None),
            tokens=RateLimit(9, None, None),
            others={"tokens-minute": RateLimit(None, 5, None)},
        ),
    ),
    "Cerebras: the day and the minute": (
        {"x-ratelimit-limit-requests-day": "14400", "x-ratelimit-remaining-tokens-minute": "30000"},
        RateLimits(tokens=RateLimit(None, 30000, None), others={"requests-day": RateLimit(14400, None, None)}),
    ),
    "Fireworks: other words for input and output": (
        {"x-ratelimit-limit-tokens-prompt": "60000", "x-ratelimit-remaining-tokens-generated": "6000"},
        RateLimits(input_tokens=RateLimit(60000, None, None), output_tokens=RateLimit(None, 6000, None)),
    ),
    "the IETF's draft": (
        {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "50", "ratelimit-reset": "30"},
        RateLimits(requests=RateLimit(100, 50, 30.0)),
    ),
    "a date that is past": (
        {"anthropic-ratelimit-tokens-reset": "2020-01-01T00:00:00Z"},
        RateLimits(tokens=RateLimit(None, None, 0.0)),
    ),
    "no limit at all, said as -1": (
        {"x-ratelimit-limit-tokens": "-1", "x-ratelimit-remaining-tokens": "7"},
        RateLimits(tokens=RateLimit(None, 7, None)),
    ),
    "nothing that can be read": ({"x-ratelimit-limit-tokens": "many", "x-ratelimit-reset-tokens": "soon"}, None),
    "other headers of that name": ({"x-ratelimit-policy": "10;w=1", "content-type": "text/html"}, None),
    "none": ({}, None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_limits_of_every_provider_have_one_shape(case: str) -> None:
    headers, expected = CASES[case]
    assert rate_limits_from(headers, now=NOW) == expected


@pytest.mark.parametrize("what", ["limit", "remaining", "reset"])
def test_a_number_that_nobody_can_mean_is_none(what: str) -> None:
    assert rate_limits_from({f"x-ratelimit-{what}-requests": "9" * 5000}) is None


def test_a_reset_that_is_a_time_is_counted_on_the_servers_own_clock() -> None:
    headers = {
        "date": "Mon, 21 Sep 2026 14:13:20 GMT",
        "anthropic-ratelimit-requests-reset": "2026-09-21T14:13:50Z",
    }
    limits = rate_limits_from(headers)
    assert limits is not None
    assert limits.requests == RateLimit(None, None, 30.0)
