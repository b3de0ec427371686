"""A network as ONNX: a program becomes a graph, the graph becomes bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import Any

import numpy as np

from tenfold.errors import ExportError
from tenfold.networks import program as plain
from tenfold.networks.layers import Shape
from tenfold.networks.program import PICTURE, Array, Operation, Program, picture_shape
from tenfold.networks.protobuf import Field, message

OPSET = 17
"""The oldest that ONNX Runtime 1.18 and newer, and most converters, know well."""

IR_VERSION = 8
INPUT = "image"

_FLOAT, _INT, _INTS = 1, 2, 7  # kinds of attributes
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
_LARGEST = 2**31 - 1


class Graph:
    """Collects nodes and constants.

    Parameters
    ----------
    program : Program
        Folded. Its operations are added in their order.

    Attributes
    ----------
    names : dict
        What each value of the program is called in the graph.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.shapes = program.shapes
        self.names = {PICTURE: INPUT}
        self.nodes: list[bytes] = []
        self.constants: dict[str, Array] = {}
        for operation in program.operations:
            self.add(operation)

    @property
    def logits(self) -> str:
        """What the logits are called."""
        return self.names[self.program.output]

    def constant(self, name: str, value: Any) -> str:
        """Note an array, and return its name."""
        self.constants[name] = np.asarray(value)
        return name

    def node(self, kind: str, inputs: Iterable[str], output: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of what it gives."""
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        fields: list[Field] = [(1, name) for name in inputs]
        fields += [(2, output), (3, output), (4, kind)]
        self.nodes.append(message(fields + [(5, _attribute(*each)) for each in sorted(attributes.items())]))
        return output

    def content(
        self, output: str, *, description: str = "", producer: str = "tenfold", stated: Mapping[str, str] = {}
    ) -> bytes:
        """Return the whole model as the bytes of an ONNX file.

        Parameters
        ----------
        output : str
            The name of what it gives, (n, classes) float32. It takes ``image``, pictures of uint8 in the
            shape that `picture_shape` tells.
        description, producer : str
            The producer may have a version behind a blank.
        stated : mapping of str
            Written as the model's metadata.

        Raises
        ------
        ExportError
            It would be larger than one ONNX file can be (2 GiB).
        """
        picture = picture_shape(self.program.input_shape)
        fields: list[Field] = [(1, node) for node in self.nodes]
        fields += [(2, "tenfold")]
        fields += [(5, _tensor(name, value)) for name, value in self.constants.items()]
        fields += [(11, _value(INPUT, "uint8", picture))]
        fields += [(12, _value(output, "float32", self.program.operations[-1].shape))]
        name, _, version = producer.partition(" ")
        content = message(
            [
                (1, IR_VERSION),
                (2, name),
                (3, version),
                (5, 1),  # the model's own version
                (6, description),
                (7, message(fields)),
                (8, message([(2, OPSET)])),
                *((14, message([(1, key), (2, value)])) for key, value in stated.items()),
            ]
        )
        if len(content) > _LARGEST:
            raise ExportError("The network is larger than 2 GiB, which one ONNX file cannot hold.")
        return content

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


def _geometry(operation: plain.Conv) -> dict[str, Any]:
    return {
        "kernel_shape": list(operation.weight.shape[2:]),
        "strides": [operation.stride] * 2,
        "pads": [operation.pad] * 4,
        "group": operation.groups,
    }


def _attribute(name: str, value: int | float | list[int]) -> bytes:
    if isinstance(value, list):
        return message([(1, name), *((8, each) for each in value), (20, _INTS)])
    if isinstance(value, float):
        return message([(1, name), (2, value), (20, _FLOAT)])
    return message([(1, name), (3, value), (20, _INT)])


def _tensor(name: str, value: Array) -> bytes:
    little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    sizes: list[Field] = [(1, size) for size in value.shape]
    return message([*sizes, (2, _TYPES[value.dtype.name]), (8, name), (9, little.tobytes())])


def _value(name: str, dtype: str, shape: Shape) -> bytes:
    """Return what comes in or goes out: any number of arrays of `shape`."""
    sizes = message([(1, message([(2, "n")])), *((1, message([(1, size)])) for size in shape)])
    tensor = message([(1, _TYPES[dtype]), (2, sizes)])
    return message([(1, name), (2, message([(1, tensor)]))])
