"""Each rule beside torch.optim on the same gradients; Keras' conventions beside their formulas."""

from math import sqrt

import numpy as np
import pytest
import torch

from tenfold.training.numpy_optimizers import Stepper, slot_names
from tenfold.training.optimizers import SGD, Adam, AdamW, RMSprop

STEPS = 12


@pytest.fixture
def gradients():
    rng = np.random.default_rng(0)
    return [{"a.weight": rng.normal(size=(3, 2)), "a.bias": rng.normal(size=3)} for _ in range(STEPS)]


def first():
    rng = np.random.default_rng(1)
    return {"a.weight": rng.normal(size=(3, 2)), "a.bias": rng.normal(size=3)}


def ours(optimizer, gradients, rates=None):
    """Yield the weights after every step; weight decay touches a.weight alone."""
    weights = first()
    stepper = Stepper(optimizer, weights, {"a.weight"})
    for index, gradient in enumerate(gradients):
        stepper.step(weights, gradient, rates[index] if rates else optimizer.lr, index + 1)
        yield weights


CASES = [
    (SGD(0.1), torch.optim.SGD, {"lr": 0.1}),
    (SGD(0.1, momentum=0.9), torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (SGD(0.1, 0.9, nesterov=True), torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (SGD(0.1, 0.5, weight_decay=0.3), torch.optim.SGD, {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.3}),
    (RMSprop(0.01, 0.95), torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.95}),
    (
        RMSprop(0.01, 0.9, 1e-3, momentum=0.8, weight_decay=0.1),
        torch.optim.RMSprop,
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "momentum": 0.8, "weight_decay": 0.1},
    ),
    (Adam(0.01), torch.optim.Adam, {"lr": 0.01}),
    (
        Adam(0.01, 0.8, 0.95, 1e-3, weight_decay=0.2),
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.2},
    ),
    (AdamW(0.01, weight_decay=0.5), torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.5}),
]


@pytest.mark.parametrize(("optimizer", "kind", "settings"), CASES, ids=[str(case[0]) for case in CASES])
def test_every_step_is_that_of_torch(gradients, optimizer, kind, settings):
    tensors = {key: torch.tensor(array, requires_grad=True) for key, array in first().items()}
    groups = [{"params": [tensors["a.weight"]]}, {"params": [tensors["a.bias"]], "weight_decay": 0.0}]
    theirs = kind(groups, **settings)
    for gradient, weights in zip(gradients, ours(optimizer, gradients), strict=True):
        for key, tensor in tensors.items():
            tensor.grad = torch.tensor(gradient[key])
        theirs.step()
        for key, tensor in tensors.items():
            np.testing.assert_allclose(weights[key], tensor.detach().numpy(), rtol=1e-11, atol=1e-14)


def test_keras_rmsprop_adds_epsilon_inside_the_root(gradients):
    # keras.optimizers.RMSprop: velocity = rho v + (1 - rho) g^2; variable -= lr g rsqrt(velocity + epsilon)
    expected, velocity = first()["a.bias"], np.zeros(3)
    optimizer = RMSprop(0.01, 0.9, 1e-2, convention="keras")
    for gradient, weights in zip(gradients, ours(optimizer, gradients), strict=True):
        g = gradient["a.bias"]
        velocity = 0.9 * velocity + 0.1 * g * g
        expected = expected - 0.01 * g / np.sqrt(velocity + 1e-2)
        np.testing.assert_allclose(weights["a.bias"], expected, rtol=1e-11)


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_keras_adam_adds_epsilon_before_the_correction(gradients, kind):
    # keras.optimizers.Adam: alpha = lr sqrt(1 - b2^t) / (1 - b1^t); variable -= m alpha / (sqrt(v) + epsilon)
    expected, m, v = first()["a.bias"], np.zeros(3), np.zeros(3)
    optimizer = kind(0.01, 0.9, 0.99, 1e-2, convention="keras")
    for t, (gradient, weights) in enumerate(zip(gradients, ours(optimizer, gradients), strict=True), start=1):
        g = gradient["a.bias"]
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        alpha = 0.01 * sqrt(1 - 0.99**t) / (1 - 0.9**t)
        expected = expected - m * alpha / (np.sqrt(v) + 1e-2)
        np.testing.assert_allclose(weights["a.bias"], expected, rtol=1e-11)


def test_the_conventions_differ_where_epsilon_is_large(gradients):
    for kind in (Adam, RMSprop):
        torch_like, keras_like = (
            next(ours(kind(0.01, epsilon=0.1, convention=convention), gradients))["a.bias"].copy()
            for convention in ("torch", "keras")
        )
        assert not np.allclose(torch_like, keras_like, rtol=1e-3)


def test_each_step_has_its_own_rate(gradients):
    rates = [0.1 / (step + 1) for step in range(STEPS)]
    *_, weights = ours(SGD(), gradients, rates)
    expected = first()["a.bias"] - sum(r * g["a.bias"] for r, g in zip(rates, gradients, strict=True))
    np.testing.assert_allclose(weights["a.bias"], expected, rtol=1e-12)


def test_only_what_is_needed_is_remembered():
    assert slot_names(SGD()) == ()
    assert slot_names(SGD(momentum=0.9)) == ("velocity",)
    assert slot_names(RMSprop()) == ("square",)
    assert slot_names(AdamW()) == ("mean", "square")


def test_float32_stays_float32(gradients):
    for optimizer in (
        SGD(momentum=0.9, nesterov=True),
        RMSprop(momentum=0.5),
        AdamW(),
        Adam(weight_decay=0.1),
    ):
        weights = {key: array.astype(np.float32) for key, array in first().items()}
        stepper = Stepper(optimizer, weights, {"a.weight"})
        stepper.step(weights, {key: g.astype(np.float32) for key, g in gradients[0].items()}, 0.1, 1)
        slots = [slot.dtype for of_key in stepper.slots.values() for slot in of_key.values()]
        assert {array.dtype for array in weights.values()} | set(slots) == {np.dtype(np.float32)}
