"""A call that failed before another provider was asked."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FailedCall"]


@dataclass(frozen=True)
class FailedCall:
    """Whom a fallback had asked in vain.

    Attributes:
        provider_name: the provider's ``name()``.
        model: the model that was asked, or None where the server chooses it.
        error: what the call failed with, without its traceback.
    """

    provider_name: str
    model: str | None
    error: Exception
