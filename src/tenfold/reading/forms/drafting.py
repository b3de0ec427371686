"""Drafting a template from a blank form: its empty boxes, those side by side as the cells of one field."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels
from tenfold.errors import FormError
from tenfold.reading.forms.alignment import TILT, tilt
from tenfold.reading.forms.laying import AREA, inks, lay
from tenfold.reading.forms.printed import Printed, find_printed
from tenfold.reading.forms.template import Field, Rectangle, Segment, Template
from tenfold.reading.ink import FLOOR, SIGMAS, Ink, find_ink
from tenfold.reading.pages import Picture

PAPERS = ((210.0, 297.0), (215.9, 279.4))
"""A4 and Letter, in millimeters: what a page is taken for whose shape is one of theirs."""
LEAST = 3.5
"""Millimeters that a box must be wide and high."""
HIGHEST = 25.0
"""Millimeters from which on a box is a frame around something else."""
PRINT = 0.01
"""Part of a box that is ink from which on it is taken to hold print."""
ALIKE = 0.15
"""How much the cells of a row may differ, as a part of their size."""
WIDE = 1.8
"""Width of a box, as a part of its height, from which on it is for a number, not for one digit."""
LONG = 0.3
"""Part of the page's width from which on a rule helps to align it."""


@dataclass(frozen=True)
class Hole:
    """The inside of an empty box, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """From top to bottom."""
        return self.bottom - self.top


def draft(picture: Picture, size: tuple[float, float] | None = None, name: str = "") -> Template:
    """Return a template with every empty box that is printed on a blank form.

    Parameters
    ----------
    picture : Picture
        Of the blank form, whole and upright; turned by a few degrees at most.
    size : (float, float) or None
        Width and height of the page in millimeters; None: A4 or Letter where the shape fits, else 210 wide.
    name : str

    Raises
    ------
    FormError
        There is no empty box, the page lies on its side or is turned by more than `TILT` degrees, or the
        template would not fit the page itself.
    """
    pixels = picture.pixels
    _check_shape(pixels, size)
    for ink in inks(pixels):
        sheet = _Sheet(pixels, ink, size)
        if sheet.rows:
            break
    if abs(sheet.angle) > TILT:
        way = "clockwise" if sheet.angle > 0 else "counterclockwise"
        raise FormError(
            f"The page is turned by about {abs(sheet.angle):.0f} degrees {way}, by more than {TILT:g}. Turn "
            "the picture upright, or scan it again."
        )
    if not sheet.rows:
        raise FormError(
            "No empty box was found. Give an upright scan of the blank form on which its boxes are closed by "
            f"lines, at least {LEAST:g} mm wide and high."
        )
    template = sheet.template(name)
    try:
        lay(template, picture)
    except FormError:
        raise FormError(
            f"A template drafted from this page would not fit it: it is turned by {abs(sheet.angle):g} "
            "degrees, bent or in perspective. Scan it again, flat, whole and upright."
        ) from None
    return template


def may_lie_on_its_side(template: Template) -> bool:
    """Return whether a draft has few boxes side by side, but many cells one above another."""
    boxes = [template.millimeters(item.box) for item in template.fields]
    stacked = sum(
        max(abs(top + height - below[1]), abs(left - below[0]), abs(width - below[2])) < 1
        for left, top, width, height in boxes
        for below in boxes
        if width < WIDE * height
    )
    return stacked >= 3 and stacked > 2 * sum(item.cells or 0 for item in template.fields)


class _Sheet:
    """What is found on a blank form, turned upright: its boxes row by row, and what else is printed."""

    def __init__(self, pixels: Pixels, ink: Ink, size: tuple[float, float] | None) -> None:
        printed = find_printed(ink)
        self.angle = tilt(printed.soft[0], printed.soft[1])
        if self.angle:
            ink = find_ink(_turned(pixels, self.angle), AREA, dark=not ink.inverted, keep_rules=True)
            printed = find_printed(ink)
            left = tilt(printed.soft[0], printed.soft[1])
            self.angle += left if abs(left) > 0.5 else 0
        self.ink, self.printed = ink, printed
        height, width = ink.contrast.shape
        self.size = size or _paper(width, height)
        self.scale = self.size[0] / width
        lines = _lines(printed)
        self.thick = _thickness(lines)
        holes = [hole for hole in _holes(lines, self.scale) if _is_empty(ink, hole)]
        self.rows = _rows(holes, self.thick)

    def template(self, name: str) -> Template:
        """Return the template of what was found."""
        fields = tuple(_field(number, row, self.thick, self.scale) for number, row in enumerate(self.rows, 1))
        marks = tuple(_marks(self.printed, self.ink, self.scale))
        rules = tuple(_rules(self.printed, self.scale, Template(self.size, "mm", fields, name=name)))
        return Template(self.size, "mm", fields, (), rules, marks, name)


def _check_shape(pixels: Pixels, size: tuple[float, float] | None) -> None:
    """Refuse a page that lies on its side."""
    if size is None:
        return
    height, width = pixels.shape[:2]
    if abs(np.log(size[0] / size[1] * width / height)) < 0.5 * abs(
        np.log(size[0] / size[1] * height / width)
    ):
        raise FormError(
            f"The page is turned by a quarter: it is {width} x {height} pixels, its size {size[0]:g} x "
            f"{size[1]:g} mm. Turn the picture upright, or give {size[1]:g} x {size[0]:g} mm."
        )


def _turned(pixels: Pixels, angle: float) -> Pixels:
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    return np.asarray(
        cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _paper(width: int, height: int) -> tuple[float, float]:
    for short, long in PAPERS:
        for size in ((short, long), (long, short)):
            if abs(size[1] / size[0] / (height / width) - 1) < 0.02:
                return size
    return 210.0, round(210.0 * height / width, 1)


def _lines(printed: Printed) -> NDArray[np.uint8]:
    """Return all rules, small gaps in them closed."""
    across = cv2.morphologyEx(printed.across, cv2.MORPH_CLOSE, np.ones((1, 9), np.uint8))
    down = cv2.morphologyEx(printed.down, cv2.MORPH_CLOSE, np.ones((9, 1), np.uint8))
    # Where two rules meet, neither may reach the other by a pixel.
    both = cv2.bitwise_or(across, down)
    return np.asarray(cv2.morphologyEx(both, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.uint8)


def _thickness(lines: NDArray[np.uint8]) -> float:
    """Return how thick rules are, in pixels: twice the distance from their edges to their middles."""
    distance = cv2.distanceTransform(lines, cv2.DIST_L1, 3)
    return 2 * float(np.median(distance[distance > 0])) if lines.any() else 1.0


def _holes(lines: NDArray[np.uint8], scale: float) -> Iterator[Hole]:
    """Yield what rules enclose that is rectangular and of a box's size."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(255 - lines, connectivity=4)
    for left, top, width, height, area in stats[1:].tolist():
        if min(width, height) * scale < LEAST or height * scale > HIGHEST:
            continue
        if area >= 0.9 * width * height and left > 0 and top > 0:
            hole = Hole(left, top, left + width, top + height)
            if hole.right < lines.shape[1] and hole.bottom < lines.shape[0]:
                yield hole


def _is_empty(ink: Ink, hole: Hole) -> bool:
    edge = max(2, hole.height // 12)
    inside = ink.contrast[hole.top + edge : hole.bottom - edge, hole.left + edge : hole.right - edge]
    return float(np.mean(inside > max(SIGMAS * ink.noise, FLOOR, 48))) < PRINT


def _rows(holes: list[Hole], thick: float) -> list[list[Hole]]:
    """Return the boxes from the top left, those that stand side by side and are alike together."""
    left = sorted(holes, key=lambda hole: hole.left)
    rows = []
    while left:
        row = [left.pop(0)]
        while True:
            following = [hole for hole in left if _continues(row, hole, thick)]
            if not following:
                break
            left.remove(following[0])
            row.append(following[0])
        rows.append(row)
    # Those whose tops differ by less than half a box stand beside each other.
    rows.sort(key=lambda row: row[0].top)
    ordered: list[list[list[Hole]]] = []
    for row in rows:
        if not ordered or row[0].top - ordered[-1][0][0].top > 0.5 * row[0].height:
            ordered.append([])
        ordered[-1].append(row)
    return [row for band in ordered for row in sorted(band, key=lambda row: row[0].left)]


def _continues(row: list[Hole], hole: Hole, thick: float) -> bool:
    last = row[-1]
    gap = hole.left - last.right
    if not 0 < gap <= max(0.6 * last.width, 3 * thick):
        return False
    if len(row) > 1 and abs(gap - (last.left - row[-2].right)) > max(3.0, ALIKE * last.width):
        return False
    same = (abs(hole.top - last.top), abs(hole.bottom - last.bottom))
    return max(same) <= ALIKE * last.height and abs(hole.width - last.width) <= ALIKE * last.width + 2


def _field(number: int, row: list[Hole], thick: float, scale: float) -> Field:
    gaps = [after.left - before.right for before, after in itertools.pairwise(row)]
    between = float(np.median(gaps)) if gaps else thick
    # Cells that stand side by side share a line; those further apart have one each.
    apart = between > 2.5 * thick + 2
    line = thick if apart else between
    left, right = row[0].left - line / 2, row[-1].right + line / 2
    top = float(np.median([hole.top for hole in row])) - line / 2
    bottom = float(np.median([hole.bottom for hole in row])) + line / 2
    x, y, width, height = (round(value * scale, 2) for value in (left, top, right - left, bottom - top))
    return Field(
        f"field{number}",
        (x, y, width, height),
        cells=len(row) if len(row) > 1 else None,
        gap=round((between - line) * scale, 2) if apart else 0.0,
        printed="cells" if len(row) > 1 else "outline",
    )


def _marks(printed: Printed, ink: Ink, scale: float) -> Iterator[Rectangle]:
    """Yield solid squares and disks that stand alone."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(printed.solid)
    for left, top, width, height, area in stats[1:].tolist():
        # What the picture's edge cuts is no mark; turning the picture draws it out.
        right, bottom = left + width, top + height
        if min(left, top) == 0 or bottom == printed.solid.shape[0] or right == printed.solid.shape[1]:
            continue
        if (
            not 2.0 <= width * scale <= 15
            or not 0.75 <= width / height <= 1.33
            or area < 0.7 * width * height
        ):
            continue
        around = ink.contrast[
            max(0, top - height // 2) : bottom + height // 2,
            max(0, left - width // 2) : right + width // 2,
        ]
        if np.count_nonzero(around > 64) < 1.25 * area:
            yield tuple(round(value * scale, 2) for value in (left, top, width, height))


def _rules(printed: Printed, scale: float, template: Template) -> Iterator[Segment]:
    """Yield long rules that are none of the fields' own."""
    own = np.array(list(template.lines()))
    for mask, down in ((printed.across, False), (printed.down, True)):
        closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 3) if down else (3, 9), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(closed)
        for left, top, width, height, _ in stats[1:].tolist():
            long, short = (height, width) if down else (width, height)
            if long * scale < LONG * template.size[0] or short * 12 > long:
                continue
            # The edge of the sheet or of the scanner's glass is no rule of the form.
            if min(left, top) < 0.01 * mask.shape[1] or left + width > 0.985 * mask.shape[1]:
                continue
            x, y = (left + width / 2) * scale, (top + height / 2) * scale
            if down:
                line = (x, top * scale, x, (top + height) * scale)
            else:
                line = (left * scale, y, (left + width) * scale, y)
            if not _lies_on(own, line):
                yield tuple(round(value, 2) for value in line)


def _lies_on(lines: NDArray[np.float64], line: Segment) -> bool:
    """Return whether a line runs along any of the others, within a millimeter."""
    down = abs(line[3] - line[1]) > abs(line[2] - line[0])
    across = 0 if down else 1
    along = 1 - across
    near = (np.abs(lines[:, across] - line[across]) < 1) & (np.abs(lines[:, across + 2] - line[across]) < 1)
    meets = (lines[:, along] < line[along + 2]) & (lines[:, along + 2] > line[along])
    return bool((near & meets).any())
