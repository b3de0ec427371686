"""The int8 arithmetic in NumPy: what C and JavaScript must give bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import ExportError
from tenfold.export import quantize as q
from tenfold.export.arithmetic import BATCH, as_pictures, largest, padded_windows, pool_windows, products
from tenfold.export.quantize import HIGHEST, LOWEST, Confidence, QuantizedProgram, Rescale
from tenfold.networks.program import PICTURE, Array, Flatten, MaxPool, Operation

FULL = 65535
"""The integer that a probability of 1 is."""


def run(program: QuantizedProgram, images: Array) -> NDArray[np.int16]:
    """Return the logits (n, classes) int16 of uint8 `images`; `Grid.real` of the last grid gives floats."""
    pictures = as_pictures(images, program.input_shape)
    logits = np.empty((len(pictures), *program.operations[-1].shape), np.int16)
    for start in range(0, len(pictures), BATCH):
        values: dict[int, Array] = {PICTURE: pictures[start : start + BATCH]}
        for operation in program.operations:
            values[operation.output] = _apply(program, operation, [values[each] for each in operation.inputs])
        last = values[program.output].astype(np.int16)
        logits[start : start + BATCH] = last - np.int16(program.grids[program.output].zero)
    return logits


def probabilities(confidence: Confidence, logits: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Return the probabilities (n, classes) uint16 of logits, 65535 for 1."""
    whole = logits.astype(np.int64)
    behind = whole.max(axis=1, keepdims=True) - whole
    exponents = (behind * confidence.step + 2**15) >> 16
    powers = confidence.powers.astype(np.int64)[exponents & 255] >> np.minimum(exponents >> 8, 31)
    total = powers.sum(axis=1, keepdims=True)
    return np.asarray((powers * FULL + total // 2) // total, np.uint16)


def _apply(program: QuantizedProgram, operation: Operation, inputs: list[Array]) -> Array:
    x, n = inputs[0], len(inputs[0])
    if isinstance(operation, q.Input):
        return operation.table[x]
    if isinstance(operation, Flatten):
        return x.reshape(n, -1)
    if isinstance(operation, MaxPool):
        return largest(x, operation)
    if isinstance(operation, q.Lookup):
        return operation.table[x.astype(np.intp) - LOWEST]
    if isinstance(operation, q.Softmax):
        powers = operation.powers.astype(np.int64)[x.max(axis=1, keepdims=True).astype(np.intp) - x]
        total = powers.sum(axis=1, keepdims=True)
        parts = (powers * operation.factor + total // 2) // total
        return np.asarray(np.minimum(parts, HIGHEST - LOWEST) + LOWEST, np.int8)
    sums, rescale = _sums(program, operation, inputs)
    places = (-1, *[1] * (sums.ndim - 2))
    scaled = _scaled(sums, rescale, places) + program.grids[operation.output].zero
    low, high = program.bounds(operation.output)
    dtype = np.int16 if operation.output in program.wide else np.int8
    return np.asarray(np.clip(scaled, low, high).reshape(n, *operation.shape), dtype)


def _sums(program: QuantizedProgram, operation: Operation, inputs: list[Array]) -> tuple[Array, Rescale]:
    """Return the exact sums of an operation, int64, and how they are rescaled."""
    centered = [
        x.astype(np.float64) - program.grids[place].zero
        for x, place in zip(inputs, operation.inputs, strict=True)
    ]
    x = centered[0]
    # float64 is exact below 2**53, and multiplies matrices far faster than integers are.
    match operation:
        case q.Conv():
            weight = operation.weight.astype(np.float64)
            sums = products(weight, padded_windows(x, operation), operation.groups)
            sums += operation.bias[:, None, None]
            return sums.astype(np.int64), operation.rescale
        case q.Dense():
            return (x @ operation.weight.T.astype(np.float64) + operation.bias).astype(
                np.int64
            ), operation.rescale
        case q.Mean():
            windows = pool_windows(x, operation.rows, operation.columns, operation.step)
            return windows.sum(axis=(4, 5)).astype(np.int64), operation.rescale
        case q.Add():
            first, second = operation.multipliers
            one = np.ones(1, np.int32)
            return (x * first + centered[1] * second).astype(np.int64), Rescale(one, one * operation.shift)
    raise ExportError(f"{type(operation).__name__} is no operation of a program in integers.")


def _scaled(sums: Array, rescale: Rescale, places: tuple[int, ...]) -> Array:
    multiplier = rescale.multiplier.astype(np.int64).reshape(places)
    shift = rescale.shift.astype(np.int64).reshape(places)
    return (sums * multiplier + (np.int64(1) << (shift - 1))) >> shift
