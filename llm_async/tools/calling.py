"""Running the tool that a model called.

What belongs here: from a ToolCall and a table of functions to the text of the result. What is reported to the model, and
in which form, is decided by the callers.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from .._json import dumps_text, loads
from ..errors import ToolArgumentError, ToolError
from ..models import ToolCall
from ..models.parts import Part
from .decorator import ToolRecord, is_async, tool_record
from .results import result_content
from .signature import Signature

__all__ = ["run_tool", "tool_content"]

# The type of the calls to OpenAI's custom tools, which take a text, whatever that looks like.
_FREE_TEXT = "custom"

# The types of calls that a function can answer; above all not of those that the provider has answered itself.
_RUNNABLE = ("function", "tool_use", _FREE_TEXT)

# Signatures of functions that are not under @tool, so that each is read once.
_plain_functions: WeakKeyDictionary[Callable[..., Any], ToolRecord] = WeakKeyDictionary()


async def run_tool(
    call: ToolCall, tools_map: Mapping[str, Callable[..., Any]], *, run_sync_in_thread: bool = True
) -> str:
    """Run the function that ``call`` asks for, and give its result as text, see :func:`.results.result_text`.

    As :func:`tool_content`, for those who have no use for images and files.
    """
    content = await tool_content(call, tools_map, run_sync_in_thread=run_sync_in_thread)
    return content if isinstance(content, str) else dumps_text(content)


async def tool_content(
    call: ToolCall, tools_map: Mapping[str, Callable[..., Any]], *, run_sync_in_thread: bool = True
) -> str | list[Part]:
    """Run the function that ``call`` asks for, and give its result as the model is to see it.

    That is text, a str as it is and anything else as JSON, unless the function gave a content part or a list of them (see
    :mod:`llm_async.parts`), such as an image: these are shown to the model.

    An async function is awaited. Any other one runs in a thread of its own, with the caller's context variables, so that
    the event loop goes on meanwhile; when the caller is cancelled, nobody waits for it any more, but it cannot be stopped.

    Args:
        call: a tool call of any provider. Its arguments are turned into the annotated types (see
            :mod:`llm_async.tools.shapes`); a JSON value that is no object is the function's first argument.
        tools_map: functions by name, plain or under ``@tool``.
        run_sync_in_thread: False runs a sync function in the event loop's own thread, as ``@tool`` can ask for, too.

    Raises:
        ToolArgumentError: a ToolError and a ValueError: there is no such tool, or its arguments cannot be used.
        ToolError: the result has no JSON form.
        Exception: the tool's own, unchanged.
    """
    name, function = _find(call, tools_map)
    record = _record(function)
    arguments = _arguments(call, name)
    if record.signature is not None:
        positional, by_name = record.signature.bind(arguments, name, as_given=call.type == _FREE_TEXT)
    elif isinstance(arguments, dict):
        positional, by_name = [], arguments
    else:
        positional, by_name = [arguments], {}
    work = functools.partial(function, *positional, **by_name)
    if run_sync_in_thread and record.run_sync_in_thread and not is_async(function):
        result = await _in_thread(work)
    else:
        result = work()
    if inspect.isawaitable(result):
        # Not only from an async function: a lambda around one gives a coroutine, too.
        result = await result
    try:
        return result_content(result)
    except (TypeError, ValueError) as error:
        raise ToolError(
            f"tool {name!r}: its result cannot be given to a model: {error}", tool=name, arguments=arguments
        ) from error


def _find(call: ToolCall, tools_map: Mapping[str, Callable[..., Any]]) -> tuple[str, Callable[..., Any]]:
    if not hasattr(call, "arguments"):
        raise TypeError(f"tool_call must be a ToolCall, not {type(call).__name__}")
    if not isinstance(tools_map, Mapping):
        raise TypeError(f"tools_map must be a mapping of names to functions, not {type(tools_map).__name__}")
    name = call.name
    if not name or call.type not in _RUNNABLE:
        raise ToolArgumentError("no tool defined", arguments=call.arguments)
    function = tools_map.get(name)
    if function is None:
        known = ", ".join(tools_map) or "none"
        raise ToolArgumentError(
            f"Tool {name} not found in tools_map (known tools: {known})", tool=name, arguments=call.arguments
        )
    return name, function


def _record(function: Callable[..., Any]) -> ToolRecord:
    record = tool_record(function)
    if record is not None:
        return record
    try:
        record = _plain_functions.get(function)
        if record is None:
            record = _plain_functions[function] = _read(function)
    except TypeError:
        # Not hashable, or nothing that can be referred to weakly.
        return _read(function)
    return record


def _read(function: Callable[..., Any]) -> ToolRecord:
    try:
        return ToolRecord(Signature(function, lenient=True), run_sync_in_thread=True)
    except (TypeError, ValueError):
        # No signature, as with some builtins: the function itself says what it does not like.
        return ToolRecord(None, run_sync_in_thread=True)


def _arguments(call: ToolCall, name: str) -> Any:
    """The arguments, decoded: an object, or another JSON value."""
    arguments = call.arguments
    if call.incomplete:
        raise ToolArgumentError(
            f"tool {name!r}: the answer was cut off before the arguments were complete", tool=name, arguments=arguments
        )
    if call.type == _FREE_TEXT:
        return call.arguments_text
    if isinstance(arguments, dict):
        return arguments
    try:
        return loads(arguments)
    except ValueError as error:
        raise ToolArgumentError(
            f"tool {name!r}: the arguments are not JSON: {_beginning(arguments)}", tool=name, arguments=arguments
        ) from error


def _beginning(text: str) -> str:
    return repr(text) if len(text) <= 200 else repr(text[:200]) + "…"


async def _in_thread(work: Callable[[], Any]) -> Any:
    """``work()`` in a thread of its own.

    Not in the event loop's executor: that one is small, looks up host names too, and is waited for at the loop's end.
    """
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    done: asyncio.Future[None] = loop.create_future()
    outcomes: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            outcomes.append((context.run(work), None))
        except BaseException as error:  # noqa: BLE001 - raised again, unchanged, by the one who waits
            outcomes.append((None, error))
        # A closed loop is a RuntimeError: nobody is there any more to be told.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_wake, done)

    threading.Thread(target=run, name="llm-async tool", daemon=True).start()
    await done
    result, error = outcomes.pop()
    try:
        if error is not None:
            raise error
        return result
    finally:
        # The error's traceback holds this frame, which must not hold the error in turn.
        del error


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
