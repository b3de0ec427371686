"""What each layer computes, in torch: a network's forward pass as a function of its arrays.

The gradients are torch's own. Images are in channels-first order to the reader; how they lie in memory is up
to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tenfold.networks.architecture import Architecture, Node
from tenfold.networks.layers import (
    GELU,
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)

Tensors = Mapping[str, Tensor]


def forward(architecture: Architecture, tensors: Tensors, x: Tensor, masks: Tensors | None = None) -> Tensor:
    """Return the logits of a batch.

    Parameters
    ----------
    architecture : Architecture
    tensors : mapping of str to Tensor
        Trained arrays and running statistics by key. In training the statistics are updated in place.
    x : (n, *input_shape) Tensor
        The network's input, normalized.
    masks : mapping of str to Tensor, or None
        In training, what each dropout layer with a rate above 0 multiplies by, by its name: (n, *shape), 0 or
        1 / (1 - rate). None: evaluation mode.

    Returns
    -------
    logits : (n, classes) Tensor
    """
    return _chain(architecture.nodes, x, tensors, masks)


def _chain(nodes: tuple[Node, ...], x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    for node in nodes:
        x = LAYERS[type(node.layer)](node, node.layer, x, tensors, masks)
    return x


# Every function takes (node, its layer, x, tensors, masks), as `forward` documents them.


def _dense(node: Node, layer: Dense, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return F.linear(x, tensors[f"{node.name}.weight"], tensors.get(f"{node.name}.bias"))


def _conv(node: Node, layer: Conv, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    weight, bias = tensors[f"{node.name}.weight"], tensors.get(f"{node.name}.bias")
    return F.conv2d(x, weight, bias, layer.stride, layer.pad, groups=layer.groups)


def _depthwise(
    node: Node, layer: DepthwiseConv, x: Tensor, tensors: Tensors, masks: Tensors | None
) -> Tensor:
    return _conv(node, layer.as_conv(node.input_shape[0]), x, tensors, masks)


def _max_pool(node: Node, layer: MaxPool, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    if x.dtype == torch.bfloat16 and x.shape[1] % 8 and x.device.type == "cpu":
        # Channels that fill no vector are compared one by one, in bfloat16 three times as slowly.
        return F.max_pool2d(x.float(), layer.size, layer.step).to(torch.bfloat16)
    return F.max_pool2d(x, layer.size, layer.step)


def _average_pool(
    node: Node, layer: AveragePool, x: Tensor, tensors: Tensors, masks: Tensors | None
) -> Tensor:
    return F.avg_pool2d(x, layer.size, layer.step)


def _global_pool(
    node: Node, layer: GlobalAveragePool, x: Tensor, tensors: Tensors, masks: Tensors | None
) -> Tensor:
    return x.mean(dim=(2, 3))


def _dropout(node: Node, layer: Dropout, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return x if masks is None or layer.rate == 0 else x * masks[node.name]


def _norm(node: Node, layer: BatchNorm, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    weight, bias, mean, variance = (
        tensors[f"{node.name}.{name}"] for name in ("weight", "bias", "mean", "variance")
    )
    training = masks is not None
    if training and x.numel() == x.shape[1]:
        # One value a channel: its variance is zero and nothing of it passes, but torch refuses.
        with torch.no_grad():
            mean.lerp_(x.reshape(-1).to(mean.dtype), layer.momentum)
            variance.mul_(1 - layer.momentum)
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return (x - x) * weight.view(shape) + bias.view(shape)
    return F.batch_norm(x, mean, variance, weight, bias, training, layer.momentum, layer.epsilon)


def _flatten(node: Node, layer: Flatten, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return x.flatten(1)


def _residual(node: Node, layer: Residual, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return _chain(node.body, x, tensors, masks) + _chain(node.shortcut, x, tensors, masks)


def _relu(node: Node, layer: ReLU, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return F.relu(x)


def _leaky_relu(node: Node, layer: LeakyReLU, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return F.leaky_relu(x, layer.slope)


def _sigmoid(node: Node, layer: Sigmoid, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return torch.sigmoid(x)


def _tanh(node: Node, layer: Tanh, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return torch.tanh(x)


def _softmax(node: Node, layer: Softmax, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return torch.softmax(x, dim=1)


def _gelu(node: Node, layer: GELU, x: Tensor, tensors: Tensors, masks: Tensors | None) -> Tensor:
    return F.gelu(x)


LAYERS: dict[type[Layer], Callable[[Node, Any, Tensor, Tensors, Tensors | None], Tensor]] = {
    Dense: _dense,
    Conv: _conv,
    DepthwiseConv: _depthwise,
    MaxPool: _max_pool,
    AveragePool: _average_pool,
    GlobalAveragePool: _global_pool,
    Dropout: _dropout,
    BatchNorm: _norm,
    Flatten: _flatten,
    Residual: _residual,
    ReLU: _relu,
    LeakyReLU: _leaky_relu,
    Sigmoid: _sigmoid,
    Tanh: _tanh,
    Softmax: _softmax,
    GELU: _gelu,
}
