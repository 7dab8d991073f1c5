"""Old import path of :mod:`llm_async.retry`, and the decorators that go with it."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import APIStatusError
from ..retry import RetryConfig, retry_delay

if TYPE_CHECKING:
    DEFAULT_RETRY_EXCEPTIONS: tuple[type[BaseException], ...]

__all__ = ["DEFAULT_RETRY_EXCEPTIONS", "RetryConfig", "retry_async", "retry_http"]

_T = TypeVar("_T")
_Function = Callable[..., Awaitable[_T]]
_OnRetry = Callable[[int, BaseException], Any]

_HTTP_STATUS = re.compile(r"HTTP (\d{3})\b")


def __getattr__(name: str) -> Any:
    # aiosonic is imported only by those who ask for what needs it.
    if name == "DEFAULT_RETRY_EXCEPTIONS":
        return _default_exceptions()
    if name == "aiosonic":
        import aiosonic

        return aiosonic
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def _default_exceptions() -> tuple[type[BaseException], ...]:
    from aiosonic import exceptions

    names = (
        "BaseTimeout",
        "ConnectTimeout",
        "ReadTimeout",
        "RequestTimeout",
        "ConnectionPoolAcquireTimeout",
        "ConnectionDisconnected",
        "HttpParsingError",
    )
    return (asyncio.TimeoutError, ConnectionError, *(getattr(exceptions, name) for name in names))


def retry_async(
    config: RetryConfig | None = None, on_retry: _OnRetry | None = None
) -> Callable[[_Function[_T]], _Function[_T]]:
    """Decorate a coroutine function so that it is called again after the exceptions of ``config``.

    ``on_retry`` is called with the number of the failed attempt and its exception, before the wait.
    """
    return _decorator(RetryConfig.coerce(config), on_retry, statuses=False)


def retry_http(
    config: RetryConfig | None = None, on_retry: _OnRetry | None = None
) -> Callable[[_Function[_T]], _Function[_T]]:
    """The same, and also after the HTTP statuses of ``config``: an APIStatusError, or a text that begins with ``HTTP 503``."""
    return _decorator(RetryConfig.coerce(config), on_retry, statuses=True)


def _decorator(
    config: RetryConfig, on_retry: _OnRetry | None, *, statuses: bool
) -> Callable[[_Function[_T]], _Function[_T]]:
    def decorate(function: _Function[_T]) -> _Function[_T]:
        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> _T:
            attempt = 0
            while attempt < config.max_attempts:
                attempt += 1
                try:
                    return await function(*args, **kwargs)
                except Exception as error:
                    delay = _delay(error, attempt, config, statuses)
                    if delay is None:
                        raise
                    for notify in (on_retry, config.on_retry):
                        if notify is not None:
                            notify(attempt, error)
                await asyncio.sleep(delay)
            raise Exception("Retry failed without exception")

        return wrapper

    return decorate


def _delay(error: Exception, attempt: int, config: RetryConfig, statuses: bool) -> float | None:
    if isinstance(error, APIStatusError):
        return retry_delay(error, attempt, config) if statuses else None
    found = _HTTP_STATUS.match(str(error)) if statuses else None
    if found is not None:
        return retry_delay(APIStatusError("", status_code=int(found[1])), attempt, config)
    if not isinstance(error, config.retry_on_exceptions or _default_exceptions()):
        return None
    # The same waiting as for a lost connection, whatever the exception is.
    return retry_delay(APIStatusError("", status_code=0, retryable=True), attempt, config)
