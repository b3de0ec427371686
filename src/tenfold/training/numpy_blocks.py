"""Images as a population takes them: in pieces for the first layers, some pieces at once for the rest."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.training.numpy_losses import targets
from tenfold.training.numpy_operation import Array
from tenfold.training.pieces import pieces

PIECE = 600
"""How many images the first layers take at once, at most. Fewer have fewer pixels that are not blank in all
of them, but are smaller products."""

PIECES = 4
"""How many such pieces pass through the rest of the networks at once."""


@dataclass(frozen=True)
class Part:
    """A piece of the images, as the first layers take it.

    Attributes
    ----------
    here : slice
        Where it lies in its block.
    pixels : (k,) int64
        Which rows of the first layers' weights it needs, the last of them the biases.
    x : (k, n)
        The pixels, and below them ones for the biases.
    """

    here: slice
    pixels: NDArray[np.int64]
    x: Array


@dataclass(frozen=True)
class Block:
    """Some pieces of the images, which pass through together, with the targets (classes, n) by kind."""

    images: NDArray[np.int64]
    parts: list[Part]
    labels: NDArray[np.int64]
    wanted: dict[tuple[int, float], Array]


def blocks(
    images: NDArray[Any], x: Array, labels: NDArray[np.int64], kinds: Collection[tuple[int, float]]
) -> list[Block]:
    """Return images as blocks of `PIECES` pieces each.

    Parameters
    ----------
    images : (n, ...)
    x : (n, pixels)
        The same images, as the networks take them.
    labels : (n,) int64
    kinds : collection of (int, float)
        Numbers of classes, and label smoothing: the targets that are wanted.
    """
    found = pieces(x.reshape(images.shape), PIECE)
    # In one stretch of memory, which the system can map in large pages: it is read from end to end each step.
    memory = np.ones(sum((len(piece.pixels) + 1) * len(piece.images) for piece in found), x.dtype)
    made, taken = [], 0
    for start in range(0, len(found), PIECES):
        parts: list[Part] = []
        end = 0
        for piece in found[start : start + PIECES]:
            shape = len(piece.pixels) + 1, len(piece.images)
            values = memory[taken : taken + prod(shape)].reshape(shape)
            values[:-1] = x[piece.images[None, :], piece.pixels[:, None]]
            here = slice(end, end + len(piece.images))
            parts.append(Part(here, np.append(piece.pixels, x.shape[1]), values))
            taken, end = taken + values.size, here.stop
        which = np.concatenate([piece.images for piece in found[start : start + PIECES]])
        wanted = {kind: _wanted(labels[which], kind, x.dtype) for kind in kinds}
        made.append(Block(which, parts, labels[which], wanted))
    return made


def _wanted(labels: NDArray[np.int64], kind: tuple[int, float], dtype: np.dtype[Any]) -> Array:
    return np.ascontiguousarray(targets(labels, *kind, dtype).T)
