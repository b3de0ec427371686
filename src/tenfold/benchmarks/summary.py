"""What the repeats of a benchmark say together: means with their spread, ratios, and how cost grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import mean, stdev
from typing import Any

import numpy as np

from tenfold.benchmarks.benchmark import Benchmark, Measure
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
