"""The same APIs in the clouds of Microsoft and Google: other addresses, other credentials, and a model in the path.

What belongs here: what is different there. The words are those of the other modules.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..._json import dumps
from ..http1 import Request
from .anthropic import Anthropic
from .base import MODEL, Dialect, ProviderError, Question, bearer
from .gemini import Gemini
from .openai_chat import OpenAIChat
from .openai_responses import OpenAIResponses

__all__ = ["CLOUDS"]

_COUNT = "/models/count-tokens:rawPredict"
_RAW_PREDICT = re.compile(r"/models/([^/:]+):(rawPredict|streamRawPredict)")


class _Azure(Dialect):
    """Who may ask a resource of Azure, and which of its versions."""

    dated = False

    def key(self, request: Request) -> str | None:
        return request.headers.get("api-key") or bearer(request)

    def unauthorized(self, request: Request) -> ProviderError:
        return ProviderError(401, "Access denied due to invalid subscription key or wrong API endpoint.", code="401")

    def question(self, request: Request) -> Question:
        if self.dated and not request.query.get("api-version"):
            raise ProviderError(404, "Resource not found")
        return super().question(request)  # type: ignore[safe-super]


class AzureChat(_Azure, OpenAIChat):
    """``/openai/v1/chat/completions``."""

    name = "azure"
    base = "/azure/openai/v1"


class AzureDeployment(_Azure, OpenAIChat):
    """``/openai/deployments/NAME/chat/completions?api-version=…``."""

    name = "azure"
    base = "/azure/openai/deployments"
    dated = True

    def generates(self, request: Request) -> bool:
        return re.fullmatch(r"/[^/]+/chat/completions", self.local_path(request)) is not None

    def beside(self, request: Request) -> bytes | None:
        matched = re.fullmatch(r"/[^/]+/embeddings", self.local_path(request))
        return None if matched is None else self.embeddings(request)


class AzureResponses(_Azure, OpenAIResponses):
    """``/openai/v1/responses``."""

    name = "azureresponses"
    base = "/azure/openai/v1"


class _AzureModels(OpenAIChat):
    base = "/azure/openai"


class AzureDatedResponses(_Azure, OpenAIResponses):
    """``/openai/responses?api-version=…``, and the list of models, which all deployments have in common."""

    name = "azureresponses"
    base = "/azure/openai"
    dated = True

    def models(self, request: Request) -> bytes:
        return _AzureModels().models(request)


class VertexGemini(Gemini):
    """Gemini's requests below ``/publishers/google``."""

    name = "vertex"
    base = "/vertex/v1/projects/demo/locations/global/publishers/google"


class VertexClaude(Anthropic):
    """Claude's requests to ``/publishers/anthropic/models/NAME:rawPredict`` and ``:streamRawPredict``."""

    name = "vertexclaude"
    base = "/vertex/v1/projects/demo/locations/global/publishers/anthropic"

    def generates(self, request: Request) -> bool:
        path = self.local_path(request)
        return path != _COUNT and _RAW_PREDICT.fullmatch(path) is not None

    def beside(self, request: Request) -> bytes | None:
        if self.local_path(request) != _COUNT:
            return None
        body = self.read_object(request)
        # What is left without the version is a request to Anthropic itself.
        headers = {**request.headers, "anthropic-version": str(body.pop("anthropic_version", ""))}
        path = f"{self.base}/messages/count_tokens"
        return super().beside(replace(request, path=path, headers=headers, body=dumps(body)))

    def key(self, request: Request) -> str | None:
        return bearer(request)

    def question(self, request: Request) -> Question:
        matched = _RAW_PREDICT.fullmatch(self.local_path(request))
        assert matched is not None
        body = self.read_object(request)
        version = body.pop("anthropic_version", None)
        if not version:
            raise ProviderError(400, "anthropic_version: Field required")
        if "model" in body:
            raise ProviderError(400, "model: Extra inputs are not permitted")
        if (matched[2] == "streamRawPredict") is not (body.get("stream") is True):
            raise ProviderError(400, f"stream: {body.get('stream')!r} does not belong to {matched[2]}")
        # What is left is a request to Anthropic itself.
        headers = {**request.headers, "anthropic-version": version}
        return super().question(replace(request, headers=headers, body=dumps({**body, "model": matched[1]})))


class VertexModels(Gemini):
    """``/v1beta1/publishers/google/models``: Google's models, whatever the project."""

    name = "vertex"
    base = "/vertex/v1beta1/publishers/google"

    def models(self, request: Request) -> bytes:
        if self.local_path(request) != "/models":
            raise ProviderError(404, "Requested entity was not found.")
        return dumps({"publisherModels": [{"name": f"publishers/google/models/{MODEL}", "versionId": "default"}]})


#: Where two have one name, the first has the address that a base URL ends in.
CLOUDS: tuple[Dialect, ...] = (
    AzureChat(),
    AzureDeployment(),
    AzureResponses(),
    AzureDatedResponses(),
    VertexGemini(),
    VertexClaude(),
    VertexModels(),
)
