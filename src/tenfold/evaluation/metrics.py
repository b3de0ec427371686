"""Measures of a prediction, from arrays alone."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.errors import DataError
from tenfold.evaluation.inputs import Classes, check_confidence, check_pair, check_probabilities, class_names

_SMALLEST = float(np.finfo(np.float32).tiny)


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of labels that are right, in [0, 1].

    Parameters
    ----------
    truth, predicted : (n,) integers >= 0

    Raises
    ------
    DataError
        They are empty, no labels, or differ in length.
    """
    true, guess = check_pair(truth, predicted)
    return float((true == guess).mean())


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson, 1927): both ends in [0, 1], around successes / n.

    It says how far the accuracy on another test set of n images from the same source may lie; it knows
    nothing of how the accuracy varies with the training seed (see `mean_interval` for that).

    Parameters
    ----------
    successes : int in [0, n]
    n : int >= 1
    confidence : float in (0, 1)

    Raises
    ------
    DataError
        A number is out of its range.
    """
    if n < 1 or not 0 <= successes <= n:
        raise DataError(f"Expected 0 <= successes <= n and n >= 1. Got successes {successes}, n {n} instead.")
    z = NormalDist().inv_cdf((1 + check_confidence(confidence)) / 2)
    share = successes / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # Exact at the ends, where rounding would leave 1e-17 or lose the estimate itself.
    low = 0.0 if successes == 0 else max(0.0, center - half)
    high = 1.0 if successes == n else min(1.0, center + half)
    return low, high


def confusion_matrix(
    truth: ArrayLike,
    predicted: ArrayLike,
    classes: Classes,
    normalize: Literal["truth", "prediction"] | None = None,
) -> NDArray[Any]:
    """Count how often each class was taken for each.

    Parameters
    ----------
    truth, predicted : (n,) integers in [0, classes)
    classes : int or sequence of str
    normalize : None, "truth" or "prediction"
        None counts. "truth" divides each row by its sum: recall on the diagonal. "prediction" divides each
        column by its sum: precision on the diagonal. A row or column without images stays 0.

    Returns
    -------
    matrix : (classes, classes) int64, or float64 in [0, 1] where normalized
        Rows are the truth, columns the prediction.

    Raises
    ------
    DataError
        The labels do not fit, or `normalize` is none of the three.
    """
    if normalize not in (None, "truth", "prediction"):
        raise DataError(f"normalize must be None, 'truth' or 'prediction'. Got {normalize!r} instead.")
    count = len(class_names(classes))
    true, guess = check_pair(truth, predicted, count)
    matrix = np.bincount(true * count + guess, minlength=count * count).reshape(count, count)
    if normalize is None:
        return matrix.astype(np.int64)
    total = matrix.sum(axis=1 if normalize == "truth" else 0, keepdims=True)
    shares: NDArray[np.float64] = matrix / np.maximum(total, 1)
    return shares


def precision_recall_f1(
    truth: ArrayLike, predicted: ArrayLike, classes: Classes
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return precision, recall and their harmonic mean F1 of each class.

    Parameters
    ----------
    truth, predicted : (n,) integers in [0, classes)
    classes : int or sequence of str

    Returns
    -------
    precision, recall, f1 : (classes,) float64 in [0, 1]
        0 where undefined: the precision of a class never predicted, the recall of a class without images.

    Raises
    ------
    DataError
        The labels do not fit.
    """
    matrix = confusion_matrix(truth, predicted, classes)
    right, actual, called = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    return (
        right / np.maximum(called, 1),
        right / np.maximum(actual, 1),
        2 * right / np.maximum(actual + called, 1),
    )


def nll(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the mean negative log-likelihood (cross-entropy) in nats, >= 0.

    A probability of 0 for the truth counts as the smallest normal float32 (1.2e-38, 87.3 nats), so that the
    mean stays finite and every other float32 keeps its own weight.

    Parameters
    ----------
    truth : (n,) integers in [0, classes)
    probabilities : (n, classes) floats, rows sum to 1

    Raises
    ------
    DataError
        Labels or probabilities do not fit.
    """
    true, chances = check_probabilities(truth, probabilities)
    given = chances[np.arange(len(true)), true]
    return abs(float(-np.log(np.clip(given, _SMALLEST, 1.0)).mean()))


def brier(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the Brier score over all classes (Brier, 1950): the mean squared distance to one-hot, in [0, 2].

    Parameters and errors as in `nll`.
    """
    true, chances = check_probabilities(truth, probabilities)
    chances[np.arange(len(true)), true] -= 1
    return float((chances**2).sum(axis=1).mean())


def most_confident_mistakes(truth: ArrayLike, probabilities: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return where the prediction is wrong, the most confident first.

    Parameters
    ----------
    truth : (n,) integers in [0, classes)
    probabilities : (n, classes) floats, rows sum to 1
    count : int >= 0
        At most so many; fewer where there are fewer mistakes.

    Returns
    -------
    indices : (<= count,) int64
        Equal confidences in the order of the images.

    Raises
    ------
    DataError
        Labels or probabilities do not fit, or `count` is negative.
    """
    if count < 0:
        raise DataError(f"count must be >= 0. Got {count} instead.")
    true, chances = check_probabilities(truth, probabilities)
    wrong = np.flatnonzero(chances.argmax(axis=1) != true)
    order = np.argsort(-chances[wrong].max(axis=1), kind="stable")
    return wrong[order][:count].astype(np.int64)
