"""A streamed response of the Responses API, folded into the body that it would have been without a stream.

What belongs here: events in, chunks out, and at the end a response object for ``responses_answer.py``. The rules:

- What an event is stands in its ``type``; the names of SSE events are not looked at, except ``error``.
- The final ``response`` is the answer when its ``output`` has something in it (the Codex backend sends an empty one).
  Else the answer is the collected items: what ``response.output_item.done`` gave, and for an item that was never done what
  its deltas built.
- Text, reasoning and arguments that come without deltas (in a ``.done`` event, in a done item, or only at the very end)
  are handed over then, as far as they go on from what was handed over before. Where the final word differs from the deltas
  it is the final word that the message holds; what was handed over cannot be taken back.
- Texts are compared by item, not by part alone: some builds of vLLM give every delta a ``content_index`` of its own.
- The stream is complete with ``response.completed`` or ``response.incomplete``. ``[DONE]`` alone completes it when every
  item that was begun is done. A response that was cancelled never becomes complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from .._speedups import ErrorPayload
from ..models import StreamChunk, ToolCallDelta
from .base import Answer, Protocol, Reader, decode_object
from .failures import error_payload, event_error
from .fragments import Fragment, delta_maker
from .responses_answer import answer_of, as_text, error_of, item_reasoning, item_said, item_text
from .responses_items import ARGUMENTS, CALLS, INPUT, REFUSAL, SUMMARY, TEXT, THOUGHT, Channel, Item, Items, Part
from .text import repair

__all__ = ["ResponsesReader"]

_DELTAS = {
    "response.output_text.delta": TEXT,
    "response.refusal.delta": REFUSAL,
    "response.reasoning_summary_text.delta": SUMMARY,
    "response.reasoning_text.delta": THOUGHT,
    "response.function_call_arguments.delta": ARGUMENTS,
    "response.custom_tool_call_input.delta": INPUT,
    # The drafts of the API had these; OpenRouter and Open Responses servers document them.
    "response.content_part.delta": TEXT,
    "response.reasoning_summary.delta": SUMMARY,
    "response.reasoning.delta": THOUGHT,
}
_DONES = {
    "response.output_text.done": TEXT,
    "response.refusal.done": REFUSAL,
    "response.reasoning_summary_text.done": SUMMARY,
    "response.reasoning_text.done": THOUGHT,
    "response.function_call_arguments.done": ARGUMENTS,
    "response.custom_tool_call_input.done": INPUT,
}
_PARTS = {"output_text": TEXT, "text": TEXT, "refusal": REFUSAL, "summary_text": SUMMARY, "reasoning_text": THOUGHT}

# The events that end a stream, and what they say where the response itself has no status.
_ENDS = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
    "response.done": "completed",  # a variant that peers of xAI and OpenRouter tolerate
}
_CALL_TYPES = tuple(CALLS)
_FINAL = ("completed", "incomplete", "failed", "cancelled")


class ResponsesReader(Reader):
    """Folds one streamed response; see the module's text for the rules."""

    def __init__(self, protocol: Protocol) -> None:
        super().__init__(protocol)
        self._items = Items()
        self._response: dict[str, Any] = {}  # the response object as all events together have told it
        self._final: dict[str, Any] | None = None  # the response object of the final event
        self._answer: Answer | None = None  # kept once the stream is complete
        # The part that the last delta was for, and what that delta named it by: the next one is nearly always for the same.
        self._recent: tuple[tuple[str, Any, Any], Part] | None = None

    def feed(self, payload: bytes) -> StreamChunk | None:
        if payload.startswith(b"[DONE]"):
            return self._done_marker()
        if isinstance(payload, ErrorPayload):
            self.ended = True
            raise error_payload(payload)
        return self.event(decode_object(payload), payload)

    def event(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        kind = event.get("type")
        if not isinstance(kind, str):
            return self._untyped(event, payload)
        if kind in _DELTAS:
            return self._delta(_DELTAS[kind], event, payload)
        if kind in _HANDLERS:
            return _HANDLERS[kind](self, event, payload)
        if kind in _DONES:
            return self._text_done(_DONES[kind], event, payload)
        if kind in _ENDS:
            return self._end(event.get("response"), _ENDS[kind], event, payload)
        if event.get("error") and not kind.startswith("response."):
            self._error(event, payload)
        # Progress of the provider's own tools, and whatever is new: done items and the end say it again.
        if isinstance(event.get("response"), dict):
            self._note(event["response"])
        return None

    def fragment(self, event: dict[str, Any], chunk: StreamChunk | None) -> Fragment | None:
        """What the event was, if it was nothing but a piece of a text; see :meth:`Reader.fragment`."""
        if event.get("type") not in _DELTAS or not isinstance(event.get("delta"), str) or self._recent is None:
            return None
        if not isinstance(event.get("output_index"), int):
            return None  # which item it is for depends on what came before
        number = _DELTAS[event["type"]].number
        key, part = self._recent
        if key != (event["type"], event.get("output_index"), event.get(number)) or not part.buffer.whole:
            return None
        item = part.item
        fragment = Fragment(("delta",), "", part.take)
        if part.channel is TEXT:
            fragment.field = "content"
        elif item.type in CALLS:
            fragment.field = "arguments"
            fragment.make_delta = delta_maker(item.place, *item.announced)
        elif item.type == "reasoning" and item.visible is part.channel:
            fragment.field = "reasoning"
        else:
            return None
        fragment.varying = event.keys() - {"type", "output_index", "delta", number}
        return fragment

    def answer(self) -> Answer:
        if self._whole is not None:
            return self._whole
        if self._answer is not None:
            return self._answer
        answer = answer_of(self._body())
        calls = answer.message.tool_calls or []
        places = {item.call[2]: item.place for item in self._items.calls}
        if len(places) == len(calls) and all(call.call_id in places for call in calls):
            # The deltas counted the calls as they appeared, which need not be the order of the final list.
            calls.sort(key=lambda call: places[call.call_id])
        if self.complete:
            self._answer = answer
        elif self._response.get("status") not in _FINAL:
            answer.message.stop_reason = None
            answer.message.finish_reason = "unknown"
        return answer

    def flush(self) -> StreamChunk | None:
        if self.complete:
            return None
        chunk = StreamChunk("", {})
        for part in [part for item in self._items for part in item.parts.values() if not item.done]:
            piece = self._hand_over(part.item, part.channel, part.buffer.flush(), {})
            if piece is not None:
                chunk.content = chunk.delta + piece.delta
                chunk.reasoning += piece.reasoning
                chunk.tool_call_deltas += piece.tool_call_deltas
        return chunk if chunk.content or chunk.reasoning or chunk.tool_call_deltas else None

    # ---- texts

    def _delta(self, channel: Channel, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        delta = event.get("delta")
        if not isinstance(delta, str):
            delta = as_text(delta["text"] if isinstance(delta, Mapping) and "text" in delta else delta)
        if not delta:
            return None
        key = (event["type"], event.get("output_index"), event.get(channel.number))
        recent = self._recent
        if recent is not None and recent[0] == key:
            part = recent[1]
        else:
            part = self._part_of_delta(channel, event)
            if len(self._items.open(part.item.type, key[1])) == 1:
                self._recent = (key, part)
        return self._hand_over(part.item, part.channel, part.buffer.add(delta), payload)

    def _part_of_delta(self, channel: Channel, event: dict[str, Any]) -> Part:
        if event["type"] == "response.content_part.delta":
            # What kind of text it is stands in the event that began the part.
            for other in (REFUSAL, THOUGHT):
                item = self._items.find(other.item, event.get("output_index"), event.get("item_id"))
                if item is not None and item.has_part(other, event.get(other.number)):
                    return item.part(other, event.get(other.number))
        item = self._items.find(channel.item, event.get("output_index"), event.get("item_id"))
        if item is None:
            item = self._items.add(channel.item, event.get("output_index"))
        return item.part(channel, event.get(channel.number))

    def _text_done(
        self, channel: Channel, event: dict[str, Any], payload: bytes, fields: Mapping[str, Any] | None = None
    ) -> StreamChunk | None:
        """The whole text of a part; ``fields`` is what else the event says of the part."""
        item = self._item_of_part(channel, event)
        if item is None:
            return None
        text = repair(as_text((fields or event).get(channel.field)))
        part = item.part(channel, event.get(channel.number))
        part.fields.update(fields or {})
        if channel.item in CALLS and item.call[1] is None and isinstance(event.get("name"), str):
            item.describe({"name": event["name"]})
        rest = ""
        if text and text != item.said():
            rest = _rest(text, part.text())
            part.final = text
        return self._hand_over(item, channel, rest, payload)

    def _part_added(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        fields = _mapping(event.get("part"))
        channel = _PARTS.get(str(fields.get("type")))
        item = self._item_of_part(channel, event) if channel is not None else None
        if channel is not None and item is not None:
            item.part(channel, event.get(channel.number)).fields.update(fields)
        return None

    def _part_done(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        fields = _mapping(event.get("part"))
        channel = _PARTS.get(str(fields.get("type")))
        return self._text_done(channel, event, payload, fields) if channel is not None else None

    def _annotation(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        item = self._item_of_part(TEXT, event)
        if item is not None:
            fields = item.part(TEXT, event.get(TEXT.number)).fields
            known = fields.get("annotations")
            fields["annotations"] = [*(known if isinstance(known, list) else ()), event.get("annotation")]
        return None

    def _item_of_part(self, channel: Channel, event: dict[str, Any]) -> Item | None:
        """The item that an event about one of its parts is about; None when that is done and has said it all."""
        index = event.get("output_index")
        item = self._items.find(channel.item, index, event.get("item_id"))
        if item is None and self._items.find_done(channel.item, index) is None:
            item = self._items.add(channel.item, index)
        return item

    # ---- items

    def _item_added(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        given = event.get("item")
        if not isinstance(given, dict):
            return None
        type_, index = str(given.get("type", "message")), event.get("output_index")
        item = self._items.find(type_, index, given.get("id"))
        if item is None or (item.snapshot and not _is_same(item.snapshot, given)):
            item = self._items.add(type_, index)
        item.describe(given)
        self._recent = None
        return self._hand_over(item, CALLS[type_], "", payload) if type_ in CALLS else None

    def _item_done(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        given = event.get("item")
        if not isinstance(given, dict):
            return None
        type_, index = str(given.get("type", "message")), event.get("output_index")
        item = self._items.find(type_, index, given.get("id"))
        if item is None:
            item = self._items.find_done(type_, index)
            if item is None or any(given.get(key) != item.snapshot.get(key) for key in ("id", "call_id", "content")):
                item = self._items.add(type_, index)
        item.describe(given)
        item.done = True
        self._recent = None
        if type_ in CALLS:
            return self._hand_over(item, CALLS[type_], _rest(item_said(given), item.said()), payload)
        if type_ == "message":
            return self._hand_over(item, TEXT, _rest(item_text(given), item.said()), payload)
        if type_ == "reasoning":
            rest = _rest(item_reasoning(given), item.said())
            return self._hand_over(item, item.visible or SUMMARY, rest, payload)
        return None

    # ---- handing over

    def _hand_over(
        self, item: Item, channel: Channel, text: str, payload: bytes | dict[str, Any]
    ) -> StreamChunk | None:
        """The chunk with a further text of an item, or None where it says nothing to the caller."""
        if channel is TEXT and text:
            item.given.append(text)
            return StreamChunk(text, payload)
        if channel.item in CALLS:
            id_, name, _ = item.call
            if not text and (id_, name) == item.announced:
                return None
            item.given.append(text)
            item.announced = (id_, name)
            return StreamChunk("", payload, tool_call_deltas=[ToolCallDelta(item.place, id_, name, text)])
        if channel.item == "reasoning" and text:
            item.visible = item.visible or channel
            # A summary, and the reasoning that it sums up: one of the two, as in the message.
            if item.visible is channel:
                item.given.append(text)
                return StreamChunk("", payload, text)
        return None

    def _last_chunk(self, payload: bytes | dict[str, Any]) -> StreamChunk:
        """The chunk of the end: why it ended, what it cost, and what no event before has said."""
        answer = self.answer()
        message = answer.message
        content = message.content if isinstance(message.content, str) else ""
        chunk = StreamChunk(
            _rest(content, self._items.said("message")),
            payload,
            _rest(message.reasoning or "", self._items.said("reasoning")),
            usage=answer.usage,
            stop_reason=message.stop_reason,
            finish_reason=message.finish_reason,
        )
        announced = self._items.calls
        for place, call in enumerate(message.tool_calls or ()):
            new = place >= len(announced)
            if not new and announced[place].call[2] not in ("", call.call_id):
                continue
            rest = _rest(call.arguments_text, "" if new else announced[place].said())
            if rest or new or None in announced[place].announced:
                chunk.tool_call_deltas.append(ToolCallDelta(place, call.id or None, call.name or None, rest))
        return chunk

    # ---- the response as a whole

    def _note(self, response: dict[str, Any]) -> None:
        """Take what an event says of the response; a null does not undo what was said before."""
        for key, value in response.items():
            if value is not None or key not in self._response:
                self._response[key] = value

    def _end(self, response: Any, status: str, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        final = dict(response) if isinstance(response, dict) else {}
        if final.get("status") not in _FINAL:
            final["status"] = status
        self._note(final)
        self.ended = True
        if final["status"] == "failed":
            raise event_error(final.get("error") or event.get("error") or {}, event)
        if self.complete or final["status"] == "cancelled":
            return None
        self._final = final
        self.complete = True
        return self._last_chunk(payload)

    def _done_marker(self) -> StreamChunk | None:
        self.ended = True
        if self.complete:
            return None
        if not self._items or not all(item.done for item in self._items):
            return self.flush()
        cut = any(item.snapshot.get("status") == "incomplete" for item in self._items)
        self._response["status"] = "incomplete" if cut else "completed"
        self.complete = True
        return self._last_chunk({})

    def _body(self) -> dict[str, Any]:
        """The response object: the final one where it says all that was streamed, else with the collected items."""
        if self._final is not None and self._says_all(self._final):
            for key in ("id", "model", "usage"):
                if self._final.get(key) is None and self._response.get(key) is not None:
                    self._final[key] = self._response[key]
            return self._final
        return {**self._response, "output": [item.built() for item in self._items]}

    def _says_all(self, final: dict[str, Any]) -> bool:
        """Whether the ``output`` of the final event is what was streamed.

        It is not when it is empty, nor when a completed response has no text, no call or no arguments, although the stream
        had: some proxies leave them out. (Where the response is not completed, a filter may have taken them back.)
        """
        output = final.get("output")
        items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
        if not items or final["status"] != "completed":
            return bool(items)
        lost_text = self._items.said("message") and not any(map(item_text, items))
        calls = [item for item in items if item.get("type") in _CALL_TYPES]
        said = any(item.said() for item in self._items.calls)
        lost_calls = self._items.calls and not (any(map(item_said, calls)) if said else calls)
        return not lost_text and not lost_calls

    # ---- errors, and events without a type

    def _error(self, event: dict[str, Any], payload: bytes) -> NoReturn:
        """An ``error`` event: the error is nested in ``error``, as recorded, or is the event itself, as documented."""
        self.ended = True
        raise event_error(event.get("error") or event, event)

    def _untyped(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        error = error_of(event)
        if error is not None:
            self.ended = True
            raise error
        if isinstance(event.get("output"), list):
            # A whole response as an event, from a server that cannot stream.
            return self._end(event, "completed", event, payload) if event.get("status") in (*_FINAL, None) else None
        return None


_HANDLERS: dict[str, Callable[[ResponsesReader, dict[str, Any], bytes], StreamChunk | None]] = {
    "response.output_item.added": ResponsesReader._item_added,
    "response.output_item.done": ResponsesReader._item_done,
    "response.content_part.added": ResponsesReader._part_added,
    "response.content_part.done": ResponsesReader._part_done,
    "response.reasoning_part.added": ResponsesReader._part_added,
    "response.reasoning_part.done": ResponsesReader._part_done,
    "response.reasoning_summary_part.added": ResponsesReader._part_added,
    "response.reasoning_summary_part.done": ResponsesReader._part_done,
    "response.output_text.annotation.added": ResponsesReader._annotation,
    "response.error": ResponsesReader._error,
    "error": ResponsesReader._error,
}


def _is_same(item: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two descriptions are of one item, as far as their ids tell."""
    return next((item[key] == other[key] for key in ("id", "call_id") if item.get(key) and other.get(key)), False)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _rest(text: str, said: str) -> str:
    """What of ``text`` was not said yet; nothing where it does not go on from what was."""
    return text[len(said) :] if text.startswith(said) else ""
