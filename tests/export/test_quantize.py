from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold import network
from tenfold.errors import ExportError
from tenfold.export import integers
from tenfold.export.quantize import PIXELS, WIDE, Dense, Grid, Rescale, quantize
from tenfold.networks import Dense as DenseLayer
from tenfold.networks import ReLU
from tenfold.networks.fold import fold
from tenfold.networks.program import Activation, lower


def quantized(model, images):
    return quantize(fold(lower(model.architecture, model.weights)), images, model.temperature)


def test_the_integers_stay_close_to_the_model(small, pictures):
    program = quantized(small, pictures(small.architecture, 300, seed=1))
    images = pictures(small.architecture, 200)

    logits = integers.run(program, images) * program.grids[program.output].scale
    expected = small.logits(images, "numpy")

    error = np.abs(logits - expected)
    assert error.mean() < 0.05 * expected.std()
    assert error.max() < 0.3 * expected.std()


def test_the_probabilities_are_those_of_the_logits(small, pictures):
    images = pictures(small.architecture, 100)
    program = quantized(small, images)
    logits = integers.run(program, images)

    found = integers.probabilities(program.confidence, logits) / integers.FULL

    scaled = logits * program.grids[program.output].scale / small.temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), atol=2e-3)


def test_logits_of_a_product_have_16_bits_with_room_for_what_was_not_seen(fast, mnist):
    images = mnist.train.images[:200]
    program = quantized(fast, images)

    largest = np.abs(integers.run(program, images).astype(int)).max()

    assert program.output in program.wide
    assert WIDE * 0.4 < largest < WIDE * 0.6


@given(
    total=st.integers(-(2**30) + 1, 2**30 - 1),
    factor=st.floats(1e-8, 1e4),
)
def test_rescaling_multiplies_to_the_nearest(total, factor):
    rescale = Rescale.by([factor])
    multiplier, shift = int(rescale.multiplier[0]), int(rescale.shift[0])

    assert 0 < multiplier < 2**22
    assert 1 <= shift <= 52
    assert abs(total * multiplier) + 2 ** (shift - 1) < 2**53  # a double holds it
    found = floor(Fraction(total * multiplier, 2**shift) + Fraction(1, 2))
    assert (
        abs(found - total * Fraction(factor))
        <= Fraction(1, 2) + abs(total) * Fraction(factor) * Fraction(2) ** -21
    )


def test_rescaling_to_nothing_and_beyond_all_proportion():
    assert Rescale.by([0.0, 2.0**-40]).multiplier.tolist() == [0, 0]
    with pytest.raises(ExportError, match="no grid of 256 steps"):
        Rescale.by([1e9])


@given(low=st.floats(-1e3, 1e3), width=st.floats(1e-3, 1e3))
def test_a_grid_is_exact_at_zero_and_within_half_a_step_elsewhere(low, width):
    numbers = np.linspace(min(low, 0), max(low + width, 0), 50)
    scale = (numbers[-1] - numbers[0]) / 255
    grid = Grid(scale, int(np.clip(round(-128 - numbers[0] / scale), -128, 127)))

    assert grid.real(grid.quantize(np.zeros(1)))[0] == 0
    np.testing.assert_allclose(grid.real(grid.quantize(numbers)), numbers, atol=scale * 1.001)


def test_a_relu_becomes_part_of_the_operation_before_it(fast, mnist):
    program = quantized(fast, mnist.train.images[:50])

    assert not any(isinstance(each, Activation) for each in program.operations)
    assert program.operations[0].table is PIXELS


def test_a_dense_layer_by_hand():
    # x = (255, 0) / 255; y = (2, -1) x + 0.5 = 2.5; all ranges are those of this one picture.
    model = network(2)(DenseLayer(1))
    weights = {"dense1.weight": np.array([[2, -1]], np.float32), "dense1.bias": np.array([0.5], np.float32)}
    image = np.array([[255, 0]], np.uint8)

    program = quantize(fold(lower(model, weights)), image)

    _, dense = program.operations
    assert isinstance(dense, Dense)
    assert dense.weight.tolist() == [[127, -64]]  # steps of 2 / 127
    assert dense.bias.tolist() == [round(0.5 * 127 / 2 * 255)]
    # (127 * 255 + 8096) steps of 2 / 127 / 255 are 2.49998, in steps of 2 * 2.5 / 32767.
    assert integers.run(program, image).tolist() == [[16383]]


def test_calibration_needs_pictures(fast):
    with pytest.raises(ExportError, match="Calibration needs pictures"):
        quantized(fast, np.zeros((0, 28, 28), np.uint8))


def test_sums_that_could_overflow_are_refused():
    model = network(40_000)(DenseLayer(2))
    weights = {"dense1.weight": np.ones((2, 40_000), np.float32), "dense1.bias": np.zeros(2, np.float32)}

    with pytest.raises(ExportError, match="may sum up to"):
        quantize(fold(lower(model, weights)), np.full((2, 40_000), 9, np.uint8))


@pytest.mark.parametrize("bias", [0.0, 1e4])
def test_rows_without_weights_are_no_trouble(bias):
    model = network(3)(DenseLayer(4), ReLU(), DenseLayer(2))
    weights = {
        "dense1.weight": np.zeros((4, 3), np.float32),
        "dense1.bias": np.full(4, bias, np.float32),
        "dense2.weight": np.ones((2, 4), np.float32),
        "dense2.bias": np.array([1, 2], np.float32),
    }
    image = np.full((1, 3), 200, np.uint8)

    program = quantize(fold(lower(model, weights)), image)

    found = integers.run(program, image) * program.grids[program.output].scale
    np.testing.assert_allclose(found, [[4 * bias + 1, 4 * bias + 2]], rtol=1e-2)
