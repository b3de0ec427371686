"""Predicates over results: each gives an outcome, and the numbers that decided it."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from math import hypot, inf, isfinite, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tenfold.evaluation import mean_interval
from tenfold.report.document import Outcome
from tenfold.studies.experiment import HONEST
from tenfold.studies.judgment import (
    FAILS,
    HOLDS,
    NO_SPREAD,
    ONE_SEED,
    UNDECIDED,
    Judgment,
    Predicate,
    all_of,
    combine,
    decide,
    judged,
    no_spread,
    points,
)
from tenfold.studies.results import Results, alike, paired, per_seed

NORMAL_95 = NormalDist().inv_cdf(0.975)


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
        gaps = per_seed(first, second, metric)
        ends = mean_interval(gaps)
        low, high = sorted((-1 if lower else 1) * end for end in ends)
        text = f"{name} − {than}: {points(gaps.mean())} points of {metric.replace('_', ' ')}"
        if isfinite(low):
            text += f" [{points(ends[0])}, {points(ends[1])}]"
        text += f", n = {len(gaps)}" + (f"; more than {points(by)} claimed" if by else "")
        return decide(low, high, text, first, second, by=by, equal=not gaps.any())

    return predicate


def reaches(
    name: str,
    value: float,
    *,
    metric: str = "test_accuracy",
    reading: str = HONEST,
    rounding: float = 0.00005,
    drawn: int | None = None,
) -> Predicate:
    """Judge whether the mean of `metric` reaches a published value, which was rounded to +- `rounding`.

    Where the paper's test images are not ours, `drawn` says how many either side drew: the interval then has
    what the two draws add (normal, at the published accuracy), besides the seeds.
    """

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        values = group.values(metric)
        target = value - rounding
        low, high = mean_interval(values)
        if drawn is not None and group.n > 1:
            mean = float(values.mean())
            half = hypot(high - mean, NORMAL_95 * sqrt(2 * value * (1 - value) / drawn))
            low, high = mean - half, mean + half
        reason = f"{name}: {metric.replace('_', ' ')} {100 * values.mean():.2f}%"
        if group.n > 1:
            reason += f" [{100 * max(low, 0):.2f}, {100 * min(high, 1):.2f}], n = {group.n}"
        reason += f"; reported {100 * value:.2f}%"
        if drawn is not None:
            reason += f" on {drawn:,} other test images"
        because = ONE_SEED if group.n < 2 else NO_SPREAD if no_spread(low, high) else ""
        outcome = UNDECIDED if because else HOLDS if low >= target else FAILS if high < target else UNDECIDED
        return judged(outcome, reason, group, because=because)

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
        return decide(value - high, value - low, reason, group)

    return predicate


def ratio_between(
    name: str, to: str, low: float, high: float, *, metric: str = "image_seconds", reading: str = HONEST
) -> Predicate:
    """Judge whether `metric` of `name` is `low` to `high` times that of `to` (paired over seeds).

    By default it is the training time for one image in one epoch.
    """

    def predicate(results: Results) -> Judgment:
        first, second = results.get_all((name, to), reading)
        over, under = paired((first, second), metric)
        ratios = over / under
        quantity = "time an image" if metric == "image_seconds" else metric
        what = f"{name} takes {ratios.mean():.2f} times the {quantity} of {to}"
        if len(ratios) < 2:
            return judged(UNDECIDED, f"{what}, n = 1", first, second, because=ONE_SEED)
        below, above = mean_interval(ratios)
        reason = f"{what} [{below:.2f}, {above:.2f}], n = {len(ratios)}; claimed {low:g} to {high:g}"
        return judged(_within(below, above, low, high), reason, first, second)

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
            text = f"{better_} − {worse}: {points(gaps.mean() / 100)} {unit}"
            parts.append(decide(low, high, text, group))
        found = combine(parts)
        return replace(found, reason=f"{found.reason}; {order}, n = {group.n}")

    return predicate


def exceeds(name: str, metric: str, over: str, *, reading: str = HONEST) -> Predicate:
    """Judge whether one metric of `name` is higher than another, paired over seeds."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        gaps = group.values(metric) - group.values(over)
        low, high = mean_interval(gaps) if group.n > 1 else (-inf, inf)
        reason = f"{name}: {metric} − {over}: {gaps.mean():+.2f}, n = {group.n}"
        return decide(low, high, reason, group)

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
    """Judge whether `name` beats the mean of `over` by `low` to `high`, paired over seeds.

    The mean over the others is taken in each seed; the interval is that of the differences from it.
    """

    def predicate(results: Results) -> Judgment:
        groups = results.get_all((name, *over), reading)
        ours, *others = paired(groups, metric)
        gaps = ours - np.mean(others, axis=0)
        among = over[0] if len(over) == 1 else f"the mean of {len(over)} ({', '.join(over)})"
        reason = f"{name} − {among}: {points(gaps.mean())} points"
        if len(gaps) < 2:
            return judged(UNDECIDED, f"{reason}, n = 1", *groups, because=ONE_SEED)
        below, above = mean_interval(gaps)
        reason += f" [{points(below)}, {points(above)}], n = {len(gaps)}; claimed about {points(low)} to "
        return judged(_within(below, above, low, high), reason + points(high), *groups)

    return predicate


def matters_more(
    names: tuple[str, ...],
    than: tuple[str, ...],
    *,
    metric: str = "test_accuracy",
    reading: str = HONEST,
) -> Predicate:
    """Judge whether `metric` differs more among `names` than among `than`, paired over seeds.

    How much it differs is the mean distance of two settings, over all pairs of them. The distance of the best
    from the worst would grow with their number by chance alone, and favor the setting that was tried more
    often; the mean distance of pairs that differ by nothing but chance is the same for any number. How far
    apart the values were chosen remains the paper's own choice.
    """

    def predicate(results: Results) -> Judgment:
        groups = results.get_all((*names, *than), reading)
        values = paired(groups, metric)
        first, second = _apart(values[: len(names)]), _apart(values[len(names) :])
        gaps = first - second
        low, high = mean_interval(gaps)
        return decide(
            low,
            high,
            f"two of {' / '.join(names)} differ by {100 * first.mean():.2f} points on average, two of "
            f"{' / '.join(than)} by {100 * second.mean():.2f}, n = {len(gaps)}",
            *groups,
        )

    return predicate


def _apart(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean distance of two rows of (setting, seed) values, over all pairs of rows: (seed,)."""
    apart: NDArray[np.float64] = np.mean([abs(a - b) for a, b in combinations(values, 2)], axis=0)
    return apart


def _within(below: float, above: float, low: float, high: float) -> Outcome:
    """Return whether a mean lies from `low` to `high`, from its interval."""
    if low <= below and above <= high:
        return HOLDS
    return FAILS if above < low or below > high else UNDECIDED


def less_overfit(name: str, *, than: str, reading: str = HONEST) -> Predicate:
    """Judge whether the gap between training and validation accuracy is smaller (paired over seeds)."""
    return better(name, than=than, metric="gap", reading=reading, lower=True)


def ranking(names: tuple[str, ...], *, metric: str = "test_accuracy", reading: str = HONEST) -> Predicate:
    """Judge whether `names` stand in this order, the best first: every neighbor must beat the next."""

    def predicate(results: Results) -> Judgment:
        groups = results.get_all(names, reading)
        pairs = list(pairwise(names))
        joint = all_of(
            *(better(first, than=second, metric=metric, reading=reading) for first, second in pairs)
        )
        found = joint(results)
        if not all(alike(groups[0], other) for other in groups):
            return found  # an order of what was run by unequal lengths would be none of the models
        means = {group.label: float(group.values(metric).mean()) for group in groups}
        ours = sorted(names, key=lambda name: -means[name])
        order = " > ".join(f"{name} {100 * means[name]:.2f}" for name in ours)
        return replace(found, reason=f"{found.reason} (of neighbors); measured order: {order}")

    return predicate


def best_of(name: str, *, among: tuple[str, ...], reading: str = HONEST) -> Predicate:
    """Judge whether `name` beats each of the others in `among` on the test set."""
    return all_of(*(better(name, than=other, reading=reading) for other in among if other != name))
