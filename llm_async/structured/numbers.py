"""Numbers as they are written: from one JSON text to another without a digit lost on the way.

What belongs here: the text of an answer that was changed before a library reads it. A double has no place for all the digits
that a ``Decimal`` or an ``int`` of Python takes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .._json import dumps_text

__all__ = ["loads_exact", "may_be_long", "text_of"]

# A double holds 15 digits; whole numbers are read as such up to 64 bits.
_LONG = re.compile(r"[0-9.]{16}")


class _Written(float):
    """A number that remembers how it was written."""

    digits: str

    def __new__(cls, digits: str) -> _Written:
        made = super().__new__(cls, digits)
        made.digits = digits
        return made


def may_be_long(text: str) -> bool:
    """Whether there may be a number in a JSON text that a double cannot hold."""
    return _LONG.search(text) is not None


def loads_exact(text: str) -> Any:
    """The value of a JSON text that ``_json.loads`` has read before, for :func:`text_of`."""
    return json.loads(text, parse_float=_Written)


def text_of(value: Any) -> str:
    """The JSON text of a value."""
    if isinstance(value, _Written):
        return value.digits
    if isinstance(value, dict):
        return "{" + ",".join(f"{dumps_text(name)}:{text_of(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    return dumps_text(value)
