"""Proxies: which one a request goes through, and how to ask it for a tunnel.

What belongs here: the words spoken to a proxy. A request for plain http is sent to the proxy itself, with the whole
URL; for https the proxy is asked (CONNECT) to pass bytes on to the server, and TLS is then spoken with the server.
"""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from .._version import __version__
from ..errors import APIConnectionError
from ..models.secret import Secret
from .address import Origin, parse_url
from .http1 import HeadReader
from .wire import Wire

__all__ = ["Proxy", "from_environment", "open_tunnel", "parse_proxy"]

_HEAD_BYTES = 64 * 1024


class Proxy(NamedTuple):
    """A proxy: where it is, and what it wants to know of the caller.

    Attributes:
        origin: its address.
        headers: its authorization, if any.
    """

    origin: Origin
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"Proxy({self.origin})"


def parse_proxy(url: str) -> Proxy:
    """A proxy from its URL; ``http://`` is meant where there is no scheme, and credentials may stand before the host.

    Raises:
        ValueError: the URL is none, or of a kind of proxy that is not known.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "http", url
    if scheme.lower() not in ("http", "https"):
        raise ValueError(f"a proxy is reached by http or https, not by {scheme!r}")
    credentials, at, host = rest.rpartition("@")
    origin = parse_url(f"{scheme}://{host}").origin
    if not at:
        return Proxy(origin, {})
    user, _, password = credentials.partition(":")
    token = b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode("ascii")
    return Proxy(origin, {"Proxy-Authorization": Secret("Basic " + token)})


def from_environment(origin: Origin) -> Proxy | None:
    """The proxy that ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` name for a server, or None.

    Raises:
        ValueError: the variable holds no usable URL.
    """
    proxies = getproxies_environment()
    url = proxies.get(origin.scheme) or proxies.get("all")
    if not url or proxy_bypass_environment(f"{origin.hostname}:{origin.port}", proxies):
        return None
    return _parse_once(url)


_parse_once = lru_cache(maxsize=8)(parse_proxy)


async def open_tunnel(wire: Wire, proxy: Proxy, origin: Origin) -> None:
    """Ask ``proxy``, at the other end of ``wire``, to pass on to ``origin`` what is sent from now on.

    Raises:
        OSError: the connection to the proxy was lost.
        APIConnectionError: the proxy refused.
        ProtocolError: it gave an answer that is none.
    """
    host = f"[{origin.hostname}]" if ":" in origin.hostname else origin.hostname
    address = f"{host}:{origin.port}".encode("ascii")
    wire.write(
        b"CONNECT %b HTTP/1.1\r\nHost: %b\r\nUser-Agent: llm-async/%b\r\n" % (address, address, __version__.encode())
        + b"".join(b"%b: %b\r\n" % (n.encode("ascii"), v.encode("latin-1")) for n, v in proxy.headers.items())
        + b"\r\n"
    )
    reader = HeadReader(_HEAD_BYTES)
    while True:
        data = await wire.read()
        if not data:
            raise ConnectionResetError(f"the proxy {proxy.origin} closed the connection instead of opening a tunnel")
        while (answer := reader.feed(data)) is not None and answer[0].status < 200:
            reader, data = HeadReader(_HEAD_BYTES), answer[1]
        if answer is not None:
            break
    head, rest = answer
    if head.status >= 300:
        raise APIConnectionError(f"the proxy {proxy.origin} opened no tunnel to {origin}: {head.status} {head.reason}")
    if rest:
        raise APIConnectionError(f"the proxy {proxy.origin} sent bytes before the tunnel to {origin} was in use")
