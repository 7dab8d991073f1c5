"""A provider's way to the network: its settings, its transport, and the seat where tests put a mock.

What belongs here: what a provider holds between calls, and how it is closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ..models import Limits, Timeouts
from . import legacy
from .client_options import ClientOptions

if TYPE_CHECKING:
    from ..transport import Transport

__all__ = ["NetworkClient"]

_Self = TypeVar("_Self", bound="NetworkClient")


class NetworkClient:
    """Connections that are made when they are first needed, in each event loop its own."""

    # Those of a subclass whose constructor does not call this one.
    _options = ClientOptions()
    _transport_: Transport | None = None
    _replaced_client: Any = None

    def __init__(self, options: ClientOptions) -> None:
        self._options = options

    @property
    def timeouts(self) -> Timeouts:
        """The deadlines of every call that does not bring its own."""
        return self._options.timeouts

    @property
    def limits(self) -> Limits:
        """The sizes that no answer may pass."""
        return self._options.limits

    @property
    def _transport(self) -> Transport:
        if self._transport_ is None:
            from ..transport import Transport

            options = self._options
            self._transport_ = Transport(
                limits=options.limits, verify=options.verify, proxy=options.proxy, trust_env=options.trust_env
            )
        return self._transport_

    @property
    def client(self) -> Any:
        """The ``aiosonic.HTTPClient`` that holds the connections of the running event loop.

        Set to something else, such as a mock in a test, it is called as ``client.post(url, json=…, headers=…)``.
        """
        return self._transport.client if self._replaced_client is None else self._replaced_client

    @client.setter
    def client(self, value: Any) -> None:
        self._replaced_client = value if legacy.is_foreign(value) else None

    def __getstate__(self) -> dict[str, Any]:
        # A copy, in this process or another one, makes connections of its own.
        return {**self.__dict__, "_transport_": None}

    async def __aenter__(self: _Self) -> _Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. The provider can be used again afterwards."""
        if self._transport_ is not None:
            await self._transport_.aclose()
