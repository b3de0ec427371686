"""What is not a digit is made in MNIST's form, is none of the digits, and differs from picture to picture."""

import numpy as np
import pytest

from tenfold.data.composites.nondigits import KINDS, LETTERS, make
from tenfold.data.normalize import center_of_mass
from tenfold.errors import DataError, UnknownNameError


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.train.images[:500]


def test_the_same_seed_makes_the_same_and_another_others(digits):
    one, two, other = (make(60, np.random.default_rng(seed), digits) for seed in (1, 1, 2))
    assert np.array_equal(one[0], two[0])
    assert one[1] == two[1]
    assert not np.array_equal(one[0], other[0])


def test_kinds_are_made_as_often_as_they_should(digits):
    _, kinds = make(2000, np.random.default_rng(0), digits)
    total = sum(share for share, _ in KINDS.values())
    for name, (share, _) in KINDS.items():
        assert kinds.count(name) / 2000 == pytest.approx(share / total, abs=0.03)


@pytest.mark.parametrize("kind", [name for name in KINDS if name not in ("texture", "blank", "fragment")])
def test_pictures_have_the_form_of_mnist_and_are_not_alike(kind, digits):
    images, kinds = make(40, np.random.default_rng(0), digits, [kind])
    assert images.shape == (40, 28, 28)
    assert images.dtype == np.uint8
    assert set(kinds) == {kind}
    assert (images.max(axis=(1, 2)) > 200).all()
    for image in images:
        rows, columns = (np.flatnonzero(image.max(axis=side) > 0) for side in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
        row, column = center_of_mass(image.astype(np.float32))
        assert abs(row - 14) <= 1
        assert abs(column - 14) <= 1
    assert len(np.unique(images.reshape(40, -1), axis=0)) >= 38


def test_blank_paper_is_nearly_blank_and_texture_fills_the_picture(digits):
    rng = np.random.default_rng(0)
    assert (make(30, rng, digits, ["blank"])[0] > 0).sum(axis=(1, 2)).max() < 12
    textures = make(30, rng, digits, ["texture"])[0]
    reach = [np.ptp(np.flatnonzero(image.max(axis=1))) for image in textures]
    assert np.median(reach) >= 26


def test_pairs_hold_the_ink_of_more_than_one_digit(digits):
    pairs = make(50, np.random.default_rng(0), digits, ["pair"])[0]
    wide = [np.ptp(np.flatnonzero(image.max(axis=0))) for image in pairs]
    tall = [np.ptp(np.flatnonzero(image.max(axis=1))) for image in pairs]
    assert np.median(wide) > np.median(tall)


def test_fragments_are_wider_than_tall_for_an_upright_one_may_be_a_one(digits):
    for image in make(40, np.random.default_rng(0), digits, ["fragment"])[0]:
        wide, tall = (np.ptp(np.flatnonzero(image.max(axis=side))) for side in (0, 1))
        assert wide >= tall


def test_no_letter_is_written_as_a_digit_is():
    assert not set("OoIlZzSsBbGgqQDi") & set(LETTERS)


def test_what_cannot_be_made_is_refused(digits):
    with pytest.raises(UnknownNameError, match="letter"):
        make(1, np.random.default_rng(0), digits, ["leter"])
    with pytest.raises(DataError, match="28, 28"):
        make(1, np.random.default_rng(0), digits[0])
