"""Providers by name: what is known, what a program and other packages add, and what each server is sent."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pickle
import re
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from llm_async import Agent, ChatDialect, Preset, ResponseSchema, get_provider, known_providers, register_provider, tool
from llm_async.cli import main
from llm_async.errors import APIStatusError, UnsupportedError
from llm_async.providers import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    OpenAIProvider,
    OpenAIResponsesProvider,
    get_preset,
    provider_class,
    registry,
)
from llm_async.providers.presets import PRESETS
from llm_async.retry import RetryConfig
from llm_async.testing import ProviderServer, Raw, Text, ToolCalls

HELLO = [{"role": "user", "content": "Good morning"}]
SCHEMA = {
    "type": "object",
    "properties": {"size": {"type": "integer"}},
    "required": ["size"],
    "additionalProperties": False,
}
SERVERS = [preset.name for preset in PRESETS if preset.base_url]


@tool
def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"rain in {city}"


def dialect_of(name: str) -> str:
    """The API of the embedded server that a preset speaks."""
    return "openairesponses" if issubclass(provider_class(name), OpenAIResponsesProvider) else "openai"


def asked(
    name: str, body: Callable[[ProviderServer, BaseProvider], Coroutine[Any, Any, Any]], **options: Any
) -> dict[str, Any]:
    """Run ``body(server, provider)``; the last request that was sent."""

    async def run() -> dict[str, Any]:
        async with ProviderServer() as server:
            url = server.url(dialect_of(name))
            async with get_provider(name, "the-secret-key", url, retry_config=RetryConfig(max_attempts=1)) as provider:
                await body(server, provider)
            last: dict[str, Any] = server.requests[-1].json
            return last

    return asyncio.run(run())


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(registry, "_known", dict(registry._known))


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("openai", OpenAIProvider),
            ("openai-responses", OpenAIResponsesProvider),
            ("Anthropic", ClaudeProvider),
            ("gemini", GoogleProvider),
            ("Open Router", provider_class("openrouter")),
            ("llama.cpp", provider_class("llamacpp")),
            ("LM_Studio", provider_class("lmstudio")),
            ("grok", provider_class("xai")),
            ("xai-responses", provider_class("xairesponses")),
        ],
    )
    def test_a_provider_has_several_names_and_spellings(self, name: str, expected: type[BaseProvider]) -> None:
        assert type(get_provider(name, "key")) is expected

    def test_no_two_rows_share_a_name(self) -> None:
        names = [name for preset in PRESETS for name in (preset.name, *preset.aliases)]
        assert len(set(map(registry._key, names))) == len(names)

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("mistrl", "unknown provider 'mistrl': did you mean 'mistral'"),
            ("qqq", "unknown provider 'qqq'; known are azure, "),
        ],
    )
    def test_an_unknown_name_is_told_what_it_may_have_meant(self, name: str, said: str) -> None:
        with pytest.raises(ValueError, match=said) as caught:
            get_provider(name)
        assert "zai" in str(caught.value)

    def test_a_name_is_text(self) -> None:
        with pytest.raises(TypeError, match="must be a str, not NoneType"):
            get_provider(None)  # type: ignore[arg-type]

    def test_the_known_names_are_listed_in_order(self) -> None:
        known = known_providers()
        assert known == sorted(known)
        assert {preset.name for preset in PRESETS} <= set(known)


@pytest.mark.parametrize("name", SERVERS)
class TestPresets:
    def test_key_and_address_come_from_the_servers_own_variables(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
            monkeypatch.setenv(variable, "of somebody else")
        preset = get_preset(name)
        for variable in (*preset.env_keys, *preset.env_base_url):
            monkeypatch.delenv(variable, raising=False)
        provider = get_provider(name)
        assert (provider.api_key, provider.base_url) == ("", preset.base_url)
        monkeypatch.setenv(preset.env_keys[-1], "from the environment")
        monkeypatch.setenv(preset.env_base_url[-1], "http://elsewhere/v1")
        provider = get_provider(name)
        assert (provider.api_key, provider.base_url) == ("from the environment", "http://elsewhere/v1")
        assert get_provider(name, "given").base_url == preset.base_url

    def test_answers_tools_and_schemas_work_and_bear_its_name(self, name: str) -> None:
        async def body(server: ProviderServer, provider: BaseProvider) -> None:
            assert provider.name() == name
            server.script(ToolCalls(("weather", {"city": "Oslo"})), Text("It rains."))
            result = await Agent(provider, "m", tools=[weather]).run(HELLO)
            assert result.content == "It rains."
            assert "rain in Oslo" in server.requests[-1].body.decode()
            assert server.requests[-1].headers["authorization"] == "Bearer the-secret-key"
            streamed = await provider.acomplete("m", HELLO, stream=True)
            assert "".join([chunk.delta async for chunk in streamed]) == "You said: Good morning"
            assert streamed.provider_name == name
            server.script(Text('{"size": 3}'))
            answer = await provider.acomplete("m", HELLO, response_schema=ResponseSchema(SCHEMA))
            assert answer.main_response is not None
            assert json.loads(answer.main_response.text) == {"size": 3}

        asked(name, body)

    def test_it_can_be_pickled(self, name: str) -> None:
        provider = get_provider(name, "key")
        copy = pickle.loads(pickle.dumps(provider))
        assert type(copy) is type(provider)
        assert (copy.api_key, copy.base_url) == ("key", provider.base_url)


# name, arguments of the call, what has to be in the body, and what must not be
SENT = [
    ("xai", {"max_tokens": 9}, {"max_completion_tokens": 9}, ("max_tokens",)),
    ("xai", {"stream": True}, {"stream_options": {"include_usage": True}}, ()),
    ("cerebras", {"max_tokens": 9}, {"max_completion_tokens": 9}, ("max_tokens",)),
    ("groq", {"max_tokens": 9}, {"max_tokens": 9}, ("max_completion_tokens",)),
    ("mistral", {"seed": 9, "stream": True}, {"random_seed": 9}, ("seed", "stream_options")),
    ("mistral", {"max_completion_tokens": 9}, {"max_tokens": 9}, ("max_completion_tokens",)),
    ("mistral", {"tools": [weather], "tool_choice": "required"}, {"tool_choice": "any"}, ()),
    ("deepseek", {"response_schema": SCHEMA}, {"response_format": {"type": "json_object"}}, ()),
    ("zai", {"response_schema": SCHEMA}, {"response_format": {"type": "json_object"}}, ()),
    ("vllm", {"top_k": 4, "chat_template_kwargs": {"a": 1}}, {"top_k": 4, "chat_template_kwargs": {"a": 1}}, ()),
]


@pytest.mark.parametrize(("name", "call", "sent", "absent"), SENT)
def test_a_server_is_sent_what_it_understands(
    name: str, call: dict[str, Any], sent: dict[str, Any], absent: tuple[str, ...]
) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        # The embedded server is OpenAI's imitation and may not know the word; what counts is what it was sent.
        server.script(Raw(b'{"choices": [{"index": 0, "message": {"content": "ok"}, "finish_reason": "stop"}]}'))
        response = await provider.acomplete("m", HELLO, **call)
        if response.stream:
            assert [chunk.delta async for chunk in response] == ["ok"]

    request = asked(name, body)
    assert {key: request.get(key) for key in sent} == sent
    assert not [key for key in absent if key in request]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("moonshot", {"tools": [weather], "tool_choice": "required"}),
        ("cerebras", {"frequency_penalty": 0.5}),
        ("cerebras", {"parallel_tool_calls": False}),
    ],
)
def test_what_a_server_cannot_do_is_said_before_anything_is_sent(name: str, call: dict[str, Any]) -> None:
    async def run() -> None:
        async with ProviderServer() as server, get_provider(name, "k", server.url("openai")) as provider:
            with pytest.raises(UnsupportedError):
                await provider.acomplete("m", HELLO, **call)
            assert not server.requests

    asyncio.run(run())


def test_deepseek_gets_its_reasoning_back_and_mistral_ids_that_it_takes() -> None:
    earlier = {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Let me look.",
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
    }
    conversation = [*HELLO, earlier, {"role": "tool", "tool_call_id": "call_1", "content": "rain"}]

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        await provider.acomplete("m", conversation)

    assert asked("deepseek", body)["messages"][1]["reasoning_content"] == "Let me look."
    messages = asked("mistral", body)["messages"]
    assert "reasoning_content" not in messages[1]
    assert len(messages[2]["tool_call_id"]) == 9
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"]


@dataclasses.dataclass
class Cat:
    name: str
    lives: int = 9


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        (Cat, '{"name": "Tom", "lives": 7}', Cat("Tom", 7)),
        (list[Cat], '{"answer": [{"name": "Tom", "lives": 9}]}', [Cat("Tom")]),
    ],
)
def test_an_answer_becomes_a_value_of_a_type_with_every_server(name: str, wanted: Any, text: str, value: Any) -> None:
    pytest.importorskip("pydantic")

    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Text(text))
        response = await provider.acomplete("m", HELLO, response_schema=wanted)
        assert response.parsed == value

    assert "lives" in json.dumps(asked(name, body))


# What each says when it says no: status, body, the text that the error has, its code.
ERRORS = [
    ("xai", 400, {"code": "invalid-argument", "error": "Incorrect API key"}, "Incorrect API key", "invalid-argument"),
    ("xai", 404, {"error": {"message": "no model", "type": "x", "code": None}}, "no model", None),
    ("xai", 403, {"error": "no credits"}, "no credits", None),
    ("deepseek", 402, {"error": {"message": "Insufficient Balance", "type": "unknown_error"}}, "Insufficient Balance", None),
    ("groq", 400, {"error": {"message": "bad call", "code": "tool_use_failed", "failed_generation": "<x"}}, "bad call", "tool_use_failed"),
    ("mistral", 400, {"object": "error", "message": "Bad id", "type": "invalid", "code": "1000"}, "Bad id", "1000"),
    ("mistral", 422, {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs"}]}, "body.seed: Extra inputs", None),
    ("ollama", 404, {"error": "model not found"}, "model not found", None),
    ("vllm", 404, {"object": "error", "message": "no such model", "code": 404}, "no such model", "404"),
    ("llamacpp", 503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, "Loading model", "503"),
    ("cohere", 401, {"id": "1", "message": "no api key supplied"}, "no api key supplied", None),
    ("huggingface", 401, {"error": "Invalid username or password."}, "Invalid username", None),
    ("nvidia", 404, {"status": 404, "title": "Not Found", "detail": "Function not found"}, "Function not found", None),
    ("perplexity", 400, {"error": {"message": "Invalid model", "type": "invalid_model", "code": 400}}, "Invalid model", "400"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "said", "text", "code"), ERRORS)
def test_every_shape_of_error_is_read(name: str, status: int, said: Any, text: str, code: str | None) -> None:
    async def body(server: ProviderServer, provider: BaseProvider) -> None:
        server.script(Raw(json.dumps(said).encode(), status=status))
        with pytest.raises(APIStatusError, match=text) as caught:
            await provider.acomplete("m", HELLO)
        assert caught.value.status_code == status
        assert caught.value.body == said
        assert code is None or caught.value.code == code

    asked(name, body)


class TestRegistering:
    def test_a_row_becomes_a_provider(self, forgotten: None) -> None:
        acme = Preset(
            "acme", "https://api.acme.example/v1", dialect=ChatDialect(stream_usage=False), aliases=("ac-me2",)
        )
        cls = register_provider(acme, aliases=["acme3"])
        provider = get_provider("Acme2", "key")
        assert type(provider) is cls is provider_class("acme3")
        assert (provider.name(), provider.base_url) == ("acme", "https://api.acme.example/v1")
        assert (cls.ENV_KEYS, cls.ENV_BASE_URL) == (("ACME_API_KEY",), ("ACME_BASE_URL",))
        assert "acme" in known_providers()

    def test_a_class_is_registered_by_its_own_name(self, forgotten: None) -> None:
        @register_provider
        class BigCorpProvider(OpenAIProvider):
            BASE_URL = "https://bigcorp.example/v1"

        assert type(get_provider("big-corp", "key")) is BigCorpProvider

    def test_a_name_is_taken_only_on_purpose(self, forgotten: None) -> None:
        mine = Preset("groq", "https://mine.example/v1")
        with pytest.raises(ValueError, match="'groq' already"):
            register_provider(mine)
        register_provider(mine, replace=True)
        assert get_provider("groq", "key").base_url == "https://mine.example/v1"

    def test_who_takes_the_place_of_a_provider_has_its_aliases_too(self, forgotten: None) -> None:
        register_provider(Preset("xai", "https://mine.example/v1"), replace=True)
        assert get_provider("grok", "key").base_url == "https://mine.example/v1"
        register_provider(Preset("mine", "https://other.example/v1"), aliases=["grok"], replace=True)
        assert get_provider("grok", "key").name() == "mine"
        assert get_provider("xai", "key").base_url == "https://mine.example/v1"

    def test_nothing_is_registered_when_something_is_wrong(self, forgotten: None) -> None:
        with pytest.raises(ValueError, match="'openai' already"):
            register_provider(Preset("fresh", "https://fresh.example/v1"), aliases=["openai"])
        with pytest.raises(TypeError, match="does not speak Chat Completions"):
            register_provider(Preset("fresh", "https://f.example", provider=ClaudeProvider, dialect=ChatDialect()))
        assert "fresh" not in known_providers()

    @pytest.mark.parametrize(
        ("make", "error"),
        [
            (lambda: register_provider("groq"), TypeError),  # type: ignore[arg-type]
            (lambda: register_provider(int), TypeError),  # type: ignore[arg-type]
            (lambda: register_provider(Preset("fresh", "https://x.example"), aliases="abc"), TypeError),
            (lambda: Preset("Two Words"), ValueError),
            (lambda: Preset("x", "https://x.example", env_keys="X_KEY"), TypeError),
        ],
    )
    def test_a_wrong_registration_is_refused(self, make: Callable[[], Any], error: type[Exception]) -> None:
        with pytest.raises(error):
            make()


class TestEntryPoints:
    @pytest.fixture
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: None) -> Path:
        """An installed package that announces providers."""
        (tmp_path / "acme_llm.py").write_text(
            "from llm_async import OpenAIProvider, Preset\n"
            "PRESET = Preset('acme-cloud', 'https://api.acme.example/v1')\n"
            "class AcmeLocalProvider(OpenAIProvider):\n    BASE_URL = 'http://localhost:1/v1'\n"
        )
        (tmp_path / "broken_llm.py").write_text("import nothing_of_that_name\n")
        info = tmp_path / "acme_llm-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-llm\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            "[llm_async.providers]\nacme-cloud = acme_llm:PRESET\nacmelocal = acme_llm:AcmeLocalProvider\n"
            "broken = broken_llm:PRESET\nopenai = broken_llm:PRESET\nnumber = acme_llm:__name__\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "acme_llm", raising=False)
        return tmp_path

    def test_a_packages_providers_are_found_by_name(self, package: Path) -> None:
        assert {"acme-cloud", "acmelocal", "broken"} <= set(known_providers())
        assert "acme_llm" not in sys.modules
        assert get_provider("ACME_cloud", "key").base_url == "https://api.acme.example/v1"
        assert get_provider("acmelocal", "key").name() == "acmelocal"
        copy = pickle.loads(pickle.dumps(get_provider("acme-cloud", "key")))
        assert copy.name() == "acme-cloud"

    def test_a_package_takes_no_known_name(self, package: Path) -> None:
        assert type(get_provider("openai", "key")) is OpenAIProvider

    def test_a_package_that_cannot_be_loaded_is_named(self, package: Path) -> None:
        with pytest.raises(ImportError, match=r"'broken' \(broken_llm:PRESET\) cannot be loaded: No module named"):
            get_provider("broken")

    def test_a_package_that_announces_something_else_is_told_so(self, package: Path) -> None:
        with pytest.raises(TypeError, match="as a Preset or as a provider class"):
            get_provider("number")

    def test_an_unknown_name_may_have_meant_a_packages(self, package: Path) -> None:
        with pytest.raises(ValueError, match="did you mean 'acmelocal'"):
            get_provider("acmelocl")


class TestCommand:
    def test_the_table_has_every_provider(self, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
        monkeypatch.setenv("GROQ_API_KEY", "the-secret-key")
        assert main(["providers"]) == 0
        shown = capsys.readouterr().out
        rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines()}
        assert rows.keys() == {"name", *known_providers()}
        assert rows["groq"] == ["https://api.groq.com/openai/v1", "GROQ_API_KEY", "(set)"]
        assert rows["google"][0].startswith("https://generativelanguage.googleapis.com/")
        assert "the-secret-key" not in shown

    def test_the_table_is_also_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["providers", "--json"]) == 0
        rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
        assert rows["xai"]["aliases"] == ["grok"]
        assert rows["azure"]["key_variables"] == ["AZURE_OPENAI_API_KEY"]


def test_the_document_lists_the_providers_as_they_are() -> None:
    document = Path(__file__).parents[2] / "docs" / "servers.md"
    table = document.read_text("utf-8").partition("| name | address | key | also called |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    listed = {name.strip("`"): cells for name, *cells in rows}
    assert list(listed) == sorted(preset.name for preset in PRESETS)
    for name, (address, keys, aliases) in listed.items():
        preset = get_preset(name)
        assert address == (preset.base_url or address)
        assert re.findall("`(.*?)`", keys) == list(preset.env_keys)
        assert re.findall("`(.*?)`", aliases) == list(preset.aliases)
