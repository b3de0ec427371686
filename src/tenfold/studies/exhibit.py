"""What every table and figure of a study has, and how it tells how much was run.

Each exhibit is a value with a title and a `blocks` method that turns results into blocks of a report. What
was not run is shown as such, never left out in silence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote
from string import ascii_lowercase

from tenfold.report.document import (
    Block,
    Cell,
    Column,
    Note,
    Table,
)
from tenfold.studies.experiment import Candidates
from tenfold.studies.results import Group, Results


@dataclass(frozen=True)
class Exhibit(ABC):
    """A table or figure.

    Attributes
    ----------
    title : str
        As the paper calls it, where it is the paper's.
    """

    title: str

    @abstractmethod
    def blocks(self, results: Results) -> list[Block]:
        """Return what to show."""


def marked(group: Group | None) -> str:
    """Return how much of an experiment was run, for the table's column on it."""
    if group is None:
        return "not run"
    return f"{group.scale}, {group.setup.describe(group.scaled)}"


def all_marked(groups: Sequence[Group | None]) -> str:
    """Return how much of a row was run: by reading, or else by experiment, where they were run unequally."""
    run = [group for group in groups if group is not None]
    marks = {marked(group) for group in run}
    if len(marks) < 2:
        return next(iter(marks), marked(None))
    readings = {group.reading for group in run}
    found: dict[str, list[str]] = {}
    for group in run:
        found.setdefault(marked(group), []).append(group.reading if len(readings) > 1 else group.label)
    return "; ".join(f"{' and '.join(dict.fromkeys(names))}: {mark}" for mark, names in found.items())


def stopped(group: Group) -> str:
    """Return where trainings of a population ran away and were stopped: ``116 to 131, 2 of 5 seeds``.

    Empty where none did.
    """
    steps = [step for run in group.runs if (step := run.metrics.get("diverged", 0))]
    if not steps:
        return ""
    low, high = min(steps), max(steps)
    where = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return where if len(steps) == group.n else f"{where}, {len(steps)} of {seeds_text(group.n)}"


def with_runs(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[Cell, ...]],
    marks: Sequence[str],
    heads: int = 1,
) -> Table:
    """Return a table that tells how much of each row's experiments was run.

    Once in the caption where all rows were run alike, else by a letter for each row, beside the first `heads`
    columns, which name it.
    """
    letters = dict(zip(dict.fromkeys(marks), ascii_lowercase, strict=False))
    if len(letters) == 1:
        return Table(tuple(columns), tuple(rows), f"{title} ({marks[0]})")
    legend = "; ".join(f"{letter}: {mark}" for mark, letter in letters.items())
    lettered = tuple(
        (*row[:heads], letters[mark], *row[heads:]) for row, mark in zip(rows, marks, strict=True)
    )
    run = Column("Run", help=f"{legend}.")
    return Table((*columns[:heads], run, *columns[heads:]), lettered, title)


def seeds_text(count: int) -> str:
    """Return ``1 seed``, ``5 seeds``."""
    return f"{count} seed{'s' * (count != 1)}"


def missing(name: str, results: Results) -> Note:
    """Return the note that something was not run, and how to run it, where it can be."""
    study, scale = results.study, results.scale
    holder = study.holding(name)
    if holder is None or scale not in holder.scales:
        why = f": it has no {scale} scale" if holder else ""
        return Note(f"{name} was not run{why}.", kind="warning")
    ran = dict.fromkeys(group.reading for group in results.of(holder.name) if group.scale == scale)
    search = isinstance(holder.setup, Candidates)
    if ran and not search and ran.keys() >= set(holder.readings):
        return Note(f"{name} was only read so: {', '.join(ran)}; this takes another reading.", kind="warning")
    whole = " whole" if ran else ""
    words = quote(holder.name) if "'" in holder.name else f"'{holder.name}'"
    return Note(
        f"{name} was not run{whole} at {scale} scale. Run it with "
        f"`tenfold study run {study.argument} --scale {scale} --only {words}`.",
        kind="warning",
    )
