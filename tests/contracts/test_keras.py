"""Lin's networks beside Keras 3, with whose defaults they were published: twenty steps, the same losses.

The same first weights, batches and optimizers. Dropout is off in both, since the masks are drawn in other ways.
"""

import os
from dataclasses import replace

import numpy as np
import pytest

from tenfold.networks.layers import Dropout
from tenfold.networks.zoo import NETWORKS
from tenfold.training.optimizers import SGD, Adam, RMSprop
from tenfold.training.recipe import Recipe
from tenfold.training.torch_engine import TorchEngine

STEPS, BATCH = 20, 32


@pytest.fixture(scope="module")
def keras():
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    assert keras.backend.backend() == "torch"
    return keras


def lin_in_keras(keras, name):
    """Return the network as a user of Keras would write it, from the paper's appendix."""
    layers = keras.layers
    flat, image = keras.Input((784,)), keras.Input((28, 28, 1))
    return keras.Sequential(
        {
            "lin-simple-nn": lambda: [
                flat,
                layers.Dense(32, activation="relu"),
            ],
            "lin-enhanced-nn": lambda: [
                flat,
                layers.Dense(128, activation="sigmoid"),
                layers.Dense(64, activation="sigmoid"),
            ],
            "lin-simple-cnn": lambda: [
                image,
                layers.Conv2D(32, 3, activation="relu"),
                layers.MaxPooling2D(2),
                layers.Conv2D(32, 3, activation="relu"),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dense(100, activation="relu"),
            ],
            "lin-enhanced-cnn": lambda: [
                image,
                layers.Conv2D(32, 3, padding="same", activation="relu"),
                layers.Conv2D(32, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(2),
                layers.Conv2D(64, 3, padding="same", activation="relu"),
                layers.Conv2D(64, 3, padding="same", activation="relu"),
                layers.AveragePooling2D(2),
                layers.Flatten(),
                layers.Dense(128, activation="relu"),
                layers.Dense(64, activation="relu"),
                layers.Dropout(0.0),
            ],
        }[name]()
        + [layers.Dense(10, activation="softmax")]
    )


def in_kerass_order(architecture, weights):
    """Return the weights as `Model.set_weights` takes them.

    Keras has inputs before outputs, and channels last: so the first dense kernel after Flatten sees its inputs
    in another order.
    """
    before = {node.name: node for node in architecture.nodes}
    flattened = next((node.input_shape for node in before.values() if type(node.layer).__name__ == "Flatten"), None)
    arrays = []
    for key, array in weights.items():
        if array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        elif array.ndim == 2:
            if flattened is not None:
                array = array.reshape(-1, *flattened).transpose(0, 2, 3, 1).reshape(len(array), -1)
                flattened = None
            array = array.T
        arrays.append(array)
        assert key.endswith(("weight", "bias"))
    return arrays


def without_dropout(architecture):
    layers = tuple(Dropout(0.0) if isinstance(layer, Dropout) else layer for layer in architecture.layers)
    return replace(architecture, layers=layers)


OPTIMIZERS = {
    "sgd": (SGD(0.01), lambda keras: keras.optimizers.SGD()),
    "sgd with momentum": (SGD(0.005, momentum=0.5), lambda keras: keras.optimizers.SGD(0.005, momentum=0.5)),
    "rmsprop": (
        RMSprop(0.001, rho=0.9, epsilon=1e-7, convention="keras"),
        lambda keras: keras.optimizers.RMSprop(),
    ),
    "adam": (Adam(0.001, epsilon=1e-7, convention="keras"), lambda keras: keras.optimizers.Adam()),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["lin-simple-nn", "lin-enhanced-nn", "lin-simple-cnn", "lin-enhanced-cnn"])
def test_twenty_steps_give_the_losses_of_keras(keras, mnist, name, optimizer):
    ours, theirs = OPTIMIZERS[optimizer]
    architecture = without_dropout(NETWORKS[name])
    recipe = Recipe(batch_size=BATCH, optimizer=ours, initializer="keras")
    trainer = TorchEngine("cpu").trainer(architecture, recipe, 0, STEPS * BATCH)

    model = lin_in_keras(keras, name)
    assert model.count_params() == architecture.parameters
    model.set_weights(in_kerass_order(architecture, trainer.weights()))
    model.compile(theirs(keras), loss="sparse_categorical_crossentropy")

    losses = []
    for step in range(STEPS):
        part = slice(step * BATCH, (step + 1) * BATCH)
        images, labels = mnist.train.images[part], mnist.train.labels[part]
        x = (images / 255).astype(np.float32).reshape(-1, *model.input_shape[1:])
        losses.append((trainer.step(images, labels), float(model.train_on_batch(x, labels))))
        # Keras reports the running mean since the last reset.
        model.reset_metrics()
    mine, keras_losses = np.transpose(losses)
    np.testing.assert_allclose(mine, keras_losses, rtol=0, atol=1e-4)
    if optimizer != "sgd with momentum" or "enhanced-nn" not in name:
        assert mine[-5:].mean() < mine[:5].mean()
