"""Addresses: a base URL, and the paths below it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

__all__ = ["is_openai", "join_url", "vertex_root", "with_query", "without_query"]


_LOCATION = re.compile(r"[a-z0-9-]+", re.ASCII | re.IGNORECASE)


def is_openai(base_url: str) -> bool:
    """Whether an address is OpenAI's own: the global one or a region's."""
    host = urlsplit(base_url).hostname or ""
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def join_url(base: str, path: str) -> str:
    """``path`` below ``base``, with one slash between them, an empty one ``base`` itself; a query of the base stays at the end.

    Raises:
        ValueError: ``base`` is no http or https address.
        TypeError: ``path`` is no str.
    """
    if not isinstance(path, str):
        raise TypeError(f"path must be a str, not {type(path).__name__}")
    root, _, query = base.partition("?")
    scheme, separator, rest = root.partition("://")
    if not separator or scheme.lower() not in ("http", "https") or not rest.strip("/"):
        raise ValueError(f"base_url must be an address such as https://host/v1, and is {root.rpartition('@')[2]!r}")
    path, _, path_query = path.partition("?")
    url = f"{root.rstrip('/')}/{path.lstrip('/')}" if path else root
    queries = "&".join(part for part in (path_query, query) if part)
    return f"{url}?{queries}" if queries else url


def vertex_root(project: str, location: str, *, publisher: str) -> str:
    """The root of a publisher's models on Vertex AI, for a project and a region, ``"us"``, ``"eu"`` or ``"global"``.

    Raises:
        ValueError: ``project`` or ``location`` is no name, but would lead to another address, the token with it.
    """
    if not _LOCATION.fullmatch(str(location)):
        raise ValueError(f"location must be a region such as 'europe-west1', not {location!r}")
    if project in (".", ".."):
        raise ValueError(f"project must be the id of a project, not {project!r}")
    project = quote(str(project), safe=":")  # also its number
    if location == "global":
        host = "aiplatform.googleapis.com"
    elif location in ("us", "eu"):  # spread over the regions there
        host = f"aiplatform.{location}.rep.googleapis.com"
    else:
        host = f"{location}-aiplatform.googleapis.com"
    return f"https://{host}/v1/projects/{project}/locations/{location}/publishers/{publisher}"


def with_query(url: str, params: Mapping[str, Any] | None) -> str:
    """``url`` with ``params`` behind what it asks already.

    A list gives its name several times, None leaves it out; True and False are ``true`` and ``false``, as in JSON.

    Raises:
        TypeError: ``params`` is no mapping.
    """
    if params is not None and not isinstance(params, Mapping):
        raise TypeError(f"params must be a mapping, not {type(params).__name__}")
    pairs = [(name, _text(each)) for name, value in (params or {}).items() for each in _values(value)]
    return url + ("&" if "?" in url else "?") + urlencode(pairs) if pairs else url


def without_query(url: str) -> str:
    """An address without what is asked of it, and without who asks."""
    if "?" not in url and "@" not in url:
        return url
    root = url.partition("?")[0]
    scheme, separator, rest = root.partition("://")
    if not separator:
        scheme, rest = "", root
    authority, slash, path = rest.partition("/")  # an @ may stand in a path, too: MODEL@VERSION
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def _values(value: Any) -> list[Any]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [each for each in values if each is not None]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
