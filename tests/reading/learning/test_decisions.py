import numpy as np
import pytest

from tenfold.reading.decide import Evidence, Judgment
from tenfold.reading.learning.decisions import (
    Line,
    fit_judgment,
    fit_thresholds,
    fit_weights,
    held_out,
)


def lines(count, kind="agree", seed=0, shift=0.0):
    """Return lines whose digit network is right as often as it says, but for a shift of its log-odds."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(2, 2, count)
    right = rng.random(count) < 1 / (1 + np.exp(-(odds + shift)))
    return [
        Line(Evidence(kind, 0.5, float(1 / (1 + np.exp(-value))), 0.5), bool(hit))
        for value, hit in zip(odds, right, strict=True)
    ]


def judged(judgment, lines):
    """Return confidence of lines, and whether they are right."""
    sure = np.array([judgment.confidence(line.evidence) for line in lines])
    return sure, np.array([line.right for line in lines])


def test_confidences_that_are_too_high_are_taken_for_less():
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.7, 1, 20_000)
    right = rng.random(20_000) < chance
    boasted = 1 - (1 - chance) / 3
    (honest,) = (level for rate, level in fit_thresholds(chance, right) if rate == 0.03)
    (found,) = (level for rate, level in fit_thresholds(boasted, right) if rate == 0.03)
    assert 1 - (1 - found) * 3 == pytest.approx(honest, abs=0.01)


@pytest.mark.parametrize("shift", [-1.5, 0.0, 1.0])
def test_the_fitted_confidence_is_how_often_it_is_right(shift):
    weights = Judgment().weights | {"agree": fit_weights(lines(4000, shift=shift), "agree")}
    judgment = Judgment(weights)
    fresh = lines(20_000, seed=1, shift=shift)
    sure, right = judged(judgment, fresh)
    for low in (0.5, 0.7, 0.9):
        near = (sure >= low) & (sure < low + 0.1)
        assert right[near].mean() == pytest.approx(sure[near].mean(), abs=0.06)


def test_without_lines_the_plain_weights_stay():
    assert fit_weights([], "differ") == Judgment().weights["differ"]


def test_of_what_a_threshold_accepts_no_larger_share_is_wrong():
    weights = Judgment().weights | {"agree": (0.0, 0.0, 1.0, 0.0, 0.0)}
    judgment = Judgment(weights)
    sure, right = judged(judgment, lines(5000))
    found = fit_thresholds(sure, right)
    fresh = lines(20_000, seed=1)
    sure, right = judged(judgment, fresh)
    wrong = ~right
    levels = [level for _, level in found]
    assert levels == sorted(levels, reverse=True)
    for rate, level in found[1:]:
        assert wrong[sure >= level].mean() <= 1.5 * rate


def test_pages_and_strips_are_made_read_and_judged(networks):
    parts = []
    judgment = fit_judgment(networks, held_out(), pages=2, strips=4, on_progress=parts.append)
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1)
    assert judgment.protocol["lines"] == sum(kind["lines"] for kind in judgment.protocol["kinds"].values())
    assert judgment.protocol["lines"] > 0
