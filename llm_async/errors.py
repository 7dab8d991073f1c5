"""Everything that can go wrong, as one tree.

::

    LLMError
     ├─ APIStatusError            the provider said no
     │   ├─ BadRequestError       400
     │   ├─ AuthenticationError   401
     │   ├─ PermissionDeniedError 403
     │   ├─ NotFoundError         404
     │   ├─ ConflictError         409
     │   ├─ RequestTooLargeError  413
     │   ├─ UnprocessableEntityError 422
     │   ├─ RateLimitError        429
     │   └─ InternalServerError   5xx
     │       └─ OverloadedError   503, 529
     ├─ APIConnectionError        nothing usable came back, or the connection was lost
     │   └─ APITimeoutError       one of our deadlines passed
     ├─ StreamError               a stream without its end, or used after it was closed
     ├─ ProtocolError             the provider said something that its API does not say
     │   └─ AnswerError           an answer that has no value of the schema that was asked for
     │       ├─ InvalidAnswerError    it is no JSON, or does not follow the schema
     │       ├─ RefusedAnswerError    the model refused, or its answer was filtered
     │       └─ TruncatedAnswerError  it ended before the value was whole
     ├─ UnsupportedError          asked of somebody who cannot do it
     ├─ ToolError                 a tool call that cannot be run
     │   └─ ToolArgumentError     the tool is unknown, or its arguments cannot be used
     └─ MaxIterationsError        an agent was still calling tools when its turns were used up

What belongs here: the classes and the table from HTTP status to class. Which wire payload means which status is the
protocols' knowledge; which network exception means which class is the transport's; which error deserves another try is
``retry.py``'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models.failed_call import FailedCall
    from .models.message import Message
    from .models.rate_limits import RateLimits
    from .models.response import Response
    from .models.timing import Timing
    from .models.usage import Usage

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AnswerError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "InternalServerError",
    "InvalidAnswerError",
    "LLMError",
    "MaxIterationsError",
    "NotFoundError",
    "OverloadedError",
    "PermissionDeniedError",
    "ProtocolError",
    "RateLimitError",
    "RefusedAnswerError",
    "RequestTooLargeError",
    "StreamError",
    "ToolArgumentError",
    "ToolError",
    "TruncatedAnswerError",
    "UnprocessableEntityError",
    "UnsupportedError",
    "status_error_class",
]


class LLMError(Exception):
    """Anything that this library raises about a provider or a tool.

    Attributes:
        partial: the message as far as it had arrived when a stream failed, else None.
        request_id: the id to quote to the provider's support; None where no answer had begun, or had none.
        rate_limits: what the headers of the answer say about rate limits, or None.
        timing: how long the call took until it failed; None for what is no call's error.
        fallbacks: the calls of a :class:`~llm_async.Fallback` that had failed before this one, in their order.
        embedded: the vectors that ``embed`` had got when one of its batches failed, by the place of their input.
    """

    partial: Message | None
    request_id: str | None = None
    rate_limits: RateLimits | None = None
    timing: Timing | None = None
    embedded: Mapping[int, list[float]] | None = None
    fallbacks: tuple[FailedCall, ...] = ()

    def __init__(self, message: str, *, partial: Message | None = None) -> None:
        super().__init__(message)
        self.partial = partial

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments are kept in the instance dictionary, which is all that pickling has to carry.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[LLMError], args: tuple[Any, ...], state: dict[str, Any]) -> LLMError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class APIStatusError(LLMError):
    """The provider answered with an error: an HTTP status of 300 or above, or an error event inside a stream.

    ``str(error)`` begins with ``HTTP NNN: ``.

    Attributes:
        status_code: the HTTP status; for an error event inside a 200, the status that the event stands for.
        code: the provider's machine-readable code (OpenAI ``error.code``, Google ``error.status``), or None.
        type: the provider's error type (OpenAI and Anthropic ``error.type``), or None.
        body: the decoded error body: JSON value, else text, else None.
        request_id: the id to quote to the provider's support, or None.
        retry_after: seconds that the provider asks to wait, or None.
        headers: the response headers, names in lower case.
        retryable: the server's own word on whether to try again (``x-should-retry``), or None; False also for a 429
            that waiting does not cure, such as an exhausted quota.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        code: str | None = None,
        type: str | None = None,
        body: Any = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
        retryable: bool | None = None,
        partial: Message | None = None,
    ) -> None:
        super().__init__(f"HTTP {status_code}: {message}", partial=partial)
        self.status_code = status_code
        self.code = code
        self.type = type
        self.body = body
        self.request_id = request_id
        self.retry_after = retry_after
        self.headers: Mapping[str, str] = headers if headers is not None else {}
        self.retryable = retryable


class BadRequestError(APIStatusError):
    """400: the request itself is wrong."""


class AuthenticationError(APIStatusError):
    """401: no key, or a key that is not accepted."""


class PermissionDeniedError(APIStatusError):
    """403: the key is known and may not do this."""


class NotFoundError(APIStatusError):
    """404: no such model or path."""


class ConflictError(APIStatusError):
    """409: the resource is in use or was changed meanwhile."""


class RequestTooLargeError(APIStatusError):
    """413: the request has more bytes than the provider takes."""


class UnprocessableEntityError(APIStatusError):
    """422: well-formed, and refused by the provider's validation."""


class RateLimitError(APIStatusError):
    """429: too many requests or tokens, or a quota that is used up (then ``retryable`` is False)."""


class InternalServerError(APIStatusError):
    """5xx: the provider failed."""


class OverloadedError(InternalServerError):
    """503 or 529: the provider has no capacity at the moment."""


class APIConnectionError(LLMError, ConnectionError):
    """The server could not be reached, or the connection was lost before the answer was whole."""


class APITimeoutError(APIConnectionError, asyncio.TimeoutError):
    """A deadline of ours passed.

    ``deadline`` names it: ``pool``, ``connect``, ``response``, ``idle`` or ``total``.
    """

    def __init__(self, message: str, *, deadline: str, partial: Message | None = None) -> None:
        super().__init__(message, partial=partial)
        self.deadline = deadline


class StreamError(LLMError):
    """The stream ended without the end that its protocol prescribes, or was used after it was closed."""


class ProtocolError(LLMError):
    """The provider sent something that its API does not allow; ``payload`` is what could not be read."""

    def __init__(self, message: str, *, payload: Any = None, partial: Message | None = None) -> None:
        super().__init__(message, partial=partial)
        self.payload = payload


class AnswerError(ProtocolError):
    """There is no value of the asked-for schema in an answer, which may be a fine answer otherwise.

    Raised as it is where the model called tools instead of answering.

    Attributes:
        text: the text of the answer, as it came (``payload`` is the same).
        finish_reason: why the model stopped, in the vocabulary of :class:`~llm_async.models.Message`.
    """

    def __init__(
        self, message: str, *, text: str, finish_reason: str = "unknown", partial: Message | None = None
    ) -> None:
        super().__init__(message, payload=text, partial=partial)
        self.text = text
        self.finish_reason = finish_reason


class InvalidAnswerError(AnswerError):
    """The answer is no JSON, or does not follow the schema.

    Attributes:
        path: the place of the first fault, as a JSON path: ``$.items[0].name``; ``$`` is the whole.
        reason: what is wrong there.
        faults: every fault that is known, as pairs of path and reason.
    """

    def __init__(
        self,
        message: str,
        *,
        text: str,
        faults: list[tuple[str, str]],
        finish_reason: str = "unknown",
        partial: Message | None = None,
    ) -> None:
        super().__init__(message, text=text, finish_reason=finish_reason, partial=partial)
        self.faults = faults
        self.path, self.reason = faults[0]


class RefusedAnswerError(AnswerError):
    """The model refused, or the provider filtered the answer; ``refusal`` is what was said about it, or None."""

    def __init__(
        self,
        message: str,
        *,
        text: str,
        refusal: str | None = None,
        finish_reason: str = "unknown",
        partial: Message | None = None,
    ) -> None:
        super().__init__(message, text=text, finish_reason=finish_reason, partial=partial)
        self.refusal = refusal


class TruncatedAnswerError(AnswerError):
    """The answer ended before the value was whole: by its limit of tokens, a pause or an error of the provider."""


class UnsupportedError(LLMError, NotImplementedError):
    """What was asked for does not exist at this provider."""


class ToolError(LLMError):
    """A tool call that cannot be run.

    Attributes:
        tool: name of the tool, or None where the call has none.
        arguments: the arguments as the model gave them.
    """

    def __init__(self, message: str, *, tool: str | None = None, arguments: Any = None) -> None:
        super().__init__(message)
        self.tool = tool
        self.arguments = arguments


class ToolArgumentError(ToolError, ValueError):
    """The tool is unknown, or its arguments cannot be used."""


class MaxIterationsError(LLMError):
    """An agent had used up its turns, and the model still called tools.

    Attributes:
        response: the last answer, its tool calls included; None when no turn was allowed at all.
        messages: the conversation so far, the results of the last calls included: it can be gone on with.
        usage: token counts of the whole run.
        iterations: how many turns there were.
    """

    def __init__(
        self, message: str, *, response: Response | None, messages: list[Any], usage: Usage, iterations: int
    ) -> None:
        super().__init__(message)
        self.response = response
        self.messages = messages
        self.usage = usage
        self.iterations = iterations


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: RequestTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}


def status_error_class(status: int) -> type[APIStatusError]:
    """The class that stands for an HTTP status of 300 or above."""
    return _BY_STATUS.get(status) or (InternalServerError if status >= 500 else APIStatusError)
