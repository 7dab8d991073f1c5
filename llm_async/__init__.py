"""An asyncio client for large language model APIs: one interface over OpenAI, Claude, Gemini, OpenRouter and their like.

What belongs here: the public names, and nothing else. They are imported when they are first used, so that
``import llm_async`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

# Not lazy: the module of this name would take the place of the function as soon as somebody imported it.
from .tool import tool

if TYPE_CHECKING:
    from .agent import Agent as Agent
    from .agent_events import AgentResult as AgentResult
    from .errors import (
        APIConnectionError as APIConnectionError,
    )
    from .errors import (
        APIStatusError as APIStatusError,
    )
    from .errors import (
        APITimeoutError as APITimeoutError,
    )
    from .errors import (
        AuthenticationError as AuthenticationError,
    )
    from .errors import (
        BadRequestError as BadRequestError,
    )
    from .errors import (
        ConflictError as ConflictError,
    )
    from .errors import (
        InternalServerError as InternalServerError,
    )
    from .errors import (
        LLMError as LLMError,
    )
    from .errors import (
        MaxIterationsError as MaxIterationsError,
    )
    from .errors import (
        NotFoundError as NotFoundError,
    )
    from .errors import (
        OverloadedError as OverloadedError,
    )
    from .errors import (
        PermissionDeniedError as PermissionDeniedError,
    )
    from .errors import (
        ProtocolError as ProtocolError,
    )
    from .errors import (
        RateLimitError as RateLimitError,
    )
    from .errors import (
        RequestTooLargeError as RequestTooLargeError,
    )
    from .errors import (
        StreamError as StreamError,
    )
    from .errors import (
        ToolArgumentError as ToolArgumentError,
    )
    from .errors import (
        ToolError as ToolError,
    )
    from .errors import (
        UnprocessableEntityError as UnprocessableEntityError,
    )
    from .errors import (
        UnsupportedError as UnsupportedError,
    )
    from .models import (
        Limits as Limits,
    )
    from .models import (
        Message as Message,
    )
    from .models import (
        Response as Response,
    )
    from .models import (
        ResponseSchema as ResponseSchema,
    )
    from .models import (
        StreamChunk as StreamChunk,
    )
    from .models import (
        StreamingResponse as StreamingResponse,
    )
    from .models import (
        Timeouts as Timeouts,
    )
    from .models import (
        Tool as Tool,
    )
    from .models import (
        ToolCall as ToolCall,
    )
    from .models import (
        ToolCallDelta as ToolCallDelta,
    )
    from .models import (
        Usage as Usage,
    )
    from .providers import (
        BaseProvider as BaseProvider,
    )
    from .providers import (
        ClaudeProvider as ClaudeProvider,
    )
    from .providers import (
        GoogleProvider as GoogleProvider,
    )
    from .providers import (
        OpenAIProvider as OpenAIProvider,
    )
    from .providers import (
        OpenAIResponsesProvider as OpenAIResponsesProvider,
    )
    from .providers import (
        OpenRouterProvider as OpenRouterProvider,
    )
    from .retry import RetryConfig as RetryConfig

_HOMES = {
    "agent": ("Agent",),
    "agent_events": ("AgentResult",),
    "errors": (
        "APIConnectionError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ConflictError",
        "InternalServerError",
        "LLMError",
        "MaxIterationsError",
        "NotFoundError",
        "OverloadedError",
        "PermissionDeniedError",
        "ProtocolError",
        "RateLimitError",
        "RequestTooLargeError",
        "StreamError",
        "ToolArgumentError",
        "ToolError",
        "UnprocessableEntityError",
        "UnsupportedError",
    ),
    "models": (
        "Limits",
        "Message",
        "Response",
        "ResponseSchema",
        "StreamChunk",
        "StreamingResponse",
        "Timeouts",
        "Tool",
        "ToolCall",
        "ToolCallDelta",
        "Usage",
    ),
    "providers": (
        "BaseProvider",
        "ClaudeProvider",
        "GoogleProvider",
        "OpenAIProvider",
        "OpenAIResponsesProvider",
        "OpenRouterProvider",
    ),
    "retry": ("RetryConfig",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", "tool", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
