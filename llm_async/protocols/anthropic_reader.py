"""A streamed answer of the Messages API: events in, chunks out, and at the end the message.

A stream is a message under construction (API reference, "Streaming messages")::

    message_start           the message without its content (though it may hold finished blocks already)
     content_block_start     a block, by ``index``; it may hold text, or a tool's whole input, already
      content_block_delta…   what is appended to the block
     content_block_stop
    message_delta           stop reason, and usage so far, which replaces what was said before
    message_stop

Text, thinking and ``partial_json`` are appended; the JSON of a tool's input is parsed once, at the end, and no text at all
means no arguments. A signature replaces, a citation is added to a list. Usage is what ``message_start`` said, overlaid by
what each ``message_delta`` says. Pings, unknown events and repetitions of ``message_start`` are passed over; a
``message_start`` with another id means that a proxy has spliced two answers, and no reading of that can be right.
"""

from __future__ import annotations

from typing import Any

from .._json import dumps_text
from .._speedups import ErrorPayload
from ..errors import ProtocolError
from ..models import StreamChunk, ToolCallDelta
from .anthropic_answer import content_blocks, finish_reason, message_answer, tool_input, with_id, word
from .base import Answer, Protocol, Reader, decode_object
from .failures import error_payload, event_error
from .fragments import Fragment, delta_maker
from .text import TextBuffer
from .usage import anthropic_usage

__all__ = ["MessageReader"]


class _Block:
    """A content block under construction.

    Attributes:
        start: the block as it began; a signature, citations and the like are put into it.
        kind: its type.
        text: what has arrived of a text, or of thinking.
        json: what has arrived of a tool's input.
        call: for a client tool, the call's place among the calls of the answer.
        told: the input with which the block began has been handed over.
    """

    __slots__ = ("call", "json", "kind", "start", "text", "told")

    def __init__(self, start: dict[str, Any], call: int | None) -> None:
        self.start = dict(start)
        if isinstance(start.get("citations"), list):
            self.start["citations"] = list(start["citations"])
        self.kind = word(start.get("type"))
        self.text = TextBuffer()
        self.json = TextBuffer()
        self.call = call
        self.told = False

    def value(self) -> dict[str, Any]:
        """The block as it stands in a message that was not streamed."""
        block = dict(self.start)
        if self.kind in ("text", "thinking"):
            block[self.kind] = self.text.value()
            if isinstance(block.get("citations"), list):
                block["citations"] = list(block["citations"])
        elif self.json:
            block["input"] = tool_input(self.json.value())
        return block

    def deltas(self, fragment: str) -> list[ToolCallDelta]:
        """A piece of this call's arguments, for the caller; none for a block that is no client tool's."""
        if self.call is None:
            return []
        return [ToolCallDelta(self.call, self.start.get("id"), self.start.get("name"), fragment)]


class _News:
    """What an event says to the caller."""

    __slots__ = ("deltas", "reasoning", "text")

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.deltas: list[ToolCallDelta] = []

    def __bool__(self) -> bool:
        return bool(self.text or self.reasoning or self.deltas)


class MessageReader(Reader):
    """Folds the events of one streamed message."""

    def __init__(self, protocol: Protocol) -> None:
        super().__init__(protocol)
        self._message: dict[str, Any] = {}  # as message_start and message_delta say, but for content and usage
        self._usage: dict[str, Any] = {}
        self._stop_reason: str | None = None
        self._finish_reason: str | None = None
        self._blocks: list[_Block] = []
        self._by_index: dict[int, _Block] = {}
        self._calls = 0

    def feed(self, payload: bytes) -> StreamChunk | None:
        """Take the data of one event; see :meth:`Reader.feed`."""
        if isinstance(payload, ErrorPayload):
            raise error_payload(payload)
        if payload.startswith(b"[DONE]"):
            # OpenRouter ends its streams with it. It says that nothing follows, not that nothing is missing.
            self.ended = True
            return self.flush()
        return self.event(decode_object(payload), payload)

    def fragment(self, event: dict[str, Any], chunk: StreamChunk | None) -> Fragment | None:
        """What the event was, if it was nothing but a piece of a block; see :meth:`Reader.fragment`."""
        index, delta = event.get("index"), event.get("delta")
        block = self._by_index.get(index) if isinstance(index, int) else None
        if event.get("type") != "content_block_delta" or block is None or not isinstance(delta, dict):
            return None
        kind = delta.get("type")
        if kind == "text_delta" and block.kind == "text" and block.text.whole:
            return Fragment(("delta", "text"), "content", block.text.append)
        if kind == "thinking_delta" and block.kind == "thinking" and block.text.whole:
            return Fragment(("delta", "thinking"), "reasoning", block.text.append)
        if kind == "input_json_delta" and block.call is not None and block.json.whole:
            make_delta = delta_maker(block.call, block.start.get("id"), block.start.get("name"))
            return Fragment(("delta", "partial_json"), "arguments", block.json.append, make_delta=make_delta)
        return None

    def event(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        """Take one decoded event; see :meth:`Reader.feed`."""
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._block_delta(event)
        if kind == "content_block_start":
            return self._block_start(event)
        if kind == "content_block_stop":
            news = _News()
            block = self._block_of(event)
            if block is not None:
                self._close(block, news)
            return self._chunk(event, news) if news else None
        if kind == "message_start":
            return self._message_start(event)
        if kind == "message_delta":
            return self._message_delta(event)
        if kind == "message_stop":
            self.complete = self.ended = True
            return self._closing(event)
        if kind == "error" or event.get("error"):
            raise event_error(event.get("error") or event, event)
        if kind == "message" and not self._message:
            # A server that does not stream may put the whole message into one event.
            return self.body(payload)
        return None

    def flush(self) -> StreamChunk | None:
        """What is held back for blocks that were never closed."""
        return self._closing({})

    def answer(self) -> Answer:
        """The message as far as it has arrived."""
        if self._whole is not None:
            return self._whole
        message: dict[str, Any] = {"type": "message", "role": "assistant"}
        message |= self._message
        message["content"] = [block.value() for block in self._blocks]
        message["stop_reason"] = self._stop_reason
        if self._usage:
            message["usage"] = dict(self._usage)
        return message_answer(message)

    def _chunk(self, event: dict[str, Any], news: _News, *, with_usage: bool = False) -> StreamChunk:
        return StreamChunk(
            news.text,
            event,
            news.reasoning,
            news.deltas,
            anthropic_usage(self._usage) if with_usage and self._usage else None,
            self._stop_reason,
            self._finish_reason,
        )

    # ---- the message around the blocks

    def _message_start(self, event: dict[str, Any]) -> StreamChunk | None:
        message = _part(event, "message")
        if self._message:
            known, other = self._message.get("id"), message.get("id")
            if known and other and known != other:
                raise ProtocolError(f"two answers are spliced into one stream, {known} and {other}", payload=event)
            return None
        self._message = dict(message)
        _overlay(self._usage, message.get("usage"))
        news = _News()
        for block in content_blocks(message):
            self._close(self._begin(block, len(self._blocks), news), news)
        self._stop(message.get("stop_reason"))
        return self._chunk(event, news, with_usage=True) if news else None

    def _message_delta(self, event: dict[str, Any]) -> StreamChunk | None:
        # Without a delta it says something of usage alone.
        delta, usage = {} if event.get("delta") is None else _part(event, "delta"), event.get("usage")
        # Beside the delta stand further fields of the message, such as `context_management`.
        _overlay(
            self._message, {name: value for name, value in event.items() if name not in ("type", "delta", "usage")}
        )
        _overlay(self._message, delta)
        _overlay(self._usage, usage)
        self._stop(delta.get("stop_reason"))
        if not usage and not delta.get("stop_reason"):
            return None
        news = _News()
        if self._stop_reason is not None:
            self.complete = True
            self._close_all(news)
        return self._chunk(event, news, with_usage=True)

    def _stop(self, reason: Any) -> None:
        if word(reason):
            self._stop_reason = reason
            self._finish_reason = finish_reason(reason, self._calls)

    # ---- blocks

    def _block_start(self, event: dict[str, Any]) -> StreamChunk | None:
        start, index, news = _part(event, "content_block"), event.get("index"), _News()
        before = self._block_of(event) if isinstance(index, int) else None
        if before is not None:
            if start.get("id") and start.get("id") == before.start.get("id"):
                return None  # the same block once more
            self._close(before, news)
        block = self._begin(start, index, news)
        # Text and thinking begin empty, as a rule, and that says nothing. Of other blocks the beginning says something, and
        # often all, as in the results of the provider's own tools.
        return self._chunk(event, news) if news or block.kind not in ("text", "thinking") else None

    def _block_delta(self, event: dict[str, Any]) -> StreamChunk | None:
        delta = event.get("delta")
        if not isinstance(delta, dict):
            raise ProtocolError("the provider sent a content_block_delta without delta", payload=event)
        block, kind = self._block_of(event), delta.get("type")
        if kind == "text_delta":
            if block is None or block.kind != "text":
                block = self._begin({"type": "text", "text": ""}, event.get("index"), _News())
            text = block.text.add(_text(delta, "text"))
            return StreamChunk(text, event, "", None, None, self._stop_reason, self._finish_reason) if text else None
        if kind == "thinking_delta":
            if block is None or block.kind != "thinking":
                block = self._begin({"type": "thinking", "thinking": ""}, event.get("index"), _News())
            text = block.text.add(_text(delta, "thinking"))
            return StreamChunk("", event, text, None, None, self._stop_reason, self._finish_reason) if text else None
        if block is None:
            raise ProtocolError(f"the provider sent a {kind} for a content block that it had not begun", payload=event)
        deltas: list[ToolCallDelta] = []
        if kind == "input_json_delta":
            if block.kind in ("text", "thinking"):
                raise ProtocolError(f"the provider sent a tool's input for a block of type {block.kind}", payload=event)
            fragment = block.json.add(_text(delta, "partial_json"))
            if not fragment:
                return None
            deltas = block.deltas(fragment)
        elif kind == "citations_delta":
            if not isinstance(block.start.get("citations"), list):
                block.start["citations"] = []
            block.start["citations"].append(delta.get("citation"))
        elif kind in ("signature_delta", "compaction_delta"):
            block.start.update({name: value for name, value in delta.items() if name != "type"})
        # These, and kinds that are not known yet, are of use to who looks at the chunk's original.
        return StreamChunk("", event, "", deltas, None, self._stop_reason, self._finish_reason)

    def _block_of(self, event: dict[str, Any]) -> _Block | None:
        """The block that an event is about: the one of its index, or without an index the latest."""
        index = event.get("index")
        if isinstance(index, int):
            return self._by_index.get(index)
        return self._blocks[-1] if self._blocks else None

    def _begin(self, start: dict[str, Any], index: Any, news: _News) -> _Block:
        call = None
        if start.get("type") == "tool_use":
            start = with_id(start)
            call = self._calls
            self._calls += 1
        block = _Block(start, call)
        # The index stands for another block from now on, and what was learnt of its pieces led to the one before.
        self._fragments.clear()
        self._blocks.append(block)
        self._by_index[index if isinstance(index, int) else len(self._blocks) - 1] = block
        if block.kind == "text":
            news.text += block.text.add(_text(start, "text"))
        elif block.kind == "thinking":
            news.reasoning += block.text.add(_text(start, "thinking"))
        elif block.kind == "fallback" and isinstance(start.get("to"), dict):
            # Another model takes over; a message that was not streamed names that one.
            _overlay(self._message, {"model": start["to"].get("model")})
        news.deltas += block.deltas("")
        return block

    def _close(self, block: _Block, news: _News) -> None:
        """Hand over what waited for more of the block."""
        if block.kind == "text":
            news.text += block.text.flush()
        elif block.kind == "thinking":
            news.reasoning += block.text.flush()
        elif block.json:
            rest = block.json.flush()
            news.deltas += block.deltas(rest) if rest else []
        elif block.start.get("input") and not block.told:
            block.told = True
            # No piece of JSON has come: the input with which the block began is all there is.
            given = block.start["input"]
            news.deltas += block.deltas(given if isinstance(given, str) else dumps_text(given))

    def _close_all(self, news: _News) -> None:
        for block in self._blocks:
            self._close(block, news)

    def _closing(self, event: dict[str, Any]) -> StreamChunk | None:
        news = _News()
        self._close_all(news)
        return self._chunk(event, news) if news else None


def _part(event: dict[str, Any], name: str) -> dict[str, Any]:
    """An object within an event; ProtocolError when it is none."""
    part = event.get(name)
    if not isinstance(part, dict):
        raise ProtocolError(f"the provider sent a {event.get('type')} without {name}", payload=event)
    return part


def _text(holder: dict[str, Any], name: str) -> str:
    """A text within a block or delta, ``""`` for null; ProtocolError when it is something else."""
    text = holder.get(name)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ProtocolError(f"the provider sent a {type(text).__name__} as {name}", payload=holder)
    return text


def _overlay(target: dict[str, Any], source: Any) -> None:
    """New values replace old ones; null says nothing new."""
    if isinstance(source, dict):
        target.update({name: value for name, value in source.items() if value is not None or name not in target})
