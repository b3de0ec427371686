"""Initializers as values: how the first weights are drawn. The same arrays serve every engine.

Each array has a stream of its own, named by its key, so that adding a layer leaves the others' weights alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod, sqrt

import numpy as np
from numpy.typing import NDArray

from tenfold.networks.architecture import Architecture
from tenfold.networks.layers import BatchNorm, Shape
from tenfold.seeds import generator
from tenfold.training.optimizers import check

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Rule:
    """How the weights of dense and convolutional layers, and their biases, are drawn.

    With ``in`` the number of inputs of an output and ``out`` the reverse, both times the kernel's area:

    ========= ======================= ============================
    spread    standard deviation      meant for
    ========= ======================= ============================
    xavier    sqrt(2 / (in + out))    tanh (Glorot and Bengio, 2010)
    kaiming   sqrt(2 / in)            ReLU (He et al., 2015)
    lecun     sqrt(1 / in)            what torch's default comes to, times 1/sqrt(3)
    ========= ======================= ============================

    Attributes
    ----------
    spread : str
        One of the above.
    distribution : "uniform" or "normal"
    bias : "zero" or "fan-in"
        "fan-in": uniform in +-1 / sqrt(fan_in), as torch does.
    gain : float > 0
        Multiplies the standard deviation.
    """

    spread: str
    distribution: str
    bias: str = "zero"
    gain: float = 1.0

    def weight(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw the weight array of `shape` (outputs, inputs, ...)."""
        area = prod(shape[2:])
        fan_in, fan_out = shape[1] * area, shape[0] * area
        variance = {"xavier": 2 / (fan_in + fan_out), "kaiming": 2 / fan_in, "lecun": 1 / fan_in}[self.spread]
        deviation = self.gain * sqrt(variance)
        if self.distribution == "normal":
            return rng.normal(0.0, deviation, shape)
        return rng.uniform(-sqrt(3) * deviation, sqrt(3) * deviation, shape)

    def offset(self, count: int, fan_in: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw `count` biases of a layer with `fan_in` inputs."""
        if self.bias == "zero":
            return np.zeros(count)
        return rng.uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in), count)


@dataclass(frozen=True)
class Uniform:
    """Weights and biases alike uniform in [low, high).

    Attributes
    ----------
    low, high : float
    """

    low: float = -0.05
    high: float = 0.05

    def __post_init__(self) -> None:
        check("initializer.low", self.low, self.low < self.high, f"below initializer.high ({self.high})")
        check("initializer", f"uniform({self.low}, {self.high})", self.high - self.low < inf, "finite")

    def weight(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw the weight array of `shape`."""
        return rng.uniform(self.low, self.high, shape)

    def offset(self, count: int, fan_in: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw `count` biases."""
        return rng.uniform(self.low, self.high, count)


Initializer = Rule | Uniform

INITIALIZERS: dict[str, Initializer] = {
    "uniform": Uniform(),
    "xavier-uniform": Rule("xavier", "uniform"),
    "xavier-normal": Rule("xavier", "normal"),
    "kaiming-uniform": Rule("kaiming", "uniform"),
    "kaiming-normal": Rule("kaiming", "normal"),
    # Keras: Glorot uniform, zero bias. torch: kaiming_uniform(a=sqrt(5)), which is uniform in
    # +-1 / sqrt(fan_in), for weights and biases alike.
    "keras": Rule("xavier", "uniform"),
    "torch": Rule("lecun", "uniform", bias="fan-in", gain=1 / sqrt(3)),
}


def initial_weights(architecture: Architecture, rule: Initializer, seed: int) -> Weights:
    """Draw the first weights of a network.

    Parameters
    ----------
    architecture : Architecture
    rule : Initializer
    seed : int

    Returns
    -------
    weights : dict of float32 arrays
        Trained arrays and running statistics by key, in the order of computation. Batch norm starts with
        weight 1, bias 0, mean 0 and variance 1, whatever the rule.
    """
    weights: Weights = {}
    for node in architecture.walk():
        shapes = node.parameters
        for key, shape in shapes.items():
            rng = generator(seed, "init", key)
            if isinstance(node.layer, BatchNorm):
                values = np.full(shape, 1.0 if key.endswith(".weight") else 0.0)
            elif key.endswith(".weight"):
                values = rule.weight(shape, rng)
            else:
                values = rule.offset(shape[0], prod(shapes[f"{node.name}.weight"][1:]), rng)
            weights[key] = values.astype(np.float32)
        for key, shape in node.statistics.items():
            weights[key] = np.full(shape, 1.0 if key.endswith(".variance") else 0.0, dtype=np.float32)
    return weights
