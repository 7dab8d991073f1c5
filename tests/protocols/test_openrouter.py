"""OpenRouter: what it does otherwise than OpenAI."""

from __future__ import annotations

from typing import Any

import pytest

from llm_async._json import dumps
from llm_async.errors import BadRequestError
from llm_async.models import Message
from llm_async.models.message import message_to_dict
from llm_async.protocols.base import Answer, Call
from llm_async.protocols.openrouter import OpenRouter


def sent(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return OpenRouter().request(Call("m", list(messages))).body["messages"]  # type: ignore[no-any-return]


def stream(*deltas: dict[str, Any]) -> Answer:
    reader = OpenRouter().reader()
    for delta in deltas:
        reader.feed(dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}))
    reader.feed(
        b'{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop","native_finish_reason":"end_turn"}]}'
    )
    reader.feed(b'{"choices":[{"index":0,"delta":{"content":""},"finish_reason":null,"native_finish_reason":null}]}')
    reader.feed(b"[DONE]")
    return reader.close()


def text(part: str | None = None, index: int | None = 0, **more: Any) -> dict[str, Any]:
    fields = {"type": "reasoning.text", "text": part, "index": index, **more}
    return {key: value for key, value in fields.items() if value is not None}


def test_usage_is_not_asked_for_since_it_always_comes() -> None:
    assert "stream_options" not in OpenRouter().request(Call("m", [], stream=True)).body


def test_a_list_of_models_needs_no_model() -> None:
    body = OpenRouter().request(Call(None, [], options={"models": ["a/b", "c/d"]})).body
    assert body == {"messages": [], "stream": False, "models": ["a/b", "c/d"]}


# Each: pieces of reasoning_details, a list per event; the items that they are.
DETAILS: list[tuple[str, list[list[Any]], list[Any]]] = [
    (
        "texts are joined, and the signature comes late",
        [[text("a", format="f", signature="")], [text("b", format="f")], [text(signature="s")]],
        [text("ab", format="f", signature="s")],
    ),
    (
        "a format is named once",
        [[text("a", format=None)], [text("b", format="f")], [text("c", format="g", id="1")]],
        [text("abc", format="f", id="1")],
    ),
    (
        "items are told apart by index",
        [[text("a", 0), text("b", 1)], [text("c", 1)], [text("d", 0)]],
        [text("ad", 0), text("bc", 1)],
    ),
    (
        "a summary and its encrypted form have one index",
        [
            [{"type": "reasoning.summary", "summary": "a", "index": 0}],
            [{"type": "reasoning.summary", "summary": "b", "index": 0}],
            [{"type": "reasoning.encrypted", "data": "xyz", "id": "rs_1", "index": 0}],
        ],
        [
            {"type": "reasoning.summary", "summary": "ab", "index": 0},
            {"type": "reasoning.encrypted", "data": "xyz", "id": "rs_1", "index": 0},
        ],
    ),
    (
        "another id is another item",
        [
            [{"type": "reasoning.encrypted", "data": "x", "id": "rs_1", "index": 0}],
            [{"type": "reasoning.encrypted", "data": "y", "id": "rs_2", "index": 0}],
        ],
        [
            {"type": "reasoning.encrypted", "data": "x", "id": "rs_1", "index": 0},
            {"type": "reasoning.encrypted", "data": "y", "id": "rs_2", "index": 0},
        ],
    ),
    (
        "without an index neighbours of one type are one item",
        [[text("a", None)], [text("b", None)], [{"type": "reasoning.summary", "summary": "s"}], [text("c", None)]],
        [text("ab", None), {"type": "reasoning.summary", "summary": "s"}, text("c", None)],
    ),
    (
        "items of unknown types are kept",
        [[{"type": "reasoning.new", "x": 1, "index": 0}], ["odd"]],
        [{"type": "reasoning.new", "x": 1, "index": 0}, "odd"],
    ),
    ("an empty list stays one", [[], []], []),
]


@pytest.mark.parametrize(("pieces", "expected"), [case[1:] for case in DETAILS], ids=[case[0] for case in DETAILS])
def test_reasoning_details_are_merged(pieces: list[list[Any]], expected: list[Any]) -> None:
    answer = stream(*({"role": "assistant", "content": "", "reasoning_details": details} for details in pieces))
    assert answer.message.reasoning_details == expected
    assert answer.original["choices"][0]["message"]["reasoning_details"] == expected


def test_the_text_of_details_is_reasoning_once() -> None:
    answer = stream(
        {"content": "", "reasoning": "think", "reasoning_details": [text("think")]},
        {"content": "", "reasoning": "ing", "reasoning_details": [text("ing")]},
        {"content": "a", "reasoning": None, "reasoning_details": []},
    )
    assert (answer.message.content, answer.message.reasoning) == ("a", "thinking")
    assert answer.message.reasoning_details == [text("thinking")]


def test_an_event_behind_the_end_takes_nothing_back() -> None:
    answer = stream({"content": "a"})
    assert (answer.message.content, answer.message.stop_reason) == ("a", "stop")
    assert answer.original["choices"][0]["native_finish_reason"] == "end_turn"


def test_an_error_beside_choices_is_an_error() -> None:
    reader = OpenRouter().reader()
    reader.feed(b'{"choices":[{"index":0,"delta":{"content":"half"}}]}')
    with pytest.raises(BadRequestError):
        reader.feed(
            b'{"error":{"code":400,"message":"Token limit reached"},'
            b'"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}'
        )
    message = reader.answer().message
    assert (message.content, message.finish_reason) == ("half", "error")


@pytest.mark.parametrize("details", [[], [text("think", signature="s"), {"type": "reasoning.encrypted", "data": "x"}]])
def test_reasoning_goes_back_as_it_came(details: list[Any]) -> None:
    message = stream({"content": "a", "reasoning": "think", "reasoning_details": details}).message
    expected = [{"role": "assistant", "content": "a", "reasoning": "think", "reasoning_details": details}]
    assert message.original is not None
    assert sent(message.original) == expected
    assert sent(message_to_dict(message)) == expected


def test_reasoning_of_other_providers_stays_with_them() -> None:
    claudes = Message(
        "assistant",
        "a",
        reasoning="hm",
        reasoning_details=[{"type": "thinking", "thinking": "hm", "signature": "s"}],
        original={
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}],
        },
    )
    assert sent(message_to_dict(claudes)) == [{"role": "assistant", "content": "a"}]
    items = [{"type": "reasoning", "id": "rs_1", "summary": []}]
    assert sent({"role": "assistant", "content": "a", "reasoning_details": items}) == [
        {"role": "assistant", "content": "a"}
    ]


def test_empty_reasoning_fields_are_not_sent() -> None:
    assert sent({"role": "assistant", "content": "a", "reasoning": None, "reasoning_details": None}) == [
        {"role": "assistant", "content": "a"}
    ]
