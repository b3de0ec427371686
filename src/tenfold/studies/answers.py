"""The comparisons of two things, one by one: what was measured, and what it makes of what the paper says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tenfold.errors import StudyError
from tenfold.report.document import Measured, Outcome
from tenfold.studies.contrasts import Contrast, Effect, Marginal
from tenfold.studies.judgment import FAILS, HOLDS, UNDECIDED, above
from tenfold.studies.questions import QUESTIONS, Question
from tenfold.studies.results import IncomparableError, Results

Answer = Literal["confirms", "contradicts", "open", "not claimed"]
Kind = Literal["confirms", "contradicts", "open", "not claimed", "shortened", "not counted", "not run"]

ANSWERS: dict[Outcome, Answer] = {HOLDS: "confirms", FAILS: "contradicts", UNDECIDED: "open"}
CLAIMED = {"+": "first better", "-": "second better", "": "nothing"}


@dataclass(frozen=True)
class Compared:
    """A comparison and what came of it.

    Attributes
    ----------
    question : Question
    place : int
        Its number under the question, from 1.
    contrast : Contrast or Marginal
    effect : Effect or None
        None where there is none.
    kind : str
        What it counts as.
    outcome : str
        The same in words, with the reason where it does not count.
    so_far : str or None
        What shortened runs make of what is claimed; None where it is not about such.
    """

    question: Question
    place: int
    contrast: Contrast | Marginal
    effect: Effect | None
    kind: Kind
    outcome: str
    so_far: Answer | None = None

    @property
    def claimed(self) -> str:
        """What the paper says, in words."""
        least = self.contrast.least
        return CLAIMED[self.contrast.claimed] + (f" by {least:g} point{'s' * (least != 1)}" if least else "")

    @property
    def title(self) -> str:
        """The study and what is compared."""
        return f"{self.contrast.study}: {self.contrast.title}"

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of the effect in points; None where there is none."""
        if self.effect is None or not np.isfinite(self.effect.low):
            return None
        return self.effect.low, self.effect.high

    @property
    def measured(self) -> Measured | None:
        """The effect as tables show it."""
        if self.effect is None:
            return None
        low, high = self.interval or (None, None)
        n = len(self.effect.values)
        return Measured(self.effect.mean, low, high, n, percent=False, digits=2, each="pair")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values; effects in points of accuracy, to a millionth of one."""
        effect, interval = self.effect, self.interval
        return {
            "question": self.question.text,
            "study": self.contrast.study,
            "contrast": self.contrast.title,
            "accuracy_on": self.contrast.on,
            "claimed": self.claimed,
            "effect": None if effect is None else round(effect.mean, 6),
            "interval": [round(end, 6) for end in interval] if interval else None,
            "unit": "points of accuracy",
            "n": 0 if effect is None else len(effect.values),
            "by_pair": [] if effect is None else [round(float(value), 6) for value in effect.values],
            "scale": None if effect is None else effect.scale,
            "full": None if effect is None else effect.full,
            "counts_as": self.kind,
            "outcome": self.outcome,
            "so_far": self.so_far,
        }


def answer(claimed: str, effect: Effect, least: float = 0.0) -> Answer:
    """Return what an effect makes of a claim: its interval leaves `least` on one side, or it is open.

    Decided as a claim of the study is (`judgment.above`).
    """
    if not claimed:
        return "not claimed"
    low, high = (effect.low, effect.high) if claimed == "+" else (-effect.high, -effect.low)
    outcome, _ = above(low, high, least, equal=not effect.values.any())
    return ANSWERS[outcome]


def compare_all(every: Sequence[Results]) -> list[Compared]:
    """Return every comparison of every question, in order."""
    by_key = {results.study.key: results for results in every}
    return [
        _compare(question, place, contrast, by_key.get(contrast.study))
        for question in QUESTIONS
        for place, contrast in enumerate(question.contrasts, 1)
    ]


def _compare(
    question: Question, place: int, contrast: Contrast | Marginal, results: Results | None
) -> Compared:
    found, why_not = _measure(contrast, results, question.about)
    if isinstance(found, str):
        kind: Kind = "not run" if found == "not run" else "not counted"
        return Compared(question, place, contrast, None, kind, "; ".join(filter(None, [found, why_not])))
    told = answer(contrast.claimed, found, contrast.least)
    if why_not:
        return Compared(question, place, contrast, found, "not counted", f"not counted: {why_not}")
    if found.full:
        return Compared(question, place, contrast, found, told, told)
    if told == "not claimed":
        return Compared(question, place, contrast, found, "shortened", "not claimed (shortened)")
    return Compared(question, place, contrast, found, "shortened", f"{told} so far (shortened)", told)


def _measure(contrast: Contrast | Marginal, results: Results | None, about: str) -> tuple[Effect | str, str]:
    """Return the effect, or why there is none, and why it is not counted.

    The effect is that at the scale that was asked for, or else that of shorter runs.
    """
    if results is None:
        return "not run", ""
    why_not = contrast.why_not(results, about)
    at: Results | None = results
    while at is not None:
        try:
            return contrast.effect(at), why_not
        except IncomparableError as error:
            return f"{error}".removesuffix("."), why_not
        except StudyError:
            at = at.shorter
    found = contrast.lacking(results)
    return found, "" if found == "not run" else why_not
