"""Where a page's writing is: which way up, how large, on which lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels
from tenfold.reading.blobs import Blobs, find_blobs, is_writing, typical_side
from tenfold.reading.ink import Ink
from tenfold.reading.lines import Row, find_rows
from tenfold.reading.networks import Classifies
from tenfold.reading.segments import picture_of, piece_of
from tenfold.reading.view import View

SMALLEST = 10
"""Pixels that the longer side of a digit must have to be told from a speck."""

SAMPLE = 32
"""How many pieces are looked at to tell which way up a page is."""

UPRIGHT = 3.0
"""How much more probable, in nats, it is that a picture is the right way up than turned to another side."""

NEIGHBOR, MOST = 0.5, 6.0
"""What each piece whose nearest neighbor stands beside it adds to that, and all of them at most: digits of a
line are closer than lines."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A page taken apart into lines of pieces of ink.

    Parameters
    ----------
    view : View
        Which way up the page is. All else is in its pixels.
    contrast : (height, width) uint8
    gray : (height, width) uint8
    blobs : Blobs
    rows : tuple of Row
        Members are indices into `blobs`.
    size : float
        Longer side of a typical digit; 0 on a blank page.
    """

    view: View
    contrast: Pixels
    gray: Pixels
    blobs: Blobs
    rows: tuple[Row, ...]
    size: float


def find_layout(ink: Ink, width: int, height: int, classifier: Classifies) -> Layout:
    """Find the lines of a page.

    Parameters
    ----------
    ink : Ink
    width, height : int
        Of the picture as given.
    classifier : Classifies
        Tells which way up the page is.

    Returns
    -------
    layout : Layout
    """
    blobs = find_blobs(ink.mask)
    kept, size = _digit_sized(blobs, ink.contrast)
    turns = find_turns(blobs, kept, ink.contrast, classifier)
    view = View(width, height, ink.scale, turns)
    contrast, gray = view.upright(ink.contrast), view.upright(ink.gray)
    if turns:
        blobs = find_blobs(view.upright(ink.mask))
        kept, size = _digit_sized(blobs, contrast)
    boxes = np.stack([blobs.left, blobs.top, blobs.width, blobs.height], axis=1).astype(np.float64)
    rows = [
        Row(tuple(int(kept[member]) for member in row.members), row.slope)
        for row in find_rows(boxes[kept], size)
    ]
    return Layout(view, contrast, gray, blobs, tuple(rows), size)


def find_turns(blobs: Blobs, kept: NDArray[np.int64], contrast: Pixels, classifier: Classifies) -> int:
    """Return by how many quarter turns clockwise the writing is turned: what reads best as digits."""
    sample = kept[np.argsort(-blobs.area[kept], kind="stable")][:SAMPLE]
    if len(sample) == 0:
        return 0
    images = np.stack([picture_of([piece_of(blobs, int(index))], blobs, contrast) for index in sample])
    # A quarter turn about the center of 28x28 moves the center of mass by a pixel.
    turned = [np.rot90(images, turns, (1, 2)) for turns in range(4)]
    probabilities = classifier.predict_proba(np.ascontiguousarray(np.concatenate(turned)))
    chances = np.log(probabilities[:, :10].max(axis=1) + 1e-3).reshape(4, len(sample)).sum(axis=1)
    chances[0] += UPRIGHT
    chances[[0, 2]] += np.clip(NEIGHBOR * _level_neighbors(blobs, kept), -MOST, MOST)
    return int(np.argmax(chances))


def _level_neighbors(blobs: Blobs, kept: NDArray[np.int64]) -> float:
    """Return how many pieces have the nearest one beside them, less those that have it above or below."""
    if not 2 <= len(kept) <= 500:
        return 0.0
    left, top = blobs.left[kept], blobs.top[kept]
    right, bottom = left + blobs.width[kept], top + blobs.height[kept]
    across = np.maximum(left[:, None] - right, left - right[:, None]).clip(0)
    down = np.maximum(top[:, None] - bottom, top - bottom[:, None]).clip(0)
    distance = np.hypot(across, down)
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(kept))
    beside = across[rows, nearest] > down[rows, nearest]
    above = across[rows, nearest] < down[rows, nearest]
    return float(np.count_nonzero(beside)) - float(np.count_nonzero(above))


def _digit_sized(blobs: Blobs, contrast: Pixels) -> tuple[NDArray[np.int64], float]:
    """Return which blobs may be digits or large parts of them, and the size of a typical one."""
    writing = is_writing(blobs, contrast)
    size = typical_side(blobs.side[writing], blobs.area[writing])
    kept = writing & (blobs.side >= max(SMALLEST, 0.3 * size)) & (blobs.side < 3 * size)
    return np.flatnonzero(kept), size
