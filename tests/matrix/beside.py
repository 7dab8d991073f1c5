"""Rows: what providers offer beside chat."""

from __future__ import annotations

from llm_async.testing.vectors import vector_of

from .cell import HELLO, Scene, Section, holds

__all__ = ["BESIDE"]

BESIDE = Section("Beside chat", "beside-chat.md")
TEXTS = ["rain in Bergen", "sun in Rome", "whales in the sea"]


@BESIDE.row("`list_models`")
async def list_models(scene: Scene) -> None:
    [model] = await scene.provider.list_models()
    assert model.id.endswith("echo-1")
    assert model.original


@BESIDE.row("`embed`, in batches")
async def embed(scene: Scene) -> None:
    embeddings = await scene.provider.embed(TEXTS, "an-embedder", batch_size=2)
    assert list(embeddings) == [vector_of(text) for text in TEXTS]
    assert len(scene.server.requests) > 1


@BESIDE.row("`embed(…, dimensions=8)`")
async def dimensions(scene: Scene) -> None:
    [vector] = await scene.provider.embed(TEXTS[0], "an-embedder", dimensions=8)
    assert vector == vector_of(TEXTS[0], 8)
    assert holds(scene.body, 8)


@BESIDE.row('`embed(…, encoding_format="base64")`')
async def in_base64(scene: Scene) -> None:
    embeddings = await scene.provider.embed(TEXTS, "an-embedder", encoding_format="base64")
    assert list(embeddings) == [vector_of(text) for text in TEXTS]
    assert holds(scene.body, "base64")


@BESIDE.row("`count_tokens`")
async def count_tokens(scene: Scene) -> None:
    counted = await scene.provider.count_tokens(scene.model, [HELLO])
    assert counted.input_tokens == 2


@BESIDE.row("`request`: anything else")
async def request(scene: Scene) -> None:
    assert holds(await scene.provider.request("GET", "/models"), "echo-1")
    assert isinstance(await scene.provider.request("GET", "/models", raw=True), bytes)
