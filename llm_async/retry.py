"""Which failures deserve another try, and after how long.

Everything here is a pure function of the failure and the configuration; nothing here sleeps or sends.
"""

from __future__ import annotations

import random as _random
from collections.abc import Callable
from dataclasses import dataclass, field
from ssl import SSLCertVerificationError
from typing import Any

from .errors import APIConnectionError, APIStatusError, APITimeoutError, ProtocolError, StreamError

__all__ = ["RetryConfig", "retry_delay"]

_Classes = tuple[type[BaseException], ...]

# What aiosonic's exceptions say, in deadlines of ours: programs name these classes, which nobody raises here.
_AIOSONIC_TIMEOUTS = {
    "BaseTimeout": ("pool", "connect", "response", "idle", "total"),
    "ConnectTimeout": ("connect",),
    "ConnectionPoolAcquireTimeout": ("pool",),
    "ReadTimeout": ("response", "idle"),
    "RequestTimeout": ("total",),
}


@dataclass
class RetryConfig:
    """When and how often a request is sent again. Nothing is ever sent again once a chunk reached the caller.

    Attributes:
        max_attempts: how often a request is sent at most, the first time included; 1 switches retrying off.
        base_delay: seconds before the second attempt.
        max_delay: the longest delay of our own choosing, in seconds.
        backoff_factor: what the delay is multiplied by after each attempt.
        retry_on_status: HTTP statuses that deserve another try; an error event in a stream counts as the status that it
            stands for. A server's ``x-should-retry`` wins over it, and a used-up quota is never retried.
        retry_on_exceptions: exception classes that deserve another try, looked for in the error and in what caused it;
            aiosonic's classes stand for what they say. Empty stands for the default: the connection failed, or was lost
            before the first chunk. A class of timeouts among them asks for what ``retry_after_response_timeout`` asks for.
        jitter: spread the delay over its upper half at random, so that many clients do not come back at once.
        max_retry_after: the longest wait in seconds that a server may ask for; a longer one is raised at once.
        retry_after_response_timeout: send a POST again although no answer came in time; it may be billed twice.
        on_retry: called with the number of the failed attempt and its error, before the wait.
    """

    max_attempts: int = 3
    base_delay: float = 1.0
    max_delay: float = 60.0
    backoff_factor: float = 2.0
    retry_on_status: tuple[int, ...] = (408, 409, 425, 429, 500, 502, 503, 504, 529)
    retry_on_exceptions: tuple[type[BaseException], ...] = ()
    jitter: bool = True
    max_retry_after: float = 120.0
    retry_after_response_timeout: bool = False
    on_retry: Callable[[int, BaseException], Any] | None = field(default=None, compare=False)

    @classmethod
    def coerce(cls, value: Any) -> RetryConfig:
        """``value`` as a RetryConfig: None is the default one; of any other object the attributes of these names count.

        Raises:
            TypeError: it has none of them.
        """
        if value is None:
            return cls()
        if isinstance(value, cls):
            return value
        default = cls()
        names = cls.__dataclass_fields__
        if not any(hasattr(value, name) for name in names):
            raise TypeError(f"retry_config must be a RetryConfig, not {type(value).__name__}")
        return cls(**{name: getattr(value, name, getattr(default, name)) for name in names})


def retry_delay(
    error: BaseException,
    attempt: int,
    config: RetryConfig,
    *,
    method: str = "POST",
    random: Callable[[], float] = _random.random,
) -> float | None:
    """Seconds to wait before the next attempt, or None when there must not be one.

    Args:
        error: what the attempt failed with.
        attempt: number of the failed attempt, counted from 1.
        config: the caller's wishes.
        method: HTTP method of the request.
        random: gives a number from 0 up to 1, for the jitter.
    """
    if attempt >= config.max_attempts or not _deserves_retry(error, config, method):
        return None
    hint = error.retry_after if isinstance(error, APIStatusError) else None
    if hint is not None:
        return max(hint, 0.0) if hint <= config.max_retry_after else None
    delay = min(config.base_delay * config.backoff_factor ** (attempt - 1), config.max_delay)
    return delay * (0.5 + random() / 2) if config.jitter else delay


def _deserves_retry(error: BaseException, config: RetryConfig, method: str) -> bool:
    if isinstance(error, APIStatusError):
        if error.retryable is not None:
            return error.retryable
        return error.status_code in config.retry_on_status
    if isinstance(error, APITimeoutError):
        if error.deadline == "total":
            return False
        # The server has the request and may be working on it: sending it again may be paid for twice.
        at_work = error.deadline in ("response", "idle") and method.upper() in ("POST", "PATCH")
        wanted = config.retry_after_response_timeout or _names_a_timeout(config.retry_on_exceptions, error)
        if at_work and not wanted:
            return False
    if config.retry_on_exceptions:
        return _caused_by(error, config.retry_on_exceptions) or any(
            _is_aiosonic_for(cls, error) for cls in config.retry_on_exceptions
        )
    if isinstance(error, APITimeoutError) and error.deadline == "pool":
        return False
    if isinstance(error, APIConnectionError):
        # A certificate that is not trusted now will not be trusted in a second.
        return not _caused_by(error, (SSLCertVerificationError,))
    return isinstance(error, StreamError)


def _names_a_timeout(classes: _Classes, error: APITimeoutError) -> bool:
    """Whether one of the classes means this error because it is a timeout, and not as any failure of a connection."""
    return any(
        (isinstance(error, cls) and not issubclass(APIConnectionError, cls)) or _is_aiosonic_for(cls, error)
        for cls in classes
    )


def _is_aiosonic_for(cls: type[BaseException], error: BaseException) -> bool:
    """Whether ``cls`` is the exception of aiosonic's that would have been raised where ``error`` was."""
    if cls.__module__ != "aiosonic.exceptions":
        return False
    name = cls.__name__
    if isinstance(error, APITimeoutError):
        return error.deadline in _AIOSONIC_TIMEOUTS.get(name, ())
    if name == "ConnectionDisconnected":
        # Lost, that is, and not refused or unknown.
        ended = error.__cause__ is None or isinstance(error.__cause__, (ConnectionResetError, BrokenPipeError))
        return isinstance(error, APIConnectionError) and ended
    return name == "HttpParsingError" and isinstance(error, ProtocolError)


def _caused_by(error: BaseException | None, classes: _Classes) -> bool:
    while error is not None:
        if isinstance(error, classes):
            return True
        error = error.__cause__
    return False
