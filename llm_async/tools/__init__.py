"""Tools: from a function to what the model sees, and from the model's call to the function's result.

One direction: ``annotations`` reads types into ``shapes``, ``signature`` makes a schema of a function's parameters
(``definitions`` keeps its named parts), ``decorator`` makes the Tool. The other: ``calling`` finds the function and runs
it, ``signature`` turns the arguments into the annotated types, ``results`` turns what comes back into text. ``libraries``
is the only place that knows pydantic, msgspec and docstring-parser, none of which is needed for the simple types.
"""

from __future__ import annotations

from ..tool import tool
from .calling import run_tool, tool_content
from .decorator import ToolFunction

__all__ = ["ToolFunction", "run_tool", "tool", "tool_content"]
