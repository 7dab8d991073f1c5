"""Asking again for an answer that did not follow its schema.

What belongs here: the loop of ``schema_retries``, and what the model is told. Failures of the network are no business of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import AnswerError, InvalidAnswerError
from ..models import Message, Response, ResponseSchema, Usage

__all__ = ["ask_for_value", "check_retries"]


def check_retries(retries: int, schema: ResponseSchema | None, *, stream: bool) -> None:
    """Raise for a ``schema_retries`` that could not be kept.

    Raises:
        TypeError, ValueError: it is no count, there is no schema, or the answer is to be streamed.
        ImportError: the library that would check the answer is not installed.
    """
    if isinstance(retries, bool) or not isinstance(retries, int):
        raise TypeError(f"schema_retries must be a whole number, not {retries!r}")
    if retries < 0:
        raise ValueError(f"schema_retries must not be negative, and is {retries}")
    if not retries:
        return
    if schema is None:
        raise ValueError("schema_retries needs a response_schema to check the answer against")
    if stream:
        raise ValueError("schema_retries does not go with stream=True: what was streamed cannot be taken back")
    schema.converter()


async def ask_for_value(
    ask: Callable[[Any, Any], Awaitable[Any]], messages: Any, given: Any, retries: int, *, stream: bool
) -> Any:
    """The first answer that follows the schema, else the last one; a stream at once.

    Only an invalid answer is asked for again: a refusal would be repeated, an answer that was cut off would be cut off
    again, and tool calls want their results. The conversation that the model sees then ends in its answer and what is wrong
    with it; the caller's own is left alone.

    The answer's ``usage`` is that of all attempts together, and ``rejected`` holds those before it.

    Args:
        ask: asks once: for the conversation, and for the schema.
        messages: the conversation as it was given.
        given: the schema as it was given, a type among others.
        retries: how often an invalid answer is asked for again at most.
        stream: whether the answer is to be streamed.
    """
    schema = ResponseSchema.coerce(given)
    check_retries(retries, schema, stream=stream)
    assert schema is not None
    # A provider that somebody else wrote is handed what it was handed before there were types.
    told = given if isinstance(given, Mapping) else schema
    conversation = list(messages) if retries and isinstance(messages, Iterator) else messages
    rejected: list[Response] = []
    while True:
        answer = await ask(conversation, told)
        if not isinstance(answer, Response):
            return answer  # a mock's, who knows best
        response = answer
        response.attach_schema(schema)
        error = _fault_of(response) if len(rejected) < retries else None
        if error is None:
            break
        rejected.append(response)
        conversation = [*(conversation or ()), *_correction(response.main_response, error)]
    if rejected:
        response.rejected = tuple(rejected)
        response.usage = _together([*rejected, response])
    return response


def _together(responses: list[Response]) -> Usage | None:
    """The usage of all attempts, with the provider's own object of the last one."""
    told = [each.usage for each in responses if each.usage is not None]
    return replace(sum(told[1:], told[0]), raw=told[-1].raw) if told else None


def _fault_of(response: Response) -> InvalidAnswerError | None:
    try:
        _ = response.parsed
    except InvalidAnswerError as error:
        return error
    except AnswerError:
        return None
    return None


def _correction(answer: Message, error: InvalidAnswerError) -> list[Any]:
    request = {
        "role": "user",
        "content": f"{error.args[0]}\nAnswer again: the whole JSON value, corrected, and nothing else.",
    }
    # An empty answer is no message that an API would take.
    return [answer, request] if answer.text.strip() else [request]
