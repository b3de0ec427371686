"""Small models that hold every layer, with random weights and statistics, and pictures for them."""

import numpy as np
import pytest

from tenfold import Model, network
from tenfold.networks import (
    GELU,
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from tenfold.networks.program import picture_shape
from tenfold.training import INITIALIZERS, initial_weights

SMALL = {
    "all-image-layers": network(12, 12, mean=0.2, std=0.4)(
        *(Conv(6, 3, stride=2, padding=1, bias=False), BatchNorm(), ReLU()),
        *(DepthwiseConv(3, padding="same"), BatchNorm(), GELU()),
        *(Conv(8, 3, padding=2, groups=2), MaxPool(3, stride=2), LeakyReLU(0.1)),
        *(Residual((Conv(8, 3, padding="same"), BatchNorm(), ReLU(), Conv(8, 1))), BatchNorm(), ReLU()),
        *(Residual((Conv(10, 1), BatchNorm()), (Conv(10, 1, bias=False), BatchNorm())), Sigmoid()),
        *(AveragePool(2), Flatten(), Dropout(0.2), Dense(12), BatchNorm(), Tanh()),
        *(Dense(9), Softmax(), Dense(10)),
    ),
    "three-colors": network(3, 9, 11)(
        *(BatchNorm(), Conv(5, 4, padding=1, stride=3), MaxPool(2), BatchNorm(), Softmax()),
        *(Conv(10, 1), GlobalAveragePool()),
    ),
    # Its mean lies outside the pixels, and it ends with a scale and an offset a class.
    "features": network(20, mean=1.5, std=0.5)(
        *(BatchNorm(), Dense(12, bias=False), ReLU(), Residual((Dense(12), BatchNorm()))),
        *(Dropout(0.5), Dense(10), Tanh(), BatchNorm()),
    ),
    "ends-with-a-sum": network(2, 2)(Flatten(), Dense(10), Residual((Dense(10), ReLU(), Dense(10)))),
    "ends-with-a-relu": network(6, 6)(Conv(10, 5, padding=3), ReLU(), GlobalAveragePool(), ReLU()),
}


def random_model(architecture, seed=0, temperature=1.5):
    """Return a model whose batch norms, too, have weights and statistics that do something."""
    rng = np.random.default_rng(seed)
    weights = initial_weights(architecture, INITIALIZERS["torch"], seed)
    for node in architecture.walk():
        if isinstance(node.layer, BatchNorm):
            for part, low, high in (
                ("weight", -1.5, 1.5),
                ("bias", -1, 1),
                ("mean", -0.5, 0.5),
                ("variance", 0.2, 2),
            ):
                key = f"{node.name}.{part}"
                weights[key] = rng.uniform(low, high, weights[key].shape).astype(np.float32)
    classes = tuple(map(str, range(architecture.classes)))
    return Model(architecture, weights, classes, temperature)


def random_pictures(architecture, count, seed=0):
    """Return uint8 pictures that fit a network: noise of several contrasts."""
    rng = np.random.default_rng(seed)
    shape = (count, *picture_shape(architecture.input_shape))
    contrast = rng.integers(2, 257, (count, *[1] * (len(shape) - 1)))
    return rng.integers(0, contrast, shape).astype(np.uint8)


@pytest.fixture(scope="session", params=[*SMALL])
def small(request):
    """Each of the small models in turn."""
    return random_model(SMALL[request.param].named(request.param))


@pytest.fixture(scope="session")
def of():
    """Return a function that makes a model of a network, with random weights and statistics."""
    return random_model


@pytest.fixture(scope="session")
def pictures():
    """Return a function that makes pictures for a network."""
    return random_pictures


@pytest.fixture(scope="session")
def fast(of):
    """Our fast network, with random weights and statistics."""
    from tenfold.networks import NETWORKS

    return of(NETWORKS["fast"])
