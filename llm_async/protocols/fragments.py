"""Learning what an event looks like that only goes on with a text, so that the next ones need not be decoded.

What belongs here: from an event that was read, and the reader's word that it was nothing but a further piece of some text, to a
template of :class:`~llm_async._speedups.Fragments`. That a template is right is not argued but tried: its slots are filled
with other values, and what that decodes to must be the event itself with those values in it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from .._json import loads
from .._speedups import Fragments
from ..models import StreamChunk, ToolCallDelta, Usage

__all__ = ["Fragment", "Template", "delta_maker", "template_of"]

# Templates that have proved right, by all that the proof depends on besides the template itself. Answers of one server are so
# much alike that most streams find theirs here.
_PROVED: dict[tuple[Any, ...], Template] = {}
_MOST_PROVED = 256
_LARGEST = 16 * 1024  # bytes of a template that is worth keeping

_TAIL = re.compile(rb"[\]} \t\r\n]*\Z")
_STRING_END = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_PLAIN = re.compile(rb"[ !#-\[\]-~]*")
_DIGITS = re.compile(rb"[0-9]{1,18}(?=[,\]} \t\r\n])")
_COUNT = re.compile(rb'"\w*(?:_tokens|[tT]okenCount)"[ \t\r\n]*:[ \t\r\n]*')
_PROBE = "407"  # what slots are filled with to try a template: it is text as well as a number


@dataclass
class Fragment:
    """An event that was nothing but a further piece of a text, in the words of the reader that has just read it.

    Attributes:
        path: where the text stands in the decoded event.
        field: where it goes in a chunk: ``content``, ``reasoning`` or ``arguments``, or ``""`` where no chunk is made.
        take: takes further texts of this kind; called with several of them joined.
        varying: the fields at the top of the event that mean nothing, or nothing by now, so that they may change.
        counts: the field at the top that holds token counts; they may change too.
        constants: what else the event says that would be said again; events that differ in it are not read side by side.
        make_delta: for ``arguments``, makes the tool call delta of a text.
        usage_of: makes the usage of a chunk of its decoded event, where the event has counts.
    """

    path: tuple[str | int, ...]
    field: str
    take: Callable[[str], Any]
    varying: Collection[str] = ()
    counts: str | None = None
    constants: Any = None
    make_delta: Callable[[str], ToolCallDelta] | None = None
    usage_of: Callable[[dict[str, Any]], Usage | None] | None = None


class Template(NamedTuple):
    """An event with slots; see :meth:`~llm_async._speedups.Fragments.add`."""

    literals: list[bytes]
    slots: str
    tail: bytes


class _Slot(NamedTuple):
    start: int
    end: int
    kind: str


def delta_maker(index: int, id: str | None, name: str | None) -> Callable[[str], ToolCallDelta]:
    """What makes the deltas of one tool call."""
    return lambda text: ToolCallDelta(index, id, name, text)


def template_of(payload: bytes, event: dict[str, Any], fragment: Fragment) -> Template | None:
    """The template of an event that was a fragment; None where no slots were found that prove right.

    Args:
        payload: the event.
        event: the same decoded. It is changed.
        fragment: what it was.
    """
    passed_over = [*fragment.varying, *([fragment.counts] if fragment.counts else [])]
    proof = (fragment.path, *sorted(passed_over))
    template = _PROVED.get(proof)
    if template is None or not _matches(template, payload):
        template = _prove(payload, event, fragment, passed_over)
        if template is not None:
            if len(_PROVED) >= _MOST_PROVED:
                _PROVED.clear()
            _PROVED[proof] = template
    return template


def _matches(template: Template, payload: bytes) -> bool:
    fragments = Fragments(StreamChunk)
    fragments.add(*template, "", len)
    return bool(fragments.read([payload], 0, []) == 1)


def _prove(payload: bytes, event: dict[str, Any], fragment: Fragment, passed_over: Collection[str]) -> Template | None:
    expected = _without(event, fragment.path, passed_over)
    varying = [slot for name in fragment.varying for slot in _values_of(payload, name)]
    if fragment.counts:
        varying += _counts(payload)
    for text in _texts(payload, str(fragment.path[-1])):
        for others in (varying, []) if varying else ([],):
            slots = sorted([text, *others])
            if all(before.end <= slot.start for before, slot in pairwise(slots)):
                template = _cut(payload, slots)
                if sum(map(len, template.literals)) <= _LARGEST and _holds(
                    template, expected, fragment.path, passed_over
                ):
                    return template
    return None


def _cut(payload: bytes, slots: list[_Slot]) -> Template:
    tail = _TAIL.search(payload, slots[-1].end)
    assert tail is not None
    edges = [0, *(edge for slot in slots for edge in (slot.start, slot.end)), tail.start()]
    literals = [payload[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return Template(literals, "".join(slot.kind for slot in slots), tail.group().translate(None, b" \t\r\n"))


def _holds(template: Template, expected: Any, path: tuple[str | int, ...], passed_over: Collection[str]) -> bool:
    """Whether the event with other values in its slots is the same event with another text."""
    try:
        other = loads(_PROBE.encode().join(template.literals) + template.tail)
        return bool(_text_at(other, path) == _PROBE and _without(other, path, passed_over) == expected)
    except (ValueError, LookupError, TypeError):
        return False


def _without(event: dict[str, Any], path: tuple[str | int, ...], names: Collection[str]) -> dict[str, Any]:
    """The event without its text and without the named fields, though their names still stand there."""
    holder: Any = event
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = None
    return {name: None if name in names else value for name, value in event.items()}


def _text_at(event: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        event = event[step]
    return event


# --- places where slots may be


@functools.lru_cache
def _key(name: str) -> re.Pattern[bytes]:
    return re.compile(rb'"%b"[ \t\r\n]*:[ \t\r\n]*' % re.escape(name.encode("utf-8", "surrogatepass")))


def _texts(payload: bytes, name: str) -> Iterator[_Slot]:
    """The strings that stand behind a name."""
    for key in _key(name).finditer(payload):
        if payload.startswith(b'"', key.end()):
            body = _STRING_END.match(payload, key.end() + 1)
            assert body is not None
            yield _Slot(body.start(), body.end(), "t")


def _values_of(payload: bytes, name: str) -> list[_Slot]:
    """The one value behind a name, where it is a plain string or an integer."""
    keys = list(_key(name).finditer(payload))
    if len(keys) != 1:
        return []
    start = keys[0].end()
    if payload.startswith(b'"', start):
        body = _PLAIN.match(payload, start + 1)
        assert body is not None
        return [_Slot(body.start(), body.end(), "s")] if payload.startswith(b'"', body.end()) else []
    return _digits(payload, start)


def _digits(payload: bytes, start: int) -> list[_Slot]:
    found = _DIGITS.match(payload, start)
    return [_Slot(found.start(), found.end(), "d")] if found is not None else []


def _counts(payload: bytes) -> list[_Slot]:
    """The numbers of tokens, which are named like that by every API."""
    return [slot for name in _COUNT.finditer(payload) for slot in _digits(payload, name.end())]
