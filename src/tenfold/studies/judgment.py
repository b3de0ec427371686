"""Judgments on claims, and how they are put together.

A claim *holds* or *does not hold* where the 95% interval of the mean over seeds leaves no doubt, and is
*undecided* otherwise; with one seed there is no interval and so no decision. Shortened runs decide nothing
about a published recipe: what they show stands beside, as what holds or fails *so far*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from tenfold.errors import StudyError
from tenfold.report.document import MARKS, SO_FAR, Outcome
from tenfold.studies.checks import blamed
from tenfold.studies.experiment import HONEST, PUBLISHED
from tenfold.studies.results import Group, Results
from tenfold.studies.study import Claim
from tenfold.studies.watched import Watched

HOLDS: Outcome = "holds"
FAILS: Outcome = "does not hold"
UNDECIDED: Outcome = "undecided"

NO_SPREAD = "all seeds give the very same, so there is no interval to decide by"
ONE_SEED = "one seed decides nothing"
NOTHING_DIFFERS = "nothing differs in any seed"


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
    so_far : "holds", "does not hold", "undecided" or None
        What shortened runs show of it, which leave it undecided; None where none were looked at.
    kind : str
        Why it is open, the same for all parts that are open for the same reason; empty: for one of its own.
    """

    outcome: Outcome
    reason: str
    parts: tuple[Judgment, ...] = ()
    so_far: Outcome | None = None
    kind: str = ""

    def __post_init__(self) -> None:
        if self.outcome not in MARKS:
            raise ValueError(f"an outcome must be one of {', '.join(MARKS)}. Got {self.outcome!r} instead")


Predicate = Callable[[Results], Judgment]


def judge(predicate: Predicate, results: Results) -> Judgment:
    """Return the judgment; undecided, with the reason, where a run that it needs is missing.

    It is undecided where it rests on shortened runs, too, whatever the predicate makes of them.
    """
    watched = results if isinstance(results, Watched) else Watched.of_results(results)
    before = len(watched.used)
    try:
        found = predicate(watched)
    except StudyError as error:
        return Judgment(UNDECIDED, str(error), kind=type(error).__name__)
    if not isinstance(found, Judgment):
        raise TypeError(
            f"a predicate must return a Judgment, of tenfold.studies.judgment. Got {found!r} instead"
        )
    if found.outcome == UNDECIDED or found.parts:
        return found
    return judged(found.outcome, found.reason, *watched.used[before:])


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


SHOWN = 3
"""So many parts that are open for one reason are told on a page one by one."""


def lines(parts: Sequence[Judgment], *, folded: bool = False) -> tuple[str, ...]:
    """Return the parts in words, a line each; those that say the same, as they lack the same run, once.

    `folded`: of those that are open for one reason, `SHOWN` and how many more there are.
    """
    said = list(dict.fromkeys((f"{MARKS[part.outcome]} {part.reason}", part.kind) for part in parts))
    open_for = Counter(kind for _, kind in said if kind)
    told: Counter[str] = Counter()
    found = []
    for line, kind in said:
        told[kind] += 1
        # To fold a single line would save nothing.
        if not folded or told[kind] <= SHOWN or open_for[kind] <= SHOWN + 1:
            found.append(line)
        elif told[kind] == SHOWN + 1:
            found.append(f"and {open_for[kind] - SHOWN} more alike")
    return tuple(found)


def combine(parts: Sequence[Judgment]) -> Judgment:
    """Return the judgment of a whole: it holds where all parts do, and fails where one does."""
    found = tuple(parts)
    outcome, reason = _whole([each.outcome for each in found])
    if outcome != UNDECIDED or all(each.so_far is None for each in found):
        return Judgment(outcome, reason, found)
    so_far, reason = _whole([each.so_far or each.outcome for each in found])
    return Judgment(UNDECIDED, f"{SO_FAR[so_far]}: {reason}", found, so_far)


def _whole(outcomes: Sequence[Outcome]) -> tuple[Outcome, str]:
    """Return what becomes of a whole whose parts came out like this, and how many of them decide it."""
    outcome = FAILS if FAILS in outcomes else UNDECIDED if UNDECIDED in outcomes else HOLDS
    if outcome == HOLDS:
        return HOLDS, f"all {len(outcomes)} parts hold"
    count = outcomes.count(outcome)
    verb = {FAILS: "fails" if count == 1 else "fail", UNDECIDED: "is open" if count == 1 else "are open"}
    return outcome, f"{count} of {len(outcomes)} parts {verb[outcome]}"


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
        same = (second.outcome, second.so_far) == (first.outcome, first.so_far)
        # What is so far only says so itself.
        said = "the same: " if same else f"{second.outcome}: " if second.so_far is None else ""
        told = replace(second, reason=f"{what} {said}{second.reason}", parts=(), kind="")
        return replace(first, parts=(*first.parts, told))

    return predicate


def in_both(make: Callable[[str], Predicate]) -> Predicate:
    """Judge by the honest reading, and tell where the published one says otherwise.

    Parameters
    ----------
    make : function of a reading to a predicate
    """

    return beside(make(HONEST), make(PUBLISHED), "in the published reading")


def judged(outcome: Outcome, reason: str, *groups: Group, because: str = "") -> Judgment:
    """Return the judgment on some runs; of shortened ones it is undecided, and tells what they show so far.

    Parameters
    ----------
    outcome : "holds", "does not hold" or "undecided"
        What the numbers say.
    groups : Group
        Where they come from.
    because : str
        What is to be said of the outcome beside the numbers.
    """
    scales = sorted({group.scale for group in groups if not group.scaled.full})
    text = reason + (f" ({' and '.join(scales)} scale)" if scales else "")
    text += f"; {because}" if because else ""
    if not scales:
        return Judgment(outcome, text, kind=because)
    if outcome == UNDECIDED:
        return Judgment(UNDECIDED, text, so_far=UNDECIDED, kind=because or SO_FAR[UNDECIDED])
    return Judgment(UNDECIDED, f"{SO_FAR[outcome]}: {text}", so_far=outcome, kind=SO_FAR[outcome])


def decide(
    low: float, high: float, reason: str, *groups: Group, by: float = 0.0, equal: bool = False
) -> Judgment:
    """Judge whether a quantity is above `by`, from its interval; `equal` as for `above`."""
    outcome, because = above(low, high, by, equal=equal)
    return judged(outcome, reason, *groups, because=because)


def above(low: float, high: float, by: float = 0.0, *, equal: bool = False) -> tuple[Outcome, str]:
    """Return whether a mean lies above `by`, from its interval, and what is to be said of that.

    Parameters
    ----------
    equal : bool
        It is a mean of differences that are all exactly 0: of two that give the very same. Then it needs no
        interval to tell that none is better by more than nothing.
    """
    if not (isfinite(low) and isfinite(high)):
        return UNDECIDED, ONE_SEED
    if no_spread(low, high) and not (equal and by > 0):
        return UNDECIDED, NO_SPREAD
    outcome = HOLDS if low > by else FAILS if high < by else UNDECIDED
    return outcome, NOTHING_DIFFERS if equal and by > 0 else ""


def no_spread(low: float, high: float) -> bool:
    """Whether an interval is empty but for rounding, as where two seeds happen to differ alike."""
    return high - low < 1e-9


def points(value: float) -> str:
    return f"{100 * value:+.2f}".replace("-", "−")
