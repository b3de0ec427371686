"""A picture that one digit fills: a cell of a form, a digit drawn on a screen, an image of MNIST.

Its pen is broad for its size and its ink may touch the edges, so that a page's measures mislead. Ink is told
from paper as `tenfold.data.normalize` tells it, and both networks see the digit in MNIST's form.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.normalize import BOX, center, crop, find_ink, fit, to_gray
from tenfold.data.pixels import Pixels
from tenfold.reading.blobs import Blobs
from tenfold.reading.ink import Ink
from tenfold.reading.layout import Layout
from tenfold.reading.lines import Row
from tenfold.reading.networks import Networks
from tenfold.reading.patches import LinePatch
from tenfold.reading.readings import Reading
from tenfold.reading.segments import Path, Segment, piece_of
from tenfold.reading.view import View

SIZES = 80, 160
"""Pixels of the longer side to which smaller and larger pictures are brought."""

WIDE, TALL = 1.6, 5.0
"""How many times as wide as high, and as high as wide, a picture of one digit is at most."""

FILLING = 0.35
"""Part of the picture's shorter side that the digit's longer side covers at least."""

FRAME = 0.5
"""Part of the outermost pixels that is ink at most: more is a frame."""

STRONG = 64
"""Level from which on ink counts, as in `tenfold.data.normalize.crop`."""

SPECK, PART = 0.01, 0.03
"""Parts of the largest piece of ink: up to the first a piece is a speck, from the second on it may be part of
the digit. Of what is neither there may be no more than that."""

PARTS, NEAR = 4, 0.3
"""How many pieces a broken digit has at most, and how far apart they are, in heights of the largest."""

BESIDE = 0.6
"""Part of the digit's height from which on two pieces side by side are two digits."""

ABREAST = 1.4
"""How many times as wide as high a digit is at most."""

SOLID = 0.75
"""Part of its box that ink fills at most, but for a lone stroke: more is the paper within a frame."""

PAPER, ENLARGED = 6, 1.6
"""For the string network: pixels of paper put around the 28x28, and how many times it is then enlarged."""


def read_single(pixels: Pixels, networks: Networks) -> tuple[Ink, Layout, Reading] | None:
    """Read a picture that one digit fills.

    Parameters
    ----------
    pixels : (height, width) or (height, width, 3) uint8
    networks : Networks

    Returns
    -------
    found : (Ink, Layout, Reading) or None
        None: it is not one digit that fills the picture.
    """
    ink = find_digit(pixels)
    if ink is None:
        return None
    height, width = pixels.shape[:2]
    layout = _layout(ink, width, height)
    piece = piece_of(layout.blobs, 0)
    image = center(fit(crop(ink.contrast.astype(np.float32))))
    probabilities = networks.classifier.predict_proba(image[None])
    if probabilities[0, 10] >= 0.5:
        return None
    path = Path((Segment(0, 1, (piece,)),), probabilities, ())
    patch = _patch(image, piece.box)
    transcript = networks.recognizer.transcribe([patch.gray])[0] if networks.recognizer else None
    tall = float(piece.bottom - piece.top)
    return ink, layout, Reading(layout.rows[0], tall, path, image[None], patch, transcript, single=True)


def find_digit(pixels: Pixels) -> Ink | None:
    """Return the ink of the digit that fills a picture; None where something else is there, or nothing."""
    height, width = pixels.shape[:2]
    if width > WIDE * height or height > TALL * width:
        return None
    longer = max(height, width)
    scale = min(max(longer, SIZES[0]), SIZES[1]) / longer
    size = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    gray = to_gray(np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8))
    ink = find_ink(gray)
    mask = _one_digit(ink >= STRONG)
    if mask is None:
        return None
    inverted = float(gray[mask].mean()) > float(gray[~mask].mean())
    around = np.asarray(cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8))) > 0
    contrast = np.rint(ink * around).astype(np.uint8)
    noise = float(np.std(ink[~around])) if not around.all() else 0.0
    rules = np.zeros(mask.shape, bool)
    return Ink(~gray if inverted else gray, contrast, contrast, mask, rules, scale, inverted, "gray", noise)


def _one_digit(strong: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return the part of a mask that is one digit which fills it, or None."""
    edge = np.concatenate([strong[0], strong[-1], strong[:, 0], strong[:, -1]])
    if not strong.any() or edge.mean() > FRAME:
        return None
    _, labels, table, _ = cv2.connectedComponentsWithStats(strong.view(np.uint8), connectivity=8)
    left, top, width, height, area = np.asarray(table, np.float64)[1:].T
    main = int(area.argmax())
    right, bottom = left + width, top + height
    across = np.maximum(np.maximum(left - right[main], left[main] - right), 0)
    down = np.maximum(np.maximum(top - bottom[main], top[main] - bottom), 0)
    part = (area >= PART * area[main]) & (np.hypot(across, down) <= NEAR * height[main])
    other = ~part & (area > SPECK * area[main])
    if part.sum() > PARTS or area[other].sum() > PART * area[main]:
        return None
    first, last = float(left[part].min()), float(right[part].max())
    wide, tall = last - first, float(bottom[part].max() - top[part].min())
    upright = part & (height >= BESIDE * tall)
    if upright.sum() > 1 or wide > ABREAST * tall or max(wide, tall) < FILLING * min(strong.shape):
        return None
    stroke = wide < tall / 2
    if not stroke and area[part].sum() > SOLID * wide * tall:
        return None
    # A lone stroke along the edge of a picture that has room for it is the edge of something.
    columns = strong.shape[1]
    if stroke and (first == 0 or last == columns) and wide < columns / 2:
        return None
    return np.isin(labels, np.flatnonzero(part) + 1)


def _layout(ink: Ink, width: int, height: int) -> Layout:
    """Return a page of one line of one piece, however many pieces the digit is broken into."""
    rows, columns = (np.flatnonzero(ink.mask.any(axis=axis)) for axis in (1, 0))
    left, top = int(columns[0]), int(rows[0])
    wide, tall = int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top
    measures = (np.array([value], np.int64) for value in (left, top, wide, tall, int(ink.mask.sum())))
    blobs = Blobs(ink.mask.astype(np.int32), *measures)
    view = View(width, height, ink.scale)
    return Layout(view, ink.contrast, ink.gray, None, blobs, (Row((0,), 0.0),), float(max(wide, tall)))


def _patch(image: Pixels, box: tuple[int, int, int, int]) -> LinePatch:
    """Return the 28x28 as a line, and where in it a place of the view with the digit in that box lies."""
    left, top, right, bottom = box
    inked = image > 0
    column, row = int(inked.any(axis=0).argmax()), int(inked.any(axis=1).argmax())
    zoom = ENLARGED * BOX / max(right - left, bottom - top)
    turn = np.array(
        [
            [zoom, 0, ENLARGED * (PAPER + column) - zoom * left],
            [0, zoom, ENLARGED * (PAPER + row) - zoom * top],
        ]
    )
    return LinePatch(as_line(image), turn)


def as_line(image: Pixels) -> Pixels:
    """Return a 28x28 as a line for the string network: dark ink, with paper around."""
    padded = np.pad(255 - image, PAPER, constant_values=255)
    gray = cv2.resize(padded, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    return np.asarray(gray, np.uint8)
