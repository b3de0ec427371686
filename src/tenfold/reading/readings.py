"""From the lines of a page to texts: each read as a whole and digit by digit, the two readings settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.normalize import center, crop, fit, percentile
from tenfold.reading.blobs import weighted_median
from tenfold.reading.decide import Evidence
from tenfold.reading.layout import Layout
from tenfold.reading.lines import Row
from tenfold.reading.networks import Classifies, Networks, Transcribes
from tenfold.reading.patches import LinePatch, row_patch, whole_patch
from tenfold.reading.segments import Path, Piece, best_path, picture_of, pieces_of, segments_of
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
    single : bool
        Whether it is of one digit that fills the picture.
    """

    row: Row
    height: float
    path: Path
    images: NDArray[np.uint8]
    patch: LinePatch | None = None
    transcript: Transcript | None = None
    single: bool = False

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

SAMPLE, WORDS = 8, 0.3
"""How many pieces of a line tell whether it is words: it is where a smaller part of them may be digits."""

SHARES = (1.3, 0.7)
"""Powers of the string network's and the digit network's probabilities in their product. Of 243 lines of made
pages on which the networks differ, these read 136 right, equal ones 127, the string network alone 117."""

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
    if layout.is_strip and networks.recognizer is not None:
        reading = _read_strip(layout, networks.recognizer)
        return [reading] if reading.row.members or (reading.transcript and reading.transcript.spots) else []
    heights = [typical_height(layout, row) for row in layout.rows]
    readings = _read_digits(layout, heights, networks.classifier)
    if networks.recognizer is None or not readings:
        return readings
    asked = _legible(readings)
    patches = {place: row_patch(layout, readings[place].row, heights[place]) for place in asked}
    said = networks.recognizer.transcribe([patch.gray for patch in patches.values()])
    transcripts = dict(zip(patches, said, strict=True))
    others: list[tuple[int, LinePatch]] = []
    for place in [place for place in asked if transcripts[place].spots]:
        row, height = readings[place].row, heights[place]
        if layout.ruled is not None:
            # Where a rule was taken away, a part of a digit may be gone with it.
            others.append((place, row_patch(layout, row, height, ruled=True)))
        if patches[place].gray.shape[0] > TALL * patches[place].zoom * height:
            # Long tails leave little room for the other digits.
            others.append((place, row_patch(layout, row, height, tails=False)))
    said = networks.recognizer.transcribe([patch.gray for _, patch in others])
    for (place, patch), transcript in zip(others, said, strict=True):
        if transcript.spots and transcript.confidence > transcripts[place].confidence:
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
    # Tall pieces count for more at first, so that many parts of few digits do not pass for digits.
    return (
        float(np.median(heights[heights >= 0.5 * weighted_median(heights, heights)])) if len(heights) else 0.0
    )


def _read_strip(layout: Layout, recognizer: Transcribes) -> Reading:
    """Read a picture that is but one line as it is: the string network knows printed grounds and rules."""
    members = tuple(sorted(member for row in layout.rows for member in row.members))
    patch = whole_patch(layout)
    (transcript,) = recognizer.transcribe([patch.gray])
    row = Row(members, 0.0)
    height = typical_height(layout, row)
    return Reading(row, height, NO_PATH, NO_IMAGES, patch, transcript)


def _wordy(pieces: Sequence[Sequence[Piece]], layout: Layout, classifier: Classifies) -> list[bool]:
    """Return which lines are words, told by some of their pieces; only on a page of many."""
    if sum(map(len, pieces)) < PAGE_OF_WORDS[0]:
        return [False] * len(pieces)
    places = [
        np.linspace(0, len(part) - 1, SAMPLE).astype(int) if len(part) > SAMPLE else np.empty(0, int)
        for part in pieces
    ]
    images = [
        picture_of([part[place]], layout.blobs, layout.contrast)
        for part, some in zip(pieces, places, strict=True)
        for place in some
    ]
    if not images:
        return [False] * len(pieces)
    sure = classifier.predict_proba(np.stack(images))[:, :10].max(axis=1) > 0.5
    ends = np.cumsum([len(some) for some in places])
    shares = [part.mean() if len(part) else 1.0 for part in np.split(sure, ends[:-1])]
    return [bool(share < WORDS) for share in shares]


def _read_digits(layout: Layout, heights: list[float], classifier: Classifies) -> list[Reading]:
    """Read every line digit by digit."""
    pieces = [
        pieces_of(layout.blobs, row.members, height) for row, height in zip(layout.rows, heights, strict=True)
    ]
    wordy = _wordy(pieces, layout, classifier)
    # What is words all along is not looked at further: it takes long, and says nothing.
    pieces = [[] if words else part for part, words in zip(pieces, wordy, strict=True)]
    segments = [segments_of(part, height) for part, height in zip(pieces, heights, strict=True)]
    images = [
        picture_of(segment.pieces, layout.blobs, layout.contrast)
        for candidates in segments
        for segment in candidates
    ]
    stack = np.stack(images) if images else NO_IMAGES
    probabilities = classifier.predict_proba(stack) if images else NO_PATH.probabilities
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
    value : int
        What it is read as. It may be another than the most probable one by itself where the line as a whole
        is more probable so.
    probabilities : (10,) float64
        Sums to at most 1; the rest is that it is no digit.
    box : (left, top, right, bottom)
        In the view.
    image : (28, 28) uint8 or None
    """

    value: int
    probabilities: NDArray[np.float64]
    box: tuple[float, float, float, float]
    image: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class Settled:
    """What a line says, the readings of both networks settled.

    Parameters
    ----------
    digits : tuple of Glimpse
    evidence : Evidence
        Its kind tells how the text came about: "agree", "lone" (they agree on one digit), "only" (one digit
        that fills the picture), "differ" (in a digit), "string" or "digits" (they differ in the number of
        digits; whose reading was taken), "strip" (a picture of one line, read whole), "alone" (one network
        only).
    alternatives : tuple of (text, probability)
    """

    digits: tuple[Glimpse, ...]
    evidence: Evidence
    alternatives: tuple[tuple[str, float], ...]

    @property
    def text(self) -> str:
        """The digits in a row."""
        return "".join(str(digit.value) for digit in self.digits)


def settle(reading: Reading, layout: Layout, *, images: bool = False) -> Settled:
    """Settle what a line says.

    Where both networks see as many digits, their probabilities are multiplied digit by digit, the string
    network's with more weight. Where they do not, the reading of the one that is surer is taken. Where the
    string network sees none, there is none. With `images`, digits that the string network alone has seen have
    pictures as well, which takes time.
    """
    path, transcript = reading.path, reading.transcript
    single = path.probability
    if transcript is None:
        own = _of_path(reading)
        return Settled(own, Evidence("alone", single, length=len(own)), ())
    spots, others = transcript.spots, transcript.alternatives
    rival = max((chance for _, chance in others), default=0.0)

    def evidence(kind: str, length: int) -> Evidence:
        return Evidence(kind, transcript.confidence, single, rival, length)

    if reading.path is NO_PATH:
        return Settled(_of_spots(reading, transcript, layout, images), evidence("strip", len(spots)), others)
    if reading.single:
        return _settle_single(reading, transcript)
    if not spots:
        # The digit network sees a digit in many a scrap of ink; the string network sees what is around it.
        return Settled((), evidence("digits", 0), ((path.text, single),))
    if len(spots) == len(path.segments):
        digits = []
        for spot, segment, row, image in zip(
            spots, path.segments, path.probabilities, reading.images, strict=True
        ):
            whole, alone = spot.probabilities.astype(np.float64), row[:10].astype(np.float64)
            both = (whole + 1e-6) ** SHARES[0] * (alone + 1e-6) ** SHARES[1]
            chances = both / both.sum() * (1 - float(row[10]))
            digits.append(Glimpse(int(chances.argmax()), chances, segment.box, image))
        text = "".join(str(digit.value) for digit in digits)
        same = text == transcript.text == path.text
        said = [(transcript.text, transcript.confidence), (path.text, single), *others]
        alternatives = tuple(dict(reversed([(t, p) for t, p in said if t != text])).items())[::-1]
        kind = "differ" if not same else "agree" if len(digits) > 1 else "lone"
        return Settled(tuple(digits), evidence(kind, len(digits)), alternatives)
    if transcript.confidence >= single:
        chosen = _of_spots(reading, transcript, layout, images)
        kind, other = "string", (path.text, single)
    else:
        chosen, kind, other = _of_path(reading), "digits", (transcript.text, transcript.confidence)
    return Settled(chosen, evidence(kind, len(chosen)), (other, *others))


def combine(alone: NDArray[np.floating[Any]], transcript: Transcript) -> NDArray[np.float64]:
    """Return the probabilities (10,) of a digit by itself: of both networks' the product.

    Where the string network does not see one digit, it has no say in which one it is.

    Parameters
    ----------
    alone : (11,) float
        The digit network's.
    transcript : Transcript
        What the string network read.
    """
    heard = transcript.spots[0].probabilities if len(transcript.spots) == 1 else np.ones(10)
    both = (alone[:10].astype(np.float64) + 1e-6) * (heard + 1e-6)
    chances: NDArray[np.float64] = both / both.sum() * (1 - float(alone[10]))
    return chances


def _settle_single(reading: Reading, transcript: Transcript) -> Settled:
    """Settle what the digit is that fills a picture."""
    chances = combine(reading.path.probabilities[0], transcript)
    value = int(chances.argmax())
    texts = {**dict(transcript.alternatives), transcript.text: transcript.confidence}
    whole, single = texts.pop(str(value), 0.0), float(reading.path.probabilities[0, value])
    others = tuple(sorted(texts.items(), key=lambda text: -text[1]))
    rival = others[0][1] if others else 0.0
    digit = Glimpse(value, chances, reading.path.segments[0].box, reading.images[0])
    return Settled((digit,), Evidence("only", whole, single, rival), others)


def _of_path(reading: Reading) -> tuple[Glimpse, ...]:
    return tuple(
        Glimpse(int(row[:10].argmax()), row[:10].astype(np.float64), segment.box, image)
        for segment, row, image in zip(
            reading.path.segments, reading.path.probabilities, reading.images, strict=True
        )
    )


def _of_spots(reading: Reading, transcript: Transcript, layout: Layout, images: bool) -> tuple[Glimpse, ...]:
    """Return the digits of a transcript, each with the ink between its columns."""
    found = []
    members = set(reading.row.members)
    blobs = layout.blobs
    tops = [int(blobs.top[member]) for member in members] or [0]
    bottoms = [int(blobs.top[member] + blobs.height[member]) for member in members] or [len(layout.gray)]
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
        image = _seen(layout, first, top, last, bottom) if images else None
        chances = spot.probabilities.astype(np.float64)
        found.append(Glimpse(spot.value, chances, (first, top, last, bottom), image))
    return tuple(found)


def _seen(layout: Layout, left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
    """Return the 28x28 of what is between columns and rows."""
    part = layout.contrast[top:bottom, left:right].astype(np.float32)
    inside = layout.blobs.labels[top:bottom, left:right] > 0
    strong = part[inside]
    if strong.size == 0:
        return np.zeros((28, 28), np.uint8)
    return center(fit(crop(np.clip(part * inside * (255 / percentile(strong, 75)), 0, 255))))
