import numpy as np
import pytest

from tenfold.errors import NetworkError
from tenfold.networks import (
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Flatten,
    MaxPool,
    ReLU,
    Residual,
    Softmax,
    network,
)
from tenfold.networks.ensemble import join, side_by_side
from tenfold.training import get_engine, initial_weights
from tenfold.training.initializers import INITIALIZERS

ONE = network(28, 28, mean=0.1, std=0.3)(
    *(Conv(4, 5, stride=2, bias=False), BatchNorm(), ReLU(), DepthwiseConv(3, padding=1)),
    Residual((Conv(4, 3, padding="same", groups=2), ReLU()), (Conv(4, 1),)),
    *(Conv(6, 3), MaxPool(2), BatchNorm(), ReLU(), Flatten(), Dense(10)),
)


def drawn(seed):
    """Weights of one member, its norms' statistics as different as everything else."""
    rng = np.random.default_rng(seed)
    weights = initial_weights(ONE, INITIALIZERS["torch"], seed)
    return {
        key: array + rng.uniform(0.01, 0.1, array.shape).astype(np.float32) for key, array in weights.items()
    }


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_three_networks_side_by_side_give_the_mean_of_their_logits(engine):
    members = [drawn(seed) for seed in range(3)]
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    run = get_engine(engine).logits
    apart = [run(ONE, weights, images) for weights in members]
    together = run(side_by_side(ONE, 3), join(ONE, members), images)
    np.testing.assert_allclose(together, np.mean(apart, axis=0), rtol=1e-4, atol=1e-5)
    assert np.abs(apart[0] - apart[1]).max() > 0.01


def test_nothing_is_computed_that_the_members_would_not():
    wide = side_by_side(ONE, 3)
    assert wide.multiply_adds == 3 * ONE.multiply_adds
    # The last layer has one bias instead of three.
    assert wide.parameters == 3 * ONE.parameters - 2 * 10


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ((Flatten(), Dense(10)), r"It begins with Flatten"),
        ((Conv(4, 3), Flatten(), Dense(20), Dense(10)), r"Dense\(units=20.* would mix"),
        ((Conv(4, 3), Softmax(), Flatten(), Dense(10)), r"Softmax.* would mix"),
    ],
)
def test_networks_whose_members_could_not_be_kept_apart_are_refused(layers, why):
    with pytest.raises(NetworkError, match=why):
        side_by_side(network(28, 28)(*layers), 2)
