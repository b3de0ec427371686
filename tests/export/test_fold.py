import numpy as np
import pytest

from tenfold import network
from tenfold.export import arithmetic
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
from tenfold.networks.fold import fold
from tenfold.networks.program import Affine, lower


def left_over(program):
    return sum(isinstance(each, Affine) for each in program.operations)


def test_folding_changes_no_answer(small, pictures):
    images = pictures(small.architecture, 30)

    found = arithmetic.run(fold(lower(small.architecture, small.weights)), images)

    np.testing.assert_allclose(found, small.logits(images, "numpy"), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "left"),
    [
        ((Conv(4, 3), BatchNorm(), ReLU(), Flatten(), Dense(3)), 0),
        ((Flatten(), Dense(4), BatchNorm(), BatchNorm(), ReLU(), Dense(3)), 0),
        ((Conv(4, 3), AveragePool(2), BatchNorm(), ReLU(), Flatten(), Dense(3)), 0),
        ((Conv(4, 3), GlobalAveragePool(), BatchNorm(), ReLU(), Dense(3)), 0),
        # Into what follows.
        ((BatchNorm(), Conv(4, 3), ReLU(), Flatten(), Dense(3)), 0),
        ((Conv(4, 3), ReLU(), BatchNorm(), Conv(6, 2, groups=2), ReLU(), Flatten(), Dense(3)), 0),
        ((Conv(4, 3), ReLU(), BatchNorm(), AveragePool(2), Flatten(), Dense(3)), 0),
        ((Flatten(), BatchNorm(), Dense(3)), 0),
        # Padding is zero before the offset, not behind it.
        ((BatchNorm(), Conv(4, 3, padding=1), ReLU(), Flatten(), Dense(3)), 1),
        ((Conv(4, 3), Residual((Conv(4, 1), ReLU())), BatchNorm(), ReLU(), Flatten(), Dense(3)), 1),
        # What is normalized is needed as it was, too.
        ((Flatten(), Dense(5), Residual((BatchNorm(), ReLU())), Dense(3)), 1),
    ],
)
def test_batch_norm_disappears_where_it_can(of, pictures, layers, left):
    model = of(network(8, 8)(*layers))
    images = pictures(model.architecture, 20)

    program = fold(lower(model.architecture, model.weights))

    assert left_over(program) == left
    np.testing.assert_allclose(
        arithmetic.run(program, images), model.logits(images, "numpy"), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("sign", "left"), [(1, 0), (-1, 1)])
def test_batch_norm_passes_the_largest_of_a_window_unless_it_turns_the_sign(of, pictures, sign, left):
    model = of(network(8, 8)(Conv(4, 3), MaxPool(2), BatchNorm(), ReLU(), Flatten(), Dense(3)))
    weight = model.weights["norm1.weight"]
    weight[:] = np.abs(weight)
    weight[2] *= sign
    images = pictures(model.architecture, 20)

    program = fold(lower(model.architecture, model.weights))

    assert left_over(program) == left
    np.testing.assert_allclose(
        arithmetic.run(program, images), model.logits(images, "numpy"), rtol=1e-4, atol=1e-5
    )
