"""A model as one ONNX file: pictures of uint8 in, probabilities out, weights inside.

The int8 form quantizes and dequantizes around float operations (QDQ), as runtimes expect it: they turn it
into integer kernels themselves. Its rounding is the runtime's: it may differ by a step from C and JavaScript.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tenfold.errors import require
from tenfold.export import quantize as integer
from tenfold.export.quantize import PIXELS, QuantizedProgram
from tenfold.networks import program as plain
from tenfold.networks.onnx import INPUT, OPSET, Graph
from tenfold.networks.program import Array, Operation, Program

OUTPUT = "probabilities"


def render(program: Program, *, temperature: float, stated: Mapping[str, str]) -> bytes:
    """Return the ONNX form of a program, of float32 or of integers, checked by ``onnx.checker``.

    Parameters
    ----------
    program : Program or QuantizedProgram
        Folded.
    temperature : float
        Divides the logits before the softmax.
    stated : mapping of str
        Written as the model's metadata.

    Raises
    ------
    MissingExtraError
        onnx is not installed.
    ExportError
        The file would be larger than ONNX holds in one piece (2 GiB).
    """
    onnx = require("onnx", extra="export", purpose="Exporting to ONNX")
    graph = _QuantizedGraph(program) if isinstance(program, QuantizedProgram) else Graph(program)
    logits = graph.logits
    if temperature != 1.0:
        logits = graph.node("Mul", [logits, graph.constant("temperature", np.float32(1 / temperature))])
    content = graph.content(
        graph.node("Softmax", [logits], OUTPUT, axis=1),
        description=f"{stated['network']}: takes {INPUT}, pictures of uint8 with ink 255 on paper 0, and "
        f"gives {OUTPUT}, one for each class. Scaling and calibration are inside.",
        producer=stated["producer"],
        stated={**stated, "opset": str(OPSET)},
    )
    onnx.checker.check_model(content, full_check=True)
    return content


class _QuantizedGraph(Graph):
    """The same in steps of the grids: each value is rounded to int8 and taken back."""

    program: QuantizedProgram

    def add(self, operation: Operation) -> None:
        super().add(operation)
        wide = operation.output in self.program.wide
        # A hidden softmax stays float: ONNX Runtime 1.31's own integer softmax is off by many steps.
        kept = plain.Flatten | plain.MaxPool | integer.Input | integer.Softmax
        if not wide and not isinstance(operation, kept):
            name = self.names[operation.output]
            grid = self.grid(operation.output)
            self.names[operation.output] = self.node(
                "DequantizeLinear", [self.node("QuantizeLinear", [name, *grid]), *grid]
            )

    def grid(self, value: int) -> tuple[str, str]:
        """Note the grid of a value, and return the names of its scale and zero."""
        grid = self.program.grids[value]
        return (
            self.constant(f"step_{value}", np.float32(grid.scale)),
            self.constant(f"zero_{value}", np.int8(grid.zero)),
        )

    def write(self, operation: Operation, inputs: list[str]) -> str:
        match operation:
            case integer.Input():
                image = self.arranged(inputs[0])
                scale, zero = self.grid(operation.output)
                if operation.table is PIXELS:
                    grid = self.program.grids[operation.output]
                    zero = self.constant("zero_pixel", np.uint8(grid.zero + 128))
                else:
                    table = self.constant("pixel_table", operation.table)
                    image = self.node("Gather", [table, self.node("Cast", [image], to=6)])
                return self.node("DequantizeLinear", [image, scale, zero])
            case integer.Conv() if len(operation.shape) == 1:
                weight = operation.weight.ravel() * operation.weight_scale
                bias = operation.bias * self._bias_scale(operation)
                arrays = weight.astype(np.float32), bias.astype(np.float32)
                return self.scaled(inputs[0], *arrays, operation.output)
            case integer.Lookup():
                return self.activated(inputs[0], operation.kind, operation.slope)
            case integer.Softmax():
                return self.activated(inputs[0], "softmax", 0.0)
        return super().write(operation, inputs)

    def weights(self, operation: plain.Conv | plain.Dense) -> tuple[str, str]:
        if not isinstance(operation, integer.Conv | integer.Dense):
            return super().weights(operation)
        scales = {"weight": operation.weight_scale, "bias": self._bias_scale(operation)}
        found = []
        for name, array in zip(scales, super().weights(operation), strict=True):
            scale = self.constant(f"{array}_step", scales[name].astype(np.float32))
            zero = self.constant(f"{array}_zero", np.zeros(len(scales[name]), self.constants[array].dtype))
            found.append(self.node("DequantizeLinear", [array, scale, zero], axis=0))
        return found[0], found[1]

    def _bias_scale(self, operation: integer.Conv | integer.Dense) -> Array:
        return np.asarray(operation.weight_scale * self.program.grids[operation.inputs[0]].scale)
