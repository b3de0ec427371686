from dataclasses import replace

import pytest

from tenfold.benchmarks.measurements import Measurement, Measurements
from tenfold.errors import ReportError


def measurement(benchmark="speed", side="ours", repeat=0, **values):
    return Measurement(
        benchmark, side, repeat, values, 1.0, 0.05, "2026-01-02T03:04:05+00:00", "abc", {"cpu": "x"}, {}
    )


def test_they_come_back_from_disk_as_they_were(tmp_path):
    kept = Measurements(tmp_path / "new" / "benchmarks.json")
    for each in (measurement(repeat=1, seconds=2.0), measurement(repeat=0, seconds=None)):
        kept.add(each)

    again = Measurements(kept.path)

    assert [each.repeat for each in again.of("speed", "ours")] == [0, 1]
    assert again.of("speed")[0] == measurement(repeat=0, seconds=None)
    assert again.has("speed", "ours", 1)
    assert not again.has("speed", "theirs", 1)


def test_a_side_is_told_under_one_set_of_circumstances(tmp_path):
    kept = Measurements(tmp_path / "benchmarks.json")
    for side in ("ours", "theirs"):
        for repeat in range(2):
            kept.add(measurement(side=side, repeat=repeat, seconds=1.0))

    kept.add(replace(measurement(repeat=1, seconds=2.0), source="changed"))

    assert [(each.repeat, each.values["seconds"]) for each in kept.of("speed", "ours")] == [(1, 2.0)]
    assert len(kept.of("speed", "theirs")) == 2
    assert kept.has("speed", "theirs", 1, measurement().circumstances)
    assert not kept.has("speed", "ours", 1, measurement().circumstances)


def test_the_same_repeat_is_kept_once(tmp_path):
    kept = Measurements(tmp_path / "benchmarks.json")
    for seconds in (1.0, 2.0):
        kept.add(measurement(seconds=seconds))

    assert [each.values["seconds"] for each in kept.of("speed")] == [2.0]


def test_what_is_measured_anew_is_forgotten_on_disk_too(tmp_path):
    kept = Measurements(tmp_path / "benchmarks.json")
    kept.add(measurement("speed"))
    kept.add(measurement("size"))

    kept.forget(["speed"])

    assert [each.benchmark for each in Measurements(kept.path).every] == ["size"]


@pytest.mark.parametrize("text", ["", "[]", '{"measurements": [{"side": "ours"}]}', "\x00"])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    path = tmp_path / "benchmarks.json"
    path.write_text(text)

    with pytest.raises(ReportError, match=r"benchmarks\.json holds no measurements .* --out"):
        Measurements(path)
    assert path.read_text() == text
