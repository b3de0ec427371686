"""The device draws the numbers that NumPy draws, bit for bit."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tenfold import seeds
from tenfold.training.torch_random import dropout_mask, kept, mix, numbers, signed

CPU = torch.device("cpu")
HALF = st.integers(0, 2**32 - 1)


@given(st.tuples(HALF, HALF), st.integers(0, 300))
def test_numbers_are_those_of_seeds(stream, count):
    found = numbers(stream, count, CPU).numpy() * np.float32(2.0**-24)
    np.testing.assert_array_equal(found, seeds.uniform(stream, count))


@given(st.lists(HALF, min_size=1, max_size=20))
def test_mix_scrambles_as_numpy_does(values):
    found = mix(signed(torch.tensor(values))).numpy().view(np.uint32)
    np.testing.assert_array_equal(found, seeds.mix(np.array(values, dtype=np.uint32)))


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.3, 0.5, 0.999])
def test_a_mask_keeps_where_the_number_is_at_least_the_rate(rate):
    stream = seeds.key(3, "dropout", 17, "dropout1")
    mask = dropout_mask(stream, (50, 4, 10, 10), rate, torch.float64, CPU)
    expected = seeds.uniform(stream, 50 * 400) >= rate
    np.testing.assert_array_equal(mask.numpy() != 0, expected.reshape(mask.shape))
    # As on a device other than the CPU.
    np.testing.assert_array_equal(kept(stream, 50 * 400, rate, CPU).numpy(), expected)
    assert set(mask.unique().tolist()) == {0.0, 1 / (1 - rate)}


def test_a_number_equal_to_the_rate_is_kept():
    stream = seeds.key(0, "dropout", 0, "dropout1")
    rate = float(seeds.uniform(stream, 5).max())
    assert (dropout_mask(stream, (5,), rate, torch.float32, CPU) != 0).sum() == 1
    assert kept(stream, 5, rate, CPU).sum() == 1
