"""Each rule beside torch.optim on the same gradients; Keras' conventions beside their formulas."""

import numpy as np
import pytest
import torch

from tenfold.training.optimizers import SGD, Adam, AdamW, RMSprop
from tenfold.training.torch_optimizers import family, rule, rule_of_many

STEPS, SIZE, DECAYED = 12, 9, 6


@pytest.fixture
def gradients():
    return torch.tensor(np.random.default_rng(0).normal(size=(STEPS, SIZE)))


def first():
    return torch.tensor(np.random.default_rng(1).normal(size=SIZE))


def ours(optimizer, gradients, rates=None):
    """Yield the parameters after every step; weight decay touches the first DECAYED alone."""
    parameters = first()
    at_work = rule(optimizer, parameters, DECAYED)
    for number, gradient in enumerate(gradients, 1):
        at_work.step(gradient.clone(), rates[number - 1] if rates else optimizer.lr, number)
        yield parameters.clone()


CASES = {
    "sgd": (SGD(0.1), torch.optim.SGD, {}),
    "momentum": (SGD(0.1, momentum=0.9), torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (SGD(0.1, 0.9, nesterov=True), torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "sgd, decay": (SGD(0.1, 0.5, weight_decay=0.3), torch.optim.SGD, {"momentum": 0.5, "weight_decay": 0.3}),
    "rmsprop": (RMSprop(0.01, 0.95), torch.optim.RMSprop, {"alpha": 0.95}),
    "rmsprop, all": (
        RMSprop(0.01, 0.9, 1e-3, momentum=0.8, weight_decay=0.1),
        torch.optim.RMSprop,
        {"alpha": 0.9, "eps": 1e-3, "momentum": 0.8, "weight_decay": 0.1},
    ),
    "adam": (Adam(0.01), torch.optim.Adam, {}),
    "adam, all": (
        Adam(0.01, 0.8, 0.95, 1e-3, weight_decay=0.2),
        torch.optim.Adam,
        {"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.2},
    ),
    "adamw": (AdamW(0.01, weight_decay=0.5), torch.optim.AdamW, {"weight_decay": 0.5}),
}


@pytest.mark.parametrize(("optimizer", "kind", "settings"), CASES.values(), ids=CASES)
def test_every_step_is_that_of_torch(gradients, optimizer, kind, settings):
    parts = [part.clone().requires_grad_() for part in first().split([DECAYED, SIZE - DECAYED])]
    theirs = kind(
        [{"params": parts[:1]}, {"params": parts[1:], "weight_decay": 0.0}], lr=optimizer.lr, **settings
    )
    for gradient, found in zip(gradients, ours(optimizer, gradients), strict=True):
        for part, piece in zip(parts, gradient.split([DECAYED, SIZE - DECAYED]), strict=True):
            part.grad = piece.clone()
        theirs.step()
        torch.testing.assert_close(found, torch.cat(parts).detach(), rtol=1e-12, atol=1e-14)


def test_rmsprop_of_keras_adds_epsilon_under_the_root(gradients):
    optimizer = RMSprop(0.01, rho=0.9, epsilon=0.1, convention="keras")
    expected, square = first(), torch.zeros(SIZE)
    for gradient, found in zip(gradients, ours(optimizer, gradients), strict=True):
        square = 0.9 * square + 0.1 * gradient**2
        expected = expected - 0.01 * gradient / (square + 0.1).sqrt()
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_adam_of_keras_adds_epsilon_before_the_root_is_corrected(gradients):
    optimizer = Adam(0.01, 0.8, 0.95, epsilon=0.1, convention="keras")
    expected, mean, square = first(), torch.zeros(SIZE), torch.zeros(SIZE)
    for t, (gradient, found) in enumerate(zip(gradients, ours(optimizer, gradients), strict=True), 1):
        mean = 0.8 * mean + 0.2 * gradient
        square = 0.95 * square + 0.05 * gradient**2
        rate = 0.01 * (1 - 0.95**t) ** 0.5 / (1 - 0.8**t)
        expected = expected - rate * mean / (square.sqrt() + 0.1)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("optimizer", [SGD(), SGD(momentum=0.9), RMSprop(), Adam(), AdamW()], ids=repr)
def test_a_rate_of_zero_leaves_the_parameters_alone(gradients, optimizer):
    for found in ours(optimizer, gradients, rates=[0.0] * STEPS):
        torch.testing.assert_close(found, first(), rtol=0, atol=0)


def test_decay_alone_shrinks_weights_and_no_bias():
    still = torch.zeros(3, SIZE, dtype=torch.float64)
    *_, found = ours(AdamW(0.1, weight_decay=0.5), still)
    expected = first()
    expected[:DECAYED] *= (1 - 0.1 * 0.5) ** 3
    torch.testing.assert_close(found, expected)


FAMILIES = {
    "sgd": [SGD(0.1), SGD(0.3), SGD(0.05, weight_decay=0.2)],
    "momentum": [SGD(0.1, momentum=0.9), SGD(0.2, momentum=0.5, weight_decay=0.3)],
    "nesterov": [SGD(0.1, 0.9, nesterov=True), SGD(0.2, 0.3, nesterov=True, weight_decay=0.1)],
    "rmsprop": [RMSprop(0.01, 0.95), RMSprop(0.03, 0.9, 1e-3, weight_decay=0.1)],
    "rmsprop with momentum": [RMSprop(0.01, momentum=0.8), RMSprop(0.02, 0.5, 1e-4, momentum=0.2)],
    "keras' rmsprop": [RMSprop(0.01, convention="keras"), RMSprop(0.1, 0.5, 0.1, convention="keras")],
    "adam": [Adam(0.01), Adam(0.02, 0.8, 0.95, 1e-3, weight_decay=0.2)],
    "keras' adam": [Adam(0.01, convention="keras"), Adam(0.1, 0.7, 0.9, 0.1, convention="keras")],
    "adamw": [AdamW(0.01, weight_decay=0.5), AdamW(0.02, 0.8, 0.95, 1e-3, weight_decay=0.0)],
}


@pytest.mark.parametrize("optimizers", FAMILIES.values(), ids=FAMILIES)
def test_rows_are_stepped_in_one_as_each_by_itself(gradients, optimizers):
    assert len({family(each) for each in optimizers}) == 1
    rows = torch.stack([first() * (place + 1) for place in range(len(optimizers))])
    alone = [rule(each, row.clone(), DECAYED) for each, row in zip(optimizers, rows, strict=True)]
    together = rule_of_many(optimizers, rows, DECAYED)
    for number, gradient in enumerate(gradients, 1):
        factor = 1 / number  # as a schedule has
        by_row = torch.stack([gradient + place for place in range(len(rows))])
        for each, own in zip(alone, by_row, strict=True):
            each.step(own.clone(), each.optimizers[0].lr * factor, number)
        together.step(by_row, together.number("lr") * factor, number)
        for row, each in zip(rows, alone, strict=True):
            torch.testing.assert_close(row, each.parameters, rtol=1e-12, atol=1e-14)
    for name, slot in together.slots.items():
        for row, each in zip(slot, alone, strict=True):
            torch.testing.assert_close(row, each.slots[name], rtol=1e-12, atol=1e-14)


def test_rules_that_are_not_of_one_form_are_not_of_one_family():
    every = [optimizers[0] for optimizers in FAMILIES.values()]
    assert len({family(each) for each in every}) == len(every)
