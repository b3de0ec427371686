"""Tables and figures of a study, as data: what to show, of which experiments. All studies share these.

Each exhibit is a value with a title and a `blocks` method that turns results into blocks of a report. What
was not run is shown as such, never left out in silence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tenfold.data import load
from tenfold.evaluation import mean_interval
from tenfold.networks.diagram import diagram
from tenfold.networks.summary import summary
from tenfold.networks.zoo import get
from tenfold.report import figures
from tenfold.report.document import (
    Block,
    Cell,
    Column,
    Figure,
    Listing,
    Measured,
    Note,
    Pictures,
    Table,
)
from tenfold.report.network import per_class_table
from tenfold.report.tables import format_number
from tenfold.studies.jobs import winner
from tenfold.studies.results import Group, Results, measured, scores
from tenfold.studies.share import parts
from tenfold.studies.study import HONEST, PUBLISHED, READINGS


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


def with_runs(
    title: str, columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]], marks: Sequence[str]
) -> Table:
    """Return a table that tells how much of each row's experiments was run.

    Once in the caption where all rows were run alike, else by a letter for each row.
    """
    letters = dict(zip(dict.fromkeys(marks), ascii_lowercase, strict=False))
    if len(letters) == 1:
        return Table(tuple(columns), tuple(rows), f"{title} ({marks[0]})")
    legend = "; ".join(f"{letter}: {mark}" for mark, letter in letters.items())
    lettered = tuple((*row, letters[mark]) for row, mark in zip(rows, marks, strict=True))
    return Table((*columns, Column("Run", help=f"{legend}.")), lettered, title)


def seeds_text(count: int) -> str:
    """Return ``1 seed``, ``5 seeds``."""
    return f"{count} seed{'s' * (count != 1)}"


def missing(name: str, results: Results) -> Note:
    """Return the note that something was not run, and how to run it."""
    return Note(
        f"{name} was not run at {results.scale} scale. Run it with "
        f"`tenfold study run {results.study.key} --scale {results.scale} --only '{name}'`.",
        kind="warning",
    )


@dataclass(frozen=True)
class SampleImages(Exhibit):
    """The first images of the training set."""

    count: int

    def blocks(self, results: Results) -> list[Block]:
        train = load(results.study.data).train
        labels = tuple(train.classes[label] for label in train.labels[: self.count])
        return [Pictures(train.images[: self.count], labels, self.title, columns=10)]


@dataclass(frozen=True)
class Diagrams(Exhibit):
    """Drawings of networks, by their names in the zoo."""

    networks: tuple[str, ...]

    def blocks(self, results: Results) -> list[Block]:
        return [
            Figure(
                diagram(get(name)),
                f"{self.title}: `{name}`, {get(name).parameters:,} parameters",
                alt=f"The layers of {name}, from the input to the output",
            )
            for name in self.networks
        ]


@dataclass(frozen=True)
class Summaries(Exhibit):
    """Layer tables of networks, by their names in the zoo."""

    networks: tuple[str, ...]

    def blocks(self, results: Results) -> list[Block]:
        return [Listing(str(summary(get(name))), f"{self.title}: {name}") for name in self.networks]


TRAINING, TEST, VALIDATION = "training (running mean)", "test (as published)", "validation (honest)"


@dataclass(frozen=True)
class Curves(Exhibit):
    """Accuracy and loss by epoch: training and held-out images, all seeds faint and their mean bold.

    Attributes
    ----------
    name : str
        The experiment.
    reported, reported_train : float or None
        Final accuracies that the paper prints.
    converged : int or None
        The epoch at which the paper says that it converged (0: it does not say); ours is then marked too.
    """

    name: str
    reported: float | None = None
    reported_train: float | None = None
    converged: int | None = None

    def blocks(self, results: Results) -> list[Block]:
        published, honest = results.find(self.name, PUBLISHED), results.find(self.name)
        shown = published or honest
        if shown is None:
            return [missing(self.name, results)]
        return [self._chart(metric, published, honest) for metric in ("accuracy", "loss")]

    def _chart(self, metric: str, published: Group | None, honest: Group | None) -> Figure:
        shown = published or honest
        assert shown is not None
        series = {TRAINING: shown.history(f"train_{metric}")}
        if published:
            series[TEST] = published.history(f"test_{metric}")
        if honest:
            series[VALIDATION] = honest.history(f"validation_{metric}")
        reported = {TRAINING: self.reported_train, TEST if published else VALIDATION: self.reported}
        return figures.curves(
            f"{self.name}: {metric}",
            series,
            ylabel=metric.capitalize(),
            percent=metric == "accuracy",
            reported={
                label: value
                for label, value in reported.items()
                if value is not None and metric == "accuracy"
            },
            dashed=(TRAINING,),
            marked=self._convergence(shown) if metric == "accuracy" else None,
            caption=f"{self.title}, {metric} ({marked(shown)}; {seeds_text(shown.n)}).",
        )

    def _convergence(self, shown: Group) -> dict[str, float]:
        if self.converged is None:
            return {}
        places = {"converged (mean)": float(shown.values("convergence_epoch").mean())}
        # An axis that ends before it has no place for it.
        if 0 < self.converged <= max(epochs[-1] for epochs, _ in shown.history("train_accuracy")):
            places["converged, paper"] = self.converged
        return places


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
        marks = [_runs(*_readings(name, results)) for name in self.names]
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
            marks = [_runs(results.find(name, PUBLISHED)) for name in self.names]
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


def _runs(*groups: Group | None) -> str:
    """Return how much of an experiment was run in several readings."""
    return "; ".join(dict.fromkeys(marked(group) for group in groups if group is not None)) or "not run"


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
        marks = [_runs(group) for name in self.names if (group := results.find(name, PUBLISHED))]
        return [with_runs(self.title, columns, rows, marks)] if rows else []


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
        measured = {name: group for name, group in groups.items() if group is not None}
        order = sorted(measured, key=lambda name: -measured[name].values("test_accuracy").mean())
        rows: list[tuple[Cell, ...]] = [
            (
                place,
                name,
                self.names.index(name) + 1,
                measured[name].measured("test_accuracy"),
                self.test.get(name),
                _difference(measured[name], self.test.get(name)),
            )
            for place, name in enumerate(order, 1)
        ]
        rows += [
            (None, name, self.names.index(name) + 1, None, self.test.get(name), None)
            for name in self.names
            if name not in measured
        ]
        columns = (
            Column("Rank", "right"),
            Column("Model"),
            Column("Rank, paper", "right"),
            Column("Test, honest", "right", "%", help=f"{READINGS[HONEST]}."),
            Column("Test, paper", "right", "%", digits=2, percent=True),
            Column("Difference", "right", "points"),
        )
        absent = [name for name in self.names if name not in measured]
        table = with_runs(self.title, columns, rows, [_runs(groups[name]) for name in (*order, *absent)])
        if not order:
            return [table]
        dots = []
        for name in order:
            values = measured[name].values("test_accuracy")
            low, high = mean_interval(values) if len(values) > 1 else (None, None)
            dots.append(figures.Dots(name, values.tolist(), low, high, self.test.get(name)))
        plot = figures.dot_plot(
            self.title,
            dots,
            xlabel="Test accuracy",
            caption="Test accuracy in the honest reading, and what the paper reports.",
        )
        return [table, plot]


@dataclass(frozen=True)
class Search(Exhibit):
    """Every candidate of a search, by its accuracy on the validation split."""

    name: str

    def blocks(self, results: Results) -> list[Block]:
        groups = results.of(self.name)
        if not groups:
            return [missing(self.name, results)]
        by_label: dict[str, list[Group]] = {}
        for group in groups:
            by_label.setdefault(group.label, []).append(group)

        def pooled(label: str, metric: str) -> NDArray[np.float64]:
            """Return the values of all seeds and folds."""
            return np.concatenate([group.values(metric) for group in by_label[label]])

        rows = tuple(
            (
                place,
                label,
                measured(pooled(label, "validation_accuracy")),
                measured(pooled(label, "validation_loss"), percent=False, digits=4),
            )
            for place, (label, _) in enumerate(scores(groups), 1)
        )
        columns = (
            Column("Rank", "right"),
            Column("Candidate"),
            Column("Validation accuracy", "right", "%"),
            Column("Validation loss", "right"),
        )
        prefixes = sum(of[0].epoch is not None for of in by_label.values())
        marks = {marked(by_label[label][0]) for label in by_label}
        first = marked(by_label[str(rows[0][1])][0])
        caption = f"{self.title} ({first if len(marks) == 1 else f'the first one: {first}'})"
        table = Table(columns, rows, caption)
        if not prefixes:
            return [table]
        note = (
            f"{len(rows)} candidates. {prefixes} of them are the first epochs of a longer one, which was "
            "trained in their stead: the learning rate is constant, so they are the same training."
        )
        return [table, Note(note)]


@dataclass(frozen=True)
class Chosen(Exhibit):
    """What a search chose for an experiment."""

    name: str

    def blocks(self, results: Results) -> list[Block]:
        experiment = results.study.experiment(self.name)
        shown = results.find(self.name)
        found = winner(results.study, experiment, results, shown.scale if shown else results.scale)
        if found is None:
            return [missing(experiment.chosen_from, results)]
        return [Note(f"{self.title}: **{found[0]}**, the highest mean validation accuracy.")]


@dataclass(frozen=True)
class PerClass(Exhibit):
    """Precision, recall and F1 of each class on the test set, means over seeds."""

    name: str

    def blocks(self, results: Results) -> list[Block]:
        group = results.find(self.name)
        if group is None:
            return [missing(self.name, results)]
        caption = f"{self.title} ({marked(group)}; means of {seeds_text(group.n)})"
        return [per_class_table(group.runs, caption, averages=("macro", "weighted"))]


@dataclass(frozen=True)
class Confusion(Exhibit):
    """The confusion matrix on the test set, summed over seeds.

    Attributes
    ----------
    normalize : "truth", "prediction" or None
        Percentages of each row, of each column, or counts.
    swapped : bool
        Prediction and truth change places, as some papers have it.
    """

    name: str
    normalize: Literal["truth", "prediction"] | None = None
    swapped: bool = False

    def blocks(self, results: Results) -> list[Block]:
        group = results.find(self.name)
        if group is None:
            return [missing(self.name, results)]
        matrix = np.sum([run.metrics["test"]["confusion"] for run in group.runs], axis=0)
        classes = [str(row["class"]) for row in group.runs[0].metrics["test"]["per_class"]]
        seeds = f"summed over {group.n} seeds" if group.n > 1 else "one seed"
        caption = f"{self.title}, {seeds} ({marked(group)})."
        if self.swapped:
            matrix = matrix.T
            caption += (
                " Prediction and truth have changed places, as in the paper: what is called the true class "
                "was predicted, and the other way round."
            )
        return [figures.confusion(matrix, classes, normalize=self.normalize, caption=caption)]


@dataclass(frozen=True)
class Mistakes(Exhibit):
    """The test images that the first seed got wrong with the most confidence."""

    name: str
    count: int = 20

    def blocks(self, results: Results) -> list[Block]:
        group = results.find(self.name)
        if group is None:
            return [missing(self.name, results)]
        run = group.runs[0]
        test = parts(group.share).test
        assert test is not None
        found = group.predictions(run)
        wrong = np.flatnonzero(found["predicted"] != test.labels)
        worst = wrong[np.argsort(-found["confidence"][wrong], kind="stable")][: self.count]
        captions = tuple(
            f"{test.classes[test.labels[index]]} read as {test.classes[found['predicted'][index]]}, "
            f"{100 * found['confidence'][index]:.0f}%"
            for index in worst
        )
        caption = f"{self.title} (seed {run.seed}: {len(wrong)} of {len(test):,} wrong; {marked(group)})"
        return [Pictures(test.images[worst], captions, caption, columns=10)]
