"""Which digits can be read at all: those whose lines are still the digit that they stand for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tenfold.data.composites.glyphs import Glyphs, Line
from tenfold.data.composites.paper import Papers
from tenfold.data.composites.patches import Patch, make_patch
from tenfold.data.composites.pen import Pen, draw
from tenfold.data.dataset import Dataset
from tenfold.data.normalize import center, crop, fit
from tenfold.reading.networks import Classifies

SEEN, LOST = 0.5, 0.05
"""How probable the digit network takes a digit's label to be from its picture at least, and from its lines at
most, where the lines have lost the digit."""


def legible(digits: Dataset, classifier: Classifies) -> Dataset:
    """Leave out the pictures whose lines are another digit.

    Thinned to a line, an 8 whose lower loop is filled becomes a 9, and a bold 3 a 5. A reader that reads what
    is there must not be blamed. What is misread as a picture stays: it is hard, not lost.
    """
    glyphs = Glyphs(digits.images, digits.labels)
    lines = np.stack([_drawn(glyphs[place].lines) for place in range(len(glyphs))])
    every = np.arange(len(digits))
    seen, left = (classifier.predict_proba(images)[every, digits.labels] for images in (digits.images, lines))
    return digits.take(np.flatnonzero((seen < SEEN) | (left > LOST)))


def make_legible(glyphs: Glyphs, papers: Papers, classifier: Classifies, rng: np.random.Generator) -> Patch:
    """Make a patch that can be read, as `make_patch` makes them: those that cannot are made anew."""
    while True:
        patch = make_patch(glyphs, papers, rng)
        if can_be_read(patch.shapes, patch.text, classifier):
            return patch


def can_be_read(shapes: Sequence[Sequence[Line]], text: str, classifier: Classifies) -> bool:
    """Say whether each digit of a string, by itself, is still what it stands for.

    In the hand of a string a digit is stretched, turned and bent, and may become another: a 4 a 9, a 3 that
    curls an 8. No reader can be right there but by chance, so it does not tell how sure one may be.

    Parameters
    ----------
    shapes : sequence of sequence of (k, 2) float32
        Lines of each digit, upright.
    text : str
        What they stand for.
    classifier : Classifies
        The digit network. What it is not sure of can be read.
    """
    if not text:
        return True
    seen = classifier.predict_proba(np.stack([_drawn(lines) for lines in shapes]))[:, :10]
    own = seen[np.arange(len(text)), [int(digit) for digit in text]]
    return not bool(((own < LOST) & (seen.max(axis=1) > SEEN)).any())


def _drawn(lines: Sequence[Line]) -> NDArray[np.uint8]:
    """Return lines drawn with a plain pen, as a picture of 28x28."""
    tall, slack = 80, 12
    points = np.concatenate(lines)
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    zoom = np.float32(tall / max(float(size.max()), 1e-3))
    across, down = (round(float(length * zoom)) + 2 * slack for length in size)
    placed = [(line - low) * zoom + np.float32(slack) for line in lines]
    return center(fit(crop(draw(placed, (down, across), Pen(tall / 10)).astype(np.float32))))
