"""The arithmetic of like networks at once: their layers lie above one another, their images side by side.

Arrays are (members, features, n), so that each line of memory is one feature of many images: what is done to
every image, such as the softmax over ten classes, is done to long lines. Activations are those of
`numpy_activations`, which ask for no more than that features are the second axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.networks import layers
from tenfold.networks.architecture import Node
from tenfold.training.numpy_activations import softmax
from tenfold.training.numpy_layers import Chain
from tenfold.training.numpy_operation import Array, Arrays, Moment, Operation

ACTIVATIONS = (
    layers.ReLU,
    layers.LeakyReLU,
    layers.Sigmoid,
    layers.Tanh,
    layers.GELU,
    layers.Softmax,
)
"""Those that work on stacks as they are."""


class StackedDense(Operation[layers.Dense]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.x = x
        y: Array = self.weight @ x
        if self.bias is not None:
            y += self.bias[:, :, None]
        return y

    def gradients(self, dy: Array) -> Arrays:
        return self._by_key(weight=dy @ self.x.swapaxes(1, 2), bias=dy.sum(axis=2))

    def backward(self, dy: Array) -> Array:
        dx: Array = self.weight.swapaxes(1, 2) @ dy
        return dx


Draw = Callable[[str, int, float], NDArray[np.bool_]]
"""Returns what a dropout layer, told by its name, width and rate, keeps: (members or 1, width, n)."""


class StackedDropout(Operation[layers.Dropout]):
    draw: Draw
    """Set before each piece of the images."""

    def forward(self, x: Array, moment: Moment | None) -> Array:
        kept = self.draw(self.name, x.shape[1], self.layer.rate)
        self.mask = np.multiply(kept, 1 / (1 - self.layer.rate), dtype=x.dtype)
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy * self.mask


class Stack:
    """Like networks without their first layers, on which they differ in nothing but numbers.

    Parameters
    ----------
    nodes : sequence of Node
        Those after the first layer: dense layers, dropout and `ACTIVATIONS`.
    weights : list of dict of arrays
        Of every member; copied.
    operations : mapping of layer types to operations
        For the activations.
    loss : str
        One of `STACKED_LOSSES`.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        weights: Sequence[Arrays],
        operations: Mapping[type[layers.Layer], type[Operation[Any]]],
        loss: str,
    ) -> None:
        self._loss = STACKED_LOSSES[loss]
        keys = [key for node in nodes for key in node.parameters]
        self.weights: Arrays = {key: np.stack([each[key] for each in weights]) for key in keys}
        special: dict[type[layers.Layer], type[Operation[Any]]] = {
            layers.Dense: StackedDense,
            layers.Dropout: StackedDropout,
        }
        self._chain = Chain(nodes, self.weights, {**operations, **special})
        self.begin(weights)

    def begin(self, weights: Sequence[Arrays]) -> None:
        """Make ready for a step with the members' `weights`."""
        for key, array in self.weights.items():
            np.stack([each[key] for each in weights], out=array)
        self.gradients = {key: np.zeros_like(array) for key, array in self.weights.items()}
        self.losses = np.zeros(len(weights))
        """Sums over the images so far, (members,)."""
        self.hits = np.zeros(len(weights), np.int64)
        """Images told right, where they were counted, (members,)."""

    def learn(self, z: Array, wanted: Array, draw: Draw, labels: NDArray[np.int64] | None = None) -> Array:
        """Pass a piece of the images through and back, and return the gradient of the summed loss by `z`.

        Parameters
        ----------
        z : (members, units, n)
            What came out of the first layers.
        wanted : (classes, n)
            The targets.
        draw : function
            For dropout.
        labels : (n,) int64 or None
            To count who is told right.
        """
        for operation in self._chain.operations:
            if isinstance(operation, StackedDropout):
                operation.draw = draw
        logits = self._chain.forward(z)
        if labels is not None:
            self.hits += (logits.argmax(axis=1) == labels).sum(axis=1)
        losses, dy = self._loss(logits, wanted)
        self.losses += losses
        dz, gradients = self._chain.backward(dy)
        for key, gradient in gradients.items():
            self.gradients[key] += gradient
        return dz


def cross_entropy(logits: Array, wanted: Array) -> tuple[Array, Array]:
    """Return the cross-entropy of each member (members,), summed over images, and its gradient by `logits`.

    Parameters
    ----------
    logits : (members, classes, n)
    wanted : (classes, n)
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    told = shifted.reshape(len(logits), -1) @ wanted.reshape(-1)
    probabilities = np.exp(shifted, out=shifted)
    sums = probabilities.sum(axis=1, keepdims=True)
    losses = np.log(sums).sum(axis=(1, 2)) - told
    probabilities *= np.reciprocal(sums, out=sums)
    probabilities -= wanted
    return losses, probabilities


def squared_error(logits: Array, wanted: Array) -> tuple[Array, Array]:
    """Return the squared distance of the softmax from `wanted`, and its gradient; as `cross_entropy`."""
    probabilities = softmax(logits)
    distance = probabilities - wanted
    along = (probabilities * distance).sum(axis=1, keepdims=True)
    return np.square(distance).sum(axis=(1, 2)), 2 * probabilities * (distance - along)


STACKED_LOSSES: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "cross-entropy": cross_entropy,
    "squared-error": squared_error,
}
