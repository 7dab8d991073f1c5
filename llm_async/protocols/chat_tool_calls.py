"""The tool calls of a streamed message: pieces of ``delta.tool_calls`` in, deltas for the caller and whole calls out.

Which call a piece belongs to is decided by the :class:`~llm_async._speedups.ToolCallAccumulator`; what belongs here is how
a piece looks on this wire.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from .._speedups import DeltaMerger, ToolCallAccumulator
from ..models import ToolCallDelta
from .chat_answer import arguments_text, as_index, called_function
from .fragments import Fragment, delta_maker
from .text import repair

__all__ = ["ToolCalls"]

# Whatever else a call has goes back with it, such as Gemini's signature in ``extra_content``.
_RULES = dict.fromkeys(("arguments", "custom", "function", "id", "index", "name", "type"), "ignore")


class _Call:
    """What is known of one call besides its arguments."""

    __slots__ = ("held", "id", "kind", "made_up_id", "name", "rest")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.id: str | None = None
        self.name: str | None = None
        self.rest = DeltaMerger(_RULES)
        self.held = ""  # the first half of a surrogate pair, at the end of the arguments so far
        self.made_up_id = ""  # what an unnamed call is called, once somebody asked


class ToolCalls:
    """Collects the calls of one message."""

    def __init__(self) -> None:
        self._accumulator = ToolCallAccumulator()
        self._calls: list[_Call] = []  # in the accumulator's order, which is that of first appearance
        self._positions: dict[int, int] = {}  # which call an index stands for
        self._ids: dict[str, int] = {}  # which call an id stands for

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, entries: Any) -> list[ToolCallDelta]:
        """Take the ``tool_calls`` of one delta."""
        if isinstance(entries, dict):
            entries = [entries]
        if not isinstance(entries, list):
            return []
        deltas = []
        for place, entry in enumerate(entries):
            if isinstance(entry, dict):
                # Where several calls have no index, their places in the list are all there is to tell them apart.
                delta = self._add(entry, place if len(entries) > 1 else None)
                if delta is not None:
                    deltas.append(delta)
        return deltas

    def _add(self, entry: dict[str, Any], place: int | None) -> ToolCallDelta | None:
        index = as_index(entry.get("index"))
        if index is None:
            index = place
        kind, name, arguments = called_function(entry)
        fragment = arguments if isinstance(arguments, str) else arguments_text(arguments)
        id_ = str(entry["id"]) if entry.get("id") else None
        position = None if index is None else self._positions.get(index)
        if position is not None and id_ and self._calls[position].id != id_:
            # Another call of the same index, if that is whose id it is.
            position = self._ids.get(id_, position)
        if position is not None and not name:
            # The common case. A new id without a name does not begin a call: vLLM once gave each fragment its own.
            self._accumulator.extend(position, fragment)
        elif id_ or name or fragment:
            position = self._accumulator.feed(index, id_, name, fragment)
            if position == len(self._calls):
                self._calls.append(_Call(kind))
            if index is not None:
                self._positions[index] = position
        else:
            return None
        call = self._calls[position]
        if id_ and not call.id:
            call.id = id_
            self._ids[id_] = position
        call.name = call.name or name or None
        if len(entry) > 2 or "function" not in entry:
            call.rest.merge(entry)
        if self._accumulator.repeated:
            fragment = ""
        if call.held or not fragment.isascii():
            fragment = _valid(call, fragment)
        return ToolCallDelta(position, call.id, call.name, fragment)

    def fragment(self, entry: Any) -> Fragment | None:
        """What a ``tool_calls`` of one entry has just said, if it was nothing but a piece of a known call's arguments."""
        function = entry.get("function") if isinstance(entry, dict) else None
        if not isinstance(function, dict) or entry.keys() - {"index", "id", "type", "function"}:
            return None
        index = as_index(entry.get("index"))
        position = None if index is None else self._positions.get(index)
        if position is None or self._calls[position].held or function.get("name"):
            return None
        call = self._calls[position]
        if not isinstance(function.get("arguments"), str) or str(entry.get("id") or call.id) != call.id:
            return None
        return Fragment(
            ("tool_calls", 0, "function", "arguments"),
            "arguments",
            partial(self._accumulator.extend, position),
            make_delta=delta_maker(position, call.id, call.name),
        )

    def flush(self) -> list[ToolCallDelta]:
        """What was held back for want of its other half, once nothing more can come."""
        deltas = []
        for position, call in enumerate(self._calls):
            if call.held:
                call.held = ""
                deltas.append(ToolCallDelta(position, call.id, call.name, "\ufffd"))
        return deltas

    def result(self) -> list[dict[str, Any]]:
        """The calls so far, as a message that was not streamed has them."""
        return [
            self._whole(call, arguments)
            for call, (_, _, arguments) in zip(self._calls, self._accumulator.calls(), strict=True)
        ]

    def _whole(self, call: _Call, arguments: str) -> dict[str, Any]:
        if not call.id and not call.made_up_id:
            call.made_up_id = f"call_{uuid4().hex[:24]}"
        field = "input" if call.kind == "custom" else "arguments"
        return {
            "id": call.id or call.made_up_id,
            "type": call.kind,
            call.kind: {"name": call.name or "", field: arguments},
            **call.rest.result(),
        }


def _valid(call: _Call, fragment: str) -> str:
    """The part of a fragment that is valid Unicode by now."""
    fragment = call.held + fragment
    call.held = ""
    if "\ud800" <= fragment[-1] <= "\udbff":
        call.held = fragment[-1]
        fragment = fragment[:-1]
    return repair(fragment)
