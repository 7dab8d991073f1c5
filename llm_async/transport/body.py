"""Where the body of an answer ends: the framings of HTTP/1.1 (RFC 9112, section 6.3).

What belongs here: bytes of the connection in, bytes of the body out. Content codings are ``codings.py``'s.
"""

from __future__ import annotations

import re
from typing import Protocol

from .._speedups import ChunkedDecoder, FramingError
from ..errors import ProtocolError
from .http1 import ResponseHead

__all__ = ["Body", "framing"]

_DIGITS = re.compile(r"[0-9]{1,18}")


class Body(Protocol):
    """The framing of one body.

    Attributes:
        finished: the body is whole.
        at_eof: the body ends where the connection ends.
        clean: after the body's end the connection may serve again as far as the framing goes.
        failure: what was wrong behind the bytes that :meth:`feed` returned last, or None.
    """

    finished: bool

    @property
    def at_eof(self) -> bool: ...
    @property
    def clean(self) -> bool: ...
    @property
    def failure(self) -> ProtocolError | None: ...

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the connection; those of them that are the body's.

        Raises:
            ProtocolError: they break the framing.
        """
        ...

    def progress(self) -> str:
        """How much of the body has arrived, for an error message."""
        ...


class _Counted:
    """A body of announced length."""

    __slots__ = ("_length", "clean", "finished", "left")

    at_eof = False
    failure = None

    def __init__(self, length: int) -> None:
        self._length = length
        self.left = length
        self.finished = not length
        self.clean = True

    def feed(self, data: bytes) -> bytes:
        left = self.left = self.left - len(data)
        if left > 0:
            return data
        self.finished = True
        if left == 0:
            return data
        # Bytes that nobody announced: they belong to no answer, and the next one could not be told from them.
        self.clean = False
        self.left = 0
        return data[:left]

    def progress(self) -> str:
        return f"after {self._length - self.left} of {self._length} bytes of the body"


class _Chunked:
    """A body in chunks."""

    __slots__ = ("_clean", "_decoder", "failure", "finished")

    at_eof = False

    def __init__(self, *, clean: bool) -> None:
        self._decoder = ChunkedDecoder()
        self._clean = clean
        self.finished = False
        self.failure: ProtocolError | None = None

    def feed(self, data: bytes) -> bytes:
        decoder = self._decoder
        try:
            piece = decoder.feed(data)
        except FramingError as error:
            raise _malformed(error) from error
        self.finished = decoder.finished
        if decoder.failure is not None:
            self.failure = _malformed(decoder.failure)
            self.failure.__cause__ = decoder.failure
        return piece

    @property
    def clean(self) -> bool:
        return self._clean and not self._decoder.rest

    def progress(self) -> str:
        return "before the last chunk of the body"


class _ToTheEnd:
    """A body without length: it ends with the connection."""

    __slots__ = ("finished",)

    at_eof = True
    clean = False
    failure = None

    def __init__(self) -> None:
        self.finished = False

    def feed(self, data: bytes) -> bytes:
        return data

    def progress(self) -> str:
        return "inside a body without length"


def _malformed(error: FramingError) -> ProtocolError:
    return ProtocolError(f"the chunks of the answer's body are malformed: {error}")


def framing(method: str, head: ResponseHead, limit: int) -> tuple[Body, list[str]]:
    """How the body of an answer is framed, and which codings its transfer added, in the order of their application.

    Args:
        method: of the request; an answer to HEAD has no body.
        head: of the answer.
        limit: how many bytes a body may have.

    Raises:
        ProtocolError: the head contradicts itself, or announces more than ``limit``.
    """
    if method == "HEAD" or head.status in (204, 304):
        return _Counted(0), []
    transfer = [coding for coding in head.headers.tokens("transfer-encoding") if coding != "identity"]
    if transfer:
        return _transferred(head, transfer)
    length = head.headers.by_name.get("content-length")
    if length is None:
        return _ToTheEnd(), []
    if "," in length:
        length, *others = {each.strip(" \t") for each in length.split(",")}
        if others:
            raise ProtocolError("the answer has several lengths that contradict each other")
    if not _DIGITS.fullmatch(length):
        raise ProtocolError("the answer has a Content-Length that is no number", payload=length)
    if int(length) > limit:
        raise ProtocolError(f"the answer's body of {int(length)} bytes is larger than limits.body_bytes ({limit})")
    return _Counted(int(length)), []


def _transferred(head: ResponseHead, transfer: list[str]) -> tuple[Body, list[str]]:
    *codings, last = transfer
    if "chunked" in codings:
        raise ProtocolError("the answer's body is chunked twice or not last", payload=head.headers["transfer-encoding"])
    if last != "chunked":
        return _ToTheEnd(), transfer
    # A length beside the chunks does not count, and the pair is how requests are smuggled past proxies; HTTP/1.0 knows
    # no chunks. Both times the connection is not trusted with another exchange.
    return _Chunked(clean=head.minor == 1 and "content-length" not in head.headers), codings
