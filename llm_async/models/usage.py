"""What an answer cost in tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Usage"]


@dataclass
class Usage:
    """Token counts with one meaning for every provider. None: the provider did not say; it is never estimated.

    Attributes:
        input_tokens: the whole prompt, cache reads and writes included.
        output_tokens: everything generated, reasoning included.
        cache_read_tokens: the part of the prompt that came from a cache.
        cache_write_tokens: the part of the prompt that was written to a cache.
        reasoning_tokens: the part of the output that was reasoning.
        total_tokens: the provider's own total.
        cost: what the provider says that it charges, in US dollars.
        raw: the provider's own last usage object.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None
    raw: dict[str, Any] = field(default_factory=dict)
