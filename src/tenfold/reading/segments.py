"""A line cut into what may be one digit each, and the path through the cuts that reads best."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.normalize import center, crop, fit, percentile
from tenfold.data.pixels import Pixels
from tenfold.reading.blobs import Blobs

Side = TypeVar("Side", int, float)
Corners = tuple[int, int, int, int]

TOGETHER = 4
"""How many pieces one digit may have."""


@dataclass(frozen=True)
class Piece:
    """A piece of ink, or the part of one between two columns.

    Parameters
    ----------
    label : int
        Of the blob, as in `Blobs.labels`.
    left, top, right, bottom : int
    """

    label: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def box(self) -> Corners:
        """Left, top, right, bottom."""
        return self.left, self.top, self.right, self.bottom


@dataclass(frozen=True)
class Segment:
    """What may be one digit: pieces `first` to `last` (not included) of a line."""

    first: int
    last: int
    pieces: tuple[Piece, ...]

    @property
    def box(self) -> Corners:
        """Left, top, right, bottom."""
        return around([piece.box for piece in self.pieces])


def around(boxes: Sequence[tuple[Side, Side, Side, Side]]) -> tuple[Side, Side, Side, Side]:
    """Return left, top, right and bottom of boxes together."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def piece_of(blobs: Blobs, index: int) -> Piece:
    """Return a whole blob as a piece."""
    left, top = int(blobs.left[index]), int(blobs.top[index])
    return Piece(index + 1, left, top, left + int(blobs.width[index]), top + int(blobs.height[index]))


def pieces_of(blobs: Blobs, members: Sequence[int], height: float) -> list[Piece]:
    """Return the pieces of a line from left to right; wide blobs are cut where their ink is thinnest."""
    found = []
    for index in members:
        found += _cut(blobs, piece_of(blobs, index), height)
    return sorted(found, key=lambda piece: piece.left + piece.right)


def segments_of(pieces: Sequence[Piece], height: float) -> list[Segment]:
    """Return every run of pieces that is narrow enough for one digit."""
    found = []
    for first in range(len(pieces)):
        for last in range(first + 1, min(len(pieces), first + TOGETHER) + 1):
            segment = Segment(first, last, tuple(pieces[first:last]))
            left, top, right, bottom = segment.box
            if last - first > 1 and right - left > 1.3 * max(bottom - top, 0.6 * height):
                break
            found.append(segment)
    return found


def picture_of(pieces: Sequence[Piece], blobs: Blobs, contrast: Pixels) -> Pixels:
    """Return the 28x28 that the network sees of pieces, ink 255."""
    left, top, right, bottom = around([piece.box for piece in pieces])
    # One pixel around, for the soft edge of the ink.
    height, width = contrast.shape
    x0, y0, x1, y1 = max(left - 1, 0), max(top - 1, 0), min(right + 1, width), min(bottom + 1, height)
    labels = blobs.labels[y0:y1, x0:x1]
    own = np.zeros(labels.shape, np.uint8)
    for piece in pieces:
        part = slice(max(piece.left - x0, 0), piece.right - x0)
        own[:, part] |= (labels[:, part] == piece.label).view(np.uint8)
    strong = contrast[y0:y1, x0:x1][own > 0]
    if strong.size == 0:
        return np.zeros((28, 28), np.uint8)
    edge = cv2.dilate(own, np.ones((3, 3), np.uint8))
    top_level = percentile(strong, 75)
    low = 0.1 * top_level
    ink = (contrast[y0:y1, x0:x1].astype(np.float32) - low) * (255 / max(top_level - low, 1.0))
    ink = np.clip(ink, 0, 255) * edge
    return center(fit(crop(ink)))


@dataclass(frozen=True, eq=False)
class Path:
    """The segments of a line that read best.

    Parameters
    ----------
    segments : tuple of Segment
        Taken for digits, from left to right.
    probabilities : (n, 11) float32
        Of each.
    skipped : tuple of Segment
        Taken for no digit.
    doubt : float in [0, 1]
        How probable it is that those are none.
    """

    segments: tuple[Segment, ...]
    probabilities: NDArray[np.float32]
    skipped: tuple[Segment, ...]
    doubt: float = 1.0

    @property
    def text(self) -> str:
        """The digits in a row."""
        return "".join(str(value) for value in self.probabilities[:, :10].argmax(axis=1))

    @property
    def probability(self) -> float:
        """How probable it is that all segments are what they are read as, and what is skipped is none."""
        if not self.segments:
            return 0.0
        return float(np.prod(self.probabilities[:, :10].max(axis=1))) * self.doubt


def best_path(
    pieces: Sequence[Piece], segments: Sequence[Segment], probabilities: NDArray[np.float32], height: float
) -> Path:
    """Return the way through the cuts that is the most probable.

    Parameters
    ----------
    pieces, segments
        Of one line.
    probabilities : (len(segments), 11) float32
        Of ten digits and none.
    height : float
        Of the line's digits.

    Returns
    -------
    path : Path
        Every piece is in one of its segments, or is skipped as no digit.
    """
    count = len(pieces)
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    back: list[tuple[int, bool]] = [(-1, False)] * (count + 1)
    dots: dict[int, float] = {}
    ends: list[list[int]] = [[] for _ in range(count + 1)]
    for index, segment in enumerate(segments):
        ends[segment.last].append(index)
    for last in range(1, count + 1):
        for index in ends[last]:
            segment = segments[index]
            left, top, right, bottom = segment.box
            size = max(right - left, bottom - top) / height
            # A digit may be small among its neighbors, but dots and dashes are smaller.
            small = min(0.0, 12 * (size - 0.38))
            chance = float(np.log(probabilities[index, :10].max() + 1e-6))
            number = segment.last - segment.first
            score = best[segment.first] + chance * number**0.5 + small - 0.05 * (number - 1)
            if score > best[last]:
                best[last], back[last] = score, (index, False)
            if number == 1:
                none = float(np.log(max(probabilities[index, 10], 1e-6)))
                # What is small is a dot or a dash, whatever it looks like enlarged.
                dots[index] = max(none, min(0.0, 12 * (0.3 - size)))
                score = best[segment.first] + dots[index] - 0.8
                if score > best[last]:
                    best[last], back[last] = score, (index, True)
    kept: list[int] = []
    skipped: list[int] = []
    doubt = 1.0
    place = count
    while place > 0:
        index, skip = back[place]
        (skipped if skip else kept).append(index)
        if skip:
            doubt *= float(np.exp(dots[index]))
        place = segments[index].first
    kept.reverse()
    return Path(
        tuple(segments[index] for index in kept),
        probabilities[kept] if kept else np.zeros((0, probabilities.shape[1]), np.float32),
        tuple(segments[index] for index in skipped),
        doubt,
    )


def _cut(blobs: Blobs, whole: Piece, height: float) -> list[Piece]:
    """Return a blob in parts where it is too wide for one digit."""
    width, tall = whole.right - whole.left, whole.bottom - whole.top
    if width < 0.75 * height or width < 0.9 * tall or tall < 0.4 * height:
        return [whole]
    inside = (blobs.labels[whole.top : whole.bottom, whole.left : whole.right] == whole.label).view(np.uint8)
    ink = inside.sum(axis=0).astype(np.float32)
    ink = cv2.blur(ink[None], (max(3, width // 24) | 1, 1))[0]
    parts = int(np.clip(round(width / (0.6 * tall)), 2, 5))
    cuts = []
    for part in range(1, parts):
        # The thinnest column near where an even cut would be.
        ideal = width * part / parts
        reach = 0.3 * width / parts
        low, high = int(ideal - reach), int(ideal + reach) + 1
        cuts.append(low + int(np.argmin(ink[low:high])))
    edges = [0, *sorted(set(cuts)), width]
    found = []
    for left, right in itertools.pairwise(edges):
        rows = np.flatnonzero(inside[:, left:right].any(axis=1))
        if right > left and len(rows):
            found.append(
                Piece(
                    whole.label,
                    whole.left + left,
                    whole.top + int(rows[0]),
                    whole.left + right,
                    whole.top + int(rows[-1]) + 1,
                )
            )
    return found
