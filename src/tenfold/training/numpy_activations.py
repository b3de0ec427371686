"""The arithmetic of the activations, from scratch in NumPy; see `numpy_operation` for how to read it."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from tenfold.networks import layers
from tenfold.training.erf import erf
from tenfold.training.numpy_operation import Array, Moment, Operation


class ReLU(Operation[layers.ReLU]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * (self.y > 0)


class LeakyReLU(Operation[layers.LeakyReLU]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.slope: Array = np.where(x > 0, 1, self.layer.slope).astype(x.dtype)
        return x * self.slope

    def backward(self, dy: Array) -> Array:
        return dy * self.slope


class Sigmoid(Operation[layers.Sigmoid]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        y: Array = np.negative(x)
        with np.errstate(over="ignore"):  # 1 / (1 + infinity) is the 0 that it should be
            np.exp(y, out=y)
        y += 1
        self.y = np.reciprocal(y, out=y)
        return y

    def backward(self, dy: Array) -> Array:
        dx: Array = dy * self.y * (1 - self.y)
        return dx


class Tanh(Operation[layers.Tanh]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        dx: Array = dy * (1 - self.y * self.y)
        return dx


class Softmax(Operation[layers.Softmax]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.y = softmax(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        weighted = dy * self.y
        dx: Array = weighted - self.y * weighted.sum(axis=1, keepdims=True)
        return dx


class GELU(Operation[layers.GELU]):
    def forward(self, x: Array, moment: Moment | None) -> Array:
        self.x, self.below = x, 0.5 + 0.5 * erf(x * sqrt(0.5))
        return x * self.below

    def backward(self, dy: Array) -> Array:
        density = np.exp(self.x * self.x * -0.5) * (1 / sqrt(2 * pi))
        return dy * (self.below + self.x * density)


def softmax(x: Array) -> Array:
    """Return ``exp(x) / sum(exp(x))`` over the second axis, stable for values of any size."""
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    y: Array = powers / powers.sum(axis=1, keepdims=True)
    return y
