"""Tables of many experiments: what each is, what the paper prints, what we measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tenfold.report.document import Block, Cell, Column, Note
from tenfold.studies.exhibit import Exhibit, all_marked, stopped, with_runs
from tenfold.studies.experiment import HONEST
from tenfold.studies.judgment import points
from tenfold.studies.results import Group, IncomparableError, Results, measured, paired


@dataclass(frozen=True)
class Paper:
    """A column of what the paper prints.

    Attributes
    ----------
    title : str
        Also the key of the value in `Row.paper`.
    unit : str
    percent : bool
        Values are fractions, shown times 100.
    digits : int
    """

    title: str
    unit: str = "%"
    percent: bool = True
    digits: int = 2

    def column(self) -> Column:
        """Return its head."""
        return Column(self.title, "right", self.unit, digits=self.digits, percent=self.percent)

    def cell(self, row: Row, results: Results) -> Cell:
        """Return its value in a row."""
        return row.paper.get(self.title)


@dataclass(frozen=True)
class Ours:
    """A column of what we measured.

    Attributes
    ----------
    title, metric : str
        `metric` as for `Group.values`.
    variant : str
        Which of the row's experiments.
    reading : str
    unit, percent, digits
        As in `Paper`.
    help : str
    """

    title: str
    metric: str
    variant: str = ""
    reading: str = HONEST
    unit: str = "%"
    percent: bool = True
    digits: int = 2
    help: str = ""

    def column(self) -> Column:
        """Return its head."""
        return Column(self.title, "right", self.unit, help=self.help)

    def cell(self, row: Row, results: Results) -> Cell:
        """Return its value in a row."""
        group = row.group(self.variant, self.reading, results)
        return None if group is None else group.measured(self.metric, self.percent, self.digits)


@dataclass(frozen=True)
class Ratio:
    """A column of how one experiment stands to another: the mean ratio of `metric`, paired by seed.

    Where the two were not run alike, the cell says so.

    Attributes
    ----------
    title, metric : str
    variant : str
        Which of the row's experiments, over
    to : str
        the experiment that is the measure.
    """

    title: str
    metric: str
    to: str
    variant: str = ""
    reading: str = HONEST

    def column(self) -> Column:
        """Return its head."""
        each = " for one image in one epoch" if self.metric == "image_seconds" else ""
        return Column(self.title, "right", help=f"times that of {self.to}{each}, paired by seed.")

    def cell(self, row: Row, results: Results) -> Cell:
        """Return its value in a row."""
        group, other = row.group(self.variant, self.reading, results), results.find(self.to, self.reading)
        if group is None or other is None or group is other:
            return None
        try:
            over, under = paired((group, other), self.metric)
        except IncomparableError:
            return "not comparable"
        return measured(over / under, percent=False)


@dataclass(frozen=True)
class Apart:
    """A column of how far our mean lies from what the paper prints, in points.

    Attributes
    ----------
    title : str
    metric : str
        As in `Ours`, of the row's one experiment.
    paper : str
        The title of the paper's column.
    far : float
        A difference of more than this, a fraction, is called far; a note says where it is.
    """

    title: str
    metric: str
    paper: str
    far: float = 0.1

    def column(self) -> Column:
        """Return its head."""
        return Column(self.title, "right", "points", help="our mean less what the paper prints.")

    def difference(self, row: Row, results: Results, *, full: bool = False) -> float | None:
        """Return the difference, a fraction; None where either is missing, or must be `full` and is not."""
        group, printed = row.group("", HONEST, results), row.paper.get(self.paper)
        if group is None or printed is None or (full and not group.scaled.full):
            return None
        found = group.measured(self.metric)
        return None if found is None else found.mean - printed

    def cell(self, row: Row, results: Results) -> Cell:
        """Return its value in a row."""
        apart = self.difference(row, results)
        return None if apart is None else points(apart)

    def notes(self, rows: Sequence[Row], results: Results) -> list[Block]:
        """Return where full runs are far from the paper; nothing where there are none."""
        apart = {row.labels[0]: self.difference(row, results, full=True) for row in rows}
        known = {label: value for label, value in apart.items() if value is not None}
        if not known:
            return []
        far = [str(label) for label, value in known.items() if abs(value) > self.far]
        where = f": {', '.join(far)}" if far else ""
        text = f"In {len(far)} of {len(known)} rows our mean is more than {100 * self.far:g} points off"
        return [Note(f"{text} the paper{where}.")]


@dataclass(frozen=True)
class Stopped:
    """A column of the step at which a training of a population ran away; from there its weights stay."""

    title: str = "Stopped at step"

    def column(self) -> Column:
        """Return its head."""
        return Column(self.title, "right", help="a weight grew beyond 1e9, or the loss was not finite.")

    def cell(self, row: Row, results: Results) -> Cell:
        """Return its value in a row."""
        group = row.group("", HONEST, results)
        return (stopped(group) or None) if group else None


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes
    ----------
    labels : tuple
        What stands in the first columns.
    runs : str, or mapping of str to str
        The experiment; or the experiments by variant.
    paper : mapping of str to float
        What the paper prints, by the title of the column.
    """

    labels: tuple[str | int | float, ...]
    runs: str | Mapping[str, str]
    paper: Mapping[str, float] = field(default_factory=dict)

    def group(self, variant: str, reading: str, results: Results) -> Group | None:
        """Return the runs of one of its experiments."""
        name = self.runs if isinstance(self.runs, str) else self.runs[variant]
        return results.find(name, reading)

    def mark(self, results: Results) -> str:
        """Return how much of its experiments was run."""
        names = (self.runs,) if isinstance(self.runs, str) else tuple(self.runs.values())
        return all_marked([group for group in results.groups.values() if group.label in names])


@dataclass(frozen=True)
class Grid(Exhibit):
    """Experiments row by row.

    Attributes
    ----------
    heads : tuple of str
        Titles of the first columns.
    columns : tuple of Paper, Ours, Apart, Ratio or Stopped
    rows : tuple of Row
    """

    heads: tuple[str, ...]
    columns: tuple[Paper | Ours | Apart | Ratio | Stopped, ...]
    rows: tuple[Row, ...]

    def blocks(self, results: Results) -> list[Block]:
        heads = [
            Column(title, "right" if isinstance(self.rows[0].labels[place], int | float) else "left")
            for place, title in enumerate(self.heads)
        ]
        rows = [(*row.labels, *(each.cell(row, results) for each in self.columns)) for row in self.rows]
        marks = [row.mark(results) for row in self.rows]
        columns = (*heads, *(each.column() for each in self.columns))
        notes = [
            note
            for each in self.columns
            if isinstance(each, Apart)
            for note in each.notes(self.rows, results)
        ]
        return [with_runs(self.title, columns, rows, marks, len(heads)), *notes]
