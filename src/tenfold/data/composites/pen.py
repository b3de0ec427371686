"""A pen: lines given as points, drawn as ink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Line = NDArray[np.float32]
Gray = NDArray[np.uint8]

_FINE = 224
"""The shorter side of what is drawn before it is shrunk: OpenCV's lines have whole widths."""

_PIECES = 6
_BITS = 4


@dataclass(frozen=True)
class Pen:
    """What lines are drawn with.

    Attributes
    ----------
    width : float > 0
        In pixels.
    pressure : float in [0, 1)
        How much the width changes along a line, as a part of it: it swells by so much and shrinks by so much.
    phase : float
        Where along a line the pen is pressed most, in radians.
    """

    width: float
    pressure: float = 0.0
    phase: float = 0.0

    def widths(self, pieces: int) -> NDArray[np.float64]:
        """Return the width of each of so many pieces of a line, (pieces,) float64."""
        turn = np.linspace(0, np.pi, pieces)
        swell: NDArray[np.float64] = self.width * (1 + self.pressure * np.cos(turn - self.phase))
        return swell


def draw(lines: Sequence[Line], shape: tuple[int, int], pen: Pen) -> Gray:
    """Draw lines.

    Parameters
    ----------
    lines : sequence of (k, 2) float32
        Points (x, y) in pixels, y downward; the middle of the first pixel is (0.5, 0.5). What lies outside
        the picture is cut off. A line of one point is a dot.
    shape : (height, width)
    pen : Pen

    Returns
    -------
    image : (height, width) uint8
        Ink 255 on paper 0.
    """
    height, width = shape
    fine = max(3, -(-_FINE // min(shape)))
    canvas = np.zeros((height * fine, width * fine), np.uint8)
    for line in lines:
        points = np.rint((line * fine - 0.5) * (1 << _BITS)).astype(np.int32)
        points = np.concatenate([points, points]) if len(points) == 1 else points
        cuts = _cuts(len(points)) if pen.pressure else [0, len(points) - 1]
        for start, stop, wide in zip(cuts[:-1], cuts[1:], pen.widths(len(cuts) - 1), strict=True):
            piece = points[start : stop + 1]
            cv2.polylines(canvas, [piece], False, 255, _thickness(wide * fine), shift=_BITS)
    image = np.empty(shape, np.uint8)
    cv2.resize(canvas, (width, height), dst=image, interpolation=cv2.INTER_AREA)
    return image


def _thickness(width: float) -> int:
    """Return what to call OpenCV's line that is nearest to so many pixels wide.

    Between fixed-point ends its lines are 1, 3, 5, 7, ... pixels wide where 1, 2, 3, 5, ... is asked for.
    """
    odd = 2 * round((width - 1) / 2) + 1
    return {1: 1, 3: 2}.get(odd, odd - 2) if odd > 0 else 1


def _cuts(count: int) -> list[int]:
    """Return where a line of so many points is cut into pieces, its first and last point included."""
    pieces = min(_PIECES, count - 1)
    return [round(cut * (count - 1) / pieces) for cut in range(pieces + 1)]
