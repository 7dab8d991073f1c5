"""A topic with a payload and a time: kept for programs that import it; the library itself does not use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Event"]


@dataclass
class Event:
    """A dated payload under a topic."""

    topic: str
    payload: dict[str, Any]
    timestamp: datetime
