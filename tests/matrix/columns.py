"""The columns: every provider that is known by name, where it is, and what is particular about its answers.

What belongs here: data. What is done with a provider is in the rows' modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llm_async import BaseProvider, provider_class
from llm_async.providers.presets import PRESETS

__all__ = ["COLUMNS", "DOORS", "KEY", "Column", "Door"]

KEY = "a-secret-key"


@dataclass(frozen=True, eq=False)
class Door:
    """One provider, and how it is met.

    Attributes:
        name: its ``Provider.name()``.
        api: the wire format that it speaks.
        model: the model that it is asked for.
        server: the name under which the embedded server speaks its API.
        credential: the argument that takes the key.
        own: what its constructor needs to have its own address.
        cost: how its usage objects say that an answer cost a quarter of a dollar; None: they do not.
        priced: whether the price list knows the model.
        limits: headers with which it tells that 7 requests are left; none: it does not.
        usage_unasked: whether it tells usage at the end of a stream without being asked, as the embedded server does not.
    """

    name: str
    api: Literal["chat", "responses", "messages", "gemini"]
    model: str
    server: str
    credential: str = "api_key"
    own: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] | None = None
    priced: bool = True
    limits: Mapping[str, str] = field(default_factory=dict)
    usage_unasked: bool = False

    def provider(self, base_url: str = "", key: Any = KEY, **settings: Any) -> BaseProvider:
        """The provider at an address; ``""``: at its own."""
        place = {"base_url": base_url} if base_url else self.own
        return provider_class(self.name)(**{self.credential: key}, **place, **settings)


@dataclass(frozen=True, eq=False)
class Column:
    """What stands in one column of the tables.

    Attributes:
        title: its head, also for the head of several columns that share it.
        doors: the providers; where they differ, the cell says what most of them do, and a note names the others.
    """

    title: str
    doors: tuple[Door, ...]


_OPENAI_LIMITS = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "7"}
_TICKS = {"cost_in_usd_ticks": 2_500_000_000}


def _chat(name: str, model: str, server: str = "openai", **facts: Any) -> Door:
    return Door(name, "chat", model, server, **{"limits": _OPENAI_LIMITS, **facts})


def _responses(name: str, model: str, server: str = "openairesponses", **facts: Any) -> Door:
    return Door(name, "responses", model, server, limits=_OPENAI_LIMITS, **facts)


def _claude(name: str, **facts: Any) -> Door:
    return Door(name, "messages", "claude-opus-4-6", name, **facts)


def _gemini(name: str, **facts: Any) -> Door:
    return Door(name, "gemini", "gemini-3-flash-preview", name, **facts)


_RESOURCE = {"base_url": "https://demo.openai.azure.com/openai/v1"}
_PROJECT = {"project": "demo", "location": "global"}

_OWN_COLUMNS = (
    Column("OpenAI Chat", (_chat("openai", "gpt-5.4"),)),
    Column("OpenAI Responses", (_responses("openairesponses", "gpt-5.4"),)),
    Column(
        "Claude",
        (
            _claude(
                "claude",
                limits={"anthropic-ratelimit-requests-limit": "10", "anthropic-ratelimit-requests-remaining": "7"},
            ),
        ),
    ),
    Column("Gemini", (_gemini("google"),)),
    Column(
        "OpenRouter",
        (
            _chat(
                "openrouter",
                "anthropic/claude-sonnet-5",
                "openrouter",
                cost={"cost": 0.25},
                limits={"x-ratelimit-limit": "10", "x-ratelimit-remaining": "7"},
            ),
        ),
    ),
    Column("Azure Chat", (_chat("azure", "gpt-5.4", "azure", own=_RESOURCE),)),
    Column("Azure Responses", (_responses("azureresponses", "gpt-5.4", "azureresponses", own=_RESOURCE),)),
    Column("Vertex Gemini", (_gemini("vertex", credential="token", own=_PROJECT),)),
    Column("Vertex Claude", (_claude("vertexclaude", credential="token", own=_PROJECT),)),
    Column("xAI Chat", (_chat("xai", "grok-4.3", cost=_TICKS),)),
    Column("xAI Responses", (_responses("xairesponses", "grok-4.3", cost=_TICKS),)),
)

# The models that the other servers are asked for, where the price list has one of theirs.
_MODELS = {
    "cerebras": "gpt-oss-120b",
    "cohere": "command-a-03-2025",
    "deepseek": "deepseek-chat",
    "fireworks": "accounts/fireworks/models/deepseek-v4-pro",
    "groq": "openai/gpt-oss-120b",
    "minimax": "MiniMax-M3",
    "mistral": "mistral-large-latest",
    "moonshot": "kimi-k3",
    "novita": "openai/gpt-oss-120b",
    "ovhcloud": "gpt-oss-120b",
    "together": "openai/gpt-oss-120b",
    "zai": "glm-5.3",
}


def _known_server(name: str) -> Door:
    """A server that is nothing but a row of the registry."""
    if name == "perplexity":
        return _responses(name, "sonar-pro", cost={"cost": {"total_cost": 0.25}})
    usage_unasked = name == "mistral"
    return _chat(name, _MODELS.get(name, "a-model"), priced=name in _MODELS, usage_unasked=usage_unasked)


_own_names = {door.name for column in _OWN_COLUMNS for door in column.doors}

COLUMNS = (
    *_OWN_COLUMNS,
    Column("servers by name", tuple(_known_server(row.name) for row in PRESETS if row.name not in _own_names)),
)

#: Every provider, by name.
DOORS: dict[str, Door] = {door.name: door for column in COLUMNS for door in column.doors}
