"""A program in 8-bit integers, after training: calibrated on pictures, no float left but in the tables.

A value x is held as the integer q with ``x = scale * (q - zero)``, one grid a value; weights have one scale
an output channel and no zero; sums are int32 (Jacob et al., 2018, section 2). What goes from one grid to
another is multiplied by an integer below 2**22 and shifted, so that no product leaves 53 bits: C computes it
in int64, JavaScript in its doubles, NumPy in either, all to the same bits. A ReLU is part of the operation
before it, and other activations are tables of 256 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import frexp, log

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import ExportError
from tenfold.export.arithmetic import activate, values_of
from tenfold.networks import program as plain
from tenfold.networks.program import Array, Operation, Program

LOWEST, HIGHEST = -128, 127
WIDE = 32767
"""Logits are int16 in -WIDE to WIDE: how sure the network is would be lost in 256 steps."""

PIXELS = np.arange(LOWEST, HIGHEST + 1, dtype=np.int8)
"""The table of an input whose pixels are only shifted."""

_MULTIPLIER_BITS = 22
_LARGEST_SUM = 2**30
_EXPONENTIAL = 65535
_SAMPLES = 50_000
_CLIPS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)


@dataclass(frozen=True)
class Grid:
    """What the integers of a value mean: ``scale * (q - zero)``."""

    scale: float
    zero: int

    def quantize(self, x: Array) -> NDArray[np.int8]:
        """Return the nearest int8 of each number."""
        return np.asarray(np.clip(np.rint(x / self.scale) + self.zero, LOWEST, HIGHEST), np.int8)

    def real(self, q: Array) -> NDArray[np.float32]:
        """Return the numbers that integers stand for."""
        return ((q.astype(np.float64) - self.zero) * self.scale).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Rescale:
    """``floor((sum * multiplier + 2**(shift - 1)) / 2**shift)``, one of each a channel, or for all.

    Attributes
    ----------
    multiplier : (channels,) or (1,) int32 in [0, 2**22)
    shift : (channels,) or (1,) int32 in [1, 52]
    """

    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]

    @classmethod
    def by(cls, factors: Iterable[float]) -> Rescale:
        """Return what multiplies by each of these numbers, as nearly as 22 bits allow.

        Raises
        ------
        ExportError
            A factor is out of all proportion.
        """
        pairs = [_multiplier(factor) for factor in factors]
        multipliers, shifts = np.array(pairs, np.int32).T
        return cls(multipliers, shifts)


@dataclass(frozen=True, eq=False)
class Input(Operation):
    """``table[pixel]``: 256 int8."""

    table: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Conv(plain.Conv):
    """A convolution with int8 weights and int32 bias; `weight_scale` (out,) says what the weights mean."""

    rescale: Rescale
    weight_scale: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dense(plain.Dense):
    """A dense layer with int8 weights and int32 bias."""

    rescale: Rescale
    weight_scale: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mean(plain.Mean):
    """Sums of windows, rescaled."""

    rescale: Rescale


@dataclass(frozen=True, eq=False)
class Lookup(Operation):
    """``table[q + 128]``: an activation, number by number."""

    table: NDArray[np.int8]
    kind: str
    slope: float


@dataclass(frozen=True, eq=False)
class Softmax(Operation):
    """``powers[largest - q]`` of each number, times `factor`, over their sum."""

    powers: NDArray[np.uint16]
    factor: int


@dataclass(frozen=True, eq=False)
class Add(plain.Add):
    """The two inputs, each times a multiplier below 2**22, over ``2**shift``."""

    multipliers: tuple[int, int]
    shift: int


@dataclass(frozen=True, eq=False)
class Confidence:
    """How integers become probabilities: powers of two, in 1/256 of an exponent, as fractions of 65535.

    Attributes
    ----------
    step : int in [1, 2**32)
        The exponent that one step of a logit is worth, times 2**24; the temperature is in it.
    powers : (256,) uint16
        ``2**(15 - i / 256)``.
    """

    step: int
    powers: NDArray[np.uint16] = field(
        default_factory=lambda: np.rint(2.0 ** (15 - np.arange(256) / 256)).astype(np.uint16)
    )


@dataclass(frozen=True, eq=False)
class QuantizedProgram(Program):
    """A program whose operations are those of this module.

    Attributes
    ----------
    grids : dict of Grid
        Of each value but the picture. The logits' value may be wide (int16).
    wide : frozenset of int
        The values that are int16: the logits, where a product or a mean writes them.
    confidence : Confidence
    """

    grids: dict[int, Grid]
    wide: frozenset[int]
    confidence: Confidence

    def bounds(self, value: int) -> tuple[int, int]:
        """Return the least and the greatest integer that a value may hold."""
        return (-WIDE, WIDE) if value in self.wide else (LOWEST, HIGHEST)


def quantize(program: Program, images: Array, temperature: float = 1.0) -> QuantizedProgram:
    """Return `program` in integers.

    Parameters
    ----------
    program : Program
        Folded.
    images : uint8 pictures
        What the ranges of the values are taken from: some hundreds of the training images.
    temperature : float > 0
        Divides the logits before the softmax.

    Raises
    ------
    ExportError
        There are no images, or a layer cannot be held in integers; says why.
    """
    if not len(images):
        raise ExportError("Calibration needs pictures: give some hundreds of the training images.")
    program = _activations_first(_affine_as_conv(program))
    samples = _samples(program, images)
    fused, wide = _fused(program), _wide(program)
    grids: dict[int, Grid] = {}
    operations: list[Operation] = []
    for each in program.operations:
        if each.output in fused.values():
            continue
        value = fused.get(each.output, each.output)
        if isinstance(each, plain.Flatten | plain.MaxPool):
            grids[value] = grids[each.inputs[0]]
        elif isinstance(each, plain.Activation) and each.kind == "softmax":
            grids[value] = Grid(1 / _softmax_factor(samples[value]), LOWEST)
        elif isinstance(each, plain.Normalize):
            grids[value] = _grid(np.array([each.offset, 255 * each.scale + each.offset]), clip=False)
        elif value in wide:
            # Twice the largest that was seen: there is room in 16 bits.
            grids[value] = Grid(2 * max(float(np.abs(samples[value]).max()), 1e-2) / WIDE, 0)
        else:
            grids[value] = _grid(samples[value])
        operations.append(_integer(replace(each, output=value), grids))
    exponent = grids[operations[-1].output].scale / temperature / log(2)
    # Beyond these ends all probabilities are equal, or one of them is 1.
    confidence = Confidence(min(max(round(exponent * 2**24), 1), 2**32 - 1))
    return QuantizedProgram(program.input_shape, tuple(operations), grids, wide, confidence)


def _affine_as_conv(program: Program) -> Program:
    """Return the program with each `Affine` as the convolution 1 x 1 that it is."""

    def convert(each: Operation) -> Operation:
        if not isinstance(each, plain.Affine):
            return each
        weight = each.scale.reshape(-1, 1, 1, 1)
        return plain.Conv(each.inputs, each.output, each.shape, weight, each.offset, 1, 0, len(weight))

    return Program(program.input_shape, tuple(map(convert, program.operations)))


def _activations_first(program: Program) -> Program:
    """Return the program with each ReLU that follows a largest-of or a flattening moved before it.

    It comes out the same, and the ReLU then stands where the operation before can absorb it.
    """
    operations, uses, shapes = list(program.operations), program.uses(), program.shapes
    moved = True
    while moved:
        moved = False
        for place in range(1, len(operations)):
            first, second = operations[place - 1 : place + 1]
            follows = second.inputs == (first.output,) and uses[first.output] == 1
            if follows and _is_relu(second) and isinstance(first, plain.MaxPool | plain.Flatten):
                shape = shapes[first.inputs[0]]
                shapes[first.output] = shape
                operations[place - 1] = replace(second, inputs=first.inputs, output=first.output, shape=shape)
                operations[place] = replace(first, inputs=(first.output,), output=second.output)
                moved = True
    return Program(program.input_shape, tuple(operations))


def _is_relu(operation: Operation) -> bool:
    return isinstance(operation, plain.Activation) and operation.kind == "relu"


def _fused(program: Program) -> dict[int, int]:
    """Return, for each value that only a ReLU reads and whose writer can absorb it, the ReLU's value."""
    uses = program.uses()
    writers = {each.output: each for each in program.operations}
    able = plain.Conv | plain.Dense | plain.Add | plain.Mean
    return {
        each.inputs[0]: each.output
        for each in program.operations
        if _is_relu(each) and uses[each.inputs[0]] == 1 and isinstance(writers[each.inputs[0]], able)
    }


def _wide(program: Program) -> frozenset[int]:
    """Return the values that are the logits, back to the product or mean that writes them."""
    able = plain.Conv | plain.Dense | plain.Mean
    written = any(isinstance(each, able) and each.output in program.logits for each in program.operations)
    return program.logits if written else frozenset()


def _samples(program: Program, images: Array) -> dict[int, Array]:
    """Return some numbers of each value, the largest and the smallest among them."""
    parts: dict[int, list[Array]] = {each.output: [] for each in program.operations}
    rng = np.random.default_rng(0)
    share = _SAMPLES // -(-len(images) // 100)
    for values in values_of(program, images):
        for value, kept in parts.items():
            numbers = values[value].ravel()
            if len(numbers) > share:
                extremes = [numbers.min(), numbers.max()]
                numbers = np.append(numbers[rng.integers(0, len(numbers), share)], extremes)
            kept.append(numbers)
    return {value: np.concatenate(kept) for value, kept in parts.items()}


def _grid(samples: Array, *, clip: bool = True) -> Grid:
    """Return the grid with the least squared error on `samples`, among those that cut the range a little.

    Zero lies on every grid: padding is exact.
    """
    low, high = min(float(samples.min()), 0.0), max(float(samples.max()), 0.0)
    if low == high:
        return Grid(1.0, LOWEST)
    best, least = Grid(1.0, 0), np.inf
    for part in _CLIPS if clip else (1.0,):
        scale = (high - low) * part / (HIGHEST - LOWEST)
        grid = Grid(scale, int(np.clip(round(LOWEST - low * part / scale), LOWEST, HIGHEST)))
        error = float(np.square(grid.real(grid.quantize(samples)) - samples).sum())
        if error < least:
            best, least = grid, error
    return best


def _integer(operation: Operation, grids: dict[int, Grid]) -> Operation:
    """Return the operation in integers."""
    place = (operation.inputs, operation.output, operation.shape)
    after = grids[operation.output]
    if isinstance(operation, plain.Normalize):
        pixels = np.arange(256) * operation.scale + operation.offset
        # Where zero is among the pixels their steps are the grid's: no rounding may merge two of them.
        exact = pixels[0] <= 0 <= pixels[-1]
        return Input(*place, PIXELS if exact else after.quantize(pixels))
    before = grids[operation.inputs[0]]
    match operation:
        case plain.Conv() | plain.Dense():
            weight, bias, weight_scale = _integer_weights(operation, before)
            rescale = Rescale.by(weight_scale * before.scale / after.scale)
            if isinstance(operation, plain.Dense):
                return Dense(*place, weight, bias, rescale, weight_scale)
            geometry = (operation.stride, operation.pad, operation.groups)
            return Conv(*place, weight, bias, *geometry, rescale, weight_scale)
        case plain.Mean():
            window = (operation.rows, operation.columns, operation.step)
            area = operation.rows * operation.columns
            return Mean(*place, *window, Rescale.by([before.scale / after.scale / area]))
        case plain.Add():
            return _integer_add(operation, grids)
        case plain.Activation(kind="softmax"):
            if operation.shape[0] > 2**15:
                raise ExportError(
                    "A softmax over more than 32,768 numbers is no int8. Export it without int8."
                )
            powers = np.rint(_EXPONENTIAL * np.exp(-np.arange(256) * before.scale)).astype(np.uint16)
            return Softmax(*place, powers, round(1 / after.scale))
        case plain.Activation():
            numbers = before.real(np.arange(LOWEST, HIGHEST + 1))
            table = after.quantize(activate(numbers, operation.kind, operation.slope))
            return Lookup(*place, table, operation.kind, operation.slope)
    return operation


def _integer_weights(
    operation: plain.Conv | plain.Dense, before: Grid
) -> tuple[NDArray[np.int8], NDArray[np.int32], NDArray[np.float64]]:
    """Return weights, bias, and what one step of the weights of each output is worth."""
    rows = operation.weight.reshape(len(operation.weight), -1).astype(np.float64)
    bias = operation.bias.astype(np.float64)
    # A bias that is large beside its weights must still fit its integer.
    scale = np.maximum(np.abs(rows).max(axis=1) / HIGHEST, np.abs(bias) * least_scale(before))
    scale[scale == 0] = 1.0
    weight = np.rint(rows / scale[:, None])
    whole_bias = np.rint(bias / (scale * before.scale))
    furthest = max(HIGHEST - before.zero, before.zero - LOWEST)
    largest = float((np.abs(weight).sum(axis=1) * furthest + np.abs(whole_bias)).max())
    if largest >= _LARGEST_SUM:
        raise ExportError(
            f"A layer with {rows.shape[1]:,} inputs an output may sum up to {largest:.3g}, more than int8 "
            f"products may reach here (2**30). Export it without int8."
        )
    return weight.reshape(operation.weight.shape).astype(np.int8), whole_bias.astype(np.int32), scale


def least_scale(before: Grid) -> float:
    """Return the least step of weights beside a bias of one with which their sums stay integers."""
    return 1 / before.scale / (_LARGEST_SUM // 4)


def _integer_add(operation: plain.Add, grids: dict[int, Grid]) -> Add:
    after = grids[operation.output].scale
    factors = [grids[place].scale / after for place in operation.inputs]
    shift = _MULTIPLIER_BITS - max(frexp(max(factors))[1], 0)
    if shift < 1:
        raise ExportError(
            "A residual block adds values that are out of all proportion. Export it without int8."
        )
    first, second = (round(factor * 2**shift) for factor in factors)
    return Add(operation.inputs, operation.output, operation.shape, (first, second), shift)


def _softmax_factor(samples: Array) -> int:
    """Return how many steps a probability of 1 is worth, so that the largest that was seen fits 255."""
    return int(np.clip(255 / max(float(samples.max()), 1e-3), 255, 2**15))


def _multiplier(factor: float) -> tuple[int, int]:
    """Return (multiplier, shift) whose quotient is nearest to `factor`."""
    mantissa, exponent = frexp(factor)
    multiplier, shift = round(mantissa * 2**_MULTIPLIER_BITS), _MULTIPLIER_BITS - exponent
    if multiplier == 2**_MULTIPLIER_BITS:
        multiplier, shift = multiplier // 2, shift - 1
    if shift > 52:
        return 0, 1  # 2**30 times this is below a half
    if shift < 1:
        raise ExportError(
            f"A layer scales its sums by {factor:.3g} which no grid of 256 steps can hold. "
            " Export it without int8."
        )
    return multiplier, shift
