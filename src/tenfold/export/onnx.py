"""A network as one ONNX file: pictures of uint8 in, probabilities out, weights inside.

The int8 form quantizes and dequantizes around float operations (QDQ), as runtimes expect it: they turn it
into integer kernels themselves. Its rounding is the runtime's: it may differ by a step from C and JavaScript.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.errors import ExportError, require
from tenfold.export import program as plain
from tenfold.export import quantize as integer
from tenfold.export.program import PICTURE, Array, Operation, Program, picture_shape
from tenfold.export.quantize import PIXELS, QuantizedProgram

if TYPE_CHECKING:
    import onnx

OPSET = 17
"""The oldest that ONNX Runtime 1.18 and newer, and most converters, know well."""

IR_VERSION = 8
INPUT, OUTPUT = "image", "probabilities"
_LARGEST = 2**31 - 1


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
    graph = _QuantizedGraph(program) if isinstance(program, QuantizedProgram) else _Graph(program)
    for operation in program.operations:
        graph.add(operation)
    logits = graph.names[program.output]
    if temperature != 1.0:
        logits = graph.node("Mul", [logits, graph.constant("temperature", np.float32(1 / temperature))])
    graph.node("Softmax", [logits], OUTPUT, axis=1)
    model = graph.model(stated)
    if model.ByteSize() > _LARGEST:
        raise ExportError("The network is larger than 2 GiB, which one ONNX file cannot hold.")
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


class _Graph:
    """Collects nodes and constants."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.shapes = program.shapes
        self.names = {PICTURE: INPUT}
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}

    def constant(self, name: str, value: Any) -> str:
        """Note an array, and return its name."""
        self.constants[name] = np.asarray(value)
        return name

    def node(self, kind: str, inputs: Iterable[str], output: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of what it gives."""
        from onnx import helper

        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def model(self, stated: Mapping[str, str]) -> onnx.ModelProto:
        """Return the whole model."""
        from onnx import TensorProto, helper, numpy_helper

        picture: list[str | int] = ["n", *picture_shape(self.program.input_shape)]
        classes = self.program.operations[-1].shape[0]
        graph = helper.make_graph(
            self.nodes,
            "tenfold",
            [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, picture)],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", classes])],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        model.producer_name, _, model.producer_version = stated["producer"].partition(" ")
        model.doc_string = (
            f"{stated['network']}: takes {INPUT}, pictures of uint8 with ink 255 on paper 0, and gives "
            f"{OUTPUT}, one for each class. Scaling and calibration are inside."
        )
        helper.set_model_props(model, dict(stated))
        return model

    def add(self, operation: Operation) -> None:
        """Add what one operation is."""
        inputs = [self.names[place] for place in operation.inputs]
        self.names[operation.output] = self.write(operation, inputs)

    def write(self, operation: Operation, inputs: list[str]) -> str:
        """Add the nodes of one operation on float32 values."""
        mark = operation.output
        match operation:
            case plain.Normalize():
                x = self.node("Cast", [self.arranged(inputs[0])], to=1)
                x = self.node("Mul", [x, self.constant("pixel_scale", np.float32(operation.scale))])
                return self.node("Add", [x, self.constant("pixel_offset", np.float32(operation.offset))])
            case plain.Conv():
                arrays = self.weights(operation)
                return self.node("Conv", [*inputs, *arrays], **_geometry(operation))
            case plain.Dense():
                return self.node("Gemm", [*inputs, *self.weights(operation)], transB=1)
            case plain.Affine():
                return self.scaled(inputs[0], operation.scale, operation.offset, mark)
            case plain.MaxPool():
                window = [operation.size] * 2
                return self.node("MaxPool", inputs, kernel_shape=window, strides=[operation.step] * 2)
            case plain.Mean():
                window = [operation.rows, operation.columns]
                means = self.node("AveragePool", inputs, kernel_shape=window, strides=[operation.step] * 2)
                return self.node("Flatten", [means]) if len(operation.shape) == 1 else means
            case plain.Flatten():
                return self.node("Flatten", inputs)
            case plain.Add():
                return self.node("Add", inputs)
            case plain.Activation():
                return self.activated(inputs[0], operation.kind, operation.slope)
        raise ExportError(f"{type(operation).__name__} has no form in ONNX.")

    def arranged(self, image: str) -> str:
        """Add what brings pictures, as they are handed over, into the network's shape."""
        if len(picture_shape(self.program.input_shape)) == 3:
            return self.node("Transpose", [image], perm=[0, 3, 1, 2])
        if picture_shape(self.program.input_shape) == self.program.input_shape:
            return image
        # 0: as many as come in.
        shape = np.array([0, *self.program.input_shape], np.int64)
        if len(self.program.input_shape) == 1:
            return self.node("Flatten", [image])
        return self.node("Reshape", [image, self.constant("input_shape", shape)])

    def weights(self, operation: plain.Conv | plain.Dense) -> tuple[str, str]:
        """Note weights and bias, and return the names of what holds them as float32."""
        return (
            self.constant(f"weight_{operation.output}", operation.weight),
            self.constant(f"bias_{operation.output}", operation.bias),
        )

    def scaled(self, x: str, scale: Array, offset: Array, mark: int) -> str:
        """Add a scale and an offset a channel."""
        shape = (-1, *[1] * (len(self.shapes[mark]) - 1))
        x = self.node("Mul", [x, self.constant(f"scale_{mark}", scale.reshape(shape))])
        return self.node("Add", [x, self.constant(f"offset_{mark}", offset.reshape(shape))])

    def activated(self, x: str, kind: str, slope: float) -> str:
        """Add a nonlinearity."""
        if kind == "gelu":
            share = self.node("Mul", [x, self.constant("gelu_scale", np.float32(sqrt(0.5)))])
            below = self.node("Add", [self.node("Erf", [share]), self.constant("one", np.float32(1))])
            half = self.node("Mul", [x, self.constant("half", np.float32(0.5))])
            return self.node("Mul", [half, below])
        if kind == "leaky-relu":
            return self.node("LeakyRelu", [x], alpha=slope)
        if kind == "softmax":
            return self.node("Softmax", [x], axis=1)
        return self.node(kind.capitalize(), [x])


class _QuantizedGraph(_Graph):
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


def _geometry(operation: plain.Conv) -> dict[str, Any]:
    return {
        "kernel_shape": list(operation.weight.shape[2:]),
        "strides": [operation.stride] * 2,
        "pads": [operation.pad] * 4,
        "group": operation.groups,
    }
