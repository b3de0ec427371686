import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from tenfold.errors import DataError
from tenfold.evaluation import (
    confidence_thresholds,
    expected_calibration_error,
    fit_temperature,
    nll,
    reliability_curve,
    softmax,
)


def rows_of(confidence):
    """Two classes; the first is predicted with the given confidence, each > 0.5."""
    confidence = np.asarray(confidence, dtype=float)
    return np.stack([confidence, 1 - confidence], axis=1)


def sampled(seed, n=400, classes=10, temperature=1.0, spread=2.0):
    """Logits, and labels drawn with the chances that the logits give at the temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=spread, size=(n, classes))
    gumbel = random.gumbel(size=logits.shape)
    return logits, (logits / temperature + gumbel).argmax(axis=1)


def test_ece_of_a_perfectly_calibrated_case_is_0():
    truth = [0, 0, 0, 1] + [0] * 9 + [1]
    rows = rows_of([0.75] * 4 + [0.9] * 10)
    assert expected_calibration_error(truth, rows) == pytest.approx(0, abs=1e-15)
    assert expected_calibration_error(truth, rows, adaptive=True) == pytest.approx(0, abs=1e-15)


def test_ece_by_hand():
    # Bins of a fifth: (0.6, 0.8] holds 0.7, 0.7 with one right; (0.8, 1] holds 0.9, 1.0 with both right.
    curve = reliability_curve([0, 1, 0, 0], rows_of([0.7, 0.7, 0.9, 1.0]), bins=5)
    np.testing.assert_allclose(curve.lower, [0.6, 0.8])
    np.testing.assert_allclose(curve.upper, [0.8, 1.0])
    np.testing.assert_allclose(curve.confidence, [0.7, 0.95])
    np.testing.assert_allclose(curve.accuracy, [0.5, 1.0])
    assert curve.count.tolist() == [2, 2]
    assert curve.ece == pytest.approx(0.5 * 0.2 + 0.5 * 0.05)
    assert curve.largest_gap == pytest.approx(0.2)


def test_certain_and_wrong_has_the_largest_error():
    assert expected_calibration_error([1, 1], rows_of([1.0, 1.0])) == 1


def test_a_sum_a_little_over_1_stays_in_the_last_bin():
    curve = reliability_curve([0], [[1.00001, 0.0]])
    assert (curve.count.tolist(), curve.ece) == ([1], 0)


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_reliability_curve_is_scikit_learn_s_of_being_right(bins):
    logits, truth = sampled(0)
    rows = softmax(logits).astype(float)
    curve = reliability_curve(truth, rows, bins)
    share, mean = calibration_curve(rows.argmax(axis=1) == truth, rows.max(axis=1), n_bins=bins)
    np.testing.assert_allclose(curve.accuracy, share)
    np.testing.assert_allclose(curve.confidence, mean)


def test_adaptive_bins_hold_equal_counts():
    logits, truth = sampled(1, n=150)
    curve = reliability_curve(truth, softmax(logits), bins=15, adaptive=True)
    assert curve.count.tolist() == [10] * 15
    assert reliability_curve(truth[:7], softmax(logits[:7]), bins=15, adaptive=True).count.tolist() == [1] * 7


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.6, 0.75, 0.9, 1.0])), min_size=1, max_size=30),
    st.integers(1, 20),
    st.booleans(),
    st.randoms(),
)
def test_every_image_is_in_one_bin_whatever_the_order(images, bins, adaptive, random):
    truth, confidence = zip(*images, strict=True)
    curve = reliability_curve(truth, rows_of(confidence), bins, adaptive)
    assert curve.count.sum() == len(images)
    assert ((curve.lower < curve.confidence + 1e-12) & (curve.confidence <= curve.upper + 1e-12)).all()
    assert 0 <= curve.ece <= curve.largest_gap + 1e-12 <= 1 + 1e-12
    shuffled = random.sample(images, len(images))
    truth, confidence = zip(*shuffled, strict=True)
    assert expected_calibration_error(truth, rows_of(confidence), bins, adaptive) == pytest.approx(curve.ece)


def test_there_must_be_a_bin():
    with pytest.raises(DataError, match="bins must be >= 1"):
        expected_calibration_error([0], [[1.0, 0.0]], bins=0)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 7.0])
def test_softmax_is_scipy_s(temperature):
    logits, _ = sampled(2)
    chances = softmax(logits, temperature)
    assert chances.dtype == np.float32
    np.testing.assert_allclose(chances, scipy.special.softmax(logits / temperature, axis=1), atol=1e-7)


def test_softmax_of_huge_logits_neither_overflows_nor_loses_its_sum():
    np.testing.assert_array_equal(softmax([[1e300, -1e300], [5e5, 5e5]]), [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found_again(temperature):
    logits, labels = sampled(3, n=20_000, temperature=temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_fit_temperature_is_the_minimum_scipy_finds(seed):
    logits, labels = sampled(seed, temperature=0.7 + seed)

    def loss(log_temperature):
        scaled = logits / np.exp(log_temperature)
        return -scipy.special.log_softmax(scaled, axis=1)[np.arange(len(labels)), labels].mean()

    best = minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(logits, labels) == pytest.approx(np.exp(best.x), rel=1e-5)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.floats(0.2, 5), st.floats(-1e6, 1e6))
def test_scaled_logits_need_a_scaled_temperature_and_a_shift_changes_nothing(seed, factor, shift):
    logits, labels = sampled(seed, n=100)
    expected = factor * fit_temperature(logits, labels)
    assert fit_temperature(factor * logits + shift, labels) == pytest.approx(expected, rel=1e-6)


def test_temperature_lowers_the_nll_and_keeps_the_prediction():
    logits, labels = sampled(5, temperature=3.0)
    before, after = softmax(logits), softmax(logits, fit_temperature(logits, labels))
    assert nll(labels, after) < nll(labels, before)
    assert expected_calibration_error(labels, after) < expected_calibration_error(labels, before)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))


def test_where_every_image_is_right_the_logits_are_left_alone():
    assert fit_temperature([[5.0, 1.0], [0.0, 2.0]], [0, 1]) == 1
    assert fit_temperature([[2.0, 2.0]], [1]) == 1


def test_temperature_stops_at_its_bounds():
    assert fit_temperature([[1.0, 0.0], [1.0, 0.0]], [1, 1]) == 100
    nearly_right = [[1e-6, 0.0]] * 100
    assert fit_temperature(nearly_right, [0] * 99 + [1]) == 0.01


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.empty((0, 3)), [], r"logits must have one row .* Got shape \(0, 3\)"),
        ([1.0, 2.0], [0, 1], r"Got shape \(2,\)"),
        ([[1.0, np.nan]], [0], "row 0 holds a value that is not finite"),
        ([[1.0, np.inf]], [0], "not finite"),
        ([[1.0, 2.0]], [2], "labels: label 2 at index 0"),
        ([[1.0, 2.0]], [0, 1], "logits has 1, labels has 2"),
        ([["a", "b"]], [0], "logits must be real numbers"),
    ],
)
def test_fit_temperature_refuses_what_it_cannot_fit(logits, labels, message):
    with pytest.raises(DataError, match=message):
        fit_temperature(logits, labels)


@pytest.mark.parametrize("temperature", [0, -1, np.nan, np.inf])
def test_softmax_refuses_a_temperature_that_is_not_positive(temperature):
    with pytest.raises(DataError, match="temperature must be finite and > 0"):
        softmax([[1.0, 2.0]], temperature)


def test_thresholds_by_hand():
    # From the surest on: right, right, right, wrong, right, and two of equal confidence, one of them wrong.
    rows = rows_of([0.99, 0.98, 0.97, 0.9, 0.8, 0.7, 0.7])
    truth = [0, 0, 0, 1, 0, 0, 1]

    # (0 + 1) / (3 + 1) are at most wrong at 0.97, (1 + 1) / (5 + 1) at 0.8, (2 + 1) / (7 + 1) at 0.7.
    assert confidence_thresholds(truth, rows, [0.24, 0.25, 0.33, 0.34, 0.4]) == {
        0.24: None,
        0.25: 0.97,
        0.33: 0.97,
        0.34: 0.8,
        0.4: 0.7,
    }


@given(seed=st.integers(0, 1000), rate=st.sampled_from([0.3, 0.1, 0.03]))
def test_a_threshold_keeps_its_rate_where_it_was_measured_and_none_below_it_does(seed, rate):
    logits, truth = sampled(seed)
    rows = softmax(logits)
    level = confidence_thresholds(truth, rows, [rate])[rate]
    sure, wrong = rows.max(axis=1).astype(float), rows.argmax(axis=1) != truth

    kept = {each: (wrong[sure >= each].sum() + 1) / ((sure >= each).sum() + 1) for each in np.unique(sure)}
    assert level == min((each for each, part in kept.items() if part <= rate), default=None)


@pytest.mark.parametrize("rate", [0, 1, -0.1, float("nan")])
def test_an_error_rate_is_a_part(rate):
    with pytest.raises(DataError, match="between 0 and 1"):
        confidence_thresholds([0], [[1.0]], [rate])
