"""What each provider puts on the wire: method, address, headers and body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_async.models import Message, ResponseSchema, Tool, ToolCall
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
)
from llm_async.testing import ProviderServer, Raw

from .calls import HELLO, against_server, every_provider

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
TOOL = Tool("look", "Look it up.", SCHEMA, SCHEMA)
FORMAT = {"type": "json_schema", "name": "response", "schema": SCHEMA, "strict": True}


def sent(provider_class: type[BaseProvider], *args: Any, options: Any = None, **kwargs: Any) -> Any:
    """What arrived at the server for one call: the request."""

    async def body(server: ProviderServer, provider: BaseProvider) -> Any:
        response = await provider.acomplete(*(args or ("m", HELLO)), **kwargs)
        await response.final()
        return server.requests[-1]

    return against_server(provider_class, body, **(options or {}))


@pytest.mark.parametrize(
    ("provider_class", "stream", "path"),
    [
        (OpenAIProvider, False, "/chat/completions"),
        (OpenAIProvider, True, "/chat/completions"),
        (OpenRouterProvider, False, "/chat/completions"),
        (OpenAIResponsesProvider, False, "/responses"),
        (ClaudeProvider, False, "/messages"),
        (GoogleProvider, False, "/models/m:generateContent"),
        (GoogleProvider, True, "/models/m:streamGenerateContent"),
    ],
)
def test_a_call_is_a_post_to_the_apis_own_path(provider_class: type[BaseProvider], stream: bool, path: str) -> None:
    request = sent(provider_class, stream=stream)
    assert request.method == "POST"
    assert request.path.endswith(path)
    assert request.query == ({"alt": "sse"} if path.endswith("streamGenerateContent") else {})


@pytest.mark.parametrize(
    ("provider_class", "headers"),
    [
        (OpenAIProvider, {"authorization": "Bearer secret"}),
        (OpenRouterProvider, {"authorization": "Bearer secret"}),
        (OpenAIResponsesProvider, {"authorization": "Bearer secret"}),
        (ClaudeProvider, {"x-api-key": "secret", "anthropic-version": "2023-06-01"}),
        (GoogleProvider, {"x-goog-api-key": "secret"}),
    ],
)
def test_the_key_stands_where_the_api_has_it(provider_class: type[BaseProvider], headers: dict[str, str]) -> None:
    received = sent(provider_class).headers
    assert {name: received.get(name) for name in headers} == headers
    assert received["content-type"] == "application/json"


BODIES: dict[type[BaseProvider], Any] = {
    OpenAIProvider: {"model": "m", "messages": HELLO, "stream": False},
    OpenRouterProvider: {"model": "m", "messages": HELLO, "stream": False},
    OpenAIResponsesProvider: {"model": "m", "input": "hi", "stream": False},
    ClaudeProvider: {"model": "m", "messages": HELLO, "max_tokens": 8192},
    GoogleProvider: {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}


@every_provider
def test_the_plainest_call_sends_nothing_else(provider_class: type[BaseProvider]) -> None:
    assert sent(provider_class).json == BODIES[provider_class]


@every_provider
def test_a_message_object_is_sent_as_its_dict_would_be(provider_class: type[BaseProvider]) -> None:
    assert sent(provider_class, "m", [Message("user", "hi")]).json == BODIES[provider_class]


@every_provider
def test_all_arguments_can_be_given_by_position(provider_class: type[BaseProvider]) -> None:
    request = sent(provider_class, "m", HELLO, False, [TOOL], "auto", None, {"X-Own": "1"})
    assert request.headers["x-own"] == "1"
    assert "look" in str(request.json["tools"])


@every_provider
def test_neither_an_empty_list_of_tools_nor_an_empty_choice_is_sent(provider_class: type[BaseProvider]) -> None:
    assert sent(provider_class, tools=[], tool_choice="").json == BODIES[provider_class]


@pytest.mark.parametrize(
    ("provider_class", "tools"),
    [
        (OpenAIProvider, [{"type": "function", "function": {"name": "look", "description": "Look it up.", "parameters": SCHEMA}}]),
        (OpenRouterProvider, [{"type": "function", "function": {"name": "look", "description": "Look it up.", "parameters": SCHEMA}}]),
        (OpenAIResponsesProvider, [{"type": "function", "name": "look", "description": "Look it up.", "parameters": SCHEMA, "strict": True}]),
        (ClaudeProvider, [{"name": "look", "description": "Look it up.", "input_schema": SCHEMA}]),
        (
            GoogleProvider,
            [{"functionDeclarations": [{
                "name": "look",
                "description": "Look it up.",
                "parameters": {key: value for key, value in SCHEMA.items() if key != "additionalProperties"},
            }]}],
        ),
    ],
)  # fmt: skip
def test_tools_have_the_apis_own_form(provider_class: type[BaseProvider], tools: Any) -> None:
    assert sent(provider_class, tools=[TOOL]).json["tools"] == tools


@pytest.mark.parametrize(
    ("provider_class", "place", "form"),
    [
        (OpenAIProvider, ["response_format"], {"type": "json_schema", "json_schema": {key: FORMAT[key] for key in ("name", "schema", "strict")}}),
        (OpenRouterProvider, ["response_format"], {"type": "json_schema", "json_schema": {key: FORMAT[key] for key in ("name", "schema", "strict")}}),
        (OpenAIResponsesProvider, ["text", "format"], FORMAT),
        (GoogleProvider, ["generationConfig"], {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}),
        (ClaudeProvider, ["output_config", "format"], {"type": "json_schema", "schema": SCHEMA}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("given", [SCHEMA, ResponseSchema(SCHEMA)], ids=["mapping", "object"])
def test_a_schema_has_the_apis_own_form(
    provider_class: type[BaseProvider], place: list[str], form: Any, given: Any
) -> None:
    found = sent(provider_class, response_schema=given).json
    for name in place:
        found = found[name]
    assert found == form


@pytest.mark.parametrize("provider_class", [OpenAIProvider, OpenRouterProvider, OpenAIResponsesProvider])
def test_keyword_arguments_are_sent_as_they_are_none_as_null(provider_class: type[BaseProvider]) -> None:
    body = sent(provider_class, temperature=0.5, user=None, seed=7).json
    assert (body["temperature"], body["user"], body["seed"]) == (0.5, None, 7)
    assert "user" in body


def test_claudes_default_for_max_tokens_can_be_replaced() -> None:
    assert sent(ClaudeProvider, max_tokens=5).json["max_tokens"] == 5


@pytest.mark.parametrize(
    ("provider_class", "place"),
    [
        (ClaudeProvider, ("system", "Be kind.")),
        (GoogleProvider, ("system_instruction", {"parts": [{"text": "Be kind."}]})),
    ],
)
def test_a_first_system_message_goes_where_the_api_has_it(provider_class: type[BaseProvider], place: Any) -> None:
    body = sent(provider_class, "m", [{"role": "system", "content": "Be kind."}, *HELLO]).json
    name, value = place
    assert body[name] == value
    assert "Be kind." not in str(body.get("messages") or body.get("contents"))


@pytest.mark.parametrize("provider_class", [OpenAIProvider, OpenRouterProvider])
def test_keys_of_a_message_that_nobody_knows_reach_the_wire(provider_class: type[BaseProvider]) -> None:
    assert sent(provider_class, "m", [{**HELLO[0], "extra": 1}]).json["messages"] == [{**HELLO[0], "extra": 1}]


@pytest.mark.parametrize("provider_class", [OpenAIProvider, OpenRouterProvider])
def test_content_that_is_null_stays_null(provider_class: type[BaseProvider]) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]
    assert sent(provider_class, "m", messages).json["messages"] == messages


def test_openrouters_attribution_is_headers_and_no_body() -> None:
    request = sent(OpenRouterProvider, http_referer="https://me.example", x_title="Me")
    assert (request.headers["http-referer"], request.headers["x-title"]) == ("https://me.example", "Me")
    assert request.json == BODIES[OpenRouterProvider]


@every_provider
def test_headers_of_a_call_replace_the_default_ones_in_any_case(provider_class: type[BaseProvider]) -> None:
    for headers in ({"CONTENT-type": "application/json; v=2", "X-A": "1"}, [("content-TYPE", "application/json; v=2"), ("X-A", "1")]):  # fmt: skip
        request = sent(provider_class, headers=headers)
        names = [name.lower() for name, _ in request.raw_headers]
        assert names.count("content-type") == 1
        assert (request.headers["content-type"], request.headers["x-a"]) == ("application/json; v=2", "1")


class TestResponsesInput:
    CALL = ToolCall.from_responses_api_function_call("fc_1", "call_1", "look", '{"a": "b"}')
    ITEM = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": '{"a": "b"}'}
    OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "r"}
    REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}

    def input_of(self, *messages: Any, **kwargs: Any) -> Any:
        return sent(OpenAIResponsesProvider, "m", list(messages), **kwargs).json["input"]

    def test_one_users_text_is_a_text(self) -> None:
        assert self.input_of(*HELLO) == "hi"

    def test_more_than_one_message_is_a_list(self) -> None:
        answer = {"role": "assistant", "content": "yo"}
        assert self.input_of(*HELLO, answer, *HELLO) == [*HELLO, answer, *HELLO]

    def test_calls_follow_the_reasoning_that_led_to_them(self) -> None:
        said = {
            "role": "assistant",
            "content": "",
            "reasoning_details": [self.REASONING],
            "tool_calls": [
                {"id": "fc_1", "type": "function", "function": self.CALL.function, "input": {"call_id": "call_1"}}
            ],
        }
        assert self.input_of(*HELLO, said, self.OUTPUT) == [*HELLO, self.REASONING, self.ITEM, self.OUTPUT]

    def test_the_api_s_own_items_pass_as_they_are(self) -> None:
        search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
        assert self.input_of(*HELLO, search, self.ITEM, self.OUTPUT) == [*HELLO, search, self.ITEM, self.OUTPUT]

    def test_a_choice_in_the_form_of_chat_is_flattened(self) -> None:
        choice = {"type": "function", "function": {"name": "look"}}
        body = sent(OpenAIResponsesProvider, tools=[TOOL], tool_choice=choice).json
        assert body["tool_choice"] == {"type": "function", "name": "look"}

    def test_a_previous_response_is_sent_when_there_is_one(self) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            first = await provider.acomplete("m", HELLO)
            await provider.acomplete("m", HELLO, previous_response_id=first.original["id"])
            assert server.requests[-1].json["previous_response_id"] == first.original["id"]
            await provider.acomplete("m", HELLO, previous_response_id=None)
            assert "previous_response_id" not in server.requests[-1].json

        against_server(OpenAIResponsesProvider, body)

    def test_what_the_server_knows_may_be_left_out(self) -> None:
        async def body(server: ProviderServer, provider: OpenAIResponsesProvider) -> None:
            item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]}
            server.script(Raw(json.dumps({"id": "r", "status": "completed", "output": [item]}).encode()))
            await provider.acomplete(prompt={"id": "pmpt_1"})
            assert server.requests[-1].json == {"stream": False, "prompt": {"id": "pmpt_1"}}

        against_server(OpenAIResponsesProvider, body)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://host/v1", "https://host/v1/chat/completions"),
        ("https://host/v1/", "https://host/v1/chat/completions"),
        ("https://host", "https://host/chat/completions"),
        ("https://host/v1?api-version=2", "https://host/v1/chat/completions?api-version=2"),
    ],
)
def test_a_base_url_is_kept_as_given_and_joined_with_one_slash(base_url: str, url: str) -> None:
    provider = OpenAIProvider("k", base_url)
    assert provider.base_url == base_url
    assert provider._url("/chat/completions") == url
