"""Predicates over results. Each gives an outcome, and the numbers that decided it.

A claim *holds* or *does not hold* where the 95% interval of the mean over seeds leaves no doubt, and is
*undecided* otherwise; with one seed there is no interval and so no decision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import StudyError
from tenfold.evaluation import mean_interval
from tenfold.report.document import Outcome
from tenfold.studies.results import Results, difference
from tenfold.studies.study import HONEST, PUBLISHED

HOLDS: Outcome = "holds"
FAILS: Outcome = "does not hold"
UNDECIDED: Outcome = "undecided"


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


Predicate = Callable[[Results], Judgment]


def judge(predicate: Predicate, results: Results) -> Judgment:
    """Return the judgment; undecided, with the reason, where a run that it needs is missing."""
    try:
        return predicate(results)
    except StudyError as error:
        return Judgment(UNDECIDED, str(error))


def _decide(low: float, high: float, reason: str) -> Judgment:
    """A quantity that must be above zero, from its interval."""
    if not (isfinite(low) and isfinite(high)):
        return Judgment(UNDECIDED, f"{reason}; one seed decides nothing")
    if _no_spread(low, high):
        return Judgment(UNDECIDED, f"{reason}; {NO_SPREAD}")
    return Judgment(HOLDS if low > 0 else FAILS if high < 0 else UNDECIDED, reason)


NO_SPREAD = "all seeds give the very same, so there is no interval to decide by"


def _no_spread(low: float, high: float) -> bool:
    """Whether an interval is empty but for rounding, as where two seeds happen to differ alike."""
    return high - low < 1e-9


def _points(value: float) -> str:
    return f"{100 * value:+.2f}".replace("-", "−")


def better(
    name: str,
    *,
    than: str,
    metric: str = "test_accuracy",
    reading: str = HONEST,
    lower: bool = False,
    by: float = 0.0,
) -> Predicate:
    """Judge whether `name` beats `than`, paired over seeds.

    Parameters
    ----------
    lower : bool
        Whether less is better.
    by : float
        By how much it must, in units of the metric.
    """

    def predicate(results: Results) -> Judgment:
        first, second = results.get(name, reading), results.get(than, reading)
        gap = difference(first, second, metric)
        sign = -1 if lower else 1
        low, high = sorted(sign * (end - sign * by) for end in gap.interval)
        what = metric.replace("_", " ")
        text = (
            f"{name} − {than}: {_points(gap.mean)} points of {what} "
            f"[{_points(gap.interval[0])}, {_points(gap.interval[1])}], n = {gap.n}"
        )
        if not isfinite(gap.interval[0]):
            text = f"{name} − {than}: {_points(gap.mean)} points of {what}, n = {gap.n}"
        return _decide(low, high, text + _scale_note(results, name, reading, than))

    return predicate


def reaches(
    name: str,
    value: float,
    *,
    metric: str = "test_accuracy",
    reading: str = HONEST,
    rounding: float = 0.00005,
) -> Predicate:
    """Judge whether the mean of `metric` reaches a published value, which was rounded to +- `rounding`."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        values = group.values(metric)
        target = value - rounding
        what = f"{name}: {metric.replace('_', ' ')} {100 * values.mean():.2f}%"
        if group.n < 2:
            return Judgment(
                UNDECIDED,
                f"{what}, reported {100 * value:.2f}%; one seed decides nothing"
                + _scale_note(results, name, reading),
            )
        low, high = mean_interval(values)
        reason = (
            f"{what} [{100 * low:.2f}, {100 * min(high, 1):.2f}], n = {group.n}; reported {100 * value:.2f}%"
        )
        reason += _scale_note(results, name, reading)
        if _no_spread(low, high):
            return Judgment(UNDECIDED, f"{reason}; {NO_SPREAD}")
        if low >= target:
            return Judgment(HOLDS, reason)
        if high < target:
            return Judgment(FAILS, reason)
        return Judgment(UNDECIDED, reason)

    return predicate


def stays_below(
    name: str, value: float, *, metric: str = "test_accuracy", reading: str = HONEST
) -> Predicate:
    """Judge whether the mean of `metric` lies below `value`."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        values = group.values(metric)
        low, high = mean_interval(values) if group.n > 1 else (-inf, inf)
        ends = f" [{100 * max(low, 0):.2f}, {100 * min(high, 1):.2f}]" if group.n > 1 else ""
        reason = (
            f"{name}: {metric.replace('_', ' ')} {100 * values.mean():.2f}%{ends}, n = {group.n}; "
            f"limit {100 * value:g}%"
        )
        return _decide(value - high, value - low, reason + _scale_note(results, name, reading))

    return predicate


def ratio_between(
    name: str, to: str, low: float, high: float, *, metric: str = "image_seconds", reading: str = HONEST
) -> Predicate:
    """Judge whether `metric` of `name` is `low` to `high` times that of `to` (paired over seeds).

    By default it is the training time for one image in one epoch.
    """

    def predicate(results: Results) -> Judgment:
        first, second = results.get(name, reading), results.get(to, reading)
        count = min(first.n, second.n)
        ratios = first.values(metric)[:count] / second.values(metric)[:count]
        quantity = "time an image" if metric == "image_seconds" else metric
        what = f"{name} takes {ratios.mean():.2f} times the {quantity} of {to}"
        note = f", n = {count}{_scale_note(results, name, reading, to)}"
        if count < 2:
            return Judgment(UNDECIDED, f"{what}{note}; one seed decides nothing")
        below, above = mean_interval(ratios)
        reason = f"{what} [{below:.2f}, {above:.2f}]{note}; claimed {low:g} to {high:g}"
        if low <= below and above <= high:
            return Judgment(HOLDS, reason)
        return Judgment(FAILS if above < low or below > high else UNDECIDED, reason)

    return predicate


def digits_ordered(
    name: str,
    *,
    easiest: tuple[str, ...] = (),
    hardest: tuple[str, ...] = (),
    metric: str = "f1",
    reading: str = HONEST,
) -> Predicate:
    """Judge whether every easiest digit beats all others, and all others beat every hardest one.

    Parameters
    ----------
    metric : "precision", "recall", "f1" or "errors"
        Of each class on the test set, paired over seeds; of errors, fewer are better.
    """
    unit, scale = ("errors", 1) if metric == "errors" else ("points", 100)

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        digits = [str(row["class"]) for row in group.runs[0].metrics["test"]["per_class"]]
        values = {digit: scale * group.values(f"{metric} of {digit}") for digit in digits}
        sign = -1 if metric == "errors" else 1
        ours = sorted(digits, key=lambda digit: -sign * values[digit].mean())
        order = f"{name}, {metric}, from easy to hard: "
        order += ", ".join(f"{digit} ({values[digit].mean():.1f})" for digit in ours)
        rest = [digit for digit in digits if digit not in easiest and digit not in hardest]
        pairs = [(easy, other) for easy in easiest for other in (*rest, *hardest)]
        pairs += [(other, hard) for hard in hardest for other in rest]
        parts = []
        for better_, worse in pairs:
            gaps = values[better_] - values[worse]
            low, high = mean_interval(sign * gaps) if group.n > 1 else (-inf, inf)
            parts.append(_decide(low, high, f"{better_} − {worse}: {_points(gaps.mean() / 100)} {unit}"))
        found = combine(parts)
        note = f", n = {group.n}{_scale_note(results, name, reading)}"
        return Judgment(found.outcome, f"{order}{note}; {found.reason}", found.parts)

    return predicate


def exceeds(name: str, metric: str, over: str, *, reading: str = HONEST) -> Predicate:
    """Judge whether one metric of `name` is higher than another, paired over seeds."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        gaps = group.values(metric) - group.values(over)
        low, high = mean_interval(gaps) if group.n > 1 else (-inf, inf)
        reason = f"{name}: {metric} − {over}: {gaps.mean():+.2f}, n = {group.n}"
        return _decide(low, high, reason + _scale_note(results, name, reading))

    return predicate


def gains(
    name: str,
    over: tuple[str, ...],
    low: float,
    high: float,
    *,
    metric: str = "test_accuracy",
    reading: str = HONEST,
) -> Predicate:
    """Judge whether `name` beats the mean of `over` by `low` to `high` (paired over seeds)."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        gaps = [difference(group, results.get(other, reading), metric) for other in over]
        # A difference of means is the mean of the differences; the interval is that of the network's seeds.
        mean = sum(gap.mean for gap in gaps) / len(gaps)
        half = sum(gap.interval[1] - gap.mean for gap in gaps) / len(gaps)
        among = over[0] if len(over) == 1 else f"the mean of {len(over)} ({', '.join(over)})"
        reason = f"{name} − {among}: {_points(mean)} points"
        note = f", n = {gaps[0].n}{_scale_note(results, name, reading, over[0])}"
        if not isfinite(half):
            return Judgment(UNDECIDED, f"{reason}{note}; one seed decides nothing")
        reason += f" [{_points(mean - half)}, {_points(mean + half)}]{note}; claimed about {_points(low)} to "
        reason += _points(high)
        if low <= mean - half and mean + half <= high:
            return Judgment(HOLDS, reason)
        return Judgment(FAILS if mean + half < low or mean - half > high else UNDECIDED, reason)

    return predicate


def always_falls(name: str, *, column: str, reading: str = HONEST) -> Predicate:
    """Judge whether a column of the history falls in every epoch: in no seed or in every seed it rises."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        rises_ = [int((np.diff(values) >= 0).sum()) for _, values in group.history(column)]
        longest = max(len(values) for _, values in group.history(column))
        reason = (
            f"{name}: {column.replace('_', ' ')} does not fall in {np.mean(rises_):.1f} of {longest - 1} "
            f"steps from one epoch to the next, n = {group.n}{_scale_note(results, name, reading)}"
        )
        if group.n < 2 or longest < 2:
            return Judgment(UNDECIDED, reason)
        return Judgment(FAILS if all(rises_) else UNDECIDED if any(rises_) else HOLDS, reason)

    return predicate


def matters_more(
    names: tuple[str, ...],
    than: tuple[str, ...],
    *,
    metric: str = "test_accuracy",
    reading: str = HONEST,
) -> Predicate:
    """Judge whether `metric` differs more among `names` than among `than` (best minus worst, by seed)."""

    def spread(results: Results, among: tuple[str, ...]) -> NDArray[np.float64]:
        groups = [results.get(name, reading) for name in among]
        count = min(group.n for group in groups)
        spread: NDArray[np.float64] = np.ptp([group.values(metric)[:count] for group in groups], axis=0)
        return spread

    def predicate(results: Results) -> Judgment:
        first, second = spread(results, names), spread(results, than)
        count = min(len(first), len(second))
        gaps = first[:count] - second[:count]
        low, high = mean_interval(gaps) if count > 1 else (-inf, inf)
        return _decide(
            low,
            high,
            f"{' / '.join(names)} differ by {100 * first.mean():.2f} points, {' / '.join(than)} by "
            f"{100 * second.mean():.2f}, n = {count}{_scale_note(results, names[0], reading, than[0])}",
        )

    return predicate


def less_overfit(name: str, *, than: str, reading: str = HONEST) -> Predicate:
    """Judge whether the gap between training and validation accuracy is smaller (paired over seeds)."""
    return better(name, than=than, metric="gap", reading=reading, lower=True)


def ranking(names: tuple[str, ...], *, metric: str = "test_accuracy", reading: str = HONEST) -> Predicate:
    """Judge whether `names` stand in this order, the best first: every neighbor must beat the next."""

    def predicate(results: Results) -> Judgment:
        means = {name: float(results.get(name, reading).values(metric).mean()) for name in names}
        ours = sorted(names, key=lambda name: -means[name])
        order = "measured order: " + " > ".join(f"{name} {100 * means[name]:.2f}" for name in ours)
        pairs = list(pairwise(names))
        joint = all_of(
            *(better(first, than=second, metric=metric, reading=reading) for first, second in pairs)
        )
        found = joint(results)
        return Judgment(found.outcome, f"{order}; of the {len(pairs)} neighbors {found.reason}", found.parts)

    return predicate


def all_of(*parts: Predicate) -> Predicate:
    """Judge a claim of several parts: it holds where all do, and fails where one does."""

    def predicate(results: Results) -> Judgment:
        judged = [judge(part, results) for part in parts]
        return combine([each for whole in judged for each in (whole.parts or (whole,))])

    return predicate


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


def best_of(name: str, *, among: tuple[str, ...], reading: str = HONEST) -> Predicate:
    """Judge whether `name` beats each of the others in `among` on the test set."""
    return all_of(*(better(name, than=other, reading=reading) for other in among if other != name))


def rises(name: str, *, metric: str, since: int, window: int = 1, reading: str = HONEST) -> Predicate:
    """Judge whether `metric` on the held-out images is higher at the end than after epoch `since`.

    The held-out images are the test set in the published reading, the validation split in the honest one.

    Parameters
    ----------
    metric : "loss" or "accuracy"
    since : int
    window : int
        Means over so many epochs are compared, those that end with `since` and those at the end.
    """
    column = f"{'test' if reading == PUBLISHED else 'validation'}_{metric}"

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        curves = group.history(column)
        if any(since >= epochs[-1] or since not in epochs for epochs, _ in curves):
            return Judgment(
                UNDECIDED, f"{name} was not trained beyond epoch {since}{_scale_note(results, name, reading)}"
            )
        rise = [
            float(np.mean(values[-window:]) - np.mean(values[: epochs.index(since) + 1][-window:]))
            for epochs, values in curves
        ]
        mean = sum(rise) / len(rise)
        what = f"{name}: {column.replace('_', ' ')} from epoch {since} to {curves[0][0][-1]}: {mean:+.4f}"
        low, high = mean_interval(rise)
        if isfinite(low):
            what += f" [{low:+.4f}, {high:+.4f}]"
        return _decide(low, high, f"{what}, n = {len(rise)}{_scale_note(results, name, reading)}")

    return predicate


def falls(name: str, *, metric: str, since: int, window: int = 1, reading: str = HONEST) -> Predicate:
    """Judge whether `metric` on the held-out images is lower at the end than after epoch `since`."""
    rise = rises(name, metric=metric, since=since, window=window, reading=reading)

    def predicate(results: Results) -> Judgment:
        found = rise(results)
        opposite = {HOLDS: FAILS, FAILS: HOLDS}
        return Judgment(opposite.get(found.outcome, found.outcome), found.reason)

    return predicate


def fits_well(name: str, *, gap: float, loss_rise: float) -> Predicate:
    """Judge whether a training neither overfits nor ends late, in the honest reading.

    Parameters
    ----------
    gap : float
        The largest difference between training and validation accuracy, both without dropout.
    loss_rise : float
        By which part the final validation loss may exceed the lowest.
    """

    def predicate(results: Results) -> Judgment:
        group = results.get(name)
        gaps = group.values("gap")
        rises_ = group.values("validation_loss") / group.values("lowest_validation_loss") - 1
        reason = (
            f"{name}: gap {100 * gaps.mean():.2f} points (limit {100 * gap:g}), final validation loss "
            f"{100 * rises_.mean():.0f}% above its lowest (limit {100 * loss_rise:g}%), n = {group.n}"
            f"{_scale_note(results, name, HONEST)}"
        )
        if group.n < 2:
            return Judgment(UNDECIDED, f"{reason}; one seed decides nothing")
        ends = [
            (low - limit, high - limit)
            for (low, high), limit in ((mean_interval(gaps), gap), (mean_interval(rises_), loss_rise))
        ]
        if any(_no_spread(low, high) for low, high in ends):
            return Judgment(UNDECIDED, f"{reason}; {NO_SPREAD}")
        if any(low > 0 for low, _ in ends):
            return Judgment(FAILS, reason)
        return Judgment(HOLDS if all(high <= 0 for _, high in ends) else UNDECIDED, reason)

    return predicate


def in_both(make: Callable[[str], Predicate]) -> Predicate:
    """Judge by the honest reading, and tell where the published one says otherwise.

    Parameters
    ----------
    make : function of a reading to a predicate
    """

    return beside(make(HONEST), make(PUBLISHED), "in the published reading")


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


def _scale_note(results: Results, name: str, reading: str, other: str = "") -> str:
    """Say so where the numbers are not the published recipe's."""
    groups = [results.find(each, reading) for each in (name, other) if each]
    scales = sorted({group.scale for group in groups if group and not group.scaled.full})
    return f" ({' and '.join(scales)} scale)" if scales else ""
