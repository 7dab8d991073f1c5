"""The key goes to the server and nowhere else, and nothing that is given to a call can say something else on the wire."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from llm_async.errors import APIStatusError, LLMError, ProtocolError
from llm_async.providers import BaseProvider, GoogleProvider, OpenAIProvider
from llm_async.retry import RetryConfig

from ..raw_server import Peer, RawServer, answering
from .fault import DEFAULT, Fault, chunked, head, sized
from .lost import FAULTS as LOST
from .said import FAULTS as SAID
from .spoken import SPOKEN, Spoken, sse
from .stage import KEY, stage

every_provider = pytest.mark.parametrize("spoken", SPOKEN, ids=lambda spoken: spoken.name)
both_ways = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])

QUOTED = f"Incorrect API key provided: {KEY}. Bearer {KEY}"


def provider_at(spoken: Spoken, url: str, **options: Any) -> BaseProvider:
    return spoken.provider(
        **{"api_key": KEY, "base_url": url, "retry_config": RetryConfig(max_attempts=1), "timeouts": DEFAULT, **options}
    )


async def failure(provider: BaseProvider, stream: bool) -> LLMError:
    with pytest.raises(LLMError) as caught:
        await (await provider.acomplete("m", [{"role": "user", "content": "hello"}], stream=stream)).final()
    return caught.value


def shown(error: LLMError) -> str:
    """What a program may print of an error: its text and its attributes."""
    attributes = {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(error).items()}
    return "".join(traceback.format_exception(type(error), error, error.__traceback__)) + repr(error) + repr(attributes)


def with_all_variables(error: LLMError) -> str:
    """A traceback as some services print it."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@every_provider
@both_ways
@pytest.mark.parametrize(
    "fault",
    [
        fault
        for fault in [*LOST, *SAID]
        if fault.name
        in (
            "nobody listens",
            "TLS to a server that has none",
            "closed between chunks",
            "silence before the head",
            "another protocol",
            "401 in the API's words",
            "302 to another host",
            "a page",
            "JSON cut short for an event",
        )
    ],
    ids=lambda fault: fault.name.replace(" ", "-"),
)
def test_no_error_shows_the_key_not_even_with_all_variables(fault: Fault, spoken: Spoken, stream: bool) -> None:
    async def run() -> None:
        async with stage(spoken, fault, stream=stream) as scene:
            attempt = await scene.meet()
            assert attempt.error is not None
            assert KEY not in shown(attempt.error)
            assert KEY not in with_all_variables(attempt.error)
            assert KEY not in repr(scene.provider)
            assert KEY not in repr(vars(scene.provider))
            assert KEY not in repr(attempt.response)

    asyncio.run(run())


@every_provider
@both_ways
def test_no_log_line_shows_the_key_at_any_level(spoken: Spoken, stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        fault = next(fault for fault in SAID if fault.name == "429 in the API's words")
        async with stage(spoken, fault, stream=stream, attempts=2) as scene:
            assert (await scene.meet()).error is None
            await scene.ask(1, stream=stream)

    caplog.set_level(logging.DEBUG)
    loggers = [name for name in logging.root.manager.loggerDict if name.startswith(("aiosonic", "llm_async"))]
    for name in ["aiosonic", "llm_async", *loggers]:
        caplog.set_level(logging.DEBUG, logger=name)
    asyncio.run(run())
    assert KEY not in caplog.text
    assert all(KEY not in repr(vars(record)) for record in caplog.records)


ANSWERS: dict[str, Callable[[Spoken, bool], bytes]] = {
    "an error body": lambda spoken, stream: sized(json.dumps(spoken.error(401, QUOTED)).encode(), status=401),
    "an error page": lambda spoken, stream: sized(f"<title>{QUOTED}</title>{QUOTED}</p>".encode(), status=403),
    "an error in a 200": lambda spoken, stream: sized(
        spoken.error_event(401, QUOTED) if stream else json.dumps(spoken.error(401, QUOTED)).encode(),
        f"Content-Type: {'text/event-stream' if stream else 'application/json'}",
    ),
    "an error in the middle": lambda spoken, stream: sized(
        spoken.begun("one two") + spoken.error_event(401, QUOTED), "Content-Type: text/event-stream"
    ),
    "a page": lambda spoken, stream: sized(f"<p>{QUOTED}</p>".encode(), "Content-Type: text/html"),
    "an event that is none": lambda spoken, stream: sized(
        b"data: " + QUOTED.encode() + b"\n\n", "Content-Type: text/event-stream"
    ),
    "a whole answer that is none": lambda spoken, stream: sized(
        b'{"text": "' + QUOTED.encode(), "Content-Type: application/json"
    ),
    "a status line": lambda spoken, stream: b"HTTP/1.1 4o1 " + QUOTED.encode() + b"\r\n\r\n",
    "a header that is none": lambda spoken, stream: head(QUOTED.replace(":", "")),
    "a redirect": lambda spoken, stream: head(f"Location: https://{KEY}@elsewhere/{KEY}?key={KEY}", status=302),
    "a header": lambda spoken, stream: head(f"WWW-Authenticate: {KEY}", "Content-Length: 0", status=401),
    "a chunk": lambda spoken, stream: (
        head("Transfer-Encoding: chunked") + chunked(b"x", end=False) + QUOTED.encode() + b"\r\n"
    ),
}


@every_provider
@both_ways
@pytest.mark.parametrize("where", ANSWERS)
def test_a_key_that_the_server_quotes_is_masked(where: str, spoken: Spoken, stream: bool) -> None:
    async def run() -> None:
        async with (
            RawServer(answering(ANSWERS[where](spoken, stream), then_close=True)) as server,
            provider_at(spoken, server.url) as provider,
        ):
            error = await failure(provider, stream)
        assert KEY not in shown(error)
        if isinstance(error, APIStatusError) and "error" in where:
            assert "Incorrect API key provided: ***." in str(error)
            assert error.body is not None

    asyncio.run(run())


@every_provider
@both_ways
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_is_ever_sent_to_where_a_server_redirects(status: int, spoken: Spoken, stream: bool) -> None:
    async def run() -> None:
        async with RawServer(answering(sized(b"{}"))) as elsewhere:
            answer = head(f"Location: {elsewhere.url}/v1?key={KEY}", "Content-Length: 0", status=status)
            async with RawServer(answering(answer)) as server, provider_at(spoken, server.url) as provider:
                error = await failure(provider, stream)
                assert type(error) is APIStatusError
                assert str(elsewhere.port) in str(error)
                assert KEY not in str(error)
            assert elsewhere.accepted == 0

    asyncio.run(run())


@every_provider
@both_ways
@pytest.mark.parametrize(
    "arguments",
    [
        {"headers": {"X-Name": "value\r\nX-Other: value"}},
        {"headers": {"X-Name": "value\nX-Other: value"}},
        {"headers": {"X-Name": "value\0"}},
        {"headers": {"X-Name\r\nX-Other": "value"}},
        {"headers": {"X Name": "value"}},
        {"headers": {"": "value"}},
        {"headers": {"X-Name:": "value"}},
        {"headers": {"X-Name": "snow \u2603"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"headers": {"Content-Length": "0"}},
        {"headers": [("X-Name", "value\r\n\r\nPOST / HTTP/1.1")]},
    ],
    ids=lambda arguments: repr(arguments["headers"]),
)
def test_a_header_that_would_say_something_else_is_refused_before_anything_is_sent(
    arguments: Any, spoken: Spoken, stream: bool
) -> None:
    async def run() -> None:
        async with RawServer(answering(sized(b"{}"))) as server, provider_at(spoken, server.url) as provider:
            with pytest.raises(ValueError, match="header"):
                await (
                    await provider.acomplete("m", [{"role": "user", "content": "hello"}], stream=stream, **arguments)
                ).final()
            assert server.requests == []

    asyncio.run(run())


@every_provider
@pytest.mark.parametrize("key", ["sk-a\r\nX-Other: b", "sk-a\nb", "sk-\0", "sk-\u2603"])
def test_a_key_that_is_no_header_value_is_refused_and_not_shown(key: str, spoken: Spoken) -> None:
    async def run() -> None:
        async with (
            RawServer(answering(sized(b"{}"))) as server,
            provider_at(spoken, server.url, api_key=key) as provider,
        ):
            with pytest.raises(ValueError, match="character") as caught:
                await provider.acomplete("m", [{"role": "user", "content": "hello"}])
            assert key not in str(caught.value)
            assert "sk-" not in str(caught.value)
            assert server.requests == []

    asyncio.run(run())


@every_provider
@pytest.mark.parametrize(
    "url", ["http://user:sk-pass@127.0.0.1:1/v1", "https://sk-pass@127.0.0.1:1", "http://127.0.0.1:1/v1\r\nX: sk-pass",
            "ftp://sk-pass/v1", "//sk-pass/v1", "http://", "http://127.0.0.1:99999/sk-pass", "http://[::sk-pass]/v1"],
)  # fmt: skip
def test_an_address_with_credentials_or_worse_is_refused_and_not_shown(url: str, spoken: Spoken) -> None:
    async def run() -> None:
        async with provider_at(spoken, "http://127.0.0.1:1") as provider:
            provider.base_url = url
            with pytest.raises(ValueError, match=r"URL|address") as caught:
                await provider.acomplete("m", [{"role": "user", "content": "hello"}])
            if "[" not in url:
                assert "sk-pass" not in str(caught.value) or "@" not in url

    asyncio.run(run())


@pytest.mark.parametrize(
    "model", ["../../v1/files", "a?key=b", "a#b", "a b", "a%2Fb", "a\r\nX: y", "a/../../b", "\u2603", "a:b"]
)
@both_ways
def test_a_models_name_stays_one_part_of_the_path(model: str, stream: bool) -> None:
    async def script(peer: Peer) -> None:
        lines.append((await peer.request()).split(b"\r\n")[0])
        await peer.send(sized(b"{}"))

    lines: list[bytes] = []

    async def run() -> None:
        async with (
            RawServer(script) as server,
            GoogleProvider(api_key=KEY, base_url=server.url + "/v1beta", retry_config=None) as provider,
        ):
            with pytest.raises((LLMError, ValueError)):
                await (await provider.acomplete(model, [{"role": "user", "content": "hello"}], stream=stream)).final()

    asyncio.run(run())
    for line in lines:
        method, target, version = line.decode("ascii").split(" ")
        assert (method, version) == ("POST", "HTTP/1.1")
        path, _, query = target.partition("?")
        assert query == ("alt=sse" if stream else "")
        assert path.startswith("/v1beta/models/")
        assert path.rpartition(":")[2] == ("streamGenerateContent" if stream else "generateContent")
        assert ".." not in path.split("/")
        assert "#" not in target


@pytest.mark.parametrize("method", ["GET\r\n", "GE T", "", "GET / HTTP/1.1\r\nX: y", "\u2603"])
def test_a_method_that_is_none_is_refused(method: str) -> None:
    async def run() -> None:
        async with RawServer(answering(sized(b"{}"))) as server, OpenAIProvider(KEY, server.url) as provider:
            with pytest.raises(ValueError, match="method"):
                await provider.request(method, "/models")
            assert server.requests == []

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/models\r\nX-Other: y", "/models HTTP/1.1\r\n\r\n", "/mo\0dels", "/models\x7f"])
def test_a_path_with_control_characters_is_refused(path: str) -> None:
    async def run() -> None:
        async with RawServer(answering(sized(b"{}"))) as server, OpenAIProvider(KEY, server.url) as provider:
            with pytest.raises(ValueError, match="control characters"):
                await provider.request("GET", path)
            assert server.requests == []

    asyncio.run(run())


@every_provider
def test_headers_that_the_server_injects_into_values_stay_values(spoken: Spoken) -> None:
    async def run() -> None:
        answer = sized(spoken.body("one two"), "X-A: b\tSet-Cookie: c", "Content-Type: application/json")
        async with RawServer(answering(answer)) as server, provider_at(spoken, server.url) as provider:
            response = await provider.acomplete("m", [{"role": "user", "content": "hello"}])
            assert "set-cookie" not in response.headers
            assert response.headers["x-a"] == "b\tSet-Cookie: c"

    asyncio.run(run())


def test_the_protocol_error_of_a_stream_keeps_its_payload() -> None:
    async def run() -> None:
        answer = sized(sse([1]) + b"", "Content-Type: text/event-stream")
        async with RawServer(answering(answer)) as server, provider_at(SPOKEN[0], server.url) as provider:
            error = await failure(provider, True)
            assert isinstance(error, ProtocolError)
            assert error.payload == b"[1]"

    asyncio.run(run())
