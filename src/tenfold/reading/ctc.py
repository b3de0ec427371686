"""From what each column says to readings of the whole.

Connectionist temporal classification (A. Graves et al., 2006): a column says a digit or nothing, and a digit
that goes on over several columns is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_DIGITS = "0123456789"
BLANK = 10
BEAM = 12
FAINT = 2e-3
"""Probability below which a digit is not tried in a column."""


UNHEARD = 1e-3
"""Part of the best text's probability below which one view's text is not asked of the others."""


@dataclass(frozen=True)
class Reading:
    """A text and its probability."""

    text: str
    probability: float


@dataclass(frozen=True, eq=False)
class Place:
    """Where a digit of a text lies, in columns of the answer.

    Attributes
    ----------
    column : float
        Its middle, counted from the left edge of the first column.
    left, right : float
        Half-way to its neighbors, or the ends.
    probabilities : (10,) float32
        Of each digit there.
    """

    column: float
    left: float
    right: float
    probabilities: Floats


def search(answer: Floats, beam: int = BEAM, faint: float = FAINT) -> list[Reading]:
    """Find the likeliest texts by prefix search.

    Parameters
    ----------
    answer : (columns, 11) float32
        Log-probabilities, the blank last.
    beam : int
        Prefixes kept from column to column.
    faint : float
        Probability below which a digit is not tried in a column.

    Returns
    -------
    readings : list of Reading
        The likeliest first, at least one.
    """
    # For each prefix the probability of all ways to write it that end in a blank, and in its last digit.
    beams: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    # Plain numbers: arrays of eleven cost more to ask than to hold.
    for column in np.exp(answer.astype(np.float64)).tolist():
        blank = column[BLANK]
        digits = [(_DIGITS[d], column[d]) for d in range(BLANK) if column[d] > faint]
        if not digits:  # a column that says nothing
            beams = {text: ((ended + going) * blank, 0.0) for text, (ended, going) in beams.items()}
            continue
        onward: dict[str, tuple[float, float]] = {}
        for text, (ended, going) in beams.items():
            both = ended + going
            last = text[-1:]
            here = onward.get(text, (0.0, 0.0))
            stays = column[int(last)] if last else 0.0
            onward[text] = (here[0] + both * blank, here[1] + going * stays)
            for digit, probability in digits:
                longer = text + digit
                here = onward.get(longer, (0.0, 0.0))
                come = ended if digit == last else both
                onward[longer] = (here[0], here[1] + come * probability)
        best = sorted(onward.items(), key=lambda item: -(item[1][0] + item[1][1]))[:beam]
        beams = dict(best)
    readings = [Reading(text, ended + going) for text, (ended, going) in beams.items()]
    return sorted(readings, key=lambda reading: -reading.probability)


def likelihoods(answer: Floats, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the log-probabilities (n,) of texts, all ways to write each added up (the forward algorithm)."""
    longest = max(map(len, texts), default=0)
    states = np.full((len(texts), 2 * longest + 1), BLANK)
    for row, text in enumerate(texts):
        states[row, 1 : 2 * len(text) : 2] = [int(digit) for digit in text]
    skips = np.zeros(states.shape, bool)
    skips[:, 2:] = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    emits = answer[:, states].astype(np.float64)
    forward = np.full(states.shape, -np.inf)
    forward[:, :2] = emits[0, :, :2]
    one, two = np.full(states.shape, -np.inf), np.full(states.shape, -np.inf)
    for row in emits[1:]:
        one[:, 1:] = forward[:, :-1]
        two[:, 2:] = np.where(skips[:, 2:], forward[:, :-2], -np.inf)
        forward = np.logaddexp(np.logaddexp(forward, one), two) + row
    rows, ends = np.arange(len(texts)), 2 * np.array([len(text) for text in texts], int)
    # A text may end in its last digit or in a blank after it.
    digit_last = np.where(ends > 0, forward[rows, ends - 1], -np.inf)
    return np.asarray(np.logaddexp(forward[rows, ends], digit_last), np.float64)


def agree(readings: list[list[Reading]], answers: list[Floats]) -> list[Reading]:
    """Join what several answers to the same patch say: the mean of each text's probabilities."""
    if len(answers) == 1:
        return readings[0]
    known = [{reading.text: reading.probability for reading in several} for several in readings]
    texts = {
        reading.text
        for several in readings
        for reading in several[:5]
        if reading.probability > UNHEARD * several[0].probability
    }
    sums = dict.fromkeys(sorted(texts), 0.0)
    for found, answer in zip(known, answers, strict=True):
        unknown = [text for text in sums if text not in found]
        found |= dict(zip(unknown, map(float, np.exp(likelihoods(answer, unknown))), strict=True))
        for text in sums:
            sums[text] += found[text] / len(answers)
    joined = [Reading(text, probability) for text, probability in sums.items()]
    return sorted(joined, key=lambda reading: (-reading.probability, reading.text))


def align(answer: Floats, text: str) -> list[Place]:
    """Find where the digits of a text lie, by the likeliest way to write it (Viterbi).

    Parameters
    ----------
    answer : (columns, 11) float32
        Log-probabilities.
    text : str
        Not too long to be written in so many columns.
    """
    if not text:
        return []
    states = [BLANK]
    for digit in text:
        states += [int(digit), BLANK]
    count = len(states)
    # What forbids to come from two states before: -inf but where a digit follows another one.
    barred = [
        0.0 if i > 1 and states[i] != BLANK and states[i] != states[i - 2] else -np.inf for i in range(count)
    ]
    emits, barrier = answer[:, states], np.array(barred, np.float32)
    # Two states that are never reached lie before the first.
    padded = np.full(count + 2, -np.inf, np.float32)
    score = padded[2:]
    score[:2] = emits[0, :2]
    choices = np.empty((3, count), np.float32)
    back = np.zeros((len(answer), count), np.int64)
    for t in range(1, len(answer)):
        choices[0], choices[1] = score, padded[1:-1]
        np.add(padded[:-2], barrier, out=choices[2])
        choices.argmax(axis=0, out=back[t])
        np.add(choices.max(axis=0), emits[t], out=score)
    state = count - 1 if score[-1] >= score[-2] else count - 2
    path = np.empty(len(answer), np.int64)
    for t in range(len(answer) - 1, -1, -1):
        path[t] = state
        state -= back[t, state]
    middles, chances = [], []
    for place in range(len(text)):
        columns = np.flatnonzero(path == 2 * place + 1)
        weights = np.exp(answer[columns, int(text[place])])
        middles.append(float((columns * weights).sum() / weights.sum()) + 0.5)
        share = np.exp(answer[columns, :BLANK]).sum(axis=0)
        chances.append((share / share.sum()).astype(np.float32))
    halves = [0.0, *((a + b) / 2 for a, b in pairwise(middles)), float(len(answer))]
    return [Place(middle, halves[i], halves[i + 1], chances[i]) for i, middle in enumerate(middles)]
