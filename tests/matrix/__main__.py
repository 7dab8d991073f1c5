"""Try everything with everybody: ``python -m tests.matrix [--write docs]``."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from .columns import COLUMNS
from .page import is_possible, play, rows_of, tables, write


def main() -> int:
    """Play every cell; print or write the tables, unless something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="the folder of providers.md")
    options = parser.parse_args()
    missing = {module for row in rows_of() if not is_possible(row) for module in row.needs}
    if missing:
        parser.error(f"the tables need all of their rows, and some need what is not installed: {', '.join(missing)}")
    found = {column.title: asyncio.run(play(column, rows_of())) for column in COLUMNS}
    failures = [
        f"{row}, {name}: {type(word).__name__}: {word}"
        for words in found.values()
        for row, doors in words.items()
        for name, word in doors.items()
        if isinstance(word, Exception)
    ]
    if failures:
        print(*failures, sep="\n")
    elif options.write:
        write(options.write, tables(found))
    else:
        print(tables(found))
    return bool(failures)


if __name__ == "__main__":
    raise SystemExit(main())
