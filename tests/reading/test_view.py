import numpy as np
import pytest

from tenfold.reading.view import View


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_box_in_the_upright_view_is_found_again_in_the_picture(turns, scale):
    page = np.zeros((40, 80), np.uint8)
    page[10:16, 20:60] = 1  # upright, at the working scale
    given = np.rot90(page, -turns)  # turned clockwise, as the camera held it
    view = View(int(given.shape[1] / scale), int(given.shape[0] / scale), scale, turns)

    np.testing.assert_array_equal(view.upright(given), page)
    left, top, width, height = (int(side * scale) for side in view.box(20, 10, 60, 16))
    inside = given[top : top + height, left : left + width]
    assert inside.all()
    assert inside.sum() == page.sum()
    assert view.rotation == 90 * turns


def test_boxes_stay_within_the_picture():
    assert View(100, 50).box(-3, -3, 200, 200) == (0, 0, 100, 50)
