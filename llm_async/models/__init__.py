"""The values that callers hold: plain dataclasses, no network."""

from .event import Event
from .limits import Limits, Timeouts
from .message import Message
from .response import Response, StreamingResponse
from .response_schema import ResponseSchema
from .stream_chunk import StreamChunk
from .tool import Tool
from .tool_call import ToolCall, ToolCallDelta
from .usage import Usage

__all__ = [
    "Event",
    "Limits",
    "Message",
    "Response",
    "ResponseSchema",
    "StreamChunk",
    "StreamingResponse",
    "Timeouts",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
]
