"""Predicates over what happened from epoch to epoch."""

from __future__ import annotations

from math import isfinite

import numpy as np

from tenfold.evaluation import mean_interval
from tenfold.studies.experiment import HONEST, PUBLISHED
from tenfold.studies.judgment import (
    FAILS,
    HOLDS,
    NO_SPREAD,
    ONE_SEED,
    UNDECIDED,
    Judgment,
    Predicate,
    decide,
    judged,
    no_spread,
)
from tenfold.studies.results import Results


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
            float(np.mean(values[-window:]) - np.mean(values[: epochs.index(since) + 1][-window:]))
            for epochs, values in curves
        ]
        mean = sum(rise) / len(rise)
        what = f"{name}: {column.replace('_', ' ')} from epoch {since} to {curves[0][0][-1]}: {mean:+.4f}"
        low, high = mean_interval(rise)
        if isfinite(low):
            what += f" [{low:+.4f}, {high:+.4f}]"
        ends = (low, high) if up else (-high, -low)
        return decide(*ends, f"{what}, n = {len(rise)}", group)

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
        )
        if group.n < 2:
            return judged(UNDECIDED, reason, group, because=ONE_SEED)
        ends = [
            (low - limit, high - limit)
            for (low, high), limit in ((mean_interval(gaps), gap), (mean_interval(rises_), loss_rise))
        ]
        if any(no_spread(low, high) for low, high in ends):
            return judged(UNDECIDED, reason, group, because=NO_SPREAD)
        if any(low > 0 for low, _ in ends):
            return judged(FAILS, reason, group)
        return judged(HOLDS if all(high <= 0 for _, high in ends) else UNDECIDED, reason, group)

    return predicate
