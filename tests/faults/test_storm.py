"""The short forms of the storm and of the soak; ``make storm`` and ``make soak`` run the long ones."""

from __future__ import annotations

import importlib.util

import pytest

from benchmarks.soak import ALLOWED_GROWTH, soak
from benchmarks.storm import run, storm

LOOPS = [
    "asyncio",
    pytest.param(
        "uvloop", marks=pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
    ),
]


@pytest.mark.parametrize("loop", LOOPS)
def test_in_a_storm_every_answer_that_arrives_belongs_to_its_request(loop: str) -> None:
    outcome = run(storm(600, seed=11), loop)
    assert outcome.wrong == []
    assert sum(outcome.counts.values()) == 600
    # Otherwise it was no storm, or nothing survived it.
    assert outcome.counts["answered"] > 50
    assert len(outcome.counts) >= 5
    assert outcome.connections < 600


@pytest.mark.parametrize("loop", LOOPS)
def test_many_streams_at_once_leave_neither_memory_nor_descriptors_behind(loop: str) -> None:
    outcome = run(soak(100, 4, pause=0.05), loop)
    assert outcome.wrong == []
    assert outcome.growth <= ALLOWED_GROWTH
    assert outcome.most > 50
    assert outcome.counts["answered"] > outcome.counts["left"]
