"""Pieces of ink put into lines: which stand side by side, and by how much the writing is skewed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP = 3.5
"""How far apart, in typical heights, neighbors in a line may be; wider gaps part columns."""

STEEP = np.tan(np.radians(15))
"""Slope beyond which two neighbors are not on one line."""


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
    groups = _groups(len(boxes), pairs)
    rows = []
    for group in groups:
        members = sorted(group, key=lambda index: boxes[index, 0] + boxes[index, 2] / 2)
        rows.append(Row(tuple(members), _fit(boxes[members], height, slope)))
    return _reading_order(rows, boxes, slope)


def _neighbors(boxes: NDArray[np.float64], height: float, slope: float) -> list[tuple[int, int]]:
    """Return each piece with the nearest one to its right on its line."""
    left, top, width, tall = boxes.T
    middle = left + width / 2
    # On the skewed page's own axes, lines are level.
    center = top + tall / 2 - slope * middle
    pairs = []
    order = np.argsort(middle, kind="stable")
    for place, index in enumerate(order):
        right = left[index] + width[index]
        best, found = np.inf, -1
        for other in order[place + 1 :]:
            gap = left[other] - right
            if gap > GAP * height:
                if middle[other] - right > (GAP + 3) * height:
                    break
                continue
            shift = abs(center[other] - center[index])
            low = max(center[index] - tall[index] / 2, center[other] - tall[other] / 2)
            high = min(center[index] + tall[index] / 2, center[other] + tall[other] / 2)
            overlap = (high - low) / max(min(tall[index], tall[other]), 0.4 * height)
            if overlap < 0.25 or shift > 0.75 * height:
                continue
            distance = max(gap, 0.0) + 2 * shift
            if distance < best:
                best, found = distance, int(other)
        if found >= 0:
            pairs.append((int(index), found))
    return pairs


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
