"""Whole made pages with their truth: lines of digits on paper, as a camera or scanner sees them.

A page is written upright and level; then it is skewed, turned, lit and photographed. Everything is drawn from
one random generator, whose state fixes the page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset

Floats = NDArray[np.float32]

GROUNDS = ("plain", "ruled", "squared")
LIGHTS = ("even", "gradient", "shadow", "dim")
PENS = {"pencil": (0.5, 1.8), "ballpoint": (0.75, 1.6), "marker": (0.9, 4.5)}
"""Darkness of each pen, of 1, and how wide it draws, in pixels where digits are 40 high."""

PAPERS = ((246, 244, 238), (232, 228, 222), (205, 206, 204), (236, 232, 90), (250, 220, 200), (190, 215, 235))
INKS = {"pencil": ((70, 70, 72),), "ballpoint": ((25, 40, 120), (20, 20, 24)), "marker": ((15, 15, 18),)}


@dataclass(frozen=True)
class Look:
    """How a page looks.

    Parameters
    ----------
    size : (height, width)
    lines : int
    digits : (least, most)
        In a line.
    height : float
        Of a digit, in pixels.
    ground : str
        "plain", "ruled" or "squared".
    pen : str
        "pencil", "ballpoint" or "marker".
    light : str
        "even", "gradient", "shadow" or "dim".
    paper : (red, green, blue)
    skew : float
        Degrees by which lines fall to the right.
    turns : int
        Quarter turns clockwise.
    inverted : bool
        Light ink on dark paper.
    specks, border : bool
        Specks of dirt; a dark strip along an edge.
    words : int
        Lines of words above the digits.
    grain : float
        Standard deviation of the noise, of 255.
    blur : float
        Standard deviation in pixels.
    quality : int
        Of the JPEG; 100: none.
    """

    size: tuple[int, int] = (600, 800)
    lines: int = 3
    digits: tuple[int, int] = (3, 8)
    height: float = 40.0
    ground: str = "plain"
    pen: str = "ballpoint"
    light: str = "even"
    paper: tuple[int, int, int] = PAPERS[0]
    skew: float = 0.0
    turns: int = 0
    inverted: bool = False
    specks: bool = False
    border: bool = False
    words: int = 0
    grain: float = 2.0
    blur: float = 0.6
    quality: int = 90


@dataclass(frozen=True, eq=False)
class MadePage:
    """A made page.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    lines : tuple of str
        What is written, line by line.
    look : Look
    """

    pixels: NDArray[np.uint8]
    lines: tuple[str, ...]
    look: Look


def draw_look(rng: np.random.Generator) -> Look:
    """Return a random look: of every difficulty some."""
    height = float(rng.uniform(22, 70))
    scale = height / 40
    turned = rng.random() < 0.25
    wordy = rng.random() < 0.1
    alone = rng.random() < 0.15
    return Look(
        size=(round(rng.uniform(420, 700) * scale), round(rng.uniform(620, 900) * scale)),
        lines=0 if wordy else 1 if alone else int(rng.integers(1, 6)),
        digits=(1, 1) if alone else (1, 10),
        height=height,
        ground=str(rng.choice(GROUNDS, p=[0.75, 0.17, 0.08])),
        pen=str(rng.choice(list(PENS))),
        light=str(rng.choice(LIGHTS)),
        paper=PAPERS[int(rng.integers(len(PAPERS)))],
        skew=float(rng.uniform(-9, 9)) if rng.random() < 0.5 else float(rng.normal(0, 1)),
        turns=int(rng.integers(1, 4)) if turned else 0,
        inverted=bool(rng.random() < 0.08),
        specks=bool(rng.random() < 0.4),
        border=bool(rng.random() < 0.2),
        words=int(rng.integers(2, 9)) if wordy else int(rng.random() < 0.15),
        grain=float(rng.uniform(0.5, 5)),
        blur=float(rng.uniform(0.3, 1.2)),
        quality=int(rng.integers(50, 101)),
    )


def make_page(digits: Dataset, rng: np.random.Generator, look: Look | None = None) -> MadePage:
    """Write digits of a data set on paper.

    Parameters
    ----------
    digits : Dataset
        With images of all ten digits.
    rng : numpy.random.Generator
    look : Look or None
        None: a random one.

    Returns
    -------
    page : MadePage
        Where the look says 0 lines, with words alone.
    """
    look = look or draw_look(rng)
    ink, lines = _write(digits, rng, look)
    look = replace(look, lines=len(lines))
    ground = _ground(look, rng)
    if look.skew:
        ink, ground = (_skewed(layer, look.skew) for layer in (ink, ground))
    dark = PENS[look.pen][0]
    colors = INKS[look.pen]
    pen = np.array(colors[int(rng.integers(len(colors)))], np.float32)
    paper = np.array(look.paper, np.float32) * (1 - 0.35 * ground[:, :, None])
    page = paper + (pen - paper) * (dark * ink)[:, :, None]
    if look.inverted:
        page = 255 - page
    page *= _light(look, rng)[:, :, None]
    _dirt(page, look, rng)
    page = np.rot90(page, -look.turns)
    return MadePage(_photograph(np.ascontiguousarray(page), look, rng), lines, look)


def _write(digits: Dataset, rng: np.random.Generator, look: Look) -> tuple[Floats, tuple[str, ...]]:
    """Return the ink of all lines, from 0 to 1, and what they say."""
    height, width = look.size
    ink = np.zeros((height, width), np.float32)
    tall = look.height
    # A skewed line needs room above and below.
    room = abs(np.tan(np.radians(look.skew))) * width / 2
    top, bottom = room + 0.6 * tall, height - room - 0.6 * tall
    pitch = max(1.9 * tall, (bottom - top) / max(look.lines, 1))
    for _ in range(look.words):
        if top + 2 * tall < height:
            _words(ink, rng, look, top)
            top += 1.9 * tall
    places = {digit: np.flatnonzero(digits.labels == digit) for digit in range(10)}
    lines: list[str] = []
    for row in range(look.lines):
        level = top + (row + 0.1) * pitch
        if level + 1.4 * tall > bottom and lines:
            break
        text = "".join(map(str, rng.integers(0, 10, int(rng.integers(look.digits[0], look.digits[1] + 1)))))
        gap = tall * rng.uniform(0.15, 0.9)
        left = rng.uniform(0.6, 2.0) * tall
        written = ""
        for value in text:
            image = digits.images[int(rng.choice(places[int(value)]))]
            glyph = _glyph(image, tall * rng.uniform(0.85, 1.15), look)
            at = round(level + rng.normal(0, 0.05) * tall), round(left)
            if at[1] + glyph.shape[1] > width - 0.6 * tall or at[0] + glyph.shape[0] > height or at[0] < 0:
                break
            part = ink[at[0] : at[0] + glyph.shape[0], at[1] : at[1] + glyph.shape[1]]
            np.maximum(part, glyph, out=part)
            left += glyph.shape[1] + gap * rng.uniform(0.6, 1.4)
            written += value
        if written:
            lines.append(written)
    return ink, tuple(lines)


def _glyph(image: NDArray[np.uint8], tall: float, look: Look) -> Floats:
    """Return the ink of one digit, so high, drawn with the look's pen."""
    rows, columns = np.flatnonzero(image.max(axis=1) > 60), np.flatnonzero(image.max(axis=0) > 60)
    image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = tall / image.shape[0]
    large = cv2.resize(
        cv2.copyMakeBorder(image, 2, 2, 2, 2, cv2.BORDER_CONSTANT),
        None,
        fx=scale,
        fy=scale,
        interpolation=cv2.INTER_CUBIC,
    ).astype(np.float32)
    smooth = cv2.GaussianBlur(large, (0, 0), max(0.3, 0.35 * scale))
    inside = (smooth > 110).astype(np.uint8)
    # MNIST's pen is what it is; another one is drawn about the middle of its stroke.
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    ridge = depth[(depth > 0.9) & (depth >= cv2.dilate(depth, np.ones((3, 3))))]
    if len(ridge) == 0:
        return inside.astype(np.float32)
    wanted = PENS[look.pen][1] * look.height / 40 / 2
    # Where MNIST's pen is thinnest it must not be thinned away.
    less = min(float(np.median(ridge)) - wanted, 0.85 * float(np.percentile(ridge, 10)))
    drawn: Floats = np.clip(depth - outside - less + 0.5, 0, 1).astype(np.float32)
    return drawn


def _words(ink: Floats, rng: np.random.Generator, look: Look, top: float) -> None:
    """Write a line of words: printed, or by hand as an italic type has it."""
    letters = list("aaabcdeeeefghhiiklmnnooprrssttuvwxyABCDEFGHIJKLMNOPRSTUVWXYZ")
    words = " ".join("".join(rng.choice(letters, int(rng.integers(2, 9)))) for _ in range(rng.integers(2, 6)))
    layer = np.zeros(ink.shape, np.uint8)
    start = (round(look.height), round(top + look.height))
    font = int(
        rng.choice([cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX])
    )
    thick = max(1, round(PENS[look.pen][1] * look.height / 40))
    size = look.height / 28 * rng.uniform(0.5, 1.1)
    cv2.putText(layer, words, start, font, size, 255, thick, cv2.LINE_AA)
    np.maximum(ink, layer.astype(np.float32) / 255, out=ink)


def _ground(look: Look, rng: np.random.Generator) -> Floats:
    """Return what is printed on the paper, from 0 to 1."""
    height, width = look.size
    ground = np.zeros((height, width), np.uint8)
    if look.ground == "plain":
        return ground.astype(np.float32)
    pitch = round(look.height * (1.9 if look.ground == "ruled" else rng.uniform(0.5, 0.9)))
    start = int(rng.integers(pitch))
    shade = int(rng.uniform(90, 255))
    ground[start::pitch] = shade
    if look.ground == "squared":
        ground[:, start::pitch] = shade
    return np.asarray(cv2.GaussianBlur(ground, (3, 3), 0), np.float32) / np.float32(128)


def _skewed(layer: Floats, degrees: float) -> Floats:
    height, width = layer.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    turned = cv2.warpAffine(layer, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=0)
    return np.asarray(turned, np.float32)


def _light(look: Look, rng: np.random.Generator) -> Floats:
    height, width = look.size
    light = np.ones((height, width), np.float32)
    if look.light in ("gradient", "dim"):
        corners = rng.uniform(0.55 if look.light == "gradient" else 0.8, 1.0, (2, 2)).astype(np.float32)
        light *= cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    if look.light == "dim":
        light *= np.float32(rng.uniform(0.45, 0.8))
    if look.light == "shadow":
        turn, rows, columns = rng.uniform(0, 2 * np.pi), np.arange(height)[:, None], np.arange(width)
        edge = (columns - rng.uniform(0.2, 0.8) * width) * np.cos(turn)
        edge = edge + (rows - rng.uniform(0.2, 0.8) * height) * np.sin(turn)
        soft = rng.uniform(1.5, 40)
        dark = rng.uniform(0.3, 0.7)
        light *= (1 - dark / (1 + np.exp(np.clip(-edge / soft, -30, 30)))).astype(np.float32)
    return light


def _dirt(page: Floats, look: Look, rng: np.random.Generator) -> None:
    height, width = page.shape[:2]
    if look.specks:
        for _ in range(int(rng.integers(3, 25))):
            place = (int(rng.integers(width)), int(rng.integers(height)))
            cv2.circle(page, place, int(rng.integers(0, 3)), (60, 55, 50), -1, cv2.LINE_AA)
    if look.border:
        deep = int(rng.integers(2, max(3, round(0.02 * height))))
        page[-deep:] = 25
        page[:, -deep:] = 30


def _photograph(page: Floats, look: Look, rng: np.random.Generator) -> NDArray[np.uint8]:
    page = np.asarray(cv2.GaussianBlur(page, (0, 0), look.blur), np.float32)
    page = page + rng.normal(0, look.grain, page.shape[:2]).astype(np.float32)[:, :, None]
    pixels = np.clip(page, 0, 255).astype(np.uint8)
    if look.quality < 100:
        _, packed = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, look.quality])
        pixels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))[:, :, ::-1]
    return np.ascontiguousarray(pixels)
