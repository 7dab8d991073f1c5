"""Every capability with every provider: it is there, or it is refused before anything is sent; and the page says so.

A column is played when the first of its cells is looked at.
"""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import pytest

from llm_async.testing import ProviderServer

from .cell import HELLO, Capability, Play, Scene, holds
from .columns import COLUMNS, DOORS, Column
from .page import Words, cell, is_possible, on_page, play, rows_of, tables

DOCS = Path(__file__).parents[2] / "docs"
ROWS = list(rows_of())
POSSIBLE = [row for row in ROWS if is_possible(row)]

# The first cell of a column waits for all of it, which takes its time under a tracer.
pytestmark = pytest.mark.timeout(600)


@functools.cache
def found_in(column: Column) -> dict[str, Words]:
    return dict(asyncio.run(play(column, POSSIBLE)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title.replace("`", ""))
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.title)
def test_a_capability_is_there_or_is_refused_before_anything_is_sent(column: Column, row: Capability) -> None:
    if row not in POSSIBLE:
        pytest.skip(f"needs {' and '.join(row.needs)}")
    for name, word in found_in(column)[row.title].items():
        if isinstance(word, Exception):
            raise AssertionError(f"{name}: {type(word).__name__}: {word}") from word


def test_the_page_says_what_came_of_it() -> None:
    made = tables({column.title: found_in(column) for column in COLUMNS})
    if len(POSSIBLE) == len(ROWS):
        assert on_page(DOCS) == made, "python -m tests.matrix --write docs"
    else:
        assert not set(made.splitlines()) - set(on_page(DOCS).splitlines())


def test_every_row_has_a_title_of_its_own() -> None:
    assert len({row.title for row in ROWS}) == len(ROWS)


# --- the rule


def word_of(play: Play, name: str = "openai") -> str:
    """What stands in the cell of a capability with a provider."""

    async def run() -> str:
        async with ProviderServer() as server:
            return await Capability("it", play).word(DOORS[name], server)

    return asyncio.run(run())


def test_what_goes_through_is_a_yes_or_the_word_that_it_returns() -> None:
    async def asks(scene: Scene) -> None:
        assert (await scene.ask()).main_response.content == "You said: Good morning"

    async def asks_and_tells(scene: Scene) -> str:
        await scene.ask()
        return "unasked"

    assert (word_of(asks), word_of(asks_and_tells)) == ("yes", "unasked")


def test_what_is_refused_before_anything_is_sent_is_a_no_and_afterwards_a_failure() -> None:
    async def refused(scene: Scene) -> None:
        await scene.ask(reasoning=1000)

    async def refused_late(scene: Scene) -> None:
        await scene.ask()
        await scene.ask(reasoning=1000)

    assert word_of(refused) == "no"
    with pytest.raises(AssertionError, match="after something was sent"):
        word_of(refused_late)


def test_what_is_refused_at_the_providers_own_address_alone_is_a_no() -> None:
    async def at_the_server(scene: Scene) -> None:
        await scene.provider.acomplete(scene.model, [HELLO], seed=7)

    async def at_home_first(scene: Scene) -> None:
        await scene.ask(seed=7)

    assert word_of(at_the_server, "openairesponses") == "yes"
    assert word_of(at_home_first, "openairesponses") == "no"


def test_a_note_names_those_that_differ_from_the_rest() -> None:
    notes: list[str] = []
    assert cell({"a": "yes"}, notes) == "yes"
    assert cell({"a": "yes", "b": "no", "c": "yes", "d": "left out"}, notes) == "yes ¹"
    assert cell({"a": "yes", "b": "no", "c": "no"}, notes) == "no ²"
    assert cell({"a": "yes", "b": "no", "c": "yes", "d": "left out"}, notes) == "yes ¹"
    assert notes == ["no: `b`; left out: `d`", "yes: `a`"]
    with pytest.raises(OSError, match="lost"):
        cell({"a": "yes", "b": OSError("lost")}, notes)


@pytest.mark.parametrize(
    ("value", "wanted", "found"),
    [
        ({"a": [{"b": "The HIGH road"}]}, "high", True),
        ({"high": 1}, "high", True),
        ({"a": 7}, 7, True),
        ({"a": True}, 1, False),
        ({"a": 7}, "7", False),
        ({"a": ["b"]}, "c", False),
        ({}, "", False),
    ],
)
def test_a_value_is_found_wherever_it_stands_in_a_request(value: object, wanted: object, found: bool) -> None:
    assert holds(value, wanted) is found
