"""Keys: given, found in the environment, or asked for before every attempt."""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Union

from ..models.secret import Secret

__all__ = ["Key", "KeySource", "checked_key", "first_set", "key_from"]

#: Gives a key; an async function may take its time, an ordinary one is called in the event loop and should not.
KeySource = Callable[[], Union[str, Awaitable[str]]]
Key = Union[str, KeySource]


def checked_key(key: Key, name: str) -> Key:
    """``key``; TypeError, under the ``name`` that it was given by, for what is neither a str nor a function."""
    if not isinstance(key, str) and not callable(key):
        raise TypeError(f"{name} must be a str, or a function that gives one, not {type(key).__name__}")
    return key


def first_set(names: Iterable[str]) -> str:
    """The value of the first environment variable that is set and not empty, or ``""``."""
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


async def key_from(source: KeySource) -> Secret:
    """The key that ``source`` gives now.

    Raises:
        TypeError: it gives something else than a str.
        ValueError: it gives an empty one.
    """
    key = source()
    if inspect.isawaitable(key):
        key = await key
    if not isinstance(key, str):
        raise TypeError(f"the function that gives the key must give a str, and gave {type(key).__name__}")
    if not key:
        raise ValueError("the function that gives the key gave an empty one")
    return Secret(key)
