"""A page with what was read drawn on it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels
from tenfold.reading.ink import resized
from tenfold.reading.result import Box, Decision, Line, Page

COLORS = {
    Decision.accept: (0, 130, 60),
    Decision.review: (200, 110, 0),
    Decision.reject: (150, 150, 150),
}
"""RGB; also told apart by words, for those who do not see them apart."""

LONGEST = 2400
"""Pixels of the longer side beyond which a page is reduced."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GAP = 4
"""Pixels between words and what is beside them."""


def annotate(pixels: Pixels, page: Page) -> Pixels:
    """Return a page with a box around each line and digit, and what it is read as.

    Words stand neither over each other nor over digits. Those of a line that find no room around its box are
    put into a column at the right, with a thin line to it; those of a digit or of a rejected line are left
    out.

    Parameters
    ----------
    pixels : (height, width) or (height, width, 3) uint8
        The page as it was given to the reader.
    page : Page
        What the reader answered.

    Returns
    -------
    drawn : (about height, about width, 3) uint8
        Turned so that the writing is upright, and enlarged where the page is small, so that the words can be
        read.
    """
    turns = page.rotation // 90
    canvas = np.rot90(pixels if pixels.ndim == 3 else pixels[:, :, None].repeat(3, axis=2), turns)
    longer = max(pixels.shape[:2])
    scale = min(LONGEST / longer, max(1.0, 700 / longer))
    canvas = resized(canvas, scale) if scale < 1 else _enlarged(canvas, scale)
    # Room for the words of a line at the very top or bottom.
    margin = round(0.02 * longer * scale) + 16
    drawn = _with_paper(canvas, margin, margin)
    size = max(0.45, max(drawn.shape) / 1600)

    def place(box: Box) -> Box:
        left, top, width, height = (round(side * scale) for side in _turned(box, page, turns))
        return left, top + margin, width, height

    taken = np.zeros(drawn.shape[:2], bool)
    for line in page.lines:
        for item in line.digits or (line,):
            _take(taken, place(item.box))
            _frame(drawn, place(item.box), COLORS[line.decision], 1)
        _frame(drawn, place(line.box), COLORS[line.decision], 2)
    aside: list[tuple[Line, Box]] = []
    for line in page.lines:
        words, box = _title(line), place(line.box)
        if (spot := _spot(taken, box, _extent(words, size))) is not None:
            _write(drawn, words, spot, size, COLORS[line.decision])
        elif line.decision is not Decision.reject:
            aside.append((line, box))
    for line in page.lines:
        for digit in line.digits:
            spot = _spot(taken, place(digit.box), _extent(str(digit.value), size), below=True)
            if spot is not None:
                _write(drawn, str(digit.value), spot, size, COLORS[line.decision])
    return _column(drawn, aside, size) if aside else drawn


def _enlarged(pixels: Pixels, scale: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def _with_paper(pixels: Pixels, above: int, below: int, right: int = 0) -> Pixels:
    return np.pad(pixels, ((above, below), (0, right), (0, 0)), constant_values=255)


def _title(line: Line) -> str:
    said = f"{line.text} {line.confidence:.0%} {line.decision.value}" if line.text else line.decision.value
    words = f"{said}: {line.reason.value}" if line.reason is not None else said
    return words if line.field is None else f"{line.field}: {words}"


def _turned(box: Box, page: Page, turns: int) -> Box:
    """Return a box on the page after some quarter turns counterclockwise."""
    left, top, width, height = box
    across, down = page.width, page.height
    for _ in range(turns):
        left, top, width, height = top, across - left - width, height, width
        across, down = down, across
    return left, top, width, height


def _extent(words: str, size: float) -> tuple[int, int]:
    """Return the width and height of words."""
    (width, height), below = cv2.getTextSize(words, _FONT, size, _thickness(size))
    return width, height + below


def _thickness(size: float) -> int:
    return max(1, round(1.6 * size))


def _take(taken: NDArray[np.bool_], box: Box) -> None:
    left, top, width, height = box
    taken[max(0, top) : top + height, max(0, left) : left + width] = True


def _spot(
    taken: NDArray[np.bool_], box: Box, extent: tuple[int, int], *, below: bool = False
) -> tuple[int, int] | None:
    """Return where words around a box find room, left and top, and take it; None where they find none.

    They are tried above it and then below, or the other way round; at last at its sides.
    """
    (left, top, width, height), (wide, tall) = box, extent
    levels = (top - tall - _GAP, top + height + _GAP)[:: -1 if below else 1]
    # Along an edge from the left to the right.
    along = np.rint(np.linspace(left, left + width - wide, 9)).astype(int).tolist()
    places = [(x, y) for y in levels for x in along]
    places += [(x, top + (height - tall) // 2) for x in (left + width + _GAP, left - wide - _GAP)]
    for x, y in places:
        inside = 0 <= x <= taken.shape[1] - wide and 0 <= y <= taken.shape[0] - tall
        if inside and not taken[y : y + tall, x : x + wide].any():
            _take(taken, (x, y, wide, tall))
            return x, y
    return None


def _frame(drawn: Pixels, box: Box, color: tuple[int, int, int], thick: int) -> None:
    left, top, width, height = box
    start, end = (left - thick, top - thick), (left + width + thick, top + height + thick)
    cv2.rectangle(drawn, start, end, color, thick, cv2.LINE_AA)


def _write(
    drawn: Pixels, words: str, spot: tuple[int, int], size: float, color: tuple[int, int, int]
) -> None:
    thick = _thickness(size)
    (_, height), _ = cv2.getTextSize(words, _FONT, size, thick)
    left, bottom = spot[0], spot[1] + height
    # A light halo keeps the words readable on any page.
    for across, down in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)):
        place = (left + across, bottom + down)
        cv2.putText(drawn, words, place, _FONT, size, (255, 255, 255), thick, cv2.LINE_AA)
    cv2.putText(drawn, words, (left, bottom), _FONT, size, color, thick, cv2.LINE_AA)


def _column(drawn: Pixels, lines: Sequence[tuple[Line, Box]], size: float) -> Pixels:
    """Return the drawing with a column at its right: the titles of lines, each at about their height."""
    height, width = drawn.shape[:2]
    indent = 8 * _GAP
    tall = max(_extent(_title(line), size)[1] for line, _ in lines) + _GAP
    wide = max(_extent(_title(line), size)[0] for line, _ in lines) + indent + _GAP
    tops: list[int] = []
    lines = sorted(lines, key=lambda item: item[1][1] + item[1][3] / 2)
    for _, (_, top, _, high) in lines:
        tops.append(max(top + (high - tall) // 2, tops[-1] + tall if tops else 0))
    # Pushed up again where they ran beyond the end.
    end = max(height, tall * len(tops))
    for place in reversed(range(len(tops))):
        tops[place] = min(tops[place], end - tall)
        end = tops[place]
    drawn = _with_paper(drawn, 0, max(0, tops[-1] + tall - height), wide)
    for (line, (left, top, across, high)), place in zip(lines, tops, strict=True):
        start, end_at = (left + across, top + high // 2), (width + indent - _GAP, place + tall // 2)
        cv2.line(drawn, start, end_at, COLORS[line.decision], 1, cv2.LINE_AA)
        _write(drawn, _title(line), (width + indent, place), size, COLORS[line.decision])
    return drawn
