"""Proxies: what is said to them, what they get to see, and what happens when they refuse."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_async.errors import APIConnectionError, APITimeoutError, ProtocolError
from llm_async.models import Limits, Timeouts
from llm_async.transport import Transport
from llm_async.transport.address import Origin
from llm_async.transport.proxy import from_environment, parse_proxy

from ..raw_server import Peer, RawServer, answering, ok
from .calls import TIMEOUTS, fetch, play

trustme = pytest.importorskip("trustme")


@pytest.fixture(scope="module")
def authority() -> Any:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: Any) -> Iterator[Path]:
    with authority.cert_pem.tempfile() as path:
        yield Path(path)


@pytest.fixture(scope="module")
def server_tls(authority: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def tunnelling(answer: bytes = b"HTTP/1.0 200 OK\r\nVia: a proxy\r\n\r\n") -> Any:
    """The script of a proxy that opens a tunnel wherever it is asked to."""

    async def script(peer: Peer) -> None:
        request = await peer.request()
        host, _, port = request.split()[1].decode().rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await peer.send(answer)

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            except ConnectionError:
                pass
            target.close()

        await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))

    return script


def test_plain_http_is_sent_to_the_proxy_with_the_whole_url() -> None:
    async def test(transport: Transport, proxy: RawServer) -> None:
        through = Transport(limits=Limits(), proxy=f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        for path in ("/one", "/two?x=1"):
            reply = await through.send(
                "POST", f"http://api.example:8000{path}", {"X-Key": "k"}, b"{}", timeouts=TIMEOUTS
            )
            assert await reply.read() == b"proxied"
        assert proxy.accepted == 1
        first = proxy.requests[0]
        assert first.startswith(b"POST http://api.example:8000/one HTTP/1.1\r\nHost: api.example:8000\r\n")
        assert b"\r\nProxy-Authorization: Basic " + b64encode(b"user:p@ss") + b"\r\n" in first
        assert b"\r\nX-Key: k\r\n" in first
        await through.aclose()

    play(answering(ok(b"proxied")), test)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 Fine\r\nX-A: b\r\n\r\n",
    ],
)
def test_https_goes_through_a_tunnel_and_the_proxy_sees_nothing_of_it(
    answer: bytes, bundle: Path, server_tls: ssl.SSLContext
) -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        async with RawServer(tunnelling(answer)) as proxy:
            through = Transport(limits=Limits(), verify=bundle, proxy=f"http://u:p@127.0.0.1:{proxy.port}")
            assert await fetch(through, server, authorization="Bearer k") == b"1"
            assert await fetch(through, server) == b"2"
            assert (proxy.accepted, server.accepted) == (1, 1)
            (request,) = proxy.requests
            assert request.startswith(
                f"CONNECT localhost:{server.port} HTTP/1.1\r\nHost: localhost:{server.port}\r\n".encode()
            )
            assert b"Proxy-Authorization: Basic " in request
            assert b"Bearer" not in request
            assert b"Proxy-Authorization" not in server.requests[0]
            assert b"Bearer k" in server.requests[0]
            await through.aclose()
            await proxy.until(lambda proxy: proxy.open == 0)

    play(answering(ok(b"1"), ok(b"2")), test, tls=server_tls)


def test_the_certificate_behind_a_tunnel_is_verified(server_tls: ssl.SSLContext) -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        async with RawServer(tunnelling()) as proxy:
            through = Transport(limits=Limits(), proxy=f"127.0.0.1:{proxy.port}")
            with pytest.raises(APIConnectionError, match="its TLS certificate was not accepted"):
                await fetch(through, server)
            await proxy.until(lambda proxy: proxy.open == 0)

    play(answering(ok()), test, tls=server_tls)


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            APIConnectionError,
            "opened no tunnel .* 407 Proxy Auth",
        ),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", APIConnectionError, "opened no tunnel to localhost:1: 502 Bad Gateway"),
        (b"HTTP/1.1 200 OK\r\n\r\nearly", APIConnectionError, "sent bytes before the tunnel"),
        (b"nonsense\r\n\r\n", ProtocolError, "not HTTP/1.1"),
        (b"", APIConnectionError, "closed the connection instead of opening a tunnel"),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_an_error(answer: bytes, error: type[Exception], message: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        if answer:
            await peer.gone()

    async def test(transport: Transport, proxy: RawServer) -> None:
        through = Transport(limits=Limits(), proxy=f"http://user:secret@127.0.0.1:{proxy.port}")
        with pytest.raises(error, match=message) as caught:
            await through.send("GET", "https://localhost:1/", {}, None, timeouts=TIMEOUTS)
        assert type(caught.value) is error
        assert "secret" not in str(caught.value)
        await proxy.until(lambda proxy: proxy.open == 0)

    play(script, test)


def test_a_proxy_that_is_silent_or_gone_counts_as_connecting() -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async def test(transport: Transport, proxy: RawServer) -> None:
        through = Transport(limits=Limits(), proxy=f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(APITimeoutError) as caught:
            await through.send("GET", "https://localhost:1/", {}, None, timeouts=Timeouts(connect=0.1))
        assert caught.value.deadline == "connect"
        await proxy.until(lambda proxy: proxy.open == 0)
        gone = Transport(limits=Limits(), proxy="http://127.0.0.1:9")
        with pytest.raises(APIConnectionError, match="no connection to localhost:1"):
            await gone.send("GET", "https://localhost:1/", {}, None, timeouts=TIMEOUTS)

    play(script, test)


def test_a_proxy_may_itself_be_reached_over_tls(bundle: Path, server_tls: ssl.SSLContext) -> None:
    async def test(transport: Transport, proxy: RawServer) -> None:
        through = Transport(limits=Limits(), verify=bundle, proxy=f"https://localhost:{proxy.port}")
        reply = await through.send("GET", "http://api.example/x", {}, None, timeouts=TIMEOUTS)
        assert await reply.read() == b"proxied"
        assert proxy.requests[0].startswith(b"GET http://api.example/x HTTP/1.1\r\n")
        await through.aclose()

    play(answering(ok(b"proxied")), test, tls=server_tls)


def test_the_environment_names_a_proxy_only_where_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(transport: Transport, proxy: RawServer) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        async with RawServer(answering(ok(b"direct"))) as server:
            trusting = Transport(limits=Limits(), trust_env=True)
            assert await fetch(transport, server) == b"direct"
            assert await fetch(trusting, server) == b"proxied"
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            assert await fetch(trusting, server) == b"direct"
            await trusting.aclose()

    play(answering(ok(b"proxied")), test)


@pytest.mark.parametrize(
    ("variables", "server", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, ("https", "api.example", 443), ("http", "p", 1)),
        ({"HTTPS_PROXY": "p:1"}, ("https", "api.example", 443), ("http", "p", 1)),
        ({"HTTPS_PROXY": "http://p:1"}, ("http", "api.example", 80), None),
        ({"ALL_PROXY": "https://p"}, ("http", "api.example", 80), ("https", "p", 443)),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "example"}, ("http", "api.example", 80), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "api.example:81"}, ("http", "api.example", 80), ("http", "p", 1)),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, ("http", "api.example", 80), None),
        ({}, ("http", "api.example", 80), None),
    ],
)
def test_the_environment_is_read_as_other_programs_read_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], server: tuple[str, str, int], proxy: Any
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = from_environment(Origin(*server))
    assert (found and tuple(found.origin)) == proxy


@pytest.mark.parametrize("url", ["socks5://p:1", "ftp://p", "http://", "http://p:0", "http://a b"])
def test_a_proxy_of_an_unknown_kind_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"proxy|URL"):
        Transport(limits=Limits(), proxy=url)


def test_the_credentials_of_a_proxy_are_masked() -> None:
    proxy = parse_proxy("http://user:secret@p:1")
    token = b64encode(b"user:secret").decode()
    assert "secret" not in repr(proxy) + repr(proxy.headers)
    assert token not in repr(proxy) + repr(proxy.headers)
    assert proxy.headers == {"Proxy-Authorization": f"Basic {token}"}
