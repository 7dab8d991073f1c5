"""Answers in a file, which survive the process and may be shared by several: an SQLite database.

SQLite keeps the bytes as they are. Nothing in the file is ever run or unpickled, whoever may have written it.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .bounds import checked_size, checked_ttl

__all__ = ["DiskCache"]

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS answers (
        key TEXT PRIMARY KEY, value BLOB NOT NULL, size INTEGER NOT NULL, stored REAL NOT NULL, used REAL NOT NULL
    );
    CREATE INDEX IF NOT EXISTS answers_by_use ON answers (used, size);
"""
# All but those that were used last and are not larger than the bound together.
_MAKE_ROOM = """
    DELETE FROM answers WHERE key IN (
        SELECT key FROM (SELECT key, SUM(size) OVER (ORDER BY used DESC, key) AS together FROM answers) WHERE together > ?
    )
"""
# So much is left when room has been made, so that it need not be made again at once.
_FILLED = 0.9
_BUSY_SECONDS = 5.0  # to wait for another process that is writing


class DiskCache:
    """Keeps answers in one file.

    Several tasks, threads and processes may use one file. The work is done in threads, so that no event loop waits for the
    disk. The file is made when it is first needed, readable by its owner alone.

    Args:
        path: the file; its folder has to exist.
        max_bytes: how many bytes the answers have at most; those that were used longest ago make room. A larger one is not
            kept at all.
        ttl: seconds after which an answer is forgotten; None keeps it until its place is needed.
        clock: gives the time in seconds since 1970.

    Raises:
        ValueError, TypeError: for a bound that is no positive number.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int = 1024 * 1024 * 1024,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(path)
        self.max_bytes = checked_size(max_bytes, "max_bytes")
        self.ttl = checked_ttl(ttl)
        self._clock = clock
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._bytes = 0  # in the file, as far as this process knows

    def __repr__(self) -> str:
        return f"<DiskCache at {self.path}>"

    def __getstate__(self) -> dict[str, Any]:
        # A copy opens the file for itself.
        return {name: value for name, value in self.__dict__.items() if name not in ("_lock", "_connection", "_bytes")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    async def get(self, key: str) -> bytes | None:
        """The value under ``key``, or None.

        Raises:
            sqlite3.Error, OSError: the file cannot be read.
        """
        return await asyncio.to_thread(self._get, key)

    async def set(self, key: str, value: bytes) -> None:
        """Keep ``value``; what was used longest ago makes room for it.

        Raises:
            sqlite3.Error, OSError: the file cannot be written.
        """
        await asyncio.to_thread(self._set, key, value)

    async def clear(self) -> None:
        """Forget everything."""
        await asyncio.to_thread(self._clear)

    async def aclose(self) -> None:
        """Close the file. The cache can be used again afterwards."""
        await asyncio.to_thread(self._close)

    async def __aenter__(self) -> DiskCache:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    # --- in a thread

    def _get(self, key: str) -> bytes | None:
        now = self._clock()
        with self._opened() as database:
            row = database.execute("SELECT value, stored FROM answers WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            value, stored = row
            if self.ttl is not None and now >= stored + self.ttl:
                database.execute("DELETE FROM answers WHERE key = ?", (key,))
                return None
            database.execute("UPDATE answers SET used = ? WHERE key = ?", (now, key))
            return bytes(value)

    def _set(self, key: str, value: bytes) -> None:
        now = self._clock()
        with self._opened() as database:
            database.execute("DELETE FROM answers WHERE key = ?", (key,))
            if len(value) > self.max_bytes:
                return
            row = (key, value, len(value), now, now)
            database.execute("INSERT INTO answers (key, value, size, stored, used) VALUES (?, ?, ?, ?, ?)", row)
            self._bytes += len(value)
            if self._bytes > self.max_bytes:
                self._make_room(database)

    def _make_room(self, database: sqlite3.Connection) -> None:
        # Other processes write, too, and what was overwritten has been counted twice: only the file knows.
        self._bytes = _size(database)
        if self._bytes > self.max_bytes:
            database.execute(_MAKE_ROOM, (max(self.max_bytes * _FILLED, _last_size(database)),))
            self._bytes = _size(database)

    def _clear(self) -> None:
        with self._opened() as database:
            database.execute("DELETE FROM answers")
            self._bytes = 0

    def _close(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The database for one transaction, which nobody else of this process is in."""
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            with self._connection:
                yield self._connection

    def _open(self) -> sqlite3.Connection:
        self.path.touch(mode=0o600)
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")  # readers do not wait for a writer
            connection.execute("PRAGMA synchronous = NORMAL")  # a loss of power may cost the last answers, no more
            connection.executescript(_SCHEMA)
            self._bytes = _size(connection)
        except BaseException:
            connection.close()
            raise
        weakref.finalize(self, connection.close)
        return connection


def _size(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT COALESCE(SUM(size), 0) FROM answers").fetchone()[0])


def _last_size(database: sqlite3.Connection) -> int:
    """The size of the answer that was used last, which is never to be the one that makes room."""
    return int(database.execute("SELECT size FROM answers ORDER BY used DESC, key LIMIT 1").fetchone()[0])
