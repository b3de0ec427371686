"""One flat tensor, seen by key."""

import numpy as np
import pytest
import torch

from tenfold.errors import NetworkError
from tenfold.networks.architecture import network
from tenfold.networks.layers import BatchNorm, Conv, Dense, Flatten, ReLU, Residual
from tenfold.training.initializers import INITIALIZERS, initial_weights
from tenfold.training.torch_arrays import FlatArrays

NET = network(6, 6)(
    Conv(4, 3), BatchNorm(), ReLU(), Residual((Conv(4, 3, padding=1, groups=2),)), Flatten(), Dense(5)
)


@pytest.fixture
def arrays():
    return FlatArrays(NET, torch.float32, torch.device("cpu"))


@pytest.fixture
def weights():
    return initial_weights(NET, INITIALIZERS["torch"], 0)


def test_what_is_loaded_comes_back_in_order(arrays, weights):
    arrays.load(arrays.values, weights)
    found = arrays.to_numpy(arrays.values)
    assert list(found) == list(weights) == list(arrays.views)
    for key, array in weights.items():
        np.testing.assert_array_equal(found[key], array)


def test_every_view_shares_the_flat_memory(arrays):
    arrays.values.copy_(torch.arange(len(arrays.values)))
    seen = torch.cat([view.detach().reshape(-1) for view in arrays.views.values()])
    assert sorted(seen.tolist()) == list(range(len(arrays.values)))


def test_decay_reaches_the_weights_of_dense_and_conv_alone(arrays):
    arrays.parameters[: arrays.decayed] = 1
    touched = {key for key, view in arrays.views.items() if view.detach().any()}
    assert touched == {"conv1.weight", "residual1.conv1.weight", "dense1.weight"}
    assert all(arrays.views[key].detach().all() for key in touched)


def test_only_statistics_are_untrained(arrays):
    assert {key for key, view in arrays.views.items() if not view.requires_grad} == {
        "norm1.mean",
        "norm1.variance",
    }
    assert len(arrays.parameters) == NET.parameters


def test_gathered_gradients_lie_where_their_parameters_do(arrays):
    arrays.values.copy_(torch.rand(len(arrays.values)))
    # The gradient of half the sum of squares is the parameters themselves.
    loss = sum(view.square().sum() for view in arrays.trained) / 2
    gradient = arrays.gather(torch.autograd.grad(loss, arrays.trained))
    torch.testing.assert_close(gradient, arrays.parameters, rtol=0, atol=0)


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_foreign_weights_are_refused_and_change_nothing(arrays, weights, change):
    if change == "missing":
        del weights["dense1.bias"]
    elif change == "unknown":
        weights["dense2.bias"] = np.zeros(3, np.float32)
    else:
        weights["dense1.bias"] = np.zeros(3, np.float32)
    with pytest.raises(NetworkError, match=r"dense\d\.bias"):
        arrays.load(arrays.values, weights)
    assert not arrays.values.any()
