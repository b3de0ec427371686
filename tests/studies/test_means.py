"""Means over seeds: intervals, and the level at which they leave a value out."""

import numpy as np
import pytest

from tenfold.errors import DataError
from tenfold.evaluation import mean_interval, paired_difference
from tenfold.studies.judgment import points
from tenfold.studies.means import Mean

VALUES = np.array([0.012, 0.019, 0.008, 0.021])


def test_the_interval_is_students():
    assert Mean.of(VALUES).interval() == pytest.approx(mean_interval(VALUES))
    assert Mean.of(VALUES[:1]).interval() == (-np.inf, np.inf)


def test_p_is_that_of_the_paired_t_test():
    assert Mean.of(VALUES).p(0) == pytest.approx(paired_difference(VALUES, np.zeros(4)).p)
    assert Mean.of(VALUES[:1]).p(0) == 1


@pytest.mark.parametrize("drawn", [0.0, 0.004])
@pytest.mark.parametrize("value", [-0.05, 0.0, 0.04])
def test_the_interval_of_that_level_ends_at_the_value(drawn, value):
    mean = Mean.of(VALUES, drawn)
    ends = mean.interval(1 - mean.p(value))
    assert min(abs(end - value) for end in ends) < 1e-6
    assert mean.p(mean.value) == 1


def test_a_further_seed_lies_where_students_t_has_it():
    # 15 ± 3.182 * 6.055 * sqrt(1 + 1 / 4), in thousandths
    assert Mean.of(VALUES).single.interval() == pytest.approx((-0.006543, 0.036543), abs=1e-5)


def test_what_is_told_is_the_interval_and_the_seeds():
    assert Mean.of(VALUES).told(points) == " [+0.54, +2.46], n = 4"
    assert Mean.of(VALUES[:1]).told(points) == ", n = 1"
    assert (-Mean.of(VALUES)).told(points) == " [−2.46, −0.54], n = 4"


def test_what_is_not_finite_has_no_mean():
    with pytest.raises(DataError, match="nan"):
        Mean.of(np.array([0.1, np.nan]))
