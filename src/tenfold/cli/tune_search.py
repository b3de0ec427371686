"""A search that ``tenfold tune`` was asked for, made ready to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tenfold.cli.options import EngineName
from tenfold.cli.train import SPLIT_SEED, read_network, read_parts, read_recipe
from tenfold.errors import NetworkError, RecipeError, TuningError, UnknownNameError

if TYPE_CHECKING:
    from tenfold.data.dataset import Dataset
    from tenfold.networks.architecture import Architecture
    from tenfold.training.recipe import Recipe
    from tenfold.tuning import Candidate, Plan, Point, Rung

NETWORK_KEY = "network."
"""What the settings of the network begin with, so that they are told from those of the recipe."""


@dataclass(frozen=True)
class Asked:
    """What is tried and how, as the command line says it.

    Attributes
    ----------
    network, data : str
    recipe : str or None
    own : dict
        Settings of all candidates.
    choices : dict of str to tuple
        The values to choose from, by setting.
    sample : int or None
        How many of the combinations are drawn; None: all are tried.
    images : int or None
        How many training images; None: all.
    folds, held_out : int or None
        One of them is given.
    seeds : int
    rungs : list of (epochs, keep, folds)
    halve : bool
    engine : EngineName
    """

    network: str
    recipe: str | None
    own: dict[str, Any]
    choices: dict[str, tuple[Any, ...]]
    data: str
    sample: int | None
    images: int | None
    folds: int | None
    held_out: int | None
    seeds: int
    rungs: list[tuple[int, int, int]]
    halve: bool
    engine: EngineName

    @property
    def changes_network(self) -> bool:
        """Whether settings of the network are changed or tried."""
        return any(key.startswith(NETWORK_KEY) for key in (*self.choices, *self.own))


@dataclass(frozen=True)
class Search:
    """A search that is ready to run.

    Attributes
    ----------
    asked : Asked
    points : dict of str to Point
        What is tried, by label.
    candidates : list of Candidate
    folds : list of (Dataset, Dataset)
    rungs : list of Rung
    """

    asked: Asked
    points: dict[str, Point]
    candidates: list[Candidate]
    folds: list[tuple[Dataset, Dataset]]
    rungs: list[Rung]

    @cached_property
    def plan(self) -> Plan:
        """What it takes."""
        from tenfold.tuning import plan

        return plan(self.candidates, len(self.folds), self.asked.seeds, self.rungs)

    @cached_property
    def by_label(self) -> dict[str, Candidate]:
        """The candidates."""
        return {candidate.label: candidate for candidate in self.candidates}

    @cached_property
    def by_loss(self) -> bool:
        """Whether the rungs before the last rank by the cross-entropy, not by the accuracy."""
        from tenfold.tuning import losses_compare

        return len(self.rungs) > 1 and losses_compare(self.candidates)

    @property
    def images(self) -> int:
        """How many images are divided."""
        return sum(map(len, self.folds[0]))

    @property
    def held(self) -> float:
        """How many images a fold holds out, as a fraction of those it trains on; 0 where there is but one."""
        rest, held = self.folds[0]
        return len(held) / len(rest) if len(self.folds) > 1 else 0.0

    def protocol(self) -> str:
        """Say on what the candidates are measured."""
        where = (
            f"{len(self.folds[0][1]):,} images held out of {self.images:,}"
            if len(self.folds) == 1
            else f"{len(self.folds)} folds of {self.images:,} images"
        )
        return f"{where}, {count(self.asked.seeds, 'seed')}"

    def announcement(self) -> str:
        """Say what the search takes, and what it saves."""
        each = len(self.folds) * self.asked.seeds
        alone = (
            sum(candidate.recipe.epochs for candidate in self.candidates) * each,
            len(self.candidates) * each,
        )
        takes = (sum(self.plan.epochs), self.plan.trainings)
        most = "at most " if len(self.rungs) > 1 else ""
        said = (
            f"{count(len(self.candidates), 'candidate')}, {self.protocol()}: "
            f"{most}{count(takes[0], 'epoch')} in {count(takes[1], 'training')}."
        )
        if takes != alone:
            said += (
                f" Each in full and by itself: {count(alone[0], 'epoch')} in {count(alone[1], 'training')}."
            )
        if self.asked.halve and len(self.rungs) == 1:
            said += " So few are not halved."
        return said


def prepare(asked: Asked) -> Search:
    """Read the data, make the candidates and the folds.

    Raises
    ------
    TenfoldError
        A name, key or value is unknown or out of range, or two candidates are one.
    """
    from tenfold.data.splits import folds as divide
    from tenfold.data.splits import hold_out
    from tenfold.models.defaults import choose_network
    from tenfold.tuning import Rung, halving

    given = read_network(asked.network)
    base = read_recipe(asked.recipe, given)
    training, _ = read_parts(asked.data)
    if asked.images is not None and asked.images != len(training):
        training = hold_out(training, asked.images, seed=SPLIT_SEED)[1]
    fitted = choose_network(given, training.images.shape[1:], len(training.classes))
    points = _points(asked)
    candidates = [_candidate(label, fitted, base, asked.own | point) for label, point in points.items()]
    _check_different(candidates)
    parts = (
        [hold_out(training, asked.held_out or 0, seed=SPLIT_SEED)]
        if asked.folds is None
        else divide(training, asked.folds, seed=SPLIT_SEED)
    )
    most = max(each.recipe.epochs for each in candidates)
    if asked.halve:
        ladder = halving(len(candidates), most, len(parts))
    else:
        _check_rungs(asked.rungs, len(candidates), most, len(parts))
        ladder = [Rung(epochs, first, keep) for epochs, keep, first in asked.rungs] + [Rung()]
    return Search(asked, points, candidates, parts, ladder)


def _points(asked: Asked) -> dict[str, Point]:
    """Return what is tried, by label."""
    from tenfold.tuning import Space

    space = Space(asked.choices)
    points = space.grid() if asked.sample is None else space.sample(asked.sample, seed=0)
    return {
        ", ".join(f"{key}={value_text(value)}" for key, value in point.items()): point for point in points
    }


def _candidate(label: str, network: Architecture, base: Recipe, settings: dict[str, Any]) -> Candidate:
    from tenfold.tuning import Candidate

    layers = {
        key.removeprefix(NETWORK_KEY): value for key, value in settings.items() if key.startswith(NETWORK_KEY)
    }
    try:
        changed = network.change(layers)
        if changed.classes != network.classes:
            raise NetworkError(
                f"the network must give {network.classes} logits, one a class. Got {changed.classes} instead."
            )
        recipe = base.change(
            {key: value for key, value in settings.items() if not key.startswith(NETWORK_KEY)}
        )
    except (NetworkError, RecipeError, UnknownNameError) as error:
        raise TuningError(f"{label}: {error}") from None
    if recipe.distillation.on:
        raise TuningError(
            f"The recipe learns from {recipe.distillation.teacher!r}, which may have been trained on the "
            "images that a search holds out. Search without it: --set distillation.teacher="
        )
    return Candidate(label, changed, recipe)


def _check_different(candidates: Sequence[Candidate]) -> None:
    known: dict[tuple[Architecture, Recipe], str] = {}
    for each in candidates:
        other = known.setdefault((each.architecture, each.recipe), each.label)
        if other != each.label:
            raise TuningError(f"{other} and {each.label} are the same training. Leave one of them out.")


def _check_rungs(rungs: Sequence[tuple[int, int, int]], candidates: int, epochs: int, folds: int) -> None:
    """Refuse a rung that asks for what there is not, or could as well be left out."""
    left, before = candidates, (0, 0)
    for trained, keep, first in rungs:
        text = f"--rung {trained}:{keep}:{first}"
        if trained > epochs or first > folds:
            raise TuningError(
                f"{text} asks for {count(trained, 'epoch')} on {count(first, 'fold')}. There are "
                f"{count(epochs, 'epoch')} at most (--set epochs=...) and {count(folds, 'fold')} (--folds)."
            )
        if keep >= left:
            raise TuningError(
                f"{text} leaves nobody behind: it begins with {count(left, 'candidate')}. Keep fewer, or "
                "leave the rung out."
            )
        if trained <= before[0] and first <= before[1]:
            raise TuningError(
                f"{text} tells nothing new after {count(before[0], 'epoch')} on {count(before[1], 'fold')}. "
                "Ask for more epochs or more folds than the rung before it, or leave the rung out."
            )
        left, before = keep, (trained, first)


def value_text(value: Any) -> str:
    """Return a value as one types it."""
    from tenfold.training.recipe import toml_value

    return value if isinstance(value, str) else toml_value(value)


def count(number: int, noun: str) -> str:
    """Return ``1,234 epochs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
