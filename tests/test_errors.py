"""The error tree, and what handlers written for 0.5 and for the standard library rely on."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from llm_async import errors
from llm_async.errors import APIStatusError, status_error_class
from llm_async.models import Message


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (302, "APIStatusError"),
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (402, "APIStatusError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (408, "APIStatusError"),
        (409, "ConflictError"),
        (413, "RequestTooLargeError"),
        (422, "UnprocessableEntityError"),
        (425, "APIStatusError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (502, "InternalServerError"),
        (503, "OverloadedError"),
        (504, "InternalServerError"),
        (524, "InternalServerError"),
        (529, "OverloadedError"),
    ],
)
def test_each_status_has_its_class(status: int, name: str) -> None:
    assert status_error_class(status).__name__ == name


def test_the_text_of_a_status_error_begins_as_it_always_did() -> None:
    assert str(APIStatusError("slow down", status_code=429)).startswith("HTTP 429: slow down")


def test_a_timeout_is_caught_as_what_it_is_elsewhere() -> None:
    error = errors.APITimeoutError("late", deadline="idle")
    assert isinstance(error, asyncio.TimeoutError)
    assert isinstance(error, ConnectionError)
    assert isinstance(error, errors.APIConnectionError)
    assert error.deadline == "idle"


def test_what_cannot_be_done_is_a_not_implemented_error() -> None:
    assert issubclass(errors.UnsupportedError, NotImplementedError)


def test_a_wrong_tool_call_is_a_value_error() -> None:
    assert issubclass(errors.ToolArgumentError, ValueError)
    assert issubclass(errors.ToolArgumentError, errors.ToolError)


@pytest.mark.parametrize(
    "error",
    [
        errors.RateLimitError(
            "no", status_code=429, code="c", type="t", body={"a": 1}, retry_after=2.0, retryable=False
        ),
        errors.APITimeoutError("late", deadline="total", partial=Message("assistant", "so far")),
        errors.ProtocolError("what", payload=b"{"),
        errors.ToolArgumentError("no", tool="t", arguments={"a": 1}),
        errors.StreamError("cut", partial=Message("assistant", "so far")),
    ],
)
def test_errors_travel_between_processes(error: errors.LLMError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.__dict__ == error.__dict__
