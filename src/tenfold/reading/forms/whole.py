"""Fields without cells: one box, read as a line."""

from __future__ import annotations

import numpy as np

from tenfold.reading.blobs import find_blobs
from tenfold.reading.forms.cells import Patch, find_strokes
from tenfold.reading.forms.search import BLANK, Candidate, Cells, Listed, Source
from tenfold.reading.networks import Classifies, Networks, Transcribes
from tenfold.reading.segments import best_path, picture_of, pieces_of, segments_of
from tenfold.reading.transcript import Transcript

LEAST = 1e-5
"""Probability that no digit falls short of."""
EMPTY = Listed([Candidate("", 0.999)])


def read_whole(
    patch: Patch, box: tuple[float, float, float, float], noise: float, networks: Networks
) -> Source:
    """Return what a box may hold.

    Parameters
    ----------
    patch : Patch
        Straightened, its lines removed.
    box : (left, top, right, bottom)
        In pixels of the patch.
    noise : float
        Standard deviation of the paper's contrast.
    networks : Networks
        The recognizer reads the box as a whole; without one, the classifier reads digit by digit.
    """
    strokes = find_strokes(patch, [box], noise)
    own = (strokes.owner == 0) & ~strokes.speck
    if not own.any():
        return EMPTY
    if networks.recognizer is not None:
        return _as_a_line(patch, own, strokes.pen, networks.recognizer)
    return _by_digits(patch, own, networks.classifier)


def _as_a_line(patch: Patch, own: np.ndarray, pen: float, recognizer: Transcribes) -> Source:
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    slack = round(0.25 * (rows[-1] - rows[0] + 1)) + 2
    ink = np.where(own, np.clip(patch * (200 / max(pen, 1.0)), 0, 220), 0)
    part = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    picture = 235 - np.pad(part, slack)
    (transcript,) = recognizer.transcribe([picture.astype(np.uint8)])
    return Listed(_candidates(transcript))


def _candidates(transcript: Transcript) -> list[Candidate]:
    """Return the whole readings of a transcript, and what differs from the first by one digit."""
    found = {transcript.text: transcript.confidence}
    for text, probability in transcript.alternatives:
        found.setdefault(text, probability)
    left = max(0.0, 1 - sum(found.values()))
    nearby = {}
    for place, spot in enumerate(transcript.spots):
        for digit, probability in enumerate(spot.probabilities):
            text = f"{transcript.text[:place]}{digit}{transcript.text[place + 1 :]}"
            if text not in found:
                nearby[text] = max(float(probability), LEAST)
    # Half of what is left: the other half is what nobody thought of.
    scale = 0.5 * left / max(sum(nearby.values()), 1e-9)
    found |= {text: probability * min(scale, 1.0) for text, probability in nearby.items()}
    return [Candidate(text, probability) for text, probability in found.items() if probability > 0]


def _by_digits(patch: Patch, own: np.ndarray, classifier: Classifies) -> Source:
    contrast = np.clip(patch, 0, 255).astype(np.uint8)
    blobs = find_blobs(own)
    height = float(np.max(blobs.height))
    pieces = pieces_of(blobs, range(len(blobs)), height)
    segments = segments_of(pieces, height)
    images = np.stack([picture_of(segment.pieces, blobs, contrast) for segment in segments])
    path = best_path(pieces, segments, classifier.predict_proba(images), height)
    if not path.segments:
        return Listed([Candidate("", 0.01)])
    rows = np.zeros((len(path.segments), BLANK + 1))
    rows[:, :BLANK] = np.maximum(path.probabilities[:, :10], LEAST)
    return Cells(rows / np.maximum(rows.sum(axis=1, keepdims=True), 1.0))
