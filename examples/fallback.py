"""Several providers as one: when the first cannot be asked, the next one goes on with the conversation."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Literal

from setting import participants

from llm_async import Agent, Fallback, OpenAIProvider, RetryConfig
from llm_async.agent import TextDelta


def population(city: Literal["Bergen", "Rome"]) -> int:
    """Tell how many people live in a city."""
    return 290_000 if city == "Bergen" else 2_750_000


async def run(argv: Sequence[str] | None) -> None:
    """Ask a provider that is out, and those behind it."""
    async with participants(argv, __doc__) as others:
        # Nobody listens at this address.
        out = OpenAIProvider("any key", "http://127.0.0.1:9/v1", RetryConfig(max_attempts=1))
        provider = Fallback([(out, "gpt-5-mini"), *others])

        question = [{"role": "user", "content": "How are you?"}]
        async with await provider.acomplete(messages=question, stream=True) as response:
            async for chunk in response:
                print(chunk.delta, end="", flush=True)
        print(f"\n{response.provider_name} has answered")
        for call in response.fallbacks:
            print(f"{call.provider_name} had failed with {type(call.error).__name__}")

        agent = Agent(provider, tools=[population])
        async with agent.stream([{"role": "user", "content": "How many people live in Bergen?"}]) as run:
            async for event in run:
                if isinstance(event, TextDelta):
                    print(event.text, end="", flush=True)
        print(f"\n{(await run.result()).iterations} turns")
        await out.aclose()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
