"""The bytes of a request's head, and a head of an answer from bytes that are cut anywhere."""

from __future__ import annotations

import pickle
import traceback

import pytest

from llm_async.models.secret import Secret
from llm_async.transport.address import parse_url
from llm_async.transport.http1 import Headers, HeadReader, RequestHead

TARGET = parse_url("https://api.example/v1/chat?alt=sse")


def lines(headers: dict[str, str], *, method: str = "POST", length: int | None = 2) -> list[bytes]:
    head = RequestHead(method, TARGET, headers, length).encode()
    assert head.endswith(b"\r\n\r\n")
    return head[:-4].split(b"\r\n")


def test_a_request_says_what_a_server_needs() -> None:
    first, *rest = lines({"Content-Type": "application/json"})
    assert first == b"POST /v1/chat?alt=sse HTTP/1.1"
    names = [line.split(b": ")[0] for line in rest]
    assert names == [
        b"Host", b"User-Agent", b"Accept", b"Accept-Encoding", b"Connection", b"Content-Type", b"Content-Length",
    ]  # fmt: skip
    assert b"Host: api.example" in rest
    assert b"Accept-Encoding: identity" in rest
    assert b"Content-Length: 2" in rest


def test_the_callers_headers_replace_the_defaults_in_any_case() -> None:
    sent = lines({"USER-AGENT": "mine", "host": "other.example", "connection": "close", "accept": "text/x", "X-A": ""})
    assert b"USER-AGENT: mine" in sent
    assert b"host: other.example" in sent
    assert b"X-A: " in sent
    names = [line.split(b": ")[0].lower() for line in sent[1:]]
    assert len(names) == len(set(names))


def test_of_two_headers_that_differ_in_case_the_last_one_is_sent() -> None:
    sent = lines({"authorization": "one", "Authorization": "two"})
    assert b"Authorization: two" in sent
    assert not any(b"one" in line for line in sent)


@pytest.mark.parametrize(
    ("method", "length", "sent"),
    [
        ("POST", 0, b"0"),
        ("POST", None, b"0"),
        ("PUT", None, b"0"),
        ("GET", None, None),
        ("GET", 5, b"5"),
        ("DELETE", None, None),
    ],
)
def test_a_request_has_the_length_that_its_method_needs(method: str, length: int | None, sent: bytes | None) -> None:
    found = [line for line in lines({}, method=method, length=length) if line.startswith(b"Content-Length")]
    assert found == ([] if sent is None else [b"Content-Length: " + sent])


def test_secrets_are_revealed_in_the_bytes_alone() -> None:
    head = RequestHead("POST", TARGET, {"Authorization": Secret("Bearer sk-1")}, 0)
    assert b"Authorization: Bearer sk-1\r\n" in head.encode()
    assert "sk-1" not in repr(head._fields)


@pytest.mark.parametrize("name", ["", "X A", "X:A", ":authority", "X-A\n", "X-A\r\nB", "Ä", "(X)", "X\0"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a header has a name that HTTP does not allow"):
        RequestHead("GET", TARGET, {name: "v"}, None)


@pytest.mark.parametrize(
    "value", ["sk-1\n", "\nsk-1", "sk-1\r\nX: y", "sk-1\0", "sk-1\x7f", "sk-1\x1b", "sk-1ł", "sk-1\ud800"]
)
@pytest.mark.parametrize("kind", [str, Secret])
def test_a_value_that_may_not_be_sent_is_refused_and_never_shown(value: str, kind: type[str]) -> None:
    with pytest.raises(ValueError, match="the header 'X-Key' has a character") as caught:
        RequestHead("GET", TARGET, {"X-Key": kind(value)}, None)
    # As tracebacks are printed that show the local variables of each frame; the first frame is this test.
    inside = caught.tb.tb_next
    shown = traceback.TracebackException(ValueError, caught.value, inside, capture_locals=kind is Secret)
    assert "sk-1" not in "".join(shown.format())
    assert "sk-1" not in str(caught.value)


def test_latin_1_is_sent_as_such() -> None:
    assert b"X-Name: caf\xe9" in lines({"X-Name": "café"})


@pytest.mark.parametrize(
    ("headers", "message"),
    [({1: "v"}, "name"), ({"X-A": 1}, "'X-A'"), ({"X-A": b"v"}, "'X-A'"), ({"X-A": None}, "'X-A'")],
)
def test_what_is_no_text_is_refused(headers: dict[str, str], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        RequestHead("GET", TARGET, headers, None)


@pytest.mark.parametrize("method", ["", "GET /", "GET\r\nX: y", "GÉT", "GET\n"])
def test_a_method_that_is_no_token_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="the method is not one"):
        RequestHead(method, TARGET, {}, None)


@pytest.mark.parametrize(
    "headers",
    [{"Transfer-Encoding": "chunked"}, {"Content-Length": "3"}, {"content-length": "2", "Content-Length": "9"}],
)
def test_a_header_that_contradicts_the_body_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"header '(Transfer-Encoding|Content-Length)'"):
        RequestHead("POST", TARGET, headers, 2)


def test_a_length_that_stands_before_no_body_is_refused() -> None:
    with pytest.raises(ValueError, match="stands before no body"):
        RequestHead("GET", TARGET, {"Content-Length": "0"}, None)


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-A:\tb \r\nx-a: c\r\n\r\n"


@pytest.mark.parametrize("answer", [ANSWER, ANSWER.replace(b"\r\n", b"\n"), ANSWER.replace(b"b \r\n", b"b \n")])
def test_a_head_is_the_same_wherever_it_is_cut(answer: bytes) -> None:
    for cut in range(len(answer) + 1):
        reader = HeadReader(1000)
        found = reader.feed(answer[:cut]) if cut else None
        assert (found is None) == (cut < len(answer))
        found = found or reader.feed(answer[cut:] + b"rest")
        assert found is not None
        head, rest = found
        assert (head.minor, head.status, head.reason) == (1, 200, "OK")
        assert head.headers.raw == [("Content-Type", "text/event-stream"), ("X-A", "b"), ("x-a", "c")]
        assert rest == (b"" if cut == len(answer) else b"rest")


def test_headers_are_a_mapping() -> None:
    headers = Headers([("A", "1"), ("b", "2")])
    assert dict(headers) == {"a": "1", "b": "2"} == headers
    assert headers.get("B") == "2"
    assert 1 not in headers


def test_headers_are_pickled_with_the_errors_that_carry_them() -> None:
    headers = Headers([("X-A", "1"), ("Vary", "a"), ("vary", "b")])
    copy = pickle.loads(pickle.dumps(headers))
    assert (copy, copy.raw) == (headers, headers.raw)
