"""The page: every row with every column, and the tables that come of it.

What belongs here: which rows there are, in which order, playing them, and what the tables look like.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Union

import llm_async
from llm_async import provider_class
from llm_async.testing import ProviderServer

from .answers import ANSWERS, COSTS
from .around import AROUND, OBSERVING
from .beside import BESIDE
from .cell import BEHIND, LEFT_OUT, NO, NOT_SAID, UNASKED, YES, Capability, Section
from .columns import COLUMNS, Column, Door
from .messages import CONVERSATIONS, PARTS
from .options import OPTIONS
from .structured import STRUCTURED
from .tools import TOOLS

__all__ = ["PAGE", "SECTIONS", "Words", "cell", "is_possible", "on_page", "play", "rows_of", "tables", "write"]

SECTIONS = (ANSWERS, TOOLS, STRUCTURED, PARTS, CONVERSATIONS, OPTIONS, COSTS, BESIDE, AROUND, OBSERVING)

PAGE = "providers.md"
_BEGIN, _END = "<!-- python -m tests.matrix writes from here -->", "<!-- to here -->"
_MEANINGS = {
    YES: "it was done, and what came of it was right, in the answer and in the request",
    NO: "an `UnsupportedError` before anything is sent: the provider has no such thing",
    NOT_SAID: "the provider does not tell it; the value is None",
    UNASKED: "the provider does it without being asked; the option is taken, and nothing is sent",
    BEHIND: "the API takes text alone in that place; the rest follows, as if the user showed it",
    LEFT_OUT: "the server does not take it back, and is not sent it",
}
_NOTES = "¹²³⁴⁵⁶⁷⁸⁹"

#: What came of each provider of a column, by name, with one row: a word, or what went wrong.
Words = Mapping[str, Union[str, Exception]]


def rows_of() -> Iterable[Capability]:
    """All rows."""
    return (row for section in SECTIONS for row in section.rows)


def is_possible(row: Capability) -> bool:
    """Whether what a row needs is installed."""
    return all(find_spec(module) for module in row.needs)


async def play(column: Column, rows: Iterable[Capability]) -> dict[str, dict[str, str | Exception]]:
    """What comes of some rows with the providers of a column, by the rows' titles."""
    found: dict[str, dict[str, str | Exception]] = {}
    async with ProviderServer() as server:
        for row in rows:
            found[row.title] = {door.name: await _word(row, door, server) for door in column.doors}
    return found


async def _word(row: Capability, door: Door, server: ProviderServer) -> str | Exception:
    try:
        return await row.word(door, server)
    except Exception as error:  # noqa: BLE001 - raised where the cell is looked at
        return error


# --- the tables


def tables(found: Mapping[str, Mapping[str, Words]]) -> str:
    """The tables, of what was found by column and row; rows that were not played are left out."""
    return "\n\n".join([_words(), _columns(), *(_table(section, found) for section in SECTIONS)])


def _words() -> str:
    """What the words in the cells mean."""
    return _lines(["word", "what it means"], _MEANINGS.items())


def _columns() -> str:
    """Who stands in which column."""
    rows = []
    for column in COLUMNS:
        door, *others = column.doors
        provider = provider_class(door.name)
        if others:
            rows.append([column.title, "[`get_provider`](servers.md#by-name)", "", "models of theirs"])
            continue
        cls = provider.__name__
        how = f"`{cls}`" if hasattr(llm_async, cls) else f'`get_provider("{door.name}")`'
        keys = ", ".join(f"`{key}`" for key in provider.ENV_KEYS) or "(a token)"
        rows.append([column.title, how, keys, f"`{door.model}`"])
    names = ", ".join(f"`{door.name}`" for column in COLUMNS if len(column.doors) > 1 for door in column.doors)
    head = ["column", "provider", "key from", "the model that was asked for"]
    return f"{_lines(head, rows)}\n\nThe servers by name are {names}."


def _table(section: Section, found: Mapping[str, Mapping[str, Words]]) -> str:
    rows: list[list[str]] = []
    notes: list[str] = []
    for row in section.rows:
        if all(row.title in found[column.title] for column in COLUMNS):
            rows.append([row.title, *(cell(found[column.title][row.title], notes) for column in COLUMNS)])
    told = "".join(f"\n\n{mark} {note}" for mark, note in zip(_NOTES, notes, strict=False))
    table = _lines(["", *(column.title for column in COLUMNS)], rows)
    return f"## {section.title}\n\n[How it is done]({section.page})\n\n{table}{told}"


def _lines(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A table."""
    return "\n".join(map(_line, [head, ["---"] * len(head), *rows]))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(words: Words, notes: list[str]) -> str:
    """The word of most providers of a column; a note names the others."""
    by_word: dict[str, list[str]] = {}
    for name, word in words.items():
        if isinstance(word, Exception):
            raise word
        by_word.setdefault(word, []).append(f"`{name}`")
    usual, *others = (word for word, _ in Counter(words.values()).most_common())
    if not others:
        return str(usual)
    note = "; ".join(f"{word}: {', '.join(by_word[str(word)])}" for word in others)
    if note not in notes:
        notes.append(note)
    return f"{usual} {_NOTES[notes.index(note)]}"


def on_page(docs: Path) -> str:
    """The tables as they stand in the page."""
    _, _, rest = (docs / PAGE).read_text("utf-8").partition(_BEGIN)
    return rest.partition(_END)[0].strip("\n")


def write(docs: Path, made: str) -> None:
    """Put the tables into the page."""
    page = docs / PAGE
    before, _, rest = page.read_text("utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n\n{made}\n\n{_END}{after}", "utf-8")
