"""From the picture as given to the upright page that is worked on, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.result import Box

Pixel = TypeVar("Pixel", bound=np.generic)


@dataclass(frozen=True)
class View:
    """A picture turned upright and reduced.

    Parameters
    ----------
    width, height : int
        Of the picture as given.
    scale : float
        Pixels of the view for each pixel of the picture.
    turns : int
        Quarter turns clockwise by which the writing is turned in the picture: 0 to 3.
    """

    width: int
    height: int
    scale: float = 1.0
    turns: int = 0

    @property
    def rotation(self) -> int:
        """Degrees by which the writing is turned clockwise in the picture."""
        return 90 * self.turns

    def upright(self, pixels: NDArray[Pixel]) -> NDArray[Pixel]:
        """Return pixels at the working scale turned upright."""
        return pixels if self.turns == 0 else np.ascontiguousarray(np.rot90(pixels, self.turns))

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return the box in the picture as given of a box in the view."""
        left, top, right, bottom = (side / self.scale for side in (left, top, right, bottom))
        if self.turns == 1:
            left, top, right, bottom = self.width - bottom, left, self.width - top, right
        elif self.turns == 2:
            left, top, right, bottom = (
                self.width - right,
                self.height - bottom,
                self.width - left,
                self.height - top,
            )
        elif self.turns == 3:
            left, top, right, bottom = top, self.height - right, bottom, self.height - left
        x0, y0 = max(0, round(left)), max(0, round(top))
        x1, y1 = min(self.width, round(right)), min(self.height, round(bottom))
        return x0, y0, max(1, x1 - x0), max(1, y1 - y0)
