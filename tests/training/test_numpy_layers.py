"""Every gradient against finite differences; the forward pass against torch, SciPy or the definition."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tenfold import seeds
from tenfold.networks.architecture import network
from tenfold.networks.layers import (
    GELU,
    LAYERS,
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
from tenfold.training import numpy_layers
from tenfold.training.numpy_layers import OPERATIONS, Chain
from tenfold.training.numpy_operation import Moment

FLAT, IMAGE = (5,), (4, 6, 7)

CASES = [
    ("dense", FLAT, [Dense(3)]),
    ("dense without bias", FLAT, [Dense(3, bias=False)]),
    ("conv", IMAGE, [Conv(3, 3)]),
    ("conv without bias", IMAGE, [Conv(3, 3, bias=False)]),
    ("conv, padding", IMAGE, [Conv(3, 3, padding="same")]),
    ("conv, stride", IMAGE, [Conv(3, 3, stride=2)]),
    ("conv, stride that leaves a rest, padding", IMAGE, [Conv(2, 2, stride=3, padding=2)]),
    ("conv, groups", IMAGE, [Conv(6, 3, padding=1, groups=2)]),
    ("conv, kernel as large as the image", (2, 4, 4), [Conv(3, 4)]),
    ("depthwise conv", IMAGE, [DepthwiseConv(3, stride=2, padding=1)]),
    ("max pool", IMAGE, [MaxPool(2)]),
    ("max pool, overlapping", IMAGE, [MaxPool(3, stride=2)]),
    ("max pool, gaps", IMAGE, [MaxPool(2, stride=3)]),
    ("average pool", IMAGE, [AveragePool(2)]),
    ("average pool, overlapping", IMAGE, [AveragePool(3, stride=1)]),
    ("global average pool", IMAGE, [GlobalAveragePool()]),
    ("dropout", IMAGE, [Dropout(0.4)]),
    ("batch norm of features", FLAT, [BatchNorm(epsilon=1e-3)]),
    ("batch norm of images", IMAGE, [BatchNorm()]),
    ("flatten", IMAGE, [Flatten()]),
    ("ReLU", IMAGE, [ReLU()]),
    ("leaky ReLU", FLAT, [LeakyReLU(0.2)]),
    ("sigmoid", FLAT, [Sigmoid()]),
    ("tanh", FLAT, [Tanh()]),
    ("softmax of features", FLAT, [Softmax()]),
    ("softmax of channels", IMAGE, [Softmax()]),
    ("GELU", IMAGE, [GELU()]),
    ("residual", IMAGE, [Residual((Conv(4, 3, padding="same"), BatchNorm(), ReLU()))]),
    (
        "residual with shortcut",
        IMAGE,
        [Residual((Conv(6, 3, stride=2, padding=1), Tanh()), (Conv(6, 1, stride=2),))],
    ),
    ("residual in a residual", FLAT, [Residual((Dense(5), Residual((Tanh(), Dense(5), Dropout(0.3)))))]),
    ("a chain", IMAGE, [Conv(3, 3), BatchNorm(), GELU(), AveragePool(2), Flatten(), Dropout(0.2), Dense(4)]),
]


def chain_of(shape, layers, seed=0, dtype=np.float64):
    """Return a chain of `layers` with random weights (also where training would start at 0 or 1)."""
    # What ends it only makes it a network; its nodes are dropped again.
    end = (
        []
        if any(isinstance(layer, (Flatten, GlobalAveragePool)) for layer in layers) or len(shape) == 1
        else [Flatten()]
    )
    architecture = network(*shape)(*layers, *end)
    rng = np.random.default_rng(seed)
    weights = {
        key: rng.normal(size=shape).astype(dtype)
        for key, shape in (architecture.parameter_shapes | architecture.statistic_shapes).items()
    }
    for key in architecture.statistic_shapes:
        weights[key] = np.abs(weights[key]) + 0.1
    return Chain(architecture.nodes[: len(layers)], weights), weights, architecture


def numerically(function, array, step=1e-6):
    """Return the gradient of `function()` by `array`, changed in place, by central differences."""
    gradient = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        value = array[place]
        array[place] = value + step
        above = function()
        array[place] = value - step
        gradient[place] = (above - function()) / (2 * step)
        array[place] = value
    return gradient


@pytest.mark.parametrize(("shape", "layers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_gradients_are_those_of_finite_differences(shape, layers):
    chain, weights, architecture = chain_of(shape, layers)
    rng = np.random.default_rng(1)
    # Well apart from each other and from zero, so that no step crosses a kink of ReLU or max pooling.
    x = rng.permutation(np.linspace(-2, 2, 2 * int(np.prod(shape)))).reshape(2, *shape)
    moment = Moment(seed=3, step=4)
    direction = rng.normal(size=chain.forward(x, moment).shape)

    def loss():
        return float((chain.forward(x, moment) * direction).sum())

    loss()
    dx, gradients = chain.backward(direction)
    np.testing.assert_allclose(dx, numerically(loss, x), rtol=1e-6, atol=1e-7)
    assert gradients.keys() == architecture.parameter_shapes.keys()
    for key, gradient in gradients.items():
        np.testing.assert_allclose(
            gradient, numerically(loss, weights[key]), rtol=1e-6, atol=1e-7, err_msg=key
        )


def test_every_layer_has_an_operation_and_a_gradient_test():
    assert set(OPERATIONS) == set(LAYERS.values())
    assert {type(layer) for _, _, layers in CASES for layer in layers} == set(LAYERS.values())


def test_backward_without_the_input_gives_the_same_gradients():
    chain, _, _ = chain_of(IMAGE, [ReLU(), Conv(3, 3), Tanh(), Flatten(), Dense(2)])
    y = chain.forward(np.random.default_rng(0).normal(size=(2, *IMAGE)), Moment(0, 0))
    _, whole = chain.backward(np.ones_like(y))
    _, short = chain.backward(np.ones_like(y), down_to_input=False)
    assert whole.keys() == short.keys()
    for key in whole:
        np.testing.assert_array_equal(whole[key], short[key])


@settings(max_examples=25, deadline=None)
@given(
    groups=st.integers(1, 3),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    size=st.tuples(st.integers(4, 9), st.integers(4, 9)),
)
def test_convolution_is_that_of_torch(groups, kernel, stride, padding, size):
    shape = (2 * groups, *size)
    chain, weights, _ = chain_of(shape, [Conv(groups * 2, kernel, stride, padding, groups)])
    x = np.random.default_rng(1).normal(size=(3, *shape))
    expected = F.conv2d(
        torch.tensor(x),
        torch.tensor(weights["conv1.weight"]),
        torch.tensor(weights["conv1.bias"]),
        stride=stride,
        padding=padding,
        groups=groups,
    )
    np.testing.assert_allclose(chain.forward(x), expected.numpy(), rtol=1e-10, atol=1e-12)


def test_convolution_in_small_parts_is_the_same(monkeypatch):
    x = np.random.default_rng(0).normal(size=(5, *IMAGE))
    results = []
    for values in (2**20, 1, 300):
        monkeypatch.setattr(numpy_layers, "COLUMN_VALUES", values)
        chain, _, _ = chain_of(IMAGE, [Conv(3, 3, padding=1)])
        y = chain.forward(x, Moment(0, 0))
        dx, gradients = chain.backward(y)
        results.append((y, dx, gradients["conv1.weight"]))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_pooling_is_that_of_torch(step):
    x = np.random.default_rng(0).normal(size=(2, *IMAGE))
    for layer, function in ((MaxPool(3, step), F.max_pool2d), (AveragePool(3, step), F.avg_pool2d)):
        found = chain_of(IMAGE, [layer])[0].forward(x)
        np.testing.assert_allclose(found, function(torch.tensor(x), 3, step).numpy(), rtol=1e-12)


def test_max_pool_gives_the_gradient_of_a_tie_to_the_first_as_torch_does():
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 2, 3] = x[0, 0, 3, 2] = 1
    chain, _, _ = chain_of((1, 4, 4), [MaxPool(2)])
    dx, _ = chain.backward(np.ones_like(chain.forward(x, Moment(0, 0))))
    tensor = torch.tensor(x, requires_grad=True)
    F.max_pool2d(tensor, 2).sum().backward()
    np.testing.assert_array_equal(dx, tensor.grad.numpy())
    assert dx[0, 0, 2, 3] == 1
    assert dx[0, 0, 3, 2] == 0


@pytest.mark.parametrize("shape", [FLAT, IMAGE])
def test_batch_norm_is_that_of_torch_in_training_and_evaluation(shape):
    chain, weights, _ = chain_of(shape, [BatchNorm(momentum=0.3, epsilon=1e-3)])
    weight, bias, mean, variance = (
        torch.tensor(weights[f"norm1.{name}"]) for name in ("weight", "bias", "mean", "variance")
    )
    x = np.random.default_rng(2).normal(2, 3, size=(4, *shape))
    for training in (True, True, False):
        found = chain.forward(x, Moment(0, 0) if training else None)
        expected = F.batch_norm(torch.tensor(x), mean, variance, weight, bias, training, 0.3, 1e-3)
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(weights["norm1.mean"], mean.numpy(), rtol=1e-12)
        np.testing.assert_allclose(weights["norm1.variance"], variance.numpy(), rtol=1e-12)


def test_dropout_keeps_what_the_named_stream_says_and_nothing_changes_in_evaluation():
    chain, _, _ = chain_of((1000,), [Dense(4), Dropout(0.5), Residual((Dropout(0.25),))])
    block = chain.operations[2].body
    x = np.ones((8, 4), np.float32)
    kept = seeds.uniform(seeds.key(7, "dropout", 9, "residual1.dropout1"), 32).reshape(8, 4) >= 0.25
    np.testing.assert_allclose(block.forward(x, Moment(7, 9)), kept / 0.75, rtol=1e-6)
    np.testing.assert_array_equal(block.forward(x), x)


def test_dropout_keeps_the_mean():
    chain, _, _ = chain_of((100_000,), [Dropout(0.3)])
    y = chain.forward(np.ones((1, 100_000)), Moment(0, 0))
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Sigmoid(), special.expit),
        (Tanh(), np.tanh),
        (Softmax(), lambda x: special.softmax(x, axis=1)),
        (GELU(), lambda x: x * special.ndtr(x)),
        (ReLU(), lambda x: np.where(x > 0, x, 0)),
        (LeakyReLU(0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_activations_follow_their_formulas_even_far_out(layer, expected):
    x = np.array([[-1e4, -700, -40, -3, -0.5, 0, 0.5, 3, 40, 1e4]])
    with np.errstate(all="raise", under="ignore"):
        found = chain_of((10,), [layer])[0].forward(x)
    np.testing.assert_allclose(found, expected(x), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("shape", "layers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_float32_stays_float32(shape, layers):
    chain, _, _ = chain_of(shape, layers, dtype=np.float32)
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    y = chain.forward(x, Moment(0, 0))
    dx, gradients = chain.backward(y)
    assert {y.dtype, dx.dtype, *(gradient.dtype for gradient in gradients.values())} == {np.dtype(np.float32)}
    assert chain.forward(x).dtype == np.float32


def test_a_single_image_does_not_break_the_running_variance():
    chain, weights, _ = chain_of(FLAT, [BatchNorm()])
    chain.forward(np.ones((1, 5)), Moment(0, 0))
    assert np.isfinite(weights["norm1.variance"]).all()
