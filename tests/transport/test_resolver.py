"""Names and addresses: one lookup for many, both families, every address tried."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any

import pytest

from llm_async.errors import APIConnectionError
from llm_async.transport import Transport
from llm_async.transport.address import Origin
from llm_async.transport.dialer import Dialer
from llm_async.transport.resolver import Resolver
from llm_async.transport.tls import TLS

from ..raw_server import RawServer, answering, ok
from .calls import TIMEOUTS, play


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that counts the lookups it is asked for, and answers them from a table."""

    def __init__(self) -> None:
        super().__init__()
        self.lookups: list[Any] = []
        self.table: dict[str, list[Any]] = {}

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> list[Any]:
        self.lookups.append(host)
        await asyncio.sleep(0.01)
        if host not in self.table:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in self.table[host]]


def run(main: Any, table: dict[str, list[Any]]) -> list[Any]:
    loop = CountingLoop()
    loop.table = table
    try:
        loop.run_until_complete(main(loop))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    return loop.lookups


def test_simultaneous_lookups_are_one_and_it_is_remembered() -> None:
    async def main(loop: CountingLoop) -> None:
        resolver = Resolver()
        found = await asyncio.gather(*[resolver.addresses("api.example", 443) for _ in range(100)])
        assert found == [[(socket.AF_INET, ("192.0.2.1", 443))]] * 100
        assert await resolver.addresses("api.example", 443) == found[0]
        resolver.forget("api.example", 443)
        await resolver.addresses("api.example", 443)

    assert run(main, {"api.example": [(socket.AF_INET, "192.0.2.1")]}) == ["api.example"] * 2


def test_a_lookup_goes_on_for_the_others_when_one_caller_is_cancelled() -> None:
    async def main(loop: CountingLoop) -> None:
        resolver = Resolver()
        first = asyncio.create_task(resolver.addresses("api.example", 443))
        second = asyncio.create_task(resolver.addresses("api.example", 443))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert len(await second) == 1

    assert run(main, {"api.example": [(socket.AF_INET, "192.0.2.1")]}) == ["api.example"]


def test_a_lookup_that_fails_fails_for_everybody_and_is_not_remembered() -> None:
    async def main(loop: CountingLoop) -> None:
        resolver = Resolver()
        results = await asyncio.gather(
            *[resolver.addresses("nowhere.example", 443) for _ in range(3)], return_exceptions=True
        )
        assert [type(result) for result in results] == [socket.gaierror] * 3
        lonely = asyncio.create_task(resolver.addresses("nowhere.example", 443))
        await asyncio.sleep(0)
        lonely.cancel()
        await asyncio.sleep(0.05)
        gc.collect()  # a failure that nobody waits for is not reported either

    assert run(main, {}) == ["nowhere.example"] * 2


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", (socket.AF_INET, ("127.0.0.1", 80))),
        ("::1", (socket.AF_INET6, ("::1", 80, 0, 0))),
    ],
)
def test_an_address_needs_no_lookup(host: str, expected: Any) -> None:
    async def main(loop: CountingLoop) -> None:
        assert await Resolver().addresses(host, 80) == [expected]

    assert run(main, {}) == []


def test_every_address_of_a_name_is_tried() -> None:
    async def main(loop: CountingLoop) -> None:
        async with RawServer(answering(ok())) as server:
            dialer = Dialer(Resolver(), TLS(True), lambda origin: None)
            wire = await dialer.dial(Origin("http", "api.example", server.port))
            assert wire.transport.get_extra_info("peername")[0] == "127.0.0.1"
            wire.abort()
            await server.until(lambda server: server.open == 0)

    # Nobody listens on the first two.
    table = {
        "api.example": [(socket.AF_INET, "127.0.0.3"), (socket.AF_INET, "127.0.0.2"), (socket.AF_INET, "127.0.0.1")]
    }
    run(main, table)


def test_an_address_that_does_not_answer_holds_the_next_one_up_only_shortly() -> None:
    async def main(loop: CountingLoop) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.2", 0))
            full.listen(0)
            port = full.getsockname()[1]
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.2", port))
            server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", port)
            dialer = Dialer(Resolver(), TLS(True), lambda origin: None)
            wire = await dialer.dial(Origin("http", "api.example", port))
            assert wire.transport.get_extra_info("peername")[0] == "127.0.0.1"
            wire.abort()
            server.close()
            await asyncio.sleep(0.01)
            for filler in fillers:
                filler.close()

    run(main, {"api.example": [(socket.AF_INET, "127.0.0.2"), (socket.AF_INET, "127.0.0.1")]})


def test_a_name_none_of_whose_addresses_answers_is_looked_up_anew() -> None:
    async def main(loop: CountingLoop) -> None:
        dialer = Dialer(Resolver(), TLS(True), lambda origin: None)
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                await dialer.dial(Origin("http", "api.example", port))

    table = {"api.example": [(socket.AF_INET, "127.0.0.2"), (socket.AF_INET, "127.0.0.1")]}
    assert run(main, table) == ["api.example"] * 2


def test_a_name_that_does_not_exist_is_an_error_that_says_so() -> None:
    async def test(transport: Transport, server: RawServer) -> None:
        with pytest.raises(
            APIConnectionError, match=r"no connection to nowhere.invalid:443: its name could not be resolved"
        ):
            await transport.send("GET", "https://nowhere.invalid/", {}, None, timeouts=TIMEOUTS)

    play(answering(ok()), test)


def test_ipv6_is_spoken() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")

    async def main() -> None:
        try:
            server = await RawServer(answering(ok(b"six")), host="::1").__aenter__()
        except OSError:
            pytest.skip("no IPv6 here")
        from llm_async.models import Limits

        transport = Transport(limits=Limits())
        reply = await transport.send("GET", f"http://[::1]:{server.port}/", {}, None, timeouts=TIMEOUTS)
        assert await reply.read() == b"six"
        assert f"\r\nHost: [::1]:{server.port}\r\n".encode() in server.requests[0]
        await transport.aclose()
        await server.__aexit__(None, None, None)

    asyncio.run(main())
