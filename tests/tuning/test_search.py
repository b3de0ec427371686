"""Searches: what is trained, what is kept, and who wins."""

import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tenfold.data import folds
from tenfold.errors import TrainingStopped, TuningError
from tenfold.networks import Dense, ReLU, network
from tenfold.runs import Store
from tenfold.training import SGD, Cosine, Recipe, Step, get_engine, train
from tenfold.training.distillation import Distillation
from tenfold.tuning import Candidate, Rung, halving, search, trials

NETWORK = network(784)(Dense(8), ReLU(), Dense(10))
RATES = (1e-4, 0.003, 0.05, 0.3)
CANDIDATES = [
    Candidate(f"lr {lr:g}, {epochs} epochs", NETWORK, Recipe(epochs, 32, SGD(lr)))
    for lr in RATES
    for epochs in (2, 4)
]


@pytest.fixture(scope="module")
def data(mnist):
    return folds(mnist.train.take(slice(0, 300)), 3, seed=0)


def run(data, tmp_path, candidates=CANDIDATES, **settings):
    return search(candidates, data, store=Store(tmp_path), engine="numpy", **settings)


def test_each_score_is_that_of_the_candidate_trained_alone(data, tmp_path):
    outcome = run(data, tmp_path)
    (ranked,) = outcome.rungs
    assert [score.accuracy for score in ranked] == sorted((score.accuracy for score in ranked), reverse=True)
    assert outcome.best == ranked[0]
    by_label = {score.label: score for score in ranked}
    for candidate in (CANDIDATES[2], CANDIDATES[5]):
        score = by_label[candidate.label]
        for (rest, held), accuracy, loss in zip(data, score.accuracies, score.losses, strict=True):
            alone = train(
                candidate.architecture,
                candidate.recipe,
                rest,
                engine=get_engine("numpy"),
                monitors={"held": held},
            )
            assert accuracy == alone.history.rows[-1]["held_accuracy"]
            assert loss == alone.history.rows[-1]["held_loss"]


def test_a_shorter_training_is_the_beginning_of_the_longer(data, tmp_path):
    assert run(data, tmp_path / "constant").trained == len(RATES) * 4 * 3
    falling = [replace(each, recipe=replace(each.recipe, schedule=Cosine())) for each in CANDIDATES[:2]]
    assert run(data, tmp_path / "cosine", falling).trained == (2 + 4) * 3
    stepping = [replace(each, recipe=replace(each.recipe, schedule=Step(1))) for each in CANDIDATES[:2]]
    assert run(data, tmp_path / "step", stepping).trained == 4 * 3


def test_what_was_trained_is_not_trained_again(data, tmp_path):
    first = run(data, tmp_path)
    again = run(data, tmp_path)
    assert again.rungs == first.rungs
    assert again.trained == 0


def test_a_search_that_was_stopped_goes_on_to_the_same_scores(data, tmp_path):
    whole = run(data, tmp_path / "whole")

    def stop(part):
        if part > 0.4:
            raise TrainingStopped("here")

    with pytest.raises(TrainingStopped):
        run(data, tmp_path / "stopped", on_progress=stop)
    rest = run(data, tmp_path / "stopped")
    assert rest.rungs == whole.rungs
    assert 0 < rest.trained < whole.trained


def test_fewer_and_fewer_climb_and_each_goes_on_where_it_rested(data, tmp_path):
    rungs = [Rung(1, 1, keep=4), Rung(2, 1, keep=2), Rung()]
    climbed, full = run(data, tmp_path / "climbed", rungs=rungs), run(data, tmp_path / "full")
    assert [len(rung) for rung in climbed.rungs] == [8, 4, 2]
    assert [len(rung[0].accuracies) for rung in climbed.rungs] == [1, 1, 3]
    # Two networks were trained to the end on three folds at most, the others for an epoch or two.
    assert climbed.trained <= 4 + 2 + 2 * 3 * 4
    scores = {score.label: score for score in full.rungs[0]}
    for score in climbed.rungs[-1]:
        assert score == scores[score.label]


REACHED = {
    # The rate, and by epoch what it reached: accuracy and loss.
    0.1: {1: (0.6, 2.0), 4: (0.7, 1.9)},
    0.2: {1: (0.5, 1.5), 4: (0.8, 0.9)},
    0.3: {1: (0.4, 1.6), 4: (0.9, 1.0)},
}


@pytest.mark.parametrize(
    ("changes", "goes_on", "wins"),
    [
        ([{}, {}, {}], [0.2, 0.3], 0.3),  # the lowest losses, then the highest accuracy
        ([{"label_smoothing": 0.1}] * 3, [0.2, 0.3], 0.3),
        # Losses of unlike targets are not compared: the highest accuracies go on.
        ([{}, {}, {"label_smoothing": 0.1}], [0.1, 0.2], 0.2),
        ([{}, {"loss": "squared-error"}, {}], [0.1, 0.2], 0.2),
        ([{"loss": "squared-error"}] * 3, [0.1, 0.2], 0.2),
        ([{}, {}, {"distillation": Distillation("base", 0.5)}], [0.1, 0.2], 0.2),
    ],
)
def test_the_loss_decides_who_goes_on_where_it_can_and_the_accuracy_who_wins(
    data, tmp_path, monkeypatch, changes, goes_on, wins
):
    def run_at(job, *_):
        rows = REACHED[job.candidate.recipe.optimizer.lr]
        return {epoch: trials.Reached(*both) for epoch, both in rows.items()}, 0

    monkeypatch.setattr(trials, "_run", run_at)
    candidates = [
        Candidate(f"{lr}", NETWORK, Recipe(4, 32, SGD(lr), **change))
        for lr, change in zip(REACHED, changes, strict=True)
    ]
    outcome = run(data, tmp_path, candidates, rungs=[Rung(1, 1, keep=2), Rung()])
    assert [score.label for score in outcome.rungs[0][:2]] == [f"{lr}" for lr in goes_on]
    assert outcome.best.label == f"{wins}"
    # The last rung is by the accuracy, whether it keeps all or not.
    assert run(data, tmp_path, candidates, rungs=[Rung(1, 1, keep=2)]).best.label == "0.1"


def test_several_processes_find_the_same(data, tmp_path):
    candidates = CANDIDATES[4:6]
    one = run(data, tmp_path / "one", candidates)
    two = run(data, tmp_path / "two", candidates, workers=2)
    assert [score.label for score in two.rungs[0]] == [score.label for score in one.rungs[0]]
    assert two.best.accuracy == pytest.approx(one.best.accuracy, abs=0.011)  # BLAS may differ in a bit
    assert two.cpu_seconds > 0


def test_a_search_that_ends_early_stops_its_processes_where_they_are(data, tmp_path):
    short = Candidate("short", NETWORK, Recipe(2, 64))
    long = [Candidate(f"lr {lr:g}", NETWORK, Recipe(2000, 32, SGD(lr))) for lr in RATES]

    def interrupt(part):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(data[:1], tmp_path, [short, *long], workers=2, on_progress=interrupt)
    (kept,) = Store(tmp_path).list()
    assert kept.history["epoch"] == [1, 2]


def runs(process):
    """Return whether there is such a process, and it has not ended (nobody may have asked how)."""
    try:
        return "(zombie)" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_ctrl_c_never_comes_while_it_would_hold_up_the_processes(data, tmp_path, ctrl_c_in_wait):
    seen = ctrl_c_in_wait(trials)
    with pytest.raises(KeyboardInterrupt):
        run(data, tmp_path, workers=2)
    assert seen == ["went on"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks processes up as Linux tells them")
def test_no_process_outlives_a_search_that_is_killed(tmp_path):
    killed = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("endless.py"), tmp_path], stdout=subprocess.PIPE, text=True
    )
    process = int(killed.stdout.readline())
    assert runs(process)
    killed.kill()
    killed.wait()
    until = time.monotonic() + 60
    while runs(process) and time.monotonic() < until:
        time.sleep(0.01)
    assert not runs(process)


def test_a_candidate_that_runs_away_comes_last_and_is_not_tried_again(data, tmp_path):
    wild = Candidate("wild", NETWORK, Recipe(2, 32, SGD(1e30)))
    outcome = run(data, tmp_path, [wild, CANDIDATES[4]])
    assert [score.label for score in outcome.rungs[0]] == [CANDIDATES[4].label, "wild"]
    assert outcome.rungs[0][-1].accuracy == 0
    assert outcome.rungs[0][-1].loss == math.inf
    assert run(data, tmp_path, [wild]).trained == 0
    first = run(data, tmp_path, [wild, CANDIDATES[4]], rungs=[Rung(1, 1, keep=1), Rung()]).rungs[0]
    assert [score.label for score in first] == [CANDIDATES[4].label, "wild"]


def test_halving_keeps_one_in_so_many_and_trains_them_so_much_longer():
    assert halving(128, 20, 3, factor=4) == [Rung(1, 1, 32), Rung(4, 1, 8), Rung(16, 1, 2), Rung(None, 3)]
    assert halving(3, 20, 3, factor=4) == [Rung(None, 3)]


@pytest.mark.parametrize(
    "make",
    [
        lambda data, store: search([], data, store=store),
        lambda data, store: search([CANDIDATES[0], CANDIDATES[0]], data, store=store),
        lambda data, store: search(CANDIDATES, [], store=store),
        lambda data, store: search(CANDIDATES, data, store=store, workers=0),
        lambda data, store: Rung(epochs=0),
        lambda data, store: halving(4, 4, 1, factor=1),
    ],
)
def test_a_search_of_nothing_is_refused(data, tmp_path, make):
    with pytest.raises(TuningError, match="Got"):
        make(data, Store(tmp_path))
