"""Digits drawn from strokes, in the hands that MNIST has too few of or lacks.

A way of writing a digit (`variants`) is two drawings between which a random one lies; its points are then
moved a little, bent, slanted and stretched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.data.composites.pen import Line, Pen, draw
from tenfold.data.composites.variants import VARIANTS, Variant
from tenfold.errors import DataError, lookup

JITTER = 0.018
"""Standard deviation of each point's own displacement, as a part of the digit's height."""

BEND = 0.03
"""The same of the displacement that points near each other share."""

_STEPS = 7
_MARGIN = 4 / 28


def choose(digits: ArrayLike, rng: np.random.Generator, *, strings: bool = False) -> list[str]:
    """Return the name of a variant for each of `digits` (n,), drawn by the variants' weights.

    For `strings` there are none that are written `alone`.

    Raises
    ------
    DataError
        A digit is not in 0 to 9.
    """
    wanted = np.asarray(digits)
    if wanted.ndim != 1 or wanted.dtype.kind not in "iu" or ((wanted < 0) | (wanted > 9)).any():
        raise DataError(f"digits must be integers from 0 to 9, (n,). Got {digits!r} instead.")
    chosen = np.empty(len(wanted), object)
    for digit in np.unique(wanted):
        names = [
            name
            for name, variant in VARIANTS.items()
            if variant.digit == digit and not (strings and variant.alone)
        ]
        weights = np.array([VARIANTS[name].weight for name in names])
        here = np.flatnonzero(wanted == digit)
        chosen[here] = rng.choice(names, len(here), p=weights / weights.sum())
    return [str(name) for name in chosen]


def trace(names: Sequence[str], rng: np.random.Generator) -> list[tuple[Line, ...]]:
    """Draw the lines of digits, upright, each its own.

    Parameters
    ----------
    names : sequence of str
        Of variants, as `choose` gives them.
    rng : numpy Generator

    Returns
    -------
    digits : list of tuple of (k, 2) float32
        For each digit its strokes as points (x, y), y downward: from 0 to 1 in y, and from 0 in x.

    Raises
    ------
    UnknownNameError
        There is no such variant.
    """
    digits: list[tuple[Line, ...]] = [()] * len(names)
    for name in dict.fromkeys(names):
        variant: Variant = lookup("variant", name, VARIANTS)
        places = [place for place, other in enumerate(names) if other == name]
        for place, lines in zip(places, _lines(variant, len(places), rng), strict=True):
            digits[place] = lines
    return digits


def render(
    names: Sequence[str],
    rng: np.random.Generator,
    shape: tuple[int, int] = (28, 28),
    *,
    pen: tuple[float, float] = (0.05, 0.2),
    slant: float = 20.0,
) -> NDArray[np.uint8]:
    """Draw digits as pictures, placed as MNIST's are: in a box of 20/28 of the picture.

    Parameters
    ----------
    names : sequence of str
        Of variants, as `choose` gives them.
    rng : numpy Generator
    shape : (height, width)
    pen : (float, float)
        Least and greatest width of the pen, as a part of the digit's height.
    slant : float
        Most slant to the right, in degrees; half as much to the left.

    Returns
    -------
    images : (n, height, width) uint8
        Ink 255 on paper 0.
    """
    height, width = shape
    images = np.empty((len(names), height, width), np.uint8)
    numbers = rng.random((len(names), 6))
    for image, lines, (lean, wide, turn, thick, press, phase) in zip(
        images, trace(names, rng), numbers, strict=True
    ):
        angle = np.radians(slant * (1.5 * lean - 0.5))
        tilt = np.radians(8 * (turn - 0.5))
        stretch = np.exp(0.6 * (wide - 0.5))
        lean_and_turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]) @ np.array(
            [[stretch, 0], [-np.tan(angle), 1]]
        )
        leaning = [line @ lean_and_turn for line in lines]
        points = np.concatenate(leaning)
        low, high = points.min(axis=0), points.max(axis=0)
        # Thin pens are commoner than thick ones.
        part = pen[0] + (pen[1] - pen[0]) * thick**1.5
        room = np.array([width, height]) * (1 - 2 * _MARGIN)
        scale = float((room / (high - low + part)).min())
        middle = np.array([width, height]) / 2
        placed = [((line - (low + high) / 2) * scale + middle).astype(np.float32) for line in leaning]
        image[:] = draw(placed, shape, Pen(max(1.0, part * scale), 0.35 * press, 2 * np.pi * phase))
    return images


def _lines(variant: Variant, count: int, rng: np.random.Generator) -> list[tuple[Line, ...]]:
    """Return so many drawings of a variant."""
    first, second = variant.points
    share = rng.uniform(-0.15, 1.15, (count, 1, 1))
    points = first + share * (second - first)
    points = points + rng.normal(0, JITTER, points.shape)
    # Each wave moves what lies along it to and fro.
    for _ in range(3):
        wave = rng.normal(0, 4.0, (count, 1, 2))
        amount = rng.normal(0, BEND, (count, 1, 2))
        phase = rng.uniform(0, 2 * np.pi, (count, 1))
        points = points + np.sin((points * wave).sum(axis=2) + phase)[:, :, None] * amount
    strokes = [
        np.concatenate(
            [curve(points[:, index])[:, (place > 0) :] for place, index in enumerate(curves)], axis=1
        )
        for curves in variant.curves
    ]
    everything = np.concatenate(strokes, axis=1)
    low = everything.min(axis=1, keepdims=True)
    tall = (everything[:, :, 1].max(axis=1) - low[:, 0, 1])[:, None, None]
    strokes = [((stroke - low) / tall).astype(np.float32) for stroke in strokes]
    return [tuple(stroke[place] for stroke in strokes) for place in range(count)]


def curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points on the smooth curve (Catmull and Rom, 1974) through `points` (n, k, 2), k >= 2."""
    ends = (2 * points[:, :1] - points[:, 1:2], 2 * points[:, -1:] - points[:, -2:-1])
    padded = np.concatenate([ends[0], points, ends[1]], axis=1)[:, :, None]
    before, start, stop, after = (padded[:, place : place + points.shape[1] - 1] for place in range(4))
    t = (np.arange(_STEPS) / _STEPS)[:, None]
    between = 0.5 * (
        2 * start
        + (stop - before) * t
        + (2 * before - 5 * start + 4 * stop - after) * t**2
        + (3 * start - before - 3 * stop + after) * t**3
    )
    return np.concatenate([between.reshape(len(points), -1, 2), points[:, -1:]], axis=1)
