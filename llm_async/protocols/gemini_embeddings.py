"""Google's embeddings: ``:batchEmbedContents`` of the Gemini API, ``:predict`` and ``:embedContent`` of Vertex AI.

What belongs here: which of them a model has, and their words. What is common to all APIs is in ``embeddings.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UnsupportedError
from ..models.usage import Usage
from .base import WireRequest
from .embeddings import Batch, EmbedCall, EmbeddingForm, Input, check_number, entries_of, vector_of
from .gemini import model_path
from .options_gemini import camel
from .usage import count, gemini_usage, mapping

__all__ = ["GeminiEmbeddings", "VertexEmbeddings"]


class GeminiEmbeddings(EmbeddingForm):
    """``:batchEmbedContents`` of the Gemini API: a hundred inputs a batch.

    Options (``taskType``, ``title``) belong to each input's request; both spellings are taken.
    """

    def batch_size(self, model: str) -> int:
        return 100

    def request(self, call: EmbedCall, inputs: Sequence[Input]) -> WireRequest:
        _refuse_encoding(call)
        path = model_path(call.model)
        options = _gemini_options(call)
        requests = [
            {"model": path.lstrip("/"), "content": _content(each), **options, **call.extra_body} for each in inputs
        ]
        return WireRequest(f"{path}:batchEmbedContents", {"requests": requests})

    def read(self, body: Any, expected: int) -> Batch:
        entries = entries_of(body, "embeddings")
        vectors = [vector_of(mapping(entry).get("values"), entry) for entry in entries]
        check_number(vectors, expected, body)
        usage = body.get("usageMetadata")
        return Batch(vectors, body, usage=gemini_usage(usage) if isinstance(usage, Mapping) else None)


class VertexEmbeddings(EmbeddingForm):
    """Vertex AI: ``:predict`` for the older models, ``:embedContent`` with one input a request for the newer ones.

    Which is which goes by the name, as in Google's own SDK: Gemini's embedding models, but for the first of them, and the
    open ones that are served as ``…-maas``, have ``:embedContent``.
    """

    # A request has 20,000 tokens at most.
    batch_bytes = 20_000

    def batch_size(self, model: str) -> int:
        return 1 if _one_at_a_time(model) or _last(model).startswith("gemini") else 250

    def request(self, call: EmbedCall, inputs: Sequence[Input]) -> WireRequest:
        _refuse_encoding(call)
        path = model_path(call.model)
        options = _gemini_options(call)
        if _one_at_a_time(call.model):
            if len(inputs) > 1:
                raise UnsupportedError(f"{call.model} embeds one input a request; leave batch_size out")
            return WireRequest(f"{path}:embedContent", {"content": _content(inputs[0]), **options, **call.extra_body})
        # What describes an input is spelled like this here; all else are parameters of the prediction.
        described = {"taskType": "task_type", "title": "title"}
        of_input = {described[name]: value for name, value in options.items() if name in described}
        parameters = {name: value for name, value in options.items() if name not in described}
        body: dict[str, Any] = {"instances": [{"content": _text(each), **of_input} for each in inputs]}
        if parameters:
            body["parameters"] = parameters
        return WireRequest(f"{path}:predict", {**body, **call.extra_body})

    def read(self, body: Any, expected: int) -> Batch:
        if isinstance(body, Mapping) and "embedding" in body:
            usage = body.get("usageMetadata")
            vectors = [vector_of(mapping(body["embedding"]).get("values"), body)]
            check_number(vectors, expected, body)
            return Batch(vectors, dict(body), usage=gemini_usage(usage) if isinstance(usage, Mapping) else None)
        held = [mapping(mapping(entry).get("embeddings")) for entry in entries_of(body, "predictions")]
        vectors = [vector_of(each.get("values"), body) for each in held]
        check_number(vectors, expected, body)
        counts = [count(mapping(each.get("statistics")).get("token_count")) for each in held]
        known = [each for each in counts if each is not None]
        return Batch(vectors, body, usage=Usage(input_tokens=sum(known)) if known else None)


# ---- inputs and options


def _content(each: Input) -> Mapping[str, Any]:
    """An input as Gemini's ``Content``: a text, a part, or the thing itself."""
    if isinstance(each, str):
        return {"parts": [{"text": each}]}
    if isinstance(each, Mapping):
        return each if "parts" in each else {"parts": [each]}
    raise UnsupportedError("Gemini embeds no tokens: give the text")


def _text(each: Input) -> str:
    if not isinstance(each, str):
        raise UnsupportedError("this model of Vertex AI embeds texts alone")
    return each


def _gemini_options(call: EmbedCall) -> dict[str, Any]:
    options = {camel(name): value for name, value in call.options.items()}
    if call.dimensions is not None:
        options["outputDimensionality"] = call.dimensions
    return options


def _refuse_encoding(call: EmbedCall) -> None:
    if call.encoding_format not in (None, "float"):
        raise UnsupportedError(f"Gemini sends vectors as numbers, not as {call.encoding_format!r}")


def _last(model: str) -> str:
    return model.rpartition("/")[2]


def _one_at_a_time(model: str) -> bool:
    name = _last(model)
    return ("gemini" in name and name != "gemini-embedding-001") or "maas" in name
