"""One vocabulary of request options: what each API is told, what wins, what is refused before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from llm_async.errors import UnsupportedError
from llm_async.models import ResponseSchema, Tool
from llm_async.protocols.anthropic import DEFAULT_MAX_TOKENS, AnthropicMessages
from llm_async.protocols.base import Call, Protocol
from llm_async.protocols.chat_dialect import ChatDialect
from llm_async.protocols.families import EFFORTS, ModelFamily, model_families
from llm_async.protocols.gemini import Gemini
from llm_async.protocols.openai_chat import OpenAIChat
from llm_async.protocols.openai_responses import OpenAIResponses
from llm_async.protocols.openrouter import OpenRouter

CHAT, RESPONSES, CLAUDE, GEMINI, ROUTER = OpenAIChat(), OpenAIResponses(), AnthropicMessages(), Gemini(), OpenRouter()
OWN_CHAT, OWN_RESPONSES = OpenAIChat(first_party=True), OpenAIResponses(first_party=True)
TOOL = Tool("f", "a tool", {"type": "object", "properties": {}})
ALWAYS = {"model", "messages", "input", "contents", "stream", "tools"}
ADAPTIVE = {"type": "adaptive"}


def request(protocol: Protocol, model: str, *, tools: bool = False, **call: Any) -> dict[str, Any]:
    offered = protocol.format_tools([TOOL]) if tools else None
    return protocol.request(Call(model, [{"role": "user", "content": "hi"}], tools=offered, **call)).body


def said(protocol: Protocol, model: str, *, tools: bool = False, **options: Any) -> dict[str, Any]:
    """What the options made of a request."""
    body = request(protocol, model, tools=tools, options=options)
    return {
        name: value for name, value in body.items()
        if name not in ALWAYS and not (name == "max_tokens" and value == DEFAULT_MAX_TOKENS)
    }  # fmt: skip


def thinking(**config: Any) -> dict[str, Any]:
    return {"generationConfig": {"thinkingConfig": config}}


def budget(tokens: int, most: int | None = None) -> dict[str, Any]:
    most = DEFAULT_MAX_TOKENS + tokens if most is None else most
    return {"max_tokens": most, "thinking": {"type": "enabled", "budget_tokens": tokens}}


@pytest.mark.parametrize(
    ("protocol", "model", "options", "expected"),
    [
        # the cap of the output
        (CHAT, "gpt-4o", {"max_tokens": 9}, {"max_tokens": 9}),
        (CHAT, "gpt-oss-120b", {"max_tokens": 9}, {"max_tokens": 9}),
        (CHAT, "llama-o3", {"max_tokens": 9}, {"max_tokens": 9}),
        (CHAT, "o1", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        (CHAT, "o4-mini-2025-04-16", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        (CHAT, "gpt-5", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        (CHAT, "openai/gpt-5.1-mini", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        (CHAT, "ft:gpt-5-nano:ours", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        (CHAT, "gpt-10", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        (CHAT, "gpt-5", {"max_tokens": None}, {}),
        (CHAT, "gpt-4o", {"max_tokens": None}, {"max_tokens": None}),
        (ROUTER, "openai/gpt-5", {"max_tokens": 9}, {"max_tokens": 9}),
        (RESPONSES, "gpt-4o", {"max_tokens": 9}, {"max_output_tokens": 9}),
        (RESPONSES, "gpt-4o", {"max_tokens": None}, {}),
        (GEMINI, "gemini-3-flash", {"max_tokens": 9}, {"generationConfig": {"maxOutputTokens": 9}}),
        # a field in the API's own words wins
        (CHAT, "gpt-5", {"max_tokens": 9, "max_completion_tokens": 8}, {"max_completion_tokens": 8}),
        (CHAT, "gpt-4o", {"max_tokens": 9, "max_completion_tokens": 8}, {"max_tokens": 9, "max_completion_tokens": 8}),
        (CHAT, "gpt-5", {"reasoning": "low", "reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        (CHAT, "m", {"reasoning": {"effort": "low", "mine": 1}}, {"reasoning": {"effort": "low", "mine": 1}}),
        (CHAT, "m", {"reasoning": None}, {"reasoning": None}),
        (CHAT, "m", {"prompt_cache": "24h", "prompt_cache_retention": "in_memory"}, {"prompt_cache_retention": "in_memory"}),
        (RESPONSES, "m", {"max_tokens": 9, "max_output_tokens": 8}, {"max_output_tokens": 8}),
        (RESPONSES, "m", {"reasoning": {"mode": "pro"}}, {"reasoning": {"mode": "pro"}}),
        (RESPONSES, "m", {"prompt_cache": {"key": "a"}, "prompt_cache_key": "b"}, {"prompt_cache_key": "b"}),
        (ROUTER, "m", {"reasoning": {"enabled": True}}, {"reasoning": {"enabled": True}}),
        (ROUTER, "m", {"reasoning": "low", "reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        (CLAUDE, "claude-opus-5", {"reasoning": "low", "thinking": ADAPTIVE}, {"thinking": ADAPTIVE}),
        (
            CLAUDE, "claude-opus-5", {"reasoning": "low", "output_config": {"effort": "max", "x": 1}},
            {"thinking": ADAPTIVE, "output_config": {"effort": "max", "x": 1}},
        ),
        (CLAUDE, "m", {"stop": "a", "stop_sequences": ["b"]}, {"stop_sequences": ["b"]}),
        (CLAUDE, "m", {"user": "a", "metadata": {"user_id": "b"}}, {"metadata": {"user_id": "b"}}),
        (CLAUDE, "m", {"prompt_cache": "1h", "cache_control": {"mine": 1}}, {"cache_control": {"mine": 1}}),
        (GEMINI, "gemini-3", {"max_tokens": 9, "generation_config": {"max_output_tokens": 8}},
         {"generationConfig": {"max_output_tokens": 8}}),
        (GEMINI, "gemini-3", {"reasoning": "low", "thinking_config": {"mine": 1}},
         {"generationConfig": {"thinkingConfig": {"mine": 1}}}),
        (GEMINI, "gemini-3", {"reasoning": "low", "generationConfig": {"thinkingConfig": {"mine": 1}}},
         {"generationConfig": {"thinkingConfig": {"mine": 1}}}),
        (GEMINI, "gemini-3", {"metadata": {"a": "b"}, "labels": {"c": "d"}}, {"labels": {"c": "d"}}),
        (GEMINI, "gemini-3", {"prompt_cache": "cachedContents/1", "cached_content": "2"}, {"cached_content": "2"}),
        # reasoning
        (CHAT, "gpt-5.6", {"reasoning": False}, {"reasoning_effort": "none"}),
        (CHAT, "gpt-5.6", {"reasoning": 0}, {"reasoning_effort": "none"}),
        (CHAT, "gpt-5.6", {"reasoning": {"effort": "high", "budget": 5000}}, {"reasoning_effort": "high"}),
        (CHAT, "gpt-5.6", {"reasoning": {"effort": "high", "budget": 0}}, {"reasoning_effort": "none"}),
        (CHAT, "gpt-5.6", {"reasoning": {"effort": "high", "summary": False}}, {"reasoning_effort": "high"}),
        (CHAT, "deepseek-reasoner", {"reasoning": "none"}, {"thinking": {"type": "disabled"}}),
        (CHAT, "deepseek-reasoner", {"reasoning": "none", "thinking": 1}, {"thinking": 1}),
        (CHAT, "grok-4.20-fast", {"reasoning": "none"}, {}),
        (RESPONSES, "gpt-5.6", {"reasoning": {"effort": "high", "summary": "detailed"}},
         {"reasoning": {"effort": "high", "summary": "detailed"}}),
        (RESPONSES, "gpt-5.6", {"reasoning": {"summary": True}}, {"reasoning": {"summary": "auto"}}),
        (RESPONSES, "gpt-5.6", {"reasoning": {"summary": False}}, {}),
        (RESPONSES, "gpt-6.1-sol", {"reasoning": "max"}, {"reasoning": {"effort": "max"}}),
        (ROUTER, "m", {"reasoning": 4000}, {"reasoning": {"max_tokens": 4000}}),
        (ROUTER, "m", {"reasoning": {"effort": "low", "summary": "auto"}},
         {"reasoning": {"effort": "low", "summary": "auto"}}),
        (ROUTER, "m", {"reasoning": {"effort": "low", "summary": False}},
         {"reasoning": {"effort": "low", "exclude": True}}),
        (CLAUDE, "claude-3-7-sonnet-20250219", {"reasoning": 3000}, budget(3000)),
        (CLAUDE, "claude-sonnet-4-20250514", {"reasoning": "low"}, budget(2048)),
        (CLAUDE, "us.anthropic.claude-haiku-4-5-20251001-v1:0", {"reasoning": "minimal"}, budget(1024)),
        (CLAUDE, "claude-sonnet-4-5", {"reasoning": "high", "max_tokens": 5000}, budget(4000, 5000)),
        (CLAUDE, "claude-sonnet-4-5", {"reasoning": "high", "max_tokens": 1100}, budget(1024, 1100)),
        (CLAUDE, "claude-sonnet-4-5", {"reasoning": {"summary": True}}, {}),
        (CLAUDE, "claude-sonnet-4-6", {"reasoning": 3000}, budget(3000)),
        (CLAUDE, "claude-sonnet-4-6", {"reasoning": {"budget": 3000, "effort": "low"}},
         {"thinking": ADAPTIVE, "output_config": {"effort": "low"}}),
        (CLAUDE, "claude-opus-4-7@20260401", {"reasoning": {"summary": "auto"}},
         {"thinking": {"type": "adaptive", "display": "summarized"}}),
        (CLAUDE, "claude-haiku-5-5", {"reasoning": {"effort": "max", "summary": False}},
         {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max"}}),
        (CLAUDE, "claude-3-5-haiku-20241022", {"reasoning": "none"}, {}),
        (GEMINI, "models/gemini-2.5-flash", {"reasoning": "low"}, thinking(thinkingBudget=1024)),
        (GEMINI, "gemini-2.5-flash", {"reasoning": {"budget": 700, "summary": True}},
         thinking(thinkingBudget=700, includeThoughts=True)),
        (GEMINI, "gemini-3-pro-preview", {"reasoning": {"budget": 700, "effort": "low"}}, thinking(thinkingLevel="LOW")),
        (GEMINI, "gemini-flash-latest", {"reasoning": "minimal"}, thinking(thinkingLevel="MINIMAL")),
        (GEMINI, "gemini-2.0-flash", {"reasoning": "none"}, {}),
        # caching
        (CHAT, "m", {"prompt_cache": True}, {}),
        (CHAT, "m", {"prompt_cache": False}, {}),
        (CHAT, "m", {"prompt_cache": {"key": "k", "ttl": "30m"}},
         {"prompt_cache_key": "k", "prompt_cache_options": {"ttl": "30m"}}),
        (RESPONSES, "m", {"prompt_cache": "12h"}, {"prompt_cache_options": {"ttl": "12h"}}),
        (CLAUDE, "m", {"prompt_cache": {"key": "k"}}, {"cache_control": {"type": "ephemeral"}}),
        (CLAUDE, "m", {"prompt_cache": None}, {}),
        (GEMINI, "m", {"prompt_cache": {"key": "k", "name": "cachedContents/1"}}, {"cachedContent": "cachedContents/1"}),
        # the rest
        (CHAT, "gpt-5", {"temperature": 0.1, "stop": ["a"]}, {"temperature": 0.1, "stop": ["a"]}),
        (RESPONSES, "m", {"seed": 1, "stop": ["a"]}, {"seed": 1, "stop": ["a"]}),
        (CLAUDE, "claude-opus-5", {"temperature": 1.0, "top_p": 1}, {"temperature": 1.0, "top_p": 1}),
        (CLAUDE, "deepseek-chat", {"temperature": 0.1}, {"temperature": 0.1}),
        (CLAUDE, "m", {"parallel_tool_calls": False}, {}),
        (GEMINI, "m", {"parallel_tool_calls": True}, {}),
        (GEMINI, "m", {"stop": "a", "top_p": 0.5, "seed": 1},
         {"generationConfig": {"stopSequences": ["a"], "topP": 0.5, "seed": 1}}),
    ],
)  # fmt: skip
def test_an_option_is_said_in_the_words_of_the_api(
    protocol: Protocol, model: str, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert said(protocol, model, **options) == expected


@pytest.mark.parametrize(
    ("protocol", "model", "options", "named"),
    [
        (CHAT, "gpt-5", {"reasoning": 1000}, "budget"),
        (CHAT, "gpt-5", {"reasoning": "none"}, "minimal, low, medium"),
        (CHAT, "gpt-5.6", {"reasoning": "minimal"}, "minimal"),
        (CHAT, "gpt-6.1-sol", {"reasoning": "max"}, "max"),
        (CHAT, "gpt-5.6", {"reasoning": {"effort": "low", "summary": "auto"}}, "summary"),
        (CHAT, "grok-4.20-fast", {"reasoning": "low"}, "reasoning"),
        (CHAT, "grok-4.3", {"reasoning": "xhigh"}, "xhigh"),
        (CHAT, "m", {"prompt_cache": "1h"}, "prompt_cache"),
        (CHAT, "m", {"prompt_cache": "cachedContents/1"}, "named cache"),
        (RESPONSES, "gpt-5", {"reasoning": 1000}, "budget"),
        (RESPONSES, "m", {"prompt_cache": "5m"}, "prompt_cache"),
        (ROUTER, "m", {"prompt_cache": "24h"}, "prompt_cache"),
        (CLAUDE, "m", {"seed": 1}, "seed"),
        (CLAUDE, "m", {"metadata": {"user_id": "a", "b": "c"}}, "'b'"),
        (CLAUDE, "m", {"prompt_cache": "24h"}, "prompt_cache"),
        (CLAUDE, "claude-opus-4-7", {"temperature": 0.5}, "temperature"),
        (CLAUDE, "claude-sonnet-5", {"top_k": 5}, "top_k"),
        (CLAUDE, "claude-opus-5", {"reasoning": 2000}, "budget"),
        (CLAUDE, "claude-opus-5", {"reasoning": "minimal"}, "minimal"),
        (CLAUDE, "claude-sonnet-4-5", {"reasoning": "max"}, "max"),
        (CLAUDE, "claude-3-opus-20240229", {"reasoning": "low"}, "reasoning"),
        (AnthropicMessages(version="2026-10-21"), "claude-3-haiku", {"temperature": 1}, "2026-10-21"),
        (AnthropicMessages(version="2026-12-01"), "m", {"top_p": 1}, "top_p"),
        (GEMINI, "m", {"user": "u"}, "user"),
        (GEMINI, "m", {"parallel_tool_calls": False}, "parallel_tool_calls"),
        (GEMINI, "m", {"prompt_cache": "1h"}, "prompt_cache"),
        (GEMINI, "gemini-3-flash", {"reasoning": "none"}, "none"),
        (GEMINI, "gemini-3-pro-preview", {"reasoning": "minimal"}, "minimal"),
        (GEMINI, "gemini-3.8-flash", {"reasoning": 100}, "budget"),
        (GEMINI, "gemini-4-neon", {"presence_penalty": 1}, "presence_penalty"),
        (GEMINI, "gemini-2.5-pro", {"reasoning": False}, "none"),
        (GEMINI, "gemini-2.0-flash", {"reasoning": "low"}, "reasoning"),
        (OWN_CHAT, "gpt-5", {"temperature": 0.5}, "temperature"),
        (OWN_CHAT, "o3", {"stop": "a"}, "stop"),
        (OWN_CHAT, "gpt-5.1", {"temperature": 0.5, "reasoning": "low"}, "while it reasons"),
        (OWN_CHAT, "gpt-5.1", {"temperature": 0.5, "reasoning_effort": "low"}, "while it reasons"),
        (OWN_RESPONSES, "gpt-5.1", {"temperature": 0.5, "reasoning": {"effort": "low"}}, "while it reasons"),
        (OWN_RESPONSES, "gpt-5.6", {"top_p": 0.5}, "top_p"),
        (OWN_RESPONSES, "gpt-4o", {"seed": 1}, "seed"),
        (OWN_RESPONSES, "gpt-4o", {"stop": "a"}, "stop"),
    ],
)  # fmt: skip
def test_what_has_no_place_is_refused_before_it_is_sent(
    protocol: Protocol, model: str, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(UnsupportedError, match=named):
        said(protocol, model, **options)


@pytest.mark.parametrize(
    ("protocol", "model", "options"),
    [
        (OWN_CHAT, "gpt-5", {"temperature": 1}),
        (OWN_CHAT, "gpt-5.1", {"temperature": 0.5}),
        (OWN_CHAT, "gpt-5.6", {"temperature": 0.5, "reasoning": "none"}),
        (OWN_CHAT, "gpt-4o", {"temperature": 0.5, "stop": "a"}),
        (OWN_RESPONSES, "gpt-5.1", {"temperature": 0.5}),
        (OWN_RESPONSES, "gpt-5.6", {"temperature": 0.5, "reasoning": {"effort": "none"}}),
    ],
)
def test_openai_itself_is_sent_what_its_models_take(protocol: Protocol, model: str, options: dict[str, Any]) -> None:
    body = request(protocol, model, options=options)
    assert {name: body[name] for name in options if name != "reasoning"} == {
        name: value for name, value in options.items() if name != "reasoning"
    }


@pytest.mark.parametrize("protocol", [CHAT, RESPONSES, CLAUDE, GEMINI, ROUTER])
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"reasoning": "a lot"}, ValueError),
        ({"reasoning": True}, TypeError),
        ({"reasoning": -1}, ValueError),
        ({"reasoning": 1.5}, TypeError),
        ({"reasoning": {"effort": 3}}, ValueError),
        ({"reasoning": {"budget": "3"}}, ValueError),
        ({"prompt_cache": 5}, TypeError),
        ({"prompt_cache": {"until": "tomorrow"}}, ValueError),
    ],
)
def test_a_value_that_the_vocabulary_does_not_know_is_named(
    protocol: Protocol, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(options))):
        said(protocol, "m", **options)


@pytest.mark.parametrize("protocol", [CLAUDE, GEMINI])
def test_parallel_tool_calls_is_a_bool_where_it_is_translated(protocol: Protocol) -> None:
    with pytest.raises(TypeError, match="parallel_tool_calls"):
        said(protocol, "m", parallel_tool_calls="no")


@pytest.mark.parametrize("stop", [5, ["a", 5], {"a"}, b"a"])
def test_stop_is_one_text_or_several(stop: Any) -> None:
    with pytest.raises(TypeError, match="stop must be a text or a list of texts"):
        said(CLAUDE, "m", stop=stop)


@pytest.mark.parametrize("protocol", [CHAT, RESPONSES, CLAUDE, GEMINI, ROUTER])
@pytest.mark.parametrize("cache", [{"key": 5}, {"ttl": 300}, {"name": b"a"}])
def test_what_prompt_cache_holds_are_texts(protocol: Protocol, cache: Any) -> None:
    with pytest.raises(TypeError, match=r"^prompt_cache: .* must be a str"):
        said(protocol, "m", prompt_cache=cache)


@pytest.mark.parametrize("protocol", [CLAUDE, GEMINI])
def test_a_family_of_ones_own_without_a_number_for_an_effort_has_no_such_effort(protocol: Protocol) -> None:
    family = ModelFamily("^ours$", ("messages", "gemini"), reasoning="budget", budgets={"low": 2000})
    model_families.add(family)
    try:
        assert "2000" in str(said(protocol, "ours", reasoning="low"))
        assert "0" in str(said(protocol, "ours", reasoning="none")) or protocol is CLAUDE
        with pytest.raises(UnsupportedError, match="has no effort 'high', only none, low"):
            said(protocol, "ours", reasoning="high")
    finally:
        model_families.remove(family)


def test_too_few_tokens_for_thinking_are_a_wrong_argument() -> None:
    with pytest.raises(ValueError, match="max_tokens must be above 1024"):
        said(CLAUDE, "claude-sonnet-4-5", reasoning="low", max_tokens=1000)


@pytest.mark.parametrize(
    ("protocol", "options", "extra_body"),
    [
        (CHAT, {"max_tokens": 9}, {"max_completion_tokens": 8}),
        (CHAT, {"max_tokens": 9}, {"max_tokens": 8}),
        (CHAT, {"reasoning": "low"}, {"reasoning": {"mine": 1}}),
        (CHAT, {"reasoning": "low"}, {"reasoning_effort": "mine"}),
        (RESPONSES, {"max_tokens": 9}, {"max_output_tokens": 8}),
        (RESPONSES, {"reasoning": "low"}, {"reasoning": {"mine": 1}}),
        (CLAUDE, {"reasoning": "low"}, {"thinking": {"mine": 1}}),
        (CLAUDE, {"stop": "a"}, {"stop_sequences": ["b"]}),
        (CLAUDE, {"prompt_cache": True}, {"cache_control": {"mine": 1}}),
        (GEMINI, {"max_tokens": 9}, {"generationConfig": {"maxOutputTokens": 8}}),
        (GEMINI, {"reasoning": "low"}, {"generation_config": {"mine": 1}}),
        (GEMINI, {"metadata": {"a": "b"}}, {"labels": {"mine": "1"}}),
        (ROUTER, {"reasoning": "low"}, {"reasoning_effort": "mine"}),
    ],
)
def test_nothing_is_said_beside_what_extra_body_says(
    protocol: Protocol, options: dict[str, Any], extra_body: dict[str, Any]
) -> None:
    body = request(protocol, "gpt-5", options=options, extra_body=extra_body)
    assert {
        name: value
        for name, value in body.items()
        if name not in ALWAYS and not (name == "max_tokens" and value == DEFAULT_MAX_TOKENS)
    } == extra_body


def test_the_newer_version_of_claudes_api_is_not_told_that_there_is_no_temperature() -> None:
    assert "temperature" in said(CLAUDE, "m", temperature=None)  # as in 0.5
    assert said(AnthropicMessages(version="2026-10-21"), "m", temperature=None, top_p=None) == {}


def test_what_a_model_refuses_is_not_asked_where_geminis_own_words_say_it() -> None:
    config = {"thinking_config": {"thinkingBudget": 0}}
    assert said(GEMINI, "gemini-3-flash", reasoning="none", generation_config=config) == {"generationConfig": config}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", {"type": "any", "disable_parallel_tool_use": True}),
        ("f", {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
        ("none", {"type": "none"}),
        ({"type": "auto", "disable_parallel_tool_use": False}, {"type": "auto", "disable_parallel_tool_use": False}),
    ],
)
def test_claude_is_told_of_parallel_calls_inside_the_choice(choice: Any, expected: dict[str, Any]) -> None:
    body = request(CLAUDE, "m", tools=True, tool_choice=choice, options={"parallel_tool_calls": False})
    assert body["tool_choice"] == expected


def test_an_effort_and_a_schema_share_claudes_output_config() -> None:
    schema = ResponseSchema({"type": "object", "properties": {}, "additionalProperties": False})
    body = request(CLAUDE, "claude-opus-5", options={"reasoning": "low"}, response_schema=schema)
    assert set(body["output_config"]) == {"effort", "format"}
    assert body["output_config"]["effort"] == "low"


def test_the_options_of_the_caller_are_left_alone() -> None:
    options = {"reasoning": {"effort": "low"}, "metadata": {"user_id": "a"}, "output_config": {"x": 1}, "stop": "a"}
    for protocol in (CHAT, RESPONSES, CLAUDE, ROUTER):
        call = Call("claude-opus-5", [{"role": "user", "content": "hi"}], options=options)
        protocol.request(call)
    assert options == {
        "reasoning": {"effort": "low"}, "metadata": {"user_id": "a"}, "output_config": {"x": 1}, "stop": "a"
    }  # fmt: skip


def test_a_server_may_call_an_option_otherwise() -> None:
    mistral = OpenAIChat(ChatDialect(renamed={"seed": "random_seed"}))
    assert said(mistral, "m", seed=1, reasoning="high") == {"random_seed": 1, "reasoning_effort": "high"}


# ---- the table of families


@pytest.fixture
def added() -> Iterator[ModelFamily]:
    family = ModelFamily(r"^ours-", ("chat", "messages"), max_tokens="most", efforts=("low",), refused=("top_p",))
    model_families.add(family)
    yield family
    if family in model_families:
        model_families.remove(family)


def test_a_family_of_ones_own_goes_before_all_others(added: ModelFamily) -> None:
    assert next(iter(model_families)) is added
    assert said(CHAT, "ours-1", max_tokens=9, reasoning="low") == {"most": 9, "reasoning_effort": "low"}
    assert said(CHAT, "not-ours-1", max_tokens=9) == {"max_tokens": 9}
    with pytest.raises(UnsupportedError, match="only low"):
        said(CHAT, "ours-1", reasoning="high")
    with pytest.raises(UnsupportedError, match="top_p"):
        said(OWN_CHAT, "ours-1", top_p=0.5)
    model_families.remove(added)
    assert said(CHAT, "ours-1", max_tokens=9) == {"max_tokens": 9}


def test_a_row_counts_only_for_the_apis_that_it_names(added: ModelFamily) -> None:
    assert said(RESPONSES, "ours-1", reasoning="high") == {"reasoning": {"effort": "high"}}


def test_a_row_that_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(ValueError, match="not in"):
        model_families.remove(ModelFamily("x", ("chat",)))


def test_a_row_is_checked() -> None:
    with pytest.raises(TypeError, match="apis"):
        ModelFamily("x", "chat")
    with pytest.raises(re.error, match="unterminated"):
        model_families.add(ModelFamily("(", ("chat",)))


def test_every_row_names_efforts_of_the_vocabulary_and_a_budget_for_each() -> None:
    for family in model_families:
        assert set(family.efforts) <= set(EFFORTS), family
        if family.reasoning == "budget":
            assert set(family.efforts) - {"none"} <= set(family.budgets), family
