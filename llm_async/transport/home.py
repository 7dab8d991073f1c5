"""What a transport has of its own in each event loop: an aiosonic client, with its connector and pool.

aiosonic is imported from here on, and nowhere above. Its logger gets a handler for stderr when it is imported, and its
own requests write headers, keys among them, to that logger; the handler is taken away again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import aiosonic
from aiosonic.connectors import TCPConnector
from aiosonic.pools import PoolConfig
from aiosonic.timeout import Timeouts as AiosonicTimeouts

from ..models import Limits
from ..models.secret import reveal
from .address import Origin
from .connection import GuardedConnection
from .dialer import Dialer
from .pool import Pool
from .proxy import Proxy
from .resolver import Resolver
from .tls import TLS

__all__ = ["Home"]


class _Client(aiosonic.HTTPClient):  # type: ignore[misc]
    """aiosonic's client; masked keys among the headers are sent as they are."""

    async def request(self, *args: Any, headers: Any = None, **kwargs: Any) -> Any:
        if headers is not None:
            pairs = headers.items() if hasattr(headers, "items") else headers
            headers = [(name, reveal(value)) for name, value in pairs]
        return await super().request(*args, headers=headers, **kwargs)


class Home:
    """One event loop's client.

    Args:
        limits: how many connections may be open.
        tls: how servers are verified.
        proxy_for: the proxy for a server, or None.
        client_options: further arguments of ``aiosonic.HTTPClient``.

    Attributes:
        client: the ``aiosonic.HTTPClient``.
        pool: its connections.
    """

    def __init__(
        self,
        limits: Limits,
        tls: TLS,
        proxy_for: Callable[[Origin], Proxy | None],
        client_options: Mapping[str, Any],
    ) -> None:
        resolver = Resolver()
        connector = TCPConnector(
            # The limit of 1000 requests per connection, aiosonic's default, counts for a slot and is never reset.
            pool_configs={":default": PoolConfig(size=limits.connections, max_conn_requests=None)},
            # aiosonic's own deadlines lose cancellations on Python 3.10 and 3.11.
            timeouts=AiosonicTimeouts(None, None, None, None),
            connection_cls=GuardedConnection,
            pool_cls=partial(Pool, dialer=Dialer(resolver, tls, proxy_for)),
            resolver=resolver,
            use_dns_cache=False,
        )
        self.client = _Client(**{**client_options, "connector": connector})
        self.pool: Pool = connector.pools[":default"]


def _silence_aiosonic() -> None:
    logger = logging.getLogger("aiosonic")
    for handler in list(logger.handlers):
        if type(handler) is logging.StreamHandler and handler.formatter is None:
            logger.removeHandler(handler)
    logger.addHandler(logging.NullHandler())


_silence_aiosonic()
