"""A stream of Chat Completions: chunks of ``choices[].delta`` in, chunks for the caller and the whole body out.

What is added up here is the body that the same call would have had without a stream; ``chat_answer.py`` makes the Answer of
either. The rules, and who makes them necessary:

- A choice is known by its ``index``, not by its place; the events of several choices are mixed.
- Of the fields around the choices the first value stays that is not empty: Azure begins with an event whose id is ``""``.
- Of ``finish_reason`` and ``usage`` the last value stays that is not empty: OpenRouter sends events behind them where both
  are null, vLLM can send running totals with every event. Nothing is added up.
- An event may have no choices (usage, moderation, Azure's filter results), a choice no ``delta`` (Azure again) or a
  ``message`` in its place (servers that cannot stream). Perplexity has the message so far beside every delta: the delta counts.
- The answer is complete when every choice that was seen has a ``finish_reason``, or at ``[DONE]``. Events after that still
  count: usage comes late.
"""

from __future__ import annotations

from typing import Any

from .._speedups import DeltaMerger, ErrorPayload
from ..errors import ProtocolError
from ..models import StreamChunk, ToolCallDelta
from .base import Answer, Protocol, Reader, excerpt
from .chat_answer import choice_index, error_in, make_answer
from .chat_choice import NOTHING, Choice, Said, joined
from .failures import error_payload, event_error
from .fragments import Fragment
from .usage import chat_usage

__all__ = ["ChatReader"]

_RULES = {
    "id": "first",
    "object": "first",
    "created": "first",
    "model": "first",
    "system_fingerprint": "first",
    "choices": "ignore",
    "usage": "ignore",
    # Random padding, so that nobody reads texts from the lengths of packets: OpenAI's and Mistral's.
    "obfuscation": "ignore",
    "p": "ignore",
}


class ChatReader(Reader):
    """Folds one streamed answer.

    The caller hears of choice 0 alone, of which the Message is made; the others are in the body.
    """

    def __init__(self, protocol: Protocol) -> None:
        super().__init__(protocol)
        self._fields = DeltaMerger(_RULES)  # what stands around the choices
        self._choices: dict[int, Choice] = {}
        self._unfinished = 0  # how many choices have no finish_reason yet
        self._gave_up = False  # a choice ended with an error
        self._usage: dict[str, Any] | None = None
        # Why choice 0 ended, in the server's word and in ours, as far as the caller has been told.
        self._ending: tuple[str | None, str | None] = (None, None)

    def feed(self, payload: bytes) -> StreamChunk | None:
        """Take the data of one event; see :meth:`Reader.feed`."""
        if isinstance(payload, ErrorPayload):
            raise error_payload(payload)
        return super().feed(payload)

    def event(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        """Take one decoded event; see :meth:`feed`."""
        choices = event.get("choices")
        error = None
        if not choices or "error" in event or "x_groq" in event:
            error = error_in(event)
            if "choices" not in event and "usage" not in event:
                if error is not None:
                    raise error
                # An event that this API does not have: a ping, a status.
                return None
        text, reasoning, calls = self._read_choices(choices, event, payload) if choices else NOTHING
        self._fields.merge(event)
        usage = None
        if event.get("usage") and isinstance(event["usage"], dict):
            self._usage = event["usage"]
            usage = chat_usage(self._usage)
        if error is None and self._gave_up:
            error = error_in(event)
        if error is not None:
            # Not before what the event has besides: OpenRouter's errors come with the usage so far.
            raise error
        first = self._choices.get(0)
        ending = first.ending() if first is not None and first.finish_reason else self._ending
        if not (text or reasoning or calls or usage) and ending == self._ending:
            return None
        self._ending = ending
        return StreamChunk(text, payload, reasoning, calls or None, usage, *ending)

    def fragment(self, event: dict[str, Any], chunk: StreamChunk | None) -> Fragment | None:
        """What the event was, if it was nothing but a piece of a text; see :meth:`Reader.fragment`."""
        choices, usage = event.get("choices"), event.get("usage")
        first = self._choices.get(0)
        if first is None or not isinstance(choices, list) or len(choices) != 1 or choice_index(choices[0]) != 0:
            return None
        if event.get("error") or event.get("x_groq") or (usage and not isinstance(usage, dict)):
            return None
        fragment = first.fragment(choices[0])
        if fragment is None:
            return None
        fragment.path = ("choices", 0, *fragment.path)
        # Of these the first value stays that is not empty, or none is looked at.
        fragment.varying = [
            name for name in ("id", "created", "system_fingerprint", "obfuscation", "p") if event.get(name)
        ]
        others = {name: value for name, value in event.items() if _RULES.get(name) not in ("first", "ignore")}
        fragment.constants = (others, fragment.constants)
        if usage:
            fragment.counts = "usage"
            fragment.usage_of = lambda event: chat_usage(event["usage"])
        return fragment

    def counted(self, event: dict[str, Any]) -> None:
        """Take the usage of an event; see :meth:`Reader.counted`."""
        self._usage = event["usage"]

    def _read_choices(self, choices: Any, event: dict[str, Any], payload: bytes) -> Said:
        """Take the choices of an event; what choice 0 said."""
        if not isinstance(choices, list):
            raise ProtocolError(f"an event has choices that are no list: {excerpt(payload)}", payload=payload)
        first = NOTHING
        for entry in choices:
            if not isinstance(entry, dict):
                raise ProtocolError(f"an event has a choice that is no object: {excerpt(payload)}", payload=payload)
            if entry.get("error"):
                raise event_error(entry["error"], event)
            index = choice_index(entry)
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = Choice()
                self._unfinished += 1
            was_finished = choice.finish_reason
            said = choice.add(entry)
            if choice.finish_reason and not was_finished:
                self._unfinished -= 1
                self._gave_up = self._gave_up or choice.finish_reason == "error"
            if index == 0:
                first = said if first is NOTHING else joined(first, said)
        self.complete = self.ended or not self._unfinished
        return first

    def flush(self) -> StreamChunk | None:
        """What was held back, and why the answer ended where no event has said so; once nothing more can come."""
        first = self._choices.get(0)
        if first is None:
            return self._everything()
        text, reasoning, calls = first.flush()
        ending = first.ending(whole=self.complete)
        if not (text or reasoning or calls) and ending == self._ending:
            return None
        self._ending = ending
        return StreamChunk(text, {}, reasoning, calls or None, None, *ending)

    def _everything(self) -> StreamChunk | None:
        """The whole message in one chunk, where the server does not count its choices from 0."""
        if not self._choices or not self.complete or self._ending != (None, None):
            return None
        message = self.answer().message
        self._ending = (message.stop_reason, message.finish_reason)
        return StreamChunk(
            str(message.content),
            {},
            message.reasoning or "",
            [
                ToolCallDelta(position, call.id, call.name, call.arguments_text)
                for position, call in enumerate(message.tool_calls or ())
            ],
            None,
            *self._ending,
        )

    def answer(self) -> Answer:
        """What has arrived so far; see :meth:`Reader.answer`."""
        self._catch_up()
        body = self._fields.result()
        body["object"] = "chat.completion"
        body["choices"] = [self._choices[index].result(index) for index in sorted(self._choices)]
        if self._usage is not None:
            body["usage"] = self._usage
        return make_answer(body, whole=self.complete)

    def close(self) -> Answer:
        """The answer, once the body has ended; see :meth:`Reader.close`.

        Raises:
            StreamError: the stream ended without its end.
            ProtocolError: it had an end and not a single choice, so that there is no answer in it.
        """
        answer = super().close()
        if not answer.original.get("choices"):
            raise ProtocolError("the stream ended without a single choice", payload=answer.original)
        return answer
