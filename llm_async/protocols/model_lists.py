"""Lists of models: each API's request for a page, and a page as :class:`~llm_async.models.Model` values.

What belongs here: paths, cursors and field names. Sources: ``GET /models`` of OpenAI (``data[]``: ``id``, ``created``,
``owned_by``) and what its imitators add to it, Anthropic's ``GET /v1/models`` (``limit``, ``after_id``, ``has_more``),
Gemini's ``GET /v1beta/models`` (``pageSize``, ``pageToken``) and Vertex AI's ``publishers.models.list``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..errors import ProtocolError
from ..models.beside import Model
from .base import WireRequest
from .retry_hints import seconds_from
from .usage import count, mapping

__all__ = ["AnthropicModels", "GeminiModels", "ModelList", "ModelPage", "OpenAIModels"]


@dataclass
class ModelPage:
    """A page of a list: its models, the cursor of the page that follows or None, and the body."""

    models: list[Model]
    following: str | None
    original: Any


class ModelList(ABC):
    """How an API lists its models."""

    @abstractmethod
    def request(self, cursor: str | None) -> WireRequest:
        """The request for the page that ``cursor`` names; None is the first one."""

    @abstractmethod
    def read(self, body: Any) -> ModelPage:
        """The page in the body of an answer.

        Raises:
            ProtocolError: the body is no list of models.
        """


class OpenAIModels(ModelList):
    """OpenAI's, one page; the cursor of servers that imitate Anthropic's paging is followed too."""

    def request(self, cursor: str | None) -> WireRequest:
        return WireRequest(_path("/models", after_id=cursor), {}, "GET")

    def read(self, body: Any) -> ModelPage:
        # Together answers with the bare list; some gateways say `models`.
        entries = body if isinstance(body, list) else _entries(body, "data", "models")
        return ModelPage([_openai_model(entry) for entry in entries], _cursor_behind(body), body)


class AnthropicModels(ModelList):
    """Anthropic's, a thousand a page, which is the most that it gives."""

    def request(self, cursor: str | None) -> WireRequest:
        return WireRequest(_path("/models", limit="1000", after_id=cursor), {}, "GET")

    def read(self, body: Any) -> ModelPage:
        models = [
            Model(
                _id(entry, "id"),
                created=_moment(entry.get("created_at")),
                owner=_text(entry.get("owned_by")),
                context_window=count(entry.get("max_input_tokens")),
                max_output_tokens=count(entry.get("max_tokens")),
                display_name=_text(entry.get("display_name")),
                original=entry,
            )
            for entry in _entries(body, "data")
        ]
        return ModelPage(models, _cursor_behind(body), body)


class GeminiModels(ModelList):
    """Gemini's and Vertex AI's, a thousand a page, which is the most that the former gives.

    Args:
        page_size: models of a page; Vertex AI gives no more than three hundred.
    """

    def __init__(self, page_size: int = 1000) -> None:
        self._page_size = page_size

    def request(self, cursor: str | None) -> WireRequest:
        return WireRequest(_path("/models", pageSize=str(self._page_size), pageToken=cursor), {}, "GET")

    def read(self, body: Any) -> ModelPage:
        # An empty page has no list at all: protobuf leaves empty fields out.
        entries = [] if body is None or body == {} else _entries(body, "models", "publisherModels", optional=True)
        models = [
            Model(
                _name(_id(entry, "name")),
                owner=_publisher(entry["name"]),
                context_window=count(entry.get("inputTokenLimit")),
                max_output_tokens=count(entry.get("outputTokenLimit")),
                display_name=_text(entry.get("displayName")),
                original=entry,
            )
            for entry in entries
        ]
        return ModelPage(models, _text(mapping(body).get("nextPageToken")), body)


def _path(path: str, **query: str | None) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _entries(body: Any, *names: str, optional: bool = False) -> list[dict[str, Any]]:
    """The list under the first of the names that holds one."""
    for name in names:
        entries = mapping(body).get(name)
        if isinstance(entries, list):
            return entries
        if entries is None and mapping(body).get("object") == "list" and name in body:
            return []  # a server written in Go that has none: Ollama
    if optional and isinstance(body, Mapping):
        return []
    raise ProtocolError(f"the provider sent no list of models: there is no {' or '.join(names)}", payload=body)


def _id(entry: Any, name: str) -> str:
    value = mapping(entry).get(name)
    if not isinstance(value, str) or not value:
        raise ProtocolError(f"the provider sent a model without {name}", payload=entry)
    return value


def _cursor_behind(body: Any) -> str | None:
    """The cursor of Anthropic's paging: ``last_id``, where there is more."""
    page = mapping(body)
    return _text(page.get("last_id")) if page.get("has_more") is True else None


def _openai_model(entry: Any) -> Model:
    """An entry of OpenAI's list, and of the servers that say more than it does.

    The context is ``context_length`` at OpenRouter, Together and Fireworks, ``context_window`` at Groq, ``max_model_len`` at
    vLLM, ``max_context_length`` at Mistral and LM Studio, ``meta.n_ctx_train`` at llama.cpp.
    """
    id = _id(entry, "id")
    holders = (entry, mapping(entry.get("meta")), mapping(entry.get("top_provider")), mapping(entry.get("limits")))
    created = entry.get("created")
    if created is None:
        created = entry.get("created_at")
    return Model(
        id,
        created=_moment(created),
        owner=_text(entry.get("owned_by")) or _text(entry.get("organization")),
        context_window=_first(
            holders, "context_length", "context_window", "max_model_len", "max_context_length", "max_input_tokens",
            "max_context_window_tokens", "n_ctx_train",
        ),
        max_output_tokens=_first(holders, "max_output_tokens", "max_completion_tokens", "max_tokens"),
        display_name=_text(entry.get("display_name")) or _text(entry.get("name")),
        original=entry,
    )  # fmt: skip


def _first(holders: tuple[Mapping[str, Any], ...], *names: str) -> int | None:
    values = (count(holder.get(name)) for holder in holders for name in names)
    return next((value for value in values if value is not None), None)


def _moment(value: Any) -> float | None:
    """A point in time, as a number or an RFC 3339 timestamp, in seconds since 1970; None also for 0, which stands for
    "not known" at several servers."""
    if isinstance(value, str):
        value = seconds_from(value, 0.0)
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    return float(value) if known else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(name: str) -> str:
    """A model's name without the collection it stands in, as calls take it; that of a tuned model keeps it."""
    head, separator, last = name.rpartition("models/")
    return last if separator and (not head or head.endswith("/")) else name


def _publisher(name: str) -> str | None:
    """``google`` in ``publishers/google/models/NAME``."""
    segments = name.split("/")
    return segments[1] if segments[0] == "publishers" and len(segments) > 2 else None
