"""A study is a published paper as data: what it reported, what is run, what is claimed, where we deviate.

Nothing here trains or draws: the runner runs a study, claims judge its results, exhibits show them. All
studies share these three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tenfold.errors import StudyError, UnknownNameError
from tenfold.networks.architecture import Architecture
from tenfold.training.recipe import Recipe

if TYPE_CHECKING:
    from tenfold.studies.claims import Judgment
    from tenfold.studies.exhibits import Exhibit
    from tenfold.studies.results import Results

SCALES = ("smoke", "quick", "paper")
"""From the smallest to the published recipe in full."""

PUBLISHED = "as published"
HONEST = "honest"
SEARCH = "search"

READINGS = {
    PUBLISHED: "trained on the whole training set; the test set is looked at after every epoch, as published",
    HONEST: "a stratified validation split is held out of the training set; the test set is used "
    "once, at the end",
    SEARCH: "trained and validated as in the honest reading; the test set is not touched",
}
"""How a training uses the data."""


@dataclass(frozen=True)
class Scale:
    """How much of an experiment is run.

    Attributes
    ----------
    seeds : int
        How many seeds, from 0.
    epochs : float in (0, 1]
        The part of the published epochs, at least one.
    train, test : int or None
        How many images, drawn stratified; None for all.
    """

    seeds: int
    epochs: float = 1.0
    train: int | None = None
    test: int | None = None

    @property
    def full(self) -> bool:
        """Whether this is the published recipe on all the data."""
        return self.epochs == 1.0 and self.train is None and self.test is None

    def apply(self, recipe: Recipe) -> Recipe:
        """Return `recipe` with this part of its epochs."""
        return replace(recipe, epochs=max(1, round(recipe.epochs * self.epochs)))

    def describe(self, recipe: Recipe) -> str:
        """Return what is run of `recipe`, in words: ``3 of 60 epochs, 6,000 images``."""
        parts = [] if self.epochs == 1.0 else [f"{self.apply(recipe).epochs} of {recipe.epochs} epochs"]
        if self.train is not None:
            parts.append(f"{self.train:,} images")
        return ", ".join(parts) or "in full"


@dataclass(frozen=True)
class Setup:
    """A network with the recipe that it is trained by."""

    network: Architecture
    recipe: Recipe


@dataclass(frozen=True)
class Candidates:
    """Settings to choose among, on the validation split.

    Attributes
    ----------
    setups : dict of str to Setup
        By label. Two that differ in their epochs alone are trained once: the shorter is a prefix.
    """

    setups: Mapping[str, Setup]


@dataclass(frozen=True)
class Experiment:
    """One row of a study: a network, a recipe, and how it is run.

    Attributes
    ----------
    name : str
        As the tables call it.
    setup : Setup or Candidates
        What is trained; or what is searched (readings: ``(SEARCH,)``).
    readings : tuple of str
        Keys of `READINGS`.
    scales : mapping of str to Scale
        By the names in `SCALES`. At a scale that is not among them the experiment is left out.
    chosen_from : str
        The name of a search whose winner is what is trained; `setup` is then only what is expected to win.
    """

    name: str
    setup: Setup | Candidates
    scales: Mapping[str, Scale]
    readings: tuple[str, ...] = (PUBLISHED, HONEST)
    chosen_from: str = ""

    def __post_init__(self) -> None:
        for reading in self.readings:
            if reading not in READINGS:
                raise UnknownNameError("reading", reading, READINGS)
        if isinstance(self.setup, Candidates) and self.readings != (SEARCH,):
            raise StudyError(f"{self.name}: candidates can only be read as {SEARCH!r}, not {self.readings}.")


@dataclass(frozen=True)
class Claim:
    """What a paper says, and the predicate that judges it.

    Attributes
    ----------
    key : str
        As in "li-2".
    text : str
        The claim in a sentence.
    judge : function of Results to Judgment
        From `claims`. It sees means over seeds and their intervals, never one lucky run.
    """

    key: str
    text: str
    judge: Callable[[Results], Judgment]


@dataclass(frozen=True)
class Deviation:
    """Where we do not do as the paper did.

    Attributes
    ----------
    paper, ours, reason : str
        What the paper did, what we do, and why.
    """

    paper: str
    ours: str
    reason: str


@dataclass(frozen=True)
class Assumption:
    """A setting that the paper leaves out.

    Attributes
    ----------
    setting, value, reason : str
        What is missing, what we take, and why.
    """

    setting: str
    value: str
    reason: str


@dataclass(frozen=True)
class Study:
    """A published paper as data.

    Attributes
    ----------
    key : str
        The author's name, in lower case.
    title, source, framework : str
    authors : tuple of str
    summary : str
        What it did, in two or three sentences.
    reported : dict
        Its numbers, as printed; accuracies are fractions of 1.
    experiments : tuple of Experiment
    claims : tuple of Claim
    exhibits : tuple of Exhibit
        Every table and figure of the paper, and ours beside them, in the order of the report.
    deviations : tuple of Deviation
        Numbered from 1 in every report.
    assumptions : tuple of Assumption
    noticed : tuple of str
        Contradictions and omissions in the paper.
    data : str
        The name of the data set.
    validation : int
        Size of the split held out of the training set in the honest reading.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    summary: str
    reported: Mapping[str, Any]
    experiments: tuple[Experiment, ...]
    claims: tuple[Claim, ...]
    exhibits: tuple[Exhibit, ...]
    deviations: tuple[Deviation, ...]
    assumptions: tuple[Assumption, ...] = ()
    noticed: tuple[str, ...] = ()
    source: str = ""
    framework: str = ""
    data: str = "mnist"
    validation: int = 6000
    by_name: dict[str, Experiment] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = [experiment.name for experiment in self.experiments]
        keys = [claim.key for claim in self.claims]
        for kind, values in (("experiments", names), ("claims", keys)):
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise StudyError(f"{self.key}: two {kind} are called {min(twice)!r}; names must differ.")
        object.__setattr__(self, "by_name", dict(zip(names, self.experiments, strict=True)))
        for experiment in self.experiments:
            if experiment.chosen_from:
                search = self.experiment(experiment.chosen_from)
                if not isinstance(search.setup, Candidates):
                    raise StudyError(f"{experiment.name}: {search.name} holds no candidates to choose from.")

    def experiment(self, name: str) -> Experiment:
        """Return the experiment `name`, or raise `UnknownNameError` naming the nearest."""
        if name not in self.by_name:
            raise UnknownNameError(f"experiment of {self.key}", name, self.by_name)
        return self.by_name[name]

    def to_dict(self) -> dict[str, Any]:
        """Return what the study is as plain JSON values, for ``tenfold study show --json``."""
        return {
            "key": self.key,
            "title": self.title,
            "authors": list(self.authors),
            "source": self.source,
            "framework": self.framework,
            "summary": self.summary,
            "reported": dict(self.reported),
            "experiments": [_experiment_to_dict(experiment) for experiment in self.experiments],
            "claims": {claim.key: claim.text for claim in self.claims},
            "deviations": [
                {"number": number, "paper": each.paper, "ours": each.ours, "reason": each.reason}
                for number, each in enumerate(self.deviations, 1)
            ],
            "assumptions": [
                {"setting": each.setting, "value": each.value, "reason": each.reason}
                for each in self.assumptions
            ],
            "noticed": list(self.noticed),
            "data": self.data,
            "validation": self.validation,
        }


def _experiment_to_dict(experiment: Experiment) -> dict[str, Any]:
    setups = (
        experiment.setup.setups
        if isinstance(experiment.setup, Candidates)
        else {experiment.name: experiment.setup}
    )
    return {
        "name": experiment.name,
        "readings": list(experiment.readings),
        "chosen_from": experiment.chosen_from or None,
        "setups": {
            label: {
                "network": setup.network.name,
                "parameters": setup.network.parameters,
                "recipe": setup.recipe.to_dict(),
            }
            for label, setup in setups.items()
        },
        "scales": {
            name: {"seeds": scale.seeds, "epochs": scale.epochs, "train": scale.train, "test": scale.test}
            for name, scale in experiment.scales.items()
        },
    }
