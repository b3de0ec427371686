"""Networks computed as one batch in torch are what each is alone."""

from contextlib import contextmanager

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from tenfold.data.augment import Augmentation
from tenfold.errors import TrainingError
from tenfold.networks import BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, ReLU, network
from tenfold.training import SGD, Adam, AdamW, OneCycle, Recipe, RMSprop, get_engine, torch_population
from tenfold.training.torch_population import TorchMember, TorchPopulation

CPU = torch.device("cpu")


def cnn(first=0.2, second=0.3):
    return network(28, 28, mean=0.1, std=0.3)(
        *(Conv(4, 5), MaxPool(2), ReLU(), Conv(6, 3), ReLU(), MaxPool(2), Dropout(first), Flatten()),
        *(Dense(20), ReLU(), Dropout(second), Dense(10)),
    )


MEMBERS = {
    "one seed, different rules": [
        TorchMember(cnn(), Recipe(2, 16, Adam(1e-3)), 3),
        TorchMember(cnn(), Recipe(2, 16, RMSprop(1e-3, rho=0.99, weight_decay=0.01)), 3),
        TorchMember(cnn(0.4, 0.1), Recipe(2, 16, SGD(0.05, momentum=0.9), initializer="keras"), 3),
    ],
    "different seeds, schedules and augmentation": [
        TorchMember(cnn(), Recipe(2, 16, AdamW(0.003), OneCycle(), augmentation=Augmentation(shift=2)), seed)
        for seed in (0, 1)
    ],
    "squared error": [
        TorchMember(
            network(784)(Dense(12), ReLU(), Dropout(rate), Dense(10)),
            Recipe(2, 16, SGD(0.5), loss="squared-error", label_smoothing=0.1),
            seed,
        )
        for seed, rate in ((0, 0.25), (0, 0.5), (4, 0.25))
    ],
}


@pytest.fixture(scope="module")
def data(mnist):
    return mnist.train.take(slice(0, 410))  # 26 steps an epoch, the last smaller


@pytest.mark.parametrize("members", MEMBERS.values(), ids=MEMBERS)
def test_over_fifty_steps_each_member_has_the_losses_that_it_has_alone(data, members):
    together = TorchPopulation(members, data, CPU)
    alone = [
        get_engine("torch", device="cpu").trainer(each.architecture, each.recipe, each.seed, len(data))
        for each in members
    ]
    for epoch in range(2):
        together.run_epoch()
        for place, trainer in enumerate(alone):
            result = trainer.run_epoch(data, epoch)
            assert together.losses[place] == pytest.approx(result.loss, abs=1e-4)
            assert together.accuracies[place] == pytest.approx(result.accuracy, abs=1.1 / len(data))
    for place, trainer in enumerate(alone):
        for key, array in trainer.weights().items():
            assert np.allclose(together.weights(place)[key], array, atol=2e-3), key


def test_its_steps_are_as_exact_and_repeatable_as_those_of_the_engine(data, monkeypatch):
    # On a GPU convolutions would else run in TF32, with three digits of the float32 promised.
    entered, within = [], []

    @contextmanager
    def noted(device):
        entered.append(device)
        yield
        entered.pop()

    monkeypatch.setattr(torch_population, "deterministic", noted)
    population = TorchPopulation([TorchMember(cnn(), Recipe(1, 64))], data.take(slice(0, 100)), CPU)
    population.on_step = lambda losses: within.append(list(entered))
    population.run_epoch()
    assert within == [[CPU], [CPU]]


def test_a_population_goes_on_from_its_state_to_the_same_bits(data):
    members = MEMBERS["one seed, different rules"]
    whole, begun, rest = (TorchPopulation(members, data, CPU) for _ in range(3))
    whole.run_epoch()
    whole.run_epoch()
    begun.run_epoch()
    rest.load_state(begun.state())
    rest.run_epoch()
    for place in range(len(members)):
        wanted, found = whole.weights(place), rest.weights(place)
        assert all(np.array_equal(wanted[key], found[key]) for key in wanted)
    assert rest.losses == whole.losses


def test_a_member_that_runs_away_leaves_the_others_alone(data):
    calm, wild = (TorchMember(cnn(), Recipe(1, 16, SGD(lr)), 0) for lr in (0.01, 1e30))
    both, one = TorchPopulation([calm, wild], data, CPU), TorchPopulation([calm], data, CPU)
    both.run_epoch()
    one.run_epoch()
    assert [both.diverged(0), both.diverged(1)] == [False, True]
    assert both.losses[0] == pytest.approx(one.losses[0], abs=1e-5)


def test_what_is_not_alike_is_refused(data):
    with pytest.raises(TrainingError, match="batch norm"):
        TorchMember(network(784)(Dense(4), BatchNorm(), ReLU(), Dense(10)), Recipe())
    with pytest.raises(TrainingError, match="running mean"):
        TorchMember(cnn(), Recipe(ema=0.9))
    with pytest.raises(TrainingError, match="must be alike"):
        TorchPopulation([TorchMember(cnn(), Recipe(2, size)) for size in (16, 32)], data, CPU)
