"""Events that only go on with a text: what they have in common, and the chunks that are made of them.

Nearly every event of a stream says the same as the one before it, but for the text and a few numbers. A template is such an
event with slots in it. An event that equals it outside of the slots, and has in each slot what may stand there, is the same
JSON with another text; it says the same with another text, and need not be decoded to know that.

What may stand in a slot:

``t``  a text: the inside of a JSON string that holds valid Unicode. The text is what the event is read for.
``s``  the inside of a JSON string of printable ASCII without escapes; it is passed over.
``d``  the digits of an integer of JSON, at most 18; they are passed over.

Behind the last slot blanks between the closing brackets are passed over too: Anthropic pads its events with them.

This is the plain twin of ``_speedups/fragments_c.pyx``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .._json import loads

__all__ = ["Chunk", "Fragments"]

_SLOTS = {
    "t": re.compile(rb'[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*'),
    "s": re.compile(rb"[ !#-\[\]-~]*"),
    "d": re.compile(rb"0|[1-9][0-9]{0,17}"),
}
_BLANKS = b" \t\r\n"
_MOST = 4  # templates at a time: as many texts may grow in turns


class Chunk:
    """What a :class:`~llm_async.models.StreamChunk` holds, without being a dataclass.

    ``original`` may be given as bytes and is decoded when somebody looks at it; so is the usage of a chunk that was made of a
    template.
    """

    __slots__ = (
        "_original", "_tool_call_deltas", "_usage", "_usage_of", "content", "finish_reason", "reasoning", "stop_reason",
    )  # fmt: skip

    content: Any
    reasoning: Any
    stop_reason: Any
    finish_reason: Any

    def __init__(
        self,
        content: str | None,
        original: Any,
        reasoning: str = "",
        tool_call_deltas: list[Any] | None = None,
        usage: Any = None,
        stop_reason: str | None = None,
        finish_reason: str | None = None,
    ) -> None:
        self.content = content
        self._original = original
        self.reasoning = reasoning
        self._tool_call_deltas = tool_call_deltas
        self._usage = usage
        self._usage_of: Callable[[Any], Any] | None = None
        self.stop_reason = stop_reason
        self.finish_reason = finish_reason

    @property
    def delta(self) -> str:
        """The text, never None."""
        return self.content or ""

    @property
    def original(self) -> Any:
        if isinstance(self._original, bytes):
            self._original = loads(self._original)
        return self._original

    @original.setter
    def original(self, value: Any) -> None:
        self._original = value

    @property
    def tool_call_deltas(self) -> Any:
        if self._tool_call_deltas is None:
            self._tool_call_deltas = []
        return self._tool_call_deltas

    @tool_call_deltas.setter
    def tool_call_deltas(self, value: Any) -> None:
        self._tool_call_deltas = value

    @property
    def usage(self) -> Any:
        if self._usage_of is not None:
            usage_of, self._usage_of = self._usage_of, None
            self._usage = usage_of(self.original)
        return self._usage

    @usage.setter
    def usage(self, value: Any) -> None:
        self._usage_of = None
        self._usage = value


class _Template:
    """One kind of event; the arguments are those of :meth:`Fragments.add`."""

    __slots__ = ("field", "literals", "make_delta", "pieces", "slots", "tail", "take", "usage_of")

    def __init__(
        self,
        literals: list[bytes],
        slots: str,
        tail: bytes,
        field: str,
        take: Callable[[str], Any],
        make_delta: Callable[[str], Any] | None,
        usage_of: Callable[[Any], Any] | None,
    ) -> None:
        self.literals = literals
        self.slots = slots
        self.tail = tail
        self.field = field
        self.take = take
        self.make_delta = make_delta
        self.usage_of = usage_of
        self.pieces: list[str] = []  # texts that were read and not yet taken

    def text_of(self, payload: bytes) -> bytes | None:
        """The inside of the text's string, or None where the event is another."""
        position = 0
        text = b""
        for literal, slot in zip(self.literals, self.slots, strict=False):
            if not payload.startswith(literal, position):
                return None
            found = _SLOTS[slot].match(payload, position + len(literal))
            if found is None:
                return None
            position = found.end()
            if slot == "t":
                text = found.group()
        if not payload.startswith(self.literals[-1], position):
            return None
        rest = payload[position + len(self.literals[-1]) :]
        return text if rest.translate(None, _BLANKS) == self.tail else None


class Fragments:
    """Reads the events that templates were made of.

    Args:
        chunk_type: the class of the chunks, derived from :class:`Chunk`.

    Attributes:
        known: the event at which :meth:`read` stopped is one of a template, with a text that says nothing new by itself
            (``""``) or must be looked at (a ``{`` at the beginning of a tool call's arguments).
    """

    __slots__ = ("_chunk_type", "_last", "_templates", "known")

    def __init__(self, chunk_type: type[Chunk]) -> None:
        self._chunk_type = chunk_type
        self._templates: list[_Template] = []  # the one that was used last comes first
        self.known = False
        self._last: bytes | None = None

    def __len__(self) -> int:
        return len(self._templates)

    def clear(self) -> None:
        """Forget the templates: an event has said something else, and what they say may have changed its meaning."""
        self._templates.clear()

    def take_last(self) -> bytes | None:
        """The last event that was read for a template with ``usage_of`` since this was asked for, or None."""
        last, self._last = self._last, None
        return last

    def add(
        self,
        literals: list[bytes],
        slots: str,
        tail: bytes,
        field: str,
        take: Callable[[str], Any],
        make_delta: Callable[[str], Any] | None = None,
        usage_of: Callable[[Any], Any] | None = None,
    ) -> None:
        """Make a template.

        Args:
            literals: what stands before, between and behind the slots: one more than there are slots.
            slots: a letter for each slot, ``t`` exactly once.
            tail: the closing brackets behind the last literal.
            field: where the text goes: ``content``, ``reasoning`` or ``arguments``, or ``""`` where no chunk is made.
            take: called with texts of this template, several of them joined.
            make_delta: for ``arguments``, makes the tool call delta of a text.
            usage_of: makes the chunk's usage of its decoded event, when somebody asks.
        """
        if len(literals) != len(slots) + 1 or slots.count("t") != 1 or set(slots) - _SLOTS.keys():
            raise ValueError("a template has one text, and literals around its slots")
        self._templates.insert(0, _Template(literals, slots, tail, field, take, make_delta, usage_of))
        del self._templates[_MOST:]

    def read(self, payloads: list[bytes], start: int, chunks: Any) -> int:
        """Read events from ``start`` on, as far as templates go; the place of the first that is none of theirs.

        Args:
            payloads: the events.
            start: the place of the first one to read.
            chunks: gets the chunks, by ``extend``.
        """
        made: list[Chunk] = []
        used: _Template | None = None
        self.known = False
        while start < len(payloads):
            payload = payloads[start]
            template, text = self._find(payload)
            if template is None or text is None:
                break
            if template is not used:
                _hand_over(used)
                used = template
            template.pieces.append(text)
            if template.usage_of is not None:
                self._last = payload
            if template.field:
                made.append(self._chunk(template, payload, text))
            start += 1
        _hand_over(used)
        chunks.extend(made)
        return start

    def _find(self, payload: bytes) -> tuple[_Template | None, str | None]:
        """The template of an event, and its text where it can be read here."""
        if type(payload) is bytes:
            for template in self._templates:
                body = template.text_of(payload)
                if body is None:
                    continue
                if template is not self._templates[0]:
                    self._templates.remove(template)
                    self._templates.insert(0, template)
                text = _decoded(body)
                if text is not None and (not text or (template.field == "arguments" and text[0] == "{")):
                    self.known = True
                    text = None
                return template, text
        return None, None

    def _chunk(self, template: _Template, payload: bytes, text: str) -> Chunk:
        if template.field == "content":
            chunk = self._chunk_type(text, payload)
        elif template.field == "reasoning":
            chunk = self._chunk_type("", payload, text)
        else:
            assert template.make_delta is not None
            chunk = self._chunk_type("", payload, "", [template.make_delta(text)])
        chunk._usage_of = template.usage_of
        return chunk


def _hand_over(template: _Template | None) -> None:
    """Give what was read to whom it belongs."""
    if template is not None:
        template.take("".join(template.pieces))
        template.pieces.clear()


def _decoded(body: bytes) -> str | None:
    """The text of the inside of a JSON string; None where it is none, or is no valid Unicode."""
    try:
        text = body.decode() if b"\\" not in body else loads(b'"' + body + b'"')
        text.encode()
    except ValueError:
        return None
    return text
