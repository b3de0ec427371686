"""Tables that put the paper beside what we measured, in both readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tenfold.evaluation import mean_interval
from tenfold.report import figures
from tenfold.report.document import (
    Block,
    Cell,
    Column,
    Measured,
    Table,
)
from tenfold.report.tables import format_number
from tenfold.studies.exhibit import Exhibit, all_marked, marked, with_runs
from tenfold.studies.experiment import HONEST, PUBLISHED, READINGS
from tenfold.studies.results import Group, IncomparableError, Results, measured, paired


@dataclass(frozen=True)
class Comparison(Exhibit):
    """Paper beside measured, in both readings, for some experiments.

    Attributes
    ----------
    names : tuple of str
    test, train : mapping of str to float
        What the paper prints, by experiment.
    """

    names: tuple[str, ...]
    test: Mapping[str, float] = field(default_factory=dict)
    train: Mapping[str, float] = field(default_factory=dict)

    def blocks(self, results: Results) -> list[Block]:
        rows = [(name, *_beside(name, "test_accuracy", self.test.get(name), results)) for name in self.names]
        marks = [all_marked(_readings(name, results)) for name in self.names]
        columns = (Column("Model"), *_beside_columns("Test"))
        tables: list[Block] = [with_runs(self.title, columns, rows, marks)]
        if self.train:
            columns = (
                Column("Model"),
                Column("Training, paper", "right", "%", digits=2, percent=True),
                Column("Training, as published", "right", "%", help="running mean over the last epoch."),
                Column("− paper", "right", "points"),
            )
            trained = [self._trained(name, results) for name in self.names]
            marks = [all_marked([results.find(name, PUBLISHED)]) for name in self.names]
            tables.append(with_runs(f"{self.title}: accuracy on the training set", columns, trained, marks))
        return tables

    def _trained(self, name: str, results: Results) -> tuple[Cell, ...]:
        published, reported = results.find(name, PUBLISHED), self.train.get(name)
        return (
            name,
            reported,
            published.measured("running_train_accuracy") if published else None,
            _difference(published, reported, "running_train_accuracy"),
        )


@dataclass(frozen=True)
class Metrics(Exhibit):
    """Several metrics of one experiment on the test set, each beside what the paper prints.

    Attributes
    ----------
    name : str
    reported : mapping of str to float
        By metric ("test_precision").
    """

    name: str
    reported: Mapping[str, float]

    def blocks(self, results: Results) -> list[Block]:
        rows = tuple(
            (
                metric.removeprefix("test_").replace("_", " ").capitalize(),
                *_beside(self.name, metric, value, results),
            )
            for metric, value in self.reported.items()
        )
        caption = f"{self.title} ({'; '.join(dict.fromkeys(map(marked, _readings(self.name, results))))})"
        return [Table((Column("Metric"), *_beside_columns("Test")), rows, caption)]


@dataclass(frozen=True)
class Selection(Exhibit):
    """What choosing on the test set gains: the best epoch's test accuracy beside the last one's."""

    names: tuple[str, ...]

    def blocks(self, results: Results) -> list[Block]:
        rows: list[tuple[Cell, ...]] = []
        for name in self.names:
            group = results.find(name, PUBLISHED)
            if group is not None:
                gain = group.values("best_test_accuracy") - group.values("test_accuracy")
                rows.append(
                    (
                        name,
                        group.measured("test_accuracy"),
                        group.measured("best_test_accuracy"),
                        Measured(float(gain.mean()), *_interval(gain), len(gain)),
                    )
                )
        columns = (
            Column("Model"),
            Column("Last epoch", "right", "%"),
            Column("Best epoch", "right", "%", help="the highest test accuracy of any epoch."),
            Column("Gain", "right", "points"),
        )
        marks = [marked(group) for name in self.names if (group := results.find(name, PUBLISHED))]
        return [with_runs(self.title, columns, rows, marks)] if rows else []


@dataclass(frozen=True)
class Choice(Exhibit):
    """What choosing among experiments on the test set gains: what it chooses, and what validation chooses.

    For each seed, the best of the honest trainings by each; both are then measured on the test set.

    Attributes
    ----------
    among : mapping of str to tuple of str
        The experiments, by what is chosen.
    """

    among: Mapping[str, tuple[str, ...]]

    def blocks(self, results: Results) -> list[Block]:
        rows, marks = [], []
        for what, names in self.among.items():
            cells, mark = self._chosen(names, results)
            rows.append((what, len(names), *cells))
            marks.append(mark)
        columns = (
            Column("Chosen"),
            Column("Among", "right"),
            Column("On the test set"),
            Column("Test of that", "right", "%", help="by which it was chosen: too good by the gain."),
            Column("On validation"),
            Column("Honest test", "right", "%", help="of what validation chose."),
            Column(
                "Gain", "right", "points", help="paired by seed; at least 0, as the best cannot be beaten."
            ),
        )
        return [with_runs(self.title, columns, rows, marks)]

    def _chosen(self, names: tuple[str, ...], results: Results) -> tuple[tuple[Cell, ...], str]:
        groups = [results.find(name) for name in names]
        shown = [group for group in groups if group is not None]
        if len(shown) < len(names) or len({group.scale for group in shown}) > 1:
            return (None,) * 5, "not all run at one scale"
        try:
            tests, validations = (
                paired(shown, metric) for metric in ("test_accuracy", "validation_accuracy")
            )
        except IncomparableError:
            return (None,) * 5, "not all run alike"
        count = tests.shape[1]
        seeds = np.arange(count)
        cells: list[Cell] = []
        found = []
        for scores in (tests, validations):
            best = scores.argmax(axis=0)
            found.append(tests[best, seeds])
            often = Counter(names[place] for place in best).most_common(1)[0]
            cells += [f"{often[0]} ({often[1]} of {count})", measured(found[-1])]
        cells.append(measured(100 * (found[0] - found[1]), percent=False))
        return tuple(cells), "; ".join(dict.fromkeys(marked(group) for group in shown))


@dataclass(frozen=True)
class Ranking(Exhibit):
    """Models in the order that we measured, beside the paper's.

    Attributes
    ----------
    names : tuple of str
        In the paper's order, the best first.
    test : mapping of str to float
        What the paper prints.
    """

    names: tuple[str, ...]
    test: Mapping[str, float] = field(default_factory=dict)

    def blocks(self, results: Results) -> list[Block]:
        groups = {name: results.find(name) for name in self.names}
        run = {name: group for name, group in groups.items() if group is not None}
        order = sorted(run, key=lambda name: -run[name].values("test_accuracy").mean())
        rows: list[tuple[Cell, ...]] = [
            (
                place,
                name,
                self.names.index(name) + 1,
                run[name].measured("test_accuracy"),
                self.test.get(name),
                _difference(run[name], self.test.get(name)),
            )
            for place, name in enumerate(order, 1)
        ]
        rows += [
            (None, name, self.names.index(name) + 1, None, self.test.get(name), None)
            for name in self.names
            if name not in run
        ]
        columns = (
            Column("Rank", "right"),
            Column("Model"),
            Column("Rank, paper", "right"),
            Column("Test, honest", "right", "%", help=f"{READINGS[HONEST]}."),
            Column("Test, paper", "right", "%", digits=2, percent=True),
            Column("Difference", "right", "points"),
        )
        absent = [name for name in self.names if name not in run]
        table = with_runs(
            self.title, columns, rows, [marked(groups[name]) for name in (*order, *absent)], heads=2
        )
        if not order:
            return [table]
        dots = []
        for name in order:
            values = run[name].values("test_accuracy")
            low, high = mean_interval(values) if len(values) > 1 else (None, None)
            dots.append(figures.Dots(name, values.tolist(), low, high, self.test.get(name)))
        plot = figures.dot_plot(
            self.title,
            dots,
            xlabel="Test accuracy",
            caption="Test accuracy in the honest reading, and what the paper reports.",
        )
        return [table, plot]


def _interval(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    return mean_interval(values) if len(values) > 1 else (None, None)


def _readings(name: str, results: Results) -> tuple[Group | None, Group | None]:
    return results.find(name, PUBLISHED), results.find(name)


def _beside_columns(part: str) -> tuple[Column, ...]:
    """Return the columns that put a reported value beside both readings."""
    return (
        Column(f"{part}, paper", "right", "%", digits=2, percent=True),
        Column(f"{part}, as published", "right", "%", help=f"{READINGS[PUBLISHED]}."),
        Column("− paper", "right", "points"),
        Column(f"{part}, honest", "right", "%", help=f"{READINGS[HONEST]}."),
        Column("− paper", "right", "points", help="difference of the means, with half of its 95% interval."),
    )


def _beside(name: str, metric: str, reported: float | None, results: Results) -> tuple[Cell, ...]:
    cells: list[Cell] = [reported]
    for group in _readings(name, results):
        cells += [group.measured(metric) if group else None, _difference(group, reported, metric)]
    return tuple(cells)


def _difference(group: Group | None, reported: float | None, metric: str = "test_accuracy") -> str | None:
    """Return measured minus reported in points, with half of its 95% interval where there are seeds."""
    if group is None or reported is None:
        return None
    values = group.values(metric)
    gap = format_number(100 * (values.mean() - reported), 2, signed=True)
    if group.n < 2:
        return gap
    low, high = mean_interval(values)
    return f"{gap} ± {50 * (high - low):.2f}"
