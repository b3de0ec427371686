"""The printed backward pass is computed as printed, and only where it was asked for."""

import numpy as np
import pytest

from tenfold.errors import UnknownNameError
from tenfold.networks import Dense, Dropout, ReLU, Sigmoid, Tanh, network
from tenfold.training import SGD, Recipe, get_engine

RECIPE = Recipe(
    epochs=1, batch_size="full", optimizer=SGD(0.1), initializer="uniform(-0.5, 0.5)", precision="float64"
)
ACTIVATIONS = {
    "relu": (ReLU(), lambda z: np.maximum(z, 0)),
    "sigmoid": (Sigmoid(), lambda z: 1 / (1 + np.exp(-z))),
    "tanh": (Tanh(), np.tanh),
}


def listing(weights, x, labels, activation, derivative):
    """The step of the paper's listing for one hidden layer, with images as columns as it has them."""
    w1, b1, w2, b2 = (
        weights[key].astype(np.float64)
        for key in ("dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias")
    )
    a0, m = x.T, len(x)
    z1 = w1 @ a0 + b1[:, None]
    a1 = activation(z1)
    z2 = w2 @ a1 + b2[:, None]
    a2 = np.exp(z2 - z2.max())
    a2 /= a2.sum(axis=0)
    dz2 = a2 - np.eye(10)[labels].T
    dz1 = w2.T @ dz2 * derivative(z1)
    return {
        "dense1.weight": w1 - 0.1 * dz1 @ a0.T / m,
        "dense1.bias": b1 - 0.1 * dz1.sum(axis=1) / m,
        "dense2.weight": w2 - 0.1 * dz2 @ a1.T / m,
        "dense2.bias": b2 - 0.1 * dz2.sum(axis=1) / m,
    }


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_step_is_that_of_the_listing(mnist, name):
    layer, activation = ACTIVATIONS[name]
    images = mnist.train.images[:50]
    labels = mnist.train.labels[:50]
    made = network(784)(Dense(8), layer, Dense(10))
    trainer = get_engine("numpy", backward="shrestha").trainer(made, RECIPE, 3, 50)
    wanted = listing(
        trainer.weights(), images.reshape(50, -1) / 255, labels, activation, lambda z: np.maximum(z, 0)
    )
    trainer.step(images, labels)
    for key, array in trainer.weights().items():
        assert np.allclose(array, wanted[key], atol=1e-6), key


def test_with_dropout_the_derivative_is_left_out(mnist):
    images, labels = mnist.train.images[:20], mnist.train.labels[:20]
    sigmoid = network(784)(Dense(8), Sigmoid(), Dropout(0.0), Dense(10))
    trainer = get_engine("numpy", backward="shrestha").trainer(sigmoid, RECIPE, 3, 20)
    wanted = listing(
        trainer.weights(), images.reshape(20, -1) / 255, labels, ACTIVATIONS["sigmoid"][1], np.ones_like
    )
    trainer.step(images, labels)
    assert np.allclose(trainer.weights()["dense1.weight"], wanted["dense1.weight"], atol=1e-6)


def test_the_true_gradient_is_what_one_gets_unasked():
    assert get_engine("numpy").settings() == {"name": "numpy"}
    assert get_engine("numpy", backward="shrestha").settings() == {"name": "numpy", "backward": "shrestha"}
    with pytest.raises(UnknownNameError, match="Did you mean 'shrestha'"):
        get_engine("numpy", backward="shresta")
