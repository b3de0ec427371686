"""Batch norm folded away: a scale and an offset a channel disappear in the weights beside them.

After a convolution or a dense layer they go into its rows, also past a pooling between them; before one they
go into its columns. What is left over (after an addition, before a padded convolution) stays an `Affine`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tenfold.networks.layers import Shape
from tenfold.networks.program import (
    Affine,
    Array,
    Conv,
    Dense,
    Flatten,
    MaxPool,
    Mean,
    Operation,
    Program,
    rewired,
)


def fold(program: Program) -> Program:
    """Return the program with its `Affine` operations folded where they can be, its arrays in float32."""
    for affine in [each for each in program.operations if isinstance(each, Affine)]:
        program = _fold_one(program, affine)
    return Program(program.input_shape, tuple(map(_rounded, program.operations)))


def folded_parameters(program: Program) -> int:
    """Return how many numbers a folded program is stored in.

    What is zero by the network's structure (the bias of a layer that has none) is not counted.
    """
    arrays = [
        array
        for operation in program.operations
        for array in vars(operation).values()
        if isinstance(array, np.ndarray)
    ]
    return sum(array.size for array in arrays if array.any())


def _fold_one(program: Program, affine: Affine) -> Program:
    # One that was folded before may have given `affine` another input.
    affine = next(
        each for each in program.operations if isinstance(each, Affine) and each.output == affine.output
    )
    target: Operation
    if (before := _before(program, affine)) is not None:
        target, new = before, _after_product(before, affine)
    elif (behind := _behind(program, affine)) is not None:
        target, new = behind[0], _before_product(*behind)
    else:
        return program
    kept = (new if each is target else each for each in program.operations if each is not affine)
    operations = rewired(kept, affine.output, affine.inputs[0])
    return Program(program.input_shape, operations)


def _before(program: Program, affine: Affine) -> Conv | Dense | Affine | None:
    """Return the product or scaling whose result reaches `affine`, and only it, unchanged but for pooling."""
    uses = program.uses()
    writers = {each.output: each for each in program.operations}
    value = affine.inputs[0]
    while uses[value] == 1:
        writer = writers[value]
        if isinstance(writer, Conv | Dense | Affine):
            return writer
        # The largest of scaled values is the scaled largest one only where the scale is not negative.
        if not isinstance(writer, Mean) and not (isinstance(writer, MaxPool) and (affine.scale >= 0).all()):
            return None
        value = writer.inputs[0]
    return None


def _behind(program: Program, affine: Affine) -> tuple[Conv | Dense, Array, Array] | None:
    """Return the product that alone reads `affine`, and the scale and offset of its inputs."""
    uses, shapes = program.uses(), program.shapes
    scale, offset, value = affine.scale, affine.offset, affine.output
    while uses[value] == 1 and value != program.output:
        reader = next(each for each in program.operations if value in each.inputs)
        if isinstance(reader, Dense) or (isinstance(reader, Conv) and (not reader.pad or not offset.any())):
            return reader, scale, offset
        if isinstance(reader, Flatten):
            scale, offset = (_spread(values, shapes[value]) for values in (scale, offset))
        elif not isinstance(reader, Mean) and not (isinstance(reader, MaxPool) and (scale >= 0).all()):
            return None
        value = reader.output
    return None


def _spread(values: Array, shape: Shape) -> Array:
    """Return one value a channel as one value a feature of the flattened image."""
    return np.repeat(values, int(np.prod(shape[1:])))


def _after_product(target: Conv | Dense | Affine, affine: Affine) -> Operation:
    scale, offset = affine.scale, affine.offset
    if isinstance(target, Affine):
        return replace(target, scale=target.scale * scale, offset=target.offset * scale + offset)
    rows = scale.reshape(-1, *[1] * (target.weight.ndim - 1))
    return replace(target, weight=target.weight * rows, bias=target.bias * scale + offset)


def _before_product(target: Conv | Dense, scale: Array, offset: Array) -> Operation:
    if isinstance(target, Dense):
        return replace(target, weight=target.weight * scale, bias=target.bias + target.weight @ offset)
    # The inputs of output channel o are those of its group.
    group = np.arange(len(target.weight)) // (len(target.weight) // target.groups)
    columns = scale.reshape(target.groups, -1)[group][:, :, None, None]
    constant = (target.weight.sum(axis=(2, 3)) * offset.reshape(target.groups, -1)[group]).sum(axis=1)
    return replace(target, weight=target.weight * columns, bias=target.bias + constant)


def _rounded(operation: Operation) -> Operation:
    arrays: dict[str, Any] = {
        name: value.astype(np.float32)
        for name, value in vars(operation).items()
        if isinstance(value, np.ndarray)
    }
    return replace(operation, **arrays) if arrays else operation
