"""The tables of docs/options.md are what the servers are sent: every cell is asked for, over a socket, and compared."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import llm_async
from llm_async import Tool, UnsupportedError
from llm_async.testing import ProviderServer

DOCUMENT = Path(__file__).parents[1] / "docs" / "options.md"
MODELS = {
    "OpenAIProvider": "gpt-5.4",
    "OpenAIResponsesProvider": "gpt-5.4",
    "ClaudeProvider": "claude-opus-4-6",
    "GoogleProvider": "gemini-3-flash",
    "OpenRouterProvider": "anthropic/claude-sonnet-5",
}
TOOLS = [Tool("f", "a tool", {"type": "object", "properties": {}})]


def table(first: str) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of the table whose first cell that is."""
    lines = iter(DOCUMENT.read_text("utf-8").splitlines())
    head = next(line for line in lines if line.startswith(f"| {first} | `"))
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(cells(line))
    return cells(head), rows


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def options_of(cell: str) -> dict[str, Any]:
    name, _, value = cell.strip("`").partition("=")
    words = {"true": True, "false": False}
    return {name: words[value.lower()] if value.lower() in words else json.loads(re.sub("True", "true", value))}


async def told(server: ProviderServer, provider: str, model: str, options: dict[str, Any]) -> str:
    """The cell that a request makes: the fields that the option has added or changed."""
    async with getattr(llm_async, provider)("key", server.url(getattr(llm_async, provider).name())) as asked:
        bodies = []
        for given in ({}, options):
            try:
                await asked.acomplete(model, [{"role": "user", "content": "hi"}], tools=TOOLS, **given)
            except UnsupportedError:
                return "UnsupportedError"
            bodies.append(server.requests[-1].json)
    plain, body = bodies
    changed = {name: value for name, value in body.items() if plain.get(name, ...) != value}
    return f"`{json.dumps(changed)[1:-1]}`" if changed else "nothing"


async def compared(wanted: list[tuple[str, str, str, str]]) -> list[str]:
    wrong = []
    async with ProviderServer() as server:
        for provider, model, option, cell in wanted:
            got = await told(server, provider, model, options_of(option))
            if got != cell:
                wrong.append(f"{provider} {model} {option}: {cell} in the document, sent {got}")
    return wrong


def test_every_api_is_told_what_the_table_says() -> None:
    head, rows = table("option")
    providers = [cell.strip("`") for cell in head[1:]]
    assert providers == list(MODELS)
    wanted = [
        (provider, MODELS[provider], row[0], cell)
        for row in rows
        for provider, cell in zip(providers, row[1:], strict=True)
    ]
    assert len(wanted) > 80
    assert asyncio.run(compared(wanted)) == []


def test_every_model_is_told_what_the_table_says() -> None:
    head, rows = table("model")
    wanted = []
    for row in rows:
        provider, model = (word.strip("`") for word in row[0].split(", "))
        wanted += [(provider, model, option, cell) for option, cell in zip(head[1:], row[1:], strict=True)]
    assert len(wanted) > 90
    assert asyncio.run(compared(wanted)) == []
