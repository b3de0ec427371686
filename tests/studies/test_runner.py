"""A study runs each training once, survives being stopped and killed, and ends with the same results."""

import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tenfold.errors import StudyError
from tenfold.models import Model
from tenfold.networks import Dense, network
from tenfold.runs import Store
from tenfold.studies import HONEST, PUBLISHED, SEARCH, Candidates, Experiment, Scale, Setup
from tenfold.studies.chapter import verdicts
from tenfold.studies.jobs import collect
from tenfold.studies.runner import estimate, run_study
from tenfold.training import SGD, Recipe

SCRIPT = """
import sys
from test_runner_study import STUDY
from tenfold.runs import Store
from tenfold.studies.runner import run_study

def tell(state):
    if state.running:
        print(state.part, flush=True)

if __name__ == "__main__":
    run_study(STUDY, scale="paper", store=Store(sys.argv[1]), engine="numpy", on_progress=tell)
"""


def linear(lr, epochs=4):
    return Setup(network(784)(Dense(10), name="linear"), Recipe(epochs, 32, SGD(lr)))


@pytest.fixture(scope="module")
def study():
    from tenfold.studies import Claim, Study
    from tenfold.studies.claims import better

    scales = {"paper": Scale(seeds=2, train=400, test=100)}
    search = Candidates({"slow": linear(0.001), "good, cut": linear(0.1, epochs=2), "good": linear(0.1)})
    return Study(
        key="tiny",
        title="A tiny study",
        authors=("Nobody",),
        summary="Linear networks.",
        reported={},
        experiments=(
            Experiment("search", search, scales, readings=(SEARCH,)),
            Experiment("chosen", linear(0.1), scales, chosen_from="search"),
            Experiment("slow", linear(0.001), scales),
        ),
        claims=(Claim("ti-1", "The chosen one is better.", better("chosen", than="slow")),),
        exhibits=(),
        deviations=(),
    )


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    seen = []
    results = run_study(study, scale="paper", store=store, engine="numpy", on_progress=seen.append)
    return results, store, seen


def test_everything_is_run_in_every_reading(finished):
    results, _, _ = finished
    assert results.complete
    assert set(results.groups) == {
        ("slow", SEARCH),
        ("good, cut", SEARCH),
        ("good", SEARCH),
        ("chosen", PUBLISHED),
        ("chosen", HONEST),
        ("slow", PUBLISHED),
        ("slow", HONEST),
    }
    assert {group.n for group in results.groups.values()} == {2}


def test_the_winner_of_the_search_is_what_is_trained(finished):
    results, _, _ = finished
    chosen = results.get("chosen")
    assert chosen.setup.recipe.optimizer.lr == 0.1
    assert (chosen.values("test_accuracy") > results.get("slow").values("test_accuracy")).all()
    assert verdicts(results)[0].reason.startswith("chosen − slow: +")


def test_a_prefix_is_read_off_the_longer_training(finished):
    results, _, _ = finished
    cut, whole = results.get("good, cut", SEARCH), results.get("good", SEARCH)
    assert [run.id for run in cut.runs] == [run.id for run in whole.runs]
    histories = [run.history["validation_accuracy"] for run in whole.runs]
    assert cut.values("validation_accuracy").tolist() == [history[1] for history in histories]


def test_the_search_never_sees_the_test_set(finished):
    results, _, _ = finished
    for run in results.get("good", SEARCH).runs:
        assert not [name for name in (*run.metrics, *run.history) if name.startswith("test")]


def test_what_is_kept_is_what_the_model_does(finished, mnist):
    results, _, _ = finished
    group = results.get("chosen")
    run = group.runs[0]
    model = Model.load(run.folder / "model")
    from tenfold.studies.share import parts

    test = parts(group.share).test
    predicted = model.predict_proba(test.images).argmax(axis=1)
    assert np.mean(predicted == test.labels) == run.metrics["test_accuracy"]
    assert np.array_equal(group.predictions(run)["predicted"], predicted)


def test_progress_ends_with_all_done(finished):
    _, _, seen = finished
    assert seen[-1].done == seen[-1].total
    assert seen[-1].part == pytest.approx(1.0)
    assert any(state.running for state in seen)


def test_what_waits_for_a_search_counts_from_the_start(finished, study, tmp_path):
    _, _, seen = finished
    assert estimate(study, scale="paper", store=Store(tmp_path)).trainings == 12
    assert (seen[0].done, seen[0].total) == (0, 12)
    assert {state.total for state in seen} == {12}
    parts = [state.part for state in seen]
    assert parts == sorted(parts), "the winner's trainings, when they come, take nothing back"


def test_a_finished_study_trains_nothing_again(study, finished):
    results, store, _ = finished
    again = run_study(study, scale="paper", store=store, engine="numpy", on_progress=None)
    assert [run.id for run in again.runs] == [run.id for run in results.runs]
    assert [run.started for run in again.runs] == [run.started for run in results.runs]


def test_more_seeds_add_to_those_that_are_there(study, finished):
    _, store, _ = finished
    results = run_study(study, scale="paper", store=store, engine="numpy", seeds=3, only=("slow",))
    assert results.get("slow").n == 3
    assert results.get("good", SEARCH).n == 2


def test_the_number_of_seeds_must_be_positive(study, tmp_path):
    with pytest.raises(StudyError, match=r"seeds must be an integer >= 1\. Got 0"):
        run_study(study, scale="paper", store=Store(tmp_path), seeds=0)


def in_another_process(tmp_path, store):
    """Start a study that says on stdout which part of it is done, once its workers are at work."""
    (tmp_path / "test_runner_study.py").write_text(
        "from tenfold.networks import Dense, network\n"
        "from tenfold.studies import Experiment, Scale, Setup, Study\n"
        "from tenfold.training import SGD, Recipe\n"
        "setup = Setup(network(784)(Dense(10)), Recipe(150, 32, SGD(0.01)))\n"
        "STUDY = Study(key='tiny', title='', authors=('Nobody',), summary='', reported={}, claims=(),\n"
        "    experiments=(Experiment('a', setup, {'paper': Scale(seeds=3, train=400, test=100)}),),\n"
        "    exhibits=(), deviations=())\n"
    )
    (tmp_path / "run.py").write_text(SCRIPT)
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), str(store)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def accuracies(tmp_path, store):
    sys.path.insert(0, str(tmp_path))
    try:
        from test_runner_study import STUDY
    finally:
        sys.path.pop(0)
    results = collect(STUDY, "paper", Store(store))
    return {key: group.values("test_accuracy").tolist() for key, group in results.groups.items()}


def test_a_study_that_is_killed_or_interrupted_ends_as_if_undisturbed(tmp_path):
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    first = in_another_process(tmp_path, undisturbed)
    _, said = first.communicate(timeout=300)
    assert first.returncode == 0, said
    blows = []
    for blow in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        process = in_another_process(tmp_path, disturbed)
        next((part for part in process.stdout if float(part) > 0.2), None)
        if process.poll() is None:
            blows.append(blow)
            # The whole group for SIGKILL; Ctrl-C reaches all of them at a terminal too.
            os.killpg(process.pid, blow)
        process.communicate(timeout=300)
    assert blows[:2] == [signal.SIGKILL, signal.SIGINT]
    last = in_another_process(tmp_path, disturbed)
    _, said = last.communicate(timeout=300)
    assert last.returncode == 0, said
    assert accuracies(tmp_path, disturbed) == accuracies(tmp_path, undisturbed)


def test_no_worker_is_left_where_the_parent_was_killed(tmp_path):
    process = in_another_process(tmp_path, tmp_path / "store")
    assert process.stdout.readline(), process.stderr.read()
    process.kill()
    # What it says comes to an end when nobody is left who could say anything: the workers could, too.
    process.communicate(timeout=120)


def test_a_worker_that_is_killed_is_told_and_nothing_finished_is_lost(study, tmp_path):
    store = Store(tmp_path)
    longer = replace(
        study,
        experiments=(Experiment("a", linear(0.01, epochs=2000), study.experiments[0].scales),),
        claims=(),
    )

    others = set(multiprocessing.active_children())  # of other tests

    def kill_a_worker(state):
        if state.running:
            for child in set(multiprocessing.active_children()) - others:
                child.kill()

    with pytest.raises(StudyError, match="A worker process was killed"):
        run_study(longer, scale="paper", store=store, engine="numpy", on_progress=kill_a_worker)
