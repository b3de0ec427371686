from dataclasses import replace

import pytest
from tests.benchmarks.test_measurements import measurement

from tenfold.benchmarks.benchmark import Benchmark, Goal, Measure, Side
from tenfold.benchmarks.measurements import Measurements
from tenfold.benchmarks.summary import Spread, exponents, fit_power, outcomes, rows

SIDES = tuple(Side(name, lambda repeat, smoke: {}) for name in ("ours", "theirs", "absent"))
RACE = Benchmark(
    "race",
    "Race",
    "None.",
    SIDES,
    (Measure("seconds", "time", "s", better="less"), Measure("rate", "rate", better="more")),
    reference="theirs",
)


@pytest.fixture
def kept(tmp_path):
    return Measurements(tmp_path / "benchmarks.json")


def test_ratios_are_taken_repeat_by_repeat(kept):
    for repeat, (mine, yours) in enumerate([(1.0, 4.0), (2.0, 4.0)]):
        kept.add(measurement("race", "ours", repeat, seconds=mine, rate=30.0))
        kept.add(measurement("race", "theirs", repeat, seconds=yours, rate=10.0))

    mine, yours = rows(RACE, kept)

    assert (mine.side, mine.repeats, mine.measured["seconds"].mean) == ("ours", 2, 1.5)
    assert mine.times["seconds"].values == (4.0, 2.0)
    assert mine.times["rate"].values == (3.0, 3.0)
    assert yours.times == {}
    assert yours.measured["seconds"].sd == 0


def test_what_was_not_reached_in_every_repeat_has_no_mean(kept):
    kept.add(measurement("race", "ours", 0, seconds=1.0))
    kept.add(measurement("race", "ours", 1, seconds=None))
    kept.add(measurement("race", "theirs", 1, seconds=1.0))

    mine, _ = rows(RACE, kept)

    assert mine.measured == {}
    assert mine.times == {}


def test_only_what_was_measured_alike_is_compared(kept):
    kept.add(measurement("race", "theirs", 0, seconds=4.0))
    kept.add(replace(measurement("race", "ours", 0, seconds=1.0), versions={"torch": "2.2"}))
    kept.every[0].versions.update(torch="2.1")
    goal = Goal("quick", "ours", "seconds", 2, times=True)

    mine, yours = rows(RACE, kept)
    (outcome,) = outcomes(replace(RACE, goals=(goal,)), [mine, yours])

    assert (mine.measured["seconds"].mean, yours.measured["seconds"].mean) == (1, 4)
    assert mine.times == {}
    assert not outcome.measured


def test_a_ratio_of_some_repeats_only_is_none(kept):
    for repeat, seconds in enumerate((1.0, None, 1.0)):
        kept.add(measurement("race", "ours", repeat, seconds=seconds))
        kept.add(measurement("race", "theirs", repeat, seconds=4.0))

    mine, _ = rows(RACE, kept)

    assert mine.times == {}
    assert mine.every_times["seconds"] == (4.0, None, 4.0)


def test_a_goal_tells_in_how_many_repeats_it_was_kept(kept):
    for repeat, seconds in enumerate((1.0, None, 3.0)):
        kept.add(measurement("race", "ours", repeat, seconds=seconds))
    goals = (Goal("quick", "ours", "seconds", 2), Goal("not measured", "theirs", "seconds", 2))

    missed, unknown = outcomes(replace(RACE, goals=goals), rows(RACE, kept))

    assert (missed.measured, missed.value, missed.reached) == (True, None, False)
    assert (missed.met, missed.repeats) == (1, 3)
    assert (unknown.measured, unknown.reached) == (False, False)


# The standard error of a mean of two is half the root of the sum of squares: 0.02, and 0.014.
@pytest.mark.parametrize(
    ("noises", "limit", "met", "reached"), [((0.0, 0.04), 0.02, 2, True), ((0.02, 0.02), 0.01414, 1, False)]
)
def test_a_limit_may_be_the_standard_error_of_each_repeat(kept, noises, limit, met, reached):
    for repeat, (behind, noise) in enumerate(zip((0.0, 0.03), noises, strict=True)):
        kept.add(measurement("race", "ours", repeat, seconds=behind, noise=noise))

    (found,) = outcomes(replace(RACE, goals=(Goal("near", "ours", "seconds", "noise"),)), rows(RACE, kept))

    assert (found.value, found.limit) == (pytest.approx(0.015), pytest.approx(limit, rel=1e-3))
    assert (found.to_dict()["repeats_met"], found.reached) == (met, reached)


@pytest.mark.parametrize(
    ("goal", "side", "value", "reached"),
    [
        (Goal("quick", "ours", "seconds", 1.5), "ours", 1.5, True),
        (Goal("quicker", "ours", "seconds", 1.4), "ours", 1.5, False),
        (Goal("more", "ours", "rate", 31), "ours", 30.0, False),
        (Goal("times", "ours", "seconds", 3, times=True), "ours", 3.0, True),
        (Goal("any", "*", "rate", 20), "ours", 30.0, True),
        (Goal("any that is right", "*", "rate", 20, accuracy=0.9), "theirs", 10.0, False),
        (Goal("none is right", "*", "rate", 20, accuracy=0.99), None, None, False),
        (Goal("none was measured", "absent", "rate", 20), None, None, False),
    ],
    ids=lambda value: value.text if isinstance(value, Goal) else "",
)
def test_a_goal_is_judged_by_the_mean(kept, goal, side, value, reached):
    for repeat, (mine, yours) in enumerate([(1.0, 4.0), (2.0, 4.0)]):
        kept.add(measurement("race", "ours", repeat, seconds=mine, rate=30.0, accuracy=0.8))
        kept.add(measurement("race", "theirs", repeat, seconds=yours, rate=10.0, accuracy=0.95))
    benchmark = replace(RACE, goals=(goal,))

    (found,) = outcomes(benchmark, rows(benchmark, kept))

    assert (found.side, found.value, found.reached) == (side, value, reached)


PAIRS = replace(
    RACE,
    sides=(
        *SIDES[:2],
        Side("small", SIDES[0].measure, reference="small, theirs"),
        Side("small, theirs", SIDES[0].measure, reference=""),
        Side("another", SIDES[0].measure, reference=""),
    ),
)


def test_a_side_is_compared_with_the_one_that_does_the_same(kept):
    for side, seconds in (("ours", 2.0), ("theirs", 8.0), ("small", 1.0), ("small, theirs", 3.0)):
        kept.add(measurement("race", side, 0, seconds=seconds))
    kept.add(measurement("race", "another", 0, seconds=5.0))

    found = {row.side: row.times.get("seconds") for row in rows(PAIRS, kept)}

    assert {name: times and times.values for name, times in found.items()} == {
        "ours": (4.0,),
        "theirs": None,
        "small": (3.0,),
        "small, theirs": None,
        "another": None,
    }


BOTH = Goal("both", "*", "rate", 20, accuracy=0.99, also=(("seconds", 2.0),))


@pytest.mark.parametrize(
    ("quick", "slow", "side", "reached"),
    [
        ({"rate": 15.0, "seconds": 1.0}, {"rate": 30.0, "seconds": 9.0}, "theirs", False),
        ({"rate": 21.0, "seconds": 1.0}, {"rate": 30.0, "seconds": 9.0}, "ours", True),
        ({"rate": 15.0, "seconds": 9.0}, {"rate": 14.0, "seconds": 1.0}, "theirs", False),
    ],
    ids=["each keeps one limit", "one keeps both", "the limits kept count first"],
)
def test_one_side_must_keep_all_limits(kept, quick, slow, side, reached):
    kept.add(measurement("race", "ours", 0, **quick, accuracy=1.0))
    kept.add(measurement("race", "theirs", 0, **slow, accuracy=1.0))

    (found,) = outcomes(replace(RACE, goals=(BOTH,)), rows(RACE, kept))

    assert (found.side, found.reached) == (side, reached)
    assert found.also == {"seconds": (quick if side == "ours" else slow)["seconds"]}


def test_accuracy_is_the_mean_over_the_seeds_of_the_recipe_where_they_are_known(kept):
    sides = tuple(replace(side, recipe=recipe) for side, recipe in zip(SIDES, ("a", None, None), strict=True))
    benchmark = replace(RACE, sides=sides, goals=(BOTH,))
    for side in ("ours", "theirs"):
        kept.add(measurement("race", side, 0, rate=30.0, seconds=1.0, accuracy=0.991))
    found = rows(benchmark, kept)

    (unlucky,) = outcomes(benchmark, found[:1], {"a": Spread((0.991, 0.985, 0.988))})
    (lucky,) = outcomes(benchmark, found[:1], {"a": Spread((0.991, 0.993, 0.995))})
    (other,) = outcomes(benchmark, found[:1], {"b": Spread((0.5,))})
    (alone,) = outcomes(benchmark, found[1:], {"a": Spread((0.5,))})

    assert (unlucky.measured, unlucky.side, unlucky.reached) == (True, None, False)
    assert (lucky.reached, lucky.accuracy) == (True, Spread((0.991, 0.993, 0.995)))
    assert (other.accuracy, alone.accuracy) == (Spread((0.991,)), Spread((0.991,)))


def test_the_exponent_of_a_power_is_found():
    power = fit_power({size: 3 * size**1.5 for size in (1.0, 10.0, 70.0)})

    assert (power.factor, power.exponent) == (pytest.approx(3), pytest.approx(1.5))
    assert power.at(4) == pytest.approx(24)


def test_exponents_have_a_spread():
    every = [
        measurement("growth", "ours", repeat, **{str(size): float(size) ** exponent for size in (1, 2, 8)})
        for repeat, exponent in enumerate((1.0, 2.0))
    ]

    found = exponents(every)

    assert found.values == pytest.approx((1.0, 2.0))
    assert found.sd == pytest.approx(0.5**0.5)
