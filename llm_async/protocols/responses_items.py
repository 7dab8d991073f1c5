"""Output items of the Responses API while they stream.

What belongs here: the items, the texts that they are made of, and the question which item an event is about. What events
there are, and what is handed over to the caller, is ``responses_reader.py``'s knowledge.

An item is known by its ``output_index`` and its type, not by its id: proxies leave ids out, or give each event another
one. Where one index is used for several items, the id decides between those that are open.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .responses_answer import item_said, item_tool_call
from .text import TextBuffer

__all__ = ["ARGUMENTS", "CALLS", "INPUT", "REFUSAL", "SUMMARY", "TEXT", "THOUGHT", "Channel", "Item", "Items", "Part"]


class Channel(NamedTuple):
    """A kind of text that arrives in pieces."""

    item: str  # the type of the items that have it
    place: str  # the field of the item that it ends in
    part: str  # the type of the parts there; "" where the field is the text itself
    field: str  # the field of a part, and of a ``.done`` event, that holds the text
    number: str  # the field of an event that numbers the parts


TEXT = Channel("message", "content", "output_text", "text", "content_index")
REFUSAL = Channel("message", "content", "refusal", "refusal", "content_index")
SUMMARY = Channel("reasoning", "summary", "summary_text", "text", "summary_index")
THOUGHT = Channel("reasoning", "content", "reasoning_text", "text", "content_index")
ARGUMENTS = Channel("function_call", "arguments", "", "arguments", "")
INPUT = Channel("custom_tool_call", "input", "", "input", "")

CALLS = {ARGUMENTS.item: ARGUMENTS, INPUT.item: INPUT}


class Part:
    """One text of an item.

    Attributes:
        channel: what kind of text it is.
        buffer: its deltas.
        final: its whole text, once an event has said it.
        fields: what else is known of the part: annotations, logprobs.
    """

    __slots__ = ("_given", "_item", "buffer", "channel", "fields", "final")

    def __init__(self, item: Item, channel: Channel) -> None:
        # The item holds its parts; a strong reference back would keep both until a garbage collection.
        self._item = weakref.ref(item)
        self._given = item.given
        self.channel = channel
        self.buffer = TextBuffer()
        self.final: str | None = None
        self.fields: dict[str, Any] = {}

    @property
    def item(self) -> Item:
        """The item that it is a part of; whoever has a part has the items too."""
        item = self._item()
        assert item is not None
        return item

    def take(self, text: str) -> None:
        """Take a further text that is handed over as it is."""
        self.buffer.append(text)
        self._given.append(text)

    def text(self) -> str:
        """The text as far as it is known."""
        return self.buffer.value() if self.final is None else self.final

    def built(self) -> dict[str, Any]:
        """The part as it stands in a whole item."""
        fields = {"annotations": [], **self.fields} if self.channel is TEXT else self.fields
        return {**fields, "type": self.channel.part, self.channel.field: self.text()}


class Item:
    """One output item.

    Attributes:
        type: its type.
        index: its ``output_index``.
        snapshot: the item as the server has described it.
        done: the server has said that it is whole.
        parts: its texts, by the field that they end in, their number there, and their type.
        given: what was handed over of it.
        visible: which of the two kinds of reasoning is handed over, once one has come.
        place: a call's place among the calls of the answer.
        call: a call's id and name as the caller sees them, and its call id, as far as they are known.
        announced: the id and name that were handed over.
    """

    __slots__ = (
        "__weakref__", "announced", "call", "done", "given", "index", "parts", "place", "snapshot", "type", "visible",
    )  # fmt: skip

    def __init__(self, type: str, index: int) -> None:
        self.type = type
        self.index = index
        self.snapshot: dict[str, Any] = {}
        self.done = False
        self.parts: dict[tuple[str, int, str], Part] = {}
        self.given = TextBuffer()
        self.visible: Channel | None = None
        self.place = -1
        self.call: tuple[str | None, str | None, str] = (None, None, "")
        self.announced: tuple[str | None, str | None] = (None, None)

    @property
    def id(self) -> Any:
        return self.snapshot.get("id")

    def part(self, channel: Channel, number: Any) -> Part:
        """The text of a kind and number, a new one if need be."""
        key = _key(channel, number)
        part = self.parts.get(key)
        if part is None:
            part = self.parts[key] = Part(self, channel)
        return part

    def has_part(self, channel: Channel, number: Any) -> bool:
        """Whether a text of that kind and number has begun."""
        return _key(channel, number) in self.parts

    def said(self) -> str:
        """What was handed over of it."""
        return self.given.value()

    def describe(self, item: Mapping[str, Any]) -> None:
        """Take what the server says of the item as a whole."""
        self.snapshot = {**self.snapshot, **item}
        if self.type in CALLS:
            call = item_tool_call({**self.snapshot, "type": self.type, CALLS[self.type].place: None})
            assert call is not None
            self.call = (call.id or None, call.name or None, call.call_id)

    def built(self) -> dict[str, Any]:
        """The item as a response that was not streamed has it."""
        if self.done and (item_said(self.snapshot) or not self.parts):
            return self.snapshot
        item: dict[str, Any] = {"type": self.type, **self.snapshot}
        if self.type == "message":
            item.setdefault("role", "assistant")
        lists: dict[str, list[dict[str, Any]]] = {}
        for (place, _, _), part in sorted(self.parts.items(), key=lambda entry: entry[0][:2]):
            if part.channel.part:
                lists.setdefault(place, []).append(part.built())
            elif part.text():
                item[place] = part.text()
        return {**item, **lists}


def _key(channel: Channel, number: Any) -> tuple[str, int, str]:
    return channel.place, number if isinstance(number, int) else 0, channel.part


class Items:
    """All items of one response, in order of first appearance.

    Attributes:
        calls: those that are calls; a call's ``place`` is its place here.
    """

    def __init__(self) -> None:
        self._items: list[Item] = []
        self.calls: list[Item] = []

    def __bool__(self) -> bool:
        return bool(self._items)

    def __iter__(self) -> Iterator[Item]:
        """The items in the order of the response."""
        return iter(sorted(self._items, key=lambda item: item.index))

    def said(self, type: str) -> str:
        """What was handed over of all items of a type."""
        return "".join(item.said() for item in self if item.type == type)

    def open(self, type: str, index: Any) -> list[Item]:
        """The items of a type that are not done; ``index`` None: at any index."""
        return [
            item
            for item in self._items
            if not item.done and item.type == type and (not isinstance(index, int) or item.index == index)
        ]

    def find(self, type: str, index: Any, id: Any) -> Item | None:
        """The open item of a type that an event with this index and id is about, or None."""
        found = self.open(type, index)
        if len(found) == 1:
            return found[0]
        # Several at one index; or none, and then it may be one that has another index in other events.
        among = found or self.open(type, None)
        return next((item for item in among if id and item.id == id), found[-1] if found else None)

    def find_done(self, type: str, index: Any) -> Item | None:
        """The latest item of a type at an index, if it is done."""
        for item in reversed(self._items):
            if item.type == type and (not isinstance(index, int) or item.index == index):
                return item if item.done else None
        return None

    def add(self, type: str, index: Any) -> Item:
        """A new item; without an index it has that of the item before it."""
        if not isinstance(index, int):
            index = self._items[-1].index if self._items else 0
        item = Item(type, index)
        self._items.append(item)
        if type in CALLS:
            item.place = len(self.calls)
            self.calls.append(item)
        return item
