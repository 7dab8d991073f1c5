"""The values that callers hold: plain dataclasses, no network."""

from . import parts
from .event import Event
from .limits import Limits, Timeouts
from .message import Message
from .response import ParsedResponse, ParsedStreamingResponse, Response, StreamingResponse
from .response_schema import ResponseSchema, TypedSchema
from .stream_chunk import StreamChunk
from .tool import Tool
from .tool_call import ToolCall, ToolCallDelta
from .usage import Usage

__all__ = [
    "Event",
    "Limits",
    "Message",
    "ParsedResponse",
    "ParsedStreamingResponse",
    "Response",
    "ResponseSchema",
    "StreamChunk",
    "StreamingResponse",
    "Timeouts",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "TypedSchema",
    "Usage",
    "parts",
]
