"""An experiment: what is trained, by which recipe, on which part of the data, at which scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from tenfold.errors import StudyError, UnknownNameError, lookup
from tenfold.models.classical import BASELINES
from tenfold.networks.architecture import Architecture
from tenfold.studies.checks import must, must_be_text, must_be_tuple, must_be_whole, must_map
from tenfold.training.engines import ENGINES
from tenfold.training.published_backward import BACKWARDS
from tenfold.training.recipe import Recipe

SCALES = ("smoke", "quick", "paper")
"""From the smallest to the published recipe in full."""

PUBLISHED = "as published"
HONEST = "honest"
SEARCH = "search"

FOLDS = ("fold 1 of 3", "fold 2 of 3", "fold 3 of 3")

READINGS = {
    PUBLISHED: "trained on the whole training set; the test set is looked at after every epoch, as published",
    HONEST: "validation images are held out of the training; the test set is used once, at the end",
    SEARCH: "trained and validated as in the honest reading; the test set is not touched",
    **dict.fromkeys(
        FOLDS, "trained on two thirds of the training set, validated on this one; the test set is not touched"
    ),
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

    def __post_init__(self) -> None:
        must_be_whole(self.seeds, "Scale: seeds", 1)
        part = isinstance(self.epochs, int | float) and 0 < self.epochs <= 1
        must(part, "Scale: epochs", "the part of the published epochs, above 0 and at most 1", self.epochs)
        for name, count in (("train", self.train), ("test", self.test)):
            if count is not None:
                must_be_whole(count, f"Scale: {name}", 1)

    @property
    def full(self) -> bool:
        """Whether this is the published recipe on all the data."""
        return self.epochs == 1.0 and self.train is None and self.test is None

    def apply(self, recipe: Recipe) -> Recipe:
        """Return `recipe` with this part of its epochs."""
        return replace(recipe, epochs=max(1, round(recipe.epochs * self.epochs)))

    def describe(self, recipe: Recipe | None) -> str:
        """Return what is run of `recipe`, in words: ``3 of 60 epochs, 6,000 images``.

        None stands for what has no epochs.
        """
        parts = []
        if recipe is not None and self.epochs != 1.0:
            parts.append(f"{self.apply(recipe).epochs:,} of {recipe.epochs:,} epochs")
        if self.train is not None:
            parts.append(f"{self.train:,} images")
        return ", ".join(parts) or "in full"


@dataclass(frozen=True)
class On:
    """The engine that an experiment is about, whatever the user chose for the rest.

    Attributes
    ----------
    engine : str
        A name from `ENGINES`, or in a search "skorch" (`studies.skorch_search`).
    backward : str
        "true", or a backward pass as a paper printed it (`training.published_backward`).
    together : bool
        Whether the networks of a study that share their images are trained together
        (`training.population`).
    """

    engine: str
    backward: str = "true"
    together: bool = False

    def __post_init__(self) -> None:
        lookup("engine", self.engine, ENGINES | {"skorch": None})
        lookup("backward pass", self.backward, dict.fromkeys(BACKWARDS))

    def settings(self) -> dict[str, str]:
        """Return the settings to ask the engine with."""
        return {} if self.backward == "true" else {"backward": self.backward}

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for the identity of a run; the defaults are left out."""
        together = {"together": True} if self.together else {}
        return {"name": self.engine} | self.settings() | together


@dataclass(frozen=True)
class Setup:
    """A network with the recipe that it is trained by.

    Attributes
    ----------
    network : Architecture
    recipe : Recipe
    on : On or None
        The engine, where the experiment is about it.
    monitor_every : int >= 1
        After how many epochs the held-out images are measured.
    watch_every : int
        If not 0, they are measured after every so many steps too.
    """

    network: Architecture
    recipe: Recipe
    on: On | None = None
    monitor_every: int = 1
    watch_every: int = 0

    def __post_init__(self) -> None:
        network = "an Architecture: network(784)(...), or get(name), both of tenfold.networks"
        must(isinstance(self.network, Architecture), "Setup: network", network, self.network)
        recipe = "a Recipe, of tenfold.training"
        must(isinstance(self.recipe, Recipe), "Setup: recipe", recipe, self.recipe)
        must(isinstance(self.on, On | None), "Setup: on", "an On or None", self.on)
        must_be_whole(self.monitor_every, "Setup: monitor_every", 1)
        must_be_whole(self.watch_every, "Setup: watch_every", 0)

    @property
    def title(self) -> str:
        """What it is called in lists."""
        return self.network.name

    def at(self, scale: Scale) -> Setup:
        """Return what of it is run at `scale`."""
        return replace(self, recipe=scale.apply(self.recipe))

    def describe(self, scale: Scale) -> str:
        """Return what of it is run at `scale`, in words."""
        return scale.describe(self.recipe)

    def identity(self) -> dict[str, Any]:
        """Return what the result depends on, as plain JSON values."""
        optional = {
            "monitor_every": self.monitor_every if self.monitor_every != 1 else None,
            "watch_every": self.watch_every or None,
            "on": self.on.to_dict() if self.on else None,
        }
        given = {name: value for name, value in optional.items() if value is not None}
        return {"network": self.network.to_dict(), "recipe": self.recipe.to_dict()} | given

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for people and programs to read."""
        return {
            "network": self.network.name,
            "parameters": self.network.parameters,
            "recipe": self.recipe.to_dict(),
            "engine": self.on.to_dict() if self.on else None,
        }


def with_recipe(setup: Setup, **changes: Any) -> Setup:
    """Return `setup` with these settings of its recipe changed."""
    return replace(setup, recipe=replace(setup.recipe, **changes))


@dataclass(frozen=True)
class Classical:
    """A classifier of scikit-learn, to measure networks against.

    Attributes
    ----------
    name : str
        A name from `models.classical.BASELINES`.
    seconds : float
        About how long fitting and predicting take on all images of MNIST, on one core.
    deterministic : bool
        Whether it does not depend on the seed: one run then stands for all.
    """

    name: str
    seconds: float
    deterministic: bool = True

    def __post_init__(self) -> None:
        lookup("baseline", self.name, BASELINES)
        seconds = isinstance(self.seconds, int | float) and self.seconds > 0
        must(seconds, "Classical: seconds", "a number above 0", self.seconds)

    @property
    def title(self) -> str:
        """What it is called in lists."""
        return self.name

    def at(self, scale: Scale) -> Classical:
        """Return what of it is run at `scale`: all of it."""
        return self

    def describe(self, scale: Scale) -> str:
        """Return what of it is run at `scale`, in words."""
        return scale.describe(None)

    def identity(self) -> dict[str, Any]:
        """Return what the result depends on, as plain JSON values."""
        return {"baseline": self.name, "on": {"name": "scikit-learn"}}

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for people and programs to read."""
        return {"baseline": self.name}


@dataclass(frozen=True)
class Candidates:
    """Settings to choose among, on the validation split.

    Attributes
    ----------
    setups : dict of str to Setup
        By label. Two that differ in their epochs alone are trained once: the shorter is a prefix.
    """

    setups: Mapping[str, Setup]

    def __post_init__(self) -> None:
        must_map(self.setups, "Candidates", Setup)
        must(bool(self.setups), "Candidates", "one setup or several, by label", self.setups)


@dataclass(frozen=True)
class Experiment:
    """One row of a study: a network, a recipe, and how it is run.

    Attributes
    ----------
    name : str
        As the tables call it.
    setup : Setup, Classical or Candidates
        What is trained; or what is searched (readings: ``(SEARCH,)`` or `FOLDS`).
    readings : tuple of str
        Keys of `READINGS`; those of a `Classical` must use the test set.
    scales : mapping of str to Scale
        By the names in `SCALES`. At a scale that is not among them the experiment is left out.
    chosen_from : str
        The name of a search whose winner is what is trained; `setup`, a `Setup`, is then only what is
        expected to win. The search must have every scale of `scales`.
    takes : tuple of str
        The settings of the recipe that are taken from the winner, network and all else being `setup`'s own.
        Empty: everything is.
    on_request : bool
        Run only where the user asks for its engine or names it.
    """

    name: str
    setup: Setup | Classical | Candidates
    scales: Mapping[str, Scale]
    readings: tuple[str, ...] = (PUBLISHED, HONEST)
    chosen_from: str = ""
    takes: tuple[str, ...] = ()
    on_request: bool = False

    def __post_init__(self) -> None:
        must_be_text(self.name, "Experiment: name")
        kinds = "a Setup, Classical or Candidates"
        must(isinstance(self.setup, Setup | Classical | Candidates), f"{self.name}: setup", kinds, self.setup)
        must_map(self.scales, f"{self.name}: scales", Scale)
        for scale in self.scales:
            lookup("scale", scale, dict.fromkeys(SCALES))
        must_be_tuple(self.readings, f"{self.name}: readings", str, 1)
        must_be_tuple(self.takes, f"{self.name}: takes", str)
        for setting in self.takes:
            lookup("setting of a recipe", setting, {each.name: each for each in fields(Recipe)})
        for reading in self.readings:
            if reading not in READINGS:
                raise UnknownNameError("reading", reading, READINGS)
        if isinstance(self.setup, Candidates) and self.readings not in ((SEARCH,), FOLDS):
            raise StudyError(
                f"{self.name}: candidates can only be read as {SEARCH!r} or in folds, not {self.readings}."
            )
        self._check_parts()

    @property
    def engines(self) -> set[str]:
        """The engines that it is about."""
        of = self.setup.setups.values() if isinstance(self.setup, Candidates) else [self.setup]
        return {setup.on.engine for setup in of if isinstance(setup, Setup) and setup.on is not None}

    def _check_parts(self) -> None:
        """Raise `StudyError` where the parts do not go together."""
        if isinstance(self.setup, Setup) and "skorch" in self.engines:
            raise StudyError(
                f"{self.name}: skorch searches only, so On('skorch') belongs in the setups of Candidates. "
                f"Train with one of {', '.join(ENGINES)}."
            )
        if isinstance(self.setup, Classical):
            among = f"{PUBLISHED!r} or {HONEST!r} (a Classical is measured on the test set alone)"
            tested = {PUBLISHED, HONEST}.issuperset(self.readings)
            must(tested, f"{self.name}: readings", among, self.readings)
        if self.chosen_from and not isinstance(self.setup, Setup):
            what = f"a Setup, to be chosen from {self.chosen_from}"
            must(False, f"{self.name}: setup", what, self.setup)
        if self.takes and not self.chosen_from:
            raise StudyError(f"{self.name}: takes needs a search to take from: name it as chosen_from.")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for people and programs to read."""
        if isinstance(self.setup, Candidates):
            setups: Mapping[str, Setup | Classical] = self.setup.setups
        else:
            setups = {self.name: self.setup}
        return {
            "name": self.name,
            "readings": list(self.readings),
            "chosen_from": self.chosen_from or None,
            "takes": list(self.takes),
            "setups": {label: setup.to_dict() for label, setup in setups.items()},
            "scales": {
                name: {"seeds": scale.seeds, "epochs": scale.epochs, "train": scale.train, "test": scale.test}
                for name, scale in self.scales.items()
            },
        }
