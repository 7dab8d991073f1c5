"""Servers that are known by name: one row each, with its address, the variables of its key, and its dialect.

What belongs here: data. Names are looked up in ``registry.py``. The local servers stand at the ports that they choose
themselves; all addresses and variables are those that the servers' own documentation names, as of November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..protocols.chat_dialect import ChatDialect

if TYPE_CHECKING:
    from .base import BaseProvider

__all__ = ["PRESETS", "Preset"]

_CHAT = "llm_async.providers.openai:OpenAIProvider"
_RESPONSES = "llm_async.providers.openai_responses:OpenAIResponsesProvider"

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True)
class Preset:
    """A server that is known by name.

    Attributes:
        name: what ``get_provider`` is asked for and ``Provider.name()`` gives: small letters, digits, ``-`` and ``_``.
        base_url: the address of the API, with its version; ``""`` where the provider's class knows it.
        env_keys: environment variables of the key, in the order in which they count; by default ``NAME_API_KEY``.
        env_base_url: environment variables of another address; by default ``NAME_BASE_URL``.
        aliases: other names.
        provider: the class that speaks its API, or ``"module:Class"``; by default that of Chat Completions.
        dialect: what the server does otherwise than OpenAI, for a class that speaks Chat Completions.
        title: the name for people.
        lacks: which of ``list_models``, ``embed`` and ``count_tokens`` the server does not have, although the API has it.
    """

    name: str
    base_url: str = ""
    env_keys: Sequence[str] = ()
    env_base_url: Sequence[str] = ()
    aliases: Sequence[str] = ()
    provider: str | type[BaseProvider] = _CHAT
    dialect: ChatDialect | None = None
    title: str = ""
    lacks: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ValueError(f"name must be of small letters, digits, - and _, and is {self.name!r}")
        for field in ("env_keys", "env_base_url", "aliases", "lacks"):
            if isinstance(getattr(self, field), str):
                raise TypeError(f"{field} must be a sequence of names, not a str")
        if self.base_url:
            variable = self.name.upper().replace("-", "_")
            object.__setattr__(self, "env_keys", tuple(self.env_keys) or (f"{variable}_API_KEY",))
            object.__setattr__(self, "env_base_url", tuple(self.env_base_url) or (f"{variable}_BASE_URL",))


# Servers that refuse a field of a message that they do not know, or are not known to take it.
_STRICT = ChatDialect(replayed=())

PRESETS: tuple[Preset, ...] = (
    # --- classes of their own
    Preset("openai", title="OpenAI, Chat Completions"),
    Preset("openairesponses", provider=_RESPONSES, title="OpenAI, Responses"),
    Preset(
        "claude", aliases=("anthropic",), provider="llm_async.providers.claude:ClaudeProvider", title="Anthropic Claude"
    ),
    Preset("google", aliases=("gemini",), provider="llm_async.providers.google:GoogleProvider", title="Google Gemini"),
    Preset("openrouter", provider="llm_async.providers.openrouter:OpenRouterProvider", title="OpenRouter"),
    Preset(
        "azure",
        aliases=("azureopenai",),
        provider="llm_async.providers.azure:AzureProvider",
        title="Azure OpenAI, Chat Completions",
    ),
    Preset(
        "azureresponses", provider="llm_async.providers.azure:AzureResponsesProvider", title="Azure OpenAI, Responses"
    ),
    Preset(
        "vertex",
        aliases=("vertexai", "googlevertex"),
        provider="llm_async.providers.vertex:VertexProvider",
        title="Gemini on Vertex AI",
    ),
    Preset(
        "vertexclaude",
        aliases=("claudevertex", "anthropicvertex", "vertexanthropic"),
        provider="llm_async.providers.vertex:VertexClaudeProvider",
        title="Claude on Vertex AI",
    ),
    # --- services
    Preset(
        "xai",
        "https://api.x.ai/v1",
        aliases=("grok",),
        dialect=ChatDialect(renamed={"max_tokens": "max_completion_tokens"}),
        title="xAI, Chat Completions",
        lacks=("embed",),
    ),
    Preset(
        "xairesponses",
        "https://api.x.ai/v1",
        env_keys=("XAI_API_KEY",),
        env_base_url=("XAI_BASE_URL",),
        aliases=("grokresponses",),
        provider=_RESPONSES,
        title="xAI, Responses",
        lacks=("embed", "count_tokens"),
    ),
    Preset(
        "cerebras",
        "https://api.cerebras.ai/v1",
        dialect=ChatDialect(
            replayed=(),
            renamed={"max_tokens": "max_completion_tokens"},
            refused=("frequency_penalty", "presence_penalty", "logit_bias", "service_tier", "parallel_tool_calls"),
        ),
        title="Cerebras",
        lacks=("embed",),
    ),
    Preset(
        "cohere",
        "https://api.cohere.ai/compatibility/v1",
        env_keys=("COHERE_API_KEY", "CO_API_KEY"),
        dialect=_STRICT,
        title="Cohere",
    ),
    Preset(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        aliases=("qwen", "alibaba"),
        title="Alibaba DashScope (Qwen), international",
    ),
    Preset(
        "deepinfra",
        "https://api.deepinfra.com/v1/openai",
        env_keys=("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
        title="DeepInfra",
    ),
    Preset(
        "deepseek",
        "https://api.deepseek.com",
        dialect=ChatDialect(json_schema=False),
        title="DeepSeek",
        lacks=("embed",),
    ),
    Preset("fireworks", "https://api.fireworks.ai/inference/v1", aliases=("fireworksai",), title="Fireworks AI"),
    Preset("groq", "https://api.groq.com/openai/v1", dialect=_STRICT, title="Groq", lacks=("embed",)),
    Preset(
        "huggingface",
        "https://router.huggingface.co/v1",
        env_keys=("HF_TOKEN", "HUGGINGFACE_API_KEY"),
        aliases=("hf",),
        title="Hugging Face Inference Providers",
    ),
    Preset("minimax", "https://api.minimax.io/v1", title="MiniMax"),
    Preset(
        "mistral",
        "https://api.mistral.ai/v1",
        aliases=("mistralai",),
        # Usage comes with every stream, unasked. Models of the strict kind take no other ids than their own.
        dialect=ChatDialect(
            stream_usage=False,
            replayed=(),
            renamed={"seed": "random_seed", "max_completion_tokens": "max_tokens"},
            tool_choices={"required": "any"},
            tool_id_length=9,
        ),
        title="Mistral",
    ),
    Preset(
        "moonshot",
        "https://api.moonshot.ai/v1",
        aliases=("moonshotai", "kimi"),
        dialect=ChatDialect(tool_choices={"required": None}),
        title="Moonshot (Kimi)",
        lacks=("embed",),
    ),
    Preset("nebius", "https://api.tokenfactory.nebius.com/v1", title="Nebius Token Factory"),
    Preset("novita", "https://api.novita.ai/openai/v1", title="Novita"),
    Preset("nvidia", "https://integrate.api.nvidia.com/v1", aliases=("nim", "nvidianim"), title="NVIDIA NIM"),
    Preset(
        "ovhcloud",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        env_keys=("OVHCLOUD_API_KEY", "OVH_AI_ENDPOINTS_ACCESS_TOKEN"),
        aliases=("ovh",),
        title="OVHcloud AI Endpoints",
    ),
    Preset(
        "perplexity",
        "https://api.perplexity.ai/v1",
        env_keys=("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
        provider=_RESPONSES,  # its Chat Completions ended in September 2026
        title="Perplexity, Responses",
        lacks=("count_tokens",),
    ),
    Preset("sambanova", "https://api.sambanova.ai/v1", title="SambaNova"),
    Preset("together", "https://api.together.ai/v1", aliases=("togetherai",), title="Together AI"),
    Preset(
        "vercel",
        "https://ai-gateway.vercel.sh/v1",
        env_keys=("AI_GATEWAY_API_KEY",),
        aliases=("vercelaigateway",),
        title="Vercel AI Gateway",
    ),
    Preset(
        "zai",
        "https://api.z.ai/api/paas/v4",
        aliases=("glm",),
        dialect=ChatDialect(json_schema=False),
        title="Z.AI (GLM)",
    ),
    # --- servers on this machine, or wherever they are put
    Preset(
        "llamacpp",
        "http://localhost:8080/v1",
        env_keys=("LLAMA_API_KEY",),
        aliases=("llamaserver",),
        title="llama.cpp's server",
    ),
    Preset("litellm", "http://localhost:4000/v1", title="LiteLLM proxy"),
    Preset("lmstudio", "http://localhost:1234/v1", title="LM Studio"),
    Preset(
        "ollama",
        "http://localhost:11434/v1",
        dialect=ChatDialect(replayed=("reasoning", "reasoning_content")),
        title="Ollama",
    ),
    Preset("sglang", "http://localhost:30000/v1", title="SGLang"),
    Preset(
        "vllm",
        "http://localhost:8000/v1",
        dialect=ChatDialect(replayed=("reasoning", "reasoning_content"), takes=("video",)),
        title="vLLM",
    ),
)
