"""Made paper: plain, ruled, squared, patterned, shaded; and what a camera or scanner does to a picture."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Gray = NDArray[np.uint8]
Pattern = Callable[[int, int, np.random.Generator], Floats]


def waves(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Return fine lines that run along, all with the same swing: a banknote's or cheque's ground."""
    y, x = _grid(height, width)
    period = rng.uniform(3.0, 9.0)
    turn = rng.normal(0, 0.12) if rng.random() < 0.75 else rng.uniform(-1.6, 1.6)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    swing = rng.uniform(0.0, 4.0) * np.sin(along * (2 * np.pi / rng.uniform(20, 160)) + rng.uniform(0, 6.3))
    bulge = rng.uniform(0, 10) * np.sin(along * (2 * np.pi / rng.uniform(150, 600)) + rng.uniform(0, 6.3))
    return _lines((across + swing + bulge) / period, rng)


def guilloche(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Return families of arcs that cross each other."""
    y, x = _grid(height, width)
    total = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(2, 4))):
        far = rng.uniform(0.3, 4.0) * height
        turn = rng.uniform(0, 2 * np.pi)
        middle = (height / 2 + far * np.sin(turn), rng.uniform(0, width) + far * np.cos(turn))
        away = np.hypot(y - middle[0], (x - middle[1]) * rng.uniform(0.5, 1.5))
        np.maximum(total, rng.uniform(0.5, 1.0) * _lines(away / rng.uniform(5.0, 14.0), rng), out=total)
    return total


def weave(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Return a small mark that comes again and again."""
    side = int(rng.integers(4, 12))
    tile = _soft((rng.random((side, side)) < 0.35).astype(np.float32))
    rows, columns = -(-height // side), -(-width // side)
    tiled: Floats = np.tile(tile, (rows, columns))[:height, :width]
    return tiled


def crossed(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Return two families of parallel lines."""
    y, x = _grid(height, width)
    period = rng.uniform(4, 12)
    turn = rng.uniform(0.2, 1.3)
    one = _lines((x * np.sin(turn) + y * np.cos(turn)) / period, rng)
    return np.maximum(one, _lines((x * np.sin(turn) - y * np.cos(turn)) / period, rng))


def squares(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Return squared paper, its lines well apart."""
    y, x = _grid(height, width)
    period = rng.uniform(14, 60)
    turn = rng.normal(0, 0.02)
    thick = rng.uniform(0.8, 1.8) / period
    rows = np.abs(((y + turn * x) / period + rng.random()) % 1 - 0.5) < thick / 2
    columns = np.abs(((x - turn * y) / period + rng.random()) % 1 - 0.5) < thick / 2
    total = rows if rng.random() < 0.35 else rows | columns
    return _soft(total.astype(np.float32))


def fibers(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Return the cloudy grain of plain paper."""
    scale = rng.uniform(1.5, 6.0)
    rows, columns = int(height / scale) + 2, int(width / scale) + 2
    cloud = cv2.resize(rng.normal(0, 0.5, (rows, columns)).astype(np.float32), (width, height))
    return np.asarray(cloud, np.float32)


PATTERNS: tuple[tuple[Pattern, float], ...] = (
    (waves, 0.34),
    (guilloche, 0.22),
    (weave, 0.08),
    (crossed, 0.08),
    (squares, 0.08),
    (fibers, 0.2),
)
"""Grounds, and how often each comes."""


class Papers:
    """A stack of printed grounds, made once; a sheet is a random part of one.

    Parameters
    ----------
    count : int
        How many grounds.
    rng : numpy.random.Generator
    """

    SIDES = (200, 1000)

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        shares = np.array([share for _, share in PATTERNS])
        kinds = rng.choice(len(PATTERNS), count, p=shares / shares.sum())
        self._sheets = [
            np.rint(np.clip(PATTERNS[kind][0](*self.SIDES, rng), -1, 1) * 127).astype(np.int8)
            for kind in kinds
        ]

    def sheet(self, height: int, width: int, rng: np.random.Generator) -> Floats:
        """Return paper as gray levels.

        Returns
        -------
        paper : (height, width) float32 in about [60, 255]
            Light, with its print, shading, bands and shadow.
        """
        ground = self._part(height, width, rng)
        paper = np.full((height, width), rng.uniform(135, 245), np.float32)
        paper -= np.float32(rng.uniform(2, 45) * (rng.random() < 0.85)) * ground
        if rng.random() < 0.25:  # another ground, in a band along an edge
            deep = int(height * rng.uniform(0.08, 0.35))
            place = slice(height - deep, None) if rng.random() < 0.75 else slice(0, deep)
            paper[place] -= np.float32(rng.uniform(5, 50)) * self._part(height, width, rng)[place]
        return paper * shade(height, width, rng)

    def _part(self, height: int, width: int, rng: np.random.Generator) -> Floats:
        sheet = self._sheets[int(rng.integers(len(self._sheets)))]
        zoom = rng.uniform(0.75, 1.6)
        rows = min(sheet.shape[0], max(1, round(height * zoom)))
        columns = min(sheet.shape[1], max(1, round(width * zoom)))
        top = int(rng.integers(sheet.shape[0] - rows + 1))
        left = int(rng.integers(sheet.shape[1] - columns + 1))
        part = sheet[top : top + rows, left : left + columns]
        if rng.random() < 0.5:
            part = part[::-1]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        sized = cv2.resize(part.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(sized, np.float32) * np.float32(1 / 127)


def shade(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Return uneven light, (height, width) float32 about 1: a gradient, maybe a shadow's edge."""
    corners = np.exp(rng.normal(0, rng.choice([0.02, 0.12]), (2, 2))).astype(np.float32)
    light = np.asarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if rng.random() < 0.08:
        y, x = _grid(height, width)
        turn = rng.uniform(0, 2 * np.pi)
        edge = (x - rng.uniform(0, width)) * np.cos(turn) + (y - rng.uniform(0, height)) * np.sin(turn)
        dark = rng.uniform(0.15, 0.5)
        light *= 1 - np.float32(dark) / (1 + np.exp(np.clip(-edge / rng.uniform(1.5, 15), -30, 30)))
    return light


def rule(paper: Floats, rng: np.random.Generator) -> None:
    """Print rules on paper, in place: along the foot, above, a box's side; dotted now and then."""
    height, width = paper.shape

    def line(x0: float, y0: float, x1: float, y1: float) -> None:
        mask = np.zeros(paper.shape, np.uint8)
        ends = [(round(x * 16), round(y * 16)) for x, y in ((x0, y0), (x1, y1))]
        cv2.line(mask, ends[0], ends[1], 255, int(rng.choice([1, 1, 2, 2, 3])), cv2.LINE_AA, 4)
        if rng.random() < 0.12:
            mask[:, np.arange(width) % int(rng.integers(3, 7)) < 2] = 0
        paper[...] *= 1 - mask.astype(np.float32) * np.float32(rng.uniform(0.2, 0.75) / 255)

    tilt = rng.normal(0, 0.008) * width
    if rng.random() < 0.75:
        y = height * (1 - abs(rng.normal(0.0, 0.13)))
        line(0, y, width, y + tilt)
        if rng.random() < 0.2:
            line(0, y + 3, width, y + 3 + tilt)
    if rng.random() < 0.35:
        y = height * abs(rng.normal(0.0, 0.1))
        line(0, y, width, y + tilt)
    if rng.random() < 0.1:
        x = rng.uniform(0, 0.04) * width
        line(x, 0, x, height)


def photograph(picture: Floats, rng: np.random.Generator) -> Gray:
    """Blur, grain and compress a picture as a camera, scanner or file does.

    Parameters
    ----------
    picture : (height, width) float32, gray levels

    Returns
    -------
    picture : (height, width) uint8
    """
    if rng.random() < 0.7:
        sigma = float(rng.uniform(0.3, 1.1))
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    if rng.random() < 0.8:
        grain = rng.integers(0, 256, picture.shape, np.uint8).astype(np.float32) - np.float32(127.5)
        if rng.random() < 0.5:
            grain = _soft(grain)
        picture = picture + grain * np.float32(rng.uniform(0.5, 7) / 74)
    gray = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        _, packed = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))])
        gray = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return gray


def _soft(picture: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), np.float32)


def _grid(height: int, width: int) -> tuple[Floats, Floats]:
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None]
    return rows, columns


def _lines(phase: Floats, rng: np.random.Generator) -> Floats:
    """Return lines where the phase is whole, from 0 beside them to 1 on them."""
    sharp = np.float32(rng.uniform(0.8, 3.0))
    lines: Floats = (0.5 + 0.5 * np.cos(2 * np.pi * phase)) ** sharp
    return lines.astype(np.float32)
