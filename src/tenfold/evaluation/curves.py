"""What a score can separate: precision-recall and ROC curves of one class against the rest.

For class k of a classifier: ``roc_curve(truth == k, probabilities[:, k])``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.errors import DataError
from tenfold.evaluation.inputs import check_same_length


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Precision and recall as the threshold falls.

    Attributes
    ----------
    precision, recall : (points,) float64 in [0, 1]
        Start at precision 1, recall 0 (nothing called positive) and end at recall 1.
    thresholds : (points,) float64, falling
        A score >= threshold is called positive. The first is infinite.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @property
    def average_precision(self) -> float:
        """The sum of precision times the step in recall, in [0, 1]; without interpolation, which flatters."""
        return float((np.diff(self.recall) * self.precision[1:]).sum())


@dataclass(frozen=True, eq=False)
class RocCurve:
    """True against false positives as the threshold falls.

    Attributes
    ----------
    false_positive_rate, true_positive_rate : (points,) float64 in [0, 1], rising
        From (0, 0) to (1, 1).
    thresholds : (points,) float64, falling
        A score >= threshold is called positive. The first is infinite.
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @property
    def area(self) -> float:
        """The area under the curve (AUC), in [0, 1]: the chance that a positive scores above a negative."""
        height = (self.true_positive_rate[1:] + self.true_positive_rate[:-1]) / 2
        return float(np.diff(self.false_positive_rate) @ height)


def precision_recall_curve(truth: ArrayLike, scores: ArrayLike) -> PrecisionRecallCurve:
    """Return the precision-recall curve, one point for each distinct score.

    Parameters
    ----------
    truth : (n,) bool, or integers 0 and 1
        Whether each image is of the class.
    scores : (n,) floats
        Larger means more likely of the class.

    Raises
    ------
    DataError
        The arrays do not fit, a score is not finite, or there is no positive.
    """
    positive, number = _check_binary(truth, scores)
    if not positive.any():
        raise DataError("A precision-recall curve needs at least one positive in truth. Got none.")
    hits, false, thresholds = _cumulate(positive, number)
    precision = np.concatenate([[1.0], hits[1:] / (hits[1:] + false[1:])])
    return PrecisionRecallCurve(precision, hits / hits[-1], thresholds)


def roc_curve(truth: ArrayLike, scores: ArrayLike) -> RocCurve:
    """Return the receiver operating characteristic, one point for each distinct score.

    Parameters and errors as in `precision_recall_curve`; there must be a negative, too.
    """
    positive, number = _check_binary(truth, scores)
    if positive.all() or not positive.any():
        raise DataError(
            f"A ROC curve needs positives and negatives in truth. Got {int(positive.sum())} positives "
            f"among {len(positive)}."
        )
    hits, false, thresholds = _cumulate(positive, number)
    return RocCurve(false / false[-1], hits / hits[-1], thresholds)


def _cumulate(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Count true and false positives at each threshold, from infinity down through the distinct scores."""
    order = np.argsort(-scores, kind="stable")
    ranked, hit = scores[order], positive[order]
    last_of_each = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    hits = np.cumsum(hit)[last_of_each].astype(np.float64)
    false = last_of_each + 1 - hits
    return (
        np.concatenate([[0.0], hits]),
        np.concatenate([[0.0], false]),
        np.concatenate([[np.inf], ranked[last_of_each]]),
    )


def _check_binary(truth: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    array: NDArray[Any] = np.asarray(truth)
    number: NDArray[Any] = np.asarray(scores)
    for what, values in (("truth", array), ("scores", number)):
        if values.ndim != 1 or not len(values):
            raise DataError(f"{what} must have shape (n,) with n >= 1. Got shape {values.shape} instead.")
    check_same_length(truth=array, scores=number)
    if array.dtype.kind not in "biu" or not np.isin(array, (0, 1)).all():
        raise DataError("truth must be bool, or 0 and 1. For class k of many pass truth == k.")
    if number.dtype.kind not in "fiu" or not np.isfinite(number).all():
        raise DataError("scores must be finite real numbers, one for each image.")
    return array.astype(np.bool_), number.astype(np.float64)
