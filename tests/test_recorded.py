"""Every recorded provider answer is read right: by the protocols alone, and over real sockets by the providers."""

from __future__ import annotations

import asyncio
import functools
import random

import pytest

from llm_async._speedups import COMPILED
from llm_async.errors import LLMError
from llm_async.models import Response
from llm_async.protocols.base import Answer
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer, Raw

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


def provider_for(case: recorded.Case) -> type[BaseProvider]:
    if case.dialect == "chat":
        return OpenRouterProvider if case.meta["api"] == "openrouter" else OpenAIProvider
    providers: dict[str, type[BaseProvider]] = {
        "responses": OpenAIResponsesProvider,
        "messages": ClaudeProvider,
        "gemini": GoogleProvider,
    }
    return providers[case.dialect]


def answer_of(response: Response) -> Answer | None:
    """The parts of a Response as the oracle's comparison takes them."""
    if response.main_response is None:
        return None
    return Answer(response.main_response, response.original, response.usage, response.id, response.model)


async def ask(provider: BaseProvider, stream: bool) -> tuple[Answer | None, LLMError | None, list]:
    chunks = []
    response = None
    try:
        response = await provider.acomplete("m", [{"role": "user", "content": "hi"}], stream=stream)
        if stream:
            async for chunk in response:
                chunks.append(chunk)
    except LLMError as error:
        if error.partial is None:
            return None, error, chunks
        usage = response.usage if response is not None else None
        return Answer(error.partial, {"status": "in_progress"}, usage), error, chunks
    return answer_of(response), None, chunks


async def over_sockets(cases: list[recorded.Case]) -> dict[str, list[str]]:
    wrong = {}
    async with ProviderServer() as server:
        providers = {
            provider_class: provider_class(
                api_key="test", base_url=server.url(provider_class.name()), retry_config=RetryConfig(max_attempts=1)
            )
            for provider_class in map(provider_for, cases)
        }
        for case in cases:
            rng = random.Random(case.name)
            content_type = case.meta["headers"].get("content-type") or (
                "text/event-stream" if case.stream else "application/json"
            )
            server.script(
                Raw(
                    case.body,
                    case.status,
                    {**case.meta["headers"], "content-type": content_type},
                    cuts=sorted({rng.randrange(1, len(case.body)) for _ in range(rng.randint(0, 5))})
                    if len(case.body) > 1
                    else [],
                    framing=rng.choice(["chunked", "length", "close"]),
                )
            )
            answer, error, chunks = await ask(providers[provider_for(case)], case.stream)
            found = recorded.differences(case, recorded.outcome(case, answer, error, chunks))
            if found:
                wrong[case.name] = found
        for provider in providers.values():
            await provider.aclose()
    return wrong


@pytest.mark.parametrize("api", recorded.APIS)
def test_every_recorded_answer_is_read_right_over_real_sockets(api: str) -> None:
    assert asyncio.run(over_sockets(cases_of(api))) == {}


def test_the_count_of_right_answers_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    every = [case for api in recorded.APIS for case in cases_of(api)]
    right = sum(not recorded.differences(case, recorded.replay(case)) for case in every)
    with capsys.disabled():
        print(f"\n{right} of {len(every)} recorded answers right ({'compiled' if COMPILED else 'plain'})")  # noqa: T201
    assert right == len(every)


def test_each_exception_from_the_oracle_names_a_recorded_answer() -> None:
    names = {case.name for api in recorded.APIS for case in cases_of(api)}
    assert set(recorded.EXCEPTIONS) <= names
