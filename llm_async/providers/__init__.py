"""One short class per provider: an address, a key, a protocol.

They are imported when they are first used: a program that speaks to one API does not load the words of the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import BaseProvider as BaseProvider
    from .claude import ClaudeProvider as ClaudeProvider
    from .google import GoogleProvider as GoogleProvider
    from .openai import OpenAIProvider as OpenAIProvider
    from .openai_responses import OpenAIResponsesProvider as OpenAIResponsesProvider
    from .openrouter import OpenRouterProvider as OpenRouterProvider

_HOMES = {
    "BaseProvider": "base",
    "ClaudeProvider": "claude",
    "GoogleProvider": "google",
    "OpenAIProvider": "openai",
    "OpenAIResponsesProvider": "openai_responses",
    "OpenRouterProvider": "openrouter",
}
_MODULES = frozenset(_HOMES.values())

__all__ = [
    "BaseProvider",
    "ClaudeProvider",
    "GoogleProvider",
    "OpenAIProvider",
    "OpenAIResponsesProvider",
    "OpenRouterProvider",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is not None:
        value = getattr(import_module(f".{home}", __name__), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        # ``llm_async.providers.openai`` by attribute, as it was when every provider was imported with the package.
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
