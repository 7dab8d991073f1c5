"""The border: foreign exceptions come in, this library's go out.

What belongs here: what went wrong on the network, as a sentence that names host and port and never a path, query or
header. What is caught is written out, class by class, where it is caught: ``OSError`` covers sockets, names
(``gaierror``) and TLS (``ssl.SSLError``).
"""

from __future__ import annotations

import os
import socket
import ssl

from ..errors import APIConnectionError, APITimeoutError

__all__ = ["connection_lost", "timed_out", "unreachable"]


def unreachable(place: object, error: OSError) -> APIConnectionError:
    """The error for a connection that could not be made; to be raised ``from error``."""
    return APIConnectionError(f"no connection to {place}: {_reason(error)}")


def connection_lost(place: object, where: str, error: OSError | None = None) -> APIConnectionError:
    """The error for a connection that ended too early; ``error`` is None for an end that looked orderly."""
    how = "the server closed it" if error is None else _reason(error)
    return APIConnectionError(f"connection lost to {place} {where}: {how}")


_SENTENCES = {
    "pool": "no connection became free within {seconds:g} s: all that limits.connections allows are in use",
    "connect": "no connection to {place} within {seconds:g} s",
    "response": "{place} did not begin its answer within {seconds:g} s",
    "idle": "{place} sent nothing for {seconds:g} s in the middle of its answer",
    "total": "the call was not over within its {seconds:g} s in total",
}


def timed_out(deadline: str, place: object, seconds: float) -> APITimeoutError:
    """The error for a deadline that passed; ``seconds`` is how long it was."""
    return APITimeoutError(_SENTENCES[deadline].format(place=place, seconds=seconds), deadline=deadline)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its TLS certificate was not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error.strerror or error}"
    if isinstance(error, socket.gaierror):
        return f"its name could not be resolved: {error.strerror or error}"
    if error.errno:
        # asyncio puts words of its own, with the address in them, where the system's belong.
        return os.strerror(error.errno)
    # What asyncio raises without a word is a connection that ended during a handshake.
    return str(error) or "the server closed the connection"
