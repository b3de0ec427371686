"""The error function for whole arrays: SciPy has one, but the base install has no SciPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Rational approximations by W. J. Cody, "Rational Chebyshev approximations for the error function",
# Mathematics of Computation 23 (1969), 631-637; highest power first. Three ranges of |x|, each with numerator
# and denominator.
_SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)  # fmt: skip
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_LARGE = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip

Coefficients = tuple[tuple[float, ...], tuple[float, ...]]


def erf(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the error function of each value, to within a few units in the last place.

    Parameters
    ----------
    x : array of float32 or float64

    Returns
    -------
    array of the same shape and dtype, in [-1, 1]
    """
    size = np.abs(x).ravel()
    result = np.ones_like(size)
    small, large = size <= 0.46875, size > 4
    middle = ~(small | large)

    near = size[small]
    result[small] = near * _ratio(_SMALL, near * near)
    medium = size[middle]
    result[middle] -= np.exp(-medium * medium) * _ratio(_MIDDLE, medium)
    far = np.minimum(size[large], 10)  # 1 - erf(10) is far below the last place already
    inverse = 1 / (far * far)
    tail = (1 / np.sqrt(np.pi) - inverse * _ratio(_LARGE, inverse)) / far
    result[large] -= np.exp(-far * far) * tail
    result[np.isnan(size)] = np.nan
    signed: NDArray[np.floating] = np.copysign(result.reshape(x.shape), x)
    return signed


def _ratio(coefficients: Coefficients, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the numerator over the denominator at `x`, each by Horner's rule in the dtype of `x`."""
    values = []
    for powers in coefficients:
        value = np.full_like(x, powers[0])
        for coefficient in powers[1:]:
            value *= x
            value += x.dtype.type(coefficient)
        values.append(value)
    return values[0] / values[1]
