"""Every import path, signature and name that programs written against 0.5 use."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import subprocess
import sys
from typing import Any

import pytest

import llm_async
from llm_async import models, providers

PATHS = {
    "llm_async": "Agent ClaudeProvider GoogleProvider OpenAIProvider OpenRouterProvider StreamChunk tool",
    "llm_async.providers": "BaseProvider ClaudeProvider GoogleProvider OpenAIProvider OpenAIResponsesProvider OpenRouterProvider",
    "llm_async.providers.base": "BaseProvider aiosonic",
    "llm_async.providers.claude": "ClaudeProvider DEFAULT_MAX_TOKENS",
    "llm_async.providers.google": "GoogleProvider",
    "llm_async.providers.openai": "OpenAIProvider",
    "llm_async.providers.openai_responses": "OpenAIResponsesProvider",
    "llm_async.providers.openrouter": "OpenRouterProvider",
    "llm_async.models": "Tool Response StreamChunk Event Message ToolCall ResponseSchema",
    "llm_async.models.message": "Message Role Content normalize_messages validate_messages message_to_dict",
    "llm_async.models.response": "Response StreamChunk",
    "llm_async.models.response_schema": "ResponseSchema",
    "llm_async.models.tool_call": "ToolCall",
    "llm_async.models.event": "Event",
    "llm_async.utils": "post_json stream_json parse_stream_chunk",
    "llm_async.utils.http": "post_json stream_json parse_stream_chunk aiosonic",
    "llm_async.utils.retry": "RetryConfig DEFAULT_RETRY_EXCEPTIONS retry_async retry_http",
    "llm_async.agent": "Agent",
    "llm_async.tool": "tool",
}


@pytest.mark.parametrize("module", PATHS)
def test_each_old_import_path_has_its_names(module: str) -> None:
    found = importlib.import_module(module)
    for name in PATHS[module].split():
        assert getattr(found, name, None) is not None, name


@pytest.mark.parametrize("name", llm_async.__all__)
def test_each_public_name_can_be_had_from_the_top(name: str) -> None:
    assert getattr(llm_async, name) is not None
    assert name in dir(llm_async)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = llm_async.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "program",
    [
        "import llm_async; assert callable(llm_async.tool)",
        "import llm_async.tool; import llm_async; assert callable(llm_async.tool)",
        "from llm_async.tool import tool; import llm_async; assert llm_async.tool is tool",
        "import llm_async; from llm_async.agent import Agent; assert llm_async.Agent is Agent",
        "from llm_async import *; assert tool and Agent and OpenAIProvider",
        "import sys, llm_async; assert 'aiosonic' not in sys.modules",
        "import sys, llm_async; llm_async.OpenAIProvider('k'); assert 'aiosonic' not in sys.modules",
    ],
)
def test_a_fresh_interpreter_finds_everything_in_place(program: str) -> None:
    subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", program], check=True)


FIELDS = {
    "Tool": "name description parameters input_schema",
    "ToolCall": "id type name input function",
    "Message": "role content tool_calls reasoning reasoning_details stop_reason original",
    "Response": "original provider_name main_response stream stream_generator",
    "StreamChunk": "content original",
    "ResponseSchema": "schema name strict mime_type",
    "Event": "topic payload timestamp",
}


@pytest.mark.parametrize("name", FIELDS)
def test_old_fields_come_first_and_in_the_old_order(name: str) -> None:
    expected = FIELDS[name].split()
    assert [field.name for field in dataclasses.fields(getattr(models, name))][: len(expected)] == expected


def test_old_retry_settings_come_first_and_in_the_old_order() -> None:
    names = [field.name for field in dataclasses.fields(llm_async.RetryConfig)]
    assert names[:7] == (
        [
            "max_attempts",
            "base_delay",
            "max_delay",
            "backoff_factor",
            "retry_on_status",
            "retry_on_exceptions",
            "jitter",
        ]
    )


SIGNATURES: dict[Any, str] = {
    providers.OpenAIProvider.__init__: "self api_key base_url retry_config client_kwargs http2",
    providers.GoogleProvider.__init__: "self api_key base_url vertex_config retry_config client_kwargs http2",
    providers.OpenAIProvider.acomplete: "self model messages stream tools tool_choice response_schema headers",
    providers.OpenAIResponsesProvider.acomplete: "self model messages stream tools tool_choice response_schema headers",
    providers.OpenAIProvider.execute_tool: "self tool_call tools_map",
    providers.OpenAIProvider.request: "self method path json_data headers",
}


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_positional_parameters_keep_their_order(function: Any) -> None:
    positional = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    assert positional == SIGNATURES[function].split()


@pytest.mark.parametrize(
    ("provider", "name", "base_url"),
    [
        (providers.OpenAIProvider, "openai", "https://api.openai.com/v1"),
        (providers.OpenAIResponsesProvider, "openairesponses", "https://api.openai.com/v1"),
        (providers.ClaudeProvider, "claude", "https://api.anthropic.com/v1"),
        (providers.GoogleProvider, "google", "https://generativelanguage.googleapis.com/v1beta/models/"),
        (providers.OpenRouterProvider, "openrouter", "https://openrouter.ai/api/v1"),
    ],
)
def test_names_and_addresses_are_the_old_ones(provider: type[providers.BaseProvider], name: str, base_url: str) -> None:
    assert provider.name() == name
    assert provider("key").base_url == base_url


def test_a_subclass_is_named_after_itself() -> None:
    class MyOwnProvider(providers.OpenAIProvider):
        pass

    assert MyOwnProvider.name() == "myown"
