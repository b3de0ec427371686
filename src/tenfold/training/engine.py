"""What every engine promises.

An engine turns (architecture, recipe, seed) into a `Trainer`: one network being trained, step by step. The
loop around it, its history, checkpoints and progress are the same for all engines (`loop.py`).

All engines agree on:

- the first weights (`initializers.initial_weights`) and the order of images (`seeds.epoch_order`);
- dropout: value `i` (counted over the batch's array, C order, channels before height before width) of the
  layer `name` in step `step` (from 0, over all epochs) is kept where
  ``seeds.uniform(key(seed, "dropout", step, name), size)[i] >= rate``;
- augmentation: `Augmentation.draw` with ``generator(seed, "augment", epoch)``, once an epoch for all images
  in the order of the data set;
- the learning rate: ``optimizer.lr * schedule.factor(step, steps, steps_per_epoch)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset
from tenfold.errors import NetworkError, TrainingError
from tenfold.evaluation.calibration import softmax
from tenfold.networks.architecture import Architecture
from tenfold.networks.layers import Conv, Dense, DepthwiseConv, Dropout, Shape
from tenfold.training.distillation import Teacher, check_teacher
from tenfold.training.initializers import Weights, initial_weights
from tenfold.training.recipe import Recipe

Arrays = dict[str, NDArray[Any]]

REPORT_SECONDS = 0.2
"""How often progress is told, at most."""


@dataclass(frozen=True)
class EpochResult:
    """What one epoch of training gave.

    Attributes
    ----------
    loss, accuracy : float
        Means over the images as they were trained on, with dropout and augmentation.
    lr : float
        The learning rate of the last step.
    """

    loss: float
    accuracy: float
    lr: float


class Trainer(ABC):
    """One network being trained.

    Parameters
    ----------
    architecture : Architecture
    recipe : Recipe
    seed : int
    count : int
        Number of training images, from which the number of steps follows.
    """

    def __init__(self, architecture: Architecture, recipe: Recipe, seed: int, count: int) -> None:
        self.architecture = architecture
        self.recipe = recipe
        self.seed = seed
        self.count = count
        self.steps_per_epoch = recipe.steps_per_epoch(count)
        self.steps = self.steps_per_epoch * recipe.epochs
        self.done = 0
        """Steps done."""
        dropped = any(isinstance(node.layer, Dropout) for node in architecture.walk())
        self.whole = recipe.batch(count) >= count and not dropped
        """Whether a step takes all images and their order says nothing: they are taken as they lie."""
        self._teacher: Teacher | None = None
        self.on_progress: Callable[[float], None] | None = None
        """Told the part of the running epoch that is done, in [0, 1], a few times a second."""
        self.on_step: Callable[[], None] | None = None
        """Called after every step; the trainer stands where that step left it."""
        self._next_report = 0.0

    def learn_from(self, teacher: Teacher | None) -> None:
        """Take a teacher, as a recipe with distillation wants it; before the first step.

        Raises
        ------
        TrainingError
            The recipe wants one and there is none, or the other way round; or it does not fit.
        """
        check_teacher(self.recipe.distillation, teacher, self.architecture)
        self._teacher = teacher

    def told(self, images: NDArray[Any]) -> NDArray[np.float32] | None:
        """Return what the teacher says of `images`, (n, classes): the softmax of its logits over T.

        None where there is no teacher.
        """
        if self._teacher is None:
            return None
        logits = self.logits_of(self._teacher.architecture, self._teacher.weights, images)
        return softmax(logits, self.recipe.distillation.temperature)

    @abstractmethod
    def logits_of(
        self, architecture: Architecture, weights: Weights, images: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Return the logits (n, classes) of `images` under another network, as the engine computes them."""

    def report(self, part: float) -> None:
        """Tell that a step, and with it `part` of the epoch, is done; cheap enough to call at every step."""
        if self.on_step is not None:
            self.on_step()
        if self.on_progress is not None and monotonic() >= self._next_report:
            self._next_report = monotonic() + REPORT_SECONDS
            self.on_progress(part)

    def rate(self, step: int) -> float:
        """Return the learning rate of `step` (from 0)."""
        factor = self.recipe.schedule.factor(step, self.steps, self.steps_per_epoch)
        return self.recipe.optimizer.lr * factor

    def first_weights(self) -> Weights:
        """Return the weights that the recipe's initializer draws under the seed."""
        return initial_weights(self.architecture, self.recipe.weight_rule(), self.seed)

    @abstractmethod
    def step(self, images: NDArray[Any], labels: NDArray[np.int64]) -> float:
        """Do one step on one batch, as `run_epoch` does for each of its batches, and return its loss.

        Parameters
        ----------
        images : (n, ...) uint8 or float32
        labels : (n,) int64
        """

    @abstractmethod
    def run_epoch(self, data: Dataset, epoch: int) -> EpochResult:
        """Train one epoch (from 0) on `data`.

        Raises
        ------
        TrainingError
            The loss is not finite; says at which epoch, and what to try.
        """

    @abstractmethod
    def last_batch(self) -> tuple[float, float]:
        """Return loss and accuracy of the last step's batch, as it was trained on."""

    @abstractmethod
    def weights(self) -> Weights:
        """Return a copy of the weights that evaluation uses: their running mean where the recipe has one."""

    @abstractmethod
    def state(self) -> Arrays:
        """Return a copy of everything the next step depends on: weights, optimizer, running means, `done`."""

    @abstractmethod
    def load_state(self, state: Arrays) -> None:
        """Take up a state from `state`, of the same network and recipe.

        Raises
        ------
        TrainingError
            The state is another network's or another optimizer's.
        """

    def check_state(self, state: Arrays) -> None:
        """Raise `TrainingError` unless `state` is one of this network and recipe."""
        mine = self.state()
        for key in dict.fromkeys([*mine, *state]):
            wanted, found = (
                f"{of[key].dtype} of shape {of[key].shape}" if key in of else "nothing"
                for of in (mine, state)
            )
            if wanted != found:
                raise TrainingError(
                    f"This is the state of another training: {key} should be {wanted}, it is {found}. "
                    "Go on with the network and recipe it was begun with."
                )

    @abstractmethod
    def load_weights(self, weights: Weights) -> None:
        """Start from `weights` instead of the initializer's, with a fresh optimizer."""

    @abstractmethod
    def logits(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Return the logits (n, classes) float32 of `images` in evaluation mode under `weights()`."""


class Engine(Protocol):
    """Makes trainers, and runs networks that are trained."""

    name: str

    def settings(self, recipe: Recipe | None = None) -> dict[str, Any]:
        """Return what of the engine may change the numbers (its name, its device's kind), as JSON values.

        With `recipe`, of a training by it: "mixed" precision means another arithmetic on another machine.
        """

    def trainer(self, architecture: Architecture, recipe: Recipe, seed: int, count: int) -> Trainer:
        """Return a trainer with first weights drawn."""

    def logits(
        self, architecture: Architecture, weights: Weights, images: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Return the logits (n, classes) float32 of `images` (n, ...) in evaluation mode.

        The arithmetic is float32; float64 where the images are float64, so that what comes out does not
        depend on how many images go in together.
        """


def check_fit(architecture: Architecture, images: NDArray[Any], classes: int | None = None) -> None:
    """Raise `NetworkError` unless `images` (and `classes`) fit the network.

    Images fit where their values, a channel axis added if there is none, can be reshaped to the network's
    input.
    """
    wanted, got = architecture.input_shape, images.shape[1:]
    name = architecture.name or "The network"
    if len(wanted) == 3:
        channels, height, width = wanted
        fits = got in {(channels * height * width,), (height, width, channels)} or (
            channels == 1 and got == wanted[1:]
        )
    else:
        fits = int(np.prod(got)) == wanted[0]
    if not fits:
        raise NetworkError(f"{name} takes images of shape {wanted}; these have shape {tuple(got)}.")
    if classes is not None and classes > architecture.classes:
        raise NetworkError(f"{name} tells {architecture.classes} classes apart; the data has {classes}.")


def check_shapes(name: str, wanted: Mapping[str, Shape], found: Mapping[str, Shape]) -> None:
    """Raise `NetworkError` unless arrays of the shapes `found` are those of the network `name`, by key."""
    for key in dict.fromkeys([*wanted, *found]):
        if wanted.get(key) != found.get(key):
            raise NetworkError(
                f"These weights are not those of {name or 'the network'}: {key} should have shape "
                f"{wanted.get(key)}, it has {found.get(key)} (None: it is not there)."
            )


def decayed(architecture: Architecture) -> list[str]:
    """Return the keys that weight decay touches: the weights of dense and convolutional layers."""
    kinds = (Dense, Conv, DepthwiseConv)
    return [f"{node.name}.weight" for node in architecture.walk() if isinstance(node.layer, kinds)]


def as_input(architecture: Architecture, images: NDArray[Any], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """Return `images` as the network's input: (n, *input_shape), uint8 scaled to [0, 1], then normalized."""
    count = len(images)
    if len(architecture.input_shape) == 3 and images.ndim == 4:
        images = images.transpose(0, 3, 1, 2)
    x = images.reshape(count, *architecture.input_shape).astype(dtype)
    if images.dtype == np.uint8:
        x *= dtype(1 / 255)
    if architecture.mean != 0.0 or architecture.std != 1.0:
        x = (x - dtype(architecture.mean)) / dtype(architecture.std)
    return x


def short_of_memory(error: Exception) -> bool:
    """Return whether it is torch's error of a device whose memory does not suffice.

    By its name, since torch need not be installed.
    """
    return type(error).__name__ == "OutOfMemoryError"
