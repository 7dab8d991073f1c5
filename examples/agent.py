"""An agent: the model calls tools until it has an answer, and every event is shown as it happens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Literal

from setting import participants

from llm_async import Agent, tool
from llm_async.agent import TextDelta, ToolFinished, ToolStarted

City = Literal["Bergen", "Rome"]


@tool
async def weather(city: City) -> str:
    """Tell the weather in a city."""
    return "rain, 9 °C" if city == "Bergen" else "sun, 21 °C"


@tool
def population(city: City) -> int:
    """Tell how many people live in a city."""
    return 290_000 if city == "Bergen" else 2_750_000


async def run(argv: Sequence[str] | None) -> None:
    """One question to the first provider that can be asked."""
    async with participants(argv, __doc__) as [(provider, model), *_]:
        agent = Agent(provider, model, tools=[weather, population], max_iter=5)
        question = [{"role": "user", "content": "How many people in Bergen need an umbrella today?"}]
        async with agent.stream(question) as run:
            async for event in run:
                if isinstance(event, TextDelta):
                    print(event.text, end="", flush=True)
                elif isinstance(event, ToolStarted):
                    print(f"calls {event.call.name}({event.call.arguments})")
                elif isinstance(event, ToolFinished):
                    print(f"{event.call.name} {'failed with' if event.is_error else 'gave'} {event.content}")
        result = await run.result()
        print(f"\n{result.iterations} turns, {len(result.messages)} messages, {result.usage.total_tokens} tokens")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
