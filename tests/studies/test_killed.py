"""A search and a study that are killed ten times at random moments end with the results of undisturbed ones.

Run with ``pytest -m slow tests/studies/test_killed.py``; TENFOLD_KILL_SEED chooses other moments.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from tenfold.runs import Store
from tenfold.studies import get_study
from tenfold.studies.jobs import collect

KILLS = 10
SEED = int(os.environ.get("TENFOLD_KILL_SEED", "0"))

LONG = """
from tenfold.networks import Dense, ReLU, network
from tenfold.studies import HONEST, SEARCH, Candidates, Classical, Experiment, On, Scale, Setup, Study
from tenfold.training import SGD, Recipe

def setup(lr, epochs):
    return Setup(network(784)(Dense(32), ReLU(), Dense(10), name="small"), Recipe(epochs, 32, SGD(lr)))

def together(units):
    return Setup(
        network(784)(Dense(units), ReLU(), Dense(10), name=f"small-{units}"),
        Recipe(1200, "full", SGD(0.1), precision="float64"),
        On("numpy", together=True),
        monitor_every=100,
    )

SCALES = {"paper": Scale(seeds=2, train=2000, test=1000)}
STUDY = Study(
    key="long",
    title="A study whose trainings outlast their checkpoints",
    authors=("Nobody",),
    summary="",
    reported={},
    experiments=(
        Experiment(
            "search",
            Candidates({"slow": setup(0.001, 60), "cut": setup(0.1, 30), "good": setup(0.1, 60)}),
            SCALES,
            readings=(SEARCH,),
        ),
        Experiment("chosen", setup(0.1, 300), SCALES, chosen_from="search", takes=("optimizer",)),
        *(Experiment(f"together {units}", together(units), SCALES, readings=(HONEST,)) for units in (8, 16)),
        Experiment("tree", Classical("decision-tree", 1.0, deterministic=False), SCALES),
    ),
    claims=(),
    exhibits=(),
    deviations=(),
)
"""


def started(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start ``tenfold study run`` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from tenfold.cli import main; main()", "study", "run", *arguments, "--quiet"],
        env=os.environ | {"TENFOLD_HOME": str(home)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def undisturbed(home: Path, *arguments: str) -> float:
    """Run it to its end; return how long that took."""
    began = time.monotonic()
    process = started(home, *arguments)
    error = process.communicate()[1].decode()
    assert process.returncode == 0, error
    return time.monotonic() - began


def killed(root: Path, longest: float, *arguments: str) -> list[Path]:
    """Start it again and again, kill it ten times at random moments, and let it end.

    Return the stores: where it ended before the next blow fell, it begins anew in another.
    """
    moments = Random(SEED)
    homes = [root / "0"]
    kills = 0
    while kills < KILLS:
        process = started(homes[-1], *arguments)
        try:
            error = process.communicate(timeout=moments.uniform(0.5, longest))[1].decode()
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the workers too, at whatever they are doing
            process.communicate()
            kills += 1
        else:
            assert process.returncode == 0, error
            homes.append(root / str(len(homes)))
    undisturbed(homes[-1], *arguments)
    return homes


def measured(study: str, scale: str, home: Path) -> dict[tuple[str, str, int], object]:
    """Return all that the runs measured, but for times: metrics and histories."""

    def timeless(values: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in values.items() if not name.endswith("seconds")}

    return {
        (label, reading, run.seed): (timeless(run.metrics), timeless(run.history), run.what)
        for (label, reading), group in collect(get_study(study), scale, Store(home)).groups.items()
        for run in group.runs
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("okon", "--only", "Grid search"), id="a search"),
        pytest.param(("shrestha",), id="a study of crews"),
    ],
)
def test_killed_ten_times_it_ends_with_the_same_results(arguments, tmp_path):
    whole = tmp_path / "whole"
    arguments = (*arguments, "--scale", "smoke")
    seconds = undisturbed(whole, *arguments)
    expected = measured(arguments[0], "smoke", whole)
    assert len(expected) > 100
    for broken in killed(tmp_path / "broken", seconds / 2, *arguments):
        assert measured(arguments[0], "smoke", broken) == expected


@pytest.mark.slow
def test_long_trainings_go_on_from_their_checkpoints_to_the_same_results(tmp_path):
    path, whole = tmp_path / "long.py", tmp_path / "whole"
    path.write_text(LONG)
    arguments = (str(path), "--scale", "paper", "--engine", "numpy")
    seconds = undisturbed(whole, *arguments)
    expected = measured(str(path), "paper", whole)
    assert len(expected) == 18
    for broken in killed(tmp_path / "broken", seconds / 2, *arguments):
        assert measured(str(path), "paper", broken) == expected
