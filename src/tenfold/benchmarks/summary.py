"""What the repeats of a benchmark say together: means with their spread, ratios, and how cost grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, log, sqrt
from statistics import mean, stdev
from types import MappingProxyType
from typing import Any, TypeGuard

import numpy as np

from tenfold.benchmarks.benchmark import Benchmark, Goal, Measure
from tenfold.benchmarks.measurements import Measurement, Measurements
from tenfold.benchmarks.recipes import Measurement as RecipeMeasurement

Repeats = tuple[float | None, ...]


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
        By measure, how many times as good as the reference, repeat by repeat; left out where one of the two
        did not reach it in a repeat that both have.
    every, every_times : dict of tuple of float or None
        The same repeat by repeat, None where it was not reached: what was not reached in every repeat, too.
    """

    side: str
    repeats: int
    measured: dict[str, Spread]
    times: dict[str, Spread]
    every: dict[str, Repeats] = field(default_factory=dict, repr=False)
    every_times: dict[str, Repeats] = field(default_factory=dict, repr=False)

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
    found = []
    for side in benchmark.sides:
        measurements = kept.of(benchmark.key, side.name)
        if not measurements:
            continue
        other = benchmark.reference_of(side)
        reference = {each.repeat: each for each in kept.of(benchmark.key, other)} if other else {}
        every = {key: tuple(each.values.get(key) for each in measurements) for key in measurements[0].values}
        every_times = {
            measure.key: ratios
            for measure in benchmark.measures
            if measure.better and measure.ratio
            if (ratios := _ratios(measure, measurements, reference))
        }
        found.append(
            Row(side.name, len(measurements), _spreads(every), _spreads(every_times), every, every_times)
        )
    return found


def _spreads(every: Mapping[str, Repeats]) -> dict[str, Spread]:
    """Return the spread of what was reached in every repeat."""
    return {key: Spread(values) for key, values in every.items() if _complete(values)}


def _complete(values: Repeats) -> TypeGuard[tuple[float, ...]]:
    return None not in values


@dataclass(frozen=True)
class Outcome:
    """What became of a goal.

    Attributes
    ----------
    goal : Goal
    measured : bool
        Whether a side that it is about was measured. Where none was, the goal is open; else it is reached, or
        not reached.
    side : str or None
        The side that counts; None where none was measured, or none is accurate enough.
    value : float or None
        What it came to; None where it was not reached in every repeat.
    limit : float or None
        What the value was held against.
    met, repeats : int
        In how many of how many repeats the limit was kept.
    also : dict of float or None
        The means of the further measures that the goal limits.
    accuracy : Spread or None
        The accuracy that the side counts by, one value a seed; None where the goal wants none.
    reached : bool
        Whether all limits were kept.
    """

    goal: Goal
    measured: bool = False
    side: str | None = None
    value: float | None = None
    limit: float | None = None
    met: int = 0
    repeats: int = 0
    also: dict[str, float | None] = field(default_factory=dict)
    accuracy: Spread | None = None
    reached: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain JSON values."""
        told = {"side": self.side, "value": self.value, "reached": self.reached}
        counts = {"measured": self.measured, "repeats_met": self.met, "repeats": self.repeats}
        further = {"also": self.also, "accuracy": self.accuracy.to_dict() if self.accuracy else None}
        return {"goal": self.goal.text, "limit": self.limit} | told | counts | further


def outcomes(
    benchmark: Benchmark, found: Sequence[Row], recipes: Mapping[str, Spread] = MappingProxyType({})
) -> list[Outcome]:
    """Return what became of each goal of a benchmark.

    Parameters
    ----------
    benchmark : Benchmark
    found : sequence of Row
        Its rows.
    recipes : dict of str to Spread
        The test accuracies of recipes, one value a seed: `recipe_accuracies`.
    """
    return [_outcome(benchmark, goal, found, recipes) for goal in benchmark.goals]


def recipe_accuracies(measurements: Sequence[RecipeMeasurement]) -> dict[str, Spread]:
    """Return the test accuracies of each recipe that was measured, seed by seed."""
    found: dict[str, list[float]] = {}
    for each in measurements:
        found.setdefault(each.name, []).append(each.accuracy)
    return {name: Spread(tuple(values)) for name, values in found.items()}


def _outcome(
    benchmark: Benchmark, goal: Goal, found: Sequence[Row], recipes: Mapping[str, Spread]
) -> Outcome:
    measures = {measure.key: measure for measure in benchmark.measures}
    less = measures[goal.measure].better == "less" and not goal.times
    measured = [row for row in found if _named(goal, row) and goal.measure in _every(goal, row)]
    judged = []
    for row in measured:
        accuracy = _accuracy(benchmark, row, recipes) if goal.accuracy else None
        if not goal.accuracy or (accuracy is not None and accuracy.mean >= goal.accuracy):
            judged.append(_judged(goal, row, measures, accuracy))
    if not judged:
        fixed = None if isinstance(goal.limit, str) else goal.limit
        return Outcome(goal, bool(measured), limit=fixed)

    def rank(outcome: Outcome) -> tuple[bool, bool, int, float]:
        value = outcome.value
        if value is None:
            return False, False, outcome.met, 0.0
        return outcome.reached, True, _kept(outcome, measures), -value if less else value

    return max(judged, key=rank)


def _judged(goal: Goal, row: Row, measures: Mapping[str, Measure], accuracy: Spread | None) -> Outcome:
    """Return what a goal comes to by one side."""
    every = _every(goal, row)[goal.measure]
    less = measures[goal.measure].better == "less" and not goal.times
    limits, limit = _limits(goal, row, len(every))
    value = mean(every) if _complete(every) else None
    also = {key: row.measured[key].mean if key in row.measured else None for key, _ in goal.also}
    met = sum(_keeps(one, own, less) for one, own in zip(every, limits, strict=True))
    found = Outcome(goal, True, row.side, value, limit, met, len(every), also, accuracy)
    return replace(found, reached=_kept(found, measures) == 1 + len(goal.also))


def _limits(goal: Goal, row: Row, repeats: int) -> tuple[Sequence[float], float]:
    """Return the limit of each repeat, and that of their mean."""
    if not isinstance(goal.limit, str):
        return [goal.limit] * repeats, goal.limit
    errors = [each for each in row.every[goal.limit] if each is not None]
    return errors, sqrt(sum(each**2 for each in errors)) / len(errors)


def _kept(outcome: Outcome, measures: Mapping[str, Measure]) -> int:
    """Return how many of a goal's limits were kept."""
    goal = outcome.goal
    less = measures[goal.measure].better == "less" and not goal.times
    first = outcome.limit is not None and _keeps(outcome.value, outcome.limit, less)
    further = (_keeps(outcome.also[key], limit, measures[key].better == "less") for key, limit in goal.also)
    return first + sum(further)


def _keeps(value: float | None, limit: float, less: bool) -> bool:
    return value is not None and (value <= limit if less else value >= limit)


def _accuracy(benchmark: Benchmark, row: Row, recipes: Mapping[str, Spread]) -> Spread | None:
    """Return the accuracy that a side counts by: over the seeds of its recipe, or its network's alone."""
    (recipe,) = (side.recipe for side in benchmark.sides if side.name == row.side)
    if recipe is not None and recipe in recipes:
        return recipes[recipe]
    alone = row.measured.get("accuracy")
    return None if alone is None else Spread((alone.mean,))


def _every(goal: Goal, row: Row) -> dict[str, Repeats]:
    return row.every_times if goal.times else row.every


def _named(goal: Goal, row: Row) -> bool:
    return row.side.startswith(goal.side[:-1]) if goal.side.endswith("*") else row.side == goal.side


def _ratios(
    measure: Measure, measurements: Sequence[Measurement], reference: dict[int, Measurement]
) -> Repeats:
    """Return how many times as good a side is as the reference, in each repeat that has both.

    Both must have been measured with the same source and versions on the same machine. None where one of the
    two did not reach it: to leave that repeat out would be to choose.
    """
    found: list[float | None] = []
    for each in measurements:
        if each.repeat in reference and each.circumstances.same(reference[each.repeat].circumstances):
            mine = each.values.get(measure.key)
            theirs = reference[each.repeat].values.get(measure.key)
            if not mine or not theirs:
                found.append(None)
            else:
                found.append(theirs / mine if measure.better == "less" else mine / theirs)
    return tuple(found)


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
