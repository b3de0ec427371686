"""Student's t distribution in plain Python, so that intervals need no scipy."""

from __future__ import annotations

from math import exp, inf, isinf, lgamma, log, log1p

from tenfold.errors import DataError
from tenfold.evaluation.inputs import check_confidence


def two_sided_p(t: float, freedom: int) -> float:
    """Return the chance that Student's t lies at least as far from 0 as `t`, in [0, 1].

    Parameters
    ----------
    t : float
    freedom : int >= 1
        Degrees of freedom.

    Raises
    ------
    DataError
        There is no degree of freedom.
    """
    if freedom < 1:
        raise DataError(f"Student's t needs at least one degree of freedom. Got {freedom} instead.")
    if isinf(t):
        return 0.0
    square = t * t
    return _incomplete_beta(freedom / (freedom + square), square / (freedom + square), freedom / 2, 0.5)


def student_quantile(confidence: float, freedom: int) -> float:
    """Return the t >= 0 for which Student's t lies within [-t, t] with chance `confidence`.

    Parameters
    ----------
    confidence : float in (0, 1)
    freedom : int >= 1
        Degrees of freedom.

    Raises
    ------
    DataError
        A number is out of its range.
    """
    outside = 1 - check_confidence(confidence)
    low, high = 0.0, 1.0
    while two_sided_p(high, freedom) > outside:
        low, high = high, 2 * high
    while high - low > 1e-14 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if two_sided_p(middle, freedom) > outside:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _incomplete_beta(x: float, rest: float, a: float, b: float) -> float:
    """The regularized incomplete beta function I_x(a, b); `rest` is 1 - x, given apart to keep its digits."""
    if x == 0 or rest == 0:
        return 0.0 if x == 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        # The fraction converges fast below that point only.
        return 1 - _incomplete_beta(rest, x, b, a)
    log_x = log1p(-rest) if rest < 0.5 else log(x)
    log_rest = log1p(-x) if x < 0.5 else log(rest)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log_x + b * log_rest) / a
    return front / _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    tiny = 1e-300
    value, upper, lower = 1.0, 1.0, 0.0
    change, m = inf, 0
    while abs(change - 1) > 1e-15 and m < 10_000:
        m += 1
        half = m // 2
        if m % 2:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        lower = 1 / ((1 + term * lower) or tiny)
        upper = (1 + term / upper) or tiny
        change = upper * lower
        value *= change
    return value
