import cv2
import numpy as np
import pytest

from tenfold import Reader
from tenfold.data.composites.pages import Look, make_page
from tenfold.reading.result import Decision, Reason
from tenfold.reading.sharpness import is_soft, sharpness


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_it_is_one_by_the_width_of_an_edge(width):
    """A stroke whose level rises within so many pixels; the gradient sees two of them at once."""
    profile = np.interp(np.arange(60), [20 - width, 20, 22, 22 + width], [0, 200, 200, 0])
    bar = np.tile(profile.astype(np.uint8), (50, 1))
    assert sharpness(bar, bar > 0) == pytest.approx(min(1, 2 / width))
    assert sharpness(bar, np.zeros_like(bar, bool)) == 1


def test_what_is_soft_depends_on_the_size_of_the_digits():
    assert not is_soft(0.9, 12)
    assert not is_soft(0.5, 40)
    assert is_soft(0.5, 20)
    assert is_soft(0.12, 100)
    assert not is_soft(0.2, 100)


@pytest.mark.parametrize(("height", "size"), [(20, (120, 320)), (42, (220, 640)), (100, (500, 1500))])
def test_a_line_that_is_blurred_says_so(mnist, height, size):
    reader = Reader()
    for seed in range(2):
        look = Look(size=size, lines=1, height=height, digits=(5, 6))
        sharp = make_page(mnist.test, np.random.default_rng(seed), look).pixels
        blurred = cv2.GaussianBlur(sharp, (0, 0), 0.15 * height)
        assert all(line.reason is not Reason.blurred for line in reader.read(sharp).lines)
        lines = reader.read(blurred).lines
        assert lines
        assert all(line.decision is not Decision.accept for line in lines)
        assert {line.reason for line in lines} == {Reason.blurred}


def test_squares_with_sharp_edges_are_no_digits_and_not_blurred():
    code = np.random.default_rng(5).integers(0, 2, (25, 25)).astype(np.uint8) * 255
    page = np.pad(np.kron(code, np.ones((10, 10), np.uint8)), 60, constant_values=255)
    lines = Reader().read(page).lines
    assert lines
    assert {line.reason for line in lines} == {Reason.not_a_digit}
