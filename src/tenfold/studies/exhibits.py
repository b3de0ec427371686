"""Tables and figures of a study, as data: samples, networks, curves, and what became of each digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tenfold.data import load
from tenfold.networks.diagram import diagram
from tenfold.networks.summary import summary
from tenfold.networks.zoo import get
from tenfold.report import figures
from tenfold.report.document import (
    Block,
    Figure,
    Listing,
    Pictures,
)
from tenfold.report.network import per_class_table
from tenfold.studies.exhibit import Exhibit, marked, missing, seeds_text
from tenfold.studies.experiment import PUBLISHED
from tenfold.studies.results import Group, Results
from tenfold.studies.share import parts, pile

TRAINING, TEST, VALIDATION = "training (running mean)", "test (as published)", "validation (honest)"


@dataclass(frozen=True)
class SampleImages(Exhibit):
    """The first images of the training set, or of the pile that the study divides itself."""

    count: int

    def blocks(self, results: Results) -> list[Block]:
        study = results.study
        shown = load(study.data).train if study.split is None else pile(study.data)
        labels = tuple(shown.classes[label] for label in shown.labels[: self.count])
        return [Pictures(shown.images[: self.count], labels, self.title, columns=10)]


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
