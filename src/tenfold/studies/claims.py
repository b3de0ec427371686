"""Predicates over results: each gives an outcome, and the numbers that decided it."""

from __future__ import annotations

from itertools import pairwise
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from tenfold.evaluation import mean_interval
from tenfold.studies.experiment import HONEST
from tenfold.studies.judgment import (
    FAILS,
    HOLDS,
    NO_SPREAD,
    UNDECIDED,
    Judgment,
    Predicate,
    all_of,
    combine,
    decide,
    no_spread,
    points,
    scale_note,
)
from tenfold.studies.results import Results, difference


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
        first, second = results.get_all((name, than), reading)
        gap = difference(first, second, metric)
        sign = -1 if lower else 1
        low, high = sorted(sign * (end - sign * by) for end in gap.interval)
        what = metric.replace("_", " ")
        text = (
            f"{name} − {than}: {points(gap.mean)} points of {what} "
            f"[{points(gap.interval[0])}, {points(gap.interval[1])}], n = {gap.n}"
        )
        if not isfinite(gap.interval[0]):
            text = f"{name} − {than}: {points(gap.mean)} points of {what}, n = {gap.n}"
        return decide(low, high, text + scale_note(results, name, reading, than))

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
                + scale_note(results, name, reading),
            )
        low, high = mean_interval(values)
        reason = (
            f"{what} [{100 * low:.2f}, {100 * min(high, 1):.2f}], n = {group.n}; reported {100 * value:.2f}%"
        )
        reason += scale_note(results, name, reading)
        if no_spread(low, high):
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
        return decide(value - high, value - low, reason + scale_note(results, name, reading))

    return predicate


def ratio_between(
    name: str, to: str, low: float, high: float, *, metric: str = "image_seconds", reading: str = HONEST
) -> Predicate:
    """Judge whether `metric` of `name` is `low` to `high` times that of `to` (paired over seeds).

    By default it is the training time for one image in one epoch.
    """

    def predicate(results: Results) -> Judgment:
        first, second = results.get_all((name, to), reading)
        count = min(first.n, second.n)
        ratios = first.values(metric)[:count] / second.values(metric)[:count]
        quantity = "time an image" if metric == "image_seconds" else metric
        what = f"{name} takes {ratios.mean():.2f} times the {quantity} of {to}"
        note = f", n = {count}{scale_note(results, name, reading, to)}"
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
            parts.append(decide(low, high, f"{better_} − {worse}: {points(gaps.mean() / 100)} {unit}"))
        found = combine(parts)
        note = f", n = {group.n}{scale_note(results, name, reading)}"
        return Judgment(found.outcome, f"{order}{note}; {found.reason}", found.parts)

    return predicate


def exceeds(name: str, metric: str, over: str, *, reading: str = HONEST) -> Predicate:
    """Judge whether one metric of `name` is higher than another, paired over seeds."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        gaps = group.values(metric) - group.values(over)
        low, high = mean_interval(gaps) if group.n > 1 else (-inf, inf)
        reason = f"{name}: {metric} − {over}: {gaps.mean():+.2f}, n = {group.n}"
        return decide(low, high, reason + scale_note(results, name, reading))

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
        group, *others = results.get_all((name, *over), reading)
        gaps = [difference(group, other, metric) for other in others]
        # A difference of means is the mean of the differences; the interval is that of the network's seeds.
        mean = sum(gap.mean for gap in gaps) / len(gaps)
        half = sum(gap.interval[1] - gap.mean for gap in gaps) / len(gaps)
        among = over[0] if len(over) == 1 else f"the mean of {len(over)} ({', '.join(over)})"
        reason = f"{name} − {among}: {points(mean)} points"
        note = f", n = {gaps[0].n}{scale_note(results, name, reading, over[0])}"
        if not isfinite(half):
            return Judgment(UNDECIDED, f"{reason}{note}; one seed decides nothing")
        reason += f" [{points(mean - half)}, {points(mean + half)}]{note}; claimed about {points(low)} to "
        reason += points(high)
        if low <= mean - half and mean + half <= high:
            return Judgment(HOLDS, reason)
        return Judgment(FAILS if mean + half < low or mean - half > high else UNDECIDED, reason)

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
        groups = results.get_all(among, reading)
        count = min(group.n for group in groups)
        spread: NDArray[np.float64] = np.ptp([group.values(metric)[:count] for group in groups], axis=0)
        return spread

    def predicate(results: Results) -> Judgment:
        first, second = spread(results, names), spread(results, than)
        count = min(len(first), len(second))
        gaps = first[:count] - second[:count]
        low, high = mean_interval(gaps) if count > 1 else (-inf, inf)
        return decide(
            low,
            high,
            f"{' / '.join(names)} differ by {100 * first.mean():.2f} points, {' / '.join(than)} by "
            f"{100 * second.mean():.2f}, n = {count}{scale_note(results, names[0], reading, than[0])}",
        )

    return predicate


def less_overfit(name: str, *, than: str, reading: str = HONEST) -> Predicate:
    """Judge whether the gap between training and validation accuracy is smaller (paired over seeds)."""
    return better(name, than=than, metric="gap", reading=reading, lower=True)


def ranking(names: tuple[str, ...], *, metric: str = "test_accuracy", reading: str = HONEST) -> Predicate:
    """Judge whether `names` stand in this order, the best first: every neighbor must beat the next."""

    def predicate(results: Results) -> Judgment:
        groups = results.get_all(names, reading)
        means = {group.label: float(group.values(metric).mean()) for group in groups}
        ours = sorted(names, key=lambda name: -means[name])
        order = "measured order: " + " > ".join(f"{name} {100 * means[name]:.2f}" for name in ours)
        pairs = list(pairwise(names))
        joint = all_of(
            *(better(first, than=second, metric=metric, reading=reading) for first, second in pairs)
        )
        found = joint(results)
        return Judgment(found.outcome, f"{order}; of the {len(pairs)} neighbors {found.reason}", found.parts)

    return predicate


def best_of(name: str, *, among: tuple[str, ...], reading: str = HONEST) -> Predicate:
    """Judge whether `name` beats each of the others in `among` on the test set."""
    return all_of(*(better(name, than=other, reading=reading) for other in among if other != name))
