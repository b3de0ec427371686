"""Many small networks on the same images at once, full batch, in NumPy.

A network of ten hidden units spends its time reading 37,800 pictures, and each of twenty networks reads them
again. Here they are read once: the first layers of all networks lie above one another in one matrix, and the
pictures pass through in pieces small enough to stay in the cache, forward and straight back. A piece holds
pictures whose ink lies alike, and the pixels that are blank in all of them are left out of its products: they
would add nothing but zeros. Behind the first layer, networks that are alike are computed together as well.

Each network gets what it would have got alone: the same first weights, the same dropout masks for the same
images, the same mean over the batch. Only the order of additions differs, so that weights agree to rounding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingError, TrainingStopped
from tenfold.training.checkpoint import (
    FILE,
    Checkpoint,
    differences,
    load_checkpoint,
    save_checkpoint,
)
from tenfold.training.engine import REPORT_SECONDS
from tenfold.training.history import History
from tenfold.training.loop import Trained, cross_entropy
from tenfold.training.numpy_engine import NumpyEngine
from tenfold.training.numpy_population import Member, Population


def train_population(
    members: Sequence[Member],
    data: Dataset,
    *,
    monitors: Mapping[str, Dataset] | None = None,
    monitor_every: int = 1,
    folder: Path | None = None,
    checkpoint_seconds: float = 30.0,
    on_progress: Callable[[float], None] | None = None,
    threads: Callable[[], int] = lambda: 1,
) -> list[Trained]:
    """Train the members together; each gets what `train` with the NumPy engine would have given it.

    Parameters
    ----------
    members : sequence of Member
        With equal epochs.
    data : Dataset
    monitors, monitor_every
        As for `train`; the histories hold the monitored epochs alone.
    folder : Path or None
        Where the checkpoint lies. It stays there, with the final state, until `checkpoint.remove_checkpoint`.
    checkpoint_seconds : float
    on_progress : function of float, or None
        Told the part of the training that is done, in [0, 1], after every step and a few times a second.
    threads : function returning int >= 1
        Asked before each step how many threads it may use. The result does not depend on it.

    Returns
    -------
    trained : list of Trained
        In the order of `members`. `seconds` is each one's share of the time. A member that diverged (its loss
        was not finite, or a weight went beyond `LARGEST`) has the weights from before that step, and in its
        history ``diverged``: which step it was, else 0.

    Raises
    ------
    TrainingError, NetworkError, TrainingStopped
        As for `train`.
    """
    monitors = dict(monitors or {})
    epochs = members[0].recipe.epochs
    if any(member.recipe.epochs != epochs for member in members):
        raise TrainingError("The members of a population must be trained for equally many epochs.")
    population = Population(members, data)
    identity = _identity(members, data, monitors, monitor_every) if folder is not None else {}
    last = Checkpoint(identity, 0, History(), population.state())
    if folder is not None and (found := load_checkpoint(folder)) is not None:
        lines = differences(identity, found.identity)
        if lines:
            raise TrainingError(
                f"{folder / FILE} is the checkpoint of another population: {'; '.join(lines)}. "
                "Delete it to start afresh."
            )
        population.load_state(found.state, found.epoch)
        last = found
    written = perf_counter()

    told = -inf

    def report(part: float) -> None:
        nonlocal told
        if on_progress is not None and (part == 1 or perf_counter() - told >= REPORT_SECONDS):
            told = perf_counter()
            on_progress((last.epoch + part) / epochs)

    try:
        for epoch in range(last.epoch, epochs):
            began = perf_counter()
            watched = (epoch + 1) % monitor_every == 0 or epoch + 1 == epochs
            population.step(report, counted=watched, threads=threads())
            seconds = last.seconds + perf_counter() - began
            rows = last.history.rows
            if watched:
                rows = [*rows, {"epoch": epoch + 1, **_measure(population, monitors), "seconds": seconds}]
            # One assignment moves everything to the new epoch: an interrupt finds the old one or the new one.
            last = Checkpoint(identity, epoch + 1, History(rows), population.state(), seconds)
            due = epoch + 1 == epochs or perf_counter() - written >= checkpoint_seconds
            if folder is not None and due:
                save_checkpoint(last, folder)
                written = perf_counter()
    except KeyboardInterrupt:
        if folder is not None:
            save_checkpoint(last, folder)
        raise TrainingStopped(
            f"The training of {len(members)} networks stopped after epoch {last.epoch} of {epochs}."
        ) from None
    return [_trained(population, last, place) for place in range(len(members))]


def _measure(population: Population, monitors: Mapping[str, Dataset]) -> dict[str, list[Any]]:
    """Return one list for every column of the history, with an entry for each member; None if not finite."""
    columns: dict[str, list[Any]] = {
        "train_loss": [_finite(learner.loss) for learner in population.learners],
        "train_accuracy": [learner.accuracy for learner in population.learners],
        "diverged": [learner.diverged for learner in population.learners],
    }
    engine = NumpyEngine()
    for name, monitored in monitors.items():
        every = [
            engine.logits(learner.member.architecture, learner.final(), monitored.images)
            for learner in population.learners
        ]
        columns[f"{name}_loss"] = [_finite(cross_entropy(logits, monitored.labels)) for logits in every]
        columns[f"{name}_accuracy"] = [
            float(np.mean(logits.argmax(axis=1) == monitored.labels)) for logits in every
        ]
    return columns


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _trained(population: Population, last: Checkpoint, place: int) -> Trained:
    learner, member = population.learners[place], population.members[place]
    rows = [
        {name: value[place] if isinstance(value, list) else value for name, value in row.items()}
        for row in last.history.rows
    ]
    rates = member.recipe.schedule
    for row in rows:
        row["lr"] = member.recipe.optimizer.lr * rates.factor(row["epoch"] - 1, member.recipe.epochs, 1)
    return Trained(
        member.architecture,
        member.recipe,
        learner.final(),
        History(rows),
        last.seconds / len(population.learners),
        member.seed,
        NumpyEngine(member.backward).settings(),
    )


def _identity(
    members: Sequence[Member], data: Dataset, monitors: Mapping[str, Dataset], monitor_every: int
) -> dict[str, Any]:
    values = {
        "members": {
            str(place): {
                "network": member.architecture.sha256,
                "recipe": member.recipe.to_dict(),
                "seed": member.seed,
                "backward": member.backward,
            }
            for place, member in enumerate(members)
        },
        "data": data.sha256,
        "monitors": {name: monitored.sha256 for name, monitored in monitors.items()},
        "monitor_every": monitor_every,
    }
    # As they will be read back from the file, so that they compare equal.
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain
