"""URLs: what is taken, how it stands on the wire, and what is refused without being repeated."""

from __future__ import annotations

import pytest

from llm_async.transport.address import Origin, parse_url


@pytest.mark.parametrize(
    ("url", "origin", "netloc", "path"),
    [
        ("http://host", ("http", "host", 80), "host", "/"),
        ("https://host/", ("https", "host", 443), "host", "/"),
        ("HTTPS://Host.Example/V1", ("https", "host.example", 443), "host.example", "/V1"),
        ("https://host:443/x", ("https", "host", 443), "host", "/x"),
        ("http://host:443/x", ("http", "host", 443), "host:443", "/x"),
        ("http://host:/x", ("http", "host", 80), "host", "/x"),
        ("http://host:8000/a/b?c=d&e#f", ("http", "host", 8000), "host:8000", "/a/b?c=d&e"),
        ("http://host?x=1", ("http", "host", 80), "host", "/?x=1"),
        ("http://host#part", ("http", "host", 80), "host", "/"),
        ("http://host/a b/ü?q=ä ö", ("http", "host", 80), "host", "/a%20b/%C3%BC?q=%C3%A4%20%C3%B6"),
        ("http://host/a%20b%2Fc", ("http", "host", 80), "host", "/a%20b%2Fc"),
        ("http://host/100%", ("http", "host", 80), "host", "/100%25"),
        ('http://host/"<>\\^`{|}', ("http", "host", 80), "host", "/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("http://host/models/gemini:generateContent", ("http", "host", 80), "host", "/models/gemini:generateContent"),
        ("http://host/a@b:c", ("http", "host", 80), "host", "/a@b:c"),
        ("http://host//a//b", ("http", "host", 80), "host", "//a//b"),
        ("http://127.0.0.1:8080/", ("http", "127.0.0.1", 8080), "127.0.0.1:8080", "/"),
        ("http://[::1]/", ("http", "::1", 80), "[::1]", "/"),
        ("http://[2001:db8::1]:8080/", ("http", "2001:db8::1", 8080), "[2001:db8::1]:8080", "/"),
        ("http://[fe80::1%25eth0]/", ("http", "fe80::1%eth0", 80), "[fe80::1]", "/"),
        ("https://bücher.example/", ("https", "xn--bcher-kva.example", 443), "xn--bcher-kva.example", "/"),
        ("https://my_host-1.example./", ("https", "my_host-1.example.", 443), "my_host-1.example.", "/"),
    ],
)
def test_a_url_is_taken_apart(url: str, origin: tuple[str, str, int], netloc: str, path: str) -> None:
    target = parse_url(url)
    assert target.origin == Origin(*origin)
    assert target.origin.netloc == netloc
    assert target.path == path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host/path",
        "//host/path",
        "ftp://host/",
        "file:///etc/passwd",
        "http:/host",
        "http:///path",
        "http://:80/",
        "http://host:0/",
        "http://host:65536/",
        "http://host:-1/",
        "http://host:80:80/",
        "http://host:8o/",
        "http://user:secret@host/",
        "http://secret@host/",
        "http://ho st/",
        "http://host\\@evil/",
        "http://a..b/",
        "http://.host/",
        "http://" + "a" * 64 + ".example/",
        "http://[::1/",
        "http://[::g]/",
        "http://[host]/",
        "http://[::1]x/",
        "http://::1/",
        "http://host/a\r\nHost: evil?key=secret",
        "http://host/a\0b",
        "http://host/a\tb?key=secret",
        "http://host/\ud800",
        "http://ho%73t/",
        "http://\ud800/",
        "http://" + "ü" * 80 + "/",
    ],
)
def test_what_is_no_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="the URL") as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", [None, b"http://host/", 1])
def test_a_url_must_be_text(url: object) -> None:
    with pytest.raises(TypeError, match="a URL must be a str"):
        parse_url(url)  # type: ignore[arg-type]


def test_a_query_appears_in_no_repr() -> None:
    assert "secret" not in repr(parse_url("http://host/?key=secret"))
