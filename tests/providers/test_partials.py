"""The value of an answer that is JSON, while it streams: every provider against the embedded server."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from llm_async import Change, Fallback
from llm_async.errors import (
    AnswerError,
    APIConnectionError,
    InvalidAnswerError,
    ProtocolError,
    RefusedAnswerError,
    StreamError,
    TruncatedAnswerError,
    UnsupportedError,
)
from llm_async.models import Message, Response, StreamChunk
from llm_async.providers import BaseProvider, ClaudeProvider, OpenAIProvider
from llm_async.testing import ProviderServer, Raw, Refusal, Text, ToolCalls

from .test_calls import HELLO, SCHEMA, against_server, every_provider
from .test_streams import middle

VALUE = {"name": "Ann 😀", "tags": ["a", "b"], "size": 12}
PIECES = ['{"na', 'me": "A', "nn ", "\\ud83d", '\\ude00"', ', "tags": ["a"', ', "b"]', ', "size": 1', "2}"]
# What is there after each piece.
GROWING: list[Any] = [
    {},
    {"name": "A"},
    {"name": "Ann "},
    {"name": "Ann "},
    {"name": "Ann 😀"},
    {"name": "Ann 😀", "tags": ["a"]},
    {"name": "Ann 😀", "tags": ["a", "b"]},
    {"name": "Ann 😀", "tags": ["a", "b"]},
    VALUE,
]
CHANGING = [value for before, value in zip([None, *GROWING], GROWING, strict=False) if value != before]


async def streamed(provider: BaseProvider) -> Response:
    return await provider.acomplete("m", HELLO, stream=True, response_schema=SCHEMA)


@every_provider
class TestWhileItStreams:
    def test_the_value_grows_in_place(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES))
            response = await streamed(provider)
            seen, objects = [], []
            async for value in response.partials():
                seen.append(copy.deepcopy(value))
                objects.append(value)
                assert response.partial() is value
            assert seen == CHANGING
            assert all(each is objects[0] for each in objects)
            assert json.loads(response.main_response.text) == VALUE

        against_server(provider_class, body)

    def test_a_loop_over_chunks_may_ask_after_each_of_them(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES))
            response = await streamed(provider)
            assert response.partial() is None
            seen = []
            async for chunk in response:
                if chunk.content:
                    seen.append(copy.deepcopy(response.partial()))
            assert seen == GROWING
            assert response.partial() == VALUE

        against_server(provider_class, body)

    @pytest.mark.parametrize("asked_first", range(len(PIECES) + 1))
    def test_asking_may_begin_anywhere(self, provider_class: type[BaseProvider], asked_first: int) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES))
            response = await streamed(provider)
            with_text = 0
            async for chunk in response:
                with_text += bool(chunk.content)
                if with_text > asked_first:
                    assert response.partial() == GROWING[with_text - 1]
            assert response.partial() == VALUE

        against_server(provider_class, body)

    def test_a_loop_over_values_goes_on_where_one_over_chunks_was_left(
        self, provider_class: type[BaseProvider]
    ) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES))
            async with await streamed(provider) as response:
                chunks = aiter(response)
                while not (await anext(chunks)).content:
                    pass
                seen = [copy.deepcopy(value) async for value in response.partials()]
            assert seen == CHANGING

        against_server(provider_class, body)

    def test_changes_come_with_their_paths(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES))
            changes = [change async for change in (await streamed(provider)).changes()]
            assert changes[:2] == [Change((), VALUE, whole=False), Change(("name",), "A", whole=False)]
            assert "".join(change.value for change in changes if change.path == ("name",)) == "Ann 😀"
            assert [change for change in changes if change.path[:1] == ("tags",)] == [
                Change(("tags",), ["a", "b"], whole=False),
                Change(("tags", 0), "a", whole=True),
                Change(("tags", 1), "b", whole=True),
                Change(("tags",), ["a", "b"], whole=True),
            ]
            assert changes[-2:] == [Change(("size",), 12, whole=True), Change((), VALUE, whole=True)]

        against_server(provider_class, body)

    def test_an_answer_that_does_not_stream_has_one_value(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES))
            response = await provider.acomplete("m", HELLO)
            assert [value async for value in response.partials()] == [VALUE]
            assert [value async for value in response.partials()] == [VALUE]
            assert response.partial() == VALUE
            assert (await collected(response.changes()))[-1] == Change((), VALUE, whole=True)

        against_server(provider_class, body)

    def test_a_stream_that_was_read_still_has_its_value(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES))
            response = await streamed(provider)
            await response.final()
            assert [value async for value in response.partials()] == [VALUE]
            for twin in (copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
                assert twin.partial() == VALUE
                assert twin.main_response == response.main_response

        against_server(provider_class, body)


@every_provider
class TestEnds:
    def test_an_answer_that_is_cut_off_is_no_whole_value(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES[:3], finish="length"))
            response = await streamed(provider)
            seen: list[Any] = []
            with pytest.raises(TruncatedAnswerError) as caught:
                await read(response, seen)
            assert seen == GROWING[:3]
            assert response.partial() == GROWING[2]
            assert caught.value.text == "".join(PIECES[:3])
            assert caught.value.finish_reason == "length"
            assert caught.value.partial is response.main_response

        against_server(provider_class, body)

    def test_a_refusal_is_no_value(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Refusal("I would rather not."))
            response = await streamed(provider)
            with pytest.raises(RefusedAnswerError):
                await collected(response.partials())

        against_server(provider_class, body)

    def test_tool_calls_are_no_value(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(ToolCalls(("weather", {"city": "Bergen"})))
            with pytest.raises(AnswerError, match="tools"):
                await collected((await streamed(provider)).partials())

        against_server(provider_class, body)

    def test_what_is_no_json_is_an_error_with_its_place(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(['{"name": ', '"Ann"} ', "Here ", "you ", "are."]))
            response = await streamed(provider)
            seen: list[Any] = []
            with pytest.raises(InvalidAnswerError, match="at character 16") as caught:
                await read(response, seen)
            assert seen == [{}, {"name": "Ann"}]
            assert isinstance(caught.value, ProtocolError)
            assert caught.value.text.startswith('{"name": "Ann"} Here')
            with pytest.raises(StreamError, match="closed"):
                await response.final()
            await server.wait_closed_connections()

        against_server(provider_class, body)

    def test_a_stream_may_be_read_on_although_it_is_no_json(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text("Here you are."))
            response = await streamed(provider)
            async for chunk in response:
                if chunk.content:
                    with pytest.raises(InvalidAnswerError, match="at character 0"):
                        response.partial()
            assert response.main_response.text == "Here you are."

        against_server(provider_class, body)

    def test_a_stream_that_fails_says_so_and_keeps_its_value(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES))
            server.cut(after=middle(provider), how="reset")
            response = await streamed(provider)
            seen: list[Any] = []
            with pytest.raises(APIConnectionError) as caught:
                await read(response, seen)
            assert seen
            assert response.partial() == seen[-1]
            assert caught.value.partial is not None
            assert "".join(PIECES).startswith(caught.value.partial.text)

        against_server(provider_class, body)

    @pytest.mark.parametrize("kind", ["partials", "changes"])
    def test_leaving_early_frees_the_connection_at_once(self, provider_class: type[BaseProvider], kind: str) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(PIECES))
            server.stall(after=middle(provider))
            response = await streamed(provider)
            async for _ in getattr(response, kind)():
                break
            await server.wait_closed_connections()
            assert response.partial() is not None

        against_server(provider_class, body)


LIST = {"type": "array", "items": {"type": "string"}}


@every_provider
class TestValuesThatAreNoObjects:
    """Most APIs take nothing but an object at the root of a schema: another value is put into one."""

    @pytest.mark.parametrize(
        "pieces", [['{"answer"', ': ["a', '", "b"', "]", "}"], ['["a', '", "b"', "]"]], ids=["wrapped", "as it is"]
    )
    def test_the_value_is_taken_out_of_its_object(self, provider_class: type[BaseProvider], pieces: list[str]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(pieces), times=2)
            response = await provider.acomplete("m", HELLO, stream=True, response_schema=LIST)
            seen: list[Any] = []
            await read(response, seen)
            assert seen[0] == ["a"]
            assert seen[-1] == response.partial() == response.parsed == ["a", "b"]
            response = await provider.acomplete("m", HELLO, stream=True, response_schema=LIST)
            assert await collected(response.changes()) == [
                Change((), ["a", "b"], whole=False),
                Change((0,), "a", whole=False),
                Change((0,), "", whole=True),
                Change((1,), "b", whole=True),
                Change((), ["a", "b"], whole=True),
            ]

        against_server(provider_class, body)

    def test_an_object_that_has_the_name_of_ours_stays(self, provider_class: type[BaseProvider]) -> None:
        schema = {
            "type": "object",
            "properties": {"answer": {"type": "string"}},
            "required": ["answer"],
            "additionalProperties": False,
        }

        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.script(Text(['{"answer": ', '"yes"}']))
            response = await provider.acomplete("m", HELLO, stream=True, response_schema=schema)
            values = await collected(response.partials())
            assert values[-1] == response.parsed == {"answer": "yes"}

        against_server(provider_class, body)


@pytest.mark.parametrize("asked_first", [0, 4, 20])
def test_a_fallback_has_partial_values_too(asked_first: int) -> None:
    async def run() -> None:
        async with ProviderServer() as server:
            server.fail(401, provider="openai")
            server.script(Text(PIECES), provider="claude")
            providers = [each("k", server.url(each.name())) for each in (OpenAIProvider, ClaudeProvider)]
            response = await Fallback(providers).acomplete("m", HELLO, stream=True)
            seen = [None] if asked_first else [response.partial()]
            with_text = 0
            async for chunk in response:
                with_text += bool(chunk.content)
                if with_text > asked_first:
                    assert response.partial() == GROWING[with_text - 1]
            assert seen == [None]
            assert response.provider_name == "claude"
            assert response.partial() == VALUE
            for each in providers:
                await each.aclose()

    asyncio.run(run())


async def read(response: Response, seen: list[Any]) -> None:
    """Read to the end, noting each value as it was."""
    async for value in response.partials():
        seen.append(copy.deepcopy(value))


async def collected(values: AsyncIterator[Any]) -> list[Any]:
    return [value async for value in values]


@pytest.mark.parametrize(
    "pieces",
    [
        ["```json\n", '{"a": "`', '``x"', "}\n``", "`\n"],
        ["`", "``", "\n", '{"a": "```x"}', "```"],
        [" \n", "```js", 'on\n{"a": "```x"}', "\n \n", "``` "],
        ["\n", ' {"a": "``', '`x"}'],
    ],
)
def test_a_code_fence_around_the_value_is_taken_off(pieces: list[str]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(pieces))
        response = await streamed(provider)
        values = await collected(response.partials())
        assert values[-1] == response.partial() == {"a": "```x"}

    against_server(OpenAIProvider, body)


@pytest.mark.parametrize(
    "pieces",
    [
        ["```json\n", "{}\n", "``x"],
        ["```", "a long first line that is no fence", " ", "at all"],
        ["``"],
        ["```json {}"],
    ],
)
def test_what_only_looks_like_a_fence_is_no_json(pieces: list[str]) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(pieces))
        with pytest.raises(InvalidAnswerError, match="no JSON"):
            await collected((await streamed(provider)).partials())

    against_server(OpenAIProvider, body)


def test_an_answer_that_is_a_number_is_there_at_its_end() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(["1", "2"]))
        assert await collected((await streamed(provider)).partials()) == [12]
        server.script(Text(["1", "2"], finish="length"))
        with pytest.raises(TruncatedAnswerError):
            await collected((await streamed(provider)).partials())

    against_server(OpenAIProvider, body)


def test_closing_a_loop_over_values_closes_the_stream() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(PIECES))
        response = await streamed(provider)
        values: Any = response.partials()
        assert await anext(values) == {}
        await values.aclose()
        assert await collected(values) == []
        with pytest.raises(StreamError):
            await response.final()

    against_server(OpenAIProvider, body)


def chat_events(pieces: list[str]) -> list[bytes]:
    """The events of a chat answer, with surrogates as escapes."""
    events = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return [*(f"data: {json.dumps(event)}\n\n".encode() for event in events), b"data: [DONE]\n\n"]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("asked_first", range(4))
def test_a_character_in_two_halves_appears_when_it_is_whole(asked_first: int, at_once: bool) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        events = chat_events(['["a', "\ud83d", "\ude00", '\ufffd"', "]"])
        server.script(Raw(b"".join(events)) if at_once else Raw(events, pause=0.001))
        response = await streamed(provider)
        seen, known = [], 0
        async for chunk in response:
            known += 1
            if chunk.content and known > asked_first:
                seen.append(copy.deepcopy(response.partial()))
        assert response.main_response.text == '["a😀\ufffd"]'
        assert seen == [["a"], ["a😀"], ["a😀\ufffd"], ["a😀\ufffd"]][asked_first:]
        assert response.partial() == ["a😀\ufffd"]

    against_server(OpenAIProvider, body)


def test_a_generator_of_a_program_can_be_read_by_values_alone() -> None:
    async def chunks() -> AsyncIterator[StreamChunk]:
        for piece in PIECES:
            yield StreamChunk(piece, {})
        response.main_response = Message("assistant", "".join(PIECES))

    response = Response(original={}, provider_name="other", stream=True, stream_generator=chunks())

    async def run() -> None:
        with pytest.raises(UnsupportedError, match="partials"):
            response.partial()
        seen = [copy.deepcopy(value) async for value in response.partials()]
        assert seen == CHANGING
        assert response.partial() == VALUE

    asyncio.run(run())


def test_nothing_is_kept_of_a_stream_that_was_left() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        async def leave() -> weakref.ref[Response]:
            server.script(Text(PIECES))
            response = await streamed(provider)
            with suppress(StopAsyncIteration):
                async for _ in response.partials():
                    break
            response.partial()
            return weakref.ref(response)

        gc.disable()
        try:
            assert (await leave())() is None
        finally:
            gc.enable()

    against_server(OpenAIProvider, body)
