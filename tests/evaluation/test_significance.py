import json
from math import comb, inf

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfold.errors import DataError
from tenfold.evaluation import mcnemar, mean_interval, paired_bootstrap, paired_difference
from tenfold.seeds import generator

finite = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))


def predictions(both, only_a, only_b, neither):
    """Truth and two models' predictions with the given counts."""
    counts = [both, only_a, only_b, neither]
    truth = np.zeros(sum(counts), dtype=np.int64)
    return truth, np.repeat([0, 0, 1, 1], counts), np.repeat([0, 1, 0, 1], counts)


def test_mcnemar_of_the_approval_ratings_in_agresti_s_textbook():
    comparison = mcnemar(*predictions(794, 150, 86, 570))
    assert (comparison.only_a_right, comparison.only_b_right) == (150, 86)
    assert (comparison.both_right, comparison.both_wrong, comparison.n) == (794, 570, 1600)
    assert comparison.difference == pytest.approx(0.04)
    assert comparison.interval == pytest.approx((0.021, 0.059), abs=5e-4)
    assert comparison.p == pytest.approx(3.716e-5, rel=1e-3)


def test_mcnemar_by_hand():
    # 5 against 1: P(X <= 1 of 6) = 7/64, twice.
    assert mcnemar(*predictions(10, 5, 1, 2)).p == 14 / 64
    assert mcnemar(*predictions(10, 0, 0, 2)).p == 1
    assert mcnemar(*predictions(0, 3, 3, 0)).p == 1


def test_the_interval_of_mcnemar_by_hand():
    # With half an image in each cell: 5.5 against 1.5 of 20.
    error = ((5.5 + 1.5) / 20 - ((5.5 - 1.5) / 20) ** 2) ** 0.5 / 20**0.5
    low, high = mcnemar(*predictions(10, 5, 1, 2)).interval
    assert (low, high) == pytest.approx((0.2 - 1.959964 * error, 0.2 + 1.959964 * error), abs=1e-7)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_scipy_s_binomial_test(only_a, only_b):
    ours = mcnemar(*predictions(5, only_a, only_b, 5)).p
    expected = scipy.stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert ours == pytest.approx(expected, rel=1e-9)


def test_mcnemar_stays_exact_for_large_counts():
    ours = mcnemar(*predictions(0, 4800, 5200, 0)).p
    assert ours == pytest.approx(scipy.stats.binomtest(4800, 10_000).pvalue, rel=1e-9)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(1, 60))
def test_mcnemar_turns_round_with_the_models_and_its_interval_holds_the_difference(
    both, first, second, neither
):
    truth, a, b = predictions(both, first, second, neither)
    forth, back = mcnemar(truth, a, b), mcnemar(truth, b, a)
    assert forth.p == back.p
    assert forth.difference == -back.difference
    assert forth.interval == pytest.approx((-back.interval[1], -back.interval[0]))
    assert -1 <= forth.interval[0] <= forth.difference <= forth.interval[1] <= 1


@pytest.mark.parametrize(("share_a", "share_b"), [(0.05, 0.05), (0.1, 0.02), (0.02, 0.02), (0.3, 0.1)])
def test_the_interval_of_mcnemar_holds_the_true_difference_as_often_as_it_says(share_a, share_b):
    # Every outcome on 60 images, weighed by its chance: exact, no sampling.
    n, held = 60, 0.0
    for only_a in range(n + 1):
        for only_b in range(n - only_a + 1):
            rest = n - only_a - only_b
            chance = comb(n, only_a) * comb(n - only_a, only_b)
            chance *= share_a**only_a * share_b**only_b * (1 - share_a - share_b) ** rest
            if chance > 1e-7:
                low, high = mcnemar(*predictions(rest, only_a, only_b, 0)).interval
                held += chance * (low <= share_a - share_b <= high)
    assert held >= 0.945


def test_comparison_is_json():
    values = mcnemar(*predictions(10, 5, 1, 2)).to_dict()
    assert json.loads(json.dumps(values)) == values


def test_mcnemar_refuses_lengths_that_differ():
    with pytest.raises(DataError, match="truth has 2, a has 2, b has 1"):
        mcnemar([0, 1], [0, 1], [0])


@settings(deadline=None)
@given(st.lists(finite, min_size=2, max_size=20), st.floats(0.5, 0.999))
def test_mean_interval_is_scipy_s_and_holds_the_mean(values, confidence):
    low, high = mean_interval(values, confidence)
    assert low <= np.mean(values) <= high
    spread = scipy.stats.sem(values)
    if spread > 1e-9:
        expected = scipy.stats.t.interval(confidence, len(values) - 1, np.mean(values), spread)
        assert (low, high) == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_one_seed_says_nothing_of_the_spread():
    assert mean_interval([0.993]) == (-inf, inf)
    for method in (paired_difference, paired_bootstrap):
        difference = method([0.99], [0.98])
        assert difference.interval == (-inf, inf)
        assert difference.to_dict()["interval"] == [None, None]
    assert paired_difference([0.99], [0.98]).p == 1


@settings(deadline=None)
@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=20))
def test_paired_difference_is_scipy_s_paired_t_test(pairs):
    a, b = map(np.array, zip(*pairs, strict=True))
    ours = paired_difference(a, b)
    assert ours.mean == pytest.approx((a - b).mean())
    if (a - b).std() > 1e-6:
        expected = scipy.stats.ttest_rel(a, b)
        assert ours.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
        assert ours.interval == pytest.approx(tuple(expected.confidence_interval()), rel=1e-6, abs=1e-9)


def test_folds_that_share_their_training_images_tell_less_than_seeds():
    # Three folds hold out half as many images as they train on: 1/3 + 1/2 in place of 1/3.
    a, b = [0.90, 0.92, 0.97], [0.89, 0.90, 0.92]
    error = np.std([0.01, 0.02, 0.05], ddof=1) * np.sqrt(1 / 3 + 1 / 2)
    half = scipy.stats.t.ppf(0.975, 2) * error
    found = paired_difference(a, b, held=0.5)
    assert found.method == "corrected paired t"
    assert found.interval == pytest.approx((0.08 / 3 - half, 0.08 / 3 + half))
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(0.08 / 3 / error, 2))
    with pytest.raises(DataError, match="held must be"):
        paired_difference(a, b, held=-0.1)


def test_paired_difference_without_any_spread():
    same, always = paired_difference([1, 2, 3], [1, 2, 3]), paired_difference([2, 3, 4], [1, 2, 3])
    assert (same.mean, same.interval, same.p) == (0, (0, 0), 1)
    assert (always.mean, always.interval, always.p) == (1, (1, 1), 0)


def test_the_bootstrap_of_three_pairs_is_the_range_of_their_differences():
    difference = paired_bootstrap([0.99, 0.98, 0.97], [0.96, 0.96, 0.96])
    assert difference.mean == pytest.approx(0.02)
    assert difference.interval == pytest.approx((0.01, 0.03))
    assert difference.p is None


def test_the_bootstrap_of_many_pairs_is_close_to_scipy_s_and_to_the_t_interval():
    random = np.random.default_rng(0)
    a, b = random.normal(1, 1, size=200), random.normal(0, 1, size=200)
    ours = paired_bootstrap(a, b).interval
    theirs = scipy.stats.bootstrap(((a - b),), np.mean, method="percentile", rng=1).confidence_interval
    assert ours == pytest.approx(tuple(theirs), abs=0.02)
    assert ours == pytest.approx(paired_difference(a, b).interval, abs=0.02)


def test_three_pairs_hold_the_true_mean_three_times_in_four_by_bootstrap_and_as_promised_by_t():
    random = np.random.default_rng(1)
    samples = random.normal(0, 1, size=(400, 3))
    zero = np.zeros(3)

    def share(method):
        intervals = [method(sample, zero).interval for sample in samples]
        return np.mean([low <= 0 <= high for low, high in intervals])

    assert 0.69 < share(lambda a, b: paired_bootstrap(a, b, resamples=1000)) < 0.81
    assert 0.92 < share(paired_difference) < 0.98


def test_the_bootstrap_follows_its_seed():
    random = np.random.default_rng(2)
    a, b = random.normal(size=30), random.normal(size=30)
    assert paired_bootstrap(a, b, seed=5) == paired_bootstrap(a, b, seed=5)
    assert paired_bootstrap(a, b, seed=5) != paired_bootstrap(a, b, seed=6)


def test_the_bootstrap_in_blocks_is_the_bootstrap_at_once():
    # 30,000 pairs take five blocks; the numbers drawn must be those of one.
    change = np.random.default_rng(3).normal(0.5, 1, size=30_000)
    picks = generator(7, "bootstrap").integers(30_000, size=(150, 30_000))
    expected = np.quantile(change[picks].mean(axis=1), [0.025, 0.975])
    assert paired_bootstrap(change, np.zeros(30_000), seed=7, resamples=150).interval == pytest.approx(
        expected
    )


@pytest.mark.parametrize("method", [paired_difference, paired_bootstrap])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([], [], "a must have shape"),
        ([1.0, 2.0], [1.0], "a has 2, b has 1"),
        ([1.0, np.nan], [1.0, 2.0], "a must be finite real numbers"),
        ([1.0, 2.0], ["x", "y"], "b must be finite real numbers"),
    ],
)
def test_values_that_cannot_be_compared_are_refused(method, a, b, message):
    with pytest.raises(DataError, match=message):
        method(a, b)


def test_settings_out_of_range_are_refused():
    with pytest.raises(DataError, match="values must have shape"):
        mean_interval([])
    with pytest.raises(DataError, match="confidence must lie between 0 and 1"):
        mean_interval([1, 2], confidence=1)
    with pytest.raises(DataError, match="resamples must be >= 100"):
        paired_bootstrap([1, 2], [1, 2], resamples=10)
