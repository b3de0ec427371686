"""Predicates over what happened from epoch to epoch."""

from __future__ import annotations

from math import sqrt

import numpy as np

from tenfold.studies.experiment import HONEST, PUBLISHED
from tenfold.studies.judgment import (
    FAILS,
    HOLDS,
    NO_SPREAD,
    ONE_SEED,
    UNDECIDED,
    Judgment,
    Predicate,
    combine,
    decide,
    judged,
    no_spread,
    points,
)
from tenfold.studies.means import Mean
from tenfold.studies.results import Results, paired

BETWEEN_EPOCHS = 1 / sqrt(6)
"""The standard deviation of the difference of two epochs: each is known to within half of one, evenly."""


def lowest_sooner(name: str, *, than: str, reading: str = HONEST) -> Predicate:
    """Judge whether the held-out loss of `name` is lowest in an earlier epoch, paired over seeds.

    Of both the epochs are looked at that both ran: the lowest of a longer training may come later for its
    length alone. Where the loss of `than` still falls at the end, it is lowest later still.
    """
    column = f"{'test' if reading == PUBLISHED else 'validation'}_loss"

    def predicate(results: Results) -> Judgment:
        first, second = results.get_all((name, than), reading)
        paired((first, second), column)  # raises where they were not run alike
        curves = [
            dict(zip([run.seed for run in group.runs], group.history(column), strict=True))
            for group in (first, second)
        ]
        last = min(epochs[-1] for of in curves for epochs, _ in of.values())
        ours, theirs = ({seed: _lowest(*curve, last) for seed, curve in of.items()} for of in curves)
        gaps = np.array([theirs[seed] - ours[seed] for seed in sorted(ours.keys() & theirs.keys())])
        gap = Mean.of(gaps, BETWEEN_EPOCHS)
        reason = (
            f"{name}: {column.replace('_', ' ')} is lowest {gap.value:.1f} epochs before that of {than}"
            f"{gap.told('{:.1f}'.format)}, in {last} epochs of both"
        )
        return decide(gap, reason, first, second)

    return predicate


def _lowest(epochs: list[int], values: list[float], last: int) -> int:
    """Return the epoch up to `last` in which a curve is lowest."""
    return min((value, epoch) for epoch, value in zip(epochs, values, strict=True) if epoch <= last)[1]


def always_falls(name: str, *, column: str, reading: str = HONEST) -> Predicate:
    """Judge whether a column of the history falls in every epoch: in no seed or in every seed it rises."""

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        rises_ = [int((np.diff(values) >= 0).sum()) for _, values in group.history(column)]
        longest = max(len(values) for _, values in group.history(column))
        reason = (
            f"{name}: {column.replace('_', ' ')} does not fall in {np.mean(rises_):.1f} of {longest - 1} "
            f"steps from one epoch to the next, n = {group.n}"
        )
        if group.n < 2 or longest < 2:
            return judged(UNDECIDED, reason, group, because=ONE_SEED if group.n < 2 else "")
        return judged(FAILS if all(rises_) else UNDECIDED if any(rises_) else HOLDS, reason, group)

    return predicate


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
    return _changes(name, metric, since, window, reading, up=True)


def falls(name: str, *, metric: str, since: int, window: int = 1, reading: str = HONEST) -> Predicate:
    """Judge whether `metric` on the held-out images is lower at the end than after epoch `since`."""
    return _changes(name, metric, since, window, reading, up=False)


def _changes(name: str, metric: str, since: int, window: int, reading: str, *, up: bool) -> Predicate:
    column = f"{'test' if reading == PUBLISHED else 'validation'}_{metric}"

    def predicate(results: Results) -> Judgment:
        group = results.get(name, reading)
        curves = group.history(column)
        if any(since >= epochs[-1] or since not in epochs for epochs, _ in curves):
            return judged(UNDECIDED, f"{name} was not trained beyond epoch {since}", group)
        rise = [
            np.mean(values[-window:]) - np.mean(values[: epochs.index(since) + 1][-window:])
            for epochs, values in curves
        ]
        mean = Mean.of(np.array(rise))
        shown = f"{name} (as published)" if reading == PUBLISHED else name
        what = f"{shown}: {column.replace('_', ' ')} from epoch {since} to {curves[0][0][-1]}: "
        reason = f"{what}{mean.value:+.4f}{mean.told('{:+.4f}'.format)}"
        return decide(mean if up else -mean, reason, group)

    return predicate


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%".replace("-", "−")


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
        apart = Mean.of(group.values("gap"))
        rise = Mean.of(group.values("validation_loss") / group.values("lowest_validation_loss") - 1)
        reason = (
            f"{name}: gap {points(apart.value)} points{apart.told(points)} (our limit: {100 * gap:g}); final "
            f"validation loss {_percent(rise.value)} above its lowest{rise.told(_percent)} (our limit: "
            f"{100 * loss_rise:g}%)"
        )
        if group.n < 2:
            return judged(UNDECIDED, reason, group, because=ONE_SEED)
        if any(no_spread(*mean.interval()) for mean in (apart, rise)):
            return judged(UNDECIDED, reason, group, because=NO_SPREAD)
        # Two ways to fail, so a failure must be sure enough for two.
        below = combine([decide(-apart, "", by=-gap), decide(-rise, "", by=-loss_rise)])
        chance = below.reason if below.outcome == UNDECIDED and any(part.p for part in below.parts) else ""
        return judged(below.outcome, reason, group, because=chance, p=below.p)

    return predicate
