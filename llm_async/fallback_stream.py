"""A stream that may still change its provider: until its first chunk, and never after it.

What belongs here: what a streaming Response needs of the thing that fetches its chunks, over the streams of several
providers. Once a provider has said something, its stream is the only one, and its chunks are handed over as they are.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from .errors import LLMError, StreamError
from .models import Message, Response, StreamChunk
from .models.response import ChunkStream

if TYPE_CHECKING:
    from .fallback import Question

__all__ = ["FallbackStream"]

# What a Response has of its own stream; everything else of an answer is shown in the caller's.
_OF_THE_STREAM = ("_chunks", "_follower", "stream_generator", "fallbacks")


class FallbackStream:
    """The chunks of the first provider that says something; the ChunkStream behind a Response.

    Args:
        question: the call, which knows whom to ask next.
        first: the answer of the first provider, which has not been sent for yet.
        response: what the caller holds.

    Attributes:
        ready: chunks that have been read and not yet been handed over.
    """

    def __init__(self, question: Question, first: Response, response: Response) -> None:
        self.ready: deque[StreamChunk] = deque()
        self._question = question
        # The Response holds this object; a strong reference back would keep both alive until a garbage collection.
        self._response = weakref.ref(response)
        self._settled = False  # a provider has said something, or nobody else is to be asked
        self._busy = False
        self._closed = False
        self._followers: list[deque[str]] = []  # who is told the text of each chunk
        self._use(first)
        response.attach(self)

    async def open(self) -> None:
        """Send the request, to the next provider where one refuses it, unless that is done."""
        if self._settled or self._closed:
            await self._chunks.open()
            return
        self._question.start_clock()
        with self._alone():
            while True:
                try:
                    await self._chunks.open()
                    break
                except Exception as error:
                    if not await self._goes_on_after(error):
                        raise
            self._show()

    async def next(self) -> StreamChunk | None:
        """The next chunk, or None after the last one."""
        if self.ready:
            return self.ready.popleft()
        chunks = self._chunks
        try:
            if self._settled:
                chunk = await chunks.next()
            else:
                chunk = await self._first()
                chunks = self._chunks
        except LLMError as error:
            failed = self._question.failed
            if error.fallbacks[: len(failed)] != failed:
                error.fallbacks = (*failed, *error.fallbacks)
            self._show()
            raise
        if chunks.ready:
            self.ready.extend(chunks.ready)
            chunks.ready.clear()
        if chunk is None or self._answer.main_response is not None:
            self._show()
        return chunk

    def close(self) -> None:
        """Give the connection up at once, unless the stream was read to its end."""
        self._closed = True
        self.ready.clear()
        self._chunks.close()

    def so_far(self) -> Message | None:
        """The message as far as it has arrived, what waits in ``ready`` included; None before anything has."""
        return self._chunks.so_far() if self._settled else None

    def follow(self, texts: deque[str]) -> None:
        """Append the text of every chunk to ``texts`` when it is added to ``ready``, from now on."""
        self._followers.append(texts)
        self._chunks.follow(texts)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a stream that has not been read to its end cannot be copied or pickled")

    async def _first(self) -> StreamChunk | None:
        """The first chunk of the first provider that has one; None for an answer without any."""
        if self._closed:
            raise StreamError("the stream cannot be read any more: it was closed before its end")
        self._question.start_clock()
        with self._alone():
            while True:
                try:
                    chunk = await self._chunks.next()
                    break
                except Exception as error:
                    if not await self._goes_on_after(error):
                        raise
            self._settled = True
            self._show()
            return chunk

    async def _goes_on_after(self, error: Exception) -> bool:
        """Whether another provider is asked, which is the one that counts then."""
        self._chunks.close()
        if self._closed or not self._question.goes_on_after(error):
            self._settled = True
            return False
        self._use(await self._question.ask())
        return True

    def _use(self, answer: Response) -> None:
        self._answer = answer
        self._chunks: ChunkStream = answer._chunks if answer._chunks is not None else _Generated(answer)
        for texts in self._followers:
            self._chunks.follow(texts)
        self._show()

    def _show(self) -> None:
        """Have the caller's Response say what the provider's says."""
        response = self._response()
        if response is not None:
            values = vars(self._answer)
            vars(response).update({name: value for name, value in values.items() if name not in _OF_THE_STREAM})
            if self._answer.response_schema is not None:
                response.attach_schema(self._answer.response_schema)
            response.fallbacks = (*self._question.failed, *self._answer.fallbacks)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Marks the stream as being read; whatever interrupts the reading, a cancellation above all, closes it."""
        if self._busy:
            raise StreamError("the stream is being read by another task")
        self._busy = True
        try:
            yield
        except BaseException:
            self.close()
            raise
        finally:
            self._busy = False


class _Generated:
    """The chunks of an answer that come from an async generator, as those of providers written for 0.5 do."""

    def __init__(self, answer: Response) -> None:
        self.ready: deque[StreamChunk] = deque()
        self._iterator: AsyncIterator[StreamChunk] | None = answer.__aiter__()
        self._texts: list[str] = []
        self._followers: list[deque[str]] = []

    async def open(self) -> None:
        """Nothing: the generator sends its request at its first step."""

    async def next(self) -> StreamChunk | None:
        if self._iterator is None:
            raise StreamError("the stream cannot be read any more: it was closed before its end")
        chunk = await anext(self._iterator, None)
        if chunk is not None:
            self._texts.append(chunk.delta)
            for texts in self._followers:
                texts.append(chunk.delta)
        return chunk

    def close(self) -> None:
        self._iterator = None  # the event loop ends a generator that nobody holds

    def so_far(self) -> Message | None:
        return Message("assistant", "".join(self._texts)) if self._texts else None

    def follow(self, texts: deque[str]) -> None:
        self._followers.append(texts)
