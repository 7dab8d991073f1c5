"""One request and its attempts: what is sent, how often, and until when.

What belongs here: the loop over attempts that answers and streams share. Whether an error deserves another attempt is
``retry.py``'s decision; bytes and sockets are the transport's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, Union

from ..errors import APIStatusError, APITimeoutError, LLMError
from ..models import Limits, Timeouts
from ..models.timing import Timing
from ..protocols.failures import add_response, hide_secrets, status_error
from ..retry import RetryConfig, retry_delay
from .events import Heard, Watch
from .headers import secrets_in

if TYPE_CHECKING:
    from ..transport import Reply, Transport

__all__ = ["Exchange", "HeadersNow", "Outgoing"]

_T = TypeVar("_T")

#: The headers of a request, or what gives them for each attempt.
HeadersNow = Union[Mapping[str, str], Callable[[], Coroutine[Any, Any, Mapping[str, str]]]]

# An error body is read to say what went wrong; more of it helps nobody.
_ERROR_BODY_BYTES = 64 * 1024


class Outgoing(NamedTuple):
    """A request as the transport takes it."""

    method: str
    url: str
    headers: HeadersNow
    body: bytes | None


class Exchange:
    """The attempts of one request.

    Args:
        watch: whom to tell of them; None: nobody listens.

    Attributes:
        attempt: number of the running attempt, counted from 1.
        timing: how long it all takes.
        total_at: loop time at which the whole call has to be over, or None; set by the first attempt unless it is set.
    """

    def __init__(
        self,
        transport: Transport,
        outgoing: Outgoing,
        *,
        timeouts: Timeouts,
        limits: Limits,
        retry: RetryConfig,
        watch: Watch | None = None,
    ) -> None:
        self.transport = transport
        self.outgoing = outgoing
        self.timeouts = timeouts
        self.limits = limits
        self.retry = retry
        self.watch = watch
        self.attempt = 0
        self.timing = Timing(0.0)
        self.total_at: float | None = None
        self._headers: Mapping[str, str] = {}  # of the running attempt
        self._began = 0.0  # when the first attempt did, on the monotonic clock

    async def send(self) -> Reply:
        """One attempt: the reply, whose status is below 300.

        Raises:
            APIStatusError: the provider said no.
            APIConnectionError: nothing usable came back.
        """
        if self.retry.max_attempts < 1:
            raise LLMError("Retry failed without exception: max_attempts is less than 1, so nothing was sent")
        if not self.attempt:
            self._began, self.timing.started = time.perf_counter(), time.time()
        self.attempt = self.timing.attempts = self.attempt + 1
        if self.total_at is None and self.timeouts.total is not None:
            self.total_at = asyncio.get_running_loop().time() + self.timeouts.total
        out = self.outgoing
        self._headers = await self._made_now(out.headers) if callable(out.headers) else out.headers
        if self.watch is not None:
            await self.watch.sending(self.attempt, self._headers)
        reply = await self.transport.send(
            out.method, out.url, self._headers, out.body, timeouts=self.timeouts, total_at=self.total_at
        )
        self.timing.first_byte = self.elapsed()
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
        return await finish_by(self.total_at, headers(), lambda: APITimeoutError(late, deadline="total"))

    async def _status_error(self, reply: Reply) -> APIStatusError:
        """The error that an answer of 300 or above stands for.

        The status says more than the loss of the text that explains it: when the body breaks off, what came of it serves.
        """
        body = b""
        with suppress(LLMError):
            while len(body) < _ERROR_BODY_BYTES and (piece := await reply.read_some()):
                body += piece
        return status_error(reply.status, reply.headers, body, secrets=self._secrets())

    async def wait_for_next_attempt(self, error: LLMError) -> None:
        """Sleep until the next attempt; raise ``error`` when there is to be none."""
        self.hide_secrets(error)
        if self.watch is not None and error is self.watch.failure:
            raise error
        delay = retry_delay(error, self.attempt, self.retry, method=self.outgoing.method)
        if delay is None:
            raise error
        if self.total_at is not None and asyncio.get_running_loop().time() + delay >= self.total_at:
            # Waiting could only end at the deadline: the caller learns at once, and learns the cause.
            raise error
        if self.retry.on_retry is not None:
            self.retry.on_retry(self.attempt, error)
        if self.watch is not None:
            await self.watch.retrying(error, delay)
        await asyncio.sleep(delay)

    async def open(self) -> Reply:
        """A reply whose body has not been read, in as many attempts as it takes."""
        try:
            while True:
                try:
                    reply = await self.send()
                    break
                except LLMError as error:
                    await self.wait_for_next_attempt(error)
        except BaseException as error:
            await self.failed(error)
            raise
        await self.answered(Heard(reply, None))
        return reply

    async def fetch(self, read: Callable[[Reply, bytes], _T]) -> tuple[Reply, _T]:
        """A whole answer, in as many attempts as it takes.

        ``read`` makes a value of the body; an error that it raises counts as a failed attempt, because a 200 may hold one.
        """
        try:
            while True:
                try:
                    reply, value = await self._attempt(read)
                    break
                except LLMError as error:
                    await self.wait_for_next_attempt(error)
        except BaseException as error:
            await self.failed(error)
            raise
        await self.answered(Heard(reply, value))
        return reply, value

    async def _attempt(self, read: Callable[[Reply, bytes], _T]) -> tuple[Reply, _T]:
        reply = await self.send()
        try:
            return reply, read(reply, await reply.read())
        except LLMError as error:
            self.place(error, reply)
            raise
        finally:
            reply.close()

    def _secrets(self) -> tuple[str, ...]:
        """What nobody should see of the running attempt's request."""
        return secrets_in(self._headers, self.outgoing.url)

    # --- its end

    def elapsed(self) -> float:
        """Seconds since the first attempt began."""
        return time.perf_counter() - self._began

    def stop_clock(self) -> None:
        """The call is over."""
        self.timing.total = self.elapsed() if self.attempt else 0.0

    async def answered(self, heard: Heard) -> None:
        """The answer is whole: stop the clock, and tell whoever listens."""
        self.stop_clock()
        if self.watch is not None:
            await self.watch.answered(heard, self.timing)

    async def failed(self, error: BaseException) -> None:
        """The call has failed for good: stop the clock, and tell whoever listens."""
        self.stop_clock()
        if isinstance(error, LLMError):
            error.timing = self.timing
        if self.watch is not None:
            await self.watch.failed(error, self.timing)

    def place(self, error: LLMError, reply: Reply) -> None:
        """Give an error that stood inside a 200, or came on the way through it, what the reply around it knows: headers,
        request id, rate limits, delay."""
        add_response(error, reply.headers, secrets=self._secrets())

    def hide_secrets(self, error: LLMError) -> None:
        """Mask what a server has quoted of the request's headers that nobody should see."""
        hide_secrets(error, self._secrets())
