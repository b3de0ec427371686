"""The arithmetic of each layer, from scratch in NumPy.

A layer's value (`networks.layers`) says what it is; its `Operation` here says what it does to numbers
(`numpy_operation` says how to read one). To add a layer, write its operation and name it in `OPERATIONS`.
`Chain` lets a list of layers do the same as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tenfold import seeds
from tenfold.networks import layers
from tenfold.networks.architecture import Node
from tenfold.training.numpy_activations import GELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from tenfold.training.numpy_operation import Array, Arrays, Moment, Operation

COLUMN_VALUES = 2**20
"""How many values a convolution unfolds at once: 4 MiB of float32, so that they stay in the cache."""


class Dense(Operation[layers.Dense]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.x = x
        y: Array = x @ self.weight.T
        if self.bias is not None:
            y += self.bias
        return y

    def gradients(self, dy: Array) -> Arrays:
        return self._by_key(weight=dy.T @ self.x, bias=dy.sum(axis=0))

    def backward(self, dy: Array) -> Array:
        dx: Array = dy @ self.weight
        return dx


class Conv(Operation[layers.Conv]):
    """Convolution as a product of matrices.

    Every window of the image is unfolded into a column; the kernels, a row each, times the columns are all
    outputs at once. The columns repeat each pixel kernel**2 times, so they are made for some images at a time
    and made again in the backward pass rather than kept.
    """

    def __init__(self, node: Node, weights: Arrays) -> None:
        super().__init__(node, weights)
        self.output_shape = node.output_shape

    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.x = x
        layer, (channels, height, width) = self.layer, self.output_shape
        rows = self.weight.reshape(layer.groups, channels // layer.groups, -1)
        y = np.empty((len(x), layer.groups, channels // layer.groups, height * width), x.dtype)
        for part in self._parts(len(x)):
            np.matmul(rows, self._unfold(x[part]), out=y[part])
        y = y.reshape(len(x), channels, height, width)
        if self.bias is not None:
            y += self.bias[:, None, None]
        return y

    def gradients(self, dy: Array) -> Arrays:
        weight = np.zeros_like(self.weight)
        by_group = self._grouped(dy)
        for part in self._parts(len(dy)):
            columns = self._unfold(self.x[part])
            products = np.matmul(by_group[part], columns.swapaxes(2, 3))
            weight += products.sum(axis=0).reshape(weight.shape)
        return self._by_key(weight, bias=dy.sum(axis=(0, 2, 3)))

    def backward(self, dy: Array) -> Array:
        dx = np.empty_like(self.x)
        by_group = self._grouped(dy)
        rows = self.weight.reshape(self.layer.groups, by_group.shape[2], -1)
        for part in self._parts(len(dy)):
            dx[part] = self._fold(np.matmul(rows.swapaxes(1, 2), by_group[part]))
        return dx

    def _grouped(self, dy: Array) -> Array:
        """Return `dy` as (n, groups, channels of a group, pixels)."""
        return dy.reshape(len(dy), self.layer.groups, dy.shape[1] // self.layer.groups, -1)

    def _parts(self, count: int) -> Iterator[slice]:
        """Yield slices of the batch whose columns are some `COLUMN_VALUES` values each."""
        of_one = self.layer.groups * prod(self.weight.shape[1:]) * prod(self.output_shape[1:])
        size = max(COLUMN_VALUES // of_one, 1)
        return (slice(start, start + size) for start in range(0, count, size))

    def _unfold(self, x: Array) -> Array:
        """Return the windows of `x` as (n, groups, values of a window, windows)."""
        layer, pad = self.layer, self.layer.pad
        if pad:
            x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = sliding_window_view(x, (layer.kernel, layer.kernel), axis=(2, 3))
        windows = windows[:, :, :: layer.stride, :: layer.stride].transpose(0, 1, 4, 5, 2, 3)
        return windows.reshape(len(x), layer.groups, prod(self.weight.shape[1:]), -1)

    def _fold(self, columns: Array) -> Array:
        """Add every window of `columns` (as from `_unfold`) back to where it came from."""
        kernel, stride, pad = self.layer.kernel, self.layer.stride, self.layer.pad
        channels, height, width = self.x.shape[1:]
        _, rows, cols = self.output_shape
        windows = columns.reshape(len(columns), channels, kernel, kernel, rows, cols)
        x = np.zeros((len(columns), channels, height + 2 * pad, width + 2 * pad), columns.dtype)
        for i in range(kernel):
            for j in range(kernel):
                x[:, :, i : i + stride * rows : stride, j : j + stride * cols : stride] += windows[:, :, i, j]
        return x[:, :, pad : pad + height, pad : pad + width]


class DepthwiseConv(Conv):
    def __init__(self, node: Node, weights: Arrays) -> None:
        super().__init__(node, weights)
        assert isinstance(node.layer, layers.DepthwiseConv)
        self.layer = node.layer.as_conv(node.input_shape[0])


class _Pool(Operation[layers.MaxPool | layers.AveragePool]):
    """What both kinds of pooling share: the pixels at one place of every window, place by place."""

    def __init__(self, node: Node, weights: Arrays) -> None:
        super().__init__(node, weights)
        self.output_shape = node.output_shape

    def _places(self, x: Array) -> Iterator[Array]:
        """Yield a view (n, channels, *windows) of `x` for each place of the window, row by row."""
        size, step = self.layer.size, self.layer.step
        _, rows, columns = self.output_shape
        for i in range(size):
            for j in range(size):
                yield x[:, :, i : i + step * rows : step, j : j + step * columns : step]


class MaxPool(_Pool):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        places = self._places(x)
        y = next(places).copy()
        for values in places:
            np.maximum(y, values, out=y)
        self.x, self.y = x, y
        return y

    def backward(self, dy: Array) -> Array:
        # Where several places of a window are equally large, the first takes the whole gradient.
        dx = np.zeros_like(self.x)
        open_ = np.ones(dy.shape, bool)
        for values, gradient in zip(self._places(self.x), self._places(dx), strict=True):
            largest = (values == self.y) & open_
            gradient += dy * largest
            open_ ^= largest
        return dx


class AveragePool(_Pool):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.x = x
        places = self._places(x)
        y = next(places).copy()
        for values in places:
            y += values
        y *= 1 / self.layer.size**2
        return y

    def backward(self, dy: Array) -> Array:
        dx = np.zeros_like(self.x)
        share = dy * (1 / self.layer.size**2)
        for gradient in self._places(dx):
            gradient += share
        return dx


class GlobalAveragePool(Operation[layers.GlobalAveragePool]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.shape = x.shape
        y: Array = x.mean(axis=(2, 3))
        return y

    def backward(self, dy: Array) -> Array:
        share = dy * (1 / prod(self.shape[2:]))
        return np.broadcast_to(share[:, :, None, None], self.shape)


class Flatten(Operation[layers.Flatten]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.shape)


class Dropout(Operation[layers.Dropout]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        if moment is None:
            return x
        stream = seeds.key(moment.seed, "dropout", moment.step, self.name)
        kept = (seeds.uniform(stream, x.size) >= self.layer.rate).reshape(x.shape)
        self.mask = kept.astype(x.dtype) * (1 / (1 - self.layer.rate))
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy * self.mask


class BatchNorm(Operation[layers.BatchNorm]):
    def __init__(self, node: Node, weights: Arrays) -> None:
        super().__init__(node, weights)
        self.mean = weights[f"{node.name}.mean"]
        self.variance = weights[f"{node.name}.variance"]
        # Over the batch and, in images, over all places: everything but the channels.
        self.axes = (0, 2, 3) if len(node.input_shape) == 3 else (0,)

    def forward(self, x: Array, moment: Moment | None) -> Array:
        if moment is None:
            scale = self.weight / np.sqrt(self.variance + self.layer.epsilon)
            return x * self._over(scale) + self._over(self.bias - self.mean * scale)
        mean = x.mean(axis=self.axes)
        centered = x - self._over(mean)
        variance = np.square(centered).mean(axis=self.axes)
        self.deviation = np.sqrt(variance + self.layer.epsilon)
        self.normal = centered / self._over(self.deviation)
        self._remember(mean, variance, count=x.size // len(mean))
        return self.normal * self._over(self.weight) + self._over(self.bias)

    def gradients(self, dy: Array) -> Arrays:
        return self._by_key(weight=(dy * self.normal).sum(axis=self.axes), bias=dy.sum(axis=self.axes))

    def backward(self, dy: Array) -> Array:
        # The batch's own mean and deviation depend on x too: what dy has along them has no effect.
        along_mean = self._over(dy.mean(axis=self.axes))
        along_deviation = self.normal * self._over((dy * self.normal).mean(axis=self.axes))
        return (dy - along_mean - along_deviation) * self._over(self.weight / self.deviation)

    def _remember(self, mean: Array, variance: Array, count: int) -> None:
        """Let the batch's statistics enter the running ones, the variance without its bias."""
        unbiased = variance * (count / max(count - 1, 1))
        for running, batch in ((self.mean, mean), (self.variance, unbiased)):
            running += self.layer.momentum * (batch - running)

    def _over(self, values: Array) -> Array:
        """Return one value a channel in a shape that spreads over the batch."""
        return values[:, None, None] if len(self.axes) == 3 else values


class Residual(Operation[layers.Residual]):
    def __init__(self, node: Node, weights: Arrays) -> None:
        super().__init__(node, weights)
        self.body, self.shortcut = Chain(node.body, weights), Chain(node.shortcut, weights)

    def forward(self, x: Array, moment: Moment | None) -> Array:
        return self.body.forward(x, moment) + self.shortcut.forward(x, moment)

    def gradients(self, dy: Array) -> Arrays:
        through_body, of_body = self.body.backward(dy)
        through_shortcut, of_shortcut = self.shortcut.backward(dy)
        self.dx = through_body + through_shortcut
        return of_body | of_shortcut

    def backward(self, dy: Array) -> Array:
        return self.dx


OPERATIONS: dict[type[layers.Layer], type[Operation[Any]]] = {
    layers.Dense: Dense,
    layers.Conv: Conv,
    layers.DepthwiseConv: DepthwiseConv,
    layers.MaxPool: MaxPool,
    layers.AveragePool: AveragePool,
    layers.GlobalAveragePool: GlobalAveragePool,
    layers.Dropout: Dropout,
    layers.BatchNorm: BatchNorm,
    layers.Flatten: Flatten,
    layers.Residual: Residual,
    layers.ReLU: ReLU,
    layers.LeakyReLU: LeakyReLU,
    layers.Sigmoid: Sigmoid,
    layers.Tanh: Tanh,
    layers.Softmax: Softmax,
    layers.GELU: GELU,
}


class Chain:
    """Layers one after another: a whole network, or a branch of a residual block.

    Parameters
    ----------
    nodes : sequence of Node
    weights : dict of arrays
        As for `Operation`.
    operations : mapping of layer types to operations, or None
        Instead of `OPERATIONS`.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        weights: Arrays,
        operations: Mapping[type[layers.Layer], type[Operation[Any]]] | None = None,
    ) -> None:
        known = operations or OPERATIONS
        self.operations = [known[type(node.layer)](node, weights) for node in nodes]
        trained = [
            place for place, node in enumerate(nodes) if any(inner.parameters for inner in node.walk())
        ]
        self._first_trained = min(trained, default=len(nodes))

    def forward(self, x: Array, moment: Moment | None = None) -> Array:
        """Return what comes out of the last layer; `moment` is None in evaluation."""
        for operation in self.operations:
            x = operation.forward(x, moment)
        return x

    def backward(self, dy: Array, *, down_to_input: bool = True) -> tuple[Array, Arrays]:
        """Return dx and the gradients of all weights.

        Without `down_to_input` the work ends at the first layer that has weights, and what is returned as dx
        is meaningless: a training has no use for the gradient of the pictures.
        """
        gradients: Arrays = {}
        for place in reversed(range(len(self.operations))):
            gradients |= self.operations[place].gradients(dy)
            if not down_to_input and place <= self._first_trained:
                break
            dy = self.operations[place].backward(dy)
        return dy, gradients
