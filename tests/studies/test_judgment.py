"""What becomes of a claim of several parts."""

import pytest

from tenfold.studies import HONEST
from tenfold.studies.claims import best_of, better, digits_ordered, ranking
from tenfold.studies.curve_claims import always_falls, fits_well
from tenfold.studies.judgment import FAILS, HOLDS, UNDECIDED, Judgment, all_of, combine, in_both

# a − b is −0.8, −1.0 and −1.2 points: t = −8.66, so p = 0.0131.
OURS, THEIRS, POOR = [0.902, 0.900, 0.898], [0.910, 0.910, 0.910], [0.80, 0.801, 0.799]


@pytest.fixture
def results(make_results):
    measured = {"a": {"test_accuracy": OURS}, "b": {"test_accuracy": THEIRS}}
    return make_results(measured | {f"poor {number}": {"test_accuracy": POOR} for number in range(3)})


@pytest.mark.parametrize(("others", "outcome"), [(0, FAILS), (2, FAILS), (3, UNDECIDED)])
def test_the_more_parts_the_surer_one_must_fail(results, others, outcome):
    # 0.0131 times 3 is 0.039, times 4 is 0.052.
    among = ("b", *(f"poor {number}" for number in range(others)))
    found = best_of("a", among=among)(results)
    assert found.outcome == outcome
    assert [part.outcome for part in found.parts] == [FAILS, *[HOLDS] * others]
    if outcome == UNDECIDED:
        assert found.reason == (
            "1 of 4 parts fails; among 4 that may be chance (p = 0.052, corrected for their number)"
        )


def test_shortened_runs_fail_so_far_as_surely(make_results):
    measured = {"a": {"test_accuracy": OURS}, "b": {"test_accuracy": THEIRS}}
    measured |= {f"poor {number}": {"test_accuracy": POOR} for number in range(3)}
    results = make_results(measured, scale="quick")
    found = best_of("a", among=("b", "poor 0", "poor 1", "poor 2"))(results)
    assert (found.outcome, found.so_far) == (UNDECIDED, UNDECIDED)
    assert found.reason.startswith("open so far: 1 of 4 parts fails; among 4 that may be chance")
    assert best_of("a", among=("b", "poor 0", "poor 1"))(results).so_far == FAILS


def test_a_ranking_fails_by_a_neighbor_that_is_sure_enough(make_results):
    worse = {
        f"{number}": {"test_accuracy": [level, level + 0.001]} for number, level in enumerate((0.8, 0.7))
    }
    # −1.00 and −1.08 points: t = 26, p = 0.024, times three neighbors 0.073; −1.00 and −1.01: 0.009
    for second, outcome in (([0.910, 0.9118], UNDECIDED), ([0.910, 0.9111], FAILS)):
        measured = {"a": {"test_accuracy": [0.9, 0.901]}, "b": {"test_accuracy": second}}
        found = ranking(("a", "b", "0", "1"))(make_results(measured | worse))
        assert found.parts[0].outcome == FAILS
        assert found.outcome == outcome


def test_what_needs_no_interval_fails_among_however_many(make_results):
    losses = {"validation_loss": [[0.3, 0.2, 0.4], [0.3, 0.1, 0.2]]}
    results = make_results(
        {"a": {"test_accuracy": [0.9, 0.91]}, "b": {"test_accuracy": [0.1, 0.2]}}, {"a": losses}
    )
    found = all_of(always_falls("a", column="validation_loss"), *[better("a", than="b")] * 50)(results)
    assert found.outcome == FAILS
    own = combine([Judgment(FAILS, "by definition"), *[Judgment(HOLDS, "")] * 99])
    assert (own.outcome, own.p) == (FAILS, 0)
    assert combine([Judgment(FAILS, "", p=0.03), Judgment(HOLDS, "")]).outcome == UNDECIDED


def test_digits_fail_by_a_pair_that_is_sure_enough_for_all_pairs(make_results):
    def scored(*f1):
        rows = [{"class": f"{digit}", "f1": value} for digit, value in enumerate(f1)]
        return {"per_class": [row | {"support": 5, "recall": 1.0} for row in rows]}

    # The hardest is better than another by 1.6, 1.8 and 2.0 points (p = 0.0041, times three pairs 0.012), and
    # by 0.75, 1.0 and 1.25 (p = 0.020, times three 0.061).
    for gaps, outcome in (((0.016, 0.018, 0.020), FAILS), ((0.0075, 0.010, 0.0125), UNDECIDED)):
        of = [scored(0.9 + 2 * gap, 0.8 + gap, 0.8) for gap in gaps]
        found = digits_ordered("a", easiest=("0",), hardest=("1",))(make_results({"a": {"test": of}}))
        assert [part.outcome for part in found.parts] == [HOLDS, HOLDS, FAILS]
        assert found.outcome == outcome
    assert found.parts[-1].reason == "2 − 1: −1.00 points [−1.62, −0.38], n = 3"


def test_a_fit_has_two_ways_to_fail(make_results):
    def fit(gaps):
        low = {"validation_loss": [0.101, 0.102, 0.101], "lowest_validation_loss": [0.1, 0.1, 0.1]}
        return fits_well("a", gap=0.01, loss_rise=0.1)(make_results({"a": {"gap": gaps, **low}}))

    # Above the limit by 0.8, 1.0 and 1.2 points: p = 0.013; by 0.6, 1.0 and 1.4 (t = 4.33): p = 0.049
    assert fit([0.018, 0.020, 0.022]).outcome == FAILS
    found = fit([0.0161, 0.0200, 0.0239])
    assert found.outcome == UNDECIDED
    assert "among 2 that may be chance" in found.reason


def test_what_is_told_beside_a_part_decides_nothing(make_results):
    results = make_results({"a": {"test_accuracy": OURS}, "b": {"test_accuracy": POOR}}, readings=(HONEST,))
    part = in_both(lambda reading: better("a", than="b", reading=reading))
    whole = all_of(part, part)(results)
    assert whole.outcome == HOLDS
    assert whole.reason == "all 2 parts hold"
    assert [each.counts for each in whole.parts] == [True, False, True, False]
