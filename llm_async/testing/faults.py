"""How a delivery goes wrong: each fault is a value that turns the right reply into the one that arrives.

What belongs here: faults as replies. That they come in turn is the business of ``script.py``, how bytes break off on a
connection that of ``http1.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from .dialects.base import Dialect, ProviderError, phrase
from .http1 import Ending, Reply, Request, laid_over

__all__ = ["Break", "Delay", "ErrorEvent", "Fail", "Fault", "How", "MalformedEvent"]

How = Literal["eof", "reset", "clean"]


class Fault(ABC):
    """What happens to one request."""

    @abstractmethod
    def disturb(self, request: Request, dialect: Dialect, reply: Callable[[], Reply]) -> Reply:
        """The reply that arrives; ``reply`` makes the right one, which uses up a scripted answer."""


@dataclass(frozen=True)
class Fail(Fault):
    """An error instead of an answer; the scripted answers stay for the requests that follow."""

    error: ProviderError
    headers: Mapping[str, str] = field(default_factory=dict)
    html: bool = False
    empty: bool = False

    def disturb(self, request: Request, dialect: Dialect, reply: Callable[[], Reply]) -> Reply:
        body, content_type = dialect.error_body(self.error, request), "application/json"
        if self.html:
            title = escape(f"{self.error.status} {phrase(self.error.status)}")
            body, content_type = f"<html><head><title>{title}</title></head></html>\n".encode(), "text/html"
        if self.empty:
            body = b""
        headers = [] if self.empty else [("content-type", content_type)]
        headers += [*dialect.headers(request), *dialect.error_headers(self.error)]
        return Reply(self.error.status, laid_over(headers, self.headers), [body] if body else [])


@dataclass(frozen=True)
class Delay(Fault):
    """The right answer, late."""

    seconds: float

    def disturb(self, request: Request, dialect: Dialect, reply: Callable[[], Reply]) -> Reply:
        late = reply()
        late.delay = self.seconds
        return late


@dataclass(frozen=True)
class Break(Fault):
    """The right answer up to a point, and then ``how``: silence, a closed or reset connection, a premature clean end.

    The point is ``after`` so many pieces or ``after_bytes`` of the body, or before the head.
    """

    how: Ending | How
    after: int | None = None
    after_bytes: int | None = None
    before_head: bool = False

    def disturb(self, request: Request, dialect: Dialect, reply: Callable[[], Reply]) -> Reply:
        broken = reply()
        self.apply(broken)
        return broken

    def apply(self, reply: Reply) -> None:
        """Break a reply."""
        reply.headless = self.before_head
        if self.how != "clean":
            # What is announced is the length of the whole body; a clean end is one that nothing contradicts.
            reply.length = sum(map(len, reply.pieces))
        if self.after_bytes is not None:
            self._tear(reply, self.after_bytes)
        elif self.after is not None:
            reply.pieces = reply.pieces[: self.after]
        reply.ending = "whole" if self.how == "clean" else self.how

    def _tear(self, reply: Reply, count: int) -> None:
        """Keep the first ``count`` bytes of the body."""
        kept: list[bytes] = []
        for piece in reply.pieces:
            if count < len(piece):
                if count and self.how == "clean":
                    kept.append(piece[:count])
                elif count:
                    reply.torn = (len(piece), piece[:count])
                break
            kept.append(piece)
            count -= len(piece)
        reply.pieces = kept


@dataclass(frozen=True)
class ErrorEvent(Fault):
    """The beginning of the right stream, then the API's own error event, which ends it.

    An answer that is no stream becomes an error body under the status 200.
    """

    error: ProviderError | None
    after: int

    def disturb(self, request: Request, dialect: Dialect, reply: Callable[[], Reply]) -> Reply:
        broken = reply()
        error = self.error or ProviderError(dialect.overloaded, "Overloaded")
        if broken.status >= 300:
            return broken  # the request was refused, and there is no answer to disturb
        if dialect.wants_stream(request):
            broken.pieces = broken.pieces[: self.after]
            broken.pieces += dialect.error_events(error, request, len(broken.pieces))
        else:
            broken.pieces = [dialect.error_body(error, request)]
        return broken


@dataclass(frozen=True)
class MalformedEvent(Fault):
    """The right stream with one event in it that the API never sends; an answer that is no stream becomes its data."""

    data: bytes
    after: int

    def disturb(self, request: Request, dialect: Dialect, reply: Callable[[], Reply]) -> Reply:
        broken = reply()
        if broken.status >= 300:
            return broken  # the request was refused, and there is no answer to disturb
        if dialect.wants_stream(request):
            broken.pieces.insert(self.after, dialect.event(self.data))
        else:
            broken.pieces = [self.data]
        return broken
