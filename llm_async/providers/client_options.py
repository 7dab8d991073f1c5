"""What ``client_kwargs`` of a provider means.

It was handed to ``aiosonic.HTTPClient`` once. Here its names, and the two that the README always showed (``timeout``,
``verify``), are put into the words of this library.
"""

from __future__ import annotations

import warnings
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from ..models import Limits, Timeouts

__all__ = ["ClientOptions", "translate"]

# aiosonic.HTTPClient's own arguments that say something about features which this library does not use.
_WITHOUT_EFFECT = {
    "handle_cookies": "cookies are not kept",
    "max_redirects": "redirects are not followed",
    "follow": "redirects are not followed",
    "auths": "credentials go with the provider's key and headers",
    "event_hooks": "use hooks= and the library's logger",
    "http2_config": "HTTP/2 is not used",
    "connector": "connections are guarded by the library's own connector; use limits= and timeouts=",
}
_AIOSONIC_TIMEOUTS = {
    "sock_connect": "connect",
    "sock_read": "response",
    "request_timeout": "total",
    "pool_acquire": "pool",
}


@dataclass
class ClientOptions:
    """The settings of a provider's way to the network."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    verify: Any = True
    proxy: str | None = field(default=None, repr=False)  # it may hold a password
    trust_env: bool = False


def translate(
    kwargs: Mapping[str, Any] | None, timeouts: Timeouts | float | None, limits: Limits | None
) -> ClientOptions:
    """``client_kwargs`` and the constructor's own arguments as ClientOptions; the latter win.

    Raises:
        TypeError: for a name that means nothing, and for a value of another type.
    """
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise TypeError(f"client_kwargs must be a mapping, not {type(kwargs).__name__}")
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits must be Limits, not {type(limits).__name__}")
    options = ClientOptions(limits=limits if limits is not None else Limits())
    chosen = Timeouts()
    for name, value in (kwargs or {}).items():
        if name in ("timeout", "timeouts"):
            chosen = _timeouts(name, value, chosen)
        elif name in ("verify", "verify_ssl", "ssl"):
            options.verify = value if value is not None else True
        elif name == "proxy":
            options.proxy = value if value is None or isinstance(value, str) else _proxy_url(value)
        elif name == "trust_env":
            options.trust_env = bool(value)
        elif name == "max_decompressed_size":
            options.limits = replace(options.limits, decompressed_bytes=value)
        elif name in _WITHOUT_EFFECT:
            if value:
                warnings.warn(
                    f"client_kwargs: {name} has no effect: {_WITHOUT_EFFECT[name]}", UserWarning, stacklevel=4
                )
        elif name != "http2":
            known = ", ".join(
                ["timeout", "timeouts", "verify", "verify_ssl", "ssl", "proxy", "trust_env", *_WITHOUT_EFFECT]
            )
            raise TypeError(f"client_kwargs: {name!r} is not known; known are {known}")
    options.timeouts = Timeouts.coerce(timeouts, chosen)
    return options


def _proxy_url(proxy: Any) -> str:
    """The address of an ``aiosonic.Proxy``, with the credentials that it keeps in base64."""
    if not getattr(proxy, "auth", None):
        return str(proxy.host)
    user, _, password = b64decode(proxy.auth).decode().partition(":")
    scheme, _, host = str(proxy.host).rpartition("://")
    return f"{scheme or 'http'}://{quote(user, safe='')}:{quote(password, safe='')}@{host}"


def _timeouts(name: str, value: Any, default: Timeouts) -> Timeouts:
    """``timeout=30`` is the longest silence, before the answer and inside it; aiosonic's Timeouts keep their meaning."""
    if value is None or isinstance(value, Timeouts):
        return Timeouts.coerce(value, default)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return replace(default, response=value, idle=value)
    if hasattr(value, "sock_connect"):
        return replace(default, **{ours: getattr(value, theirs) for theirs, ours in _AIOSONIC_TIMEOUTS.items()})
    raise TypeError(f"client_kwargs: {name} must be a number of seconds or Timeouts, not {type(value).__name__}")
