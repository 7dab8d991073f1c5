"""Where answers are kept: a small protocol that anything can follow, and three that do.

What belongs here: stores of bytes by key. What the bytes are, under which key they are kept, and when, is decided in
``providers/caching.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .disk import DiskCache as DiskCache
    from .memory import MemoryCache as MemoryCache
    from .redis import RedisCache as RedisCache

__all__ = ["Cache", "DiskCache", "MemoryCache", "RedisCache"]

_HOME_OF = {"DiskCache": "disk", "MemoryCache": "memory", "RedisCache": "redis"}


class Cache(Protocol):
    """What a provider needs of the object that is given as its ``cache=``.

    Keys are 64 characters from 0-9 and a-f. A value may be forgotten at any time. Whatever a method raises is logged, and
    the call goes on as if there were no cache.
    """

    async def get(self, key: str) -> bytes | None:
        """The value that is kept under ``key``, or None."""

    async def set(self, key: str, value: bytes) -> None:
        """Keep ``value`` under ``key``, in the place of what is there."""


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
