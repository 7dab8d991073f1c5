"""The value in an answer.

What belongs here: telling answers apart that have none (refused, cut off, tool calls), reading the JSON, and saying what is
wrong with it. Which values are right says the schema or the type, in the person of ``convert``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .._json import dumps_text, loads
from ..errors import AnswerError, InvalidAnswerError, RefusedAnswerError, TruncatedAnswerError
from ..models.message import Message
from ..models.tool_call import SERVER_RUN
from ..tools.libraries import LibraryFault
from .numbers import loads_exact, may_be_long, text_of
from .restoring import readings

__all__ = ["Convert", "value_in"]

#: From the decoded value and its JSON text to what the caller gets; raises LibraryFault.
Convert = Callable[[Any, str], Any]

_REFUSED = ("refusal", "content_filter")
_UNFINISHED = ("length", "pause", "error")
_MOST_FAULTS = 5  # that a message names
# Servers that do not enforce a schema let models write as they write to people.
_FENCED = re.compile(r"```[A-Za-z]*\s*\n(.*?)\n?\s*```", re.DOTALL)


def value_in(answer: Message | str, schema: Mapping[str, Any], convert: Convert) -> Any:
    """The value in an answer.

    Args:
        answer: a message, or its text.
        schema: the JSON Schema that was asked for, before any dialect.
        convert: makes the result.

    Raises:
        AnswerError: there is none; the subclass says why.
        TypeError: it is neither.
    """
    if not isinstance(answer, (Message, str)):
        raise TypeError(f"an answer is a Message, or its text, and not {type(answer).__name__}")
    message = answer if isinstance(answer, Message) else None
    text = answer if isinstance(answer, str) else answer.text
    unfinished = message is not None and message.finish_reason in _UNFINISHED
    if message is not None:
        _check_that_it_answers(message, text)
    try:
        value, json = _decoded(text)
    except ValueError as error:
        if unfinished:
            raise _truncated(message, text) from error
        _refuse_calls(message, text)
        faults = [("$", "it is not JSON")]
        raise _invalid(message, text, f"the answer is not JSON: {_excerpt(text)}", faults) from error
    if unfinished and not isinstance(value, (dict, list)):
        raise _truncated(message, text)  # of a number or a word nobody can see that it is whole
    first: LibraryFault | None = None
    try:
        for reading, written in _texts(schema, value, json):
            try:
                return convert(reading, written)
            except LibraryFault as fault:
                first = first or fault
    except RecursionError as error:
        faults = [("$", "it is nested too deeply")]
        raise _invalid(message, text, "the answer is nested too deeply", faults) from error
    assert first is not None
    if unfinished:
        raise _truncated(message, text) from first
    _refuse_calls(message, text)
    raise _invalid(
        message, text, f"the answer does not follow the schema {_told(first.faults)}", first.faults
    ) from first


def _check_that_it_answers(message: Message, text: str) -> None:
    reason = message.finish_reason
    if message.refusal or reason in _REFUSED:
        said = message.refusal or (_excerpt(text) if text else None)
        what = "the model refused to answer" if message.refusal or reason == "refusal" else "the answer was filtered"
        raise RefusedAnswerError(
            f"{what}: {said}" if said else what,
            text=text,
            refusal=message.refusal,
            finish_reason=reason,
            partial=message,
        )
    if not text.strip():
        _refuse_calls(message, text)


def _refuse_calls(message: Message | None, text: str) -> None:
    """Raise where the model has called tools: what it said beside them was no answer."""
    if message is None:
        return
    calls = [call.name for call in message.tool_calls or () if call.type != SERVER_RUN]
    if calls:
        raise AnswerError(
            f"the model called tools instead of answering: {', '.join(map(str, calls))}",
            text=text,
            finish_reason=message.finish_reason,
            partial=message,
        )


def _texts(schema: Mapping[str, Any], value: Any, json: str) -> Iterator[tuple[Any, str]]:
    """What an answer may mean, as :func:`readings` has it, each with its JSON text."""
    exact = loads_exact(json) if may_be_long(json) else None
    same = None if exact is None else readings(schema, exact, json)
    for reading in readings(schema, value, json):
        written = None if same is None else next(same)
        if reading == value:
            yield reading, json
        else:
            yield reading, dumps_text(reading) if same is None else text_of(written)


def _decoded(text: str) -> tuple[Any, str]:
    """The JSON value in a text, and the text of it alone; ValueError when there is none."""
    stripped = text.strip().removeprefix("\ufeff")
    try:
        return loads(stripped), stripped
    except ValueError:
        fenced = _FENCED.fullmatch(stripped)
        if fenced is None:
            raise
    return loads(fenced[1]), fenced[1]


def _truncated(message: Message | None, text: str) -> TruncatedAnswerError:
    assert message is not None
    how = {"length": "was cut off by its limit of tokens"}.get(message.finish_reason, "was not finished")
    return TruncatedAnswerError(
        f"the answer {how}, and is no whole value: {_excerpt(text)}",
        text=text,
        finish_reason=message.finish_reason,
        partial=message,
    )


def _invalid(message: Message | None, text: str, said: str, faults: list[tuple[str, str]]) -> InvalidAnswerError:
    finish_reason = "unknown" if message is None else message.finish_reason
    return InvalidAnswerError(said, text=text, faults=faults, finish_reason=finish_reason, partial=message)


def _told(faults: list[tuple[str, str]]) -> str:
    more = len(faults) - _MOST_FAULTS
    said = "; ".join(f"at {path}: {_excerpt(reason)}" for path, reason in faults[:_MOST_FAULTS])
    return f"{said}; and {more} more" if more > 0 else said


def _excerpt(text: str, length: int = 200) -> str:
    return text if len(text) <= length else text[:length] + "…"
