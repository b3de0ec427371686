"""What a change does to many experiments at once: each with it, and without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tenfold.report import figures
from tenfold.report.document import Block, Cell, Column, Measured, Note
from tenfold.studies.exhibit import Exhibit, marked, missing, with_runs
from tenfold.studies.experiment import HONEST
from tenfold.studies.results import IncomparableError, Results, measured, per_seed


@dataclass(frozen=True)
class Effects(Exhibit):
    """Test accuracy before and after a change, and the difference paired by seed.

    Attributes
    ----------
    before, after : str
        What the two are called.
    pairs : mapping of str to (str, str)
        The experiments before and after, by what the row is called.
    failing : tuple of str
        Rows that are said to fail.
    limit : float
        The mean test accuracy below which they do.
    conclusion : str
        What it means if all of them fail before the change, and none does after it.
    """

    before: str
    after: str
    pairs: Mapping[str, tuple[str, str]]
    failing: tuple[str, ...]
    limit: float
    conclusion: str

    def blocks(self, results: Results) -> list[Block]:
        rows: list[tuple[Cell, ...]] = []
        marks, dots = [], []
        fail: dict[str, list[str]] = {self.before: [], self.after: []}
        seen = 0
        for label, names in self.pairs.items():
            first, second = (results.find(name, HONEST) for name in names)
            if first is None or second is None:
                rows.append((label, None, None, None))
                marks.append("not run")
                continue
            try:
                gaps = per_seed(second, first, "test_accuracy")
            except IncomparableError:
                rows.append((label, None, None, "not comparable"))
                marks.append("not run alike")
                continue
            change = measured(100 * gaps, percent=False)
            rows.append((label, first.measured("test_accuracy"), second.measured("test_accuracy"), change))
            marks.append(marked(second))
            if isinstance(change, Measured):
                dots.append(figures.Dots(label, (100 * gaps).tolist(), change.low, change.high))
            if label in self.failing:
                seen += 1
                for what, group in ((self.before, first), (self.after, second)):
                    if group.values("test_accuracy").mean() < self.limit:
                        fail[what].append(label)
        if not dots:
            return [missing(next(iter(self.pairs.values()))[0], results)]
        columns = (
            Column("Experiment"),
            Column(f"Test, {self.before}", "right", "%"),
            Column(f"Test, {self.after}", "right", "%"),
            Column("Difference", "right", "points", help="paired by seed."),
        )
        counts = ", ".join(f"{len(labels)} of {seen} {what}" for what, labels in fail.items())
        text = f"Networks that are said to fail and stay below {100 * self.limit:g}%: {counts}."
        if len(fail[self.before]) < len(self.failing):
            count = f"{len(fail[self.before])} of the {len(self.failing)}"
            text += f" {count} that are said to fail were seen to, so nothing follows for all of them."
        elif not fail[self.after]:
            shown = (results.find(name, HONEST) for names in self.pairs.values() for name in names)
            if all(group.scaled.full for group in shown if group is not None):
                text += f" **{self.conclusion}**"
            else:
                text += f" If that stands in full runs: {self.conclusion[0].lower()}{self.conclusion[1:]}"
        plot = figures.dot_plot(
            self.title,
            dots,
            xlabel=f"Points of test accuracy gained: {self.after} − {self.before}",
            percent=False,
            differences=True,
            caption=f"What {self.after} has over {self.before}, for each experiment.",
        )
        return [with_runs(self.title, columns, rows, marks), Note(text), plot]
