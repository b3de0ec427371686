import numpy as np
import pytest
import sklearn.metrics as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from tenfold.errors import DataError
from tenfold.evaluation import (
    accuracy,
    brier,
    confusion_matrix,
    most_confident_mistakes,
    nll,
    precision_recall_f1,
    wilson_interval,
)

TRUTH = [0, 0, 0, 1, 1, 2]
GUESS = [0, 0, 1, 1, 2, 2]


@st.composite
def labeled(draw, classes=4):
    """Truth and prediction of one length."""
    pairs = draw(st.lists(st.tuples(*[st.integers(0, classes - 1)] * 2), min_size=1, max_size=40))
    return tuple(np.array(column) for column in zip(*pairs, strict=True))


def random_rows(seed, n=300, classes=10):
    random = np.random.default_rng(seed)
    return random.integers(classes, size=n), random.dirichlet(np.full(classes, 0.3), size=n)


def test_accuracy_counts_what_is_right():
    assert accuracy(TRUTH, GUESS) == 4 / 6


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_of_newcombe_1998_table_1(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0.5, 0.999))
def test_wilson_interval_is_scipy_s_lies_in_0_to_1_and_holds_the_estimate(n, share, confidence):
    successes = round(share * n)
    low, high = wilson_interval(successes, n, confidence)
    assert 0 <= low <= successes / n <= high <= 1
    ci = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert (low, high) == pytest.approx((ci.low, ci.high), abs=1e-12)


@pytest.mark.parametrize("successes", [-1, 11])
def test_wilson_interval_refuses_impossible_counts(successes):
    with pytest.raises(DataError, match="0 <= successes <= n"):
        wilson_interval(successes, 10)


def test_wilson_interval_refuses_no_trial_and_a_confidence_that_is_none():
    with pytest.raises(DataError, match="n >= 1"):
        wilson_interval(0, 0)
    with pytest.raises(DataError, match=r"confidence .* Got 95"):
        wilson_interval(5, 10, confidence=95)


def test_confusion_matrix_has_truth_in_rows_and_prediction_in_columns():
    assert confusion_matrix(TRUTH, GUESS, "abc").tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert confusion_matrix(TRUTH, GUESS, 3).dtype == np.int64


@given(labeled())
def test_confusion_matrix_is_scikit_learn_s(pair):
    for ours, name in ((None, None), ("truth", "true"), ("prediction", "pred")):
        expected = theirs.confusion_matrix(*pair, labels=range(4), normalize=name)
        np.testing.assert_allclose(confusion_matrix(*pair, 4, normalize=ours), expected)


@given(labeled())
def test_normalized_confusion_sums_to_1_wherever_there_are_images(pair):
    truth, guess = pair
    rows = confusion_matrix(truth, guess, 4, normalize="truth").sum(axis=1)
    columns = confusion_matrix(truth, guess, 4, normalize="prediction").sum(axis=0)
    np.testing.assert_allclose(rows, np.isin(range(4), truth))
    np.testing.assert_allclose(columns, np.isin(range(4), guess))


def test_confusion_matrix_refuses_an_unknown_normalization():
    with pytest.raises(DataError, match=r"'truth' or 'prediction'\. Got 'rows'"):
        confusion_matrix(TRUTH, GUESS, 3, normalize="rows")


def test_precision_recall_f1_by_hand():
    precision, recall, f1 = precision_recall_f1(TRUTH, GUESS, 3)
    np.testing.assert_allclose(precision, [1, 1 / 2, 1 / 2])
    np.testing.assert_allclose(recall, [2 / 3, 1 / 2, 1])
    np.testing.assert_allclose(f1, [4 / 5, 1 / 2, 2 / 3])


@given(labeled())
def test_precision_recall_f1_are_scikit_learn_s(pair):
    expected = theirs.precision_recall_fscore_support(*pair, labels=range(4), zero_division=0)[:3]
    np.testing.assert_allclose(precision_recall_f1(*pair, 4), expected)


@pytest.mark.parametrize("seed", range(3))
def test_nll_is_scikit_learn_s_log_loss(seed):
    truth, rows = random_rows(seed)
    rows = (rows + 1e-9) / (rows + 1e-9).sum(axis=1, keepdims=True)
    assert nll(truth, rows) == pytest.approx(theirs.log_loss(truth, rows, labels=range(10)), rel=1e-10)


def test_nll_of_certainty_is_0_when_right_and_finite_when_wrong():
    assert nll([0], [[1.0, 0.0]]) == 0
    assert nll([1], [[1.0, 0.0]]) == pytest.approx(87.3365, abs=1e-4)


def test_brier_by_hand():
    assert brier([0], [[1.0, 0.0, 0.0]]) == 0
    assert brier([0], [[0.0, 1.0, 0.0]]) == 2
    assert brier([0, 1], [[0.5, 0.5], [0.2, 0.8]]) == pytest.approx((0.5 + 0.08) / 2)


def test_brier_is_the_sum_of_scikit_learn_s_over_one_against_the_rest():
    truth, rows = random_rows(1)
    parts = [theirs.brier_score_loss(truth == k, rows[:, k]) for k in range(10)]
    assert brier(truth, rows) == pytest.approx(sum(parts))


def test_most_confident_mistakes_come_first_and_ties_in_order():
    rows = [[0.6, 0.4], [0.9, 0.1], [0.1, 0.9], [0.4, 0.6], [1.0, 0.0]]
    truth = [1, 1, 0, 0, 0]
    assert most_confident_mistakes(truth, rows, 10).tolist() == [1, 2, 0, 3]
    assert most_confident_mistakes(truth, rows, 2).tolist() == [1, 2]
    assert most_confident_mistakes(truth, rows, 0).tolist() == []
    assert most_confident_mistakes([0], [[1.0, 0.0]], 5).tolist() == []
    alternating = [[0.75, 0.25], [0.875, 0.125]] * 500
    expected = [*range(1, 1000, 2), *range(0, 1000, 2)]
    assert most_confident_mistakes([1] * 1000, alternating, 1000).tolist() == expected
    with pytest.raises(DataError, match="count must be >= 0"):
        most_confident_mistakes(truth, rows, -1)


def test_mistakes_are_exactly_the_wrong_ones():
    truth, rows = random_rows(2)
    found = most_confident_mistakes(truth, rows, len(truth))
    assert sorted(found.tolist()) == np.flatnonzero(rows.argmax(axis=1) != truth).tolist()
    assert (np.diff(rows[found].max(axis=1)) <= 0).all()
