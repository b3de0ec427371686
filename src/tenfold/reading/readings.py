"""From the lines of a page to texts: each read as a whole and digit by digit, the two readings settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tenfold.data.normalize import center, crop, fit
from tenfold.reading.layout import Layout
from tenfold.reading.lines import Row
from tenfold.reading.networks import Classifies, Networks, Transcribes
from tenfold.reading.patches import LinePatch, row_patch, whole_patch
from tenfold.reading.segments import Path, best_path, picture_of, pieces_of, segments_of
from tenfold.reading.transcript import Spot, Transcript


@dataclass(frozen=True, eq=False)
class Reading:
    """What the networks see in one line.

    Parameters
    ----------
    row : Row
    height : float
        Of the line's digits, in the view.
    path : Path
        The segments that the digit network takes for digits; none where it was not asked.
    images : (n, 28, 28) uint8
        What it saw of each.
    patch : LinePatch or None
        What the string network saw.
    transcript : Transcript or None
        What it read.
    second : float in [0, 1]
        Of a strip: how probable what it read is to the digit network, each digit cut where it was seen.
    """

    row: Row
    height: float
    path: Path
    images: NDArray[np.uint8]
    patch: LinePatch | None = None
    transcript: Transcript | None = None
    second: float = 0.0

    def extent(self, spot: Spot) -> tuple[float, float]:
        """Return between which columns of the view a spot of the transcript lies."""
        if self.patch is None:
            return spot.left, spot.right
        middle = self.patch.gray.shape[0] / 2
        left, _ = self.patch.place(spot.left, middle)
        right, _ = self.patch.place(spot.right, middle)
        return left, right


TALL = 2.2
"""Height of a line's patch, in heights of its digits, from which on it is read without its tails as well."""

WORDY = (6, 0.35)
"""Pieces from which on a line is not read whole, where the digit network takes a smaller part for digits."""

LONG = 16
"""Pieces from which on that part is twice as large: so long a line is seldom one of digits."""

PAGE_OF_WORDS = (40, 0.35)
"""The same of a whole page: on one of words only lines of sure digits are read whole."""

NO_PATH = Path((), np.zeros((0, 11), np.float32), ())
NO_IMAGES = np.zeros((0, 28, 28), np.uint8)


def read_rows(layout: Layout, networks: Networks) -> list[Reading]:
    """Read every line of a page.

    Parameters
    ----------
    layout : Layout
    networks : Networks
        Each is asked once for the whole page.

    Returns
    -------
    readings : list of Reading
        One for each row; of a picture that is but one line, one for it all.
    """
    if layout.is_strip and networks.recognizer is not None and layout.rows:
        return [_read_strip(layout, networks.recognizer, networks.classifier)]
    heights = [typical_height(layout, row) for row in layout.rows]
    readings = _read_digits(layout, heights, networks.classifier)
    if networks.recognizer is None or not readings:
        return readings
    asked = _legible(readings)
    patches = {place: row_patch(layout, readings[place].row, heights[place]) for place in asked}
    others: list[tuple[int, LinePatch]] = []
    for place in asked:
        row, height = readings[place].row, heights[place]
        if layout.ruled is not None:
            # Where a rule was taken away, a part of a digit may be gone with it.
            others.append((place, row_patch(layout, row, height, ruled=True)))
        if patches[place].gray.shape[0] > TALL * patches[place].zoom * height:
            # Long tails leave little room for the other digits.
            others.append((place, row_patch(layout, row, height, tails=False)))
    several = [*patches.items(), *others]
    transcripts: dict[int, Transcript] = {}
    said = networks.recognizer.transcribe([patch.gray for _, patch in several])
    for (place, patch), transcript in zip(several, said, strict=True):
        first = transcripts.get(place)
        if first is None or (transcript.spots and transcript.confidence > first.confidence):
            patches[place], transcripts[place] = patch, transcript
    return [
        replace(reading, patch=patches.get(place), transcript=transcripts.get(place))
        for place, reading in enumerate(readings)
    ]


def _legible(readings: Sequence[Reading]) -> list[int]:
    """Return which lines may be digits: in words the digit network is sure of few."""
    pieces = np.array([len(reading.row.members) for reading in readings])
    sure = np.array(
        [(reading.path.probabilities[:, :10].max(axis=1, initial=0.0) > 0.5).sum() for reading in readings]
    )
    if pieces.sum() >= PAGE_OF_WORDS[0] and sure.sum() < PAGE_OF_WORDS[1] * pieces.sum():
        return [int(place) for place in np.flatnonzero(sure >= 0.8 * pieces)]
    share = np.where(pieces > LONG, 2 * WORDY[1], WORDY[1])
    return [int(place) for place in np.flatnonzero((pieces < WORDY[0]) | (sure >= share * pieces))]


def typical_height(layout: Layout, row: Row) -> float:
    """Return the height of a row's digits: the median of its pieces, broken parts aside."""
    heights = layout.blobs.height[list(row.members)]
    return float(np.median(heights[heights >= 0.5 * np.median(heights)]))


def _read_strip(layout: Layout, recognizer: Transcribes, classifier: Classifies) -> Reading:
    """Read a picture that is but one line as it is: the string network knows printed grounds and rules."""
    members = tuple(sorted(member for row in layout.rows for member in row.members))
    patch = whole_patch(layout)
    (transcript,) = recognizer.transcribe([patch.gray])
    row = Row(members, 0.0)
    reading = Reading(row, typical_height(layout, row), NO_PATH, NO_IMAGES, patch, transcript)
    images = [digit.image for digit in _of_spots(reading, transcript, layout) if digit.image is not None]
    if not images:
        return reading
    chances = classifier.predict_proba(np.stack(images))
    values = [spot.value for spot in transcript.spots]
    return replace(reading, second=float(np.prod(chances[np.arange(len(values)), values])))


def _read_digits(layout: Layout, heights: list[float], classifier: Classifies) -> list[Reading]:
    """Read every line digit by digit."""
    pieces = [
        pieces_of(layout.blobs, row.members, height) for row, height in zip(layout.rows, heights, strict=True)
    ]
    segments = [segments_of(part, height) for part, height in zip(pieces, heights, strict=True)]
    images = [
        picture_of(segment.pieces, layout.blobs, layout.contrast)
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


@dataclass(frozen=True, eq=False)
class Glimpse:
    """One digit of a settled reading.

    Parameters
    ----------
    probabilities : (10,) float64
        Sums to at most 1; the rest is that it is no digit.
    box : (left, top, right, bottom)
        In the view.
    image : (28, 28) uint8 or None
    """

    probabilities: NDArray[np.float64]
    box: tuple[float, float, float, float]
    image: NDArray[np.uint8] | None

    @property
    def value(self) -> int:
        """The most probable digit."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, eq=False)
class Settled:
    """What a line says, the readings of both networks settled.

    Parameters
    ----------
    digits : tuple of Glimpse
    kind : str
        How it came about: "agree", "lone" (they agree on one digit), "differ" (in a digit), "string" or
        "digits" (they differ in the number of digits; whose reading was taken), "strip" (a picture of one
        line, read whole), "alone" (one network only).
    whole, single : float in [0, 1]
        How probable the text is to the string network and to the digit network.
    alternatives : tuple of (text, probability)
    """

    digits: tuple[Glimpse, ...]
    kind: str
    whole: float
    single: float
    alternatives: tuple[tuple[str, float], ...]

    @property
    def text(self) -> str:
        """The digits in a row."""
        return "".join(str(digit.value) for digit in self.digits)


def settle(reading: Reading, layout: Layout) -> Settled:
    """Settle what a line says.

    Where both networks see as many digits, their probabilities are multiplied digit by digit. Where they do
    not, the reading of the one that is surer is taken.
    """
    path, transcript = reading.path, reading.transcript
    single = path.probability
    if transcript is None:
        return Settled(_of_path(reading), "alone", single, 0.0, ())
    if reading.path is NO_PATH:
        digits_of = _of_spots(reading, transcript, layout)
        return Settled(digits_of, "strip", transcript.confidence, reading.second, transcript.alternatives)
    spots, singles = transcript.spots, path.probabilities
    if len(spots) == len(path.segments):
        digits = []
        for spot, segment, row, image in zip(spots, path.segments, singles, reading.images, strict=True):
            both = spot.probabilities.astype(np.float64) * row[:10].astype(np.float64) + 1e-9
            left, top, right, bottom = segment.box
            chances = both / both.sum() * (1 - float(row[10]))
            digits.append(Glimpse(chances, (left, top, right, bottom), image))
        text = "".join(str(digit.value) for digit in digits)
        same = text == transcript.text == path.text
        others = [(transcript.text, transcript.confidence), (path.text, single), *transcript.alternatives]
        alternatives = tuple(dict(reversed([(t, p) for t, p in others if t != text])).items())[::-1]
        kind = "differ" if not same else "agree" if len(digits) > 1 else "lone"
        return Settled(tuple(digits), kind, transcript.confidence, single, alternatives)
    if transcript.confidence >= single:
        chosen, kind, other = _of_spots(reading, transcript, layout), "string", (path.text, single)
    else:
        chosen, kind, other = _of_path(reading), "digits", (transcript.text, transcript.confidence)
    return Settled(chosen, kind, transcript.confidence, single, (other, *transcript.alternatives))


def _of_path(reading: Reading) -> tuple[Glimpse, ...]:
    return tuple(
        Glimpse(row[:10].astype(np.float64), segment.box, image)
        for segment, row, image in zip(
            reading.path.segments, reading.path.probabilities, reading.images, strict=True
        )
    )


def _of_spots(reading: Reading, transcript: Transcript, layout: Layout) -> tuple[Glimpse, ...]:
    """Return the digits of a transcript, each with the ink between its columns."""
    found = []
    members = set(reading.row.members)
    blobs = layout.blobs
    tops = [int(blobs.top[member]) for member in members]
    bottoms = [int(blobs.top[member] + blobs.height[member]) for member in members]
    for spot in transcript.spots:
        left, right = reading.extent(spot)
        first, last = max(0, int(left)), max(int(left) + 1, int(np.ceil(right)))
        rows = slice(min(tops), max(bottoms))
        ink = blobs.labels[rows, first:last] > 0
        inked = np.flatnonzero(ink.any(axis=1)) if ink.size else np.empty(0, int)
        top, bottom = (
            (rows.start + int(inked[0]), rows.start + int(inked[-1]) + 1)
            if len(inked)
            else (rows.start, rows.stop)
        )
        image = _seen(layout, first, top, last, bottom)
        found.append(Glimpse(spot.probabilities.astype(np.float64), (first, top, last, bottom), image))
    return tuple(found)


def _seen(layout: Layout, left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
    """Return the 28x28 of what is between columns and rows."""
    part = layout.contrast[top:bottom, left:right].astype(np.float32)
    inside = layout.blobs.labels[top:bottom, left:right] > 0
    strong = part[inside]
    if strong.size == 0:
        return np.zeros((28, 28), np.uint8)
    return center(fit(crop(np.clip(part * inside * (255 / float(np.percentile(strong, 75))), 0, 255))))
