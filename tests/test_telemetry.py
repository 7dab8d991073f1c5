"""Spans of calls, as the GenAI semantic conventions want them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from llm_async import (
    BadRequestError,
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    RateLimitError,
    RetryConfig,
)
from llm_async.cache import MemoryCache
from llm_async.telemetry import telemetry
from llm_async.testing import ProviderServer
from tests.contract.calls import Body, against_server, every_provider

HELLO = [{"role": "user", "content": "Good morning"}]


def spans_of(provider_class: type[BaseProvider], body: Body, **options: Any) -> list[Any]:
    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    against_server(provider_class, body, hooks=telemetry(tracers), **options)
    return list(exporter.get_finished_spans())


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_of_a_model_is_a_span(provider_class: type[BaseProvider], stream: bool) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        response = await provider.acomplete("m", HELLO, stream=stream, temperature=0.5)
        await response.final()

    [span] = spans_of(provider_class, body)
    operation = "generate_content" if provider_class is GoogleProvider else "chat"
    names = {"openairesponses": "openai", "claude": "anthropic", "google": "gcp.gemini"}
    assert span.name == f"{operation} m"
    assert span.kind is SpanKind.CLIENT
    said = span.attributes
    assert said["gen_ai.operation.name"] == operation
    assert said["gen_ai.provider.name"] == names.get(provider_class.name(), provider_class.name())
    assert said["gen_ai.request.model"] == said["gen_ai.response.model"] == "m"
    assert said["gen_ai.request.temperature"] == 0.5
    assert said["gen_ai.response.finish_reasons"] == ("stop",)
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (2, 4)
    assert said["server.address"] == "127.0.0.1"
    assert ("gen_ai.response.time_to_first_chunk" in said) is stream
    assert said.get("gen_ai.request.stream", False) is stream
    assert span.status.status_code is StatusCode.UNSET
    assert "Good morning" not in str(said)


def test_retries_are_events_of_the_span_and_the_failure_is_its_status() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.fail(429, retry_after=0, times=2)
        with pytest.raises(RateLimitError):
            await provider.acomplete("m", HELLO)

    [span] = spans_of(OpenAIProvider, body, retry_config=RetryConfig(max_attempts=2, base_delay=0))
    assert [event.name for event in span.events] == ["retry", "exception"]
    assert span.attributes["error.type"] == "429"
    assert span.status.status_code is StatusCode.ERROR


def test_embeddings_are_a_span_and_what_asks_no_model_is_none() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await provider.embed("text", "m")
        await provider.list_models()

    assert [span.name for span in spans_of(OpenAIProvider, body)] == ["embeddings m"]
    assert [span.name for span in spans_of(GoogleProvider, body)] == ["embeddings m"]


def test_a_span_of_what_the_cache_gave_says_so() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await provider.acomplete("m", HELLO)
        await provider.acomplete("m", HELLO)

    spans = spans_of(OpenAIProvider, body, cache=MemoryCache())
    assert [span.attributes.get("llm_async.cached") for span in spans] == [None, True]


@pytest.mark.parametrize("config", [None, [1], "none", 5])
def test_a_request_that_is_odd_is_a_span_and_no_error_of_its_own(config: Any) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with suppress(BadRequestError):
            await provider.acomplete("m", HELLO, extra_body={"generationConfig": config})

    [span] = spans_of(GoogleProvider, body)
    assert span.name == "generate_content m"


def test_a_count_of_tokens_is_no_span() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await provider.count_tokens("m", HELLO)

    assert spans_of(ClaudeProvider, body) == []
    assert spans_of(GoogleProvider, body) == []


def test_without_opentelemetry_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from llm_async.telemetry import telemetry\n"
        "try: telemetry()\n"
        "except ImportError as error: assert 'llm-async[otel]' in str(error), error\n"
        "else: raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", program], check=True)
