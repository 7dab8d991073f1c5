"""What a scripted model may say: values that a test writes down, before any provider's words.

What belongs here: the answers themselves, and how their text falls into the pieces that a stream carries. How an API
says them is the business of ``dialects/``; how a delivery goes wrong is ``faults.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from .._json import dumps_text

__all__ = ["Answer", "Finish", "Framing", "Raw", "Refusal", "SpokenCall", "Text", "ToolCalls", "count_words"]

Finish = Literal["stop", "length", "content_filter"]
Framing = Literal["chunked", "length", "close", "wire"]

_WORD = re.compile(r"\s*\S+|\s+")
_FRAGMENT = 8  # characters of a tool call's arguments in one event; real APIs send one token, about as much


def count_words(text: str) -> int:
    """The number of words, which is what this package counts as tokens."""
    return len(text.split())


@dataclass(frozen=True)
class SpokenCall:
    """A tool call as the model says it: ``fragments`` joined are the arguments."""

    name: str
    fragments: tuple[str, ...]

    @property
    def arguments(self) -> str:
        """The arguments as one text, JSON unless the script says otherwise."""
        return "".join(self.fragments)


@dataclass(frozen=True)
class Answer:
    """Everything that one turn of the model says; tests write :class:`Text`, :class:`ToolCalls` or :class:`Refusal`.

    Attributes:
        text: the pieces of the text, one for each event of a stream.
        reasoning: the pieces of the visible reasoning, which comes first.
        calls: the tools that the model asks for, in order.
        refusal: the pieces of a refusal.
        finish: why the model stops: ``stop`` (also with tool calls), ``length`` or ``content_filter``.
    """

    text: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    calls: tuple[SpokenCall, ...] = ()
    refusal: tuple[str, ...] = ()
    finish: Finish = "stop"

    @property
    def reasoning_tokens(self) -> int:
        """Words of the reasoning."""
        return count_words("".join(self.reasoning))

    @property
    def visible_tokens(self) -> int:
        """Words of everything but the reasoning; a call counts its name and its arguments."""
        spoken = ["".join(self.text), "".join(self.refusal), *(f"{call.name} {call.arguments}" for call in self.calls)]
        return sum(count_words(part) for part in spoken)


class Text(Answer):
    """An answer in words.

    ``text`` and ``reasoning`` are streamed word by word; a list of strings says where they are cut instead.

    >>> Text("Hello there", reasoning="A greeting.")
    >>> Text(["Hel", "lo"], finish="length")

    Every API has a place for reasoning but Chat Completions of OpenAI itself: there it goes into ``reasoning_content``,
    as compatible servers do.
    """

    def __init__(
        self, text: str | Sequence[str], *, reasoning: str | Sequence[str] = "", finish: Finish = "stop"
    ) -> None:
        super().__init__(text=_pieces(text), reasoning=_pieces(reasoning), finish=_checked_finish(finish))


class ToolCalls(Answer):
    """An answer that asks for tools: pairs of a tool's name and its arguments.

    Arguments are a mapping; or text that is sent as it is, also when it is no JSON; or a list of such fragments. Gemini
    and whole answers of Claude carry objects: there, text that is no JSON object is a ValueError when the answer is due.

    >>> ToolCalls(("get_weather", {"city": "Lisbon"}), ("get_time", {}), text="Let me look.")
    """

    def __init__(
        self,
        *calls: tuple[str, Mapping[str, Any] | str | Sequence[str]],
        text: str | Sequence[str] = "",
        reasoning: str | Sequence[str] = "",
        finish: Finish = "stop",
    ) -> None:
        if not calls:
            raise ValueError("ToolCalls needs at least one call: a pair of a name and arguments")
        super().__init__(
            text=_pieces(text),
            reasoning=_pieces(reasoning),
            calls=tuple(SpokenCall(name, _argument_fragments(arguments)) for name, arguments in calls),
            finish=_checked_finish(finish),
        )


class Refusal(Answer):
    """The model declines, in the API's own way.

    OpenAI: ``refusal`` beside the content. Claude: stop reason ``refusal`` with the text as explanation. Gemini: a
    blocked prompt with the text as its message.
    """

    def __init__(self, text: str | Sequence[str]) -> None:
        super().__init__(refusal=_pieces(text))


@dataclass(frozen=True)
class Raw:
    """Bytes that are sent as they are: a recorded answer, or anything that a strange server might say.

    It answers whatever the request is, also one that the API would refuse.

    Attributes:
        body: the body; a list of bytes says where it is cut into pieces. Each piece is written alone, and with chunked
            framing it is a chunk of its own.
        status: the HTTP status.
        headers: further headers; ``content-type`` among them replaces the one that is guessed (JSON where the body
            begins with a brace or bracket, else an event stream).
        cuts: offsets into the body at which it is cut; ``range(1, len(body))`` sends byte by byte.
        framing: ``chunked``; ``length`` (Content-Length); ``close`` (the end of the connection is the end of the body);
            or ``wire``: the pieces are all there is, status line and headers included.
        cut_at: bytes of the body after which the connection is closed, the body being unfinished.
        close: close the connection after the answer.
        pause: seconds between the pieces.

    Raises:
        ValueError: for another framing.
        TypeError: for a body that is not bytes.
    """

    body: bytes | Sequence[bytes]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cuts: Sequence[int] = ()
    framing: Framing = "chunked"
    cut_at: int | None = None
    close: bool = False
    pause: float = 0.0

    def __post_init__(self) -> None:
        if self.framing not in ("chunked", "length", "close", "wire"):
            raise ValueError(f'framing must be "chunked", "length", "close" or "wire", not {self.framing!r}')
        for piece in [self.body] if isinstance(self.body, (bytes, bytearray)) else self.body:
            memoryview(piece)  # a TypeError that says so, unless it is bytes

    def pieces(self) -> list[bytes]:
        """The body as it is cut."""
        if not isinstance(self.body, (bytes, bytearray)):
            return [bytes(piece) for piece in self.body if piece]
        whole = bytes(self.body)
        edges = sorted({0, len(whole), *(cut for cut in self.cuts if 0 < cut < len(whole))})
        return [whole[start:end] for start, end in pairwise(edges)]

    def content_type(self) -> str:
        """The content type that the body looks like."""
        beginning = b"".join(self.pieces())[:64].lstrip()
        return "application/json" if beginning[:1] in (b"{", b"[") else "text/event-stream"


def _pieces(text: str | Sequence[str]) -> tuple[str, ...]:
    """The text cut in front of the white space before each word, unless it is cut already."""
    return tuple(_WORD.findall(text)) if isinstance(text, str) else tuple(text)


def _argument_fragments(arguments: Mapping[str, Any] | str | Sequence[str]) -> tuple[str, ...]:
    """The arguments as JSON text cut every few characters, unless it is cut already."""
    if isinstance(arguments, Mapping):
        arguments = dumps_text(arguments)
    if not isinstance(arguments, str):
        return tuple(arguments)
    return tuple(arguments[start : start + _FRAGMENT] for start in range(0, len(arguments), _FRAGMENT))


def _checked_finish(finish: Finish) -> Finish:
    if finish not in ("stop", "length", "content_filter"):
        raise ValueError(f'finish must be "stop", "length" or "content_filter", not {finish!r}')
    return finish
