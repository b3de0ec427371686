"""Predicates over results: each gives an outcome, and the numbers that decided it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tenfold.report.tables import format_number
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
from tenfold.studies.means import Mean
from tenfold.studies.results import Group, Results, alike, paired, per_seed

NONE = "it may as well show none"


def _percent(value: float) -> str:
    """Return a part of the images in percent: from 0 to 100, as an interval's end may not be."""
    return f"{100 * min(max(value, 0.0), 1.0):.2f}"


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
        gap = Mean.of(per_seed(first, second, metric))
        text = f"{name} − {than}: {points(gap.value)} points of {metric.replace('_', ' ')}{gap.told(points)}"
        text += f"; must be more than {points(by)}" if by else ""
        return decide(-gap if lower else gap, text, first, second, by=by)

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

    What is higher reaches it; where ours is so for certain, the reason says it.

    Where the paper's test images are not ours, `drawn` says how many either side drew: the interval then has
    what the two draws add (normal, at the published accuracy), besides the seeds.
    """

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        sd = sqrt(2 * value * (1 - value) / drawn) if drawn is not None else 0.0
        mean, target = Mean.of(group.values(metric), sd), value - rounding
        low, high = mean.interval()
        reason = f"{name}: {metric.replace('_', ' ')} {100 * mean.value:.2f}%{mean.told(_percent)}"
        reason += f"; reported {100 * value:.2f}%"
        if drawn is not None:
            reason += f" on {drawn:,} other test images"
        if group.n > 1 and low > value + rounding:
            reason += ", ours is higher"
        because = ONE_SEED if group.n < 2 else NO_SPREAD if no_spread(low, high) else ""
        outcome = UNDECIDED if because else HOLDS if low >= target else FAILS if high < target else UNDECIDED
        return judged(outcome, reason, group, because=because, p=mean.p(target) if outcome == FAILS else 0.0)

    return predicate


def as_printed(
    name: str,
    printed: float,
    *,
    over: str = "",
    metric: str = "test_accuracy",
    rounding: float = 0.00005,
    reading: str = HONEST,
) -> Predicate:
    """Judge whether a single run of ours shows the amount that a paper prints: a gain, or a count.

    What is printed is one draw of the authors' own, of one run and rounded, and so is not the mean of many.
    It stands beside the 95% interval of a further run of ours, mean ± t sd sqrt(1 + 1/n), widened by the
    rounding: it holds where it lies within, and fails where it lies outside. Where nothing at all lies within
    as well, it is open: a run as uneven as that cannot tell the printed amount from none.

    Parameters
    ----------
    printed : float
        In units of the metric.
    over : str
        What `name` gains over: the metric is then the difference of the two, paired over seeds.
    rounding : float
        By how much each printed number may be off; a gain is made of two.
    """
    counted = metric.startswith("errors")
    show = partial(format_number, digits=1) if counted else points
    unit = metric if counted else f"points of {metric.replace('_', ' ')}"
    off = rounding * (2 if over else 1)

    def predicate(results: Results) -> Judgment:
        groups = results.get_all((name, over) if over else (name,), reading)
        ours = paired(groups, metric)
        values = ours[0] - ours[1] if over else ours[0]
        single = Mean.of(values).single
        low, high = single.interval()
        what = f"{name} − {over}" if over else name
        reason = f"{what}: a single run shows {show(single.value)} {unit}{single.told(show)}; printed "
        reason += f"{printed:g}" if counted else f"{points(printed)} ± {100 * off:.2f}"
        if single.n < 2 or no_spread(low, high):
            return judged(UNDECIDED, reason, *groups, because=ONE_SEED if single.n < 2 else NO_SPREAD)
        nearest = min(max(single.value, printed - off), printed + off)
        if not low <= nearest <= high:
            return judged(FAILS, reason, *groups, p=single.p(nearest))
        none = low - off <= 0 <= high + off
        return judged(UNDECIDED if none else HOLDS, reason, *groups, because=NONE if none else "")

    return predicate


def stays_below(
    name: str, value: float, *, metric: str = "test_accuracy", reading: str = HONEST
) -> Predicate:
    """Judge whether the mean of `metric` lies below `value`."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        mean = Mean.of(group.values(metric))
        reason = f"{name}: {metric.replace('_', ' ')} {100 * mean.value:.2f}%{mean.told(_percent)}; "
        return decide(-mean, f"{reason}our limit: {100 * value:g}%", group, by=-value)

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
        ratio = Mean.of(over / under)
        quantity = "time an image" if metric == "image_seconds" else metric
        what = f"{name} takes {ratio.value:.2f} times the {quantity} of {to}{ratio.told('{:.2f}'.format)}"
        return _within(ratio, low, high, f"{what}; claimed {low:g} to {high:g}", first, second)

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
            gap = Mean.of((values[better_] - values[worse]) / 100)
            text = f"{better_} − {worse}: {points(gap.value)} {unit}{gap.told(points)}"
            parts.append(decide(-gap if metric == "errors" else gap, text, group))
        found = combine(parts)
        return replace(found, reason=f"{found.reason}; {order}, n = {group.n}")

    return predicate


def exceeds(name: str, metric: str, over: str, *, reading: str = HONEST) -> Predicate:
    """Judge whether one metric of `name` is higher than another, paired over seeds."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        gap = Mean.of((group.values(metric) - group.values(over)) / 100)
        return decide(gap, f"{name}: {metric} − {over}: {points(gap.value)}{gap.told(points)}", group)

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
        gap = Mean.of(ours - np.mean(others, axis=0))
        among = over[0] if len(over) == 1 else f"the mean of {len(over)} ({', '.join(over)})"
        reason = f"{name} − {among}: {points(gap.value)} points{gap.told(points)}; claimed about "
        return _within(gap, low, high, f"{reason}{points(low)} to {points(high)}", *groups)

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
        gap = Mean.of(first - second)
        reason = (
            f"two of {' / '.join(names)} differ by {100 * first.mean():.2f} points on average, two of "
            f"{' / '.join(than)} by {100 * second.mean():.2f}: {points(gap.value)}{gap.told(points)}"
        )
        return decide(gap, reason, *groups)

    return predicate


def _apart(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean distance of two rows of (setting, seed) values, over all pairs of rows: (seed,)."""
    apart: NDArray[np.float64] = np.mean([abs(a - b) for a, b in combinations(values, 2)], axis=0)
    return apart


def _within(mean: Mean, low: float, high: float, reason: str, *groups: Group) -> Judgment:
    """Judge whether a mean lies from `low` to `high`, from its interval."""
    if mean.n < 2:
        return judged(UNDECIDED, reason, *groups, because=ONE_SEED)
    below, above = mean.interval()
    if low <= below and above <= high:
        return judged(HOLDS, reason, *groups)
    if above < low or below > high:
        return judged(FAILS, reason, *groups, p=mean.p(low if above < low else high))
    return judged(UNDECIDED, reason, *groups)


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
