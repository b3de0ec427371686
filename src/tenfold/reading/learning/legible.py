"""Which pictures of digits can be written with: those whose lines are still the digit that they were."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tenfold.data.composites.glyphs import Glyph, Glyphs
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
    lines = np.stack([_drawn(glyphs[place]) for place in range(len(glyphs))])
    every = np.arange(len(digits))
    seen, left = (classifier.predict_proba(images)[every, digits.labels] for images in (digits.images, lines))
    return digits.take(np.flatnonzero((seen < SEEN) | (left > LOST)))


def _drawn(glyph: Glyph) -> NDArray[np.uint8]:
    """Return a glyph drawn with a plain pen, as a picture of 28x28."""
    tall, slack = 80, 12
    shape = tall + 2 * slack, round(glyph.width * tall) + 2 * slack
    lines = [line * np.float32(tall) + np.float32(slack) for line in glyph.lines]
    return center(fit(crop(draw(lines, shape, Pen(tall / 10)).astype(np.float32))))
