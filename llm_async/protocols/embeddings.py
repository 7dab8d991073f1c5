"""Embeddings: each API's request for a batch of inputs, and the vectors in its answer.

What belongs here: the common shape, the encodings of a vector, and OpenAI's ``POST /embeddings``. Google's are in
``gemini_embeddings.py``.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from array import array
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from .._json import dumps
from ..errors import ProtocolError
from ..models.usage import Usage
from .base import WireRequest
from .usage import chat_usage, count, mapping

__all__ = [
    "Batch",
    "EmbedCall",
    "EmbeddingForm",
    "Input",
    "OpenAIEmbeddings",
    "check_number",
    "entries_of",
    "vector_of",
]

#: A text, the tokens of one, or what else the API embeds, in its own form.
Input = Union[str, Sequence[int], Mapping[str, Any]]


@dataclass
class EmbedCall:
    """What is asked of every batch.

    Attributes:
        model: name of the model.
        dimensions: the length of the vectors; None is the model's own.
        encoding_format: ``"float"`` or ``"base64"``, how the vectors come over the wire; None leaves it to the server.
        options: further fields of the request, sent as given.
        extra_body: fields that win over everything, sent as given.
    """

    model: str
    dimensions: int | None = None
    encoding_format: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    extra_body: dict[str, Any] = field(default_factory=dict)


@dataclass
class Batch:
    """The answer to one batch: its vectors in the order of the inputs, and what else it says."""

    vectors: list[list[float]]
    original: dict[str, Any]
    model: str | None = None
    usage: Usage | None = None


class EmbeddingForm(ABC):
    """How an API embeds.

    Attributes:
        batch_bytes: how many bytes of input a batch holds at most, unless it is one input.
    """

    batch_bytes = 300_000

    @abstractmethod
    def batch_size(self, model: str) -> int:
        """How many inputs a batch may hold."""

    @abstractmethod
    def request(self, call: EmbedCall, inputs: Sequence[Input]) -> WireRequest:
        """The request for a batch.

        Raises:
            UnsupportedError: the API does not embed such an input, or has no place for an option.
        """

    @abstractmethod
    def read(self, body: Any, expected: int) -> Batch:
        """The vectors in the body of an answer, of which there have to be ``expected``.

        Raises:
            ProtocolError: they are not there, not all, or it cannot be told which is whose.
        """

    def batches(self, model: str, inputs: Sequence[Input], size: int | None = None) -> list[Sequence[Input]]:
        """The inputs in their order, cut into batches that the API takes, of at most ``size``."""
        largest = self.batch_size(model) if size is None else size
        batches: list[Sequence[Input]] = []
        start = held = 0
        for place, each in enumerate(inputs):
            length = _length(each)
            if place > start and (place - start >= largest or held + length > self.batch_bytes):
                batches.append(inputs[start:place])
                start, held = place, 0
            held += length
        if start < len(inputs):
            batches.append(inputs[start:])
        return batches


class OpenAIEmbeddings(EmbeddingForm):
    """``POST /embeddings``, of OpenAI and its imitators.

    A batch is 2048 inputs, and 300,000 tokens together. A token has at least one byte, so that 300,000 bytes never are too
    many. Servers with a lower limit are asked with ``batch_size``.
    """

    def batch_size(self, model: str) -> int:
        return 2048

    def request(self, call: EmbedCall, inputs: Sequence[Input]) -> WireRequest:
        body: dict[str, Any] = {"model": call.model, "input": list(inputs)}
        if call.dimensions is not None:
            body["dimensions"] = call.dimensions
        if call.encoding_format is not None:
            body["encoding_format"] = call.encoding_format
        return WireRequest("/embeddings", {**body, **call.options, **call.extra_body})

    def read(self, body: Any, expected: int) -> Batch:
        entries = body if isinstance(body, list) else entries_of(body, "data")
        vectors = [vector_of(mapping(entry).get("embedding"), entry) for entry in _in_order(entries)]
        check_number(vectors, expected, body)
        original = {"data": body} if isinstance(body, list) else body
        usage = original.get("usage")
        model = original.get("model")
        return Batch(
            vectors,
            original,
            model=model if isinstance(model, str) and model else None,
            usage=chat_usage(usage) if isinstance(usage, Mapping) else None,
        )


# ---- vectors


def vector_of(value: Any, holder: Any) -> list[float]:
    """A vector, which comes as a list of numbers or as base64 of little-endian 32-bit floats (OpenAI,
    ``encoding_format``).

    Raises:
        ProtocolError: it is neither; ``holder`` is what it stood in.
    """
    # What the first number is, all are: a look at each would cost as much as reading them did.
    if isinstance(value, list) and value and isinstance(value[0], (int, float)) and not isinstance(value[0], bool):
        return value
    if isinstance(value, str) and value:
        try:
            floats = array("f", b64decode(value, validate=True))
        except ValueError as error:
            raise ProtocolError(
                "the provider sent a vector that is no base64 of 32-bit floats", payload=holder
            ) from error
        if sys.byteorder == "big":
            floats.byteswap()
        return floats.tolist()
    raise ProtocolError("the provider sent an embedding without a vector", payload=holder)


def _in_order(entries: list[Any]) -> list[Any]:
    """The entries by their ``index``; as they came where there is none, and where all have the same, as some servers say.

    Raises:
        ProtocolError: some places are there twice, so that nobody can tell whose the vectors are.
    """
    places = [count(mapping(entry).get("index")) for entry in entries]
    distinct = set(places)
    if len(distinct) <= 1:
        return entries
    if None in distinct or len(distinct) != len(places):
        raise ProtocolError("the provider sent embeddings of which it cannot be told which is whose", payload=entries)
    return [entry for _, entry in sorted(zip(places, entries, strict=True), key=lambda pair: pair[0] or 0)]


def entries_of(body: Any, name: str) -> list[Any]:
    """The list that the embeddings stand in, under ``name``; ProtocolError where there is none."""
    entries = mapping(body).get(name)
    if not isinstance(entries, list):
        raise ProtocolError(f"the provider sent no embeddings: there is no {name}", payload=body)
    return entries


def check_number(vectors: list[list[float]], expected: int, body: Any) -> None:
    """Raise a ProtocolError unless there are as many vectors as there were inputs."""
    if len(vectors) != expected:
        raise ProtocolError(f"the provider sent {len(vectors)} embeddings of {expected} inputs", payload=body)


# ---- inputs


def _length(each: Input) -> int:
    """How long an input is at most, in tokens: its bytes, or its tokens where it is given as such."""
    if isinstance(each, str):
        return len(each) if each.isascii() else len(each.encode("utf-8", "surrogatepass"))
    return len(dumps(each)) if isinstance(each, Mapping) else len(each)
