"""``request``: what an API knows and this library does not wrap.

What belongs here: which methods there are, what their answers become, and a body as a stream of bytes. The words of the
call itself are put together by the provider.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from .._json import dumps, loads
from ..errors import ProtocolError
from ..protocols.base import excerpt

if TYPE_CHECKING:
    from ..transport import Reply

__all__ = ["IDEMPOTENT", "ByteStream", "checked_method", "encode", "json_or_none"]

#: Methods that may be sent again when nothing is known of the first time.
IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
_METHODS = (*IDEMPOTENT, "POST", "PATCH")


def checked_method(method: str) -> str:
    """``method`` in upper case.

    Raises:
        ValueError: it is none that an API has.
    """
    verb = method.upper() if isinstance(method, str) else ""
    if verb not in _METHODS:
        raise ValueError(f"Unsupported HTTP method: {method}")
    return verb


def encode(body: Any) -> bytes:
    """A request's body as JSON.

    Raises:
        TypeError: something in it has no JSON form; the text names the field.
    """
    try:
        return dumps(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"the request cannot be written as JSON: {error}{_where(body)}") from error


def _where(body: Any) -> str:
    """Which field of the request has no JSON form."""
    for name, value in body.items() if isinstance(body, Mapping) else ():
        try:
            dumps(value)
        except (TypeError, ValueError, RecursionError):
            return f" (in {name!r})"
    return ""


def json_or_none(reply: Reply, body: bytes) -> Any:
    """The decoded body of an answer; None for an empty one, as a 204 has it.

    Raises:
        ProtocolError: the body is not JSON.
    """
    if not body.strip():
        return None
    try:
        return loads(body)
    except ValueError as error:
        raise ProtocolError(f"the answer is no JSON: {excerpt(body)}", payload=body) from error


class ByteStream:
    """The body of an answer as it comes: ``async for block in stream``, once; better inside ``async with stream``.

    Read to its end, the connection serves again; left before it, by ``break``, an exception or ``aclose``, it is closed.

    Attributes:
        status: the HTTP status, which is below 300.
        headers: the response headers, names in lower case.
    """

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers
        self._reply = reply

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._blocks()

    async def _blocks(self) -> AsyncIterator[bytes]:
        try:
            while block := await self._reply.read_some():
                yield block
        finally:
            self._reply.close()

    async def __aenter__(self) -> ByteStream:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Leave the body. Harmless after its end."""
        self._reply.close()
