"""One short class per provider: an address, a key, a protocol.

They are imported when they are first used: a program that speaks to one API does not load the words of the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .azure import AzureProvider as AzureProvider
    from .azure import AzureResponsesProvider as AzureResponsesProvider
    from .base import BaseProvider as BaseProvider
    from .claude import ClaudeProvider as ClaudeProvider
    from .google import GoogleProvider as GoogleProvider
    from .openai import OpenAIProvider as OpenAIProvider
    from .openai_responses import OpenAIResponsesProvider as OpenAIResponsesProvider
    from .openrouter import OpenRouterProvider as OpenRouterProvider
    from .presets import Preset as Preset
    from .registry import get_preset as get_preset
    from .registry import get_provider as get_provider
    from .registry import known_providers as known_providers
    from .registry import provider_class as provider_class
    from .registry import register_provider as register_provider
    from .vertex import VertexClaudeProvider as VertexClaudeProvider
    from .vertex import VertexProvider as VertexProvider

_HOMES = {
    "AzureProvider": "azure",
    "AzureResponsesProvider": "azure",
    "BaseProvider": "base",
    "ClaudeProvider": "claude",
    "GoogleProvider": "google",
    "OpenAIProvider": "openai",
    "OpenAIResponsesProvider": "openai_responses",
    "OpenRouterProvider": "openrouter",
    "Preset": "presets",
    "VertexClaudeProvider": "vertex",
    "VertexProvider": "vertex",
    "get_preset": "registry",
    "get_provider": "registry",
    "known_providers": "registry",
    "provider_class": "registry",
    "register_provider": "registry",
}
_MODULES = frozenset(_HOMES.values())

__all__ = [
    "AzureProvider",
    "AzureResponsesProvider",
    "BaseProvider",
    "ClaudeProvider",
    "GoogleProvider",
    "OpenAIProvider",
    "OpenAIResponsesProvider",
    "OpenRouterProvider",
    "Preset",
    "VertexClaudeProvider",
    "VertexProvider",
    "get_preset",
    "get_provider",
    "known_providers",
    "provider_class",
    "register_provider",
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
