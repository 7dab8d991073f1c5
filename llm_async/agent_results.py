"""A tool's result as a message, also from providers that are not this library's own.

What belongs here: what an agent must know about a provider beyond ``acomplete``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._json import dumps_text
from .models import ToolCall

__all__ = ["executes_tools_itself", "result_message", "text_of"]


def executes_tools_itself(provider: Any) -> bool:
    """Whether a provider's own ``execute_tool`` has to run its tools.

    That is so where it replaces this library's (in a subclass, or on the object), and where there is no
    :meth:`tool_result`, as in a provider written for 0.5.
    """
    if "execute_tool" in getattr(provider, "__dict__", ()):
        return True
    for cls in type(provider).__mro__:
        if "tool_result" in vars(cls):
            return False
        if "execute_tool" in vars(cls):
            return True
    return True


async def result_message(provider: Any, call: ToolCall, content: str, *, is_error: bool) -> dict[str, Any]:
    """The message that hands ``content`` back to the model."""
    if hasattr(type(provider), "tool_result"):
        message: dict[str, Any] = provider.tool_result(call, content, is_error=is_error)
        return message
    # execute_tool is asked for its format alone: the tool it finds takes anything and gives the text.
    function = None if call.function is None else {**call.function, "arguments": "{}"}
    arguments = call.input if call.input is None or call.function is not None else {}
    empty = replace(call, function=function, input=arguments, incomplete=False)
    return await provider.execute_tool(empty, {call.name or "": lambda **_: content})  # type: ignore[no-any-return]


def text_of(message: Any) -> str:
    """The text in a message that somebody else's ``execute_tool`` made."""
    for key in ("content", "output"):
        if isinstance(message, Mapping) and isinstance(message.get(key), str):
            return str(message[key])
    try:
        return dumps_text(message)
    except (TypeError, ValueError):
        return str(message)
