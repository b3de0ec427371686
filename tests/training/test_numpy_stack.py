"""Like networks at once compute what each of them does."""

import numpy as np
import pytest

from tenfold.training.numpy_losses import LOSSES, targets
from tenfold.training.numpy_stack import STACKED_LOSSES


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_losses_of_a_stack_are_those_of_its_members(loss, smoothing):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (4, 10, 7))
    wanted = targets(rng.integers(0, 10, 7), 10, smoothing, logits.dtype)
    losses, gradient = STACKED_LOSSES[loss](logits, wanted.T)
    for member in range(4):
        mean, by_logits = LOSSES[loss](logits[member].T, wanted)
        assert losses[member] / 7 == pytest.approx(mean)
        assert np.allclose(gradient[member].T / 7, by_logits)


def test_every_loss_is_there_for_stacks():
    assert STACKED_LOSSES.keys() == LOSSES.keys()
