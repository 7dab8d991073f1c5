"""Fallback: several providers as one. The next is asked when one fails before it has said anything.

What belongs here: who is asked, in which order, and which failures are a reason to go on. A stream that changes its
provider before its first chunk is ``fallback_stream``'s business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, Literal, NamedTuple, NoReturn, Union, overload

from .errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    LLMError,
    ProtocolError,
    StreamError,
    UnsupportedError,
)
from .fallback_stream import FallbackStream
from .models import ParsedResponse, ParsedStreamingResponse, Response, StreamingResponse, Timeouts, ToolCall
from .models.failed_call import FailedCall
from .protocols.elsewhere import is_refused_everywhere
from .providers.arguments import Deadlines, Headers, Messages, Schema, SchemaOf, T, Tools

__all__ = ["FailedCall", "Fallback", "Member", "another_may_help"]

_log = logging.getLogger("llm_async")

# What a member's options cannot say; its model stands beside them.
_OF_THE_CALL = ("model", "messages", "stream")

# How much too early a timer may go off, generously.
_TIMER_SECONDS = 0.05

#: Which errors are a reason to ask the next provider: classes of them, or a function that says so of an error.
On = Union[type[BaseException], Iterable[type[BaseException]], Callable[[Exception], bool]]


class Member(NamedTuple):
    """One of those that a :class:`Fallback` asks. A tuple of the same values does as well.

    Attributes:
        provider: whom to ask; also another :class:`Fallback`.
        model: its model's name, whatever model a call names; a mapping gives its name for each model that a call may name;
            None takes the model of the call.
        options: keyword arguments of every call of it, over those of the call.
    """

    provider: Any
    model: str | Mapping[str, str] | None = None
    options: Mapping[str, Any] = {}

    @property
    def name(self) -> str:
        """The provider's name."""
        return str(self.provider.name()) if hasattr(self.provider, "name") else type(self.provider).__name__

    def model_for(self, model: str | None) -> str | None:
        """The model to ask this provider for, in a call that names ``model``.

        Raises:
            ValueError: there is none.
        """
        if isinstance(self.model, Mapping):
            if model is None or model not in self.model:
                known = ", ".join(map(repr, self.model))
                raise ValueError(
                    f"{self.name} has no name for the model {model!r} in this fallback; it has one for {known}"
                )
            model = self.model[model]
        elif self.model is not None:
            model = self.model
        check = getattr(self.provider, "_check_model", None)
        if check is not None:
            check(model)
        return model


def another_may_help(error: Exception) -> bool:
    """Whether an error is one that another provider may not have: what ``on=None`` asks.

    That is: the connection failed or a deadline passed; the provider said no to the account (wrong key, no credit, no
    permission, too many requests), to the model (unknown, too small for the conversation) or to everybody (overloaded,
    5xx); it said nonsense or ended early; it has no place for what was asked (:class:`UnsupportedError`); there are no
    credentials for it on this machine. It is not: a request that is wrong in itself (400, 422), or a wrong argument
    (ValueError, TypeError).
    """
    if isinstance(error, APIStatusError):
        return not is_refused_everywhere(error)
    # LLMError itself is raised where nothing was sent: Vertex AI, on a machine that has no credentials.
    own = type(error) is LLMError
    return own or isinstance(error, (APIConnectionError, ProtocolError, StreamError, UnsupportedError))


class Fallback:
    """Asks the first provider, and when that fails before it has said anything, the next one.

    It behaves as a provider: for answers, streams and tools, and for an :class:`~llm_async.Agent`. Each provider makes its
    own attempts, as its ``retry_config`` says, before the next one is asked; every call begins with the first one. Messages
    are the same for all: a conversation that one of them has answered goes on with any other.

    ``response.provider_name`` and ``response.model`` say who has answered, ``response.fallbacks`` who had failed before,
    and with what. When all fail, the last error is raised; its ``fallbacks`` are the earlier ones.

    Args:
        members: providers, pairs of a provider and its model, or :class:`Member` objects, in the order in which they are
            asked. They may be of any kind, also other Fallbacks.
        on: which errors are a reason to ask the next one: classes, or a function that is asked for each error. None is
            :func:`another_may_help`.

    Raises:
        ValueError, TypeError: there is no member, or one is none.
    """

    def __init__(self, members: Iterable[Any], *, on: On | None = None) -> None:
        self.members: tuple[Member, ...] = tuple(_member(each, place) for place, each in enumerate(members))
        if not self.members:
            raise ValueError("a Fallback needs at least one provider")
        self._may_help = _rule(on)

    @classmethod
    def name(cls) -> str:
        """``"fallback"``. A response has the name of the provider that has answered."""
        return "fallback"

    def __repr__(self) -> str:
        return f"<Fallback of {', '.join(member.name for member in self.members)}>"

    # --- asking

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages = (), stream: Literal[False] = False,
        tools: Tools | None = None, tool_choice: Any = None, *, response_schema: SchemaOf[T],
        headers: Headers | None = None, timeouts: Deadlines | None = None, **kwargs: Any,
    ) -> ParsedResponse[T]: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages = (), *, stream: Literal[True],
        response_schema: SchemaOf[T], tools: Tools | None = None, tool_choice: Any = None,
        headers: Headers | None = None, timeouts: Deadlines | None = None, **kwargs: Any,
    ) -> ParsedStreamingResponse[T]: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages = (), stream: Literal[False] = False,
        tools: Tools | None = None, tool_choice: Any = None, response_schema: Schema | None = None,
        headers: Headers | None = None, *, timeouts: Deadlines | None = None, **kwargs: Any,
    ) -> Response: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages = (), *, stream: Literal[True],
        tools: Tools | None = None, tool_choice: Any = None, response_schema: Schema | None = None,
        headers: Headers | None = None, timeouts: Deadlines | None = None, **kwargs: Any,
    ) -> StreamingResponse: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None, messages: Messages, stream: Literal[True],
        tools: Tools | None = None, tool_choice: Any = None, response_schema: Schema | None = None,
        headers: Headers | None = None, *, timeouts: Deadlines | None = None, **kwargs: Any,
    ) -> StreamingResponse: ...  # fmt: skip

    @overload
    async def acomplete(
        self, model: str | None = None, messages: Messages = (), stream: bool = False,
        tools: Tools | None = None, tool_choice: Any = None, response_schema: Schema | None = None,
        headers: Headers | None = None, *, timeouts: Deadlines | None = None, **kwargs: Any,
    ) -> Response | StreamingResponse: ...  # fmt: skip

    async def acomplete(
        self,
        model: str | None = None,
        messages: Messages = (),
        stream: bool = False,
        tools: Tools | None = None,
        tool_choice: Any = None,
        response_schema: Schema | None = None,
        headers: Headers | None = None,
        *,
        timeouts: Deadlines | None = None,
        **kwargs: Any,
    ) -> Response:
        """Ask the providers, one after another, until one answers; see :meth:`BaseProvider.acomplete`.

        Args:
            model: the model for members that have none of their own.
            messages: the conversation, also one that other providers have answered.
            stream: True returns a stream. It changes the provider before its first chunk, never after it.
            tools, tool_choice, response_schema, headers, kwargs: given to every provider that is asked.
            timeouts: deadlines of each provider's call; its total is that of them all together.

        Raises:
            ValueError, TypeError: a wrong argument; nothing was sent.
            LLMError: the error of the last provider that was asked. For a stream, at its first step or later.
        """
        given = {
            "tools": list(tools) if isinstance(tools, Iterator) else tools,
            "tool_choice": tool_choice,
            "response_schema": response_schema,
            "headers": headers,
        }
        arguments = {name: value for name, value in given.items() if value is not None} | kwargs
        models = [member.model_for(model) for member in self.members]
        question = Question(self.members, models, self._may_help, messages, stream, arguments, timeouts)
        if not stream:
            question.start_clock()
            return question.told_of(await question.ask())
        first = await question.ask()
        response = Response.streaming(first.provider_name)
        FallbackStream(question, first, response)
        return response

    def _check_model(self, model: str | None) -> None:
        """Raise what is wrong with a model's name for any member, where this is itself a member of a Fallback."""
        for member in self.members:
            member.model_for(model)

    # --- tools

    async def execute_tool(
        self, tool_call: ToolCall, tools_map: Mapping[str, Callable[..., Any]], *, run_sync_in_thread: bool = True
    ) -> dict[str, Any]:
        """Run the tool that a model called; see :meth:`BaseProvider.execute_tool`.

        Raises:
            ToolError: also a ValueError: the tool is unknown, or the arguments cannot be used.
            Exception: the tool's own, unchanged.
        """
        from .tools import tool_content

        content = await tool_content(tool_call, tools_map, run_sync_in_thread=run_sync_in_thread)
        return self.tool_result(tool_call, content)

    def tool_result(self, tool_call: ToolCall, content: Any, *, is_error: bool = False) -> dict[str, Any]:
        """The message that hands ``content`` back to the model as a call's result, in a form that every provider reads.

        See :meth:`BaseProvider.tool_result`.
        """
        if not isinstance(content, str):
            from .tools.results import result_content

            content = result_content(content)
        if not is_error:
            return {"role": "tool", "tool_call_id": tool_call.call_id, "content": content}
        # Chat's form has no place for it. Claude's has one, and is read by all.
        result = {"type": "tool_result", "tool_use_id": tool_call.call_id, "content": content, "is_error": True}
        return {"role": "user", "content": [result]}

    # --- what is not a conversation

    async def request(self, *args: Any, **kwargs: Any) -> NoReturn:
        """UnsupportedError: paths are one API's; use the provider's own ``request``."""
        self._refuse("request")

    async def list_models(self, *args: Any, **kwargs: Any) -> NoReturn:
        """UnsupportedError: models are one provider's; use its own ``list_models``."""
        self._refuse("list_models")

    async def embed(self, *args: Any, **kwargs: Any) -> NoReturn:
        """UnsupportedError: vectors of different models cannot be compared; use one provider's ``embed``."""
        self._refuse("embed")

    async def count_tokens(self, *args: Any, **kwargs: Any) -> NoReturn:
        """UnsupportedError: every model counts otherwise; use one provider's ``count_tokens``."""
        self._refuse("count_tokens")

    def _refuse(self, what: str) -> NoReturn:
        raise UnsupportedError(f"{what} is a matter of one provider: call it on one of the members of this Fallback")

    # --- closing

    async def __aenter__(self) -> Fallback:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections of all providers. They can be used again afterwards."""
        async with AsyncExitStack() as closing:
            for provider in {id(member.provider): member.provider for member in self.members}.values():
                if hasattr(provider, "aclose"):
                    closing.push_async_callback(provider.aclose)


def _member(value: Any, place: int) -> Member:
    if isinstance(value, (tuple, list)):
        if not 1 <= len(value) <= len(Member._fields):
            raise TypeError(f"members[{place}] must be a provider, or a provider, its model and options for it")
        member = Member(*value)
    else:
        member = Member(value)
    if isinstance(member.provider, type):
        raise TypeError(f"members[{place}] must be a provider, not the class {member.provider.__name__}")
    if not callable(getattr(member.provider, "acomplete", None)):
        raise TypeError(f"members[{place}] must be a provider, not {type(member.provider).__name__}")
    if member.model is not None and not isinstance(member.model, (str, Mapping)):
        raise TypeError(f"members[{place}]: the model must be a str or a mapping, not {type(member.model).__name__}")
    if not isinstance(member.options, Mapping):
        raise TypeError(f"members[{place}]: the options must be a mapping, not {type(member.options).__name__}")
    for name in member.options:
        if not isinstance(name, str) or name in _OF_THE_CALL:
            raise TypeError(f"members[{place}]: {name!r} cannot be an option: {', '.join(_OF_THE_CALL)} are the call's")
    return member


def _rule(on: On | None) -> Callable[[Exception], bool]:
    if on is None:
        return another_may_help
    if callable(on) and not isinstance(on, type):
        if iscoroutinefunction(on):
            raise TypeError("on must be an ordinary function: what an async one says is not known at once")
        return on
    classes = (on,) if isinstance(on, type) else tuple(on)
    for each in classes:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"on must be classes of exceptions, or a function, and {each!r} is neither")
    return partial(_is_one_of, classes)


def _is_one_of(classes: tuple[type[BaseException], ...], error: Exception) -> bool:
    return isinstance(error, classes)


class Question:
    """One call on its way from member to member.

    Attributes:
        failed: the calls that failed, in their order.
    """

    def __init__(
        self,
        members: Sequence[Member],
        models: Sequence[str | None],
        may_help: Callable[[Exception], bool],
        messages: Any,
        stream: bool,
        arguments: dict[str, Any],
        timeouts: Deadlines | None,
    ) -> None:
        self.failed: tuple[FailedCall, ...] = ()
        self._members = members
        self._models = models
        self._may_help = may_help
        # An iterator would be used up by the first member.
        self._messages = list(messages) if isinstance(messages, Iterator) else messages
        self._stream = stream
        self._arguments = arguments
        self._timeouts = timeouts
        self._total = Timeouts.coerce(timeouts, Timeouts()).total
        self._total_at: float | None = None  # on the loop's clock
        self._place = 0  # of the member whose turn it is

    def start_clock(self) -> None:
        """The first request is about to be sent: the time that the call has in total begins."""
        if self._total_at is None and self._total is not None:
            self._total_at = asyncio.get_running_loop().time() + self._total

    async def ask(self) -> Response:
        """The answer of the member whose turn it is, else of the next that does not fail."""
        while True:
            try:
                return await self._ask()
            except Exception as error:
                if not self.goes_on_after(error):
                    raise

    async def _ask(self) -> Response:
        member, model = self._members[self._place], self._models[self._place]
        arguments = self._arguments
        if self._timeouts is not None:
            arguments = {"timeouts": self._time_left(), **arguments}
        response: Response = await member.provider.acomplete(
            model, self._messages, stream=self._stream, **{**arguments, **member.options}
        )
        return response

    def goes_on_after(self, error: Exception) -> bool:
        """Whether another member is to be asked, whose turn it is then; if not, ``error`` is the call's."""
        last = self._place + 1 == len(self._members) or self._is_over(error)
        if last or not self._may_help(error):
            self._tell(error)
            return False
        member, model = self._members[self._place], self._models[self._place]
        _log.info("%s failed with %s; %s is asked", member.name, _said(error), self._members[self._place + 1].name)
        # A member that is a Fallback has its own failures, which came before this one.
        earlier: tuple[FailedCall, ...] = getattr(error, "fallbacks", ())
        self.failed += (*earlier, FailedCall(member.name, model, _without_traceback(error)))
        self._place += 1
        return True

    def told_of(self, response: Response) -> Response:
        """``response``, in which the calls stand that failed before it."""
        response.fallbacks = (*self.failed, *response.fallbacks)
        return response

    def _tell(self, error: Exception) -> None:
        """Let the error that is raised say what had failed before it."""
        if not self.failed:
            return
        if isinstance(error, LLMError):
            error.fallbacks = (*self.failed, *error.fallbacks)
        if hasattr(error, "add_note"):  # from 3.11 on
            for call in self.failed:
                error.add_note(f"before that, {call.provider_name} failed with {_said(call.error)}")

    def _is_over(self, error: Exception) -> bool:
        """Whether the call's time was up when ``error`` came."""
        if self._total_at is None:
            return False
        late = isinstance(error, APITimeoutError) and error.deadline == "total"
        return asyncio.get_running_loop().time() >= self._total_at - (_TIMER_SECONDS if late else 0)

    def _time_left(self) -> Deadlines:
        """The deadlines for the next call: of the total, what is left of it."""
        assert self._timeouts is not None
        if self._total_at is None:
            return self._timeouts
        left = max(self._total_at - asyncio.get_running_loop().time(), 0.001)
        return replace(self._timeouts, total=left) if isinstance(self._timeouts, Timeouts) else left


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _without_traceback(error: Exception) -> Exception:
    """The error alone: its traceback, and those of its causes, would keep alive all that the failed call has used."""
    each: BaseException | None = error
    seen: set[int] = set()  # an error may be raised from itself
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.__traceback__ = None
        each = each.__context__ if each.__cause__ is None else each.__cause__
    return error
