"""Trainings done together have the histories, weights and checkpoints that `train` gives each."""

import numpy as np
import pytest

pytest.importorskip("torch")

from tenfold.data import folds
from tenfold.errors import TrainingDiverged
from tenfold.networks import BatchNorm, Conv, Dense, Dropout, Flatten, ReLU, network
from tenfold.training import SGD, Adam, Cosine, Recipe, get_engine, together, torch_engine, train
from tenfold.training.checkpoint import load_checkpoint
from tenfold.training.distillation import Distillation
from tenfold.training.together import Training, can_join, train_together
from tenfold.training.torch_population import TorchPopulation

ENGINE = get_engine("torch", device="cpu")
NORMED = network(28, 28)(
    *(Conv(3, 5, stride=2, bias=False), BatchNorm(), ReLU(), Dropout(0.2), Flatten(), Dense(10))
)
MLP = network(784)(Dense(8), ReLU(), Dropout(0.3), Dense(10))


@pytest.fixture(scope="module")
def parts(mnist):
    return folds(mnist.train.take(slice(0, 201)), 2, seed=0)  # of 100 images and of 101


def trainings(parts, folder, until=None):
    """Two networks, rates and schedules in two folds, and one that runs away."""
    made = []
    for architecture in (NORMED, MLP):
        for fold, (data, held) in enumerate(parts):
            for recipe in (Recipe(3, 16, SGD(0.05)), Recipe(4, 16, Adam(1e-3), Cosine())):
                place = folder / str(len(made))
                made.append(Training(architecture, recipe, data, fold, place, {"held": held}, 2, until))
    data, held = parts[0]
    wild = Training(MLP, Recipe(3, 16, SGD(1e30)), data, 0, folder / "wild", {"held": held}, 2, until)
    return [*made, wild]


def alone(each, **settings):
    return train(
        each.architecture,
        each.recipe,
        each.data,
        engine=ENGINE,
        seed=each.seed,
        monitors=each.monitors,
        monitor_every=each.monitor_every,
        **settings,
    )


def check(found, wanted):
    columns, others = found.history.to_dict(), wanted.history.to_dict()
    assert columns.keys() == others.keys()
    for name in columns.keys() - {"seconds"}:
        # The held-out set is measured after every other epoch, else there is nothing.
        assert [each is None for each in columns[name]] == [each is None for each in others[name]], name
        pairs = [pair for pair in zip(columns[name], others[name], strict=True) if None not in pair]
        digits = 1.1 / 100 if "accuracy" in name else 1e-4
        assert [pair[0] for pair in pairs] == pytest.approx([pair[1] for pair in pairs], abs=digits), name
    for key, array in wanted.weights.items():
        assert np.allclose(found.weights[key], array, atol=1e-3), key
        assert found.weights[key].dtype == np.float32


def test_each_has_the_history_and_the_weights_that_it_has_alone(parts, tmp_path):
    given, told = trainings(parts, tmp_path), []
    *found, lost = train_together(given, ENGINE, on_epoch=told.append)
    for each, trained in zip(given, found, strict=False):
        check(trained, alone(each))
    assert isinstance(lost, TrainingDiverged)
    assert "1e+30" in str(lost)
    assert [told.count(place) for place in range(9)] == [3, 4] * 4 + [0]


def test_those_that_rested_go_on_together_or_alone(parts, tmp_path):
    given = trainings(parts, tmp_path, until=2)[:-1]
    for each in given[::2]:  # half of them were begun alone
        alone(each, folder=each.folder, until=2)
    train_together(given, ENGINE)
    assert {load_checkpoint(each.folder).epoch for each in given} == {2}
    rest = trainings(parts, tmp_path)[:-1]
    found = train_together(rest[:4], ENGINE)
    found += [alone(each, folder=each.folder) for each in rest[4:]]
    for each, trained in zip(rest, found, strict=True):
        check(trained, alone(each))
    # What is done is not done again.
    told = []
    again = train_together(rest[:4], ENGINE, on_epoch=told.append)
    assert told == []
    for trained, before in zip(again, found[:4], strict=True):
        check(trained, before)


def test_a_kill_costs_no_more_than_the_epoch_it_comes_in(parts, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    run_epoch, begun = TorchPopulation.run_epoch, []

    def killed(population, *settings):
        begun.append(population)
        if len(begun) == 3:
            raise Killed
        run_epoch(population, *settings)

    clock = iter(range(0, 10**6, 3))  # a question takes three seconds, and so an epoch more than ten
    monkeypatch.setattr(together, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(TorchPopulation, "run_epoch", killed)
    given = trainings(parts, tmp_path)[:2]
    with pytest.raises(Killed):
        train_together(given, ENGINE, checkpoint_seconds=10)
    # That it is due is seen after the epoch that it became due in, not an epoch later.
    assert [load_checkpoint(each.folder).epoch for each in given] == [2, 2]


def test_what_a_population_does_not_take_is_known_beforehand():
    assert can_join(NORMED, Recipe(), ENGINE)
    assert not can_join(MLP, Recipe(ema=0.9), ENGINE)
    assert not can_join(MLP, Recipe(distillation=Distillation("base")), ENGINE)


@pytest.mark.parametrize("multiplies", [True, False])
def test_batch_norm_stays_alone_only_where_its_products_are_of_bfloat16(monkeypatch, multiplies):
    monkeypatch.setattr(torch_engine, "multiplies_bfloat16", lambda device: multiplies)
    assert can_join(MLP, Recipe(precision="mixed"), ENGINE)
    assert can_join(NORMED, Recipe(precision="mixed"), ENGINE) is not multiplies
