import numpy as np
import pytest

from tenfold import network
from tenfold.models import runtime
from tenfold.models.runtime import Runtime
from tenfold.networks import (
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    ReLU,
    Residual,
)
from tenfold.training import INITIALIZERS, get_engine, initial_weights

NETWORKS = {
    "gray": network(28, 28, mean=0.1, std=0.3)(
        *(Conv(4, 5, stride=2, padding=2, bias=False), MaxPool(2), BatchNorm(), ReLU()),
        *(Residual((Conv(4, 3, padding="same"), BatchNorm())), AveragePool(2), Flatten(), Dense(10)),
    ),
    "colors": network(3, 9, 7)(Conv(5, 3), BatchNorm(), ReLU(), Conv(10, 1), GlobalAveragePool()),
    "features": network(20, mean=1.5, std=0.5)(Dense(12, bias=False), BatchNorm(), ReLU(), Dense(10)),
}
SHAPES = {"gray": (28, 28), "colors": (9, 7, 3), "features": (20,)}


def made(name):
    architecture = NETWORKS[name]
    rng = np.random.default_rng(0)
    weights = initial_weights(architecture, INITIALIZERS["torch"], 0)
    for key in architecture.statistic_shapes:
        weights[key] = rng.uniform(0.2, 2, weights[key].shape).astype(np.float32)
    return architecture, weights


def pictures(shape, count=50):
    return np.random.default_rng(1).integers(0, 256, (count, *shape), dtype=np.uint8)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("flat", [False, True])
def test_it_says_what_the_numpy_engine_says(name, flat):
    images = pictures(SHAPES[name])
    if flat:
        # Rows of features are channels first.
        images = (np.moveaxis(images, -1, 1) if name == "colors" else images).reshape(len(images), -1)

    found = Runtime(*made(name)).logits(images)

    expected = get_engine("numpy").logits(*made(name), images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("count", [7, 8, 9, 30])
def test_batches_and_threads_change_nothing(monkeypatch, threads, count):
    whole, images = Runtime(*made("gray")), pictures((28, 28), count)
    assert whole.batch > 30
    expected = np.concatenate([whole.logits(images[place : place + 1]) for place in range(count)])

    monkeypatch.setattr(runtime, "CACHE", 8 * 4 * 784)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    cut = Runtime(*made("gray"))

    assert cut.batch == 8
    np.testing.assert_allclose(cut.logits(images), expected, rtol=1e-5, atol=1e-6)


def test_pictures_that_do_not_lie_together_in_memory():
    images = pictures((56, 56))[:, ::2, ::2]

    model = Runtime(*made("gray"))

    np.testing.assert_array_equal(model.logits(images), model.logits(images.copy()))
