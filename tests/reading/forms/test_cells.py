"""Cells: lines removed, strokes kept, each given to its cell."""

import cv2
import numpy as np
import pytest

from tenfold.data.normalize import center, crop, fit
from tenfold.reading.forms.cells import HEIGHT, cut, without_lines

SLACK = 19
BOXES = [(SLACK + 60 * index, SLACK, SLACK + 60 * (index + 1), SLACK + HEIGHT) for index in range(3)]
LINES = [
    line
    for left, top, right, bottom in BOXES
    for line in (
        (left, top, right, top),
        (left, bottom, right, bottom),
        (left, top, left, bottom),
        (right, top, right, bottom),
    )
]


def boxes_drawn(dark=200.0, thick=3):
    patch = np.zeros((HEIGHT + 2 * SLACK, 60 * 3 + 2 * SLACK), np.float32)
    for left, top, right, bottom in LINES:
        cv2.line(patch, (left, top), (right, bottom), dark, thick)
    return patch


def drawn(strokes, dark=200.0, thick=3, pen=220.0):
    """Cells with strokes over their lines; each stroke is (from, to) in pixels."""
    patch, alone = boxes_drawn(dark, thick), np.zeros((HEIGHT + 2 * SLACK, 60 * 3 + 2 * SLACK), np.float32)
    for start, end in strokes:
        cv2.line(alone, start, end, pen, 5)
    return np.maximum(patch, alone), alone


@pytest.mark.parametrize("dark", [60.0, 120.0, 220.0])
@pytest.mark.parametrize("thick", [1, 3, 5])
def test_empty_cells_are_empty(dark, thick):
    cells = cut(without_lines(boxes_drawn(dark, thick), LINES, 2.0), BOXES, 2.0)

    assert [cell.ink for cell in cells] == [0, 0, 0]
    assert not any(cell.image.any() for cell in cells)


@pytest.mark.parametrize("shift", [-2, 2])
def test_lines_that_lie_a_little_elsewhere_are_removed(shift):
    patch = np.roll(boxes_drawn(), (shift, shift), axis=(0, 1))

    assert [cell.ink for cell in cut(without_lines(patch, LINES, 2.0), BOXES, 2.0)] == [0, 0, 0]


@pytest.mark.parametrize("slant", [-20, -8, 0, 8, 20])
def test_a_stroke_that_crosses_a_line_is_kept_whole(slant):
    bottom = SLACK + HEIGHT
    patch, alone = drawn([((50 - slant, bottom - 40), (50 + slant, bottom + 14))])
    left = without_lines(patch, LINES, 2.0)
    kept = np.count_nonzero((left > 100) & (alone > 0)) / np.count_nonzero(alone > 100)

    assert kept > 0.93
    assert cv2.connectedComponents((left[20:] > 100).astype(np.uint8))[0] - 1 < 20
    assert cut(left, BOXES, 2.0)[0].ink > 0


def test_ink_on_a_paler_line_is_kept():
    top = SLACK
    patch, alone = drawn([((35, top), (58, top))], dark=70.0)
    left = without_lines(patch, LINES, 2.0)

    assert np.count_nonzero(left[alone > 100] > 100) > 0.9 * np.count_nonzero(alone > 100)


def test_a_digit_that_reaches_over_belongs_to_its_cell(glyphs):
    digit = cv2.resize(glyphs[4], (70, 70)).astype(np.float32)
    patch = boxes_drawn()
    patch[SLACK + 4 : SLACK + 74, 60:130] = np.maximum(patch[SLACK + 4 : SLACK + 74, 60:130], digit)
    cells = cut(without_lines(patch, LINES, 2.0), BOXES, 2.0)
    bank = [center(fit(crop(glyph.astype(np.float32)))).ravel() for glyph in glyphs]
    likeness = [np.corrcoef(cells[1].image.ravel(), image)[0, 1] for image in bank]

    assert [cell.ink > 0 for cell in cells] == [False, True, False]
    assert np.argmax(likeness) == 4
    assert likeness[4] > 0.75


def test_a_stroke_through_two_cells_is_cut_between_them():
    patch, _ = drawn([((SLACK + 15, SLACK + 20), (SLACK + 105, SLACK + 45))])
    cells = cut(without_lines(patch, LINES, 2.0), BOXES, 2.0)

    assert cells[0].ink == pytest.approx(cells[1].ink, rel=0.3)
    assert cells[2].ink == 0


def test_a_speck_is_no_ink():
    patch = boxes_drawn()
    patch[60:62, 50:52] = 200
    cell = cut(without_lines(patch, LINES, 2.0), BOXES, 2.0)[0]

    assert (cell.ink, cell.image.any()) == (0, False)
    assert cell.specks > 0


def test_what_is_written_beside_the_field_is_not_its():
    patch, _ = drawn([((40, 2), (100, 2))])

    assert [cell.ink for cell in cut(without_lines(patch, LINES, 2.0), BOXES, 2.0)] == [0, 0, 0]
