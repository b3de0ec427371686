"""What is written in the cells of a field: straight, without printed lines, cut into 28x28 pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.normalize import SIZE, center, crop, fit, percentile
from tenfold.reading.forms.alignment import Map
from tenfold.reading.forms.template import Field, Rectangle, Segment, Template
from tenfold.reading.ink import FLOOR, SIGMAS

Patch = NDArray[np.float32]
"""(height, width) float32 in [0, 255]: how much darker than the paper."""

HEIGHT = 64
"""Pixels of a cell's height in the straightened patch."""
SLACK = 0.3
"""How far beyond the field digits may reach, as a part of the cell's height."""
SPECK = 0.008
"""Area of a speck, as a part of the square of the cell's height."""
THIN, CLOSE = 0.055, 0.08
"""How thick, and how far from a cell's line, what is left of the line may be, as parts of its height."""
SHARED = 0.25
"""Part of a stroke beyond a cell's line from which on it is cut there; with less, a digit reaches over."""


@dataclass(frozen=True, eq=False)
class Cell:
    """What is in one cell.

    Parameters
    ----------
    image : (28, 28) uint8
        The ink, 255 on 0, as the network takes it; all 0 for an empty cell.
    ink : float
        Area of the ink, as a part of the square of the cell's height; specks left out.
    specks : float
        The same of the specks.
    """

    image: NDArray[np.uint8]
    ink: float
    specks: float


@dataclass(frozen=True, eq=False)
class Frame:
    """A field's place in a straightened patch.

    Parameters
    ----------
    map : (3, 3) float
        From millimeters of the form to pixels of the patch.
    size : (int, int)
        Width and height of the patch.
    """

    map: Map
    size: tuple[int, int]

    def place(self, box: Rectangle) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of a box of the form in the patch."""
        scale = self.map[0, 0]
        left, top = box[0] * scale + self.map[0, 2], box[1] * scale + self.map[1, 2]
        return left, top, left + box[2] * scale, top + box[3] * scale

    def back(self, box: tuple[float, float, float, float]) -> Rectangle:
        """Return the box of the form that lies at left, top, right and bottom in the patch."""
        scale = self.map[0, 0]
        left, right = ((side - self.map[0, 2]) / scale for side in box[::2])
        top, bottom = ((side - self.map[1, 2]) / scale for side in box[1::2])
        return left, top, right - left, bottom - top


def frame(template: Template, item: Field) -> Frame:
    """Return where a field lies in its patch."""
    left, top, width, height = template.millimeters(item.box)
    scale = HEIGHT / height
    slack = SLACK * height
    moved = np.array([[scale, 0, (slack - left) * scale], [0, scale, (slack - top) * scale], [0, 0, 1]])
    return Frame(moved, (round((width + 2 * slack) * scale), round((height + 2 * slack) * scale)))


def straighten(contrast: NDArray[np.uint8], map_: Map, framed: Frame) -> Patch:
    """Return the part of a picture that a field takes, straightened.

    Parameters
    ----------
    contrast : (height, width) uint8
        As `Ink.contrast`.
    map_ : (3, 3) float
        From millimeters of the form to pixels of `contrast`.
    """
    back = map_ @ np.linalg.inv(framed.map)
    patch = cv2.warpPerspective(
        contrast,
        back,
        framed.size,
        flags=cv2.INTER_AREA | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.asarray(patch, np.float32)


def without_lines(patch: Patch, lines: list[Segment], noise: float) -> Patch:
    """Return a patch with its printed lines removed and the strokes that cross them kept.

    Parameters
    ----------
    patch : Patch
    lines : list of (left, top, left, top)
        In pixels of the patch.
    noise : float
        Standard deviation of the paper's contrast.
    """
    level = max(SIGMAS * noise, FLOOR)
    banned = np.zeros(patch.shape, bool)
    bands = []
    for left, top, right, bottom in lines:
        across = abs(right - left) >= abs(bottom - top)
        ends, middle = ((left, right), (top + bottom) / 2) if across else ((top, bottom), (left + right) / 2)
        band = _find_band(patch if across else patch.T, ends, middle, level)
        if band is not None:
            bands.append((across, band))
            (banned if across else banned.T)[band.rows, band.columns] = True
    # Without any of the lines, so that one is not taken for a stroke that crosses another.
    rest = np.where(banned, 0, patch)
    strong = rest[rest > 2 * level]
    stroke = max(2 * level, 0.4 * percentile(strong, 75) if strong.size else 0.0)
    kept = rest.copy()
    for across, band in bands:
        view, pen = (rest, patch) if across else (rest.T, patch.T)
        part = np.where(_crossings(view, pen, band, stroke), pen[band.rows, band.columns], 0)
        target = (kept if across else kept.T)[band.rows, band.columns]
        np.maximum(target, part, out=target)
    return kept


@dataclass(frozen=True, eq=False)
class Band:
    """Where a line across lies in a patch: rows from the first to the last, and how dark it is in each."""

    rows: slice
    columns: slice
    profile: NDArray[np.float32]


def _find_band(patch: Patch, ends: tuple[float, float], middle: float, level: float) -> Band | None:
    height, width = patch.shape
    reach = round(0.1 * HEIGHT)
    first, last = max(0, round(ends[0]) - reach // 2), min(width, round(ends[1]) + reach // 2 + 1)
    above, below = max(0, round(middle) - reach), min(height, round(middle) + reach + 1)
    if last - first < 3 or below - above < 3:
        return None
    # Digits cross in some places only, so the median along the line is the line's alone.
    profile = np.median(patch[above:below, first:last], axis=1)
    peak = int(profile.argmax())
    if profile[peak] < level:
        return None
    dark = profile > max(0.12 * float(profile[peak]), 0.5 * level)
    top, bottom = peak, peak
    while top > 0 and dark[top - 1]:
        top -= 1
    while bottom < len(dark) - 1 and dark[bottom + 1]:
        bottom += 1
    # One more on each side: no line is printed or flattened quite straight.
    top, bottom = max(0, above + top - 1), min(height, above + bottom + 2)
    return Band(slice(top, bottom), slice(first, last), np.median(patch[top:bottom, first:last], axis=1))


def _crossings(rest: Patch, patch: Patch, band: Band, stroke: float) -> NDArray[np.bool_]:
    """Return where in a band there are strokes: ink lies on both sides, or it is darker than the line."""
    top, bottom = band.rows.start, band.rows.stop
    over = rest[max(0, top - 2) : top, band.columns].max(axis=0, initial=0) > stroke
    under = rest[bottom : bottom + 2, band.columns].max(axis=0, initial=0) > stroke
    darker = patch[band.rows, band.columns] > np.maximum(1.4 * band.profile[:, None], stroke)
    return np.asarray(darker | _between(over, under, bottom - top), np.bool_)


def _between(over: NDArray[np.bool_], under: NDArray[np.bool_], thick: int) -> NDArray[np.bool_]:
    """Return what of a band lies between the ink above it and the ink below it: (thick, columns)."""
    found = np.zeros((thick, len(over)), bool)
    starts = _runs(over)
    for low, high in _runs(under):
        for left, right in starts:
            if low <= right + 2 * thick and left <= high + 2 * thick:
                for row in range(thick):
                    share = (row + 1) / (thick + 1)
                    begin = left + share * (low - left)
                    end = right + share * (high - right)
                    found[row, round(begin) : round(end) + 1] = True
    return found


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last place of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(end) - 1) for start, end in edges.reshape(-1, 2)]


@dataclass(frozen=True, eq=False)
class Strokes:
    """The strokes of a patch, and whose they are.

    Parameters
    ----------
    owner : (height, width) int32
        The cell that each pixel of a stroke belongs to; -1 where there is none, or another field's.
    speck : (height, width) bool
        What is too small for a stroke.
    pen : float
        How dark the strokes are.
    """

    owner: NDArray[np.int32]
    speck: NDArray[np.bool_]
    pen: float


def find_strokes(patch: Patch, boxes: list[tuple[float, float, float, float]], noise: float) -> Strokes:
    """Return the strokes of a patch whose lines are removed, each given to a cell.

    Strokes belong to the cell that holds most of them, and reach over its lines; only what lies in two cells
    in large parts is cut between them.

    Parameters
    ----------
    patch : Patch
    boxes : list of (left, top, right, bottom)
        The cells, in pixels of the patch, from left to right.
    noise : float
        Standard deviation of the paper's contrast.
    """
    level = max(SIGMAS * noise, FLOOR)
    strong = patch[patch > 2 * level]
    pen = percentile(strong, 75) if strong.size else 0.0
    mask = (patch > max(level, 0.3 * pen)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    owner = np.full(patch.shape, -1, np.int32)
    home = _homes(patch.shape, boxes)
    border = _borders(patch.shape, boxes)
    speck = np.zeros(patch.shape, bool)
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[label])
        part = (slice(top, top + height), slice(left, left + width))
        own = labels[part] == label
        shares = np.bincount(home[part][own] + 1, minlength=len(boxes) + 1)[1:] / area
        # Where most lies outside of the field it is another's; what hugs a line is what is left of the line.
        thin = area <= THIN * HEIGHT * (width + height)
        if shares.sum() < 0.5 or (thin and border[part][own].mean() > 0.9):
            continue
        main = int(shares.argmax())
        cell_height = boxes[main][3] - boxes[main][1]
        speck[part] |= own & (area < SPECK * cell_height**2)
        several = np.count_nonzero(shares > SHARED) > 1
        owner[part][own] = home[part][own] if several else main
    return Strokes(owner, speck, pen)


def cut(patch: Patch, boxes: list[tuple[float, float, float, float]], noise: float) -> list[Cell]:
    """Return what is in each cell of a patch whose lines are removed; parameters as of `find_strokes`."""
    strokes = find_strokes(patch, boxes, noise)
    return [
        _cell(patch, strokes.owner == index, strokes.speck, box, strokes.pen)
        for index, box in enumerate(boxes)
    ]


def _borders(shape: tuple[int, ...], boxes: list[tuple[float, float, float, float]]) -> NDArray[np.bool_]:
    """Return which pixels lie close to the lines of cells."""
    drawn = np.zeros(shape, np.uint8)
    for box in boxes:
        left, top, right, bottom = (round(side) for side in box)
        wide = round(CLOSE * HEIGHT)
        # Rules may go on beyond the field.
        for side in (top, bottom):
            drawn[max(0, side - wide) : side + wide + 1] = 1
        for side in (left, right):
            drawn[:, max(0, side - wide) : side + wide + 1] = 1
    return drawn > 0


def _homes(shape: tuple[int, ...], boxes: list[tuple[float, float, float, float]]) -> NDArray[np.int32]:
    """Return for each pixel the cell that it lies in, -1 for none; gaps between cells go to the nearer."""
    homes = np.full(shape, -1, np.int32)
    for index, (left, top, right, bottom) in enumerate(boxes):
        start = (boxes[index - 1][2] + left) / 2 if index else left
        end = (boxes[index + 1][0] + right) / 2 if index + 1 < len(boxes) else right
        homes[max(0, round(top)) : round(bottom), max(0, round(start)) : round(end)] = index
    return homes


def _cell(
    patch: Patch,
    own: NDArray[np.bool_],
    speck: NDArray[np.bool_],
    box: tuple[float, float, float, float],
    pen: float,
) -> Cell:
    area = (box[3] - box[1]) ** 2
    specks = float(np.count_nonzero(own & speck)) / area
    kept = own & ~speck
    ink = float(np.count_nonzero(kept)) / float(area)
    if not kept.any():
        return Cell(np.zeros((SIZE, SIZE), np.uint8), 0.0, specks)
    # The soft edges of the strokes belong to them.
    soft = cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    values = np.where(soft, np.clip(patch * (255 / max(pen, 1.0)), 0, 255), 0).astype(np.float32)
    return Cell(center(fit(crop(values))), ink, specks)
