"""Networks computed as one batch in torch are what each is alone."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from tenfold import seeds
from tenfold.data.augment import Augmentation
from tenfold.errors import TrainingError
from tenfold.networks import (
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    ReLU,
    Residual,
    network,
)
from tenfold.training import (
    SGD,
    Adam,
    AdamW,
    Constant,
    Cosine,
    OneCycle,
    Recipe,
    RMSprop,
    Step,
    get_engine,
    torch_crew,
    torch_engine,
)
from tenfold.training.torch_member import TorchMember
from tenfold.training.torch_optimizers import AdamRule, RMSpropRule, SGDRule
from tenfold.training.torch_population import TorchPopulation

CPU = torch.device("cpu")


def cnn(first=0.2, second=0.3, pool=AveragePool):
    return network(28, 28, mean=0.1, std=0.3)(
        *(Conv(4, 5), pool(2), ReLU(), Conv(6, 3), ReLU(), pool(2), Dropout(first), Flatten()),
        *(Dense(20), ReLU(), Dropout(second), Dense(10)),
    )


def alone(member, data, engine="torch", **settings):
    """Return the losses of the network trained by itself on its own images, step by step."""
    own = data if member.images is None else data.take(member.images)
    trainer = get_engine(engine, **settings).trainer(
        member.architecture, member.recipe, member.seed, len(own)
    )
    losses = []
    trainer.on_step = lambda: losses.append(trainer.last_batch()[0])
    for epoch in range(member.recipe.epochs):
        trainer.run_epoch(own, epoch)
    return losses


def together(members, data):
    """Return the losses of each member of a population, step by step."""
    population = TorchPopulation(members, data, CPU)
    losses = [[] for _ in members]

    def note(found):
        for place, loss in found.items():
            losses[place].append(loss)

    population.on_step = note
    while population.running:
        population.run_epoch()
    return losses


NORMED = network(28, 28)(
    *(Conv(4, 5, bias=False), MaxPool(2), BatchNorm(), ReLU(), Dropout(0.2)),
    Residual((Conv(4, 3, padding="same", bias=False), BatchNorm(momentum=0.3), ReLU())),
    *(GlobalAveragePool(), Dense(10)),
)
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
        TorchMember(cnn(*rates), Recipe(2, 16, SGD(0.01, momentum=0.9), initializer=name), seed)
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


FOLDS = [np.arange(0, 403), np.arange(1, 404), np.arange(0, 820, 2), np.arange(409, -1, -1)]
"""Two of 403 images and two of 410: 26 steps an epoch, the last of 3 or of 10 images."""

MEMBERS["folds"] = [
    TorchMember(cnn(), Recipe(2, 16, rule, augmentation=Augmentation(shift=1)), seed, images)
    for seed, rule, images in zip((0, 0, 1, 0), (SGD(0.05), Adam(1e-3)) * 2, FOLDS, strict=True)
]
MEMBERS["epochs"] = [
    TorchMember(cnn(), Recipe(epochs, 16, SGD(0.01, 0.9), how, **settings), 0)
    for epochs, how, settings in (
        *((2, Constant(), {}), (3, Constant(), {})),
        *((2, OneCycle(), {}), (3, OneCycle(), {})),
    )
]
MEMBERS["epochs with augmentation that ends"] = [
    TorchMember(
        cnn(),
        Recipe(epochs, 16, SGD(0.05), augmentation=Augmentation(shift=2), augmentation_off=part),
        seed,
    )
    for epochs, part, seed in ((2, 0.5, 2), (3, 0.5, 2), (3, 0.0, 2), (2, 0.0, 2), (2, 0.5, 1))
]
MEMBERS["batch norm"] = [
    TorchMember(NORMED, Recipe(2, 16, rule), seed)
    for rule, seed in ((AdamW(1e-3, weight_decay=0.05), 0), (SGD(0.05), 0), (SGD(0.02, 0.9), 2))
]


@pytest.fixture(scope="module")
def data(mnist):
    return mnist.train.take(slice(0, 410))  # 26 steps an epoch, the last smaller


@pytest.mark.parametrize("members", MEMBERS.values(), ids=MEMBERS)
def test_each_of_fifty_steps_and_more_has_the_loss_that_it_has_alone(mnist, data, members):
    data = mnist.train.take(slice(0, 820)) if members is MEMBERS["folds"] else data
    for member, losses in zip(members, together(members, data), strict=True):
        assert len(losses) == 26 * member.recipe.epochs >= 52
        assert losses == pytest.approx(alone(member, data, device="cpu"), abs=1e-4)


# Where float32 cannot tell. At its rate this AdamW makes steps of rounding: alone, float32 is 2e-4 away from
# float64 after 50 of them. And two neighbors may agree to the last digit before a max pool, which then takes
# the one or the other, by processor and number of threads.
DELICATE = {
    "adamw": [TorchMember(NORMED, Recipe(2, 16, AdamW(3e-3, weight_decay=0.05)), seed) for seed in (0, 1)],
    **{
        f"ties, {name}": [replace(each, architecture=cnn(pool=MaxPool)) for each in MEMBERS[name]]
        for name in ("epochs", "epochs with augmentation that ends", "schedules, augmentation")
    },
}


@pytest.mark.parametrize("members", DELICATE.values(), ids=DELICATE)
def test_in_float64_nothing_but_the_last_digits_differ(data, members):
    members = [replace(each, recipe=each.recipe.change({"precision": "float64"})) for each in members]
    for member, losses in zip(members, together(members, data), strict=True):
        assert losses == pytest.approx(alone(member, data, device="cpu"), abs=1e-12)


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

    monkeypatch.setattr(torch_crew, "deterministic", noted)
    population = TorchPopulation([TorchMember(cnn(), Recipe(1, 64))], data.take(slice(0, 100)), CPU)
    population.on_step = lambda losses: within.append(list(entered))
    population.run_epoch()
    assert within == [[CPU], [CPU]]


def count_rows(monkeypatch):
    """Return a list that grows, with every step of a crew, by how many networks it computes."""
    rows, step = [], torch_crew.Crew._step

    def noted(crew, gradients):
        rows.append(len(gradients))
        step(crew, gradients)

    monkeypatch.setattr(torch_crew.Crew, "_step", noted)
    return rows


def test_the_shorter_of_two_trainings_that_begin_alike_is_read_off_the_longer(data, monkeypatch):
    rows = count_rows(monkeypatch)
    some = data.take(slice(0, 64))
    # A constant rate, thrice; one that falls with the epochs, twice; and another seed.
    members = [TorchMember(cnn(), Recipe(epochs, 32), 0) for epochs in (1, 3, 2)]
    members += [TorchMember(cnn(), Recipe(epochs, 32, schedule=Cosine()), 0) for epochs in (1, 2)]
    members += [TorchMember(cnn(), Recipe(1, 32), 1)]
    population = TorchPopulation(members, some, CPU)
    running = []
    while population.running:
        running.append(population.running)
        population.run_epoch()
    assert running == [[0, 1, 2, 3, 4, 5], [1, 2, 4], [1]]
    assert rows == [4, 4, 2, 2, 1, 1]
    for place, member in enumerate(members):
        (short,) = [TorchPopulation([member], some, CPU)]
        while short.running:
            short.run_epoch()
        assert population.losses[place] == pytest.approx(short.losses[0], abs=1e-6)
        for key, array in short.weights(0).items():
            assert np.allclose(population.weights(place)[key], array, atol=1e-6), key


def test_optimizers_of_one_rule_step_in_one(data, monkeypatch):
    calls = []
    for kind in {AdamRule, SGDRule, RMSpropRule}:
        monkeypatch.setattr(kind, "step", lambda rule, gradient, lr, number: calls.append(len(gradient)))
    members = MEMBERS["optimizers, learning rates and weight decays"]
    members = [*members, *(replace(member, seed=4) for member in members[:2])]
    population = TorchPopulation(members, data.take(slice(0, 16)), CPU)
    population.run_epoch()
    # Two Adams, twice; AdamW; Keras' Adam; two RMSprops; SGD without and with momentum, and Nesterov's.
    assert sorted(calls) == [1, 1, 1, 1, 1, 1, 1, 4]


def test_a_rested_member_stays_what_it_was_and_the_others_go_on(data):
    some = data.take(slice(0, 100))
    members = [TorchMember(cnn(), Recipe(2, 32, Adam(1e-3)), seed) for seed in (0, 1)]
    both, one = TorchPopulation(members, some, CPU), TorchPopulation(members[1:], some, CPU)
    both.run_epoch()
    both.rest([0])
    rested = both.weights(0)
    assert both.running == [1]
    both.run_epoch()
    one.run_epoch()
    one.run_epoch()
    assert all(np.array_equal(array, rested[key]) for key, array in both.weights(0).items())
    assert both.losses[1] == pytest.approx(one.losses[0], abs=1e-5)


@pytest.mark.parametrize(
    "members",
    [MEMBERS[name] for name in ("folds", "epochs", "batch norm")],
    ids=["folds", "epochs", "batch norm"],
)
def test_a_population_goes_on_from_its_states_to_the_same_bits(mnist, members):
    data = mnist.train.take(slice(0, 820 if members is MEMBERS["folds"] else 100))
    whole, begun, rest = (TorchPopulation(members, data, CPU) for _ in range(3))
    whole.run_epoch()
    whole.run_epoch()
    begun.run_epoch()
    rest.load_states(begun.states())
    rest.run_epoch()
    for place in range(len(members)):
        wanted, found = whole.states()[place], rest.states()[place]
        assert wanted.keys() == found.keys()
        assert all(np.array_equal(wanted[key], found[key]) for key in wanted)
    assert rest.losses == whole.losses


@pytest.mark.parametrize("name", ["optimizers, learning rates and weight decays", "batch norm"])
def test_a_member_can_go_on_alone_and_back(data, name):
    members = MEMBERS[name]
    population = TorchPopulation(members, data, CPU)
    population.run_epoch()
    engine, states = get_engine("torch", device="cpu"), []
    for member, state in zip(members, population.states(), strict=True):
        trainer = engine.trainer(member.architecture, member.recipe, member.seed, len(data))
        trainer.load_state(state)
        states.append(trainer.state())
        assert states[-1].keys() == state.keys()
        assert all(np.array_equal(states[-1][key], state[key]) for key in state)
        assert np.allclose(
            trainer.logits(data.images[:9]), population.logits(len(states) - 1, data.images[:9]), atol=1e-5
        )
    other = TorchPopulation(members, data, CPU)
    other.load_states(states)
    assert other.done == 1
    population.run_epoch()
    other.run_epoch()
    assert other.losses == population.losses


def test_running_statistics_of_batch_norm_are_those_of_each_alone(data):
    members = MEMBERS["batch norm"]
    population = TorchPopulation(members, data, CPU)
    population.run_epoch()
    for place, member in enumerate(members):
        trainer = get_engine("torch", device="cpu").trainer(NORMED, member.recipe, member.seed, len(data))
        trainer.run_epoch(data, 0)
        found, wanted = population.weights(place), trainer.weights()
        for key in NORMED.statistic_shapes:
            assert np.allclose(found[key], wanted[key], rtol=1e-3, atol=1e-4), key


def test_statistics_that_torch_leaves_alone_are_no_silent_error(data, monkeypatch):
    def still(architecture, tensors, x, masks):
        return forward(architecture, {key: array.clone() for key, array in tensors.items()}, x, masks)

    forward = torch_crew.forward
    monkeypatch.setattr(torch_crew, "forward", still)
    with pytest.raises(TrainingError, match="running statistics"):
        TorchPopulation(MEMBERS["batch norm"], data.take(slice(0, 32)), CPU).run_epoch()


def test_mixed_precision_is_that_of_the_engine(data, monkeypatch):
    # On a processor without the instructions too: here it is to be exercised, not to be fast.
    monkeypatch.setattr(torch_engine, "multiplies_bfloat16", lambda device: True)
    some = data.take(slice(0, 160))
    members = [TorchMember(cnn(), Recipe(2, 16, AdamW(1e-3), precision="mixed"), seed) for seed in (0, 1)]
    exact = [TorchMember(cnn(), Recipe(2, 16, AdamW(1e-3)), seed) for seed in (0, 1)]
    mixed = together(members, some)
    assert mixed[0] != pytest.approx(together(exact, some)[0], abs=1e-4)
    for member, losses in zip(members, mixed, strict=True):
        # Where sums are rounded to three digits, their order tells.
        assert losses == pytest.approx(alone(member, some, device="cpu"), abs=0.02)
    normed = TorchMember(NORMED, Recipe(precision="mixed"))
    with pytest.raises(TrainingError, match="batch norm in float32"):
        TorchPopulation([normed], some, CPU)


def test_a_member_that_runs_away_leaves_the_others_alone(data):
    calm, wild = (TorchMember(cnn(), Recipe(1, 16, SGD(lr)), 0) for lr in (0.01, 1e30))
    both, one = TorchPopulation([calm, wild], data, CPU), TorchPopulation([calm], data, CPU)
    both.run_epoch()
    one.run_epoch()
    assert [both.diverged(0), both.diverged(1)] == [False, True]
    assert both.losses[0] == pytest.approx(one.losses[0], abs=1e-5)


def test_what_is_not_alike_is_refused(data):
    with pytest.raises(TrainingError, match="running mean"):
        TorchMember(cnn(), Recipe(ema=0.9))
    with pytest.raises(TrainingError, match="must be alike"):
        TorchPopulation([TorchMember(cnn(), Recipe(2, size)) for size in (16, 32)], data, CPU)
    with pytest.raises(TrainingError, match="at least one member"):
        TorchPopulation([], data, CPU)


@pytest.mark.parametrize("images", [np.array([], int), np.array([0.5]), np.array([[1]]), np.array([-1])])
def test_images_that_are_no_places_are_refused(images):
    with pytest.raises(TrainingError, match="images of a member must be"):
        TorchMember(cnn(), Recipe(), 0, images)


def test_images_that_are_not_there_are_refused(data):
    with pytest.raises(TrainingError, match="below 410"):
        TorchPopulation([TorchMember(cnn(), Recipe(), 0, np.array([410]))], data, CPU)


def test_states_of_different_epochs_are_refused(data):
    some = data.take(slice(0, 32))
    members = [TorchMember(cnn(), Recipe(3, 32), seed) for seed in (0, 1)]
    population = TorchPopulation(members, some, CPU)
    first = population.states()
    population.run_epoch()
    with pytest.raises(TrainingError, match="same epoch"):
        population.load_states([first[0], population.states()[1]])
