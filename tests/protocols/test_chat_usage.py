"""The usage of Chat Completions and its imitators, in one vocabulary."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async.models import Usage
from llm_async.protocols.usage import chat_usage

# Each: the native object; what it says: input, output, cache read, cache write, reasoning, total, cost.
CASES: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    (
        "OpenAI",
        {
            "prompt_tokens": 120,
            "completion_tokens": 30,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
        (120, 30, 100, 5, 20, 150, None),
    ),
    ("no details", {"prompt_tokens": 1, "completion_tokens": 2}, (1, 2, None, None, None, None, None)),
    ("null details", {"prompt_tokens": 1, "prompt_tokens_details": None}, (1, None, None, None, None, None, None)),
    ("nothing", {}, (None, None, None, None, None, None, None)),
    (
        "zero is not nothing",
        {"prompt_tokens": 0, "completion_tokens": 0, "cost": 0},
        (0, 0, None, None, None, None, 0.0),
    ),
    ("no numbers", {"prompt_tokens": "1", "completion_tokens": True, "cost": "x"}, (None,) * 7),
    (
        "DeepSeek",
        {"prompt_tokens": 20, "completion_tokens": 1, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 12},
        (20, 1, 8, None, None, None, None),
    ),
    (
        "gateways to Anthropic",
        {"prompt_tokens": 20, "cache_read_input_tokens": 8, "cache_creation_input_tokens": 4},
        (20, None, 8, 4, None, None, None),
    ),
    ("Mistral", {"prompt_tokens": 10, "num_cached_tokens": 4}, (10, None, 4, None, None, None, None)),
    ("reasoning at the top", {"completion_tokens": 9, "reasoning_tokens": 4}, (None, 9, None, None, 4, None, None)),
    (
        "xAI counts reasoning apart, as its total shows",
        {
            "prompt_tokens": 12,
            "completion_tokens": 1,
            "total_tokens": 303,
            "prompt_tokens_details": {"cached_tokens": 11},
            "completion_tokens_details": {"reasoning_tokens": 290},
            "cost_in_usd_ticks": 1_466_250,
        },
        (12, 291, 11, None, 290, 303, 0.000146625),
    ),
    (
        "more reasoning than output proves nothing",
        {
            "prompt_tokens": 43,
            "completion_tokens": 10,
            "total_tokens": 53,
            "completion_tokens_details": {"reasoning_tokens": 11},
        },
        (43, 10, None, None, 11, 53, None),
    ),
    (
        "xAI, cached tokens apart",
        {
            "prompt_tokens": 5,
            "completion_tokens": 1,
            "total_tokens": 16,
            "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
        (13, 3, 8, None, 2, 16, None),
    ),
    ("OpenRouter's cost", {"prompt_tokens": 1, "cost": 0.25}, (1, None, None, None, None, None, 0.25)),
    ("Perplexity's cost", {"cost": {"request_cost": 0.005, "total_cost": 0.00522}}, (*(None,) * 6, 0.00522)),
    ("names of the Responses API", {"input_tokens": 3, "output_tokens": 4}, (3, 4, None, None, None, None, None)),
]


@pytest.mark.parametrize(("raw", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_usage_in_one_vocabulary(raw: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert chat_usage(raw) == Usage(*expected, raw=raw)
