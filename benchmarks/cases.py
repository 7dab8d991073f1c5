"""The hot paths, one pass over each with either twin: what ``test_speed.py`` times and ``gate.py`` counts.

What belongs here: inputs of the size that a provider sends, and the work on them, without network and without event loop.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.traffic import events

__all__ = ["CASES", "answer_of", "one_pass", "partial_text"]

_EVENTS = 200
_BLOCK = 64 * 1024


def _twin(pair: str, twin: str) -> Any:
    return import_module(f"llm_async._speedups.{pair}_{'c' if twin == 'compiled' else 'py'}")


def _frames(api: str = "chat", kind: str = "text") -> list[bytes]:
    return events(api, kind, _EVENTS).frames


def _blocks(body: bytes) -> list[bytes]:
    return [body[start : start + _BLOCK] for start in range(0, len(body), _BLOCK)]


def _payloads(api: str, kind: str) -> list[bytes]:
    from llm_async._speedups import EventDecoder

    payloads: list[bytes] = EventDecoder().feed(b"".join(_frames(api, kind)))
    return payloads


def _framing(twin: str) -> Callable[[], Any]:
    """A chunked body, each event in a chunk of its own."""
    module = _twin("framing", twin)
    blocks = _blocks(b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in _frames()))

    def run() -> None:
        decoder = module.ChunkedDecoder()
        for block in blocks:
            decoder.feed(block)

    return run


def _sse(twin: str) -> Callable[[], Any]:
    """The events of a body."""
    module = _twin("sse", twin)
    blocks = _blocks(b"".join(_frames()))

    def run() -> None:
        decoder = module.EventDecoder()
        for block in blocks:
            decoder.feed(block)

    return run


def _fragments(twin: str) -> Callable[[], Any]:
    """Events that only go on with a text."""
    from llm_async.protocols.fragments import Fragment, template_of

    module = _twin("fragments", twin)
    payloads = [payload for payload in _payloads("messages", "text") if b"text_delta" in payload]
    template = template_of(payloads[0], json.loads(payloads[0]), Fragment(("delta", "text"), "content", len))
    assert template is not None

    def run() -> None:
        reader = module.Fragments(module.Chunk)
        reader.add(*template, "content", len)
        chunks: deque[Any] = deque()
        assert reader.read(payloads, 0, chunks) == len(payloads)

    return run


def _deltas(twin: str) -> Callable[[], Any]:
    """Objects with several fields, merged by rules."""
    module = _twin("deltas", twin)
    rules = {"role": "first", "refusal": "join", "content": "ignore"}
    delta = {"role": "assistant", "content": None, "refusal": "a ", "index": 0}

    def run() -> None:
        merger = module.DeltaMerger(rules)
        for _ in range(_EVENTS):
            merger.merge(delta)
        merger.result()

    return run


def _tool_calls(twin: str) -> Callable[[], Any]:
    """Fragments of a call's arguments that are found by index."""
    module = _twin("tool_calls", twin)

    def run() -> None:
        calls = module.ToolCallAccumulator()
        calls.feed(0, "call_1", "write", '{"text": "')
        for _ in range(_EVENTS):
            calls.feed(0, None, None, "lorem ip")
        calls.calls()

    return run


def _partial_json(twin: str) -> Callable[[], Any]:
    """An object in pieces of the size that models write, whose value is asked for after each of them."""
    people = [{"name": f"Ann {number}", "age": number, "tags": ["one", "two"], "at": None} for number in range(20)]
    text = json.dumps({"people": people, "text": "lorem ipsum " * 20})
    return _asked_for(twin, [text[start : start + 4] for start in range(0, len(text), 4)])


def partial_text(twin: str, count: int) -> Callable[[], Any]:
    """One long string in so many pieces; the value is asked for after each of them."""
    return _asked_for(twin, ['{"text": "', *(["lorem ip"] * count), '"}'])


def _asked_for(twin: str, pieces: list[str]) -> Callable[[], Any]:
    module = _twin("partial_json", twin)

    def run() -> None:
        reader = module.PartialJSON()
        for piece in pieces:
            reader.feed(piece)
            reader.value()
        reader.close()

    return run


CASES: dict[str, Callable[[str], Callable[[], Any]]] = {
    "framing": _framing,
    "sse": _sse,
    "fragments": _fragments,
    "deltas": _deltas,
    "tool_calls": _tool_calls,
    "partial_json": _partial_json,
}


def one_pass(case: str, twin: str) -> Callable[[], Any]:
    """One pass over a case with the ``compiled`` or the ``plain`` twin."""
    return CASES[case](twin)


def answer_of(api: str, kind: str) -> Callable[[], Any]:
    """A whole streamed answer from its bytes to the message, with the twins that serve in this process."""
    from llm_async._speedups import ChunkedDecoder, EventDecoder
    from llm_async.protocols.anthropic import AnthropicMessages
    from llm_async.protocols.gemini import Gemini
    from llm_async.protocols.openai_chat import OpenAIChat
    from llm_async.protocols.openai_responses import OpenAIResponses
    from llm_async.protocols.openrouter import OpenRouter

    protocols = {
        "chat": OpenAIChat,
        "openrouter": OpenRouter,
        "responses": OpenAIResponses,
        "messages": AnthropicMessages,
        "gemini": Gemini,
    }
    protocol = protocols[api]()
    blocks = _blocks(b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in _frames(api, kind)))

    def run() -> Any:
        framing, decoder, reader = ChunkedDecoder(), EventDecoder(), protocol.reader()
        chunks: deque[Any] = deque()
        for block in blocks:
            reader.feed_all(decoder.feed(framing.feed(block)), chunks)
            chunks.clear()
        return reader.close()

    return run
