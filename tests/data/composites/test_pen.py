"""A pen draws what it is asked to, where it is asked to."""

import numpy as np
import pytest

from tenfold.data.composites.pen import Pen, draw

ACROSS = np.array([[-50, 14], [350, 14]], np.float32)


@pytest.mark.parametrize("width", [1.0, 2.0, 4.0, 7.0])
@pytest.mark.parametrize("shape", [(28, 28), (40, 300), (128, 128)])
def test_a_line_has_its_width_and_lies_where_it_was_put(width, shape):
    ink = draw([ACROSS], shape, Pen(width)).astype(float) / 255
    np.testing.assert_allclose(ink.sum(axis=0), width, atol=0.51)
    middles = (np.arange(shape[0]) + 0.5) @ ink / ink.sum(axis=0)
    np.testing.assert_allclose(middles, 14, atol=0.3)


def test_pressure_makes_one_end_thicker_than_the_other():
    line = np.linspace([0, 14], [100, 14], 50).astype(np.float32)
    thick = draw([line], (28, 100), Pen(5, pressure=0.5)).sum(axis=0, dtype=float)
    assert thick[5:15].mean() > 2 * thick[-15:-5].mean()


def test_a_point_is_a_dot_and_no_lines_are_blank_paper():
    dot = draw([np.array([[10.0, 20.0]], np.float32)], (40, 40), Pen(4, 0.3))
    rows, columns = np.nonzero(dot)
    assert (rows.mean(), columns.mean()) == pytest.approx((19.5, 9.5), abs=0.6)
    assert 10 <= dot.sum() / 255 <= 25
    assert not draw([], (40, 40), Pen(4)).any()
