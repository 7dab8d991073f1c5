"""What providers give beside answers: lists of models, embeddings, counts of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from .rate_limits import RateLimits
from .timing import Timing
from .usage import Usage

__all__ = ["Embeddings", "Model", "TokenCount"]


@dataclass(frozen=True)
class Model:
    """A model that a provider offers. None: the provider did not say.

    Attributes:
        id: the name by which it is asked for.
        created: when it was made or published, in seconds since 1970.
        owner: whose it is.
        context_window: the longest prompt, in tokens; at some providers prompt and answer together.
        max_output_tokens: the longest answer, in tokens.
        display_name: its name for people.
        original: the provider's own entry.
    """

    id: str
    created: float | None = None
    owner: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    display_name: str | None = None
    original: dict[str, Any] = field(default_factory=dict, repr=False, hash=False)


@dataclass
class Embeddings(Sequence[list[float]]):
    """The vectors of some inputs, in the order of the inputs; a sequence of them.

    Attributes:
        vectors: one for each input.
        model: the model that the provider says made them, else the one that was asked for.
        usage: token counts of all batches together; None where the provider gave none.
        provider_name: the provider's ``name()``.
        originals: the body of each batch's answer as the provider sent it, decoded.
        request_ids: the id of each batch's answer, to quote to the provider's support, as far as there is one.
        rate_limits: what the headers of the last answer say about rate limits, or None.
        timing: how long it took all in all; ``attempts`` are those of all batches.
    """

    vectors: list[list[float]]
    model: str
    usage: Usage | None = None
    provider_name: str = ""
    originals: list[dict[str, Any]] = field(default_factory=list, repr=False)
    request_ids: list[str] = field(default_factory=list, repr=False)
    rate_limits: RateLimits | None = field(default=None, repr=False)
    timing: Timing | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.vectors)

    @overload
    def __getitem__(self, place: int) -> list[float]: ...

    @overload
    def __getitem__(self, place: slice) -> list[list[float]]: ...

    def __getitem__(self, place: int | slice) -> list[float] | list[list[float]]:
        return self.vectors[place]

    def __iter__(self) -> Iterator[list[float]]:
        return iter(self.vectors)


@dataclass
class TokenCount:
    """How many tokens a request would put in.

    Attributes:
        input_tokens: the whole prompt, tools and instructions included.
        cached_tokens: the part of it that a cache would give; None where the provider did not say.
        provider_name: the provider's ``name()``.
        original: the body of the answer as the provider sent it, decoded.
        request_id: the id to quote to the provider's support, or None.
        rate_limits: what the headers say about rate limits, or None.
        timing: how long it took.
    """

    input_tokens: int
    cached_tokens: int | None = None
    provider_name: str = ""
    original: dict[str, Any] = field(default_factory=dict, repr=False)
    request_id: str | None = field(default=None, repr=False)
    rate_limits: RateLimits | None = field(default=None, repr=False)
    timing: Timing | None = field(default=None, repr=False, compare=False)

    def __int__(self) -> int:
        return self.input_tokens
