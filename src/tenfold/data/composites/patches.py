"""Made patches: pictures of one written line each, as cut from a photo, scan or cheque, with their truth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.composites.glyphs import Glyphs, Line
from tenfold.data.composites.paper import Papers, photograph, rule
from tenfold.data.composites.strings import Writing, draw_hand, draw_ink, draw_text, write

_LETTERS = "abcdefhkmnprtuvwxyACDEFGHJKLMNPQRTUVWXY&%#?"
"""Letters that no digit looks like. In a word they may stand beside others."""

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


@dataclass(frozen=True, eq=False)
class Patch:
    """A picture of one line, and what it says.

    Attributes
    ----------
    gray : (h, w) uint8
        Dark ink on lighter paper.
    text : str
        Its digits, maybe none.
    spans : tuple of (left, right)
        Columns of each digit.
    shapes : tuple of list of (k, 2) float32
        Lines of each digit, upright, of any size and place: what it is without its neighbors.
    """

    gray: NDArray[np.uint8]
    text: str
    spans: tuple[tuple[float, float], ...]
    shapes: tuple[list[Line], ...] = ()


def make_patch(glyphs: Glyphs, papers: Papers, rng: np.random.Generator) -> Patch:
    """Make a patch: a string of digits mostly, else words, scribbles or bare paper.

    Parameters
    ----------
    glyphs : Glyphs
    papers : Papers
    rng : numpy.random.Generator
        All that is drawn is drawn from it, so its state fixes the patch.

    Returns
    -------
    patch : Patch
    """
    kind = rng.random()
    tall = float(np.exp(rng.uniform(np.log(16), np.log(52))))
    if kind < 0.94:
        writing = write(draw_text(rng), draw_hand(rng), glyphs, rng)
    elif kind < 0.96:
        writing = scribble(rng)
    elif kind < 0.98:
        writing = Writing("")
    else:
        return _printed(papers, rng, tall)
    return _lay(writing, tall, papers, rng)


def scribble(rng: np.random.Generator) -> Writing:
    """Write what is nothing: a few wild curves, dashes or specks."""
    writing = Writing("")
    for _ in range(int(rng.integers(1, 6))):
        knots = np.cumsum(rng.normal(0, rng.uniform(0.1, 0.7), (int(rng.integers(2, 9)), 2)), axis=0)
        start = np.array([rng.uniform(0, 5), rng.uniform(0.2, 0.8)])
        if rng.random() < 0.4:
            knots[:, 1] *= 0.1
        writing.lines.append((knots * [1, 0.5] + start).astype(np.float32))
    return writing


def _lay(writing: Writing, tall: float, papers: Papers, rng: np.random.Generator) -> Patch:
    """Lay a writing on paper, a digit's height `tall` pixels, and take its picture."""
    lines = writing.lines
    if lines:
        points = np.concatenate(lines)
        low, high = points.min(axis=0), points.max(axis=0)
    else:
        low, high = np.zeros(2), np.array([rng.uniform(1, 6), 1.0])
    tight = rng.random() < 0.7
    slack = rng.uniform(-0.02, 0.3, 4) if tight else rng.uniform(0.1, 0.9, 4)
    if tight and rng.random() < 0.3:
        slack[2:] = rng.uniform(-0.03, 0.1, 2)
    pen = max(1.0, tall * float(np.exp(rng.normal(np.log(0.075), 0.35))))
    edge = pen / 2 / tall
    low, high = low - edge - slack[[0, 2]], high + edge + slack[[1, 3]]
    size = tuple(int(n) for n in np.clip(np.rint((high - low)[::-1] * tall), 8, (400, 1600)))
    height, width = size
    low = low.astype(np.float32)
    ink = draw_ink([(line - low) * np.float32(tall) for line in lines], (height, width), pen, rng)
    paper = papers.sheet(height, width, rng)
    if rng.random() < 0.5:
        rule(paper, rng)
    gray = photograph(paper * (1 - _pressed(ink, rng) * np.float32(rng.uniform(0.25, 0.92))), rng)
    spans = tuple(
        ((left - float(low[0])) * tall, (right - float(low[0])) * tall) for left, right in writing.spans
    )
    return Patch(gray, writing.text, spans, tuple(writing.shapes))


def _pressed(ink: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Let ink break or fade here and there, as pencil and ballpoint do."""
    if rng.random() < 0.4:
        coarse = rng.uniform(0.45, 1.15, (ink.shape[0] // 3 + 2, ink.shape[1] // 3 + 2)).astype(np.float32)
        ink = ink * np.minimum(cv2.resize(coarse, ink.shape[::-1]), 1)
    return ink


def _printed(papers: Papers, rng: np.random.Generator, tall: float) -> Patch:
    """Make a patch of words without digits."""
    count = int(rng.integers(2, 14))
    letters = rng.choice(list(_LETTERS + "   "), count)
    text = "".join(letters)
    font = int(rng.choice(_FONTS))
    scale = tall / 24
    thick = int(rng.integers(1, max(2, round(tall / 8)) + 1))
    (width, height), foot = cv2.getTextSize(text, font, scale, thick)
    size = (min(400, int(height * rng.uniform(1.1, 1.6)) + foot + 4), min(1600, width + int(tall)))
    mask = np.zeros(size, np.uint8)
    cv2.putText(
        mask,
        text,
        (int(tall * rng.uniform(0, 0.6)), size[0] - foot - 2),
        font,
        scale,
        255,
        thick,
        cv2.LINE_AA,
    )
    slant = rng.normal(0, 0.2)
    matrix = np.array([[1, -slant, slant * size[0] / 2], [0, 1, 0]], np.float32)
    mask = np.asarray(cv2.warpAffine(mask, matrix, size[::-1]), np.uint8)
    paper = papers.sheet(*size, rng)
    if rng.random() < 0.4:
        rule(paper, rng)
    ink = mask.astype(np.float32) / np.float32(255)
    return Patch(photograph(paper * (1 - ink * np.float32(rng.uniform(0.25, 0.92))), rng), "", ())
