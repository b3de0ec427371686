"""The training loop: the same for every engine.

Epochs, history, monitoring, progress and checkpoints live here; the arithmetic lives in the engines. A
training stopped at any moment and taken up again ends with the same bits as one never stopped, because every
random number is found again by name (`tenfold.seeds`) and the state of the last finished epoch is kept whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingError, TrainingStopped
from tenfold.networks.architecture import Architecture
from tenfold.training.checkpoint import Checkpoint, load_same, remove_checkpoint, save_checkpoint
from tenfold.training.distillation import Teacher
from tenfold.training.engine import Engine, check_fit
from tenfold.training.history import History
from tenfold.training.initializers import Weights
from tenfold.training.recipe import Recipe


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes
    ----------
    architecture : Architecture
    recipe : Recipe
    weights : dict of float32 arrays
        Those that evaluation uses.
    history : History
    seconds : float
        Time spent training, from the drawing of the first weights to the last step, without the monitoring.
    seed : int
    engine : dict
        The engine's settings.
    cpu_seconds : float or None
        Processor time spent training, of all threads, without the monitoring: what a machine that does other
        things meanwhile does not lengthen. None where several networks were trained together.
    """

    architecture: Architecture
    recipe: Recipe
    weights: Weights = field(repr=False)
    history: History = field(repr=False)
    seconds: float
    seed: int
    engine: dict[str, Any]
    cpu_seconds: float | None = None


@dataclass(frozen=True)
class Progress:
    """Where a training stands, for whoever shows it.

    Attributes
    ----------
    epoch, epochs : int
        Epochs done, and epochs in all.
    part : float in [0, 1]
        The part of the whole training that is done, within an epoch too.
    row : dict
        The last row of the history; empty before the first epoch is done.
    seconds, eta : float
        Wall clock since the start, and until the end as far as can be told; `eta` is NaN before anything is.
    """

    epoch: int
    epochs: int
    part: float
    row: dict[str, Any]
    seconds: float
    eta: float


def train(
    architecture: Architecture,
    recipe: Recipe,
    data: Dataset,
    *,
    engine: Engine,
    seed: int = 0,
    teacher: Teacher | None = None,
    monitors: Mapping[str, Dataset] | None = None,
    monitor_every: int = 1,
    watch_every: int = 0,
    folder: Path | None = None,
    checkpoint_seconds: float = 10.0,
    keep_checkpoint: bool = False,
    until: int | None = None,
    on_epoch: Callable[[Progress], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train a network.

    Parameters
    ----------
    architecture : Architecture
    recipe : Recipe
    data : Dataset
        The training images.
    engine : Engine
        As `get_engine` gives it.
    seed : int
        Same seed, same weights, bit for bit, on the same machine and thread count.
    teacher : Teacher or None
        What a recipe with distillation learns from.
    monitors : mapping of str to Dataset
        Measured after every `monitor_every`-th epoch and the last: ``<name>_loss`` (cross-entropy without
        smoothing) and ``<name>_accuracy`` in the history. Nothing is ever chosen by them.
    monitor_every : int >= 1
    watch_every : int
        If not 0, what happened within an epoch stands in the history too, after every so many steps: a
        column ``by_step`` with one table an epoch of ``step`` (from 1, over all epochs), ``train_loss`` and
        ``train_accuracy`` of that step's batch, and the monitors' columns.
    folder : Path or None
        Where the checkpoint lies. If it holds one of this very training, the training goes on from there.
    checkpoint_seconds : float
        A checkpoint is written after the first epoch that ends this long after the last was written.
    keep_checkpoint : bool
        Whether the checkpoint stays, with the final state, once the training is done.
    until : int or None
        Rest after so many epochs. The checkpoint then stays, and the same call with a later `until`, or none,
        goes on from there; one that is further already is left as it is.
    on_epoch : function of Progress, or None
        Called after every epoch.
    on_progress : function of Progress, or None
        Called a few times a second within an epoch.

    Raises
    ------
    NetworkError
        The images or the number of classes do not fit the network.
    TrainingError
        There is nothing to train on, the loss is not finite, the teacher is missing or does not fit, or
        `folder` holds a damaged checkpoint or one of another training.
    TrainingStopped
        The user pressed Ctrl-C. The state of the last finished epoch is saved if there is a `folder`.
    """
    monitors = dict(monitors or {})
    if monitor_every < 1:
        raise TrainingError(f"monitor_every must be an integer >= 1. Got {monitor_every!r} instead.")
    if until is not None and until < 1:
        raise TrainingError(f"until must be an integer >= 1. Got {until!r} instead.")
    goal = min(until or recipe.epochs, recipe.epochs)
    if watch_every < 0:
        raise TrainingError(f"watch_every must be an integer >= 0. Got {watch_every!r} instead.")
    for each in (data, *monitors.values()):
        if not len(each):
            raise TrainingError(f"{each.name} holds no images. Give at least one.")
        check_fit(architecture, each.images, len(each.classes))
    start = began = perf_counter()
    began_cpu = process_time()
    trainer = engine.trainer(architecture, recipe, seed, len(data))
    trainer.learn_from(teacher)
    what: dict[str, Any] = {}
    if folder is not None:
        what = identity(architecture, recipe, data, seed, engine, monitors, monitor_every)
        what |= {"watch_every": watch_every} if watch_every else {}
        what |= {"teacher": teacher.sha256} if teacher is not None else {}
    last = Checkpoint(what, 0, History(), trainer.state())
    if folder is not None and (found := load_same(folder, what)) is not None:
        trainer.load_state(found.state)
        last = found

    first, written = last.epoch, perf_counter()
    before = last.elapsed

    def progress(part: float) -> Progress:
        """Return where the training stands with `part` of the running epoch done."""
        now, epochs = perf_counter() - start, recipe.epochs
        done = last.epoch + part
        eta = now * (epochs - done) / (done - first) if done > first else float("nan")
        row = last.history.rows[-1] if last.history.rows else {}
        return Progress(last.epoch, epochs, done / epochs, row, before + now, eta)

    if on_progress is not None:
        trainer.on_progress = lambda part: on_progress(progress(part))
    watched: dict[str, list[float]] = {}
    watching, watching_cpu = 0.0, 0.0

    def watch() -> None:
        """Note, at every `watch_every`-th step, the batch just trained on and the monitors."""
        nonlocal watching, watching_cpu
        if trainer.done % watch_every:
            return
        paused, paused_cpu = perf_counter(), process_time()
        loss, accuracy = trainer.last_batch()
        row: dict[str, float] = {"step": trainer.done, "train_loss": loss, "train_accuracy": accuracy}
        for name, monitored in monitors.items():
            row |= measure(name, trainer.logits(monitored.images), monitored)
        for column, value in row.items():
            watched.setdefault(column, []).append(value)
        watching += perf_counter() - paused
        watching_cpu += process_time() - paused_cpu

    if watch_every:
        trainer.on_step = watch
    try:
        for epoch in range(first, goal):
            watched, watching, watching_cpu = {}, 0.0, 0.0
            result = trainer.run_epoch(data, epoch)
            state = trainer.state()
            seconds = last.seconds + perf_counter() - began - watching
            cpu_seconds = last.cpu_seconds + process_time() - began_cpu - watching_cpu
            row: dict[str, Any] = {
                "epoch": epoch + 1,
                "lr": result.lr,
                "train_loss": result.loss,
                "train_accuracy": result.accuracy,
            }
            if (epoch + 1) % monitor_every == 0 or epoch + 1 == recipe.epochs:
                for name, monitored in monitors.items():
                    row |= measure(name, trainer.logits(monitored.images), monitored)
            if watch_every:
                row["by_step"] = watched
            elapsed = before + perf_counter() - start
            # One assignment moves everything to the new epoch: an interrupt finds the old one or the new one.
            history = History([*last.history.rows, row | {"seconds": elapsed}])
            last = Checkpoint(what, epoch + 1, history, state, seconds, elapsed, cpu_seconds)
            if on_epoch is not None:
                on_epoch(progress(0.0))
            if folder is not None and perf_counter() - written >= checkpoint_seconds:
                save_checkpoint(last, folder)
                written = perf_counter()
            began, began_cpu = perf_counter(), process_time()
        if folder is not None and (keep_checkpoint or last.epoch < recipe.epochs):
            save_checkpoint(last, folder)
    except KeyboardInterrupt:
        raise _stopped(last, recipe.epochs, folder) from None
    if folder is not None and not keep_checkpoint and last.epoch == recipe.epochs:
        remove_checkpoint(folder)
    return Trained(
        architecture,
        recipe,
        trainer.weights(),
        last.history,
        last.seconds,
        seed,
        engine.settings(recipe),
        last.cpu_seconds,
    )


def measure(name: str, logits: NDArray[Any], data: Dataset) -> dict[str, float]:
    """Return the columns of the history that `logits` (n, classes) of a monitor's images give."""
    return {
        f"{name}_loss": cross_entropy(logits, data.labels),
        f"{name}_accuracy": float(np.mean(logits.argmax(axis=1) == data.labels)),
    }


def cross_entropy(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Return the mean negative log-likelihood of `labels` (n,) under the softmax of `logits` (n, classes)."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    truth = shifted[np.arange(len(labels)), labels]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - truth))


def identity(
    architecture: Architecture,
    recipe: Recipe,
    data: Dataset,
    seed: int,
    engine: Engine,
    monitors: Mapping[str, Dataset],
    monitor_every: int,
) -> dict[str, Any]:
    """Return what a checkpoint says it is of."""
    values = {
        "network": architecture.sha256,
        "recipe": recipe.to_dict(),
        "data": data.sha256,
        "seed": seed,
        "engine": engine.settings(recipe),
        "monitors": {name: monitored.sha256 for name, monitored in monitors.items()},
        "monitor_every": monitor_every,
    }
    # As they will be read back from the file, so that they compare equal.
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def _stopped(last: Checkpoint, epochs: int, folder: Path | None) -> TrainingStopped:
    done = f"Training stopped after epoch {last.epoch} of {epochs}."
    if folder is None:
        return TrainingStopped(f"{done} Nothing is saved, because no folder for a checkpoint was given.")
    path = save_checkpoint(last, folder)
    return TrainingStopped(
        f"{done} Its state is saved in {path}. Run the same training again to go on from there."
    )
