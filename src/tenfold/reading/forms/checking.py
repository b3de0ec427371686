"""Checking a template against a page: how well each field fits, and a picture of what is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from tenfold.data.pixels import Pixels
from tenfold.reading.forms.cells import cut, find_strokes
from tenfold.reading.forms.laying import Laid, fit_of, lay
from tenfold.reading.forms.template import Field, Template
from tenfold.reading.pages import Picture

LONGEST = 2000
"""Pixels of the longer side of the picture that is drawn."""
FITS = 0.6
"""Part of a field's printed lines from which on it is said to fit."""

_GREEN, _RED, _BLUE, _GRAY = (0, 140, 60), (200, 40, 30), (20, 90, 220), (120, 120, 120)


@dataclass(frozen=True, eq=False)
class Check:
    """What a page looks like through a template.

    Parameters
    ----------
    support : float in [0, 1]
        Part of all printed lines and marks that were found, in the worse direction.
    rotation : int
        By how many degrees the page is turned clockwise in the picture.
    fields : dict of field to FieldCheck
    drawn : (height, width, 3) uint8
        The page with the template over it: fields that fit green, others red; the ink of each cell blue.
    """

    support: float
    rotation: int
    fields: dict[str, FieldCheck]
    drawn: Pixels

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds: all but the picture."""
        return {
            "support": round(self.support, 4),
            "rotation": self.rotation,
            "fields": [
                {
                    "field": name,
                    "fit": item.fit and round(item.fit, 4),
                    "cells": item.cells,
                    "filled": item.filled,
                }
                for name, item in self.fields.items()
            ],
        }


@dataclass(frozen=True)
class FieldCheck:
    """How a field fits.

    Parameters
    ----------
    fit : float in [0, 1], or None
        Part of its printed lines that were found; None where it has none.
    cells : int
    filled : int
        How many of them hold ink.
    """

    fit: float | None
    cells: int
    filled: int


def check_form(template: Template, picture: Picture) -> Check:
    """Return how a page fits a template, with a picture of what is seen.

    Raises
    ------
    FormError
        The page does not fit the template.
    """
    laid = lay(template, picture)
    pixels = picture.pixels
    canvas = pixels if pixels.ndim == 3 else cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    scale = min(1.0, LONGEST / max(pixels.shape))
    # Paler, so that what is drawn stands out.
    faded = 255 - (255 - cv2.resize(canvas, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)) // 2
    drawn = np.ascontiguousarray(faded, np.uint8)
    fields = {item.name: _check_field(item, laid, drawn, scale) for item in template.fields}
    for mark in template.marks:
        _outline(drawn, laid.corners(None, template.millimeters(mark)) * scale, _GREEN)
    for rule in template.rules:
        ends = np.array([template.point(*rule[:2]), template.point(*rule[2:])])
        _outline(drawn, laid.to_picture(laid.alignment.map, ends) * scale, _GREEN)
    return Check(laid.alignment.support, laid.alignment.rotation, fields, drawn)


def _check_field(item: Field, laid: Laid, drawn: Pixels, scale: float) -> FieldCheck:
    template = laid.template
    framed, patch = laid.patch(item)
    boxes = [framed.place(cell) for cell in template.cells(item)]
    cells = cut(patch, boxes, laid.ink.noise)
    strokes = find_strokes(patch, boxes, laid.ink.noise)
    # The ink that counts, back in the picture.
    back = np.diag([scale, scale, 1]) @ laid.from_patch(item, framed)
    size = (drawn.shape[1], drawn.shape[0])
    seen = cv2.warpPerspective(((strokes.owner >= 0) & ~strokes.speck).astype(np.uint8) * 255, back, size)
    drawn[seen > 127] = _BLUE
    fit = fit_of(template, item, laid.maps[item.name], laid.printed)
    color = _GRAY if fit is None else _GREEN if fit >= FITS else _RED
    for cell in template.cells(item):
        _outline(drawn, laid.corners(item, cell) * scale, color)
    corner = laid.corners(item, template.millimeters(item.box)).min(axis=0) * scale
    words = item.name if fit is None else f"{item.name} {fit:.0%}"
    size_of_words = max(0.4, max(drawn.shape) / 2600)
    place = (max(0, round(corner[0])), max(12, round(corner[1]) - 5))
    for ink, thick in (((255, 255, 255), 4), (color, 1)):
        cv2.putText(drawn, words, place, cv2.FONT_HERSHEY_SIMPLEX, size_of_words, ink, thick, cv2.LINE_AA)
    return FieldCheck(fit, len(boxes), sum(1 for cell in cells if cell.ink > 0))


def _outline(drawn: Pixels, points: np.ndarray, color: tuple[int, int, int]) -> None:
    # Sixteenths of a pixel: lines lie where they are, not where the grid is.
    cv2.polylines(drawn, [np.rint(points * 16).astype(np.int32)], True, color, 1, cv2.LINE_AA, 4)
