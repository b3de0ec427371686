"""Each layer beside torch's own module of that name, or worked by hand.

That forward and one step equal the NumPy engine's, for every network, is proven in contracts/.
"""

import numpy as np
import pytest
import torch
from torch import nn

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
from tenfold.training import torch_layers
from tenfold.training.torch_layers import forward

IMAGES = torch.tensor(np.random.default_rng(0).normal(size=(3, 4, 9, 9)))
FEATURES = torch.tensor(np.random.default_rng(1).normal(size=(3, 7)))

BESIDE_MODULES = [
    (Conv(6, 3), nn.Conv2d(4, 6, 3)),
    (Conv(6, 3, padding="same", bias=False), nn.Conv2d(4, 6, 3, padding="same", bias=False)),
    (Conv(6, 3, stride=2, padding=1, groups=2), nn.Conv2d(4, 6, 3, 2, 1, groups=2)),
    (DepthwiseConv(5, stride=2, padding=2), nn.Conv2d(4, 4, 5, 2, 2, groups=4)),
    (MaxPool(2), nn.MaxPool2d(2)),
    (MaxPool(3, stride=2), nn.MaxPool2d(3, 2)),
    (AveragePool(2), nn.AvgPool2d(2)),
    (AveragePool(3, stride=1), nn.AvgPool2d(3, 1)),
    (GlobalAveragePool(), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())),
    (Flatten(), nn.Flatten()),
    (ReLU(), nn.ReLU()),
    (LeakyReLU(0.2), nn.LeakyReLU(0.2)),
    (Sigmoid(), nn.Sigmoid()),
    (Tanh(), nn.Tanh()),
    (Softmax(), nn.Softmax2d()),
    (GELU(), nn.GELU()),
]


def run(layer, x, tensors=None, masks=None):
    """Run one layer alone; the tail only makes it a network, and is cut off."""
    tail = (Flatten(),) if len(layer.output_shape(tuple(x.shape[1:]))) == 3 else ()
    out = forward(network(*x.shape[1:])(layer, *tail), tensors or {}, x, masks)
    return out.reshape(len(x), *layer.output_shape(tuple(x.shape[1:])))


def test_every_layer_has_its_arithmetic():
    assert set(torch_layers.LAYERS) == set(LAYERS.values())


@pytest.mark.parametrize(("layer", "module"), BESIDE_MODULES, ids=[str(layer) for layer, _ in BESIDE_MODULES])
def test_the_layer_is_the_module_of_torch(layer, module):
    module = module.double()
    tensors = {f"conv1.{name}": tensor.detach() for name, tensor in module.named_parameters()}
    torch.testing.assert_close(run(layer, IMAGES, tensors), module(IMAGES).detach())


def test_dense_is_a_product_and_a_sum():
    weight, bias = torch.rand(5, 7).double(), torch.rand(5).double()
    found = run(Dense(5), FEATURES, {"dense1.weight": weight, "dense1.bias": bias})
    torch.testing.assert_close(found, FEATURES @ weight.T + bias)
    torch.testing.assert_close(run(Dense(5, bias=False), FEATURES, {"dense1.weight": weight}), found - bias)


@pytest.mark.parametrize("x", [IMAGES, FEATURES], ids=["images", "features"])
def test_batch_norm_is_that_of_torch_and_moves_its_statistics(x):
    kind = nn.BatchNorm2d if x.ndim == 4 else nn.BatchNorm1d
    module = kind(x.shape[1], eps=1e-3, momentum=0.3).double()
    nn.init.uniform_(module.weight)
    names = {"weight": "weight", "bias": "bias", "mean": "running_mean", "variance": "running_var"}
    tensors = {f"norm1.{ours}": getattr(module, theirs).detach().clone() for ours, theirs in names.items()}
    layer = BatchNorm(momentum=0.3, epsilon=1e-3)
    for _ in range(2):
        torch.testing.assert_close(run(layer, x, tensors, masks={}), module(x).detach())
    torch.testing.assert_close(tensors["norm1.mean"], module.running_mean)
    torch.testing.assert_close(tensors["norm1.variance"], module.running_var)
    torch.testing.assert_close(run(layer, x, tensors), module.eval()(x).detach())


def test_batch_norm_of_one_value_gives_its_bias():
    tensors = {
        "norm1.weight": torch.full((7,), 2.0, requires_grad=True),
        "norm1.bias": torch.full((7,), 3.0, requires_grad=True),
        "norm1.mean": torch.zeros(7),
        "norm1.variance": torch.ones(7),
    }
    x = FEATURES[:1].float()
    found = run(BatchNorm(momentum=0.5), x, tensors, masks={})
    assert (found == 3).all()
    torch.testing.assert_close(tensors["norm1.mean"], x[0] / 2)
    assert (tensors["norm1.variance"] == 0.5).all()


def test_dropout_multiplies_while_training_only():
    mask = (FEATURES > 0) * 2.0
    torch.testing.assert_close(run(Dropout(0.5), FEATURES, masks={"dropout1": mask}), FEATURES * mask)
    torch.testing.assert_close(run(Dropout(0.5), FEATURES), FEATURES)
    torch.testing.assert_close(run(Dropout(0.0), FEATURES, masks={}), FEATURES)


def test_a_residual_block_adds_its_branches():
    torch.testing.assert_close(run(Residual((Tanh(), ReLU())), FEATURES), FEATURES.tanh().relu() + FEATURES)
    both = Residual((Tanh(),), (Sigmoid(),))
    torch.testing.assert_close(run(both, FEATURES), FEATURES.tanh() + FEATURES.sigmoid())
