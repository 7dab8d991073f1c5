"""What an answer cost: the provider's own figure, else what a price list says.

What belongs here: the value, and the way to the list of the library ``genai-prices`` (``pip install llm-async[prices]``),
which is imported when a price is first looked up. The list is the library's own; nothing of it is repeated here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .usage import Usage

if TYPE_CHECKING:
    from .response import Response

__all__ = ["Cost", "cost_of", "estimate_cost"]

# The list's names for those whom this library calls otherwise.
_LISTED_AS = {
    "claude": "anthropic",
    "openairesponses": "openai",
    "azureresponses": "azure",
    "xai": "x-ai",
    "xairesponses": "x-ai",
    "vertex": "google",
    "vertexclaude": "google",
}
# The list's names for what a usage counts. All but the first are parts of others, and are left out where they are unknown.
_UNITS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "cache_read_audio_tokens": "cache_audio_read_tokens",
    "reasoning_tokens": "output_reasoning_tokens",
    "web_searches": "web_searches",
}


@dataclass(frozen=True)
class Cost:
    """An amount of money. Costs can be added, also with ``sum``; ``float(cost)`` is the amount.

    Attributes:
        amount: US dollars.
        estimated: whether it was computed from a price list. False: the provider itself has said it.
        source: ``"provider"``, or the list and its version; ``"cache"`` for an answer that cost nothing this time.
    """

    amount: float
    estimated: bool = False
    source: str = "provider"

    def __float__(self) -> float:
        return self.amount

    def __add__(self, other: Cost) -> Cost:
        if not isinstance(other, Cost):
            return NotImplemented
        sources = dict.fromkeys([*self.source.split(", "), *other.source.split(", ")])
        return Cost(self.amount + other.amount, self.estimated or other.estimated, ", ".join(sources))

    def __radd__(self, other: int) -> Cost:
        return self if other == 0 else NotImplemented  # where sum() begins


def estimate_cost(usage: Usage, model: str, *, provider: str | None = None, base_url: str | None = None) -> Cost:
    """What a usage costs by the price list of ``genai-prices``.

    Tokens read from a cache and written to one, sound, reasoning, searches and the service tier have their own prices
    where the list has them. What a provider charges beside these (containers, storage, discounts) is not in it.

    Args:
        usage: the counts.
        model: the model that answered, in its provider's spelling.
        provider: a provider's ``name()``, or the list's name for it.
        base_url: where the model was asked. It goes before ``provider`` where the list knows it.

    Raises:
        ImportError: the library is not there: ``pip install llm-async[prices]``.
        LookupError: the list has no price for the model.
        ValueError: the usage does not say what the price depends on.
    """
    if usage.input_tokens is None or usage.output_tokens is None:
        raise ValueError("the usage has no token counts, so that it has no price")
    try:
        import genai_prices
    except ImportError as error:
        raise ImportError("prices need genai-prices, which needs Python 3.11: pip install llm-async[prices]") from error
    counts = {unit: count for name, unit in _UNITS.items() if (count := getattr(usage, name)) is not None}
    tier = usage.service_tier
    # The list calls it by the name that each provider has for it.
    context = dict.fromkeys(("service_tier", "speed", "processing"), tier) if tier else None
    listed = provider and _LISTED_AS.get(provider, provider)
    for place in _places(listed, base_url):
        try:
            price = genai_prices.calc_price(genai_prices.Usage(**counts), model, price_context=context, **place)
        except LookupError:
            continue
        return Cost(float(price.total_price), True, f"genai-prices {genai_prices.__version__}")
    raise LookupError(f"the price list has no model {model!r} of {base_url or provider or 'any provider'}")


def _places(provider: str | None, base_url: str | None) -> list[dict[str, Any]]:
    """Where to look: at the address, else at the provider whose gateway it may be; without either, everywhere."""
    places: list[dict[str, Any]] = []
    if base_url:
        places.append({"provider_api_url": base_url})
    if provider:
        places.append({"provider_id": provider})
    return places or [{}]


def cost_of(response: Response) -> Cost | None:
    """What an answer cost, or None where nobody knows; see :attr:`Response.cost`."""
    usage = response.usage
    if response.cached:
        return Cost(0.0, source="cache")
    if usage is None:
        return None
    if usage.cost is not None:
        return Cost(usage.cost)
    if response.model is None:
        return None
    try:
        return estimate_cost(usage, response.model, provider=response.provider_name, base_url=response.base_url)
    except (ImportError, LookupError, ValueError):
        return None
