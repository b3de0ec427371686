"""Verdicts on hand-worked results."""

import pytest

from tenfold.studies import HONEST, PUBLISHED
from tenfold.studies.claims import best_of, better, less_overfit, ranking, reaches
from tenfold.studies.curve_claims import falls, fits_well, rises
from tenfold.studies.judgment import FAILS, HOLDS, UNDECIDED, all_of, in_both

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
