"""Fields without cells: one box, read as a line."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.data.normalize import center, crop, fit
from tenfold.reading.blobs import find_blobs
from tenfold.reading.forms.cells import Patch, find_strokes
from tenfold.reading.forms.search import BLANK, Candidate, Cells, Listed, Source
from tenfold.reading.networks import Classifies, Networks, Transcribes
from tenfold.reading.readings import Glimpse
from tenfold.reading.segments import best_path, picture_of, pieces_of, segments_of
from tenfold.reading.transcript import Spot, Transcript

Mask = NDArray[np.bool_]

LEAST = 1e-5
"""Probability that no digit falls short of."""
NOTHING = Listed([Candidate("", 0.999)])


@dataclass(frozen=True, eq=False)
class Whole:
    """What a box may hold.

    Parameters
    ----------
    source : Source
    digits : tuple of Glimpse
        Of the first reading, from left to right; their boxes in pixels of the patch.
    """

    source: Source
    digits: tuple[Glimpse, ...] = ()


def read_whole(
    patch: Patch, box: tuple[float, float, float, float], noise: float, networks: Networks
) -> Whole:
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
        return Whole(NOTHING)
    if networks.recognizer is not None:
        return _as_a_line(patch, own, strokes.pen, networks.recognizer)
    return _by_digits(patch, own, networks.classifier)


def _as_a_line(patch: Patch, own: Mask, pen: float, recognizer: Transcribes) -> Whole:
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    slack = round(0.25 * (rows[-1] - rows[0] + 1)) + 2
    ink = np.where(own, np.clip(patch * (200 / max(pen, 1.0)), 0, 220), 0)
    part = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    picture = 235 - np.pad(part, slack)
    (transcript,) = recognizer.transcribe([picture.astype(np.uint8)])
    start = float(columns[0] - slack)
    digits = [_glimpse(patch, own, pen, spot, start) for spot in transcript.spots]
    return Whole(Listed(_candidates(transcript)), tuple(digits))


def _glimpse(patch: Patch, own: Mask, pen: float, spot: Spot, start: float) -> Glimpse:
    """Return a digit with the ink between its columns, which are those of `patch` from `start` on."""
    left = min(max(0, int(start + spot.left)), own.shape[1] - 1)
    right = max(left + 1, math.ceil(start + spot.right))
    inside = own[:, left:right]
    rows = np.flatnonzero((inside if inside.any() else own).any(axis=1))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    values = patch[top:bottom, left:right] * inside[top:bottom] * np.float32(255 / max(pen, 1.0))
    image = center(fit(crop(np.clip(values, 0, 255)))) if inside.any() else None
    box = float(left), float(top), float(left + inside.shape[1]), float(bottom)
    return Glimpse(spot.value, spot.probabilities.astype(np.float64), box, image)


def _candidates(transcript: Transcript) -> list[Candidate]:
    """Return the whole readings of a transcript, and what differs from the first by one digit."""
    others = {text: chance for text, chance in transcript.alternatives if text != transcript.text}
    # They share what the first one leaves: its confidence is calibrated, theirs are not.
    share = min(1.0, (1 - transcript.confidence) / max(sum(others.values()), 1e-9))
    found = {transcript.text: transcript.confidence}
    found |= {text: chance * share for text, chance in others.items()}
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


def _by_digits(patch: Patch, own: Mask, classifier: Classifies) -> Whole:
    contrast = np.clip(patch, 0, 255).astype(np.uint8)
    blobs = find_blobs(own)
    height = float(np.max(blobs.height))
    pieces = pieces_of(blobs, range(len(blobs)), height)
    segments = segments_of(pieces, height)
    images = [picture_of(segment.pieces, blobs, contrast) for segment in segments]
    path = best_path(pieces, segments, classifier.predict_proba(np.stack(images)), height)
    if not path.segments:
        return Whole(Listed([Candidate("", 0.01)]))
    rows = np.zeros((len(path.segments), BLANK + 1))
    rows[:, :BLANK] = np.maximum(path.probabilities[:, :10], LEAST)
    rows /= np.maximum(rows.sum(axis=1, keepdims=True), 1.0)
    seen = {id(segment): image for segment, image in zip(segments, images, strict=True)}
    digits = [
        Glimpse(int(row[:BLANK].argmax()), row[:BLANK], segment.box, seen[id(segment)])
        for segment, row in zip(path.segments, rows, strict=True)
    ]
    return Whole(Cells(rows), tuple(digits))
