"""Straight lines that are printed on paper, or are its edges: found and taken away from the ink."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]

LOOKED_AT = 500
"""Pixels of the longer side at which lines are looked for."""

LEAST = 0.3
"""Part of the picture's side that a line must cover."""

TILT = 12
"""Degrees by which lines may be off level or upright."""

SHORTEST = 24
"""Pixels of a straight run of ink that may belong to a line."""

NARROW = 72
"""Pixels of a side below which rules along it are not looked for: strokes of digits are as long."""

REACH = 4
"""Pixels by which a line may lie beside where it is looked for."""

COVERED = 0.4
"""Part of the picture's side that the runs of a line must cover together."""

EDGE, LONG = 0.05, 0.08
"""How deep into the picture what is beside the sheet may reach, and how long it is at least, of its sides."""

UNBROKEN = 0.15
"""Part of the picture's side that one of them covers without a gap."""

SLENDER = 15
"""How many times longer than thick a line is at least; the stroke of a 1 is not."""

_GROUP = 1.0
"""Degrees within which lines are taken away together."""


def find_rules(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which ink belongs to straight lines that run across the picture.

    Where writing crosses a line, the writing is kept.

    Parameters
    ----------
    mask : (height, width) bool

    Returns
    -------
    rules : (height, width) bool
    """
    found = np.zeros(mask.shape, bool)
    for across in (True, False):
        own = mask if across else np.ascontiguousarray(mask.T)
        if own.shape[1] < NARROW:
            continue
        lines = _level_lines(own)
        rules = np.zeros(own.shape, bool)
        while len(lines):
            # Lines of about one angle, the longest first.
            near = np.abs(lines[:, 1] - lines[0, 1]) <= _GROUP
            rules |= _along(own & ~rules, lines[near])
            lines = lines[~near]
        found |= rules if across else rules.T
    return found


def find_edges(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the ink that lies along the edges of the picture: what is beside the sheet.

    Parameters
    ----------
    mask : (height, width) bool

    Returns
    -------
    edges : (height, width) bool
    """
    found = np.zeros(mask.shape, bool)
    for view, edges in (
        (mask, found),
        (mask[::-1], found[::-1]),
        (mask.T, found.T),
        (mask.T[::-1], found.T[::-1]),
    ):
        depth, length = (
            max(2, round(part * side)) for part, side in zip((EDGE, LONG), view.shape, strict=True)
        )
        if min(view.shape) < 100:
            continue
        # From the edge inward as far as there is ink; the outermost row of pixels may be torn.
        inked = view[:depth].copy()
        inked[0] |= inked[1]
        runs = np.logical_and.accumulate(inked, axis=0).view(np.uint8)
        long = _morph(_morph(runs[:1], cv2.MORPH_CLOSE, 1, 9), cv2.MORPH_OPEN, 1, length)
        edge = runs & long
        edges[:depth] |= np.asarray(cv2.dilate(edge, np.ones((3, 3), np.uint8))) > 0
    return found & mask


def _level_lines(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the lines that are nearly level: their height at the picture's middle, and degrees they fall."""
    height, width = mask.shape
    # Of a slip of paper, however narrow, a row is left.
    scale = min(1.0, max(LOOKED_AT / max(height, width), 1 / min(height, width)))
    small = mask.view(np.uint8) * 255
    if scale < 1:
        small = np.asarray(
            cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    columns = small.shape[1]
    least = max(12, round(LEAST * columns))
    low, high = np.radians(90 - TILT), np.radians(90 + TILT)
    found = cv2.HoughLines(
        np.where(small > 50, 255, 0).astype(np.uint8),
        1,
        np.radians(0.25),
        least,
        min_theta=low,
        max_theta=high,
    )
    if found is None:
        return np.empty((0, 2))
    lines: list[tuple[float, float]] = []
    for rho, theta in np.asarray(found, np.float64).reshape(-1, 2)[:400]:
        middle = (rho - columns / 2 * np.cos(theta)) / np.sin(theta)
        falls = 90 - np.degrees(theta)
        # The neighbors of a peak stand for the same line.
        if all(abs(middle - other) > 3 or abs(falls + tilt) > 3 for other, tilt in lines):
            lines.append((middle, -falls))
    return np.array([(middle / scale, falls) for middle, falls in lines]).reshape(-1, 2)


def _along(mask: NDArray[np.bool_], lines: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the ink on lines of about one angle, but for what crosses them."""
    height, width = mask.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(lines[0, 1]), 1.0)
    level = _turned(mask.view(np.uint8), turn)
    runs = np.zeros(level.shape, np.uint8)
    for middle, falls in lines:
        own, rows = _runs(level, middle, float(np.tan(np.radians(falls - lines[0, 1]))))
        if _is_rule(np.asarray(own.any(axis=0)), width):
            places, columns = np.nonzero(own)
            runs[rows[places, columns], columns] = 1
    if not runs.any():
        return np.zeros(mask.shape, bool)
    # A pen's strokes along a line are thicker than it, or stand out of it.
    depth = np.asarray(cv2.distanceTransform(level, cv2.DIST_L2, 3))
    half = min(float(np.median(depth[runs > 0])) + 1, 2.5 + 0.004 * max(height, width))
    if COVERED * width < SLENDER * 2 * half:
        return np.zeros(mask.shape, bool)
    # Turned, a rule is a pixel thicker where it steps to the next row.
    deep = (depth > half + 1).astype(np.uint8)
    thick = np.asarray(cv2.dilate(deep, np.ones((2 * round(half) + 3,) * 2, np.uint8)), np.uint8)
    # What is left between the runs of a broken line is of the line too.
    runs = _morph(runs & (1 - thick), cv2.MORPH_CLOSE, 1, 2 * SHORTEST)
    band = np.asarray(cv2.dilate(runs, np.ones((2 * round(half) + 1, 3), np.uint8)), np.uint8)
    rest = level & (1 - band)
    crossing = _morph(rest, cv2.MORPH_CLOSE, 2 * round(half) + 5, 3)
    back = _turned(level & band & (1 - crossing), cv2.invertAffineTransform(turn))
    # Turning back by nearest pixels leaves holes.
    return (_morph(back, cv2.MORPH_CLOSE, 3, 3) > 0) & mask


def _runs(level: Bits, middle: float, slope: float) -> tuple[Bits, NDArray[np.intp]]:
    """Return the runs of ink along one line, in a band around it, and the rows of that band."""
    height, width = level.shape
    columns = np.arange(width)
    across = columns - width / 2
    beside = np.arange(-REACH, REACH + 1)[:, None]
    for _ in range(2):
        rows = np.clip(np.rint(middle + slope * across).astype(np.intp) + beside, 0, height - 1)
        own = _morph(level[rows, columns], cv2.MORPH_OPEN, 1, SHORTEST)
        # Where the line was looked for is off by some pixels at its ends; its own runs tell better.
        places, at = np.nonzero(own)
        if len(at) < COVERED * width / 2:
            break
        slope, middle = np.polyfit(across[at], rows[places, at], 1)
    return own, rows


def _is_rule(inked: NDArray[np.bool_], width: int) -> bool:
    """Return whether runs of ink along a line make a rule; a row of digits has straight strokes as well."""
    if inked.sum() < COVERED * width:
        return False
    whole = _morph(inked.view(np.uint8)[None], cv2.MORPH_CLOSE, 1, 9)
    return bool(_morph(whole, cv2.MORPH_OPEN, 1, max(SHORTEST, round(UNBROKEN * width))).any())


def _turned(mask: Bits, turn: NDArray[Any]) -> Bits:
    height, width = mask.shape
    return np.asarray(cv2.warpAffine(mask, turn, (width, height), flags=cv2.INTER_NEAREST), np.uint8)


def _morph(mask: Bits, operation: int, height: int, width: int) -> Bits:
    return np.asarray(cv2.morphologyEx(mask, operation, np.ones((height, width), np.uint8)), np.uint8)
