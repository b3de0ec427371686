"""Digits as lines of a pen: pictures thinned to their middle line, and the line followed.

A picture of a digit fixes the width of its pen. A line does not: it can be slanted, stretched, bent and
joined to its neighbor, and then be drawn with any pen at any size. So strings are written with lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.composites.strokes import choose, trace
from tenfold.data.composites.variants import VARIANTS
from tenfold.errors import DataError

Line = NDArray[np.float32]
Bits = NDArray[np.uint8]

ENLARGED = 2
"""Times that a picture is enlarged before it is thinned: loops of a pixel or two stay open."""

SHARES = (0.25, 0.6, 0.45, 0.25, 0.4, 0.45, 0.2, 0.55, 0.25, 0.45)
"""How often a digit is one drawn from strokes: most for 1 and 7, of which MNIST knows few ways."""

LOOPED = (6, 8)
"""Digits left out where they have no loop: a thick pen filled it, and thinning leaves a mere hook."""

_CHUNK = 512
_STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))


@dataclass(frozen=True, eq=False)
class Glyph:
    """One digit as lines, upright, its height 1.

    Attributes
    ----------
    label : int
    lines : tuple of (k, 2) float32
        x to the right and y downward. The lines lie between 0 and 1 in y, and between 0 and `width` in x.
    width : float
    """

    label: int
    lines: tuple[Line, ...]
    width: float


class Glyphs:
    """Pictures of digits, each turned into lines when it is first asked for.

    Parameters
    ----------
    images : (n, h, w) uint8
        Ink 255 on paper 0.
    labels : (n,) int
        From 0 to 9, each at least once.
    drawn : sequence of Glyph
        Further glyphs, drawn from strokes.
    shares : sequence of 10 float in [0, 1]
        How often `draw` takes one of those, digit by digit.

    Raises
    ------
    DataError
        A digit is missing, or there is not one label for each image.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        drawn: Sequence[Glyph] = (),
        shares: Sequence[float] = SHARES,
    ) -> None:
        if images.ndim != 3 or len(images) != len(labels):
            raise DataError(
                "Glyphs need images (n, h, w) and a label for each. "
                f"Got shape {images.shape} and {len(labels)} labels instead."
            )
        self._labels = np.asarray(labels)
        masks = enlarge(images)
        self._skeletons = np.packbits(thin(masks), axis=-1)
        self._width = images.shape[2] * ENLARGED
        good = [label not in LOOPED or _has_loop(mask) for label, mask in zip(labels, masks, strict=True)]
        self._members = [np.flatnonzero((self._labels == digit) & good) for digit in range(10)]
        self._known: dict[int, Glyph] = {}
        self._drawn = [[glyph for glyph in drawn if glyph.label == digit] for digit in range(10)]
        self._shares = shares
        missing = [digit for digit in range(10) if len(self._members[digit]) == 0]
        if missing:
            raise DataError(f"Glyphs need pictures of all ten digits. There is none of {missing}.")

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Glyph:
        if index not in self._known:
            skeleton = np.unpackbits(self._skeletons[index], axis=-1)[:, : self._width]
            self._known[index] = upright(int(self._labels[index]), follow(skeleton))
        return self._known[index]

    def draw(self, digit: int, rng: np.random.Generator) -> Glyph:
        """Return a random glyph of `digit`."""
        drawn = self._drawn[digit]
        if drawn and rng.random() < self._shares[digit]:
            return drawn[int(rng.integers(len(drawn)))]
        members = self._members[digit]
        return self[int(members[rng.integers(len(members))])]


def draw_glyphs(count: int, rng: np.random.Generator) -> list[Glyph]:
    """Draw so many glyphs from strokes, of all digits alike, in the hands that strings are written in."""
    names = choose(np.arange(count) % 10, rng, strings=True)
    digits = [VARIANTS[name].digit for name in names]
    return [_measured(digit, lines) for digit, lines in zip(digits, trace(names, rng), strict=True)]


def _measured(label: int, lines: Sequence[Line]) -> Glyph:
    return Glyph(label, tuple(lines), float(max(line[:, 0].max() for line in lines)))


def enlarge(images: NDArray[np.uint8]) -> Bits:
    """Return pictures (n, h, w) enlarged, as (n, h', w') uint8 of 0 and 1 with a border of 0."""
    count, height, width = images.shape
    size = (width * ENLARGED, height * ENLARGED)
    large = np.empty((count, size[1], size[0]), np.uint8)
    for image, place in zip(images, large, strict=True):
        np.greater(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), 110, out=place, casting="unsafe")
    large[:, [0, -1]] = 0
    large[:, :, [0, -1]] = 0
    return large


def _has_loop(mask: Bits) -> bool:
    return int(cv2.connectedComponents(1 - mask, connectivity=4)[0]) > 2


def thin(masks: Bits) -> Bits:
    """Thin shapes to lines one pixel wide (T. Y. Zhang and C. Y. Suen, 1984).

    Parameters
    ----------
    masks : (n, h, w) uint8 of 0 and 1, the outermost pixels 0

    Returns
    -------
    lines : (n, h, w) uint8 of 0 and 1
    """
    return np.concatenate([_thin(masks[start : start + _CHUNK]) for start in range(0, len(masks), _CHUNK)])


def _thin(masks: Bits) -> Bits:
    flat = masks.copy().reshape(-1)
    width = masks.shape[2]
    around = [-width, -width + 1, 1, width + 1, width, width - 1, -1, -width - 1]
    goes = _removable()
    ink = np.flatnonzero(flat)
    changed = True
    while changed:
        changed = False
        for table in goes:
            code = np.zeros(len(ink), np.uint8)
            for bit, offset in enumerate(around):
                code |= flat[ink + offset] << np.uint8(bit)
            remove = table[code]
            if remove.any():
                flat[ink[remove]] = 0
                ink = ink[~remove]
                changed = True
    return flat.reshape(masks.shape)


@cache
def _removable() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say for the 256 neighborhoods (bit 0 north, then clockwise) which pixel goes, in either half-step."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    count = bits.sum(axis=1)
    rises = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    north, east, south, west = bits[:, 0], bits[:, 2], bits[:, 4], bits[:, 6]
    common = (count >= 2) & (count <= 6) & (rises == 1)
    first = common & (north * east * south == 0) & (east * south * west == 0)
    second = common & (north * east * west == 0) & (north * south * west == 0)
    return first, second


def follow(skeleton: Bits) -> list[Line]:
    """Follow a thinned shape from end to end.

    Parameters
    ----------
    skeleton : (h, w) uint8 of 0 and 1

    Returns
    -------
    lines : list of (k, 2) float32
        Points (x, y) in pixels, every pixel on at least one line; lines begin at ends and junctions.
    """
    left = {(int(row), int(column)) for row, column in np.argwhere(skeleton)}
    everything = frozenset(left)

    def beside(
        pixel: tuple[int, int], among: frozenset[tuple[int, int]] | set[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        return [near for down, right in _STEPS if (near := (pixel[0] + down, pixel[1] + right)) in among]

    ends = sorted(pixel for pixel in left if len(beside(pixel, everything)) == 1)
    lines = []
    while left:
        start = next((end for end in ends if end in left), None) or min(left)
        # A line that goes on from one already drawn begins on it, so that no gap is left between them.
        line = [*[near for near in beside(start, everything) if near not in left][:1], start]
        left.remove(start)
        while onward := beside(line[-1], left):
            line.append(onward[0])
            left.remove(onward[0])
        drawn = set(line)
        line += [near for near in beside(line[-1], everything) if near not in drawn or near in line[:-8]][:1]
        lines.append(_smooth(np.array(line, np.float32)[:, ::-1]))
    return lines


def _smooth(line: Line) -> Line:
    """Take the steps of the pixels out of a line; its ends stay where they are."""
    if len(line) < 5:
        return np.ascontiguousarray(line)
    padded = np.concatenate([line[:1], line[:1], line, line[-1:], line[-1:]])
    smooth: Line = (
        padded[:-4] + 2 * padded[1:-3] + 2 * padded[2:-2] + 2 * padded[3:-1] + padded[4:]
    ) / np.float32(8)
    smooth[0], smooth[-1] = line[0], line[-1]
    return np.concatenate([smooth[:-1:2], smooth[-1:]])


def upright(label: int, lines: Sequence[Line]) -> Glyph:
    """Return a glyph made of lines: its slant taken out, its height 1.

    The slant is that of its points: the regression of x on y (as a picture is deslanted by its moments).
    """
    points = np.concatenate(lines)
    middle = points.mean(axis=0)
    away = points - middle
    slant = float((away[:, 0] * away[:, 1]).sum() / max(1e-6, float((away[:, 1] ** 2).sum())))
    slant = float(np.clip(slant, -0.8, 0.8))
    straight = [
        np.stack([line[:, 0] - slant * (line[:, 1] - middle[1]), line[:, 1]], axis=1) for line in lines
    ]
    points = np.concatenate(straight)
    low, high = points.min(axis=0), points.max(axis=0)
    height = max(1.0, float(high[1] - low[1]))
    return Glyph(
        label,
        tuple(((line - low) / height).astype(np.float32) for line in straight),
        float(high[0] - low[0]) / height,
    )
