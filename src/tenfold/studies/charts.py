"""Figures of several experiments in one, and of what happened within an epoch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from tenfold.evaluation import precision_recall_curve
from tenfold.models.model import Model
from tenfold.report import figures
from tenfold.report.document import Block, Cell, Column, Note, Table
from tenfold.studies.exhibit import Exhibit, marked, missing, seeds_text, stopped
from tenfold.studies.experiment import HONEST
from tenfold.studies.results import Group, Results
from tenfold.studies.share import parts

METRICS = ("accuracy", "loss")
POINTS = 200
"""Of a line that follows single steps, at most."""


@dataclass(frozen=True)
class Together(Exhibit):
    """Accuracy and loss of several experiments, training images dashed, held-out images drawn through.

    Attributes
    ----------
    names : mapping of str to str
        Experiments by how the chart calls them.
    held : str
        The held-out images: "validation" or "test".
    reading : str
    xlabel : str
        What the steps of the history are.
    """

    names: Mapping[str, str]
    held: str = "validation"
    reading: str = HONEST
    xlabel: str = "Epoch"

    def blocks(self, results: Results) -> list[Block]:
        groups = {label: results.find(name, self.reading) for label, name in self.names.items()}
        run = {label: group for label, group in groups.items() if group is not None}
        if not run:
            return [missing(next(iter(self.names.values())), results)]
        blocks: list[Block] = [self._chart(metric, run) for metric in METRICS]
        lost = {label: where for label, group in run.items() if (where := stopped(group))}
        if lost:
            named = "; ".join(f"{label} at step {where}" for label, where in lost.items())
            blocks.append(
                Note(f"Where a training ran away, its lines end: {named}. From there its weights stay.")
            )
        absent = [self.names[label] for label in groups if label not in run]
        return [*blocks, *([Note(f"Not run: {', '.join(absent)}.", kind="warning")] if absent else [])]

    def _chart(self, metric: str, groups: Mapping[str, Group]) -> Block:
        series = {}
        for label, group in groups.items():
            held = _until_stopped(group, f"{self.held}_{metric}")
            shown = {step for steps, _ in held for step in steps}
            # The training curve has a value at every step; the chart has no use for more than the other.
            train = _until_stopped(group, f"train_{metric}", shown)
            if train and held:
                series[f"{label}, training"] = train
                series[f"{label}, {self.held}"] = held
        return figures.curves(
            f"{self.title}: {metric}",
            series,
            ylabel=metric.capitalize(),
            percent=metric == "accuracy",
            dashed=tuple(label for label in series if label.endswith("training")),
            xlabel=self.xlabel,
            caption=f"{self.title}, {metric} ({marked(next(iter(groups.values())))}).",
        )


def _until_stopped(
    group: Group, column: str, shown: Collection[int] | None = None
) -> list[tuple[list[int], list[float]]]:
    """Return (steps, values) of a column of the history for each run that has it, at the `shown` steps.

    Of what ran away only what was before.
    """
    found = []
    for run in group.runs:
        last = run.metrics.get("diverged") or inf
        kept = [
            (step, value)
            for step, value in zip(run.history["epoch"], run.history.get(column, []), strict=False)
            if value is not None and step < last and (shown is None or step in shown)
        ]
        if kept:
            found.append(([step for step, _ in kept], [value for _, value in kept]))
    return found


@dataclass(frozen=True)
class BySteps(Exhibit):
    """Accuracy and loss by training step: the batches just trained on, and the validation images.

    A line has at most `POINTS` points, each the mean of the measurements since the last: single batches jump.
    """

    name: str

    def blocks(self, results: Results) -> list[Block]:
        group = results.find(self.name)
        if group is None:
            return [missing(self.name, results)]
        return [self._chart(metric, group) for metric in METRICS]

    def _chart(self, metric: str, group: Group) -> Block:
        tables = [[table for table in run.history["by_step"] if table] for run in group.runs]
        steps = [[step for table in of for step in table["step"]] for of in tables]
        each = max(1, -(-max(map(len, steps)) // POINTS))

        def line(column: str) -> list[tuple[list[int], list[float]]]:
            found = []
            for at, of in zip(steps, tables, strict=True):
                values = np.array([value for table in of for value in table[column]])
                whole = len(values) // each * each
                found.append(
                    (at[each - 1 : whole : each], values[:whole].reshape(-1, each).mean(axis=1).tolist())
                )
            return found

        watched = getattr(group.setup, "watch_every", 0)
        means = f", each point the mean of {each} measurements" if each > 1 else ""
        return figures.curves(
            f"{self.title}: {metric}",
            {
                "training (single batches)": line(f"train_{metric}"),
                "validation": line(f"validation_{metric}"),
            },
            ylabel=metric.capitalize(),
            percent=metric == "accuracy",
            dashed=("training (single batches)",),
            xlabel="Iteration",
            caption=f"{self.title}, {metric}, measured every {watched} iterations{means} ({marked(group)}).",
        )


@dataclass(frozen=True)
class PrecisionRecall(Exhibit):
    """Precision against recall for each class on the test set, of the first seed's model."""

    name: str

    def blocks(self, results: Results) -> list[Block]:
        group = results.find(self.name)
        if group is None:
            return [missing(self.name, results)]
        run, test = group.runs[0], parts(group.share).test
        assert test is not None
        probabilities = Model.load((run.folder or Path()) / "model").predict_proba(test.images)
        curves = {
            name: precision_recall_curve(test.labels == place, probabilities[:, place])
            for place, name in enumerate(test.classes)
            if (test.labels == place).any()
        }
        caption = f"{self.title} (seed {run.seed}, {len(test):,} images; {marked(group)})."
        return [figures.precision_recall(curves, title=self.title, caption=caption)]


@dataclass(frozen=True)
class ReportBeside(Exhibit):
    """The classification report that the paper prints, beside ours.

    Attributes
    ----------
    name : str
    paper : mapping of str to (precision, recall, f1, support)
        By class.
    swapped : bool
        The paper gave prediction and truth in the wrong order: ours is shown that way too, and right.
    """

    name: str
    paper: Mapping[str, tuple[float, float, float, int]]
    swapped: bool = False
    reading: str = HONEST

    def blocks(self, results: Results) -> list[Block]:
        group = results.find(self.name, self.reading)
        if group is None:
            return [missing(self.name, results)]
        scores = ("precision", "recall", "f1")
        titles = ("Precision", "Recall", "F1")
        ours = {
            digit: [float(group.values(f"{score} of {digit}").mean()) for score in scores]
            for digit in self.paper
        }
        # Swapping the arguments swaps precision and recall; F1 stays the same.
        ways = {"swapped": (1, 0), "right": (0, 1)} if self.swapped else {"measured": (0, 1)}
        columns = [Column("Class")]
        columns += [Column(f"{title}, paper", "right", digits=2) for title in titles]
        columns.append(Column("Images, paper", "right"))
        columns += [Column(f"{title}, {way}", "right", digits=2) for way in ways for title in titles[:2]]
        columns.append(Column("F1, measured", "right", digits=2))

        def row(label: str, printed: Sequence[Cell], found: Sequence[float]) -> tuple[Cell, ...]:
            shown = [found[place] for places in ways.values() for place in places]
            return (label, *printed, *shown, found[2])

        rows = [row(digit, printed, ours[digit]) for digit, printed in self.paper.items()]
        means = [float(np.mean([values[place] for values in ours.values()])) for place in range(3)]
        printed_means = [
            float(np.mean([values[place] for values in self.paper.values()])) for place in range(3)
        ]
        images = sum(values[3] for values in self.paper.values())
        rows.append(row("mean", [*printed_means, images], means))
        caption = f"{self.title} ({marked(group)}; means of {seeds_text(group.n)})"
        return [Table(tuple(columns), tuple(rows), caption)]
