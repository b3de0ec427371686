"""What the repeats of a benchmark say together: means with their spread, ratios, and how cost grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import mean, stdev
from typing import Any

import numpy as np

from tenfold.benchmarks.benchmark import Benchmark, Goal, Measure
from tenfold.benchmarks.measurements import Measurement, Measurements


@dataclass(frozen=True)
class Spread:
    """Several values of one thing.

    Attributes
    ----------
    values : tuple of float
        One a repeat, at least one.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean."""
        return mean(self.values)

    @property
    def sd(self) -> float | None:
        """The standard deviation; None of a single value."""
        return stdev(self.values) if len(self.values) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Return what is told as plain JSON values."""
        return {"mean": self.mean, "sd": self.sd, "low": min(self.values), "high": max(self.values)} | {
            "n": len(self.values)
        }


@dataclass(frozen=True)
class Row:
    """What one side came to.

    Attributes
    ----------
    side : str
    repeats : int
    measured : dict of Spread
        By measure; one that was not reached in every repeat is left out.
    times : dict of Spread
        By measure, how many times as good as the reference, repeat by repeat.
    """

    side: str
    repeats: int
    measured: dict[str, Spread]
    times: dict[str, Spread]

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return {
            "side": self.side,
            "repeats": self.repeats,
            "measured": {key: spread.to_dict() for key, spread in self.measured.items()},
            "times": {key: spread.to_dict() for key, spread in self.times.items()},
        }


def rows(benchmark: Benchmark, kept: Measurements) -> list[Row]:
    """Return what each side that was measured came to, in the benchmark's order."""
    reference = {each.repeat: each for each in kept.of(benchmark.key, benchmark.reference)}
    found = []
    for side in benchmark.sides:
        measurements = kept.of(benchmark.key, side.name)
        if not measurements:
            continue
        keys = list(measurements[0].values)
        measured = {key: spread for key in keys if (spread := _spread(measurements, key)) is not None}
        times: dict[str, Spread] = {}
        for measure in benchmark.measures:
            if measure.better and side.name != benchmark.reference:
                ratios = _ratios(measure, measurements, reference)
                if ratios:
                    times[measure.key] = Spread(tuple(ratios))
        found.append(Row(side.name, len(measurements), measured, times))
    return found


@dataclass(frozen=True)
class Outcome:
    """What became of a goal.

    Attributes
    ----------
    goal : Goal
    side : str or None
        The side that counts; None where none was measured, or none is accurate enough.
    value : float or None
        What it came to.
    reached : bool
    """

    goal: Goal
    side: str | None = None
    value: float | None = None
    reached: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain JSON values."""
        told = {"side": self.side, "value": self.value, "reached": self.reached}
        return {"goal": self.goal.text, "limit": self.goal.limit} | told


def outcomes(benchmark: Benchmark, found: Sequence[Row]) -> list[Outcome]:
    """Return what became of each goal of a benchmark, by its rows."""
    return [_outcome(benchmark, goal, found) for goal in benchmark.goals]


def _outcome(benchmark: Benchmark, goal: Goal, found: Sequence[Row]) -> Outcome:
    (measure,) = (measure for measure in benchmark.measures if measure.key == goal.measure)
    less = measure.better == "less" and not goal.times
    values = {
        row.side: spread.mean
        for row in found
        if _counts(goal, row) and (spread := (row.times if goal.times else row.measured).get(goal.measure))
    }
    if not values:
        return Outcome(goal)
    side = (min if less else max)(values, key=lambda name: values[name])
    reached = values[side] <= goal.limit if less else values[side] >= goal.limit
    return Outcome(goal, side, values[side], reached)


def _counts(goal: Goal, row: Row) -> bool:
    named = row.side.startswith(goal.side[:-1]) if goal.side.endswith("*") else row.side == goal.side
    accuracy = row.measured.get("accuracy")
    return named and (not goal.accuracy or (accuracy is not None and accuracy.mean >= goal.accuracy))


def _spread(measurements: Sequence[Measurement], key: str) -> Spread | None:
    values = [value for each in measurements if (value := each.values.get(key)) is not None]
    return Spread(tuple(values)) if len(values) == len(measurements) else None


def _ratios(
    measure: Measure, measurements: Sequence[Measurement], reference: dict[int, Measurement]
) -> list[float]:
    """Return how many times as good a side is as the reference, in each repeat that has both."""
    found = []
    for each in measurements:
        mine = each.values.get(measure.key)
        theirs = reference[each.repeat].values.get(measure.key) if each.repeat in reference else None
        if mine and theirs:
            found.append(theirs / mine if measure.better == "less" else mine / theirs)
    return found


@dataclass(frozen=True)
class Power:
    """``factor * size ** exponent``, fitted to one curve."""

    factor: float
    exponent: float

    def at(self, size: float) -> float:
        """Return the cost of a size."""
        return float(self.factor * size**self.exponent)


def fit_power(curve: dict[float, float]) -> Power:
    """Return the power that least squares fit to the logarithms of sizes and costs, all above 0."""
    sizes, costs = ([log(value) for value in values] for values in (curve, curve.values()))
    exponent, factor = np.polyfit(sizes, costs, 1)
    return Power(exp(factor), float(exponent))


def curves(measurements: Sequence[Measurement]) -> list[dict[float, float]]:
    """Return each repeat's costs by size."""
    return [
        {float(size): cost for size, cost in each.values.items() if cost is not None} for each in measurements
    ]


def exponents(measurements: Sequence[Measurement]) -> Spread:
    """Return the exponents of a curve, one a repeat."""
    return Spread(tuple(fit_power(curve).exponent for curve in curves(measurements)))
