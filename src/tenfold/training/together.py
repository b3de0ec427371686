"""Trainings that are done together in torch: what `train` does for one, with checkpoints that suit both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TypeVar

import numpy as np
import torch

from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingDiverged, TrainingStopped
from tenfold.networks.architecture import Architecture
from tenfold.training.checkpoint import Checkpoint, load_same, save_checkpoint
from tenfold.training.engine import REPORT_SECONDS
from tenfold.training.history import History
from tenfold.training.loop import Trained, identity, measure
from tenfold.training.recipe import Recipe
from tenfold.training.torch_engine import TorchEngine, is_mixed
from tenfold.training.torch_member import TorchMember
from tenfold.training.torch_population import TorchPopulation


@dataclass(frozen=True, eq=False)
class Training:
    """One of them: what `train` would be told.

    Attributes
    ----------
    architecture : Architecture
    recipe : Recipe
    data : Dataset
    seed : int
    folder : Path
        Where the checkpoint lies. It stays there when the training is done, with the final state, until
        `checkpoint.remove_checkpoint`.
    monitors : mapping of str to Dataset
    monitor_every : int >= 1
    until : int or None
        Rest after so many epochs.
    """

    architecture: Architecture
    recipe: Recipe
    data: Dataset
    seed: int
    folder: Path
    monitors: Mapping[str, Dataset]
    monitor_every: int = 1
    until: int | None = None

    @property
    def goal(self) -> int:
        """After how many epochs it is done, or rests."""
        return min(self.until or self.recipe.epochs, self.recipe.epochs)

    @property
    def likeness(self) -> tuple[Any, ...]:
        """What trainings have in common that can be steps of one computation."""
        images = self.data.images
        kind = images.shape[1:], images.dtype, self.data.classes
        return TorchMember(self.architecture, self.recipe).likeness, kind

    def rate(self, epoch: int) -> float:
        """Return the learning rate of the last step of `epoch` (from 0)."""
        steps, recipe = self.recipe.steps_per_epoch(len(self.data)), self.recipe
        last = (epoch + 1) * steps - 1
        return recipe.optimizer.lr * recipe.schedule.factor(last, recipe.epochs * steps, steps)


def can_join(architecture: Architecture, recipe: Recipe, engine: TorchEngine) -> bool:
    """Return whether a population on the engine's device takes such a network."""
    normed = bool(architecture.statistic_shapes) and is_mixed(recipe, engine.device)
    return not recipe.ema and not recipe.distillation.on and not normed


TOGETHER = 64
"""How many trainings are one computation at most: what each keeps for the way back takes memory."""

T = TypeVar("T")


def divided(
    trainings: Sequence[T], setup: Callable[[T], tuple[Architecture, Recipe]], engine: TorchEngine
) -> tuple[list[list[T]], list[T]]:
    """Return which trainings can be done together, at most `TOGETHER` of each kind at once, and the others.

    Parameters
    ----------
    trainings : sequence
        Of whatever `setup` knows the network and the recipe.
    setup : function
    engine : TorchEngine
    """
    alike: dict[Any, list[T]] = {}
    alone = []
    for each in trainings:
        architecture, recipe = setup(each)
        if can_join(architecture, recipe, engine):
            alike.setdefault(TorchMember(architecture, recipe).likeness, []).append(each)
        else:
            alone.append(each)
    crews = [every[at : at + TOGETHER] for every in alike.values() for at in range(0, len(every), TOGETHER)]
    return crews, alone


def train_together(
    trainings: Sequence[Training],
    engine: TorchEngine,
    *,
    checkpoint_seconds: float = 10.0,
    on_epoch: Callable[[int], None] | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> list[Trained | TrainingDiverged]:
    """Do trainings; those that are alike and stand at the same epoch as one batched computation.

    Each gets what `train` would have given it, to rounding, and goes on from its checkpoint if it has one,
    whether that was written here or there.

    Parameters
    ----------
    trainings : sequence of Training
        Each with a folder of its own.
    engine : TorchEngine
    checkpoint_seconds : float
        Checkpoints are written after the first epoch that ends this long after the last were.
    on_epoch : function of int, or None
        Told the place of a training whenever it has done an epoch.
    on_progress : function of float, or None
        Told the part of all epochs that is done, in [0, 1]; a few times a second.

    Returns
    -------
    trained : list of Trained or TrainingDiverged
        In the order of `trainings`; the error where the loss of one was not finite, which leaves the others
        alone. `seconds` is each one's share.

    Raises
    ------
    TrainingError, NetworkError, TrainingStopped
        As from `train`.
    """
    standing: list[Checkpoint] = []
    alike: dict[Any, list[int]] = {}
    for place, each in enumerate(trainings):
        what = identity(
            each.architecture, each.recipe, each.data, each.seed, engine, each.monitors, each.monitor_every
        )
        standing.append(load_same(each.folder, what) or Checkpoint(what, 0, History(), {}))
        if standing[place].epoch < each.goal:
            alike.setdefault((each.likeness, standing[place].epoch), []).append(place)
    lost: dict[int, TrainingDiverged] = {}
    missing = [max(each.goal - last.epoch, 0) for each, last in zip(trainings, standing, strict=True)]
    before, told = 0, -inf

    def report(epochs: float) -> None:
        nonlocal told
        if on_progress is not None and perf_counter() - told >= REPORT_SECONDS:
            told = perf_counter()
            on_progress((before + epochs) / sum(missing))

    for places in alike.values():
        _Group(trainings, places, standing, lost, engine, on_epoch, report).train(checkpoint_seconds)
        before += sum(missing[place] for place in places)
    return [
        lost[place] if place in lost else _trained(each, standing[place], engine)
        for place, each in enumerate(trainings)
    ]


class _Group:
    """Trainings at `places` that are done as one computation; `standing` and `lost` tell how far they are.

    `report` is told how many epochs are done, of all of them.
    """

    def __init__(
        self,
        trainings: Sequence[Training],
        places: Sequence[int],
        standing: list[Checkpoint],
        lost: dict[int, TrainingDiverged],
        engine: TorchEngine,
        on_epoch: Callable[[int], None] | None,
        report: Callable[[float], None],
    ) -> None:
        self._trainings = [trainings[place] for place in places]
        self._places, self._standing, self._lost = places, standing, lost
        self._on_epoch, self._report, self._epochs = on_epoch, report, 0
        data, parts = _side_by_side([each.data for each in self._trainings])
        members = [
            TorchMember(each.architecture, each.recipe, each.seed, part)
            for each, part in zip(self._trainings, parts, strict=True)
        ]
        self._population = TorchPopulation(members, data, engine.device)
        if standing[places[0]].epoch:
            self._population.load_states([standing[place].state for place in places])

    def train(self, checkpoint_seconds: float) -> None:
        """Train until all are done, rest or are lost."""
        population, written = self._population, perf_counter()
        try:
            while population.running:
                self._run_epoch()
                if perf_counter() - written >= checkpoint_seconds:
                    self._save(population.running)
                    written = perf_counter()
        except torch.OutOfMemoryError:
            self._save(range(len(self._places)))
            raise
        except KeyboardInterrupt:
            self._save(range(len(self._places)))
            raise TrainingStopped(
                f"The training of {len(self._places)} networks stopped after epoch {population.done}. Their "
                "states are saved. Run the same again to go on from there."
            ) from None

    def _run_epoch(self) -> None:
        """Do an epoch; what is lost or done with it rests, the latter with its checkpoint."""
        population, running = self._population, self._population.running
        began, began_cpu = perf_counter(), process_time()
        population.run_epoch(lambda part: self._report(self._epochs + part * len(running)))
        self._epochs += len(running)
        trained = (perf_counter() - began) / len(running), (process_time() - began_cpu) / len(running)
        lost = [at for at in running if population.diverged(at)]
        for at in lost:
            self._lost[self._places[at]] = TrainingDiverged(
                f"The loss is not finite in epoch {population.done}. Try a smaller optimizer.lr than "
                f"{self._trainings[at].recipe.optimizer.lr:g}, or another initializer."
            )
        going = [at for at in running if at not in lost]
        rows = [self._row(at) for at in going]
        share = (perf_counter() - began) / len(running)
        for at, row, state in zip(going, rows, population.states(going), strict=True):
            place = self._places[at]
            last = self._standing[place]
            elapsed = last.elapsed + share
            self._standing[place] = Checkpoint(
                last.identity,
                population.done,
                History([*last.history.rows, row | {"seconds": elapsed}]),
                state,
                last.seconds + trained[0],
                elapsed,
                last.cpu_seconds + trained[1],
            )
            if self._on_epoch is not None:
                self._on_epoch(place)
        done = [at for at in going if self._trainings[at].goal <= population.done]
        self._save(done)
        population.rest([at for at in (*lost, *done) if at in population.running])

    def _row(self, at: int) -> dict[str, Any]:
        """Return what the history says of the epoch that the one at `at` has just done."""
        training, population = self._trainings[at], self._population
        epoch = population.done
        row: dict[str, Any] = {
            "epoch": epoch,
            "lr": training.rate(epoch - 1),
            "train_loss": population.losses[at],
            "train_accuracy": population.accuracies[at],
        }
        if epoch % training.monitor_every == 0 or epoch == training.recipe.epochs:
            for name, monitored in training.monitors.items():
                row |= measure(name, population.logits(at, monitored.images), monitored)
        return row

    def _save(self, these: Sequence[int]) -> None:
        for at in these:
            last = self._standing[self._places[at]]
            if last.epoch and self._places[at] not in self._lost:
                save_checkpoint(last, self._trainings[at].folder)


def _side_by_side(every: Sequence[Dataset]) -> tuple[Dataset, list[Any]]:
    """Return all images in one data set, those of equal data sets once, and where each one's lie."""
    places: dict[str, Any] = {}
    distinct: list[Dataset] = []
    for data in every:
        if data.sha256 not in places:
            start = sum(map(len, distinct))
            places[data.sha256] = np.arange(start, start + len(data))
            distinct.append(data)
    first = distinct[0]
    if len(distinct) > 1:
        images = np.concatenate([data.images for data in distinct])
        labels = np.concatenate([data.labels for data in distinct])
        first = replace(first, images=images, labels=labels, groups=None)
    return first, [places[data.sha256] for data in every]


def _trained(training: Training, last: Checkpoint, engine: TorchEngine) -> Trained:
    weights = {
        key.removeprefix("weights/"): array.astype(np.float32)
        for key, array in last.state.items()
        if key.startswith("weights/")
    }
    return Trained(
        training.architecture,
        training.recipe,
        weights,
        last.history,
        last.seconds,
        training.seed,
        engine.settings(training.recipe),
    )
