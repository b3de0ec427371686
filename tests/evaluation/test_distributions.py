import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfold.errors import DataError
from tenfold.evaluation.distributions import student_quantile, two_sided_p


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042)]
)
def test_quantile_is_that_of_the_printed_table(freedom, quantile):
    assert student_quantile(0.95, freedom) == pytest.approx(quantile, abs=5e-4)


@settings(deadline=None)
@given(st.floats(0.001, 0.9999), st.integers(1, 100_000))
def test_quantile_is_scipy_s(confidence, freedom):
    expected = scipy.stats.t.isf((1 - confidence) / 2, freedom)
    assert student_quantile(confidence, freedom) == pytest.approx(expected, rel=1e-8)


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.integers(1, 100_000))
def test_p_is_scipy_s(t, freedom):
    assert two_sided_p(t, freedom) == pytest.approx(
        2 * scipy.stats.t.sf(abs(t), freedom), rel=1e-7, abs=1e-300
    )


def test_p_at_the_ends():
    assert two_sided_p(0.0, 3) == 1
    assert two_sided_p(float("inf"), 3) == two_sided_p(float("-inf"), 3) == 0


def test_one_value_has_no_degree_of_freedom():
    with pytest.raises(DataError, match="at least one degree of freedom"):
        student_quantile(0.95, 0)
