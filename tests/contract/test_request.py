"""``request``: anything that an API knows and this library does not wrap."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from llm_async.errors import APIConnectionError, APITimeoutError, NotFoundError, ProtocolError, RateLimitError
from llm_async.models import Timeouts
from llm_async.providers import BaseProvider, GoogleProvider, OpenAIProvider
from llm_async.providers.request import ByteStream
from llm_async.testing import ProviderServer, Raw

from ..raw_server import Peer, RawServer, answering
from .calls import against_server, every_provider

ANYTHING: list[Any] = [{"a": 1}, [1, 2], "text", 7, None, True]
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


@every_provider
@pytest.mark.parametrize("value", ANYTHING, ids=json.dumps)
def test_any_json_comes_back_decoded(provider_class: type[BaseProvider], value: Any) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> Any:
        server.script(Raw(json.dumps(value).encode()))
        return await provider.request("GET", "/anything")

    assert against_server(provider_class, body) == value


@pytest.mark.parametrize(
    ("method", "given", "sent"),
    [
        ("GET", {"a": 1}, b""),
        ("HEAD", {"a": 1}, b""),
        ("OPTIONS", None, b""),
        ("DELETE", None, b""),
        ("DELETE", {"a": 1}, b'{"a":1}'),
        ("POST", None, b"{}"),
        ("PUT", None, b"{}"),
        ("PATCH", None, b"{}"),
        ("POST", [1], b"[1]"),
        ("PUT", {"a": "é"}, '{"a":"é"}'.encode()),
        ("patch", {"a": None}, b'{"a":null}'),
    ],
)
def test_each_method_sends_what_it_is_given(method: str, given: Any, sent: bytes) -> None:
    async def run() -> None:
        async with RawServer(answering(NO_CONTENT)) as server, OpenAIProvider("k", server.url) as provider:
            assert await provider.request(method, "/x", given) is None
            (request,) = server.requests
            assert request.startswith(method.upper().encode() + b" /x HTTP/1.1\r\n")
            assert json.loads(body_of(request) or b"0") == json.loads(sent or b"0")
            assert (b"content-type: application/json" in request.lower()) is bool(sent)

    asyncio.run(run())


@pytest.mark.parametrize("answer", [NO_CONTENT, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_an_empty_answer_is_none_and_no_bytes(answer: bytes) -> None:
    async def run() -> None:
        async with RawServer(answering(answer, answer)) as server, OpenAIProvider("k", server.url) as provider:
            assert await provider.request("DELETE", "/x") is None
            assert await provider.request("DELETE", "/x", raw=True) == b""
            assert server.requests[1]

    asyncio.run(run())


def test_bytes_come_as_they_are_when_that_is_asked_for() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(b"\x89PNG \xff", headers={"content-type": "image/png"}), times=2)
        assert await provider.request("GET", "/file", raw=True) == b"\x89PNG \xff"
        with pytest.raises(ProtocolError, match="no JSON"):
            await provider.request("GET", "/file")

    against_server(OpenAIProvider, body)


async def _read(stream: ByteStream) -> bytes:
    async with stream:
        return b"".join([block async for block in stream])


class TestStreams:
    def test_a_body_comes_piece_by_piece_and_gives_its_connection_back(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Raw([b"ab", b"cd"]), times=2)
            for _ in range(2):
                stream = await provider.request("GET", "/file", stream=True)
                assert (stream.status, stream.headers["transfer-encoding"]) == (200, "chunked")
                assert await _read(stream) == b"abcd"
            assert server.total_connections == 1

        against_server(OpenAIProvider, body)

    @pytest.mark.parametrize("how", ["with", "break", "aclose"])
    def test_leaving_early_frees_the_connection(self, how: str) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
            await peer.gone()

        async def run() -> None:
            async with RawServer(script) as server, OpenAIProvider("k", server.url) as provider:
                stream = await provider.request("GET", "/file", stream=True)
                if how == "with":
                    async with stream:
                        pass
                elif how == "break":
                    async for block in stream:
                        assert block == b"ab"
                        break
                else:
                    await stream.aclose()
                await server.until(lambda server: server.open == 0)

        asyncio.run(run())

    def test_an_error_status_is_raised_at_the_await(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.fail(404)
            with pytest.raises(NotFoundError, match=r"^HTTP 404: "):
                await provider.request("GET", "/file", stream=True)
            server.fail(429, times=None)
            before = len(server.requests)
            with pytest.raises(RateLimitError):
                await provider.request("GET", "/file", stream=True)
            assert len(server.requests) - before == 3

        against_server(OpenAIProvider, body)

    def test_a_body_that_breaks_off_or_stalls_is_an_error(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Raw(b"abcdef", cut_at=3))
            with pytest.raises(APIConnectionError):
                await _read(await provider.request("GET", "/file", stream=True))
            server.stall(0)
            server.script(Raw(b"abcdef"))
            with pytest.raises(APITimeoutError) as caught:
                await _read(await provider.request("GET", "/file", stream=True, timeouts=Timeouts(idle=0.3)))
            assert caught.value.deadline == "idle"

        against_server(OpenAIProvider, body)


def test_a_query_is_added_to_what_the_path_asks_already() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(b"{}"), times=None)
        await provider.request("GET", "/files?limit=1", params={"after": "a b", "include": ["x", "y"]})
        line = server.requests[-1]
        assert line.query == {"limit": "1", "after": "a b", "include": "y"}

    against_server(OpenAIProvider, body)


def test_a_query_is_written_as_json_writes_its_values() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(b"{}"))
        await provider.request("GET", "/files", params={"deleted": True, "after": None, "limit": 5})
        assert server.requests[-1].query == {"deleted": "true", "limit": "5"}

    against_server(OpenAIProvider, body)


@pytest.mark.parametrize(
    ("arguments", "named"), [({"path": None}, "path"), ({"params": "x"}, "params"), ({"headers": 5}, "headers")]
)
def test_an_argument_of_a_wrong_type_is_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(TypeError, match=named):
        asyncio.run(OpenAIProvider("k", "http://localhost").request("GET", **{"path": "/x", **arguments}))


@pytest.mark.parametrize("path", ["/files", "files", "/v1beta/files"])
def test_geminis_paths_lie_below_the_apis_root_not_below_its_models(path: str) -> None:
    url = GoogleProvider("k")._url(path)
    assert url == f"https://generativelanguage.googleapis.com/v1beta/{path.lstrip('/')}"


@pytest.mark.parametrize("base_url", ["https://host/v1", "https://host/v1/"])
def test_an_empty_path_is_the_base_url_itself(base_url: str) -> None:
    assert OpenAIProvider("k", base_url)._url("") == base_url
    assert OpenAIProvider("k", base_url)._url("?a=1") == f"{base_url}?a=1"
    assert OpenAIProvider("k", base_url)._url("/") == "https://host/v1/"


@pytest.mark.parametrize("method", ["BREW", "", None, "G ET"])
def test_a_method_that_is_none_is_refused(method: Any) -> None:
    with pytest.raises(ValueError, match=r"^Unsupported HTTP method: "):
        asyncio.run(OpenAIProvider("k", "http://localhost").request(method, "/x"))
