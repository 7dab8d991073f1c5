"""The options of a request in one vocabulary, for every API.

What belongs here: the vocabulary and its values, checked. How an API says them stands in ``options_chat.py``,
``options_responses.py``, ``options_anthropic.py`` and ``options_gemini.py``; what is particular about a model in
``families.py``.

======================  ====================================================================================================
``max_tokens``          the most tokens that the answer may have, reasoning included
``temperature``         how freely the model chooses; 0 is the most likely word each time
``top_p``               choose among the most likely words that together have this probability
``stop``                a text or several, before which the answer ends
``seed``                the same seed, the same choices, as far as the provider can
``reasoning``           how much to think: one of :data:`~.families.EFFORTS`, or a number of tokens, or both and more in a
                        mapping ``{"effort": …, "budget": …, "summary": …}``, of which each API takes what it knows
``parallel_tool_calls``  whether one answer may call several tools
``prompt_cache``        how the beginning of the prompt is kept for the next request: True, or how long (``"5m"``, ``"1h"``, …),
                        or a mapping ``{"key": …, "ttl": …, "name": …}``
``metadata``            a mapping of texts that the provider keeps with the request
``user``                the id of the end user
======================  ====================================================================================================

Two rules hold everywhere. A field in the API's own words wins, wherever it is given: what the vocabulary says on the same
matter is then left out, never sent beside it. And what an API has no place for is an UnsupportedError before anything is
sent; ``extra_body`` sends it all the same.

Where a name of the vocabulary is also the API's own (``temperature`` nearly everywhere), it is sent as given, and one that
the model is known to refuse is an UnsupportedError too. Chat Completions and the Responses API have more imitators than
anybody knows, who map, ignore or take what OpenAI refuses: there the refusals count only where the server is OpenAI's own
(``first_party``), and others are sent what was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import UnsupportedError
from .families import EFFORTS, ModelFamily

__all__ = [
    "PromptCache",
    "Reasoning",
    "checked_bool",
    "prompt_cache_of",
    "reasoning_of",
    "refuse_for_model",
    "stop_texts",
    "unsupported",
]

_REASONING_KEYS = frozenset({"effort", "budget", "summary"})
_CACHE_KEYS = frozenset({"key", "ttl", "name"})
# What every model takes: the values that the API uses when nothing is said.
_DEFAULTS = {"temperature": 1, "top_p": 1}


@dataclass(frozen=True)
class Reasoning:
    """How much a model shall think.

    Attributes:
        effort: a word, or None.
        budget: a number of tokens, or None; 0 is none at all.
        summary: whether to give a summary of the thoughts: a bool, or OpenAI's word for its length; None says nothing.
    """

    effort: str | None = None
    budget: int | None = None
    summary: bool | str | None = None

    @property
    def off(self) -> bool:
        """Whether no reasoning is wanted."""
        return self.budget == 0 if self.budget is not None else self.effort == "none"

    def prefers_budget(self, family: ModelFamily) -> bool:
        """Whether a model is told the budget rather than the effort: where it counts so, or takes it and nothing else is said."""
        return family.reasoning == "budget" or (family.budget and self.effort is None)

    def effort_for(self, family: ModelFamily, model: str | None) -> str:
        """The effort, as a word that the model takes.

        Raises:
            UnsupportedError: there is none, or the model does not take it.
        """
        if self.off:
            effort = "none"
        elif self.effort is None:
            raise UnsupportedError(
                f"reasoning: {model} takes an effort and no budget of tokens; say "
                f'{{"effort": …, "budget": {self.budget}}}, and each API takes what it knows'
            )
        else:
            effort = self.effort
        if effort not in family.efforts:
            known = ", ".join(word for word in EFFORTS if word in family.efforts)
            raise UnsupportedError(f"reasoning: {model} has no effort {effort!r}, only {known}")
        return effort


def reasoning_of(value: Any) -> Reasoning | Mapping[str, Any] | None:
    """What ``reasoning=`` says; a mapping in an API's own words is given back as it is.

    Raises:
        TypeError, ValueError: it is none of what the vocabulary knows.
    """
    if value is None:
        return None
    if value is False:
        return Reasoning("none")
    if isinstance(value, str):
        return Reasoning(_checked_effort(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return Reasoning(budget=_checked_budget(value))
    if not isinstance(value, Mapping):
        raise TypeError(f"reasoning must be an effort, a number of tokens or a mapping, not {value!r}")
    if not value or not value.keys() <= _REASONING_KEYS:
        return value
    effort, budget, summary = value.get("effort"), value.get("budget"), value.get("summary")
    return Reasoning(
        None if effort is None else _checked_effort(effort),
        None if budget is None else _checked_budget(budget),
        summary,
    )


def _checked_effort(effort: Any) -> str:
    if effort not in EFFORTS:
        raise ValueError(f"reasoning: the effort must be one of {', '.join(EFFORTS)}, not {effort!r}")
    return str(effort)


def _checked_budget(budget: Any) -> int:
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 0:
        raise ValueError(f"reasoning: the budget must be a number of tokens, not {budget!r}")
    return budget


@dataclass(frozen=True)
class PromptCache:
    """How the beginning of a prompt is cached.

    Attributes:
        key: requests with the same key go where the same prompt has been before. APIs that find the place by themselves
            need none, and leave it out.
        ttl: how long to keep it, in the API's own words (``"5m"``, ``"1h"``, ``"24h"``); None: as long as the API thinks right.
        name: something cached earlier, to be used (Gemini's ``cachedContents/…``).
    """

    key: str | None = None
    ttl: str | None = None
    name: str | None = None

    def checked_ttl(self, known: tuple[str, ...], api: str) -> str | None:
        """The ttl, if it is one of those that an API knows.

        Raises:
            UnsupportedError: it is another one.
        """
        if self.ttl is not None and self.ttl not in known:
            words = " or ".join(map(repr, known)) or "as long as it thinks right"
            raise UnsupportedError(f"prompt_cache: {api} keeps a prompt for {words}, not for {self.ttl!r}")
        return self.ttl

    def without_name(self, api: str) -> None:
        """Say that an API has no named caches, if one is asked for.

        Raises:
            UnsupportedError: one is.
        """
        if self.name is not None:
            raise unsupported("prompt_cache: a named cache", api)


def prompt_cache_of(value: Any) -> PromptCache | None:
    """What ``prompt_cache=`` says; None when it asks for nothing.

    Raises:
        TypeError, ValueError: it is none of what the vocabulary knows.
    """
    if value is None or value is False:
        return None
    if value is True:
        return PromptCache()
    if isinstance(value, str):
        return PromptCache(name=value) if "/" in value else PromptCache(ttl=value)
    if not isinstance(value, Mapping):
        raise TypeError(f"prompt_cache must be a bool, a duration or a mapping, not {value!r}")
    if not value.keys() <= _CACHE_KEYS:
        raise ValueError(
            f"prompt_cache knows key, ttl and name, not {', '.join(map(repr, value.keys() - _CACHE_KEYS))}"
        )
    for name, said in value.items():
        if said is not None and not isinstance(said, str):
            raise TypeError(f"prompt_cache: {name} must be a str, not {said!r}")
    return PromptCache(**value)


def unsupported(what: str, api: str) -> UnsupportedError:
    """The error for an option that an API has no place for."""
    return UnsupportedError(f"{what}: {api} has no place for it; extra_body sends any field of yours")


def refuse_for_model(options: Mapping[str, Any], family: ModelFamily, model: str | None, reasons: bool) -> None:
    """Stop what a model is known to refuse; its values by default it takes.

    Args:
        options: the options of a call, in the vocabulary's words.
        reasons: whether the model will reason.

    Raises:
        UnsupportedError: one of them is refused.
    """
    refused = (*family.refused, *(family.refused_when_reasoning if reasons else ()))
    for name in refused:
        value = options.get(name)
        if value is not None and value != _DEFAULTS.get(name, ...):
            when = " while it reasons" if name in family.refused_when_reasoning else ""
            raise UnsupportedError(
                f"{name}: {model} refuses it{when}; leave it out, or send it in extra_body all the same"
            )


def stop_texts(value: Any) -> list[str]:
    """``stop`` as a list.

    Raises:
        TypeError: it is neither a text nor several.
    """
    if isinstance(value, str):
        return [value]
    if not isinstance(value, Sequence) or not all(isinstance(text, str) for text in value):
        raise TypeError(f"stop must be a text or a list of texts, not {value!r}")
    return list(value)


def checked_bool(value: Any, name: str) -> bool | Literal[None]:
    """A bool, or None.

    Raises:
        TypeError: it is something else.
    """
    if value is None or isinstance(value, bool):
        return value
    raise TypeError(f"{name} must be True or False, not {value!r}")
