"""Content codings: a compressed body as the bytes that were compressed.

What belongs here: gzip and deflate, in every spelling that servers use, one upon another, and never more at a time than
a block: a few bytes may unfold into gigabytes, so what comes out is bounded per step and in total.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from ..errors import ProtocolError

__all__ = ["Inflater", "inflater"]

_BLOCK = 256 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_IN_GZIP, _IN_ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS

_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


class Inflater:
    """Undoes codings: compressed bytes in, plain ones out, a block at a time.

    A gzip body may be several members, one behind the other, and be padded with zeros. A deflate body has zlib's
    header, as HTTP means it, or none, as some servers send it.

    Args:
        coding: ``gzip`` or ``deflate``.
        limit: how many plain bytes may come out.
        inner: undoes what was laid upon this coding, if anything was.
    """

    __slots__ = ("_coding", "_ended", "_given", "_held", "_inner", "_limit", "_more", "_stream")

    def __init__(self, coding: str, limit: int, inner: Inflater | None = None) -> None:
        self._coding = coding
        self._limit = limit
        self._given = 0  # plain bytes so far
        self._inner = inner
        self._held = b""  # compressed bytes that have not been undone
        self._stream: Any = None  # zlib's object for the member being undone; None before and between members
        self._more = False  # the stream may hold bytes that did not fit into the last block
        self._ended = False  # one member at least has been undone to its end

    @property
    def whole(self) -> bool:
        """Whether the compressed bytes so far are complete in themselves; no byte at all is an empty body."""
        return self._stream is None and not self._held and (self._inner is None or self._inner.whole)

    def feed(self, data: bytes) -> None:
        """Take compressed bytes."""
        if self._inner is None:
            self._held += data
        else:
            self._inner.feed(data)

    def take(self) -> bytes:
        """The next plain bytes, ``b""`` when it takes more compressed ones to tell.

        Raises:
            ProtocolError: the bytes are not what the coding says, or unfold into more than the limit.
        """
        while True:
            if not self._more and (not self._held or (self._stream is None and not self._begin())):
                data = b"" if self._inner is None else self._inner.take()
                if not data:
                    return b""
                self._held += data
            elif data := self._step():
                return data

    def _begin(self) -> bool:
        """Start on a member; False while there are too few bytes to tell how it begins."""
        if self._ended:
            self._held = self._held.lstrip(b"\0")
            if not self._held:
                return False
            if self._coding != "gzip" or not self._held.startswith(_GZIP_MAGIC[: len(self._held)]):
                raise ProtocolError(f"bytes follow the end of the answer's {self._coding} body")
        if len(self._held) < 2:
            return False
        if self._coding == "gzip":
            window = _IN_GZIP
        else:
            # RFC 1950, section 2.2: the low bits of the first byte are 8, and the two bytes a multiple of 31.
            has_header = self._held[0] & 0x0F == 8 and int.from_bytes(self._held[:2], "big") % 31 == 0
            window = _IN_ZLIB if has_header else _BARE
        self._stream = zlib.decompressobj(window)
        return True

    def _step(self) -> bytes:
        stream = self._stream
        try:
            data: bytes = stream.decompress(self._held, _BLOCK)
        except zlib.error as error:
            raise ProtocolError(f"the answer's body is not the {self._coding} that its head says: {error}") from error
        if stream.eof:
            self._held = stream.unused_data
            self._stream = None
            self._more = False
            self._ended = True
        else:
            self._held = stream.unconsumed_tail
            self._more = len(data) == _BLOCK
        self._given += len(data)
        if self._given > self._limit:
            raise ProtocolError(f"the answer's body is larger than limits.decompressed_bytes ({self._limit})")
        return data


class _Unknown(Inflater):
    """A coding that nobody here can undo. It says so when a body is read: a status can be learned without."""

    __slots__ = ()

    def take(self) -> bytes:
        raise ProtocolError(
            f"the answer's body is in the coding {self._coding!r}, which was not asked for and cannot be read"
        )


def inflater(codings: Sequence[str], limit: int) -> Inflater | None:
    """What undoes ``codings``, given in the order of their application; None when there is nothing to undo.

    Each may give out ``limit`` bytes.
    """
    last: Inflater | None = None
    for coding in reversed(codings):
        if coding == "identity":
            continue
        last = Inflater(_CODINGS[coding], limit, last) if coding in _CODINGS else _Unknown(coding, limit, last)
    return last
