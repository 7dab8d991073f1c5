"""What was said goes when nobody holds it any more: no reference cycle keeps answers until a garbage collection."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter

import pytest

from llm_async.providers import BaseProvider
from llm_async.testing import ProviderServer, Text, ToolCalls

from .spoken import SPOKEN, Spoken


async def _answers(provider: BaseProvider, server: ProviderServer) -> None:
    """Ask in every way, and let go of what comes."""
    server.script(Text("one two three", reasoning="Well."), times=2)
    server.script(ToolCalls(("weather", {"city": "Oslo"})), times=2)
    for stream in (True, False, True, False):
        response = await provider.acomplete("m", [{"role": "user", "content": "hello"}], stream=stream)
        await response.final()
    server.requests.clear()


@pytest.mark.parametrize("spoken", SPOKEN, ids=lambda spoken: spoken.name)
def test_an_answer_that_was_read_leaves_nothing_to_the_garbage_collector(spoken: Spoken) -> None:
    async def run() -> None:
        async with ProviderServer() as server:
            provider_class = spoken.provider
            async with provider_class(api_key="key", base_url=server.url(provider_class.name())) as provider:
                await _answers(provider, server)
                gc.collect()
                gc.disable()
                gc.set_debug(gc.DEBUG_SAVEALL)
                try:
                    await _answers(provider, server)
                    gc.collect()
                    left = Counter(type(thing).__name__ for thing in gc.garbage if _is_ours(thing))
                finally:
                    gc.set_debug(0)
                    gc.garbage.clear()
                    gc.enable()
                assert not left

    asyncio.run(run())


def _is_ours(thing: object) -> bool:
    return type(thing).__module__.startswith("llm_async.") and "testing" not in type(thing).__module__
