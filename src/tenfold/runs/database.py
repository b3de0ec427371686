"""The SQLite file of a store: opening, bringing up to date, and saying clearly what went wrong."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tenfold.errors import StoreError

# A store at schema n has run the first n of these, each a list of statements. Only ever append.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE runs (id TEXT PRIMARY KEY, network TEXT NOT NULL, engine TEXT NOT NULL,"
        " data TEXT NOT NULL, seed INTEGER NOT NULL, what TEXT NOT NULL, history TEXT NOT NULL,"
        " metrics TEXT NOT NULL, folder TEXT, versions TEXT NOT NULL, hardware TEXT NOT NULL,"
        ' "commit" TEXT, started TEXT NOT NULL, seconds REAL NOT NULL, tags TEXT NOT NULL)',
        "CREATE INDEX runs_by_start ON runs (started)",
    ),
)

_APPLICATION = 0x74656E66  # "tenf", in the header of the file: tells a store from any other SQLite file
_PATIENCE = 60.0  # seconds to wait for another process that writes
_DENIED = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the store `path`, made or brought up to date first; SQL can call ``entry(json, name)``."""
    with (
        explained(path),
        closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as connection,
    ):
        connection.row_factory = sqlite3.Row
        connection.create_function("entry", 2, _entry, deterministic=True)
        _migrate(connection, path)
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block does, all of it or nothing."""
    # IMMEDIATE takes the write lock at once: a transaction that reads first and then writes can fail for good
    # where another wrote in between.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk, for one, rolls back by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the database and the file system say into errors that say what to do."""
    try:
        yield
    except (sqlite3.Error, OSError, OverflowError, UnicodeEncodeError) as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            message = (
                f"{path} is not a store of runs, or is damaged ({error}). "
                "Move it away or restore it from a backup, or set TENFOLD_HOME to another folder."
            )
        elif is_busy(error):
            message = f"{path} stayed locked for {_PATIENCE:.0f} s. Stop the process that writes to it."
        elif isinstance(error, OSError) or code in _DENIED:
            message = (
                f"The store in {path.parent} cannot be opened or written ({error}). "
                "Check its rights and the free space, or set TENFOLD_HOME to another folder."
            )
        else:
            message = f"The store {path} cannot take or give this ({error})."
        raise StoreError(message) from error


def is_busy(error: Exception) -> bool:
    """Whether another process or thread holds the lock that was asked for."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def entries(text: str) -> dict[str, Any]:
    """Return a JSON object as it was put in."""
    values: dict[str, Any] = json.loads(text)
    return values


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    # The order matters where another process makes the store meanwhile: tables and mark come together,
    # so who sees a table first sees the mark afterwards.
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise StoreError(f"{path} is an SQLite file of another program. Set TENFOLD_HOME to another folder.")
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    if schema > len(MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer Tenfold (schema {schema}; this one knows up to "
            f"{len(MIGRATIONS)}). Upgrade with: pip install --upgrade tenfold, "
            "or set TENFOLD_HOME to another folder."
        )
    if schema == len(MIGRATIONS):
        return
    _write_ahead(connection)
    with transaction(connection):
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
        for statements in MIGRATIONS[schema:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {max(schema, len(MIGRATIONS))}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    # SQLite does not apply its busy timeout to this change, which fails while another process makes it.
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _entry(text: str, name: str) -> str | int | float | None:
    """Return one value of a JSON object to SQL; NaN becomes NULL there."""
    value = entries(text).get(name)
    return value if isinstance(value, str | int | float) else None
