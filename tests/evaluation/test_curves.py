import numpy as np
import pytest
import sklearn.metrics as theirs
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from tenfold.errors import DataError
from tenfold.evaluation import precision_recall_curve, roc_curve

# Few distinct scores, so that ties are common.
cases = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0])), min_size=2, max_size=40
)
both_kinds = cases.filter(lambda rows: len({truth for truth, _ in rows}) == 2)


def columns(rows):
    truth, scores = zip(*rows, strict=True)
    return np.array(truth), np.array(scores)


def test_roc_curve_by_hand():
    curve = roc_curve([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.7, 0.1]
    assert curve.true_positive_rate.tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve.false_positive_rate.tolist() == [0, 0, 0.5, 0.5, 1]
    assert curve.area == 0.75


def test_precision_recall_curve_by_hand():
    curve = precision_recall_curve([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    assert curve.recall.tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve.precision.tolist() == pytest.approx([1, 1, 1 / 2, 2 / 3, 1 / 2])
    assert curve.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


@given(both_kinds)
def test_roc_curve_is_scikit_learn_s(rows):
    truth, scores = columns(rows)
    false, true, thresholds = theirs.roc_curve(truth, scores, drop_intermediate=False)
    curve = roc_curve(truth, scores)
    np.testing.assert_allclose(curve.false_positive_rate, false)
    np.testing.assert_allclose(curve.true_positive_rate, true)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    assert curve.area == pytest.approx(theirs.roc_auc_score(truth, scores))


@given(both_kinds)
def test_area_is_the_chance_that_a_positive_scores_above_a_negative(rows):
    truth, scores = columns(rows)
    wins = mannwhitneyu(scores[truth], scores[~truth]).statistic
    assert roc_curve(truth, scores).area == pytest.approx(wins / (truth.sum() * (~truth).sum()))


@given(both_kinds)
def test_precision_recall_curve_is_scikit_learn_s_from_the_other_end(rows):
    truth, scores = columns(rows)
    precision, recall, thresholds = theirs.precision_recall_curve(truth, scores)
    curve = precision_recall_curve(truth, scores)
    np.testing.assert_allclose(curve.precision[::-1], precision)
    np.testing.assert_allclose(curve.recall[::-1], recall)
    np.testing.assert_array_equal(curve.thresholds[:0:-1], thresholds)
    assert curve.average_precision == pytest.approx(theirs.average_precision_score(truth, scores))


def test_curves_need_what_they_compare():
    with pytest.raises(DataError, match="at least one positive"):
        precision_recall_curve([0, 0], [0.1, 0.2])
    with pytest.raises(DataError, match="Got 2 positives among 2"):
        roc_curve([1, 1], [0.1, 0.2])
    with pytest.raises(DataError, match="Got 0 positives among 2"):
        roc_curve([0, 0], [0.1, 0.2])


@pytest.mark.parametrize("curve", [precision_recall_curve, roc_curve])
@pytest.mark.parametrize(
    ("truth", "scores", "message"),
    [
        ([], [], "truth must have shape"),
        ([1, 0], [0.5], "truth has 2, scores has 1"),
        ([3, 7], [0.5, 0.1], "pass truth == k"),
        ([1.0, 0.0], [0.5, 0.1], "must be bool, or 0 and 1"),
        ([1, 0], [0.5, np.nan], "scores must be finite"),
        ([1, 0], [[0.5, 0.5], [0.1, 0.9]], "scores must have shape"),
    ],
)
def test_curves_refuse_what_is_no_score(curve, truth, scores, message):
    with pytest.raises(DataError, match=message):
        curve(truth, scores)
