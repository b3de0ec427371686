"""The string network as one ONNX file, its norms folded into the convolutions before them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tenfold.data.formats.files import atomic
from tenfold.errors import ExportError, ModelError, require
from tenfold.reading.learning.network import Residual
from tenfold.reading.recognizer import METADATA, Calibration
from tenfold.reading.strip import HEIGHT

OPSET, IR_VERSION = 17, 8
"""What ONNX Runtime 1.18, the oldest that Tenfold installs with, reads."""


def save(network: nn.Sequential, path: Path, calibration: Calibration, made: dict[str, Any]) -> None:
    """Write the network as ONNX.

    The weights are kept in half precision, which halves the file; ONNX Runtime reads them once to float32.
    Its input ``ink`` is (n, 1, HEIGHT, width) float32 in [0, 1], its output ``scores`` (n, 11, columns).

    Parameters
    ----------
    network : nn.Sequential
        As `network.build` makes it.
    path : Path
        Written whole or not at all.
    calibration : Calibration
    made : dict
        How it was made: kept in the file as JSON.
    """
    onnx = require("onnx", extra="export", purpose="Writing the weights of the reader")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    nodes: list[Any] = []
    constants: list[Any] = []
    last = _write(network, "ink", nodes, constants)
    constants.append(numpy_helper.from_array(np.array([2], np.int64), "rows"))
    nodes.append(helper.make_node("Squeeze", [last, "rows"], ["scores"]))
    graph = helper.make_graph(
        nodes,
        "tenfold-strings",
        [helper.make_tensor_value_info("ink", onnx.TensorProto.FLOAT, ["n", 1, HEIGHT, "width"])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["n", 11, "columns"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name = "tenfold"
    entry = model.metadata_props.add()
    entry.key = METADATA
    entry.value = json.dumps({"calibration": vars(calibration), "made": made})
    onnx.checker.check_model(model)
    try:
        with atomic(path) as stream:
            stream.write(model.SerializeToString())
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}.") from None


def restore(network: nn.Sequential, path: Path) -> None:
    """Give a network the weights of a file that `save` wrote, so that it answers as that file does.

    The norms are folded into the convolutions there. Here they leave as it is what they are given, until
    `train.measure_norms` has told them what that is.

    Parameters
    ----------
    network : nn.Sequential
        As `network.build` makes it.
    path : Path

    Raises
    ------
    ModelError
        There is no such file, or it holds something else.
    """
    onnx = require("onnx", extra="export", purpose="Going on from weights of the reader")
    problem = ModelError(
        f"{path} holds no string network of this form. Give a strings.onnx that tenfold train reader wrote."
    )
    try:
        graph = onnx.load(path).graph
        arrays = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
        kept = [
            [arrays[f"{name}-half"].astype(np.float32) for name in node.input[1:]]
            for node in graph.node
            if node.op_type == "Conv"
        ]
    except Exception as error:  # onnx and protobuf raise exceptions of their own, of no common kind
        raise problem from error
    layers = list(_convolutions(network))
    if [tuple(layer.weight.shape) for layer, _ in layers] != [kernel.shape for kernel, _ in kept]:
        raise problem
    with torch.no_grad():
        for (layer, norm), (kernel, bias) in zip(layers, kept, strict=True):
            layer.weight.copy_(torch.from_numpy(kernel))
            shift = layer.bias if norm is None else norm.bias
            assert shift is not None
            shift.copy_(torch.from_numpy(bias))
            if norm is not None:
                norm.reset_running_stats()
                norm.weight.fill_((1 + norm.eps) ** 0.5)


def _convolutions(layers: nn.Sequential) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """Yield the convolutions in the order in which they are written, each with the norm behind it."""
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.Conv2d):
            following = layers[index + 1]
            yield layer, following if isinstance(following, nn.BatchNorm2d) else None
        elif isinstance(layer, Residual):
            yield from _convolutions(layer.body)


def _write(layers: nn.Sequential, here: str, nodes: list[Any], constants: list[Any]) -> str:
    """Append the nodes of layers that are given the value `here`; return the name of their answer."""
    from onnx import TensorProto, helper, numpy_helper

    for index, layer in enumerate(layers):
        there = f"t{len(nodes)}"
        if isinstance(layer, nn.Conv2d):
            following = layers[index + 1]
            named = dict(
                zip(
                    (f"w{len(nodes)}", f"b{len(nodes)}"),
                    _folded(layer, following if isinstance(following, nn.BatchNorm2d) else None),
                    strict=True,
                )
            )
            for name, values in named.items():
                constants.append(numpy_helper.from_array(values.astype(np.float16), f"{name}-half"))
                nodes.append(helper.make_node("Cast", [f"{name}-half"], [name], to=TensorProto.FLOAT))
            nodes.append(
                helper.make_node(
                    "Conv",
                    [here, *named],
                    [there],
                    strides=_pair(layer.stride),
                    pads=_pair(layer.padding) * 2,
                    dilations=_pair(layer.dilation),
                )
            )
        elif isinstance(layer, nn.ReLU):
            nodes.append(helper.make_node("Relu", [here], [there]))
        elif isinstance(layer, nn.MaxPool2d):
            size = _pair(layer.kernel_size)
            nodes.append(helper.make_node("MaxPool", [here], [there], kernel_shape=size, strides=size))
        elif isinstance(layer, Residual):
            added = _write(layer.body, here, nodes, constants)
            there = f"t{len(nodes)}"
            nodes.append(helper.make_node("Add", [here, added], [f"sum-{there}"]))
            nodes.append(helper.make_node("Relu", [f"sum-{there}"], [there]))
        else:  # norms are folded; dropout rests; what flattens comes last
            continue
        here = there
    return here


def _pair(value: Any) -> list[int]:
    return [int(part) for part in value]


def _folded(
    convolution: nn.Conv2d, norm: nn.BatchNorm2d | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return kernel and bias of a convolution with the norm behind it worked in."""
    with torch.no_grad():
        kernel = convolution.weight.double()
        if norm is None:
            assert convolution.bias is not None
            bias = convolution.bias.double()
        else:
            assert norm.running_var is not None
            assert norm.running_mean is not None
            gain = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
            kernel = kernel * gain[:, None, None, None]
            bias = norm.bias.double() - norm.running_mean.double() * gain
    return kernel.float().contiguous().numpy(), bias.float().numpy()
