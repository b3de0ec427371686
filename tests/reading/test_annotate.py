import itertools
from dataclasses import replace

import numpy as np
import pytest

from tenfold.reading import annotate as annotation
from tenfold.reading.annotate import COLORS, annotate
from tenfold.reading.result import Decision, Digit, Line, Page, Reason
from tenfold.reading.view import View


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


class Written:
    """What is written on a drawing, and over which pixels: told by drawing without it and with it."""

    def __init__(self, monkeypatch):
        self.places = []

        def write(drawn, words, spot, size, color, write=annotation._write):
            before = drawn.copy()
            write(drawn, words, spot, size, color)
            rows, columns = np.nonzero((drawn != before).any(axis=2))
            self.places.append((words, (columns.min(), rows.min(), columns.max(), rows.max())))

        monkeypatch.setattr(annotation, "_write", write)


def overlap(one, other):
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def lines_of(boxes, decision=Decision.review):
    lines = []
    for left, top, width, height in boxes:
        wide = width // 6
        digits = tuple(Digit(place, 0.9, (left + place * wide, top, wide - 6, height)) for place in range(6))
        lines.append(Line("012345", 0.83, decision, (left, top, width, height), digits, Reason.close))
    return tuple(lines)


@pytest.mark.parametrize(
    "boxes",
    [
        [(200, 100 + 60 * row, 240, 56) for row in range(8)],  # hardly a gap between lines
        [(40 + 300 * column, 40 + 100 * row, 240, 30) for row in range(3) for column in range(3)],
        [(0, 0, 1000, 40), (0, 760, 1000, 40), (700, 400, 300, 60)],  # along the edges
    ],
)
def test_words_lie_neither_over_each_other_nor_over_digits(monkeypatch, boxes):
    written = Written(monkeypatch)
    page = Page(1, 1000, 800, 0, lines_of(boxes))
    drawn = annotate(np.full((800, 1000), 255, np.uint8), page)
    titles = [place for words, place in written.places if words.startswith("012345")]
    assert len(titles) == len(boxes)
    for one, other in itertools.combinations((place for _, place in written.places), 2):
        assert not overlap(one, other)
    margin = (drawn.shape[0] - 800) // 2
    for line in page.lines:
        for digit in line.digits:
            left, top, width, height = digit.box
            box = (left, top + margin, left + width - 1, top + margin + height - 1)
            assert not any(overlap(box, place) for _, place in written.places)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_page_is_drawn_as_the_upright_one(turns):
    """A page that lies on its side in the picture has columns for lines, beside which no words find room."""
    pixels = np.full((300, 700), 255, np.uint8)
    pixels[110:140, 250:300] = 90
    boxes = [(200, 100, 240, 50), (200, 160, 240, 50)]
    upright = annotate(pixels, Page(1, 700, 300, 0, lines_of(boxes)))

    def turned(box):
        view = View(*((300, 700) if turns % 2 else (700, 300)), turns=turns)
        left, top, width, height = box
        return view.box(left, top, left + width, top + height)

    lines = tuple(
        replace(
            line,
            box=turned(line.box),
            digits=tuple(replace(digit, box=turned(digit.box)) for digit in line.digits),
        )
        for line in lines_of(boxes)
    )
    picture = np.rot90(pixels, -turns)
    page = Page(1, picture.shape[1], picture.shape[0], 90 * turns, lines)
    np.testing.assert_array_equal(annotate(picture, page), upright)


def test_a_slip_of_paper_is_drawn():
    assert annotate(np.full((1, 20_000), 255, np.uint8), Page(1, 20_000, 1)).shape[1] == 2400
