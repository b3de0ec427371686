"""Pieces of ink put into lines: which stand side by side, and by how much the writing is skewed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP = 3.5
"""How far apart, in typical heights, neighbors in a line may be; wider gaps part columns."""

STEEP = np.tan(np.radians(15))
"""Slope beyond which two neighbors are not on one line."""

PART, BREAK, ASIDE, WHOLE = 0.85, 0.25, 0.15, 1.35
"""In typical heights: how high a part of a broken digit is at most, how far below and beside it the next one
is, and how high they are together."""


@dataclass(frozen=True)
class Row:
    """Pieces on one line.

    Parameters
    ----------
    members : tuple of int
        Indices of the pieces, from left to right.
    slope : float
        By how many pixels the line falls for each pixel to the right.
    """

    members: tuple[int, ...]
    slope: float


SLENDER, COMB = 0.4, (5, 0.06, 0.8)
"""Width of a stroke at most, of its height; how many strokes make a comb, within which part of the gap
between them they are even, and which part of them is."""

BAND, BESIDE, ENOUGH = 0.6, 1.5, 0.5
"""In heights of a line's digits: how far from its middle and beyond its ends scraps of ink may be of it, and
how high they are together at least."""


def find_rows(boxes: NDArray[np.float64], height: float) -> list[Row]:
    """Put pieces into lines.

    Parameters
    ----------
    boxes : (n, 4) float64
        Left, top, width, height of pieces of about the size of digits.
    height : float
        Of a typical digit.

    Returns
    -------
    rows : list of Row
        In reading order: from top to bottom, and from left to right where they stand side by side.
    """
    if len(boxes) == 0:
        return []
    slope = 0.0
    for _ in range(2):
        pairs = _neighbors(boxes, height, slope)
        slopes = _slopes(boxes, pairs)
        if len(slopes) >= 2:
            slope = float(np.clip(np.median(slopes), -STEEP, STEEP))
    groups = _groups(len(boxes), [*pairs, *_parts(boxes, height)])
    rows = []
    for group in groups:
        members = sorted(group, key=lambda index: boxes[index, 0] + boxes[index, 2] / 2)
        rows.append(Row(tuple(members), _fit(boxes[members], height, slope)))
    return _reading_order(rows, boxes, slope)


def without_combs(row: Row, boxes: NDArray[np.float64]) -> Row:
    """Return a row without strokes that stand as evenly as no hand writes: of cells, or of a grid."""
    members = np.array(row.members)
    left, _, width, tall = boxes[members].T
    strokes = np.flatnonzero(width < SLENDER * tall)
    if len(strokes) < COMB[0]:
        return row
    gaps = np.diff((left + width / 2)[strokes])
    unit = float(np.median(gaps))
    parts = gaps / max(unit, 1.0)
    even = np.abs(parts - np.rint(parts)) < COMB[1]
    if even.mean() < COMB[2]:
        return row
    return Row(tuple(int(member) for member in np.delete(members, strokes)), row.slope)


def scraps_of(row: Row, boxes: NDArray[np.float64], scraps: NDArray[np.int64], height: float) -> list[int]:
    """Return which scraps of ink are of a line: those that together, or with a low piece of it, make a digit.

    Parameters
    ----------
    row : Row
    boxes : (n, 4) float64
        Left, top, width, height of all pieces.
    scraps : (m,) int64
        Of which of them the line may be in want.
    height : float
        Of the line's digits.

    Returns
    -------
    found : list of int
    """
    members = np.array(row.members)
    left, top, width, tall = boxes.T
    middle, level = left + width / 2, top + tall / 2
    start = middle[members].mean()
    line = level[members].mean() + row.slope * (middle[scraps] - start)
    ends = left[members].min() - BESIDE * height, (left + width)[members].max() + BESIDE * height
    near = (
        (np.abs(level[scraps] - line) < BAND * height)
        & (ends[0] < middle[scraps])
        & (middle[scraps] < ends[1])
    )
    if not near.any():
        return []
    places = np.concatenate([scraps[near], members[tall[members] < PART * height]])
    found: list[int] = []
    for group in _groups(len(places), _parts(boxes[places], height)):
        several = places[group]
        together = (top + tall)[several].max() - top[several].min()
        if together >= ENOUGH * height:
            found += [int(place) for place in several if place not in row.members]
    return found


def _neighbors(boxes: NDArray[np.float64], height: float, slope: float) -> list[tuple[int, int]]:
    """Return each piece with the nearest one to its right on its line."""
    left, top, width, tall = boxes.T
    middle = left + width / 2
    # On the skewed page's own axes, lines are level.
    center = top + tall / 2 - slope * middle
    pairs = []
    order = np.argsort(middle, kind="stable")
    left, right, tall, center, middle = (part[order] for part in (left, left + width, tall, center, middle))
    for place in range(len(order) - 1):
        # Far enough to the right that nothing nearer comes after it.
        end = int(np.searchsorted(middle, right[place] + (GAP + 3) * height, side="right"))
        other = slice(place + 1, max(end, place + 1))
        gap = left[other] - right[place]
        shift = np.abs(center[other] - center[place])
        low = np.maximum(center[place] - tall[place] / 2, center[other] - tall[other] / 2)
        high = np.minimum(center[place] + tall[place] / 2, center[other] + tall[other] / 2)
        overlap = (high - low) / np.maximum(np.minimum(tall[place], tall[other]), 0.4 * height)
        beside = (gap <= GAP * height) & (overlap >= 0.25) & (shift <= 0.75 * height)
        if beside.any():
            distance = np.where(beside, np.maximum(gap, 0.0) + 2 * shift, np.inf)
            pairs.append((int(order[place]), int(order[place + 1 + int(distance.argmin())])))
    return pairs


def _parts(boxes: NDArray[np.float64], height: float) -> list[tuple[int, int]]:
    """Return pairs of pieces, one just above the other, that are parts of one digit."""
    left, top, width, tall = boxes.T
    right, bottom = left + width, top + tall
    parts = np.flatnonzero(tall < PART * height)
    upper, lower = parts[:, None], parts[None, :]
    shared = np.minimum(right[upper], right[lower]) - np.maximum(left[upper], left[lower])
    gap = top[lower] - bottom[upper]
    together = np.maximum(bottom[upper], bottom[lower]) - np.minimum(top[upper], top[lower])
    found = (
        (upper != lower)
        & (top[upper] <= top[lower])
        & (shared > -ASIDE * height)
        & (gap < BREAK * height)
        & (together < WHOLE * height)
    )
    return [(int(parts[one]), int(parts[other])) for one, other in np.argwhere(found)]


def _slopes(boxes: NDArray[np.float64], pairs: list[tuple[int, int]]) -> NDArray[np.float64]:
    """Return the slopes between neighbors, those far apart as often as they are wide."""
    if not pairs:
        return np.empty(0)
    one, other = np.array(pairs).T
    # Feet lie on the line whether a digit is tall or small; heads and feet together are steadier.
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    across, down = (middles[other] - middles[one]).T
    useful = across > 0
    slopes: NDArray[np.float64] = down[useful] / across[useful]
    return slopes


def _groups(count: int, pairs: list[tuple[int, int]]) -> list[list[int]]:
    parent = list(range(count))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for one, other in pairs:
        parent[root(one)] = root(other)
    groups: dict[int, list[int]] = {}
    for index in range(count):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


def _fit(boxes: NDArray[np.float64], height: float, slope: float) -> float:
    """Return the slope of one line: its own where it is long, the page's where it is short."""
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    across = middles[:, 0] - middles[:, 0].mean()
    spread = float(across @ across)
    down = middles[:, 1] - middles[:, 1].mean()
    # As if the page's slope had been seen on pieces that reach over four heights.
    trust = (4 * height) ** 2
    own = (float(across @ down) + trust * slope) / (spread + trust)
    return float(np.clip(own, -STEEP, STEEP))


def _reading_order(rows: list[Row], boxes: NDArray[np.float64], slope: float) -> list[Row]:
    """Return rows from top to bottom; those at one height from left to right."""

    def level(row: Row) -> tuple[float, float, float]:
        part = boxes[list(row.members)]
        shift = slope * (part[:, 0] + part[:, 2] / 2)
        low, high = part[:, 1] - shift, part[:, 1] + part[:, 3] - shift
        return float(np.median(low)), float(np.median(high)), float(part[:, 0].min())

    left = sorted(((*level(row), row) for row in rows), key=lambda item: item[0] + item[1])
    ordered: list[Row] = []
    while left:
        first = left[0]
        middle = (first[0] + first[1]) / 2
        beside = [item for item in left if item[0] < middle < item[1]]
        beside = beside or [first]
        ordered += [item[3] for item in sorted(beside, key=lambda item: item[2])]
        left = [item for item in left if item not in beside]
    return ordered
