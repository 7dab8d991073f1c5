"""The vocabulary of ``options.py`` in the words of Chat Completions, and of OpenRouter's dialect of it.

What belongs here: which field says what. ``temperature``, ``top_p``, ``stop``, ``seed``, ``parallel_tool_calls``,
``metadata`` and ``user`` are the API's own names and pass as they are. What a server calls otherwise than OpenAI is its
:class:`~.chat_dialect.ChatDialect`, which comes afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import Call
from .families import ModelFamily, model_families
from .options import PromptCache, Reasoning, prompt_cache_of, reasoning_of, refuse_for_model, unsupported

__all__ = ["chat_options", "openai_cache_fields", "openrouter_options"]

_API = "Chat Completions"
# "prompt_cache_retention", now deprecated, and "prompt_cache_options.ttl", which took its place with gpt-5.6.
_RETENTIONS = ("in_memory", "24h")
# The fields that cap the output.
_CAPS = frozenset({"max_tokens", "max_completion_tokens"})


def chat_options(call: Call, *, first_party: bool = False) -> dict[str, Any]:
    """The options of a call as fields of a request to OpenAI.

    Args:
        call: the call, whose ``options`` and ``extra_body`` win where they speak the API's own words.
        first_party: the server is OpenAI's own, so that what a model refuses need not be sent.

    Raises:
        TypeError, ValueError: a value that the vocabulary does not know.
        UnsupportedError: the API, or the model, has no place for something.
    """
    options = dict(call.options)
    raw = {**call.extra_body, **options}
    family = model_families.find("chat", call.model)
    _put_max_tokens(options, call, family.max_tokens or "max_tokens")
    reasons = family.reasoning is not None and family.reasons_unasked
    wish = reasoning_of(options.get("reasoning"))
    if isinstance(wish, Reasoning):
        del options["reasoning"]
        if "reasoning_effort" not in raw and "reasoning" not in call.extra_body:
            options |= _reasoning(wish, family, call.model, raw)
            reasons = not wish.off
    if isinstance(raw.get("reasoning_effort"), str):
        reasons = raw["reasoning_effort"] != "none"
    if first_party:
        refuse_for_model(options, family, call.model, reasons)
    cache = prompt_cache_of(options.pop("prompt_cache", None))
    if cache is not None:
        _put_missing(options, raw, openai_cache_fields(cache, _API, ("30m",)))
    return options


def _put_max_tokens(options: dict[str, Any], call: Call, field: str) -> None:
    """Have the cap of the output stand once, in the field that the model takes."""
    if "max_tokens" not in options or not (field != "max_tokens" or _CAPS & call.extra_body.keys()):
        return
    most = options.pop("max_tokens")
    if most is not None and field not in options and not _CAPS & call.extra_body.keys():
        options[field] = most


def _reasoning(wish: Reasoning, family: ModelFamily, model: str | None, raw: Mapping[str, Any]) -> dict[str, Any]:
    if wish.summary:
        raise unsupported("reasoning: a summary", _API)
    if family.reasoning is None:
        if wish.off:
            return {}
        raise unsupported("reasoning", str(model))
    if wish.off and family.off:
        return {name: value for name, value in family.off.items() if name not in raw}
    return {"reasoning_effort": wish.effort_for(family, model)}


def openai_cache_fields(cache: PromptCache, api: str, ttls: tuple[str, ...]) -> dict[str, Any]:
    """What OpenAI's APIs, which cache by themselves, are told of caching.

    Args:
        ttls: what ``prompt_cache_options.ttl`` takes there.
    """
    cache.without_name(api)
    ttl = cache.checked_ttl((*_RETENTIONS, *ttls), api)
    fields: dict[str, Any] = {}
    if cache.key is not None:
        fields["prompt_cache_key"] = cache.key
    if ttl in _RETENTIONS:
        fields["prompt_cache_retention"] = ttl
    elif ttl is not None:
        fields["prompt_cache_options"] = {"ttl": ttl}
    return fields


def openrouter_options(call: Call) -> dict[str, Any]:
    """The options of a call as fields of a request to OpenRouter, which translates them for the model's own API.

    Raises:
        TypeError, ValueError: a value that the vocabulary does not know.
        UnsupportedError: OpenRouter has no place for something.
    """
    options = dict(call.options)
    raw = {**call.extra_body, **options}
    if "reasoning" in options:
        wish = reasoning_of(options["reasoning"])
        if isinstance(wish, Reasoning):
            del options["reasoning"]
            # Two different words on the same matter are a 400 there.
            if "reasoning_effort" not in raw:
                options["reasoning"] = _openrouter_reasoning(wish)
    cache = prompt_cache_of(options.pop("prompt_cache", None))
    if cache is not None:
        cache.without_name("OpenRouter")
        ttl = cache.checked_ttl(("5m", "1h"), "OpenRouter")
        control = {"type": "ephemeral"} if ttl is None else {"type": "ephemeral", "ttl": ttl}
        fields: dict[str, Any] = {"cache_control": control}
        if cache.key is not None:
            fields["prompt_cache_key"] = cache.key
        _put_missing(options, raw, fields)
    return options


def _openrouter_reasoning(wish: Reasoning) -> dict[str, Any]:
    """``reasoning`` there: an effort or a budget, which exclude each other; and a summary."""
    said: dict[str, Any] = {}
    if wish.off:
        said["effort"] = "none"
    elif wish.budget is not None and wish.budget > 0:
        said["max_tokens"] = wish.budget
    elif wish.effort is not None:
        said["effort"] = wish.effort
    elif wish.budget is not None:
        said["enabled"] = True
    if isinstance(wish.summary, str):
        said["summary"] = wish.summary
    elif wish.summary is not None:
        said["exclude"] = not wish.summary
    return said


def _put_missing(options: dict[str, Any], raw: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """Add the fields that the call does not say itself."""
    for name, value in fields.items():
        if name not in raw:
            options[name] = value
