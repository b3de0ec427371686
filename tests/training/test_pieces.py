"""Images are divided so that few pixels are black in any of a piece."""

import numpy as np
import pytest

from tenfold.training.pieces import pieces


@pytest.mark.parametrize("shape", [(28, 28), (784,), (28, 28, 1)])
def test_every_image_is_in_one_piece_and_no_ink_is_left_out(mnist, shape):
    images = mnist.train.images[:700].reshape(700, *shape)
    found = pieces(images, 100)
    assert sorted(np.concatenate([piece.images for piece in found])) == list(range(700))
    for piece in found:
        assert 50 <= len(piece.images) <= 100
        black = images[piece.images].reshape(len(piece.images), -1).any(axis=0)
        assert piece.pixels.tolist() == np.flatnonzero(black).tolist()


def test_images_of_two_halves_are_told_apart():
    # Even images are black at the top, odd ones at the bottom.
    images = np.zeros((40, 6, 6))
    images[::2, :2], images[1::2, 4:] = 1.0, 1.0
    first, second = pieces(images, 20)
    assert {len(first.pixels), len(second.pixels)} == {12}
    assert len({image % 2 for image in first.images}) == 1


def test_digits_leave_half_of_their_pixels_blank(mnist):
    images = mnist.train.images[:10_000]
    read = sum(len(piece.images) * len(piece.pixels) for piece in pieces(images, 300))
    assert read < 0.5 * images[0].size * len(images)


def test_a_single_image_and_a_blank_one_are_pieces_too():
    (piece,) = pieces(np.zeros((1, 28, 28)), 10)
    assert piece.images.tolist() == [0]
    assert len(piece.pixels) == 0
