"""Whether a probability means what it says, and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.errors import DataError
from tenfold.evaluation.inputs import check_labels, check_probabilities, check_same_length

BINS = 15
"""The number of bins where none is given, as in Guo et al. (2017)."""

ERROR_RATES = (0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""Those for which a model states from which confidence on it may be trusted."""

_COLDEST, _HOTTEST = 1e-2, 1e2


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """Accuracy against confidence, bin by bin. Empty bins are left out.

    Attributes
    ----------
    lower, upper : (bins,) float64 in [0, 1]
        Each bin holds the images with lower < confidence <= upper.
    confidence, accuracy : (bins,) float64 in [0, 1]
        The means in each bin.
    count : (bins,) int64 >= 1
        How many images.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def ece(self) -> float:
        """The expected calibration error: the mean gap, weighted by the images in each bin."""
        gap = np.abs(self.accuracy - self.confidence)
        return float((gap * self.count).sum() / self.count.sum())

    @property
    def largest_gap(self) -> float:
        """The largest gap of any bin (the maximum calibration error)."""
        return float(np.abs(self.accuracy - self.confidence).max())


def reliability_curve(
    truth: ArrayLike, probabilities: ArrayLike, bins: int = BINS, adaptive: bool = False
) -> ReliabilityCurve:
    """Group the images by the probability of the predicted class, and compare it with the accuracy there.

    Parameters
    ----------
    truth : (n,) integers in [0, classes)
    probabilities : (n, classes) floats, rows sum to 1
    bins : int >= 1
    adaptive : bool
        False: bins of equal width over [0, 1]. True: bins of about equal count; equal confidences share a
        bin, so that the order of the images does not matter and there may be fewer bins.

    Raises
    ------
    DataError
        Labels or probabilities do not fit, or `bins` is below 1.
    """
    if bins < 1:
        raise DataError(f"bins must be >= 1. Got {bins} instead.")
    true, chances = check_probabilities(truth, probabilities)
    # A sum may round to a little over 1, and no confidence may fall out of the last bin.
    confidence = np.minimum(chances.max(axis=1), 1.0)
    right = chances.argmax(axis=1) == true
    if adaptive:
        places = np.arange(1, bins + 1) * len(true) // bins
        ends = np.unique(np.sort(confidence)[np.maximum(places, 1) - 1])
        edges = np.concatenate([[0.0], ends])
    else:
        edges = np.arange(bins + 1) / bins
    index = np.searchsorted(edges[1:], confidence)
    count = np.bincount(index, minlength=len(edges) - 1)
    held = count > 0
    return ReliabilityCurve(
        lower=edges[:-1][held],
        upper=edges[1:][held],
        confidence=np.bincount(index, confidence, len(count))[held] / count[held],
        accuracy=np.bincount(index, right, len(count))[held] / count[held],
        count=count[held].astype(np.int64),
    )


def expected_calibration_error(
    truth: ArrayLike, probabilities: ArrayLike, bins: int = BINS, adaptive: bool = False
) -> float:
    """Return the expected calibration error (Naeini et al., 2015; Guo et al., 2017), in [0, 1].

    It depends on the bins, so state their number beside it. Parameters and errors as in `reliability_curve`.
    """
    return reliability_curve(truth, probabilities, bins, adaptive).ece


def confidence_thresholds(
    truth: ArrayLike, probabilities: ArrayLike, error_rates: Sequence[float] = ERROR_RATES
) -> dict[float, float | None]:
    """Return, for each error rate, from which confidence on a prediction may be accepted.

    That is the lowest confidence at which, of the k images that are at least so sure, e are wrong and
    ``(e + 1) / (k + 1)`` is at most the rate: as if one more were accepted, and wrong. None: no confidence is
    known to be enough, since too few images were seen or too many of the surest are wrong.

    Parameters
    ----------
    truth : (n,) integers in [0, classes)
        Of images that were not trained on.
    probabilities : (n, classes) floats, rows sum to 1
    error_rates : sequence of float in (0, 1)

    Raises
    ------
    DataError
        Labels or probabilities do not fit, or a rate is out of range.
    """
    for rate in error_rates:
        if not 0 < rate < 1:
            raise DataError(f"error_rates must lie between 0 and 1. Got {rate!r} instead.")
    true, chances = check_probabilities(truth, probabilities)
    confidence = np.minimum(chances.max(axis=1), 1.0)
    order = np.argsort(-confidence, kind="stable")
    sure, wrong = confidence[order], np.cumsum((chances.argmax(axis=1) != true)[order])
    # Equal confidences are accepted together or not at all.
    last_of_each = np.append(np.flatnonzero(np.diff(sure)), len(sure) - 1)
    bounds = (wrong[last_of_each] + 1) / (last_of_each + 2)
    found: dict[float, float | None] = {}
    for rate in error_rates:
        kept = last_of_each[bounds <= rate]
        found[rate] = float(sure[kept[-1]]) if len(kept) else None
    return found


def softmax(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float32]:
    """Return the probabilities ``softmax(logits / temperature)``, (n, classes) float32, rows sum to 1.

    Parameters
    ----------
    logits : (n, classes) floats
    temperature : float > 0
        Above 1 makes the probabilities more modest, below 1 more certain; the prediction stays the same.

    Raises
    ------
    DataError
        The logits are not finite or have another shape, or the temperature is not positive.
    """
    if not 0 < temperature < np.inf:
        raise DataError(f"temperature must be finite and > 0. Got {temperature!r} instead.")
    # A line of memory for each class: sums over ten neighbors would take twice as long.
    score = np.ascontiguousarray(_check_logits(logits).T)
    score -= score.max(axis=0)
    score /= temperature
    power = np.exp(score, out=score)
    power /= power.sum(axis=0)
    return np.ascontiguousarray(power.T, dtype=np.float32)


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the temperature that gives held-out images the smallest NLL (Guo et al., 2017, section 4.2).

    The NLL is convex in 1 / temperature; its slope is brought to zero by bisection, so there is one answer,
    whatever the logits. It lies in [0.01, 100]. Where every image is right the NLL falls for ever as the
    temperature does, the images say nothing about overconfidence, and 1 is returned: leave the logits alone.

    Parameters
    ----------
    logits : (n, classes) floats
        Of images that were not trained on.
    labels : (n,) integers in [0, classes)

    Raises
    ------
    DataError
        Logits or labels do not fit.
    """
    score = _check_logits(logits)
    true = check_labels(labels, "labels", score.shape[1])
    check_same_length(logits=score, labels=true)
    # Only differences matter; from the largest they are <= 0 and exp cannot overflow.
    score = score - score.max(axis=1, keepdims=True)
    target = score[np.arange(len(true)), true]
    if not target.any():
        return 1.0

    def slope(temperature: float) -> float:
        """The derivative of the mean NLL by 1 / temperature, which rises with it."""
        power = np.exp(score / temperature)
        return float(((power * score).sum(axis=1) / power.sum(axis=1) - target).mean())

    if slope(_COLDEST) <= 0:
        return _COLDEST
    if slope(_HOTTEST) >= 0:
        return _HOTTEST
    low, high = np.log(_COLDEST), np.log(_HOTTEST)
    while high - low > 1e-10:
        middle = (low + high) / 2
        if slope(float(np.exp(middle))) > 0:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def _check_logits(logits: ArrayLike) -> NDArray[np.float64]:
    array: NDArray[Any] = np.asarray(logits)
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(
            "logits must have one row for each image and one column for each class. "
            f"Got shape {array.shape} instead."
        )
    if array.dtype.kind not in "fiu":
        raise DataError(f"logits must be real numbers. Got {array.dtype} instead.")
    finite = np.isfinite(array)
    if not finite.all():
        raise DataError(f"logits: row {int(finite.all(axis=1).argmin())} holds a value that is not finite.")
    return array.astype(np.float64)
