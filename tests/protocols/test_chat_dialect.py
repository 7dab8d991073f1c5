"""What is sent to a server that does something otherwise than OpenAI: a dialect and a call in, a body out."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async.errors import UnsupportedError
from llm_async.models import ResponseSchema, Tool
from llm_async.protocols.base import Call
from llm_async.protocols.chat_dialect import ChatDialect
from llm_async.protocols.openai_chat import OpenAIChat

HELLO = [{"role": "user", "content": "hello"}]
SCHEMA = {
    "type": "object",
    "properties": {"size": {"type": "integer"}},
    "required": ["size"],
    "additionalProperties": False,
}
LOOK = Tool("look", "Look.", {"type": "object", "properties": {}})


def body(dialect: ChatDialect, messages: list[dict[str, Any]] | None = None, **call: Any) -> dict[str, Any]:
    return OpenAIChat(dialect).request(Call("m", HELLO if messages is None else messages, **call)).body


SEED = ChatDialect(renamed={"seed": "random_seed"})


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        ({"options": {"seed": 3}}, {"random_seed": 3}),
        ({"options": {"seed": 0}}, {"random_seed": 0}),
        ({"options": {"random_seed": 4}}, {"random_seed": 4}),
        ({"options": {"seed": 3, "random_seed": 4}}, {"random_seed": 4}),
        ({"extra_body": {"seed": 3}}, {"seed": 3}),
        ({}, {}),
    ],
)
def test_a_field_goes_by_the_servers_name(call: dict[str, Any], sent: dict[str, Any]) -> None:
    fields = body(SEED, **call)
    assert {name: fields[name] for name in ("seed", "random_seed") if name in fields} == sent


REFUSING = ChatDialect(refused=("service_tier", "parallel_tool_calls"))


@pytest.mark.parametrize(
    "call",
    [
        {"options": {"service_tier": "auto"}},
        {"options": {"parallel_tool_calls": False}},
        {"tools": [{"type": "custom"}], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    ],
)
def test_what_a_server_refuses_is_refused_before_it_is_sent(call: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match=r"this server refuses '(service_tier|parallel_tool_calls)'"):
        body(REFUSING, **call)


def test_a_refused_field_can_be_sent_all_the_same() -> None:
    assert body(REFUSING, extra_body={"service_tier": "auto"})["service_tier"] == "auto"


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("required", "any"),
        ("auto", "auto"),
        ({"type": "any"}, "any"),
        ("look", {"type": "function", "function": {"name": "look"}}),
    ],
)
def test_a_tool_choice_is_in_the_servers_word(choice: Any, sent: Any) -> None:
    tools = OpenAIChat().format_tools([LOOK])
    assert body(ChatDialect(tool_choices={"required": "any"}), tools=tools, tool_choice=choice)["tool_choice"] == sent


def test_a_tool_choice_that_a_server_has_no_word_for_is_refused() -> None:
    dialect = ChatDialect(tool_choices={"required": None})
    with pytest.raises(UnsupportedError, match="no tool_choice 'required'"):
        body(dialect, tools=OpenAIChat().format_tools([LOOK]), tool_choice="required")


INSTRUCTION = (
    "Answer with JSON that follows this JSON Schema, and with nothing else:\n"
    '{"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"], "additionalProperties": false}'
)


@pytest.mark.parametrize(
    ("before", "system"),
    [
        ([], INSTRUCTION),
        ([{"role": "system", "content": "Be brief."}], f"Be brief.\n\n{INSTRUCTION}"),
        (
            [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}],
            [{"type": "text", "text": "Be brief."}, {"type": "text", "text": INSTRUCTION}],
        ),
    ],
)
def test_a_schema_that_a_server_cannot_take_is_told_to_the_model(before: list[dict[str, Any]], system: Any) -> None:
    given = [dict(message) for message in (*before, *HELLO)]
    sent = body(ChatDialect(json_schema=False), given, response_schema=ResponseSchema(SCHEMA))
    assert sent["response_format"] == {"type": "json_object"}
    assert sent["messages"] == [{"role": "system", "content": system}, *HELLO]
    assert given == [*before, *HELLO]


def test_a_response_format_in_the_apis_own_words_wins() -> None:
    own = {"type": "json_schema", "json_schema": {"name": "mine"}}
    assert body(ChatDialect(json_schema=False), options={"response_format": own})["response_format"] == own
    sent = body(
        ChatDialect(json_schema=False), response_schema=ResponseSchema(SCHEMA), extra_body={"response_format": own}
    )
    assert sent["response_format"] == own
    assert sent["messages"] == HELLO


def test_ids_of_tool_calls_are_as_long_as_a_server_wants_them_and_still_match() -> None:
    conversation = [
        *HELLO,
        {
            "role": "assistant",
            "tool_calls": [
                {"id": each, "type": "function", "function": {"name": "look", "arguments": "{}"}}
                for each in ("call_from_elsewhere", "D681PevKs", "call/2")
            ],
        },
        *(
            {"role": "tool", "tool_call_id": each, "content": each}
            for each in ("D681PevKs", "call/2", "call_from_elsewhere")
        ),
    ]
    _, assistant, *results = body(ChatDialect(tool_id_length=9), conversation)["messages"]
    ids = [call["id"] for call in assistant["tool_calls"]]
    assert ids[1] == "D681PevKs"
    assert len(set(ids)) == 3
    assert all(len(each) == 9 and each.isalnum() for each in ids)
    assert {result["content"]: result["tool_call_id"] for result in results} == {
        "call_from_elsewhere": ids[0],
        "D681PevKs": ids[1],
        "call/2": ids[2],
    }
    assert body(ChatDialect(tool_id_length=9), conversation)["messages"][1] == assistant
