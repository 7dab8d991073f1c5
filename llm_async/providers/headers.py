"""Headers: layers of them become one set, and keys in them stay masked until they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Union
from urllib.parse import parse_qsl

from ..models.secret import MASK, Secret, reveal

__all__ = ["HeaderLayer", "is_credential", "merged", "secrets_in", "without"]

# Names of headers whose whole value is a credential, whoever it is for: Authorization, Cookie, Ocp-Apim-Subscription-Key.
_CREDENTIAL = re.compile(
    r"(?:.*[-_])?(?:authorization|auth|cookie|(?:api)?key|token|secret|password|credentials?)", re.IGNORECASE
)
_NO_CREDENTIAL = ("idempotency-key", "x-idempotency-key")

HeaderLayer = Union[Mapping[str, str], Iterable[tuple[str, str]]]


def merged(layers: Iterable[HeaderLayer], key: str = "") -> dict[str, str]:
    """The layers laid over one another: a name replaces the same name in any case.

    Args:
        layers: mappings or pairs, the lowest first.
        key: the provider's key; every value that holds it is masked, and so is every credential.

    Raises:
        TypeError: a layer is neither a mapping nor pairs, or a name or a value is no str.
    """
    key = reveal(key)
    headers: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for name, value in layer.items() if type(layer) is dict else _pairs(layer):
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError(f"headers: names and values must be str, and {name!r} is not")
            if not isinstance(value, Secret):
                value = _as_sent(value, key)
                if is_credential(name):
                    value = Secret(reveal(value))
            headers[name.lower()] = (name, value)
    return dict(headers.values())


@lru_cache(maxsize=256)  # the same few names come with every request
def is_credential(name: str) -> bool:
    """Whether the header of that name is a credential as a whole."""
    return _CREDENTIAL.fullmatch(name) is not None and name.lower() not in _NO_CREDENTIAL


def _pairs(layer: HeaderLayer) -> list[tuple[str, str]]:
    try:
        return [(name, value) for name, value in (layer.items() if isinstance(layer, Mapping) else layer)]
    except (TypeError, ValueError):
        raise TypeError(f"headers must be a mapping or a list of pairs, not {type(layer).__name__}") from None


def _as_sent(value: str, key: str) -> str:
    """A value with the key in it where it belongs.

    A key put into an f-string shows as its mask, and a subclass may well build its headers so: the mask is replaced by the
    key again, and a plain text that holds the key is masked from here on.
    """
    if not key:
        return value
    if MASK in value:
        value = value.replace(MASK, key)
    return Secret(value) if key in value else value


def without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    """The headers but for one, in whatever case it stands there."""
    return {each: value for each, value in headers.items() if each.lower() != name}


def secrets_in(headers: Mapping[str, str], url: str = "") -> tuple[str, ...]:
    """What must not be seen of these headers: the masked values, and the key in one such as ``Bearer KEY``; and of the
    address: the credentials among what is asked."""
    hidden = [reveal(value) for value in headers.values() if isinstance(value, Secret)]
    parts = [part for value in hidden for part in (value, value.rpartition(" ")[2]) if part]
    query = url.partition("?")[2]
    if query:
        parts += [value for name, value in parse_qsl(query) if is_credential(name)]
    return tuple(dict.fromkeys(parts))
