"""What every API shares: a request becomes a :class:`Question`, an :class:`Answer` becomes bytes.

What belongs here: the values in between and the base class. A dialect waits for nothing and keeps nothing; ids are made
of the request's number, so that a test knows them beforehand.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from ..._json import dumps_text, loads
from ..answers import Answer, count_words
from ..http1 import Request

__all__ = ["CREATED", "MODEL", "Dialect", "OfferedTool", "ProviderError", "Question", "bearer", "text_of", "whole"]

MODEL = "echo-1"  # the one that GET /models lists; a request may name any other
CREATED = 1_790_000_000  # a fixed time, in seconds since 1970, wherever an API sends one

_NAME = re.compile(r"\w+")


class ProviderError(Exception):
    """A refusal in no provider's words yet; each dialect has its own.

    Attributes:
        status: the HTTP status that it is, or stands for inside a stream.
        message: the text for people; empty takes the status' own phrase.
        type: OpenAI's and Anthropic's ``error.type``, OpenRouter's ``metadata.error_type``; None takes what belongs to
            the status.
        code: OpenAI's ``error.code``, Google's ``error.status``; None takes what belongs to the status.
        param: OpenAI's ``error.param``.
        retry_after: seconds to wait, said as the provider says it.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message or phrase(status))
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.retry_after = retry_after

    @property
    def message(self) -> str:
        return str(self.args[0])


def phrase(status: int) -> str:
    """What a status says in words."""
    if status == 529:
        return "Overloaded"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Error {status}"


@dataclass(frozen=True)
class OfferedTool:
    """A tool that a request offers; ``schema`` is that of its arguments."""

    name: str
    schema: Any = True


@dataclass
class Question:
    """A request, out of its provider's words.

    Attributes:
        model: the model's name.
        stream: whether the answer is wanted as a stream.
        turns: who said what, in order: (``system`` | ``user`` | ``assistant`` | ``tool``, text).
        tools: the functions on offer.
        tool_choice: ``auto``, ``required``, ``none`` or the name of one tool.
        schema: the JSON Schema that the answer has to follow, or None.
        max_tokens: the longest answer, or None.
        number: the number of the request; ids are made of it.
        body: the request itself, for what only one dialect asks.
    """

    model: str
    stream: bool
    turns: list[tuple[str, str]]
    number: int
    tools: list[OfferedTool] = field(default_factory=list)
    tool_choice: str = "auto"
    schema: Any = None
    max_tokens: int | None = None
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def input_tokens(self) -> int:
        """Words of the whole conversation."""
        return sum(count_words(text) for _, text in self.turns)

    @property
    def counted_tokens(self) -> int:
        """What a count of tokens says: the conversation, and a token for each name that the tools have."""
        return self.input_tokens + sum(len(_NAME.findall(dumps_text([each.name, each.schema]))) for each in self.tools)

    @property
    def user_text(self) -> str:
        """What the user said last."""
        return next((text for role, text in reversed(self.turns) if role == "user"), "")

    @property
    def tool_results(self) -> list[str]:
        """What the tools returned since the user spoke last."""
        spoken = [place for place, (role, _) in enumerate(self.turns) if role == "user"]
        since = self.turns[spoken[-1] :] if spoken else self.turns
        return [text for role, text in since if role == "tool"]

    def id(self, prefix: str, place: int | None = None) -> str:
        """An id that nothing else on this server has; ``place`` tells the parts of one answer apart."""
        return f"{prefix}{self.number:08d}" if place is None else f"{prefix}{self.number:08d}_{place}"


class Dialect(ABC):
    """One provider's API.

    Attributes:
        name: ``Provider.name()``.
        base: the path that a base URL ends in.
        statuses: status → (error type, error code), as the provider pairs them; 400 and 500 stand for all others.
        overloaded: the status that the provider gives for want of capacity.
    """

    name: ClassVar[str]
    base: ClassVar[str]
    statuses: ClassVar[dict[int, tuple[str | None, str | None]]]
    overloaded: ClassVar[int] = 503

    # Reading a request.

    @abstractmethod
    def generates(self, request: Request) -> bool:
        """Whether the path asks for an answer of a model."""

    @abstractmethod
    def question(self, request: Request) -> Question:
        """The question that a request asks.

        Raises:
            ProviderError: the request is one that the real API refuses.
        """

    @abstractmethod
    def key(self, request: Request) -> str | None:
        """The API key that a request carries, or None."""

    @abstractmethod
    def unauthorized(self, request: Request) -> ProviderError:
        """The refusal of a request whose key is missing or wrong."""

    def owns(self, request: Request) -> bool:
        """Whether the path is this API's alone, where two have one base."""
        return self.generates(request)

    def wants_stream(self, request: Request) -> bool:
        """Whether a request, right or wrong, asks for a stream."""
        body = request.json
        return isinstance(body, dict) and body.get("stream") is True

    def local_path(self, request: Request) -> str:
        """The request's path behind the base URL."""
        return request.path.removeprefix(self.base)

    def read_object(self, request: Request) -> dict[str, Any]:
        """The JSON object in the body."""
        try:
            body = loads(request.body)
        except ValueError:
            raise ProviderError(400, "The body of the request is not valid JSON.") from None
        if not isinstance(body, dict):
            raise ProviderError(400, "The body of the request is not a JSON object.")
        return body

    # Writing an answer.

    @abstractmethod
    def body(self, question: Question, answer: Answer) -> bytes:
        """A whole answer."""

    @abstractmethod
    def events(self, question: Question, answer: Answer) -> list[bytes]:
        """A streamed answer: every block of it, keep-alives and terminator included."""

    @abstractmethod
    def models(self, request: Request) -> bytes:
        """The answer to ``GET /models``."""

    def beside(self, request: Request) -> bytes | None:
        """The answer to a POST that asks for embeddings or a count of tokens; None where the API has no such path.

        Raises:
            ProviderError: the request is one that the real API refuses.
        """
        return None

    def headers(self, request: Request) -> list[tuple[str, str]]:
        """The headers that every reply carries: request id and rate limits."""
        return []

    def stream_type(self, request: Request) -> str:
        """The content type of a stream."""
        return "text/event-stream; charset=utf-8"

    # Writing an error.

    @abstractmethod
    def error_body(self, error: ProviderError, request: Request) -> bytes:
        """The body of an error reply."""

    @abstractmethod
    def error_events(self, error: ProviderError, request: Request, position: int) -> list[bytes]:
        """An error inside a stream, ``position`` events after its beginning, with what the API sends behind it."""

    def event(self, data: bytes) -> bytes:
        """Any data as one event of this API's streams."""
        return b"data: %b\n\n" % data

    def error_headers(self, error: ProviderError) -> list[tuple[str, str]]:
        """The headers that an error adds: how long to wait, in whole seconds and, where that is not exact, in ms."""
        if error.retry_after is None:
            return []
        headers = [("retry-after", str(math.ceil(error.retry_after)))]
        if error.retry_after != int(error.retry_after):
            headers.append(("retry-after-ms", str(round(error.retry_after * 1000))))
        return headers

    def type_and_code(self, error: ProviderError) -> tuple[str | None, str | None]:
        """The error's own type and code; where it leaves both open, those that belong to its status."""
        type_, code = self.statuses.get(error.status) or self.statuses[500 if error.status >= 500 else 400]
        if error.type is None and error.code is None:
            return type_, code
        return error.type or type_, error.code


def bearer(request: Request) -> str | None:
    """The token of an ``Authorization: Bearer`` header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def text_of(content: Any) -> str:
    """The text in a message's content: a string, or a list of parts of which those with ``text`` count."""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return " ".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return ""


def whole(value: Any) -> int | None:
    """A whole number, or None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
