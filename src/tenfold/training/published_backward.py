"""Backward passes as papers printed them, mistakes included, for studies that ask what a mistake did.

Nothing but a study should train with these: they are not the gradient of the loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tenfold.errors import lookup
from tenfold.networks import layers
from tenfold.networks.architecture import Architecture, Node
from tenfold.training.numpy_layers import OPERATIONS
from tenfold.training.numpy_operation import Array, Arrays, Moment, Operation

Operations = Mapping[type[layers.Layer], type[Operation[Any]]]

BACKWARDS = ("true", "shrestha")
"""The true gradient; or the one that Shrestha and Paudel's listing computes."""


class PublishedBackwardWithoutDropout(Operation[layers.Layer]):
    """An activation whose backward pass multiplies by ``relu(x)`` itself, whatever the activation.

    Shrestha and Paudel, appendix A: ``dZ = W.T @ dZ_next * relu(Z)``. Where the derivative of the activation
    belongs stands the value of another one: unbounded, and zero wherever the input is negative.
    """

    def __init__(self, node: Node, weights: Arrays) -> None:
        super().__init__(node, weights)
        self.true = OPERATIONS[type(node.layer)](node, weights)

    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.x = x
        return self.true.forward(x, moment)

    def backward(self, dy: Array) -> Array:
        dx: Array = dy * np.maximum(self.x, 0)
        return dx


class PublishedBackwardWithDropout(PublishedBackwardWithoutDropout):
    """An activation whose backward pass leaves its derivative out.

    The branch that the same listing takes for a network with dropout: ``dZ = W.T @ dZ_next * mask``.
    """

    def backward(self, dy: Array) -> Array:
        return dy


def operations(backward: str, architecture: Architecture) -> Operations:
    """Return what each layer does to numbers under one of `BACKWARDS`.

    Raises
    ------
    UnknownNameError
        There is no such backward pass.
    """
    lookup("backward pass", backward, dict.fromkeys(BACKWARDS))
    if backward == "true":
        return OPERATIONS
    drops = any(isinstance(node.layer, layers.Dropout) for node in architecture.walk())
    published = PublishedBackwardWithDropout if drops else PublishedBackwardWithoutDropout
    return OPERATIONS | dict.fromkeys((layers.ReLU, layers.Sigmoid, layers.Tanh), published)
