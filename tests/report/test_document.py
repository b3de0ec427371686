import numpy as np
import pytest

from tenfold.report import Column, Pictures, Table


def test_a_row_with_a_cell_too_many_is_named():
    with pytest.raises(ValueError, match="'ranks': row 2 has 3 cells for 2 columns"):
        Table((Column("a"), Column("b")), (("x", 1), ("y", 2, 3)), key="ranks")


@pytest.mark.parametrize(
    "images", [np.zeros((2, 28, 28)), np.zeros((28, 28), np.uint8), np.zeros((2, 28, 28, 3), np.uint8)]
)
def test_pictures_must_be_uint8_and_three_dimensional(images):
    with pytest.raises(ValueError, match="must be uint8 of shape"):
        Pictures(images)


def test_pictures_have_one_caption_each_or_none():
    images = np.zeros((2, 4, 4), np.uint8)
    assert Pictures(images).captions == ()
    with pytest.raises(ValueError, match="2 pictures but 1 captions"):
        Pictures(images, ("a",))
