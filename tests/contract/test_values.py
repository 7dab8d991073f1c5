"""The dataclasses: defaults, equality, helpers, and what happens to a list of messages."""

from __future__ import annotations

import dataclasses
import json
import pickle
from datetime import datetime, timezone
from typing import Any

import pytest

from llm_async.models import Event, Message, Response, ResponseSchema, StreamChunk, Tool, ToolCall
from llm_async.models.message import message_to_dict, normalize_messages, validate_messages
from llm_async.retry import RetryConfig

VALUES: list[tuple[Any, dict[str, Any]]] = [
    (Tool("n", "d"), {"parameters": None, "input_schema": None}),
    (ToolCall("i", "function"), {"name": None, "input": None, "function": None}),
    (
        Message("user", "hi"),
        dict.fromkeys(("tool_calls", "reasoning", "reasoning_details", "stop_reason", "original", "refusal")),
    ),
    (Response({"a": 1}, "p"), {"main_response": None, "stream": False, "stream_generator": None}),
    (StreamChunk("a", {"b": 1}), {"content": "a", "original": {"b": 1}}),
    (ResponseSchema({"type": "object"}), {"name": "response", "strict": True, "mime_type": "application/json"}),
    (Event("t", {}, datetime(2026, 1, 1, tzinfo=timezone.utc)), {"topic": "t"}),
    (
        RetryConfig(),
        {
            "max_attempts": 3,
            "base_delay": 1.0,
            "max_delay": 60.0,
            "backoff_factor": 2.0,
            "retry_on_exceptions": (),
            "jitter": True,
        },
    ),
]
every_value = pytest.mark.parametrize(("value", "expected"), VALUES, ids=lambda value: type(value).__name__)


@every_value
def test_fields_have_the_old_defaults(value: Any, expected: dict[str, Any]) -> None:
    assert {name: getattr(value, name) for name in expected} == expected


@every_value
def test_values_are_plain_dataclasses(value: Any, expected: dict[str, Any]) -> None:
    copy = dataclasses.replace(value)
    assert copy == value
    assert copy is not value
    assert type(value)(**{field.name: getattr(value, field.name) for field in dataclasses.fields(value)}) == value
    assert dataclasses.asdict(value).keys() >= expected.keys()
    assert pickle.loads(pickle.dumps(value)) == value
    name = dataclasses.fields(value)[0].name
    setattr(copy, name, "other")
    assert copy != value


@pytest.mark.parametrize("value", [value for value, _ in VALUES if not isinstance(value, StreamChunk)])
def test_any_attribute_can_be_added(value: Any) -> None:
    copy = dataclasses.replace(value)
    copy.note = "mine"
    assert copy.note == "mine"
    assert copy == value


def test_a_message_goes_through_json() -> None:
    message = Message("assistant", "hi", [ToolCall("c", "function", function={"name": "f", "arguments": "{}"})])
    assert json.loads(json.dumps(dataclasses.asdict(message)))["tool_calls"][0]["function"]["name"] == "f"


class TestToolCall:
    def test_it_is_made_of_a_function_call_of_the_responses_api(self) -> None:
        call = ToolCall.from_responses_api_function_call("fc_1", "call_1", "look", "{}")
        function = {"name": "look", "arguments": "{}"}
        assert call == ToolCall("fc_1", "function", "look", {"call_id": "call_1"}, function)

    def test_an_output_becomes_an_input_item_and_nothing_else_does(self) -> None:
        output = ToolCall.function_call_output("call_1", "r")
        assert output == ToolCall("call_1", "function_call_output", function={"output": "r"})
        assert output.to_responses_api_message() == {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": "r",
        }
        assert ToolCall("c", "function", function={"output": "r"}).to_responses_api_message() == {}


class TestResponseSchema:
    SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}

    def test_it_is_made_of_what_can_be_one(self) -> None:
        schema = ResponseSchema(self.SCHEMA, "n")
        assert ResponseSchema.coerce(None) is None
        assert ResponseSchema.coerce(schema) is schema
        assert ResponseSchema.coerce(self.SCHEMA) == ResponseSchema(self.SCHEMA)
        with pytest.raises(TypeError, match=r"^response_schema must be ResponseSchema or mapping$"):
            ResponseSchema.coerce("no")  # type: ignore[arg-type]

    def test_it_is_copied_in_and_out(self) -> None:
        given = {"type": "object", "properties": {}}
        schema = ResponseSchema(given)
        given["properties"]["late"] = {}  # type: ignore[index]
        schema.for_google()["responseJsonSchema"]["type"] = "changed"
        schema.for_openai()["json_schema"]["schema"]["type"] = "changed"
        assert schema.schema == {"type": "object", "properties": {}}

    def test_each_api_has_its_form(self) -> None:
        schema = ResponseSchema(self.SCHEMA, "n", False, "text/x")
        parts = {"name": "n", "schema": self.SCHEMA, "strict": False}
        assert schema.for_openai() == {"type": "json_schema", "json_schema": parts} == schema.for_openrouter()
        assert schema.for_openai_responses() == {"type": "json_schema", **parts}
        assert schema.for_google() == {"responseMimeType": "text/x", "responseJsonSchema": self.SCHEMA}


class TestMessages:
    @pytest.mark.parametrize("normalize", [normalize_messages, validate_messages])
    def test_messages_stay_and_mappings_become_messages(self, normalize: Any) -> None:
        message = Message("user", "a")
        first, second = normalize([message, {"role": "assistant", "content": "b"}])
        assert first is message
        assert second == Message("assistant", "b", original={"role": "assistant", "content": "b"})

    @pytest.mark.parametrize("role", ["developer", "model", "function", "", None, 3])
    def test_other_roles_are_refused(self, role: Any) -> None:
        with pytest.raises(ValueError, match=r"^Invalid role provided in message"):
            normalize_messages([{"role": role, "content": "a"}])
        with pytest.raises(ValueError, match=r"^Invalid role provided in message"):
            normalize_messages([Message(role, "a")])

    @pytest.mark.parametrize("entry", [3, "hi", None, ["role", "user"]])
    def test_other_entries_are_refused(self, entry: Any) -> None:
        with pytest.raises(TypeError, match="must be a Message or a mapping"):
            normalize_messages([entry])

    @pytest.mark.parametrize(
        ("entry", "content"),
        [
            ({"content": "a"}, "a"),
            ({"content": None}, ""),
            ({}, ""),
            ({"parts": [{"text": "a"}]}, [{"text": "a"}]),
            ({"content": [{"type": "text", "text": "a"}]}, [{"type": "text", "text": "a"}]),
            ({"content": "a", "parts": [{"text": "b"}]}, "a"),
        ],
    )
    def test_content_is_found_where_it_stands(self, entry: dict[str, Any], content: Any) -> None:
        assert normalize_messages([{"role": "user", **entry}])[0].content == content

    @pytest.mark.parametrize(
        "entry",
        [{"content": 3}, {"content": ["a"]}, {"reasoning": 3}, {"reasoning_details": "x"}, {"tool_calls": "x"}],
    )
    def test_content_of_a_wrong_type_is_refused(self, entry: dict[str, Any]) -> None:
        with pytest.raises(TypeError, match=r"messages\[0\]"):
            normalize_messages([{"role": "user", **entry}])

    @pytest.mark.parametrize(
        ("given", "calls"),
        [
            ([], None),
            (ToolCall("c", "function"), [ToolCall("c", "function")]),
            ({"id": 3, "type": "function"}, [ToolCall("3", "function")]),
            ([{"id": "c", "type": "t"}, ToolCall("d", "t")], [ToolCall("c", "t"), ToolCall("d", "t")]),
        ],
    )
    def test_tool_calls_may_be_written_in_several_ways(self, given: Any, calls: Any) -> None:
        assert normalize_messages([{"role": "assistant", "tool_calls": given}])[0].tool_calls == calls

    def test_an_original_given_inside_a_mapping_is_taken(self) -> None:
        inner = {"role": "assistant", "content": "inner", "signature": "s"}
        message = normalize_messages([{"role": "assistant", "content": "outer", "original": inner}])[0]
        assert (message.content, message.original) == ("outer", inner)

    def test_the_original_is_what_is_sent_when_it_holds_the_content(self) -> None:
        message = Message("assistant", "edited", original={"role": "assistant", "content": "as it came", "extra": 1})
        assert message_to_dict(message) == {"role": "assistant", "content": "as it came", "extra": 1}
        message.original = {"extra": 1}
        assert message_to_dict(message) == {"role": "assistant", "content": "edited"}

    def test_tool_calls_and_reasoning_are_laid_over_it_and_the_stop_reason_never_is(self) -> None:
        call = ToolCall("c", "function", function={"name": "f", "arguments": "{}"})
        message = Message("assistant", "", [call], "why", [{"a": 1}], "stop", {"role": "assistant", "content": None})
        data = message_to_dict(message)
        assert data["content"] is None
        assert data["reasoning"] == "why"
        assert data["reasoning_details"] == [{"a": 1}]
        assert data["tool_calls"][0]["id"] == "c"
        assert "stop_reason" not in data

    def test_calls_that_were_added_changed_or_taken_away_are_sent_so_and_others_as_they_came(self) -> None:
        sent = [
            {"id": each, "index": 0, "type": "function", "function": {"name": each, "arguments": "{}"}} for each in "ab"
        ]
        original = {"role": "assistant", "content": None, "tool_calls": sent}
        (message,) = normalize_messages([original])
        message = dataclasses.replace(message, original=original)
        assert message_to_dict(message) == original
        assert message.tool_calls is not None
        message.tool_calls.pop(0)
        assert message_to_dict(message)["tool_calls"] == sent[1:]
        changed = {"name": "b", "arguments": '{"x": 1}'}
        message.tool_calls[0] = ToolCall("b", "function", function=changed)
        assert message_to_dict(message)["tool_calls"] == [
            {"id": "b", "type": "function", "name": "b", "function": changed}
        ]
        message.tool_calls = None
        assert message_to_dict(message) == {"role": "assistant", "content": None}

    @pytest.mark.parametrize(
        "fields",
        [
            {"tool_calls": [{"id": "c"}]},
            {"tool_calls": "c"},
            {"reasoning": 3},
            {"reasoning_details": "x"},
            {"content": 3},
        ],
    )
    def test_the_fields_of_a_message_object_are_checked_too(self, fields: dict[str, Any]) -> None:
        with pytest.raises(TypeError, match=r"messages\[0\]"):
            validate_messages([Message(**{"role": "assistant", "content": "", **fields})])


def test_the_text_of_a_message_is_its_content_or_the_texts_of_its_parts() -> None:
    assert Message("assistant", "a").text == "a"
    assert Message("user", [{"type": "text", "text": "a"}, {"type": "image_url"}, {"text": "b"}]).text == "ab"
