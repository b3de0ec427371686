"""Images in pieces that blacken few pixels, so that a product with a piece need not read the blank ones.

A digit covers a fifth of its picture, 37,800 digits cover nearly all of it, but three hundred digits that
reach equally far to the left, or lean the same way, leave half of it blank. The images are halved again and
again, each time along the line that leaves most pixels blank in the two halves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Piece:
    """Some images, and where their ink is.

    Attributes
    ----------
    images : (n,) int64
        Which images they are.
    pixels : (k,) int64
        Which pixels are not zero in all of them.
    """

    images: NDArray[np.int64]
    pixels: NDArray[np.int64]


def pieces(images: NDArray[Any], size: int) -> list[Piece]:
    """Divide images into pieces of at most `size`, each image in one of them.

    Parameters
    ----------
    images : (n, ...) of any number type
        Two axes and more are taken for height and width first.
    size : int >= 1

    Returns
    -------
    pieces : list of Piece
        Of nearly equal size.
    """
    ink = images.reshape(len(images), -1) != 0
    packed = np.packbits(ink, axis=1)
    extents = _extents(ink, images.shape[1:])

    def blackened(which: NDArray[np.int64]) -> int:
        return int(np.unpackbits(np.bitwise_or.reduce(packed[which], axis=0)).sum())

    def divide(which: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        if len(which) <= size:
            return [which]
        half = len(which) // 2
        orders = [which[np.argsort(extent[which], kind="stable")] for extent in extents]
        best = min(
            orders,
            key=lambda order: half * blackened(order[:half]) + (len(which) - half) * blackened(order[half:]),
        )
        return divide(best[:half]) + divide(best[half:])

    every = divide(np.arange(len(images)))
    return [Piece(which, np.flatnonzero(ink[which].any(axis=0))) for which in every]


def _extents(ink: NDArray[np.bool_], shape: tuple[int, ...]) -> list[NDArray[np.int16]]:
    """Return how far the ink of each image reaches: up, down, left, right, and along both diagonals."""
    first, *others = np.indices(shape, np.int16)[:2].reshape(min(len(shape), 2), -1)
    directions = [first, *others, *(first + other for other in others), *(first - other for other in others)]
    far = np.int16(2 * sum(shape))
    return [
        extent
        for direction in directions
        for extent in (
            np.where(ink, direction, -far).max(axis=1),
            np.where(ink, direction, far).min(axis=1),
        )
    ]
