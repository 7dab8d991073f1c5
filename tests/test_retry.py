"""Which failures are tried again, and after how long: a pure function, so no test here waits."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from llm_async.errors import (
    APIConnectionError,
    APITimeoutError,
    BadRequestError,
    InternalServerError,
    LLMError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    StreamError,
    status_error_class,
)
from llm_async.retry import RetryConfig, retry_delay

STEADY = RetryConfig(jitter=False)


def status_error(status: int, **fields: Any) -> LLMError:
    return status_error_class(status)("no", status_code=status, **fields)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_passing_troubles_are_tried_again(status: int) -> None:
    assert retry_delay(status_error(status), 1, STEADY) == 1.0


@pytest.mark.parametrize("status", [300, 302, 400, 401, 402, 403, 404, 413, 422, 501, 520])
def test_what_another_attempt_cannot_mend_is_not_tried_again(status: int) -> None:
    assert retry_delay(status_error(status), 1, STEADY) is None


def test_delays_double_up_to_the_longest() -> None:
    config = RetryConfig(max_attempts=99, jitter=False, base_delay=1, max_delay=10)
    error = InternalServerError("no", status_code=500)
    assert [retry_delay(error, attempt, config) for attempt in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_jitter_takes_the_upper_half_of_the_delay() -> None:
    error = InternalServerError("no", status_code=500)
    assert retry_delay(error, 2, RetryConfig(), random=lambda: 0.0) == 1.0
    assert retry_delay(error, 2, RetryConfig(), random=lambda: 0.5) == 1.5


def test_the_last_attempt_is_the_last() -> None:
    error = InternalServerError("no", status_code=500)
    assert retry_delay(error, 2, RetryConfig(max_attempts=3)) is not None
    assert retry_delay(error, 3, RetryConfig(max_attempts=3)) is None
    assert retry_delay(error, 1, RetryConfig(max_attempts=1)) is None


def test_the_servers_own_delay_wins_over_ours() -> None:
    assert retry_delay(RateLimitError("no", status_code=429, retry_after=7.5), 1, RetryConfig()) == 7.5
    assert retry_delay(RateLimitError("no", status_code=429, retry_after=0.0), 1, RetryConfig()) == 0.0


def test_a_wait_beyond_the_limit_is_the_callers_business() -> None:
    error = RateLimitError("no", status_code=429, retry_after=121)
    assert retry_delay(error, 1, RetryConfig()) is None
    assert retry_delay(error, 1, RetryConfig(max_retry_after=200)) == 121


def test_a_used_up_quota_is_not_tried_again() -> None:
    assert retry_delay(RateLimitError("no", status_code=429, retryable=False), 1, STEADY) is None


def test_the_servers_word_on_retrying_wins_over_the_status() -> None:
    assert retry_delay(BadRequestError("no", status_code=400, retryable=True), 1, STEADY) == 1.0
    assert retry_delay(OverloadedError("no", status_code=529, retryable=False), 1, STEADY) is None


def test_lost_connections_are_tried_again() -> None:
    assert retry_delay(APIConnectionError("gone"), 1, STEADY) == 1.0
    assert retry_delay(StreamError("no end"), 1, STEADY) == 1.0


def test_nonsense_is_not_tried_again() -> None:
    assert retry_delay(ProtocolError("what"), 1, STEADY) is None


def test_an_untrusted_certificate_is_not_tried_again() -> None:
    error = APIConnectionError("not trusted")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed")
    assert retry_delay(error, 1, STEADY) is None


@pytest.mark.parametrize(
    ("deadline", "method", "again"),
    [
        ("connect", "POST", True),
        ("response", "POST", False),
        ("response", "GET", True),
        ("idle", "POST", False),
        ("idle", "GET", True),
        ("pool", "POST", False),
        ("total", "GET", False),
    ],
)
def test_a_request_that_may_be_at_work_is_not_sent_twice(deadline: str, method: str, again: bool) -> None:
    error = APITimeoutError("late", deadline=deadline)
    assert (retry_delay(error, 1, STEADY, method=method) is not None) is again


def test_a_late_answer_is_asked_for_again_only_by_wish() -> None:
    config = RetryConfig(jitter=False, retry_after_response_timeout=True)
    assert retry_delay(APITimeoutError("late", deadline="response"), 1, config) == 1.0


def test_given_exceptions_replace_the_default_and_are_looked_for_in_the_cause() -> None:
    config = RetryConfig(retry_on_exceptions=(BrokenPipeError,), jitter=False)
    error = APIConnectionError("gone")
    assert retry_delay(error, 1, config) is None
    error.__cause__ = BrokenPipeError()
    assert retry_delay(error, 1, config) == 1.0


def lost(cause: BaseException | None = None) -> APIConnectionError:
    error = APIConnectionError("gone")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("named", "errors"),
    [
        ("BaseTimeout", {"connect", "response", "idle", "pool"}),
        ("ConnectTimeout", {"connect"}),
        ("ReadTimeout", {"response", "idle"}),
        ("ConnectionPoolAcquireTimeout", {"pool"}),
        # The total covers all attempts: when it is over, so is the call.
        ("RequestTimeout", set()),
        ("ConnectionDisconnected", {"closed", "reset"}),
        ("HttpParsingError", {"nonsense"}),
        ("MaxRedirects", set()),
    ],
)
def test_aiosonics_classes_stand_for_what_they_say(named: str, errors: set[str]) -> None:
    from aiosonic import exceptions

    found = {
        **{each: APITimeoutError("late", deadline=each) for each in ("connect", "response", "idle", "pool", "total")},
        "closed": lost(),
        "reset": lost(ConnectionResetError()),
        "refused": lost(ConnectionRefusedError()),
        "nonsense": ProtocolError("what"),
        "unfinished": StreamError("no end"),
    }
    config = RetryConfig(retry_on_exceptions=(getattr(exceptions, named),), jitter=False)
    assert {name for name, error in found.items() if retry_delay(error, 1, config) is not None} == errors


@pytest.mark.parametrize(
    ("classes", "again"),
    [
        ((APITimeoutError,), True),
        ((asyncio.TimeoutError,), True),
        ((APIConnectionError,), False),
        ((ConnectionError,), False),
        ((Exception,), False),
    ],
)
def test_who_names_timeouts_asks_for_another_try_after_one(classes: Any, again: bool) -> None:
    config = RetryConfig(retry_on_exceptions=classes, jitter=False)
    delay = retry_delay(APITimeoutError("late", deadline="response"), 1, config)
    assert (delay is not None) is again


def test_any_object_with_the_right_names_configures_retrying() -> None:
    class Old:
        max_attempts = 7

    config = RetryConfig.coerce(Old())
    assert config.max_attempts == 7
    assert config.base_delay == 1.0
    assert RetryConfig.coerce(None) == RetryConfig()


@pytest.mark.parametrize("value", [{"max_attempts": 7}, 7])
def test_what_configures_nothing_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="retry_config must be a RetryConfig"):
        RetryConfig.coerce(value)
