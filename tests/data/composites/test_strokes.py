"""Digits drawn from strokes are the digits that they are named after, each a little different."""

import cv2
import numpy as np
import pytest

from tenfold.data.composites.strokes import choose, render, trace
from tenfold.data.composites.variants import VARIANTS, Variant
from tenfold.errors import DataError, UnknownNameError


def drawn(name, count=40, seed=0):
    return render([name] * count, np.random.default_rng(seed), (64, 64), pen=(0.06, 0.08))


def holes(image):
    """Return how many pieces of paper the ink encloses."""
    paper = np.pad((image < 60).astype(np.uint8), 1, constant_values=1)
    return cv2.connectedComponents(paper, connectivity=4)[0] - 2


def pieces(image):
    return cv2.connectedComponents((image > 60).astype(np.uint8))[0] - 1


def test_the_same_seed_draws_the_same_and_every_picture_is_another():
    names = choose(np.arange(10).repeat(5), np.random.default_rng(1))
    one, two, other = (render(names, np.random.default_rng(seed)) for seed in (2, 2, 3))
    assert np.array_equal(one, two)
    assert (one != other).any(axis=(1, 2)).all()
    assert len(np.unique(one.reshape(len(one), -1), axis=0)) == len(one)


def test_variants_are_chosen_for_their_digit_by_their_weights():
    names = choose([7] * 4000, np.random.default_rng(0))
    sevens = {name: variant.weight for name, variant in VARIANTS.items() if variant.digit == 7}
    for name, weight in sevens.items():
        assert names.count(name) / 4000 == pytest.approx(weight / sum(sevens.values()), abs=0.03)
    assert {VARIANTS[name].digit for name in choose([3, 1], np.random.default_rng(0))} == {1, 3}


def test_strings_are_written_in_no_hand_that_is_for_digits_alone():
    digits, rng = np.arange(10).repeat(300), np.random.default_rng(0)
    assert not any(VARIANTS[name].alone for name in choose(digits, rng, strings=True))
    assert "1-low-flag" in choose(digits, rng)


def test_every_digit_has_variants_and_all_of_them_can_be_drawn():
    assert {variant.digit for variant in VARIANTS.values()} == set(range(10))
    images = render(list(VARIANTS), np.random.default_rng(0), (48, 32))
    assert images.shape == (len(VARIANTS), 48, 32)
    assert (images.max(axis=(1, 2)) > 200).all()


@pytest.mark.parametrize(
    ("name", "enclosed"), [("0-closed", 1), ("8-loops", 2), ("1-bare", 0), ("2-zigzag", 0), ("5-plain", 0)]
)
def test_a_digit_encloses_as_many_pieces_of_paper_as_it_should(name, enclosed):
    found = [holes(image) for image in drawn(name)]
    assert np.mean(np.array(found) == enclosed) >= 0.8


def test_a_crossed_seven_has_a_bar_that_a_plain_one_lacks():
    # Rows about the middle are crossed once by a stem, and widely by a bar.
    bars = {
        name: np.mean([(image[24:44] > 128).sum(axis=1).max() for image in drawn(name)])
        for name in ("7-plain", "7-crossed")
    }
    assert bars["7-crossed"] > 2 * bars["7-plain"]


def test_a_five_may_lose_its_roof_but_a_plain_one_keeps_it():
    assert np.mean([pieces(image) > 1 for image in drawn("5-detached")]) > 0.3
    assert np.mean([pieces(image) == 1 for image in drawn("5-plain")]) == 1


def test_lines_are_upright_and_one_high():
    for lines in trace(choose(np.arange(10), np.random.default_rng(0)), np.random.default_rng(0)):
        points = np.concatenate(lines)
        assert points.dtype == np.float32
        np.testing.assert_allclose([*points.min(axis=0), points[:, 1].max()], [0, 0, 1], atol=1e-6)
        assert points[:, 0].max() < 1.5


def test_pictures_are_placed_as_those_of_mnist():
    images = render(choose(np.arange(10).repeat(20), np.random.default_rng(0)), np.random.default_rng(0))
    assert not images[:, [0, 1, -2, -1]].any()
    assert not images[:, :, [0, 1, -2, -1]].any()
    box = [cv2.boundingRect((image > 60).astype(np.uint8))[2:] for image in images]
    assert 18 <= np.median(np.max(box, axis=1)) <= 21


def test_who_learnt_from_mnist_reads_them(mnist):
    from sklearn.neighbors import KNeighborsClassifier

    train = mnist.train.take(range(4000))
    neighbors = KNeighborsClassifier(3).fit(train.images.reshape(-1, 784), train.labels)
    plain = ["0-closed", "1-flag", "2-plain", "3-round", "4-open", "5-plain", "6-plain", "7-plain", "8-plain"]
    names = [name for name in [*plain, "9-curved"] for _ in range(30)]
    images = render(names, np.random.default_rng(0), pen=(0.12, 0.18), slant=10)
    found = neighbors.predict(images.reshape(-1, 784))
    assert np.mean(found == np.arange(10).repeat(30)) > 0.7


def test_two_drawings_of_a_variant_must_have_the_same_points_and_corners():
    with pytest.raises(DataError, match="variant of 7 differ"):
        _ = Variant(7, "0,0 60,0 / 30,100", "0,0 60,0 30,100").points


def test_what_is_no_digit_is_refused():
    for digits in ([10], [-1], [[1]], [1.5]):
        with pytest.raises(DataError, match="from 0 to 9"):
            choose(digits, np.random.default_rng(0))
    with pytest.raises(UnknownNameError, match="7-crossed"):
        trace(["7-crossd"], np.random.default_rng(0))
