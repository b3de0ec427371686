import json
from dataclasses import replace

import pytest
from tests.benchmarks.test_measurements import measurement

from tenfold.benchmarks import runner
from tenfold.benchmarks.circumstances import here
from tenfold.errors import BenchmarkError

TURNS = 6 * 3
"""Of the benchmark of experiments: six sides, each measured three times."""
PLAIN = 2 * 3
"""Those of plain NumPy."""


@pytest.fixture
def measured(monkeypatch):
    """Measure nothing; return which turns were asked for."""
    asked = []

    def measure(turn, smoke=False):
        asked.append((turn.side.name, turn.repeat, smoke))
        values = {"seconds": 1.5, "cpu_seconds": 1.5, "loss": 2.0}
        found = measurement(turn.benchmark.key, turn.side.name, turn.repeat, **values)
        now = here()
        return replace(found, source=now.source, hardware=now.hardware, versions=now.versions)

    monkeypatch.setattr(runner, "measure", measure)
    monkeypatch.setattr("tenfold.benchmarks.circumstances.source", lambda: "as it is")
    return asked


def test_it_measures_writes_a_page_and_goes_on_where_it_was(cli, measured, tmp_path):
    first = cli("bench", "--only", "experiments", "--out", "found")
    times = len(measured)
    again = cli("bench", "--only", "experiments", "--out", "found", "--quiet")

    assert (first.code, first.out) == (0, "found/benchmarks.md\n")
    assert "experiments: Tenfold, together, 1 of 3" in first.err
    assert times == TURNS
    assert len(measured) == times
    assert (again.code, again.err) == (0, "")
    assert "## The 20 NumPy experiments" in (tmp_path / "found" / "benchmarks.md").read_text("utf-8")


def test_what_another_source_measured_is_measured_anew(cli, measured, monkeypatch):
    cli("bench", "--only", "experiments")
    monkeypatch.setattr("tenfold.benchmarks.circumstances.source", lambda: "changed")
    cli("bench", "--only", "experiments")

    assert len(measured) == 2 * TURNS


def test_fresh_measures_again(cli, measured):
    cli("bench", "--only", "experiments")
    cli("bench", "--only", "experiments", "--fresh")

    assert len(measured) == 2 * TURNS


def test_json_tells_the_same(cli, measured):
    answer = cli("bench", "--only", "experiments", "--json", "--quiet")

    (first, *_) = json.loads(answer.out)["experiments"]["rows"]
    assert first["measured"]["cpu_seconds"]["mean"] == 1.5
    assert first["times"]["cpu_seconds"]["mean"] == 1.0


def test_smoke_keeps_nothing(cli, measured, tmp_path):
    answer = cli("bench", "--only", "experiments", "--smoke", "--quiet")

    assert (answer.code, answer.out) == (0, "")
    assert {(repeat, smoke) for _, repeat, smoke in measured} == {(0, True)}
    assert not (tmp_path / "results").exists()


def test_an_interrupt_keeps_and_tells_what_was_measured(cli, measured, monkeypatch, tmp_path):
    whole = runner.measure

    def interrupted(turn, smoke=False):
        if len(measured) == 3:
            raise KeyboardInterrupt
        return whole(turn, smoke)

    monkeypatch.setattr(runner, "measure", interrupted)
    answer = cli("bench", "--only", "experiments", "--quiet")
    page = (tmp_path / "results" / "benchmarks.md").read_text("utf-8")
    monkeypatch.setattr(runner, "measure", whole)
    cli("bench", "--only", "experiments", "--quiet")

    assert answer.code == 130
    assert "Go on with: tenfold bench --only experiments" in answer.err
    assert "| Tenfold, together | 1.50 |" in page
    assert len(measured) == TURNS


def test_what_failed_is_told_after_the_rest_was_measured(cli, measured, monkeypatch, tmp_path):
    whole = runner.measure

    def failing(turn, smoke=False):
        if "plain" in turn.side.name:
            raise BenchmarkError("plain NumPy found no digits")
        return whole(turn, smoke)

    monkeypatch.setattr(runner, "measure", failing)
    answer = cli("bench", "--only", "experiments")

    assert answer.code == 1
    assert "plain NumPy found no digits" in answer.err
    assert len(measured) == TURNS - PLAIN
    assert "Not measured: plain NumPy" in (tmp_path / "results" / "benchmarks.md").read_text("utf-8")


def test_an_unknown_benchmark(cli):
    answer = cli("bench", "--only", "inferense")

    assert answer.code == 1
    assert "Did you mean 'inference'?" in answer.err
