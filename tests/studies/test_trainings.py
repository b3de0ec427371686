"""Candidates of a search as batched computations, which is what a GPU does, forced here on the CPU."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch

from tenfold.errors import TrainingsFailed
from tenfold.networks import Dense, Dropout, ReLU, network
from tenfold.runs import Store
from tenfold.studies import FOLDS, HONEST, SEARCH, Candidates, Experiment, Scale, Setup, runner
from tenfold.studies.jobs import Crew, in_batches, jobs
from tenfold.studies.results import Results
from tenfold.studies.trainings import run_task
from tenfold.training import SGD, Recipe, get_engine, together

SCALES = {"paper": Scale(seeds=2, train=400, test=100)}
NETWORK = network(784)(Dense(8), ReLU(), Dropout(0.2), Dense(10))


def setup(lr, epochs=3, **changes):
    return Setup(NETWORK, Recipe(epochs, 32, SGD(lr), **changes))


SEARCHES = (
    Experiment(
        "search",
        Candidates({"slow": setup(0.001), "good, cut": setup(0.1, 2), "good": setup(0.1)}),
        SCALES,
        readings=(SEARCH,),
    ),
    Experiment(
        "in folds",
        Candidates({"other batches": Setup(NETWORK, Recipe(2, 50, SGD(0.1))), "good": setup(0.1)}),
        SCALES,
        readings=FOLDS,
    ),
)
CHOSEN = Experiment("chosen", setup(0.1), SCALES, readings=(HONEST,), chosen_from="search")


@pytest.fixture
def study(make_study):
    made = make_study("chosen")
    return replace(made, experiments=(*SEARCHES, CHOSEN), claims=())


def run(study, folder, **settings):
    return runner.run_study(study, scale="paper", store=Store(folder), engine="torch", **settings)


def batches(study):
    """Return what the crews are made of, and what is done by itself."""
    needed = jobs(study, "paper", Results(study, "paper"), engine="torch", expected=True)
    tasks = in_batches(needed, get_engine("torch"))
    crews = [task for task in tasks if isinstance(task, Crew)]
    return crews, [task for task in tasks if task not in crews]


def test_alike_candidates_are_one_crew_and_what_may_be_timed_is_alone(study):
    crews, alone = batches(study)
    # Two candidates with two seeds, and one of them in three folds; one of other batches in three folds.
    assert sorted(crew.count for crew in crews) == [3 * 2, 2 * 2 + 3 * 2]
    assert {(job.experiment, job.share.reading) for job in alone} == {("chosen", HONEST)}


def test_what_no_population_takes_is_alone(study):
    candidates = Candidates({"mean": setup(0.1, ema=0.9), "plain": setup(0.1)})
    crews, alone = batches(replace(study, experiments=(replace(SEARCHES[0], setup=candidates),)))
    assert [crew.count for crew in crews] == [2]
    assert {job.label for job in alone} == {"mean"}


def test_results_are_those_of_one_by_one(study, tmp_path, monkeypatch):
    alone = run(study, tmp_path / "alone", workers=1)
    monkeypatch.setattr(runner, "on_gpu", lambda engine: True)
    found = run(study, tmp_path / "together", workers=2)
    assert found.complete
    assert found.groups.keys() == alone.groups.keys()
    for key, group in alone.groups.items():
        for mine, theirs in zip(found.groups[key].runs, group.runs, strict=True):
            assert mine.id == theirs.id
            assert mine.history.keys() == theirs.history.keys()
            assert mine.history["train_loss"] == pytest.approx(theirs.history["train_loss"], rel=1e-4)
            assert mine.metrics.keys() | {"cpu_seconds"} == theirs.metrics.keys()
            assert ("together" in mine.tags) == (group.experiment.name != "chosen")
    assert not list((tmp_path / "together").rglob("checkpoint*"))
    again = run(study, tmp_path / "together")
    assert [run.started for run in again.runs] == [run.started for run in found.runs]


def test_of_those_that_run_away_each_is_told_and_the_others_are_kept(study, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "on_gpu", lambda engine: True)
    wild = Candidates({"wild": setup(1e30), "good": setup(0.1), "slow": setup(0.001)})
    one = replace(study, experiments=(replace(SEARCHES[0], setup=wild),))
    with pytest.raises(TrainingsFailed, match=r"2 trainings of tiny failed") as told:
        run(one, tmp_path, workers=1)
    assert str(told.value).count("The loss is not finite") == 2
    assert sorted(run.tags["label"] for run in Store(tmp_path).list()) == ["good", "good", "slow", "slow"]


def test_what_does_not_fit_into_memory_is_halved(study, tmp_path, monkeypatch):
    train_together, sizes = together.train_together, []

    def short_of_memory(trainings, *rest, **settings):
        sizes.append(len(trainings))
        if len(trainings) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return train_together(trainings, *rest, **settings)

    monkeypatch.setattr(together, "train_together", short_of_memory)
    (crew,), _ = batches(replace(study, experiments=SEARCHES[:1]))
    parts = []
    run_task(crew, parts.append, root=tmp_path, engine="torch")
    assert sizes == [4, 2, 2]
    assert len(Store(tmp_path).list()) == 4
    assert parts == sorted(parts)
    run_task(crew, parts.append, root=tmp_path, engine="torch")
    assert sizes == [4, 2, 2]
