"""How sharp the edges of ink are, and whether writing is too blurred for that."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels
from tenfold.reading.layout import Layout
from tenfold.reading.lines import Row
from tenfold.reading.segments import piece_of

SOFT = 0.6
"""Sharpness below which edges are soft; those of a sharp picture have 0.8 to 1."""

STEEP = 14.0
"""The same for digits one pixel high; it falls as they grow. Of 197 lines of made pages (digits 20, 42 and
100 pixels high, blurred by 0 to 0.2 of that) 97 are softer: 85 of those were not read right, 1 was accepted.
None of those blurred by 0.03 or less is."""


RIM = 1.5
"""How deep, in pixels, the outermost ink is."""


def sharpness(
    contrast: Pixels, inside: NDArray[np.bool_], looked_at: NDArray[np.bool_] | None = None
) -> float:
    """Return the steepest step at the ink's edges, as a part of its contrast.

    Parameters
    ----------
    contrast : (height, width) uint8
    inside : (height, width) bool
        Where the ink is.
    looked_at : (height, width) bool or None
        Which of it steps are looked for in; by default all.

    Returns
    -------
    sharpness : float
        About 1 divided by the width of an edge in pixels; 1 without ink.
    """
    if not inside.any():
        return 1.0
    step = np.asarray(cv2.morphologyEx(contrast, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))
    steps = step[inside if looked_at is None else looked_at]
    return _level(steps, 0.75) / max(_level(contrast[inside], 0.9), 1)


def is_soft(sharp: float, height: float) -> bool:
    """Return whether edges so sharp are too soft for digits of a height in pixels."""
    return sharp < min(SOFT, STEEP / max(height, 1.0))


def is_blurred(layout: Layout, row: Row, height: float) -> bool:
    """Return whether a line is too blurred to be read, told by its largest piece of ink.

    Parameters
    ----------
    layout : Layout
    row : Row
    height : float
        Of its digits, in the view.
    """
    if not row.members:
        return False
    members = list(row.members)
    piece = piece_of(layout.blobs, members[int(layout.blobs.area[members].argmax())])
    # Of digits that run into each other a part tells enough.
    right = min(piece.right, piece.left + 2 * (piece.bottom - piece.top))
    part = slice(max(piece.top - 1, 0), piece.bottom + 1), slice(max(piece.left - 1, 0), right + 1)
    contrast, inside = layout.contrast[part], layout.blobs.labels[part] == piece.label
    deep = cv2.distanceTransform(np.pad(inside, 1).view(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    rim = inside & (deep < RIM)
    # A block has more ink far from any edge than a pen leaves: its rim tells that it is sharp.
    return is_soft(sharpness(contrast, inside), height) and sharpness(contrast, inside, rim) < SOFT


def _level(values: NDArray[Any], share: float) -> int:
    """Return the level that a share of values does not exceed: a percentile of uint8, counted."""
    counts = np.cumsum(np.bincount(values, minlength=256))
    return int(np.searchsorted(counts, share * counts[-1]))
