"""Whether one is better than the other, or only luckier.

Differences are always the first minus the second.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import inf, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.errors import DataError
from tenfold.evaluation.distributions import student_quantile, two_sided_p
from tenfold.evaluation.inputs import check_confidence, check_labels, check_same_length
from tenfold.seeds import generator


@dataclass(frozen=True)
class Comparison:
    """Two models on the same images.

    Attributes
    ----------
    n : int
        How many images.
    only_a_right, only_b_right : int
        The images on which they differ: b and c of McNemar's table.
    both_right, both_wrong : int
    p : float in [0, 1]
        How likely a split at least as uneven is, were the models equally good.
    difference : float in [-1, 1]
        Accuracy of a minus accuracy of b.
    interval : (float, float)
        Of the difference, at `confidence`.
    confidence : float
    """

    n: int
    only_a_right: int
    only_b_right: int
    both_right: int
    both_wrong: int
    p: float
    difference: float
    interval: tuple[float, float]
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {"interval": list(self.interval)}


@dataclass(frozen=True)
class Difference:
    """The mean difference between two recipes over the same seeds.

    Attributes
    ----------
    mean : float
        Of a minus b.
    interval : (float, float)
        Of the mean, at `confidence`. Infinite where there is only one seed.
    n : int
        How many pairs.
    confidence : float
    method : str
        "paired t", "corrected paired t" or "percentile bootstrap".
    p : float in [0, 1] or None
        Two-sided, for a mean difference of 0. None: the method gives none.
    """

    mean: float
    interval: tuple[float, float]
    n: int
    confidence: float
    method: str
    p: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, an infinite end of the interval as None."""
        return asdict(self) | {"interval": [end if np.isfinite(end) else None for end in self.interval]}


def mcnemar(truth: ArrayLike, a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Compare two models' predictions on one test set by McNemar's exact test.

    Only the images on which one is right and the other wrong count; the p value is that of the two-sided
    binomial test with chance 1/2, computed in integers. The interval of the difference is that of Agresti and
    Min (2005), which adds half an image to each cell and keeps its promise for small counts, too.

    It compares two trained models, not the recipes that made them: for those use several seeds and
    `paired_difference`.

    Parameters
    ----------
    truth, a, b : (n,) integers >= 0
        The true labels and the predictions of both, in the same order.
    confidence : float in (0, 1)

    Raises
    ------
    DataError
        The labels do not fit.
    """
    true = check_labels(truth, "truth")
    first, second = check_labels(a, "a"), check_labels(b, "b")
    check_same_length(truth=true, a=first, b=second)
    right_a, right_b = first == true, second == true
    only_a, only_b = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    n = len(true)
    return Comparison(
        n=n,
        only_a_right=only_a,
        only_b_right=only_b,
        both_right=int((right_a & right_b).sum()),
        both_wrong=int((~right_a & ~right_b).sum()),
        p=_even_split_p(only_a, only_b),
        difference=(only_a - only_b) / n,
        interval=_matched_interval(only_a, only_b, n, check_confidence(confidence)),
        confidence=confidence,
    )


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return Student's t interval of the mean, as over seeds.

    One value says nothing of the spread: its interval is (-inf, inf).

    Parameters
    ----------
    values : (n,) floats
    confidence : float in (0, 1)

    Raises
    ------
    DataError
        There is no value, or one is not finite.
    """
    return _student_interval(_check_values(values, "values"), check_confidence(confidence))


def paired_difference(
    a: ArrayLike, b: ArrayLike, confidence: float = 0.95, *, held: float = 0.0
) -> Difference:
    """Compare two recipes over the same seeds, or the same folds, by the paired t test.

    It takes the differences as normal. That cannot be checked on three seeds, but unlike the bootstrap the
    interval is honest about how little three seeds tell.

    Parameters
    ----------
    a, b : (n,) floats
        One result for each seed (or fold and seed), in the same order.
    confidence : float in (0, 1)
    held : float >= 0
        For folds: how many images each holds out, as a fraction of those it trains on. Folds share most of
        their training images, so they differ less than new data would; the variance of the mean is
        ``(1/n + held)`` times that of the differences (Nadeau and Bengio, Inference for the generalization
        error, 2003), in place of ``1/n``.

    Raises
    ------
    DataError
        The values are empty, not finite, or differ in number, or `held` is below 0.
    """
    change = _check_paired(a, b)
    if not held >= 0:
        raise DataError(f"held must be a fraction >= 0 of the training images. Got {held!r} instead.")
    n, mean = len(change), float(change.mean())
    p = 1.0
    if n > 1 and mean:
        error = float(change.std(ddof=1)) * sqrt(1 / n + held)
        p = two_sided_p(mean / error if error else inf, n - 1)
    return Difference(
        mean=mean,
        interval=_student_interval(change, check_confidence(confidence), held),
        n=n,
        confidence=confidence,
        method="corrected paired t" if held else "paired t",
        p=p,
    )


def paired_bootstrap(
    a: ArrayLike, b: ArrayLike, seed: int = 0, resamples: int = 10_000, confidence: float = 0.95
) -> Difference:
    """Compare two recipes over the same seeds by the percentile bootstrap of the mean difference.

    It assumes no distribution, but it cannot see beyond the pairs it is given, and with few of them its
    interval is too narrow: with 3 pairs it runs from the smallest to the largest difference and holds the
    true mean about 75% of the time, whatever `confidence` says. Below ten pairs or so trust
    `paired_difference`. (BCa is no way out: it takes its corrections from the same few pairs.)

    Parameters
    ----------
    a, b : (n,) floats
        One result for each seed, in the same order.
    seed : int >= 0
        Of the resampling.
    resamples : int >= 100
    confidence : float in (0, 1)

    Raises
    ------
    DataError
        The values are empty, not finite or differ in number, or there are too few resamples.
    """
    if resamples < 100:
        raise DataError(
            f"resamples must be >= 100 for an interval that means anything. Got {resamples} instead."
        )
    change = _check_paired(a, b)
    n, tail = len(change), (1 - check_confidence(confidence)) / 2
    interval = (-inf, inf)
    if n > 1:
        random = generator(seed, "bootstrap")
        # Block by block, so that 10,000 resamples of 10,000 pairs need no gigabyte.
        block = max(1, 1_000_000 // n)
        sizes = [min(block, resamples - start) for start in range(0, resamples, block)]
        means = np.concatenate([change[random.integers(n, size=(size, n))].mean(axis=1) for size in sizes])
        low, high = np.quantile(means, [tail, 1 - tail])
        interval = (float(low), float(high))
    return Difference(float(change.mean()), interval, n, confidence, "percentile bootstrap")


def _even_split_p(first: int, second: int) -> float:
    n, fewer = first + second, min(first, second)
    term = total = 1
    for k in range(fewer):
        term = term * (n - k) // (k + 1)
        total += term
    return min(1.0, 2 * total / (1 << n))


def _matched_interval(only_a: int, only_b: int, n: int, confidence: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    size, gap, differing = n + 2, only_a - only_b, only_a + only_b + 1
    center = gap / size
    half = z * sqrt(differing - gap * gap / size) / size
    return max(-1.0, center - half), min(1.0, center + half)


def _student_interval(
    values: NDArray[np.float64], confidence: float, held: float = 0.0
) -> tuple[float, float]:
    n, mean = len(values), float(values.mean())
    if n == 1:
        return -inf, inf
    half = student_quantile(confidence, n - 1) * float(values.std(ddof=1)) * sqrt(1 / n + held)
    return mean - half, mean + half


def _check_values(values: ArrayLike, what: str) -> NDArray[np.float64]:
    array: NDArray[Any] = np.asarray(values)
    if array.ndim != 1 or not len(array):
        raise DataError(f"{what} must have shape (n,) with n >= 1. Got shape {array.shape} instead.")
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise DataError(f"{what} must be finite real numbers. Got {array.tolist()} instead.")
    return array.astype(np.float64)


def _check_paired(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    first, second = _check_values(a, "a"), _check_values(b, "b")
    check_same_length(a=first, b=second)
    return first - second
