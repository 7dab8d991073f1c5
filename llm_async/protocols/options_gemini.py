"""The vocabulary of ``options.py`` in Gemini's words.

What belongs here: what is more than another spelling; the spellings themselves, and what goes into ``generationConfig``, are
``gemini.py``'s. The API has no switch for several tool calls at once and no place for a user's id, and it caches prompts by
itself; what was cached on purpose is used by its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .base import Call
from .families import ModelFamily, model_families
from .options import Reasoning, checked_bool, prompt_cache_of, reasoning_of, refuse_for_model, unsupported

__all__ = ["camel", "gemini_options"]

_API = "Gemini"


def camel(name: str) -> str:
    """A field's name in the API's spelling; its JSON reader takes snake_case as well."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def gemini_options(call: Call) -> dict[str, Any]:
    """The options of a call as fields of a request, in which ``generationConfig`` has not yet been put together.

    Args:
        call: the call, whose ``options`` and ``extra_body`` win where they speak the API's own words.

    Raises:
        TypeError, ValueError: a value that the vocabulary does not know.
        UnsupportedError: the API, or the model, has no place for something.
    """
    options = dict(call.options)
    given = {camel(name): value for name, value in (*options.items(), *call.extra_body.items())}
    config = given.get("generationConfig")
    raw = {*given, *(camel(name) for name in (config if isinstance(config, Mapping) else ()))}
    family = model_families.find("gemini", call.model)
    refuse_for_model(options, family, call.model, reasons=False)
    if options.pop("user", None) is not None:
        raise unsupported("user", _API)
    if checked_bool(options.pop("parallel_tool_calls", None), "parallel_tool_calls") is False:
        raise unsupported("parallel_tool_calls=False", _API)
    metadata = options.pop("metadata", None)
    if metadata is not None and "labels" not in raw:
        options["labels"] = metadata
    cache = prompt_cache_of(options.pop("prompt_cache", None))
    if cache is not None:
        cache.checked_ttl((), _API)
        if cache.name is not None and "cachedContent" not in raw:
            options["cachedContent"] = cache.name
    wish = reasoning_of(options.pop("reasoning", None))
    if wish is not None and not isinstance(wish, Reasoning):
        raise ValueError("reasoning knows effort, budget and summary; the API's own words go into thinkingConfig")
    if wish is not None and "thinkingConfig" not in raw:
        thinking = _thinking(wish, family, call.model)
        if thinking:
            options["thinkingConfig"] = thinking
    return options


def _thinking(wish: Reasoning, family: ModelFamily, model: str | None) -> Mapping[str, Any]:
    """``thinkingConfig``: a level or a budget, never both, and whether thoughts are shown."""
    if family.reasoning is None:
        if wish.off:
            return {}
        raise unsupported("reasoning", str(model))
    said: dict[str, Any] = {}
    if wish.budget and wish.prefers_budget(family):
        said["thinkingBudget"] = wish.budget
    elif wish.effort is not None or wish.budget is not None:
        effort = wish.effort_for(family, model)
        if family.reasoning == "budget":
            said["thinkingBudget"] = family.budgets.get(effort, 0)  # only "none" needs no number
        else:
            said["thinkingLevel"] = effort.upper()
    if wish.summary is not None:
        said["includeThoughts"] = bool(wish.summary)
    return said
