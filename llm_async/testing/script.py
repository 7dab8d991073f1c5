"""What a test has queued: answers and faults, each for one of the requests to come.

Two queues run beside one another. A request takes the first answer that is meant for it, and the first fault; so a test
says what is answered and how it arrives independently of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from .answers import Answer, Raw
from .dialects import ProviderError, dialect_named
from .faults import Break, Delay, ErrorEvent, Fail, Fault, How, MalformedEvent

__all__ = ["Queue", "Scripted"]

T = TypeVar("T")


@dataclass(eq=False)
class _Entry(Generic[T]):
    value: T
    provider: str | None
    times: int | None


class Queue(Generic[T]):
    """Values in order, each for any provider or for one, once or several times (None: for ever)."""

    def __init__(self) -> None:
        self._entries: list[_Entry[T]] = []

    def add(self, value: T, provider: str | None, times: int | None = 1) -> None:
        """Append a value."""
        if times is not None and times < 1:
            raise ValueError(f"times must be at least 1, or None for ever, not {times!r}")
        self._entries.append(_Entry(value, provider, times))

    def peek(self, provider: str) -> T | None:
        """The value that a request to ``provider`` would take."""
        entry = self._next(provider)
        return None if entry is None else entry.value

    def take(self, provider: str) -> T | None:
        """The value for a request to ``provider``, which uses it up."""
        entry = self._next(provider)
        if entry is None:
            return None
        if entry.times is not None:
            entry.times -= 1
            if not entry.times:
                self._entries.remove(entry)
        return entry.value

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _next(self, provider: str) -> _Entry[T] | None:
        return next((entry for entry in self._entries if entry.provider in (None, provider)), None)


class Scripted:
    """The part of a server that a test writes: what it answers, and how that is delivered."""

    def __init__(self) -> None:
        self._answers: Queue[Answer | Raw] = Queue()
        self._faults: Queue[Fault] = Queue()

    # What is answered.

    def script(self, *answers: Answer | Raw, provider: str | None = None, times: int | None = 1) -> None:
        """Queue answers, one for each of the next requests.

        Args:
            answers: :class:`Text`, :class:`ToolCalls` or :class:`Refusal`, said in the words of whatever API is asked,
                streaming or not; or :class:`Raw` bytes. A request that is refused leaves them for the next one, except
                that :class:`Raw` answers any request.
            provider: the only provider that they are for.
            times: how often each is used; None for ever.
        """
        provider = _checked(provider)
        for answer in answers:
            if not isinstance(answer, (Answer, Raw)):
                raise TypeError(f"an answer is Text, ToolCalls, Refusal or Raw, not {type(answer).__name__}")
            self._answers.add(answer, provider, times)

    def fail(
        self,
        status: int,
        message: str = "",
        *,
        code: str | None = None,
        type: str | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
        html: bool = False,
        empty: bool = False,
        times: int | None = 1,
        provider: str | None = None,
    ) -> None:
        """Answer the next request with an error, in the shape of the API that is asked; scripted answers stay.

        Args:
            status: the HTTP status.
            message: the text of the error; by default the status' own words.
            code: the provider's code (``insufficient_quota``; Google's ``error.status``; Anthropic's
                ``details.error_code``); by default what belongs to the status.
            type: the provider's error type; for Google the ``reason`` in the details.
            retry_after: seconds to wait, said as the provider does: in headers, or in the body by Google.
            headers: further headers.
            html: a page as proxies send it instead of the provider's body.
            empty: no body at all.
            times: the number of requests; None for ever.
            provider: the only provider that fails.
        """
        if not 300 <= status <= 599:
            raise ValueError(f"status must be an error from 300 to 599, not {status!r}")
        error = ProviderError(status, message, code=code, type=type, retry_after=retry_after)
        self._add(Fail(error, dict(headers or {}), html, empty), provider, times)

    # How it is delivered: each of these disturbs the answer that the next request gets, one of them for each request.

    def delay(self, seconds: float, *, times: int | None = 1, provider: str | None = None) -> None:
        """Wait before anything of the next answer is sent.

        Args:
            seconds: how long.
            times: the number of requests; None for ever.
            provider: the only provider that is slow.
        """
        self._add(Delay(seconds), provider, times)

    def stall(
        self,
        after: int | None = None,
        *,
        after_bytes: int | None = None,
        before_head: bool = False,
        times: int | None = 1,
        provider: str | None = None,
    ) -> None:
        """Fall silent within the next answer, until the client leaves or the server stops.

        Args:
            after: blocks of the stream that still arrive, comments and pings counted; an answer that is no stream has
                one block. Without it and ``after_bytes`` all arrive, and only the end of the body is missing.
            after_bytes: bytes of the body that still arrive, instead of ``after``.
            before_head: not even the status line arrives.
            times: the number of requests; None for ever.
            provider: the only provider that stalls.
        """
        self._add(Break("stall", *_point(after, after_bytes, before_head)), provider, times)

    def cut(
        self,
        after: int | None = None,
        *,
        how: How = "eof",
        after_bytes: int | None = None,
        before_head: bool = False,
        times: int | None = 1,
        provider: str | None = None,
    ) -> None:
        """End the next answer before its end.

        Args:
            after: blocks of the stream that still arrive, as in :meth:`stall`.
            how: ``eof`` closes the connection inside the body; ``reset`` resets it; ``clean`` ends the body properly,
                as if what had arrived were all, and keeps the connection.
            after_bytes: bytes of the body that still arrive, instead of ``after``.
            before_head: not even the status line arrives.
            times: the number of requests; None for ever.
            provider: the only provider that is cut.
        """
        if how not in ("eof", "reset", "clean"):
            raise ValueError(f'how must be "eof", "reset" or "clean", not {how!r}')
        if before_head and how == "clean":
            raise ValueError("an answer without a head cannot end cleanly")
        self._add(Break(how, *_point(after, after_bytes, before_head)), provider, times)

    def error_event(
        self,
        after: int = 0,
        *,
        status: int | None = None,
        message: str = "",
        code: str | None = None,
        type: str | None = None,
        times: int | None = 1,
        provider: str | None = None,
    ) -> None:
        """End the next stream with an error event in the API's own shape, the HTTP status being 200.

        An answer that is no stream becomes an error body under the status 200.

        Args:
            after: blocks of the stream that arrive before it, as in :meth:`stall`.
            status: the status that the error stands for; by default the provider's word for overload.
            message: the text of the error.
            code: the provider's code, as in :meth:`fail`.
            type: the provider's error type, as in :meth:`fail`.
            times: the number of requests; None for ever.
            provider: the only provider that is disturbed.
        """
        error = None if status is None else ProviderError(status, message, code=code, type=type)
        if error is None and (message or code or type):
            raise ValueError("error_event needs the status that message, code and type belong to")
        self._add(ErrorEvent(error, after), provider, times)

    def malformed_event(
        self, after: int = 0, data: bytes = b'{"cut": ', *, times: int | None = 1, provider: str | None = None
    ) -> None:
        """Put an event with any data into the next stream; an answer that is no stream becomes the data.

        Args:
            after: blocks of the stream that arrive before it, as in :meth:`stall`.
            data: the event's data; by default JSON that breaks off.
            times: the number of requests; None for ever.
            provider: the only provider that is disturbed.
        """
        self._add(MalformedEvent(data, after), provider, times)

    def reset(self) -> None:
        """Forget what is queued."""
        self._answers.clear()
        self._faults.clear()

    def _add(self, fault: Fault, provider: str | None, times: int | None) -> None:
        self._faults.add(fault, _checked(provider), times)


def _checked(provider: str | None) -> str | None:
    return None if provider is None else dialect_named(provider).name


def _point(after: int | None, after_bytes: int | None, before_head: bool) -> tuple[int | None, int | None, bool]:
    """Where an answer breaks, checked."""
    if (after is not None) + (after_bytes is not None) + before_head > 1:
        raise ValueError("give one of after, after_bytes and before_head")
    for name, value in (("after", after), ("after_bytes", after_bytes)):
        if value is not None and value < 0:
            raise ValueError(f"{name} must not be negative, not {value!r}")
    return after, after_bytes, before_head
