"""Strings of digits as one hand writes them: slant, spacing, joins, separators and what closes an amount.

A string is made of lines (see `glyphs`) and drawn with any pen. Everything is drawn from the generator that
is given, so a seed fixes a string.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.composites.glyphs import Glyph, Glyphs, Line

Floats = NDArray[np.float32]

_BANDS = 12
"""Rows of the grid in which the gap between two digits is measured."""


@dataclass(frozen=True)
class Hand:
    """How somebody writes. Lengths are in heights of a digit.

    Attributes
    ----------
    slant : float
        Shift to the right for each height upward.
    aspect : float
        Width of the digits, 1 as in their pictures.
    gap : float
        Between the ink of neighbors; below 0 they overlap.
    unsteady : float
        Spread of all that changes from digit to digit.
    joins : float in [0, 1]
        How often near neighbors are joined by a line.
    small_zero : float
        Height of a zero.
    faithful : float in [0, 1]
        How often a digit that comes again looks as it did.
    """

    slant: float
    aspect: float
    gap: float
    unsteady: float
    joins: float
    small_zero: float
    faithful: float


@dataclass(frozen=True, eq=False)
class Writing:
    """A string as lines, in heights of a digit, baseline about 1.

    Attributes
    ----------
    text : str
        The digits alone.
    lines : list of (k, 2) float32
    spans : list of (left, right)
        Of each digit, in x.
    shapes : list of list of (k, 2) float32
        Of each digit, its own lines, the slant of the hand taken out of them.
    """

    text: str
    lines: list[Line] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    shapes: list[list[Line]] = field(default_factory=list)


def draw_hand(rng: np.random.Generator) -> Hand:
    """Draw a hand: from upright and spaced to slanted and joined."""
    style = rng.random()
    if style < 0.3:
        gap = rng.uniform(0.25, 1.3)
    elif style < 0.75:
        gap = rng.uniform(0.04, 0.3)
    else:
        gap = rng.uniform(-0.1, 0.08)
    return Hand(
        slant=float(np.clip(rng.normal(0.2, 0.25), -0.35, 0.9)),
        aspect=float(np.exp(rng.normal(0.05, 0.28))),
        gap=float(gap),
        unsteady=float(rng.uniform(0.02, 0.16)),
        joins=float(rng.choice([0.0, 0.0, 0.15, 0.5])),
        small_zero=float(rng.choice([1.0, 1.0, rng.uniform(0.45, 1.0)])),
        faithful=float(rng.uniform(0.3, 0.95)),
    )


def draw_text(rng: np.random.Generator, longest: int = 11) -> str:
    """Draw the digits of a string: mostly 3 to 6, round amounts often."""
    usual = rng.random() < 0.75
    length = int(rng.choice([2, 3, 4, 5, 6, 7], p=[0.06, 0.17, 0.3, 0.32, 0.1, 0.05])) if usual else 0
    length = min(length or int(rng.integers(1, longest + 1)), longest)
    digits = rng.integers(0, 10, length)
    if length > 2 and rng.random() < 0.22:
        digits[-int(rng.integers(2, length)) :] = 0
    if length > 1 and rng.random() < 0.15:  # the same digit twice running is where readers fail
        place = int(rng.integers(1, length))
        digits[place] = digits[place - 1]
    return "".join(map(str, digits))


def write(text: str, hand: Hand, glyphs: Glyphs, rng: np.random.Generator) -> Writing:
    """Write digits with a hand: as an amount, with thousands dots and a close, or bare.

    Parameters
    ----------
    text : str of digits
    hand : Hand
    glyphs : Glyphs
        Where the shapes come from.
    rng : numpy.random.Generator

    Returns
    -------
    writing : Writing
    """
    writing = Writing(text)
    favorites: dict[str, Glyph] = {}
    amount = rng.random() < 0.55
    mark = str(rng.choice([".", ".", ".", ",", "'"]))
    dots = amount and rng.random() < 0.6
    slope = rng.normal(0.0, 0.03)
    cursor = np.full(_BANDS, -np.inf, np.float32)
    previous: list[Line] = []
    for place, digit in enumerate(text):
        if digit not in favorites or rng.random() > hand.faithful:
            favorites[digit] = glyphs.draw(int(digit), rng)
        lines = _shape(favorites[digit], hand, rng)
        if rng.random() < 0.5:
            lines = _bend(lines, rng)
        writing.shapes.append([line @ np.array([[1, 0], [hand.slant, 1]], np.float32) for line in lines])
        gap = hand.gap + rng.normal(0, 0.05 + 0.5 * hand.unsteady * max(0.15, hand.gap))
        if rng.random() < 0.06:
            gap = rng.uniform(-0.12, 0.05)
        elif rng.random() < 0.05:
            gap += rng.uniform(0.2, 1.5)
        lines, left, right = _append(cursor, lines, gap, slope, place == 0)
        if place and rng.random() < hand.joins and gap < 0.35:
            writing.lines.append(_join(previous, lines, rng))
        writing.lines.extend(lines)
        writing.spans.append((left, right))
        previous = lines
        if dots and (len(text) - place) % 3 == 1 and place + 1 < len(text):
            _mark(writing, cursor, mark, slope, rng)
    if amount:
        _close(writing, cursor, slope, rng)
    return writing


def _shape(glyph: Glyph, hand: Hand, rng: np.random.Generator) -> list[Line]:
    """Return the lines of a digit with its size, slant and place beside the baseline."""
    size = float(np.exp(rng.normal(0, hand.unsteady)))
    if glyph.label == 0:
        size *= hand.small_zero
    wide = 0.08 + hand.unsteady + (0.12 if glyph.label == 0 else 0)
    width = hand.aspect * float(np.exp(rng.normal(0, wide))) * size
    if glyph.width > 0:  # nothing wider than one and a half times its height
        width = min(width, 1.5 * size / glyph.width)
    slant = hand.slant + rng.normal(0, 0.04 + 0.5 * hand.unsteady)
    turn = rng.normal(0, 0.4 * hand.unsteady)
    below = rng.normal(0, 0.5 * hand.unsteady)
    if glyph.label in (7, 9, 4) and rng.random() < 0.2:
        below += rng.uniform(0, 0.3)
    if size < 0.8 and rng.random() < 0.3:
        below -= rng.uniform(0, 1 - size)
    matrix = np.array([[width, turn], [-slant * size, size]], np.float32)
    shift = np.array([0, 1 + below - size], np.float32)
    return [line @ matrix + shift for line in glyph.lines]


def _bend(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Bend the lines of a digit smoothly."""
    depth = rng.normal(0, 0.035, 4).astype(np.float32)
    phase = rng.uniform(0, 2 * np.pi, 4).astype(np.float32)
    bent = []
    for line in lines:
        x, y = line[:, 0], line[:, 1]
        across = depth[0] * np.sin(4 * y + phase[0]) + depth[1] * np.sin(7 * x + phase[1])
        down = depth[2] * np.sin(5 * x + phase[2]) + depth[3] * np.sin(6 * y + phase[3])
        bent.append(np.stack([x + across, y + down], axis=1))
    return bent


def _append(
    cursor: Floats, lines: list[Line], gap: float, slope: float, first: bool
) -> tuple[list[Line], float, float]:
    """Move lines to the right of what is written, so that `gap` is left where they come nearest.

    `cursor` holds the right edge of the ink in each band of height, and is brought up to date.
    """
    points = np.concatenate(lines)
    band = np.clip(((points[:, 1] + 0.25) * (_BANDS / 1.5)).astype(np.int64), 0, _BANDS - 1)
    near = np.full(_BANDS, np.inf, np.float32)
    far = np.full(_BANDS, -np.inf, np.float32)
    np.minimum.at(near, band, points[:, 0])
    np.maximum.at(far, band, points[:, 0])
    if first:
        shift = -float(near.min())
    else:
        # What is far above or below comes near, too: edges reach a band up and down.
        reach = np.maximum(cursor, np.maximum(np.roll(cursor, 1), np.roll(cursor, -1)))
        with np.errstate(invalid="ignore"):
            free = np.where(np.isfinite(near) & np.isfinite(reach), near - reach, np.inf)
        nearest = float(free.min())
        last = float(cursor.max())
        whole = float(near.min()) - last
        # A digit may slip under its neighbor, but never wholly.
        shift = gap - (nearest if np.isfinite(nearest) else whole)
        shift = max(shift, last - float(far.max()) + 0.12)
    moved = [line + np.array([shift, slope * (float(points[0, 0]) + shift)], np.float32) for line in lines]
    # Ink decays behind the cursor: what lies two digits back is out of the way.
    np.maximum(cursor, far + np.float32(shift), out=cursor)
    return moved, float(near.min()) + shift, float(far.max()) + shift


def _join(before: list[Line], after: list[Line], rng: np.random.Generator) -> Line:
    """Return a line from the end of one digit to the start of the next."""
    toward = rng.choice([-0.5, 0.0, 0.5])
    left, right = np.concatenate(before), np.concatenate(after)
    start = left[int(np.argmax(left[:, 0] + toward * left[:, 1]))]
    stop = right[int(np.argmin(right[:, 0] + rng.choice([-0.3, 0.3]) * right[:, 1]))]
    middle = (start + stop) / 2 + np.array([0, rng.uniform(-0.12, 0.15)], np.float32)
    t = np.linspace(0, 1, 7, dtype=np.float32)[:, None]
    curve: Line = (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * stop
    return curve


def _mark(writing: Writing, cursor: Floats, mark: str, slope: float, rng: np.random.Generator) -> None:
    """Set a thousands dot or comma behind a digit."""
    x = float(cursor[-5:].max()) if np.isfinite(cursor[-5:].max()) else float(cursor.max())
    x += rng.uniform(0.06, 0.3)
    y = (
        (0.15 if mark == "'" else 1.0)
        + rng.normal(0, 0.06)
        + (rng.uniform(-0.4, 0) if rng.random() < 0.1 else 0)
    )
    y += slope * x
    long = rng.uniform(0.1, 0.35) if mark != "." else rng.uniform(0.0, 0.08)
    lean = rng.uniform(-0.6, 0.2)
    writing.lines.append(np.array([[x, y], [x + lean * long, y + long]], np.float32))
    cursor[-5:] = np.maximum(cursor[-5:], np.float32(x + rng.uniform(0.0, 0.15)))


def _close(writing: Writing, cursor: Floats, slope: float, rng: np.random.Generator) -> None:
    """Close an amount, so that no digit can be added: ``=``, ``.-``, a dash, a dot, or nothing."""
    kind = str(
        rng.choice(
            ["", ".", ",", "-", ".-", "=", ":", "long", "-."],
            p=[0.3, 0.17, 0.06, 0.12, 0.13, 0.08, 0.04, 0.06, 0.04],
        )
    )
    x = float(cursor.max()) + rng.uniform(0.08, 0.5)

    def stroke(x0: float, y0: float, x1: float, y1: float) -> None:
        wave = rng.normal(0, 0.03, 3)
        points = [[x0, y0 + wave[0]], [(x0 + x1) / 2, (y0 + y1) / 2 + wave[1]], [x1, y1 + wave[2]]]
        line = np.array(points, np.float32)
        line[:, 1] += slope * line[:, 0]
        writing.lines.append(line)

    for sign in ["long"] if kind == "long" else kind:
        middle = rng.uniform(0.4, 0.85)
        if sign in ".,":
            long = rng.uniform(0, 0.06) if sign == "." else rng.uniform(0.1, 0.35)
            stroke(x, 0.97, x - 0.4 * long, 0.97 + long)
            x += rng.uniform(0.1, 0.3)
        elif sign == ":":
            stroke(x, middle - 0.2, x + 0.02, middle - 0.17)
            stroke(x, middle + 0.2, x + 0.02, middle + 0.23)
        else:
            long = rng.uniform(1.0, 3.0) if sign == "long" else rng.uniform(0.2, 0.6)
            tilt = rng.normal(0, 0.08)
            stroke(x, middle, x + long, middle + tilt)
            if sign == "=":
                apart = rng.uniform(0.15, 0.35)
                stroke(x, middle + apart, x + long * rng.uniform(0.7, 1.2), middle + apart + tilt)
            x += long + 0.1


def draw_ink(
    lines: Sequence[Line],
    size: tuple[int, int],
    width: float,
    rng: np.random.Generator,
) -> Floats:
    """Draw lines with a pen that is pressed now more, now less.

    Parameters
    ----------
    lines : sequence of (k, 2) float32
        In pixels of the picture.
    size : (height, width)
        Of the picture.
    width : float
        Of the pen, in pixels.

    Returns
    -------
    ink : (height, width) float32 in [0, 1]
    """
    height, across = size
    fine = 2 if width < 3 else 1  # a thin pen is drawn enlarged, or its line shows steps
    canvas = np.full((height * fine, across * fine), 255, np.uint8)
    fixed = [np.rint(line * (fine * 16)).astype(np.int32) for line in lines]
    cv2.polylines(canvas, fixed, False, 0, 1, cv2.LINE_8, 4)
    away = cv2.distanceTransform(canvas, cv2.DIST_L2, 3)
    coarse = rng.normal(1.0, 0.12, (3, max(2, across // 16))).astype(np.float32)
    pressed = cv2.resize(coarse, canvas.shape[::-1], interpolation=cv2.INTER_LINEAR)
    radius = np.asarray(pressed, np.float32) * np.float32(fine * width / 2)
    ink = np.clip(radius - away + np.float32(0.5), 0, 1)
    if fine > 1:
        ink = cv2.resize(ink, (across, height), interpolation=cv2.INTER_AREA)
    return np.asarray(ink, np.float32)
