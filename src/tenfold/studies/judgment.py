"""Judgments on claims, and how they are put together.

A claim *holds* or *does not hold* where the 95% interval of the mean over seeds leaves no doubt, and is
*undecided* otherwise; with one seed there is no interval and so no decision. Shortened runs decide nothing
about a published recipe: what they show stands beside, as what holds or fails *so far*.

A claim of several parts holds where all of them do, which many parts make no likelier. But it fails where one
of them does, and the more there are, the likelier one does by chance: so the failure must be sure enough for
their number (Bonferroni's correction, the first step of Holm's).
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
from tenfold.studies.means import Mean
from tenfold.studies.results import Group, Results
from tenfold.studies.study import Claim
from tenfold.studies.watched import Watched

HOLDS: Outcome = "holds"
FAILS: Outcome = "does not hold"
UNDECIDED: Outcome = "undecided"

LEVEL = 0.05
"""What fails, would by chance in so many of all cases."""

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
    p : float in [0, 1]
        Where it fails, or does so far: the smallest level, 1 - confidence, at which the interval still says
        so. 0 where that needs no interval.
    counts : bool
        As a part: whether it decides on the whole, or is only told beside it.
    """

    outcome: Outcome
    reason: str
    parts: tuple[Judgment, ...] = ()
    so_far: Outcome | None = None
    kind: str = ""
    p: float = 0.0
    counts: bool = True

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
    return judged(found.outcome, found.reason, *watched.used[before:], p=found.p)


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
    """Return the judgment of a whole: it holds where all parts do, and fails where one surely does.

    Surely: the smallest p of a part, times the number of parts, is at most 0.05. Where it is more, a part
    that fails leaves the whole open. Parts that do not count are kept, and decide nothing.
    """
    found = tuple(parts)
    counted = [each for each in found if each.counts]
    outcome, reason, p = _whole([(each.outcome, each.p) for each in counted])
    if outcome != UNDECIDED or all(each.so_far is None for each in counted):
        return Judgment(outcome, reason, found, p=p)
    so_far, reason, p = _whole([(each.so_far or each.outcome, each.p) for each in counted])
    return Judgment(UNDECIDED, f"{SO_FAR[so_far]}: {reason}", found, so_far, p=p)


def _whole(parts: Sequence[tuple[Outcome, float]]) -> tuple[Outcome, str, float]:
    """Return what becomes of a whole whose parts came out like this, by how many of them, and its p."""
    outcomes = [outcome for outcome, _ in parts]
    outcome = FAILS if FAILS in outcomes else UNDECIDED if UNDECIDED in outcomes else HOLDS
    number = len(parts)
    if outcome == HOLDS:
        return HOLDS, f"all {number} parts hold", 0.0
    count = outcomes.count(outcome)
    verb = {FAILS: "fails" if count == 1 else "fail", UNDECIDED: "is open" if count == 1 else "are open"}
    reason = f"{count} of {number} parts {verb[outcome]}"
    if outcome == UNDECIDED:
        return UNDECIDED, reason, 0.0
    p = min(1.0, number * min(p for outcome, p in parts if outcome == FAILS))
    if p > LEVEL:
        chance = f"among {number} that may be chance (p = {p:.2g}, corrected for their number)"
        return UNDECIDED, f"{reason}; {chance}", 0.0
    return FAILS, reason, p


def all_of(*parts: Predicate) -> Predicate:
    """Judge a claim of several parts: it holds where all do, and fails where one surely does (`combine`)."""

    def predicate(results: Results) -> Judgment:
        wholes = [judge(part, results) for part in parts]
        return combine([each for whole in wholes for each in _taken_apart(whole)])

    return predicate


def _taken_apart(whole: Judgment) -> tuple[Judgment, ...]:
    """Return the parts that decide on `whole`, itself if it has none, and what is told beside."""
    if any(each.counts for each in whole.parts):
        return whole.parts
    return (replace(whole, parts=()), *whole.parts)


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
        told = replace(second, reason=f"{what} {said}{second.reason}", parts=(), kind="", counts=False)
        return replace(first, parts=(*first.parts, told))

    return predicate


def in_both(make: Callable[[str], Predicate]) -> Predicate:
    """Judge by the honest reading, and tell where the published one says otherwise.

    Parameters
    ----------
    make : function of a reading to a predicate
    """

    return beside(make(HONEST), make(PUBLISHED), "in the published reading")


def judged(outcome: Outcome, reason: str, *groups: Group, because: str = "", p: float = 0.0) -> Judgment:
    """Return the judgment on some runs; of shortened ones it is undecided, and tells what they show so far.

    Parameters
    ----------
    outcome : "holds", "does not hold" or "undecided"
        What the numbers say.
    groups : Group
        Where they come from.
    because : str
        What is to be said of the outcome beside the numbers.
    p : float
        How sure it is that it fails, as in `Judgment`.
    """
    scales = sorted({group.scale for group in groups if not group.scaled.full})
    text = reason + (f" ({' and '.join(scales)} scale)" if scales else "")
    text += f"; {because}" if because else ""
    if not scales:
        return Judgment(outcome, text, kind=because, p=p)
    if outcome == UNDECIDED:
        return Judgment(UNDECIDED, text, so_far=UNDECIDED, kind=because or SO_FAR[UNDECIDED])
    return Judgment(UNDECIDED, f"{SO_FAR[outcome]}: {text}", so_far=outcome, kind=SO_FAR[outcome], p=p)


def decide(mean: Mean, reason: str, *groups: Group, by: float = 0.0) -> Judgment:
    """Judge whether a mean is above `by`, from its interval."""
    outcome, because = above(*mean.interval(), by, equal=not (mean.value or mean.error))
    return judged(outcome, reason, *groups, because=because, p=mean.p(by) if outcome == FAILS else 0.0)


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
