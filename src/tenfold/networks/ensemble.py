"""Several networks of one architecture side by side, as one network that gives the mean of their logits.

Every member keeps channels of its own: each convolution but the first becomes a grouped one, and the last
dense layer adds up. So an ensemble is a network like any other, to predict with, to export and to store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import NetworkError
from tenfold.networks.architecture import Architecture
from tenfold.networks.layers import Conv, Dense, Layer, Residual, Softmax

Weights = Mapping[str, NDArray[np.float32]]


def side_by_side(architecture: Architecture, members: int) -> Architecture:
    """Return the network that `members` networks of `architecture` are together.

    Raises
    ------
    NetworkError
        It does not begin with an ungrouped convolution, end with its only dense layer, or has a softmax
        within: then the members could not be kept apart.
    """
    first, *middle, last = architecture.layers
    name = architecture.name or "The network"
    if not isinstance(first, Conv) or first.groups != 1 or not isinstance(last, Dense):
        raise NetworkError(
            f"{name} cannot be put side by side with others: it must begin with a convolution without groups "
            f"and end with a dense layer. It begins with {first} and ends with {last}."
        )
    layers = (_stem(first, members), *(_grouped(layer, members, name) for layer in middle), last)
    return replace(architecture, layers=layers, name="")


def join(architecture: Architecture, weights: Sequence[Weights]) -> dict[str, NDArray[np.float32]]:
    """Return the weights of ``side_by_side(architecture, len(weights))``.

    Parameters
    ----------
    architecture : Architecture
        Of each member.
    weights : sequence of dict of float32 arrays
        Each member's, by key.

    Returns
    -------
    joined : dict of float32 arrays
    """
    last = architecture.nodes[-1].name
    joined: dict[str, NDArray[Any]] = {}
    for key in weights[0]:
        each = [member[key] for member in weights]
        if key == f"{last}.weight":
            joined[key] = np.concatenate(each, axis=1) / np.float32(len(weights))
        elif key == f"{last}.bias":
            joined[key] = np.mean(each, axis=0)
        else:
            joined[key] = np.concatenate(each)
    return joined


def _stem(layer: Conv, members: int) -> Conv:
    return replace(layer, channels=layer.channels * members)


def _grouped(layer: Layer, members: int, name: str) -> Layer:
    if isinstance(layer, Conv):
        return replace(_stem(layer, members), groups=layer.groups * members)
    if isinstance(layer, Residual):
        body, shortcut = (
            tuple(_grouped(inner, members, name) for inner in path) for path in (layer.body, layer.shortcut)
        )
        return replace(layer, body=body, shortcut=shortcut)
    if isinstance(layer, Dense | Softmax):
        raise NetworkError(f"{name} cannot be put side by side with others: {layer} would mix its members.")
    return layer
