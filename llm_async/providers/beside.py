"""What providers offer beside chat: lists of models, embeddings, counts of tokens.

What belongs here: the public methods, paging, and batches side by side. What is said on the wire is the protocol's; an
API that lacks one of them is refused before anything is sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from ..errors import LLMError, ProtocolError, UnsupportedError
from ..models import ResponseSchema, Timeouts, Usage
from ..models.timing import Timing
from ..protocols.base import Call, WireRequest
from ..protocols.failures import event_error, request_id_from
from ..protocols.rate_limits import rate_limits_from
from . import legacy
from .arguments import Deadlines, Headers, Messages, Schema, Tools, as_mapping, offered
from .request import encode, json_or_none

if TYPE_CHECKING:
    from ..models.beside import Embeddings, Model, TokenCount
    from ..protocols.embeddings import Batch, EmbeddingForm, Input
    from .base import BaseProvider

__all__ = ["Beside"]

_T = TypeVar("_T")

# More pages than any provider has: the list of a server that never comes to its end has one here.
_MOST_PAGES = 1000


class Beside:
    """The part of a provider that is no conversation; :class:`BaseProvider` is the other one."""

    #: Which of these methods a server does not have, although the API that it imitates has them.
    LACKS: ClassVar[Collection[str]] = ()

    @property
    def _provider(self) -> BaseProvider:
        return cast("BaseProvider", self)

    async def list_models(self, *, headers: Headers | None = None, timeouts: Deadlines | None = None) -> list[Model]:
        """The models that the provider offers, in its order, all pages together.

        Args:
            headers: sent with each request, over the provider's own.
            timeouts: deadlines; a bare number is the total of all pages, in seconds.

        Raises:
            UnsupportedError: the API lists no models; nothing was sent.
            LLMError: see :mod:`llm_async.errors`.
        """
        provider = self._provider
        form = None if "list_models" in self.LACKS else provider._spoken().model_list()
        if form is None:
            raise UnsupportedError(f"{type(self).__name__} lists no models: its API has no such list")
        models: list[Model] = []
        way = _Way(provider, headers, timeouts)
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            wire = form.request(cursor)
            page = (await way.fetch(wire, form.read, provider._list_url(wire.path))).value
            models += page.models
            if page.following is None:
                return models
            if page.following == cursor:
                raise ProtocolError("the provider's list of models repeats a page", payload=page.original)
            cursor = page.following
        raise ProtocolError(f"the provider's list of models has no end: {_MOST_PAGES} pages were read")

    async def count_tokens(
        self,
        model: str,
        messages: Messages,
        tools: Tools | None = None,
        tool_choice: Any = None,
        response_schema: Schema | None = None,
        headers: Headers | None = None,
        *,
        timeouts: Deadlines | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> TokenCount:
        """How many tokens a call with these arguments would put in, as the provider counts them.

        The arguments are those of :meth:`acomplete`; those that say how to answer are not sent.

        Raises:
            ValueError, TypeError: a wrong argument; nothing was sent.
            UnsupportedError: the API does not count; nothing was sent.
            LLMError: see :mod:`llm_async.errors`.
        """
        provider = self._provider
        protocol = provider._spoken()
        form = None if "count_tokens" in self.LACKS else protocol.token_counting()
        if form is None:
            raise UnsupportedError(f"{type(self).__name__} counts no tokens: its API has no such request")
        provider._check_model(model)
        offered_tools = offered(tools)
        call = Call(
            model=model,
            messages=provider._prepared(messages),
            tools=provider._format_tools(offered_tools) if offered_tools else None,
            tool_choice=tool_choice or None,
            response_schema=ResponseSchema.coerce(response_schema),
            options={name: value for name, value in kwargs.items() if name != "stream"},
            extra_body=as_mapping(extra_body, "extra_body"),
        )
        answer = await _Way(provider, headers, timeouts).fetch(form.request(protocol, call), form.read)
        counted = answer.value
        counted.provider_name = provider.name()
        counted.request_id, counted.timing = request_id_from(answer.headers), answer.timing
        counted.rate_limits = rate_limits_from(answer.headers)
        return counted

    async def embed(
        self,
        inputs: str | Sequence[Input],
        model: str,
        *,
        dimensions: int | None = None,
        encoding_format: str | None = None,
        batch_size: int | None = None,
        concurrency: int = 8,
        headers: Headers | None = None,
        timeouts: Deadlines | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Embeddings:
        """The vectors of some texts, in their order.

        As many requests are made as the API's limits ask for, several at a time, each with the provider's retries. When
        one of them fails for good, those that are under way are cancelled, no other is begun, and its error is raised;
        ``error.embedded`` holds the vectors that were there by then, by the place of their input.

        Args:
            inputs: a text, or texts; also token lists and the API's own form of other inputs, where it takes them. Of none
                there are no vectors, and nothing is sent.
            model: the model's name.
            dimensions: the length of the vectors; None is the model's own.
            encoding_format: ``"base64"`` has them sent as bytes, which is shorter and exact; ``"float"`` as numbers; None
                leaves it to the server. They are floats here in any case.
            batch_size: inputs of a request at most; None is what the API allows.
            concurrency: how many requests may be under way at a time.
            headers: sent with each request, over the provider's own.
            timeouts: deadlines; a bare number is the total of all requests, in seconds.
            extra_body: fields of each request that win over all others.
            **kwargs: further fields of each request, sent as given (``user``, ``task_type``, ``input_type``).

        Raises:
            ValueError, TypeError: a wrong argument; nothing was sent.
            UnsupportedError: the API does not embed, or not this; nothing was sent.
            LLMError: see :mod:`llm_async.errors`.
        """
        from ..protocols.embeddings import EmbedCall

        provider = self._provider
        form = None if "embed" in self.LACKS else provider._spoken().embeddings()
        if form is None:
            raise UnsupportedError(f"{type(self).__name__} has no embeddings: its API does not embed")
        provider._check_model(model)
        _check_whole(concurrency, "concurrency")
        if batch_size is not None:
            _check_whole(batch_size, "batch_size")
        call = EmbedCall(model, dimensions, encoding_format, kwargs, as_mapping(extra_body, "extra_body"))
        batches = form.batches(model, _checked_inputs(inputs), batch_size)
        wires = [form.request(call, batch) for batch in batches]
        run = _Run(_Way(provider, headers, timeouts), form, [len(batch) for batch in batches])
        await run.all(wires, concurrency)
        return run.embeddings(model, provider.name())


# --- the way of a request


class _Answer(Generic[_T]):
    """What was read of an answer, and what its head and its clock say."""

    def __init__(self, value: _T, headers: Mapping[str, str], timing: Timing) -> None:
        self.value = value
        self.headers = headers
        self.timing = timing


class _Way:
    """How the requests of one call are sent: with the same headers, and one total for all of them."""

    def __init__(self, provider: BaseProvider, headers: Headers | None, timeouts: Deadlines | None) -> None:
        self._provider = provider
        self._headers = headers
        self._timeouts = Timeouts.coerce(timeouts, provider.timeouts)
        self._total_at: float | None = None
        self.began = time.perf_counter()

    async def fetch(self, wire: WireRequest, read: Callable[[Any], _T], url: str | None = None) -> _Answer[_T]:
        """The answer to a request, in as many attempts as it takes; ``read`` makes a value of its decoded body."""
        provider = self._provider
        url = provider._url(wire.path) if url is None else url
        posted = wire.method != "GET"
        if provider._replaced_client is not None:
            await provider._renew_key()
            sent = provider._headers_for_request(self._headers)
            body = await legacy.request(
                provider._replaced_client, wire.method, url, sent, wire.body if posted else None
            )
            return _Answer(read(_no_error(body)), {}, Timing(time.time(), attempts=1))
        exchange = provider._attempts(
            wire.method,
            url,
            provider._ready_headers(self._headers, content=posted),
            encode(wire.body) if posted else None,
            self._timeouts,
        )
        if self._timeouts.total is not None:
            if self._total_at is None:
                self._total_at = asyncio.get_running_loop().time() + self._timeouts.total
            exchange.total_at = self._total_at
        reply, value = await exchange.fetch(lambda reply, body: read(_no_error(json_or_none(reply, body))))
        return _Answer(value, reply.headers, exchange.timing)


def _no_error(body: Any) -> Any:
    """A decoded body, unless it is an error under the status 200, as OpenRouter sends it."""
    if isinstance(body, dict) and body.get("error"):
        raise event_error(body["error"], body)
    return body


# --- batches


class _Run:
    """The batches of one ``embed``, several at a time.

    Args:
        sizes: how many inputs each batch has.
    """

    def __init__(self, way: _Way, form: EmbeddingForm, sizes: list[int]) -> None:
        self._way = way
        self._form = form
        self._sizes = sizes
        self._started = time.time()
        self._done: dict[int, _Answer[Batch]] = {}  # by the number of the batch
        self._last: _Answer[Batch] | None = None

    async def all(self, wires: list[WireRequest], concurrency: int) -> None:
        """Fetch all batches; the first error ends it, and takes along what is there."""
        try:
            if len(wires) > 1:
                await self._side_by_side(wires, concurrency)
            elif wires:
                await self._one(0, wires[0])
        except LLMError as error:
            error.embedded = {
                place: vector
                for number, answer in self._done.items()
                for place, vector in enumerate(answer.value.vectors, sum(self._sizes[:number]))
            }
            raise

    async def _side_by_side(self, wires: list[WireRequest], concurrency: int) -> None:
        waiting = iter(enumerate(wires))

        async def work() -> None:
            for number, wire in waiting:
                await self._one(number, wire)

        tasks = [asyncio.ensure_future(work()) for _ in range(min(concurrency, len(wires)))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            failures = [error for task in tasks if task.done() and (error := task.exception()) is not None]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if failures:
            raise failures[0]

    async def _one(self, number: int, wire: WireRequest) -> None:
        size = self._sizes[number]
        self._last = self._done[number] = await self._way.fetch(wire, lambda body: self._form.read(body, size))

    def embeddings(self, model: str, provider_name: str) -> Embeddings:
        """The vectors of all batches, in the order of the inputs; ``model`` is the one that was asked for."""
        from ..models.beside import Embeddings

        answers = [self._done[number] for number in sorted(self._done)]
        batches = [answer.value for answer in answers]
        total = time.perf_counter() - self._way.began
        return Embeddings(
            vectors=[vector for batch in batches for vector in batch.vectors],
            model=next((batch.model for batch in batches if batch.model), model),
            usage=_added(batch.usage for batch in batches),
            provider_name=provider_name,
            originals=[batch.original for batch in batches],
            request_ids=[id for answer in answers if (id := request_id_from(answer.headers))],
            rate_limits=None if self._last is None else rate_limits_from(self._last.headers),
            timing=Timing(self._started, sum(answer.timing.attempts for answer in answers), total=total),
        )


def _added(usages: Iterable[Usage | None]) -> Usage | None:
    """All usages together; of a single one, itself with the provider's own object."""
    given = [usage for usage in usages if usage is not None]
    if len(given) <= 1:
        return given[0] if given else None
    added = Usage()
    for name in ("input_tokens", "output_tokens", "total_tokens", "cost"):
        counts = [count for usage in given if (count := getattr(usage, name)) is not None]
        setattr(added, name, sum(counts) if counts else None)
    return added


# --- arguments


def _check_whole(value: Any, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")


def _checked_inputs(inputs: Any) -> list[Input]:
    """The inputs as a list: a text is one, and so are a mapping and a list of tokens."""
    if isinstance(inputs, (str, Mapping)):
        return [inputs]
    if isinstance(inputs, (bytes, bytearray)) or not isinstance(inputs, Iterable):
        raise TypeError(f"inputs must be a text or a list of texts, not {type(inputs).__name__}")
    listed = list(inputs)
    if listed and all(_is_token(each) for each in listed):
        return [listed]
    for place, each in enumerate(listed):
        tokens = isinstance(each, (list, tuple)) and each and all(map(_is_token, each))
        if not (tokens or isinstance(each, (str, Mapping))):
            raise TypeError(f"inputs[{place}] must be a text, a list of tokens or a mapping, not {type(each).__name__}")
    return listed


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
