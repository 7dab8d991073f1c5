"""The vocabulary of ``options.py`` in the words of the Messages API.

What belongs here: which field says what. ``temperature``, ``top_p`` and ``metadata`` are the API's own names. It has no
``seed``; it caches a prompt only where it is told to; several tool calls at once are forbidden inside ``tool_choice``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import UnsupportedError
from .anthropic_tools import tool_choice_object
from .base import Call
from .families import ModelFamily, model_families
from .options import (
    Reasoning,
    checked_bool,
    prompt_cache_of,
    reasoning_of,
    refuse_for_model,
    stop_texts,
    unsupported,
)

__all__ = ["DEFAULT_MAX_TOKENS", "DEFAULT_VERSION", "messages_options"]

_API = "the Messages API"

#: ``max_tokens`` of a request that does not say it. The API demands the field.
DEFAULT_MAX_TOKENS = 8192
#: The ``anthropic-version`` of 0.5, which no date has been set for the end of.
DEFAULT_VERSION = "2023-06-01"
# From this version on the API knows no sampling, for no model and no value.
_WITHOUT_SAMPLING = "2026-10-21"
_SAMPLING = ("temperature", "top_p", "top_k")
_LEAST_BUDGET = 1024


def messages_options(call: Call, *, version: str = DEFAULT_VERSION) -> dict[str, Any]:
    """The options of a call as fields of a request; ``max_tokens`` is always among them.

    Args:
        call: the call, whose ``options`` and ``extra_body`` win where they speak the API's own words.
        version: the ``anthropic-version`` that is asked.

    Raises:
        TypeError, ValueError: a value that the vocabulary does not know.
        UnsupportedError: the API, or the model, has no place for something.
    """
    options = dict(call.options)
    raw = {**call.extra_body, **options}
    family = model_families.find("messages", call.model)
    _refuse_sampling(options, family, call.model, version)
    if options.get("seed") is not None:
        raise unsupported("seed", _API)
    options.pop("seed", None)
    stop = options.pop("stop", None)
    if stop is not None and "stop_sequences" not in raw:
        options["stop_sequences"] = stop_texts(stop)
    _put_metadata(options)
    _put_cache_control(options, raw)
    _put_parallel(options, call)
    wish = reasoning_of(options.pop("reasoning", None))
    if wish is not None and not isinstance(wish, Reasoning):
        raise ValueError(
            "reasoning knows effort, budget and summary; the API's own words go into thinking and output_config"
        )
    if wish is not None and "thinking" not in raw:
        _put_thinking(options, wish, family, call)
    if options.get("max_tokens") is None:
        options["max_tokens"] = DEFAULT_MAX_TOKENS + _budget_of(options.get("thinking"))
    return options


def _refuse_sampling(options: dict[str, Any], family: ModelFamily, model: str | None, version: str) -> None:
    for name in _SAMPLING if version[-10:] >= _WITHOUT_SAMPLING else ():  # Vertex AI writes "vertex-" before the date
        if options.pop(name, None) is not None:
            raise UnsupportedError(f"{name}: the Messages API has no such field from version {_WITHOUT_SAMPLING} on")
    refuse_for_model(options, family, model, reasons=False)


def _put_metadata(options: dict[str, Any]) -> None:
    """The API's ``metadata`` holds the user's id and nothing else."""
    user = options.pop("user", None)
    metadata = options.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise TypeError(f"metadata must be a mapping, not {type(metadata).__name__}")
    others = [key for key in metadata or () if key != "user_id"]
    if others:
        raise UnsupportedError(f"metadata: the Messages API keeps user_id alone, not {', '.join(map(repr, others))}")
    if metadata or user is not None:
        options["metadata"] = {**({} if user is None else {"user_id": user}), **(metadata or {})}


def _put_cache_control(options: dict[str, Any], raw: Mapping[str, Any]) -> None:
    """One mark at the top: the API puts it behind the last part that can be cached."""
    cache = prompt_cache_of(options.pop("prompt_cache", None))
    if cache is None:
        return
    cache.without_name(_API)
    ttl = cache.checked_ttl(("5m", "1h"), _API)
    if "cache_control" not in raw:
        options["cache_control"] = {"type": "ephemeral"} if ttl is None else {"type": "ephemeral", "ttl": ttl}


def _put_parallel(options: dict[str, Any], call: Call) -> None:
    """Without tools there is nothing to forbid, and the API refuses a ``tool_choice``."""
    parallel = checked_bool(options.pop("parallel_tool_calls", None), "parallel_tool_calls")
    if parallel is not False or not call.tools or "tool_choice" in call.extra_body:
        return
    choice = tool_choice_object("auto" if call.tool_choice is None else call.tool_choice)
    if choice.get("type") != "none":
        options["tool_choice"] = {"disable_parallel_tool_use": True, **choice}


def _put_thinking(options: dict[str, Any], wish: Reasoning, family: ModelFamily, call: Call) -> None:
    if family.reasoning is None:
        if not wish.off:
            raise unsupported("reasoning", str(call.model))
        return
    if wish.off:
        wish.effort_for(family, call.model)
        options["thinking"] = {"type": "disabled"}
        return
    by_budget = family.reasoning == "budget"
    if wish.budget is not None and wish.prefers_budget(family):
        thinking = {"type": "enabled", "budget_tokens": wish.budget}
    elif by_budget and wish.effort is not None:
        thinking = {"type": "enabled", "budget_tokens": _budget(wish, family, call, options.get("max_tokens"))}
    else:
        thinking = {"type": "adaptive"}
        if wish.effort is not None or wish.budget is not None:
            _put_effort(options, wish.effort_for(family, call.model))
    if by_budget and wish.effort is None and wish.budget is None:
        return  # a summary is all that is wanted, and those models give their thoughts anyway
    if not by_budget and wish.summary is not None:
        thinking["display"] = "summarized" if wish.summary else "omitted"
    options["thinking"] = thinking


def _put_effort(options: dict[str, Any], effort: str) -> None:
    config = options.get("output_config")
    if config is None:
        options["output_config"] = {"effort": effort}
    elif isinstance(config, Mapping):
        options["output_config"] = {"effort": effort, **config}


def _budget(wish: Reasoning, family: ModelFamily, call: Call, max_tokens: Any) -> int:
    """The tokens that an effort stands for. They count in ``max_tokens``, of which a fifth is left for the answer."""
    budget = family.budgets[wish.effort_for(family, call.model)]
    if not isinstance(max_tokens, int):
        return budget
    if max_tokens <= _LEAST_BUDGET:
        raise ValueError(
            f"max_tokens must be above {_LEAST_BUDGET}, the least that {call.model} can think, not {max_tokens}"
        )
    return max(_LEAST_BUDGET, min(budget, max_tokens * 4 // 5))


def _budget_of(thinking: Any) -> int:
    """The tokens that are for thinking, so that as many as ever are left for the answer."""
    budget = thinking.get("budget_tokens") if isinstance(thinking, Mapping) else None
    return budget if isinstance(budget, int) and not isinstance(budget, bool) else 0
