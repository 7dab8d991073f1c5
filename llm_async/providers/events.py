"""Who is told of a call: the hooks of a provider, and the logger ``llm_async``.

What belongs here: when they are told, and that they see no secrets. The values are in ``models/hooks.py``. A call that
nobody listens to has no :class:`Watch`, and costs a comparison with None at each of these places.

The logger says one line per request, retry, answer and failure: the line of a retry at INFO, the others at DEBUG. Bodies
are said by its child ``llm_async.bodies``, which is deaf until a level is set for it by name. No line holds a key, the
query of an address, or the value of a header.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Union

from .._json import dumps_text
from ..errors import APIStatusError, StreamError
from ..models.hooks import ErrorEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent
from ..models.secret import MASK, Secret
from ..models.timing import Timing
from ..protocols.failures import masked, request_id_from
from ..protocols.rate_limits import rate_limits_from
from .addresses import without_query
from .headers import is_credential, secrets_in

if TYPE_CHECKING:
    from ..transport import Reply
    from .exchange import Outgoing

__all__ = ["GivenHooks", "Heard", "Watch", "hooks_of", "watch_for"]

GivenHooks = Union[Hooks, Iterable[Hooks]]

_LOGGER = logging.getLogger("llm_async")
_LOGGER.addHandler(logging.NullHandler())
_BODIES = logging.getLogger("llm_async.bodies")
if _BODIES.level == logging.NOTSET:
    # Whoever switches the parent to DEBUG wants lines, not prompts.
    _BODIES.setLevel(logging.WARNING)

_LONGEST_BODY = 20_000  # characters of a body that are logged
_SECRET_NAMES = ("authorization", "cookie", "api-key", "apikey", "token", "secret", "password")

_numbers = count(1)
_tasks: set[asyncio.Future[Any]] = set()  # hooks that nobody waits for; the event loop holds them weakly


def hooks_of(given: GivenHooks | None) -> tuple[Hooks, ...]:
    """``hooks=`` of a provider, one or several, as a tuple.

    Raises:
        TypeError: there is something else in it.
    """
    if given is None:
        return ()
    hooks = (given,) if isinstance(given, Hooks) else tuple(given)
    for each in hooks:
        if not isinstance(each, Hooks):
            raise TypeError(f"hooks must be Hooks, or a list of them, not {type(each).__name__}")
    return hooks


def watch_for(hooks: Sequence[Hooks], provider_name: str, outgoing: Outgoing) -> Watch | None:
    """What tells of a call; None where nobody listens."""
    if hooks or _LOGGER.isEnabledFor(logging.INFO):
        return Watch(hooks, provider_name, outgoing)
    return None


class Heard:
    """The answer that a call has got, as far as it is there: what :class:`ResponseEvent` is made of.

    ``value`` is what was read of it: anything with ``id``, ``model``, ``usage``, ``message``, ``original``, or without.
    """

    __slots__ = ("cached", "headers", "status", "value")

    def __init__(self, reply: Reply, value: Any) -> None:
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers
        self.cached = reply.cached
        self.value = value


class Watch:
    """Tells of one call.

    Attributes:
        failure: what a hook has raised, or None; it is never a reason for another attempt.
    """

    __slots__ = ("_hooks", "_outgoing", "_over", "_provider_name", "_request", "_secrets", "failure")

    def __init__(self, hooks: Sequence[Hooks], provider_name: str, outgoing: Outgoing) -> None:
        self.failure: BaseException | None = None
        self._hooks = hooks
        self._provider_name = provider_name
        self._outgoing = outgoing
        self._secrets: tuple[str, ...] = ()
        self._request: RequestEvent | None = None  # there is none before the first attempt
        self._over = False

    # --- told by the exchange, which waits

    async def sending(self, attempt: int, headers: Mapping[str, str]) -> None:
        """An attempt is about to be made."""
        self._secrets = secrets_in(headers, self._outgoing.url)
        shown = _shown(headers)
        request = self._request
        if request is None:
            out = self._outgoing
            content: bytes = masked(out.body or b"", self._secrets)
            request = self._request = RequestEvent(
                next(_numbers), self._provider_name, out.method, without_query(out.url), shown, content
            )
        request.attempt, request.headers = attempt, shown
        _LOGGER.debug(
            "#%d %s %s %s, %d bytes, attempt %d",
            request.number, request.provider_name, request.method, request.url, len(request.content), attempt,
        )  # fmt: skip
        if _BODIES.isEnabledFor(logging.DEBUG):
            _BODIES.debug("#%d sends %s", request.number, _excerpt(request.content))
        await self._tell("on_request", request)

    async def retrying(self, error: BaseException, delay: float) -> None:
        """An attempt has failed, and there will be another one."""
        request = self._request
        if request is None:
            return
        _LOGGER.info(
            "#%d %s attempt %d failed with %s; the next one in %.3g s",
            request.number, request.provider_name, request.attempt, _line(error), delay,
        )  # fmt: skip
        await self._tell("on_retry", RetryEvent(request, error, delay))

    async def answered(self, heard: Heard, timing: Timing) -> None:
        """The answer is whole."""
        event = self._end_with(heard, timing, complete=True)
        if event is not None:
            await self._tell("on_response", event)

    async def failed(self, error: BaseException, timing: Timing) -> None:
        """The call has failed for good."""
        if not isinstance(error, Exception):
            self.left(error, None, timing)
            return
        event = self._end_in(error, timing)
        if event is not None:
            await self._tell("on_error", event)

    # --- told where nobody can wait

    def left(self, error: BaseException | None, heard: Heard | None, timing: Timing) -> None:
        """The program has left: a call was cancelled, or a stream not read to its end."""
        if error is None and heard is None:
            error = StreamError("the stream was closed before its answer had begun")
        if error is not None:
            failed = self._end_in(error, timing)
            if failed is not None:
                self._tell_soon("on_error", failed)
        elif heard is not None:
            event = self._end_with(heard, timing, complete=False)
            if event is not None:
                self._tell_soon("on_response", event)

    # --- what is said

    def _end_with(self, heard: Heard, timing: Timing, *, complete: bool) -> ResponseEvent | None:
        request = self._request
        if request is None or self._over:
            return None
        self._over = True
        value = heard.value
        event = ResponseEvent(
            request,
            heard.status,
            masked(_shown(heard.headers), self._secrets),
            complete,
            request_id_from(heard.headers),
            None if heard.cached else rate_limits_from(heard.headers),
            timing,
            heard.cached,
            getattr(value, "id", None),
            getattr(value, "model", None),
            getattr(value, "usage", None),
            getattr(value, "message", None),
        )
        if _LOGGER.isEnabledFor(logging.DEBUG):
            _LOGGER.debug(
                "#%d %s %s %d in %.3f s%s", request.number, request.provider_name,
                "answered" if complete else "was left after", event.status, timing.total or 0.0, _details(event),
            )  # fmt: skip
        if value is not None and _BODIES.isEnabledFor(logging.DEBUG):
            said = getattr(value, "original", value)
            text = _excerpt(said) if isinstance(said, bytes) else dumps_text(said)[:_LONGEST_BODY]
            _BODIES.debug("#%d got %s", request.number, masked(text, self._secrets))
        return event

    def _end_in(self, error: BaseException, timing: Timing) -> ErrorEvent | None:
        request = self._request
        if request is None or self._over:
            return None
        self._over = True
        if _LOGGER.isEnabledFor(logging.DEBUG):
            _LOGGER.debug(
                "#%d %s failed after %.3f s and %d attempts with %s",
                request.number, request.provider_name, timing.total or 0.0, request.attempt, _line(error),
            )  # fmt: skip
        if isinstance(error, APIStatusError) and _BODIES.isEnabledFor(logging.DEBUG):
            _BODIES.debug("#%d got %s", request.number, dumps_text(error.body)[:_LONGEST_BODY])
        return ErrorEvent(request, error, timing)

    # --- whom it is said to

    async def _tell(self, name: str, event: Any) -> None:
        for hooks in self._hooks:
            hook = getattr(hooks, name)
            if hook is not None:
                try:
                    told = hook(event)
                    if inspect.isawaitable(told):
                        await told
                except BaseException as error:
                    self.failure = error
                    raise

    def _tell_soon(self, name: str, event: Any) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # the event loop has ended before the stream was dropped: there is nobody left to run a hook
        for hooks in self._hooks:
            hook = getattr(hooks, name)
            if hook is not None:
                loop.call_soon(_run, hook, event)


def _run(hook: Any, event: Any) -> None:
    told = hook(event)
    if inspect.isawaitable(told):
        task = asyncio.ensure_future(told)
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: MASK if _is_secret(name, value) else value for name, value in headers.items()}


def _is_secret(name: str, value: str) -> bool:
    """Whether a header's value is not to be shown: it holds the key, or its name says that it may hold one."""
    if isinstance(value, Secret) or is_credential(name):
        return True
    lowered = name.lower()
    # Counts of tokens are not tokens.
    return any(word in lowered for word in _SECRET_NAMES) and "ratelimit" not in lowered and "tokens" not in lowered


def _line(error: BaseException) -> str:
    """An error on one line; what a server says may have several."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


def _excerpt(content: bytes) -> str:
    text = content[:_LONGEST_BODY].decode("utf-8", "replace")
    return text if len(content) <= _LONGEST_BODY else f"{text}… ({len(content)} bytes)"


def _details(event: ResponseEvent) -> str:
    """What is known beside the status, each with a comma in front."""
    details = [] if event.request_id is None else [f"request id {event.request_id}"]
    if event.timing.first_chunk is not None:
        details.append(f"first chunk after {event.timing.first_chunk:.3f} s")
    usage = event.usage
    if usage is not None and usage.input_tokens is not None:
        details.append(f"{usage.input_tokens} tokens in, {usage.output_tokens or 0} out")
    return "".join(f", {detail}" for detail in details)
