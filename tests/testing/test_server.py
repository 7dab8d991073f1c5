"""The server as a server: connections, recording, scripts, faults, and its own life. Raw sockets all the way."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from llm_async.testing import ProviderServer, Raw, Text, ToolCalls

from .client import PROVIDERS, Client, asked, asks, exchange

SSE = b'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n'


def serving(scenario: Callable[[ProviderServer], Awaitable[None]], **options: Any) -> None:
    """Run a scenario against a fresh server; one that hangs fails."""

    async def run() -> None:
        async with ProviderServer(**options) as server:
            await asyncio.wait_for(scenario(server), 20)

    asyncio.run(run())


# Addresses.


def test_each_provider_has_its_base_url() -> None:
    async def scenario(server: ProviderServer) -> None:
        base = f"http://127.0.0.1:{server.port}"
        assert {name: server.url(name).removeprefix(base) for name in PROVIDERS} == {
            "openai": "/openai/v1",
            "openairesponses": "/openai/v1",
            "claude": "/anthropic/v1",
            "google": "/gemini/v1beta",
            "openrouter": "/openrouter/api/v1",
        }

    serving(scenario)


def test_an_unknown_provider_is_an_error_that_lists_the_known_ones() -> None:
    async def scenario(server: ProviderServer) -> None:
        for use in (server.url, lambda name: server.fail(500, provider=name)):
            with pytest.raises(ValueError, match=r"'mistral'.*openai, openairesponses, claude, google, openrouter"):
                use("mistral")

    serving(scenario)


def test_a_server_that_does_not_run_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="start"):
        ProviderServer().url("openai")


# Connections and requests.


def test_a_connection_serves_one_request_after_another() -> None:
    async def scenario(server: ProviderServer) -> None:
        async with Client(server) as client:
            for stream in (False, True, False):
                client.ask("openai", stream=stream)
                head, _ = await client.reply()
                assert (head.status, head.headers["connection"]) == (200, "keep-alive")
        assert (server.total_connections, len(server.requests)) == (1, 3)

    serving(scenario)


def test_requests_that_come_ahead_of_their_turn_are_answered_in_order() -> None:
    async def scenario(server: ProviderServer) -> None:
        async with Client(server) as client:
            client.ask("openai", messages=[{"role": "user", "content": "one"}])
            client.ask("openai", messages=[{"role": "user", "content": "two"}])
            bodies = [(await client.reply())[1] for _ in range(2)]
        assert [b"You said: one" in bodies[0], b"You said: two" in bodies[1]] == [True, True]

    serving(scenario)


def test_a_client_that_asks_for_it_gets_its_connection_closed() -> None:
    async def scenario(server: ProviderServer) -> None:
        async with Client(server) as client:
            client.send("openai", *asks("openai"), headers={"Connection": "close"})
            head, _ = await client.reply()
            assert head.headers["connection"] == "close"
            assert await client.reader.read() == b""

    serving(scenario)


def test_a_client_of_http_1_0_gets_a_stream_that_ends_with_the_connection() -> None:
    async def scenario(server: ProviderServer) -> None:
        body = json.dumps(asks("openai", stream=True)[1]).encode()
        async with Client(server) as client:
            client.write(b"POST /openai/v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            head = await client.head()
            assert "transfer-encoding" not in head.headers
            assert (await client.reader.read()).endswith(b"data: [DONE]\n\n")

    serving(scenario)


def test_a_request_is_recorded_as_it_arrived() -> None:
    async def scenario(server: ProviderServer) -> None:
        body = {"contents": [{"parts": [{"text": "caf\u00e9"}]}]}
        path = "/models/a%20b:streamGenerateContent?alt=sse&x=1&x=2"
        await exchange(server, "google", path, body, headers={"X-Custom_Name": "Value", "x-many": "1", "X-Many": "2"})
        (request,) = server.requests
        assert request.method == "POST"
        assert request.path == "/gemini/v1beta/models/a b:streamGenerateContent"
        assert request.query == {"alt": "sse", "x": "2"}
        assert (request.headers["x-custom_name"], request.headers["x-many"]) == ("Value", "1, 2")
        assert ("X-Custom_Name", "Value") in request.raw_headers
        assert json.loads(request.body) == request.json == body
        assert (request.provider, request.number) == ("google", 1)

    serving(scenario)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_knows_which_provider_it_was_for(provider: str) -> None:
    async def scenario(server: ProviderServer) -> None:
        await asked(server, provider)
        assert server.requests[0].provider == provider

    serving(scenario)


def test_a_path_of_no_provider_is_not_found_and_recorded_all_the_same() -> None:
    async def scenario(server: ProviderServer) -> None:
        async with Client(server) as client:
            client.write(b"GET /v1/models HTTP/1.1\r\n\r\n")
            head, body = await client.reply()
        assert head.status == 404
        assert b"/openai/v1" in body
        assert (server.requests[0].provider, server.requests[0].json) == (None, None)

    serving(scenario)


def test_a_chunked_request_is_read() -> None:
    async def scenario(server: ProviderServer) -> None:
        body = json.dumps(asks("openai")[1]).encode()
        async with Client(server) as client:
            client.write(b"POST /openai/v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.write(b"5;x=y\r\n%b\r\n%X\r\n%b\r\n0\r\nTrailer: 1\r\n\r\n" % (body[:5], len(body) - 5, body[5:]))
            assert (await client.reply())[0].status == 200
            client.ask("openai")
            assert (await client.reply())[0].status == 200
        assert server.requests[0].body == body

    serving(scenario)


def test_a_client_that_waits_for_permission_gets_it() -> None:
    async def scenario(server: ProviderServer) -> None:
        body = json.dumps(asks("openai")[1]).encode()
        async with Client(server) as client:
            lines = [
                "POST /openai/v1/chat/completions HTTP/1.1",
                "Expect: 100-continue",
                f"Content-Length: {len(body)}",
            ]
            client.write("\r\n".join([*lines, "", ""]).encode())
            assert (await client.head()).status == 100
            client.write(body)
            assert (await client.reply())[0].status == 200

    serving(scenario)


NO_REQUESTS: dict[str, tuple[bytes, int]] = {
    "no HTTP": (b"hello\r\n\r\n", 400),
    "another version": (b"GET / HTTP/2.0\r\n\r\n", 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\nhost\r\n\r\n", 400),
    "a space before the colon": (b"GET / HTTP/1.1\r\nhost : x\r\n\r\n", 400),
    "a length that is no number": (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
    "a body that is too long": (b"POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", 413),
    "a head that is too long": (b"GET / HTTP/1.1\r\nx: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    "an unknown coding": (b"POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", 501),
    "a chunk without a size": (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-5\r\n", 400),
    "a chunk longer than its size": (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
}


@pytest.mark.parametrize(("data", "status"), NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
def test_what_is_no_request_is_refused_and_ends_the_connection(data: bytes, status: int) -> None:
    async def scenario(server: ProviderServer) -> None:
        async with Client(server) as client:
            client.write(data)
            head, _ = await client.reply()
            assert (head.status, head.headers["connection"]) == (status, "close")
            assert await client.reader.read() == b""
        assert server.requests == []

    serving(scenario)


def test_many_clients_are_served_at_once() -> None:
    async def scenario(server: ProviderServer) -> None:
        async def one(number: int) -> bool:
            said = {"role": "user", "content": f"number {number}"}
            _, body = await asked(server, "openai", stream=True, messages=[said])
            return f'"content":" {number}"' in body.decode()

        assert all(await asyncio.gather(*(one(number) for number in range(100))))
        await server.wait_closed_connections()
        assert (server.total_connections, len(server.requests)) == (100, 100)

    serving(scenario)


def test_open_connections_are_counted_and_can_be_waited_for() -> None:
    async def scenario(server: ProviderServer) -> None:
        assert server.connections == 0
        async with Client(server), Client(server):
            await server.wait_for_connections(2)
            assert server.connections == 2
        await server.wait_closed_connections()
        assert (server.connections, server.total_connections) == (0, 2)

    serving(scenario)


def test_a_wait_in_vain_says_what_was_waited_for() -> None:
    async def scenario(server: ProviderServer) -> None:
        with pytest.raises(TimeoutError, match="1 requests; there are 0 open connections and 0 requests"):
            await server.wait_for_requests(timeout=0.01)
        with pytest.raises(TimeoutError, match="2 open connections"):
            await server.wait_for_connections(2, timeout=0.01)

    serving(scenario)


def test_a_client_that_leaves_in_mid_stream_frees_its_connection_at_once() -> None:
    async def scenario(server: ProviderServer) -> None:
        async with Client(server) as client:
            client.ask("openai", stream=True)
            await client.head()
            await client.chunk()
            assert server.connections == 1
        await server.wait_closed_connections()

    serving(scenario, pause=3600)


def test_a_client_that_stops_reading_does_not_hold_up_others() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Text(["x" * 1_000_000] * 20), provider="openai")
        async with Client(server) as client:
            client.ask("openai", stream=True)
            await client.head()
            await client.chunk()
            cast(asyncio.Transport, client.writer.transport).pause_reading()
            assert (await asked(server, "claude"))[0].status == 200

    serving(scenario)


# Scripts.


def test_scripted_answers_come_in_order_and_then_the_model_speaks() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Text("one"), Text("two"))
        bodies = [(await asked(server, "openai"))[1] for _ in range(3)]
        assert [b'"one"' in bodies[0], b'"two"' in bodies[1], b"You said" in bodies[2]] == [True] * 3

    serving(scenario)


def test_a_scripted_answer_can_wait_for_its_provider() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Text("for claude"), provider="claude")
        server.script(Text("for anyone"))
        assert b"for anyone" in (await asked(server, "openai"))[1]
        assert b"for claude" in (await asked(server, "claude"))[1]

    serving(scenario)


def test_a_scripted_answer_can_come_more_than_once_or_for_ever() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Text("twice"), times=2)
        server.script(Text("ever"), times=None)
        bodies = [(await asked(server, "openai"))[1] for _ in range(5)]
        assert [b"twice" in body for body in bodies] == [True, True, False, False, False]
        assert [b"ever" in body for body in bodies] == [False, False, True, True, True]
        server.reset()
        assert server.requests == []
        assert b"You said" in (await asked(server, "openai"))[1]

    serving(scenario)


def test_a_refused_request_leaves_the_scripted_answer_to_the_next() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Text("later"))
        assert (await exchange(server, "openai", "/chat/completions", {}))[0].status == 400
        assert (await exchange(server, "openai", "/models", method="GET"))[0].status == 200
        assert b"later" in (await asked(server, "openai"))[1]

    serving(scenario)


def test_what_is_no_answer_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not str"):
        ProviderServer().script("hello")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one call"):
        ToolCalls()
    with pytest.raises(ValueError, match="finish"):
        Text("x", finish="stopped")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="times"):
        ProviderServer().script(Text("x"), times=0)
    with pytest.raises(ValueError, match="framing"):
        Raw(b"", framing="magic")  # type: ignore[arg-type]
    for text in ("text", ["text"]):
        with pytest.raises(TypeError, match="bytes"):
            Raw(text)  # type: ignore[arg-type]


# Raw bytes.


def test_raw_bytes_answer_any_request_as_they_are() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Raw(SSE), Raw(b'[{"x": 1}]', status=203, headers={"X-One": "1"}, framing="length"))
        head, body = await asked(server, "openai")
        assert (head.status, head.headers["content-type"], body) == (200, "text/event-stream", SSE)
        head, body = await exchange(server, "claude", "/nowhere", b"no json", method="PUT")
        assert (head.status, head.headers["content-type"], body) == (203, "application/json", b'[{"x": 1}]')
        assert (head.headers["X-One"], head.headers["content-length"]) == ("1", "10")

    serving(scenario)


@pytest.mark.parametrize(
    ("raw", "pieces"),
    [
        (Raw(b"abcdef"), [b"abcdef"]),
        (Raw([b"ab", b"", b"cdef"]), [b"ab", b"cdef"]),
        (Raw(b"abcdef", cuts=[4, 1, 4, 0, 6, 99]), [b"a", b"bcd", b"ef"]),
        (Raw(b"abc", cuts=range(1, 3)), [b"a", b"b", b"c"]),
        (Raw(b""), []),
    ],
)
def test_raw_bytes_are_cut_where_the_test_says(raw: Raw, pieces: list[bytes]) -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(raw)
        async with Client(server) as client:
            client.ask("openai")
            await client.head()
            assert await client.chunks() == pieces

    serving(scenario)


def test_the_pieces_reach_a_client_in_the_same_loop_one_by_one() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Raw([b"one", b"two", b"three"], framing="close"))
        async with Client(server) as client:
            client.ask("openai")
            await client.head()
            assert [await client.reader.read(100) for _ in range(4)] == [b"one", b"two", b"three", b""]

    serving(scenario)


def test_raw_bytes_can_end_with_the_connection() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Raw(SSE, framing="close"))
        async with Client(server) as client:
            client.ask("openai")
            head = await client.head()
            assert not {"transfer-encoding", "content-length"} & head.headers.keys()
            assert await client.reader.read() == SSE

    serving(scenario)


def test_raw_bytes_can_be_the_whole_wire() -> None:
    async def scenario(server: ProviderServer) -> None:
        wire = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 Fine\r\ncontent-length: 2\r\n\r\nhi"
        server.script(Raw(wire, framing="wire", close=True))
        async with Client(server) as client:
            client.ask("openai")
            assert await client.reader.read() == wire

    serving(scenario)


@pytest.mark.parametrize(
    ("framing", "tail"), [("chunked", b"%x\r\ndata: " % len(SSE)), ("length", b"data: "), ("close", b"data: ")]
)
def test_raw_bytes_can_break_off(framing: Any, tail: bytes) -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Raw(SSE, framing=framing, cut_at=6))
        async with Client(server) as client:
            client.ask("openai")
            head = await client.head()
            assert await client.reader.read() == tail
            assert head.headers.get("content-length", str(len(SSE))) == str(len(SSE))

    serving(scenario)


def test_a_status_that_rules_out_a_body_has_none() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Raw(b"ignored", status=204))
        async with Client(server) as client:
            client.ask("openai")
            head = await client.head()
            assert not {"transfer-encoding", "content-length"} & head.headers.keys()
            client.ask("openai")
            assert (await client.reply())[0].status == 200

    serving(scenario)


# Failures.

FAILURES: dict[str, Callable[[Any], Any]] = {
    "openai": lambda body: (body["error"]["type"], body["error"]["code"], body["error"]["message"]),
    "openairesponses": lambda body: (body["error"]["type"], body["error"]["code"], body["error"]["message"]),
    "claude": lambda body: (body["error"]["type"], body["request_id"], body["error"]["message"]),
    "google": lambda body: (body["error"]["status"], body["error"]["code"], body["error"]["message"]),
    "openrouter": lambda body: (
        body["error"]["metadata"]["error_type"],
        body["error"]["code"],
        body["error"]["message"],
    ),
}


@pytest.mark.parametrize(
    ("provider", "status", "words"),
    [
        ("openai", 429, ("requests", "rate_limit_exceeded")),
        ("openai", 500, ("server_error", None)),
        ("openairesponses", 503, ("service_unavailable_error", "server_is_overloaded")),
        ("claude", 529, ("overloaded_error", "req_00000001")),
        ("claude", 502, ("api_error", "req_00000001")),
        ("google", 503, ("UNAVAILABLE", 503)),
        ("google", 429, ("RESOURCE_EXHAUSTED", 429)),
        ("openrouter", 402, ("payment_required", 402)),
    ],
)
def test_a_failure_has_the_shape_of_the_api(provider: str, status: int, words: tuple[Any, ...]) -> None:
    async def scenario(server: ProviderServer) -> None:
        server.fail(status, "no luck")
        head, body = await asked(server, provider, stream=True)
        assert (head.status, head.headers["content-type"]) == (status, "application/json")
        assert FAILURES[provider](json.loads(body)) == (*words, "no luck")
        assert (await asked(server, provider))[0].status == 200

    serving(scenario)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_failure_says_how_long_to_wait_in_the_apis_own_way(provider: str) -> None:
    async def scenario(server: ProviderServer) -> None:
        server.fail(429, retry_after=2)
        server.fail(429, retry_after=1.5)
        (whole, whole_body), (exact, exact_body) = [await asked(server, provider) for _ in range(2)]
        if provider == "google":
            assert "retry-after" not in whole.headers
            delays = [json.loads(body)["error"]["details"][0]["retryDelay"] for body in (whole_body, exact_body)]
            assert delays == ["2s", "1.5s"]
        else:
            assert (whole.headers["retry-after"], whole.headers.get("retry-after-ms")) == ("2", None)
            assert (exact.headers["retry-after"], exact.headers["retry-after-ms"]) == ("2", "1500")

    serving(scenario)


def test_a_failure_can_name_the_providers_code() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.fail(429, code="insufficient_quota", type="insufficient_quota", provider="openai")
        server.fail(429, code="enforced_spend_limit_reached", provider="claude")
        server.fail(400, code="FAILED_PRECONDITION", type="API_KEY_INVALID", provider="google")
        error = json.loads((await asked(server, "openai"))[1])["error"]
        assert (error["code"], error["type"]) == ("insufficient_quota", "insufficient_quota")
        error = json.loads((await asked(server, "claude"))[1])["error"]
        assert (error["type"], error["details"]) == (
            "rate_limit_error",
            {"error_code": "enforced_spend_limit_reached"},
        )
        error = json.loads((await asked(server, "google"))[1])["error"]
        assert (error["status"], error["details"][0]["reason"]) == ("FAILED_PRECONDITION", "API_KEY_INVALID")

    serving(scenario)


def test_gemini_wraps_a_failure_of_its_array_stream_in_an_array() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.fail(503)
        _, body = await exchange(server, "google", "/models/m:streamGenerateContent", asks("google")[1])
        assert json.loads(body)[0]["error"]["status"] == "UNAVAILABLE"

    serving(scenario)


def test_a_failure_can_be_a_page_or_nothing() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.fail(502, html=True, headers={"Server": "proxy"})
        server.fail(524, empty=True, retry_after=1, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})
        head, body = await asked(server, "openai")
        assert (head.status, head.headers["content-type"], head.headers["Server"]) == (502, "text/html", "proxy")
        assert b"<title>502 Bad Gateway</title>" in body
        head, body = await asked(server, "openai")
        assert (head.status, "content-type" in head.headers, body) == (524, False, b"")
        assert (head.headers["Retry-After"], "retry-after" in head.headers) == ("Wed, 21 Oct 2026 07:28:00 GMT", False)

    serving(scenario)


def test_failures_come_before_scripted_answers_and_do_not_use_them_up() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Text("at last"))
        server.fail(500, times=2)
        server.fail(429, provider="claude")
        assert [(await asked(server, "openai"))[0].status for _ in range(2)] == [500, 500]
        assert b"at last" in (await asked(server, "openai"))[1]
        assert (await asked(server, "claude"))[0].status == 429

    serving(scenario)


# Deliveries that go wrong.


def test_a_delayed_answer_lets_others_pass() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.delay(0.3)
        server.script(Text("first"), Text("second"))
        order: list[bytes] = []

        async def ask() -> None:
            _, body = await asked(server, "openai")
            order.append(body)

        late = asyncio.create_task(ask())
        await server.wait_for_requests()
        await ask()
        await late
        assert [b"second" in order[0], b"first" in order[1]] == [True, True]

    serving(scenario)


def test_a_stalled_stream_is_silent_until_the_client_leaves() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.stall(after=2)
        async with Client(server) as client:
            client.ask("openai", stream=True)
            await client.head()
            assert b'"role"' in await client.chunk()
            assert b'"You"' in await client.chunk()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.reader.read(1), 0.02)
            assert server.connections == 1
        await server.wait_closed_connections()

    serving(scenario)


def test_a_stream_can_stall_behind_its_last_event() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.stall()
        async with Client(server) as client:
            client.ask("openai", stream=True)
            await client.head()
            while await client.chunk() != b"data: [DONE]\n\n":
                pass
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.reader.read(1), 0.02)

    serving(scenario)


def test_an_answer_can_stall_before_its_head() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.stall(before_head=True)
        async with Client(server) as client:
            client.ask("openai")
            await server.wait_for_requests()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.reader.read(1), 0.02)

    serving(scenario)


def test_a_whole_answer_can_stall_in_the_middle() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.stall(after_bytes=5)
        async with Client(server) as client:
            client.ask("openai")
            head = await client.head()
            assert int(head.headers["content-length"]) > 5
            assert await client.reader.readexactly(5) == b'{"id"'
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.reader.read(1), 0.02)

    serving(scenario)


def test_a_stop_ends_a_stall() -> None:
    async def scenario() -> None:
        server = ProviderServer()
        await server.start()
        server.stall(after=1)
        async with Client(server) as client:
            client.ask("openai", stream=True)
            await client.head()
            await client.chunk()
            await server.stop()
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.chunk()

    asyncio.run(scenario())


def test_a_cut_stream_ends_without_the_end_of_its_body() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.cut(after=2)
        async with Client(server) as client:
            client.ask("openai", stream=True)
            await client.head()
            await client.chunk()
            await client.chunk()
            assert await client.reader.read() == b""

    serving(scenario)


def test_a_stream_can_be_cut_inside_an_event() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.script(Raw([b"data: 1\n\n", b"data: 2\n\n"]))
        server.cut(after_bytes=12)
        async with Client(server) as client:
            client.ask("openai")
            await client.head()
            assert await client.chunk() == b"data: 1\n\n"
            assert await client.reader.read() == b"9\r\ndat"

    serving(scenario)


def test_a_clean_cut_ends_the_body_and_keeps_the_connection() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.cut(after=2, how="clean")
        server.cut(after_bytes=9, how="clean", times=2)
        async with Client(server) as client:
            client.ask("openai", stream=True)
            await client.head()
            assert len(await client.chunks()) == 2
            client.ask("openai", stream=True)
            assert (await client.reply())[1] == b'data: {"i'
            client.ask("openai")
            head, body = await client.reply()
            assert (head.headers["content-length"], body) == ("9", b'{"id":"ch')

    serving(scenario)


def test_a_connection_can_be_reset_in_mid_stream() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.cut(after=2, how="reset")
        async with Client(server) as client:
            client.ask("openai", stream=True)
            await client.head()
            await client.chunk()
            await client.chunk()
            with pytest.raises(ConnectionResetError):
                await client.chunk()

    serving(scenario)


@pytest.mark.parametrize("how", ["eof", "reset"])
def test_a_connection_can_be_lost_before_anything_is_answered(how: Any) -> None:
    async def scenario(server: ProviderServer) -> None:
        server.cut(before_head=True, how=how)
        async with Client(server) as client:
            client.ask("openai")
            try:
                assert await client.reader.read() == b""
                assert how == "eof"
            except ConnectionResetError:
                assert how == "reset"

    serving(scenario)


ERROR_EVENTS = {
    "openai": b'data: {"error":{"message":"Overloaded","type":"service_unavailable_error","param":null,'
    b'"code":"server_is_overloaded"}}\n\n',
    "openairesponses": b'event: error\ndata: {"type":"error","sequence_number":2,"error":{"type":'
    b'"service_unavailable_error","code":"server_is_overloaded","message":"Overloaded","param":null}}\n\n',
    "claude": b'event: error\ndata: {"type":"error","error":{"details":null,"type":"overloaded_error","message":'
    b'"Overloaded"},"request_id":"req_00000001"}\n\n',
    "google": b'data: {"error": {"code": 503,"message": "Overloaded","status": "UNAVAILABLE"}}\r\n\r\n',
    "openrouter": b'data: {"id":"gen-00000001","object":"chat.completion.chunk","created":1790000000,"model":"echo-1",'
    b'"provider":"Echo","error":{"code":529,"message":"Overloaded","metadata":{"error_type":"provider_overloaded"}},'
    b'"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"error"}]}\n\n',
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_error_event_has_the_shape_of_the_api_and_ends_the_stream(provider: str) -> None:
    async def scenario(server: ProviderServer) -> None:
        server.error_event(after=2)
        async with Client(server) as client:
            client.ask(provider, stream=True)
            assert (await client.head()).status == 200
            first, second, *rest = await client.chunks()
            assert first != second or provider == "openrouter"
            assert rest == [ERROR_EVENTS[provider]] + [b"data: [DONE]\n\n"] * (provider == "openrouter")

    serving(scenario)


def test_an_error_event_can_stand_for_any_status() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.error_event(status=429, message="slow down", code="insufficient_quota", times=2)
        _, body = await asked(server, "openai", stream=True)
        error = json.loads(body.removeprefix(b"data: "))["error"]
        assert (error["message"], error["code"], error["type"]) == ("slow down", "insufficient_quota", "requests")
        with pytest.raises(ValueError, match="status"):
            server.error_event(message="slow down")

    serving(scenario)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_error_event_without_a_stream_is_an_error_under_the_status_200(provider: str) -> None:
    async def scenario(server: ProviderServer) -> None:
        server.error_event()
        head, body = await asked(server, provider)
        assert head.status == 200
        assert json.loads(body)["error"]["message"] == "Overloaded"

    serving(scenario)


def test_a_malformed_event_stands_in_the_stream_and_the_rest_follows() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.malformed_event(after=1, times=2)
        server.malformed_event(data=b"hello", provider="google")
        async with Client(server) as client:
            client.ask("openai", stream=True)
            await client.head()
            chunks = await client.chunks()
            assert chunks[1] == b'data: {"cut": \n\n'
            assert (b"role" in chunks[0], chunks[-1]) == (True, b"data: [DONE]\n\n")
            client.ask("openai")
            assert (await client.reply())[1] == b'{"cut": '
            client.ask("google", stream=True)
            assert (await client.reply())[1].startswith(b"data: hello\r\n\r\ndata: {")

    serving(scenario)


def test_a_refused_request_shows_its_refusal_and_no_other_error() -> None:
    async def scenario(server: ProviderServer) -> None:
        server.error_event()
        server.malformed_event()
        for _ in range(2):
            head, body = await exchange(server, "openai", "/chat/completions", {"stream": True})
            assert (head.status, b"model" in body) == (400, True)

    serving(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda server: server.fail(200),
        lambda server: server.fail(500, times=0),
        lambda server: server.cut(after=1, after_bytes=1),
        lambda server: server.stall(after=-1),
        lambda server: server.cut(how="politely"),
        lambda server: server.cut(how="clean", before_head=True),
    ],
)
def test_a_fault_that_makes_no_sense_is_a_value_error(wrong: Callable[[ProviderServer], None]) -> None:
    with pytest.raises(ValueError, match=r"."):
        wrong(ProviderServer())


# Its own life.


def test_a_server_can_be_started_again_in_another_loop() -> None:
    server = ProviderServer()

    async def scenario() -> int:
        async with server:
            return (await asked(server, "openai"))[0].status

    assert [asyncio.run(scenario()) for _ in range(3)] == [200, 200, 200]
    assert (server.connections, server.total_connections, len(server.requests)) == (0, 3, 3)


def test_a_server_runs_once_and_stops_as_often_as_one_likes() -> None:
    async def scenario() -> None:
        server = ProviderServer()
        await server.start()
        with pytest.raises(RuntimeError, match="already"):
            await server.start()
        await server.stop()
        await server.stop()
        assert server.connections == 0

    asyncio.run(scenario())


def test_a_stop_drops_every_connection() -> None:
    async def scenario() -> None:
        server = ProviderServer(pause=3600)
        await server.start()
        async with Client(server) as idle, Client(server) as streaming, Client(server) as sending:
            streaming.ask("openai", stream=True)
            await streaming.head()
            sending.write(b"POST /openai/v1/chat/completions HTTP/1.1\r\ncontent-length: 100\r\n\r\nhalf")
            await server.wait_for_connections(3)
            await server.stop()
            assert server.connections == 0
            for client in (idle, streaming, sending):
                with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                    await client.reader.readexactly(1_000_000)

    asyncio.run(scenario())


def test_a_program_without_a_loop_uses_the_server_in_a_thread() -> None:
    path, body = asks("openrouter")
    with ProviderServer() as server:
        server.fail(402)
        request = urllib.request.Request(
            server.url("openrouter") + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with pytest.raises(urllib.error.HTTPError, match="402") as failure:
            urllib.request.urlopen(request, timeout=10)
        failure.value.close()
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert json.load(reply)["choices"][0]["message"]["content"] == "You said: Hello there"
        asyncio.run(server.wait_closed_connections())
    assert [recorded.provider for recorded in server.requests] == ["openrouter", "openrouter"]


NOISE = """
import asyncio
from llm_async.testing import ProviderServer

BODY = b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'

async def leave(server, moment):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /openai/v1/chat/completions HTTP/1.1\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(BODY) + BODY[:moment])
    if moment >= len(BODY):
        await reader.read(50)
    writer.transport.abort()

async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is no noise of the server
    for how in ("eof", "reset"):
        async with ProviderServer() as server:
            server.cut(after=1, how=how, times=2)
            server.stall(after=1, times=5)
            await asyncio.gather(*(leave(server, moment) for moment in [*range(0, 100, 10)] * 5))
            await server.wait_closed_connections()
            _, idle = await asyncio.open_connection("127.0.0.1", server.port)
        idle.close()

asyncio.run(main())
asyncio.run(main())
print("quiet")
"""


def test_clients_that_leave_make_no_noise() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", NOISE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("quiet\n", "")


def test_the_server_runs_as_a_program_and_says_where() -> None:
    command = [sys.executable, "-m", "llm_async.testing", "--port", "0", "--pause", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            urls = dict(program.stdout.readline().split() for _ in range(5))
            assert tuple(urls) == PROVIDERS
            with urllib.request.urlopen(f"{urls['claude']}/models", timeout=10) as reply:
                assert json.load(reply)["data"][0]["id"] == "echo-1"
        finally:
            program.terminate()
