"""Two things that a paper compares: how much better one is, and in what else the two differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import StudyError, UnknownNameError
from tenfold.evaluation import mean_interval
from tenfold.networks.architecture import Architecture
from tenfold.networks.layers import BatchNorm, Conv, Dense, Dropout, Flatten, Layer
from tenfold.report.tables import format_number
from tenfold.studies import okon
from tenfold.studies.experiment import HONEST, SEARCH, Candidates, Classical, Setup, with_recipe
from tenfold.studies.ranks import marginal
from tenfold.studies.results import Group, Results, per_seed
from tenfold.studies.study import Study
from tenfold.training import Recipe
from tenfold.training.schedules import Constant

STRUCTURE = ("depth", "width", "kernels", "pooling")
"""What a fully connected and a convolutional network cannot share."""


@dataclass(frozen=True)
class Effect:
    """How much better the first of two is, in points of accuracy.

    Attributes
    ----------
    values : (n,) float64
        One for each pair.
    low, high : float
        The 95% interval of the mean; infinite for one pair.
    scale : str
        What was run.
    full : bool
        Whether that is the published recipe on all the data.
    """

    values: NDArray[np.float64]
    low: float
    high: float
    scale: str
    full: bool = True

    @property
    def mean(self) -> float:
        """The mean over the pairs."""
        return float(self.values.mean())

    def __str__(self) -> str:
        ends = [format_number(end, 2, signed=True) for end in (self.mean, self.low, self.high)]
        if not np.isfinite(self.low):
            return ends[0]
        return f"{ends[0]} [{ends[1]},\N{NO-BREAK SPACE}{ends[2]}]"


@dataclass(frozen=True)
class Contrast:
    """Two experiments of one study that differ in what is asked about.

    Attributes
    ----------
    study, first, second : str
        Names of experiments, or labels of candidates.
    claimed : "+", "-" or ""
        Which of them the paper calls better: the first, the second, or it does not say.
    reading : str
        `SEARCH`, of candidates: accuracy on validation images.
    what : str
        What is compared, in words; by default the two names.
    least : float
        The points of accuracy by which it must be better for the paper to be right.
    epoch : int or None
        Compare the two after this many epochs, where their recipes run on for unequally many; None: at their
        ends. Needs a reading in which the test set is looked at after every epoch. At a shortened scale,
        after the same part of them.
    """

    study: str
    first: str
    second: str
    claimed: str = "+"
    reading: str = HONEST
    what: str = ""
    least: float = 0.0
    epoch: int | None = None

    @property
    def title(self) -> str:
        """What is compared."""
        after = f", both after {self.epoch} epochs" if self.epoch else ""
        return self.what or f"{self.first} − {self.second}{after}"

    @property
    def on(self) -> str:
        """Which accuracy is compared."""
        return "validation images" if self.reading == SEARCH else f"test, {self.reading}"

    def effect(self, results: Results) -> Effect:
        """Return the difference, paired by seed.

        Raises
        ------
        IncomparableError
            The two were not run alike.
        StudyError
            One of the two was not run at the scale of `results`.
        """
        first, second = results.get_all((self.first, self.second), self.reading)
        metric = "validation_accuracy" if self.reading == SEARCH else "test_accuracy"
        gaps = 100 * per_seed(self._after(first), self._after(second), metric)
        full = first.scaled.full and second.scaled.full
        return Effect(gaps, *mean_interval(gaps), first.scale, full)

    def lacking(self, results: Results) -> str:
        """Return why there is no effect: "not run", or that the two were not run at one scale."""
        groups = [results.find(name, self.reading) for name in (self.first, self.second)]
        ran = [f"{group.label} at {group.scale}" for group in groups if group is not None]
        return f"not at one scale: {', '.join(ran)}" if len(ran) == len(groups) else "not run"

    def why_not(self, results: Results, about: str) -> str:
        """Return why it is shown and not counted: the two differ in other than what is asked `about`."""
        setups = []
        for name in (self.first, self.second):
            group = results.find(name, self.reading)
            setups.append(self._cut(group.setup if group else planned(results.study, name)))
        aspects = apart(*setups)
        others = ", ".join(aspect for aspect in aspects if aspect != about)
        if about not in aspects:
            return f"differs in {others}, not in {about}" if others else f"does not differ in {about}"
        return f"differs also in {others}" if others else ""

    def _after(self, group: Group) -> Group:
        """Return what was measured after `epoch`."""
        if self.epoch is None:
            return group
        return replace(group, epoch=max(1, round(self.epoch * group.scaled.epochs)))

    def _cut(self, setup: Setup | Classical | Candidates) -> Setup | Classical | Candidates:
        """Return the setup whose whole training the first `epoch` epochs of this one are.

        Only a constant learning rate does not depend on how many epochs are still to come.
        """
        if self.epoch is None or not isinstance(setup, Setup):
            return setup
        constant = isinstance(setup.recipe.schedule, Constant)
        return with_recipe(setup, epochs=self.epoch) if constant else setup


@dataclass(frozen=True)
class Marginal:
    """A setting of Okon's grid: all pairs of candidates that differ in it alone, on validation folds.

    Attributes
    ----------
    setting, value, other : str
    claimed, least
        As in `Contrast`.
    only : mapping of str to str
        Settings of the candidates that are looked at; empty: all are.
    """

    setting: str
    value: str
    other: str
    claimed: str = "+"
    study: str = "okon"
    least: float = 0.0
    only: Mapping[str, str] = field(default_factory=dict)

    on: ClassVar[str] = "validation folds"

    @property
    def title(self) -> str:
        """What is compared."""
        among = "".join(f", {value} alone" for value in self.only.values())
        return f"Grid{among}: {self.setting.replace('_', ' ')} {self.value} − {self.other}"

    def effect(self, results: Results) -> Effect:
        """Return the mean over all pairs in each fold and seed; `StudyError` where the search is not done."""
        groups = results.of(okon.OWN)
        if len({group.label for group in groups}) < len(okon.SETTINGS):
            raise StudyError(f"{okon.OWN} was not run whole.")
        among = [group for group in groups if self.only.items() <= okon.SETTINGS[group.label].items()]
        gaps = 100 * marginal(among, okon.SETTINGS, self.setting, self.value)
        full = all(group.scaled.full for group in among)
        return Effect(gaps, *mean_interval(gaps), groups[0].scale, full)

    def lacking(self, results: Results) -> str:
        """Return why there is no effect."""
        return "not run"

    def why_not(self, results: Results, about: str) -> str:
        """Return why it is shown and not counted, if it is not: the pairs differ in nothing else."""
        return "a part of the comparison above" if self.only else ""


def planned(study: Study, name: str) -> Setup | Classical | Candidates:
    """Return what a study plans to train under the name of an experiment or the label of a candidate."""
    if name in study.by_name:
        return study.by_name[name].setup
    searches = (each.setup for each in study.experiments if isinstance(each.setup, Candidates))
    found = next((search.setups[name] for search in searches if name in search.setups), None)
    if found is None:
        raise UnknownNameError(f"experiment of {study.key}", name, study.labels)
    return found


def apart(first: Setup | Classical | Candidates, second: Setup | Classical | Candidates) -> tuple[str, ...]:
    """Return in what two setups differ: network, recipe and engine, aspect by aspect.

    A learning rate is an aspect of its own only where the optimizers are otherwise equal. What a fully
    connected and a convolutional network cannot share belongs to the kind of network. Where one is deeper,
    width differs only if the other has layers that it has not.
    """
    if not (isinstance(first, Setup) and isinstance(second, Setup)):
        return () if first == second else ("kind",)
    ours, theirs = (_network(setup.network) for setup in (first, second))
    if ours["kind"] != theirs["kind"]:
        for aspect in STRUCTURE:
            ours[aspect] = theirs[aspect]
    elif len(ours["depth"]) != len(theirs["depth"]):
        for aspect in ("width", "kernels"):
            shorter, longer = sorted((ours[aspect], theirs[aspect]), key=len)
            if not Counter(shorter) - Counter(longer):
                ours[aspect] = theirs[aspect]
    found = [aspect for aspect in ours if ours[aspect] != theirs[aspect]]
    found += _recipes(first.recipe, second.recipe)
    engines = [
        (setup.on.engine, setup.on.backward) if setup.on else ("", "true") for setup in (first, second)
    ]
    found += ["engine"] * (engines[0][0] != engines[1][0]) + ["gradient"] * (engines[0][1] != engines[1][1])
    return tuple(found)


def _network(network: Architecture) -> dict[str, Any]:
    """Return what a network is, aspect by aspect."""
    layers: list[Layer] = [node.layer for node in network.nodes]
    weighted = [layer for layer in layers if isinstance(layer, Conv | Dense)]
    convolutions = [layer for layer in layers if isinstance(layer, Conv)]
    norms = [layer for layer in layers if isinstance(layer, BatchNorm)]
    known = (Conv, Dense, Dropout, Flatten, BatchNorm)
    return {
        "kind": bool(convolutions),
        "depth": [type(layer).__name__ for layer in weighted],
        "width": [layer.channels if isinstance(layer, Conv) else layer.units for layer in weighted[:-1]],
        "kernels": [(conv.kernel, conv.stride, conv.padding, conv.groups) for conv in convolutions],
        "pooling": [layer for layer in layers if not isinstance(layer, known) and not layer.activation],
        "activation": {layer for layer in layers if layer.activation},
        "dropout": [layer.rate for layer in layers if isinstance(layer, Dropout)],
        "normalization": (norms, network.mean, network.std),
    }


def _recipes(first: Recipe, second: Recipe) -> list[str]:
    """Return in what two recipes differ."""
    found = []
    for each in fields(Recipe):
        ours, theirs = getattr(first, each.name), getattr(second, each.name)
        if ours == theirs:
            continue
        rate_alone = each.name == "optimizer" and type(ours) is type(theirs)
        rate_alone = rate_alone and replace(ours, lr=theirs.lr) == theirs
        found.append("learning rate" if rate_alone else each.name.replace("_", " "))
    return found
