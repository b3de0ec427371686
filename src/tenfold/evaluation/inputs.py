"""What every measure here checks before it counts: labels, class names, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.errors import DataError

Classes = int | Sequence[str]
"""The classes: their names in the order of the labels, or how many there are (then named "0", "1", ...)."""

_SUM_TOLERANCE = 1e-4


def class_names(classes: Classes) -> tuple[str, ...]:
    """Return the name of each class.

    Raises
    ------
    DataError
        There is no class.
    """
    names = tuple(map(str, range(classes))) if isinstance(classes, int) else tuple(map(str, classes))
    if not names:
        raise DataError(
            f"classes must name at least one class, or be a number >= 1. Got {classes!r} instead."
        )
    return names


def check_labels(labels: ArrayLike, what: str, count: int | None = None) -> NDArray[np.int64]:
    """Return `labels` as (n,) int64, n >= 1, each in [0, count).

    Parameters
    ----------
    labels : (n,) integers
    what : str
        What they are called in the error ("truth").
    count : int or None
        Number of classes. None: any label >= 0.

    Raises
    ------
    DataError
        They are empty, not one-dimensional, not integers or outside the classes.
    """
    array: NDArray[Any] = np.asarray(labels)
    if array.ndim != 1:
        raise DataError(
            f"{what} must hold one label for each image, shape (n,). Got shape {array.shape} instead."
        )
    if not len(array):
        raise DataError(f"{what} is empty: there is nothing to measure. Give at least one label.")
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(
            f"{what} must hold integer labels. Got {array.dtype} instead; "
            "for probabilities take the class with the largest, probabilities.argmax(axis=1)."
        )
    outside = array < 0 if count is None else (array < 0) | (array >= count)
    if outside.any():
        place = int(outside.argmax())
        bounds = "below 0" if count is None else f"outside 0 to {count - 1} ({count} classes)"
        raise DataError(f"{what}: label {array[place]} at index {place} is {bounds}.")
    return array.astype(np.int64)


def check_same_length(**arrays: NDArray[Any]) -> None:
    """Raise `DataError` where the named arrays differ in length."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(f"Expected arrays of one length, in the same order: {told}.")


def check_pair(
    truth: ArrayLike, predicted: ArrayLike, count: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return truth and prediction as (n,) int64; raise `DataError` as `check_labels` does."""
    true = check_labels(truth, "truth", count)
    guess = check_labels(predicted, "predicted", count)
    check_same_length(truth=true, predicted=guess)
    return true, guess


def check_probabilities(
    truth: ArrayLike, probabilities: ArrayLike, count: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return truth as (n,) int64 and probabilities as (n, classes) float64.

    Parameters
    ----------
    truth : (n,) integers in [0, classes)
    probabilities : (n, classes) floats in [0, 1]
        Rows sum to 1, within 1e-4 (single precision and a little more).
    count : int or None
        Number of classes. None: as many as there are columns.

    Raises
    ------
    DataError
        A shape, a value or a sum is not as said; the first bad row is named.
    """
    array: NDArray[Any] = np.asarray(probabilities)
    if array.ndim != 2 or not array.shape[1]:
        raise DataError(
            f"probabilities must have one row for each image and one column for each class. "
            f"Got shape {array.shape} instead."
        )
    if count is not None and array.shape[1] != count:
        raise DataError(f"probabilities have {array.shape[1]} columns but there are {count} classes.")
    true = check_labels(truth, "truth", array.shape[1])
    check_same_length(truth=true, probabilities=array)
    if array.dtype.kind not in "fiu":
        raise DataError(f"probabilities must be real numbers. Got {array.dtype} instead.")
    chances = array.astype(np.float64)
    finite = np.isfinite(chances).all(axis=1)
    if not finite.all():
        row = int(finite.argmin())
        raise DataError(
            f"probabilities: row {row} holds a value that is not finite: {chances[row].tolist()}."
        )
    good = (np.abs(chances.sum(axis=1) - 1) <= _SUM_TOLERANCE) & (chances >= 0).all(axis=1)
    if not good.all():
        row = int(good.argmin())
        raise DataError(
            f"probabilities: row {row} must be >= 0 and sum to 1. Got {chances[row].tolist()}, which sum to "
            f"{chances[row].sum():.6g}. Logits become probabilities with tenfold.evaluation.softmax."
        )
    return true, chances


def check_confidence(confidence: float) -> float:
    """Return `confidence`; raise `DataError` unless it lies in (0, 1)."""
    if not 0 < confidence < 1:
        raise DataError(f"confidence must lie between 0 and 1, as 0.95. Got {confidence!r} instead.")
    return float(confidence)
