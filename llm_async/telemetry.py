"""OpenTelemetry: a span for each call of a model, in the words of the GenAI semantic conventions.

What belongs here: which attribute holds what. It stands on the hooks alone, so that a program can do the same in its own
way. Prompts and answers are not recorded. Source: "Semantic conventions for generative client AI spans", in development.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ._version import __version__
from .models.hooks import ErrorEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["telemetry"]

_EMBEDDINGS = re.compile(r"/embeddings$|:(?:batchEmbedContents|embedContent|predict)$")
_CHAT = re.compile(r"/chat/completions$|/responses$|/messages$|:(?:streamR|r)awPredict$")
_GENERATE = re.compile(r":(?:streamG|g)enerateContent$")
_COUNT = "/models/count-tokens:"

# gen_ai.provider.name, where it is not our own.
_PROVIDERS = {
    "openairesponses": "openai",
    "claude": "anthropic",
    "google": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "vertexclaude": "gcp.vertex_ai",
    "azure": "azure.ai.openai",
    "azureresponses": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "xairesponses": "x_ai",
}
# What a request may say, by the names that the APIs have for it.
_REQUEST = {
    "gen_ai.request.max_tokens": ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"),
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p", "topP"),
    "gen_ai.request.top_k": ("top_k", "topK"),
    "gen_ai.request.seed": ("seed", "random_seed"),
    "gen_ai.request.frequency_penalty": ("frequency_penalty", "frequencyPenalty"),
    "gen_ai.request.presence_penalty": ("presence_penalty", "presencePenalty"),
}
_USAGE = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cache_read_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "cache_write_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
}


def telemetry(tracer_provider: TracerProvider | None = None) -> Hooks:
    """Hooks that make a span of each call of a model and of each request for embeddings, all attempts of it together.

    >>> provider = OpenAIProvider(hooks=telemetry())

    Args:
        tracer_provider: who makes the spans; None takes OpenTelemetry's own, as the program has set it.

    Raises:
        ImportError: opentelemetry-api is not installed (``pip install llm-async[otel]``).
    """
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise ImportError("telemetry needs opentelemetry-api: pip install llm-async[otel]") from error
    tracer = trace.get_tracer("llm_async", __version__, tracer_provider)
    failed = trace.StatusCode.ERROR
    # The events of one call share their request, and with it this place; no other hook has the same.
    place = object()

    def on_request(event: RequestEvent) -> None:
        operation = _operation(event.url)
        if operation is None or event.attempt > 1:
            return
        name = f"{operation} {event.model}" if event.model else operation
        event.state[place] = tracer.start_span(
            name, kind=trace.SpanKind.CLIENT, attributes=_request_attributes(operation, event)
        )

    def on_retry(event: RetryEvent) -> None:
        span: Span | None = event.request.state.get(place)
        if span is not None:
            said: dict[str, str | float] = {
                "error.type": _error_type(event.error),
                "llm_async.attempt": event.request.attempt,
                "llm_async.delay": event.delay,
            }
            span.add_event("retry", said)

    def on_response(event: ResponseEvent) -> None:
        span: Span | None = event.request.state.pop(place, None)
        if span is not None:
            span.set_attributes(_response_attributes(event))
            span.end()

    def on_error(event: ErrorEvent) -> None:
        span: Span | None = event.request.state.pop(place, None)
        if span is not None:
            span.set_attribute("error.type", _error_type(event.error))
            span.record_exception(event.error)
            span.set_status(failed, str(event.error))
            span.end()

    return Hooks(on_request, on_response, on_retry, on_error)


def _operation(url: str) -> str | None:
    """The name of what a request asks for; None for what asks no model."""
    if _EMBEDDINGS.search(url):
        return "embeddings"
    if _GENERATE.search(url):
        return "generate_content"
    return "chat" if _CHAT.search(url) and _COUNT not in url else None


def _request_attributes(operation: str, event: RequestEvent) -> dict[str, Any]:
    address = urlsplit(event.url)
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDERS.get(event.provider_name, event.provider_name),
        "server.address": address.hostname or "",
        "server.port": address.port or (443 if address.scheme == "https" else 80),
    }
    if event.model is not None:
        attributes["gen_ai.request.model"] = event.model
    if event.stream:
        attributes["gen_ai.request.stream"] = True
    body = event.body if isinstance(event.body, dict) else {}
    config = body.get("generationConfig")
    said = {**body, **config} if isinstance(config, dict) else body
    for attribute, names in _REQUEST.items():
        value = next((said[name] for name in names if isinstance(said.get(name), (int, float))), None)
        if value is not None:
            attributes[attribute] = value
    return attributes


def _response_attributes(event: ResponseEvent) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "gen_ai.response.id": event.id,
        "gen_ai.response.model": event.model,
        "gen_ai.response.time_to_first_chunk": event.timing.first_chunk,
        "llm_async.request_id": event.request_id,
        "llm_async.cached": event.cached or None,
    }
    if event.message is not None and event.complete:
        attributes["gen_ai.response.finish_reasons"] = [event.message.finish_reason]
    for attribute, name in _USAGE.items():
        attributes[attribute] = getattr(event.usage, name, None)
    return {name: value for name, value in attributes.items() if value is not None}


def _error_type(error: BaseException) -> str:
    """``error.type``: the status where there is one, else the class."""
    status = getattr(error, "status_code", None)
    return type(error).__qualname__ if status is None else str(status)
