"""Networks computed as one batch in torch are what each is alone."""

from contextlib import contextmanager

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from tenfold import seeds
from tenfold.data.augment import Augmentation
from tenfold.errors import TrainingError
from tenfold.networks import BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, ReLU, network
from tenfold.training import (
    SGD,
    Adam,
    AdamW,
    Cosine,
    OneCycle,
    Recipe,
    RMSprop,
    Step,
    get_engine,
    torch_population,
)
from tenfold.training.torch_population import TorchMember, TorchPopulation

CPU = torch.device("cpu")


def cnn(first=0.2, second=0.3):
    return network(28, 28, mean=0.1, std=0.3)(
        *(Conv(4, 5), MaxPool(2), ReLU(), Conv(6, 3), ReLU(), MaxPool(2), Dropout(first), Flatten()),
        *(Dense(20), ReLU(), Dropout(second), Dense(10)),
    )


def alone(member, data, engine="torch", **settings):
    """Return the losses of the network trained by itself, step by step."""
    trainer = get_engine(engine, **settings).trainer(
        member.architecture, member.recipe, member.seed, len(data)
    )
    losses = []
    trainer.on_step = lambda: losses.append(trainer.last_batch()[0])
    for epoch in range(member.recipe.epochs):
        trainer.run_epoch(data, epoch)
    return losses


def together(members, data):
    """Return the losses of each member of a population, step by step."""
    population = TorchPopulation(members, data, CPU)
    losses = [[] for _ in members]

    def note(found):
        for place, loss in found.items():
            losses[place].append(loss)

    population.on_step = note
    for _ in range(members[0].recipe.epochs):
        population.run_epoch()
    return losses


RULES = {
    "adam": Adam(1e-3),
    "a faster adam": Adam(3e-3, 0.8, 0.99, weight_decay=0.1),
    "adamw": AdamW(3e-3, weight_decay=0.2),
    "keras' adam": Adam(1e-3, epsilon=1e-7, convention="keras"),
    "rmsprop": RMSprop(1e-3, rho=0.99, weight_decay=0.01),
    "keras' rmsprop": RMSprop(1e-3, rho=0.95, epsilon=1e-7, momentum=0.5, convention="keras"),
    "sgd": SGD(0.05, weight_decay=0.1),
    "momentum": SGD(0.03, momentum=0.9),
    "nesterov": SGD(0.02, momentum=0.8, nesterov=True),
}

MEMBERS = {
    "optimizers, learning rates and weight decays": [
        TorchMember(cnn(), Recipe(2, 16, rule), 3) for rule in RULES.values()
    ],
    "seeds, dropout rates and initializers": [
        TorchMember(cnn(*rates), Recipe(2, 16, SGD(0.05, momentum=0.9), initializer=name), seed)
        for seed, rates, name in ((3, (0.2, 0.3), "torch"), (3, (0.5, 0.0), "torch"), (4, (0, 0.4), "keras"))
    ],
    "schedules, augmentation": [
        TorchMember(cnn(), Recipe(2, 16, AdamW(0.003), how, augmentation=Augmentation(shift=2)), seed)
        for seed, how in ((0, OneCycle()), (0, Cosine(0.2)), (1, Step(1, 0.5)))
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
def test_each_of_fifty_steps_and_more_has_the_loss_that_it_has_alone(data, members):
    for member, losses in zip(members, together(members, data), strict=True):
        assert len(losses) == 52
        assert losses == pytest.approx(alone(member, data, device="cpu"), abs=1e-4)


def test_the_numpy_engine_takes_the_same_steps(data):
    members = MEMBERS["squared error"]
    for member, losses in zip(members, together(members, data), strict=True):
        assert losses == pytest.approx(alone(member, data, "numpy"), abs=1e-4)


@pytest.mark.parametrize("stream", ["init", "order", "dropout"])
def test_with_the_numbers_of_another_seed_the_losses_would_not_agree(data, monkeypatch, stream):
    # What keeps the comparison above from passing whatever is drawn.
    member = TorchMember(cnn(), Recipe(1, 16, SGD(0.05)), 3)
    (losses,) = together([member], data)
    key = seeds.key
    monkeypatch.setattr(seeds, "key", lambda seed, *name: key(seed + (name[0] == stream), *name))
    assert losses != pytest.approx(alone(member, data, device="cpu"), abs=1e-2)


def test_epochs_are_told_as_they_are_alone(data):
    members = MEMBERS["schedules, augmentation"]
    population = TorchPopulation(members, data, CPU)
    trainers = [
        get_engine("torch", device="cpu").trainer(each.architecture, each.recipe, each.seed, len(data))
        for each in members
    ]
    for epoch in range(2):
        population.run_epoch()
        for place, trainer in enumerate(trainers):
            result = trainer.run_epoch(data, epoch)
            assert population.losses[place] == pytest.approx(result.loss, abs=1e-4)
            assert population.accuracies[place] == pytest.approx(result.accuracy, abs=1.1 / len(data))
    for place, trainer in enumerate(trainers):
        for key, array in trainer.weights().items():
            assert np.allclose(population.weights(place)[key], array, atol=2e-3), key


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
    members = MEMBERS["optimizers, learning rates and weight decays"]
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
