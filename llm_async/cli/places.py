"""Where a demonstration takes place: the embedded server, the real services, or a model on this machine.

What belongs here: who takes part in each place, and what must be known of them. What they are asked is in ``steps``.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from .._json import dumps_text
from ..models import Message, ResponseSchema, ToolCall
from ..providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from ..retry import RetryConfig
from ..testing import ProviderServer, Text
from . import MissingError, local
from .steps import SCHEMA, WEATHER, Participant, user

__all__ = ["LOCAL_PROVIDERS", "PROVIDERS", "Place", "embedded", "live", "on_this_machine"]

PROVIDERS: dict[str, type[BaseProvider]] = {
    provider.name(): provider
    for provider in (OpenAIProvider, OpenAIResponsesProvider, ClaudeProvider, GoogleProvider, OpenRouterProvider)
}

# Names that the embedded server answers to, as it does to any.
_EMBEDDED_MODELS = {
    "openai": "gpt-6",
    "openairesponses": "gpt-6",
    "claude": "claude-opus",
    "google": "gemini-3-flash",
    "openrouter": "any/model",
}
# Small models of each service that stream, call tools and follow schemas, as of November 2026.
_LIVE_MODELS = {
    "openai": "gpt-5-mini",
    "openairesponses": "gpt-5-mini",
    "claude": "claude-haiku-4-5",
    "google": "gemini-3.5-flash-lite",
    "openrouter": "openai/gpt-5-mini",
}
# What the local engine speaks, and the word of each API for the length of an answer.
LOCAL_PROVIDERS = {"openai": "max_tokens", "openairesponses": "max_output_tokens", "claude": "max_tokens"}
_LOCAL_ANSWER_TOKENS = 100

_CLOUDS = (
    "Their droplets fall more slowly than the warm air below them rises. So clouds float ☁ until the droplets grow."
)


@dataclass
class Place:
    """A place, while it is open.

    Attributes:
        title: what it is.
        participants: who is there, in the order of their turn.
    """

    title: str
    participants: Sequence[Participant]


@asynccontextmanager
async def embedded(names: Sequence[str], pause: float) -> AsyncIterator[Place]:
    """The testing server in this process; ``pause`` is the time between two of its events, in seconds."""
    async with ProviderServer(pause=pause) as server:
        participants = []
        for name in names:
            server.script(Text(_CLOUDS), provider=name)
            provider = PROVIDERS[name]("any key", server.url(name), retry_config=RetryConfig(max_attempts=1))
            participants.append(Participant(provider, _EMBEDDED_MODELS[name]))
        yield Place(f"a server in this process, at 127.0.0.1:{server.port}", participants)


@asynccontextmanager
async def live(names: Sequence[str], models: Mapping[str, str]) -> AsyncIterator[Place]:
    """The real services, those of ``names`` for which the environment has a key; ``models`` by name, over the defaults.

    Raises:
        MissingError: there is no key at all.
    """
    keyed = [name for name in names if any(os.environ.get(variable) for variable in PROVIDERS[name].ENV_KEYS)]
    if not keyed:
        wanted = "\n".join(f"  {name:<16} {' or '.join(PROVIDERS[name].ENV_KEYS)}" for name in names)
        raise MissingError(f"there is no key in the environment; set one of these:\n{wanted}")
    participants = [Participant(PROVIDERS[name](), models.get(name, _LIVE_MODELS[name])) for name in keyed]
    yield Place("the real services", participants)


@asynccontextmanager
async def on_this_machine(names: Sequence[str], model: str | None) -> AsyncIterator[Place]:
    """llama.cpp's server in a process of its own, with the model file ``model``; None is a very small model.

    Raises:
        MissingError: the engine, or its model, is not installed or does not start.
    """
    async with local.running(local.engine_command(model)) as address:
        participants = [_local_participant(name, f"{address}/v1") for name in names]
        yield Place(f"llama.cpp's server on this machine, at {address.rpartition('/')[2]}", participants)


def _local_participant(name: str, base_url: str) -> Participant:
    provider = PROVIDERS[name]("", base_url)
    return Participant(
        provider,
        "local",
        options={LOCAL_PROVIDERS[name]: _LOCAL_ANSWER_TOKENS},
        # For Responses the engine passes over ``text.format`` and takes Chat Completions' word for it. For Messages it has
        # none: there the answer is free.
        schema_options=(
            {"extra_body": {"response_format": ResponseSchema(SCHEMA).for_openai()}}
            if name == "openairesponses"
            else {}
        ),
        constrained=name != "claude",
        tool_question=_after_examples(provider),
        dependable=False,
    )


def _after_examples(provider: BaseProvider) -> list[Message | dict[str, Any]]:
    """A question for the tool, after two that were answered with it: very small models do as was done before."""
    conversation: list[Message | dict[str, Any]] = []
    for city in ("Rome", "Oslo"):
        function = {"name": "weather", "arguments": dumps_text({"city": city})}
        call = ToolCall(f"call_{city}", "function", function=function)
        conversation += [
            user(f"What is the weather in {city}?"),
            Message("assistant", "", [call]),
            provider.tool_result(call, WEATHER[city]),
            # Its Responses API reads no answer in a message without a type.
            {"type": "message", "role": "assistant", "content": f"The weather in {city}: {WEATHER[city]}."},
        ]
    return [*conversation, user("What is the weather in Bergen?")]
