"""What a provider says about its rate limits in the headers of an answer, in one shape for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["RateLimit", "RateLimits"]


@dataclass(slots=True)  # and not frozen: one of them is made for nearly every answer
class RateLimit:
    """One limit. None: the provider did not say.

    Attributes:
        limit: how much is allowed in the provider's period.
        remaining: how much of it was left when the provider answered.
        reset: seconds from the answer until the limit is whole again.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


@dataclass(slots=True)  # and not frozen: one of them is made for nearly every answer
class RateLimits:
    """The limits that an answer speaks of. None: it does not speak of this one.

    Attributes:
        requests: requests in the provider's period; where it gives several periods, those of the minute.
        tokens: tokens of all kinds, in the same way.
        input_tokens: tokens of prompts, where they are counted apart.
        output_tokens: generated tokens, where they are counted apart.
        others: all further limits by the provider's name for them: ``"requests-day"``, ``"project-tokens"``,
            ``"priority-input-tokens"``.
    """

    requests: RateLimit | None = None
    tokens: RateLimit | None = None
    input_tokens: RateLimit | None = None
    output_tokens: RateLimit | None = None
    others: Mapping[str, RateLimit] = field(default_factory=dict)
