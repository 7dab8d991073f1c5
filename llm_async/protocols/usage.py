"""Token counts: each API's own usage object as one :class:`~llm_async.models.Usage`.

What belongs here: one function per API, from the native object to the unified one. A number that the provider did not give
is None; nothing is estimated and nothing is added up over events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..models import Usage

__all__ = ["anthropic_usage", "chat_usage", "gemini_usage", "in_tier", "responses_usage"]

# xAI, "cost_in_usd_ticks": ten thousand million of them are one US dollar.
_TICKS_PER_DOLLAR = 10**10


def chat_usage(raw: Mapping[str, Any]) -> Usage:
    """The ``usage`` of Chat Completions, and of the servers that imitate them.

    ``prompt_tokens`` holds cached tokens and ``completion_tokens`` holds reasoning at OpenAI and nearly everywhere. Where
    xAI counts otherwise, its own total shows it.
    """
    prompt = _first(raw, "prompt_tokens", "input_tokens")
    output = _first(raw, "completion_tokens", "output_tokens")
    total = count(raw.get("total_tokens"))
    prompt_details = mapping(raw.get("prompt_tokens_details")) or mapping(raw.get("input_tokens_details"))
    output_details = mapping(raw.get("completion_tokens_details")) or mapping(raw.get("output_tokens_details"))
    cache_read = _first(prompt_details, "cached_tokens")
    if cache_read is None:
        # DeepSeek, gateways to Anthropic, Mistral, Together.
        cache_read = _first(
            raw, "prompt_cache_hit_tokens", "cache_read_input_tokens", "num_cached_tokens", "cached_tokens"
        )
    cache_write = _first(prompt_details, "cache_write_tokens")
    if cache_write is None:
        cache_write = _first(raw, "cache_creation_input_tokens")
    reasoning = _first(output_details, "reasoning_tokens")
    if reasoning is None:
        reasoning = _first(raw, "reasoning_tokens")
    prompts = [prompt]  # what the total may have counted
    if prompt is not None and cache_read is not None and cache_read > prompt:
        prompt += cache_read
        prompts.append(prompt)
    if reasoning and output is not None and total is not None and total - output - reasoning in prompts:
        output += reasoning
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        reasoning_tokens=reasoning,
        total_tokens=total,
        cost=dollars(raw),
        raw=dict(raw),
        input_audio_tokens=count(prompt_details.get("audio_tokens")),
        output_audio_tokens=count(output_details.get("audio_tokens")),
        service_tier=word(raw.get("service_tier")),
    )


def anthropic_usage(raw: Mapping[str, Any]) -> Usage:
    """The ``usage`` of the Messages API; of a stream, that of ``message_start`` overlaid by every ``message_delta``.

    ``input_tokens`` there leaves out what was read from the cache and what was written to it; ``output_tokens`` holds
    thinking. There is no total.
    """
    prompt = count(raw.get("input_tokens"))
    cache_read = count(raw.get("cache_read_input_tokens"))
    cache_write = count(raw.get("cache_creation_input_tokens"))
    return Usage(
        input_tokens=None if prompt is None else prompt + (cache_read or 0) + (cache_write or 0),
        output_tokens=count(raw.get("output_tokens")),
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        reasoning_tokens=count(mapping(raw.get("output_tokens_details")).get("thinking_tokens")),
        cost=dollars(raw),
        raw=dict(raw),
        cache_write_1h_tokens=count(mapping(raw.get("cache_creation")).get("ephemeral_1h_input_tokens")),
        web_searches=count(mapping(raw.get("server_tool_use")).get("web_search_requests")),
        # "speed" is the newer word, and says more than the tier only when it is not "standard".
        service_tier="fast" if raw.get("speed") == "fast" else word(raw.get("service_tier")),
    )


def in_tier(usage: Usage, body: Mapping[str, Any]) -> Usage:
    """The usage of an OpenAI answer, with the tier that stands beside it in the body."""
    usage.service_tier = word(body.get("service_tier")) or usage.service_tier
    return usage


def responses_usage(raw: Mapping[str, Any]) -> Usage:
    """The ``usage`` of the Responses API: ``input_tokens`` holds the cached ones, ``output_tokens`` holds reasoning."""
    input_details = mapping(raw.get("input_tokens_details"))
    output_details = mapping(raw.get("output_tokens_details"))
    return Usage(
        input_tokens=count(raw.get("input_tokens")),
        output_tokens=count(raw.get("output_tokens")),
        cache_read_tokens=count(input_details.get("cached_tokens")),
        cache_write_tokens=count(input_details.get("cache_write_tokens")),
        reasoning_tokens=count(output_details.get("reasoning_tokens")),
        total_tokens=count(raw.get("total_tokens")),
        cost=dollars(raw),
        raw=dict(raw),
        input_audio_tokens=count(input_details.get("audio_tokens")),
        output_audio_tokens=count(output_details.get("audio_tokens")),
    )


def gemini_usage(raw: Mapping[str, Any]) -> Usage:
    """The ``usageMetadata`` of Gemini.

    ``promptTokenCount`` holds cached tokens; what hosted tools put into the prompt is counted beside it.
    ``candidatesTokenCount`` does not hold the thoughts.
    """
    prompt = count(raw.get("promptTokenCount"))
    by_tools = count(raw.get("toolUsePromptTokenCount"))
    output = count(raw.get("candidatesTokenCount"))
    thoughts = count(raw.get("thoughtsTokenCount"))
    return Usage(
        input_tokens=prompt if by_tools is None else (prompt or 0) + by_tools,
        output_tokens=output if thoughts is None else (output or 0) + thoughts,
        cache_read_tokens=count(raw.get("cachedContentTokenCount")),
        reasoning_tokens=thoughts,
        total_tokens=count(raw.get("totalTokenCount")),
        raw=dict(raw),
        input_audio_tokens=_sound(raw, "promptTokensDetails", "toolUsePromptTokensDetails"),
        output_audio_tokens=_sound(raw, "candidatesTokensDetails"),
        cache_read_audio_tokens=_sound(raw, "cacheTokensDetails"),
        service_tier=word(raw.get("serviceTier")),
    )


def _sound(raw: Mapping[str, Any], *names: str) -> int | None:
    """How many tokens of Gemini's lists by modality are sound; a list leaves out what there is none of."""
    entries = [entry for name in names if isinstance(raw.get(name), list) for entry in raw[name]]
    counts = [
        found for entry in entries
        if mapping(entry).get("modality") == "AUDIO" and (found := count(entry.get("tokenCount"))) is not None
    ]  # fmt: skip
    return sum(counts) if counts else None


def count(value: Any) -> int | None:
    """A count of tokens, or None for whatever is none."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    return None


def word(value: Any) -> str | None:
    """A word, or None for whatever is none."""
    return value if isinstance(value, str) and value else None


def mapping(value: Any) -> Mapping[str, Any]:
    """A nested object, or an empty one where there is none."""
    return value if type(value) is dict or isinstance(value, Mapping) else {}


def dollars(raw: Mapping[str, Any]) -> float | None:
    """What a usage object says that the answer costs, in US dollars.

    OpenRouter and its like: ``cost``; Perplexity: ``cost.total_cost``; xAI: ``cost_in_usd_ticks``.
    """
    ticks = count(raw.get("cost_in_usd_ticks"))
    if ticks is not None:
        return ticks / _TICKS_PER_DOLLAR
    cost = raw.get("cost")
    if cost is None:
        return None
    if isinstance(cost, Mapping):
        cost = cost.get("total_cost")
    return float(cost) if isinstance(cost, (int, float)) and not isinstance(cost, bool) else None


def _first(holder: Mapping[str, Any], *names: str) -> int | None:
    """The first of the named counts that is given."""
    for name in names:
        value = count(holder.get(name))
        if value is not None:
            return value
    return None
