"""Rows: what a model answers, whole and streamed, what it is told to have cost, and how it fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from llm_async import (
    APIConnectionError,
    AuthenticationError,
    Cost,
    NotFoundError,
    OverloadedError,
    RateLimitError,
    Response,
)
from llm_async.errors import APIStatusError
from llm_async.testing import Raw, Refusal, Text

from .cell import HELLO, NOT_SAID, Scene, Section, holds
from .columns import Door

__all__ = ["ANSWERS", "COSTS", "raw_answer"]

ANSWERS = Section("Answers", "reliability.md")
COSTS = Section("Usage and cost", "options.md#usage-and-cost")

_ERRORS: dict[int, type[APIStatusError]] = {
    401: AuthenticationError,
    404: NotFoundError,
    429: RateLimitError,
    503: OverloadedError,
}


def raw_answer(door: Door, usage: dict[str, Any], **headers: str) -> Raw:
    """A whole answer in an API's own words, with a usage object and headers of its own."""
    body: dict[str, Any] = {"id": "a1", "model": door.model}
    if door.api == "chat":
        message = {"role": "assistant", "content": "Yes."}
        body |= {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    elif door.api == "responses":
        part = {"type": "output_text", "text": "Yes."}
        item = {"type": "message", "role": "assistant", "content": [part]}
        body |= {"status": "completed", "output": [item], "usage": usage}
    elif door.api == "messages":
        content = [{"type": "text", "text": "Yes."}]
        body |= {"type": "message", "role": "assistant", "content": content, "stop_reason": "end_turn", "usage": usage}
    else:
        candidate = {"content": {"role": "model", "parts": [{"text": "Yes."}]}, "finishReason": "STOP"}
        body = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": door.model}
    return Raw(json.dumps(body).encode(), headers={"content-type": "application/json", **headers})


@ANSWERS.row("whole answers")
async def whole(scene: Scene) -> None:
    scene.server.script(Text("Good day."))
    response = await scene.ask()
    assert holds(scene.body, "Good morning")
    assert not holds(scene.body, "stream_options")
    message = response.main_response
    assert (message.content, response.finish_reason, response.stream) == ("Good day.", "stop", False)
    assert response.provider_name == message.provider_name == scene.door.name
    assert holds(response.original, "Good day.")


@ANSWERS.row("streams, which end as the whole answer")
async def stream(scene: Scene) -> None:
    scene.server.script(Text(["Go", "od d", "ay."]), times=2)
    whole = await scene.ask()
    streamed = await scene.provider.acomplete(scene.model, [HELLO], stream=True)
    assert [chunk.delta async for chunk in streamed if chunk.delta] == ["Go", "od d", "ay."]
    assert streamed.main_response is not None
    for name in ("content", "reasoning", "tool_calls", "stop_reason", "finish_reason"):
        assert getattr(streamed.main_response, name) == getattr(whole.main_response, name)
    if not scene.door.usage_unasked:
        assert streamed.usage == whole.usage


@ANSWERS.row("reasoning, apart from the text")
async def reasoning(scene: Scene) -> None:
    scene.server.script(Text("Four.", reasoning="Two and two."), times=2)
    whole = await scene.ask()
    streamed = await scene.provider.acomplete(scene.model, [HELLO], stream=True)
    chunks = [chunk async for chunk in streamed]
    assert "".join(chunk.reasoning for chunk in chunks).strip() == "Two and two."
    assert "".join(chunk.delta for chunk in chunks) == "Four."
    for response in (whole, streamed):
        assert response.main_response.content == "Four."
        assert (response.main_response.reasoning or "").strip() == "Two and two."


@ANSWERS.row("refusals are no content")
async def refusal(scene: Scene) -> None:
    scene.server.script(Refusal("I will not."), times=2)
    for streams in (False, True):
        response = await scene.ask(stream=streams)
        assert response.main_response.content == ""
        assert response.finish_reason in ("refusal", "content_filter")
        # Gemini refuses a prompt in place of an answer.
        assert response.main_response.refusal == (None if scene.door.api == "gemini" else "I will not.")
        assert holds(response.original, "I will not.")


@ANSWERS.row("errors of one tree, also inside a 200")
async def errors(scene: Scene) -> None:
    for status, kind in _ERRORS.items():
        for streams in (False, True):
            scene.server.fail(status, "Not now, please.", retry_after=7)
            with pytest.raises(kind, match="Not now, please") as caught:
                await scene.ask(stream=streams)
            assert caught.value.status_code == status
            assert caught.value.retry_after == 7
    scene.server.error_event()
    with pytest.raises(OverloadedError):
        await scene.ask(stream=True)


@ANSWERS.row("a stream that breaks off is an error that holds what had come")
async def broken(scene: Scene) -> None:
    text = "one two three four five six seven eight nine ten eleven twelve"
    scene.server.script(Text(text))
    scene.server.cut(after=9)
    with pytest.raises(APIConnectionError) as caught:
        await scene.ask(stream=True)
    assert caught.value.partial is not None
    assert caught.value.partial.text
    assert text.startswith(caught.value.partial.text)


@ANSWERS.row("leaving a stream frees its connection")
async def left(scene: Scene) -> None:
    scene.server.script(Text("one two three four five six seven eight nine"))
    scene.server.stall(after=9)
    response = await scene.provider.acomplete(scene.model, [HELLO], stream=True)
    async for chunk in response:
        if chunk.delta:
            break
    await scene.server.wait_closed_connections()


# --- usage and cost


@COSTS.row("`usage`: tokens in, out and of reasoning")
async def usage(scene: Scene) -> None:
    spoken = Text("It is four.", reasoning="Two and two.")
    scene.server.script(spoken, _with_usage_unasked() if scene.door.usage_unasked else spoken)
    for streams in (False, True):
        response = await scene.ask(stream=streams)
        assert response.usage is not None
        counted = response.usage
        assert (counted.input_tokens, counted.output_tokens, counted.reasoning_tokens) == (2, 6, 3)
        assert counted.total_tokens in (8, None)
        assert counted.raw


def _with_usage_unasked() -> Raw:
    """A stream of Chat Completions that ends with its usage, in the chunk that says why it ends."""
    details = {"reasoning_tokens": 3}
    counted = {"prompt_tokens": 2, "completion_tokens": 6, "total_tokens": 8, "completion_tokens_details": details}
    said = {"index": 0, "delta": {"role": "assistant", "content": "It is four."}}
    chunks = [{"choices": [said]}, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": counted}]
    return Raw([f"data: {data}\n\n".encode() for data in (*map(json.dumps, chunks), "[DONE]")])


# 10 tokens in, 6 of them from a cache, and at Claude 1 into it; 5 out.
_CACHED: dict[str, dict[str, Any]] = {
    "chat": {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}},
    "responses": {"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 6}},
    "messages": {
        "input_tokens": 3,
        "output_tokens": 5,
        "cache_read_input_tokens": 6,
        "cache_creation_input_tokens": 1,
    },
    "gemini": {"promptTokenCount": 10, "candidatesTokenCount": 5, "cachedContentTokenCount": 6},
}


@COSTS.row("`usage`: what was read from the provider's cache")
async def cached_usage(scene: Scene) -> None:
    scene.server.script(raw_answer(scene.door, _CACHED[scene.door.api]))
    counted = (await scene.ask()).usage
    assert counted is not None
    assert (counted.input_tokens, counted.output_tokens, counted.cache_read_tokens) == (10, 5, 6)
    assert counted.cache_write_tokens == (1 if scene.door.api == "messages" else None)


async def _response_of_cost(scene: Scene) -> Response:
    scene.server.script(raw_answer(scene.door, {**_CACHED[scene.door.api], **(scene.door.cost or {})}))
    return await scene.ask()


@COSTS.row("`cost`: the provider's own figure")
async def cost(scene: Scene) -> str | None:
    response = await _response_of_cost(scene)
    assert response.usage is not None
    if scene.door.cost is None:
        assert response.usage.cost is None
        return NOT_SAID
    assert response.cost == Cost(0.25)
    return None


@COSTS.row("`cost`: an estimate by the price list", needs=("genai_prices",))
async def estimate(scene: Scene) -> str | None:
    scene.server.script(raw_answer(scene.door, _CACHED[scene.door.api]))
    async with scene.door.provider() as at_its_own_address:
        # What the list has, it has for that address.
        response = replace(await scene.ask(), base_url=at_its_own_address.base_url)
    if not scene.door.priced:
        return NOT_SAID
    assert response.cost is not None
    assert response.cost.estimated
    assert response.cost.amount > 0
    return None
