"""Addresses: a base URL, and the paths below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

__all__ = ["join_url", "with_query"]


def join_url(base: str, path: str) -> str:
    """``path`` below ``base``, with one slash between them; a query of the base stays at the end.

    Raises:
        ValueError: ``base`` is no http or https address.
    """
    root, _, query = base.partition("?")
    scheme, separator, rest = root.partition("://")
    if not separator or scheme.lower() not in ("http", "https") or not rest.strip("/"):
        raise ValueError(f"base_url must be an address such as https://host/v1, and is {root.rpartition('@')[2]!r}")
    path, _, path_query = path.partition("?")
    url = f"{root.rstrip('/')}/{path.lstrip('/')}"
    queries = "&".join(part for part in (path_query, query) if part)
    return f"{url}?{queries}" if queries else url


def with_query(url: str, params: Mapping[str, Any] | None) -> str:
    """``url`` with ``params`` behind what it asks already; a list gives its name several times."""
    if not params:
        return url
    return url + ("&" if "?" in url else "?") + urlencode(params, doseq=True)
