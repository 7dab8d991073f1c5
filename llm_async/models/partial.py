"""The value of an answer that is JSON, while it streams.

What belongs here: how the text of an answer reaches the reader of unfinished JSON, and what is made of its end. What that
reader does is told in ``_speedups/partial_json_py.py``; where chunks come from, in ``response.py``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, NoReturn, TypeVar

from .._speedups import PartialJSON
from ..errors import InvalidAnswerError, ProtocolError, UnsupportedError

if TYPE_CHECKING:
    from .message import Message
    from .response import ChunkStream, Response
    from .stream_chunk import StreamChunk

__all__ = ["Change", "ChangeIterator", "Follower", "PartialJSON", "ValueIterator"]

_T = TypeVar("_T")
_FENCE_SIGN = re.compile("(`)")
_LONGEST_FENCE = 40  # characters of its first line
_HALF = "\ufffd"  # what stands in a message for the first half of a pair whose second half has not come


class Change(NamedTuple):
    """What a piece of the answer has changed.

    Attributes:
        path: where: the keys and indices from the root on, none for the root itself.
        value: a further piece of a string; a container that has been opened or closed; or a number, true, false or null.
        whole: what stands at the path is whole now.
    """

    path: tuple[str | int, ...]
    value: Any
    whole: bool


class Follower:
    """Reads the JSON of one answer, as far as its chunks have been handed over.

    It begins where it is first asked, with all that was said before, and looks at every character once.

    Args:
        around: the key of an object that is put around the value, where it is there; see ``structured.roots``.
        record: keep the changes.
    """

    def __init__(self, around: str | None = None, *, record: bool = False) -> None:
        self._around = around
        self._inside: bool | None = None  # the value is in that object; None before it is known
        self._held: list[Change] = []  # of the root, until it is known
        self._json = PartialJSON(record=record)
        self._text = _Unfenced(self._json)
        self._taken = 0  # characters of the text before `_texts`
        self._texts: deque[str] | None = None  # those of the chunks to come; there are as many as wait in the stream

    def catch_up(self, response: Response) -> bool:
        """Read what has been handed over meanwhile; whether the value has changed.

        Raises:
            InvalidAnswerError: the text is no JSON.
            UnsupportedError: the stream is not one of this library's, and cannot be looked into.
        """
        try:
            return self._read(response)
        except ProtocolError as error:
            self._refuse(response, error)

    def add(self, text: str, response: Response) -> bool:
        """Read a piece of a stream that cannot be looked into."""
        self._taken += len(text)
        try:
            return self._text.feed(text)
        except ProtocolError as error:
            self._refuse(response, error)

    @property
    def has_begun(self) -> bool:
        """Whether there is a value."""
        root = self._json.value()
        return root is not None if self._around is None else bool(root) or self._json.complete

    def value(self) -> Any:
        """The value so far, which is the same object each time; None before it begins."""
        root = self._json.value()
        if self._around is None or not isinstance(root, dict):
            return root
        if len(root) == 1 and self._around in root:
            return root[self._around]
        return root if self.has_begun else None

    def changes(self) -> list[Change]:
        """The changes since this was asked for."""
        changes = [*self._held, *(Change(*change) for change in self._json.take())]
        if self._around is None:
            return changes
        if self._inside is None:
            first = next((change for change in changes if change.path), None)
            if first is None and not self._json.complete:
                self._held = changes
                return []
            self._inside = first is not None and first.path[0] == self._around
            self._held = []
        if not self._inside:
            return changes
        return [Change(path[1:], value, whole) for path, value, whole in changes if path[:1] == (self._around,)]

    def close(self, response: Response) -> bool:
        """Say that the answer has ended; whether that has changed the value.

        Raises:
            AnswerError: the value is not whole.
        """
        complete = self._json.complete
        try:
            self._text.flush()
            self._json.close()
        except ProtocolError as error:
            self._refuse(response, error)
        message: Message | None = response.main_response
        if message is not None and (message.refusal or message.finish_reason not in ("stop", "unknown")):
            _check_verdict(message)
        return not complete

    def _read(self, response: Response) -> bool:
        if self._json.failure is not None:
            raise self._json.failure.with_traceback(None)
        chunks = response._chunks
        if chunks is None or self._texts is None:
            return self._begin(response, chunks)
        changed = False
        while len(self._texts) > len(chunks.ready):
            changed = self._text.feed(self._texts.popleft()) or changed
        return changed

    def _begin(self, response: Response, chunks: ChunkStream | None) -> bool:
        """Read what was said before anybody asked, and have the stream tell what follows."""
        message: Message | None = response.main_response
        if chunks is None:
            if message is None:
                raise UnsupportedError("this stream cannot be looked into while it is read: iterate over partials()")
            return self._read_rest(message.text)
        waiting = [chunk.content or "" for chunk in chunks.ready]
        so_far = chunks.so_far() if message is None else message
        text = "" if so_far is None else so_far.text
        handed_over = _without(text, "".join(waiting))
        if message is None and handed_over.endswith(_HALF):
            return self._read_rest(handed_over[:-1])  # whether it belongs to the text is known later
        if message is None or waiting:
            # Also where the message puts its text otherwise than the chunks, or none of them has any.
            known = handed_over == text != ""
            self._texts = deque([""] * len(waiting) if known else waiting)
            chunks.follow(self._texts)
        return self._read_rest(handed_over)

    def _read_rest(self, text: str) -> bool:
        """Read the end of a text whose beginning is known."""
        rest, self._taken = text[self._taken :], max(self._taken, len(text))
        return bool(rest) and self._text.feed(rest)

    def _refuse(self, response: Response, error: ProtocolError) -> NoReturn:
        """Raise what the fault of the text means for the answer."""
        message: Message | None = response.main_response
        if message is None and response._chunks is not None:
            message = response._chunks.so_far()
        if message is not None and response.main_response is message:
            _check_verdict(message)
        text, reason = ("", "unknown") if message is None else (message.text, message.finish_reason)
        raise InvalidAnswerError(
            f"the answer is {error}", text=text, faults=[("$", str(error))], finish_reason=reason, partial=message
        ) from error


def _without(text: str, end: str) -> str:
    """``text`` less its end, also where half a character stands behind that; all of it where it does not end so."""
    for each in (end, end + _HALF):
        if text.endswith(each):
            return text[: len(text) - len(each)]
    return text


def _check_verdict(message: Message) -> None:
    """Raise where :attr:`Response.parsed` finds that an answer has no value, and says more than that it is no JSON."""
    from ..structured.answers import value_in

    with suppress(InvalidAnswerError):
        value_in(message, {}, lambda value, text: value)


class _Unfenced:
    """The text of an answer on its way to the reader of JSON.

    Servers that do not enforce a schema let models write JSON as they write it to people, in a code fence. It is taken off,
    as :attr:`Response.parsed` does.
    """

    def __init__(self, json: PartialJSON) -> None:
        self._json = json
        self._start: str | None = ""  # the text, as long as it may still begin with a fence
        self._fenced = False
        self._end = ""  # what follows on a fenced value

    def feed(self, text: str) -> bool:
        """Take the next piece; whether the value has changed."""
        if self._start is not None:
            text, self._start = self._start + text, None
            begun = text.lstrip()
            if begun.startswith("```"):
                first, line_end, rest = begun.partition("\n")
                if not line_end and len(first) <= _LONGEST_FENCE:
                    self._start = begun
                    return False
                if first[3:].strip().isalpha() or first.strip() == "```":
                    self._fenced, text = True, rest
            elif not begun:
                self._start = ""
            elif "```".startswith(begun):
                self._start = begun
                return False
        return self._feed_fenced(text) if self._fenced else self._json.feed(text)

    def flush(self) -> None:
        """Say that nothing follows."""
        if self._start:
            start, self._start = self._start, None
            self._json.feed(start)

    def _feed_fenced(self, text: str) -> bool:
        changed = False
        for piece in _FENCE_SIGN.split(text):
            if self._json.complete and (self._end or piece == "`"):
                self._end = (self._end + piece).strip()
                if not "```".startswith(self._end):
                    self._json.feed(self._end)  # which is an error
            elif piece:
                changed = self._json.feed(piece) or changed
        return changed


class _Steps(Generic[_T]):
    """One ``async for`` over what becomes of the value, chunk by chunk. When the loop drops it before the end, the
    connection is freed at once."""

    def __init__(self, response: Response, follower: Follower) -> None:
        self._response = response
        self._follower = follower
        self._chunks: AsyncIterator[StreamChunk] | None = None
        self._items: deque[_T] = deque()
        self._began = self._ended = False

    def __aiter__(self) -> AsyncIterator[_T]:
        return self

    async def __anext__(self) -> _T:
        while not self._items:
            if self._ended:
                raise StopAsyncIteration
            try:
                await self._step()
            except BaseException:
                self._ended = True
                if self._response._chunks is not None:
                    self._response._chunks.close()
                raise
        return self._items.popleft()

    async def aclose(self) -> None:
        """Leave the stream."""
        self._ended = True
        await self._response.aclose()

    async def _step(self) -> None:
        """Go one chunk further, or to the end."""
        response, follower = self._response, self._follower
        if not self._began:
            self._began = True
            if response.stream or response.stream_generator is not None:
                self._chunks = response.__aiter__()
            if response._chunks is not None or response.main_response is not None:
                # What has been handed over before; and from now on every piece is told.
                self._take(follower.catch_up(response) or follower.has_begun)
                return
        chunk = None if self._chunks is None else await anext(self._chunks, None)
        if chunk is None:
            self._ended = True
            changed = follower.catch_up(response) if response.main_response is not None else False
            self._take(follower.close(response) or changed)
        elif response._chunks is not None:
            self._take(follower.catch_up(response))
        elif chunk.content:
            self._take(follower.add(chunk.content, response))

    def _take(self, changed: bool) -> None:
        """Have what has changed handed over."""
        raise NotImplementedError


class ValueIterator(_Steps[Any]):
    """Gives the growing value after each chunk that has changed it."""

    def _take(self, changed: bool) -> None:
        if changed and self._follower.has_begun:
            self._items.append(self._follower.value())


class ChangeIterator(_Steps[Change]):
    """Gives the changes one by one."""

    def _take(self, changed: bool) -> None:
        self._items.extend(self._follower.changes())
