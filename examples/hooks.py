"""What happens on the way: hooks are told of each request, each answer and each failure; answers have a clock."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from setting import participants

from llm_async import ErrorEvent, Hooks, LLMError, RequestEvent, ResponseEvent, RetryEvent


def on_request(event: RequestEvent) -> None:
    """Before each attempt. What is secret has been masked."""
    secrets = [name for name, value in event.headers.items() if value == "***"]
    print(f"#{event.number} attempt {event.attempt}: {event.method} {event.model}, masked: {secrets}")


async def on_response(event: ResponseEvent) -> None:
    """When the answer is whole; this one waits, and the call waits with it."""
    await asyncio.sleep(0)
    tokens = "?" if event.usage is None else event.usage.output_tokens
    print(f"#{event.request.number} status {event.status}, {tokens} tokens in {event.timing.total:.3f} s")


def on_retry(event: RetryEvent) -> None:
    """Before the wait for another attempt."""
    print(f"#{event.request.number} again in {event.delay:g} s: {event.error}")


def on_error(event: ErrorEvent) -> None:
    """When a call has failed for good."""
    print(f"#{event.request.number} failed: {type(event.error).__name__}")


async def run(argv: Sequence[str] | None) -> None:
    """A whole answer, a streamed one, and a request that the provider refuses."""
    async with participants(argv, __doc__) as providers:
        for provider, model in providers:
            provider.hooks = (Hooks(on_request, on_response, on_retry, on_error),)
            messages = [{"role": "user", "content": "Name a town with much rain."}]
            response = await provider.acomplete(model, messages)
            if response.rate_limits is not None and response.rate_limits.requests is not None:
                print(f"{provider.name()}: {response.rate_limits.requests.remaining} requests are left")
            async with await provider.acomplete(model, messages, stream=True) as stream:
                await stream.final()
            try:
                await provider.request("GET", "/no-such-thing")
            except LLMError as error:
                print(
                    f"{provider.name()}: request id {error.request_id}, {error.timing.total if error.timing else 0:.3f} s"
                )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the example; ``--demo`` needs no key."""
    asyncio.run(run(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
