import json
import re
from dataclasses import fields, replace

from tests.benchmarks.test_measurements import measurement
from tests.benchmarks.test_summary import RACE, SIDES

from tenfold.benchmarks import recipes
from tenfold.benchmarks.benchmark import Goal, Growth, Side
from tenfold.benchmarks.measurements import Measurements
from tenfold.benchmarks.publish import publish, to_dict

GROWTH = Growth(
    "growth",
    "Cost",
    "By the clock.",
    (Side("ours", lambda repeat, smoke: {}),),
    size="images",
    cost="time (s)",
)
NEVER = Growth("never", "Never", "None.", GROWTH.sides)


def published(tmp_path):
    kept = Measurements(tmp_path / "benchmarks.json")
    hardware = {"cpu": "A fast one", "cores": 2}
    for repeat, seconds in enumerate((1.0, 2.0)):
        for side, factor in (("ours", 1), ("theirs", 4)):
            values = {"seconds": seconds * factor, "rate": None}
            kept.add(measurement("race", side, repeat, **values))
        kept.add(measurement("growth", "ours", repeat, **{"10": 1.0, "1000": 100.0}))
    for each in kept.every:
        each.hardware.update(hardware)
        each.versions.update(python="3.11")
    suite = [RACE, GROWTH, NEVER]
    return suite, kept, publish(suite, kept, tmp_path).read_text("utf-8")


def test_the_page_tells_means_spread_ratios_and_where_they_come_from(tmp_path):
    _, _, page = published(tmp_path)

    assert "| ours | 1.5 ± 0.7071 | **4.00** (4.00 to 4.00) | – | – | 2 |" in page
    assert "| theirs | 6 ± 2.828 | 1 | – | 1 | 2 |" in page
    assert "Not measured: absent." in page
    assert "A fast one, 2 cores; python 3.11; commit abc; 2026-01-02. The machine was idle" in page
    assert "Not measured yet: `tenfold bench --only never`." in page


def test_a_ratio_of_fewer_repeats_than_the_side_has_tells_how_many(tmp_path):
    suite, kept, _ = published(tmp_path)
    kept.every = [each for each in kept.every if (each.side, each.repeat) != ("theirs", 1)]
    kept.add(replace(kept.of("race", "ours")[0], repeat=2))

    page = publish(suite, kept, tmp_path).read_text("utf-8")

    assert "**4.00** (n = 1) | – | – | 3 |" in page


def test_goals_are_judged_below_the_table(tmp_path):
    suite, kept, _ = published(tmp_path)
    goals = (
        Goal("half as long", "ours", "seconds", 2, times=True),
        Goal("a second", "ours", "seconds", 1),
        Goal("rate", "ours", "rate", 1),
    )

    page = publish([replace(suite[0], goals=goals)], kept, tmp_path).read_text("utf-8")

    assert "Goal: half as long. **Reached**: 4.00 times (ours)." in page
    assert "Goal: a second. **Not reached**: 1.5 s (ours; kept in 1 of 2 repeats)." in page


def test_only_what_was_not_measured_is_open(tmp_path):
    suite, kept, _ = published(tmp_path)
    goals = (
        Goal("rate", "ours", "rate", 1),
        Goal("nobody came", "absent", "seconds", 1),
        Goal("a right one", "*", "seconds", 1, accuracy=0.995),
    )

    page = publish([replace(suite[0], goals=goals)], kept, tmp_path).read_text("utf-8")

    assert "Goal: rate. **Not reached** (0 of 2 repeats): ours." in page
    assert "Goal: nobody came. **Open**: not measured." in page
    assert "Goal: a right one. **Not reached**: none that was measured has at least 99.5% right." in page


def test_a_limit_that_was_measured_too_is_told_beside_the_value(tmp_path):
    kept = Measurements(tmp_path / "benchmarks.json")
    kept.add(measurement("race", "ours", 0, seconds=1.0, rate=1.5))
    kept.every[0].hardware.update(cores=2)
    within = replace(RACE, goals=(Goal("within the noise", "ours", "seconds", "rate"),))

    page = publish([within], kept, tmp_path).read_text("utf-8")

    assert "Goal: within the noise. **Reached**: 1 s beside 1.5 s (ours)." in page


def test_a_goal_of_accuracy_names_the_network_and_its_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "current", lambda every: [each for each in every if each.run != "former"])
    suite, kept, _ = published(tmp_path)
    rows = [{"name": "small", "seed": seed, "accuracy": accuracy} for seed, accuracy in enumerate((0.99, 1))]
    rows.append({"name": "small", "seed": 2, "accuracy": 0.1, "run": "former"})
    every = {field.name: None for field in fields(recipes.Measurement)}
    text = json.dumps({"measurements": [every | row for row in rows]})
    (tmp_path / "recipes.json").write_text(text)
    sides = (replace(SIDES[0], recipe="small"), *SIDES[1:])
    goal = Goal("quick and right", "ours", "seconds", 2, accuracy=0.995, also=(("rate", 3),))
    kept.every = [measurement("race", "ours", 0, seconds=1.0, rate=5.0, accuracy=0.99)]
    kept.every[0].hardware.update(cores=2)

    page = publish([replace(suite[0], sides=sides, goals=(goal,))], kept, tmp_path).read_text("utf-8")

    reached = "**Reached**: 1 s, rate 5 (ours; 99.50% right, the mean of 2 seeds)."
    assert f"Goal: quick and right. {reached}" in page


def test_growth_is_a_chart_on_white_and_an_exponent(tmp_path):
    _, _, page = published(tmp_path)

    assert "| ours | **1.00** ± 0.00 | 1 | 100 | 2 |" in page
    (name,) = re.findall(r"!\[Cost\]\((.*?)\)", page)
    svg = (tmp_path / name).read_text("utf-8")
    assert 'fill="#ffffff"' in svg[:600]
    assert "ours: exponent 1.00" in svg or "time (s)" in svg


def test_a_busy_machine_is_told(tmp_path):
    suite, kept, _ = published(tmp_path)
    kept.every = [measurement("race", "ours", 0, seconds=1.0)]
    object.__setattr__(kept.every[0], "load", 3.2)
    kept.every[0].hardware.update(cores=2)

    page = publish(suite, kept, tmp_path).read_text("utf-8")

    assert "**The machine was busy** during 1 of 1 measurements: other work used more than 0.1 cores" in page


def test_one_busy_measurement_among_idle_ones_is_told(tmp_path):
    suite, kept, _ = published(tmp_path)
    object.__setattr__(kept.of("race", "theirs")[1], "load", 0.4)

    page = publish(suite, kept, tmp_path).read_text("utf-8")

    assert "**The machine was busy** during 1 of 4 measurements" in page
    assert "0.4 in their mean, 0.4 at most" in page


def test_every_day_version_and_commit_is_told(tmp_path):
    suite, kept, alike = published(tmp_path)
    kept.every = [
        replace(each, date="2026-03-04T00:00:00", commit="def", source="new", versions={"python": "3.12"})
        if (each.side, each.benchmark) == ("theirs", "race")
        else each
        for each in kept.every
    ]

    page = publish(suite, kept, tmp_path).read_text("utf-8")

    assert "python 3.11 and 3.12; commit abc, def; 2026-01-02 to 2026-03-04. **Not all sides" in page
    assert "`tenfold bench --only race` measures the others anew." in page
    assert "| ours | 1.5 ± 0.7071 | – | – | – | 2 |" in page
    assert "Not all sides" not in alike


def test_the_same_as_json(tmp_path):
    suite, kept, _ = published(tmp_path)

    found = to_dict(suite, kept)

    assert found["race"]["rows"][0]["times"]["seconds"] == {
        "mean": 4.0,
        "sd": 0.0,
        "low": 4.0,
        "high": 4.0,
        "n": 2,
    }
    assert found["growth"]["ours"]["exponent"]["n"] == 2
    assert found["never"] == {}
