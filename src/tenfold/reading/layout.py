"""Where a page's writing is: which way up, how large, on which lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels
from tenfold.reading.blobs import Blobs, find_blobs, is_writing, weighted_median
from tenfold.reading.ink import Ink
from tenfold.reading.lines import Row, find_rows, scraps_of, without_combs
from tenfold.reading.networks import Classifies
from tenfold.reading.segments import picture_of, piece_of
from tenfold.reading.view import View

SMALLEST = 10
"""Pixels that the longer side of a digit must have to be told from a speck."""

LEAST = 0.3
"""Part of the typical size from which on a piece may be a digit."""

STRIP_HEIGHT, STRIP_SHAPE = 110, 1.3
"""Pixels that a picture of but one line is high at most, and how many times as wide it is at least."""

UPRIGHT_DIGIT = 3.0
"""How many times as high as wide a picture of one digit is at most."""

SAMPLE = 32
"""How many pieces are looked at to tell which way up a page is."""

UPRIGHT = 3.0
"""How much more probable, in nats, it is that a picture is the right way up than turned to another side."""

ONE = 0.05
"""Part for which a 1 counts in that."""

DOUBT = 15.0
"""Nats by which one side must be more probable than any other for the page to be read only that way up."""

FAINT = 0.35
"""Part of the typical contrast that a digit must have."""

SCRAP, FAINT_SCRAP = 0.12, 0.5
"""Part of a line's height, and of its contrast, that a scrap of ink must have to be a part of a digit."""

NEIGHBOR, MANY = 1.5, 100
"""Nats for each piece, of so many at most, where all have their nearest neighbor beside them: what stands in
a line is closer than lines are."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A page taken apart into lines of pieces of ink.

    Parameters
    ----------
    view : View
        Which way up the page is. All else is in its pixels.
    contrast : (height, width) uint8
    gray : (height, width) uint8
    ruled : (height, width) uint8 or None
        The contrast before rules were taken away; None where there are none.
    blobs : Blobs
    rows : tuple of Row
        Members are indices into `blobs`.
    size : float
        Longer side of a typical digit; 0 on a blank page.
    """

    view: View
    contrast: Pixels
    gray: Pixels
    ruled: Pixels | None
    blobs: Blobs
    rows: tuple[Row, ...]
    size: float

    @property
    def smallest(self) -> float:
        """The longer side from which on a piece may be a digit, and is not a dot or a broken part of one."""
        return max(SMALLEST, LEAST * self.size)

    @property
    def is_strip(self) -> bool:
        """Whether the picture is but one line that fills it, as a field cut from a form or cheque."""
        height, width = self.gray.shape
        return is_strip(width, height)


def is_strip(width: int, height: int) -> bool:
    """Return whether a picture of that size is but one line that fills it."""
    return height <= STRIP_HEIGHT and width >= STRIP_SHAPE * height


def find_layouts(ink: Ink, width: int, height: int, classifier: Classifies) -> Iterator[Layout]:
    """Find the lines of a page, one way up after another.

    Parameters
    ----------
    ink : Ink
    width, height : int
        Of the picture as given.
    classifier : Classifies
        Tells which way up the page is.

    Yields
    ------
    layout : Layout
        One, or several where the digits by themselves do not tell which way up the page is; the more probable
        one first.
    """
    blobs = find_blobs(ink.mask)
    if is_strip(width, height) or is_strip(height, width):
        # Its shape tells which way a line runs; printed grounds would mislead about the rest.
        ways = [0, 2] if width > height else [1, 3]
        if width <= height < UPRIGHT_DIGIT * width:
            # Or it is a digit by itself.
            ways = [0, *ways]
    else:
        kept, _ = _digit_sized(blobs, ink.contrast, ink.strong)
        ways = find_turns(blobs, kept, ink.contrast, classifier)
    for turns in ways:
        view = View(width, height, ink.scale, turns)
        yield _layout(ink, view, find_blobs(view.upright(ink.mask)) if turns else blobs)


def _layout(ink: Ink, view: View, blobs: Blobs) -> Layout:
    contrast = view.upright(ink.contrast)
    kept, size = _digit_sized(blobs, contrast, view.upright(ink.strong))
    boxes = np.stack([blobs.left, blobs.top, blobs.width, blobs.height], axis=1).astype(np.float64)
    rows = [
        Row(tuple(int(kept[member]) for member in row.members), row.slope)
        for row in find_rows(boxes[kept], size)
    ]
    rows = [row for row in (without_combs(row, boxes) for row in rows) if row.members]
    rows = _completed(rows, boxes, blobs, contrast)
    ruled = view.upright(ink.ruled) if ink.rules.any() else None
    return Layout(view, contrast, view.upright(ink.gray), ruled, blobs, tuple(rows), size)


def _completed(rows: list[Row], boxes: NDArray[np.float64], blobs: Blobs, contrast: Pixels) -> list[Row]:
    """Return rows with the scraps that they want: parts of a broken digit, and what is faint beside them."""
    spare = is_writing(blobs)
    for row in rows:
        spare[list(row.members)] = False
    dark = blobs.mean(contrast)
    found = []
    for row in rows:
        members = list(row.members)
        height = weighted_median(blobs.height[members], blobs.height[members])
        may = spare & (blobs.side >= SCRAP * height) & (dark > FAINT_SCRAP * float(np.median(dark[members])))
        added = scraps_of(row, boxes, np.flatnonzero(may), height) if len(members) > 1 else []
        spare[added] = False
        order = sorted((*members, *added), key=lambda index: boxes[index, 0] + boxes[index, 2] / 2)
        found.append(Row(tuple(order), row.slope))
    return found


def find_turns(blobs: Blobs, kept: NDArray[np.int64], contrast: Pixels, classifier: Classifies) -> list[int]:
    """Return by how many quarter turns clockwise the writing may be turned, the most probable first."""
    if len(kept) == 0:
        return [0]
    # Large and small ones alike: the largest of a printed page are its boxes and tables.
    by_area = kept[np.argsort(-blobs.area[kept], kind="stable")]
    sample = by_area[np.linspace(0, len(kept) - 1, min(len(kept), SAMPLE)).astype(int)]
    images = np.stack([picture_of([piece_of(blobs, int(index))], blobs, contrast) for index in sample])
    turned = [np.rot90(images, turns, (1, 2)) for turns in range(4)]
    probabilities = classifier.predict_proba(np.ascontiguousarray(np.concatenate(turned)))
    # What is no digit either way up shall not tell: letters look like digits from one side or another.
    # Nor does a lone stroke, which is a 1 on its side as well.
    told = np.where(np.arange(10) == 1, ONE, 1.0) * probabilities[:, :10]
    chances = np.log(told.max(axis=1) + 0.02).reshape(4, len(sample)).sum(axis=1)
    chances[0] += UPRIGHT
    chances[[0, 2]] += NEIGHBOR * min(len(kept), MANY) * _levelness(blobs, kept)
    order = [int(turns) for turns in np.argsort(-chances, kind="stable")]
    return order[:2] if chances[order[0]] - chances[order[1]] < DOUBT else order[:1]


def _levelness(blobs: Blobs, kept: NDArray[np.int64]) -> float:
    """Return which part of the pieces has the nearest one beside it, less which has it above or below."""
    if len(kept) < 2:
        return 0.0
    some = kept[:: -(-len(kept) // 200)]
    left, top = blobs.left[kept], blobs.top[kept]
    right, bottom = left + blobs.width[kept], top + blobs.height[kept]
    start, end = blobs.left[some, None], (blobs.left + blobs.width)[some, None]
    upper, lower = blobs.top[some, None], (blobs.top + blobs.height)[some, None]
    across = np.maximum(start - right, left - end).clip(0)
    down = np.maximum(upper - bottom, top - lower).clip(0)
    distance = np.where(some[:, None] == kept, np.inf, np.hypot(across, down))
    rows, nearest = np.arange(len(some)), distance.argmin(axis=1)
    beside = across[rows, nearest] > down[rows, nearest]
    above = across[rows, nearest] < down[rows, nearest]
    return float(beside.mean() - above.mean())


def _digit_sized(
    blobs: Blobs, contrast: Pixels, strong: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], float]:
    """Return which blobs may be digits or large parts of them, and the size of a typical one."""
    writing = is_writing(blobs) & (blobs.count(strong) >= 3)
    size = weighted_median(blobs.side[writing], blobs.area[writing])
    kept = writing & (blobs.side >= max(SMALLEST, LEAST * size)) & (blobs.side < 3 * size)
    if kept.any():
        # What is left of a printed grid or of a shadow's edge is fainter than the pen.
        dark = blobs.mean(contrast)
        kept &= dark > FAINT * weighted_median(dark[kept], blobs.area[kept])
    return np.flatnonzero(kept), size
