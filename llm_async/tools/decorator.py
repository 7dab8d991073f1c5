"""The work behind ``@tool``: the wrapper around a function, and the Tool that it carries.

What belongs here: what a tool *is*. How it is called for a model is the business of ``calling``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, ParamSpec, Protocol, TypeVar

from ..models import Tool
from .libraries import UnsupportedAnnotation
from .signature import Signature

__all__ = ["ToolFunction", "ToolRecord", "as_tool", "decorate", "is_async", "tool_record"]

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class ToolFunction(Protocol[P, R]):
    """A function under ``@tool``: called as before, with the :class:`~llm_async.models.Tool` as ``tool``."""

    __name__: str
    tool: Tool

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    def __get__(self, instance: Any, owner: type | None = None, /) -> ToolFunction[..., R]: ...


class ToolRecord:
    """What a wrapper remembers of its function, for the call.

    Attributes:
        signature: turns a model's arguments into the function's; None, for a function that has none, passes them on.
        run_sync_in_thread: whether a function that is no coroutine function may run in a thread.
    """

    def __init__(self, signature: Signature | None, run_sync_in_thread: bool) -> None:
        self.signature = signature
        self.run_sync_in_thread = run_sync_in_thread


def decorate(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    run_sync_in_thread: bool = True,
    frame: FrameType | None = None,
) -> Any:
    """The function under ``@tool``; see :func:`llm_async.tool.tool`. ``frame`` is where that stands."""
    if not callable(function):
        raise TypeError(f"tool: expected a function, got {type(function).__name__} (above @tool, not under it?)")
    # A partial has no name, and its docstring is that of functools.partial.
    named = function.func if isinstance(function, functools.partial) else function
    name = name or _name(named)
    docstring = inspect.getdoc(named) or ""
    try:
        signature = Signature(function, lenient=parameters is not None, frame=frame)
    except UnsupportedAnnotation as error:
        raise TypeError(f"tool {name!r}: {error}") from error
    schema = signature.schema(docstring) if parameters is None else dict(parameters)
    wrapper: Any = _wrapper(function)
    wrapper.tool = Tool(name, docstring if description is None else description, schema, schema)
    wrapper._tool_record = ToolRecord(signature, run_sync_in_thread)
    return wrapper


def as_tool(function: Any) -> Any:
    """A function under ``@tool`` as it is; any other one is put under it.

    Raises:
        TypeError: it is no function, or no tool can be made of it.
    """
    return function if isinstance(getattr(function, "tool", None), Tool) else decorate(function)


def tool_record(function: Any) -> ToolRecord | None:
    """What :func:`decorate` noted about a function, also where it is a bound method; None for a plain function."""
    record = getattr(function, "_tool_record", None)
    return record if isinstance(record, ToolRecord) else None


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling ``function`` gives a coroutine: a coroutine function, or an object whose ``__call__`` is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", None)
    if name is None or name == "<lambda>":
        raise TypeError(f"tool: {function!r} has no name of its own; give one with tool(name=…)")
    return str(name)


def _wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
    if is_async(function):

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            return await function(*args, **kwargs)

        return run_async

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return run
