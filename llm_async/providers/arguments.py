"""The types of what callers hand over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

from ..models import Message, ResponseSchema, Timeouts, Tool
from .headers import HeaderLayer

__all__ = ["Deadlines", "Headers", "Messages", "Schema", "Tools"]

Messages = Sequence[Union[Message, Mapping[str, Any]]]
Tools = Iterable[Union[Tool, Mapping[str, Any]]]
Schema = Union[ResponseSchema, Mapping[str, Any]]
Headers = HeaderLayer
#: A bare number is the total, in seconds.
Deadlines = Union[Timeouts, float]
