"""A line cut out of the page for the string network: level, clear of its neighbors, of a fit size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels
from tenfold.reading.layout import Layout
from tenfold.reading.lines import Row

TALL = 64.0
"""Pixels to which the digits of a line are reduced where they are higher."""

ABOVE, BESIDE = 0.35, 0.5
"""Paper kept around a line, in heights of its digits."""


@dataclass(frozen=True, eq=False)
class LinePatch:
    """A picture of one level line.

    Parameters
    ----------
    gray : (h, w) uint8
        Dark ink on light paper.
    turn : (2, 3) float64
        From columns and rows of the page's view to those of the patch.
    """

    gray: Pixels
    turn: NDArray[np.float64]

    @property
    def zoom(self) -> float:
        """Pixels of the patch for each of the view."""
        return float(np.hypot(self.turn[0, 0], self.turn[0, 1]))

    def column(self, x: float, y: float) -> float:
        """Return the column of the patch at a place of the view."""
        return float(self.turn[0] @ (x, y, 1.0))

    def place(self, column: float, row: float) -> tuple[float, float]:
        """Return the place of the view at a column and row of the patch."""
        inverse = np.asarray(cv2.invertAffineTransform(self.turn), np.float64)
        x, y = inverse @ (column, row, 1.0)
        return float(x), float(y)


def whole_patch(layout: Layout) -> LinePatch:
    """Return a page that is one line, as it is."""
    return LinePatch(layout.gray, np.eye(2, 3))


def row_patch(
    layout: Layout, row: Row, height: float, *, ruled: bool = False, tails: bool = True
) -> LinePatch:
    """Return the patch of a row.

    Parameters
    ----------
    layout : Layout
    row : Row
    height : float
        Of the line's digits.
    ruled : bool
        Leave the rules of the paper in.
    tails : bool
        Keep what reaches far above or below the other digits.

    Returns
    -------
    patch : LinePatch
        On flattened paper, without the ink of other rows.
    """
    blobs, members = layout.blobs, list(row.members)
    left, top = blobs.left[members], blobs.top[members]
    right, bottom = left + blobs.width[members], top + blobs.height[members]
    angle = float(np.arctan(row.slope))
    cosine, sine = np.cos(angle), np.sin(angle)
    middle = (left + right) / 2
    # Heights above the level line through the middle of each piece.
    upper, lower = (side * cosine - middle * sine for side in (top, bottom))
    ends = [x * cosine + y * sine for x in (left, right) for y in ((top + bottom) / 2,)]
    first, last = float(np.min(ends[0])) - BESIDE * height, float(np.max(ends[1])) + BESIDE * height
    ends_at = (np.min(upper), np.max(lower)) if tails else (np.median(upper), np.median(lower))
    high, low = float(ends_at[0]) - ABOVE * height, float(ends_at[1]) + ABOVE * height
    zoom = min(1.0, TALL / height)
    size = (max(8, round((last - first) * zoom)), max(8, round((low - high) * zoom)))
    turn = zoom * np.array([[cosine, sine, -first], [-sine, cosine, -high]], np.float64)
    x0, y0, x1, y1 = _around(turn, size, layout.contrast.shape)
    source = layout.ruled if ruled and layout.ruled is not None else layout.contrast
    contrast = source[y0:y1, x0:x1].copy()
    contrast[_foreign(layout, row, slice(y0, y1), slice(x0, x1))] = 0
    if zoom < 1:
        # Reduced by area first, so that no thin stroke is lost between pixels.
        reduced = (max(1, round(contrast.shape[1] * zoom)), max(1, round(contrast.shape[0] * zoom)))
        inner = np.array(
            [
                [contrast.shape[1] / reduced[0], 0, x0],
                [0, contrast.shape[0] / reduced[1], y0],
                [0, 0, 1],
            ]
        )
        contrast = np.asarray(cv2.resize(contrast, reduced, interpolation=cv2.INTER_AREA), np.uint8)
    else:
        inner = np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1]], np.float64)
    ink = cv2.warpAffine(contrast, turn @ inner, size, flags=cv2.INTER_LINEAR, borderValue=0)
    return LinePatch(255 - np.asarray(ink, np.uint8), turn)


def _around(
    turn: NDArray[np.float64], size: tuple[int, int], shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Return the part of the view that holds a patch: left, top, right, bottom."""
    inverse = np.asarray(cv2.invertAffineTransform(turn), np.float64)
    corners = np.array([[x, y, 1.0] for x in (0, size[0]) for y in (0, size[1])])
    places = corners @ inverse.T
    low, high = np.floor(places.min(axis=0)) - 1, np.ceil(places.max(axis=0)) + 1
    x0, y0 = (int(np.clip(value, 0, side - 1)) for value, side in zip(low, shape[::-1], strict=True))
    x1, y1 = (int(np.clip(value, 1, side)) for value, side in zip(high, shape[::-1], strict=True))
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def _foreign(layout: Layout, row: Row, rows: slice, columns: slice) -> NDArray[np.bool_]:
    """Return where there is ink of other rows, or of what is no writing."""
    large = layout.blobs.side > layout.smallest
    large[list(row.members)] = False
    drop = np.zeros(len(layout.blobs) + 1, np.uint8)
    drop[1:] = large
    inside = drop[layout.blobs.labels[rows, columns]]
    return np.asarray(cv2.dilate(inside, np.ones((5, 5), np.uint8))) > 0
