"""The common shape of every protocol: a Call goes in, a WireRequest comes out; a Reader folds the answer.

What belongs here: values and the two base classes. No wire word of any provider, no network, no event loop: a protocol
can be used with any HTTP library.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

from .._json import loads
from .._speedups import Fragments
from ..errors import ProtocolError, StreamError
from ..models import Message, ResponseSchema, StreamChunk, Tool, ToolCall, ToolCallDelta, Usage
from .fragments import Fragment, template_of

if TYPE_CHECKING:
    from .embeddings import EmbeddingForm
    from .model_lists import ModelList
    from .token_counts import TokenCounting

__all__ = ["Answer", "Call", "Protocol", "Reader", "ResultContent", "WireRequest"]

#: What a tool gave back: a text, or content parts in the form of any API.
ResultContent = Union[str, list[dict[str, Any]]]

# When an event was no fragment, or gave no template, twice as many events as the last time are read before one is looked at
# again: a stream of nothing but odd events pays next to nothing for that.
_LONGEST_PAUSE = 63


@dataclass
class Call:
    """One request, before any provider's words.

    Attributes:
        model: name of the model; None where the API can do without.
        messages: the conversation as dicts, each in the Chat form or in the API's own.
        stream: whether the answer is wanted as a stream.
        tools: what :meth:`Protocol.format_tools` made of the tools, or None.
        tool_choice: ``"auto"``, ``"required"``, ``"none"``, a tool's name, or the API's own form; None sends nothing.
        response_schema: the schema that the answer has to follow, or None.
        options: what ``options.py`` has words for, and further fields of the request, sent as given.
        extra_body: fields that win over everything, sent as given.
    """

    model: str | None
    messages: list[dict[str, Any]]
    stream: bool = False
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any = None
    response_schema: ResponseSchema | None = None
    options: dict[str, Any] = field(default_factory=dict)
    extra_body: dict[str, Any] = field(default_factory=dict)


@dataclass
class WireRequest:
    """What to send: ``path`` follows the base URL and begins with a slash; ``body`` becomes JSON."""

    path: str
    body: dict[str, Any]
    method: str = "POST"


@dataclass
class Answer:
    """A whole answer, read. ``original`` is the body as the API sends it when it does not stream."""

    message: Message
    original: dict[str, Any]
    usage: Usage | None = None
    id: str | None = None
    model: str | None = None


class Protocol(ABC):
    """One wire format. Stateless: one object serves every call."""

    @abstractmethod
    def request(self, call: Call) -> WireRequest:
        """The request of a call.

        Raises:
            ValueError, TypeError: for what cannot be said, naming the argument.
            UnsupportedError: for what this API has no place for.
        """

    @abstractmethod
    def read(self, body: dict[str, Any]) -> Answer:
        """A whole answer from the decoded body of a 200.

        Raises:
            APIStatusError: the body is an error in disguise.
            ProtocolError: the body is not what the API sends.
        """

    @abstractmethod
    def reader(self) -> Reader:
        """A fresh reader for one streamed answer."""

    @abstractmethod
    def format_tools(self, tools: Iterable[Tool | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Tools as the request carries them; mappings in the API's own form pass through unchanged."""

    @abstractmethod
    def tool_result(self, call: ToolCall, content: ResultContent, *, is_error: bool = False) -> dict[str, Any]:
        """The message that hands a tool's result back to the model: a text, or a list of content parts of any API."""

    def read_body(self, body: bytes) -> Answer:
        """A whole answer from the bytes of a 200; see :meth:`read`."""
        return self.read(decode_object(body))

    # What the API offers beside chat; None where it does not. Imported when asked for: most programs only chat.

    def model_list(self) -> ModelList | None:
        """How the API lists its models."""
        return None

    def embeddings(self) -> EmbeddingForm | None:
        """How the API embeds."""
        return None

    def token_counting(self) -> TokenCounting | None:
        """How the API counts the tokens of a request."""
        return None


class Reader(ABC):
    """Folds one streamed answer: events in, chunks out, and at the end the same Answer that no stream would have given.

    Attributes:
        complete: the API's sign that the answer is whole has been seen; what follows is extra.
        ended: nothing more is to come.
    """

    #: Events that say nothing to the caller may be fragments too.
    _learns_of_silence = False

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.complete = False
        self.ended = False
        self._whole: Answer | None = None
        self._fragments = Fragments(StreamChunk)  # what was learnt of the events of this stream
        self._constants: Any = None  # what all events say that templates were made of
        self._pause = 0  # how many events to read before one is learnt from, and how many it were the last time
        self._last_pause = 0

    def feed_all(self, payloads: list[bytes], chunks: deque[StreamChunk]) -> None:
        """Take the data of several events; their chunks are added to ``chunks``, also to those before an error.

        Most events of a stream only go on with a text. They are read by what an earlier one has taught, without being
        decoded; see :mod:`.fragments`.

        Raises:
            LLMError: as :meth:`feed`.
        """
        fragments, place = self._fragments, 0
        while True:
            if len(fragments):
                place = fragments.read(payloads, place, chunks)
            if place == len(payloads):
                return
            payload, known = payloads[place], fragments.known
            self._catch_up()
            chunk = self.feed(payload)
            place += 1
            if chunk is not None:
                chunks.append(chunk)
            if not known:
                self._learn(payload, chunk)

    def _learn(self, payload: bytes, chunk: StreamChunk | None) -> None:
        """Have the next events read by this one's example, if it was no more than a piece of a text."""
        silent = chunk is None and not self._learns_of_silence
        if silent or (chunk is not None and chunk.finish_reason) or self.complete or self._pause:
            self._pause = max(0, self._pause - 1)
            self._fragments.clear()
            return
        event = decode_object(payload) if payload.startswith(b"{") else {}
        fragment = self.fragment(event, chunk)
        template = None if fragment is None else template_of(payload, event, fragment)
        if fragment is None or fragment.constants != self._constants:
            self._fragments.clear()
        if fragment is None or template is None:
            self._pause = self._last_pause = min(2 * self._last_pause + 1, _LONGEST_PAUSE)
            return
        self._last_pause = 0
        self._constants = fragment.constants
        self._fragments.add(*template, fragment.field, fragment.take, fragment.make_delta, fragment.usage_of)

    def _catch_up(self) -> None:
        """Take the token counts of the last event that was not decoded; those before it have been overtaken."""
        last = self._fragments.take_last()
        if last is not None:
            self.counted(decode_object(last))

    def counted(self, event: dict[str, Any]) -> None:
        """Take the token counts of an event, of which nothing else is new."""
        raise NotImplementedError

    def fragment(self, event: dict[str, Any], chunk: StreamChunk | None) -> Fragment | None:
        """What the event that was just read was, if it was nothing but a further piece of a text.

        That means: were the same event to come once more with another text, the text would be all that changed here.

        Args:
            event: the event, decoded for this purpose.
            chunk: what was made of it; None only where :attr:`_learns_of_silence`.
        """
        return None

    def feed(self, payload: bytes) -> StreamChunk | None:
        """Take the data of one event; the chunk for the caller, or None when the event says nothing to them.

        Raises:
            APIStatusError: the event is an error.
            ProtocolError: the event is not what the API sends.
        """
        if payload.startswith(b"[DONE]"):
            self.complete = self.ended = True
            return self.flush()
        return self.event(decode_object(payload), payload)

    @abstractmethod
    def event(self, event: dict[str, Any], payload: bytes) -> StreamChunk | None:
        """Take one decoded event; see :meth:`feed`."""

    @abstractmethod
    def answer(self) -> Answer:
        """What has arrived so far, as an Answer; never raises for want of completeness."""

    def flush(self) -> StreamChunk | None:
        """What was held back for want of its other half, once nothing more can come."""
        return None

    def body(self, body: bytes) -> StreamChunk:
        """Take a whole JSON body, sent although a stream was asked for; one chunk with all that it says.

        Raises:
            APIStatusError: the body is an error.
            ProtocolError: the body is not what the API sends.
        """
        answer = self._whole = self.protocol.read_body(body)
        self.complete = self.ended = True
        message = answer.message
        return StreamChunk(
            message.content if isinstance(message.content, str) else "",
            answer.original,
            reasoning=message.reasoning or "",
            tool_call_deltas=[
                ToolCallDelta(position, call.id, call.name, call.arguments_text)
                for position, call in enumerate(message.tool_calls or ())
            ],
            usage=answer.usage,
            stop_reason=message.stop_reason,
            finish_reason=message.finish_reason,
        )

    def close(self) -> Answer:
        """The answer, once the body has ended.

        Raises:
            StreamError: the stream ended without its end.
        """
        if not self.complete:
            raise StreamError("the stream ended before the answer was complete")
        return self.so_far()

    def so_far(self) -> Answer:
        """What has arrived so far, as a whole body or in events."""
        return self._whole if self._whole is not None else self.answer()


def decode_object(payload: bytes) -> dict[str, Any]:
    """The JSON object in ``payload``, also where it stands alone in a list; ProtocolError when it is something else."""
    try:
        value = loads(payload)
    except ValueError as error:
        raise ProtocolError(
            f"the provider sent something that is not JSON: {excerpt(payload)}", payload=payload
        ) from error
    if isinstance(value, list) and len(value) == 1:
        (value,) = value  # Google wraps its errors like that, and proxies whatever they pass on
    if not isinstance(value, dict):
        raise ProtocolError(
            f"the provider sent a JSON {type(value).__name__} where an object belongs: {excerpt(payload)}",
            payload=payload,
        )
    return value


def excerpt(payload: bytes, length: int = 200) -> str:
    """The beginning of a payload, for an error message."""
    text = payload[:length].decode("utf-8", "replace")
    return repr(text) + ("…" if len(payload) > length else "")
