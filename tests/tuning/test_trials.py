"""Candidates as one batched computation, which is what a GPU does, forced here on the CPU."""

import pytest

pytest.importorskip("torch")

import torch

from tenfold.data import folds
from tenfold.errors import TrainingStopped, TuningError
from tenfold.networks import BatchNorm, Conv, Dense, Flatten, ReLU, network
from tenfold.runs import Store
from tenfold.training import SGD, Adam, Cosine, Recipe, together
from tenfold.training.torch_population import TorchPopulation
from tenfold.tuning import Candidate, Rung, search, trials

NETWORK = network(784)(Dense(8), ReLU(), Dense(10))


@pytest.fixture(scope="module")
def data(mnist):
    return folds(mnist.train.take(slice(0, 301)), 2, seed=0)  # of two sizes


NORMED = network(28, 28)(Conv(3, 5, stride=2, bias=False), BatchNorm(), ReLU(), Flatten(), Dense(10))
CANDIDATES = (
    *(
        Candidate(f"lr {lr:g}, {epochs} epochs", NETWORK, Recipe(epochs, 32, SGD(lr)))
        for lr in (0.05, 0.3)
        for epochs in (2, 4)
    ),
    Candidate("adam", NETWORK, Recipe(3, 32, Adam(0.003))),
    Candidate("falling", NETWORK, Recipe(4, 32, Adam(0.003), Cosine())),
    Candidate("other batches", NETWORK, Recipe(2, 20, SGD(0.1))),
    *(Candidate(f"normed {lr:g}", NORMED, Recipe(2, 32, SGD(lr))) for lr in (0.05, 0.1)),
    Candidate("mean", NETWORK, Recipe(2, 32, SGD(0.1), ema=0.9)),  # which is trained alone
    Candidate("wild", NETWORK, Recipe(2, 32, SGD(1e30))),
)
RUNGS = (Rung(1, 1, keep=9), Rung(2, 2, keep=6), Rung())


def run(data, folder, together=True, candidates=None, **settings):
    store = Store(folder)
    return search(candidates or CANDIDATES, data, store=store, engine="torch", together=together, **settings)


def table(outcome):
    return [{score.label: score.accuracies for score in rung} for rung in outcome.rungs]


@pytest.mark.parametrize("rungs", [(Rung(),), RUNGS], ids=["the whole grid", "halving"])
def test_scores_and_epochs_are_those_of_one_by_one(data, tmp_path, rungs, monkeypatch):
    together = run(data, tmp_path / "together", rungs=rungs)
    monkeypatch.setattr(trials, "_run_together", None)
    alone = run(data, tmp_path / "alone", False, rungs=rungs)
    assert together.trained == alone.trained
    for found, wanted in zip(table(together), table(alone), strict=True):
        assert found.keys() == wanted.keys()
        for label, accuracies in wanted.items():
            assert found[label] == pytest.approx(accuracies, abs=1.1 / 150), label  # an image


def test_candidates_of_all_folds_and_rates_are_one_computation(data, tmp_path, monkeypatch):
    sizes = []

    class Noted(TorchPopulation):
        def __init__(self, members, *rest):
            sizes.append(len(members))
            super().__init__(members, *rest)

    monkeypatch.setattr(together, "TorchPopulation", Noted)
    run(data, tmp_path)
    # In two folds: two rates, Adam, the falling and the wild; other batches; two with batch norm.
    assert sizes == [10, 2, 4]
    kept = Store(tmp_path).list()
    assert sorted({run.tags["search"] for run in kept if "together" not in run.tags}) == ["mean"]


def test_what_was_trained_one_by_one_is_gone_on_with_together_and_back(data, tmp_path):
    first = run(data, tmp_path, False, rungs=[Rung(1)])
    again = run(data, tmp_path, True, rungs=[Rung(1), Rung(2)])
    last = run(data, tmp_path, False, rungs=[Rung(1), Rung(2), Rung()])
    assert table(again)[0] == table(first)[0]
    assert table(last)[:2] == table(again)
    whole = run(data, tmp_path / "whole", False, rungs=[Rung(1), Rung(2), Rung()])
    assert first.trained + again.trained + last.trained == whole.trained
    for found, wanted in zip(table(last), table(whole), strict=True):
        for label, accuracies in wanted.items():
            assert found[label] == pytest.approx(accuracies, abs=1.1 / 150), label
    assert run(data, tmp_path, True, rungs=[Rung(1), Rung(2), Rung()]).trained == 0


def test_an_interrupt_keeps_what_was_done(data, tmp_path, monkeypatch):
    candidates = CANDIDATES[:2]
    whole = run(data, tmp_path / "whole", candidates=candidates)
    run_epoch, begun = TorchPopulation.run_epoch, []

    def interrupted(population, *settings):
        begun.append(population)
        if len(begun) == 3:
            raise KeyboardInterrupt
        run_epoch(population, *settings)

    with monkeypatch.context() as patch:
        patch.setattr(TorchPopulation, "run_epoch", interrupted)
        with pytest.raises(TrainingStopped, match="after epoch 2"):
            run(data, tmp_path / "stopped", candidates=candidates)
    rest = run(data, tmp_path / "stopped", candidates=candidates)
    assert rest.trained == whole.trained - 2 * 2
    assert table(rest) == table(whole)
    assert not list((tmp_path / "stopped").rglob("checkpoint*"))


def test_what_does_not_fit_into_memory_is_divided(data, tmp_path, monkeypatch):
    whole = run(data, tmp_path / "whole")
    run_together, sizes = trials._run_together, []

    def short_of_memory(jobs, *setting):
        sizes.append(len(jobs))
        if len(jobs) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run_together(jobs, *setting)

    monkeypatch.setattr(trials, "_run_together", short_of_memory)
    shares = []
    divided = run(data, tmp_path / "divided", on_progress=shares.append)
    assert sizes == [10, 5, 2, 3, 5, 2, 3, 2, 4, 2, 2]
    assert table(divided) == table(whole)
    assert divided.trained == whole.trained
    assert shares == sorted(shares)
    assert shares.count(1.0) == 1


def test_one_that_does_not_fit_into_memory_is_named(data, tmp_path, monkeypatch):
    def short_of_memory(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(trials, "_run_together", short_of_memory)
    with pytest.raises(TuningError, match=r"does not suffice to train adam\. Choose a smaller batch_size"):
        run(data, tmp_path, candidates=[CANDIDATES[4]])


def test_one_that_is_trained_alone_and_does_not_fit_is_named_too(data, tmp_path, monkeypatch):
    def short_of_memory(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(trials, "train", short_of_memory)
    with pytest.raises(TuningError, match=r"does not suffice to train mean\."):
        run(data, tmp_path, candidates=[CANDIDATES[9]])


def test_what_was_done_before_memory_ran_short_is_not_done_again(data, tmp_path, monkeypatch):
    whole = run(data, tmp_path / "whole", candidates=CANDIDATES[:2])
    run_epoch, begun = TorchPopulation.run_epoch, []

    def short_of_memory(population, *settings):
        begun.append(population)
        if len(begun) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        run_epoch(population, *settings)

    monkeypatch.setattr(TorchPopulation, "run_epoch", short_of_memory)
    found = run(data, tmp_path / "found", candidates=CANDIDATES[:2])
    # Two epochs of both folds, the one that failed, and two more of each fold by itself.
    assert len(begun) == 2 + 1 + 2 + 2
    assert found.trained == whole.trained
    assert table(found) == table(whole)


def test_progress_is_told_while_many_train_as_one(data, tmp_path, monkeypatch):
    monkeypatch.setattr(together, "REPORT_SECONDS", 0.0)
    shares = []
    run(data, tmp_path, candidates=CANDIDATES[:2], on_progress=shares.append)
    # Two folds in batches of 32 of 150 images and of 151: 5 steps an epoch, 4 epochs, in two crews; the end.
    assert len(shares) > 40
    assert shares == sorted(shares)
    assert shares.count(1.0) == 1


def test_without_being_told_a_cpu_goes_one_by_one_and_a_gpu_together(data, tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(together, "divided", lambda jobs, *_: called.append(jobs) or ([], jobs))
    run(data, tmp_path / "cpu", None, CANDIDATES[:1])
    assert called == []
    monkeypatch.setattr(trials, "on_gpu", lambda engine: True)
    run(data, tmp_path / "gpu", None, CANDIDATES[:1])
    assert len(called) == 1


def test_another_engine_is_refused(data, tmp_path):
    with pytest.raises(TuningError, match="only torch"):
        search(CANDIDATES, data, store=Store(tmp_path), engine="numpy", together=True)
