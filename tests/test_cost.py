"""What an answer cost: the provider's figure, else a price list's; who knows, who does not, and how it adds up."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llm_async
from llm_async import (
    BaseProvider,
    ClaudeProvider,
    Cost,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
    Response,
    Usage,
    estimate_cost,
)
from llm_async.providers.addresses import without_query
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer, Raw

HELLO = [{"role": "user", "content": "hi"}]


def chat(usage: dict[str, Any], model: str, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "hello"}
    return {
        "id": "1", "model": model, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage, **more,
    }  # fmt: skip


def messages(usage: dict[str, Any], model: str) -> dict[str, Any]:
    return {
        "id": "1", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "hello"}], "usage": usage,
    }  # fmt: skip


def responses(usage: dict[str, Any], model: str, **more: Any) -> dict[str, Any]:
    item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]}
    return {"id": "1", "model": model, "status": "completed", "output": [item], "usage": usage, **more}


def gemini(usage: dict[str, Any], model: str) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": "hello"}]}
    return {
        "candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage, "modelVersion": model,
    }  # fmt: skip


def whole(body: dict[str, Any]) -> Raw:
    return Raw(json.dumps(body).encode(), headers={"content-type": "application/json"})


async def answers(provider_class: type[BaseProvider], body: dict[str, Any]) -> Response:
    async with ProviderServer() as server:
        server.script(whole(body))
        url = server.url(provider_class.name())
        async with provider_class("key", url, retry_config=RetryConfig(max_attempts=1)) as provider:
            return await provider.acomplete("asked", HELLO)


def response(usage: Usage | None, model: str | None = "gpt-4o", provider: str = "openai", **more: Any) -> Response:
    return Response({}, provider, usage=usage, model=model, **more)


@pytest.mark.parametrize(
    ("provider_class", "body", "amount"),
    [
        (OpenRouterProvider, chat({"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.5}, "m"), 0.5),
        (OpenAIProvider, chat({"prompt_tokens": 1, "cost_in_usd_ticks": 15_000_000_000}, "grok-4.5"), 1.5),
        (OpenAIResponsesProvider, responses({"input_tokens": 1, "cost_in_usd_ticks": 10**10}, "grok-4.5"), 1.0),
        (OpenAIProvider, chat({"prompt_tokens": 1, "cost": {"total_cost": 0.25}}, "sonar"), 0.25),
        (OpenRouterProvider, chat({"prompt_tokens": 1, "completion_tokens": 1, "cost": 0}, "m:free"), 0.0),
    ],
)
def test_what_the_provider_says_is_the_cost(
    provider_class: type[BaseProvider], body: dict[str, Any], amount: float
) -> None:
    assert asyncio.run(answers(provider_class, body)).cost == Cost(amount, estimated=False, source="provider")


def test_what_the_provider_says_goes_before_any_list() -> None:
    assert response(Usage(1000, 1000, cost=0.5)).cost == Cost(0.5)


def test_an_answer_from_a_cache_costs_nothing() -> None:
    assert response(Usage(1000, 1000, cost=0.5), cached=True).cost == Cost(0.0, source="cache")


@pytest.mark.parametrize(
    "unknown",
    [
        response(None),
        response(Usage()),
        response(Usage(1000, None)),
        response(Usage(1, 1), model=None),
        response(Usage(1, 1), model="a-model-of-our-own"),
        response(Usage(1, 1), model="gpt-4o", provider="ours"),
    ],
)
def test_a_cost_that_nobody_knows_is_none(unknown: Response) -> None:
    assert unknown.cost is None


def test_costs_add_up() -> None:
    listed = Cost(0.5, estimated=True, source="a list")
    assert Cost(0.25) + listed == Cost(0.75, estimated=True, source="provider, a list")
    assert sum([Cost(0.25), Cost(0.25)]) == Cost(0.5)
    assert float(listed) == 0.5
    with pytest.raises(TypeError):
        listed + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        1 + listed  # type: ignore[operator]


def test_a_stream_has_its_cost_at_its_end() -> None:
    async def run() -> tuple[Cost | None, Cost | None, Response]:
        async with ProviderServer() as server:
            server.script(whole(chat({"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.5}, "m")))
            async with OpenRouterProvider("key", server.url("openrouter")) as provider:
                streaming = await provider.acomplete("m", HELLO, stream=True)
                before = streaming.cost
                await streaming.final()
                return before, streaming.cost, streaming

    before, after, streaming = asyncio.run(run())
    assert (before, after) == (None, Cost(0.5))
    assert pickle.loads(pickle.dumps(streaming)).cost == Cost(0.5)


def test_the_address_that_was_asked_is_kept_without_what_is_secret_in_it() -> None:
    async def run() -> tuple[str, Response, Response]:
        async with ProviderServer() as server:
            url = server.url("openai")
            async with OpenAIProvider("key", url + "?token=secret") as provider:
                streaming = await provider.acomplete("m", HELLO, stream=True)
                await streaming.final()
                return url, await provider.acomplete("m", HELLO), streaming

    url, *both = asyncio.run(run())
    for answer in both:
        assert answer.base_url == url
        assert "base_url" not in repr(answer)
    assert without_query("https://user:word@host/v1?token=secret") == "https://host/v1"


def test_without_the_library_a_price_is_asked_for_by_the_name_of_its_extra() -> None:
    program = (
        "import sys; sys.modules['genai_prices'] = None\n"
        "from llm_async import Response, Usage, estimate_cost\n"
        "assert Response({}, 'openai', usage=Usage(1, 1), model='gpt-4o').cost is None\n"
        "try:\n    estimate_cost(Usage(1, 1), 'gpt-4o')\n"
        "except ImportError as error:\n    print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50,
        env={**os.environ, "PYTHONPATH": str(Path(llm_async.__file__).parents[1])},
    )  # fmt: skip
    assert "pip install llm-async[prices]" in ended.stdout


# ---- the list


@pytest.fixture(scope="module")
def prices() -> Any:
    return pytest.importorskip("genai_prices", reason="genai-prices needs Python 3.11")


def listed(prices: Any, provider: str, model: str, **counts: int) -> float:
    """What the list's own arithmetic says."""
    return float(prices.calc_price(prices.Usage(**counts), model, provider_id=provider).total_price)


@pytest.mark.parametrize(
    ("provider_class", "body", "provider", "counts"),
    [
        (
            OpenAIProvider,
            chat({"prompt_tokens": 1000, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 600}}, "gpt-4o"),
            "openai",
            {"input_tokens": 1000, "output_tokens": 50, "cache_read_tokens": 600},
        ),
        (
            OpenAIResponsesProvider,
            responses(
                {"input_tokens": 1000, "output_tokens": 50, "input_tokens_details": {"cache_write_tokens": 400}}, "gpt-5.6-sol"
            ),
            "openai",
            {"input_tokens": 1000, "output_tokens": 50, "cache_write_tokens": 400},
        ),
        (
            ClaudeProvider,
            messages(
                {
                    "input_tokens": 100, "output_tokens": 50, "cache_read_input_tokens": 600,
                    "cache_creation_input_tokens": 300, "server_tool_use": {"web_search_requests": 2},
                    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
                },
                "claude-opus-5-5",
            ),
            "anthropic",
            {
                "input_tokens": 1000, "output_tokens": 50, "cache_read_tokens": 600, "cache_write_tokens": 300,
                "cache_write_1h_tokens": 200, "web_searches": 2,
            },
        ),
        (
            GoogleProvider,
            gemini(
                {
                    "promptTokenCount": 1000, "candidatesTokenCount": 20, "thoughtsTokenCount": 30,
                    "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 700}],
                },
                "gemini-2.5-flash",
            ),
            "google",
            {"input_tokens": 1000, "output_tokens": 50, "input_audio_tokens": 700},
        ),
    ],
)  # fmt: skip
def test_without_the_providers_word_the_cost_is_an_estimate_by_the_list(
    prices: Any, provider_class: type[BaseProvider], body: dict[str, Any], provider: str, counts: dict[str, int]
) -> None:
    cost = asyncio.run(answers(provider_class, body)).cost
    assert cost is not None
    assert cost == Cost(listed(prices, provider, _model(body), **counts), True, f"genai-prices {prices.__version__}")
    assert cost.amount > 0


def _model(body: dict[str, Any]) -> str:
    return str(body.get("model") or body["modelVersion"])


def test_every_part_has_its_own_price(prices: Any) -> None:
    price = prices.calc_price(prices.Usage(input_tokens=1), "claude-opus-5-5", provider_id="anthropic").model_price
    usage = Usage(1_000_000, 0, 400_000, 300_000, cache_write_1h_tokens=100_000)
    expected = (
        price.input_mtok * Decimal("0.3") + price.cache_read_mtok * Decimal("0.4")
        + price.cache_write_mtok * Decimal("0.2") + price.cache_write_1h_mtok * Decimal("0.1")
    )  # fmt: skip
    assert estimate_cost(usage, "claude-opus-5-5", provider="claude").amount == pytest.approx(float(expected))


def test_a_tier_has_its_own_prices(prices: Any) -> None:
    standard = estimate_cost(Usage(1000, 1000, service_tier="default"), "gpt-5.6-sol", provider="openai")
    flex = estimate_cost(Usage(1000, 1000, service_tier="flex"), "gpt-5.6-sol", provider="openai")
    priority = estimate_cost(Usage(1000, 1000, service_tier="priority"), "gpt-5.6-sol", provider="openai")
    assert flex.amount < standard.amount < priority.amount


def test_the_address_goes_before_the_name_and_an_unknown_one_is_a_gateway(prices: Any) -> None:
    usage = Usage(1000, 1000)
    groq = estimate_cost(usage, "llama-3.3-70b-versatile", provider="openai", base_url="https://api.groq.com/openai/v1")
    assert groq.amount == pytest.approx(
        listed(prices, "groq", "llama-3.3-70b-versatile", input_tokens=1000, output_tokens=1000)
    )
    gateway = estimate_cost(usage, "gpt-4o", provider="openai", base_url="https://gateway.example/v1")
    assert gateway == estimate_cost(usage, "gpt-4o", provider="openai") == estimate_cost(usage, "gpt-4o")


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("claude", "claude-sonnet-4-5"),
        ("openairesponses", "gpt-5"),
        ("google", "gemini-2.5-pro"),
        ("vertex", "gemini-2.5-pro"),
        ("vertexclaude", "claude-sonnet-4-5"),
        ("azure", "gpt-4o"),
        ("azureresponses", "gpt-4o"),
        ("xai", "grok-4.3"),
        ("xairesponses", "grok-4.3"),
        ("deepseek", "deepseek-chat"),
        ("groq", "llama-3.3-70b-versatile"),
        ("mistral", "mistral-large-latest"),
    ],
)
def test_the_list_knows_the_providers_by_our_names(prices: Any, name: str, model: str) -> None:
    assert estimate_cost(Usage(1000, 1000), model, provider=name).amount > 0


def test_why_there_is_no_price_is_said(prices: Any) -> None:
    with pytest.raises(LookupError, match="'a-model-of-our-own' of openai"):
        estimate_cost(Usage(1, 1), "a-model-of-our-own", provider="openai")
    with pytest.raises(ValueError, match="no token counts"):
        estimate_cost(Usage(), "gpt-4o")
    # What was read from a cache and was sound at the same time is not said, and costs otherwise.
    with pytest.raises(ValueError, match="cache_audio_read_tokens"):
        estimate_cost(Usage(100, 1, 50, input_audio_tokens=60), "gemini-2.5-flash", provider="google")
