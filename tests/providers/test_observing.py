"""What is seen of a call: request id, rate limits and timing on answers and errors; hooks; the logger; and no secrets."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from llm_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    BaseProvider,
    ClaudeProvider,
    ErrorEvent,
    GoogleProvider,
    Hooks,
    LLMError,
    OpenAIProvider,
    OverloadedError,
    RateLimit,
    RequestEvent,
    ResponseEvent,
    RetryConfig,
    RetryEvent,
    StreamError,
    UnsupportedError,
)
from llm_async.providers.addresses import without_query
from llm_async.testing import ProviderServer, Text
from tests.contract.calls import against_server, every_provider

HELLO = [{"role": "user", "content": "Good morning"}]
KEY = "a-very-secret-key"

Call = Callable[[BaseProvider], Coroutine[Any, Any, Any]]


async def ask(provider: BaseProvider) -> Any:
    return await provider.acomplete("m", HELLO)


async def stream(provider: BaseProvider) -> Any:
    response = await provider.acomplete("m", HELLO, stream=True)
    await response.final()
    return response


both_ways = pytest.mark.parametrize("call", [ask, stream], ids=["whole", "streamed"])


class Heard:
    """Hooks that note what they are told."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.hooks = Hooks(*[self.events.append] * 4)

    @property
    def kinds(self) -> str:
        return " ".join(type(event).__name__.removesuffix("Event").lower() for event in self.events)


# --- timing, rate limits, request id


@every_provider
@both_ways
def test_an_answer_says_how_long_it_took(provider_class: type[BaseProvider], call: Call) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(503)
        response = await call(provider)
        timing = response.timing
        assert timing.attempts == 2
        assert 0 < timing.first_byte <= timing.total
        assert timing.started > 1.7e9
        if call is stream:
            assert timing.first_byte <= timing.first_chunk <= timing.total
        else:
            assert timing.first_chunk is None
        if provider_class is not GoogleProvider:  # which sends no header of either kind
            assert response.request_id
        if provider_class.name() in ("openai", "claude"):
            assert response.rate_limits.requests.remaining in (9999, 3999)
        else:
            assert response.rate_limits is None
        if call is ask:
            assert pickle.loads(pickle.dumps(response)).timing == timing

    against_server(provider_class, body)


def test_the_clock_of_a_stream_can_be_read_while_it_runs() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        response = await provider.acomplete("m", HELLO, stream=True)
        assert response.timing is None
        async with response:
            assert response.timing is not None
            assert response.timing.first_byte is not None
            assert (response.timing.first_chunk, response.timing.total) == (None, None)
            async for _ in response:
                assert response.timing.first_chunk is not None
        assert response.timing.total is not None

    against_server(OpenAIProvider, body)


@every_provider
@both_ways
def test_an_error_says_how_long_it_took_and_whom_to_ask(provider_class: type[BaseProvider], call: Call) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(429, retry_after=0, times=2)
        with pytest.raises(APIStatusError) as caught:
            await call(provider)
        error = caught.value
        assert error.timing is not None
        assert error.timing.attempts == 2
        assert error.timing.total is not None
        if provider_class is not GoogleProvider:
            assert error.request_id
        if provider_class is OpenAIProvider:
            assert error.rate_limits is not None
            assert error.rate_limits.requests == RateLimit(10000, 9999, 0.006)
        assert pickle.loads(pickle.dumps(error)).timing == error.timing

    against_server(provider_class, body, retry_config=RetryConfig(max_attempts=2, base_delay=0))


@pytest.mark.parametrize("fault", ["cut", "clean", "stall", "garbage", "error"])
def test_a_stream_that_breaks_says_whom_to_ask(fault: str) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        if fault == "cut":
            server.cut(after=3)
        elif fault == "clean":
            server.cut(after=3, how="clean")
        elif fault == "stall":
            server.stall(after=3)
        elif fault == "garbage":
            server.malformed_event(after=3)
        else:
            server.error_event(after=3)
        response = await provider.acomplete("m", HELLO, stream=True, timeouts=0.3)
        with pytest.raises(LLMError) as caught:
            await response.final()
        error = caught.value
        assert error.request_id == response.request_id == "req_00000001"
        assert error.rate_limits == response.rate_limits is not None
        assert error.timing is response.timing is not None
        assert error.timing.total is not None
        assert error.timing.first_chunk is not None

    against_server(OpenAIProvider, body)


def test_an_error_that_nobody_answered_has_a_clock_alone() -> None:
    async def run() -> None:
        async with OpenAIProvider("key", "http://127.0.0.1:1", RetryConfig(max_attempts=1)) as provider:
            with pytest.raises(APIConnectionError) as caught:
                await ask(provider)
        assert (caught.value.request_id, caught.value.rate_limits) == (None, None)
        assert caught.value.timing is not None
        assert caught.value.timing.first_byte is None

    asyncio.run(run())


# --- hooks


@every_provider
@both_ways
def test_hooks_are_told_of_each_attempt_each_wait_and_the_answer(
    provider_class: type[BaseProvider], call: Call
) -> None:
    heard = Heard()

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(503, retry_after=0)
        server.script(Text("Hello there."))
        response = await call(provider)
        assert heard.kinds == "request retry request response"
        first, retry, second, end = heard.events
        assert first is second is retry.request is end.request
        assert (first.provider_name, first.method, first.attempt) == (provider_class.name(), "POST", 2)
        assert first.url == server.url(provider_class.name()) + server.requests[0].path.removeprefix(
            f"/{server.url(provider_class.name()).split('/', 3)[3]}"
        )
        assert first.model == "m"
        assert first.stream is (call is stream)
        assert "Good morning" in str(first.body)
        assert isinstance(retry.error, OverloadedError)
        assert retry.delay == 0
        assert (end.status, end.complete, end.cached) == (200, True, False)
        assert end.message.content == "Hello there."
        assert end.message is response.main_response
        assert (end.usage, end.id, end.model) == (response.usage, response.id, response.model)
        assert end.timing is response.timing
        assert (end.request_id, end.rate_limits) == (response.request_id, response.rate_limits)

    against_server(provider_class, body, hooks=heard.hooks)


@both_ways
@pytest.mark.parametrize(
    ("fault", "expected", "kinds"),
    [
        (lambda server: server.fail(400), BadRequestError, "request error"),
        (lambda server: server.fail(503, retry_after=0, times=2), OverloadedError, "request retry request error"),
        (lambda server: server.cut(before_head=True, times=2), APIConnectionError, "request retry request error"),
        (lambda server: server.stall(before_head=True), APITimeoutError, "request error"),
    ],
    ids=["refused", "overloaded", "lost", "silent"],
)
def test_hooks_are_told_once_that_a_call_has_failed(
    call: Call, fault: Callable[[ProviderServer], None], expected: type[LLMError], kinds: str
) -> None:
    heard = Heard()

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        fault(server)
        with pytest.raises(expected) as caught:
            await call(provider)
        assert heard.kinds == kinds
        assert heard.events[-1].error is caught.value
        assert heard.events[-1].timing is caught.value.timing

    retry_config = RetryConfig(max_attempts=2, base_delay=0)
    against_server(OpenAIProvider, body, hooks=heard.hooks, retry_config=retry_config, timeouts=0.5)


def test_a_stream_that_breaks_in_the_middle_has_failed() -> None:
    heard = Heard()

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.cut(after=3)
        with pytest.raises(APIConnectionError):
            await stream(provider)
        assert heard.kinds == "request error"

    against_server(OpenAIProvider, body, hooks=[heard.hooks])


@pytest.mark.parametrize("how", ["break", "aclose", "async with"])
def test_a_stream_that_is_left_is_an_answer_that_is_not_complete(how: str) -> None:
    heard = Heard()

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(["One ", "two ", "three"]))
        server.stall(after=3)
        response = await provider.acomplete("m", HELLO, stream=True)
        if how == "async with":
            async with response:
                async for _ in response:
                    break
        else:
            async for _ in response:
                break
            await response.aclose()
        await server.wait_closed_connections()
        assert heard.kinds == "request response"
        end = heard.events[-1]
        assert (end.complete, end.status) == (False, 200)
        assert end.message.content.startswith("One")
        assert end.timing.total is not None

    against_server(OpenAIProvider, body, hooks=heard.hooks)


@both_ways
def test_a_call_that_is_cancelled_has_failed(call: Call) -> None:
    told = []

    async def on_error(event: ErrorEvent) -> None:
        await asyncio.sleep(0)
        told.append(event)

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.stall(before_head=True)
        task = asyncio.ensure_future(call(provider))
        await server.wait_for_requests()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.wait_closed_connections()
        [event] = told
        assert isinstance(event.error, asyncio.CancelledError)

    against_server(OpenAIProvider, body, hooks=Hooks(on_error=on_error))


def test_a_stream_that_was_never_begun_tells_nobody() -> None:
    heard = Heard()

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        response = await provider.acomplete("m", HELLO, stream=True)
        await response.aclose()
        with pytest.raises(StreamError):
            await response.final()
        with pytest.raises(ValueError, match="model"):
            await provider.acomplete("", HELLO)
        assert heard.kinds == ""

    against_server(OpenAIProvider, body, hooks=heard.hooks)


def test_hooks_may_be_several_and_may_wait() -> None:
    order = []

    async def waiting(event: RequestEvent) -> None:
        await asyncio.sleep(0)
        event.state["began"] = True
        order.append("first")

    def plain(event: RequestEvent) -> None:
        assert event.state == {"began": True}
        order.append("second")

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await ask(provider)
        assert order == ["first", "second"]

    against_server(OpenAIProvider, body, hooks=[Hooks(on_request=waiting), Hooks(on_request=plain)])


@both_ways
@pytest.mark.parametrize("error", [KeyError("no budget"), OverloadedError("no budget", status_code=503)], ids=repr)
def test_what_a_hook_raises_before_a_request_is_raised_and_nothing_is_sent(call: Call, error: Exception) -> None:
    def refuse(event: RequestEvent) -> None:
        raise error

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(type(error)) as caught:
            await call(provider)
        assert caught.value is error
        assert not server.requests

    against_server(OpenAIProvider, body, hooks=Hooks(on_request=refuse))


@both_ways
def test_what_a_hook_raises_after_an_answer_is_raised_and_the_connection_serves_again(call: Call) -> None:
    def refuse(event: ResponseEvent) -> None:
        raise KeyError("not this answer")

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        for _ in range(2):
            with pytest.raises(KeyError, match="not this answer"):
                await call(provider)
        assert server.total_connections == 1

    against_server(OpenAIProvider, body, hooks=Hooks(on_response=refuse))


def test_what_a_hook_raises_before_another_attempt_is_raised_instead_of_it() -> None:
    def refuse(event: RetryEvent) -> None:
        raise KeyError("not again")

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(503)
        with pytest.raises(KeyError, match="not again"):
            await ask(provider)
        assert len(server.requests) == 1

    against_server(OpenAIProvider, body, hooks=Hooks(on_retry=refuse))


def test_requests_beside_chat_are_told_of_too() -> None:
    heard = Heard()

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await provider.embed(["a", "b"], "m", batch_size=1)
        await provider.list_models()
        await provider.request("GET", "/models")
        await provider.request("GET", "/models", raw=True)
        async with await provider.request("GET", "/models", stream=True) as blocks:
            async for _ in blocks:
                pass
        with pytest.raises(UnsupportedError):
            await provider.count_tokens("m", HELLO)
        assert [type(event) for event in heard.events].count(ResponseEvent) == 6
        assert sum(event.usage.input_tokens for event in heard.events if getattr(event, "usage", None)) == 2

    against_server(OpenAIProvider, body, hooks=heard.hooks)


def test_hooks_are_hooks() -> None:
    with pytest.raises(TypeError, match="hooks must be Hooks"):
        OpenAIProvider("key", hooks=[print])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="on_retry must be a function, not str"):
        Hooks(on_retry="print")  # type: ignore[arg-type]


# --- no secrets


@pytest.mark.parametrize("provider_class", [OpenAIProvider, ClaudeProvider, GoogleProvider])
def test_hooks_and_the_log_see_no_secrets(provider_class: type[BaseProvider], caplog: pytest.LogCaptureFixture) -> None:
    heard = Heard()

    async def run() -> None:
        async with ProviderServer() as server:
            url = server.url(provider_class.name()) + f"?token={KEY}-in-the-query"
            headers = {"X-Auth-Token": "another secret of mine", "X-Program": "test"}
            async with provider_class(
                KEY, url, retry_config=RetryConfig(base_delay=0), hooks=heard.hooks, headers=headers
            ) as provider:
                server.fail(429, f"{KEY} has asked too often\nand too much", headers={"Set-Cookie": "session=cookie"})
                server.fail(401, f"{KEY} is wrong")
                with pytest.raises(AuthenticationError):
                    await provider.acomplete("m", [{"role": "user", "content": f"My key is {KEY}."}])
                await stream(provider)
                await ask(provider)
                await provider.embed("text", "m") if provider_class is not ClaudeProvider else None

    caplog.set_level(logging.DEBUG, "llm_async")
    caplog.set_level(logging.DEBUG, "llm_async.bodies")
    asyncio.run(run())
    request = heard.events[0]
    assert request.headers["X-Program"] == "test"
    assert request.headers["X-Auth-Token"] == "***"
    seen = "\n".join(
        [record.getMessage() for record in caplog.records]
        + [f"{event!r} {vars(event)} {vars(getattr(event, 'request', event))}" for event in heard.events]
    )
    for secret in (KEY, "another secret", "token=", "session=cookie"):
        assert secret not in seen
    assert "My key is ***." in seen


def test_a_credential_in_a_header_of_the_programs_own_is_a_secret_everywhere() -> None:
    credentials = {
        "Ocp-Apim-Subscription-Key": "gateway-key-1",
        "Helicone-Auth": "Bearer proxy-key-2",
        "Authorization": "Bearer other-key-3",
        "X-Session-Token": "session-4-token",
    }
    heard = Heard()

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(401, "not gateway-key-1, nor proxy-key-2, other-key-3, session-4-token")
        with pytest.raises(AuthenticationError, match=r"not \*\*\*, nor \*\*\*, \*\*\*, \*\*\*") as caught:
            await provider.acomplete("m", HELLO, headers={"Idempotency-Key": "said aloud"})
        seen = f"{heard.events[0].headers} {caught.value.body} {provider.headers}"
        for secret in ("gateway-key-1", "proxy-key-2", "other-key-3", "session-4-token"):
            assert secret not in seen
        assert heard.events[0].headers["Idempotency-Key"] == "said aloud"
        assert provider.headers == credentials
        sent = server.requests[0].headers
        assert {name: sent[name.lower()] for name in credentials} == credentials

    against_server(OpenAIProvider, body, hooks=heard.hooks, headers=credentials)


def test_a_key_in_an_address_is_not_seen_although_a_server_quotes_it() -> None:
    async def run() -> None:
        async with ProviderServer() as server:
            url = server.url("openai") + "?api-version=2026-01-01&api_key=key-in-the-query"
            async with OpenAIProvider("", url) as provider:
                server.fail(400, "no version 2026-01-01 for key-in-the-query")
                with pytest.raises(BadRequestError, match=r"no version 2026-01-01 for \*\*\*") as caught:
                    await provider.acomplete("m", HELLO)
                assert "key-in-the-query" not in str(caught.value.body)

    asyncio.run(run())


def test_user_and_password_of_an_address_are_not_shown() -> None:
    provider = OpenAIProvider("key", "https://me:password@host/v1?key=k", proxy="http://me:password@proxy")
    assert repr(provider) == "<OpenAIProvider at https://host/v1>"
    assert "password" not in repr(provider._options)
    assert without_query("https://host/models/claude@20260101:rawPredict?a=b") == (
        "https://host/models/claude@20260101:rawPredict"
    )
    assert without_query("me:password@host/v1") == "host/v1"


# --- the logger


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records if record.name == "llm_async"]


def test_the_log_has_a_line_for_each_request_retry_and_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(503, "Come\nback later", retry_after=0)
        await stream(provider)
        server.fail(400)
        with pytest.raises(BadRequestError):
            await ask(provider)

    caplog.set_level(logging.DEBUG, "llm_async")
    against_server(OpenAIProvider, body)
    said = lines(caplog)
    patterns = [
        "DEBUG #N openai POST http://127.0.0.1:",
        "INFO #N openai attempt 1 failed with OverloadedError: HTTP 503: Come back later",
        "DEBUG #N openai POST http://127.0.0.1:",
        "DEBUG #N openai answered 200 in ",
        "DEBUG #N openai POST http://127.0.0.1:",
        "DEBUG #N openai failed after ",
    ]
    assert len(said) == len(patterns)
    for line, pattern in zip(said, patterns, strict=True):
        level, number, rest = line.split(" ", 2)
        assert number.startswith("#")
        assert f"{level} #N {rest}".startswith(pattern)
        assert "\n" not in line
    assert "attempt 2" in said[2]
    assert "request id req_00000002, first chunk after" in said[3]
    assert said[3].endswith("2 tokens in, 4 out")
    assert all(record.name == "llm_async" for record in caplog.records if record.name.startswith("llm_async"))


def test_bodies_are_logged_when_they_are_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await ask(provider)
        await stream(provider)
        await provider.list_models()
        server.fail(400, "What do you mean?")
        with pytest.raises(BadRequestError):
            await ask(provider)

    caplog.set_level(logging.DEBUG, "llm_async")
    caplog.set_level(logging.DEBUG, "llm_async.bodies")
    against_server(OpenAIProvider, body)
    said = [record.getMessage() for record in caplog.records if record.name == "llm_async.bodies"]
    assert len(said) == 8
    assert (
        said[0].partition(" sends ")[2]
        == '{"model":"m","messages":[{"role":"user","content":"Good morning"}],"stream":false}'
    )
    assert "You said: Good morning" in said[1]
    assert "You said: Good morning" in said[3]
    assert "echo-1" in said[5]
    assert "What do you mean?" in said[7]


def test_the_logger_is_silent_by_default() -> None:
    logger = logging.getLogger("llm_async")
    assert logger.level == logging.NOTSET
    assert any(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    assert logging.getLogger("llm_async.bodies").level == logging.WARNING
