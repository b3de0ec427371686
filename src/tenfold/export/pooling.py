"""Convolutions that pool what they compute at once, so that the whole image before it is never in memory."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from tenfold.export import quantize as integer
from tenfold.export.quantize import QuantizedProgram
from tenfold.networks.program import MaxPool, Operation, image_shape


@dataclass(frozen=True, eq=False)
class PooledConv(integer.Conv):
    """A convolution in integers, and the largest of each window of what it gives.

    Attributes
    ----------
    pool : int
        The windows are `pool` x `pool`, side by side.
    rows, columns : int
        Of what the convolution alone gives.
    """

    pool: int
    rows: int
    columns: int


def pooled(program: QuantizedProgram) -> QuantizedProgram:
    """Return the program with each convolution and the pooling behind it as one, where nobody else reads it.

    The largest of integers that were rescaled alike comes out the same, whenever it is taken.
    """
    uses = program.uses()
    operations: list[Operation] = []
    for each in program.operations:
        before = operations[-1] if operations else None
        if (
            isinstance(each, MaxPool)
            and each.size == each.step
            and isinstance(before, integer.Conv)
            and not isinstance(before, PooledConv)
            and each.inputs == (before.output,)
            and uses[before.output] == 1
        ):
            _, rows, columns = image_shape(before.shape)
            kept = {item.name: getattr(before, item.name) for item in fields(before)}
            kept |= {"output": each.output, "shape": each.shape}
            operations[-1] = PooledConv(**kept, pool=each.size, rows=rows, columns=columns)
        else:
            operations.append(each)
    return replace(program, operations=tuple(operations))
