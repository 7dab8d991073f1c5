"""Spoiled streams, by the hundred: see ``streams.py`` for what must be true of every one."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .streams import PROTOCOLS, SEEDS, check, check_body, spoiled

every_seed = pytest.mark.parametrize(("place", "blocks"), SEEDS, ids=lambda value: str(value) if isinstance(value, int) else "")


@every_seed
def test_a_stream_that_nobody_spoiled_is_read_to_its_end(place: int, blocks: list[bytes]) -> None:
    for size in (0, 1, 7, 100):
        check(PROTOCOLS[place], b"".join(blocks), size)


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
