"""What is printed on a page that it can be aligned by: rules across, rules down, solid marks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.ink import FLOOR, SIGMAS, Ink

Mask = NDArray[np.uint8]
"""(height, width) uint8: 255 where something is, else 0."""

SHORTEST = 1 / 80
"""Length, as a part of the picture's longer side, below which what is straight is no rule."""


@dataclass(frozen=True, eq=False)
class Printed:
    """What is printed, at the working scale.

    Parameters
    ----------
    across, down : (height, width) uint8
        255 where a rule runs from left to right, from top to bottom; else 0.
    solid : (height, width) uint8
        255 where something solid is.
    """

    across: Mask
    down: Mask
    solid: Mask

    @cached_property
    def soft(self) -> list[NDArray[np.float32]]:
        """The three masks with soft edges, in [0, 1]."""
        return [
            np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.0), np.float32) / np.float32(255)
            for mask in (self.across, self.down, self.solid)
        ]

    @cached_property
    def middles(self) -> NDArray[np.float64]:
        """The middles of what is solid: left and top of each, (n, 2)."""
        _, _, _, middles = cv2.connectedComponentsWithStats((self.soft[2] > 0.5).astype(np.uint8))
        return np.asarray(middles[1:], np.float64)

    def turned(self, quarters: int) -> Printed:
        """Return the same, turned clockwise by quarters."""
        if quarters % 4 == 0:
            return self
        across, down, solid = (
            np.ascontiguousarray(np.rot90(mask, -quarters)) for mask in (self.across, self.down, self.solid)
        )
        return Printed(down, across, solid) if quarters % 2 else Printed(across, down, solid)


def find_printed(ink: Ink) -> Printed:
    """Tell rules and solid marks from whatever else is dark.

    Rules may be turned by up to six degrees, and fainter than the writing over them.
    """
    # Not the ink's own mask: near dark writing that leaves out what is faint, as box lines may be.
    mask = np.where(ink.contrast > max(SIGMAS * ink.noise, FLOOR), 255, 0).astype(np.uint8)
    shortest = max(9, round(SHORTEST * max(mask.shape)))
    across, down = (_runs(mask, shape, shortest) for shape in ((1, 0), (0, 1)))
    side = max(5, round(shortest / 2.5))
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    solid = np.asarray(opened, np.uint8)
    # A solid block is full of runs; its edges are no rules.
    grown = np.asarray(cv2.dilate(solid, np.ones((5, 5), np.uint8)), np.uint8)
    return Printed(across & ~grown, down & ~grown, solid)


def _runs(mask: Mask, direction: tuple[int, int], shortest: int) -> Mask:
    """Return where ink runs straight in a direction (right, down) for at least so many pixels."""
    right, down = direction
    # Made thicker first: a rule that is turned a little is a staircase of short runs.
    thick = cv2.dilate(mask, np.ones((1 + 2 * right, 1 + 2 * down), np.uint8))
    kernel = np.ones((1 + down * (shortest - 1), 1 + right * (shortest - 1)), np.uint8)
    return np.asarray(cv2.morphologyEx(thick, cv2.MORPH_OPEN, kernel), np.uint8) & mask
