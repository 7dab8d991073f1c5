"""One request and its attempts: what is sent, how often, and until when.

What belongs here: the loop over attempts that answers and streams share. Whether an error deserves another attempt is
``retry.py``'s decision; bytes and sockets are the transport's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, Union

from ..errors import APIStatusError, APITimeoutError, LLMError
from ..models import Limits, Timeouts
from ..protocols.failures import add_response, hide_secrets, status_error
from ..retry import RetryConfig, retry_delay
from .headers import secrets_in

if TYPE_CHECKING:
    from ..transport import Reply, Transport

__all__ = ["Exchange", "HeadersNow", "Outgoing"]

_T = TypeVar("_T")

#: The headers of a request, or what gives them for each attempt.
HeadersNow = Union[Mapping[str, str], Callable[[], Coroutine[Any, Any, Mapping[str, str]]]]

# An error body is read to say what went wrong; more of it helps nobody.
_ERROR_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class Outgoing:
    """A request as the transport takes it."""

    method: str
    url: str
    headers: HeadersNow
    body: bytes | None


class Exchange:
    """The attempts of one request.

    Attributes:
        attempt: number of the running attempt, counted from 1.
    """

    def __init__(
        self,
        transport: Transport,
        outgoing: Outgoing,
        *,
        timeouts: Timeouts,
        limits: Limits,
        retry: RetryConfig,
    ) -> None:
        self.transport = transport
        self.outgoing = outgoing
        self.timeouts = timeouts
        self.limits = limits
        self.retry = retry
        self.attempt = 0
        self._headers: Mapping[str, str] = {}  # of the running attempt
        self._total_at: float | None = None

    async def send(self) -> Reply:
        """One attempt: the reply, whose status is below 300.

        Raises:
            APIStatusError: the provider said no.
            APIConnectionError: nothing usable came back.
        """
        if self.retry.max_attempts < 1:
            raise LLMError("Retry failed without exception: max_attempts is less than 1, so nothing was sent")
        self.attempt += 1
        if self._total_at is None and self.timeouts.total is not None:
            self._total_at = asyncio.get_running_loop().time() + self.timeouts.total
        out = self.outgoing
        self._headers = await self._made_now(out.headers) if callable(out.headers) else out.headers
        reply = await self.transport.send(
            out.method, out.url, self._headers, out.body, timeouts=self.timeouts, total_at=self._total_at
        )
        if reply.status < 300:
            return reply
        try:
            raise await self._status_error(reply)
        finally:
            reply.close()

    async def _made_now(self, headers: Callable[[], Coroutine[Any, Any, Mapping[str, str]]]) -> Mapping[str, str]:
        """The headers of this attempt; getting a key for them is part of the call, and of its total."""
        from ..transport.deadlines import finish_by

        late = f"the key did not come within the {self.timeouts.total or 0:g} s that the call has in total"
        return await finish_by(self._total_at, headers(), lambda: APITimeoutError(late, deadline="total"))

    async def _status_error(self, reply: Reply) -> APIStatusError:
        """The error that an answer of 300 or above stands for.

        The status says more than the loss of the text that explains it: when the body breaks off, what came of it serves.
        """
        body = b""
        with suppress(LLMError):
            while len(body) < _ERROR_BODY_BYTES and (piece := await reply.read_some()):
                body += piece
        return status_error(reply.status, reply.headers, body, secrets=secrets_in(self._headers))

    async def wait_for_next_attempt(self, error: LLMError) -> None:
        """Sleep until the next attempt; raise ``error`` when there is to be none."""
        self.hide_secrets(error)
        delay = retry_delay(error, self.attempt, self.retry, method=self.outgoing.method)
        if delay is None:
            raise error
        if self._total_at is not None and asyncio.get_running_loop().time() + delay >= self._total_at:
            # Waiting could only end at the deadline: the caller learns at once, and learns the cause.
            raise error
        if self.retry.on_retry is not None:
            self.retry.on_retry(self.attempt, error)
        await asyncio.sleep(delay)

    async def open(self) -> Reply:
        """A reply whose body has not been read, in as many attempts as it takes."""
        while True:
            try:
                return await self.send()
            except LLMError as error:
                await self.wait_for_next_attempt(error)

    async def fetch(self, read: Callable[[Reply, bytes], _T]) -> tuple[Reply, _T]:
        """A whole answer, in as many attempts as it takes.

        ``read`` makes a value of the body; an error that it raises counts as a failed attempt, because a 200 may hold one.
        """
        while True:
            try:
                reply = await self.send()
                try:
                    return reply, read(reply, await reply.read())
                except APIStatusError as error:
                    self.place(error, reply)
                    raise
                finally:
                    reply.close()
            except LLMError as error:
                await self.wait_for_next_attempt(error)

    def place(self, error: APIStatusError, reply: Reply) -> None:
        """Give an error that stood inside a 200 what the reply around it knows: headers, request id, delay."""
        add_response(error, reply.headers, secrets=secrets_in(self._headers))

    def hide_secrets(self, error: LLMError) -> None:
        """Mask what a server has quoted of the request's headers that nobody should see."""
        hide_secrets(error, secrets_in(self._headers))
