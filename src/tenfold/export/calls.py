"""A program as calls of functions, in the words that C and JavaScript share.

Both languages have the same functions with the same arguments in the same order (`templates`); what differs
is how numbers, tables and places in the working memory are written, which a `Language` says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from tenfold.errors import ExportError
from tenfold.export import quantize as integer
from tenfold.export.memory import plan
from tenfold.export.pooling import PooledConv, pooled
from tenfold.export.quantize import QuantizedProgram
from tenfold.export.template import sections
from tenfold.networks import program as plain
from tenfold.networks.program import Array, Operation, Program, image_shape


@dataclass(frozen=True)
class Language:
    """How a language writes things.

    Attributes
    ----------
    suffix : str
        Of its template files.
    number : callable
        Returns a number as a literal.
    memory : callable
        Returns the working memory from an element on.
    """

    suffix: str
    number: Callable[[object], str]
    memory: Callable[[int], str]


class Calls(ABC):
    """Turns operations into calls, and remembers the tables and functions that they need.

    Parameters
    ----------
    program : Program
    language : Language

    Attributes
    ----------
    lines : list of str
        The statements that compute the logits, in order.
    tables : dict of arrays
        The constant tables by name.
    elements : int
        How many elements the working memory has.
    """

    arithmetic = ""

    def __init__(self, program: Program, language: Language) -> None:
        self.program = program
        self.language = language
        self.template = f"{self.arithmetic}.{language.suffix}"
        self.tables: dict[str, Array] = {}
        self.used: dict[str, dict[str, object]] = {}
        self._shapes = {place: image_shape(shape) for place, shape in program.shapes.items()}
        self._plan = plan(program, self._outside())
        self.elements = self._plan.total
        self.lines = [line for operation in program.operations for line in self._call(operation)]
        if program.output not in self._outside():
            self.lines.append(self._ending(self._place(program.output), prod(program.operations[-1].shape)))

    @property
    @abstractmethod
    def memory_bytes(self) -> int:
        """The static working memory."""

    @property
    def table_bytes(self) -> int:
        """The constant tables."""
        return sum(values.nbytes for values in self.tables.values())

    def functions(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield the functions that are needed, in the order of the template, and their words."""
        for name in sections(self.template):
            for key in sorted(self.used):
                if key.split("/")[0] == name:
                    yield name, self.used[key]

    @abstractmethod
    def _outside(self) -> frozenset[int]:
        """Return the values that lie in the caller's array of logits."""

    @abstractmethod
    def _call(self, operation: Operation) -> Iterator[str]:
        """Yield the statements of one operation."""

    @abstractmethod
    def _ending(self, place: str, count: int) -> str:
        """Return the statement that brings the logits from `place` into the caller's array."""

    def need(self, name: str, **words: object) -> str:
        """Note that a function is called, and return its name."""
        self.used[name] = words
        return name.replace("/", "_")

    def _table(self, operation: Operation, **arrays: Array) -> Iterator[str]:
        """Note tables of an operation, and yield their names."""
        for name, values in arrays.items():
            key = f"{name}_{operation.output}"
            self.tables[key] = values
            yield key

    def _place(self, value: int) -> str:
        """Return where a value lies."""
        if value == plain.PICTURE:
            return "pixels"
        return "logits" if value in self._outside() else self.language.memory(self._plan.offsets[value])

    def _write(self, name: str, *arguments: object) -> str:
        texts = (each if isinstance(each, str) else self.language.number(each) for each in arguments)
        return f"{name}({', '.join(texts)});"


class FloatCalls(Calls):
    """Of a program in float32."""

    arithmetic = "float32"

    @property
    def memory_bytes(self) -> int:
        return 4 * self.elements

    def _outside(self) -> frozenset[int]:
        return self.program.logits

    def _ending(self, place: str, count: int) -> str:
        return self._write(self.need("copy"), place, count, "logits")

    def _call(self, operation: Operation) -> Iterator[str]:
        x, y = self._place(operation.inputs[0]), self._place(operation.output)
        before, after = self._shapes[operation.inputs[0]], image_shape(operation.shape)
        count, places = prod(after), after[1] * after[2]
        match operation:
            case plain.Normalize():
                factors = (np.float32(operation.scale), np.float32(operation.offset))
                yield self._write(self.need("normalize"), x, after[0], places, *factors, y)
            case plain.Conv():
                arrays = self._table(operation, weight=operation.weight, bias=operation.bias)
                geometry = (operation.weight.shape[2], operation.stride, operation.pad, operation.groups)
                yield self._write(self.need("conv"), x, *before, *arrays, *geometry, *after, y)
            case plain.Dense():
                arrays = self._table(operation, weight=operation.weight, bias=operation.bias)
                yield self._write(self.need("dense"), x, before[0], *arrays, count, y)
            case plain.Affine():
                arrays = self._table(operation, scale=operation.scale, offset=operation.offset)
                yield self._write(self.need("affine"), x, after[0], places, *arrays, y)
            case plain.MaxPool():
                window = (operation.size, operation.step, *after[1:])
                yield self._write(self.need("max_pool"), x, *before, *window, y)
            case plain.Mean():
                windows = (operation.rows, operation.columns, operation.step, *after[1:])
                yield self._write(self.need("mean"), x, *before, *windows, y)
            case plain.Add():
                yield self._write(self.need("add"), x, self._place(operation.inputs[1]), count, y)
            case plain.Activation(kind="softmax"):
                yield self._write(self.need("softmax"), x, after[0], places, np.float32(1), y)
            case plain.Activation(kind="leaky-relu"):
                yield self._write(self.need("leaky_relu"), x, count, np.float32(operation.slope), y)
            case plain.Activation():
                name = {"tanh": "hyperbolic_tangent"}.get(operation.kind, operation.kind)
                yield self._write(self.need(name), x, count, y)
            case plain.Flatten():
                pass  # the same numbers in the same place
            case _:
                raise ExportError(f"{type(operation).__name__} has no call in C and JavaScript.")


class IntegerCalls(Calls):
    """Of a program in integers."""

    arithmetic = "int8"
    program: QuantizedProgram

    def __init__(self, program: QuantizedProgram, language: Language) -> None:
        super().__init__(pooled(program), language)

    @property
    def memory_bytes(self) -> int:
        sums = 4 * self._longest_row * sum(name.startswith("conv/") for name in self.used)
        return self.elements + sums + 2 * prod(self.program.operations[-1].shape)

    @property
    def _longest_row(self) -> int:
        convs = (each for each in self.program.operations if isinstance(each, integer.Conv))
        return max((_conv_shape(each)[2] for each in convs), default=0)

    def _outside(self) -> frozenset[int]:
        return self.program.wide

    def _ending(self, place: str, count: int) -> str:
        return self._write(
            self.need("widen"), place, count, self.program.grids[self.program.output].zero, "logits"
        )

    def _typed(self, name: str, operation: Operation, **words: object) -> str:
        """Note a function that rounds to int8, or to int16 where the result is the logits."""
        self.need("shifted")
        self.need("settled")
        bits = "int16" if operation.output in self.program.wide else "int8"
        low, high = self.program.bounds(operation.output)
        return self.need(f"{name}/{bits}", suffix=bits, type=f"{bits}_t", low=low, high=high, **words)

    def _product_tables(self, operation: integer.Conv | integer.Dense) -> Iterator[str]:
        return self._table(
            operation,
            weight=operation.weight,
            bias=operation.bias,
            multiplier=operation.rescale.multiplier,
            shift=operation.rescale.shift.astype(np.uint8),
        )

    def _call(self, operation: Operation) -> Iterator[str]:
        x, y = self._place(operation.inputs[0]), self._place(operation.output)
        before, after = self._shapes[operation.inputs[0]], image_shape(operation.shape)
        count, places = prod(after), after[1] * after[2]
        zeros = {value: grid.zero for value, grid in self.program.grids.items()}
        zero, out_zero = zeros.get(operation.inputs[0], 0), zeros[operation.output]
        match operation:
            case integer.Input() if operation.table is integer.PIXELS:
                yield self._write(self.need("pixels_shifted"), x, after[0], places, y)
            case integer.Input():
                table = self._table(operation, table=operation.table)
                yield self._write(self.need("pixels_mapped"), x, after[0], places, *table, y)
            case integer.Conv():
                name = self._typed("conv", operation, row=self._longest_row)
                arrays = self._product_tables(operation)
                geometry = (operation.weight.shape[2], operation.stride, operation.pad, operation.groups)
                pool = operation.pool if isinstance(operation, PooledConv) else 1
                whole = (*_conv_shape(operation), pool)
                yield self._write(name, x, zero, *before, *arrays, *geometry, *whole, out_zero, y)
            case integer.Dense():
                name, arrays = self._typed("dense", operation), self._product_tables(operation)
                yield self._write(name, x, zero, before[0], *arrays, count, out_zero, y)
            case integer.Mean():
                windows = (operation.rows, operation.columns, operation.step, *after[1:])
                factors = (operation.rescale.multiplier[0], operation.rescale.shift[0])
                name = self._typed("mean", operation)
                yield self._write(name, x, zero, *before, *windows, *factors, out_zero, y)
            case integer.Add():
                other = operation.inputs[1]
                self.need("shifted")
                self.need("settled")
                given = (x, self._place(other), count, zero, zeros[other])
                yield self._write(
                    self.need("add"), *given, *operation.multipliers, operation.shift, out_zero, y
                )
            case plain.MaxPool():
                window = (operation.size, operation.step, *after[1:])
                yield self._write(self.need("max_pool"), x, *before, *window, y)
            case integer.Lookup():
                table = self._table(operation, table=operation.table)
                yield self._write(self.need("lookup"), x, count, *table, y)
            case integer.Softmax():
                powers = self._table(operation, powers=operation.powers)
                factor = np.uint32(operation.factor)
                yield self._write(self.need("softmax"), x, after[0], places, *powers, factor, y)
            case plain.Flatten():
                pass  # the same numbers in the same place
            case _:
                raise ExportError(f"{type(operation).__name__} has no call in C and JavaScript.")


def _conv_shape(conv: integer.Conv) -> tuple[int, int, int]:
    """Return the channels, rows and columns of what a convolution gives before it is pooled."""
    channels, rows, columns = image_shape(conv.shape)
    return (channels, conv.rows, conv.columns) if isinstance(conv, PooledConv) else (channels, rows, columns)


def calls(program: Program, language: Language) -> FloatCalls | IntegerCalls:
    """Return the calls of a program, of float32 or of integers."""
    return (
        IntegerCalls(program, language)
        if isinstance(program, QuantizedProgram)
        else FloatCalls(program, language)
    )
