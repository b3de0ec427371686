"""From the lines of a page to texts: each line cut into digits, the cuts that read best chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.layout import Layout
from tenfold.reading.lines import Row
from tenfold.reading.networks import Classifies
from tenfold.reading.segments import Path, best_path, picture_of, pieces_of, segments_of


@dataclass(frozen=True, eq=False)
class Reading:
    """What the pieces of one line say.

    Parameters
    ----------
    row : Row
    height : float
        Of the line's digits.
    path : Path
        The segments taken for digits.
    images : (n, 28, 28) uint8
        What the network saw of each.
    """

    row: Row
    height: float
    path: Path
    images: NDArray[np.uint8]

    @property
    def values(self) -> list[int]:
        """The digits from left to right."""
        return [int(value) for value in self.path.probabilities[:, :10].argmax(axis=1)]


def read_rows(layout: Layout, classifier: Classifies) -> list[Reading]:
    """Read every line of a page, digit by digit.

    Parameters
    ----------
    layout : Layout
    classifier : Classifies
        Asked once for all candidates of the page.

    Returns
    -------
    readings : list of Reading
        One for each row.
    """
    blobs = layout.blobs
    heights = [float(np.median(blobs.height[list(row.members)])) for row in layout.rows]
    pieces = [pieces_of(blobs, row.members, height) for row, height in zip(layout.rows, heights, strict=True)]
    segments = [segments_of(part, height) for part, height in zip(pieces, heights, strict=True)]
    images = [
        picture_of(segment.pieces, blobs, layout.contrast)
        for candidates in segments
        for segment in candidates
    ]
    if not images:
        return []
    stack = np.stack(images)
    probabilities = classifier.predict_proba(stack)
    readings, start = [], 0
    for row, height, part, candidates in zip(layout.rows, heights, pieces, segments, strict=True):
        own = slice(start, start + len(candidates))
        path = best_path(part, candidates, probabilities[own], height)
        places = {id(segment): start + place for place, segment in enumerate(candidates)}
        kept = [places[id(segment)] for segment in path.segments]
        readings.append(Reading(row, height, path, stack[kept]))
        start += len(candidates)
    return readings
