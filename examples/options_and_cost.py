"""The same options for every provider, what each of them says that it counted, and what the answer cost."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from setting import participants

from llm_async import Cost, Usage

QUESTION = "How many primes are below 100?"


async def main(argv: Sequence[str] | None = None) -> None:
    """Ask every provider, and add up what they took."""
    usages: list[Usage] = []
    costs: list[Cost] = []
    async with participants(argv, __doc__) as providers:
        for provider, model in providers:
            response = await provider.acomplete(
                model,
                [{"role": "user", "content": QUESTION}],
                max_tokens=4000,
                # Each API takes the one that it knows: some an effort, some a number of tokens.
                reasoning={"effort": "low", "budget": 1024},
                stop="THE END",
                prompt_cache=True,
            )
            usage, cost = response.usage or Usage(), response.cost
            print(f"{provider.name()}: {usage.input_tokens} tokens in, {usage.output_tokens} out, {told(cost)}")
            usages.append(usage)
            if cost is not None:
                costs.append(cost)
    total = sum(usages, Usage())
    known = sum(costs, Cost(0.0))
    print(f"together: {total.input_tokens} tokens in, {total.output_tokens} out, at least ${known.amount:.6f}")


def told(cost: Cost | None) -> str:
    """A cost for people."""
    if cost is None:
        return "of unknown cost"
    return f"${cost.amount:.6f}, {'by ' if cost.estimated else 'as told by the '}{cost.source}"


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
