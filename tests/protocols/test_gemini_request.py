"""Calls as Gemini's requests: paths, options, conversations in every API's form, tools."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from llm_async.errors import UnsupportedError
from llm_async.models import Message, ResponseSchema, Tool, ToolCall
from llm_async.models.message import message_to_dict, normalize_messages
from llm_async.protocols.base import Call
from llm_async.protocols.gemini import Gemini
from llm_async.protocols.gemini_parts import parts_of

MODEL = "gemini-2.5-flash"
HI = {"role": "user", "content": "hi"}
PNG = "iVBORw0KGgo="
SKIP = "skip_thought_signature_validator"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def body(*messages: Any, model: str = MODEL, **more: Any) -> dict[str, Any]:
    """The request's body for messages as callers give them."""
    given = [message_to_dict(message) for message in normalize_messages(messages or [HI])]
    return Gemini().request(Call(model, given, **more)).body


def contents(*messages: Any, model: str = MODEL) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = body(*messages, model=model)["contents"]
    return made


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def called(name: str, args: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args}, **more}


def result(name: str, text: str, key: str = "result", **more: Any) -> dict[str, Any]:
    return {"functionResponse": {**more, "name": name, "response": {key: text}}}


def chat_calls(*calls: tuple[str, str, Any], content: Any = None) -> dict[str, Any]:
    entries = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": text}} for id, name, text in calls
    ]
    return {"role": "assistant", "content": content, "tool_calls": entries}


def chat_result(id: str, text: Any, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": text, **more}


def answer(*parts: dict[str, Any]) -> Message:
    """A message that Gemini has sent."""
    return (
        Gemini()
        .read({"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}]})
        .message
    )


# ---- the path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("tunedModels/mine", "/tunedModels/mine"),
        ("google/gemini-x", "/models/google/gemini-x"),
        ("publishers/anthropic/models/claude", "/publishers/anthropic/models/claude"),
        ("projects/p/locations/l/endpoints/7", "/projects/p/locations/l/endpoints/7"),
        ("my model?x#y%", "/models/my%20model%3Fx%23y%25"),
        ("modèle", "/models/mod%C3%A8le"),
    ],
)
def test_a_models_name_is_the_path(name: str, path: str) -> None:
    assert Gemini().request(Call(name, [HI])).path == f"{path}:generateContent"
    assert Gemini().request(Call(name, [HI], stream=True)).path == f"{path}:streamGenerateContent?alt=sse"


@pytest.mark.parametrize("name", [None, "", "../files", "models/../x", "models//x"])
def test_a_name_that_leaves_the_path_is_refused(name: str | None) -> None:
    with pytest.raises(ValueError, match="model"):
        Gemini().request(Call(name, [HI]))


# ---- options


def test_options_of_the_api_go_out_as_given() -> None:
    options = {
        "safetySettings": [{"category": "X"}],
        "cachedContent": "cachedContents/1",
        "labels": None,
        "some_new": 1,
    }
    assert body(options=options) == {"contents": [user({"text": "hi"})], **options}


def test_flat_generation_options_go_where_the_api_has_them_however_they_are_spelled() -> None:
    options = {
        "temperature": 0, "top_p": 0.9, "topK": 5, "max_tokens": 10, "stop": "END", "thinking_config": {"thinkingBudget": 0},
        "response_modalities": ["TEXT"],
    }  # fmt: skip
    assert body(options=options)["generationConfig"] == {
        "temperature": 0, "topP": 0.9, "topK": 5, "maxOutputTokens": 10, "stopSequences": ["END"],
        "thinkingConfig": {"thinkingBudget": 0}, "responseModalities": ["TEXT"],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["generationConfig", "generation_config"])
def test_an_explicit_generation_config_wins_over_flat_options(name: str) -> None:
    options = {"max_tokens": 10, "temperature": 0.5, name: {"max_output_tokens": 20, "topK": 1}}
    assert body(options=options)["generationConfig"] == {"max_output_tokens": 20, "topK": 1, "temperature": 0.5}


def test_a_schema_joins_the_generation_config_and_takes_the_place_of_another_schema() -> None:
    made = body(
        options={"generationConfig": {"temperature": 0, "response_schema": {}, "responseMimeType": "text/plain"}},
        response_schema=ResponseSchema({**SCHEMA, "additionalProperties": False}),
    )
    assert made["generationConfig"] == {
        "temperature": 0,
        "responseMimeType": "application/json",
        "responseJsonSchema": {**SCHEMA, "additionalProperties": False},
    }


def test_a_generation_config_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(TypeError, match="generationConfig"):
        body(options={"generationConfig": 3})


def test_extra_body_wins_in_any_spelling() -> None:
    made = body(
        {"role": "system", "content": "a"}, HI, extra_body={"systemInstruction": None, "generation_config": {"seed": 1}}
    )
    assert made == {"contents": [user({"text": "hi"})], "systemInstruction": None, "generation_config": {"seed": 1}}


def test_all_system_messages_are_the_instruction() -> None:
    made = body(
        {"role": "system", "content": "be terse"},
        HI,
        {"role": "system", "content": [{"type": "text", "text": "be kind"}]},
    )
    assert made["system_instruction"] == {"parts": [{"text": "be terse"}, {"text": "be kind"}]}
    assert made["contents"] == [user({"text": "hi"})]


@pytest.mark.parametrize("given", ["first", {"parts": [{"text": "first"}]}])
def test_system_messages_follow_on_an_instruction_among_the_options(given: Any) -> None:
    made = body({"role": "system", "content": "second"}, HI, options={"systemInstruction": given})
    assert made["systemInstruction"] == {"parts": [{"text": "first"}, {"text": "second"}]}
    assert "system_instruction" not in made


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("required", {"mode": "ANY"}),
        ("none", {"mode": "NONE"}),
        ("VALIDATED", {"mode": "VALIDATED"}),
        ("get_weather", {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}),
        ({"type": "any"}, {"mode": "ANY"}),
        ({"type": "auto"}, {"mode": "AUTO"}),
        ({"type": "tool", "name": "f"}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ({"type": "function", "name": "f"}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
            {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"function": {"name": "f"}}]}},
            {"mode": "ANY", "allowedFunctionNames": ["f"]},
        ),
        ({"mode": "NONE"}, {"mode": "NONE"}),
        ({"functionCallingConfig": {"mode": "ANY"}}, {"mode": "ANY"}),
    ],
)
def test_a_tool_choice_of_any_api_is_a_calling_mode(choice: Any, config: dict[str, Any]) -> None:
    assert body(tool_choice=choice)["toolConfig"] == {"functionCallingConfig": config}


def test_a_tool_choice_stands_beside_the_other_settings_of_tools() -> None:
    given = {
        "functionCallingConfig": {"streamFunctionCallArguments": True, "allowedFunctionNames": ["f"]},
        "retrievalConfig": {},
    }
    assert body(tool_choice="auto", options={"toolConfig": given})["toolConfig"] == {
        "functionCallingConfig": {"streamFunctionCallArguments": True, "mode": "AUTO"},
        "retrievalConfig": {},
    }


@pytest.mark.parametrize(
    "choice", [{"type": "function"}, {"type": "web_search"}, {"type": "allowed_tools", "tools": []}, {"x": 1}]
)
def test_a_tool_choice_of_no_known_form_is_refused(choice: Any) -> None:
    with pytest.raises(ValueError, match="tool_choice"):
        body(tool_choice=choice)


# ---- tools


def declared(*tools: Any) -> Any:
    made = Gemini().format_tools(tools)
    assert [list(entry) for entry in made] == [["functionDeclarations"]]
    return made[0]["functionDeclarations"]


@pytest.mark.parametrize(
    "tool",
    [
        Tool("f", "does it", SCHEMA),
        Tool("f", "does it", None, {**SCHEMA, "additionalProperties": False}),
        {"type": "function", "function": {"name": "f", "description": "does it", "parameters": SCHEMA, "strict": True}},
        {"type": "function", "name": "f", "description": "does it", "parameters": SCHEMA, "strict": True},
        {"name": "f", "description": "does it", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", "name": "f", "description": "does it", "input_schema": SCHEMA},
        {"name": "f", "description": "does it", "parameters": SCHEMA},
        {"functionDeclarations": [{"name": "f", "description": "does it", "parameters": SCHEMA}]},
    ],
)
def test_a_function_of_any_api_is_a_declaration(tool: Any) -> None:
    assert declared(tool) == [{"name": "f", "description": "does it", "parameters": SCHEMA}]


def test_functions_share_one_list_and_hosted_tools_pass_unchanged() -> None:
    made = Gemini().format_tools([Tool("a", ""), {"googleSearch": {}}, {"functionDeclarations": [{"name": "b"}]}])
    assert made == [{"functionDeclarations": [{"name": "a", "description": ""}, {"name": "b"}]}, {"googleSearch": {}}]


def test_a_function_without_arguments_has_no_parameters() -> None:
    for schema in (None, {}, {"type": "object", "properties": {}, "additionalProperties": False}):
        assert declared(Tool("f", "x", schema)) == [{"name": "f", "description": "x"}]


def test_additional_properties_go_as_a_keyword_and_stay_as_a_property() -> None:
    inner = {"type": "object", "properties": {"additionalProperties": {"type": "string"}}}
    given = {
        "type": "object",
        "properties": {"a": {**inner, "additionalProperties": False}, "b": {"type": "array", "items": {**inner}}},
        "additionalProperties": False,
    }
    expected = {"type": "object", "properties": {"a": inner, "b": {"type": "array", "items": inner}}}
    assert declared(Tool("f", "", given))[0]["parameters"] == expected
    assert given["additionalProperties"] is False


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/X"},
        {"type": ["string", "null"]},
        {"const": 1},
        {"type": "integer", "enum": [1, 2]},
        {"type": "string", "format": "email"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object"},
        {"type": "array"},
        {"oneOf": [{"type": "string"}]},
        True,
        {},
    ],
)
def test_a_schema_beyond_the_subset_goes_out_whole_as_json_schema(schema: Any) -> None:
    given = {"type": "object", "properties": {"x": schema}, "additionalProperties": False}
    assert declared(Tool("f", "", given)) == [{"name": "f", "description": "", "parametersJsonSchema": given}]


def test_null_in_a_choice_of_schemas_is_in_the_subset() -> None:
    given = {"type": "object", "properties": {"x": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}}}
    assert declared(Tool("f", "", given))[0]["parameters"] == given


@pytest.mark.parametrize(
    ("tool", "error"),
    [
        ({"type": "function", "function": {"description": "nameless"}}, ValueError),
        ({"description": "nameless", "input_schema": {}}, ValueError),
        ({}, ValueError),
        ({"type": "web_search_preview"}, UnsupportedError),
        ({"type": "custom", "name": "grammar"}, UnsupportedError),
        ("f", TypeError),
    ],
)
def test_a_tool_that_cannot_be_declared_is_named(tool: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"tools\[1\]"):
        Gemini().format_tools([Tool("f", ""), tool])


# ---- content parts


def test_a_file_of_an_office_program_is_not_taken_for_a_pdf() -> None:
    part = {"type": "input_file", "filename": "a.docx", "file_data": PNG}
    with pytest.raises(UnsupportedError, match="wordprocessingml"):
        parts_of(part, "messages[0]")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"text": "a"}),
        ({"type": "input_text", "text": "a"}, {"text": "a"}),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:text/plain;charset=utf-8,a%20b"}},
            {"inlineData": {"mimeType": "text/plain", "data": "YSBi"}},
        ),
        (
            {"type": "image_url", "image_url": "https://x.org/a.JPG?w=3"},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.org/a.JPG?w=3"}},
        ),
        ({"type": "input_image", "image_url": "https://x.org/a"}, {"fileData": {"fileUri": "https://x.org/a"}}),
        (
            {"type": "input_audio", "input_audio": {"data": PNG, "format": "mp3"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": PNG}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"}},
            {"inlineData": {"mimeType": "application/pdf", "data": PNG}},
        ),
        (
            {"type": "input_file", "filename": "a.csv", "file_data": PNG},
            {"inlineData": {"mimeType": "text/csv", "data": PNG}},
        ),
        (
            {"type": "input_file", "file_url": "gs://bucket/a.pdf"},
            {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://bucket/a.pdf"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://x.org/a.mov"}},
            {"fileData": {"mimeType": "video/mov", "fileUri": "https://x.org/a.mov"}},
        ),
        (
            {"type": "input_file", "file_url": "gs://bucket/a.docx"},
            {"fileData": {"fileUri": "gs://bucket/a.docx"}},
        ),
        (
            {"type": "input_file", "file_url": "https://x.org/files/mov"},
            {"fileData": {"fileUri": "https://x.org/files/mov"}},
        ),
        (
            {"type": "input_file", "filename": "a.yaml", "file_data": PNG},
            {"inlineData": {"mimeType": "application/yaml", "data": PNG}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://www.youtube.com/watch?v=1"}},
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://x.org/a.png"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x.org/a.png"}},
        ),
        ({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}, {"text": "a"}),
        (
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
        ),
    ],
)
def test_a_part_of_any_api_is_a_part_of_gemini(part: dict[str, Any], expected: dict[str, Any]) -> None:
    assert contents({"role": "user", "content": [part]}) == [user(expected)]


@pytest.mark.parametrize(
    ("part", "error"),
    [
        ({"type": "hologram"}, UnsupportedError),
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, UnsupportedError),
        ({"type": "file", "file": {"file_id": "file-1"}}, UnsupportedError),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, UnsupportedError),
        ({"unknown": 1}, UnsupportedError),
        ({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}, ValueError),
        ({"type": "image_url"}, ValueError),
        ({"type": "text"}, ValueError),
    ],
)
def test_a_part_without_a_place_is_refused_by_its_messages_position(
    part: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"messages\[1\]"):
        contents(HI, {"role": "user", "content": [part]})


# ---- the model's turns


SIGNED = [
    {"text": "plan", "thought": True},
    {"text": "I will look.", "thoughtSignature": "c2ln"},
    {"functionCall": {"id": "x1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
    {"functionCall": {"id": "x2", "name": "g", "args": {}}},
    {"executableCode": {"language": "PYTHON", "code": "1"}},
    {"toolCall": {"toolType": "GOOGLE_SEARCH"}, "thoughtSignature": "c2ln"},
    {"partFromTheFuture": {}},
    {"text": "", "thoughtSignature": "ZW5k"},
]


@pytest.mark.parametrize("name", [MODEL, "gemini-3-pro-preview"])
def test_what_gemini_said_goes_back_as_it_came(name: str) -> None:
    message = answer(*SIGNED)
    for form in (message, message.original, {"role": "assistant", "parts": SIGNED}):
        assert contents(HI, form, model=name)[1] == model(*SIGNED)


def test_a_message_of_an_assistant_is_the_models() -> None:
    made = contents(HI, {"role": "assistant", "content": "hello", "reasoning": "hm", "name": "Bob"})
    assert made[1] == model({"text": "hello"})


def test_a_refusal_is_what_the_model_said() -> None:
    assert contents(HI, {"role": "assistant", "content": None, "refusal": "No."})[1] == model({"text": "No."})


def test_an_answer_without_parts_is_not_sent_back() -> None:
    blocked = Gemini().read({"promptFeedback": {"blockReason": "SAFETY"}}).message
    assert contents(HI, blocked.original, HI) == [user({"text": "hi"}), user({"text": "hi"})]


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        (None, {}),
        ({"a": 1}, {"a": 1}),
        ('{"a": ', {"input": '{"a": '}),
        ("[1]", {"input": "[1]"}),
    ],
)
def test_arguments_of_chat_calls_are_objects(arguments: Any, args: dict[str, Any]) -> None:
    assert contents(HI, chat_calls(("c1", "f", arguments), content=""))[1] == model(called("f", args))


def test_calls_of_claude_and_of_a_message_beside_them_are_the_same_calls() -> None:
    message = Message(
        "assistant",
        "Look.",
        [ToolCall("toolu_1", "tool_use", "f", {"a": 1})],
        original={
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "Look."},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
            ],
        },
    )
    results = {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "toolu_1",
                "content": [{"type": "text", "text": "boom"}],
                "is_error": True,
            },
            {"type": "text", "text": "go on"},
        ],
    }
    assert contents(HI, message, results)[1:] == [
        model({"text": "Look."}, called("f", {"a": 1})),
        user(result("f", "boom", "error"), {"text": "go on"}),
    ]


def test_items_of_the_responses_api_are_turns() -> None:
    items = [
        HI,
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
        {"type": "function_call", "id": "fc_2", "call_id": "c2", "name": "g", "arguments": ""},
        {"type": "function_call_output", "call_id": "c2", "output": "2"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "output_text", "text": "1"}]},
    ]
    made = Gemini().request(Call("gemini-3-flash", items)).body["contents"]
    assert made[1:] == [
        model(called("f", {"a": 1}, thoughtSignature=SKIP), called("g", {})),
        user(result("f", "1"), result("g", "2")),
    ]
    with pytest.raises(UnsupportedError, match=r"messages\[0\].*item_reference"):
        Gemini().request(Call(MODEL, [{"type": "item_reference", "id": "x"}]))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("gemini-3-pro-preview", True),
        ("gemini-3.1-flash", True),
        ("models/gemini-4-neon", True),
        ("gemini-flash-latest", True),
        ("gemini-2.5-pro", False),
        ("gemini-2.0-flash", False),
        ("gemma-3-27b-it", False),
        ("tunedModels/mine", False),
    ],
)
def test_the_first_foreign_call_of_a_turn_says_that_it_has_no_signature_where_the_model_asks_for_one(
    name: str, wanted: bool
) -> None:
    sign = {"thoughtSignature": SKIP} if wanted else {}
    made = contents(HI, chat_calls(("c1", "f", "{}"), ("c2", "g", "{}")), model=name)
    assert made[1] == model(called("f", {}, **sign), called("g", {}))


@pytest.mark.parametrize("signature", [{}, {"thoughtSignature": "c2ln"}, {"thought_signature": "c2ln"}])
def test_a_call_of_an_older_gemini_says_it_too_and_a_signature_stays(signature: dict[str, str]) -> None:
    said = model(called("f", {}, **signature), called("g", {}))
    made = contents(HI, {"role": "assistant", "parts": said["parts"]}, model="gemini-3-flash")
    assert made[1] == model(called("f", {}, **(signature or {"thoughtSignature": SKIP})), called("g", {}))
    assert contents(HI, {"role": "assistant", "parts": said["parts"]})[1] == said


def test_a_signature_from_the_compatibility_endpoint_is_kept() -> None:
    message = chat_calls(("c1", "f", "{}"))
    message["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "c2ln"}}
    assert contents(HI, message, model="gemini-3-flash")[1] == model(called("f", {}, thoughtSignature="c2ln"))


def test_a_call_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"messages\[1\].*no name"):
        contents(HI, chat_calls(("c1", "", "{}")))


# ---- the results of tools


def test_results_stand_together_in_the_order_of_their_calls() -> None:
    made = contents(
        HI,
        chat_calls(("c1", "f", '{"x":1}'), ("c2", "f", '{"x":2}')),
        chat_result("c2", "two"),
        chat_result("c1", "one"),
        {"role": "user", "content": "and?"},
    )
    assert made[2:] == [user(result("f", "one"), result("f", "two")), user({"text": "and?"})]


def test_an_id_that_the_api_gave_is_repeated_and_one_that_was_made_up_is_not() -> None:
    given, made_up = (
        answer({"functionCall": {"id": "x1", "name": "f", "args": {}}}),
        answer({"functionCall": {"name": "f"}}),
    )
    for message, id in ((given, {"id": "x1"}), (made_up, {})):
        assert message.tool_calls is not None
        call = message.tool_calls[0]
        expected = user(result("f", "42", **id))
        assert Gemini().tool_result(call, "42") == expected
        for answered in (Gemini().tool_result(call, "42"), chat_result(call.id, "42")):
            assert contents(HI, message, answered)[2] == expected
            assert contents(HI, message.original, answered)[2] == expected


def test_a_call_that_went_through_json_finds_its_id_again() -> None:
    message = answer({"functionCall": {"id": "x1", "name": "f"}}, {"functionCall": {"id": "x2", "name": "f"}})
    assert message.tool_calls is not None
    calls = [ToolCall(**json.loads(json.dumps(asdict(call)))) for call in message.tool_calls]
    results = [Gemini().tool_result(call, call.id) for call in calls]
    assert contents(HI, message.original, *results)[2] == user(result("f", "x1", id="x1"), result("f", "x2", id="x2"))


def test_a_call_that_nobody_got_from_the_api_is_answered_by_name_alone() -> None:
    call = ToolCall("call_0", "function", function={"name": "f", "arguments": {}})
    assert Gemini().tool_result(call, "42") == user(result("f", "42"))
    assert Gemini().tool_result(call, "boom", is_error=True) == user(result("f", "boom", "error"))


def test_a_result_may_name_its_function_itself() -> None:
    assert contents(HI, chat_result("c9", "42", name="f"))[1] == user(result("f", "42"))


@pytest.mark.parametrize(
    "history",
    [
        [chat_result("c9", "42")],
        [chat_calls(("c1", "f", "{}")), chat_result("c9", "42")],
        [chat_calls(("c1", "f", "{}")), {"role": "tool", "content": "42"}],
    ],
)
def test_a_result_of_a_call_that_nobody_made_is_refused(history: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match=rf"messages\[{len(history)}\]"):
        contents(HI, *history)


def test_ids_that_are_used_again_belong_to_the_last_call() -> None:
    made = contents(
        HI, chat_calls(("c1", "f", "{}")), chat_result("c1", "1"), chat_calls(("c1", "g", "{}")), chat_result("c1", "2")
    )
    assert made[4] == user(result("g", "2"))


def test_images_in_a_result_stand_beside_its_text() -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    answered = chat_result("c1", [{"type": "text", "text": "look"}, image])
    made = contents(HI, chat_calls(("c1", "f", "{}")), answered, model="gemini-3-flash")
    expected = result("f", "look")
    expected["functionResponse"]["parts"] = [{"inlineData": {"mimeType": "image/png", "data": PNG}}]
    assert made[2] == user(expected)


def test_a_model_before_version_3_is_shown_the_images_in_results_behind_all_of_them() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    own = result("f", "1")
    own["functionResponse"]["parts"] = [image]
    made = contents(
        HI, chat_calls(("c1", "f", "{}"), ("c2", "g", "{}")), user(own), chat_result("c2", [image]), HI,
        model="gemini-2.5-flash",
    )  # fmt: skip
    assert made[2] == user(result("f", "1"), result("g", ""), image, image)
    assert made[3] == user({"text": "hi"})


def test_a_system_message_with_an_image_is_refused() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    with pytest.raises(UnsupportedError, match=r"^messages\[1\]: a system message of Gemini is text alone"):
        contents(HI, {"role": "system", "content": [image]})


def test_the_callers_messages_are_not_changed() -> None:
    history = [
        HI,
        answer(*SIGNED).original,
        user(result("f", "1")),
        user(result("g", "2")),
        chat_calls(("c1", "f", "{}")),
    ]
    before = json.dumps(history)
    contents(*history, model="gemini-3-flash")
    assert json.dumps(history) == before


def test_a_call_without_a_list_around_it_is_a_call() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for given in (call, ToolCall("c1", "function", function={"name": "f", "arguments": "{}"})):
        assert contents(HI, {"role": "assistant", "content": None, "tool_calls": given})[1] == model(called("f", {}))
