"""Recorded provider answers and what they mean, for the tests that replay them.

The recordings are not part of the project: the environment variable ``LLM_ASYNC_WIRE`` names the folder that holds them,
one folder per API and case, each with the response's bytes, ``meta.json`` and an ``expected.json`` that was made without
this library. As a program it replays them all and prints what differs::

    LLM_ASYNC_WIRE=... python -m tests.recorded [--dialect chat] [--case SUBSTRING] [--verbose]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llm_async._speedups import EventDecoder
from llm_async.errors import APIStatusError, LLMError, ProtocolError, StreamError
from llm_async.models import Message, StreamChunk
from llm_async.protocols.base import Answer, Protocol
from llm_async.protocols.failures import status_error

APIS = ("openai-chat", "openai-responses", "anthropic", "gemini", "openrouter", "xai", "other-openai-compatible")

# Where the oracle's answer is not ours, and why.
EXCEPTIONS: dict[str, dict[str, str]] = {
    "other-openai-compatible/pydantic-ai-snowflake-test-snowflake-thinking-0": {
        "tool_calls": "an empty legacy function_call, without a name, was counted as a call",
    },
}


def folder() -> Path | None:
    """The folder of the recordings, or None when the environment names none."""
    name = os.environ.get("LLM_ASYNC_WIRE")
    return Path(name) if name else None


@dataclass
class Case:
    """One recorded answer."""

    name: str
    meta: dict[str, Any]
    expected: dict[str, Any]
    body: bytes

    @property
    def dialect(self) -> str:
        return str(self.meta["dialect"])

    @property
    def weak(self) -> bool:
        """Whether the case should not decide anything alone."""
        return "weak" in self.expected

    @property
    def status(self) -> int:
        return int(self.meta["status"])

    @property
    def stream(self) -> bool:
        return bool(self.meta["stream"])


def cases(root: Path) -> Iterator[Case]:
    """All recorded answers below ``root``."""
    for api in APIS:
        for case in sorted((root / api).iterdir()):
            meta = json.loads((case / "meta.json").read_bytes())
            yield Case(
                f"{api}/{case.name}",
                meta,
                json.loads((case / "expected.json").read_bytes()),
                (case / meta["response_file"]).read_bytes(),
            )


def protocol_for(case: Case) -> Protocol:
    """The protocol that reads a case."""
    if case.dialect == "chat":
        if case.meta["api"] == "openrouter":
            from llm_async.protocols.openrouter import OpenRouter

            return OpenRouter()
        from llm_async.protocols.openai_chat import OpenAIChat

        return OpenAIChat()
    if case.dialect == "responses":
        from llm_async.protocols.openai_responses import OpenAIResponses

        return OpenAIResponses()
    if case.dialect == "messages":
        from llm_async.protocols.anthropic import AnthropicMessages

        return AnthropicMessages()
    from llm_async.protocols.gemini import Gemini

    return Gemini()


@dataclass
class Outcome:
    """What came of reading a case."""

    message: Message | None
    stop_reason: Any = None
    usage: dict[str, Any] | None = None
    error: LLMError | None = None
    chunks: list[StreamChunk] = field(default_factory=list)


def outcome(case: Case, answer: Answer | None, error: LLMError | None, chunks: list[StreamChunk]) -> Outcome:
    """The parts of an answer that the oracle speaks of."""
    if answer is None:
        return Outcome(None, error=error, chunks=chunks)
    stop_reason = answer.original.get("status") if case.dialect == "responses" else answer.message.stop_reason
    usage = answer.usage.raw if answer.usage is not None else None
    return Outcome(answer.message, stop_reason, usage, error, chunks)


def pieces(body: bytes, cut: str) -> Iterable[bytes]:
    """``body`` whole, at random places (``random:SEED``), or byte by byte."""
    if cut == "whole":
        return [body]
    if cut == "bytes":
        return [body[i : i + 1] for i in range(len(body))]
    rng = random.Random(cut)
    out, start = [], 0
    while start < len(body):
        end = start + rng.randint(1, 700)
        out.append(body[start:end])
        start = end
    return out


def replay(case: Case, cut: str = "whole") -> Outcome:
    """Read a case without any network, as the providers read it."""
    protocol = protocol_for(case)
    if case.status >= 300:
        return outcome(case, None, status_error(case.status, case.meta["headers"], case.body), [])
    if not case.stream:
        try:
            return outcome(case, protocol.read_body(case.body), None, [])
        except LLMError as error:
            return outcome(case, None, error, [])
    decoder, reader, chunks = EventDecoder(), protocol.reader(), []
    try:
        for piece in pieces(case.body, cut):
            for payload in decoder.feed(piece):
                chunk = reader.feed(payload)
                if chunk is not None:
                    chunks.append(chunk)
        for payload in decoder.close():
            try:
                chunk = reader.feed(payload)
            except ProtocolError as error:
                raise StreamError("cut inside an event") from error
            if chunk is not None:
                chunks.append(chunk)
        return outcome(case, reader.close(), None, chunks)
    except LLMError as error:
        return outcome(case, reader.answer(), error, chunks)


def differences(case: Case, got: Outcome) -> list[str]:
    """What is not as the oracle says, one line each."""
    known = EXCEPTIONS.get(case.name, {})
    return [line for name, line in _differences(case, got) if name not in known]


def _differences(case: Case, got: Outcome) -> Iterator[tuple[str, str]]:
    want = case.expected["summary"]

    def differs(name: str, expected: Any, actual: Any) -> Iterator[tuple[str, str]]:
        if expected != actual:
            yield name, f"{name}: expected {_short(expected)} got {_short(actual)}"

    if want["error"] is not None:
        if not isinstance(got.error, APIStatusError):
            yield "error", f"error: expected {_short(want['error'])}, raised {got.error!r}"
        elif not _holds(got.error.body, want["error"]):
            yield "error", f"error: expected {_short(want['error'])} in the body {_short(got.error.body)}"
        if case.status >= 300 or not case.stream:
            return
    elif isinstance(got.error, StreamError):
        yield from differs("truncated: stop_reason", want["stop_reason"], None)
    elif got.error is not None:
        yield "raised", f"raised {type(got.error).__name__}: {got.error}"
        if got.message is None:
            return
    # An error that came before anything else has no partial message.
    message = got.message or Message("assistant", "")
    yield from differs("text", want["text"], message.content)
    yield from differs("reasoning", want["reasoning"], message.reasoning)
    yield from differs("refusal", want.get("refusal"), message.refusal if "refusal" in want else None)
    calls = []
    for call in message.tool_calls or ():
        calls.append({"id": call.call_id, "name": call.name, "arguments": call.arguments})
    expected_calls = []
    for position, expected_call in enumerate(want["tool_calls"]):
        arguments = expected_call["arguments"]
        id_ = expected_call["id"]
        if not id_ and position < len(calls) and calls[position]["id"]:
            id_ = calls[position]["id"]
        expected_calls.append(
            {"id": id_, "name": expected_call["name"], "arguments": {} if arguments in ("", None) else arguments}
        )
    yield from differs("tool_calls", expected_calls, calls)
    yield from differs("stop_reason", want["stop_reason"], got.stop_reason)
    yield from differs("usage", want["usage"], got.usage)
    if case.stream:
        yield from differs("joined deltas", message.content, "".join(chunk.delta for chunk in got.chunks))
        yield from differs(
            "joined reasoning", message.reasoning or "", "".join(chunk.reasoning for chunk in got.chunks)
        )
        fragments: dict[int, str] = {}
        for chunk in got.chunks:
            for delta in chunk.tool_call_deltas:
                fragments[delta.index] = fragments.get(delta.index, "") + delta.arguments
        texts = {position: call.arguments_text for position, call in enumerate(message.tool_calls or ())}
        yield from differs(
            "tool call fragments", {k: _json(v) for k, v in texts.items()}, {k: _json(v) for k, v in fragments.items()}
        )
        if got.error is None and got.chunks:
            last = got.chunks[-1]
            yield from differs("stop_reason of the last chunk", message.stop_reason, last.stop_reason)
            yield from differs("finish_reason of the last chunk", message.finish_reason, last.finish_reason)
    if got.error is None:
        yield from differs("finish_reason is a str", True, isinstance(message.finish_reason, str))


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return text


def _holds(body: Any, error: Any) -> bool:
    if body == error:
        return True
    if isinstance(body, dict):
        return any(_holds(value, error) for value in body.values())
    if isinstance(body, list):
        return any(_holds(value, error) for value in body)
    return False


def _short(value: Any, length: int = 300) -> str:
    text = repr(value)
    return text if len(text) <= length else text[:length] + "…"


def main() -> int:
    """Replay everything and print what differs."""
    parser = argparse.ArgumentParser(description="replay the recorded answers")
    parser.add_argument("--dialect")
    parser.add_argument("--api")
    parser.add_argument("--case", default="")
    parser.add_argument("--weak", action="store_true", help="show what differs in weak cases too")
    options = parser.parse_args()
    root = folder()
    if root is None:
        print("LLM_ASYNC_WIRE is not set")
        return 2
    right = total = 0
    for case in cases(root):
        if options.dialect not in (None, case.dialect) or options.api not in (None, case.meta["api"]):
            continue
        if options.case not in case.name or (case.weak and not options.weak):
            continue
        total += 1
        found: list[str] = []
        cuts = ["whole"]
        if case.stream and case.status < 300:
            cuts += [f"random:{seed}" for seed in range(3)] + (["bytes"] if len(case.body) < 8000 else [])
        for cut in cuts:
            try:
                found += [f"[{cut}] {line}" for line in differences(case, replay(case, cut))]
            except Exception as error:
                found.append(f"[{cut}] {type(error).__name__} escaped: {error}")
                import traceback

                traceback.print_exc(limit=-3)
            if found:
                break
        if found:
            print(case.name, *found, sep="\n    ")
        else:
            right += 1
    print(f"{right} of {total} recorded answers right")
    return 0 if right == total else 1


if __name__ == "__main__":
    sys.exit(main())
