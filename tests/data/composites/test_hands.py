"""A varied digit is another picture of the same digit."""

import numpy as np
import pytest

from tenfold.data.composites.hands import Hands
from tenfold.data.normalize import center_of_mass

STILL = Hands(kept=0, slant=0, turn=0, aspect=0, filled=0, bend=0, stroke=0, coarse=0)


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.train.images[:300]


def varied(digits, **changes):
    return Hands(**(vars(STILL) | changes)).vary(digits, np.random.default_rng(0))


def ink(images):
    return images.sum(axis=(1, 2), dtype=float)


def likeness(a, b):
    return np.array([np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)])


def test_the_same_seed_varies_alike_and_what_is_kept_is_kept(digits):
    hands = Hands()
    assert np.array_equal(*(hands.vary(digits, np.random.default_rng(3)) for _ in range(2)))
    assert np.array_equal(Hands(kept=1).vary(digits, np.random.default_rng(0)), digits)
    same = (hands.vary(digits, np.random.default_rng(0)) == digits).all(axis=(1, 2))
    assert np.mean(same) == pytest.approx(hands.kept, abs=0.06)


def test_with_nothing_to_vary_a_digit_stays_what_it_is(digits):
    assert np.median(likeness(varied(digits), digits)) > 0.94


def test_thicker_pens_leave_more_ink_and_thinner_ones_less(digits):
    change = ink(varied(digits, stroke=0.8)) / ink(varied(digits))
    assert np.quantile(change, 0.9) > 1.1
    assert np.quantile(change, 0.1) < 0.93


def test_a_coarse_scan_has_few_levels(digits):
    levels = [len(np.unique(image)) for image in varied(digits, coarse=1, binary=1, least=20, most=20)]
    assert np.median(levels) < 20 < np.median([len(np.unique(image)) for image in digits])


def test_a_filled_digit_is_nearly_as_wide_as_tall(digits):
    def aspect(images):
        boxes = [
            [np.ptp(np.flatnonzero(image.max(axis=side) > 64)) + 1 for side in (0, 1)] for image in images
        ]
        return np.array([wide / tall for wide, tall in boxes])

    narrow = aspect(digits) < 0.6
    assert narrow.sum() > 20
    assert (aspect(varied(digits, filled=1))[narrow] > 1.4 * aspect(digits)[narrow]).mean() > 0.9


def test_slant_and_turn_lean_both_ways(digits):
    def lean(images):
        rows, columns = np.mgrid[0:28, 0:28]
        middles = [center_of_mass(image.astype(np.float32)) for image in images]
        return np.array(
            [
                ((rows - row) * (columns - column) * image).sum() / ((rows - row) ** 2 * image).sum()
                for image, (row, column) in zip(images, middles, strict=True)
            ]
        )

    change = lean(varied(digits, slant=25)) - lean(digits)
    assert np.quantile(change, 0.9) > 0.2
    assert np.quantile(change, 0.1) < -0.2


def test_results_have_the_form_of_mnist(digits):
    for image in Hands(kept=0).vary(digits, np.random.default_rng(1)):
        reach = [np.ptp(np.flatnonzero(image.max(axis=side) > 0)) + 1 for side in (0, 1)]
        assert max(reach) <= 20
        row, column = center_of_mass(image.astype(np.float32))
        assert abs(row - 14) <= 1
        assert abs(column - 14) <= 1
