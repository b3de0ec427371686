"""How sure a line is, and what to do with it: accept it, have somebody look at it, or reject it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.formats.files import atomic
from tenfold.errors import ModelError
from tenfold.reading.blobs import weighted_median
from tenfold.reading.result import Decision, Line, Reason

NOTHING = 0.04
"""Confidence below which a line is taken to hold no digits that could be read."""

FILLING = 0.25
"""The same of a digit that fills its picture: it is no scrap."""

CLOSE = 0.25
"""Probability, as a part of the best reading's, from which on another reading is close to it."""

KINDS = ("agree", "lone", "only", "differ", "string", "digits", "strip", "alone")
"""How a reading comes about; see `tenfold.reading.readings.Settled`."""

SCENES = ("page", "strip", "digit")
"""What a line is on: a page, a picture of nothing else, or it is one digit that fills the picture. Each has
thresholds of its own, for what is sure on one is less so on another."""

MOSTLY = 0.5
"""Digits that there must be for each piece of ink on a line."""

AMONG, SURE, TALLER = 3, 0.5, 2.5
"""On a page of words a line of so few digits, or less sure, is taken to be of the words; not if it is so many
times as high."""

LEAST = 1e-4
"""Probabilities are kept so far from 0 and 1: nearer, they cannot be measured."""

FEATURES = ("constant", "whole", "single", "lead", "length")
"""What the log-odds of a text's being right are a weighted sum of; see `Evidence.features`."""

_PLAIN = {
    "agree": (0.5, 0.7, 1.5, 0.0, 0.0),
    "lone": (0.0, 0.7, 1.0, 0.0, 0.0),
    "only": (0.0, 0.3, 1.0, 0.0, 0.0),
    "differ": (-1.0, 0.4, 0.4, 0.0, 0.0),
    "string": (-0.5, 0.8, -0.1, 0.0, 0.0),
    "digits": (-0.5, -0.1, 0.8, 0.0, 0.0),
    "strip": (0.0, 1.0, 0.0, 0.0, 0.0),
    "alone": (0.0, 1.0, 0.0, 0.0, 0.0),
}


@dataclass(frozen=True)
class Evidence:
    """What tells how sure a line's text is.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    whole, single : float in [0, 1]
        How probable the text is to the string network and to the digit network.
    rival : float in [0, 1]
        How probable the best other text is to the string network.
    length : int
        Digits of the text.
    """

    kind: str
    whole: float
    single: float = 0.0
    rival: float = 0.0
    length: int = 1

    @property
    def features(self) -> NDArray[np.float64]:
        """One, the log-odds of both networks, and as logarithms the lead over the rival and the length."""
        lead = np.log(max(self.whole, LEAST) / max(self.rival, LEAST))
        return np.array([1.0, log_odds(self.whole), log_odds(self.single), lead, np.log(max(self.length, 1))])


@dataclass(frozen=True)
class Judgment:
    """How the networks' probabilities become one that can be taken at its word.

    Parameters
    ----------
    weights : dict of str to tuple of float
        For each of `KINDS` those of `FEATURES`.
    thresholds : dict of str to tuple of (error rate, confidence)
        For each of `SCENES`, from which confidence on lines are accepted at an error rate, from the lowest
        rate to the highest. Without any, those that are surer than the rate.
    protocol : dict
        How they were measured.
    """

    weights: dict[str, tuple[float, ...]] = field(default_factory=lambda: dict(_PLAIN))
    thresholds: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    protocol: dict[str, Any] = field(default_factory=dict)

    def confidence(self, evidence: Evidence) -> float:
        """Return how probable it is that a text is right."""
        odds = float(np.dot(self.weights[evidence.kind], evidence.features))
        sure = float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))
        # Where they differ in the number of digits, at most one of them is right.
        whole, single = evidence.whole, evidence.single
        most = whole + single - whole * single if evidence.kind in ("string", "digits") else 1.0
        return min(sure, most)

    def threshold(self, error_rate: float, scene: str = "page") -> float:
        """Return from which confidence on a line is accepted."""
        if scene not in self.thresholds:
            return 1 - error_rate
        rates, levels = np.array(self.thresholds[scene]).T
        return float(np.interp(np.log(error_rate), np.log(rates), levels))

    def save(self, path: Path) -> None:
        """Write it as JSON.

        Raises
        ------
        ModelError
            It cannot be written there.
        """
        weights = {kind: dict(zip(FEATURES, each, strict=True)) for kind, each in self.weights.items()}
        kept = {"weights": weights, "thresholds": self.thresholds, "protocol": self.protocol}
        try:
            with atomic(path) as file:
                file.write((json.dumps(kept, indent=1) + "\n").encode())
        except OSError as error:
            raise ModelError(
                f"{path} cannot be written: {error.strerror or error}. Choose another place."
            ) from None

    @classmethod
    def load(cls, path: Path) -> Judgment:
        """Read what `save` wrote.

        Raises
        ------
        ModelError
            The file is missing or holds something else.
        """
        try:
            kept = json.loads(path.read_text("utf-8"))
            weights = {kind: tuple(float(kept["weights"][kind][name]) for name in FEATURES) for kind in KINDS}
            thresholds = {
                scene: tuple((float(rate), float(level)) for rate, level in kept["thresholds"][scene])
                for scene in SCENES
            }
            return cls(weights, thresholds, dict(kept["protocol"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ModelError(
                f"{path} holds no thresholds of a reader: {reason}. Fit them: tenfold train reader-decisions "
                f"--set weights={path.parent} --out {path.parent}."
            ) from None


def log_odds(chance: float) -> float:
    """Return the log-odds of a probability, kept within what can be measured."""
    kept = min(max(chance, LEAST), 1 - LEAST)
    return float(np.log(kept / (1 - kept)))


def least(digits: int, *, single: bool = False) -> float:
    """Return the confidence below which a line of so many digits is taken to hold none.

    Of few digits more is asked: any scrap of ink looks a little like one. Not so of a `single` digit that
    fills its picture.
    """
    return FILLING if single else max(NOTHING, 0.5 ** max(digits, 1))


def decide(
    confidence: float,
    threshold: float,
    second: float = 0.0,
    *,
    digits: int = 1,
    pieces: int = 1,
    single: bool = False,
) -> tuple[Decision, Reason | None]:
    """Return what to do with a line, and why where it is not accepted.

    Parameters
    ----------
    confidence : float in [0, 1]
        Calibrated probability that the whole text is right.
    threshold : float in [0, 1]
        From which on it is accepted.
    second : float in [0, 1]
        Probability of the best other reading.
    digits : int
        How many were read.
    pieces : int
        Of how many pieces of ink. A digit may be broken, but where there is far more than digits, it is
        words.
    single : bool
        Whether it is one digit that fills its picture.
    """
    if digits == 0 or confidence < least(digits, single=single) or (pieces >= 3 and digits < MOSTLY * pieces):
        return Decision.reject, Reason.not_a_digit
    if confidence >= threshold:
        return Decision.accept, None
    return Decision.review, Reason.close if second >= CLOSE * confidence else Reason.unsure


def among_words(lines: Sequence[Line], pieces: Sequence[int], heights: Sequence[float]) -> list[Line]:
    """Reject what looks like a digit or two on a page that is mostly words, print or scribbles.

    Parameters
    ----------
    lines : sequence of Line
    pieces : sequence of int
        How many pieces of ink each has.
    heights : sequence of float
        Of their typical pieces.

    Returns
    -------
    lines : list of Line
    """
    rejected = [line.decision is Decision.reject for line in lines]
    trusted = sum(len(line.digits) * line.confidence for line in lines if len(line.digits) > 1)
    single = sum(len(line.digits) == 1 for line in lines)
    others = sum(count for count, out in zip(pieces, rejected, strict=True) if out)
    if others < 3 or others <= trusted or others < single / 2:
        return list(lines)
    out = np.array(rejected)
    usual = weighted_median(np.array(heights)[out], np.array(pieces)[out])
    found = []
    for line, height in zip(lines, heights, strict=True):
        few = len(line.digits) <= AMONG or line.confidence < SURE
        if line.digits and few and height < TALLER * usual:
            line = Line("", line.confidence, Decision.reject, line.box, (), Reason.not_a_digit)
        found.append(line)
    return found
