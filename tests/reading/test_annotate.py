import numpy as np
import pytest

from tenfold.reading.annotate import COLORS, annotate
from tenfold.reading.result import Decision, Digit, Line, Page, Reason


@pytest.mark.parametrize("shape", [(30, 20), (300, 400), (300, 400, 3), (3000, 4000)])
@pytest.mark.parametrize("decision", Decision)
def test_each_line_is_drawn_in_the_color_of_its_decision(shape, decision):
    height, width = shape[:2]
    box = (width // 4, height // 4, width // 2, height // 2)
    reason = None if decision is Decision.accept else Reason.unsure
    line = Line("7", 0.9, decision, box, (Digit(7, 0.9, box),), reason)
    drawn = annotate(np.full(shape, 255, np.uint8), Page(1, width, height, 0, (line,)))

    assert drawn.shape[2] == 3
    assert max(drawn.shape) < 2700
    assert (drawn == COLORS[decision]).all(axis=2).sum() > 100


def test_a_blank_page_stays_as_it_is():
    assert (annotate(np.full((700, 700), 255, np.uint8), Page(1, 700, 700)) == 255).all()
