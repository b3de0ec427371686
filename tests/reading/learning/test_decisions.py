import numpy as np
import pytest

from tenfold.reading.decide import Judgment
from tenfold.reading.learning.decisions import Line, fit_judgment, fit_thresholds, fit_weights, held_out


def lines(count, kind="agree", seed=0, shift=0.0):
    """Return lines whose digit network is right as often as it says, but for a shift of its log-odds."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(2, 2, count)
    right = rng.random(count) < 1 / (1 + np.exp(-(odds + shift)))
    return [
        Line(kind, 0.5, float(1 / (1 + np.exp(-value))), bool(hit))
        for value, hit in zip(odds, right, strict=True)
    ]


@pytest.mark.parametrize("shift", [-1.5, 0.0, 1.0])
def test_the_fitted_confidence_is_how_often_it_is_right(shift):
    weights = Judgment().weights | {"agree": fit_weights(lines(4000, shift=shift), "agree")}
    judgment = Judgment(weights)
    fresh = lines(20_000, seed=1, shift=shift)
    sure = np.array([judgment.confidence(line.kind, line.whole, line.single) for line in fresh])
    right = np.array([line.right for line in fresh])
    for low in (0.5, 0.7, 0.9):
        near = (sure >= low) & (sure < low + 0.1)
        assert right[near].mean() == pytest.approx(sure[near].mean(), abs=0.06)


def test_without_lines_the_plain_weights_stay():
    assert fit_weights([], "differ") == Judgment().weights["differ"]


def test_of_what_a_threshold_accepts_no_larger_share_is_wrong():
    weights = Judgment().weights | {"agree": (0.0, 0.0, 1.0)}
    judgment = Judgment(weights)
    found = fit_thresholds(judgment, lines(5000))
    fresh = lines(20_000, seed=1)
    sure = np.array([judgment.confidence(line.kind, line.whole, line.single) for line in fresh])
    wrong = np.array([not line.right for line in fresh])
    levels = [level for _, level in found]
    assert levels == sorted(levels, reverse=True)
    for rate, level in found[1:]:
        assert wrong[sure >= level].mean() <= 1.5 * rate


def test_pages_and_strips_are_made_read_and_judged(networks):
    parts = []
    judgment = fit_judgment(networks, held_out(), pages=2, strips=4, on_progress=parts.append)
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1)
    assert judgment.protocol["lines"] == sum(total for _, total in judgment.protocol["kinds"].values()) > 0
