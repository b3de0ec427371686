import math

import numpy as np
import pytest
from scipy import special

from tenfold.training.erf import erf


def test_agrees_with_scipy_over_the_whole_range():
    x = np.linspace(-8, 8, 100_001)
    np.testing.assert_allclose(erf(x), special.erf(x), rtol=1e-15, atol=0)


def test_agrees_with_the_standard_library_next_to_the_seams():
    x = np.array([0.46875, np.nextafter(0.46875, 1), 4.0, np.nextafter(4.0, 5), -4.0, 1e-300, 5.9])
    np.testing.assert_allclose(erf(x), [math.erf(value) for value in x], rtol=1e-15)


def test_is_right_at_the_ends_and_keeps_the_sign_of_zero():
    found = erf(np.array([np.inf, -np.inf, 1e30, 0.0, -0.0, np.nan]))
    np.testing.assert_array_equal(found, [1, -1, 1, 0, 0, np.nan])
    assert np.signbit(found[4])


@pytest.mark.parametrize("shape", [(3, 4), (0,), (2, 0, 1)])
def test_keeps_shape_and_dtype(shape):
    x = np.linspace(-3, 3, math.prod(shape), dtype=np.float32).reshape(shape)
    found = erf(x)
    assert (found.shape, found.dtype) == (shape, np.float32)
    np.testing.assert_allclose(found, special.erf(x), rtol=3e-7)
