"""The values that callers hold."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from typing import Any

import pytest

from llm_async.models import Limits, Message, Response, ResponseSchema, StreamChunk, Timeouts, Tool, ToolCall, Usage
from llm_async.models.message import message_to_dict, normalize_messages, validate_messages
from llm_async.models.secret import Secret, reveal


class TestSecret:
    def test_it_shows_as_stars_wherever_it_is_written(self) -> None:
        key = Secret("sk-123")
        assert "sk-123" not in f"{key} {key!r} {key:>20} %s" % key
        assert "sk-123" not in str({"key": key})

    def test_it_is_equal_to_the_plain_text(self) -> None:
        assert Secret("sk-123") == "sk-123"
        assert {Secret("sk-123"): 1}["sk-123"] == 1
        assert reveal(Secret("sk-123")) == "sk-123"
        assert type(reveal(Secret("sk-123"))) is str


class TestStreamChunk:
    def test_the_event_is_decoded_when_it_is_looked_at(self) -> None:
        chunk = StreamChunk("a", b'{"x": 1}')
        assert chunk.original == {"x": 1}
        assert chunk.original is chunk.original

    def test_it_is_a_dataclass_in_every_respect(self) -> None:
        chunk = StreamChunk("a", b'{"x": 1}', usage=Usage(input_tokens=1))
        assert chunk == StreamChunk("a", {"x": 1}, usage=Usage(input_tokens=1))
        assert dataclasses.asdict(chunk)["original"] == {"x": 1}
        assert dataclasses.replace(chunk, content="b").delta == "b"
        assert [field.name for field in dataclasses.fields(chunk)][:2] == ["content", "original"]
        assert pickle.loads(pickle.dumps(chunk)) == chunk
        assert copy.deepcopy(chunk) == chunk
        assert repr(chunk).startswith("StreamChunk(content='a', original={'x': 1}")

    def test_its_delta_is_never_none(self) -> None:
        assert StreamChunk(None, {}).delta == ""


class TestToolCall:
    @pytest.mark.parametrize(
        ("call", "arguments"),
        [
            (ToolCall("1", "function", function={"name": "f", "arguments": '{"a": 1}'}), {"a": 1}),
            (ToolCall("1", "function", function={"name": "f", "arguments": {"a": 1}}), {"a": 1}),
            (ToolCall("1", "function", function={"name": "f", "arguments": ""}), {}),
            (ToolCall("1", "function", function={"name": "f", "arguments": None}), {}),
            (ToolCall("1", "function", function={"name": "f"}), {}),
            (ToolCall("1", "function", function={"name": "f", "arguments": "null"}), {}),
            (ToolCall("1", "function", function={"name": "f", "arguments": '{"a": '}), '{"a": '),
            (ToolCall("1", "function", function={"name": "f", "arguments": "[1]"}), "[1]"),
            (ToolCall("1", "tool_use", name="f", input={"a": 1}), {"a": 1}),
            (ToolCall("1", "tool_use", name="f"), {}),
        ],
    )
    def test_arguments_are_computed_from_whatever_the_api_gave(self, call: ToolCall, arguments: Any) -> None:
        assert call.arguments == arguments
        assert call.name == "f"

    def test_a_call_of_the_responses_api_names_its_own_id_for_the_result(self) -> None:
        call = ToolCall.from_responses_api_function_call("fc_1", "call_1", "f", "{}")
        assert (call.id, call.call_id, call.name) == ("fc_1", "call_1", "f")

    def test_a_result_of_the_responses_api_is_an_input_item(self) -> None:
        output = ToolCall.function_call_output("call_1", "42")
        assert output.to_responses_api_message() == {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": "42",
        }
        assert ToolCall("1", "function").to_responses_api_message() == {}


class TestMessages:
    def test_dicts_and_messages_mix(self) -> None:
        message = Message("user", "hi")
        assert normalize_messages([message, {"role": "assistant", "content": None}])[0] is message

    @pytest.mark.parametrize("role", ["wizard", "developer", "model", "function", None, ""])
    def test_an_unknown_role_is_named_with_its_place(self, role: Any) -> None:
        with pytest.raises(ValueError, match=r"Invalid role provided in message: messages\[1\]"):
            validate_messages([{"role": "user", "content": "hi"}, {"role": role, "content": "hi"}])

    @pytest.mark.parametrize(
        "messages",
        ["hi", {"role": "user"}, [1], [{"role": "user", "content": 1}], [{"role": "user", "content": ["hi"]}]],
    )
    def test_what_is_no_message_is_a_type_error(self, messages: Any) -> None:
        with pytest.raises(TypeError, match="messages"):
            normalize_messages(messages)

    def test_unknown_keys_reach_the_wire(self) -> None:
        (message,) = normalize_messages([{"role": "user", "content": "hi", "extra": 1}])
        assert message_to_dict(message) == {"role": "user", "content": "hi", "extra": 1}

    def test_what_the_provider_sent_is_sent_back_as_it_was(self) -> None:
        message = Message(
            "assistant", "ours", original={"role": "assistant", "content": [{"type": "text", "text": "its"}]}
        )
        assert message_to_dict(message)["content"] == [{"type": "text", "text": "its"}]

    def test_the_stop_reason_is_never_sent(self) -> None:
        assert "stop_reason" not in message_to_dict(Message("assistant", "a", stop_reason="stop"))

    def test_an_empty_list_of_tool_calls_vanishes(self) -> None:
        (message,) = normalize_messages([{"role": "assistant", "content": "a", "tool_calls": []}])
        assert message.tool_calls is None
        assert "tool_calls" not in message_to_dict(message)

    @pytest.mark.parametrize(
        "message",
        [
            Message("user", "hi"),
            Message("user", [{"type": "text", "text": "hi"}]),
            Message("assistant", "a", original={"role": "assistant", "parts": [{"text": "a", "thoughtSignature": "s"}]}),
            Message(
                "assistant", "", [ToolCall("1", "function", function={"name": "f", "arguments": "{"}, incomplete=True)],
                "because", [{"type": "thinking", "signature": "s"}], "max_tokens", None, "no", "length", "claude",
            ),
        ],
    )  # fmt: skip
    def test_a_message_survives_json(self, message: Message) -> None:
        data = json.loads(json.dumps(message.to_dict()))
        again = Message.from_dict(data)
        assert (again, again.provider_name) == (message, message.provider_name)
        assert message_to_dict(normalize_messages([data])[0])["role"] == message.role

    def test_what_is_not_set_is_not_in_the_dict(self) -> None:
        assert Message("user", "").to_dict() == {"role": "user", "content": ""}

    def test_a_refusal_without_its_original_is_sent(self) -> None:
        assert message_to_dict(Message("assistant", "", refusal="no"))["refusal"] == "no"

    def test_a_message_survives_pickling(self) -> None:
        message = Message("assistant", "a", tool_calls=[ToolCall("1", "function", function={"name": "f"})])
        assert pickle.loads(pickle.dumps(message)) == message


class TestResponseSchema:
    def test_the_schema_is_copied_in_and_out(self) -> None:
        schema = {"type": "object", "properties": {}}
        wrapped = ResponseSchema(schema)
        schema["properties"]["x"] = {}
        wrapped.for_openai()["json_schema"]["schema"]["properties"]["y"] = {}
        assert wrapped.schema == {"type": "object", "properties": {}}

    def test_each_api_gets_its_own_form(self) -> None:
        wrapped = ResponseSchema({"type": "object"}, name="n")
        assert wrapped.for_openai() == {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
        }
        assert wrapped.for_openai_responses() == {
            "type": "json_schema",
            "name": "n",
            "schema": {"type": "object"},
            "strict": True,
        }
        assert wrapped.for_google() == {
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"},
        }

    def test_only_schemas_and_mappings_are_taken(self) -> None:
        assert ResponseSchema.coerce(None) is None
        with pytest.raises(TypeError, match="response_schema must be ResponseSchema or mapping"):
            ResponseSchema.coerce(3)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="schema must be a mapping"):
            ResponseSchema("object")  # type: ignore[arg-type]


class TestTimeoutsAndLimits:
    def test_a_bare_number_is_the_total(self) -> None:
        assert Timeouts.coerce(5, Timeouts(idle=7)) == Timeouts(idle=7, total=5)

    @pytest.mark.parametrize("value", [0, -1])
    def test_a_deadline_that_has_passed_already_is_refused(self, value: float) -> None:
        with pytest.raises(ValueError, match="idle"):
            Timeouts(idle=value)

    @pytest.mark.parametrize("value", ["5", True])
    def test_a_deadline_is_a_number(self, value: Any) -> None:
        with pytest.raises(TypeError, match="connect"):
            Timeouts(connect=value)

    def test_a_limit_below_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match="connections"):
            Limits(connections=0)


class TestResponse:
    def test_positional_construction_is_as_it_always_was(self) -> None:
        message = Message("assistant", "hi")
        response = Response({"id": "1"}, "openai", message, False, None)
        assert response.main_response is message
        assert not response.stream

    def test_iterating_over_what_is_no_stream_says_how_to_get_one(self) -> None:
        with pytest.raises(TypeError, match="stream=True"):
            Response({}, "openai").__aiter__()

    @pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
    def test_a_copy_is_equal(self, again: Any) -> None:
        response = Response({"id": "1"}, "openai", Message("assistant", "hi"), usage=Usage(input_tokens=1))
        assert again(response) == response

    def test_either_name_of_a_tools_schema_serves(self) -> None:
        schema = {"type": "object", "properties": {"x": {"type": "string"}}}
        assert Tool("f", "d", parameters=schema).schema == schema
        assert Tool("f", "d", input_schema=schema).schema == schema
        assert Tool("f", "d").schema == {"type": "object", "properties": {}}
