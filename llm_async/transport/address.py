"""Where a request goes: a URL, checked and taken apart.

What belongs here: what a URL may hold, and how host and path stand on the wire. URLs may carry keys in their query, so
none is echoed in an error, and none with credentials before its host is accepted. The last few are remembered, because nearly
every request has the address of the one before.
"""

from __future__ import annotations

import re
import socket
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Origin", "Target", "parse_url"]

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)", re.DOTALL)
_AUTHORITY = re.compile(r"(?:\[(?P<literal>[^\[\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[0-9]*))?")
_HOST = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What RFC 3986 has no place for in a path or query, and a per cent sign that begins no escape.
_UNSAFE = re.compile(r"[^A-Za-z0-9\-._~:/?@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})")

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """A server: what a connection belongs to. Stands where aiosonic expects a parsed URL."""

    scheme: str
    hostname: str  # a name in its ASCII form, or an IP address without brackets
    port: int

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "https"

    @property
    def netloc(self) -> str:
        """Host and port as URLs write them, the port only where it is not the scheme's own."""
        host = f"[{self.hostname.partition('%')[0]}]" if ":" in self.hostname else self.hostname
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{host}:{self.port}"


class Target(NamedTuple):
    """A server, and what is asked of it: path and query as they stand in the request line."""

    origin: Origin
    path: str

    def __repr__(self) -> str:
        return f"Target({self.origin})"


def parse_url(url: str) -> Target:
    """A URL taken apart; see :func:`_parse`, whose errors it raises.

    Raises:
        TypeError: ``url`` is no str.
    """
    if not isinstance(url, str):
        raise TypeError(f"a URL must be a str, not {type(url).__name__}")
    return _parse(url)


@lru_cache(maxsize=64)
def _parse(url: str) -> Target:
    """Take a URL apart. Spaces and characters outside ASCII are escaped; escapes that are there stay; a fragment goes.

    Raises:
        ValueError: it is no http or https URL with a host, has credentials in it, or control characters.
    """
    if _CONTROL.search(url):
        raise ValueError("the URL has control characters")
    match = _URL.fullmatch(url) or _URL.match(url)
    if match is None or match[1].lower() not in _DEFAULT_PORTS:
        raise ValueError("the URL does not begin with http:// or https://")
    if "@" in match[2]:
        raise ValueError("the URL has credentials in it; send them in a header")
    path = match[3]
    if not path.startswith("/"):
        path = "/" + path
    if _UNSAFE.search(path):
        try:
            path = _UNSAFE.sub(_escape, path)
        except UnicodeEncodeError:
            raise ValueError("the URL has half of a surrogate pair in it") from None
    return Target(_origin(match[1], match[2]), path)


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


@lru_cache(maxsize=256)
def _origin(scheme: str, authority: str) -> Origin:
    scheme = scheme.lower()
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise ValueError(f"the URL has no usable host: {authority!r}")
    port = int(match["port"] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise ValueError(f"the URL has a port that does not exist: {port}")
    literal = match["literal"]
    host = _name(match["host"]) if literal is None else _ipv6(literal)
    return Origin(scheme, host, port)


def _name(host: str) -> str:
    ascii_host = host
    if not host.isascii():
        try:
            ascii_host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError(f"the URL has a host that is no domain name: {host!r}") from None
    if not _HOST.fullmatch(ascii_host):
        raise ValueError(f"the URL has no usable host: {host!r}")
    return ascii_host.lower()


def _ipv6(literal: str) -> str:
    address, _, zone = literal.partition("%")
    zone = zone.removeprefix("25")  # RFC 6874 writes the per cent sign before a zone as an escape
    try:
        socket.inet_pton(socket.AF_INET6, address)
    except OSError:
        raise ValueError(f"the URL has no IPv6 address in its brackets: {literal!r}") from None
    return f"{address}%{zone}" if zone else address
