"""A stream of ``streamGenerateContent``: responses with new parts in, chunks for the caller and the whole body out.

What is added up here is the body that the same call would have had without a stream; ``gemini_answer.py`` makes the Answer
of either. The rules, from the reference and from recorded streams:

- A candidate is known by its ``index``. Its parts follow on those of the events before.
- Text that follows on text of the same kind (thought or not) is one part, unless one of the two has a
  ``thoughtSignature`` or anything else: a signature belongs to the part that it stands on, also to an empty one. Empty text
  without anything says nothing.
- A function call is whole, unless Vertex AI streams its arguments: then it begins with a name and ``willContinue``, goes on
  in parts without a name, and ends with a part without ``willContinue``; an empty ``functionCall`` may follow. Where that end
  is missing, the next call is one, and so is a ``finishReason`` of ``STOP``.
- ``finishReason`` and the fields around it: the last value that is not empty stays, so that a late event takes nothing away.
  Citations and log probabilities come in pieces. ``usageMetadata``: the last value of each of its fields; the numbers grow,
  and are not added up.
- The answer is complete when every candidate that was seen has a ``finishReason``, or with a ``promptFeedback.blockReason``.
  Some models give a reason with every event, so that nothing but the body's end is the end.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from .._json import dumps_text, loads
from .._speedups import ErrorPayload
from ..errors import ProtocolError
from ..models import StreamChunk, ToolCallDelta, Usage
from .base import Answer, Protocol, Reader, excerpt
from .failures import error_payload, event_error
from .fragments import Fragment
from .gemini_answer import call_id, checked_list, checked_object, indexed_candidates, make_answer, unified_finish_reason
from .gemini_partial_args import PartialArgs
from .gemini_parts import Part
from .text import TextBuffer, repair
from .usage import gemini_usage

__all__ = ["GeminiReader"]

# Fields of a candidate whose lists come in pieces.
_IN_PIECES = ("citationMetadata", "logprobsResult")
_UNSPECIFIED = "FINISH_REASON_UNSPECIFIED"


class GeminiReader(Reader):
    """Folds one streamed answer."""

    _learns_of_silence = True  # a call's arguments come in pieces, and are handed over when they are whole

    def __init__(self, protocol: Protocol) -> None:
        super().__init__(protocol)
        self._fields: dict[str, Any] = {}  # what stands around the candidates
        self._candidates: dict[int, _Candidate] = {}
        self._unfinished = 0  # how many candidates have no finishReason yet
        self._usage: dict[str, Any] = {}
        self._blocked = False
        self._told_all = False  # the message was handed over as a whole, at the end

    def feed(self, payload: bytes) -> StreamChunk | None:
        """Take the data of one event; see :meth:`Reader.feed`."""
        if isinstance(payload, ErrorPayload):
            raise error_payload(payload)
        if payload.startswith(b"["):
            if payload.startswith(b"[DONE]"):
                # Not of this API; proxies add it, also to an answer that was cut.
                self.ended = True
                return self.flush()
            return self._array(payload)
        return super().feed(payload)

    def event(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        """Take one decoded event; see :meth:`feed`."""
        said = _Said()
        self._add(event, said)
        return self._chunk(said, payload)

    def _array(self, payload: bytes) -> StreamChunk | None:
        """Several events in one array, as the API sends them without ``alt=sse``."""
        said = _Said()
        last: dict[str, Any] = {}
        for last in decode_array(payload):
            self._add(last, said)
        return self._chunk(said, last)

    def _chunk(self, said: _Said, original: dict[str, Any] | bytes) -> StreamChunk | None:
        """The chunk for what was said, or None when that is nothing."""
        stop_reason, finish_reason = self._ending()
        if not said and not (said.usage and finish_reason):
            return None
        return StreamChunk(said.text, original, said.reasoning, said.deltas, said.usage, stop_reason, finish_reason)

    def flush(self) -> StreamChunk | None:
        """What was held back: half a character, and a call that was not said to be whole."""
        said = _Said()
        for index, candidate in self._candidates.items():
            candidate.close(said if index == 0 else _Said())
        if self.complete and self._candidates and 0 not in self._candidates and not self._told_all:
            return self._everything()
        return self._chunk(said, {})

    def _everything(self) -> StreamChunk:
        """The whole message in one chunk, where the server does not count its candidates from 0."""
        self._told_all = True
        answer = self.answer()
        message = answer.message
        calls = [
            ToolCallDelta(place, call.id, call.name, call.arguments_text)
            for place, call in enumerate(message.tool_calls or ())
        ]
        return StreamChunk(
            str(message.content), {}, message.reasoning or "", calls, answer.usage, message.stop_reason,
            message.finish_reason,
        )  # fmt: skip

    def answer(self) -> Answer:
        """What has arrived so far; see :meth:`Reader.answer`."""
        self._catch_up()
        candidates = [candidate for _, candidate in sorted(self._candidates.items())]
        body = dict(self._fields)
        if candidates:
            body["candidates"] = [candidate.body() for candidate in candidates]
        if self._usage:
            body["usageMetadata"] = dict(self._usage)
        if not candidates:
            return make_answer(body)
        first = candidates[0]
        return make_answer(body, ids=first.ids, unfinished=first.unfinished())

    # ---- what events have in common

    def fragment(self, event: dict[str, Any], chunk: StreamChunk | None) -> Fragment | None:
        """What the event was, if it was nothing but a piece of a text; see :meth:`Reader.fragment`."""
        candidates, usage = event.get("candidates"), event.get("usageMetadata")
        first = self._candidates.get(0)
        if first is None or not isinstance(candidates, list) or len(candidates) != 1:
            return None
        if not isinstance(candidates[0], dict) or candidates[0].get("index"):
            return None
        fragment = first.fragment(candidates[0])
        if fragment is None or event.get("promptFeedback") is not None:
            return None
        fragment.path = ("candidates", 0, *fragment.path)
        others = {name: value for name, value in event.items() if name not in ("candidates", "usageMetadata")}
        # Each count keeps its last value: only events that give the same ones overtake each other.
        fragment.constants = (
            others,
            fragment.constants,
            set(_without_nulls(usage)) if isinstance(usage, dict) else usage,
        )
        if usage:
            if chunk is not None and chunk.usage is None:
                return None
            before = dict(self._usage)
            fragment.counts = "usageMetadata"
            fragment.usage_of = lambda event: gemini_usage({**before, **_without_nulls(event["usageMetadata"])})
        return fragment

    def counted(self, event: dict[str, Any]) -> None:
        """Take the usage of an event; see :meth:`Reader.counted`."""
        self._add_usage(event["usageMetadata"], _Said())

    # ---- one event

    def _add(self, event: dict[str, Any], said: _Said) -> None:
        if event.get("error"):
            raise event_error(event["error"], event)
        for key, value in event.items():
            if value is None:
                continue
            if key == "candidates":
                self._fields.setdefault(key, [])
                self._add_candidates(value, said)
            elif key == "usageMetadata":
                self._fields.setdefault(key, {})
                self._add_usage(checked_object(value, key), said)
            elif key == "promptFeedback":
                # The first one counts; but it need not be the one with the reason.
                self._fields[key] = {**checked_object(value, key), **self._fields.get(key, {})}
                self._blocked = bool(self._fields[key].get("blockReason"))
                said.something = said.something or self._blocked
            else:
                self._fields[key] = value
        self.complete = self._blocked or (bool(self._candidates) and not self._unfinished)

    def _add_candidates(self, candidates: Any, said: _Said) -> None:
        for index, value in indexed_candidates(candidates):
            candidate = self._candidates.get(index)
            if candidate is None:
                candidate = self._candidates[index] = _Candidate()
                self._unfinished += 1
            was_unfinished = candidate.finish_reason is None
            if index == 0:
                candidate.add(value, said)
            else:
                # The caller gets candidate 0; of the others there is the event itself.
                other = _Said()
                candidate.add(value, other)
                said.something = said.something or bool(other)
            if was_unfinished and candidate.finish_reason is not None:
                self._unfinished -= 1

    def _add_usage(self, usage: dict[str, Any], said: _Said) -> None:
        usage = _without_nulls(usage)
        self._usage.update(usage)
        # Vertex AI sends the kind of traffic with every event, and counts with the last one.
        if "promptTokenCount" in usage or "totalTokenCount" in usage:
            said.usage = gemini_usage(self._usage)

    def _ending(self) -> tuple[Any, str | None]:
        """Why candidate 0 stopped, in the API's word and in ours; nothing while it goes on."""
        first = self._candidates.get(0)
        native = first.finish_reason if first is not None else None
        if native is None and not self._blocked:
            return None, None
        return native, unified_finish_reason(
            native, called=first is not None and bool(first.ids), blocked=self._blocked
        )


class _Said:
    """What events say to the caller; ``something``: not only in words."""

    __slots__ = ("deltas", "reasoning", "something", "text", "usage")

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.deltas: list[ToolCallDelta] = []
        self.usage: Usage | None = None
        self.something = False

    def __bool__(self) -> bool:
        return bool(self.something or self.text or self.reasoning or self.deltas)

    def add(self, text: str, thought: bool) -> None:
        if thought:
            self.reasoning += text
        else:
            self.text += text


class _Run:
    """Text parts that are one part; ``head`` is the first of them."""

    __slots__ = ("buffer", "head", "thought")

    def __init__(self, head: Part, thought: bool) -> None:
        self.head = head
        self.thought = thought
        self.buffer = TextBuffer()

    def part(self) -> Part:
        return {**self.head, "text": self.buffer.value()}


class _StreamedCall:
    """A function call whose arguments come in pieces.

    Attributes:
        place: its place among the calls of its candidate.
        id: its id.
        name: the function.
    """

    __slots__ = ("_args", "_function", "_part", "id", "name", "place")

    def __init__(self, place: int, id: str, name: str) -> None:
        self.place = place
        self.id = id
        self.name = name
        self._part: Part = {"functionCall": {}}
        self._function: dict[str, Any] = {}
        self._args = PartialArgs()

    def add(self, part: Part, function: dict[str, Any]) -> None:
        """Take a piece: the part, and the functionCall in it."""
        for key, value in part.items():
            self._part.setdefault(key, value)
        for key, value in function.items():
            if key not in ("args", "partialArgs", "willContinue"):
                self._function.setdefault(key, value)
        if function.get("args") is not None:
            self._args.update(checked_object(function["args"], "the arguments of a function call"))
        for piece in checked_list(function.get("partialArgs"), "partial arguments"):
            self._args.add(piece)

    def fragment(self, part: Part) -> Fragment | None:
        """What a part has just said of this call, if it was nothing but a piece of a string among its arguments."""
        function = part.get("functionCall")
        if not isinstance(function, dict) or len(part) > 1 or function.keys() != {"partialArgs", "willContinue"}:
            return None
        pieces = function["partialArgs"]
        if not isinstance(pieces, list) or len(pieces) != 1 or not isinstance(pieces[0].get("stringValue"), str):
            return None
        take = partial(self._args.append, pieces[0]["jsonPath"])
        return Fragment(("functionCall", "partialArgs", 0, "stringValue"), "", take)

    def part(self) -> Part:
        return {**self._part, "functionCall": {**self._function, "args": self._args.value()}}

    def delta(self) -> ToolCallDelta:
        return ToolCallDelta(self.place, self.id, self.name, dumps_text(self._args.value()))


class _Candidate:
    """One candidate on its way.

    Attributes:
        finish_reason: its ``finishReason``, or None.
        ids: the ids of its calls, in order.
    """

    __slots__ = ("_broken_off", "_call", "_content", "_fields", "_parts", "_run", "finish_reason", "ids")

    def __init__(self) -> None:
        self.finish_reason: Any = None
        self.ids: list[str] = []
        self._fields: dict[str, Any] = {}
        self._content: dict[str, Any] = {}
        self._parts: list[Part | _Run | _StreamedCall] = []
        self._run: _Run | None = None  # the last part, while more text may follow on it
        self._call: _StreamedCall | None = None  # the call whose arguments are coming
        self._broken_off: set[int] = set()  # places of calls that ended before the API said that they were whole

    def body(self) -> dict[str, Any]:
        """The candidate as an answer without a stream has it."""
        body = dict(self._fields)
        if "content" in body:
            body["content"] = dict(self._content)
            if "parts" in self._content:
                body["content"]["parts"] = [part if isinstance(part, dict) else part.part() for part in self._parts]
        return body

    def unfinished(self) -> set[int]:
        """The places of the calls whose arguments may not be all there."""
        return self._broken_off if self._call is None else self._broken_off | {self._call.place}

    def add(self, candidate: dict[str, Any], said: _Said) -> None:
        """Take what one event says of this candidate."""
        for key, value in candidate.items():
            if value is None:
                continue
            if key == "content":
                self._fields.setdefault(key, {})
                for name, inner in checked_object(value, "the content of a candidate").items():
                    if name != "parts":
                        self._content[name] = inner
                    elif inner is not None:
                        self._content.setdefault(name, [])
                        for part in checked_list(inner, "the parts of a candidate"):
                            self._add_part(checked_object(part, "a part"), said)
            elif key in _IN_PIECES and isinstance(value, dict):
                self._fields[key] = _united(self._fields.get(key), value, once=key == "citationMetadata")
            elif key == "finishReason" and value == _UNSPECIFIED and self.finish_reason:
                continue
            elif key not in self._fields or value not in ({}, [], ""):
                self._fields[key] = value
        reason = self._fields.get("finishReason")
        if reason:
            said.something = said.something or candidate.get("finishReason") is not None
            self.finish_reason = reason
            if self._call is not None and unified_finish_reason(reason, called=False, blocked=False) == "stop":
                self._close_call(
                    said
                )  # the empty functionCall that should have ended it is missing, as it sometimes is
            elif self._call is not None:
                self.close(said)

    def fragment(self, candidate: dict[str, Any]) -> Fragment | None:
        """What an event has just said of this candidate, if it was nothing but a piece of a text."""
        content = candidate.get("content")
        if not isinstance(content, dict):
            return None
        parts, others = content.get("parts"), {name: value for name, value in candidate.items() if name != "content"}
        if not isinstance(parts, list) or len(parts) != 1 or others.get("finishReason") is not None:
            return None
        if any(isinstance(value, (dict, list)) for value in others.values()):
            return None
        if self._call is not None and "functionCall" in parts[0]:
            fragment = self._call.fragment(parts[0])
        else:
            fragment = self._text_fragment(parts[0])
        if fragment is not None:
            fragment.path = ("content", "parts", 0, *fragment.path)
            # The run or call too: what comes between two texts parts them, so that they cannot be read side by side.
            others |= {f"content.{name}": value for name, value in content.items() if name != "parts"}
            fragment.constants = (self._run, self._call, others)
        return fragment

    def _text_fragment(self, part: Part) -> Fragment | None:
        run = self._run
        if run is None or part.keys() - {"text", "thought"} or run.thought != bool(part.get("thought")):
            return None
        field = "reasoning" if run.thought else "content"
        return Fragment(("text",), field, run.buffer.append) if run.buffer.whole else None

    def close(self, said: _Said) -> None:
        """Give out what waits for more, of which nothing will come."""
        self._close_run(said)
        if self._call is not None:
            self._broken_off.add(self._call.place)
            self._close_call(said)

    def _close_run(self, said: _Said) -> None:
        if self._run is not None:
            said.add(self._run.buffer.flush(), self._run.thought)
            self._run = None

    def _close_call(self, said: _Said) -> None:
        if self._call is not None:
            said.deltas.append(self._call.delta())
            self._call = None

    # ---- parts

    def _add_part(self, part: Part, said: _Said) -> None:
        text = part.get("text")
        if isinstance(text, str):
            self._add_text(part, text, said)
        elif text is not None:
            raise ProtocolError("the text of a part is no string", payload=part)
        elif part.get("functionCall") is not None:
            self._add_call(part, checked_object(part["functionCall"], "a function call"), said)
        else:
            self._close_run(said)
            self._parts.append(part)
            said.something = True

    def _add_text(self, part: Part, text: str, said: _Said) -> None:
        thought = bool(part.get("thought"))
        if len(part) > 1 and any(value is not None for key, value in part.items() if key not in ("text", "thought")):
            self._close_run(said)
            self._parts.append(part)
            said.add(repair(text), thought)
        elif text:
            if self._run is None or self._run.thought != thought:
                self._close_run(said)
                self._run = _Run(part, thought)
                self._parts.append(self._run)
            said.add(self._run.buffer.add(text), thought)

    def _add_call(self, part: Part, function: dict[str, Any], said: _Said) -> None:
        name, id = function.get("name"), function.get("id")
        will_continue = bool(function.get("willContinue"))
        call = self._call
        if call is None or (name and (not id or id != call.id)):
            if not name and not function.keys() - {"willContinue"}:
                return  # what may follow on the last piece of a call
            if not isinstance(name, str) or not name:
                raise ProtocolError("a function call has no name", payload=part)
            self._close_run(said)
            self._close_call(said)
            call = _StreamedCall(len(self.ids), call_id(function), name)
            self.ids.append(call.id)
            if not will_continue and "partialArgs" not in function:
                self._parts.append(part)
                arguments = function.get("args")
                text = arguments if isinstance(arguments, str) else dumps_text({} if arguments is None else arguments)
                said.deltas.append(ToolCallDelta(call.place, call.id, name, text))
                return
            self._call = call
            self._parts.append(call)
            said.deltas.append(ToolCallDelta(call.place, call.id, name))
        call.add(part, function)
        if not will_continue:
            self._close_call(said)


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None} if None in fields.values() else fields


def _united(so_far: Any, more: dict[str, Any], *, once: bool) -> dict[str, Any]:
    """Two objects as one, their lists put together, with ``once`` without what is there already."""
    united = dict(so_far) if isinstance(so_far, dict) else {}
    for key, value in more.items():
        before = united.get(key)
        if isinstance(before, list) and isinstance(value, list):
            value = before + [element for element in value if not once or element not in before]
        united[key] = value
    return united


def decode_array(payload: bytes) -> list[dict[str, Any]]:
    """The objects in a JSON array; ProtocolError when it is something else."""
    try:
        value = loads(payload)
    except ValueError as error:
        raise ProtocolError(
            f"the provider sent something that is not JSON: {excerpt(payload)}", payload=payload
        ) from error
    return [
        checked_object(element, "an element of the answer")
        for element in checked_list(value, "the elements of the answer")
    ]
