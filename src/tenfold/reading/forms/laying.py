"""A page laid on its template: every field straightened, and the way back to the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels
from tenfold.errors import FormError
from tenfold.reading.forms.alignment import (
    Alignment,
    Map,
    Points,
    Samples,
    align,
    apply,
    refine,
    sample_line,
    support,
    turned_back,
)
from tenfold.reading.forms.cells import Frame, Patch, frame, straighten, without_lines
from tenfold.reading.forms.printed import Printed, find_printed
from tenfold.reading.forms.template import Field, Rectangle, Template
from tenfold.reading.ink import Ink, find_ink
from tenfold.reading.pages import Picture
from tenfold.reading.result import Box

AREA = 3_000_000
"""Pixels at which a form is worked on: a cell of 6 mm on A4 is 40 pixels high."""
SNAP = 1.2
"""Millimeters by which a single field may lie off the page's map: paper bends."""


@dataclass(frozen=True, eq=False)
class Laid:
    """A page laid on its template.

    Parameters
    ----------
    template : Template
    ink : Ink
        Of the picture as given.
    contrast : (height, width) uint8
        As `Ink.contrast`, turned upright.
    printed : Printed
        Turned upright as well.
    alignment : Alignment
    maps : dict of field to (3, 3) float
        From millimeters of the form to working pixels of the picture turned upright, about that field.
    size : (int, int)
        Width and height of the picture as given.
    """

    template: Template
    ink: Ink
    contrast: NDArray[np.uint8]
    printed: Printed
    alignment: Alignment
    maps: dict[str, Map]
    size: tuple[int, int]

    def patch(self, item: Field) -> tuple[Frame, Patch]:
        """Return a field straightened, printed lines removed, and its place there."""
        framed = frame(self.template, item)
        patch = straighten(self.contrast, self.maps[item.name], framed)
        lines = []
        for line in self.template.lines():
            ends = apply(framed.map, np.array([line[:2], line[2:]]))
            if (ends.max(axis=0) > 0).all() and (ends.min(axis=0) < framed.size).all():
                lines.append((*ends[0], *ends[1]))
        return framed, without_lines(patch, lines, self.ink.noise)

    def corners(self, item: Field | None, box: Rectangle) -> Points:
        """Return where the corners of a box, in millimeters of the form, are in the picture as given.

        `item` is the field that the box is of; None for one elsewhere on the page.
        """
        left, top, width, height = box
        points = np.array(
            [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
        )
        return self.to_picture(self.alignment.map if item is None else self.maps[item.name], points)

    def to_picture(self, map_: Map, points: Points) -> Points:
        """Return where points of the form are in the picture as given, by one of the maps."""
        return apply(self._given() @ map_, points)

    def from_patch(self, item: Field, framed: Frame) -> Map:
        """Return the map from a field's patch to the picture as given."""
        found: Map = self._given() @ self.maps[item.name] @ np.linalg.inv(framed.map)
        return found

    def _given(self) -> Map:
        """Return the map from working pixels, upright, to the picture as given."""
        scale = 1 / self.ink.scale
        # The middle of the first pixel is at 0 in both.
        shift = 0.5 * scale - 0.5
        grow = np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])
        return np.asarray(grow @ turned_back(self.alignment.turns, self.ink.contrast.shape))

    def box(self, item: Field, box: Rectangle) -> Box:
        """Return the upright box in the picture as given around a box of the form, in millimeters."""
        corners = self.corners(item, box)
        low = np.clip(np.floor(corners.min(axis=0)), 0, np.array(self.size) - 1).astype(int)
        high = np.clip(np.ceil(corners.max(axis=0)), low + 1, self.size).astype(int)
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def lay(template: Template, picture: Picture) -> Laid:
    """Lay a page on its template.

    Raises
    ------
    FormError
        The page does not fit the template.
    """
    failures = []
    for ink in inks(picture.pixels):
        try:
            return _lay(template, picture.pixels, ink)
        except FormError as error:
            failures.append(error)
    raise failures[-1]


def inks(pixels: Pixels) -> Iterator[Ink]:
    """Yield the ink of a form, dark on light; of a dark picture first what its polarity seems to be."""
    # It may be light on dark, or a sheet on a dark desk.
    if float(np.median(pixels[::8, ::8])) < 128:
        yield find_ink(pixels, AREA, keep_rules=True)
    yield find_ink(pixels, AREA, dark=True, keep_rules=True)


def _lay(template: Template, pixels: Pixels, ink: Ink) -> Laid:
    height, width = pixels.shape[:2]
    printed = find_printed(ink)
    alignment = align(template, ink, printed)
    printed = printed.turned(alignment.turns)
    contrast = np.ascontiguousarray(np.rot90(ink.contrast, -alignment.turns))
    maps = {item.name: _snapped(template, item, alignment.map, printed) for item in template.fields}
    return Laid(template, ink, contrast, printed, alignment, maps, (width, height))


def fit_of(template: Template, item: Field, map_: Map, printed: Printed) -> float | None:
    """Return the part of a field's own printed lines that were found, in the worse direction."""
    samples = _samples_of(template, item)
    return None if samples is None else support(map_, samples, printed)


def _snapped(template: Template, item: Field, map_: Map, printed: Printed) -> Map:
    """Return the page's map, moved a little so that it fits a field's own lines best."""
    samples = _samples_of(template, item)
    if samples is None:
        return map_
    snapped = refine(map_, samples, printed, SNAP, rigid=True)
    return snapped if support(snapped, samples, printed) >= support(map_, samples, printed) else map_


def _samples_of(template: Template, item: Field) -> Samples | None:
    lines = [sample_line(line) for line in template.lines_of(item)]
    if not lines:
        return None
    return Samples(
        np.concatenate([line.points for line in lines]), np.concatenate([line.kinds for line in lines])
    )
