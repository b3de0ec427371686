"""Judgments on claims, and how they are put together.

A claim *holds* or *does not hold* where the 95% interval of the mean over seeds leaves no doubt, and is
*undecided* otherwise; with one seed there is no interval and so no decision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from tenfold.errors import StudyError
from tenfold.report.document import MARKS, Outcome
from tenfold.studies.checks import blamed
from tenfold.studies.experiment import HONEST, PUBLISHED
from tenfold.studies.results import Results
from tenfold.studies.study import Claim

HOLDS: Outcome = "holds"
FAILS: Outcome = "does not hold"
UNDECIDED: Outcome = "undecided"

NO_SPREAD = "all seeds give the very same, so there is no interval to decide by"


@dataclass(frozen=True)
class Judgment:
    """What became of a claim.

    Attributes
    ----------
    outcome : "holds", "does not hold" or "undecided"
    reason : str
        The numbers that decided it, in words.
    parts : tuple of Judgment
        What it is made of, where the claim has several parts.
    """

    outcome: Outcome
    reason: str
    parts: tuple[Judgment, ...] = ()

    def __post_init__(self) -> None:
        if self.outcome not in MARKS:
            raise ValueError(f"an outcome must be one of {', '.join(MARKS)}. Got {self.outcome!r} instead")


Predicate = Callable[[Results], Judgment]


def judge(predicate: Predicate, results: Results) -> Judgment:
    """Return the judgment; undecided, with the reason, where a run that it needs is missing."""
    try:
        found = predicate(results)
    except StudyError as error:
        return Judgment(UNDECIDED, str(error))
    if not isinstance(found, Judgment):
        raise TypeError(
            f"a predicate must return a Judgment, of tenfold.studies.judgment. Got {found!r} instead"
        )
    return found


def judge_claim(claim: Claim, results: Results) -> Judgment:
    """Return the judgment on a claim, as `judge` does.

    Raises
    ------
    StudyError
        Its predicate raises anything else, or returns something else; told with the claim and its file.
    UnknownNameError
        It is about an experiment that the study does not have.
    """
    advice = "A claim is judged while nothing was run, too: results.get(name) says so where a run is missing."
    with blamed(results.study, f"claim {claim.key}", advice):
        return judge(claim.judge, results)


def combine(parts: Sequence[Judgment]) -> Judgment:
    """Return the judgment of a whole: it holds where all parts do, and fails where one does."""
    found = tuple(parts)
    outcomes = [each.outcome for each in found]
    outcome = FAILS if FAILS in outcomes else UNDECIDED if UNDECIDED in outcomes else HOLDS
    if outcome == HOLDS:
        return Judgment(HOLDS, f"all {len(found)} parts hold", found)
    count = outcomes.count(outcome)
    verb = {FAILS: "fails" if count == 1 else "fail", UNDECIDED: "is open" if count == 1 else "are open"}
    return Judgment(outcome, f"{count} of {len(found)} parts {verb[outcome]}", found)


def all_of(*parts: Predicate) -> Predicate:
    """Judge a claim of several parts: it holds where all do, and fails where one does."""

    def predicate(results: Results) -> Judgment:
        judged = [judge(part, results) for part in parts]
        return combine([each for whole in judged for each in (whole.parts or (whole,))])

    return predicate


def beside(main: Predicate, other: Predicate, what: str) -> Predicate:
    """Judge by `main`, and tell where `other` says otherwise.

    Parameters
    ----------
    what : str
        What `other` looks at ("in the published reading").
    """

    def predicate(results: Results) -> Judgment:
        first, second = judge(main, results), judge(other, results)
        same = second.outcome == first.outcome
        told = Judgment(second.outcome, f"{what} {'the same' if same else second.outcome}: {second.reason}")
        return Judgment(first.outcome, first.reason, (*first.parts, told))

    return predicate


def in_both(make: Callable[[str], Predicate]) -> Predicate:
    """Judge by the honest reading, and tell where the published one says otherwise.

    Parameters
    ----------
    make : function of a reading to a predicate
    """

    return beside(make(HONEST), make(PUBLISHED), "in the published reading")


def decide(low: float, high: float, reason: str) -> Judgment:
    """A quantity that must be above zero, from its interval."""
    if not (isfinite(low) and isfinite(high)):
        return Judgment(UNDECIDED, f"{reason}; one seed decides nothing")
    if no_spread(low, high):
        return Judgment(UNDECIDED, f"{reason}; {NO_SPREAD}")
    return Judgment(HOLDS if low > 0 else FAILS if high < 0 else UNDECIDED, reason)


def no_spread(low: float, high: float) -> bool:
    """Whether an interval is empty but for rounding, as where two seeds happen to differ alike."""
    return high - low < 1e-9


def points(value: float) -> str:
    return f"{100 * value:+.2f}".replace("-", "−")


def scale_note(results: Results, name: str, reading: str, other: str = "") -> str:
    """Say so where the numbers are not the published recipe's."""
    groups = [results.find(each, reading) for each in (name, other) if each]
    scales = sorted({group.scale for group in groups if group and not group.scaled.full})
    return f" ({' and '.join(scales)} scale)" if scales else ""
