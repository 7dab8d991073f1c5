"""Odd answers, one in each file below ``wire``: what servers do, or may do, that the documents of their APIs do not promise.

A ``.sse`` file holds the bytes of a stream, a ``.json`` file those of a whole body. The ``.expected.json`` beside it says
what the answer means: ``text``, ``reasoning``, ``refusal``, ``tool_calls``, ``usage`` (the server's own object),
``stop_reason``, ``finish_reason`` and ``error``, each empty where it is left out, and what else matters in that case (see
``DETAILS``). ``http_status`` is 200 where it is left out. Where there is an error, the rest is what had arrived before it.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from llm_async._speedups import EventDecoder
from llm_async.errors import LLMError, ProtocolError, StreamError
from llm_async.models import StreamChunk, ToolCall
from llm_async.protocols.base import Answer
from llm_async.protocols.failures import status_error

from .cuts import every_cut
from .recorded import Case, protocol_for

WIRE = Path(__file__).parent / "wire"
FILES = sorted(path for path in WIRE.glob("*/*") if not path.name.endswith(".expected.json"))

NOTHING: dict[str, Any] = {
    "text": "",
    "reasoning": None,
    "refusal": None,
    "tool_calls": [],
    "usage": None,
    "stop_reason": None,
    "finish_reason": None,
    "error": None,
}
# What a case may demand besides, and where an answer has it.
DETAILS: dict[str, Callable[[Answer], Any]] = {
    "id": lambda answer: answer.id,
    "model": lambda answer: answer.model,
    "reasoning_details": lambda answer: answer.message.reasoning_details,
    "original": lambda answer: answer.message.original,
}


def case_of(path: Path) -> Case:
    api = path.parent.name
    expected = json.loads(path.with_suffix(".expected.json").read_bytes())
    status = expected.pop("http_status", 200)
    dialect = "chat" if api == "openrouter" else api
    meta = {"api": api, "dialect": dialect, "status": status, "stream": path.suffix == ".sse", "headers": {}}
    return Case(f"{api}/{path.name}", meta, expected, path.read_bytes())


def read_whole(case: Case) -> tuple[Answer | None, LLMError | None]:
    if case.status >= 300:
        return None, status_error(case.status, case.meta["headers"], case.body)
    try:
        return protocol_for(case).read_body(case.body), None
    except LLMError as error:
        return None, error


def batches_of(pieces: Iterable[bytes]) -> list[list[bytes]]:
    """The events that each piece completes, and last those that the end of the body does."""
    decoder = EventDecoder()
    return [*filter(None, map(decoder.feed, pieces)), decoder.close()]


def every_batching(body: bytes) -> Iterable[list[list[bytes]]]:
    """The events of a stream, in every grouping that some cut of it gives: most cuts give the same as their neighbours."""
    groupings: dict[Any, list[list[bytes]]] = {}
    for pieces in every_cut(body):
        batches = batches_of(pieces)
        groupings[tuple(tuple((type(event), event) for event in batch) for batch in batches)] = batches
    return groupings.values()


def read_stream(case: Case, batches: list[list[bytes]]) -> tuple[Answer, LLMError | None]:
    """Read events as the providers do, and see that what was handed over is what the answer holds."""
    reader, chunks = protocol_for(case).reader(), deque[StreamChunk]()
    error: LLMError | None = None
    try:
        for batch in batches[:-1]:
            reader.feed_all(batch, chunks)
        try:
            reader.feed_all(batches[-1], chunks)
        except ProtocolError as cause:
            raise StreamError("cut inside an event") from cause
        rest = reader.flush()
        if rest is not None:
            chunks.append(rest)
        answer = reader.close()
    except LLMError as failure:
        answer, error = reader.answer(), failure
    message = answer.message
    assert "".join(chunk.delta for chunk in chunks) == message.content
    assert "".join(chunk.reasoning for chunk in chunks) == (message.reasoning or "")
    fragments: defaultdict[int, str] = defaultdict(str)
    for delta in (delta for chunk in chunks for delta in chunk.tool_call_deltas):
        fragments[delta.index] += delta.arguments
    handed_over = {index: ToolCall("", "", function={"arguments": text}).arguments for index, text in fragments.items()}
    assert handed_over == {place: call.arguments for place, call in enumerate(message.tool_calls or ())}
    return answer, error


def meaning(answer: Answer | None, error: LLMError | None, details: Iterable[str]) -> dict[str, Any]:
    """What was read, in the words of an ``.expected.json``."""
    said = dict(NOTHING)
    if error is not None:
        said["error"] = {"class": type(error).__name__, "status": getattr(error, "status_code", None)}
    if answer is not None:
        message = answer.message
        said["text"], said["reasoning"], said["refusal"] = message.content, message.reasoning, message.refusal
        said["tool_calls"] = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls or ()]
        said |= {name: DETAILS[name](answer) for name in details}
    if answer is not None and error is None:
        said["stop_reason"], said["finish_reason"] = message.stop_reason, message.finish_reason
        said["usage"] = None if answer.usage is None else answer.usage.raw
    return said


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(WIRE).as_posix())
def test_an_odd_answer_is_read_right(path: Path) -> None:
    case = case_of(path)
    details = DETAILS.keys() & case.expected.keys()
    if not case.stream:
        assert meaning(*read_whole(case), details) == NOTHING | case.expected
        return
    for batches in every_batching(case.body):
        assert meaning(*read_stream(case, batches), details) == NOTHING | case.expected


def test_every_odd_answer_has_its_meaning_beside_it() -> None:
    meanings = set(WIRE.glob("*/*.expected.json"))
    assert meanings == {path.with_suffix(".expected.json") for path in FILES}
