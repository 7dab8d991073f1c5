"""TLS: what is trusted, as one context that all connections of a policy share.

What belongs here: contexts. Building one takes 20 to 40 ms, mostly reading certificates, so the contexts of a process
are shared, and built off the event loop.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from functools import lru_cache
from pathlib import Path

__all__ = ["TLS", "Verify"]

Verify = bool | str | os.PathLike[str] | ssl.SSLContext


class TLS:
    """How servers are verified.

    Args:
        verify: True trusts what the system trusts, False trusts anybody, a path is a file or a folder of certificates
            to trust instead, an SSLContext is used as it is.
    """

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._context = verify if isinstance(verify, ssl.SSLContext) else None

    async def context(self) -> ssl.SSLContext:
        """The shared context. OSError when the certificates cannot be read."""
        if self._context is None:
            assert not isinstance(self._verify, ssl.SSLContext)
            trusted = self._verify if isinstance(self._verify, bool) else os.fspath(self._verify)
            # OpenSSL reads these two when the context is built, so a context stands for their values too.
            environment = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
            loop = asyncio.get_running_loop()
            self._context = await loop.run_in_executor(None, _shared, trusted, environment)
        return self._context


_building = threading.Lock()


def _shared(trusted: bool | str, environment: tuple[str | None, str | None]) -> ssl.SSLContext:
    # Whoever comes while a context is being built waits for it, instead of building one more.
    with _building:
        return _build(trusted, environment)


@lru_cache(maxsize=16)
def _build(trusted: bool | str, environment: tuple[str | None, str | None]) -> ssl.SSLContext:
    if isinstance(trusted, bool):
        context = ssl.create_default_context()
        if not trusted:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    elif Path(trusted).is_dir():
        context = ssl.create_default_context(capath=trusted)
    else:
        context = ssl.create_default_context(cafile=trusted)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
