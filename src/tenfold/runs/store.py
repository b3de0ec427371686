"""Every finished run, in one SQLite file beside its artifacts.

::

    <root>/                 TENFOLD_HOME, else ./tenfold-runs
      runs.sqlite           one row a run
      runs/<id>/            what the run left: the model, its checkpoint
      claims/<id>.lock      empty; locked while a process trains that run

A store holds nothing but its root: every call opens the file, does its work in one transaction and closes it.
So a store may be used from any thread, survives a fork, and a process that is killed leaves it whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.errors import StoreError, UnknownNameError
from tenfold.runs.database import entries, explained, is_busy, opened, transaction
from tenfold.runs.run import COLUMNS, JSON_COLUMNS, Run, fold, identity

ABSENT = "(absent)"
"""What a comparison shows where a run has no such value."""

_SCALARS = ("id", "network", "engine", "data", "seed", "commit", "started", "seconds")


@dataclass(frozen=True)
class Comparison:
    """Runs side by side. Each value is a tuple with one entry a run, `ABSENT` where it has none.

    Attributes
    ----------
    runs : tuple of Run
    identity : dict of tuple
        What differs in what they were, by dotted path ("recipe.batch", "architecture.layers.0.units").
    metrics : dict of tuple
        Every metric that is a single value, whether it differs or not.
    """

    runs: tuple[Run, ...]
    identity: dict[str, tuple[Any, ...]]
    metrics: dict[str, tuple[Any, ...]]


class Store:
    """The finished runs in one folder. Nothing is made on disk before something is put in.

    Parameters
    ----------
    root : Path or None
        The folder; by default ``TENFOLD_HOME``, else ``./tenfold-runs``.

    Raises
    ------
    StoreError
        From every method: a file that is no store or is damaged, one that a newer Tenfold wrote, or a folder
        that cannot be read or written.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        chosen = root or os.environ.get("TENFOLD_HOME") or "tenfold-runs"
        self.root = Path(chosen).expanduser().absolute()

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return self.root / "runs.sqlite"

    def folder(self, id: str) -> Path:
        """Return where the artifacts of a run belong, whether they are there or not."""
        if not re.fullmatch("[0-9a-f]{64}", id):
            raise StoreError(f"The id of a run is 64 hex digits, as identity() gives it. Got {id!r} instead.")
        return self.root / "runs" / id

    def add(self, run: Run) -> bool:
        """Keep `run`; return False, changing nothing, where a run of that id is kept already."""
        if run.id != identity(run.what):
            raise StoreError(f"The id {run.id!r} is not identity(what): the run is not what it says it is.")
        values: dict[str, Any] = {name: getattr(run, name) for name in COLUMNS}
        values |= {name: json.dumps(values[name]) for name in JSON_COLUMNS}
        if run.folder is not None:
            # Relative inside the root, so that the root can be moved as a whole.
            inside = run.folder.is_relative_to(self.root)
            values["folder"] = (run.folder.relative_to(self.root) if inside else run.folder).as_posix()
        names = ", ".join(f'"{name}"' for name in values)
        places = ", ".join(f":{name}" for name in values)
        with explained(self.path):
            self.root.mkdir(parents=True, exist_ok=True)
        with opened(self.path) as connection, transaction(connection):
            statement = f"INSERT INTO runs ({names}) VALUES ({places}) ON CONFLICT (id) DO NOTHING"
            return connection.execute(statement, values).rowcount == 1

    def find(self, id: str) -> Run | None:
        """Return the run whose whole id is `id`, or None."""
        found = self._select("WHERE id = ?", (id,))
        return found[0] if found else None

    def get(self, prefix: str) -> Run:
        """Return the one run whose id starts with `prefix`.

        Raises
        ------
        StoreError
            None does, or several do: the message names them.
        """
        prefix = prefix.strip().lower()
        if not prefix:
            raise StoreError(
                "Expected the start of a run's id, got nothing. List ids with: tenfold runs list"
            )
        found = self._select("WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT 9", (len(prefix), prefix))
        if len(found) == 1:
            return found[0]
        if not found:
            raise StoreError(
                f"No run in {self.root} has an id that starts with {prefix!r}. "
                "List what there is with: tenfold runs list"
            )
        some = [f"  {run.id[:16]}  {run.network}, seed {run.seed}, {run.started[:19]}" for run in found[:8]]
        more = ["  ..."] if len(found) > 8 else []
        raise StoreError(
            "\n".join(
                [f"Several runs have an id that starts with {prefix!r}; give more of it:", *some, *more]
            )
        )

    def list(self, *, order: str = "-started", limit: int | None = None, **filters: Any) -> tuple[Run, ...]:
        """Return the runs that pass every filter.

        Parameters
        ----------
        order : str
            A column (started, seconds, network, engine, data, seed, commit, id) or a metric; ``-`` before it
            turns it around. Runs without that metric come last.
        limit : int or None
            At most so many.
        **filters
            A value for a column or, under any other name, for a tag: ``list(network="fast", study="lin")``.
            None passes everything.

        Raises
        ------
        UnknownNameError
            There are runs, but none has `order`.
        """
        if limit is not None and limit < 0:
            raise StoreError(f"limit must be >= 0. Got {limit!r} instead.")
        terms: list[str] = []
        values: list[Any] = []
        for name, value in filters.items():
            if name in COLUMNS and name not in _SCALARS:
                raise UnknownNameError("column to filter by", name, _SCALARS)
            if value is not None:
                terms.append(f'"{name}" = ?' if name in _SCALARS else "entry(tags, ?) = ?")
                values += [value] if name in _SCALARS else [name, value]
        where = f"WHERE {' AND '.join(terms)} " if terms else ""
        name = order.removeprefix("-")
        if name in _SCALARS:
            key = f'"{name}"'
        else:
            self._check_metric(name, where, values)
            key = "entry(metrics, ?)"
            values.append(name)
        direction = "DESC" if order.startswith("-") else "ASC"
        rest = f"{where}ORDER BY {key} {direction} NULLS LAST, id LIMIT ?"
        return self._select(rest, (*values, -1 if limit is None else limit))

    def remove(self, id: str) -> Run:
        """Forget the run whose id starts with `id`, delete ``folder(id)``, and return what it was.

        Artifacts that lie elsewhere are the user's and stay; a link is removed, not what it points to.

        Raises
        ------
        StoreError
            None or several runs have that id, or a process is training it right now.
        """
        run = self.get(id)
        with self.claim(run.id, timeout=0), opened(self.path) as connection:
            with transaction(connection):
                connection.execute("DELETE FROM runs WHERE id = ?", (run.id,))
            folder = self.folder(run.id)
            if folder.is_symlink():
                folder.unlink()
            elif folder.exists():
                shutil.rmtree(folder)
        return run

    def compare(self, ids: Sequence[str]) -> Comparison:
        """Return the runs whose ids start with each of `ids`, side by side."""
        if len(ids) < 2:
            raise StoreError(f"A comparison needs at least two runs. Got {len(ids)} instead.")
        runs = tuple(self.get(id) for id in ids)
        identities = _side_by_side([_flat(run.what) for run in runs])
        metrics = [
            {key: value for key, value in run.metrics.items() if not isinstance(value, dict | list)}
            for run in runs
        ]
        return Comparison(
            runs=runs,
            identity={
                key: row for key, row in identities.items() if len({_text(value) for value in row}) > 1
            },
            metrics=_side_by_side(metrics),
        )

    @contextmanager
    def claim(
        self, id: str, *, timeout: float | None = None, waiting: Callable[[], None] | None = None
    ) -> Iterator[None]:
        """Hold the run `id` while the block runs, so that no other process or thread trains it too.

        Ask `find` inside the block, not before: whoever held the claim may have finished the run. A claim is
        a lock of the operating system, so one whose owner was killed is free at once. It is not reentrant.

        Parameters
        ----------
        id : str
        timeout : float or None
            Seconds to wait for another that holds it; None waits until it is free.
        waiting : callable or None
            Called once, before waiting.

        Raises
        ------
        StoreError
            Another still holds it after `timeout`.
        """
        name = self.folder(id).name
        with explained(self.path):
            folder = self.root / "claims"
            folder.mkdir(parents=True, exist_ok=True)
            lock = sqlite3.connect(folder / f"{name}.lock", timeout=0, isolation_level=None)
        with closing(lock):
            # SQLite's write lock on an empty file of its own: portable, and released by the system when the
            # process ends in whatever way. The file stays: removing it would race with those that wait.
            start = time.monotonic()
            while True:
                with explained(self.path):
                    try:
                        lock.execute("BEGIN IMMEDIATE")
                        break
                    except sqlite3.OperationalError as error:
                        if not is_busy(error):
                            raise
                if timeout is not None and time.monotonic() - start >= timeout:
                    raise StoreError(
                        f"Another process holds run {name[:12]}. Wait until it has finished, or stop it."
                    )
                if waiting is not None:
                    waiting()
                    waiting = None
                # A short sleep of our own, not SQLite's busy timeout, which would not hear Ctrl-C.
                time.sleep(0.1)
            yield

    def _check_metric(self, name: str, where: str, values: Sequence[Any]) -> None:
        if not self.path.exists():
            return
        with opened(self.path) as connection:
            rows = connection.execute(f"SELECT metrics FROM runs {where}", values).fetchall()
        metrics = [entries(row["metrics"]) for row in rows]
        if metrics and not any(name in row for row in metrics):
            raise UnknownNameError("column or metric", name, {*_SCALARS}.union(*metrics))

    def _select(self, rest: str, values: Sequence[Any]) -> tuple[Run, ...]:
        # To look is not to make: without a file there are no runs.
        with explained(self.path):
            if not self.path.exists():
                return ()
        with opened(self.path) as connection:
            rows = connection.execute(f"SELECT * FROM runs {rest}", values).fetchall()
        return tuple(self._run(row) for row in rows)

    def _run(self, row: sqlite3.Row) -> Run:
        try:
            values = {name: row[name] for name in COLUMNS}
            values |= {name: json.loads(values[name]) for name in JSON_COLUMNS}
            if values["folder"] is not None:
                values["folder"] = self.root / values["folder"]
            return Run(**values)
        except (IndexError, TypeError, ValueError, StoreError) as error:
            raise StoreError(
                f"The run {row['id']!r} in {self.path} is damaged ({error}). Restore the file from a backup."
            ) from None


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of nested JSON values by dotted path; an empty list or dict is a leaf."""
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {
            key: leaf
            for name, item in items
            for key, leaf in _flat(item, f"{path}.{name}" if path else str(name)).items()
        }
    return {path: value}


def _side_by_side(tables: Sequence[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    keys = dict.fromkeys(key for table in tables for key in table)
    return {key: tuple(table.get(key, ABSENT) for table in tables) for key in keys}


def _text(value: Any) -> str:
    return json.dumps(fold(value))
