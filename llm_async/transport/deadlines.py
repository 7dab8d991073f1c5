"""Deadlines: when the patience with an exchange ends, and what is said then.

What belongs here: time. A read costs no timer, no task and no ``wait_for``: one timer per socket wakes at the earliest
moment at which a deadline can have passed; whoever uses the socket then looks at the time stamps, and either closes it or
lets the timer sleep again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..errors import APITimeoutError
from ..models import Timeouts
from .errors import timed_out
from .wire import Wire

__all__ = ["Clock", "finish_by"]

_T = TypeVar("_T")

# How long the event loop gets to read its sockets, in seconds, before a deadline is taken to have passed.
_GRACE = 0.001


class Clock:
    """The deadlines of one exchange.

    Before there is a socket, :meth:`limit` says until when to wait. From then on the clock watches the socket itself:
    :meth:`await_answer`, :meth:`await_body` and :meth:`await_rest` begin its phases, :meth:`stop` ends them.

    Silence in a body is counted while somebody waits for bytes, and only then: a reader that takes its time is no fault
    of the server's.

    Args:
        timeouts: how long each phase may take.
        total_at: loop time at which the whole call has to be over, or None.
        place: the server, for error messages.
    """

    __slots__ = (
        "_fixed_at", "_late", "_loop", "_phase", "_place", "_seconds", "_timeouts", "_total", "_total_at", "_wire",
    )  # fmt: skip

    def __init__(
        self, loop: asyncio.AbstractEventLoop, timeouts: Timeouts, total_at: float | None, place: object
    ) -> None:
        self._loop = loop
        self._timeouts = timeouts
        self._total_at = total_at
        self._total = timeouts.total  # in seconds, for the message
        if self._total is None and total_at is not None:
            self._total = max(0.0, total_at - loop.time())
        self._place = place
        self._wire: Wire | None = None
        self._phase = ""
        self._seconds: float | None = None  # how long the phase may take, or be silent
        self._fixed_at: float | None = None  # when the phase has to be over; None where only silence counts
        self._late = False  # a deadline has passed, and is looked at again

    # --- before there is a socket

    def limit(self, phase: str) -> tuple[float | None, str]:
        """Until when ``pool`` or ``connect`` may last from now on, and the deadline that passes then."""
        seconds: float | None = getattr(self._timeouts, phase)
        when = None if seconds is None else self._loop.time() + seconds
        if self._total_at is not None and (when is None or self._total_at < when):
            return self._total_at, "total"
        return when, phase

    def expired(self, deadline: str) -> APITimeoutError:
        """The error for a deadline that has passed."""
        seconds: float | None = self._total if deadline == "total" else getattr(self._timeouts, deadline)
        assert seconds is not None
        return timed_out(deadline, self._place, seconds)

    # --- with a socket

    def await_answer(self, wire: Wire) -> None:
        """The request is being sent: the ``response`` deadline runs."""
        self._wire = wire
        wire.watch = self._look
        self._begin("response", self._timeouts.response, fixed=True)

    def await_body(self) -> None:
        """The head has been read: from now on ``idle`` counts."""
        self._begin("idle", self._timeouts.idle, fixed=False)

    def await_rest(self, seconds: float) -> None:
        """What is still to come is of little interest, and has ``seconds`` in all."""
        self._begin("rest", seconds, fixed=True)

    def stop(self) -> None:
        """The exchange is over."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.unwatch()

    def _begin(self, phase: str, seconds: float | None, *, fixed: bool) -> None:
        now = self._loop.time()
        self._phase = phase
        self._late = False
        self._seconds = seconds
        self._fixed_at = now + seconds if fixed and seconds is not None else None
        due, _ = self._next(now)
        if due is not None and self._wire is not None:
            self._wire.wake_at(due)

    def _next(self, now: float) -> tuple[float | None, str]:
        """The next moment at which a deadline can have passed, and that deadline."""
        due = self._fixed_at
        if due is None and self._seconds is not None and self._wire is not None:
            silent_since = self._wire.waiting_since
            due = (now if silent_since is None else silent_since) + self._seconds
        if self._total_at is not None and (due is None or self._total_at < due):
            return self._total_at, "total"
        return due, self._phase

    def _look(self) -> None:
        wire = self._wire
        if wire is None:
            return
        now = self._loop.time()
        due, deadline = self._next(now)
        if due is None:
            return
        if due > now:
            self._late = False
            wire.wake_at(due)
            return
        if not self._late or wire.waking:
            # If the event loop was held up, the bytes may have come in time: let it read the sockets once more.
            self._late = True
            wire.wake_at(now + _GRACE)
            return
        self.stop()
        if deadline == "rest":
            wire.fail(timed_out("idle", self._place, self._seconds or 0.0))
        else:
            wire.fail(self.expired(deadline))


async def finish_by(when: float | None, work: Coroutine[Any, Any, _T], expired: Callable[[], BaseException]) -> _T:
    """The result of ``work``, which has until the loop time ``when``; ``expired()`` is raised when it is late.

    ``work`` has ended, one way or the other, when this does. A cancellation is passed on to it and never lost, which
    ``asyncio.wait_for`` of Python 3.10 and 3.11 does not promise.
    """
    if when is None:
        return await work
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    try:
        await asyncio.wait({task}, timeout=max(0.0, when - loop.time()))
    except asyncio.CancelledError:
        await _cancel(task)
        raise
    if task.done():
        return task.result()
    await _cancel(task)
    raise expired()


async def _cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has ended, whatever happens meanwhile; its outcome does not matter any more."""
    task.cancel()
    again = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            again = True
    if not task.cancelled():
        task.exception()
    if again:
        raise asyncio.CancelledError
