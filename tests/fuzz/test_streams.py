"""Spoiled streams, by the hundred: see ``streams.py`` for what must be true of every one."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..faults.spoken import sse
from .streams import PROTOCOLS, SEEDS, check, check_body, spoiled

every_seed = pytest.mark.parametrize(
    ("place", "blocks"), SEEDS, ids=lambda value: str(value) if isinstance(value, int) else ""
)


@every_seed
def test_a_stream_that_nobody_spoiled_is_read_to_its_end(place: int, blocks: list[bytes]) -> None:
    for size in (0, 1, 7, 100):
        check(PROTOCOLS[place], b"".join(blocks), size)


FOUND: dict[str, tuple[int, list[Any]]] = {
    "a text for a block of thinking, and thinking again": (
        2,
        [
            {"type": "message_start", "message": {"id": "m", "role": "assistant"}},
            *[
                {"type": "content_block_delta", "index": 0, "delta": {"type": f"{kind}_delta", kind: text}}
                for kind, text in [
                    *(("thinking", "a"), ("thinking", "b"), ("text", "c"), ("thinking", "d"), ("text", "e")),
                    *(("thinking", "f"), ("text", "g"), ("text", "h")),
                ]
            ],
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
            {"type": "message_stop"},
        ],
    ),
    "candidates that are not counted from 0": (
        3,
        [
            {"candidates": [{"index": 1, "content": {"parts": [{"text": "a"}]}}]},
            {"candidates": [{"index": 1, "content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"}]},
        ],
    ),
    "a name with half of a surrogate pair": (
        1,
        [{"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "\ud800": 0, "delta": "a"}] * 3,
    ),
    "a candidate that is null": (
        3,
        [
            {"candidates": [{"content": {"parts": [{"text": "a"}]}}]},
            {"candidates": [None]},
            {"candidates": [{"content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"}]},
        ],
    ),
    "a null candidate first": (3, [{"candidates": [None]}, {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}]),
    "counts that some events have and others have not": (
        3,
        [
            {
                "candidates": [{"content": {"parts": [{"text": text}]}}],
                "usageMetadata": {"promptTokenCount": 1, name: 2},
            }
            for text, name in [("a", "totalTokenCount"), ("b", "cachedContentTokenCount"), ("c", "totalTokenCount")] * 3
        ],
    ),
    "deltas that do not say which item they are for": (
        1,
        [
            {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": text, **place}
            for text, place in [("a", {}), ("b", {"output_index": 0, "item_id": "rs"}), ("c", {}), ("d", {})] * 2
        ],
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_the_fuzzer_has_found_stays_found(name: str) -> None:
    place, events = FOUND[name]
    for size in (0, 1, 50):
        check(PROTOCOLS[place], b"".join(map(sse, events)), size)


@every_seed
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(whim=st.randoms(use_true_random=False), size=st.sampled_from([0, 0, 1, 13, 300]))
def test_a_spoiled_stream_is_an_answer_or_an_error_and_nothing_else(
    place: int, blocks: list[bytes], whim: random.Random, size: int
) -> None:
    check(PROTOCOLS[place], spoiled(blocks, whim), size)


@every_seed
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(whim=st.randoms(use_true_random=False))
def test_another_apis_stream_is_an_answer_or_an_error_too(place: int, blocks: list[bytes], whim: random.Random) -> None:
    for protocol in PROTOCOLS:
        check(protocol, spoiled(blocks, whim))


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200), place=st.sampled_from(range(len(PROTOCOLS))), stream=st.booleans())
def test_noise_is_an_error(body: bytes, place: int, stream: bool) -> None:
    if stream:
        check(PROTOCOLS[place], body)
    else:
        check_body(PROTOCOLS[place], body)
