"""What ``acomplete`` returns: a whole answer, or a stream that becomes one.

What belongs here: the value that the caller holds. How a stream is fetched is the business of the object behind it, which
is known here by its surface alone (:class:`ChunkStream`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from ..errors import StreamError
from .failed_call import FailedCall
from .message import Message
from .rate_limits import RateLimits
from .response_schema import ResponseSchema, TypedSchema
from .stream_chunk import StreamChunk
from .timing import Timing
from .tool_call import ToolCall
from .usage import Usage

if TYPE_CHECKING:
    from .cost import Cost
    from .partial import Change, Follower

__all__ = [
    "ChunkStream",
    "ParsedResponse",
    "ParsedStreamingResponse",
    "Response",
    "StreamChunk",
    "StreamingResponse",
    "ToolCall",
]

_Self = TypeVar("_Self", bound="Response")
_T = TypeVar("_T")


class ChunkStream(Protocol):
    """What a streaming Response needs of the thing that fetches its chunks."""

    ready: deque[StreamChunk]
    """Chunks that can be handed over without waiting."""

    async def open(self) -> None:
        """Send the request, unless that is done; raise what the provider answers when that is an error."""

    async def next(self) -> StreamChunk | None:
        """The next chunk, or None after the last one."""

    def close(self) -> None:
        """Give the connection up at once, unless the stream was read to its end."""

    def so_far(self) -> Message | None:
        """The message as far as it has arrived, what waits in ``ready`` included; None before anything has."""

    def follow(self, texts: deque[str]) -> None:
        """Append the text of every chunk to ``texts`` when it is added to ``ready``, from now on."""


@dataclass
class Response:
    """An answer; one that streams is a :class:`StreamingResponse`.

    Attributes:
        original: the body of the answer as the provider sent it, decoded.
        provider_name: the provider's ``name()``.
        main_response: the message. None stands here only before the end of a stream.
        stream: whether this answer was asked for as a stream.
        stream_generator: an async iterable of the chunks that have text.
        id: the provider's id of the answer, or None.
        model: the model that the provider says answered, or None.
        usage: token counts, or None when the provider gave none.
        stop_reason: why the model stopped, in the provider's own word.
        finish_reason: the same in one vocabulary (see :class:`~llm_async.models.Message`).
        request_id: the id to quote to the provider's support, or None.
        headers: the response headers, names in lower case.
        cached: whether the provider's cache has answered, and nothing was sent. ``usage`` is what it had cost then.
        fallbacks: the calls of a :class:`~llm_async.Fallback` that had failed before this one, in their order.
        rate_limits: what the headers say about rate limits, or None.
        base_url: the address of the API that was asked, without a query; None for the answer of a client that is a mock.
        timing: how long it took; of a stream, from the moment when its head is there, filled as it goes on.
        response_schema: what the answer was asked to be, or None.
        rejected: the answers before this one that did not follow it (see ``schema_retries``); ``usage`` counts them too.
    """

    original: dict[str, Any]
    provider_name: str
    # Typed as it is in an answer that is there, so that nobody has to ask whether there is a message.
    main_response: Message = None  # type: ignore[assignment]
    stream: bool = False
    stream_generator: Any = None
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    stop_reason: str | None = None
    finish_reason: str = "unknown"
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cached: bool = False
    fallbacks: tuple[FailedCall, ...] = ()
    rate_limits: RateLimits | None = field(default=None, repr=False)
    timing: Timing | None = field(default=None, repr=False, compare=False)
    base_url: str | None = field(default=None, repr=False, compare=False)
    response_schema: ResponseSchema | None = field(default=None, repr=False, compare=False)
    rejected: tuple[Response, ...] = field(default=(), repr=False, compare=False)

    # The ChunkStream behind a streaming answer. A class variable in form, because it is no part of the value.
    _chunks: ClassVar[ChunkStream | None] = None

    @classmethod
    def streaming(cls, provider_name: str) -> StreamingResponse:
        """A streaming answer that waits for :meth:`attach`."""
        return StreamingResponse(original={}, provider_name=provider_name, stream=True)

    @property
    def cost(self) -> Cost | None:
        """What the answer cost.

        It is the provider's own figure where there is one, else an estimate (``cost.estimated``) by the price list of
        genai-prices, if that is installed (``pip install llm-async[prices]``) and has the model. An address that the list
        does not know is taken for a gateway to the provider whose class was used. None where nobody knows;
        :func:`llm_async.estimate_cost` says why. The first estimate of a process loads the list, which takes a moment.
        """
        from .cost import cost_of

        return cost_of(self)

    @property
    def parsed(self) -> Any:
        """The value in an answer that was asked for with a ``response_schema``: checked, and of the type where one was given.

        It is made when it is first asked for, and kept.

        Raises:
            AnswerError: the answer has none: an ``InvalidAnswerError``, a ``RefusedAnswerError`` or a
                ``TruncatedAnswerError``; the class itself where the model called tools instead.
            StreamError: the stream has not been read to its end.
            TypeError: no schema was given.
            ValueError: the schema that was given is none.
            ImportError: the library that checks the answer is not installed.
        """
        if "_parsed" not in self.__dict__:
            if self.response_schema is None:
                raise TypeError("there is nothing to parse: the answer was asked for without a response_schema")
            message: Message | None = self.main_response
            if message is None:
                raise StreamError("the answer has not been read to its end: `await response.final()` does that")
            self.__dict__["_parsed"] = self.response_schema.parse(message)
        return self.__dict__["_parsed"]

    def attach_schema(self, schema: ResponseSchema) -> None:
        """Say what the answer was asked to be."""
        self.response_schema = schema
        if isinstance(schema, TypedSchema):
            # A new object could not take the place of this one, which the stream behind it fills.
            self.__class__ = ParsedStreamingResponse if isinstance(self, StreamingResponse) else ParsedResponse

    def attach(self, chunks: ChunkStream) -> None:
        """Say where the chunks of this streaming answer come from."""
        self.__dict__["_chunks"] = chunks
        self.stream_generator = _ChunksWithText(chunks)

    def __aiter__(self) -> AsyncIterator[StreamChunk]:
        if self._chunks is not None:
            return _ChunkIterator(self._chunks)
        if self.stream_generator is not None:
            iterator: AsyncIterator[StreamChunk] = self.stream_generator.__aiter__()
            return iterator
        if self.stream and self.main_response is not None:
            return _nothing()  # a copy of a stream that was read
        raise TypeError("this answer is not a stream: ask for one with stream=True")

    def __getstate__(self) -> dict[str, Any]:
        # Of a stream that was read the value stays, without the way on which it came.
        read = self.stream and self.main_response is not None
        left = ("_chunks", "_follower") if read else ("_follower",)
        state = {name: value for name, value in self.__dict__.items() if name not in left}
        return {**state, "stream_generator": None} if read else state

    async def __aenter__(self: _Self) -> _Self:
        if self._chunks is not None:
            await self._chunks.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Leave the stream: its connection is freed at once. Harmless after its end and on an answer that is no stream."""
        if self._chunks is not None:
            self._chunks.close()
        elif hasattr(self.stream_generator, "aclose"):
            await self.stream_generator.aclose()

    async def final(self) -> Message:
        """The whole message: reads what is left of the stream.

        Raises:
            LLMError: what went wrong on the way; its ``partial`` holds what had arrived.
        """
        if self.stream:
            async for _ in self:
                pass
        message: Message | None = self.main_response
        if message is None:
            raise StreamError("the answer ended without a message")
        return message

    async def stream_content(self) -> AsyncIterator[str]:
        """The text alone, piece by piece, without empty pieces. Yields nothing on an answer that is no stream."""
        if self.stream or self.stream_generator is not None:
            iterator = self.__aiter__()
            async for chunk in iterator:
                if chunk.content:
                    yield chunk.content

    def partial(self) -> Any:
        """The value of an answer that is JSON, as far as the chunks that were handed over say it; None before it begins.

        It is made of plain dicts, lists and so on, and not validated. Its containers grow in place from one call to the
        next; ``copy.deepcopy`` keeps one as it is. A string grows too; a number, true, false or null is there once it is whole.

        Raises:
            InvalidAnswerError: the answer is no JSON; what was said is in its ``text``.
            UnsupportedError: a stream of 0.5's inner hooks, which cannot be looked into.
        """
        follower = self._followed()
        follower.catch_up(self)
        return follower.value()

    def partials(self) -> AsyncIterator[Any]:
        """The growing value, after each chunk that has changed it: what :meth:`partial` gives, the same object each time.

        When the loop ends by itself, the last value is whole.

        Raises:
            AnswerError: there is no whole value: the answer is no JSON (InvalidAnswerError), was cut off
                (TruncatedAnswerError) or refused (RefusedAnswerError).
            LLMError: what else went wrong on the way, as for the chunks.
        """
        from .partial import ValueIterator

        return ValueIterator(self, self._followed())

    def changes(self) -> AsyncIterator[Change]:
        """The same as :meth:`partials`, in pieces: each with its path in the value, so that a long text comes piece by piece.

        Raises:
            AnswerError, LLMError: as for :meth:`partials`.
        """
        from .partial import ChangeIterator, Follower

        return ChangeIterator(self, Follower(self._wrapping(), record=True))

    def _followed(self) -> Follower:
        """What reads the JSON of this answer, from the first time on that somebody asks."""
        from .partial import Follower

        follower: Follower = self.__dict__.get("_follower") or Follower(self._wrapping())
        self.__dict__["_follower"] = follower
        return follower

    def _wrapping(self) -> str | None:
        """The key of the object around the value, where one had to be put there because APIs take nothing else."""
        if self.response_schema is None:
            return None
        from ..structured.roots import ANSWER, is_wrapped

        return ANSWER if is_wrapped(self.response_schema.schema) else None


async def _nothing() -> AsyncIterator[StreamChunk]:
    chunks: tuple[StreamChunk, ...] = ()
    for chunk in chunks:
        yield chunk


class StreamingResponse(Response):
    """An answer that streams. It has not been sent yet: the request goes out at the first step of ``async for``, or at
    ``async with``.

    Until its end ``main_response`` is None and ``original`` is ``{}``; from then on both are what they are for an answer
    that was not streamed. :meth:`final` goes there and gives the message.
    """

    if TYPE_CHECKING:
        main_response: Message | None  # type: ignore[assignment]


class ParsedResponse(Response, Generic[_T]):
    """An answer that was asked for as a Python type: ``parsed`` is a value of it."""

    if TYPE_CHECKING:

        @property
        def parsed(self) -> _T: ...


class ParsedStreamingResponse(StreamingResponse, Generic[_T]):
    """A streaming answer that was asked for as a Python type: after its end ``parsed`` is a value of it."""

    if TYPE_CHECKING:

        @property
        def parsed(self) -> _T: ...


class _ChunkIterator:
    """One ``async for``. When the loop drops it before the end, the connection is freed at once."""

    __slots__ = ("_chunks", "_finished", "_ready")

    def __init__(self, chunks: ChunkStream) -> None:
        self._chunks = chunks
        self._ready = chunks.ready
        self._finished = False

    def __aiter__(self) -> _ChunkIterator:
        return self

    async def __anext__(self) -> StreamChunk:
        if self._ready:
            return self._ready.popleft()
        try:
            chunk = await self._chunks.next()
        except BaseException:
            self._finished = True
            raise
        if chunk is None:
            self._finished = True
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Leave the stream."""
        self._finished = True
        self._chunks.close()

    def __del__(self) -> None:
        if not self._finished:
            self._chunks.close()


class _ChunksWithText:
    """The ``stream_generator`` of a streaming answer: a view of it that leaves out chunks without text.

    It does not hold the Response, which holds it: the two would stay, with all that was said, until a garbage collection.
    """

    __slots__ = ("_chunks", "_iterator")

    def __init__(self, chunks: ChunkStream) -> None:
        self._chunks = chunks
        self._iterator: AsyncIterator[StreamChunk] | None = None

    def __aiter__(self) -> AsyncIterator[StreamChunk]:
        return self._with_text()

    async def _with_text(self) -> AsyncIterator[StreamChunk]:
        async for chunk in _ChunkIterator(self._chunks):
            if chunk.content:
                yield chunk

    async def __anext__(self) -> StreamChunk:
        if self._iterator is None:
            self._iterator = self._with_text()
        return await self._iterator.__anext__()

    async def aclose(self) -> None:
        """Leave the stream."""
        self._chunks.close()
