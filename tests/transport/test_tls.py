"""TLS: who is trusted, what is said of who is not, and that one context serves all connections."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_async.errors import APIConnectionError
from llm_async.models import Limits
from llm_async.transport import Transport
from llm_async.transport.tls import TLS

from ..raw_server import Peer, RawServer, answering, ok
from .calls import TIMEOUTS, fetch, play, send

trustme = pytest.importorskip("trustme")


@pytest.fixture(scope="module")
def authority() -> Any:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: Any) -> ssl.SSLContext:
    return context_for(authority, "localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def bundle(authority: Any) -> Iterator[Path]:
    with authority.cert_pem.tempfile() as path:
        yield Path(path)


def context_for(authority: Any, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def test_an_authority_given_as_a_file_is_trusted(server_tls: ssl.SSLContext, bundle: Path) -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server) == b"1"
        assert await fetch(transport, server) == b"2"
        assert server.accepted == 1

    play(answering(ok(b"1"), ok(b"2")), test, tls=server_tls, verify=bundle)
    play(answering(ok(b"1"), ok(b"2")), test, tls=server_tls, verify=str(bundle))


def test_a_context_of_the_callers_own_is_used(server_tls: ssl.SSLContext, authority: Any) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)

    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server) == b"fine"

    play(answering(ok(b"fine")), test, tls=server_tls, verify=context)
    play(answering(ok(b"fine")), test, tls=server_tls, ssl_context=context)


def test_nobody_is_asked_for_a_certificate_without_verification(server_tls: ssl.SSLContext) -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server) == b"fine"

    play(answering(ok(b"fine")), test, tls=server_tls, verify=False)


@pytest.mark.parametrize("names", [("localhost",), ("elsewhere.example",)], ids=["unknown-authority", "another-name"])
def test_a_certificate_that_is_not_accepted_is_an_error_that_says_why(
    authority: Any, bundle: Path, names: tuple[str, ...]
) -> None:
    known = names == ("elsewhere.example",)

    async def test(transport: Transport, server: RawServer) -> None:
        with pytest.raises(APIConnectionError) as caught:
            await fetch(transport, server)
        assert type(caught.value) is APIConnectionError
        message = str(caught.value)
        assert message.startswith(f"no connection to localhost:{server.port}: its TLS certificate was not accepted: ")
        assert ("Hostname mismatch" if known else "unable to get local issuer certificate") in message
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        await server.until(lambda server: server.open == 0)

    play(answering(ok()), test, tls=context_for(authority, *names), verify=bundle if known else True)


def test_a_server_that_speaks_no_tls_is_an_error(bundle: Path) -> None:
    async def answers(peer: Peer) -> None:
        await peer.reader.read(100)
        await peer.send(ok())

    async def closes(peer: Peer) -> None:
        await peer.reader.read(100)

    async def closes_at_once(peer: Peer) -> None:
        pass

    async def resets_at_once(peer: Peer) -> None:
        peer.reset()

    async def speaks_first(peer: Peer) -> None:
        await peer.send(b"220 mail.example ready\r\n")
        await peer.gone()

    async def test(transport: Transport, server: RawServer) -> None:
        for _ in range(2):  # the first time, the context has to be built
            with pytest.raises(APIConnectionError, match=r"no connection to 127.0.0.1") as caught:
                await transport.send("GET", f"https://127.0.0.1:{server.port}/", {}, None, timeouts=TIMEOUTS)
            assert type(caught.value) is APIConnectionError
        await server.until(lambda server: server.open == 0)

    for script in (answers, closes, closes_at_once, resets_at_once, speaks_first):
        play(script, test, verify=bundle)


def test_a_body_over_tls_is_read_left_and_cut_like_any_other(server_tls: ssl.SSLContext, bundle: Path) -> None:
    large = bytes(range(256)) * 4096
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            if b"/cut" in request:
                await peer.send(endless)
                return
            if b"/endless" in request:
                await peer.send(endless)
                await peer.gone()
                return
            if b"/to-the-end" in request:
                await peer.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
                return
            await peer.send(ok(large))

    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server) == large
        assert await fetch(transport, server, body=large) == large
        with pytest.raises(APIConnectionError, match="connection lost"):
            await fetch(transport, server, path="/cut")
        assert await fetch(transport, server, path="/to-the-end") == b"abc"
        reply = await send(transport, server, path="/endless")
        assert await reply.read_some() == b"abc"
        reply.close()
        await server.until(lambda server: server.open == 0)

    play(script, test, tls=server_tls, verify=bundle)


def test_an_idle_connection_over_tls_that_the_server_closes_is_noticed(
    server_tls: ssl.SSLContext, bundle: Path
) -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        for _ in range(3):
            assert await fetch(transport, server) == b"ok"
            await server.until(lambda server: server.open == 0)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ok())

    play(script, test, tls=server_tls, verify=bundle)


def test_http_2_is_not_agreed_upon(server_tls: ssl.SSLContext, authority: Any) -> None:
    speaks_both = context_for(authority, "localhost")
    speaks_both.set_alpn_protocols(["h2", "http/1.1"])

    async def test(transport: Transport, server: RawServer) -> None:
        assert await fetch(transport, server) == b"ok"

    play(answering(ok()), test, tls=speaks_both, verify=False)

    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.set_alpn_protocols(["h2"])

    async def refused(transport: Transport, server: RawServer) -> None:
        with pytest.raises(APIConnectionError, match="offers HTTP/2"):
            await fetch(transport, server)
        await server.until(lambda server: server.open == 0)

    play(answering(ok()), refused, tls=speaks_both, verify=context)


def test_connections_and_transports_of_one_policy_share_a_context() -> None:
    async def main() -> None:
        first, second = TLS(True), TLS(True)
        contexts = await asyncio.gather(first.context(), first.context(), second.context())
        assert len(set(map(id, contexts))) == 1
        assert contexts[0].minimum_version == ssl.TLSVersion.TLSv1_2
        assert contexts[0].verify_mode == ssl.CERT_REQUIRED
        assert contexts[0].check_hostname
        assert await TLS(False).context() is not contexts[0]

    asyncio.run(main())


def test_a_file_of_authorities_that_does_not_exist_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="verify: there is no file or folder"):
        Transport(limits=Limits(), verify=tmp_path / "nothing.pem")


def test_a_file_of_authorities_that_holds_none_is_an_error(tmp_path: Path, server_tls: ssl.SSLContext) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")

    async def test(transport: Transport, server: RawServer) -> None:
        with pytest.raises(APIConnectionError, match="no connection to localhost"):
            await fetch(transport, server)

    play(answering(ok()), test, tls=server_tls, verify=empty)


@pytest.mark.parametrize("runner", ["asyncio", "uvloop"])
def test_a_loop_that_ends_with_connections_over_tls_ends_in_silence(
    authority: Any, tmp_path: Path, runner: str
) -> None:
    pytest.importorskip(runner)
    bundle, key = tmp_path / "ca.pem", tmp_path / "server.pem"
    authority.cert_pem.write_to_path(bundle)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(key)
    program = f"""
import asyncio, ssl, sys, {runner}
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from llm_async.models import Limits
from llm_async.transport import Transport
from tests.raw_server import RawServer, answering, ok
from tests.transport.calls import fetch, send
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain({str(key)!r})
transport = Transport(limits=Limits(), verify={str(bundle)!r})
kept = []
async def main():
    server = RawServer(answering(ok(), b"HTTP/1.1 200 OK\\r\\n\\r\\nabc"), tls=context)
    async with server:
        await fetch(transport, server)
        kept.append(await send(transport, server))
        await fetch(transport, server)
{runner}.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )
    lines = [line for line in done.stderr.splitlines() if not (line.startswith("Executing <") and " took " in line)]
    assert (done.returncode, lines) == (0, [])
