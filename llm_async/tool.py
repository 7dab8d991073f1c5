"""``@tool``: a function becomes a tool.

What belongs here: the decorator's face, and nothing that takes time to import. The work is done in
:mod:`llm_async.tools`, which is imported when the first function is decorated.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import ParamSpec, TypeVar

    from .tools.decorator import ToolFunction

    P = ParamSpec("P")
    R = TypeVar("R")

__all__ = ["tool"]


@overload
def tool(function: Callable[P, R], /) -> ToolFunction[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    run_sync_in_thread: bool = True,
) -> Callable[[Callable[P, R]], ToolFunction[P, R]]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    run_sync_in_thread: bool = True,
) -> Any:
    """Make a tool of a function: ``@tool``, or ``@tool(name="…")`` with options.

    What comes back is called like the function and has an attribute ``tool``: the
    :class:`~llm_async.models.Tool` with its name, its description and the JSON Schema of its arguments. An async
    function stays one.

    Every parameter is a property of the schema, except for ``self``, ``cls``, ``*args`` and ``**kwargs``. One without a
    default is required, unless its type is ``Optional``: then it is None where the model leaves it out. One without an
    annotation is not shown to the model; ``Any`` says that it takes any JSON value. A default that has a JSON form is
    shown to the model. A parameter is described by ``Annotated[int, "what it is"]``, else by its entry in the docstring
    (Google, NumPy, Sphinx or Epydoc style), which is read with the ``docstring-parser`` package
    (``pip install llm-async[docstrings]``).

    Built in are str, int, float, bool, None, Any, Literal, Enum, list, dict, tuple, set and their relatives in
    ``collections.abc``, Optional, unions, NewType, TypedDict and dataclasses. Everything else (dates, UUIDs, constraints,
    pydantic models, msgspec structs …) is read by pydantic or msgspec (``pip install llm-async[pydantic]``,
    ``llm-async[msgspec]``).

    Args:
        name: the tool's name; None is the function's.
        description: what the tool does; None is the whole docstring, cleaned of its indentation.
        parameters: a JSON Schema to use in place of the one made from the signature. A parameter whose annotation is
            unsupported then takes its argument as it comes.
        run_sync_in_thread: False runs a tool that is no coroutine function in the event loop's own thread, for what is
            bound to its thread; it blocks the loop while it runs.

    Raises:
        TypeError: an annotation is unsupported or cannot be resolved; the text names the parameter.
    """
    from .tools.decorator import decorate

    # Types that are local to the function around the decorated one are found through its frame.
    frame = sys._getframe(1)

    def decorated(function: Callable[..., Any]) -> Any:
        return decorate(
            function,
            name=name,
            description=description,
            parameters=parameters,
            run_sync_in_thread=run_sync_in_thread,
            frame=frame,
        )

    return decorated if function is None else decorated(function)
