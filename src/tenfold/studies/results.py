"""What a study measured: runs grouped by experiment, reading and seed, with means and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import StudyError, UnknownNameError
from tenfold.evaluation import Difference, mean_interval, paired_difference
from tenfold.models.fit import PREDICTIONS, read_predictions
from tenfold.report.document import Measured
from tenfold.runs import Run
from tenfold.studies.experiment import HONEST, Classical, Experiment, Scale, Setup
from tenfold.studies.share import Share
from tenfold.studies.study import Study

CONVERGED = 0.001
"""How near its best accuracy a training must come to be called converged."""


class IncomparableError(StudyError):
    """Runs on other images, or of other parts of their recipes: their difference would say nothing."""


@dataclass(frozen=True)
class Group:
    """The runs of one setup in one reading, one for each seed.

    Attributes
    ----------
    experiment : Experiment
    label : str
        The experiment's name, or the candidate's.
    setup : Setup or Classical
    share : Share
        Which images they saw.
    scale : str
        The name of the scale they were run at.
    runs : tuple of Run
        By ascending seed.
    epoch : int or None
        Where the setup is a prefix of a longer training: its last epoch. None: the last there is.
    """

    experiment: Experiment
    label: str
    setup: Setup | Classical
    share: Share
    scale: str
    runs: tuple[Run, ...]
    epoch: int | None = None

    @property
    def reading(self) -> str:
        """How they used the data."""
        return self.share.reading

    @property
    def n(self) -> int:
        """How many seeds."""
        return len(self.runs)

    @property
    def scaled(self) -> Scale:
        """What was run of the experiment."""
        return self.experiment.scales[self.scale]

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return `metric` of every run, (n,) float64: a final metric, or a column of the history.

        ``"recall of 5"``, ``"f1 of 5"`` and the like are those of one class on the test set, and
        ``"errors of 5"`` how many of its images are wrong. ``"seconds"`` is the time spent training:
        of the processor where it did the arithmetic, by the clock where a GPU did, or where only that was
        measured; ``"image_seconds"`` is that time for one image in one epoch, so that what was shortened
        unequally can be compared. ``"convergence_epoch"`` is the first epoch whose held-out accuracy lies
        within 0.1 points of the best. NaN where the loss was not finite.
        """
        found = []
        for run in self.runs:
            name, _, digit = metric.partition(" of ")
            if digit and "test" in run.metrics:
                rows = {row["class"]: row for row in run.metrics["test"]["per_class"]}
                row = rows[digit]
                errors = round(row["support"] * (1 - row["recall"]))
                found.append(errors if name == "errors" else row[name])
            elif metric == "seconds":
                found.append(_seconds(run))
            elif metric == "image_seconds":
                found.append(_seconds(run) / run.metrics["n_train"] / run.what["recipe"]["epochs"])
            elif metric == "convergence_epoch":
                found.append(_convergence(run.history))
            elif self.epoch is None and metric in run.metrics:
                found.append(run.metrics[metric])
            elif metric in run.history:
                row = -1 if self.epoch is None else run.history["epoch"].index(self.epoch)
                found.append(run.history[metric][row])
            else:
                known = ", ".join(sorted({*run.metrics, *run.history}))
                raise StudyError(f"{self.label} ({self.reading}) has no metric {metric!r}. It has: {known}.")
        return np.array(found, dtype=np.float64)

    def history(self, column: str) -> list[tuple[list[int], list[float]]]:
        """Return (epochs, values) of a column of the history, for each run that has it."""
        curves = []
        for run in self.runs:
            pairs = [
                (epoch, value)
                for epoch, value in zip(run.history["epoch"], run.history.get(column, []), strict=False)
                if value is not None
            ]
            if pairs:
                curves.append(([epoch for epoch, _ in pairs], [value for _, value in pairs]))
        return curves

    def measured(self, metric: str, percent: bool = True, digits: int = 2) -> Measured | None:
        """Return the mean of `metric` over the seeds with its 95% interval (Student's t).

        None where no seed has a finite value.
        """
        # A part of the images lies from 0 to 100%; a gap between two parts may be negative.
        return measured(self.values(metric), percent, digits, bounded=percent and metric != "gap")

    def predictions(self, run: Run) -> dict[str, NDArray[Any]]:
        """Return what a run predicted on the test set: ``predicted`` (n,) and ``confidence`` (n,).

        Raises
        ------
        StudyError
            The file is not there.
        StoreError
            It is damaged.
        """
        found = read_predictions(run)
        if found is None:
            raise StudyError(
                f"{(run.folder or Path()) / PREDICTIONS} is missing. Remove the run and run the study again."
            )
        return found


def _seconds(run: Run) -> float:
    seconds: float = run.metrics.get("cpu_seconds", run.seconds)
    return seconds


def _convergence(history: dict[str, list[Any]]) -> float:
    """Return the first epoch whose held-out accuracy lies within 0.1 points of the best."""
    column = "test_accuracy" if "test_accuracy" in history else "validation_accuracy"
    pairs = [
        (epoch, value)
        for epoch, value in zip(history["epoch"], history[column], strict=True)
        if value is not None
    ]
    target = max(value for _, value in pairs) - CONVERGED - 1e-9
    return float(next(epoch for epoch, value in pairs if value >= target))


def measured(
    values: NDArray[np.float64], percent: bool = True, digits: int = 2, *, bounded: bool | None = None
) -> Measured | None:
    """Return the mean of the finite values with its 95% interval (Student's t); None if there are none.

    The interval is cut to [0, 1] where the values are `bounded` so; None: where they are shown in `percent`.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    low, high = mean_interval(finite) if len(finite) > 1 else (None, None)
    cut = percent if bounded is None else bounded
    if cut and low is not None and high is not None:
        low, high = max(low, 0.0), min(high, 1.0)
    sd = float(finite.std(ddof=1)) if len(finite) > 1 else None
    return Measured(float(finite.mean()), low, high, len(finite), sd, percent, digits)


@dataclass(frozen=True)
class Results:
    """All that a study measured.

    Attributes
    ----------
    study : Study
    scale : str
        The scale that was asked for. An experiment without runs at it shows the largest scale it has, marked.
    groups : dict
        By (experiment or candidate label, reading); of what runs on request the label is preceded by the
        experiment's name.
    shorter : Results or None
        What was measured at the next smaller scale, where it means something: "quick" for "paper".
    """

    study: Study
    scale: str
    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    shorter: Results | None = None

    def find(self, name: str, reading: str = HONEST) -> Group | None:
        """Return the group, or None where nothing of it was run.

        Raises
        ------
        UnknownNameError
            The study has no experiment and no candidate of that name.
        """
        found = self.groups.get((name, reading))
        if found is None and name not in self.study.labels:
            raise UnknownNameError(f"experiment of {self.study.key}", name, self.study.labels)
        return found

    def get(self, name: str, reading: str = HONEST) -> Group:
        """Return the group for a judgment on it.

        Raises
        ------
        StudyError
            It was not run at the scale that is asked about: what a shortened run gives decides nothing about
            the published recipe. Says how to run it, where it can be.
        """
        group = self.find(name, reading)
        if group is None or group.scale != self.scale:
            short = f", only at {group.scale} scale" if group else ""
            raise StudyError(
                f"{name} ({reading}) was not run at {self.scale} scale{short}. {self._advice(name, reading)}"
            )
        return group

    def _advice(self, name: str, reading: str) -> str:
        """Return how to run what was not run, or why it cannot be."""
        experiment = self.study.holding(name)
        if experiment is not None and reading not in experiment.readings:
            return f"It has no such reading, only: {', '.join(experiment.readings)}."
        if experiment is not None and self.scale not in experiment.scales:
            return f"It has no such scale, only: {', '.join(experiment.scales)}."
        return f"Run it with: tenfold study run {self.study.argument} --scale {self.scale}"

    def get_all(self, names: Sequence[str], reading: str = HONEST) -> list[Group]:
        """Return several groups; a name that the study does not have is told before a run that is missing."""
        for name in names:
            self.find(name, reading)
        return [self.get(name, reading) for name in names]

    def of(self, experiment: str) -> list[Group]:
        """Return every group of an experiment, in the order of its readings or candidates."""
        return [group for group in self.groups.values() if group.experiment.name == experiment]

    @property
    def complete(self) -> bool:
        """Whether every experiment that has the scale was run at it, in every reading.

        What runs on request may be missing.
        """
        wanted = {
            (experiment.name, reading)
            for experiment in self.study.experiments
            if self.scale in experiment.scales and not experiment.on_request
            for reading in experiment.readings
        }
        return wanted <= {
            (group.experiment.name, group.reading)
            for group in self.groups.values()
            if group.scale == self.scale
        }

    @property
    def runs(self) -> list[Run]:
        """Every run, once."""
        return list({run.id: run for group in self.groups.values() for run in group.runs}.values())


def difference(a: Group, b: Group, metric: str) -> Difference:
    """Return the paired difference a - b of `metric` over the seeds that both have."""
    gaps = per_seed(a, b, metric)
    return paired_difference(gaps, np.zeros_like(gaps))


def per_seed(a: Group, b: Group, metric: str) -> NDArray[np.float64]:
    """Return a - b of `metric` for each seed that both have, by ascending seed; raises as `paired` does."""
    first, second = paired((a, b), metric)
    gaps: NDArray[np.float64] = first - second
    return gaps


def paired(groups: Sequence[Group], metric: str) -> NDArray[np.float64]:
    """Return `metric` of several groups, (group, seed) float64, for each seed that all have, ascending.

    What does not depend on the seed was run once, and is the same for every seed.

    Raises
    ------
    IncomparableError
        They saw other images or ran another part of their recipes. ``"image_seconds"`` may be compared even
        so, at one scale: it is the time for one image in one epoch.
    StudyError
        No seed is common to all.
    """
    for other in groups[1:]:
        if not (groups[0].scale == other.scale if metric == "image_seconds" else alike(groups[0], other)):
            raise IncomparableError(_incomparable(groups[0], other))
    tables = [
        dict(zip([run.seed for run in group.runs], group.values(metric), strict=True)) for group in groups
    ]
    fixed = [isinstance(group.setup, Classical) and group.setup.deterministic for group in groups]
    seeded = [table for table, once in zip(tables, fixed, strict=True) if not once] or tables
    seeds = sorted(set.intersection(*(set(table) for table in seeded)))
    if not seeds:
        names = " and ".join(group.label for group in groups)
        raise StudyError(f"{names} have no seed in common, so they cannot be compared.")
    return np.array(
        [
            [next(iter(table.values())) if once else table[seed] for seed in seeds]
            for table, once in zip(tables, fixed, strict=True)
        ],
        dtype=np.float64,
    )


def alike(a: Group, b: Group) -> bool:
    """Whether two groups saw as many of the same images and ran the same part of their recipes."""
    first, second = (
        (group.share.data, group.share.train, group.share.test, group.scaled.epochs) for group in (a, b)
    )
    return first == second


def _incomparable(a: Group, b: Group) -> str:
    """Return in words what was run of two groups that were not run alike."""
    tests = ["" if group.share.test is None else f", {group.share.test:,} test images" for group in (a, b)]
    first, second = (
        group.setup.describe(group.scaled) + tested for group, tested in zip((a, b), tests, strict=True)
    )
    if a.scale != b.scale:
        first, second = f"{a.scale} scale ({first})", f"{b.scale} ({second})"
        return f"not comparable: {a.label} was run at {first}, {b.label} at {second}."
    return f"not comparable at {a.scale} scale: {a.label} was run on {first}; {b.label} on {second}."


def on_common_seeds(groups: Sequence[Group]) -> list[Group]:
    """Return the groups with the runs of those seeds alone that all of them have; there may be none."""
    seeds = set.intersection(*({run.seed for run in group.runs} for group in groups))
    return [replace(group, runs=tuple(run for run in group.runs if run.seed in seeds)) for group in groups]


def scores(groups: Sequence[Group], metric: str = "validation_accuracy") -> list[tuple[str, float]]:
    """Return (label, mean of `metric` over seeds and readings), the best first; of equals, the first."""
    values: dict[str, list[float]] = {}
    for group in groups:
        values.setdefault(group.label, []).extend(group.values(metric).tolist())
    means = [(label, float(np.mean(found))) for label, found in values.items()]
    return sorted(means, key=lambda pair: -pair[1])
