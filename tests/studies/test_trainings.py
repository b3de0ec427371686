"""Candidates of a search as batched computations, which is what a GPU does, forced here on the CPU."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch

from tenfold.errors import TrainingError, TrainingsFailed
from tenfold.networks import Dense, Dropout, ReLU, network
from tenfold.runs import Store, identity
from tenfold.studies import FOLDS, HONEST, SEARCH, Candidates, Experiment, Scale, Setup, runner, trainings
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
            for name, column in theirs.history.items():
                if name not in ("seconds", "epoch"):
                    off = 1.1 / 100 if name.endswith("accuracy") else 1e-4  # an image, or rounding
                    assert mine.history[name] == pytest.approx(column, abs=off, rel=1e-4), name
            for name in {"train_accuracy", "validation_accuracy", "validation_loss"} & theirs.metrics.keys():
                assert mine.metrics[name] == pytest.approx(theirs.metrics[name], abs=1.1 / 100), name
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
    kept = Store(tmp_path).list()
    assert sorted(run.tags["label"] for run in kept) == ["good", "good", "slow", "slow"]
    assert {run.tags["together"] for run in kept} == {6}


def test_a_batch_that_fails_is_done_one_by_one(study, tmp_path, monkeypatch):
    store, engine = Store(tmp_path), get_engine("torch")
    job = jobs(study, "paper", Results(study, "paper"), only=("search",))[0]
    folder = store.folder(identity(job.what(engine.settings(job.recipe))))
    folder.mkdir(parents=True)
    (folder / "checkpoint.safetensors").write_bytes(b"damaged")
    monkeypatch.setattr(runner, "on_gpu", lambda engine: True)
    with pytest.raises(TrainingsFailed, match=r"1 training of tiny failed") as told:
        run(study, tmp_path, workers=1, only=("search",))
    assert "checkpoint" in str(told.value)
    assert len(store.list()) == 3


def test_what_does_not_fit_by_itself_is_told_and_the_others_are_kept(study, tmp_path, monkeypatch):
    real = trainings.train

    def short_of_memory(architecture, recipe, *rest, **settings):
        if recipe.optimizer.lr == 0.001:
            raise torch.OutOfMemoryError("out of memory")
        return real(architecture, recipe, *rest, **settings)

    monkeypatch.setattr(trainings, "train", short_of_memory)
    job = next(job for job in jobs(study, "paper", Results(study, "paper")) if job.label == "slow")
    with pytest.raises(TrainingError, match="The memory of the device does not suffice"):
        run_task(job, lambda part: None, root=tmp_path, engine="torch")


def test_what_does_not_fit_into_memory_is_halved(study, tmp_path, monkeypatch):
    train_together, sizes = together.train_together, []

    def short_of_memory(trainings, *rest, **settings):
        sizes.append(len(trainings))
        if len(trainings) > smallest:
            raise torch.OutOfMemoryError("out of memory")
        return train_together(trainings, *rest, **settings)

    monkeypatch.setattr(together, "train_together", short_of_memory)
    smallest = 2
    (crew,), _ = batches(replace(study, experiments=SEARCHES[:1]))
    parts = []
    run_task(crew, parts.append, root=tmp_path, engine="torch")
    assert sizes == [4, 2, 2]
    assert len(Store(tmp_path).list()) == 4
    assert parts == sorted(parts)
    run_task(crew, parts.append, root=tmp_path, engine="torch")
    assert sizes == [4, 2, 2]

    smallest = 0
    run_task(crew, parts.append, root=tmp_path / "none fits", engine="torch")
    assert sizes[3:] == [4, 2, 1, 1, 2, 1, 1]
    assert not Store(tmp_path / "none fits").list()
