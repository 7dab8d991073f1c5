"""A tool's result as a message, also from providers that are not this library's own.

What belongs here: what an agent must know about a provider beyond ``acomplete``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ._json import dumps_text
from .models import ToolCall

__all__ = ["executes_tools_itself", "result_message", "text_of"]


def executes_tools_itself(provider: Any) -> bool:
    """Whether a provider's own ``execute_tool`` has to run its tools.

    That is so where it replaces this library's (in a subclass, or on the object), and where there is no ``tool_result``
    beside it, as in a provider written for 0.5.
    """
    result = _depth(provider, "tool_result")
    return hasattr(provider, "execute_tool") and (result == math.inf or _depth(provider, "execute_tool") < result)


def _depth(provider: Any, name: str) -> float:
    """How many classes lie between a provider and the definition of one of its attributes."""
    if name in getattr(provider, "__dict__", ()):
        return -1
    return next((depth for depth, cls in enumerate(type(provider).__mro__) if name in vars(cls)), math.inf)


async def result_message(
    provider: Any, call: ToolCall, content: str | list[dict[str, Any]], *, is_error: bool
) -> dict[str, Any]:
    """The message that hands ``content`` back to the model: in the provider's own form, else in that of Chat."""
    if _depth(provider, "tool_result") < math.inf:
        with suppress(NotImplementedError):  # of a class that has no protocol
            message: dict[str, Any] = provider.tool_result(call, content, is_error=is_error)
            return message
    if executes_tools_itself(provider):
        # It is asked for the form alone: the function that it finds takes anything and gives the text.
        function = None if call.function is None else {**call.function, "arguments": "{}"}
        arguments = call.input if call.input is None or call.function is not None else {}
        empty = replace(call, function=function, input=arguments, incomplete=False)
        return await provider.execute_tool(empty, {call.name or "": lambda **_: content})  # type: ignore[no-any-return]
    return {"role": "tool", "tool_call_id": call.call_id, "content": content}


def text_of(message: Any) -> str:
    """The text in a message that somebody else's ``execute_tool`` made."""
    for key in ("content", "output"):
        if isinstance(message, Mapping) and isinstance(message.get(key), str):
            return str(message[key])
    try:
        return dumps_text(message)
    except (TypeError, ValueError):
        return str(message)
