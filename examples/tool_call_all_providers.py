"""A tool-call round trip by hand, the same for every provider: question, call, result, answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, Literal

from setting import participants

from llm_async import BaseProvider, Message, tool


@tool
async def weather(city: Literal["Bergen", "Rome"]) -> dict[str, Any]:
    """Tell the weather in a city.

    Args:
        city: where.
    """
    await asyncio.sleep(0)  # a real one would ask somebody
    return {"sky": "rain", "degrees": 9} if city == "Bergen" else {"sky": "sun", "degrees": 21}


async def ask(provider: BaseProvider, model: str) -> None:
    """One round trip."""
    messages: list[Message | dict[str, Any]] = [{"role": "user", "content": "What is the weather in Bergen?"}]
    response = await provider.acomplete(model, messages, tools=[weather], tool_choice="required")
    message = response.main_response
    messages.append(message)  # as it came: it holds what the provider wants to see again
    for call in message.tool_calls or ():
        print(f"{provider.name()} calls {call.name}({call.arguments})")
        # The result comes back as the message that this provider takes.
        messages.append(await provider.execute_tool(call, {"weather": weather}))
    response = await provider.acomplete(model, messages, tools=[weather])
    print(f"{provider.name()} says: {response.main_response.content}")


async def run(argv: Sequence[str] | None) -> None:
    """One provider after the other."""
    async with participants(argv, __doc__) as providers:
        for provider, model in providers:
            await ask(provider, model)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
