"""``embed``: batches, order, encodings, faults, and who does not embed."""

from __future__ import annotations

import asyncio
import json
import math
from array import array
from base64 import b64encode
from operator import mul
from typing import Any

import pytest

from llm_async import (
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    BaseProvider,
    ClaudeProvider,
    Embeddings,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
    ProtocolError,
    RateLimitError,
    RetryConfig,
    UnsupportedError,
)
from llm_async.protocols.embeddings import EmbedCall, OpenAIEmbeddings
from llm_async.protocols.gemini_embeddings import GeminiEmbeddings, VertexEmbeddings
from llm_async.testing import ProviderServer, Raw
from tests.contract.calls import against_server
from tests.raw_server import RawServer

EMBEDDING = [OpenAIProvider, OpenAIResponsesProvider, GoogleProvider, OpenRouterProvider]
every_embedding_provider = pytest.mark.parametrize("provider_class", EMBEDDING, ids=lambda provider: provider.name())


def numbered(*numbers: int, **more: Any) -> dict[str, Any]:
    """An answer of OpenAI's with a vector ``[n]`` for each number, indexed in their order."""
    data = [{"index": place, "embedding": [float(number)]} for place, number in enumerate(numbers)]
    return {"data": data, "model": "m", **more}


@every_embedding_provider
class TestEmbedding:
    def test_a_text_is_one_input_and_a_list_keeps_its_order(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            texts = ["the red fox", "a blue whale", "the red fox and the hound"]
            one = await provider.embed(texts[0], "m")
            all_of_them = await provider.embed(texts, "m")
            assert isinstance(one, Embeddings)
            assert len(one) == 1
            assert list(all_of_them) == all_of_them.vectors
            assert all_of_them[0] == one[0]
            fox, whale, both = all_of_them
            assert sum(map(mul, fox, both)) > sum(map(mul, fox, whale))
            assert math.isclose(sum(each * each for each in fox), 1.0, rel_tol=1e-5)
            assert one.model == "m"
            assert one.provider_name == provider_class.name()
            assert len(one.originals) == 1
            assert one.timing is not None
            assert one.timing.attempts == 1

        against_server(provider_class, body)

    def test_many_texts_are_batches_side_by_side_in_order(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            texts = [f"text number {number}" for number in range(23)]
            server.delay(0.05)  # so that the first batch does not come first
            found = await provider.embed(texts, "m", batch_size=5, dimensions=8)
            assert found.vectors == (await provider.embed(texts, "m", dimensions=8)).vectors
            assert {len(vector) for vector in found} == {8}
            assert len(server.requests) == 5 + 1
            assert len(found.originals) == 5
            if found.usage is not None:
                assert found.usage.input_tokens == 23 * 3

        against_server(provider_class, body)

    def test_a_rate_limit_is_waited_for(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            server.fail(429, retry_after=0)
            found = await provider.embed(["a", "b", "c"], "m", batch_size=1)
            assert len(found) == 3
            assert found.timing is not None
            assert found.timing.attempts == 4

        against_server(provider_class, body)

    def test_no_inputs_have_no_vectors_and_nothing_is_sent(self, provider_class: type[BaseProvider]) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            assert (await provider.embed([], "m")).vectors == []
            assert not server.requests

        against_server(provider_class, body)

    @pytest.mark.parametrize("fault", ["cut", "reset", "garbage", "error"])
    def test_a_broken_answer_is_a_typed_error(self, provider_class: type[BaseProvider], fault: str) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            if fault in ("cut", "reset"):
                server.cut(after_bytes=10, how="eof" if fault == "cut" else "reset", times=None)
            elif fault == "garbage":
                server.malformed_event(times=None)
            else:
                server.error_event(times=None)
            expected = {"garbage": ProtocolError, "error": APIStatusError}.get(fault, ConnectionError)
            with pytest.raises(expected):
                await provider.embed(["a", "b"], "m", timeouts=5)
            server.reset()
            assert len(await provider.embed(["a", "b"], "m")) == 2

        against_server(provider_class, body, retry_config=RetryConfig(max_attempts=2, base_delay=0))

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"inputs": 5}, TypeError),
            ({"inputs": b"bytes"}, TypeError),
            ({"inputs": ["text", 5]}, TypeError),
            ({"inputs": ["text", None]}, TypeError),
            ({"model": ""}, ValueError),
            ({"batch_size": 0}, ValueError),
            ({"batch_size": 2.5}, TypeError),
            ({"concurrency": 0}, ValueError),
            ({"extra_body": 5}, TypeError),
        ],
    )
    def test_wrong_arguments_are_refused_before_anything_is_sent(
        self, provider_class: type[BaseProvider], arguments: dict[str, Any], error: type[Exception]
    ) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            with pytest.raises(error):
                await provider.embed(**{"inputs": "text", "model": "m", **arguments})
            assert not server.requests

        against_server(provider_class, body)


def test_claude_does_not_embed_and_nothing_is_sent() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        with pytest.raises(UnsupportedError, match="does not embed"):
            await provider.embed("text", "m")
        assert not server.requests

    against_server(ClaudeProvider, body)


def test_base64_gives_the_very_same_floats() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        as_numbers = await provider.embed(["one text", "another"], "m", encoding_format="float")
        as_bytes = await provider.embed(["one text", "another"], "m", encoding_format="base64", user="me")
        assert as_bytes.vectors == as_numbers.vectors
        assert isinstance(as_bytes.originals[0]["data"][0]["embedding"], str)
        sent = server.requests[1].json
        assert sent == {"model": "m", "input": ["one text", "another"], "encoding_format": "base64", "user": "me"}

    against_server(OpenAIProvider, body)


def test_nothing_optional_is_sent_unasked() -> None:
    assert OpenAIEmbeddings().request(EmbedCall("m"), ["a"]).body == {"model": "m", "input": ["a"]}


def test_tokens_are_an_input_and_so_are_lists_of_them() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        assert len(await provider.embed([1, 2, 3], "m")) == 1
        assert len(await provider.embed([[1, 2], [3]], "m")) == 2
        assert [request.json["input"] for request in server.requests] == [[[1, 2, 3]], [[1, 2], [3]]]

    against_server(OpenAIProvider, body)


def test_a_failed_batch_ends_the_call_and_says_what_was_there() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(json.dumps(numbered(1, 2)).encode()))
        server.script(Raw(json.dumps({"error": {"message": "no", "code": "invalid_request"}}).encode(), status=400))
        with pytest.raises(BadRequestError) as caught:
            await provider.embed(["a", "b", "c", "d", "e", "f"], "m", batch_size=2, concurrency=1)
        assert caught.value.embedded == {0: [1.0], 1: [2.0]}
        assert len(server.requests) == 2

    against_server(OpenAIProvider, body)


def test_when_one_batch_fails_those_under_way_are_left() -> None:
    async def run() -> None:
        asked = asyncio.Event()

        async def script(peer: Any) -> None:
            if b'"bad"' in await peer.request():
                await asked.wait()
                await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            else:
                asked.set()
            await peer.gone()

        async with RawServer(script) as server, OpenAIProvider("key", server.url) as provider:
            with pytest.raises(BadRequestError):
                await provider.embed(["good", "bad"], "m", batch_size=1)
            await server.until(lambda server: server.open <= 1)

    asyncio.run(run())


def test_no_more_requests_than_wanted_are_under_way() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await provider.embed([str(number) for number in range(12)], "m", batch_size=1, concurrency=3)
        assert len(server.requests) == 12
        assert server.total_connections <= 3

    against_server(OpenAIProvider, body)


def test_the_total_is_that_of_all_batches_together() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.stall(after=0, times=None)
        with pytest.raises(APITimeoutError) as caught:
            await provider.embed(["a", "b", "c"], "m", batch_size=1, concurrency=1, timeouts=0.05)
        assert caught.value.deadline == "total"
        assert len(server.requests) == 1

    against_server(OpenAIProvider, body)


def test_a_cancelled_call_leaves_nothing_behind() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.stall(before_head=True, times=None)
        call = asyncio.ensure_future(provider.embed(["a", "b", "c"], "m", batch_size=1))
        await server.wait_for_requests(3)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await server.wait_closed_connections()

    against_server(OpenAIProvider, body)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([{"index": 1, "embedding": [1.0]}, {"index": 0, "embedding": [0.0]}], [[0.0], [1.0]]),
        ([{"index": 2, "embedding": [2.0]}, {"index": 1, "embedding": [1.0]}], [[1.0], [2.0]]),
        ([{"embedding": [0.0]}, {"embedding": [1.0]}], [[0.0], [1.0]]),
        ([{"index": 0, "embedding": [0.0]}, {"index": 0, "embedding": [1.0]}], [[0.0], [1.0]]),
        ([{"embedding": [0, 1]}, {"embedding": b64encode(array("f", [2.5])).decode()}], [[0, 1], [2.5]]),
    ],
    ids=["out of order", "from one", "no index", "always the same index", "mixed encodings"],
)
def test_whose_a_vector_is_can_be_told(entries: list[Any], expected: list[Any]) -> None:
    assert OpenAIEmbeddings().read({"data": entries}, 2).vectors == expected


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"data": None},
        numbered(1),
        numbered(1, 2, 3),
        {"data": [{"index": 0, "embedding": [1.0]}, {"embedding": [1.0]}]},
        {"data": [{"embedding": [1.0]}, {}]},
        {"data": [{"embedding": [1.0]}, {"embedding": []}]},
        {"data": [{"embedding": [1.0]}, {"embedding": "no base64!"}]},
        {"data": [{"embedding": [1.0]}, {"embedding": "AAAA"}]},
        {"data": [{"embedding": [1.0]}, {"embedding": [[1.0, 2.0]]}]},
        {"data": [{"embedding": [1.0]}, {"embedding": [None]}]},
        {"data": [{"embedding": [1.0]}, None]},
    ],
)
def test_what_is_no_answer_to_two_inputs_is_an_error(body: Any) -> None:
    with pytest.raises(ProtocolError):
        OpenAIEmbeddings().read(body, 2)


def test_a_bare_list_is_an_answer_too() -> None:
    batch = OpenAIEmbeddings().read([{"embedding": [1.0]}], 1)
    assert (batch.vectors, batch.usage, batch.model) == ([[1.0]], None, None)


def test_batches_keep_to_the_number_and_to_the_bytes() -> None:
    form = OpenAIEmbeddings()
    assert [len(batch) for batch in form.batches("m", ["x"] * 5000)] == [2048, 2048, 904]
    assert [len(batch) for batch in form.batches("m", ["x" * 100_000] * 7)] == [3, 3, 1]
    assert [len(batch) for batch in form.batches("m", ["x", "y" * 400_000, "z"])] == [1, 1, 1]
    assert [len(batch) for batch in form.batches("m", ["é" * 100_000] * 2)] == [1, 1]
    assert [len(batch) for batch in GeminiEmbeddings().batches("m", ["x"] * 201)] == [100, 100, 1]
    assert [len(batch) for batch in form.batches("m", ["x"] * 5, 2)] == [2, 2, 1]


def test_usage_and_cost_of_all_batches_are_added() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        for tokens in (3, 4):
            usage = {"prompt_tokens": tokens, "total_tokens": tokens, "cost": 0.25}
            server.script(Raw(json.dumps(numbered(1, usage=usage)).encode(), headers={"x-request-id": f"r{tokens}"}))
        found = await provider.embed(["a", "b"], "m", batch_size=1, concurrency=1)
        assert found.usage is not None
        assert (found.usage.input_tokens, found.usage.total_tokens, found.usage.cost) == (7, 7, 0.5)
        assert found.usage.output_tokens is None
        assert found.request_ids == ["r3", "r4"]

    against_server(OpenRouterProvider, body)


def test_an_error_under_the_status_200_is_an_error() -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(b'{"error": {"message": "No successful provider responses.", "code": 429}}'), times=None)
        with pytest.raises(RateLimitError):
            await provider.embed("a", "m")

    against_server(OpenRouterProvider, body)


class TestGoogle:
    def test_options_belong_to_each_input(self) -> None:
        call = EmbedCall("gemini-embedding-2", 256, options={"task_type": "RETRIEVAL_QUERY"}, extra_body={"title": "t"})
        wire = GeminiEmbeddings().request(call, ["a", {"inlineData": {"data": "eA=="}}])
        assert wire.path == "/models/gemini-embedding-2:batchEmbedContents"
        more = {"taskType": "RETRIEVAL_QUERY", "outputDimensionality": 256, "title": "t"}
        assert wire.body["requests"] == [
            {"model": "models/gemini-embedding-2", "content": {"parts": [{"text": "a"}]}, **more},
            {"model": "models/gemini-embedding-2", "content": {"parts": [{"inlineData": {"data": "eA=="}}]}, **more},
        ]

    @pytest.mark.parametrize("call", [EmbedCall("m", encoding_format="base64"), EmbedCall("m")])
    def test_what_it_cannot_do_is_said(self, call: EmbedCall) -> None:
        with pytest.raises(UnsupportedError):
            GeminiEmbeddings().request(call, [[1, 2]])

    def test_vertex_predicts_with_older_models(self) -> None:
        form = VertexEmbeddings()
        call = EmbedCall("text-embedding-005", 256, options={"task_type": "CLUSTERING", "autoTruncate": False})
        wire = form.request(call, ["a", "b"])
        assert wire.path == "/models/text-embedding-005:predict"
        assert wire.body == {
            "instances": [{"content": "a", "task_type": "CLUSTERING"}, {"content": "b", "task_type": "CLUSTERING"}],
            "parameters": {"autoTruncate": False, "outputDimensionality": 256},
        }
        answer = {"embeddings": {"values": [1.0], "statistics": {"token_count": 3, "truncated": False}}}
        batch = form.read({"predictions": [answer, answer]}, 2)
        assert batch.vectors == [[1.0], [1.0]]
        assert batch.usage is not None
        assert batch.usage.input_tokens == 6
        assert [len(batch) for batch in form.batches("text-embedding-005", ["a"] * 300)] == [250, 50]

    def test_vertex_embeds_one_input_at_a_time_with_newer_models(self) -> None:
        form = VertexEmbeddings()
        wire = form.request(EmbedCall("gemini-embedding-2"), ["a"])
        assert wire.path == "/models/gemini-embedding-2:embedContent"
        assert wire.body == {"content": {"parts": [{"text": "a"}]}}
        batch = form.read({"embedding": {"values": [1.0]}, "usageMetadata": {"promptTokenCount": 2}}, 1)
        assert batch.vectors == [[1.0]]
        assert batch.usage is not None
        assert batch.usage.input_tokens == 2
        assert [len(batch) for batch in form.batches("gemini-embedding-2", ["a"] * 3)] == [1, 1, 1]
        assert [len(batch) for batch in form.batches("gemini-embedding-001", ["a"] * 3)] == [1, 1, 1]

    def test_vertex_says_what_a_model_does_not_embed(self) -> None:
        with pytest.raises(UnsupportedError, match="texts alone"):
            VertexEmbeddings().request(EmbedCall("text-embedding-005"), [{"text": "a"}])
        with pytest.raises(UnsupportedError, match="one input a request"):
            VertexEmbeddings().request(EmbedCall("gemini-embedding-2"), ["a", "b"])
