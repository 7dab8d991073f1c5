"""Error bodies and error events of every known shape, as typed errors."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_async.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RateLimitError,
    RequestTooLargeError,
    UnprocessableEntityError,
)
from llm_async.models.secret import Secret
from llm_async.protocols.failures import add_response, error_payload, event_error, request_id_from, status_error

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


def http(status: int = 400, body: Any = None, headers: dict[str, str] | None = None, **options: Any) -> APIStatusError:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return status_error(status, headers or {}, data, now=NOW, **options)


# ---- shapes

SHAPES = [
    # body, message, type, code
    pytest.param(
        {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}},
        *("no such model", "invalid_request_error", "model_not_found"),
        id="openai",
    ),
    pytest.param(
        {"type": "error", "error": {"type": "not_found_error", "message": "model: x"}, "request_id": "req_1"},
        *("model: x", "not_found_error", None),
        id="anthropic",
    ),
    pytest.param(
        {"type": "error", "error": {"type": "rate_limit_error", "message": "m", "details": {"error_code": "ramp"}}},
        *("m", "rate_limit_error", "ramp"),
        id="anthropic with an error code",
    ),
    pytest.param(
        {"error": {"code": 400, "message": "bad argument", "status": "INVALID_ARGUMENT"}},
        *("bad argument", None, "INVALID_ARGUMENT"),
        id="gemini",
    ),
    pytest.param(
        [{"error": {"code": 400, "message": "bad argument", "status": "INVALID_ARGUMENT"}}],
        *("bad argument", None, "INVALID_ARGUMENT"),
        id="gemini, in a list",
    ),
    pytest.param(
        {"error": {"code": 404, "message": "no endpoint", "metadata": {"error_type": "not_found"}}, "user_id": "u"},
        *("no endpoint", "not_found", "404"),
        id="openrouter",
    ),
    pytest.param({"code": "invalid-argument", "error": "bad"}, "bad", None, "invalid-argument", id="xai"),
    pytest.param({"error": "model not found"}, "model not found", None, None, id="ollama"),
    pytest.param(
        {"object": "error", "message": "no", "type": "invalid_model", "param": None, "code": "1500"},
        *("no", "invalid_model", "1500"),
        id="mistral",
    ),
    pytest.param({"detail": "Unauthorized"}, "Unauthorized", None, None, id="fastapi, text"),
    pytest.param(
        {"detail": [{"loc": ["body", "messages", 0], "msg": "Field required", "type": "missing"}, {"msg": "x"}]},
        *("body.messages.0: Field required; x", None, None),
        id="fastapi, list",
    ),
    pytest.param({"id": "1", "message": "invalid api token"}, "invalid api token", None, None, id="cohere"),
    pytest.param({"error": {"error": {"message": "deep"}}}, "deep", None, None, id="nested twice"),
    pytest.param({"errors": [{"message": "a"}, {"message": "b"}]}, "a; b", None, None, id="several"),
    pytest.param({"error": {}, "message": "beside"}, "beside", None, None, id="empty error, message beside it"),
    pytest.param({"error": {"code": 503}, "message": "beside"}, "beside", None, "503", id="error without message"),
    pytest.param("just text", "just text", None, None, id="a JSON string"),
    pytest.param(b"upstream connect error", "upstream connect error", None, None, id="plain text"),
    pytest.param(b"\xef\xbb\xbf" + b'{"error": "with a BOM"}', "with a BOM", None, None, id="BOM"),
    pytest.param(b'\n\n {"error": "late"}\n', "late", None, None, id="blank lines first"),
    pytest.param(
        b'event: error\ndata: {"error": {"message": "as an event", "code": "c"}}\n\ndata: [DONE]\n\n',
        *("as an event", None, "c"),
        id="a server-sent event",
    ),
    pytest.param(
        b"<!DOCTYPE html>\n<html><head><title>502\n Bad &amp; Gateway</title></head><body>...</body></html>",
        *("502 Bad & Gateway", None, None),
        id="html with a title",
    ),
    pytest.param(
        b"<html><style>p {}</style><body><h1>Blocked</h1><p>by policy</p></body></html>",
        *("Blocked by policy", None, None),
        id="html without a title",
    ),
    pytest.param({"unknown": 1}, '{"unknown": 1}', None, None, id="an object without a message"),
]


@pytest.mark.parametrize(("body", "message", "type_", "code"), SHAPES)
def test_every_shape_of_an_error_body_is_read(body: Any, message: str, type_: str | None, code: str | None) -> None:
    error = http(418, body)
    assert str(error).startswith(f"HTTP 418: {message}")
    assert (error.type, error.code) == (type_, code)


@pytest.mark.parametrize(("body", "message", "type_", "code"), SHAPES)
def test_the_body_of_an_error_is_kept_whole(body: Any, message: str, type_: str | None, code: str | None) -> None:
    kept = http(418, body).body
    if isinstance(body, bytes):
        assert kept is not None
    else:
        assert kept == body


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (402, APIStatusError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (408, APIStatusError),
        (409, ConflictError),
        (413, RequestTooLargeError),
        (422, UnprocessableEntityError),
        (429, RateLimitError),
        (500, InternalServerError),
        (502, InternalServerError),
        (503, OverloadedError),
        (524, InternalServerError),
        (529, OverloadedError),
    ],
)
def test_the_class_of_an_error_follows_its_status(status: int, cls: type[APIStatusError]) -> None:
    error = http(status, {"error": {"message": "m"}})
    assert type(error) is cls
    assert error.status_code == status


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body_is_no_body_and_the_status_is_named(body: bytes) -> None:
    error = http(502, body)
    assert error.body is None
    assert str(error).startswith("HTTP 502: Bad Gateway")


def test_an_unknown_status_without_a_body_still_gives_a_sentence() -> None:
    assert str(http(529)).startswith("HTTP 529: an error")


def test_type_and_code_are_said_where_the_message_does_not_say_them() -> None:
    assert str(http(429, {"error": {"message": "m", "type": "t", "code": "insufficient_quota"}})) == (
        "HTTP 429: m (t, insufficient_quota)"
    )
    assert str(http(429, {"error": {"message": "Overloaded: c", "code": "c"}})) == "HTTP 429: Overloaded: c"
    assert str(http(429, {"error": {"message": "m", "code": 429}})) == "HTTP 429: m"


def test_what_openrouters_upstream_said_is_part_of_the_message() -> None:
    metadata = {"provider_name": "Google", "raw": "retry shortly"}
    error = http(429, {"error": {"message": "Provider returned error", "code": 429, "metadata": metadata}})
    assert str(error) == "HTTP 429: Provider returned error (Google: retry shortly)"


@pytest.mark.parametrize("body", [b"x" * 10**6, b"<p>" + b"y" * 10**6, {"error": {"message": "z" * 10**6}}])
def test_a_message_is_bounded_however_long_the_body_is(body: Any) -> None:
    assert len(str(http(500, body))) < 2100


@pytest.mark.parametrize("depth", [500, 5000])
def test_a_deeply_nested_body_is_no_trouble(depth: int) -> None:
    assert http(500, b'{"error":' * depth + b"1" + b"}" * depth, secrets=["sk-secret"]).status_code == 500


def test_an_error_can_be_pickled() -> None:
    error = http(429, {"error": {"message": "m"}}, {"Retry-After": "3"})
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.retry_after, copy.body, copy.headers) == (str(error), 3.0, error.body, error.headers)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200), st.integers(300, 599))
def test_no_body_at_all_breaks_the_reading(body: bytes, status: int) -> None:
    assert http(status, body, secrets=["sk-secret"]).status_code == status


@settings(deadline=None, max_examples=50)
@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(), lambda v: st.lists(v) | st.dictionaries(
    st.sampled_from(["error", "message", "detail", "code", "type", "status", "metadata", "details", "raw", "loc", "msg",
                     "violations", "@type", "headers"]), v), max_leaves=20))  # fmt: skip
def test_no_json_at_all_breaks_the_reading(body: Any) -> None:
    assert http(429, body).body == body or body is None
    assert event_error(body, {"error": body}).status_code >= 400


# ---- redirects


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://user:pw@example.com:8443/v1?key=abc#frag", "https://example.com:8443/v1;"),
        ("//example.com/v1", "//example.com/v1;"),
        ("/login?token=abc", "/login;"),
        (None, "does not say where"),
        ("https://[bad", "no URL"),
        ("http://host:port/", "no URL"),
    ],
)
def test_a_redirect_says_where_to_without_what_may_be_secret(location: str | None, shown: str) -> None:
    error = http(307, b"", {} if location is None else {"Location": location})
    text = str(error)
    assert text.startswith("HTTP 307: the server redirects")
    assert shown in text
    assert all(secret not in text for secret in ("user", "pw", "abc", "frag"))


# ---- secrets


def test_a_key_that_the_server_quotes_back_is_masked_everywhere() -> None:
    body = {"error": {"message": "Incorrect API key provided: sk-secret-1.", "param": ["Bearer sk-secret-1"]}}
    error = http(401, body, secrets=[Secret("sk-secret-1")])
    assert str(error) == "HTTP 401: Incorrect API key provided: ***."
    assert error.body == {"error": {"message": "Incorrect API key provided: ***.", "param": ["Bearer ***"]}}


def test_a_key_is_masked_in_text_and_in_a_redirect() -> None:
    assert "sk-secret-1" not in str(http(500, b"key=sk-secret-1", secrets=["sk-secret-1"]))
    assert "sk-secret-1" not in str(http(302, b"", {"location": "/k/sk-secret-1"}, secrets=["sk-secret-1"]))


def test_an_empty_or_tiny_key_masks_nothing() -> None:
    assert str(http(400, {"error": "a test"}, secrets=["", "a", "test"])) == "HTTP 400: a test"


# ---- request ids


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"x-request-id": "a", "request-id": "b"}, None, "a"),
        ({"request-id": "b", "cf-ray": "z"}, {"request_id": "c"}, "b"),
        ({"apim-request-id": "d"}, None, "d"),
        ({"x-generation-id": "e"}, None, "e"),
        ({"mistral-correlation-id": "f"}, None, "f"),
        ({"cf-ray": "z"}, {"request_id": "c"}, "c"),
        ({}, {"x_groq": {"id": "g"}}, "g"),
        ({"cf-ray": "z"}, {"request_id": None}, "z"),
        ({}, "text", None),
    ],
)
def test_the_request_id_is_found_where_each_provider_puts_it(headers: dict, body: Any, expected: str | None) -> None:
    assert request_id_from(headers, body) == expected


def test_header_names_are_found_in_any_case() -> None:
    error = http(429, {"error": "m"}, {"X-Request-ID": "a", "Retry-After": "2"})
    assert (error.request_id, error.retry_after) == ("a", 2.0)
    assert error.headers == {"x-request-id": "a", "retry-after": "2"}


# ---- whether to try again


def gemini_429(quota_id: str, *more: dict[str, Any]) -> dict[str, Any]:
    failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota_id}]}
    return {"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": [failure, *more]}}


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (400, {"x-should-retry": "true"}, None, True),
        (500, {"x-should-retry": "false"}, None, False),
        (500, {"x-should-retry": "perhaps"}, None, None),
        (429, {}, {"error": {"message": "m", "code": "rate_limit_exceeded"}}, None),
        (429, {}, {"error": {"message": "m", "code": "slow_down"}}, None),
        (429, {}, {"error": {"message": "m", "type": "insufficient_quota", "code": "insufficient_quota"}}, False),
        (429, {}, {"error": {"message": "m", "type": "insufficient_quota", "code": None}}, False),
        (429, {}, {"error": {"message": "m", "code": "credit_balance_exhausted"}}, False),
        (429, {}, {"error": {"message": "m", "code": "billing_hard_limit_reached"}}, False),
        (429, {}, {"error": {"type": "rate_limit_error", "details": {"error_code": "ramp_limit_exceeded"}}}, None),
        (429, {}, {"error": {"type": "rate_limit_error", "details": {"error_code": "x_spend_limit_reached"}}}, False),
        (429, {"x-should-retry": "true"}, {"error": {"code": "insufficient_quota"}}, True),
        (429, {}, gemini_429("RequestsPerDayPerModel"), False),
        (429, {}, gemini_429("RequestsPerDayPerModel", RETRY_INFO), None),
        (429, {}, gemini_429("RequestsPerMinutePerModel"), None),
        (402, {}, {"error": {"code": 402, "message": "m"}}, False),
        (402, {"retry-after": "3"}, {"error": {"metadata": {"limit_source": "openrouter_in_flight_budget"}}}, True),
        (402, {"retry-after": "3"}, {"error": {"message": "no credits"}}, False),
    ],
)
def test_what_waiting_does_not_cure_is_marked(status: int, headers: dict, body: Any, expected: bool | None) -> None:
    assert http(status, body, headers).retryable is expected


# ---- how long to wait

EPOCH_IN_20_S = {"x-ratelimit-reset": str(int(NOW) + 20)}


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        (429, {"retry-after-ms": "1500", "retry-after": "9"}, None, 1.5),
        (429, {"retry-after-ms": "soon", "retry-after": "9"}, None, 9.0),
        (503, {"retry-after": " 2.5 "}, None, 2.5),
        (503, {"retry-after": "0"}, None, 0.0),
        (503, {"retry-after": "-3"}, None, None),
        (503, {"retry-after": "nan"}, None, None),
        (503, {"retry-after": "1e400"}, None, None),
        (503, {"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, None, 30.0),
        (503, {"retry-after": "Fri Jan 15 08:00:30 2027"}, None, 30.0),
        (503, {"retry-after": "Friday, 15-Jan-27 08:00:30 GMT"}, None, 30.0),
        (503, {"retry-after": "Thu, 14 Jan 2027 08:00:30 GMT"}, None, 0.0),
        (503, {"retry-after": "whenever"}, None, None),
        (429, {}, gemini_429("PerMinute", RETRY_INFO), 34.4),
        (429, {"retry-after": "5"}, gemini_429("PerMinute", RETRY_INFO), 5.0),
        (429, {}, gemini_429("PerMinute", {**RETRY_INFO, "retryDelay": {"seconds": 3, "nanos": 500000000}}), 3.5),
        (429, {}, gemini_429("PerMinute", {**RETRY_INFO, "retryDelay": "soon"}), None),
        (429, {"x-ratelimit-reset-requests": "6m0s"}, None, 360.0),
        (429, {"x-ratelimit-reset-requests": "120ms"}, None, 0.12),
        (429, {"x-ratelimit-reset-tokens": "2m59.56s"}, None, 179.56),
        (429, {"x-ratelimit-reset-tokens": "1h2m3s"}, None, 3723.0),
        (429, {"x-ratelimit-reset-tokens": "7"}, None, 7.0),
        (429, {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "3s"}, None, 3.0),
        (
            429,
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "9m",
                "x-ratelimit-remaining-tokens": "4000",
            },
            None,
            1.0,
        ),
        (429, {"anthropic-ratelimit-tokens-reset": "2027-01-15T08:00:39Z"}, None, 39.0),
        (429, {"anthropic-ratelimit-tokens-reset": "2027-01-15T10:00:39.5+02:00"}, None, 39.5),
        (429, {"anthropic-ratelimit-tokens-reset": "2027-13-15T08:00:39Z"}, None, None),
        (429, EPOCH_IN_20_S, None, 20.0),
        (429, {"x-ratelimit-reset": str(int(NOW + 20) * 1000)}, None, 20.0),
        (429, {}, {"error": {"metadata": {"headers": {"X-RateLimit-Reset": str(int(NOW + 20) * 1000)}}}}, 20.0),
        (503, EPOCH_IN_20_S, None, None),
        (429, {"retry-after": "4", **EPOCH_IN_20_S}, None, 4.0),
        (429, {}, None, None),
    ],
)
def test_the_delay_is_read_from_whatever_says_it(status: int, headers: dict, body: Any, seconds: float | None) -> None:
    error = http(status, body, headers)
    assert error.retry_after == (None if seconds is None else pytest.approx(seconds))


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40))
def test_no_retry_after_at_all_breaks_the_reading(value: str) -> None:
    wait = http(429, None, {"retry-after": value, "retry-after-ms": value, "x-ratelimit-reset": value}).retry_after
    assert wait is None or wait >= 0


# ---- errors inside a 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, 529),
        ({"type": "api_error"}, 500),
        ({"type": "rate_limit_error"}, 429),
        ({"type": "invalid_request_error"}, 400),
        ({"type": "authentication_error", "code": "invalid_request_error"}, 401),
        ({"type": "invalid_request_error", "code": "invalid_api_key"}, 401),
        ({"type": "permission_error"}, 403),
        ({"type": "request_too_large"}, 413),
        ({"type": "timeout_error"}, 504),
        ({"type": "billing_error"}, 402),
        ({"type": "insufficient_quota", "code": "insufficient_quota"}, 429),
        ({"type": "invalid_request_error", "code": "rate_limit_exceeded"}, 429),
        ({"code": "server_error"}, 500),
        ({"code": "server_is_overloaded", "type": "service_unavailable_error"}, 503),
        ({"code": "invalid_image_format"}, 400),
        ({"code": "image_content_policy_violation"}, 400),
        ({"code": 400, "message": "Token limit reached"}, 400),
        ({"code": "429"}, 429),
        ({"code": 502, "metadata": {"error_type": "provider_overloaded"}}, 502),
        ({"metadata": {"error_type": "provider_overloaded"}}, 529),
        ({"status": "RESOURCE_EXHAUSTED"}, 429),
        ({"code": 503, "status": "UNAVAILABLE"}, 503),
        ({"status": "DEADLINE_EXCEEDED"}, 504),
        ({"status": 400, "code": "content_filter"}, 400),
        ({"code": "tool_use_failed", "type": "invalid_request_error", "status_code": 400}, 400),
        ({"code": "1500", "type": "invalid_model"}, 400),
        ({"type": "engine_overloaded_error"}, 529),
        ({"type": "exceeded_current_quota_error"}, 429),
        ({"type": "BadRequestError"}, 400),
        ({"type": "NotFoundError"}, 404),
        ({"type": "RateLimitError"}, 429),
        ({"type": "InternalServerError"}, 500),
        ({"type": "ThrottlingException"}, 429),
        ({"code": "insufficient_balance"}, 402),
        ({"code": 200}, 500),
        ({"code": True}, 500),
        ({"type": "never heard of"}, 500),
        ({}, 500),
        ("text", 500),
        (None, 500),
    ],
)
def test_an_error_inside_a_200_has_the_status_that_it_stands_for(error: Any, status: int) -> None:
    raised = event_error(error)
    assert raised.status_code == status
    assert raised.body == error


def test_a_slug_beside_the_error_text_says_the_status() -> None:
    error = event_error("no credits", {"code": "permission-denied", "error": "no credits"})
    assert (error.status_code, error.code, str(error)) == (403, "permission-denied", "HTTP 403: no credits (permission-denied)")  # fmt: skip


def test_a_flat_error_event_is_read_and_its_type_is_not_the_errors() -> None:
    event = {"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None}
    error = event_error(event, event)
    assert (error.status_code, error.code, error.type, error.body) == (429, "rate_limit_exceeded", None, event)


def test_an_error_event_keeps_the_whole_event_as_its_body_and_finds_the_request_id_there() -> None:
    native = {"type": "overloaded_error", "message": "Overloaded"}
    event = {"type": "error", "error": native, "request_id": "req_1"}
    error = event_error(native, event)
    assert (error.body, error.request_id) == (event, "req_1")
    assert isinstance(error, OverloadedError)


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (b'{"error":{"message":"m","status_code":400}}', 400, "m"),
        (b'{"type":"overloaded_error","message":"m"}', 529, "m"),
        (b'{"error":"m"}', 500, "m"),
        (b"Internal error", 500, "Internal error"),
        (b"", 500, "the provider reported an error"),
    ],
)
def test_the_data_of_an_error_event_may_be_anything(data: bytes, status: int, message: str) -> None:
    error = error_payload(data)
    assert error.status_code == status
    assert message in str(error)


def test_an_error_inside_a_200_learns_from_the_response_around_it() -> None:
    error = event_error({"type": "overloaded_error", "message": "key sk-secret-1"})
    add_response(error, {"Request-Id": "req_2", "Retry-After": "3"}, secrets=["sk-secret-1"])
    assert (error.request_id, error.retry_after) == ("req_2", 3.0)
    assert str(error) == "HTTP 529: key *** (overloaded_error)"
    assert error.body["message"] == "key ***"
