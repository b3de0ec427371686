"""Verdicts on hand-worked results."""

from dataclasses import replace

import pytest

from tenfold.studies import HONEST, PUBLISHED
from tenfold.studies.claims import (
    as_printed,
    best_of,
    better,
    exceeds,
    gains,
    less_overfit,
    matters_more,
    ranking,
    ratio_between,
    reaches,
    stays_below,
)
from tenfold.studies.curve_claims import always_falls, falls, fits_well, lowest_sooner, rises
from tenfold.studies.judgment import FAILS, HOLDS, UNDECIDED, Judgment, all_of, in_both, judge

GOOD, FAIR, POOR = [0.990, 0.991, 0.992], [0.980, 0.9811, 0.982], [0.900, 0.9012, 0.9021]


def test_a_clear_difference_holds_one_way_and_fails_the_other(make_results):
    results = make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": FAIR}})
    assert better("a", than="b")(results).outcome == HOLDS
    assert better("b", than="a")(results).outcome == FAILS
    assert "+1.00 points" in better("a", than="b")(results).reason


def test_a_difference_of_the_size_of_its_noise_is_undecided(make_results):
    results = make_results(
        {"a": {"test_accuracy": [0.98, 0.99, 0.985]}, "b": {"test_accuracy": [0.985, 0.98, 0.989]}}
    )
    assert better("a", than="b")(results).outcome == UNDECIDED


def test_one_seed_decides_nothing_however_large_the_difference(make_results):
    one = {"test_accuracy": [0.99], "gap": [0.0], "validation_loss": [0.1], "lowest_validation_loss": [0.1]}
    results = make_results({"a": one, "b": {"test_accuracy": [0.5]}})
    assert better("a", than="b")(results).outcome == UNDECIDED
    assert reaches("a", 0.5)(results).outcome == UNDECIDED
    assert fits_well("a", gap=0.1, loss_rise=0.1)(results).outcome == UNDECIDED


def test_pairing_by_seed_finds_a_small_difference_that_every_seed_shares(make_results):
    spread = [0.95, 0.97, 0.99]
    higher = [0.9521, 0.972, 0.9919]
    results = make_results({"a": {"test_accuracy": higher}, "b": {"test_accuracy": spread}})
    assert better("a", than="b")(results).outcome == HOLDS


def test_seeds_that_differ_exactly_alike_give_no_interval_and_so_no_decision(make_results):
    results = make_results({"a": {"test_accuracy": [0.98, 0.981]}, "b": {"test_accuracy": [0.97, 0.971]}})
    found = better("a", than="b")(results)
    assert found.outcome == UNDECIDED
    assert "no interval to decide by" in found.reason
    assert reaches("a", 0.5)(make_results({"a": {"test_accuracy": [0.98, 0.98]}})).outcome == UNDECIDED


def test_lower_is_better_where_asked(make_results):
    results = make_results({"a": {"gap": [0.01, 0.011, 0.012]}, "b": {"gap": [0.03, 0.0311, 0.032]}})
    assert less_overfit("a", than="b")(results).outcome == HOLDS
    assert less_overfit("b", than="a")(results).outcome == FAILS


def test_a_margin_must_be_beaten_as_well(make_results):
    results = make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": FAIR}})
    assert better("a", than="b", by=0.005)(results).outcome == HOLDS
    assert better("a", than="b", by=0.02)(results).outcome == FAILS
    low = make_results({"a": {"gap": [0.01, 0.0101]}, "b": {"gap": [0.03, 0.03015]}})
    assert less_overfit("a", than="b")(low).outcome == HOLDS
    assert better("a", than="b", metric="gap", lower=True, by=0.03)(low).outcome == FAILS


@pytest.mark.parametrize(
    ("value", "outcome"), [(0.9880, HOLDS), (0.9910, UNDECIDED), (0.9990, FAILS), (0.98, HOLDS)]
)
def test_a_reported_value_is_reached_where_the_interval_lies_above_it(make_results, value, outcome):
    # mean 0.991, interval 0.9885 to 0.9935 (t = 4.303, sd = 0.001, n = 3)
    results = make_results({"a": {"test_accuracy": GOOD}})
    assert reaches("a", value)(results).outcome == outcome


def test_a_reported_value_counts_as_rounded(make_results):
    results = make_results({"a": {"test_accuracy": [0.98117, 0.98118, 0.98117]}})
    assert reaches("a", 0.9812)(results).outcome == HOLDS


def test_what_is_higher_than_reported_reaches_it_and_is_told(make_results):
    results = make_results({"a": {"test_accuracy": GOOD}})
    assert reaches("a", 0.98)(results).reason.endswith("reported 98.00%, ours is higher")
    assert reaches("a", 0.991)(results).reason.endswith("reported 99.10%")


# Gains of 0.9, 1.0 and 1.1 points: a further run gives 1 ± 4.303 * 0.1 * sqrt(4 / 3) = 0.503 to 1.497.
@pytest.mark.parametrize(
    ("printed", "rounding", "outcome"),
    [
        (0.0100, 0.00005, HOLDS),
        (0.0060, 0.00005, HOLDS),
        (0.0045, 0.00005, FAILS),
        (0.0045, 0.0005, HOLDS),  # it may as well have been 0.55
        (0.0170, 0.00005, FAILS),
        (0.0170, 0.0005, FAILS),
    ],
)
def test_a_printed_gain_is_set_beside_that_of_a_single_run(make_results, printed, rounding, outcome):
    results = make_results(
        {"a": {"test_accuracy": [0.919, 0.92, 0.921]}, "b": {"test_accuracy": [0.91, 0.91, 0.91]}}
    )
    found = as_printed("a", printed, over="b", rounding=rounding)(results)
    assert found.outcome == outcome
    assert "a − b: a single run shows +1.00 points of test accuracy [+0.50, +1.50], n = 3" in found.reason
    assert (0 < found.p < 0.05) == (outcome == FAILS)


def test_runs_too_uneven_to_tell_a_printed_gain_from_none_leave_it_open(make_results):
    uneven = {"a": {"test_accuracy": [0.912, 0.92, 0.928]}, "b": {"test_accuracy": [0.91, 0.91, 0.91]}}
    found = as_printed("a", 0.01, over="b")(make_results(uneven))
    assert found.outcome == UNDECIDED
    assert found.reason.endswith("printed +1.00 ± 0.01; it may as well show none")
    one = {"a": {"test_accuracy": [0.92]}, "b": {"test_accuracy": [0.91]}}
    assert as_printed("a", 0.01, over="b")(make_results(one)).outcome == UNDECIDED
    alike_ = {"a": {"test_accuracy": [0.92, 0.93]}, "b": {"test_accuracy": [0.91, 0.92]}}
    assert as_printed("a", 0.01, over="b")(make_results(alike_)).outcome == UNDECIDED


@pytest.mark.parametrize(
    ("errors", "outcome"), [((4, 5, 4), HOLDS), ((1, 4, 8), UNDECIDED), ((9, 9, 8), FAILS)]
)
def test_a_printed_count_is_set_beside_that_of_a_single_run(make_results, errors, outcome):
    tests = [{"per_class": [{"class": "1", "support": 100, "recall": 1 - each / 100}]} for each in errors]
    results = make_results({"a": {"test": tests}})
    found = as_printed("a", 4, metric="errors of 1", rounding=0.5)(results)
    assert found.outcome == outcome
    assert "a: a single run shows " in found.reason
    assert "errors of 1" in found.reason
    assert "printed 4" in found.reason


@pytest.mark.parametrize(("drawn", "outcome"), [(None, HOLDS), (2_100, UNDECIDED), (200_000, HOLDS)])
def test_other_test_images_widen_what_reaching_takes(make_results, drawn, outcome):
    # Two draws of 2,100 images at 95% add 1.96 * sqrt(2 * 0.95 * 0.05 / 2100) = 1.32 points to either side.
    results = make_results({"a": {"test_accuracy": [0.957, 0.958, 0.959]}})
    found = reaches("a", 0.95, drawn=drawn)(results)
    assert found.outcome == outcome
    if drawn == 2_100:
        assert "[94.46, 97.14]" in found.reason, "seeds add 0.25 points, in quadrature"
        assert "on 2,100 other test images" in found.reason


def test_the_best_must_beat_every_other(make_results):
    results = make_results(
        {name: {"test_accuracy": of} for name, of in zip("abc", (GOOD, FAIR, POOR), strict=True)}
    )
    assert best_of("a", among=("a", "b", "c"))(results).outcome == HOLDS
    found = best_of("b", among=("a", "b", "c"))(results)
    assert found.outcome == FAILS
    assert [part.outcome for part in found.parts] == [FAILS, HOLDS]
    assert found.reason == "1 of 2 parts fails"


def test_a_ranking_holds_in_order_and_fails_where_neighbors_are_swapped(make_results):
    results = make_results(
        {name: {"test_accuracy": of} for name, of in zip("abc", (GOOD, FAIR, POOR), strict=True)}
    )
    assert ranking(("a", "b", "c"))(results).outcome == HOLDS
    swapped = ranking(("b", "a", "c"))(results)
    assert swapped.outcome == FAILS
    assert "a 99.10 > b 98.10 > c 90.11" in swapped.reason


def test_a_part_that_cannot_be_judged_leaves_the_whole_undecided(make_results):
    results = make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": FAIR}}, readings=(HONEST,))
    missing = all_of(better("a", than="b"), better("a", than="b", reading=PUBLISHED))
    found = missing(results)
    assert found.outcome == UNDECIDED
    assert "was not run" in found.parts[1].reason


def test_both_readings_are_told_and_the_honest_one_decides(make_results):
    results = make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": FAIR}}, readings=(HONEST,))
    found = in_both(lambda reading: better("a", than="b", reading=reading))(results)
    assert found.outcome == HOLDS
    assert found.parts[-1].outcome == UNDECIDED
    assert "published reading undecided" in found.parts[-1].reason


def test_a_loss_that_rises_after_an_epoch_is_seen(make_results):
    losses = [[0.5, 0.1, 0.2, 0.3], [0.5, 0.1, 0.21, 0.31]]
    results = make_results({"a": {"test_accuracy": GOOD[:2]}}, {"a": {"validation_loss": losses}})
    assert rises("a", metric="loss", since=2)(results).outcome == HOLDS
    assert falls("a", metric="loss", since=2)(results).outcome == FAILS
    assert falls("a", metric="loss", since=1)(results).outcome == HOLDS
    beyond = rises("a", metric="loss", since=20)(results)
    assert beyond.outcome == UNDECIDED
    assert "not trained beyond epoch 20" in beyond.reason


def test_the_lowest_loss_comes_sooner_among_the_epochs_that_both_ran(make_results):
    def found(first, second):
        curves = {"a": {"validation_loss": first}, "b": {"validation_loss": second}}
        results = make_results({name: {"test_accuracy": GOOD} for name in "ab"}, curves)
        return lowest_sooner("a", than="b")(results)

    early = [[0.3, 0.1, 0.2, 0.3, 0.4, 0.5]] * 3
    late = [[0.6, 0.5, 0.4, 0.3, 0.2, 0.1]] * 3
    assert found(early, late).outcome == HOLDS
    # All seeds alike: each epoch is known to within half of one, 1.96 / sqrt(6) in all.
    assert "lowest 4.0 epochs before that of b [3.2, 4.8], n = 3, in 6 epochs of both" in (
        found(early, late).reason
    )
    assert found(late, early).outcome == FAILS
    # Of a training of two epochs the later ones of the other are not looked at.
    assert found([curve[:2] for curve in early], late).outcome == UNDECIDED


def test_a_part_in_the_published_reading_says_so(make_results):
    curves = {"a": {"test_accuracy": [[0.9, 0.8, 0.7], [0.9, 0.8, 0.71]]}}
    results = make_results({"a": {"test_accuracy": GOOD[:2]}}, curves)
    found = falls("a", metric="accuracy", since=1, reading=PUBLISHED)(results)
    assert found.reason.startswith("a (as published): test accuracy from epoch 1 to 3: ")


def test_a_good_fit_has_a_small_gap_and_a_loss_that_ends_low(make_results):
    def fit(gap, loss):
        measured = {"gap": gap, "validation_loss": loss, "lowest_validation_loss": [0.1, 0.1, 0.1]}
        return fits_well("a", gap=0.01, loss_rise=0.1)(make_results({"a": measured})).outcome

    small, low = [0.001, 0.0012, 0.0011], [0.101, 0.102, 0.101]
    assert fit(small, low) == HOLDS
    assert fit([0.05, 0.051, 0.052], low) == FAILS
    assert fit(small, [0.15, 0.151, 0.152]) == FAILS
    assert fit([0.001, 0.02, 0.009], low) == UNDECIDED


def test_numbers_of_a_reduced_scale_are_marked(make_results):
    results = make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": FAIR}}, scale="quick")
    assert better("a", than="b")(results).reason.endswith("(quick scale)")


def test_two_that_give_the_very_same_are_not_better_by_more_than_nothing(make_results):
    results = make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": GOOD}})
    found = better("a", than="b", by=0.01)(results)
    assert found.outcome == FAILS
    assert "nothing differs in any seed" in found.reason
    assert better("a", than="b")(results).outcome == UNDECIDED
    one = make_results({"a": {"test_accuracy": [0.9]}, "b": {"test_accuracy": [0.9]}})
    assert better("a", than="b", by=0.01)(one).outcome == UNDECIDED


SHORTENED = {
    "test_accuracy": [0.95, 0.951, 0.952],
    "gap": [0.010, 0.011, 0.012],
    "time": [2.0, 2.1, 1.9],
    "validation_loss": [0.300, 0.310, 0.305],
    "lowest_validation_loss": [0.1, 0.1, 0.1],
}
LOSSES = {"validation_loss": [[0.5, 0.1, 0.2, 0.3], [0.5, 0.1, 0.21, 0.31], [0.5, 0.1, 0.2, 0.32]]}


@pytest.mark.parametrize(
    ("predicate", "so_far"),
    [
        (better("a", than="b"), HOLDS),
        (better("b", than="a"), FAILS),
        (reaches("a", 0.99), FAILS),
        (stays_below("a", 0.99), HOLDS),
        (gains("a", ("b",), 0.04, 0.06), HOLDS),
        (gains("a", ("b",), 0.2, 0.3), FAILS),
        (as_printed("a", 0.05, over="b"), HOLDS),
        (as_printed("a", 0.06, over="b"), FAILS),
        (ratio_between("a", "b", 1.5, 2.5, metric="time"), HOLDS),
        (matters_more(("a", "b"), than=("b", "c")), HOLDS),
        (exceeds("a", "time", "gap"), HOLDS),
        (rises("a", metric="loss", since=2), HOLDS),
        (falls("a", metric="loss", since=2), FAILS),
        (always_falls("a", column="validation_loss"), FAILS),
        (fits_well("a", gap=0.1, loss_rise=0.1), FAILS),
    ],
)
def test_shortened_runs_decide_nothing_but_tell_what_they_show(make_results, predicate, so_far):
    small = {"test_accuracy": [0.9, 0.901, 0.9025], "time": [1.0, 1.0, 1.0]}
    close = {"test_accuracy": [0.8999, 0.9012, 0.9024]}
    measured, curves = {"a": SHORTENED, "b": small, "c": close}, {"a": LOSSES}
    full = predicate(make_results(measured, curves))
    assert (full.outcome, full.so_far) == (so_far, None)
    found = predicate(make_results(measured, curves, scale="quick"))
    assert (found.outcome, found.so_far) == (UNDECIDED, so_far)
    assert found.reason.startswith("holds so far: " if so_far == HOLDS else "fails so far: ")
    assert "(quick scale)" in found.reason


def test_a_whole_tells_what_shortened_parts_show(make_results):
    results = make_results(
        {name: {"test_accuracy": of} for name, of in zip("abc", (GOOD, FAIR, POOR), strict=True)},
        scale="quick",
    )
    found = best_of("b", among=("a", "b", "c"))(results)
    assert (found.outcome, found.so_far) == (UNDECIDED, FAILS)
    assert found.reason == "fails so far: 1 of 2 parts fails"
    assert best_of("a", among=("a", "b", "c"))(results).reason == "holds so far: all 2 parts hold"
    both = in_both(lambda reading: better("a", than="b", reading=reading))(results)
    assert (both.outcome, both.so_far) == (UNDECIDED, HOLDS)
    assert both.parts[-1].reason.startswith("in the published reading the same: holds so far: a − b: +")


def unequal(results, name="a"):
    """Return `results` with the runs of `name` on fewer images."""
    groups = {
        key: replace(group, share=replace(group.share, train=1200, test=2000)) if key[0] == name else group
        for key, group in results.groups.items()
    }
    return replace(results, groups=groups)


@pytest.mark.parametrize(
    "predicate",
    [
        better("a", than="b"),
        gains("b", ("a",), 0.01, 0.02),
        as_printed("b", 0.01, over="a"),
        matters_more(("a", "b"), than=("a", "b")),
        ratio_between("a", "b", 1, 2, metric="test_accuracy"),
    ],
)
def test_what_was_run_on_other_images_is_not_compared(make_results, predicate):
    results = unequal(
        make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": FAIR}}, scale="quick")
    )
    found = judge(predicate, results)
    assert (found.outcome, found.so_far) == (UNDECIDED, None)
    assert found.reason.startswith("not comparable at quick scale: ")
    for ran in ("a {}on 5 of 10 epochs, 2,000 test images", "b {}on 5 of 10 epochs"):
        assert ran.format("was run ") in found.reason or ran.format("") in found.reason
    assert "points" not in found.reason


def test_the_order_of_what_was_run_unequally_is_not_told(make_results):
    results = unequal(
        make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": FAIR}}, scale="quick")
    )
    assert "99.10" not in ranking(("a", "b"))(results).reason


def without_first_seed(results, name):
    groups = {
        key: replace(group, runs=group.runs[1:]) if key[0] == name else group
        for key, group in results.groups.items()
    }
    return replace(results, groups=groups)


def test_ratios_and_spreads_are_paired_by_seed_not_by_place(make_results):
    results = make_results({"a": {"time": [9.0, 2.0, 4.2, 6.0]}, "b": {"time": [0.0, 1.0, 2.0, 3.0]}})
    found = ratio_between("a", "b", 1.5, 2.5, metric="time")(without_first_seed(results, "b"))
    assert found.outcome == HOLDS
    assert "takes 2.03 times" in found.reason
    assert "n = 3" in found.reason
    apart = make_results(
        {
            "a": {"test_accuracy": [0.5, 0.90, 0.70, 0.80]},
            "b": {"test_accuracy": [0.5, 0.85, 0.651, 0.749]},
            "c": {"test_accuracy": [0.5, 0.901, 0.70, 0.80]},
        }
    )
    found = matters_more(("a", "b"), than=("a", "c"))(without_first_seed(apart, "b"))
    assert found.outcome == HOLDS
    assert "differ by 5.00 points on average" in found.reason


def test_a_setting_does_not_matter_more_for_being_tried_more_often(make_results):
    # Four names, all alike but for noise: the widest gap of three is always at least that of two of them.
    results = make_results(
        {
            "a": {"test_accuracy": [0.90, 0.92, 0.91, 0.90]},
            "b": {"test_accuracy": [0.92, 0.90, 0.90, 0.92]},
            "c": {"test_accuracy": [0.91, 0.91, 0.92, 0.91]},
        }
    )
    found = matters_more(("a", "b", "c"), than=("a", "b"))(results)
    assert found.outcome == UNDECIDED
    assert "two of a / b / c differ by 1.33 points on average, two of a / b by 1.75" in found.reason


def test_a_gain_over_a_mean_is_that_over_the_mean_of_each_seed(make_results):
    # Each of the two swings by far, but their mean does not.
    results = make_results(
        {
            "a": {"test_accuracy": [0.98, 0.981, 0.979]},
            "up": {"test_accuracy": [0.80, 0.90, 1.00]},
            "down": {"test_accuracy": [1.00, 0.901, 0.80]},
        }
    )
    found = gains("a", ("up", "down"), 0.07, 0.09)(results)
    assert found.outcome == HOLDS
    assert gains("a", ("up",), 0.07, 0.09)(results).outcome == UNDECIDED


def test_a_predicate_of_ones_own_decides_nothing_by_shortened_runs_either(make_results):
    def own(results):
        return Judgment(HOLDS, f"a reached {results.get('a').values('test_accuracy').max():.3f}")

    measured = {"a": {"test_accuracy": GOOD}}
    assert judge(own, make_results(measured)) == Judgment(HOLDS, "a reached 0.992")
    found = judge(own, make_results(measured, scale="quick"))
    assert (found.outcome, found.so_far) == (UNDECIDED, HOLDS)
    assert found.reason == "holds so far: a reached 0.992 (quick scale)"
