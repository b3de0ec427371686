"""The NumPy engine: what the base install predicts with, and the reference that torch is proven against."""

from __future__ import annotations

from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.augment import apply
from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingDiverged, lookup
from tenfold.networks.architecture import Architecture
from tenfold.seeds import epoch_order, generator
from tenfold.training.engine import (
    Arrays,
    EpochResult,
    Trainer,
    as_input,
    check_fit,
    check_shapes,
    decayed,
)
from tenfold.training.initializers import Weights
from tenfold.training.numpy_layers import Chain
from tenfold.training.numpy_losses import LOSSES, cross_entropy, targets
from tenfold.training.numpy_operation import Moment
from tenfold.training.numpy_optimizers import Stepper
from tenfold.training.published_backward import BACKWARDS, operations
from tenfold.training.recipe import Recipe

_EVALUATION_VALUES = 2**19
"""How many values of its widest layer a network computes at once in evaluation: 2 MiB of float32."""


class NumpyTrainer(Trainer):
    """One network being trained in NumPy; see `Trainer`, and `NumpyEngine` for `backward`."""

    def __init__(
        self, architecture: Architecture, recipe: Recipe, seed: int, count: int, backward: str = "true"
    ) -> None:
        super().__init__(architecture, recipe, seed, count)
        self._operations = operations(backward, architecture)
        self._dtype: type[np.floating[Any]] = np.float64 if recipe.precision == "float64" else np.float32
        self._told: tuple[Dataset, NDArray[np.float32] | None] | None = None
        self._scaled: tuple[Dataset, NDArray[Any]] | None = None
        self.load_weights(self.first_weights())

    def load_weights(self, weights: Weights) -> None:
        _check_weights(self.architecture, weights)
        self.done = 0
        self._weights: Arrays = {key: weights[key].astype(self._dtype) for key in _shapes(self.architecture)}
        self._means = (
            {key: np.zeros_like(array) for key, array in self._weights.items()} if self.recipe.ema else {}
        )
        self._chain = Chain(self.architecture.nodes, self._weights, self._operations)
        trained = {key: self._weights[key] for key in self.architecture.parameter_shapes}
        self._stepper = Stepper(self.recipe.optimizer, trained, decayed(self.architecture))

    def step(self, images: NDArray[Any], labels: NDArray[np.int64]) -> float:
        return self._step(as_input(self.architecture, images, self._dtype), labels, self.told(images))[0]

    def run_epoch(self, data: Dataset, epoch: int) -> EpochResult:
        count, size = len(data), self.recipe.batch(len(data))
        order = np.arange(count) if self.whole else epoch_order(self.seed, epoch, count)
        draw = None
        if self.recipe.augments(epoch):
            draw = self.recipe.augmentation.draw(
                count, data.images.shape[1:3], generator(self.seed, "augment", epoch)
            )
        if self._told is None or self._told[0] is not data:
            self._told = data, self.told(data.images)
        told = self._told[1]
        loss = hits = 0.0
        for start in range(0, count, size):
            batch = order[start : start + size]
            if draw is not None:
                images = data.images[batch]
                images = apply(images, draw.take(batch)) * np.float32(
                    1 / 255 if images.dtype == np.uint8 else 1
                )
                x = as_input(self.architecture, images, self._dtype)
            elif self.whole:
                x = self._all_scaled(data)
            else:
                x = as_input(self.architecture, data.images[batch], self._dtype)
            batch_loss, batch_hits = self._step(x, data.labels[batch], None if told is None else told[batch])
            loss += batch_loss * len(batch)
            hits += batch_hits
            self.report((start + len(batch)) / count)
        return EpochResult(loss / count, hits / count, self.rate(self.done - 1))

    def _all_scaled(self, data: Dataset) -> NDArray[Any]:
        if self._scaled is None or self._scaled[0] is not data:
            self._scaled = data, as_input(self.architecture, data.images, self._dtype)
        return self._scaled[1]

    def last_batch(self) -> tuple[float, float]:
        return self._last_batch

    def weights(self) -> Weights:
        if self._means and self.done:
            correction = 1 - self.recipe.ema**self.done
            return {key: (mean / correction).astype(np.float32) for key, mean in self._means.items()}
        return {key: array.astype(np.float32) for key, array in self._weights.items()}

    def state(self) -> Arrays:
        return {"done": np.array(self.done)} | {key: array.copy() for key, array in self._arrays().items()}

    def load_state(self, state: Arrays) -> None:
        self.check_state(state)
        self.done = int(state["done"])
        for key, array in self._arrays().items():
            array[...] = state[key]

    def logits(self, images: NDArray[Any]) -> NDArray[np.float32]:
        return NumpyEngine().logits(self.architecture, self.weights(), images)

    def logits_of(
        self, architecture: Architecture, weights: Weights, images: NDArray[Any]
    ) -> NDArray[np.float32]:
        return NumpyEngine().logits(architecture, weights, images)

    def _step(
        self, x: NDArray[Any], labels: NDArray[np.int64], told: NDArray[np.float32] | None
    ) -> tuple[float, int]:
        """Do one step on inputs `x`; return the loss, and how many were told right."""
        rate = self.rate(self.done)
        # A training that runs away overflows on its way: the loss tells, so NumPy need not.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            logits = self._chain.forward(x, Moment(self.seed, self.done))
            wanted = targets(labels, logits.shape[1], self.recipe.label_smoothing, logits.dtype)
            loss, gradient = LOSSES[self.recipe.loss](logits, wanted)
            if told is not None:
                how = self.recipe.distillation
                softened = logits / self._dtype(how.temperature)
                apart, pull = cross_entropy(softened, told.astype(self._dtype))
                loss = (1 - how.weight) * loss + how.weight * how.temperature**2 * apart
                gradient = (1 - how.weight) * gradient + how.weight * how.temperature * pull
            if not isfinite(loss):
                raise TrainingDiverged(
                    f"The loss became {loss} in epoch {self.done // self.steps_per_epoch + 1} of "
                    f"{self.recipe.epochs}, at a learning rate of {rate:.3g}. Try a smaller optimizer.lr."
                )
            _, gradients = self._chain.backward(gradient, down_to_input=False)
            self.done += 1
            self._stepper.step(self._weights, gradients, rate, self.done)
        for key, mean in self._means.items():
            mean += (1 - self.recipe.ema) * (self._weights[key] - mean)
        hits = int((logits.argmax(axis=1) == labels).sum())
        self._last_batch = (loss, hits / len(labels))
        return loss, hits

    def _arrays(self) -> Arrays:
        """Return the arrays of the state themselves, by their keys there."""
        arrays = {f"weights/{key}": array for key, array in self._weights.items()}
        arrays |= {f"means/{key}": array for key, array in self._means.items()}
        for key, slots in self._stepper.slots.items():
            arrays |= {f"{name}/{key}": array for name, array in slots.items()}
        return arrays


class NumpyEngine:
    """The engine written in NumPy alone; see `Engine`.

    Parameters
    ----------
    backward : str
        "true", or the name of a backward pass as a paper printed it (`published_backward`).
    """

    name = "numpy"

    def __init__(self, backward: str = "true") -> None:
        lookup("backward pass", backward, dict.fromkeys(BACKWARDS))
        self.backward = backward

    def settings(self, recipe: Recipe | None = None) -> dict[str, Any]:
        """Return what of the engine may change the numbers; "mixed" precision is float32 here, always."""
        return {"name": self.name} | ({} if self.backward == "true" else {"backward": self.backward})

    def trainer(self, architecture: Architecture, recipe: Recipe, seed: int, count: int) -> NumpyTrainer:
        """Return a trainer with first weights drawn."""
        return NumpyTrainer(architecture, recipe, seed, count, self.backward)

    def logits(
        self, architecture: Architecture, weights: Weights, images: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Return the logits (n, classes) of `images` (n, ...); float64 ones in float64 arithmetic."""
        check_fit(architecture, images)
        _check_weights(architecture, weights)
        dtype = np.float64 if images.dtype == np.float64 else np.float32
        chain = Chain(architecture.nodes, {key: array.astype(dtype) for key, array in weights.items()})
        widest = max(prod(node.output_shape) for node in architecture.walk())
        size = max(_EVALUATION_VALUES // widest, 1)
        logits = np.empty((len(images), architecture.classes), np.float32)
        for start in range(0, len(images), size):
            part = slice(start, start + size)
            logits[part] = chain.forward(as_input(architecture, images[part], dtype))
        return logits


def _shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    return architecture.parameter_shapes | architecture.statistic_shapes


def _check_weights(architecture: Architecture, weights: Weights) -> None:
    found = {key: array.shape for key, array in weights.items()}
    check_shapes(architecture.name, _shapes(architecture), found)
