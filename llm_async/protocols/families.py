"""What models of one API want said differently: one table, which users extend.

What belongs here: facts about families of models, as rows. How an option is said in an API stands in the ``options_…`` module
of that API, which asks this table. A row of one's own goes before all others::

    from llm_async import ModelFamily, model_families

    model_families.add(ModelFamily(r"^my-reasoner", ("chat",), max_tokens="max_completion_tokens", efforts=("low", "high")))

The facts are those of November 2026: the APIs' own references, and what their servers were seen to refuse. What is not known
of a model is not ruled out here: it is sent, and the server decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

__all__ = ["EFFORTS", "FamilyTable", "ModelFamily", "model_families"]

#: The words for the depth of reasoning, from none to all; those of OpenAI, of which every API has some.
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True)
class ModelFamily:
    """A row of the table: models by name, and what is particular about them.

    Attributes:
        pattern: a regular expression; it is searched in the model's name in lower case.
        apis: the wire formats in which the row counts: ``chat``, ``responses``, ``messages`` (Claude), ``gemini``.
        max_tokens: Chat Completions: the field that caps the output; None: ``max_tokens``.
        reasoning: how the depth of reasoning is told: ``effort``: by a word; ``adaptive``: by a word, beside Claude's adaptive
            thinking; ``level``: by Gemini's word for it; ``budget``: by a number of tokens; None: the model does not reason.
        efforts: the words that the model takes, also where they become a budget.
        budget: whether a number of tokens may be given. It is where ``reasoning`` is ``budget``.
        budgets: the number of tokens that stands for a word, where ``reasoning`` is ``budget``; a word without is not taken.
        off: the fields of the request that switch reasoning off, where the API's usual ones do not.
        reasons_unasked: whether the model reasons when nothing is said about it.
        refused: the options that the model refuses, by name.
        refused_when_reasoning: those that it refuses unless its reasoning is off.
    """

    pattern: str
    apis: Collection[str]
    max_tokens: str | None = None
    reasoning: Literal["effort", "adaptive", "level", "budget"] | None = "effort"
    efforts: Collection[str] = EFFORTS
    budget: bool = False
    budgets: Mapping[str, int] = field(default_factory=dict)
    off: Mapping[str, Any] = field(default_factory=dict)
    reasons_unasked: bool = True
    refused: Collection[str] = ()
    refused_when_reasoning: Collection[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.apis, str):
            raise TypeError("apis must be names, not a str")
        if self.reasoning == "budget":
            words = tuple(word for word in self.efforts if word in self.budgets or word == "none")
            object.__setattr__(self, "efforts", words)


class FamilyTable:
    """Families of models in the order in which they are looked at: the first one that fits counts."""

    def __init__(self, rows: Iterable[ModelFamily]) -> None:
        self._rows = list(rows)
        self.find = lru_cache(maxsize=512)(self._find)

    def __iter__(self) -> Iterator[ModelFamily]:
        return iter(tuple(self._rows))

    def add(self, family: ModelFamily) -> None:
        """Put a family before all others, for every provider of this process.

        Raises:
            re.error: its pattern is no regular expression.
        """
        re.compile(family.pattern)
        self._rows.insert(0, family)
        self.find.cache_clear()

    def remove(self, family: ModelFamily) -> None:
        """Take a family out again.

        Raises:
            ValueError: it is not in the table.
        """
        self._rows.remove(family)
        self.find.cache_clear()

    def _find(self, api: str, model: str | None) -> ModelFamily:
        """The family of a model; for one that no row knows, what most models of the API have in common."""
        name = (model or "").lower()
        for row in self._rows:
            if api in row.apis and re.search(row.pattern, name):
                return row
        return _UNKNOWN[api]


def _without(*words: str) -> tuple[str, ...]:
    return tuple(word for word in EFFORTS if word not in words)


def _named(pattern: str) -> str:
    """Names that begin so, also behind a path or the ``ft:`` of a tuned model."""
    return rf"(?:^|[/:])(?:{pattern})"


_SAMPLING = ("temperature", "top_p")
_OPENAI = ("chat", "responses")
_COMPLETION = "max_completion_tokens"

# What an effort comes to where the API counts tokens. Claude takes no less than 1024. Gemini's numbers are those of its own
# OpenAI-compatible endpoint, but for `minimal`, which is the least that all of its models take.
_CLAUDE_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384}
_GEMINI_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24576}
_CLAUDE_EFFORTS = _without("minimal")
_GEMINI_LEVELS = ("minimal", "low", "medium", "high", "xhigh")
_CLAUDE_SAMPLING = (*_SAMPLING, "top_k")
_PENALTIES = ("presence_penalty", "frequency_penalty")


# OpenAI: `max_tokens` is a 400 from the o-series and gpt-5 on. Sampling is a 400 whenever the model reasons.
def _openai(pattern: str, apis: tuple[str, ...] = _OPENAI, **facts: Any) -> ModelFamily:
    facts = {"refused_when_reasoning": _SAMPLING, **facts}
    return ModelFamily(_named(pattern), apis, max_tokens=_COMPLETION, **facts)


_ROWS = [
    _openai(r"(?:o3(?!-mini)|o4-mini)", ("chat",), efforts=_without("none"), refused=("stop",)),
    _openai(r"o\d", efforts=_without("none")),
    _openai(r"gpt-5(?:\.\d+)?-(?:pro|chat)|gpt-5\.1-codex", efforts=_without("none")),
    _openai(r"gpt-5\.[1-4](?!\d)", reasons_unasked=False),
    _openai(r"gpt-5\.6", efforts=_without("minimal")),
    _openai(r"gpt-5\.\d"),
    _openai(r"gpt-5", efforts=_without("none")),
    _openai(r"gpt-6\.1-sol", ("chat",), efforts=_without("none", "max")),
    _openai(r"gpt-6\.1-sol|gpt-6-astra", efforts=_without("none")),
    _openai(r"gpt-(?:[6-9]|\d\d)"),
    # xAI: models without the capability refuse any effort.
    ModelFamily(_named(r"grok-(?:4\.20|build)"), _OPENAI, reasoning=None),
    ModelFamily(_named(r"grok-4\.[0-5](?!\d)"), _OPENAI, efforts=("none", "low", "medium", "high")),
    ModelFamily(_named(r"grok-4\.\d"), _OPENAI, efforts=("none", "low", "medium", "high", "xhigh")),
    # DeepSeek's own names have no path before them. It takes every word but "none".
    ModelFamily(r"^deepseek-", ("chat",), off={"thinking": {"type": "disabled"}}),
    # Claude: adaptive thinking from 4.6 on, where a budget is still taken; from 4.7 on it is a 400, and so is sampling.
    ModelFamily(
        r"claude-[a-z]+-4[-.]6(?!\d)", ("messages",), reasoning="adaptive", efforts=_CLAUDE_EFFORTS, budget=True
    ),
    ModelFamily(
        r"claude-(?:3[-.]7|[a-z]+-4(?![-.][7-9](?!\d)))(?!\d)", ("messages",), reasoning="budget",
        efforts=("none", *_CLAUDE_BUDGETS), budgets=_CLAUDE_BUDGETS,
    ),
    ModelFamily(r"claude-(?:v?[1-3]|instant)(?!\d)", ("messages",), reasoning=None),
    ModelFamily(
        r"claude-", ("messages",), reasoning="adaptive", efforts=_CLAUDE_EFFORTS, refused=_CLAUDE_SAMPLING
    ),
    # Gemini: a budget in 2.5, a level from 3 on. What is refused by 4 and 3.8 is ignored or taken before.
    ModelFamily(r"gemini-(?:1|2\.0)", ("gemini",), reasoning=None),
    ModelFamily(
        r"gemini-2\.5-pro", ("gemini",), reasoning="budget",
        efforts=("minimal", "low", "medium", "high"), budgets=_GEMINI_BUDGETS,
    ),
    ModelFamily(r"gemini-2\.5", ("gemini",), reasoning="budget", efforts=tuple(_GEMINI_BUDGETS), budgets=_GEMINI_BUDGETS),
    ModelFamily(
        r"gemini-(?:3-pro|3\.7-flash)", ("gemini",), reasoning="level", budget=True, efforts=_GEMINI_LEVELS[1:]
    ),
    ModelFamily(
        r"gemini-(?:3\.8|[4-9]|\d\d)", ("gemini",), reasoning="level", efforts=_GEMINI_LEVELS[1:], refused=_PENALTIES
    ),
]  # fmt: skip

_UNKNOWN = {
    "chat": ModelFamily("", ("chat",)),
    "responses": ModelFamily("", ("responses",)),
    # A model of somebody who imitates the API, most likely in its first form.
    "messages": ModelFamily(
        "", ("messages",), reasoning="budget", efforts=("none", *_CLAUDE_BUDGETS), budgets=_CLAUDE_BUDGETS
    ),
    "gemini": ModelFamily("", ("gemini",), reasoning="level", budget=True, efforts=_GEMINI_LEVELS),
}

#: The table that every provider asks.
model_families = FamilyTable(_ROWS)
