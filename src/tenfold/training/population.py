"""Many small networks on the same images at once, full batch, in float64.

A network of ten hidden units spends its time reading 37,800 pictures, and each of twenty networks reads them
again. Here they are read once: the first layers of all networks lie above one another in one matrix, and the
pictures pass through in pieces small enough to stay in the cache, forward and straight back. Pixels that are
blank in every picture are left out of the products; their weights have no gradient.

Each network gets what it would have got alone: the same first weights, the same dropout masks for the same
images, the same mean over the batch. Only the order of additions differs, so that weights agree to rounding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold import seeds
from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingError, TrainingStopped
from tenfold.networks import layers
from tenfold.networks.architecture import Architecture, Node
from tenfold.seeds import epoch_order
from tenfold.training.checkpoint import (
    FILE,
    Checkpoint,
    differences,
    load_checkpoint,
    save_checkpoint,
)
from tenfold.training.engine import as_input, check_fit
from tenfold.training.history import History
from tenfold.training.initializers import Weights, initial_weights
from tenfold.training.loop import Trained, cross_entropy
from tenfold.training.numpy_engine import NumpyEngine
from tenfold.training.numpy_layers import Chain, Dropout
from tenfold.training.numpy_losses import LOSSES, targets
from tenfold.training.numpy_operation import Array, Arrays, Moment
from tenfold.training.numpy_optimizers import Stepper
from tenfold.training.published_backward import operations
from tenfold.training.recipe import Recipe

PIECE = 1024
"""How many images pass through at once."""

LARGEST = 1e9
"""A network whose weights would grow beyond this has diverged: what it says would overflow float32 soon."""


@dataclass(frozen=True)
class Member:
    """One network of a population.

    Attributes
    ----------
    architecture : Architecture
        On flat images, a dense layer first, at least two of them.
    recipe : Recipe
        Full batch, float64, without augmentation and running mean.
    seed : int
    backward : str
        As for `NumpyEngine`.
    """

    architecture: Architecture
    recipe: Recipe
    seed: int
    backward: str = "true"

    def __post_init__(self) -> None:
        first = self.architecture.nodes[0].layer
        if len(self.architecture.input_shape) != 1 or not isinstance(first, layers.Dense) or not first.bias:
            raise TrainingError(
                f"A population takes networks on flat images with a dense layer first; "
                f"{self.architecture.name or 'this network'} is none. Train it alone."
            )
        recipe = self.recipe
        if (
            recipe.batch_size != "full"
            or recipe.precision != "float64"
            or recipe.augmentation.on
            or recipe.ema
        ):
            raise TrainingError(
                "A population takes recipes with batch_size 'full', precision 'float64', no augmentation and "
                f"no running mean. Got batch_size {recipe.batch_size!r}, precision {recipe.precision!r}, "
                f"augmentation {recipe.augmentation.on}, ema {recipe.ema}. Train this network alone."
            )


class _SharedDropout(Dropout):
    """Dropout whose mask is drawn once a step for all images, and used piece by piece."""

    def __init__(self, node: Node, weights: Arrays) -> None:
        super().__init__(node, weights)
        self.kept = np.empty((0, 0), bool)
        self.piece = slice(0)

    def draw(self, moment: Moment, order: NDArray[np.int64], width: int) -> None:
        """Draw the mask of a step: row `i` of the batch is image ``order[i]``."""
        stream = seeds.key(moment.seed, "dropout", moment.step, self.name)
        kept = (seeds.uniform(stream, len(order) * width) >= self.layer.rate).reshape(len(order), width)
        self.kept = np.empty_like(kept)
        self.kept[order] = kept

    def forward(self, x: Array, moment: Moment | None) -> Array:
        if moment is None:
            return x
        self.mask = self.kept[self.piece].astype(x.dtype) * (1 / (1 - self.layer.rate))
        return x * self.mask


class _Learner:
    """One member at work; its first layer's weights are rows of the population's."""

    def __init__(self, member: Member, weight: Array, bias: Array, seen: NDArray[np.int64]) -> None:
        self.member = member
        architecture, recipe = member.architecture, member.recipe
        self.first, *rest = architecture.nodes
        self.weights: Arrays = {
            key: array.astype(np.float64)
            for key, array in initial_weights(architecture, recipe.weight_rule(), member.seed).items()
        }
        self.keys = (f"{self.first.name}.weight", f"{self.first.name}.bias")
        self.seen = seen
        weight[...], bias[...] = self.weights[self.keys[0]][:, seen], self.weights[self.keys[1]]
        # What the network is trained on: the columns that are seen, and everything else as it is.
        self.trained = self.weights | {self.keys[0]: weight, self.keys[1]: bias}
        known = operations(member.backward, architecture)
        self.chain = Chain(rest, self.trained, {**known, layers.Dropout: _SharedDropout})
        self.dropouts = [
            (operation, rest[place].input_shape[0])
            for place, operation in enumerate(self.chain.operations)
            if isinstance(operation, _SharedDropout)
        ]
        self.stepper = Stepper(recipe.optimizer, self.trained, _decayed(architecture))
        self.diverged = 0
        """The step that led to nowhere; from then on the weights stay. 0: none did."""

    def begin(self, step: int, order: Callable[[int], NDArray[np.int64]]) -> None:
        """Make ready for a step over all images."""
        self.moment = Moment(self.member.seed, step)
        self.loss, self.hits = 0.0, 0
        self.gradients: Arrays = {}
        for operation, width in self.dropouts:
            operation.draw(self.moment, order(self.member.seed), width)

    def learn(self, z: Array, labels: NDArray[np.int64], piece: slice, part: float) -> Array:
        """Return the gradient by `z` (n, units), what came out of the first layer for a piece of the images.

        `part` is the piece's share of the batch.
        """
        for operation, _ in self.dropouts:
            operation.piece = piece
        recipe = self.member.recipe
        logits = self.chain.forward(z, self.moment)
        wanted = targets(labels, logits.shape[1], recipe.label_smoothing, logits.dtype)
        loss, dy = LOSSES[recipe.loss](logits, wanted)
        self.loss += loss * part
        self.hits += int((logits.argmax(axis=1) == labels).sum())
        dz, gradients = self.chain.backward(dy * part)
        for key, gradient in gradients.items():
            self.gradients[key] = self.gradients[key] + gradient if key in self.gradients else gradient
        return dz

    def end(self, weight: Array, bias: Array, step: int) -> None:
        """Take the step, given the gradient of the first layer; or stop for good if it leads to nowhere."""
        found = self.gradients | {self.keys[0]: weight, self.keys[1]: bias}
        if isfinite(self.loss) and all(np.isfinite(array).all() for array in found.values()):
            recipe = self.member.recipe
            rate = recipe.optimizer.lr * recipe.schedule.factor(step, recipe.epochs, 1)
            before = {key: array.copy() for key, array in self.trained.items()}
            self.stepper.step(self.trained, found, rate, step + 1)
            if all(np.abs(array).max() <= LARGEST for array in self.trained.values()):
                return
            for key, array in before.items():
                self.trained[key][...] = array
        self.diverged, self.loss = step + 1, nan

    def final(self) -> Weights:
        """Return the weights as float32, the blank pixels' as they were drawn."""
        whole = self.weights[self.keys[0]].copy()
        whole[:, self.seen] = self.trained[self.keys[0]]
        found = self.trained | {self.keys[0]: whole}
        return {key: found[key].astype(np.float32) for key in self.weights}

    def arrays(self) -> Arrays:
        """Return the arrays that the next step depends on, by name."""
        found = {f"weights/{key}": array for key, array in self.trained.items()}
        for key, slots in self.stepper.slots.items():
            found |= {f"{name}/{key}": array for name, array in slots.items()}
        return found


class Population:
    """The members at work on their common images.

    Parameters
    ----------
    members : sequence of Member
        Of any depth and width.
    data : Dataset
    """

    def __init__(self, members: Sequence[Member], data: Dataset) -> None:
        self.data, self.done = data, 0
        pixels = data.images.reshape(len(data), -1)
        seen = np.flatnonzero(pixels.any(axis=0))
        architecture = members[0].architecture
        if architecture.mean != 0.0:
            seen = np.arange(pixels.shape[1])
        for member in members:
            check_fit(member.architecture, data.images, len(data.classes))
            if (member.architecture.mean, member.architecture.std) != (architecture.mean, architecture.std):
                raise TrainingError("The members of a population must scale their images alike.")
        # Features lie together, images below one another: a piece of the images is a block.
        self._x = np.ascontiguousarray(as_input(architecture, data.images, np.float64)[:, seen])
        self._ends = np.cumsum([0, *(member.architecture.nodes[0].output_shape[0] for member in members)])
        self._weight = np.empty((self._ends[-1], len(seen)))
        self._bias = np.empty(self._ends[-1])
        self.learners = [
            _Learner(member, self._weight[rows], self._bias[rows], seen)
            for member, rows in zip(members, self._rows(), strict=True)
        ]

    def step(self, report: Callable[[float], None] | None = None) -> None:
        """Do one step of every member that has not diverged, on all images."""
        count, step = len(self.data), self.done
        orders: dict[int, NDArray[np.int64]] = {}

        def order(seed: int) -> NDArray[np.int64]:
            if seed not in orders:
                orders[seed] = epoch_order(seed, step, count)
            return orders[seed]

        for learner in self.learners:
            if not learner.diverged:
                learner.begin(step, order)
        weight_gradient = np.zeros_like(self._weight)
        bias_gradient = np.zeros_like(self._bias)
        # A member that runs away overflows on its way: its loss tells, so NumPy need not.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(0, count, PIECE):
                piece = slice(start, min(start + PIECE, count))
                x, labels = self._x[piece], self.data.labels[piece]
                z = self._weight @ x.T
                z += self._bias[:, None]
                for learner, rows in zip(self.learners, self._rows(), strict=True):
                    if not learner.diverged:
                        z[rows] = learner.learn(z[rows].T, labels, piece, len(labels) / count).T
                    else:
                        z[rows] = 0.0
                weight_gradient += z @ x
                bias_gradient += z.sum(axis=1)
                if report is not None:
                    report(piece.stop / count)
            for learner, rows in zip(self.learners, self._rows(), strict=True):
                if not learner.diverged:
                    learner.end(weight_gradient[rows], bias_gradient[rows], step)
        self.done += 1

    def state(self) -> Arrays:
        """Return a copy of everything the next step depends on."""
        found: Arrays = {"diverged": np.array([learner.diverged for learner in self.learners])}
        for place, learner in enumerate(self.learners):
            found |= {f"{place}/{key}": array.copy() for key, array in learner.arrays().items()}
        return found

    def load_state(self, state: Mapping[str, NDArray[Any]], done: int) -> None:
        """Take up a state from `state`, after `done` steps."""
        self.done = done
        for place, learner in enumerate(self.learners):
            learner.diverged = int(state["diverged"][place])
            learner.loss, learner.hits = nan, 0
            for key, array in learner.arrays().items():
                array[...] = state[f"{place}/{key}"]

    def _rows(self) -> list[slice]:
        return [slice(start, end) for start, end in zip(self._ends[:-1], self._ends[1:], strict=True)]


def train_population(
    members: Sequence[Member],
    data: Dataset,
    *,
    monitors: Mapping[str, Dataset] | None = None,
    monitor_every: int = 1,
    folder: Path | None = None,
    checkpoint_seconds: float = 30.0,
    on_progress: Callable[[float], None] | None = None,
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
        Told the part of the training that is done, in [0, 1].

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

    def report(part: float) -> None:
        if on_progress is not None:
            on_progress((last.epoch + part) / epochs)

    try:
        for epoch in range(last.epoch, epochs):
            began = perf_counter()
            population.step(report)
            seconds = last.seconds + perf_counter() - began
            rows = last.history.rows
            if (epoch + 1) % monitor_every == 0 or epoch + 1 == epochs:
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
        "train_accuracy": [learner.hits / len(population.data) for learner in population.learners],
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
    learner = population.learners[place]
    rows = [
        {name: value[place] if isinstance(value, list) else value for name, value in row.items()}
        for row in last.history.rows
    ]
    member = learner.member
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


def _decayed(architecture: Architecture) -> set[str]:
    """Return the keys that weight decay touches: the weights of dense layers."""
    return {f"{node.name}.weight" for node in architecture.walk() if isinstance(node.layer, layers.Dense)}
