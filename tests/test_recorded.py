"""Every recorded provider answer is read right: by the protocols alone, and over real sockets by the providers."""

from __future__ import annotations

import functools

import pytest

from llm_async._speedups import COMPILED

from . import recorded

ROOT = recorded.folder()

pytestmark = pytest.mark.skipif(ROOT is None, reason="LLM_ASYNC_WIRE names no folder of recorded answers")


@functools.cache
def cases_of(api: str) -> list[recorded.Case]:
    assert ROOT is not None
    return [case for case in recorded.cases(ROOT) if case.meta["api"] == api and not case.weak]


@pytest.mark.parametrize("api", recorded.APIS)
@pytest.mark.parametrize("cut", ["whole", "random:1", "random:2", "bytes"])
def test_every_recorded_answer_is_read_as_the_oracle_reads_it(api: str, cut: str) -> None:
    wrong = {}
    for case in cases_of(api):
        if cut == "bytes" and len(case.body) >= 8000:
            continue
        found = recorded.differences(case, recorded.replay(case, cut))
        if found:
            wrong[case.name] = found
    assert wrong == {}


def test_the_count_of_right_answers_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    every = [case for api in recorded.APIS for case in cases_of(api)]
    right = sum(not recorded.differences(case, recorded.replay(case)) for case in every)
    with capsys.disabled():
        print(f"\n{right} of {len(every)} recorded answers right ({'compiled' if COMPILED else 'plain'})")  # noqa: T201
    assert right == len(every)


def test_each_exception_from_the_oracle_names_a_recorded_answer() -> None:
    names = {case.name for api in recorded.APIS for case in cases_of(api)}
    assert set(recorded.EXCEPTIONS) <= names
