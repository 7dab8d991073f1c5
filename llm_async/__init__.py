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
        AnswerError as AnswerError,
    )
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
        InvalidAnswerError as InvalidAnswerError,
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
        RefusedAnswerError as RefusedAnswerError,
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
        TruncatedAnswerError as TruncatedAnswerError,
    )
    from .errors import (
        UnprocessableEntityError as UnprocessableEntityError,
    )
    from .errors import (
        UnsupportedError as UnsupportedError,
    )
    from .fallback import Fallback as Fallback
    from .models import (
        Limits as Limits,
    )
    from .models import (
        Message as Message,
    )
    from .models import (
        ParsedResponse as ParsedResponse,
    )
    from .models import (
        ParsedStreamingResponse as ParsedStreamingResponse,
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
        TypedSchema as TypedSchema,
    )
    from .models import (
        Usage as Usage,
    )
    from .models import (
        parts as parts,
    )
    from .models.beside import (
        Embeddings as Embeddings,
    )
    from .models.beside import (
        Model as Model,
    )
    from .models.beside import (
        TokenCount as TokenCount,
    )
    from .models.cost import (
        Cost as Cost,
    )
    from .models.cost import (
        estimate_cost as estimate_cost,
    )
    from .models.hooks import (
        ErrorEvent as ErrorEvent,
    )
    from .models.hooks import (
        Hooks as Hooks,
    )
    from .models.hooks import (
        RequestEvent as RequestEvent,
    )
    from .models.hooks import (
        ResponseEvent as ResponseEvent,
    )
    from .models.hooks import (
        RetryEvent as RetryEvent,
    )
    from .models.partial import Change as Change
    from .models.partial import PartialJSON as PartialJSON
    from .models.rate_limits import (
        RateLimit as RateLimit,
    )
    from .models.rate_limits import (
        RateLimits as RateLimits,
    )
    from .models.timing import Timing as Timing
    from .protocols.chat_dialect import ChatDialect as ChatDialect
    from .protocols.families import (
        ModelFamily as ModelFamily,
    )
    from .protocols.families import (
        model_families as model_families,
    )
    from .providers import (
        AzureProvider as AzureProvider,
    )
    from .providers import (
        AzureResponsesProvider as AzureResponsesProvider,
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
    from .providers import (
        Preset as Preset,
    )
    from .providers import (
        VertexClaudeProvider as VertexClaudeProvider,
    )
    from .providers import (
        VertexProvider as VertexProvider,
    )
    from .providers import (
        get_provider as get_provider,
    )
    from .providers import (
        known_providers as known_providers,
    )
    from .providers import (
        provider_class as provider_class,
    )
    from .providers import (
        register_provider as register_provider,
    )
    from .retry import RetryConfig as RetryConfig

_HOMES = {
    "agent": ("Agent",),
    "agent_events": ("AgentResult",),
    "errors": (
        "APIConnectionError",
        "APIStatusError",
        "APITimeoutError",
        "AnswerError",
        "AuthenticationError",
        "BadRequestError",
        "ConflictError",
        "InternalServerError",
        "InvalidAnswerError",
        "LLMError",
        "MaxIterationsError",
        "NotFoundError",
        "OverloadedError",
        "PermissionDeniedError",
        "ProtocolError",
        "RateLimitError",
        "RefusedAnswerError",
        "RequestTooLargeError",
        "StreamError",
        "ToolArgumentError",
        "ToolError",
        "TruncatedAnswerError",
        "UnprocessableEntityError",
        "UnsupportedError",
    ),
    "fallback": ("Fallback",),
    "models": (
        "Limits",
        "Message",
        "ParsedResponse",
        "ParsedStreamingResponse",
        "Response",
        "ResponseSchema",
        "StreamChunk",
        "StreamingResponse",
        "Timeouts",
        "Tool",
        "ToolCall",
        "ToolCallDelta",
        "TypedSchema",
        "Usage",
        "parts",
    ),
    "protocols.families": ("ModelFamily", "model_families"),
    "protocols.chat_dialect": ("ChatDialect",),
    "models.cost": ("Cost", "estimate_cost"),
    "models.beside": ("Embeddings", "Model", "TokenCount"),
    "models.hooks": ("ErrorEvent", "Hooks", "RequestEvent", "ResponseEvent", "RetryEvent"),
    "models.rate_limits": ("RateLimit", "RateLimits"),
    "models.timing": ("Timing",),
    "models.partial": ("Change", "PartialJSON"),
    "providers": (
        "AzureProvider",
        "AzureResponsesProvider",
        "BaseProvider",
        "ClaudeProvider",
        "GoogleProvider",
        "OpenAIProvider",
        "OpenAIResponsesProvider",
        "OpenRouterProvider",
        "Preset",
        "VertexClaudeProvider",
        "VertexProvider",
        "get_provider",
        "known_providers",
        "provider_class",
        "register_provider",
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
