"""Token counts of the APIs in one vocabulary: sound, caches that last an hour, tiers; and sums of them."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async.models import Usage
from llm_async.protocols.chat_answer import read_answer
from llm_async.protocols.openai_responses import OpenAIResponses
from llm_async.protocols.usage import anthropic_usage, chat_usage, gemini_usage, responses_usage

from . import recorded

GEMINI = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 60,
    "candidatesTokenCount": 20,
    "toolUsePromptTokenCount": 5,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 40}, {"modality": "AUDIO", "tokenCount": 60}],
    "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
    "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}],
    "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 12}, {"modality": "AUDIO", "tokenCount": 8}],
    "serviceTier": "flex",
}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            chat_usage({"prompt_tokens_details": {"audio_tokens": 7}, "completion_tokens_details": {"audio_tokens": 0}}),
            {"input_audio_tokens": 7, "output_audio_tokens": 0},
        ),
        (chat_usage({"prompt_tokens": 1}), {"input_audio_tokens": None, "output_audio_tokens": None}),
        (
            responses_usage({"input_tokens_details": {"audio_tokens": 3}, "output_tokens_details": {"audio_tokens": 4}}),
            {"input_audio_tokens": 3, "output_audio_tokens": 4},
        ),
        (
            gemini_usage(GEMINI),
            {
                "input_tokens": 105, "output_tokens": 20, "input_audio_tokens": 65, "output_audio_tokens": 8,
                "cache_read_tokens": 60, "cache_read_audio_tokens": 50, "service_tier": "flex",
            },
        ),
        (
            gemini_usage({"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}, "odd", {}]}),
            {"input_audio_tokens": None, "output_audio_tokens": None},
        ),
        (gemini_usage({"candidatesTokensDetails": "odd"}), {"output_audio_tokens": None}),
        (
            anthropic_usage(
                {
                    "input_tokens": 1, "cache_creation_input_tokens": 30, "service_tier": "priority",
                    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                    "server_tool_use": {"web_search_requests": 2},
                }
            ),
            {"cache_write_tokens": 30, "cache_write_1h_tokens": 20, "web_searches": 2, "service_tier": "priority"},
        ),
        (anthropic_usage({"speed": "fast", "service_tier": "standard"}), {"service_tier": "fast"}),
        (anthropic_usage({"server_tool_use": None}), {"web_searches": None, "cache_write_1h_tokens": None}),
    ],
)  # fmt: skip
def test_what_a_usage_says_beside_the_whole_counts(usage: Usage, expected: dict[str, Any]) -> None:
    assert {name: getattr(usage, name) for name in expected} == expected


def test_the_tier_stands_beside_the_usage_in_openais_answers() -> None:
    choice = {"message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    chat = read_answer({"choices": [choice], "usage": {"prompt_tokens": 1}, "service_tier": "flex"})
    output = [{"type": "message", "content": [{"type": "output_text", "text": "a"}]}]
    responses = OpenAIResponses().read(
        {"output": output, "status": "completed", "usage": {"input_tokens": 1}, "service_tier": "priority"}
    )
    assert chat.usage is not None
    assert responses.usage is not None
    assert (chat.usage.service_tier, responses.usage.service_tier) == ("flex", "priority")


def test_usages_add_up() -> None:
    one = Usage(1, 2, None, 4, cost=0.5, raw={"a": 1}, input_audio_tokens=1, service_tier="flex")
    two = Usage(10, None, None, 40, cost=0.25, service_tier="flex")
    expected = Usage(11, 2, None, 44, cost=0.75, input_audio_tokens=1)
    assert one + two == sum([one, two]) == expected
    assert (one + two).service_tier == "flex"
    assert (one + Usage()).service_tier is None
    with pytest.raises(TypeError):
        one + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        1 + one  # type: ignore[operator]


@pytest.mark.skipif(recorded.folder() is None, reason="LLM_ASYNC_WIRE names no folder of recorded answers")
def test_every_recorded_usage_is_the_providers_own_arithmetic() -> None:
    """Input and output make the provider's total, and the parts fit into them."""
    root = recorded.folder()
    assert root is not None
    seen, odd = 0, {}
    for case in recorded.cases(root):
        if case.weak or case.status >= 300 or not isinstance(case.expected["summary"].get("usage"), dict):
            continue
        # Unified again from the oracle's object, which no code of this library has touched.
        unify = {"chat": chat_usage, "responses": responses_usage, "messages": anthropic_usage, "gemini": gemini_usage}
        usage = unify[case.dialect](case.expected["summary"]["usage"])
        if usage.input_tokens is None or usage.output_tokens is None:
            continue
        seen += 1
        cached = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        # Some servers of Chat Completions leave the cached tokens out of the prompt and of the total, and some count
        # reasoning with another tokenizer than the output: there the parts prove nothing.
        prompt = case.expected["summary"]["usage"].get("prompt_tokens")
        apart = case.dialect == "chat" and prompt is not None and usage.input_tokens == prompt + cached
        fits = (
            usage.total_tokens in (None, usage.input_tokens + usage.output_tokens - apart * cached)
            and cached <= usage.input_tokens
            and (case.dialect == "chat" or (usage.reasoning_tokens or 0) <= usage.output_tokens)
            and (usage.cache_write_1h_tokens or 0) <= (usage.cache_write_tokens or 0)
        )
        if not fits:
            odd[case.name] = usage.raw
    assert seen > 600
    assert odd == {}
