"""Connected pieces of ink: found, measured, and cleared of what is no writing."""

from __future__ import annotations

from dataclasses import dataclass

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

    @property
    def middle(self) -> NDArray[np.float64]:
        """The centers of the boxes, (n, 2): column, row."""
        return np.stack([self.left + self.width / 2, self.top + self.height / 2], axis=1)


def find_blobs(mask: NDArray[np.bool_]) -> Blobs:
    """Return the connected pieces (8 neighbors) of a mask."""
    _, labels, table, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    left, top, width, height, area = np.asarray(table, np.int64)[1:].T
    return Blobs(np.asarray(labels, np.int32), left, top, width, height, area)


def is_writing(blobs: Blobs, contrast: Pixels) -> NDArray[np.bool_]:
    """Return which pieces may be writing: no specks, no rules, no edges of the picture or of shadows.

    Parameters
    ----------
    blobs : Blobs
    contrast : (height, width) uint8

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


def typical_side(side: NDArray[np.int64], area: NDArray[np.int64]) -> float:
    """Return the longer side of a typical piece: the median, each piece weighted by its ink."""
    if len(side) == 0:
        return 0.0
    order = np.argsort(side)
    mass = np.cumsum(area[order])
    return float(side[order][np.searchsorted(mass, mass[-1] / 2)])
