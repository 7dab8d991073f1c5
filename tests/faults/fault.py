"""What a fault is: what the server does instead of answering, and what the caller must learn from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llm_async.errors import LLMError
from llm_async.models import Timeouts

from .spoken import Spoken

__all__ = [
    "DEFAULT", "FIRST", "TEXT", "Expect", "Fault", "answered", "as_json", "chunked", "half", "head", "kind", "right", "sized",
]  # fmt: skip

#: The text of every answer that goes wrong, and what of it has come after ``Spoken.middle`` events.
TEXT, FIRST = "one two", "one "

#: Nothing passes these by accident; a fault that is a silence brings shorter ones.
DEFAULT = Timeouts(connect=20, response=20, idle=20)


@dataclass(frozen=True)
class Expect:
    """What the caller must learn.

    Attributes:
        error: the exact class; None: there is no error, the answer is right.
        message: a pattern that ``str(error)`` matches.
        text: the partial text that the error of a stream carries; None: nothing had come, so there is no partial message.
        again: whether another attempt is made, if nothing has reached the caller.
        attributes: further attributes of the error; ``...`` stands for any value but None.
    """

    error: type[LLMError] | None
    message: str = ""
    text: str | None = None
    again: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: in words, for the test's name.
        answer: the bytes that the server sends, given who asks and whether a stream was asked for.
        whole: what the caller must learn when no stream was asked for.
        stream: the same for a stream.
        then: what the server does next: ``serve`` the connection's further requests, ``close`` it, ``reset`` it, ``wait``
            until the client closes it, or go on with ``endless``.
        endless: bytes that are sent again and again.
        place: what the client connects to: the server; nothing (``closed port``, ``no name``); or a server that fails at
            TLS (all others).
        timeouts: the deadlines.
        unlike: what is to be learned where it differs, by ``(provider's name, stream)``.
    """

    name: str
    answer: Callable[[Spoken, bool], bytes]
    whole: Expect
    stream: Expect
    then: Literal["serve", "close", "reset", "wait", "endless"] = "serve"
    endless: bytes = b""
    place: Literal["here", "closed port", "no name", "untrusted", "no tls", "no tls, and talkative", "mute", "deaf"] = (
        "here"
    )
    timeouts: Timeouts = DEFAULT
    unlike: Mapping[tuple[str, bool], Expect] = field(default_factory=dict)

    def expected(self, spoken: Spoken, stream: bool) -> Expect:
        """What the caller must learn."""
        return self.unlike.get((spoken.name, stream), self.stream if stream else self.whole)

    @property
    def breaks(self) -> bool:
        """Whether the connection does not survive it."""
        return self.then != "serve"


# --- bytes of answers


def kind(stream: bool) -> str:
    """The content type of an answer."""
    return "text/event-stream" if stream else "application/json"


def head(*lines: str, status: int = 200, version: str = "1.1") -> bytes:
    """Status line and headers."""
    return "".join([f"HTTP/{version} {status} What\r\n", *(line + "\r\n" for line in lines), "\r\n"]).encode("latin-1")


def sized(body: bytes, *lines: str, status: int = 200) -> bytes:
    """An answer with a length."""
    return head(*lines, f"Content-Length: {len(body)}", status=status) + body


def chunked(*pieces: bytes, end: bool = True) -> bytes:
    """A body in chunks, with or without the last one."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return body + b"0\r\n\r\n" if end else body


def answered(body: Callable[[Spoken, bool], bytes], *lines: str) -> Callable[[Spoken, bool], bytes]:
    """A 200 with a length, of the right content type unless ``lines`` have one."""

    def answer(spoken: Spoken, stream: bool) -> bytes:
        typed = lines if any(line.lower().startswith("content-type:") for line in lines) else (*lines, _type(stream))
        return sized(body(spoken, stream), *typed)

    return answer


def _type(stream: bool) -> str:
    return f"Content-Type: {kind(stream)}"


def right(spoken: Spoken, stream: bool) -> bytes:
    """The body of the right answer."""
    return b"".join(spoken.stream(TEXT)) if stream else spoken.body(TEXT)


def half(spoken: Spoken, stream: bool) -> bytes:
    """The beginning of the right answer."""
    return spoken.begun(TEXT) if stream else spoken.body(TEXT)[:40]


def as_json(value: Any) -> bytes:
    """A value as JSON."""
    return json.dumps(value).encode()
