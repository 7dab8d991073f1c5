"""Faults in what is said: statuses with bodies of all kinds, errors inside a 200, and answers that are none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from llm_async.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    LLMError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitError,
    RequestTooLargeError,
    StreamError,
    UnprocessableEntityError,
)
from llm_async.models import Timeouts

from .fault import FIRST, Expect, Fault, answered, as_json, chunked, half, head, right, sized
from .spoken import Spoken, sse

__all__ = ["FAULTS"]

CLASSES: dict[int, type[LLMError]] = {
    400: BadRequestError, 401: AuthenticationError, 402: APIStatusError, 403: PermissionDeniedError,
    404: NotFoundError, 408: APIStatusError, 409: ConflictError, 413: RequestTooLargeError,
    422: UnprocessableEntityError, 425: APIStatusError, 429: RateLimitError, 499: APIStatusError,
    500: InternalServerError, 502: InternalServerError, 503: OverloadedError, 504: InternalServerError,
    524: InternalServerError, 529: OverloadedError,
}  # fmt: skip
PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}
SHORT = Timeouts(connect=20, response=20, idle=0.5)
PAGE = b"<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
NONSENSE = Expect(ProtocolError)
RIGHT = Expect(None)


def status(number: int, message: str = "", *, again: bool | None = None, **attributes: Any) -> Expect:
    """The error of a status."""
    return Expect(
        CLASSES.get(number, APIStatusError),
        message=rf"^HTTP {number}: {message}",
        again=number in PASSING if again is None else again,
        attributes={"status_code": number, **attributes},
    )


def both(name: str, answer: Callable[[Spoken, bool], bytes], expect: Expect, **more: Any) -> Fault:
    """A fault from which a stream learns the same as a whole answer."""
    return Fault(name, answer, expect, expect, **more)


def refused(number: int, *lines: str, message: str = "It is so.") -> Callable[[Spoken, bool], bytes]:
    """A status with the API's own error body."""
    return lambda spoken, stream: sized(as_json(spoken.error(number, message)), *lines, status=number)


def identified(number: int) -> Callable[[Spoken, bool], bytes]:
    """The same, with the API's own header for the request's id."""

    def answer(spoken: Spoken, stream: bool) -> bytes:
        lines = [f"{spoken.request_id}: req_7"] if spoken.request_id else []
        return refused(number, *lines)(spoken, stream)

    return answer


def body(data: bytes, number: int, *lines: str) -> Callable[[Spoken, bool], bytes]:
    return lambda spoken, stream: sized(data, *lines, status=number)


STATUSES = [
    fault
    for number in CLASSES
    for fault in (
        both(
            f"{number} in the API's words",
            identified(number),
            status(number, "It is so", request_id="req_7", body=...),
            unlike={
                ("google", stream): status(number, "It is so", request_id=None, body=...) for stream in (False, True)
            },
        ),
        both(
            f"{number} with a page",
            body(PAGE, number, "Content-Type: text/html"),
            status(number, "Bad gateway$", body=PAGE.decode(), retry_after=None),
        ),
        both(f"{number} without a word", body(b"", number), status(number, ".+says no more", body=None)),
    )
]

HINTS = [
    both(f"429 with {name}", refused(429, *lines), status(429, again=again, retry_after=seconds))
    for name, lines, seconds, again in [
        ("retry-after in seconds", ["Retry-After: 7"], 7.0, False),
        ("retry-after in parts of a second", ["retry-after: 0.5"], 0.5, False),
        ("retry-after of nothing", ["Retry-After: 0"], 0.0, True),
        ("retry-after in milliseconds", ["Retry-After-Ms: 1500", "Retry-After: 7"], 1.5, False),
        ("retry-after as a date", ["Retry-After: Wed, 01 Jan 2098 00:00:00 GMT"], ..., False),
        ("retry-after as a date in the past", ["Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"], 0.0, True),
        ("a retry-after that is none", ["Retry-After: soon"], None, True),
        ("a negative retry-after", ["Retry-After: -5"], None, True),
        ("a retry-after beyond all bounds", ["Retry-After: " + "9" * 400], None, True),
        ("OpenAI's reset of requests", ["x-ratelimit-reset-requests: 6m0s"], 360.0, False),
        ("Claude's reset of tokens", ["anthropic-ratelimit-tokens-reset: 2098-01-01T00:00:00Z"], ..., False),
        ("a reset of a limit that has something left", ["x-ratelimit-remaining-requests: 5",
                                                        "x-ratelimit-reset-requests: 6m0s"], None, True),
        ("the server's word that it is worth no retry", ["X-Should-Retry: false"], None, False),
    ]
]  # fmt: skip
HINTS += [
    both(
        "400 with the server's word that it is worth a retry",
        refused(400, "x-should-retry: true"),
        status(400, again=True, retryable=True),
    ),
    both("503 with retry-after", refused(503, "Retry-After: 3"), status(503, again=False, retry_after=3.0)),
    *(
        both(f"429 with {name}", body(as_json(value), 429), status(429, again=False, **attributes))
        for name, value, attributes in [
            (
                "RetryInfo in the body",
                {
                    "error": {
                        "code": 429,
                        "message": "Slow down.",
                        "status": "RESOURCE_EXHAUSTED",
                        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}],
                    }
                },
                {"retry_after": 34.5, "code": "RESOURCE_EXHAUSTED"},
            ),
            (
                "a quota of the day",
                {
                    "error": {
                        "code": 429,
                        "message": "Enough for today.",
                        "status": "RESOURCE_EXHAUSTED",
                        "details": [
                            {
                                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                                "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
                            }
                        ],
                    }
                },
                {"retryable": False},
            ),
            (
                "a quota that is used up",
                {"error": {"message": "Pay.", "type": "insufficient_quota", "code": "insufficient_quota"}},
                {"retryable": False, "code": "insufficient_quota"},
            ),
            (
                "a spend limit that is reached",
                {
                    "type": "error",
                    "error": {
                        "type": "rate_limit_error",
                        "message": "Pay.",
                        "details": {"error_code": "enforced_spend_limit_reached"},
                    },
                },
                {"retryable": False, "type": "rate_limit_error"},
            ),
        ]
    ),
]

ERROR_BODIES = [
    both("an error body that never ends", lambda spoken, stream: head(
        "Transfer-Encoding: chunked", status=500), status(500), then="endless",
        endless=chunked(b"and more " * 100, end=False)),
    both("an error body cut short", lambda spoken, stream: head("Content-Length: 5000", status=500) + b'{"error": "cu',
         status(500, body='{"error": "cu'), then="close"),
    both("an error body that stays away", lambda spoken, stream: head("Content-Length: 50", status=503), status(503),
         then="wait", timeouts=SHORT),
    both("an error body in gzip", lambda spoken, stream: sized(gzip.compress(as_json(spoken.error(400, "It is so."))),
         "Content-Encoding: gzip", status=400), status(400, "It is so")),
    both("an error body in gzip that is none", body(b"plain", 400, "Content-Encoding: gzip"), status(400)),
    both("an error body in a coding of its own", body(b"\x0b\x02\x80", 400, "Content-Encoding: br"), status(400, ".+says no more", body=None)),
    both("an error body that is not UTF-8", body(b"caf\xe9", 400), status(400, "caf")),
    both("an error body of one text", body(b'"It is so."', 400), status(400, "It is so", body="It is so.")),
    both("an error body of one number", body(b"12", 400), status(400, "12", body=12)),
    both("an error body that is null", body(b"null", 400), status(400, ".+says no more", body=None)),
    both("an error that is null", body(b'{"error": null}', 400), status(400)),
    both("an error in a list", body(b'[{"error": {"message": "It is so."}}]', 400), status(400, "It is so")),
    both("an error that is a text", body(b'{"error": "It is so."}', 400), status(400, "It is so")),
    both("an error in FastAPI's words", body(as_json({"detail": [{"loc": ["body", "model"], "msg": "is missing"}]}), 422),
         status(422, "body.model: is missing")),
    both("an error in Mistral's words", body(as_json({"object": "error", "message": "It is so.", "code": "3000"}), 400),
         status(400, "It is so", code="3000")),
    both("an error nested beyond all bounds", body(b"[" * 50_000 + b"]" * 50_000, 400), status(400)),
    both("an error with NaN in it", body(b'{"error": {"message": NaN}}', 400), status(400)),
    both("an error of a novel's length", body(as_json({"error": {"message": "long " * 10_000}}), 400), status(400, "long")),
    both("an error that is an event", body(b'event: error\ndata: {"error": {"message": "It is so."}}\n\n', 400),
         status(400, "It is so")),
]  # fmt: skip

REDIRECTS = [
    both(
        f"{number} to another host",
        body(b"", number, "Location: http://elsewhere.invalid/v1?key=of-another"),
        status(number, "the server redirects to http://elsewhere.invalid/v1;"),
    )
    for number in (301, 302, 303, 307, 308)
] + [
    both("a redirect to nowhere", body(b"", 302), status(302, "the server redirects, and does not say where to")),
    both("a redirect that is no URL", body(b"", 307, "Location: http://[::1"), status(307, "the server redirects")),
    both("304", lambda spoken, stream: head(status=304), status(304)),
    both("300", body(b"", 300), status(300)),
]

# --- errors inside a 200: (name, the error as an object or as the text of an event, the status that it stands for)

SHAPES: list[tuple[str, Any, int, dict[str, Any]]] = [
    ("OpenAI's", {"error": {"message": "It is so.", "type": "server_error", "code": None}}, 500, {}),
    ("an overload", {"error": {"message": "It is so.", "type": "overloaded_error"}}, 529, {}),
    ("Claude's", {"type": "error", "error": {"type": "overloaded_error", "message": "It is so."}}, 529, {}),
    ("Claude's with an id", {"type": "error", "error": {"type": "api_error", "message": "It is so."},
                             "request_id": "req_9"}, 500, {"request_id": "req_9"}),
    ("Gemini's", {"error": {"code": 503, "message": "It is so.", "status": "UNAVAILABLE"}}, 503, {}),
    ("Gemini's word alone", {"error": {"message": "It is so.", "status": "RESOURCE_EXHAUSTED"}}, 429, {}),
    ("OpenRouter's", {"error": {"code": 502, "message": "It is so."}}, 502, {}),
    ("a code that is a text of digits", {"error": {"code": "429", "message": "It is so."}}, 429, {}),
    ("a rate limit", {"error": {"code": "rate_limit_exceeded", "message": "It is so."}}, 429, {}),
    ("a used-up quota", {"error": {"code": "insufficient_quota", "message": "It is so."}}, 429, {"retryable": False}),
    ("a bad request", {"error": {"type": "invalid_request_error", "message": "It is so."}}, 400, {}),
    ("a bad key", {"error": {"type": "authentication_error", "message": "It is so."}}, 401, {}),
    ("a missing model", {"error": {"type": "invalid_request_error", "code": "model_not_found", "message": "It is so."}},
     404, {}),
    ("a text", {"error": "It is so."}, 500, {}),
    ("xAI's", {"code": "internal_error", "error": "It is so."}, 500, {}),
]  # fmt: skip


def event_error(number: int, text: str | None, **attributes: Any) -> Expect:
    error = status(number, "It is so", body=..., **attributes)
    again = error.again and attributes.get("retryable") is not False and text is None
    return Expect(error.error, error.message, text, again, error.attributes)


def inside(shape: Any) -> Callable[[Spoken, bool], bytes]:
    """An error at the very beginning of an answer."""
    return answered(lambda spoken, stream: sse(shape) if stream else as_json(shape))


def amid(shape: Any) -> Callable[[Spoken, bool], bytes]:
    """An error in the middle of a stream."""
    return answered(lambda spoken, stream: spoken.begun(TEXT_OF) + sse(shape) if stream else as_json(shape))


TEXT_OF = "one two"

INSIDE = [
    Fault(
        f"{name} error instead of an answer",
        inside(shape),
        event_error(number, None, **attributes),
        event_error(number, None, **attributes),
    )
    for name, shape, number, attributes in SHAPES
] + [
    Fault(
        f"{name} error in the middle",
        amid(shape),
        event_error(number, None, **attributes),
        event_error(number, FIRST, **attributes),
    )
    for name, shape, number, attributes in SHAPES
]
INSIDE += [
    Fault(
        f"an error event of its own for {number}{where}",
        answered(
            lambda spoken, stream, number=number, text=text: (
                (spoken.begun(TEXT_OF) if text else b"") + spoken.error_event(number, "It is so.")
                if stream
                else as_json(spoken.error(number, "It is so."))
            )
        ),
        event_error(number, None),
        event_error(number, text),
        # OpenRouter's is an event of the answer, which has begun with it.
        unlike={("openrouter", True): replace(event_error(number, text), text=text or "")},
    )
    for number in (400, 429, 500, 503)
    for where, text in (("", None), (" in the middle", FIRST))
]
INSIDE += [
    Fault(
        f"an event named error with {name}{where}",
        answered(
            lambda spoken, stream, data=data, text=text: (
                (spoken.begun(TEXT_OF) if text else b"") + b"event: error\ndata: " + data + b"\n\n"
                if stream
                else as_json({"error": "It is so."})
            )
        ),
        event_error(500, None),
        event_error(number, text),
    )
    for name, data, number in [
        ("a text", b"It is so.", 500),
        ("a text in quotes", b'"It is so."', 500),
        ("no error in it", b'{"message": "It is so.", "code": 503}', 503),
        ("an error in it", b'{"error": {"message": "It is so.", "type": "rate_limit_error"}}', 429),
    ]
    for where, text in (("", None), (" in the middle", FIRST))
]
INSIDE += [
    Fault(
        "an error over several lines without data:",
        answered(
            lambda spoken, stream: (
                (spoken.begun(TEXT_OF) if stream else b"")
                + json.dumps({"error": {"code": 503, "message": "It is so."}}, indent=2).encode()
                + b"\n"
            )
        ),
        event_error(503, None),
        event_error(503, FIRST),
    ),
    Fault(
        "a page in the middle of a stream",
        answered(lambda spoken, stream: half(spoken, True) + PAGE if stream else PAGE),
        NONSENSE,
        Expect(StreamError, text=FIRST),
    ),
]

# --- answers that are none


def event_or_body(data: bytes) -> Callable[[Spoken, bool], bytes]:
    """The data of an event in the middle of a stream, or a whole body."""
    return answered(
        lambda spoken, stream: (
            spoken.begun(TEXT_OF) + b"data: " + data + b"\n\n" + spoken.rest(TEXT_OF) if stream else data
        )
    )


NONSENSES = [
    Fault(f"{name} for an event", event_or_body(data), Expect(ProtocolError, attributes={"payload": ...}),
          Expect(ProtocolError, text=FIRST, attributes={"payload": ...}))
    for name, data in {
        "JSON cut short": b'{"cut": ',
        "JSON with text behind it": b'{"a": 1} and more',
        "two objects": b'{"a": 1}{"b": 2}',
        "a number": b"12",
        "a text in quotes": b'"text"',
        "a text": b"text",
        "true": b"true",
        "NaN in an object": b'{"a": NaN}',
        "bytes that are not UTF-8": b'{"a": "\xff\xfe"}',
        "a control character": b'{"a": "\x01"}',
        "brackets beyond all bounds": b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    }.items()
]  # fmt: skip
NONSENSES += [
    both("a page", answered(lambda spoken, stream: PAGE, "Content-Type: text/html"), NONSENSE),
    Fault("a page that claims to be an answer", answered(lambda spoken, stream: PAGE), NONSENSE,
          Expect(StreamError, again=True)),
    both("a text instead of an answer", answered(lambda spoken, stream: b"Hello", "Content-Type: text/plain"), NONSENSE),
    both("204", lambda spoken, stream: head(status=204), NONSENSE),
    both("202 without a body", body(b"", 202), NONSENSE),
    both("an empty body of JSON", answered(lambda spoken, stream: b"", "Content-Type: application/json"), NONSENSE),
    both("a body of white space", answered(lambda spoken, stream: b" \r\n \n", "Content-Type: application/json"),
         NONSENSE),
    both("null instead of an answer", answered(lambda spoken, stream: b"null", "Content-Type: application/json"),
         NONSENSE),
    both("an empty object instead of an answer", answered(lambda spoken, stream: b"{}", "Content-Type: application/json"),
         NONSENSE),
    # For Gemini a list is a stream, and this one has no end.
    both("an empty list instead of an answer", answered(lambda spoken, stream: b"[]", "Content-Type: application/json"),
         NONSENSE, unlike={("google", stream): Expect(StreamError, again=True) for stream in (False, True)}),
    both("a list of nonsense", answered(lambda spoken, stream: b"[1, 2]", "Content-Type: application/json"), NONSENSE),
    both("JSON cut short instead of an answer",
         answered(lambda spoken, stream: spoken.body(TEXT_OF)[:-9], "Content-Type: application/json"), NONSENSE),
    both("comments instead of an answer", answered(lambda spoken, stream: b": ping\n\n" * 3),
         Expect(StreamError, again=True)),
]  # fmt: skip

#: What looks like a fault and is none: the answer has to be right.
ODD_AND_RIGHT = [
    both("a whole body although a stream was asked for",
         answered(lambda spoken, stream: spoken.body(TEXT_OF), "Content-Type: application/json"), RIGHT),
    both("a whole body that claims to be a stream",
         answered(lambda spoken, stream: spoken.body(TEXT_OF), "Content-Type: text/event-stream"), RIGHT),
    both("a stream although none was asked for",
         answered(lambda spoken, stream: right(spoken, True), "Content-Type: text/event-stream; charset=utf-8"), RIGHT),
    both("a stream that claims to be JSON",
         answered(lambda spoken, stream: right(spoken, True), "Content-Type: application/json"), RIGHT),
    *(both(f"the content type {name}", lambda spoken, stream, name=name: sized(right(spoken, stream), *(
        [f"Content-Type: {name}"] if name != "none" else [])), RIGHT)
      for name in ("application/octet-stream", "text/plain", "text/html", "none", "TEXT/EVENT-STREAM")),
    Fault("line ends of CR", answered(lambda spoken, stream: right(spoken, stream).replace(b"\r\n", b"\n").replace(
        b"\n", b"\r")), RIGHT, RIGHT),
    both("a byte order mark", answered(lambda spoken, stream: b"\xef\xbb\xbf" + right(spoken, stream)), RIGHT),
    Fault("no blank line at the end", answered(lambda spoken, stream: right(spoken, stream).rstrip(b"\r\n")), RIGHT, RIGHT),
    Fault("events without data", answered(lambda spoken, stream: (
        b"retry: 10\n\nid: 7\n\ndata:\n\n: ping\n\n" if stream else b"") + right(spoken, stream)), RIGHT, RIGHT),
    Fault("events of a kind that nobody knows", answered(lambda spoken, stream: (
        sse({"type": "news", "v": 1}, "news") + right(spoken, True) if stream else right(spoken, False))), RIGHT, RIGHT),
    both("NDJSON", answered(lambda spoken, stream: b"".join(
        line.removeprefix(b"data: ") + b"\n" for line in right(spoken, True).splitlines() if line.startswith(b"data: {")),
        "Content-Type: application/x-ndjson"), RIGHT),
]  # fmt: skip

FAULTS = [*STATUSES, *HINTS, *ERROR_BODIES, *REDIRECTS, *INSIDE, *NONSENSES, *ODD_AND_RIGHT]
