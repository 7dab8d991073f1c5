"""What an answer took, in tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

__all__ = ["Usage"]


@dataclass
class Usage:
    """Token counts with one meaning for every provider. None: the provider did not say; it is never estimated.

    Usages can be added, also with ``sum``: a count that none of them has stays None, and ``raw``, which is a provider's own
    object, stays empty.

    Attributes:
        input_tokens: the whole prompt, cache reads and writes included.
        output_tokens: everything generated, reasoning included.
        cache_read_tokens: the part of the prompt that came from a cache.
        cache_write_tokens: the part of the prompt that was written to a cache.
        reasoning_tokens: the part of the output that was reasoning.
        total_tokens: the provider's own total.
        cost: what the provider says that it charges, in US dollars.
        raw: the provider's own last usage object.
        input_audio_tokens: the part of the prompt that was sound.
        output_audio_tokens: the part of the output that was sound.
        cache_read_audio_tokens: the part of ``cache_read_tokens`` that was sound.
        cache_write_1h_tokens: the part of ``cache_write_tokens`` that is kept for an hour (Claude).
        web_searches: searches that the provider ran, and charges for beside the tokens (Claude).
        service_tier: in which of the provider's tiers it was done, in its own word; prices differ between them.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    cache_read_audio_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    web_searches: int | None = None
    # No count, and in a stream known only at its end: it does not make two usages different.
    service_tier: str | None = field(default=None, compare=False)

    def __add__(self, other: Usage) -> Usage:
        if not isinstance(other, Usage):
            return NotImplemented
        sums: dict[str, Any] = {}
        for each in fields(Usage):
            if each.name not in ("raw", "service_tier"):
                counts = [count for usage in (self, other) if (count := getattr(usage, each.name)) is not None]
                sums[each.name] = sum(counts) if counts else None
        return Usage(**sums, service_tier=self.service_tier if self.service_tier == other.service_tier else None)

    def __radd__(self, other: int) -> Usage:
        return self if other == 0 else NotImplemented  # where sum() begins
