"""The heads of HTTP/1.1 messages: the request's as bytes, the answer's from bytes.

What belongs here: what may stand in a head, and what a head means for the connection. No sockets; bodies are
``body.py``'s.

Read strictly, because whatever is guessed wrongly here makes one answer's bytes pass for another's: a line without
colon, a folded line, white space before the colon are errors. Read generously, because it cannot be mistaken: lines
that end with LF alone, a status line without a reason, bytes that are not UTF-8.

Header values may be keys. They are turned from a masked :class:`~llm_async.models.secret.Secret` into the bytes of the
request in one step, just before the write, and stand in no message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from .._version import __version__
from ..errors import ProtocolError
from .address import Target

__all__ = ["HeadReader", "Headers", "RequestHead", "ResponseHead"]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\r\n]*))?\r?\n")
_FIELD = re.compile(r"^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\r\n\x00]*)\r?\n", re.MULTILINE)

# Headers whose value is a list, so that several lines of one name are one longer list (RFC 9110, section 5.3). Of every
# other name the last line counts.
_LISTS = frozenset(
    {
        "accept-ranges", "access-control-allow-headers", "access-control-allow-methods",
        "access-control-expose-headers", "allow", "cache-control", "connection", "content-encoding",
        "content-language", "content-length", "keep-alive", "link", "proxy-authenticate", "server-timing", "trailer",
        "transfer-encoding", "upgrade", "vary", "via", "warning", "www-authenticate",
    }
)  # fmt: skip

# What every request says of itself, by name in lower case.
_DEFAULTS = {
    "user-agent": ("User-Agent", f"llm-async/{__version__}"),
    "accept": ("Accept", "*/*"),
    # A compressed stream is delayed by the compressor's buffer. What is sent compressed all the same is read.
    "accept-encoding": ("Accept-Encoding", "identity"),
    "connection": ("Connection", "keep-alive"),
}


class Headers(Mapping[str, str]):
    """The headers of an answer: names in lower case, looked up in any.

    Several lines of one name are joined with ``", "`` where the header is a list; otherwise the last line counts.

    Attributes:
        raw: all lines as (name, value) in the order of their arrival, names as they came.
        by_name: the same headers as a dict, names in lower case.
    """

    __slots__ = ("by_name", "raw")

    def __init__(self, raw: list[tuple[str, str]]) -> None:
        self.raw = raw
        self.by_name = {name.lower(): value for name, value in raw}
        if len(self.by_name) != len(raw):
            self._join_lists()

    def _join_lists(self) -> None:
        values: dict[str, str] = {}
        for name, value in self.raw:
            name = name.lower()
            if name in values and name in _LISTS:
                value = f"{values[name]}, {value}"
            values[name] = value
        self.by_name = values

    def __getitem__(self, name: str) -> str:
        return self.by_name[name.lower()]

    def get(self, name: str, default: Any = None) -> Any:
        """The header's value, or ``default``. Mapping's own way goes through an exception where there is none."""
        return self.by_name.get(name.lower(), default)

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.by_name

    def __repr__(self) -> str:
        # Values may be cookies: names are all that a log needs.
        return f"<Headers {', '.join(self.by_name)}>"

    def tokens(self, name: str) -> list[str]:
        """The members of a header that is a list, in lower case."""
        value = self.by_name.get(name)
        return [token for part in value.split(",") if (token := part.strip(" \t").lower())] if value else []


# --- the request


class RequestHead:
    """The head of a request, checked; :meth:`encode` gives its bytes.

    The caller's headers stand over the defaults, whatever the case of their names.

    Args:
        method: any HTTP method.
        target: where the request goes.
        headers: the caller's headers; of two names that differ only in case the last one counts.
        length: the length of the body in bytes, or None without body.

    Raises:
        TypeError, ValueError: for a method or header that may not be sent, naming it and never its value.
    """

    __slots__ = ("_fields", "keep_alive", "method", "target")

    def __init__(self, method: str, target: Target, headers: Mapping[str, str], length: int | None) -> None:
        if not isinstance(method, str) or not _is_token(method):
            raise ValueError("the method is not one that HTTP allows")
        self.method = method
        self.target = target
        # By name in lower case, in the order of the wire.
        fields: dict[str, tuple[str, str]] = {
            "host": ("Host", target.origin.netloc),
            **_DEFAULTS,
        }
        for name, value in headers.items():
            _check_field(name, value)
            fields[name.lower()] = (name, value)
        if "transfer-encoding" in fields:
            raise ValueError(
                "the header 'Transfer-Encoding' is not the caller's to set: bodies are sent with their length"
            )
        if length is not None or method in ("POST", "PUT", "PATCH"):
            if "content-length" in fields and fields["content-length"][1] != str(length or 0):
                raise ValueError("the header 'Content-Length' contradicts the length of the body")
            fields["content-length"] = ("Content-Length", str(length or 0))
        elif "content-length" in fields:
            raise ValueError("the header 'Content-Length' stands before no body")
        self._fields = fields
        #: Whether the connection may serve again as far as the request goes.
        self.keep_alive = "close" not in fields["connection"][1].lower()

    def encode(self, *, through_proxy: bool = False, extra: Mapping[str, str] = {}) -> bytes:
        """The head as bytes.

        Args:
            through_proxy: name the whole URL in the request line, as a proxy for plain http wants it.
            extra: further headers, for the proxy, which are not the caller's.
        """
        origin, path = self.target
        place = f"http://{origin.netloc}{path}" if through_proxy else path
        # Joined, not formatted: a Secret that is formatted is its mask.
        return "\r\n".join(
            [
                f"{self.method} {place} HTTP/1.1",
                *[": ".join(field) for field in self._fields.values()],
                *[": ".join(field) for field in extra.items()],
                "\r\n",
            ]
        ).encode("latin-1")


@lru_cache(maxsize=256)
def _is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def _check_field(name: str, value: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the name of a header must be a str, not {type(name).__name__}")
    if not _is_token(name):
        raise ValueError("a header has a name that HTTP does not allow")
    if not isinstance(value, str):
        raise TypeError(f"the header {name!r} must be a str, not {type(value).__name__}")
    if not _VALUE.fullmatch(value):
        raise ValueError(
            f"the header {name!r} has a character that no header may have: a line end, a control, one outside Latin-1"
        )


# --- the answer


class ResponseHead(NamedTuple):
    """The head of an answer."""

    minor: int  # of the HTTP version: 0 or 1
    status: int
    reason: str
    headers: Headers

    @property
    def persistent(self) -> bool:
        """Whether the server means to keep the connection (RFC 9112, section 9.3)."""
        tokens = self.headers.tokens("connection")
        return "close" not in tokens and (self.minor == 1 or "keep-alive" in tokens)


class HeadReader:
    """Collects the bytes of one head.

    Args:
        limit: how many bytes the head may have.
    """

    __slots__ = ("_held", "_limit")

    def __init__(self, limit: int) -> None:
        self._held = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> tuple[ResponseHead, bytes] | None:
        """Take the next bytes of the connection; the head and the bytes behind it once it is whole.

        Raises:
            ProtocolError: the bytes are no head of an HTTP/1.1 answer, or the head is too large.
        """
        held = self._held
        if not held and len(data) <= self._limit and data.startswith(b"HTTP/"):
            # Nearly always the head comes whole, and first of all: nothing has to be collected.
            end = _HEAD_END.search(data)
            if end is not None:
                return _parse(data[: end.start() + 1]), data[end.end() :]
        searched = max(0, len(held) - 2)
        held += data
        # Said at once, because what is no HTTP (an SSH banner, a TLS alert) may never come to a line's end.
        if not held.startswith(b"HTTP/"[: len(held)]):
            raise ProtocolError("the answer is not HTTP/1.1", payload=bytes(held[:200]))
        end = _HEAD_END.search(held, searched)
        if (len(held) if end is None else end.end()) > self._limit:
            raise ProtocolError(f"the head of the answer is larger than limits.header_bytes ({self._limit})")
        if end is None:
            return None
        return _parse(bytes(held[: end.start() + 1])), bytes(held[end.end() :])


def _parse(head: bytes) -> ResponseHead:
    try:
        text = head.decode()
    except UnicodeDecodeError:
        # Each line for itself: one odd value must not change how the others read.
        text = "".join(_decode(line) for line in head.splitlines(keepends=True))
    status = _STATUS_LINE.match(text)
    if status is None:
        line = head.partition(b"\n")[0]
        raise ProtocolError("the answer begins with a line that is no status line of HTTP/1.1", payload=line)
    fields = _FIELD.findall(text, status.end())
    if len(fields) != text.count("\n", status.end()):
        _raise_malformed(text[status.end() :])
    headers = Headers([(name, value.strip(" \t")) for name, value in fields])
    return ResponseHead(int(status[1]), int(status[2]), (status[3] or "").strip(), headers)


def _decode(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _raise_malformed(lines: str) -> None:
    for line in lines.split("\n"):
        if _FIELD.fullmatch(line + "\n") is None:
            break
    if line[:1] in (" ", "\t"):
        fault = "a line that begins with white space (folding, which HTTP/1.1 does not allow)"
    elif ":" not in line:
        fault = "a line without colon"
    elif "\0" in line or "\r" in line.removesuffix("\r"):
        fault = "a value with a NUL or a bare CR"
    else:
        fault = "a name that HTTP does not allow"
    raise ProtocolError(f"the head of the answer has {fault}", payload=line)
