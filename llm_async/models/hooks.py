"""What may be listened to: the functions that a provider calls on the way of a request, and what they are told.

What belongs here: the values. When they are told, and how secrets are kept out of them, is the providers' business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from .._json import loads
from .message import Message
from .rate_limits import RateLimits
from .timing import Timing
from .usage import Usage

__all__ = ["ErrorEvent", "Hooks", "RequestEvent", "ResponseEvent", "RetryEvent"]

# Where the path names the model, a colon and a method may follow it.
_MODEL_IN_PATH = re.compile(r"/(?:models|deployments)/([^/:?]+)")


@dataclass(eq=False)
class RequestEvent:
    """A request is about to be sent, or to be looked up in the provider's cache.

    It is one object for all attempts of a call: the events of one call share it.

    Attributes:
        number: the number of the call among all that are listened to in this process; its log lines begin with it.
        provider_name: the provider's ``name()``.
        method: the HTTP method.
        url: the address, without user, password and query.
        headers: what is sent; ``"***"`` stands for each value that is secret or may be.
        content: the body as it is sent, keys masked; ``b""`` where there is none.
        attempt: the number of this attempt, from 1.
        state: anything that the listener wants to find again in the later events of the call.
    """

    number: int
    provider_name: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    attempt: int = 1
    state: dict[Any, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def body(self) -> Any:
        """The decoded body; None where there is none. Decoded when it is first asked for."""
        return loads(self.content) if self.content else None

    @cached_property
    def model(self) -> str | None:
        """The model that is asked for, or None where the request names none."""
        model = self.body.get("model") if isinstance(self.body, dict) else None
        if isinstance(model, str):
            return model
        named = _MODEL_IN_PATH.search(self.url)
        return None if named is None else unquote(named[1])

    @property
    def stream(self) -> bool:
        """Whether a stream is asked for."""
        return (isinstance(self.body, dict) and self.body.get("stream") is True) or ":stream" in self.url


@dataclass(eq=False)
class ResponseEvent:
    """An answer is there as a whole; of a stream, at its end.

    Attributes:
        request: what it answers.
        status: the HTTP status, below 300.
        headers: the headers of the answer, names in lower case; cookies are masked.
        complete: False for a stream that the program left before its end; usage and message are what had arrived.
        request_id: the id to quote to the provider's support, or None.
        rate_limits: what the headers say about rate limits, or None.
        timing: how long the call took.
        cached: the answer came from the provider's cache, and nothing was sent.
        id: the provider's id of the answer, or None.
        model: the model that the provider says answered, or None.
        usage: token counts, or None.
        message: what the model said; None where no model was asked.
    """

    request: RequestEvent
    status: int
    headers: Mapping[str, str] = field(repr=False)
    complete: bool
    request_id: str | None
    rate_limits: RateLimits | None
    timing: Timing
    cached: bool = False
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    message: Message | None = field(default=None, repr=False)


@dataclass(eq=False)
class RetryEvent:
    """An attempt has failed and there will be another one.

    Attributes:
        request: the call; ``request.attempt`` is the attempt that failed.
        error: what it failed with.
        delay: seconds until the next attempt.
    """

    request: RequestEvent
    error: BaseException
    delay: float


@dataclass(eq=False)
class ErrorEvent:
    """A call has failed for good.

    Attributes:
        request: the call.
        error: what is raised to the caller, cancellation included.
        timing: how long it took.
    """

    request: RequestEvent
    error: BaseException
    timing: Timing


@dataclass(frozen=True)
class Hooks:
    """Functions to be called on the way of every request of a provider; ordinary ones or coroutine functions.

    A call tells ``on_request`` before each attempt, ``on_retry`` before each wait, and at its end one of ``on_response``
    and ``on_error``. Coroutine functions are awaited, and what a hook raises is raised to the caller: from ``on_request``
    nothing is sent then, and it is not tried again. Where nobody can wait, at a call that is cancelled and a stream that
    is left, a coroutine function runs as a task, and what is raised goes to the event loop's exception handler.

    Attributes:
        on_request: told before each attempt.
        on_response: told when the answer is whole.
        on_retry: told before the wait for another attempt.
        on_error: told when the call has failed for good.
    """

    on_request: Callable[[RequestEvent], Any] | None = None
    on_response: Callable[[ResponseEvent], Any] | None = None
    on_retry: Callable[[RetryEvent], Any] | None = None
    on_error: Callable[[ErrorEvent], Any] | None = None

    def __post_init__(self) -> None:
        for name, hook in vars(self).items():
            if hook is not None and not callable(hook):
                raise TypeError(f"{name} must be a function, not {type(hook).__name__}")
