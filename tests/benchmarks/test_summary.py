import pytest
from tests.benchmarks.test_measurements import measurement

from tenfold.benchmarks.benchmark import Benchmark, Measure, Side
from tenfold.benchmarks.measurements import Measurements
from tenfold.benchmarks.summary import exponents, fit_power, rows

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
