"""A page with what was read drawn on it."""

from __future__ import annotations

import cv2
import numpy as np

from tenfold.data.pixels import Pixels
from tenfold.reading.result import Decision, Page

COLORS = {
    Decision.accept: (0, 130, 60),
    Decision.review: (200, 110, 0),
    Decision.reject: (150, 150, 150),
}
"""RGB; also told apart by words, for those who do not see them apart."""

LONGEST = 2400
"""Pixels of the longer side beyond which a page is reduced."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def annotate(pixels: Pixels, page: Page) -> Pixels:
    """Return a page with a box around each line and digit, and what it is read as.

    Parameters
    ----------
    pixels : (height, width) or (height, width, 3) uint8
        The page as it was given to the reader.
    page : Page
        What the reader answered.

    Returns
    -------
    drawn : (about height, about width, 3) uint8
        Enlarged where the page is small, so that the words can be read.
    """
    canvas = pixels if pixels.ndim == 3 else cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    height, width = pixels.shape[:2]
    scale = min(LONGEST / max(height, width), max(1.0, 700 / max(height, width)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    margin = round(0.02 * max(height, width) * scale) + 16
    canvas = cv2.resize(canvas, None, fx=scale, fy=scale, interpolation=method)
    # Room above, for the words of a line at the very top.
    canvas = cv2.copyMakeBorder(canvas, margin, 0, 0, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    drawn = np.ascontiguousarray(canvas, np.uint8)
    size = max(0.45, max(drawn.shape) / 1600)
    for line in page.lines:
        color = COLORS[line.decision]
        for digit in line.digits:
            _box(drawn, digit.box, scale, margin, color, 1)
            left, top = round(digit.box[0] * scale), round((digit.box[1] + digit.box[3]) * scale) + margin
            _words(drawn, str(digit.value), left, top + round(26 * size), size, color)
        _box(drawn, line.box, scale, margin, color, 2)
        said = (
            f"{line.text} {line.confidence:.0%} {line.decision.value}" if line.text else line.decision.value
        )
        words = f"{said}: {line.reason.value}" if line.reason is not None else said
        words = words if line.field is None else f"{line.field}: {words}"
        _words(drawn, words, round(line.box[0] * scale), round(line.box[1] * scale) + margin - 6, size, color)
    return drawn


def _box(
    drawn: Pixels,
    box: tuple[int, int, int, int],
    scale: float,
    margin: int,
    color: tuple[int, int, int],
    thick: int,
) -> None:
    left, top, width, height = (side * scale for side in box)
    start = (round(left) - thick, round(top) + margin - thick)
    end = (round(left + width) + thick, round(top + height) + margin + thick)
    cv2.rectangle(drawn, start, end, color, thick, cv2.LINE_AA)


def _words(
    drawn: Pixels, words: str, left: int, bottom: int, size: float, color: tuple[int, int, int]
) -> None:
    thick = max(1, round(1.6 * size))
    (width, height), _ = cv2.getTextSize(words, _FONT, size, thick)
    left = max(0, min(left, drawn.shape[1] - width - 2))
    bottom = min(max(bottom, height + 2), drawn.shape[0] - 3)
    # A light halo keeps the words readable on any page.
    for across, down in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)):
        place = (left + across, bottom + down)
        cv2.putText(drawn, words, place, _FONT, size, (255, 255, 255), thick, cv2.LINE_AA)
    cv2.putText(drawn, words, (left, bottom), _FONT, size, color, thick, cv2.LINE_AA)
