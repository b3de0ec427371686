import os
import subprocess
import sys
from dataclasses import replace
from time import sleep

import pytest

from tenfold.benchmarks import runner
from tenfold.benchmarks.benchmark import Benchmark, Side
from tenfold.benchmarks.measurements import Measurements
from tenfold.benchmarks.runner import Turn, measure, run, turns
from tenfold.benchmarks.suite import SUITE
from tenfold.errors import BenchmarkError

SIDES = tuple(Side(name, lambda repeat, smoke: {}) for name in ("a", "b", "c"))
THREE = Benchmark("three", "Three", "None.", SIDES, reference="a", repeats=3)


@pytest.fixture
def kept(tmp_path):
    return Measurements(tmp_path / "benchmarks.json")


@pytest.fixture
def answers(monkeypatch):
    """Let every process answer 2.0; return the commands and environments that were asked for."""
    asked = []

    def answer(command, settings):
        asked.append((command, settings))
        return subprocess.CompletedProcess(command, 0, 'talk\n{"seconds": 2.0}\n', "")

    monkeypatch.setattr(runner, "_run", answer)
    return asked


def names(found):
    return [(turn.side.name, turn.repeat) for turn in found]


def test_sides_take_turns_and_every_other_round_goes_back_to_front(kept):
    assert names(turns(THREE, kept)) == [
        *(("a", 0), ("b", 0), ("c", 0)),
        *(("c", 1), ("b", 1), ("a", 1)),
        *(("a", 2), ("b", 2), ("c", 2)),
    ]


def test_a_slow_side_is_measured_less_often(kept):
    slow = replace(THREE, sides=(SIDES[0], replace(SIDES[1], repeats=1)))

    assert names(turns(slow, kept)) == [("a", 0), ("b", 0), ("a", 1), ("a", 2)]
    assert Turn(slow, slow.sides[1], 0).name == "three: b, 1 of 1"


def test_what_is_measured_is_on_disk_at_once_and_not_measured_again(kept, answers):
    todo = list(turns(THREE, kept))
    answers_wanted = 4
    run(todo[:answers_wanted], kept)

    again = Measurements(kept.path)

    assert len(answers) == answers_wanted
    assert names(turns(THREE, again)) == names(todo[answers_wanted:])
    assert again.of("three", "b")[0].values == {"seconds": 2.0}


def test_what_was_measured_otherwise_is_measured_anew(kept, answers):
    run(list(turns(THREE, kept)), kept)
    now = kept.every[0].circumstances

    assert names(turns(THREE, kept, replace(now, commit="of the results alone"))) == []
    assert len(names(turns(THREE, kept, replace(now, source="changed")))) == 9
    assert len(names(turns(THREE, kept, replace(now, versions=now.versions | {"numpy": "0.1"})))) == 9


def test_a_side_whose_package_is_not_installed_is_left_out(kept):
    foreign = replace(SIDES[1], packages=("json", "no_such_package"))

    assert runner.missing(foreign) == ["no_such_package"]
    left = turns(replace(THREE, sides=(SIDES[0], foreign), repeats=1), kept)
    assert names(left) == [("a", 0)]


def test_a_side_of_one_thread_says_so_to_the_libraries(answers):
    measure(Turn(THREE, replace(SIDES[0], threads=1), 0))

    ((_, one),) = answers
    assert one["OMP_NUM_THREADS"] == one["OPENBLAS_NUM_THREADS"] == "1"


def test_every_other_setting_is_the_library_s_own(answers, monkeypatch):
    ours = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "PYTHONWARNINGS", "KERAS_BACKEND")
    for name in ours:
        monkeypatch.delenv(name, raising=False)
    measure(Turn(THREE, SIDES[0], 0))
    measure(Turn(THREE, replace(SIDES[0], packages=("keras",)), 0))

    (_, plain), (_, keras) = answers
    assert plain == dict(os.environ)
    assert keras == plain | {"KERAS_BACKEND": "torch"}


def test_a_side_that_fails_is_told_with_what_it_said(monkeypatch):
    failed = subprocess.CompletedProcess([], 3, "", "Traceback\nValueError: no digits\n")
    monkeypatch.setattr(runner, "_run", lambda command, settings: failed)

    with pytest.raises(
        BenchmarkError, match=r"three: b, 1 of 3: the process ended with 3, .* no digits"
    ) as told:
        measure(Turn(THREE, SIDES[1], 0))

    assert str(told.value).endswith("To see it whole: python -m tenfold.benchmarks.side three b 0")


@pytest.mark.parametrize("printed", ["", "Done.\n", "1.5\n"])
def test_a_side_that_measures_nothing_has_failed(monkeypatch, printed):
    done = subprocess.CompletedProcess([], 0, printed, "")
    monkeypatch.setattr(runner, "_run", lambda command, settings: done)

    with pytest.raises(BenchmarkError, match=r"ended with 0, measured nothing and said: nothing"):
        measure(Turn(THREE, SIDES[1], 0))


def test_the_others_go_on_where_one_side_fails(kept, monkeypatch):
    def answer(command, settings):
        failed = command[4] == "b"
        return subprocess.CompletedProcess(command, int(failed), '{"seconds": 1.0}\n', "no\n")

    monkeypatch.setattr(runner, "_run", answer)

    failures = run(list(turns(THREE, kept)), kept)

    assert len(failures) == 1
    assert [len(kept.of("three", side)) for side in "abc"] == [3, 0, 3]
    assert [turn.side.name for turn in turns(THREE, kept)] == ["b", "b", "b"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_busy_core_is_seen():
    before = runner.moment()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            sleep(1)
            after = runner.moment()
        finally:
            busy.kill()

    used = runner.others(before, after)

    assert used is not None
    assert 0.3 < used <= (os.cpu_count() or 1)


def test_what_a_side_used_itself_is_nobody_else_s(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    before = runner.Moment(seconds=10, used=3, ticks=(1000, 5000))
    # In 10 s 4000 ticks of four cores went by, half of them in use: two cores, of which the side had 1.5.
    after = runner.Moment(seconds=20, used=18, ticks=(3000, 9000))

    assert runner.others(before, after) == pytest.approx(0.5)
    assert runner.others(before, replace(after, used=30)) == 0
    assert runner.others(before, replace(after, ticks=None)) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_time_of_a_child_that_has_ended_is_ours():
    before = runner.moment()
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", spin], check=True)

    assert runner.moment().used - before.used >= 0.3


EVERY = [(benchmark, side) for benchmark in SUITE.values() for side in benchmark.sides]


@pytest.mark.slow
@pytest.mark.parametrize(("benchmark", "side"), EVERY, ids=[f"{b.key}: {s.name}" for b, s in EVERY])
def test_every_side_runs_and_measures_what_its_benchmark_tells(benchmark, side):
    if lacking := runner.missing(side):
        pytest.skip(f"{', '.join(lacking)} not installed")

    found = measure(Turn(benchmark, side, 0), smoke=True).values

    assert set(found) >= {measure.key for measure in benchmark.measures}
    assert all(value is None or value >= 0 for value in found.values())
    assert any(found.values())


def test_a_side_runs_in_a_process_of_its_own():
    benchmark = SUITE["growth-members"]

    found = measure(Turn(benchmark, benchmark.sides[0], 0), smoke=True)

    assert list(found.values) == ["1"]
    assert found.values["1"] > 0
    assert found.hardware["threads"] == 1
    assert {"python", "numpy", "onnxruntime"} <= set(found.versions)
