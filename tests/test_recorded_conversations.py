"""Every recorded answer can be gone on with: at its own provider, and at each other one."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from llm_async.models import Message, ToolCall
from llm_async.models.message import message_to_dict, normalize_messages
from llm_async.models.tool_call import SERVER_RUN
from llm_async.protocols.anthropic import AnthropicMessages
from llm_async.protocols.base import Call, Protocol
from llm_async.protocols.foreign import readable_by
from llm_async.protocols.gemini import Gemini
from llm_async.protocols.openai_chat import OpenAIChat
from llm_async.protocols.openai_responses import OpenAIResponses
from llm_async.protocols.openrouter import OpenRouter

from . import recorded

ROOT = recorded.folder()

pytestmark = pytest.mark.skipif(ROOT is None, reason="LLM_ASYNC_WIRE names no folder of recorded answers")

PROTOCOLS: dict[str, Protocol] = {
    "chat": OpenAIChat(),
    "openrouter": OpenRouter(),
    "responses": OpenAIResponses(),
    "messages": AnthropicMessages(),
    "gemini": Gemini(),
}
# A Message of a maker that is not known; the API's own words, kept as JSON; a Message with its maker's name, kept as JSON.
FORMS = ("message", "json", "saved")


@functools.cache
def answers() -> list[tuple[str, str, Message]]:
    """The recorded answers that are whole: the case, the API that it came from, the message."""
    assert ROOT is not None
    found = []
    for case in recorded.cases(ROOT):
        outcome = recorded.replay(case) if case.status < 300 else None
        if outcome is not None and outcome.error is None and outcome.message is not None:
            source = "openrouter" if isinstance(recorded.protocol_for(case), OpenRouter) else case.dialect
            found.append((case.name, source, outcome.message))
    return found


def in_form(message: Message, form: str, source: str) -> Any:
    """A message as a caller may have kept it."""
    if form == "message":
        return message
    if form == "saved":
        return json.loads(json.dumps(replace(message, provider_name=source).to_dict()))
    return json.loads(json.dumps(message.original))


def request(target: str, message: Message, form: str, source: str) -> dict[str, Any]:
    """The request that goes on after an answer, with a result for each of its calls."""
    protocol = PROTOCOLS[target]
    results = [protocol.tool_result(call, f"result {place}") for place, call in enumerate(client_calls(message))]
    after = results or [{"role": "user", "content": "and then?"}]
    history = [{"role": "user", "content": "hello"}, in_form(message, form, source), *after]
    if target == "responses":  # its items need not be messages
        kept = [Message.from_dict(each) if isinstance(each, dict) and "original" in each else each for each in history]
    else:
        kept = normalize_messages(history)
    dicts = [message_to_dict(each) if isinstance(each, Message) else each for each in readable_by((target,), kept)]
    return json.loads(json.dumps(protocol.request(Call("m", dicts)).body))  # type: ignore[no-any-return]


def client_calls(message: Message) -> list[ToolCall]:
    return [call for call in message.tool_calls or () if call.type != SERVER_RUN]


# ---- what a request says, whichever API's it is


def entries(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages, contents or items of a request."""
    return body.get("messages") or body.get("contents") or body["input"]  # type: ignore[no-any-return]


def parts(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a message; of an item, the item itself."""
    content = entry.get("content", entry.get("parts"))
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content or [entry] if "role" not in entry else content or []


def said(body: dict[str, Any]) -> str:
    """What the assistant said."""
    turns = [entry for entry in entries(body) if entry.get("role") in ("assistant", "model")]
    texts = [
        str(part.get("refusal") or part.get("text") or "")
        for turn in turns
        for part in [*parts(turn), {"text": turn.get("refusal")}]
        if not part.get("thought") and part.get("type") in (None, "text", "output_text", "refusal")
    ]
    return "".join(texts)


def asked(body: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """The id and name of each call."""
    for entry in entries(body):
        for call in entry.get("tool_calls") or ():
            yield call["id"], call[call["type"]]["name"]
        for part in parts(entry):
            if part.get("type") in ("function_call", "custom_tool_call"):
                yield part["call_id"], part["name"]
            elif part.get("type") == "tool_use":
                yield part["id"], part["name"]
            elif part.get("functionCall"):
                yield part["functionCall"].get("id"), part["functionCall"]["name"]


def answered(body: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The id and text of each result."""
    for entry in entries(body):
        if entry.get("role") == "tool":
            yield entry["tool_call_id"], entry["content"]
            continue
        for part in parts(entry):
            if part.get("type") in ("function_call_output", "custom_tool_call_output"):
                yield part["call_id"], part["output"]
            elif part.get("type") == "tool_result":
                yield part["tool_use_id"], part["content"]
            elif "functionResponse" in part:
                yield part["functionResponse"].get("id"), part["functionResponse"]["response"]["result"]


def without_space(text: str) -> str:
    """A text, but for the space between its parts: Claude takes no part that is nothing but space."""
    return "".join(text.split())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", PROTOCOLS)
def test_every_answer_can_be_gone_on_with_at_every_provider(target: str, form: str) -> None:
    wrong: dict[str, Any] = {}
    for name, source, message in answers():
        body = request(target, message, form, source)
        calls = client_calls(message)
        if source != "responses" or target != "responses":  # there the calls that it ran itself are sent back, too
            made, results = list(asked(body)), list(answered(body))
            if [call for _, call in made] != [call.name for call in calls]:
                wrong[name] = (made, calls)
            if results != [(id, f"result {place}") for place, (id, _) in enumerate(made)]:
                wrong[name] = (made, results)
        expected = str(message.content or (message.original or {}).get("refusal") or "")
        if without_space(expected) not in without_space(said(body)):
            wrong[name] = (expected, said(body))
    assert wrong == {}


OPAQUE_FIELDS = ("signature", "thoughtSignature", "encrypted_content", "encrypted_index", "encrypted_stdout")
OPAQUE_IDS = ("srvtoolu_", "mcptoolu_", "rs_", "ws_", "mcp_", "mcpl_", "fs_", "ci_", "cmp_")


def opaque_strings(value: Any, key: str = "") -> Iterator[str]:
    """What of an answer only its maker can read: signatures, encrypted contents, ids of what its hosted tools did."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from opaque_strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from opaque_strings(inner, key)
    elif isinstance(value, str) and len(value) > 8 and (key in OPAQUE_FIELDS or value.startswith(OPAQUE_IDS)):
        yield value


@pytest.mark.parametrize("target", PROTOCOLS)
def test_another_provider_sees_nothing_that_only_the_first_one_can_read(target: str) -> None:
    seen = {}
    looked_at = 0
    for name, source, message in answers():
        if source == target:
            continue
        # The id of a call is what its result names, and is no secret.
        opaque = set(opaque_strings(message.original)) - {call.call_id for call in client_calls(message)}
        sent = json.dumps(request(target, message, "saved", source))
        looked_at += len(opaque)
        seen |= {(name, text): sent for text in opaque if text in sent}
    assert seen == {}
    assert looked_at > 100


def test_a_message_of_every_provider_survives_json() -> None:
    for _, source, message in answers():
        named = replace(message, provider_name=source)
        back = Message.from_dict(json.loads(json.dumps(named.to_dict())))
        assert (back, back.provider_name) == (named, source)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("api", "own"),
    [
        ("messages", lambda original: [part for part in original["content"] if part.get("text", "-").strip()]),
        ("gemini", lambda original: original["parts"]),
        ("responses", lambda original: original.get("output", [])),
        ("openrouter", lambda original: [original.get("reasoning_details"), original.get("reasoning")]),
    ],
    ids=["messages", "gemini", "responses", "openrouter"],
)
def test_an_answer_goes_back_to_its_own_provider_as_it_came(api: str, own: Any, form: str) -> None:
    wrong: dict[str, Any] = {}
    for name, source, message in answers():
        if source != api or any(
            isinstance(call.arguments, str) and call.incomplete for call in message.tool_calls or ()
        ):
            continue
        sent = entries(request(api, message, form, source))
        turns = [entry for entry in sent if entry.get("role") in ("assistant", "model")]
        if api == "responses":
            got = sent[1 : 1 + len(own(message.original))]
        elif api == "openrouter":
            got = [turns[0].get("reasoning_details"), turns[0].get("reasoning")]
        else:
            got = [part for turn in turns for part in parts(turn)]
        if got != own(message.original):
            wrong[name] = (own(message.original), got)
    assert wrong == {}
