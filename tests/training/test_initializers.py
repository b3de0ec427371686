from math import sqrt

import numpy as np
import pytest
import torch
from scipy import stats

from tenfold.errors import RecipeError
from tenfold.networks import NETWORKS, BatchNorm, Conv, Dense, Flatten, network
from tenfold.seeds import generator
from tenfold.training.initializers import INITIALIZERS, Uniform, initial_weights

DENSE = (300, 200)
CONVOLUTION = (64, 32, 5, 5)


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return INITIALIZERS[name].weight(shape, generator(0, "test"))


def same_distribution(ours: np.ndarray, theirs: np.ndarray) -> bool:
    return stats.ks_2samp(np.ravel(ours), np.ravel(theirs)).pvalue > 0.001


@pytest.mark.parametrize("shape", [DENSE, CONVOLUTION])
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("xavier-uniform", torch.nn.init.xavier_uniform_),
        ("xavier-normal", torch.nn.init.xavier_normal_),
        ("kaiming-uniform", lambda array: torch.nn.init.kaiming_uniform_(array, nonlinearity="relu")),
        ("kaiming-normal", lambda array: torch.nn.init.kaiming_normal_(array, nonlinearity="relu")),
    ],
)
def test_each_rule_draws_from_torchs_distribution(name, theirs, shape):
    torch.manual_seed(0)
    ours, expected = draw(name, shape), theirs(torch.empty(shape)).numpy()
    assert same_distribution(ours, expected)
    assert ours.std() == pytest.approx(expected.std(), rel=0.02)


@pytest.mark.parametrize("shape", [DENSE, CONVOLUTION])
def test_keras_is_keras_default(shape, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras

    # Keras has the channels last: (inputs, outputs) and (height, width, inputs, outputs).
    theirs = keras.initializers.GlorotUniform(seed=0)((*shape[2:], shape[1], shape[0]))
    assert isinstance(keras.layers.Dense(1).kernel_initializer, keras.initializers.GlorotUniform)
    assert isinstance(keras.layers.Conv2D(1, 3).kernel_initializer, keras.initializers.GlorotUniform)
    assert same_distribution(draw("keras", shape), theirs.detach().numpy())


@pytest.mark.parametrize("shape", [DENSE, CONVOLUTION])
def test_uniform_rules_fill_their_bounds(shape):
    fan_in = np.prod(shape[1:])
    fan_out = shape[0] * np.prod(shape[2:])
    for name, bound in (
        ("xavier-uniform", sqrt(6 / (fan_in + fan_out))),
        ("keras", sqrt(6 / (fan_in + fan_out))),
        ("kaiming-uniform", sqrt(6 / fan_in)),
        ("torch", 1 / sqrt(fan_in)),
    ):
        largest = np.abs(draw(name, shape)).max()
        assert 0.999 * bound < largest <= bound


@pytest.mark.parametrize(
    ("layers", "module"),
    [
        ((Flatten(), Dense(200)), torch.nn.Linear(784, 200)),
        ((Conv(500, 5), Flatten(), Dense(2)), torch.nn.Conv2d(1, 500, 5)),
    ],
)
def test_torch_is_torchs_default(layers, module):
    torch.manual_seed(0)
    module.reset_parameters()
    weights = initial_weights(network(28, 28)(*layers), INITIALIZERS["torch"], seed=0)
    key = "dense1" if isinstance(module, torch.nn.Linear) else "conv1"
    assert same_distribution(weights[f"{key}.weight"], module.weight.detach().numpy())
    assert same_distribution(weights[f"{key}.bias"], module.bias.detach().numpy())


@pytest.mark.parametrize("name", ["keras", "xavier-uniform", "kaiming-normal"])
def test_biases_start_at_zero_unless_the_rule_says_otherwise(name):
    weights = initial_weights(NETWORKS["lin-simple-cnn"], INITIALIZERS[name], seed=0)
    for key, values in weights.items():
        assert (key.endswith(".bias") and not values.any()) or (key.endswith(".weight") and values.any())


def test_uniform_draws_weights_and_biases_alike():
    weights = initial_weights(NETWORKS["shrestha-1"], Uniform(-0.5, 0.5), seed=0)
    everything = np.concatenate([values.ravel() for values in weights.values()])
    assert stats.kstest(everything, stats.uniform(-0.5, 1).cdf).pvalue > 0.001
    assert weights["dense1.bias"].any()
    with pytest.raises(RecipeError, match=r"initializer\.low must be below initializer\.high \(1\)"):
        Uniform(2, 1)


def test_there_is_an_array_for_every_key_in_the_order_of_computation():
    net = network(28, 28)(Conv(4, 3), BatchNorm(), Flatten(), Dense(10))
    weights = initial_weights(net, INITIALIZERS["torch"], seed=0)
    assert list(weights) == [
        *("conv1.weight", "conv1.bias"),
        *("norm1.weight", "norm1.bias", "norm1.mean", "norm1.variance"),
        *("dense1.weight", "dense1.bias"),
    ]
    shapes = net.parameter_shapes | net.statistic_shapes
    assert {key: values.shape for key, values in weights.items()} == shapes
    assert all(values.dtype == np.float32 for values in weights.values())


def test_batch_norm_starts_as_the_identity():
    net = network(784)(BatchNorm(), Dense(10))
    weights = initial_weights(net, Uniform(5, 6), seed=0)
    for name, value in (("weight", 1), ("bias", 0), ("mean", 0), ("variance", 1)):
        assert (weights[f"norm1.{name}"] == value).all()


def test_the_seed_decides():
    def weights(seed: int) -> dict[str, np.ndarray]:
        return initial_weights(NETWORKS["lin-simple-nn"], INITIALIZERS["keras"], seed)

    assert all((weights(0)[key] == weights(0)[key]).all() for key in weights(0))
    assert (weights(0)["dense1.weight"] != weights(1)["dense1.weight"]).any()


def test_another_layer_leaves_the_weights_of_the_first_alone():
    rule = INITIALIZERS["keras"]
    short = initial_weights(network(784)(Dense(32), Dense(10)), rule, seed=0)
    long = initial_weights(network(784)(Dense(32), BatchNorm(), Dense(10), Dense(10)), rule, seed=0)
    assert (short["dense1.weight"] == long["dense1.weight"]).all()
