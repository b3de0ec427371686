"""Networks as values: layers, architectures, the zoo, and how they are shown."""

from tenfold.networks.architecture import Architecture, Node, network
from tenfold.networks.diagram import diagram
from tenfold.networks.layers import (
    GELU,
    LAYERS,
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
    Shape,
    Sigmoid,
    Softmax,
    Tanh,
)
from tenfold.networks.summary import Summary, summary
from tenfold.networks.zoo import NETWORKS, get

__all__ = [
    "GELU",
    "LAYERS",
    "NETWORKS",
    "Architecture",
    "AveragePool",
    "BatchNorm",
    "Conv",
    "Dense",
    "DepthwiseConv",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "Layer",
    "LeakyReLU",
    "MaxPool",
    "Node",
    "ReLU",
    "Residual",
    "Shape",
    "Sigmoid",
    "Softmax",
    "Summary",
    "Tanh",
    "diagram",
    "get",
    "network",
    "summary",
]
