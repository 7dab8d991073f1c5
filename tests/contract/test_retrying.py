"""When a request is sent again, counted at the server."""

from __future__ import annotations

import asyncio
from typing import Any

import aiosonic.exceptions
import pytest

from llm_async.errors import APIConnectionError, APIStatusError, APITimeoutError, LLMError
from llm_async.models import Timeouts
from llm_async.providers import BaseProvider, OpenAIProvider
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer
from llm_async.utils.retry import DEFAULT_RETRY_EXCEPTIONS, retry_async, retry_http

from .calls import HELLO, against_server, every_provider


@every_provider
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("config", "tries"), [(None, 3), (1, 1), (2, 2)])
def test_the_number_of_attempts_counts_the_first(
    provider_class: type[BaseProvider], stream: bool, config: int | None, tries: int
) -> None:
    retry = RetryConfig(base_delay=0) if config is None else RetryConfig(max_attempts=config, base_delay=0)

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(500, times=None)
        with pytest.raises(APIStatusError, match=r"^HTTP 500: "):
            await (await provider.acomplete("m", HELLO, stream=stream)).final()
        assert len(server.requests) == tries

    against_server(provider_class, body, retry_config=retry)


def test_no_configuration_is_the_default_one() -> None:
    assert OpenAIProvider("k", retry_config=None).retry_config == RetryConfig()


def test_no_attempt_at_all_sends_nothing() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(LLMError, match=r"^Retry failed without exception"):
            await provider.acomplete("m", HELLO)
        assert server.requests == []

    against_server(OpenAIProvider, body, retry_config=RetryConfig(max_attempts=0))


def test_given_statuses_replace_the_default_ones() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        for status, tries in ((404, 3), (500, 1)):
            server.reset()
            server.requests.clear()
            server.fail(status, times=None)
            with pytest.raises(APIStatusError):
                await provider.acomplete("m", HELLO)
            assert len(server.requests) == tries

    against_server(OpenAIProvider, body, retry_config=RetryConfig(base_delay=0, retry_on_status=(404,)))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "named", "again"),
    [
        ("reset", aiosonic.exceptions.ConnectionDisconnected, True),
        ("reset", aiosonic.exceptions.ReadTimeout, False),
        ("stall", aiosonic.exceptions.ReadTimeout, True),
        ("stall", aiosonic.exceptions.BaseTimeout, True),
        ("stall", aiosonic.exceptions.ConnectTimeout, False),
        ("stall", asyncio.TimeoutError, True),
        ("reset", ConnectionError, True),
        ("reset", ZeroDivisionError, False),
    ],
)
def test_tuples_that_name_aiosonics_classes_keep_working(
    fault: str, named: type[BaseException], again: bool, stream: bool
) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        if fault == "reset":
            server.cut(how="reset", before_head=True)
        else:
            server.stall(before_head=True)

        async def ask() -> Any:
            return await (await provider.acomplete("m", HELLO, stream=stream)).final()

        if again:
            assert (await ask()).content == "You said: hi"
        else:
            with pytest.raises(APIConnectionError):
                await ask()
        assert len(server.requests) == 1 + again

    retry = RetryConfig(base_delay=0, retry_on_exceptions=(named,))
    against_server(OpenAIProvider, body, retry_config=retry, timeouts=Timeouts(response=0.3))


class TestDecorators:
    def failing(self, *failures: Exception) -> Any:
        left = list(failures)

        async def work() -> str:
            if left:
                raise left.pop(0)
            return "done"

        return work

    def test_the_default_exceptions_are_aiosonics_and_the_standard_librarys(self) -> None:
        assert DEFAULT_RETRY_EXCEPTIONS[:2] == (asyncio.TimeoutError, ConnectionError)
        assert aiosonic.exceptions.ReadTimeout in DEFAULT_RETRY_EXCEPTIONS

    def test_a_function_is_called_again_and_each_failure_told(self) -> None:
        told: list[tuple[int, str]] = []
        failures = ConnectionError("a"), aiosonic.exceptions.ReadTimeout("b")
        work = retry_async(RetryConfig(base_delay=0), lambda number, error: told.append((number, str(error))))(
            self.failing(*failures)
        )
        assert asyncio.run(work()) == "done"
        assert told == [(1, "a"), (2, "b")]

    @pytest.mark.parametrize("error", [ValueError("no"), Exception("HTTP 503: busy")])
    def test_other_exceptions_pass(self, error: Exception) -> None:
        with pytest.raises(type(error)):
            asyncio.run(retry_async(RetryConfig(base_delay=0))(self.failing(error))())

    def test_statuses_in_the_text_of_an_exception_count_for_http(self) -> None:
        decorate = retry_http(RetryConfig(base_delay=0))
        assert asyncio.run(decorate(self.failing(Exception("HTTP 503: busy")))()) == "done"
        with pytest.raises(Exception, match="HTTP 400"):
            asyncio.run(decorate(self.failing(Exception("HTTP 400: no")))())

    def test_no_attempt_at_all_is_an_exception(self) -> None:
        with pytest.raises(Exception, match=r"^Retry failed without exception$"):
            asyncio.run(retry_async(RetryConfig(max_attempts=0))(self.failing())())


def test_a_timeout_that_is_no_wish_is_not_sent_twice() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.stall(before_head=True)
        with pytest.raises(APITimeoutError):
            await provider.acomplete("m", HELLO)
        assert len(server.requests) == 1

    against_server(OpenAIProvider, body, timeouts=Timeouts(response=0.3))
