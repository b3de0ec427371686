"""What an operation promises: what a layer does to numbers, forward and backward.

With ``x`` what goes in, ``y`` what comes out, and ``dy`` the gradient of the loss by ``y``, an operation
answers three questions, always in this order:

- `Operation.forward`: what is ``y``?
- `Operation.gradients`: given ``dy``, what are the gradients by the layer's own weights?
- `Operation.backward`: given the same ``dy``, what is ``dx``?

All arrays have the batch first: (n, features) or (n, channels, height, width), float32 or float64.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from tenfold.networks.architecture import Node
from tenfold.networks.layers import Layer

Array = NDArray[np.floating[Any]]
Arrays = dict[str, Array]
L = TypeVar("L", bound=Layer)


@dataclass(frozen=True)
class Moment:
    """The training step a forward pass belongs to; dropout's masks follow from it.

    Attributes
    ----------
    seed, step : int
    """

    seed: int
    step: int


class Operation(ABC, Generic[L]):
    """What a layer does to numbers.

    Parameters
    ----------
    node : Node
        The layer in its place in the network.
    weights : dict of arrays
        Those of the whole network, by key. They are used where they lie: change them in place.
    """

    def __init__(self, node: Node, weights: Arrays) -> None:
        self.name = node.name
        # `numpy_layers.OPERATIONS` pairs each layer with its own operation, so the type is right.
        self.layer: L = node.layer  # type: ignore[assignment]
        self.weight: Any = weights.get(f"{node.name}.weight")  # None in a layer that has none
        self.bias: Any = weights.get(f"{node.name}.bias")

    @abstractmethod
    def forward(self, x: Array, moment: Moment | None) -> Array:
        """Return y. `moment` is None in evaluation."""

    def gradients(self, dy: Array) -> Arrays:
        """Return the gradient of each of the layer's weights, by key."""
        return {}

    @abstractmethod
    def backward(self, dy: Array) -> Array:
        """Return dx."""

    def _by_key(self, weight: Array, bias: Array) -> Arrays:
        """Return the gradients by key; the bias's only if the layer has one."""
        found = {f"{self.name}.weight": weight}
        return found if self.bias is None else found | {f"{self.name}.bias": bias}
