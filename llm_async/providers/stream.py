"""A streamed answer while it is being fetched: from the bytes of a reply to chunks, and to the answer at their end.

What belongs here: the order of things. Retrying lasts until the first chunk exists; then the answer is fetched to the
protocol's end; then what is left of the body is read, bounded, so that the connection can serve again. A failure is raised
after the chunks that came before it, and carries the message as far as it got.
"""

from __future__ import annotations

import re
import weakref
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, NoReturn

from .._speedups import EventDecoder
from ..errors import LLMError, ProtocolError, StreamError
from ..models import Message, Response, StreamChunk
from ..protocols.base import Answer, Protocol, Reader, excerpt
from ..protocols.failures import request_id_from
from ..protocols.rate_limits import rate_limits_from
from .events import Heard
from .exchange import Exchange

if TYPE_CHECKING:
    from ..transport import Reply
    from .caching import Caching

__all__ = ["BOM", "Stream", "is_json", "is_stream", "read_events"]

# What may still come after the answer is complete: a usage or moderation event, an error, the end of the body. Long enough
# for a slow last event, short enough that a server that never closes is not noticed.
_REST_BYTES = 256 * 1024
_REST_SECONDS_COMPLETE = 5.0
_REST_SECONDS_ENDED = 1.0

BOM = b"\xef\xbb\xbf"
_BLANK = BOM + b" \t\r\n"
_FIELD = re.compile(rb"(?:data|event|id|retry)?:")


def _says_something(chunk: StreamChunk) -> bool:
    """Whether a chunk is a part of the answer, and not only a word about it."""
    return bool(chunk.content or chunk.reasoning or chunk.tool_call_deltas)


def is_stream(content_type: str, body: bytes = b"") -> bool:
    """Whether a body is events: server-sent ones, or one JSON text per line. It is what it looks like, or is said to be."""
    kind = content_type.lower()
    lines = "event-stream" in kind or "ndjson" in kind or "jsonl" in kind
    return lines or _FIELD.match(body.lstrip(_BLANK)) is not None


def is_json(body: bytes) -> bool:
    """Whether a body begins as a JSON object or array does."""
    return body.lstrip(_BLANK)[:1] in (b"{", b"[")


def read_events(protocol: Protocol, body: bytes, event_bytes: int) -> Answer:
    """The answer in a stream of events that is there as a whole.

    Raises:
        LLMError: as for a stream that is still coming.
    """
    decoder, reader = EventDecoder(event_bytes), protocol.reader()
    for payload in [*decoder.feed(body), *decoder.close()]:
        reader.feed(payload)
    reader.flush()
    return reader.close()


class Stream:
    """The chunks of one streamed answer; the :class:`~llm_async.models.response.ChunkStream` behind a Response.

    Attributes:
        ready: chunks that have been read and not yet been handed over.
    """

    def __init__(
        self, exchange: Exchange, protocol: Protocol, response: Response, caching: Caching | None = None
    ) -> None:
        self.ready: deque[StreamChunk] = deque()
        self._exchange = exchange
        self._protocol = protocol
        self._caching = caching
        # The Response holds this object; a strong reference back would keep both alive until a garbage collection.
        self._response = weakref.ref(response)
        self._reply: Reply | None = None
        self._reader: Reader | None = None
        self._decoder: EventDecoder | None = None
        self._started = False  # a chunk exists: too late for another attempt
        self._seen_event = False
        self._finished = False
        self._closed: LLMError | str | None = None  # why nothing more can be read
        self._failure: LLMError | None = None  # to be raised after the chunks that came before it
        self._busy = False
        self._bound: float | None = None  # seconds that the rest of the body may take, once the answer is complete
        self._goes_on = False  # there was more of the answer after it had been declared complete
        self._followers: list[deque[str]] = []  # who is told the text of each chunk
        self._heard: Heard | None = None  # the whole answer, of which those who listen have not been told
        response.attach(self)

    async def open(self) -> None:
        """Send the request, unless that is done."""
        if self._reply is None and not self._finished and self._closed is None:
            with self._alone():
                while self._reply is None:
                    try:
                        await self._connect()
                    except LLMError as error:
                        await self._try_again(error)

    async def next(self) -> StreamChunk | None:
        """The next chunk, or None after the last one."""
        if self.ready:
            return self.ready.popleft()
        if self._finished:
            return None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            await self._fail(failure)
            raise failure
        if self._closed is not None:
            raise StreamError(f"the stream cannot be read any more: {self._closed}")
        with self._alone():
            while not self.ready and not self._finished:
                try:
                    if self._reply is None:
                        await self._connect()
                    await self._read()
                except LLMError as error:
                    await self._recover(error)
            if self._heard is not None:
                heard, self._heard = self._heard, None
                await self._exchange.answered(heard)
        return self.ready.popleft() if self.ready else None

    def close(self) -> None:
        """Give the connection up at once, unless the stream was read to its end."""
        if not self._finished and self._closed is None:
            self._closed = "it was closed before its end"
            self._leave(self._failure)
        self.ready.clear()
        self._release()

    def so_far(self) -> Message | None:
        """The message as far as it has arrived, what waits in ``ready`` included; None before anything has."""
        return self._reader.so_far().message if self._reader is not None and self._started else None

    def follow(self, texts: deque[str]) -> None:
        """Append the text of every chunk to ``texts`` when it is added to ``ready``, from now on."""
        self._followers.append(texts)

    def interrupt(self, error: BaseException) -> None:
        """Give the connection up because ``error`` has come between, a cancellation above all."""
        if not self._finished and self._closed is None:
            self._closed = "it was closed before its end"
            self._leave(error)
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a stream that has not been read to its end cannot be copied or pickled")

    async def _connect(self) -> None:
        reply = self._reply = await self._exchange.send()
        self._reader = self._protocol.reader()
        self._decoder = EventDecoder(self._exchange.limits.event_bytes)
        self._seen_event = self._goes_on = False
        self._bound = None
        response = self._response()
        if response is not None:
            response.headers = reply.headers
            response.request_id = request_id_from(reply.headers.by_name)
            response.cached = reply.cached
            response.rate_limits = None if reply.cached else rate_limits_from(reply.headers.by_name)
            response.timing = self._exchange.timing
        await self._read_first(reply)

    async def _read_first(self, reply: Reply) -> None:
        """Tell a stream of events from a whole body, which some servers send although a stream was asked for."""
        if is_stream(reply.headers.get("content-type", "")):
            return
        head = b""
        while not head.strip(_BLANK):
            data = await reply.read_some()
            if not data:
                break
            head += data
        if not is_json(head):
            self._take(head)
            return
        assert self._reader is not None
        self._chunk(self._reader.body((head + await reply.read()).lstrip(_BLANK)))

    async def _read(self) -> None:
        """Take the next bytes; at their end, finish."""
        assert self._reply is not None
        assert self._reader is not None
        data = await self._reply.read_some()
        if data:
            self._take(data)
        else:
            answer = self._finish()
            if self._caching is not None:
                await self._caching.keep(answer)

    def _take(self, data: bytes) -> None:
        assert self._reader is not None
        assert self._decoder is not None
        was_complete, known = self._reader.complete, len(self.ready)
        self._feed(self._decoder.feed(data))
        if self._decoder.failure is not None:
            raise self._decoder.failure
        if self._reader.complete or was_complete:
            self._bound_rest(goes_on=was_complete and any(map(_says_something, islice(self.ready, known, None))))

    def _feed(self, payloads: list[bytes]) -> None:
        """Have events read. What they say is ready then, also what those before an error have said."""
        assert self._reader is not None
        if payloads:
            self._seen_event = True
            known = len(self.ready)
            try:
                self._reader.feed_all(payloads, self.ready)
            finally:
                if self._followers:
                    self._tell(known)
                if self.ready and not self._started:
                    self._start()

    def _bound_rest(self, *, goes_on: bool) -> None:
        """Once the answer is whole, wait for what may follow it, but not for ever."""
        assert self._reader is not None
        assert self._reply is not None
        bound = None
        if self._reader.ended:
            bound = _REST_SECONDS_ENDED
        elif self._reader.complete and not goes_on and not self._goes_on:
            bound = _REST_SECONDS_COMPLETE
        # A server that declares every event the last one, as Gemini's first models did: only the end of the body counts.
        self._goes_on = self._goes_on or goes_on
        if bound == self._bound:
            return
        self._bound = bound
        if bound is None:
            self._reply.expect_more()
        else:
            self._reply.limit_rest(seconds=bound, size=_REST_BYTES)

    def _chunk(self, chunk: StreamChunk | None) -> None:
        if chunk is not None:
            if not self._started:
                self._start()
            self.ready.append(chunk)
            self._tell(len(self.ready) - 1)

    def _tell(self, known: int) -> None:
        """Tell those who follow the text of the chunks behind the first ``known`` ones."""
        for chunk in islice(self.ready, known, None):
            for texts in self._followers:
                texts.append(chunk.content or "")

    def _start(self) -> None:
        """The first chunk is there."""
        self._started = True
        self._exchange.timing.first_chunk = self._exchange.elapsed()

    def _finish(self) -> Answer:
        reader, decoder, reply = self._reader, self._decoder, self._reply
        assert reader is not None
        assert decoder is not None
        assert reply is not None
        for payload in decoder.close():
            try:
                self._feed([payload])
            except ProtocolError as error:
                # Behind a complete answer it was something about it, and is missed as little as if it had not begun.
                if not reader.complete:
                    raise StreamError(f"the stream ended inside an event: {excerpt(payload)}") from error
        content_type = reply.headers.get("content-type", "none")
        if not self._seen_event and not reader.complete and not is_stream(content_type):
            raise ProtocolError(f"the answer is no stream of events: its content type is {content_type!r}")
        self._chunk(reader.flush())
        answer = reader.close()
        self._finished = True
        self._exchange.stop_clock()
        if self._exchange.watch is not None:
            self._heard = Heard(reply, answer)
        response = self._response()
        if response is not None:
            response.original = answer.original
            answer.message.provider_name = response.provider_name
            response.main_response = answer.message
            response.usage = answer.usage
            response.id = answer.id
            response.model = answer.model
            response.stop_reason = answer.message.stop_reason
            response.finish_reason = answer.message.finish_reason
        self._release()
        return answer

    async def _recover(self, error: LLMError) -> None:
        """Another attempt where that is right; else ``error``, now or after the chunks that came before it."""
        if not self._started:
            await self._try_again(error)
            return
        self._complete_error(error)
        if self.ready:
            self._failure = error
            self._release()
            return
        await self._fail(error)
        raise error

    async def _try_again(self, error: LLMError) -> None:
        self._complete_error(error)
        self._release()
        try:
            await self._exchange.wait_for_next_attempt(error)
        except LLMError as last:
            await self._fail(last)
            raise
        self._reader = None

    def _complete_error(self, error: LLMError) -> None:
        """Give an error what this stream knows: the message as far as it got, and the reply around an error event.

        What had been used up by then is in the Response: it will be on the bill.
        """
        if error.partial is None and self._reader is not None and self._seen_event:
            answer = self._reader.answer()
            if _has_begun(answer):
                error.partial = answer.message
            response = self._response()
            if response is not None:
                response.usage = answer.usage
        if self._reply is not None:
            self._exchange.place(error, self._reply)
        else:
            self._exchange.hide_secrets(error)

    async def _fail(self, error: LLMError) -> None:
        self._closed = f"it failed with {type(error).__name__}"
        self._release()
        await self._exchange.failed(error)

    def _leave(self, error: BaseException | None) -> None:
        """The program leaves the stream before its end, on its own or for an error that is not the stream's."""
        self._exchange.stop_clock()
        watch, reply, reader = self._exchange.watch, self._reply, self._reader
        if watch is None:
            return
        heard = None
        if reply is not None and reader is not None:
            heard = Heard(reply, reader.answer() if self._seen_event else None)
        watch.left(error, heard, self._exchange.timing)

    def _release(self) -> None:
        reply, self._reply = self._reply, None
        if reply is not None:
            reply.close()

    def _alone(self) -> _Alone:
        if self._busy:
            raise StreamError("the stream is being read by another task")
        return _Alone(self)


def _has_begun(answer: Answer) -> bool:
    """Whether anything of an answer has arrived, and not the error alone."""
    message = answer.message
    said = message.content or message.reasoning or message.tool_calls or message.refusal
    return bool(said or answer.id or answer.usage)


class _Alone:
    """Marks the stream as being read; whatever interrupts the reading, a cancellation above all, closes it."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __enter__(self) -> None:
        self._stream._busy = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *rest: object) -> None:
        self._stream._busy = False
        if error is not None:
            self._stream.interrupt(error)
