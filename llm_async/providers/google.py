"""Google's Gemini, with an API key or on Vertex AI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..models import Limits, Response, ResponseSchema
from ..models.secret import Secret, reveal
from ..protocols.base import Call, Protocol
from ..protocols.gemini import Gemini
from ..protocols.schema import without
from ..retry import RetryConfig
from .addresses import join_url, vertex_root
from .arguments import Deadlines, Headers, OfferedTools, Schema, as_mapping
from .base import BaseProvider
from .events import GivenHooks
from .keys import Key, checked_key
from .legacy import is_overridden
from .legacy import old_name as __getattr__  # noqa: F401 - where tests of programs put their mocks

if TYPE_CHECKING:
    from ..cache import Cache

__all__ = ["GoogleProvider"]

_PROJECT = re.compile(r"/v1(?:beta1)?/(?:projects/[^/]+/locations/[^/]+/)?publishers/")
_VERSION_NAMES = ("v1", "v1beta", "v1beta1", "v1alpha")


class GoogleProvider(BaseProvider):
    """The Gemini API (``POST /models/NAME:generateContent``), also on Vertex AI.

    Args:
        vertex_config: Vertex AI instead of the Gemini API: ``project_id`` (required), ``location_id`` (``"global"``),
            ``goth_token`` (the OAuth token, which lasts an hour; or a function that gives it, also an async one, asked
            before every attempt) and ``api_endpoint`` (an address that replaces the whole base URL). A given ``base_url``
            wins over it.
    """

    ENV_KEYS: ClassVar[tuple[str, ...]] = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    ENV_BASE_URL: ClassVar[tuple[str, ...]] = ("GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL")

    def __init__(
        self,
        api_key: Key | None = None,
        base_url: str = "",
        vertex_config: Mapping[str, Any] | None = None,
        retry_config: RetryConfig | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        http2: bool = False,
        *,
        timeouts: Deadlines | None = None,
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        hooks: GivenHooks | None = None,
        cache: Cache | None = None,
    ) -> None:
        self.vertex_config = vertex_config
        token: Any = ""
        if vertex_config:
            api_key = "" if api_key is None else api_key
            token = checked_key(vertex_config.get("goth_token") or "", "goth_token in vertex_config")
            self.bearer_token: str = Secret("" if callable(token) else token)
            base_url = base_url or self._build_vertex_url(vertex_config)
        super().__init__(
            api_key, base_url, retry_config, client_kwargs, http2,
            timeouts=timeouts, limits=limits, headers=headers, proxy=proxy, trust_env=trust_env, hooks=hooks,
            cache=cache,
        )  # fmt: skip
        if vertex_config:
            self._key_source = token if callable(token) else None
        self.base_url = self.base_url or "https://generativelanguage.googleapis.com/v1beta/models/"

    def _make_protocol(self) -> Protocol:
        return Gemini(vertex=bool(self.vertex_config) or "/publishers/" in self.base_url)

    def _build_vertex_url(self, vertex_config: Mapping[str, Any]) -> str:
        """The base URL of Vertex AI for a project and a place."""
        project = vertex_config.get("project_id")
        if not project:
            raise ValueError("project_id is required for Vertex AI configuration, in vertex_config")
        endpoint = vertex_config.get("api_endpoint")
        if endpoint:
            return str(endpoint)
        location = vertex_config.get("location_id") or "global"
        return vertex_root(project, location, publisher="google") + "/models"

    def _accept_key(self, key: Secret) -> None:
        if not self.vertex_config:
            super()._accept_key(key)
        else:
            self.bearer_token = key

    def _default_headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self.vertex_config:
            if not self.bearer_token:
                raise ValueError("Bearer token required for Vertex AI authentication: goth_token in vertex_config")
            headers["Authorization"] = Secret("Bearer " + reveal(self.bearer_token))
        elif self.api_key:
            headers["X-GOOG-API-KEY"] = self.api_key
        return headers

    # --- 0.5's inner methods, for programs that call or override them

    async def _single_complete(
        self,
        model: str | None,
        messages: list[dict[str, Any]],
        stream: bool = False,
        tools: OfferedTools | None = None,
        tool_choice: Any = None,
        response_schema: Schema | None = None,
        headers: Headers | None = None,
        *,
        extra_body: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Response:
        if is_overridden(self, GoogleProvider, "_build_request_payload", "_format_messages"):
            options = {name: value for name, value in kwargs.items() if name not in self.RESERVED}
            plain = self._payload(messages, tools, response_schema, options)
            payload = self._build_request_payload(messages, tools, response_schema, **options)
            changed = {name: value for name, value in payload.items() if name not in plain or value != plain[name]}
            extra_body = {**changed, **as_mapping(extra_body, "extra_body")}
        return await super()._single_complete(
            model, messages, stream, tools, tool_choice, response_schema, headers, extra_body=extra_body, **kwargs
        )

    def _format_tools(self, tools: OfferedTools) -> list[dict[str, Any]]:
        formatted = super()._format_tools(tools)
        if is_overridden(self, GoogleProvider, "_clean_schema"):
            for declaration in (each for entry in formatted for each in entry.get("functionDeclarations", ())):
                schema = declaration.pop("parametersJsonSchema", declaration.get("parameters"))
                if schema is not None:
                    declaration["parameters"] = self._clean_schema(schema)
        return formatted

    @staticmethod
    def _clean_schema(schema: Any) -> Any:
        """A schema without the keyword that Gemini did not know."""
        return without(schema, "additionalProperties")

    def _build_headers(self) -> dict[str, str]:
        return self._default_headers()

    def _build_request_payload(
        self,
        messages: list[dict[str, Any]],
        tools: OfferedTools | None = None,
        response_schema: Schema | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The body of a request."""
        payload = self._payload(messages, tools, response_schema, kwargs)
        if is_overridden(self, GoogleProvider, "_format_messages"):
            payload["contents"] = self._format_messages(messages)
        return payload

    def _format_messages(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The ``contents`` that say what ``messages`` say."""
        contents: list[dict[str, Any]] = self._payload(messages)["contents"]
        return contents

    def _payload(
        self,
        messages: list[dict[str, Any]],
        tools: OfferedTools | None = None,
        response_schema: Schema | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        call = Call(
            model="any",
            messages=messages,
            tools=self._format_tools(tools) if tools else None,
            response_schema=ResponseSchema.coerce(response_schema),
            options=dict(options or {}),
        )
        return self._spoken().request(call).body

    # --- addresses

    def _url(self, path: str) -> str:
        """The address of a path below the API's root, which is the base URL up to a final ``/models``.

        0.5 glued the model's name to a base URL that ended in a slash, whatever stood before it: such an address, if it
        does not end in an API version, is still taken as the place where model names begin.
        """
        root = self.base_url.rstrip("/")
        last = root.rpartition("/")[2]
        if last == "models":
            return join_url(root[: -len("/models")], path)
        if path.startswith("/models/") and self.base_url.endswith("/") and not _is_api_root(root):
            return join_url(root, path[len("/models") :])
        return join_url(root, path)

    def _list_url(self, path: str) -> str:
        # Vertex AI lists the models of a publisher, not those of a project, and only in its beta.
        return _PROJECT.sub("/v1beta1/publishers/", self._url(path))


def _is_api_root(root: str) -> bool:
    """Whether an address ends in a version, a publisher or a bare host, so that ``/models`` has to follow."""
    segments = root.partition("://")[2].split("/")
    return len(segments) == 1 or segments[-1] in _VERSION_NAMES or segments[-2:-1] == ["publishers"]
