"""Every fault, for every provider, streaming and not: what the caller learns, and that nothing is left of it.

The table is in ``lost.py`` (the network and HTTP) and ``said.py`` (what the server says).
"""

from __future__ import annotations

import asyncio
import pickle
import re
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from llm_async.errors import LLMError

from . import lost, said
from .fault import TEXT, Expect, Fault
from .spoken import SPOKEN, Spoken
from .stage import Attempt, Stage, stage

FAULTS = [*lost.FAULTS, *said.FAULTS]
FOLLOWERS = 20

CELLS = [(spoken, stream) for spoken in SPOKEN for stream in (True, False)]

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))


@pytest.fixture(scope="session")
def untrusted() -> ssl.SSLContext:
    """A certificate of an authority that nobody knows."""
    trustme = pytest.importorskip("trustme")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


def test_there_are_enough_faults_and_no_name_stands_for_two() -> None:
    assert len(FAULTS) >= 200
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def every_cell(play: Callable[[Spoken, bool], Coroutine[Any, Any, None]]) -> None:
    """Run all providers, streaming and not, side by side: most of the time a fault is waited for."""

    async def run() -> None:
        ends = await asyncio.gather(*(play(*cell) for cell in CELLS), return_exceptions=True)
        failed = {
            f"{spoken.name}, {'stream' if stream else 'whole'}": end
            for (spoken, stream), end in zip(CELLS, ends, strict=True)
            if end is not None
        }
        if failed:
            raise AssertionError("; ".join(failed)) from next(iter(failed.values()))

    asyncio.run(run())


@every_fault
def test_a_fault_is_the_error_that_it_should_be_and_leaves_nothing_behind(
    fault: Fault, untrusted: ssl.SSLContext
) -> None:
    async def play(spoken: Spoken, stream: bool) -> None:
        async with stage(spoken, fault, stream=stream, untrusted=untrusted) as scene:
            attempt = await asyncio.wait_for(scene.meet(), 30)
            check(attempt, fault.expected(spoken, stream), stream)
            await falls_back(scene)
            await goes_on(scene)

    every_cell(play)


@every_fault
def test_a_fault_is_met_with_another_attempt_where_that_is_right_and_nowhere_else(
    fault: Fault, untrusted: ssl.SSLContext
) -> None:
    async def play(spoken: Spoken, stream: bool) -> None:
        expected = fault.expected(spoken, stream)
        async with stage(spoken, fault, stream=stream, untrusted=untrusted, attempts=2) as scene:
            attempt = await asyncio.wait_for(scene.meet(), 30)
            assert scene.retried == ([1] if expected.again else [])
            if expected.again and fault.place == "here":
                assert attempt.error is None
                assert attempt.text == TEXT
            else:
                check(attempt, expected, stream)
            if fault.place == "here":
                assert len(scene.server.requests) == (2 if expected.again else 1)

    every_cell(play)


def check(attempt: Attempt, expected: Expect, stream: bool) -> None:
    """The caller has learned what was to be learned."""
    error = attempt.error
    if expected.error is None:
        assert error is None, error
        assert attempt.text == TEXT
        assert attempt.response is not None
        assert attempt.response.finish_reason == "stop"
        return
    assert type(error) is expected.error, f"{error!r} after {attempt.text!r}"
    assert re.search(expected.message, str(error)), str(error)
    for name, value in expected.attributes.items():
        found = getattr(error, name)
        assert found is not None if value is ... else found == value, f"{name} is {found!r}"
    text = expected.text if stream else None
    assert (None if error.partial is None else error.partial.content) == text
    assert attempt.text == (text or "")
    assert len(str(error)) < 3000
    for shown in (str(error), repr(error)):
        assert "secret" not in shown
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, LLMError)
    assert (type(again), str(again), again.partial) == (type(error), str(error), error.partial)


async def falls_back(scene: Stage) -> None:
    """No connection is left but the one that can serve again."""
    if scene.elsewhere is not None:
        await scene.elsewhere.until(lambda server: server.open == 0)
    if scene.fault.breaks:
        await scene.server.until(lambda server: server.open == 0)
    else:
        assert scene.server.open <= 1


async def goes_on(scene: Stage) -> None:
    """The next requests succeed, on one connection, and when the provider is closed no connection is left."""
    scene.provider.base_url = scene.server.url + "/v1"
    for number in range(FOLLOWERS):
        assert await scene.ask(number, stream=number % 4 == 0) == f"good {number}"
    assert scene.server.accepted <= (2 if scene.fault.breaks else 1)
    await scene.provider.aclose()
    await scene.server.until(lambda server: server.open == 0)
