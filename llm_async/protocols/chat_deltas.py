"""Fields of a streamed message whose pieces need more than one rule: content in parts, reasoning details, audio.

What belongs here: one class per such field, pieces in, the field of a message that was not streamed out. Tool calls have a
module of their own; plain fields are the DeltaMerger's.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from .._speedups import DeltaMerger

__all__ = ["Audio", "ContentParts", "ReasoningDetails"]


class ContentParts:
    """``content`` that comes as lists of parts (Mistral): neighbours of one kind are one part."""

    _JOINED = ("text", "thinking")

    def __init__(self) -> None:
        self._parts: list[tuple[Any, DeltaMerger, ContentParts]] = []

    def add(self, part: Any) -> None:
        """Take a piece of a part; a bare text is a piece of a text part."""
        if isinstance(part, str):
            part = {"type": "text", "text": part}
        if not isinstance(part, dict):
            return
        kind = part.get("type")
        if not self._parts or self._parts[-1][0] != kind or kind not in self._JOINED:
            self._parts.append((kind, DeltaMerger({"text": "join", "thinking": "join"}), ContentParts()))
        _, fields, inner = self._parts[-1]
        thinking = part.get("thinking")
        if isinstance(thinking, list):
            # A thinking part holds text parts of its own.
            part = {**part, "thinking": None}
            for piece in thinking:
                inner.add(piece)
        fields.merge(part)

    def result(self) -> list[dict[str, Any]]:
        """The parts so far."""
        parts = []
        for _, fields, inner in self._parts:
            part = fields.result()
            if inner:
                part["thinking"] = inner.result()
            parts.append(part)
        return parts

    def __bool__(self) -> bool:
        return bool(self._parts)


class ReasoningDetails:
    """``reasoning_details`` (OpenRouter and gateways): an item's pieces have its ``index`` and its ``type``.

    The type counts because a summary and the encrypted form of the same reasoning both have index 0 (xAI, Gemini); the id
    counts where both pieces have one. ``signature`` comes late, after an empty one.
    """

    _RULES = {
        "type": "first",
        "format": "first",
        "id": "first",
        "index": "first",
        "text": "join",
        "summary": "join",
        "data": "join",
    }

    def __init__(self) -> None:
        self._items: list[DeltaMerger | Any] = []
        self._latest: dict[tuple[Any, Any], int] = {}  # the place of the last item of an index and type
        self._ids: dict[int, Any] = {}
        self._last_key: tuple[Any, Any] | None = None

    def add(self, detail: Any) -> None:
        """Take a piece of an item."""
        if not isinstance(detail, dict):
            self._items.append(detail)
            return
        index, kind, id_ = detail.get("index"), detail.get("type"), detail.get("id")
        key = (index if isinstance(index, int) else None, kind if isinstance(kind, str) else None)
        place = self._latest.get(key)
        if key[0] is None and key != self._last_key:
            # Without an index only neighbours belong together.
            place = None
        if place is None or (id_ and self._ids.get(place) not in (None, id_)):
            place = len(self._items)
            self._items.append(DeltaMerger(self._RULES))
            self._latest[key] = place
        if id_:
            self._ids.setdefault(place, id_)
        self._last_key = key
        if detail.get("signature") == "":
            detail = {name: value for name, value in detail.items() if name != "signature"}
        self._items[place].merge(detail)

    def result(self) -> list[Any]:
        """The items so far, in order of first appearance."""
        return [item.result() if isinstance(item, DeltaMerger) else item for item in self._items]


class Audio:
    """``audio``: the id comes once, the transcript and the base64 data in pieces, each piece encoded by itself."""

    def __init__(self) -> None:
        self._fields = DeltaMerger({"id": "first", "transcript": "join", "data": "ignore"})
        self._data: list[str] = []

    def add(self, piece: Mapping[str, Any]) -> None:
        """Take a piece."""
        self._fields.merge(dict(piece))
        data = piece.get("data")
        if isinstance(data, str):
            self._data.append(data)

    def result(self) -> dict[str, Any]:
        """The field so far."""
        result = self._fields.result()
        if self._data:
            result["data"] = _joined_base64(self._data)
        return result


def _joined_base64(pieces: list[str]) -> str:
    try:
        return b64encode(b"".join(b64decode(piece, validate=True) for piece in pieces)).decode("ascii")
    except ValueError:
        # Pieces of one encoding, cut anywhere.
        return "".join(pieces)
