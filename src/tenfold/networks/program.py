"""The one form that all exports start from: a list of plain operations with their arrays.

Dropout is gone, a residual block is two paths and an addition, batch norm is a scale and an offset a
channel, and the scaling of the pixels is an operation like the others. Each operation reads values by number
and writes one; value 0 is the picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import ExportError
from tenfold.networks import layers
from tenfold.networks.architecture import Architecture, Node
from tenfold.networks.layers import Shape

Array = NDArray[Any]
PICTURE = 0


@dataclass(frozen=True, eq=False)
class Operation:
    """What every operation has.

    Attributes
    ----------
    inputs : tuple of int
        The values it reads.
    output : int
        The value it writes.
    shape : tuple of int
        The shape of what it writes, for one image: ``(features,)`` or ``(channels, height, width)``.
    """

    inputs: tuple[int, ...]
    output: int
    shape: Shape


@dataclass(frozen=True, eq=False)
class Normalize(Operation):
    """``pixel * scale + offset``; pixels that lie channel by channel in each place become channels."""

    scale: float
    offset: float


@dataclass(frozen=True, eq=False)
class Conv(Operation):
    """Convolution with `weight` (out, in / groups, kernel, kernel) and `bias` (out,)."""

    weight: Array
    bias: Array
    stride: int
    pad: int
    groups: int


@dataclass(frozen=True, eq=False)
class Dense(Operation):
    """``weight @ x + bias`` with `weight` (units, features) and `bias` (units,)."""

    weight: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Affine(Operation):
    """``x * scale + offset``, both (channels,)."""

    scale: Array
    offset: Array


@dataclass(frozen=True, eq=False)
class MaxPool(Operation):
    """The largest value of each window of `size` x `size`, `step` apart."""

    size: int
    step: int


@dataclass(frozen=True, eq=False)
class Mean(Operation):
    """The mean of each window of `rows` x `columns`, `step` apart; a global mean has one window."""

    rows: int
    columns: int
    step: int


@dataclass(frozen=True, eq=False)
class Activation(Operation):
    """A nonlinearity: "relu", "leaky-relu" (with its slope), "sigmoid", "tanh", "gelu" or "softmax"."""

    kind: str
    slope: float = 0.0


@dataclass(frozen=True, eq=False)
class Flatten(Operation):
    """The same numbers in one row."""


@dataclass(frozen=True, eq=False)
class Add(Operation):
    """The sum of two values."""


@dataclass(frozen=True, eq=False)
class Program:
    """Operations in the order of computation.

    Attributes
    ----------
    input_shape : tuple of int
        The network's, channels first.
    operations : tuple of Operation
        The first is `Normalize`; the last writes the logits.
    """

    input_shape: Shape
    operations: tuple[Operation, ...]

    @property
    def output(self) -> int:
        """The value that holds the logits."""
        return self.operations[-1].output

    @property
    def shapes(self) -> dict[int, Shape]:
        """The shape of each value for one image."""
        return {PICTURE: self.input_shape} | {each.output: each.shape for each in self.operations}

    @property
    def logits(self) -> frozenset[int]:
        """The values that hold the logits, in any shape; none if one is read for something else too."""
        writers = {each.output: each for each in self.operations}
        found = [self.output]
        while isinstance(writer := writers[found[-1]], Flatten):
            found.append(writer.inputs[0])
        uses = self.uses()
        return frozenset(found) if all(uses[value] == 1 for value in found) else frozenset()

    def uses(self) -> Counter[int]:
        """How often each value is read; the logits are read once more, by the caller."""
        return Counter([place for each in self.operations for place in each.inputs] + [self.output])


def image_shape(shape: Shape) -> tuple[int, int, int]:
    """Return a shape as (channels, height, width): features are channels of one place."""
    channels, height, width = shape if len(shape) == 3 else (*shape, 1, 1)
    return channels, height, width


def picture_shape(input_shape: Shape) -> Shape:
    """Return the shape in which one picture of uint8 is handed over.

    ``(height, width)``, with ``channels`` behind where there are several; for 784 features the 28 x 28 they
    come from; else ``(features,)``.
    """
    if input_shape == (784,):
        return (28, 28)
    if len(input_shape) == 1:
        return input_shape
    channels, height, width = input_shape
    return (height, width) if channels == 1 else (height, width, channels)


def lower(architecture: Architecture, weights: Mapping[str, Array]) -> Program:
    """Return the program of a network, its arrays in float64 and nothing folded yet.

    Raises
    ------
    ExportError
        The network holds a layer that the program form does not know.
    """
    scaled = Normalize(
        (PICTURE,),
        PICTURE + 1,
        architecture.input_shape,
        scale=1 / (255 * architecture.std),
        offset=-architecture.mean / architecture.std,
    )
    operations: list[Operation] = [scaled]
    _lower_chain(architecture.nodes, weights, scaled.output, operations)
    return Program(architecture.input_shape, tuple(operations))


def rewired(operations: Iterable[Operation], old: int, new: int) -> tuple[Operation, ...]:
    """Return the operations, reading value `new` where they read `old`."""
    return tuple(
        replace(each, inputs=tuple(new if place == old else place for place in each.inputs))
        for each in operations
    )


def _lower_chain(
    nodes: Iterable[Node], weights: Mapping[str, Array], value: int, operations: list[Operation]
) -> int:
    """Append the operations of `nodes`, which read `value`; return the value that the last one writes."""
    for node in nodes:
        if isinstance(node.layer, layers.Dropout):
            continue
        if isinstance(node.layer, layers.Residual):
            body = _lower_chain(node.body, weights, value, operations)
            shortcut = _lower_chain(node.shortcut, weights, value, operations)
            operations.append(Add((body, shortcut), operations[-1].output + 1, node.output_shape))
        else:
            operations.append(_lower_node(node, weights, value, operations[-1].output + 1))
        value = operations[-1].output
    return value


def _lower_node(node: Node, weights: Mapping[str, Array], value: int, output: int) -> Operation:
    layer, shape = node.layer, node.output_shape
    place: tuple[tuple[int], int, Shape] = ((value,), output, shape)
    arrays = {
        key.rpartition(".")[2]: np.asarray(weights[key], np.float64)
        for key in (*node.parameters, *node.statistics)
    }
    bias = arrays.get("bias", np.zeros(shape[0]))
    if isinstance(layer, layers.Dense):
        return Dense(*place, arrays["weight"], bias)
    if isinstance(layer, layers.DepthwiseConv):
        layer = layer.as_conv(shape[0])
    if isinstance(layer, layers.Conv):
        return Conv(*place, arrays["weight"], bias, layer.stride, layer.pad, layer.groups)
    if isinstance(layer, layers.BatchNorm):
        scale = arrays["weight"] / np.sqrt(arrays["variance"] + layer.epsilon)
        return Affine(*place, scale, bias - arrays["mean"] * scale)
    if isinstance(layer, layers.MaxPool):
        return MaxPool(*place, layer.size, layer.step)
    if isinstance(layer, layers.AveragePool):
        return Mean(*place, layer.size, layer.size, layer.step)
    if isinstance(layer, layers.GlobalAveragePool):
        _, rows, columns = node.input_shape
        return Mean(*place, rows, columns, step=1)
    if isinstance(layer, layers.Flatten):
        return Flatten(*place)
    if isinstance(layer, layers.LeakyReLU):
        return Activation(*place, "leaky-relu", layer.slope)
    if type(layer) in _ACTIVATIONS:
        return Activation(*place, _ACTIVATIONS[type(layer)])
    raise ExportError(
        f"{node.name} is a layer of type {type(layer).__name__}, which no export form holds. "
        f"Those that can be exported: {', '.join(sorted({*layers.LAYERS}))}."
    )


_ACTIVATIONS: dict[type[layers.Layer], str] = {
    layers.ReLU: "relu",
    layers.Sigmoid: "sigmoid",
    layers.Tanh: "tanh",
    layers.GELU: "gelu",
    layers.Softmax: "softmax",
}
