"""Losses and their gradients by the logits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tenfold.training.numpy_activations import softmax
from tenfold.training.numpy_operation import Array


def targets(labels: NDArray[np.int64], classes: int, smoothing: float, dtype: np.dtype[np.floating]) -> Array:
    """Return the wanted distribution of each label: ``(1 - smoothing) * one_hot + smoothing / classes``."""
    wanted = np.full((len(labels), classes), smoothing / classes, dtype)
    wanted[np.arange(len(labels)), labels] += 1 - smoothing
    return wanted


def cross_entropy(logits: Array, wanted: Array) -> tuple[float, Array]:
    """Return the mean cross-entropy of the softmax of `logits` (n, classes), and its gradient by them.

    Parameters
    ----------
    logits, wanted : (n, classes) of the same dtype
        `wanted` as from `targets`.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(wanted * log_probabilities).sum() / len(logits)
    return float(loss), (np.exp(log_probabilities) - wanted) / len(logits)


def squared_error(logits: Array, wanted: Array) -> tuple[float, Array]:
    """Return the mean squared distance of the softmax of `logits` from `wanted`, and its gradient.

    The distance is summed over classes, and its mean taken over the batch. Parameters as in `cross_entropy`.
    """
    probabilities = softmax(logits)
    distance = probabilities - wanted
    loss = np.square(distance).sum() / len(logits)
    mean_distance = (probabilities * distance).sum(axis=1, keepdims=True)
    return float(loss), probabilities * (distance - mean_distance) * (2 / len(logits))


LOSSES: dict[str, Callable[[Array, Array], tuple[float, Array]]] = {
    "cross-entropy": cross_entropy,
    "squared-error": squared_error,
}
