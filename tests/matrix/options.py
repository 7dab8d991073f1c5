"""Rows: each option of the one vocabulary, and the API's own fields, which win."""

from __future__ import annotations

from typing import Any

from .cell import HELLO, UNASKED, Capability, Scene, Section, holds
from .tools import look

__all__ = ["OPTIONS"]

OPTIONS = Section("Options", "options.md")

# The option as the table shows it, and what it becomes: one of these values has to be in the fields that it adds.
# An option without its value in the request may be one that the API needs not be told.
_OPTIONS: tuple[tuple[str, dict[str, Any], tuple[Any, ...]], ...] = (
    ("`max_tokens=100`", {"max_tokens": 100}, (100,)),
    ("`temperature=0.2`", {"temperature": 0.2}, (0.2,)),
    ("`top_p=0.9`", {"top_p": 0.9}, (0.9,)),
    ('`stop="END"`', {"stop": "END"}, ("END",)),
    ("`seed=7`", {"seed": 7}, (7,)),
    ('`reasoning="high"`', {"reasoning": "high"}, ("high",)),
    ('`reasoning="none"`', {"reasoning": "none"}, ("none", "disabled", 0)),
    ("`reasoning=2048`", {"reasoning": 2048}, (2048,)),
    (
        '`reasoning={"effort": "low", "summary": True}`',
        {"reasoning": {"effort": "low", "summary": True}},
        ("summary", "summarized", "includeThoughts", "exclude"),
    ),
    (
        "`parallel_tool_calls=False`",
        {"parallel_tool_calls": False},
        ("parallel_tool_calls", "disable_parallel_tool_use"),
    ),
    ("`prompt_cache=True`", {"prompt_cache": True}, ("cache_control",)),
    ('`prompt_cache="1h"`', {"prompt_cache": "1h"}, ("1h",)),
    ('`prompt_cache="24h"`', {"prompt_cache": "24h"}, ("24h",)),
    ('`prompt_cache={"key": "k1"}`', {"prompt_cache": {"key": "k1"}}, ("k1", "cache_control")),
    ('`user="u1"`', {"user": "u1"}, ("u1",)),
    ('`metadata={"run": "r1"}`', {"metadata": {"run": "r1"}}, ("r1",)),
)


def _row_of_option(title: str, options: dict[str, Any], values: tuple[Any, ...]) -> Capability:
    async def play(scene: Scene) -> str | None:
        plain = await scene.would_send(HELLO, tools=[look])
        await scene.ask(HELLO, tools=[look], **options)
        body = scene.body
        assert plain.keys() <= body.keys()
        changed = {name: value for name, value in body.items() if plain.get(name, ...) != value}
        if not changed and "prompt_cache" in options:
            return UNASKED
        assert any(holds(changed, value) for value in values), changed
        return None

    return Capability(title, play)


OPTIONS.rows += [_row_of_option(*each) for each in _OPTIONS]

# How each API calls the limit of the answer.
_OWN_WORDS: dict[str, dict[str, Any]] = {
    "chat": {"max_tokens": 5},
    "responses": {"max_output_tokens": 5},
    "messages": {"max_tokens": 5},
    "gemini": {"generationConfig": {"maxOutputTokens": 5}},
}


@OPTIONS.row("the API's own fields (`extra_body`), which win")
async def own_fields(scene: Scene) -> None:
    await scene.ask(HELLO, max_tokens=100, extra_body=_OWN_WORDS[scene.door.api])
    assert holds(scene.body, 5)
    assert not holds(scene.body, 100)
