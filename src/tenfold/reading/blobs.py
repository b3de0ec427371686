"""Connected pieces of ink: found, measured, and cleared of what is no writing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels


@dataclass(frozen=True, eq=False)
class Blobs:
    """Connected pieces of ink.

    Parameters
    ----------
    labels : (height, width) int32
        Which piece each pixel is of, from 1; 0 is paper.
    left, top, width, height, area : (n,) int64
        Of piece 1, 2, ...
    """

    labels: NDArray[np.int32]
    left: NDArray[np.int64]
    top: NDArray[np.int64]
    width: NDArray[np.int64]
    height: NDArray[np.int64]
    area: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.left)

    @property
    def side(self) -> NDArray[np.int64]:
        """The longer side of each piece."""
        return np.maximum(self.width, self.height)

    def count(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many pixels of each piece are in a mask."""
        return np.bincount(self.labels[mask], minlength=len(self) + 1)[1:]

    def mean(self, values: Pixels) -> NDArray[np.float64]:
        """Return the mean of `values` (height, width) over each piece."""
        inside = self.labels > 0
        sums = np.bincount(self.labels[inside], values[inside], len(self) + 1)
        return np.asarray(sums[1:] / np.maximum(self.area, 1), np.float64)


def find_blobs(mask: NDArray[np.bool_]) -> Blobs:
    """Return the connected pieces (8 neighbors) of a mask."""
    _, labels, table, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    left, top, width, height, area = np.asarray(table, np.int64)[1:].T
    return Blobs(np.asarray(labels, np.int32), left, top, width, height, area)


def is_writing(blobs: Blobs) -> NDArray[np.bool_]:
    """Return which pieces may be writing: no specks, no rules, no edges of the picture or of shadows.

    Parameters
    ----------
    blobs : Blobs

    Returns
    -------
    kept : (n,) bool
    """
    height, width = blobs.labels.shape
    side, short = blobs.side, np.minimum(blobs.width, blobs.height)
    right, bottom = blobs.left + blobs.width, blobs.top + blobs.height
    # The edge of a sheet or of a scan runs along the edge of the picture.
    near = 2
    along_x = (blobs.top <= near) | (bottom >= height - near)
    along_y = (blobs.left <= near) | (right >= width - near)
    flat = (blobs.width > 6 * blobs.height) & along_x | (blobs.height > 6 * blobs.width) & along_y
    large = (along_x & (blobs.width > 0.5 * width)) | (along_y & (blobs.height > 0.5 * height))
    rule = (side > 12 * short) & (side > 0.25 * min(height, width))
    edge = (flat & (side > 0.1 * min(height, width))) | (large & (min(height, width) > 120))
    return np.asarray((side >= 5) & ~edge & ~rule)


def weighted_median(values: NDArray[Any], weights: NDArray[Any]) -> float:
    """Return the value that half of the weight does not exceed; 0 of none."""
    if len(values) == 0:
        return 0.0
    order = np.argsort(values)
    mass = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(mass, mass[-1] / 2)])
