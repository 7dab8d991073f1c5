"""The hot paths, compiled where that is possible and plain where it is not, with identical results.

Each ``NAME_py`` module describes a behaviour; its compiled twin ``NAME_c`` does the same faster. Here they are chosen, once
and all together: a half-compiled process is a state that nobody tests. ``COMPILED`` says which, ``REASON`` why.

The environment may decide (``0`` and empty mean no):

``LLM_ASYNC_NO_EXTENSIONS=1``       the plain twins, whatever is installed
``LLM_ASYNC_REQUIRE_EXTENSIONS=1``  an ImportError when the compiled twins cannot be used
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from .values import ErrorPayload, FramingError

__all__ = [
    "COMPILED",
    "REASON",
    "Chunk",
    "ChunkedDecoder",
    "DeltaMerger",
    "ErrorPayload",
    "EventDecoder",
    "Fragments",
    "FramingError",
    "PartialJSON",
    "ToolCallAccumulator",
]

_COMPILED_TWINS = ("deltas_c", "fragments_c", "framing_c", "partial_json_c", "sse_c", "tool_calls_c")


def _is_set(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


def _look() -> tuple[bool, str]:
    """Whether the compiled twins serve, and why."""
    refused, required = _is_set("LLM_ASYNC_NO_EXTENSIONS"), _is_set("LLM_ASYNC_REQUIRE_EXTENSIONS")
    if refused and required:
        raise ImportError("LLM_ASYNC_NO_EXTENSIONS and LLM_ASYNC_REQUIRE_EXTENSIONS are both set; unset one of them")
    if refused:
        return False, "LLM_ASYNC_NO_EXTENSIONS is set"
    try:
        for name in _COMPILED_TWINS:
            import_module(f"{__name__}.{name}")
    except Exception as error:  # an extension that was built for something else may raise anything
        absent = isinstance(error, ModuleNotFoundError) and (error.name or "").startswith(f"{__name__}.")
        state = "no compiled extensions are installed" if absent else "the compiled extensions cannot be loaded"
        reason = f"{state}: {error}"
        if required:
            raise ImportError(f"LLM_ASYNC_REQUIRE_EXTENSIONS is set, and {reason}") from error
        return False, reason
    return True, "compiled extensions in use"


COMPILED, REASON = _look()

if TYPE_CHECKING or not COMPILED:
    from .deltas_py import DeltaMerger
    from .fragments_py import Chunk, Fragments
    from .framing_py import ChunkedDecoder
    from .partial_json_py import PartialJSON
    from .sse_py import EventDecoder
    from .tool_calls_py import ToolCallAccumulator
else:
    from .deltas_c import DeltaMerger
    from .fragments_c import Chunk, Fragments
    from .framing_c import ChunkedDecoder
    from .partial_json_c import PartialJSON
    from .sse_c import EventDecoder
    from .tool_calls_c import ToolCallAccumulator
