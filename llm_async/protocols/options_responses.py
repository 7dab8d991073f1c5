"""The vocabulary of ``options.py`` in the words of the Responses API.

What belongs here: which field says what. ``temperature``, ``top_p``, ``parallel_tool_calls``, ``metadata`` and ``user`` are
the API's own names and pass as they are. It has no ``stop`` and no ``seed``: they are sent only to others than OpenAI.
"""

from __future__ import annotations

from typing import Any

from .base import Call
from .families import ModelFamily, model_families
from .options import Reasoning, prompt_cache_of, reasoning_of, refuse_for_model, unsupported
from .options_chat import openai_cache_fields

__all__ = ["responses_options"]

_API = "the Responses API"


def responses_options(call: Call, *, first_party: bool = False) -> dict[str, Any]:
    """The options of a call as fields of a request.

    Args:
        call: the call, whose ``options`` and ``extra_body`` win where they speak the API's own words.
        first_party: the server is OpenAI's own, so that what a model refuses need not be sent.

    Raises:
        TypeError, ValueError: a value that the vocabulary does not know.
        UnsupportedError: the API, or the model, has no place for something.
    """
    options = dict(call.options)
    raw = {**call.extra_body, **options}
    most = options.pop("max_tokens", None)
    if most is not None and "max_output_tokens" not in raw:
        options["max_output_tokens"] = most
    family = model_families.find("responses", call.model)
    wish = reasoning_of(options.get("reasoning"))
    reasons = family.reasoning is not None and family.reasons_unasked
    if isinstance(wish, Reasoning):
        options["reasoning"] = said = _reasoning(wish, family, call.model)
        if not said:
            del options["reasoning"]
        if "effort" in said:
            reasons = said["effort"] != "none"
    if first_party:
        for name in ("stop", "seed"):
            if options.get(name) is not None:
                raise unsupported(name, _API)
        refuse_for_model(options, family, call.model, reasons)
    cache = prompt_cache_of(options.pop("prompt_cache", None))
    if cache is not None:
        fields = openai_cache_fields(cache, _API, ("30m", "12h"))
        options |= {name: value for name, value in fields.items() if name not in raw}
    return options


def _reasoning(wish: Reasoning, family: ModelFamily, model: str | None) -> dict[str, Any]:
    """The ``reasoning`` of a request."""
    if family.reasoning is None:
        if wish.off:
            return {}
        raise unsupported("reasoning", str(model))
    said: dict[str, Any] = {}
    if wish.effort is not None or wish.budget is not None:
        said["effort"] = wish.effort_for(family, model)
    if wish.summary:
        said["summary"] = "auto" if wish.summary is True else wish.summary
    return said
