"""Ranking candidates, trained all the way or in rungs that fewer and fewer climb.

Candidates that differ in nothing but their epochs are one training where the first epochs do not depend on
how many follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil, gcd
from time import perf_counter, process_time

import numpy as np

from tenfold.errors import TuningError
from tenfold.networks.architecture import Architecture
from tenfold.runs import Store
from tenfold.training import Recipe
from tenfold.tuning.trials import Candidate, Fold, Job, Reached, Trials


@dataclass(frozen=True)
class Rung:
    """How far the candidates are trained before the best of them go on.

    Who goes on is decided by the mean cross-entropy on what was held out, where all candidates are trained
    towards the same targets by it; else by the accuracy, as on the last rung and on one that keeps all. A few
    hundred images tell early trainings apart better by the first (docs/decisions/0009).

    Attributes
    ----------
    epochs : int or None
        At most so many of each candidate's; None: all.
    folds : int or None
        On the first so many folds; None: on all.
    keep : int or None
        How many go on to the next rung; None: all.
    """

    epochs: int | None = None
    folds: int | None = None
    keep: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "folds", "keep"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise TuningError(
                    f"{name} of a rung must be an integer >= 1, or None. Got {value!r} instead."
                )


@dataclass(frozen=True)
class Score:
    """What a candidate reached on a rung.

    Attributes
    ----------
    label : str
    accuracies, losses : tuple of float
        On what was held out, by fold and seed. The loss is the cross-entropy in nats, whatever the recipe's;
        infinite for a training that ran away.
    """

    label: str
    accuracies: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """The mean."""
        return float(np.mean(self.accuracies))

    @property
    def loss(self) -> float:
        """The mean."""
        return float(np.mean(self.losses))


@dataclass(frozen=True)
class Outcome:
    """What a search found.

    Attributes
    ----------
    rungs : tuple of tuple of Score
        The candidates of each rung, the best first; of equals the one named first.
    trained : int
        Epochs trained, over all trainings; what was kept from before is not counted.
    seconds, cpu_seconds : float
        Wall clock, and processor time of all processes.
    """

    rungs: tuple[tuple[Score, ...], ...]
    trained: int
    seconds: float
    cpu_seconds: float

    @property
    def best(self) -> Score:
        """The first of the last rung."""
        return self.rungs[-1][0]


def search(
    candidates: Sequence[Candidate],
    folds: Sequence[Fold],
    *,
    store: Store,
    rungs: Sequence[Rung] = (Rung(),),
    seeds: Sequence[int] = (0,),
    engine: str = "auto",
    workers: int = 1,
    together: bool | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Outcome:
    """Train candidates and rank them by their mean accuracy on what was held out.

    Who goes on from rung to rung is decided as `Rung` tells.

    Parameters
    ----------
    candidates : sequence of Candidate
        With different labels.
    folds : sequence of (Dataset, Dataset)
        What to train on and what to hold out; as `tenfold.data.folds` gives them.
    store : Store
        Where trainings are looked up and kept.
    rungs : sequence of Rung
        One rung without limits is the plain search; `halving` makes a ladder.
    seeds : sequence of int
    engine : str
    workers : int >= 1
        Processes, each with one thread; 1 trains in this one.
    together : bool or None
        Whether candidates of one architecture, batch size, loss, precision and augmentation are trained as
        one batched computation, all in this process, by the torch engine. It is meant for a GPU; on a CPU it
        is no faster (docs/decisions/0007). None: where the engine is on a GPU. Candidates that cannot be (a
        running mean, a teacher, batch norm in bfloat16) are trained one by one. The scores are the same to
        rounding.
    on_progress : function of float, or None
        Told the part of the running rung that is done, in [0, 1].

    Raises
    ------
    TuningError
        There are no candidates, folds or seeds, two candidates have one label, or they are to be trained
        together by another engine than torch.
    TrainingError, TrainingStopped
        As from `train`. The same call goes on.
    """
    labels = [candidate.label for candidate in candidates]
    if not (candidates and folds and seeds and rungs) or len(set(labels)) < len(labels):
        raise TuningError(
            "A search takes candidates of different labels, at least one, and at least one fold, seed and "
            f"rung. Got {len(labels)} candidates with {len(set(labels))} labels, {len(folds)} folds, "
            f"{len(seeds)} seeds and {len(rungs)} rungs instead."
        )
    began, cpu = perf_counter(), process_time()
    longest = _longest(candidates)
    step = reduce(gcd, {*_goals(candidates, rungs)})
    by_loss = losses_compare(candidates)
    found: list[tuple[Score, ...]] = []
    trained = 0
    left = list(candidates)
    with Trials(folds, store, engine, workers, together) as trials:
        for number, rung in enumerate(rungs, 1):
            goals = {each.label: min(rung.epochs or each.recipe.epochs, each.recipe.epochs) for each in left}
            tried = range(min(rung.folds or len(folds), len(folds)))
            # One job for a training, however many candidates are its prefixes.
            until: dict[Candidate, int] = {}
            for each in left:
                whole = longest[each.label]
                until[whole] = max(until.get(whole, 0), goals[each.label])
            jobs = [
                Job(whole, fold, seed, goal, step)
                for whole, goal in until.items()
                for fold in tried
                for seed in seeds
            ]
            reached: dict[tuple[Candidate, int, int], dict[int, Reached]] = {}

            told = 0.0

            def tell(done: float, count: int = len(jobs)) -> None:
                nonlocal told
                told = max(told, done / count)  # what did not fit into memory is begun again
                if on_progress is not None:
                    on_progress(told)

            for job, (rows, epochs, used) in trials.run(jobs, tell):
                reached[job.candidate, job.fold, job.seed] = rows
                trained, cpu = trained + epochs, cpu - used
            scores = []
            for each in left:
                trainings = [reached[longest[each.label], fold, seed] for fold in tried for seed in seeds]
                accuracies, losses = zip(
                    *(by_epoch[goals[each.label]] for by_epoch in trainings), strict=True
                )
                scores.append(Score(each.label, accuracies, losses))
            if by_loss and rung.keep and number < len(rungs):
                scores.sort(key=lambda score: score.loss)
            else:
                scores.sort(key=lambda score: -score.accuracy)
            found.append(tuple(scores))
            going = {score.label for score in scores[: rung.keep]}
            left = [each for each in left if each.label in going]
    return Outcome(tuple(found), trained, perf_counter() - began, process_time() - cpu)


def losses_compare(candidates: Sequence[Candidate]) -> bool:
    """Return whether all candidates are trained towards the same targets by the cross-entropy.

    Where one lowers the squared error, smooths the labels more than another or has another teacher, a higher
    cross-entropy on the labels says nothing against it.
    """
    recipes = [each.recipe for each in candidates]
    targets = {(recipe.loss, recipe.label_smoothing, recipe.distillation) for recipe in recipes}
    return len(targets) == 1 and recipes[0].loss == "cross-entropy"


def halving(candidates: int, epochs: int, folds: int, *, factor: int = 4, least: int = 1) -> list[Rung]:
    """Return the rungs of successive halving (Jamieson and Talwalkar, 2016).

    Each rung keeps one in `factor` of its candidates, and trains them `factor` times as long. Only those of
    the last rung are trained on all folds; on the others, the first fold must do.

    Parameters
    ----------
    candidates, epochs, folds : int >= 1
        How many there are, and the most epochs of any.
    factor : int >= 2
    least : int >= 1
        Epochs of the first rung.
    """
    if factor < 2 or least < 1:
        raise TuningError(f"factor must be >= 2 and least >= 1. Got {factor!r} and {least!r} instead.")
    rungs = []
    left, length = candidates, min(least, epochs)
    while left > factor and length < epochs:
        left = ceil(left / factor)
        rungs.append(Rung(length, 1, left))
        length = min(length * factor, epochs)
    return [*rungs, Rung(None, folds)]


def _goals(candidates: Sequence[Candidate], rungs: Sequence[Rung]) -> Iterator[int]:
    """Yield every epoch that a candidate may be scored at."""
    for candidate in candidates:
        for rung in rungs:
            yield min(rung.epochs or candidate.recipe.epochs, candidate.recipe.epochs)


def _longest(candidates: Sequence[Candidate]) -> dict[str, Candidate]:
    """Return the training that each candidate is read off, by label: the longest that begins like it."""

    def begins(candidate: Candidate) -> tuple[Architecture, Recipe]:
        return candidate.architecture.named(""), candidate.recipe.beginning

    alike: dict[tuple[Architecture, Recipe], list[Candidate]] = {}
    for candidate in candidates:
        alike.setdefault(begins(candidate), []).append(candidate)
    return {
        candidate.label: max(group, key=lambda each: each.recipe.epochs)
        for group in alike.values()
        for candidate in group
    }
