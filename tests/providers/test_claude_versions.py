"""Which version of Claude's API is asked for, and which beta features."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llm_async import ClaudeProvider, UnsupportedError
from llm_async.testing import ProviderServer

HELLO = [{"role": "user", "content": "hi"}]


def headers_sent(headers: dict[str, str] | None = None, **settings: Any) -> dict[str, str]:
    async def run() -> dict[str, str]:
        async with ProviderServer() as server, ClaudeProvider("key", server.url("claude"), **settings) as provider:
            await provider.acomplete("m", HELLO, headers=headers)
            return dict(server.requests[-1].headers)

    return asyncio.run(run())


def test_the_version_of_0_5_is_asked_for_without_betas() -> None:
    headers = headers_sent()
    assert headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in headers


def test_another_version_and_betas_can_be_asked_for() -> None:
    headers = headers_sent(api_version="2026-10-21", betas=["a-2026-01-01", "b-2026-01-01"])
    assert headers["anthropic-version"] == "2026-10-21"
    assert headers["anthropic-beta"] == "a-2026-01-01,b-2026-01-01"
    assert headers_sent(betas="a-2026-01-01")["anthropic-beta"] == "a-2026-01-01"


def test_the_headers_of_a_call_win() -> None:
    headers = headers_sent({"Anthropic-Beta": "c", "anthropic-version": "2027-01-01"}, betas=["a"])
    assert (headers["anthropic-beta"], headers["anthropic-version"]) == ("c", "2027-01-01")


def test_a_subclass_may_still_set_the_version_as_a_constant() -> None:
    class Newer(ClaudeProvider):
        API_VERSION = "2026-10-21"

    assert Newer("key").api_version == "2026-10-21"


def test_the_newer_version_has_no_sampling() -> None:
    async def run() -> int:
        async with (
            ProviderServer() as server,
            ClaudeProvider("key", server.url("claude"), api_version="2026-10-21") as provider,
        ):
            with pytest.raises(UnsupportedError, match="temperature"):
                await provider.acomplete("claude-haiku-4-5", HELLO, temperature=0.5)
            return len(server.requests)

    assert asyncio.run(run()) == 0


def test_the_constructor_takes_what_every_provider_takes() -> None:
    provider = ClaudeProvider("key", "https://host/v1", None, {"timeout": 5}, headers={"x-a": "b"}, timeouts=3.0)
    assert provider.headers == {"x-a": "b"}
    with pytest.raises(TypeError, match="nonsense"):
        ClaudeProvider("key", nonsense=1)
