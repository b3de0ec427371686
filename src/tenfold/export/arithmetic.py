"""What the operations of a program do to numbers, in NumPy: plain, and independent of the training engines.

The int8 arithmetic uses the same windows, on integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tenfold.errors import ExportError
from tenfold.networks.layers import Shape
from tenfold.networks.program import (
    PICTURE,
    Activation,
    Add,
    Affine,
    Array,
    Conv,
    Dense,
    Flatten,
    MaxPool,
    Mean,
    Normalize,
    Operation,
    Program,
)
from tenfold.training.erf import erf

BATCH = 100


def as_pictures(images: Array, input_shape: Shape) -> Array:
    """Return `images` as (n, *input_shape) uint8, channels first.

    Raises
    ------
    ExportError
        They are no uint8, or do not fit.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim < 2:
        raise ExportError(
            f"Exports take a batch of uint8 pictures, got {images.dtype} of shape {images.shape}. "
            "Scale them to 0 to 255 and convert them with .astype(numpy.uint8)."
        )
    shape = images.shape[1:]
    if np.prod(shape) != np.prod(input_shape):
        raise ExportError(f"The network takes pictures of {input_shape}; these have shape {shape}.")
    if len(input_shape) == 3 and input_shape[0] > 1:
        channels, height, width = input_shape
        images = images.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
    return images.reshape(-1, *input_shape)


def run(program: Program, images: Array) -> Array:
    """Return the logits (n, classes) float32 of uint8 `images`."""
    parts = [values[program.output] for values in values_of(program, images)]
    width = program.operations[-1].shape
    return np.concatenate(parts) if parts else np.empty((0, *width), np.float32)


def values_of(program: Program, images: Array) -> Iterator[dict[int, Array]]:
    """Yield all values of `images`, some images at a time."""
    pictures = as_pictures(images, program.input_shape)
    for start in range(0, len(pictures), BATCH):
        values = {PICTURE: pictures[start : start + BATCH]}
        for operation in program.operations:
            values[operation.output] = apply(operation, [values[place] for place in operation.inputs])
        yield values


def apply(operation: Operation, inputs: list[Array]) -> Array:
    """Return what one operation writes, in float32."""
    x = inputs[0]
    match operation:
        case Normalize():
            return x.astype(np.float32) * np.float32(operation.scale) + np.float32(operation.offset)
        case Conv():
            windows = padded_windows(x, operation)
            sums = products(operation.weight, windows, operation.groups) + operation.bias[:, None, None]
            return np.asarray(sums.reshape(len(x), *operation.shape))
        case Dense():
            return np.asarray(x @ operation.weight.T + operation.bias)
        case Affine():
            shape = (-1, *[1] * (x.ndim - 2))
            return np.asarray(x * operation.scale.reshape(shape) + operation.offset.reshape(shape))
        case MaxPool():
            return np.asarray(
                pool_windows(x, operation.size, operation.size, operation.step).max(axis=(4, 5))
            )
        case Mean():
            means = pool_windows(x, operation.rows, operation.columns, operation.step).mean(axis=(4, 5))
            return np.asarray(means.reshape(len(x), *operation.shape))
        case Activation():
            return activate(x, operation.kind, operation.slope)
        case Flatten():
            return x.reshape(len(x), -1)
        case Add():
            return np.asarray(x + inputs[1])
    raise ExportError(f"{type(operation).__name__} is no operation of a program in float32.")


def activate(x: Array, kind: str, slope: float = 0.0) -> Array:
    """Return a nonlinearity of `x`; softmax runs over the second axis."""
    match kind:
        case "relu":
            return np.asarray(np.maximum(x, 0))
        case "leaky-relu":
            return np.where(x > 0, x, x * x.dtype.type(slope))
        case "sigmoid":
            small = np.exp(-np.abs(x))
            return np.asarray(np.where(x >= 0, 1, small) / (1 + small))
        case "tanh":
            return np.asarray(np.tanh(x))
        case "gelu":
            return np.asarray(x * (0.5 + 0.5 * erf(x * x.dtype.type(sqrt(0.5)))))
        case "softmax":
            powers = np.exp(x - x.max(axis=1, keepdims=True))
            return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    raise ExportError(f"{kind!r} is no nonlinearity that an export knows.")


def largest(x: Array, pool: MaxPool) -> Array:
    """Return the largest value of each window; of integers too."""
    return np.asarray(pool_windows(x, pool.size, pool.size, pool.step).max(axis=(4, 5)))


def pool_windows(x: Array, rows: int, columns: int, step: int) -> Array:
    """Return the windows of `x` as a view (n, channels, places down, places across, rows, columns)."""
    return sliding_window_view(x, (rows, columns), axis=(2, 3))[:, :, ::step, ::step]


def padded_windows(x: Array, conv: Conv) -> Array:
    """Return the windows that a convolution sees; features are channels of one pixel."""
    if x.ndim == 2:
        x = x[:, :, None, None]
    pad, kernel = conv.pad, conv.weight.shape[2]
    if pad:
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    return pool_windows(x, kernel, kernel, conv.stride)


def products(weight: Array, windows: Array, groups: int) -> Array:
    """Return the sums (n, out, down, across) of `weight` times the windows of the group of each output."""
    n, _, down, across = windows.shape[:4]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, groups, -1, down * across)
    rows = weight.reshape(groups, len(weight) // groups, -1)
    return np.asarray(np.matmul(rows, columns).reshape(n, len(weight), down, across))
