import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tenfold.errors import NetworkError, UnknownNameError
from tenfold.networks import (
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
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from tenfold.networks.layers import from_dict, to_dict

EVERY_LAYER = [
    Dense(3),
    Dense(3, bias=False),
    Conv(8, 3, stride=2, padding=1, groups=2, bias=False),
    Conv(8, 5, padding="same"),
    DepthwiseConv(3, padding="same"),
    MaxPool(2),
    MaxPool(3, stride=2),
    AveragePool(2),
    GlobalAveragePool(),
    Dropout(0.25),
    BatchNorm(momentum=0.2, epsilon=1e-3),
    Flatten(),
    Residual((Conv(4, 3, padding="same"), ReLU()), (Conv(4, 1),)),
    ReLU(),
    LeakyReLU(0.2),
    Sigmoid(),
    Tanh(),
    Softmax(),
    GELU(),
]


def torch_shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(array.shape) for name, array in module.named_parameters()}


def torch_output(module: torch.nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(module(torch.zeros(2, *shape)).shape[1:])


@settings(deadline=None, max_examples=60)
@given(
    groups=st.integers(1, 3),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    bias=st.booleans(),
)
def test_a_convolution_has_the_shapes_of_torchs(
    groups, inputs, outputs, kernel, stride, padding, height, width, bias
):
    assume(min(height, width) + 2 * padding >= kernel)
    layer = Conv(outputs * groups, kernel, stride, padding, groups, bias)
    theirs = torch.nn.Conv2d(
        inputs * groups, outputs * groups, kernel, stride, padding, groups=groups, bias=bias
    )
    shape = (inputs * groups, height, width)
    assert layer.output_shape(shape) == torch_output(theirs, shape)
    assert layer.parameters(shape) == torch_shapes(theirs)


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(1, 4),
    stride=st.none() | st.integers(1, 4),
    height=st.integers(4, 12),
    width=st.integers(4, 12),
)
def test_pooling_has_the_shapes_of_torchs(size, stride, height, width):
    shape = (3, height, width)
    for ours, theirs in ((MaxPool, torch.nn.MaxPool2d), (AveragePool, torch.nn.AvgPool2d)):
        assert ours(size, stride).output_shape(shape) == torch_output(theirs(size, stride), shape)
        assert ours(size, stride).parameters(shape) == {}


def test_same_padding_is_torchs():
    shape = (2, 9, 7)
    for kernel in (1, 3, 5):
        theirs = torch.nn.Conv2d(2, 4, kernel, padding="same")
        assert Conv(4, kernel, padding="same").output_shape(shape) == torch_output(theirs, shape)


def test_a_depthwise_convolution_is_a_grouped_one():
    shape = (6, 8, 8)
    theirs = torch.nn.Conv2d(6, 6, 3, stride=2, groups=6)
    assert DepthwiseConv(3, stride=2).output_shape(shape) == torch_output(theirs, shape)
    assert DepthwiseConv(3, stride=2).parameters(shape) == torch_shapes(theirs)


@pytest.mark.parametrize("bias", [True, False])
def test_a_dense_layer_has_the_shapes_of_torchs(bias):
    assert Dense(5, bias).parameters((7,)) == torch_shapes(torch.nn.Linear(7, 5, bias=bias))
    assert Dense(5, bias).output_shape((7,)) == (5,)


def test_batch_norm_has_the_shapes_of_torchs():
    theirs = torch.nn.BatchNorm2d(6)
    assert BatchNorm().parameters((6, 4, 4)) == torch_shapes(theirs)
    assert BatchNorm().statistics((6, 4, 4)) == {
        "mean": tuple(theirs.running_mean.shape),
        "variance": tuple(theirs.running_var.shape),
    }
    assert BatchNorm().parameters((9,)) == torch_shapes(torch.nn.BatchNorm1d(9))


def test_shapes_of_the_others():
    assert GlobalAveragePool().output_shape((6, 4, 5)) == (6,)
    assert Flatten().output_shape((6, 4, 5)) == (120,)
    assert Flatten().output_shape((7,)) == (7,)
    for layer in (Dropout(0.5), ReLU(), LeakyReLU(), Sigmoid(), Tanh(), Softmax(), GELU()):
        assert layer.output_shape((6, 4, 5)) == (6, 4, 5)


def test_multiply_adds_counted_by_hand():
    assert Dense(32).multiply_adds((784,)) == 784 * 32
    # 26 x 26 places, at each of them 32 dot products of 3 x 3 x 1 values.
    assert Conv(32, 3).multiply_adds((1, 28, 28)) == 26 * 26 * 32 * 9
    # Two groups: each output sees half of the four input channels.
    assert Conv(6, 3, padding=1, groups=2).multiply_adds((4, 5, 5)) == 5 * 5 * 6 * 2 * 9
    assert DepthwiseConv(3, stride=2).multiply_adds((8, 9, 9)) == 4 * 4 * 8 * 9
    assert MaxPool(2).multiply_adds((8, 9, 9)) == 0


def test_a_residual_block_adds_equal_shapes():
    shape = (8, 10, 10)
    body = (Conv(16, 3, stride=2, padding=1), ReLU(), Conv(16, 3, padding="same"))
    assert Residual(body, (Conv(16, 1, stride=2),)).output_shape(shape) == (16, 5, 5)
    with pytest.raises(NetworkError, match=r"body gives \(16, 5, 5\) and the shortcut \(8, 10, 10\)"):
        Residual(body).output_shape(shape)


@pytest.mark.parametrize("layer", EVERY_LAYER, ids=str)
def test_every_layer_survives_the_round_trip(layer):
    assert from_dict(to_dict(layer)) == layer


def test_the_round_trip_leaves_no_layer_out():
    assert {type(layer).__name__ for layer in EVERY_LAYER} == set(LAYERS)


def test_layers_are_values():
    assert Conv(8, 3) == Conv(8, 3)
    assert len({Conv(8, 3), Conv(8, 3), Conv(8, 5)}) == 2


def test_elementwise_layers_are_marked_as_activations():
    marked = {name for name, layer in LAYERS.items() if layer.activation}
    assert marked == {"ReLU", "LeakyReLU", "Sigmoid", "Tanh", "Softmax", "GELU"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0), "Dense: units must be an integer >= 1. Got 0 instead."),
        (lambda: Dense(True), "Dense: units must be an integer >= 1. Got True instead."),
        (lambda: Conv(8, 2.5), "Conv: kernel must be an integer >= 1. Got 2.5 instead."),
        (lambda: Conv(8, 3, padding=-1), "padding must be an integer >= 0 or 'same'. Got -1 instead."),
        (lambda: Conv(8, 3, padding="valid"), "Got 'valid' instead."),
        (lambda: Conv(8, 4, padding="same"), "padding 'same' needs an odd kernel and stride 1"),
        (lambda: Conv(8, 3, 2, padding="same"), "padding 'same' needs an odd kernel and stride 1"),
        (lambda: MaxPool(2, stride=0), "MaxPool: stride must be an integer >= 1. Got 0 instead."),
        (lambda: Dropout(1.0), r"Dropout: rate must be in [0, 1). Got 1.0 instead."),
        (lambda: BatchNorm(momentum=0), "BatchNorm: momentum must be in (0, 1]. Got 0 instead."),
        (lambda: BatchNorm(epsilon=0), "BatchNorm: epsilon must be > 0. Got 0 instead."),
        (lambda: Residual(()), "Residual: body must hold at least one layer."),
    ],
)
def test_values_out_of_range_are_refused(make, message):
    with pytest.raises(NetworkError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Dense(10), (1, 28, 28), "needs a flat input, got shape (1, 28, 28). Put Flatten() before it."),
        (Conv(8, 3), (784,), "needs an image of shape (channels, height, width), got (784,)"),
        (Conv(8, 5), (1, 4, 9), "does not fit an image of 4 x 9: the window of 5 is larger"),
        (MaxPool(3), (1, 2, 2), "does not fit an image of 2 x 2"),
        (Conv(8, 3, groups=3), (4, 9, 9), "4 input and 8 output channels cannot be divided into 3 groups"),
        (GlobalAveragePool(), (784,), "needs an image"),
        (BatchNorm(), (4, 9), "needs (features,) or (channels, height, width)"),
    ],
)
def test_a_layer_says_what_does_not_fit(layer: Layer, shape, message):
    with pytest.raises(NetworkError) as caught:
        layer.output_shape(shape)
    assert message in str(caught.value)


def test_stored_layers_are_checked():
    with pytest.raises(UnknownNameError, match="Did you mean 'Dense'"):
        from_dict({"type": "Dence", "units": 3})
    with pytest.raises(NetworkError, match=r"Dense has no field 'unit'. Fields: bias, units\."):
        from_dict({"type": "Dense", "unit": 3})
    with pytest.raises(NetworkError, match="missing 1 required positional argument: 'units'"):
        from_dict({"type": "Dense"})
