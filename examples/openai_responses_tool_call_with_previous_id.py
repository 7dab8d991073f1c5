"""OpenAI's Responses API keeps the conversation: only the tool's result is sent, with the id of the answer before it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from setting import participants

from llm_async import OpenAIResponsesProvider, tool


@tool
def multiply(a: int, b: int) -> int:
    """Multiply two whole numbers."""
    return a * b


async def run(argv: Sequence[str] | None) -> None:
    """Question and call; then the result alone."""
    async with participants(argv, __doc__, [OpenAIResponsesProvider]) as [(provider, model)]:
        question = [{"role": "user", "content": "What is 6 times 7? Use the tool."}]
        response = await provider.acomplete(model, question, tools=[multiply], tool_choice="required")
        results = []
        for call in response.main_response.tool_calls or ():
            print(f"{response.id} calls {call.name}({call.arguments})")
            results.append(await provider.execute_tool(call, {"multiply": multiply}))
        response = await provider.acomplete(
            model, results, tools=[multiply], previous_response_id=response.original["id"]
        )
        print(f"{response.id} says: {response.main_response.content}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
